"""How surely each element and device fails: sets of failures around the best one, weighed against each other.

Elements of which it is open whether they fail, and that share lost packets, candidate paths or a doubtful device, form
a **cluster**; all others stand as the best explanation has them. In each cluster sets are visited in the order of their
probability. A visited set also says, for each element, how likely it were with that element flipped, all others as they
are; so a few sets tell about many. What devices do follows from the set in closed form.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import pairwise, product

import numpy as np

from attribution.inference.localization.search import RIVAL, SHIFT, Search
from attribution.inference.localization.tables import NONE, Floats, Integers

# Whether an element fails is open if its log odds lie within this of even, a device is in doubt within that.
OPEN = 5.0
DOUBTFUL = 6.0
OF_A_DEVICE = 7.0
# Of a network of so few elements all sets are open.
FEW = 6
# Sets that are less likely than the best by this are not visited, nor more sets in a cluster than this.
FAR = 9.0
MOST_SETS = 128
FEWEST_SETS = 2
# Work that the visits of a cluster may do, in products of cells and rates, and the work of looking at one element.
WORK = 4_000_000
LOOK = 20_000
# Doubtful devices of one cluster whose states are all tried together.
MOST_DEVICES = 3


@dataclass(frozen=True, slots=True)
class Visited:
    """A set of failing elements of one cluster, its log weight, and what it tells about elements and devices."""

    failing: frozenset[int]
    log_weight: float
    elements: Floats
    devices: Floats


@dataclass(frozen=True, slots=True)
class Cluster:
    """Open elements that depend on each other, the devices in doubt among them, and the sets that were visited."""

    elements: tuple[int, ...]
    devices: tuple[int, ...]
    visited: tuple[Visited, ...]

    @property
    def weights(self) -> Floats:
        logs = np.array([one.log_weight for one in self.visited])
        weights = np.exp(logs - logs.max())
        return np.asarray(weights / weights.sum())


def explore(search: Search) -> tuple[Cluster, ...]:
    """Visit the likely sets of each cluster; the search's state ends where it began."""
    odds = search.log_odds_of_devices()
    return tuple(_explore(search, elements, devices, odds) for elements, devices in _clusters(search, odds))


def _budget(search: Search, column: Integers, around: Integers) -> int:
    """How many sets may be visited: fewer where each is much work."""
    choices = search.state.evidence.choices
    cells = [int(np.diff(choices.cell_starts)[choices.choices_of[element]].sum()) for element in column]
    each = LOOK * (1 + len(around)) + 12.0 * len(search.state.nodes) * sum(cells) / max(len(cells), 1)
    return int(np.clip(WORK / each, FEWEST_SETS, MOST_SETS))


def _clusters(search: Search, odds: Floats) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Elements of which it is open whether they fail, put together where one depends on another."""
    state = search.state
    doubtful = (np.abs(odds) < DOUBTFUL) | (search.parts.elements <= FEW)
    # What a device in doubt does moves the odds of all its elements.
    margin = np.full(search.parts.elements, OPEN)
    margin[search.parts.devices.chosen(np.flatnonzero(doubtful)).items] += OF_A_DEVICE
    is_open = np.abs(search.log_odds) < margin
    for element in map(int, np.flatnonzero(state.failing)):
        rivals = search.rivals_if_healthy(element, float(margin[element]))
        if len(rivals) or search.may_be_spared(element, float(margin[element])):
            is_open[rivals] = True
            is_open[element] = True
    is_open |= len(is_open) <= FEW
    # Several open elements together may explain what a failing one lost.
    for element in map(int, np.flatnonzero(state.failing & ~is_open & (search.log_odds < margin + SHIFT))):
        is_open[element] = bool(is_open[state.neighbours(element)].any())
    first_device = len(is_open)
    nodes = np.concatenate([np.flatnonzero(is_open), first_device + np.flatnonzero(doubtful)]).tolist()
    root = {int(node): int(node) for node in nodes}

    def find(node: int) -> int:
        while root[node] != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    def join(members: Iterable[int]) -> None:
        inside = [member for member in map(int, members) if member in root]
        for one, other in pairwise(inside):
            low, high = sorted((find(one), find(other)))
            root[high] = low

    for element in map(int, np.flatnonzero(is_open)):
        around = state.neighbours(element)
        join([element, *around[is_open[around]]])
    for device in map(int, np.flatnonzero(doubtful)):
        members = search.parts.devices[device]
        sharing = np.concatenate([search.devices_of[int(member)] for member in members])
        join([first_device + device, *members, *(first_device + sharing)])
    groups: dict[int, tuple[list[int], list[int]]] = {}
    for node in sorted(root):
        elements, devices = groups.setdefault(find(node), ([], []))
        if node < first_device:
            elements.append(node)
        else:
            devices.append(node - first_device)
    return [(tuple(elements), tuple(devices)) for elements, devices in groups.values()]


def _explore(search: Search, elements: tuple[int, ...], devices: tuple[int, ...], odds: Floats) -> Cluster:
    state = search.state
    column = np.array(elements, dtype=np.int64)
    start = frozenset(int(element) for element in column[state.failing[column]])
    kept = {element: float(state.exponents[element]) for element in start}
    prior = SetPrior(search, column, devices, odds)
    around = search.entangled(column)
    budget = _budget(search, column, around)
    rivals = {element: frozenset(elements) for element in elements}
    if len(elements) > FEW:
        rivals = {element: rivals[element] & {*map(int, state.rivals(element, RIVAL))} for element in elements}
    frontier: list[tuple[float, tuple[int, ...], frozenset[int]]] = [(0.0, tuple(sorted(start)), start)]
    seen = {start}
    visited: list[Visited] = []
    best = -np.inf
    while frontier and len(visited) < budget:
        cost, _, chosen = heappop(frontier)
        if visited and -cost < best - FAR:
            break
        one = _visit(search, column, around, prior, chosen)
        visited.append(one)
        best = max(best, one.log_weight)
        flips = np.log(one.elements) - np.log1p(-one.elements)
        for element, flip in zip(elements, flips.tolist(), strict=True):
            other = chosen ^ {element}
            gain = -flip if element in chosen else flip
            guesses: list[tuple[frozenset[int], float]] = [(other, one.log_weight + gain)]
            if element in chosen:
                guesses += [(other | {rival}, one.log_weight) for rival in sorted(rivals[element] - chosen)]
            for guessed, weight in guesses:
                if guessed not in seen and weight > best - FAR:
                    seen.add(guessed)
                    heappush(frontier, (-weight, tuple(sorted(guessed)), guessed))
    search.place(column, start, kept)
    return Cluster(elements, devices, tuple(_compared(visited, elements)))


def _compared(visited: Sequence[Visited], elements: tuple[int, ...]) -> list[Visited]:
    """Where a set was visited with and without an element, their weights say better how likely it fails."""
    weight = {one.failing: one.log_weight for one in visited}
    compared = []
    for one in visited:
        shares = one.elements.copy()
        for place, element in enumerate(elements):
            other = weight.get(one.failing ^ {element})
            if other is not None:
                odds = (one.log_weight - other) * (1 if element in one.failing else -1)
                shares[place] = 1 / (1 + np.exp(-np.clip(odds, -700.0, 700.0)))
        compared.append(replace(one, elements=shares))
    return compared


def _visit(search: Search, column: Integers, around: Integers, prior: SetPrior, chosen: frozenset[int]) -> Visited:
    search.place(column, chosen, {})
    fails = search.state.failing[column]
    log_prior, flips, devices = prior.of(fails)
    factors = search.close_factors(column)
    odds = np.clip(factors + flips, -30.0, 30.0)
    return Visited(chosen, search.log_evidence(around) + log_prior, 1 / (1 + np.exp(-odds)), devices)


class SetPrior:
    """The prior of a set of a cluster's elements, whatever the devices in doubt do; the others are as they are."""

    def __init__(self, search: Search, column: Integers, devices: tuple[int, ...], odds: Floats) -> None:
        assumptions = search.assumptions
        tried = sorted(devices, key=lambda device: (-abs(odds[device]), device))[-MOST_DEVICES:]
        self._devices = devices
        shares = (0.0, *assumptions.shares)
        each = assumptions.device_failing / len(assumptions.shares)
        price = np.log([1 - assumptions.device_failing, *[each] * len(assumptions.shares)])
        members = search.parts.devices
        inside = {device: np.isin(column, members[device]) for device in tried}
        spared = np.full(len(column), 1.0 - assumptions.element_failing)
        for device in map(int, np.flatnonzero(search.device_share != NONE)):
            if device not in inside:
                spared[np.isin(column, members[device])] *= 1.0 - assumptions.shares[search.device_share[device]]
        self._states = list(product(range(len(shares)), repeat=len(tried)))
        self._log_prior = np.array([sum(price[share] for share in state) for state in self._states])
        chances = []
        for state in self._states:
            own = spared.copy()
            for device, share in zip(tried, state, strict=True):
                own[inside[device]] *= 1.0 - shares[share]
            chances.append(1.0 - own)
        self._chances = np.array(chances)
        self._fails = {device: np.array([state[i] > 0 for state in self._states]) for i, device in enumerate(tried)}
        self._fixed = {device: float(search.device_share[device] != NONE) for device in devices if device not in inside}
        self._outside = self._rest(search, column, tried, shares)

    def _rest(self, search: Search, column: Integers, tried: Sequence[int], shares: Sequence[float]) -> Floats:
        """What the devices' elements outside the cluster say: they stand as the best explanation has them."""
        members = {device: np.setdiff1d(search.parts.devices[device], column) for device in tried}
        others = np.unique(np.concatenate([column[:0], *members.values()]))
        calm = np.full(len(others), 1.0 - search.assumptions.element_failing)
        for device in map(int, np.flatnonzero(search.device_share != NONE)):
            if device not in members:
                calm[np.isin(others, search.parts.devices[device])] *= 1.0 - shares[search.device_share[device] + 1]
        rest = np.zeros(len(self._states))
        for j, state in enumerate(self._states):
            spared = calm.copy()
            for device, share in zip(tried, state, strict=True):
                spared[np.searchsorted(others, members[device])] *= 1.0 - shares[share]
            rest[j] = float(np.where(search.state.failing[others], np.log1p(-spared), np.log(spared)).sum())
        return rest

    def of(self, fails: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> tuple[float, Floats, Floats]:
        """The log prior of the set, the log odds by which each flip changes it, and each device's probability."""
        yes, no = np.log(self._chances), np.log1p(-self._chances)
        each = np.where(fails, yes, no)
        logs = self._log_prior + self._outside + each.sum(axis=1)
        total = _log_sum(logs)
        with_it = _log_sum_columns(logs[:, None] - each + yes)
        without = _log_sum_columns(logs[:, None] - each + no)
        posterior = np.exp(logs - total)
        devices = [
            float(posterior @ self._fails[device]) if device in self._fails else self._fixed[device]
            for device in self._devices
        ]
        return total, with_it - without, np.array(devices)


def _log_sum(logs: Floats) -> float:
    top = float(logs.max())
    return top + float(np.log(np.exp(logs - top).sum()))


def _log_sum_columns(logs: Floats) -> Floats:
    top = logs.max(axis=0)
    return np.asarray(top + np.log(np.exp(logs - top).sum(axis=0)))
