"""Where routes that a failure took away are missed: at the first router without one, not at each that may have been.

What others send from anywhere on the way is dropped where it starts, if it starts among those that have no route.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
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
# How often a route is missed at the same place as in the phase before: in 131 of 169 such phases of recordings, and in
# 37 at one of two routers that were the place before.
SAME_AGAIN = 0.8
# How often a router that drops packets for want of a route does not say so to their senders (RFC 1812, 5.2.7.1), where
# a capture on their way would have seen it. In 40 such phases of recordings each one did, as Linux does; but operators
# often forbid it to their routers, and these may say it by a way that passes no capture.
SAYS_NOTHING = 0.25
# So many dropped packets should have brought an answer, however few of them a router answers.
DROPPED_MANY = 10
# How often packets are seen that came through what lets (almost) nothing through: clocks err, and so do drawings.
CAME_THROUGH = 0.05
# Pairs are only looked for among so many routers at which most seems to have been dropped, and those met first.
LIKELIEST = 4


Place = tuple[str, ...]
"""The routers that missed a route: none, one, or two."""


@dataclass(frozen=True, slots=True, eq=False)
class Missing:
    """log P of some kinds, wherever a route was missed; those that were dropped there, most probably; and for each
    place where it may have been how often it is that (log) and how much better the kinds are explained by it. Compared
    by identity: each is worked out once."""

    total: float
    dropped: frozenset[int]
    places: Mapping[Place, tuple[float, float]]


class Upstream:
    """Kinds of measurements as those see them that look for the routers that dropped what had no route any more.

    For each kind what its packets met if they are the service's (None: others'), and its log likelihood if nobody
    dropped them there, and if somebody did; and the end that its packets are for (None: either). `first`: the routers
    that the service's packets meet first; `quiet`: those that would have been heard to say that they had no route, and
    were not; `passed`: routers that packets for an end came through all the while, with that end.
    """

    def __init__(
        self,
        nodes: Sequence[Collection[str] | None],
        healthy: Sequence[float],
        dropped: Sequence[float],
        first: Container[str] = (),
        quiet: Container[str] = (),
        ends: Sequence[str | None] | None = None,
        passed: Collection[tuple[str, str]] = (),
    ) -> None:
        both = frozenset(end for _, end in passed)
        self._all_ends = both if len(both) > 1 else frozenset()
        self._ends = ends if ends is not None else [None] * len(nodes)
        self._passed = passed
        self._nodes = nodes
        self._healthy = healthy
        self._dropped = dropped
        self._first = first
        self._quiet = quiet
        self._known: dict[tuple[int, ...], Missing] = {}

    def weigh(self, members: Sequence[int]) -> Missing:
        """What some kinds say of the routers on their ways that may have missed the route."""
        key = tuple(members)
        if key not in self._known:
            self._known[key] = self._weigh(key)
        return self._known[key]

    def _weigh(self, members: Sequence[int]) -> Missing:
        meets: dict[str, set[int]] = defaultdict(set)
        gains = {index: self._dropped[index] - self._healthy[index] for index in members}
        others = [gains[index] for index in members if self._nodes[index] is None]
        for index in members:
            for node in self._nodes[index] or ():
                meets[node].add(index)
        alone = {node: sum(gains[index] for index in sorted(met)) for node, met in meets.items()}
        ranked = sorted(alone, key=lambda node: (-alone[node], node not in self._first, node))
        firsts = sum(node in self._first for node in alone)
        against = {node: self._against(node, [i for i in sorted(met) if gains[i] > 0]) for node, met in meets.items()}
        places: dict[Place, tuple[float, float]] = {(): (log(NOBODY), 0.0)}
        for node in ranked:
            chance = ONE * _share(node in self._first, firsts, len(alone))
            places[(node,)] = (log(chance), alone[node] + against[node])
        likely = dict.fromkeys([*ranked[:LIKELIEST], *(node for node in ranked if node in self._first)])
        for one, other in combinations(likely, 2):
            both = one in self._first and other in self._first
            chance = TWO * _share(both, comb(firsts, 2), comb(len(alone), 2))
            pair = (min(one, other), max(one, other))  # the same place in every phase, whichever dropped more
            gain = sum(gains[index] for index in sorted(meets[one] | meets[other]))
            places[pair] = (log(chance), gain + against[one] + against[other])
        told = add_logs(*(often + gain for often, gain in places.values()))
        whole = sum(self._healthy[index] for index in members) + _of_others(others) + told
        best = max(places, key=lambda place: sum(places[place]))
        dropped = {index for node in best for index in meets[node]}
        lost = {index for index in members if self._nodes[index] is None and gains[index] > 0}
        return Missing(whole, frozenset(dropped | lost), places)

    def _against(self, node: str, lost: Sequence[int]) -> float:
        """log P of what speaks against a router that has no route: it never said so, or packets for the same end as the
        lost ones came through it."""
        silent = log(SAYS_NOTHING) if node in self._quiet else 0.0
        ends = {end for index in lost if (end := self._ends[index]) is not None} or self._all_ends
        had_one = bool(lost and ends) and all((node, end) in self._passed for end in ends)
        return silent + (log(CAME_THROUGH) if had_one else 0.0)


def gain_of_same_place(missing: Sequence[Missing]) -> float:
    """How much more probable phases are together than one by one: whatever took a route away, it is mostly missed where
    one was missed before."""
    if len(missing) < 2:
        return 0.0
    apart = sum(add_logs(*(often + gain for often, gain in one.places.values())) for one in missing)
    together = []
    for place in dict.fromkeys(place for one in missing for place in one.places):
        often = next(one.places[place][0] for one in missing if place in one.places)
        together.append(often + sum(_gain_at(place, one) for one in missing))
    return add_logs(log(SAME_AGAIN) + add_logs(*together) - apart, log(1 - SAME_AGAIN))


def _gain_at(place: Place, missing: Missing) -> float:
    """What a phase says of a place; of two routers that it did not look at together, what it says of one of them."""
    if place in missing.places:
        return missing.places[place][1]
    return max(missing.places[(node,)][1] if (node,) in missing.places else 0.0 for node in place)


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
