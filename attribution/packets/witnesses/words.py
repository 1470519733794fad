"""What a stranger's packet says is shown escaped: a name or a message from the wire must not steer a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from attribution.model.phrase import Phrase, in_a_row

LONGEST_TEXT: Final = 80
NAMES_SHOWN: Final = 3


def escaped(octets: bytes, longest: int = LONGEST_TEXT) -> str:
    """UTF-8 text with everything that does not print as a backslash escape, cut where it is long."""
    text = octets[: 4 * longest].decode("utf-8", "backslashreplace")
    shown = "".join(letter if letter.isprintable() else _escape(letter) for letter in text[:longest])
    return shown + "…" if len(text) > longest else shown


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def few(names: Iterable[str], shown: int = NAMES_SHOWN) -> str:
    """The first different names, and how many more there are."""
    different = list(dict.fromkeys(names))
    more = len(different) - shown
    named = in_a_row(different[:shown])
    return Phrase("{names} and {more} more", names=named, more=more) if more > 0 else named
