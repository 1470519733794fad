"""Whether the customer offered more than it had bought: counted where its traffic leaves its own devices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise

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
# A device polled this rarely hides any surge in its average (seconds).
LONGEST_POLL_S = 120.0


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
