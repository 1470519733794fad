"""Which connection each packet belongs to, how many there were, and how each segment fares in it.

A flow is one row of integers in `table`; `slots` is an open-addressing hash table of flow numbers. The functions run
as they stand on lists, and compiled on arrays that their caller makes larger when they say so (`ledger`).
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import ACK, FIN, RST, SYN, TCP, Row
from attribution.packets.lean import (
    LEAN_ACKNOWLEDGEMENT,
    LEAN_DIRECTION,
    LEAN_EXTRA,
    LEAN_FLAGS,
    LEAN_FRAME,
    LEAN_HASH,
    LEAN_KEY,
    LEAN_LENGTH,
    LEAN_MARK,
    LEAN_SCALE,
    LEAN_SEQUENCE,
    LEAN_TIME,
    LEAN_WIDTH,
    LEAN_WINDOW,
    LEAN_WIRE,
    NO_SEGMENT,
    QUOTED_FLOW,
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

Words = Row

# A flow
FLOW_KEY: Final = 0
FLOW_HASH: Final = 5
FLOW_STREAM: Final = 6  # number of the TCP connection as Wireshark's tcp.stream, else -1
FLOW_FRAME: Final = 7  # its first packet
FLOW_LAST_TIME: Final = 8
FLOW_LAST_FRAME: Final = 9
FLOW_GAP: Final = 10  # the longest time without a packet, when it began, the frames before and after it
FLOW_GAP_START: Final = 11
FLOW_GAP_BEFORE: Final = 12
FLOW_GAP_AFTER: Final = 13
FLOW_OPENING: Final = 14  # how far the handshake came
FLOW_STARTER: Final = 15  # which side sent the first packet
FLOW_SPOKEN: Final = 16  # a bit for each side that has said more than SYN
FLOW_FINISHED: Final = 17  # a bit for each side that has sent FIN; 4 once the connection was reset
FLOW_SIDES: Final = 18  # then, for each direction:
SIDE_PACKETS: Final = 0
SIDE_OCTETS: Final = 1
SIDE_PAYLOAD: Final = 2
SIDE_FIRST: Final = 3
SIDE_LAST: Final = 4
SIDE_LIFE_LEAST: Final = 5  # times to live, resets left out but for the one that refuses a connection
SIDE_LIFE_MOST: Final = 6
SIDE_CLOSED: Final = 7  # the frame that closed the window, 0 while it is open; when, and how many have said so since
SIDE_CLOSED_TIME: Final = 8
SIDE_CLOSED_COUNT: Final = 9
SIDE_HEALTH: Final = 10  # how often each bit of tcp_health was found
HEALTH_KINDS: Final = 15
SIDE_WIDTH: Final = SIDE_HEALTH + HEALTH_KINDS
FLOW_STATE: Final = FLOW_SIDES + 2 * SIDE_WIDTH
FLOW_WIDTH: Final = FLOW_STATE + STATE_WIDTH

# FLOW_OPENING
NOT_SEEN: Final = 0
ASKED: Final = 1
ACCEPTED: Final = 2
COMPLETE: Final = 3
REFUSED: Final = 4

# The counters of a table
FLOWS: Final = 0  # rows in use or free
STREAMS: Final = 1
FRAMES: Final = 2
OCTETS: Final = 3
STRANGERS: Final = 4  # packets of no flow
EARLIEST: Final = 5
LATEST: Final = 6
MASK: Final = 7  # number of slots - 1
CAPACITY: Final = 8  # of flows in the table
FREE: Final = 9  # the first row that a retired flow has left, -1 for none; the next stands in its FLOW_FRAME
USED: Final = 10  # flows in the table
SEEN: Final = 11  # flows ever
NOTES: Final = 12  # rows of notes
DISORDER: Final = 13  # packets earlier than the one before them in the file
PREVIOUS: Final = 14  # time of the packet before
WORTH: Final = 15  # flows that `leave_rows` found worth keeping
COUNTERS: Final = 16
FRAMES_SHOWN: Final = 16  # of each kind of finding
PROTOCOLS: Final = 256 + 0x10000

# What a connection says of itself once, for `witnesses`
NOTE_KIND: Final = 0
NOTE_FLOW: Final = 1
NOTE_SIDE: Final = 2
NOTE_FRAME: Final = 3
NOTE_TIME: Final = 4
NOTE_END: Final = 5
NOTE_COUNT: Final = 6
NOTE_LIFE: Final = 7
NOTE_WIDTH: Final = 8
RESET: Final = 1
CLOSED: Final = 2
SHORTEST_CLOSED_NS: Final = 200_000_000  # a window that is closed for less is a reader that was busy for a moment


def protocol_slot(protocol: int) -> int:
    """Where packets of an IP protocol (below 256), an ethertype, or neither (-1) are counted."""
    return protocol if 0 <= protocol < 256 else 256 + (protocol & 0xFFFF)


def find_slot(lean: Words, at: int, slots: Words, mask: int, table: Words) -> int:
    """The slot that holds a packet's flow, or the free one where it belongs."""
    hashed = lean[at + LEAN_HASH]
    slot = hashed & mask
    while True:
        flow = slots[slot]
        if flow < 0:
            return slot
        base = flow * FLOW_WIDTH
        if (
            table[base + FLOW_HASH] == hashed
            and table[base + FLOW_KEY + 1] == lean[at + LEAN_KEY + 1]
            and table[base + FLOW_KEY + 3] == lean[at + LEAN_KEY + 3]
            and table[base + FLOW_KEY + 4] == lean[at + LEAN_KEY + 4]
            and table[base + FLOW_KEY] == lean[at + LEAN_KEY]
            and table[base + FLOW_KEY + 2] == lean[at + LEAN_KEY + 2]
        ):
            return slot
        slot = (slot + 1) & mask


def new_flow(lean: Words, at: int, table: Words, counters: Words) -> int:
    """A row for a flow, one that was left or the next; its packets are still to come."""
    flow = counters[FREE]
    if flow >= 0:
        counters[FREE] = table[flow * FLOW_WIDTH + FLOW_FRAME]
    else:
        flow = counters[FLOWS]
        counters[FLOWS] += 1
    counters[USED] += 1
    base = flow * FLOW_WIDTH
    for word in range(FLOW_WIDTH):
        table[base + word] = 0
    for word in range(5):
        table[base + FLOW_KEY + word] = lean[at + LEAN_KEY + word]
    table[base + FLOW_HASH] = lean[at + LEAN_HASH]
    table[base + FLOW_FRAME] = counters[FRAMES] + 1
    table[base + FLOW_LAST_FRAME] = counters[FRAMES] + 1
    table[base + FLOW_STREAM] = -1
    return flow


def number_connection(table: Words, base: int, counters: Words) -> None:
    """Give a flow of TCP its number."""
    table[base + FLOW_STREAM] = counters[STREAMS]
    counters[STREAMS] += 1
    clear_state(table, base + FLOW_STATE)


def begin_flow(lean: Words, at: int, table: Words, base: int, counters: Words) -> None:
    """The first packet of a flow."""
    counters[SEEN] += 1
    table[base + FLOW_FRAME] = counters[FRAMES]
    table[base + FLOW_LAST_TIME] = lean[at + LEAN_TIME]
    table[base + FLOW_LAST_FRAME] = counters[FRAMES]
    table[base + FLOW_STARTER] = lean[at + LEAN_DIRECTION]
    if lean[at + LEAN_LENGTH] >= 0 and lean[at + LEAN_FLAGS] & (SYN | ACK | RST) == SYN:
        table[base + FLOW_OPENING] = ASKED


def hear_of_connection(extra: Words, at: int, slots: Words, mask: int, table: Words, counters: Words) -> None:
    """An ICMP error quotes a segment: its connection has a number from now on, if enough of it is quoted."""
    slot = find_slot(extra, at, slots, mask, table)
    flow = slots[slot]
    side = flow * FLOW_WIDTH + FLOW_SIDES
    if flow >= 0 and table[side + SIDE_PACKETS] + table[side + SIDE_WIDTH + SIDE_PACKETS] == 0:
        flow = -1
    extra[at + QUOTED_FLOW] = flow
    if slots[slot] < 0 and extra[at + LEAN_LENGTH] != NO_SEGMENT:
        slots[slot] = new_flow(extra, at, table, counters)
        number_connection(table, slots[slot] * FLOW_WIDTH, counters)


def judge_batch(
    lean: Words, extra: Words, start: int, count: int, slots: Words, table: Words, counters: Words, health: Words,
    stream: Words, flow_of: Words, fresh: Words, duplicates: Words, kinds: Words, shown: Words, notes: Words,
    protocols: Words,
) -> int:  # fmt: skip
    """Put packets start to count into their flows. Answers how far it came: less where the table is full.

    `health`, `stream` (-1 for a packet that is no segment), `flow_of` (-1 for one of no flow), `fresh` (1 for a flow's
    first) and `duplicates` are filled for each packet. `kinds` counts each kind of finding over the whole capture,
    `shown` keeps the frame numbers of its first; `notes` gets what connections say of themselves once, two rows a
    packet at the most; `protocols` counts packets by `protocol_slot`.
    """
    mask = counters[MASK]
    for number in range(start, count):
        if counters[USED] + 2 > counters[CAPACITY]:
            return number
        at = number * LEAN_WIDTH
        time_ns = lean[at + LEAN_TIME]
        wire = lean[at + LEAN_WIRE]
        health[number] = 0
        duplicates[number] = 0
        flow_of[number] = -1
        stream[number] = -1
        fresh[number] = 0
        lean[at + LEAN_FRAME] = counters[FRAMES] + 1
        counters[OCTETS] += wire
        if time_ns < counters[EARLIEST]:
            counters[EARLIEST] = time_ns
        if time_ns > counters[LATEST]:
            counters[LATEST] = time_ns
        if time_ns < counters[PREVIOUS] and counters[FRAMES]:
            counters[DISORDER] += 1
        counters[PREVIOUS] = time_ns
        direction = lean[at + LEAN_DIRECTION]
        if direction < 0:
            counters[FRAMES] += 1
            counters[STRANGERS] += 1
            protocols[protocol_slot(lean[at + LEAN_KEY + 4])] += 1
            continue
        protocols[lean[at + LEAN_KEY + 4] & 0xFF] += 1
        length = lean[at + LEAN_LENGTH]
        if lean[at + LEAN_EXTRA] and length < 0:
            hear_of_connection(extra, lean[at + LEAN_EXTRA] - 1, slots, mask, table, counters)
        slot = find_slot(lean, at, slots, mask, table)
        flow = slots[slot]
        flags = lean[at + LEAN_FLAGS]
        reused = 0
        if flow >= 0 and length >= 0 and flags & (SYN | ACK) == SYN:
            state = flow * FLOW_WIDTH + FLOW_STATE
            if opens_new_connection(table, state, direction, lean[at + LEAN_SEQUENCE], flags):
                flow = -1
                reused = 1
        if flow < 0:
            flow = new_flow(lean, at, table, counters)
            slots[slot] = flow
        counters[FRAMES] += 1
        flow_of[number] = flow
        base = flow * FLOW_WIDTH
        side = base + FLOW_SIDES + direction * SIDE_WIDTH
        if table[base + FLOW_SIDES + SIDE_PACKETS] + table[base + FLOW_SIDES + SIDE_WIDTH + SIDE_PACKETS] == 0:
            begin_flow(lean, at, table, base, counters)
            fresh[number] = 1
        if table[base + FLOW_STREAM] < 0 and lean[at + LEAN_KEY + 4] & 0xFF == TCP and length != NO_SEGMENT:
            number_connection(table, base, counters)
        if length != NO_SEGMENT:
            stream[number] = table[base + FLOW_STREAM]
        meet_packet(table, base, side, time_ns, wire, lean[at + LEAN_MARK] & 0xFF, flags, counters[FRAMES])
        if length >= 0:
            table[side + SIDE_PAYLOAD] += length
            found = judge_segment(
                table, base + FLOW_STATE, direction, time_ns, lean[at + LEAN_SEQUENCE],
                lean[at + LEAN_ACKNOWLEDGEMENT], length, flags, lean[at + LEAN_WINDOW], lean[at + LEAN_SCALE], reused,
            )  # fmt: skip
            if found:
                health[number] = found
                count_findings(found, table, side, kinds, shown, counters[FRAMES])
                if found & DUPLICATE_ACK:
                    mine = base + FLOW_STATE + CONNECTION_WIDTH + direction * DIRECTION_WIDTH
                    duplicates[number] = table[mine + DUPLICATES]
            open_connection(table, base, direction, flags)
            if flags & RST:
                note_reset(table, base, direction, notes, counters, time_ns, lean[at + LEAN_MARK] & 0xFF, flow)
            elif not flags & (SYN | FIN) and (lean[at + LEAN_WINDOW] == 0 or table[side + SIDE_CLOSED]):
                note_window(table, side, lean[at + LEAN_WINDOW], notes, counters, time_ns, flow, direction)
    return count


def meet_packet(table: Words, base: int, side: int, time_ns: int, wire: int, life: int, flags: int, frame: int) -> None:
    """What every packet adds to its flow, of any protocol."""
    if table[side + SIDE_PACKETS] == 0:
        table[side + SIDE_FIRST] = time_ns
        table[side + SIDE_LIFE_LEAST] = 256
    table[side + SIDE_PACKETS] += 1
    table[side + SIDE_OCTETS] += wire
    table[side + SIDE_LAST] = time_ns
    if not flags & RST:
        if life < table[side + SIDE_LIFE_LEAST]:
            table[side + SIDE_LIFE_LEAST] = life
        if life > table[side + SIDE_LIFE_MOST]:
            table[side + SIDE_LIFE_MOST] = life
    gap = time_ns - table[base + FLOW_LAST_TIME]
    if gap > table[base + FLOW_GAP]:
        table[base + FLOW_GAP] = gap
        table[base + FLOW_GAP_START] = table[base + FLOW_LAST_TIME]
        table[base + FLOW_GAP_BEFORE] = table[base + FLOW_LAST_FRAME]
        table[base + FLOW_GAP_AFTER] = frame
    table[base + FLOW_LAST_TIME] = time_ns
    table[base + FLOW_LAST_FRAME] = frame


def count_findings(found: int, table: Words, side: int, kinds: Words, shown: Words, frame: int) -> None:
    """Count each bit of what a segment was found to be."""
    for kind in range(HEALTH_KINDS):
        if found >> kind & 1:
            table[side + SIDE_HEALTH + kind] += 1
            if kinds[kind] < FRAMES_SHOWN:
                shown[kind * FRAMES_SHOWN + kinds[kind]] = frame
            kinds[kind] += 1


def open_connection(table: Words, base: int, direction: int, flags: int) -> None:
    """How far the handshake came (RFC 9293 §3.5), and who has spoken and finished."""
    if not flags & SYN or flags & ACK:
        table[base + FLOW_SPOKEN] |= 1 << direction
    if flags & FIN:
        table[base + FLOW_FINISHED] |= 1 << direction
    opening = table[base + FLOW_OPENING]
    if opening != ASKED and opening != ACCEPTED:
        return
    if direction == table[base + FLOW_STARTER]:
        if not flags & SYN:
            table[base + FLOW_OPENING] = COMPLETE if opening == ACCEPTED else NOT_SEEN
    elif flags & RST:
        if opening == ASKED:
            table[base + FLOW_OPENING] = REFUSED
    elif flags & SYN and flags & ACK:
        table[base + FLOW_OPENING] = ACCEPTED
    elif not flags & RST:
        table[base + FLOW_OPENING] = NOT_SEEN  # the handshake was before the capture, or its answer was missed


def note_reset(
    table: Words, base: int, direction: int, notes: Words, counters: Words, time_ns: int, life: int, flow: int
) -> None:
    """The first reset of a connection that both ends had used and neither had finished cuts it."""
    side = base + FLOW_SIDES + direction * SIDE_WIDTH
    if table[base + FLOW_OPENING] == REFUSED and table[side + SIDE_LIFE_MOST] == 0:
        table[side + SIDE_LIFE_LEAST] = life
        table[side + SIDE_LIFE_MOST] = life
    ended = table[base + FLOW_FINISHED]
    table[base + FLOW_FINISHED] = ended | 4
    if ended or table[base + FLOW_SPOKEN] != 3:
        return
    at = counters[NOTES] * NOTE_WIDTH
    counters[NOTES] += 1
    notes[at + NOTE_KIND] = RESET
    notes[at + NOTE_FLOW] = flow
    notes[at + NOTE_SIDE] = direction
    notes[at + NOTE_FRAME] = counters[FRAMES]
    notes[at + NOTE_TIME] = time_ns
    notes[at + NOTE_END] = time_ns
    notes[at + NOTE_COUNT] = 1
    notes[at + NOTE_LIFE] = life


def note_window(
    table: Words, side: int, window: int, notes: Words, counters: Words, time_ns: int, flow: int, direction: int
) -> None:
    """A receiver without room says so until its reader goes on; noted when that took long."""
    if window == 0:
        if table[side + SIDE_CLOSED] == 0:
            table[side + SIDE_CLOSED] = counters[FRAMES]
            table[side + SIDE_CLOSED_TIME] = time_ns
            table[side + SIDE_CLOSED_COUNT] = 0
        table[side + SIDE_CLOSED_COUNT] += 1
        return
    if time_ns - table[side + SIDE_CLOSED_TIME] >= SHORTEST_CLOSED_NS:
        at = counters[NOTES] * NOTE_WIDTH
        counters[NOTES] += 1
        notes[at + NOTE_KIND] = CLOSED
        notes[at + NOTE_FLOW] = flow
        notes[at + NOTE_SIDE] = direction
        notes[at + NOTE_FRAME] = table[side + SIDE_CLOSED]
        notes[at + NOTE_TIME] = table[side + SIDE_CLOSED_TIME]
        notes[at + NOTE_END] = time_ns
        notes[at + NOTE_COUNT] = table[side + SIDE_CLOSED_COUNT]
        notes[at + NOTE_LIFE] = 0
    table[side + SIDE_CLOSED] = 0


def rehash(slots: Words, mask: int, table: Words, count: int) -> int:
    """Fill an empty hash table with the flows there are; a later flow on the same ports replaces the earlier.

    Rows that were left (FLOW_HASH negative) are passed over.
    """
    for flow in range(count):
        base = flow * FLOW_WIDTH
        hashed = table[base + FLOW_HASH]
        if hashed < 0:
            continue
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
        if slots[slot] < 0 or table[slots[slot] * FLOW_WIDTH + FLOW_FRAME] < table[base + FLOW_FRAME]:
            slots[slot] = flow
    return count


def leave_rows(
    table: Words, count: int, last_frame: int, least: int, counters: Words, left: Words, worth: Words
) -> int:
    """Take the flows whose last packet is not after `last_frame` out of the table. Answers how many; `left` lists them.

    `worth` lists those with more than `least` packets or with a closed window (WORTH of them). Only their hash becomes
    -1, so that their rows can still be read before `free_rows` gives them away.
    """
    found = 0
    counters[WORTH] = 0
    for flow in range(count):
        base = flow * FLOW_WIDTH
        if table[base + FLOW_HASH] < 0 or table[base + FLOW_LAST_FRAME] > last_frame:
            continue
        left[found] = flow
        found += 1
        table[base + FLOW_HASH] = -1
        one, other = base + FLOW_SIDES, base + FLOW_SIDES + SIDE_WIDTH
        wanted = table[one + SIDE_PACKETS] + table[other + SIDE_PACKETS] > least
        wanted = wanted or table[one + SIDE_CLOSED] > 0 or table[other + SIDE_CLOSED] > 0
        if wanted:
            worth[counters[WORTH]] = flow
            counters[WORTH] += 1
    return found


def free_rows(table: Words, left: Words, count: int, counters: Words) -> int:
    """Let new flows have these rows."""
    for number in range(count):
        table[left[number] * FLOW_WIDTH + FLOW_FRAME] = counters[FREE]
        counters[FREE] = left[number]
    counters[USED] -= count
    return count
