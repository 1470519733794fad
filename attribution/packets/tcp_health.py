"""Each TCP segment judged by what its connection has shown so far: repeated, out of order, lost, stalled.

The meaning of every word is Wireshark's (`tcp.analysis.*`, version 4.0), so that a reader finds the same packets in
both; tshark is the judge in the tests. The judgement is one function of integers over a row of state per connection,
which runs as it stands on lists and compiled on arrays.

Sequence numbers are compared serially (RFC 1982), as they stand in the packets; zero stands for "not known yet".
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import ACK, FIN, RST, SYN, Row

RETRANSMISSION: Final = 1 << 0
FAST_RETRANSMISSION: Final = 1 << 1
SPURIOUS_RETRANSMISSION: Final = 1 << 2
OUT_OF_ORDER: Final = 1 << 3
DUPLICATE_ACK: Final = 1 << 4
LOST_SEGMENT: Final = 1 << 5
ACK_LOST_SEGMENT: Final = 1 << 6
ZERO_WINDOW: Final = 1 << 7
ZERO_WINDOW_PROBE: Final = 1 << 8
ZERO_WINDOW_PROBE_ACK: Final = 1 << 9
WINDOW_FULL: Final = 1 << 10
WINDOW_UPDATE: Final = 1 << 11
KEEP_ALIVE: Final = 1 << 12
KEEP_ALIVE_ACK: Final = 1 << 13
REUSED_PORTS: Final = 1 << 14

HEALTH_NAMES: Final = (
    "retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order", "duplicate_ack",
    "lost_segment", "ack_lost_segment", "zero_window", "zero_window_probe", "zero_window_probe_ack", "window_full",
    "window_update", "keep_alive", "keep_alive_ack", "reused_ports",
)  # fmt: skip
"""What the bits mean, from the lowest; Wireshark's field is tcp.analysis.<name>."""

# A connection's state: some numbers of its own, then those of its two directions.
NEWEST_SYN: Final = 0  # time
ROUND_TRIP: Final = 1  # of the handshake, nanoseconds; 0 where it was not seen
CONNECTION_WIDTH: Final = 2

BASE: Final = 0  # the sequence number that the direction began with
BASE_KNOWN: Final = 1
NEXT: Final = 2  # the highest end of a segment
NEXT_TIME: Final = 3
CONTIGUOUS: Final = 4  # the highest end without a gap before it
LAST_ACK: Final = 5
LAST_TIME: Final = 6
LAST_WINDOW: Final = 7
LAST_HEALTH: Final = 8  # what the last segment was found to be
DUPLICATES: Final = 9
SHIFT: Final = 10  # window scale: -1 not known, -2 none, as where either side's SYN lacks the option
ACKED_ONCE: Final = 11  # a segment with ACK has followed the last SYN: from then on windows are scaled
DIRECTION_WIDTH: Final = 12
STATE_WIDTH: Final = CONNECTION_WIDTH + 2 * DIRECTION_WIDTH

WORD: Final = 0xFFFFFFFF
HALF: Final = 0x80000000
FAST_NS: Final = 20_000_000  # a fast retransmission comes at most this long after the last acknowledgement
REORDERED_NS: Final = 3_000_000  # where no round trip is known, what comes this soon was overtaken


def clear_state(state: Row, at: int) -> None:
    """Make state[at : at + STATE_WIDTH] that of a connection of which nothing was seen yet."""
    for offset in range(STATE_WIDTH):
        state[at + offset] = 0
    for direction in range(2):
        here = at + CONNECTION_WIDTH + direction * DIRECTION_WIDTH
        state[here + LAST_WINDOW] = WORD
        state[here + SHIFT] = -1


def opens_new_connection(state: Row, at: int, direction: int, sequence: int, flags: int) -> bool:
    """A SYN alone, with another sequence number than its direction began with, opens a new one on the same ports."""
    here = at + CONNECTION_WIDTH + direction * DIRECTION_WIDTH
    return flags & (SYN | ACK) == SYN and state[here + BASE_KNOWN] == 1 and state[here + BASE] != sequence


def judge_segment(
    state: Row, at: int, direction: int, time_ns: int, sequence: int, acknowledgement: int, length: int, flags: int,
    window: int, scale: int, reused: int,
) -> int:  # fmt: skip
    """Judge one segment and remember it. `direction` is 0 or 1, `length` the octets of payload.

    `scale` is the window scale option of a SYN, else -1; `reused` that the connection follows another on its ports.
    Answers a sum of the bits above. The number of a duplicate ACK is the direction's DUPLICATES afterwards.
    """
    mine = at + CONNECTION_WIDTH + direction * DIRECTION_WIDTH
    other = at + CONNECTION_WIDTH + (1 - direction) * DIRECTION_WIDTH
    control = flags & (SYN | FIN | RST)
    found = REUSED_PORTS if reused else 0
    if flags & SYN:
        if flags & ACK:
            if state[mine + BASE_KNOWN] and state[mine + BASE] != sequence:
                state[mine + BASE] = sequence
                found |= REUSED_PORTS
        else:
            state[at + NEWEST_SYN] = time_ns
            if state[mine + BASE_KNOWN]:
                state[mine + NEXT] = state[mine + CONTIGUOUS]
        if scale < 0:
            if state[mine + SHIFT] == -1:
                state[mine + SHIFT] = -2
                state[other + SHIFT] = -2
        elif flags & ACK and state[other + SHIFT] == -2:
            state[mine + SHIFT] = -2
        else:
            state[mine + SHIFT] = scale
    if not state[mine + BASE_KNOWN]:
        state[mine + BASE] = sequence if flags & SYN else (sequence - 1) & WORD
        state[mine + BASE_KNOWN] = 1
    if not state[other + BASE_KNOWN] and flags & ACK:
        state[other + BASE] = (acknowledgement - 1) & WORD
        state[other + BASE_KNOWN] = 1

    following = state[mine + NEXT]
    pure = length == 0 and sequence == following and acknowledgement == state[mine + LAST_ACK] and not control
    same_window = window == state[mine + LAST_WINDOW]
    probe = length == 1 and sequence == following and state[other + LAST_WINDOW] == 0
    if probe:
        found |= ZERO_WINDOW_PROBE
    else:
        if window == 0 and not control:
            found |= ZERO_WINDOW
        if following and not flags & RST and 0 < (sequence - following) & WORD <= HALF:
            found |= LOST_SEGMENT
        if length <= 1 and sequence == (following - 1) & WORD and not control:
            found |= KEEP_ALIVE
        if pure and window and not same_window:
            found |= WINDOW_UPDATE
        if length > 0 and not control and state[other + SHIFT] != -1:
            shift = state[other + SHIFT] if state[other + ACKED_ONCE] and state[other + SHIFT] > 0 else 0
            edge = state[other + LAST_ACK] + (state[other + LAST_WINDOW] << shift)
            if (sequence + length) & WORD == edge & WORD:
                found |= WINDOW_FULL
        if pure and same_window:
            if window and state[other + LAST_HEALTH] & KEEP_ALIVE:
                found |= KEEP_ALIVE_ACK
            elif not window and state[other + LAST_HEALTH] & ZERO_WINDOW_PROBE:
                found |= ZERO_WINDOW_PROBE_ACK
            elif window:
                found |= DUPLICATE_ACK
                state[mine + DUPLICATES] = state[mine + DUPLICATES] + 1 if state[mine + DUPLICATES] >= 0 else 1

    if acknowledgement != state[mine + LAST_ACK]:
        state[mine + DUPLICATES] = 0
    contiguous = state[other + CONTIGUOUS]
    if flags & ACK and contiguous and 0 < (acknowledgement - contiguous) & WORD <= HALF:
        found |= acknowledge_unseen(state, other)

    if (length > 0 or flags & (SYN | FIN)) and not found & KEEP_ALIVE:
        found |= judge_repetition(state, at, mine, other, time_ns, sequence, length, flags)

    if flags & ACK and not flags & SYN and state[at + ROUND_TRIP] == 0 and state[at + NEWEST_SYN]:
        state[at + ROUND_TRIP] = time_ns - state[at + NEWEST_SYN]
    remember_segment(state, mine, time_ns, sequence, acknowledgement, length, flags, window, found)
    return found


def acknowledge_unseen(state: Row, other: int) -> int:
    """An acknowledgement of octets that never passed here."""
    if (state[other + NEXT] - state[other + CONTIGUOUS]) & WORD and (
        (state[other + NEXT] - state[other + CONTIGUOUS]) & WORD <= HALF
    ):
        state[other + CONTIGUOUS] = state[other + NEXT]
        return ACK_LOST_SEGMENT
    first = state[other + DUPLICATES] == 0
    state[other + DUPLICATES] = -1
    return ACK_LOST_SEGMENT if first else 0


def judge_repetition(
    state: Row, at: int, mine: int, other: int, time_ns: int, sequence: int, length: int, flags: int
) -> int:
    """Whether a segment repeats octets, and which kind of repetition it is; the first that fits."""
    following = state[mine + NEXT]
    back = following != 0 and (sequence - following) & WORD >= HALF
    if length > 1 and sequence == (following - 1) & WORD:
        back = False
    end = (sequence + length) & WORD
    acknowledged = state[other + LAST_ACK]
    if length > 0 and acknowledged and (acknowledged - end) & WORD <= HALF:
        return SPURIOUS_RETRANSMISSION | RETRANSMISSION
    if not back:
        return 0
    duplicates = state[other + DUPLICATES]
    asked_for = acknowledged == sequence and (duplicates >= 2 or duplicates < 0)
    if asked_for and 0 <= time_ns - state[other + LAST_TIME] < FAST_NS:
        return FAST_RETRANSMISSION | RETRANSMISSION
    limit = state[at + ROUND_TRIP] if state[at + ROUND_TRIP] else REORDERED_NS
    if flags & (SYN | FIN):
        end = (end + 1) & WORD
    if 0 <= time_ns - state[mine + NEXT_TIME] < limit and end != following:
        return OUT_OF_ORDER
    return RETRANSMISSION


def remember_segment(
    state: Row, mine: int, time_ns: int, sequence: int, acknowledgement: int, length: int, flags: int, window: int,
    found: int,
) -> None:  # fmt: skip
    """Advance the direction's state by one segment."""
    end = (sequence + length) & WORD
    if flags & (SYN | FIN):
        end = (end + 1) & WORD
    if not found & ZERO_WINDOW_PROBE:
        following = state[mine + NEXT]
        if following == 0 or 0 < (end - following) & WORD <= HALF:
            state[mine + NEXT] = end
            state[mine + NEXT_TIME] = time_ns
        if sequence == state[mine + CONTIGUOUS] or state[mine + CONTIGUOUS] == 0:
            state[mine + CONTIGUOUS] = state[mine + NEXT]
    state[mine + LAST_ACK] = acknowledgement
    state[mine + LAST_TIME] = time_ns
    state[mine + LAST_WINDOW] = window
    state[mine + LAST_HEALTH] = found
    if flags & SYN:
        state[mine + ACKED_ONCE] = 0
    elif flags & ACK:
        state[mine + ACKED_ONCE] = 1
