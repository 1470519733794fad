"""Steps of a device's own clock, as its log states them: what it stamped in between is set right by as much.

A daemon that keeps the time logs by how much it stepped the clock, under a stamp of the clock as it is from then on
(chrony, ntpd). Where the stamps jump by just that, the lines on either side of the step are by two clocks, of which one
is wrong: the one whose stamps lie farther from the incident, else the one before the step, for a step is made to set a
clock right. A step that the stamps do not show, as where a collector stamps the lines, changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from attribution.model.incident import NANOSECONDS, Origin
from attribution.model.observation import Caveat, LogEvent, LogKind
from attribution.model.phrase import Phrase

_STEP = re.compile(r"(?:stepped by|time reset|step time server \S+ offset) (?P<seconds>[+-]?\d+(?:\.\d+)?)")
MAY_TELL = (b"stepped by", b"time reset", b"step time server")
"""What stands in a log in which a step is stated."""
_SEEN_WITHIN_NS = 60 * NANOSECONDS
_ROUNDING_NS = 2 * NANOSECONDS
"""A step shows if the line that states it comes within so long after the line before, the step taken away; of a small
one within half of it, for the lines may have come as far from each other without a step."""
_LEAST_NS = NANOSECONDS
_DAY_NS = 86_400 * NANOSECONDS


@dataclass(slots=True)
class _Clock:
    """One device's clock while its lines are followed: how far it has been stepped, and when it last spoke."""

    stepped_ns: int = 0
    before_ns: int | None = None

    def steps(self, event: LogEvent) -> bool:
        """Follow a line; whether it states a step that its stamp shows."""
        by_ns = _stated_step(event)
        if by_ns is None or self.before_ns is None or abs(by_ns) < _LEAST_NS:
            return False
        passed_ns = event.time_ns - (self.stepped_ns + by_ns) - self.before_ns
        if not -min(_ROUNDING_NS, abs(by_ns) // 4) <= passed_ns <= min(_SEEN_WITHIN_NS, abs(by_ns) // 2):
            return False
        self.stepped_ns += by_ns
        return True


def mend_steps(events: Sequence[LogEvent], origin: Origin) -> tuple[list[LogEvent], list[Caveat]]:
    """The events of a file with the times that lie behind a step set right, each with how far its clock was off, and
    one caveat for each device of which any was. Events whose offset the exporter stated are left alone."""
    if origin.clock_offset_ns is not None:
        return list(events), []
    clocks: dict[str, _Clock] = {}
    stepped_ns = [_follow(event, clocks) for event in events]
    right_ns = {device: _right(device, events, stepped_ns, clock, origin) for device, clock in clocks.items()}
    mended: list[LogEvent] = []
    wrong: dict[str, tuple[str, int, int]] = {}
    for event, by_ns in zip(events, stepped_ns, strict=True):
        ahead_ns = by_ns - right_ns[event.device]
        if abs(ahead_ns) >= _LEAST_NS:
            event = replace(event, time_ns=event.time_ns - ahead_ns, clock_ahead_ns=ahead_ns)
            first, count, _ = wrong.get(event.device, (event.locator, 0, 0))
            wrong[event.device] = (first, count + 1, ahead_ns)
        mended.append(event)
    return mended, list(_caveats(wrong, origin))


def _follow(event: LogEvent, clocks: dict[str, _Clock]) -> int:
    """By how much the clock that stamped a line had been stepped since the log's first line.

    Where a step is of more than a day, a line may still bear the stamp of another clock: whichever follows closer.
    """
    clock = clocks.setdefault(event.device, _Clock())
    clock.steps(event)
    stepped_ns = clock.stepped_ns
    if abs(stepped_ns) >= _DAY_NS and clock.before_ns is not None:
        before_ns = clock.before_ns
        stepped_ns = min((stepped_ns, 0), key=lambda by_ns: abs(event.time_ns - by_ns - before_ns))
    clock.before_ns = event.time_ns - stepped_ns
    return stepped_ns


def _stated_step(event: LogEvent) -> int | None:
    """By how much a line says that the clock was stepped, forward if positive."""
    match = _STEP.search(event.text) if event.kind is LogKind.CLOCK_CHANGED else None
    return None if match is None else round(float(match["seconds"]) * NANOSECONDS)


def _right(device: str, events: Sequence[LogEvent], stepped_ns: Sequence[int], clock: _Clock, origin: Origin) -> int:
    """By how much the clock had been stepped when it was right: as at the log's end, unless only stamps by which it had
    been stepped otherwise fall near the incident's month."""
    if abs(clock.stepped_ns) < _DAY_NS or origin.window_month is None:
        return clock.stepped_ns
    near = [
        by_ns
        for event, by_ns in zip(events, stepped_ns, strict=True)
        if event.device == device and _months_from_window(event.time_ns, origin.window_year, origin.window_month) <= 1
    ]
    return clock.stepped_ns if clock.stepped_ns in near or not near else near[-1]


def _months_from_window(time_ns: int, year: int, month: int) -> int:
    stamp = datetime.fromtimestamp(time_ns // NANOSECONDS, UTC)
    return abs(12 * (stamp.year - year) + stamp.month - month)


def _caveats(wrong: dict[str, tuple[str, int, int]], origin: Origin) -> Iterator[Caveat]:
    for device, (first, count, ahead_ns) in wrong.items():
        told = Phrase(
            "the clock of {device} was {seconds:.1f} s ahead, by the steps of it that the log states: it was set right",
            device=device,
            seconds=ahead_ns / NANOSECONDS,
        )
        yield Caveat(origin.file, first, told, count)
