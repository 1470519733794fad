"""Many senders number their packets: then a number that never comes is a packet that was lost before this point.

Linux counts a connection's packets, both bare acknowledgements and data, one by one in the IP identification; what is
counted anew shows a retransmission, what comes late was only overtaken. Others share one counter among all they send
(its steps then mostly leave numbers out, without a reason to be seen in the connection), draw lots, send always the
same, or count in the machine's own order of octets. A frame that was put together or not yet taken apart by a network
card (segmentation offload) stands for several numbers. Whether a sender counts is judged from all steps so far.
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import Row

# The state of a direction's counter
NUMBER: Final = 0  # the newest number, -1 at first
BY_ONE: Final = 1  # steps of one
STEPS: Final = 2  # other steps: PLAUSIBLE + WILD << STEP_BITS + UNEXPLAINED << 2 × STEP_BITS + SWAPPED << 3 × STEP_BITS
SIZE: Final = 3  # payload of the last packet
SINGLE: Final = 4  # the largest payload that took one number only
PAUSES: Final = 5  # after how many pauses the next number came
LEAPS: Final = 6  # and after how many others were left out, but no octets
NUMBERS_WIDTH: Final = 7

STEP_BITS: Final = 15  # so that four counts fit into one number
STEP_MASK: Final = (1 << STEP_BITS) - 1
WILD_STEP: Final = 1 << STEP_BITS
UNEXPLAINED_STEP: Final = 1 << 2 * STEP_BITS
SWAPPED_STEP: Final = 1 << 3 * STEP_BITS

UNKNOWN: Final = -1  # what a number says where the sender does not count
LATE: Final = -2  # a number that is older than the newest
REPEATED: Final = -3  # the same number again
SWAPPED: Final = -4  # from now on, numbers must be read in the other order of octets
LONGEST_JUMP: Final = 1024  # packets; a counter that jumps farther was set anew
LONGEST_STEP: Final = 64  # what one that counts a connection's packets hardly exceeds
FEWEST_SWAPPED: Final = 3
FEWEST_STEPS: Final = 4
FEWEST_LEAPS: Final = 3
FEWEST_BY_ONE: Final = 6  # a handshake and a short burst have fewer, whoever counts
LARGEST_PAYLOAD: Final = 1500  # a longer one was put together from several packets, unless it took one number only
SMALLEST_PAYLOAD: Final = 536  # what such a frame is made of at least (RFC 9293 §3.7.1)


def swapped(number: int) -> int:
    """A 16-bit number read in the other order of octets."""
    return (number & 0xFF) << 8 | number >> 8


def counts_packets(state: Row, at: int) -> bool:
    """Whether the numbers so far are those of a sender that counts this connection's packets one by one."""
    by_one = state[at + BY_ONE]
    steps = state[at + STEPS]
    wild = steps >> STEP_BITS & STEP_MASK
    unexplained = steps >> 2 * STEP_BITS & STEP_MASK
    total = by_one + (steps & STEP_MASK) + wild
    return by_one > 0 and 3 * by_one >= total and 10 * wild <= total and 16 * unexplained <= by_one + 32


def proved_to_count(state: Row, at: int) -> bool:
    """Whether so many steps were by one that what a number left out was a packet of this connection.

    A sender may share one counter among all that it sends, datagrams too: in a short connection its bursts look alike.
    What it sends elsewhere then leaves numbers out after most pauses, and more often than a network loses packets.
    """
    leaps, by_one = state[at + LEAPS], state[at + BY_ONE]
    if leaps >= FEWEST_LEAPS and leaps > state[at + PAUSES] and 4 * leaps > by_one:
        return False
    return by_one >= FEWEST_BY_ONE and counts_packets(state, at)


def may_count(state: Row, at: int) -> bool:
    """Whether so few numbers were seen that a sender may turn out to count."""
    steps = state[at + STEPS]
    return state[at + BY_ONE] == 0 and steps >> STEP_BITS == 0 and steps & STEP_MASK <= FEWEST_STEPS


def put_step(state: Row, at: int, step: int) -> None:
    """Count a step of one kind; where the counts grow large, all are halved, so that a change of habit shows."""
    state[at + STEPS] += step
    steps = state[at + STEPS]
    if (
        steps & STEP_MASK == STEP_MASK
        or steps >> STEP_BITS & STEP_MASK == STEP_MASK
        or steps >> 2 * STEP_BITS & STEP_MASK == STEP_MASK
    ):
        half = STEP_MASK >> 1
        state[at + STEPS] = (
            (steps & STEP_MASK) >> 1
            | (steps >> STEP_BITS + 1 & half) << STEP_BITS
            | (steps >> 2 * STEP_BITS + 1 & half) << 2 * STEP_BITS
            | steps >> 3 * STEP_BITS << 3 * STEP_BITS
        )
        state[at + BY_ONE] >>= 1


def numbers_taken(state: Row, at: int) -> int:
    """How many numbers the last packet took: more than one where it is several in one frame."""
    size = state[at + SIZE]
    single = state[at + SINGLE]
    if size <= LARGEST_PAYLOAD or size <= single:
        return 1
    single = max(single, SMALLEST_PAYLOAD)
    return (size + single - 1) // single


def read_number(state: Row, at: int, number: int) -> int:
    """Take the next packet's number where it is not simply one more than the last.

    Answers how many numbers were left out, or UNKNOWN, LATE, REPEATED or SWAPPED.
    """
    last = state[at + NUMBER]
    if number < 0 or (number == 0 and not (last >= 0 and 0 < -last & 0xFFFF <= LONGEST_STEP)):
        return UNKNOWN  # a listener's answer to a SYN carries zero, and so does what no connection sends
    if last < 0:
        state[at + NUMBER] = number
        return UNKNOWN
    step = (number - last) & 0xFFFF
    if step == 0x100 and state[at + STEPS] >> 3 * STEP_BITS < STEP_MASK:
        put_step(state, at, SWAPPED_STEP)
        swaps = state[at + STEPS] >> 3 * STEP_BITS
        if swaps >= FEWEST_SWAPPED and swaps > state[at + BY_ONE]:
            state[at + NUMBER] = swapped(number)
            state[at + BY_ONE] = swaps
            state[at + STEPS] = 0
            return SWAPPED
    if step == 0:
        put_step(state, at, WILD_STEP)
        return REPEATED
    if step > 0x10000 - LONGEST_JUMP:
        put_step(state, at, 1 if step >= 0x10000 - LONGEST_STEP else WILD_STEP)
        return LATE
    state[at + NUMBER] = number
    taken = numbers_taken(state, at)
    if step <= taken:
        state[at + BY_ONE] += 1
        return 0
    put_step(state, at, 1 if step <= LONGEST_STEP + taken else WILD_STEP)
    longest = LONGEST_JUMP if counts_packets(state, at) else LONGEST_STEP if may_count(state, at) else 0
    return step - taken if step - taken <= longest else UNKNOWN
