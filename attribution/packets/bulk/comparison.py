"""Two large captures laid over each other while both stream by: what passed the one and never the other.

Both files are read at once and advance together in the common time. How their clocks stand to each other is found from
their beginnings first, and followed from then on. Each capture keeps its latest packets in a ring (`matcher`): two
seconds' worth at least, no more than half a million. What was matched or left the ring is counted and forgotten, so the
memory is bounded whatever the files' size: the rings (up to 150 MB), 0.4 KB for each connection (up to a million) and
13 KB for each of up to 4,096 pairs of addresses. Keeping 24 octets of each packet and joining them at the end instead
takes 480 MB for 2 × 10 million packets, and has no bound. What takes longer than the ring lasts counts as lost.

The reasoning is that of `attribution.packets.comparison` for two points. Left out are packets that took another way
between three points, sequence numbers that a firewall moves (such connections are told, and not compared), and what
routers told of segments that were too big (those count as lost). Medians of delay are those of a sample where there are
many packets: every n-th.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import repeat
from typing import BinaryIO, Final

import numpy as np

from attribution.model.incident import Origin
from attribution.model.observation import Caveat, PairCount
from attribution.packets import lean as ln
from attribution.packets.arrivals import REACH_NS, SILENCE_NS
from attribution.packets.bulk import pair_columns as pc
from attribution.packets.bulk.alignment import Head, Numbered, Start, find_start
from attribution.packets.bulk.compilation import PAIRING, compiled_kernels
from attribution.packets.bulk.damage import NOTHING_DAMAGED, DamagedFrames, find_damaged_frames
from attribution.packets.bulk.engine import BATCH, BulkReader, Integers, Wanted, new_batch
from attribution.packets.bulk.leavings import Leavings
from attribution.packets.bulk.outcome import Outcome
from attribution.packets.compression import is_compressed, read_pieces
from attribution.packets.tallies import pair_counts

HEAD_PACKETS: Final = 1 << 17  # of each capture's beginning, from which the clocks' relation is found
SAMPLED: Final = 64
MOST_SAMPLED: Final = 1 << 20
MOST_PAUSES: Final = 1 << 12
PIECE: Final = 1 << 20
RING: Final = 4
LEAST_RING, MOST_RING = 1 << 14, 1 << 19
RING_SECONDS: Final = 2
FLOW_SAMPLES: Final = 1 << 13
GAPS: Final = 1 << 16
CACHE_LINE: Final = 64
ROOM: Final = 1 << 15  # rows that leave the rings, before they are counted
ROOM_FOR_BINS: Final = 1 << 11
DRIFT_UNIT: Final = 1 << 40


def compare_bulk(streams: Sequence[BinaryIO], origins: Sequence[Origin]) -> Iterator[PairCount | Caveat]:
    """Yield what was sent and lost between two capture points in each second, in both directions."""
    outcome = lay_over(streams, origins)
    yield from outcome.caveats()
    yield from pair_counts(outcome.stretches())


def lay_over(streams: Sequence[BinaryIO], origins: Sequence[Origin]) -> Outcome:
    """Read both captures side by side, and count.

    Where their beginnings share nothing and both can be read twice, every 64th packet of the whole is looked at first.
    """
    with ThreadPoolExecutor(2) as pool:
        feeds = [Feed(stream, origin) for stream, origin in zip(streams, origins, strict=True)]
        heads = list(pool.map(Feed.take_head, feeds))
        start = find_start(heads, origins)
        if not start.pairs and all(stream.seekable() for stream in streams):
            start = find_start(heads, origins, list(pool.map(Feed.sample, feeds, repeat(start))))
            feeds = [Feed(stream, origin) for stream, origin in zip(streams, origins, strict=True)]
        found = _pair(pool, feeds, start)
        again = [stream for stream, feed in zip(streams, feeds, strict=True) if feed.bulk.wrong_sums]
        if not again or not all(stream.seekable() for stream in streams):
            return found
        damaged = [
            find_damaged_frames(stream, origin) if stream in again else NOTHING_DAMAGED
            for stream, origin in zip(streams, origins, strict=True)
        ]
        if not any(one.frames.size for one in damaged):
            return found
        return _pair(pool, [Feed(*given) for given in zip(streams, origins, damaged, strict=True)], start)


def _pair(pool: ThreadPoolExecutor, feeds: Sequence[Feed], start: Start) -> Outcome:
    for feed in feeds:
        feed.start = start
    return Pairing(pool, feeds, start).run()


class Feed:
    """One capture's packets, batch after batch, with their numbers."""

    def __init__(self, stream: BinaryIO, origin: Origin, damaged: DamagedFrames = NOTHING_DAMAGED) -> None:
        if stream.seekable():
            stream.seek(0)
        self.origin = origin
        self.damaged = damaged
        self.kernels = compiled_kernels(PAIRING)
        first = stream.read(PIECE)
        pieces, rest = (read_pieces(stream, PIECE, first), None) if is_compressed(first) else ([first], stream)
        only = origin.interface if origin.is_part else None
        self.bulk = BulkReader(origin.file, pieces, rest, origin.clock_offset_ns or 0, Wanted.DIGESTS, only)
        self.batches = [new_batch() for _ in range(RING)]  # the matcher looks at one while the next ones are filled
        self.head: list[Integers] = []
        self.numbers = [np.empty(BATCH, np.int64) for _ in range(RING)]
        self.turn = 0
        self.packets = 0
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self.pauses: list[tuple[int, int]] = []
        self.start = Start()

    @property
    def dropped(self) -> int:
        """Packets that the capture itself says it missed."""
        return sum(interface.dropped or 0 for interface in self.bulk.reader.interfaces)

    def take_head(self) -> Head:
        """Read the beginning, and keep it for `following`."""
        count = 0
        batch = self.batches[0]
        while count < HEAD_PACKETS and self.bulk.fill(batch):
            self.head.append(batch.lean[: batch.count].copy())
            count += batch.count
        return Head(list(self.head))

    def sample(self, start: Start) -> Numbered:
        """A share of all packets, chosen by their number, so that two captures choose the same. Reads to the end."""
        self.start = start
        found: list[Integers] = []
        mask, count = SAMPLED - 1, 0
        while (following := self.following()) is not None:
            lean, numbers, many = following
            chosen = np.flatnonzero((numbers[:many] >= 0) & (numbers[:many] & mask == 0))
            strict = numbers[chosen]
            self.kernels.number_flows(lean[chosen], len(chosen), strict)
            found.append(np.stack([numbers[chosen], strict, lean[chosen, ln.LEAN_TIME]], axis=1))
            count += len(chosen)
            if count > MOST_SAMPLED:
                mask = 2 * mask + 1
                found = [rows[rows[:, 0] & mask == 0] for rows in found]
                count = sum(len(rows) for rows in found)
        rows = np.concatenate(found) if found else np.zeros((0, 3), np.int64)
        return rows[:, 0], rows[:, 1], rows[:, 2]

    def following(self) -> tuple[Integers, Integers, int] | None:
        """The next packets, their numbers, and how many; None at the end."""
        if self.head:
            lean = self.head.pop(0)
        else:
            batch = self.batches[self.turn % RING]
            if not self.bulk.fill(batch):
                return None
            lean = batch.lean[: batch.count]
        numbers = self.numbers[self.turn % RING]
        self.turn += 1
        count = len(lean)
        self.kernels.number_packets(lean, count, self.start.octets, int(self.start.timestamps), numbers)
        numbers[self.damaged.within(self.packets + 1, count)] = -1  # what arrived damaged did not arrive
        self.packets += count
        self._keep_time(lean[:, ln.LEAN_TIME])
        return lean, numbers, count

    def _keep_time(self, times: Integers) -> None:
        first, last = int(times.min()), int(times.max())
        if self.last_ns is not None and first - self.last_ns > SILENCE_NS:
            self._pause(self.last_ns, first)
        for place in np.flatnonzero(np.diff(times) > SILENCE_NS).tolist():
            self._pause(int(times[place]), int(times[place + 1]))
        self.first_ns = first if self.first_ns is None else min(self.first_ns, first)
        self.last_ns = last if self.last_ns is None else max(self.last_ns, last)

    def _pause(self, start: int, end: int) -> None:
        if len(self.pauses) < MOST_PAUSES:
            self.pauses.append((start, end))


def _aligned(*shape: int) -> Integers:
    """Zeros whose rows begin where a line of the processor's cache does."""
    room: Integers = np.zeros(int(np.prod(shape)) + CACHE_LINE // 8, np.int64)
    skipped = -room.ctypes.data % CACHE_LINE // 8
    return room[skipped : skipped + int(np.prod(shape))].reshape(shape)


class Pairing:
    """The rings, the tables and the counts of two captures that are being laid over each other."""

    def __init__(self, pool: ThreadPoolExecutor, feeds: Sequence[Feed], start: Start) -> None:
        self.pool, self.feeds, self.start = pool, feeds, start
        self.kernels = compiled_kernels(PAIRING)
        capacity = LEAST_RING
        while capacity < min(MOST_RING, RING_SECONDS * start.rate):
            capacity *= 2
        self.ring = _aligned(2, capacity, pc.SEEN_WIDTH)
        self.heads: Integers = np.full((4, 2 * capacity), -1, np.int64)
        self.slots = np.full(1 << 12, -1, np.int32)
        self.flows: Integers = np.zeros((1 << 11, pc.FLOW_WIDTH), np.int64)
        self.group_slots = np.full(4 * pc.MOST_GROUPS, -1, np.int32)
        self.groups: Integers = np.zeros((pc.MOST_GROUPS, pc.GROUP_WIDTH), np.int64)
        self.bins: Integers = np.zeros((4 * pc.MOST_GROUPS, pc.BIN_WIDTH), np.int64)
        self.fine: Integers = np.zeros((pc.FINE_GROUPS, pc.FINE_SLICES, 4), np.int64)
        self.group_samples: Integers = np.zeros((2 * pc.MOST_GROUPS, pc.SAMPLE_PAIRS + 2 * pc.GROUP_KEPT), np.int64)
        self.group_samples[:, pc.SAMPLE_STRIDE] = 1
        self.flow_samples: Integers = np.zeros((FLOW_SAMPLES, pc.SAMPLE_PAIRS + 2 * pc.FLOW_KEPT), np.int64)
        self.gaps: Integers = np.zeros((GAPS, pc.GAP_WIDTH), np.int64)
        self.left: Integers = np.zeros((ROOM, pc.LEFT_WIDTH), np.int64)
        self.closed: Integers = np.zeros((ROOM_FOR_BINS, pc.BIN_WIDTH), np.int64)
        self.state: Integers = np.zeros(pc.STATE_WIDTH, np.int64)
        self.state[pc.GROUPS] = 1
        self.state[pc.NOW] = pc.NEVER
        self.state[pc.SET_CLOCK] = start.clock
        self.state[pc.SET_OFFSET] = start.relation.offset_ns
        self.state[pc.SET_REFERENCE] = start.relation.reference_ns
        self.state[pc.SET_DRIFT] = int(start.relation.drift * DRIFT_UNIT)
        self.state[pc.SET_WINDOW] = REACH_NS
        self.state[pc.SET_MIRRORED : pc.SET_MIRRORED + 2] = start.mirrored
        self.outcome = Outcome(feeds, self)
        self.leavings = Leavings(self)

    def run(self) -> Outcome:
        """Advance both captures to their ends."""
        waiting: list[Future[tuple[Integers, Integers, int] | None]] = [
            self.pool.submit(feed.following) for feed in self.feeds
        ]
        blank = np.zeros((1, ln.LEAN_WIDTH), np.int64), np.zeros(1, np.int64), 0
        current: list[tuple[Integers, Integers, int]] = [blank, blank]
        while True:
            why = self.kernels.advance(
                *current[0], *current[1], self.state, self.ring, self.heads, self.slots, self.flows, self.group_slots,
                self.groups, self.bins, self.fine, self.group_samples, self.flow_samples, self.gaps, self.left,
                self.closed,
            )  # fmt: skip
            if why == pc.FINISHED:
                break
            if why == pc.WANTS_TABLES:
                self._grow()
            elif why == pc.WANTS_ROOM:
                self._count()
            else:
                side = why - pc.WANTS_FIRST
                following = waiting[side].result()
                self.state[pc.AT + side] = 0
                if following is None:
                    self.state[pc.ENDED + side] = 1
                    current[side] = blank
                else:
                    current[side] = following
                    waiting[side] = self.pool.submit(self.feeds[side].following)
        self._finish()
        return self.outcome

    def _finish(self) -> None:
        """Let everything go that is still in the rings or open."""
        while not self.kernels.let_go(self.state, self.ring, self.flows, self.gaps, self.left):
            self._count()
        place, count = 0, 4 * int(self.state[pc.GROUPS])
        while place < count:
            place = self.kernels.close_all(self.state, self.bins, self.closed, place, count)
            self._count()
        self.outcome.settle()
        self.leavings.finish()

    def _count(self) -> None:
        self.leavings.take(self.left[: self.state[pc.LEFT]])
        self.outcome.take_bins(self.closed[: self.state[pc.CLOSED]])
        self.state[pc.LEFT] = 0
        self.state[pc.CLOSED] = 0

    def common(self, side: int, time_ns: int) -> int:
        """A capture's time on the common clock, as far as it is known."""
        return int(self.kernels.common_time(self.state, side, time_ns))

    def _grow(self) -> None:
        """More connections than there is room for: twice as many fit from now on."""
        count = int(self.state[pc.FLOWS])
        if count >= len(self.flows):
            self.flows.resize((2 * len(self.flows), pc.FLOW_WIDTH), refcheck=False)
        if count >= len(self.slots) // 2:
            self.slots = np.full(4 * len(self.slots), -1, np.int32)
            self.kernels.rehash_flows(self.slots, self.flows, count)
