"""The books that are kept while a capture is read once: its flows, and what passed and was lost in each time bin.

A `Ledger` holds the rows that the kernels of `flow_table` and `tallies` work on, and makes them larger when they are
full: lists for a small capture, arrays for a large one, with the same numbers in them. Memory is bounded: past
`MOST_FLOWS` flows the longest silent ones are closed (the largest of them are kept for the reader), past `MOST_BINS`
time bins all become twice as wide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from attribution.packets import flow_table as ft
from attribution.packets import tallies as tl
from attribution.packets.columns import Row
from attribution.packets.lean import LEAN_WIDTH

MOST_FLOWS: Final = 1 << 18
MOST_BINS: Final = 1 << 18
MOST_NOTES: Final = 20_000
KEPT_OF_CLOSED: Final = 4_096
SECOND_NS: Final = 1_000_000_000
EARLIEST_NS: Final = -(1 << 62)
LATEST_NS: Final = 1 << 62
Words = Row
Note = tuple[int, ...]


class Memory(Protocol):
    """Where rows of integers live: in lists or in arrays."""

    def filled(self, count: int, value: int) -> Any:
        """So many words of this value."""

    def enlarged(self, words: Any, count: int) -> Any:
        """The same words and zeros behind them, `count` in all."""


class Lists:
    """Plain Python's memory."""

    def filled(self, count: int, value: int) -> list[int]:
        return [value] * count

    def enlarged(self, words: list[int], count: int) -> list[int]:
        return words + [0] * (count - len(words))


@dataclass(frozen=True, slots=True)
class Kernels:
    """The functions that do the work: as they stand, or compiled."""

    judge_batch: Callable[..., int] = ft.judge_batch
    rehash: Callable[..., int] = ft.rehash
    tally_batch: Callable[..., int] = tl.tally_batch
    refile_bins: Callable[..., int] = tl.refile_bins
    refile_pairs: Callable[..., int] = tl.refile_pairs


class Batch(Protocol):
    """Some packets in a row as `lean` rows, and what is found of each."""

    lean: Any
    sacks: Any
    health: Any
    flow_of: Any
    fresh: Any
    duplicates: Any
    count: int


@dataclass(slots=True)
class PlainBatch:
    """A batch in lists."""

    lean: list[int]
    sacks: list[int]
    health: list[int]
    flow_of: list[int]
    fresh: list[int]
    duplicates: list[int]
    count: int


def plain_batch(count: int, sacks: int = 0) -> PlainBatch:
    """Room for so many packets."""
    return PlainBatch(
        [0] * (count * LEAN_WIDTH), [0] * sacks, [0] * count, [0] * count, [0] * count, [0] * count, count
    )


@dataclass(slots=True)
class ClosedFlows:
    """Flows that were closed to bound memory: how many, and the rows of those with the most packets.

    `failed` are the rows of those whose handshake had failed, as many as there is room for, of `failed_count`.
    """

    count: int = 0
    rows: list[tuple[list[int], list[int]]] = field(default_factory=list)
    failed: list[list[int]] = field(default_factory=list)
    failed_count: int = 0


class Ledger:
    """Flows, pairs and bins of one capture. `batch_size` is the most packets that a batch holds."""

    def __init__(self, batch_size: int, memory: Memory | None = None, kernels: Kernels | None = None) -> None:
        self.memory: Memory = memory or Lists()
        self.kernels = kernels or Kernels()
        self.closed = ClosedFlows()
        self.notes: list[Note] = []
        self.notes_left_out = 0
        self._judged = self._tallied = 0
        filled = self.memory.filled
        self.slots = filled(1 << 8, -1)
        self.table = filled((1 << 6) * ft.FLOW_WIDTH, 0)
        self.counters = filled(ft.COUNTERS, 0)
        self.counters[ft.MASK], self.counters[ft.CAPACITY], self.counters[ft.FREE] = (1 << 8) - 1, 1 << 6, -1
        self.counters[ft.EARLIEST], self.counters[ft.LATEST] = LATEST_NS, EARLIEST_NS
        self.kinds = filled(ft.HEALTH_KINDS, 0)
        self.shown = filled(ft.HEALTH_KINDS * ft.FRAMES_SHOWN, 0)
        self.protocols = filled(ft.PROTOCOLS, 0)
        self._noted = filled(2 * batch_size * ft.NOTE_WIDTH, 0)
        self.progress = filled((1 << 6) * tl.PROGRESS_WIDTH, 0)
        self.pair_slots = filled(1 << 8, -1)
        self.pairs = filled((1 << 6) * tl.PAIR_WIDTH, 0)
        self.bin_slots = filled(1 << 10, -1)
        self.bins = filled((1 << 8) * tl.BIN_WIDTH, 0)
        self.tallies = filled(tl.TALLY_COUNTERS, 0)
        self.tallies[tl.PAIR_MASK], self.tallies[tl.PAIR_CAPACITY] = (1 << 8) - 1, 1 << 6
        self.tallies[tl.BIN_MASK], self.tallies[tl.BIN_CAPACITY] = (1 << 10) - 1, 1 << 8
        self.tallies[tl.BIN_NS] = SECOND_NS
        self.tallies[tl.PAIRS] = 1  # the first is that of all others

    def judge(self, batch: Batch) -> bool:
        """Put a batch's packets into their flows and judge its TCP segments.

        False where flows must be closed first: call again when all batches before were tallied.
        """
        drained = self._judged > 0
        while True:
            self._judged = self.kernels.judge_batch(
                batch.lean, self._judged, batch.count, self.slots, self.table, self.counters, batch.health,
                batch.flow_of, batch.fresh, batch.duplicates, self.kinds, self.shown, self._noted,
                self.protocols,
            )  # fmt: skip
            self._take_notes()
            if self._judged == batch.count:
                self._judged = 0
                return True
            if self.counters[ft.USED] < MOST_FLOWS:
                self._more_flows()
            elif drained:
                self._tally_up_to(batch, self._judged)
                self._close_flows()
            else:
                return False

    def tally(self, batch: Batch) -> bool:
        """Count a judged batch into its bins, and time its connections."""
        self._tally_up_to(batch, batch.count)
        self._tallied = 0
        return True

    def _tally_up_to(self, batch: Batch, end: int) -> None:
        needed = int(self.counters[ft.CAPACITY]) * tl.PROGRESS_WIDTH
        if len(self.progress) < needed:
            self.progress = self.memory.enlarged(self.progress, needed)
        while self._tallied < end:
            self._tallied = self.kernels.tally_batch(
                batch.lean, batch.health, batch.flow_of, batch.fresh, self._tallied, end, self.progress,
                self.pair_slots, self.pairs, self.bin_slots, self.bins, self.tallies,
            )  # fmt: skip
            if self._tallied < end:
                self._more_tallies()

    def _take_notes(self) -> None:
        count = int(self.counters[ft.NOTES])
        self.counters[ft.NOTES] = 0
        for number in range(count):
            if len(self.notes) >= MOST_NOTES:
                self.notes_left_out += 1
                continue
            at = number * ft.NOTE_WIDTH
            note = [int(word) for word in self._noted[at : at + ft.NOTE_WIDTH]]
            base = note[ft.NOTE_FLOW] * ft.FLOW_WIDTH  # rows may be left to others later: keep whose it is
            self.notes.append((*note, *(int(word) for word in self.table[base : base + ft.FLOW_SIDES])))

    def _more_flows(self) -> None:
        capacity = min(2 * int(self.counters[ft.CAPACITY]), MOST_FLOWS)
        self.table = self.memory.enlarged(self.table, capacity * ft.FLOW_WIDTH)
        self.counters[ft.CAPACITY] = capacity
        if len(self.slots) < 4 * capacity:
            self._rehash(4 * capacity)

    def _rehash(self, size: int) -> None:
        self.slots = self.memory.filled(size, -1)
        self.counters[ft.MASK] = size - 1
        self.kernels.rehash(self.slots, size - 1, self.table, int(self.counters[ft.FLOWS]))

    def _more_tallies(self) -> None:
        counters = self.tallies
        if counters[tl.PAIRS] >= counters[tl.PAIR_CAPACITY]:
            self._more_pairs()
            return
        count, capacity = int(counters[tl.BINS]), int(counters[tl.BIN_CAPACITY])
        if capacity >= MOST_BINS:
            counters[tl.BIN_NS] *= 2
        else:
            capacity *= 2
        times = 1
        if capacity >= MOST_BINS:
            times = 2
        else:
            capacity *= 2
        counters[tl.BIN_NS] *= times
        counters[tl.BINS], counters[tl.BIN_CAPACITY], counters[tl.BIN_MASK] = 0, capacity, 4 * capacity - 1
        old, self.bins = self.bins, self.memory.filled(capacity * tl.BIN_WIDTH, 0)
        self.bin_slots = self.memory.filled(4 * capacity, -1)
        self.kernels.refile_bins(old, count, times, self.bin_slots, self.bins, counters)

    def _more_pairs(self) -> None:
        capacity = 2 * int(self.tallies[tl.PAIR_CAPACITY])
        self.pairs = self.memory.enlarged(self.pairs, capacity * tl.PAIR_WIDTH)
        self.pair_slots = self.memory.filled(4 * capacity, -1)
        self.tallies[tl.PAIR_CAPACITY], self.tallies[tl.PAIR_MASK] = capacity, 4 * capacity - 1
        self.kernels.refile_pairs(self.pairs, int(self.tallies[tl.PAIRS]), self.pair_slots, 4 * capacity - 1)

    def _close_flows(self) -> None:
        """Leave the rows of the half of all flows that has been silent the longest."""
        count = int(self.counters[ft.FLOWS])
        silent = sorted(
            (int(self.table[flow * ft.FLOW_WIDTH + ft.FLOW_LAST_FRAME]), flow)
            for flow in range(count)
            if self.table[flow * ft.FLOW_WIDTH + ft.FLOW_HASH] >= 0
        )
        leaving = [flow for _, flow in silent[: len(silent) // 2]]
        self.closed.count += len(leaving)
        self._keep_of(leaving)
        for flow in leaving:
            base = flow * ft.FLOW_WIDTH
            self.table[base + ft.FLOW_HASH] = -1
            self.table[base + ft.FLOW_FRAME] = self.counters[ft.FREE]
            self.counters[ft.FREE] = flow
        self.counters[ft.USED] -= len(leaving)
        self._rehash(len(self.slots))

    def _keep_of(self, leaving: Sequence[int]) -> None:
        rows = [self.rows_of(flow) for flow in leaving]
        for row in rows:
            self._note_closed_window(row[0])
        failed = [row for row, _ in rows if row[ft.FLOW_OPENING] in (ft.ASKED, ft.ACCEPTED, ft.REFUSED)]
        self.closed.failed_count += len(failed)
        self.closed.failed += failed[: max(0, MOST_NOTES - len(self.closed.failed))]
        self.closed.rows = sorted((*self.closed.rows, *rows), key=lambda pair: -packets_of(pair[0]))[:KEPT_OF_CLOSED]

    def _note_closed_window(self, row: list[int]) -> None:
        """A window that was closed to the last is told when its flow leaves."""
        for number in range(2):
            side = row[ft.FLOW_SIDES + number * ft.SIDE_WIDTH :]
            start, end = side[ft.SIDE_CLOSED_TIME], row[ft.FLOW_LAST_TIME]
            if side[ft.SIDE_CLOSED] and end - start >= ft.SHORTEST_CLOSED_NS and len(self.notes) < MOST_NOTES:
                spell = (side[ft.SIDE_CLOSED], start, end, side[ft.SIDE_CLOSED_COUNT], 0)
                self.notes.append((ft.CLOSED, -1, number, *spell, *row[: ft.FLOW_SIDES]))

    def column(self, offset: int) -> list[int]:
        """One word of every row of the flow table, those that flows have left included (FLOW_HASH is negative)."""
        found = self.table[offset : int(self.counters[ft.FLOWS]) * ft.FLOW_WIDTH : ft.FLOW_WIDTH]
        return [int(word) for word in found]

    def rows_of(self, flow: int) -> tuple[list[int], list[int]]:
        """A flow's rows of the table and of its progress, as lists."""
        row = self.table[flow * ft.FLOW_WIDTH : (flow + 1) * ft.FLOW_WIDTH]
        progress = self.progress[flow * tl.PROGRESS_WIDTH : (flow + 1) * tl.PROGRESS_WIDTH]
        return [int(word) for word in row], [int(word) for word in progress]

    def flows(self) -> Iterator[int]:
        """The flows in the table, by number."""
        for flow in range(int(self.counters[ft.FLOWS])):
            if self.table[flow * ft.FLOW_WIDTH + ft.FLOW_HASH] >= 0:
                yield flow


def packets_of(row: Sequence[int]) -> int:
    """How many packets a flow has."""
    return sum(row[ft.FLOW_SIDES + side * ft.SIDE_WIDTH + ft.SIDE_PACKETS] for side in range(2))
