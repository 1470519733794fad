"""A capture of any size, in bounded memory: one thread reads and decodes, the other follows the connections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from attribution.packets.bulk import flow_table as ft
from attribution.packets.bulk.compilation import compiled_kernels
from attribution.packets.bulk.records import BROKEN, HARD_WIDTH, NEEDS_MORE, UNUSUAL
from attribution.packets.capture_files import NANOSECONDS, FileReader, Record
from attribution.packets.columns import BLANK, WIDTH
from attribution.packets.compression import CutShort

BATCH: Final = 16_384  # packets handed from one thread to the other at a time
PIECE: Final = 8 << 20
Integers = NDArray[np.int64]


@dataclass(slots=True)
class Batch:
    """Some packets in a row, judged. `rows` is empty unless they were asked for."""

    count: int
    rows: Integers
    lean: Integers
    health: Integers
    flow_of: Integers
    duplicates: Integers


def _new_batch(keep: bool) -> Batch:
    return Batch(
        0,
        np.empty((BATCH if keep else 1, WIDTH), np.int64),
        np.zeros((BATCH, ft.LEAN_WIDTH), np.int64),
        np.zeros(BATCH, np.int64),
        np.zeros(BATCH, np.int64),
        np.zeros(BATCH, np.int64),
    )


class FlowTable:
    """The connections seen so far, in arrays that grow.

    `kinds` counts the findings of `tcp_health` by bit, `shown` holds the frame numbers of the first of each.
    """

    def __init__(self) -> None:
        self.slots = np.full(1 << 12, -1, np.int32)
        self.table: Integers = np.zeros((1 << 10) * ft.FLOW_WIDTH, np.int64)
        self.counters: Integers = np.zeros(ft.COUNTERS, np.int64)
        self.counters[ft.EARLIEST] = np.iinfo(np.int64).max
        self.counters[ft.LATEST] = np.iinfo(np.int64).min
        self.kinds: Integers = np.zeros(ft.HEALTH_KINDS, np.int64)
        self.shown: Integers = np.zeros((ft.HEALTH_KINDS, ft.FRAMES_SHOWN), np.int64)
        self.kernels = compiled_kernels()

    def absorb(self, batch: Batch) -> Batch:
        """Put a batch's packets into their flows; its health columns are filled."""
        done = 0
        while done < batch.count:
            done = self.kernels.absorb(
                batch.lean, done, batch.count, self.slots, self.table, self.counters, batch.health, batch.flow_of,
                batch.duplicates, self.kinds, self.shown,
            )  # fmt: skip
            if done < batch.count:
                self._grow()
        return batch

    def _grow(self) -> None:
        count = int(self.counters[ft.FLOWS])
        if count >= self.table.size // ft.FLOW_WIDTH:
            larger: Integers = np.zeros(2 * self.table.size, np.int64)
            larger[: self.table.size] = self.table
            self.table = larger
        if count >= self.slots.size // 2:
            self.slots = np.full(4 * self.slots.size, -1, np.int32)
            self.kernels.rehash(self.slots, self.table, count)

    @property
    def flows(self) -> Integers:
        """One row for each flow, in the order of their first packets."""
        count = int(self.counters[ft.FLOWS])
        return self.table[: count * ft.FLOW_WIDTH].reshape(count, ft.FLOW_WIDTH)


class Window:
    """A stretch of the file in one buffer that is used again and again: what was left over, then what follows."""

    def __init__(self, pieces: Iterable[bytes], rest: BinaryIO | None) -> None:
        self._rest = rest
        self._buffer = np.empty(PIECE, np.uint8)
        self.view = memoryview(self._buffer)  # type: ignore[arg-type]
        self.end = 0
        self._pieces = iter(pieces)
        self._held = b""

    @property
    def octets(self) -> NDArray[np.uint8]:
        return self._buffer[: self.end]

    def fill(self, reader: FileReader) -> bool:
        """Move what the reader has not consumed to the front and read on; False at the end of the file."""
        left = self.end - reader.consumed
        if left == self._buffer.size:
            self._enlarge()
        self.view[:left] = bytes(self.view[reader.consumed : self.end])
        self.end, reader.consumed = left, 0
        try:
            while self.end < self._buffer.size and (piece := self._held or next(self._pieces, b"")):
                taken = min(len(piece), self._buffer.size - self.end)
                self.view[self.end : self.end + taken] = piece[:taken]
                self._held = piece[taken:]
                self.end += taken
            self._read_rest()
        except CutShort as cut:
            reader.notes.append(f"{cut}; everything before it was read")
            self._pieces = iter(())
        if not reader.format:
            reader.recognise(bytes(self.view[: min(self.end, 4096)]), self.end < self._buffer.size)
        return self.end > left

    def _read_rest(self) -> None:
        """What needs no decompression is read straight into the buffer."""
        while self._rest is not None and self.end < self._buffer.size:
            count = self._rest.readinto(self.view[self.end :])  # type: ignore[attr-defined]
            if not count:
                self._rest = None
                return
            self.end += count

    def _enlarge(self) -> None:
        """A single block may be longer than the window (pcapng allows it): double it."""
        larger = np.empty(2 * self._buffer.size, np.uint8)
        larger[: self.end] = self.octets
        self._buffer = larger
        self.view = memoryview(larger)  # type: ignore[arg-type]


Progress = Callable[[int], None]


class BulkReader:
    """Reads one capture file through compiled code; `reader` holds what the file said of itself."""

    def __init__(self, place: str, offset_ns: int = 0, keep_rows: bool = False) -> None:
        self.reader = FileReader(place)
        self.offset_ns = offset_ns
        self.keep = keep_rows
        self.kernels = compiled_kernels()
        self.table = FlowTable()
        self._row = np.array(BLANK, np.int64)
        self._blank = np.array(BLANK, np.int64)
        self._interfaces: Integers = np.zeros((0, 3), np.int64)
        self._hard: Integers = np.zeros((BATCH, HARD_WIDTH), np.int64)

    def batches(
        self, pieces: Iterable[bytes], rest: BinaryIO | None = None, progress: Progress | None = None
    ) -> Iterator[Batch]:
        """Yield the judged packets of a file given in pieces (`compression.read_pieces`), in the order of the file.

        `rest` is read after the pieces, where the file is not compressed. A batch is only valid until the next but one.

        The next batch is decoded while the one before is being put into its flows: both cores are used.
        """
        ring = [_new_batch(self.keep) for _ in range(4)]
        with ThreadPoolExecutor(1) as second:
            waiting: Future[Batch] | None = None
            for batch in self._decoded(Window(pieces, rest), ring, progress):
                following = second.submit(self.table.absorb, batch)
                if waiting is not None:
                    yield waiting.result()
                waiting = following
            if waiting is not None:
                yield waiting.result()

    def _decoded(self, window: Window, ring: list[Batch], progress: Progress | None) -> Iterator[Batch]:
        """Decode piece after piece into the ring's batches."""
        turn = 0
        while window.fill(self.reader):
            octets, at = window.octets, self.reader.consumed
            while not self.reader.damaged:
                batch = ring[turn % len(ring)]
                at, batch.count, ended = self._walk(octets, at, batch)
                if ended == UNUSUAL and batch.count == 0:
                    following = self._unusual(window, at, batch)
                    if following is None:
                        break
                    at = following
                elif ended == BROKEN:
                    self.reader.stop(f"record {self.reader.records + batch.count + 1} claims too many octets")
                if batch.count:
                    self.reader.records += batch.count
                    turn += 1
                    yield batch
                if ended == NEEDS_MORE:
                    break
            if progress is not None:
                progress(at - self.reader.consumed)
            self.reader.consumed = at
            if self.reader.damaged:
                return
        self.reader.finish(window.end - self.reader.consumed)

    def _unusual(self, window: Window, at: int, batch: Batch) -> int | None:
        """Let the file reader understand one block; where the next begins, or None where this one is not whole."""
        step = None
        for size in (1 << 16, window.end - at):
            step = self.reader.next_block(bytes(window.view[at : min(at + size, window.end)]), 0)
            if step is not None or self.reader.damaged:
                break
        if step is None:
            return None
        length, record = step
        if record is not None:
            self._take_record(window.octets, record, at, batch)
        self._learn_interfaces()
        return at + length

    def _walk(self, octets: NDArray[np.uint8], at: int, batch: Batch) -> tuple[int, int, int]:
        reader = self.reader
        big = 1 if reader.order == ">" else 0
        if reader.format == "pcap":
            at, count, hard, ended = self.kernels.walk_pcap(
                octets, at, octets.size, reader.header_octets, big, reader.fraction_ns, self.offset_ns,
                int(reader.swapped_lengths), reader.interfaces[0].link_type, batch.lean, self._hard, int(self.keep),
            )  # fmt: skip
        else:
            at, count, hard, ended = self.kernels.walk_pcapng(
                octets, at, octets.size, big, self._interfaces, reader.first_interface, batch.lean, self._hard,
                int(self.keep),
            )  # fmt: skip
        if hard:
            self._digest(octets, hard, batch)
        return at, count, ended

    def _digest(self, octets: NDArray[np.uint8], count: int, batch: Batch) -> None:
        """Decode in full the packets that were put aside."""
        self.kernels.digest_all(
            octets, self._hard, count, self._row, self._blank, batch.rows, batch.lean, int(self.keep)
        )

    def _take_record(self, octets: NDArray[np.uint8], record: Record, at: int, batch: Batch) -> None:
        """A packet from a block that the compiled walk leaves to the file reader."""
        self._hard[0] = (
            0, at + record.start, record.captured, record.wire, record.link_type, record.time_ns + self.offset_ns,
            record.interface,
        )  # fmt: skip
        self._digest(octets, 1, batch)
        batch.count = 1

    def _learn_interfaces(self) -> None:
        """Tell the compiled walk of interfaces that it may decode by itself."""
        if len(self.reader.interfaces) != self._interfaces.shape[0]:
            self._interfaces = np.array(
                [
                    (one.link_type, one.ticks_per_second if one.ticks_per_second < 1 << 62 else 0,
                     one.offset_s * NANOSECONDS + self.offset_ns)
                    for one in self.reader.interfaces
                ],
                np.int64,
            ).reshape(-1, 3)  # fmt: skip
