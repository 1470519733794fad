"""How well a fault explains what was lost, and what was not, with loss rates that nobody knows beforehand."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, lgamma, log
from typing import NamedTuple

from attribution.inference.candidates import Candidate
from attribution.inference.phases import Phase
from attribution.inference.relation import Touch
from attribution.model.evidence import Journey, Measurement, Method
from attribution.model.incident import NANOSECONDS, Interval

# Loss rates that a fault may cause; the last two count as "everything".
PARTIAL_RATES = (0.02, 0.04, 0.08, 0.15, 0.25, 0.4, 0.6, 0.8)
FULL_RATES = (0.95, 0.995)
# How much single measurements scatter around the common rate: pseudo-counts of a beta distribution. Low, because a
# measurement may straddle an edge, or cross the fault twice, or only with a part of its packets; but not so low that
# losing nothing at all would be the likeliest outcome of a small rate.
SCATTER = 4.0
LEAST_PSEUDO_LOST = 1.0
HEALTHY_RATE = 0.001
# Share of measurements that something else than the model spares; with Noise.stray it bounds what one of them can say.
STRAY = 0.03


class Noise(NamedTuple):
    """What measurements lose that no fault touches: a share that something `stray` disturbs, in any measure; the others
    about HEALTHY_RATE, with the `scatter` of so many pseudo-counts."""

    stray: float
    scatter: float


OF_PACKETS = Noise(STRAY, 50.0)
# The balances of a device's or a link's counters count everything, and are held against their own usual value.
OF_BALANCES = Noise(0.003, 2000.0)
# What one capture point infers is right more often than not, but late, and blind to what never came back.
ONE_POINT_TRUST = 0.5
# How often a fault touches what it only perhaps touches.
CHANCES = {Touch.RARELY: 0.2, Touch.UPSTREAM: 0.35, Touch.SOME_CLASSES: 0.5, Touch.MAYBE: 0.5}
# What a fault only perhaps touches (other destinations than its own, routers that might have missed a route first) it
# often leaves alone altogether: how often, however many measurements would show it.
SPARED = {Touch.RARELY: 0.7, Touch.UPSTREAM: 0.5}
# How often a later phase of a fault is the one in which it fades.
FADING = 0.3
# How often routes come and go within a phase, so that each thing they serve suffers in its own measure.
UNSTEADY = 0.05
PRICE_OF_A_GUESS = 0.3
# A measurement belongs to a phase if it shares this much with it.
MOSTLY = 0.8
# What is left out at either edge of a phase, unless the phase is short (seconds).
EDGE_S = 0.6
SHORT_S = 5.0
# A group that was measured at the edges of a phase only may have seen what came before or after it: within this many
# seconds, or this share of the phase, of an edge. What it says counts for as much.
NEAR_EDGE_S = 1.8
NEAR_EDGE_SHARE = 0.12
EDGE_TRUST = 0.25


@dataclass(frozen=True, slots=True)
class Group:
    """Measurements of one kind within a phase: the same journeys and the same class of traffic, counts added up."""

    journeys: tuple[Journey, ...]
    of_service: bool
    end_to_end: bool
    traffic: str
    sent: int
    lost: int
    weight: float
    members: tuple[Measurement, ...]
    noise: Noise = OF_PACKETS


def group_measurements(measurements: Iterable[Measurement], phase: Phase) -> tuple[Group, ...]:
    """Add up what was measured within a phase, and weigh it by how many others saw the same packets.

    Of m groups that are no independent witnesses, each weighs (1 + ln m) / m.
    """
    gathered: dict[tuple[tuple[Journey, ...], bool, str, Method], list[Measurement]] = defaultdict(list)
    cores = [core_of(interval) for interval in phase.intervals]
    for measurement in measurements:
        if measurement.journeys and any(lies_within(measurement.interval, core) for core in cores):
            key = (measurement.journeys, measurement.of_service, measurement.traffic, measurement.method)
            gathered[key].append(measurement)
    pairs = [journeys for journeys, _, _, method in gathered if method is Method.TWO_POINTS]
    kept = {
        key: members
        for key, members in gathered.items()
        if key[3] is not Method.TWO_POINTS or not is_sum_of_parts(key[0], pairs)
    }
    families = Counter(_family(key[0], key[1], key[3]) for key in kept)
    groups = []
    for (journeys, of_service, traffic, method), members in kept.items():
        alike = families[_family(journeys, of_service, method)]
        trust = ONE_POINT_TRUST if method is Method.ONE_POINT else 1.0
        if not any(_is_central(member.interval, cores) for member in members):
            trust *= EDGE_TRUST
        groups.append(
            Group(
                journeys,
                of_service,
                all(m.end_to_end for m in members),
                traffic,
                sum(m.sent for m in members),
                sum(m.lost for m in members),
                trust * (1 + log(alike)) / alike,
                tuple(members),
                OF_BALANCES if method is Method.COUNTERS else OF_PACKETS,
            )
        )
    return tuple(groups)


def is_sum_of_parts(journeys: tuple[Journey, ...], others: Iterable[tuple[Journey, ...]]) -> bool:
    """Whether capture points in between already split this stretch into parts that were measured by themselves."""
    whole = _crossed(journeys)
    parts = [part for part in (_crossed(other) for other in others) if part < whole]
    return bool(parts) and frozenset.union(*parts) == whole


def _crossed(journeys: tuple[Journey, ...]) -> frozenset[str]:
    return frozenset(c for journey in journeys for stretch in journey for c in stretch.components)


def _family(journeys: tuple[Journey, ...], of_service: bool, method: Method) -> tuple[object, ...]:
    """What groups have in common that saw the same packets, or the same stretch at the same time.

    All that single capture points infer about one conversation rests on the same few retransmissions.
    """
    if method is Method.ONE_POINT:
        first = next(journey for journey in journeys if journey)[0]
        whole = frozenset((*first.components, *first.beyond))
        return (method, of_service, len(whole) if not of_service else 0)
    return (of_service, _crossed(journeys))


def core_of(interval: Interval) -> Interval:
    """A stretch of time without its edges, which are known to a probe's spacing only; short ones stay whole."""
    edge = int(EDGE_S * NANOSECONDS)
    if interval.seconds < SHORT_S:
        return interval
    return Interval(interval.start_ns + edge, interval.end_ns - edge)


def lies_within(interval: Interval, phase: Interval) -> bool:
    """Most of the measurement's window is inside the phase; one that straddles an edge would blur both sides."""
    start, end = max(interval.start_ns, phase.start_ns), min(interval.end_ns, phase.end_ns)
    shorter = min(interval.end_ns - interval.start_ns, phase.end_ns - phase.start_ns)
    return end - start > 0 and end - start >= MOSTLY * shorter


def _is_central(interval: Interval, cores: Iterable[Interval]) -> bool:
    """Whether a measurement lies well inside a phase, or in one that is too short to have an inside."""
    middle = (interval.start_ns + interval.end_ns) // 2
    for core in cores:
        edge = int(max(NEAR_EDGE_S, NEAR_EDGE_SHARE * core.seconds) * NANOSECONDS)
        if core.seconds < SHORT_S or core.start_ns + edge <= middle <= core.end_ns - edge:
            return True
    return False


@cache
def log_beta_binomial(lost: int, sent: int, rate: float, scatter: float) -> float:
    """log P(lost of sent) where the rate itself is drawn from a beta distribution around its mean."""
    a, b = rate * scatter, (1 - rate) * scatter
    ways = lgamma(sent + 1) - lgamma(lost + 1) - lgamma(sent - lost + 1)
    return (
        ways + lgamma(lost + a) + lgamma(sent - lost + b) - lgamma(sent + a + b) - lgamma(a) - lgamma(b) + lgamma(a + b)
    )


@cache
def log_healthy(lost: int, sent: int, noise: Noise = OF_PACKETS) -> float:
    """log P of a measurement that the fault does not touch; some stray ones lose anything."""
    calm = log_beta_binomial(lost, sent, HEALTHY_RATE, noise.scatter)
    return add_logs(log(1 - noise.stray) + calm, log(noise.stray) - log(sent + 1))


@cache
def log_faulty(lost: int, sent: int, rate: float, noise: Noise = OF_PACKETS) -> float:
    """log P of a measurement that the fault touches; some stray ones are spared."""
    scatter = max(SCATTER, LEAST_PSEUDO_LOST / rate)
    hit = log(1 - STRAY) + log_beta_binomial(lost, sent, rate, scatter)
    return add_logs(hit, log(STRAY) + log_healthy(lost, sent, noise))


@cache
def log_perhaps(lost: int, sent: int, rate: float, touched: float, noise: Noise = OF_PACKETS) -> float:
    """log P of a measurement that the fault touches with some probability."""
    hit = log(touched) + log_faulty(lost, sent, rate, noise)
    return add_logs(hit, log(1 - touched) + log_healthy(lost, sent, noise))


def add_logs(*values: float) -> float:
    top = max(values)
    return top + log(sum(exp(value - top) for value in values))


RATES = PARTIAL_RATES + FULL_RATES


@dataclass(frozen=True, slots=True)
class LossFit:
    """How a candidate explains the groups: the log likelihood, the best rate, and each group's own part at it."""

    total: float
    rate: float
    parts: tuple[float, ...]


class PhaseLosses:
    """The groups of one phase, with what each says at every rate worked out once for all candidates.

    Groups with the same journeys are touched together or not at all, whatever their class of traffic, unless the
    fault chooses by class: `kinds` are these sets of groups.
    """

    def __init__(self, groups: Sequence[Group]) -> None:
        gathered: dict[tuple[tuple[Journey, ...], bool], list[Group]] = defaultdict(list)
        for group in groups:
            gathered[(group.journeys, group.of_service)].append(group)
        self.kinds = tuple(tuple(kind) for kind in gathered.values())
        self._near = _index_kinds(self.kinds)
        self._fits: dict[tuple[bytes, float], LossFit] = {}
        self._parts = tuple(_parts_of_kind(kind) for kind in self.kinds)
        # Under a cause that nobody can name any group may or may not be touched, at a rate of its own.
        self.unknown_parts = tuple(
            sum(
                g.weight * (add_logs(*(log_perhaps(g.lost, g.sent, r, 0.5, g.noise) for r in RATES)) - log(len(RATES)))
                for g in kind
            )
            for kind in self.kinds
        )
        self.unknown = sum(self.unknown_parts)
        # While a fault fades each kind it touches has a rate of its own, the best for it at the price of a guess.
        self._fading = tuple(
            max(own[Touch.NO][0], *own[Touch.YES], *own[Touch.SOME_CLASSES]) - PRICE_OF_A_GUESS for own in self._parts
        )

    def kinds_near(self, component: str, link: str | None) -> Sequence[int]:
        """The kinds whose packets crossed a component or the link, or would have; a fault there touches no others."""
        near = self._near.get(component, ())
        return near if link is None else sorted({*near, *self._near.get(link, ())})

    def fit(self, candidate: Candidate, touches: Sequence[int]) -> LossFit:
        """Integrate over the loss rates that the mode may cause, one rate for all that the fault touches.

        `touches` has a Touch for each kind.
        """
        key = (bytes(touches), candidate.mode.full)
        if key not in self._fits:
            self._fits[key] = self._fit(candidate.mode.full, touches)
        return self._fits[key]

    def _fit(self, full: float, touches: Sequence[int]) -> LossFit:
        every = range(len(touches))
        sums = [weight + told for weight, told in zip(_rate_weights(full), self._sums(touches, every), strict=True)]
        best = max(range(len(RATES)), key=sums.__getitem__)
        spared = self._spared(touches, every, best)
        parts = tuple(own[Touch.NO if i in spared else touches[i]][best] for i, own in enumerate(self._parts))
        return LossFit(add_logs(*sums), RATES[best], parts)

    def _sums(self, touches: Sequence[int], kinds: Iterable[int]) -> list[float]:
        """log P of some kinds at each rate; those that are touched in one of the doubtful ways may all be spared."""
        surely: list[tuple[float, ...]] = []
        doubtful: dict[int, list[int]] = {}
        for i in kinds:
            if touches[i] in SPARED:
                doubtful.setdefault(touches[i], []).append(i)
            else:
                surely.append(self._parts[i][touches[i]])
        sums = _columns(surely)
        for touch, members in doubtful.items():
            healthy, hit = self._doubtful(touch, members)
            sums = [told + add_logs(healthy, at_rate) for told, at_rate in zip(sums, hit, strict=True)]
        return sums

    def _doubtful(self, touch: int, members: Sequence[int]) -> tuple[float, list[float]]:
        """log P of the kinds that are all touched in one doubtful way: if all are spared, and at each rate if not."""
        chance = SPARED[Touch(touch)]
        healthy = log(chance) + sum(self._parts[i][Touch.NO][0] for i in members)
        return healthy, [log(1 - chance) + told for told in _columns([self._parts[i][touch] for i in members])]

    def _spared(self, touches: Sequence[int], kinds: Iterable[int], rate: int) -> frozenset[int]:
        """The kinds that are rather spared than touched."""
        spared: set[int] = set()
        known = list(kinds)
        for touch in SPARED:
            members = [i for i in known if touches[i] == touch]
            if not members:
                continue
            healthy, hit = self._doubtful(touch, members)
            if healthy >= hit[rate]:
                spared.update(members)
        return frozenset(spared)

    def fit_two(self, fulls: tuple[float, float], touches: tuple[Sequence[int], Sequence[int]]) -> float:
        """How well two faults at once explain the groups, each at a loss rate of its own; both touch: the worse tells.

        The log likelihood, integrated over the rates of either, as `fit` is over one.
        """
        first, second = touches
        only_first = [i for i, t in enumerate(first) if t != Touch.NO and second[i] == Touch.NO]
        only_second = [i for i, t in enumerate(second) if t != Touch.NO and first[i] == Touch.NO]
        both = [i for i, t in enumerate(first) if t != Touch.NO and second[i] != Touch.NO]
        neither = [i for i, t in enumerate(first) if t == Touch.NO and second[i] == Touch.NO]
        worse = [max(one, other) for one, other in zip(first, second, strict=True)]
        of_first = [w + told for w, told in zip(_rate_weights(fulls[0]), self._sums(first, only_first), strict=True)]
        of_second = [w + told for w, told in zip(_rate_weights(fulls[1]), self._sums(second, only_second), strict=True)]
        of_both = self._sums(worse, both)
        rates = range(len(RATES))
        sums = [of_first[one] + of_second[other] + of_both[max(one, other)] for one in rates for other in rates]
        return add_logs(*sums) + sum(self._parts[i][Touch.NO][0] for i in neither)

    def unexplained(self, fit: LossFit) -> float:
        """How much better (nats) the groups could be explained if each kind were touched or not as suits it best."""
        pairs = zip(self._parts, fit.parts, strict=True)
        return sum(max(0.0, max(own[Touch.NO][0], *own[Touch.YES]) - part) for own, part in pairs)

    def fit_fading(self, touches: Sequence[int], chance: float = FADING) -> LossFit:
        """A fault that ends within the phase, or its aftermath: each thing it touches recovers in its own time."""
        spared: set[int] = set()
        for touch in SPARED:
            members = [i for i, own in enumerate(touches) if own == touch]
            healthy = sum(self._parts[i][Touch.NO][0] for i in members)
            if healthy >= sum(self._fading[i] for i in members):
                spared.update(members)
        parts = tuple(
            own[Touch.NO][0] if touch == Touch.NO or i in spared else fading
            for i, (own, fading, touch) in enumerate(zip(self._parts, self._fading, touches, strict=True))
        )
        return LossFit(log(chance) + sum(parts), FULL_RATES[-1], parts)


def _columns(rows: Sequence[Sequence[float]]) -> list[float]:
    """The sums of what was said at each rate."""
    return [sum(column) for column in zip(*rows, strict=True)] if rows else [0.0] * len(RATES)


def _rate_weights(full: float) -> list[float]:
    """log P of each loss rate, where a share `full` of faults loses almost everything."""
    partial = [log((1 - full) / len(PARTIAL_RATES))] * len(PARTIAL_RATES)
    return partial + [log(full / len(FULL_RATES))] * len(FULL_RATES)


def _index_kinds(kinds: Sequence[Sequence[Group]]) -> dict[str, list[int]]:
    """For each component the kinds of measurements that it may have touched, in order."""
    near: dict[str, list[int]] = defaultdict(list)
    for index, kind in enumerate(kinds):
        stretches = [stretch for journey in kind[0].journeys for stretch in journey]
        touched = {name for s in stretches for name in (*s.components, *s.beyond, *s.beside, s.recorder) if name}
        for component in touched:
            near[component].append(index)
    return dict(near)


def _parts_of_kind(kind: Sequence[Group]) -> tuple[tuple[float, ...], ...]:
    """What the groups of a kind say together for every touch, in their order, at each rate."""
    healthy = sum(g.weight * log_healthy(g.lost, g.sent, g.noise) for g in kind)
    faulty = tuple(sum(g.weight * log_faulty(g.lost, g.sent, rate, g.noise) for g in kind) for rate in RATES)
    parts = {Touch.NO: (healthy,) * len(RATES), Touch.YES: faulty}
    for touch, chance in CHANCES.items():
        parts[touch] = tuple(add_logs(log(chance) + part, log(1 - chance) + healthy) for part in faulty)
    chance = CHANCES[Touch.SOME_CLASSES]
    parts[Touch.SOME_CLASSES] = tuple(
        sum(g.weight * log_perhaps(g.lost, g.sent, rate, chance, g.noise) for g in kind) for rate in RATES
    )
    return tuple(parts[touch] for touch in Touch)
