"""Packets are looked through to the innermost IP packet, whatever they are wrapped in."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.packets.addresses import destination_text, source_text
from attribution.packets.columns import (
    ARP,
    ARP_OPERATION,
    BLANK,
    CAPTURED,
    DESTINATION_PORT,
    ECHO_IDENTIFIER,
    ECHO_SEQUENCE,
    FRAGMENT,
    LAYER_AUTHENTICATION,
    LAYER_AYIYA,
    LAYER_BACKBONE,
    LAYER_CAPWAP,
    LAYER_CUT,
    LAYER_ENCRYPTED,
    LAYER_ERSPAN,
    LAYER_EXTENDER,
    LAYER_GENEVE,
    LAYER_GRE,
    LAYER_GTP,
    LAYER_IP_IN_IP,
    LAYER_L2TP,
    LAYER_MALFORMED,
    LAYER_MPLS,
    LAYER_OPTIONS_CUT,
    LAYER_PPPOE,
    LAYER_PSEUDOWIRE,
    LAYER_QINQ,
    LAYER_TEREDO,
    LAYER_VLAN,
    LAYER_VXLAN,
    LAYER_WIRELESS,
    LAYERS,
    LENGTH,
    OUTER,
    PROTOCOL,
    SACK,
    SACK_COUNT,
    SCALE,
    SCTP,
    SEGMENT_SIZE,
    SEQUENCE,
    SOURCE_PORT,
    TIMESTAMP,
    TRANSPORT,
    TTL,
    TUNNEL,
    VLAN,
    WIRE,
)
from attribution.packets.decode import decode_packet
from attribution.packets.link_layers import KNOWN_LINKS
from attribution.packets.quick_decode import decode_quickly
from tests.packets.making import arp, echo, ethernet, ipv4, ipv6, tcp, udp, vlan

INNER = ipv4(tcp(1234, 80, sequence=77, payload=b"hello"), 6, "192.0.2.1", "192.0.2.2", ttl=9)
INNER_FRAME = ethernet(INNER)


def decode(octets: bytes, link: int = 1, wire: int | None = None) -> list[int]:
    row = list(BLANK)
    decode_packet(octets, 0, len(octets), len(octets) if wire is None else wire, link, row)
    return row


def vxlan(frame: bytes, number: int) -> bytes:
    return ipv4(udp(struct.pack(">II", 8 << 24, number << 8) + frame, 55555, 4789), 17)


def in_udp(payload: bytes, port: int, source: int = 40000) -> bytes:
    return ethernet(ipv4(udp(payload, source, port), 17))


def wireless(control: bytes, payload: bytes, more: bytes = b"") -> bytes:
    return control + bytes(22) + more + payload


SNAP = b"\xaa\xaa\x03\0\0\0\x08\0"
LABEL = struct.pack(">I", 100 << 12 | 1 << 8)


WRAPPED = {
    "plain": (1, INNER_FRAME, 0),
    "VLAN": (1, ethernet(vlan(INNER, 7), 0x8100), LAYER_VLAN),
    "QinQ": (1, ethernet(vlan(vlan(INNER, 8), 7, 0x8100), 0x88A8), LAYER_VLAN | LAYER_QINQ),
    "MPLS": (1, ethernet(struct.pack(">II", 100 << 12, 200 << 12 | 1 << 8) + INNER, 0x8847), LAYER_MPLS),
    "pseudowire": (1, ethernet(struct.pack(">II", 9 << 12 | 1 << 8, 0) + INNER_FRAME, 0x8847),
                   LAYER_MPLS | LAYER_PSEUDOWIRE),
    "PPPoE": (1, ethernet(struct.pack(">BBHHH", 0x11, 0, 5, len(INNER) + 2, 0x21) + INNER, 0x8864), LAYER_PPPOE),
    "GRE": (1, ethernet(ipv4(struct.pack(">HH", 0, 0x0800) + INNER, 47)), LAYER_GRE | LAYER_IP_IN_IP),
    "GRE with key": (1, ethernet(ipv4(struct.pack(">HHI", 0x2000, 0x0800, 6) + INNER, 47)), LAYER_GRE),
    "ERSPAN": (1, ethernet(ipv4(struct.pack(">HHIQ", 0x1000, 0x88BE, 1, 1 << 60) + INNER_FRAME, 47)), LAYER_ERSPAN),
    "VXLAN": (1, ethernet(vxlan(INNER_FRAME, 42)), LAYER_VXLAN | LAYER_IP_IN_IP),
    "GENEVE": (1, ethernet(ipv4(udp(struct.pack(">BBHI", 0, 0, 0x6558, 42 << 8) + INNER_FRAME, 1, 6081), 17)),
               LAYER_GENEVE),
    "IP in IP": (1, ethernet(ipv4(INNER, 4)), LAYER_IP_IN_IP),
    "IP in IPv6": (1, ethernet(ipv6(INNER, 4), 0x86DD), LAYER_IP_IN_IP),
    "GTP-U": (1, ethernet(ipv4(udp(struct.pack(">BBHI", 0x30, 255, len(INNER), 9) + INNER, 2152, 2152), 17)),
              LAYER_GTP),
    "L2TP": (1, ethernet(ipv4(udp(struct.pack(">HHH", 2, 1, 5) + b"\xff\x03\0\x21" + INNER, 1701, 1701), 17)),
             LAYER_L2TP),
    "authentication header": (1, ethernet(ipv4(struct.pack(">BBHII", 6, 1, 0, 1, 1) + INNER[20:], 51,
                                               "192.0.2.1", "192.0.2.2", ttl=9)), LAYER_AUTHENTICATION),
    "cooked": (113, struct.pack(">HHHQH", 0, 1, 6, 0, 0x0800) + INNER, 0),
    "cooked 2": (276, struct.pack(">HHIHBBQ", 0x0800, 0, 1, 1, 0, 6, 0) + INNER, 0),
    "raw": (101, INNER, 0),
    "null": (0, struct.pack("<I", 2) + INNER, 0),
    "loop": (108, struct.pack(">I", 2) + INNER, 0),
    "PPP": (9, b"\xff\x03\0\x21" + INNER, 0),
    "Cisco HDLC": (104, b"\x0f\0\x08\0" + INNER, 0),
    "NFLOG": (239, struct.pack("<BBH", 2, 0, 0) + struct.pack("<HH", 8, 1) + bytes(4)
              + struct.pack("<HH", 4 + len(INNER), 9) + INNER, 0),
    "802.11": (105, b"\x08\0" + bytes(22) + b"\xaa\xaa\x03\0\0\0\x08\0" + INNER, 0),
    "802.11 with aggregated frames": (105, wireless(b"\x88\0", bytes(12) + b"\0\x50" + SNAP + INNER, b"\x80\0"), 0),
    "802.11 behind Prism": (119, struct.pack("<II", 0x44, 144) + bytes(136) + wireless(b"\x08\0", SNAP + INNER), 0),
    "802.11 behind AVS": (163, struct.pack(">II", 0x80211001, 64) + bytes(56) + wireless(b"\x08\0", SNAP + INNER), 0),
    "802.11 behind PPI": (192, struct.pack("<BBHI", 0, 0, 8, 105) + wireless(b"\x08\0", SNAP + INNER), 0),
    "radiotap with padding": (127, struct.pack("<BBHIQB", 0, 0, 17, 3, 0, 0x20)
                              + wireless(b"\x88\0", SNAP + INNER, bytes(4)), 0),
    "FDDI": (10, b"\x50" + bytes(12) + SNAP + INNER, 0),
    "ATM": (11, SNAP + INNER, 0),
    "SLIP": (8, bytes(16) + INNER, 0),
    "PPP and direction": (204, b"\1\xff\x03\0\x21" + INNER, 0),
    "PPP direction": (166, b"\1\xff\x03\0\x21" + INNER, 0),
    "PPP with Cisco HDLC in it": (50, b"\x0f\0\x08\0" + INNER, 0),
    "PPP that bridges": (9, b"\xff\x03\0\x31\0\x01" + INNER_FRAME, 0),
    "Cisco HDLC and direction": (205, b"\0\x0f\0\x08\0" + INNER, 0),
    "frame relay": (107, b"\x18\x41\x03\xcc" + INNER, 0),
    "frame relay of Cisco": (107, b"\x18\x41\x08\0" + INNER, 0),
    "frame relay with SNAP": (206, b"\0\x18\x41\x03\0\x80\0\0\0\x08\0" + INNER, 0),
    "firewall log": (117, b"\x3d\x02" + bytes(62) + INNER, 0),
    "ARCNET": (7, b"\xbe\x50\xf0" + INNER, 0),
    "ARCNET in parts": (129, b"\xbe\x50\0\0\xd4\0\0\1" + INNER, 0),
    "InfiniBand": (242, bytes(40) + b"\x08\0\0\0" + INNER, 0),
    "Juniper": (178, b"MGC\x80\0\x03\x01\x01\x01" + INNER_FRAME, 0),
    "PKTAP": (258, struct.pack("<III", 108, 1, 1) + bytes(96) + INNER_FRAME, 0),
    "MPLS link": (219, LABEL + INNER, LAYER_MPLS),
    "PPPoE link": (51, struct.pack(">BBHHH", 0x11, 0, 5, len(INNER) + 2, 0x21) + INNER, LAYER_PPPOE),
    "LLC": (1, bytes(12) + struct.pack(">H", len(INNER) + 3) + b"\x06\x06\x03" + INNER, 0),
    "an IPv4 ethertype before IPv6": (1, ethernet(ipv6(INNER, 4)), LAYER_IP_IN_IP),
    "802.1BR": (1, ethernet(bytes(6) + b"\x08\0" + INNER, 0x893F), LAYER_EXTENDER),
    "VN-tag": (1, ethernet(bytes(4) + b"\x08\0" + INNER, 0x8926), LAYER_EXTENDER),
    "802.1ah": (1, ethernet(bytes(4) + INNER_FRAME, 0x88E7), LAYER_BACKBONE),
    "FabricPath": (1, ethernet(bytes(2) + INNER_FRAME, 0x8903), LAYER_BACKBONE),
    "MACsec without encryption": (1, ethernet(bytes(6) + b"\x08\0" + INNER + bytes(16), 0x88E5), 0),
    "pseudowire without control word": (1, ethernet(LABEL + INNER_FRAME, 0x8847), LAYER_MPLS | LAYER_PSEUDOWIRE),
    "Ethernet in IP": (1, ethernet(ipv4(b"\x30\0" + INNER_FRAME, 97)), LAYER_IP_IN_IP),
    "MPLS in IP": (1, ethernet(ipv4(LABEL + INNER, 137)), LAYER_MPLS),
    "MPLS in UDP": (1, in_udp(LABEL + INNER, 6635), LAYER_MPLS),
    "GRE in UDP": (1, in_udp(struct.pack(">HH", 0, 0x0800) + INNER, 4754), LAYER_GRE),
    "GRE with a source route": (1, ethernet(ipv4(struct.pack(">HHIHBB4sI", 0x4000, 0x0800, 0, 2, 0, 4, b"hops", 0)
                                                 + INNER, 47)), LAYER_GRE),
    "WCCP": (1, ethernet(ipv4(struct.pack(">HHI", 0, 0x883E, 0x05590048) + INNER, 47)), LAYER_GRE),
    "GRE of an access point": (1, ethernet(ipv4(struct.pack(">HH", 0, 0x8200) + wireless(b"\x08\0", SNAP + INNER),
                                                47)), LAYER_GRE | LAYER_WIRELESS),
    "ERSPAN III": (1, ethernet(ipv4(struct.pack(">HHI", 0x1000, 0x22EB, 1) + b"\x20" + bytes(10) + b"\x01"
                                    + bytes(8) + INNER_FRAME, 47)), LAYER_ERSPAN),
    "VXLAN answered": (1, in_udp(struct.pack(">II", 8 << 24, 42 << 8) + INNER_FRAME, 40000, 4789), LAYER_VXLAN),
    "VXLAN with IP in it": (1, in_udp(struct.pack(">II", 0x0C000001, 42 << 8) + INNER, 4790), LAYER_VXLAN),
    "Teredo": (1, in_udp(b"\0\x01\0\0" + bytes(9) + bytes(8) + ipv6(INNER, 4), 3544), LAYER_TEREDO),
    "CAPWAP": (1, in_udp(b"\0\x20\x03\x20" + bytes(12) + wireless(b"\0\x08", SNAP + INNER), 5247), LAYER_CAPWAP),
    "CAPWAP with 802.3": (1, in_udp(b"\0\x10\x02\0" + bytes(4) + INNER_FRAME, 5247), LAYER_CAPWAP),
    "AYIYA": (1, in_udp(b"\x41\x52\x11\x29" + bytes(40) + ipv6(INNER, 4), 5072), LAYER_AYIYA),
    "radiotap": (127, b"\0\0\x08\0" + bytes(4) + b"\x88\0" + bytes(24) + b"\xaa\xaa\x03\0\0\0\x08\0" + INNER, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", WRAPPED)
def test_the_innermost_packet_is_found(name: str) -> None:
    link, octets, layers = WRAPPED[name]
    row = decode(octets, link)

    assert (source_text(row), destination_text(row)) == ("192.0.2.1", "192.0.2.2")
    assert (row[PROTOCOL], row[SOURCE_PORT], row[DESTINATION_PORT]) == (6, 1234, 80)
    assert (row[SEQUENCE], row[LENGTH], row[TTL]) == (77, 5, 9)
    assert row[LAYERS] & layers == layers


def test_both_layers_of_a_tunnel_stay_known() -> None:
    row = decode(ethernet(vlan(vxlan(INNER_FRAME, 42), 7), 0x8100))

    assert (row[VLAN], row[TUNNEL], row[OUTER]) == (7, 42, 18)


def test_what_is_encrypted_is_seen_as_such() -> None:
    row = decode(ethernet(ipv4(bytes(40), 50)))

    assert row[LAYERS] & LAYER_ENCRYPTED
    assert row[PROTOCOL] == 50


def test_a_short_snap_length_does_not_shorten_a_segment() -> None:
    frame = ethernet(ipv4(tcp(payload=bytes(1000), options=b"\x08\x0a" + bytes(8)), 6))
    row = decode(frame[:64], wire=len(frame))

    assert row[LENGTH] == 1000
    assert row[LAYERS] & LAYER_OPTIONS_CUT


def test_padding_after_the_ip_packet_is_no_payload() -> None:
    assert decode(ethernet(ipv4(tcp(), 6)) + bytes(6))[LENGTH] == 0


def test_a_length_beyond_the_wire_is_clipped() -> None:
    frame = bytearray(ethernet(ipv4(tcp(), 6)))
    frame[16:18] = struct.pack(">H", 125)

    assert decode(bytes(frame))[LENGTH] == 0


def test_a_total_length_of_zero_means_a_segment_not_yet_cut() -> None:
    frame = bytearray(ethernet(ipv4(tcp(payload=bytes(3000)), 6)))
    frame[16:18] = bytes(2)

    assert decode(bytes(frame))[LENGTH] == 3000


def test_tcp_options_of_a_syn() -> None:
    options = b"\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\0\x09\0\0\0\x08\x01\x03\x03\x07"
    row = decode(ethernet(ipv4(tcp(flags=2, options=options), 6)))

    assert (row[SEGMENT_SIZE], row[SCALE], row[TIMESTAMP]) == (1460, 7, 9)


def test_sack_blocks() -> None:
    row = decode(ethernet(ipv4(tcp(options=b"\x05\x12" + struct.pack(">4I", 10, 20, 30, 40)), 6)))

    assert row[SACK_COUNT] == 2
    assert row[SACK : SACK + 4] == [10, 20, 30, 40]


def test_an_ipv6_packet_behind_extension_headers() -> None:
    hop_by_hop = struct.pack(">BB", 60, 0) + bytes(6)
    destination = struct.pack(">BB", 6, 0) + bytes(6)
    row = decode(ethernet(ipv6(hop_by_hop + destination + tcp(5, 6, payload=b"abc"), 0), 0x86DD))

    assert (source_text(row), row[PROTOCOL], row[SOURCE_PORT], row[LENGTH]) == ("fd00::1", 6, 5, 3)


def test_a_later_fragment_has_no_ports() -> None:
    row = decode(ethernet(ipv4(tcp(5, 6), 6, fragment=100)))

    assert (row[FRAGMENT], row[SOURCE_PORT]) == (800, -1)


def test_an_echo_and_an_arp_question_and_sctp() -> None:
    row = decode(ethernet(ipv4(echo(8, 7, 9), 1)))
    assert (row[ECHO_IDENTIFIER], row[ECHO_SEQUENCE]) == (7, 9)
    row = decode(ethernet(arp(1, 0xABCDEF, "10.0.0.9", "10.0.0.8"), 0x0806))
    assert (row[PROTOCOL], row[ARP_OPERATION], source_text(row), destination_text(row)) == (
        ARP, 1, "10.0.0.9", "10.0.0.8",
    )  # fmt: skip
    row = decode(ethernet(ipv4(struct.pack(">HHII", 2905, 2906, 1, 2), SCTP)))
    assert (row[SOURCE_PORT], row[DESTINATION_PORT]) == (2905, 2906)


def test_a_loose_source_route_names_the_receiver() -> None:
    route = b"\x83\x0b\x04" + bytes([10, 9, 9, 9, 10, 8, 8, 8])
    at_its_end = b"\x83\x0b\x0c" + route[3:]

    assert destination_text(decode(ethernet(ipv4(tcp(), 6, options=route + b"\0")))) == "10.8.8.8"
    assert destination_text(decode(ethernet(ipv4(tcp(), 6, options=at_its_end + b"\0")))) == "10.0.0.2"


def test_sixteen_octets_of_a_tcp_header_can_be_judged() -> None:
    frame = ethernet(ipv4(tcp(sequence=9, payload=bytes(100)), 6))
    row = decode(frame[: 34 + 16], wire=len(frame))

    assert (row[SEQUENCE], row[LENGTH], row[TRANSPORT]) == (9, 100, 34)
    assert row[LAYERS] & LAYER_OPTIONS_CUT
    assert decode(frame[: 34 + 15], wire=len(frame))[TRANSPORT] == -1


def test_a_tcp_header_longer_than_its_packet_is_no_segment() -> None:
    frame = bytearray(ethernet(ipv4(tcp(1234, 80), 6)))
    frame[46] = 0xF0
    row = decode(bytes(frame))

    assert row[LAYERS] & LAYER_MALFORMED
    assert (row[SOURCE_PORT], row[TRANSPORT]) == (1234, -1)


def test_a_cut_header_leaves_a_mark() -> None:
    assert decode(INNER_FRAME[:30])[LAYERS] & LAYER_CUT


@settings(max_examples=1500, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(sorted(KNOWN_LINKS)), st.integers(0, 100))
def test_no_octets_make_it_fail(octets: bytes, link: int, more: int) -> None:
    decode(octets, link, len(octets) + more)


@settings(max_examples=1500, deadline=None)
@given(
    st.sampled_from(sorted(WRAPPED)), st.lists(st.tuples(st.integers(0, 150), st.integers(0, 255)), max_size=4),
    st.integers(0, 200),
)  # fmt: skip
def test_damaged_packets_never_make_it_fail(name: str, changes: list[tuple[int, int]], length: int) -> None:
    link, octets, _ = WRAPPED[name]
    damaged = bytearray(octets)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    decode(bytes(damaged[: length or None]), link, len(octets))


@settings(max_examples=1500, deadline=None)
@given(
    st.sampled_from(sorted(WRAPPED)), st.lists(st.tuples(st.integers(0, 150), st.integers(0, 255)), max_size=3),
    st.integers(1, 200), st.integers(0, 100),
)  # fmt: skip
def test_the_quick_way_and_the_thorough_way_agree(
    name: str, changes: list[tuple[int, int]], length: int, more: int
) -> None:
    link, octets, _ = WRAPPED[name]
    damaged = bytearray(octets)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    data = bytes(damaged[:length])
    thorough = list(BLANK)
    thorough[CAPTURED], thorough[WIRE] = len(data), len(data) + more
    decode_packet(data, 0, len(data), len(data) + more, link, thorough)

    assert decode_quickly(data, 0, len(data), len(data) + more, link, 0, 0) == tuple(thorough)
