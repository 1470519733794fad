"""Octets or numbers that were left out: packets lost before the capture point, unless they come late."""

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
    STAMP,
    UNTIL,
    copy_node,
    give_node,
    number_of,
    packed_marks,
    take_node,
)
from attribution.packets.one_point.numbers import (
    BY_ONE,
    LEAPS,
    LONGEST_JUMP,
    NUMBER,
    STEPS,
    UNEXPLAINED_STEP,
    UNKNOWN,
    counts_packets,
    put_step,
)
from attribution.packets.one_point.state import (
    ASSUMED,
    BARE,
    BOOKS,
    DOWNSTREAM,
    FLIGHT,
    GAP_COUNT,
    GAPS,
    HALF,
    HALF_SECOND_NS,
    HIGHEST,
    KIND_MASK,
    LAST_GAP,
    LAST_TIME,
    LOST_ALL,
    LOST_SEGMENTS,
    LOW,
    MISSED,
    MOST_GAPS,
    NUMBERS,
    RECOVERY_NS,
    REPEATS,
    ROUND_TRIP,
    SEGMENTS,
    SILENCE_NS,
    STRAGGLER_NS,
    TIMEOUT_NS,
    TROUBLE,
    TROUBLED,
    UNTOLD,
    UPSTREAM,
    UPSTREAM_BARE,
    WAITING,
    WORD,
    open_trouble,
)
from attribution.packets.one_point.waiting import excuse_plainly, wait_for


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
    state: Row, mine: int, other: int, pool: Row, left: int, right: int, now_ns: int, frame: int, wire: int,
    number: int, timestamp: int, late: bool,
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
        within = (number - pool[node + FROM]) & 0xFFFF < pool[node + UNTIL] - pool[node + FROM]
        if kind in (UPSTREAM, UPSTREAM_BARE) and pool[node + OLDER] > 0 and within:
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


def disown_numbers(state: Row, mine: int, pool: Row) -> None:
    """The sender counts more than this connection: its numbers, and what they told that still waits, tell nothing."""
    if state[mine + NUMBERS + NUMBER] < 0 and state[mine + NUMBERS + BY_ONE] == 0:
        return
    state[mine + NUMBERS + NUMBER] = -1
    state[mine + NUMBERS + BY_ONE] = 0
    state[mine + NUMBERS + STEPS] = 0
    trouble = state[mine + TROUBLE]
    if not trouble:
        return
    books = pool[trouble + BOOKS]
    node = pool[trouble + WAITING]
    while node:
        kind = pool[node + MARKS] & KIND_MASK
        if kind in (UPSTREAM, UPSTREAM_BARE):
            pool[books + LOST_ALL] -= pool[node + OLDER]
            if kind == UPSTREAM:
                pool[books + LOST_SEGMENTS] -= pool[node + OLDER]
            pool[node + OLDER] = 0
        node = pool[node + NEXT]
    gap = pool[trouble + GAPS]
    while gap:
        pool[gap + OLDER] = UNKNOWN
        gap = pool[gap + NEXT]


def miss_numbers(
    state: Row, mine: int, pool: Row, missing: int, now_ns: int, frame: int, number: int, hearing: bool,
    opening: bool, bare: bool, repeated: bool,
) -> None:  # fmt: skip
    """Numbers were left out, but no octets: copies that were lost again, or acknowledgements without octets.

    A sender that hears nothing has nothing to acknowledge, and one that opens a connection acknowledges first. Else
    both are told apart by how often either passes, and where nothing speaks of a retransmission it was an
    acknowledgement.
    """
    trouble = state[mine + TROUBLE]
    silent = now_ns - state[mine + LAST_TIME] >= SILENCE_NS
    if silent and not repeated:
        state[mine + NUMBERS + LEAPS] += 1
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
        if opening and not bare:
            segments = missing - 1 if silent else 0
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


def assume_lost_copies(
    state: Row, mine: int, pool: Row, left_out_ns: int, now_ns: int, frame: int, wire: int
) -> None:  # fmt: skip
    """Where a sender does not count, a retransmission that was lost before this point leaves no trace.

    Then as many are assumed as of the segments that were sent once: each retransmission that passes stands for
    p / (1 - p) that did not. When those were lost nobody knows: that it was while packets were left out is known.
    """
    books = pool[state[mine + TROUBLE] + BOOKS]
    lost = pool[books + LOST_ALL]
    first = max(1, state[mine + SEGMENTS] - pool[books + REPEATS])
    pool[books + ASSUMED] += min(lost * WORD // first, 4 * WORD)
    count = pool[books + ASSUMED] // WORD
    if count:
        pool[books + ASSUMED] -= count * WORD
        pool[books + LOST_SEGMENTS] += count
        wait_for(pool, state[mine + TROUBLE], MISSED, 0, 0, left_out_ns, now_ns, count, frame, wire, -1)


def miss_greetings(
    state: Row, mine: int, other: int, pool: Row, now_ns: int, frame: int, wire: int, echo: int
) -> None:  # fmt: skip
    """The first answer to a SYN comes late: it was sent before, if only one SYN came, or if it returns an early one's
    timestamp.

    A listener answers each SYN that comes and, while it waits, repeats the answer; its answers bear no numbers.
    """
    node = state[other + FLIGHT]
    if not node or (echo < 0 and pool[node + OLDER]):
        return
    first_ns = -1
    answered = 0
    copy = node
    following = pool[node + OLDER]
    while copy:
        if now_ns - pool[copy + PASSED] >= HALF_SECOND_NS:
            answered += 1
        if pool[copy + STAMP] == echo or echo < 0:
            first_ns = pool[copy + PASSED]
            break
        copy = following
        following = pool[copy + NEXT] if copy else 0
    if first_ns >= 0 and answered:
        trouble = open_trouble(state, mine, pool)
        wait_for(pool, trouble, MISSED, 0, 0, first_ns, now_ns, answered, frame, wire, -1)


def greet_again(
    state: Row, mine: int, other: int, pool: Row, now_ns: int, frame: int, wire: int, echo: int
) -> None:  # fmt: skip
    """A second answer to a SYN, soon after the first: a SYN had come before, and its answer was lost.

    A listener that got but one SYN answers once, and again only after a second. Timestamps tell that without this.
    """
    if not excuse_plainly(state, other, pool, now_ns) and echo < 0:
        node = pool[state[other + TROUBLE] + WAITING]
        while node:
            marks = pool[node + MARKS]
            if marks & UNTOLD and marks & KIND_MASK == DOWNSTREAM and pool[node + OLDER]:
                if now_ns - pool[node + STAMP] < TIMEOUT_NS:
                    pool[node + OLDER] = 0
                    trouble = open_trouble(state, mine, pool)
                    start_ns = pool[node + PASSED]
                    wait_for(pool, trouble, MISSED, 0, 0, start_ns, now_ns, 1, frame, wire, -1)
                return
            node = pool[node + NEXT]


def unseen_numbers(missing: int) -> int:
    """How many packets a gap's numbers tell of, or UNKNOWN."""
    return missing if missing >= 0 else UNKNOWN
