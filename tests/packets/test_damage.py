"""Packets that arrive damaged are lost: their receiver drops them, and only their checksum tells."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Dot1Q, Ether

from attribution.model.display_filters import witness_filter
from attribution.model.observation import PacketWitness, PairCount, TapCount, WitnessKind
from attribution.packets import Capture, compare_captures, observe_capture, read_capture, sums
from attribution.packets.bulk.comparison import compare_bulk
from attribution.packets.bulk.damage import from_beginning
from attribution.packets.bulk.reading import read_large
from attribution.packets.checksums import Check, check_packet
from attribution.packets.columns import NETWORK, VERSION
from attribution.packets.summary import summary_of
from attribution.packets.survey import survey_capture
from tests.packets.making import SECOND, START, Timed, capture, origin, pcap

MS = SECOND // 1000
LINK = Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:04")
CLIENT, SERVER = "10.0.0.1", "10.0.0.2"
Spoil = Callable[[bytes], bytes]

TRANSPORTS: dict[str, Any] = {
    "TCP": TCP(sport=1000, dport=80, seq=7, flags="A"),
    "UDP": UDP(sport=5000, dport=6000),
    "ICMP": ICMP(id=4, seq=9),
}
WHOLE: dict[str, Any] = {
    **{name: LINK / IP(src=CLIENT, dst=SERVER, id=9) / header / (b"xyz" * 33) for name, header in TRANSPORTS.items()},
    "TCP in a VLAN": LINK / Dot1Q(vlan=7) / IP(src=CLIENT, dst=SERVER) / TRANSPORTS["TCP"] / b"even",
    "TCP over IPv6": LINK / IPv6(src="fd00::1", dst="fd00::2") / TRANSPORTS["TCP"] / b"odd",
    "UDP over IPv6": LINK / IPv6(src="fd00::1", dst="fd00::2") / TRANSPORTS["UDP"] / b"even",
    "ICMPv6": LINK / IPv6(src="fd00::1", dst="fd00::2") / ICMPv6EchoRequest(id=4, seq=9, data=b"odd"),
    "TCP in GRE": LINK / IP(src="192.0.2.1", dst="192.0.2.2", proto=47) / b"\0\0\x08\0"
    / IP(src=CLIENT, dst=SERVER) / TRANSPORTS["TCP"] / b"odd",
}  # fmt: skip


def flipped(octets: bytes, at: int, bit: int = 3) -> bytes:
    return octets[:at] + bytes([octets[at] ^ 1 << bit]) + octets[at + 1 :]


def check(octets: bytes, snap: int = 65535) -> Check:
    seen = capture([(START, octets)], snap=snap)
    return check_packet(seen.packets[0], seen.octets[0])


@pytest.mark.parametrize("name", WHOLE)
def test_a_packet_that_came_as_it_was_sent_is_right(name: str) -> None:
    assert check(bytes(WHOLE[name])) is Check.RIGHT
    assert check(bytes(WHOLE[name]) + bytes(5)) is Check.RIGHT, "frames are padded to their least length"


@pytest.mark.parametrize("name", TRANSPORTS)
@given(at=st.integers(16, 14 + 20 + 8 + 99 - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_told_wherever_a_checksum_covers_it(name: str, at: int, bit: int) -> None:
    """From the IP header's length field on: what is no IP packet any more, or a fragment, cannot be summed up."""
    found = check(flipped(bytes(WHOLE[name]), at, bit))

    assert found.is_wrong
    assert found.value == ("IP header" if at < 34 else name)


@given(st.sampled_from(sorted(set(WHOLE) - set(TRANSPORTS))), st.data())
def test_a_flipped_bit_of_what_is_carried_is_told_in_any_wrapping(name: str, data: st.DataObject) -> None:
    octets = bytes(WHOLE[name])
    assert check(flipped(octets, data.draw(st.integers(len(octets) - 12, len(octets) - 1)))).is_wrong


@pytest.mark.parametrize("name", WHOLE)
def test_a_flipped_bit_of_the_frame_says_nothing(name: str) -> None:
    """No checksum of IP covers hardware addresses: the frame has its own."""
    assert check(flipped(bytes(WHOLE[name]), 3)) is Check.RIGHT


@pytest.mark.parametrize("name", WHOLE)
def test_a_packet_that_the_snap_length_cut_says_nothing(name: str) -> None:
    octets = bytes(WHOLE[name])
    assert check(flipped(octets, len(octets) - 3), snap=len(octets) - 1) is Check.UNKNOWN


def test_what_has_no_checksum_or_is_a_part_says_nothing() -> None:
    header = IP(src=CLIENT, dst=SERVER)
    assert check(bytes(LINK / header / UDP(chksum=0) / b"abc")) is Check.UNKNOWN
    assert check(bytes(LINK / IP(src=CLIENT, dst=SERVER, flags="MF") / UDP(chksum=7) / b"abc")) is Check.UNKNOWN
    assert check(bytes(LINK / IP(src=CLIENT, dst=SERVER, proto=99) / (b"abcdefgh" * 4))) is Check.UNKNOWN
    joined = LINK / header / TCP(chksum=7) / bytes(2896)
    assert check(bytes(joined)) is Check.UNKNOWN, "a network card joined it, or will cut it"


def pseudo_sum(size: int, counted: bool = True) -> int:
    """What Linux and Windows leave in the checksum of a segment whose sum is the card's to finish."""
    words = [0x0A00, 0x0001, 0x0A00, 0x0002, 6, size if counted else 0]
    return sum(words) % 0xFFFF


@pytest.mark.parametrize("left", [0, pseudo_sum(120), pseudo_sum(120, counted=False)])
def test_a_sum_that_is_left_to_the_card_is_unfinished(left: int) -> None:
    sent = LINK / IP(src=CLIENT, dst=SERVER) / TCP(sport=1000, dport=80, chksum=left) / bytes(100)
    assert check(bytes(sent)) is Check.UNFINISHED


DAMAGED_IN = range(20, 60, 10)


def transfer(spoil: Spoil | None = None, spoiled: Sequence[int] = DAMAGED_IN, size: int = 100) -> list[Timed]:
    """A hundred segments of so many octets and their acknowledgements; of the spoiled ones a whole copy follows, which
    is acknowledged then."""

    def built(forward: bool, sequence: int, answer: int, number: int, flags: str = "A", size: int = 0) -> bytes:
        ends: dict[str, Any] = {"src": CLIENT, "dst": SERVER} if forward else {"src": SERVER, "dst": CLIENT}
        ports: dict[str, Any] = {"sport": 1000, "dport": 80} if forward else {"sport": 80, "dport": 1000}
        header = IP(**ends, id=number, ttl=60)
        return bytes(LINK / header / TCP(**ports, seq=sequence, ack=answer, flags=flags, window=9000) / (b"d" * size))

    found = [
        (START, built(True, 99, 0, 1, "S")),
        (START + MS, built(False, 499, 100, 1, "SA")),
        (START + 2 * MS, built(True, 100, 500, 2)),
    ]
    number, spent = 3, 10
    for turn in range(100):
        left = 100 + size * turn
        segment = built(True, left, 500, number, size=size)
        if turn in spoiled and spoil is not None:
            found.append((START + spent * MS, spoil(segment)))
            number, spent = number + 1, spent + 300
            found.append((START + spent * MS, built(True, left, 500, number, size=size)))
        else:
            found.append((START + spent * MS, segment))
        found.append((START + (spent + 1) * MS, built(False, 500, left + size, turn + 2)))
        number, spent = number + 1, spent + 10
    return found


def in_payload(octets: bytes) -> bytes:
    return flipped(octets, 14 + 20 + 20 + 50)


def damage(seen: Capture) -> list[PacketWitness]:
    return [
        found
        for found in observe_capture(seen)
        if isinstance(found, PacketWitness) and found.kind is WitnessKind.DAMAGED
    ]


def test_damaged_packets_are_told_with_the_frames_that_show_them() -> None:
    seen = capture(transfer(in_payload))
    (found,) = damage(seen)

    assert (found.count, found.sender, found.about, found.code) == (4, CLIENT, SERVER, "TCP")
    assert found.detail == f"4 packets from {CLIENT} to {SERVER} arrived with a wrong TCP checksum"
    assert witness_filter(found) == f"frame.number in {{{','.join(str(index + 1) for index in sorted(seen.damaged))}}}"
    assert [caveat.count for caveat in seen.caveats] == [4]


def test_a_damaged_header_is_told_too() -> None:
    (found,) = damage(capture(transfer(lambda octets: flipped(octets, 22))))
    assert (found.count, found.code) == (4, "IP header")


def test_what_came_damaged_was_lost_before_the_point_that_shows_it() -> None:
    """Without the checksum it would have been lost beyond: it passed, and had to be sent again."""
    taps = [found for found in observe_capture(capture(transfer(in_payload))) if isinstance(found, TapCount)]
    forward = [tap for tap in taps if tap.source == CLIENT and tap.protocol == "tcp"]

    assert sum(tap.lost_upstream for tap in forward) == len(DAMAGED_IN)
    assert sum(tap.lost_downstream for tap in forward) == 0


def nearer_to_the_server(packets: Sequence[Timed]) -> list[Timed]:
    return sorted((time_ns + (MS // 10 if octets[29] == 1 else -MS // 10), octets) for time_ns, octets in packets)


def lost_on_the_way(one: Sequence[Timed], other: Sequence[Timed]) -> int:
    counts = compare_captures([capture(one, "a"), capture(nearer_to_the_server(other), "b")])
    return sum(found.lost for found in counts if isinstance(found, PairCount) and found.source == CLIENT)


def test_what_is_whole_at_the_first_point_and_damaged_at_the_second_was_lost_between_them() -> None:
    assert lost_on_the_way(transfer(lambda octets: octets), transfer(in_payload)) == len(DAMAGED_IN)


def test_what_is_damaged_at_both_points_was_lost_before_the_first() -> None:
    assert lost_on_the_way(transfer(in_payload), transfer(in_payload)) == 0


@pytest.mark.parametrize("back", [False, True], ids=["in the direction of the data", "in the direction of the answers"])
@pytest.mark.parametrize("left", [b"\x12\x34", None], ids=["with anything there", "with the pseudo-header's sum there"])
def test_a_sender_whose_card_does_the_sums_tells_nothing(back: bool, left: bytes | None) -> None:
    """All of its packets are wrong where it was captured; what came to it is right."""

    def unfinished(octets: bytes) -> bytes:
        size = len(octets) - 34
        return octets[:50] + (left or pseudo_sum(size).to_bytes(2, "big")) + octets[52:]

    sender = bytes([10, 0, 0, 2 if back else 1])
    packets = [
        (time_ns, unfinished(octets) if octets[26:30] == sender else octets) for time_ns, octets in transfer()
    ]
    assert not capture(packets).damaged


def test_a_card_that_sums_up_the_data_only_tells_nothing() -> None:
    packets = [
        (time_ns, in_payload(octets) if len(octets) > 100 else octets)
        for time_ns, octets in transfer()
    ]  # fmt: skip
    assert not capture(packets).damaged


def test_damage_shows_among_packets_whose_sums_are_left_to_the_card() -> None:
    """As where a laboratory's network emulator corrupts packets that no card has finished."""

    def unfinished(octets: bytes) -> bytes:
        return octets[:50] + pseudo_sum(len(octets) - 34).to_bytes(2, "big") + octets[52:]

    packets = [
        (time_ns, octets if number % 20 == 9 else unfinished(octets)) for number, (time_ns, octets) in
        enumerate(transfer())
    ]  # fmt: skip
    spoiled = [
        (time_ns, in_payload(octets) if number % 20 == 9 and len(octets) > 100 else octets)
        for number, (time_ns, octets) in enumerate(packets)
    ]
    assert len(capture(spoiled).damaged) == 10
    assert not capture(packets).damaged


CODES = {
    Check.UNKNOWN: sums.UNKNOWN, Check.RIGHT: sums.RIGHT, Check.UNFINISHED: sums.UNFINISHED,
    Check.WRONG_IP: sums.WRONG_HEADER,
}  # fmt: skip


@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_what_is_summed_up_word_by_word_is_what_is_summed_up_at_once(name: str, data: st.DataObject) -> None:
    """Where packets are read by the million no packet is summed up as a whole."""
    octets = bytes(WHOLE[name])
    for _ in range(data.draw(st.integers(0, 2))):
        octets = flipped(octets, data.draw(st.integers(0, len(octets) - 1)), data.draw(st.integers(0, 7)))
    seen = capture([(START, octets)], snap=data.draw(st.integers(20, 200)))
    packet, kept = seen.packets[0], seen.octets[0]
    if packet[VERSION]:
        told = sums.check_sums(kept, packet[NETWORK], len(kept), packet[VERSION])
        assert told == CODES.get(check_packet(packet, kept), sums.WRONG_TRANSPORT)


def large_transfer(spoil: Spoil) -> bytes:
    """Three transfers after each other, one with damage, of segments so long that only a share is looked at first."""
    whole, spoiled = transfer(size=1400), transfer(spoil, range(5, 95, 3), size=1400)
    last = max(time_ns for time_ns, _ in spoiled) - START + SECOND
    moved = [(time_ns + 2 * last, octets) for time_ns, octets in renamed(whole, 2)]
    return pcap([*spoiled, *((time_ns + last, octets) for time_ns, octets in renamed(whole, 1)), *moved])


def renamed(packets: Sequence[Timed], port: int) -> list[Timed]:
    """The same under another port of the client's; the sums are made anew."""
    found = []
    for time_ns, octets in packets:
        built = Ether(octets)
        header = built[TCP]
        header.sport, header.dport = (port + header.sport, 80) if header.dport == 80 else (80, port + header.dport)
        del header.chksum
        found.append((time_ns, bytes(built)))
    return found


@pytest.mark.parametrize(
    "spoil", [in_payload, lambda octets: flipped(octets, 22)], ids=["in the payload", "in the IP header"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_large_capture_tells_of_damage_what_a_small_one_does(spoil: Spoil, packed: bool) -> None:
    data = large_transfer(spoil)
    small = summary_of(survey_capture(read_capture(data, origin())))
    stream = io.BytesIO(gzip.compress(data) if packed else data)
    large = summary_of(survey_capture(*read_large(*from_beginning(stream), origin(), stream)))

    (found,) = [witness for witness in small.witnesses if witness.kind is WitnessKind.DAMAGED]
    assert found.count == 30
    assert large == replace(small, format=large.format)


def test_of_a_capture_that_can_be_read_once_only_it_is_told_that_checksums_were_wrong() -> None:
    data = large_transfer(in_payload)
    found, _ = read_large([data], None, origin())

    assert not found.damaged
    (told,) = found.caveats
    assert "can be read twice" in told.reason


def test_large_captures_that_are_compared_miss_what_came_damaged() -> None:
    files = [
        pcap(transfer(lambda octets: octets), nanoseconds=True),
        pcap(nearer_to_the_server(transfer(in_payload)), nanoseconds=True),
    ]
    counts = compare_bulk([io.BytesIO(file) for file in files], [origin(name, name) for name in "ab"])
    assert sum(found.lost for found in counts if isinstance(found, PairCount)) == len(DAMAGED_IN)


def test_a_few_packets_alone_tell_nothing() -> None:
    """Of a sender of whom hardly anything else is seen, nobody knows what its packets usually look like."""
    assert not capture(transfer(in_payload, range(3))[:12]).damaged
