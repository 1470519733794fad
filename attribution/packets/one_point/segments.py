"""One capture point splits a path in two: a segment that passes it twice was lost beyond it, and octets that later ones
left behind, and a retransmission brings, were lost before it.

Each segment of a connection is followed in the order of time by functions of integers, which run as they stand on
lists and compiled on arrays. What tells one thing from the other:

- The sender's own numbers (`numbers`): those left out are packets lost before this point, those that come late
  were overtaken. Without them, the timestamp option tells a retransmission from a straggler, else the round trip, and
  each retransmission that fills a gap stands for one loss.
- Which copy of a segment arrived: the newest that the receiver can have meant, by the timestamp that it echoes
  (RFC 7323 §4.3, the Eifel detection of RFC 3522) and by the shortest round trip beyond this point. Earlier copies
  were lost, later ones were not needed.
- A duplicate SACK (RFC 2883): one copy more has arrived, so one loss fewer has happened.
- A router's word that a segment was too large (`limits`): its sender knows, and sends less. That is no loss.
- Octets acknowledged though they never passed went another way, or the capture missed them, and are no loss.

What may still be taken back waits in a list of its direction, and is told when nothing can come any more. All that is
remembered of a direction is bounded: what is oldest is let go first.
"""

from __future__ import annotations

from attribution.packets.columns import ACK, FIN, OPTION_SACK_PERMITTED, RST, SYN, Row
from attribution.packets.one_point.copies import (
    acknowledge,
    find_place,
    leave_unanswered,
    let_oldest_go,
    put_copy,
    refuse,
    repeat_octets,
    take_back,
    take_block,
)
from attribution.packets.one_point.gaps import (
    assume_lost_copies,
    fill_gaps,
    greet_again,
    miss_greetings,
    miss_numbers,
    open_gap,
    take_back_number,
    unseen_numbers,
)
from attribution.packets.one_point.limits import meet_limit
from attribution.packets.one_point.nodes import (
    FRAME,
    MARKS,
    NEXT,
    OLDER,
    PASSED,
    give_list,
    give_node,
    packed_marks,
    wire_of,
)
from attribution.packets.one_point.numbers import (
    BY_ONE,
    LATE,
    NUMBER,
    PAUSES,
    REPEATED,
    SINGLE,
    SIZE,
    SWAPPED,
    UNKNOWN,
    counts_packets,
    read_number,
    swapped,
)
from attribution.packets.one_point.state import (
    ACCOUNTED,
    ACKED,
    ARRIVED,
    BARE,
    BLOCKS,
    BOOKS,
    CLOSED,
    COPIES,
    ELSEWHERE,
    EVENTS,
    FINISHED,
    FLIGHT,
    GAPS,
    GREETING,
    HABITS,
    HALF,
    HEARING,
    HIGHEST,
    LAST,
    LAST_GAP,
    LAST_TIME,
    LIMIT,
    LOSS_WIDTH,
    LOST_ALL,
    LOW,
    MOST_COPIES,
    NUMBERS,
    OPENED,
    OTHER_ORDER,
    PASSAGE,
    PLAIN,
    PLAINLY,
    REFUSED,
    REPEATS,
    SAME_NUMBER,
    SEEN,
    SEGMENTS,
    SELECTIVE,
    SILENCE_NS,
    TOO_BIG,
    TROUBLE,
    TROUBLED,
    UNANSWERED,
    UNANSWERED_NS,
    UNTOLD,
    USUAL,
    WAITING,
    WILLING,
    WORD,
    open_trouble,
    tell_loss,
    unwrapped,
)
from attribution.packets.one_point.waiting import excuse_not_needed, excuse_plainly, tell_due, tell_waiting, tells_now


def follow_blocks(
    state: Row, at: int, pool: Row, direction: int, time_ns: int, acknowledgement: int, count: int, left_1: int,
    right_1: int, left_2: int, right_2: int, left_3: int, right_3: int, left_4: int, right_4: int,
) -> None:  # fmt: skip
    """Take the SACK blocks of a segment; call this before `follow_segment` where it has any.

    The first may be a duplicate SACK: octets that came twice, below the acknowledgement or within the second block.
    """
    other = at + (1 - direction) * LOSS_WIDTH
    if not state[other + HABITS] & SEEN:
        return
    state[other + HABITS] |= SELECTIVE
    near = state[other + HIGHEST]
    left, right = unwrapped(near, left_1), unwrapped(near, right_1)
    duplicate = right <= unwrapped(near, acknowledgement)
    if count > 1 and not duplicate:
        duplicate = unwrapped(near, left_2) <= left and right <= unwrapped(near, right_2)
    if duplicate:
        if state[other + TROUBLE]:
            take_back(state, other, pool, left, right)
    else:
        take_block(state, other, pool, time_ns, left, right)
    if count > 1:
        take_block(state, other, pool, time_ns, unwrapped(near, left_2), unwrapped(near, right_2))
    if count > 2:
        take_block(state, other, pool, time_ns, unwrapped(near, left_3), unwrapped(near, right_3))
    if count > 3:
        take_block(state, other, pool, time_ns, unwrapped(near, left_4), unwrapped(near, right_4))


def come_again(
    state: Row, mine: int, other: int, pool: Row, left: int, right: int, now_ns: int, frame: int, wire: int,
    number: int, timestamp: int, late: bool, untold: int,
) -> bool:  # fmt: skip
    """A segment begins before the highest octet: it fills gaps, or repeats what passed. False for the same packet."""
    trouble = open_trouble(state, mine, pool)
    lost = pool[pool[trouble + BOOKS] + LOST_ALL]
    pool[pool[trouble + BOOKS] + TROUBLED] = now_ns
    resent = True
    left_out_ns = pool[pool[trouble + GAPS] + PASSED] if pool[trouble + GAPS] else now_ns
    if pool[trouble + GAPS] and fill_gaps(
        state, mine, other, pool, left, right, now_ns, frame, wire, number, timestamp, late
    ):
        resent = pool[pool[trouble + BOOKS] + LOST_ALL] > lost
        place = find_place(state, mine, pool, left)
        if place >= 0:
            marks = packed_marks(untold & TOO_BIG, wire, number)
            put_copy(state, mine, pool, place, left, right, now_ns, frame, marks, timestamp, 0)
    elif late and right <= state[mine + ACKED]:
        resent = False  # overtaken, and even its acknowledgement was faster
    elif not repeat_octets(
        state, mine, pool, left, right, now_ns, frame, wire, number, timestamp, untold
    ):  # fmt: skip
        return False
    else:
        left_out_ns = now_ns
    state[mine + HIGHEST] = max(state[mine + HIGHEST], right)
    if resent:
        pool[pool[trouble + BOOKS] + REPEATS] += 1
        if not state[mine + NUMBERS + BY_ONE]:
            assume_lost_copies(state, mine, pool, left_out_ns, now_ns, frame, wire)
    return True


def hears_something(state: Row, mine: int, other: int, pool: Row) -> bool:
    """Whether a sender has something to acknowledge that it has not yet, or again."""
    if state[other + FLIGHT]:
        return True
    trouble = state[other + TROUBLE]
    return trouble != 0 and pool[pool[trouble + BOOKS] + TROUBLED] > state[mine + LAST_TIME]


def untold_by(flags: int, other_habits: int) -> int:
    """The mark of a segment that no duplicate SACK tells of when it comes twice."""
    if flags & SYN:
        return GREETING if flags & ACK else UNTOLD
    return UNTOLD if flags & FIN and other_habits & FINISHED else 0


def habits_after(habits: int, flags: int, window: int, options: int) -> int:
    """A sender's habits after another segment."""
    habits = habits & ~(ELSEWHERE | CLOSED) | SEEN
    if window == 0 and not flags & SYN:
        habits |= CLOSED
    if flags & SYN:
        habits |= OPENED | (WILLING if options & OPTION_SACK_PERMITTED else 0)
    if flags & FIN:
        habits |= FINISHED
    if flags & (SYN | ACK) == ACK:
        habits |= HEARING
    return habits


def follow_segment(
    state: Row, at: int, pool: Row, out: Row, tag: int, frame: int, direction: int, time_ns: int, wire: int,
    sequence: int, acknowledgement: int, length: int, flags: int, window: int, number: int, timestamp: int, echo: int,
    options: int,
) -> int:  # fmt: skip
    """Follow one segment. Answers PASSAGE for one with octets (or a SYN or FIN), 0 for any other, or the same again.

    `direction` is 0 or 1, `number` the IP identification (-1 where there is none), `timestamp` and `echo` the option's
    two values (-1 where it is missing), `options` the OPTION_ bits, `tag` the caller's number of the connection.
    NODES_NEEDED nodes must be free, and EVENTS_NEEDED rows of `out`.
    """
    mine = at + direction * LOSS_WIDTH
    other = at + (1 - direction) * LOSS_WIDTH
    counter = mine + NUMBERS
    habits = state[mine + HABITS]
    if habits & OTHER_ORDER and number > 0:
        number = swapped(number)
    missing = 0
    if number > 0 and number == (state[counter + NUMBER] + 1) & 0xFFFF:
        state[counter + NUMBER] = number
        state[counter + BY_ONE] += 1
        if time_ns - state[mine + LAST_TIME] >= SILENCE_NS:
            state[counter + PAUSES] += 1
        if state[counter + SIZE] > state[counter + SINGLE]:
            state[counter + SINGLE] = state[counter + SIZE]
        state[counter + SIZE] = length
    else:
        missing = read_number(state, counter, number)
        state[counter + SIZE] = length
        if missing == SWAPPED:
            habits |= OTHER_ORDER
            state[mine + HABITS] = habits
            number = swapped(number)
            missing = 0
    hearing = False
    opening = False
    if missing and missing != UNKNOWN and counts_packets(state, counter):
        if missing == LATE and state[mine + TROUBLE]:
            take_back_number(pool, state[mine + TROUBLE], number)
        if missing > 0:
            hearing = hears_something(state, mine, other, pool)
            if state[other + TROUBLE]:
                excuse_not_needed(state, other, pool, state[mine + LAST_TIME], time_ns, missing)
    elif missing > 0:
        hearing = hears_something(state, mine, other, pool)
    if missing > 0:
        opening = habits & (OPENED | HEARING) == OPENED
    unseen = False
    again = False
    if flags & (ACK | RST) == ACK and state[other + HABITS] & SEEN:
        if flags & SYN and not habits & SEEN:
            miss_greetings(state, mine, other, pool, time_ns, frame, wire, echo)
        highest = state[other + HIGHEST]
        reached = highest + ((acknowledgement - highest + HALF) & LOW) - HALF
        acked = state[other + ACKED]
        if reached > acked:
            unseen = reached > highest
            left_out = missing if missing > 0 else 0
            # who answers a FIN without counting has it already, and waits out the connection's time (RFC 9293 §3.6.1)
            if number == 0 and missing == UNKNOWN and habits & FINISHED and state[counter + BY_ONE]:
                left_out = -1
            acknowledge(
                state, other, pool, reached, time_ns, echo, flags, state[mine + LAST_TIME], left_out, length == 0
            )
        elif reached == acked and state[other + TROUBLE]:
            again = True
            if flags & SYN:
                greet_again(state, mine, other, pool, time_ns, frame, wire, echo)
    if flags & RST:
        refuse(state, other, pool, time_ns)
        state[mine + LAST_TIME] = time_ns
        return 0
    untold = 0
    left_out = 0
    if missing > 0 and not unseen and not habits & ELSEWHERE:
        left_out = missing
    if window == 0 or flags & (SYN | FIN | ACK) != ACK or habits & (SEEN | HEARING | ELSEWHERE | CLOSED) != USUAL:
        untold = untold_by(flags, state[other + HABITS])
        if not habits & SEEN:
            state[mine + HIGHEST] = WORD + sequence
        habits = habits_after(habits, flags, window, options)
        state[mine + HABITS] = habits
    highest = state[mine + HIGHEST]
    left = highest + ((sequence - highest + HALF) & LOW) - HALF
    right = left + length
    if flags & (SYN | FIN):
        right += (1 if flags & SYN else 0) + (1 if flags & FIN else 0)
    passage = PASSAGE
    if left == right or (
        length <= 1 and not flags & (SYN | FIN)
        and (left == highest - 1 or (left == highest and state[other + HABITS] & CLOSED))
    ):  # fmt: skip
        passage = 0  # an acknowledgement alone, a keep-alive, or a probe of a closed window
        if again:
            excuse_plainly(state, other, pool, time_ns)
            if state[other + FLIGHT]:
                pool[pool[state[other + TROUBLE] + BOOKS] + PLAIN] += 1
                state[other + HABITS] |= PLAINLY
        if left > highest:
            open_gap(state, mine, pool, left, time_ns, frame, number, timestamp, unseen_numbers(missing))
        elif left_out:
            miss_numbers(state, mine, pool, left_out, time_ns, frame, number, hearing, opening, True, False)
        state[mine + BARE] += 1
    elif habits & REFUSED:
        if right > highest:
            state[mine + HIGHEST] = right
    else:
        if state[mine + COPIES] >= MOST_COPIES:
            let_oldest_go(state, mine, pool, time_ns)
        if left > highest:
            open_gap(state, mine, pool, left, time_ns, frame, number, timestamp, unseen_numbers(missing))
            highest = left
        elif left_out:
            miss_numbers(
                state, mine, pool, left_out, time_ns, frame, number, hearing, opening, False, left < highest
            )  # fmt: skip
        if state[mine + LIMIT]:
            untold |= meet_limit(state, mine, pool, out, tag, direction, frame, time_ns, left, right, timestamp)
        if left == highest:
            if missing == REPEATED:
                state[mine + HABITS] |= SAME_NUMBER
            put_copy(
                state, mine, pool, state[mine + LAST], left, right, time_ns, frame,
                packed_marks(untold, wire, number), timestamp, 0,
            )  # fmt: skip
            state[mine + HIGHEST] = right
        elif not come_again(
            state, mine, other, pool, left, right, time_ns, frame, wire, number, timestamp,
            missing == LATE, untold,
        ):  # fmt: skip
            return 0
        state[mine + SEGMENTS] += 1
    state[mine + LAST_TIME] = time_ns
    trouble = state[mine + TROUBLE]
    if trouble and pool[trouble + WAITING] and tells_now(pool, trouble, time_ns):
        tell_due(state, mine, pool, out, tag, direction, time_ns)
    return passage


def settle_losses(
    state: Row, at: int, pool: Row, out: Row, room: int, tag: int, end_ns: int
) -> bool:  # fmt: skip
    """Tell what is still in question when the capture ends at `end_ns`, or the connection's ports are used anew.

    All its nodes are given back. False where `room`, the rows of `out`, did not suffice: empty it and call again.
    """
    for direction in range(2):
        mine = at + direction * LOSS_WIDTH
        other = at + (1 - direction) * LOSS_WIDTH
        trouble = state[mine + TROUBLE]
        if trouble:
            give_list(pool, pool[trouble + GAPS])
            pool[trouble + GAPS] = 0
            pool[trouble + LAST_GAP] = 0
            while pool[trouble + WAITING]:
                if out[EVENTS] >= room:
                    return False
                tell_waiting(state, mine, pool, out, tag, direction)
        one_sided = not state[other + HABITS] & SEEN and state[mine + HABITS] & HEARING
        while state[mine + FLIGHT]:
            node = state[mine + FLIGHT]
            if pool[node + OLDER]:
                leave_unanswered(state, mine, pool, node, end_ns)
            elif trouble and pool[trouble + WAITING]:
                if out[EVENTS] >= room:
                    return False
                tell_waiting(state, mine, pool, out, tag, direction)
                continue
            if out[EVENTS] >= room:
                return False
            if (
                not one_sided
                and not pool[node + MARKS] & (ARRIVED | ACCOUNTED | TOO_BIG)
                and (end_ns - pool[node + PASSED] > UNANSWERED_NS)
            ):
                tell_loss(
                    out, tag, UNANSWERED, direction, pool[node + PASSED], pool[node + PASSED], 1, pool[node + FRAME],
                    wire_of(pool, node),
                )  # fmt: skip
            state[mine + FLIGHT] = pool[node + NEXT]
            give_node(pool, node)
        while trouble and pool[trouble + WAITING]:
            if out[EVENTS] >= room:
                return False
            tell_waiting(state, mine, pool, out, tag, direction)
        if trouble:
            give_node(pool, pool[trouble + BLOCKS])
            give_node(pool, pool[trouble + BOOKS])
            give_node(pool, trouble)
            state[mine + TROUBLE] = 0
        if state[mine + LIMIT]:
            give_node(pool, state[mine + LIMIT])
            state[mine + LIMIT] = 0
        state[mine + LAST] = 0
        state[mine + COPIES] = 0
    return True
