"""A device's clock as its log shows it: often without year or zone, and then never guessed in silence.

A line that lacks the zone takes the one the exporter stated, else UTC; one that lacks the year takes the year of the
incident's window. Where a file without years holds both December and January, the turn of the year lies within it, and
its later months belong to the year before. Each assumption is remembered, for a caveat to state it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from attribution.errors import EvidenceError
from attribution.model.incident import NANOSECONDS, Origin
from attribution.model.phrase import Phrase
from attribution.readers.log_envelopes import Envelope
from attribution.readers.times import parse_zone

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_ZONE_HOURS = {
    "CST": 8, "CCT": 8, "BJT": 8, "HKT": 8, "SGT": 8, "JST": 9, "KST": 9, "CET": 1, "CEST": 2, "MSK": 3,
    "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip
"""What the abbreviations mean where a Tencent Cloud customer's devices write them: CST is China's, not Chicago's."""

_PIECES = re.compile(r"[A-Za-z]+|\d+")
_OFFSET = re.compile(r"[+-]\d{1,2}(?::?\d{2})?")
_TURN_OF_YEAR = tuple((name, re.compile(rb"(?mi)^.{0,80}?\b%s[\s/]+\d{1,2} \d\d:" % name)) for name in (b"Dec", b"Jan"))

LATEST_NS = 9_000_000_000 * NANOSECONDS
"""A time beyond the year 2255 is a mistake, and its nanoseconds would not fit 64 bits."""
NO_YEAR = Phrase("the year is missing: that of the incident's window was taken")
NO_ZONE = Phrase("the time zone is missing and the evidence entry has no `timezone:`; UTC was taken")
NOT_SYNCHRONISED = Phrase("the device marked its clock as not synchronised")


class LogClock:
    """Dates one file's envelopes, and keeps in `assumptions` what had to be assumed: since which line, on how many."""

    def __init__(self, content: bytes, origin: Origin) -> None:
        self._origin = origin
        self._stated_zone = _stated_zone(origin)
        self._year_turns = _turns_the_year(content)
        self._minutes: dict[tuple[str, str], tuple[int, frozenset[str]] | None] = {}
        self.assumptions: dict[str, tuple[int, int]] = {}

    def read(self, envelope: Envelope, line: int) -> tuple[int, bool] | None:
        """Nanoseconds since the epoch, the source's offset added, and whether to trust them; None: no such time."""
        key = (envelope.minute, envelope.suffix)
        if key not in self._minutes:
            self._minutes[key] = self._read_minute(*key)
        minute = self._minutes[key]
        second = _nanoseconds(envelope.second)
        if minute is None or (second >= 61 * NANOSECONDS and envelope.minute != "@"):
            return None
        start_ns, assumed = minute
        time_ns = start_ns + second
        if not 0 <= time_ns <= LATEST_NS:
            return None
        for assumption in sorted(assumed):
            self._assume(assumption, line)
        if not envelope.synchronised:
            self._assume(NOT_SYNCHRONISED, line)
        trusted = envelope.synchronised and assumed <= {NO_YEAR}
        return time_ns + (self._origin.clock_offset_ns or 0), trusted

    def _assume(self, assumption: str, line: int) -> None:
        first_line, count = self.assumptions.get(assumption, (line, 0))
        self.assumptions[assumption] = first_line, count + 1

    def _read_minute(self, minute: str, suffix: str) -> tuple[int, frozenset[str]] | None:
        """The start of that minute and what was assumed about it; None where the calendar has no such minute."""
        if minute == "@":
            return 0, frozenset()
        assumed: set[str] = set()
        year, month, day, hour, minutes = _calendar(minute, suffix)
        if year is None:
            assumed.add(NO_YEAR)
            year = self._origin.window_year + self._years_off(month)
        try:
            zone, assumption = self._zone(suffix)
            seconds = _seconds(datetime(year, month, day, hour, minutes, tzinfo=zone))
        except ValueError:
            return None
        if assumption is not None:
            assumed.add(assumption)
        return seconds * NANOSECONDS, frozenset(assumed)

    def _years_off(self, month: int) -> int:
        """A December line belongs to the year before a January window, and the other way round."""
        window = self._origin.window_month
        if window is None:
            return -1 if self._year_turns and month > 6 else 0
        return -1 if month - window > 6 else 1 if window - month > 6 else 0

    def _zone(self, suffix: str) -> tuple[tzinfo, str | None]:
        """The zone that the line states, else the exporter's, else UTC; and what was assumed, if anything."""
        offset = _OFFSET.search(suffix)
        if offset is not None:
            return parse_zone(offset[0]), None
        names = [name for name in re.findall(r"[A-Za-z]+", suffix) if name != "DST"]
        if names and names[0] in ("Z", "z", "UTC", "GMT"):
            return UTC, None
        if self._stated_zone is not None:
            return self._stated_zone, None
        if names and names[0] in _ZONE_HOURS:
            hours = _ZONE_HOURS[names[0]]
            assumed = Phrase("the zone {name} was read as UTC{hours:+d}", name=names[0], hours=hours)
            return timezone(timedelta(hours=hours)), assumed
        return UTC, Phrase("the zone {name} is not known: UTC was taken", name=names[0]) if names else NO_ZONE


def _turns_the_year(content: bytes) -> bool:
    """Whether times without a year stand in December and in January. That the names stand anywhere is soon told."""
    return all(
        (name in content or name.lower() in content) and at_line_begin.search(content) is not None
        for name, at_line_begin in _TURN_OF_YEAR
    )


def _calendar(minute: str, suffix: str) -> tuple[int | None, int, int, int, int]:
    """Year (None where not written), month, day, hour and minute, whatever their order in the text."""
    year, month, numbers = None, None, []
    for piece in _PIECES.findall(minute):
        if piece[:3].lower() in _MONTHS and len(piece) == 3:
            month = _MONTHS[piece.lower()]
        elif piece.isdigit() and len(piece) == 4:
            year = int(piece)
        elif piece.isdigit():
            numbers.append(int(piece))
    if month is None:
        month = numbers.pop(0)
    written_after = re.search(r"(?<![\d+-])\d{4}(?!\d)", suffix)
    if written_after is not None:
        year = int(written_after[0])
    day, hour, minutes = numbers
    return year, month, day, hour, minutes


def _seconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def _nanoseconds(second: str) -> int:
    """`15`, `15.352686`, `15,352` or `15:352` as nanoseconds."""
    whole, fraction = second, ""
    for separator in ".,:":
        if separator in second:
            whole, fraction = second.split(separator)
            break
    return int(whole) * NANOSECONDS + (int(fraction.ljust(9, "0")) if fraction else 0)


def _stated_zone(origin: Origin) -> tzinfo | None:
    """The zone of the evidence entry; EvidenceError where there is no such zone."""
    if origin.timezone_name is None:
        return None
    try:
        return parse_zone(origin.timezone_name)
    except ValueError as error:
        expected = "expected an IANA name such as Asia/Shanghai, or an offset such as +08:00"
        raise EvidenceError(origin.file, f"found the unknown timezone {error}", expected) from error
