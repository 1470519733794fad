"""That the service was cut off, by what devices say of themselves, where nobody counted its packets.

A session that broke, a cable or a device that went down interrupts the service if there is no way around it. While the
customer complains, and nothing was measured between the ends, that is the best that anybody knows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import product

from attribution.inference.candidates import ServicePaths
from attribution.inference.interruption import between_ends
from attribution.inference.reports import PORT_DOWN, SESSIONS
from attribution.inference.trouble import LEAST_SECONDS, Trouble, merge_overlapping
from attribution.model.evidence import Alarm, AlarmKind, Findings, Measurement
from attribution.model.incident import FOREVER_NS, NANOSECONDS, Interval
from attribution.model.observation import Caveat
from attribution.model.phrase import Template
from attribution.model.topology import NodeKind, Topology

OF_PARTS = PORT_DOWN | frozenset(
    {
        AlarmKind.DEVICE_RESTARTED,
        AlarmKind.DEVICE_UNREACHABLE,
        AlarmKind.TRAFFIC_STOPPED,
    }
)
# What is gone while it is said to be down, whoever else may still reach each other.
NOT_THERE = PORT_DOWN | {AlarmKind.DEVICE_UNREACHABLE}
# What begins with the complaint is what it is about; if nothing does, what began so long before it, or soon after. No
# trouble is taken to last longer after it than this (seconds). Who complains may be mistaken in the time: where nothing
# was down then, it is about the only thing that was, so far around it.
WITH_IT_S = 5.0
BEFORE_S, AFTER_S = 60.0, 30.0
MISTAKEN_S = 900.0
ANOTHER_TIME = Template(
    "nothing was down in the reported window; what was, {minutes:+.0f} min off its start, is taken for what was meant"
)


def told_troubles(
    findings: Findings, topology: Topology, paths: ServicePaths, ends: tuple[str, str], window: Interval
) -> tuple[Trouble, ...]:
    """When something without which the ends cannot reach each other was down, near the reported window."""
    if between_ends(findings.measurements):
        return ()
    with_it = window.widened(WITH_IT_S, WITH_IT_S)
    around = window.widened(BEFORE_S, AFTER_S)
    near = _down_within(around, findings, topology, paths, ends)
    near += _down_together(around, findings, topology, paths, ends)
    if near:
        return tuple(merge_overlapping([t for t in near if with_it.contains(t.interval.start_ns)] or near))
    far = merge_overlapping(_down_within(window.widened(MISTAKEN_S, MISTAKEN_S), findings, topology, paths, ends))
    return tuple(far) if len(far) == 1 else ()


def told_beside(
    findings: Findings,
    topology: Topology,
    paths: ServicePaths,
    ends: tuple[str, str],
    window: Interval,
    known: Sequence[Trouble],
) -> tuple[Trouble, ...]:
    """When a cable that the ends cannot do without was down in the reported window, apart from `known` troubles, or
    for longer than they lasted.

    Packets counted on the way show some outages and not others: behind a port that is down nothing gets lost.
    """
    if between_ends(findings.measurements):
        return ()
    told = _down_within(window, findings, topology, paths, ends, ports_alone=True)
    apart = (one for one in told if not any(_touches(one.interval, trouble.interval) for trouble in known))
    return (*apart, *_outlasting(known, findings, topology, paths, ends))


def _outlasting(
    known: Sequence[Trouble], findings: Findings, topology: Topology, paths: ServicePaths, ends: tuple[str, str]
) -> Iterator[Trouble]:
    """What went on of a trouble that was counted: a cable lost more and more, and then its ports were down."""
    needed = frozenset(part for part in common_to(paths.paths) if part in topology.links)
    for trouble, alarm in product(known, findings.alarms):
        end_ns = trouble.interval.end_ns
        if alarm.kind not in PORT_DOWN or alarm.component not in needed:
            continue
        if not _touches(alarm.interval, trouble.interval):
            continue
        rest_s = (alarm.interval.end_ns - end_ns - 2 * alarm.slack_ns) / NANOSECONDS
        if rest_s < WITH_IT_S or alarm.interval.end_ns >= FOREVER_NS or not is_needed(alarm.component, topology, ends):
            continue
        rest = Interval(end_ns, alarm.interval.end_ns)
        if not any(_passed(measurement, alarm.component, rest) for measurement in findings.measurements):
            yield Trouble(Interval(min(alarm.interval.start_ns, end_ns - 1), alarm.interval.end_ns), 0, 0)


def _passed(measurement: Measurement, cable: str, meanwhile: Interval) -> bool:
    """Whether packets were counted that passed a cable in a time."""
    within = meanwhile.start_ns <= measurement.interval.start_ns and measurement.interval.end_ns <= meanwhile.end_ns
    arrived = measurement.lost < measurement.sent
    return within and arrived and all(any(cable in s.components for s in j) for j in measurement.journeys)


def _touches(one: Interval, other: Interval) -> bool:
    return one.widened(LEAST_SECONDS, LEAST_SECONDS).overlaps(other)


def _down_within(
    around: Interval,
    findings: Findings,
    topology: Topology,
    paths: ServicePaths,
    ends: tuple[str, str],
    ports_alone: bool = False,
) -> list[Trouble]:
    """What the ends cannot do without, and was reported down from some moment in a time on, at most until its end.

    `ports_alone`: only what is said of a cable's ports just when they went down.
    """
    begun = [
        alarm
        for alarm in findings.alarms
        if around.contains(alarm.interval.start_ns)
        and (not ports_alone or (alarm.kind in PORT_DOWN and not alarm.slack_ns))
    ]
    if not begun:
        return []
    needed = frozenset(part for part in common_to(paths.paths) if is_needed(part, topology, ends))
    return [
        Trouble(Interval(alarm.interval.start_ns, min(alarm.interval.end_ns, around.end_ns)), 0, 0)
        for alarm in begun
        if cuts_off(alarm, needed, topology, ends)
        and alarm.interval.seconds >= LEAST_SECONDS
        and not _is_a_reaction(alarm, findings.alarms)
    ]


def _down_together(
    around: Interval, findings: Findings, topology: Topology, paths: ServicePaths, ends: tuple[str, str]
) -> list[Trouble]:
    """When several parts were down at once that the ends can do without one by one, and not without all of them: both
    uplinks of a site, say."""
    on_way = frozenset(part for path in paths.paths for part in path)
    down = [
        alarm
        for alarm in findings.alarms
        if alarm.kind in NOT_THERE
        and alarm.component not in ends
        and alarm.interval.seconds >= LEAST_SECONDS
        and not _is_a_reaction(alarm, findings.alarms)
    ]
    found: list[Trouble] = []
    begun = {alarm.interval.start_ns for alarm in down if alarm.component in on_way}
    for last in sorted(time_ns for time_ns in begun if around.contains(time_ns)):
        gone = [alarm for alarm in down if alarm.interval.start_ns <= last < alarm.interval.end_ns]
        if len({alarm.component for alarm in gone}) < 2 or are_joined({a.component for a in gone}, topology, ends):
            continue
        for back in sorted({alarm.interval.end_ns for alarm in gone}):
            if are_joined({alarm.component for alarm in gone if alarm.interval.end_ns > back}, topology, ends):
                found.append(Trouble(Interval(last, max(last + 1, min(back, around.end_ns))), 0, 0))
                break
    return found


def _is_a_reaction(alarm: Alarm, alarms: Sequence[Alarm]) -> bool:
    """Whether somebody shut a port of a device that had lost a session with somebody on the way some time before, and
    not got it back: that does not tell when the trouble began, nor by whom."""
    shut_ns = alarm.interval.start_ns
    before_ns = shut_ns - int(WITH_IT_S * NANOSECONDS)
    return alarm.kind is AlarmKind.INTERFACE_ADMIN_DOWN and any(
        other.kind in SESSIONS
        and other.kind is not AlarmKind.SESSION_ADMIN_DOWN
        and other.reporter == alarm.reporter
        and other.interval.start_ns < before_ns
        and shut_ns < other.interval.end_ns
        for other in alarms
    )


def note_another_time(told: Sequence[Trouble], window: Interval) -> Iterator[Caveat]:
    """That what was reported is taken for something that was down at another time."""
    around = window.widened(BEFORE_S, AFTER_S)
    for trouble in told:
        if not around.contains(trouble.interval.start_ns):
            apart_s = (trouble.interval.start_ns - window.start_ns) / NANOSECONDS
            yield Caveat("incident.yaml", "window", ANOTHER_TIME.fill(minutes=apart_s / 60))


def common_to(paths: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """What lies on every way between the ends, the ends left out, in the order of the first."""
    for component in paths[0][1:-1] if paths else ():
        if all(component in path for path in paths[1:]):
            yield component


def cuts_off(alarm: Alarm, needed: Collection[str], topology: Topology, ends: tuple[str, str]) -> bool:
    """Whether an alarm says that a needed part is down, or a session between two of them: of neighbours one that the
    ends cannot do without, since routers that lose an adjacency reach each other by any other way that there is."""
    if alarm.kind in SESSIONS:
        if alarm.about_peer is None or not {alarm.reporter, alarm.about_peer} <= set(needed):
            return False
        between = {link.component for link in topology.links_between(alarm.reporter, alarm.about_peer)}
        return not between or not are_joined(between, topology, ends)
    return alarm.kind in OF_PARTS and alarm.component in needed


def is_needed(component: str, topology: Topology, ends: tuple[str, str]) -> bool:
    """Whether the drawing has no way between the ends without a node or link."""
    return not are_joined({component}, topology, ends)


def are_joined(gone: Collection[str], topology: Topology, ends: tuple[str, str]) -> bool:
    """Whether the drawing has a way between the ends without some nodes and links; hosts pass nothing on."""
    first, last = ends
    seen, ahead = {first}, [first]
    while ahead:
        here = ahead.pop()
        if here != first and topology.nodes[here].kind is NodeKind.HOST:
            continue
        for link in topology.links_of(here):
            there = link.far_end(here)
            if link.component in gone or there in gone or there in seen:
                continue
            if there == last:
                return True
            seen.add(there)
            ahead.append(there)
    return False
