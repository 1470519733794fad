"""How large a capture may be to be read in plain Python, which is done before compiled code is even loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final

from attribution.model.incident import Origin
from attribution.packets.capture_files import FileReader
from attribution.packets.compression import CutShort, read_pieces

FEW_PACKETS: Final = 50_000
SMALL_OCTETS: Final = 48 << 20

Announce = Callable[[str], None]
"""Told before code is compiled, which takes long the first time."""


def is_small(stream: BinaryIO, origin: Origin) -> bool:
    """Whether a capture is soon read in plain Python; the stream is at its beginning again, if it can be.

    It depends on the capture alone, not on whether compiled code is at hand: the same captures give the same answer.
    """
    if not stream.seekable():
        return False
    stream.seek(0)
    reader = FileReader(origin.file)
    held, octets = b"", 0
    small = True
    try:
        for piece in read_pieces(stream):
            octets += len(piece)
            data = held + piece
            if octets > SMALL_OCTETS or any(reader.records > FEW_PACKETS for _ in reader.read(data, False)):
                small = False
                break
            held = data[reader.consumed :]
    except CutShort:
        pass  # what is there will do to tell
    stream.seek(0)
    return small
