"""What a reader must know besides the figures: what a capture missed itself, and what cannot be told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from attribution.model.observation import Caveat
from attribution.model.phrase import Phrase, Template
from attribution.packets.arrivals import FEWEST_TOWARDS, FEWEST_WITNESSES, Silence
from attribution.packets.clocks import ClockRelation

WORTH_TELLING_NS: Final = 50_000_000


@dataclass(slots=True)
class Missed:
    """Packets of one point that the next does not show as such, by what became of them. `dropped` are those that a
    capture with drops of its own does not show."""

    answered: int = 0
    skipped: int = 0
    cut: int = 0
    unlike: int = 0
    in_pieces: int = 0
    in_fragments: int = 0
    too_big: int = 0
    dropped: int = 0


REASONS: Final = (
    (
        "answered",
        Phrase("packets are missing here that arrived all the same, for they were answered: the capture missed them"),
    ),
    ("skipped", Phrase("packets are missing here that the points before and after show: the capture missed them")),
    ("cut", Phrase("packets cannot be known again: the snap length cut their headers")),
    ("unlike", Phrase("segments of connections of which no packet is the same at both points: changed on the way")),
    ("in_pieces", Phrase("segments came in other pieces, as network cards cut and join them; not lost")),
    ("in_fragments", Phrase("datagrams came in fragments, or put together again; not lost")),
    ("too_big", Phrase("segments that a router dropped for their size, and told their sender so; not lost")),
)
GAP: Final = Template(
    "shows nothing from {start} for {seconds:.1f} s, while packets from beyond it came through: it did not record, or "
    "they went another way; not compared"
)
STOPPED: Final = Template(
    "shows nothing at all from {start} for {seconds:.1f} s: a capture that stopped cannot be told from a link that "
    "failed; what did not come is counted as lost"
)


@dataclass(frozen=True, slots=True)
class Oddities:
    """What was done to the packets between the points or by the captures, as far as it was seen through."""

    translated: int = 0
    moved: int = 0
    copies: tuple[int, ...] = ()


def remarks(
    files: Sequence[str],
    dropped: Sequence[int],
    shifts: Sequence[ClockRelation],
    missed: Mapping[tuple[int, int], Missed],
    silences: Sequence[Silence],
    oddities: Oddities,
) -> Iterator[Caveat]:
    """Yield all that must be told, by file."""
    yield from _of_clocks(files, shifts)
    for file, copies in zip(files, oddities.copies, strict=False):
        if copies:
            reason = Phrase("packets that the capture shows twice, as a mirror port does; counted once")
            yield Caveat(file, "frame 1", reason, copies)
    if oddities.translated:
        reason = Phrase("flows whose addresses are translated on the way")
        yield Caveat(files[0], "frame 1", reason, oddities.translated)
    if oddities.moved:
        reason = Phrase("flows whose sequence numbers a firewall moves; matched by what else stays")
        yield Caveat(files[0], "frame 1", reason, oddities.moved)
    yield from _of_missed(files, dropped, missed)
    yield from _of_silences(files, silences)


def clock_caveats(files: Sequence[str], starts: Sequence[int], shifts: Sequence[ClockRelation]) -> Iterator[Caveat]:
    """Yield which clocks were set right for the comparison."""
    for file, start, relation in zip(files, starts, shifts, strict=True):
        shift = relation.at(start)
        if abs(shift) > WORTH_TELLING_NS:
            reason = Phrase(
                "this clock is {seconds:+.6f} s off the other captures'; set right for the comparison",
                seconds=-shift / 1e9,
            )
            yield Caveat(file, "frame 1", reason)


def _of_clocks(files: Sequence[str], shifts: Sequence[ClockRelation]) -> Iterator[Caveat]:
    for file, relation in zip(files, shifts, strict=True):
        for moment, jump in relation.steps:
            yield Caveat(
                file,
                _clock_time(moment),
                Phrase("a clock was set: this one jumped by {seconds:+.6f} s against the others", seconds=-jump / 1e9),
            )
    if len(files) > 1 and any(relation.uncertainty_ns is None for relation in shifts):
        for file, relation in zip(files, shifts, strict=True):
            if relation.uncertainty_ns is None:
                yield Caveat(
                    file,
                    "frame 1",
                    Phrase("traffic between the points goes one way only: delay cannot be told from the clocks"),
                )


def _of_missed(
    files: Sequence[str], dropped: Sequence[int], missed: Mapping[tuple[int, int], Missed]
) -> Iterator[Caveat]:
    counted: Counter[tuple[int, str]] = Counter()
    for (_, second), found in sorted(missed.items()):
        for name, _ in REASONS:
            counted[second, name] += getattr(found, name)
        if dropped[second] and found.dropped:
            own = dropped[second]
            reason = Phrase(
                "packets are missing here; the capture itself dropped {dropped}: at least {lost} were lost",
                dropped=own, lost=max(0, found.dropped - own),
            )  # fmt: skip
            yield Caveat(files[second], "frame 1", reason, found.dropped)
    for second, file in enumerate(files):
        for name, reason in REASONS:
            if counted[second, name]:
                yield Caveat(file, "frame 1", reason, counted[second, name])


def _of_silences(files: Sequence[str], silences: Sequence[Silence]) -> Iterator[Caveat]:
    for silence in silences:
        start, seconds = _clock_time(silence.start_ns), (silence.end_ns - silence.start_ns) / 1e9
        if silence.from_beyond >= FEWEST_WITNESSES and silence.towards:
            yield Caveat(
                files[silence.capture],
                "frame 1",
                GAP.fill(start=start, seconds=seconds),
                silence.towards,
            )
        elif silence.towards >= FEWEST_TOWARDS:
            yield Caveat(
                files[silence.capture],
                "frame 1",
                STOPPED.fill(start=start, seconds=seconds),
                silence.towards,
            )


def _clock_time(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S") + " UTC"
