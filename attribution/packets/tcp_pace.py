"""How long a connection's path takes there and back, and what keeps each direction from being faster.

Round trips are measured from the capture point: a timestamp that passes until its echo comes back (RFC 7323 §4), so
each direction measures the path on its far side. What limits a direction is told by what it does between two segments
with data: after a segment smaller than the largest it had nothing more to send; with the peer's window closed or filled
it waits for the receiver; else it waits for the network, as it does while it repeats what was lost. (The idea of
sorting a sender's pauses so is that of Zhang et al., On the Characteristics and Origins of Internet Flow Rates, 2002.)

Kernels: they run as they stand on lists and compiled on arrays.
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import ACK, FIN, RST, SYN, Row
from attribution.packets.tcp_health import OUT_OF_ORDER, RETRANSMISSION, WINDOW_FULL

Words = Row

# Of a connection
PACE_SYN_TIME: Final = 0  # the newest SYN
PACE_HANDSHAKE: Final = 1  # from it to the acknowledgement that ended the handshake; 0 where not seen
PACE_SIDES: Final = 2
# then, of each direction:
PACE_STAMP: Final = 0  # 1 + the timestamp whose echo is awaited, 0 for none
PACE_STAMP_TIME: Final = 1
PACE_STAMP_NEWEST: Final = 2  # 1 + the newest timestamp seen
PACE_COUNT: Final = 3  # of round trips, their sum, the least and the most
PACE_SUM: Final = 4
PACE_LEAST: Final = 5
PACE_MOST: Final = 6
PACE_DATA_TIME: Final = 7  # the last segment with data: when, and how long
PACE_DATA_LENGTH: Final = 8
PACE_LARGEST: Final = 9
PACE_FULL: Final = 10  # whether it filled the peer's window
PACE_WINDOW: Final = 11  # as this side last offered it
PACE_SHIFT: Final = 12  # 1 + its scale, 0 while none was seen
PACE_ROUND: Final = 13  # when the round trip at hand began, and its octets; those of the one before
PACE_ROUND_OCTETS: Final = 14
PACE_LAST_OCTETS: Final = 15
PACE_SENDER: Final = 16  # nanoseconds spent waiting for the sender, the receiver, the network
PACE_RECEIVER: Final = 17
PACE_NETWORK: Final = 18
PACE_SIDE_WIDTH: Final = 19
PACE_WIDTH: Final = PACE_SIDES + 2 * PACE_SIDE_WIDTH

HALF: Final = 0x80000000
WORD: Final = 0xFFFFFFFF


def time_segment(
    pace: Words, at: int, direction: int, time_ns: int, length: int, flags: int, window: int, scale: int,
    stamp: int, echo: int, health: int,
) -> None:  # fmt: skip
    """One more segment of the connection whose figures begin at pace[at]; `health` is what it was found to be."""
    mine = at + PACE_SIDES + direction * PACE_SIDE_WIDTH
    other = at + PACE_SIDES + (1 - direction) * PACE_SIDE_WIDTH
    if flags & SYN:
        if not flags & ACK:
            pace[at + PACE_SYN_TIME] = time_ns
        pace[mine + PACE_SHIFT] = 1 + max(scale, 0)
    elif flags & ACK and pace[at + PACE_HANDSHAKE] == 0 and pace[at + PACE_SYN_TIME]:
        pace[at + PACE_HANDSHAKE] = time_ns - pace[at + PACE_SYN_TIME]
    if stamp >= 0:
        await_echo(pace, mine, other, time_ns, stamp, echo, flags, 1 if length > 0 or flags & (SYN | FIN) else 0)
    if length > 0 and not flags & (SYN | RST):
        if pace[mine + PACE_DATA_TIME]:
            judge_pause(pace, at, mine, other, time_ns, health)
        pace[mine + PACE_DATA_TIME] = time_ns
        pace[mine + PACE_DATA_LENGTH] = length
        pace[mine + PACE_LARGEST] = max(pace[mine + PACE_LARGEST], length)
        pace[mine + PACE_FULL] = 1 if health & WINDOW_FULL else 0
        count_round(pace, at, mine, time_ns, length)
    if not flags & (RST | FIN):
        pace[mine + PACE_WINDOW] = window


def await_echo(pace: Words, mine: int, other: int, time_ns: int, stamp: int, echo: int, flags: int, asks: int) -> None:
    """A timestamp not seen before is timed until the other side echoes it; one that is skipped gives no measure.

    Only a segment that must be acknowledged `asks`: the echo of any other may wait until there is something to say.
    """
    if pace[mine + PACE_STAMP_NEWEST] == 0 or 0 < (stamp + 1 - pace[mine + PACE_STAMP_NEWEST]) & WORD < HALF:
        pace[mine + PACE_STAMP_NEWEST] = stamp + 1
        if asks and pace[mine + PACE_STAMP] == 0:
            pace[mine + PACE_STAMP] = stamp + 1
            pace[mine + PACE_STAMP_TIME] = time_ns
    awaited = pace[other + PACE_STAMP]
    if awaited and flags & ACK and (echo + 1 - awaited) & WORD < HALF:
        took = time_ns - pace[other + PACE_STAMP_TIME]
        if echo + 1 == awaited and took >= 0:
            if pace[other + PACE_COUNT] == 0:
                pace[other + PACE_LEAST] = took
            pace[other + PACE_COUNT] += 1
            pace[other + PACE_SUM] += took
            pace[other + PACE_LEAST] = min(pace[other + PACE_LEAST], took)
            pace[other + PACE_MOST] = max(pace[other + PACE_MOST], took)
        pace[other + PACE_STAMP] = 0


def judge_pause(pace: Words, at: int, mine: int, other: int, time_ns: int, health: int) -> None:
    """Lay the time since the last segment with data at somebody's door."""
    pause = time_ns - pace[mine + PACE_DATA_TIME]
    if pause <= 0:
        return
    window = pace[other + PACE_WINDOW] << max(pace[other + PACE_SHIFT] - 1, 0)
    scaled = pace[other + PACE_SHIFT] > 0  # without the handshake a window's true size is not known
    carried = max(pace[mine + PACE_LAST_OCTETS], pace[mine + PACE_ROUND_OCTETS])
    if health & (RETRANSMISSION | OUT_OF_ORDER):
        pace[mine + PACE_NETWORK] += pause
    elif pace[other + PACE_WINDOW] == 0 or pace[mine + PACE_FULL]:
        pace[mine + PACE_RECEIVER] += pause
    elif pace[mine + PACE_DATA_LENGTH] < pace[mine + PACE_LARGEST]:
        pace[mine + PACE_SENDER] += pause
    elif scaled and pace[at + PACE_HANDSHAKE] and carried + 2 * pace[mine + PACE_LARGEST] >= window:
        pace[mine + PACE_RECEIVER] += pause
    else:
        pace[mine + PACE_NETWORK] += pause


def count_round(pace: Words, at: int, mine: int, time_ns: int, length: int) -> None:
    """How many octets pass in a round trip: near the receiver, that is how a full window shows."""
    took = time_ns - pace[mine + PACE_ROUND]
    if pace[mine + PACE_ROUND] == 0 or took >= pace[at + PACE_HANDSHAKE]:
        fresh = took >= 2 * pace[at + PACE_HANDSHAKE]
        pace[mine + PACE_LAST_OCTETS] = 0 if fresh else pace[mine + PACE_ROUND_OCTETS]
        pace[mine + PACE_ROUND] = time_ns
        pace[mine + PACE_ROUND_OCTETS] = 0
    pace[mine + PACE_ROUND_OCTETS] += length
