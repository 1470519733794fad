"""How much passed a port or a capture point over time, as far as it is on the service's way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from attribution.dossier.grounds import Grounds, point_of
from attribution.dossier.losses import group_bins
from attribution.model.dossier import RateSeries
from attribution.model.incident import NANOSECONDS, Origin
from attribution.model.observation import CounterSample, Metric, TapLoad
from attribution.model.ports import find_link
from attribution.model.topology import Link

MOST_SERIES = 32
OCTETS = {Metric.IN_OCTETS: False, Metric.OUT_OCTETS: True}

Bin = tuple[int, int, float]
"""Start, end, bits."""


def chart_rates(grounds: Grounds) -> tuple[RateSeries, ...]:
    """Ports first, then capture points: those at a cause, then along the way of the service, busy ones first."""
    way = next(iter(grounds.findings.service_paths), ())
    places = {component: place for place, component in enumerate(way)}
    found = [*_port_rates(grounds), *_capture_rates(grounds)]

    def rank(pair: tuple[Link, RateSeries]) -> tuple[bool, int, bool, str, str, bool]:
        link, series = pair
        at_cause = bool(grounds.causes & {link.component, series.device})
        place = places.get(link.component, len(places))
        return (not at_cause, place, not any(series.bps), series.device, series.interface or "", series.outgoing)

    return tuple(series for _, series in sorted(found, key=rank)[:MOST_SERIES])


def _port_rates(grounds: Grounds) -> Iterator[tuple[Link, RateSeries]]:
    way = grounds.way | grounds.causes
    samples: dict[tuple[str, str, str, Metric], list[CounterSample]] = defaultdict(list)
    for sample in grounds.observations:
        if isinstance(sample, CounterSample) and sample.interface is not None and sample.metric in OCTETS:
            samples[(sample.origin.file, sample.device, sample.interface, sample.metric)].append(sample)
    for (file, device, interface, metric), members in samples.items():
        link = find_link(grounds.topology, device, interface) if device in grounds.topology.nodes else None
        if link is None or link.component not in way:
            continue
        members.sort(key=lambda sample: sample.time_ns)
        bins = [
            (grounds.aligned(before), grounds.aligned(after), 8 * (after.value - before.value))
            for before, after in pairwise(members)
            if after.time_ns > before.time_ns and after.value >= before.value
        ]
        if bins:
            yield link, _series(f"{device} {interface}", device, interface, OCTETS[metric], file, bins, link)


def _capture_rates(grounds: Grounds) -> Iterator[tuple[Link, RateSeries]]:
    """What of the service's own traffic was counted at each capture point, one way and the other."""
    octets: dict[tuple[str, bool], dict[tuple[int, int], int]] = defaultdict(lambda: defaultdict(int))
    points: dict[str, tuple[Origin, Link]] = {}
    for tap in grounds.observations:
        if not isinstance(tap, TapLoad) or tap.device not in grounds.topology.nodes or tap.interface is None:
            continue
        link = find_link(grounds.topology, tap.device, tap.interface)
        outgoing = _leaves(tap, link, grounds) if link is not None else None
        if link is None or outgoing is None:
            continue
        points[tap.origin.file] = (tap.origin, link)
        start_ns = grounds.aligned(tap)
        octets[(tap.origin.file, outgoing)][(start_ns, start_ns + tap.end_ns - tap.time_ns)] += tap.octets
    for (file, outgoing), counted in octets.items():
        origin, link = points[file]
        bins = [(start, end, 8.0 * count) for (start, end), count in sorted(counted.items()) if end > start]
        if bins and origin.device is not None:
            yield link, _series(point_of(origin), origin.device, origin.interface, outgoing, file, bins, link)


def _leaves(tap: TapLoad, link: Link, grounds: Grounds) -> bool | None:
    """Whether the service's packets leave the device at this port; None where they are not the service's."""
    ends = (grounds.node(tap.source), grounds.node(tap.destination))
    if set(ends) != set(grounds.incident.service.ends):
        return None
    for path in grounds.findings.service_paths:
        directed = path if path[0] == ends[0] else tuple(reversed(path))
        if tap.device in directed and link.component in directed:
            return directed.index(link.component) > directed.index(tap.device)
    return None


def _series(
    name: str, device: str, interface: str | None, outgoing: bool, file: str, bins: Sequence[Bin], link: Link
) -> RateSeries:
    fewer = ((group[0][0], group[-1][1], sum(bits for _, _, bits in group)) for group in group_bins(bins))
    kept = [(start, end, bits) for start, end, bits in fewer if end > start]
    return RateSeries(
        name=name,
        device=device,
        interface=interface,
        outgoing=outgoing,
        files=(file,),
        starts_ns=tuple(start for start, _, _ in kept),
        ends_ns=tuple(end for _, end, _ in kept),
        bps=tuple(bits * NANOSECONDS / (end - start) for start, end, bits in kept),
        capacity_bps=link.capacity_bps,
    )
