"""Plain text laid out for a terminal: wrapped by what a character really occupies, with nothing a terminal would obey.

Text from evidence may hold escape sequences, direction marks and line breaks; here they are shown, never acted upon.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Style(StrEnum):
    """ANSI escape sequences; the only ones that are ever printed."""

    BOLD = "\x1b[1m"
    FAINT = "\x1b[2m"
    RED = "\x1b[31m"
    GREEN = "\x1b[32m"
    YELLOW = "\x1b[33m"
    BLUE = "\x1b[34m"


_RESET = "\x1b[0m"


def escape(text: str) -> str:
    """The text with every character that is not for reading written out: `\\x1b`, `\\n`, `\\u202e`."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def width_of(text: str) -> int:
    """Columns that the text takes in a terminal: wide characters take two, combining ones none."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns, broken at spaces where possible; at least one line."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        candidate = f"{line} {word}" if line else word
        if width_of(candidate) <= width:
            line = candidate
            continue
        if line:
            lines.append(line)
        *full, line = _pieces(word, width)
        lines.extend(full)
    return [*lines, line]


def _pieces(word: str, width: int) -> Iterator[str]:
    """A word longer than the line, cut to fit; shorter ones stay whole."""
    piece = ""
    for character in word:
        if piece and width_of(piece) + _columns(character) > width:
            yield piece
            piece = ""
        piece += character
    yield piece


def shortened(text: str, width: int) -> str:
    """The text, or as much of its two ends as fits, with an ellipsis between them."""
    if width_of(text) <= width:
        return text
    head, tail = text, text
    front = (width - 1) // 2
    while width_of(head) > front:
        head = head[:-1]
    while width_of(tail) > width - 1 - width_of(head):
        tail = tail[1:]
    return f"{head}…{tail}"


@dataclass(frozen=True, slots=True)
class Page:
    """Where text is laid out: `width` columns, with colour or without."""

    width: int
    colour: bool

    def styled(self, text: str, *styles: Style) -> str:
        return f"{''.join(styles)}{text}{_RESET}" if self.colour and styles else text

    def paragraph(self, text: str, indent: int = 0, *styles: Style) -> list[str]:
        """Evidence-safe text wrapped below an indent."""
        return [" " * indent + self.styled(line, *styles) for line in wrap(escape(text), max(20, self.width - indent))]

    def labelled(self, label: str, text: str, column: int = 15, *styles: Style) -> list[str]:
        """A label, and its text in the column beside it; above it where the page is narrow."""
        if self.width < 60:
            return [self.styled(label, Style.FAINT)] * bool(label) + self.paragraph(text, 2, *styles)
        lines = self.paragraph(text, column, *styles)
        if not label:
            return lines
        head = self.styled(label, Style.FAINT) + " " * (column - width_of(label))
        return [head + lines[0][column:], *lines[1:]]

    def listed(self, label: str, items: Iterable[str]) -> list[str]:
        """A label with several texts in the column beside it; nothing at all where there are none."""
        lines: list[str] = []
        for item in items:
            lines.extend(self.labelled("" if lines else label, item))
        return lines
