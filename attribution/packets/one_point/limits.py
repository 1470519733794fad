"""A router drops a segment that is too large for its next hop and tells the sender (RFC 1191, RFC 8201): path-MTU
discovery, and no loss, as long as the message comes to the sender.

What was in flight when such a message passed, and as large, met the same router; so will what the sender sends before
the message can have come to it. Routers tell of some of them only (RFC 1812 §4.3.2.8, RFC 4443 §2.4 f). Who sends the
same octets again in smaller segments has heeded it; who goes on with as large ones for longer has not got it: somebody
dropped it on its way back (RFC 2923 §2.1), or pays it no heed.
"""

from __future__ import annotations

from attribution.packets.columns import Row
from attribution.packets.one_point.nodes import FROM, MARKS, NEXT, STAMP, UNTIL, take_node
from attribution.packets.one_point.state import (
    ACKED,
    FLIGHT,
    HABITS,
    HEED_NS,
    HEEDED,
    HIGHEST,
    LIMIT,
    LIMIT_COUNT,
    LIMIT_FROM,
    LIMIT_ROOM,
    LIMIT_SINCE,
    LIMIT_TIME,
    LOSS_WIDTH,
    MOST_STEPS,
    SEEN,
    TIMESTAMP_OCTETS,
    TOO_BIG,
    UNHEEDED,
    tell_loss,
    unwrapped,
)


def size_of(left: int, right: int, timestamp: int) -> int:
    """Octets of TCP options and payload, as far as both are known."""
    return right - left + (TIMESTAMP_OCTETS if timestamp >= 0 else 0)


def follow_message(state: Row, at: int, pool: Row, direction: int, time_ns: int, sequence: int, room: int) -> bool:
    """A message passes that tells a direction's sender how many octets of options and payload fit; it quotes a segment
    by its sequence number. False where no such segment is in flight: it tells nothing then (RFC 5927 §4.1).

    A node must be free.
    """
    mine = at + direction * LOSS_WIDTH
    quoted = unwrapped(state[mine + HIGHEST], sequence)
    if not state[mine + HABITS] & SEEN or not state[mine + ACKED] <= quoted < state[mine + HIGHEST]:
        return False
    limit = state[mine + LIMIT]
    if not limit:
        limit = take_node(pool)
        state[mine + LIMIT] = limit
        pool[limit + LIMIT_COUNT] = 0
    if pool[limit + LIMIT_COUNT] == 0:
        pool[limit + LIMIT_SINCE] = time_ns
        pool[limit + LIMIT_FROM] = quoted
    pool[limit + LIMIT_ROOM] = room
    pool[limit + LIMIT_TIME] = time_ns
    pool[limit + LIMIT_COUNT] += 1
    pool[limit + LIMIT_FROM] = min(pool[limit + LIMIT_FROM], quoted)
    node = state[mine + FLIGHT]
    for _ in range(MOST_STEPS):
        if not node:
            break
        if size_of(pool[node + FROM], pool[node + UNTIL], pool[node + STAMP]) > room:
            pool[node + MARKS] |= TOO_BIG
        node = pool[node + NEXT]
    return True


def meet_limit(
    state: Row, mine: int, pool: Row, out: Row, tag: int, direction: int, frame: int, time_ns: int, left: int,
    right: int, timestamp: int,
) -> int:  # fmt: skip
    """A segment passes after a message: whether its sender had got it, as far as the segment tells, is told.

    Answers TOO_BIG for one that the router drops, where its sender perhaps could not know yet, else 0.
    """
    limit = state[mine + LIMIT]
    count = pool[limit + LIMIT_COUNT]
    soon = time_ns - pool[limit + LIMIT_TIME] <= HEED_NS
    if size_of(left, right, timestamp) > pool[limit + LIMIT_ROOM]:
        if count and time_ns - pool[limit + LIMIT_SINCE] > HEED_NS:
            tell_loss(out, tag, UNHEEDED, direction, time_ns, time_ns, count, frame, -1)
            pool[limit + LIMIT_COUNT] = 0
        return TOO_BIG if soon else 0
    if count and left <= pool[limit + LIMIT_FROM] < right:
        if soon:  # later, it is the sender's own attempt with smaller ones (RFC 4821)
            tell_loss(out, tag, HEEDED, direction, time_ns, time_ns, count, frame, -1)
        pool[limit + LIMIT_COUNT] = 0
    return 0
