"""Checksums of packets that are read by the million: what `checksums.check_packet` finds, on memory as it is.

Kernels: they run as they stand on bytes and lists, and compiled on arrays. A test holds them to `checksums`, which sums
up whole packets at a time where there is no compiler. For the sources see there. Octets are multiplied, not shifted:
compiled, what is shifted has no sign, and with numbers that have one it would become a fraction.
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import (
    CAPTURED,
    CHECKSUM,
    ICMP,
    ICMP6,
    INTERFACE,
    LENGTH,
    NETWORK,
    PROTOCOL,
    SOURCE,
    TCP,
    UDP,
    VERSION,
    WIRE,
    Octets,
    Row,
)
from attribution.packets.lean import scatter

ONES: Final = 0xFFFF
LONGEST_JUDGED: Final = 1500  # octets of an IP packet that fit into an Ethernet frame (RFC 894)

# What a packet's checksums say of it
UNKNOWN: Final = 0
RIGHT: Final = 1
UNFINISHED: Final = 2
WRONG_HEADER: Final = 3
WRONG_TRANSPORT: Final = 4

SHORT: Final = 256  # octets that are summed up in next to no time
LOT: Final = 40503  # 2^16 times the golden ratio: scatters numbers of 16 bits that grow evenly (Knuth, volume 3, 6.4)
DRAWN: Final = 1 << 14  # of longer packets one in four is looked at first


def sum_words(data: Octets, at: int, end: int) -> int:
    """The sum of the 16-bit words of data[at:end]; an odd octet is padded."""
    total = 0
    for place in range(at, end - 1, 2):
        total += data[place] * 256 + data[place + 1]
    if (end - at) & 1:
        total += data[end - 1] * 256
    return total


def check_sums(data: Octets, at: int, end: int, version: int) -> int:
    """Check the packet whose IP header begins at `at`, of which data[:end] was captured."""
    if version == 4:
        if end - at < 20:
            return UNKNOWN
        begin = at + (data[at] & 0x0F) * 4
        if end < begin:
            return UNKNOWN
        if (data[at + 10] or data[at + 11]) and sum_words(data, at, begin) % ONES:
            return WRONG_HEADER
        protocol = data[at + 9]
        if begin > at + 20 or data[at + 6] & 0x3F or data[at + 7] or protocol == ICMP6:
            return UNKNOWN
        size = data[at + 2] * 256 + data[at + 3] - 20
        ends = 0 if protocol == ICMP else sum_words(data, at + 12, at + 20)
    else:
        if end - at < 40:
            return UNKNOWN
        begin = at + 40
        protocol = data[at + 6]
        if protocol == ICMP:
            return UNKNOWN
        size = data[at + 4] * 256 + data[at + 5]
        ends = sum_words(data, at + 8, at + 40)
    return check_transport(data, begin, end, size, protocol, ends)


def check_transport(data: Octets, begin: int, end: int, size: int, protocol: int, ends: int) -> int:
    """Check the `size` octets that an IP header carries from `begin` on; `ends` is the sum of the addresses."""
    if protocol == TCP:
        place = 16
    elif protocol == UDP:
        place = 6
    elif protocol in (ICMP, ICMP6):
        place = 2
    else:
        return UNKNOWN
    if size < place + 2 or end < begin + size or size > LONGEST_JUDGED - 20:
        return UNKNOWN
    stated = data[begin + place] * 256 + data[begin + place + 1]
    if protocol == UDP:
        length = data[begin + 4] * 256 + data[begin + 5]
        if stated == 0 or length == 0:
            return UNKNOWN
        if length < 8 or length > size:
            return WRONG_TRANSPORT
        size = length
    pseudo = 0
    if protocol != ICMP:
        pseudo = ends + protocol + size
    if (sum_words(data, begin, begin + size) + pseudo) % ONES == 0:
        return RIGHT
    if stated == 0:
        return UNFINISHED
    left = (pseudo - stated) % ONES
    if protocol != ICMP and (left == 0 or left == size % ONES):
        return UNFINISHED
    return WRONG_TRANSPORT


def is_drawn(captured: int, wire: int, checksum: int) -> bool:
    """Whether a packet is looked at first: a whole one that is short, or drawn by lot from its checksum."""
    return captured >= wire and (captured <= SHORT or checksum * LOT & 0xFFFF < DRAWN)


def looks_wrong(data: Octets, start: int, row: Row) -> bool:
    """Whether a packet that is looked at first has a wrong checksum; its row is decoded."""
    if row[VERSION] == 0 or not is_drawn(row[CAPTURED], row[WIRE], row[CHECKSUM]):
        return False
    return check_sums(data, start + row[NETWORK], start + row[CAPTURED], row[VERSION]) >= WRONG_HEADER


def like_of(row: Row, header: int) -> int:
    """A number of 62 bits for the packets that one is judged among: those from its sender where its IP header is in
    question; else those to the same receiver too, of the same protocol, with or without payload."""
    first = scatter(row[INTERFACE] << 2 | header << 1 | (1 if row[LENGTH] > 0 and not header else 0))
    second = scatter(first + 1)
    for column in range(SOURCE, SOURCE + 4 if header else PROTOCOL + 1):
        first = scatter(first << 32 ^ row[column])
        second = scatter(second << 31 ^ row[column] + column)
    return first << 31 | second
