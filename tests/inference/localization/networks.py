"""Small random networks with random failures, and what was measured on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from attribution.inference.localization import NONE, Assumptions, Counts, Lists, Parts

SMALL = Assumptions(
    element_failing=0.03,
    device_failing=0.02,
    shares=(0.5, 0.95),
    lowest_rate=0.01,
    highest_rate=0.9,
    steps=24,
    healthy_rate=1e-4,
)


def small_case(seed: int, most: int = 3) -> tuple[Parts, Counts, float]:
    """A network of two to `most` elements, up to two devices, known and unknown paths, failures or none."""
    chance = np.random.default_rng(seed)
    elements = int(chance.integers(2, most + 1))
    devices = [
        sorted(chance.choice(elements, size=int(chance.integers(2, elements + 1)), replace=False).tolist())
        for _ in range(int(chance.integers(0, 3)))
    ]
    paths = [
        sorted(chance.choice(elements, size=int(chance.integers(1, elements + 1)), replace=False).tolist())
        for _ in range(int(chance.integers(1, 6)))
    ]
    choices = [
        chance.choice(len(paths), size=int(chance.integers(1, 4))).tolist() for _ in range(int(chance.integers(0, 3)))
    ]
    healthy = float(10 ** chance.uniform(-5, -3.5))
    rates = chance.exponential(healthy, elements)
    for element in range(elements):
        if chance.random() < 0.3:
            rates[element] = float(np.exp(chance.uniform(np.log(0.01), np.log(0.5))))
    rows = []
    for _ in range(int(chance.integers(1, 9))):
        path = int(chance.integers(-1, len(paths)))
        choice = int(chance.integers(0, len(choices))) if choices and chance.random() < 0.5 else NONE
        crossed = set(paths[path]) if path != NONE else set()
        if choice != NONE:
            crossed |= set(paths[int(chance.choice(choices[choice]))])
        if not crossed:
            path, crossed = 0, set(paths[0])
        sent = int(10 ** chance.uniform(0, 1.8))
        arrives = float(np.prod([1 - rates[element] for element in crossed]))
        rows.append((sent, sent - int(chance.binomial(sent, arrives)), path, choice))
    numbers, losses, sure, unsure = np.array(rows).T
    counts = Counts.of(Lists.of(paths), numbers, losses, sure, unsure, Lists.of(choices))
    return Parts(elements, Lists.of(devices)), counts, healthy


def permuted(parts: Parts, counts: Counts, names: NDArray[np.int64]) -> tuple[Parts, Counts]:
    """The same network where element i is called names[i]."""
    devices = Lists.of([np.sort(names[parts.devices[i]]).tolist() for i in range(len(parts.devices))])
    paths = Lists.of([np.sort(names[counts.paths[i]]).tolist() for i in range(len(counts.paths))])
    renamed = Counts.of(paths, counts.sent, counts.lost, counts.path, counts.choice, counts.choices)
    return Parts(parts.elements, devices), renamed
