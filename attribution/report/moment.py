"""Times as reports print them, always in UTC: RFC 3339 for programs, date and time of day for readers."""

from __future__ import annotations

from datetime import UTC, datetime

from attribution.model.incident import Interval

_MILLISECOND_NS = 1_000_000
_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799  # years 1 and 9999


def render_time(time_ns: int) -> str:
    """Nanoseconds since the Unix epoch as `2026-11-23T10:00:31.250Z`."""
    milliseconds = (time_ns + _MILLISECOND_NS // 2) // _MILLISECOND_NS
    return f"{_date_and_time(milliseconds * _MILLISECOND_NS, 'T')}.{milliseconds % 1000:03d}Z"


def render_time_exactly(time_ns: int) -> str:
    """Nanoseconds since the Unix epoch as `2026-11-23T10:00:31.250000001Z`: as exact as a capture is."""
    return f"{_date_and_time(time_ns, 'T')}.{time_ns % 1_000_000_000:09d}Z"


def render_moment(time_ns: int) -> str:
    """Nanoseconds since the Unix epoch as `2026-11-23 10:00:31 UTC`, for a sentence."""
    return f"{_date_and_time(time_ns, ' ')} UTC"


def render_span(interval: Interval, with_date: bool = True, until: str = "to") -> str:
    """`2026-11-23 10:00:30.000 to 10:01:57.000 UTC`; the second date stands only where it is another day."""
    start, end = render_time(interval.start_ns), render_time(interval.end_ns)
    same_day = start[:10] == end[:10]
    first = f"{start[:10]} {start[11:-1]}" if with_date or not same_day else start[11:-1]
    last = end[11:-1] if same_day else f"{end[:10]} {end[11:-1]}"
    return f"{first} {until} {last} UTC"


def _date_and_time(time_ns: int, between: str) -> str:
    """To the second; a damaged file's time that no calendar holds reads as its first or last second."""
    second = min(max(time_ns // 1_000_000_000, _FIRST_S), _LAST_S)
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat(between, "seconds")
