"""Whether stated probabilities deserve their numbers, and how to mend them: scores, reliability, isotonic regression.

Everything here takes pairs (probability stated, whether it came true) and knows nothing of networks. Sources: G. W.
Brier, Verification of forecasts expressed in terms of probability, Monthly Weather Review 78 (1950); M. H. DeGroot and
S. E. Fienberg, The comparison and evaluation of forecasters, The Statistician 32 (1983), for reliability diagrams;
M. P. Naeini, G. F. Cooper and M. Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning, AAAI
2015, for the expected calibration error; M. Ayer et al., An empirical distribution function for sampling with
incomplete information, Annals of Mathematical Statistics 26 (1955), for pooling adjacent violators; E. B. Wilson,
Probable inference, the law of succession, and statistical inference, JASA 22 (1927), for the interval.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, log, sqrt

from attribution.model.evaluation import Proportion, Reliability, ReliabilityBin

Forecast = tuple[float, bool]
"""A probability that was stated, and whether what it was stated of came true."""

BINS = 10
Z_95 = 1.959963984540054  # two-sided 95 % of the normal distribution
LEAST_PROBABILITY = 1e-6  # certainty that is wrong costs no more than this, else one case would cost infinitely much


def wilson_proportion(right: int, of: int, z: float = Z_95) -> Proportion:
    """A share with Wilson's score interval, which stays within 0 to 1 and holds for few cases and for all right."""
    if not 0 <= right <= of:
        raise ValueError(f"{right} of {of}")
    if of == 0:
        return Proportion(0, 0, 0.0, 1.0)
    share = right / of
    centre = share + z * z / (2 * of)
    margin = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    low = 0.0 if right == 0 else max(0.0, (centre - margin) / scale)
    high = 1.0 if right == of else min(1.0, (centre + margin) / scale)
    return Proportion(right, of, low, high)


def brier_score(forecasts: Sequence[Forecast]) -> float | None:
    """The mean squared difference of the probability from 1 where it came true, from 0 where not; 0 is perfect."""
    return _mean([(probability - came_true) ** 2 for probability, came_true in forecasts])


def brier_score_of_parties(forecasts: Sequence[tuple[Mapping[str, float], str]]) -> float | None:
    """Brier's score over several answers that exclude each other: (probability of each, the true one); 0 to 2."""
    return _mean(
        [
            fsum((stated.get(name, 0.0) - (name == actual)) ** 2 for name in {**stated, actual: 0.0})
            for stated, actual in forecasts
        ]
    )


def log_loss(forecasts: Sequence[Forecast]) -> float | None:
    """The mean surprise in nats: −ln of the probability given to what happened, cut off at one in a million."""
    return _mean(
        [
            -log(max(probability if came_true else 1 - probability, LEAST_PROBABILITY))
            for probability, came_true in forecasts
        ]
    )


def bins_of_equal_width(forecasts: Sequence[Forecast], bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """The reliability diagram: [0, 1] in equal parts, the last one closed; parts without forecasts are left out."""
    members: dict[int, list[Forecast]] = {}
    for forecast in forecasts:
        members.setdefault(min(bins - 1, int(forecast[0] * bins)), []).append(forecast)
    return tuple(_bin(members[n], n / bins, (n + 1) / bins) for n in sorted(members))


def bins_of_equal_mass(forecasts: Sequence[Forecast], bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """As many forecasts in each bin, in order of their probability; forecasts with one probability stay together."""
    ordered = sorted(forecasts)
    found: list[ReliabilityBin] = []
    start = 0
    for n in range(1, bins + 1):
        end = max(start, n * len(ordered) // bins)
        while 0 < end < len(ordered) and ordered[end][0] == ordered[end - 1][0]:
            end += 1
        if end > start:
            found.append(_bin(ordered[start:end], ordered[start][0], ordered[end - 1][0]))
        start = end
    return tuple(found)


def calibration_error(bins: Sequence[ReliabilityBin]) -> float | None:
    """The expected calibration error: how far the share that came true is off what was stated, over all bins."""
    total = sum(part.right.of for part in bins)
    if not total:
        return None
    return fsum(abs(part.right.right - part.mean_probability * part.right.of) for part in bins) / total


def judge_reliability(forecasts: Sequence[Forecast], bins: int = BINS) -> Reliability:
    """All figures about one set of forecasts."""
    parts = bins_of_equal_width(forecasts, bins)
    return Reliability(
        count=len(forecasts),
        brier=brier_score(forecasts),
        log_loss=log_loss(forecasts),
        ece_width=calibration_error(parts),
        ece_mass=calibration_error(bins_of_equal_mass(forecasts, bins)),
        bins=parts,
    )


def _bin(members: Sequence[Forecast], low: float, high: float) -> ReliabilityBin:
    stated = fsum(probability for probability, _ in members) / len(members)
    return ReliabilityBin(low, high, stated, wilson_proportion(sum(true for _, true in members), len(members)))


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


# Mending. A calibration is a function from the probability that a model states to the one that it should have stated.


@dataclass(frozen=True, slots=True)
class Isotonic:
    """A calibration that never falls: `values[i]` stands at `positions[i]`, straight lines between, flat beyond."""

    positions: tuple[float, ...]
    values: tuple[float, ...]

    def __call__(self, score: float) -> float:
        after = bisect_right(self.positions, score)
        if after == 0:
            return self.values[0]
        if after == len(self.positions):
            return self.values[-1]
        left, right = self.positions[after - 1], self.positions[after]
        part = (score - left) / (right - left)
        return self.values[after - 1] + part * (self.values[after] - self.values[after - 1])


def fit_isotonic(
    scores: Sequence[float], outcomes: Sequence[float], weights: Sequence[float] | None = None
) -> Isotonic:
    """The least-squares fit among functions that never fall, by pooling adjacent violators.

    `outcomes` are 0 or 1, or shares. Cases with one score are one point. Each pooled block keeps the positions of its
    first and last score. Errors: ValueError for no cases, unequal lengths, or weights that are not positive.
    """
    weights = [1.0] * len(scores) if weights is None else weights
    if not scores or not len(scores) == len(outcomes) == len(weights):
        raise ValueError(f"{len(scores)} scores, {len(outcomes)} outcomes, {len(weights)} weights")
    if min(weights) <= 0:
        raise ValueError(f"the weight {min(weights)}")
    blocks: list[_Block] = []
    for score, outcome, weight in sorted(zip(scores, outcomes, weights, strict=True)):
        block = _Block(score, score, outcome * weight, weight)
        if blocks and blocks[-1].last == score:
            block = blocks.pop().joined(block)
        blocks.append(block)
    pooled: list[_Block] = []
    for block in blocks:
        while pooled and pooled[-1].value >= block.value:
            block = pooled.pop().joined(block)
        pooled.append(block)
    points = [(score, block.value) for block in pooled for score in dict.fromkeys((block.first, block.last))]
    return Isotonic(tuple(score for score, _ in points), tuple(value for _, value in points))


@dataclass(frozen=True, slots=True)
class _Block:
    """Neighbouring cases that share one fitted value: their mean."""

    first: float
    last: float
    total: float
    weight: float

    @property
    def value(self) -> float:
        return self.total / self.weight

    def joined(self, after: _Block) -> _Block:
        return _Block(self.first, after.last, self.total + after.total, self.weight + after.weight)


@dataclass(frozen=True, slots=True)
class Split:
    """What to fit on and what to test on, as indices: one group is held out, and nothing of it was seen in fitting."""

    held_out: Hashable
    fit: tuple[int, ...]
    test: tuple[int, ...]


def leave_one_group_out(groups: Sequence[Hashable]) -> Iterator[Split]:
    """One split for each group (a kind of fault, a topology), in the order in which the groups first come up.

    A calibration that holds in such splits holds for kinds and topologies that it has never seen. Errors: ValueError
    for fewer than two groups, since nothing would be left to fit on.
    """
    names = list(dict.fromkeys(groups))
    if len(names) < 2:
        raise ValueError(f"{len(names)} groups: nothing would be left to fit on")
    for name in names:
        fit = tuple(index for index, group in enumerate(groups) if group != name)
        yield Split(name, fit, tuple(index for index, group in enumerate(groups) if group == name))
