"""Fragments of IP datagrams, and what they say together.

A capture's rows show each fragment as it is. But a segment, or a tunnel's packet, that was cut into fragments is one
segment to the connection that it belongs to: it is judged where the last of its fragments comes. Of each datagram
that is not yet whole, its first octets are kept, and which of the others have come; the oldest gives way where there
are too many. Only fragments that were captured to their end count, as in Wireshark.

Plain functions of integers, as in `decode`. Sources: RFC 791 §3.2, RFC 8200 §4.5.
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import (
    FRAGMENT,
    IP_ID,
    IP_LENGTH,
    LAYER_REASSEMBLED,
    LAYERS,
    NETWORK,
    PROTOCOL,
    SOURCE,
    VERSION,
    WIDTH,
    Octets,
    Row,
)
from attribution.packets.decode import decode_headers
from attribution.packets.link_layers import IP_PROTOCOL

DATAGRAMS: Final = 64  # how many may be incomplete at a time
HEAD: Final = 512  # octets kept of each: more than the headers that anyone stacks

# What is known of a datagram
AGE: Final = 0  # when its newest fragment came, counted in fragments; 0 for a free place
TOTAL: Final = 1  # octets, once the last fragment is there; -1 until then
COVERED: Final = 2  # how many units of eight octets have come
KEY: Final = 3  # addresses, identification and protocol
UNITS: Final = 13  # which units have come, 32 to a word
STRIDE: Final = UNITS + 256

NUMBERS: Final = 1 + DATAGRAMS * STRIDE
"""How many integers the store has; the first counts the fragments."""
HEADS: Final = DATAGRAMS * HEAD
"""How many octets the store has beside them."""


def join_fragment(data: Octets, start: int, end: int, row: Row, numbers: Row, heads: Row) -> int:
    """Add the fragment in data[start:end], whose row is given. Answers the number of its datagram if that is whole now.

    Else -1. A datagram that was whole is forgotten: fragments that come again begin it again.
    """
    header = start + row[NETWORK]
    if row[VERSION] == 4:
        after = header + (data[header + 2] << 8 | data[header + 3])
    else:
        after = header + 40 + (data[header + 4] << 8 | data[header + 5])
    at = after - row[IP_LENGTH]
    offset = row[FRAGMENT] & ~7
    if after > end or at >= after or at < header or offset + row[IP_LENGTH] > 65536:
        return -1
    place = find_datagram(row, numbers)
    base = 1 + place * STRIDE
    numbers[0] += 1
    numbers[base + AGE] = numbers[0]
    if not row[FRAGMENT] & 1:
        numbers[base + TOTAL] = offset + row[IP_LENGTH]
    for unit in range(offset >> 3, offset + row[IP_LENGTH] + 7 >> 3):
        bit = 1 << (unit & 31)
        if not numbers[base + UNITS + (unit >> 5)] & bit:
            numbers[base + UNITS + (unit >> 5)] |= bit
            numbers[base + COVERED] += 1
            if unit < HEAD >> 3:
                keep_unit(data, at + (unit << 3) - offset, after, heads, place * HEAD + (unit << 3))
    total = numbers[base + TOTAL]
    if total < 0 or numbers[base + COVERED] < total + 7 >> 3:
        return -1
    numbers[base + AGE] = 0
    return place


def keep_unit(data: Octets, at: int, after: int, heads: Row, there: int) -> None:
    """Copy eight octets, or as many as there are before `after`."""
    for step in range(min(8, after - at)):
        heads[there + step] = data[at + step]


def find_datagram(row: Row, numbers: Row) -> int:
    """The place of a fragment's datagram; a free one, or the one that waited longest, made ready for a new datagram."""
    oldest = 0
    for place in range(DATAGRAMS):
        base = 1 + place * STRIDE
        if numbers[base + AGE] and is_same_datagram(row, numbers, base):
            return place
        if numbers[base + AGE] < numbers[1 + oldest * STRIDE + AGE]:
            oldest = place
    base = 1 + oldest * STRIDE
    for index in range(STRIDE):
        numbers[base + index] = 0
    numbers[base + TOTAL] = -1
    for word in range(8):
        numbers[base + KEY + word] = row[SOURCE + word]
    numbers[base + KEY + 8] = row[IP_ID]
    numbers[base + KEY + 9] = row[PROTOCOL]
    return oldest


def is_same_datagram(row: Row, numbers: Row, base: int) -> bool:
    """Fragments belong together by addresses, identification and protocol."""
    if numbers[base + KEY + 8] != row[IP_ID] or numbers[base + KEY + 9] != row[PROTOCOL]:
        return False
    differing = 0
    for word in range(8):
        differing |= numbers[base + KEY + word] ^ row[SOURCE + word]
    return differing == 0


def decode_joined(place: int, numbers: Row, heads: Octets, row: Row, joined: Row) -> None:
    """Fill `joined` with what a whole datagram says; `row` is that of its last fragment to come.

    Offsets in it count from the datagram's payload, not from the frame.
    """
    for column in range(WIDTH):
        joined[column] = row[column]
    total = numbers[1 + place * STRIDE + TOTAL]
    at = place * HEAD
    joined[LAYERS] |= LAYER_REASSEMBLED
    joined[FRAGMENT] = 0
    joined[IP_LENGTH] = total
    decode_headers(heads, at, at, at + min(total, HEAD), at + total, IP_PROTOCOL + row[PROTOCOL], joined)
