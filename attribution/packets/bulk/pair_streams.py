"""What a capture's sequence of a TCP flow lacks, what was acknowledged, and which segments wait for their like.

From that follows what became of a segment that the other capture does not show.
"""

from __future__ import annotations

from typing import Any

from attribution.packets.bulk.pair_columns import (
    CUT,
    ECHO_BITS,
    FLOW_KEY,
    FLOW_SIDES,
    FLOW_WAYS,
    GAP_LEFT,
    GAP_OLDER,
    GAP_RIGHT,
    GAP_WALK,
    GAPS,
    HALF,
    LIST_WALK,
    NOT_LISTED,
    SEEN_COVERED,
    SEEN_FLOW,
    SEEN_LENGTH,
    SEEN_MARK,
    SEEN_NEWER_OPEN,
    SEEN_OLDER_OPEN,
    SEEN_PART,
    SEEN_SEQUENCE,
    SIDE_ANSWER,
    SIDE_GAP,
    SIDE_NEWEST_OPEN,
    SIDE_NEXT,
    SIDE_OLDEST_OPEN,
    SIDE_WIDTH,
    WAY_WIDTH,
    WORD,
)
from attribution.packets.columns import (
    ACK,
    ICMP,
    ICMP6,
    LAYER_CUT,
    RST,
    SYN,
    TCP,
)
from attribution.packets.lean import (
    LEAN_ACKNOWLEDGEMENT,
    LEAN_FLAGS,
    LEAN_KEY,
    LEAN_LAYERS,
    LEAN_LENGTH,
    LEAN_SCALE,
    LEAN_SEQUENCE,
    LEAN_WINDOW,
)

Array = Any


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
        ring[side, here, SEEN_MARK] |= lean[at, LEAN_SCALE] << 32
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
    # A reset may be a device's between the points, in the name of an end that never got what it acknowledges.
    if lean[at, LEAN_FLAGS] & (ACK | RST) == ACK:
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
