"""One capture point splits a path in two: a segment that passes it twice was lost beyond it, and octets that later ones
left behind, and a retransmission brings, were lost before it.

Each segment of a connection is followed in the order of time by functions of integers, which run as they stand on
lists and compiled on arrays. What tells one thing from the other:

- The sender's own numbers (`sender_numbers`): those left out are packets lost before this point, those that come late
  were overtaken. Without them, the timestamp option tells a retransmission from a straggler, else the round trip, and
  each retransmission that fills a gap stands for one loss.
- Which copy of a segment arrived: the newest that the receiver can have meant, by the timestamp that it echoes
  (RFC 7323 §4.3, the Eifel detection of RFC 3522) and by the shortest round trip beyond this point. Earlier copies
  were lost, later ones were not needed.
- A duplicate SACK (RFC 2883): one copy more has arrived, so one loss fewer has happened.
- Octets acknowledged though they never passed went another way, or the capture missed them, and are no loss.

What may still be taken back waits in a list of its direction, and is told when nothing can come any more. All that is
remembered of a direction is bounded: what is oldest is let go first.
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import ACK, FIN, RST, SYN, Row
from attribution.packets.loss_nodes import (
    FORGOTTEN,
    FRAME,
    FREE,
    FROM,
    MARKS,
    NEXT,
    OLDER,
    PASSED,
    ROOM,
    STAMP,
    UNTIL,
    copy_node,
    give_list,
    give_node,
    number_of,
    packed_marks,
    take_node,
    wire_of,
)
from attribution.packets.sender_numbers import (
    BY_ONE,
    LATE,
    LONGEST_JUMP,
    NUMBER,
    NUMBERS_WIDTH,
    REPEATED,
    SIZE_BITS,
    SIZE_MASK,
    SIZES,
    SWAPPED,
    UNEXPLAINED_STEP,
    UNKNOWN,
    counts_packets,
    put_step,
    read_number,
    swapped,
)

# The state of a connection is that of its two directions. Of the octets that one sends, and of its receiver's answers:
HABITS: Final = 0  # the bits below
HIGHEST: Final = 1  # the highest end of its octets, however often 32 bits wrapped
ACKED: Final = 2  # how far its receiver has everything; 0 where it has said nothing
FLIGHT: Final = 3  # the first copy in flight: passed, and not known to have arrived; in the order of octets
LAST: Final = 4  # the last of them
COPIES: Final = 5  # how many nodes they take
ROUND_TRIP: Final = 6  # the shortest time from a passage to its acknowledgement, 0 where there is none yet
LAST_TIME: Final = 7  # of a packet of this direction
SEGMENTS: Final = 8  # how many passed
BARE: Final = 9  # how many acknowledgements without octets passed
TROUBLE: Final = 10  # node with what is only needed once something was lost or overtaken, else 0
NUMBERS: Final = 11  # the state of `sender_numbers`
LOSS_WIDTH: Final = NUMBERS + NUMBERS_WIDTH
LOSS_STATE_WIDTH: Final = 2 * LOSS_WIDTH

SEEN: Final = 1 << 0
REFUSED: Final = 1 << 1  # the receiver has reset the connection
CLOSED: Final = 1 << 2  # its own window, as it last told, is zero
OTHER_ORDER: Final = 1 << 3  # its numbers are to be read in the other order of octets
SELECTIVE: Final = 1 << 4  # its receiver sends SACK
ELSEWHERE: Final = 1 << 5  # octets were just acknowledged that never passed here
SAME_NUMBER: Final = 1 << 6  # new octets came under the number of older ones
HEARING: Final = 1 << 7  # it acknowledges something
FINISHED: Final = 1 << 8  # it has sent a FIN
OPENED: Final = 1 << 9  # its SYN passed,
WILLING: Final = 1 << 10  # and offered to take SACK
PLAINLY: Final = 1 << 11  # its receiver repeats acknowledgements without SACK

# The node of trouble, and the two that hang on it
GAPS: Final = 0  # octets that did not pass, in their order
LAST_GAP: Final = 1
WAITING: Final = 2  # losses that may still be taken back, the first first
LAST_WAITING: Final = 3
CURSOR: Final = 4  # a copy in flight near which something was last looked for
BLOCK_CURSOR: Final = 5
BLOCKS: Final = 6  # node of the last SACK blocks, eight edges
BOOKS: Final = 7  # node of counts:
GAP_COUNT: Final = 0
WAITING_COUNT: Final = 1
LOST_SEGMENTS: Final = 2  # packets that never came here, as far as they were segments,
LOST_ALL: Final = 3  # and all of them
REPEATS: Final = 4  # retransmissions that passed
PLAIN: Final = 5  # how often the last acknowledgement came again without SACK
ASSUMED: Final = 6  # 2^32 parts of a loss, see `assume_lost_copies`
TROUBLED: Final = 7  # when something last passed again, or left octets out

# Marks of a copy in flight
ARRIVED: Final = 1  # by SACK
ACCOUNTED: Final = 2  # the rest of a copy of which another part passed again
UNTOLD: Final = 16  # a SYN, or the last FIN: what answers it again bears no number and no duplicate SACK
GREETING: Final = 32  # an answer to a SYN: where it comes again it is acknowledged again

# Kinds of loss. What waits has one of them as its mark.
UPSTREAM: Final = 1  # a segment never reached this point
DOWNSTREAM: Final = 2  # it passed and did not arrive
UNANSWERED: Final = 3  # it passed, and nothing ever told whether it or the acknowledgement was lost
UPSTREAM_BARE: Final = 4  # an acknowledgement without octets never reached this point
NOT_NEEDED: Final = 5  # a copy that passed after another that arrived; never told
MISSED: Final = 6  # a gap's packet, which only waits for a duplicate SACK; told as UPSTREAM
KIND_MASK: Final = 15

# A loss that is told: [EVENT_KIND ... EVENT_TAG]. `COUNT` packets, spread evenly between two times.
EVENT_KIND: Final = 0
EVENT_DIRECTION: Final = 1
EVENT_START: Final = 2
EVENT_END: Final = 3
EVENT_COUNT: Final = 4
EVENT_FRAME: Final = 5
EVENT_WIRE: Final = 6  # octets on the wire, -1 where they are not known
EVENT_TAG: Final = 7  # the caller's number of the connection
EVENT_WIDTH: Final = 8
EVENTS: Final = 0  # how many are told, at the front of the buffer
FIRST_EVENT: Final = 1

# What the caller must leave free before each segment
NODES_NEEDED: Final = 24
EVENTS_NEEDED: Final = 8

WORD: Final = 1 << 32
LOW: Final = WORD - 1
HALF: Final = 1 << 31
STRAGGLER_NS: Final = 3_000_000  # without any other clue, what comes this soon after a gap was overtaken, not resent
PATIENCE_NS: Final = 2_000_000_000  # after this no duplicate SACK is expected, nor a straggler
UNANSWERED_NS: Final = 1_000_000_000  # what was sent later than this before the end may still be answered
SILENCE_NS: Final = 100_000_000  # a sender that was silent for so long may have waited for a timeout
HALF_SECOND_NS: Final = 500_000_000  # less than the second after which an answer to a SYN is repeated
TIMEOUT_NS: Final = 150_000_000  # less than the shortest time after which a sender repeats what brought no answer
RECOVERY_NS: Final = 250_000_000  # so long after a retransmission another may follow
MOST_COPIES: Final = 32768  # in flight, of one direction
MOST_GAPS: Final = 1024
MOST_WAITING: Final = 256
MOST_STEPS: Final = 1024  # of a search
TOLD_AT_ONCE: Final = 4

PASSAGE: Final = 1  # what `follow_segment` answers for a segment with octets


def clear_losses(state: Row, at: int) -> None:
    """Make state[at : at + LOSS_STATE_WIDTH] that of a connection of which nothing was seen yet."""
    for offset in range(LOSS_STATE_WIDTH):
        state[at + offset] = 0
    state[at + NUMBERS + NUMBER] = -1
    state[at + LOSS_WIDTH + NUMBERS + NUMBER] = -1


def unwrapped(near: int, number: int) -> int:
    """The place in the stream of a sequence number, which lies within 2^31 of another place."""
    return near + ((number - near + HALF) & LOW) - HALF


def tell_loss(
    out: Row, tag: int, kind: int, direction: int, start_ns: int, end_ns: int, count: int, frame: int, wire: int
) -> None:  # fmt: skip
    """Put one loss into the buffer."""
    row = FIRST_EVENT + out[EVENTS] * EVENT_WIDTH
    out[row + EVENT_KIND] = kind
    out[row + EVENT_DIRECTION] = direction
    out[row + EVENT_START] = start_ns
    out[row + EVENT_END] = end_ns
    out[row + EVENT_COUNT] = count
    out[row + EVENT_FRAME] = frame
    out[row + EVENT_WIRE] = wire
    out[row + EVENT_TAG] = tag
    out[EVENTS] += 1


def open_trouble(state: Row, mine: int, pool: Row) -> int:
    """The direction's node of trouble; made if there is none."""
    trouble = state[mine + TROUBLE]
    if not trouble:
        trouble = take_node(pool)
        blocks = take_node(pool)
        books = take_node(pool)
        for word in range(8):
            pool[trouble + word] = 0
            pool[blocks + word] = 0
            pool[books + word] = 0
        pool[trouble + BLOCKS] = blocks
        pool[trouble + BOOKS] = books
        state[mine + TROUBLE] = trouble
    return trouble


def put_waiting(pool: Row, trouble: int, node: int, kind: int, now_ns: int, count: int) -> None:
    """Let a loss wait; its node is taken over."""
    pool[node + NEXT] = 0
    pool[node + MARKS] = pool[node + MARKS] & ~KIND_MASK | kind
    pool[node + STAMP] = now_ns
    pool[node + OLDER] = count
    if pool[trouble + WAITING]:
        pool[pool[trouble + LAST_WAITING] + NEXT] = node
    else:
        pool[trouble + WAITING] = node
    pool[trouble + LAST_WAITING] = node
    pool[pool[trouble + BOOKS] + WAITING_COUNT] += 1


def wait_for(
    pool: Row, trouble: int, kind: int, left: int, right: int, start_ns: int, now_ns: int, count: int, frame: int,
    wire: int, number: int,
) -> None:  # fmt: skip
    """Let a loss wait that has no node yet."""
    if pool[ROOM] < 2:
        pool[FORGOTTEN] += 1
        return
    node = take_node(pool)
    pool[node + FROM] = left
    pool[node + UNTIL] = right
    pool[node + PASSED] = start_ns
    pool[node + FRAME] = frame
    pool[node + MARKS] = packed_marks(0, wire, number)
    put_waiting(pool, trouble, node, kind, now_ns, count)


def tells_duplicates(state: Row, mine: int) -> bool:
    """Whether the receiver would tell by SACK that something came twice."""
    habits = state[mine + HABITS]
    if habits & SELECTIVE:
        return True
    return habits & WILLING != 0 if habits & OPENED else not habits & PLAINLY


def tell_waiting(state: Row, mine: int, pool: Row, out: Row, tag: int, direction: int) -> None:
    """Tell the loss that has waited longest, if it still counts, and forget it."""
    trouble = state[mine + TROUBLE]
    node = pool[trouble + WAITING]
    kind = pool[node + MARKS] & KIND_MASK
    count = pool[node + OLDER]
    start_ns = pool[node + PASSED]
    end_ns = start_ns
    if kind == UPSTREAM or kind == UPSTREAM_BARE:
        end_ns = pool[node + STAMP]
        if not counts_packets(state, mine + NUMBERS):
            count = 0
    elif kind == MISSED:
        kind = UPSTREAM
    elif kind == NOT_NEEDED:
        told = tells_duplicates(state, mine) and not pool[node + MARKS] & UNTOLD
        kind = DOWNSTREAM if told or pool[node + MARKS] & GREETING else UNANSWERED
    if count > 0:
        tell_loss(out, tag, kind, direction, start_ns, end_ns, count, pool[node + FRAME], wire_of(pool, node))
    pool[trouble + WAITING] = pool[node + NEXT]
    pool[pool[trouble + BOOKS] + WAITING_COUNT] -= 1
    give_node(pool, node)


def tells_now(pool: Row, trouble: int, now_ns: int) -> bool:
    """Whether the first of the losses that wait has waited long enough, or is pushed out by others."""
    if pool[pool[trouble + BOOKS] + WAITING_COUNT] > MOST_WAITING:
        return True
    return now_ns - pool[pool[trouble + WAITING] + STAMP] > PATIENCE_NS


def tell_due(state: Row, mine: int, pool: Row, out: Row, tag: int, direction: int, now_ns: int) -> None:
    """Tell losses that need not wait any more, a few at a time."""
    trouble = state[mine + TROUBLE]
    for _ in range(TOLD_AT_ONCE):
        if pool[trouble + WAITING] and tells_now(pool, trouble, now_ns):
            tell_waiting(state, mine, pool, out, tag, direction)


def feasible(pool: Row, copy: int, latest_ns: int, echo: int) -> bool:
    """Whether an acknowledgement can have meant this copy: a round trip later, and with no older timestamp."""
    stamp = pool[copy + STAMP]
    if echo >= 0 and stamp >= 0 and (echo - stamp) & LOW >= HALF:
        return False
    return pool[copy + PASSED] <= latest_ns


def drop_older_copy(state: Row, mine: int, pool: Row, node: int) -> None:
    """Forget the newest of a segment's older copies: what made the sender send it first is that the oldest was lost."""
    copy = pool[node + OLDER]
    pool[node + OLDER] = pool[copy + NEXT]
    give_node(pool, copy)
    state[mine + COPIES] -= 1


def was_all_in_flight(pool: Row, node: int, following: int, heard_ns: int) -> bool:
    """Whether a segment is all that is in flight, and its receiver was not heard since its first copy passed."""
    first = node
    copy = pool[node + OLDER]
    while copy:
        first = copy
        copy = pool[copy + NEXT]
    return not following and heard_ns <= pool[first + PASSED]


def reaches_far(pool: Row, node: int, reached: int) -> bool:
    """Whether an acknowledgement covers more copies than one that is merely delayed."""
    for _ in range(2):
        if not node or pool[node + UNTIL] > reached:
            return False
        node = pool[node + NEXT]
    return True


def judge_copies(
    state: Row, mine: int, pool: Row, node: int, now_ns: int, filled_ns: int, echo: int, came: bool,
    spare: bool,
) -> None:  # fmt: skip
    """A segment that passed several times has arrived: tell its copies into those lost and those not needed.

    `echo` is the timestamp that the receiver returns where it is that of the copy that arrived, else -1. What passed
    after `filled_ns` was not needed. `came` tells that the newest copy has arrived in any case,
    `spare` that an older one has arrived even if the newest seems to be the one that did.
    """
    trouble = state[mine + TROUBLE]
    latest_ns = min(now_ns - (state[mine + ROUND_TRIP] * 7 >> 3), filled_ns)
    found = feasible(pool, node, latest_ns, echo)
    if found and spare:
        drop_older_copy(state, mine, pool, node)
    if not found and not came:
        if pool[ROOM] > 2:
            own = copy_node(pool, node)
            put_waiting(pool, trouble, own, NOT_NEEDED, now_ns, 1)
        else:
            pool[FORGOTTEN] += 1
    copy = pool[node + OLDER]
    pool[node + OLDER] = 0
    while copy:
        following = pool[copy + NEXT]
        state[mine + COPIES] -= 1
        if found:
            put_waiting(pool, trouble, copy, DOWNSTREAM, now_ns, 1)
        elif not following or feasible(pool, copy, latest_ns, echo):
            found = True
            give_node(pool, copy)
        else:
            put_waiting(pool, trouble, copy, NOT_NEEDED, now_ns, 1)
        copy = following


def shrink_gap(pool: Row, gap: int, left: int, right: int) -> None:
    """Leave of a gap only [left, right), with its share of the packets."""
    whole = pool[gap + UNTIL] - pool[gap + FROM]
    if pool[gap + OLDER] > 0:
        pool[gap + OLDER] = (pool[gap + OLDER] * (right - left) + whole - 1) // whole
    pool[gap + FROM] = left
    pool[gap + UNTIL] = right


def forget_gaps(pool: Row, trouble: int, reached: int) -> None:
    """Octets that were acknowledged although they never passed here are not lost."""
    gap = pool[trouble + GAPS]
    while gap and pool[gap + UNTIL] <= reached:
        following = pool[gap + NEXT]
        give_node(pool, gap)
        pool[pool[trouble + BOOKS] + GAP_COUNT] -= 1
        gap = following
    pool[trouble + GAPS] = gap
    if not gap:
        pool[trouble + LAST_GAP] = 0
    elif pool[gap + FROM] < reached:
        shrink_gap(pool, gap, reached, pool[gap + UNTIL])


def measure_round_trip(state: Row, mine: int, measured_ns: int) -> None:
    """Keep the shortest time from a passage to the acknowledgement."""
    if measured_ns > 0 and (state[mine + ROUND_TRIP] == 0 or measured_ns < state[mine + ROUND_TRIP]):
        state[mine + ROUND_TRIP] = measured_ns


def unlink_gap(pool: Row, trouble: int, before: int, gap: int) -> None:
    """Take a gap, which follows `before`, out of the list."""
    if before:
        pool[before + NEXT] = pool[gap + NEXT]
    else:
        pool[trouble + GAPS] = pool[gap + NEXT]
    if pool[trouble + LAST_GAP] == gap:
        pool[trouble + LAST_GAP] = before
    pool[pool[trouble + BOOKS] + GAP_COUNT] -= 1
    give_node(pool, gap)


def close_gaps(pool: Row, trouble: int, left: int, right: int) -> None:
    """Forget gaps that lie within [left, right)."""
    before = 0
    gap = pool[trouble + GAPS]
    while gap and pool[gap + FROM] < right:
        following = pool[gap + NEXT]
        if left <= pool[gap + FROM] and pool[gap + UNTIL] <= right:
            unlink_gap(pool, trouble, before, gap)
        else:
            before = gap
        gap = following


def excuse_answered(pool: Row, trouble: int, now_ns: int, count: int) -> None:
    """Without SACK, each segment that comes out of order, or again, brings the last acknowledgement again.

    Those beyond the number of segments that were held back answered copies that were not needed.
    """
    node = pool[trouble + WAITING]
    while node and count > 0:
        if pool[node + MARKS] & KIND_MASK == NOT_NEEDED and pool[node + STAMP] == now_ns and pool[node + OLDER]:
            pool[node + OLDER] = 0
            count -= 1
        node = pool[node + NEXT]


def acknowledge(
    state: Row, mine: int, pool: Row, reached: int, now_ns: int, echo: int, flags: int, heard_ns: int, left_out: int,
    bare: bool,
) -> None:  # fmt: skip
    """The receiver has everything up to `reached`: what is in flight before it has arrived, gaps before it are none."""
    before = state[mine + ACKED]
    state[mine + ACKED] = reached
    if reached > state[mine + HIGHEST]:
        state[mine + HIGHEST] = reached
        state[mine + HABITS] |= ELSEWHERE
    trouble = state[mine + TROUBLE]
    if trouble:
        for cursor in (CURSOR, BLOCK_CURSOR):
            node = pool[trouble + cursor]
            if node and pool[node + UNTIL] <= reached:
                pool[trouble + cursor] = 0
        if pool[trouble + GAPS]:
            forget_gaps(pool, trouble, reached)
    node = state[mine + FLIGHT]
    newest_ns = 0
    popped = 0
    told = True
    filled_ns = now_ns
    if trouble:
        told = tells_duplicates(state, mine)
    while node and pool[node + UNTIL] <= reached:
        following = pool[node + NEXT]
        if pool[node + OLDER]:
            echoed = echo if pool[node + FROM] <= before or flags & SYN else -1
            spare = left_out < 0 and echoed < 0
            if left_out > (1 if told or not bare else 0) and was_all_in_flight(pool, node, following, heard_ns):
                # the answer to the first copy was lost, and the answer to another, which came though not needed
                spare = left_out > 2 or now_ns - pool[node + PASSED] < TIMEOUT_NS
            judge_copies(state, mine, pool, node, now_ns, filled_ns, echoed, left_out < 0, spare)
        elif not pool[node + MARKS] & (ARRIVED | ACCOUNTED):
            newest_ns = pool[node + PASSED]
        if not told and filled_ns == now_ns and reaches_far(pool, following, reached):
            filled_ns = 0
        pool[node + NEXT] = pool[FREE]
        pool[FREE] = node
        pool[ROOM] += 1
        state[mine + COPIES] -= 1
        popped += 1
        node = following
    state[mine + FLIGHT] = node
    if not node:
        state[mine + LAST] = 0
    elif pool[node + FROM] < reached:
        pool[node + FROM] = reached
        if flags & SYN:  # the octets that came with a SYN were not accepted (RFC 7413 §4.2.2)
            pool[node + MARKS] |= ACCOUNTED
    if newest_ns:
        measure_round_trip(state, mine, now_ns - newest_ns)
    if trouble:
        books = pool[trouble + BOOKS]
        if not told:
            excuse_answered(pool, trouble, now_ns, pool[books + PLAIN] - popped + 1)
        pool[books + PLAIN] = 0


def take_back_waiting(pool: Row, trouble: int, kind: int, left: int, right: int) -> bool:
    """Strike waiting losses of one kind within these octets, one of each segment."""
    node = pool[trouble + WAITING]
    found = False
    struck_from = -1
    struck_until = -1
    while node:
        if (
            pool[node + MARKS] & KIND_MASK == kind and pool[node + OLDER] > 0
            and pool[node + FROM] < right and left < pool[node + UNTIL]
            and not (pool[node + FROM] < struck_until and struck_from < pool[node + UNTIL])
        ):  # fmt: skip
            pool[node + OLDER] -= 1
            struck_from = pool[node + FROM]
            struck_until = pool[node + UNTIL]
            found = True
        node = pool[node + NEXT]
    return found


def take_back(state: Row, mine: int, pool: Row, left: int, right: int) -> None:
    """One copy more of these octets has arrived than was needed: one loss fewer of each segment has happened."""
    trouble = state[mine + TROUBLE]
    node = state[mine + FLIGHT]
    found = False
    for _ in range(MOST_STEPS):
        if not node or pool[node + FROM] >= right:
            break
        if pool[node + OLDER] and pool[node + UNTIL] > left:
            drop_older_copy(state, mine, pool, node)
            found = True
        node = pool[node + NEXT]
    if not found and not take_back_waiting(pool, trouble, NOT_NEEDED, left, right):
        if not take_back_waiting(pool, trouble, DOWNSTREAM, left, right):
            take_back_waiting(pool, trouble, MISSED, left, right)


def mark_arrived(state: Row, mine: int, pool: Row, now_ns: int, left: int, right: int) -> None:
    """Copies in flight within [left, right) have arrived; gaps there were filled another way."""
    trouble = state[mine + TROUBLE]
    node = pool[trouble + BLOCK_CURSOR]
    if not node or pool[node + FROM] > left:
        node = state[mine + FLIGHT]
    newest_ns = 0
    steps = 0
    while node and pool[node + FROM] < right and steps < MOST_STEPS:
        if pool[node + FROM] >= left and pool[node + UNTIL] <= right:
            if not pool[node + MARKS] & ARRIVED:
                if pool[node + OLDER]:
                    judge_copies(state, mine, pool, node, now_ns, now_ns, -1, False, False)
                elif not pool[node + MARKS] & ACCOUNTED:
                    newest_ns = pool[node + PASSED]
                pool[node + MARKS] |= ARRIVED
        else:
            steps += 1
        pool[trouble + BLOCK_CURSOR] = node
        node = pool[node + NEXT]
    if newest_ns:
        measure_round_trip(state, mine, now_ns - newest_ns)
    if pool[trouble + GAPS]:
        close_gaps(pool, trouble, left, right)


def excuse_not_needed(state: Row, mine: int, pool: Row, heard_ns: int, now_ns: int, left_out: int) -> None:
    """The receiver's numbers tell that answers were lost: they may have told that copies came that were not needed."""
    node = pool[state[mine + TROUBLE] + WAITING]
    round_trip_ns = state[mine + ROUND_TRIP] * 7 >> 3
    while node and left_out > 0:
        answered_ns = pool[node + PASSED] + round_trip_ns
        if pool[node + MARKS] & KIND_MASK == NOT_NEEDED and pool[node + OLDER] and heard_ns < answered_ns <= now_ns:
            pool[node + OLDER] = 0
            left_out -= 1
        node = pool[node + NEXT]


def excuse_plainly(state: Row, mine: int, pool: Row, now_ns: int) -> None:
    """The same acknowledgement again, without SACK: it may answer a copy that was not needed."""
    node = pool[state[mine + TROUBLE] + WAITING]
    selective = tells_duplicates(state, mine)
    while node:
        marks = pool[node + MARKS]
        if marks & KIND_MASK == NOT_NEEDED and pool[node + OLDER] and (marks & (UNTOLD | GREETING) or not selective):
            waited_ns = now_ns - pool[node + PASSED]
            if waited_ns < TIMEOUT_NS and (marks & (UNTOLD | GREETING) or waited_ns >= state[mine + ROUND_TRIP] >> 3):
                pool[node + OLDER] = 0
                return
        node = pool[node + NEXT]


def take_block(state: Row, mine: int, pool: Row, now_ns: int, left: int, right: int) -> None:
    """The receiver has [left, right). Only what it had not told before is looked at."""
    if not state[mine + ACKED] < right <= state[mine + HIGHEST] or right - left <= 0:
        return
    trouble = open_trouble(state, mine, pool)
    blocks = pool[trouble + BLOCKS]
    known = -1
    for place in range(0, 8, 2):
        known_left = pool[blocks + place]
        known_right = pool[blocks + place + 1]
        if known_left <= left and right <= known_right:
            return
        if known_left <= left < known_right:
            left = known_right
            known = place
        elif known_left < right <= known_right:
            right = known_left
            known = place
    if known < 0:
        known = 6
        for place in range(0, 6, 2):
            if pool[blocks + place + 1] <= state[mine + ACKED]:
                known = place
        pool[blocks + known] = left
        pool[blocks + known + 1] = right
    else:
        pool[blocks + known] = min(left, pool[blocks + known])
        pool[blocks + known + 1] = max(right, pool[blocks + known + 1])
    mark_arrived(state, mine, pool, now_ns, left, right)


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


def open_gap(
    state: Row, mine: int, pool: Row, left: int, now_ns: int, frame: int, number: int, timestamp: int, missing: int
) -> None:  # fmt: skip
    """The octets from the highest to `left` were left out; `missing` numbers with them, or UNKNOWN."""
    trouble = open_trouble(state, mine, pool)
    books = pool[trouble + BOOKS]
    if pool[books + GAP_COUNT] >= MOST_GAPS:
        unlink_gap(pool, trouble, 0, pool[trouble + GAPS])
        pool[FORGOTTEN] += 1
    gap = take_node(pool)
    pool[gap + NEXT] = 0
    pool[gap + FROM] = state[mine + HIGHEST]
    pool[gap + UNTIL] = left
    pool[gap + PASSED] = now_ns
    pool[gap + FRAME] = frame
    pool[gap + MARKS] = packed_marks(0, -1, number)
    pool[gap + STAMP] = timestamp
    pool[gap + OLDER] = missing
    if pool[trouble + LAST_GAP]:
        pool[pool[trouble + LAST_GAP] + NEXT] = gap
    else:
        pool[trouble + GAPS] = gap
    pool[trouble + LAST_GAP] = gap
    pool[books + GAP_COUNT] += 1
    pool[books + TROUBLED] = now_ns
    state[mine + HIGHEST] = left


def lose_gap(
    state: Row, mine: int, pool: Row, gap: int, low: int, high: int, now_ns: int, frame: int, wire: int
) -> None:  # fmt: skip
    """A retransmission brings [low, high) of a gap: their packets were lost. The sender's numbers tell how many."""
    trouble = state[mine + TROUBLE]
    books = pool[trouble + BOOKS]
    count = 1
    missing = pool[gap + OLDER]
    if missing >= 0 and counts_packets(state, mine + NUMBERS):
        whole = pool[gap + UNTIL] - pool[gap + FROM]
        count = (missing * (high - low) + whole - 1) // whole
        pool[gap + OLDER] = missing - count
    if count > 0:
        wait_for(pool, trouble, MISSED, low, high, pool[gap + PASSED], now_ns, count, frame, wire, -1)
        pool[books + LOST_SEGMENTS] += count
        pool[books + LOST_ALL] += count


def is_straggler(
    state: Row, mine: int, other: int, pool: Row, gap: int, now_ns: int, number: int, timestamp: int, late: bool
) -> bool:  # fmt: skip
    """Whether a packet that fills a gap was sent before those that overtook it."""
    following = number_of(pool, gap)
    if number >= 0 and following >= 0 and counts_packets(state, mine + NUMBERS):
        return late and 0 < (following - number) & 0xFFFF <= LONGEST_JUMP
    if timestamp >= 0 and pool[gap + STAMP] >= 0 and timestamp != pool[gap + STAMP]:
        return (pool[gap + STAMP] - timestamp) & LOW < HALF
    waited_ns = now_ns - pool[gap + PASSED]
    round_trip_ns = state[mine + ROUND_TRIP] + state[other + ROUND_TRIP]
    if state[mine + ROUND_TRIP] and state[other + ROUND_TRIP]:
        return 5 * waited_ns < 4 * round_trip_ns or state[other + LAST_TIME] <= pool[gap + PASSED]
    return waited_ns < STRAGGLER_NS


def fill_gaps(
    state: Row, mine: int, other: int, pool: Row, left: int, right: int, now_ns: int, frame: int, wire: int, number: int,
    timestamp: int, late: bool,
) -> bool:  # fmt: skip
    """Octets that never passed before fill gaps: they were lost on the way here, unless they were only overtaken."""
    trouble = state[mine + TROUBLE]
    found = False
    before = 0
    gap = pool[trouble + GAPS]
    while gap and pool[gap + FROM] < right:
        following = pool[gap + NEXT]
        if left < pool[gap + UNTIL]:
            found = True
            low, high = max(left, pool[gap + FROM]), min(right, pool[gap + UNTIL])
            if not is_straggler(state, mine, other, pool, gap, now_ns, number, timestamp, late):
                lose_gap(state, mine, pool, gap, low, high, now_ns, frame, wire)
            if pool[gap + FROM] < low and high < pool[gap + UNTIL]:
                rest = copy_node(pool, gap)
                shrink_gap(pool, rest, high, pool[gap + UNTIL])
                if pool[gap + OLDER] > 0:
                    pool[gap + OLDER] -= min(pool[rest + OLDER], pool[gap + OLDER])
                pool[gap + UNTIL] = low
                pool[gap + NEXT] = rest
                if pool[trouble + LAST_GAP] == gap:
                    pool[trouble + LAST_GAP] = rest
                pool[pool[trouble + BOOKS] + GAP_COUNT] += 1
                before = rest
            elif pool[gap + FROM] < low:
                pool[gap + UNTIL] = low
                before = gap
            elif high < pool[gap + UNTIL]:
                pool[gap + FROM] = high
                before = gap
            else:
                unlink_gap(pool, trouble, before, gap)
        else:
            before = gap
        gap = following
    return found


def take_back_number(pool: Row, trouble: int, number: int) -> None:
    """A number that was left out comes late: its packet was overtaken and not lost."""
    node = pool[trouble + WAITING]
    while node:
        kind = pool[node + MARKS] & KIND_MASK
        if (kind == UPSTREAM or kind == UPSTREAM_BARE) and pool[node + OLDER] > 0:
            if (number - pool[node + FROM]) & 0xFFFF < pool[node + UNTIL] - pool[node + FROM]:
                pool[node + OLDER] -= 1
                books = pool[trouble + BOOKS]
                pool[books + LOST_ALL] -= 1
                if kind == UPSTREAM:
                    pool[books + LOST_SEGMENTS] -= 1
                return
        node = pool[node + NEXT]
    gap = pool[trouble + GAPS]
    while gap:
        if pool[gap + OLDER] > 0 and 0 < (number_of(pool, gap) - number) & 0xFFFF <= LONGEST_JUMP:
            pool[gap + OLDER] -= 1
            return
        gap = pool[gap + NEXT]


def miss_numbers(
    state: Row, mine: int, pool: Row, missing: int, now_ns: int, frame: int, number: int, hearing: bool, bare: bool
) -> None:  # fmt: skip
    """Numbers were left out, but no octets: copies that were lost again, or acknowledgements without octets.

    A sender that hears nothing has nothing to acknowledge. Else both are told apart by how often either passes, and
    where nothing speaks of a retransmission it was an acknowledgement.
    """
    trouble = state[mine + TROUBLE]
    silent = now_ns - state[mine + LAST_TIME] >= SILENCE_NS
    recovering = False
    if trouble:
        troubled_ns = pool[pool[trouble + BOOKS] + TROUBLED]
        recovering = pool[trouble + GAPS] != 0 or now_ns - troubled_ns < RECOVERY_NS
    holds = state[mine + FLIGHT] != 0
    if trouble:
        holds = holds or pool[trouble + GAPS] != 0
    if not hearing and not silent and not recovering:
        put_step(state, mine + NUMBERS, UNEXPLAINED_STEP)
        return
    trouble = open_trouble(state, mine, pool)
    books = pool[trouble + BOOKS]
    segments = missing
    if hearing:
        passed = state[mine + SEGMENTS]
        both = passed + state[mine + BARE]
        share = (2 * (pool[books + LOST_ALL] + missing) * passed + both) // (2 * both)
        again = (holds and recovering) or (silent and (holds or not bare))
        segments = max(0, min(missing, share - pool[books + LOST_SEGMENTS])) if again else 0
    if segments > 0:
        wait_for(
            pool, trouble, UPSTREAM, number - missing, number, state[mine + LAST_TIME], now_ns, segments, frame, -1, -1
        )
    if segments < missing:
        wait_for(
            pool, trouble, UPSTREAM_BARE, number - missing, number, state[mine + LAST_TIME], now_ns,
            missing - segments, frame, -1, -1,
        )  # fmt: skip
    pool[books + LOST_SEGMENTS] += segments
    pool[books + LOST_ALL] += missing


def leave_unanswered(state: Row, mine: int, pool: Row, node: int, now_ns: int) -> None:
    """Nothing will tell any more what became of a segment's older copies."""
    copy = pool[node + OLDER]
    pool[node + OLDER] = 0
    while copy:
        following = pool[copy + NEXT]
        put_waiting(pool, state[mine + TROUBLE], copy, UNANSWERED, now_ns, 1)
        state[mine + COPIES] -= 1
        copy = following


def let_oldest_go(state: Row, mine: int, pool: Row, now_ns: int) -> None:
    """Forget the first copy in flight; of what passed more than once, the older copies stay unanswered."""
    node = state[mine + FLIGHT]
    trouble = state[mine + TROUBLE]
    state[mine + FLIGHT] = pool[node + NEXT]
    if not pool[node + NEXT]:
        state[mine + LAST] = 0
    if trouble:
        for cursor in (CURSOR, BLOCK_CURSOR):
            if pool[trouble + cursor] == node:
                pool[trouble + cursor] = 0
        leave_unanswered(state, mine, pool, node, now_ns)
    give_node(pool, node)
    state[mine + COPIES] -= 1
    pool[FORGOTTEN] += 1


def put_copy(
    state: Row, mine: int, pool: Row, before: int, left: int, right: int, now_ns: int, frame: int, marks: int,
    timestamp: int, older: int,
) -> None:  # fmt: skip
    """A copy is in flight, after another in the order of octets (0: before all)."""
    node = pool[FREE]
    if node:
        pool[FREE] = pool[node + NEXT]
        pool[ROOM] -= 1
    else:
        node = take_node(pool)
    pool[node + FROM] = left
    pool[node + UNTIL] = right
    pool[node + PASSED] = now_ns
    pool[node + FRAME] = frame
    pool[node + MARKS] = marks
    pool[node + STAMP] = timestamp
    pool[node + OLDER] = older
    if before:
        pool[node + NEXT] = pool[before + NEXT]
        pool[before + NEXT] = node
    else:
        pool[node + NEXT] = state[mine + FLIGHT]
        state[mine + FLIGHT] = node
    if before == state[mine + LAST]:
        state[mine + LAST] = node
    state[mine + COPIES] += 1


def find_place(state: Row, mine: int, pool: Row, left: int) -> int:
    """The last copy in flight that begins before these octets: 0 where there is none, -1 where it is too far."""
    trouble = open_trouble(state, mine, pool)
    before = pool[trouble + CURSOR]
    if before and pool[before + FROM] < left:
        node = pool[before + NEXT]
    else:
        before = 0
        node = state[mine + FLIGHT]
    last = state[mine + LAST]
    if last and pool[last + FROM] < left:
        return last
    for _ in range(MOST_STEPS):
        if not node or pool[node + FROM] >= left:
            pool[trouble + CURSOR] = before
            return before
        before = node
        node = pool[node + NEXT]
    pool[trouble + CURSOR] = before
    return -1


def older_copy(state: Row, mine: int, pool: Row, node: int, older: int) -> int:
    """A copy of which only a part passes again is one older copy of that part; its rest is accounted for."""
    copy = copy_node(pool, node)
    pool[copy + NEXT] = older
    pool[copy + OLDER] = 0
    pool[node + MARKS] |= ACCOUNTED
    state[mine + COPIES] += 1
    return copy


def join_older(state: Row, mine: int, pool: Row, node: int, older: int) -> int:
    """A copy that passes again as a whole, and its own older ones, come before the other older copies."""
    first = pool[node + OLDER]
    if pool[node + MARKS] & ACCOUNTED:
        give_node(pool, node)
        state[mine + COPIES] -= 1
    else:
        pool[node + NEXT] = first
        pool[node + OLDER] = 0
        first = node
    if not older or not first:
        return first + older
    last = first
    while pool[last + NEXT]:
        last = pool[last + NEXT]
    pool[last + NEXT] = older
    return first


def repeat_octets(
    state: Row, mine: int, pool: Row, left: int, right: int, now_ns: int, frame: int, wire: int, number: int,
    timestamp: int, untold: int,
) -> bool:  # fmt: skip
    """Octets pass again: of each copy in flight that holds them, this is a newer copy. False for the same packet again.

    What its receiver has already told to have is not needed.
    """
    trouble = open_trouble(state, mine, pool)
    acked = state[mine + ACKED]
    before = -1 if right <= acked else find_place(state, mine, pool, max(left, acked))
    if before < 0:
        if right <= acked:
            wait_for(pool, trouble, NOT_NEEDED | untold, left, right, now_ns, now_ns, 1, frame, wire, number)
        else:
            pool[FORGOTTEN] += 1
        return True
    left = max(left, acked)
    place = before
    older = 0
    known = False
    fresh = False
    if before and pool[before + UNTIL] > left:
        if pool[before + MARKS] & ARRIVED:
            known = True
        else:
            fresh = True
            if not pool[before + MARKS] & ACCOUNTED:
                older = older_copy(state, mine, pool, before, older)
            if pool[before + UNTIL] > right:
                put_copy(
                    state, mine, pool, before, right, pool[before + UNTIL], pool[before + PASSED],
                    pool[before + FRAME], pool[before + MARKS], pool[before + STAMP], 0,
                )  # fmt: skip
            pool[before + UNTIL] = left
    node = pool[before + NEXT] if before else state[mine + FLIGHT]
    while node and pool[node + FROM] < right:
        following = pool[node + NEXT]
        if pool[node + MARKS] & ARRIVED:
            known = True
            before = node
        elif pool[node + UNTIL] <= right:
            if (
                pool[node + FROM] == left and pool[node + UNTIL] == right and number > 0
                and number_of(pool, node) == number and pool[node + STAMP] == timestamp
                and not state[mine + HABITS] & SAME_NUMBER
            ):  # fmt: skip
                return False
            fresh = True
            if before:
                pool[before + NEXT] = following
            else:
                state[mine + FLIGHT] = following
            if state[mine + LAST] == node:
                state[mine + LAST] = before
            if pool[trouble + BLOCK_CURSOR] == node:
                pool[trouble + BLOCK_CURSOR] = 0
            older = join_older(state, mine, pool, node, older)
        else:
            fresh = True
            if not pool[node + MARKS] & ACCOUNTED:
                older = older_copy(state, mine, pool, node, older)
            pool[node + FROM] = right
            before = node
        node = following
    if known and not fresh:
        wait_for(pool, trouble, NOT_NEEDED | untold, left, right, now_ns, now_ns, 1, frame, wire, number)
    else:
        marks = packed_marks(untold, wire, number)
        put_copy(state, mine, pool, place, left, right, now_ns, frame, marks, timestamp, older)
    return True


def refuse(state: Row, mine: int, pool: Row, now_ns: int) -> None:
    """The receiver resets the connection: what is in flight, or still comes, is not lost but refused."""
    state[mine + HABITS] |= REFUSED
    node = state[mine + FLIGHT]
    while node:
        following = pool[node + NEXT]
        if state[mine + TROUBLE]:
            leave_unanswered(state, mine, pool, node, now_ns)
        give_node(pool, node)
        state[mine + COPIES] -= 1
        node = following
    state[mine + FLIGHT] = 0
    state[mine + LAST] = 0
    trouble = state[mine + TROUBLE]
    if trouble:
        pool[trouble + CURSOR] = 0
        pool[trouble + BLOCK_CURSOR] = 0


def assume_lost_copies(
    state: Row, mine: int, pool: Row, now_ns: int, frame: int, wire: int
) -> None:  # fmt: skip
    """Where a sender does not count, a retransmission that was lost before this point leaves no trace.

    Then as many are assumed as of the segments that were sent once: each retransmission that passes stands for
    p / (1 - p) that did not.
    """
    books = pool[state[mine + TROUBLE] + BOOKS]
    lost = pool[books + LOST_ALL]
    first = max(1, state[mine + SEGMENTS] - pool[books + REPEATS])
    pool[books + ASSUMED] += min(lost * WORD // first, 4 * WORD)
    count = pool[books + ASSUMED] // WORD
    if count:
        pool[books + ASSUMED] -= count * WORD
        pool[books + LOST_SEGMENTS] += count
        wait_for(pool, state[mine + TROUBLE], MISSED, 0, 0, now_ns, now_ns, count, frame, wire, -1)


def miss_greetings(
    state: Row, mine: int, other: int, pool: Row, now_ns: int, frame: int, wire: int, echo: int
) -> None:  # fmt: skip
    """The first answer to a SYN comes late: it was sent before, if the timestamp that it returns is an early copy's.

    A listener answers each SYN that comes and, while it waits, repeats the answer; its answers bear no numbers.
    """
    node = state[other + FLIGHT]
    if not node or echo < 0:
        return
    first_ns = 0
    answered = 0
    copy = node
    following = pool[node + OLDER]
    while copy:
        if now_ns - pool[copy + PASSED] >= HALF_SECOND_NS:
            answered += 1
        if pool[copy + STAMP] == echo:
            first_ns = pool[copy + PASSED]
            break
        copy = following
        following = pool[copy + NEXT] if copy else 0
    if first_ns and answered and now_ns - first_ns >= HALF_SECOND_NS:
        trouble = open_trouble(state, mine, pool)
        wait_for(pool, trouble, MISSED, 0, 0, first_ns, now_ns, answered, frame, wire, -1)


def unseen_numbers(missing: int) -> int:
    """How many packets a gap's numbers tell of, or UNKNOWN."""
    return missing if missing >= 0 else UNKNOWN


def come_again(
    state: Row, mine: int, other: int, pool: Row, left: int, right: int, now_ns: int, frame: int, wire: int,
    number: int, timestamp: int, late: bool, untold: int,
) -> bool:  # fmt: skip
    """A segment begins before the highest octet: it fills gaps, or repeats what passed. False for the same packet."""
    trouble = open_trouble(state, mine, pool)
    lost = pool[pool[trouble + BOOKS] + LOST_ALL]
    pool[pool[trouble + BOOKS] + TROUBLED] = now_ns
    resent = True
    if pool[trouble + GAPS] and fill_gaps(
        state, mine, other, pool, left, right, now_ns, frame, wire, number, timestamp, late
    ):
        resent = pool[pool[trouble + BOOKS] + LOST_ALL] > lost
        place = find_place(state, mine, pool, left)
        if place >= 0:
            put_copy(state, mine, pool, place, left, right, now_ns, frame, packed_marks(0, wire, number), timestamp, 0)
    elif not repeat_octets(state, mine, pool, left, right, now_ns, frame, wire, number, timestamp, untold):
        return False
    state[mine + HIGHEST] = max(state[mine + HIGHEST], right)
    if resent:
        pool[pool[trouble + BOOKS] + REPEATS] += 1
        if not state[mine + NUMBERS + BY_ONE]:
            assume_lost_copies(state, mine, pool, now_ns, frame, wire)
    return True


def follow_segment(
    state: Row, at: int, pool: Row, out: Row, tag: int, direction: int, time_ns: int, frame: int, wire: int,
    sequence: int, acknowledgement: int, length: int, flags: int, window: int, number: int, timestamp: int, echo: int,
    sack_permitted: int,
) -> int:  # fmt: skip
    """Follow one segment. Answers PASSAGE for one with octets (or a SYN or FIN), 0 for any other, or the same again.

    `direction` is 0 or 1, `number` the IP identification (-1 where there is none), `timestamp` and `echo` the option's
    two values (-1 where it is missing), `sack_permitted` not 0 where a SYN has that option, `tag` the caller's number
    of the connection. NODES_NEEDED nodes must be free, and EVENTS_NEEDED rows of `out`.
    """
    mine = at + direction * LOSS_WIDTH
    other = at + (1 - direction) * LOSS_WIDTH
    habits = state[mine + HABITS]
    hearing = state[other + FLIGHT] != 0
    unseen = False
    again = False
    if habits & OTHER_ORDER:
        number = swapped(number) if number >= 0 else number
    missing = 0
    if number > 0 and number == (state[mine + NUMBERS + NUMBER] + 1) & 0xFFFF:
        state[mine + NUMBERS + NUMBER] = number
        state[mine + NUMBERS + BY_ONE] += 1
        size = state[mine + NUMBERS + SIZES]
        if size & SIZE_MASK > size >> SIZE_BITS:
            state[mine + NUMBERS + SIZES] = (size & SIZE_MASK) << SIZE_BITS
    else:
        missing = read_number(state, mine + NUMBERS, number)
        if missing == SWAPPED:
            habits |= OTHER_ORDER
            number = swapped(number)
            missing = 0
        if missing == LATE and state[mine + TROUBLE] and counts_packets(state, mine + NUMBERS):
            take_back_number(pool, state[mine + TROUBLE], number)
    # who answers a FIN without counting has it already, and waits out the connection's time (RFC 9293 §3.6.1)
    from_nowhere = number == 0 and missing == UNKNOWN and habits & FINISHED != 0
    if missing > 0 and state[other + TROUBLE] and counts_packets(state, mine + NUMBERS):
        excuse_not_needed(state, other, pool, state[mine + LAST_TIME], time_ns, missing)
    if flags & (SYN | ACK) == SYN | ACK and not habits & SEEN:
        miss_greetings(state, mine, other, pool, time_ns, frame, wire, echo)
    if flags & (ACK | RST) == ACK and state[other + HABITS] & SEEN:
        highest = state[other + HIGHEST]
        reached = highest + ((acknowledgement - highest + HALF) & LOW) - HALF
        again = reached == state[other + ACKED]
        if again and flags & SYN and state[other + TROUBLE]:
            excuse_plainly(state, other, pool, time_ns)
        if reached > state[other + ACKED]:
            unseen = reached > highest
            acknowledge(
                state, other, pool, reached, time_ns, echo, flags, state[mine + LAST_TIME],
                -1 if from_nowhere and state[mine + NUMBERS + BY_ONE] else max(missing, 0), length == 0,
            )  # fmt: skip
    state[mine + NUMBERS + SIZES] = state[mine + NUMBERS + SIZES] >> SIZE_BITS << SIZE_BITS | length
    if flags & RST:
        refuse(state, other, pool, time_ns)
        state[mine + HABITS] = habits
        state[mine + LAST_TIME] = time_ns
        return 0
    late = missing == LATE
    excused = unseen or habits & ELSEWHERE != 0
    left_out = missing if missing > 0 and not excused else 0
    habits = habits & ~(ELSEWHERE | CLOSED)
    if window == 0 and not flags & SYN:
        habits |= CLOSED
    untold = 0
    if flags & (SYN | FIN | ACK) != ACK:
        if flags & SYN:
            habits |= OPENED | (WILLING if sack_permitted else 0)
            untold = GREETING if flags & ACK else UNTOLD
        if flags & FIN:
            habits |= FINISHED
            untold = UNTOLD if state[other + HABITS] & FINISHED else 0
    if flags & (SYN | ACK) == ACK:
        habits |= HEARING
    if not habits & SEEN:
        habits |= SEEN
        state[mine + HIGHEST] = WORD + sequence
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
        if again and state[other + TROUBLE]:
            excuse_plainly(state, other, pool, time_ns)
            if state[other + FLIGHT]:
                pool[pool[state[other + TROUBLE] + BOOKS] + PLAIN] += 1
                state[other + HABITS] |= PLAINLY
        if left > highest:
            open_gap(state, mine, pool, left, time_ns, frame, number, timestamp, unseen_numbers(missing))
        elif left_out:
            miss_numbers(state, mine, pool, left_out, time_ns, frame, number, hearing, True)
        state[mine + BARE] += 1
    elif habits & REFUSED:
        state[mine + HIGHEST] = max(highest, right)
    else:
        if state[mine + COPIES] >= MOST_COPIES:
            let_oldest_go(state, mine, pool, time_ns)
        if left > highest:
            open_gap(state, mine, pool, left, time_ns, frame, number, timestamp, unseen_numbers(missing))
            highest = left
        elif left_out:
            miss_numbers(state, mine, pool, left_out, time_ns, frame, number, hearing, False)
        if left == highest:
            if missing == REPEATED:
                state[mine + HABITS] |= SAME_NUMBER
            put_copy(
                state, mine, pool, state[mine + LAST], left, right, time_ns, frame,
                packed_marks(untold, wire, number), timestamp, 0,
            )  # fmt: skip
            state[mine + HIGHEST] = right
        elif not come_again(
            state, mine, other, pool, left, right, time_ns, frame, wire, number, timestamp, late,
            untold,
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
                and not pool[node + MARKS] & (ARRIVED | ACCOUNTED)
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
        state[mine + LAST] = 0
        state[mine + COPIES] = 0
    return True
