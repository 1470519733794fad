"""What a command and a terminal have to do with each other: colour, width, complaints, output, progress."""

from __future__ import annotations

import codecs
import os
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import click

EXIT_BAD_INPUT = 3
_FIRST_SHOWN_S = 0.4  # what is done sooner needs no progress
_BETWEEN_S = 0.2
_PLAIN_SIGNS = str.maketrans(
    {"“": '"', "”": '"', "—": "-", "–": "-", "…": "...", "→": "->", "↳": "+", "─": "-", "·": "|"}
)


def colour_wanted(output: Path | None, no_color: bool) -> bool:
    """Colour is for a terminal that wants it: NO_COLOR and TERM=dumb say no, FORCE_COLOR says yes even to a pipe."""
    if no_color or os.environ.get("NO_COLOR") or (output is not None and str(output) != "-"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def page_width() -> int:
    """Columns of the terminal, or of a page where there is none."""
    return shutil.get_terminal_size((100, 40)).columns


def can_print(characters: str) -> bool:
    """Whether standard output's encoding has these characters."""
    try:
        characters.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _printable(text: str) -> str:
    """Text for an old encoding: signs that it lacks by plain ones, letters that it lacks written out.

    What calls itself ASCII is taken for UTF-8, as click does.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if codecs.lookup(encoding).name == "ascii" or can_print(text):
        return text
    return text.translate(_PLAIN_SIGNS).encode(encoding, "backslashreplace").decode(encoding)


def complain(message: str) -> None:
    """One line on standard error that no terminal would obey."""
    from attribution.report.layout import escape

    click.echo(f"attribution: {escape(message)}", err=True)


def write(pieces: Iterable[str], output: Path | None) -> None:
    """Print each piece as soon as it is there; a file is written once all are."""
    if output is None or str(output) == "-":
        for piece in pieces:
            click.echo(_printable(piece), nl=False, color=True)  # keep what colour_wanted allowed
        return
    text = "".join(pieces)
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(output), hint=error.strerror) from None


class Progress:
    """One line on the terminal of standard error, rewritten while a file is read and gone afterwards.

    Nothing is ever written where standard error is no terminal, or where `quiet` asks for silence.
    """

    def __init__(
        self, quiet: bool = False, stream: TextIO | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._shown = not quiet and self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._now = now
        self._name = ""
        self._size: int | None = None
        self._octets = 0
        self._started = self._due = 0.0
        self._is_dirty = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.clear()

    def begin(self, name: str, size: int | None) -> None:
        """Another file is being read, of so many octets where that is known."""
        self._name, self._size, self._octets = name, size, 0
        self._started = self._now()
        self._due = self._started + _FIRST_SHOWN_S

    def advance(self, octets: int) -> None:
        """So many octets more were read."""
        self._octets += octets
        if self._shown and (now := self._now()) >= self._due:
            self._due = now + _BETWEEN_S
            self._put(_progress_line(self._name, self._octets, self._size, now - self._started))

    def announce(self, message: str) -> None:
        """Something takes its time; the next progress takes the message's place."""
        if self._shown:
            self._put(message)

    def clear(self) -> None:
        """Leave no trace, so that what is printed next stands on a clean line."""
        if self._is_dirty:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._is_dirty = False

    def _put(self, text: str) -> None:
        from attribution.report.layout import escape, shortened

        line = shortened(escape(text), page_width() - 1)
        self._stream.write(f"\r\x1b[K{line}")
        self._stream.flush()
        self._is_dirty = True


def _progress_line(name: str, octets: int, size: int | None, spent_s: float) -> str:
    from attribution.report import quantities

    pace = octets / spent_s if spent_s > 0 else 0.0
    if not size:
        return f"{name}: {quantities.octets(octets)}, {quantities.octets(pace)}/s"
    done = min(1.0, octets / size)
    left = f", {max(0.0, (size - octets) / pace):.0f} s left" if pace and octets < size else ""
    read = f"{quantities.octets(octets)} of {quantities.octets(size)} ({done:.0%})"
    return f"{name}: {read}, {quantities.octets(pace)}/s{left}"


def size_of(file: str) -> int | None:
    """Octets of a file, or of what standard input (`-`) was redirected from; None where nobody knows."""
    try:
        found = os.fstat(sys.stdin.fileno()) if file == "-" else Path(file).stat()
    except (OSError, ValueError):
        return None
    return found.st_size if found.st_size and stat.S_ISREG(found.st_mode) else None
