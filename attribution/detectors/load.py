"""Whether the customer offered more than it had bought: counted where its traffic leaves its own devices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise, permutations

from attribution.detectors.loss import Surroundings
from attribution.model.evidence import Alarm, AlarmKind, Citation
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import CounterSample, Metric, Observation
from attribution.model.phrase import Phrase
from attribution.model.ports import find_link
from attribution.model.topology import Side

# Counters include headers below IP and the polls are not quite regular: this much above the limit is not yet more.
TOLERANCE = 1.1
# Behind the limit no more than the limit gets through: a port that fills it this far had more offered to it.
FILLED = 0.85
# A device polled this rarely hides any surge in its average (seconds); and so does one polled so rarely a short one.
LONGEST_POLL_S = 120.0
LONGEST_POLL_OF_A_PEAK_S = 10.0
OCTETS = frozenset({Metric.IN_OCTETS, Metric.OUT_OCTETS})


def detect_overuse(
    observations: Iterable[Observation], around: Surroundings, bandwidth_bps: float | None
) -> Iterator[Alarm]:
    """Polls between which more was offered at the customer's attachment than was bought; neighbours are joined."""
    if bandwidth_bps is None:
        return
    for (_, device, interface, metric), samples in _series(observations, around).items():
        link = find_link(around.topology, device, interface)
        limit_bps = _limit_at(device, link.far_end(device), metric, around, bandwidth_bps) if link is not None else None
        if link is None or limit_bps is None:
            continue
        yield from _surges(device, interface, link.component, samples, limit_bps, bandwidth_bps)


def most_carried_bps(observations: Iterable[Observation], around: Surroundings) -> float | None:
    """The highest rate between two polls of any drawn port, by what the provider supplied; None if it is not known.

    It has to have polled a port of the service's way, and often enough. The customer has an interest in having had room
    below a limit that it set itself.
    """
    pairs = permutations(sorted(around.ends), 2)
    ways = {component for one, other in pairs for path in around.routes.all_ways(one, other, 0) for component in path}
    most, seen_on_the_way = 0.0, False
    for (_, device, interface, metric), samples in _series(observations, around).items():
        link = find_link(around.topology, device, interface)
        if metric not in OCTETS or link is None or samples[0].origin.supplied_by is not Side.PROVIDER:
            continue
        rates = [rate for _, _, rate in _rates(samples, LONGEST_POLL_OF_A_PEAK_S)]
        most = max([most, *rates])
        seen_on_the_way |= bool(rates) and link.component in ways
    return most if seen_on_the_way and most > 0 else None


def _series(
    observations: Iterable[Observation], around: Surroundings
) -> dict[tuple[str, str, str, Metric], list[CounterSample]]:
    """The polls of each counter of the drawing's devices, by file, device, port and metric, in order of time."""
    series: dict[tuple[str, str, str, Metric], list[CounterSample]] = defaultdict(list)
    for sample in observations:
        if (
            isinstance(sample, CounterSample)
            and sample.interface is not None
            and sample.device in around.topology.nodes
        ):
            series[(sample.origin.file, sample.device, sample.interface, sample.metric)].append(sample)
    for samples in series.values():
        samples.sort(key=lambda sample: sample.time_ns)
    return series


def _rates(
    samples: Iterable[CounterSample], longest_s: float
) -> Iterator[tuple[CounterSample, CounterSample, float]]:
    """The rate (bit/s) between every two polls of a counter of octets that are near enough."""
    for earlier, later in pairwise(samples):
        seconds = (later.time_ns - earlier.time_ns) / NANOSECONDS
        if 0 < seconds <= longest_s and later.value >= earlier.value:
            yield earlier, later, 8 * (later.value - earlier.value) / seconds


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
    for earlier, later, rate_bps in _rates(samples, LONGEST_POLL_S):
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
