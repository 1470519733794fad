"""A loss is told when nothing can take it back any more: no duplicate SACK, no straggler, no answer that was lost.

Until then it waits in a list of its direction, the first first.
"""

from __future__ import annotations

from attribution.packets.columns import Row
from attribution.packets.one_point.nodes import (
    FORGOTTEN,
    FRAME,
    FROM,
    MARKS,
    NEXT,
    OLDER,
    PASSED,
    ROOM,
    STAMP,
    UNTIL,
    give_node,
    packed_marks,
    take_node,
    wire_of,
)
from attribution.packets.one_point.numbers import proved_to_count
from attribution.packets.one_point.state import (
    BOOKS,
    DOWNSTREAM,
    GREETING,
    HABITS,
    KIND_MASK,
    LAST_WAITING,
    MISSED,
    MOST_WAITING,
    NODES_KEPT,
    NOT_NEEDED,
    NUMBERS,
    OPENED,
    PATIENCE_NS,
    PLAINLY,
    ROUND_TRIP,
    SELECTIVE,
    TIMEOUT_NS,
    TOLD_AT_ONCE,
    TOO_BIG,
    TROUBLE,
    UNANSWERED,
    UNTOLD,
    UPSTREAM,
    UPSTREAM_BARE,
    WAITING,
    WAITING_COUNT,
    WILLING,
    tell_loss,
)


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
    if pool[ROOM] <= NODES_KEPT:
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
    if kind in (UPSTREAM, UPSTREAM_BARE):
        end_ns = pool[node + STAMP]
        if not proved_to_count(state, mine + NUMBERS):
            count = 0
    elif kind == MISSED:
        kind = UPSTREAM
    elif kind == NOT_NEEDED:
        told = tells_duplicates(state, mine) and not pool[node + MARKS] & UNTOLD
        kind = DOWNSTREAM if told or pool[node + MARKS] & GREETING else UNANSWERED
    if pool[node + MARKS] & TOO_BIG and kind in (DOWNSTREAM, UNANSWERED):
        count = 0
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


def excuse_plainly(state: Row, mine: int, pool: Row, now_ns: int) -> bool:
    """The same acknowledgement again, without SACK: it may answer a copy that was not needed."""
    node = pool[state[mine + TROUBLE] + WAITING]
    selective = tells_duplicates(state, mine)
    while node:
        marks = pool[node + MARKS]
        if marks & KIND_MASK == NOT_NEEDED and pool[node + OLDER] and (marks & (UNTOLD | GREETING) or not selective):
            waited_ns = now_ns - pool[node + PASSED]
            if waited_ns < TIMEOUT_NS and (marks & (UNTOLD | GREETING) or waited_ns >= state[mine + ROUND_TRIP] >> 3):
                pool[node + OLDER] = 0
                return True
        node = pool[node + NEXT]
    return False
