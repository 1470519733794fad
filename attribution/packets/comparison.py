"""What was lost between capture points: packets that passed one and never came to the next on their way.

Each packet's way is the order of the points where it was seen. Where it stops short, it was lost before the point
that its flow went to next, last time (a packet that takes another way after a failure is not lost). Only that stretch
is charged, so no loss is counted twice. Not counted are packets that the second capture cannot speak of: before its
start and after its end, with a time to live too low to get there, or answered although never seen.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from attribution.model.observation import Caveat, PairCount
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import Capture, Packet
from attribution.packets.clocks import ClockRelation, Passage, relate_clocks
from attribution.packets.columns import (
    ACK,
    ACKNOWLEDGEMENT,
    FLAGS,
    ICMP,
    ICMP6,
    ICMP_TYPE,
    LENGTH,
    SEQUENCE,
    SYN,
    TCP,
    TIME,
    TTL,
    UDP,
    WIRE,
)
from attribution.packets.matching import Flow, Matches, Sighting, match_packets

BIN_NS: Final = 1_000_000_000
FRAMES_SHOWN: Final = 16
SHORTEST_MARGIN_NS: Final = 20_000_000
LONGEST_MARGIN_NS: Final = 1_000_000_000
FEWEST_SHARED: Final = 3
NAMES: Final = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMP6: "icmp"}
Pair = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Clocks:
    """The captures' clocks on one scale: `shifts[n]` turns capture n's times into the common time."""

    shifts: tuple[ClockRelation, ...]

    def common(self, capture: int, time_ns: int) -> int:
        return time_ns + self.shifts[capture].at(time_ns)


@dataclass(slots=True)
class Instance:
    """One packet on its way: where it was seen, in the order of the way."""

    flow: Flow
    stops: list[Sighting]
    times: list[int]
    packet: Packet


@dataclass(slots=True)
class _Tally:
    """One second of one direction between two points."""

    sent: int = 0
    lost: int = 0
    smallest_lost: int | None = None
    largest_passed: int | None = None
    frames: list[int] = field(default_factory=list)
    first_frame: int = 0


def compare_captures(captures: Sequence[Capture]) -> Iterator[PairCount | Caveat]:
    """Yield, for neighbouring capture points of each direction of traffic, what was sent and lost in each second.

    `time_ns` is on the captures' common clock; `clock_shift_ns` is what was added to the first capture's own times.
    """
    comparison = Comparison(captures)
    yield from comparison.caveats()
    yield from comparison.counts()


class Comparison:
    """Several captures laid over each other: packets matched, clocks related, ways and losses known."""

    def __init__(self, captures: Sequence[Capture]) -> None:
        self.captures = captures
        matches = match_packets(captures)
        self.ways = _find_ways(captures, matches)
        self.clocks = _common_clocks(captures, self.ways)
        self.flows = _instances_by_flow(captures, matches, self.ways, self.clocks)
        self.starts = [self.clocks.common(n, capture.start_ns) for n, capture in enumerate(captures)]
        self.ends = [self.clocks.common(n, capture.end_ns) for n, capture in enumerate(captures)]
        self.margins = _margins(self.flows)
        self.hops = _hops(captures, self.flows)

    def caveats(self) -> Iterator[Caveat]:
        for number, capture in enumerate(self.captures):
            relation = self.clocks.shifts[number]
            shift = relation.at(capture.start_ns)
            if abs(shift) > 50_000_000:
                yield Caveat(
                    capture.origin.file,
                    "frame 1",
                    f"this clock is {-shift / 1e9:+.6f} s off the other captures'; set right for the comparison",
                )
            if capture.dropped:
                yield Caveat(
                    capture.origin.file, "frame 1", "packets missing here may be the capture's own loss; not compared"
                )

    def counts(self) -> Iterator[PairCount]:
        tallies: dict[tuple[int, int, Pair, int, int], _Tally] = {}
        examples: dict[Pair, Packet] = {}
        usual = self._usual_next()
        answered = _Answers(self)
        for flow, instances in self.flows.items():
            group = _group(flow)
            nexts = _Nexts(instances, usual.get(group, {}))
            for instance in instances:
                examples.setdefault(group, instance.packet)
                for here, there in zip(instance.stops, instance.stops[1:], strict=False):
                    self._count(tallies, instance, here, there.capture, group, lost=False)
                last = instance.stops[-1]
                following = nexts.after(last.capture, instance.times[-1])
                if following is not None and not answered.arrived(flow, instance, following):
                    self._count(tallies, instance, last, following, group, lost=True)
        yield from self._observations(tallies, examples)

    def _usual_next(self) -> dict[Pair, dict[int, int]]:
        """For each direction between two addresses and each point, the next point, if nearly all flows agree on it."""
        seen: dict[Pair, dict[int, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
        for flow, instances in self.flows.items():
            for instance in instances:
                for here, there in zip(instance.stops, instance.stops[1:], strict=False):
                    seen[_group(flow)][here.capture][there.capture] += 1
        usual: dict[Pair, dict[int, int]] = {}
        for group, points in seen.items():
            for point, counter in points.items():
                following, count = counter.most_common(1)[0]
                if count >= 0.9 * counter.total():
                    usual.setdefault(group, {})[point] = following
        return usual

    def _count(
        self,
        tallies: dict[tuple[int, int, Pair, int, int], _Tally],
        instance: Instance,
        here: Sighting,
        following: int,
        group: Pair,
        lost: bool,
    ) -> None:
        packet = self.captures[here.capture].packets[here.packet]
        time_ns = self.clocks.common(here.capture, packet[TIME])
        if self.captures[following].dropped:
            return
        if lost and not self._would_be_seen(packet, time_ns, here, following, group):
            return
        protocol = instance.flow[8]
        key = (here.capture, following, group, protocol, time_ns // BIN_NS)
        tally = tallies.get(key)
        if tally is None:
            tally = tallies[key] = _Tally(first_frame=here.packet + 1)
        tally.sent += 1
        size = packet[WIRE]
        if lost:
            tally.lost += 1
            if len(tally.frames) < FRAMES_SHOWN:
                tally.frames.append(here.packet + 1)
            tally.smallest_lost = size if tally.smallest_lost is None else min(size, tally.smallest_lost)
        else:
            tally.largest_passed = max(size, tally.largest_passed or 0)

    def _would_be_seen(self, packet: Packet, time_ns: int, here: Sighting, following: int, group: Pair) -> bool:
        """Whether the second capture was listening when the packet should have come by, and it could get that far."""
        doubt = self.clocks.shifts[here.capture].uncertainty_ns or 0
        doubt += self.clocks.shifts[following].uncertainty_ns or 0
        delay = self.margins.get((here.capture, following), SHORTEST_MARGIN_NS)
        listening = self.starts[following] + doubt <= time_ns <= self.ends[following] - delay - doubt
        return listening and packet[TTL] > self.hops.get((group, here.capture, following), 0)

    def _observations(
        self, tallies: dict[tuple[int, int, Pair, int, int], _Tally], examples: dict[Pair, Packet]
    ) -> Iterator[PairCount]:
        shared: Counter[tuple[int, int, Pair]] = Counter()
        for (first, second, group, _, _), tally in tallies.items():
            shared[first, second, group] += tally.sent - tally.lost
        for (first, second, group, protocol, second_of_time), tally in sorted(
            tallies.items(), key=lambda item: (item[0][4], item[0][:4])
        ):
            if shared[first, second, group] < FEWEST_SHARED:
                continue
            one, other = self.captures[first], self.captures[second]
            packet = examples[group]
            yield PairCount(
                time_ns=second_of_time * BIN_NS,
                end_ns=(second_of_time + 1) * BIN_NS,
                origin=one.origin,
                locator=f"frame {tally.frames[0] if tally.frames else tally.first_frame}",
                first=one.point,
                second=other.point,
                second_file=other.origin.file,
                source=source_text(packet),
                destination=destination_text(packet),
                protocol=NAMES.get(protocol, str(protocol)),
                sent=tally.sent,
                lost=tally.lost,
                clock_shift_ns=self.clocks.shifts[first].at(one.start_ns),
                smallest_lost=tally.smallest_lost,
                largest_passed=tally.largest_passed,
                frames=tuple(tally.frames),
            )


def _group(flow: Flow) -> Pair:
    """The direction between two addresses that a flow belongs to."""
    return flow[:8]


@dataclass(slots=True)
class _Ways:
    """Who comes before whom: for each direction between two addresses, the rank of each capture on the way.

    `passages` are the times at two captures of the packets seen once at both, by direction.
    """

    ranks: dict[Pair, dict[int, int]]
    passages: dict[tuple[int, int], tuple[list[Passage], list[Passage]]]


def _find_ways(captures: Sequence[Capture], matches: Matches) -> _Ways:
    """Order the capture points on each direction of traffic: a lower time to live is farther on.

    Points with the same time to live (two ends of one cable, a switch between) are told apart by time: the direction
    in which the second clock reads more ahead is the one in which packets get there later, whatever the offset.
    """
    shared: dict[Pair, dict[tuple[int, int], list[tuple[int, int, int]]]] = defaultdict(lambda: defaultdict(list))
    groups = [shared[_group(flow)] for flow in matches.flows]
    for (flow, _), sightings in matches.keyed.items():
        if len(sightings) < 2:
            continue
        pairs = groups[flow]
        rows = [(capture, captures[capture].packets[index]) for capture, index in sightings]
        if len({capture for capture, _ in rows}) < len(rows):
            continue
        for place, (near, packet) in enumerate(rows):
            time_ns, life = packet[TIME], packet[TTL]
            for far, twin in rows[place + 1 :]:
                pairs[near, far].append((time_ns, twin[TIME], life - twin[TTL]))
    directions = _directions(shared)
    passages: dict[tuple[int, int], tuple[list[Passage], list[Passage]]] = defaultdict(lambda: ([], []))
    ranks: dict[Pair, dict[int, int]] = {}
    for group, pairs in shared.items():
        wins: Counter[int] = Counter()
        for (near, far), found in pairs.items():
            forward = directions[group, near, far]
            passages[near, far][0 if forward else 1].extend((first, second) for first, second, _ in found)
            wins[near] += 1 if forward else 0
            wins[far] += 0 if forward else 1
        ranks[group] = {point: -count for point, count in wins.items()}
    return _Ways(ranks, dict(passages))


def _directions(
    shared: dict[Pair, dict[tuple[int, int], list[tuple[int, int, int]]]],
) -> dict[tuple[Pair, int, int], bool]:
    """Whether traffic of a direction between two addresses goes from the first capture of a pair to the second."""
    decided: dict[tuple[Pair, int, int], bool] = {}
    differences: dict[tuple[int, int], dict[Pair, float]] = defaultdict(dict)
    bounds: dict[tuple[int, int], tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for group, pairs in shared.items():
        for (one, other), found in pairs.items():
            fall = median([fall for _, _, fall in found])
            ahead = median([second - first for first, second, _ in found])
            differences[one, other][group] = ahead
            if fall:
                decided[group, one, other] = fall > 0
                bounds[one, other][0 if fall > 0 else 1].append(ahead)
    for (one, other), groups in differences.items():
        there, back = bounds[one, other]
        for group, ahead in groups.items():
            if (group, one, other) in decided:
                continue
            opposite = groups.get((*group[4:], *group[:4]))
            if opposite is not None and opposite != ahead:
                decided[group, one, other] = ahead > opposite
            elif there and back:
                decided[group, one, other] = ahead > (min(there) + max(back)) / 2
            else:
                rest = [value for other_group, value in groups.items() if other_group != group]
                decided[group, one, other] = ahead > median(rest) if rest else ahead >= 0
    return decided


def _common_clocks(captures: Sequence[Capture], ways: _Ways) -> Clocks:
    """Hang all clocks on one: the stated ones are true, else the middle one is taken for true."""
    relations: dict[int, dict[int, ClockRelation]] = defaultdict(dict)
    weights: dict[tuple[int, int], int] = {}
    for (one, other), (there, back) in ways.passages.items():
        relation = relate_clocks(there, back)
        if relation is not None:
            relations[other][one] = relation.reversed
            relations[one][other] = relation
            weights[one, other] = weights[other, one] = min(len(there), len(back)) * 1000 + len(there) + len(back)
    shifts: dict[int, ClockRelation] = {}
    for root in range(len(captures)):
        if root in shifts:
            continue
        members = _hang_on(root, relations, weights)
        chosen = _truest(members, captures)
        members = _hang_on(chosen, relations, weights) if chosen != root else members
        shifts.update(members)
    return Clocks(tuple(shifts[number] for number in range(len(captures))))


def _hang_on(
    root: int, relations: dict[int, dict[int, ClockRelation]], weights: dict[tuple[int, int], int]
) -> dict[int, ClockRelation]:
    """Relate every clock that can be reached to the root's, over the relations with the most packets first."""
    members = {root: ClockRelation(0, 0)}
    while True:
        candidates = [
            (weights[inner, outer], inner, outer)
            for inner in members
            for outer in relations.get(inner, {})
            if outer not in members
        ]
        if not candidates:
            return members
        _, inner, outer = max(candidates)
        step, base = relations[outer][inner], members[inner]
        offset = step.offset_ns + base.at(step.reference_ns + step.offset_ns)
        members[outer] = ClockRelation(step.reference_ns, offset, step.drift + base.drift, step.uncertainty_ns)


def _truest(members: dict[int, ClockRelation], captures: Sequence[Capture]) -> int:
    """A clock whose offset was stated is true; else the one in the middle of them all."""
    stated = [number for number in members if captures[number].origin.clock_offset_ns is not None]
    offsets = sorted((members[number].at(captures[number].start_ns), number) for number in stated or members)
    return offsets[len(offsets) // 2][1]


def _instances_by_flow(
    captures: Sequence[Capture], matches: Matches, ways: _Ways, clocks: Clocks
) -> dict[Flow, list[Instance]]:
    """Every packet's way, by flow, in the order of the common time at which it was first seen."""
    flows: dict[Flow, list[Instance]] = defaultdict(list)
    ranks_of = [ways.ranks.get(_group(flow)) for flow in matches.flows]
    for (number, _), sightings in matches.keyed.items():
        ranks = ranks_of[number]
        if ranks:
            flow = matches.flows[number]
            flows[flow].extend(_instances(captures, flow, sightings, ranks, clocks))
    for instances in flows.values():
        instances.sort(key=lambda instance: instance.times[0])
    return flows


def _instances(
    captures: Sequence[Capture], flow: Flow, sightings: list[Sighting], ranks: dict[int, int], clocks: Clocks
) -> Iterator[Instance]:
    """Sightings of one key are one packet, unless a point saw it twice: then a sender repeated it to the bit.

    A sighting with a lower time to live at the same point is the same packet going round in a loop.
    """
    if len(sightings) == 1:
        sighting = sightings[0]
        packet = captures[sighting.capture].packets[sighting.packet]
        if sighting.capture in ranks:
            yield Instance(flow, sightings, [clocks.common(sighting.capture, packet[TIME])], packet)
        return
    timed = []
    for sighting in sightings:
        packet = captures[sighting.capture].packets[sighting.packet]
        rank = ranks.get(sighting.capture)
        if rank is not None:
            timed.append((clocks.common(sighting.capture, packet[TIME]), rank, sighting, packet))
    if not timed:
        return
    if len({rank_and.capture for _, _, rank_and, _ in timed}) == len(timed):
        timed.sort(key=lambda item: item[1])
        yield Instance(flow, [item[2] for item in timed], [item[0] for item in timed], timed[0][3])
        return
    timed.sort(key=lambda item: (item[0], item[1]))
    lowest: dict[int, int] = {}
    current: Instance | None = None
    reached = 0
    for time_ns, rank, sighting, packet in timed:
        if packet[TTL] < lowest.get(sighting.capture, 0):
            continue
        lowest[sighting.capture] = packet[TTL]
        if current is None or rank <= reached or sighting.capture in {stop.capture for stop in current.stops}:
            if current is not None:
                yield current
            current = Instance(flow, [], [], packet)
        current.stops.append(sighting)
        current.times.append(time_ns)
        reached = rank
    if current is not None:
        yield current


class _Nexts:
    """Where a flow's packets go from each point, as it was last seen before a time (or first seen after it)."""

    def __init__(self, instances: Sequence[Instance], usual: dict[int, int]) -> None:
        self.usual = usual
        self.seen: dict[int, tuple[list[int], list[int]]] = {}
        for instance in instances:
            for place, (here, there) in enumerate(zip(instance.stops, instance.stops[1:], strict=False)):
                times, nexts = self.seen.setdefault(here.capture, ([], []))
                times.append(instance.times[place])
                nexts.append(there.capture)

    def after(self, point: int, time_ns: int) -> int | None:
        found = self.seen.get(point)
        if found is None:
            return self.usual.get(point)
        times, nexts = found
        place = bisect_right(times, time_ns)
        return nexts[place - 1] if place else nexts[0]


class _Answers:
    """Who answered although a capture did not see the question pass: such packets went another way, or were missed."""

    def __init__(self, comparison: Comparison) -> None:
        self.flows = comparison.flows
        self.captures = comparison.captures
        self.acknowledged: dict[Flow, list[tuple[int, int]]] = {}

    def arrived(self, flow: Flow, instance: Instance, following: int) -> bool:
        packet, protocol = instance.packet, flow[8]
        if protocol in (ICMP, ICMP6) and packet[ICMP_TYPE] in (8, 128):
            reply = (*flow[4:8], *flow[:4], protocol, 0 if protocol == ICMP else 129, flow[10])
            return any(
                answer.packet[SEQUENCE] == packet[SEQUENCE] and answer.times[0] >= instance.times[0] - 1_000_000
                for answer in self.flows.get(reply, ())
                if abs(answer.times[0] - instance.times[0]) < 10 * BIN_NS
            )
        if protocol != TCP or not (packet[LENGTH] or packet[FLAGS] & SYN):
            return False
        left = packet[SEQUENCE]
        right = left + packet[LENGTH] + (1 if packet[FLAGS] & SYN else 0)
        reply = (*flow[4:8], *flow[:4], protocol, flow[10], flow[9])
        acknowledged = any(
            answer.packet[FLAGS] & ACK
            and answer.times[0] >= instance.times[0] - 1_000_000
            and (answer.packet[ACKNOWLEDGEMENT] - right) & 0xFFFFFFFF < 1 << 31
            for answer in self.flows.get(reply, ())
        )
        return acknowledged and not self._came_again(flow, left, right, following)

    def _came_again(self, flow: Flow, left: int, right: int, following: int) -> bool:
        """Another copy of the octets passed the point, so that the acknowledgement may be that one's."""
        for other in self.flows[flow]:
            if any(stop.capture == following for stop in other.stops):
                packet = other.packet
                size = packet[LENGTH] + (1 if packet[FLAGS] & SYN else 0)
                if (packet[SEQUENCE] - right) & 0xFFFFFFFF >= 1 << 31 and (
                    left - packet[SEQUENCE] - size
                ) & 0xFFFFFFFF >= 1 << 31:
                    return True
        return False


def _margins(flows: dict[Flow, list[Instance]]) -> dict[tuple[int, int], int]:
    """How long before a capture's end a packet must have left the point before to be missed: the worst delay seen."""
    worst: dict[tuple[int, int], int] = {}
    for instances in flows.values():
        for instance in instances:
            stops, times = instance.stops, instance.times
            for place in range(len(stops) - 1):
                pair = (stops[place].capture, stops[place + 1].capture)
                delay = abs(times[place + 1] - times[place])
                if delay > worst.get(pair, 0):
                    worst[pair] = delay
    return {pair: min(delay, LONGEST_MARGIN_NS) for pair, delay in worst.items()}


def _hops(captures: Sequence[Capture], flows: dict[Flow, list[Instance]]) -> dict[tuple[Pair, int, int], int]:
    """How many routers lie between two points on each direction of traffic."""
    hops: dict[tuple[Pair, int, int], int] = {}
    for flow, instances in flows.items():
        group = _group(flow)
        for instance in instances:
            for here, there in zip(instance.stops, instance.stops[1:], strict=False):
                key = (group, here.capture, there.capture)
                if key not in hops:
                    before = captures[here.capture].packets[here.packet][TTL]
                    hops[key] = before - captures[there.capture].packets[there.packet][TTL]
    return hops
