"""Which packets of a capture were damaged on their way: their checksum is wrong, while the like of them is right.

Where a sender's card is still to do the sums, most or all packets of that sender have a wrong checksum, often those of
one kind only (the long ones, or those to a neighbour on the same machine): that says nothing. So packets are judged
among their like: from the same sender to the same receiver, of one protocol, with or without payload. An IP header is
judged among all of its sender's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from attribution.packets.checksums import Check, Packet, check_packet
from attribution.packets.columns import INTERFACE, LENGTH, PROTOCOL, SOURCE, VERSION

FEWEST_WHOLE: Final = 8  # like packets that came whole, before one that did not counts as damaged
Like = tuple[int, ...]


def find_damaged(packets: Sequence[Packet], octets: Sequence[bytes]) -> frozenset[int]:
    """Which packets a receiver would drop for a checksum that was right when they were sent."""
    checks = list(map(check_packet, packets, octets))
    wrong = [index for index, check in enumerate(checks) if check.is_wrong]
    if not wrong:
        return frozenset()
    whole = Counter(like for packet, check in zip(packets, checks, strict=True) for like in _proven(packet, check))
    counted = Counter(_like(packets[index], checks[index]) for index in wrong)
    told = {like for like, count in counted.items() if whole[like] >= max(count + 1, FEWEST_WHOLE)}
    return frozenset(index for index in wrong if _like(packets[index], checks[index]) in told)


def _like(packet: Packet, check: Check) -> Like:
    if check is Check.WRONG_IP:
        return (packet[INTERFACE], *packet[SOURCE : SOURCE + 4])
    return (packet[INTERFACE], *packet[SOURCE : PROTOCOL + 1], packet[LENGTH] > 0)


def _proven(packet: Packet, check: Check) -> Iterator[Like]:
    """Among which packets this one speaks for the others: it is right, or its card was to make it so."""
    if check in (Check.RIGHT, Check.UNFINISHED):
        yield _like(packet, check)
    if packet[VERSION] == 4 and check is not Check.WRONG_IP:
        yield _like(packet, Check.WRONG_IP)
