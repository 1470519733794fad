"""The interfaces that a capture file names: a pcapng of several ports says of each packet by which it came."""

from __future__ import annotations

from collections import deque
from typing import BinaryIO

from attribution.packets.capture_files import FileReader
from attribution.packets.compression import CutShort, read_pieces


def interface_names(stream: BinaryIO, place: str) -> tuple[str, ...]:
    """The names of the interfaces that are described at the beginning of a file, as its blocks give them (if_name).

    The stream is at its beginning again. Raises CaptureError where it is no capture.
    """
    stream.seek(0)
    reader = FileReader(place)
    try:
        piece = next(iter(read_pieces(stream)), b"")
        deque(reader.read(piece, False), maxlen=0)
    except CutShort:
        pass  # whoever reads the file says so
    stream.seek(0)
    return tuple(dict.fromkeys(interface.name for interface in reader.interfaces))
