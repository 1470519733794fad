"""Two large captures advance together in time, and each packet of the one meets its like of the other; compiled.

What no router changes makes a number of 62 bits: among a million packets in the window the chance that two different
ones share it is one in ten million. Each capture keeps its latest packets in a ring with a hash chain over it: the
newest of a chain points to the next older, and a chain ends where it leaves the ring, so nothing is ever deleted.
A packet that leaves the ring unmatched is handed out with what else is known of it: whether the other side got its
octets in other pieces, whether it was answered, whether it is a copy of one that was matched.

All functions are plain arithmetic on integers, and run as they stand where nothing is compiled.
"""

from __future__ import annotations

from typing import Any

from attribution.packets.bulk.pair_columns import (
    ANSWERED,
    AT,
    BEGINNING,
    BIN_FRAMES,
    BIN_LARGEST,
    BIN_LEAST,
    BIN_LEAST_TIME,
    BIN_MATCHED,
    BIN_MOST,
    BIN_MOST_TIME,
    BIN_REORDERED,
    BIN_TIME,
    CHAIN_WALK,
    CLOSED,
    COPIED,
    COPIES,
    ENDED,
    FINE_NS,
    FINISHED,
    FLOW_ALIAS,
    FLOW_CLAIM,
    FLOW_CLAIMS,
    FLOW_GROUP,
    FLOW_KEPT,
    FLOW_OUTSIDE,
    FLOW_SAMPLES,
    FLOW_SEEN,
    FLOW_SIDES,
    FLOW_WAYS,
    FLOWS,
    GROUP_COUNT,
    GROUP_FALL,
    GROUP_FIRST,
    GROUP_KEPT,
    GROUP_OUTSIDE,
    GROUP_USUAL,
    GROUP_WAY,
    HEAD,
    IGNORED,
    IN_PIECES,
    LEFT,
    LEFT_COMMON,
    LEFT_FLOW,
    LEFT_GROUP,
    LEFT_INDEX,
    LEFT_MARK,
    LEFT_OCTETS,
    LEFT_PART,
    LEFT_SIDE,
    LEFT_SIZE,
    LEFT_WHY,
    MATCHED,
    MIRROR_NS,
    MISSING,
    MOST_FLOWS,
    NEVER,
    NOT_LISTED,
    NOW,
    OPEN,
    PAIRS,
    PARTIAL,
    SECOND_NS,
    SEEN_COMMON,
    SEEN_COVERED,
    SEEN_FLOW,
    SEEN_KEY,
    SEEN_LENGTH,
    SEEN_LOOSE,
    SEEN_MARK,
    SEEN_OLDER_ALIKE,
    SEEN_OLDER_LOOSE,
    SEEN_OLDER_OPEN,
    SEEN_PART,
    SEEN_SIZE,
    SEEN_STATE,
    SEEN_TIME,
    SET_CLOCK,
    SET_DRIFT,
    SET_MIRRORED,
    SET_OFFSET,
    SET_REFERENCE,
    SET_WINDOW,
    SIDE_ANSWER,
    SIDE_GAP,
    SIDE_NEXT,
    SIDE_WIDTH,
    STRAYS,
    SUSPECT,
    TAIL,
    UNLIKE,
    WANTS_FIRST,
    WANTS_ROOM,
    WANTS_SECOND,
    WANTS_TABLES,
    WAY_LATEST,
    WAY_MATCHED,
    WAY_REORDERED,
    WAY_SAMPLES,
    WAY_WIDTH,
    WORD,
    Cube,
    Rows,
    Slots,
    Vector,
)
from attribution.packets.bulk.pair_flows import (
    enter_flow,
    find_flow,
    group_of,
)
from attribution.packets.bulk.pair_streams import (
    echo_answered,
    follow_stream,
    gather_pieces,
    list_open,
    never_alike,
    segment_arrived,
    unlist,
)
from attribution.packets.bulk.pair_tallies import (
    clear_samples,
    note_finely,
    open_bin,
    sample_bin,
    sample_pair,
)
from attribution.packets.columns import ACK, SYN, TCP
from attribution.packets.lean import (
    LEAN_DIRECTION,
    LEAN_FLAGS,
    LEAN_KEY,
    LEAN_LENGTH,
    LEAN_MARK,
    LEAN_SEQUENCE,
    LEAN_TIME,
    LEAN_WIRE,
    scatter,
)

Array = Any


def common_time(state: Vector, side: int, time_ns: int) -> Any:
    """A capture's time on the common clock."""
    if side == state[SET_CLOCK]:
        return time_ns
    since = time_ns - state[SET_REFERENCE]
    shift = state[SET_OFFSET] + (since >> 20) * state[SET_DRIFT] // (1 << 20)
    return time_ns - shift if side == 1 else time_ns + shift


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


def join_flows(inside: int, outside: int, flows: Array, groups: Array) -> None:
    """From now on the second capture's flow goes by the first's name."""
    flip = (inside ^ outside) & 1
    flows[outside >> 1, FLOW_ALIAS] = inside ^ outside & 1
    flows[inside >> 1, FLOW_OUTSIDE] = outside ^ inside & 1
    flows[inside >> 1, FLOW_SEEN] = 3
    groups[flows[inside >> 1, FLOW_GROUP], GROUP_OUTSIDE] = 1 + (flows[outside >> 1, FLOW_GROUP] << 1 | flip)


def part_flows(side: int, lean: Array, at: int, flow: int, flows: Array) -> None:
    """A connection that a SYN opens at ports of an earlier one may be translated otherwise: a translator gives the
    ports of one to the next. What is known of the earlier one's does not hold for it."""
    if lean[at, LEAN_KEY + 4] & 0xFF != TCP or lean[at, LEAN_LENGTH] < 0 or lean[at, LEAN_FLAGS] & (SYN | ACK) != SYN:
        return
    way = flow << 1 | lean[at, LEAN_DIRECTION]
    if side == 1 and flows[flow, FLOW_ALIAS] >= 0:
        way = flows[flow, FLOW_ALIAS] ^ lean[at, LEAN_DIRECTION]
    elif side == 1 or flows[flow, FLOW_OUTSIDE] < 0:
        return
    following = flows[way >> 1, FLOW_SIDES + (side * 2 + (way & 1)) * SIDE_WIDTH + SIDE_NEXT]
    if following < 0 or following == (lean[at, LEAN_SEQUENCE] + 1) & WORD:
        return
    if side == 0:
        flows[flow, FLOW_OUTSIDE] = -1
        flows[flow, FLOW_SEEN] = 1
        for direction in range(2):  # how far the second capture showed the earlier one
            base = FLOW_SIDES + (2 + direction) * SIDE_WIDTH
            flows[flow, base + SIDE_NEXT] = -1
            flows[flow, base + SIDE_ANSWER] = -1
            flows[flow, base + SIDE_GAP] = -1
    else:
        flows[flow, FLOW_ALIAS] = -1
        flows[flow, FLOW_CLAIM] = -1
        flows[flow, FLOW_CLAIMS] = 0


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
    if flow < 0 and state[FLOWS] >= MOST_FLOWS:
        state[STRAYS] += 1
        ring[side, here, SEEN_STATE] = IGNORED
        ring[side, here, SEEN_KEY] = -1
        ring[side, here, SEEN_LOOSE] = -1
        return
    if flow < 0:
        flow = enter_flow(lean, at, slot, state, slots, flows, group_slots, groups)
    flows[flow, FLOW_SEEN] |= 1 << side
    part_flows(side, lean, at, flow, flows)
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
    left[row, LEFT_MARK] = ring[side, place, SEEN_MARK] & WORD
    left[row, LEFT_PART] = ring[side, place, SEEN_PART]
    left[row, LEFT_OCTETS] = ring[side, place, SEEN_MARK] >> 32


def advance(
    lean_0: Rows, numbers_0: Vector, count_0: int, lean_1: Rows, numbers_1: Vector, count_1: int, state: Vector,
    ring: Cube, heads: Rows, slots: Slots, flows: Rows, group_slots: Slots, groups: Rows, bins: Rows,
    fine: Cube, group_samples: Rows, flow_samples: Rows, gaps: Rows, left: Rows, closed: Rows,
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
        if state[FLOWS] >= most_flows and state[FLOWS] < MOST_FLOWS:
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


def let_go(state: Vector, ring: Cube, flows: Rows, gaps: Rows, left: Rows) -> bool:
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
