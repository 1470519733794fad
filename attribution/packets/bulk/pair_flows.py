"""Flows of two captures in one table: both ends' addresses and ports, whichever of them sent."""

from __future__ import annotations

from typing import Any

from attribution.packets.bulk.pair_columns import (
    FLOW_ALIAS,
    FLOW_CLAIM,
    FLOW_CLAIMS,
    FLOW_GROUP,
    FLOW_HASH,
    FLOW_KEY,
    FLOW_OUTSIDE,
    FLOW_SEEN,
    FLOW_SIDES,
    FLOW_WAYS,
    FLOWS,
    GROUP_COUNT,
    GROUP_KEY,
    GROUP_WIDTH,
    GROUPS,
    NEVER,
    SIDE_WIDTH,
    WAY_LATEST,
    WAY_SAMPLES,
    WAY_WIDTH,
    Rows,
    Slots,
)
from attribution.packets.lean import (
    LEAN_HASH,
    LEAN_KEY,
    scatter,
)

Array = Any


def find_flow(lean: Array, at: int, slots: Array, flows: Array) -> Any:
    """The place in `slots` of a packet's flow, or the free one where it belongs."""
    mask = slots.shape[0] - 1
    hashed = lean[at, LEAN_HASH]
    slot = hashed & mask
    while slots[slot] >= 0:
        flow = slots[slot]
        if (
            flows[flow, FLOW_HASH] == hashed
            and flows[flow, FLOW_KEY + 1] == lean[at, LEAN_KEY + 1]
            and flows[flow, FLOW_KEY + 3] == lean[at, LEAN_KEY + 3]
            and flows[flow, FLOW_KEY + 4] == lean[at, LEAN_KEY + 4]
            and flows[flow, FLOW_KEY] == lean[at, LEAN_KEY]
            and flows[flow, FLOW_KEY + 2] == lean[at, LEAN_KEY + 2]
        ):
            break
        slot = (slot + 1) & mask
    return slot


def find_group(flows: Array, flow: int, slots: Array, groups: Array) -> Any:
    """The place in `slots` of the two addresses and the protocol of a flow, or the free one where they belong."""
    mask = slots.shape[0] - 1
    kind = flows[flow, FLOW_KEY + 4] & 0xFFFF
    mixed = scatter(flows[flow, FLOW_KEY + 1] ^ scatter(flows[flow, FLOW_KEY + 3] ^ flows[flow, FLOW_KEY]))
    slot = scatter(mixed ^ flows[flow, FLOW_KEY + 2] ^ kind << 40) & mask
    while slots[slot] >= 0:
        group = slots[slot]
        if (
            groups[group, GROUP_KEY + 1] == flows[flow, FLOW_KEY + 1]
            and groups[group, GROUP_KEY + 3] == flows[flow, FLOW_KEY + 3]
            and groups[group, GROUP_KEY] == flows[flow, FLOW_KEY]
            and groups[group, GROUP_KEY + 2] == flows[flow, FLOW_KEY + 2]
            and groups[group, GROUP_KEY + 4] == kind
        ):
            break
        slot = (slot + 1) & mask
    return slot


def enter_flow(
    lean: Array, at: int, slot: int, state: Array, slots: Array, flows: Array, group_slots: Array, groups: Array
) -> Any:
    """Begin a flow with this packet, and its group if that is new too."""
    flow = state[FLOWS]
    state[FLOWS] += 1
    slots[slot] = flow
    for word in range(5):
        flows[flow, FLOW_KEY + word] = lean[at, LEAN_KEY + word]
    flows[flow, FLOW_HASH] = lean[at, LEAN_HASH]
    flows[flow, FLOW_SEEN] = 0
    flows[flow, FLOW_ALIAS] = -1
    flows[flow, FLOW_OUTSIDE] = -1
    flows[flow, FLOW_CLAIM] = -1
    flows[flow, FLOW_CLAIMS] = 0
    for side in range(4):
        for column in range(SIDE_WIDTH):
            flows[flow, FLOW_SIDES + side * SIDE_WIDTH + column] = -1
    for way in range(2):
        for column in range(WAY_WIDTH):
            flows[flow, FLOW_WAYS + way * WAY_WIDTH + column] = 0
        flows[flow, FLOW_WAYS + way * WAY_WIDTH + WAY_LATEST] = NEVER
        flows[flow, FLOW_WAYS + way * WAY_WIDTH + WAY_SAMPLES] = -1
    slot = find_group(flows, flow, group_slots, groups)
    if group_slots[slot] < 0 and state[GROUPS] >= groups.shape[0]:
        flows[flow, FLOW_GROUP] = 0
        return flow
    if group_slots[slot] < 0:
        group = state[GROUPS]
        state[GROUPS] += 1
        group_slots[slot] = group
        for word in range(4):
            groups[group, GROUP_KEY + word] = flows[flow, FLOW_KEY + word]
        groups[group, GROUP_KEY + 4] = flows[flow, FLOW_KEY + 4] & 0xFFFF
        for column in range(GROUP_COUNT, GROUP_WIDTH):
            groups[group, column] = 0
    flows[flow, FLOW_GROUP] = group_slots[slot]
    return flow


def rehash_flows(slots: Slots, flows: Rows, count: int) -> None:
    """Fill a larger, empty hash table with the flows there are."""
    mask = slots.shape[0] - 1
    for flow in range(count):
        slot = flows[flow, FLOW_HASH] & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = flow


def group_of(flows: Array, way: int) -> Any:
    """The group × 2 + direction of a flow × 2 + direction."""
    return flows[way >> 1, FLOW_GROUP] << 1 | way & 1
