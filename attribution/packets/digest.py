"""From a decoded packet to its lean row: fragments are joined first, and ICMP errors tell of what they quote.

A segment that came in fragments belongs to the frame that completed it. Wireshark numbers a connection from its first
segment, or from the first ICMP error that quotes one; so do we.

Kernels: they run as they stand on lists and compiled on arrays.
"""

from __future__ import annotations

from attribution.packets.columns import (
    CAPTURED,
    DESTINATION,
    FRAGMENT,
    ICMP,
    ICMP6,
    ICMP_CODE,
    ICMP_TYPE,
    ICMP_VALUE,
    LAYER_MALFORMED,
    LAYERS,
    LENGTH,
    NETWORK,
    OUTER,
    PAYLOAD,
    PROTOCOL,
    SACK_COUNT,
    SOURCE,
    SOURCE_PORT,
    TCP,
    TRANSPORT,
    VERSION,
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
    LEAN_SEQUENCE,
    LEAN_WIDTH,
    QUOTED_ROOM,
    Words,
    lean_row,
    scatter,
)
from attribution.packets.link_layers import IP_BY_VERSION

TOO_BIG, TOO_BIG_CODE, TOO_BIG_6 = 3, 4, 2  # RFC 1191 §4, RFC 4443 §3.2
LEAST_SIZE, LEAST_SIZE_6 = 68, 1280  # what every link takes (RFC 791, RFC 8200 §5)

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
        heard = quotes_segment(data, start, end, row, scratch)
        room = room_told(data, start, end, row, scratch)
        if heard or room:
            scratch[SACK_COUNT] = 0  # its blocks tell nothing here, and would stand where its row stands
            lean_row(scratch, extra, extra_at, extra, extra_at)
            extra[extra_at + QUOTED_ROOM] = room
            if room:
                extra[extra_at + LEAN_SEQUENCE] = sequence_quoted(data, start, scratch)
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


def room_told(data: Octets, start: int, end: int, row: Row, quoted: Row) -> int:
    """How many octets of TCP options and payload the next hop takes, as an ICMP error tells the sender of the segment
    that it quotes (RFC 1191, RFC 8201); 0 where it tells something else, or somebody else.

    A router from before RFC 1191 leaves the size open: it is less than what was sent. Eight octets of the segment are
    enough (RFC 792).
    """
    old = row[PROTOCOL] == ICMP
    if row[ICMP_TYPE] != (TOO_BIG if old else TOO_BIG_6) or (old and row[ICMP_CODE] != TOO_BIG_CODE):
        return 0
    if quoted[PROTOCOL] != TCP or quoted[FRAGMENT] or quoted[SOURCE_PORT] < 0 or quoted[OUTER] >= 0:
        return 0
    for word in range(4):
        if row[DESTINATION + word] != quoted[SOURCE + word]:
            return 0
    at = start + quoted[NETWORK]
    size = row[ICMP_VALUE]
    if old:
        header = (data[at] & 0x0F) << 2
        whole = data[at + 2] << 8 | data[at + 3]
        size &= 0xFFFF
        if size < LEAST_SIZE:
            size = whole - 1
        if min(end, start + row[PAYLOAD] + row[LENGTH]) - at < header + 8:
            return 0
    else:
        header = quoted[TRANSPORT] - quoted[NETWORK]
        whole = 40 + (data[at + 4] << 8 | data[at + 5])
        if quoted[TRANSPORT] < 0 or size < LEAST_SIZE_6:
            return 0
    return max(min(size, whole - 1) - header - 20, 1)


def sequence_quoted(data: Octets, start: int, quoted: Row) -> int:
    """The sequence number of a segment of which perhaps no more than eight octets are quoted."""
    at = start + quoted[NETWORK]
    at += (data[at] & 0x0F) << 2 if quoted[VERSION] == 4 else quoted[TRANSPORT] - quoted[NETWORK]
    return data[at + 4] << 24 | data[at + 5] << 16 | data[at + 6] << 8 | data[at + 7]


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
