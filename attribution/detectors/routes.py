"""Which components the traffic between two nodes crosses, by traceroutes where there are any, else by the drawing."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product
from math import prod

from attribution.detectors.addresses import AddressBook
from attribution.model.evidence import Journey, Stretch
from attribution.model.flow_table import FlowTable
from attribution.model.incident import NANOSECONDS
from attribution.model.observation import FlowRecord, Observation, PairCount, PathTrace, TapCount
from attribution.model.ports import find_link
from attribution.model.topology import Link, Node, NodeKind, Topology

MOST_CANDIDATES = 16
# A capture on another way than the traced one makes that way a candidate for this long before and after (seconds).
SIGHTED_WITHIN_NS = 10 * NANOSECONDS
# Of very many flows of the service about this many, spread over the table, tell which ways they take.
SAMPLED_FLOWS = 4096
# A segment may hold thousands of nodes: what was found of these many is kept.
SEGMENTS_KEPT = 1024

Dated = dict[tuple[str, str], list[tuple[int, tuple[str, ...]]]]
"""Paths by their two ends, each with the time at which it was seen, in order of time."""


Sender = tuple[str, str]
"""A node and the link over which it sends."""


@dataclass(frozen=True, slots=True)
class Carrying:
    """What ports carried before the trouble.

    `unused` are links of the drawing's shortest ways that carried next to nothing, `bypassed` the nodes that lie on
    such ways alone; from `used_from_ns` on they may have been taken into use (None: they never were). `busy` tells
    which nodes sent over which links a fair share of what the service's ends send.
    """

    unused: frozenset[str] = frozenset()
    bypassed: frozenset[str] = frozenset()
    used_from_ns: int | None = None
    busy: frozenset[Sender] = frozenset()


class Routes:
    """Paths as tuples of components, node, link, node …, for any two nodes of the topology and any time.

    `avoided` are links of the drawing by which nothing goes.
    """

    def __init__(
        self,
        topology: Topology,
        traced: Dated,
        sighted: Dated | None = None,
        carrying: Carrying | None = None,
        avoided: frozenset[str] = frozenset(),
    ) -> None:
        self._topology = topology
        self._traced = traced
        self._sighted = sighted or {}
        self._carrying = carrying or Carrying()
        self._avoided = avoided
        self._used = self.avoiding(self._carrying.unused) if self._carrying.unused else None
        self._drawn = lru_cache(maxsize=None)(self._find_drawn)
        self._shortest = lru_cache(maxsize=None)(self._find_shortest)
        self._segment = lru_cache(maxsize=SEGMENTS_KEPT)(self._reach_by_bridges)
        self._unavoidable = lru_cache(maxsize=None)(self._find_unavoidable)

    def avoiding(self, links: frozenset[str]) -> Routes:
        """The drawing alone, without some of its links."""
        return Routes(self._topology, {}, avoided=links)

    def learn(self, traced: Dated, sighted: Dated | None = None) -> Routes:
        """The same network with other sightings: what was searched for in it is not searched for again."""
        learned = Routes(self._topology, traced, sighted, self._carrying, self._avoided)
        learned._shortest = self._shortest
        learned._segment = self._segment
        learned._unavoidable = self._unavoidable
        return learned

    def paths(self, source: str, destination: str, time_ns: int) -> tuple[tuple[str, ...], ...]:
        """The candidate paths at a time: the last one traced before it (or the first after), else all shortest ones of
        those that carried something.

        Routers spread flows over equal ways, and a traceroute is one flow: ways beside the traced one on which captures
        saw packets of the same two ends at about that time are candidates too, and ways that records of their flows
        state, as short or not; so are those on which another traceroute to the same destination went on from a router
        of the traced one.
        """
        known = self._known(source, destination, time_ns)
        beside = self._sighted.get((source, destination), [])
        first = bisect_right(beside, time_ns - SIGHTED_WITHIN_NS, key=lambda entry: entry[0])
        last = bisect_right(beside, time_ns + SIGHTED_WITHIN_NS, key=lambda entry: entry[0])
        return tuple(dict.fromkeys([*known, *(other for _, other in beside[first:last])]))[:MOST_CANDIDATES]

    def all_ways(self, source: str, destination: str, time_ns: int) -> tuple[tuple[str, ...], ...]:
        """The candidate paths at a time, and all shortest ones: what is sent may take any of them."""
        return tuple(dict.fromkeys([*self.paths(source, destination, time_ns), *self._shortest(source, destination)]))

    def _known(self, source: str, destination: str, time_ns: int) -> tuple[tuple[str, ...], ...]:
        traced = self._traced.get((source, destination))
        if not traced:
            from_ns = self._carrying.used_from_ns
            return self._drawn(source, destination, from_ns is not None and time_ns >= from_ns)
        index = bisect_right(traced, time_ns, key=lambda entry: entry[0])
        return (traced[max(0, index - 1)][1],)

    def _find_drawn(self, source: str, destination: str, all_in_use: bool) -> tuple[tuple[str, ...], ...]:
        """The shortest ways over links that were used, with those beside them that were busy; and once all links may be
        in use, the shortest of all as well.

        What lies on the ways that were not used, and is no end of them, is reached over them all the same.
        """
        shortest = self._shortest(source, destination)
        unused = self._carrying.unused
        if self._used is not None and any(not unused.isdisjoint(way) for way in shortest):
            used = self._used.paths(source, destination, 0)
            if used and not self._leads_off(source, destination):
                kept = shortest if all_in_use else [way for way in shortest if unused.isdisjoint(way)]
                shortest = tuple(dict.fromkeys([*used, *kept]))
        beside = [other for way in shortest for other in self._busy_beside(way)]
        return tuple(dict.fromkeys([*shortest, *beside]))[:MOST_CANDIDATES]

    def _leads_off(self, source: str, destination: str) -> bool:
        """Whether two nodes are those that a link joins which was not used, or one lies on a way that was not."""
        links = (self._topology.links[name] for name in self._carrying.unused)
        ends = {source, destination}
        return not ends.isdisjoint(self._carrying.bypassed) or any(ends == set(link.ends) for link in links)

    def _busy_beside(self, way: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """A way with its part between two routers led over other bridges, by ports that were busy.

        Which of several ways over switches frames take, no router decides; it need not be the shortest.
        """
        if not self._carrying.busy:
            return
        nodes, last = self._topology.nodes, len(way) - 1
        routers = [at for at in range(0, len(way), 2) if at in (0, last) or not _is_bridge(nodes[way[at]])]
        for first, end in pairwise(routers):
            own = set(way[first : end + 1])
            for other in self._over_busy_bridges((way[first],), way[end], own):
                if other != way[first : end + 1]:
                    yield way[:first] + other + way[end + 1 :]

    def _over_busy_bridges(self, path: tuple[str, ...], end: str, own: set[str]) -> Iterator[tuple[str, ...]]:
        """The ways on to the end of a segment that pass no node twice, over its own links and busy ones."""
        here = path[-1]
        if len(path) > 1 and not _is_bridge(self._topology.nodes[here]):
            return
        for link in self._topology.links_of(here):
            there = link.far_end(here)
            if there in path or (link.component not in own and (here, link.component) not in self._carrying.busy):
                continue
            if there == end:
                yield (*path, link.component, there)
            else:
                yield from self._over_busy_bridges((*path, link.component, there), end, own)

    def ways_over(self, source: str, destination: str, component: str) -> tuple[tuple[str, ...], ...]:
        """The shortest paths that lead over a component."""
        return tuple(path for path in self._shortest(source, destination) if component in path)

    def sightings(self, source: str, destination: str) -> tuple[tuple[str, ...], ...]:
        """The different ways beside the traced one on which captures, flow records or other traceroutes were."""
        return tuple(dict.fromkeys(path for _, path in self._sighted.get((source, destination), [])))

    def traced(self, source: str, destination: str) -> tuple[tuple[str, ...], ...]:
        """The different paths that traceroutes showed, the most frequent first."""
        counts: dict[tuple[str, ...], int] = {}
        for _, path in self._traced.get((source, destination), []):
            counts[path] = counts.get(path, 0) + 1
        return tuple(sorted(counts, key=lambda path: -counts[path]))

    def journeys_there_and_back(self, source: str, destination: str, time_ns: int) -> tuple[Journey, ...]:
        """A request and its answer; the answer takes its own way, traced or one of the shortest."""
        there, back = self.paths(source, destination, time_ns), self.paths(destination, source, time_ns)
        return tuple((Stretch(one), Stretch(other)) for one in there for other in back)[:MOST_CANDIDATES]

    def ways_back(self, node: str, source: str, destination: str, time_ns: int) -> tuple[tuple[str, ...], ...]:
        """How a node on the way from source to destination answers: as the destination does, if its way was traced."""
        traced = self.paths(destination, source, time_ns) if (destination, source) in self._traced else ()
        shared = dict.fromkeys(path[path.index(node) :] for path in traced if node in path)
        return tuple(shared) or self.paths(node, source, time_ns)

    def journeys_one_way(self, source: str, destination: str, time_ns: int) -> tuple[Journey, ...]:
        return tuple((Stretch(path),) for path in self.paths(source, destination, time_ns))

    def are_equal(self, way: tuple[str, ...], other: tuple[str, ...]) -> bool:
        """Whether two ways have as many routed hops: routers may then use both."""
        nodes = self._topology.nodes
        hops, others = (sum(not _is_bridge(nodes[node]) for node in path[::2]) for path in (way, other))
        return hops == others

    def unavoidable(self, way: tuple[str, ...]) -> tuple[str, ...]:
        """The components of a way from a node that whatever gets from there to its end must have crossed."""
        return self._unavoidable(way)

    def has_way_around(self, source: str, destination: str, around: str) -> bool:
        """Whether one gets from node to node around a component and through no host."""
        reached, asked = {source, around}, deque([source])
        while asked and destination not in reached:
            here = asked.popleft()
            if here != source and self._topology.nodes[here].kind is NodeKind.HOST:
                continue
            found = {link.far_end(here) for link in self._links_of(here) if link.component != around}
            asked.extend(found - reached)
            reached |= found
        return destination in reached

    def expand(self, nodes: tuple[str, ...]) -> tuple[str, ...] | None:
        """A path of node names with links and left-out bridges put in; None where there is no one way to do so."""
        ways = self.expansions(nodes)
        return ways[0] if len(ways) == 1 else None

    def expansions(self, nodes: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        """All that a path of node names may mean, with links and left-out bridges put in: each of parallel links is a
        way of its own. None where the drawing does not have it, or has too many ways to tell them all.
        """
        if any(node not in self._topology.nodes for node in nodes):
            return ()
        steps = [self.between(here, there) for here, there in pairwise(nodes)]
        if prod(map(len, steps)) >= MOST_CANDIDATES:
            return ()
        return tuple(sum((step[1:] for step in chosen), nodes[:1]) for chosen in product(*steps))

    def between(self, here: str, there: str) -> tuple[tuple[str, ...], ...]:
        """The shortest ways from one node of a path to the next; as many as are told at most."""
        return self._shortest(here, there)

    def _find_unavoidable(self, way: tuple[str, ...]) -> tuple[str, ...]:
        source = way[0]
        end = way[-1] if way[-1] in self._topology.nodes else way[-2]  # on the link behind the last node
        surely = {source, end, way[-1]}
        return tuple(one for one in way if one in surely or not self.has_way_around(source, end, one))

    def _find_shortest(self, source: str, destination: str) -> tuple[tuple[str, ...], ...]:
        """All ways by the fewest routed hops that pass through no host, each hop by a shortest way over bridges.

        What forwards by MAC addresses, or is but a cable's equipment, is no hop to any router: a way is not longer
        because a switch was drawn on it. A parallel link is a way of its own.
        """
        if source == destination:
            return ((source,),)
        distance = {source: 0}
        queue = deque([source])
        while queue and destination not in distance:  # all that is nearer has its distance by then
            here = queue.popleft()
            if here != source and not self._forwards(here):
                continue
            for there in self._segment(here):
                if there not in distance and (there == destination or not _is_bridge(self._topology.nodes[there])):
                    distance[there] = distance[here] + 1
                    queue.append(there)
        if destination not in distance:
            return ()
        found: list[tuple[str, ...]] = []
        self._walk_back(source, destination, distance, (destination,), found)
        return tuple(found)

    def _forwards(self, node: str) -> bool:
        return self._topology.nodes[node].kind is not NodeKind.HOST

    def _links_of(self, node: str) -> Sequence[Link]:
        links = self._topology.links_of(node)
        return [link for link in links if link.component not in self._avoided] if self._avoided else links

    def _reach_by_bridges(self, node: str) -> dict[str, int]:
        """What can be reached from a node over bridges alone, with the fewest links that it takes."""
        distance = {node: 0}
        queue = deque([node])
        while queue:
            here = queue.popleft()
            if here != node and not _is_bridge(self._topology.nodes[here]):
                continue
            for link in self._links_of(here):
                there = link.far_end(here)
                if there not in distance:
                    distance[there] = distance[here] + 1
                    queue.append(there)
        return distance

    def _walk_back(
        self, source: str, here: str, distance: dict[str, int], path: tuple[str, ...], found: list[tuple[str, ...]]
    ) -> None:
        if here == source:
            found.append(path)
            return
        segment = self._segment(here)
        for before in segment:
            passable = before == source or self._forwards(before)
            if passable and distance.get(before, -1) == distance[here] - 1:
                for way in self._bridged(before, here, segment):
                    if len(found) >= MOST_CANDIDATES:
                        return
                    self._walk_back(source, before, distance, (*way, *path), found)

    def _bridged(self, here: str, there: str, distance: dict[str, int]) -> Iterator[tuple[str, ...]]:
        """The shortest ways from one node to another over bridges, without the latter; `distance` is from there."""
        for link in self._links_of(here):
            nearer = link.far_end(here)
            if nearer == there and distance[here] == 1:
                yield here, link.component
            elif distance.get(nearer) == distance[here] - 1 and _is_bridge(self._topology.nodes[nearer]):
                for way in self._bridged(nearer, there, distance):
                    yield here, link.component, *way


def _is_bridge(node: Node) -> bool:
    """Whether a node hands packets on without looking up a route: a switch with addresses in several networks does."""
    return node.kind is NodeKind.TRANSPORT or (node.kind is NodeKind.SWITCH and len(node.addresses) < 2)


def learn_routes(
    topology: Topology, book: AddressBook, observations: Iterable[Observation], carrying: Carrying | None = None
) -> Routes:
    """Each traceroute that arrived tells the way of that hour; hops that stayed silent are filled in by the drawing."""
    routes = Routes(topology, {}, carrying=carrying)
    traced: Dated = {}
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
    sighted = _forks(traced, routes)
    _add_sighted_ways(sighted, routes.learn(traced), topology, book, observations)
    for entries in sighted.values():
        entries.sort(key=lambda entry: entry[0])
    return routes.learn(traced, sighted)


def _forks(traced: Dated, routes: Routes) -> Dated:
    """Ways as short as a traced one that leave it where a traceroute from elsewhere to the same destination did.

    Routers forward by destination: whatever ways one has to it are open to all that comes by.
    """
    to: dict[str, list[tuple[str, dict[tuple[str, ...], list[int]]]]] = {}
    for (source, destination), entries in traced.items():
        times: dict[tuple[str, ...], list[int]] = {}
        for time_ns, path in entries:
            times.setdefault(path, []).append(time_ns)
        to.setdefault(destination, []).append((source, times))
    found: Dated = {}
    for destination, of_sources in to.items():
        for source, own in of_sources:
            for elsewhere, others in of_sources:
                if elsewhere == source:  # of one's own traceroutes the latest tells the way
                    continue
                for path, (other, times_ns) in product(own, others.items()):
                    fork = _forked(path, other)
                    if fork is not None and routes.are_equal(fork, path):
                        found.setdefault((source, destination), []).extend((time_ns, fork) for time_ns in times_ns)
    return found


def _forked(path: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...] | None:
    """The path up to the first node that it shares with the other one, and on as that one goes, if that is another."""
    shared = next((place for place in range(0, len(path), 2) if path[place] in other), None)
    if shared is None:
        return None
    fork = path[:shared] + other[other.index(path[shared]) :]
    return fork if fork != path and len(set(fork)) == len(fork) else None


def _add_sighted_ways(
    found: Dated, routes: Routes, topology: Topology, book: AddressBook, observations: Iterable[Observation]
) -> None:
    """Ways beside the traced one on which a capture saw packets of the same two ends, or a flow may have gone."""
    for observation in observations:
        if not isinstance(observation, TapCount | PairCount | FlowRecord) or observation.sent <= 0:
            continue
        source, destination = book.resolve(observation.source), book.resolve(observation.destination)
        if source is None or destination is None:
            continue
        known = routes.paths(source, destination, observation.time_ns)
        if isinstance(observation, FlowRecord):
            ways = _stated_ways(routes, observation, (source, destination))
        elif routes.traced(source, destination):
            ways = _captured_ways(routes, topology, observation, (source, destination), *known)
        else:
            continue
        beside = ((observation.time_ns, way) for way in ways if way not in known)
        found.setdefault((source, destination), []).extend(beside)


def flows_of_the_service(table: FlowTable, book: AddressBook, ends: tuple[str, str]) -> Iterator[FlowRecord]:
    """Some of the records in a table that are of flows between the two ends: enough to tell which ways there are."""
    meant = {code: node for code, name in enumerate(table.names) if (node := book.resolve(name)) in ends}
    pairs = enumerate(zip(table.sources, table.destinations, strict=True))
    rows = [row for row, (a, b) in pairs if a in meant and b in meant and meant[a] != meant[b]]
    every = -(-len(rows) // SAMPLED_FLOWS) or 1
    return map(table.record, rows[::every])


def _stated_ways(routes: Routes, flow: FlowRecord, ends: tuple[str, str]) -> Iterator[tuple[str, ...]]:
    """The ways that the record itself names, where they lead from end to end."""
    for nodes in flow.paths:
        for way in routes.expansions(nodes):
            if (way[0], way[-1]) == ends and len(set(way)) == len(way):
                yield way


def _captured_ways(
    routes: Routes, topology: Topology, count: TapCount | PairCount, ends: tuple[str, str], path: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """Ways as short as the traced one that lead past the point of a capture that lies off it."""
    points = [(count.device, count.interface)] if isinstance(count, TapCount) else [count.first, count.second]
    for device, interface in points:
        link = find_link(topology, device, interface) if device in topology.nodes and interface else None
        if link is not None and link.component not in path:
            yield from (way for way in routes.ways_over(*ends, link.component) if routes.are_equal(way, path))


def _arrived(trace: PathTrace, destination: str, book: AddressBook) -> bool:
    last = next((hop for hop in reversed(trace.hops) if hop.received > 0), None)
    return last is not None and book.resolve(last.address) == destination
