"""Each connection followed: what passes and what is lost in each time bin, how long it takes, and what limits it.

The second stage behind `flow_table`: whatever it needs of a flow stands in the flow's row of `progress`, so that two
threads never write to the same words. The functions run as they stand on lists, and compiled on arrays.
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import ACK, OPTION_SACK_PERMITTED, RST, SYN, TCP, Row
from attribution.packets.lean import (
    LEAN_ACKNOWLEDGEMENT,
    LEAN_DIRECTION,
    LEAN_ECHO,
    LEAN_EXTRA,
    LEAN_FLAGS,
    LEAN_FRAME,
    LEAN_KEY,
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
    QUOTED_FLOW,
    QUOTED_ROOM,
    SACK_PERMITTED,
)
from attribution.packets.one_point.gaps import disown_numbers
from attribution.packets.one_point.limits import follow_message
from attribution.packets.one_point.nodes import FORGOTTEN, ROOM
from attribution.packets.one_point.numbers import LONGEST_JUMP, LONGEST_STEP, NUMBER, UNKNOWN, numbers_taken, swapped
from attribution.packets.one_point.segments import follow_blocks, follow_segment, settle_losses
from attribution.packets.one_point.state import (
    DOWNSTREAM,
    EVENT_COUNT,
    EVENT_DIRECTION,
    EVENT_END,
    EVENT_FRAME,
    EVENT_KIND,
    EVENT_START,
    EVENT_WIDTH,
    EVENT_WIRE,
    EVENTS,
    EVENTS_NEEDED,
    FIRST_EVENT,
    HABITS,
    HEEDED,
    LARGEST_ARRIVED,
    LAST_TIME,
    LOSS_STATE_WIDTH,
    LOSS_WIDTH,
    NODES_NEEDED,
    NUMBERS,
    OTHER_ORDER,
    UNANSWERED,
    UPSTREAM,
    UPSTREAM_BARE,
    clear_losses,
)
from attribution.packets.pair_bins import (
    APART,
    BIN_CAPACITY,
    BIN_FIRST,
    BIN_NS,
    BIN_OCTETS,
    BIN_PACKETS,
    BIN_PAIR,
    BIN_PASSED,
    BIN_PASSED_OCTETS,
    BIN_TIME,
    BIN_UNBIDDEN,
    BIN_UNBIDDEN_OCTETS,
    BIN_WIDTH,
    BINS,
    MOST_DESTINATIONS,
    MOST_PAIRS,
    NEWEST,
    NEWEST_OF,
    NUMBERS_OF_PAIR,
    PAIR_ARRIVED,
    PAIR_CAPACITY,
    PAIR_NUMBERS,
    PAIR_WIDTH,
    PAIRS,
    SHARED,
    find_bin,
    pair_of,
    put_loss,
)
from attribution.packets.taken_numbers import FARTHEST, sender_of, take_number, was_taken
from attribution.packets.tcp_pace import PACE_WIDTH, time_segment

Words = Row

# Of a flow, what this stage keeps
PROGRESS_PAIR: Final = 0  # see `pair_of`
PROGRESS_BINS: Final = 1  # for each direction, its latest bin
PROGRESS_SENDERS: Final = 3  # and its sender, see `sender_of`
PROGRESS_LOST: Final = 5  # for each direction: upstream, downstream, unanswered, acknowledgements alone upstream
LOST_KINDS: Final = 4
PROGRESS_PACE: Final = PROGRESS_LOST + 2 * LOST_KINDS
PROGRESS_LOSS: Final = PROGRESS_PACE + PACE_WIDTH
PROGRESS_WIDTH: Final = PROGRESS_LOSS + LOSS_STATE_WIDTH

MOST_NODES: Final = 1 << 20  # of `loss_nodes`, 64 octets each
EVENT_ROOM: Final = 24
EVENT_WORDS: Final = FIRST_EVENT + EVENT_ROOM * EVENT_WIDTH
PARTS: Final = 16  # a loss of many packets is dated at so many moments at most
BINS_AT_ONCE: Final = EVENT_ROOM * PARTS + 1  # as many may be new at once

# What is told of each loss beyond, and of each too-big message, for `witnesses` and `tap`
TOLD_KIND: Final = 0  # DOWNSTREAM or UNANSWERED; MESSAGE, HEEDED or UNHEEDED
TOLD_MEMBER: Final = 1  # pair × 2 + direction; of messages, flow × 2 + direction of the segments
TOLD_TIME: Final = 2
TOLD_FRAME: Final = 3
TOLD_WIRE: Final = 4  # of messages: how many
TOLD_WIDTH: Final = 5
MESSAGE: Final = 0  # a too-big message passed towards the sender; whether that heeded it is told later, if ever
TOLD_ROOM: Final = 1 << 12
TOLD: Final = 0  # how many there are, at the front of the row
FIRST_TOLD: Final = 1
TOLD_WORDS: Final = FIRST_TOLD + TOLD_ROOM * TOLD_WIDTH


def follow_batch(
    lean: Words, extra: Words, health: Words, flow_of: Words, fresh: Words, start: int, count: int, progress: Words,
    pair_slots: Words, pairs: Words, bin_slots: Words, bins: Words, counters: Words, key: Words, pool: Words,
    pool_size: int, events: Words, told: Words, taken: Words,
) -> int:  # fmt: skip
    """Follow packets start to count. Answers how far it came: less where some table is full.

    `fresh` is 1 for the first packet of a flow: whatever its row of `progress` held was another's. `taken` tells which
    numbers each host has used (`taken_numbers`).
    """
    width = counters[BIN_NS]
    for number in range(start, count):
        flow = flow_of[number]
        if flow < 0:
            continue
        if counters[BINS] + BINS_AT_ONCE > counters[BIN_CAPACITY] or told[TOLD] + EVENT_ROOM > TOLD_ROOM:
            return number
        if counters[PAIRS] + 1 >= counters[PAIR_CAPACITY] and counters[PAIRS] < MOST_PAIRS + MOST_DESTINATIONS:
            return number
        if pool[ROOM] < NODES_NEEDED and pool_size < MOST_NODES:
            return number
        at = number * LEAN_WIDTH
        base = flow * PROGRESS_WIDTH
        if fresh[number]:
            for word in range(PROGRESS_WIDTH):
                progress[base + word] = 0
            clear_losses(progress, base + PROGRESS_LOSS)
            progress[base + PROGRESS_PAIR] = pair_of(lean, at, pair_slots, pairs, counters, key)
            progress[base + PROGRESS_SENDERS] = sender_of(lean, at, 0)
            progress[base + PROGRESS_SENDERS + 1] = sender_of(lean, at, 1)
        direction = lean[at + LEAN_DIRECTION]
        time_ns = lean[at + LEAN_TIME]
        interval = time_ns // width
        held = base + PROGRESS_BINS + direction
        member = progress[base + PROGRESS_PAIR] ^ direction
        into = progress[held] * BIN_WIDTH
        if bins[into + BIN_PAIR] != member or bins[into + BIN_TIME] != interval or bins[into + BIN_PACKETS] == 0:
            progress[held] = find_bin(member, interval, bin_slots, bins, counters)
            into = progress[held] * BIN_WIDTH
        wire = lean[at + LEAN_WIRE]
        length = lean[at + LEAN_LENGTH]
        flags = lean[at + LEAN_FLAGS]
        if bins[into + BIN_PACKETS] == 0:
            bins[into + BIN_FIRST] = lean[at + LEAN_FRAME]
        bins[into + BIN_PACKETS] += 1
        bins[into + BIN_OCTETS] += wire
        if lean[at + LEAN_KEY + 4] & 0xFF != TCP or (length >= 0 and flags & (SYN | ACK | RST) == SYN):
            bins[into + BIN_UNBIDDEN] += 1
            bins[into + BIN_UNBIDDEN_OCTETS] += wire
        mark = lean[at + LEAN_MARK] >> 8
        if mark:
            take_number(taken, progress[base + PROGRESS_SENDERS + direction], mark, time_ns)
        if length < 0:
            if lean[at + LEAN_EXTRA]:
                take_message(lean, at, extra, progress, pool, told)
            continue
        time_segment(
            progress, base + PROGRESS_PACE, direction, time_ns, length, flags, lean[at + LEAN_WINDOW],
            lean[at + LEAN_SCALE], lean[at + LEAN_TIMESTAMP], lean[at + LEAN_ECHO], health[number],
        )  # fmt: skip
        if pool[ROOM] < NODES_NEEDED:
            pool[FORGOTTEN] += 1
            continue
        if lean[at + LEAN_KEY + 4] >> 8 & 0xFF == 4:
            mark = number_of(mark, pairs, member, flow, progress, base, direction, pool, taken)
        else:
            mark = UNKNOWN
        if seek_losses(lean, at, extra, progress, base + PROGRESS_LOSS, direction, mark, pool, events):
            bins[into + BIN_PASSED] += 1
            bins[into + BIN_PASSED_OCTETS] += wire
        if events[EVENTS]:
            charge_losses(events, progress, base, bin_slots, bins, counters, told)
        for direction in range(2):
            member = progress[base + PROGRESS_PAIR] ^ direction
            arrived = (member >> 1) * PAIR_WIDTH + PAIR_ARRIVED + (member & 1)
            largest = progress[base + PROGRESS_LOSS + direction * LOSS_WIDTH + LARGEST_ARRIVED]
            pairs[arrived] = max(pairs[arrived], largest)
    return count


def number_of(
    number: int, pairs: Words, member: int, flow: int, progress: Words, base: int, direction: int, pool: Words,
    taken: Words,
) -> int:  # fmt: skip
    """The IP identification of a segment if it may count those of its connection, else UNKNOWN.

    A host may count all that it sends together, or all to one address: what a connection leaves out, another one has,
    or a ping or a datagram (`taken_numbers`).
    """
    known = (member >> 1) * PAIR_WIDTH + PAIR_NUMBERS + (member & 1) * NUMBERS_OF_PAIR
    if pairs[known + NEWEST] and pairs[known + NEWEST_OF] != flow:
        goes_on = 0 < (number - pairs[known + NEWEST] + 1) & 0xFFFF <= LONGEST_STEP
        pairs[known + (SHARED if goes_on else APART)] += 1
    pairs[known + NEWEST] = number + 1
    pairs[known + NEWEST_OF] = flow
    mine = base + PROGRESS_LOSS + direction * LOSS_WIDTH
    newest = progress[mine + NUMBERS + NUMBER]
    if newest >= 0 and number and number != (newest + 1) & 0xFFFF:
        left_out = numbers_left_out(progress, mine, number)
        if left_out:
            others = taken_by_others(
                progress, mine, number, left_out, taken, progress[base + PROGRESS_SENDERS + direction]
            )
            pairs[known + (SHARED if others else APART)] += 1
            if others:
                progress[mine + NUMBERS + NUMBER] = UNKNOWN
    if pairs[known + SHARED] > pairs[known + APART]:
        disown_numbers(progress, mine, pool)
        return UNKNOWN
    return number


def numbers_left_out(state: Words, mine: int, number: int) -> int:
    """How many numbers a segment leaves out, 0 where they are too many to be looked up."""
    own = swapped(number) if state[mine + HABITS] & OTHER_ORDER else number
    step = (own - state[mine + NUMBERS + NUMBER]) & 0xFFFF
    return max(step - numbers_taken(state, mine + NUMBERS), 0) if 1 < step <= LONGEST_JUMP else 0


def taken_by_others(state: Words, mine: int, number: int, left_out: int, taken: Words, sender: int) -> bool:
    """Whether other packets of a segment's sender have some of the numbers that it leaves out."""
    other_order = state[mine + HABITS] & OTHER_ORDER
    own = swapped(number) if other_order else number
    for before in range(1, min(left_out, FARTHEST) + 1):
        one = (own - before) & 0xFFFF
        if was_taken(taken, sender, swapped(one) if other_order else one, state[mine + LAST_TIME]):
            return True
    return False


def seek_losses(
    lean: Words, at: int, extra: Words, progress: Words, state: int, direction: int, number: int, pool: Words,
    events: Words,
) -> int:  # fmt: skip
    """Hand one segment to `one_point`; whether it is a passage of octets."""
    blocks = lean[at + LEAN_EXTRA]
    if blocks:
        follow_blocks(
            progress, state, pool, direction, lean[at + LEAN_TIME], lean[at + LEAN_ACKNOWLEDGEMENT],
            extra[blocks - 1], extra[blocks], extra[blocks + 1], extra[blocks + 2], extra[blocks + 3],
            extra[blocks + 4], extra[blocks + 5], extra[blocks + 6], extra[blocks + 7],
        )  # fmt: skip
    return follow_segment(
        progress, state, pool, events, 0, lean[at + LEAN_FRAME], direction, lean[at + LEAN_TIME], lean[at + LEAN_WIRE],
        lean[at + LEAN_SEQUENCE], lean[at + LEAN_ACKNOWLEDGEMENT], lean[at + LEAN_LENGTH], lean[at + LEAN_FLAGS],
        lean[at + LEAN_WINDOW], number, lean[at + LEAN_TIMESTAMP], lean[at + LEAN_ECHO],
        OPTION_SACK_PERMITTED if lean[at + LEAN_LAYERS] & SACK_PERMITTED else 0,
    )  # fmt: skip


def take_message(lean: Words, at: int, extra: Words, progress: Words, pool: Words, told: Words) -> None:
    """An ICMP error quotes a segment: where it tells the segment's sender that it was too big, its flow hears of it."""
    quoted = lean[at + LEAN_EXTRA] - 1
    flow, direction = extra[quoted + QUOTED_FLOW], extra[quoted + LEAN_DIRECTION]
    if flow < 0 or extra[quoted + QUOTED_ROOM] == 0 or pool[ROOM] < NODES_NEEDED:
        return
    state = flow * PROGRESS_WIDTH + PROGRESS_LOSS
    time_ns = lean[at + LEAN_TIME]
    sequence, room = extra[quoted + LEAN_SEQUENCE], extra[quoted + QUOTED_ROOM]
    if follow_message(progress, state, pool, direction, time_ns, sequence, room):
        tell(told, MESSAGE, flow * 2 + direction, time_ns, lean[at + LEAN_FRAME], 1)


def tell(told: Words, kind: int, member: int, time_ns: int, frame: int, wire: int) -> None:
    """Put one thing on the list of what is told."""
    if told[TOLD] < TOLD_ROOM:
        row = FIRST_TOLD + told[TOLD] * TOLD_WIDTH
        told[TOLD] += 1
        told[row + TOLD_KIND] = kind
        told[row + TOLD_MEMBER] = member
        told[row + TOLD_TIME] = time_ns
        told[row + TOLD_FRAME] = frame
        told[row + TOLD_WIRE] = wire


def charge_losses(
    events: Words, progress: Words, base: int, bin_slots: Words, bins: Words, counters: Words, told: Words
) -> None:
    """Put what `one_point` told of a flow into the flow's figures and into the bins of the times when it was lost."""
    for event in range(events[EVENTS]):
        at = FIRST_EVENT + event * EVENT_WIDTH
        kind = events[at + EVENT_KIND]
        direction = events[at + EVENT_DIRECTION]
        member = progress[base + PROGRESS_PAIR] ^ direction
        count, wire = events[at + EVENT_COUNT], events[at + EVENT_WIRE]
        began, span = events[at + EVENT_START], events[at + EVENT_END] - events[at + EVENT_START]
        if kind >= HEEDED:
            tell(told, kind, base // PROGRESS_WIDTH * 2 + direction, began, events[at + EVENT_FRAME], count)
            continue
        progress[base + PROGRESS_LOST + LOST_KINDS * direction + kind - UPSTREAM] += count
        if kind == UPSTREAM_BARE:
            continue
        parts = min(count, PARTS)
        for part in range(parts):
            share = count * (part + 1) // parts - count * part // parts
            moment = began + span * (part + 1) // (parts + 1)
            into = find_bin(member, moment // counters[BIN_NS], bin_slots, bins, counters) * BIN_WIDTH
            put_loss(
                bins, into, share if kind == UPSTREAM else 0, share if kind == DOWNSTREAM else 0,
                share if kind == UNANSWERED else 0, wire, events[at + EVENT_FRAME],
            )  # fmt: skip
        if kind != UPSTREAM and wire > 0:
            tell(told, kind, member, began, events[at + EVENT_FRAME], wire)
    events[EVENTS] = 0


def settle_flows(
    flows: Words, start: int, count: int, end_ns: int, progress: Words, pairs: Words, bin_slots: Words, bins: Words,
    counters: Words, pool: Words, events: Words, told: Words,
) -> int:  # fmt: skip
    """Tell what is still in question of flows start to count of the list `flows`, at the time `end_ns`.

    Answers how far it came: less where some table is full.
    """
    for number in range(start, count):
        base = flows[number] * PROGRESS_WIDTH
        for direction in range(2):
            member = progress[base + PROGRESS_PAIR] ^ direction
            known = (member >> 1) * PAIR_WIDTH + PAIR_NUMBERS + (member & 1) * NUMBERS_OF_PAIR
            if pairs[known + SHARED] > pairs[known + APART]:
                disown_numbers(progress, base + PROGRESS_LOSS + direction * LOSS_WIDTH, pool)
        over = False
        while not over:
            if counters[BINS] + BINS_AT_ONCE > counters[BIN_CAPACITY] or told[TOLD] + EVENT_ROOM > TOLD_ROOM:
                return number
            over = settle_losses(progress, base + PROGRESS_LOSS, pool, events, EVENT_ROOM - EVENTS_NEEDED, 0, end_ns)
            charge_losses(events, progress, base, bin_slots, bins, counters, told)
        for direction in range(2):
            member = progress[base + PROGRESS_PAIR] ^ direction
            arrived = (member >> 1) * PAIR_WIDTH + PAIR_ARRIVED + (member & 1)
            largest = progress[base + PROGRESS_LOSS + direction * LOSS_WIDTH + LARGEST_ARRIVED]
            pairs[arrived] = max(pairs[arrived], largest)
    return count
