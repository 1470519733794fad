"""What was lost between capture points: packets that passed one and never came to the next on their way.

Each packet's way is the order of the points where it was seen. Where it stops short, it was lost before the point
that its flow went to next, last time (a packet that takes another way after a failure is not lost). Only that stretch
is charged, so no loss is counted twice. Not counted are packets that the second capture cannot speak of: before its
start and after its end, with a time to live too low to get there, or that arrived although they were never seen
(`arrivals`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from attribution.model.capture import ComparisonSummary
from attribution.model.incident import Interval
from attribution.model.observation import Caveat, PairCount
from attribution.model.phrase import Phrase
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.arrivals import (
    FEWEST_WITNESSES,
    REACH_NS,
    Arrivals,
    Fate,
    Instance,
    find_silences,
    silence_at,
)
from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import (
    DESTINATION_PORT,
    ICMP,
    ICMP6,
    PROTOCOL,
    SOURCE_PORT,
    TIME,
    TTL,
    VERSION,
    WIRE,
)
from attribution.packets.matching import Flow, Matches, Sighting, match_packets
from attribution.packets.remarks import Missed, Oddities, clock_caveats, remarks
from attribution.packets.stretches import PORTED, clock_figures, stretch_figures
from attribution.packets.tallies import (
    BIN_NS,
    FEWEST_SHARED,
    Ports,
    Stretch,
    Tally,
    mark_strangers,
    note_strangers,
    pair_counts,
)
from attribution.packets.ways import Clocks, Pair, common_clocks, find_ways, group_of

SHORTEST_MARGIN_NS: Final = 20_000_000
LONGEST_MARGIN_NS: Final = 1_000_000_000
STEADY: Final = 0.9  # share of a direction's packets that makes a way the usual one
ALIKE_TRIED: Final = 64
AROUND: Final = 16  # packets of a flow before and after one, and how many of them must have gone one way
AROUND_AGREED: Final = 0.75


def compare_captures(captures: Sequence[Capture]) -> Iterator[PairCount | Caveat]:
    """Yield, for neighbouring capture points of each direction of traffic, what was sent and lost in each second.

    `time_ns` is on the captures' common clock; `clock_shift_ns` is what was added to the first capture's own times.
    """
    comparison = Comparison(captures)
    yield from comparison.caveats()
    yield from comparison.counts()


def summarise_comparison(captures: Sequence[Capture]) -> ComparisonSummary:
    """Lay captures of several points over each other and put every stretch between neighbours into figures."""
    comparison = Comparison(captures)
    stretches = comparison.stretches()
    starts = [capture.start_ns for capture in captures]
    files = [capture.origin.file for capture in captures]
    return ComparisonSummary(
        packets=sum(len(capture.packets) for capture in captures),
        matched=sum(
            len(instance.stops)
            for instances in comparison.flows.values()
            for instance in instances
            if len(instance.stops) > 1
        ),
        stretches=tuple(stretch_figures(stretch) for stretch in stretches),
        clocks=clock_figures(files, starts, comparison.clocks.shifts),
        caveats=(
            *(caveat for capture in captures for caveat in capture.caveats),
            *comparison.remarks(),
            *note_strangers(stretches),
        ),
    )


class Comparison:
    """Several captures laid over each other: packets matched, clocks related, ways and losses known."""

    def __init__(self, captures: Sequence[Capture]) -> None:
        self.captures = captures
        self.matches = match_packets(captures)
        self.ways = find_ways(captures, self.matches)
        self.clocks = common_clocks(captures, self.ways)
        self.flows = _instances_by_flow(captures, self.matches, self.ways.ranks, self.clocks)
        self.starts = [self.clocks.common(n, capture.start_ns) for n, capture in enumerate(captures)]
        self.ends = [self.clocks.common(n, capture.end_ns) for n, capture in enumerate(captures)]
        self.margins = _margins(self.flows)
        self.hops = _hops(captures, self.flows)
        self.missed: dict[tuple[int, int], Missed] = defaultdict(Missed)
        self.silences = find_silences(captures, self.clocks)
        self._stretches: list[Stretch] | None = None

    def caveats(self) -> Iterator[Caveat]:
        files = [capture.origin.file for capture in self.captures]
        yield from clock_caveats(files, [capture.start_ns for capture in self.captures], self.clocks.shifts)
        for capture in self.captures:
            if capture.dropped:
                reason = Phrase("packets missing here may be the capture's own loss; not compared")
                yield Caveat(capture.origin.file, "frame 1", reason)

    def counts(self) -> Iterator[PairCount]:
        yield from pair_counts(self.stretches())

    def remarks(self) -> Iterator[Caveat]:
        """All that a reader of the figures must know besides them."""
        self.stretches()
        yield from self.caveats()
        files = [capture.origin.file for capture in self.captures]
        dropped = [capture.dropped for capture in self.captures]
        silences = [silence for silences in self.silences for silence in silences]
        matches = self.matches
        oddities = Oddities(matches.translated, matches.moved)
        yield from remarks(files, dropped, self.clocks.shifts, self.missed, silences, oddities)

    def stretches(self) -> list[Stretch]:
        """Every direction of traffic between two points that share enough of it."""
        if self._stretches is None:
            self._stretches = self._count()
        return self._stretches

    def _count(self) -> list[Stretch]:
        counted = _Counted(self)
        usual = self._usual_next()
        arrivals = Arrivals(self.captures, self.clocks, self.flows)
        self._witness_silences(usual)
        for flow, instances in self.flows.items():
            group = group_of(flow)
            nexts = _Nexts(instances, usual.get(group, {}))
            for instance in instances:
                counted.copied(instance)
                for place, (here, there) in enumerate(zip(instance.stops, instance.stops[1:], strict=False)):
                    counted.passed(instance, place, here, there)
                    skipped = nexts.skipped(here.capture, there.capture, instance.times[place])
                    if skipped is not None:
                        self.missed[here.capture, skipped].skipped += 1
                        counted.not_compared(instance, here, skipped)
                last = instance.stops[-1]
                following = nexts.after(last.capture, instance.times[-1])
                if following is not None:
                    self._judge(counted, arrivals, instance, last, following)
            counted.reordered(instances)
        return counted.finish()

    def _judge(self, counted: _Counted, arrivals: Arrivals, instance: Instance, last: Sighting, following: int) -> None:
        """What became of a packet that the following point does not show."""
        missed = self.missed[last.capture, following]
        if self.captures[following].dropped:
            counted.not_compared(instance, last, following)
            missed.dropped += 1
            return
        packet = self.captures[last.capture].packets[last.packet]
        time_ns = self.clocks.common(last.capture, packet[TIME])
        fate = arrivals.fate(instance.flow, instance, following)
        if fate in (Fate.IN_PIECES, Fate.IN_FRAGMENTS):
            missed.in_pieces += fate is Fate.IN_PIECES
            missed.in_fragments += fate is Fate.IN_FRAGMENTS
            counted.arrived(instance, last, following)
        elif fate in (Fate.ANSWERED, Fate.CUT, Fate.TOO_BIG):
            missed.answered += fate is Fate.ANSWERED
            missed.cut += fate is Fate.CUT
            missed.too_big += fate is Fate.TOO_BIG
            # What was acknowledged may have been another copy, which came by a point that nobody captured.
            echoed = fate is Fate.ANSWERED and instance.flow[8] in (ICMP, ICMP6)
            counted.not_compared(instance, last, following, echoed)
        elif not self._would_be_seen(packet, time_ns, last, following, group_of(instance.flow)):
            counted.not_compared(instance, last, following)
        else:
            silence = silence_at(self.silences[following], time_ns)
            if silence is not None:
                silence.towards += 1
            if silence is not None and silence.from_beyond >= FEWEST_WITNESSES:
                counted.not_compared(instance, last, following)
            else:
                counted.lost(instance, last, following)

    def _usual_next(self) -> dict[Pair, dict[int, int]]:
        """For each direction between two addresses and each point, the next point, if nearly all flows agree on it."""
        seen: dict[Pair, dict[int, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
        for flow, instances in self.flows.items():
            for instance in instances:
                for here, there in zip(instance.stops, instance.stops[1:], strict=False):
                    seen[group_of(flow)][here.capture][there.capture] += 1
        usual: dict[Pair, dict[int, int]] = {}
        for group, points in seen.items():
            for point, counter in points.items():
                following, count = counter.most_common(1)[0]
                if count >= STEADY * counter.total():
                    usual.setdefault(group, {})[point] = following
        return usual

    def _witness_silences(self, usual: dict[Pair, dict[int, int]]) -> None:
        """Count, for each silence, the packets that must have passed the silent point, for they came from beyond it."""
        if not any(self.silences):
            return
        for flow, instances in self.flows.items():
            before = {there: here for here, there in usual.get(group_of(flow), {}).items()}
            for instance in instances:
                passed = before.get(instance.stops[0].capture)
                silence = None if passed is None else silence_at(self.silences[passed], instance.times[0])
                if silence is not None:
                    silence.from_beyond += 1

    def _would_be_seen(self, packet: Packet, time_ns: int, here: Sighting, following: int, group: Pair) -> bool:
        """Whether the second capture was listening when the packet should have come by, and it could get that far."""
        doubt = self.clocks.shifts[here.capture].uncertainty_ns or 0
        doubt += self.clocks.shifts[following].uncertainty_ns or 0
        delay = self.margins.get((here.capture, following), SHORTEST_MARGIN_NS)
        listening = self.starts[following] + doubt <= time_ns <= self.ends[following] - delay - doubt
        return listening and packet[TTL] > self.hops.get((group, here.capture, following), 0)


class _Counted:
    """The stretches while they are being counted."""

    def __init__(self, comparison: Comparison) -> None:
        self.captures = comparison.captures
        self.clocks = comparison.clocks
        self.ranks = comparison.ways.ranks
        self.damaged = comparison.matches.damaged
        self.stretches: dict[tuple[int, int, Pair, int], Stretch] = {}
        self.shared: Counter[tuple[int, int, Pair]] = Counter()
        self.lost_in: dict[tuple[int, int, Pair, int], dict[Ports, Counter[int]]] = defaultdict(dict)

    def copied(self, instance: Instance) -> None:
        """A copy that the network made: it shows at the second point of a stretch only."""
        if instance.again is not None:
            here, second = instance.again
            for tally in self._tallies(instance, here, second, instance.times[0]):
                tally.duplicated += 1

    def passed(self, instance: Instance, place: int, here: Sighting, there: Sighting) -> None:
        delay_ns = instance.times[place + 1] - instance.times[place]
        self.shared[here.capture, there.capture, group_of(instance.flow)] += 1
        if self.captures[there.capture].dropped:
            stretch = self._stretch(instance, here, there.capture)
            stretch.not_compared += 1
            stretch.whole.delays_ns.append(delay_ns)
            return
        size = self._packet(here)[WIRE]
        for tally in self._tallies(instance, here, there.capture):
            tally.passed(here.packet + 1, size, delay_ns)

    def arrived(self, instance: Instance, last: Sighting, following: int) -> None:
        """It came in another form: when exactly is not measured."""
        self.shared[last.capture, following, group_of(instance.flow)] += 1
        for tally in self._tallies(instance, last, following):
            tally.passed(last.packet + 1, self._packet(last)[WIRE])

    def lost(self, instance: Instance, last: Sighting, following: int) -> None:
        packet = self._packet(last)
        for tally in self._tallies(instance, last, following):
            tally.missed(last.packet + 1, packet[WIRE])
        if (following, instance.flow) in self.damaged:
            return  # its flow came by there, if not whole
        of_stretch = self.lost_in[last.capture, following, group_of(instance.flow), instance.flow[8]]
        second = self.clocks.common(last.capture, packet[TIME]) // BIN_NS
        of_stretch.setdefault(_ports(packet), Counter())[second] += 1

    def not_compared(self, instance: Instance, last: Sighting, following: int, echoed: bool = False) -> None:
        stretch = self._stretch(instance, last, following)
        stretch.not_compared += 1
        if echoed:
            second = self.clocks.common(last.capture, self._packet(last)[TIME]) // BIN_NS
            stretch.echoed[second] = stretch.echoed.get(second, 0) + 1

    def reordered(self, instances: Sequence[Instance]) -> None:
        """Count the packets of one flow that arrived after one that was sent later (RFC 4737)."""
        arrivals: dict[tuple[int, int], list[tuple[int, int, int, Instance]]] = defaultdict(list)
        for number, instance in enumerate(instances):
            for place, (here, there) in enumerate(zip(instance.stops, instance.stops[1:], strict=False)):
                if not self.captures[there.capture].dropped:
                    times = (instance.times[place + 1], instance.times[place])
                    arrivals[here.capture, there.capture].append((*times, number, instance))
        for (first, second), found in arrivals.items():
            latest = None
            for _, sent, _, instance in sorted(found, key=lambda item: item[:3]):
                if latest is None or sent >= latest:
                    latest = sent
                    continue
                here = next(stop for stop in instance.stops if stop.capture == first)
                for tally in self._tallies(instance, here, second):
                    tally.reordered += 1

    def finish(self) -> list[Stretch]:
        """The stretches whose two points share enough of their traffic."""
        found = {key: stretch for key, stretch in self.stretches.items() if self.shared[key[:3]] >= FEWEST_SHARED}
        for key, stretch in found.items():
            stretch.behind = tuple(self._behind(key[1], key[2]))
            mark_strangers(stretch, self.lost_in.get(key, {}))
        return list(found.values())

    def _behind(self, point: int, group: Pair) -> Iterator[tuple[tuple[str, str | None], Interval]]:
        """The points further on, and when they listened: a packet that came by one of them counts as passed there."""
        ranks = self.ranks[group]
        for number, rank in ranks.items():
            capture = self.captures[number]
            if rank > ranks[point] and not capture.dropped:
                start_ns, end_ns = (self.clocks.common(number, at) for at in (capture.start_ns, capture.end_ns))
                yield capture.point, Interval(start_ns, end_ns)

    def _packet(self, sighting: Sighting) -> Packet:
        return self.captures[sighting.capture].packets[sighting.packet]

    def _stretch(self, instance: Instance, here: Sighting, second: int) -> Stretch:
        first = here.capture
        key = (first, second, group_of(instance.flow), instance.flow[8])
        stretch = self.stretches.get(key)
        if stretch is None:
            one, other = self.captures[first], self.captures[second]
            packet = self._packet(here)
            stretch = self.stretches[key] = Stretch(
                first=one.point,
                second=other.point,
                origin=one.origin,
                second_file=other.origin.file,
                source=source_text(packet),
                destination=destination_text(packet),
                protocol=instance.flow[8],
                version=packet[VERSION],
                shift_ns=self.clocks.shifts[first].at(one.start_ns),
            )
        return stretch

    def _tallies(
        self, instance: Instance, here: Sighting, second: int, time_ns: int | None = None
    ) -> tuple[Tally, Tally, Tally]:
        """Where a packet that was seen here, on its way to the second point, counts; when, if not then."""
        stretch = self._stretch(instance, here, second)
        packet = self._packet(here)
        ports = _ports(packet)
        bins, flows = stretch.bins, stretch.flows
        second_of_time = (self.clocks.common(here.capture, packet[TIME]) if time_ns is None else time_ns) // BIN_NS
        interval, flow = bins.get(second_of_time), flows.get(ports)
        if interval is None:
            interval = bins[second_of_time] = Tally()
        if flow is None:
            flow = flows[ports] = Tally()
        return stretch.whole, interval, flow


def _ports(packet: Packet) -> Ports:
    if packet[PROTOCOL] in PORTED and packet[SOURCE_PORT] >= 0:
        return (packet[SOURCE_PORT], packet[DESTINATION_PORT])
    return (None, None)


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
        self.forked = {point for point, (_, nexts) in self.seen.items() if len(set(nexts)) > 1}

    def after(self, point: int, time_ns: int) -> int | None:
        found = self.seen.get(point)
        if found is None:
            return self.usual.get(point)
        times, nexts = found
        place = bisect_right(times, time_ns)
        return nexts[place - 1] if place else nexts[0]

    def skipped(self, point: int, following: int, time_ns: int) -> int | None:
        """The point where nearly all packets around this one went instead: it did not show this one."""
        if point not in self.forked:
            return None
        times, nexts = self.seen[point]
        place = bisect_left(times, time_ns)
        around = nexts[max(0, place - AROUND) : place + AROUND]
        most, count = Counter(around).most_common(1)[0]
        return most if most != following and count >= AROUND_AGREED * len(around) else None


Ranks = dict[Pair, dict[int, int]]
Delays = dict[tuple[Pair, int, int], int]


def _instances_by_flow(
    captures: Sequence[Capture], matches: Matches, ranks: Ranks, clocks: Clocks
) -> dict[Flow, list[Instance]]:
    """Every packet's way, by flow, in the order of the common time at which it was first seen.

    Packets alike to the bit are told apart by how long they usually take: that is learned from all others first.
    """
    flows: dict[Flow, list[Instance]] = defaultdict(list)
    ranks_of = [ranks.get(group_of(flow)) for flow in matches.flows]
    repeated: list[tuple[Flow, list[Sighting], dict[int, int]]] = []
    for (number, _), sightings in matches.keyed.items():
        found = ranks_of[number]
        if not found:
            continue
        flow = matches.flows[number]
        if len(sightings) > 1 and len({sighting.capture for sighting in sightings}) < len(sightings):
            repeated.append((flow, sightings, found))
        elif (instance := _single(captures, flow, sightings, found, clocks)) is not None:
            flows[flow].append(instance)
    usual = _usual_delays(flows) if repeated else {}
    for flow, sightings, found in repeated:
        flows[flow].extend(_told_apart(captures, flow, sightings, found, clocks, usual))
    for instances in flows.values():
        instances.sort(key=lambda instance: instance.times[0])
    return flows


def _single(
    captures: Sequence[Capture], flow: Flow, sightings: list[Sighting], ranks: dict[int, int], clocks: Clocks
) -> Instance | None:
    """Sightings of one key at different points are one packet."""
    if len(sightings) == 1:
        (sighting,) = sightings
        packet = captures[sighting.capture].packets[sighting.packet]
        if sighting.capture not in ranks:
            return None
        return Instance(flow, sightings, [clocks.common(sighting.capture, packet[TIME])], packet)
    stops = sorted((one for one in sightings if one.capture in ranks), key=lambda one: ranks[one.capture])
    if not stops:
        return None
    packets = [captures[one.capture].packets[one.packet] for one in stops]
    times = [clocks.common(one.capture, packet[TIME]) for one, packet in zip(stops, packets, strict=True)]
    return Instance(flow, stops, times, packets[0])


def _usual_delays(flows: dict[Flow, list[Instance]]) -> Delays:
    found: dict[tuple[Pair, int, int], list[int]] = defaultdict(list)
    for flow, instances in flows.items():
        group = group_of(flow)
        for instance in instances:
            times = instance.times
            for place, (here, there) in enumerate(zip(instance.stops, instance.stops[1:], strict=False)):
                found[group, here.capture, there.capture].append(times[place + 1] - times[place])
    return {key: int(median(delays)) for key, delays in found.items()}


def _told_apart(
    captures: Sequence[Capture],
    flow: Flow,
    sightings: list[Sighting],
    ranks: dict[int, int],
    clocks: Clocks,
    usual: Delays,
) -> list[Instance]:
    """Packets alike to the bit, seen more than once by one point: a sender repeated them, or the network did.

    Each is joined to the one before it that took most nearly the usual time. One that nothing is left for is a copy
    that the network made, if another of its like came the same way. A sighting with a lower time to live at the same
    point is the same packet going round in a loop.
    """
    rows: list[tuple[int, int, Sighting, Packet]] = []
    for sighting in sightings:
        rank = ranks.get(sighting.capture)
        if rank is not None:
            packet = captures[sighting.capture].packets[sighting.packet]
            rows.append((rank, clocks.common(sighting.capture, packet[TIME]), sighting, packet))
    rows.sort(key=lambda row: row[:3])
    found: list[Instance] = []
    here: int | None = None
    lowest = 0
    ends: dict[int, list[tuple[int, int]]] = {}
    for _, time_ns, sighting, packet in rows:
        if sighting.capture != here:
            here, lowest = sighting.capture, 0
            ends = _ends(found)
        if packet[TTL] < lowest:
            continue
        lowest = packet[TTL]
        joined = _nearest(found, ends, sighting, time_ns, group_of(flow), usual)
        if joined is not None:
            found[joined].stops.append(sighting)
            found[joined].times.append(time_ns)
        else:
            found.append(Instance(flow, [sighting], [time_ns], packet))
    for instance in found:
        instance.again = _copy_of(instance, found)
    return found


def _ends(found: Sequence[Instance]) -> dict[int, list[tuple[int, int]]]:
    """By the point where they were last seen: the times of packets, and which they are."""
    ends: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, instance in enumerate(found):
        ends[instance.stops[-1].capture].append((instance.times[-1], number))
    for times in ends.values():
        times.sort()
    return ends


def _nearest(
    found: Sequence[Instance],
    ends: dict[int, list[tuple[int, int]]],
    sighting: Sighting,
    time_ns: int,
    group: Pair,
    usual: Delays,
) -> int | None:
    """Which packet on its way this sighting continues: the one that should have come nearest to its time."""
    best, least = None, REACH_NS
    for point, times in ends.items():
        wanted = time_ns - usual.get((group, point, sighting.capture), 0)
        place = bisect_left(times, (wanted, -1))
        near = (
            *range(place, min(place + ALIKE_TRIED, len(times))),
            *range(place - 1, max(place - ALIKE_TRIED, -1), -1),
        )
        for at in near:
            last, number = times[at]
            if abs(last - wanted) < least and found[number].stops[-1].capture == point:
                best, least = number, abs(last - wanted)
    return best


def _copy_of(instance: Instance, found: Sequence[Instance]) -> tuple[Sighting, int] | None:
    """The stretch on which the network copied a packet: its like came over it, and it came from nowhere."""
    here = instance.stops[0].capture
    for other in found:
        for one, another in zip(other.stops, other.stops[1:], strict=False):
            if other is not instance and another.capture == here:
                return one, here
    return None


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
        group = group_of(flow)
        for instance in instances:
            for here, there in zip(instance.stops, instance.stops[1:], strict=False):
                key = (group, here.capture, there.capture)
                if key not in hops:
                    before = captures[here.capture].packets[here.packet][TTL]
                    hops[key] = before - captures[there.capture].packets[there.packet][TTL]
    return hops
