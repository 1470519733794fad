"""What two captures of one path say of it, in plain Python and compiled alike: loss and what only looks like it."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import pytest

from attribution.model.capture import ComparisonSummary, StretchFigures
from tests.packets.making import SECOND, START, Timed, ethernet, ipv4, ipv6, pcap, tcp, udp
from tests.packets.two_points import (
    CLIENT,
    MS,
    SERVER,
    US,
    WAYS,
    Change,
    Compared,
    TwoPoints,
    in_gre,
    in_ipv6,
    in_mpls,
    in_vlan,
    in_vxlan,
    marked,
    one_after_another,
    shifted,
    translated,
)


@pytest.fixture(params=WAYS)
def compared(request: pytest.FixtureRequest) -> Compared:
    """Both ways of comparing captures."""
    return WAYS[str(request.param)]


def between(found: ComparisonSummary, first: str = "a", protocol: str = "tcp") -> StretchFigures:
    """The one direction of a protocol that leaves a point."""
    (stretch,) = [one for one in found.stretches if one.first[0] == first and one.protocol == protocol]
    return stretch


def reasons(found: ComparisonSummary, words: str) -> list[tuple[str, int]]:
    return [(caveat.file, caveat.count) for caveat in found.caveats if words in caveat.reason]


def everything() -> TwoPoints:
    """All kinds of packets, some of them lost: 4 segments, 3 acknowledgements, 2 datagrams."""
    path = TwoPoints()
    for turn in range(60):
        path.talk(5).datagram(2 * turn).datagram(2 * turn + 1, back=True).ping(turn)
        if turn in (11, 21, 31, 41):
            path.data(at="a").data(at="ab")
            path.sequence -= 200
            path.data(200)
        if turn in (12, 22, 32):
            path.acknowledge(at="b")
        if turn in (13, 23):
            path.datagram(1000 + turn, at="a")
    return path


CHANGES: dict[str, Change] = {
    "VXLAN": in_vxlan,
    "GRE": in_gre,
    "MPLS": in_mpls,
    "VLAN": in_vlan,
    "IP in IPv6": in_ipv6,
    "another traffic class and checksum": marked,
    "NAT": translated,
    "a clock hours behind": shifted(-3 * 3600 * SECOND),
    "NAT, VXLAN, a clock 3 s ahead and 50 ppm fast": one_after_another(
        translated, in_vxlan, shifted(3 * SECOND, 50e-6)
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_packets_are_known_again_whatever_was_done_to_them(compared: Compared, change: str) -> None:
    found = compared(everything().files(CHANGES[change]))

    assert (between(found).sent, between(found).lost) == (312, 4)
    assert (between(found, "b").sent, between(found, "b").lost) == (303, 3)
    assert (between(found, "a", "udp").sent, between(found, "a", "udp").lost) == (62, 2)
    assert [between(found, *which).lost for which in (("b", "udp"), ("a", "icmp"), ("b", "icmp"))] == [0, 0, 0]
    assert between(found).source == CLIENT
    assert between(found, "b").destination == ("198.51.100.7" if "NAT" in change else CLIENT)


def connections(inside: Callable[[int], int]) -> TwoPoints:
    """Eight connections, each in a second of its own and from its `inside` port; one loses a segment, one its SYN."""
    path = TwoPoints()
    for turn in range(8):
        path.now = START + turn * SECOND
        ports, first = (inside(turn), 80), 70_000 * (turn + 1)
        path.send(tcp(*ports, first, 0, 2), at="a" if turn == 5 else "ab")
        if turn == 5:
            path.send(tcp(*ports, first, 0, 2))
        path.send(tcp(*ports[::-1], 900, first + 1, 0x12), back=True)
        for place in range(6):
            data = tcp(*ports, first + 1 + 50 * place, 901, 0x18, bytes(50))
            if (turn, place) == (3, 2):
                path.send(data, at="a")
            path.send(data).send(tcp(*ports[::-1], 901, first + 51 + 50 * place, 0x10), back=True)
        path.send(tcp(*ports, first + 301, 901, 0x11)).send(tcp(*ports[::-1], 901, first + 302, 0x11), back=True)
    return path


@pytest.mark.parametrize("inside", [lambda turn: 4000 + turn, lambda turn: 4000 + turn % 3], ids=["new", "again"])
def test_a_translator_gives_the_ports_of_one_connection_to_the_next(
    compared: Compared, inside: Callable[[int], int]
) -> None:
    def through_few_ports(time_ns: int, octets: bytes) -> Timed:
        _, changed = translated(time_ns, octets)
        at = 34 if changed[36:38] == b"\0P" else 36
        outside = 7000 + (time_ns - START) // SECOND % 2
        return time_ns, changed[:at] + outside.to_bytes(2, "big") + changed[at + 2 :]

    found = compared(connections(inside).files(through_few_ports))

    assert (between(found).sent, between(found).lost) == (8 * 8 + 2, 2)
    assert (between(found, "b").sent, between(found, "b").lost) == (8 * 8, 0)


def test_a_clamped_segment_size_does_not_hide_a_handshake(compared: Compared) -> None:
    path = TwoPoints()
    for size, point in ((1460, "a"), (1300, "b")):
        syn = tcp(4000, 80, 999, 0, 2, options=struct.pack(">BBH", 2, 4, size))
        path.seen[point].append(
            (path.now + (0 if point == "a" else path.delay_ns), ethernet(ipv4(syn, 6, CLIENT, SERVER)))
        )
    found = compared(path.talk(50).files())

    assert (between(found).sent, between(found).lost) == (51, 0)


def test_loss_in_each_second_and_flow_is_the_truth(compared: Compared) -> None:
    chance = random.Random(5)
    path = TwoPoints(now=START + 500 * US)
    lost: dict[tuple[int, int], int] = {}
    sent: dict[tuple[int, int], int] = {}
    for turn in range(4000):
        port = 5000 + turn % 7
        gone = chance.random() < 0.03
        path.send(udp(struct.pack(">I", turn) * 5, port, 53), 17, at="a" if gone else "ab")
        key = (path.now // SECOND, port)
        sent[key] = sent.get(key, 0) + 1
        lost[key] = lost.get(key, 0) + gone
        if turn % 3 == 0:
            path.send(udp(struct.pack(">I", turn) * 6, 53, port), 17, back=True)
    stretch = between(compared(path.files()), "a", "udp")

    assert {one.time_ns // SECOND: (one.sent, one.lost) for one in stretch.bins} == {
        second: tuple(sum(count for (at, _), count in counts.items() if at == second) for counts in (sent, lost))
        for second in {second for second, _ in sent}
    }
    assert {one.source_port: (one.sent, one.lost) for one in stretch.flows} == {
        port: tuple(sum(count for (_, at), count in counts.items() if at == port) for counts in (sent, lost))
        for port in range(5000, 5007)
    }
    assert stretch.lost == sum(lost.values())
    assert stretch.frames == tuple(sorted(frame for one in stretch.bins for frame in one.frames)[:16])
    assert stretch.lossy_seconds == len(stretch.bins)


def test_delays_are_those_of_the_path(compared: Compared) -> None:
    found = compared(TwoPoints(delay_ns=2 * MS, back_ns=2 * MS).talk(300).files(shifted(7 * SECOND)))
    there, back = between(found), between(found, "b")

    for stretch in (there, back):
        assert stretch.delay_least_ms == pytest.approx(2, abs=0.01)
        assert stretch.delay_median_ms == pytest.approx(2, abs=0.01)
        assert stretch.delay_most_ms == pytest.approx(2, abs=0.01)
        medians = [one.delay_median_ms for one in stretch.bins] + [one.delay_median_ms for one in stretch.flows]
        assert medians == pytest.approx([2] * len(medians), abs=0.01)


def test_copies_that_the_network_makes_are_told(compared: Compared) -> None:
    path = TwoPoints().talk(100)
    for _ in range(3):
        path.data()
        time_ns, frame = path.seen["b"][-1]
        path.seen["b"].append((time_ns + 5 * MS, frame))
    found = between(compared(path.talk(100).files()))

    assert (found.sent, found.lost, found.duplicated) == (203, 0, 3)
    assert sum(one.duplicated for one in found.bins) == sum(one.duplicated for one in found.flows) == 3


def test_a_packet_that_is_overtaken_is_reordered(compared: Compared) -> None:
    path = TwoPoints().talk(100)
    for _ in range(4):
        path.data(late_ns=3500 * US).data().data().data().data()
    found = between(compared(path.talk(100).files()))

    assert (found.lost, found.reordered) == (0, 4)
    assert sum(one.reordered for one in found.bins) == sum(one.reordered for one in found.flows) == 4


def test_what_a_mirror_port_shows_twice_passed_once(compared: Compared) -> None:
    path = everything()
    path.seen["a"] += [(time_ns + 30 * US, frame) for time_ns, frame in path.seen["a"]]
    found = compared(path.files())

    assert (between(found).sent, between(found).lost) == (312, 4)
    assert [file for file, _ in reasons(found, "mirror port")] == ["a.pcap"]


def test_a_capture_that_missed_packets_which_were_acknowledged_accuses_nobody(compared: Compared) -> None:
    path = TwoPoints().talk(100)
    for _ in range(20):
        path.data(at="a").acknowledge()
        path.talk(5)
    found = compared(path.talk(100).files())

    assert (between(found).lost, between(found).not_compared) == (0, 20)
    assert reasons(found, "the capture missed them") == [("b.pcap", 20)]


def test_a_request_that_a_device_between_the_points_answers_with_a_reset_was_lost(compared: Compared) -> None:
    """The reset acknowledges it in the server's name, but the server's side shows neither of them."""
    path = TwoPoints().talk(100)
    for port in range(5000, 5020):
        path.send(tcp(port, 80, 1, 1, 0x18, bytes(100)), at="a")
        path.send(tcp(80, port, 1, 101, 0x14), back=True, at="a")
        path.talk(5)
    found = compared(path.talk(100).files())

    assert (between(found).lost, between(found, "b").lost) == (20, 0)


def test_a_segment_that_was_sent_again_was_lost(compared: Compared) -> None:
    """It was acknowledged too, but by its second copy."""
    path = TwoPoints().talk(100)
    for _ in range(20):
        path.data(at="a").data()
        path.sequence -= 200
        path.data(100).acknowledge()
        path.sequence += 100
        path.acknowledge()
    found = between(compared(path.talk(100).files()))

    assert (found.lost, found.not_compared) == (20, 0)


def test_an_echo_that_was_answered_arrived(compared: Compared) -> None:
    path = TwoPoints()
    for number in range(100):
        path.ping(number, at="a" if number == 50 else "ab", answered="ab")
    found = compared(path.files())

    assert (between(found, "a", "icmp").lost, between(found, "a", "icmp").not_compared) == (0, 1)


def cut_in_pieces(size: int, frames: list[Timed]) -> list[Timed]:
    """As a network card cuts what the system hands it in one (TSO), each piece with an identification of its own."""
    found: list[Timed] = []
    for time_ns, frame in frames:
        payload = frame[54:]
        if frame[23] != 6 or len(payload) <= size:
            found.append((time_ns, frame))
            continue
        sequence = int.from_bytes(frame[38:42], "big")
        for number, at in enumerate(range(0, len(payload), size)):
            piece = payload[at : at + size]
            head = bytearray(frame[:54])
            head[16:18] = (40 + len(piece)).to_bytes(2, "big")
            head[18:20] = (int.from_bytes(frame[18:20], "big") + 30_000 + number & 0xFFFF).to_bytes(2, "big")
            head[38:42] = (sequence + at & 0xFFFFFFFF).to_bytes(4, "big")
            found.append((time_ns + number * US, bytes(head) + piece))
    return found


@pytest.mark.parametrize("large", ["a", "b"])
def test_segments_that_network_cards_cut_or_join_are_not_lost(compared: Compared, large: str) -> None:
    path = TwoPoints()
    for turn in range(100):
        path.data(100).acknowledge().data(7000).acknowledge()
        if turn % 20 == 19:
            path.data(7000, at="a")
            path.sequence -= 7000
            path.data(7000).acknowledge()
    small = "b" if large == "a" else "a"
    path.seen[small] = cut_in_pieces(1000, path.seen[small])
    found = compared(path.files())

    assert between(found).lost == (5 if large == "a" else 35)
    assert reasons(found, "other pieces")


def fragmented(time_ns: int, frame: bytes) -> list[Timed]:
    """An IPv4 packet of 1,400 octets in two fragments."""
    payload, found = frame[34:], []
    for number, (at, piece) in enumerate(((0, payload[:1000]), (1000, payload[1000:]))):
        head = bytearray(frame[:34])
        head[16:18] = (20 + len(piece)).to_bytes(2, "big")
        head[20:22] = (at // 8 | (0x2000 if number == 0 else 0)).to_bytes(2, "big")
        found.append((time_ns + number * US, bytes(head) + piece))
    return found


@pytest.mark.parametrize("side", ["b", "a"])
def test_a_datagram_that_comes_in_fragments_is_not_lost(compared: Compared, side: str) -> None:
    """Cut between the points, or put together there; with a fragment missing it is lost."""
    path = TwoPoints()
    for number in range(60):
        path.datagram(number).datagram(number, back=True)
        path.send(udp(bytes([number]) * 1392), 17)
        if number % 10 == 9:
            *rest, last = path.seen[side]
            path.seen[side] = [*rest, *fragmented(*last)]
    if side == "b":
        path.seen["b"].pop()
    found = between(compared(path.talk(20).files()), "a", "udp")

    assert found.lost == (1 if side == "b" else 0)
    assert found.sent == (120 if side == "b" else 126)


def test_headers_that_the_snap_length_cut_are_not_compared(compared: Compared) -> None:
    path = everything()
    here, _ = path.files(in_vxlan)
    there = pcap(sorted(in_vxlan(*packet) for packet in path.seen["b"]), nanoseconds=True, snap=96)
    found = compared([here, there])

    assert (between(found).lost, between(found, "b").lost) == (0, 3)
    assert [file for file, _ in reasons(found, "snap length")]
    assert between(found, "a", "udp").lost == 2


def test_timestamps_that_the_snap_length_cut_are_left_out(compared: Compared) -> None:
    path = TwoPoints()
    option = b"\x01\x01\x08\x0a" + struct.pack(">II", 7, 8)
    for number in range(200):
        path.send(tcp(4000, 80, 1000 + 10 * number, 5, 0x18, bytes(10), options=option))
        path.send(tcp(80, 4000, 5, 1010 + 10 * number, 0x10, options=option), back=True)
    here, _ = path.files()
    there = pcap(sorted(path.seen["b"]), nanoseconds=True, snap=60)
    found = compared([here, there])

    assert (between(found).sent, between(found).lost) == (200, 0)


def test_before_the_start_and_after_the_end_of_a_capture_nothing_is_lost(compared: Compared) -> None:
    path = TwoPoints().talk(2000)
    path.seen["b"] = sorted(path.seen["b"])[1000:3000]
    found = compared(path.files())

    assert (between(found).lost, between(found, "b").lost) == (0, 0)
    assert between(found).sent == pytest.approx(1000, abs=2)
    assert between(found).not_compared == pytest.approx(1000, abs=2)


def test_a_capture_that_starts_much_later_by_another_clock_is_laid_over_all_the_same(compared: Compared) -> None:
    path = TwoPoints()
    for turn in range(30):
        path.talk(40)
        path.now += 20 * SECOND
        if turn in (20, 25):
            path.data(at="a").data()
            path.sequence -= 200
            path.data(200).acknowledge()
    path.seen["b"] = [packet for packet in path.seen["b"] if packet[0] > START + 300 * SECOND]
    found = compared(path.files(shifted(-7200 * SECOND)))

    assert between(found).lost == 2
    assert [round(clock.shift_ms / 1000) for clock in found.clocks] in ([0, 7200], [-7200, 0])


def silent(path: TwoPoints, seconds: int, **how: str) -> TwoPoints:
    """Datagrams for some seconds, shown by these points only."""
    for number in range(20 * seconds):
        path.now += 50 * MS
        path.datagram(7000 + number, at=how["at"])
        if "back" in how:
            path.datagram(7000 + number, back=True, at=how["back"])
    return path


def test_a_capture_that_shows_nothing_while_others_passed_it_did_not_record(compared: Compared) -> None:
    """The answers come through, so the link was up."""
    path = silent(TwoPoints().talk(1000), 10, at="a", back="a").talk(1000)
    found = compared(path.files())

    assert sum(stretch.lost for stretch in found.stretches) == 0
    assert reasons(found, "did not record")


def test_a_capture_that_shows_nothing_may_have_stopped_or_its_link_failed(compared: Compared) -> None:
    path = TwoPoints().talk(500)
    for number in range(20):
        path.datagram(number)
    found = compared(silent(path, 10, at="a").talk(500).files())

    assert between(found, "a", "udp").lost == 200
    assert reasons(found, "cannot be told from a link that failed")


def test_traffic_of_one_direction_does_not_tell_the_delay_from_the_clock(compared: Compared) -> None:
    path = TwoPoints()
    for number in range(100):
        path.datagram(number)
    found = compared(path.files())

    assert None in [clock.uncertainty_ms for clock in found.clocks]
    assert reasons(found, "one way only")


def test_packets_alike_to_the_bit_are_paired_by_the_usual_delay(compared: Compared) -> None:
    """IPv6 has no identification: acknowledgements in a row are the same, though each takes 20 ms."""
    found = compared(alike())

    assert [(one.sent, one.lost, one.duplicated) for one in found.stretches if one.first[0] == "b"] == [(600, 6, 0)]


def alike() -> list[bytes]:
    files: dict[str, list[Timed]] = {"a": [], "b": []}
    now = START
    for turn in range(200):
        segment = tcp(4000, 80, 1000 + 100 * turn, 5, 0x18, bytes(100))
        answer = tcp(80, 4000, 5, 1100 + 100 * turn, 0x10)
        now += 50 * MS
        files["a"].append((now, ethernet(ipv6(segment, 6, "fd00::1", "fd00::2", 64), 0x86DD)))
        files["b"].append((now + 20 * MS, ethernet(ipv6(segment, 6, "fd00::1", "fd00::2", 63), 0x86DD)))
        for copy in range(3):
            sent = now + (21 + 5 * copy) * MS
            files["b"].append((sent, ethernet(ipv6(answer, 6, "fd00::2", "fd00::1", 64), 0x86DD)))
            if turn % 30 != 29 or copy != 1:
                files["a"].append((sent + 20 * MS, ethernet(ipv6(answer, 6, "fd00::2", "fd00::1", 63), 0x86DD)))
    return [pcap(sorted(packets), nanoseconds=True) for packets in files.values()]


def figures(found: ComparisonSummary) -> list[tuple[object, ...]]:
    """What both ways of comparing must say alike, to the packet."""
    return sorted(
        (one.first[0], one.source, one.destination, one.protocol, one.sent, one.lost, one.duplicated, one.reordered,
         one.not_compared, one.frames, one.lossy_seconds, one.display_filter,
         tuple(sorted((flow.source_port or 0, flow.destination_port or 0, flow.sent, flow.lost, flow.duplicated,
                       flow.reordered, flow.frames, flow.display_filter) for flow in one.flows)))
        for one in found.stretches
    )  # fmt: skip


def mixture(seed: int) -> list[bytes]:
    """Some connections and datagrams with loss, copies and overtaking, behind a translator or a tunnel or neither."""
    chance = random.Random(seed)
    path = TwoPoints(
        delay_ns=chance.randrange(100, 5000) * US, back_ns=chance.randrange(100, 5000) * US, now=START + US
    )
    path.talk(20)
    for turn in range(1500):
        port = chance.randrange(5000, 5006)
        back = chance.random() < 0.4
        ports = (53, port) if back else (port, 53)
        late = chance.randrange(8) * MS if chance.random() < 0.05 else 0
        gone = chance.random() < 0.04
        at = ("b" if back else "a") if gone else "ab"
        path.send(udp(struct.pack(">I", turn) * 6, *ports), 17, back=back, at=at, late_ns=late)
        if not gone and chance.random() < 0.02:
            far = "a" if back else "b"
            time_ns, frame = path.seen[far][-1]
            path.seen[far].append((time_ns + 3 * MS, frame))
        if chance.random() < 0.2:
            path.talk(1, chance.randrange(1, 1400))
    change = chance.choice([in_vxlan, translated, marked, one_after_another(translated, in_vlan)])
    return path.files(one_after_another(change, shifted(chance.randrange(-5, 5) * SECOND)))


def plain_order(plain: ComparisonSummary) -> Callable[[StretchFigures], int]:
    order = [(one.first, one.protocol) for one in plain.stretches]
    return lambda one: order.index((one.first, one.protocol))


@pytest.mark.parametrize("seed", range(8))
def test_both_ways_of_comparing_say_the_same(seed: int) -> None:
    files = mixture(seed)
    plain, compiled = (compare(files) for compare in WAYS.values())

    assert figures(compiled) == figures(plain)
    assert (compiled.packets, compiled.matched) == (plain.packets, plain.matched)
    for one, other in zip(compiled.clocks, plain.clocks, strict=True):
        doubt = (one.uncertainty_ms or 0) + (other.uncertainty_ms or 0)
        assert one.shift_ms == pytest.approx(other.shift_ms, abs=doubt + 0.001)
    for one_way, same in zip(plain.stretches, sorted(compiled.stretches, key=plain_order(plain)), strict=True):
        off = [abs(bin.sent - twin.sent) for bin, twin in zip(one_way.bins, same.bins, strict=True)]
        assert sum(off) <= 2  # a packet on the border of two seconds, where the clocks' relation decides
    delays = [
        sorted((one.first[0], one.protocol, one.delay_least_ms, one.delay_median_ms, one.delay_most_ms)
               for one in found.stretches)
        for found in (plain, compiled)
    ]  # fmt: skip
    for stretch, same in zip(*delays, strict=True):
        assert stretch[2:] == pytest.approx(same[2:], abs=0.3)
