"""Times as reports print them: RFC 3339 in UTC, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime

_MILLISECOND_NS = 1_000_000


def render_time(time_ns: int) -> str:
    """Nanoseconds since the Unix epoch as `2026-11-23T10:00:31.250Z`."""
    milliseconds = (time_ns + _MILLISECOND_NS // 2) // _MILLISECOND_NS
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
