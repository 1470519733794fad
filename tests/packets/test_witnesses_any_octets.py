"""Whatever stands where a protocol's message should be, its witness is told or not, and never breaks or stalls."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.dhcp6 import DHCP6_Solicit

from attribution.packets.capture import Capture
from attribution.packets.columns import FLAGS, LENGTH, SEQUENCE
from attribution.packets.survey import survey_capture
from attribution.packets.witnesses import find_witnesses
from attribution.packets.witnesses.bgp_messages import Framer
from attribution.packets.witnesses.bgp_updates import withdrawn_prefixes
from attribution.packets.witnesses.dhcp_messages import read_dhcp, read_dhcpv6
from attribution.packets.witnesses.dns_messages import name_text
from attribution.packets.witnesses.quic_packets import long_headers
from attribution.packets.witnesses.streams import MOST_HELD, MOST_SEGMENTS_HELD, Piece, Stream
from attribution.packets.witnesses.tls_records import tls_records
from attribution.packets.witnesses.words import escaped
from tests.packets import test_witnesses_encryption as encryption
from tests.packets import test_witnesses_links as links
from tests.packets import test_witnesses_names as names
from tests.packets import test_witnesses_routing as routing
from tests.packets.making import SECOND, START, Timed, capture, ethernet, ipv4, ipv6, tcp, udp

BPDU = b"\x42\x42\x03\0\0"
PDU = b"\xfe\xfe\x03\x83\x1b\1\0"
UDP_PORTS = (53, 67, 547, 443, 3784, 3785, 1985)
TCP_PORTS = (53, 179, 443)
IP_PROTOCOLS = (1, 89, 112)


def disguised(body: bytes, sort: int, turn: int) -> bytes:
    """The octets as a message of one of the protocols that witnesses read, in a whole frame."""
    if sort < len(UDP_PORTS):
        return ethernet(ipv4(udp(body, 40000, UDP_PORTS[sort]), 17))
    sort -= len(UDP_PORTS)
    if sort < len(TCP_PORTS):
        return ethernet(ipv4(tcp(40000, TCP_PORTS[sort], 1 + 30 * turn, payload=body), 6))
    sort -= len(TCP_PORTS)
    if sort < len(IP_PROTOCOLS):
        return ethernet(ipv4(body, IP_PROTOCOLS[sort]))
    sort -= len(IP_PROTOCOLS)
    others = (
        ethernet(ipv6(body, 58), 0x86DD), ethernet(body, 0x0806), ethernet(body, 0x8809),
        ethernet(BPDU + body, 3 + len(body)), ethernet(PDU + body, 3 + len(body)),
    )  # fmt: skip
    return others[sort % len(others)]


SORTS = len(UDP_PORTS) + len(TCP_PORTS) + len(IP_PROTOCOLS) + 5


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(0, SORTS - 1), st.binary(max_size=120), st.integers(0, 9)), max_size=30))
def test_any_octets_in_any_protocol(messages: list[tuple[int, bytes, int]]) -> None:
    packets = [
        (START + turn * pause * SECOND, disguised(body, sort, turn))
        for turn, (sort, body, pause) in enumerate(messages)
    ]
    for seen in find_witnesses(survey_capture(capture(sorted(packets)))):
        assert seen.frames
        assert seen.end_ns >= seen.time_ns
        assert all(letter.isprintable() for letter in seen.detail), seen.detail


def healthy() -> list[Timed]:
    """Some true messages of each sort, to be damaged."""
    return [
        links.bpdu(0), links.lacpdu(1, 0x3F), links.solicits(2, links.BRIDGE), links.advertises(3, links.OTHER),
        names.asks(4, 1), names.answers(5, 1, 2), names.dhcp(6, "discover"), names.dhcp6(7, DHCP6_Solicit()),
        names.over_tcp(8, 1, names.prefixed(names.dns(1))), routing.lan_hello(9, routing.ONE, [routing.OTHER]),
        routing.point_to_point_hello(10, routing.ONE, 0), routing.link_state(11, 0), routing.vrrp(12, "10.0.0.1", 9),
        routing.ospf_hello(13, "2.2.2.2"), routing.bfd(14), routing.with_hold_time(9, 0)[0],
        *encryption.HEALTHY,
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_true_messages_damaged_anywhere(seed: int) -> None:
    chance = random.Random(seed)
    packets = []
    for turn in range(8):
        for time_ns, octets in healthy():
            damaged = bytearray(octets)
            for _ in range(chance.randrange(4)):
                damaged[chance.randrange(12, len(damaged))] = chance.randrange(256)
            if chance.random() < 0.2:
                del damaged[chance.randrange(14, len(damaged)) :]
            packets.append((time_ns + turn * SECOND * chance.randrange(4), bytes(damaged)))
    found = list(find_witnesses(survey_capture(capture(sorted(packets)))))

    assert all(letter.isprintable() for seen in found for letter in seen.detail)


@given(st.binary(max_size=400))
def test_readers_of_single_messages_take_any_octets(octets: bytes) -> None:
    read_dhcp(0, bytes([1]) + bytes(235) + b"\x63\x82\x53\x63" + octets)
    read_dhcpv6(0, octets)
    read_dhcpv6(0, b"\x0c" + bytes(33) + octets)
    withdrawn_prefixes(octets)
    withdrawn_prefixes(b"\0\0" + len(octets).to_bytes(2, "big") + octets)
    withdrawn_prefixes(b"\0\0\1\0\x80\x0f" + octets)
    name_text(octets)
    assert len(list(tls_records(octets))) <= len(octets)
    assert len(list(long_headers(octets))) <= 8
    assert escaped(octets).isprintable()


@settings(deadline=None)
@given(
    st.integers(1, 250), st.lists(st.tuples(st.integers(0, 249), st.integers(1, 60)), max_size=40),
    st.integers(0, 2**32 - 1),
)
def test_a_stream_is_given_in_order_and_no_octet_twice(
    length: int, cuts: Sequence[tuple[int, int]], begins: int
) -> None:
    """Whatever segments come in whatever order, what is given is the stream, with gaps where octets are missing."""
    octets = bytes(range(length))
    stream = Stream()
    given_pieces = list(stream.begin(begins))
    for number, (start, size) in enumerate(cuts):
        segment = octets[start : start + size]
        if segment:
            given_pieces += stream.add(number, (begins + 1 + start) % 2**32, segment, len(segment))
    given_pieces += stream.end()
    place = 0
    for piece in given_pieces:
        if piece.follows:
            assert octets[place : place + len(piece.octets)] == piece.octets
        else:
            place = octets.index(piece.octets, place)
        place += len(piece.octets)


def test_what_waits_for_a_missing_segment_is_bounded() -> None:
    stream = Stream()
    list(stream.add(0, 1, b"x", 1))
    given_octets = 0
    for number in range(3000):
        given_octets += sum(len(piece.octets) for piece in stream.add(number, 100 + 1000 * number, bytes(1000), 1000))
    held = 3000 * 1000 - given_octets

    assert held <= MOST_HELD
    assert held <= MOST_SEGMENTS_HELD * 1000


def test_a_stream_of_ones_is_searched_once() -> None:
    """Sixteen ones are BGP's marker; a stream of nothing else must not be searched from every octet again."""
    framer = Framer((0,) * 11)
    found = [message for turn in range(200) for message in framer.add(Piece(turn, b"\xff" * 1400, turn > 0))]

    assert not found


def test_many_speakers_and_many_questions_take_their_time_once() -> None:
    """Thousands of different systems, names and members: the work grows with their number, not with its square."""
    packets: list[Timed] = []
    for number in range(4000):
        system = number.to_bytes(6, "big")
        hello = b"\xfe\xfe\x03\x83\x14\1\0\x11\1\0\0" + b"\1" + system + b"\0\1\0\x14\0"
        question = number.to_bytes(2, "big") + b"\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"
        packets.append((START + number * SECOND // 100, ethernet(hello, len(hello))))
        packets.append((START + number * SECOND // 100, ethernet(ipv4(udp(question, 4000, 53), 17))))
    found = list(find_witnesses(survey_capture(capture(packets))))

    assert sum(seen.count for seen in found if seen.kind == "dns_failed") > 3000
    assert sum(1 for seen in found if seen.kind == "hello_lost") > 3000


def test_columns_of_a_segment_are_what_the_stream_is_told() -> None:
    """The stream takes a segment's length from its headers, not from what was captured of it."""
    whole: Capture = capture([(START, ethernet(ipv4(tcp(1, 179, 7, payload=bytes(100)), 6)))], snap=80)
    (packet,) = whole.packets

    assert (packet[SEQUENCE], packet[LENGTH], packet[FLAGS]) == (7, 100, 0x10)
