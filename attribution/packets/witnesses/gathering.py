"""Packets that say the same thing one after the other are one witness, with an interval and a count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.packets.capture import Capture
from attribution.packets.columns import TIME

FRAMES_SHOWN: Final = 16
QUIET_NS: Final = 5_000_000_000  # after so long without another, the next packet is another story
K = TypeVar("K")


@dataclass(slots=True)
class Run(Generic[K]):
    """Packets with one key that followed each other without a long pause."""

    key: K
    packets: list[int]
    start_ns: int
    end_ns: int


@dataclass(slots=True)
class Gathering(Generic[K]):
    """Collects packet indices by what they say, in the order of time."""

    capture: Capture
    quiet_ns: int = QUIET_NS
    runs: list[Run[K]] = field(default_factory=list)
    _current: dict[K, Run[K]] = field(default_factory=dict)

    def add(self, key: K, packet: int) -> None:
        time_ns = self.capture.packets[packet][TIME]
        run = self._current.get(key)
        if run is None or time_ns - run.end_ns > self.quiet_ns:
            run = self._current[key] = Run(key, [], time_ns, time_ns)
            self.runs.append(run)
        run.packets.append(packet)
        run.end_ns = max(run.end_ns, time_ns)

    def witnesses(self, describe: Callable[[Run[K]], PacketWitness | None]) -> Iterator[PacketWitness]:
        for run in self.runs:
            witness = describe(run)
            if witness is not None:
                yield witness


def testify(
    capture: Capture,
    kind: WitnessKind,
    packets: Sequence[int],
    *,
    sender: str | None,
    about: str | None,
    code: str | None = None,
    detail: str = "",
    start_ns: int | None = None,
    end_ns: int | None = None,
    count: int | None = None,
    prefixes: Sequence[str] = (),
) -> PacketWitness:
    """A witness that rests on these packets; its interval is theirs unless told otherwise."""
    first = packets[0]
    return PacketWitness(
        time_ns=capture.packets[first][TIME] if start_ns is None else start_ns,
        end_ns=capture.packets[packets[-1]][TIME] if end_ns is None else end_ns,
        origin=capture.origin,
        locator=f"frame {capture.frame_of(first)}",
        device=capture.device,
        interface=capture.origin.interface,
        kind=kind,
        sender=sender,
        about=about,
        code=code,
        count=len(packets) if count is None else count,
        detail=detail,
        frames=tuple(capture.frame_of(index) for index in packets[:FRAMES_SHOWN]),
        prefixes=tuple(prefixes),
    )
