"""Which elements and devices lose packets, how surely, and at what rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attribution.inference.localization.assumptions import Assumptions, load_assumptions
from attribution.inference.localization.rates import Ladder
from attribution.inference.localization.search import Search
from attribution.inference.localization.state import Evidence, State
from attribution.inference.localization.tables import NONE, Counts, Floats, Integers, Parts


@dataclass(frozen=True, slots=True)
class FailureSet:
    """Elements and devices that fail together, and the probability that just these do."""

    elements: tuple[int, ...]
    devices: tuple[int, ...]
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Localization:
    """What fails: a probability for each element and device, loss ratios of those that fail in the best set.

    `element_probability` and `device_probability` have one entry for each element and device; `loss_ratio` is the best
    estimate of each element's own; `sets` are the most probable sets, best first; `healthy_rate` is the loss ratio of
    elements that do not fail.
    """

    element_probability: Floats
    device_probability: Floats
    loss_ratio: Floats
    sets: tuple[FailureSet, ...]
    healthy_rate: float

    @property
    def best(self) -> FailureSet:
        return self.sets[0]

    def explained_by_devices(self, parts: Parts) -> Integers:
        """The failing elements of the best set that belong to one of its failing devices."""
        members = parts.devices.chosen(np.array(self.best.devices, dtype=np.int64)).items
        return np.intersect1d(members, np.array(self.best.elements, dtype=np.int64))


def localize(parts: Parts, counts: Counts, assumptions: Assumptions | None = None) -> Localization:
    """Find what loses packets. Raises EvidenceError where the columns contradict each other.

    Takes about a second for a million measurements over a hundred thousand elements; the same input gives the same
    answer, and neither the order of the measurements nor the numbering of the parts matters.
    """
    assumed = assumptions or load_assumptions()
    evidence = Evidence(parts, counts)
    ladder = Ladder.of(assumed)
    healthy = fit_healthy_rate(evidence, assumed)
    search = Search(State(evidence, healthy, ladder), parts, assumed)
    search.settle()
    return _posterior(search, healthy)


def fit_healthy_rate(evidence: Evidence, assumptions: Assumptions) -> float:
    rates = np.array(assumptions.healthy_rates)
    known = evidence.known
    crossings = known.delivered.sum() + 1.0
    typical = np.bincount(known.rows.items, minlength=evidence.elements)
    del typical
    accused = known.lost.sum() * 0.5
    return float(rates[np.abs(np.log(rates) - np.log(max(accused, 0.5) / crossings)).argmin()])


def _posterior(search: Search, healthy: float) -> Localization:
    state = search.state
    odds = search.log_odds
    failing = np.flatnonzero(state.failing)
    devices = np.flatnonzero(search.device_share != NONE)
    hopes = search.hopes()
    device_probability = 1 / (1 + np.exp(-np.clip(hopes, -700, 700)))
    device_probability[devices] = 1.0
    best = FailureSet(tuple(map(int, failing)), tuple(map(int, devices)), 1.0)
    return Localization(
        1 / (1 + np.exp(-np.clip(odds, -700, 700))),
        device_probability,
        -np.expm1(-state.exponents),
        (best,),
        healthy,
    )
