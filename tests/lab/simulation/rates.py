"""Who finds room where more is offered than fits: token buckets of policers, queues of slow ports."""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from tests.lab.simulation.rules import Packet, Shaper

_SAMPLED_PACKETS = 1500
_FRAME = 14
_CLUMPED = 0.7
"""The share of packets that come right behind another: senders work in bursts and by the same clock."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A kind of packet that comes to a place at a rate."""

    per_second: float
    octets: int
    packet: Packet


def token_bucket(arrivals: Sequence[Arrival], octets_per_second: float, dice: random.Random) -> Shaper | None:
    """The share of packets that a policer finds beyond its rate: none while the rate is kept, more of large ones.

    A bucket that is nearly empty has room for small packets more often than for large ones, so the shares are those
    that packets met which were drawn at random.
    """
    offered = sum(item.per_second * (item.octets - _FRAME) for item in arrivals)
    if offered <= octets_per_second:
        return None
    total = sum(item.per_second for item in arrivals)
    weights = [item.per_second for item in arrivals]
    tokens, depth = octets_per_second * 0.05, octets_per_second * 0.1 + 1500
    met: dict[int, list[int]] = {}
    for item in dice.choices(arrivals, weights, k=_SAMPLED_PACKETS):
        if dice.random() >= _CLUMPED:
            tokens = min(depth, tokens + dice.expovariate(total * (1 - _CLUMPED)) * octets_per_second)
        size = item.octets - _FRAME
        count = met.setdefault(size, [0, 0])
        count[0] += 1
        if tokens >= size:
            tokens -= size
        else:
            count[1] += 1
    shares = sorted((size, beyond / seen) for size, (seen, beyond) in met.items() if seen >= 15)
    if not shares:
        return lambda _packet: 1 - octets_per_second / offered

    def excess(packet: Packet) -> float:
        return min(shares, key=lambda entry: abs(entry[0] - packet.length))[1]

    return excess


def lucky_excess(excess: float, packet: Packet) -> float:
    """The share of one stream that overflows a queue: steady senders keep hitting it full, or keep missing it."""
    if packet.protocol != "udp":
        return excess
    luck = zlib.crc32(repr(packet).encode()) % 2001 / 1000 - 1
    return float(excess ** (2.0 ** (1.3 * luck)))


def queue_excess(arrivals: Sequence[Arrival], bits_per_second: float) -> float:
    """The share of packets that overflow a queue counted in packets: the same for small and large."""
    offered = sum(item.per_second * item.octets * 8 for item in arrivals)
    return max(0.0, 1 - bits_per_second / offered) if offered else 0.0
