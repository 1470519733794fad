"""The books of a small capture, kept in plain Python by the same functions that run compiled for a large one."""

from __future__ import annotations

from collections.abc import Sequence

from attribution.packets.capture import Capture
from attribution.packets.columns import SACK_COUNT
from attribution.packets.lean import LEAN_WIDTH, SACKS_WIDTH, lean_row
from attribution.packets.ledger import Ledger, PlainBatch, plain_batch


def keep_books(capture: Capture) -> tuple[Ledger, PlainBatch]:
    """The ledger of a whole capture, and what was found of each packet in the order of the file.

    Segments are judged in the order of the file, as Wireshark does; losses are sought in the order of time.
    """
    packets = capture.packets
    batch = plain_batch(len(packets), SACKS_WIDTH * sum(packet[SACK_COUNT] > 0 for packet in packets))
    sacks_at = 0
    for index, packet in enumerate(packets):
        sacks_at = lean_row(packet, batch.lean, index * LEAN_WIDTH, batch.sacks, sacks_at)
    ledger = Ledger(len(packets))
    while not ledger.judge(batch):
        pass  # flows were closed; nothing else is under way
    ledger.tally(batch if capture.order is None else in_order(batch, capture.order))
    return ledger, batch


def in_order(batch: PlainBatch, order: Sequence[int]) -> PlainBatch:
    """The same packets in the order of time."""
    found = plain_batch(batch.count)
    found.sacks = batch.sacks
    begun: set[int] = set()
    for place, index in enumerate(order):
        found.lean[place * LEAN_WIDTH : (place + 1) * LEAN_WIDTH] = batch.lean[index * LEAN_WIDTH :][:LEAN_WIDTH]
        flow = batch.flow_of[index]
        found.flow_of[place] = flow
        found.health[place] = batch.health[index]
        found.fresh[place] = int(flow >= 0 and flow not in begun)
        begun.add(flow)
    return found
