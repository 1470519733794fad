"""Packets of two large captures, matched by a number made of what no router changes; compiled.

The number has 62 bits: among ten million packets the chance that two different ones share it is one in a hundred
thousand. Packets that are repeated to the bit share it, and are matched one by one in their order.
"""

from __future__ import annotations

from typing import Any, Final

from attribution.packets.lean import (
    LEAN_ACKNOWLEDGEMENT,
    LEAN_DIRECTION,
    LEAN_FLAGS,
    LEAN_KEY,
    LEAN_LENGTH,
    LEAN_MARK,
    LEAN_SCALE,
    LEAN_SEQUENCE,
    LEAN_TIME,
    LEAN_WINDOW,
    LEAN_WIRE,
    scatter,
)

Array = Any

SEEN_KEY: Final = 0
SEEN_TIME: Final = 1
SEEN_FLOW: Final = 2  # flow × 2 + direction; negative for a packet of no flow
SEEN_SIZE: Final = 3  # octets on the wire × 256 + time to live
SEEN_WIDTH: Final = 4

GROUP_COUNT: Final = 0
GROUP_FALL: Final = 1  # sum of what the time to live fell by from the first capture to the second
GROUP_AHEAD: Final = 2  # sum of how far the second capture's times are ahead
GROUP_WIDTH: Final = 3


def remember_batch(lean: Array, flow_of: Array, count: int, seen: Array, start: int) -> None:
    """Keep of each packet of a batch its number, time, flow, size and time to live."""
    for at in range(count):
        here = start + at
        direction = lean[at, LEAN_DIRECTION]
        seen[here, SEEN_TIME] = lean[at, LEAN_TIME]
        if direction < 0:
            seen[here, SEEN_FLOW] = -1
            seen[here, SEEN_KEY] = -1
            seen[here, SEEN_SIZE] = 0
            continue
        ends = scatter(lean[at, LEAN_KEY] ^ scatter(lean[at, LEAN_KEY + 1]))
        ends = scatter(ends ^ lean[at, LEAN_KEY + 2] ^ scatter(lean[at, LEAN_KEY + 3] + 1))
        ends = scatter(ends ^ lean[at, LEAN_KEY + 4]) ^ direction
        numbers = lean[at, LEAN_SEQUENCE] << 31 ^ lean[at, LEAN_ACKNOWLEDGEMENT]
        rest = lean[at, LEAN_FLAGS] << 40 ^ lean[at, LEAN_WINDOW] << 20 ^ lean[at, LEAN_MARK] >> 8
        sizes = (lean[at, LEAN_LENGTH] + 2) << 8 ^ (lean[at, LEAN_SCALE] + 2)
        first = scatter(scatter(ends ^ numbers) ^ rest) ^ scatter(sizes)
        second = scatter(scatter(rest + 7 ^ ends << 5) ^ numbers + sizes)
        seen[here, SEEN_KEY] = first << 31 | second
        seen[here, SEEN_FLOW] = flow_of[at] << 1 | direction
        seen[here, SEEN_SIZE] = lean[at, LEAN_WIRE] << 8 | lean[at, LEAN_MARK] & 0xFF


def join(one: Array, other: Array, slots: Array, partner: Array, partner_of_other: Array) -> int:
    """Find for each packet of the first capture its like in the second, the earliest that is not yet taken.

    `slots` is an empty hash table of a power of two, larger than the second capture. Answers how many pairs there are.
    """
    mask = slots.size - 1
    for index in range(other.shape[0]):
        partner_of_other[index] = -1
        key = other[index, SEEN_KEY]
        if key < 0:
            continue
        slot = scatter(key) & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = index
    pairs = 0
    for index in range(one.shape[0]):
        partner[index] = -1
        key = one[index, SEEN_KEY]
        if key < 0:
            continue
        slot = scatter(key) & mask
        while slots[slot] >= 0:
            candidate = slots[slot]
            if other[candidate, SEEN_KEY] == key and partner_of_other[candidate] < 0:
                partner[index] = candidate
                partner_of_other[candidate] = index
                pairs += 1
                break
            slot = (slot + 1) & mask
    return pairs


def weigh_groups(one: Array, other: Array, partner: Array, group_of: Array, groups: Array) -> None:
    """For each direction between two addresses: how many matched, and what became of time to live and time."""
    for index in range(one.shape[0]):
        twin = partner[index]
        if twin >= 0:
            group = group_of[one[index, SEEN_FLOW]]
            groups[group, GROUP_COUNT] += 1
            groups[group, GROUP_FALL] += (one[index, SEEN_SIZE] & 0xFF) - (other[twin, SEEN_SIZE] & 0xFF)
            groups[group, GROUP_AHEAD] += other[twin, SEEN_TIME] - one[index, SEEN_TIME]


def enclose_clocks(
    one: Array, other: Array, partner: Array, group_of: Array, forward: Array, start: int, width: int, bounds: Array
) -> None:
    """For each slice of time the pair with the least difference there (rows 0, 1) and the greatest back (2, 3)."""
    for index in range(one.shape[0]):
        twin = partner[index]
        if twin >= 0:
            here, there = one[index, SEEN_TIME], other[twin, SEEN_TIME]
            piece = (here - start) // width
            if forward[group_of[one[index, SEEN_FLOW]]]:
                if bounds[piece, 0] < 0 or there - here < bounds[piece, 1] - bounds[piece, 0]:
                    bounds[piece, 0] = here
                    bounds[piece, 1] = there
            elif bounds[piece, 2] < 0 or there - here > bounds[piece, 3] - bounds[piece, 2]:
                bounds[piece, 2] = here
                bounds[piece, 3] = there
