"""Where routes that a failure took away are missed: at the first router without one, not at each that may have been.

What others send from anywhere on the way is dropped where it starts, if it starts among those that have no route.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import combinations
from math import comb, log

from attribution.inference.likelihood import add_logs

# How often nobody on what was measured missed a route, one router did, or two: one for each direction.
NOBODY, ONE, TWO = 0.3, 0.3, 0.4
# How often others' packets start where there is no route.
STARTS_WITHOUT = 0.5
# Pairs are only looked for among so many routers at which most seems to have been dropped.
LIKELIEST = 4


class Upstream:
    """Kinds of measurements as those see them that look for the routers that dropped what had no route any more.

    For each kind what its packets met if they are the service's (None: others'), and its log likelihood if nobody
    dropped them there, and if somebody did.
    """

    def __init__(
        self, nodes: Sequence[Collection[str] | None], healthy: Sequence[float], dropped: Sequence[float]
    ) -> None:
        self._nodes = nodes
        self._healthy = healthy
        self._dropped = dropped
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
        others, dropped = 0.0, set()
        for index in members:
            nodes = self._nodes[index]
            if nodes is None:
                others += add_logs(log(1 - STARTS_WITHOUT), log(STARTS_WITHOUT) + gains[index])
                if gains[index] > 0:
                    dropped.add(index)
                continue
            for node in nodes:
                meets[node].add(index)
        alone = {node: sum(gains[index] for index in sorted(met)) for node, met in meets.items()}
        ranked = sorted(alone, key=lambda node: (-alone[node], node))
        pairs = {
            (one, other): sum(gains[index] for index in sorted(meets[one] | meets[other]))
            for one, other in combinations(ranked[:LIKELIEST], 2)
        }
        told = [(log(NOBODY), frozenset[int]())]
        if alone:
            chance = log(ONE / len(alone))
            told += [(chance + alone[node], frozenset(meets[node])) for node in ranked]
        if pairs:
            chance = log(TWO / comb(len(alone), 2))
            told += [(chance + gain, frozenset(meets[one] | meets[other])) for (one, other), gain in pairs.items()]
        whole = sum(self._healthy[index] for index in members) + others + add_logs(*(gain for gain, _ in told))
        return whole, max(told, key=lambda entry: entry[0])[1] | dropped
