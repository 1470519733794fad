"""What connections and time bins tell, gathered into witnesses: entries that say the same without a long pause."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.packets.survey import Survey

FRAMES_SHOWN: Final = 16
QUIET_NS: Final = 5_000_000_000  # after so long without another, the next entry is another story
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Entry(Generic[K]):
    """One thing that a connection tells: what, when, and the frame that shows it."""

    key: K
    time_ns: int
    end_ns: int
    frame: int
    count: int = 1


@dataclass(slots=True)
class Story(Generic[K]):
    """Entries with one key that followed each other without a long pause."""

    key: K
    start_ns: int
    end_ns: int
    count: int = 0
    frames: list[int] = field(default_factory=list)


def stories_of(entries: Iterable[Entry[K]], quiet_ns: int = QUIET_NS) -> Iterator[Story[K]]:
    """Gather entries in the order of time."""
    current: dict[K, Story[K]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.time_ns, entry.frame)):
        story = current.get(entry.key)
        if story is None or entry.time_ns - story.end_ns > quiet_ns:
            if story is not None:
                yield story
            story = current[entry.key] = Story(entry.key, entry.time_ns, entry.end_ns)
        story.end_ns = max(story.end_ns, entry.end_ns)
        story.count += entry.count
        if len(story.frames) < FRAMES_SHOWN:
            story.frames.append(entry.frame)
    yield from current.values()


def tell(
    survey: Survey, kind: WitnessKind, start_ns: int, end_ns: int, frames: Iterable[int], *, sender: str | None,
    about: str | None, count: int, code: str | None = None, detail: str = "",
) -> PacketWitness:  # fmt: skip
    """A witness that rests on these frames."""
    shown = tuple(sorted(frames)[:FRAMES_SHOWN])
    capture = survey.capture
    return PacketWitness(
        time_ns=start_ns,
        end_ns=end_ns,
        origin=capture.origin,
        locator=f"frame {shown[0]}",
        device=capture.device,
        interface=capture.origin.interface,
        kind=kind,
        sender=sender,
        about=about,
        code=code,
        count=count,
        detail=detail,
        frames=shown,
    )
