"""The very packets that a claim rests on, as a packet list: number, time, ends, protocol, length, and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import BinaryIO, Final

from attribution.errors import CaptureError
from attribution.model.dossier import Excerpt, ExcerptRow
from attribution.model.quotation import Quotation
from attribution.packets import columns as c
from attribution.packets.capture_files import FileReader
from attribution.packets.compression import CutShort, read_pieces
from attribution.packets.decode import decode_packet
from attribution.packets.frames import Frame
from attribution.packets.packet_list import describe_layers, describe_packet

COLUMNS: Final = ("No.", "UTC", "Time", "Source", "Destination", "Protocol", "Length", "Info")
NEIGHBOURS: Final = 1
MOST_FRAMES: Final = 40
NANOSECONDS: Final = 1_000_000_000


def quote_frames(stream: BinaryIO, quotations: Sequence[Quotation]) -> Iterator[Excerpt]:
    """An excerpt for each of the quotations of one capture, which is read once and up to the last frame in question.

    Times are the capture's own: `UTC` the time of day, `Time` seconds since the first frame, as Wireshark shows them.
    """
    around = [_around(quotation.frames) for quotation in quotations]
    frames, began_ns = _read_frames(stream, quotations[0].file, set().union(*around)) if quotations else ({}, 0)
    packets = {number: _decoded(frame) for number, frame in frames.items()}
    for quotation, wanted in zip(quotations, around, strict=True):
        rows = tuple(
            _row(frames[number], packets[number], number in quotation.frames, began_ns)
            for number in sorted(wanted)
            if number in frames
        )
        if any(row.cited for row in rows):
            omitted = len(set(quotation.frames)) - sum(row.cited for row in rows)
            yield Excerpt(
                quotation.evidence, quotation.file, quotation.locator, COLUMNS, rows, quotation.display_filter,
                omitted + quotation.omitted,
            )  # fmt: skip


def _around(frames: Sequence[int]) -> set[int]:
    """The frames with their neighbours, as far as they are not too many."""
    shown = sorted(set(frames))[:MOST_FRAMES]
    return {near for number in shown for near in range(number - NEIGHBOURS, number + NEIGHBOURS + 1) if near > 0}


def _read_frames(stream: BinaryIO, place: str, wanted: set[int]) -> tuple[dict[int, Frame], int]:
    """The wanted frames as far as they are there, and the time of the first of all."""
    found: dict[int, Frame] = {}
    reader = FileReader(place)
    last, number, began_ns = max(wanted, default=0), 0, 0
    held = b""

    def pieces() -> Iterator[tuple[bytes, bool]]:
        try:
            for piece in read_pieces(stream):
                yield held + piece if held else piece, False
        except CutShort:
            pass
        yield held, True

    try:
        for data, is_last in pieces():
            for record in reader.read(data, is_last):
                number += 1
                began_ns = record.time_ns if number == 1 else began_ns
                if number in wanted:
                    octets = bytes(data[record.start : record.start + record.captured])
                    found[number] = Frame(number, record.time_ns, octets, record.wire, record.link_type, "")
                if number >= last:
                    return found, began_ns
            held = data[reader.consumed :]
    except CaptureError:
        pass  # what was read up to here is there
    return found, began_ns


def _decoded(frame: Frame) -> tuple[int, ...]:
    row = list(c.BLANK)
    row[c.TIME], row[c.CAPTURED], row[c.WIRE] = frame.time_ns, len(frame.octets), frame.wire_octets
    size = len(frame.octets)
    decode_packet(frame.octets, 0, size, max(frame.wire_octets, size), frame.link_type, row)
    return tuple(row)


def _row(frame: Frame, packet: tuple[int, ...], cited: bool, began_ns: int) -> ExcerptRow:
    shown = describe_packet(frame, packet)
    relative = frame.time_ns - began_ns
    cells = (
        str(frame.number), _time_of_day(frame.time_ns), f"{relative / NANOSECONDS:.6f}", shown.source,
        shown.destination, shown.protocol, str(frame.wire_octets), shown.info,
    )  # fmt: skip
    return ExcerptRow(frame.number, cells, cited, tuple(describe_layers(frame, packet)) if cited else ())


def _time_of_day(time_ns: int) -> str:
    """`03:24:02.123456`, in UTC; empty for a time that no calendar holds."""
    try:
        moment = datetime.fromtimestamp(time_ns // NANOSECONDS, UTC)
    except (OverflowError, ValueError, OSError):
        return ""
    return f"{moment:%H:%M:%S}.{time_ns % NANOSECONDS // 1000:06d}"
