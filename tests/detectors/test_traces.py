"""What traceroutes and mtr reports tell: how far packets came, and where on the way some of them stayed."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.detectors.traces import detect_reached_hops
from attribution.model.evidence import Measurement, Method, Stretch
from attribution.model.observation import Hop, PathTrace
from attribution.model.topology import NodeKind
from attribution.readers import read_evidence
from tests.detectors.chain import PATHS, WAY, at, join, network, node, surroundings, trace
from tests.packets.network import ONE, TWO, missing
from tests.packets.network import network as real_network

HOPS = ("10.1.0.1", "192.0.2.2", "10.9.1.2", "10.9.2.2", "10.2.0.2")
"""The addresses by which the nodes from the office's edge to the cloud's host answer, as WAY[2::2] has them."""


def report(*unanswered: int, second: float = 0, asked: int = 100) -> PathTrace:
    """An mtr report from the office to the cloud, by how many packets each hop left unanswered."""
    hops = tuple(
        Hop(number, address if lost < asked else None, asked, asked - lost)
        for number, (address, lost) in enumerate(zip(HOPS, unanswered, strict=True), start=1)
    )
    return PathTrace(
        time_ns=at(second), origin=PATHS, locator="report", source="office-host", destination="cloud-host", hops=hops
    )


def counted(*traces: PathTrace) -> dict[str, tuple[int, int]]:
    """What was sent towards each node, and how much of it was lost."""
    return {m.series.rpartition("trace-to-")[2]: (m.sent, m.lost) for m in detect_reached_hops(traces, surroundings())}


def test_a_hop_that_answered_clears_the_way_to_it() -> None:
    (found,) = detect_reached_hops(
        [trace(0, "office-host", "cloud-host", "10.1.0.1", "192.0.2.2", None, None)], surroundings()
    )

    assert found.lost == 0
    assert found.sent > 0
    assert found.method is Method.TRACE
    assert found.interval.start_ns == at(0)
    assert 0 < found.interval.seconds <= 60
    assert found.journeys == ((Stretch(WAY[:5]), Stretch(tuple(reversed(WAY[:5])))),)
    assert not found.end_to_end


def test_a_router_that_never_answers_accuses_nobody() -> None:
    found = list(
        detect_reached_hops(
            [
                trace(0, "office-host", "cloud-host", "10.1.0.1", None, None),
                trace(1, "office-host", "cloud-host", "10.1.0.1", None, "10.9.1.2", received=1),
            ],
            surroundings(),
        )
    )
    assert found
    assert all("192.0.2.2" not in m.subject and "office-edge should" not in m.subject for m in found)
    assert [m.lost for m in found if m.series.endswith("trace-to-office-edge")] in ([], [0], [0, 0])


def test_a_router_that_falls_silent_tells_where_the_way_ends() -> None:
    """It answered before: that it does not now means that the packets, or its answers, are lost on the way to it."""
    found = list(
        detect_reached_hops(
            [
                trace(0, "office-host", "cloud-host", "10.1.0.1", "192.0.2.2", "10.9.1.2", received=1),
                trace(1, "office-host", "cloud-host", "10.1.0.1", None, None),
            ],
            surroundings(),
        )
    )
    lost = [m for m in found if m.lost]
    assert len(lost) == 1
    assert lost[0].lost == lost[0].sent
    assert lost[0].interval.start_ns == at(1)
    there, back = lost[0].journeys[0]
    assert there.components == WAY[: len(there.components)]
    assert there.beyond == WAY[len(there.components) :]
    assert not there.ends_inside
    assert back.components == tuple(reversed(there.components))


def test_a_traceroute_that_broke_off_tells_nothing_of_what_it_did_not_ask() -> None:
    """The edge of the cloud did not answer it, but the core behind did: only who came next was not asked."""
    whole = trace(0, "office-host", "cloud-host", *HOPS)
    broken_off = trace(1, "office-host", "cloud-host", HOPS[0], None, HOPS[2])

    assert [m for m in detect_reached_hops([whole, broken_off], surroundings()) if m.lost] == []


@pytest.mark.parametrize(("sent", "received", "seconds"), [(3, 2, 1), (100, 70, 100), (60, 60, 60)])
def test_what_the_destination_of_an_mtr_report_left_unanswered_was_lost(sent: int, received: int, seconds: int) -> None:
    """Routers in the middle answer when they have the time to; the destination answers all that comes."""
    hops = ("10.1.0.1", "192.0.2.2", None, None, "10.2.0.2")
    made = trace(0, "office-host", "cloud-host", *hops, sent=sent, received=received)
    (found,) = (m for m in detect_reached_hops([made], surroundings()) if m.series.endswith("cloud-host"))

    assert (found.sent, found.lost) == (sent, sent - received)
    assert found.interval.seconds == seconds
    there, back = found.journeys[0]
    assert (there.components, back.components) == (WAY, WAY[::-1])
    assert there.ends_inside


def test_a_report_tells_between_which_hops_packets_stay() -> None:
    assert counted(report(0, 0, 31, 29, 30)) == {
        "office-edge": (100, 0),
        "cloud-edge": (100, 0),
        "cloud-core": (100, 29),
        "cloud-gateway": (100, 29),
        "cloud-host": (100, 30),
    }


def test_loss_that_does_not_go_on_to_the_end_is_a_router_that_limits_its_answers() -> None:
    """The most common misreading of mtr: whoever lies behind the router got all of its packets."""
    assert counted(report(0, 60, 0, 40, 0)) == {"office-edge": (100, 0), "cloud-core": (100, 0), "cloud-host": (100, 0)}


def test_a_router_that_limits_its_answers_hides_nothing_of_what_is_lost_beyond() -> None:
    assert counted(report(0, 60, 15, 14, 16)) == {
        "office-edge": (100, 0),
        "cloud-core": (100, 14),
        "cloud-gateway": (100, 14),
        "cloud-host": (100, 16),
    }


def test_where_the_end_does_not_answer_only_hops_without_loss_tell() -> None:
    """All hops may limit what they answer: of what was lost there is no witness."""
    assert counted(report(0, 0, 20, 25, 100)) == {
        "office-edge": (100, 0),
        "cloud-edge": (100, 0),
        "cloud-gateway": (1, 0),
    }


def test_an_end_that_answered_another_report_lost_all_of_this_one() -> None:
    """Each report is a file of its own."""
    before, during = report(0, 0, 0, 0, 0), report(0, 0, 100, 100, 100, second=600)
    lost = [m for m in detect_reached_hops([before, during], surroundings()) if m.lost]
    assert [(m.journeys[0][0].components[-1], m.sent, m.lost, m.end_to_end) for m in lost] == [
        ("cloud-core", 100, 100, False),
        ("cloud-host", 100, 100, True),
    ]


@pytest.mark.parametrize(("asked", "whole"), [(1, False), (3, False), (10, True)])
def test_a_report_between_the_ends_is_a_count_of_the_service_and_a_traceroute_is_not(asked: int, whole: bool) -> None:
    found = list(detect_reached_hops([report(0, 0, 0, 0, 0, asked=asked)], surroundings()))
    assert [m.end_to_end for m in found if m.journeys[0][0].components == WAY] == [whole]
    assert not any(m.end_to_end for m in found if m.journeys[0][0].components != WAY)


@given(st.lists(st.integers(0, 100), min_size=5, max_size=5))
def test_no_hop_loses_more_than_one_behind_it_and_none_more_than_it_left_unanswered(unanswered: list[int]) -> None:
    found: list[Measurement] = list(detect_reached_hops([report(*unanswered)], surroundings()))
    by_distance = sorted(found, key=lambda m: len(m.journeys[0][0].components))
    shares = [m.lost / m.sent for m in by_distance]
    assert shares == sorted(shares)
    for measurement in found:
        hop = WAY[2::2].index(measurement.journeys[0][0].components[-1])
        assert measurement.lost <= unanswered[hop]
        assert 0 < measurement.sent <= 100


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
@pytest.mark.skipif(shutil.which("mtr") is None, reason="needs mtr")
@pytest.mark.parametrize(("milliseconds", "told"), [(0, (60, 0)), (10_000, None)], ids=["answers all", "limits them"])
def test_a_real_report_of_a_router_that_loses_what_it_passes_on(
    milliseconds: int, told: tuple[int, int] | None
) -> None:
    """It answers itself at once, or once in so many milliseconds, as Linux does unless told otherwise (icmp(7))."""
    with real_network(f"mtr{os.getpid()}x{milliseconds}") as net:
        net.inside(net.router, "sysctl", "-qw", f"net.ipv4.icmp_ratelimit={milliseconds}")
        net.drop(0.3, "-p", "icmp")
        made = net.inside(net.one, "mtr", "--json", "--no-dns", "--report-cycles", "60", "--interval", "0.1", TWO)
    origin = replace(PATHS, device="one", settings={"time": "2026-11-23T10:00:00Z"})
    one, two = (node(name, NodeKind.HOST, address) for name, address in (("one", ONE), ("two", TWO)))
    router = node("router", NodeKind.ROUTER, "10.77.1.254")
    drawn = network((one, router, two), (join("one eth", "router left"), join("router right", "two eth")))
    read = [one_trace for one_trace in read_evidence(made.encode(), origin) if isinstance(one_trace, PathTrace)]
    found = list(detect_reached_hops(read, surroundings(drawn)))
    counts = {m.series.rpartition("trace-to-")[2]: (m.sent, m.lost) for m in found}

    assert counts.get("router") == told
    sent, lost = counts["two"]
    assert sent == 60
    assert 0.3 < lost / sent < 0.75  # of the packets and of the answers, three in ten each
