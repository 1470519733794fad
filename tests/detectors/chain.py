"""A small network that a customer and a provider share, and the dated facts that its files state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attribution.detectors.addresses import learn_addresses
from attribution.detectors.loss import Surroundings
from attribution.detectors.routes import learn_routes
from attribution.model.incident import NANOSECONDS, EvidenceType, Incident, Interval, Origin, Service
from attribution.model.observation import (
    CommandEffect,
    CommandEffectKind,
    CounterSample,
    DownReason,
    Hop,
    LogEvent,
    LogKind,
    Metric,
    Observation,
    PathTrace,
    ProbeResult,
)
from attribution.model.topology import Link, Node, NodeKind, Side, Topology, parse_network

START_S = 1_795_428_000  # 2026-11-23T10:00:00Z
ENDS = ("office-host", "cloud-host")


def at(second: float) -> int:
    """This many seconds after ten o'clock, as the model counts time."""
    return START_S * NANOSECONDS + round(second * NANOSECONDS)


def between(start: float, end: float) -> Interval:
    return Interval(at(start), at(end))


def node(
    name: str,
    kind: NodeKind = NodeKind.ROUTER,
    *addresses: str,
    side: Side = Side.PROVIDER,
    operator: str | None = None,
    resources: tuple[str, ...] = (),
) -> Node:
    return Node(
        name, side, kind, operator, tuple(parse_network(address) for address in addresses), resource_ids=resources
    )


def join(
    first: str, second: str, key: str | None = None, side: Side | None = None, resources: tuple[str, ...] = ()
) -> Link:
    """A cable between two ports, each written as `node port`."""
    (one, one_port), (other, other_port) = first.split(" "), second.split(" ")
    return Link(one, other, key, side, {one: one_port, other: other_port}, resource_ids=resources)


def network(nodes: Iterable[Node], links: Iterable[Link]) -> Topology:
    return Topology({one.id: one for one in nodes}, {link.component: link for link in links})


NODES = (
    node("office-host", NodeKind.HOST, "10.1.0.2", side=Side.CUSTOMER),
    node("office-edge", NodeKind.ROUTER, "10.1.0.1", "192.0.2.1", side=Side.CUSTOMER),
    node("cloud-edge", NodeKind.ROUTER, "192.0.2.2", "10.9.1.1"),
    node("cloud-core", NodeKind.ROUTER, "10.9.1.2", "10.9.2.1"),
    node("cloud-gateway", NodeKind.GATEWAY, "10.9.2.2", resources=("ccn-1",)),
    node("cloud-host", NodeKind.HOST, "10.2.0.2", side=Side.CUSTOMER),
)
LINKS = (
    join("office-host eth0", "office-edge Gi0/0", side=Side.CUSTOMER),
    join("office-edge Gi0/1", "cloud-edge GE0/0/1"),
    join("cloud-edge GE0/0/2", "cloud-core GE0/0/1", side=Side.PROVIDER),
    join("cloud-core GE0/0/2", "cloud-gateway GE0/0/1", side=Side.PROVIDER),
    join("cloud-gateway GE0/0/2", "cloud-host eth0", side=Side.PROVIDER),
)
CHAIN = network(NODES, LINKS)
WAY = (
    "office-host",
    "office-edge--office-host",
    "office-edge",
    "cloud-edge--office-edge",
    "cloud-edge",
    "cloud-core--cloud-edge",
    "cloud-core",
    "cloud-core--cloud-gateway",
    "cloud-gateway",
    "cloud-gateway--cloud-host",
    "cloud-host",
)
"""All that the traffic from the office to the cloud crosses."""


def surroundings(
    topology: Topology = CHAIN,
    observations: Sequence[Observation] = (),
    ends: tuple[str, str] = ENDS,
) -> Surroundings:
    book = learn_addresses(topology, observations)
    return Surroundings(topology, Service(ends), book, learn_routes(topology, book, observations))


def origin(
    file: str = "telemetry/log",
    type: EvidenceType = EvidenceType.SYSLOG,
    supplied_by: Side | None = Side.PROVIDER,
    device: str | None = None,
    interface: str | None = None,
    offset_ns: int | None = None,
) -> Origin:
    return Origin(file, type, supplied_by=supplied_by, device=device, interface=interface, clock_offset_ns=offset_ns)


LOG = origin()
COUNTERS = origin("telemetry/counters.csv", EvidenceType.INTERFACE_COUNTERS)
PROBES = origin("telemetry/probes.csv", EvidenceType.PROBES)
PATHS = origin("telemetry/paths.csv", EvidenceType.PATHS)
FLOWS = origin("telemetry/flows.csv", EvidenceType.FLOWS)
CAPTURE = origin("captures/one.pcap", EvidenceType.CAPTURE)


def incident(
    origins: Sequence[Origin] = (), window: Interval | None = None, bandwidth_bps: float | None = None
) -> Incident:
    return Incident(
        id="INC-1",
        title="interrupted",
        agreement="tencent-cross-region-connection",
        service=Service(ENDS, bandwidth_bps),
        window=window or between(0, 60),
        topology_file="topology.json",
        origins=tuple(origins),
    )


def log(
    second: float,
    device: str,
    kind: LogKind,
    *,
    interface: str | None = None,
    peer: str | None = None,
    reason: DownReason | None = None,
    effect: CommandEffect | None = None,
    command: str | None = None,
    source: Origin = LOG,
) -> LogEvent:
    return LogEvent(
        time_ns=at(second),
        origin=source,
        locator=f"line {int(second) + 1}",
        device=device,
        kind=kind,
        text=f"{device} said {kind.value}",
        interface=interface,
        peer=peer,
        reason=reason,
        effect=effect,
        command=command,
    )


def command(
    second: float,
    device: str,
    kind: CommandEffectKind,
    *,
    interface: str | None = None,
    prefix: str | None = None,
    restores: bool = False,
    context: str | None = None,
    next_hop: str | None = None,
) -> LogEvent:
    """What an operator typed; `context` is the port whose configuration the command was typed in."""
    effect = CommandEffect(kind, restores, interface, prefix, next_hop=next_hop)
    return log(second, device, LogKind.COMMAND, interface=context, effect=effect, command=kind.value)


def probe(
    second: float,
    sent: int,
    received: int,
    source: str = "office-host",
    destination: str = "cloud-host",
    protocol: str = "icmp",
    file: Origin = PROBES,
) -> ProbeResult:
    return ProbeResult(
        time_ns=at(second),
        origin=file,
        locator=f"row {int(second) + 1}",
        source=source,
        destination=destination,
        protocol=protocol,
        sent=sent,
        received=received,
    )


def trace(
    second: float,
    source: str,
    destination: str,
    *answers: str | None,
    sent: int = 3,
    received: int | None = None,
) -> PathTrace:
    """A traceroute by who answered at each hop; None where nobody did."""
    hops = tuple(
        Hop(number, address, sent, 0 if address is None else sent if received is None else received)
        for number, address in enumerate(answers, start=1)
    )
    return PathTrace(
        time_ns=at(second),
        origin=PATHS,
        locator=f"row {int(second) + 1}",
        source=source,
        destination=destination,
        hops=hops,
    )


def sample(
    second: float, device: str, interface: str | None, metric: Metric, value: float, source: Origin = COUNTERS
) -> CounterSample:
    return CounterSample(
        time_ns=at(second),
        origin=source,
        locator=f"row {int(second) + 1}",
        device=device,
        interface=interface,
        metric=metric,
        value=value,
    )


def readings(
    device: str, interface: str | None, metric: Metric, *values: float, every: float = 10, source: Origin = COUNTERS
) -> list[CounterSample]:
    """One metric, polled regularly."""
    return [sample(index * every, device, interface, metric, value, source) for index, value in enumerate(values)]
