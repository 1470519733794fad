"""Two captures of one path tell, packet for packet, what was lost between them, however their clocks are set."""

from __future__ import annotations

import io
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from attribution.model.observation import Caveat, PairCount
from attribution.packets import Capture, compare_captures, read_capture, summarise_comparison
from attribution.packets.bulk.comparison import compare_bulk
from attribution.packets.capture_files import FileReader
from tests.packets import two_points
from tests.packets.conftest import Recording
from tests.packets.making import (
    SECOND,
    START,
    Timed,
    capture,
    echo,
    ethernet,
    icmp_error,
    ipv4,
    origin,
    pcap,
    tcp,
    udp,
)
from tests.packets.network import ONE
from tests.packets.two_points import WAYS, Change, TwoPoints, in_vxlan, one_after_another, shifted

MS = SECOND // 1000


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


def translated_host(time_ns: int, octets: bytes) -> Timed:
    return two_points.translated(time_ns, octets, inside=ONE)


CHANGES: dict[str, Change] = {
    "": lambda time_ns, octets: (time_ns, octets),
    "3 s ahead": shifted(3 * SECOND),
    "50 ppm fast": shifted(0, 50e-6),
    "in VXLAN": in_vxlan,
    "behind NAT": translated_host,
}
EVERYTHING = [kinds for size in range(5) for kinds in combinations([name for name in CHANGES if name], size)]


@pytest.mark.parametrize("compare", WAYS)
@pytest.mark.parametrize("kinds", EVERYTHING, ids=lambda kinds: ", ".join(kinds) or "as recorded")
def test_the_loss_between_two_points_is_the_truth_packet_for_packet(
    recording: Recording, kinds: tuple[str, ...], compare: str
) -> None:
    """The dropping rule's own counter is the truth, whatever was done to the clock and to the packets of one side."""
    order = ["behind NAT", "in VXLAN", "3 s ahead", "50 ppm fast"]
    change = one_after_another(*(CHANGES[kind] for kind in order if kind in kinds))
    changed = [change(time_ns, octets) for time_ns, octets in records(recording.right)]
    found = WAYS[compare]([recording.left.read_bytes(), pcap(changed, nanoseconds=True)])

    assert recording.dropped > 50
    assert sum(stretch.lost for stretch in found.stretches) == recording.dropped
    assert {stretch.first[0] for stretch in found.stretches if stretch.lost} == {"a", "b"}
    assert all(len(stretch.frames) == min(stretch.lost, 16) for stretch in found.stretches)


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


def test_what_is_lost_is_missing_at_the_points_behind_too_while_they_listen() -> None:
    path = Path3().both_ways(200)
    for _ in range(7):
        path.pass_by("a")
    path.both_ways(200)
    one, two, three = path.captures()
    short = [(packet[0], octets) for packet, octets in zip(three.packets, three.octets, strict=True)][: 2 * 150]

    assert [count.behind for count in losing([one, two, three])] == [(("c", three.origin.interface),)]
    assert [count.behind for count in losing([one, two, capture(short, "c")])] == [()]


def losing(captures: Sequence[Capture]) -> list[PairCount]:
    return [found for found in compare_captures(captures) if isinstance(found, PairCount) and found.lost]


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


def udp_flow(port: int, seconds: range, points: str, each: int = 5) -> list[tuple[str, Timed]]:
    """A flow of datagrams from one port, so many in each second, and the points at which they pass."""
    found = []
    for number in range(each * len(seconds)):
        sent = START + (seconds[0] * each + number) * SECOND // each + port * MS
        body = udp(port.to_bytes(2, "big") + number.to_bytes(4, "big") * 5, port, 6000)
        for late, point in enumerate(points):
            packet = ipv4(body, 17, "10.1.0.1", "10.2.0.1", ttl=60 - late, number=1000 * port + number & 0xFFFF)
            found.append((point, (sent + late * 100_000, ethernet(packet))))
    return found


def pairs_plain(files: Sequence[bytes]) -> list[PairCount | Caveat]:
    named = zip("ab", files, strict=True)
    return list(compare_captures([read_capture(io.BytesIO(file), origin(name, name)) for name, file in named]))


def pairs_compiled(files: Sequence[bytes]) -> list[PairCount | Caveat]:
    return list(compare_bulk([io.BytesIO(file) for file in files], [origin(name, name) for name in "ab"]))


Pairs = Callable[[Sequence[bytes]], list[PairCount | Caveat]]
both_engines = pytest.mark.parametrize("compare", [pairs_plain, pairs_compiled])


def strange_and_lost(compare: Pairs, *flows: list[tuple[str, Timed]]) -> tuple[int, int]:
    seen: dict[str, list[Timed]] = {"a": [], "b": []}
    for point, packet in (one for flow in flows for one in flow):
        seen[point].append(packet)
    files = [pcap(sorted(packets), nanoseconds=True) for packets in seen.values()]
    found = [pair for pair in compare(files) if isinstance(pair, PairCount)]
    return sum(pair.strange for pair in found), sum(pair.lost for pair in found)


@both_engines
def test_flows_that_one_point_never_shows_while_others_pass_are_strangers_to_it(compare: Pairs) -> None:
    """Routers spread flows over equal ways: a capture on one of them shows some flows, whole, and others never."""
    passing, beside = udp_flow(1, range(20), "ab"), udp_flow(2, range(20), "a")
    strange, lost = strange_and_lost(compare, passing, beside)
    assert strange == lost > 90

    broken = [*udp_flow(3, range(10), "ab"), *udp_flow(3, range(10, 15), "a"), *udp_flow(3, range(15, 20), "ab")]
    assert strange_and_lost(compare, passing, broken) == (0, 25)
    strange, lost = strange_and_lost(compare, passing, beside, broken)
    assert 90 < strange == lost - 25


@pytest.mark.parametrize("compare", WAYS)
def test_it_is_told_what_may_have_gone_another_way(compare: str) -> None:
    seen: dict[str, list[Timed]] = {"a": [], "b": []}
    for point, packet in (*udp_flow(1, range(20), "ab"), *udp_flow(2, range(20), "a")):
        seen[point].append(packet)
    summary = WAYS[compare]([pcap(sorted(packets), nanoseconds=True) for packets in seen.values()])
    (told,) = [caveat for caveat in summary.caveats if "another way they may have gone it" in caveat.reason]
    assert (told.file, told.count) == ("b.pcap", sum(stretch.lost for stretch in summary.stretches))


@both_engines
def test_flows_that_fail_together_or_after_many_that_came_are_no_strangers(compare: Pairs) -> None:
    def short(number: int, points: str) -> list[tuple[str, Timed]]:
        return udp_flow(100 + number, range(number, number + 1), points)

    outage = [short(number, "a" if 10 <= number < 15 else "ab") for number in range(20)]
    assert strange_and_lost(compare, *outage) == (0, 25)
    others = udp_flow(1, range(30), "ab")  # these pass all the while: a filter may have picked the rest
    filtered = [short(number, "a" if 15 <= number < 20 else "ab") for number in range(30)]
    assert strange_and_lost(compare, others, *filtered) == (0, 25)


@both_engines
@pytest.mark.parametrize("answered", [True, False])
def test_where_pings_are_answered_without_coming_by_a_point_all_went_another_way(
    compare: Pairs, answered: bool
) -> None:
    """After a failover: nobody answers datagrams, but what passes them is answered; the answers pass both points."""
    points = TwoPoints().talk(1500)
    for number in range(40):
        points.datagram(number).ping(number)
    points.now += 2 * SECOND
    for number in range(40, 540):
        points.datagram(number, at="a")
        if answered:
            points.ping(number, at="a", answered="ab")
        else:
            points.data(at="a")  # acknowledged later: another copy of it, as like as not
    points.now += 5 * SECOND
    points.talk(1500)
    found = [pair for pair in compare(points.files()) if isinstance(pair, PairCount) and pair.lost]
    datagrams = [pair for pair in found if pair.protocol == "udp"]
    assert sum(pair.lost for pair in datagrams) == 500
    assert sum(pair.strange for pair in datagrams) == (500 if answered else 0)


@both_engines
@pytest.mark.parametrize("blind", [True, False])
def test_what_an_analyser_that_could_not_keep_up_leaves_out_is_not_lost(compare: Pairs, blind: bool) -> None:
    """Half a second is missing in it, data and acknowledgements alike; where a link fails, nothing comes from beyond.

    Nobody answers an acknowledgement, so that nothing but the silence tells that it was not lost.
    """
    points = TwoPoints().talk(1500)
    for _ in range(5):
        for number in range(250):
            points.datagram(number, at="a")
            if blind:
                points.datagram(number, back=True, at="a")
            else:
                points.now += MS
        points.talk(300)
    lost = sum(pair.lost for pair in compare(points.files()) if isinstance(pair, PairCount))
    assert lost == (0 if blind else 5 * 250)


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
    assert lossy.display_filter == "frame.number in {201..204}"
    assert lossy.delay_median_ms == pytest.approx(0.1, abs=0.01)
    assert [clock.file for clock in found.clocks] == ["a.pcap", "b.pcap", "c.pcap"]


def test_a_packet_that_the_middle_point_alone_does_not_show_was_missed_by_its_capture() -> None:
    path = Path3().both_ways(100)
    for _ in range(5):
        path.pass_by("ac").both_ways(3)
    found = summarise_comparison(path.both_ways(100).captures())
    figures = {(one.first[0], one.second[0]): (one.lost, one.not_compared) for one in found.stretches}

    assert figures["a", "b"] == (0, 5)
    assert figures["b", "c"] == (0, 0)
    assert [(caveat.file, caveat.count) for caveat in found.caveats if "before and after" in caveat.reason] == [
        ("b.pcap", 5)
    ]


def test_of_a_capture_with_drops_of_its_own_the_least_loss_is_told() -> None:
    path = Path3().both_ways(100)
    for _ in range(7):
        path.pass_by("a")
    one, two, three = path.both_ways(100).captures()
    lossy = replace(two, interfaces=(replace(two.interfaces[0], dropped=5),))
    found = summarise_comparison([one, lossy, three])
    (stretch,) = [one for one in found.stretches if (one.first[0], one.second[0]) == ("a", "b")]

    assert (stretch.sent, stretch.lost, stretch.not_compared) == (0, 0, 207)
    assert stretch.delay_median_ms == pytest.approx(0.1, abs=0.01)
    assert any("dropped 5: at least 2 were lost" in caveat.reason and caveat.count == 7 for caveat in found.caveats)


def test_sequence_numbers_that_a_firewall_moves_do_not_hide_the_packets() -> None:
    """As some firewalls do: each direction's numbers moved by a constant, and the acknowledgements of them back."""
    left: list[Timed] = []
    right: list[Timed] = []
    for number in range(200):
        time_ns = START + number * 10 * MS
        for back in (False, True):
            sequence, answer = (5000, 1000 + 10 * number) if back else (1000 + 10 * number, 5000)
            payload = b"" if back else bytes(10)
            ports, ends = ((80, 4000), ("10.0.0.2", "10.0.0.1")) if back else ((4000, 80), ("10.0.0.1", "10.0.0.2"))
            moved = (sequence, answer + 2**31) if back else (sequence + 2**31, answer)
            here = tcp(*ports, sequence, answer, 0x18, payload)
            there = tcp(*ports, *moved, 0x18, payload)
            if number % 50 != 7 or back:
                first, second = (right, left) if back else (left, right)
                body, other = (there, here) if back else (here, there)
                first.append(
                    (time_ns + back * MS, ethernet(ipv4(body, 6, *ends, number=2 * number + back + 1, ttl=64)))
                )
                second.append(
                    (
                        time_ns + back * MS + 90_000,
                        ethernet(ipv4(other, 6, *ends, number=2 * number + back + 1, ttl=63)),
                    )
                )
            else:
                left.append((time_ns, ethernet(ipv4(here, 6, *ends, number=2 * number + 1, ttl=64))))
    found = summarise_comparison([capture(sorted(left), "left"), capture(sorted(right), "right")])

    assert {one.first[0]: (one.sent, one.lost) for one in found.stretches} == {
        "left": (200, 4),
        "right": (200, 0),
    }
    assert any("sequence numbers" in caveat.reason for caveat in found.caveats)
