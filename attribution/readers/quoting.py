"""The very lines, rows and values that a claim rests on, shown with their neighbours as the file has them.

A place is a locator as the readers write it: `line 118`, `row 7`, `[10]`, `Response.Events[2]`. What a file holds was
written by others and may be damaged: whatever cannot be shown is left out, and nothing here raises an error.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice

from attribution.errors import EvidenceError
from attribution.model.dossier import Excerpt, ExcerptRow
from attribution.model.incident import EvidenceType
from attribution.model.quotation import Quotation
from attribution.readers.compression import read_plain

PARQUET = b"PAR1"
LINE_COLUMN = "line"
VALUE_COLUMN = "value"
NEIGHBOURS = 2
MOST_CITED = 8
LONGEST_CELL = 400
MOST_DETAIL = 60
SHORT_VALUE = 110
DEEPEST_INDENT = 24
CUT = " …"
_NUMBERED = re.compile(r"(?:line|row) (\d{1,12})")
_STEP = re.compile(r"\[(\d{1,9})\]|\.?([^.\[\]]+)")
_TABLES = frozenset(
    {
        EvidenceType.INTERFACE_COUNTERS,
        EvidenceType.PROBES,
        EvidenceType.PATHS,
        EvidenceType.CHANGE_RECORDS,
        EvidenceType.ACCOUNT_EVENTS,
        EvidenceType.FLOWS,
    }
)
# A traceroute stands in a row for each hop: these columns tell which rows belong together.
_OF_ONE_TRACE = ("time", "source", "destination")

Numbered = Mapping[int, tuple[str, ...]]
"""Rows or lines of a file by their number."""


def quote_places(content: bytes, kind: EvidenceType, quotations: Sequence[Quotation]) -> Iterator[Excerpt]:
    """An excerpt for each of the quotations of one file; none where the place is not there."""
    try:
        plain = read_plain(content, quotations[0].file) if quotations else b""
    except EvidenceError:
        return
    document: object = None
    for quotation in quotations:
        numbers = _numbers(quotation)
        if numbers and not _is_json(plain, quotation):
            yield from _quote_numbered(plain, kind, quotation, numbers)
            continue
        if document is None:
            document = _read_document(plain)
        if document is not None:
            with suppress(RecursionError):  # nested deeper than anyone could read
                yield from _quote_value(document, quotation)


def _numbers(quotation: Quotation) -> list[int]:
    """The numbers of the lines or rows that are cited, the telling one first; none where the place is no number."""
    matches = [_NUMBERED.fullmatch(place) for place in (quotation.locator, *quotation.others)]
    return [int(match[1]) for match in matches if match is not None] if matches[0] is not None else []


def _is_json(plain: bytes, quotation: Quotation) -> bool:
    """A file of one JSON document is cited as `line 1` where it has no name for the place."""
    return quotation.locator == "line 1" and plain.lstrip()[:1] in (b"{", b"[")


def _quote_numbered(
    plain: bytes, kind: EvidenceType, quotation: Quotation, numbers: Sequence[int]
) -> Iterator[Excerpt]:
    first, cited = numbers[0], sorted(set(numbers[:MOST_CITED]))
    around = {*cited, *(near for near in range(first - NEIGHBOURS, first + NEIGHBOURS + 1) if near > 0)}
    if plain.startswith(PARQUET):
        columns, rows = _parquet_rows(plain, around)
    elif kind in _TABLES:
        columns, rows = _csv_rows(plain, around | set(range(first, first + 2 * MOST_CITED)))
        if kind is EvidenceType.PATHS:
            cited = sorted({*cited, *_of_one_trace(columns, rows, first)})
        around |= {near for number in cited for near in range(number - 1, number + 2)}
    else:
        columns, rows = (LINE_COLUMN,), _text_lines(plain, around)
    shown = tuple(
        ExcerptRow(number, tuple(map(_cut, rows[number])), number in cited)
        for number in sorted(rows)
        if number in around
    )
    if any(row.cited for row in shown):
        omitted = len(set(numbers)) - sum(row.cited and row.number in numbers for row in shown)
        yield Excerpt(
            quotation.evidence, quotation.file, quotation.locator, columns, shown, omitted=omitted + quotation.omitted
        )


def _text_lines(plain: bytes, wanted: set[int]) -> Numbered:
    """Lines by number; octets that are no UTF-8 are shown as replaced."""
    found: dict[int, tuple[str, ...]] = {}
    for number, line in _physical_lines(plain, wanted):
        text = line.decode("utf-8", errors="replace").rstrip("\r")
        if text:
            found[number] = (text,)
    return found


def _physical_lines(plain: bytes, wanted: set[int]) -> Iterator[tuple[int, bytes]]:
    """The wanted lines with their numbers, from 1; nothing is looked at beyond the last of them."""
    last, at = max(wanted, default=0), 0
    for number in range(1, last + 1):
        end = plain.find(b"\n", at)
        if number in wanted:
            yield number, plain[at : end if end >= 0 else len(plain)]
        if end < 0:
            return
        at = end + 1


def _csv_rows(plain: bytes, wanted: set[int]) -> tuple[tuple[str, ...], Numbered]:
    """The header, and the rows that begin on the wanted lines; a line that begins inside a quoted cell is no row."""
    starts = _line_starts(plain, max(wanted, default=0))
    header, header_line = _header(plain, starts)
    found: dict[int, tuple[str, ...]] = {}
    for number in sorted(wanted):
        if header_line < number < len(starts):
            cells = _row_at(plain, starts[number])
            if len(cells) == len(header):
                found[number] = cells
    return header, found


def _line_starts(plain: bytes, last: int) -> list[int]:
    """Where each line begins; the entry at 0 stands for nothing, so that line n begins at starts[n]."""
    starts, at = [0, 0], 0
    while len(starts) <= last + 1 and (end := plain.find(b"\n", at)) >= 0:
        at = end + 1
        starts.append(at)
    if len(starts) > 1 and starts[-1] >= len(plain):
        starts.pop()
    return starts


def _header(plain: bytes, starts: Sequence[int]) -> tuple[tuple[str, ...], int]:
    """The first line that holds something, and its number."""
    for number in range(1, len(starts)):
        cells = tuple(cell.strip() for cell in _row_at(plain, starts[number]))
        if any(cells):
            return (cells[0].removeprefix("\ufeff"), *cells[1:]), number
    return (), 0


def _row_at(plain: bytes, start: int) -> tuple[str, ...]:
    """The cells of the row that begins here, which may run over several lines where a cell is quoted."""
    piece = plain[start : start + (1 << 16)].decode("utf-8", errors="replace")
    try:
        return tuple(next(csv.reader(io.StringIO(piece, newline="")), ()))
    except csv.Error:
        return ()


def _of_one_trace(columns: Sequence[str], rows: Numbered, first: int) -> Iterator[int]:
    """The rows of the traceroute that begins in the first one."""
    places = [columns.index(name) for name in _OF_ONE_TRACE if name in columns]
    if first not in rows:
        return
    trace = [rows[first][place] for place in places]
    number = first
    while number in rows and [rows[number][place] for place in places] == trace:
        yield number
        number += 1


def _parquet_rows(plain: bytes, wanted: set[int]) -> tuple[tuple[str, ...], Numbered]:
    """The names of the columns, and the wanted rows, counted from 1; only their row groups are decoded."""
    import pyarrow
    import pyarrow.parquet

    found: dict[int, tuple[str, ...]] = {}
    try:
        file = pyarrow.parquet.ParquetFile(io.BytesIO(plain))
        names = tuple(str(name).strip() for name in file.schema_arrow.names)
        first = 1
        for group in range(file.num_row_groups):
            beyond = first + file.metadata.row_group(group).num_rows
            inside = [number for number in sorted(wanted) if first <= number < beyond]
            if inside:
                table = file.read_row_group(group).take([number - first for number in inside])
                cells = zip(*(map(_text_of, column.to_pylist()) for column in table.columns), strict=True)
                found.update(zip(inside, cells, strict=True))
            first = beyond
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError):
        return (), {}
    return names, found


def _text_of(value: object) -> str:
    return "" if value is None else str(value)


def _read_document(plain: bytes) -> object:
    """A JSON document, or the list of those that stand one a line; None for anything else."""
    text = plain.decode("utf-8-sig", errors="replace")
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        if len(lines) > 1 and all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in lines):
            found: object = [json.loads(line) for line in lines]
        else:
            found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found


def _quote_value(document: object, quotation: Quotation) -> Iterator[Excerpt]:
    """A value of a document by its path; of a list, the members beside it too."""
    steps = [] if quotation.locator == "line 1" else _steps(quotation.locator)
    above, value = _follow(document, steps)
    if value is _ABSENT:
        return
    if steps and isinstance(above, list) and isinstance(steps[-1], int):
        last = steps[-1]
        near = range(max(0, last - NEIGHBOURS), min(len(above), last + NEIGHBOURS + 1))
        rows = tuple(_value_row(number, above[number], number == last) for number in near)
    else:
        rows = (_value_row(1, value, True),)
    omitted = len(quotation.others) + quotation.omitted
    yield Excerpt(quotation.evidence, quotation.file, quotation.locator, (VALUE_COLUMN,), rows, omitted=omitted)


_ABSENT = object()


def _follow(document: object, steps: Sequence[str | int]) -> tuple[object, object]:
    """What the path leads to, and what holds it."""
    above, value = None, document
    for step in steps:
        above = value
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return above, _ABSENT
            value = value[step]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return above, _ABSENT
    return above, value


def _steps(locator: str) -> list[str | int]:
    return [int(match[1]) if match[1] is not None else match[2] for match in _STEP.finditer(locator)]


def _value_row(number: int, value: object, cited: bool) -> ExcerptRow:
    text = json.dumps(value, ensure_ascii=False)
    detail: tuple[str, ...] = ()
    if cited and isinstance(value, dict | list):
        lines = [*islice(_laid_out(value, ""), MOST_DETAIL + 1)]
        detail = tuple(map(_cut, lines[:MOST_DETAIL])) + ((CUT.strip(),) if len(lines) > MOST_DETAIL else ())
    return ExcerptRow(number, (_cut(text),), cited, detail)


def _laid_out(value: object, indent: str, comma: str = "", name: str = "") -> Iterator[str]:
    """A value over several lines, but for what fits on one."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= SHORT_VALUE or len(indent) > DEEPEST_INDENT or not isinstance(value, dict | list):
        yield f"{indent}{name}{text}{comma}"
        return
    yield f"{indent}{name}{'{' if isinstance(value, dict) else '['}"
    inner: list[tuple[str, object]]
    if isinstance(value, dict):
        inner = [(f"{json.dumps(key, ensure_ascii=False)}: ", item) for key, item in value.items()]
    else:
        inner = [("", item) for item in value]
    for place, (label, item) in enumerate(inner, start=1):
        yield from _laid_out(item, indent + "  ", "," if place < len(inner) else "", label)
    yield f"{indent}{'}' if isinstance(value, dict) else ']'}{comma}"


def _cut(text: str) -> str:
    """A cell of bearable length, with a mark where something was cut off."""
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - len(CUT)] + CUT
