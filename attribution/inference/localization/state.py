"""One explanation of the losses while the search changes it: which elements fail, how badly, and what that leaves open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from attribution.inference.localization.choices import Choices
from attribution.inference.localization.known import KnownPaths
from attribution.inference.localization.rates import Ladder, exponents_of
from attribution.inference.localization.tables import Counts, Floats, Integers, Parts

# How often a rate is looked at more closely around its best value, with how many steps.
ZOOMS = 3
ZOOM_STEPS = 13


class Evidence:
    """The measurements, compiled: known ways and unknown ones."""

    def __init__(self, parts: Parts, counts: Counts) -> None:
        counts.check(parts)
        self.elements = parts.elements
        self.known = KnownPaths.of(counts, parts.elements)
        self.choices = Choices.of(counts, parts.elements)


class State:
    """Exponents of all elements, and for each element how much better it were explained as failing (`log_factor`).

    `log_factor[i]` is the log Bayes factor of element i failing at any rate against being healthy, all others as they
    are now; it holds for failing elements too. It is brought up to date when it is read.
    """

    def __init__(self, evidence: Evidence, healthy_rate: float, ladder: Ladder) -> None:
        self.evidence = evidence
        self.ladder = ladder
        self.healthy = float(-np.log1p(-healthy_rate))
        self.exponents = np.full(evidence.elements, self.healthy)
        self.failing: NDArray[np.bool_] = np.zeros(evidence.elements, dtype=bool)
        self.row_sums = evidence.known.sums(self.exponents)
        choices = evidence.choices
        every = np.arange(len(choices), dtype=np.int64)
        self.candidate_sums = choices.sums(self.exponents)
        self.choice_values = choices.log_likelihoods(every, self.candidate_sums) if len(choices) else np.zeros(0)
        self._unknown = self._gains_of_choices(every)
        self._known = np.zeros((evidence.elements, len(ladder.exponents)))
        self._factor = np.zeros(evidence.elements)
        self._excess = np.zeros(evidence.elements)
        self._stale: NDArray[np.bool_] = np.ones(evidence.elements, dtype=bool)

    def _gains_of_choices(self, choices: Integers) -> Floats:
        if not len(choices):
            return np.zeros((self.evidence.elements, len(self.ladder.exponents)))
        return self.evidence.choices.gains(
            choices,
            self.exponents,
            self.candidate_sums,
            self.healthy,
            self.ladder.exponents,
            self.evidence.elements,
        )

    @property
    def log_likelihood(self) -> float:
        return self.evidence.known.log_likelihood(self.exponents, self.row_sums) + float(self.choice_values.sum())

    @property
    def log_factor(self) -> Floats:
        stale = np.flatnonzero(self._stale)
        if len(stale):
            self._known[stale] = self.evidence.known.gains(
                stale, self.exponents, self.row_sums, self.healthy, self.ladder.exponents
            )
            self._factor[stale] = self.ladder.log_integrals(self._known[stale] + self._unknown[stale])
            self._stale[stale] = False
        return self._factor

    def mode(self, element: int) -> tuple[float, float, float]:
        """An element's best exponent, all others as they are, its gain there, and its log Bayes factor, looked at closely."""
        self.log_factor  # noqa: B018
        gains = (self._known[element] + self._unknown[element])[None, :]
        ladder = self.ladder
        low, high = ladder.log_rates[0], ladder.log_rates[-1]
        for _ in range(ZOOMS):
            centre = float(ladder.modes(gains)[0])
            deviation = _deviation(ladder, gains[0])
            if deviation > 1.5 * ladder.step:
                break
            reach = min(ladder.step, 6 * deviation) if deviation > 0 else ladder.step
            ladder = Ladder.between(max(low, centre - reach), min(high, centre + reach), ZOOM_STEPS, self.ladder.width)
            gains = self.gains_of(element, ladder.exponents)[None, :]
        best = float(ladder.modes(gains)[0])
        factor = float(ladder.log_integrals(gains, self.ladder.width)[0])
        return float(exponents_of(np.array(best))), float(gains.max()), factor

    def gains_of(self, element: int, nodes: Floats) -> Floats:
        """How much better each exponent explains the element's packets than health does, all others as they are."""
        one = np.array([element], dtype=np.int64)
        known = self.evidence.known.gains(one, self.exponents, self.row_sums, self.healthy, nodes)[0]
        if not len(self.evidence.choices):
            return known
        return known + self.evidence.choices.gains_of(
            element, self.exponents, self.candidate_sums, self.healthy, nodes
        )

    def put(self, element: int, exponent: float, failing: bool) -> None:
        """Change one element's exponent, and all that depends on it."""
        known, choices = self.evidence.known, self.evidence.choices
        changed = exponent - self.exponents[element]
        self.failing[element] = failing
        if changed == 0.0:
            return
        touched = choices.choices_of[element]
        if len(touched):
            self._unknown -= self._gains_of_choices(touched)
        self.exponents[element] = exponent
        rows = known.rows_of[element]
        self.row_sums[rows] = known_sums(known, rows, self.exponents)
        self._stale[known.rows.chosen(rows).items] = True
        if len(touched):
            choices.resum(self.candidate_sums, touched, self.exponents)
            self.choice_values[touched] = choices.log_likelihoods(touched, self.candidate_sums)
            self._unknown += self._gains_of_choices(touched)
            self._stale[self.neighbours_by_choice(touched)] = True
        self._stale[element] = True

    def neighbours_by_choice(self, touched: Integers) -> Integers:
        choices = self.evidence.choices
        starts = choices.incidence_starts
        lengths = np.diff(starts)[touched]
        positions = np.arange(int(lengths.sum())) + np.repeat(starts[touched] - np.cumsum(lengths) + lengths, lengths)
        return choices.incidence_element[positions]

    def neighbours(self, element: int) -> Integers:
        """The elements that share a lost packet or a choice of paths with this one."""
        known, choices = self.evidence.known, self.evidence.choices
        by_row = known.rows.chosen(known.rows_of[element]).items
        touched = choices.choices_of[element]
        by_choice = self.neighbours_by_choice(touched) if len(touched) else by_row[:0]
        both = np.unique(np.concatenate([by_row, by_choice]))
        return both[both != element]


def known_sums(known: KnownPaths, rows: Integers, exponents: Floats) -> Floats:
    if not len(rows):
        return np.zeros(0)
    chosen = known.rows.chosen(rows)
    return np.add.reduceat(exponents[chosen.items], chosen.starts[:-1])


def _deviation(ladder: Ladder, gains: Floats) -> float:
    """The standard deviation of the log rate by the bend at the best step; wide where the best is at an end."""
    best = int(gains.argmax())
    if not 0 < best < len(gains) - 1:
        return 2 * ladder.step
    bend = 2 * gains[best] - gains[best - 1] - gains[best + 1]
    return float(ladder.step / np.sqrt(bend)) if bend > 0 else 2 * ladder.step
