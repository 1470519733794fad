"""Probes acquit their own class of traffic alone: full-size segments may all be lost while pings get through."""

from __future__ import annotations

import pytest

from attribution.inference.search import find_troubles
from attribution.inference.trouble import Trouble
from attribution.inference.unprobed import find_unprobed_trouble
from attribution.model.evidence import Measurement, Method, Stretch
from attribution.model.incident import NANOSECONDS
from tests.inference.chain import ENDS, WAY, at, between, during, findings, measured, probed

CUT = WAY.index("customer-edge")
SECONDS = 600.0


def segments(
    lost: dict[int, tuple[int, int]], method: Method = Method.TWO_POINTS, traffic: str = "tcp"
) -> list[Measurement]:
    """What captures saw of the service's segments beyond the customer's edge: twenty a second until 100 and from 500
    on, and meanwhile (sent, lost) as told."""
    stretch = Stretch(WAY[CUT:], starts_inside=False)
    told = dict.fromkeys((*range(100), *range(500, int(SECONDS))), (20, 0)) | lost
    return [
        measured(s, s + 1, *count, journeys=((stretch,),), method=method, traffic=traffic, end_to_end=False)
        for s, count in sorted(told.items())
    ]  # fmt: skip


PINGS = probed(*ENDS, during(100, 130), seconds=SECONDS)
TRYING = dict.fromkeys((142, 146, 154, 170, 202, 266, 394), (1, 1))
LARGE_ONES_LOST = dict.fromkeys((100, 101, 103, 107, 115, 140, 141), (3, 3)) | TRYING


def spans(found: tuple[Trouble, ...]) -> list[tuple[float, float]]:
    return [((t.interval.start_ns - at(0)) / NANOSECONDS, (t.interval.end_ns - at(0)) / NANOSECONDS) for t in found]


@pytest.mark.parametrize(("method", "traffic"), [(Method.TWO_POINTS, "tcp"), (Method.ONE_POINT, "tcp/beyond")])
def test_an_outage_goes_on_for_segments_that_no_ping_is_like(method: Method, traffic: str) -> None:
    """Pings are back at 130; segments are lost until 394, and pass again at 500."""
    ((start, end),) = spans(find_troubles(findings([*PINGS, *segments(LARGE_ONES_LOST, method, traffic)])))

    assert start == pytest.approx(100, abs=0.1)
    assert 395 <= end <= 500


def test_what_follows_for_one_class_alone_begins_a_phase() -> None:
    (trouble,) = find_troubles(findings([*PINGS, *segments(LARGE_ONES_LOST)]))
    assert at(130) in trouble.steps


def test_segments_alone_may_be_interrupted() -> None:
    quiet = probed(*ENDS, seconds=SECONDS)
    ((start, end),) = spans(find_troubles(findings([*quiet, *segments(LARGE_ONES_LOST)])))
    assert start == pytest.approx(100, abs=0.1)
    assert 395 <= end <= 500


@pytest.mark.parametrize(
    "lost",
    [
        {},
        dict.fromkeys((142, 150, 166, 198, 262, 390), (1, 1)),
        {142: (3, 3), 145: (3, 3)},
        dict.fromkeys(range(140, 300), (20, 2)),
    ],
    ids=["nothing", "one-forgotten-connection", "hardly-ever", "senders-looking-for-their-pace"],
)
@pytest.mark.parametrize(("method", "traffic"), [(Method.TWO_POINTS, "tcp"), (Method.ONE_POINT, "tcp/beyond")])
def test_what_is_less_clear_prolongs_nothing(
    lost: dict[int, tuple[int, int]], method: Method, traffic: str
) -> None:
    known = (Trouble(between(100, 130), 600, 600),)
    assert find_unprobed_trouble(findings([*PINGS, *segments(lost, method, traffic)]), known) == ()


def test_a_class_that_was_counted_between_the_ends_is_not_asked_for_at_captures() -> None:
    counted = [
        measured(s, s + 1, 20, 0, method=Method.FLOWS, traffic="tcp", journeys=((Stretch(WAY),),))
        for s in range(int(SECONDS))
    ]
    assert find_unprobed_trouble(findings([*counted, *segments(LARGE_ONES_LOST)]), ()) == ()
