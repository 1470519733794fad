"""Times stand in many forms and are kept to the nanosecond; what has no zone is never given one in silence."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.errors import BundleError, EvidenceError
from attribution.readers.times import parse_naive_time, parse_seconds, parse_time, parse_zone

TEN_PAST = 1_795_428_630 * 10**9  # 2026-11-23T10:10:30Z
nanoseconds = st.integers(min_value=0, max_value=9 * 10**18)


def calendar(time_ns: int, zone: timezone = UTC) -> str:
    """RFC 3339 with nine digits."""
    moment = datetime.fromtimestamp(time_ns // 10**9, zone).replace(tzinfo=None)
    offset = zone.utcoffset(None)
    sign, minutes = ("-", -offset) if offset < timedelta(0) else ("+", offset)
    hours, rest = divmod(int(minutes.total_seconds()) // 60, 60)
    return f"{moment.isoformat()}.{time_ns % 10**9:09d}{sign}{hours:02d}:{rest:02d}"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T10:10:30Z",
        "2026-11-23t10:10:30z",
        "2026-11-23 10:10:30.000+00:00",
        "2026-11-23T18:10:30+08:00",
        "2026-11-23T18:10:30+0800",
        "2026-11-23T06:40:30-03:30",
        "2026-11-23T10:10:30.0000000009Z",
        "1795428630",
        "1795428630.0",
        " 1795428630. ",
        "1.79542863e9",
        "1.79542863E+09",
    ],
)
def test_the_forms_of_one_time(text: str) -> None:
    assert parse_time(text, "place") == TEN_PAST


@given(nanoseconds, st.integers(min_value=-23 * 60, max_value=23 * 60))
def test_a_calendar_time_in_any_zone_survives_to_the_nanosecond(time_ns: int, minutes: int) -> None:
    assert parse_time(calendar(time_ns, timezone(timedelta(minutes=minutes))), "place") == time_ns


@given(nanoseconds)
def test_unix_seconds_survive_to_the_nanosecond(time_ns: int) -> None:
    assert parse_time(f"{time_ns // 10**9}.{time_ns % 10**9:09d}", "place") == time_ns


def test_a_leap_second_runs_into_the_next_minute() -> None:
    assert parse_time("2016-12-31T23:59:60Z", "place") == parse_time("2017-01-01T00:00:00Z", "place")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-23T10:10:30", "found the time '2026-11-23T10:10:30' without a zone"),
        ("2026-11-23", "found the time '2026-11-23'"),
        ("2026-02-30T10:10:30Z", "found the impossible time '2026-02-30T10:10:30Z'"),
        ("2026-11-23T24:00:00Z", "found the impossible time"),
        ("2026-11-23T10:10:30+24:00", "found the impossible time"),
        ("1969-12-31T23:59:59Z", "outside 1970 to 2255"),
        ("1795428630000", "found the time '1795428630000' (milliseconds?)"),
        ("9999999999", "milliseconds?"),
        ("-5", "found the time '-5'"),
        ("nan", "found the time 'nan'"),
        ("yesterday", "found the time 'yesterday'"),
        ("", "found no time"),
        ("1e99", "milliseconds?"),
        ("٢٠٢٦", "found the time"),
    ],
)
def test_what_is_no_time_is_an_error_that_shows_one(text: str, found: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        parse_time(text, "probes.csv:7: time")
    assert caught.value.place == "probes.csv:7: time"
    assert found in str(caught.value)
    assert "expected RFC 3339 with a zone (2026-11-23T10:00:30Z) or Unix seconds" in str(caught.value)


def test_a_wrong_time_is_the_error_of_the_file_it_stands_in() -> None:
    with pytest.raises(BundleError):
        parse_time("soon", "incident.yaml:9: window.start", BundleError)


@given(st.text())
def test_any_text_is_a_time_or_an_error(text: str) -> None:
    try:
        assert 0 <= parse_time(text, "place") < 2**63
    except EvidenceError as error:
        assert error.place == "place"


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "+08:00", "UTC+8", "+0800"])
def test_a_source_without_zones_is_read_in_the_stated_one(zone: str) -> None:
    assert parse_naive_time("2026-11-23 18:10:30.5", parse_zone(zone), "place") == TEN_PAST + 5 * 10**8


def test_a_naive_time_follows_the_summer_time_of_its_zone() -> None:
    berlin = parse_zone("Europe/Berlin")
    summer, winter = (parse_naive_time(f"2026-{month}-01 12:00:00", berlin, "place") for month in ("07", "12"))
    assert summer == parse_time("2026-07-01T10:00:00Z", "place")
    assert winter == parse_time("2026-12-01T11:00:00Z", "place")


def test_a_time_that_has_a_zone_keeps_it() -> None:
    assert parse_naive_time("2026-11-23T10:10:30Z", parse_zone("+08:00"), "place") == TEN_PAST


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd", "+99:00", "UTC+24", "\0"])
def test_a_zone_that_does_not_exist_is_a_value_error(name: str) -> None:
    with pytest.raises(ValueError, match="'"):
        parse_zone(name)


@given(st.text(max_size=20))
def test_any_text_is_a_zone_or_a_value_error(name: str) -> None:
    with contextlib.suppress(ValueError):
        parse_zone(name)


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_clock_offsets_keep_their_nanoseconds(offset_ns: int) -> None:
    sign = "-" if offset_ns < 0 else ""
    assert parse_seconds(f"{sign}{abs(offset_ns) // 10**9}.{abs(offset_ns) % 10**9:09d}") == offset_ns


@pytest.mark.parametrize("text", ["", "nan", "inf", "1e30", "a second"])
def test_what_is_no_clock_offset_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse_seconds(text)
