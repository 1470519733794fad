"""Loss rates of failing elements: nobody knows them, so all are tried, and the likelihood is integrated over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attribution.inference.localization.assumptions import Assumptions
from attribution.inference.localization.tables import Floats

# A likelihood narrower than this many steps is integrated as the parabola through its top instead of as a sum.
NARROW = 0.7
# Healthy elements differ: their rates are distributed exponentially around the network's healthy rate. These are the
# rates, as multiples of it, and their weights: the Gauss-Laguerre rule of four points (Abramowitz & Stegun, 25.9).
HEALTHY_SPREAD = np.array([0.322547689619392, 1.745761101158347, 4.536620296921128, 9.395070912301133])
HEALTHY_WEIGHTS = np.array([0.603154104341634, 0.357418692437800, 0.038887908515005, 0.000539294705561])


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """Rates at even steps of their logarithm; `exponents` are -log(1 - rate), `log_weights` the prior of each step."""

    log_rates: Floats
    exponents: Floats
    log_weights: Floats
    step: float

    @classmethod
    def of(cls, assumptions: Assumptions) -> Ladder:
        return cls.between(np.log(assumptions.lowest_rate), np.log(assumptions.highest_rate), assumptions.steps, None)

    @classmethod
    def between(cls, low: float, high: float, steps: int, whole: float | None) -> Ladder:
        """Steps within a stretch of the prior's whole width; by the trapezoid rule the ends count half."""
        log_rates = np.linspace(low, high, steps)
        step = (high - low) / (steps - 1)
        weights = np.full(steps, step / (whole or high - low))
        weights[[0, -1]] /= 2
        return cls(log_rates, exponents_of(log_rates), np.log(weights), step)

    @property
    def width(self) -> float:
        return float(self.log_rates[-1] - self.log_rates[0])

    def log_integrals(self, gains: Floats, whole: float | None = None) -> Floats:
        """log of the mean of exp(gains) over the prior, for each row of gains (a column for each step)."""
        top = gains.max(axis=1)
        sums = top + np.log(np.exp(gains - top[:, None] + self.log_weights).sum(axis=1))
        best = gains.argmax(axis=1)
        inside = np.flatnonzero((best > 0) & (best < gains.shape[1] - 1))
        if len(inside):
            _, height, deviation = self._peaks(gains[inside], best[inside])
            narrow = deviation < NARROW * self.step
            density = np.log(np.sqrt(2 * np.pi) * deviation[narrow] / (whole or self.width))
            sums[inside[narrow]] = height[narrow] + density
        return np.asarray(sums)

    def modes(self, gains: Floats) -> Floats:
        """The best log rate for each row of gains, between the steps where it lies there."""
        best = gains.argmax(axis=1)
        modes: Floats = self.log_rates[best].copy()
        inside = np.flatnonzero((best > 0) & (best < gains.shape[1] - 1))
        if len(inside):
            modes[inside] += self._peaks(gains[inside], best[inside])[0]
        return modes

    def deviation(self, gains: Floats) -> float:
        """The standard deviation of the log rate by the bend at the best step; wide where the best is at an end."""
        best = int(gains.argmax())
        if not 0 < best < len(gains) - 1:
            return 2 * self.step
        bend = 2 * gains[best] - gains[best - 1] - gains[best + 1]
        return float(self.step / np.sqrt(bend)) if bend > 0 else 2 * self.step

    def _peaks(self, gains: Floats, best: Floats) -> tuple[Floats, Floats, Floats]:
        """The parabola through the three highest steps: where its top lies, how high, and its standard deviation."""
        rows = np.arange(len(gains))
        left, middle, right = gains[rows, best - 1], gains[rows, best], gains[rows, best + 1]
        bend = np.maximum(2 * middle - left - right, 1e-12)
        offset = np.clip(0.5 * (right - left) / bend, -1.0, 1.0)
        return offset * self.step, middle + (right - left) ** 2 / (8 * bend), self.step / np.sqrt(bend)


def exponents_of(log_rates: Floats) -> Floats:
    return np.asarray(-np.log1p(-np.exp(log_rates)))
