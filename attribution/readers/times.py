"""Times as an incident's files write them: RFC 3339 with a zone, or Unix seconds; kept as integer nanoseconds.

Nothing here passes through binary floating point, so that the nanoseconds of a file are those of the observation. A
time without a zone is never read as if it had one.
"""

from __future__ import annotations

import re
from datetime import UTC, date, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from attribution.errors import AttributionError, EvidenceError
from attribution.model.incident import NANOSECONDS

EXPECTED_TIME = "expected RFC 3339 with a zone (2026-11-23T10:00:30Z) or Unix seconds"

_UNIX_EPOCH_DAY = date(1970, 1, 1).toordinal()
LATEST_SECOND = 9_000_000_000  # year 2255: later nanoseconds no longer fit 64 bits, and are milliseconds by mistake
_CALENDAR = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):?(\d\d))?", re.ASCII
)
_SECONDS = re.compile(r"(\d+)(?:\.(\d*))?", re.ASCII)
_EXPONENT = re.compile(r"\d+(?:\.\d*)?[eE][+-]?\d\d?", re.ASCII)
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d\d?)(?::?(\d\d))?", re.ASCII)


def parse_time(text: str, place: str, raises: type[AttributionError] = EvidenceError) -> int:
    """A time of the incident bundle in nanoseconds since the Unix epoch; digits beyond the ninth are cut off.

    Errors: `raises` at `place` for a time without zone, an impossible date, or anything else.
    """
    try:
        return _nanoseconds(text)
    except ValueError as error:
        raise raises(place, f"found {error}", EXPECTED_TIME) from None


def parse_naive_time(text: str, zone: tzinfo, place: str) -> int:
    """A calendar time that its source writes without a zone, read in the stated one; one with a zone keeps its own."""
    match = _CALENDAR.fullmatch(text.strip())
    if match is None or match[8] or match[9]:
        return parse_time(text, place)
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
        clock = _second_of_day(match)
    except ValueError:
        raise EvidenceError(place, f"found the time {text!r}", "expected YYYY-MM-DD hh:mm:ss") from None
    wall = (day.toordinal() - _UNIX_EPOCH_DAY) * 86_400 + clock
    return (wall - _offset_at(wall, zone)) * NANOSECONDS + _fraction(match[7])


def parse_seconds(text: str) -> int:
    """A duration such as a clock offset, in seconds with sign and fraction, as nanoseconds. Raises ValueError."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"{text!r}") from None
    if not number.is_finite() or abs(number) > LATEST_SECOND:
        raise ValueError(f"{text!r}")
    return int(number * NANOSECONDS)


def parse_zone(name: str) -> tzinfo:
    """The zone that a name of the time zone database or an offset (`+08:00`, `UTC+8`) means. Raises ValueError."""
    if name.upper() in ("Z", "UTC", "GMT"):
        return UTC
    match = _OFFSET.fullmatch(name)
    if match:
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if minutes >= 24 * 60:
            raise ValueError(f"{name!r}")
        return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
    from zoneinfo import ZoneInfo  # the database is loaded only where a zone is named

    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(f"{name!r}") from None


@lru_cache(maxsize=4096)
def _nanoseconds(text: str) -> int:
    """The time itself; the same few stand in many rows, hence the memory. Raises ValueError with what is wrong."""
    text = text.strip()
    match = _CALENDAR.fullmatch(text)
    if match:
        return _of_calendar(match)
    if _EXPONENT.fullmatch(text):
        text = f"{Decimal(text):f}"
    match = _SECONDS.fullmatch(text)
    if match is None:
        raise ValueError(f"the time {_shortened(text)!r}" if text else "no time")
    if len(match[1]) > 10 or int(match[1]) > LATEST_SECOND:
        raise ValueError(f"the time {_shortened(text)!r} (milliseconds?)")
    return int(match[1]) * NANOSECONDS + _fraction(match[2])


def _of_calendar(match: re.Match[str]) -> int:
    if not (match[8] or match[9]):
        raise ValueError(f"the time {match[0]!r} without a zone")
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
        clock = _second_of_day(match)
        offset = _stated_offset(match)
    except ValueError:
        raise ValueError(f"the impossible time {match[0]!r}") from None
    seconds = (day.toordinal() - _UNIX_EPOCH_DAY) * 86_400 + clock - offset
    if not 0 <= seconds <= LATEST_SECOND:
        raise ValueError(f"the time {match[0]!r} outside 1970 to 2255")
    return seconds * NANOSECONDS + _fraction(match[7])


def _second_of_day(match: re.Match[str]) -> int:
    """Seconds since midnight; 60 is a leap second (RFC 3339, section 5.7) and runs into the next minute."""
    hour, minute, second = int(match[4]), int(match[5]), int(match[6])
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError
    return hour * 3600 + minute * 60 + second


def _stated_offset(match: re.Match[str]) -> int:
    if match[8]:
        return 0
    hours, minutes = int(match[10]), int(match[11])
    if hours > 23 or minutes > 59:
        raise ValueError
    offset = hours * 3600 + minutes * 60
    return -offset if match[9] == "-" else offset


def _offset_at(wall: int, zone: tzinfo) -> int:
    """The zone's offset from UTC, in seconds, when its clocks show this wall time (the first one where it is twice)."""
    from datetime import datetime

    moment = datetime(1970, 1, 1, tzinfo=zone) + timedelta(seconds=wall)
    offset = moment.utcoffset()
    return round(offset.total_seconds()) if offset is not None else 0


def _fraction(digits: str | None) -> int:
    return int(digits[:9].ljust(9, "0")) if digits else 0


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "…"
