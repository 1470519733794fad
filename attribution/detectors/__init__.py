"""The detectors: observations and the topology in, evidence for and against out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from attribution.detectors.addresses import learn_addresses, recognise_end
from attribution.detectors.alarms import detect_log_alarms
from attribution.detectors.another_time import leave_out_other_times
from attribution.detectors.carrying import find_carrying
from attribution.detectors.clocks import align_clocks, describe_alignment
from attribution.detectors.cloud_actions import load_cloud_actions
from attribution.detectors.conservation import detect_counter_loss
from attribution.detectors.counters import detect_counter_alarms
from attribution.detectors.enforcement import detect_enforcement, detect_notices
from attribution.detectors.load import (
    detect_captured_load,
    detect_cloud_load,
    detect_floods,
    detect_low_limits,
    detect_overuse,
)
from attribution.detectors.loss import (
    Surroundings,
    detect_flow_loss,
    detect_probe_loss,
    detect_segment_loss,
    detect_silent_requests,
    detect_tap_loss,
    note_strangers,
    note_undrawn_flows,
)
from attribution.detectors.one_way import find_one_way, note_one_way, without_one_way
from attribution.detectors.packet_alarms import (
    Pair,
    detect_packet_alarms,
    detect_size_limits,
    detect_unanswered,
    find_absences,
)
from attribution.detectors.ports_together import detect_ports_together
from attribution.detectors.records import detect_changes, detect_cloud_calls, detect_commits, detect_operations
from attribution.detectors.resets import detect_forged_refusals, detect_forged_resets
from attribution.detectors.routes import Routes, flows_of_the_service, learn_routes
from attribution.detectors.stopped import detect_stopped
from attribution.detectors.swallowed import detect_swallowed
from attribution.detectors.traces import detect_reached_hops
from attribution.model.evidence import Alarm, AlarmKind, Citation, Coverage, Findings, Hole
from attribution.model.flow_evidence import FlowEvidence
from attribution.model.flow_table import FlowTable
from attribution.model.incident import NANOSECONDS, EvidenceType, Incident, Interval
from attribution.model.observation import Caveat, CounterSample, LogEvent, LogKind, Metric, Observation
from attribution.model.ports import find_link
from attribution.model.topology import Topology

# Two devices log one end of their session within this of each other.
ECHO_NS = 3 * NANOSECONDS
# A device that goes on after it stood still says within this time that its sessions ended (seconds).
BACK_AGAIN_S = 1.0
# A device that starts logs its first lines within this of each other (seconds).
STARTS_WITHIN_S = 120.0
# Of what a port's counters say, what tells that it was watched: its state, and its drops.
ASKED = (Metric.OPER_STATUS, Metric.IN_DISCARDS, Metric.OUT_DISCARDS)

LOSS_DETECTORS = (
    detect_probe_loss,
    detect_flow_loss,
    detect_reached_hops,
    detect_segment_loss,
    detect_swallowed,
    detect_tap_loss,
    detect_silent_requests,
)
ALARM_DETECTORS = (
    detect_log_alarms,
    detect_packet_alarms,
    detect_forged_refusals,
    detect_size_limits,
    detect_forged_resets,
    detect_unanswered,
    detect_counter_alarms,
    detect_stopped,
    detect_ports_together,
)
RECORD_DETECTORS = (detect_operations, detect_commits, detect_changes, detect_enforcement, detect_notices)


# Flow records up to this many are weighed one by one; more are added up by what they have in common.
FEW_FLOWS = 2000


def detect_evidence(
    observations: Sequence[Observation],
    topology: Topology,
    incident: Incident,
    tables: Sequence[FlowTable] = (),
    added_ns: int = 0,
) -> Findings:
    """All that the observations, and the flow records in tables, testify about this topology's components.

    `added_ns` is what all devices' clocks are behind the reported time, beyond what they are off each other.
    """
    if sum(map(len, tables)) <= FEW_FLOWS:
        observations = [*observations, *(record for table in tables for record in table.records())]
        tables = ()
    tables = [table for table in tables if len(table)]
    service = incident.service
    book, guessed = recognise_end(learn_addresses(topology, observations), service.ends, observations)
    routes = learn_routes(topology, book, observations)
    # The first record of a table stands for its file where clocks are set right.
    dated = [*observations, *(table.record(0) for table in tables)]
    around = Surroundings(topology, service, book, routes)
    aligned, caveats = align_clocks(dated, around, incident.window, added_ns)
    clocks = describe_alignment(dated, aligned, around, by_report=added_ns != 0)
    observations, firsts = aligned[: len(observations)], aligned[len(observations) :]
    observations, incident, strange = leave_out_other_times(observations, incident)
    tables = [table.shifted(first.time_ns - table.times_ns[0]) for table, first in zip(tables, firsts, strict=True)]
    stated = [record for table in tables for record in flows_of_the_service(table, book, service.ends)]
    carrying = find_carrying(observations, around, incident.window.start_ns)
    routes = learn_routes(topology, book, [*observations, *stated], carrying)
    around = Surroundings(topology, service, book, routes)
    deaf = find_one_way(observations, around)
    one_way = tuple(note_one_way(observations, deaf))
    observations = without_one_way(observations, deaf)
    alarms = [alarm for detect in ALARM_DETECTORS for alarm in detect(observations, around)]
    for detect_load in (detect_overuse, detect_cloud_load, detect_low_limits, detect_captured_load):
        alarms += detect_load(observations, around, service.bandwidth_bps)
    alarms += list(detect_floods(alarms, observations, around, service.bandwidth_bps))
    alarms = list(without_echoes(without_absentees(alarms, find_absences(observations, around))))
    records = [record for detect_records in RECORD_DETECTORS for record in detect_records(observations, around)]
    records += detect_cloud_calls(observations, around, service, load_cloud_actions())
    paths = service_paths(routes, incident)
    way = tuple(dict.fromkeys(component for path in paths for component in path))
    measurements = [m for detect_loss in LOSS_DETECTORS for m in detect_loss(observations, around)]
    measurements += detect_counter_loss(observations, around, paths, measurements)
    flows, undrawn = detect_many_flows(tables, around)
    return Findings(
        measurements=tuple(measurements),
        alarms=tuple(alarms),
        records=tuple(records),
        coverage=survey_coverage(observations, around, incident, frozenset(way)),
        service_paths=paths,
        session_paths=session_paths(alarms, routes),
        caveats=(
            *caveats,
            *strange,
            *((guessed,) if guessed is not None else ()),
            *one_way,
            *note_strangers(observations, around),
            *note_undrawn_flows(observations, around),
            *undrawn,
        ),
        flows=flows,
        clocks=clocks,
        addresses=book.resolved(),
    )


def detect_many_flows(
    tables: Sequence[FlowTable], around: Surroundings
) -> tuple[tuple[FlowEvidence, ...], tuple[Caveat, ...]]:
    """The flow records that are too many to be looked at one by one, and what was left out of them; their libraries
    load only where there are any."""
    if not tables:
        return (), ()
    from attribution.detectors.flow_columns import detect_flows, note_undrawn_rows

    flows = detect_flows(tables, around)
    return flows, tuple(caveat for evidence in flows for caveat in note_undrawn_rows(evidence))


def without_absentees(alarms: Iterable[Alarm], absences: Mapping[Pair, Sequence[Interval]]) -> list[Alarm]:
    """Alarms without those of a device that had stood still: that it heard nothing meanwhile says nothing of its peer.

    Once it goes on, its timers have run out before it reads what the peer had sent.
    """

    def was_absent(alarm: Alarm) -> bool:
        away = absences.get((alarm.reporter, alarm.about_peer or ""), ())
        return any(interval.widened(0.0, BACK_AGAIN_S).contains(alarm.interval.start_ns) for interval in away)

    return [alarm for alarm in alarms if alarm.kind is not AlarmKind.SESSION_DOWN or not was_absent(alarm)]


def without_echoes(alarms: Sequence[Alarm]) -> Iterator[Alarm]:
    """Alarms without those of a device whose peer hung up because it had heard nothing, which the peer says, or because
    the device itself did, which packets show: its log may name the end of the connection, and not the reason.
    """
    waited: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    hung_up: dict[tuple[str, str], list[int]] = defaultdict(list)
    for alarm in alarms:
        if alarm.kind is AlarmKind.SESSION_DOWN:
            waited[(alarm.reporter, alarm.about_peer)].append(alarm.interval.start_ns)
        elif alarm.kind is AlarmKind.SESSION_CLOSED_BY_PEER and _is_captured(alarm) and alarm.about_peer is not None:
            hung_up[(alarm.about_peer, alarm.reporter)].append(alarm.interval.start_ns)

    def is_near(alarm: Alarm, times: Iterable[int]) -> bool:
        return any(abs(alarm.interval.start_ns - time_ns) <= ECHO_NS for time_ns in times)

    for alarm in alarms:
        if alarm.kind is AlarmKind.SESSION_CLOSED_BY_PEER:
            own, peer = alarm.reporter, alarm.about_peer or ""
            shown = not _is_captured(alarm) and not is_near(alarm, hung_up.get((peer, own), ()))
            if is_near(alarm, waited.get((peer, own), ())) or (shown and is_near(alarm, hung_up.get((own, peer), ()))):
                continue
        yield alarm


def _is_captured(alarm: Alarm) -> bool:
    return alarm.citation.origin.type is EvidenceType.CAPTURE


def service_paths(routes: Routes, incident: Incident) -> tuple[tuple[str, ...], ...]:
    """The ways between the service's ends, both traced and drawn, all in the direction from the first to the second."""
    first, second = incident.service.ends
    there = [*routes.traced(first, second), *routes.paths(first, second, incident.window.start_ns)]
    there += routes.sightings(first, second)
    back = [*routes.traced(second, first), *routes.paths(second, first, incident.window.start_ns)]
    back += routes.sightings(second, first)
    return tuple(dict.fromkeys([*there, *(tuple(reversed(path)) for path in back)]))


def session_paths(alarms: Sequence[Alarm], routes: Routes) -> dict[tuple[str, str], frozenset[str]]:
    """Which components a session crosses, for every pair of nodes that a session alarm speaks of."""
    pairs = {(alarm.reporter, alarm.about_peer) for alarm in alarms if alarm.about_peer is not None}
    return {
        (reporter, peer): frozenset(
            component
            for path in routes.paths(reporter, peer, 0)
            for component in path
            if component not in (reporter, peer)
        )
        for reporter, peer in pairs
        if peer is not None
    }


def survey_coverage(
    observations: Sequence[Observation], around: Surroundings, incident: Incident, way: frozenset[str]
) -> Coverage:
    """Which devices' logs and counters were supplied, as far as they are about the service's way.

    A file for one device covers it even without a line. In a file for many, a device is covered once it has a line of
    its own; one about a port or a peer off the way may come from an excerpt, and tells nothing of what it left out. Who
    handed in a log that says nothing of the way, of many devices, supplied none.
    """
    logging = {origin.device for origin in incident.origins if origin.type is EvidenceType.SYSLOG and origin.device}
    polled: set[str] = set()
    counted: set[str] = set()
    told: set[str] = set()
    speaking: set[str] = set()
    for observation in observations:
        if isinstance(observation, LogEvent):
            speaking.add(observation.origin.file)
            is_new = observation.device not in logging or observation.origin.file not in told
            if is_new and is_about(observation, around, way):
                logging.add(observation.device)
                told.add(observation.origin.file)
        elif isinstance(observation, CounterSample) and observation.interface is not None:
            wanted = polled if observation.metric is Metric.OPER_STATUS else counted
            if observation.device in wanted or observation.metric not in ASKED:
                continue
            link = find_link(around.topology, observation.device, observation.interface)
            if link is not None and link.component in way:
                wanted.add(observation.device)
    known = around.topology.nodes.keys()
    common = {o.file for o in incident.origins if o.type is EvidenceType.SYSLOG and o.device is None}
    about = [o for o in incident.origins if o.file not in (common & speaking) - told]
    return Coverage(
        frozenset(logging & known),
        frozenset(polled),
        frozenset(counted),
        frozenset(origin.type for origin in about),
        frozenset((origin.type, origin.supplied_by) for origin in about if origin.supplied_by is not None),
        tuple(holes_of_logs(observations, logging & known)),
    )


def holes_of_logs(observations: Sequence[Observation], logging: Set[str]) -> Iterator[Hole]:
    """Where the logs of devices are not whole: but not where another file has what one leaves out, nor where the device
    says that it started anew, and could write nothing before."""
    events = [event for event in observations if isinstance(event, LogEvent) and event.device in logging]
    restarts = [event for event in events if event.kind is LogKind.DEVICE_RESTARTED]
    for after in events:
        if not after.silent_ns:
            continue
        hole = Interval(after.time_ns - after.silent_ns, after.time_ns)
        back = hole.widened(0.0, STARTS_WITHIN_S)
        own = any(event.device == after.device and back.contains(event.time_ns) for event in restarts)
        filled = any(event.device == after.device and hole.start_ns < event.time_ns < hole.end_ns for event in events)
        if not own and not filled:
            yield Hole(after.device, hole, Citation(after.origin, after.locator))


def is_about(event: LogEvent, around: Surroundings, way: frozenset[str]) -> bool:
    """Whether a log line concerns the service's way, or the device as a whole."""
    if event.device not in around.topology.nodes or event.kind is LogKind.GRAVE:
        return False
    if event.interface is not None:
        link = find_link(around.topology, event.device, event.interface)
        return link is not None and link.component in way
    return event.peer is None or around.book.resolve(event.peer) in way
