"""What is remembered of a connection while its segments pass: a flat row of integers, its nodes, and what is told.

The state of a connection is LOSS_STATE_WIDTH numbers in a row that many share; what only some need stands in nodes
(`nodes`) that the state refers to.
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import Row
from attribution.packets.one_point.nodes import take_node
from attribution.packets.one_point.numbers import NUMBER, NUMBERS_WIDTH

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
ROUND_TRIPS: Final = 11  # from a passage to its acknowledgement: how many, their sum, the longest
ROUND_TRIP_SUM: Final = 12
LONGEST_ROUND_TRIP: Final = 13
LARGEST_ARRIVED: Final = 14  # octets on the wire
LIMIT: Final = 15  # node of what a router told about the size of segments, else 0
NUMBERS: Final = 16  # the state of `numbers`
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
USUAL: Final = SEEN | HEARING  # of these two, ELSEWHERE and CLOSED

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

# The node of LIMIT
LIMIT_ROOM: Final = 0  # how many octets of TCP options and payload fit, by the latest message
LIMIT_TIME: Final = 1  # when that passed
LIMIT_COUNT: Final = 2  # how many messages there are of which is not known whether the sender got them,
LIMIT_SINCE: Final = 3  # when the first of them passed,
LIMIT_FROM: Final = 4  # and the first octet that they quote

# Marks of a copy in flight
ARRIVED: Final = 1  # by SACK
ACCOUNTED: Final = 2  # the rest of a copy of which another part passed again
UNTOLD: Final = 16  # a SYN, or the last FIN: what answers it again bears no number and no duplicate SACK
GREETING: Final = 32  # an answer to a SYN: where it comes again it is acknowledged again
TOO_BIG: Final = 64  # dropped by a router that told its sender so, by a message that passed here: that is no loss

# Kinds of loss. What waits has one of them as its mark.
UPSTREAM: Final = 1  # a segment never reached this point
DOWNSTREAM: Final = 2  # it passed and did not arrive
UNANSWERED: Final = 3  # it passed, and nothing ever told whether it or the acknowledgement was lost
UPSTREAM_BARE: Final = 4  # an acknowledgement without octets never reached this point
NOT_NEEDED: Final = 5  # a copy that passed after another that arrived; never told
MISSED: Final = 6  # a gap's packet, which only waits for a duplicate SACK; told as UPSTREAM
KIND_MASK: Final = 15
HEEDED: Final = 7  # no losses, but told like them: so many too-big messages made their receiver send smaller segments,
UNHEEDED: Final = 8  # or never came to it, as it seems

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
NODES_KEPT: Final = 12  # of those, for what cannot do without: other losses are forgotten before
EVENTS_NEEDED: Final = 8

WORD: Final = 1 << 32
LOW: Final = WORD - 1
HALF: Final = 1 << 31
HEED_NS: Final = 1_000_000_000  # longer than a round trip: who goes on later than this after a message did not get it
STRAGGLER_NS: Final = 3_000_000  # without any other clue, what comes this soon after a gap was overtaken, not resent
PATIENCE_NS: Final = 2_000_000_000  # after this no duplicate SACK is expected, nor a straggler
TIMESTAMP_OCTETS: Final = 12  # the option with its padding (RFC 7323, appendix A)
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


def measure_round_trip(state: Row, mine: int, measured_ns: int) -> None:
    """One more time from a passage to its acknowledgement."""
    if measured_ns > 0:
        state[mine + ROUND_TRIPS] += 1
        state[mine + ROUND_TRIP_SUM] += measured_ns
        state[mine + LONGEST_ROUND_TRIP] = max(state[mine + LONGEST_ROUND_TRIP], measured_ns)
    if measured_ns > 0 and (state[mine + ROUND_TRIP] == 0 or measured_ns < state[mine + ROUND_TRIP]):
        state[mine + ROUND_TRIP] = measured_ns
