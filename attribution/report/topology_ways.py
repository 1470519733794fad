"""The ways between two nodes, cut where every way passes: a chain of nodes, between them one link or several ways."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise

from attribution.model.topology import Link, NodeKind, Side, Topology

MOST_WAYS = 4
_LONGER_BY = 6
_MOST_STEPS = 20_000

Way = tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """From one node that every way passes to the next one: `ways` by length, the shortest first.

    `complete` is False where there are more ways than are told.
    """

    start: str
    end: str
    ways: tuple[Way, ...]
    complete: bool = True


def find_stages(topology: Topology, source: str, destination: str) -> tuple[Stage, ...]:
    """The stages between two nodes, in order; none where nothing joins them. No way leads through a host."""
    passed = _passed_by_all(topology, source, destination)
    stages = []
    for start, end in pairwise(passed):
        barred = frozenset(passed) - {start, end}
        ways, complete = _ways(topology, start, end, barred)
        stages.append(Stage(start, end, ways, complete))
    return tuple(stages)


def farthest_ends(topology: Topology) -> tuple[str, str] | None:
    """Where nobody says which service is meant: the two hosts of the customer with most between them.

    Any two nodes where there are no such hosts; the names decide between equals.
    """
    hosts = sorted(n.id for n in topology.nodes.values() if n.kind is NodeKind.HOST and n.side is Side.CUSTOMER)
    candidates = hosts if len(hosts) > 1 else sorted(topology.nodes)
    best: tuple[int, int, tuple[str, str]] | None = None
    for source in candidates:
        distances = _distances(topology, source, frozenset())
        for destination in candidates:
            if destination <= source or destination not in distances:
                continue
            crosses = len({topology.nodes[node].side for node in (source, destination)})
            rank = (-distances[destination], -crosses, (source, destination))
            best = rank if best is None or rank < best else best
    return None if best is None else best[2]


def _passed_by_all(topology: Topology, source: str, destination: str) -> tuple[str, ...]:
    """The nodes of the shortest way without which there is no way at all, both ends included."""
    shortest = _shortest(topology, source, destination)
    between = [
        node
        for node in shortest[1:-1]
        if destination not in _distances(topology, source, frozenset({node}), destination)
    ]
    return (source, *between, destination) if shortest else ()


def _neighbours(topology: Topology, here: str, barred: Collection[str]) -> Iterator[tuple[Link, str]]:
    for link in sorted(topology.links_of(here), key=lambda link: link.component):
        there = link.far_end(here)
        if there not in barred and there != here:
            yield link, there


def _distances(
    topology: Topology, source: str, barred: Collection[str], destination: str | None = None
) -> dict[str, int]:
    distances = {source: 0}
    queue = deque([source])
    while queue:
        here = queue.popleft()
        if here != source and topology.nodes[here].kind is NodeKind.HOST and here != destination:
            continue
        for _, there in _neighbours(topology, here, barred):
            if there not in distances:
                distances[there] = distances[here] + 1
                queue.append(there)
    return distances


def _shortest(topology: Topology, source: str, destination: str) -> tuple[str, ...]:
    """The nodes of a shortest way, the first by name among equals."""
    left = _distances(topology, destination, frozenset(), source)
    if source not in left:
        return ()
    way = [source]
    while way[-1] != destination:
        nearer = (there for _, there in _neighbours(topology, way[-1], ()) if left.get(there, -1) == left[way[-1]] - 1)
        way.append(next(nearer))
    return tuple(way)


def _ways(topology: Topology, start: str, end: str, barred: frozenset[str]) -> tuple[tuple[Way, ...], bool]:
    """Ways that visit no node twice, the shortest first, up to some hops longer than that."""
    left = _distances(topology, end, barred, start)
    found: list[Way] = []
    steps = 0

    def walk(here: str, way: tuple[Link, ...], seen: frozenset[str], most: int) -> bool:
        nonlocal steps
        steps += 1
        if here == end:
            if len(way) == most:
                found.append(way)
            return len(found) <= MOST_WAYS
        if steps > _MOST_STEPS or (here != start and topology.nodes[here].kind is NodeKind.HOST):
            return steps <= _MOST_STEPS
        return all(
            walk(there, (*way, link), seen | {there}, most)
            for link, there in _neighbours(topology, here, seen | barred)
            if len(way) + 1 + left.get(there, most) <= most
        )

    complete = True
    for most in range(left[start], left[start] + _LONGER_BY + 1):
        complete = walk(start, (), frozenset({start}), most)
        if not complete:
            break
    return tuple(found[:MOST_WAYS]), complete and len(found) <= MOST_WAYS
