"""Two large captures laid over each other: what passed the one and never the other, second by second.

The reasoning is that of `attribution.packets.comparison`, for two points: a lower time to live is farther on, clocks
are enclosed from both directions, a packet is missed only while the other capture listened. What is left out here:
address translation, and packets that took another way (give the smaller captures of the incident to that).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np

from attribution.model.incident import Origin
from attribution.model.observation import Caveat, PairCount
from attribution.packets import flow_table as ft
from attribution.packets.bulk import matcher as mt
from attribution.packets.bulk.compilation import compiled_kernels
from attribution.packets.bulk.engine import BulkReader, Integers
from attribution.packets.capture import caveats_of_file
from attribution.packets.clocks import SLICES, ClockRelation, Passage, relate_clocks
from attribution.packets.columns import ICMP, ICMP6, TCP, UDP
from attribution.packets.figures import address_text

BIN_NS: Final = 1_000_000_000
FRAMES_SHOWN: Final = 16
LONGEST_DELAY_NS: Final = 1_000_000_000
NAMES: Final = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMP6: "icmp"}
CHUNK: Final = 1 << 18
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]
Partners = np.ndarray[tuple[int], np.dtype[np.int32]]
Source = tuple[Iterable[bytes], BinaryIO | None]
"""The file in pieces (`compression.read_pieces`), and the stream to read on from where it is not compressed."""


@dataclass(slots=True)
class _Side:
    """One capture: its packets as `matcher` keeps them, and the reader with its flows."""

    origin: Origin
    seen: Integers
    bulk: BulkReader

    @property
    def point(self) -> tuple[str, str | None]:
        return (self.origin.device or self.origin.file, self.origin.interface)

    @property
    def dropped(self) -> int:
        return sum(interface.dropped or 0 for interface in self.bulk.reader.interfaces)


def compare_bulk(sources: Sequence[Source], origins: Sequence[Origin]) -> Iterator[PairCount | Caveat]:
    """Yield what was sent and lost between two capture points in each second, in both directions."""
    compiled_kernels()
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(_take_in, sources, origins)
    for side in (one, other):
        yield from caveats_of_file(side.origin, side.bulk.reader, {}, True)
    yield from _compare(one, other)


def _take_in(source: Source, origin: Origin) -> _Side:
    bulk = BulkReader(origin.file, origin.clock_offset_ns or 0)
    seen: Integers = np.empty((1 << 16, mt.SEEN_WIDTH), np.int64)
    count = 0
    for batch in bulk.batches(*source):
        if count + batch.count > len(seen):
            seen.resize((len(seen) + (len(seen) >> 2), mt.SEEN_WIDTH), refcheck=False)
        bulk.kernels.remember_batch(batch.lean, batch.flow_of, batch.count, seen, count)
        count += batch.count
    seen.resize((count, mt.SEEN_WIDTH), refcheck=False)
    return _Side(origin, seen, bulk)


def _compare(one: _Side, other: _Side) -> Iterator[PairCount | Caveat]:
    kernels = compiled_kernels()
    partner: Partners = np.empty(len(one.seen), np.int32)
    partner_of_other: Partners = np.empty(len(other.seen), np.int32)
    size = 1 << max(4, (2 * len(other.seen)).bit_length())
    kernels.join(one.seen, other.seen, np.full(size, -1, np.int32), partner, partner_of_other)
    names, group_of = _groups(one.bulk, {})
    names, group_of_other = _groups(other.bulk, names)
    groups: Integers = np.zeros((len(names) + 1, mt.GROUP_WIDTH), np.int64)
    kernels.weigh_groups(one.seen, other.seen, partner, group_of, groups)
    forward = _directions(groups, names)
    relation = _relate(one, other, partner, group_of, forward)
    if relation is None:
        yield Caveat(one.origin.file, "frame 1", f"shares no packets with {other.origin.file}; not compared")
        return
    yield from _lost(one, other, partner, group_of, forward, groups, names, relation)
    yield from _lost(other, one, partner_of_other, group_of_other, ~forward, groups, names, relation.reversed)


Group = tuple[int, int, int, int, int, int]


def _groups(bulk: BulkReader, known: dict[Group, int]) -> tuple[dict[Group, int], Integers]:
    """Number the directions between two addresses by protocol; for each flow × 2 + direction, which it belongs to."""
    table = bulk.table.flows
    group_of: Integers = np.zeros(2 * len(table), np.int64)
    for flow, row in enumerate(table[:, ft.FLOW_KEY : ft.FLOW_KEY + 5].tolist()):
        kind = row[4] & 0xFFFF
        for direction in range(2):
            ends = (*row[:4],) if direction == 0 else (*row[2:4], *row[:2])
            group_of[2 * flow + direction] = known.setdefault((*ends, kind >> 8, kind & 0xFF), len(known))
    return known, group_of


def _directions(groups: Integers, names: dict[Group, int]) -> Flags:
    """Which directions of traffic pass the first capture first."""
    count = np.maximum(groups[:, mt.GROUP_COUNT], 1)
    fall, ahead = groups[:, mt.GROUP_FALL] / count, groups[:, mt.GROUP_AHEAD] / count
    forward = np.zeros(len(groups), np.bool_)
    for group, number in names.items():
        opposite = names.get((*group[2:4], *group[:2], *group[4:]))
        if abs(fall[number]) >= 0.5:
            forward[number] = fall[number] > 0
        elif opposite is not None and groups[opposite, mt.GROUP_COUNT]:
            forward[number] = ahead[number] > ahead[opposite]
        else:
            forward[number] = ahead[number] >= 0
    return forward


def _relate(
    one: _Side, other: _Side, partner: Partners, group_of: Integers, forward: Flags
) -> ClockRelation | None:
    """The two clocks, from the tightest pair of each slice of time."""
    if not len(one.seen):
        return None
    times = one.seen[:, mt.SEEN_TIME]
    start = int(times.min())
    width = (int(times.max()) - start) // SLICES + 1
    bounds: Integers = np.full((SLICES + 1, 4), -1, np.int64)
    compiled_kernels().enclose_clocks(one.seen, other.seen, partner, group_of, forward, start, width, bounds)
    there: list[Passage] = [(int(row[0]), int(row[1])) for row in bounds if row[0] >= 0]
    back: list[Passage] = [(int(row[2]), int(row[3])) for row in bounds if row[2] >= 0]
    return relate_clocks(there, back)


class _Tally:
    """Counts the packets that leave one capture point towards the other, some at a time."""

    def __init__(
        self, here: _Side, there: _Side, partner: Partners, group_of: Integers, leaving: Flags, groups: Integers,
        relation: ClockRelation,
    ) -> None:  # fmt: skip
        self.seen, self.listened = here.seen, there.seen[:, mt.SEEN_TIME]
        self.partner, self.group_of, self.relation = partner, group_of, relation
        enough = groups[:, mt.GROUP_COUNT] >= 3
        self.leaving = leaving & enough
        self.fall = np.abs(groups[:, mt.GROUP_FALL]) // np.maximum(groups[:, mt.GROUP_COUNT], 1)
        doubt = relation.uncertainty_ns or 0
        self.opens = int(self.listened.min()) + doubt
        self.closes = int(self.listened.max()) - doubt - self._delay()

    def _delay(self) -> int:
        """Twice what nearly all need: the worst of millions may be two packets alike to the bit, taken for another."""
        samples = []
        for start in range(0, len(self.seen), CHUNK):
            arrival, group, twin = self._chunk(start)
            passed = (twin >= 0) & self.leaving[group]
            delays = self.listened[twin[passed]] - arrival[passed]
            if delays.size:
                samples.append(float(np.quantile(delays, 0.999)))
        return min(int(2 * max(samples, default=0.0)), LONGEST_DELAY_NS)

    def _chunk(self, start: int) -> tuple[Integers, Integers, Partners]:
        """Arrival at the other point by its clock, group, and partner, of some packets."""
        times = self.seen[start : start + CHUNK, mt.SEEN_TIME]
        flows = self.seen[start : start + CHUNK, mt.SEEN_FLOW]
        relation = self.relation
        arrival = times + relation.offset_ns + (relation.drift * (times - relation.reference_ns)).astype(np.int64)
        group = np.where(flows >= 0, self.group_of[np.maximum(flows, 0)], len(self.leaving) - 1)
        return arrival, group, self.partner[start : start + CHUNK]

    def count(self) -> tuple[Integers, Integers, Integers, dict[int, list[int]], int, int]:
        """Sent, lost and first packet by bin (group × span + second), frames of the lost, first second, and span."""
        starts = range(0, len(self.seen), CHUNK)
        first_second = min(int(self._chunk(start)[0].min()) for start in starts) // BIN_NS
        span = max(int(self._chunk(start)[0].max()) for start in starts) // BIN_NS - first_second + 1
        bins = span * len(self.leaving)
        sent: Integers = np.zeros(bins, np.int64)
        lost: Integers = np.zeros(bins, np.int64)
        earliest: Integers = np.zeros(bins, np.int64)
        frames: dict[int, list[int]] = {}
        for start in reversed(starts):
            arrival, group, twin = self._chunk(start)
            covered = (arrival >= self.opens) & (arrival <= self.closes)
            reaches = (self.seen[start : start + CHUNK, mt.SEEN_SIZE] & 0xFF) > self.fall[group]
            counted = np.flatnonzero(self.leaving[group] & ((twin >= 0) | (covered & reaches)))
            places = group[counted] * span + (arrival[counted] // BIN_NS - first_second)
            gone = twin[counted] < 0
            sent += np.bincount(places, minlength=bins)
            lost += np.bincount(places[gone], minlength=bins)
            earliest[places[::-1]] = counted[::-1] + start
            for place, index in zip(places[gone].tolist(), (counted[gone] + start + 1).tolist(), strict=True):
                frames.setdefault(place, []).append(index)
        shown = {place: sorted(found)[:FRAMES_SHOWN] for place, found in frames.items()}
        return sent, lost, earliest, shown, first_second, span


def _lost(
    here: _Side,
    there: _Side,
    partner: Partners,
    group_of: Integers,
    leaving: Flags,
    groups: Integers,
    names: dict[Group, int],
    relation: ClockRelation,
) -> Iterator[PairCount]:
    """Packets that pass `here` first, by second: matched ones, and those that `there` should have seen."""
    if there.dropped or not len(here.seen) or not len(there.seen):
        return
    tally = _Tally(here, there, partner, group_of, leaving, groups, relation)
    sent, lost, earliest, frames, first_second, span = tally.count()
    by_number = {number: name for name, number in names.items()}
    for place in np.flatnonzero(sent).tolist():
        name = by_number[place // span]
        second = first_second + place % span
        told = frames.get(place, [])
        yield PairCount(
            time_ns=second * BIN_NS,
            end_ns=(second + 1) * BIN_NS,
            origin=here.origin,
            locator=f"frame {told[0] if told else int(earliest[place]) + 1}",
            first=here.point,
            second=there.point,
            second_file=there.origin.file,
            source=address_text(name[0], name[1], name[4]),
            destination=address_text(name[2], name[3], name[4]),
            protocol=NAMES.get(name[5], str(name[5])),
            sent=int(sent[place]),
            lost=int(lost[place]),
            clock_shift_ns=relation.offset_ns,
            frames=tuple(told),
        )
