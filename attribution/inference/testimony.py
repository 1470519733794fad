"""How well a fault explains what devices reported, what they kept silent about, and what people did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import log

from attribution.inference.candidates import Candidate, Direction, ServicePaths
from attribution.inference.modes import Expectation, Modes, Where
from attribution.inference.reports import (
    NEEDS_COUNTERS,
    NEEDS_LOG,
    NEEDS_STATUS,
    SESSIONS,
    Testimony,
    first_of_each,
    shares_of,
)
from attribution.inference.timeliness import (
    ALARM_AFTER_S,
    ALARM_BEFORE_S,
    AS_LONG_S,
    ERRORS_ANYHOW,
    OUTLIVES,
    RESTART_AFTER_S,
    began_in_time,
    brackets,
    ended_with,
    in_time,
    lasts_as_long,
    lay_within,
    outlived,
    price_of_date,
    record_in_time,
    surely_at_work,
    was_told_late,
    wore_down,
    worn_anyhow,
)
from attribution.model.evidence import Alarm, AlarmKind, Condition, Coverage, Record, RecordKind
from attribution.model.incident import NANOSECONDS, EvidenceType, Interval
from attribution.model.observation import CommandEffectKind
from attribution.model.topology import NodeKind, Topology

# What a device says of its own end as it starts again, however long that takes it: for those who were gone, it is in
# time within RESTART_AFTER_S of when they were back.
ON_ITS_RETURN = frozenset({AlarmKind.DEVICE_RESTARTED, AlarmKind.POWER_FAULT, AlarmKind.HARDWARE_FAULT})
# States of ports are reported at once, and who is short of resources is so before it fails; later than this they speak
# of a consequence as likely as of the cause.
PROMPT_S = 4.0
PROMPT = frozenset(
    {
        AlarmKind.INTERFACE_DOWN,
        AlarmKind.INTERFACE_ADMIN_DOWN,
        AlarmKind.TRANSCEIVER_REMOVED,
        AlarmKind.PROCESS_DOWN,
        AlarmKind.RESOURCES_EXHAUSTED,
    }
)
LATE = 0.4
# No single report may count for more than this (nats): devices err, and so do those who export their logs.
MOST_FROM_ONE = 4.5
# Of an act that is on record it is known what was done, and not all that its kind may bring about is to be expected:
# how much silence weighs then.
KNOWN_ACT = 0.5
# A device that sends back a packet for an end of the service, and says why it drops it, says so as often as it drops
# one: such reports quote what was lost, and whoever captured them can show them (RFC 792, RFC 1812 §5.2.7.1, RFC 1191).
QUOTING = frozenset({AlarmKind.FILTERED, AlarmKind.PACKET_TOO_BIG})
MOST_FROM_PACKETS = 6.0
# How much the silence of a cable's other end weighs, beside that of a device that should have spoken.
OTHER_END = 0.6
# How much a device's silence weighs where it logged trouble in words that nobody understands: they may have been these.
NOT_UNDERSTOOD = 0.25
# How often a device logs such trouble just as something fails: itself or next to it, and anywhere else. Sessions that
# cross what fails elsewhere are given up later, and hosts complain whatever it is.
TROUBLE_BESIDE, TROUBLE_ELSEWHERE = 0.5, 0.04
# How often a device that is dead is heard all the same: clocks err, and so do those who say whose log it is.
HEARD_DEAD = 0.05
# How often packets are captured that a device seems to have sent which is dead: another may have its address.
SEEN_DEAD = 0.01
# Of what captures tell, that it cannot deliver, or may not, a device says in packets of its own (RFC 792, RFC 4443).
ERRORS_SENT = frozenset({AlarmKind.ROUTE_MISSING, AlarmKind.FILTERED})
# How often a carrier's equipment that gets no signal on one side shuts its laser, or port, on the other (link loss
# forwarding, a consequent action by ITU-T G.798): then the next device behind it sees its own port go down.
FORWARDED = 0.7
FORWARDS = frozenset({AlarmKind.INTERFACE_DOWN, AlarmKind.OPTICS_FAULT})

# What somebody did to a port or a session, by the word of the device itself, or to a host that he gave the address of
# another: as rare as the commands that do it.
BY_HAND = frozenset(
    {
        AlarmKind.SESSION_ADMIN_DOWN,
        AlarmKind.INTERFACE_ADMIN_DOWN,
        AlarmKind.TRANSCEIVER_REMOVED,
        AlarmKind.DUPLICATE_ADDRESS,
    }
)
RECORDED_COMMAND = 0.75
RECORDED_CHANGE = 0.5
CONFIRMED_BY_END = 3.0
# How much rarer an unrelated call is for what the drawing ties to the component.
CALLED_FOR_IT = 0.25
# How often service comes back though the audit of the cloud, which leaves no call out, shows none that takes it back.
BACK_OF_ITSELF = 0.25
FOLLOWING_COMMAND = 0.5

SEVERAL_PORTS = 2
# What a device says itself, in its log and to its poller; and what others say of it there.
OWN_WORDS = frozenset({EvidenceType.SYSLOG, EvidenceType.INTERFACE_COUNTERS, EvidenceType.PROMETHEUS})
SAID_BY_OTHERS = frozenset({AlarmKind.DEVICE_UNREACHABLE, AlarmKind.DEVICE_RESTARTED})
PASSES_FRAMES = frozenset({NodeKind.TRANSPORT, NodeKind.SWITCH})
KEEPS_SESSIONS = frozenset({NodeKind.ROUTER, NodeKind.FIREWALL, NodeKind.GATEWAY})


class Witnesses:
    """The alarms and records of one phase, with the silence of those who could have spoken.

    `is_over`: the service was measured for some time after the phase, and was well. `ends`: when its parts ended, where
    it is several phases one after the other; in the last of them routes may only be on their way back. `seen`: nodes
    whose own packets were captured meanwhile. `unheeded`: what messages that packets were too big had before them when
    they were last seen, and never came to whom they were for.
    """

    def __init__(
        self,
        alarms: Sequence[Alarm],
        records: Sequence[Record],
        coverage: Coverage,
        topology: Topology,
        paths: ServicePaths,
        session_paths: Mapping[tuple[str, str], frozenset[str]],
        modes: Modes,
        phase: Interval,
        is_over: bool = False,
        ends: Sequence[int] = (),
        seen: Collection[str] = (),
        unheeded: Collection[str] = (),
    ) -> None:
        self._seen = seen
        self._unheeded = unheeded
        self._is_over = is_over
        self._ends = ends or (phase.end_ns,)
        self._coverage = coverage
        self._topology = topology
        self._paths = paths
        self._session_paths = session_paths
        self._background = modes.background
        self._phase = phase
        heard = [alarm for alarm in alarms if in_time(alarm, phase)]
        back = _returns(heard, topology)
        heard += [alarm for alarm in alarms if not in_time(alarm, phase) and _is_told_on_return(alarm, back)]
        self._alarms = self._without_passing(first_of_each(heard))
        self._unread = {alarm.reporter: alarm for alarm in self._alarms if alarm.kind is AlarmKind.NOT_UNDERSTOOD}
        self._spoke_on = {(alarm.reporter, alarm.about_peer) for alarm in heard if alarm.spoke_on}
        self._records = [
            record for record in records if record_in_time(record, phase) or self._shows_late(record)
        ]

    @property
    def records(self) -> Sequence[Record]:
        return self._records

    def _without_passing(self, alarms: Sequence[Alarm]) -> Sequence[Alarm]:
        """The alarms but for what was gone only for a while within the phase, and its restart then."""
        if len(self._ends) > 1:
            return alarms
        passing = [alarm for alarm in alarms if lay_within(alarm, self._phase)]
        meanwhile = [(end, alarm.interval) for alarm in passing for end in self._ends_of(alarm)]

        def began_anew(alarm: Alarm) -> bool:
            return alarm.kind is AlarmKind.DEVICE_RESTARTED and any(
                alarm.component == device and span.widened(0.0, RESTART_AFTER_S).contains(alarm.interval.start_ns)
                for device, span in meanwhile
            )

        return [alarm for alarm in alarms if alarm not in passing and not began_anew(alarm)]

    def _ends_of(self, alarm: Alarm) -> tuple[str, ...]:
        """The device that an alarm is about, or those at the ends of its link."""
        link = self._topology.links.get(alarm.component)
        return link.ends if link is not None else (alarm.component,)

    def _shows_late(self, record: Record) -> bool:
        """Whether a session of a device ran out of time under a configuration of it, and was back after the next; or
        too-big messages got lost there: whoever has learnt the path's MTU tries a larger size only after some time."""
        if not (record.revised and brackets(record, self._phase, recurring=len(self._ends) > 1)):
            return False
        onset = Interval(self._phase.start_ns, self._phase.start_ns)
        return record.component in self._unheeded or any(
            alarm.kind in SESSIONS
            and record.component in (alarm.reporter, alarm.about_peer)
            and began_in_time(alarm.interval.start_ns, onset)
            for alarm in self._alarms
        )

    def testify(self, candidate: Candidate) -> Testimony:
        """Explained alarms and records speak for a candidate, expected ones that never came against it."""
        gains: dict[Alarm, float] = {}
        silence = 0.0
        for expectation in candidate.mode.expects:
            slots = self._slots(candidate, expectation)
            heard = self._matching(candidate, expectation)
            for alarm in heard:
                gain = self._gain(alarm, expectation.probability)
                if not self._is_where(alarm, candidate, expectation):
                    gain += log(FORWARDED)
                gains[alarm] = max(gains.get(alarm, 0.0), gain)
            if not heard:
                silence += slots * log(1 - expectation.probability)
            elif expectation.where is Where.END:
                silence += self._silent_end(candidate, expectation)
        gains |= self._trouble_beside(candidate)
        if candidate.record is not None:
            silence *= KNOWN_ACT
        shares = shares_of(gains)
        spoken = {alarm: share * gains[alarm] for alarm, share in shares.items()}
        acts, missing = self._acts(candidate)
        against = silence + missing + self._sign_missing(candidate, spoken) + self._heard_dead(candidate)
        return Testimony(sum(spoken.values()) + sum(acts.values()) + against, spoken, acts, against, shares)

    def _trouble_beside(self, candidate: Candidate) -> dict[Alarm, float]:
        """Whatever fails, the device itself or the next one has something to say of it just then, understood or not."""
        onset = Interval(self._phase.start_ns, self._phase.start_ns)
        prompt = [
            alarm
            for alarm in self._unread.values()
            if began_in_time(alarm.interval.start_ns, onset, PROMPT_S)
            and self._topology.nodes[alarm.reporter].kind is not NodeKind.HOST
        ]
        if not prompt:
            return {}
        gain = log(TROUBLE_BESIDE / TROUBLE_ELSEWHERE)
        beside = self._beside(candidate)
        return {alarm: gain for alarm in prompt if alarm.reporter in beside}

    def _beside(self, candidate: Candidate) -> set[str]:
        """Of a link its two ends, of a device itself and the next ones."""
        link = self._topology.links.get(candidate.link or candidate.component)
        return self._next_to(candidate.component) if link is None else set(link.ends)

    def _next_to(self, device: str) -> set[str]:
        """A device and the next ones to it; what only passes frames on, as a switch does, hides none behind it."""
        reached, asked = {device}, [device]
        while asked:
            here = asked.pop()
            if here == device or self._topology.nodes[here].kind in PASSES_FRAMES:
                found = {link.far_end(here) for link in self._topology.links_of(here)} - reached
                reached |= found
                asked += found
        return reached

    def _silent_end(self, candidate: Candidate, expectation: Expectation) -> float:
        """Where one end reports its cable down and the other, which was asked, does not, the other may be dead."""
        link = self._topology.links[candidate.link or candidate.component]
        spoke = {alarm.reporter for alarm in self._matching(candidate, expectation)}
        silent = [end for end in link.ends if end not in spoke and self._asked(end, expectation.alarm)]
        return OTHER_END * log(1 - expectation.probability) * len(silent)

    def _gain(self, alarm: Alarm, probability: float) -> float:
        if wore_down(alarm, self._phase):
            return log(probability / worn_anyhow(alarm))
        if was_told_late(alarm, self._phase):
            return log(probability / ERRORS_ANYHOW)
        by_hand = alarm.kind in BY_HAND
        if alarm.kind in QUOTING and alarm.about_peer in self._paths.ends and _is_captured(alarm):
            gain = min(log(probability / self._background["quoted"]), MOST_FROM_PACKETS)
        else:
            gain = log(probability / self._background["command" if by_hand else "alarm"])
            gain = gain if by_hand else min(gain, MOST_FROM_ONE)
        if outlived(alarm, self._phase):
            gain = max(0.0, gain + log(OUTLIVES))
        if self._lasted_as_long(alarm):  # that it was taken back is another report
            gain += log(CONFIRMED_BY_END)
        if alarm.slack_ns:  # a report that may be of any moment between two polls is more often there by chance
            window_s = self._phase.seconds + ALARM_BEFORE_S + ALARM_AFTER_S
            gain -= log(1 + 2 * alarm.slack_ns / NANOSECONDS / window_s)
        late = alarm.interval.start_ns - alarm.slack_ns - self._phase.start_ns > PROMPT_S * NANOSECONDS
        return gain * LATE if alarm.kind in PROMPT and late else gain

    def _lasted_as_long(self, alarm: Alarm) -> bool:
        """Whether a report began just as the phase did, and was taken back just as a part of it ended that is long
        enough for this to say something."""
        slack_ns = int(AS_LONG_S * NANOSECONDS) + alarm.slack_ns
        with_it = abs(alarm.interval.start_ns - self._phase.start_ns) <= slack_ns
        ends = (end_ns for end_ns in self._ends if end_ns - self._phase.start_ns >= 2 * slack_ns)
        return with_it and any(abs(alarm.interval.end_ns - end_ns) <= slack_ns for end_ns in ends)

    def _matching(self, candidate: Candidate, expectation: Expectation) -> list[Alarm]:
        told = [alarm for alarm in self._alarms if alarm.kind is expectation.alarm]
        found = [a for a in told if self._is_where(a, candidate, expectation)]
        found += [a for a in told if a not in found and self._is_forwarded(a, candidate, expectation)]
        # One port of a device that is down speaks of that port or its cable; several speak of the device.
        alone = expectation.where is Where.OWN_PORTS and expectation.alarm in NEEDS_STATUS
        return [] if alone and len({alarm.component for alarm in found}) < SEVERAL_PORTS else found

    def _is_where(self, alarm: Alarm, candidate: Candidate, expectation: Expectation) -> bool:
        where, component = expectation.where, candidate.component
        if where is Where.SELF:
            # Who was seen to speak on did not lose the session by a fault of its own.
            lost = alarm.kind in SESSIONS and (alarm.reporter, alarm.about_peer) in self._spoke_on
            return alarm.component == component and not lost
        if where is Where.OWN_PORT:
            return alarm.reporter == component and alarm.component == candidate.link
        if where is Where.OWN_PORTS:
            return alarm.reporter == component and alarm.component in self._topology.links
        if where is Where.NEIGHBOUR:
            link = self._topology.links.get(alarm.component)
            nearby = link is not None and component in link.ends and alarm.reporter != component
            return nearby and alarm.reporter in self._paths
        if where is Where.END:
            return alarm.component == candidate.link
        if where is Where.PEER:
            # Who is in one network with a host needs no route to it, only its answer (RFC 1122 §3.3.2.3).
            if alarm.kind is AlarmKind.ROUTE_MISSING and not self._is_next_router(alarm.reporter, component):
                return False
            # Somebody off the way may have lost a session with the component for reasons of its own.
            return alarm.about_peer == component and alarm.reporter in self._paths
        if where is Where.ACROSS:
            pair = (alarm.reporter, alarm.about_peer or "")
            crossed = candidate.link or component
            return alarm.reporter in self._paths and crossed in self._session_paths.get(pair, frozenset())
        if where is Where.BEYOND:
            viewer = alarm.about_peer or ""
            # Who is told that a route is gone sends nothing that way any more: what comes the other way is not meant.
            told_of = self._paths.direction_of((viewer, alarm.reporter))
            is_meant = candidate.direction in (Direction.BOTH, told_of) and self._cuts_off(candidate, alarm)
            return is_meant and self._paths.lies_behind(candidate.link or component, alarm.reporter, viewer)
        end = alarm.about_peer
        if alarm.kind is AlarmKind.ROUTE_MISSING and end is not None and end in self._paths:
            # What it has no route for lies ahead of it, and so does the reason: all before it let the packets pass.
            is_meant = candidate.direction in (Direction.BOTH, self._paths.direction_of((alarm.reporter, end)))
            return is_meant and self._paths.lies_between(candidate.link or component, alarm.reporter, end)
        return alarm.reporter in self._paths or alarm.component in self._paths

    def _is_next_router(self, router: str, end: str) -> bool:
        return self._paths.is_next_router(router, end, self._topology)

    def _is_forwarded(self, alarm: Alarm, candidate: Candidate, expectation: Expectation) -> bool:
        """Whether a port went down because what lies between it and a candidate passes on that it gets no signal."""
        if alarm.kind not in FORWARDS or expectation.where not in (Where.NEIGHBOUR, Where.END):
            return False
        lost = candidate.component if expectation.where is Where.NEIGHBOUR else candidate.link
        return alarm.reporter in self._paths and lost in self._signals_behind(alarm)

    def _signals_behind(self, alarm: Alarm) -> set[str]:
        """The cables and devices from which the carrier's equipment behind a port gets what it passes on to that port.

        None where it says itself that the cable to the port is down; and none behind a port of that equipment itself:
        the line between two of them stays lit whatever the one gets, and carries a signal of maintenance instead.
        """
        link = self._topology.links.get(alarm.component)
        if link is None or alarm.reporter not in link.ends:
            return set()
        if self._topology.nodes[alarm.reporter].kind is NodeKind.TRANSPORT:
            return set()
        first = link.far_end(alarm.reporter)
        if any(a.reporter == first and a.component == alarm.component and a.kind in FORWARDS for a in self._alarms):
            return set()
        found, asked, passed = set[str](), [first], {first, alarm.reporter}
        while asked:
            here = asked.pop()
            if self._topology.nodes[here].kind is not NodeKind.TRANSPORT:
                continue
            for other in self._topology.links_of(here):
                behind = other.far_end(here)
                if behind not in passed:
                    passed.add(behind)
                    found |= {other.component, behind}
                    asked.append(behind)
        return found

    def _cuts_off(self, candidate: Candidate, alarm: Alarm) -> bool:
        """Whether a fault lies between who took routes back and all routers that lost theirs by it, or befell them."""
        where = candidate.link or candidate.component
        known = (router for router in alarm.gone if router in self._paths)
        return all(self._paths.lies_between(where, alarm.reporter, router) for router in known)

    def _slots(self, candidate: Candidate, expectation: Expectation) -> float:
        """How many independent witnesses could have made an expected report, weighed by how surely they were asked."""
        where, component = expectation.where, candidate.component
        if where in (Where.ACROSS, Where.BEYOND, Where.ANYWHERE):
            return 0.0
        if where is Where.SELF and expectation.alarm is AlarmKind.DEVICE_UNREACHABLE:
            return 1.0 if component in self._coverage.polled else 0.0
        if where in (Where.SELF, Where.OWN_PORT, Where.OWN_PORTS):
            return self._asked(component, expectation.alarm)
        if where is Where.END:
            link = self._topology.links[candidate.link or component]
            return max(self._asked(end, expectation.alarm) for end in link.ends)
        if where is Where.PEER:
            around = self._peers(component) if self._coverage.logging else set()
        else:
            around = {link.far_end(component) for link in self._topology.links_of(component)}
        return max((self._asked(device, expectation.alarm) for device in around if device in self._paths), default=0.0)

    def _peers(self, component: str) -> set[str]:
        """Who keeps a session with a device: what routes, next to what routes."""
        nodes = self._topology.nodes
        routing = {device for device in self._next_to(component) if nodes[device].kind in KEEPS_SESSIONS}
        return routing - {component} if component in routing else set()

    def _asked(self, device: str, kind: AlarmKind) -> float:
        if kind in NEEDS_LOG:
            return self._logging(device)
        if kind in NEEDS_COUNTERS:
            return 1.0 if device in self._coverage.counted else 0.0
        if kind in NEEDS_STATUS:
            return 1.0 if device in self._coverage.polled else self._logging(device)
        return 0.0

    def _logging(self, device: str) -> float:
        """How much it means that a device's log is silent."""
        if device not in self._coverage.logging:
            return 0.0
        return NOT_UNDERSTOOD if device in self._unread else 1.0

    def _sign_missing(self, candidate: Candidate, spoken: Mapping[Alarm, float]) -> float:
        sign = candidate.mode.sign
        if sign is None or candidate.record is not None or any(alarm.kind is sign for alarm in spoken):
            return 0.0
        return log(candidate.mode.unseen)

    def _heard_dead(self, candidate: Candidate) -> float:
        """A device that speaks is not dead, nor one that sends packets."""
        if not candidate.mode.dead:
            return 0.0
        if candidate.component in self._seen:
            return log(SEEN_DEAD)
        while_dead = surely_at_work(self._phase)
        spoken = [
            alarm
            for alarm in self._alarms
            if alarm.reporter == candidate.component
            and while_dead.contains(alarm.interval.start_ns - alarm.slack_ns)
            and while_dead.contains(alarm.interval.start_ns + alarm.slack_ns)
        ]
        if any(a.citation.origin.type is EvidenceType.CAPTURE and a.kind in ERRORS_SENT for a in spoken):
            return log(SEEN_DEAD)
        heard = any(a.citation.origin.type in OWN_WORDS and a.kind not in SAID_BY_OTHERS for a in spoken)
        return log(HEARD_DEAD) if heard else 0.0

    def _acts(self, candidate: Candidate) -> tuple[dict[Record, float], float]:
        """The act that the candidate is, what people did because of it, and a penalty where such acts leave traces."""
        if candidate.record is None:
            heard = self._logging(candidate.component) if candidate.mode.record is not None else 0.0
            return {}, heard * log(1 - RECORDED_COMMAND)
        if candidate.record not in self._records:
            return {}, -MOST_FROM_ONE  # it began something else, or what had begun was its own cause
        acts: dict[Record, float] = {}
        for record in self._records:
            if record is candidate.record:
                acts[record] = self._record_gain(record)
            elif self._belongs(record, candidate.record):
                acts[record] = log(FOLLOWING_COMMAND / self._background[_background_of(record)])
        return acts, 0.0

    def _record_gain(self, record: Record) -> float:
        probability = RECORDED_CHANGE if record.kind is RecordKind.PLANNED_CHANGE else RECORDED_COMMAND
        background = self._background[_background_of(record)]
        gain = log(probability / (background * CALLED_FOR_IT if record.tied else background))
        gain -= price_of_date(record, self._phase)
        by_another_clock = record.kind is RecordKind.ENFORCEMENT and lasts_as_long(record, self._phase)
        if ended_with(record, self._phase) or by_another_clock or self._shows_late(record):
            gain += log(CONFIRMED_BY_END)
        elif record.cloud_call and self._is_over and record.interval.end_ns > self._phase.end_ns:
            gain += log(BACK_OF_ITSELF)
        if record.harmful is Condition.NOT_MET:
            gain = min(gain, 0.0) - MOST_FROM_ONE
        return gain

    def _belongs(self, record: Record, root: Record) -> bool:
        """The ticket for an operation; or what the provider's own systems did to carry out a call or a suspension."""
        if (record.kind, record.cloud_call) == (root.kind, root.cloud_call):
            return False  # one command more, or a call, of those that belong to one act
        if record.component == root.component and record.kind is not RecordKind.ENFORCEMENT:
            return record.actor is root.actor or root.cloud_call or root.kind is RecordKind.ENFORCEMENT
        enforced = root.kind is RecordKind.ENFORCEMENT
        by_the_provider = not record.cloud_call or (enforced and record.actor is root.actor)
        return (
            (root.cloud_call or enforced)
            and record.kind is RecordKind.OPERATION
            and by_the_provider
            and record.component in self._paths
        )


def _is_captured(alarm: Alarm) -> bool:
    return alarm.citation.origin.type is EvidenceType.CAPTURE


def _background_of(record: Record) -> str:
    if record.kind is RecordKind.ENFORCEMENT:
        return "enforcement"
    if record.kind is RecordKind.PLANNED_CHANGE:
        return "change"
    if record.cloud_call:
        return "cloud_call" if record.harmful is Condition.MET else "cloud_change"
    if record.effect is CommandEffectKind.CONFIGURATION:
        return "commit"
    return "command_that_cuts" if record.harmful is Condition.MET else "command"


def _returns(alarms: Iterable[Alarm], topology: Topology) -> dict[str, list[int]]:
    """When devices were back that could not be reached, or whose neighbours had no signal from them."""
    back: dict[str, list[int]] = defaultdict(list)
    for alarm in alarms:
        link = topology.links.get(alarm.component)
        if alarm.kind is AlarmKind.DEVICE_UNREACHABLE:
            back[alarm.component].append(alarm.interval.end_ns)
        elif alarm.kind is AlarmKind.INTERFACE_DOWN and link is not None and alarm.reporter in link.ends:
            back[link.far_end(alarm.reporter)].append(alarm.interval.end_ns)
    return back


def _is_told_on_return(alarm: Alarm, back: Mapping[str, Sequence[int]]) -> bool:
    """Whether a device says of its own end just when it is back."""
    own = alarm.kind in ON_ITS_RETURN and alarm.reporter == alarm.component
    times = back.get(alarm.component, ()) if own else ()
    return any(abs(alarm.interval.start_ns - time_ns) <= RESTART_AFTER_S * NANOSECONDS for time_ns in times)
