"""Captures of several points in figures, whatever their size.

Small captures are compared in plain Python, all points at once, and pay for nothing else. Where one of them is large,
neighbours are laid over each other two by two, in the order in which they are given, through compiled code.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Any, BinaryIO, Final

from attribution.errors import CaptureError
from attribution.model.capture import ClockFigures, ComparisonSummary
from attribution.model.incident import Interval, Origin
from attribution.model.observation import Caveat, PairCount
from attribution.packets.capture import read_capture
from attribution.packets.clocks import ClockRelation
from attribution.packets.comparison import summarise_comparison
from attribution.packets.remarks import clock_caveats
from attribution.packets.sizes import SMALL_OCTETS, Announce, is_small
from attribution.packets.tallies import pair_counts

# Captures that are farther apart in time (seconds) than any two clocks of one day were not taken together.
CLOCKS_APART_S: Final = 900.0


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


def compare_points(
    sources: Sequence[BinaryIO], origins: Sequence[Origin], recorded: Sequence[Interval | None] = ()
) -> Iterator[PairCount | Caveat]:
    """Yield what was sent and lost between neighbouring points, in the order in which they are given, of any size.

    `sources` are open files that can be read more than once. Several files may be of one point, one after the other as
    a capture that begins a new file now and then makes them: each is compared with those of the next point that may
    have `recorded` at the time. All times are on one clock.
    """
    from attribution.packets.bulk.comparison import lay_over
    from attribution.packets.bulk.outcome import nothing_shared

    found: list[_Compared] = []
    for one, other in _to_compare(origins, recorded or [None] * len(origins)):
        outcome = lay_over([sources[one], sources[other]], [origins[one], origins[other]])
        own = [shift.at(start) for shift, start in zip(outcome.shifts, outcome.starts, strict=True)]
        shifts = {one: own[0], other: own[1]} if outcome.pairs else {}
        counts, caveats = tuple(pair_counts(outcome.stretches())), tuple(outcome.caveats_of_files())
        begun = {one: outcome.starts[0], other: outcome.starts[1]}
        found.append(_Compared((one, other), begun, shifts, counts, caveats))
    yield from dict.fromkeys(caveat for pair in found for caveat in pair.caveats)
    sharing = {place for pair in found for place in pair.shifts}
    for pair in found:
        if not pair.shifts and not sharing.issuperset(pair.places):
            yield nothing_shared(*(origins[place].file for place in pair.places))
    added = _on_one_clock(found, origins)
    starts = {place: start for pair in found for place, start in pair.starts.items()}
    files = [origins[place].file for place in starts]
    relations = [ClockRelation(start, added.get(place, 0)) for place, start in starts.items()]
    yield from clock_caveats(files, list(starts.values()), relations)
    for pair in found:
        more = next((added[place] - shift for place, shift in pair.shifts.items()), 0)
        for count in pair.counts:
            moved = replace(count, time_ns=count.time_ns + more, end_ns=count.end_ns + more)
            yield replace(moved, clock_shift_ns=count.clock_shift_ns + more)


@dataclass(frozen=True, slots=True)
class _Compared:
    """Two captures laid over each other: their places among all, when each begins, and by how much the times of each
    were moved onto the clock that the counts are on; nothing where they share no packets."""

    places: tuple[int, int]
    starts: dict[int, int]
    shifts: dict[int, int]
    counts: tuple[PairCount, ...]
    caveats: tuple[Caveat, ...]


def _to_compare(origins: Sequence[Origin], recorded: Sequence[Interval | None]) -> Iterator[tuple[int, int]]:
    """The places of the files of neighbouring points that may have recorded at the same time."""
    points: dict[tuple[str, str | None], list[int]] = {}
    for place, origin in enumerate(origins):
        points.setdefault(_point(origin), []).append(place)
    for ours, theirs in pairwise(points.values()):
        for one, other in product(ours, theirs):
            mine, other_time = recorded[one], recorded[other]
            if mine is None or other_time is None or mine.widened(CLOCKS_APART_S, CLOCKS_APART_S).overlaps(other_time):
                yield one, other


def _point(origin: Origin) -> tuple[str, str | None]:
    """The device and port where a capture was taken; else the file itself."""
    return origin.device or origin.part, origin.interface


def _on_one_clock(found: Sequence[_Compared], origins: Sequence[Origin]) -> dict[int, int]:
    """What to add to each capture's times, by its place: each pair's clocks are hung on the ones before.

    Right is a clock whose offset was stated, else that of the point in the middle of those that are tied to each other.
    """
    added: dict[int, int] = {}
    tied = [pair.shifts for pair in found if pair.shifts]
    for root in sorted({place for shifts in tied for place in shifts}):
        if root in added:
            continue
        members = {root: 0}
        while grown := {
            place: members[known] + shift - shifts[known]
            for shifts in tied
            for known in shifts
            if known in members
            for place, shift in shifts.items()
            if place not in members
        }:
            members |= grown
        stated = [place for place in members if origins[place].clock_offset_ns is not None]
        of_points = {_point(origins[place]): members[place] for place in stated or members}
        right = sorted(of_points.values())[len(of_points) // 2]
        added |= {place: own - right for place, own in members.items()}
    return added


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
