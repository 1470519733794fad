"""Loss before and beyond the capture point, of a small capture: the kernels of `one_point` on plain lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final, NamedTuple

from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import (
    ACKNOWLEDGEMENT,
    FIN,
    FLAGS,
    IP_ID,
    LENGTH,
    OPTIONS,
    SACK,
    SACK_COUNT,
    SEQUENCE,
    SYN,
    TIME,
    TIMESTAMP,
    TIMESTAMP_ECHO,
    WINDOW,
    WIRE,
)
from attribution.packets.flows import Conversation
from attribution.packets.one_point.nodes import NODE_WIDTH, ROOM, open_nodes
from attribution.packets.one_point.segments import follow_blocks, follow_segment, settle_losses
from attribution.packets.one_point.state import (
    ACKED,
    DOWNSTREAM,
    EVENT_COUNT,
    EVENT_DIRECTION,
    EVENT_END,
    EVENT_FRAME,
    EVENT_KIND,
    EVENT_START,
    EVENT_WIDTH,
    EVENT_WIRE,
    EVENTS,
    EVENTS_NEEDED,
    FIRST_EVENT,
    HALF,
    HIGHEST,
    LOSS_STATE_WIDTH,
    LOSS_WIDTH,
    LOW,
    NODES_NEEDED,
    UNANSWERED,
    UPSTREAM,
    UPSTREAM_BARE,
    clear_losses,
)

SEGMENT_OF: Final = itemgetter(
    TIME, WIRE, SEQUENCE, ACKNOWLEDGEMENT, LENGTH, FLAGS, WINDOW, IP_ID, TIMESTAMP, TIMESTAMP_ECHO, OPTIONS
)
"""What the kernels are told of a segment, and of its SACK blocks, in their order."""
BLOCKS_OF: Final = itemgetter(TIME, ACKNOWLEDGEMENT, SACK_COUNT, *range(SACK, SACK + 8))
FIRST_NODES: Final = 64
EVENT_ROOM: Final = 64


class Copy(NamedTuple):
    """One passage of a segment: octets [left, right) of the direction's stream, however often 32 bits wrapped."""

    left: int
    right: int
    time_ns: int
    packet: int
    wire: int


class Loss(NamedTuple):
    """One packet that did not arrive: when it passed (or should have), the frame that tells, its size if known."""

    time_ns: int
    packet: int
    wire: int | None


@dataclass(slots=True)
class DirectionLoss:
    """What was seen of one direction of one connection: every passage of a segment, and what became of it.

    `upstream`: never reached this point. `downstream`: passed, and the receiver has shown that it did not get it.
    `unanswered`: passed, and nothing ever told whether it or the acknowledgement was lost. `upstream_bare`:
    acknowledgements without octets that never reached this point; those that passed are not among the passages.
    """

    passages: list[Copy] = field(default_factory=list)
    upstream: list[Loss] = field(default_factory=list)
    downstream: list[Loss] = field(default_factory=list)
    unanswered: list[Loss] = field(default_factory=list)
    upstream_bare: list[Loss] = field(default_factory=list)
    acknowledged: int = 0


def tcp_losses(
    capture: Capture, conversations: Iterable[Conversation]
) -> Iterator[tuple[DirectionLoss, DirectionLoss]]:
    """Loss before and beyond the capture point, of each connection's two directions (the first packet's way first)."""
    state = [0] * LOSS_STATE_WIDTH
    pool = [0] * (FIRST_NODES * NODE_WIDTH)
    out = [0] * (FIRST_EVENT + EVENT_ROOM * EVENT_WIDTH)
    open_nodes(pool, FIRST_NODES)
    packets = capture.packets
    for conversation in conversations:
        ways = (DirectionLoss(), DirectionLoss())
        passages = (ways[0].passages, ways[1].passages)
        clear_losses(state, 0)
        for index, forward in zip(conversation.packets, conversation.forward, strict=True):
            row = packets[index]
            direction = 0 if forward else 1
            if pool[ROOM] < NODES_NEEDED:
                pool[ROOM] += len(pool) // NODE_WIDTH
                pool.extend([0] * len(pool))
            if out[EVENTS] > EVENT_ROOM - EVENTS_NEEDED:
                _take_losses(out, ways)
            if row[SACK_COUNT]:
                follow_blocks(state, 0, pool, direction, *BLOCKS_OF(row))
            if follow_segment(state, 0, pool, out, 0, index, direction, *SEGMENT_OF(row)):
                passages[direction].append(_passage(row, index, state[direction * LOSS_WIDTH + HIGHEST]))
        for direction, way in enumerate(ways):
            way.acknowledged = state[direction * LOSS_WIDTH + ACKED]
        while not settle_losses(state, 0, pool, out, EVENT_ROOM, 0, capture.end_ns):
            _take_losses(out, ways)
        _take_losses(out, ways)
        yield ways


def _passage(row: Packet, index: int, near: int) -> Copy:
    left = near + ((row[SEQUENCE] - near + HALF) & LOW) - HALF
    right = left + row[LENGTH]
    if row[FLAGS] & (SYN | FIN):
        right += bool(row[FLAGS] & SYN) + bool(row[FLAGS] & FIN)
    return Copy(left, right, row[TIME], index, row[WIRE])


def _take_losses(out: list[int], ways: tuple[DirectionLoss, DirectionLoss]) -> None:
    """Empty the buffer of events into the directions they belong to."""
    if not out[EVENTS]:
        return
    for row in range(FIRST_EVENT, FIRST_EVENT + out[EVENTS] * EVENT_WIDTH, EVENT_WIDTH):
        event = out[row : row + EVENT_WIDTH]
        way = ways[event[EVENT_DIRECTION]]
        kinds = {
            UPSTREAM: way.upstream,
            DOWNSTREAM: way.downstream,
            UNANSWERED: way.unanswered,
            UPSTREAM_BARE: way.upstream_bare,
        }
        kinds[event[EVENT_KIND]].extend(_losses_of(event))
    out[EVENTS] = 0


def _losses_of(event: list[int]) -> Iterator[Loss]:
    """The packets of one event, dated evenly between its two times."""
    start_ns, count = event[EVENT_START], event[EVENT_COUNT]
    span_ns = event[EVENT_END] - start_ns
    wire = event[EVENT_WIRE] if event[EVENT_WIRE] >= 0 else None
    for number in range(1, count + 1):
        yield Loss(start_ns + span_ns * number // (count + 1), event[EVENT_FRAME], wire)
