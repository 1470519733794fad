"""GitHub-flavoured Markdown in which text from evidence stays text: no markup, link, mention or table cell comes of it.

Characters that are not for reading are written out as in a terminal. What Markdown would obey is escaped with a
backslash, what HTML would obey with an entity, and what only a forge reads into text that is rendered already
(mentions, issue numbers, emoji, bare addresses) is parted by a word joiner, which nobody sees.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from attribution.report.layout import escape

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ACTIVE = re.compile(r"[\\`*_\[\]|~$&<>]")
_JOINER = "&#8288;"
# An `@` (mention, mail), `#` or `GH-` before a number (issue), the beginning of an address, and `:name:` (emoji).
_READ_INTO = re.compile(
    r"@|#(?=\d)|GH-(?=\d)|:(?=//)|www(?=\.)|(?:mailto|xmpp)(?=:)|:(?=(?!\d{1,2}:)[\w+-]+:)", re.IGNORECASE
)
_LIST_MARK = re.compile(r"\d{1,9}(?=[.)](?: |$))")


def inline(text: str) -> str:
    """Any text for the running text of a paragraph, list item or table cell, on one line."""
    plain = " ".join(escape(text).split(" ")).strip(" ")
    safe = _ACTIVE.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), plain)
    safe = _READ_INTO.sub(lambda found: f"{found[0]}{_JOINER}", safe)
    number = _LIST_MARK.match(safe)
    if number is not None:
        return f"{number[0]}\\{safe[number.end() :]}"
    return f"\\{safe}" if safe[:1] in ("#", "+", "-", "=", ":", "!") else safe


def code(text: str) -> str:
    """A name in the type of code; in that of running text where it holds what ends code or a table's cell."""
    plain = escape(text)
    if not plain.strip(" ") or plain != plain.strip(" ") or "`" in plain or "|" in plain:
        return inline(text)
    return f"`{plain}`"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table whose cells are Markdown already; none where there are no rows."""
    listed = [f"| {' | '.join(row)} |" for row in rows]
    if not listed:
        return []
    return [f"| {' | '.join(headings)} |", f"|{' --- |' * len(headings)}", *listed]


def front_matter(fields: Mapping[str, object]) -> list[str]:
    """YAML between two lines of dashes: each field on a line, as JSON, which YAML reads as it stands."""
    return ["---", *_yaml(fields, ""), "---"]


def _yaml(fields: Mapping[str, object], indent: str) -> Iterable[str]:
    for key, value in fields.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{key}:"
            yield from _yaml(value, f"{indent}  ")
        elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            yield f"{indent}{key}:"
            for item in value:
                yield f"{indent}  - {_flow(item)}"
        else:
            yield f"{indent}{key}: {_flow(value)}"


def _flow(value: object) -> str:
    """JSON on one line, whose text holds nothing that a YAML reader refuses or that would leave its line."""
    return json.dumps(_printable(value), ensure_ascii=False, allow_nan=False)


def _printable(value: object) -> object:
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, Mapping):
        return {escape(str(key)): _printable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_printable(item) for item in value]
    if isinstance(value, float):  # YAML 1.1 takes 1e-05 for text
        return int(value) if value.is_integer() else round(value, 4)
    return value
