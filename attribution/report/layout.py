"""Plain text laid out for a terminal: wrapped by what a character really occupies, with nothing a terminal would obey.

Text from evidence may hold escape sequences, direction marks and line breaks; here they are shown, never acted upon.
"""

from __future__ import annotations

import re
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
# Labels stand in a column this wide; on a page narrower than that, above their text.
LABELS = 15
NARROW = 60


# Printable by Unicode, but nothing to be seen: fillers, joiners and variation selectors (Default_Ignorable_Code_Point).
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# More marks than this on one letter reach into the lines above and below.
_MOST_MARKS = 3
_MARKS = ("Mn", "Me")
# Between these and the wide characters beside them no line is broken.
_NOT_FIRST = frozenset("。，、；：！？”’」』）》】〉〕％…,.;:!?)]}%°")
_NOT_LAST = frozenset("“‘「『（《【〈〔([{")
# A number is not parted from its unit.
_UNIT = re.compile(
    r"(?<=第) (?=\d)|(?<=\d) (?=(?:s|ms|%|dBm|Mbit/s|octets|UTC|秒|毫秒|字节|个|次|处|条|帧|行)(?![^\W\d_]))"
)


def escape(text: str) -> str:
    """The text with every character that is not for reading written out: `\\x1b`, `\\n`, `\\u202e`, `\\ufe0f`.

    So are marks heaped upon one letter, from the fourth on.
    """
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in _MARKS else 0
        if not character.isprintable() or marks > _MOST_MARKS or _INVISIBLE.match(character):
            shown.append(character.encode("unicode_escape").decode("ascii"))
        else:
            shown.append(character)
    return "".join(shown)


def width_of(text: str) -> int:
    """Columns that the text takes in a terminal: wide characters take two, combining ones none."""
    return len(text) if text.isascii() else sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in _MARKS:
        return 0
    return 2 if _is_wide(character) else 1


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in ("W", "F")


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns, broken at spaces and between Chinese characters; at least one line.

    No line begins with closing punctuation or ends with an opening one, and no number is parted from its unit, where
    that can be helped.
    """
    lines: list[str] = []
    line, taken = "", 0
    for gap, word in _words(text):
        size = width_of(word)
        if not line:
            start = word
        elif taken + len(gap) + size <= width:
            line, taken = f"{line}{gap}{word}", taken + len(gap) + size
            continue
        else:
            lines.append(line)
            start = word
        *full, line = _pieces(start, width)
        lines.extend(full)
        taken = width_of(line)
    return [*lines, line]


def _words(text: str) -> Iterator[tuple[str, str]]:
    """What stays together, and what stood before it: a space, or nothing between Chinese characters."""
    gap = ""
    for word in _UNIT.sub("\0", text).split(" "):
        if word.isascii():
            yield gap, word.replace("\0", " ")
        else:
            for part in _between_wide(word.replace("\0", " ")):
                yield gap, part
                gap = ""
        gap = " "


def _between_wide(word: str) -> Iterator[str]:
    start = 0
    for place in range(1, len(word)):
        before, after = word[place - 1], word[place]
        if after in _NOT_FIRST or before in _NOT_LAST or _columns(after) == 0 or " " in (before, after):
            continue
        if _is_wide(before) or _is_wide(after):
            yield word[start:place]
            start = place
    yield word[start:]


def _pieces(word: str, width: int) -> Iterator[str]:
    """A word longer than the line, cut to fit; shorter ones stay whole."""
    piece, taken = "", 0
    for character in word:
        columns = _columns(character)
        if piece and taken + columns > width:
            yield piece
            piece, taken = "", 0
        piece += character
        taken += columns
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

    def paragraph(self, text: str, indent: int = 0, *styles: Style, hang: int = 0) -> list[str]:
        """Evidence-safe text wrapped below an indent; `hang` columns more from the second line on."""
        room = max(20, self.width - indent - hang)
        first, *rest = wrap(escape(text), max(20, self.width - indent))
        if rest and hang:
            first, rest = _hanging(escape(text), max(20, self.width - indent), room)
        shown = [" " * indent + self.styled(first, *styles)]
        return shown + [" " * (indent + hang) + self.styled(line, *styles) for line in rest]

    def labelled(self, label: str, text: str, column: int = LABELS, *styles: Style, hang: int = 0) -> list[str]:
        """A label, and its text in the column beside it; above it where the page is narrow."""
        if self.width < NARROW:
            return [self.styled(label, Style.FAINT)] * bool(label) + self.paragraph(text, 2, *styles, hang=min(hang, 2))
        lines = self.paragraph(text, column, *styles, hang=hang)
        if not label:
            return lines
        head = self.styled(label, Style.FAINT) + " " * max(1, column - width_of(label))
        return [head + lines[0][column:], *lines[1:]]

    def below(self, text: str, hang: int = 0, column: int = LABELS) -> list[str]:
        """Text of less weight under a labelled one."""
        indent = 2 if self.width < NARROW else column
        return self.paragraph(text, indent + hang, Style.FAINT)

    def listed(self, label: str, items: Iterable[str]) -> list[str]:
        """A label with several texts in the column beside it; nothing at all where there are none."""
        lines: list[str] = []
        for item in items:
            lines.extend(self.labelled("" if lines else label, item))
        return lines


def _hanging(text: str, width: int, room: int) -> tuple[str, list[str]]:
    """The first line of `width` columns, and the rest in lines of `room` columns."""
    text = text.lstrip(" ")
    first = wrap(text, width)[0]
    return first, wrap(text[len(first) :].lstrip(" "), room)
