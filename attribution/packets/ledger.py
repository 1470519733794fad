"""The books that are kept while a capture is read once: its flows, and what passed and was lost in each time bin.

A `Ledger` holds the rows that the kernels of `flow_table` and `pair_bins` work on, and makes them larger when they are
full: lists for a small capture, arrays for a large one, with the same numbers in them. Memory is bounded: past
`MOST_FLOWS` flows the longest silent ones are closed (the largest of them are kept for the reader), past `MOST_BINS`
time bins all become twice as wide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Any, Final, Protocol

from attribution.packets import failures as fl
from attribution.packets import flow_table as ft
from attribution.packets import following as fw
from attribution.packets import pair_bins as pb
from attribution.packets.columns import Row
from attribution.packets.lean import LEAN_WIDTH
from attribution.packets.one_point.nodes import NODE_WIDTH, ROOM, open_nodes
from attribution.packets.one_point.state import DOWNSTREAM, NODES_NEEDED, UNANSWERED
from attribution.packets.taken_numbers import TAKEN_WORDS

ATTEMPT_COLUMNS: Final = (
    *range(ft.FLOW_KEY, ft.FLOW_KEY + 5), ft.FLOW_OPENING, ft.FLOW_STARTER, ft.FLOW_FRAME,
    *(ft.FLOW_SIDES + side * ft.SIDE_WIDTH + ft.SIDE_FIRST for side in range(2)),
    *(ft.FLOW_SIDES + side * ft.SIDE_WIDTH + ft.SIDE_LIFE_MOST for side in range(2)),
)  # fmt: skip
MOST_FLOWS: Final = 1 << 18
MOST_BINS: Final = 1 << 18
MOST_NOTES: Final = 20_000
MOST_LOSSES: Final = 50_000  # listed one by one, with their sizes
FIRST_FLOWS: Final = 64
FIRST_NODES: Final = 256
FIRST_BINS: Final = 1 << 10
LOST_BEYOND: Final = frozenset({DOWNSTREAM, UNANSWERED})
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

    def picked(self, words: Any, offset: int, width: int, rows: Sequence[int]) -> list[int]:
        """The words at `offset` of some rows of `width` words."""

    def column(self, words: Any, offset: int, width: int, count: int) -> list[int]:
        """The words at `offset` of the first `count` rows of `width` words."""


class Lists:
    """Plain Python's memory."""

    def filled(self, count: int, value: int) -> list[int]:
        return [value] * count

    def enlarged(self, words: list[int], count: int) -> list[int]:
        return words + [0] * (count - len(words))

    def picked(self, words: list[int], offset: int, width: int, rows: Sequence[int]) -> list[int]:
        return [words[row * width + offset] for row in rows]

    def column(self, words: list[int], offset: int, width: int, count: int) -> list[int]:
        return words[offset : count * width : width]


@dataclass(frozen=True, slots=True)
class Kernels:
    """The functions that do the work: as they stand, or compiled."""

    judge_batch: Callable[..., int] = ft.judge_batch
    rehash: Callable[..., int] = ft.rehash
    leave_rows: Callable[..., int] = ft.leave_rows
    free_rows: Callable[..., int] = ft.free_rows
    gather_failures: Callable[..., int] = fl.gather_failures
    follow_batch: Callable[..., int] = fw.follow_batch
    settle_flows: Callable[..., int] = fw.settle_flows
    refile_bins: Callable[..., int] = pb.refile_bins
    refile_pairs: Callable[..., int] = pb.refile_pairs


class Batch(Protocol):
    """Some packets in a row as `lean` rows, and what is found of each."""

    lean: Any
    extra: Any
    health: Any
    stream: Any
    flow_of: Any
    fresh: Any
    duplicates: Any
    count: int


@dataclass(slots=True)
class PlainBatch:
    """A batch in lists."""

    lean: list[int]
    extra: list[int]
    health: list[int]
    stream: list[int]
    flow_of: list[int]
    fresh: list[int]
    duplicates: list[int]
    count: int


def plain_batch(count: int, extra: int = 0) -> PlainBatch:
    """Room for so many packets."""
    health, stream, flow_of, fresh, duplicates = ([0] * count for _ in range(5))
    return PlainBatch([0] * (count * LEAN_WIDTH), [0] * extra, health, stream, flow_of, fresh, duplicates, count)


@dataclass(slots=True)
class ClosedFlows:
    """Flows that were closed to bound memory: how many, and the rows of those with the most packets.

    Only what has more packets than `least` is worth keeping; it is found when flows are closed for the first time.
    """

    count: int = 0
    least: int = 0
    rows: list[tuple[list[int], list[int]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A connection that did not come about: words of its flow's row."""

    one_high: int
    one_low: int
    other_high: int
    other_low: int
    kind: int
    opening: int
    starter: int
    frame: int
    one_first_ns: int
    other_first_ns: int
    one_life: int
    other_life: int

    @property
    def client(self) -> tuple[int, int]:
        return (self.other_high, self.other_low) if self.starter else (self.one_high, self.one_low)

    @property
    def server(self) -> tuple[int, int]:
        return (self.one_high, self.one_low) if self.starter else (self.other_high, self.other_low)

    @property
    def service_kind(self) -> int:
        """As `failures` writes it."""
        port = self.kind >> (32 if self.starter else 16) & 0xFFFF
        return port << 16 | self.kind & 0xFF00 | self.opening

    @property
    def time_ns(self) -> int:
        return self.other_first_ns if self.starter else self.one_first_ns

    @property
    def answers_life(self) -> int:
        """The time to live of what answered in the server's name; 0 where nothing did."""
        return self.one_life if self.starter else self.other_life


@dataclass(slots=True)
class Failing:
    """What failed at one service in one way: `count` attempts, of which the first are listed."""

    server: tuple[int, int]
    port: int
    version: int
    opening: int
    count: int
    start_ns: int
    end_ns: int
    attempts: list[Attempt] = field(default_factory=list)


class Ledger:
    """Flows, pairs and bins of one capture. `batch_size` is the most packets that a batch holds.

    `first_flows` is for how many flows there is room at first: memory that nobody has written to costs nothing in an
    array, and making it larger costs a copy.
    """

    def __init__(
        self,
        batch_size: int,
        memory: Memory | None = None,
        kernels: Kernels | None = None,
        first_flows: int = FIRST_FLOWS,
    ) -> None:
        self.memory: Memory = memory or Lists()
        self.kernels = kernels or Kernels()
        self.closed = ClosedFlows()
        self.attempts: list[Attempt] = []
        self.notes: list[Note] = []
        self.notes_left_out = 0
        self.losses: list[tuple[int, ...]] = []
        self.losses_left_out = 0
        self.messages: list[tuple[int, ...]] = []
        self.messages_left_out = 0
        self._judged = self._followed = 0
        self._full = False
        filled = self.memory.filled
        self.slots = filled(4 * first_flows, -1)
        self.table = filled(first_flows * ft.FLOW_WIDTH, 0)
        self.counters = filled(ft.COUNTERS, 0)
        self.counters[ft.MASK], self.counters[ft.CAPACITY] = 4 * first_flows - 1, first_flows
        self.counters[ft.FREE] = -1
        self.counters[ft.EARLIEST], self.counters[ft.LATEST] = LATEST_NS, EARLIEST_NS
        self.kinds = filled(ft.HEALTH_KINDS, 0)
        self.shown = filled(ft.HEALTH_KINDS * ft.FRAMES_SHOWN, 0)
        self._services = filled(fl.SERVICES * fl.SERVICE_WIDTH, 0)
        self.failure_counters = filled(fl.FAILURE_COUNTERS, 0)
        self.protocols = filled(ft.PROTOCOLS, 0)
        self._noted = filled(2 * batch_size * ft.NOTE_WIDTH, 0)
        self.progress = filled(first_flows * fw.PROGRESS_WIDTH, 0)
        self.pair_slots = filled(1 << 8, -1)
        self.pairs = filled((1 << 6) * pb.PAIR_WIDTH, 0)
        self.bin_slots = filled(4 * FIRST_BINS, -1)
        self.bins = filled(FIRST_BINS * pb.BIN_WIDTH, 0)
        self._key = filled(pb.PAIR_KEY_WORDS, 0)
        self.tallies = filled(pb.TALLY_COUNTERS, 0)
        self.tallies[pb.PAIR_MASK], self.tallies[pb.PAIR_CAPACITY] = (1 << 8) - 1, 1 << 6
        self.tallies[pb.BIN_MASK], self.tallies[pb.BIN_CAPACITY] = 4 * FIRST_BINS - 1, FIRST_BINS
        self.tallies[pb.BIN_NS] = SECOND_NS
        self.tallies[pb.PAIRS] = 1  # the first is that of all others
        self.pool = filled(FIRST_NODES * NODE_WIDTH, 0)
        open_nodes(self.pool, FIRST_NODES)
        self._events = filled(fw.EVENT_WORDS, 0)
        self._told = filled(fw.TOLD_WORDS, 0)
        self._taken = filled(TAKEN_WORDS, 0)

    def judge(self, batch: Batch) -> bool:
        """Put a batch's packets into their flows and judge its TCP segments.

        False where flows must be closed first: call again when all batches before were tallied.
        """
        drained, self._full = self._full, False
        while True:
            self._judged = self.kernels.judge_batch(
                batch.lean, batch.extra, self._judged, batch.count, self.slots, self.table, self.counters, batch.health,
                batch.stream, batch.flow_of, batch.fresh, batch.duplicates, self.kinds, self.shown, self._noted,
                self.protocols,
            )  # fmt: skip
            self._take_notes()
            if self._judged == batch.count:
                self._judged = 0
                return True
            if self.counters[ft.CAPACITY] < MOST_FLOWS:
                self._more_flows()
            elif drained:
                self._follow_up_to(batch, self._judged)
                self._close_flows()
            else:
                self._full = True
                return False

    def follow(self, batch: Batch) -> bool:
        """Follow the connections of a judged batch: count it into its bins, time it, and seek its losses."""
        self._follow_up_to(batch, batch.count)
        self._followed = 0
        return True

    def _follow_up_to(self, batch: Batch, end: int) -> None:
        needed = int(self.counters[ft.CAPACITY]) * fw.PROGRESS_WIDTH
        if len(self.progress) < needed:
            self.progress = self.memory.enlarged(self.progress, needed)
        while self._followed < end:
            self._followed = self.kernels.follow_batch(
                batch.lean, batch.extra, batch.health, batch.flow_of, batch.fresh, self._followed, end, self.progress,
                self.pair_slots, self.pairs, self.bin_slots, self.bins, self.tallies, self._key, self.pool,
                len(self.pool) // NODE_WIDTH, self._events, self._told, self._taken,
            )  # fmt: skip
            self._take_losses()
            if self._followed < end:
                self._more_room()

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

    def finish(self) -> None:
        """The capture is over: tell what is still in question. Call it once."""
        flows = list(self.flows())
        self._settle(self._listed(flows), len(flows), int(self.counters[ft.LATEST]))

    def _listed(self, flows: Sequence[int]) -> Any:
        words = self.memory.filled(len(flows), 0)
        words[: len(flows)] = flows
        return words

    def _settle(self, flows: Any, count: int, end_ns: int) -> None:
        """Tell of so many flows of a list what is still in question."""
        done = 0
        while done < count:
            done = self.kernels.settle_flows(
                flows, done, count, end_ns, self.progress, self.pairs, self.bin_slots, self.bins, self.tallies,
                self.pool, self._events, self._told,
            )  # fmt: skip
            self._take_losses()
            if done < count:
                self._more_room()

    def _take_losses(self) -> None:
        """Empty the list of what was lost beyond, and of messages that something was too big to pass."""
        count = int(self._told[fw.TOLD])
        self._told[fw.TOLD] = 0
        for number in range(count):
            at = fw.FIRST_TOLD + number * fw.TOLD_WIDTH
            row = tuple(int(word) for word in self._told[at : at + fw.TOLD_WIDTH])
            lost = row[fw.TOLD_KIND] in LOST_BEYOND
            listed = self.losses if lost else self.messages
            if len(listed) < MOST_LOSSES:
                listed.append(row)
            elif lost:
                self.losses_left_out += 1
            else:
                self.messages_left_out += 1

    def _more_room(self) -> None:
        """Enlarge what stopped the last kernel."""
        counters = self.tallies
        if counters[pb.PAIRS] + 1 >= counters[pb.PAIR_CAPACITY] and counters[pb.PAIR_CAPACITY] < pb.ALL_PAIRS:
            self._more_pairs()
        if counters[pb.BINS] + fw.BINS_AT_ONCE > counters[pb.BIN_CAPACITY]:
            self._more_bins()
        size = len(self.pool) // NODE_WIDTH
        if self.pool[ROOM] < NODES_NEEDED and size < fw.MOST_NODES:
            self.pool = self.memory.enlarged(self.pool, 2 * size * NODE_WIDTH)
            self.pool[ROOM] += size

    def _more_bins(self) -> None:
        counters = self.tallies
        count, capacity = int(counters[pb.BINS]), int(counters[pb.BIN_CAPACITY])
        times = 2 if capacity >= MOST_BINS else 1
        if times == 1:
            capacity *= 2
        counters[pb.BIN_NS] *= times
        counters[pb.BINS], counters[pb.BIN_CAPACITY], counters[pb.BIN_MASK] = 0, capacity, 4 * capacity - 1
        old, self.bins = self.bins, self.memory.filled(capacity * pb.BIN_WIDTH, 0)
        self.bin_slots = self.memory.filled(4 * capacity, -1)
        self.kernels.refile_bins(old, count, times, self.bin_slots, self.bins, counters)

    def _more_pairs(self) -> None:
        capacity = 2 * int(self.tallies[pb.PAIR_CAPACITY])
        self.pairs = self.memory.enlarged(self.pairs, capacity * pb.PAIR_WIDTH)
        self.pair_slots = self.memory.filled(4 * capacity, -1)
        self.tallies[pb.PAIR_CAPACITY], self.tallies[pb.PAIR_MASK] = capacity, 4 * capacity - 1
        self.kernels.refile_pairs(self.pairs, int(self.tallies[pb.PAIRS]), self.pair_slots, 4 * capacity - 1)

    def _close_flows(self) -> None:
        """Leave the rows of those flows that have been silent the longest."""
        count = int(self.counters[ft.FLOWS])
        frames = sorted(self.column(ft.FLOW_LAST_FRAME))
        left, worth = self.memory.filled(count, 0), self.memory.filled(count, 0)
        last_frame = frames[count * 3 // 4]
        self._gather_failures(last_frame, LATEST_NS)  # they are followed no further
        kept = self.closed.rows
        if not self.closed.count:
            self.closed.least = self._least_of_the_largest()
        least = packets_of(kept[-1][0]) if len(kept) >= KEPT_OF_CLOSED else self.closed.least
        closed = self.kernels.leave_rows(self.table, count, last_frame, least, self.counters, left, worth)
        self.closed.count += closed
        self._settle(left, closed, int(self.counters[ft.LATEST]))
        rows = [self.rows_of(int(flow)) for flow in worth[: int(self.counters[ft.WORTH])]]
        for row, _ in rows:
            self._note_closed_window(row)
        self.closed.rows = nlargest(KEPT_OF_CLOSED, (*kept, *rows), key=lambda pair: packets_of(pair[0]))
        self.kernels.free_rows(self.table, left, closed, self.counters)
        self._rehash(len(self.slots))

    def _gather_failures(self, last_frame: int, end_ns: int) -> None:
        """Count the connections that have failed at `end_ns`; the first of each service one by one."""
        count = int(self.counters[ft.FLOWS])
        listed = self.memory.filled(count, 0)
        found = self.kernels.gather_failures(
            self.table, count, last_frame, end_ns, self._services, self.failure_counters, listed
        )
        columns = [self.memory.picked(self.table, offset, ft.FLOW_WIDTH, listed[:found]) for offset in ATTEMPT_COLUMNS]
        self.attempts += (Attempt(*words) for words in zip(*columns, strict=True))

    def failures(self) -> list[Failing]:
        """Services that were asked in vain, in the order of time; call it once, when the capture is over."""
        self._gather_failures(int(self.counters[ft.FRAMES]), int(self.counters[ft.LATEST]))
        found = {
            (row[fl.SERVICE_HIGH], row[fl.SERVICE_LOW], row[fl.SERVICE_KIND]): Failing(
                (row[fl.SERVICE_HIGH], row[fl.SERVICE_LOW]), row[fl.SERVICE_KIND] >> 16,
                row[fl.SERVICE_KIND] >> 8 & 0xFF, row[fl.SERVICE_KIND] & 0xFF, row[fl.SERVICE_COUNT],
                row[fl.SERVICE_START], row[fl.SERVICE_END],
            )
            for at in range(0, fl.SERVICES * fl.SERVICE_WIDTH, fl.SERVICE_WIDTH)
            if self._services[at + fl.SERVICE_COUNT]
            for row in ([int(word) for word in self._services[at : at + fl.SERVICE_WIDTH]],)
        }  # fmt: skip
        for attempt in self.attempts:
            found[(*attempt.server, attempt.service_kind)].attempts.append(attempt)
        return sorted(found.values(), key=lambda failing: (failing.start_ns, failing.server, failing.port))

    def _least_of_the_largest(self) -> int:
        """More packets than this have so many flows of the table as are worth keeping, or fewer."""
        first, second = (self.column(ft.FLOW_SIDES + side * ft.SIDE_WIDTH + ft.SIDE_PACKETS) for side in range(2))
        sizes = sorted((one + other for one, other in zip(first, second, strict=True)), reverse=True)
        return sizes[KEPT_OF_CLOSED] if len(sizes) > KEPT_OF_CLOSED else 0

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
        return self.memory.column(self.table, offset, ft.FLOW_WIDTH, int(self.counters[ft.FLOWS]))

    def rows_of(self, flow: int) -> tuple[list[int], list[int]]:
        """A flow's rows of the table and of its progress, as lists."""
        row = self.table[flow * ft.FLOW_WIDTH : (flow + 1) * ft.FLOW_WIDTH]
        progress = self.progress[flow * fw.PROGRESS_WIDTH : (flow + 1) * fw.PROGRESS_WIDTH]
        return [int(word) for word in row], [int(word) for word in progress]

    def flows(self) -> Iterator[int]:
        """The flows in the table, by number."""
        return (flow for flow, hashed in enumerate(self.column(ft.FLOW_HASH)) if hashed >= 0)


def packets_of(row: Sequence[int]) -> int:
    """How many packets a flow has."""
    return sum(row[ft.FLOW_SIDES + side * ft.SIDE_WIDTH + ft.SIDE_PACKETS] for side in range(2))
