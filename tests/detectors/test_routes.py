"""Which way packets went: as traced at that hour, else as drawn, and never guessed where two ways are possible."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from attribution.detectors import FEW_FLOWS, detect_evidence, service_paths
from attribution.detectors.routes import Routes
from attribution.model.evidence import Stretch
from attribution.model.observation import FlowRecord, PathTrace
from attribution.model.topology import NodeKind, Side, Topology
from attribution.readers.flows import pack_flows
from tests.detectors.chain import CHAIN, FLOWS, WAY, at, incident, join, network, node, surroundings, trace

RING = network(
    [
        node("office-host", NodeKind.HOST, "10.1.0.2", side=Side.CUSTOMER),
        node("edge", NodeKind.ROUTER, "10.1.0.1"),
        node("north", NodeKind.ROUTER, "10.3.0.1"),
        node("south", NodeKind.ROUTER, "10.4.0.1"),
        node("far-south", NodeKind.ROUTER, "10.4.0.2"),
        node("gate", NodeKind.ROUTER, "10.5.0.1"),
        node("cloud-host", NodeKind.HOST, "10.2.0.2", side=Side.CUSTOMER),
    ],
    [
        join("office-host a", "edge a"),
        join("edge b", "north a"),
        join("edge c", "south a"),
        join("south b", "far-south a"),
        join("north b", "gate a"),
        join("far-south b", "gate b"),
        join("gate c", "cloud-host a"),
    ],
)
"""A short way in the north, a longer one in the south."""


def routes(topology: Topology, *traces: PathTrace) -> Routes:
    return surroundings(topology, traces).routes


def nodes_of(path: tuple[str, ...]) -> tuple[str, ...]:
    return path[::2]


def test_a_path_names_nodes_and_links_in_turn() -> None:
    assert routes(CHAIN).paths("office-host", "cloud-host", 0) == (WAY,)
    assert routes(CHAIN).paths("cloud-host", "office-host", 0) == (tuple(reversed(WAY)),)


def test_a_node_is_its_own_way_and_an_island_has_none() -> None:
    topology = network([node("one"), node("island")], [])

    assert routes(topology).paths("one", "one", 0) == (("one",),)
    assert routes(topology).paths("one", "island", 0) == ()


def test_what_comes_over_a_ring_has_surely_crossed_only_what_leads_to_it() -> None:
    (around,) = routes(RING).paths("office-host", "cloud-host", 0)

    assert nodes_of(around) == ("office-host", "edge", "north", "gate", "cloud-host")
    assert routes(RING).unavoidable(around) == (*around[:3], *around[6:])
    assert routes(RING).unavoidable(around[:4]) == around[:4], "seen on the port of the ring itself"
    assert routes(CHAIN).unavoidable(WAY[:-2]) == WAY[:-2]


def test_the_shortest_way_is_assumed_where_nobody_traced() -> None:
    (path,) = routes(RING).paths("office-host", "cloud-host", 0)
    assert nodes_of(path) == ("office-host", "edge", "north", "gate", "cloud-host")


def homed_twice(kind: NodeKind, *addresses: str) -> Topology:
    """An edge with one line of its own to the north, and another over something in between to the south."""
    return network(
        [
            node("office-host", NodeKind.HOST, "10.1.0.2", side=Side.CUSTOMER),
            node("edge", NodeKind.ROUTER, "10.1.0.1"),
            node("north", NodeKind.ROUTER, "10.3.0.1"),
            replace(node("between", kind), addresses=tuple(ip_network(address) for address in addresses)),
            node("south", NodeKind.ROUTER, "10.4.0.1"),
            node("cloud-host", NodeKind.HOST, "10.2.0.2", side=Side.CUSTOMER),
        ],
        [
            join("office-host a", "edge a"),
            join("edge b", "north a"),
            join("edge c", "between a"),
            join("between b", "south a"),
            join("north b", "cloud-host a"),
            join("south b", "cloud-host b"),
        ],
    )


@pytest.mark.parametrize(
    ("kind", "addresses", "open_ways"),
    [
        (NodeKind.SWITCH, (), 2),
        (NodeKind.SWITCH, ("10.9.0.1",), 2),
        (NodeKind.SWITCH, ("10.9.0.1", "10.9.1.1"), 1),
        (NodeKind.TRANSPORT, (), 2),
        (NodeKind.ROUTER, ("10.9.0.1",), 1),
    ],
)
def test_a_switch_or_a_carrier_s_equipment_on_a_line_makes_a_way_no_longer_but_a_router_does(
    kind: NodeKind, addresses: tuple[str, ...], open_ways: int
) -> None:
    found = routes(homed_twice(kind, *addresses)).paths("office-host", "cloud-host", 0)

    assert len(found) == open_ways
    assert ("office-host", "edge", "north", "cloud-host") in map(nodes_of, found)


def test_within_a_network_of_switches_the_fewest_of_them_are_crossed() -> None:
    switches = [node(name, NodeKind.SWITCH) for name in ("one", "two", "three")]
    campus = network(
        [node("office-host", NodeKind.HOST), *switches, node("edge"), node("printer", NodeKind.HOST)],
        [
            join("office-host a", "one a"),
            join("one b", "two a"),
            join("two b", "three a"),
            join("three b", "one c"),
            join("three c", "edge a"),
            join("two c", "printer a"),
        ],
    )

    (way,) = routes(campus).paths("office-host", "edge", 0)
    assert nodes_of(way) == ("office-host", "one", "three", "edge")
    (back,) = routes(campus).paths("edge", "office-host", 0)
    assert back == way[::-1]
    (to_a_switch,) = routes(campus).paths("edge", "two", 0)
    assert nodes_of(to_a_switch) == ("edge", "three", "two")


def test_a_traced_way_beats_the_shortest() -> None:
    southward = trace(0, "office-host", "cloud-host", "10.1.0.1", "10.4.0.1", "10.4.0.2", "10.5.0.1", "10.2.0.2")
    (path,) = routes(RING, southward).paths("office-host", "cloud-host", at(0))

    assert nodes_of(path) == ("office-host", "edge", "south", "far-south", "gate", "cloud-host")


def test_the_way_is_that_of_the_hour() -> None:
    north = trace(0, "office-host", "cloud-host", "10.1.0.1", "10.3.0.1", "10.5.0.1", "10.2.0.2")
    south = trace(60, "office-host", "cloud-host", "10.1.0.1", "10.4.0.1", "10.4.0.2", "10.5.0.1", "10.2.0.2")
    found = routes(RING, south, north)

    def crosses(name: str, second: float) -> bool:
        return name in found.paths("office-host", "cloud-host", at(second))[0]

    assert crosses("north", -100), "before the first trace, the first"
    assert crosses("north", 59)
    assert crosses("south", 60)
    assert crosses("south", 1000)


def test_a_silent_hop_is_filled_in_where_the_drawing_leaves_one_way() -> None:
    quiet = trace(0, "office-host", "cloud-host", "10.1.0.1", "10.4.0.1", None, "10.5.0.1", "10.2.0.2")
    (path,) = routes(RING, quiet).paths("office-host", "cloud-host", at(0))

    assert nodes_of(path) == ("office-host", "edge", "south", "far-south", "gate", "cloud-host")


def diamond() -> Topology:
    return network(
        [
            node("office-host", NodeKind.HOST, "10.1.0.2"),
            node("edge", NodeKind.ROUTER, "10.1.0.1"),
            node("north", NodeKind.ROUTER, "10.3.0.1"),
            node("south", NodeKind.ROUTER, "10.4.0.1"),
            node("cloud-host", NodeKind.HOST, "10.2.0.2"),
        ],
        [
            join("office-host a", "edge a"),
            join("edge b", "north a"),
            join("edge c", "south a"),
            join("north b", "cloud-host a"),
            join("south b", "cloud-host b"),
        ],
    )


def test_a_silent_hop_that_leaves_two_ways_is_not_guessed() -> None:
    quiet = trace(0, "office-host", "cloud-host", "10.1.0.1", None, "10.2.0.2")
    spoken = trace(0, "office-host", "cloud-host", "10.1.0.1", "10.4.0.1", "10.2.0.2")

    assert len(routes(diamond(), quiet).paths("office-host", "cloud-host", at(0))) == 2
    assert routes(diamond(), quiet).traced("office-host", "cloud-host") == ()
    assert len(routes(diamond(), spoken).paths("office-host", "cloud-host", at(0))) == 1


NORTHWARD = ("10.1.0.1", "10.3.0.1", "10.2.0.2")


def flow(second: float, *ways: tuple[str, ...], sent: int = 10) -> FlowRecord:
    return FlowRecord(
        time_ns=at(second), origin=FLOWS, locator="row 1", source="office-host", destination="cloud-host",
        paths=ways, sent=sent, lost=0, flow=None, protocol="udp",
    )  # fmt: skip


def test_a_way_that_a_flow_may_have_gone_is_open_beside_the_traced_one() -> None:
    """A traceroute is one flow; routers that spread flows over equal ways send others elsewhere."""
    traced = trace(0, "office-host", "cloud-host", *NORTHWARD)
    ways = tuple(("office-host", "edge", middle, "cloud-host") for middle in ("north", "south"))
    beside = surroundings(diamond(), [traced, flow(1, *ways)]).routes

    assert [nodes_of(path)[2] for path in beside.paths("office-host", "cloud-host", at(1))] == ["north", "south"]
    assert [nodes_of(path)[2] for path in beside.paths("office-host", "cloud-host", at(60))] == ["north"]
    assert len(service_paths(beside, incident())) == 2


def test_a_way_that_a_flow_went_is_open_though_it_is_longer_than_what_the_drawing_suggests() -> None:
    detour = ("office-host", "edge", "north", "edge-2", "south", "cloud-host")
    drawn = network(
        [*diamond().nodes.values(), node("edge-2")],
        [*diamond().links.values(), join("north 8", "edge-2 1"), join("edge-2 2", "south 8")],
    )
    beside = surroundings(drawn, [flow(1, detour)]).routes

    assert [nodes_of(path) for path in beside.paths("office-host", "cloud-host", at(1))][-1] == detour
    assert detour in [nodes_of(path) for path in service_paths(beside, incident())]


def test_of_very_many_flows_those_of_the_service_open_their_ways_too() -> None:
    """They are weighed column by column, yet say which ways the service takes."""
    there = trace(0, "office-host", "cloud-host", *NORTHWARD)
    back = trace(0, "cloud-host", "office-host", "10.3.0.1", "10.1.0.1", "10.1.0.2")
    elsewhere = replace(flow(1, ("edge", "south")), source="edge", destination="south")
    southward = ("office-host", "edge", "south", "cloud-host")
    many = [elsewhere] * (FEW_FLOWS + 1)

    found = detect_evidence([there, back], diamond(), incident(), [pack_flows([*many, flow(1, southward)], FLOWS)])
    assert len(found.flows) == 1
    assert {nodes_of(path)[2] for path in found.service_paths} == {"north", "south"}
    without = detect_evidence([there, back], diamond(), incident(), [pack_flows(many, FLOWS)])
    assert {nodes_of(path)[2] for path in without.service_paths} == {"north"}


def test_a_flow_that_sent_nothing_opens_no_way() -> None:
    traced = trace(0, "office-host", "cloud-host", *NORTHWARD)
    silent = flow(1, ("office-host", "edge", "south", "cloud-host"), sent=0)

    assert len(surroundings(diamond(), [traced, silent]).routes.paths("office-host", "cloud-host", at(1))) == 1


@pytest.mark.parametrize(
    "nodes",
    [
        ("edge", "south", "cloud-host"), ("office-host", "edge", "south"),
        ("office-host", "edge", "south", "edge", "north", "cloud-host"),
    ],
    ids=["without its source", "without its destination", "in a circle"],
)  # fmt: skip
def test_a_flows_way_that_does_not_lead_from_end_to_end_opens_none(nodes: tuple[str, ...]) -> None:
    traced = trace(0, "office-host", "cloud-host", *NORTHWARD)

    assert len(surroundings(diamond(), [traced, flow(1, nodes)]).routes.paths("office-host", "cloud-host", at(1))) == 1


def test_where_a_traceroute_from_elsewhere_went_on_another_way_to_the_destination_it_is_open_too() -> None:
    """Routers forward by destination: what the edge does with its own packets it may do with the office's."""
    office = trace(0, "office-host", "cloud-host", *NORTHWARD)
    edge = trace(1, "edge", "cloud-host", "10.4.0.1", "10.2.0.2")
    elsewhere = trace(1, "edge", "south", "10.4.0.1")

    open_ways = routes(diamond(), office, edge).paths("office-host", "cloud-host", at(1))
    assert [nodes_of(path) for path in open_ways] == [
        ("office-host", "edge", "north", "cloud-host"), ("office-host", "edge", "south", "cloud-host"),
    ]  # fmt: skip
    assert len(routes(diamond(), office, elsewhere).paths("office-host", "cloud-host", at(1))) == 1


def test_a_longer_way_from_elsewhere_is_not_taken_for_an_equal_one() -> None:
    office = trace(0, "office-host", "cloud-host", "10.1.0.1", "10.3.0.1", "10.5.0.1", "10.2.0.2")
    southward = trace(1, "edge", "cloud-host", "10.4.0.1", "10.4.0.2", "10.5.0.1", "10.2.0.2")

    assert len(routes(RING, office, southward).paths("office-host", "cloud-host", at(1))) == 1


def test_a_trace_that_did_not_arrive_tells_no_way() -> None:
    lost = trace(0, "office-host", "cloud-host", "10.1.0.1", "10.4.0.1", "10.4.0.2", None, None)
    (path,) = routes(RING, lost).paths("office-host", "cloud-host", at(0))

    assert "north" in path


def test_a_hop_that_is_listed_but_never_answered_is_no_arrival() -> None:
    mute = trace(0, "office-host", "cloud-host", "10.1.0.1", "10.4.0.1", "10.4.0.2", "10.5.0.1", "10.2.0.2", received=0)
    assert routes(RING, mute).traced("office-host", "cloud-host") == ()


def test_a_trace_that_went_in_a_circle_tells_no_way() -> None:
    circle = trace(0, "office-host", "cloud-host", "10.1.0.1", "10.3.0.1", "10.1.0.1", "10.3.0.1", "10.2.0.2")

    assert routes(RING, circle).traced("office-host", "cloud-host") == ()


def test_unknown_hops_do_not_hide_the_known_ones() -> None:
    foreign = trace(
        0, "office-host", "cloud-host", "10.1.0.1", "203.0.113.9", "10.4.0.1", "10.4.0.2", "10.5.0.1", "10.2.0.2"
    )
    (path,) = routes(RING, foreign).paths("office-host", "cloud-host", at(0))
    assert "south" in path


def test_parallel_links_are_ways_of_their_own() -> None:
    topology = network(
        [node("one"), node("other")],
        [join("one a", "other a", key="red"), join("one b", "other b", key="blue")],
    )

    assert set(routes(topology).paths("one", "other", 0)) == {
        ("one", "one--other#red", "other"),
        ("one", "one--other#blue", "other"),
    }


def test_hosts_are_ends_and_never_in_between() -> None:
    topology = network(
        [
            node("one"),
            node("two-legged-host", NodeKind.HOST),
            node("other"),
            node("north"),
            node("south"),
        ],
        [
            join("one a", "two-legged-host a"),
            join("two-legged-host b", "other a"),
            join("one b", "north a"),
            join("north b", "south a"),
            join("south b", "other b"),
        ],
    )

    (path,) = routes(topology).paths("one", "other", 0)
    assert nodes_of(path) == ("one", "north", "south", "other")
    assert len(routes(topology).paths("one", "two-legged-host", 0)) == 1
    assert len(routes(topology).paths("two-legged-host", "other", 0)) == 1


def test_a_drawn_path_is_completed_with_links_and_left_out_bridges() -> None:
    assert routes(CHAIN).expand(("office-host", "cloud-edge", "cloud-host")) == WAY
    assert routes(CHAIN).expand(("office-host", "nowhere")) is None
    assert routes(diamond()).expand(("edge", "cloud-host")) is None


def test_a_drawn_path_may_mean_each_of_parallel_links_and_of_ways_that_are_as_short() -> None:
    twice = network(
        [node("one"), node("two"), node("three")],
        [
            join("one a", "two a", key="a"),
            join("one b", "two b", key="b"),
            join("two c", "three a", key="a"),
            join("two d", "three b", key="b"),
        ],
    )
    ways = routes(twice).expansions(("one", "two", "three"))

    assert len(ways) == len(set(ways)) == 4
    assert {nodes_of(way) for way in ways} == {("one", "two", "three")}
    assert {way[1] for way in ways} == {"one--two#a", "one--two#b"}
    assert [nodes_of(way)[1] for way in routes(diamond()).expansions(("edge", "cloud-host"))] == ["north", "south"]


@pytest.mark.parametrize(("cables", "told"), [(15, 15), (16, 0)])
def test_a_path_that_may_mean_too_many_ways_is_not_told_by_some_of_them(cables: int, told: int) -> None:
    trunk = [join(f"one a{number}", f"two b{number}", key=str(number)) for number in range(cables)]
    assert len(routes(network([node("one"), node("two")], trunk)).expansions(("one", "two"))) == told


def test_the_answer_takes_the_way_back_unless_traced_otherwise() -> None:
    southward_home = trace(0, "cloud-host", "office-host", "10.5.0.1", "10.4.0.2", "10.4.0.1", "10.1.0.1", "10.1.0.2")
    (plain,) = routes(RING).journeys_there_and_back("office-host", "cloud-host", 0)
    (traced,) = routes(RING, southward_home).journeys_there_and_back("office-host", "cloud-host", 0)

    there = plain[0].components
    assert plain == (Stretch(there), Stretch(tuple(reversed(there))))
    assert traced[0].components == there
    assert "south" in traced[1].components


def test_where_several_ways_are_as_short_an_answer_may_take_any_of_them() -> None:
    journeys = routes(diamond()).journeys_there_and_back("office-host", "cloud-host", 0)
    ways = {stretch.components for journey in journeys for stretch in journey[:1]}
    assert len(ways) == 2
    assert len(journeys) == 4


def test_a_hop_answers_as_the_destination_does_if_its_way_is_known_else_by_any_shortest_way() -> None:
    southward_home = trace(0, "cloud-host", "office-host", "10.5.0.1", "10.4.0.2", "10.4.0.1", "10.1.0.1", "10.1.0.2")
    (way,) = routes(RING, southward_home).ways_back("gate", "office-host", "cloud-host", 0)
    assert way[0] == "gate"
    assert "south" in way
    assert len(routes(diamond()).ways_back("cloud-host", "office-host", "cloud-host", 0)) == 2


def test_the_most_frequent_traced_way_comes_first() -> None:
    north = ("10.1.0.1", "10.3.0.1", "10.5.0.1", "10.2.0.2")
    south = ("10.1.0.1", "10.4.0.1", "10.4.0.2", "10.5.0.1", "10.2.0.2")
    traces = [trace(second, "office-host", "cloud-host", *way) for second, way in enumerate([north, south, south])]

    first, second = routes(RING, *traces).traced("office-host", "cloud-host")
    assert "south" in first
    assert "north" in second


def test_the_service_takes_the_ways_traced_and_drawn_seen_from_its_first_end() -> None:
    southward_home = trace(0, "cloud-host", "office-host", "10.5.0.1", "10.4.0.2", "10.4.0.1", "10.1.0.1", "10.1.0.2")
    paths = service_paths(routes(RING, southward_home), incident())

    assert len(paths) == 2
    assert {"north" in path for path in paths} == {True, False}
    assert all((path[0], path[-1]) == ("office-host", "cloud-host") for path in paths)
