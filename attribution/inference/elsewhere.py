"""What lost packets off the service's way at the same time: found by all flows of the network together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from attribution.inference.candidates import ServicePaths
from attribution.inference.flows import Integers, Mask, as_column, count_within, find_marked, number_distinct
from attribution.inference.grouping import core_of, lies_within
from attribution.inference.localization import NONE, Counts, Lists, Localization, Parts, localize
from attribution.model.flow_evidence import FlowEvidence
from attribution.model.incident import Interval
from attribution.model.observation import Caveat
from attribution.model.phrase import Phrase
from attribution.model.topology import Topology

# From this probability on, a component off the way is taken to have lost what flows across it lost.
MORE_LIKELY_THAN_NOT = 0.5
# From this share on, records whose path is known are enough to tell what lost packets where.
MOSTLY_KNOWN = 0.5
# Components named in warnings, those that most records crossed first.
MOST_NAMED = 5


@dataclass(frozen=True, slots=True, eq=False)
class Spoiled:
    """The records of each file that crossed something off the way that lost packets itself, and what that was."""

    rows: tuple[Mask, ...]
    caveats: tuple[Caveat, ...]


def find_spoiled(
    flows: Sequence[FlowEvidence], topology: Topology, paths: ServicePaths, intervals: Sequence[Interval]
) -> Spoiled:
    """Localize over the whole network what lost packets during the intervals, and find what crossed it off the way."""
    network = _Network(flows[0].components, topology)
    chosen = _told_enough(flows, [_within(evidence, intervals) for evidence in flows])
    ways = [_Ways(evidence, network, mask) for evidence, mask in zip(flows, chosen, strict=True)]
    found = localize(network.parts, _count(ways))
    strange = _strange_components(found, network, paths)
    crossing = [list(_crossing(evidence, strange)) for evidence in flows]
    caveats = tuple(c for evidence, parts in zip(flows, crossing, strict=True) for c in _caveats(evidence, parts))
    masks = tuple(_mask(evidence, parts) for evidence, parts in zip(flows, crossing, strict=True))
    return Spoiled(masks, caveats)


class _Network:
    """The elements that may lose packets: both directions of each link, of which link l's are 2 l and 2 l + 1."""

    def __init__(self, components: Sequence[str], topology: Topology) -> None:
        self.components = components
        self.nodes = len(topology.nodes)
        number = {name: place for place, name in enumerate(topology.nodes)}
        ends = [(number[link.source], number[link.target]) for link in topology.links.values()]
        self.ends: Integers = numpy.array(ends, numpy.int64).reshape(-1, 2)
        links = numpy.arange(len(ends), dtype=numpy.int64)
        owners = numpy.concatenate([self.ends[:, 0], self.ends[:, 0], self.ends[:, 1], self.ends[:, 1]])
        items = numpy.concatenate([2 * links, 2 * links + 1] * 2)
        self.parts = Parts(2 * len(links), Lists.gathered(owners, items, self.nodes))


class _Ways:
    """The records that are localized over, and their paths as elements; what leaves the way open is left out."""

    def __init__(self, evidence: FlowEvidence, network: _Network, chosen: Mask) -> None:
        first_path, first_crossed = as_column(evidence.first_path), as_column(evidence.first_crossed)
        rows = numpy.flatnonzero(chosen)
        paths = Lists(first_path, numpy.arange(first_path[-1])).chosen(rows)
        crossed = Lists(first_crossed, as_column(evidence.crossed)).chosen(paths.items)
        places = numpy.flatnonzero(crossed.items >= network.nodes)
        links = crossed.items[places].astype(numpy.int64) - network.nodes
        backwards = crossed.items[places - 1] != network.ends[links, 0]
        elements = 2 * links + backwards
        crossings = count_within(places, crossed.starts)
        path_of = numpy.repeat(numpy.arange(len(crossings)), crossings)
        whole = crossings > 0
        keys = numpy.sort(path_of * network.parts.elements + elements, kind="stable")  # nearly in order
        whole[keys[1:][keys[1:] == keys[:-1]] // network.parts.elements] = False  # a path that runs in circles
        told = count_within(numpy.flatnonzero(~whole), paths.starts) == 0
        self.rows = rows[told]
        path_kept = numpy.repeat(told, paths.lengths)
        self.paths = Lists(_starts(crossings[path_kept]), elements[path_kept[path_of]])
        self.candidates = _starts(paths.lengths[told])
        self.sent, self.lost = (as_column(column)[self.rows] for column in (evidence.sent, evidence.lost))


def _starts(lengths: NDArray[Any]) -> Integers:
    starts = numpy.zeros(len(lengths) + 1, numpy.int64)
    numpy.cumsum(lengths, out=starts[1:])
    return starts


def _count(ways: Sequence[_Ways]) -> Counts:
    """All files' records as the localizer reads them: a path where it is known, else a choice of paths."""
    paths = Lists(
        _starts(numpy.concatenate([way.paths.lengths for way in ways])),
        numpy.concatenate([way.paths.items for way in ways]),
    )
    candidates = numpy.concatenate([numpy.diff(way.candidates) for way in ways])
    first = _starts(candidates)[:-1]
    several = candidates > 1
    choice = numpy.where(several, numpy.cumsum(several) - 1, NONE)
    members = numpy.flatnonzero(numpy.repeat(several, candidates))
    return Counts(
        paths=paths,
        choices=Lists(_starts(candidates[several]), members),
        sent=numpy.concatenate([way.sent for way in ways]),
        lost=numpy.concatenate([way.lost for way in ways]),
        path=numpy.where(several, NONE, first),
        choice=choice,
    )


def _within(evidence: FlowEvidence, intervals: Sequence[Interval]) -> Mask:
    """The records whose windows lie within one of the intervals."""
    starts, ends = as_column(evidence.start_ns), as_column(evidence.end_ns)
    distinct, window_of = number_distinct(starts)
    last = numpy.zeros(len(distinct), numpy.int64)
    last[window_of] = ends
    cores = [core_of(interval) for interval in intervals]
    windows = [Interval(*pair) for pair in zip(distinct.tolist(), last.tolist(), strict=True)]
    inside = numpy.array([any(lies_within(window, core) for core in cores) for window in windows], bool)
    chosen: Mask = inside[window_of]
    return chosen


def _told_enough(flows: Sequence[FlowEvidence], chosen: Sequence[Mask]) -> Sequence[Mask]:
    """Of the chosen records those whose path is known, where they are most; else all.

    One with several candidate paths takes many times as long to weigh, and tells little beside many that are sure.
    """
    known = [
        mask & (numpy.diff(as_column(evidence.first_path)) == 1) for evidence, mask in zip(flows, chosen, strict=True)
    ]
    most = sum(int(mask.sum()) for mask in known) > MOSTLY_KNOWN * sum(int(mask.sum()) for mask in chosen)
    return known if most else chosen


def _strange_components(found: Localization, network: _Network, paths: ServicePaths) -> Integers:
    """The components off the way that lost packets by themselves, not as a part of a failing device on the way."""
    on_way = numpy.array([name in paths for name in network.components])
    failing = found.device_probability >= MORE_LIKELY_THAN_NOT
    devices = numpy.flatnonzero(failing & ~on_way[: network.nodes])
    losing = numpy.unique(numpy.flatnonzero(found.element_probability >= MORE_LIKELY_THAN_NOT) // 2)
    links = losing[~on_way[network.nodes + losing]]
    at_failing = (failing & on_way[: network.nodes])[network.ends[links]].any(axis=1)
    return numpy.concatenate([devices, network.nodes + links[~at_failing]])


def _crossing(evidence: FlowEvidence, strange: Integers) -> Iterator[tuple[int, Integers]]:
    """The rows that crossed each strange component, on any of their candidate paths."""
    wanted = numpy.zeros(len(evidence.components), bool)
    wanted[strange] = True
    crossed = as_column(evidence.crossed)
    places = find_marked(wanted, crossed)
    path_of = numpy.searchsorted(as_column(evidence.first_crossed), places, side="right") - 1
    row_of = numpy.searchsorted(as_column(evidence.first_path), path_of, side="right") - 1
    for component in strange.tolist():
        rows = numpy.unique(row_of[crossed[places] == component])
        if len(rows):
            yield component, rows


def _mask(evidence: FlowEvidence, crossing: Sequence[tuple[int, Integers]]) -> Mask:
    mask = numpy.zeros(len(evidence), bool)
    for _, rows in crossing:
        mask[rows] = True
    return mask


def _caveats(evidence: FlowEvidence, crossing: Sequence[tuple[int, Integers]]) -> Iterator[Caveat]:
    ranked = sorted(crossing, key=lambda part: (-len(part[1]), evidence.components[part[0]]))
    for component, rows in ranked[:MOST_NAMED]:
        name = evidence.components[component]
        yield Caveat(
            evidence.table.origin.file,
            name,
            Phrase(
                "records of flows across {name}, which is off the service's way and lost packets itself, were left out",
                name=name,
            ),
            len(rows),
        )
