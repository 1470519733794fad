"""Packets that took one of several paths, nobody knows which: each path is as likely, and none is cleared for sure.

A measurement of d delivered and k lost packets has the likelihood sum over its paths c of exp(-d·s_c)(1 - exp(-s_c))^k
divided by their number, where s_c is the sum of the exponents along c. Paths of one sum are added up, and elements that
stand on the same share of them get the same answer: that is what makes fifty flows over twenty-five paths cheap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attribution.inference.localization.known import log_lost
from attribution.inference.localization.tables import NONE, Counts, Floats, Integers, Lists, beginnings

# Products of flows, elements and rates that are worked on at once: some ten megabytes.
BATCH = 1_000_000
# Sums of exponents that differ by less are the same.
DIGITS = 13
# An element that lies on this share of what is likely lies on all.
ALL = 1.0 - 1e-12
_SCRAMBLE = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """Sets of candidate paths, in columns; `cells` are the measurements, those of one choice side by side.

    candidates: the elements of each path, those of one choice side by side; candidate_starts: where they begin.
    incidences: (choice, element) in ascending order, each with the candidates that the element lies on.
    A measurement with losses is a choice of its own, of one cell, which holds the surely crossed elements in each
    candidate; choices without losses have as many cells as there were different numbers of packets.
    """

    candidates: Lists
    candidate_starts: Integers
    incidence_element: Integers
    incidence_starts: Integers
    incidence_candidates: Lists
    choices_of: Lists
    cell_starts: Integers
    delivered: Floats
    lost: Floats
    weight: Floats

    def __len__(self) -> int:
        return len(self.cell_starts) - 1

    @classmethod
    def of(cls, counts: Counts, elements: int, bound: NDArray[np.bool_]) -> Choices:
        free, tied = _free_cells(counts, bound), _bound_cells(counts, bound)
        candidates = Lists(
            np.concatenate([free[0].starts, tied[0].starts[1:] + free[0].starts[-1]]),
            np.concatenate([free[0].items, tied[0].items]),
        )
        candidate_starts = _starts(np.concatenate([free[1], tied[1]]))
        cell_starts = _starts(np.concatenate([free[2], tied[2]]))
        delivered, lost, weight = (np.concatenate([a, b]) for a, b in zip(free[3:], tied[3:], strict=True))
        choice_of = np.repeat(np.arange(len(candidate_starts) - 1), np.diff(candidate_starts))
        owners = candidates.owners()
        keys = choice_of[owners] * max(elements, 1) + candidates.items
        order = np.argsort(keys, kind="stable")
        first = beginnings(keys[order])
        incidence_choice, incidence_element = np.divmod(keys[order[first]], max(elements, 1))
        incidence_candidates = Lists(np.append(first, len(order)).astype(np.int64), owners[order])
        return cls(
            candidates,
            candidate_starts,
            incidence_element,
            np.searchsorted(incidence_choice, np.arange(len(candidate_starts))).astype(np.int64),
            incidence_candidates,
            Lists.gathered(incidence_element, incidence_choice, elements),
            cell_starts,
            delivered,
            lost,
            weight,
        )

    def sums(self, exponents: Floats) -> Floats:
        """The sum of exponents along each candidate, rounded so that equal sums are equal."""
        totals = np.bincount(
            self.candidates.owners(), weights=exponents[self.candidates.items], minlength=len(self.candidates)
        )
        return np.round(totals, DIGITS)

    def resum(self, sums: Floats, choices: Integers, exponents: Floats) -> None:
        """Bring the sums of these choices' candidates up to date."""
        rows = _ranges(self.candidate_starts, choices)
        chosen = self.candidates.chosen(rows)
        totals = np.bincount(chosen.owners(), weights=exponents[chosen.items], minlength=len(rows))
        sums[rows] = np.round(totals, DIGITS)

    def log_likelihoods(self, choices: Integers, sums: Floats) -> Floats:
        """The log likelihood of each choice's cells."""
        classes = _Classes.of(self, choices, sums)
        cells = Lists(self.cell_starts, np.arange(self.cell_starts[-1])).chosen(choices)
        row = cells.owners()
        with np.errstate(divide="ignore"):
            logs = np.log(classes.weights) - np.log(classes.weights.sum(axis=1))[:, None]
        values = _log_sum(self._terms(cells.items, classes.values[row]) + logs[row], axis=1)
        totals = np.bincount(row, weights=values * self.weight[cells.items], minlength=len(choices))
        return totals.astype(np.float64)

    @property
    def crossings(self) -> float:
        """How many elements the packets of all cells crossed, those of each cell on a path of average length."""
        choice_of = np.repeat(np.arange(len(self)), np.diff(self.candidate_starts))
        lengths = np.bincount(choice_of, weights=self.candidates.lengths, minlength=len(self))
        average = lengths / np.maximum(np.diff(self.candidate_starts), 1)
        return float(np.repeat(average, np.diff(self.cell_starts)) @ (self.delivered * self.weight))

    def unexplained(self, sums: Floats, healthy: Floats) -> float:
        """How many lost packets are likely to have been lost on elements at these healthy exponents."""
        chosen = np.flatnonzero(self.lost[self.cell_starts[:-1]] > 0)
        rows = Lists(self.candidate_starts, np.arange(len(self.candidates))).chosen(chosen)
        if not len(rows.items):
            return 0.0
        cells = self.cell_starts[chosen]
        logs = self._terms(cells[rows.owners()], sums[rows.items][:, None])[:, 0]
        logs -= np.repeat(np.maximum.reduceat(logs, rows.starts[:-1]), rows.lengths)
        weights = np.exp(logs)
        paths = self.candidates.chosen(rows.items)
        calm = np.bincount(paths.owners(), weights=healthy[paths.items], minlength=len(rows.items))
        share = np.add.reduceat(weights * calm / sums[rows.items], rows.starts[:-1])
        return float(self.lost[cells] @ (share / np.add.reduceat(weights, rows.starts[:-1])))

    def _terms(self, cells: Integers, sums: Floats) -> Floats:
        """Log likelihood of the cells on paths of these sums; `sums` has a row for each cell."""
        lost = self.lost[cells]
        terms = -self.delivered[cells][:, None] * sums
        if lost.any():
            with np.errstate(divide="ignore", invalid="ignore"):
                terms += np.where(lost[:, None] > 0, lost[:, None] * log_lost(sums), 0.0)
        return np.asarray(terms)

    def gains(
        self, choices: Integers, exponents: Floats, sums: Floats, healthy: float, nodes: Floats, into: Floats, sign: int
    ) -> None:
        """Add, for each element, how much better each rate explains these choices than health, all others as they are.

        With `sign` -1 it is taken away.
        """
        cells = np.diff(self.cell_starts)[choices] * 6
        step = max(1, BATCH // len(nodes))
        edges = np.searchsorted(np.cumsum(cells) // step, np.arange(1, cells.sum() // step + 1))
        for part in np.split(choices, np.unique(edges)):
            if len(part):
                incidences = _ranges(self.incidence_starts, part)
                owners = np.repeat(np.arange(len(part)), np.diff(self.incidence_starts)[part])
                table, rows = self._profiles(part, incidences, owners, exponents, sums, healthy, nodes)
                order = np.argsort(self.incidence_element[incidences], kind="stable")
                found = self.incidence_element[incidences][order]
                first = beginnings(found)
                into[found[first]] += sign * np.add.reduceat(table[rows[order]], first, axis=0)

    def gains_of(self, element: int, exponents: Floats, sums: Floats, healthy: float, nodes: Floats) -> Floats:
        """The same for one element, from all its choices."""
        choices = self.choices_of[element]
        total = np.zeros(len(nodes))
        for part in np.array_split(choices, 1 + int(np.diff(self.cell_starts)[choices].sum()) * len(nodes) // BATCH):
            if len(part):
                incidences = self._incidences_of(element, part)
                table, rows = self._profiles(
                    part, incidences, np.arange(len(part)), exponents, sums, healthy, nodes
                )
                total += np.bincount(rows, minlength=len(table)) @ table
        return total

    def elements_of(self, choices: Integers) -> Integers:
        """The elements of these choices, one after the other; some more than once."""
        return np.asarray(self.incidence_element[_ranges(self.incidence_starts, choices)])

    def _incidences_of(self, element: int, choices: Integers) -> Integers:
        incidences = _ranges(self.incidence_starts, choices)
        return np.asarray(incidences[self.incidence_element[incidences] == element])

    def _profiles(
        self,
        choices: Integers,
        incidences: Integers,
        owners: Integers,
        exponents: Floats,
        sums: Floats,
        healthy: float,
        nodes: Floats,
    ) -> tuple[Floats, Integers]:
        """The gains of each different profile, and the profile of each incidence.

        Incidences of one choice have one profile where they lie on the same number of its candidates of each sum.
        """
        classes = _Classes.of(self, choices, sums)
        width = classes.values.shape[1]
        chosen = self.incidence_candidates.chosen(incidences)
        classed = classes.number[chosen.items - classes.offset[np.repeat(owners, chosen.lengths)]]
        signature = np.add.reduceat(classes.signature[classed], chosen.starts[:-1])
        excess = exponents[self.incidence_element[incidences]] - healthy
        order = np.lexsort((excess, signature, owners))
        new = np.ones(len(order), dtype=bool)
        new[1:] = (np.diff(owners[order]) != 0) | (signature[order][1:] != signature[order][:-1])
        new[1:] |= np.diff(excess[order]) != 0
        rows = np.empty(len(order), dtype=np.int64)
        rows[order] = np.cumsum(new) - 1
        shown = order[new]
        profile_of = chosen.owners()
        is_shown = np.zeros(len(order), dtype=bool)
        is_shown[shown] = True
        keep = is_shown[profile_of]
        crossed = np.bincount(rows[profile_of[keep]] * width + classed[keep], minlength=len(shown) * width)
        crossing = crossed.reshape(len(shown), width).astype(np.float64)
        table = self._table(choices, owners[shown], classes, crossing, excess[shown], healthy, nodes)
        return table, rows

    def _table(
        self,
        choices: Integers,
        owner: Integers,
        classes: _Classes,
        crossed: Floats,
        excess: Floats,
        healthy: float,
        nodes: Floats,
    ) -> Floats:
        """For each profile: the sum over its choice's cells of the gain at each node."""
        cells = Lists(self.cell_starts, np.arange(self.cell_starts[-1])).chosen(choices[owner])
        pair, cell = cells.owners(), cells.items
        values = classes.values[owner]
        with np.errstate(divide="ignore"):
            spared = self._terms(cell, values[pair]) + np.log(classes.weights[owner] - crossed)[pair]
            shares = np.log(crossed)
        rest = _log_sum(spared, axis=1)
        cleared = np.maximum(values - excess[:, None], 0.0)
        calm = _log_sum(self._terms(cell, cleared[pair]) + shares[pair], axis=1)
        share = np.exp(calm - np.logaddexp(rest, calm))
        gains = -self.delivered[cell][:, None] * (nodes - healthy)[None, :]
        lossy = np.flatnonzero(self.lost[cell] > 0)
        if len(lossy):
            gains[lossy] += self._accusing(cell[lossy], cleared[pair[lossy]], shares[pair[lossy]], healthy, nodes)
        some = np.flatnonzero(share < ALL)
        part, other = share[some][:, None], (1.0 - share[some])[:, None]
        gains[some] = np.log(other + part * np.exp(np.minimum(gains[some], 600.0)))
        gains *= self.weight[cell][:, None]
        return np.add.reduceat(gains, cells.starts[:-1], axis=0)

    def _accusing(self, cells: Integers, sums: Floats, shares: Floats, healthy: float, nodes: Floats) -> Floats:
        """For lossy cells: what the lost packets add to the gain at each node, on the candidates that are crossed."""
        weights = self._terms(cells, sums) + shares
        weights -= _log_sum(weights, axis=1)[:, None]
        calm = np.maximum(sums, 1e-300)
        more = np.maximum(calm[:, :, None] + (nodes - healthy)[None, None, :], 1e-300)
        ratio = self.lost[cells][:, None, None] * (log_lost(more) - log_lost(calm)[:, :, None])
        return _log_sum(weights[:, :, None] + ratio, axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Classes:
    """Candidates of one sum. values, weights: for each choice its different sums and how many candidates have them,
    padded with zeros; number: the class of each candidate of these choices; offset: turns a candidate's number into
    its place in that column; signature: for each class a random-looking number, to tell profiles apart by their sum.
    """

    values: Floats
    weights: Floats
    number: Integers
    offset: Integers
    signature: NDArrayU

    @classmethod
    def of(cls, choices: Choices, chosen: Integers, sums: Floats) -> _Classes:
        rows = _ranges(choices.candidate_starts, chosen)
        lengths = np.diff(choices.candidate_starts)[chosen]
        owners = np.repeat(np.arange(len(chosen)), lengths)
        order = np.lexsort((sums[rows], owners))
        first = np.ones(len(order), dtype=bool)
        first[1:] = (np.diff(owners[order]) != 0) | (np.diff(sums[rows][order]) != 0)
        run = np.cumsum(first) - 1
        begin = run[np.searchsorted(owners[order], np.arange(len(chosen)))]
        number = np.empty(len(order), dtype=np.int64)
        number[order] = run - begin[owners[order]]
        width = int(number.max()) + 1 if len(number) else 1
        weights = np.bincount(owners * width + number, minlength=len(chosen) * width).reshape(len(chosen), width)
        values = np.zeros((len(chosen), width))
        values[owners, number] = sums[rows]
        offset = choices.candidate_starts[chosen] - (np.cumsum(lengths) - lengths)
        signature = (np.arange(1, width + 1, dtype=np.uint64) * _SCRAMBLE) ** np.uint64(3)
        return cls(values, weights.astype(float), number, offset, signature)


NDArrayU = np.ndarray[tuple[int, ...], np.dtype[np.uint64]]


def _log_sum(logs: Floats, axis: int) -> Floats:
    """log of the sum of exponentials; -inf where all are."""
    top = logs.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(logs - top).sum(axis=axis)) + top.squeeze(axis))


def _starts(lengths: Integers) -> Integers:
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts


def _ranges(starts: Integers, rows: Integers) -> Integers:
    """The numbers from starts[i] to starts[i + 1] for each row i."""
    return Lists(starts, np.zeros(0, dtype=np.int64)).positions(rows)


_Cells = tuple[Lists, Integers, Integers, Floats, Floats, Floats]


def find_bound(counts: Counts, elements: int) -> NDArray[np.bool_]:
    """Measurements whose sure and possible elements cannot be taken apart: with loss, or with an element in both."""
    chosen = np.flatnonzero((counts.choice != NONE) & (counts.path != NONE) & (counts.lost == 0))
    bound = (counts.choice != NONE) & (counts.lost > 0)
    if len(chosen):
        used = np.unique(counts.choice[chosen])
        paths = counts.choices.chosen(used)
        candidates = counts.paths.chosen(paths.items)
        possible = used[paths.owners()][candidates.owners()] * elements + candidates.items
        possible.sort(kind="stable")
        sure = counts.paths.chosen(counts.path[chosen])
        keys = counts.choice[chosen][sure.owners()] * elements + sure.items
        place = np.minimum(np.searchsorted(possible, keys), len(possible) - 1)
        if len(possible):
            bound[chosen[sure.owners()[possible[place] == keys]]] = True
    return np.asarray(bound)


def _free_cells(counts: Counts, bound: NDArray[np.bool_]) -> _Cells:
    """What is surely crossed is cleared elsewhere; measurements of one choice and as many packets are one cell."""
    chosen = np.flatnonzero((counts.choice != NONE) & ~bound & (counts.sent > 0))
    largest = int(counts.sent[chosen].max()) + 1 if len(chosen) else 1
    keys, weight = np.unique(counts.choice[chosen] * largest + counts.sent[chosen], return_counts=True)
    choice, sent = np.divmod(keys, largest)
    used, cells = np.unique(choice, return_counts=True)
    paths = counts.choices.chosen(used)
    return (
        counts.paths.chosen(paths.items),
        paths.lengths,
        cells,
        sent.astype(float),
        np.zeros(len(sent)),
        weight.astype(float),
    )


def _bound_cells(counts: Counts, bound: NDArray[np.bool_]) -> _Cells:
    """A cell for each measurement: its packets tell of what is surely crossed and of the candidates together."""
    chosen = np.flatnonzero(bound & (counts.sent > 0))
    paths = counts.choices.chosen(counts.choice[chosen])
    measured = paths.owners()
    sure = counts.path[chosen][measured]
    certain = Lists(counts.paths.starts, counts.paths.items).chosen(np.maximum(sure, 0)) if len(counts.paths) else None
    owners, items = [], []
    if certain is not None:
        keep = (sure != NONE)[certain.owners()]
        owners.append(certain.owners()[keep])
        items.append(certain.items[keep])
        candidates = counts.paths.chosen(paths.items)
        owners.append(candidates.owners())
        items.append(candidates.items)
    if owners:
        keys = np.concatenate(owners) * (1 << 40) + np.concatenate(items)
        keys.sort(kind="stable")
        owner, item = np.divmod(keys[beginnings(keys)], 1 << 40)
        merged = Lists.gathered(owner, item, len(measured))
    else:
        merged = Lists.of(())
    delivered = (counts.sent - counts.lost)[chosen]
    return (
        merged,
        paths.lengths,
        np.ones(len(chosen), dtype=np.int64),
        delivered.astype(float),
        counts.lost[chosen].astype(float),
        np.ones(len(chosen)),
    )
