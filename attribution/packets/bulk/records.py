"""Walk the records of a piece of a capture file and decode each packet, compiled.

Byte order, resolution and link type are what `capture_files.FileReader` learned from the file's headers; anything
unusual in a pcapng file (a new section, another interface, statistics) is left to it: the walk stops before such a
block and says so.
"""

from __future__ import annotations

from typing import Any, Final

from attribution.packets.bulk.flow_table import lean_row
from attribution.packets.columns import CAPTURED, INTERFACE, TIME, WIDTH, WIRE, Octets, Row
from attribution.packets.decode import decode_packet

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


def blank_row(row: Row, blank: Row) -> None:
    for column in range(WIDTH):
        row[column] = blank[column]


def walk_pcap(
    data: Octets, at: int, end: int, header: int, big: int, fraction_ns: int, offset_ns: int, swapped: int,
    link_type: int, row: Row, blank: Row, rows: Array, lean: Array, keep: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Decode the records of data[at:end]. Answers (how far, how many packets, how it ended).

    `lean` gets every packet's row for the flow table; `rows` the whole of it where `keep` is 1.
    """
    room = lean.shape[0]
    count = 0
    while at + header <= end:
        if count >= room:
            return at, count, FULL
        captured = word_at(data, at + 8, big)
        wire = word_at(data, at + 12, big)
        if swapped and captured > wire:
            captured, wire = wire, captured
        if captured > LARGEST:
            return at, count, BROKEN
        start = at + header
        if start + captured > end:
            return at, count, NEEDS_MORE
        time_ns = word_at(data, at, big) * NANOSECONDS + word_at(data, at + 4, big) * fraction_ns + offset_ns
        digest(data, start, captured, wire, link_type, time_ns, 0, row, blank, rows, lean, count, keep)
        count += 1
        at = start + captured
    return at, count, NEEDS_MORE


def walk_pcapng(
    data: Octets, at: int, end: int, big: int, interfaces: Array, first_interface: int,
    row: Row, blank: Row, rows: Array, lean: Array, keep: int,
) -> tuple[int, int, int]:  # fmt: skip
    """As `walk_pcap`, over enhanced packet blocks. `interfaces` holds (link type, ticks a second, offset) of each."""
    room = lean.shape[0]
    count = 0
    while at + 12 <= end:
        if count >= room:
            return at, count, FULL
        if word_at(data, at, big) != 6:
            return at, count, UNUSUAL
        length = word_at(data, at + 4, big) + 3 & ~3
        if length < 32 or length > LARGEST + 65536:
            return at, count, UNUSUAL
        if at + length > end:
            return at, count, NEEDS_MORE
        number = first_interface + word_at(data, at + 8, big)
        captured = word_at(data, at + 20, big)
        if number >= interfaces.shape[0] or captured > length - 32:
            return at, count, UNUSUAL
        ticks = word_at(data, at + 12, big) << 32 | word_at(data, at + 16, big)
        per_second = interfaces[number, 1]
        if per_second == 1_000_000:
            time_ns = ticks * 1000
        elif per_second == NANOSECONDS:
            time_ns = ticks
        else:
            return at, count, UNUSUAL
        time_ns += interfaces[number, 2]
        wire = word_at(data, at + 24, big)
        digest(
            data, at + 28, captured, wire, interfaces[number, 0], time_ns, number, row, blank, rows, lean, count, keep
        )
        count += 1
        at += length
    return at, count, NEEDS_MORE


def digest(
    data: Octets, start: int, captured: int, wire: int, link_type: int, time_ns: int, interface: int,
    row: Row, blank: Row, rows: Array, lean: Array, count: int, keep: int,
) -> None:  # fmt: skip
    """Decode one packet into its places."""
    blank_row(row, blank)
    row[TIME] = time_ns
    row[CAPTURED] = captured
    row[WIRE] = wire
    row[INTERFACE] = interface
    decode_packet(data, start, start + captured, start + max(wire, captured), link_type, row)
    lean_row(row, lean, count)
    if keep:
        for column in range(WIDTH):
            rows[count, column] = row[column]
