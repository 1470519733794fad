"""Loss before and beyond the capture point, of a small capture: the kernels of `one_point` on plain lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import (
    ACKNOWLEDGEMENT,
    FIN,
    FLAGS,
    IP_ID,
    LENGTH,
    OPTION_SACK_PERMITTED,
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
    HIGHEST,
    LOSS_STATE_WIDTH,
    LOSS_WIDTH,
    NODES_NEEDED,
    UNANSWERED,
    UPSTREAM,
    UPSTREAM_BARE,
    clear_losses,
    unwrapped,
)

FIRST_NODES: Final = 64
EVENT_ROOM: Final = 64


@dataclass(frozen=True, slots=True)
class Copy:
    """One passage of a segment: octets [left, right) of the direction's stream, however often 32 bits wrapped."""

    left: int
    right: int
    time_ns: int
    packet: int
    wire: int


@dataclass(frozen=True, slots=True)
class Loss:
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


def tcp_losses(capture: Capture, conversation: Conversation) -> tuple[DirectionLoss, DirectionLoss]:
    """Loss before and beyond the capture point, of a connection's two directions (the first packet's way first)."""
    follower = _Follower()
    packets = capture.packets
    for index, forward in zip(conversation.packets, conversation.forward, strict=True):
        follower.follow(packets[index], index, 0 if forward else 1)
    follower.settle(capture.end_ns)
    return follower.ways


class _Follower:
    """The rows of integers that one connection's segments are followed in, and the losses told so far."""

    def __init__(self) -> None:
        self.ways = (DirectionLoss(), DirectionLoss())
        self.state = [0] * LOSS_STATE_WIDTH
        self.pool = [0] * (FIRST_NODES * NODE_WIDTH)
        self.out = [0] * (FIRST_EVENT + EVENT_ROOM * EVENT_WIDTH)
        clear_losses(self.state, 0)
        open_nodes(self.pool, FIRST_NODES)

    def follow(self, row: Packet, index: int, direction: int) -> None:
        """Follow one segment; one with octets becomes a passage."""
        if self.pool[ROOM] < NODES_NEEDED:
            self.pool[ROOM] += len(self.pool) // NODE_WIDTH
            self.pool.extend([0] * len(self.pool))
        if self.out[EVENTS] > EVENT_ROOM - EVENTS_NEEDED:
            self._take_events()
        if row[SACK_COUNT]:
            follow_blocks(
                self.state, 0, self.pool, direction, row[TIME], row[ACKNOWLEDGEMENT], row[SACK_COUNT],
                *row[SACK : SACK + 8],
            )  # fmt: skip
        passed = follow_segment(
            self.state, 0, self.pool, self.out, 0, direction, row[TIME], index, row[WIRE], row[SEQUENCE],
            row[ACKNOWLEDGEMENT], row[LENGTH], row[FLAGS], row[WINDOW], row[IP_ID], row[TIMESTAMP],
            row[TIMESTAMP_ECHO], row[OPTIONS] & OPTION_SACK_PERMITTED,
        )  # fmt: skip
        if passed:
            left = unwrapped(self.state[direction * LOSS_WIDTH + HIGHEST], row[SEQUENCE])
            right = left + row[LENGTH] + bool(row[FLAGS] & SYN) + bool(row[FLAGS] & FIN)
            self.ways[direction].passages.append(Copy(left, right, row[TIME], index, row[WIRE]))

    def settle(self, end_ns: int) -> None:
        """Take what is still in question at the end of the capture."""
        for direction, way in enumerate(self.ways):
            way.acknowledged = self.state[direction * LOSS_WIDTH + ACKED]
        while not settle_losses(self.state, 0, self.pool, self.out, EVENT_ROOM, 0, end_ns):
            self._take_events()
        self._take_events()

    def _take_events(self) -> None:
        for row in range(FIRST_EVENT, FIRST_EVENT + self.out[EVENTS] * EVENT_WIDTH, EVENT_WIDTH):
            event = self.out[row : row + EVENT_WIDTH]
            way = self.ways[event[EVENT_DIRECTION]]
            kinds = {
                UPSTREAM: way.upstream,
                DOWNSTREAM: way.downstream,
                UNANSWERED: way.unanswered,
                UPSTREAM_BARE: way.upstream_bare,
            }
            kinds[event[EVENT_KIND]].extend(_losses_of(event))
        self.out[EVENTS] = 0


def _losses_of(event: list[int]) -> Iterator[Loss]:
    """The packets of one event, dated evenly between its two times."""
    start_ns, count = event[EVENT_START], event[EVENT_COUNT]
    span_ns = event[EVENT_END] - start_ns
    wire = event[EVENT_WIRE] if event[EVENT_WIRE] >= 0 else None
    for number in range(1, count + 1):
        yield Loss(start_ns + span_ns * number // (count + 1), event[EVENT_FRAME], wire)
