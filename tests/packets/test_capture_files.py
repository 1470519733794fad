"""Every capture file opens, or is refused with the reason; a cut tail costs only the tail."""

from __future__ import annotations

import gzip
import io
import random
import struct

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.errors import CaptureError
from attribution.packets import Capture, read_capture
from attribution.packets.columns import TIME, WIRE
from attribution.packets.compression import read_pieces
from tests.packets.making import (
    SECOND,
    START,
    block,
    enhanced,
    ethernet,
    interface,
    ipv4,
    option,
    origin,
    pcap,
    section,
    tcp,
)

FRAMES = [(START + number * 1_234_567_000, ethernet(ipv4(tcp(sequence=number), 6))) for number in range(5)]


def read(data: bytes) -> Capture:
    return read_capture(io.BytesIO(data), origin())


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap_of_either_byte_order_and_resolution(order: str, nanoseconds: bool) -> None:
    found = read(pcap(FRAMES, order=order, nanoseconds=nanoseconds))

    assert [packet[TIME] for packet in found.packets] == [time_ns for time_ns, _ in FRAMES]
    assert found.octets == tuple(octets for _, octets in FRAMES)
    assert found.caveats == ()


def test_pcap_with_the_modified_record_header() -> None:
    assert len(read(pcap(FRAMES, modified=True)).packets) == 5


def with_longer_headers(extra: int, *, modified: bool) -> bytes:
    """A file whose records have `extra` more octets in their headers than its first octets promise."""
    data = pcap(FRAMES, modified=modified)
    header = 24 if modified else 16
    pieces, at = [data[:24]], 24
    while at < len(data):
        pieces += [data[at : at + header], b"\x7f" * extra, data[at + header : at + header + len(FRAMES[0][1])]]
        at += header + len(FRAMES[0][1])
    return b"".join(pieces)


@pytest.mark.parametrize(
    ("extra", "modified"), [(8, False), (4, False), (4, True)], ids=["Red Hat 6.1", "Nokia", "SuSE 6.3"]
)
def test_pcap_with_longer_headers_than_its_first_octets_promise(extra: int, modified: bool) -> None:
    found = read(with_longer_headers(extra, modified=modified))

    assert found.octets == tuple(octets for _, octets in FRAMES)
    assert not found.truncated


def test_a_time_that_cannot_be_makes_no_other_format_of_a_file() -> None:
    data = bytearray(pcap(FRAMES))
    at = 24 + 16 + len(FRAMES[0][1]) + 4
    data[at : at + 4] = struct.pack("<I", 1_000_000)

    assert read(bytes(data)).octets == tuple(octets for _, octets in FRAMES)


def test_lengths_stood_the_other_way_round_before_version_2_3() -> None:
    data = bytearray(pcap(FRAMES, snap=54))
    data[6:8] = struct.pack("<H", 2)
    data[24 + 8 : 24 + 16] = struct.pack("<II", 60, 54)

    assert read(bytes(data)).packets[0][WIRE] == 60


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_of_either_byte_order(order: str) -> None:
    ticks = START // 1000
    found = read(section(order) + interface(order) + enhanced(ticks, FRAMES[0][1], order=order))

    assert found.packets[0][TIME] == START


@pytest.mark.parametrize(
    ("resolution", "ticks_per_second"), [(6, 10**6), (9, 10**9), (3, 10**3), (0x80 | 10, 1 << 10), (12, 10**12)]
)
def test_pcapng_time_resolution_and_offset(resolution: int, ticks_per_second: int) -> None:
    options = option(9, bytes([resolution])) + option(14, struct.pack("<q", 100))
    found = read(section() + interface(options=options) + enhanced(7 * ticks_per_second, b"x" * 60))

    assert found.packets[0][TIME] == 107 * SECOND


def test_pcapng_with_several_sections_interfaces_and_old_blocks() -> None:
    ticks = START // 1000
    old = struct.pack("<HHIIII", 0, 3, ticks >> 32, ticks & 0xFFFFFFFF, 60, 60) + bytes(60)
    data = (
        section(options=option(1, b"why it was taken"))
        + interface(options=option(2, b"eth7"))
        + interface(link=101)
        + enhanced(ticks, ipv4(tcp(), 6), number=1)
        + block(3, struct.pack("<I", 60) + bytes(60))
        + block(2, old)
        + block(4, struct.pack("<HH", 1, 9) + b"\x0a\0\0\1box\0\0" + bytes(3) + struct.pack("<HH", 0, 0))
        + block(5, struct.pack("<III", 0, 0, 0) + option(4, struct.pack("<Q", 9)) + option(5, struct.pack("<Q", 4)))
        + block(0x0BAD, b"a block of the future")
        + section(">")
        + interface(">", link=101)
        + enhanced(ticks, ipv4(tcp(), 6), order=">")
    )
    found = read(data)

    assert len(found.packets) == 4
    assert found.comments == ("why it was taken",)
    assert [one.name for one in found.interfaces] == ["eth7", "", ""]
    assert found.dropped == 4


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_compressed_files(compress: object) -> None:
    assert len(read(compress(pcap(FRAMES))).packets) == 5  # type: ignore[operator]


def test_gzip_of_several_members_and_zstd_of_several_frames() -> None:
    data = pcap(FRAMES)
    for compress in (gzip.compress, zstandard.ZstdCompressor().compress):
        assert len(read(compress(data[:100]) + compress(data[100:])).packets) == 5


def test_a_few_octets_that_stand_for_many_come_in_pieces() -> None:
    """What decompresses a thousandfold and more is never held as a whole."""
    endless = zstandard.ZstdCompressor().compress(bytes(200_000_000))
    largest = max(len(piece) for piece in read_pieces(io.BytesIO(endless)))

    assert len(endless) < 20_000
    assert largest < 100_000_000


class Pipe(io.BytesIO):
    """Gives an octet or two at a time, whatever is asked for."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(2 if size is None or size > 2 or size < 0 else size)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_pipe_that_gives_a_few_octets_at_a_time(compress: object) -> None:
    found = read_capture(Pipe(compress(pcap(FRAMES))), origin())  # type: ignore[operator]

    assert len(found.packets) == 5


def test_of_a_damaged_gzip_file_all_is_read_that_comes_before_the_damage() -> None:
    noise = random.Random(2)
    data = pcap([(START, noise.randbytes(200)) for _ in range(1000)])
    damaged = bytearray(gzip.compress(data))
    damaged[len(damaged) // 2 :] = b"\xff" * (len(damaged) - len(damaged) // 2)
    found = read(bytes(damaged))

    assert 480 <= len(found.packets) <= 520
    assert found.truncated


def test_times_that_no_clock_shows_are_taken_for_zero_and_said_so() -> None:
    options = option(14, struct.pack("<q", 2**62))
    found = read(section() + interface(options=options) + enhanced(7_000_000, b"x" * 60) + enhanced(2**63, b"y" * 60))

    assert [packet[TIME] for packet in found.packets] == [7 * SECOND, 0]
    assert next(caveat.reason for caveat in found.caveats).startswith("some times are hundreds of years off")


def test_more_interfaces_than_anyone_has_end_the_file() -> None:
    found = read(section() + interface() * 70_000)

    assert len(found.interfaces) == 65_536
    assert found.truncated


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_truncated_tail_costs_the_tail_and_a_caveat(compress: object) -> None:
    noise = random.Random(1)
    frames = [(START, noise.randbytes(200)) for _ in range(1000)]
    whole: bytes = compress(pcap(frames))  # type: ignore[operator]
    found = read(whole[:-20])

    assert 500 <= len(found.packets) < 1000
    assert found.truncated
    assert any("everything before it was read" in caveat.reason for caveat in found.caveats)


def test_a_record_that_claims_too_much_ends_the_file() -> None:
    found = read(pcap(FRAMES) + struct.pack("<IIII", 0, 0, 1 << 30, 1 << 30))

    assert len(found.packets) == 5
    assert found.truncated


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"hello, this is a letter and no capture", "begins with 68 65"),
        (b"\xd4\xc3\xb2\xa1", "first header"),
        (b"snoop\0\0\0" + bytes(40), "snoop"),
        (b"PK\x03\x04" + bytes(40), "zip"),
    ],
)
def test_what_is_no_capture_is_refused_with_the_reason(data: bytes, word: str) -> None:
    with pytest.raises(CaptureError, match=word) as refused:
        read(data)
    assert refused.value.place == "tap.pcap"
    assert "pcap" in refused.value.expected


def test_a_link_type_that_nobody_knows_keeps_its_packets_and_says_so() -> None:
    found = read(pcap(FRAMES, link=147))

    assert len(found.packets) == 5
    assert [(caveat.reason, caveat.count) for caveat in found.caveats] == [("link type 147 is not understood", 5)]


def test_file_order_and_time_order_are_both_kept() -> None:
    found = read(pcap([FRAMES[2], FRAMES[0], FRAMES[1]]))

    assert list(found.in_time()) == [1, 2, 0]
    assert found.packets[0][TIME] == FRAMES[2][0]
    assert any("order of time" in caveat.reason for caveat in found.caveats)


def test_the_stated_clock_offset_is_added() -> None:
    found = read_capture(io.BytesIO(pcap(FRAMES)), origin(clock_offset_ns=-2 * SECOND))

    assert found.packets[0][TIME] == START - 2 * SECOND


@given(st.lists(st.tuples(st.integers(0, 2**32 * SECOND - 1), st.binary(max_size=80)), max_size=20))
def test_what_was_written_is_read(packets: list[tuple[int, bytes]]) -> None:
    found = read(pcap(packets, nanoseconds=True))

    assert [packet[TIME] for packet in found.packets] == [time_ns for time_ns, _ in packets]
    assert list(found.octets) == [octets for _, octets in packets]


WHOLE_FILES = [
    pcap(FRAMES),
    gzip.compress(pcap(FRAMES)),
    zstandard.ZstdCompressor().compress(pcap(FRAMES)),
    section() + interface() + enhanced(START // 1000, FRAMES[0][1]) + enhanced(START // 1000, FRAMES[1][1]),
]


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(WHOLE_FILES),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
    st.integers(0, 400),
)
def test_damage_gives_packets_or_the_documented_error(data: bytes, changes: list[tuple[int, int]], length: int) -> None:
    damaged = bytearray(data)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    try:
        found = read(bytes(damaged[: length or None]))
    except CaptureError:
        return
    assert len(found.packets) <= 40


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_octets_give_packets_or_the_documented_error(data: bytes) -> None:
    for start in (b"", pcap([]), section() + interface()):
        try:
            read(start + data)
        except CaptureError:
            continue
