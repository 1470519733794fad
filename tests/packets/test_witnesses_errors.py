"""Who says that a packet could not be passed on, and packets that never arrive because they go round."""

from __future__ import annotations

import struct

import pytest
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6TimeExceeded, IPv6
from scapy.layers.l2 import Dot1Q
from scapy.layers.vxlan import VXLAN

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.packets import read_capture
from attribution.packets.survey import survey_capture
from attribution.packets.witnesses.loops import find_loops
from tests.packets.making import (
    START,
    Timed,
    capture,
    echo,
    enhanced,
    ethernet,
    icmp_error,
    interface,
    ipv4,
    ipv6,
    origin,
    section,
    tcp,
    udp,
)
from tests.packets.testimony import CLIENT, LINK, MS, ROUTER, SERVER, at, frame, only_telling, witnesses


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


def test_an_error_tells_which_flows_it_quotes_with_their_ports() -> None:
    quoted = [ipv4(tcp(port, 443), 6, CLIENT, SERVER) for port in range(4000, 4006)]
    errors = [at(turn, error(3, 1, packet)) for turn, packet in enumerate(quoted)]
    (found,) = witnesses(errors, WitnessKind.ICMP_UNREACHABLE)

    assert "host unreachable; quoting tcp 10.0.0.1 port 4000 to 10.0.0.2 port 443" in found.detail
    assert "and 3 more" in found.detail


def test_an_old_router_does_not_tell_which_size_would_fit() -> None:
    (found,) = witnesses([at(0, error(3, 4, data(1)))], WitnessKind.ICMP_TOO_BIG)

    assert found.code == "0"
    assert "whose size is not told" in found.detail


def test_fragments_that_did_not_all_arrive() -> None:
    (found,) = witnesses([at(0, error(11, 1, data(1)))], WitnessKind.ICMP_TTL_EXCEEDED)

    assert found.code == "11/1"
    assert "fragments" in found.detail


def test_an_error_about_a_tunnel_speaks_of_the_tunnel_s_far_end() -> None:
    inner = LINK / IP(src="172.16.0.1", dst="172.16.0.2") / TCP(dport=80)
    outer = IP(src=CLIENT, dst=SERVER) / UDP(sport=50000, dport=4789) / VXLAN(vni=7, flags=8) / inner
    reported = IP(src=ROUTER, dst=CLIENT) / ICMP(type=3, code=4, nexthopmtu=1450) / bytes(outer)
    (found,) = witnesses([frame(0, LINK / reported)], WitnessKind.ICMP_TOO_BIG)

    assert (found.sender, found.about, found.code) == (ROUTER, SERVER, "1450")
    assert "tcp 172.16.0.1 port 20 to 172.16.0.2 port 80 in the tunnel 10.0.0.1 to 10.0.0.2" in found.detail


def test_errors_inside_a_vlan_and_a_tunnel_are_read_as_well() -> None:
    reported = IP(src=ROUTER, dst=CLIENT) / ICMP(type=3, code=13) / data(1)
    tagged = LINK / Dot1Q(vlan=5) / reported
    tunnelled = (
        LINK / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(dport=4789) / VXLAN(vni=7, flags=8) / LINK / reported
    )
    for packet in (tagged, tunnelled):
        (found,) = witnesses([frame(0, packet)], WitnessKind.ICMP_PROHIBITED)
        assert (found.sender, found.about) == (ROUTER, SERVER)


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


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (0, WitnessKind.ICMP_UNREACHABLE, "no route to the destination"),
        (1, WitnessKind.ICMP_PROHIBITED, "administratively prohibited"),
        (3, WitnessKind.ICMP_UNREACHABLE, "address unreachable"),
        (4, WitnessKind.ICMP_UNREACHABLE, "port unreachable"),
        (5, WitnessKind.ICMP_PROHIBITED, "prohibited by policy"),
    ],
)
def test_each_reason_of_ipv6_has_its_words(code: int, kind: WitnessKind, words: str) -> None:
    quoted = IPv6(src="fd00::1", dst="fd00::2") / TCP(sport=4000, dport=443)
    reported = LINK / IPv6(src="fd00::9", dst="fd00::1") / ICMPv6DestUnreach(code=code) / quoted
    (found,) = witnesses([frame(0, reported)], kind)

    assert (found.sender, found.about, found.code) == ("fd00::9", "fd00::2", f"1/{code}")
    assert words in found.detail
    assert "tcp fd00::1 port 4000 to fd00::2 port 443" in found.detail


def test_data_that_used_up_its_hops_in_ipv6() -> None:
    quoted = IPv6(src="fd00::1", dst="fd00::2") / TCP(sport=4000, dport=443, ack=7)
    reported = LINK / IPv6(src="fd00::9", dst="fd00::1") / ICMPv6TimeExceeded() / quoted
    (found,) = witnesses([frame(0, reported)], WitnessKind.ICMP_TTL_EXCEEDED)

    assert found.code == "3/0"


def loops(packets: list[Timed]) -> list[PacketWitness]:
    return witnesses(packets, WitnessKind.ROUTING_LOOP)


def test_packets_go_round_in_a_loop() -> None:
    packets = [at(number * 10 + turn, data(100 * number, ttl=60 - 2 * turn, number=number + 1))
               for number in range(3) for turn in range(8)]  # fmt: skip
    (found,) = loops(packets)

    assert (found.about, found.code, found.count) == (SERVER, "2", 3)


def test_packets_of_ipv6_go_round_although_they_have_no_identification() -> None:
    def passing(number: int, turn: int) -> Timed:
        header = IPv6(src="fd00::1", dst="fd00::2", hlim=60 - 2 * turn)
        return frame(10 * number + turn, LINK / header / ICMPv6EchoRequest(id=4, seq=number))

    packets = [passing(number, turn) for number in range(3) for turn in range(6)]
    (found,) = loops(packets)

    assert (found.about, found.code, found.count) == ("fd00::2", "2", 3)


@pytest.mark.parametrize("inner", [64, None])
def test_packets_go_round_under_a_label(inner: int | None) -> None:
    """A label has a time to live of its own; the packet's may stay as it is."""
    packets = []
    for life in range(60, 48, -2):
        header = IP(src=CLIENT, dst=SERVER, ttl=inner or life, id=9)
        packets.append(frame(60 - life, LINK / MPLS(label=17, ttl=life, s=1) / header / UDP()))
    (found,) = loops(packets)

    assert (found.about, found.code) == (SERVER, "2" if inner else "4")


def test_a_tunnel_s_own_packets_go_round_with_what_they_carry() -> None:
    packets = []
    for turn in range(6):
        outer = IP(src="192.0.2.1", dst="192.0.2.2", ttl=60 - 3 * turn)
        packets.append(frame(turn, LINK / outer / IP(src=CLIENT, dst=SERVER, id=9) / UDP()))
    (found,) = loops(packets)

    assert (found.about, found.code) == (SERVER, "3")


def test_a_mirror_port_that_shows_every_packet_twice_hides_no_loop_and_makes_none() -> None:
    doubled = [at(turn + copy / 10, data(1, ttl=60 - 2 * turn)) for turn in range(6) for copy in range(2)]
    assert loops(doubled)

    steady = [at(turn + copy / 10, data(100 * turn, number=turn + 1)) for turn in range(6) for copy in range(4)]
    assert not loops(steady)


def test_a_mirror_of_several_links_shows_a_packet_on_its_way_and_no_loop() -> None:
    """One hop less at each link, between other machines each time."""
    packets = []
    for number in range(3):
        for hop in range(6):
            packet = data(100 * number, ttl=60 - hop, number=number + 1)
            packets.append((START + MS * (10 * number + hop), ethernet(packet, 0x0800, 0x20 + hop, 0x30 + hop)))

    assert not loops(packets)


def test_several_interfaces_in_one_file_are_no_loop() -> None:
    blocks = [section(), *(interface() for _ in range(5))]
    for hop in range(5):
        octets = ethernet(data(100, ttl=60 - hop))
        blocks.append(enhanced(1_000_000 * (1000 + hop), octets, number=hop))
    found = list(find_loops(survey_capture(read_capture(b"".join(blocks), origin()))))

    assert not found


def test_a_routers_own_two_views_of_a_packet_are_no_loop() -> None:
    packets = [
        at(number + turn / 10, data(100 * number, ttl=60 - turn, number=number + 1))
        for number in range(9)
        for turn in range(2)
    ]

    assert not loops(packets)


def test_the_last_rounds_of_a_loop_are_telling_by_themselves() -> None:
    packets = [at(turn, data(1, ttl=60 - 2 * turn)) for turn in range(30)]
    whole = capture(packets)
    (found,) = find_loops(survey_capture(whole))
    (again,) = find_loops(survey_capture(only_telling(whole)))

    assert (found.about, found.code, found.count) == (again.about, again.code, again.count) == (SERVER, "2", 1)
