"""Where routes that a failure took away are missed: at the first router without one, not at each that may have been.

What others send from anywhere on the way is dropped where it starts, if it starts among those that have no route.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Sequence
from itertools import combinations
from math import comb, log

from attribution.inference.likelihood import add_logs

# How often nobody on what was measured missed a route, one router did, or two: one for each direction. It is told to
# all routers that a route is gone: of 131 such phases of recordings 100 missed it at the first router from either end,
# and most of the others at the edge of that end's own network, behind a router or firewall with a route of its own.
NOBODY, ONE, TWO = 0.2, 0.25, 0.55
FIRST = 0.8
# Which share of others' packets may start where there is no route, and how often: in 87 such phases it was (almost)
# all of them 41 times, (almost) none 30 times.
STARTS_WITHOUT = {0.05: 0.3, 0.5: 0.25, 0.95: 0.45}
# Pairs are only looked for among so many routers at which most seems to have been dropped.
LIKELIEST = 4


class Upstream:
    """Kinds of measurements as those see them that look for the routers that dropped what had no route any more.

    For each kind what its packets met if they are the service's (None: others'), and its log likelihood if nobody
    dropped them there, and if somebody did. `first`: the routers that the service's packets meet first.
    """

    def __init__(
        self,
        nodes: Sequence[Collection[str] | None],
        healthy: Sequence[float],
        dropped: Sequence[float],
        first: Container[str] = (),
    ) -> None:
        self._nodes = nodes
        self._healthy = healthy
        self._dropped = dropped
        self._first = first
        self._known: dict[tuple[int, ...], tuple[float, frozenset[int]]] = {}

    def weigh(self, members: Sequence[int]) -> tuple[float, frozenset[int]]:
        """log P of some kinds, whichever router on their ways missed the route, and those that it dropped then."""
        key = tuple(members)
        if key not in self._known:
            self._known[key] = self._weigh(key)
        return self._known[key]

    def _weigh(self, members: Sequence[int]) -> tuple[float, frozenset[int]]:
        meets: dict[str, set[int]] = defaultdict(set)
        gains = {index: self._dropped[index] - self._healthy[index] for index in members}
        others = [gains[index] for index in members if self._nodes[index] is None]
        for index in members:
            for node in self._nodes[index] or ():
                meets[node].add(index)
        alone = {node: sum(gains[index] for index in sorted(met)) for node, met in meets.items()}
        ranked = sorted(alone, key=lambda node: (-alone[node], node not in self._first, node))
        pairs = {
            (one, other): sum(gains[index] for index in sorted(meets[one] | meets[other]))
            for one, other in combinations(ranked[:LIKELIEST], 2)
        }
        firsts = sum(node in self._first for node in alone)
        told = [(log(NOBODY), frozenset[int]())]
        for node in ranked:
            chance = ONE * _share(node in self._first, firsts, len(alone))
            told.append((log(chance) + alone[node], frozenset(meets[node])))
        for (one, other), gain in pairs.items():
            both = one in self._first and other in self._first
            chance = TWO * _share(both, comb(firsts, 2), comb(len(alone), 2))
            told.append((log(chance) + gain, frozenset(meets[one] | meets[other])))
        whole = sum(self._healthy[index] for index in members) + _of_others(others) + add_logs(*(g for g, _ in told))
        lost = {index for index in members if self._nodes[index] is None and gains[index] > 0}
        return whole, max(told, key=lambda entry: entry[0])[1] | lost


def _share(first: bool, firsts: int, places: int) -> float:
    """How often it is this one of so many places, of which some are the `firsts`."""
    if firsts in (0, places):
        return 1 / places
    return FIRST / firsts if first else (1 - FIRST) / (places - firsts)


def _of_others(gains: Sequence[float]) -> float:
    """How much better others' packets are explained if a share of them, nobody knows which, starts without a route."""
    if not gains:
        return 0.0
    return add_logs(
        *(
            log(often) + sum(add_logs(log(1 - share), log(share) + gain) for gain in gains)
            for share, often in STARTS_WITHOUT.items()
        )
    )
