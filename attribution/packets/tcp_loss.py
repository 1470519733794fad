"""One capture point splits a path in two: a segment that passes it twice was lost beyond it, and a gap that a later
retransmission fills was lost before it.

What tells a retransmission from a straggler is the sender's own counter, the IP identification, where it counts up
by one a packet; else the timestamp option; else whether a round trip has passed. A duplicate SACK (RFC 2883) takes
back what was taken for a loss: the first copy had arrived. Octets that are acknowledged but never passed went another
way (or the capture missed them), and are no loss.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import (
    ACK,
    ACKNOWLEDGEMENT,
    FIN,
    FLAGS,
    IP_ID,
    LENGTH,
    RST,
    SACK,
    SACK_COUNT,
    SEGMENT_SIZE,
    SEQUENCE,
    SYN,
    TIME,
    TIMESTAMP,
    WIRE,
)
from attribution.packets.flows import Conversation

STRAGGLER_NS: Final = 3_000_000  # without any other clue, what comes this soon after a gap was overtaken, not resent
SHORTEST_TIMEOUT_NS: Final = 180_000_000  # no common system retransmits by timeout sooner than 200 ms
WORD: Final = 1 << 32
HALF: Final = 1 << 31


@dataclass(slots=True)
class Copy:
    """One passage of a segment: octets [left, right) of the direction's stream, unwrapped."""

    left: int
    right: int
    time_ns: int
    packet: int
    wire: int
    acknowledged: bool = False
    resent: bool = False


@dataclass(slots=True)
class Gap:
    """Octets that later ones overtook at the capture point, or that were lost before it."""

    left: int
    right: int
    time_ns: int
    next_packet: int
    heard_back: bool = False  # the receiver has spoken since


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
    `unanswered`: passed, and nothing ever told whether it or the acknowledgement was lost.
    """

    passages: list[Copy] = field(default_factory=list)
    upstream: list[Loss] = field(default_factory=list)
    downstream: list[Loss] = field(default_factory=list)
    unanswered: list[Loss] = field(default_factory=list)
    acknowledged: int = 0
    first_ns: int = 0


class _Direction:
    """The state of one direction while the connection is read once, in the order of time."""

    def __init__(self, counts_up: bool) -> None:
        self.counts_up = counts_up
        self.base: int | None = None
        self.highest = 0
        self.acknowledged = -1
        self.open: list[Copy] = []
        self.gaps: list[Gap] = []
        self.suspects: list[Copy] = []
        self.last: Packet | None = None
        self.last_index = -1
        self.peer_sent_data = False
        self.segment_size = 0
        self.result = DirectionLoss()

    def unwrap(self, number: int) -> int:
        """A sequence number's place in the stream, however often 32 bits wrapped."""
        if self.base is None:
            self.base = number
            self.highest = WORD
        near = self.highest
        difference = (number - self.base - near) % WORD
        return near + (difference - WORD if difference >= HALF else difference)


def tcp_losses(capture: Capture, conversation: Conversation) -> tuple[DirectionLoss, DirectionLoss]:
    """Loss before and beyond the capture point, of a connection's two directions (the first packet's way first)."""
    packets = capture.packets
    rows = [packets[index] for index in conversation.packets]
    ways = tuple(
        _Direction(_counts_up([row for row, forward in zip(rows, conversation.forward, strict=True) if forward is way]))
        for way in (True, False)
    )
    round_trip_ns = _handshake_ns(rows)
    for index, row, forward in zip(conversation.packets, rows, conversation.forward, strict=True):
        mine, other = (ways[0], ways[1]) if forward else (ways[1], ways[0])
        if row[FLAGS] & ACK and other.base is not None and not row[FLAGS] & RST:
            _acknowledge(other, row)
        if row[FLAGS] & RST:
            continue
        _pass(mine, other, row, index, packets, round_trip_ns)
        mine.last, mine.last_index = row, index
        mine.peer_sent_data = False
    for way in ways:
        _settle(way, capture.end_ns)
    return ways[0].result, ways[1].result


def _counts_up(rows: list[Packet]) -> bool:
    """Whether the sender numbers this connection's packets one by one in the IP identification.

    Linux does per connection; others share a counter over all they send, draw lots or send zero.
    """
    numbers = [row[IP_ID] for row in rows if not (row[FLAGS] & SYN and row[IP_ID] == 0)]
    if len(numbers) < 4 or numbers[0] < 0:
        return False
    steps = [(later - earlier) & 0xFFFF for earlier, later in pairwise(numbers)]
    by_one = sum(step == 1 for step in steps)
    plausible = sum(step <= 64 or step >= 0xFFC0 for step in steps)
    return by_one * 2 >= len(steps) and plausible >= 0.9 * len(steps) and steps.count(0) * 10 <= len(steps)


def _handshake_ns(rows: list[Packet]) -> int | None:
    """The round trip as the handshake shows it: from the last SYN to the acknowledgement that ends it."""
    syn_ns: int | None = None
    for row in rows[:20]:
        if row[FLAGS] & (SYN | ACK) == SYN:
            syn_ns = row[TIME]
        elif not row[FLAGS] & SYN and syn_ns is not None:
            return row[TIME] - syn_ns
    return None


def _acknowledge(way: _Direction, row: Packet) -> None:
    """The receiver tells how far it has everything, which islands beyond, and what came to it twice."""
    reached = way.unwrap(row[ACKNOWLEDGEMENT])
    if row[LENGTH]:
        way.peer_sent_data = True
    for gap in way.gaps:
        gap.heard_back = True
    count = row[SACK_COUNT]
    if count:
        edges = [way.unwrap(edge) for edge in row[SACK : SACK + 2 * count]]
        left, right = edges[0], edges[1]
        if right <= reached or (count > 1 and edges[2] <= left and right <= edges[3]):
            _arrived_twice(way, left, right)
            edges = edges[2:]
        for copy in way.open:
            if not copy.acknowledged:
                for left, right in zip(edges[::2], edges[1::2], strict=True):
                    if left <= copy.left and copy.right <= right:
                        copy.acknowledged = True
    if reached > way.acknowledged:
        way.acknowledged = reached
        way.open = [copy for copy in way.open if copy.right > reached]
        if way.gaps:
            way.gaps = [gap for gap in way.gaps if gap.right > reached]
            for gap in way.gaps:
                gap.left = max(gap.left, reached)


def _arrived_twice(way: _Direction, left: int, right: int) -> None:
    """A duplicate SACK: one copy of these octets more than needed has arrived, so one loss fewer has happened."""
    for number, copy in enumerate(way.suspects):
        if copy.left < right and left < copy.right:
            del way.suspects[number]
            return


def _pass(
    way: _Direction, other: _Direction, row: Packet, index: int, packets: tuple[Packet, ...], round_trip_ns: int | None
) -> None:
    """A packet of this direction passes: new octets, octets that fill a gap, or octets that passed before."""
    flags = row[FLAGS]
    size = row[LENGTH] + (1 if flags & SYN else 0) + (1 if flags & FIN else 0)
    left = way.unwrap(row[SEQUENCE])
    right = left + size
    if flags & SYN and row[SEGMENT_SIZE] > 0:
        other.segment_size = row[SEGMENT_SIZE]
    first = not way.result.passages and way.last is None
    if first:
        way.highest = left
        way.result.first_ns = row[TIME]
    missing = 0
    if way.counts_up and way.last is not None and not (flags & SYN and row[IP_ID] == 0):
        missing = (row[IP_ID] - way.last[IP_ID] - 1) & 0xFFFF
        if missing > 1024 or (way.last[FLAGS] & SYN and way.last[IP_ID] == 0):
            missing = 0
    if not size or (row[LENGTH] <= 1 and left == way.highest - 1 and not flags & (SYN | FIN)):
        if left > way.highest and not first:
            _open_gap(way, left, row[TIME], index)
        return  # an acknowledgement alone, or a keep-alive
    copy = Copy(left, right, row[TIME], index, row[WIRE])
    way.result.passages.append(copy)
    if left >= way.highest:
        if left > way.highest:
            _open_gap(way, left, row[TIME], index)
        elif missing:
            _lost_repeats(way, row, index, missing, new_data=True)
        way.highest = right
    elif not _fill_gaps(way, copy, row, packets, round_trip_ns, missing):
        _repeat(way, copy)
        if missing:
            _lost_repeats(way, row, index, missing, new_data=False)
    elif right > way.highest:
        way.highest = right
    insort(way.open, copy, key=lambda item: item.left)


def _open_gap(way: _Direction, left: int, time_ns: int, index: int) -> None:
    way.gaps.append(Gap(way.highest, left, time_ns, index))
    way.highest = left


def _fill_gaps(
    way: _Direction, copy: Copy, row: Packet, packets: tuple[Packet, ...], round_trip_ns: int | None, missing: int
) -> bool:
    """Octets that never passed before fill a gap: they were lost on the way here, unless they were only overtaken."""
    for number, gap in enumerate(way.gaps):
        if copy.left < gap.right and gap.left < copy.right:
            if not _is_straggler(way, gap, row, packets[gap.next_packet], round_trip_ns):
                way.result.upstream.append(Loss(gap.time_ns, copy.packet, copy.wire))
                if missing and way.last is not None and row[TIME] - way.last[TIME] >= SHORTEST_TIMEOUT_NS:
                    _spread(way, row, copy.packet, missing)
            rest = [
                Gap(left, right, gap.time_ns, gap.next_packet, gap.heard_back)
                for left, right in ((gap.left, copy.left), (copy.right, gap.right))
                if left < right
            ]
            way.gaps[number : number + 1] = rest
            return True
    return False


def _is_straggler(way: _Direction, gap: Gap, row: Packet, following: Packet, round_trip_ns: int | None) -> bool:
    """Whether a packet that fills a gap was sent before those that overtook it."""
    if way.counts_up:
        return 0 < (following[IP_ID] - row[IP_ID]) & 0xFFFF < 0x8000
    if row[TIMESTAMP] >= 0 and following[TIMESTAMP] >= 0 and row[TIMESTAMP] != following[TIMESTAMP]:
        return (following[TIMESTAMP] - row[TIMESTAMP]) % WORD < HALF
    waited = row[TIME] - gap.time_ns
    if round_trip_ns is not None:
        return waited < 0.8 * round_trip_ns or not gap.heard_back
    return waited < STRAGGLER_NS


def _repeat(way: _Direction, copy: Copy) -> None:
    """A segment passes again. If the receiver has not shown that it has it, the last copy is suspected lost."""
    if copy.right <= way.acknowledged:
        return
    first = bisect_right(way.open, copy.left - 65536, key=lambda item: item.left)
    overlapping = [
        old
        for old in way.open[first:]
        if old.left < copy.right and copy.left < old.right and not old.acknowledged and not old.resent
    ]
    for old in overlapping:
        old.resent = True
        way.suspects.append(old)


def _lost_repeats(way: _Direction, row: Packet, index: int, missing: int, new_data: bool) -> None:
    """The sender's counter jumped though no octets are missing: it sent copies that never came here.

    Acknowledgements without data are counted too by it, so the jump only tells where the other side sent none.
    """
    last = way.last
    if last is None or way.peer_sent_data:
        return
    waited = row[TIME] - last[TIME] >= SHORTEST_TIMEOUT_NS
    if waited or (not new_data and way.gaps):
        _spread(way, row, index, missing)


def _spread(way: _Direction, row: Packet, index: int, missing: int) -> None:
    """Copies that were lost between two passages are dated evenly between them."""
    assert way.last is not None
    start = way.last[TIME]
    step = (row[TIME] - start) / (missing + 1)
    way.result.upstream.extend(Loss(int(start + step * (n + 1)), index, None) for n in range(missing))


def _settle(way: _Direction, end_ns: int) -> None:
    """What is still in question when the capture or the connection ends."""
    result = way.result
    result.acknowledged = way.acknowledged
    for copy in way.suspects:
        answered = copy.right <= way.acknowledged or copy.acknowledged
        loss = Loss(copy.time_ns, copy.packet, copy.wire)
        (result.downstream if answered else result.unanswered).append(loss)
    for copy in way.open:
        waited = end_ns - copy.time_ns
        if not copy.acknowledged and not copy.resent and waited > 1_000_000_000 and copy.right > way.acknowledged:
            result.unanswered.append(Loss(copy.time_ns, copy.packet, copy.wire))
