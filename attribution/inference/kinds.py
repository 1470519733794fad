"""What the measurements of one kind say together, for every way in which a fault may touch them and at each loss rate.

Measurements with the same journeys are of one kind: what befalls a component touches all of them, or none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Sequence
from math import log

from attribution.inference.grouping import Group, is_balance
from attribution.inference.likelihood import (
    RATES,
    SCATTER,
    SCATTER_AT_RANDOM,
    add_logs,
    either_way,
    log_faulty,
    log_healthy,
    log_perhaps,
    rate_weights,
)
from attribution.inference.relation import Touch
from attribution.inference.upstream import Upstream

# How often a fault touches what it only perhaps touches.
CHANCES = {
    Touch.RARELY: 0.2,
    Touch.UPSTREAM: 0.35,
    Touch.OWN: 0.5,
    Touch.OTHERS: 0.5,
    Touch.SOME_CLASSES: 0.5,
    Touch.MAYBE: 0.5,
}
# How often what may go another way is many flows, of which some do and some do not (RFC 2992): then any smaller share
# is lost. Otherwise it is one flow, or all of it.
IN_FLOWS = 0.5
# How often all that the service lost is missing in one place, and not only a part of it.
ALL_OF_IT = 0.8
# How much of what a fading fault touched may be well again at once; of what is not, how much loses (almost) everything
# still: of packets, and in balances, which hold the packets of others too.
WELL_AGAIN = (0.05, 0.3, 0.7, 0.95)
STILL_LOST, STILL_LOST_OF_ALL = 0.7, 0.1


class WithoutRoutes:
    """What each kind says where routes are gone of faults of which a share `full` leaves (almost) nothing.

    `dropped`: of each kind at a router that misses the route; `gains`: how much better it is for each kind, by the way
    it is touched, to be hit than to be spared, or no better. `upstream` looks for that router where it misses the
    route all the while, `wavering` where the route comes and goes.
    """

    def __init__(
        self,
        kinds: Sequence[Sequence[Group]],
        parts: Sequence[Sequence[Sequence[float]]],
        looking: Callable[..., Upstream],
        passed: Collection[tuple[str, str]],
        full: float,
    ) -> None:
        self._kinds, self._parts, self._full = kinds, parts, full
        self._fading: dict[int, tuple[tuple[float, ...], ...]] = {}
        self._lost: dict[int, tuple[float, ...]] = {}
        weights = rate_weights(full)
        self.dropped = tuple(
            add_logs(*(weight + told for weight, told in zip(weights, own[Touch.YES], strict=True))) for own in parts
        )
        self.gains = tuple(map(_gains_of_kind, parts, self.dropped))
        self.upstream = looking(self.dropped, passed=passed)
        self.wavering = looking(self.dropped)

    def lost(self, kind: int) -> tuple[float, ...]:
        """What a kind that needs the route says for every touch."""
        if kind not in self._lost:
            self._lost[kind] = _perhaps(self._parts[kind][Touch.NO][0], self.dropped[kind])
        return self._lost[kind]

    def fading(self, kind: int) -> tuple[tuple[float, ...], ...]:
        """What a kind says while the fault fades, for each share of what is well again and every touch."""
        if kind not in self._fading:
            self._fading[kind] = _fading_parts(self._kinds[kind], self._parts[kind], self._full)
        return self._fading[kind]

    def recovering(self, members: Iterable[tuple[int, int]]) -> tuple[float, Sequence[float]]:
        """What kinds with their touches say together if one share of them is well again; each one's part at the best.
        """
        levels = list(zip(*([level[touch] for level in self.fading(kind)] for kind, touch in members), strict=True))
        sums = [sum(level) for level in levels]
        return add_logs(*sums) - log(len(sums)), max(levels, key=sum)


def _fading_parts(
    kind: Sequence[Group], own: Sequence[Sequence[float]], full: float
) -> tuple[tuple[float, ...], ...]:
    """What the groups of a kind say for every touch while a fault fades, for each share of what is well again by then.

    All may be lost still, or a part, or nothing more; all that is lost still is a part of what a balance holds.
    """
    weights = rate_weights(min(full, STILL_LOST_OF_ALL if is_balance(kind) else STILL_LOST))
    healthy = own[Touch.NO][0]
    in_runs = sum(group.weight * group.in_runs for group in kind)
    lost = add_logs(*(weight + told for weight, told in zip(weights, own[Touch.YES], strict=True))) + in_runs
    levels = []
    for well in WELL_AGAIN:
        levels.append(_perhaps(healthy, add_logs(log(well) + healthy, log(1 - well) + lost)))
    return tuple(levels)


def best_of_kind(kind: Sequence[Group], own: Sequence[Sequence[float]]) -> float:
    """What the groups of a kind say at most, however a fault touches them, and if it fades."""
    return max(map(max, own)) + max(0.0, sum(group.weight * group.in_runs for group in kind))


def _gains_of_kind(own: Sequence[Sequence[float]], dropped: float) -> tuple[float, ...]:
    """How much better a kind is explained for every touch, in their order, where it is hit and not spared, if at all.
    """
    at_best = [dropped if touch is Touch.UPSTREAM else max(own[touch]) for touch in Touch]
    return tuple(max(0.0, told - own[Touch.NO][0]) for told in at_best)


def _perhaps(healthy: float, hit: float) -> tuple[float, ...]:
    """log P of a kind for every touch, in their order, from what it is if it is not touched, and if it is."""
    parts = {Touch.NO: healthy, Touch.YES: hit, Touch.AT_RANDOM: hit, Touch.TWICE: hit}
    for touch, chance in CHANCES.items():
        parts[touch] = add_logs(log(chance) + hit, log(1 - chance) + healthy)
    return tuple(parts[touch] for touch in Touch)


def bound_for(kind: Sequence[Group]) -> str | None:
    """The end of the service that packets are for; None for balances, which hold both directions, and for answers."""
    ends = {stretch.bound_for for journey in kind[0].journeys for stretch in journey}
    return ends.pop() if len(ends) == 1 and not is_balance(kind) else None


def met_routers(kind: Sequence[Group], plain: Container[str]) -> frozenset[str] | None:
    """The routers that the service's packets met: one of them may have had no route. None: packets of others."""
    if not kind[0].of_service:
        return None
    stretches = (stretch for journey in kind[0].journeys for stretch in journey)
    return frozenset(name for stretch in stretches for name in stretch.components if name not in plain)


def index_kinds(kinds: Sequence[Sequence[Group]]) -> dict[str, list[int]]:
    """For each component the kinds of measurements that it may have touched, in order."""
    near: dict[str, list[int]] = defaultdict(list)
    for index, kind in enumerate(kinds):
        stretches = [stretch for journey in kind[0].journeys for stretch in journey]
        touched = {name for s in stretches for name in (*s.components, *s.beyond, *s.beside, s.recorder) if name}
        for component in touched:
            near[component].append(index)
    return dict(near)


def parts_of_kind(kind: Sequence[Group]) -> tuple[tuple[float, ...], ...]:
    """What the groups of a kind say together for every touch, in their order, at each rate.

    A balance holds the packets of both directions and of others: of all of them any smaller share may be lost.
    """
    healthy = sum(g.weight * log_healthy(g.lost, g.sent, g.noise) for g in kind)
    faulty = _faulty_parts(kind)
    parts = {Touch.NO: (healthy,) * len(RATES), Touch.YES: faulty}
    for touch, chance in CHANCES.items():
        hit = _in_flows(faulty) if touch == Touch.MAYBE else faulty
        parts[touch] = tuple(add_logs(log(chance) + part, log(1 - chance) + healthy) for part in hit)
    parts[Touch.UPSTREAM] = faulty  # how much of it is lost hangs on the fault
    parts[Touch.AT_RANDOM] = parts[Touch.TWICE] = _faulty_parts(kind, SCATTER_AT_RANDOM)
    if is_balance(kind):
        return tuple(parts[touch] for touch in Touch)  # all classes of traffic are in it together
    if len(kind[0].journeys[0]) > 1:
        parts[Touch.TWICE] = _faulty_parts(kind, SCATTER_AT_RANDOM, [either_way(rate) for rate in RATES])
    chance = CHANCES[Touch.SOME_CLASSES]
    parts[Touch.SOME_CLASSES] = tuple(
        sum(g.weight * log_perhaps(g.lost, g.sent, rate, chance, g.noise) for g in kind) for rate in RATES
    )
    return tuple(parts[touch] for touch in Touch)


def _faulty_parts(
    kind: Sequence[Group], scatter: float = SCATTER, rates: Sequence[float] = RATES
) -> tuple[float, ...]:
    """What the groups of a kind say together where a fault loses packets of theirs, at each rate."""
    faulty = tuple(sum(g.weight * log_faulty(g.lost, g.sent, rate, g.noise, scatter) for g in kind) for rate in rates)
    if any(stretch.of_lost for journey in kind[0].journeys for stretch in journey):
        # Of what is known to be lost (almost) all is missing where the fault is, however little of everything that was.
        whole = add_logs(*(weight + told for weight, told in zip(rate_weights(ALL_OF_IT), faulty, strict=True)))
        return (whole,) * len(RATES)
    if is_balance(kind):
        return _or_less(faulty)
    return faulty


def _in_flows(faulty: Sequence[float]) -> tuple[float, ...]:
    """What a kind says at each rate where all of it, or of its flows some, crossed what failed."""
    some = zip(faulty, _or_less(faulty), strict=True)
    return tuple(add_logs(log(1 - IN_FLOWS) + whole, log(IN_FLOWS) + part) for whole, part in some)


def _or_less(faulty: Sequence[float]) -> tuple[float, ...]:
    """What a kind says where a fault of each rate lost that share of it, or any smaller one."""
    return tuple(add_logs(*faulty[: upto + 1]) - log(upto + 1) for upto in range(len(faulty)))
