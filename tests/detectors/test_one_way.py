"""Captures that never show one of two directions, and what may not be concluded from that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attribution.detectors.one_way import find_one_way, note_one_way, without_one_way
from attribution.model.incident import EvidenceType, Origin
from attribution.model.observation import Observation, TapCount, TapLoad
from tests.detectors.chain import at, origin, surroundings

OUT, BACK = ("10.1.0.2", "10.2.0.2"), ("10.2.0.2", "10.1.0.2")
HERE = origin("captures/core.pcap", EvidenceType.CAPTURE)
FURTHER = origin("captures/edge.pcap", EvidenceType.CAPTURE)
AROUND = surroundings()


def counted(protocol: str, sent: int, again: int = 0, unanswered: int = 0) -> TapCount:
    return TapCount(
        time_ns=at(5), end_ns=at(6), origin=HERE, locator="frame 3", device="cloud-core", interface="GE0/0/1",
        source=OUT[0], destination=OUT[1], protocol=protocol, sent=sent, lost_upstream=0, lost_downstream=again,
        unanswered=unanswered,
    )  # fmt: skip


def passed(pair: tuple[str, str], device: str = "cloud-core", file: Origin = HERE, second: float = 5) -> TapLoad:
    return TapLoad(
        time_ns=at(second), end_ns=at(second + 1), origin=file, locator="frame 1", device=device, interface="GE0/0/1",
        source=pair[0], destination=pair[1], packets=50, octets=5000,
    )  # fmt: skip


PINGS = counted("icmp", 10, unanswered=10)
GOES_ON = counted("tcp", 100, again=3)


@pytest.mark.parametrize(
    "beside",
    [[GOES_ON], [passed(BACK, "cloud-edge", FURTHER)]],
    ids=["senders hear acknowledgements", "the answers came by further on"],
)
def test_a_capture_that_never_shows_the_answers_that_came_says_nothing_of_them(beside: list[Observation]) -> None:
    seen = [passed(OUT), PINGS, *beside]
    deaf = find_one_way(seen, AROUND)
    (told,) = note_one_way(seen, deaf)

    assert list(without_one_way(seen, deaf)) == [passed(OUT), *beside]
    assert (told.file, told.locator, told.count) == (HERE.file, "frame 3", 10)
    assert "never shows what goes the other way" in told.reason


@pytest.mark.parametrize(
    "beside",
    [
        [],
        [passed(BACK)],
        [counted("tcp", 100, again=60)],
        [counted("tcp", 30)],
        [passed(BACK, "cloud-gateway", FURTHER)],
        [passed(BACK, "cloud-edge", FURTHER, second=30)],
    ],
    ids=[
        "nothing tells that they came", "others were shown", "senders repeat themselves", "hardly anything was sent",
        "they were seen before this point", "they were seen later",
    ],
)  # fmt: skip
def test_else_requests_without_an_answer_are_what_they_seem(beside: list[Observation]) -> None:
    seen = [passed(OUT), PINGS, *beside]
    assert without_one_way(seen, find_one_way(seen, AROUND)) == seen


def test_requests_that_were_answered_are_counted_on() -> None:
    seen = [passed(OUT), GOES_ON, PINGS, replace(PINGS, unanswered=0, time_ns=at(7), end_ns=at(8))]
    assert seen[-1] in without_one_way(seen, find_one_way(seen, AROUND))
