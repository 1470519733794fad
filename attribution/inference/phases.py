"""The parts of an interruption that may have causes of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from attribution.inference.trouble import Trouble, find_trouble
from attribution.model.evidence import Journey, Measurement, Method
from attribution.model.incident import NANOSECONDS, Interval

# Phases shorter than this, or than two probe windows, are not told apart: windows and clocks blur them.
SHORTEST_PHASE_S = 2.5
MOST_PHASES = 5
# A consequence follows its cause without a recovery in between; edges are known to this (seconds).
LONGEST_GAP_S = 1.5


@dataclass(frozen=True, slots=True)
class Phase:
    """Stretches of time that share one cause: one stretch, or the many short ones of a flapping fault."""

    intervals: tuple[Interval, ...]

    @property
    def span(self) -> Interval:
        return Interval(self.intervals[0].start_ns, self.intervals[-1].end_ns)

    @property
    def seconds(self) -> float:
        return sum(interval.seconds for interval in self.intervals)


def split_phases(troubles: Sequence[Trouble], measurements: Iterable[Measurement]) -> tuple[Phase, ...]:
    """Cut each interruption where the severity changes, or trouble on a part of the way begins or ends within it."""
    measured = tuple(measurements)
    turns = sorted([*turning_points(measured), *(step for trouble in troubles for step in trouble.steps)])
    windows = sorted(m.interval.end_ns - m.interval.start_ns for m in measured if m.end_to_end)
    usual = windows[len(windows) // 2] if windows else 0
    least = max(int(SHORTEST_PHASE_S * NANOSECONDS), 2 * usual)
    intervals: list[Interval] = []
    for trouble in troubles:
        cuts = _apart(trouble.interval, turns, least)
        intervals += [Interval(start, end) for start, end in pairwise(cuts)]
    return merge_phases([Phase((interval,)) for interval in intervals])


def turning_points(measurements: Iterable[Measurement]) -> list[int]:
    """When trouble began or ended on any part of the way."""
    series: dict[tuple[Journey, ...], list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        # A traceroute is a single packet now and then, and polls are far between: what they miss has no edges.
        if not measurement.end_to_end and measurement.method not in (Method.TRACE, Method.COUNTERS):
            series[measurement.journeys].append(measurement)
    return [
        time_ns
        for members in series.values()
        if any(member.lost for member in members)
        for trouble in find_trouble(members)
        for time_ns in (trouble.interval.start_ns, trouble.interval.end_ns)
    ]


def _apart(interval: Interval, turns: Sequence[int], least: int) -> list[int]:
    """The interval's ends with those turns between that leave no phase too short; of near ones the first stands."""
    cuts = [interval.start_ns]
    for turn in turns:
        if turn - cuts[-1] >= least and interval.end_ns - turn >= least:
            cuts.append(turn)
    return [*cuts, interval.end_ns]


def merge_phases(phases: Sequence[Phase]) -> tuple[Phase, ...]:
    """At most a handful of phases: the neighbours with the smallest gap between them become one."""
    merged = list(phases)
    while len(merged) > MOST_PHASES:
        gaps = [later.span.start_ns - earlier.span.end_ns for earlier, later in pairwise(merged)]
        at = min(range(len(gaps)), key=gaps.__getitem__)
        merged[at : at + 2] = [Phase(merged[at].intervals + merged[at + 1].intervals)]
    return tuple(merged)


def join_phases(phases: Sequence[Phase], same: Sequence[bool]) -> tuple[Phase, ...]:
    """The phases with each one that is the `same` as its predecessor joined to it."""
    joined = [phases[0]]
    for phase, alike in zip(phases[1:], same[1:], strict=True):
        if not alike:
            joined.append(phase)
            continue
        last, first = joined[-1].intervals[-1], phase.intervals[0]
        if last.end_ns == first.start_ns:
            whole = Interval(last.start_ns, first.end_ns)
            joined[-1] = Phase((*joined[-1].intervals[:-1], whole, *phase.intervals[1:]))
        else:
            joined[-1] = Phase(joined[-1].intervals + phase.intervals)
    return tuple(joined)


def follows(phases: Sequence[Phase], index: int) -> bool:
    """Whether a phase begins where the one before it ends: service was not back in between."""
    if index == 0:
        return False
    gap_ns = phases[index].span.start_ns - phases[index - 1].span.end_ns
    return gap_ns <= LONGEST_GAP_S * NANOSECONDS
