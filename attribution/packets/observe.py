"""Everything one capture point witnessed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from attribution.model.incident import Origin
from attribution.model.observation import CaptureCoverage, Caveat, Observation
from attribution.model.phrase import Phrase
from attribution.packets import failures as fl
from attribution.packets import flow_table as ft
from attribution.packets import pair_bins as pb
from attribution.packets.capture import Capture, read_capture
from attribution.packets.compression import PIECE, is_compressed, read_pieces
from attribution.packets.ledger import SECOND_NS
from attribution.packets.one_point.nodes import FORGOTTEN
from attribution.packets.sizes import is_small
from attribution.packets.survey import Survey, survey_capture
from attribution.packets.tap import tap_counts, tap_loads
from attribution.packets.witnesses import find_witnesses


def observe_point(stream: BinaryIO, origin: Origin) -> tuple[Iterator[Observation | Caveat], Capture | None]:
    """What one capture point witnessed, whatever the size of its file; and the capture, where it is kept in memory.

    `stream` can be read more than once. Raises CaptureError where it is no capture.
    """
    if is_small(stream, origin):
        capture = read_capture(stream, origin)
        return observe_capture(capture), capture
    from attribution.packets.bulk.reading import read_large

    first = stream.read(PIECE)
    pieces, rest = (read_pieces(stream, PIECE, first), None) if is_compressed(first) else ([first], stream)
    capture, ledger = read_large(pieces, rest, origin, stream)
    return chain(capture.caveats, observe_survey(survey_capture(capture, ledger))), None


def observe_capture(capture: Capture) -> Iterator[Observation | Caveat]:
    """Yield when the point listened, what passed and was lost on either side of it, and what its packets testify."""
    yield from capture.caveats
    if not capture.packets:
        yield Caveat(capture.origin.file, "frame 1", Phrase("the capture holds no packets"))
        return
    yield from observe_survey(survey_capture(capture))


def observe_survey(survey: Survey) -> Iterator[Observation | Caveat]:
    """The same of a capture whose books are kept; it has packets, and its own caveats were told."""
    capture = survey.capture
    yield CaptureCoverage(
        time_ns=capture.start_ns,
        end_ns=capture.end_ns,
        origin=capture.origin,
        locator="frame 1",
        device=capture.device,
        interface=capture.origin.interface,
        packets=int(survey.ledger.counters[ft.FRAMES]) - capture.elsewhere,
        dropped=capture.dropped,
        truncated=capture.truncated,
    )
    yield from caveats_of_survey(survey)
    yield from tap_counts(survey)
    yield from tap_loads(survey)
    yield from find_witnesses(survey)


def caveats_of_survey(survey: Survey) -> Iterator[Caveat]:
    """What was left out to bound memory, so that nobody takes it for not there."""
    ledger, place = survey.ledger, survey.capture.origin.file
    told = (
        (survey.capture.left_out, Phrase("packets that may tell something were counted, but not looked into")),
        (
            ledger.closed.count,
            Phrase("flows silent for long were closed to bound memory; what follows on them is a new flow"),
        ),
        (
            int(ledger.pool[FORGOTTEN]),
            Phrase("segments, or what was in flight, could not be followed for want of room"),
        ),
        (ledger.losses_left_out, Phrase("losses were counted, but their sizes not compared")),
        (ledger.notes_left_out, Phrase("resets and closed windows were counted, but not listed")),
        (int(ledger.failure_counters[fl.LEFT_OUT]), Phrase("failed handshakes were counted, but not listed")),
    )
    for count, words in told:
        if count:
            yield Caveat(place, "the whole file", words, count)
    width_ns = int(ledger.tallies[pb.BIN_NS])
    if width_ns != SECOND_NS:
        reason = Phrase("losses are told for {seconds} s at a time", seconds=width_ns // SECOND_NS)
        yield Caveat(place, "the whole file", reason)
    if ledger.tallies[pb.PAIRS] >= pb.MOST_PAIRS:
        reason = Phrase("losses are told of the first pairs of addresses only")
        yield Caveat(place, "the whole file", reason, pb.MOST_PAIRS)
