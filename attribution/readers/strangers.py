"""Telemetry of devices and interfaces that the topology does not know is evidence of nothing on it, and is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

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
from attribution.model.topology import Topology

NOT_A_DEVICE = "is no device of the topology: what the file says of it is evidence of nothing"
NOT_PLUGGED_IN = "is no end of a link of the topology"


def count_strangers(observations: Iterable[Observation], topology: Topology) -> tuple[Caveat, ...]:
    """Count what names a device, an end or an interface outside the topology: a caveat for each of a file.

    Interfaces are only looked up where counters name them; log lines may shorten their names.
    """
    strangers: Counter[tuple[str, str, str]] = Counter()
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
    return tuple(
        Caveat(file, name, f"{name} {reason}", count) for (file, name, reason), count in sorted(strangers.items())
    )


def _names(observation: Observation) -> Iterator[str]:
    """The devices and ends that an observation is about."""
    if isinstance(observation, CounterSample | LogEvent | ChangeRecord):
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
