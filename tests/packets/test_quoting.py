"""Cited packets are shown as a packet list with their neighbours, and no octets on the wire can break that."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.model.dossier import Excerpt
from attribution.model.quotation import Quotation
from attribution.packets.quoting import COLUMNS, MOST_FRAMES, quote_frames

PCAPS = Path(__file__).parent.parent.parent / "pcaps"
RECORDED = PCAPS / "customer-edge-crash" / "captures" / "pe1-GigabitEthernet0_0_1.pcapng.zst"
NANOSECONDS = 1_000_000_000


def pcap(packets: list[bytes], link_type: int = 1) -> bytes:
    """One packet a second, from second 1,000,000 on."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type)
    records = (struct.pack("<IIII", 1_000_000 + n, 250, len(p), len(p)) + p for n, p in enumerate(packets))
    return head + b"".join(records)


def ipv4(protocol: int, payload: bytes) -> bytes:
    frame = bytes.fromhex("020000000002 020000000001 0800".replace(" ", ""))
    ends = bytes([10, 0, 0, 1, 10, 0, 0, 2])
    return frame + struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, 0, 63, protocol, 0) + ends + payload


def tcp(flags: int, source: int = 50000, destination: int = 80, data: bytes = b"") -> bytes:
    return ipv4(6, struct.pack(">HHIIBBHHH", source, destination, 11, 22, 0x50, flags, 512, 0, 0) + data)


def quote(content: bytes, *frames: int) -> Excerpt | None:
    asked = Quotation("e1", "a.pcap", f"frame {frames[0]}", frames=frames, display_filter="tcp")
    return next(quote_frames(io.BytesIO(content), [asked]), None)


def cited(excerpt: Excerpt | None) -> dict[str, str]:
    assert excerpt is not None
    row = next(row for row in excerpt.rows if row.cited)
    return dict(zip(COLUMNS, row.cells, strict=True))


def test_a_packet_has_its_number_times_ends_protocol_length_and_gist() -> None:
    shown = cited(quote(pcap([tcp(2), tcp(2), tcp(0x12)]), 3))

    assert shown == {
        "No.": "3", "UTC": "13:46:42.000250", "Time": "2.000000", "Source": "10.0.0.1", "Destination": "10.0.0.2",
        "Protocol": "TCP", "Length": "54", "Info": "50000 → 80 [SYN, ACK] Seq=11 Ack=22 Win=512 Len=0",
    }  # fmt: skip


def test_neighbours_are_shown_and_told_from_the_cited() -> None:
    excerpt = quote(pcap([tcp(2)] * 9), 4, 7)

    assert excerpt is not None
    assert [(row.number, row.cited) for row in excerpt.rows] == [
        (3, False), (4, True), (5, False), (6, False), (7, True), (8, False),
    ]  # fmt: skip
    assert excerpt.display_filter == "tcp"


def test_of_too_many_frames_the_rest_is_counted() -> None:
    excerpt = quote(pcap([tcp(2)] * 90), *range(1, 91))

    assert excerpt is not None
    assert excerpt.omitted == 90 - sum(row.cited for row in excerpt.rows)
    assert len(excerpt.rows) <= 3 * MOST_FRAMES


def test_a_frame_that_is_not_there_is_not_quoted() -> None:
    assert quote(pcap([tcp(2)]), 5) is None


def test_a_capture_that_breaks_off_gives_what_lies_before() -> None:
    broken = gzip.compress(pcap([tcp(2)] * 5))[:-12]

    assert quote(broken, 1) is not None
    assert quote(b"no capture at all", 1) is None


ECHO = struct.pack(">BBHHH", 8, 0, 0, 0x2000, 5)
UNREACHABLE = struct.pack(">BBHI", 3, 1, 0, 0) + tcp(2)[14:]
NOTIFICATION = b"\xff" * 16 + struct.pack(">HBBB", 21, 3, 6, 2)
ERROR = ipv4(1, UNREACHABLE)
CEASE = tcp(0x18, 179, data=NOTIFICATION)
BFD = struct.pack(">HHHH", 49152, 3784, 32, 0) + bytes([0x21, 0x40, 3, 24]) + bytes(20)


@pytest.mark.parametrize(
    ("packet", "protocol", "info"),
    [
        (ipv4(1, ECHO), "ICMP", "Echo (ping) request id=0x2000, seq=5, ttl=63"),
        (
            ipv4(1, UNREACHABLE),
            "ICMP",
            "Destination unreachable (host unreachable): 10.0.0.1 → 10.0.0.2 TCP 50000 → 80",
        ),
        (
            tcp(0x18, 179, data=NOTIFICATION),
            "BGP",
            "NOTIFICATION 6/2, 179 → 80 [PSH, ACK] Seq=11 Ack=22 Win=512 Len=21",
        ),
        (ipv4(17, BFD), "BFD", "49152 → 3784 Len=24, Down, detection time expired"),
        (ipv4(89, bytes([2, 1]) + bytes(42)), "OSPF", "Hello"),
        (
            bytes.fromhex("ffffffffffff 020000000001 0806 0001 0800 06 04 0001".replace(" ", ""))
            + bytes([2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 9]),
            "ARP",
            "Who has 10.0.0.9? Tell 10.0.0.1",
        ),
    ],
)
def test_protocols_say_what_they_say(packet: bytes, protocol: str, info: str) -> None:
    shown = cited(quote(pcap([packet]), 1))

    assert (shown["Protocol"], shown["Info"]) == (protocol, info)


def test_what_hosts_carry_is_not_shown() -> None:
    excerpt = quote(pcap([tcp(0x18, data=b"password=hunter2 " * 9)]), 1)

    assert excerpt is not None
    assert not [line for row in excerpt.rows for line in row.detail if "hunter2" in line or "passw" in line]


def test_the_layers_of_a_recorded_packet_are_told() -> None:
    with RECORDED.open("rb") as stream:
        (excerpt,) = quote_frames(stream, [Quotation("e1", "file", "frame 3", frames=(3,))])
    detail = next(row for row in excerpt.rows if row.cited).detail

    assert [line.split(":")[0] for line in detail[:5]] == ["Frame 3", "Link", "IPv4", "TCP", "Options"]
    assert "time to live 1" in detail[2]


def test_each_of_several_quotations_has_its_own_packets() -> None:
    asked = [Quotation(f"e{frame}", "file", f"frame {frame}", frames=(frame,)) for frame in (2, 8, 5)]
    excerpts = list(quote_frames(io.BytesIO(pcap([tcp(2)] * 9)), asked))

    assert [(e.evidence, [row.number for row in e.rows if row.cited]) for e in excerpts] == [
        ("e2", [2]), ("e8", [8]), ("e5", [5]),
    ]  # fmt: skip


@given(st.binary(max_size=120), st.sampled_from([0, 1, 12, 101, 105, 113, 127, 276, 9999]))
def test_any_octets_can_be_shown(octets: bytes, link_type: int) -> None:
    excerpt = quote(pcap([octets], link_type), 1)

    assert excerpt is not None
    assert len(excerpt.rows[0].cells) == len(COLUMNS)


@given(st.data())
def test_any_damage_to_a_packet_can_be_shown(data: st.DataObject) -> None:
    packet = bytearray(data.draw(st.sampled_from([ERROR, CEASE, ipv4(17, BFD)])))
    for _ in range(data.draw(st.integers(1, 4))):
        packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(packet)))

    assert quote(pcap([bytes(packet[:cut])]), 1) is not None


@given(st.binary(max_size=300))
def test_no_file_raises_an_error(content: bytes) -> None:
    quote(content, 1)
