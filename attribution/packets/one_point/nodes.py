"""What must be remembered of segments until their fate is known stands in nodes of one shared, flat row of integers.

A node is NODE_WIDTH integers, named by the place of its first. Place 0 is no node: there the row keeps its own books.
A node is a copy of a segment in flight, octets that did not pass, or a loss that something may still take back.
Nodes that are given back are used again, the latest first; the caller makes the row longer when `ROOM` runs low.
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import Row

NODE_WIDTH: Final = 8

# The books of the row
FREE: Final = 0  # the first of the nodes that were given back
FRESH: Final = 1  # the first node that was never used
ROOM: Final = 2  # how many nodes can still be taken
FORGOTTEN: Final = 3  # copies, gaps and connections that were let go for want of room, and not judged

# A node
NEXT: Final = 0  # the node after this one in its list
FROM: Final = 1  # its octets of the direction's stream, [FROM, UNTIL), however often 32 bits wrapped
UNTIL: Final = 2
PASSED: Final = 3  # when it passed, or should have
FRAME: Final = 4  # the frame that tells
MARKS: Final = 5  # bits that depend on the list, then octets on the wire, then the IP identification
STAMP: Final = 6  # its timestamp option; of what waits to be told: since when it waits
OLDER: Final = 7  # the earlier copies of the same octets; of gaps and losses: how many packets

MARK_BITS: Final = 8
WIRE_BITS: Final = 24
WIRE_MASK: Final = (1 << WIRE_BITS) - 1


def open_nodes(pool: Row, capacity: int) -> None:
    """Make a row of zeros, `capacity` nodes long, ready for use."""
    pool[FREE] = 0
    pool[FRESH] = NODE_WIDTH
    pool[ROOM] = capacity - 1


def take_node(pool: Row) -> int:
    """A node that nobody uses. The caller has seen to it that there is one."""
    node = pool[FREE]
    if node:
        pool[FREE] = pool[node + NEXT]
    else:
        node = pool[FRESH]
        pool[FRESH] = node + NODE_WIDTH
    pool[ROOM] -= 1
    return node


def give_node(pool: Row, node: int) -> None:
    """Give a node back."""
    pool[node + NEXT] = pool[FREE]
    pool[FREE] = node
    pool[ROOM] += 1


def give_list(pool: Row, node: int) -> int:
    """Give a list of nodes back, linked by NEXT. Answers how many there were."""
    count = 0
    while node:
        following = pool[node + NEXT]
        give_node(pool, node)
        count += 1
        node = following
    return count


def copy_node(pool: Row, node: int) -> int:
    """A second node that says the same."""
    other = take_node(pool)
    for word in range(NODE_WIDTH):
        pool[other + word] = pool[node + word]
    return other


def packed_marks(marks: int, wire: int, number: int) -> int:
    """The MARKS of a node; octets on the wire and IP identification are -1 where they are not known."""
    return marks | (wire + 1 & WIRE_MASK) << MARK_BITS | (number + 1) << MARK_BITS + WIRE_BITS


def wire_of(pool: Row, node: int) -> int:
    """How many octets on the wire the node stands for; -1 where that is not known."""
    return (pool[node + MARKS] >> MARK_BITS & WIRE_MASK) - 1


def number_of(pool: Row, node: int) -> int:
    """The IP identification that the node keeps, or -1."""
    return (pool[node + MARKS] >> MARK_BITS + WIRE_BITS) - 1
