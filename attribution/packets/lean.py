"""Of each packet what following its connection needs: a short row of integers, the same for one packet or millions.

`decode` fills a long row with all that a packet says; `lean_row` keeps of it who talks to whom, and the numbers that
the judgement of a TCP segment rests on. All functions run as they stand on lists, and compiled on arrays.
"""

from __future__ import annotations

from typing import Final, Protocol

from attribution.packets.columns import (
    ACKNOWLEDGEMENT,
    DESTINATION,
    DESTINATION_PORT,
    FLAGS,
    FRAGMENT,
    ICMP,
    ICMP6,
    IP_ID,
    IP_LENGTH,
    LAYER_MALFORMED,
    LAYERS,
    LENGTH,
    OPTION_SACK_PERMITTED,
    OPTIONS,
    PROTOCOL,
    SACK,
    SACK_COUNT,
    SCALE,
    SEQUENCE,
    SOURCE,
    SOURCE_PORT,
    TCP,
    TIME,
    TIMESTAMP,
    TIMESTAMP_ECHO,
    TRANSPORT,
    TTL,
    VERSION,
    WINDOW,
    WIRE,
    Row,
)

Words = Row


class Numbers(Protocol):
    """A row that is only read."""

    def __getitem__(self, index: int, /) -> int: ...


LEAN_TIME: Final = 0
LEAN_KEY: Final = 1  # five words: the lower end's address (2), the other's (2), ports, version and protocol
LEAN_HASH: Final = 6
LEAN_DIRECTION: Final = 7  # 1 if the sender is not the lower end; -1 for a packet that is of no flow
LEAN_SEQUENCE: Final = 8
LEAN_ACKNOWLEDGEMENT: Final = 9
LEAN_FLAGS: Final = 10
LEAN_WINDOW: Final = 11
LEAN_LENGTH: Final = 12  # NO_SEGMENT where there is no transport header to judge
LEAN_SCALE: Final = 13
LEAN_WIRE: Final = 14
LEAN_LAYERS: Final = 15
LEAN_MARK: Final = 16  # IP identification (0 where there is none) × 256 + time to live
LEAN_TIMESTAMP: Final = 17  # and its echo in the next word; -1 where there is none
LEAN_ECHO: Final = 18
LEAN_EXTRA: Final = 19  # 1 + where in the batch's `extra` words this packet's SACK blocks begin, or the lean row of the
# segment that an ICMP error quotes; 0 where there is neither
LEAN_FRAME: Final = 20  # its frame number, which the flow table gives it
LEAN_WIDTH: Final = 21

# The lean row of a segment that an ICMP error quotes has, instead of a time and a frame number of its own:
QUOTED_ROOM: Final = LEAN_TIME  # how many octets behind the fixed headers the error tells its sender to send at most,
# 0 where it is about anything else than size
QUOTED_FLOW: Final = LEAN_FRAME  # its flow, which the flow table gives it; -1 where nothing of it passed yet

# Where a comparison of captures wants it, packets that are no segments have instead of timestamps:
LEAN_DIGEST: Final = LEAN_TIMESTAMP  # a number made of the first octets of what they carry
LEAN_KEPT: Final = LEAN_ECHO  # how many of those octets the capture kept: 24 where none is missing

SACKS_WIDTH: Final = 9  # how many blocks, then their edges

SACK_PERMITTED: Final = 1 << 30  # among the layers: the segment offers to take SACK

NO_SEGMENT: Final = -1
ONLY_NUMBERED: Final = -2  # a TCP header that contradicts itself: its connection has a number, and nothing more

MULTIPLIER: Final = 0x9E3779B1


def scatter(word: int) -> int:
    """31 well mixed bits of a 64-bit word. No step overflows: compiled, an overflow of signed numbers means nothing."""
    folded = (word ^ word >> 31 ^ word >> 62) & 0x7FFFFFFF
    product = folded * MULTIPLIER
    return (product ^ product >> 32) & 0x7FFFFFFF


def put_key(
    lean: Words, at: int, source_high: int, source_low: int, destination_high: int, destination_low: int,
    source_port: int, destination_port: int, version: int, protocol: int,
) -> None:  # fmt: skip
    """The key of a flow is the same both ways: the lower end comes first; `LEAN_DIRECTION` tells which one sent."""
    swap = source_high > destination_high or (
        source_high == destination_high
        and (source_low > destination_low or (source_low == destination_low and source_port > destination_port))
    )
    if swap:
        lean[at + LEAN_KEY] = destination_high
        lean[at + LEAN_KEY + 1] = destination_low
        lean[at + LEAN_KEY + 2] = source_high
        lean[at + LEAN_KEY + 3] = source_low
        ports = (destination_port & 0xFFFF) << 16 | source_port & 0xFFFF
        lean[at + LEAN_DIRECTION] = 1
    else:
        lean[at + LEAN_KEY] = source_high
        lean[at + LEAN_KEY + 1] = source_low
        lean[at + LEAN_KEY + 2] = destination_high
        lean[at + LEAN_KEY + 3] = destination_low
        ports = (source_port & 0xFFFF) << 16 | destination_port & 0xFFFF
        lean[at + LEAN_DIRECTION] = 0
    lean[at + LEAN_KEY + 4] = ports << 16 | version << 8 | protocol
    mixed = scatter(source_low ^ destination_low)
    if version == 6:
        mixed = scatter(mixed ^ source_high ^ destination_high)
    lean[at + LEAN_HASH] = scatter(mixed ^ lean[at + LEAN_KEY + 4])


def half_of(row: Numbers, at: int) -> int:
    """64 bits of an address. The first 32 are taken as signed, so that lists and arrays hold the same number."""
    high = row[at]
    if high >= 0x80000000:
        high -= 0x100000000
    return high << 32 | row[at + 1]


def lean_row(row: Numbers, lean: Words, at: int, extra: Words, extra_at: int) -> int:
    """Keep of a decoded packet what its flow needs, at lean[at]. Answers where the next words go in `extra`."""
    lean[at + LEAN_TIME] = row[TIME]
    lean[at + LEAN_WIRE] = row[WIRE]
    lean[at + LEAN_LAYERS] = row[LAYERS] | (SACK_PERMITTED if row[OPTIONS] & OPTION_SACK_PERMITTED else 0)
    lean[at + LEAN_TIMESTAMP] = row[TIMESTAMP]
    lean[at + LEAN_ECHO] = row[TIMESTAMP_ECHO]
    lean[at + LEAN_EXTRA] = 0
    lean[at + LEAN_LENGTH] = NO_SEGMENT
    lean[at + LEAN_MARK] = 0
    if row[VERSION] == 0 or row[PROTOCOL] < 0 or row[PROTOCOL] > 255:
        lean[at + LEAN_DIRECTION] = -1
        lean[at + LEAN_KEY + 4] = row[PROTOCOL]
        return extra_at
    protocol = row[PROTOCOL]
    source_port, destination_port = row[SOURCE_PORT], row[DESTINATION_PORT]
    if protocol in (ICMP, ICMP6):
        source_port = row[ACKNOWLEDGEMENT]
        destination_port = source_port
    put_key(
        lean, at, half_of(row, SOURCE), half_of(row, SOURCE + 2), half_of(row, DESTINATION),
        half_of(row, DESTINATION + 2), source_port, destination_port, row[VERSION], protocol,
    )  # fmt: skip
    lean[at + LEAN_SEQUENCE] = row[SEQUENCE]
    lean[at + LEAN_ACKNOWLEDGEMENT] = row[ACKNOWLEDGEMENT]
    lean[at + LEAN_FLAGS] = row[FLAGS]
    lean[at + LEAN_MARK] = max(row[IP_ID], 0) << 8 | max(row[TTL], 0)
    if protocol == TCP and row[TRANSPORT] >= 0 and row[FRAGMENT] == 0:
        lean[at + LEAN_WINDOW] = row[WINDOW]
        lean[at + LEAN_LENGTH] = row[LENGTH]
        lean[at + LEAN_SCALE] = row[SCALE]
        if row[SACK_COUNT] > 0:
            lean[at + LEAN_EXTRA] = extra_at + 1
            extra[extra_at] = row[SACK_COUNT]
            for edge in range(8):
                extra[extra_at + 1 + edge] = row[SACK + edge]
            return extra_at + SACKS_WIDTH
    else:
        echo = protocol in (ICMP, ICMP6)
        lean[at + LEAN_WINDOW] = row[FRAGMENT] << 16 | row[SOURCE_PORT] & 0xFF if echo else row[FRAGMENT]
        lean[at + LEAN_SCALE] = row[IP_LENGTH]
        if protocol == TCP and row[FRAGMENT] == 0 and row[LAYERS] & LAYER_MALFORMED and source_port >= 0:
            lean[at + LEAN_LENGTH] = ONLY_NUMBERED
    return extra_at
