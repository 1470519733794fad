"""Who wrote a line of a log: the head of a syslog message in the forms that devices write."""

from __future__ import annotations

import re
from pathlib import Path

from tests.transform.folder import Keys, read_text, write_text

_CLOCK = r"\d\d:\d\d:\d\d(?:\.\d+)?"
_HEAD = re.compile(
    r"^(?:<\d{1,3}>)?(?:"
    r"1 \S+"  # RFC 5424
    rf"|[*.]?[A-Z][a-z]{{2}} [ \d]\d (?:\d{{4}} )?{_CLOCK}(?: \d{{4}})?"  # RFC 3164; Huawei's and H3C's year
    rf"|\d{{4}} [A-Z][a-z]{{2}} [ \d]\d {_CLOCK}"  # NX-OS
    rf"|\d{{4}}-\d\d-\d\d[T ]{_CLOCK}\S*"
    r") (?P<host>[^\s:%]+)"
    r"|^(?:<\d{1,3}>)?\d+: (?P<numbered>[^\s:%]+): "  # IOS with a sequence number
)


def sender_of(line: str, entry: Keys) -> str | None:
    """The device that wrote the line: the entry's, or the one that stands after the time."""
    if "device" in entry:
        return str(entry["device"])
    head = _HEAD.match(line)
    return head["host"] or head["numbered"] if head else None


def read_lines(path: Path) -> list[str]:
    """The lines of a log with their line ends."""
    return read_text(path).splitlines(keepends=True)


def write_lines(path: Path, lines: list[str]) -> None:
    write_text(path, "".join(lines))
