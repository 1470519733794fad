"""Two large captures advance together in time, and each packet of the one meets its like of the other; compiled.

What no router changes makes a number of 62 bits: among a million packets in the window the chance that two different
ones share it is one in ten million. Each capture keeps its latest packets in a ring with a hash chain over it: the
newest of a chain points to the next older, and a chain ends where it leaves the ring, so nothing is ever deleted.
A packet that leaves the ring unmatched is handed out with what else is known of it: whether the other side got its
octets in other pieces, whether it was answered, whether it is a copy of one that was matched.

All functions are plain arithmetic on integers, and run as they stand where nothing is compiled.
"""

from __future__ import annotations

from typing import Any, Final

from attribution.packets.bulk.flow_table import (
    LEAN_ACKNOWLEDGEMENT,
    LEAN_DIGEST,
    LEAN_DIRECTION,
    LEAN_FLAGS,
    LEAN_HASH,
    LEAN_KEPT,
    LEAN_KEY,
    LEAN_LAYERS,
    LEAN_LENGTH,
    LEAN_MARK,
    LEAN_SCALE,
    LEAN_SEQUENCE,
    LEAN_TIME,
    LEAN_WINDOW,
    LEAN_WIRE,
    scatter,
)
from attribution.packets.columns import ACK, ICMP, ICMP6, LAYER_CUT, LAYER_OPTIONS_CUT, SYN, TCP

Array = Any

# A packet in the ring of its capture
SEEN_KEY: Final = 0  # the number, its flow mixed in
SEEN_TIME: Final = 1  # by the capture's own clock
SEEN_COMMON: Final = 2  # by the clock that both are compared on
SEEN_FLOW: Final = 3  # flow × 2 + direction
SEEN_SIZE: Final = 4  # octets on the wire × 256 + time to live
SEEN_STATE: Final = 5
SEEN_OLDER_ALIKE: Final = 6  # the next older packet of its chain
SEEN_LOOSE: Final = 7  # the number without its flow, -1 where its flow is known at both points
SEEN_OLDER_LOOSE: Final = 8
SEEN_SEQUENCE: Final = 9
SEEN_LENGTH: Final = 10  # octets of a TCP segment's sequence space, 0 where it has none
SEEN_COVERED: Final = 11  # how many of them the other side got in other pieces
SEEN_OLDER_OPEN: Final = 12  # unmatched segments of a flow, a list in both directions; NOT_LISTED where it is in none
SEEN_NEWER_OPEN: Final = 13
SEEN_MARK: Final = 14  # IP identification
SEEN_PART: Final = 15  # fragment offset and "more"; CUT where the snap length cut the headers
SEEN_OCTETS: Final = 16  # of what is not TCP: octets behind the IP header
SEEN_WIDTH: Final = 17

NOT_LISTED: Final = -2
CUT: Final = -1

# SEEN_STATE
OPEN: Final = 0
MATCHED: Final = 1
SUSPECT: Final = 2  # unmatched, but its like was matched before: a copy that the network made, if it stays so
IGNORED: Final = 3  # no IP packet, or the same packet seen again by the same capture: a mirror's copy, a loop

# A flow, the same for both captures; the lower end first, as in `flow_table`
FLOW_KEY: Final = 0
FLOW_HASH: Final = 5
FLOW_GROUP: Final = 6
FLOW_SEEN: Final = 7  # bit 0: by the first capture, bit 1: by the second
FLOW_ALIAS: Final = 8  # flow × 2 + flip as the first capture knows it, where addresses are translated; else -1
FLOW_CLAIM: Final = 9  # the alias that is being considered, and how often it was borne out
FLOW_CLAIMS: Final = 10
FLOW_OUTSIDE: Final = 11  # on the aliased flow: flow × 2 + flip as the second capture knows it; else -1
FLOW_SIDES: Final = 12  # then for each capture and direction (capture × 2 + direction):
SIDE_NEXT: Final = 0  # the sequence number after the highest seen, -1 at first
SIDE_ANSWER: Final = 1  # highest acknowledgement that was sent this way, -1 at first
SIDE_GAP: Final = 2  # newest gap in the sequence
SIDE_OLDEST_OPEN: Final = 3
SIDE_NEWEST_OPEN: Final = 4
SIDE_WIDTH: Final = 5
ECHO_BITS: Final = 48  # of a word; an exchange of echoes keeps in those five words which were answered
FLOW_WAYS: Final = FLOW_SIDES + 4 * SIDE_WIDTH  # then for each direction:
WAY_MATCHED: Final = 0
WAY_LATEST: Final = 1  # when the latest sent of its matched packets was sent
WAY_REORDERED: Final = 2
WAY_SAMPLES: Final = 3  # its place in the samples, -1 where it has none
WAY_LOST: Final = 4  # shown by the first capture alone, by the second alone
WAY_PIECES: Final = 6  # those of which the other has the octets
WAY_COPIES: Final = 8  # those whose like was matched before
WAY_WIDTH: Final = 10
FLOW_WIDTH: Final = FLOW_WAYS + 2 * WAY_WIDTH

# Two addresses and a protocol; number 0 takes in what there is no more room for, and is not told of
GROUP_KEY: Final = 0
GROUP_COUNT: Final = 5  # then for each direction:
GROUP_FALL: Final = 6  # sum of what the time to live fell by from the first capture to the second
GROUP_FIRST: Final = 7  # how much more often the first capture saw it first
GROUP_USUAL: Final = 8  # second capture's time minus first's, of the latest packet matched
GROUP_WAY: Final = 4  # columns from GROUP_COUNT on that stand twice
GROUP_OUTSIDE: Final = GROUP_COUNT + 2 * GROUP_WAY  # 1 + (group × 2 + flip) as the second capture knows it, or 0
GROUP_WIDTH: Final = GROUP_OUTSIDE + 1
MOST_GROUPS: Final = 1 << 12

# One second of a direction between two addresses; two of them are open at a time
BIN_GROUP: Final = 0  # group × 2 + direction
BIN_SECOND: Final = 1
BIN_MATCHED: Final = 2
BIN_REORDERED: Final = 3
BIN_LEAST: Final = 4  # least difference of the two times, and when at the first capture
BIN_LEAST_TIME: Final = 5
BIN_MOST: Final = 6
BIN_MOST_TIME: Final = 7
BIN_LARGEST: Final = 8  # octets of the largest that passed
BIN_FRAMES: Final = 9  # first packet at the first capture, at the second
BIN_TIME: Final = 11  # when its first packet passed the first capture
BIN_TAKEN: Final = 12  # how many samples there are, one of how many packets is taken, and how many are to be skipped
BIN_STRIDE: Final = 13
BIN_SKIP: Final = 14
BIN_SAMPLES: Final = 15
BIN_KEPT: Final = 128
BIN_WIDTH: Final = BIN_SAMPLES + BIN_KEPT

# The tightest packets of the first half minute, for the clocks of short captures: group × 2 + direction, slice, and
# the time at the first capture and the difference, where that is least and where it is greatest; time 0 for none
FINE_NS: Final = 125_000_000
FINE_SLICES: Final = 256
FINE_GROUPS: Final = 256

# Samples of a flow or of a group: (time at the first capture, difference) each
SAMPLE_TAKEN: Final = 0
SAMPLE_STRIDE: Final = 1
SAMPLE_SKIP: Final = 2
SAMPLE_PAIRS: Final = 3
GROUP_KEPT: Final = 256
FLOW_KEPT: Final = 64

# A gap in a flow's sequence at one capture
GAP_LEFT: Final = 0
GAP_RIGHT: Final = 1
GAP_OLDER: Final = 2
GAP_WIDTH: Final = 3

# A packet that left the ring unmatched
LEFT_SIDE: Final = 0
LEFT_INDEX: Final = 1
LEFT_COMMON: Final = 2
LEFT_FLOW: Final = 3
LEFT_GROUP: Final = 4
LEFT_SIZE: Final = 5
LEFT_WHY: Final = 6
LEFT_MARK: Final = 7
LEFT_PART: Final = 8
LEFT_OCTETS: Final = 9
LEFT_WIDTH: Final = 10

# LEFT_WHY
MISSING: Final = 0
IN_PIECES: Final = 1  # the other side has its octets in other segments
ANSWERED: Final = 2  # it arrived, for it was acknowledged, and no other copy passed the other side
COPIED: Final = 3  # its like had passed before
PARTIAL: Final = 4  # a fragment, or cut headers: not to be known again, but it may explain another
UNLIKE: Final = 5  # both captures show its direction of the flow, and not one packet of it is the same

# The state of the whole
AT: Final = 0  # how far into each batch
HEAD: Final = 2  # how many packets of each capture were taken in
TAIL: Final = 4  # how many have left its ring
FLOWS: Final = 6
GROUPS: Final = 7
GAPS: Final = 8
LEFT: Final = 9
CLOSED: Final = 10
NOW: Final = 11  # the common time that has been reached
PAIRS: Final = 12
COPIES: Final = 13  # packets that one capture saw twice at once
FLOW_SAMPLES: Final = 15
STRAYS: Final = 16  # packets of flows whose group is not kept
SET_CLOCK: Final = 17  # which capture's clock is the common one
SET_OFFSET: Final = 18  # the second capture's time minus the first's, at SET_REFERENCE of the first
SET_REFERENCE: Final = 19
SET_DRIFT: Final = 20  # in parts of 2^40
SET_WINDOW: Final = 21
SET_MIRRORED: Final = 22  # whether a capture sees packets twice
ENDED: Final = 24  # whether a capture's last batch is here
BEGINNING: Final = 26  # the common time of the first packet
STATE_WIDTH: Final = 27

# Why `advance` came back
WANTS_FIRST: Final = 0
WANTS_SECOND: Final = 1
WANTS_ROOM: Final = 2  # for what it hands out
WANTS_TABLES: Final = 3  # for flows
FINISHED: Final = 4

CHAIN_WALK: Final = 48
LIST_WALK: Final = 64
GAP_WALK: Final = 4096
MIRROR_NS: Final = 1_000_000
SECOND_NS: Final = 1_000_000_000
HALF: Final = 1 << 31
WORD: Final = 0xFFFFFFFF
NEVER: Final = -(1 << 62)


def number_packets(lean: Array, count: int, octets: int, timestamps: int, numbers: Array) -> None:
    """Give each packet the number that no router changes, made of everything but its flow; -1 where it has none.

    `octets` of payload (0, 8 or 24) are compared where the headers say little, TCP timestamps where `timestamps` is 1.
    """
    for at in range(count):
        if lean[at, LEAN_DIRECTION] < 0:
            numbers[at] = -1
            continue
        protocol = lean[at, LEAN_KEY + 4] & 0xFF
        digest = lean[at, LEAN_DIGEST]
        mark = lean[at, LEAN_MARK] >> 8
        if protocol == TCP and lean[at, LEAN_LENGTH] >= 0:
            here = scatter(lean[at, LEAN_SEQUENCE] ^ mark << 33)
            there = scatter(lean[at, LEAN_ACKNOWLEDGEMENT] + (lean[at, LEAN_WINDOW] << 33) ^ lean[at, LEAN_FLAGS] << 50)
            rest = scatter(lean[at, LEAN_LENGTH] + 3)
            if timestamps:
                rest = scatter(rest ^ digest)
        else:
            here = scatter(lean[at, LEAN_SEQUENCE] ^ mark << 33)
            there = scatter(lean[at, LEAN_WINDOW] << 8 ^ protocol)
            rest = scatter(lean[at, LEAN_SCALE] + 5)
            if octets >= 24:
                rest = scatter(rest ^ digest)
            elif octets >= 8:
                rest = scatter(rest ^ digest >> 31 & 0x3FFFFFFF)
        first = scatter(here ^ there << 1 ^ rest << 2)
        second = scatter(first ^ here + (there << 31) ^ rest << 5)
        numbers[at] = first << 31 | second


def least_payload(lean: Array, count: int) -> Any:
    """(Octets of payload kept of every packet that is not TCP, at most 24; whether all TCP options are whole.)"""
    least = 24
    whole = 1
    for at in range(count):
        if lean[at, LEAN_DIRECTION] < 0:
            continue
        if lean[at, LEAN_KEY + 4] & 0xFF == TCP:
            if lean[at, LEAN_LAYERS] & LAYER_OPTIONS_CUT:
                whole = 0
        else:
            least = min(least, lean[at, LEAN_KEPT])
    return least, whole


def with_flow(number: int, lean: Array, at: int) -> int:
    """A packet's number with its flow mixed in, for captures that share no table of flows yet."""
    mixed = lean[at, LEAN_HASH] << 1 | lean[at, LEAN_DIRECTION]
    return scatter(number ^ mixed << 29) << 31 | scatter((number >> 31) + mixed)


def number_flows(lean: Array, count: int, numbers: Array) -> None:
    """Mix the flow into each packet's number."""
    for at in range(count):
        if numbers[at] >= 0:
            numbers[at] = with_flow(numbers[at], lean, at)


def find_flow(lean: Array, at: int, slots: Array, flows: Array) -> Any:
    """The place in `slots` of a packet's flow, or the free one where it belongs."""
    mask = slots.shape[0] - 1
    hashed = lean[at, LEAN_HASH]
    slot = hashed & mask
    while slots[slot] >= 0:
        flow = slots[slot]
        if (
            flows[flow, FLOW_HASH] == hashed
            and flows[flow, FLOW_KEY + 1] == lean[at, LEAN_KEY + 1]
            and flows[flow, FLOW_KEY + 3] == lean[at, LEAN_KEY + 3]
            and flows[flow, FLOW_KEY + 4] == lean[at, LEAN_KEY + 4]
            and flows[flow, FLOW_KEY] == lean[at, LEAN_KEY]
            and flows[flow, FLOW_KEY + 2] == lean[at, LEAN_KEY + 2]
        ):
            break
        slot = (slot + 1) & mask
    return slot


def find_group(flows: Array, flow: int, slots: Array, groups: Array) -> Any:
    """The place in `slots` of the two addresses and the protocol of a flow, or the free one where they belong."""
    mask = slots.shape[0] - 1
    kind = flows[flow, FLOW_KEY + 4] & 0xFFFF
    mixed = scatter(flows[flow, FLOW_KEY + 1] ^ scatter(flows[flow, FLOW_KEY + 3] ^ flows[flow, FLOW_KEY]))
    slot = scatter(mixed ^ flows[flow, FLOW_KEY + 2] ^ kind << 40) & mask
    while slots[slot] >= 0:
        group = slots[slot]
        if (
            groups[group, GROUP_KEY + 1] == flows[flow, FLOW_KEY + 1]
            and groups[group, GROUP_KEY + 3] == flows[flow, FLOW_KEY + 3]
            and groups[group, GROUP_KEY] == flows[flow, FLOW_KEY]
            and groups[group, GROUP_KEY + 2] == flows[flow, FLOW_KEY + 2]
            and groups[group, GROUP_KEY + 4] == kind
        ):
            break
        slot = (slot + 1) & mask
    return slot


def enter_flow(
    lean: Array, at: int, slot: int, state: Array, slots: Array, flows: Array, group_slots: Array, groups: Array
) -> Any:
    """Begin a flow with this packet, and its group if that is new too."""
    flow = state[FLOWS]
    state[FLOWS] += 1
    slots[slot] = flow
    for word in range(5):
        flows[flow, FLOW_KEY + word] = lean[at, LEAN_KEY + word]
    flows[flow, FLOW_HASH] = lean[at, LEAN_HASH]
    flows[flow, FLOW_SEEN] = 0
    flows[flow, FLOW_ALIAS] = -1
    flows[flow, FLOW_OUTSIDE] = -1
    flows[flow, FLOW_CLAIM] = -1
    flows[flow, FLOW_CLAIMS] = 0
    for side in range(4):
        for column in range(SIDE_WIDTH):
            flows[flow, FLOW_SIDES + side * SIDE_WIDTH + column] = -1
    for way in range(2):
        for column in range(WAY_WIDTH):
            flows[flow, FLOW_WAYS + way * WAY_WIDTH + column] = 0
        flows[flow, FLOW_WAYS + way * WAY_WIDTH + WAY_LATEST] = NEVER
        flows[flow, FLOW_WAYS + way * WAY_WIDTH + WAY_SAMPLES] = -1
    slot = find_group(flows, flow, group_slots, groups)
    if group_slots[slot] < 0 and state[GROUPS] >= groups.shape[0]:
        flows[flow, FLOW_GROUP] = 0
        return flow
    if group_slots[slot] < 0:
        group = state[GROUPS]
        state[GROUPS] += 1
        group_slots[slot] = group
        for word in range(4):
            groups[group, GROUP_KEY + word] = flows[flow, FLOW_KEY + word]
        groups[group, GROUP_KEY + 4] = flows[flow, FLOW_KEY + 4] & 0xFFFF
        for column in range(GROUP_COUNT, GROUP_WIDTH):
            groups[group, column] = 0
    flows[flow, FLOW_GROUP] = group_slots[slot]
    return flow


def rehash_flows(slots: Array, flows: Array, count: int) -> None:
    """Fill a larger, empty hash table with the flows there are."""
    mask = slots.shape[0] - 1
    for flow in range(count):
        slot = flows[flow, FLOW_HASH] & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = flow


def group_of(flows: Array, way: int) -> Any:
    """The group × 2 + direction of a flow × 2 + direction."""
    return flows[way >> 1, FLOW_GROUP] << 1 | way & 1


def common_time(state: Array, side: int, time_ns: int) -> Any:
    """A capture's time on the common clock."""
    if side == state[SET_CLOCK]:
        return time_ns
    since = time_ns - state[SET_REFERENCE]
    shift = state[SET_OFFSET] + (since >> 20) * state[SET_DRIFT] // (1 << 20)
    return time_ns - shift if side == 1 else time_ns + shift


def advance(
    lean_0: Array, numbers_0: Array, count_0: int, lean_1: Array, numbers_1: Array, count_1: int, state: Array,
    ring: Array, heads: Array, slots: Array, flows: Array, group_slots: Array, groups: Array, bins: Array,
    fine: Array, group_samples: Array, flow_samples: Array, gaps: Array, left: Array, closed: Array,
) -> int:  # fmt: skip
    """Take in both batches' packets in the order of the common time, as far as both are there. Answers why it stopped.

    What leaves the rings unmatched is in `left`, bins that are over in `closed`; the caller empties both.
    """
    capacity = ring.shape[1]
    room, room_for_bins = left.shape[0] - 16, closed.shape[0] - 4
    most_flows = min(flows.shape[0], slots.shape[0] // 2)
    while True:
        if state[LEFT] >= room or state[CLOSED] >= room_for_bins:
            return WANTS_ROOM
        if state[FLOWS] >= most_flows:
            return WANTS_TABLES
        at_0, at_1 = state[AT], state[AT + 1]
        first, second = at_0 < count_0, at_1 < count_1
        if not first and not state[ENDED]:
            return WANTS_FIRST
        if not second and not state[ENDED + 1]:
            return WANTS_SECOND
        if not first and not second:
            return FINISHED
        time_0 = time_1 = 0
        if first:
            time_0 = common_time(state, 0, lean_0[at_0, LEAN_TIME])
        if second:
            time_1 = common_time(state, 1, lean_1[at_1, LEAN_TIME])
        side = 0 if first and (not second or time_0 <= time_1) else 1
        now = time_0 if side == 0 else time_1
        if state[NOW] == NEVER:
            state[BEGINNING] = now
        state[NOW] = max(state[NOW], now)
        for each in range(2):
            for _ in range(4):
                tail = state[TAIL + each]
                if tail < state[HEAD + each] and (
                    state[HEAD + each] - tail >= capacity
                    or state[NOW] - ring[each, tail & (capacity - 1), SEEN_COMMON] > state[SET_WINDOW]
                ):
                    leave(each, tail, state, ring, flows, gaps, left)
                    state[TAIL + each] += 1
                else:
                    break
        lean, numbers, at = (lean_0, numbers_0, at_0) if side == 0 else (lean_1, numbers_1, at_1)
        take(
            side, lean, at, numbers[at], now, state, ring, heads, slots, flows, group_slots, groups, bins, fine,
            group_samples, flow_samples, gaps, closed,
        )  # fmt: skip
        state[AT + side] += 1


def take(
    side: int, lean: Array, at: int, number: int, now: int, state: Array, ring: Array, heads: Array, slots: Array,
    flows: Array, group_slots: Array, groups: Array, bins: Array, fine: Array, group_samples: Array,
    flow_samples: Array, gaps: Array, closed: Array,
) -> None:  # fmt: skip
    """Put one packet into its capture's ring, and match it if its like is in the other's."""
    mask = ring.shape[1] - 1
    index = state[HEAD + side]
    state[HEAD + side] += 1
    here = index & mask
    ring[side, here, SEEN_COMMON] = now
    ring[side, here, SEEN_OLDER_OPEN] = NOT_LISTED
    if number < 0:
        ring[side, here, SEEN_STATE] = IGNORED
        ring[side, here, SEEN_KEY] = -1
        ring[side, here, SEEN_LOOSE] = -1
        return
    slot = find_flow(lean, at, slots, flows)
    flow = slots[slot]
    if flow < 0:
        flow = enter_flow(lean, at, slot, state, slots, flows, group_slots, groups)
    flows[flow, FLOW_SEEN] |= 1 << side
    way = flow << 1 | lean[at, LEAN_DIRECTION]
    if side == 1 and flows[flow, FLOW_ALIAS] >= 0:
        way = flows[flow, FLOW_ALIAS] ^ lean[at, LEAN_DIRECTION]
    key = scatter(number ^ way << 29) << 31 | scatter((number >> 31) + way)
    ring[side, here, SEEN_KEY] = key
    ring[side, here, SEEN_TIME] = lean[at, LEAN_TIME]
    ring[side, here, SEEN_FLOW] = way
    ring[side, here, SEEN_SIZE] = lean[at, LEAN_WIRE] << 8 | lean[at, LEAN_MARK] & 0xFF
    ring[side, here, SEEN_MARK] = lean[at, LEAN_MARK] >> 8
    ring[side, here, SEEN_COVERED] = 0
    if flows[way >> 1, FLOW_GROUP] == 0:
        state[STRAYS] += 1
    follow_stream(side, lean, at, way, here, state, ring, flows, gaps)
    links = heads.shape[1] - 1
    slot = key & links
    ring[side, here, SEEN_OLDER_ALIKE] = heads[side, slot]
    heads[side, slot] = index
    again = look_back(side, index, key, state, ring)
    ring[side, here, SEEN_STATE] = again
    ring[side, here, SEEN_LOOSE] = -1
    if again == IGNORED:
        return
    twin = look_across(1 - side, heads[1 - side, slot], key, lean[at, LEAN_TIME], way, state, ring, flows, groups)
    slot = number & links
    if side == 1 and flows[flow, FLOW_ALIAS] >= 0:
        if again == OPEN and copied_before(heads[3, slot], number, flow, state, ring):
            ring[side, here, SEEN_STATE] = SUSPECT
    elif side == 0 and twin < 0 and flows[flow, FLOW_OUTSIDE] >= 0:
        twin = look_for_translated(side, heads[3, slot], number, way, state, ring, flows, groups)
    elif flows[flow, FLOW_SEEN] == 1 << side:
        ring[side, here, SEEN_LOOSE] = number
        ring[side, here, SEEN_OLDER_LOOSE] = heads[2 + side, slot]
        heads[2 + side, slot] = index
        if twin < 0:
            twin = look_for_translated(side, heads[3 - side, slot], number, way, state, ring, flows, groups)
    if twin >= 0:
        match(side, index, twin, state, ring, flows, groups, bins, fine, group_samples, flow_samples, closed)
    elif ring[side, here, SEEN_LENGTH] > 0:
        list_open(side, index, way, ring, flows)


def look_back(side: int, index: int, key: int, state: Array, ring: Array) -> Any:
    """What the same capture's earlier packets say of this one: a mirror's copy, a loop, a copy of a matched one."""
    mask = ring.shape[1] - 1
    here = index & mask
    older = ring[side, here, SEEN_OLDER_ALIKE]
    found = OPEN
    steps = 0
    while older >= state[TAIL + side] and steps < CHAIN_WALK:
        place = older & mask
        steps += 1
        if ring[side, place, SEEN_KEY] == key:
            if ring[side, place, SEEN_SIZE] & 0xFF > ring[side, here, SEEN_SIZE] & 0xFF:
                return IGNORED
            if ring[side, here, SEEN_TIME] - ring[side, place, SEEN_TIME] < MIRROR_NS:
                state[COPIES + side] += 1
                if state[SET_MIRRORED + side]:
                    return IGNORED
            if ring[side, place, SEEN_STATE] == MATCHED:
                found = SUSPECT
        older = ring[side, place, SEEN_OLDER_ALIKE]
    return found


def look_across(
    other: int, older: int, key: int, time_ns: int, way: int, state: Array, ring: Array, flows: Array, groups: Array
) -> Any:
    """The other capture's packet that is this one; of several alike the one that took the usual time, -1 if none."""
    mask = ring.shape[1] - 1
    best, least = -1, 1 << 62
    steps = 0
    group = group_of(flows, way)
    column = (group & 1) * GROUP_WAY
    usual = groups[group >> 1, GROUP_USUAL + column]
    known = groups[group >> 1, GROUP_COUNT + column] > 0
    while older >= state[TAIL + other] and steps < CHAIN_WALK:
        place = older & mask
        steps += 1
        if ring[other, place, SEEN_KEY] == key and (
            ring[other, place, SEEN_STATE] == OPEN or ring[other, place, SEEN_STATE] == SUSPECT
        ):
            if not known:
                return older
            ahead = time_ns - ring[other, place, SEEN_TIME]
            away = abs((ahead if other == 0 else -ahead) - usual)
            if away < least:
                best, least = older, away
        older = ring[other, place, SEEN_OLDER_ALIKE]
    return best


def look_for_translated(
    side: int, older: int, number: int, way: int, state: Array, ring: Array, flows: Array, groups: Array
) -> Any:
    """A packet of the same content in a flow that only the other capture knows: an address translator lies between.

    Two flows belong together once that was borne out twice; -1 where nothing fits or it is contradicted.
    """
    mask = ring.shape[1] - 1
    other = 1 - side
    steps = 0
    while older >= state[TAIL + other] and steps < CHAIN_WALK:
        place = older & mask
        steps += 1
        if ring[other, place, SEEN_LOOSE] == number and ring[other, place, SEEN_STATE] == OPEN:
            theirs = ring[other, place, SEEN_FLOW]
            outside, inside = (theirs, way) if side == 0 else (way, theirs)
            alias = inside ^ outside & 1
            if flows[outside >> 1, FLOW_ALIAS] == alias:
                return older
            if flows[theirs >> 1, FLOW_SEEN] == 1 << other and flows[outside >> 1, FLOW_ALIAS] < 0:
                if flows[outside >> 1, FLOW_CLAIM] < 0 or flows[outside >> 1, FLOW_CLAIMS] == 0:
                    flows[outside >> 1, FLOW_CLAIM] = alias
                if flows[outside >> 1, FLOW_CLAIM] == alias:
                    flows[outside >> 1, FLOW_CLAIMS] += 1
                    if flows[outside >> 1, FLOW_CLAIMS] >= 2:
                        join_flows(inside, outside, flows, groups)
                    return older
                flows[outside >> 1, FLOW_CLAIMS] -= 1
        older = ring[other, place, SEEN_OLDER_LOOSE]
    return -1


def copied_before(older: int, number: int, flow: int, state: Array, ring: Array) -> Any:
    """Whether a packet's like was matched when its flow had no name at the first capture yet."""
    mask = ring.shape[1] - 1
    steps = 0
    while older >= state[TAIL + 1] and steps < CHAIN_WALK:
        place = older & mask
        steps += 1
        if ring[1, place, SEEN_LOOSE] == number and ring[1, place, SEEN_STATE] == MATCHED:
            return ring[1, place, SEEN_FLOW] >> 1 == flow
        older = ring[1, place, SEEN_OLDER_LOOSE]
    return False


def join_flows(inside: int, outside: int, flows: Array, groups: Array) -> None:
    """From now on the second capture's flow goes by the first's name."""
    flip = (inside ^ outside) & 1
    flows[outside >> 1, FLOW_ALIAS] = inside ^ outside & 1
    flows[inside >> 1, FLOW_OUTSIDE] = outside ^ inside & 1
    flows[inside >> 1, FLOW_SEEN] = 3
    groups[flows[inside >> 1, FLOW_GROUP], GROUP_OUTSIDE] = 1 + (flows[outside >> 1, FLOW_GROUP] << 1 | flip)


def follow_stream(
    side: int, lean: Array, at: int, way: int, here: int, state: Array, ring: Array, flows: Array, gaps: Array
) -> None:
    """Keep what a flow's sequence at this capture lacks, and how far it was acknowledged."""
    protocol = lean[at, LEAN_KEY + 4] & 0xFF
    length = lean[at, LEAN_LENGTH]
    ring[side, here, SEEN_SEQUENCE] = lean[at, LEAN_SEQUENCE]
    ring[side, here, SEEN_LENGTH] = 0
    ring[side, here, SEEN_PART] = 0
    base = FLOW_SIDES + (side * 2 + (way & 1)) * SIDE_WIDTH
    flow = way >> 1
    if protocol != TCP or length < 0:
        ring[side, here, SEEN_OCTETS] = lean[at, LEAN_SCALE]
        if lean[at, LEAN_LAYERS] & LAYER_CUT:
            ring[side, here, SEEN_PART] = CUT
        elif protocol in (ICMP, ICMP6):
            ring[side, here, SEEN_PART] = lean[at, LEAN_WINDOW] >> 16
            kind = lean[at, LEAN_WINDOW] & 0xFF
            if kind == 0 or kind == 129:
                remember_echo(flows, flow, base, lean[at, LEAN_SEQUENCE])
            elif kind == 8 or kind == 128:
                ring[side, here, SEEN_COVERED] = -1
        else:
            ring[side, here, SEEN_PART] = lean[at, LEAN_WINDOW]
        return
    if lean[at, LEAN_FLAGS] & ACK:
        answer = lean[at, LEAN_ACKNOWLEDGEMENT]
        known = flows[flow, base + SIDE_ANSWER]
        if known < 0 or lean[at, LEAN_FLAGS] & SYN or (answer - known) & WORD < HALF:
            flows[flow, base + SIDE_ANSWER] = answer
    size = length + (1 if lean[at, LEAN_FLAGS] & SYN else 0)
    ring[side, here, SEEN_LENGTH] = size
    if size == 0:
        return
    left = lean[at, LEAN_SEQUENCE]
    right = (left + size) & WORD
    following = flows[flow, base + SIDE_NEXT]
    if following < 0 or lean[at, LEAN_FLAGS] & SYN:
        flows[flow, base + SIDE_NEXT] = right
        return
    ahead = (left - following) & WORD
    if ahead < HALF:
        if ahead:
            gap = state[GAPS]
            state[GAPS] += 1
            place = gap % gaps.shape[0]
            gaps[place, GAP_LEFT] = following
            gaps[place, GAP_RIGHT] = left
            gaps[place, GAP_OLDER] = flows[flow, base + SIDE_GAP]
            flows[flow, base + SIDE_GAP] = gap
        flows[flow, base + SIDE_NEXT] = right
        return
    fill_gaps(left, right, flows[flow, base + SIDE_GAP], state, gaps)
    if (right - following) & WORD < HALF:
        flows[flow, base + SIDE_NEXT] = right


def remember_echo(flows: Array, flow: int, base: int, sequence: int) -> None:
    """Keep the latest 240 sequence numbers that were answered: five words of 48 bits, each with its number."""
    block = sequence // ECHO_BITS
    word = base + block % SIDE_WIDTH
    if flows[flow, word] >> ECHO_BITS != block:
        flows[flow, word] = block << ECHO_BITS
    flows[flow, word] |= 1 << sequence % ECHO_BITS


def fill_gaps(left: int, right: int, gap: int, state: Array, gaps: Array) -> None:
    """Octets that come late fill what was lacking: a gap gets shorter, to nothing if need be.

    One that is filled in its middle counts as filled from there to its end: what is lacking is never overstated.
    """
    size = gaps.shape[0]
    steps = 0
    while gap >= 0 and gap > state[GAPS] - size and steps < GAP_WALK:
        place = gap % size
        steps += 1
        start, end = gaps[place, GAP_LEFT], gaps[place, GAP_RIGHT]
        if (right - start - 1) & WORD < HALF and (end - left - 1) & WORD < HALF:
            if (start - left) & WORD < HALF:
                gaps[place, GAP_LEFT] = right if (end - right) & WORD < HALF else end
            else:
                gaps[place, GAP_RIGHT] = left
        gap = gaps[place, GAP_OLDER]


def lacks(left: int, right: int, following: int, gap: int, state: Array, gaps: Array) -> Any:
    """Whether none of these octets passed a capture, by what its sequence lacks."""
    if following < 0 or (left - following) & WORD < HALF:
        return True
    size = gaps.shape[0]
    steps = 0
    while gap >= 0 and gap > state[GAPS] - size and steps < GAP_WALK:
        place = gap % size
        steps += 1
        if (left - gaps[place, GAP_LEFT]) & WORD < HALF and (gaps[place, GAP_RIGHT] - right) & WORD < HALF:
            return True
        gap = gaps[place, GAP_OLDER]
    return False


def list_open(side: int, index: int, way: int, ring: Array, flows: Array) -> None:
    """Put a segment that is not matched yet at the end of its flow's list."""
    mask = ring.shape[1] - 1
    base = FLOW_SIDES + (side * 2 + (way & 1)) * SIDE_WIDTH
    newest = flows[way >> 1, base + SIDE_NEWEST_OPEN]
    ring[side, index & mask, SEEN_OLDER_OPEN] = newest
    ring[side, index & mask, SEEN_NEWER_OPEN] = -1
    if newest >= 0:
        ring[side, newest & mask, SEEN_NEWER_OPEN] = index
    else:
        flows[way >> 1, base + SIDE_OLDEST_OPEN] = index
    flows[way >> 1, base + SIDE_NEWEST_OPEN] = index


def unlist(side: int, index: int, ring: Array, flows: Array) -> None:
    """Take a segment from its flow's list."""
    mask = ring.shape[1] - 1
    place = index & mask
    older = ring[side, place, SEEN_OLDER_OPEN]
    if older == NOT_LISTED:
        return
    newer = ring[side, place, SEEN_NEWER_OPEN]
    way = ring[side, place, SEEN_FLOW]
    base = FLOW_SIDES + (side * 2 + (way & 1)) * SIDE_WIDTH
    if older >= 0:
        ring[side, older & mask, SEEN_NEWER_OPEN] = newer
    else:
        flows[way >> 1, base + SIDE_OLDEST_OPEN] = newer
    if newer >= 0:
        ring[side, newer & mask, SEEN_OLDER_OPEN] = older
    else:
        flows[way >> 1, base + SIDE_NEWEST_OPEN] = older
    ring[side, place, SEEN_OLDER_OPEN] = NOT_LISTED


def match(
    side: int, index: int, twin: int, state: Array, ring: Array, flows: Array, groups: Array, bins: Array,
    fine: Array, group_samples: Array, flow_samples: Array, closed: Array,
) -> None:  # fmt: skip
    """Two sightings are one packet: count it in its flow, its group and its second."""
    mask = ring.shape[1] - 1
    here, there = index & mask, twin & mask
    ring[side, here, SEEN_STATE] = MATCHED
    ring[1 - side, there, SEEN_STATE] = MATCHED
    unlist(1 - side, twin, ring, flows)
    one, other = (here, there) if side == 0 else (there, here)
    time_ns = ring[0, one, SEEN_TIME]
    ahead = ring[1, other, SEEN_TIME] - time_ns
    way = ring[0, one, SEEN_FLOW]
    group = group_of(flows, way)
    column = (group & 1) * GROUP_WAY
    row = group >> 1
    state[PAIRS] += 1
    groups[row, GROUP_COUNT + column] += 1
    fall = (ring[0, one, SEEN_SIZE] & 0xFF) - (ring[1, other, SEEN_SIZE] & 0xFF)
    groups[row, GROUP_FALL + column] += fall
    groups[row, GROUP_FIRST + column] += 1 if side == 1 else -1
    groups[row, GROUP_USUAL + column] = ahead
    fall = groups[row, GROUP_FALL + column]
    forward = fall > 0 or (fall == 0 and groups[row, GROUP_FIRST + column] > 0)
    sent = time_ns if forward else ring[1, other, SEEN_TIME]
    base = FLOW_WAYS + (way & 1) * WAY_WIDTH
    flow = way >> 1
    flows[flow, base + WAY_MATCHED] += 1
    reordered = sent < flows[flow, base + WAY_LATEST]
    if reordered:
        flows[flow, base + WAY_REORDERED] += 1
    else:
        flows[flow, base + WAY_LATEST] = sent
    second = (ring[0, one, SEEN_COMMON] if forward else ring[1, other, SEEN_COMMON]) // SECOND_NS
    place = open_bin(group, second, time_ns, state, bins, closed)
    bins[place, BIN_MATCHED] += 1
    if reordered:
        bins[place, BIN_REORDERED] += 1
    if ahead < bins[place, BIN_LEAST]:
        bins[place, BIN_LEAST] = ahead
        bins[place, BIN_LEAST_TIME] = time_ns
    if ahead > bins[place, BIN_MOST]:
        bins[place, BIN_MOST] = ahead
        bins[place, BIN_MOST_TIME] = time_ns
    note_finely(fine, group, (ring[0, one, SEEN_COMMON] - state[BEGINNING]) // FINE_NS, time_ns, ahead)
    size = ring[0, one, SEEN_SIZE] >> 8 if forward else ring[1, other, SEEN_SIZE] >> 8
    bins[place, BIN_LARGEST] = max(bins[place, BIN_LARGEST], size)
    frame, frame_there = (index, twin) if side == 0 else (twin, index)
    bins[place, BIN_FRAMES] = min(bins[place, BIN_FRAMES], frame + 1)
    bins[place, BIN_FRAMES + 1] = min(bins[place, BIN_FRAMES + 1], frame_there + 1)
    sample_bin(bins, place, ahead - (((time_ns - bins[place, BIN_TIME]) >> 10) * state[SET_DRIFT] >> 30))
    sample_pair(group_samples, group, GROUP_KEPT, time_ns, ahead)
    kept = flows[flow, base + WAY_SAMPLES]
    if kept < 0:
        half = flow_samples.shape[0] >> 1
        taken = state[FLOW_SAMPLES]
        matched = flows[flow, base + WAY_MATCHED]
        if (matched == 1 and taken < half) or (matched >= FLOW_KEPT and taken < flow_samples.shape[0]):
            kept = taken
            state[FLOW_SAMPLES] += 1
            flows[flow, base + WAY_SAMPLES] = kept
            clear_samples(flow_samples, kept)
    if kept >= 0:
        sample_pair(flow_samples, kept, FLOW_KEPT, time_ns, ahead)


def note_finely(fine: Array, group: int, piece: int, time_ns: int, ahead: int) -> None:
    """Keep the tightest packets of a slice of time."""
    if group >= FINE_GROUPS or piece < 0 or piece >= FINE_SLICES:
        return
    if fine[group, piece, 0] == 0 or ahead < fine[group, piece, 1]:
        fine[group, piece, 0] = time_ns
        fine[group, piece, 1] = ahead
    if fine[group, piece, 2] == 0 or ahead > fine[group, piece, 3]:
        fine[group, piece, 2] = time_ns
        fine[group, piece, 3] = ahead


def clear_samples(samples: Array, row: int) -> None:
    """No samples yet, and every packet is one."""
    samples[row, SAMPLE_TAKEN] = 0
    samples[row, SAMPLE_STRIDE] = 1
    samples[row, SAMPLE_SKIP] = 0


def sample_pair(samples: Array, row: int, kept: int, time_ns: int, ahead: int) -> None:
    """Keep every so many packets' times; where there is no more room, every second of them goes."""
    if samples[row, SAMPLE_SKIP] > 0:
        samples[row, SAMPLE_SKIP] -= 1
        return
    taken = samples[row, SAMPLE_TAKEN]
    if taken == kept:
        for number in range(kept // 2):
            samples[row, SAMPLE_PAIRS + 2 * number] = samples[row, SAMPLE_PAIRS + 4 * number]
            samples[row, SAMPLE_PAIRS + 2 * number + 1] = samples[row, SAMPLE_PAIRS + 4 * number + 1]
        taken = kept // 2
        samples[row, SAMPLE_STRIDE] *= 2
    samples[row, SAMPLE_PAIRS + 2 * taken] = time_ns
    samples[row, SAMPLE_PAIRS + 2 * taken + 1] = ahead
    samples[row, SAMPLE_TAKEN] = taken + 1
    samples[row, SAMPLE_SKIP] = samples[row, SAMPLE_STRIDE] - 1


def sample_bin(bins: Array, place: int, ahead: int) -> None:
    """As `sample_pair`, of the differences alone."""
    if bins[place, BIN_SKIP] > 0:
        bins[place, BIN_SKIP] -= 1
        return
    taken = bins[place, BIN_TAKEN]
    if taken == BIN_KEPT:
        for number in range(BIN_KEPT // 2):
            bins[place, BIN_SAMPLES + number] = bins[place, BIN_SAMPLES + 2 * number]
        taken = BIN_KEPT // 2
        bins[place, BIN_STRIDE] *= 2
    bins[place, BIN_SAMPLES + taken] = ahead
    bins[place, BIN_TAKEN] = taken + 1
    bins[place, BIN_SKIP] = bins[place, BIN_STRIDE] - 1


def open_bin(group: int, second: int, time_ns: int, state: Array, bins: Array, closed: Array) -> Any:
    """The place of a group's second; what stood there of an earlier second is over and is handed out."""
    place = group << 1 | second & 1
    if bins[place, BIN_SECOND] != second or bins[place, BIN_MATCHED] == 0:
        close_bin(place, state, bins, closed)
        bins[place, BIN_GROUP] = group
        bins[place, BIN_SECOND] = second
        bins[place, BIN_TIME] = time_ns
        bins[place, BIN_REORDERED] = 0
        bins[place, BIN_LEAST] = 1 << 62
        bins[place, BIN_MOST] = -(1 << 62)
        bins[place, BIN_LARGEST] = 0
        bins[place, BIN_FRAMES] = 1 << 62
        bins[place, BIN_FRAMES + 1] = 1 << 62
        bins[place, BIN_TAKEN] = 0
        bins[place, BIN_STRIDE] = 1
        bins[place, BIN_SKIP] = 0
    return place


def close_bin(place: int, state: Array, bins: Array, closed: Array) -> None:
    """Hand out a second that is over."""
    if bins[place, BIN_MATCHED] == 0:
        return
    row = state[CLOSED]
    state[CLOSED] += 1
    for column in range(BIN_SAMPLES + bins[place, BIN_TAKEN]):
        closed[row, column] = bins[place, column]
    bins[place, BIN_MATCHED] = 0


def close_all(state: Array, bins: Array, closed: Array, start: int, count: int) -> Any:
    """Hand out the seconds of all groups, from place `start` on, as far as there is room. Answers how far it came."""
    for place in range(start, count):
        if state[CLOSED] >= closed.shape[0] - 1:
            return place
        close_bin(place, state, bins, closed)
    return count


def leave(side: int, index: int, state: Array, ring: Array, flows: Array, gaps: Array, left: Array) -> None:
    """The oldest packet of a ring goes; one that was never matched is handed out with what is known of it."""
    mask = ring.shape[1] - 1
    place = index & mask
    standing = ring[side, place, SEEN_STATE]
    if standing in (MATCHED, IGNORED):
        return
    way = ring[side, place, SEEN_FLOW]
    if side == 1 and flows[way >> 1, FLOW_ALIAS] >= 0:
        way = flows[way >> 1, FLOW_ALIAS] ^ way & 1
    why = MISSING
    if standing == SUSPECT:
        why = COPIED
    elif ring[side, place, SEEN_PART] != 0:
        why = PARTIAL
    elif ring[side, place, SEEN_LENGTH] > 0 and gather_pieces(side, place, way, ring, flows):
        why = IN_PIECES
    elif never_alike(1 - side, way, flows):
        why = UNLIKE
    elif ring[side, place, SEEN_LENGTH] > 0:
        if segment_arrived(side, place, way, state, ring, flows, gaps):
            why = ANSWERED
    elif ring[side, place, SEEN_COVERED] < 0 and echo_answered(side, place, way, ring, flows):
        why = ANSWERED
    unlist(side, index, ring, flows)
    row = state[LEFT]
    state[LEFT] += 1
    left[row, LEFT_SIDE] = side
    left[row, LEFT_INDEX] = index
    left[row, LEFT_COMMON] = ring[side, place, SEEN_COMMON]
    left[row, LEFT_FLOW] = way
    left[row, LEFT_GROUP] = group_of(flows, way)
    left[row, LEFT_SIZE] = ring[side, place, SEEN_SIZE]
    left[row, LEFT_WHY] = why
    left[row, LEFT_MARK] = ring[side, place, SEEN_MARK]
    left[row, LEFT_PART] = ring[side, place, SEEN_PART]
    left[row, LEFT_OCTETS] = ring[side, place, SEEN_OCTETS]


def never_alike(other: int, way: int, flows: Array) -> Any:
    """Whether the other capture shows this direction of a TCP flow too, but nothing was ever matched: it is changed."""
    if flows[way >> 1, FLOW_KEY + 4] & 0xFF != TCP or flows[way >> 1, FLOW_WAYS + (way & 1) * WAY_WIDTH] > 0:
        return False
    base = FLOW_SIDES + (other * 2 + (way & 1)) * SIDE_WIDTH
    return flows[way >> 1, base + SIDE_NEXT] >= 0 or flows[way >> 1, base + SIDE_ANSWER] >= 0


def gather_pieces(side: int, place: int, way: int, ring: Array, flows: Array) -> Any:
    """Whether the other side has a segment's octets in segments cut otherwise, by a network card or a proxy.

    Only segments that are unmatched there count, and each octet of them once: a retransmission explains itself alone.
    """
    mask = ring.shape[1] - 1
    other = 1 - side
    size = ring[side, place, SEEN_LENGTH]
    start = ring[side, place, SEEN_SEQUENCE]
    piece = flows[way >> 1, FLOW_SIDES + (other * 2 + (way & 1)) * SIDE_WIDTH + SIDE_OLDEST_OPEN]
    steps = 0
    while piece >= 0 and ring[side, place, SEEN_COVERED] < size and steps < LIST_WALK:
        there = piece & mask
        steps += 1
        their_size = ring[other, there, SEEN_LENGTH]
        begins = (ring[other, there, SEEN_SEQUENCE] - start) & WORD
        if begins >= HALF:
            begins -= 1 << 32
        shared = min(size, begins + their_size) - max(0, begins)
        free = min(shared, their_size - ring[other, there, SEEN_COVERED], size - ring[side, place, SEEN_COVERED])
        if free > 0:
            ring[other, there, SEEN_COVERED] += free
            ring[side, place, SEEN_COVERED] += free
        piece = ring[other, there, SEEN_NEWER_OPEN]
    return ring[side, place, SEEN_COVERED] >= size


def segment_arrived(side: int, place: int, way: int, state: Array, ring: Array, flows: Array, gaps: Array) -> Any:
    """Whether a segment that the other capture did not see was acknowledged, though no copy of it passed there."""
    flow = way >> 1
    left = ring[side, place, SEEN_SEQUENCE]
    right = (left + ring[side, place, SEEN_LENGTH]) & WORD
    answered = False
    for each in range(2):
        answer = flows[flow, FLOW_SIDES + (each * 2 + (1 - (way & 1))) * SIDE_WIDTH + SIDE_ANSWER]
        if answer >= 0 and (answer - right) & WORD < HALF:
            answered = True
    base = FLOW_SIDES + ((1 - side) * 2 + (way & 1)) * SIDE_WIDTH
    if not answered:
        return False
    return lacks(left, right, flows[flow, base + SIDE_NEXT], flows[flow, base + SIDE_GAP], state, gaps)


def echo_answered(side: int, place: int, way: int, ring: Array, flows: Array) -> bool:
    """Whether an echo was answered, by what either capture saw."""
    sequence = ring[side, place, SEEN_SEQUENCE]
    block = sequence // ECHO_BITS
    for each in range(2):
        word = FLOW_SIDES + (each * 2 + (1 - (way & 1))) * SIDE_WIDTH + block % SIDE_WIDTH
        held = flows[way >> 1, word]
        if held >> ECHO_BITS == block and held >> sequence % ECHO_BITS & 1:
            return True
    return False


def let_go(state: Array, ring: Array, flows: Array, gaps: Array, left: Array) -> bool:
    """At the end of both captures everything leaves the rings; False where there is no more room for it."""
    mask = ring.shape[1] - 1
    while state[TAIL] < state[HEAD] or state[TAIL + 1] < state[HEAD + 1]:
        if state[LEFT] >= left.shape[0] - 1:
            return False
        side = 0
        if state[TAIL] >= state[HEAD] or (
            state[TAIL + 1] < state[HEAD + 1]
            and ring[1, state[TAIL + 1] & mask, SEEN_COMMON] < ring[0, state[TAIL] & mask, SEEN_COMMON]
        ):
            side = 1
        leave(side, state[TAIL + side], state, ring, flows, gaps, left)
        state[TAIL + side] += 1
    return True
