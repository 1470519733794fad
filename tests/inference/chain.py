"""A chain of two equal halves, customer's and provider's, and the evidence that may be found along it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from attribution.inference import Inference, infer_causes
from attribution.inference.candidates import Candidate, Direction, ServicePaths
from attribution.inference.modes import Expectation, Mode, Modes, Reach, Selectivity
from attribution.model.evidence import (
    Alarm,
    AlarmKind,
    Citation,
    Condition,
    Coverage,
    Findings,
    Journey,
    Measurement,
    Method,
    Record,
    RecordKind,
    Stretch,
)
from attribution.model.incident import FOREVER_NS, NANOSECONDS, EvidenceType, Interval, Origin, Service
from attribution.model.observation import CommandEffectKind
from attribution.model.topology import Link, Node, NodeKind, Side, Topology
from attribution.model.verdict import CauseKind

START_S = 1_795_428_000  # 2026-11-23T10:00:00Z
PROBES = Origin("telemetry/probes.csv", EvidenceType.PROBES)
LOG = Origin("telemetry/syslog.log", EvidenceType.SYSLOG)
CAPTURE = Origin("captures/port.pcap", EvidenceType.CAPTURE)
RECORDS = Origin("records/changes.csv", EvidenceType.CHANGE_RECORDS)
FOREVER_S = FOREVER_NS / NANOSECONDS

ENDS = ("customer-host", "provider-host")
WAY_NODES = ("customer-host", "customer-core", "customer-edge", "provider-edge", "provider-core", "provider-host")
BACKGROUND = {
    "alarm": 0.01,
    "command": 0.005,
    "command_that_cuts": 0.001,
    "change": 0.05,
    "cloud_call": 0.005,
    "cloud_change": 0.02,
    "enforcement": 0.005,
    "commit": 0.004,
    "second_cause": 0.01,
    "unknown": 0.01,
}


def at(second: float) -> int:
    return START_S * NANOSECONDS + round(second * NANOSECONDS)


def between(start: float, end: float) -> Interval:
    return Interval(at(start), at(end))


def link_name(one: str, other: str) -> str:
    first, second = sorted((one, other))
    return f"{first}--{second}"


def _node(name: str) -> Node:
    side = Side.CUSTOMER if name.startswith("customer") else Side.PROVIDER
    return Node(name, side, NodeKind.HOST if name.endswith("host") else NodeKind.ROUTER)


def _link(one: str, other: str) -> Link:
    sides = {_node(one).side, _node(other).side}
    return Link(one, other, None, sides.pop() if len(sides) == 1 else None, {one: f"to-{other}", other: f"to-{one}"})


CHAIN = Topology(
    {name: _node(name) for name in WAY_NODES},
    {link_name(one, other): _link(one, other) for one, other in pairwise(WAY_NODES)},
)
DEMARCATION = link_name("customer-edge", "provider-edge")


def way(source: str, destination: str) -> tuple[str, ...]:
    """The components from one node of the chain to another, both included."""
    first, last = WAY_NODES.index(source), WAY_NODES.index(destination)
    names = WAY_NODES[first : last + 1] if first <= last else WAY_NODES[last : first + 1][::-1]
    found = list(names[:1])
    for here, there in pairwise(names):
        found += [link_name(here, there), there]
    return tuple(found)


WAY = way(*ENDS)
PATHS = ServicePaths([WAY])
SERVICE = Service(ENDS)
WINDOW = between(20, 60)


def there_and_back(source: str, destination: str) -> Journey:
    return (Stretch(way(source, destination)), Stretch(way(destination, source)))


def measured(
    start: float,
    end: float,
    sent: int,
    lost: int,
    source: str = ENDS[0],
    destination: str = ENDS[1],
    *,
    journeys: tuple[Journey, ...] | None = None,
    method: Method = Method.PROBES,
    traffic: str = "icmp",
    of_service: bool | None = None,
    end_to_end: bool | None = None,
) -> Measurement:
    whole = {source, destination} == set(ENDS)
    return Measurement(
        interval=between(start, end),
        journeys=(there_and_back(source, destination),) if journeys is None else journeys,
        sent=sent,
        lost=lost,
        method=method,
        series=f"{source}>{destination}/{traffic}",
        traffic=traffic,
        end_to_end=whole if end_to_end is None else end_to_end,
        of_service=whole if of_service is None else of_service,
        citation=Citation(PROBES, f"row {round(start) + 1}"),
        subject=f"{traffic} probes from {source} to {destination}",
    )


def probed(
    source: str,
    destination: str,
    loss_ratio: Callable[[float], float] = lambda _second: 0.0,
    *,
    seconds: float = 120,
    every: float = 1.0,
    sent: int = 20,
    traffic: str = "icmp",
    of_service: bool | None = None,
) -> list[Measurement]:
    """Probes from one node to another every second, of which the given share was lost at each second."""
    starts = [index * every for index in range(int(seconds / every))]
    return [
        measured(
            start,
            start + every,
            sent,
            round(sent * loss_ratio(start)),
            source,
            destination,
            traffic=traffic,
            of_service=of_service,
        )
        for start in starts
    ]


def during(start: float, end: float, ratio: float = 1.0) -> Callable[[float], float]:
    """A loss ratio that holds from one second to another, and none outside."""
    return lambda second: ratio if start <= second < end else 0.0


def alarm(
    start: float,
    reporter: str,
    component: str,
    kind: AlarmKind,
    *,
    about_peer: str | None = None,
    end: float = FOREVER_S,
    magnitude: float | None = None,
) -> Alarm:
    return Alarm(
        between(start, end),
        reporter,
        component,
        kind,
        Citation(LOG, f"line {abs(round(start)) + 1}"),
        f"{reporter} logged {kind} of {component}",
        about_peer,
        magnitude,
    )


def record(
    start: float,
    component: str | None,
    *,
    actor: Side | None = None,
    kind: RecordKind = RecordKind.OPERATION,
    end: float = FOREVER_S,
    link: str | None = None,
    effect: CommandEffectKind | None = None,
    harmful: Condition = Condition.UNKNOWN,
    consent: Condition = Condition.UNKNOWN,
    cloud_call: bool = False,
    ground: Condition = Condition.UNKNOWN,
    reasons: tuple[str, ...] = (),
) -> Record:
    return Record(
        interval=between(start, end),
        actor=actor or (CHAIN.nodes[component].side if component else Side.PROVIDER),
        component=component,
        kind=kind,
        harmful=harmful,
        consent=consent,
        citation=Citation(RECORDS, f"row {abs(round(start)) + 1}"),
        statement=f"{kind} on {component}",
        link=link,
        effect=effect,
        cloud_call=cloud_call,
        ground=ground,
        reasons=reasons,
    )


def passing(seconds: Iterable[int], traffic: str = "tcp", sent: int = 20) -> list[Measurement]:
    """What a capture on the way sees of the service: packets that came by, and were answered."""
    return [
        measured(second, second + 1, sent, 0, method=Method.ONE_POINT, traffic=traffic, of_service=True)
        for second in seconds
    ]


def findings(
    measurements: Iterable[Measurement],
    alarms: Sequence[Alarm] = (),
    records: Sequence[Record] = (),
    coverage: Coverage | None = None,
    session_paths: Mapping[tuple[str, str], frozenset[str]] | None = None,
) -> Findings:
    """Findings of an incident whose account is known to be in order, so that no enforcement has to be imagined."""
    known = coverage or Coverage()
    return Findings(
        measurements=tuple(measurements),
        alarms=tuple(alarms),
        records=tuple(records),
        coverage=replace(known, types=known.types | {EvidenceType.ACCOUNT_EVENTS}),
        service_paths=(WAY,),
        session_paths=session_paths or {},
    )


def infer(found: Findings, window: Interval = WINDOW) -> Inference:
    return infer_causes(found, CHAIN, SERVICE, window)


def mode(
    reach: Reach = Reach.NODE,
    selective: Selectivity = Selectivity.NONE,
    *,
    name: str = "trial",
    kind: CauseKind = CauseKind.DEVICE_FAILURE,
    withdraws: bool = False,
    full: float = 0.9,
    record_kind: str | None = None,
    sign: AlarmKind | None = None,
    unseen: float = 1.0,
    expects: tuple[Expectation, ...] = (),
) -> Mode:
    return Mode(
        name=name,
        kind=kind,
        on=frozenset({"router", "host", "link"}),
        reach=reach,
        withdraws=withdraws,
        selective=selective,
        prior=0.1,
        full=full,
        one_way=0.0,
        record=record_kind,
        needs_record=False,
        unless=None,
        sign=sign,
        unseen=unseen,
        expects=expects,
    )


def candidate(
    component: str,
    of: Mode | None = None,
    *,
    link: str | None = None,
    direction: Direction = Direction.BOTH,
    record: Record | None = None,
) -> Candidate:
    return Candidate(of or mode(), component, link, direction, 0.1, record)


MODES = Modes((), BACKGROUND)


def mirrored(name: str) -> str:
    """The component at the same place of the other half."""
    if "--" in name:
        return link_name(*(mirrored(end) for end in name.split("--")))
    side, _, place = name.partition("-")
    return f"{'provider' if side == 'customer' else 'customer'}-{place}"


def mirrored_findings(found: Findings) -> Findings:
    """The same story with the halves exchanged."""

    def stretch(one: Stretch) -> Stretch:
        return replace(
            one,
            components=tuple(mirrored(c) for c in one.components),
            beyond=tuple(mirrored(c) for c in one.beyond),
        )

    return replace(
        found,
        measurements=tuple(
            replace(m, journeys=tuple(tuple(stretch(s) for s in journey) for journey in m.journeys))
            for m in found.measurements
        ),
        alarms=tuple(
            replace(
                a,
                reporter=mirrored(a.reporter),
                component=mirrored(a.component),
                about_peer=a.about_peer and mirrored(a.about_peer),
            )
            for a in found.alarms
        ),
        records=tuple(
            replace(
                r,
                actor=r.actor.other,
                component=r.component and mirrored(r.component),
                link=r.link and mirrored(r.link),
            )
            for r in found.records
        ),
        coverage=replace(
            found.coverage,
            logging=frozenset(mirrored(c) for c in found.coverage.logging),
            polled=frozenset(mirrored(c) for c in found.coverage.polled),
            counted=frozenset(mirrored(c) for c in found.coverage.counted),
        ),
        service_paths=tuple(tuple(mirrored(c) for c in reversed(path)) for path in found.service_paths),
        session_paths={
            (mirrored(one), mirrored(other)): frozenset(mirrored(c) for c in crossed)
            for (one, other), crossed in found.session_paths.items()
        },
    )
