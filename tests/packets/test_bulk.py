"""Compiled code says of a large capture what plain Python says of a small one."""

from __future__ import annotations

import gzip
import io
import random
from pathlib import Path

import pytest

from attribution.model.capture import CaptureSummary
from attribution.packets import read_capture
from attribution.packets.bulk.engine import BulkReader
from attribution.packets.bulk.reading import array_ledger, read_large
from attribution.packets.compression import read_pieces
from attribution.packets.judgement import judge_capture
from attribution.packets.summary import summarise_capture, summary_of
from attribution.packets.survey import survey_capture
from tests.packets.making import (
    START,
    Timed,
    beside_other_traffic,
    enhanced,
    ethernet,
    interface,
    ipv4,
    ipv6,
    origin,
    pcap,
    section,
    tcp,
    vlan,
)
from tests.packets.test_decode import WRAPPED
from tests.packets.test_tcp_health import random_connections


def bulk_health(data: bytes) -> list[tuple[int, int]]:
    bulk = BulkReader("tap.pcap", read_pieces(io.BytesIO(data)))
    ledger = array_ledger()
    found: list[tuple[int, int]] = []
    for batch in bulk.batches():
        assert ledger.judge(batch)
        found += zip(batch.health[: batch.count].tolist(), batch.duplicates[: batch.count].tolist(), strict=True)
    return found


def plain_health(data: bytes) -> list[tuple[int, int]]:
    judged = judge_capture(read_capture(data, origin()))
    return [
        (health, count if health & 16 else 0) for health, count in zip(judged.health, judged.duplicates, strict=True)
    ]


MIXED: list[Timed] = [
    (START + number * 1000, octets)
    for number, octets in enumerate(
        [octets for link, octets, _ in WRAPPED.values() if link == 1] * 3
        + [ethernet(ipv6(tcp(sequence=number % 3, payload=b"abc"), 6), 0x86DD) for number in range(9)]
        + [ethernet(vlan(ipv4(tcp(sequence=number % 4, payload=b"abc"), 6), 7), 0x8100) for number in range(9)]
        + [b"", b"x" * 13]
    )
]


@pytest.mark.parametrize("packets", [random_connections(7, 300), MIXED], ids=["connections", "tunnels"])
def test_every_segment_is_judged_alike(packets: list[Timed]) -> None:
    data = pcap(packets, nanoseconds=True)

    assert bulk_health(data) == plain_health(data)
    assert bulk_health(gzip.compress(data)) == plain_health(data)


def test_damaged_packets_are_judged_alike() -> None:
    """Compiled code reads past no end and mistakes nothing, whatever the octets."""
    chance = random.Random(11)
    packets: list[Timed] = []
    whole = [octets for link, octets, _ in WRAPPED.values() if link == 1]
    for number in range(5000):
        octets = bytearray(chance.choice(whole))
        for _ in range(chance.randrange(5)):
            octets[chance.randrange(len(octets))] = chance.choice([0, 255, chance.randrange(256)])
        kept = chance.randrange(len(octets) + 1) if chance.random() < 0.4 else len(octets)
        packets.append((START + number * 1000, bytes(octets[:kept])))
    data = pcap(packets, nanoseconds=True)

    assert bulk_health(data) == plain_health(data)


def test_pcapng_with_unusual_blocks_in_between() -> None:
    data = section() + interface() + interface(options=b"\x09\0\x01\0\x03\0\0\0")
    for number, (time_ns, octets) in enumerate(random_connections(3, 20)):
        data += enhanced(time_ns // 1000, octets) if number % 3 else enhanced(time_ns // 10**6, octets, number=1)
        if number % 10 == 9:
            data += section() + interface() + interface(options=b"\x09\0\x01\0\x03\0\0\0")

    assert bulk_health(data) == plain_health(data)


def summarise_large(data: bytes, flows: int) -> CaptureSummary:
    return summary_of(survey_capture(*read_large(read_pieces(io.BytesIO(data)), None, origin())), flows)


def test_the_figures_of_a_summary_are_the_same() -> None:
    data = pcap(random_connections(5, 200), nanoseconds=True)
    small = summarise_capture(data, origin(), flows=300)
    large = summarise_large(data, 300)

    assert large == small
    assert small.health[0].display_filter == "tcp.analysis.retransmission"
    assert small.flows[0].display_filter.startswith("tcp.stream eq ")


def test_a_host_that_counts_all_that_it_sends_loses_as_little_in_a_large_capture() -> None:
    data = pcap(beside_other_traffic(60), nanoseconds=True)
    large = summarise_large(data, 300)

    assert large == summarise_capture(data, origin(), flows=300)
    assert all(not flow.forward.lost_upstream for flow in large.flows)


def test_a_cut_file_is_read_up_to_the_cut() -> None:
    data = pcap(random_connections(5, 20), nanoseconds=True)[:-7]
    large = summarise_large(data, 3)

    assert large.truncated
    assert large.packets == summarise_capture(data, origin()).packets


def test_recorded_incidents() -> None:
    for file in sorted(Path(__file__).parents[2].joinpath("pcaps").glob("*/captures/*.pcap*"))[:3]:
        data = file.read_bytes()

        assert bulk_health(data) == plain_health(data)
