"""Which of the topology's devices telemetry is of. Of others it is evidence of nothing on it, and is counted."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Set
from dataclasses import replace

from attribution.model.flow_table import FlowTable
from attribution.model.observation import (
    Caveat,
    ChangeRecord,
    CounterSample,
    FlowRecord,
    LogEvent,
    Observation,
    PathTrace,
    ProbeResult,
)
from attribution.model.phrase import Template
from attribution.model.topology import Topology

OF_A_DEVICE = (CounterSample, LogEvent, ChangeRecord)
NOT_A_DEVICE = Template("{name} is no device of the topology: what the file says of it is evidence of nothing")
NOT_PLUGGED_IN = Template("{name} is no end of a link of the topology")


def recognise_devices(observations: Iterable[Observation], topology: Topology) -> list[Observation]:
    """The observations with the ids that the topology has for their devices, which write their own names as they like:
    in capitals, with their domain, or as an address.

    Where the entry of a file names a device, and all lines of the file are of one that nobody drew, these two are one.
    """
    kept = list(observations)
    names: dict[str, set[str]] = defaultdict(set)
    for observation in kept:
        if isinstance(observation, OF_A_DEVICE):
            names[observation.origin.file].add(observation.device)
    meant = {name: topology.node_called(name) for name in set().union(*names.values()) if name not in topology.nodes}
    if not meant:
        return kept

    def named(observation: Observation) -> Observation:
        if not isinstance(observation, OF_A_DEVICE) or observation.device not in meant:
            return observation
        stated = observation.origin.device
        is_alone = stated in topology.nodes and len(names[observation.origin.file]) == 1
        device = meant[observation.device] or (stated if is_alone else None)
        return replace(observation, device=device) if device is not None else observation

    return [named(observation) for observation in kept]


def recognise_nodes(tables: Iterable[FlowTable], topology: Topology) -> list[FlowTable]:
    """The flow records with the ids that the topology has for the nodes on their paths and at their ends."""
    return [replace(table, names=tuple(topology.node_called(n) or n for n in table.names)) for table in tables]


def count_strangers(
    observations: Iterable[Observation], topology: Topology, tables: Iterable[FlowTable] = ()
) -> tuple[Caveat, ...]:
    """Count what names a device, an end or an interface outside the topology: a caveat for each of a file.

    Interfaces are only looked up where counters name them; log lines may shorten their names.
    """
    strangers: Counter[tuple[str, str, Template]] = Counter()
    known: dict[str, bool] = {}
    for observation in observations:
        file = observation.origin.file
        for name in set(_names(observation)):
            if name not in known:
                known[name] = topology.resolve(name) is not None
            if not known[name]:
                strangers[file, name, NOT_A_DEVICE] += 1
        if isinstance(observation, CounterSample) and _is_unplugged(observation, topology):
            strangers[file, f"{observation.device} {observation.interface}", NOT_PLUGGED_IN] += 1
    for table in tables:
        strange = {code for code, name in enumerate(table.names) if topology.resolve(name) is None}
        for code, count in _count_records(table, strange).items():
            strangers[table.origin.file, table.names[code], NOT_A_DEVICE] += count
    return tuple(
        Caveat(file, name, reason.fill(name=name), count) for (file, name, reason), count in sorted(strangers.items())
    )


def _count_records(table: FlowTable, strange: Set[int]) -> Counter[int]:
    """How many records name each of some strange nodes on their paths."""
    if not strange:
        return Counter()
    first_node, first_path = table.first_node, table.first_path
    places = (place for place, code in enumerate(table.nodes) if code in strange)
    met = {(bisect_right(first_path, bisect_right(first_node, place) - 1) - 1, table.nodes[place]) for place in places}
    return Counter(code for _, code in met)


def _names(observation: Observation) -> Iterator[str]:
    """The devices and ends that an observation is about."""
    if isinstance(observation, OF_A_DEVICE):
        yield observation.device
    elif isinstance(observation, ProbeResult | PathTrace):
        yield from (observation.source, observation.destination)
    elif isinstance(observation, FlowRecord):
        yield from (node for path in observation.paths for node in path)


def _is_unplugged(sample: CounterSample, topology: Topology) -> bool:
    """Whether the sample is of an interface of a known device that no link uses."""
    if sample.interface is None or sample.device not in topology.nodes:
        return False
    return topology.link_at(sample.device, sample.interface) is None
