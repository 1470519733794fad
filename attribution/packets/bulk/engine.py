"""A capture of any size, in bounded memory: its packets decoded batch by batch through compiled code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from attribution.model.phrase import Phrase
from attribution.packets.bulk import records as r
from attribution.packets.bulk.compilation import compiled_kernels
from attribution.packets.capture_files import NANOSECONDS, FileReader, Record
from attribution.packets.columns import BLANK, WIDTH
from attribution.packets.compression import CutShort
from attribution.packets.fragments import HEADS, NUMBERS
from attribution.packets.lean import LEAN_WIDTH
from attribution.packets.link_layers import KNOWN_LINKS
from attribution.packets.quick_decode import decode_quickly

BATCH: Final = 8_192  # packets handed from one stage to the next at a time
PIECE: Final = 8 << 20
MOST_TOLD: Final = 10_000  # packets kept of each kind that tells something
Integers = NDArray[np.int64]
Told = tuple[int, tuple[int, ...], bytes]
"""A packet that tells something of the network: its place in the batch, its row of columns, its octets."""


@dataclass(slots=True)
class Batch:
    """Some packets in a row. `rows` is empty unless they were asked for; `first` is the first one's frame number."""

    rows: Integers
    lean: Integers
    extra: Integers
    health: Integers
    stream: Integers
    flow_of: Integers
    fresh: Integers
    duplicates: Integers
    count: int = 0
    first: int = 1
    told: list[Told] = field(default_factory=list)


class Wanted(IntEnum):
    """What is done with each packet besides its lean row."""

    FLOWS = 0  # fragments are joined, what ICMP errors quote is heard: for following connections
    ROWS = 1  # as well, the whole row of every packet is kept
    DIGESTS = 2  # every frame by itself, with a number made of what it carries: for finding it again elsewhere


def new_batch(wanted: Wanted = Wanted.FLOWS) -> Batch:
    """An empty batch, with room for whole rows where they are wanted."""
    health, stream, flow_of, fresh, duplicates = (np.zeros(BATCH, np.int64) for _ in range(5))
    return Batch(
        np.empty((BATCH if wanted == Wanted.ROWS else 1, WIDTH), np.int64),
        np.zeros((BATCH, LEAN_WIDTH), np.int64),
        np.zeros(BATCH * LEAN_WIDTH, np.int64),
        health,
        stream,
        flow_of,
        fresh,
        duplicates,
    )


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
            reader.notes.append(Phrase("{cut}; everything before it was read", cut=cut.reason))
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


class BulkReader:
    """Decodes one capture file through compiled code; `reader` holds what the file said of itself.

    `left_out` counts packets that tell something and for which there was no room, `unknown_links` those of link types
    that are not understood, `wrong_sums` packets with a wrong checksum among those that were looked at.

    `fill` puts the next packets of the file, in its order, into a batch: False when there are no more.
    """

    def __init__(
        self,
        place: str,
        pieces: Iterable[bytes],
        rest: BinaryIO | None = None,
        offset_ns: int = 0,
        wanted: Wanted = Wanted.FLOWS,
        only: str | None = None,
    ) -> None:
        self.reader = FileReader(place, only=only)
        self.offset_ns = offset_ns
        self.wanted = wanted
        self.kernels = compiled_kernels()
        self._window = Window(pieces, rest)
        self._row = np.array(BLANK, np.int64)
        self._scratch = np.array(BLANK * 2, np.int64)
        self._numbers: Integers = np.zeros(NUMBERS, np.int64)
        self._heads = np.zeros(HEADS, np.uint8)
        self._interfaces: Integers = np.zeros((0, 3), np.int64)
        self._hard: Integers = np.zeros((BATCH, r.HARD_WIDTH), np.int64)
        self._report: Integers = np.zeros(r.REPORT_WIDTH, np.int64)
        self.left_out = 0
        self.wrong_sums = 0
        self.unknown_links: Counter[int] = Counter()
        self._told: Counter[int] = Counter()
        self._decoded = self._decode()
        self._batch = new_batch(wanted)

    def fill(self, batch: Batch) -> bool:
        """Decode the next packets into this batch."""
        self._batch = batch
        return next(self._decoded, None) is not None

    def batches(self) -> Iterator[Batch]:
        """Yield one batch again and again, filled anew each time."""
        batch = new_batch(self.wanted)
        while self.fill(batch):
            yield batch

    def _decode(self) -> Iterator[Batch]:
        """Decode piece after piece into whatever batch `fill` was given."""
        window, reader = self._window, self.reader
        while window.fill(reader):
            octets, at = window.octets, reader.consumed
            while not reader.damaged:
                batch = self._batch
                batch.first, batch.told = reader.records + 1, []
                at, ended = self._walk(octets, at, batch)
                if ended == r.UNUSUAL and batch.count == 0:
                    following = self._unusual(window, at, batch)
                    if following is None:
                        break
                    at = following
                elif ended == r.BROKEN:
                    number = reader.records + batch.count + 1
                    reader.stop(Phrase("record {number} claims too many octets", number=number))
                if batch.count:
                    reader.records += batch.count
                    yield batch
                if ended == r.NEEDS_MORE:
                    break
            reader.consumed = at
            if reader.damaged:
                return
        reader.finish(window.end - reader.consumed)

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

    def _walk(self, octets: NDArray[np.uint8], at: int, batch: Batch) -> tuple[int, int]:
        reader, report = self.reader, self._report
        big = 1 if reader.order == ">" else 0
        if reader.format == "pcap":
            at = self.kernels.walk_pcap(
                octets, at, octets.size, reader.header_octets, big, reader.fraction_ns, self.offset_ns,
                int(reader.swapped_lengths), reader.interfaces[0].link_type, batch.lean, BATCH, self._hard,
                int(self.wanted), report,
            )  # fmt: skip
        else:
            at = self.kernels.walk_pcapng(
                octets, at, octets.size, big, self._interfaces, len(self._interfaces), reader.first_interface,
                batch.lean, BATCH, self._hard, int(self.wanted), report,
            )  # fmt: skip
        batch.count = int(report[r.REPORT_COUNT])
        if report[r.REPORT_HARD]:
            self._digest(octets, int(report[r.REPORT_HARD]), batch)
        self.wrong_sums += int(report[r.REPORT_WRONG])
        return at, int(report[r.REPORT_ENDED])

    def _digest(self, octets: NDArray[np.uint8], count: int, batch: Batch) -> None:
        """Decode in full the packets that were put aside; those that tell something are kept as they are."""
        if any(interface.link_type not in KNOWN_LINKS for interface in self.reader.interfaces):
            links = Counter(self._hard[:count, r.HARD_LINK].tolist())
            self.unknown_links.update({link: number for link, number in links.items() if link not in KNOWN_LINKS})
        telling = self.kernels.digest_all(
            octets, self._hard, count, self._row, self._scratch, self._numbers, self._heads, batch.rows, batch.lean,
            batch.extra, int(self.wanted), self._report,
        )  # fmt: skip
        for hard in self._hard[:telling].tolist():
            self._told[hard[r.HARD_KIND]] += 1
            if self._told[hard[r.HARD_KIND]] > MOST_TOLD:
                self.left_out += 1
            else:
                batch.told.append(told_whole(octets, hard))

    def _take_record(self, octets: NDArray[np.uint8], record: Record, at: int, batch: Batch) -> None:
        """A packet from a block that the compiled walk leaves to the file reader."""
        self._hard[0] = (
            0, at + record.start, record.captured, record.wire, record.link_type, record.time_ns + self.offset_ns,
            record.interface, 0,
        )  # fmt: skip
        self._report[r.REPORT_WRONG] = 0
        self._digest(octets, 1, batch)
        self.wrong_sums += int(self._report[r.REPORT_WRONG])
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


def told_whole(octets: NDArray[np.uint8], hard: Sequence[int]) -> Told:
    """A packet that was put aside (`records.put_aside`), decoded in plain Python."""
    place, start, captured, wire, link_type, time_ns, interface, _ = hard
    data = octets[start : start + captured].tobytes()
    return place, decode_quickly(data, 0, captured, wire, link_type, time_ns, interface), data
