"""Captures of several points in figures, whatever their size.

Small captures are compared in plain Python, all points at once, and pay for nothing else. Where one of them is large,
neighbours are laid over each other two by two, in the order in which they are given, through compiled code.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from attribution.errors import CaptureError
from attribution.model.capture import ClockFigures, ComparisonSummary
from attribution.model.incident import Origin
from attribution.model.observation import Caveat, PairCount
from attribution.packets.capture import read_capture
from attribution.packets.comparison import summarise_comparison
from attribution.packets.sizes import SMALL_OCTETS, Announce, is_small


def summarise_points(
    sources: Sequence[BinaryIO], origins: Sequence[Origin], announce: Announce | None = None
) -> ComparisonSummary:
    """Lay the captures of two points or more over each other and put what lies between them into figures.

    `sources` are open files; one that cannot be read twice (a pipe) will do, but then a large capture must be one of
    two. `announce` is told before compiled code is loaded, which takes long the first time. Raises CaptureError where
    a source is no capture, or can only be read once and must be read twice.
    """
    if len(sources) != len(origins) or len(sources) < 2:
        raise ValueError("as many origins as sources, and two at least")
    streams = [source if source.seekable() else _taken_in(source) for source in sources]
    if all(is_small(stream, origin) for stream, origin in zip(streams, origins, strict=True)):
        return summarise_comparison(
            [read_capture(stream, origin) for stream, origin in zip(streams, origins, strict=True)]
        )
    from attribution.packets.bulk.compilation import PAIRING, code_at_hand

    if announce is not None and not code_at_hand(PAIRING):
        announce("large captures: compiling the code that compares them, once for this installation (half a minute)")
    if len(streams) == 2:
        from attribution.packets.bulk.comparison import lay_over

        return lay_over(streams, origins).summary()
    for stream, origin in zip(streams, origins, strict=True):
        if not stream.seekable():
            raise CaptureError(origin.file, "a large capture that can be read once only", "expected a file")
    return _summarise_neighbours(streams, origins)


def compare_points(sources: Sequence[BinaryIO], origins: Sequence[Origin]) -> Iterator[PairCount | Caveat]:
    """Yield what was sent and lost between neighbouring points, in the order in which they are given, of any size.

    `sources` are open files that can be read more than once.
    """
    from attribution.packets.bulk.comparison import compare_bulk

    for number in range(len(sources) - 1):
        yield from compare_bulk(sources[number : number + 2], origins[number : number + 2])


def _summarise_neighbours(streams: Sequence[BinaryIO], origins: Sequence[Origin]) -> ComparisonSummary:
    """Two by two; the clocks of each pair are hung on the pair before it."""
    from attribution.packets.bulk.comparison import lay_over

    found: list[ComparisonSummary] = []
    packets = 0
    clocks = [ClockFigures(origins[0].file, 0.0, 0.0, 0.0)]
    for number in range(len(streams) - 1):
        one, other = origins[number : number + 2]
        moved = (one.clock_offset_ns or 0) + int(clocks[-1].shift_ms * 1e6)
        outcome = lay_over(streams[number : number + 2], [replace(one, clock_offset_ns=moved), other])
        packets += outcome.packets[1] if number else sum(outcome.packets)
        pair = outcome.summary()
        found.append(pair)
        clocks.append(_hung_on(clocks[-1], *pair.clocks))
    return ComparisonSummary(
        packets=packets,
        matched=sum(pair.matched for pair in found),
        stretches=tuple(stretch for pair in found for stretch in pair.stretches),
        clocks=tuple(clocks),
        caveats=tuple(dict.fromkeys(caveat for pair in found for caveat in pair.caveats)),
    )


def _hung_on(before: ClockFigures, one: ClockFigures, other: ClockFigures) -> ClockFigures:
    """A clock's figures against the first one's, where the pair's first clock was set right already."""
    doubts = (before.uncertainty_ms, one.uncertainty_ms, other.uncertainty_ms)
    return ClockFigures(
        other.file,
        other.shift_ms - one.shift_ms,
        before.drift_ppm + other.drift_ppm - one.drift_ppm,
        None if None in doubts else sum(doubt for doubt in doubts if doubt is not None),
    )


def _taken_in(source: BinaryIO) -> BinaryIO:
    """A pipe's octets, to be read twice where they are few."""
    held = source.read(SMALL_OCTETS)
    following = source.read(1)
    if not following:
        return io.BytesIO(held)
    return io.BufferedReader(_Joined(held + following, source))


class _Joined(io.RawIOBase):
    """What was read of a pipe already, then the rest of it."""

    def __init__(self, held: bytes, rest: BinaryIO) -> None:
        self._held, self._rest = memoryview(held), rest

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any, /) -> int:
        room = memoryview(target).cast("B")
        piece = self._held[: len(room)] if self._held else memoryview(self._rest.read(len(room)))
        self._held = self._held[len(piece) :]
        room[: len(piece)] = piece
        return len(piece)
