"""What no router changes of a packet makes a number of 62 bits, by which another capture knows it again.

Among a million packets in a window the chance that two different ones share it is one in ten million.
"""

from __future__ import annotations

from typing import Any

from attribution.packets.bulk.pair_columns import Rows, Vector
from attribution.packets.columns import (
    LAYER_OPTIONS_CUT,
    TCP,
)
from attribution.packets.lean import (
    LEAN_ACKNOWLEDGEMENT,
    LEAN_DIGEST,
    LEAN_DIRECTION,
    LEAN_ECHO,
    LEAN_FLAGS,
    LEAN_HASH,
    LEAN_KEPT,
    LEAN_KEY,
    LEAN_LAYERS,
    LEAN_LENGTH,
    LEAN_MARK,
    LEAN_SCALE,
    LEAN_SEQUENCE,
    LEAN_TIMESTAMP,
    LEAN_WINDOW,
    scatter,
)

Array = Any


def number_packets(lean: Rows, count: int, octets: int, timestamps: int, numbers: Vector) -> None:
    """Give each packet the number that no router changes, made of everything but its flow; -1 where it has none.

    `octets` of payload (0, 8 or 24) are compared where the headers say little, TCP timestamps where `timestamps` is 1.
    """
    for at in range(count):
        if lean[at, LEAN_DIRECTION] < 0:
            numbers[at] = -1
            continue
        protocol = lean[at, LEAN_KEY + 4] & 0xFF
        mark = lean[at, LEAN_MARK] >> 8
        if protocol == TCP and lean[at, LEAN_LENGTH] >= 0:
            here = scatter(lean[at, LEAN_SEQUENCE] ^ mark << 33)
            there = scatter(lean[at, LEAN_ACKNOWLEDGEMENT] + (lean[at, LEAN_WINDOW] << 33) ^ lean[at, LEAN_FLAGS] << 50)
            rest = scatter(lean[at, LEAN_LENGTH] + 3)
            if timestamps and lean[at, LEAN_TIMESTAMP] >= 0:
                rest = scatter(rest ^ lean[at, LEAN_TIMESTAMP] << 30 ^ lean[at, LEAN_ECHO])
        else:
            here = scatter(lean[at, LEAN_SEQUENCE] ^ mark << 33)
            there = scatter(lean[at, LEAN_WINDOW] << 8 ^ protocol)
            rest = scatter(lean[at, LEAN_SCALE] + 5)
            digest = lean[at, LEAN_DIGEST]
            if octets >= 24:
                rest = scatter(rest ^ digest)
            elif octets >= 8:
                rest = scatter(rest ^ digest >> 31 & 0x3FFFFFFF)
        first = scatter(here ^ there << 1 ^ rest << 2)
        second = scatter(first ^ here + (there << 31) ^ rest << 5)
        numbers[at] = first << 31 | second


def least_payload(lean: Rows, count: int) -> int:
    """Octets of payload kept of every packet that is not TCP, at most 24; × 2, + 1 if all TCP options are whole."""
    least = 24
    whole = 1
    for at in range(count):
        if lean[at, LEAN_DIRECTION] < 0:
            continue
        if lean[at, LEAN_KEY + 4] & 0xFF == TCP:
            if lean[at, LEAN_LAYERS] & LAYER_OPTIONS_CUT:
                whole = 0
        else:
            least = min(least, lean[at, LEAN_KEPT])
    return least * 2 + whole


def with_flow(number: int, lean: Array, at: int) -> int:
    """A packet's number with its flow mixed in, for captures that share no table of flows yet."""
    mixed = lean[at, LEAN_HASH] << 1 | lean[at, LEAN_DIRECTION]
    return scatter(number ^ mixed << 29) << 31 | scatter((number >> 31) + mixed)


def number_flows(lean: Rows, count: int, numbers: Vector) -> None:
    """Mix the flow into each packet's number."""
    for at in range(count):
        if numbers[at] >= 0:
            numbers[at] = with_flow(numbers[at], lean, at)
