"""Connections that did not come about, by the service that was asked: few words for any number of attempts.

Services are rows of integers in an open-addressing hash table of SERVICES slots. The kernel runs as it stands on lists
and compiled on arrays.
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import Row
from attribution.packets.flow_table import (
    ACCEPTED,
    ASKED,
    FLOW_HASH,
    FLOW_LAST_FRAME,
    FLOW_LAST_TIME,
    FLOW_OPENING,
    FLOW_SIDES,
    FLOW_STARTER,
    FLOW_WIDTH,
    REFUSED,
    SIDE_FIRST,
    SIDE_WIDTH,
)
from attribution.packets.lean import scatter

Words = Row

PATIENCE_NS: Final = 1_000_000_000  # a handshake that had less time than this may still succeed
MOST_ATTEMPTS: Final = 1_000  # listed one by one for each service
SERVICES: Final = 1 << 12
FULLEST: Final = 3 * SERVICES // 4

SERVICE_HIGH: Final = 0  # the server's address
SERVICE_LOW: Final = 1
SERVICE_KIND: Final = 2  # port × 65536 + version × 256 + how far the handshake came
SERVICE_COUNT: Final = 3  # 0 where the slot is free
SERVICE_START: Final = 4
SERVICE_END: Final = 5
SERVICE_LISTED: Final = 6
SERVICE_WIDTH: Final = 7

# What `gather_failures` tells
LISTED: Final = 0
USED_SERVICES: Final = 1
LEFT_OUT: Final = 2  # attempts at services that there was no room for
FAILURE_COUNTERS: Final = 3


def gather_failures(
    table: Words, count: int, last_frame: int, end_ns: int, services: Words, counters: Words, listed: Words
) -> int:
    """Count the failed connections among flows whose last packet is not after `last_frame`, by service.

    `listed` gets the numbers of the first flows of each service. Connections that may still succeed at `end_ns` are
    left out. Answers how many flows are listed.
    """
    counters[LISTED] = 0
    for flow in range(count):
        base = flow * FLOW_WIDTH
        opening = table[base + FLOW_OPENING]
        if table[base + FLOW_HASH] < 0 or table[base + FLOW_LAST_FRAME] > last_frame:
            continue
        waiting = opening in (ASKED, ACCEPTED)
        if opening != REFUSED and (not waiting or end_ns - table[base + FLOW_LAST_TIME] < PATIENCE_NS):
            continue
        starter = table[base + FLOW_STARTER]
        server = base + (2 if starter == 0 else 0)
        port = (table[base + 4] >> (16 if starter == 0 else 32)) & 0xFFFF
        kind = port << 16 | table[base + 4] & 0xFF00 | opening
        at = find_service(services, table[server], table[server + 1], kind)
        if services[at + SERVICE_COUNT] == 0:
            if counters[USED_SERVICES] >= FULLEST:
                counters[LEFT_OUT] += 1
                continue
            counters[USED_SERVICES] += 1
            services[at + SERVICE_HIGH] = table[server]
            services[at + SERVICE_LOW] = table[server + 1]
            services[at + SERVICE_KIND] = kind
        began = table[base + FLOW_SIDES + starter * SIDE_WIDTH + SIDE_FIRST]
        if services[at + SERVICE_COUNT] == 0 or began < services[at + SERVICE_START]:
            services[at + SERVICE_START] = began
        if services[at + SERVICE_COUNT] == 0 or began > services[at + SERVICE_END]:
            services[at + SERVICE_END] = began
        services[at + SERVICE_COUNT] += 1
        if services[at + SERVICE_LISTED] < MOST_ATTEMPTS:
            services[at + SERVICE_LISTED] += 1
            listed[counters[LISTED]] = flow
            counters[LISTED] += 1
    return counters[LISTED]


def find_service(services: Words, high: int, low: int, kind: int) -> int:
    """Where a service's row stands, or the free one where it belongs."""
    slot = scatter(scatter(high ^ scatter(low)) ^ kind) & (SERVICES - 1)
    while True:
        at = slot * SERVICE_WIDTH
        if services[at + SERVICE_COUNT] == 0 or (
            services[at + SERVICE_LOW] == low and services[at + SERVICE_HIGH] == high
            and services[at + SERVICE_KIND] == kind
        ):  # fmt: skip
            return at
        slot = (slot + 1) & (SERVICES - 1)
