"""Every witness of loss in one currency: n sent, k lost, on which part of the way, in which interval."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.detectors.loss import (
    detect_flow_loss,
    detect_probe_loss,
    detect_segment_loss,
    detect_silent_requests,
    detect_tap_loss,
    note_strangers,
    note_undrawn_flows,
    stretch_between,
    tap_position,
    window_ends,
)
from attribution.model.evidence import Method, Stretch
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import CUT, TOO_BIG, FlowRecord, PacketWitness, PairCount, TapCount, WitnessKind
from attribution.model.topology import NodeKind, Topology
from tests.detectors.chain import (
    CAPTURE,
    CHAIN,
    FLOWS,
    LINKS,
    NODES,
    WAY,
    at,
    between,
    join,
    network,
    node,
    probe,
    surroundings,
)

HOME = tuple(reversed(WAY))
CLOCK_TICK_NS = 1


def about(interval: Interval) -> tuple[float, float]:
    """An interval in seconds since ten o'clock, to the microsecond."""
    return (round((interval.start_ns - at(0)) / NANOSECONDS, 6), round((interval.end_ns - at(0)) / NANOSECONDS, 6))


def flow(second: float, sent: int, lost: int, *paths: tuple[str, ...], name: str | None = None) -> FlowRecord:
    return FlowRecord(
        time_ns=at(second),
        origin=FLOWS,
        locator="row 1",
        source="office-host",
        destination="cloud-host",
        paths=paths,
        sent=sent,
        lost=lost,
        flow=name,
    )


def pair(
    first: tuple[str, str | None],
    second: tuple[str, str | None],
    *,
    sent: int = 100,
    lost: int = 10,
    source: str = "10.1.0.2",
    destination: str = "10.2.0.2",
) -> PairCount:
    return PairCount(
        time_ns=at(0),
        end_ns=at(1),
        origin=CAPTURE,
        locator="frame 1",
        first=first,
        second=second,
        second_file="captures/two.pcap",
        source=source,
        destination=destination,
        protocol="tcp",
        sent=sent,
        lost=lost,
    )


def tap(
    device: str,
    interface: str | None,
    *,
    sent: int = 50,
    before: int = 0,
    beyond: int = 0,
    protocol: str = "tcp",
    source: str = "10.1.0.2",
    destination: str = "10.2.0.2",
) -> TapCount:
    return TapCount(
        time_ns=at(0),
        end_ns=at(1),
        origin=CAPTURE,
        locator="frame 1",
        device=device,
        interface=interface,
        source=source,
        destination=destination,
        protocol=protocol,
        sent=sent,
        lost_upstream=before,
        lost_downstream=beyond,
    )


def test_a_probe_window_ends_where_the_next_one_begins() -> None:
    found = list(detect_probe_loss([probe(0, 10, 10), probe(5, 10, 8), probe(10, 10, 0)], surroundings()))

    assert [about(m.interval) for m in found] == [(0, 5), (5, 10), (10, 15)]
    assert [(m.sent, m.lost) for m in found] == [(10, 0), (10, 2), (10, 10)]


def test_a_pause_between_probes_belongs_to_no_window() -> None:
    starts = [0, 1, 2, 3, 60, 61]
    found = list(detect_probe_loss([probe(second, 5, 5) for second in starts], surroundings()))

    before_pause = found[3].interval
    assert about(before_pause) in ((3, 4), (3, 5))
    assert about(found[4].interval) == (60, 61)


def test_a_lonely_probe_has_a_window_too() -> None:
    (found,) = detect_probe_loss([probe(7, 1, 0)], surroundings())
    assert found.interval.start_ns == at(7)
    assert 0 < found.interval.seconds <= 600


@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=30).map(sorted))
def test_no_window_vanishes_and_none_reaches_into_the_next(starts: list[int]) -> None:
    ends = window_ends(starts)

    assert len(ends) == len(starts)
    assert all(end > start for start, end in zip(starts, ends, strict=True))
    for end, later in zip(ends, starts[1:], strict=False):
        assert end <= later + CLOCK_TICK_NS


def test_windows_meet_without_overlap() -> None:
    assert window_ends([at(0), at(5), at(10)]) == [at(5), at(10), at(15)]


def test_an_unanswered_probe_was_lost_there_or_on_the_way_back() -> None:
    (found,) = detect_probe_loss([probe(0, 10, 7)], surroundings())

    assert found.journeys == ((Stretch(WAY), Stretch(HOME)),)
    assert (found.sent, found.lost, found.method, found.traffic) == (10, 3, Method.PROBES, "icmp")
    assert found.end_to_end
    assert found.of_service
    assert "3 of 10" in found.statement


@given(st.randoms(use_true_random=False))
def test_probes_of_several_ways_between_two_ends_are_as_many_series(order: Random) -> None:
    """Four flows are hashed to as many ways, and each is reported by itself at the same times: one of them is dead."""
    dead_since = {2: 60}
    rows = [
        probe(second, 30, 0 if second >= dead_since.get(flow, 1000) else 30)
        for second in (0, 30, 60, 90)
        for flow in range(4)
    ]
    order.shuffle(rows)
    found = list(detect_probe_loss(rows, surroundings()))

    assert {about(m.interval) for m in found} == {(0, 30), (30, 60), (60, 90), (90, 120)}
    assert sum(m.sent for m in found) == 16 * 30
    lossy = {m.series for m in found if m.lost}
    assert len({m.series for m in found}) == 4
    assert len(lossy) == 1
    assert [m.lost for m in found if m.series in lossy] == [0, 0, 30, 30]


def test_probes_by_address_and_the_other_way_round_are_end_to_end_too() -> None:
    (found,) = detect_probe_loss([probe(0, 10, 10, "10.2.0.2", "10.1.0.2")], surroundings())

    assert found.end_to_end
    assert found.journeys[0][0].components == HOME


def test_probes_over_a_part_of_the_way_are_not_the_service_s_own() -> None:
    (found,) = detect_probe_loss([probe(0, 10, 10, "cloud-edge", "cloud-gateway")], surroundings())

    assert not found.end_to_end
    assert not found.of_service
    assert found.journeys[0][0].components == WAY[4:9]


def test_probes_that_were_never_sent_or_have_unknown_ends_are_evidence_of_nothing() -> None:
    strange = [probe(0, 0, 0), probe(0, 9, 0, "198.51.100.1"), probe(0, 9, 0, "cloud-edge", "192.0.2.2")]

    assert list(detect_probe_loss(strange, surroundings())) == []


def test_series_are_told_apart_by_protocol_and_ends() -> None:
    found = detect_probe_loss(
        [probe(0, 1, 1), probe(0, 1, 1, protocol="tcp"), probe(0, 1, 1, destination="cloud-edge")], surroundings()
    )
    assert len({m.series for m in found}) == 3


def test_a_flow_runs_one_way_on_one_of_its_candidate_paths() -> None:
    ring = network(
        [node("office-host"), node("north"), node("south"), node("cloud-host")],
        [
            join("office-host a", "north a"),
            join("office-host b", "south a"),
            join("north b", "cloud-host a"),
            join("south b", "cloud-host b"),
        ],
    )
    record = flow(0, 20, 4, ("office-host", "north", "cloud-host"), ("office-host", "south", "cloud-host"))
    (found,) = detect_flow_loss([record], surroundings(ring))

    assert (found.sent, found.lost, found.method) == (20, 4, Method.FLOWS)
    assert [len(journey) for journey in found.journeys] == [1, 1]
    assert {journey[0].components[2] for journey in found.journeys} == {"north", "south"}


def test_a_flow_without_packets_or_with_a_way_that_is_not_drawn_is_left_out() -> None:
    assert list(detect_flow_loss([flow(0, 0, 0, WAY[::2])], surroundings())) == []
    assert list(detect_flow_loss([flow(0, 9, 1, ("office-host", "atlantis", "cloud-host"))], surroundings())) == []


def test_a_flow_over_parallel_links_may_have_gone_over_each_of_them() -> None:
    doubled = network(NODES, (*LINKS, join("cloud-edge GE0/0/9", "cloud-core GE0/0/9", key="b")))
    (found,) = detect_flow_loss([flow(0, 20, 4, WAY[::2])], surroundings(doubled))

    assert (found.sent, found.lost, found.end_to_end) == (20, 4, True)
    assert len(found.journeys) == 2
    one, other = (set(journey[0].components) for journey in found.journeys)
    assert one & other == set(WAY) - {"cloud-core--cloud-edge"}
    assert list(note_undrawn_flows([flow(0, 20, 4, WAY[::2])], surroundings(doubled))) == []


def test_flows_that_are_left_out_are_counted() -> None:
    nowhere = ("office-host", "atlantis", "cloud-host")
    records = [flow(0, 9, 1, WAY[::2]), flow(1, 9, 1, nowhere), flow(2, 0, 0, nowhere), flow(3, 9, 1, nowhere)]
    records += [replace(flow(4, 9, 1, WAY[::2]), source="198.51.100.1"), flow(5, 9, 1, WAY[::2], nowhere)]
    (told,) = note_undrawn_flows(records, surroundings())

    assert (told.file, told.locator, told.count) == (FLOWS.file, records[1].locator, 3)


def test_flows_on_one_path_are_told_apart_by_their_id() -> None:
    records = [flow(0, 9, 0, WAY[::2], name="f1"), flow(0, 9, 9, WAY[::2], name="f2")]
    assert len({m.series for m in detect_flow_loss(records, surroundings())}) == 2


def test_a_candidate_way_that_is_not_drawn_leaves_the_flow_uncertain() -> None:
    found = list(detect_flow_loss([flow(0, 9, 9, WAY[::2], ("office-host", "atlantis", "cloud-host"))], surroundings()))
    assert [len(m.journeys) for m in found] != [1]


@pytest.mark.parametrize(
    ("point", "position"),
    [
        (("office-edge", "Gi0/0"), 2),  # coming in: after the first cable, before the router
        (("office-edge", "Gi0/1"), 3),  # going out: after the router, before the cable
        (("office-host", "eth0"), 1),
        (("cloud-host", "eth0"), 10),
    ],
)
def test_a_capture_stands_between_its_port_s_node_and_cable(point: tuple[str, str], position: int) -> None:
    assert tap_position(WAY, point, CHAIN) == position
    assert tap_position(HOME, point, CHAIN) == len(WAY) - position


@pytest.mark.parametrize("point", [("office-edge", None), ("office-edge", "Lo0"), ("elsewhere", "Gi0/0")])
def test_a_capture_whose_port_is_unknown_stands_nowhere(point: tuple[str, str | None]) -> None:
    assert tap_position(WAY, point, CHAIN) is None


def test_a_capture_on_a_port_off_the_way_stands_nowhere() -> None:
    side_road = network(
        [*CHAIN.nodes.values(), node("archive")],
        [*CHAIN.links.values(), join("cloud-edge GE0/0/9", "archive a")],
    )
    assert tap_position(WAY, ("cloud-edge", "GE0/0/9"), side_road) is None


def test_between_two_captures_lies_what_both_of_them_see_packets_before_and_after() -> None:
    """In at one router and out of it: the router alone. Out of one and in at the next: the cable alone."""
    through = stretch_between(WAY, ("cloud-edge", "GE0/0/1"), ("cloud-edge", "GE0/0/2"), CHAIN)
    cable = stretch_between(WAY, ("cloud-edge", "GE0/0/2"), ("cloud-core", "GE0/0/1"), CHAIN)

    assert through is not None
    assert through.components == ("cloud-edge",)
    assert through.forwarding == ("cloud-edge",)
    assert through.beyond == WAY[5:]
    assert through.beside == (WAY[3], WAY[5])
    assert cable is not None
    assert cable.beside == ()
    assert cable.components == ("cloud-core--cloud-edge",)


def test_captures_against_the_direction_of_travel_or_at_one_point_span_nothing() -> None:
    one, other = ("cloud-edge", "GE0/0/1"), ("cloud-edge", "GE0/0/2")

    assert stretch_between(WAY, other, one, CHAIN) is None
    assert stretch_between(WAY, one, one, CHAIN) is None
    home = stretch_between(HOME, other, one, CHAIN)
    assert home is not None
    assert home.components == ("cloud-edge",)


def test_what_vanished_between_two_captures_was_lost_there() -> None:
    (found,) = detect_segment_loss([pair(("office-edge", "Gi0/1"), ("cloud-core", "GE0/0/1"))], surroundings())

    assert found.journeys[0][0].components == WAY[3:6]
    assert (found.sent, found.lost, found.method) == (100, 10, Method.TWO_POINTS)
    assert found.of_service
    assert not found.end_to_end


def test_what_a_capture_saw_had_come_through_all_before_it() -> None:
    (between,) = detect_segment_loss([pair(("office-edge", "Gi0/1"), ("cloud-core", "GE0/0/1"))], surroundings())
    before, beyond = detect_tap_loss([tap("cloud-edge", "GE0/0/1", before=3, beyond=7)], surroundings())

    assert between.came_through == WAY[:3]
    assert beyond.came_through == WAY[:4]
    assert before.came_through == (), "of what never came to the capture nothing is known"


def test_flows_that_one_of_two_ways_never_shows_may_have_gone_the_other() -> None:
    """Of 100 packets 10 were lost, 6 of them of flows that the second capture never saw: on this way 4 of 94 were."""
    here = replace(pair(("cloud-edge", "GE0/0/1"), ("cloud-edge", "GE0/0/2")), strange=6)
    behind = replace(here, behind=(("cloud-gateway", "GE0/0/2"),))  # no way goes around that, and they are not there
    for topology, seen, counts in (
        (two_ways(), here, (94, 4)),
        (two_ways(), behind, (100, 10)),
        (CHAIN, here, (100, 10)),
    ):
        (found,) = detect_segment_loss([seen], surroundings(topology))
        assert (found.sent, found.lost) == counts
        told = [caveat.count for caveat in note_strangers([seen], surroundings(topology))]
        assert told == ([6] if found.sent < 100 else [])
    nothing_else = replace(here, sent=10, strange=10)
    assert list(detect_segment_loss([nothing_else], surroundings(two_ways()))) == []


def test_packets_are_lost_for_good_that_miss_a_point_which_no_way_goes_around() -> None:
    """The edge reaches the core by two routers; captures listen at one of them, and where both ways meet again."""
    here, gone = pair(("cloud-edge", "GE0/0/1"), ("cloud-edge", "GE0/0/2")), ("cloud-gateway", "GE0/0/2")
    cases = [here, replace(here, behind=(gone,)), replace(here, behind=(("cloud-core", "GE0/0/2"),))]
    found = list(detect_segment_loss(cases, surroundings(two_ways())))

    assert [m.for_good for m in found] == [False, True, False]


def test_captures_at_both_ends_are_end_to_end() -> None:
    (found,) = detect_segment_loss([pair(("office-host", "eth0"), ("cloud-host", "eth0"))], surroundings())
    assert found.end_to_end
    assert found.journeys[0][0].components == WAY[1:-1]


def test_pairs_of_strangers_or_of_nothing_are_left_out() -> None:
    ports = ("office-edge", "Gi0/1"), ("cloud-core", "GE0/0/1")
    strangers = [pair(*ports, sent=0, lost=0), pair(*ports, source="198.51.100.1"), pair(("x", "y"), ports[1])]
    assert list(detect_segment_loss(strangers, surroundings())) == []


def test_traffic_of_others_between_two_captures_is_not_the_service_s() -> None:
    other = pair(("cloud-edge", "GE0/0/2"), ("cloud-core", "GE0/0/1"), source="192.0.2.1", destination="10.9.2.2")
    (found,) = detect_segment_loss([other], surroundings())
    assert not found.of_service


def test_one_capture_splits_the_way_in_two() -> None:
    before, beyond = detect_tap_loss([tap("cloud-edge", "GE0/0/1", before=3, beyond=7)], surroundings())

    assert before.journeys[0][0].components == WAY[:4]
    assert beyond.journeys[0][0].components == WAY[4:]
    assert (before.lost, beyond.lost) == (3, 7)
    assert before.journeys[0][0].starts_inside
    assert not before.journeys[0][0].ends_inside
    assert not beyond.journeys[0][0].starts_inside
    assert beyond.journeys[0][0].ends_inside
    assert before.method is beyond.method is Method.ONE_POINT


def test_a_capture_on_the_port_out_puts_the_router_before_it() -> None:
    before, beyond = detect_tap_loss([tap("cloud-edge", "GE0/0/2")], surroundings())

    assert before.journeys[0][0].components[-1] == "cloud-edge"
    assert beyond.journeys[0][0].components[0] == "cloud-core--cloud-edge"


def test_a_capture_at_the_sender_sees_the_whole_way_and_nothing_before() -> None:
    (found,) = detect_tap_loss([tap("office-host", "eth0", beyond=5)], surroundings())

    assert found.end_to_end
    assert found.lost == 5
    assert found.journeys[0][0].components == WAY[1:]


def test_a_too_big_message_that_was_not_heeded_was_lost_on_its_way_back() -> None:
    told = tap("cloud-edge", "GE0/0/1", protocol=TOO_BIG, sent=9, beyond=8, source="10.2.0.2", destination="10.1.0.2")
    (found,) = detect_tap_loss([told], surroundings())

    assert (found.lost, found.sent) == (8, 9)
    assert found.counts_too_big
    (stretch,) = found.journeys[0]
    assert stretch.components == HOME[HOME.index("cloud-edge") + 1 :], "it has no answer that may be lost as well"
    assert found.subject == "ICMP too-big messages from cloud-host to office-host beyond cloud-edge GE0/0/1"


def test_an_unanswered_echo_was_lost_beyond_the_capture_on_either_way() -> None:
    (found,) = detect_tap_loss([tap("cloud-edge", "GE0/0/1", beyond=2, protocol="icmp")], surroundings())

    there, back = found.journeys[0]
    assert there.components == WAY[4:]
    assert back.components == HOME[: len(HOME) - 4]


def two_ways() -> Topology:
    """The edge reaches the gateway by two cores alike; its captures listen towards one of them."""
    return network(
        (*NODES, node("other-core", NodeKind.ROUTER)),
        (*LINKS, join("cloud-edge GE0/0/3", "other-core ge0"), join("other-core ge1", "cloud-gateway GE0/0/3")),
    )


def test_segments_that_all_came_again_while_nothing_came_back_may_have_lost_their_acknowledgements() -> None:
    """Had anything come back by here, it would have acknowledged what arrived."""
    in_vain = tap("cloud-edge", "GE0/0/1", sent=8, beyond=8)
    _, alone = detect_tap_loss([in_vain], surroundings())
    there, back = alone.journeys[0]
    assert (there.components, back.components, back.beyond) == (WAY[4:], HOME[:-4], HOME[-4:])

    answered = tap("cloud-edge", "GE0/0/1", source="10.2.0.2", destination="10.1.0.2")
    beyond = [one for one in detect_tap_loss([in_vain, answered], surroundings()) if one.lost]
    assert [len(one.journeys[0]) for one in beyond] == [1]
    partly = [one for one in detect_tap_loss([replace(in_vain, sent=9)], surroundings()) if one.lost]
    assert [len(one.journeys[0]) for one in partly] == [1]


def test_connections_that_were_cut_off_were_so_beyond_the_point_or_on_the_way_back_to_it() -> None:
    (cut,) = detect_tap_loss([tap("cloud-edge", "GE0/0/1", sent=12, beyond=3, protocol=CUT)], surroundings())
    there, back = cut.journeys[0]

    assert (there.components, back.components) == (WAY[4:], HOME[:-4])
    assert cut.counts_connections and not cut.end_to_end
    assert cut.statement == (
        "3 of 12 TCP connections from office-host to cloud-host at cloud-edge GE0/0/1 were cut off by another device "
        "in the server's name"
    )


@pytest.mark.parametrize("protocol", ["icmp", "udp"])
def test_requests_without_any_answer_were_lost_where_every_answer_would_come_by(protocol: str) -> None:
    """On one of two equal ways they tell nothing: routers may send the answers over the other."""
    one_way = replace(tap("cloud-edge", "GE0/0/2", sent=9, protocol=protocol), unanswered=9)
    (found,) = detect_tap_loss([one_way], surroundings())

    assert (found.sent, found.lost) == (9, 9)
    assert list(detect_tap_loss([one_way], surroundings(two_ways()))) == []
    (before_the_fork,) = detect_tap_loss(
        [replace(one_way, interface="GE0/0/1")], surroundings(two_ways())
    )
    assert (before_the_fork.sent, before_the_fork.lost) == (9, 9)


def test_of_pings_that_were_answered_here_some_are_lost_also_on_one_of_two_ways() -> None:
    """A series that was ever answered here is answered here; each question may have a way of its own."""
    pings = replace(tap("cloud-edge", "GE0/0/2", sent=9, beyond=2, protocol="icmp"), unanswered=3)
    (found,) = detect_tap_loss([pings], surroundings(two_ways()))

    assert (found.sent, found.lost) == (6, 2)
    assert list(detect_tap_loss([replace(pings, protocol="udp")], surroundings(two_ways()))) == []


def test_a_connection_in_vain_was_lost_beyond_the_point_whichever_way_the_answer_should_have_taken() -> None:
    """Had the answer come another way, the client would have gone on, past this point."""
    in_vain = tap("cloud-edge", "GE0/0/2", sent=9, beyond=4, protocol="tcp-syn")
    (one,) = detect_tap_loss([in_vain], surroundings())
    (two,) = detect_tap_loss([in_vain], surroundings(two_ways()))

    assert (one.sent, one.lost, one.traffic) == (9, 4, "tcp-syn/beyond")
    assert len(one.journeys) == 1
    back = [journey[1] for journey in two.journeys]
    assert [stretch.components[-1] for stretch in back if "other-core" in stretch.components] == [WAY[0]]
    assert any("other-core" not in stretch.components and WAY[0] not in stretch.components for stretch in back)


@pytest.mark.parametrize("protocol", ["icmp", "udp"])
def test_requests_that_never_came_cannot_be_missed(protocol: str) -> None:
    (found,) = detect_tap_loss([tap("cloud-edge", "GE0/0/1", protocol=protocol)], surroundings())
    there, back = found.journeys[0]
    assert (there.components, back.components) == (WAY[4:], HOME[: len(HOME) - 4])


def test_a_capture_off_the_way_says_nothing() -> None:
    others = [
        tap("cloud-edge", "GE0/0/7"),
        tap("nowhere", "a"),
        tap("cloud-edge", "GE0/0/1", sent=0),
        tap("cloud-edge", "GE0/0/1", source="198.51.100.1"),
        tap("cloud-edge", "GE0/0/1", destination="198.51.100.1"),
    ]
    assert list(detect_tap_loss(others, surroundings())) == []


def test_no_measurement_loses_more_than_it_sent() -> None:
    for measurement in detect_tap_loss([tap("cloud-edge", "GE0/0/1", sent=4, before=2, beyond=6)], surroundings()):
        assert 0 <= measurement.lost <= measurement.sent


def test_the_interval_of_a_capture_is_its_own() -> None:
    for measurement in detect_tap_loss([tap("cloud-edge", "GE0/0/1")], surroundings()):
        assert measurement.interval == between(0, 1)
        assert measurement.interval.end_ns - measurement.interval.start_ns == NANOSECONDS


def test_pings_that_were_sent_on_and_never_came_by_were_lost_before_the_capture() -> None:
    """Unless they may have gone another way, or nothing tells that they were sent."""
    silence = PacketWitness(
        time_ns=at(10), end_ns=at(50), origin=CAPTURE, locator="frame 7", device="cloud-gateway", interface="GE0/0/1",
        kind=WitnessKind.SILENCE, sender="10.1.0.2", about="10.2.0.2", code="39",
    )  # fmt: skip
    (found,) = detect_silent_requests([silence], surroundings())
    assert (found.sent, found.lost, found.interval) == (39, 39, between(10, 50))
    assert [stretch.components for journey in found.journeys for stretch in journey] == [WAY[:8]]
    assert found.of_service and not found.end_to_end

    assert not list(detect_silent_requests([replace(silence, code=None)], surroundings()))
    beside = network(
        (*NODES, node("other", NodeKind.ROUTER, "10.9.9.1")),
        (*LINKS, join("cloud-edge GE0/0/9", "other 1"), join("other 2", "cloud-gateway GE0/0/9")),
    )
    assert not list(detect_silent_requests([silence], surroundings(beside)))
