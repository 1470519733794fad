"""The search for trouble of the service in all kinds of evidence: between its ends, on its way, in flow records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from attribution.inference.candidates import ServicePaths
from attribution.inference.edges import date_by_captures, date_endings
from attribution.inference.interruption import detect_interruption, find_silence, on_the_unavoidable
from attribution.inference.trouble import LEAST_OFF_BALANCE, Trouble, find_trouble, merge_overlapping
from attribution.inference.unprobed import find_unprobed_trouble
from attribution.model.evidence import (
    Alarm,
    AlarmKind,
    Condition,
    Findings,
    Journey,
    Measurement,
    Method,
    Record,
    RecordKind,
)
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import Caveat
from attribution.model.topology import Topology

# What is reported or done up to so many seconds before a trouble has to do with it. What a balance of counters is
# slightly off by is trouble where the device's own counters of drops say so too, or it was worked on.
BEFORE_IT_S = 3.0
CAPTURED = (Method.ONE_POINT, Method.TWO_POINTS)
DROPS_COUNTED = frozenset({AlarmKind.INTERFACE_DISCARDS, AlarmKind.INTERFACE_ERRORS})


def add_flows(
    findings: Findings, paths: ServicePaths, topology: Topology
) -> tuple[Findings, tuple[Trouble, ...], tuple[Caveat, ...]]:
    """When there was trouble, and the evidence with what very many flow records say about the service's way.

    During trouble records do not count that crossed something off the way that lost packets too.
    """
    if not findings.flows:
        return findings, find_troubles(findings), ()
    from attribution.inference.elsewhere import find_spoiled
    from attribution.inference.flows import FlowsOnTheWay

    flows = [FlowsOnTheWay(evidence, paths) for evidence in findings.flows]
    whole = replace(findings, measurements=(*findings.measurements, *(m for f in flows for m in f.measurements())))
    troubles = find_troubles(whole)
    if not troubles:
        return whole, troubles, ()
    spoiled = find_spoiled(findings.flows, topology, paths, [trouble.interval for trouble in troubles])
    told = [m for flow, rows in zip(flows, spoiled.rows, strict=True) for m in flow.measurements(rows)]
    return replace(findings, measurements=(*findings.measurements, *told)), troubles, spoiled.caveats


def find_troubles(findings: Findings) -> tuple[Trouble, ...]:
    """Trouble between the ends; where nobody counted at both, or none was found, also that on the way.

    What one capture point infers comes late: counters and captures on the way may have seen more of it. Where captures
    missed nothing, their silence tells: packets that came steadily stop just when something is reported. Where they
    missed some, it tells since when: while nothing passes, what is lost shows only as senders try again. Of packets
    that are like none of those counted between the ends, captures tell.
    """
    found = detect_interruption(findings.measurements)
    counted = any(m.counted_between_ends for m in findings.measurements)
    if found and counted:
        found = date_by_captures(found, findings.measurements, on_the_unavoidable(findings))
        return tuple(merge_overlapping([*found, *find_unprobed_trouble(findings, found)]))
    found = tuple(merge_overlapping([*found, *_trouble_on_the_way(findings, found)]))
    if counted:
        return tuple(merge_overlapping([*found, *find_unprobed_trouble(findings, found)]))
    found = date_endings(found, findings.measurements, findings.alarms)
    if found:
        beside = (s for s in find_silence(findings) if any(s.interval.overlaps(t.interval) for t in found))
        return tuple(merge_overlapping([*found, *beside]))
    return tuple(trouble for trouble in find_silence(findings) if _is_told_of(trouble.interval, findings))


def _trouble_on_the_way(findings: Findings, known: Sequence[Trouble]) -> tuple[Trouble, ...]:
    """Trouble on any part of the way that the service cannot have gone around.

    Where somebody measured between the ends and found none, only the service's own packets tell of more: those counted
    at two points, of a class of traffic, or a flow, that nothing of what was measured belonged to; and connections that
    nobody answered at one, where no probe tried to open any. `known` is what the service's own packets told of.
    """
    whole = any(m.end_to_end and m.method is not Method.TRACE for m in findings.measurements)
    series: dict[tuple[tuple[Journey, ...], str], list[Measurement]] = defaultdict(list)
    for measurement in on_the_unavoidable(findings):
        own = measurement.of_service and measurement.method is Method.TWO_POINTS
        if own or not whole:
            series[(measurement.journeys, measurement.traffic if whole else "")].append(measurement)
    if whole:
        for measurement in _asked_in_vain(findings):
            series[(measurement.journeys, measurement.series)].append(measurement)
    polled: list[tuple[Trouble, Interval]] = []
    found: list[Trouble] = []
    for members in series.values():
        for trouble in _clear_trouble(members, findings, is_known=bool(known)):
            window = _poll_of_the_onset(trouble, members)
            if window is None:
                found.append(trouble)
            else:
                polled.append((trouble, window))
    starts = [trouble.interval.start_ns for trouble in (*known, *found)]
    passed = [m.interval for m in findings.measurements if m.of_service and m.method in CAPTURED and not m.lost]
    found += (_since_the_last_passed(trouble, window, starts, passed) for trouble, window in polled)
    return tuple(merge_overlapping(found))


def _poll_of_the_onset(trouble: Trouble, members: Sequence[Measurement]) -> Interval | None:
    """The time between two polls of counters in which a trouble began; None where it was not found by counters.

    Two ends of a cable are polled at different times, so that a loss may count into the poll before as well.
    """
    polls = [m for m in members if m.method is Method.COUNTERS and m.lost and m.interval.overlaps(trouble.interval)]
    first = min((m.interval for m in polls), key=lambda interval: interval.start_ns, default=None)
    return first.widened(0.0, first.seconds) if first is not None else None


def _since_the_last_passed(
    trouble: Trouble, window: Interval, starts: Iterable[int], passed: Iterable[Interval]
) -> Trouble:  # fmt: skip
    """A trouble that counters tell of, not before the service's packets show it.

    Between two polls nobody knows when it began, but by the share that was lost. If trouble of the service's own
    packets began in that time, it was after those that all `passed` in a stretch of time before.
    """
    start_ns, end_ns = trouble.interval.start_ns, trouble.interval.end_ns
    first = min((s for s in starts if window.start_ns <= s <= window.end_ns), default=start_ns)
    last = max((p.end_ns for p in passed if start_ns <= p.start_ns and p.end_ns <= first), default=start_ns)
    return replace(trouble, interval=Interval(last, end_ns)) if last < end_ns else trouble


def _asked_in_vain(findings: Findings) -> Iterator[Measurement]:
    """The service's own connections at single capture points, unless probes between its ends opened some.

    A firewall that is full lets go on what it knows. Segments of known connections tell of no more than was counted:
    senders lose a few while they look for their pace.
    """
    if any(m.end_to_end and m.method is Method.PROBES and m.traffic == "tcp" for m in findings.measurements):
        return
    for measurement in findings.measurements:
        if measurement.of_service and measurement.counts_connections:
            yield measurement


def _clear_trouble(members: Sequence[Measurement], findings: Findings, is_known: bool) -> list[Trouble]:
    """Trouble in one series; not what a balance of counters is off by of itself, or when it is known by better means.

    A slight unevenness is trouble beside a clear one, if something was told or done as it began; alone, only where the
    device counted drops, or was worked on.
    """
    least = LEAST_OFF_BALANCE if any(member.method is Method.COUNTERS for member in members) else 0.0
    found = [trouble for trouble in find_trouble(members) if not _is_a_late_poll(trouble, members)]
    is_clear = any(trouble.loss_ratio >= least for trouble in found)

    def is_meant(trouble: Trouble) -> bool:
        told = is_clear and _is_told_of(trouble.interval, findings)
        return told or _is_confirmed(trouble, members, findings)

    return [trouble for trouble in found if trouble.loss_ratio >= least or (not is_known and is_meant(trouble))]


def _is_confirmed(trouble: Trouble, members: Sequence[Measurement], findings: Findings) -> bool:
    """Whether a device, or one at an end of a cable, counted drops as a trouble of it began, or was worked on."""
    devices = {component for stretch in members[0].journeys[0] for component in stretch.components}
    dropped = [a for a in findings.alarms if a.kind in DROPS_COUNTED and a.reporter in devices]
    acts = [r for r in findings.records if r.component in devices and r.harmful is not Condition.NOT_MET]
    return _is_met_by(dropped, trouble.interval) or _is_met_by(acts, trouble.interval)


def _is_a_late_poll(trouble: Trouble, members: Sequence[Measurement]) -> bool:
    """Whether what is missing between the two ends of a cable, in one poll, is no more than passes in a second: one of
    the two may have been read a moment late."""
    polls = [m for m in members if m.lost and m.interval.overlaps(trouble.interval)]
    of_cables = (m.method is Method.COUNTERS and all(len(s.components) > 1 for s in m.journeys[0]) for m in polls)
    return len(polls) == 1 and all(of_cables) and polls[0].lost * polls[0].interval.seconds <= polls[0].sent


def _is_told_of(interval: Interval, findings: Findings) -> bool:
    """Whether something was reported or done when a trouble began; that traffic stopped is but the trouble once more,
    and a sender may have paused."""
    alarms = [alarm for alarm in findings.alarms if alarm.kind is not AlarmKind.TRAFFIC_STOPPED]
    acts = [record for record in findings.records if record.kind is not RecordKind.VIOLATION]
    return _is_met_by(alarms, interval) or _is_met_by(acts, interval)


def _is_met_by(events: Iterable[Alarm | Record], trouble: Interval) -> bool:
    """Whether an event began in the first half of a trouble, or shortly before."""
    first, last = trouble.start_ns - int(BEFORE_IT_S * NANOSECONDS), (trouble.start_ns + trouble.end_ns) // 2
    return any(first <= event.interval.start_ns <= last for event in events)
