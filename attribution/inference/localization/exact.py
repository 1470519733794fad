"""The posterior of small cases by counting every possibility: the reference that the solver is compared with.

Every element at every healthy and failing rate, with every state of the devices: (steps + 4) ** elements possibilities.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from attribution.inference.localization.assumptions import Assumptions
from attribution.inference.localization.rates import HEALTHY_SPREAD, HEALTHY_WEIGHTS, Ladder
from attribution.inference.localization.tables import NONE, Counts, Floats, Parts

MOST_POSSIBILITIES = 30_000_000


def count_exactly(
    parts: Parts, counts: Counts, assumptions: Assumptions, healthy_rate: float
) -> tuple[dict[frozenset[int], float], Floats]:
    """The probability of each set of failing elements, and of each device. Raises ValueError where there are too many.

    The healthy rate is given: the solver finds it in the measurements.
    """
    counts.check(parts)
    ladder = Ladder.of(assumptions)
    calm = -np.log1p(-healthy_rate) * HEALTHY_SPREAD
    nodes = np.concatenate([calm, ladder.exponents])
    log_weights = np.concatenate([np.log(HEALTHY_WEIGHTS), ladder.log_weights])
    if len(nodes) ** parts.elements > MOST_POSSIBILITIES:
        raise ValueError(f"{parts.elements} elements at {len(nodes)} rates: over {MOST_POSSIBILITIES} possibilities")
    logs = _log_likelihoods(parts, counts, nodes)
    for element in range(parts.elements):
        shape = [1] * parts.elements
        shape[element] = len(nodes)
        logs = logs + log_weights.reshape(shape)
    peak = logs.max()
    masses = np.exp(logs - peak)
    for element in range(parts.elements):
        both = np.split(masses, [len(calm)], axis=element)
        masses = np.concatenate([half.sum(axis=element, keepdims=True) for half in both], axis=element)
    return _with_devices(parts, assumptions, masses)


def _log_likelihoods(parts: Parts, counts: Counts, nodes: Floats) -> Floats:
    """The log likelihood of all measurements, with an axis of rates for each element."""
    axes = np.meshgrid(*[nodes] * parts.elements, indexing="ij", sparse=True)
    zero = np.zeros((len(nodes),) * parts.elements)

    total = zero.copy()
    for sent, lost, path, choice in zip(counts.sent, counts.lost, counts.path, counts.choice, strict=True):
        ways = [NONE] if choice == NONE else [int(way) for way in counts.choices[choice]]
        terms = []
        for way in ways:
            crossed = {*(counts.paths[path] if path != NONE else ()), *(counts.paths[way] if way != NONE else ())}
            sums = sum((axes[element] for element in sorted(map(int, crossed))), zero)
            if not crossed:
                terms.append(zero)
                continue
            terms.append(-(sent - lost) * sums + (lost * np.log(-np.expm1(-sums)) if lost else 0.0))
        top = np.maximum.reduce(terms)
        total += top + np.log(sum(np.exp(term - top) for term in terms) / len(terms))
    return total


def _with_devices(parts: Parts, assumptions: Assumptions, masses: Floats) -> tuple[dict[frozenset[int], float], Floats]:
    shares = (0.0, *assumptions.shares)
    each = assumptions.device_failing / len(assumptions.shares)
    sets = list(product((0, 1), repeat=parts.elements))
    evidence = np.array([masses[chosen] for chosen in sets])
    fails = np.array(sets, dtype=bool)
    probabilities = np.zeros(len(sets))
    devices = np.zeros(len(parts.devices))
    for state in product(range(len(shares)), repeat=len(parts.devices)):
        spared = np.full(parts.elements, 1.0 - assumptions.element_failing)
        prior = 1.0
        for device, share in enumerate(state):
            prior *= each if share else 1.0 - assumptions.device_failing
            spared[parts.devices[device]] *= 1.0 - shares[share]
        weights = prior * evidence * np.where(fails, 1.0 - spared, spared).prod(axis=1)
        probabilities += weights
        devices += weights.sum() * (np.array(state) > 0)
    whole = probabilities.sum()
    failing = [frozenset(np.flatnonzero(row).tolist()) for row in fails]
    return dict(zip(failing, (probabilities / whole).tolist(), strict=True)), devices / whole
