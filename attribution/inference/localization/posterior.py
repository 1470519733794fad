"""How surely each element and device fails: sets of failures around the best one, weighed against each other.

Elements of which it is open whether they fail, and that share lost packets, candidate paths or a doubtful device, form
a **cluster**; all others stand as the best explanation has them. In each cluster sets are visited in the order of their
probability. A visited set also says, for each element, how likely it were with that element flipped, all others as they
are; so a few sets tell about many. What devices do follows from the set in closed form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import pairwise, product

import numpy as np

from attribution.inference.localization.patch import Flags, Patch, log_sum
from attribution.inference.localization.search import RIVAL, SHIFT, Search
from attribution.inference.localization.tables import NONE, Floats, Integers

# Whether an element fails is open if its log odds lie within this of even, a device is in doubt within that.
OPEN = 5.0
DOUBTFUL = 6.0
OF_A_DEVICE = 7.0
# Elements whose odds come to less than this together are taken for what they say.
PLAIN = 0.15
# Of a network of so few elements all sets are open.
FEW = 6
# Sets that are less likely than the best by this are not visited, nor more sets in a cluster than this.
FAR = 7.0
MOST_SETS = 128
FEWEST_SETS = 2
# Work that the visits of a cluster may do, in products of cells and rates, and the work of looking at one element.
WORK = 4_000_000
LOOK = 20_000
# Sets that are visited at once where all ways are known.
TOGETHER = 8
TOGETHER_WORK = 60_000
# Where a set is expected to be the best so far, only those are visited with it that are expected to come near it.
ABOUT = 2.0
# Doubtful devices of one cluster whose states are all tried together.
MOST_DEVICES = 3

# For a failing element, those that may take its place: by how much better that explains the losses (nats).
Swaps = dict[int, dict[int, float]]


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
    clusters, swaps = _clusters(search, odds)
    return tuple(
        _explore(search, elements, devices, odds, swaps)
        for elements, devices in clusters
        if not _plain(search, elements, devices)
    )


def _plain(search: Search, elements: tuple[int, ...], devices: tuple[int, ...]) -> bool:
    """Whether nothing fails here, and it is unlikely enough that anything does: each element's log odds, all others as
    they are, then say all that there is to say."""
    return not devices and float(np.exp(np.minimum(search.log_odds[list(elements)], 0.0)).sum()) < PLAIN


def _budget(search: Search, column: Integers, around: Integers) -> int:
    """How many sets may be visited: fewer where each is much work."""
    choices = search.state.evidence.choices
    cells = [int(np.diff(choices.cell_starts)[choices.choices_of[element]].sum()) for element in column]
    each = LOOK * (1 + len(around)) + 12.0 * len(search.state.nodes) * sum(cells) / max(len(cells), 1)
    return int(np.clip(WORK / each, FEWEST_SETS, MOST_SETS))


def _clusters(search: Search, odds: Floats) -> tuple[list[tuple[tuple[int, ...], tuple[int, ...]]], Swaps]:
    """Elements of which it is open whether they fail, put together where one depends on another.

    For each failing one that others might take the place of also by how much better these would explain it.
    """
    swaps: Swaps = {}
    state = search.state
    doubtful = (np.abs(odds) < DOUBTFUL) | (search.parts.elements <= FEW)
    # What a device in doubt does moves the odds of all its elements.
    margin = np.full(search.parts.elements, OPEN)
    margin[search.parts.devices.chosen(np.flatnonzero(doubtful)).items] += OF_A_DEVICE
    is_open = np.abs(search.log_odds) < margin
    for element in map(int, np.flatnonzero(state.failing)):
        swaps[element] = search.rivals_if_healthy(element, float(margin[element]))
        if swaps[element] or search.may_be_spared(element, float(margin[element])):
            is_open[list(swaps[element])] = True
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
    return [(tuple(elements), tuple(devices)) for elements, devices in groups.values()], swaps


def _explore(
    search: Search, elements: tuple[int, ...], devices: tuple[int, ...], odds: Floats, swaps: Swaps
) -> Cluster:
    column = np.array(elements, dtype=np.int64)
    visits = _Visits(search, column, devices, odds, swaps)
    frontier = [(0.0, tuple(sorted(first)), first) for first in visits.first]
    seen = set(visits.first)
    visited: list[Visited] = []
    best = -np.inf
    while frontier and len(visited) < visits.budget:
        wave = _wave(frontier, min(visits.at_once, visits.budget - len(visited)), best)
        if not wave:
            break
        found = visits.visit(wave)
        visited += found
        best = max(best, *(one.log_weight for one in found))
        for one in found:
            for guessed, weight in _guesses(one, elements, visits.swaps):
                if guessed not in seen and weight > best - FAR:
                    seen.add(guessed)
                    heappush(frontier, (-weight, tuple(sorted(guessed)), guessed))
    visits.end()
    return Cluster(elements, devices, tuple(_compared(visited, elements)))


def _wave(
    frontier: list[tuple[float, tuple[int, ...], frozenset[int]]], most: int, best: float
) -> list[frozenset[int]]:
    """The sets to be visited next. As long as better ones are expected than the best so far, those come first."""
    least = best - FAR
    if -frontier[0][0] > best:
        least = max(least, -frontier[0][0] - ABOUT)
    wave: list[frozenset[int]] = []
    while frontier and len(wave) < most and -frontier[0][0] >= least:
        wave.append(heappop(frontier)[2])
    return wave


def _guesses(one: Visited, elements: tuple[int, ...], swaps: Swaps) -> Iterator[tuple[frozenset[int], float]]:
    """The sets beside a visited one, and the log weights that it expects of them: each element flipped, a failing one
    replaced by another, and all flipped at once that had better be."""
    flips = np.log(one.elements) - np.log1p(-one.elements)
    better, gained = one.failing, 0.0
    for element, flip in zip(elements, flips.tolist(), strict=True):
        gain = -flip if element in one.failing else flip
        if gain > 0:
            better, gained = better ^ {element}, gained + gain
        yield one.failing ^ {element}, one.log_weight + gain
        if element in one.failing:
            for rival, gain in swaps.get(element, {}).items():
                if rival not in one.failing:
                    yield (one.failing - {element}) | {rival}, one.log_weight + gain
    yield better, one.log_weight + gained


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


class _Visits:
    """What is asked about sets of failing elements of one cluster: many at once where all ways are known.

    `first` are visited before any other, and then up to `budget` altogether, `at_once` in one go. `swaps`: what may
    take the place of a failing element, and by how much better it is expected to explain the losses.
    """

    def __init__(self, search: Search, column: Integers, devices: tuple[int, ...], odds: Floats, swaps: Swaps) -> None:
        self._search, self._column, self._around = search, column, search.entangled(column)
        self._prior = SetPrior(search, column, devices, odds)
        start = frozenset(column[search.state.failing[column]].tolist())
        self._kept = {element: float(search.state.exponents[element]) for element in start}
        self.first = [start]
        choices_of = search.state.evidence.choices.choices_of
        self._patch = None
        if any(len(choices_of[element]) for element in self._around):
            self.at_once, self.budget = 1, _budget(search, column, self._around)
            self.swaps = _all_swaps(search, column)
            return
        self._patch = Patch(search.state, column, self._around)
        self.at_once, self.budget = TOGETHER, int(np.clip(TOGETHER_WORK / self._patch.work, TOGETHER, MOST_SETS))
        self.swaps = swaps
        # A device that fails on most of its elements: the search found first what loses most, which may be what several
        # of them share. The other end to begin at is that all of them fail.
        every = frozenset(column.tolist())
        if every != start and bool((search.chance[column] > 0.5).any()):
            self.first.append(every)

    def visit(self, sets: Sequence[frozenset[int]]) -> list[Visited]:
        fails = np.array([[element in chosen for element in self._column.tolist()] for chosen in sets])
        log_prior, flips, devices = self._prior.of(fails)
        log_evidence, factors = self._patch.look(fails) if self._patch else self._one_by_one(sets)
        shares = 1 / (1 + np.exp(-np.clip(factors + flips, -30.0, 30.0)))
        weights = (log_evidence + log_prior).tolist()
        return [Visited(*one) for one in zip(sets, weights, shares, devices, strict=True)]

    def _one_by_one(self, sets: Sequence[frozenset[int]]) -> tuple[Floats, Floats]:
        """The log evidence of each set, up to a constant, and the log Bayes factor of each element beside it."""
        evidence, factors = [], []
        for chosen in sets:
            self._search.place(self._column, chosen, {})
            factors.append(self._search.close_factors(self._column))
            evidence.append(self._search.log_evidence(self._around))
        return np.array(evidence), np.array(factors)

    def end(self) -> None:
        """Leave the search's state as it was."""
        if not self._patch:
            self._search.place(self._column, self.first[0], self._kept)


def _all_swaps(search: Search, column: Integers) -> Swaps:
    """Where paths are guessed, whatever might take a place is tried: what the search expects of it says little."""
    every = frozenset(column.tolist())
    if len(every) <= FEW:
        return {element: dict.fromkeys(sorted(every - {element}), 0.0) for element in sorted(every)}
    rivals = {element: every & {*map(int, search.state.rivals(element, RIVAL))} for element in sorted(every)}
    return {element: dict.fromkeys(sorted(found), 0.0) for element, found in rivals.items()}


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

    def of(self, fails: Flags) -> tuple[Floats, Floats, Floats]:
        """For each set (a row) its log prior, the log odds by which each flip changes it, each device's probability."""
        yes, no = np.log(self._chances), np.log1p(-self._chances)
        each = np.where(fails[:, None, :], yes, no)
        logs = self._log_prior + self._outside + each.sum(axis=2)
        total = log_sum(logs)
        rest = (logs[:, :, None] - each).swapaxes(1, 2)
        flips = log_sum(rest + yes.T) - log_sum(rest + no.T)
        posterior = np.exp(logs - total[:, None])
        devices = [
            posterior @ self._fails[device] if device in self._fails else np.full(len(fails), self._fixed[device])
            for device in self._devices
        ]
        return total, flips, np.array(devices).reshape(len(self._devices), len(fails)).T
