"""A clock that steps, by the log's own word: the stamps between two steps are set right by what was stated."""

from __future__ import annotations

from datetime import UTC, datetime

from attribution.model.incident import NANOSECONDS, EvidenceType
from attribution.model.observation import Caveat, LogEvent
from attribution.readers.syslog import read_syslog
from tests.readers.material import origin

TEN_O_CLOCK_NS = round(datetime(2026, 11, 23, 10, tzinfo=UTC).timestamp()) * NANOSECONDS
WRONG = "chronyd[600]: System clock wrong by {:.6f} seconds"
STEPPED = "chronyd[600]: System clock was stepped by {:.6f} seconds"
YEAR_S = 365 * 86_400


def read(*lines: tuple[str, str], **stated: object) -> tuple[list[LogEvent], list[Caveat]]:
    text = "\n".join(f"{stamp}Z fw1 {message}" for stamp, message in lines)
    known = {"window_year": 2026, "window_month": 11, **stated}
    said = list(read_syslog(text.encode(), origin(EvidenceType.SYSLOG, "telemetry/syslog.log", **known)))
    return [o for o in said if isinstance(o, LogEvent)], [o for o in said if isinstance(o, Caveat)]


LINK = "kernel: eth0: Link is Down"
AWAY = (
    ("2026-11-23T10:00:00.0", LINK),
    ("2026-11-23T10:00:05.0", WRONG.format(YEAR_S)),
    ("2027-11-23T10:00:05.2", STEPPED.format(YEAR_S)),
    ("2027-11-23T10:03:00.0", LINK),
    ("2027-11-23T10:05:00.0", WRONG.format(-YEAR_S)),
    ("2026-11-23T10:05:00.3", STEPPED.format(-YEAR_S)),
    ("2026-11-23T10:06:00.0", LINK),
)


def seconds_of(events: list[LogEvent]) -> list[float]:
    return [(event.time_ns - TEN_O_CLOCK_NS) / NANOSECONDS for event in events]


def test_what_a_clock_stamped_that_was_a_year_ahead_for_five_minutes_is_set_right() -> None:
    events, caveats = read(*AWAY)

    assert seconds_of(events) == [0.0, 5.0, 5.2, 180.0, 300.0, 300.3, 360.0]
    assert [event.clock_ahead_ns // NANOSECONDS for event in events] == [0, 0, YEAR_S, YEAR_S, YEAR_S, 0, 0]
    (told,) = (caveat for caveat in caveats if "fw1" in caveat.reason)
    assert (told.count, told.locator) == (3, "line 3")


def test_a_line_with_the_stamp_of_another_clock_among_them_keeps_it() -> None:
    """A collector's own stamps, or a sender of another kind, in the same file."""
    stamped_right = ("2026-11-23T10:04:00.0", LINK)
    events, _ = read(*AWAY[:4], stamped_right, *AWAY[4:])

    assert seconds_of(events)[4] == 240.0
    assert events[4].clock_ahead_ns == 0


def test_a_step_sets_the_clock_right_that_was_wrong_since_the_start() -> None:
    events, caveats = read(
        ("2026-11-23T09:59:48.0", LINK),
        ("2026-11-23T09:59:52.0", WRONG.format(12.0)),
        ("2026-11-23T10:00:04.2", STEPPED.format(12.0)),
        ("2026-11-23T10:00:09.0", LINK),
    )
    assert seconds_of(events) == [0.0, 4.0, 4.2, 9.0]
    assert sum(caveat.count for caveat in caveats if "fw1" in caveat.reason) == 2


def test_a_clock_that_starts_before_the_incident_s_year_is_the_wrong_one_and_one_that_leaves_it_too() -> None:
    events, _ = read(
        ("2025-11-23T10:00:00.0", LINK),
        ("2026-11-23T10:00:01.0", STEPPED.format(YEAR_S)),
        ("2026-11-23T10:00:02.0", LINK),
    )
    assert seconds_of(events) == [0.0, 1.0, 2.0]
    events, _ = read(*AWAY[:4])
    assert seconds_of(events)[-1] == 180.0


def test_a_step_that_the_stamps_do_not_show_changes_nothing() -> None:
    """The collector stamped the lines: its clock did not step."""
    lines = (
        ("2026-11-23T10:00:00.0", LINK),
        ("2026-11-23T10:00:04.0", WRONG.format(12.0)),
        ("2026-11-23T10:00:04.2", STEPPED.format(12.0)),
        ("2026-11-23T10:00:09.0", "ntpd[601]: time reset -300.5 s"),
        ("2026-11-23T10:00:10.0", LINK),
    )
    events, caveats = read(*lines)
    assert seconds_of(events) == [0.0, 4.0, 4.2, 9.0, 10.0]
    assert not any("fw1" in caveat.reason for caveat in caveats)


def test_what_the_exporter_states_of_the_clock_is_not_mended_twice() -> None:
    events, _ = read(*AWAY, clock_offset_ns=0)
    assert {event.clock_ahead_ns for event in events} == {0}
    assert seconds_of(events)[3] == 180.0 + YEAR_S
