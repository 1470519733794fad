"""Whether the customer offered more than it had bought: counted where its traffic leaves its own devices, or by the
cloud, which counts what its limits drop as well; and whether others flooded a host of its."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from attribution.detectors.enforcement import OF_AN_ATTACK, attacked_by
from attribution.detectors.loss import Surroundings
from attribution.detectors.port_counters import gather_counters
from attribution.model.evidence import Alarm, AlarmKind, Citation
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import (
    AccountEvent,
    AccountEventKind,
    CloudMetric,
    CounterSample,
    Load,
    Metric,
    Observation,
    TapLoad,
)
from attribution.model.phrase import Phrase, Template
from attribution.model.ports import find_link
from attribution.model.topology import NodeKind, Side

# Counters include headers below IP and the polls are not quite regular: this much above the limit is not yet more.
TOLERANCE = 1.1
# Behind the limit no more than the limit gets through: a port that fills it this far had more offered to it.
FILLED = 0.85
# A limit that drops less than this many packets of a period, or this share of them (%), hurts nobody.
LEAST_DROPPED, LEAST_DROPPED_PERCENT = 3.0, 0.5
# A limit in force below this share of what was bought was set so, rather than rounded; one used this far (%) is full.
LOWERED, FULL_PERCENT = 0.8, 90.0
RATE = "rate"
# A capture shows more than was bought if that holds for so many seconds on end: bursts are shaped, and hurt nobody.
LONG_ENOUGH_S = 3
# A device polled this rarely hides any surge in its average (seconds).
LONGEST_POLL_S = 120.0
CAPTURED = Template(
    "{device} {interface} carried up to {highest:.1f} Mbit/s by what was captured, where {bought:g} were bought"
)
# What the provider does to a flooded address, in whose words; and within which time of the flood.
TAKEN_OFF = frozenset({AccountEventKind.RESTRICTED, AccountEventKind.LINK_BLOCKED})
TAKEN_OFF_AFTER_NS = 300 * NANOSECONDS
# A port to which so many times as many packets come as usual is flooded; rush hours bring two or three times as many.
FLOODS_BY = 10.0
FLOODED = Template("{host} was flooded: {told}, until the provider took it off the network ({detail})")
CARRIED_BY_CLOUD = Template(
    "Cloud Monitor counted up to {highest:.1f} Mbit/s ({metric} of {resource}), where {bought:g} were bought"
)
LOW_LIMIT = Template(
    "Cloud Monitor counted {highest:.1f} Mbit/s as {share:g} % of the limit in force ({metric} of {resource}): it was "
    "{limit:.1f} Mbit/s, where {bought:g} were bought"
)
CAME_OUT_OF_LIMIT = Template(
    "Cloud Monitor counted up to {highest:.1f} Mbit/s behind the limit ({metric} of {resource}), on the mean of "
    "{period:g} s, where {bought:g} were bought: bursts fill it"
)
DROPPED_BY_LIMIT = Template(
    "Cloud Monitor counted up to {highest:g} {unit} that a bandwidth limit dropped ({metric} of {resource})"
)


def detect_overuse(
    observations: Iterable[Observation], around: Surroundings, bandwidth_bps: float | None
) -> Iterator[Alarm]:
    """Polls between which more was offered at the customer's attachment than was bought; neighbours are joined."""
    if bandwidth_bps is None:
        return
    series: dict[tuple[str, str, str, Metric], list[CounterSample]] = defaultdict(list)
    for sample in observations:
        if (
            isinstance(sample, CounterSample)
            and sample.interface is not None
            and sample.device in around.topology.nodes
        ):
            series[(sample.origin.file, sample.device, sample.interface, sample.metric)].append(sample)
    for (_, device, interface, metric), samples in series.items():
        link = find_link(around.topology, device, interface)
        limit_bps = _limit_at(device, link.far_end(device), metric, around, bandwidth_bps) if link is not None else None
        if link is None or limit_bps is None:
            continue
        samples.sort(key=lambda sample: sample.time_ns)
        yield from _surges(device, interface, link.component, samples, limit_bps, bandwidth_bps)


def detect_cloud_load(
    observations: Iterable[Observation], around: Surroundings, bandwidth_bps: float | None
) -> Iterator[Alarm]:
    """Periods in which the cloud counted more than was bought, or what a limit dropped; neighbours are joined."""
    series: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[CloudMetric]] = defaultdict(list)
    for metric in observations:
        if isinstance(metric, CloudMetric) and metric.load not in (None, Load.USED):
            series[(metric.origin.file, metric.name, metric.dimensions)].append(metric)
    for (_, _, dimensions), metrics in series.items():
        place = counted_at({value for _, value in dimensions}, around)
        metrics.sort(key=lambda metric: metric.time_ns)
        run: list[CloudMetric] = []
        for metric in metrics:
            if _is_too_much(metric, bandwidth_bps):
                run.append(metric)
            elif run and place is not None:
                yield _cloud_alarm(*place, run, bandwidth_bps)
                run = []
        if run and place is not None:
            yield _cloud_alarm(*place, run, bandwidth_bps)


def detect_low_limits(
    observations: Iterable[Observation], around: Surroundings, bandwidth_bps: float | None
) -> Iterator[Alarm]:
    """Periods in which a limit in force lay below what was bought, and was full; neighbours are joined.

    What came out, divided by its share of the limit, is the limit.
    """
    if bandwidth_bps is None:
        return
    passed: dict[tuple[tuple[tuple[str, str], ...], str, int], CloudMetric] = {}
    used: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[CloudMetric]] = defaultdict(list)
    for metric in observations:
        if isinstance(metric, CloudMetric) and metric.load is Load.PASSED:
            passed[metric.dimensions, metric.name, metric.time_ns] = metric
        elif isinstance(metric, CloudMetric) and metric.load is Load.USED:
            used[metric.origin.file, metric.name, metric.dimensions].append(metric)
    for (_, name, dimensions), metrics in used.items():
        place = counted_at({value for _, value in dimensions}, around)
        run: list[tuple[CloudMetric, CloudMetric]] = []
        for share in sorted(metrics, key=lambda metric: metric.time_ns):
            out = passed.get((dimensions, name.removesuffix(RATE), share.time_ns))
            if out is not None and share.value >= FULL_PERCENT and _limit_bps(out, share) < LOWERED * bandwidth_bps:
                run.append((out, share))
            elif run and place is not None:
                yield _low_limit(*place, run, bandwidth_bps)
                run = []
        if run and place is not None:
            yield _low_limit(*place, run, bandwidth_bps)


def _limit_bps(out: CloudMetric, share: CloudMetric) -> float:
    return bits_per_second(out) * 100.0 / share.value


def _low_limit(
    reporter: str, component: str, run: Sequence[tuple[CloudMetric, CloudMetric]], bandwidth_bps: float
) -> Alarm:
    first, last = run[0][1], run[-1][1]
    out, share = max(run, key=lambda pair: (pair[1].value, -pair[0].time_ns))
    limit_bps = _limit_bps(out, share)
    statement = LOW_LIMIT.fill(
        highest=bits_per_second(out) / 1e6,
        share=share.value,
        metric=share.name,
        resource="/".join(value for _, value in share.dimensions),
        limit=limit_bps / 1e6,
        bought=bandwidth_bps / 1e6,
    )
    return Alarm(
        Interval(first.time_ns, last.time_ns + int(last.period_s * NANOSECONDS)),
        reporter,
        component,
        AlarmKind.LIMIT_LOWERED,
        Citation(first.origin, first.locator),
        statement,
        magnitude=limit_bps,
        slack_ns=int(first.period_s * NANOSECONDS),
    )


def _is_too_much(metric: CloudMetric, bandwidth_bps: float | None) -> bool:
    if metric.load is Load.DROPPED:
        least = {"packet/s": LEAST_DROPPED / metric.period_s, "%": LEAST_DROPPED_PERCENT}.get(metric.unit, 0.0)
        return metric.value > 0 and metric.value >= least
    share = TOLERANCE if metric.load is Load.OFFERED else FILLED
    return bandwidth_bps is not None and bits_per_second(metric) > share * bandwidth_bps


def bits_per_second(metric: CloudMetric) -> float:
    """What a metric of load counted, whatever its unit."""
    return metric.value * (1e6 if metric.unit == "Mbit/s" else 1.0)


def counted_at(resources: Container[str], around: Surroundings) -> tuple[str, str] | None:
    """The provider's device that counted for a resource, and where: the node or link to which the resource is tied,
    else, as it is the service's own, the first gateway on the way."""
    nodes, links = around.topology.nodes, around.topology.links
    for node in nodes.values():
        if any(name in resources for name in node.resource_ids):
            return node.id, node.id
    for link in links.values():
        if any(name in resources for name in link.resource_ids):
            ours = [end for end in link.ends if nodes[end].side is Side.PROVIDER]
            return (ours or link.ends)[0], link.component
    way = next(iter(around.routes.all_ways(*around.first_and_second, 0)), ())
    of_provider = [nodes[name] for name in way if name in nodes and nodes[name].side is Side.PROVIDER]
    gateways = [node for node in of_provider if node.kind in (NodeKind.GATEWAY, NodeKind.SERVICE)]
    return next(((node.id, node.id) for node in (*gateways, *of_provider)), None)


def _cloud_alarm(reporter: str, component: str, run: list[CloudMetric], bandwidth_bps: float | None) -> Alarm:
    first, last = run[0], run[-1]
    told = {"metric": first.name, "resource": "/".join(value for _, value in first.dimensions)}
    rate_bps = max(map(bits_per_second, run))
    if first.load is Load.DROPPED:
        kind = AlarmKind.RATE_EXCEEDED
        statement = DROPPED_BY_LIMIT.fill(highest=max(metric.value for metric in run), unit=first.unit, **told)
    else:
        kind, bought = AlarmKind.BANDWIDTH_EXCEEDED, (bandwidth_bps or 0.0) / 1e6
        if first.load is Load.PASSED and rate_bps < (bandwidth_bps or 0.0):
            statement = CAME_OUT_OF_LIMIT.fill(highest=rate_bps / 1e6, bought=bought, period=first.period_s, **told)
        else:
            statement = CARRIED_BY_CLOUD.fill(highest=rate_bps / 1e6, bought=bought, **told)
    return Alarm(
        Interval(first.time_ns, last.time_ns + int(last.period_s * NANOSECONDS)),
        reporter,
        component,
        kind,
        Citation(first.origin, first.locator),
        statement,
        magnitude=max(metric.value for metric in run) if first.load is Load.DROPPED else rate_bps,
        slack_ns=int(first.period_s * NANOSECONDS),  # what is told of a minute may have begun at its end
    )


def detect_captured_load(
    observations: Iterable[Observation], around: Surroundings, bandwidth_bps: float | None
) -> Iterator[Alarm]:
    """Seconds in which a capture at the customer's attachment shows more than was bought; a few in a row, at least."""
    if bandwidth_bps is None:
        return
    # By file: two captures of one port show the same packets.
    octets: dict[tuple[str, str, str, Metric], dict[int, tuple[int, TapLoad]]] = defaultdict(dict)
    for tap in observations:
        if isinstance(tap, TapLoad) and tap.interface is not None and tap.device in around.topology.nodes:
            metric = _direction_at(tap, around)
            if metric is not None:
                seconds = octets[(tap.origin.file, tap.device, tap.interface, metric)]
                known, first = seconds.get(tap.time_ns, (0, tap))
                seconds[tap.time_ns] = (known + tap.octets, first)
    for (_, device, interface, metric), seconds in octets.items():
        link = find_link(around.topology, device, interface)
        limit_bps = _limit_at(device, link.far_end(device), metric, around, bandwidth_bps) if link is not None else None
        if link is None or limit_bps is None:
            continue
        rates = [(first, 8 * count * NANOSECONDS / (first.end_ns - first.time_ns)) for count, first in seconds.values()]
        for run in _in_a_row(sorted(((t, rate) for t, rate in rates if rate > limit_bps), key=lambda r: r[0].time_ns)):
            if run[-1][0].end_ns - run[0][0].time_ns >= LONG_ENOUGH_S * NANOSECONDS:
                highest = max(rate_bps for _, rate_bps in run)
                told = {"device": device, "interface": interface, "highest": highest / 1e6}
                yield Alarm(
                    Interval(run[0][0].time_ns, run[-1][0].end_ns),
                    device,
                    link.component,
                    AlarmKind.BANDWIDTH_EXCEEDED,
                    Citation(run[0][0].origin, run[0][0].locator),
                    CAPTURED.fill(bought=bandwidth_bps / 1e6, **told),
                    magnitude=highest,
                )


def detect_floods(
    alarms: Iterable[Alarm], observations: Iterable[Observation], around: Surroundings, bandwidth_bps: float | None
) -> Iterator[Alarm]:
    """More came for a host than the service can bring it, or many times as much as usual, and a port on the only way to
    it dropped some, until the provider, by the account's events, took the host's address off the network for an attack:
    it was flooded by others."""
    observations, alarms = list(observations), list(alarms)
    events = [o for o in observations if isinstance(o, AccountEvent) and o.kind in TAKEN_OFF]
    for event in events:
        if not OF_AN_ATTACK.search(event.detail):
            continue
        for host in sorted({h for one in attacked_by(event) for h in around.book.owners_within(one)}):
            for dropped in alarms:
                if (
                    dropped.kind is AlarmKind.INTERFACE_DISCARDS
                    and dropped.reporter != host
                    and 0 <= event.time_ns - dropped.interval.start_ns <= TAKEN_OFF_AFTER_NS
                    and _leads_to(dropped, host, around)
                    and (_exceeds(dropped, alarms, bandwidth_bps) or _surges_at(dropped, observations, around))
                ):
                    told = {"host": host, "told": dropped.statement, "detail": event.detail}
                    yield replace(dropped, component=host, kind=AlarmKind.ATTACK, statement=FLOODED.fill(**told))


def _leads_to(dropped: Alarm, host: str, around: Surroundings) -> bool:
    """Whether all that goes to a host by the device that dropped goes out by the port at which it did."""
    ways = around.routes.all_ways(dropped.reporter, host, 0)
    return bool(ways) and all(way[1:2] == (dropped.component,) for way in ways)


def _exceeds(dropped: Alarm, alarms: Iterable[Alarm], bandwidth_bps: float | None) -> bool:
    """Whether the port that dropped carried more than was bought meanwhile."""
    return bandwidth_bps is not None and any(
        alarm.kind is AlarmKind.BANDWIDTH_EXCEEDED
        and (alarm.reporter, alarm.component) == (dropped.reporter, dropped.component)
        and alarm.interval.overlaps(dropped.interval)
        and (alarm.magnitude or 0.0) > TOLERANCE * bandwidth_bps
        for alarm in alarms
    )


def _surges_at(dropped: Alarm, observations: Iterable[Observation], around: Surroundings) -> bool:
    """Whether the port that dropped sent many times as many packets meanwhile as was usual before."""
    counters = gather_counters(observations, around, (dropped.reporter,))
    counter = counters.get(((dropped.reporter, dropped.component), Metric.OUT_PACKETS))
    rates = [(end_ns, rate) for _, end_ns, rate in counter.rates()] if counter is not None else []
    before = [rate for time_ns, rate in rates if time_ns <= dropped.interval.start_ns]
    meanwhile = [rate for time_ns, rate in rates if dropped.interval.contains(time_ns)]
    return bool(before and meanwhile) and 0 < FLOODS_BY * median(before) <= median(meanwhile)


def _in_a_row(over: Iterable[tuple[TapLoad, float]]) -> Iterator[list[tuple[TapLoad, float]]]:
    run: list[tuple[TapLoad, float]] = []
    for tap, rate_bps in over:
        if run and tap.time_ns > run[-1][0].end_ns:
            yield run
            run = []
        run.append((tap, rate_bps))
    if run:
        yield run


def _direction_at(tap: TapLoad, around: Surroundings) -> Metric | None:
    """Whether what a capture counted comes in by its port or goes out by it: where its source or destination lies."""
    link = find_link(around.topology, tap.device, tap.interface or "")
    if link is None:
        return None
    for end, beyond in ((tap.source, Metric.IN_OCTETS), (tap.destination, Metric.OUT_OCTETS)):
        node = around.book.resolve(end)
        ways = around.routes.paths(node, tap.device, tap.time_ns) if node is not None and node != tap.device else ()
        sides = {link.component in way for way in ways}
        if len(sides) == 1:
            inside = Metric.OUT_OCTETS if beyond is Metric.IN_OCTETS else Metric.IN_OCTETS
            return beyond if sides.pop() else inside
    return None


def _limit_at(device: str, neighbour: str, metric: Metric, around: Surroundings, bandwidth_bps: float) -> float | None:
    """The rate above which a port at the customer's attachment shows that more was offered than bought.

    What leaves the customer's device for the provider, or comes in from it, is what it offers. What the provider sends
    towards the customer has passed the limit. None for ports elsewhere, which carry other traffic too.
    """
    here, there = around.topology.nodes[device].side, around.topology.nodes[neighbour].side
    leaves_customer = here is Side.CUSTOMER and (
        there is Side.PROVIDER or around.topology.nodes[neighbour].operator is not None
    )
    if metric is Metric.OUT_OCTETS and leaves_customer:
        return TOLERANCE * bandwidth_bps
    if here is Side.PROVIDER and there is Side.CUSTOMER:
        return {Metric.IN_OCTETS: TOLERANCE, Metric.OUT_OCTETS: FILLED}.get(metric, float("inf")) * bandwidth_bps
    return None


def _surges(
    device: str, interface: str, component: str, samples: list[CounterSample], limit_bps: float, bandwidth_bps: float
) -> Iterator[Alarm]:
    surge: list[tuple[CounterSample, CounterSample, float]] = []
    for earlier, later in pairwise(samples):
        seconds = (later.time_ns - earlier.time_ns) / NANOSECONDS
        if not 0 < seconds <= LONGEST_POLL_S or later.value < earlier.value:
            continue
        rate_bps = 8 * (later.value - earlier.value) / seconds
        if rate_bps > limit_bps:
            surge.append((earlier, later, rate_bps))
        elif surge:
            yield _alarm(device, interface, component, surge, bandwidth_bps)
            surge = []
    if surge:
        yield _alarm(device, interface, component, surge, bandwidth_bps)


def _alarm(
    device: str,
    interface: str,
    component: str,
    surge: list[tuple[CounterSample, CounterSample, float]],
    bandwidth_bps: float,
) -> Alarm:
    highest = max(rate for _, _, rate in surge)
    return Alarm(
        Interval(surge[0][0].time_ns, surge[-1][1].time_ns),
        device,
        component,
        AlarmKind.BANDWIDTH_EXCEEDED,
        Citation(surge[0][1].origin, surge[0][1].locator),
        Phrase(
            "{device} {interface} carried up to {highest:.1f} Mbit/s, where {bought:g} were bought",
            device=device,
            interface=interface,
            highest=highest / 1e6,
            bought=bandwidth_bps / 1e6,
        ),
        magnitude=highest,
    )
