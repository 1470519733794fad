"""What the network does with its traffic between any two changes: shares that pass, rates at ports, traced paths."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.lab.observed import Walk
from tests.lab.orders import Orders, Trace
from tests.lab.simulation.conversations import Conversation, Passage, conversations
from tests.lab.simulation.fabric import Element, Fabric, Queue
from tests.lab.simulation.forwarding import Forwarding, Way
from tests.lab.simulation.plan_index import IndexedPlan
from tests.lab.simulation.rates import Arrival, lucky_excess, queue_excess, token_bucket
from tests.lab.simulation.rules import Chain, Packet

_TOO_SHORT_SECONDS = 0.05
"""Changes that come this close together make no stretch of their own."""

_QUEUE_PACKETS = 20
_FIRST_TRACE, _BETWEEN_TRACES = 0.4, 0.05
_PROBE_LENGTH, _EXCEEDED_LENGTH = 60, 88


@dataclass(slots=True, eq=False)
class Stretch:
    """Rates at all ports over a time in which nothing changed."""

    start: float
    end: float
    in_packets: list[float]
    out_packets: list[float]
    in_octets: list[float]
    out_octets: list[float]
    dropped: dict[Chain, float] = field(default_factory=dict)
    overflowed: dict[int, float] = field(default_factory=dict)
    """Packets in a second that found no room in a port's queue."""
    unsent: dict[int, int] = field(default_factory=dict)
    """Ports without a carrier by which something should leave, and how many packets were under way just then."""


@dataclass(frozen=True, slots=True)
class _Passed:
    """A kind of packet on its way: how much is left after each place, and how much arrives."""

    way: Way
    after: list[float] | None
    """None where nothing is lost."""
    arrived: float


class Observer:
    """Follows the whole traffic through every state of the network."""

    def __init__(self, plan: IndexedPlan, fabric: Fabric, forwarding: Forwarding, orders: Orders, start: float,
                 delays_ms: dict[int, float], most_hops: int, dice: random.Random) -> None:
        self._plan, self._fabric, self._forwarding = plan, fabric, forwarding
        self._dice, self._delays_ms, self._most_hops = dice, delays_ms, most_hops
        self.conversations = conversations(plan, orders, forwarding)
        self.stretches: list[Stretch] = []
        self.walks: list[Walk] = []
        self._since = start
        self._lengths: dict[int, int] = {}
        self._traces = [(orders.start + _FIRST_TRACE + number * _BETWEEN_TRACES, number, trace)
                        for number, trace in enumerate(orders.traces)]
        self._end = orders.end

    def settle(self, now: float, however_short: bool = False) -> None:
        """Account for the time until now, in which nothing changed."""
        if now - self._since > (0.0 if however_short else _TOO_SHORT_SECONDS):
            self._observe(self._since, now)
            self._since = now

    # ------------------------------------------------------------ traffic

    def _observe(self, start: float, end: float) -> None:
        rated_chains = [(element, chain) for element, chains in self._fabric.elements.items() for chain in chains
                        if any(rule.octets_per_second is not None for rule in chain.rules)]
        rated_queues = [(number, queue) for number, queue in self._fabric.state.queues.items()
                        if queue.bits_per_second is not None]
        active = [item for item in self.conversations
                  if item.span is None or (item.span[0] < end - 1e-6 and item.span[1] > start + 1e-6)]
        if rated_chains or rated_queues:
            self._share_rates(active, rated_chains, rated_queues)
        stretch = self._new_stretch(start, end)
        for conversation in active:
            self._follow(conversation, start, stretch)
        self.stretches.append(stretch)
        self._walk_due(end)

    def _new_stretch(self, start: float, end: float) -> Stretch:
        count = len(self._plan.all_ports)
        return Stretch(start, end, [0.0] * count, [0.0] * count, [0.0] * count, [0.0] * count)

    def _follow(self, conversation: Conversation, start: float, stretch: Stretch | None,
                arrivals: dict[Element, list[Arrival]] | None = None) -> None:
        """One conversation through the network as it stands."""
        there = self._pass(conversation.source, conversation.there)
        landed = there.way.end or conversation.source
        right = there.arrived if landed == conversation.destination else 0.0
        back, answered = None, 0.0
        if conversation.back is not None and there.arrived > 0:
            back = self._pass(landed, conversation.back)
            if back.way.end == conversation.source:
                answered = there.arrived * back.arrived
        rate, back_rate = conversation.per_second, conversation.back_per_second * there.arrived
        if conversation.patient:
            eagerness = 0.12 + 0.88 * answered * answered
            rate, back_rate = rate * eagerness, back_rate * eagerness
        if arrivals is not None:
            _arrive(there, rate, conversation.octets, conversation.there, arrivals)
            if back is not None and conversation.back is not None:
                _arrive(back, back_rate, conversation.back_octets, conversation.back, arrivals)
        if stretch is not None:
            trip = self._delay(there.way) + (self._delay(back.way) if back is not None else 0.0)
            conversation.note(Passage(start, right, answered, trip))
            self._count(stretch, there, rate, conversation.octets, conversation.there)
            if back is not None and conversation.back is not None:
                self._count(stretch, back, back_rate, conversation.back_octets, conversation.back)

    def _pass(self, source: str, packet: Packet) -> _Passed:
        way = self._forwarding.way(source, packet)
        filters, queues = self._fabric.elements, self._fabric.state.queues
        if not filters and not queues:
            return _Passed(way, None, 1.0 if way.arrives else 0.0)
        left, after, touched = 1.0, [], False
        for element in way.elements:
            chains = filters.get(element)
            if chains is not None:
                for chain in chains:
                    left *= chain.passed(packet)
                touched = True
            elif element[0] == "queue" and (queue := queues.get(element[1])) is not None:
                left *= (1 - queue.loss) * (1 - lucky_excess(queue.excess, packet))
                touched = True
            after.append(left)
        return _Passed(way, after if touched else None, left if way.arrives else 0.0)

    def _delay(self, way: Way) -> float:
        """Milliseconds one way, without chance."""
        total = 0.011 * len(way.crossings)
        for out, _ in way.crossings:
            total += self._delays_ms.get(out, 0.0)
            queue = self._fabric.state.queues.get(out)
            if queue is not None:
                total += queue.delay_ms
                if queue.full and queue.bits_per_second:
                    total += _QUEUE_PACKETS * 1442 * 8000 / queue.bits_per_second
        return round(total, 6)

    def _count(self, stretch: Stretch, passed: _Passed, rate: float, octets: int, packet: Packet) -> None:
        """Add a kind of packet to the counters of the ports that it passes, and to what was dropped where."""
        if rate <= 0:
            return
        if passed.way.unsent_at is not None:
            self._note_unsent(stretch, passed.way.unsent_at)
        after = passed.after
        if after is None:
            for out, into in passed.way.crossings:
                stretch.out_packets[out] += rate
                stretch.out_octets[out] += rate * octets
                stretch.in_packets[into] += rate
                stretch.in_octets[into] += rate * octets
            return
        before = 1.0
        for place, element in enumerate(passed.way.elements):
            kind, number = element
            if kind == "queue":
                stretch.out_packets[number] += rate * after[place]
                stretch.out_octets[number] += rate * octets * after[place]
                if after[place] < before:
                    stretch.overflowed[number] = stretch.overflowed.get(number, 0.0) + rate * (before - after[place])
            elif kind == "in":
                stretch.in_packets[number] += rate * before  # a filter at the door stands behind the counter
                stretch.in_octets[number] += rate * octets * before
            if after[place] < before:
                self._meter(stretch, element, rate, before, packet)
            before = after[place]

    def _note_unsent(self, stretch: Stretch, port: int) -> None:
        """What is under way to a lost neighbour is discarded; routers have more under way than others."""
        if port in stretch.unsent:
            return
        before = self.stretches[-1] if self.stretches else None
        if before is not None and port in before.unsent:
            stretch.unsent[port] = 0
            return
        ends = (self._plan.all_ports[port].role, self._plan.all_ports[self._plan.far[port]].role)
        busy = all(self._plan.node(role).routes for role in ends)
        stretch.unsent[port] = self._dice.choice((0, 1, 1, 2, 3, 7) if busy else (0, 0, 0, 1))

    def _meter(self, stretch: Stretch, element: Element, rate: float, before: float, packet: Packet) -> None:
        for chain in self._fabric.elements.get(element, ()):
            passed = chain.passed(packet)
            if chain.counts_drops:
                stretch.dropped[chain] = stretch.dropped.get(chain, 0.0) + rate * before * (1 - passed)
            before *= passed

    def _share_rates(self, active: list[Conversation], chains: list[tuple[Element, Chain]],
                     queues: list[tuple[int, Queue]]) -> None:
        """Who finds room where more is offered than a rate allows; upstream losses are taken into account."""
        for _ in range(2):
            arrivals: dict[Element, list[Arrival]] = {element: [] for element, _ in chains}
            arrivals |= {("queue", number): [] for number, _ in queues}
            for conversation in active:
                self._follow(conversation, 0.0, None, arrivals)
            for element, chain in chains:
                for rule in chain.rules:
                    if rule.octets_per_second is not None:
                        eligible = [item for item in arrivals[element] if all(match(item.packet)
                                                                              for match in rule.matches)]
                        rule.excess = token_bucket(eligible, rule.octets_per_second, self._dice)
            for number, queue in queues:
                assert queue.bits_per_second is not None
                queue.excess = queue_excess(arrivals["queue", number], queue.bits_per_second)
                queue.full = queue.excess > 0

    # ------------------------------------------------------------ traced paths

    def _walk_due(self, until: float) -> None:
        """Trace the paths whose time has come, through the network as it stands."""
        while self._traces and self._traces[0][0] <= until:
            moment, number, trace = self._traces.pop(0)
            if moment <= self._end + 0.5:
                self.walks.append(self._trace(moment, number, trace))
                self._traces.append((moment + trace.period_s, number, trace))
                self._traces.sort(key=lambda entry: entry[:2])

    def _trace(self, moment: float, number: int, trace: Trace) -> Walk:
        target = int(self._plan.address(trace.destination))
        source = self._forwarding.source_address(trace.source, target)
        passed = self._pass(trace.source, Packet("icmp", source, target, _PROBE_LENGTH))
        answered: dict[int, tuple[str, float]] = {}
        arrived_at: int | None = None
        for hop, (role, links) in enumerate(passed.way.stops[: self._most_hops], start=1):
            last = hop == len(passed.way.stops)
            if last and passed.way.dies_unlooked:
                break
            arrives = last and passed.way.arrives
            reached = passed.arrived if arrives else _left_before_node(passed, links)
            address = target if arrives else self._forwarding.source_address(role, source)
            length = _PROBE_LENGTH if arrives else _EXCEEDED_LENGTH
            back = self._pass(role, Packet("icmp", address, source, length))
            if back.way.end == trace.source and self._dice.random() < reached * back.arrived:
                base = 0.05 + self._delay(back.way) * 2
                answered[hop] = (_dotted(address), base * self._dice.lognormvariate(0.2, 0.4))
                if arrives:
                    arrived_at = hop
        if arrived_at is not None:
            self._lengths[number] = arrived_at
        last_hop = arrived_at or max(self._lengths.get(number, 0), max(answered, default=0), 3)
        hops = tuple((hop, *answered.get(hop, ("", None))) for hop in range(1, last_hop + 1))
        return Walk(moment + self._dice.uniform(0.0, 0.004), trace.source, trace.destination, hops)


def _left_before_node(passed: _Passed, links: int) -> float:
    """How much of a packet is left when it comes to the node after so many links."""
    if passed.after is None:
        return 1.0
    left = 1.0
    for place, number in enumerate(passed.way.link_of_element):
        kind = passed.way.elements[place][0]
        if number >= links or (kind == "node" and number >= links - 1):
            break
        left = passed.after[place]
    return left


def _arrive(passed: _Passed, rate: float, octets: int, packet: Packet, arrivals: dict[Element, list[Arrival]]) -> None:
    """Note what comes to each place that limits a rate."""
    before = 1.0
    for place, element in enumerate(passed.way.elements):
        if element in arrivals and rate * before > 0:
            arrivals[element].append(Arrival(rate * before, octets, packet))
        if passed.after is not None:
            before = passed.after[place]


def _dotted(address: int) -> str:
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"
