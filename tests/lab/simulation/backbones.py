"""Large networks by number: backbones of ten to sixty provider routers, with a customer at two of their edges.

Their degrees are those of the research and carrier backbones that the Topology Zoo maps: most routers have two or
three neighbours and a few have many. What scenarios ask for stands where it does on the laboratory's shapes, so that
each of these networks resembles one of them: one access line or several, a carrier on the last mile or none, a far
site or a VPC, a firewall or a routing switch before the customer's edge.
"""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from tests.lab.shapes import Shape

_FEWEST, _MOST = 10, 60
_RESEMBLED = ("single-homed", "dual-homed", "dual-homed", "carrier-and-vpc", "firewalled-campus", "two-region-ring",
              "routed-campus", "two-carriers")
_CARRIERS = frozenset({"carrier-and-vpc", "two-region-ring", "routed-campus"})
_SPARE_LINES = frozenset({"dual-homed", "two-carriers"})
_ATTEMPTS = 60

Pair = tuple[str, str]


@dataclass(slots=True)
class _Graph:
    """Routers of the provider's and the links between them, in the order in which they were laid."""

    links: list[Pair] = field(default_factory=list)
    neighbours: dict[str, list[str]] = field(default_factory=dict)
    spare: int = 0
    """The number of the core router that was named last."""

    def join(self, one: str, other: str) -> None:
        """Lay a link, unless there is one."""
        if one != other and other not in self.neighbours.get(one, ()):
            self.links.append((one, other))
            self.neighbours.setdefault(one, []).append(other)
            self.neighbours.setdefault(other, []).append(one)

    def core_router(self) -> str:
        """A new core router's role."""
        self.spare += 1
        return f"p{self.spare}"

    def shortest(self, start: str, end: str) -> list[list[str]]:
        """All shortest ways between two routers."""
        distances = {end: 0}
        waiting = deque([end])
        while waiting:
            role = waiting.popleft()
            for neighbour in self.neighbours.get(role, ()):
                if neighbour not in distances:
                    distances[neighbour] = distances[role] + 1
                    waiting.append(neighbour)
        ways = [[start]] if start in distances else []
        while ways and ways[0][-1] != end:
            ways = [[*way, neighbour] for way in ways for neighbour in self.neighbours[way[-1]]
                    if distances[neighbour] == distances[way[-1]] - 1]
        return ways


@lru_cache(maxsize=4096)
def draw_backbone(number: int) -> Shape:
    """The large network of that number, always the same."""
    dice = random.Random(f"backbone {number}")
    resembled = dice.choice(_RESEMBLED)
    size = dice.randrange(_FEWEST, _MOST + 1)
    if resembled in _SPARE_LINES:
        graph, core, far_edge, backbone = _layered(size, dice)
        redundant = True
    elif resembled == "two-region-ring" or dice.random() < 0.35:
        graph, core, far_edge, backbone = _meshed(size, dice)
        redundant = True
    else:
        graph, core, far_edge, backbone = _strung(size, dice)
        redundant = False
    links = (*_near_site(resembled, dice), *_access_lines(resembled, dice), *graph.links,
             *_far_site(resembled, far_edge, dice), ("pe1", "tenant-x"), (far_edge, "tenant-y"))
    return Shape(
        name=f"large-{number}", fact=f"A backbone of {len(graph.neighbours)} routers, otherwise as {resembled}",
        links=links, core=core, far_edge=far_edge, backbone=backbone, redundant=redundant,
        routed_campus=resembled == "routed-campus", resembles=resembled,
    )


def _near_site(resembled: str, dice: random.Random) -> list[Pair]:
    """The customer's own site: hosts, one switch or a chain of them, perhaps a firewall."""
    links: list[Pair] = [("host-a", "sw1")]
    chain = ["sw1", *(("sw2", "sw4")[: dice.choice((0, 0, 1, 2))])]
    links += [("host-c", chain[-1]), *zip(reversed(chain[1:]), reversed(chain[:-1]), strict=True)]
    links.append(("office", "sw1"))
    walled = resembled in ("firewalled-campus", "two-carriers") or (resembled in ("carrier-and-vpc", "two-region-ring")
                                                  and dice.random() < 0.3)
    return [*links, *([("sw1", "fw1"), ("fw1", "ce1")] if walled else [("sw1", "ce1")])]


def _access_lines(resembled: str, dice: random.Random) -> list[Pair]:
    """One to three lines to the provider; the first may be a carrier's, and so may the third."""
    if resembled in _CARRIERS:
        return [("ce1", "lm1"), ("lm1", "pe1")]
    if resembled == "two-carriers":
        return [("ce1", "lm1"), ("lm1", "pe1"), ("ce1", "lm2"), ("lm2", "pe2")]
    if resembled != "dual-homed":
        return [("ce1", "pe1")]
    third: list[list[Pair]] = [[], [("ce1", "pe4")], [("ce1", "lm2"), ("lm2", "pe4")]]
    return [("ce1", "pe1"), ("ce1", "pe2"), *third[_third_line(dice)]]


def _third_line(dice: random.Random) -> int:
    return dice.choice((0, 0, 1, 2))


def _far_site(resembled: str, far_edge: str, dice: random.Random) -> list[Pair]:
    """The far end: a VPC behind a gateway, or a site of the customer's."""
    if resembled in _CARRIERS:
        return [(far_edge, "vgw"), ("vgw", "host-b")]
    if dice.random() < 0.3:
        return [(far_edge, "ce2"), ("ce2", "sw3"), ("sw3", "host-b")]
    return [(far_edge, "ce2"), ("ce2", "host-b")]


def _strung(size: int, dice: random.Random) -> tuple[_Graph, tuple[str, ...], str, Pair]:
    """A string of core routers that all service traffic passes; everything else hangs on one of them."""
    graph = _Graph()
    core = [graph.core_router() for _ in range(dice.randrange(1, 5))]
    string = ["pe1", *core, "pe2"]
    for one, other in itertools.pairwise(string):
        graph.join(one, other)
    while graph.spare + 2 < size:
        _hang(graph, dice.choice(string), min(dice.randrange(2, 9), size - graph.spare - 2), dice)
    return graph, tuple(core), "pe2", dice.choice(list(itertools.pairwise(string)))


def _layered(size: int, dice: random.Random) -> tuple[_Graph, tuple[str, ...], str, Pair]:
    """Two planes of core routers, each joined to both of the next pair: any one of them may fail."""
    graph = _Graph()
    layers = [(graph.core_router(), graph.core_router()) for _ in range(dice.randrange(1, 4))]
    for edge in ("pe1", "pe2", "pe4"):
        for router in layers[0]:
            graph.join(edge, router)
    for layer, following in itertools.pairwise(layers):
        for router in layer:
            for other in following:
                graph.join(router, other)
    for router in layers[-1]:
        graph.join(router, "pe3")
    core = tuple(router for layer in layers for router in layer)
    while graph.spare + 4 < size:
        _hang(graph, dice.choice(core), min(dice.randrange(2, 9), size - graph.spare - 4), dice)
    return graph, core, "pe3", ("pe1", layers[0][0])


def _hang(graph: _Graph, anchor: str, size: int, dice: random.Random) -> None:
    """A region of routers that meets the rest of the backbone in one router only: a ring, a tree or a mesh."""
    region = [graph.core_router() for _ in range(size)]
    form = dice.choice(("ring", "tree", "mesh"))
    if form == "tree" or size < 3:
        _grow(graph, [anchor], region, 1, dice)
    elif form == "mesh":
        _grow(graph, [anchor], region, 2, dice)
    else:
        ring = [anchor, *region]
        for one, other in zip(ring, [*ring[1:], anchor], strict=True):
            graph.join(one, other)


def _grow(graph: _Graph, roots: Iterable[str], region: list[str], most: int, dice: random.Random) -> None:
    """Each new router joins some that are there, rather those with many neighbours, as backbones have grown."""
    present = list(roots)
    for router in region:
        weights = [1 + len(graph.neighbours.get(role, ())) for role in present]
        for _ in range(dice.randrange(1, most + 1)):
            graph.join(dice.choices(present, weights)[0], router)
        present.append(router)


def _meshed(size: int, dice: random.Random) -> tuple[_Graph, tuple[str, ...], str, Pair]:
    """A ring with chords and branches, and two edges on it with one shortest way between them."""
    for _ in range(_ATTEMPTS):
        graph = _Graph()
        ring = [graph.core_router() for _ in range(max(5, round(size * dice.uniform(0.25, 0.5))))]
        for one, other in zip(ring, [*ring[1:], ring[0]], strict=True):
            graph.join(one, other)
        for _ in range(round(len(ring) * dice.uniform(0.0, 0.3))):
            graph.join(*dice.sample(ring, 2))
        start, end = dice.sample(ring, 2)
        graph.join("pe1", start)
        graph.join(end, "pe2")
        while graph.spare + 2 < size:
            _hang(graph, dice.choice(ring), min(dice.randrange(1, 7), size - graph.spare - 2), dice)
        ways = graph.shortest("pe1", "pe2")
        if len(ways) == 1 and len(ways[0]) >= 4:
            way = ways[0]
            others = sorted(set(graph.neighbours) - set(way), key=lambda role: int(role[1:]))
            return graph, (*way[1:-1], *others), "pe2", dice.choice(list(itertools.pairwise(way[1:-1])))
    return _strung(size, dice)
