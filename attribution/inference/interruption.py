"""When the service was interrupted: found in the measurements between its ends, not taken from the complaint.

Where the service's packets stopped, or went missing, at capture points on the way is found here too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from itertools import groupby
from statistics import median

from attribution.inference.trouble import (
    LEAST_EVIDENCE,
    LEAST_SECONDS,
    LEAST_SILENCES,
    USUAL_LOSS_RATIO,
    Trouble,
    evidence_of_trouble,
    find_trouble,
    merge_overlapping,
)
from attribution.model.evidence import Findings, Measurement, Method
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import Caveat
from attribution.model.phrase import Template

DATED_BY_REPORT = Template(
    "the interruption is dated by this report alone: when packets were lost within its {seconds} s is not known"
)
DATED_BY_TRACEROUTES = Template(
    "the interruption is dated by traceroutes alone, {seconds} s apart: it may have begun before the first that did "
    "not arrive, and lasted beyond the last"
)
# Silence of the service's packets at all capture points is a part of the trouble that follows it up to this long: TCP
# gives up after some minutes of trying again (RFC 9293, 3.8.3).
LONGEST_SILENCE_S = 600.0


def detect_interruption(measurements: Iterable[Measurement]) -> tuple[Trouble, ...]:
    """The stretches of trouble of any class of end-to-end traffic, and of what goes one way of it; overlapping ones are
    one interruption.

    What one capture point infers from retransmissions comes late and lasts longer than the trouble itself (a sender
    waits ever longer); it is asked only where nobody counted at both ends. A report of many probes tells that some were
    lost, not when, while it was made; it is asked where nothing else tells of that time, as traceroutes are.
    """
    known = tuple(measurements)
    whole = between_ends(known)
    finer = _finer(whole)
    pools: dict[str, list[Measurement]] = defaultdict(list)
    for measurement in finer:
        pools[measurement.traffic].append(measurement)
        pools["all"].append(measurement)
        if (bound_for := _one_way(measurement)) is not None:
            pools[f"{measurement.traffic}>{bound_for}"].append(measurement)
    found = [trouble for pool in pools.values() for trouble in find_trouble(pool)]
    if not any(measurement.counted_between_ends for measurement in finer):
        stops = [trouble.interval for trouble in _other_trouble(known, finer)]
        found = [with_silence_before(trouble, finer, stops) for trouble in found]
    found += find_trouble(_reports_alone(whole))
    found += (_as_trouble(run) for run in find_unarrived(known, covered_seconds(finer)))
    return tuple(merge_overlapping(found))


def _other_trouble(measurements: Iterable[Measurement], inferred: Iterable[Measurement]) -> Iterator[Trouble]:
    """What capture points saw of the service's packets of other classes than those whose loss was inferred."""
    classes = {_class_of(m) for m in inferred}
    series: dict[str, list[Measurement]] = defaultdict(list)
    for m in measurements:
        if m.of_service and m.method in (Method.ONE_POINT, Method.TWO_POINTS) and _class_of(m) not in classes:
            series[m.series].append(m)
    for members in series.values():
        yield from find_trouble(members)


def _class_of(measurement: Measurement) -> str:
    return measurement.traffic.partition("/")[0]


def _one_way(measurement: Measurement) -> str | None:
    """The end for which packets were bound that were counted one way; None of those that had to come back."""
    ends = {journey[0].bound_for for journey in measurement.journeys if len(journey) == 1}
    return ends.pop() if measurement.counted_between_ends and len(ends) == 1 else None


def _finer(whole: Iterable[Measurement]) -> list[Measurement]:
    """What tells to the moment: counted between the ends, else what one capture point inferred."""
    known = [measurement for measurement in whole if measurement.method is not Method.TRACE]
    return [measurement for measurement in known if measurement.counted_between_ends] or known


def _reports_alone(whole: Sequence[Measurement]) -> list[Measurement]:
    """The reports of many probes of whose time nothing finer tells."""
    known = covered_seconds(_finer(whole))
    return [m for m in whole if m.method is Method.TRACE and known.isdisjoint(covered_seconds([m]))]


def note_reports(measurements: Iterable[Measurement], troubles: Sequence[Trouble]) -> Iterator[Caveat]:
    """By which reports of many probes alone an interruption is dated, which lost some meanwhile, or by traceroutes."""
    known = tuple(measurements)
    whole = between_ends(known)
    for report in _reports_alone(whole):
        if report.lost and any(trouble.interval.overlaps(report.interval) for trouble in troubles):
            seconds = round(report.interval.seconds)
            yield Caveat(report.citation.origin.file, report.citation.locator, DATED_BY_REPORT.fill(seconds=seconds))
    edges = {edge for t in troubles for edge in (t.interval.start_ns, t.interval.end_ns)}
    for run in find_unarrived(known, covered_seconds(_finer(whole))):
        interval = _as_trouble(run).interval
        if not edges.isdisjoint((interval.start_ns, interval.end_ns)):
            first, last = run[0], run[-1]
            apart_ns = (last.interval.start_ns - first.interval.start_ns) / max(1, len(run) - 1)
            reason = DATED_BY_TRACEROUTES.fill(seconds=round(apart_ns / NANOSECONDS))
            yield Caveat(first.citation.origin.file, first.citation.locator, reason)


def find_unarrived(measurements: Iterable[Measurement], known: Set[int] = frozenset()) -> list[list[Measurement]]:
    """Traceroutes from end to end that did not arrive, one after the other, and too many for it to be chance.

    The few packets of a traceroute are sent at once and lost together: it counts as one that arrived, or did not. How
    often one does not by chance, the others to the same end tell: of n of which k did not arrive, the next one does not
    in (k + 1) of (n + 2) cases (Laplace's rule of succession), so that few of them prove little. An end at which none
    arrives tells nothing; nor is a traceroute asked of whose time something finer tells, in one of the `known` seconds.
    """
    found: list[list[Measurement]] = []
    for made in _traceroutes(measurements).values():
        failed = sum(m.lost == m.sent for m in made)
        for fails, group in groupby(made, lambda m: m.lost == m.sent and known.isdisjoint(covered_seconds([m]))):
            run = list(group)
            chance = (failed - len(run) + 1) / (len(made) - len(run) + 2)
            evidence = evidence_of_trouble(len(run), len(run), max(chance, USUAL_LOSS_RATIO))
            if fails and failed < len(made) and evidence >= LEAST_EVIDENCE:
                found.append(run)
    return found


def _traceroutes(measurements: Iterable[Measurement]) -> Mapping[tuple[str, str], Sequence[Measurement]]:
    """What tells of each traceroute from one end of the service to the other whether it arrived, in order of time."""
    traces = [m for m in measurements if m.method is Method.TRACE and m.of_service and m.journeys]
    reports = {m.interval for m in traces if m.end_to_end}
    made: dict[tuple[str, str], dict[int, Measurement]] = defaultdict(dict)
    for m in sorted(traces, key=lambda m: (m.interval.start_ns, -m.lost)):
        if m.interval not in reports:
            there = m.journeys[0][0]
            made[(there.components[0], there.bound_for)][m.interval.start_ns] = m
    return {ends: tuple(of_ends.values()) for ends, of_ends in made.items()}


def _as_trouble(run: Sequence[Measurement]) -> Trouble:
    interval = Interval(run[0].interval.start_ns, run[-1].interval.end_ns)
    return Trouble(interval, sum(m.sent for m in run), sum(m.lost for m in run))


def covered_seconds(measurements: Iterable[Measurement]) -> set[int]:
    """The seconds (of the epoch) of which any of the measurements tells."""
    return {
        second
        for m in measurements
        for second in range(m.interval.start_ns // NANOSECONDS, -(-m.interval.end_ns // NANOSECONDS))
    }


def with_silence_before(
    trouble: Trouble, inferred: Sequence[Measurement], others: Iterable[Interval] = ()
) -> Trouble:  # fmt: skip
    """A trouble from the moment on when the service's packets stopped coming past the capture points at all.

    While nothing passes there is nothing that could be missed: what was lost shows when senders try again. A sender may
    also have paused before: where packets of `others`, classes in trouble at the same time, still came through in the
    silence, it began when theirs did.
    """
    windows = [measurement.interval for measurement in inferred]
    start_ns = trouble.interval.start_ns
    before = [window.end_ns for window in windows if window.end_ns <= start_ns]
    if not before or any(window.start_ns < start_ns < window.end_ns for window in windows):
        return trouble
    usual_ns = int(median(window.end_ns - window.start_ns for window in windows))
    silence_ns = start_ns - max(before)
    if not LEAST_SILENCES * usual_ns <= silence_ns <= LONGEST_SILENCE_S * NANOSECONDS:
        return trouble
    end_ns = trouble.interval.end_ns
    if end_ns - start_ns <= silence_ns:  # senders that waited ever longer only now miss what was lost
        end_ns = start_ns + usual_ns
    stopped = [o.start_ns for o in others if max(before) < o.start_ns <= start_ns <= o.end_ns]
    return replace(trouble, interval=Interval(min(stopped, default=max(before)), end_ns), steps=())


def find_silence(findings: Findings) -> tuple[Trouble, ...]:
    """The time in which none of the service's packets from one of its ends came by any capture point that it cannot go
    around, if they came steadily before and after it. Nobody counted what that end would have sent meanwhile.
    """
    unavoidable = _unavoidable(findings)
    seen: dict[str, list[Interval]] = defaultdict(list)
    for m in findings.measurements:
        captured = m.method in (Method.ONE_POINT, Method.TWO_POINTS) and _beside_the_point(m) <= unavoidable
        if m.of_service and captured and m.lost < m.sent:
            first = next((stretch for journey in m.journeys for stretch in journey), None)
            if first is not None:
                seen[first.bound_for].append(m.interval)
    silences = (silence for intervals in seen.values() if (silence := _only_pause(intervals)) is not None)
    return tuple(merge_overlapping(Trouble(silence, 0, 0) for silence in silences))


def _beside_the_point(measurement: Measurement) -> set[str]:
    """What lies on both sides of the capture point at which packets are known to have come by: a port and its link."""
    first = next((stretch for journey in measurement.journeys for stretch in journey), None)
    if first is None or not first.components:
        return set()
    before = first.components[-1:] if first.starts_inside else measurement.came_through[-1:]
    behind = first.beyond[:1] if first.starts_inside else first.components[:1]
    return {*before, *behind}


def _only_pause(intervals: Sequence[Interval]) -> Interval | None:
    """The time between steady packets that is long enough to be no pause of the sender's, if it is the only such."""
    usual_ns = int(median(interval.end_ns - interval.start_ns for interval in intervals))
    runs: list[Interval] = []
    for interval in sorted(intervals, key=lambda i: i.start_ns):
        if runs and interval.start_ns <= runs[-1].end_ns + usual_ns:
            runs[-1] = Interval(runs[-1].start_ns, max(runs[-1].end_ns, interval.end_ns))
        else:
            runs.append(interval)
    if len(runs) != 2:  # what pauses again and again is no steady traffic
        return None
    before, after = runs
    silence = Interval(before.end_ns, after.start_ns)
    least_s = LEAST_SILENCES * usual_ns / NANOSECONDS
    steady = min(before.seconds, after.seconds) >= least_s
    return silence if steady and max(least_s, LEAST_SECONDS) <= silence.seconds <= LONGEST_SILENCE_S else None


def between_ends(measurements: Iterable[Measurement]) -> tuple[Measurement, ...]:
    """What tells of the whole way: counted between the ends, else what one capture point on the way saw of both parts.

    A segment that an acknowledgement answers came from one end and reached the other, wherever it was captured.
    """
    known = tuple(measurements)
    whole = tuple(measurement for measurement in known if measurement.end_to_end)
    if any(measurement.counted_between_ends for measurement in whole):
        return whole
    parts: dict[tuple[str, Interval], list[Measurement]] = defaultdict(list)
    for measurement in known:
        if measurement.of_service and not measurement.end_to_end and measurement.method is Method.ONE_POINT:
            parts[(measurement.series.rpartition("/")[0], measurement.interval)].append(measurement)
    both = (
        replace(before, sent=max(before.sent, before.lost + beyond.lost), lost=before.lost + beyond.lost)
        for before, beyond in (pair for pair in parts.values() if len(pair) == 2)
    )
    return (*whole, *both)


def find_full_loss(measurements: Iterable[Measurement], troubles: Sequence[Trouble]) -> tuple[Interval, ...]:
    """The parts of the interruption in which nothing counted between the ends got through.

    Windows in which everything was lost, and that overlap none in which something passed, joined where they meet. What
    a window lost that begins or ends a full loss is the part of it that the full loss filled.
    """
    series: dict[str, list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        if measurement.counted_between_ends:
            series[measurement.series].append(measurement)
    told = [part for members in series.values() for part in _silent_and_passed(members)]
    passed = [part for part, silent in told if not silent]
    parts = [
        part
        for part, silent in told
        if silent
        and any(trouble.interval.overlaps(part) for trouble in troubles)
        and not any(other.overlaps(part) for other in passed)
    ]
    joined: list[Interval] = []
    for interval in sorted(parts, key=lambda i: i.start_ns):
        if joined and interval.start_ns <= joined[-1].end_ns:
            joined[-1] = Interval(joined[-1].start_ns, max(joined[-1].end_ns, interval.end_ns))
        else:
            joined.append(interval)
    return tuple(interval for interval in joined if interval.seconds >= LEAST_SECONDS)


def _silent_and_passed(series: Iterable[Measurement]) -> Iterator[tuple[Interval, bool]]:
    """The windows of one series, each with whether it lost everything; one at the edge of a full loss in two parts."""
    made = sorted(series, key=lambda m: m.interval.start_ns)
    for before, m, after in zip([None, *made], made, [*made[1:], None], strict=False):
        start_ns, end_ns = m.interval.start_ns, m.interval.end_ns
        lost_before = before is not None and before.lost == before.sent and before.interval.end_ns >= start_ns
        lost_after = after is not None and after.lost == after.sent and after.interval.start_ns <= end_ns
        if not 0 < m.lost < m.sent or lost_before == lost_after:
            yield m.interval, m.lost == m.sent
            continue
        beside = after if lost_before else before
        usual = beside.lost / beside.sent if beside is not None and beside.lost < beside.sent else 0.0
        share = max(0.0, (m.lost / m.sent - usual) / (1 - usual))
        turn_ns = start_ns + int((share if lost_before else 1 - share) * (end_ns - start_ns))
        for part in (Interval(start_ns, turn_ns), Interval(turn_ns, end_ns)):
            if part.end_ns > part.start_ns:
                yield part, (part.start_ns == start_ns) == lost_before


def _unavoidable(findings: Findings) -> frozenset[str]:
    """What all ways of the service have in common."""
    return frozenset.intersection(*(frozenset(path) for path in findings.service_paths or ((),)))


def on_the_unavoidable(findings: Findings) -> Iterator[Measurement]:
    """What was measured on parts of the way that the service cannot have gone around.

    Or of its own packets, wherever they were last seen, if they came by none of the points that they had to pass. Two
    captures also have the link behind the second one on their part: a device's packets may leave by another.
    """
    unavoidable = _unavoidable(findings)
    for measurement in findings.measurements:
        stretches = [stretch for journey in measurement.journeys for stretch in journey]
        crossed = {component for stretch in stretches for component in stretch.components}
        if measurement.method is Method.TWO_POINTS:
            crossed.update(name for s in stretches if not s.ends_inside for name in (*s.beside, *s.beyond[:1]))
        if crossed and (crossed <= unavoidable or (measurement.of_service and measurement.for_good)):
            yield measurement
