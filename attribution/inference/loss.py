"""How well a fault explains what was lost, and what was not, with loss rates that nobody knows beforehand."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress
from math import log
from typing import NamedTuple

from attribution.inference.candidates import Candidate
from attribution.inference.grouping import Group, is_balance, needs_routes
from attribution.inference.kinds import (
    WithoutRoutes,
    best_of_kind,
    bound_for,
    index_kinds,
    met_routers,
    parts_of_kind,
)
from attribution.inference.likelihood import (
    FULL_RATES,
    RATES,
    add_logs,
    log_perhaps,
    rate_weights,
)
from attribution.inference.relation import Touch
from attribution.inference.upstream import CAME_THROUGH, DROPPED_MANY, Missing, Upstream
from attribution.model.evidence import Journey

# Of what is touched in one of these ways a fault hits all or nothing; what is touched so is weighed by itself.
TOGETHER = (Touch.OWN, Touch.OTHERS)
BY_ITSELF = frozenset((Touch.RARELY, Touch.UPSTREAM, *TOGETHER))
# Packets for other destinations than its own a fault often leaves alone altogether: how often, however many
# measurements would show it.
SPARED = 0.7
# How often a later phase of a fault is the one in which it fades.
FADING = 0.3
# How often a fault that takes routes away keeps them away for longer than it lasts itself, or comes and goes too fast
# for them: then neighbours reach each other, more or less, and hardly anything gets through. How much of what has no
# route is lost as a whole.
OUTLASTED = 0.3
ROUTELESS = 0.9
# How often the service is interrupted by a fault that none of what was seen to be lost had crossed: all of that would
# have to be lost by chance, just then. How clearly (nats) something was lost.
LOST_BY_CHANCE = 0.001
CLEARLY_LOST = 1.0
# How often a later phase is one in which what had failed is back, and routes are not.
RETURNING = 0.3
# How often what a router still says it has no route for is lost all the while.
STILL_GONE = 0.6
# How often routes come and go within a phase, so that each thing they serve suffers in its own measure.
UNSTEADY = 0.05

# Of the touches of all kinds as bytes, which leave a kind alone: made so, compress() picks these out.
_UNTOUCHED = bytes(value == Touch.NO for value in range(256))


@dataclass(frozen=True, slots=True)
class LossFit:
    """How a candidate explains the groups: the log likelihood, the best rate, each group's own part at it, and where
    the route is missed that the fault took away, if it did."""

    total: float
    rate: float
    parts: tuple[float, ...]
    missing: Missing | None = None


class _Touched(NamedTuple):
    """The kinds that a fault touches: for sure or perhaps, each by itself; those of which all or some may be spared
    together; and sets of which all are touched, or none."""

    surely: tuple[int, ...]
    rarely: tuple[int, ...]
    upstream: tuple[int, ...]
    together: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, touches: bytes) -> _Touched:
        members: dict[int, list[int]] = defaultdict(list)
        for i in compress(range(len(touches)), touches):
            members[touches[i] if touches[i] in BY_ITSELF else Touch.YES].append(i)
        surely, rarely, upstream = (tuple(members.get(t, ())) for t in (Touch.YES, Touch.RARELY, Touch.UPSTREAM))
        return cls(surely, rarely, upstream, tuple(tuple(members[t]) for t in TOGETHER if t in members))


class PhaseLosses:
    """The groups of one phase, with what each says at every rate worked out once for all candidates.

    Groups with the same journeys are touched together or not at all, whatever their class of traffic, unless the
    fault chooses by class: `kinds` are these sets of groups. `plain` is what passes packets on without looking up a
    route, `first` are the routers that the service's packets meet first, `refusing` those that said they had no route;
    `passed` are nodes that the service's packets came through all the while, each with the end that they were for.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        plain: Container[str] = (),
        first: Container[str] = (),
        refusing: Collection[str] = (),
        passed: Collection[tuple[str, str]] = (),
    ) -> None:
        gathered: dict[tuple[tuple[Journey, ...], bool], list[Group]] = defaultdict(list)
        for group in groups:
            gathered[(group.journeys, group.of_service)].append(group)
        self.kinds = tuple(tuple(kind) for kind in gathered.values())
        self._near = index_kinds(self.kinds)
        self._routed = tuple(needs_routes(kind[0].journeys, plain) for kind in self.kinds)
        self._fits: dict[tuple[bytes, float, bool], LossFit] = {}
        self._parts = tuple(parts_of_kind(kind) for kind in self.kinds)
        self._healthy = tuple(own[Touch.NO][0] for own in self._parts)
        losses = (max(own[Touch.YES]) - own[Touch.NO][0] for own in self._parts)
        self._losing = frozenset(i for i, gain in enumerate(losses) if gain > CLEARLY_LOST)
        best = map(best_of_kind, self.kinds, self._parts)
        self._gains = tuple(most - spared for most, spared in zip(best, self._healthy, strict=True))
        self._all_healthy = sum(self._healthy)
        self._met = tuple(met_routers(kind, plain) for kind in self.kinds)
        self._first = first
        self._quiet = _answering(groups) - set(refusing)
        self._had_routes = frozenset(passed)
        self._withouts: dict[float, WithoutRoutes] = {}
        # Under a cause that nobody can name any group may or may not be touched, at a rate of its own.
        self.unknown_parts = tuple(
            sum(
                g.weight * (add_logs(*(log_perhaps(g.lost, g.sent, r, 0.5, g.noise) for r in RATES)) - log(len(RATES)))
                for g in kind
            )
            for kind in self.kinds
        )
        self.unknown = sum(self.unknown_parts)
        self._ends = tuple(frozenset(_ends_of(kind[0].journeys)) for kind in self.kinds)
        self._edges = tuple(frozenset(_ends_of(kind[0].journeys, passing=True)) for kind in self.kinds)

    def kinds_near(self, component: str, link: str | None) -> Sequence[int]:
        """The kinds whose packets crossed a component or the link, or would have; a fault there touches no others."""
        near = self._near.get(component, ())
        return near if link is None else sorted({*near, *self._near.get(link, ())})

    def places_of_loss(self) -> Iterator[tuple[frozenset[str], bool]]:
        """Where packets were clearly lost, for each kind of which they were: all that they had to cross, and whether
        two capture points, or the counters of both ports of a cable, tell so. A device's own balance tells of what
        fails elsewhere, too: anywhere, that is nothing."""
        for index in sorted(self._losing):
            stretches = [stretch for journey in self.kinds[index][0].journeys for stretch in journey]
            crossed = frozenset(name for stretch in stretches for name in stretch.components)
            of_a_device = any(stretch.balance and len(stretch.components) == 1 for stretch in stretches)
            of_two = all(stretch.balance or stretch.recorder is not None for stretch in stretches)
            yield frozenset() if of_a_device else crossed, of_two and not of_a_device

    def at_most(self, component: str, link: str | None) -> float:
        """What no fault that began in the phase exceeds, as far as only its component and link are known."""
        near = self.kinds_near(component, link)
        by_chance = 0.0 if not self._losing or any(i in self._losing for i in near) else log(LOST_BY_CHANCE)
        return self._all_healthy + sum(self._gains[i] for i in near) + by_chance

    def _without(self, full: float) -> WithoutRoutes:
        """What the kinds say where routes are gone: as a whole where faults last, in a part where they come and go."""
        share = min(full, ROUTELESS)
        if share not in self._withouts:
            ends = [bound_for(kind) for kind in self.kinds]
            looking = partial(Upstream, self._met, self._healthy, first=self._first, quiet=self._quiet, ends=ends)
            self._withouts[share] = WithoutRoutes(self.kinds, self._parts, looking, self._had_routes, share)
        return self._withouts[share]

    def fit(self, candidate: Candidate, touches: Sequence[int], passed: bool = False) -> LossFit:
        """Integrate over the loss rates that the mode may cause, one rate for all that the fault touches.

        `touches` has a Touch for each kind. `passed`: the service's packets were seen behind the fault all the while.
        """
        key = (bytes(touches), candidate.mode.full, passed)
        if key not in self._fits:
            self._fits[key] = self._fit(candidate.mode.full, key[0], passed)
        return self._fits[key]

    def _fit(self, full: float, touches: bytes, passed: bool) -> LossFit:
        touched, alone = _Touched.of(touches), self._left_alone(touches)
        told = self._sums(touches, touched, full)
        seen = [log(CAME_THROUGH) if passed and rate in FULL_RATES else 0.0 for rate in RATES]
        sums = [sum(told_at_rate) + alone for told_at_rate in zip(rate_weights(full), told, seen, strict=True)]
        best = max(range(len(RATES)), key=sums.__getitem__)
        parts = list(self._healthy)
        for i in touched.surely:
            parts[i] = self._parts[i][touches[i]][best]
        if touched.rarely:
            healthy, hit = self._rarely(touched.rarely)
            for i in touched.rarely if hit[best] > healthy else ():
                parts[i] = self._parts[i][Touch.RARELY][best]
        for members in touched.together:
            healthy, hit = self._together(members)
            for i in members if hit[best] > healthy else ():
                parts[i] = self._parts[i][Touch.YES][best]
        missing = self._weigh_missing(touched, full)
        for i in missing.dropped if missing is not None else ():
            parts[i] = self._without(full).dropped[i]
        return LossFit(add_logs(*sums) + self._by_chance(touches), RATES[best], tuple(parts), missing)

    def _weigh_missing(self, touched: _Touched, full: float) -> Missing | None:
        """Where the route is missed that a fault took away; None if nobody that was measured may have missed one."""
        return self._without(full).upstream.weigh(touched.upstream) if touched.upstream else None

    def _left_alone(self, touches: bytes) -> float:
        """log P of the kinds that a fault does not touch."""
        return sum(compress(self._healthy, touches.translate(_UNTOUCHED)))

    def _by_chance(self, *touches: Sequence[int]) -> float:
        """log P that a fault, or several, are to blame although they touch nothing of what was lost."""
        touched = any(touch[i] != Touch.NO for touch in touches for i in self._losing)
        return 0.0 if touched or not self._losing else log(LOST_BY_CHANCE)

    def _sums(self, touches: Sequence[int], touched: _Touched, full: float) -> list[float]:
        """log P of some kinds at each rate; of those that are touched in a doubtful way some or all may be spared."""
        sums = _columns([self._parts[i][touches[i]] for i in touched.surely])
        if touched.rarely:
            healthy, hit = self._rarely(touched.rarely)
            sums = [told + add_logs(healthy, at_rate) for told, at_rate in zip(sums, hit, strict=True)]
        for members in touched.together:
            healthy, hit = self._together(members)
            sums = [told + add_logs(healthy, at_rate) for told, at_rate in zip(sums, hit, strict=True)]
        missing = self._weigh_missing(touched, full)
        return [told + missing.total for told in sums] if missing is not None else sums

    def _rarely(self, members: Sequence[int]) -> tuple[float, list[float]]:
        """log P of the kinds that are rarely touched: if all are spared, and at each rate if not."""
        healthy = log(SPARED) + sum(self._parts[i][Touch.NO][0] for i in members)
        hit = _columns([self._parts[i][Touch.RARELY] for i in members])
        return healthy, [log(1 - SPARED) + told for told in hit]

    def _together(self, members: Sequence[int]) -> tuple[float, list[float]]:
        """log P of kinds that are touched together: if none is, and at each rate if all are."""
        healthy = log(0.5) + sum(self._healthy[i] for i in members)
        return healthy, [log(0.5) + told for told in _columns([self._parts[i][Touch.YES] for i in members])]

    def fit_two(self, fulls: tuple[float, float], touches: tuple[Sequence[int], Sequence[int]]) -> float:
        """How well two faults at once explain the groups, each at a loss rate of its own; both touch: the worse tells.

        The log likelihood, integrated over the rates of either, as `fit` is over one.
        """
        first, second = touches
        only_first = bytes(0 if other else one for one, other in zip(first, second, strict=True))
        only_second = bytes(0 if one else other for one, other in zip(first, second, strict=True))
        both = bytes(max(one, other) if one and other else 0 for one, other in zip(first, second, strict=True))
        neither = [i for i, touch in enumerate(map(max, first, second)) if touch == Touch.NO]
        of_one = self._sums(only_first, _Touched.of(only_first), fulls[0])
        of_other = self._sums(only_second, _Touched.of(only_second), fulls[1])
        of_first = [weight + told for weight, told in zip(rate_weights(fulls[0]), of_one, strict=True)]
        of_second = [weight + told for weight, told in zip(rate_weights(fulls[1]), of_other, strict=True)]
        of_both = self._sums(both, _Touched.of(both), max(fulls))
        rates = range(len(RATES))
        sums = [of_first[one] + of_second[other] + of_both[max(one, other)] for one in rates for other in rates]
        return add_logs(*sums) + sum(self._parts[i][Touch.NO][0] for i in neither) + self._by_chance(*touches)

    def unexplained(self, fit: LossFit) -> float:
        """How much better (nats) the groups could be explained if each kind were touched or not as suits it best."""
        pairs = zip(self._parts, fit.parts, strict=True)
        return sum(max(0.0, max(own[Touch.NO][0], *own[Touch.YES]) - part) for own, part in pairs)

    def unexplained_by(self, touches: Sequence[int], others: Sequence[int], full: float) -> float:
        """How much better (nats) it is for those kinds that only another fault touches to be touched by it.

        `full` is the share of such other faults that leave nothing.
        """
        gains = compress(zip(self._without(full).gains, others, strict=True), bytes(touches).translate(_UNTOUCHED))
        return sum(told[other] for told, other in gains if other)

    def through(self, touches: Sequence[int], own: Collection[str], is_back: bool) -> tuple[int, ...]:
        """The kinds that a fault touches and whose packets need routes, but for what is its `own`.

        Once what had failed is back, it drops what it should pass on without routes; what is for itself arrives.
        """
        ends = self._ends if is_back else self._edges
        return tuple(
            i
            for i, touch in enumerate(touches)
            if touch not in (Touch.NO, Touch.UPSTREAM) and self._routed[i] and ends[i].isdisjoint(own)
        )

    def in_turmoil(self, touches: Sequence[int], own: Collection[str], may_cross: Container[int]) -> bytes:
        """How a fault touches each kind once what had failed is back, and routes change on its account.

        What needs no routes is well again. What does need them suffers, more or less; so do the kinds that `may_cross`
        what failed although they were seen to go around it: ways that routers choose for a moment show in no drawing.
        """

        def turned(kind: int, touch: int) -> int:
            if not self._routed[kind] or not self._ends[kind].isdisjoint(own):
                return Touch.NO
            if touch == Touch.NO and kind in may_cross:
                return Touch.RARELY
            return Touch.MAYBE if touch == Touch.UPSTREAM else touch

        return bytes(turned(kind, touch) for kind, touch in enumerate(touches))

    def balances_of(self, device: str) -> tuple[int, ...]:
        """The kinds that are a device's own balance: what it drops without routes once it is back is missing there."""
        whole = (kind[0].journeys[0] if is_balance(kind) else () for kind in self.kinds)
        return tuple(i for i, journey in enumerate(whole) if [s.components for s in journey] == [(device,)])

    def refused(self, touches: Sequence[int], missing: Collection[tuple[str, str | None]]) -> tuple[int, ...]:
        """The kinds that a fault touches and that have to pass a router which is known to have no route for them.

        `missing` has for each such router the end of the service that it has none for; None where that is not known.
        """
        return tuple(
            i
            for i, touch in enumerate(touches)
            if touch != Touch.NO and self.kinds[i][0].of_service and _are_refused(self.kinds[i][0].journeys, missing)
        )

    def fit_fading(
        self, touches: Sequence[int], chance: float = FADING, routeless: Sequence[int] = (), full: float = ROUTELESS
    ) -> LossFit:
        """A fault that ends within the phase, or its aftermath: each thing it touches recovers in its own time.

        But for those kinds that are `routeless` all the while: hardly anything of them gets through. `full` is the
        share of such faults that leave nothing. How much is well again at once is one share for packets and one for
        balances: while all that crosses one router without routes is lost, the other routers pass on what they get.
        """
        without, touches = self._without(full), bytes(touches)
        recovering = bytearray(touches)
        for i in routeless:
            recovering[i] = Touch.NO
        touched = _Touched.of(bytes(recovering))
        lost = {i: without.lost(i)[Touch.YES if touches[i] == Touch.UPSTREAM else touches[i]] for i in routeless}
        # A route that is missed upstream is missed at one place, whether or not it will be back soon.
        missing = without.wavering.weigh(touched.upstream) if touched.upstream else None
        total = (missing.total if missing is not None else 0.0) + sum(lost.values()) + self._left_alone(touches)
        parts = list(self._healthy)
        hit: dict[int, float] = {}
        for told, own in self._fade(without, touches, touched):
            total += told
            hit |= own
        dropped = missing.dropped if missing is not None else ()
        hit |= {i: max(level[touches[i]] for level in without.fading(i)) for i in dropped} | lost
        for i, told in hit.items():
            parts[i] = told
        told_by_chance = log(chance) + self._by_chance(touches)
        return LossFit(total + told_by_chance, FULL_RATES[-1], tuple(parts), missing)

    def _fade(
        self, without: WithoutRoutes, touches: bytes, touched: _Touched
    ) -> Iterator[tuple[float, Mapping[int, float]]]:
        """log P of what recovers from a fault together, set by set, with the parts of those of its kinds that are hit.
        """
        for balances in (False, True):
            if members := [i for i in touched.surely if is_balance(self.kinds[i]) is balances]:
                told, own = without.recovering((i, touches[i]) for i in members)
                yield told, dict(zip(members, own, strict=True))
        spared = ((touched.rarely, Touch.RARELY, SPARED), *((pool, Touch.YES, 0.5) for pool in touched.together))
        for pool, touch, share in spared:
            if pool:
                told, own = without.recovering((i, touch) for i in pool)
                healthy = log(share) + sum(self._healthy[i] for i in pool)
                hit = log(1 - share) + told
                yield add_logs(healthy, hit), dict(zip(pool, own, strict=True)) if hit > healthy else {}


def _are_refused(journeys: Iterable[Journey], missing: Collection[tuple[str, str | None]]) -> bool:
    """Whether packets have to be passed on by a router without a route for where they go, however they went."""
    return all(
        any(
            router in stretch.forwarding and end in (None, stretch.bound_for)
            for stretch in journey
            for router, end in missing
        )
        for journey in journeys
    )


def _answering(groups: Iterable[Group]) -> frozenset[str]:
    """What would have been heard to answer if it had dropped packets: it lies behind a capture of many that got lost.
    """
    lost: Counter[str] = Counter()
    for member in (member for group in groups if group.of_service for member in group.members):
        if member.came_through:
            ahead = {name for journey in member.journeys for stretch in journey for name in stretch.components}
            lost.update(dict.fromkeys(ahead, member.lost))
    return frozenset(name for name, count in lost.items() if count >= DROPPED_MANY)


def _ends_of(journeys: Iterable[Journey], passing: bool = False) -> Iterator[str]:
    """The nodes that packets were sent by or were for; also what they were only `passing` at an end of a stretch."""
    for stretch in (stretch for journey in journeys for stretch in journey):
        if passing or stretch.starts_inside:
            yield stretch.components[0]
        if passing or stretch.ends_inside:
            yield stretch.components[-1]


def _columns(rows: Sequence[Sequence[float]]) -> list[float]:
    """The sums of what was said at each rate."""
    return [sum(column) for column in zip(*rows, strict=True)] if rows else [0.0] * len(RATES)
