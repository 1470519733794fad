"""Every TCP segment is judged as Wireshark judges it, packet for packet."""

from __future__ import annotations

import random
import struct

from attribution.packets.judgement import judge_capture, shown_by_wireshark
from attribution.packets.tcp_health import (
    DUPLICATE_ACK,
    FAST_RETRANSMISSION,
    KEEP_ALIVE,
    KEEP_ALIVE_ACK,
    LOST_SEGMENT,
    OUT_OF_ORDER,
    RETRANSMISSION,
    REUSED_PORTS,
    SPURIOUS_RETRANSMISSION,
    WINDOW_FULL,
    WINDOW_UPDATE,
    ZERO_WINDOW,
    ZERO_WINDOW_PROBE,
    ZERO_WINDOW_PROBE_ACK,
)
from tests.packets.making import START, Timed, capture, ethernet, icmp_error, ipv4, ipv6, tcp, udp

MS = 1_000_000


class Talk:
    """A connection told line by line: who sends which octets when."""

    def __init__(self) -> None:
        self.now = START
        self.packets: list[Timed] = []

    def client(self, sequence: int, length: int = 0, acknowledgement: int = 500, **how: int) -> Talk:
        return self._send(True, sequence, length, acknowledgement, **how)

    def server(self, acknowledgement: int, sequence: int = 500, length: int = 0, **how: int) -> Talk:
        return self._send(False, sequence, length, acknowledgement, **how)

    def _send(
        self, forward: bool, sequence: int, length: int, acknowledgement: int, after: int = MS, flags: int = 0x10,
        window: int = 1000,
    ) -> Talk:  # fmt: skip
        self.now += after
        ports = (1000, 80) if forward else (80, 1000)
        ends = ("10.0.0.1", "10.0.0.2") if forward else ("10.0.0.2", "10.0.0.1")
        segment = tcp(*ports, sequence, acknowledgement, flags, bytes(length), window)
        self.packets.append((self.now, ethernet(ipv4(segment, 6, *ends))))
        return self

    def shaken(self) -> Talk:
        """After a handshake with a round trip of 10 ms."""
        return (
            self.client(99, acknowledgement=0, flags=2).server(100, 499, flags=0x12, after=5 * MS)
            .client(100, after=5 * MS)
        )  # fmt: skip

    @property
    def last(self) -> int:
        return judge_capture(capture(self.packets)).health[-1]


def test_octets_sent_again_after_a_timeout() -> None:
    assert Talk().shaken().client(100, 100).client(100, 100, after=300 * MS).last == RETRANSMISSION


def test_octets_sent_again_though_acknowledged() -> None:
    talk = Talk().shaken().client(100, 100).server(200).client(100, 100, after=300 * MS)
    assert talk.last == RETRANSMISSION | SPURIOUS_RETRANSMISSION


def test_octets_sent_again_upon_duplicate_acknowledgements() -> None:
    talk = Talk().shaken().server(100).client(200, 100)
    for _ in range(3):
        talk.server(100)
    assert talk.last == DUPLICATE_ACK
    assert talk.client(100, 50).last == RETRANSMISSION | FAST_RETRANSMISSION


def test_a_segment_overtaken_by_the_next() -> None:
    talk = Talk().shaken().client(200, 100)
    assert talk.last == LOST_SEGMENT
    assert talk.client(100, 50).last == OUT_OF_ORDER


def test_a_reader_that_stops_is_probed_and_reads_on() -> None:
    talk = Talk().shaken().client(100, 100).server(200, window=0)
    assert talk.last == ZERO_WINDOW
    assert talk.client(200, 1, after=300 * MS).last == ZERO_WINDOW_PROBE
    assert talk.server(200, window=0).last == ZERO_WINDOW_PROBE_ACK | ZERO_WINDOW
    assert talk.server(200, window=900).last == WINDOW_UPDATE


def test_a_full_window() -> None:
    assert Talk().shaken().server(100, window=100).client(100, 100).last == WINDOW_FULL


def test_a_connection_kept_alive() -> None:
    talk = Talk().shaken().client(100, 100).server(200).client(199, after=60_000 * MS)
    assert talk.last == KEEP_ALIVE
    assert talk.server(200).last == KEEP_ALIVE_ACK


def test_ports_used_again() -> None:
    assert Talk().shaken().client(7000, acknowledgement=0, flags=2).last == REUSED_PORTS


A, B = "10.0.0.1", "10.0.0.2"
LONG = tcp(1000, 80, 100, 500, payload=bytes(1000))


def fragment(datagram: bytes, start: int, end: int, protocol: int = 6, number: int = 7) -> bytes:
    """Octets start to end of an IP datagram's payload, as a fragment of it."""
    more = 0x2000 if end < len(datagram) else 0
    return ethernet(ipv4(datagram[start:end], protocol, A, B, number=number, fragment=start // 8 | more))


def judged(*frames: bytes) -> tuple[list[int], list[int]]:
    """Health and connection of frames that come 300 milliseconds apart, after a segment that ends at 100."""
    before = ethernet(ipv4(tcp(1000, 80, 99, 0, 2), 6, A, B))
    found = judge_capture(capture([(START + 300 * MS * at, octets) for at, octets in enumerate((before, *frames))]))
    return found.health[1:], found.stream[1:]


def test_a_segment_in_fragments_is_judged_where_the_last_of_them_comes() -> None:
    pieces = [fragment(LONG, 0, 400), fragment(LONG, 400, 800), fragment(LONG, 800, len(LONG))]
    again = ethernet(ipv4(LONG, 6, A, B))

    assert judged(*pieces, again) == ([0, 0, 0, RETRANSMISSION], [-1, -1, 0, 0])
    assert judged(*reversed(pieces), again) == ([0, 0, 0, RETRANSMISSION], [-1, -1, 0, 0])
    assert judged(*pieces[:2], again) == ([0, 0, 0], [-1, -1, 0])


def test_a_header_that_itself_is_cut_into_fragments_is_put_together() -> None:
    pieces = [fragment(LONG, 8 * at, 8 * at + 8) for at in range(4)] + [fragment(LONG, 32, len(LONG))]
    health, stream = judged(*pieces, ethernet(ipv4(LONG, 6, A, B)))

    assert (health[-1], stream) == (RETRANSMISSION, [-1, -1, -1, -1, 0, 0])


def test_a_tunnel_whose_packets_are_cut_into_fragments_is_looked_through() -> None:
    inner = ipv4(LONG, 6, A, B)
    carried = udp(struct.pack(">BBHI", 0x30, 255, len(inner), 9) + inner, 2152, 2152)
    pieces = [fragment(carried, 0, 800, 17), fragment(carried, 800, len(carried), 17)]

    assert judged(*pieces, ethernet(inner)) == ([0, 0, RETRANSMISSION], [-1, 0, 0])


def test_fragments_of_ipv6() -> None:
    segment = tcp(1000, 80, 100, 500, payload=bytes(1000))
    pieces = [
        ethernet(ipv6(struct.pack(">BBHI", 6, 0, start | more, 7) + segment[start:end], 44), 0x86DD)
        for start, end, more in ((0, 512, 1), (512, len(segment), 0))
    ]

    assert judged(*pieces, ethernet(ipv6(segment, 6), 0x86DD)) == ([0, 0, RETRANSMISSION], [-1, 1, 1])


def test_fragments_that_never_become_whole_take_no_more_room() -> None:
    strangers = [fragment(LONG, 0, 400, number=number) for number in range(1000)]
    pieces = [fragment(LONG, 0, 400), *strangers[8:40], fragment(LONG, 400, len(LONG))]

    assert judged(*strangers, *pieces)[1][-1] == 0
    assert judged(fragment(LONG, 0, 400), *strangers[8:], fragment(LONG, 400, len(LONG)))[1][-1] == -1


def test_an_error_that_quotes_a_connection_is_the_first_to_name_it() -> None:
    quoted = ipv4(tcp(2000, 80, 100, 500), 6, A, B)
    error = ethernet(ipv4(icmp_error(3, 1, bytes(28))[:8] + quoted, 1, B, A))
    other, same = (ethernet(ipv4(tcp(port, 80, 100, 500), 6, A, B)) for port in (3000, 2000))

    assert judged(error, other, same)[1] == [-1, 2, 1]


def test_an_error_that_quotes_selective_acknowledgements_names_no_connection_but_theirs() -> None:
    """The quoted segment's own blocks must not be taken for its addresses."""
    blocks = b"\x05\x0a" + (700).to_bytes(4) + (800).to_bytes(4)
    segment = ipv4(tcp(2000, 80, 100, 500, options=blocks), 6, A, B)
    error = ethernet(ipv4(icmp_error(3, 1, bytes(28))[:8] + segment, 1, B, A))
    other = ethernet(ipv4(tcp(3000, 80, 100, 500), 6, A, B))

    assert judged(ethernet(segment), error, other)[1] == [1, -1, 2]


def test_a_header_that_contradicts_itself_names_a_connection_and_no_more() -> None:
    damaged = bytearray(ethernet(ipv4(tcp(1000, 80, 100, 500), 6, A, B)))
    damaged[46] = 0xF0

    assert judged(bytes(damaged), ethernet(ipv4(LONG, 6, A, B))) == ([0, 0], [0, 0])


def test_wireshark_shows_nothing_of_a_segment_whose_options_are_cut() -> None:
    options = b"\x08\x0a" + bytes(8)
    again = ethernet(ipv4(tcp(1000, 80, 100, 500, payload=bytes(100), options=options), 6, A, B))
    cut = capture([(START, again), (START + 300 * MS, again)], snap=60)
    found = judge_capture(cut)

    assert found.health == [0, RETRANSMISSION]
    assert shown_by_wireshark(cut, found) == [0, 0]


def test_numbers_exactly_half_the_space_apart_are_both_ahead_and_behind() -> None:
    """Serial arithmetic leaves this open (RFC 1982 §3.2); Wireshark takes either side for the greater."""
    talk = Talk().shaken().client(100, 100).client(200 + 2**31, 100, after=300 * MS)
    assert talk.last == LOST_SEGMENT | RETRANSMISSION | SPURIOUS_RETRANSMISSION


def random_connections(seed: int, count: int) -> list[Timed]:
    """Connections that break every custom: numbers ahead and behind, windows shut, flags and pauses at random."""
    chance = random.Random(seed)
    now, packets = START, []
    pauses = (10_000, 100_000, MS, 2_500_000, 5 * MS, 19 * MS, 30 * MS, 300 * MS)
    habits = [0x10] * 12 + [0x18] * 4 + [0x11, 0x04, 0x14, 0x02, 0x12, 0x00]
    for connection in range(count):
        port = 1024 + connection
        start = [chance.randrange(2**32) if chance.random() < 0.2 else chance.randrange(1000, 90000) for _ in "12"]
        ends, window = list(start), [chance.choice([0, 100, 500, 1000]) for _ in "12"]
        sent: list[tuple[int, int, int]] = []
        if chance.random() < 0.6:
            sent = [(0, 0x02, 0), (1, 0x12, 0), (0, 0x10, 0)]
        sent += [
            (chance.randrange(2), chance.choice(habits), chance.choice([0, 0, 0, 1, 10, 100, 100]))
            for _ in range(chance.randrange(4, 18))
        ]
        for side, flags, length in sent:
            now += chance.choice(pauses)
            sequence = ends[side] + chance.choice([0] * 18 + [-1, -1, -10, -100, -101, -200, 10, 100])
            acknowledgement = ends[1 - side] + chance.choice([0] * 14 + [-1, -10, -100, -200, 1, 10, 100])
            options = b"\3\3" + bytes([chance.choice([0, 1, 7])]) if flags & 2 and chance.random() < 0.7 else b""
            if flags & 2 and chance.random() < 0.8:
                sequence = start[side]
            if chance.random() < 0.3:
                window[side] = chance.choice([0, 0, 100, 500, 1000])
            ports = (port, 80) if side == 0 else (80, port)
            hosts = ("10.0.0.1", "192.0.2.2") if side == 0 else ("192.0.2.2", "10.0.0.1")
            segment = tcp(
                *ports, sequence, acknowledgement if flags & 0x10 else 0, flags, bytes(length), window[side], options
            )
            packets.append((now, ethernet(ipv4(segment, 6, *hosts))))
            ends[side] = max(ends[side], sequence + length + (1 if flags & 3 else 0))
    return packets
