"""Which cause each second of an interruption is rooted in.

A cause ends when it is repaired; the interruption ends when service is back, which may be later. So a second belongs to
the root cause that had begun first among those at work; where none lasts any more, to the one repaired last,
whose aftermath it is; and before any had begun (clocks differ by a little) to the first. A cause that comes back after
another had its turn is not at work in between. Causes that hold from the same moment on share it. Consequences get
none.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.verdict import Cause


def attribute_seconds(causes: Sequence[Cause], intervals: Sequence[Interval]) -> tuple[float, ...]:
    """Seconds of the intervals rooted in each cause, in the causes' order; they add up to the intervals' seconds."""
    rooted_ns = [0.0] * len(causes)
    roots = [index for index, cause in enumerate(causes) if cause.caused_by is None]
    if not roots:
        roots = list(range(len(causes)))
    for interval in intervals:
        for phase in _phases(interval, [spell for index in roots for spell in causes[index].held]):
            if roots:
                closeness = {index: min(_closeness(s, phase) for s in causes[index].held) for index in roots}
                owners = [index for index in roots if closeness[index] == min(closeness.values())]
                for owner in owners:
                    rooted_ns[owner] += (phase.end_ns - phase.start_ns) / len(owners)
    return tuple(nanoseconds / NANOSECONDS for nanoseconds in rooted_ns)


def _phases(interval: Interval, held: Sequence[Interval]) -> list[Interval]:
    """The interval cut wherever a cause begins or ends within it."""
    instants = {instant for cause in held for instant in (cause.start_ns, cause.end_ns) if interval.contains(instant)}
    return [Interval(start, end) for start, end in pairwise(sorted(instants | {interval.start_ns, interval.end_ns}))]


def _closeness(held: Interval, phase: Interval) -> tuple[int, int]:
    """Smaller is closer: causes that last, by onset; then those over, latest repair first; then those yet to come."""
    if held.start_ns <= phase.start_ns < held.end_ns:
        return (0, held.start_ns)
    if held.end_ns <= phase.start_ns:
        return (1, -held.end_ns)
    return (2, held.start_ns)
