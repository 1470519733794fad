"""Capture files of every byte order and resolution, made here by hand."""

from __future__ import annotations

import struct

import pytest

from tests.transform.addresses import AddressMap
from tests.transform.frames import FrameNames
from tests.transform.packets import NANOSECONDS, count_frames, cut_capture, rename_capture, shift_capture

FRAME = bytes.fromhex("ffffffffffff001b540000010806") + bytes.fromhex(
    "0001080006040001001b540000010a0102030000000000000a010204"
)
NAMES = FrameNames(AddressMap("captures"), {})
MAGICS = {("<", 1000): "d4c3b2a1", (">", 1000): "a1b2c3d4", ("<", 1): "4d3cb2a1", (">", 1): "a1b23c4d"}


def pcap(order: str, tick_ns: int, times_ns: list[int]) -> bytes:
    """A pcap file of the same frame at these times."""
    content = bytes.fromhex(MAGICS[order, tick_ns]) + struct.pack(order + "HHiIII", 2, 4, 0, 0, 128, 1)
    for time_ns in times_ns:
        seconds, rest = divmod(time_ns, NANOSECONDS)
        content += struct.pack(order + "IIII", seconds, rest // tick_ns, len(FRAME), len(FRAME)) + FRAME
    return content


def block(order: str, kind: int, body: bytes) -> bytes:
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def option(order: str, code: int, value: bytes) -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def pcapng(order: str, resolution: bytes, ticks: list[int], name: bytes = b"eth0") -> bytes:
    """A pcapng file of the same frame at these ticks of its only interface."""
    content = block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    options = option(order, 2, name) + option(order, 9, resolution) + bytes(4)
    content += block(order, 1, struct.pack(order + "HHI", 1, 0, 128) + options)
    for tick in ticks:
        head = struct.pack(order + "IIIII", 0, tick >> 32, tick & 0xFFFFFFFF, len(FRAME), len(FRAME))
        comment = option(order, 1, b"seen at ce1") + bytes(4)
        content += block(order, 6, head + FRAME + bytes(-len(FRAME) % 4) + comment)
    return content


@pytest.mark.parametrize(("order", "tick_ns"), MAGICS)
def test_a_pcap_is_shifted_exactly(order: str, tick_ns: int) -> None:
    times = [1_795_396_109_999_999_000, 1_795_396_110_000_001_000]
    later = pcap(order, tick_ns, [time + 2_500_000_000 for time in times])
    assert shift_capture(pcap(order, tick_ns, times), 2_500_000_000) == later


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("resolution", "per_second"), [(b"\x06", 10**6), (b"\x09", 10**9), (b"\x94", 2**20)])
def test_a_pcapng_is_shifted_in_its_own_resolution(order: str, resolution: bytes, per_second: int) -> None:
    ticks = [1_795_396_109 * per_second + 7, 1_795_396_110 * per_second]
    later = pcapng(order, resolution, [tick + 60 * per_second for tick in ticks])
    assert shift_capture(pcapng(order, resolution, ticks), 60 * NANOSECONDS) == later


@pytest.mark.parametrize("content", [pcap(">", 1, [1, 2, 3]), pcapng("<", b"\x09", [1, 2, 3])], ids=["pcap", "pcapng"])
def test_frames_are_renamed_and_counted(content: bytes) -> None:
    renamed = rename_capture(content, NAMES, lambda words: words.replace("ce1", "zz9").replace("eth0", "eth47"))
    assert count_frames(renamed) == count_frames(content) == 3
    assert bytes.fromhex("0a010203") not in renamed
    assert bytes.fromhex("001b54000001") not in renamed
    assert b"ce1" not in renamed
    assert b"eth0" not in renamed


@pytest.mark.parametrize("content", [pcap("<", 1, [1, 2, 3]), pcapng(">", b"\x06", [1, 2, 3])], ids=["pcap", "pcapng"])
def test_a_cut_capture_ends_within_a_frame(content: bytes) -> None:
    cut = cut_capture(content, 2)
    assert content.startswith(cut)
    assert count_frames(cut) == 2
    assert cut != content
    assert rename_capture(cut, NAMES, str).endswith(cut[-20:])
