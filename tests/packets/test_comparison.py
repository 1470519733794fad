"""Two captures of one path tell, packet for packet, what was lost between them, however their clocks are set."""

from __future__ import annotations

import io
import random
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from attribution.model.observation import Caveat, PairCount
from attribution.packets import Capture, compare_captures, read_capture, summarise_comparison
from attribution.packets.capture_files import FileReader
from tests.packets.conftest import Recording
from tests.packets.making import SECOND, START, Timed, capture, echo, ethernet, icmp_error, ipv4, origin, pcap, tcp, udp

MS = SECOND // 1000
Change = Callable[[int, bytes], Timed]


def counts(captures: Sequence[Capture]) -> dict[tuple[str, str], tuple[int, int]]:
    """Sent and lost by (first, second) device."""
    sent: Counter[tuple[str, str]] = Counter()
    lost: Counter[tuple[str, str]] = Counter()
    for found in compare_captures(captures):
        if isinstance(found, PairCount):
            sent[found.first[0], found.second[0]] += found.sent
            lost[found.first[0], found.second[0]] += found.lost
    return {pair: (sent[pair], lost[pair]) for pair in sent}


def records(file: Path) -> list[Timed]:
    data = file.read_bytes()
    reader = FileReader(str(file))
    return [(one.time_ns, data[one.start : one.start + one.captured]) for one in reader.read(data, True)]


def shifted(offset_ns: int, drift: float = 0.0) -> Change:
    return lambda time_ns, octets: (time_ns + offset_ns + int(drift * (time_ns - START)), octets)


def in_vxlan(time_ns: int, octets: bytes) -> Timed:
    outer = udp(struct.pack(">II", 8 << 24, 42 << 8) + octets, 50000, 4789)
    return time_ns, ethernet(ipv4(outer, 17, "172.16.0.1", "172.16.0.2", ttl=20))


def translated(time_ns: int, octets: bytes) -> Timed:
    """As behind an address translator: the first host shows another address and its ports another number."""
    changed = bytearray(octets)
    inside, outside = bytes([10, 77, 1, 1]), bytes([198, 51, 100, 7])
    for place, port in ((26, 34), (30, 36)):
        if changed[place : place + 4] == inside:
            changed[place : place + 4] = outside
            if changed[23] == 6:
                number = int.from_bytes(changed[port : port + 2], "big")
                changed[port : port + 2] = ((number + 10_000) % 65_536).to_bytes(2, "big")
    return time_ns, bytes(changed)


CHANGES: dict[str, Change] = {
    "as recorded": lambda time_ns, octets: (time_ns, octets),
    "clock 3 s ahead": shifted(3 * SECOND),
    "clock 3 s behind, 50 ppm fast": shifted(-3 * SECOND, 50e-6),
    "inside VXLAN": in_vxlan,
    "behind NAT": translated,
    "behind NAT, 3 s ahead": lambda time_ns, octets: translated(time_ns + 3 * SECOND, octets),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_loss_between_two_points_is_the_truth_packet_for_packet(recording: Recording, change: str) -> None:
    left = read_capture(io.BytesIO(recording.left.read_bytes()), origin("left", "left.pcap"))
    changed = [CHANGES[change](time_ns, octets) for time_ns, octets in records(recording.right)]
    right = read_capture(io.BytesIO(pcap(changed, nanoseconds=True)), origin("right", "right.pcap"))
    found = counts([left, right])

    assert recording.dropped > 50
    assert sum(lost for _, lost in found.values()) == recording.dropped
    assert {pair for pair, (_, lost) in found.items() if lost} == {("left", "right"), ("right", "left")}


class Path3:
    """Three capture points in a row, hand-made: who sees which packet when is up to the test."""

    def __init__(self) -> None:
        self.seen: dict[str, list[Timed]] = {"a": [], "b": [], "c": []}
        self.number = 0
        self.now = START

    def pass_by(self, points: str, *, back: bool = False, payload: bytes | None = None, ttl: int = 60) -> Path3:
        """One packet, seen at these points in their order; each router takes one from its time to live."""
        self.number += 1
        self.now += 10 * MS
        ends = ("10.2.0.1", "10.1.0.1") if back else ("10.1.0.1", "10.2.0.1")
        body = echo(0 if back else 8, 5, self.number) if payload is None else payload
        protocol = 1 if payload is None else 17
        for point in points:
            place = "cba".index(point) if back else "abc".index(point)
            packet = ipv4(body, protocol, *ends, ttl=ttl - place, number=self.number)
            self.seen[point].append((self.now + place * 100_000, ethernet(packet)))
        return self

    def both_ways(self, rounds: int) -> Path3:
        for _ in range(rounds):
            self.pass_by("abc").pass_by("cba", back=True)
        return self

    def captures(self) -> list[Capture]:
        return [capture(sorted(packets), point) for point, packets in self.seen.items()]


def test_each_loss_is_charged_to_the_one_stretch_where_it_happened() -> None:
    path = Path3().both_ways(200)
    for _ in range(7):
        path.pass_by("a")
    for _ in range(5):
        path.pass_by("ab")
    path.both_ways(200)
    found = counts(path.captures())

    assert found["a", "b"] == (412, 7)
    assert found["b", "c"] == (405, 5)
    assert ("a", "c") not in found
    assert found["c", "b"] == found["b", "a"] == (400, 0)


def test_a_stretch_without_loss_is_cleared() -> None:
    assert set(counts(Path3().both_ways(300).captures()).values()) == {(300, 0)}


def test_packets_that_take_another_way_are_not_lost() -> None:
    """After a failure the traffic no longer passes the middle point."""
    path = Path3().both_ways(100)
    for _ in range(100):
        path.pass_by("ac").pass_by("ca", back=True)
    found = counts(path.captures())

    assert found["a", "b"][1] == found["b", "c"][1] == 0
    assert found["a", "c"] == (100, 0)


def test_an_answered_request_was_not_lost_even_if_a_capture_missed_it() -> None:
    path = Path3().both_ways(100)
    path.pass_by("a")
    number, path.number = path.number, path.number - 1
    path.pass_by("a", back=True)
    assert path.number == number
    path.both_ways(100)

    assert counts(path.captures())["a", "b"][1] == 0


def test_a_traceroute_is_meant_to_die_on_the_way() -> None:
    path = Path3().both_ways(100)
    path.pass_by("a", ttl=1).pass_by("ab", ttl=2).both_ways(50)
    found = counts(path.captures())

    assert found["a", "b"][1] == found["b", "c"][1] == 0


def test_what_a_capture_cannot_have_seen_is_not_lost() -> None:
    """The second capture starts later and ends earlier than the first."""
    one, two, three = Path3().both_ways(300).captures()
    short = capture([(packet[0], octets) for packet, octets in zip(two.packets, two.octets, strict=True)][100:400], "b")
    found = counts([one, short, three])

    assert found["a", "b"][1] == 0
    assert 90 <= found["a", "b"][0] <= 160


def test_a_capture_that_dropped_packets_itself_accuses_nobody() -> None:
    path = Path3().both_ways(100)
    for _ in range(7):
        path.pass_by("a")
    one, two, three = path.both_ways(100).captures()
    lossy = replace(two, interfaces=(replace(two.interfaces[0], dropped=7),))
    found = list(compare_captures([one, lossy, three]))

    assert not [pair for pair in found if isinstance(pair, PairCount) and pair.lost]
    assert any(isinstance(caveat, Caveat) and "own loss" in caveat.reason for caveat in found)


def test_a_packet_that_brought_back_an_error_is_lost() -> None:
    path = Path3().both_ways(100)
    path.pass_by("a", payload=udp(b"x" * 40))
    quoted = path.seen["a"][-1][1][14:]
    error = ipv4(icmp_error(3, 1, quoted), 1, "10.9.9.9", "10.1.0.1", number=999)
    path.seen["a"].append((path.now + MS, ethernet(error)))

    assert counts(path.both_ways(100).captures())["a", "b"][1] == 1


def test_segments_repeated_to_the_bit_are_counted_one_by_one() -> None:
    """Without an identification of its own, a retransmission looks like the original."""
    chance = random.Random(4)
    left: list[Timed] = []
    right: list[Timed] = []
    lost = 0
    for number in range(300):
        frame = ethernet(ipv4(tcp(sequence=100 * number, payload=bytes(100)), 6, number=0, ttl=60))
        below = ethernet(ipv4(tcp(sequence=100 * number, payload=bytes(100)), 6, number=0, ttl=59))
        time_ns = START + number * 20 * MS
        left.append((time_ns, frame))
        while chance.random() < 0.2:
            lost += 1
            time_ns += 5 * MS
            left.append((time_ns, frame))
        right.append((time_ns + 50_000, below))
    found = counts([capture(sorted(left), "left"), capture(sorted(right), "right")])

    assert found["left", "right"] == (300 + lost, lost)


def test_the_figures_of_a_comparison_can_be_opened() -> None:
    path = Path3().both_ways(100)
    for _ in range(4):
        path.pass_by("a")
    found = summarise_comparison(path.both_ways(100).captures())
    (lossy,) = [stretch for stretch in found.stretches if stretch.lost]

    assert (lossy.first[0], lossy.second[0], lossy.sent, lossy.lost) == ("a", "b", 204, 4)
    assert lossy.frames == (201, 202, 203, 204)
    assert lossy.display_filter == "frame.number in {201,202,203,204}"
    assert lossy.delay_median_ms == pytest.approx(0.1, abs=0.01)
    assert [clock.file for clock in found.clocks] == ["a.pcap", "b.pcap", "c.pcap"]
