"""What speaks for or against a cause. There are three kinds, and only three."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from attribution.model.clock import Alignment
from attribution.model.flow_evidence import FlowEvidence
from attribution.model.incident import EvidenceType, Interval, Origin
from attribution.model.observation import CONNECTIONS, CUT, TOO_BIG, Caveat, CommandEffectKind
from attribution.model.phrase import Phrase
from attribution.model.topology import Side


class Condition(StrEnum):
    """Whether a condition holds; UNKNOWN where nobody measured it."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a claim can be opened."""

    origin: Origin
    locator: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A directed part of the network that packets should cross: nodes and links in the order of travel.

    A node in the middle has to forward the packets. The first node forwards them too unless they `start_inside` it
    (it sent them), and the last unless they `end_inside` it (they were for it). `beyond` are the components that the
    packets would still have had to cross behind the stretch: a failure there can make routers within it drop them.
    `recorder` is the node that had to record their arrival, where the stretch ends at a capture point: a dead device
    records nothing, whatever still reached it. `balance`: it was measured by the counters of ports, those of one device
    or of a link's two ends; `beside` are the device's neighbours and the links to them: it cannot get rid of packets
    for one that is gone. Between capture points within one device `beside` are the links that they lie on. `of_lost`:
    what was sent are the packets that the service is known to have lost, whatever their class, and what was lost those
    of them that are missing here.
    """

    components: tuple[str, ...]
    starts_inside: bool = True
    ends_inside: bool = True
    beyond: tuple[str, ...] = ()
    recorder: str | None = None
    balance: bool = False
    beside: tuple[str, ...] = ()
    of_lost: bool = False

    @property
    def bound_for(self) -> str:
        """The node to which the packets go in the end."""
        return (*self.components, *self.beyond)[-1]

    @property
    def forwarding(self) -> tuple[str, ...]:
        """The components without those nodes that only send or receive."""
        first = 1 if self.starts_inside else 0
        last = len(self.components) - (1 if self.ends_inside else 0)
        return self.components[first:last]


Journey = tuple[Stretch, ...]
"""The stretches that one packet, or a packet and its answer, cross one after the other."""


class Method(StrEnum):
    """How a measurement was made, which tells how exact it is and which others saw the same packets."""

    PROBES = "probes"
    FLOWS = "flows"
    TRACE = "trace"
    TWO_POINTS = "two_points"
    ONE_POINT = "one_point"
    COUNTERS = "counters"


@dataclass(frozen=True, slots=True)
class Measurement:
    """In the interval, `sent` crossed (or should have crossed) one of the journeys and `lost` did not arrive.

    `journeys` are candidates where the path is not known. A measurement with `lost` 0 clears its journey and is worth
    as much as one that accuses. `series` names what was repeated over time (same ends, protocol and file). `traffic` is
    the class of traffic: icmp, tcp, udp; `subject` names the packets in words. `end_to_end`: it is the customer's own
    traffic, or probes, between the service's two ends. `of_service`: the packets are addressed as that traffic is,
    though only a part of their way is measured; a filter or a lost route for it hits them too. `for_good`: the lost
    ones came by no point beyond either, and there is no way on to where they were bound that passes none.
    `came_through`: what all of those sent had crossed by then, as they were captured behind it, with no way around.
    """

    interval: Interval
    journeys: tuple[Journey, ...]
    sent: int
    lost: int
    method: Method
    series: str
    traffic: str
    end_to_end: bool
    of_service: bool
    citation: Citation
    subject: str
    for_good: bool = False
    came_through: tuple[str, ...] = ()

    @property
    def statement(self) -> str:
        return count_in_words(self, self.lost, self.sent)

    @property
    def counted_between_ends(self) -> bool:
        """Whether it tells to the moment what was lost from end to end.

        What one capture point infers comes late, and a report of many probes tells of the minutes that it took.
        """
        return self.end_to_end and self.method not in (Method.ONE_POINT, Method.TRACE)

    @property
    def counts_connections(self) -> bool:
        """Whether connections were counted at a capture point, rather than packets."""
        return self.traffic.partition("/")[0] in (CONNECTIONS, CUT)

    @property
    def counts_too_big(self) -> bool:
        """Whether ICMP messages that packets were too big were counted at a capture point."""
        return self.traffic.partition("/")[0] == TOO_BIG


def count_in_words(like: Measurement, lost: int, sent: int) -> Phrase:
    """What was counted, of one measurement or of several that are like it."""
    if any(stretch.of_lost for journey in like.journeys for stretch in journey):
        return Phrase(
            "{lost} of {sent} packets that the service lost are missing {place}",
            lost=lost, sent=sent, place=like.subject,
        )  # fmt: skip
    if like.traffic.partition("/")[0] == CUT:
        return Phrase(
            "{lost} of {sent} {subject} were cut off by another device in the server's name",
            lost=lost, sent=sent, subject=like.subject,
        )  # fmt: skip
    return Phrase("{lost} of {sent} {subject} were lost", lost=lost, sent=sent, subject=like.subject)


class AlarmKind(StrEnum):
    """A state that a device reports of itself, of a port, of a session or of what it serves.

    `BRIDGING_LOOP`: frames go round between switches, as storms and moving MAC addresses tell; `LOOP`: packets between
    routers.
    `CLOCK_WRONG`: it refused a peer's credentials while its own clock was far off, which dates them.
    `CONNECTIONS_RESET`: connections to the component were reset in its name by another device;
    `RESETS_FORGED`: the component reset connections in the name of an end of theirs.
    `LIMIT_LOWERED`: its limit in force lies clearly below what was bought, and what is sent fills it.
    `HOST_ROUTE_ANNOUNCED` is a new route to an end of the service alone: it draws its packets from wherever they are.
    `TABLE_FULL`: a table of the connections that it passes, or translates, has no room for new ones.
    `NOT_UNDERSTOOD` is trouble in words that no rule knows: of what, is open.
    """

    INTERFACE_DOWN = "interface_down"
    INTERFACE_ADMIN_DOWN = "interface_admin_down"
    PORTS_DOWN_TOGETHER = "ports_down_together"
    INTERFACE_ERRORS = "interface_errors"
    INTERFACE_DISCARDS = "interface_discards"
    TRAFFIC_STOPPED = "traffic_stopped"
    BANDWIDTH_EXCEEDED = "bandwidth_exceeded"
    OPTICS_FAULT = "optics_fault"
    TRANSMITTER_WEAK = "transmitter_weak"
    TRANSCEIVER_REMOVED = "transceiver_removed"
    SESSION_DOWN = "session_down"
    SESSION_CLOSED_BY_PEER = "session_closed_by_peer"
    SESSION_ADMIN_DOWN = "session_admin_down"
    PROCESS_DOWN = "process_down"
    DEVICE_RESTARTED = "device_restarted"
    DEVICE_UNREACHABLE = "device_unreachable"
    POWER_FAULT = "power_fault"
    HARDWARE_FAULT = "hardware_fault"
    RESOURCES_EXHAUSTED = "resources_exhausted"
    TABLE_FULL = "table_full"
    PREFIX_LIMIT = "prefix_limit"
    AUTHENTICATION_MISMATCH = "authentication_mismatch"
    CLOCK_WRONG = "clock_wrong"
    LOOP = "loop"
    BRIDGING_LOOP = "bridging_loop"
    DUPLICATE_ADDRESS = "duplicate_address"
    RATE_EXCEEDED = "rate_exceeded"
    LIMIT_LOWERED = "limit_lowered"
    ROUTE_MISSING = "route_missing"
    ROUTES_WITHDRAWN = "routes_withdrawn"
    HOST_ROUTE_ANNOUNCED = "host_route_announced"
    FILTERED = "filtered"
    PACKET_TOO_BIG = "packet_too_big"
    ATTACK = "attack"
    HOST_SILENT = "host_silent"
    HOST_REFUSES = "host_refuses"
    CONNECTIONS_RESET = "connections_reset"
    RESETS_FORGED = "resets_forged"
    NOT_UNDERSTOOD = "not_understood"


@dataclass(frozen=True, slots=True)
class Alarm:
    """`reporter` says that `component` was in this state over the interval.

    `component` is the node or link concerned: a link for a port that is down, the reporter itself for its own load.
    `about_peer` names the neighbour that a session alarm speaks of. `magnitude` is what was counted, where that is
    meant to be compared (discards, rate in bits per second, what a limit took away in the unit that the statement
    tells). `since_first`: it was so when it was first asked, and may always have been. `spoke_on`: the reporter was
    seen to go on speaking to a peer that had fallen silent. `slack_ns`: the state was polled, and may have begun so
    much earlier or later; `read_ns` is when the poll was that showed it first. `gone`: the routers to which themselves
    a route was taken back.
    """

    interval: Interval
    reporter: str
    component: str
    kind: AlarmKind
    citation: Citation
    statement: str
    about_peer: str | None = None
    magnitude: float | None = None
    spoke_on: bool = False
    slack_ns: int = 0
    gone: tuple[str, ...] = ()
    since_first: bool = False
    read_ns: int | None = None

    @property
    def told_ns(self) -> int:
        """The time of the report itself, which is not always when the state began."""
        return self.interval.start_ns if self.read_ns is None else self.read_ns


class RecordKind(StrEnum):
    """What a person or a business did."""

    OPERATION = "operation"
    PLANNED_CHANGE = "planned_change"
    ENFORCEMENT = "enforcement"
    PAYMENT = "payment"
    VIOLATION = "violation"


@dataclass(frozen=True, slots=True)
class Record:
    """`actor` did something to `component` over the interval.

    `component` is the node operated on, or None where it is the service as a whole; `link` is the link at the port,
    where the act was on one port. `harmful` tells whether the act by its nature stops the service's traffic (a
    shutdown, a filter for its addresses, a detachment), does not, or cannot be told; `effect` says how. `consent`
    says whether the other side had agreed for that component and time. `ground` says, for an enforcement, whether
    the account's own events justify it by the Agreement; `reasons` name them. `cloud_call`: done through the cloud
    API. `withdrawn`: the other side had agreed to it, and taken that back. `account` made the call, where it is not
    the customer's; `stranger`: nor is what it changed, so that the account may be another tenant's. `tied`: what it
    was done to is known to be the component, by the ids that the drawing has of cloud resources. `beside` are nodes
    at the other end of what a call of the cloud detaches, which may lose the packets in its stead. `diverts` is the
    end of the service whose own address a new route leads elsewhere, from wherever it is asked for. `target` is the
    node that an enforcement is about, wherever it is carried out. `protocol` is what alone a filter drops. `revised`:
    who did it took it back as the interval ended, or put another configuration in force then, and may have.
    """

    interval: Interval
    actor: Side
    component: str | None
    kind: RecordKind
    harmful: Condition
    consent: Condition
    citation: Citation
    statement: str
    link: str | None = None
    effect: CommandEffectKind | None = None
    withdrawn: bool = False
    cloud_call: bool = False
    account: str | None = None
    stranger: bool = False
    tied: bool = False
    beside: tuple[str, ...] = ()
    ground: Condition = Condition.UNKNOWN
    reasons: tuple[str, ...] = ()
    target: str | None = None
    diverts: str | None = None
    protocol: str | None = None
    revised: bool = False


@dataclass(frozen=True, slots=True)
class Hole:
    """A device's log holds no line over the interval, far longer than by its own measure; cited is the next one."""

    device: str
    interval: Interval
    citation: Citation


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which devices were asked at all: silence of a device that never had a chance to speak is not evidence.

    `logging`: its log was supplied. `polled`: its ports' states were polled. `counted`: its drop counters were.
    `types`: the kinds of evidence that were supplied at all; `supplied` tells by which side. `holes`: where logs that
    were supplied are not whole.
    """

    logging: frozenset[str] = frozenset()
    polled: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()
    types: frozenset[EvidenceType] = frozenset()
    supplied: frozenset[tuple[EvidenceType, Side]] = frozenset()
    holes: tuple[Hole, ...] = ()

    def is_word_of(self, side: Side) -> bool:
        """Whether one side handed in everything."""
        return bool(self.types) and {(kind, side) for kind in self.types} == self.supplied


Evidence = Measurement | Alarm | Record


@dataclass(frozen=True, slots=True)
class Findings:
    """All evidence of one incident, and the ways through the network that it was found to take.

    `service_paths` are the candidate paths of the service, from its first end to its second. `session_paths` tells
    for two nodes (reporter, peer) which components a session between them crosses. `flows` holds the flow records
    where there are too many to be Measurements one by one. `clocks` says what was added to the files' times, and
    `addresses` which nodes the names and addresses in them were found to mean.
    """

    measurements: tuple[Measurement, ...]
    alarms: tuple[Alarm, ...]
    records: tuple[Record, ...]
    coverage: Coverage
    service_paths: tuple[tuple[str, ...], ...]
    session_paths: Mapping[tuple[str, str], frozenset[str]]
    caveats: tuple[Caveat, ...] = ()
    flows: tuple[FlowEvidence, ...] = ()
    clocks: Alignment = field(default_factory=Alignment)
    addresses: Mapping[str, str] = field(default_factory=dict)
