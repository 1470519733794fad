"""From a decoded packet to its lean row: fragments are joined first, and ICMP errors tell of what they quote.

A segment that came in fragments belongs to the frame that completed it. Wireshark numbers a connection from its first
segment, or from the first ICMP error that quotes one; so do we.

Kernels: they run as they stand on lists and compiled on arrays.
"""

from __future__ import annotations

from attribution.packets.columns import (
    CAPTURED,
    FRAGMENT,
    ICMP,
    ICMP6,
    ICMP_TYPE,
    LAYER_MALFORMED,
    LAYERS,
    LENGTH,
    PAYLOAD,
    PROTOCOL,
    SACK_COUNT,
    SOURCE_PORT,
    TCP,
    TRANSPORT,
    WIDTH,
    WIRE,
    Octets,
    Row,
)
from attribution.packets.decode import decode_headers
from attribution.packets.fragments import decode_joined, join_fragment
from attribution.packets.lean import (
    LEAN_DIGEST,
    LEAN_EXTRA,
    LEAN_KEPT,
    LEAN_LENGTH,
    LEAN_WIDTH,
    Words,
    lean_row,
    scatter,
)
from attribution.packets.link_layers import IP_BY_VERSION

Heads = Row
"""Octets that are written to: the beginnings of datagrams that are not yet whole."""


def digest_row(
    data: Octets, start: int, end: int, row: Row, scratch: Row, numbers: Row, heads: Heads, lean: Words, at: int,
    extra: Words, extra_at: int,
) -> int:  # fmt: skip
    """Write the lean row of the packet in data[start:end], whose row is decoded, to lean[at].

    `scratch` is room for a row, and the blank row behind it; `numbers` and `heads` are the store of `fragments`.
    Answers where the next words go in `extra`.
    """
    if row[FRAGMENT]:
        place = join_fragment(data, start, end, row, numbers, heads)
        if place >= 0:
            decode_joined(place, numbers, heads, row, scratch)
            return lean_row(scratch, lean, at, extra, extra_at)
    extra_at = lean_row(row, lean, at, extra, extra_at)
    if (row[PROTOCOL] == ICMP or row[PROTOCOL] == ICMP6) and row[PAYLOAD] >= 0 and row[FRAGMENT] == 0:
        for column in range(WIDTH):
            scratch[column] = scratch[WIDTH + column]
        if quotes_segment(data, start, end, row, scratch):
            scratch[SACK_COUNT] = 0  # its blocks tell nothing here, and would stand where its row stands
            lean_row(scratch, extra, extra_at, extra, extra_at)
            lean[at + LEAN_EXTRA] = extra_at + 1
            return extra_at + LEAN_WIDTH
    return extra_at


def quotes_segment(data: Octets, start: int, end: int, row: Row, quoted: Row) -> bool:
    """Whether an ICMP error quotes a TCP header far enough to be understood; `quoted` gets what it says."""
    kind = row[ICMP_TYPE]
    if row[PROTOCOL] == ICMP:
        if kind not in (3, 4, 5, 11, 12):
            return False
    elif kind not in (1, 2, 3, 4):
        return False
    at = start + row[PAYLOAD]
    stop = at + row[LENGTH]
    decode_headers(data, start, at, min(end, stop), stop, IP_BY_VERSION, quoted)
    if quoted[PROTOCOL] != TCP or quoted[FRAGMENT] or quoted[SOURCE_PORT] < 0:
        return False
    return quoted[TRANSPORT] >= 0 or quoted[LAYERS] & LAYER_MALFORMED != 0


def digest_payload(data: Octets, start: int, row: Row, lean: Words, at: int) -> None:
    """Make a number of what tells packets apart whose headers say little: two of 30 bits, of 8 octets and of 24.

    Segments are told apart by their numbers and timestamps, and keep these.
    """
    if lean[at + LEAN_LENGTH] >= 0:
        return
    lean[at + LEAN_KEPT] = 24
    lean[at + LEAN_DIGEST] = 0
    if row[PAYLOAD] < 0 or row[PROTOCOL] == TCP:
        return
    kept = row[CAPTURED] - row[PAYLOAD]
    if row[CAPTURED] < row[WIRE]:
        lean[at + LEAN_KEPT] = max(min(kept, 24), 0)
    mixed = 0
    short = 0
    for place in range(min(kept, 24)):
        mixed = scatter(mixed << 9 ^ data[start + row[PAYLOAD] + place] ^ place << 41)
        if place == 7:
            short = mixed
    lean[at + LEAN_DIGEST] = (short & 0x3FFFFFFF) << 31 | mixed & 0x3FFFFFFF
