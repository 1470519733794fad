"""Which connection each packet belongs to, how many there were, and how each segment fares in it.

A flow is one row of integers in `table`; `slots` is an open-addressing hash table of flow numbers. All functions run
compiled, on arrays that their caller makes larger when they say so.
"""

from __future__ import annotations

from typing import Any, Final

from attribution.packets.columns import (
    ACK,
    ACKNOWLEDGEMENT,
    DESTINATION,
    DESTINATION_PORT,
    FLAGS,
    FRAGMENT,
    IP_ID,
    IP_LENGTH,
    LAYERS,
    LENGTH,
    PROTOCOL,
    SCALE,
    SEQUENCE,
    SOURCE,
    SOURCE_PORT,
    SYN,
    TCP,
    TIME,
    TRANSPORT,
    TTL,
    VERSION,
    WINDOW,
    WIRE,
    Row,
)
from attribution.packets.tcp_health import (
    CONNECTION_WIDTH,
    DIRECTION_WIDTH,
    DUPLICATE_ACK,
    DUPLICATES,
    STATE_WIDTH,
    clear_state,
    judge_segment,
    opens_new_connection,
)

Array = Any  # a numpy array; the kernels are also compiled, where annotations do not matter

# A packet as the second stage needs it
LEAN_TIME: Final = 0
LEAN_KEY: Final = 1  # five words: the lower end's address (2), the other's (2), ports and protocol
LEAN_HASH: Final = 6
LEAN_DIRECTION: Final = 7  # 1 if the sender is not the lower end; -1 for a packet that is of no flow
LEAN_SEQUENCE: Final = 8
LEAN_ACKNOWLEDGEMENT: Final = 9
LEAN_FLAGS: Final = 10
LEAN_WINDOW: Final = 11
LEAN_LENGTH: Final = 12  # -1 where there is no transport header to judge
LEAN_SCALE: Final = 13
LEAN_WIRE: Final = 14
LEAN_LAYERS: Final = 15
LEAN_MARK: Final = 16  # IP identification (0 where there is none) × 256 + time to live
# What the comparison of captures needs besides
LEAN_DIGEST: Final = 17  # of TCP the timestamps, else a number made of the first octets of what is carried
LEAN_KEPT: Final = 18  # how many of those octets the capture kept: 24 where none is missing
LEAN_WIDTH: Final = 19

# A flow
FLOW_KEY: Final = 0
FLOW_HASH: Final = 5
FLOW_STREAM: Final = 6  # number of the TCP connection as Wireshark's tcp.stream, else -1
FLOW_FRAME: Final = 7  # its first packet
FLOW_SIDES: Final = 8  # then, for each direction:
SIDE_PACKETS: Final = 0
SIDE_OCTETS: Final = 1
SIDE_PAYLOAD: Final = 2
SIDE_FIRST: Final = 3
SIDE_LAST: Final = 4
SIDE_HEALTH: Final = 5  # how often each bit of tcp_health was found
HEALTH_KINDS: Final = 15
SIDE_WIDTH: Final = SIDE_HEALTH + HEALTH_KINDS
FLOW_STATE: Final = FLOW_SIDES + 2 * SIDE_WIDTH
FLOW_WIDTH: Final = FLOW_STATE + STATE_WIDTH

# The counters of a table
FLOWS: Final = 0
STREAMS: Final = 1
FRAMES: Final = 2
OCTETS: Final = 3
STRANGERS: Final = 4  # packets of no flow
EARLIEST: Final = 5
LATEST: Final = 6
COUNTERS: Final = 7
FRAMES_SHOWN: Final = 16  # of each kind of finding

MULTIPLIER: Final = 0x9E3779B1


def scatter(word: int) -> int:
    """31 well mixed bits of a 64-bit word. No step overflows: compiled, an overflow of signed numbers means nothing."""
    folded = (word ^ word >> 31 ^ word >> 62) & 0x7FFFFFFF
    product = folded * MULTIPLIER
    return (product ^ product >> 32) & 0x7FFFFFFF


def put_key(
    lean: Array, at: int, source_high: int, source_low: int, destination_high: int, destination_low: int,
    source_port: int, destination_port: int, version: int, protocol: int,
) -> None:  # fmt: skip
    """The key of a flow is the same both ways: the lower end comes first; `LEAN_DIRECTION` tells which one sent."""
    swap = source_high > destination_high or (
        source_high == destination_high
        and (source_low > destination_low or (source_low == destination_low and source_port > destination_port))
    )
    if swap:
        lean[at, LEAN_KEY] = destination_high
        lean[at, LEAN_KEY + 1] = destination_low
        lean[at, LEAN_KEY + 2] = source_high
        lean[at, LEAN_KEY + 3] = source_low
        ports = (destination_port & 0xFFFF) << 16 | source_port & 0xFFFF
        lean[at, LEAN_DIRECTION] = 1
    else:
        lean[at, LEAN_KEY] = source_high
        lean[at, LEAN_KEY + 1] = source_low
        lean[at, LEAN_KEY + 2] = destination_high
        lean[at, LEAN_KEY + 3] = destination_low
        ports = (source_port & 0xFFFF) << 16 | destination_port & 0xFFFF
        lean[at, LEAN_DIRECTION] = 0
    lean[at, LEAN_KEY + 4] = ports << 16 | version << 8 | protocol
    mixed = scatter(lean[at, LEAN_KEY + 1] ^ lean[at, LEAN_KEY + 3])
    if version == 6:
        mixed = scatter(mixed ^ lean[at, LEAN_KEY] ^ lean[at, LEAN_KEY + 2])
    lean[at, LEAN_HASH] = scatter(mixed ^ lean[at, LEAN_KEY + 4])


def lean_row(row: Row, lean: Array, at: int) -> None:
    """Keep of a decoded packet what the second stage needs, with its flow's key and hash."""
    lean[at, LEAN_TIME] = row[TIME]
    lean[at, LEAN_WIRE] = row[WIRE]
    lean[at, LEAN_LAYERS] = row[LAYERS]
    if row[VERSION] == 0 or row[PROTOCOL] > 255:
        lean[at, LEAN_DIRECTION] = -1
        return
    source_high = row[SOURCE] << 32 | row[SOURCE + 1]
    source_low = row[SOURCE + 2] << 32 | row[SOURCE + 3]
    destination_high = row[DESTINATION] << 32 | row[DESTINATION + 1]
    destination_low = row[DESTINATION + 2] << 32 | row[DESTINATION + 3]
    source_port = row[SOURCE_PORT]
    destination_port = row[DESTINATION_PORT]
    protocol = row[PROTOCOL]
    if protocol == 1 or protocol == 58:
        source_port = row[ACKNOWLEDGEMENT]
        destination_port = source_port
    put_key(
        lean, at, source_high, source_low, destination_high, destination_low, source_port, destination_port,
        row[VERSION], protocol,
    )  # fmt: skip
    lean[at, LEAN_SEQUENCE] = row[SEQUENCE]
    lean[at, LEAN_ACKNOWLEDGEMENT] = row[ACKNOWLEDGEMENT]
    lean[at, LEAN_FLAGS] = row[FLAGS]
    lean[at, LEAN_MARK] = max(row[IP_ID], 0) << 8 | max(row[TTL], 0)
    if protocol == TCP and row[TRANSPORT] >= 0 and row[FRAGMENT] == 0:
        lean[at, LEAN_WINDOW] = row[WINDOW]
        lean[at, LEAN_LENGTH] = row[LENGTH]
        lean[at, LEAN_SCALE] = row[SCALE]
    else:
        lean[at, LEAN_WINDOW] = row[FRAGMENT] << 16 | row[SOURCE_PORT] & 0xFF if protocol in (1, 58) else row[FRAGMENT]
        lean[at, LEAN_LENGTH] = -1
        lean[at, LEAN_SCALE] = row[IP_LENGTH]


def find_slot(lean: Array, at: int, slots: Array, table: Array) -> Any:
    """The slot that holds a packet's flow, or the free one where it belongs."""
    mask = slots.size - 1
    hashed = lean[at, LEAN_HASH]
    slot = hashed & mask
    while True:
        flow = slots[slot]
        if flow < 0:
            return slot
        base = flow * FLOW_WIDTH
        if (
            table[base + FLOW_HASH] == hashed
            and table[base + FLOW_KEY + 1] == lean[at, LEAN_KEY + 1]
            and table[base + FLOW_KEY + 3] == lean[at, LEAN_KEY + 3]
            and table[base + FLOW_KEY + 4] == lean[at, LEAN_KEY + 4]
            and table[base + FLOW_KEY] == lean[at, LEAN_KEY]
            and table[base + FLOW_KEY + 2] == lean[at, LEAN_KEY + 2]
        ):
            return slot
        slot = (slot + 1) & mask


def new_flow(lean: Array, at: int, table: Array, counters: Array) -> Any:
    """Begin a flow with this packet."""
    flow = counters[FLOWS]
    counters[FLOWS] += 1
    base = flow * FLOW_WIDTH
    for word in range(5):
        table[base + FLOW_KEY + word] = lean[at, LEAN_KEY + word]
    table[base + FLOW_HASH] = lean[at, LEAN_HASH]
    table[base + FLOW_FRAME] = counters[FRAMES] + 1
    if lean[at, LEAN_KEY + 4] & 0xFF == TCP:
        table[base + FLOW_STREAM] = counters[STREAMS]
        counters[STREAMS] += 1
        clear_state(table, base + FLOW_STATE)
    else:
        table[base + FLOW_STREAM] = -1
    return flow


def absorb(
    lean: Array, start: int, count: int, slots: Array, table: Array, counters: Array, health: Array, flow_of: Array,
    duplicates: Array, kinds: Array, shown: Array,
) -> int:  # fmt: skip
    """Put packets lean[start:count] into their flows. Answers how far it came: less than `count` where a table is full.

    `health`, `flow_of` and `duplicates` are filled for each packet (flow -1 for a packet of no flow). `kinds` counts
    each kind of finding over the whole capture, `shown` keeps the frame numbers of its first.
    """
    capacity = min(table.size // FLOW_WIDTH, slots.size // 2)
    for at in range(start, count):
        if counters[FLOWS] >= capacity:
            return at
        health[at] = 0
        duplicates[at] = 0
        flow_of[at] = -1
        counters[OCTETS] += lean[at, LEAN_WIRE]
        counters[EARLIEST] = min(counters[EARLIEST], lean[at, LEAN_TIME])
        counters[LATEST] = max(counters[LATEST], lean[at, LEAN_TIME])
        direction = lean[at, LEAN_DIRECTION]
        if direction < 0:
            counters[FRAMES] += 1
            counters[STRANGERS] += 1
            continue
        slot = find_slot(lean, at, slots, table)
        flow = slots[slot]
        known = flow >= 0
        segment = lean[at, LEAN_LENGTH] >= 0
        reused = 0
        if known and segment and lean[at, LEAN_FLAGS] & (SYN | ACK) == SYN:
            state = flow * FLOW_WIDTH + FLOW_STATE
            if opens_new_connection(table, state, direction, lean[at, LEAN_SEQUENCE], lean[at, LEAN_FLAGS]):
                known = False
                reused = 1
        if not known:
            flow = new_flow(lean, at, table, counters)
            slots[slot] = flow
        counters[FRAMES] += 1
        base = flow * FLOW_WIDTH
        side = base + FLOW_SIDES + direction * SIDE_WIDTH
        if table[side + SIDE_PACKETS] == 0:
            table[side + SIDE_FIRST] = lean[at, LEAN_TIME]
        table[side + SIDE_PACKETS] += 1
        table[side + SIDE_OCTETS] += lean[at, LEAN_WIRE]
        table[side + SIDE_LAST] = lean[at, LEAN_TIME]
        flow_of[at] = flow
        if segment:
            table[side + SIDE_PAYLOAD] += lean[at, LEAN_LENGTH]
            found = judge_segment(
                table, base + FLOW_STATE, direction, lean[at, LEAN_TIME], lean[at, LEAN_SEQUENCE],
                lean[at, LEAN_ACKNOWLEDGEMENT], lean[at, LEAN_LENGTH], lean[at, LEAN_FLAGS], lean[at, LEAN_WINDOW],
                lean[at, LEAN_SCALE], reused,
            )  # fmt: skip
            health[at] = found
            if found:
                for kind in range(HEALTH_KINDS):
                    if found >> kind & 1:
                        table[side + SIDE_HEALTH + kind] += 1
                        if kinds[kind] < FRAMES_SHOWN:
                            shown[kind, kinds[kind]] = counters[FRAMES]
                        kinds[kind] += 1
                if found & DUPLICATE_ACK:
                    mine = base + FLOW_STATE + CONNECTION_WIDTH + direction * DIRECTION_WIDTH
                    duplicates[at] = table[mine + DUPLICATES]
    return count


def rehash(slots: Array, table: Array, count: int) -> None:
    """Fill a larger, empty hash table with the flows there are; a later flow on the same ports replaces the earlier."""
    mask = slots.size - 1
    for flow in range(count):
        base = flow * FLOW_WIDTH
        hashed = table[base + FLOW_HASH]
        slot = hashed & mask
        while slots[slot] >= 0:
            old = slots[slot] * FLOW_WIDTH
            same = True
            for word in range(5):
                if table[old + FLOW_KEY + word] != table[base + FLOW_KEY + word]:
                    same = False
            if same:
                break
            slot = (slot + 1) & mask
        slots[slot] = flow
