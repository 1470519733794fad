"""The door through which captures come in where no incident names them: a path, octets, or a stream.

Commands and notebooks open captures here, and nowhere else in `packets` is a file opened.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from typing import TYPE_CHECKING, BinaryIO, Final

from attribution.errors import CaptureError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Source = str | PathLike[str] | bytes | BinaryIO
EXPECTED: Final = "expected a pcap or pcapng file, plain, gzip or zstd"
UNNAMED: Final = "capture"
BUFFER_OCTETS: Final = 1 << 18

Counted = Callable[[int], None]
"""Told how many octets were just read."""


@contextmanager
def open_source(source: Source, place: str | None = None, counted: Counted | None = None) -> Iterator[BinaryIO]:
    """A stream of the capture's octets; what was opened here is closed again, what was handed in stays open.

    Raises CaptureError, naming the place, where the file cannot be opened or breaks off with an error of the system.
    """
    named = place_of(source) if place is None else place
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    if isinstance(source, str | PathLike):
        try:
            file = io.FileIO(fspath(source))
        except OSError as error:
            raise CaptureError(named, _why(error), EXPECTED) from None
        with file, _counting(file, named, counted) as stream:
            yield stream
        return
    with _counting(source, named, counted) as stream:
        yield stream


def place_of(source: Source) -> str:
    """What messages and figures call the capture: its path, or the stream's own name."""
    if isinstance(source, str | PathLike):
        return fspath(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) and name else UNNAMED


def _counting(inner: BinaryIO | io.FileIO, place: str, counted: Counted | None) -> io.BufferedReader:
    return io.BufferedReader(_Counting(inner, place, counted), BUFFER_OCTETS)


class _Counting(io.RawIOBase):
    """Hands octets on and tells how many; an error of the system becomes one of the capture.

    Closing it leaves the inner stream open.
    """

    def __init__(self, inner: BinaryIO | io.FileIO, place: str, counted: Counted | None) -> None:
        super().__init__()
        self._inner = inner
        self._place = place
        self._counted = counted

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._inner.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._inner.seek(offset, whence)

    def tell(self) -> int:
        return self._inner.tell()

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        try:
            count = self._fill(memoryview(buffer))
        except OSError as error:
            raise CaptureError(self._place, _why(error), EXPECTED) from None
        if count and self._counted is not None:
            self._counted(count)
        return count

    def _fill(self, buffer: memoryview) -> int:
        if isinstance(self._inner, io.FileIO | io.BufferedReader):
            return self._inner.readinto(buffer) or 0
        octets = self._inner.read(len(buffer))
        buffer[: len(octets)] = octets
        return len(octets)


def _why(error: OSError) -> str:
    """What the system says, in the words of a sentence."""
    match error:
        case FileNotFoundError():
            return "there is no such file"
        case IsADirectoryError():
            return "this is a directory"
        case PermissionError():
            return "there is no permission to read it"
    return f"cannot be read: {error.strerror or error}"
