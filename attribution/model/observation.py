"""Dated facts as the files of an incident state them, before anyone reasons about them.

Every observation knows the file it stands in and the place in it (`line 118`, `row 7`, `frame 4011`), so that any
claim made later can be opened. Times are integer nanoseconds since the Unix epoch, with the source's stated clock
offset already added.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from attribution.model.incident import Origin
from attribution.model.topology import Side


@dataclass(frozen=True, slots=True)
class Caveat:
    """Something in a file that was left out or is less sure than it looks, and why. `count` places were affected."""

    file: str
    locator: str
    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One dated fact with its place."""

    time_ns: int
    origin: Origin
    locator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult(Observation):
    """`sent` probes left `source` for `destination` in the window that begins at the time; `received` were answered.

    `protocol` is icmp, tcp, udp or twamp. Ends are names or addresses as the file states them. The length of the
    window is not stated by the file: it lasts until the next one of the same series.
    """

    source: str
    destination: str
    protocol: str
    sent: int
    received: int
    rtt_avg_ms: float | None = None
    rtt_max_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Hop:
    """One line of a traceroute: who answered at this distance; `address` is None where nobody did."""

    number: int
    address: str | None
    sent: int
    received: int
    rtt_avg_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PathTrace(Observation):
    """One traceroute from source to destination, hops in order of distance."""

    source: str
    destination: str
    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRecord(Observation):
    """A flow's packets sent and lost in the window from the time on, over one of the candidate node paths."""

    source: str
    destination: str
    paths: tuple[tuple[str, ...], ...]
    sent: int
    lost: int
    flow: str | None = None
    protocol: str | None = None


class Metric(StrEnum):
    """What an interface or a device counts. Cumulative, except for the gauges, which come last."""

    IN_OCTETS = "in_octets"
    OUT_OCTETS = "out_octets"
    IN_PACKETS = "in_packets"
    OUT_PACKETS = "out_packets"
    IN_ERRORS = "in_errors"
    OUT_ERRORS = "out_errors"
    IN_DISCARDS = "in_discards"
    OUT_DISCARDS = "out_discards"
    OPER_STATUS = "oper_status"
    ADMIN_STATUS = "admin_status"
    CPU_PERCENT = "cpu_percent"
    MEMORY_PERCENT = "memory_percent"
    TEMPERATURE_C = "temperature_c"
    POWER_OK = "power_ok"
    FAN_OK = "fan_ok"
    RX_POWER_DBM = "rx_power_dbm"


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterSample(Observation):
    """One reading of one metric. `interface` is None for a device's own gauges."""

    device: str
    interface: str | None
    metric: Metric
    value: float


class Load(StrEnum):
    """What a cloud metric tells of load: what came before the limit that was bought, what came out behind it, what a
    limit took away, or which share of the limit in force was used."""

    OFFERED = "offered"
    PASSED = "passed"
    DROPPED = "dropped"
    USED = "used"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudMetric(Observation):
    """One point of a cloud monitor series, of the period from `time_ns` on; a missing point is absent, never zero.

    `name` is Tencent's metric name in lower case; `value` is in `unit` as Tencent documents it for the namespace.
    `load` is what it tells of load, None where it tells nothing of that. `dimensions` name the resource.
    """

    name: str
    unit: str
    value: float
    period_s: float
    dimensions: tuple[tuple[str, str], ...]
    load: Load | None = None


class LogKind(StrEnum):
    """What a log line says, in one vocabulary for all vendors. A rule file maps messages onto it.

    `LOOP_DETECTED` also stands for its signs, a broadcast storm or a moving MAC address; `TOPOLOGY_CHANGED` is a
    spanning tree's, `REDUNDANCY_CHANGED` that of a VRRP, HSRP or high-availability group. `NEIGHBOUR_DYING` is the last
    word of the device at the other end of the port: it loses power, or restarts. For `TRAFFIC_DENIED` (a filter dropped
    it) and `TRAFFIC_UNANSWERED` (passed, but nothing came back) `peer` is the destination, for `ADDRESS_ASSIGNED` the
    address that the device itself has from now on. `GRAVE` is what no rule understands, of a severity or in words that
    tell of trouble.
    """

    INTERFACE_DOWN = "interface_down"
    INTERFACE_UP = "interface_up"
    INTERFACE_ADMIN_DOWN = "interface_admin_down"
    INTERFACE_ERRORS = "interface_errors"
    LOCAL_FAULT = "local_fault"
    REMOTE_FAULT = "remote_fault"
    OPTICS_LOW_RX = "optics_low_rx"
    OPTICS_LOW_TX = "optics_low_tx"
    NEIGHBOUR_DYING = "neighbour_dying"
    TRANSCEIVER_REMOVED = "transceiver_removed"
    TRANSCEIVER_INSERTED = "transceiver_inserted"
    SESSION_DOWN = "session_down"
    SESSION_UP = "session_up"
    PROCESS_DOWN = "process_down"
    PROCESS_UP = "process_up"
    DEVICE_RESTARTED = "device_restarted"
    RELOAD_REQUESTED = "reload_requested"
    POWER_FAULT = "power_fault"
    HARDWARE_FAULT = "hardware_fault"
    HARDWARE_CLEARED = "hardware_cleared"
    CPU_HIGH = "cpu_high"
    MEMORY_LOW = "memory_low"
    TEMPERATURE_HIGH = "temperature_high"
    PREFIX_LIMIT = "prefix_limit"
    AUTHENTICATION_MISMATCH = "authentication_mismatch"
    LOOP_DETECTED = "loop_detected"
    TOPOLOGY_CHANGED = "topology_changed"
    REDUNDANCY_CHANGED = "redundancy_changed"
    DUPLICATE_ADDRESS = "duplicate_address"
    ADDRESS_ASSIGNED = "address_assigned"
    RATE_EXCEEDED = "rate_exceeded"
    CONTROL_PLANE_DROPS = "control_plane_drops"
    TRAFFIC_DENIED = "traffic_denied"
    TRAFFIC_UNANSWERED = "traffic_unanswered"
    CONNTRACK_FULL = "conntrack_full"
    ATTACK_DETECTED = "attack_detected"
    COMMAND = "command"
    CONFIG_CHANGED = "config_changed"
    MAINTENANCE = "maintenance"
    CLOCK_CHANGED = "clock_changed"
    LOGIN = "login"
    ROUTINE = "routine"
    GRAVE = "grave"


class DownReason(StrEnum):
    """Why a session or an interface went down, as far as the device that logs it can tell.

    `DETECTION` is BFD's or another watcher's; `PARAMETERS` means that the two ends do not agree (AS number, MTU,
    timers); `PROTECTION` that the device shut its own port (err-disable, BPDU guard); `RESOURCES` that it ran out.
    """

    HOLD_TIMER = "hold_timer"
    NOTIFICATION_SENT = "notification_sent"
    NOTIFICATION_RECEIVED = "notification_received"
    ADMIN_LOCAL = "admin_local"
    ADMIN_REMOTE = "admin_remote"
    INTERFACE = "interface"
    PEER_CLOSED = "peer_closed"
    DETECTION = "detection"
    NEIGHBOUR = "neighbour"
    PREFIX_LIMIT = "prefix_limit"
    AUTHENTICATION = "authentication"
    PARAMETERS = "parameters"
    PROTECTION = "protection"
    RESOURCES = "resources"


class CommandEffectKind(StrEnum):
    """What a typed command does to traffic. `CommandEffect.restores` tells the doing from the undoing."""

    INTERFACE_SHUTDOWN = "interface_shutdown"
    FILTER_ADDED = "filter_added"
    NULL_ROUTE_ADDED = "null_route_added"
    ROUTE_REMOVED = "route_removed"
    ROUTE_CHANGED = "route_changed"
    RATE_LIMIT_SET = "rate_limit_set"
    PROCESS_STOPPED = "process_stopped"
    PROCESS_RESTARTED = "process_restarted"
    NEIGHBOUR_SHUTDOWN = "neighbour_shutdown"
    ADDRESS_CHANGED = "address_changed"
    VLAN_CHANGED = "vlan_changed"
    MTU_CHANGED = "mtu_changed"
    RELOAD = "reload"
    SESSION_CLEARED = "session_cleared"
    CONFIGURATION = "configuration"
    HARMLESS = "harmless"


@dataclass(frozen=True, slots=True)
class CommandEffect:
    """What one command does, read from its own words: shut a port, drop a prefix, stop a process.

    `restores` is True where the command takes such an effect back (`no shutdown`, `iptables -D`, `systemctl start`).
    `prefix` is the destination that a filter or a route hits, as CIDR, or the source where a filter names only that;
    None where the command names none, which for a filter means all traffic or whatever the list it refers to names.
    `process` is the service or daemon as named; `protocol` what alone a filter drops (tcp, udp, icmp …), None where it
    drops everything, or where another line says it. `next_hop` is the address to which a route leads, if it names one.
    """

    kind: CommandEffectKind
    restores: bool = False
    interface: str | None = None
    prefix: str | None = None
    peer: str | None = None
    process: str | None = None
    protocol: str | None = None
    next_hop: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent(Observation):
    """One log line: what the device says happened to it, to a port or to a session with a peer.

    `interface` and `peer` are as the line names them. `protocol` is bgp, bfd, ospf, isis, lacp … for sessions.
    `user` and `command` are set for what a person or a script typed, and `effect` where the command is understood, as
    for a restart that a user is said to have asked for; an `interface` typed before stands on the commands that follow
    in its context. `process` is the daemon or service that
    stopped or started. `text` is the line itself.
    `clock_trusted` is False where the line itself says that its clock was not synchronised, or where it lacks year or
    zone and the exporter did not state the zone either. `clock_ahead_ns` is how far its clock was ahead of itself, by
    the steps that it states of it: `time_ns` is set right by as much. `silent_ns` is for how long before the line the
    device's log holds nothing at all, where that is far longer than by the log's own measure.
    """

    device: str
    kind: LogKind
    text: str
    interface: str | None = None
    peer: str | None = None
    protocol: str | None = None
    reason: DownReason | None = None
    user: str | None = None
    command: str | None = None
    effect: CommandEffect | None = None
    process: str | None = None
    clock_trusted: bool = True
    clock_ahead_ns: int = 0
    silent_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord(Observation):
    """A ticket: who worked on which device and port, when, and whether the other side agreed.

    `time_ns` is the start. An empty `interface` means the whole device. `consented_by` is None where nobody agreed.
    `withdrawn_ns` is when the other side took its consent back, None where it did not.
    """

    id: str
    end_ns: int | None
    performed_by: Side
    device: str
    interface: str | None
    action: str
    consented_by: str | None
    consented_ns: int | None
    description: str
    withdrawn_ns: int | None = None

    def is_agreed_at(self, time_ns: int) -> bool:
        """Whether the other side's consent held at a moment."""
        given = bool(self.consented_by) and (self.consented_ns is None or self.consented_ns <= time_ns)
        return given and (self.withdrawn_ns is None or time_ns < self.withdrawn_ns)


class AccountEventKind(StrEnum):
    """What happened between the customer's account and the provider's billing or compliance."""

    PAYMENT_DUE = "payment_due"
    PAYMENT_RECEIVED = "payment_received"
    VIOLATION_NOTICE = "violation_notice"
    RESTRICTED = "restricted"
    SUSPENDED = "suspended"
    LINK_BLOCKED = "link_blocked"
    RESTORED = "restored"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEvent(Observation):
    kind: AccountEventKind
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudCall(Observation):
    """One call of the cloud API: which account did what to which resources; `succeeded` False had no effect.

    `owners` are the accounts whose the resources are, as far as their names tell.
    """

    action: str
    account: str | None
    user: str | None
    succeeded: bool
    writes: bool
    resources: tuple[str, ...]
    parameters: str
    owners: tuple[str, ...] = ()


CONNECTIONS = "tcp-syn"
"""What a `TapCount` of TCP connections, rather than of segments, has for its protocol."""
CUT = "tcp-cut"
"""What a `TapCount` of TCP connections that another device than their server cut off has for its protocol."""
TOO_BIG = "icmp-too-big"
"""What a `TapCount` of ICMP messages that a packet was too big has for its protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapCount(Observation):
    """What one capture point says of one direction of one flow in [time, time+length): one witness, two stretches.

    `sent` left the source: those that passed the capture point, and `lost_upstream`, which never reached it.
    `lost_downstream` passed it and did not arrive; of icmp and udp requests, brought no answer back (so that either
    way beyond the point may have lost them). `unanswered` segments passed and nothing ever told what became of them;
    of icmp and udp requests, those of a series to which no answer ever came by here. `protocol` is tcp, icmp or udp;
    tcp-syn counts connections: those asked for, and as `lost_downstream` those never answered; tcp-cut those that began
    or were cut off by a reset in their server's name that another device sent, and as `lost_downstream` the latter;
    icmp-too-big the messages from a router to whose segments were too large (RFC 1191, RFC 8201), and as
    `lost_downstream` those that it did not heed. A segment of which such a message told as it passed is not lost.
    `frames` are some of those the counts rest on.
    """

    end_ns: int
    device: str
    interface: str | None
    source: str
    destination: str
    protocol: str
    sent: int
    lost_upstream: int
    lost_downstream: int
    unanswered: int = 0
    octets: int = 0
    largest_lost: int | None = None
    frames: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TapLoad(Observation):
    """All that passed one capture point from one address to another in [time, time+length), of whatever protocol.

    `octets` are those on the wire, with the link layer's headers. What a mirror port shows twice is counted once.
    """

    end_ns: int
    device: str
    interface: str | None
    source: str
    destination: str
    packets: int
    octets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCount(Observation):
    """Packets of the same traffic at two capture points: of `sent` seen at the first, `lost` never passed the second.

    `time_ns`, `end_ns` are of the first point's clock, mended by `clock_shift_ns` where it differs from the second's.
    `source` and `destination` are the packets' addresses; `first` and `second` (device, interface) in the direction
    of travel. `second_file` and `frames` of the first let the reader open both captures. `behind` are points further
    on that listened all the while: none of the lost packets came by there either. `strange` of the lost were of flows
    of which the second point never showed a packet while others passed: if there is another way, they may have gone it.
    """

    end_ns: int
    first: tuple[str, str | None]
    second: tuple[str, str | None]
    second_file: str
    source: str
    destination: str
    protocol: str
    sent: int
    lost: int
    strange: int = 0
    clock_shift_ns: int = 0
    behind: tuple[tuple[str, str | None], ...] = ()
    smallest_lost: int | None = None
    largest_passed: int | None = None
    frames: tuple[int, ...] = ()


class WitnessKind(StrEnum):
    """What a packet says about the network beyond its own passing.

    `HELLO_LOST`: a router's hellos stopped; `NEIGHBOUR_LOST`: its own hellos no longer name one. `DNS_FAILED` has the
    code unanswered, servfail, refused, nxdomain or truncated; `DHCP_FAILED` what was asked in vain (discover, request,
    solicit …), nak, decline or a DHCPv6 status; `TLS_ALERT` level/description; `TLS_UNANSWERED` silent, slow,
    lost_before or lost_beyond; `QUIC_HANDSHAKE` unanswered, unfinished, version_negotiation or retry;
    `SPANNING_TREE_CHANGED` tcn, tc, root or role; `LACP_PARTNER_LOST` expired, defaulted, out_of_service or silent;
    `REDUNDANCY_CHANGED` master or resigned. `BGP_HOST_ROUTE` is a route to single hosts that a speaker announces of
    itself, or of its own network, while its session stands. `SILENCE` has as its code how many pings the sender counted
    on meanwhile, if it sent as many as before. `DAMAGED` names the checksum that is wrong.
    """

    ICMP_UNREACHABLE = "icmp_unreachable"
    ICMP_PROHIBITED = "icmp_prohibited"
    ICMP_TTL_EXCEEDED = "icmp_ttl_exceeded"
    ICMP_TOO_BIG = "icmp_too_big"
    ROUTING_LOOP = "routing_loop"
    ARP_UNANSWERED = "arp_unanswered"
    ARP_DUPLICATE = "arp_duplicate"
    BGP_NOTIFICATION = "bgp_notification"
    BGP_WITHDRAWAL = "bgp_withdrawal"
    BGP_HOST_ROUTE = "bgp_host_route"
    BGP_SILENT = "bgp_silent"
    BFD_DOWN = "bfd_down"
    HELLO_LOST = "hello_lost"
    TCP_RESET = "tcp_reset"
    HANDSHAKE_FAILED = "handshake_failed"
    ZERO_WINDOW = "zero_window"
    LARGE_PACKETS_LOST = "large_packets_lost"
    RATE_PLATEAU = "rate_plateau"
    FLOOD = "flood"
    SCAN = "scan"
    SILENCE = "silence"
    BFD_SILENT = "bfd_silent"
    NEIGHBOUR_LOST = "neighbour_lost"
    LINK_STATE_PURGED = "link_state_purged"
    SPANNING_TREE_CHANGED = "spanning_tree_changed"
    LACP_PARTNER_LOST = "lacp_partner_lost"
    REDUNDANCY_CHANGED = "redundancy_changed"
    DNS_FAILED = "dns_failed"
    DHCP_FAILED = "dhcp_failed"
    TLS_ALERT = "tls_alert"
    TLS_UNANSWERED = "tls_unanswered"
    QUIC_HANDSHAKE = "quic_handshake"
    DAMAGED = "damaged"


FORGED = "forged"
"""The code of a TCP_RESET or HANDSHAKE_FAILED that another device sent than the end that it names."""

TCP_ALONE = "tcp_alone"
"""The code of a BGP_SILENT whose host went on to acknowledge what its peer said, and had sent all it had to say."""

REFUSED_BY_ITSELF = "refused_by_itself"
"""The code of a HANDSHAKE_FAILED that the server itself sent, which served there at other times: now it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketWitness(Observation):
    """What some packets at one capture point testify, from `time_ns` to `end_ns`.

    `sender` is the address that sent the telling packet, `about` the address or flow it speaks of (the destination
    quoted in an ICMP error, the peer of a session). Of a silence, `sender` is who fell silent and `about` who went on
    or waited. `code` keeps the protocol's own number (`6/2` for a Cease, the next hop's MTU, bits per second), and
    `prefixes` the routes that were taken back.
    """

    end_ns: int
    device: str
    interface: str | None
    kind: WitnessKind
    sender: str | None
    about: str | None
    code: str | None = None
    count: int = 1
    detail: str = ""
    frames: tuple[int, ...] = ()
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureCoverage(Observation):
    """A capture point listened from the time to `end_ns` and saw this many packets; silence outside means nothing."""

    end_ns: int
    device: str
    interface: str | None
    packets: int
    dropped: int = 0
    truncated: bool = False
