"""Every TCP segment is judged as Wireshark judges it, packet for packet."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from attribution.packets import read_capture
from attribution.packets.columns import LAYER_OPTIONS_CUT, LAYERS
from attribution.packets.judgement import judge_capture
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
from tests.packets import tshark
from tests.packets.conftest import Recording
from tests.packets.making import START, Timed, capture, ethernet, ipv4, origin, pcap, tcp

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


def judged_by_us(file: Path) -> tshark.Judged:
    found = read_capture(io.BytesIO(file.read_bytes()), origin())
    judged = judge_capture(found)
    return {
        index + 1: (health, str(number) if health & DUPLICATE_ACK else "")
        for index, (health, number) in enumerate(zip(judged.health, judged.duplicates, strict=True))
        if health and not found.packets[index][LAYERS] & LAYER_OPTIONS_CUT  # tshark keeps silent about those
    }


@pytest.mark.skipif(tshark.missing is not None, reason=str(tshark.missing))
@pytest.mark.parametrize("seed", [1, 2])
def test_connections_that_break_every_custom(tmp_path: Path, seed: int) -> None:
    file = tmp_path / "random.pcap"
    file.write_bytes(pcap(random_connections(seed, 1500), nanoseconds=True))

    assert judged_by_us(file) == tshark.judged_by_tshark(file)


@pytest.mark.skipif(tshark.missing is not None, reason=str(tshark.missing))
def test_real_connections_over_a_lossy_path(recording: Recording) -> None:
    for file in (recording.left, recording.right):
        ours = judged_by_us(file)

        assert ours == tshark.judged_by_tshark(file)
        assert sum(health & RETRANSMISSION for health, _ in ours.values()) > 10


RECORDED = sorted(Path(__file__).parents[2].joinpath("pcaps").glob("*/captures/*.pcap*"))[:6]


@pytest.mark.skipif(tshark.missing is not None, reason=str(tshark.missing))
@pytest.mark.parametrize("file", RECORDED, ids=lambda file: f"{file.parents[1].name}/{file.name}")
def test_recorded_incidents(file: Path) -> None:
    assert judged_by_us(file) == tshark.judged_by_tshark(file)
