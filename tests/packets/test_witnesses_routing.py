"""What routing sessions say in their own messages: BGP, BFD, OSPF, IS-IS and the redundancy protocols."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from scapy.contrib.isis import (
    ISIS_L2_LSP,
    ISIS_AreaTlv,
    ISIS_CommonHdr,
    ISIS_DynamicHostnameTlv,
    ISIS_IpInterfaceAddressTlv,
    ISIS_IsNeighbourTlv,
    ISIS_L1_LAN_Hello,
    ISIS_P2P_Hello,
    ISIS_P2PAdjacencyStateTlv,
)
from scapy.layers.hsrp import HSRP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import LLC, Dot3
from scapy.layers.vrrp import VRRP, VRRPv3

from attribution.model.observation import TCP_ALONE, PacketWitness, WitnessKind
from tests.packets.making import SECOND, START, Timed, ipv4, ipv6, tcp, udp
from tests.packets.testimony import CLIENT, LINK, MS, SERVER, all_witnesses, at, frame, witnesses

SESSION = frozenset({WitnessKind.BGP_NOTIFICATION, WitnessKind.BGP_WITHDRAWAL, WitnessKind.BGP_SILENT})


def bgp(kind: int, body: bytes = b"") -> bytes:
    return b"\xff" * 16 + struct.pack(">HB", 19 + len(body), kind) + body


def speaks(ms: float, forward: bool, message: bytes, sequence: int) -> Timed:
    ports, ends = ((1000, 179), (CLIENT, SERVER)) if forward else ((179, 1000), (SERVER, CLIENT))
    return at(ms, ipv4(tcp(*ports, sequence, 1, 0x18, message), 6, *ends))


def open_message(hold_s: int) -> bytes:
    return bgp(1, struct.pack(">BHH4sB", 4, 65001, hold_s, b"\x0a\0\0\1", 0))


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", 0x90, kind, len(value)) + value


def update(withdrawn: bytes = b"", attributes: bytes = b"", announced: bytes = b"") -> bytes:
    counted = struct.pack(">H", len(withdrawn)) + withdrawn + struct.pack(">H", len(attributes)) + attributes
    return bgp(2, counted + announced)


def test_a_bgp_speaker_closes_the_session() -> None:
    (found,) = witnesses([speaks(0, True, bgp(4) + bgp(3, b"\6\2"), 1)], WitnessKind.BGP_NOTIFICATION)

    assert (found.sender, found.about, found.code) == (CLIENT, SERVER, "6/2")
    assert "administrative shutdown" in found.detail


def test_who_shuts_a_session_down_may_say_why_and_cannot_steer_the_terminal() -> None:
    """RFC 9003: a length and UTF-8 text behind Cease, administrative shutdown."""
    said = b"Wartung bis 5 Uhr \x1b[2J"
    (found,) = witnesses(
        [speaks(0, True, bgp(3, b"\6\2" + bytes([len(said)]) + said), 1)], WitnessKind.BGP_NOTIFICATION
    )

    assert 'saying "Wartung bis 5 Uhr \\x1b[2J"' in found.detail


def test_a_hard_reset_tells_what_is_inside_it() -> None:
    (found,) = witnesses([speaks(0, True, bgp(3, b"\6\x09\6\4"), 1)], WitnessKind.BGP_NOTIFICATION)

    assert found.code == "6/4"
    assert "hard reset for administrative reset" in found.detail


def test_a_notification_tells_the_state_and_the_lower_of_both_hold_times() -> None:
    conversation = [
        speaks(0, True, open_message(180), 1), speaks(1, False, open_message(9), 1),
        speaks(2, True, bgp(4), 30), speaks(3, False, bgp(4), 30),
        speaks(4, False, bgp(3, b"\4\0"), 49),
    ]  # fmt: skip
    (found,) = witnesses(conversation, WitnessKind.BGP_NOTIFICATION)

    assert "hold timer expired" in found.detail
    assert "the session was established; hold time 9 s" in found.detail


def test_an_open_that_is_refused_never_made_a_session() -> None:
    (found,) = witnesses(
        [speaks(0, True, open_message(90), 1), speaks(1, False, bgp(3, b"\2\2"), 1)], WitnessKind.BGP_NOTIFICATION
    )

    assert "bad peer AS" in found.detail
    assert "not established" in found.detail


def test_a_bgp_speaker_withdraws_prefixes() -> None:
    withdrawn = b"\x18\x0a\1\2" + b"\x10\x0a\7"
    (found,) = witnesses([speaks(0, True, update(withdrawn), 1)], WitnessKind.BGP_WITHDRAWAL)

    assert (found.sender, found.count) == (CLIENT, 2)
    assert "10.1.2.0/24, 10.7.0.0/16" in found.detail


def test_what_the_peer_took_back_just_before_is_no_news_when_it_is_taken_back_in_turn() -> None:
    """Many speakers announce to a peer also what they learned from it."""
    first, answer = update(b"\x18\x0a\1\2"), update(b"\x18\x0a\1\2" + b"\x18\x0a\1\3")
    packets = [speaks(0, True, first, 1), speaks(50, False, answer, 1)]
    packets.append(speaks(20_000, False, update(b"\x18\x0a\1\2"), 1 + len(answer)))
    told = witnesses(packets, WitnessKind.BGP_WITHDRAWAL)

    assert [(w.sender, w.prefixes) for w in told] == [
        (CLIENT, ("10.1.2.0/24",)), (SERVER, ("10.1.3.0/24",)), (SERVER, ("10.1.2.0/24",)),
    ]  # fmt: skip


def announcing(prefixes: bytes, *path: int) -> bytes:
    """An UPDATE with the autonomous systems of its path, four octets each (RFC 6793)."""
    systems = bytes([2, len(path)]) + struct.pack(f">{len(path)}I", *path) if path else b""
    attributes = attribute(1, b"\0") + attribute(2, systems) + attribute(3, b"\x0a\0\0\1")
    return update(attributes=attributes, announced=prefixes)


HOST = b"\x20\x0a\1\2\3"


@pytest.mark.parametrize("path", [(), (64500,), (64500, 64500)], ids=["within a system", "to a neighbour", "prepended"])
def test_a_speaker_that_announces_a_host_alone_draws_its_packets(path: tuple[int, ...]) -> None:
    message = announcing(b"\x18\x0a\1\2" + HOST, *path)
    (found,) = witnesses([speaks(0, True, message, 1)], WitnessKind.BGP_HOST_ROUTE)

    assert (found.sender, found.about, found.prefixes) == (CLIENT, SERVER, ("10.1.2.3/32",))
    assert "announces a route to 10.1.2.3 alone" in found.detail


def test_a_route_to_a_host_that_comes_from_elsewhere_is_not_the_speaker_s() -> None:
    assert not witnesses([speaks(0, True, announcing(HOST, 64500, 64501), 1)], WitnessKind.BGP_HOST_ROUTE)


def test_the_table_with_which_a_session_begins_holds_no_new_routes() -> None:
    opened, message = open_message(90), announcing(HOST)
    at_once = [speaks(0, True, opened, 1), speaks(500, True, message, 1 + len(opened))]
    later = [speaks(0, True, opened, 1), speaks(90_000, True, message, 1 + len(opened))]

    assert not witnesses(at_once, WitnessKind.BGP_HOST_ROUTE)
    assert len(witnesses(later, WitnessKind.BGP_HOST_ROUTE)) == 1


def test_who_announces_what_the_peer_announced_just_before_only_answers() -> None:
    packets = [speaks(0, True, announcing(HOST), 1), speaks(60, False, announcing(HOST, 64500), 1)]
    assert [found.sender for found in witnesses(packets, WitnessKind.BGP_HOST_ROUTE)] == [CLIENT]


def test_to_take_back_a_host_that_one_has_announced_a_while_ago_is_no_loss_of_routes() -> None:
    """Nor is its return a new route; a subnet that is taken back is."""
    first, back = announcing(HOST), update(HOST[:5])
    packets = [speaks(0, True, first, 1), speaks(9_000, True, back, 1 + len(first))]
    packets.append(speaks(9_050, False, back, 1))
    packets.append(speaks(20_000, True, first, 1 + len(first) + len(back)))

    assert not witnesses(packets, WitnessKind.BGP_WITHDRAWAL)
    assert len(witnesses(packets, WitnessKind.BGP_HOST_ROUTE)) == 1
    assert len(witnesses([speaks(0, True, back, 1)], WitnessKind.BGP_WITHDRAWAL)) == 1


def test_ipv6_hosts_are_announced_in_an_attribute() -> None:
    host = b"\x80\x20\x01\x0d\xb8" + bytes(11) + b"\1"
    reachable = struct.pack(">HBB", 2, 1, 16) + bytes(16) + b"\0" + host
    (found,) = witnesses([speaks(0, True, update(attributes=attribute(14, reachable)), 1)], WitnessKind.BGP_HOST_ROUTE)
    assert found.prefixes == ("2001:db8::1/128",)


def test_ipv6_prefixes_are_withdrawn_in_an_attribute() -> None:
    prefixes = b"\x20\x20\x01\x0d\xb8" + b"\x30\x20\x01\x0d\xb8\0\1"
    message = update(attributes=attribute(15, struct.pack(">HB", 2, 1) + prefixes))
    (found,) = witnesses([speaks(0, True, message, 1)], WitnessKind.BGP_WITHDRAWAL)

    assert found.count == 2
    assert "2001:db8::/32, 2001:db8:1::/48" in found.detail


def test_prefixes_of_vpns_and_with_labels_are_named_without_them() -> None:
    vpn = b"\x70" + b"\x80\0\0" + bytes(8) + b"\x0a\1\2"
    labelled = b"\x30" + b"\x80\0\0" + b"\x0a\1\3"
    attributes = attribute(15, b"\0\1\x80" + vpn) + attribute(15, b"\0\1\4" + labelled)
    (found,) = witnesses([speaks(0, True, update(attributes=attributes), 1)], WitnessKind.BGP_WITHDRAWAL)

    assert "10.1.2.0/24, 10.1.3.0/24" in found.detail


def test_path_identifiers_are_not_taken_for_prefixes() -> None:
    """RFC 7911: four octets before each prefix, agreed in OPENs that the capture may have missed."""
    withdrawn = b"\0\0\0\x07\x18\x0a\1\2" + b"\0\0\0\x08\x18\x0a\1\3"
    (found,) = witnesses([speaks(0, True, update(withdrawn), 1)], WitnessKind.BGP_WITHDRAWAL)

    assert "withdraws 2 prefixes: 10.1.2.0/24, 10.1.3.0/24" in found.detail


@pytest.mark.parametrize("message", [update(), update(attributes=attribute(15, b"\0\2\1"))])
def test_the_end_of_the_table_is_no_withdrawal(message: bytes) -> None:
    assert not witnesses([speaks(0, True, message, 1)], WitnessKind.BGP_WITHDRAWAL)


def test_withdrawals_that_follow_each_other_are_one_story() -> None:
    packets, sequence = [], 1
    for number in range(40):
        message = update(bytes([24, 10, 9, number]))
        packets.append(speaks(number, True, message, sequence))
        sequence += len(message)
    (found,) = witnesses(packets, WitnessKind.BGP_WITHDRAWAL)

    assert (found.count, found.code) == (40, "40")
    assert "and 37 more" in found.detail


@pytest.mark.parametrize("cut", [1, 16, 18, 19, 20, 40])
def test_a_message_that_straddles_segments_is_read_as_one(cut: int) -> None:
    stream = bgp(4) + bgp(3, b"\6\4") + bgp(4)
    packets = [speaks(0, True, stream[:cut], 1), speaks(1, True, stream[cut:], 1 + cut)]
    (found,) = witnesses(packets, WitnessKind.BGP_NOTIFICATION)

    assert found.code == "6/4"


def test_segments_in_any_order_and_twice_give_each_message_once() -> None:
    stream = b"".join(update(bytes([24, 10, 8, number])) for number in range(30))
    pieces = [(place, stream[place : place + 37]) for place in range(0, len(stream), 37)]
    order = [*pieces[:3], pieces[5], pieces[4], pieces[3], pieces[5], *pieces[6:][::-1], *pieces[:8]]
    packets = [speaks(number, True, octets, 1 + place) for number, (place, octets) in enumerate(order)]
    (found,) = witnesses(packets, WitnessKind.BGP_WITHDRAWAL)

    assert found.count == 30


def test_behind_a_gap_the_marker_tells_where_the_next_message_begins() -> None:
    stream = update(b"\x18\x0a\1\2") + bgp(4) + update(b"\x18\x0a\1\3")
    packets = [speaks(0, True, stream[:30], 1), speaks(1, True, stream[35:], 36)]
    (found,) = witnesses(packets, WitnessKind.BGP_WITHDRAWAL)

    assert "10.1.3.0/24" in found.detail


def test_sequence_numbers_wrap_around() -> None:
    stream = bgp(4) + bgp(3, b"\6\3")
    packets = [speaks(0, True, stream[:25], 2**32 - 10), speaks(1, True, stream[25:], 15)]

    assert witnesses(packets, WitnessKind.BGP_NOTIFICATION)


def test_a_short_snap_length_still_shows_who_closed() -> None:
    packets = [speaks(0, True, bgp(3, b"\6\2" + b"\x40" + b"x" * 64), 1), speaks(1, True, bgp(4), 86)]
    found = [seen for seen in all_witnesses(packets, snap=80) if seen.kind is WitnessKind.BGP_NOTIFICATION]

    assert [seen.code for seen in found] == ["6/2"]


def test_a_bgp_speaker_falls_silent_while_its_peer_goes_on() -> None:
    packets = [speaks(1000 * turn, True, bgp(4), 19 * turn) for turn in range(30)]
    packets += [speaks(1000 * turn + 100, False, bgp(4), 19 * turn) for turn in range(10)]
    (found,) = witnesses(packets, WitnessKind.BGP_SILENT)

    assert (found.sender, found.about) == (SERVER, CLIENT)
    assert found.time_ns == START + 9100 * MS


def acknowledges(ms: float, sequence: int, acknowledgement: int, flags: int = 0x10) -> Timed:
    return at(ms, ipv4(tcp(179, 1000, sequence, acknowledgement, flags), 6, SERVER, CLIENT))


def with_answers(sequence: int, window: int = 1000) -> list[Timed]:
    """The server says nothing any more after its tenth message; its TCP answers each of the client's."""
    packets = [speaks(1000 * turn + 100, False, bgp(4), 19 * turn) for turn in range(10)]
    for turn in range(30):
        said = tcp(1000, 179, 19 * turn, 1, 0x18, bgp(4), window)
        packets += [at(1000 * turn, ipv4(said, 6, CLIENT, SERVER))]
        if turn >= 10:
            packets.append(acknowledges(1000 * turn + 1, sequence, 19 * turn + 19))
    return packets


def test_a_silent_speaker_whose_tcp_acknowledges_all_has_a_process_that_stands_still() -> None:
    (found,) = witnesses(with_answers(19 * 10), WitnessKind.BGP_SILENT)
    assert found.code == TCP_ALONE
    assert "its TCP acknowledges what the peer sends" in found.detail


def test_a_tcp_keepalive_is_nothing_that_the_speaker_said() -> None:
    packets = [*with_answers(19 * 10), acknowledges(15_500, 19 * 10 - 1, 19 * 16)]
    (found,) = witnesses(packets, WitnessKind.BGP_SILENT)
    assert found.code == TCP_ALONE


def test_who_said_what_never_came_by_or_may_not_send_or_does_not_answer_is_only_silent() -> None:
    unanswered = [packet for packet in with_answers(19 * 10) if packet[0] < START + 10_000 * MS]
    unanswered += [speaks(1000 * turn, True, bgp(4), 19 * turn) for turn in range(10, 30)]
    for packets in (with_answers(19 * 11), with_answers(19 * 10, window=0), unanswered):
        (found,) = witnesses(packets, WitnessKind.BGP_SILENT)
        assert found.code is None


def with_hold_time(hold_s: int, silent_s: int) -> list[Timed]:
    """Both agree on a hold time; the server says nothing for some seconds, the client every second something."""
    packets = [speaks(0, True, open_message(hold_s), 1), speaks(1, False, open_message(hold_s + 50), 1)]
    packets += [speaks(1000 * turn, True, bgp(4), 30 + 19 * turn) for turn in range(1, 60)]
    packets += [speaks(1000 * turn + 100, False, bgp(4), 30 + 19 * turn) for turn in range(1, 6)]
    packets += [
        speaks(1000 * turn + 100, False, bgp(4), 144 + 19 * (turn - 5 - silent_s)) for turn in range(6 + silent_s, 60)
    ]
    return packets


def test_a_silence_shorter_than_the_agreed_hold_time_breaks_nothing() -> None:
    assert not witnesses(with_hold_time(30, 20), WitnessKind.BGP_SILENT)
    (found,) = witnesses(with_hold_time(18, 20), WitnessKind.BGP_SILENT)
    assert "the hold time is 18 s" in found.detail


@pytest.mark.parametrize(("body", "silences"), [(b"\4\0", 1), (b"\6\2", 0)])
def test_who_closes_because_the_hold_time_is_over_tells_that_it_is(body: bytes, silences: int) -> None:
    """By a timer of whole seconds, that began when the last word was read: the packets are a moment less apart."""
    packets = [packet for packet in with_hold_time(18, 60) if packet[0] < START + 23_000 * MS]
    closed = [*packets, speaks(23_090, True, bgp(3, body), 30 + 19 * 23)]
    assert len(witnesses(closed, WitnessKind.BGP_SILENT)) == silences


def test_who_agreed_on_no_keepalives_may_be_silent() -> None:
    assert not witnesses(with_hold_time(0, 30), WitnessKind.BGP_SILENT)


def test_a_healthy_bgp_session_testifies_to_nothing() -> None:
    packets = with_hold_time(9, 0)
    packets.append(speaks(2500, True, update(announced=b"\x18\x0a\1\2"), 5000))

    assert not [seen for seen in all_witnesses(packets) if seen.kind in SESSION]


def bfd(
    ms: float, state: int = 3, diagnostic: int = 0, forward: bool = True, *, port: int = 3784, interval_us: int = 300000
) -> Timed:
    control = struct.pack(
        ">BBBBIIIII", 1 << 5 | diagnostic, state << 6, 3, 24, 1, 2, interval_us, interval_us, 0
    )  # fmt: skip
    ends = (CLIENT, SERVER) if forward else (SERVER, CLIENT)
    return at(ms, ipv4(udp(control, 49152, port), 17, *ends, ttl=255))


@pytest.mark.parametrize("port", [3784, 4784, 6784])
def test_a_bfd_session_goes_down(port: int) -> None:
    """Single hop, multihop, and on the members of an aggregation."""
    packets = [bfd(300 * turn, port=port) for turn in range(5)]
    packets += [bfd(1500 + 1000 * turn, 1, 1, port=port) for turn in range(3)]
    (found,) = witnesses(packets, WitnessKind.BFD_DOWN)

    assert (found.sender, found.code, found.count) == (CLIENT, "1", 3)
    assert "detection time expired" in found.detail


def test_a_bfd_speaker_is_not_heard_for_its_detection_time_while_the_other_speaks() -> None:
    packets = [bfd(300 * turn, forward=False) for turn in range(20)]
    packets += [bfd(300 * turn + 10) for turn in range(20) if not 5 <= turn < 9]
    (found,) = witnesses(packets, WitnessKind.BFD_SILENT, patience_s=0.5)

    assert (found.sender, found.about) == (CLIENT, SERVER)
    assert "3 × 300 ms" in found.detail
    assert (found.time_ns, found.end_ns) == (START + 1210 * MS, START + 2710 * MS)


def test_the_slower_of_both_intervals_counts() -> None:
    """RFC 5880 §6.8.4: what one wants to send and the other is able to receive."""
    packets = [bfd(300 * turn, forward=False, interval_us=1000000) for turn in range(20)]
    packets += [bfd(300 * turn + 10) for turn in range(20) if not 5 <= turn < 9]

    assert not witnesses(packets, WitnessKind.BFD_SILENT, patience_s=0.5)


def test_a_bfd_session_that_stays_up_testifies_to_nothing() -> None:
    packets = [bfd(300 * turn + 10 * way, forward=bool(way)) for turn in range(30) for way in (0, 1)]

    assert not [seen for seen in all_witnesses(packets, 0.5) if seen.kind.startswith("bfd")]


def test_echo_packets_that_no_longer_come_back() -> None:
    """RFC 5881 §4: they are addressed to their own sender, who gets them back with less time to live."""
    packets = []
    for turn in range(30):
        echo = ipv4(udp(b"echo-bfd-echo", 49152, 3785), 17, CLIENT, CLIENT, ttl=255)
        packets.append(at(100 * turn, echo))
        if turn < 15:
            packets.append(at(100 * turn + 1, ipv4(udp(b"echo-bfd-echo", 49152, 3785), 17, CLIENT, CLIENT, ttl=254)))
    (found,) = witnesses(packets, WitnessKind.BFD_SILENT)

    assert (found.about, found.code, found.count) == (CLIENT, "echo", 15)


def ospf_hello(ms: float, *neighbours: str, sender: str = CLIENT, router: bytes = b"\1\1\1\1") -> Timed:
    named = b"".join(bytes(map(int, name.split("."))) for name in neighbours)
    message = struct.pack(">BBH4sIHH8s", 2, 1, 44 + len(named), router, 0, 0, 0, b"")
    message += struct.pack(">IHBBIII", 0, 1, 2, 1, 4, 0, 0) + named
    return at(ms, ipv4(message, 89, sender, "224.0.0.5", ttl=1))


def test_hellos_stop_for_longer_than_the_dead_interval() -> None:
    packets = [ospf_hello(1000 * turn) for turn in (*range(5), *range(12, 15))]
    (found,) = witnesses(packets, WitnessKind.HELLO_LOST, patience_s=1)

    assert (found.sender, found.about, found.time_ns) == (CLIENT, None, START + 4 * SECOND)


def test_the_only_neighbour_that_speaks_on_is_who_waits() -> None:
    packets = [ospf_hello(1000 * turn) for turn in (*range(5), *range(12, 15))]
    packets += [ospf_hello(1000 * turn + 9, "1.1.1.1", sender=SERVER, router=b"\2\2\2\2") for turn in range(15)]
    (found,) = witnesses(packets, WitnessKind.HELLO_LOST, patience_s=1)

    assert (found.sender, found.about) == (CLIENT, SERVER)


def test_a_router_no_longer_names_its_neighbour() -> None:
    packets = [ospf_hello(1000 * turn, sender=SERVER, router=b"\2\2\2\2") for turn in range(8)]
    packets += [ospf_hello(1000 * turn + 9, *(["2.2.2.2"] if turn < 4 else [])) for turn in range(8)]
    (found,) = witnesses(packets, WitnessKind.NEIGHBOUR_LOST, patience_s=1)

    assert (found.sender, found.about) == (CLIENT, SERVER)
    assert found.time_ns == START + 4009 * MS


def test_neighbours_of_ospf_for_ipv6_are_read_as_well() -> None:
    def hello(ms: float, neighbours: bytes) -> Timed:
        message = struct.pack(">BBH4sIHBB", 3, 1, 36 + len(neighbours), b"\1\1\1\1", 0, 0, 0, 0)
        message += struct.pack(">IIHHII", 5, 0x01000013, 1, 4, 0, 0) + neighbours
        return at(ms, ipv6(message, 89, "fe80::1", "ff02::5", ttl=1), 0x86DD)

    packets = [hello(1000 * turn, b"\3\3\3\3" if turn < 3 else b"") for turn in range(6)]
    (found,) = witnesses(packets, WitnessKind.NEIGHBOUR_LOST, patience_s=1)

    assert (found.sender, found.about) == ("fe80::1", "3.3.3.3")


def test_healthy_ospf_neighbours_testify_to_nothing() -> None:
    packets = [ospf_hello(1000 * turn, "2.2.2.2") for turn in range(20)]
    packets += [ospf_hello(1000 * turn + 9, "1.1.1.1", sender=SERVER, router=b"\2\2\2\2") for turn in range(20)]

    assert not all_witnesses(packets, 1)


ONE, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02"
SYSTEMS = {ONE: "0000.0000.0001", OTHER: "0000.0000.0002"}
ADDRESSES = {ONE: CLIENT, OTHER: SERVER}


def isis(source: str, message: Any) -> Any:
    return Dot3(src=source, dst="01:80:c2:00:00:14") / LLC(dsap=0xFE, ssap=0xFE, ctrl=3) / ISIS_CommonHdr() / message


def lan_hello(ms: float, source: str, heard: list[str], holding_s: int = 3) -> Timed:
    tlvs = [
        ISIS_AreaTlv(areas=[]), ISIS_IsNeighbourTlv(neighbours=heard),
        ISIS_IpInterfaceAddressTlv(addresses=[ADDRESSES[source]]),
    ]  # fmt: skip
    hello = ISIS_L1_LAN_Hello(sourceid=SYSTEMS[source], holdingtime=holding_s, lanid=SYSTEMS[ONE] + ".01", tlvs=tlvs)
    return frame(ms, isis(source, hello))


def point_to_point_hello(ms: float, source: str, state: int, holding_s: int = 3) -> Timed:
    other = OTHER if source == ONE else ONE
    state_tlv = ISIS_P2PAdjacencyStateTlv(
        len=15, state=state, extlocalcircuitid=1, neighboursystemid=SYSTEMS[other], neighbourextlocalcircuitid=1
    )
    hello = ISIS_P2P_Hello(sourceid=SYSTEMS[source], holdingtime=holding_s, tlvs=[state_tlv])
    return frame(ms, isis(source, hello))


def test_isis_hellos_stop_for_longer_than_their_holding_time_on_a_lan() -> None:
    packets = [lan_hello(1000 * turn, ONE, [OTHER]) for turn in (*range(5), *range(10, 15))]
    packets += [lan_hello(1000 * turn + 9, OTHER, [ONE]) for turn in range(15)]
    (found,) = witnesses(packets, WitnessKind.HELLO_LOST, patience_s=1)

    assert (found.sender, found.about, found.code) == (CLIENT, SERVER, "isis")
    assert "no IS-IS L1 hello" in found.detail
    assert (found.time_ns, found.end_ns) == (START + 4 * SECOND, START + 10 * SECOND)


def test_isis_hellos_stop_on_a_point_to_point_link() -> None:
    packets = [point_to_point_hello(1000 * turn, ONE, 0) for turn in range(5)]
    (found,) = witnesses(packets, WitnessKind.HELLO_LOST)

    assert found.sender == SYSTEMS[ONE]
    assert "point-to-point" in found.detail


def test_an_isis_router_no_longer_hears_its_neighbour() -> None:
    on_lan = [lan_hello(1000 * turn, ONE, [OTHER] if turn < 3 else []) for turn in range(6)]
    on_lan += [lan_hello(1000 * turn + 9, OTHER, []) for turn in range(3)]
    (found,) = witnesses(on_lan, WitnessKind.NEIGHBOUR_LOST, patience_s=1)
    assert (found.sender, found.about) == (CLIENT, SERVER)

    direct = [point_to_point_hello(1000 * turn, ONE, 0 if turn < 3 else 2) for turn in range(6)]
    (found,) = witnesses(direct, WitnessKind.NEIGHBOUR_LOST, patience_s=1)
    assert (found.sender, found.about) == (SYSTEMS[ONE], SYSTEMS[OTHER])


def test_healthy_isis_neighbours_testify_to_nothing() -> None:
    packets = [lan_hello(1000 * turn, ONE, [OTHER]) for turn in range(20)]
    packets += [lan_hello(1000 * turn + 9, OTHER, [ONE]) for turn in range(20)]
    packets += [link_state(500, 1199)]

    assert not all_witnesses(packets, 1)


def link_state(ms: float, lifetime: int, sequence: int = 7, name: bytes = b"edge\x1b") -> Timed:
    tlvs = [ISIS_DynamicHostnameTlv(hostname=name)]
    lsp = ISIS_L2_LSP(lifetime=lifetime, lspid=SYSTEMS[OTHER] + ".00-00", seqnum=sequence, checksum=1, tlvs=tlvs)
    return frame(ms, isis(ONE, lsp))


def test_a_purged_link_state_is_told_once_however_often_it_is_flooded() -> None:
    packets = [link_state(0, 1199), lan_hello(1, ONE, [])]
    packets += [link_state(1000 + turn, 0, 8) for turn in range(4)]
    (found,) = witnesses(packets, WitnessKind.LINK_STATE_PURGED)

    assert (found.sender, found.about, found.count) == (CLIENT, "edge\\x1b", 4)
    assert "0000.0000.0002.00-00" in found.detail


def vrrp(ms: float, sender: str, priority: int, group: int = 7) -> Timed:
    message = VRRP(vrid=group, priority=priority, addrlist=["10.0.0.254"])
    return frame(ms, LINK / IP(src=sender, dst="224.0.0.18", ttl=255) / message)


def changes(packets: list[Timed]) -> list[PacketWitness]:
    return witnesses(packets, WitnessKind.REDUNDANCY_CHANGED)


def test_another_router_becomes_master() -> None:
    packets = [vrrp(1000 * turn, CLIENT, 200) for turn in range(5)]
    assert not changes(packets)

    (found,) = changes([*packets, *(vrrp(8000 + 1000 * turn, SERVER, 100) for turn in range(5))])
    assert (found.sender, found.about, found.code) == (SERVER, CLIENT, "master")


def test_a_master_resigns_with_priority_zero() -> None:
    packets = [vrrp(1000 * turn, CLIENT, 200) for turn in range(3)] + [vrrp(2500, CLIENT, 0), vrrp(2600, SERVER, 9)]
    resigned, follows = changes(packets)

    assert (resigned.sender, resigned.code) == (CLIENT, "resigned")
    assert (follows.sender, follows.about, follows.code) == (SERVER, None, "master")


def test_version_3_for_two_groups_is_no_change() -> None:
    def advert(ms: float, sender: str, group: int) -> Timed:
        message = VRRPv3(vrid=group, priority=100, addrlist=["10.0.0.254"])
        return frame(ms, LINK / IP(src=sender, dst="224.0.0.18", ttl=255) / message)

    adverts = [advert(1000 * turn + group, (CLIENT, SERVER)[group], group) for turn in range(4) for group in (0, 1)]
    assert not changes(adverts)


def test_two_masters_at_once_are_told_once_each_with_how_often() -> None:
    packets = [vrrp(1000 * turn + 9 * way, (CLIENT, SERVER)[way], 100) for turn in range(10) for way in (0, 1)]
    found = changes(packets)

    assert {(seen.sender, seen.count) for seen in found} == {(CLIENT, 9), (SERVER, 10)}


def test_hsrp_has_another_active_router_and_standby_ones_do_not_count() -> None:
    def hello(ms: float, sender: str, state: int, opcode: int = 0) -> Timed:
        message = HSRP(opcode=opcode, state=state, group=3, virtualIP="10.0.0.254")
        return frame(ms, LINK / IP(src=sender, dst="224.0.0.2", ttl=1) / UDP(sport=1985, dport=1985) / message)

    packets = [hello(3000 * turn + 9 * way, (CLIENT, SERVER)[way], (16, 8)[way]) for turn in range(3) for way in (0, 1)]
    assert not changes(packets)

    resigned, follows = changes([*packets, hello(9500, CLIENT, 4, 2), hello(9600, SERVER, 16)])
    assert (resigned.code, resigned.sender, follows.sender) == ("resigned", CLIENT, SERVER)
    assert "HSRP group 3" in follows.detail


def test_a_carp_message_is_no_vrrp_master_that_resigns() -> None:
    """CARP shares VRRP's protocol number; where VRRP has its priority it has a skew, of which zero is the best."""
    message = struct.pack(">BBBBBBH", 0x21, 5, 0, 7, 0, 1, 0) + bytes(28)

    assert not changes([at(1000 * turn, ipv4(message, 112, CLIENT, "224.0.0.18", ttl=255)) for turn in range(3)])
