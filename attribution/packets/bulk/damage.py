"""Which frames of a large capture were damaged on their way: asked only of one in which a wrong checksum was met.

While a capture is read, one long packet in four is summed up, and every short one. Only where one of them is wrong is
the file read once more, and all summed up: the rule is that of `attribution.packets.damage`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from attribution.model.incident import Origin
from attribution.packets import sums
from attribution.packets.bulk import records as r
from attribution.packets.bulk.engine import Batch, BulkReader, Integers, Wanted, told_whole
from attribution.packets.capture import Packet
from attribution.packets.compression import PIECE, is_compressed, read_pieces
from attribution.packets.damage import FEWEST_WHOLE

MOST_LIKES: Final = 1 << 20  # senders and receivers beyond these are not told of
MOST_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class DamagedFrames:
    """The numbers of the frames that arrived damaged, in their order; the rows and octets of the first of them."""

    frames: Integers
    kept: Mapping[int, tuple[Packet, bytes]]

    def within(self, first: int, count: int) -> Integers:
        """The places of those among `count` frames from `first` on."""
        begin, end = np.searchsorted(self.frames, (first, first + count))
        places: Integers = self.frames[begin:end] - first
        return places


NOTHING_DAMAGED: Final = DamagedFrames(np.zeros(0, np.int64), {})


class SumReader(BulkReader):
    """Reads a capture for its checksums alone: in each batch `health` has what they say, `stream` among which packets
    each is judged, and `flow_of` its sender. What is wrong is in `told`."""

    def _digest(self, octets: NDArray[np.uint8], count: int, batch: Batch) -> None:
        self.kernels.check_all(
            octets, self._hard, count, self._row, self._scratch, batch.health, batch.stream, batch.flow_of
        )
        self._report[r.REPORT_WRONG] = 0
        for number in np.flatnonzero(batch.health[:count] >= sums.WRONG_HEADER).tolist():
            self.wrong_sums += 1
            if self.wrong_sums <= MOST_KEPT:
                batch.told.append(told_whole(octets, self._hard[number].tolist()))


def find_damaged_frames(stream: BinaryIO, origin: Origin) -> DamagedFrames:
    """Sum up every packet of a capture; the stream is read from its beginning, and left there."""
    pieces, rest = from_beginning(stream)
    only = origin.interface if origin.is_part else None
    reader = SumReader(origin.file, pieces, rest, origin.clock_offset_ns or 0, Wanted.ROWS, only)
    proven: Counter[int] = Counter()
    found: list[Integers] = [np.zeros((0, 2), np.int64)]
    kept: dict[int, tuple[Packet, bytes]] = {}
    for batch in reader.batches():
        checks, likes, senders = (words[: batch.count] for words in (batch.health, batch.stream, batch.flow_of))
        in_header = checks == sums.WRONG_HEADER
        wrong = np.flatnonzero(checks >= sums.WRONG_HEADER)
        found.append(np.stack([batch.first + wrong, np.where(in_header, senders, likes)[wrong]], axis=1))
        _count(proven, likes[(checks == sums.RIGHT) | (checks == sums.UNFINISHED)])
        _count(proven, senders[~in_header & (senders >= 0)])
        kept |= {batch.first + place: (row, octets) for place, row, octets in batch.told}
    stream.seek(0)
    frames, judged_among = np.concatenate(found).T
    counted = Counter(judged_among.tolist())
    told = [like for like, count in counted.items() if proven[like] >= max(count + 1, FEWEST_WHOLE)]
    damaged: Integers = np.ascontiguousarray(frames[np.isin(judged_among, told)])
    return DamagedFrames(damaged, {frame: kept[frame] for frame in damaged.tolist() if frame in kept})


def from_beginning(stream: BinaryIO) -> tuple[Iterable[bytes], BinaryIO | None]:
    """A capture's pieces, from its first octet on, and the stream behind them where it is not compressed."""
    stream.seek(0)
    first = stream.read(PIECE)
    return (read_pieces(stream, PIECE, first), None) if is_compressed(first) else ([first], stream)


def _count(proven: Counter[int], numbers: Integers) -> None:
    for like, count in zip(*(words.tolist() for words in np.unique(numbers, return_counts=True)), strict=True):
        if like in proven or len(proven) < MOST_LIKES:
            proven[like] += count
