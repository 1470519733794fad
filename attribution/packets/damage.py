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

from attribution.packets.checksums import Check, Packet, check_packet, is_plainly_right
from attribution.packets.columns import CAPTURED, CHECKSUM, INTERFACE, LENGTH, PROTOCOL, SOURCE, VERSION, WIRE
from attribution.packets.sums import is_drawn

FEWEST_WHOLE: Final = 8  # like packets that came whole, before one that did not counts as damaged
Like = tuple[int, ...]


def find_damaged(packets: Sequence[Packet], octets: Sequence[bytes]) -> frozenset[int]:
    """Which packets a receiver would drop for a checksum that was right when they were sent.

    Sums take time, and nearly always nothing is wrong: so first all short packets and a fourth of the others are looked
    at, and all of them only if one is wrong. Of sixteen damaged ones none is among a fourth once in a hundred times.
    """
    if not any(check_packet(packets[index], octets[index]).is_wrong for index in _looked_at_first(packets, octets)):
        return frozenset()
    checks = {index: check_packet(packet, octets[index]) for index, packet in enumerate(packets) if _is_whole(packet)}
    wrong = {index: _like(packets[index], check) for index, check in checks.items() if check.is_wrong}
    proven = Counter(like for index, check in checks.items() for like in _proven(packets[index], check))
    counted = Counter(wrong.values())
    told = {like for like, count in counted.items() if proven[like] >= max(count + 1, FEWEST_WHOLE)}
    return frozenset(index for index, like in wrong.items() if like in told)


def _is_whole(packet: Packet) -> bool:
    return packet[VERSION] > 0 and packet[CAPTURED] >= packet[WIRE]


def _looked_at_first(packets: Sequence[Packet], octets: Sequence[bytes]) -> Iterator[int]:
    """Packets that one sum does not show to be right; among the short and those drawn."""
    for index, packet in enumerate(packets):
        drawn = is_drawn(packet[CAPTURED], packet[WIRE], packet[CHECKSUM])
        if drawn and packet[VERSION] and not is_plainly_right(packet, octets[index]):
            yield index


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
