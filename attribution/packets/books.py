"""The books of a small capture, kept in plain Python by the same functions that run compiled for a large one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import BLANK, FRAGMENT, ICMP, ICMP6, PROTOCOL, SACK_COUNT
from attribution.packets.digest import digest_row
from attribution.packets.fragments import HEADS, NUMBERS
from attribution.packets.lean import LEAN_WIDTH, lean_row
from attribution.packets.ledger import Ledger, PlainBatch, plain_batch

EXTRA_WORDS: Final = LEAN_WIDTH  # the most that one packet needs


def keep_books(capture: Capture) -> Ledger:
    """The ledger of a whole capture.

    Segments are judged in the order of the file, as Wireshark does; losses are sought in the order of time, and not by
    what a mirror port showed again; what arrived damaged did not arrive.
    """
    ledger, batch = judge_packets(capture)
    for index in capture.set_aside:
        batch.flow_of[index] = -1
    ledger.follow(batch if capture.order is None else in_order(batch, capture.order))
    ledger.finish()
    return ledger


def judge_packets(capture: Capture) -> tuple[Ledger, PlainBatch]:
    """The flows of a capture, and what was found of each packet in the order of the file."""
    packets = capture.packets
    more = sum(1 for packet in packets if packet[SACK_COUNT] or _may_quote(packet))
    batch = plain_batch(len(packets), more * EXTRA_WORDS)
    scratch = list(BLANK * 2)
    store = ([0] * NUMBERS, bytearray(HEADS)) if any(packet[FRAGMENT] for packet in packets) else ([], bytearray())
    extra_at = 0
    for index, packet in enumerate(packets):
        at = index * LEAN_WIDTH
        if packet[FRAGMENT] or _may_quote(packet):
            octets = capture.octets[index]
            extra_at = digest_row(
                octets, 0, len(octets), list(packet), scratch, *store, batch.lean, at, batch.extra, extra_at
            )
        else:
            extra_at = lean_row(packet, batch.lean, at, batch.extra, extra_at)
    ledger = Ledger(len(packets))
    while not ledger.judge(batch):
        pass  # flows were closed; nothing else is under way
    return ledger, batch


def _may_quote(packet: Packet) -> bool:
    return packet[PROTOCOL] in (ICMP, ICMP6)


def in_order(batch: PlainBatch, order: Sequence[int]) -> PlainBatch:
    """The same packets in the order of time."""
    found = plain_batch(batch.count)
    found.extra = batch.extra
    begun: set[int] = set()
    for place, index in enumerate(order):
        row = batch.lean[index * LEAN_WIDTH : (index + 1) * LEAN_WIDTH]
        found.lean[place * LEAN_WIDTH : (place + 1) * LEAN_WIDTH] = row
        flow = batch.flow_of[index]
        found.flow_of[place] = flow
        found.health[place] = batch.health[index]
        found.fresh[place] = int(flow >= 0 and flow not in begun)
        begun.add(flow)
    return found
