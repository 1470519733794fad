"""A patch of the network in which all ways are known: many sets of failing elements looked at at once.

What is asked about a set is what `Search.place`, `Search.log_evidence` and `Search.close_factors` tell one set after
the other: the best rates of the elements that fail, how well the losses are explained whatever the rates are, and how
much better or worse that were with one element flipped. Here the first axis of every array is the sets: eight of them
cost as much as two do one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attribution.inference.localization.known import log_lost
from attribution.inference.localization.rates import HEALTHY_WEIGHTS, Ladder
from attribution.inference.localization.state import REACH, State
from attribution.inference.localization.tables import Floats, Integers, Lists, beginnings

Flags = NDArray[np.bool_]
# Sets, and in each of them two elements.
Pairs = tuple[Integers, Integers, Integers]

# Newton's steps towards the best rates, by what factor one may change a rate, and when it is good enough: where a step
# gains less than this (nats).
STEPS = 20
FASTEST = 4.0
NEAR = 0.02
FIRST_DAMPING = 0.01
MOST_DAMPING = 1e4
TINY = 1e-12
# A rate that is known better than this (standard deviation of its logarithm) is integrated over a stretch of its own.
SHARP = 0.35
# Two rates hang on each other by the square of their correlation, each the others as they are. Below the first figure,
# and where both are sharp below the second, their logarithms count as normally distributed; beyond the third the losses
# tell a sum of the two rates but not the two, and all of either are tried, on a ladder so many times as fine.
SLIGHT = 0.03
LOOSE = 0.09
RIDGE = 0.5
FINE = 2
# The grid over two rates that hang together loosely takes every second of each one's nodes.
THIN = 2
# The rates of three elements are integrated over together where more than one pair of them changes the evidence by more
# than this, and so few rows tell of them that this is little work.
LITTLE = 0.05
MOST_ROWS = 6


@dataclass(frozen=True, slots=True, eq=False)
class _Rates:
    """Of each set (first axis) and element: whether it fails, its best exponent, how the log likelihood bends there.

    `sums`: of the exponents along each row; `sharp`: whose rate is tried closely around the best one, all others' on
    the ladder; `nodes`: the exponents tried, `weighed`: the gain of each, with its prior; `alone`: log of how much
    better the packets of each are explained at any rate than at the best one.
    """

    fails: Flags
    exponents: Floats
    bend: Floats
    sums: Floats
    sharp: Flags
    nodes: Floats
    weighed: Floats
    alone: Floats


class Patch:
    """The lossy rows around the elements of a column and the failing ones beside them; all others stand still."""

    def __init__(self, state: State, column: Integers, around: Integers) -> None:
        known = state.evidence.known
        self._ladder = state.ladder
        low, high = float(state.ladder.log_rates[0]), float(state.ladder.log_rates[-1])
        self._fine = Ladder.between(low, high, FINE * len(state.ladder.log_rates), None)
        self._healthy = state.healthy
        self._calm_nodes = state.calm_nodes
        self._elements = around
        self._column = np.searchsorted(around, column)
        self._failing = state.failing[around]
        now = state.exponents[around]
        # Sets whose best rates are known, in rows, and these.
        self._fitted = self._failing[None, :], now[None, :]
        self._delivered = known.delivered[around]
        own = known.rows_of.chosen(around)
        rows, self._row = np.unique(own.items, return_inverse=True)
        self._lost = known.lost[rows]
        self._element = own.owners()
        self._first = np.flatnonzero(own.lengths)
        self._starts = own.starts[:-1][self._first]
        self._on = np.zeros((len(rows), len(around)))
        self._on[self._row, self._element] = 1.0
        self._on_row = Lists.gathered(self._row, self._element, len(rows))
        self._find_pairs()
        own_sums = np.bincount(self._row, weights=now[self._element], minlength=len(rows))
        self._base = np.maximum(state.row_sums[rows] - own_sums, 0.0)
        self._find_calm(state, rows)

    def _find_pairs(self) -> None:
        """For each pair of elements that share rows, these rows; an element is a pair with itself."""
        on_row, owners = self._on_row, self._on_row.owners()
        lengths = on_row.lengths[owners]
        row = np.repeat(owners, lengths)
        keys = np.repeat(on_row.items, lengths) * len(self._elements) + on_row.chosen(owners).items
        order = np.argsort(keys, kind="stable")
        self._pair_row = row[order]
        self._pair_starts = beginnings(keys[order])
        self._pair_keys = keys[order][self._pair_starts]
        together = np.zeros(len(self._elements) ** 2, dtype=bool)
        together[self._pair_keys] = True
        self._share = np.triu(together.reshape(len(self._elements), len(self._elements)), 1)

    def _find_calm(self, state: State, rows: Integers) -> None:
        """The healthy elements beside: how likely their own rates make their losses hangs on the rates of others."""
        known = state.evidence.known
        every = known.rows.chosen(rows)
        aside = ~state.failing[every.items]
        aside &= ~np.isin(every.items, self._elements)
        order = np.argsort(every.items[aside], kind="stable")
        items = every.items[aside][order]
        self._calm_row = every.owners()[aside][order]
        self._calm_starts = beginnings(items)
        calm = items[self._calm_starts]
        # What their rows elsewhere say goes on; these rows are reckoned with anew for each set.
        self._calm_rest = state.calm_gains(calm)
        if len(calm):
            self._calm_rest -= self._accuse_calm(state.row_sums[rows])

    @property
    def work(self) -> int:
        """How much work one set is: lost packets' paths, counted for each element on them, times rates."""
        return max(len(self._row), 1) * (len(self._ladder.exponents) + len(self._calm_nodes))

    def look(self, chosen: Flags) -> tuple[Floats, Floats]:
        """For each set its log evidence, up to a constant, and the log Bayes factor of each element of the column.

        Each row of `chosen` says which elements of the column fail.
        """
        fails = np.repeat(self._failing[None, :], len(chosen), axis=0)
        fails[:, self._column] = chosen
        exponents, bend = self._fit(fails)
        sums = self._sums(exponents)
        gain = self._gains(exponents, sums, exponents[..., None])[..., 0]
        sharp = self._sharp(fails, exponents, bend, gain)
        nodes, log_weights = self._nodes(sharp, exponents, bend)
        calm_nodes = np.broadcast_to(self._calm_nodes, (*fails.shape, len(self._calm_nodes)))
        gains = self._gains(exponents, sums, np.concatenate([nodes, calm_nodes], axis=2))
        weighed = gains[..., : nodes.shape[2]] + log_weights
        ill = log_sum(weighed)
        ill[~sharp] = self._ladder.log_integrals(gains[~sharp][:, : nodes.shape[2]])
        calm = log_sum(gains[..., nodes.shape[2] :] + np.log(HEALTHY_WEIGHTS))
        rates = _Rates(fails, exponents, bend, sums, sharp, nodes, weighed, ill - gain)
        evidence = log_lost(sums) @ self._lost - exponents @ self._delivered
        evidence += np.where(fails, rates.alone, calm).sum(axis=1) + self._calm_aside(sums) + self._tied(rates)
        return evidence, (ill - calm)[:, self._column]

    def _sums(self, exponents: Floats) -> Floats:
        if not len(self._base):
            return np.zeros((len(exponents), 0))
        own = np.add.reduceat(exponents[:, self._on_row.items], self._on_row.starts[:-1], axis=1)
        return np.asarray(np.maximum(self._base + own, 1e-300))

    def _of_elements(self, weights: Floats) -> Floats:
        """The sums of the rows' weights for each element."""
        sums = np.zeros((len(weights), len(self._elements)))
        if len(self._first):
            sums[:, self._first] = np.add.reduceat(weights[:, self._row], self._starts, axis=1)
        return sums

    # The best rates

    def _fit(self, fails: Flags) -> tuple[Floats, Floats]:
        """The best exponents, and how the log likelihood bends there: a matrix for each set.

        The log likelihood is concave in the exponents, so that Newton's steps find its only top.
        """
        low, high = float(self._ladder.exponents[0]), float(self._ladder.exponents[-1])
        exponents = self._begin(fails)
        value, slope, bend = self._tops(exponents)
        damping = np.full((len(fails), 1), FIRST_DAMPING)
        for _ in range(STEPS):
            own = np.maximum(np.diagonal(bend, axis1=1, axis2=2), TINY)
            free = fails & ~((exponents <= low) & (slope < 0) | (exponents >= high) & (slope > 0))
            step = _step(slope, bend, own * (1.0 + damping), free)
            moved = np.clip(exponents + step, exponents / FASTEST, exponents * FASTEST)
            moved = np.where(free, np.clip(moved, low, high), exponents)
            then = self._tops(moved)
            better = then[0] >= value
            still = (then[0] < value + NEAR) & (better | (np.abs(moved - exponents) * np.sqrt(own) < NEAR).all(axis=1))
            damping *= np.where(better, 0.1, 10.0)[:, None]
            exponents = np.where(better[:, None], moved, exponents)
            value, slope = np.where(better, then[0], value), np.where(better[:, None], then[1], slope)
            bend = np.where(better[:, None, None], then[2], bend)
            if (still | (damping[:, 0] > MOST_DAMPING)).all():
                break
        self._fitted = np.concatenate([self._fitted[0], fails]), np.concatenate([self._fitted[1], exponents])
        return exponents, bend

    def _begin(self, fails: Flags) -> Floats:
        """Where the steps begin: at the rates of the most similar set known, and for what fails besides, at its share
        of what was lost."""
        low, high = float(self._ladder.exponents[0]), float(self._ladder.exponents[-1])
        near = (fails[:, None, :] != self._fitted[0][None, :, :]).sum(axis=2).argmin(axis=1)
        new = fails & ~self._fitted[0][near]
        crossed = np.maximum(self._delivered, 1.0)
        alone = np.clip(self._of_elements(self._lost[None, :])[0] / crossed, low, high)
        exponents = np.where(fails, np.where(new, alone, self._fitted[1][near]), self._healthy)
        share = self._of_elements(self._lost / self._sums(exponents)) / crossed
        return np.where(new, np.clip(exponents * share, low, high), exponents)

    def _tops(self, exponents: Floats) -> tuple[Floats, Floats, Floats]:
        """The log likelihood of each set at these exponents, its slope and how it bends."""
        sums = self._sums(exponents)
        odds = 1.0 / np.expm1(np.minimum(sums, 700.0))
        value = log_lost(sums) @ self._lost - exponents @ self._delivered
        slope = self._of_elements(self._lost * odds) - self._delivered
        weight = self._lost * odds * (1.0 + odds)
        bend = np.zeros((len(exponents), len(self._elements) ** 2))
        if len(self._pair_keys):
            bend[:, self._pair_keys] = np.add.reduceat(weight[:, self._pair_row], self._pair_starts, axis=1)
        return value, slope, bend.reshape(len(exponents), len(self._elements), len(self._elements))

    # Integrals over one rate

    def _sharp(self, fails: Flags, exponents: Floats, bend: Floats, gain: Floats) -> Flags:
        """Whose rate is sharp: it lies between the ends, and at the lowest rates all were explained far worse."""
        inside = (exponents > self._ladder.exponents[0]) & (exponents < self._ladder.exponents[-1])
        sharp = (self._deviations(exponents, bend) < SHARP) & (gain > 0.5 * REACH**2)
        return np.asarray(fails & inside & sharp)

    def _nodes(self, sharp: Flags, exponents: Floats, bend: Floats) -> tuple[Floats, Floats]:
        """The exponents at which each element's rate is tried, and their log weights: the ladder, or closely around
        the best one."""
        ladder = self._ladder
        shape = (*sharp.shape, len(ladder.exponents))
        nodes, log_weights = np.broadcast_to(ladder.exponents, shape), np.broadcast_to(ladder.log_weights, shape)
        if not sharp.any():
            return nodes, log_weights
        deviation = self._deviations(exponents, bend)
        centre, reach = np.log(-np.expm1(-exponents[sharp])), REACH * deviation[sharp]
        low = np.maximum(ladder.log_rates[0], centre - reach)
        high = np.minimum(ladder.log_rates[-1], centre + reach)
        step = (high - low) / (shape[2] - 1)
        log_rates = low[:, None] + step[:, None] * np.arange(shape[2])
        ends = np.zeros(shape[2])
        ends[[0, -1]] = -np.log(2)
        nodes, log_weights = nodes.copy(), log_weights.copy()
        nodes[sharp] = -np.log1p(-np.exp(np.minimum(log_rates, ladder.log_rates[-1])))
        log_weights[sharp] = np.log(step / ladder.width)[:, None] + ends
        return nodes, log_weights

    def _deviations(self, exponents: Floats, bend: Floats) -> Floats:
        """Standard deviation of each log rate, the others as they are: d log rate = d exponent / expm1(exponent)."""
        own = np.diagonal(bend, axis1=1, axis2=2)
        return np.asarray(1.0 / np.maximum(np.sqrt(np.maximum(own, 0.0)) * np.expm1(exponents), 1e-12))

    def _gains(self, exponents: Floats, sums: Floats, nodes: Floats) -> Floats:
        """How much better each node explains each element's own packets than health does, all others as they are."""
        gains = (self._healthy - nodes) * self._delivered[:, None]
        if len(self._first):
            others = np.maximum(sums[:, self._row] - exponents[:, self._element], 0.0)
            accusing = log_lost(others[..., None] + nodes[:, self._element])
            accusing -= log_lost(others + self._healthy)[..., None]
            accusing *= self._lost[self._row, None]
            gains[:, self._first] += np.add.reduceat(accusing, self._starts, axis=1)
        return gains

    def _calm_aside(self, sums: Floats) -> Floats:
        if not len(self._calm_starts):
            return np.zeros(len(sums))
        gains = self._calm_rest + self._accuse_calm(sums)
        return np.asarray(log_sum(gains + np.log(HEALTHY_WEIGHTS)).sum(axis=1))

    def _accuse_calm(self, sums: Floats) -> Floats:
        """How much better the patch's rows are explained by each healthy element beside at other healthy rates."""
        now = sums[..., self._calm_row]
        spread = self._calm_nodes - self._healthy
        accusing = log_lost(np.maximum(now[..., None] + spread, 1e-300)) - log_lost(now)[..., None]
        accusing *= self._lost[self._calm_row, None]
        return np.asarray(np.add.reduceat(accusing, self._calm_starts, axis=-2))

    # Integrals over several rates

    def _tied(self, rates: _Rates) -> Floats:
        """What it changes in each set that the rates of failing elements hang on each other."""
        fails = rates.fails
        where, one, other = np.argwhere(fails[:, :, None] & fails[:, None, :] & self._share).T
        pairs = where, one, other
        change = self._of_pairs(rates, pairs)
        total = _put_together(fails.shape, pairs, change)
        several = np.bincount(pairs[0][change > LITTLE], minlength=len(fails)) > 1
        for place in np.flatnonzero(several & (fails.sum(axis=1) == 3)):
            if self._on[:, fails[place]].any(axis=1).sum() <= MOST_ROWS:
                total[place] = self._three(rates, int(place))
        return total

    def _of_pairs(self, rates: _Rates, pairs: Pairs) -> Floats:
        where, one, other = pairs
        own = np.maximum(np.diagonal(rates.bend, axis1=1, axis2=2), TINY)
        squared = rates.bend[where, one, other] ** 2 / (own[where, one] * own[where, other])
        normal = (squared < SLIGHT) | rates.sharp[where, one] & rates.sharp[where, other] & (squared < LOOSE)
        change = np.where(normal, -0.5 * np.log1p(-np.minimum(squared, LOOSE)), 0.0)
        ridge = ~normal & (squared > RIDGE)
        near = ~normal & ~ridge
        for some, thin in ((near & (squared < LOOSE), THIN), (near & (squared >= LOOSE), 1)):
            chosen = where[some], one[some], other[some]
            change[some] = self._grids(rates, chosen, rates.nodes[..., ::thin], rates.weighed[..., ::thin])
        if ridge.any():
            chosen = where[ridge], one[ridge], other[ridge]
            fine = np.broadcast_to(self._fine.exponents, (*rates.fails.shape, len(self._fine.exponents)))
            along = np.zeros(fine.shape)
            sets = np.unique(where[ridge])
            along[sets] = self._gains(rates.exponents[sets], rates.sums[sets], fine[sets]) + self._fine.log_weights
            change[ridge] = self._grids(rates, chosen, fine, along)
        return change

    def _grids(self, rates: _Rates, pairs: Pairs, nodes: Floats, weighed: Floats) -> Floats:
        """log of the integral over both rates of pairs against the product of the integrals over each."""
        where, one, other = pairs
        if not len(where):
            return np.zeros(0)
        pair, row = np.nonzero((self._on[:, one] * self._on[:, other]).T)
        mine, theirs = nodes[where, one], nodes[where, other]
        mine_now, theirs_now = rates.exponents[where, one][pair, None], rates.exponents[where, other][pair, None]
        rest = np.maximum(rates.sums[where[pair], row][:, None] - mine_now - theirs_now, 0.0)
        knot = log_lost(rest[..., None] + mine[pair][:, :, None] + theirs[pair][:, None, :])
        knot -= log_lost(rest + mine[pair] + theirs_now)[:, :, None]
        knot -= log_lost(rest + mine_now + theirs[pair])[:, None, :]
        knot += log_lost(rest + mine_now + theirs_now)[:, :, None]
        knot *= self._lost[row, None, None]
        knot = np.add.reduceat(knot, beginnings(pair), axis=0)
        left, right = weighed[where, one], weighed[where, other]
        left, right = left - log_sum(left)[:, None], right - log_sum(right)[:, None]
        return log_sum((knot + left[:, :, None] + right[:, None, :]).reshape(len(where), -1))

    def _three(self, rates: _Rates, place: int) -> float:
        """log of the integral over the rates of a set's three failing elements against the product of the integrals."""
        three = np.flatnonzero(rates.fails[place])
        now = rates.exponents[place, three]
        rows = self._on[:, three].any(axis=1)
        on, lost, sums = self._on[rows][:, three], self._lost[rows], rates.sums[place, rows]
        steps = np.stack([axis.ravel() for axis in np.meshgrid(*[np.arange(len(self._ladder.exponents))] * 3)])
        tried = self._ladder.exponents[steps]
        rest = np.maximum(sums - on @ now, 0.0)
        logs = lost @ log_lost(rest[:, None] + on @ tried) - self._delivered[three] @ tried
        logs += self._ladder.log_weights[steps].sum(axis=0)
        best = lost @ log_lost(sums) - self._delivered[three] @ now
        return float(log_sum(logs) - best - rates.alone[place, three].sum())


def _put_together(shape: tuple[int, ...], pairs: Pairs, change: Floats) -> Floats:
    """The pairs' changes together, for each set. Where three and more hang on each other, they do not just add up: they
    are put together as those of normally distributed numbers would be that have these changes pair by pair.
    """
    where, one, other = pairs
    tied = np.maximum(change, 0.0)
    parts = np.zeros((shape[0], shape[1], shape[1]))
    parts[where, one, other] = parts[where, other, one] = np.sqrt(-np.expm1(-2.0 * tied))
    parts[:, np.arange(shape[1]), np.arange(shape[1])] = 1.0
    sign, log = np.linalg.slogdet(parts)
    more = np.where(sign > 0, -0.5 * log - np.bincount(where, weights=tied, minlength=shape[0]), 0.0)
    return np.asarray(np.bincount(where, weights=change, minlength=shape[0]) + np.minimum(more, 0.0))


def _step(slope: Floats, bend: Floats, diagonal: Floats, free: Flags) -> Floats:
    """Newton's step of the free rates, with this diagonal in the place of the bend's own."""
    both = np.where(free[:, :, None] & free[:, None, :], bend, 0.0)
    every = np.arange(free.shape[1])
    both[:, every, every] = np.where(free, diagonal, 1.0)
    return np.asarray(np.linalg.solve(both, np.where(free, slope, 0.0)[..., None])[..., 0])


def log_sum(logs: Floats) -> Floats:
    """log of the sum of exp along the last axis."""
    top = logs.max(axis=-1)
    return np.asarray(top + np.log(np.exp(logs - top[..., None]).sum(axis=-1)))
