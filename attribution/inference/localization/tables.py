"""What the localizer reads, in columns: what may lose packets, which ways packets took, and how many arrived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from attribution.errors import EvidenceError

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
NONE = -1
"""In the columns `path` and `choice` of a Counts: there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """Lists of different lengths in two columns: list i is items[starts[i]:starts[i + 1]]."""

    starts: Integers
    items: Integers

    @classmethod
    def of(cls, lists: Iterable[Sequence[int]]) -> Lists:
        rows = [np.asarray(row, dtype=np.int64) for row in lists]
        starts = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=starts[1:])
        return cls(starts, np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64))

    @classmethod
    def gathered(cls, owners: Integers, items: Integers, count: int) -> Lists:
        """The items of each owner, in the order in which they came."""
        order = np.argsort(owners, kind="stable")
        starts = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(np.bincount(owners, minlength=count), out=starts[1:])
        return cls(starts, items[order])

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> Integers:
        return self.items[self.starts[index] : self.starts[index + 1]]

    @property
    def lengths(self) -> Integers:
        return np.diff(self.starts)

    def owners(self) -> Integers:
        """For each item, the number of its list."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.lengths)

    def positions(self, rows: Integers) -> Integers:
        """Where the items of these lists stand in `items`, list after list."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        shifts = np.repeat(self.starts[rows] - ends + lengths, lengths)
        return np.asarray(np.arange(total, dtype=np.int64) + shifts)

    def chosen(self, rows: Integers) -> Lists:
        """These lists, in this order."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        starts = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum(lengths, out=starts[1:])
        return Lists(starts, self.items[self.positions(rows)])

    def turned(self, count: int) -> Lists:
        """For each of `count` items, the lists that hold it, in ascending order."""
        return Lists.gathered(self.items, self.owners(), count)


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What can lose packets. An **element** has a loss rate of its own: a direction of a link, the inside of a device.

    `devices` lists the elements that fail with a device: both directions of its links, and its inside if that is an
    element. A failed device may lose packets on some of them only.
    """

    elements: int
    devices: Lists

    def __post_init__(self) -> None:
        _check_lists("devices", self.devices, self.elements, "an element")


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Measurements: `sent` packets went one way, `lost` of them did not arrive.

    A measurement's packets crossed all elements of `paths[path]` and, where its `choice` is not NONE, all elements of
    one of `paths[p] for p in choices[choice]`, each as likely as the others: equal-cost paths of which nobody knows
    which one was taken. All packets of one measurement went the same way. Either column may be NONE. A path names an
    element once at most. The columns have one length; repeated measurements count as often as they stand there.
    """

    paths: Lists
    choices: Lists
    sent: Integers
    lost: Integers
    path: Integers
    choice: Integers

    @classmethod
    def of(
        cls,
        paths: Lists,
        sent: ArrayLike,
        lost: ArrayLike,
        path: ArrayLike,
        choice: ArrayLike | None = None,
        choices: Lists | None = None,
    ) -> Counts:
        """From anything that numpy reads as integers."""
        known = np.asarray(path, dtype=np.int64)
        unknown = np.full(len(known), NONE, dtype=np.int64) if choice is None else np.asarray(choice, dtype=np.int64)
        columns = np.asarray(sent, dtype=np.int64), np.asarray(lost, dtype=np.int64)
        return cls(paths, choices or Lists.of(()), *columns, known, unknown)

    def check(self, parts: Parts) -> None:
        """Raise EvidenceError where a column contradicts another."""
        _check_lists("paths", self.paths, parts.elements, "an element")
        _check_lists("choices", self.choices, len(self.paths), "a path")
        columns = {"lost": self.lost, "path": self.path, "choice": self.choice}
        for name, column in columns.items():
            if len(column) != len(self.sent):
                raise EvidenceError(f"column {name}", f"{len(column)} rows", f"{len(self.sent)}, as many as sent")
        _check_rows("lost", (self.lost < 0) | (self.lost > self.sent), self.lost, "between 0 and sent")
        _check_rows("path", (self.path < NONE) | (self.path >= len(self.paths)), self.path, "a path or NONE")
        wrong = (self.choice < NONE) | (self.choice >= len(self.choices))
        _check_rows("choice", wrong, self.choice, "a choice or NONE")
        _check_rows("choices", self.choices.lengths == 0, self.choices.lengths, "at least one path in each")
        keys = self.paths.owners() * max(parts.elements, 1) + self.paths.items
        keys.sort(kind="stable")  # which is fast for what is nearly in order
        twice = np.flatnonzero(keys[1:] == keys[:-1])
        if len(twice):
            path, element = divmod(int(keys[twice[0]]), parts.elements)
            raise EvidenceError(f"path {path}", f"element {element} twice", "each element once at most")


def beginnings(ordered: Integers) -> Integers:
    """Where in an ordered column each different number stands first."""
    new = np.ones(len(ordered), dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return np.flatnonzero(new)


def _check_lists(name: str, lists: Lists, limit: int, what: str) -> None:
    whole = len(lists.starts) > 0 and int(lists.starts[0]) == 0 and int(lists.starts[-1]) == len(lists.items)
    if not whole or bool((np.diff(lists.starts) < 0).any()):
        raise EvidenceError(f"lists of {name}", "starts that do not fit the items", "from 0, ascending, to the end")
    _check_rows(name, (lists.items < 0) | (lists.items >= limit), lists.items, f"{what}, below {limit}")


def _check_rows(name: str, wrong: NDArray[np.bool_], column: Integers, expected: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise EvidenceError(f"{name}, row {row}", f"{column[row]}", expected)
