"""What packets testify, in the words of whoever reads a report; and what they must not be taken for."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.packets import observe_capture
from tests.packets.making import SECOND, START, Timed, arp, capture, echo, ethernet, icmp_error, ipv4, ipv6, tcp, udp

MS = SECOND // 1000
CLIENT, SERVER, ROUTER = "10.0.0.1", "10.0.0.2", "10.9.9.9"


def witnesses(packets: Sequence[Timed], kind: WitnessKind) -> list[PacketWitness]:
    last = max(time_ns for time_ns, _ in packets)
    later = (last + 3 * SECOND, ethernet(ipv4(udp(), 17, "10.8.8.8", "10.8.8.9")))
    found = observe_capture(capture([*sorted(packets), later]))
    return [seen for seen in found if isinstance(seen, PacketWitness) and seen.kind is kind]


def at(ms: float, packet: bytes, kind: int = 0x0800) -> Timed:
    return START + int(ms * MS), ethernet(packet, kind)


def data(sequence: int, length: int = 100, ttl: int = 60, number: int = 7) -> bytes:
    return ipv4(tcp(sequence=sequence, payload=bytes(length)), 6, CLIENT, SERVER, ttl=ttl, number=number)


def error(kind: int, code: int, quoted: bytes, value: int = 0) -> bytes:
    return ipv4(icmp_error(kind, code, quoted, value), 1, ROUTER, CLIENT)


@pytest.mark.parametrize(
    ("kind", "code", "value", "witness", "said"),
    [
        (3, 0, 0, WitnessKind.ICMP_UNREACHABLE, "3/0"),
        (3, 1, 0, WitnessKind.ICMP_UNREACHABLE, "3/1"),
        (3, 13, 0, WitnessKind.ICMP_PROHIBITED, "3/13"),
        (3, 4, 1400, WitnessKind.ICMP_TOO_BIG, "1400"),
        (11, 0, 0, WitnessKind.ICMP_TTL_EXCEEDED, "11/0"),
    ],
)
def test_a_router_says_why_it_did_not_pass_a_packet_on(
    kind: int, code: int, value: int, witness: WitnessKind, said: str
) -> None:
    quoted = data(100)
    (found,) = witnesses(
        [at(0, quoted), at(1, error(kind, code, quoted, value)), at(2, error(kind, code, quoted, value))], witness
    )

    assert (found.sender, found.about, found.code, found.count) == (ROUTER, SERVER, said, 2)
    assert found.frames == (2, 3)


def test_a_traceroute_gets_the_errors_that_it_asked_for() -> None:
    packets: list[Timed] = []
    for ttl in range(1, 6):
        probe = ipv4(echo(8, 5, ttl), 1, CLIENT, SERVER, ttl=ttl, number=ttl)
        packets += [at(10 * ttl, probe), at(10 * ttl + 1, error(11, 0, probe))]
        datagram = ipv4(udp(b"", 4000, 33434 + ttl), 17, CLIENT, SERVER, ttl=ttl, number=50 + ttl)
        packets += [at(10 * ttl + 2, datagram), at(10 * ttl + 3, error(3, 3, datagram))]

    assert not witnesses(packets, WitnessKind.ICMP_TTL_EXCEEDED)
    assert not witnesses(packets, WitnessKind.ICMP_UNREACHABLE)


def test_icmpv6_speaks_of_the_same() -> None:
    quoted = ipv6(tcp(), 6)
    message = struct.pack(">BBHI", 2, 0, 0, 1280) + quoted
    (found,) = witnesses([at(0, ipv6(message, 58, "fd00::9", "fd00::1"), 0x86DD)], WitnessKind.ICMP_TOO_BIG)

    assert (found.sender, found.about, found.code) == ("fd00::9", "fd00::2", "1280")


def test_packets_go_round_in_a_loop() -> None:
    packets = [at(number * 10 + turn, data(100 * number, ttl=60 - 2 * turn, number=number + 1))
               for number in range(3) for turn in range(8)]  # fmt: skip
    (found,) = witnesses(packets, WitnessKind.ROUTING_LOOP)

    assert (found.about, found.code, found.count) == (SERVER, "2", 3)


def test_a_routers_own_two_views_of_a_packet_are_no_loop() -> None:
    packets = [
        at(number + turn / 10, data(100 * number, ttl=60 - turn, number=number + 1))
        for number in range(9)
        for turn in range(2)
    ]

    assert not witnesses(packets, WitnessKind.ROUTING_LOOP)


def test_a_neighbour_does_not_answer() -> None:
    asked = [at(1000 * turn, arp(1, 0xA, CLIENT, SERVER), 0x0806) for turn in range(3)]
    (found,) = witnesses(asked, WitnessKind.ARP_UNANSWERED)

    assert (found.sender, found.about, found.count) == (CLIENT, SERVER, 3)
    answered = [*asked, *(at(1000 * turn + 1, arp(2, 0xB, SERVER, CLIENT), 0x0806) for turn in range(3))]
    assert not witnesses(answered, WitnessKind.ARP_UNANSWERED)


def test_two_machines_claim_one_address() -> None:
    claims = [at(100 * turn, arp(2, 0xA + turn % 2, SERVER, CLIENT), 0x0806) for turn in range(4)]
    (found,) = witnesses(claims, WitnessKind.ARP_DUPLICATE)

    assert found.about == SERVER
    assert "00:00:00:00:00:0a and 00:00:00:00:00:0b" in found.detail


def test_a_machine_that_was_replaced_is_no_conflict() -> None:
    claims = [at(100 * turn, arp(1, 0xA if turn < 3 else 0xB, SERVER, CLIENT), 0x0806) for turn in range(6)]

    assert not witnesses(claims, WitnessKind.ARP_DUPLICATE)


def bgp(kind: int, body: bytes = b"") -> bytes:
    return b"\xff" * 16 + struct.pack(">HB", 19 + len(body), kind) + body


def speaks(ms: float, forward: bool, message: bytes, sequence: int) -> Timed:
    ports, ends = ((1000, 179), (CLIENT, SERVER)) if forward else ((179, 1000), (SERVER, CLIENT))
    return at(ms, ipv4(tcp(*ports, sequence, 1, 0x18, message), 6, *ends))


def test_a_bgp_speaker_closes_the_session() -> None:
    (found,) = witnesses([speaks(0, True, bgp(4) + bgp(3, b"\6\2"), 1)], WitnessKind.BGP_NOTIFICATION)

    assert (found.sender, found.about, found.code) == (CLIENT, SERVER, "6/2")
    assert "administrative shutdown" in found.detail


def test_a_bgp_speaker_withdraws_prefixes() -> None:
    withdrawn = b"\x18\x0a\1\2" + b"\x10\x0a\7"
    update = bgp(2, struct.pack(">H", len(withdrawn)) + withdrawn + b"\0\0")
    (found,) = witnesses([speaks(0, True, update, 1)], WitnessKind.BGP_WITHDRAWAL)

    assert (found.sender, found.count) == (CLIENT, 2)


def test_a_bgp_speaker_falls_silent_while_its_peer_goes_on() -> None:
    packets = [speaks(1000 * turn, True, bgp(4), 19 * turn) for turn in range(30)]
    packets += [speaks(1000 * turn + 100, False, bgp(4), 19 * turn) for turn in range(10)]
    (found,) = witnesses(packets, WitnessKind.BGP_SILENT)

    assert (found.sender, found.about) == (SERVER, CLIENT)
    assert found.time_ns == START + 9100 * MS


def bfd(state: int, diagnostic: int = 0) -> bytes:
    control = struct.pack(">BBBBIIIII", 1 << 5 | diagnostic, state << 6, 3, 24, 1, 2, 300000, 300000, 0)
    return ipv4(udp(control, 49152, 3784), 17, CLIENT, SERVER, ttl=255)


def test_a_bfd_session_goes_down() -> None:
    packets = [at(300 * turn, bfd(3)) for turn in range(5)] + [at(1500 + 1000 * turn, bfd(1, 1)) for turn in range(3)]
    (found,) = witnesses(packets, WitnessKind.BFD_DOWN)

    assert (found.sender, found.code, found.count) == (CLIENT, "1", 3)
    assert "detection time expired" in found.detail


def hello(ms: float) -> Timed:
    message = struct.pack(">BBHIIHH8s", 2, 1, 44, 1, 0, 0, 0, b"") + struct.pack(">IHBBIII", 0, 1, 2, 1, 4, 0, 0)
    return at(ms, ipv4(message, 89, CLIENT, "224.0.0.5", ttl=1))


def test_hellos_stop_for_longer_than_the_dead_interval() -> None:
    packets = [hello(1000 * turn) for turn in (*range(5), *range(12, 15))]
    (found,) = witnesses(packets, WitnessKind.HELLO_LOST)

    assert (found.sender, found.time_ns) == (CLIENT, START + 4 * SECOND)


def segment(
    ms: float, forward: bool, sequence: int, acknowledgement: int, flags: int = 0x10, length: int = 0,
    window: int = 1000, ttl: int = 60,
) -> Timed:  # fmt: skip
    ports, ends = ((1000, 80), (CLIENT, SERVER)) if forward else ((80, 1000), (SERVER, CLIENT))
    return at(ms, ipv4(tcp(*ports, sequence, acknowledgement, flags, bytes(length), window), 6, *ends, ttl=ttl))


HANDSHAKE = [segment(0, True, 99, 0, 2), segment(1, False, 499, 100, 0x12), segment(2, True, 100, 500)]


@pytest.mark.parametrize(("ttl", "words"), [(60, "resets the connection"), (250, "another device sent it")])
def test_who_really_sent_a_reset(ttl: int, words: str) -> None:
    (found,) = witnesses(
        [*HANDSHAKE, segment(3, True, 100, 500, length=10), segment(4, False, 500, 110, 4, ttl=ttl)],
        WitnessKind.TCP_RESET,
    )

    assert (found.sender, found.about) == (SERVER, CLIENT)
    assert words in found.detail


def test_handshakes_that_fail() -> None:
    refused = [segment(0, True, 99, 0, 2), segment(1, False, 0, 100, 0x14)]
    (found,) = witnesses(refused, WitnessKind.HANDSHAKE_FAILED)
    assert (found.code, found.sender, found.about) == ("refused", SERVER, CLIENT)

    unanswered = [segment(1000 * turn, True, 99, 0, 2) for turn in range(3)]
    (found,) = witnesses(unanswered, WitnessKind.HANDSHAKE_FAILED)
    assert (found.code, found.sender, found.about) == ("unanswered", CLIENT, SERVER)

    assert not witnesses(HANDSHAKE, WitnessKind.HANDSHAKE_FAILED)


def test_a_reader_that_stands_still() -> None:
    packets = [*HANDSHAKE, segment(10, False, 500, 100, window=0), segment(2000, False, 500, 100, window=0)]
    (found,) = witnesses([*packets, segment(4000, False, 500, 100, window=900)], WitnessKind.ZERO_WINDOW)

    assert (found.sender, found.end_ns - found.time_ns) == (SERVER, 3990 * MS)


def test_large_packets_vanish_while_small_ones_arrive() -> None:
    packets = [*HANDSHAKE, segment(10, True, 100, 500, length=200), segment(11, False, 500, 300)]
    packets += [segment(20 + 300 * 2**turn, True, 300, 500, length=1400) for turn in range(5)]
    (found,) = witnesses(packets, WitnessKind.LARGE_PACKETS_LOST)

    assert (found.sender, found.about) == (CLIENT, SERVER)
    assert (found.code, found.count) == ("1454", 5)


def test_a_rate_that_will_not_rise() -> None:
    packets: list[Timed] = list(HANDSHAKE)
    sequence = 100
    for number in range(1600):
        packets.append(segment(1000 + number * 5, True, sequence, 500, length=1000))
        if number % 40 == 7:
            packets.append(segment(1000 + number * 5 + 3, True, sequence, 500, length=1000))
        sequence += 1000
        packets.append(segment(1000 + number * 5 + 4, False, 500, sequence))
    (found,) = witnesses(packets, WitnessKind.RATE_PLATEAU)

    assert found.code is not None
    assert 1.6e6 < int(found.code) < 1.8e6


def test_a_flood() -> None:
    calm = [at(100 * number, ipv4(udp(b"x" * 50), 17, CLIENT, SERVER)) for number in range(100)]
    storm = [at(5000 + number, ipv4(udp(b"x" * 50), 17, CLIENT, SERVER)) for number in range(4000)]
    (found,) = witnesses(calm + storm, WitnessKind.FLOOD)

    assert (found.sender, found.about) == (CLIENT, SERVER)
    assert found.count > 3900


def test_a_scan() -> None:
    knocks = [at(10 * port, ipv4(tcp(4000, port, flags=2), 6, CLIENT, SERVER)) for port in range(1, 200)]
    (found,) = witnesses(knocks, WitnessKind.SCAN)

    assert (found.sender, found.about, found.count) == (CLIENT, SERVER, 199)


def test_pings_that_stop_coming_by() -> None:
    turns = [turn for turn in range(100) if not 40 <= turn < 80]
    packets = [at(100 * turn, ipv4(echo(8, 3, turn), 1, CLIENT, SERVER, number=turn)) for turn in turns]
    found = witnesses(packets, WitnessKind.SILENCE)

    assert (found[0].sender, found[0].time_ns, found[0].end_ns) == (CLIENT, START + 3900 * MS, START + 8 * SECOND)


def test_ordinary_traffic_testifies_to_nothing() -> None:
    packets = [*HANDSHAKE]
    for number in range(50):
        packets.append(segment(10 + number, True, 100 + 100 * number, 500, length=100))
        packets.append(segment(10.5 + number, False, 500, 200 + 100 * number))
    packets += [segment(70, True, 5100, 500, 0x11), segment(71, False, 500, 5101, 0x11), segment(72, True, 5101, 501)]
    found = observe_capture(capture(sorted(packets)))

    assert not [seen for seen in found if isinstance(seen, PacketWitness)]
