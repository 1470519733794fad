"""Times moved: of the whole incident, or of what one party's clocks have stamped."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.transform.folder import (
    Keys,
    Table,
    copy_folder,
    entries_of,
    is_table,
    read_incident,
    read_json,
    read_octets,
    read_table,
    read_text,
    read_truth,
    type_of,
    write_incident,
    write_json,
    write_octets,
    write_table,
    write_text,
    write_truth,
)
from tests.transform.packets import NANOSECONDS, shift_capture

TICKETS = frozenset({"change-records", "account-events", "cloud-audit"})
"""Types of evidence that people and the cloud's own clocks date, not the clocks of one party's devices."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = "|".join(_MONTHS)
_CLOCK = r"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d)"
_WRITTEN_TIMES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<!\d)(?P<year>\d{{4}})(?P<mark>[-/])(?P<month>\d\d)[-/](?P<day>\d\d)(?P<gap>[T ]){_CLOCK}",
        rf"\b(?P<year>\d{{4}}) (?P<name>{_MONTH}) (?P<day>[ \d]\d) {_CLOCK}",
        rf"\b(?P<name>{_MONTH}) (?P<day>[ \d]\d) (?P<year>\d{{4}}) {_CLOCK}",
        rf"\b(?P<name>{_MONTH}) (?P<day>[ \d]\d) {_CLOCK}(?P<fraction>\.\d+)?(?: (?P<late_year>20\d\d)\b)?",
    )
)
_ANY_TIME = re.compile("|".join(re.sub(r"\?P<\w+>", "?:", pattern.pattern) for pattern in _WRITTEN_TIMES))
_UNIX = re.compile(r"\d{9,10}(\.\d+)?")
_TIME_KEY = re.compile(r"time|timestamps?$|^start$|^end$|^first$|^last$", re.IGNORECASE)
_TIME_COLUMNS = ("time", "start", "end", "consented_at")
_FIRST_PLAUSIBLE, _MILLISECONDS = 1_000_000_000, 100_000_000_000


def shift_time(bundle: Path, target: Path, seconds: int) -> Path:
    """The whole incident happens that much later (or earlier)."""
    copy_folder(bundle, target)
    incident = read_incident(target)
    shift = _Shift(seconds, _year_of(incident))
    for entry in entries_of(incident):
        _shift_file(target / entry["file"], type_of(target / entry["file"], entry), shift)
    write_incident(target, shift.value(incident))
    write_truth(target, shift.value(read_truth(target)))
    return target


def skew_clock(bundle: Path, target: Path, supplier: str, seconds: int, stated: bool) -> Path:
    """One party's devices all run fast by that much (slow if negative); `stated` tells whether the entries say so."""
    copy_folder(bundle, target)
    incident = read_incident(target)
    shift = _Shift(seconds, _year_of(incident))
    for entry in entries_of(incident):
        kind = type_of(target / entry["file"], entry)
        if entry.get("supplied_by") != supplier or kind in TICKETS:
            continue
        _shift_file(target / entry["file"], kind, shift)
        if "time" in entry:
            entry["time"] = shift.value({"time": entry["time"]})["time"]
        if stated:
            entry["clock_offset_s"] = entry.get("clock_offset_s", 0.0) - seconds
    write_incident(target, incident)
    return target


def _year_of(incident: Keys) -> int:
    start = str(incident["window"]["start"])
    return datetime.fromtimestamp(float(start), UTC).year if _UNIX.fullmatch(start) else int(start[:4])


def _shift_file(path: Path, kind: str, shift: _Shift) -> None:
    if kind == "capture":
        write_octets(path, shift_capture(read_octets(path), shift.seconds * NANOSECONDS))
    elif is_table(path):
        write_table(path, _shifted_table(read_table(path), shift))
    elif kind == "syslog":
        write_text(path, shift.text(read_text(path)))
    else:
        write_json(path, shift.value(read_json(path)))


def _shifted_table(table: Table, shift: _Shift) -> Table:
    for row in table.rows:
        for column, cell in row.items():
            if column in _TIME_COLUMNS:
                row[column] = shift.cell(cell)
            elif isinstance(cell, str) and ":" in cell:
                row[column] = shift.text(cell)
    return table


class _Shift:
    """Moves whatever states a time by whole seconds, and leaves its form as it is."""

    def __init__(self, seconds: int, year: int) -> None:
        self.seconds = seconds
        self._year = year

    def text(self, text: str) -> str:
        """Every time of day with a date in the words; one without a year is of the incident's."""
        return _ANY_TIME.sub(lambda found: self._written(found.group()), text)

    def cell(self, cell: Any) -> Any:
        """A time in a table's column: RFC 3339, Unix seconds, or what Parquet has for times."""
        if isinstance(cell, datetime):
            return cell + timedelta(seconds=self.seconds)
        if isinstance(cell, int | float):
            return cell + self.seconds
        if isinstance(cell, str) and _UNIX.fullmatch(cell):
            whole, point, fraction = cell.partition(".")
            return f"{int(whole) + self.seconds}{point}{fraction}"
        return self.text(cell) if isinstance(cell, str) else cell

    def value(self, value: Any, dated: bool = False) -> Any:
        """Times within lists and mappings; numbers are times where their key says so, or in pairs with a value."""
        if isinstance(value, dict):
            return {key: self.value(item, bool(_TIME_KEY.search(key))) for key, item in value.items()}
        if isinstance(value, list):
            pair = len(value) == 2 and isinstance(value[0], int | float) and isinstance(value[1], str)
            return [self.value(item, dated or (pair and place == 0)) for place, item in enumerate(value)]
        if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
            return json.dumps(self.value(json.loads(value)), ensure_ascii=False)
        if dated and isinstance(value, int | float) and value >= _MILLISECONDS:
            return value + 1000 * self.seconds
        if dated and isinstance(value, int | float) and value < _FIRST_PLAUSIBLE:
            return value
        return self.cell(value) if dated or (isinstance(value, str) and not _UNIX.fullmatch(value)) else value

    def _written(self, words: str) -> str:
        """The same way of writing with the moved time."""
        found = next(match for match in (pattern.fullmatch(words) for pattern in _WRITTEN_TIMES) if match)
        parts = found.groupdict()
        name, year = parts.get("name"), parts.get("year") or parts.get("late_year") or self._year
        month = _MONTHS.index(name) + 1 if name else int(parts["month"])
        hour, minute, second = (int(parts[part]) for part in ("hour", "minute", "second"))
        stated = datetime(int(year), month, int(parts["day"]), hour, minute, second, tzinfo=UTC)
        return _rewritten(found, stated + timedelta(seconds=self.seconds))


def _rewritten(found: re.Match[str], moved: datetime) -> str:
    """The words found, each part of the time in its own place and width; a day that was not padded gets a space."""
    padded = not found.groupdict().get("name") or found["day"].startswith("0")
    forms = {
        "year": f"{moved.year:04}",
        "late_year": f"{moved.year:04}",
        "month": f"{moved.month:02}",
        "name": _MONTHS[moved.month - 1],
        "day": f"{moved.day:02}" if padded else f"{moved.day:2}",
        "hour": f"{moved.hour:02}",
        "minute": f"{moved.minute:02}",
        "second": f"{moved.second:02}",
    }
    words = found.group()
    for part in sorted(found.groupdict(), key=found.start, reverse=True):
        if part in forms and found[part] is not None:
            words = words[: found.start(part)] + forms[part] + words[found.end(part) :]
    return words
