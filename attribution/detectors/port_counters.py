"""The packet counters of devices' ports, and which ports a device has that nobody counted.

A drawing seldom shows all ports of a device. Packets that are missing at those which it shows may have gone out by one
of the others: a second uplink, another port of the local network. Counters name such ports, and so do devices' logs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from attribution.detectors.loss import Surroundings
from attribution.model.incident import NANOSECONDS
from attribution.model.observation import CounterSample, LogEvent, LogKind, Metric, Observation
from attribution.model.ports import canonical_port, find_link, is_logical, parent_of
from attribution.model.topology import Topology

Port = tuple[str, str]
"""A node and one of its links, or the type and numbers of a port of it that is no end of a link."""

COUNTED = (Metric.IN_PACKETS, Metric.OUT_PACKETS)
# What a device discarded of the packets that it took in; of those that came damaged it took in none.
DISCARDED = (Metric.IN_DISCARDS, Metric.OUT_DISCARDS)
# What a device logs of a port of its own; in other words it may name a neighbour's.
OF_OWN_PORTS = frozenset({LogKind.INTERFACE_UP, LogKind.INTERFACE_DOWN, LogKind.INTERFACE_ADMIN_DOWN})


@dataclass(frozen=True, slots=True)
class Counter:
    """One cumulative counter over time; three tuples of equal length, in order of time."""

    times: tuple[int, ...]
    values: tuple[float, ...]
    samples: tuple[CounterSample, ...]

    def at(self, time_ns: int) -> float | None:
        """The count at a moment, between polls as if packets came evenly; None before the first and after the last."""
        index = bisect_left(self.times, time_ns)
        if index == len(self.times):
            return None
        if self.times[index] == time_ns:
            return self.values[index]
        if index == 0 or self.values[index] < self.values[index - 1]:
            return None
        before, after = self.times[index - 1], self.times[index]
        share = (time_ns - before) / (after - before)
        return self.values[index - 1] + share * (self.values[index] - self.values[index - 1])

    def rates(self) -> Iterator[tuple[int, int, float]]:
        """How much was counted a second from one poll to the next, after the times of both; none across a reset."""
        for (start_ns, first), (end_ns, last) in pairwise(zip(self.times, self.values, strict=True)):
            if last >= first:
                yield start_ns, end_ns, (last - first) / (end_ns - start_ns) * NANOSECONDS

    def rise(self, start_ns: int, end_ns: int) -> float | None:
        """What was counted in between; None where it is not known, or the counter was reset."""
        first, last = self.at(start_ns), self.at(end_ns)
        return last - first if first is not None and last is not None and last >= first else None


def gather_counters(
    observations: Iterable[Observation], around: Surroundings, way: Collection[str]
) -> Mapping[tuple[Port, Metric], Counter]:
    """The counters of packets, discards and errors of all ports of devices on the way, drawn or not; of several files
    that count one port, the first."""
    series: dict[tuple[str, str, Metric, str], list[CounterSample]] = defaultdict(list)
    for sample in observations:
        if (
            isinstance(sample, CounterSample)
            and sample.interface is not None
            and sample.metric in (*COUNTED, *DISCARDED, Metric.IN_ERRORS)
            and sample.device in way
            and sample.device in around.topology.nodes
        ):
            series[(sample.device, sample.interface, sample.metric, sample.origin.file)].append(sample)
    names = _names_by_device((device, interface) for device, interface, _, _ in series)
    counters: dict[tuple[Port, Metric], Counter] = {}
    for (device, interface, metric, _), samples in sorted(series.items(), key=lambda item: item[0]):
        port = _port_of(device, interface, names[device], around.topology)
        if port is not None and (port, metric) not in counters:
            samples.sort(key=lambda sample: sample.time_ns)
            kept = tuple({sample.time_ns: sample for sample in samples}.values())
            counters[(port, metric)] = Counter(tuple(s.time_ns for s in kept), tuple(s.value for s in kept), kept)
    return counters


def ports_of(node: str, counters: Mapping[tuple[Port, Metric], Counter]) -> list[str]:
    """The ports of a node of which both directions are counted, in order."""
    both = (port for port, metric in counters if metric is COUNTED[0] and (port, COUNTED[1]) in counters)
    return sorted(name for device, name in both if device == node)


def with_uncounted_ports(
    observations: Iterable[Observation], around: Surroundings, counters: Mapping[tuple[Port, Metric], Counter]
) -> frozenset[str]:
    """The devices with ports of which nobody counted the packets, though some may have gone that way: ports that are
    drawn, that were polled for something else, or that the device's own log names. None did by one that was never up.
    """
    counted = {device: set(ports_of(device, counters)) for device in {device for (device, _), _ in counters}}
    states = _states_of_ports(observations, counted)
    names = _names_by_device(states)
    known = {(device, link.component) for device in counted for link in around.topology.links_of(device)}
    for (device, interface), seen in states.items():
        port = _port_of(device, interface, names[device], around.topology)
        if port is not None and seen == {0.0}:
            known.discard(port)
        elif port is not None:
            known.add(port)
        elif not is_logical(interface) and _is_drawn_by_bundles(device, around.topology):
            known.add((device, interface))
    return frozenset(device for device, port in known if port not in counted[device])


def _states_of_ports(observations: Iterable[Observation], devices: Container[str]) -> Mapping[Port, set[float]]:
    """Of each port that some devices' counters or logs name, by that name, whether it was seen up (1) or down (0)."""
    states: dict[Port, set[float]] = defaultdict(set)
    for seen in observations:
        if not isinstance(seen, CounterSample | LogEvent) or not seen.interface or seen.device not in devices:
            continue
        if isinstance(seen, CounterSample):
            states[seen.device, seen.interface].update([seen.value] if seen.metric is Metric.OPER_STATUS else [])
        elif seen.kind in OF_OWN_PORTS:
            states[seen.device, seen.interface].add(1.0)
    return states


def _names_by_device(ports: Iterable[Port]) -> Mapping[str, frozenset[str]]:
    names: dict[str, set[str]] = defaultdict(set)
    for device, interface in ports:
        names[device].add(interface)
    return {device: frozenset(interfaces) for device, interfaces in names.items()}


def _port_of(device: str, interface: str, names: Collection[str], topology: Topology) -> Port | None:
    """The port that a name means; None where its packets are those of other ports as well, or go no further.

    `names` are all that the device's ports go by. Of a port and its subinterfaces one counts, the drawn one first.
    """
    link = find_link(topology, device, interface)
    if link is not None:
        return device, link.component
    parent = parent_of(interface)
    drawn = {parent_of(name) for name in _drawn(device, topology)}
    is_part = parent != interface and parent in names and parent not in drawn
    if is_logical(interface) or is_part or interface in drawn or _is_drawn_by_bundles(device, topology):
        return None
    return device, " ".join(canonical_port(interface))


def _is_drawn_by_bundles(device: str, topology: Topology) -> bool:
    """Whether the drawing has a device's bundles or VLANs as its ports: which others belong to them it does not tell.
    """
    return any(is_logical(name) for name in _drawn(device, topology))


def _drawn(device: str, topology: Topology) -> Iterator[str]:
    """The names that the drawing has for a device's ports."""
    return (link.interfaces[device] for link in topology.links_of(device) if device in link.interfaces)
