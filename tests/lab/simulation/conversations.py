"""The traffic of a recording as rates of kinds of packets: who asks whom, and what comes back."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field

from tests.lab.orders import Orders, Ping, Requests, Stream, Transfer
from tests.lab.simulation.forwarding import Forwarding
from tests.lab.simulation.plan_index import IndexedPlan
from tests.lab.simulation.rules import Packet

_IP_ICMP, _IP_UDP, _FRAME = 28, 28, 14
_VARIANTS = 4
"""Short connections come from ports of their own, which equal paths tell apart; so many kinds stand for all."""

Order = Ping | Stream | Transfer | Requests


@dataclass(frozen=True, slots=True)
class Passage:
    """How a conversation fared in one stretch of time."""

    start: float
    there: float
    """The share of what was sent that came to the right node."""
    answered: float
    """The share of what was asked that was answered to whoever asked."""
    round_trip_ms: float


@dataclass(slots=True, eq=False)
class Conversation:
    """One kind of packet from one node to another, and the kind that answers it."""

    order: Order
    variant: int
    source: str
    destination: str
    there: Packet
    back: Packet | None
    per_second: float
    back_per_second: float
    octets: int
    back_octets: int
    patient: bool = False
    """Whether the sender slows down when nothing comes back, as TCP does."""
    span: tuple[float, float] | None = None
    passages: list[Passage] = field(default_factory=list)

    def note(self, passage: Passage) -> None:
        """Remember a stretch, unless nothing differs from the one before."""
        last = self.passages[-1] if self.passages else None
        if last is None or (last.there, last.answered, last.round_trip_ms) != \
                (passage.there, passage.answered, passage.round_trip_ms):
            self.passages.append(passage)

    def at(self, moment: float) -> Passage:
        """How it fared at a moment."""
        place = bisect.bisect_right(self.passages, moment, key=lambda passage: passage.start)
        return self.passages[max(0, place - 1)]


def conversations(plan: IndexedPlan, orders: Orders, forwarding: Forwarding) -> list[Conversation]:
    """Everything that the orders send."""
    found: list[Conversation] = []
    for ping in orders.pings:
        target = _number(ping.address)
        source = forwarding.source_address(ping.source, target)
        there = Packet("icmp", source, target, ping.size + _IP_ICMP)
        back = Packet("icmp", target, source, ping.size + _IP_ICMP)
        size = there.length + _FRAME
        found.append(Conversation(ping, 0, ping.source, ping.destination, there, back, ping.per_second,
                                  ping.per_second, size, size))
    for stream in orders.streams:
        source, target = int(plan.address(stream.source)), int(plan.address(stream.destination))
        there = Packet("udp", source, target, stream.size + _IP_UDP, 40000 + stream.port % 1000, stream.port)
        span = None if stream.start is None or stream.end is None else (stream.start, stream.end)
        found.append(Conversation(stream, 0, stream.source, stream.destination, there, None, stream.per_second, 0.0,
                                  there.length + _FRAME, 0, span=span))
    for transfer in orders.transfers:
        source, target = int(plan.address(transfer.source)), int(plan.address(transfer.destination))
        there, back = _tcp_pair(source, target, 50100 + transfer.port % 100, transfer.port, 1500, 52)
        packets = 3 / transfer.period_s
        octets = round(transfer.burst_octets / 3) + 52 + _FRAME
        found.append(Conversation(transfer, 0, transfer.source, transfer.destination, there, back, packets,
                                  packets * 0.7, octets, 66, patient=True))
    for requests in orders.requests:
        source, target = int(plan.address(requests.source)), int(plan.address(requests.destination))
        for variant in range(_VARIANTS):
            there, back = _tcp_pair(source, target, 41000 + 977 * variant, requests.port, 60, 60)
            there = there._replace(opening=True)
            packets = 5 / requests.period_s / _VARIANTS
            found.append(Conversation(requests, variant, requests.source, requests.destination, there, back, packets,
                                      packets, 110, 190, patient=True))
    return found


def _tcp_pair(source: int, target: int, source_port: int, port: int, length: int, back: int) -> tuple[Packet, Packet]:
    return (Packet("tcp", source, target, length, source_port, port),
            Packet("tcp", target, source, back, port, source_port))


def _number(address: str) -> int:
    one, two, three, four = address.split(".")
    return int(one) << 24 | int(two) << 16 | int(three) << 8 | int(four)
