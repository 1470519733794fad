"""Which components the traffic between two nodes crosses, by traceroutes where there are any, else by the drawing."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

from attribution.detectors.addresses import AddressBook
from attribution.model.evidence import Journey, Stretch
from attribution.model.observation import Observation, PathTrace
from attribution.model.topology import NodeKind, Topology

MOST_CANDIDATES = 16


class Routes:
    """Paths as tuples of components, node, link, node …, for any two nodes of the topology and any time."""

    def __init__(self, topology: Topology, traced: dict[tuple[str, str], list[tuple[int, tuple[str, ...]]]]) -> None:
        self._topology = topology
        self._traced = traced
        self._shortest = lru_cache(maxsize=None)(self._find_shortest)

    def paths(self, source: str, destination: str, time_ns: int) -> tuple[tuple[str, ...], ...]:
        """The candidate paths at a time: the last one traced before it (or the first after), else all shortest ones."""
        traced = self._traced.get((source, destination))
        if traced:
            index = bisect_right(traced, time_ns, key=lambda entry: entry[0])
            return (traced[max(0, index - 1)][1],)
        return self._shortest(source, destination)

    def traced(self, source: str, destination: str) -> tuple[tuple[str, ...], ...]:
        """The different paths that traceroutes showed, the most frequent first."""
        counts: dict[tuple[str, ...], int] = {}
        for _, path in self._traced.get((source, destination), []):
            counts[path] = counts.get(path, 0) + 1
        return tuple(sorted(counts, key=lambda path: -counts[path]))

    def journeys_there_and_back(self, source: str, destination: str, time_ns: int) -> tuple[Journey, ...]:
        """A request and its answer; the answer takes its own traced path, else the request's in reverse."""
        there = self.paths(source, destination, time_ns)
        if (destination, source) in self._traced:
            back = self.paths(destination, source, time_ns)
            return tuple((Stretch(one), Stretch(other)) for one in there for other in back)[:MOST_CANDIDATES]
        return tuple((Stretch(one), Stretch(tuple(reversed(one)))) for one in there)

    def journeys_one_way(self, source: str, destination: str, time_ns: int) -> tuple[Journey, ...]:
        return tuple((Stretch(path),) for path in self.paths(source, destination, time_ns))

    def expand(self, nodes: tuple[str, ...]) -> tuple[str, ...] | None:
        """A path of node names with links and left-out bridges put in; None where there is no one way to do so."""
        if any(node not in self._topology.nodes for node in nodes):
            return None
        whole: tuple[str, ...] = nodes[:1]
        for here, there in pairwise(nodes):
            between = self._shortest(here, there)
            if len(between) != 1:
                return None
            whole += between[0][1:]
        return whole

    def _find_shortest(self, source: str, destination: str) -> tuple[tuple[str, ...], ...]:
        """All shortest paths by hops that pass through no host, a parallel link being a path of its own."""
        if source == destination:
            return ((source,),)
        distance = {source: 0}
        queue = deque([source])
        while queue:
            here = queue.popleft()
            if destination in distance and distance[here] >= distance[destination]:
                break  # whatever lies farther away is on no shortest path
            if here != source and self._topology.nodes[here].kind is NodeKind.HOST:
                continue
            for link in self._topology.links_of(here):
                there = link.far_end(here)
                if there not in distance:
                    distance[there] = distance[here] + 1
                    queue.append(there)
        if destination not in distance:
            return ()
        found: list[tuple[str, ...]] = []
        self._walk_back(source, destination, distance, (destination,), found)
        return tuple(found)

    def _walk_back(
        self, source: str, here: str, distance: dict[str, int], path: tuple[str, ...], found: list[tuple[str, ...]]
    ) -> None:
        if len(found) >= MOST_CANDIDATES:
            return
        if here == source:
            found.append(path)
            return
        for link in self._topology.links_of(here):
            nearer = link.far_end(here)
            passable = nearer == source or self._topology.nodes[nearer].kind is not NodeKind.HOST
            if passable and distance.get(nearer, -1) == distance[here] - 1:
                self._walk_back(source, nearer, distance, (nearer, link.component, *path), found)


def learn_routes(topology: Topology, book: AddressBook, observations: Iterable[Observation]) -> Routes:
    """Each traceroute that arrived tells the way of that hour; hops that stayed silent are filled in by the drawing."""
    routes = Routes(topology, {})
    traced: dict[tuple[str, str], list[tuple[int, tuple[str, ...]]]] = {}
    for observation in observations:
        if not isinstance(observation, PathTrace):
            continue
        source, destination = book.resolve(observation.source), book.resolve(observation.destination)
        if source is None or destination is None or source == destination:
            continue
        if not _arrived(observation, destination, book):
            continue
        nodes = [source]
        for hop in observation.hops:
            node = book.resolve(hop.address)
            if node is not None and node != nodes[-1]:
                nodes.append(node)
        if nodes[-1] != destination:
            nodes.append(destination)
        path = routes.expand(tuple(nodes))
        if path is not None and len(set(path)) == len(path):
            traced.setdefault((source, destination), []).append((observation.time_ns, path))
    for entries in traced.values():
        entries.sort(key=lambda entry: entry[0])
    return Routes(topology, traced)


def _arrived(trace: PathTrace, destination: str, book: AddressBook) -> bool:
    last = next((hop for hop in reversed(trace.hops) if hop.received > 0), None)
    return last is not None and book.resolve(last.address) == destination
