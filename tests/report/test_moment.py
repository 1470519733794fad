"""Times are UTC: exact for programs, short for readers."""

from __future__ import annotations

from attribution.model.incident import Interval
from attribution.report.moment import render_moment, render_span, render_time

MIDNIGHT_NS = 1_795_478_400_000_000_000  # 2026-11-24T00:00:00Z


def test_a_time_is_rounded_to_the_millisecond() -> None:
    assert render_time(MIDNIGHT_NS + 1_499_999) == "2026-11-24T00:00:00.001Z"
    assert render_time(MIDNIGHT_NS - 1) == "2026-11-24T00:00:00.000Z"
    assert render_time(MIDNIGHT_NS - 500_001) == "2026-11-23T23:59:59.999Z"


def test_a_moment_for_a_sentence() -> None:
    assert render_moment(MIDNIGHT_NS) == "2026-11-24 00:00:00 UTC"


def test_a_span_repeats_the_date_only_over_midnight() -> None:
    short = Interval(MIDNIGHT_NS, MIDNIGHT_NS + 61_000_000_000)
    across = Interval(MIDNIGHT_NS - 1_000_000_000, MIDNIGHT_NS)

    assert render_span(short) == "2026-11-24 00:00:00.000 to 00:01:01.000 UTC"
    assert render_span(short, with_date=False) == "00:00:00.000 to 00:01:01.000 UTC"
    assert render_span(across, with_date=False) == "2026-11-23 23:59:59.000 to 2026-11-24 00:00:00.000 UTC"
