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
    SEQUENCE,
    SYN,
    TIME,
    TIMESTAMP,
    WIRE,
)
from attribution.packets.flows import Conversation

STRAGGLER_NS: Final = 3_000_000  # without any other clue, what comes this soon after a gap was overtaken, not resent
LONGEST_JUMP: Final = 1024  # packets; a counter that jumps farther was set anew
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
    missing: int = 0  # packets that the sender's counter says were sent in its place, and never came


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

    def __init__(self, numbers: dict[int, int] | None) -> None:
        self.numbers = numbers  # each packet's place in the sender's count, where it counts one by one
        self.numbers_seen = set(numbers.values()) if numbers else set()
        self.base: int | None = None
        self.highest = 0
        self.acknowledged = -1
        self.open: list[Copy] = []
        self.gaps: list[Gap] = []
        self.suspects: list[Copy] = []
        self.last: Packet | None = None
        self.last_index = -1
        self.refused = False
        self.result = DirectionLoss()

    def missing_before(self, index: int) -> int:
        """How many packets the sender counted between the last one and this one that never came, not even late."""
        if self.numbers is None or self.last is None:
            return 0
        before, here = self.numbers.get(self.last_index), self.numbers.get(index)
        if before is None or here is None or not 1 < here - before <= LONGEST_JUMP:
            return 0
        return sum(number not in self.numbers_seen for number in range(before + 1, here))

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
        _Direction(
            _sender_numbers(
                packets, [i for i, w in zip(conversation.packets, conversation.forward, strict=True) if w is way]
            )
        )
        for way in (True, False)
    )
    round_trip_ns = _handshake_ns(rows)
    for index, row, forward in zip(conversation.packets, rows, conversation.forward, strict=True):
        mine, other = (ways[0], ways[1]) if forward else (ways[1], ways[0])
        if row[FLAGS] & ACK and other.base is not None and not row[FLAGS] & RST:
            _acknowledge(other, row)
        if row[FLAGS] & RST:
            other.refused, other.open = True, []  # whatever still comes is answered with another reset, not lost
            continue
        _pass(mine, other, row, index, packets, round_trip_ns)
        mine.last, mine.last_index = row, index
    for way in ways:
        _settle(way, capture.end_ns)
    return ways[0].result, ways[1].result


def _sender_numbers(packets: tuple[Packet, ...], indices: list[int]) -> dict[int, int] | None:
    """Each packet's place in the sender's own count, if the IP identification goes up by one with each packet.

    Linux counts so per connection; others share a counter over all they send, draw lots or send zero: None for them.
    A listener's answer to a SYN carries zero and stands outside of the count.
    """
    counted = [index for index in indices if packets[index][IP_ID] > 0]
    if len(counted) < 4 or len(counted) < len(indices) - 2:
        return None
    numbers = [packets[index][IP_ID] for index in counted]
    steps = [(later - earlier + 0x8000 & 0xFFFF) - 0x8000 for earlier, later in pairwise(numbers)]
    by_one = sum(step == 1 for step in steps)
    plausible = sum(-64 <= step <= 64 and step != 0 for step in steps)
    if by_one * 2 < len(steps) or plausible < 0.9 * len(steps):
        return None
    place, places = numbers[0], {counted[0]: numbers[0]}
    for index, step in zip(counted[1:], steps, strict=True):
        place += step
        places[index] = place
    return places


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
    first = not way.result.passages and way.last is None
    if first:
        way.highest = left
        way.result.first_ns = row[TIME]
    missing = way.missing_before(index)
    if not size or (row[LENGTH] <= 1 and left == way.highest - 1 and not flags & (SYN | FIN)):
        if left > way.highest and not first:
            _open_gap(way, left, row[TIME], index, missing)
        elif missing and way.gaps:
            _spread(way, row, index, missing)
        return  # an acknowledgement alone, or a keep-alive
    copy = Copy(left, right, row[TIME], index, row[WIRE])
    way.result.passages.append(copy)
    if left > way.highest:
        _open_gap(way, left, row[TIME], index, missing)
    elif missing and _saw_all_acknowledged(other, row):
        _spread(way, row, index, missing)
    if left >= way.highest:
        way.highest = right
    elif not _fill_gaps(way, copy, row, packets, round_trip_ns):
        _repeat(way, copy)
    elif right > way.highest:
        way.highest = right
    insort(way.open, copy, key=lambda item: item.left)


def _open_gap(way: _Direction, left: int, time_ns: int, index: int, missing: int) -> None:
    way.gaps.append(Gap(way.highest, left, time_ns, index, missing=missing))
    way.highest = left


def _saw_all_acknowledged(other: _Direction, row: Packet) -> bool:
    """A sender that acknowledges what never passed here uses another way as well: its packets may have gone there."""
    return other.base is None or other.unwrap(row[ACKNOWLEDGEMENT]) <= other.highest


def _fill_gaps(
    way: _Direction, copy: Copy, row: Packet, packets: tuple[Packet, ...], round_trip_ns: int | None
) -> bool:
    """Octets that never passed before fill a gap: they were lost on the way here, unless they were only overtaken.

    The sender's counter tells how many packets were lost in the gap's place; without one, it is one for each filler.
    """
    for number, gap in enumerate(way.gaps):
        if copy.left < gap.right and gap.left < copy.right:
            if not _is_straggler(way, gap, row, copy.packet, packets[gap.next_packet], round_trip_ns):
                count = 1 if way.numbers is None else gap.missing
                gap.missing = 0
                way.result.upstream.extend(Loss(gap.time_ns, copy.packet, copy.wire) for _ in range(count))
            way.gaps[number : number + 1] = [
                Gap(left, right, gap.time_ns, gap.next_packet, gap.heard_back, gap.missing)
                for left, right in ((gap.left, copy.left), (copy.right, gap.right))
                if left < right
            ]
            return True
    return False


def _is_straggler(
    way: _Direction, gap: Gap, row: Packet, index: int, following: Packet, round_trip_ns: int | None
) -> bool:
    """Whether a packet that fills a gap was sent before those that overtook it."""
    if way.numbers is not None and index in way.numbers and gap.next_packet in way.numbers:
        return way.numbers[index] < way.numbers[gap.next_packet]
    if row[TIMESTAMP] >= 0 and following[TIMESTAMP] >= 0 and row[TIMESTAMP] != following[TIMESTAMP]:
        return (following[TIMESTAMP] - row[TIMESTAMP]) % WORD < HALF
    waited = row[TIME] - gap.time_ns
    if round_trip_ns is not None:
        return waited < 0.8 * round_trip_ns or not gap.heard_back
    return waited < STRAGGLER_NS


def _repeat(way: _Direction, copy: Copy) -> None:
    """A segment passes again. If the receiver has not shown that it has it, the last copy is suspected lost."""
    if copy.right <= way.acknowledged or way.refused:
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
