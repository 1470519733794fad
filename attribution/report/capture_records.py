"""The flat tables of captures as text for programs: CSV (RFC 4180) and one JSON object a line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from attribution.model.capture_tables import FlatTable, Value, ValueKind
from attribution.report.layout import escape
from attribution.report.moment import render_time_exactly

# What a spreadsheet would take for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@")


def render_csv(table: FlatTable, header: bool = True) -> str:
    """The table with a line of names on top; not measured is empty, frame numbers stand in one cell.

    Text from evidence is escaped for terminals, and led by an apostrophe where a spreadsheet would compute it.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    if header:
        writer.writerow(name for name, _ in table.columns)
    for row in table.rows:
        writer.writerow(_cell(value, kind) for value, (_, kind) in zip(row, table.columns, strict=True))
    return written.getvalue()


def render_ndjson(tables: Iterable[FlatTable], schema: str | None) -> str:
    """One object a line, its `record` naming the table; the first line names the schema too, where one is given.

    ASCII only.
    """
    lines: list[str] = []
    for table in tables:
        for row in table.rows:
            record: dict[str, object] = {"record": table.record}
            if not lines and schema is not None:
                record["schema"] = schema
            record |= {name: _value(value, kind) for value, (name, kind) in zip(row, table.columns, strict=True)}
            lines.append(json.dumps(record, ensure_ascii=True, allow_nan=False))
    return "".join(f"{line}\n" for line in lines)


def _cell(value: Value, kind: ValueKind) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    if kind is ValueKind.TIME and isinstance(value, int):
        return render_time_exactly(value)
    if kind is ValueKind.BOOLEAN:
        return "true" if value else "false"
    if kind is ValueKind.TEXT:
        return _text(str(value))
    return str(value)


def _text(text: str) -> str:
    shown = escape(text)
    return f"'{shown}" if shown.startswith(_FORMULA_STARTS) else shown


def _value(value: Value, kind: ValueKind) -> object:
    if kind is ValueKind.TIME and isinstance(value, int):
        return render_time_exactly(value)
    return list(value) if isinstance(value, tuple) else value
