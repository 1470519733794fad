"""Captures are kept compressed: the octets inside a gzip or zstd file, piece by piece, and where it is cut."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from attribution.model.phrase import Phrase

GZIP_MAGIC: Final = b"\x1f\x8b"
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
LONGEST_MAGIC: Final = 5
PIECE: Final = 1 << 20
GZIP_SLICE: Final = 1 << 16  # what is left of a slice is copied for each of the members in it
ZSTD_SLICE: Final = 1 << 11  # a few octets may stand for a block of 128 KiB, and all of a slice's come at once


class CutShort(Exception):
    """The compressed file ends early or is damaged; everything before was yielded."""

    def __init__(self, reason: Phrase) -> None:
        super().__init__(reason)
        self.reason = reason


def is_compressed(first: bytes) -> bool:
    """Whether a file that begins so must be decompressed."""
    return first.startswith((GZIP_MAGIC, ZSTD_MAGIC)) or _is_skippable_frame(first)


def read_pieces(stream: BinaryIO, piece: int = PIECE, first: bytes | None = None) -> Iterator[bytes]:
    """Yield what the stream holds, decompressed if its first octets say so. Raises CutShort where it breaks off.

    `first` is what was already read from the stream.
    """
    first = first or b""
    while len(first) < LONGEST_MAGIC and (more := stream.read(piece)):  # a pipe may give a few octets at a time
        first += more
    if first.startswith(GZIP_MAGIC):
        yield from _gunzip(first, stream, piece)
    elif is_compressed(first):
        yield from _unzstd(first, stream, piece)
    else:
        while first:
            yield first
            first = stream.read(piece)


def _is_skippable_frame(first: bytes) -> bool:
    """A zstd file may begin with a frame that holds no data (RFC 8878 §3.1.2); pzstd writes such."""
    return len(first) > 4 and first[1:4] == b"\x2a\x4d\x18" and first[0] & 0xF0 == 0x50


def _slices(first: bytes, stream: BinaryIO, piece: int, size: int) -> Iterator[bytes]:
    """The rest of the stream, some octets at a time."""
    data = first
    while data:
        for start in range(0, len(data), size):
            yield data[start : start + size]
        data = stream.read(piece)


def _gunzip(first: bytes, stream: BinaryIO, piece: int) -> Iterator[bytes]:
    """A gzip file is one member or several (RFC 1952 §2.2); padding after the last is ignored."""
    slices = _slices(first, stream, piece, GZIP_SLICE)
    data = next(slices, b"")
    while data:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            if not data:
                raise CutShort(Phrase("the gzip data ends early"))
            before = member.copy()
            try:
                octets = member.decompress(data, 4 * piece)
            except zlib.error:
                yield from _up_to_damage(before, data)
                return
            if octets:
                yield octets
            data = member.unused_data if member.eof else member.unconsumed_tail or next(slices, b"")
        data = data or next(slices, b"")
        if len(data) == 1:  # the next member's first two octets may stand in two slices
            data += next(slices, b"")
        if data and not data.startswith(GZIP_MAGIC[: len(data)]):
            return


def _up_to_damage(member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What can still be had of a damaged slice, octet by octet; then CutShort."""
    for at in range(len(data)):
        try:
            octets = member.decompress(data[at : at + 1])
        except zlib.error as problem:
            raise CutShort(Phrase("the gzip data is damaged ({problem})", problem=str(problem))) from problem
        if octets:
            yield octets


def _unzstd(first: bytes, stream: BinaryIO, piece: int) -> Iterator[bytes]:
    """A zstd file is a row of frames (RFC 8878 §3.1)."""
    import zstandard

    slices = _slices(first, stream, piece, ZSTD_SLICE)
    data = next(slices, b"")
    while data:
        frame = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        while not frame.eof:
            if not data:
                raise CutShort(Phrase("the zstd data ends early"))
            try:
                octets = frame.decompress(data)
            except zstandard.ZstdError as problem:
                raise CutShort(Phrase("the zstd data is damaged ({problem})", problem=str(problem))) from problem
            if octets:
                yield octets
            data = frame.unused_data if frame.eof else next(slices, b"")
        data = data or next(slices, b"")
