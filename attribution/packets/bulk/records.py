"""Walk the records of a piece of a capture file and decode each packet, compiled.

Byte order, resolution and link type are what `capture_files.FileReader` learned from the file's headers; anything
unusual in a pcapng file (a new section, another interface, statistics) is left to it: the walk stops before such a
block and says so.
"""

from __future__ import annotations

from typing import Any, Final

from attribution.packets.bulk.flow_table import (
    LEAN_ACKNOWLEDGEMENT,
    LEAN_DIGEST,
    LEAN_FLAGS,
    LEAN_KEPT,
    LEAN_LAYERS,
    LEAN_LENGTH,
    LEAN_MARK,
    LEAN_SCALE,
    LEAN_SEQUENCE,
    LEAN_TIME,
    LEAN_WINDOW,
    LEAN_WIRE,
    lean_row,
    put_key,
    scatter,
)
from attribution.packets.columns import (
    CAPTURED,
    INTERFACE,
    LAYER_OPTIONS_CUT,
    PAYLOAD,
    PROTOCOL,
    SYN,
    TCP,
    TIME,
    TIMESTAMP,
    TIMESTAMP_ECHO,
    WIDTH,
    WIRE,
    Octets,
    Row,
)
from attribution.packets.decode import decode_packet
from attribution.packets.link_layers import LINK_ETHERNET

Array = Any
NANOSECONDS: Final = 1_000_000_000
LARGEST: Final = 262_144

# How a walk ended
NEEDS_MORE: Final = 0  # the piece ends inside a record
FULL: Final = 1  # as many packets as there is room for
UNUSUAL: Final = 2  # a block that the file reader must look at
BROKEN: Final = 3  # a record contradicts itself


def word_at(data: Octets, at: int, big: int) -> int:
    """A 32-bit number in the file's byte order."""
    if big:
        return data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
    return data[at + 3] << 24 | data[at + 2] << 16 | data[at + 1] << 8 | data[at]


# A packet that the quick way does not know, kept for `digest_all`
HARD_PLACE: Final = 0  # its number in the batch
HARD_START: Final = 1
HARD_CAPTURED: Final = 2
HARD_WIRE: Final = 3
HARD_LINK: Final = 4
HARD_TIME: Final = 5
HARD_INTERFACE: Final = 6
HARD_WIDTH: Final = 7


def walk_pcap(
    data: Octets, at: int, end: int, header: int, big: int, fraction_ns: int, offset_ns: int, swapped: int,
    link_type: int, lean: Array, hard: Array, keep: int,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Decode the records of data[at:end]. Answers (how far, how many packets, how many are hard, how it ended).

    `lean` gets every packet's row for the flow table; packets listed in `hard` still need `digest_all`, which is
    every packet where `keep` is 1.
    """
    room = lean.shape[0]
    count = 0
    hard_count = 0
    while at + header <= end:
        if count >= room:
            return at, count, hard_count, FULL
        captured = word_at(data, at + 8, big)
        wire = word_at(data, at + 12, big)
        if swapped and captured > wire:
            captured, wire = wire, captured
        if captured > LARGEST:
            return at, count, hard_count, BROKEN
        start = at + header
        if start + captured > end:
            return at, count, hard_count, NEEDS_MORE
        time_ns = word_at(data, at, big) * NANOSECONDS + word_at(data, at + 4, big) * fraction_ns + offset_ns
        if keep or not decode_plainly(data, start, captured, wire, link_type, time_ns, lean, count):
            put_aside(hard, hard_count, count, start, captured, wire, link_type, time_ns, 0)
            hard_count += 1
        count += 1
        at = start + captured
    return at, count, hard_count, NEEDS_MORE


def walk_pcapng(
    data: Octets, at: int, end: int, big: int, interfaces: Array, first_interface: int, lean: Array, hard: Array,
    keep: int,
) -> tuple[int, int, int, int]:  # fmt: skip
    """As `walk_pcap`, over enhanced packet blocks. `interfaces` holds (link type, ticks a second, offset) of each."""
    room = lean.shape[0]
    count = 0
    hard_count = 0
    while at + 12 <= end:
        if count >= room:
            return at, count, hard_count, FULL
        if word_at(data, at, big) != 6:
            return at, count, hard_count, UNUSUAL
        length = word_at(data, at + 4, big) + 3 & ~3
        if length < 32 or length > LARGEST + 65536:
            return at, count, hard_count, UNUSUAL
        if at + length > end:
            return at, count, hard_count, NEEDS_MORE
        number = first_interface + word_at(data, at + 8, big)
        captured = word_at(data, at + 20, big)
        if number >= interfaces.shape[0] or captured > length - 32 or captured > LARGEST:
            return at, count, hard_count, UNUSUAL
        ticks = word_at(data, at + 12, big) << 32 | word_at(data, at + 16, big)
        per_second = interfaces[number, 1]
        if per_second == 1_000_000:
            time_ns = ticks * 1000
        elif per_second == NANOSECONDS:
            time_ns = ticks
        else:
            return at, count, hard_count, UNUSUAL
        time_ns += interfaces[number, 2]
        wire = word_at(data, at + 24, big)
        link_type = interfaces[number, 0]
        if keep or not decode_plainly(data, at + 28, captured, wire, link_type, time_ns, lean, count):
            put_aside(hard, hard_count, count, at + 28, captured, wire, link_type, time_ns, number)
            hard_count += 1
        count += 1
        at += length
    return at, count, hard_count, NEEDS_MORE


def put_aside(
    hard: Array, at: int, place: int, start: int, captured: int, wire: int, link_type: int, time_ns: int,
    interface: int,
) -> None:  # fmt: skip
    """Remember a packet for `digest_all`."""
    hard[at, HARD_PLACE] = place
    hard[at, HARD_START] = start
    hard[at, HARD_CAPTURED] = captured
    hard[at, HARD_WIRE] = wire
    hard[at, HARD_LINK] = link_type
    hard[at, HARD_TIME] = time_ns
    hard[at, HARD_INTERFACE] = interface


def decode_plainly(
    data: Octets, start: int, captured: int, wire: int, link_type: int, time_ns: int, lean: Array, count: int
) -> bool:
    """The packets that captures are full of, plain Ethernet, IPv4 and TCP, at a glance; False for any other.

    What is written is what `decode_packet` and `lean_row` would write; a SYN is left to them, for its options.
    """
    if link_type != LINK_ETHERNET or captured < 54:
        return False
    if data[start + 12] != 8 or data[start + 13] != 0 or data[start + 14] != 0x45 or data[start + 23] != TCP:
        return False
    total = data[start + 16] << 8 | data[start + 17]
    flags = (data[start + 46] & 0x0F) << 8 | data[start + 47]
    header = data[start + 46] >> 4 << 2
    if data[start + 20] & 0x3F or data[start + 21] or flags & SYN:
        return False
    if header < 20 or total < 20 + header or total > wire - 14:
        return False
    source = data[start + 26] << 24 | data[start + 27] << 16 | data[start + 28] << 8 | data[start + 29]
    destination = data[start + 30] << 24 | data[start + 31] << 16 | data[start + 32] << 8 | data[start + 33]
    source_port = data[start + 34] << 8 | data[start + 35]
    destination_port = data[start + 36] << 8 | data[start + 37]
    lean[count, LEAN_TIME] = time_ns
    lean[count, LEAN_WIRE] = wire
    lean[count, LEAN_LAYERS] = LAYER_OPTIONS_CUT if header > captured - 34 else 0
    put_key(lean, count, 0, source, 0, destination, source_port, destination_port, 4, TCP)
    lean[count, LEAN_SEQUENCE] = (
        data[start + 38] << 24 | data[start + 39] << 16 | data[start + 40] << 8 | data[start + 41]
    )
    lean[count, LEAN_ACKNOWLEDGEMENT] = (
        data[start + 42] << 24 | data[start + 43] << 16 | data[start + 44] << 8 | data[start + 45]
    )
    lean[count, LEAN_FLAGS] = flags
    lean[count, LEAN_WINDOW] = data[start + 48] << 8 | data[start + 49]
    lean[count, LEAN_LENGTH] = total - 20 - header
    lean[count, LEAN_SCALE] = -1
    lean[count, LEAN_MARK] = (data[start + 18] << 8 | data[start + 19]) << 8 | data[start + 22]
    lean[count, LEAN_DIGEST] = 0
    return header == 20 or put_timestamps(data, start + 54, start + min(header + 34, captured), lean, count)


def put_timestamps(data: Octets, at: int, end: int, lean: Array, count: int) -> bool:
    """Make a number of TCP's timestamps, where they stand as every common system puts them; False where they do not."""
    if end - at < 12:
        return True
    if data[at] != 1 or data[at + 1] != 1 or data[at + 2] != 8 or data[at + 3] != 10:
        return False
    lean[count, LEAN_DIGEST] = data[at + 4] << 54 | data[at + 5] << 46 | data[at + 6] << 38 | data[at + 7] << 30
    lean[count, LEAN_DIGEST] ^= data[at + 8] << 24 | data[at + 9] << 16 | data[at + 10] << 8 | data[at + 11]
    return True


def digest_payload(data: Octets, start: int, row: Row, lean: Array, at: int) -> None:
    """Make a number of what tells packets apart whose headers say little: two of 30 bits, of 8 octets and of 24."""
    lean[at, LEAN_KEPT] = 24
    lean[at, LEAN_DIGEST] = 0
    if row[PROTOCOL] == TCP:
        if row[TIMESTAMP] >= 0:
            lean[at, LEAN_DIGEST] = row[TIMESTAMP] << 30 ^ row[TIMESTAMP_ECHO]
        return
    if row[PAYLOAD] < 0:
        return
    kept = row[CAPTURED] - row[PAYLOAD]
    if row[CAPTURED] < row[WIRE]:
        lean[at, LEAN_KEPT] = max(min(kept, 24), 0)
    mixed = 0
    short = 0
    for place in range(min(kept, 24)):
        mixed = scatter(mixed << 9 ^ data[start + row[PAYLOAD] + place] ^ place << 41)
        if place == 7:
            short = mixed
    lean[at, LEAN_DIGEST] = (short & 0x3FFFFFFF) << 31 | mixed & 0x3FFFFFFF


def digest_all(
    data: Octets, hard: Array, hard_count: int, row: Row, blank: Row, rows: Array, lean: Array, keep: int
) -> None:
    """Decode the packets that were put aside, in full; `rows` gets the whole of each where `keep` is 1."""
    for number in range(hard_count):
        for column in range(WIDTH):
            row[column] = blank[column]
        place, start = hard[number, HARD_PLACE], hard[number, HARD_START]
        captured, wire = hard[number, HARD_CAPTURED], hard[number, HARD_WIRE]
        row[TIME] = hard[number, HARD_TIME]
        row[CAPTURED] = captured
        row[WIRE] = wire
        row[INTERFACE] = hard[number, HARD_INTERFACE]
        decode_packet(data, start, start + captured, start + max(wire, captured), hard[number, HARD_LINK], row)
        lean_row(row, lean, place)
        digest_payload(data, start, row, lean, place)
        if keep:
            for column in range(WIDTH):
                rows[place, column] = row[column]
