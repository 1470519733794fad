"""That traffic stopped: ports, tunnels and cloud metrics whose usual load fell to nothing once, and came back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from statistics import median

from attribution.detectors.load import bits_per_second, counted_at
from attribution.detectors.loss import Surroundings
from attribution.model.evidence import Alarm, AlarmKind, Citation
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import CloudMetric, CounterSample, Load, Metric, Observation, TapLoad
from attribution.model.phrase import Template
from attribution.model.ports import find_link

OCTETS = frozenset({Metric.IN_OCTETS, Metric.OUT_OCTETS})
# Of the usual load, what goes on when nobody's traffic does: hellos, keepalives, retransmissions.
NOTHING_SHARE = 0.02
# What is steady has no less than this share of the usual load in any period, and so many of them on either side.
STEADY_SHARE, STEADY_PERIODS = 0.2, 5
# So much less than usual is nothing unusual.
USUAL_SPREAD = 0.3
# Two periods in a row are no accident of when they were polled.
FEWEST_STOPPED = 2
PORT_STOPPED = Template(
    "{device} {interface} carried next to nothing for {seconds:.0f} s, where {usual:.3g} Mbit/s were usual before and "
    "after"
)
CLOUD_STOPPED = Template(
    "Cloud Monitor counted next to nothing for {seconds:.0f} s ({metric} of {resource}), where {usual:.3g} Mbit/s were "
    "usual before and after"
)
TUNNEL_STOPPED = Template(
    "packets at {device}: next to nothing came from {source} for {destination} in {seconds:.0f} s, where {usual:.3g} "
    "Mbit/s were usual before and after"
)
# What a capture shows of a tunnel is added up over so long (seconds): single packets come and go.
TUNNEL_PERIOD_S = 5.0

Rate = tuple[Interval, float, CounterSample | CloudMetric | TapLoad]
"""When, bits per second, and what tells."""


def detect_stopped(observations: Iterable[Observation], around: Surroundings) -> Iterator[Alarm]:
    """Loads that were steady, fell to nothing for some periods, and were steady again: the traffic was interrupted.

    A load that stops twice, or that comes and goes, may do so of itself.
    """
    known = tuple(observations)
    yield from _stopped_ports(known, around)
    yield from _stopped_metrics(known, around)
    yield from _stopped_tunnels(known, around)


def _stopped_ports(observations: Iterable[Observation], around: Surroundings) -> Iterator[Alarm]:
    polls: dict[tuple[str, str, str, Metric], list[CounterSample]] = defaultdict(list)
    for sample in observations:
        if isinstance(sample, CounterSample) and sample.interface is not None and sample.metric in OCTETS:
            polls[(sample.origin.file, sample.device, sample.interface, sample.metric)].append(sample)
    for (_, device, interface, _), samples in polls.items():
        link = find_link(around.topology, device, interface) if device in around.topology.nodes else None
        if link is None:
            continue
        samples.sort(key=lambda sample: sample.time_ns)
        rates = [
            (Interval(one.time_ns, other.time_ns), _rate_bps(one, other), other)
            for one, other in pairwise(samples)
            if other.time_ns > one.time_ns and other.value >= one.value
        ]
        stop = find_stop(rates)
        if stop is not None:
            of_port = {"device": device, "interface": interface}
            told = PORT_STOPPED.fill(seconds=stop[0].seconds, usual=stop[1] / 1e6, **of_port)
            yield _alarm(stop, device, link.component, told)


def _rate_bps(one: CounterSample, other: CounterSample) -> float:
    return 8 * (other.value - one.value) * NANOSECONDS / (other.time_ns - one.time_ns)


def _stopped_metrics(observations: Iterable[Observation], around: Surroundings) -> Iterator[Alarm]:
    series: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[CloudMetric]] = defaultdict(list)
    for metric in observations:
        if isinstance(metric, CloudMetric) and metric.load in (Load.OFFERED, Load.PASSED):
            series[(metric.origin.file, metric.name, metric.dimensions)].append(metric)
    for (_, name, dimensions), metrics in series.items():
        place = counted_at({value for _, value in dimensions}, around)
        metrics.sort(key=lambda metric: metric.time_ns)
        rates = [
            (Interval(m.time_ns, m.time_ns + int(m.period_s * NANOSECONDS)), bits_per_second(m), m) for m in metrics
        ]
        stop = find_stop(rates)
        if stop is not None and place is not None:
            counted = {"metric": name, "resource": "/".join(value for _, value in dimensions)}
            told = CLOUD_STOPPED.fill(seconds=stop[0].seconds, usual=stop[1] / 1e6, **counted)
            yield _alarm(stop, *place, told)


def _stopped_tunnels(observations: Iterable[Observation], around: Surroundings) -> Iterator[Alarm]:
    """What nodes on the service's way send each other over others is the service's in a tunnel (ESP, GRE), or the
    sessions that lead it: where its packets cannot be looked into, they tell when it stopped."""
    loads: dict[tuple[str, str, str], list[TapLoad]] = defaultdict(list)
    spans: dict[str, list[int]] = defaultdict(list)
    for load in observations:
        if isinstance(load, TapLoad) and load.device in around.topology.nodes:
            spans[load.origin.file] += (load.time_ns, load.end_ns)
            loads[(load.origin.file, load.source, load.destination)].append(load)
    for (file, source_name, destination_name), own in loads.items():
        source, destination = around.book.resolve(source_name), around.book.resolve(destination_name)
        link = find_link(around.topology, own[0].device, own[0].interface or "")
        if link is None or source is None or destination is None or not _is_tunnel(source, destination, around):
            continue
        own.sort(key=lambda load: load.time_ns)
        stop = find_stop(_rates_of(own, min(spans[file]), max(spans[file])))
        if stop is not None:
            middle_ns = (stop[0].start_ns + stop[0].end_ns) // 2
            since = max(load.end_ns for load in own if load.time_ns < middle_ns)
            until = min(load.time_ns for load in own if load.time_ns >= middle_ns)
            whole = Interval(since, max(until, since + 1))
            ends = {"source": source, "destination": destination}
            told = TUNNEL_STOPPED.fill(device=own[0].device, seconds=whole.seconds, usual=stop[1] / 1e6, **ends)
            yield _alarm((whole, stop[1], own[0]), own[0].device, link.component, told)


def _is_tunnel(source: str, destination: str, around: Surroundings) -> bool:
    """Whether two nodes lie on every way between the service's ends, neither an end nor next to the other."""
    ways = around.routes.paths(*around.first_and_second, 0)
    between = [way[2:-2] for way in ways]
    return (
        bool(between)
        and source != destination
        and all(source in way and destination in way for way in between)
        and not around.topology.links_between(source, destination)
    )


def _rates_of(loads: Sequence[TapLoad], start_ns: int, end_ns: int) -> list[Rate]:
    """The load in each whole period of a capture."""
    period_ns = int(TUNNEL_PERIOD_S * NANOSECONDS)
    octets = [0] * ((end_ns - start_ns) // period_ns)
    for load in loads:
        at = (load.time_ns - start_ns) // period_ns
        if at < len(octets):
            octets[at] += load.octets
    whole = (start_ns + at * period_ns for at in range(len(octets)))
    return [
        (Interval(begun, begun + period_ns), 8 * count / TUNNEL_PERIOD_S, loads[0])
        for begun, count in zip(whole, octets, strict=True)
    ]


def _alarm(stop: Rate, reporter: str, component: str, told: str) -> Alarm:
    interval, usual_bps, first = stop
    return Alarm(
        interval,
        reporter,
        component,
        AlarmKind.TRAFFIC_STOPPED,
        Citation(first.origin, first.locator),
        told,
        magnitude=usual_bps,
    )


def find_stop(rates: Sequence[Rate]) -> Rate | None:
    """The only stretch in which a load that is steady otherwise was next to nothing, with what was usual."""
    usual_bps = median(rate for _, rate, _ in rates) if rates else 0.0
    if usual_bps <= 0:
        return None
    runs = [(stopped, list(run)) for stopped, run in groupby(rates, lambda one: one[1] <= NOTHING_SHARE * usual_bps)]
    if [stopped for stopped, _ in runs] != [False, True, False]:
        return None
    (_, before), (_, during), (_, after) = runs
    # The periods in which it stopped and came back were partly served.
    steady = (*before[:-1], *after[1:])
    if min(len(before), len(after)) < STEADY_PERIODS or len(during) < FEWEST_STOPPED:
        return None
    if any(rate < STEADY_SHARE * usual_bps for _, rate, _ in steady):
        return None
    first, last = _unserved_ns(before[-1], usual_bps), _unserved_ns(after[0], usual_bps)
    return Interval(during[0][0].start_ns - first, during[-1][0].end_ns + last), usual_bps, during[0][2]


def _unserved_ns(period: Rate, usual_bps: float) -> int:
    """For how long the load was gone within a period in which it stopped or came back, by what is missing of it."""
    interval, rate_bps, _ = period
    missing = 1.0 - rate_bps / usual_bps
    return round(missing * (interval.end_ns - interval.start_ns)) if missing > USUAL_SPREAD else 0
