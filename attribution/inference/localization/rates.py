"""Loss rates of failing elements: nobody knows them, so all are tried, and the likelihood is integrated over them."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi, sqrt
from typing import NamedTuple

import numpy as np

from attribution.inference.localization.assumptions import Assumptions
from attribution.inference.localization.tables import Floats, Integers

# A likelihood narrower than this many steps is integrated as the parabola through its top instead of as a sum.
NARROW = 0.7
# Less bend than this (nats) is none.
FLAT = 1e-12
# Healthy elements differ: their rates are distributed exponentially around the network's healthy rate. These are the
# rates, as multiples of it, and their weights: the Gauss-Laguerre rule of four points (Abramowitz & Stegun, 25.9).
HEALTHY_SPREAD = np.array([0.322547689619392, 1.745761101158347, 4.536620296921128, 9.395070912301133])
HEALTHY_WEIGHTS = np.array([0.603154104341634, 0.357418692437800, 0.038887908515005, 0.000539294705561])


class Peak(NamedTuple):
    """The best log rate, the standard deviation of the log rate by the bend there, and log of the mean likelihood."""

    log_rate: float
    deviation: float
    log_integral: float


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
        step = (high - low) / (steps - 1)
        log_rates: Floats = low + step * np.arange(steps, dtype=np.float64)
        log_weights = np.full(steps, log(step / (whole or high - low)))
        log_weights[[0, -1]] -= log(2)
        return cls(log_rates, exponents_of(log_rates), log_weights, step)

    @property
    def width(self) -> float:
        return float(self.log_rates[-1] - self.log_rates[0])

    def log_integrals(self, gains: Floats) -> Floats:
        """log of the mean of exp(gains) over the prior, for each row of gains (a column for each step)."""
        top = gains.max(axis=1)
        sums = top + np.log(np.exp(gains - top[:, None] + self.log_weights).sum(axis=1))
        best = gains.argmax(axis=1)
        inside = np.flatnonzero((best > 0) & (best < gains.shape[1] - 1))
        if len(inside):
            height, deviation = self._peaks(gains[inside], best[inside])
            narrow = deviation < NARROW * self.step
            density = np.log(np.sqrt(2 * np.pi) * deviation[narrow] / self.width)
            sums[inside[narrow]] = height[narrow] + density
        return np.asarray(sums)

    def peak(self, gains: Floats, whole: float) -> Peak:
        """Where one row of gains has its top, between the steps where it lies there, how sharp it is, and the row's
        log_integral; wide where the best step is at an end."""
        best = int(gains.argmax())
        mode, deviation, narrow = float(self.log_rates[best]), 2 * self.step, False
        height = float(gains[best])
        if 0 < best < len(gains) - 1:
            left, right = float(gains[best - 1]), float(gains[best + 1])
            bend = 2 * height - left - right
            if bend > 0:
                deviation = self.step / sqrt(bend)
            bend = max(bend, FLAT)
            mode += self.step * min(max(0.5 * (right - left) / bend, -1.0), 1.0)
            if self.step / sqrt(bend) < NARROW * self.step:
                narrow = True
                height += (right - left) ** 2 / (8 * bend)
        if narrow:
            integral = height + log(sqrt(2 * pi) * deviation / whole)
        else:
            integral = height + log(float(np.exp(gains - height + self.log_weights).sum()))
        return Peak(mode, deviation, integral)

    def _peaks(self, gains: Floats, best: Integers) -> tuple[Floats, Floats]:
        """The parabola through the three highest steps: how high its top lies, and its standard deviation."""
        rows = np.arange(len(gains))
        left, middle, right = gains[rows, best - 1], gains[rows, best], gains[rows, best + 1]
        bend = np.maximum(2 * middle - left - right, FLAT)
        return middle + (right - left) ** 2 / (8 * bend), self.step / np.sqrt(bend)


def exponents_of(log_rates: Floats) -> Floats:
    return np.asarray(-np.log1p(-np.exp(log_rates)))
