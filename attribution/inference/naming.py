"""From a candidate to the cause that a verdict names: who acted, what kind it is, and the facts that clauses need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from attribution.inference.candidates import Candidate, Direction, ServicePaths
from attribution.inference.modes import CLOUD_CALLS, Reach
from attribution.inference.timeliness import GONE, WEARS_DOWN, in_time, wore_down
from attribution.model.evidence import Alarm, AlarmKind, Condition, Coverage, Record, RecordKind
from attribution.model.incident import FOREVER_NS, NANOSECONDS, Interval
from attribution.model.observation import CommandEffectKind
from attribution.model.topology import Side, Topology
from attribution.model.verdict import Cause, CauseKind, Fact

OPERATIONS = frozenset({CauseKind.UNAUTHORISED_OPERATION})
# What puts a port, a session or a device out of service because somebody wants it so; and the modes that only a hand
# brings about.
ON_PURPOSE = frozenset(
    {
        CommandEffectKind.INTERFACE_SHUTDOWN,
        CommandEffectKind.NEIGHBOUR_SHUTDOWN,
        CommandEffectKind.SESSION_CLEARED,
        CommandEffectKind.PROCESS_STOPPED,
        CommandEffectKind.PROCESS_RESTARTED,
        CommandEffectKind.RELOAD,
    }
)
BY_HAND_ALONE = frozenset({None, "port", "session", "reload"})  # None: a transceiver is pulled, not typed away
# An act that began this close to the onset dates the cause better than the traffic does (seconds).
ACT_DATES_CAUSE_S = 10.0
# What lasts for this share of a trouble is what it is about.
OVER_MUCH_OF_IT = 0.3
# An attack may go on for this long before the provider takes its target off the network (seconds).
ATTACK_BEFORE_S = 300.0
# What a device says of a port or session that somebody wants out of service.
SHUT = frozenset({AlarmKind.INTERFACE_ADMIN_DOWN, AlarmKind.SESSION_ADMIN_DOWN})


class Namer:
    """Names causes by the records and alarms of one incident."""

    def __init__(
        self,
        topology: Topology,
        paths: ServicePaths,
        alarms: Sequence[Alarm],
        records: Sequence[Record],
        coverage: Coverage,
        bandwidth_bps: float | None,
    ) -> None:
        self._topology = topology
        self._paths = paths
        self._attacks = [alarm for alarm in alarms if alarm.kind is AlarmKind.ATTACK]
        self._gone = [alarm for alarm in alarms if alarm.kind in GONE]
        self._shut = [alarm for alarm in alarms if alarm.kind in SHUT]
        self._worn = [alarm for alarm in alarms if alarm.kind in WEARS_DOWN]
        self._overuse = [alarm for alarm in alarms if alarm.kind is AlarmKind.BANDWIDTH_EXCEEDED]
        self._lowered = [alarm for alarm in alarms if alarm.kind is AlarmKind.LIMIT_LOWERED]
        self._intruders: dict[str, set[str]] = defaultdict(set)
        for alarm in alarms:
            if alarm.kind is AlarmKind.DUPLICATE_ADDRESS and alarm.about_peer is not None:
                self._intruders[alarm.component].add(alarm.about_peer)
        self._changes = [record for record in records if record.kind is RecordKind.PLANNED_CHANGE]
        self._notices = [record for record in records if record.kind is RecordKind.VIOLATION]
        self._coverage = coverage
        self._bandwidth_bps = bandwidth_bps

    def name(self, candidate: Candidate, span: Interval) -> Cause:
        """The cause that a candidate is, over the time in which it held."""
        component, kind = candidate.component, candidate.mode.kind
        facts: set[Fact] = set()
        actor: Side | None = None
        record = candidate.record
        if kind is CauseKind.OVERLOAD:
            component, kind, facts = self._overload(candidate, span)
        elif kind in OPERATIONS:
            kind, actor, facts = self._operation(candidate, span)
            if record is not None and component in record.beside:
                component = record.component or component
        elif kind is CauseKind.ENFORCEMENT_ACTION:
            actor = Side.PROVIDER
            if record is not None and record.kind is RecordKind.ENFORCEMENT:
                component = record.target or component
                facts = {Fact(reason) for reason in record.reasons}
                if self._attacked(span.widened(ATTACK_BEFORE_S, 0.0)) is not None:
                    facts.add(Fact.ATTACK_ON_CUSTOMER)  # a ground that no account event needs to tell
                elif record.ground is Condition.NOT_MET:
                    facts.add(Fact.UNGROUNDED)
        elif kind is CauseKind.ATTACK:
            facts = {Fact.ATTACK_ON_CUSTOMER} if self._topology.side_of(component) is Side.CUSTOMER else set()
        elif candidate.twice_there is not None:
            intruders = self._intruders.get(component, set())
            facts = set() if len(intruders) == 1 else {Fact.ADDRESS_TAKEN}
            component = next(iter(intruders)) if len(intruders) == 1 else component
        elif record is not None:
            actor = record.actor
            facts = {Fact.OPERATION}
        if kind is CauseKind.ATTACK and Fact.ATTACK_ON_CUSTOMER in facts and self._was_told(component, span):
            facts.add(Fact.VIOLATION)
        if self._topology.operator_of(component) is not None:
            facts.add(Fact.THIRD_PARTY)
        if component in self._topology.links:
            facts.add(Fact.LINK)
        held = self._held(candidate, span)
        start_ns = min([held.start_ns, *self._worn_since_ns(candidate, span)])
        whole = Interval(start_ns, max(held.end_ns, min(self._repaired_ns(candidate, span), default=held.end_ns)))
        spells = (held,) if whole != held else ()
        return Cause(component, kind, whole, actor=actor, facts=frozenset(facts), spells=spells)

    def _worn_since_ns(self, candidate: Candidate, span: Interval) -> Iterator[int]:
        """Since when a device had been short of what it needs, where that is what shows the fault: service may have
        suffered only when its neighbours gave up their sessions with it."""
        for alarm in self._worn:
            if (alarm.kind, alarm.component) == (candidate.mode.sign, candidate.component) and wore_down(alarm, span):
                yield alarm.interval.start_ns

    def _repaired_ns(self, candidate: Candidate, span: Interval) -> Iterator[int]:
        """When a dead device, or a cable that was down, was reported to be back: service may have been so before that,
        on another way."""
        link = self._topology.links.get(candidate.component)
        if link is None and not candidate.mode.dead:
            return
        cables = [link] if link is not None else self._topology.links_of(candidate.component)
        # Of the dead one's ports its neighbours tell; that it answers its poller again, the poller.
        told = {(AlarmKind.INTERFACE_DOWN, cable.component) for cable in cables}
        told.add((AlarmKind.DEVICE_UNREACHABLE, candidate.component))
        for alarm in self._gone:
            by_itself = alarm.kind is AlarmKind.INTERFACE_DOWN and alarm.reporter == candidate.component
            meant = (alarm.kind, alarm.component) in told and not by_itself
            if meant and in_time(alarm, span) and alarm.interval.end_ns < FOREVER_NS:
                yield alarm.interval.end_ns

    def _was_told(self, host: str, span: Interval) -> bool:
        """Whether notice of attacks on a host, or on the account, had been given before this one began."""
        return any(n.component in (None, host) and n.interval.end_ns <= span.start_ns for n in self._notices)

    def _operation(self, candidate: Candidate, span: Interval) -> tuple[CauseKind, Side | None, set[Fact]]:
        """An act of the customer stands or falls with consent; the provider's on its own devices is its upkeep, if it
        has a ticket, unless the other side had taken its consent back. Without one, what it shut or restarted it did on
        purpose, and the rest was a slip.

        What nobody has on record is its owner's act, and a call of the cloud API the customer's.
        """
        record = candidate.record
        called = record.cloud_call if record is not None else candidate.mode.record in CLOUD_CALLS
        own = Side.CUSTOMER if called else self._topology.nodes[candidate.component].side
        actor = record.actor if record is not None else own
        tickets = [
            change
            for change in self._changes
            if change.component == candidate.component
            and change.link in (None, candidate.link)
            and change.interval.widened(5.0, 5.0).contains(span.start_ns)
        ]
        facts = {Fact.OPERATION}
        if called:
            facts.add(Fact.CLOUD_CALL)
        if record is not None and record.stranger:
            return CauseKind.UNAUTHORISED_OPERATION, None, {*facts, Fact.STRANGER}
        agreed = (record is not None and record.consent is Condition.MET) or any(
            ticket.consent is Condition.MET for ticket in tickets
        )
        if agreed:
            facts.add(Fact.CONSENTED)
        if actor is Side.CUSTOMER:
            return (CauseKind.CONSENTED_OPERATION if agreed else CauseKind.UNAUTHORISED_OPERATION), actor, facts
        planned = list(tickets)
        if record is not None and record.kind is RecordKind.PLANNED_CHANGE:
            planned.append(record)
        if any(ticket.withdrawn for ticket in planned):
            return CauseKind.UNAUTHORISED_OPERATION, actor, facts
        if planned:
            return CauseKind.MAINTENANCE, actor, facts
        on_purpose = record.effect in ON_PURPOSE if record is not None else candidate.mode.record in BY_HAND_ALONE
        on_purpose = on_purpose or (record is not None and self._was_shut(record))
        return (CauseKind.UNAUTHORISED_OPERATION if on_purpose else CauseKind.MISCONFIGURATION), actor, facts

    def _was_shut(self, record: Record) -> bool:
        """Whether a device says, just after a change of its configuration, that a port or session of its was shut which
        is on the service's way."""
        begun_ns, within_ns = record.interval.start_ns, int(ACT_DATES_CAUSE_S * NANOSECONDS)
        return any(
            alarm.reporter == record.component
            and alarm.component in self._paths
            and (alarm.about_peer is None or alarm.about_peer in self._paths)
            and 0 <= alarm.interval.start_ns - begun_ns <= within_ns
            for alarm in self._shut
        )

    def _overload(self, candidate: Candidate, span: Interval) -> tuple[str, CauseKind, set[Fact]]:
        """A full queue is the fault of whoever overfills it: of the customer if it offered more than it had bought.

        A limit that is in force below what was bought is set wrongly, and so is one at the customer's attachment that
        drops although no more than was bought came in.
        """
        component = candidate.component
        attacked = self._attacked(span)
        if attacked is not None:
            return attacked, CauseKind.ATTACK, {Fact.ATTACK_ON_CUSTOMER}
        is_a_table = candidate.mode.sign is AlarmKind.TABLE_FULL  # which no limit, and no line, makes full
        if self._topology.side_of(component) is not Side.PROVIDER or is_a_table:
            return component, CauseKind.OVERLOAD, set()
        exceeded = sum(_shared_seconds(alarm.interval, span) for alarm in self._overuse)
        if exceeded >= OVER_MUCH_OF_IT * span.seconds:
            edge = self._paths.downstream_neighbour(component, self._topology, Side.CUSTOMER)
            return edge or component, CauseKind.OVERLOAD, {Fact.OVERUSE}
        if sum(_shared_seconds(alarm.interval, span) for alarm in self._lowered) >= OVER_MUCH_OF_IT * span.seconds:
            return component, CauseKind.MISCONFIGURATION, set()
        attachment = self._attachment(candidate)
        if attachment is None:
            return component, CauseKind.OVERLOAD, set()
        offered = self._offer_known() and not self._towards_customer(candidate, attachment)
        if self._bandwidth_bps is not None and offered:
            return component, CauseKind.MISCONFIGURATION, set()
        # Nobody knows what was bought, or what was offered: the line between the two sides was too small for it.
        return attachment, CauseKind.OVERLOAD, set()

    def _attacked(self, span: Interval) -> str | None:
        """A host of the customer that others flood, while queues on its way are full."""
        targets = [
            alarm.component
            for alarm in self._attacks
            if span.widened(ACT_DATES_CAUSE_S, 0.0).contains(alarm.interval.start_ns)
            and self._topology.side_of(alarm.component) is Side.CUSTOMER
            if alarm.reporter == alarm.component or self._topology.side_of(alarm.reporter) is not Side.CUSTOMER
        ]
        return targets[0] if targets else None

    def _attachment(self, candidate: Candidate) -> str | None:
        """The link to the customer that is concerned: that of the port, or the node's."""
        names = (
            [candidate.link]
            if candidate.link
            else [link.component for link in self._topology.links_of(candidate.component)]
        )
        for name in names:
            link = self._topology.links[name]
            if name in self._paths and any(self._topology.nodes[end].side is Side.CUSTOMER for end in link.ends):
                return name
        return None

    def _towards_customer(self, candidate: Candidate, attachment: str) -> bool:
        """Whether what is dropped was on its way to the customer: there only what got through is counted."""
        if candidate.mode.reach is Reach.EGRESS:
            return True
        outward = self._paths.direction_of((candidate.component, attachment))
        return candidate.direction is not Direction.BOTH and candidate.direction is outward

    def _offer_known(self) -> bool:
        """Whether what the customer offered was counted anywhere: by its own devices, or by those next to them."""
        counted = self._coverage.counted
        return any(
            self._topology.nodes[end].side is Side.CUSTOMER and counted & set(link.ends)
            for name in self._paths.components
            if (link := self._topology.links.get(name)) is not None
            for end in link.ends
        )

    def _held(self, candidate: Candidate, span: Interval) -> Interval:
        """When the cause held: the act's own times where they fit, else as long as the interruption rooted in it."""
        record = candidate.record
        if record is None or record.kind is RecordKind.PLANNED_CHANGE or candidate.mode.reach is Reach.EGRESS:
            return span
        start, end = span.start_ns, span.end_ns
        if abs(record.interval.start_ns - start) <= ACT_DATES_CAUSE_S * NANOSECONDS:
            start = record.interval.start_ns
        if start < record.interval.end_ns and abs(record.interval.end_ns - end) <= ACT_DATES_CAUSE_S * NANOSECONDS:
            end = record.interval.end_ns
        return Interval(start, max(end, start + 1))


def _shared_seconds(first: Interval, second: Interval) -> float:
    return max(0.0, (min(first.end_ns, second.end_ns) - max(first.start_ns, second.start_ns)) / NANOSECONDS)
