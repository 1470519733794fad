"""Packets that came into a device at one captured port, and left it at another one in no form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from attribution.detectors.swallowed import detect_swallowed
from attribution.model.evidence import Method, Stretch
from attribution.model.incident import EvidenceType, Origin
from attribution.model.observation import CaptureCoverage, TapLoad
from attribution.model.topology import NodeKind
from tests.detectors.chain import LINKS, NODES, at, join, network, node, origin, surroundings

OUT, BACK = ("10.1.0.2", "10.2.0.2"), ("10.2.0.2", "10.1.0.2")
INSIDE, OUTSIDE = "GE0/0/1", "GE0/0/2"
BOTH = origin("captures/edge.pcapng", EvidenceType.CAPTURE)
OTHER = origin("captures/edge-outside.pcap", EvidenceType.CAPTURE)


def seen(
    port: str, pair: tuple[str, str], packets: int = 10, file: Origin = BOTH, seconds: range = range(10, 20)
) -> Iterator[TapLoad]:
    for second in seconds:
        yield TapLoad(
            time_ns=at(second), end_ns=at(second + 1), origin=file, locator=f"frame {second}", device="cloud-edge",
            interface=port, source=pair[0], destination=pair[1], packets=packets, octets=100 * packets,
        )  # fmt: skip


def listened(
    port: str, file: Origin = BOTH, start: float = 0, end: float = 60, dropped: int = 0, frames: int = 100
) -> CaptureCoverage:
    return CaptureCoverage(
        time_ns=at(start), end_ns=at(end), origin=file, locator="the whole file", device="cloud-edge", interface=port,
        packets=frames, dropped=dropped,
    )  # fmt: skip


AROUND = [listened(INSIDE), listened(OUTSIDE)]


@pytest.mark.parametrize("also", [[], [*seen(OUTSIDE, BACK)]], ids=["one way", "both ways"])
def test_what_comes_in_and_leaves_nowhere_was_lost_in_the_device(also: list[TapLoad]) -> None:
    found = list(detect_swallowed([*AROUND, *seen(INSIDE, OUT), *also], surroundings()))

    there = [one for one in found if "GE0/0/1 and cloud-edge GE0/0/2" in str(one.subject)]
    assert len(found) == (20 if also else 10)
    assert [(one.sent, one.lost, one.method) for one in there] == [(10, 10, Method.TWO_POINTS)] * 10
    assert {one.interval.start_ns for one in there} == {at(second) for second in range(10, 20)}
    ((stretch,),) = {one.journeys[0] for one in there}
    assert isinstance(stretch, Stretch) and stretch.components == ("cloud-edge",)


def test_interfaces_are_known_however_they_are_spelled() -> None:
    spelled = [listened("GigabitEthernet0/0/1"), listened("GigabitEthernet0/0/2")]
    assert list(detect_swallowed([*spelled, *seen("GigabitEthernet0/0/1", OUT)], surroundings()))


@pytest.mark.parametrize(
    "also",
    [
        [*seen(OUTSIDE, OUT, packets=1)],
        [*seen(OUTSIDE, ("203.0.113.5", "10.2.0.2"))],
        [*seen(OUTSIDE, ("10.1.0.2", "203.0.113.5"))],
        [*seen(OUTSIDE, ("192.0.2.2", "198.51.100.9"), packets=4)],
    ],
    ids=["the same, now and then", "its source translated", "its destination translated", "in a tunnel"],
)
def test_what_may_have_left_in_another_form_was_not_lost(also: list[TapLoad]) -> None:
    assert not list(detect_swallowed([*AROUND, *seen(INSIDE, OUT), *also], surroundings()))


def test_packets_of_others_and_a_few_prove_nothing() -> None:
    others = [*seen(INSIDE, ("10.1.0.1", "10.2.0.2"))]
    few = [*seen(INSIDE, OUT, packets=2, seconds=range(10, 13))]

    assert not list(detect_swallowed([*AROUND, *others], surroundings()))
    assert not list(detect_swallowed([*AROUND, *few], surroundings()))


def test_a_port_that_was_not_listened_to_or_missed_packets_itself_says_nothing() -> None:
    packets = [*seen(INSIDE, OUT)]

    assert not list(detect_swallowed([listened(INSIDE), *packets], surroundings()))
    assert not list(detect_swallowed([listened(INSIDE), listened(OUTSIDE, frames=0), *packets], surroundings()))
    assert not list(detect_swallowed([listened(INSIDE), listened(OUTSIDE, dropped=3), *packets], surroundings()))
    assert not list(detect_swallowed([listened(INSIDE, dropped=3), listened(OUTSIDE), *packets], surroundings()))


def test_two_captures_are_believed_where_they_show_the_same_traffic_and_while_both_lasted() -> None:
    apart = [listened(INSIDE), listened(OUTSIDE, OTHER, start=14), *seen(INSIDE, OUT)]
    others = ("10.1.0.1", "10.9.9.9")
    shared = [*seen(INSIDE, others), *seen(OUTSIDE, others, file=OTHER)]

    assert not list(detect_swallowed([*apart, *seen(OUTSIDE, BACK, file=OTHER)], surroundings()))
    found = list(detect_swallowed([*apart, *shared], surroundings()))
    assert [one.interval.start_ns for one in found] == [at(second) for second in range(14, 20)]


def test_what_may_have_left_encrypted_below_ip_was_not_lost() -> None:
    """Of MACsec, PPPoE and the like no addresses are read."""
    encrypted = [listened(INSIDE), listened(OUTSIDE, frames=2000)]
    assert not list(detect_swallowed([*encrypted, *seen(INSIDE, OUT)], surroundings()))


@pytest.mark.parametrize(("to", "lost"), [("cloud-gateway GE0/0/9", False), ("office-printer eth0", True)])
def test_what_may_have_left_at_a_port_that_nobody_captured_was_not_lost(to: str, lost: bool) -> None:
    """The device has a further link: around what failed, to the destination; or to a host, which passes nothing on."""
    printer = node("office-printer", NodeKind.HOST, "10.1.0.9")
    further = network([*NODES, printer], [*LINKS, join("cloud-edge GE0/0/3", to)])
    found = list(detect_swallowed([*AROUND, *seen(INSIDE, OUT)], surroundings(further)))
    assert bool(found) is lost
