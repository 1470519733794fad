"""What devices say of themselves and their neighbours in their logs."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from attribution.detectors.addresses import layer3_neighbours, networks_in
from attribution.detectors.loss import Surroundings
from attribution.model.evidence import Alarm, AlarmKind, Citation
from attribution.model.incident import FOREVER_NS, NANOSECONDS, Interval
from attribution.model.observation import DownReason, LogEvent, LogKind, Observation
from attribution.model.phrase import Template
from attribution.model.ports import canonical_port, find_link
from attribution.model.topology import IpNetwork, NodeKind, parse_network

LOGGED = Template("{device} logged: {text}")
NOT_UNDERSTOOD = Template("{device} logged trouble that is not understood: {text}")

PORT_ALARMS = {
    LogKind.INTERFACE_DOWN: AlarmKind.INTERFACE_DOWN,
    LogKind.INTERFACE_ADMIN_DOWN: AlarmKind.INTERFACE_ADMIN_DOWN,
    LogKind.INTERFACE_ERRORS: AlarmKind.INTERFACE_ERRORS,
    # No signal comes in, or none arrives there (IEEE 802.3 clause 46.3.4): from a cut cable, or a port that is dead.
    LogKind.LOCAL_FAULT: AlarmKind.INTERFACE_DOWN,
    LogKind.REMOTE_FAULT: AlarmKind.INTERFACE_DOWN,
    # Light that fails to come in may be anybody's doing, light that fails to be sent is the own laser's.
    LogKind.OPTICS_LOW_RX: AlarmKind.OPTICS_FAULT,
    LogKind.OPTICS_LOW_TX: AlarmKind.TRANSMITTER_WEAK,
    LogKind.TRANSCEIVER_REMOVED: AlarmKind.TRANSCEIVER_REMOVED,
}
DEVICE_ALARMS = {
    LogKind.PROCESS_DOWN: AlarmKind.PROCESS_DOWN,
    LogKind.DEVICE_RESTARTED: AlarmKind.DEVICE_RESTARTED,
    LogKind.POWER_FAULT: AlarmKind.POWER_FAULT,
    LogKind.HARDWARE_FAULT: AlarmKind.HARDWARE_FAULT,
    LogKind.CPU_HIGH: AlarmKind.RESOURCES_EXHAUSTED,
    LogKind.CONTROL_PLANE_DROPS: AlarmKind.RESOURCES_EXHAUSTED,
    LogKind.MEMORY_LOW: AlarmKind.RESOURCES_EXHAUSTED,
    LogKind.CONNTRACK_FULL: AlarmKind.TABLE_FULL,
    LogKind.TEMPERATURE_HIGH: AlarmKind.HARDWARE_FAULT,
    LogKind.PREFIX_LIMIT: AlarmKind.PREFIX_LIMIT,
    LogKind.AUTHENTICATION_MISMATCH: AlarmKind.AUTHENTICATION_MISMATCH,
    LogKind.LOOP_DETECTED: AlarmKind.BRIDGING_LOOP,
    LogKind.RATE_EXCEEDED: AlarmKind.RATE_EXCEEDED,
    LogKind.ATTACK_DETECTED: AlarmKind.ATTACK,
    LogKind.GRAVE: AlarmKind.NOT_UNDERSTOOD,
}
OF_SESSIONS = frozenset({LogKind.PREFIX_LIMIT, LogKind.AUTHENTICATION_MISMATCH})
"""What a device says of itself and of the session that it keeps with somebody."""
SESSION_ALARMS = {
    DownReason.NOTIFICATION_RECEIVED: AlarmKind.SESSION_CLOSED_BY_PEER,
    DownReason.PEER_CLOSED: AlarmKind.SESSION_CLOSED_BY_PEER,
    DownReason.ADMIN_REMOTE: AlarmKind.SESSION_CLOSED_BY_PEER,
    DownReason.ADMIN_LOCAL: AlarmKind.SESSION_ADMIN_DOWN,
    DownReason.PREFIX_LIMIT: AlarmKind.PREFIX_LIMIT,
    DownReason.AUTHENTICATION: AlarmKind.AUTHENTICATION_MISMATCH,
}
ENDED_HERE = frozenset(
    {DownReason.ADMIN_LOCAL, DownReason.NOTIFICATION_SENT, DownReason.HOLD_TIMER, DownReason.DETECTION}
)
SAME_END_NS = 3 * NANOSECONDS
"""A device that ended a session itself may log within this that its peer closed the connection."""
CLEARING = {
    LogKind.INTERFACE_UP: (
        AlarmKind.INTERFACE_DOWN,
        AlarmKind.INTERFACE_ADMIN_DOWN,
        AlarmKind.OPTICS_FAULT,
        AlarmKind.TRANSMITTER_WEAK,
        AlarmKind.TRANSCEIVER_REMOVED,
        AlarmKind.DEVICE_UNREACHABLE,
    ),
    LogKind.TRANSCEIVER_INSERTED: (AlarmKind.TRANSCEIVER_REMOVED, AlarmKind.TRANSMITTER_WEAK),
    LogKind.SESSION_UP: (
        AlarmKind.SESSION_DOWN,
        AlarmKind.SESSION_CLOSED_BY_PEER,
        AlarmKind.SESSION_ADMIN_DOWN,
        AlarmKind.PREFIX_LIMIT,
        AlarmKind.AUTHENTICATION_MISMATCH,
        AlarmKind.CLOCK_WRONG,
    ),
    LogKind.PROCESS_UP: (AlarmKind.PROCESS_DOWN,),
    LogKind.HARDWARE_CLEARED: (AlarmKind.POWER_FAULT, AlarmKind.HARDWARE_FAULT, AlarmKind.RESOURCES_EXHAUSTED),
}
# With a card that is reset, or a device that restarts, all its transceivers go at once, and it says of what it suffers;
# a hand takes them out one after the other.
GONE_TOGETHER_NS = 2 * NANOSECONDS
GONE_WITH_IT_NS = 30 * NANOSECONDS
TAKES_ITS_MODULES = frozenset({LogKind.HARDWARE_FAULT, LogKind.POWER_FAULT, LogKind.DEVICE_RESTARTED})
# By a clock that is off by less than this, certificates and keys are as valid as they are.
FAR_OFF_NS = 3600 * NANOSECONDS
BY_A_WRONG_CLOCK = Template("{device} refused its peer while its own clock was {seconds:.0f} s ahead: {text}")
MOMENTARY = frozenset({AlarmKind.DEVICE_RESTARTED, AlarmKind.FILTERED, AlarmKind.NOT_UNDERSTOOD})
# What a device says again and again tells of nothing new: trouble in the same words, and what a filter always denies.
ONCE = frozenset({AlarmKind.FILTERED, AlarmKind.NOT_UNDERSTOOD})
# Digits, hexadecimal ones too: a single class, so that no line of whatever length takes more than one look.
NUMBER = re.compile(r"[0-9a-fA-F]+")
RECEIVED = re.compile(r"\brec(?:ei)?ved (?:from|NOTIFICATION)|NOTIFICATION rec(?:ei)?ved", re.IGNORECASE)
# A machine with another's address is noticed as soon as it speaks, and no longer when its port is shut: as long as a
# host takes to start, and a switch to let it speak (IEEE 802.1D: two forward delays of 15 s); and as often as devices
# mostly say that the address is twice there.
JOINED_NS, LEFT_NS = 60 * NANOSECONDS, 60 * NANOSECONDS
BETWEEN_BRIDGES = frozenset({"lacp", "stp", "oam"})
"""Protocols spoken with whoever is at the other end of the cable, a switch or a carrier's device too."""
TUNNELS = "ipsec"
"""Of the protocols the one whose daemons log line after line of one exchange, and the peer in few of them."""


def detect_log_alarms(observations: Iterable[Observation], around: Surroundings) -> Iterator[Alarm]:
    """A log line about a port, a session or the device itself, lasting until the line that takes it back."""
    events = sorted(
        (event for event in observations if isinstance(event, LogEvent) and event.device in around.topology.nodes),
        key=lambda event: event.time_ns,
    )
    events = _with_only_peers(events)
    cleared = _clearing_times(events, around)
    events = _without_modules_of_a_card(events)
    ended: dict[tuple[str, str | None], int] = {}
    refusing: dict[tuple[str, str | None], int] = {}
    wordings: set[tuple[str, str]] = set()
    limits = {(e.device, session_peer(e, around)) for e in events if e.kind is LogKind.PREFIX_LIMIT}
    intruders = _intruders_by_port(events, around)
    for event in events:
        alarm = _alarm_of(event, around)
        if alarm is not None and alarm.kind is AlarmKind.DUPLICATE_ADDRESS and alarm.about_peer is None:
            alarm = replace(alarm, about_peer=intruders.get(alarm.component))
        if alarm is None or (alarm.kind in ONCE and not _is_news(event, wordings)):
            continue
        pair = (alarm.reporter, alarm.about_peer)
        if event.kind is LogKind.SESSION_DOWN and event.reason in ENDED_HERE:
            ended[pair] = event.time_ns
        elif alarm.kind is AlarmKind.SESSION_CLOSED_BY_PEER and event.time_ns - ended.get(pair, 0) <= SAME_END_NS:
            continue  # the peer hung up because it had been told to
        times = cleared.get((alarm.kind, alarm.reporter, alarm.component, alarm.about_peer), [])
        end = next((time for time in times if time >= event.time_ns), None)
        if alarm.kind in MOMENTARY:
            end = event.time_ns + NANOSECONDS
        if alarm.kind is AlarmKind.PREFIX_LIMIT:
            alarm = _by_whose_limit(alarm, event, limits)
        yield _lasting(alarm, end)
        far_off = abs(event.clock_ahead_ns) >= FAR_OFF_NS and refusing.get(pair, 0) <= event.time_ns
        if alarm.kind is AlarmKind.AUTHENTICATION_MISMATCH and far_off:
            refusing[pair] = FOREVER_NS if end is None else end
            told = {"device": event.device, "seconds": event.clock_ahead_ns / NANOSECONDS, "text": event.text.strip()}
            refused = replace(alarm, kind=AlarmKind.CLOCK_WRONG, statement=BY_A_WRONG_CLOCK.fill(**told))
            yield _lasting(refused, end)


def _by_whose_limit(alarm: Alarm, event: LogEvent, limits: Container[tuple[str, str | None]]) -> Alarm:
    """A session closed because of too many prefixes (Cease subcode 1, RFC 4486), told of the end whose limit it was.

    The other end, which announced them, logs the same reason: as received, or where the first says what it counted.
    """
    here, peer = alarm.reporter, alarm.about_peer
    if peer is None or event.kind is not LogKind.SESSION_DOWN or (here, peer) in limits:
        return alarm
    if (peer, here) in limits or RECEIVED.search(event.text):
        return replace(alarm, component=peer, about_peer=here)
    return alarm


def _with_only_peers(events: list[LogEvent]) -> list[LogEvent]:
    """Events in which a tunnel's peer is named where the line leaves it out and the device's log knows but one."""
    peers: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if event.protocol == TUNNELS and event.peer is not None:
            peers[event.device].add(event.peer)
    only = {device: next(iter(known)) for device, known in peers.items() if len(known) == 1}
    return [
        replace(event, peer=only[event.device])
        if event.protocol == TUNNELS and event.peer is event.interface is None and event.device in only
        else event
        for event in events
    ]


def _without_modules_of_a_card(events: list[LogEvent]) -> list[LogEvent]:
    """Events, in the order of time, without those of transceivers that nobody pulled: others of the device were gone in
    the same moment, or the device said just then that a part of it failed, or that it started anew."""
    removed: dict[str, list[LogEvent]] = defaultdict(list)
    suffered: dict[str, list[int]] = defaultdict(list)
    for event in events:
        if event.kind is LogKind.TRANSCEIVER_REMOVED:
            removed[event.device].append(event)
        elif event.kind in TAKES_ITS_MODULES:
            suffered[event.device].append(event.time_ns)
    gone: set[int] = set()
    for device, pulled in removed.items():
        for event in pulled:
            if _is_near(event.time_ns, suffered[device], GONE_WITH_IT_NS):
                gone.add(id(event))
        for event, after in pairwise(pulled):
            ports = [canonical_port(one.interface or "") for one in (event, after)]
            if after.time_ns - event.time_ns <= GONE_TOGETHER_NS and ports[0] != ports[1]:
                gone |= {id(event), id(after)}
    return [event for event in events if id(event) not in gone]


def _is_near(time_ns: int, times: Sequence[int], within_ns: int) -> bool:
    at = bisect_left(times, time_ns - within_ns)
    return at < len(times) and times[at] <= time_ns + within_ns


def _end_with(event: LogEvent, around: Surroundings) -> str | None:
    """The one end of the service next to a device, behind the port that an event names, to which an address may belong
    that is no other node's."""
    networks = list(read_prefixes([event.peer or ""]))
    if not networks:
        return None
    link = find_link(around.topology, event.device, event.interface or "")
    beside = layer3_neighbours(around.topology, event.device, None if link is None else link.component)
    ends = [end for end in sorted(around.ends & beside) if around.book.may_have_address_in(end, networks[0])]
    return ends[0] if len(ends) == 1 else None


def _host_behind(event: LogEvent, around: Surroundings) -> str | None:
    """The host at the other end of the cable at the port that an event names."""
    link = find_link(around.topology, event.device, event.interface or "")
    far_end = link.far_end(event.device) if link is not None else None
    return far_end if far_end is not None and around.topology.nodes[far_end].kind is NodeKind.HOST else None


def _intruders_by_port(events: Sequence[LogEvent], around: Surroundings) -> dict[str, str]:
    """By node whose address came twice, the only host of its networks whose port came up just before that was first
    said, or was shut just after the last time; where both tell of a host, of one and the same."""
    said: dict[str, list[int]] = defaultdict(list)
    came: dict[str, list[int]] = defaultdict(list)
    went: dict[str, list[int]] = defaultdict(list)
    turns = {LogKind.INTERFACE_UP: came, LogKind.INTERFACE_ADMIN_DOWN: went}
    for event in events:
        if event.kind is LogKind.DUPLICATE_ADDRESS:
            said[_whose_address(event, around)].append(event.time_ns)
        elif event.kind in turns and (host := _host_behind(event, around)) is not None:
            turns[event.kind][host].append(event.time_ns)
    found = {}
    for owner, times in said.items():
        beside = layer3_neighbours(around.topology, owner) - around.ends
        joined = {host for host in beside if _is_between(came[host], times[0] - JOINED_NS, times[0])}
        left = {host for host in beside if _is_between(went[host], times[-1], times[-1] + LEFT_NS)}
        suspects = joined & left or joined | left
        if len(suspects) == 1:
            found[owner] = suspects.pop()
    return found


def _is_between(times: Iterable[int], first_ns: int, last_ns: int) -> bool:
    return any(first_ns <= time <= last_ns for time in times)


def _whose_address(event: LogEvent, around: Surroundings) -> str:
    """Whose address somebody else has too, by a device's word that it came twice."""
    return around.book.resolve(event.peer) or _end_with(event, around) or event.device


def _is_news(event: LogEvent, wordings: set[tuple[str, str]]) -> bool:
    """Whether a device says this for the first time; numbers, and with them times and addresses, make no difference."""
    wording = (event.device, NUMBER.sub("#", event.text))
    if wording in wordings:
        return False
    wordings.add(wording)
    return True


def _alarm_of(event: LogEvent, around: Surroundings) -> Alarm | None:
    start = Interval(event.time_ns, FOREVER_NS)
    citation = Citation(event.origin, event.locator)
    told = NOT_UNDERSTOOD if event.kind is LogKind.GRAVE else LOGGED
    statement = told.fill(device=event.device, text=event.text.strip())
    if event.kind in PORT_ALARMS:
        link = find_link(around.topology, event.device, event.interface or "")
        if link is None:
            return None
        kind = PORT_ALARMS[event.kind]
        if kind is AlarmKind.INTERFACE_DOWN and event.reason is DownReason.ADMIN_LOCAL:
            kind = AlarmKind.INTERFACE_ADMIN_DOWN
        return Alarm(start, event.device, link.component, kind, citation, statement)
    if event.kind is LogKind.NEIGHBOUR_DYING:  # it is said of a port, and is the state of the device at its far end
        link = find_link(around.topology, event.device, event.interface or "")
        if link is None:
            return None
        return Alarm(start, event.device, link.far_end(event.device), AlarmKind.DEVICE_UNREACHABLE, citation, statement)
    if event.kind is LogKind.SESSION_DOWN:
        peer = session_peer(event, around)
        if peer is None and event.peer is not None:
            return None  # with a neighbour that is not drawn: another tenant's, say
        kind = SESSION_ALARMS.get(event.reason, AlarmKind.SESSION_DOWN) if event.reason else AlarmKind.SESSION_DOWN
        return Alarm(start, event.device, event.device, kind, citation, statement, about_peer=peer)
    if event.kind is LogKind.DUPLICATE_ADDRESS:
        owner = _whose_address(event, around)
        intruder = _host_behind(event, around)
        other = intruder if intruder != owner else None
        return Alarm(start, event.device, owner, AlarmKind.DUPLICATE_ADDRESS, citation, statement, about_peer=other)
    if event.kind is LogKind.ADDRESS_ASSIGNED:
        host = around.book.resolve(event.peer)
        if host is None or host == event.device or around.topology.nodes[host].kind is not NodeKind.HOST:
            return None  # its own, or that of a router in whose place it may stand
        other = event.device
        return Alarm(start, other, host, AlarmKind.DUPLICATE_ADDRESS, citation, statement, about_peer=other)
    if event.kind is LogKind.TRAFFIC_DENIED:
        if not around.ends <= _nodes_named(event.text, around):
            return None  # what comes from elsewhere is denied every day
        return Alarm(start, event.device, event.device, AlarmKind.FILTERED, citation, statement)
    if event.kind in DEVICE_ALARMS:
        peer = session_peer(event, around) if event.kind in OF_SESSIONS else None
        return Alarm(start, event.device, event.device, DEVICE_ALARMS[event.kind], citation, statement, about_peer=peer)
    return None


def _nodes_named(text: str, around: Surroundings) -> set[str]:
    """The nodes whose addresses a line names."""
    found = (around.book.resolve(str(network.network_address)) for network in networks_in(text))
    return {node for node in found if node is not None}


def session_peer(event: LogEvent, around: Surroundings) -> str | None:
    """The node at the other end of a session: by its address, else the only neighbour behind the named port."""
    peer = around.book.resolve(event.peer)
    if peer is None and event.interface is not None:
        link = find_link(around.topology, event.device, event.interface)
        if link is None:
            return None
        beyond = layer3_neighbours(around.topology, event.device, link.component)
        routed = event.protocol not in BETWEEN_BRIDGES and len(beyond) == 1
        peer = beyond.pop() if routed else link.far_end(event.device)
    return peer


def _clearing_times(
    events: list[LogEvent], around: Surroundings
) -> dict[tuple[AlarmKind, str, str, str | None], list[int]]:
    times: dict[tuple[AlarmKind, str, str, str | None], list[int]] = defaultdict(list)
    for event in events:
        for kind in CLEARING.get(event.kind, ()):
            component: str | None = event.device
            peer = None
            if event.kind in (LogKind.INTERFACE_UP, LogKind.TRANSCEIVER_INSERTED):
                link = find_link(around.topology, event.device, event.interface or "")
                component = link.component if link is not None else None
                if link is not None and kind is AlarmKind.DEVICE_UNREACHABLE:
                    component = link.far_end(event.device)
            elif event.kind is LogKind.SESSION_UP:
                peer = session_peer(event, around)
            if component is not None:
                times[(kind, event.device, component, peer)].append(event.time_ns)
    return times


def _lasting(alarm: Alarm, end_ns: int | None) -> Alarm:
    interval = Interval(alarm.interval.start_ns, end_ns if end_ns is not None else FOREVER_NS)
    return Alarm(
        interval,
        alarm.reporter,
        alarm.component,
        alarm.kind,
        alarm.citation,
        alarm.statement,
        alarm.about_peer,
        alarm.magnitude,
    )


def read_prefixes(texts: Iterable[str]) -> Iterator[IpNetwork]:
    """Those that are prefixes: routes of other kinds are told in words."""
    for text in texts:
        try:
            yield parse_network(text)
        except ValueError:
            continue
