"""Rates of several failing elements at once: where they share packets, one loses more if the other loses less."""

from __future__ import annotations

from functools import reduce

import numpy as np

from attribution.inference.localization.known import log_lost
from attribution.inference.localization.rates import Ladder
from attribution.inference.localization.state import State
from attribution.inference.localization.tables import Floats, Integers, Lists

# How many steps each of so many elements gets at most, and how many standard deviations a step may be.
MOST_STEPS = {2: 128, 3: 96, 4: 20}
WIDEST_STEP = 1.4
# Products of combinations of rates with rows or candidates beyond which the rates count as independent.
MOST_WORK = 2_000_000
# With more rows than this each element has packets of its own, which fix its rate.
MOST_ROWS = 40


def log_joint(state: State, elements: Integers) -> float | None:
    """log of the mean likelihood over all rates of these elements, relative to their present ones; all others stay.

    None where that would take too much work or change nothing, or where the likelihood is too sharp for the steps that
    so many elements get.
    """
    whole = state.ladder
    sharpest = min(state.deviation(int(element)) for element in elements)
    needed = int(np.ceil(whole.width / sharpest)) + 1
    most = MOST_STEPS.get(len(elements), 0)
    if needed > WIDEST_STEP * most:
        return None
    steps = min(max(needed, len(whole.exponents)), most)
    size = _size(state, elements)
    if size > MOST_ROWS or steps ** len(elements) * size > MOST_WORK:
        return None
    ladder = Ladder.between(float(whole.log_rates[0]), float(whole.log_rates[-1]), steps, None)
    grid = np.meshgrid(*[np.arange(steps)] * len(elements), indexing="ij")
    steps_of = np.stack([axis.ravel() for axis in grid])
    exponents = ladder.exponents[steps_of]
    change = exponents - state.exponents[elements][:, None]
    logs = _known(state, elements, change) + _unknown(state, elements, change)
    logs += ladder.log_weights[steps_of].sum(axis=0)
    top = float(logs.max())
    return top + float(np.log(np.exp(logs - top).sum()))


def _size(state: State, elements: Integers) -> int:
    known, choices = state.evidence.known, state.evidence.choices
    rows = sum(len(known.rows_of[element]) for element in elements)
    touched = _touched(state, elements)
    cells = np.diff(choices.cell_starts)[touched] * np.diff(choices.candidate_starts)[touched]
    return rows + int(cells.sum())


def _touched(state: State, elements: Integers) -> Integers:
    choices_of = state.evidence.choices.choices_of
    return np.unique(np.concatenate([choices_of[element] for element in elements]))


def _known(state: State, elements: Integers, change: Floats) -> Floats:
    known = state.evidence.known
    logs = -known.delivered[elements] @ change
    rows = np.unique(np.concatenate([known.rows_of[element] for element in elements]))
    if not len(rows):
        return np.asarray(logs)
    sums = np.repeat(state.row_sums[rows][:, None], change.shape[1], axis=1)
    for element, moved in zip(elements, change, strict=True):
        sums[np.searchsorted(rows, known.rows_of[element])] += moved
    now = log_lost(state.row_sums[rows])
    return np.asarray(logs + known.lost[rows] @ (log_lost(np.maximum(sums, 1e-300)) - now[:, None]))


def _unknown(state: State, elements: Integers, change: Floats) -> Floats:
    choices = state.evidence.choices
    touched = _touched(state, elements)
    values = state.values_of_choices
    logs = np.zeros(change.shape[1])
    for choice in touched:
        candidates = np.arange(choices.candidate_starts[choice], choices.candidate_starts[choice + 1])
        paths = choices.candidates.chosen(candidates)
        owners = paths.owners()
        sums = np.repeat(state.candidate_sums[candidates][:, None], change.shape[1], axis=1)
        for element, moved in zip(elements, change, strict=True):
            sums[owners[paths.items == element]] += moved
        sums = np.maximum(sums, 1e-300)
        for cell in range(choices.cell_starts[choice], choices.cell_starts[choice + 1]):
            terms = -choices.delivered[cell] * sums
            if choices.lost[cell]:
                terms += choices.lost[cell] * log_lost(sums)
            mixed = reduce(np.logaddexp, terms) - np.log(len(candidates))
            logs += choices.weight[cell] * mixed
        logs -= values[choice]
    return logs


def coupled(state: State, elements: Integers) -> list[Integers]:
    """The elements, in groups of those that share lost packets or candidate paths."""
    known, choices = state.evidence.known, state.evidence.choices
    number = np.arange(len(elements))
    touches: dict[tuple[int, int], int] = {}
    for place, element in enumerate(elements):
        for kind, lists in enumerate((known.rows_of, choices.choices_of)):
            for item in lists[element]:
                first = touches.setdefault((kind, int(item)), place)
                if number[first] != number[place]:
                    number[number == number[place]] = number[first]
    return [elements[number == group] for group in np.unique(number)]


def share_packets(state: State, one: int, other: int) -> bool:
    """Whether two elements share lost packets or candidate paths."""
    lists: tuple[Lists, ...] = (state.evidence.known.rows_of, state.evidence.choices.choices_of)
    return any(bool(np.isin(some[one], some[other], assume_unique=True).any()) for some in lists)
