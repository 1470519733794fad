"""Which elements and devices lose packets, how surely, and at what rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from attribution.inference.localization.assumptions import Assumptions, load_assumptions
from attribution.inference.localization.posterior import Cluster, explore
from attribution.inference.localization.rates import Ladder
from attribution.inference.localization.search import Search
from attribution.inference.localization.state import Evidence, State
from attribution.inference.localization.tables import Counts, Floats, Integers, Parts

# How often the healthy rate is fitted anew, and when it is good enough (a ratio, as a logarithm).
REFITS = 4
AGREES = 0.2
# What is believed of the healthy rate counts as much as this many lost packets.
PRIOR_LOST = 0.5
# So many of the most probable sets are told.
MOST_SETS = 10


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


def localize(
    parts: Parts, counts: Counts, assumptions: Assumptions | None = None, healthy_rate: float | None = None
) -> Localization:
    """Find what loses packets. Raises EvidenceError where the columns contradict each other.

    `healthy_rate` is the loss ratio of healthy elements where it is known; else it is found in the measurements.
    Takes two or three seconds for a million measurements over a hundred thousand elements. The same input gives the
    same answer, and neither the order of the measurements nor the numbering of the parts matters.
    """
    assumed = assumptions or load_assumptions()
    evidence = Evidence(parts, counts)
    ladder = Ladder.of(assumed)
    healthy = healthy_rate or _first_healthy_rate(evidence, assumed)
    search = Search(State(evidence, healthy, ladder), parts, assumed)
    for _ in range(0 if healthy_rate else REFITS):
        search.climb()
        fitted = fit_healthy_rate(search.state, assumed)
        if abs(np.log(fitted / healthy)) < AGREES:
            break
        healthy = fitted
        search.move_to(State(evidence, healthy, ladder))
    search.settle()
    return _posterior(search, healthy)


def _first_healthy_rate(evidence: Evidence, assumptions: Assumptions) -> float:
    """A first guess: half of what was lost, spread over all crossings."""
    lost = evidence.known.lost.sum() + evidence.choices.lost.sum()
    crossings = evidence.known.delivered.sum() + evidence.choices.crossings
    return _within(assumptions, float((0.5 * lost + 0.5) / (crossings + 1.0)))


def fit_healthy_rate(state: State, assumptions: Assumptions) -> float:
    """The packets that the failing elements leave unexplained, over all crossings of healthy elements."""
    known, choices = state.evidence.known, state.evidence.choices
    calm = ~state.failing
    share = np.bincount(known.rows.owners(), weights=calm[known.rows.items], minlength=len(known.lost)) * state.healthy
    lost = float(known.lost @ (share / state.row_sums))
    lost += choices.unexplained(state.candidate_sums, np.where(calm, state.healthy, 0.0))
    crossings = float(known.delivered[calm].sum()) + choices.crossings
    return _within(assumptions, (lost + PRIOR_LOST) / (crossings + PRIOR_LOST / assumptions.healthy_rate))


def _within(assumptions: Assumptions, rate: float) -> float:
    """Healthy elements lose far less than failing ones."""
    return float(min(max(rate, 1e-9), assumptions.lowest_rate / 10))


def _posterior(search: Search, healthy: float) -> Localization:
    state = search.state
    odds = search.log_odds
    ratios = -np.expm1(-state.exponents)
    elements = 1 / (1 + np.exp(-np.clip(odds, -700, 700)))
    devices = 1 / (1 + np.exp(-np.clip(search.log_odds_of_devices(), -700, 700)))
    clusters = explore(search)
    for cluster in clusters:
        weights = cluster.weights
        elements[list(cluster.elements)] = weights @ np.array([one.elements for one in cluster.visited])
        devices[list(cluster.devices)] = weights @ np.array([one.devices for one in cluster.visited])
    return Localization(elements, devices, ratios, _best_sets(search, clusters, elements, devices), healthy)


def _best_sets(
    search: Search, clusters: tuple[Cluster, ...], elements: Floats, devices: Floats
) -> tuple[FailureSet, ...]:
    """The most probable sets: those of the clusters, which do not depend on each other, put together."""
    inside = np.zeros(len(elements), dtype=bool)
    for cluster in clusters:
        inside[list(cluster.elements)] = True
    sure = np.flatnonzero(search.state.failing & ~inside)
    rest = np.where(search.state.failing, elements, 1 - elements)[~inside]
    combined: list[tuple[float, frozenset[int]]] = [(float(np.log(rest).sum()), frozenset(map(int, sure)))]
    for cluster in clusters:
        combined = [
            (log_so_far + log_more, failing | one.failing)
            for log_so_far, failing in combined
            for log_more, one in zip(np.log(cluster.weights), cluster.visited, strict=True)
        ]
        combined.sort(key=lambda pair: (-pair[0], sorted(pair[1])))
        del combined[MOST_SETS:]
    failing_devices = tuple(int(device) for device in np.flatnonzero(devices > 0.5))
    return tuple(FailureSet(tuple(sorted(failing)), failing_devices, float(np.exp(log))) for log, failing in combined)


