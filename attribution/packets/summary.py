"""What a capture holds, in figures that can each be opened: the frames behind it, and the filter that shows them.

A small capture is read in plain Python and pays for nothing else; a large one goes through compiled code, streamed.
The same functions keep the books of both, so both give the same figures.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import BinaryIO

from attribution.model.capture import CaptureSummary
from attribution.model.incident import Origin
from attribution.model.observation import Caveat
from attribution.model.phrase import Phrase
from attribution.packets import flow_table as ft
from attribution.packets.capture import read_capture
from attribution.packets.capture_files import FileReader
from attribution.packets.compression import PIECE, CutShort, is_compressed, read_pieces
from attribution.packets.figures import flows_of, health_of, protocols_of
from attribution.packets.observe import caveats_of_survey
from attribution.packets.sizes import FEW_PACKETS, SMALL_OCTETS, Announce
from attribution.packets.survey import Survey, survey_capture
from attribution.packets.tap import tap_counts
from attribution.packets.witnesses import find_witnesses


def summarise_capture(
    source: BinaryIO | bytes, origin: Origin, flows: int = 20, announce: Announce | None = None
) -> CaptureSummary:
    """Read a capture of any size and put it into figures.

    `announce` is told before code is compiled, which takes long the first time. Raises CaptureError where the source
    is no capture.
    """
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    first = stream.read(PIECE)
    pieces = read_pieces(stream, PIECE, first)
    held, over, cut = _take_some(pieces)
    if cut is not None:
        found = summarise_capture(b"".join(held), origin, flows, announce)
        reason = Phrase("{cut}; everything before it was read", cut=cut.reason)
        caveat = Caveat(origin.file, f"frame {found.packets}", reason)
        return replace(found, truncated=True, caveats=(*found.caveats, caveat))
    if over and _is_small(held, origin):
        return summary_of(survey_capture(read_capture(b"".join(held), origin)), flows)
    from attribution.packets.bulk.compilation import code_at_hand
    from attribution.packets.bulk.reading import read_large

    if announce is not None and not code_at_hand():
        announce("a large capture: compiling the code that reads it, once for this installation (some twenty seconds)")
    rest = None if is_compressed(first) else stream
    of_pieces = chain(held, pieces) if rest is None else held
    return summary_of(survey_capture(*read_large(of_pieces, rest, origin, stream)), flows)


def _take_some(pieces: Iterator[bytes]) -> tuple[list[bytes], bool, CutShort | None]:
    """The first pieces of a file, whether that is all of it, and where its compression broke off, if it did."""
    held: list[bytes] = []
    octets = 0
    try:
        for piece in pieces:
            held.append(piece)
            octets += len(piece)
            if octets > SMALL_OCTETS:
                return held, False, None
    except CutShort as cut:
        return held, True, cut
    return held, True, None


def _is_small(held: list[bytes], origin: Origin) -> bool:
    """Whether there are few packets; by the capture alone, so that the same capture always gives the same answer."""
    reader = FileReader(origin.file)
    return all(reader.records <= FEW_PACKETS for _ in reader.read(b"".join(held), True))


def summary_of(survey: Survey, flows: int = 20) -> CaptureSummary:
    """The figures of a capture whose books are kept."""
    capture, ledger = survey.capture, survey.ledger
    counters = ledger.counters
    packets = int(counters[ft.FRAMES])
    return CaptureSummary(
        file=capture.origin.file,
        format=capture.format,
        packets=packets,
        octets=int(counters[ft.OCTETS]),
        start_ns=capture.start_ns if packets else None,
        end_ns=capture.end_ns if packets else None,
        dropped=capture.dropped,
        truncated=capture.truncated,
        protocols=protocols_of(ledger),
        health=health_of(ledger),
        flows=flows_of(ledger, flows),
        flow_count=int(counters[ft.SEEN]),
        loss=tuple(tap_counts(survey)),
        witnesses=tuple(find_witnesses(survey)),
        caveats=(*capture.caveats, *caveats_of_survey(survey)),
    )
