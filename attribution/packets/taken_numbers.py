"""Which numbers, in the IP identification, a host has used of late, in packets of any kind and to anybody.

RFC 6864 leaves it to the host what it counts together: a connection's packets (Linux), all to one address (Windows), or
all that it sends (routers, older systems). A number that one connection leaves out and another packet of the same host
has was never that connection's, and nothing was lost. The table is a row of integers of a fixed size: each number has
one place, where the latest host that used it stands.
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import Row
from attribution.packets.lean import LEAN_KEY, scatter

Words = Row

TAKEN_BY: Final = 0  # the host's number × 65536 + the number it used
TAKEN_TIME: Final = 1
TAKEN_WIDTH: Final = 2
PLACES: Final = 1 << 14
TAKEN_WORDS: Final = PLACES * TAKEN_WIDTH
FARTHEST: Final = 64  # so many of the numbers that were left out are looked up, the latest ones
SLACK_NS: Final = 3_000_000  # packets of several queues and interfaces may stand in a file in another order


def sender_of(lean: Words, at: int, direction: int) -> int:
    """A mixed number of 31 bits for the host that sends a direction of a packet's flow."""
    source = at + LEAN_KEY + 2 * direction
    return scatter(lean[source] ^ scatter(lean[source + 1]))


def take_number(taken: Words, sender: int, number: int, time_ns: int) -> None:
    """A host has used a number."""
    place = (sender + number) % PLACES * TAKEN_WIDTH
    taken[place + TAKEN_BY] = sender << 16 | number
    taken[place + TAKEN_TIME] = time_ns


def was_taken(taken: Words, sender: int, number: int, since_ns: int) -> bool:
    """Whether a host has used a number since then."""
    place = (sender + number) % PLACES * TAKEN_WIDTH
    return taken[place + TAKEN_BY] == sender << 16 | number and taken[place + TAKEN_TIME] >= since_ns - SLACK_NS
