"""A capture of any size read once, in bounded memory: its books, and the packets that tell something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

import numpy as np

from attribution.model.incident import Origin
from attribution.model.observation import Caveat
from attribution.model.phrase import Phrase
from attribution.packets import flow_table as ft
from attribution.packets import ledger as books
from attribution.packets.bulk.compilation import compiled_kernels
from attribution.packets.bulk.damage import NOTHING_DAMAGED, DamagedFrames, find_damaged_frames, from_beginning
from attribution.packets.bulk.engine import BATCH, Batch, BulkReader, Integers, new_batch
from attribution.packets.bulk.line import Line
from attribution.packets.capture import Capture, Packet, caveats_of_damage, caveats_of_file
from attribution.packets.capture_files import OTHER_INTERFACE
from attribution.packets.columns import TIME
from attribution.packets.ledger import Kernels, Ledger
from attribution.packets.mirror import find_copies

MARGIN: Final = 16  # words: two cache lines, as processors fetch them in pairs
ONCE_ONLY: Final = Phrase(
    "packets with a wrong checksum were met; whether they were damaged on the way can only be told of what can be read "
    "twice"
)
RING: Final = 6  # batches under way: two threads, two stages behind the reader, and some slack


class Arrays:
    """The memory that compiled kernels work on.

    Two threads write to different arrays all the time: a margin around each keeps them off each other's cache lines.
    """

    def filled(self, count: int, value: int) -> Integers:
        words: Integers = np.zeros(count + 2 * MARGIN, np.int64)[MARGIN : MARGIN + count]
        if value:
            words[:] = value
        return words

    def enlarged(self, words: Integers, count: int) -> Integers:
        larger = self.filled(count, 0)
        larger[: len(words)] = words
        return larger

    def column(self, words: Integers, offset: int, width: int, count: int) -> list[int]:
        found: list[int] = words[offset : count * width : width].tolist()
        return found

    def picked(self, words: Integers, offset: int, width: int, rows: Sequence[int]) -> list[int]:
        whole = len(words) // width * width
        found: list[int] = words[:whole].reshape(-1, width)[np.asarray(rows, np.int64), offset].tolist()
        return found


def array_ledger() -> Ledger:
    """Empty books in arrays, kept by compiled kernels."""
    compiled = compiled_kernels()
    kernels = Kernels(**{name: getattr(compiled, name) for name in Kernels.__slots__})
    return Ledger(BATCH, Arrays(), kernels, books.MOST_FLOWS)


def read_large(
    pieces: Iterable[bytes], rest: BinaryIO | None, origin: Origin, again: BinaryIO | None = None
) -> tuple[Capture, Ledger]:
    """Read a capture given in pieces (`compression.read_pieces`), then from `rest`, where it is not compressed.

    The capture holds only the packets that tell something of the network; all others are in the books. Where a wrong
    checksum is met, the whole is read `again`, if that can be done: what arrived damaged did not arrive.
    """
    read = _read(pieces, rest, origin, NOTHING_DAMAGED)
    if not read.wrong_sums:
        return read.capture, read.ledger
    if again is None or not again.seekable():
        caveat = Caveat(origin.file, "the whole file", ONCE_ONLY, read.wrong_sums)
        return replace(read.capture, caveats=(*read.capture.caveats, caveat)), read.ledger
    damaged = find_damaged_frames(again, origin)
    if damaged.frames.size:
        read = _read(*from_beginning(again), origin, damaged)
    return read.capture, read.ledger


@dataclass(frozen=True, slots=True)
class _Read:
    """What came of reading a capture once, and how many wrong checksums were met."""

    capture: Capture
    ledger: Ledger
    wrong_sums: int


def _read(pieces: Iterable[bytes], rest: BinaryIO | None, origin: Origin, damaged: DamagedFrames) -> _Read:
    """Read once; `damaged` frames are judged, as Wireshark does, and passed over by whoever follows what arrived."""
    only = origin.interface if origin.is_part else None
    bulk = BulkReader(origin.file, pieces, rest, origin.clock_offset_ns or 0, only=only)
    ledger = array_ledger()
    packets: list[Packet] = []
    octets: list[bytes] = []
    frames: list[int] = []

    def listen(batch: Batch) -> bool:
        if not ledger.judge(batch):
            return False
        broken = damaged.within(batch.first, batch.count)
        batch.flow_of[broken] = -1
        told = {batch.first + place: (row, data) for place, row, data in batch.told}
        told |= {frame: damaged.kept[frame] for frame in (batch.first + broken).tolist() if frame in damaged.kept}
        for frame, (row, data) in sorted(told.items()):
            packets.append(row)
            octets.append(data)
            frames.append(frame)
        return True

    Line([new_batch() for _ in range(RING)], bulk.fill, (listen, ledger.follow)).run()
    ledger.finish()
    counters, reader, unknown_links = ledger.counters, bulk.reader, Counter(bulk.unknown_links)
    elsewhere = unknown_links.pop(OTHER_INTERFACE, 0)
    in_order = all(packets[n][TIME] <= packets[n + 1][TIME] for n in range(len(packets) - 1))
    order = None if in_order else tuple(sorted(range(len(packets)), key=lambda n: packets[n][TIME]))
    seen = int(counters[ft.FRAMES])
    broken = frozenset(np.flatnonzero(np.isin(frames, damaged.frames)).tolist())
    in_time = range(len(packets)) if order is None else order
    capture = Capture(
        origin=origin,
        packets=tuple(packets),
        octets=tuple(octets),
        interfaces=tuple(reader.interfaces),
        comments=tuple(reader.comments),
        caveats=(
            *caveats_of_file(origin, reader, unknown_links, not counters[ft.DISORDER]),
            *caveats_of_damage(origin, damaged.frames.tolist()),
        ),
        truncated=reader.damaged,
        order=order,
        start_ns=int(counters[ft.EARLIEST]) if seen else 0,
        end_ns=int(counters[ft.LATEST]) if seen else 0,
        format=reader.format,
        frames=tuple(frames),
        left_out=bulk.left_out + len(damaged.frames) - len(damaged.kept),
        copies=find_copies(packets, octets, (index for index in in_time if index not in broken)),
        damaged=broken,
        elsewhere=elsewhere,
    )
    return _Read(capture, ledger, bulk.wrong_sums)
