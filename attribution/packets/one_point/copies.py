"""Copies of segments in flight, in the order of their octets: which of them arrived, which were lost beyond.

A copy leaves the list when its octets are acknowledged. Where they passed more than once, the older copies hang on
the newest, the newest of them first.
"""

from __future__ import annotations

from attribution.packets.columns import SYN, Row
from attribution.packets.one_point.gaps import close_gaps, forget_gaps
from attribution.packets.one_point.nodes import (
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
    give_node,
    number_of,
    packed_marks,
    take_node,
    wire_of,
)
from attribution.packets.one_point.state import (
    ACCOUNTED,
    ACKED,
    ARRIVED,
    BLOCK_CURSOR,
    BLOCKS,
    BOOKS,
    COPIES,
    CURSOR,
    DOWNSTREAM,
    ELSEWHERE,
    FLIGHT,
    GAPS,
    HABITS,
    HALF,
    HIGHEST,
    LARGEST_ARRIVED,
    LAST,
    LOW,
    MISSED,
    MOST_STEPS,
    NODES_KEPT,
    NOT_NEEDED,
    PLAIN,
    REFUSED,
    ROUND_TRIP,
    SAME_NUMBER,
    TIMEOUT_NS,
    TOO_BIG,
    TROUBLE,
    UNANSWERED,
    measure_round_trip,
    open_trouble,
)
from attribution.packets.one_point.waiting import (
    excuse_answered,
    put_waiting,
    take_back_waiting,
    tells_duplicates,
    wait_for,
)


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


def had_to_pass(pool: Row, node: int) -> bool:
    """Whether a router has told of all older copies of a segment that it dropped them, and not of the newest."""
    if pool[node + MARKS] & TOO_BIG:
        return False
    copy = pool[node + OLDER]
    while copy and pool[copy + MARKS] & TOO_BIG:
        copy = pool[copy + NEXT]
    return copy == 0


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
    found = feasible(pool, node, latest_ns, echo) or had_to_pass(pool, node)
    if found and spare:
        drop_older_copy(state, mine, pool, node)
    if not found and not came:
        if pool[ROOM] > NODES_KEPT:
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
    newest_ns = -1
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
            state[mine + LARGEST_ARRIVED] = max(state[mine + LARGEST_ARRIVED], wire_of(pool, node))
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
    if newest_ns >= 0:
        measure_round_trip(state, mine, now_ns - newest_ns)
    if trouble:
        books = pool[trouble + BOOKS]
        if not told:
            excuse_answered(pool, trouble, now_ns, pool[books + PLAIN] - popped + 1)
        pool[books + PLAIN] = 0


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
    for kind in (NOT_NEEDED, DOWNSTREAM, MISSED):
        found = found or take_back_waiting(pool, trouble, kind, left, right)


def let_older_arrive(state: Row, mine: int, pool: Row, node: int, left: int, right: int) -> None:
    """The receiver has a part of a segment, which comes as a whole or not at all: an earlier copy of just this part
    has arrived, and the sender cut its octets anew since."""
    before = 0
    copy = pool[node + OLDER]
    while copy and (pool[copy + FROM] < left or pool[copy + UNTIL] > right):
        before = copy
        copy = pool[copy + NEXT]
    if copy:
        if before:
            pool[before + NEXT] = pool[copy + NEXT]
        else:
            pool[node + OLDER] = pool[copy + NEXT]
        give_node(pool, copy)
        state[mine + COPIES] -= 1


def mark_arrived(
    state: Row, mine: int, pool: Row, now_ns: int, left: int, right: int, whole_left: int, whole_right: int
) -> None:  # fmt: skip
    """Copies in flight within [left, right) have arrived; gaps there were filled another way.

    The receiver has all of [whole_left, whole_right), and nothing next to it.
    """
    trouble = state[mine + TROUBLE]
    node = pool[trouble + BLOCK_CURSOR]
    if not node or pool[node + FROM] > left:
        node = state[mine + FLIGHT]
    newest_ns = -1
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
            if pool[node + OLDER] and (pool[node + FROM] < whole_left or pool[node + UNTIL] > whole_right):
                let_older_arrive(state, mine, pool, node, max(left, pool[node + FROM]), right)
        pool[trouble + BLOCK_CURSOR] = node
        node = pool[node + NEXT]
    if newest_ns >= 0:
        measure_round_trip(state, mine, now_ns - newest_ns)
    if pool[trouble + GAPS]:
        close_gaps(pool, trouble, left, right)


def take_block(state: Row, mine: int, pool: Row, now_ns: int, left: int, right: int) -> None:
    """The receiver has [left, right). Only what it had not told before is looked at."""
    if not state[mine + ACKED] < right <= state[mine + HIGHEST] or right - left <= 0:
        return
    trouble = open_trouble(state, mine, pool)
    blocks = pool[trouble + BLOCKS]
    known = -1
    whole_left, whole_right = left, right
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
    mark_arrived(state, mine, pool, now_ns, left, right, whole_left, whole_right)


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
