"""Whose address is this: by the drawing, by traceroutes, and by what the subnets leave as the only choice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.detectors.addresses import (
    AddressBook,
    layer3_neighbours,
    learn_addresses,
    networks_in,
    recognise_end,
)
from attribution.model.observation import Caveat, LogEvent, LogKind, TapCount
from attribution.model.topology import NodeKind, Side, Topology, parse_network
from tests.detectors.chain import CAPTURE, CHAIN, at, join, log, network, node, trace


def silent_edge(*, second_silent: bool = False) -> Topology:
    """An office whose uplink address is drawn, and a provider's edge, behind a plain switch, whose address is not."""
    return network(
        [
            node("office-edge", NodeKind.ROUTER, "192.0.2.1", side=Side.CUSTOMER),
            node("cable-switch", NodeKind.SWITCH),
            node("cloud-edge"),
            node("other-edge", NodeKind.ROUTER, *(() if second_silent else ("10.5.0.1",))),
        ],
        [
            join("office-edge a", "cable-switch 1"),
            join("cable-switch 2", "cloud-edge a"),
            join("office-edge b", "other-edge a"),
        ],
    )


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("Deny tcp src outside:10.1.0.2/40000 dst inside:10.2.0.2/443", ["10.1.0.2/32", "10.2.0.2/32"]),
        ("black hole 203.0.113.71.", ["203.0.113.71/32"]),
        ("DDoS against 10.2.0.0/24 and 2001:db8::7", ["10.2.0.0/24", "2001:db8::7/128"]),
        ("at 12:30:05 from 10.1.1.1:443", ["10.1.1.1/32"]),
        ("firmware 1.2.3.4.5, 300.1.1.1", []),
    ],
)
def test_addresses_are_read_out_of_words(words: str, named: list[str]) -> None:
    assert [str(network) for network in networks_in(words)] == named


@given(st.text(alphabet="0123456789abcdef.:/ x", max_size=60))
def test_no_words_are_misread_with_an_error(words: str) -> None:
    assert all(network.num_addresses >= 1 for network in networks_in(words))


def test_a_node_is_found_by_its_name_and_by_its_address() -> None:
    book = AddressBook(CHAIN)

    assert book.resolve("cloud-edge") == "cloud-edge"
    assert book.resolve("192.0.2.2") == "cloud-edge"
    assert book.resolve(None) is None
    assert book.resolve("nobody-we-know") is None
    assert book.resolve("203.0.113.7") is None


def test_the_only_neighbour_without_an_address_owns_the_other_address_of_the_subnet() -> None:
    assert AddressBook(silent_edge()).resolve("192.0.2.2") == "cloud-edge"


def test_an_address_is_not_guessed_between_two_neighbours_without_one() -> None:
    assert AddressBook(silent_edge(second_silent=True)).resolve("192.0.2.2") is None


def test_an_address_of_another_subnet_is_nobodys() -> None:
    assert AddressBook(silent_edge()).resolve("192.0.3.2") is None
    assert AddressBook(silent_edge()).resolve("2001:db8::2") is None


def test_an_address_that_has_nothing_in_common_with_any_in_the_drawing_is_nobodys() -> None:
    """203.0.113.7 and 10.9.1.1 differ in their first bit already."""
    topology = network(
        [node("office-edge", NodeKind.ROUTER, "10.9.1.1"), node("cloud-edge")], [join("office-edge a", "cloud-edge a")]
    )

    assert AddressBook(topology).resolve("203.0.113.7") is None


def test_the_nearest_subnet_decides() -> None:
    topology = network(
        [
            node("near", NodeKind.ROUTER, "192.0.2.9"),
            node("far", NodeKind.ROUTER, "192.0.2.129"),
            node("beside-near"),
            node("beside-far"),
        ],
        [join("near a", "beside-near a"), join("far a", "beside-far a"), join("near b", "far b")],
    )

    assert AddressBook(topology).resolve("192.0.2.10") == "beside-near"
    assert AddressBook(topology).resolve("192.0.2.130") == "beside-far"


def test_a_subnet_of_the_next_address_family_is_inferred_too() -> None:
    topology = network(
        [node("office-edge", NodeKind.ROUTER, "2001:db8:0:1::1"), node("cloud-edge")],
        [join("office-edge a", "cloud-edge a")],
    )

    assert AddressBook(topology).resolve("2001:db8:0:1::2") == "cloud-edge"
    assert AddressBook(topology).resolve("2001:db8:0:2::2") is None


def test_bridges_are_looked_through_and_routers_are_not() -> None:
    assert layer3_neighbours(silent_edge(), "office-edge") == {"cloud-edge", "other-edge"}
    assert layer3_neighbours(CHAIN, "office-edge") == {"office-host", "cloud-edge"}


def unaddressed_edges() -> Topology:
    """An office's router and a provider's, a carrier between them, and a second provider's; no addresses drawn."""
    return network(
        [
            node("office-edge", side=Side.CUSTOMER),
            node("carrier", NodeKind.TRANSPORT),
            node("cloud-edge"),
            node("second-edge"),
        ],
        [
            join("office-edge a", "carrier 1"),
            join("carrier 2", "cloud-edge a"),
            join("office-edge b", "second-edge a"),
        ],
    )


def lost(device: str, peer: str) -> LogEvent:
    return log(0, device, LogKind.SESSION_DOWN, peer=peer)


def test_two_neighbours_that_name_each_other_as_peers_tell_both_addresses() -> None:
    both = [lost("office-edge", "172.24.1.1"), lost("cloud-edge", "172.24.1.2"), lost("cloud-edge", "203.0.113.7")]
    book = learn_addresses(unaddressed_edges(), both)

    assert book.resolve("172.24.1.1") == "cloud-edge"
    assert book.resolve("172.24.1.2") == "office-edge"
    assert book.resolve("203.0.113.7") is None


def test_a_peer_that_only_one_end_names_may_be_somebody_who_is_not_drawn() -> None:
    assert learn_addresses(unaddressed_edges(), [lost("cloud-edge", "172.24.1.2")]).resolve("172.24.1.2") is None


def test_the_neighbour_whose_subnet_is_nearer_is_the_peer_and_of_two_as_near_neither_is() -> None:
    office = [lost("office-edge", "172.24.1.1"), lost("office-edge", "172.24.1.5")]
    nearer = [*office, lost("cloud-edge", "172.24.1.2"), lost("second-edge", "172.24.1.6")]
    as_near = [lost("office-edge", "172.24.1.9"), lost("cloud-edge", "172.24.1.2"), lost("second-edge", "172.24.1.6")]

    book = learn_addresses(unaddressed_edges(), nearer)
    assert (book.resolve("172.24.1.1"), book.resolve("172.24.1.5")) == ("cloud-edge", "second-edge")
    assert learn_addresses(unaddressed_edges(), as_near).resolve("172.24.1.9") is None


def test_the_end_whose_address_is_drawn_tells_which_neighbour_names_it() -> None:
    topology = silent_edge(second_silent=True)
    named = [lost("office-edge", "192.0.2.2"), lost("cloud-edge", "192.0.2.1")]

    assert learn_addresses(topology, named).resolve("192.0.2.2") == "cloud-edge"


def test_the_last_answer_of_a_trace_gives_the_destination_s_address_away() -> None:
    topology = silent_edge()
    book = learn_addresses(topology, [trace(0, "office-edge", "other-edge", "10.5.0.1")])
    assert book.resolve("10.5.0.1") == "other-edge"

    bare = silent_edge(second_silent=True)
    learned = learn_addresses(bare, [trace(0, "office-edge", "cloud-edge", "198.51.100.8")])
    assert AddressBook(bare).resolve("198.51.100.8") is None
    assert learned.resolve("198.51.100.8") == "cloud-edge"


def test_what_is_learned_leaves_one_neighbour_fewer_to_guess() -> None:
    bare = silent_edge(second_silent=True)
    learned = learn_addresses(bare, [trace(0, "office-edge", "cloud-edge", "192.0.2.8")])

    assert learned.resolve("192.0.2.2") == "other-edge"


def test_a_router_known_by_its_address_in_one_subnet_may_own_one_in_the_next() -> None:
    bare = silent_edge(second_silent=True)
    learned = learn_addresses(bare, [trace(0, "office-edge", "cloud-edge", "198.51.100.8")])

    assert learned.resolve("192.0.2.2") is None


def test_a_trace_teaches_nothing_against_the_drawing() -> None:
    """A destination with drawn addresses has them; an address with an owner stays with it."""
    book = learn_addresses(
        CHAIN,
        [trace(0, "office-host", "cloud-host", "203.0.113.1"), trace(1, "office-host", "cloud-core", "192.0.2.2")],
    )

    assert book.resolve("203.0.113.1") is None
    assert book.resolve("192.0.2.2") == "cloud-edge"


def test_a_silent_last_hop_teaches_nothing() -> None:
    bare = silent_edge(second_silent=True)
    learned = learn_addresses(bare, [trace(0, "office-edge", "cloud-edge", "198.51.100.8", None)])

    assert learned.resolve("198.51.100.8") is None


def test_owners_within_a_prefix_are_those_drawn_and_those_learned() -> None:
    bare = silent_edge(second_silent=True)
    learned = learn_addresses(bare, [trace(0, "office-edge", "cloud-edge", "192.0.2.200")])

    assert learned.owners_within(parse_network("192.0.2.0/24")) == {"office-edge", "cloud-edge"}
    assert learned.owners_within(parse_network("192.0.2.128/25")) == {"cloud-edge"}
    assert learned.owners_within(parse_network("2001:db8::/32")) == set()


def office(*addresses: str) -> Topology:
    """A host whose address nobody states, behind a router with two links."""
    return network(
        [node("host", NodeKind.HOST), node("router", NodeKind.ROUTER, *addresses), node("uplink")],
        [join("host eth0", "router a"), join("router b", "uplink a")],
    )


def test_an_end_can_have_only_an_address_that_is_its_own_or_of_a_subnet_beside_it() -> None:
    unknown = AddressBook(office("192.0.2.1", "10.9.1.1"))
    assert unknown.may_have_address_in("host", parse_network("192.0.2.0/24"))
    assert unknown.may_have_address_in("host", parse_network("192.0.0.0/16"))
    assert unknown.may_have_address_in("host", parse_network("192.0.2.128/25"))
    assert not unknown.may_have_address_in("host", parse_network("10.250.0.0/24"))

    known = learn_addresses(office("192.0.2.1", "10.9.1.1"), [trace(0, "uplink", "host", "198.51.100.8")])
    assert known.may_have_address_in("host", parse_network("198.51.100.0/24"))
    assert not known.may_have_address_in("host", parse_network("192.0.2.0/24"))


def test_an_end_can_have_any_address_where_the_subnets_beside_it_are_not_all_known() -> None:
    assert AddressBook(office("10.9.1.1")).may_have_address_in("host", parse_network("10.250.0.0/24"))
    assert AddressBook(office()).may_have_address_in("host", parse_network("10.250.0.0/24"))


def test_a_trace_that_ended_at_a_router_gives_no_address_of_the_destination_away() -> None:
    """The trace from the office stops at a router that no drawing names (it answers that the host is unreachable)."""
    bare = network(
        [node("office-edge", NodeKind.ROUTER, "192.0.2.1"), node("cloud-edge"), node("cloud-host", NodeKind.HOST)],
        [join("office-edge a", "cloud-edge a"), join("cloud-edge b", "cloud-host a")],
    )
    stuck = trace(0, "office-edge", "cloud-host", "192.0.2.2")
    arrived = trace(9, "office-edge", "cloud-host", "192.0.2.2", "10.2.0.2")

    assert learn_addresses(bare, [stuck, arrived]).resolve("192.0.2.2") == "cloud-edge"


HOST, HOST_AND_EDGE, SERVER = "10.1.0.2", "10.1.0.1", "10.2.0.2"


def two_ends(*, far: str | None = SERVER) -> Topology:
    """A host whose address nobody drew, its edge, and a server far off."""
    return network(
        [
            node("host", NodeKind.HOST, side=Side.CUSTOMER),
            node("edge", NodeKind.ROUTER, HOST_AND_EDGE),
            node("core"),
            node("server", NodeKind.HOST, *((far,) if far else ()), side=Side.CUSTOMER),
        ],
        [join("host a", "edge a"), join("edge b", "core a"), join("core b", "server a")],
    )


def passed(device: str, source: str, destination: str) -> TapCount:
    return TapCount(
        time_ns=at(0), end_ns=at(1), origin=CAPTURE, locator="frame 7", device=device, interface="a", source=source,
        destination=destination, protocol="tcp", sent=9, lost_upstream=0, lost_downstream=0,
    )  # fmt: skip


def test_the_address_that_takes_part_in_all_that_passes_a_host_s_port_is_its_own() -> None:
    seen = [passed("host", "172.16.5.9", "172.16.7.7"), passed("host", "172.16.7.8", "172.16.5.9")]

    assert learn_addresses(two_ends(), seen).resolve("172.16.5.9") == "host"
    assert learn_addresses(two_ends(), seen).resolve("172.16.7.7") is None
    assert learn_addresses(two_ends(), seen[:1]).resolve("172.16.5.9") is None  # either of the two may be its own
    strangers = [*seen, passed("host", "172.16.7.7", "172.16.7.8")]
    assert learn_addresses(two_ends(), strangers).resolve("172.16.5.9") is None


def test_of_a_host_s_only_two_addresses_the_one_that_is_nobody_else_s_is_its_own() -> None:
    assert learn_addresses(two_ends(), [passed("host", "172.16.5.9", SERVER)]).resolve("172.16.5.9") == "host"


def test_a_router_s_port_passes_other_people_s_packets() -> None:
    seen = [passed("core", "172.16.5.9", "172.16.7.7"), passed("core", "172.16.7.8", "172.16.5.9")]

    assert learn_addresses(two_ends(), seen).resolve("172.16.5.9") is None


def recognised(*seen: TapCount, far: str | None = SERVER) -> tuple[str | None, Caveat | None]:
    topology = two_ends(far=far)
    book, caveat = recognise_end(AddressBook(topology), ("host", "server"), seen)
    return book.resolve("10.1.0.77"), caveat


def test_the_only_stranger_that_talks_with_one_end_is_the_other_and_a_caveat_says_so() -> None:
    host, caveat = recognised(passed("core", "10.1.0.77", SERVER), passed("core", SERVER, "10.1.0.77"))

    assert host == "host"
    assert caveat is not None
    assert (caveat.file, caveat.locator) == ("captures/one.pcap", "frame 7")
    assert "10.1.0.77" in caveat.reason
    assert "host" in caveat.reason


def test_of_two_strangers_neither_is_taken_for_the_end() -> None:
    topology = two_ends()
    seen = [passed("core", "172.16.5.9", SERVER), passed("core", "172.16.5.10", SERVER)]

    book, caveat = recognise_end(AddressBook(topology), ("host", "server"), seen)
    assert (book.resolve("172.16.5.9"), caveat) == (None, None)


def test_where_neither_end_has_an_address_nobody_is_recognised() -> None:
    topology = two_ends(far=None)
    _, caveat = recognise_end(AddressBook(topology), ("host", "server"), [passed("core", "172.16.5.9", SERVER)])
    assert caveat is None
