"""A packet that a capture does not show was not lost if something else shows that it arrived, or why it is not there.

It was answered or acknowledged (by more than a reset) though no copy of it passed the point: the capture missed it. Its
octets came in other segments (a network card cuts large ones and joins small ones), or its datagram in fragments. A
router told its sender that it was too big, by a message that came back by the point: path-MTU discovery. The
snap length cut its headers, so that it cannot be known again. Or the capture itself fell silent while traffic that must
have passed it went on elsewhere.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain, pairwise
from typing import Final, NamedTuple

from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import (
    ACK,
    ACKNOWLEDGEMENT,
    BLANK,
    DEPTH,
    FLAGS,
    FRAGMENT,
    ICMP,
    ICMP6,
    ICMP_TYPE,
    IP_ID,
    IP_LENGTH,
    LAYER_CUT,
    LAYERS,
    LENGTH,
    PAYLOAD,
    PROTOCOL,
    RST,
    SEQUENCE,
    SOURCE,
    SYN,
    TCP,
    TIME,
    TIMESTAMP,
    TRANSPORT,
    VERSION,
)
from attribution.packets.digest import quotes_segment, room_told
from attribution.packets.matching import Flow, Sighting, flow_of
from attribution.packets.one_point.limits import size_of
from attribution.packets.one_point.state import HEED_NS
from attribution.packets.ways import Clocks

WORD: Final = 0xFFFFFFFF
HALF: Final = 1 << 31
REACH_NS: Final = 5_000_000_000  # how far apart what explains a packet may be from it
ANSWER_NS: Final = 10_000_000_000
SLACK_NS: Final = 1_000_000


@dataclass(slots=True)
class Instance:
    """One packet on its way: where it was seen, in the order of the way.

    Of a copy that the network made, `again` is where the first point of the stretch saw the packet, and the second.
    """

    flow: Flow
    stops: list[Sighting]
    times: list[int]
    packet: Packet
    again: tuple[Sighting, int] | None = None


class Fate(Enum):
    """What became of a packet that the next capture does not show as such."""

    LOST = auto()
    IN_PIECES = auto()
    IN_FRAGMENTS = auto()
    ANSWERED = auto()
    CUT = auto()
    TOO_BIG = auto()


class Arrivals:
    """What shows of packets that were not seen whole that they arrived all the same."""

    def __init__(self, captures: Sequence[Capture], clocks: Clocks, flows: Mapping[Flow, Sequence[Instance]]) -> None:
        self._captures = captures
        self._clocks = clocks
        self._flows = flows
        self._answers: dict[tuple[Flow, int], _Answers] = {}
        self._passed: dict[tuple[Flow, int], dict[int, list[tuple[int, int]]]] = {}
        self._pieces: dict[tuple[Flow, int], _Pieces] = {}
        self._parts: dict[int, _Parts] = {}
        self._limits: dict[int, _Limits] = {}

    def fate(self, flow: Flow, instance: Instance, following: int) -> Fate:
        packet = instance.packet
        if flow[8] == TCP and packet[LENGTH] > 0 and packet[TRANSPORT] >= 0 and self._in_pieces(instance, following):
            return Fate.IN_PIECES
        parts = self._parts.get(following)
        if parts is None:
            parts = self._parts[following] = _Parts(following, self._captures[following], self._clocks)
        found = parts.explain(packet, instance.times[-1])
        if found is not None:
            return found
        if self._arrived(flow, instance, following):
            return Fate.ANSWERED
        return Fate.TOO_BIG if flow[8] == TCP and self._was_told(instance.stops[-1]) else Fate.LOST

    def _was_told(self, last: Sighting) -> bool:
        """Whether a router told a segment's sender that it was too big, by a message that passed the same point."""
        limits = self._limits.get(last.capture)
        if limits is None:
            limits = self._limits[last.capture] = _Limits(self._captures[last.capture])
        return limits.forbid(self._captures[last.capture].packets[last.packet])

    def _in_pieces(self, instance: Instance, following: int) -> bool:
        key = (instance.flow, following)
        pieces = self._pieces.get(key)
        if pieces is None:
            pieces = self._pieces[key] = _Pieces(
                (one.times[0], one.packet)
                for one in self._flows[instance.flow]
                if one.stops[0].capture == following and one.again is None
            )
        return pieces.gather(instance.packet, instance.times[-1])

    def _arrived(self, flow: Flow, instance: Instance, following: int) -> bool:
        packet, protocol = instance.packet, flow[8]
        if protocol in (ICMP, ICMP6) and packet[ICMP_TYPE] in (8, 128):
            reply = (*flow[4:8], *flow[:4], protocol, 0 if protocol == ICMP else 129, flow[10])
            return self._answers_of(reply, following).echoed(packet[SEQUENCE], instance.times[0])
        if protocol != TCP or not (packet[LENGTH] or packet[FLAGS] & SYN):
            return False
        left = packet[SEQUENCE]
        right = left + packet[LENGTH] + (1 if packet[FLAGS] & SYN else 0)
        reply = (*flow[4:8], *flow[:4], protocol, flow[10], flow[9])
        acknowledged = self._answers_of(reply, following).acknowledged(right & WORD, instance.times[0])
        return acknowledged and not self._came_again(flow, left, right, following)

    def _answers_of(self, flow: Flow, following: int) -> _Answers:
        """What says that a packet came by the following point. A device before it may have made a reset that it does
        not show, in the name of the end behind it (RFC 3360): such a reset acknowledges what never arrived."""
        found = self._answers.get((flow, following))
        if found is None:
            instances = [one for one in self._flows.get(flow, ()) if _answers_at(one, following)]
            found = self._answers[flow, following] = _Answers(instances)
        return found

    def _came_again(self, flow: Flow, left: int, right: int, following: int) -> bool:
        """Another copy of the octets passed the point, so that the acknowledgement may be that one's."""
        passed = self._passed.get((flow, following))
        if passed is None:
            passed = self._passed[flow, following] = _passed_octets(self._flows[flow], following)
        near = chain.from_iterable(passed.get(block, ()) for block in _blocks(left, right - left))
        return any((start - right) & WORD >= HALF and (left - start - size) & WORD >= HALF for start, size in near)


BLOCK_BITS: Final = 12


def _blocks(start: int, size: int) -> Iterator[int]:
    """The blocks of sequence numbers that octets touch."""
    return (block & WORD >> BLOCK_BITS for block in range(start >> BLOCK_BITS, (start + size >> BLOCK_BITS) + 1))


def _passed_octets(instances: Iterable[Instance], point: int) -> dict[int, list[tuple[int, int]]]:
    """The first sequence number and length of each segment that passed a point, by the blocks that they touch."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for one in instances:
        if any(stop.capture == point for stop in one.stops):
            start, size = one.packet[SEQUENCE], one.packet[LENGTH] + (1 if one.packet[FLAGS] & SYN else 0)
            for block in _blocks(start, size):
                found[block].append((start, size))
    return found


def _answers_at(instance: Instance, following: int) -> bool:
    reset = instance.flow[8] == TCP and instance.packet[FLAGS] & RST
    return not reset or any(stop.capture == following for stop in instance.stops)


class _Answers:
    """What a direction acknowledged or echoed, in the order of time; the farthest acknowledgement from each on."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        self.times = [one.times[0] for one in instances]
        self.farthest: list[int | None] = []
        reached: int | None = None
        for one in reversed(instances):
            if one.packet[FLAGS] & ACK and one.flow[8] == TCP:
                answer = one.packet[ACKNOWLEDGEMENT]
                reached = answer if reached is None or (answer - reached) & WORD < HALF else reached
            self.farthest.append(reached)
        self.farthest.reverse()
        self.echoes: dict[int, list[int]] = defaultdict(list)
        for one in instances:
            self.echoes[one.packet[SEQUENCE]].append(one.times[0])

    def acknowledged(self, right: int, since_ns: int) -> bool:
        place = bisect_left(self.times, since_ns - SLACK_NS)
        reached = self.farthest[place] if place < len(self.times) else None
        return reached is not None and (reached - right) & WORD < HALF

    def echoed(self, sequence: int, since_ns: int) -> bool:
        return any(since_ns - SLACK_NS <= time < since_ns + ANSWER_NS for time in self.echoes.get(sequence, ()))


class _Pieces:
    """Segments of a flow that one capture alone shows, and how many of their octets explain no segment yet."""

    def __init__(self, found: Iterator[tuple[int, Packet]]) -> None:
        rows = [(time, packet[SEQUENCE], packet[LENGTH]) for time, packet in found if packet[LENGTH] > 0]
        self.times = [time for time, _, _ in rows]
        self.starts = [start for _, start, _ in rows]
        self.sizes = [size for _, _, size in rows]
        self.free = list(self.sizes)

    def gather(self, packet: Packet, time_ns: int) -> bool:
        """Whether all of a segment's octets are there; then they are used up."""
        size, start = packet[LENGTH], packet[SEQUENCE]
        taken: list[tuple[int, int]] = []
        left = size
        for number in range(bisect_left(self.times, time_ns - REACH_NS), bisect_right(self.times, time_ns + REACH_NS)):
            if not self.free[number]:
                continue
            begins = (self.starts[number] - start) & WORD
            begins -= 1 << 32 if begins >= HALF else 0
            shared = min(size, begins + self.sizes[number]) - max(0, begins)
            octets = min(shared, self.free[number], left)
            if octets > 0:
                taken.append((number, octets))
                left -= octets
                if not left:
                    break
        if left:
            return False
        for number, octets in taken:
            self.free[number] -= octets
        return True


class _Limits:
    """What too-big messages that passed a capture told of the size of segments, by flow: when, and how much fits."""

    def __init__(self, capture: Capture) -> None:
        self.told: dict[Flow, list[tuple[int, int]]] = defaultdict(list)
        for packet, octets in zip(capture.packets, capture.octets, strict=True):
            if packet[PROTOCOL] in (ICMP, ICMP6) and packet[PAYLOAD] >= 0 and not packet[FRAGMENT]:
                row, quoted = list(packet), list(BLANK)
                quotes_segment(octets, 0, len(octets), row, quoted)
                room = room_told(octets, 0, len(octets), row, quoted)
                if room:
                    self.told[flow_of(tuple(quoted))].append((packet[TIME], room))

    def forbid(self, packet: Packet) -> bool:
        """Whether a segment was larger than its sender was told just after or just before, as `limits` has it."""
        if not self.told or packet[TRANSPORT] < 0:
            return False
        size = size_of(0, packet[LENGTH], packet[TIMESTAMP])
        told = self.told.get(flow_of(packet), ())
        return any(abs(time - packet[TIME]) <= HEED_NS and size > room for time, room in told)


class _Part(NamedTuple):
    time: int
    fragment: int
    octets: int
    cut: bool


class _Parts:
    """IP datagrams of one capture that are not whole: fragments, and headers that the snap length cut."""

    def __init__(self, number: int, capture: Capture, clocks: Clocks) -> None:
        self.parts: dict[tuple[int, ...], list[_Part]] = defaultdict(list)
        self.whole: dict[tuple[int, ...], list[tuple[int, int]]] = defaultdict(list)
        self.number = number
        self.capture = capture
        self.clocks = clocks
        for packet in capture.packets:
            cut = bool(packet[LAYERS] & LAYER_CUT and packet[DEPTH])
            if packet[FRAGMENT] or cut:
                time = clocks.common(number, packet[TIME])
                self.parts[_datagram(packet)].append(_Part(time, packet[FRAGMENT], packet[IP_LENGTH], cut))

    def explain(self, packet: Packet, time_ns: int) -> Fate | None:
        if packet[FRAGMENT]:
            return Fate.IN_FRAGMENTS if self._is_whole_here(packet, time_ns) else None
        if packet[LAYERS] & LAYER_CUT:
            return Fate.CUT if self._is_whole_here(packet, time_ns) else None
        if not self.parts:
            return None
        near = [part for part in self.parts.get(_datagram(packet), ()) if abs(part.time - time_ns) < REACH_NS]
        if any(part.cut and not part.fragment and part.octets == packet[IP_LENGTH] for part in near):
            return Fate.CUT
        octets = 0
        for part in sorted(near, key=lambda part: part.fragment):
            if part.fragment & ~7 <= octets:
                octets = max(octets, (part.fragment & ~7) + part.octets)
        return Fate.IN_FRAGMENTS if near and octets >= packet[IP_LENGTH] else None

    def _is_whole_here(self, packet: Packet, time_ns: int) -> bool:
        """A firewall puts fragments together again, another capture cuts no headers: then all of it is there."""
        if not self.whole:
            for other in self.capture.packets:
                if other[DEPTH] and not other[FRAGMENT] and not other[LAYERS] & LAYER_CUT:
                    time = self.clocks.common(self.number, other[TIME])
                    self.whole[_datagram(other)].append((time, other[IP_LENGTH]))
        end = (packet[FRAGMENT] & ~7) + packet[IP_LENGTH]
        alike = self.whole.get(_datagram(packet), ())
        return any(abs(time - time_ns) < REACH_NS and octets >= end for time, octets in alike)


def _datagram(packet: Packet) -> tuple[int, ...]:
    """What the fragments of one datagram share (RFC 791 §3.2)."""
    return (*packet[SOURCE : SOURCE + 8], packet[VERSION], packet[PROTOCOL], packet[IP_ID])


@dataclass(slots=True)
class Silence:
    """One capture shows nothing at all for a while; `from_beyond` packets came from behind it in that time."""

    capture: int
    start_ns: int
    end_ns: int
    towards: int = 0
    from_beyond: int = 0


SILENCE_NS: Final = 250_000_000  # an analyser that cannot keep up leaves out so much at once, and more
SILENCE_TIMES: Final = 20  # as long as the capture's usual pause
FEWEST_WITNESSES: Final = 3
FEWEST_TOWARDS: Final = 20


def find_silences(captures: Sequence[Capture], clocks: Clocks) -> list[list[Silence]]:
    """For each capture the times in which it shows no packet of anything, long by its own measure."""
    found: list[list[Silence]] = []
    for number, capture in enumerate(captures):
        times = sorted(clocks.common(number, packet[TIME]) for packet in capture.packets)
        pauses = [later - earlier for earlier, later in pairwise(times)]
        usual = sorted(pauses)[len(pauses) * 9 // 10] if pauses else 0
        long = max(SILENCE_NS, SILENCE_TIMES * usual)
        found.append(
            [Silence(number, time, time + pause) for time, pause in zip(times, pauses, strict=False) if pause > long]
        )
    return found


def silence_at(silences: Sequence[Silence], time_ns: int) -> Silence | None:
    """The silence that a time lies in; they are in the order of time."""
    place = bisect_left(silences, time_ns, key=lambda silence: silence.start_ns)
    return silences[place - 1] if place and time_ns < silences[place - 1].end_ns else None
