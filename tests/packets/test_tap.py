"""One capture point tells what was lost before it and what beyond it."""

from __future__ import annotations

import io
import random
from collections import Counter
from pathlib import Path

import pytest

from attribution.model.observation import CaptureCoverage, TapCount, TapLoad
from attribution.packets import Capture, observe_capture, read_capture
from attribution.packets.columns import ACK, FIN, FLAGS, LENGTH, RST, SYN
from attribution.packets.comparison import Comparison
from tests.packets.conftest import Recording, record
from tests.packets.making import (
    SECOND,
    START,
    Timed,
    beside_other_traffic,
    capture,
    echo,
    ethernet,
    ipv4,
    ipv6,
    origin,
    tcp,
    udp,
)
from tests.packets.network import ONE, TWO

MS = SECOND // 1000
ACCEPTS, REFUSES = SYN | ACK, RST | ACK


def totals(found: Capture, source: str, protocol: str = "tcp") -> Counter[str]:
    total: Counter[str] = Counter()
    for tap in observe_capture(found):
        if isinstance(tap, TapCount) and tap.source == source and tap.protocol == protocol:
            total += Counter(
                sent=tap.sent, upstream=tap.lost_upstream, downstream=tap.lost_downstream, unanswered=tap.unanswered
            )
    return total


def segments(numbers: list[tuple[int, int, int]]) -> list[Timed]:
    """(milliseconds, sequence number, IP identification) of segments of 100 octets from the client."""
    return [
        (START + ms * MS, ethernet(ipv4(tcp(sequence=sequence, payload=bytes(100)), 6, number=number)))
        for ms, sequence, number in numbers
    ]


def acknowledgements(numbers: list[tuple[int, int]]) -> list[Timed]:
    return [
        (START + ms * MS, ethernet(ipv4(tcp(80, 1000, 1, number), 6, "10.0.0.2", "10.0.0.1", number=900 + place)))
        for place, (ms, number) in enumerate(numbers)
    ]


def test_a_segment_that_passes_twice_was_lost_beyond() -> None:
    sent = segments([(0, 100, 1), (1, 200, 2), (2, 300, 3), (3, 400, 4), (300, 200, 5), (310, 500, 6)])
    heard = acknowledgements([(4, 200), (5, 200), (6, 200), (305, 500), (311, 600)])

    assert totals(capture(sorted(sent + heard)), "10.0.0.1") == Counter(sent=6, downstream=1)


def test_a_gap_that_is_filled_later_was_lost_before() -> None:
    sent = segments([(0, 100, 1), (2, 300, 3), (3, 400, 4), (300, 200, 5), (310, 500, 6)])
    heard = acknowledgements([(4, 200), (5, 200), (6, 200), (305, 500), (311, 600)])

    assert totals(capture(sorted(sent + heard)), "10.0.0.1") == Counter(sent=6, upstream=1)


@pytest.mark.parametrize("connections", [2, 3])
def test_numbers_that_several_connections_share_are_not_missing_in_each(connections: int) -> None:
    """Windows counts all packets to one address together."""
    taken = random.Random(4)
    sent, sequence = [], [100] * connections
    for number in range(1, 400):
        which = taken.randrange(connections)
        segment = tcp(1000 + which, sequence=sequence[which], payload=bytes(100))
        sent.append((START + 5 * number * MS, ethernet(ipv4(segment, 6, number=number))))
        answer = tcp(80, 1000 + which, 1, sequence[which] + 100)
        heard = ethernet(ipv4(answer, 6, "10.0.0.2", "10.0.0.1", number=9000 + number))
        sent.append((START + 5 * number * MS + MS, heard))
        sequence[which] += 100

    assert totals(capture(sent), "10.0.0.1") == Counter(sent=399)


def test_numbers_that_a_host_s_other_packets_have_are_not_missing_in_its_connection() -> None:
    """Windows, routers and others count pings and datagrams with their segments (RFC 6864 leaves it open)."""
    assert totals(capture(beside_other_traffic(60)), "10.0.0.1") == Counter(sent=180)


def test_numbers_that_a_host_s_other_packets_have_may_stand_in_the_file_after_it() -> None:
    """A capture on several queues or interfaces writes packets of a moment in another order."""
    late = [
        (time_ns + 402 * MS if octets[23] == 17 else time_ns, octets)
        for time_ns, octets in beside_other_traffic(60)
    ]  # fmt: skip
    assert totals(capture(sorted(late)), "10.0.0.1") == Counter(sent=180)


def test_a_host_that_counts_all_it_sends_still_shows_which_octets_never_came() -> None:
    never_came, not_answered = START + 10_001 * MS, START + 10_010 * MS
    sent = [(time_ns, octets) for time_ns, octets in beside_other_traffic(60) if time_ns != not_answered]
    place = next(n for n, (time_ns, _) in enumerate(sent) if time_ns == never_came)
    _, lost = sent.pop(place)
    sent.append((START + 10_300 * MS, lost[:18] + b"\x13\x88" + lost[20:]))  # again, under another number

    assert totals(capture(sorted(sent)), "10.0.0.1") == Counter(sent=181, upstream=1)


def test_connections_that_count_for_themselves_still_tell_what_never_came() -> None:
    """Two connections side by side, each with numbers of its own; of the second a segment is repeated and only then
    comes by: its number tells that one before it was lost."""
    one, other = (
        [
            (
                START + (10 * place + shift) * MS,
                ethernet(ipv4(tcp(port, sequence=100 * place + 100, payload=bytes(100)), 6, number=first + place)),
            )
            for place in range(20)
        ]
        for port, shift, first in ((1000, 0, 10), (1001, 5, 30000))
    )
    del other[7]
    again = ethernet(ipv4(tcp(1001, sequence=800, payload=bytes(100)), 6, number=30020))
    found = totals(capture(sorted([*one, *other, (START + 400 * MS, again)])), "10.0.0.1")

    assert (found["sent"], found["upstream"]) == (41, 1)


def test_a_straggler_was_overtaken_and_not_lost() -> None:
    sent = segments([(0, 100, 1), (2, 300, 3), (3, 200, 2), (4, 400, 4), (310, 500, 6 - 1)])
    heard = acknowledgements([(5, 500), (311, 600)])

    assert totals(capture(sorted(sent + heard)), "10.0.0.1") == Counter(sent=5)


def test_octets_acknowledged_though_they_never_passed_went_another_way() -> None:
    sent = segments([(0, 100, 1), (2, 300, 3), (3, 400, 4), (4, 500, 5)])
    heard = acknowledgements([(5, 600)])

    assert totals(capture(sorted(sent + heard)), "10.0.0.1") == Counter(sent=4)


def test_copies_lost_in_a_silence_are_counted_by_the_senders_numbers() -> None:
    sent = segments([(place, 100 + 100 * place, 1 + place) for place in range(8)] + [(1500, 900, 13), (1501, 1000, 14)])
    heard = acknowledgements([(8, 900), (1502, 1100)])

    assert totals(capture(sorted(sent + heard)), "10.0.0.1") == Counter(sent=14, upstream=4)


def test_what_nothing_ever_answered_is_not_laid_at_one_directions_door() -> None:
    sent = segments([(0, 100, 1), (1, 200, 2), (201, 200, 3), (601, 200, 4), (1401, 200, 5)])
    heard = acknowledgements([(1, 200)])
    later = [(START + 9 * SECOND, ethernet(ipv4(echo(8, 1, 1), 1)))]

    assert totals(capture(sorted(sent + heard) + later), "10.0.0.1") == Counter(sent=5, unanswered=4)


def test_an_echo_without_reply_and_one_that_never_came() -> None:
    packets: list[Timed] = []
    for number in range(20):
        if number == 7:
            continue
        now = START + number * 100 * MS
        packets.append((now, ethernet(ipv4(echo(8, 9, number), 1, number=number))))
        if number != 12:
            packets.append((now + MS, ethernet(ipv4(echo(0, 9, number), 1, "10.0.0.2", "10.0.0.1"))))
    packets.append((START + 9 * SECOND, ethernet(ipv4(udp(), 17))))

    assert totals(capture(packets), "10.0.0.1", "icmp") == Counter(sent=20, upstream=1, downstream=1)


def test_a_question_without_an_answer() -> None:
    packets: list[Timed] = []
    for number in range(6):
        now = START + number * 100 * MS
        packets.append((now, ethernet(ipv4(udp(b"?", 4000 + number, 53), 17))))
        if number != 2:
            packets.append((now + MS, ethernet(ipv4(udp(b"!", 53, 4000 + number), 17, "10.0.0.2", "10.0.0.1"))))
    packets.append((START + 9 * SECOND, ethernet(ipv4(udp(), 17))))

    assert totals(capture(packets), "10.0.0.1", "udp") == Counter(sent=6, downstream=1)


def test_an_answer_is_to_the_last_of_the_questions_that_were_asked_again() -> None:
    """Whoever asks again from the same port does so because the ones before brought nothing: those were lost, and not
    the one that was answered."""
    asked = [START + second * SECOND for second in (0, 5, 10)]
    packets = [(now, ethernet(ipv4(udp(b"?", 4000, 53), 17))) for now in asked]
    packets.append((asked[-1] + 30 * MS, ethernet(ipv4(udp(b"!", 53, 4000), 17, "10.0.0.2", "10.0.0.1"))))
    packets.append((START + 19 * SECOND, ethernet(ipv4(udp(), 17))))
    found = [one for one in observe_capture(capture(packets)) if isinstance(one, TapCount) and one.protocol == "udp"]

    assert [(one.time_ns, one.sent, one.lost_downstream) for one in found] == [
        (asked[0], 1, 1), (asked[1], 1, 1), (asked[2], 1, 0),
    ]  # fmt: skip


def test_requests_to_which_no_answer_ever_came_by_here_may_have_been_answered_another_way() -> None:
    pings = [(START + number * 100 * MS, ethernet(ipv4(echo(8, 9, number), 1, number=number))) for number in range(6)]
    questions = [(START + number * 100 * MS + MS, ethernet(ipv4(udp(b"?", 4000, 53), 17))) for number in range(6)]
    end = [(START + 9 * SECOND, ethernet(ipv4(udp(), 17)))]
    found = capture(sorted(pings + questions) + end)

    assert totals(found, "10.0.0.1", "icmp") == Counter(sent=6, unanswered=6)
    assert totals(found, "10.0.0.1", "udp") == Counter(sent=6, unanswered=6)


def test_a_traceroute_is_no_series_of_pings() -> None:
    packets = [(START + ttl * MS, ethernet(ipv4(echo(8, 9, ttl), 1, ttl=ttl, number=ttl))) for ttl in range(1, 12)] + [
        (START + 9 * SECOND, ethernet(ipv4(udp(), 17)))
    ]

    assert totals(capture(packets), "10.0.0.1", "icmp") == Counter()


def opening(ms: int, port: int, server: int = 80, *, answer: int | None = ACCEPTS) -> list[Timed]:
    """A client's SYN from a port and, ten milliseconds later, the server's answer by its flags."""
    asked = (START + ms * MS, ethernet(ipv4(tcp(port, server, flags=SYN), 6, number=1 + ms)))
    if answer is None:
        return [asked]
    back = tcp(server, port, 900, 2, flags=answer)
    return [asked, (START + (ms + 10) * MS, ethernet(ipv4(back, 6, "10.0.0.2", "10.0.0.1")))]


def test_connections_that_a_server_leaves_unanswered_after_others_were_lost() -> None:
    taken = [packet for n in range(4) for packet in opening(1000 * n, 4000 + n)]
    in_vain = [packet for n in range(4, 7) for packet in opening(1000 * n, 4000 + n, answer=None)]
    later = opening(9000, 4009)

    found = capture([*taken, *in_vain, *later])
    assert totals(found, "10.0.0.1", "tcp-syn") == Counter(sent=8, downstream=3)
    lossy = [seen for seen in observe_capture(found) if isinstance(seen, TapCount) and seen.protocol == "tcp-syn"]
    assert [tap.locator for tap in lossy if tap.lost_downstream] == ["frame 9", "frame 10", "frame 11"]


def test_a_refusal_answers_a_connection() -> None:
    taken = [*opening(0, 4000), *opening(1000, 4001, answer=REFUSES), *opening(2000, 4002, answer=None)]
    assert totals(capture([*taken, *opening(5000, 4003)]), "10.0.0.1", "tcp-syn") == Counter(sent=4, downstream=1)


def test_a_port_that_never_answers_is_filtered_and_loses_nothing() -> None:
    asked = [packet for n in range(6) for packet in opening(1000 * n, 4000 + n, server=81, answer=None)]
    taken = [packet for n in range(9) for packet in opening(1000 * n + 500, 5000 + n)]
    assert totals(capture(sorted([*asked, *taken])), "10.0.0.1", "tcp-syn") == Counter()


def test_a_connection_that_had_no_time_to_be_answered_is_not_counted() -> None:
    in_vain = [*opening(1000, 4001, answer=None), *opening(2500, 4002, answer=None)]
    begun = capture([*opening(0, 4000), *in_vain, *opening(3000, 4003)])
    assert totals(begun, "10.0.0.1", "tcp-syn") == Counter(sent=3, downstream=1)


def test_of_a_connection_that_came_about_in_the_end_only_its_segments_were_lost() -> None:
    again = [*opening(0, 4000, answer=None), *opening(1100, 4000)]
    found = capture([*again, *opening(2000, 4001, answer=None), *opening(5000, 4002)])
    assert totals(found, "10.0.0.1", "tcp-syn") == Counter(sent=3, downstream=1)
    assert totals(found, "10.0.0.1")["downstream"] == 1


def used(ms: int, port: int, reset: tuple[int, bool] | None = None, server: int = 5432) -> list[Timed]:
    """A connection with a question and its answer, and a second later a second question. That is reset, with a time to
    live and in the name of the server, or of the client; or answered."""
    there, back = ("10.0.0.1", "10.0.0.2"), ("10.0.0.2", "10.0.0.1")
    said = [
        (0, there, tcp(port, server, 100, 0, SYN), 64), (10, back, tcp(server, port, 900, 101, ACCEPTS), 60),
        (20, there, tcp(port, server, 101, 901, ACK), 64),
        (30, there, tcp(port, server, 101, 901, ACK, b"?" * 40), 64),
        (40, back, tcp(server, port, 901, 141, ACK, b"!" * 40), 60),
        (1040, there, tcp(port, server, 141, 941, ACK, b"?" * 40), 64),
    ]  # fmt: skip
    if reset is None:
        said.append((1050, back, tcp(server, port, 941, 181, ACK, b"!" * 40), 60))
    elif reset[1]:
        said.append((1041, back, tcp(server, port, 941, 181, RST | ACK), reset[0]))
    else:
        said.append((1041, there, tcp(port, server, 181, 941, RST | ACK), reset[0]))
    return [
        (START + (ms + at) * MS, ethernet(ipv4(body, 6, *ends, ttl=ttl, number=ms + at + 1)))
        for at, ends, body, ttl in said
    ]


def test_connections_that_another_device_cuts_off_in_the_servers_name_are_counted() -> None:
    whole = [packet for turn in range(6) for packet in used(2000 * turn, 4000 + turn)]
    cut = [packet for turn in range(6, 9) for packet in used(2000 * turn, 4000 + turn, (255, True))]
    elsewhere = used(100, 5000, server=443)
    found = capture(sorted([*whole, *cut, *elsewhere]))

    assert totals(found, "10.0.0.1", "tcp-cut") == Counter(sent=9 + 3, downstream=3)
    counts = [one for one in observe_capture(found) if isinstance(one, TapCount) and one.protocol == "tcp-cut"]
    assert [one.time_ns for one in counts if one.lost_downstream] == [START + s * SECOND for s in (13, 15, 17)]


@pytest.mark.parametrize("reset", [(60, True), (61, True), (255, False)], ids=["its own", "by another way", "client's"])
def test_what_an_end_cuts_off_itself_or_in_the_clients_name_is_not(reset: tuple[int, bool]) -> None:
    packets = [packet for turn in range(6) for packet in used(2000 * turn, 4000 + turn, reset if turn > 3 else None)]
    assert totals(capture(packets), "10.0.0.1", "tcp-cut") == Counter()


def test_when_the_point_listened() -> None:
    found = capture([(START, ethernet(ipv4(udp(), 17))), (START + SECOND, ethernet(ipv4(udp(), 17)))])
    (coverage,) = [seen for seen in observe_capture(found) if isinstance(seen, CaptureCoverage)]

    assert (coverage.time_ns, coverage.end_ns, coverage.packets, coverage.dropped) == (START, START + SECOND, 2, 0)


def check_against_the_other_side(recording: Recording, tolerance: float) -> None:
    """Loss seen from one side alone, against the packets that the two sides together prove lost.

    The sender's numbers tell of lost acknowledgements too; and what a host itself drops, beyond the farther capture, is
    beyond the nearer one as well.
    """
    left, right = (
        read_capture(io.BytesIO(file.read_bytes()), origin(name, name))
        for file, name in ((recording.left, "left"), (recording.right, "right"))
    )
    least, most = Counter[int](), Counter[int]()
    for instances in Comparison([left, right]).flows.values():
        for instance in instances:
            if len(instance.stops) == 1:
                most[instance.stops[0].capture] += 1
                if instance.packet[LENGTH] or instance.packet[FLAGS] & (SYN | FIN):
                    least[instance.stops[0].capture] += 1
    there_near, there_far = totals(left, ONE), totals(right, ONE)
    back_near, back_far = totals(right, TWO), totals(left, TWO)
    for direction, near, far in ((0, there_near, there_far), (1, back_near, back_far)):
        slack = max(8, tolerance * least[direction])  # a lost duplicate SACK cannot take its loss back
        beyond_near = near["downstream"] + near["unanswered"] - far["downstream"] - far["unanswered"]
        assert least[direction] - slack <= beyond_near <= least[direction] + slack
        assert least[direction] - slack <= far["upstream"] <= most[direction] + slack


def loads(found: Capture) -> list[tuple[str, int, int]]:
    return [(tap.source, tap.packets, tap.octets) for tap in observe_capture(found) if isinstance(tap, TapLoad)]


def test_all_that_passed_is_counted_as_load_whatever_its_protocol_and_whether_anybody_answered() -> None:
    one_way = [(START + ms * MS, ethernet(ipv4(udp(bytes(1000)), 17, number=1 + ms))) for ms in range(50)]
    sent = segments([(60 + place, 100 + 100 * place, 1000 + place) for place in range(10)])
    heard = acknowledgements([(75, 1100)])
    later = [(START + 2 * SECOND, ethernet(ipv4(udp(bytes(1000)), 17, number=99)))]

    segment, datagram = 14 + 20 + 20 + 100, 14 + 20 + 8 + 1000
    assert loads(capture(one_way + sent + heard + later)) == [
        ("10.0.0.1", 60, 50 * datagram + 10 * segment), ("10.0.0.2", 1, 54), ("10.0.0.1", 1, datagram)
    ]  # fmt: skip


def test_what_a_mirror_port_shows_twice_is_no_more_load() -> None:
    once = [(START + ms * MS, ethernet(ipv4(udp(bytes(1000)), 17, number=1 + ms))) for ms in range(50)]
    twice = sorted(once + [(time + 20_000, data) for time, data in once])
    assert loads(capture(twice)) == loads(capture(once)) != []


def going_round(rounds: int) -> list[Timed]:
    """Packets that two routers send to each other; the capture is on the link between them, and sees both ways."""
    return [
        (START + (number * 20 + hop // 2) * MS + hop % 2 * 300_000, ethernet(octets, 0x0800, 2 + hop % 2, 3 - hop % 2))
        for number in range(40)
        for hop in range(2 * rounds)
        for octets in [ipv4(udp(bytes(100)), 17, number=1 + number, ttl=60 - hop)]
    ]


def test_packets_that_go_round_in_a_loop_are_no_mirror_s_copies() -> None:
    found = capture(going_round(10))

    assert (found.copies, found.caveats) == (frozenset(), ())


def test_what_a_mirror_port_shows_twice_of_packets_that_go_round_is_copied_all_the_same() -> None:
    once = going_round(3)
    twice = capture(sorted(once + [(time + 20_000, data) for time, data in once]))

    assert len(twice.copies) == len(once)


def test_the_two_ports_of_a_router_show_each_packet_twice() -> None:
    way = [
        (START + (10 * number + hop // 4) * MS, ethernet(ipv4(udp(bytes(100)), 17, number=1 + number, ttl=60 - hop)))
        for number in range(40)
        for hop in range(2)
    ]
    assert len(capture(way).copies) == 40


@pytest.mark.parametrize("version", [4, 6])
def test_what_a_mirror_port_shows_twice_was_not_sent_twice(version: int) -> None:
    """IPv6 numbers no packets: there the sequence numbers and timestamps tell a copy, of acknowledgements too."""
    stamps = b"\1\1\x08\n" + bytes(8)
    ends = ("10.0.0.1", "10.0.0.2") if version == 4 else ("fd00::1", "fd00::2")
    pack = ipv4 if version == 4 else ipv6
    kind = 0x0800 if version == 4 else 0x86DD
    once = []
    for turn in range(60):
        data = tcp(sequence=100 + 100 * turn, payload=bytes(100), options=stamps)
        heard = tcp(80, 1000, 1, 200 + 100 * turn, options=stamps)
        once.append((START + 2 * turn * MS, ethernet(pack(data, 6, *ends), kind)))
        once.append((START + (2 * turn + 1) * MS, ethernet(pack(heard, 6, *ends[::-1]), kind)))
    shown = capture(sorted(once + [(time + 20_000, data) for time, data in once[::3]] + [once[1]]))

    assert totals(shown, ends[0]) == totals(capture(once), ends[0]) == Counter(sent=60)
    assert [caveat.count for caveat in shown.caveats] == [41]


def test_one_point_alone_comes_close_to_the_truth(recording: Recording) -> None:
    check_against_the_other_side(recording, 0.03)


@pytest.mark.parametrize("loss", [0.1])
def test_one_point_alone_at_heavy_loss(tmp_path: Path, loss: float) -> None:
    check_against_the_other_side(record(tmp_path, loss), 0.06)
