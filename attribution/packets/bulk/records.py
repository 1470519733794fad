"""Walk the records of a piece of a capture file and decode each packet, compiled.

Byte order, resolution and link type are what `capture_files.FileReader` learned from the file's headers; anything
unusual in a pcapng file (a new section, another interface, statistics) is left to it: the walk stops before such a
block and says so.
"""

from __future__ import annotations

from typing import Final

from attribution.packets.capture_files import FURTHEST_S
from attribution.packets.columns import (
    CAPTURED,
    INTERFACE,
    NETWORK,
    SYN,
    TCP,
    TIME,
    VERSION,
    WIDTH,
    WIRE,
    Octets,
    Row,
)
from attribution.packets.decode import decode_packet
from attribution.packets.digest import Heads, digest_payload, digest_row
from attribution.packets.lean import (
    LEAN_ACKNOWLEDGEMENT,
    LEAN_ECHO,
    LEAN_EXTRA,
    LEAN_FLAGS,
    LEAN_LAYERS,
    LEAN_LENGTH,
    LEAN_MARK,
    LEAN_SCALE,
    LEAN_SEQUENCE,
    LEAN_TIME,
    LEAN_TIMESTAMP,
    LEAN_WIDTH,
    LEAN_WINDOW,
    LEAN_WIRE,
    Words,
    lean_row,
    put_key,
)
from attribution.packets.link_layers import LINK_ETHERNET
from attribution.packets.sums import WRONG_HEADER, check_sums, is_drawn, like_of, looks_wrong
from attribution.packets.telling import FEWEST_LIVES, is_telling

NANOSECONDS: Final = 1_000_000_000
LARGEST: Final = 262_144

# What is kept of each packet besides its lean row (`engine.Wanted`)
ROWS: Final = 1
DIGESTS: Final = 2

# How a walk ended
NEEDS_MORE: Final = 0  # the piece ends inside a record
FULL: Final = 1  # as many packets as there is room for
UNUSUAL: Final = 2  # a block that the file reader must look at
BROKEN: Final = 3  # a record contradicts itself

# What a walk reports
REPORT_COUNT: Final = 0  # packets
REPORT_HARD: Final = 1  # of them, those that `digest_all` must decode
REPORT_ENDED: Final = 2
REPORT_TELLING: Final = 3  # packets for the witnesses, as `digest_all` found
REPORT_WRONG: Final = 4  # of the packets that are looked at first, those with a wrong checksum
REPORT_WIDTH: Final = 5

# A packet that the quick way does not know, kept for `digest_all`; and one that tells something, in the same shape
HARD_PLACE: Final = 0  # its number in the batch
HARD_START: Final = 1
HARD_CAPTURED: Final = 2
HARD_WIRE: Final = 3
HARD_LINK: Final = 4
HARD_TIME: Final = 5
HARD_INTERFACE: Final = 6
HARD_KIND: Final = 7  # what it tells of
HARD_WIDTH: Final = 8

BGP_PORT: Final = 179
DNS_PORT: Final = 53
TLS_FIRST: Final = 20  # record types of a handshake and of alerts
TLS_LAST: Final = 22
TIMESTAMPS_ALONE: Final = 0x0101080A  # two fillers before the option, as every common system sends it


def word_at(data: Octets, at: int, big: int) -> int:
    """A 32-bit number in the file's byte order."""
    if big:
        return data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
    return data[at + 3] << 24 | data[at + 2] << 16 | data[at + 1] << 8 | data[at]


def network_word(data: Octets, at: int) -> int:
    """A 32-bit number in network order."""
    return data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]


def decode_plainly(
    data: Octets, start: int, captured: int, wire: int, link_type: int, time_ns: int, lean: Words, at: int
) -> int:
    """The packets that captures are full of, plain Ethernet, IPv4 and TCP, at a glance; 0 for any other.

    What is written is what `decode_packet` and `lean_row` would write. Left to them: a SYN and any segment with other
    options than timestamps, for the options; and segments that a witness may ask for.
    """
    if link_type != LINK_ETHERNET or captured < 54:
        return 0
    if data[start + 12] != 8 or data[start + 13] != 0 or data[start + 14] != 0x45 or data[start + 23] != TCP:
        return 0
    total = data[start + 16] << 8 | data[start + 17]
    flags = (data[start + 46] & 0x0F) << 8 | data[start + 47]
    header = data[start + 46] >> 4 << 2
    if data[start + 20] & 0x3F or data[start + 21] or flags & SYN or total > wire - 14:
        return 0
    if data[start + 22] <= FEWEST_LIVES:
        return 0
    length = total - 20 - header
    if header == 32 and length >= 0 and captured >= 66:
        if network_word(data, start + 54) != TIMESTAMPS_ALONE:
            return 0
        lean[at + LEAN_TIMESTAMP] = network_word(data, start + 58)
        lean[at + LEAN_ECHO] = network_word(data, start + 62)
    elif header == 20 and length >= 0:
        lean[at + LEAN_TIMESTAMP] = -1
        lean[at + LEAN_ECHO] = -1
    else:
        return 0
    source_port = data[start + 34] << 8 | data[start + 35]
    destination_port = data[start + 36] << 8 | data[start + 37]
    if source_port <= BGP_PORT or destination_port <= BGP_PORT:
        low = min(source_port, destination_port)
        if low in (BGP_PORT, DNS_PORT) or max(source_port, destination_port) == BGP_PORT:
            return 0
    payload = start + 34 + header
    shown = length > 0 and captured >= 36 + header
    if shown and data[payload + 1] == 3 and TLS_FIRST <= data[payload] <= TLS_LAST:
        return 0
    lean[at + LEAN_TIME] = time_ns
    lean[at + LEAN_WIRE] = wire
    lean[at + LEAN_LAYERS] = 0
    lean[at + LEAN_EXTRA] = 0
    put_key(
        lean, at, 0, network_word(data, start + 26), 0, network_word(data, start + 30), source_port, destination_port,
        4, TCP,
    )  # fmt: skip
    lean[at + LEAN_SEQUENCE] = network_word(data, start + 38)
    lean[at + LEAN_ACKNOWLEDGEMENT] = network_word(data, start + 42)
    lean[at + LEAN_FLAGS] = flags
    lean[at + LEAN_WINDOW] = data[start + 48] << 8 | data[start + 49]
    lean[at + LEAN_LENGTH] = length
    lean[at + LEAN_SCALE] = -1
    lean[at + LEAN_MARK] = (data[start + 18] << 8 | data[start + 19]) << 8 | data[start + 22]
    return 1


def put_aside(
    hard: Words, number: int, place: int, start: int, captured: int, wire: int, link_type: int, time_ns: int,
    interface: int,
) -> None:  # fmt: skip
    """Remember a packet for `digest_all`."""
    at = number * HARD_WIDTH
    hard[at + HARD_PLACE] = place
    hard[at + HARD_START] = start
    hard[at + HARD_CAPTURED] = captured
    hard[at + HARD_WIRE] = wire
    hard[at + HARD_LINK] = link_type
    hard[at + HARD_TIME] = time_ns
    hard[at + HARD_INTERFACE] = interface


def walk_pcap(
    data: Octets, at: int, end: int, header: int, big: int, fraction_ns: int, offset_ns: int, swapped: int,
    link_type: int, lean: Words, room: int, hard: Words, keep: int, report: Words,
) -> int:  # fmt: skip
    """Decode the records of data[at:end], at most `room` of them. Answers how far it came; see `report` for the rest.

    `lean` gets every packet's row for the flow table; packets listed in `hard` still need `digest_all`, which is
    every packet where `keep` is ROWS.
    """
    count = 0
    hard_count = 0
    wrong = 0
    ended = NEEDS_MORE
    while at + header <= end:
        if count >= room:
            ended = FULL
            break
        captured = word_at(data, at + 8, big)
        wire = word_at(data, at + 12, big)
        if swapped and captured > wire:
            captured, wire = wire, captured
        if captured > LARGEST:
            ended = BROKEN
            break
        start = at + header
        if start + captured > end:
            break
        time_ns = word_at(data, at, big) * NANOSECONDS + word_at(data, at + 4, big) * fraction_ns + offset_ns
        place = count * LEAN_WIDTH
        if keep == ROWS or not decode_plainly(data, start, captured, wire, link_type, time_ns, lean, place):
            put_aside(hard, hard_count, count, start, captured, wire, link_type, time_ns, 0)
            hard_count += 1
        elif is_drawn(captured, wire, data[start + 50] * 256 + data[start + 51]):
            wrong += check_sums(data, start + 14, start + captured, 4) >= WRONG_HEADER
        count += 1
        at = start + captured
    report[REPORT_COUNT] = count
    report[REPORT_HARD] = hard_count
    report[REPORT_ENDED] = ended
    report[REPORT_WRONG] = wrong
    return at


def walk_pcapng(
    data: Octets, at: int, end: int, big: int, interfaces: Words, interface_count: int, first_interface: int,
    lean: Words, room: int, hard: Words, keep: int, report: Words,
) -> int:  # fmt: skip
    """As `walk_pcap`, over enhanced packet blocks. `interfaces` holds (link type, ticks a second, offset) of each."""
    count = 0
    hard_count = 0
    wrong = 0
    ended = NEEDS_MORE
    while at + 12 <= end:
        if count >= room:
            ended = FULL
            break
        ended = UNUSUAL
        if word_at(data, at, big) != 6:
            break
        length = word_at(data, at + 4, big) + 3 & ~3
        if length < 32 or length > LARGEST + 65536:
            break
        if at + length > end:
            ended = NEEDS_MORE
            break
        number = first_interface + word_at(data, at + 8, big)
        captured = word_at(data, at + 20, big)
        if number >= interface_count or captured > length - 32 or captured > LARGEST:
            break
        ticks = word_at(data, at + 12, big) << 32 | word_at(data, at + 16, big)
        per_second = interfaces[number * 3 + 1]
        if per_second != 1_000_000 and per_second != NANOSECONDS:
            break
        if word_at(data, at + 12, big) >= FURTHEST_S * per_second >> 32:
            break
        ended = NEEDS_MORE
        # One product for both: compiled, a variable that is now signed and now unsigned would become a fraction.
        time_ns = ticks * (NANOSECONDS // per_second) + interfaces[number * 3 + 2]
        wire = word_at(data, at + 24, big)
        link_type = interfaces[number * 3]
        place = count * LEAN_WIDTH
        if keep == ROWS or not decode_plainly(data, at + 28, captured, wire, link_type, time_ns, lean, place):
            put_aside(hard, hard_count, count, at + 28, captured, wire, link_type, time_ns, number)
            hard_count += 1
        elif is_drawn(captured, wire, data[at + 78] * 256 + data[at + 79]):
            wrong += check_sums(data, at + 42, at + 28 + captured, 4) >= WRONG_HEADER
        count += 1
        at += length
    report[REPORT_COUNT] = count
    report[REPORT_HARD] = hard_count
    report[REPORT_ENDED] = ended
    report[REPORT_WRONG] = wrong
    return at


def decode_hard(data: Octets, hard: Words, at: int, row: Row, scratch: Row) -> None:
    """Decode in full the packet that was put aside at hard[at]; the blank row is behind the room in `scratch`."""
    for column in range(WIDTH):
        row[column] = scratch[WIDTH + column]
    start, captured, wire = hard[at + HARD_START], hard[at + HARD_CAPTURED], hard[at + HARD_WIRE]
    row[TIME] = hard[at + HARD_TIME]
    row[CAPTURED] = captured
    row[WIRE] = wire
    row[INTERFACE] = hard[at + HARD_INTERFACE]
    decode_packet(data, start, start + captured, start + max(wire, captured), hard[at + HARD_LINK], row)


def check_all(
    data: Octets, hard: Words, hard_count: int, row: Row, scratch: Row, checks: Words, likes: Words, senders: Words
) -> int:
    """Check all packets that were put aside, each at its place; `likes` and `senders` say among which it is judged."""
    for number in range(hard_count):
        at = number * HARD_WIDTH
        decode_hard(data, hard, at, row, scratch)
        place, start, captured = hard[at + HARD_PLACE], hard[at + HARD_START], hard[at + HARD_CAPTURED]
        checks[place] = 0
        if row[VERSION] and captured >= hard[at + HARD_WIRE]:
            checks[place] = check_sums(data, start + row[NETWORK], start + captured, row[VERSION])
        likes[place] = like_of(row, 0)
        senders[place] = like_of(row, 1) if row[VERSION] == 4 else -1
    return hard_count


def digest_all(
    data: Octets, hard: Words, hard_count: int, row: Row, scratch: Row, numbers: Words, heads: Heads, rows: Words,
    lean: Words, extra: Words, keep: int, report: Words,
) -> int:  # fmt: skip
    """Decode the packets that were put aside, in full; `rows` gets the whole of each where `keep` is ROWS.

    Those that tell something of the network are moved to the front of `hard`, and counted in `report`.
    """
    telling = 0
    extra_at = 0
    for number in range(hard_count):
        at = number * HARD_WIDTH
        decode_hard(data, hard, at, row, scratch)
        place, start, captured = hard[at + HARD_PLACE], hard[at + HARD_START], hard[at + HARD_CAPTURED]
        report[REPORT_WRONG] += looks_wrong(data, start, row)
        if keep == DIGESTS:
            extra_at = lean_row(row, lean, place * LEAN_WIDTH, extra, extra_at)
            digest_payload(data, start, row, lean, place * LEAN_WIDTH)
            continue
        extra_at = digest_row(
            data, start, start + captured, row, scratch, numbers, heads, lean, place * LEAN_WIDTH, extra, extra_at
        )
        if keep == ROWS:
            for column in range(WIDTH):
                rows[place * WIDTH + column] = row[column]
        kind = is_telling(row, data, start, start + captured)
        if kind:
            for word in range(HARD_KIND):
                hard[telling * HARD_WIDTH + word] = hard[at + word]
            hard[telling * HARD_WIDTH + HARD_KIND] = kind
            telling += 1
    report[REPORT_TELLING] = telling
    return telling
