"""Single frames of a capture by their numbers, as Wireshark counts them: the octets that a figure rests on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from attribution.errors import CaptureError
from attribution.packets.capture_files import FileReader
from attribution.packets.compression import CutShort, read_pieces


@dataclass(frozen=True, slots=True)
class Frame:
    """One packet as it was captured: `octets` of the `wire_octets` that it had on the network."""

    number: int
    time_ns: int
    octets: bytes
    wire_octets: int
    link_type: int
    interface: str


def read_frames(stream: BinaryIO, place: str, numbers: Collection[int]) -> Iterator[Frame]:
    """Yield the frames of these numbers in the order of the file; nothing is read beyond the last of them.

    Raises CaptureError where the file is no capture or ends before one of the frames.
    """
    wanted = set(numbers)
    last_wanted = max(wanted, default=0)
    reader = FileReader(place)
    number = 0
    for data, last in _joined(stream, reader):
        for record in reader.read(data, last):
            number += 1
            if number in wanted:
                octets = bytes(data[record.start : record.start + record.captured])
                interface = reader.interfaces[record.interface].name if reader.interfaces else ""
                yield Frame(number, record.time_ns, octets, record.wire, record.link_type, interface)
            if number >= last_wanted:
                return
    missing = min(frame for frame in wanted if frame > number)
    raise CaptureError(place, f"frame {missing} is not there", f"expected one of its {number} frames")


def _joined(stream: BinaryIO, reader: FileReader) -> Iterator[tuple[bytes, bool]]:
    """Pieces of the file, each beginning with what the reader left of the one before; the last is marked."""
    held = b""
    try:
        for piece in read_pieces(stream):
            data = held + piece
            yield data, False
            held = data[reader.consumed :]
    except CutShort:
        pass  # what lies before the break is there
    yield held, True
