"""One explanation of the losses while the search changes it: which elements fail, and what that leaves open."""

from __future__ import annotations

from math import exp, log1p

import numpy as np
from numpy.typing import NDArray

from attribution.inference.localization.choices import Choices, find_bound
from attribution.inference.localization.known import KnownPaths, log_lost
from attribution.inference.localization.rates import HEALTHY_SPREAD, HEALTHY_WEIGHTS, NARROW, Ladder
from attribution.inference.localization.tables import Counts, Floats, Integers, Lists, Parts

# Elements that are worked on at once: what is made of them stays within reach of the processor.
BATCH = 1 << 12
# How often a rate is looked at more closely around its best value, with how many steps.
ZOOMS = 3
ZOOM_STEPS = 13
# How many standard deviations to either side are looked at.
REACH = 6.0


class Evidence:
    """The measurements, compiled: known ways and unknown ones."""

    def __init__(self, parts: Parts, counts: Counts) -> None:
        counts.check(parts)
        self.elements = parts.elements
        bound = find_bound(counts, parts.elements)
        self.known = KnownPaths.of(counts, parts.elements, bound)
        self.choices = Choices.of(counts, parts.elements, bound)
        self._neighbours: dict[int, Integers] = {}
        self._rivals: dict[tuple[int, float], Integers] = {}

    def neighbours(self, element: int) -> Integers:
        """The elements that share a lost packet or a choice of paths with this one."""
        if element not in self._neighbours:
            by_row = self.known.rows.chosen(self.known.rows_of[element]).items
            by_choice = self.choices.elements_of(self.choices.choices_of[element])
            both = np.unique(np.concatenate([by_row, by_choice]))
            self._neighbours[element] = both[both != element]
        return self._neighbours[element]

    def rivals(self, element: int, least: float) -> Integers:
        """The elements that could be blamed instead: they share at least this part of the packets it lost."""
        if (element, least) not in self._rivals:
            self._rivals[element, least] = self._find_rivals(element, least)
        return self._rivals[element, least]

    def _find_rivals(self, element: int, least: float) -> Integers:
        known, choices = self.known, self.choices
        rows = known.rows.chosen(known.rows_of[element])
        lost = np.repeat(known.lost[known.rows_of[element]], rows.lengths)
        shared = np.bincount(rows.items, weights=lost, minlength=self.elements)
        touched = choices.choices_of[element]
        lossy = touched[choices.lost[choices.cell_starts[touched]] > 0]
        if len(lossy):
            incidences = Lists(choices.incidence_starts, choices.incidence_element).chosen(lossy)
            lost = np.repeat(choices.lost[choices.cell_starts[lossy]], incidences.lengths)
            shared = shared + np.bincount(incidences.items, weights=lost, minlength=self.elements)
        rivals = np.flatnonzero((shared > 0) & (shared >= least * shared[element]))
        return np.asarray(rivals[rivals != element])


class State:
    """Exponents of all elements, and how much better each were explained at another rate, all others as they are now.

    Healthy elements stand at the network's own healthy exponent, failing ones at the best for them. What was worked
    out for elements and for choices of paths is brought up to date when it is asked for: several changes in a row cost
    little more than one.
    """

    def __init__(self, evidence: Evidence, healthy_rate: float, ladder: Ladder) -> None:
        self.evidence = evidence
        self.ladder = ladder
        self.healthy = float(-np.log1p(-healthy_rate))
        self.calm_nodes = self.healthy * HEALTHY_SPREAD
        self.nodes = np.concatenate([ladder.exponents, self.calm_nodes])
        self.exponents = np.full(evidence.elements, self.healthy)
        self.failing: NDArray[np.bool_] = np.zeros(evidence.elements, dtype=bool)
        self.row_sums = evidence.known.sums(self.exponents)
        self._known_value = evidence.known.log_likelihood(self.exponents, self.row_sums)
        choices = evidence.choices
        every = np.arange(len(choices), dtype=np.int64)
        self.candidate_sums = choices.sums(self.exponents)
        self._choice_values = choices.log_likelihoods(every, self.candidate_sums) if len(choices) else np.zeros(0)
        self._unknown = np.zeros((evidence.elements, len(self.nodes)))
        self._add_choices(every, 1)
        self._missing: NDArray[np.bool_] = np.zeros(len(choices), dtype=bool)
        self._ill = np.zeros(evidence.elements)
        self._calm = np.zeros(evidence.elements)
        self._stale: NDArray[np.bool_] = np.ones(evidence.elements, dtype=bool)
        self._looked: dict[int, tuple[float, float, float]] = {}
        self._width = np.zeros(evidence.elements)
        self._gain: dict[int, float] = {}

    def _add_choices(self, choices: Integers, sign: int) -> None:
        if len(choices):
            self.evidence.choices.gains(
                choices, self.exponents, self.candidate_sums, self.healthy, self.nodes, self._unknown, sign
            )

    def _complete(self) -> None:
        """Count the choices again that changes took out."""
        missing = np.flatnonzero(self._missing)
        if len(missing):
            self._add_choices(missing, 1)
            self._choice_values[missing] = self.evidence.choices.log_likelihoods(missing, self.candidate_sums)
            self._missing[missing] = False

    @property
    def log_likelihood(self) -> float:
        self._complete()
        return self._known_value + float(self._choice_values.sum())

    @property
    def values_of_choices(self) -> Floats:
        """The log likelihood of each choice of paths."""
        self._complete()
        return self._choice_values

    @property
    def log_ill(self) -> Floats:
        """For each element: log of how much better it is explained as failing at any rate than at the healthy one."""
        self._refresh()
        return self._ill

    @property
    def log_calm(self) -> Floats:
        """For each element: log of how much better it is explained as healthy at a rate of its own."""
        self._refresh()
        return self._calm

    @property
    def log_factor(self) -> Floats:
        """For each element: the log Bayes factor of failing against being healthy."""
        self._refresh()
        return self._ill - self._calm

    def _refresh(self) -> None:
        stale = np.flatnonzero(self._stale)
        if len(stale):
            self._complete()
            for start in range(0, len(stale), BATCH):
                self._refresh_some(stale[start : start + BATCH])
            self._stale[stale] = False

    def _refresh_some(self, stale: Integers) -> None:
        gains = self.evidence.known.gains(stale, self.exponents, self.row_sums, self.healthy, self.nodes)
        if len(self.evidence.choices):
            gains += self._unknown[stale]
        steps = len(self.ladder.exponents)
        self._ill[stale] = self.ladder.log_integrals(gains[:, :steps])
        calm = gains[:, steps:] + np.log(HEALTHY_WEIGHTS)
        top = calm.max(axis=1)
        self._calm[stale] = top + np.log(np.exp(calm - top[:, None]).sum(axis=1))

    def calm_gains(self, elements: Integers) -> Floats:
        """How much better each healthy rate explains each element's packets than the network's does."""
        self._complete()
        gains = self.evidence.known.gains(elements, self.exponents, self.row_sums, self.healthy, self.calm_nodes)
        return np.asarray(gains + self._unknown[elements, len(self.ladder.exponents) :])

    def look(self, element: int) -> tuple[float, float]:
        """An element's best exponent as a failing one, all others as they are, and its log_ill, looked at closely."""
        if element in self._looked:
            return self._looked[element][:2]
        ladder = self._around(element) or self.ladder
        gains = self.gains_of(element, ladder.exponents)
        if ladder is not self.ladder and gains.argmax() in (0, len(gains) - 1):
            ladder = self.ladder
            gains = self.gains_of(element, ladder.exponents)
        whole = self.ladder.width
        peak = ladder.peak(gains, whole)
        for _ in range(ZOOMS):
            if peak.deviation > NARROW * ladder.step:
                break
            ladder = self._window(peak.log_rate, peak.deviation)
            peak = ladder.peak(self.gains_of(element, ladder.exponents), whole)
        found = -log1p(-exp(peak.log_rate)), peak.log_integral
        self._looked[element] = (*found, peak.deviation)
        self._width[element] = peak.deviation
        return found

    def _around(self, element: int) -> Ladder | None:
        """Where a failing element's rate was sharp before, it is looked for there first."""
        width = self._width[element]
        if not self.failing[element] or not 0 < width < self.ladder.step:
            return None
        return self._window(float(np.log(-np.expm1(-self.exponents[element]))), width)

    def _window(self, centre: float, deviation: float) -> Ladder:
        low, high = float(self.ladder.log_rates[0]), float(self.ladder.log_rates[-1])
        bounds = max(low, centre - REACH * deviation), min(high, centre + REACH * deviation)
        return Ladder.between(*bounds, ZOOM_STEPS, self.ladder.width)

    def astray(self, elements: Integers, still: float) -> NDArray[np.bool_]:
        """Which failing elements' rates lie further from the best ones than this part of the standard deviation.

        Where all ways are known the slope there and the bend of the log likelihood say it, which is concave in the
        exponent; what lies on guessed paths has to be looked at.
        """
        known = self.evidence.known
        own = known.rows_of.chosen(elements)
        odds = 1.0 / np.expm1(np.minimum(self.row_sums[own.items], 700.0))
        lost = known.lost[own.items]
        owners = own.owners()
        slope = np.bincount(owners, weights=lost * odds, minlength=len(elements)) - known.delivered[elements]
        bend = np.bincount(owners, weights=lost * odds * (1.0 + odds), minlength=len(elements))
        now, ends = self.exponents[elements], self.ladder.exponents[[0, -1]]
        held = (now <= ends[0]) & (slope <= 0) | (now >= ends[1]) & (slope >= 0)
        choices_of = self.evidence.choices.choices_of
        guessed = choices_of.starts[elements + 1] > choices_of.starts[elements]
        return np.asarray(guessed | ~held & (np.abs(slope) > still * np.sqrt(bend)))

    def deviation(self, element: int) -> float:
        """The standard deviation of the element's log rate, all others as they are."""
        self.look(element)
        return self._looked[element][2]

    def gain(self, element: int) -> float:
        """How much better the element's packets are explained at its exponent than at the healthy one."""
        if element not in self._gain:
            self._gain[element] = float(self.gains_of(element, self.exponents[[element]])[0])
        return self._gain[element]

    def gains_of(self, element: int, nodes: Floats) -> Floats:
        """How much better each exponent explains the element's packets than health does, all others as they are."""
        exponent = float(self.exponents[element])
        known = self.evidence.known.gains_of(element, exponent, self.row_sums, self.healthy, nodes)
        if not len(self.evidence.choices):
            return known
        unknown = self.evidence.choices.gains_of(element, self.exponents, self.candidate_sums, self.healthy, nodes)
        return known + unknown

    def put(self, element: int, exponent: float, failing: bool) -> None:
        """Change one element's exponent, and all that depends on it."""
        known, choices = self.evidence.known, self.evidence.choices
        unchanged = exponent == self.exponents[element]
        self.failing[element] = failing
        if unchanged:
            return
        touched = choices.choices_of[element]
        present = touched[~self._missing[touched]]
        self._add_choices(present, -1)
        self._missing[present] = True
        self._known_value -= known.delivered[element] * (exponent - self.exponents[element])
        self.exponents[element] = exponent
        rows = known.rows_of[element]
        if len(rows):
            chosen = known.rows.chosen(rows)
            self._known_value -= float(known.lost[rows] @ log_lost(self.row_sums[rows]))
            self.row_sums[rows] = np.add.reduceat(self.exponents[chosen.items], chosen.starts[:-1])
            self._known_value += float(known.lost[rows] @ log_lost(self.row_sums[rows]))
            self._stale[chosen.items] = True
        if len(touched):
            choices.resum(self.candidate_sums, touched, self.exponents)
            self._stale[choices.elements_of(touched)] = True
        self._stale[element] = True
        for other in [other for other in self._looked if self._stale[other]]:
            del self._looked[other]
        for other in [other for other in self._gain if self._stale[other]]:
            del self._gain[other]

    def neighbours(self, element: int) -> Integers:
        """The elements that share a lost packet or a choice of paths with this one."""
        return self.evidence.neighbours(element)

    def rivals(self, element: int, least: float) -> Integers:
        """The elements that could be blamed instead: they share at least this part of the packets it lost."""
        return self.evidence.rivals(element, least)
