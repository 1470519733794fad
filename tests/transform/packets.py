"""Capture files rewritten in place: pcap and pcapng, frame after frame, with times, lengths and order untouched."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.transform.frames import FrameNames, rename_frame

Words = Callable[[str], str]

NANOSECONDS = 1_000_000_000
_PCAP_MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _NAMES, _STATISTICS, _PACKET = 0x0A0D0D0A, 1, 2, 3, 4, 5, 6
_COMMENT = 1
_INTERFACE_WORDS = (2, 3)
_INTERFACE_V4, _INTERFACE_V6, _INTERFACE_HARDWARE, _RESOLUTION = 4, 5, 6, 9


@dataclass(frozen=True, slots=True)
class _Block:
    """One block of a pcapng file: its type, the byte order of its section, its body without lengths."""

    kind: int
    order: str
    body: bytes


def rename_capture(content: bytes, names: FrameNames, words: Words) -> bytes:
    """Rewrite every address and name in a capture's frames, and the words in its own blocks."""
    if content[:4] in _PCAP_MAGICS:
        return _change_pcap(content, lambda frame, link_type: rename_frame(frame, link_type, names), 0)
    link_types: list[int] = []

    def rename_block(block: _Block) -> _Block | None:
        if block.kind == _SECTION:
            link_types.clear()
        if block.kind == _INTERFACE:
            link_types.append(struct.unpack_from(block.order + "H", block.body)[0])
            return _renamed_interface(block, names, words)
        if block.kind == _NAMES:
            return None
        return _renamed_packet(block, link_types, names, words)

    return _change_pcapng(content, rename_block)


def shift_capture(content: bytes, shift_ns: int) -> bytes:
    """Move every packet's time; a shift by whole seconds is exact in any resolution."""
    if content[:4] in _PCAP_MAGICS:
        return _change_pcap(content, lambda _frame, _link_type: None, shift_ns)
    ticks: list[int] = []

    def shift_block(block: _Block) -> _Block:
        if block.kind == _SECTION:
            ticks.clear()
        if block.kind == _INTERFACE:
            ticks.append(_ticks_per_second(block))
        return _shifted_block(block, ticks, shift_ns)

    return _change_pcapng(content, shift_block)


def count_frames(content: bytes) -> int:
    """How many whole frames a capture holds."""
    if content[:4] in _PCAP_MAGICS:
        order, _ = _PCAP_MAGICS[content[:4]]
        return sum(1 for _ in _records(content, order))
    return sum(block.kind in (_PACKET, _SIMPLE_PACKET, _OLD_PACKET) for block in _blocks(content))


def cut_capture(content: bytes, frames: int) -> bytes:
    """The capture as a full disk leaves it: after so many frames the file ends in the middle of the next."""
    if content[:4] in _PCAP_MAGICS:
        order, _ = _PCAP_MAGICS[content[:4]]
        ends = [0, *(end for _, end in _records(content, order))]
        return content[: max(ends[frames], 24) + 20]
    length = 0
    for block in _blocks(content):
        frames -= block.kind in (_PACKET, _SIMPLE_PACKET, _OLD_PACKET)
        if frames < 0:
            break
        length += len(block.body) + 12
    return content[: length + 20]


def _records(content: bytes, order: str) -> Iterator[tuple[int, int]]:
    """Where each record of a pcap file starts and ends; a record that the file cuts off is left out."""
    at = 24
    while at + 16 <= len(content):
        (captured,) = struct.unpack_from(order + "I", content, at + 8)
        end = at + 16 + captured
        if end > len(content):
            return
        yield at, end
        at = end


def _change_pcap(content: bytes, change: Callable[[bytearray, int], None], shift_ns: int) -> bytes:
    order, tick_ns = _PCAP_MAGICS[content[:4]]
    link_type = struct.unpack_from(order + "I", content, 20)[0] & 0xFFFF
    result = bytearray(content)
    for at, end in _records(content, order):
        frame = bytearray(content[at + 16 : end])
        change(frame, link_type)
        result[at + 16 : end] = frame
        if shift_ns:
            seconds, ticks = struct.unpack_from(order + "II", content, at)
            seconds, rest_ns = divmod(seconds * NANOSECONDS + ticks * tick_ns + shift_ns, NANOSECONDS)
            struct.pack_into(order + "II", result, at, seconds, rest_ns // tick_ns)
    return bytes(result)


def _blocks(content: bytes) -> Iterator[_Block]:
    """The blocks of a pcapng file; one that the file cuts off is left out."""
    at, order = 0, "<"
    while at + 12 <= len(content):
        if content[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if content[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
        kind, length = struct.unpack_from(order + "II", content, at)
        if length < 12 or at + length > len(content):
            return
        yield _Block(kind, order, content[at + 8 : at + length - 4])
        at += length


def _change_pcapng(content: bytes, change: Callable[[_Block], _Block | None]) -> bytes:
    """The changed blocks, then whatever the file held after the last whole one."""
    result = []
    read = 0
    for block in _blocks(content):
        read += len(block.body) + 12
        changed = change(block)
        if changed is not None:
            length = struct.pack(changed.order + "I", len(changed.body) + 12)
            result.append(struct.pack(changed.order + "I", changed.kind) + length + changed.body + length)
    return b"".join(result) + content[read:]


def _renamed_packet(block: _Block, link_types: list[int], names: FrameNames, words: Words) -> _Block:
    """Rewrite the frame of a packet block, and its comments."""
    body = block.body
    if block.kind == _PACKET:
        start, interface, captured = 20, *struct.unpack_from(block.order + "I8xI", body)
    elif block.kind == _OLD_PACKET:
        start, interface, captured = 20, *struct.unpack_from(block.order + "H10xI", body)
    elif block.kind == _SIMPLE_PACKET:
        start, interface, captured = 4, 0, min(len(body) - 4, *struct.unpack_from(block.order + "I", body))
    else:
        return block
    frame = bytearray(body[start : start + captured])
    rename_frame(frame, link_types[interface], names)
    padded = start + captured + -captured % 4
    options = body[padded:]
    if block.kind != _SIMPLE_PACKET:
        options = _change_options(options, block.order, _renamed_comment(words))
    return _Block(block.kind, block.order, body[:start] + bytes(frame) + body[start + captured : padded] + options)


def _renamed_interface(block: _Block, names: FrameNames, words: Words) -> _Block:
    """Rewrite what an interface description says of the port's name and addresses."""
    comment = _renamed_comment(words)

    def rename_option(code: int, value: bytes) -> bytes:
        if code in _INTERFACE_WORDS:
            return words(value.decode("utf-8", "replace")).encode()
        if code == _INTERFACE_V4:
            return names.addresses.packed(value[:4]) + value[4:]
        if code == _INTERFACE_V6:
            return names.addresses.packed(value[:16]) + value[16:]
        if code == _INTERFACE_HARDWARE:
            return names.addresses.hardware(value)
        return comment(code, value)

    return _Block(block.kind, block.order, block.body[:8] + _change_options(block.body[8:], block.order, rename_option))


def _renamed_comment(words: Words) -> Callable[[int, bytes], bytes]:
    return lambda code, value: words(value.decode("utf-8", "replace")).encode() if code == _COMMENT else value


def _options(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(content):
        code, length = struct.unpack_from(order + "HH", content, at)
        if code == 0:
            return
        yield code, content[at + 4 : at + 4 + length]
        at += 4 + length + -length % 4


def _change_options(content: bytes, order: str, change: Callable[[int, bytes], bytes]) -> bytes:
    result = b""
    for code, value in _options(content, order):
        changed = change(code, value)
        result += struct.pack(order + "HH", code, len(changed)) + changed + bytes(-len(changed) % 4)
    return result + bytes(4) if result else content


def _ticks_per_second(block: _Block) -> int:
    """An interface's resolution: a power of ten, or of two where the top bit is set; microseconds if not stated."""
    value = dict(_options(block.body[8:], block.order)).get(_RESOLUTION, b"\x06")[0]
    return int(2 ** (value & 0x7F)) if value & 0x80 else int(10**value)


def _shifted_block(block: _Block, ticks: list[int], shift_ns: int) -> _Block:
    """Move the 64-bit time that packets and statistics carry as two halves."""
    if block.kind not in (_PACKET, _OLD_PACKET, _STATISTICS):
        return block
    interface = struct.unpack_from(block.order + ("H" if block.kind == _OLD_PACKET else "I"), block.body)[0]
    high, low = struct.unpack_from(block.order + "II", block.body, 4)
    time = (high << 32 | low) + shift_ns * ticks[interface] // NANOSECONDS
    body = bytearray(block.body)
    struct.pack_into(block.order + "II", body, 4, time >> 32, time & 0xFFFFFFFF)
    return _Block(block.kind, block.order, bytes(body))
