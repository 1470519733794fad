"""When a trouble began and ended: that nobody saw end, or of which probes tell the half minute and captures the second.
"""

from __future__ import annotations

import pytest

from attribution.inference.edges import date_by_captures, date_endings
from attribution.inference.trouble import Trouble
from attribution.model.evidence import Alarm, AlarmKind, Measurement, Method
from attribution.model.incident import NANOSECONDS
from tests.inference.chain import alarm, at, between, measured, probed

OUTAGE = Trouble(between(100, 125), 20, 20)


def copies(*seconds: int, lost: bool, traffic: str = "tcp/beyond") -> list[Measurement]:
    return [
        measured(s, s + 1, 2, 2 if lost else 0, method=Method.ONE_POINT, traffic=traffic, end_to_end=False)
        for s in seconds
    ]


HEALTHY = copies(*range(60, 100), lost=False)
BACKING_OFF = copies(100, 101, 103, 107, 124, lost=True)


def end_of(measurements: list[Measurement], *alarms: Alarm) -> float:
    (dated,) = date_endings((OUTAGE,), measurements, alarms)
    assert dated.interval.start_ns == OUTAGE.interval.start_ns
    return (dated.interval.end_ns - at(0)) / NANOSECONDS


def test_the_end_lies_between_the_last_copy_that_was_lost_and_the_next_that_passed() -> None:
    """It lasted 25 s or up to 100 s: fifty is twice the one, and half of the other."""
    assert end_of([*HEALTHY, *BACKING_OFF, *copies(200, 201, lost=False)]) == pytest.approx(150, abs=0.01)


def test_what_passes_meanwhile_ends_it() -> None:
    """A new connection that gets through at 136, while the old ones wait."""
    assert end_of([*HEALTHY, *BACKING_OFF, *copies(136, 200, lost=False)]) == pytest.approx(130, abs=0.01)
    assert end_of([*HEALTHY, *BACKING_OFF, *probed("customer-host", "provider-host", seconds=300)]) == 125


def test_what_only_came_to_a_capture_point_has_not_passed() -> None:
    came = copies(130, 140, lost=False, traffic="tcp/before")
    assert end_of([*HEALTHY, *BACKING_OFF, *came, *copies(200, lost=False)]) == pytest.approx(150, abs=0.01)


@pytest.mark.parametrize(
    ("kind", "start", "end", "dated"),
    [
        (AlarmKind.SESSION_DOWN, 102, 170, 170),
        (AlarmKind.INTERFACE_DOWN, 100, 160, 160),
        (AlarmKind.INTERFACE_DOWN, 10, 160, 150),
        (AlarmKind.INTERFACE_DOWN, 100, 400, 150),
        (AlarmKind.INTERFACE_DISCARDS, 100, 160, 150),
    ],
    ids=["session", "port", "down-long-before", "down-long-after", "no-end-of-it"],
)
def test_a_port_or_session_that_comes_back_meanwhile_tells_when(
    kind: AlarmKind, start: int, end: int, dated: float
) -> None:
    told = alarm(start, "customer-edge", "customer-edge", kind, end=end)
    assert end_of([*HEALTHY, *BACKING_OFF, *copies(200, lost=False)], told) == pytest.approx(dated, abs=0.01)


def test_silence_after_which_nothing_ever_passes_is_not_counted() -> None:
    assert end_of([*HEALTHY, *BACKING_OFF]) == 125
    assert end_of([]) == 125


def captured(start: int, end: int, seconds: int = 1) -> list[Measurement]:
    """Two captures of the service's packets, of which some are lost for some time."""
    return [
        measured(
            second, second + seconds, 40, 5 if start <= second < end else 0, method=Method.TWO_POINTS, traffic="tcp",
            source="customer-edge", destination="provider-core", of_service=True, end_to_end=False,
        )
        for second in range(0, 600, seconds)
    ]  # fmt: skip


def edges_of(start: float, end: float, lossy: tuple[int, int], on_the_way: list[Measurement]) -> tuple[float, float]:
    """The edges, in seconds, of a trouble of which probes told that lost some in each of their windows within."""
    probes = [measured(s, s + 30, 10, 2 if lossy[0] <= s < lossy[1] else 0) for s in range(0, 600, 30)]
    known = Trouble(between(start, end), 10, 1)
    (dated,) = date_by_captures((known,), [*probes, *on_the_way], on_the_way)
    return (dated.interval.start_ns - at(0)) / NANOSECONDS, (dated.interval.end_ns - at(0)) / NANOSECONDS


@pytest.mark.parametrize(
    ("lost", "dated"),
    [((107, 352), (107, 352)), ((84, 371), (84, 371)), ((20, 450), (120, 360)), ((200, 280), (120, 360))],
    ids=["within", "no probe was lost at first", "something else before it", "something else meanwhile"],
)
def test_captures_tell_the_second_of_what_probes_counted_by_the_half_minute(
    lost: tuple[int, int], dated: tuple[float, float]
) -> None:
    assert edges_of(120, 360, (90, 360), captured(*lost)) == pytest.approx(dated, abs=1)


def test_captures_that_count_no_finer_than_probes_tell_no_edge() -> None:
    assert edges_of(120, 360, (90, 360), captured(100, 350, seconds=20)) == (120, 360)
    assert edges_of(120, 360, (90, 360), []) == (120, 360)
