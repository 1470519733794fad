"""Where packets and losses are counted: direction by direction, and time bin by time bin.

A *pair* is two addresses and a protocol; a *bin* is one interval of one direction of it. Both are rows of integers
behind open-addressing hash tables. The functions run as they stand on lists, and compiled on arrays that their caller
makes larger, or whose bins it makes wider, when they say so (`ledger`).
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import Row
from attribution.packets.lean import LEAN_DIRECTION, LEAN_KEY, scatter

Words = Row

PAIR_KEY: Final = 0  # four words of addresses, then version and protocol
OTHERS: Final = 0  # the pair of all for whom there is no room; its version is 0
PAIR_KEY_WORDS: Final = 5
PAIR_ARRIVED: Final = 5  # for each direction, the largest segment of whose arrival the receiver told
PAIR_NUMBERS: Final = 7  # for each direction, of the IP identifications of all connections:
NEWEST: Final = 0  # the newest + 1, 0 at first
NEWEST_OF: Final = 1  # whose it is
SHARED: Final = 2  # how often the next one was another connection's, and went on from there
APART: Final = 3  # and how often it did not
NUMBERS_OF_PAIR: Final = 4
PAIR_WIDTH: Final = PAIR_NUMBERS + 2 * NUMBERS_OF_PAIR

BIN_PAIR: Final = 0  # pair × 2 + direction
BIN_TIME: Final = 1  # its number: time // width
BIN_PACKETS: Final = 2
BIN_OCTETS: Final = 3
BIN_UNBIDDEN: Final = 4  # packets that nobody's connection explains: no TCP, or SYN alone; and their octets
BIN_UNBIDDEN_OCTETS: Final = 5
BIN_PASSED: Final = 6  # segments with octets of the stream, and their octets on the wire
BIN_PASSED_OCTETS: Final = 7
BIN_UPSTREAM: Final = 8
BIN_DOWNSTREAM: Final = 9
BIN_UNANSWERED: Final = 10
BIN_DOWNSTREAM_OCTETS: Final = 11
BIN_LARGEST_LOST: Final = 12
BIN_FIRST: Final = 13  # frame number of the first packet
BIN_SHOWN: Final = 14  # how many frame numbers of losses are kept
BIN_FRAMES: Final = 15
FRAMES_SHOWN: Final = 12
BIN_WIDTH: Final = BIN_FRAMES + FRAMES_SHOWN

MOST_PAIRS: Final = 1 << 14
MOST_DESTINATIONS: Final = 1 << 13  # to which all share a pair for whom there was none of their own
ALL_PAIRS: Final = 1 << 15

# The counters of this stage
PAIRS: Final = 0
PAIR_MASK: Final = 1
PAIR_CAPACITY: Final = 2
BINS: Final = 3
BIN_MASK: Final = 4
BIN_CAPACITY: Final = 5
BIN_NS: Final = 6  # how wide a bin is
TALLY_COUNTERS: Final = 7


def pair_hash(words: Words, at: int, kind: int) -> int:
    """A mixed number of the four address words at `at`, and the kind of traffic between them."""
    mixed = scatter(words[at] ^ scatter(words[at + 1] ^ kind))
    return scatter(words[at + 2] ^ scatter(words[at + 3] ^ mixed))


def find_pair(key: Words, at: int, slots: Words, pairs: Words, counters: Words, most: int) -> int:
    """The number of the pair whose five words stand at key[at]; a new one, or OTHERS where `most` are there."""
    mask = counters[PAIR_MASK]
    slot = pair_hash(key, at, key[at + 4]) & mask
    while slots[slot] >= 0:
        base = slots[slot] * PAIR_WIDTH
        if (
            pairs[base + 4] == key[at + 4]
            and pairs[base + 1] == key[at + 1]
            and pairs[base + 3] == key[at + 3]
            and pairs[base] == key[at]
            and pairs[base + 2] == key[at + 2]
        ):
            return slots[slot]
        slot = (slot + 1) & mask
    number = counters[PAIRS]
    if number >= most:
        return OTHERS
    counters[PAIRS] += 1
    slots[slot] = number
    for word in range(PAIR_KEY_WORDS):
        pairs[number * PAIR_WIDTH + word] = key[at + word]
    return number


def pair_of(lean: Words, at: int, slots: Words, pairs: Words, counters: Words, key: Words) -> int:
    """The pair × 2 of a new flow, + 1 where the pair has its ends the other way round; `key` is room for five words.

    When there are too many pairs, as in a flood from everywhere, a flow goes with all others to its destination.
    """
    for word in range(4):
        key[word] = lean[at + LEAN_KEY + word]
    key[4] = lean[at + LEAN_KEY + 4] & 0xFFFF
    found = find_pair(key, 0, slots, pairs, counters, MOST_PAIRS)
    if found != OTHERS:
        return found * 2
    flip = lean[at + LEAN_DIRECTION]
    if flip:
        key[2] = key[0]
        key[3] = key[1]
    key[0] = 0
    key[1] = 0
    return find_pair(key, 0, slots, pairs, counters, MOST_PAIRS + MOST_DESTINATIONS) * 2 + flip


def find_bin(member: int, interval: int, slots: Words, bins: Words, counters: Words) -> int:
    """The bin of a direction (pair × 2 + direction) and an interval; a new one where nothing fell into it yet."""
    mask = counters[BIN_MASK]
    slot = scatter(member << 40 ^ interval) & mask
    while slots[slot] >= 0:
        base = slots[slot] * BIN_WIDTH
        if bins[base + BIN_PAIR] == member and bins[base + BIN_TIME] == interval:
            return slots[slot]
        slot = (slot + 1) & mask
    number = counters[BINS]
    counters[BINS] += 1
    slots[slot] = number
    base = number * BIN_WIDTH
    for word in range(BIN_WIDTH):
        bins[base + word] = 0
    bins[base + BIN_PAIR] = member
    bins[base + BIN_TIME] = interval
    return number


def put_loss(bins: Words, into: int, upstream: int, downstream: int, unanswered: int, wire: int, frame: int) -> None:
    """Add losses to the bin at bins[into]; `wire` octets each, if known, and the frame that tells."""
    bins[into + BIN_UPSTREAM] += upstream
    bins[into + BIN_DOWNSTREAM] += downstream
    bins[into + BIN_UNANSWERED] += unanswered
    if wire > 0:
        bins[into + BIN_DOWNSTREAM_OCTETS] += downstream * wire
        bins[into + BIN_LARGEST_LOST] = max(bins[into + BIN_LARGEST_LOST], wire)
    shown = bins[into + BIN_SHOWN]
    if shown < FRAMES_SHOWN and (shown == 0 or bins[into + BIN_FRAMES + shown - 1] != frame):
        bins[into + BIN_FRAMES + shown] = frame
        bins[into + BIN_SHOWN] += 1


def refile_bins(old: Words, count: int, times: int, slots: Words, bins: Words, counters: Words) -> int:
    """Put `count` bins into a new table, each into one `times` as wide (1: there is just more room)."""
    for number in range(count):
        source = number * BIN_WIDTH
        into = find_bin(old[source + BIN_PAIR], old[source + BIN_TIME] // times, slots, bins, counters) * BIN_WIDTH
        if bins[into + BIN_PACKETS] == 0 or 0 < old[source + BIN_FIRST] < bins[into + BIN_FIRST]:
            bins[into + BIN_FIRST] = old[source + BIN_FIRST]
        for word in range(BIN_PACKETS, BIN_LARGEST_LOST):
            bins[into + word] += old[source + word]
        bins[into + BIN_LARGEST_LOST] = max(bins[into + BIN_LARGEST_LOST], old[source + BIN_LARGEST_LOST])
        for frame in range(old[source + BIN_SHOWN]):
            if bins[into + BIN_SHOWN] < FRAMES_SHOWN:
                bins[into + BIN_FRAMES + bins[into + BIN_SHOWN]] = old[source + BIN_FRAMES + frame]
                bins[into + BIN_SHOWN] += 1
    return counters[BINS]


def refile_pairs(pairs: Words, count: int, slots: Words, mask: int) -> int:
    """Fill an empty hash table with the pairs there are."""
    for number in range(1, count):
        base = number * PAIR_WIDTH
        slot = pair_hash(pairs, base, pairs[base + 4]) & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = number
    return count
