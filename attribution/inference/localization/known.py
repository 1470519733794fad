"""Packets whose way is known: all that arrived clear each element of it, a lost one accuses the elements together.

Losses are counted in **exponents**: an element that loses the share r has the exponent -log(1 - r), and the exponents
along a path add up. A path that delivered d packets and lost k has the log likelihood -d·s + k·log(1 - exp(-s)) for the
sum s of its exponents. The first term belongs to the elements one by one, so paths without loss need no row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attribution.inference.localization.tables import NONE, Counts, Floats, Integers, Lists

# Products of rows and rates that are worked on at once: a few megabytes.
BATCH = 400_000


def log_lost(sums: Floats) -> Floats:
    """log(1 - exp(-s)): that a packet is lost on a path of this exponent."""
    return np.log(-np.expm1(-sums))


@dataclass(frozen=True, slots=True, eq=False)
class KnownPaths:
    """`delivered`: packets that crossed each element and arrived. `rows`: the paths that lost `lost` packets."""

    delivered: Floats
    rows: Lists
    lost: Floats
    rows_of: Lists

    @classmethod
    def of(cls, counts: Counts, elements: int, bound: NDArray[np.bool_]) -> KnownPaths:
        """Measurements of one path are added up: of a known path only the sums matter.

        What is `bound` to a choice of paths is counted there; of the other choices the sure part is cleared here.
        """
        known = (counts.path != NONE) & (counts.choice == NONE)
        clears = (counts.path != NONE) & ~bound
        paths = len(counts.paths)
        arrived = counts.sent - counts.lost
        per_path = _sums(counts.path[clears], arrived[clears], paths)
        delivered = _sums(counts.paths.items, np.repeat(per_path, counts.paths.lengths), elements)
        lost = _sums(counts.path[known], counts.lost[known], paths)
        lossy = np.flatnonzero((lost > 0) & (counts.paths.lengths > 0))
        rows = counts.paths.chosen(lossy)
        return cls(delivered, rows, lost[lossy], rows.turned(elements))

    def sums(self, exponents: Floats) -> Floats:
        if not len(self.rows):
            return np.zeros(0)
        return np.add.reduceat(exponents[self.rows.items], self.rows.starts[:-1])

    def log_likelihood(self, exponents: Floats, sums: Floats) -> float:
        return float(self.lost @ log_lost(sums) - self.delivered @ exponents)

    def gains(self, elements: Integers, exponents: Floats, sums: Floats, healthy: float, nodes: Floats) -> Floats:
        """How much better each rate explains each element's own packets than health does, all others as they are."""
        gains = -self.delivered[elements][:, None] * (nodes - healthy)[None, :]
        lengths = self.rows_of.starts[elements + 1] - self.rows_of.starts[elements]
        accused = np.flatnonzero(lengths)
        step = max(1, BATCH // len(nodes))
        edges = np.searchsorted(np.cumsum(lengths[accused]) // step, np.arange(1, lengths.sum() // step + 1))
        for part in np.split(accused, np.unique(edges)):
            if len(part):
                self._add_rows(gains, elements, part, exponents, sums, healthy, nodes)
        return gains

    def gains_of(self, element: int, exponent: float, sums: Floats, healthy: float, nodes: Floats) -> Floats:
        """The same for one element, which is at this exponent."""
        gains: Floats = (healthy - nodes) * self.delivered[element]
        rows = self.rows_of[element]
        if len(rows):
            others = np.maximum(sums[rows] - exponent, 0.0)
            accusing = log_lost(others[:, None] + nodes) - log_lost(others + healthy)[:, None]
            gains += self.lost[rows] @ accusing
        return gains

    def _add_rows(
        self,
        gains: Floats,
        elements: Integers,
        part: Integers,
        exponents: Floats,
        sums: Floats,
        healthy: float,
        nodes: Floats,
    ) -> None:
        chosen = self.rows_of.chosen(elements[part])
        others = sums[chosen.items] - np.repeat(exponents[elements[part]], chosen.lengths)
        others = np.maximum(others, 0.0)
        shares = log_lost(others[:, None] + nodes[None, :]) - log_lost(others + healthy)[:, None]
        shares *= self.lost[chosen.items][:, None]
        gains[part] += np.add.reduceat(shares, chosen.starts[:-1], axis=0)


def _sums(owners: Integers, weights: Integers | Floats, count: int) -> Floats:
    return np.bincount(owners, weights=weights, minlength=count).astype(np.float64)
