"""A packet that comes by again and again, each time with less time to live, goes round in a routing loop.

It is the same packet on the same link between the same two routers. A capture of several interfaces, or of a mirror
port, shows one packet at several places of its way, and twice at one: that is no loop. Routers take from the outermost
time to live only (a label's, a tunnel's): what counts is the sum of all that the packet has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase
from attribution.packets.addresses import destination_text
from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import (
    CHECKSUM,
    DEPTH,
    DESTINATION,
    DESTINATION_PORT,
    INTERFACE,
    IP_ID,
    LAYER_MPLS,
    LAYERS,
    MAC_DESTINATION,
    MAC_SOURCE,
    OUTER,
    SEQUENCE,
    SOURCE,
    SOURCE_PORT,
    TIME,
    TTL,
)
from attribution.packets.link_layers import LINK_COOKED, LINK_COOKED_2
from attribution.packets.matching import stable_part
from attribution.packets.survey import Survey
from attribution.packets.witnesses.gathering import Gathering, Run, testify

FEWEST_ROUNDS: Final = 3  # twice may be a packet that came back once
LONGEST_ROUND_NS: Final = 2_000_000_000
COMPARED: Final = 16  # octets of payload
LABELS: Final = (b"\x88\x47", b"\x88\x48")
TAGS: Final = (b"\x81\x00", b"\x88\xa8", b"\x91\x00", b"\x92\x00")
COOKED_ADDRESSES: Final = {LINK_COOKED: slice(0, 14), LINK_COOKED_2: slice(4, 20)}


def find_loops(survey: Survey) -> Iterator[PacketWitness]:
    """Yield the destinations whose packets went round, with how many did and how much time to live a round takes."""
    capture = survey.capture
    chosen = sorted(
        (capture.packets[indices[0]][TIME], indices)
        for sightings in _seen_again(capture)
        if (indices := _rounds(capture, sightings))
    )
    looping: Gathering[str] = Gathering(capture)
    for _, indices in chosen:
        looping.add(destination_text(capture.packets[indices[0]]), indices[0])
    steps = {indices[0]: life_left(capture, indices[0]) - life_left(capture, indices[1]) for _, indices in chosen}

    def describe(run: Run[str]) -> PacketWitness:
        step = steps[run.packets[0]]
        return testify(
            capture, WitnessKind.ROUTING_LOOP, run.packets, sender=None, about=run.key,
            code=str(step),
            detail=Phrase("the same packets come by again, {step} routers further on each time", step=step),
        )  # fmt: skip

    yield from looping.witnesses(describe)


def _seen_again(capture: Capture) -> list[list[int]]:
    """Packets that look like the same one on the same link; those seen once are let go early."""
    packets = capture.packets
    first_seen: dict[tuple[int, ...], int] = {}
    found: dict[tuple[object, ...], list[int]] = {}
    for index in capture.in_time():
        packet = packets[index]
        if not packet[DEPTH]:
            continue
        coarse = _looks(packet)
        first = first_seen.setdefault(coarse, index)
        if first == index:
            continue
        if packets[first][TTL] == packet[TTL] and not packet[LAYERS] and coarse not in found:
            first_seen[coarse] = index  # sent again, or seen twice: nothing was taken from it
            continue
        sightings = found.setdefault(coarse, [first])
        sightings.append(index)
    return [same for sightings in found.values() for same in _by_identity(capture, sightings)]


def _looks(packet: Packet) -> tuple[int, ...]:
    """What tells most packets apart at little cost; the identification does not exist in IPv6 and may be zero."""
    if packet[IP_ID] > 0:
        return (packet[IP_ID], packet[SOURCE + 3], packet[DESTINATION + 3])
    return (
        packet[CHECKSUM], packet[SEQUENCE], packet[SOURCE_PORT], packet[DESTINATION_PORT], packet[SOURCE + 3],
        packet[DESTINATION + 3], -1,
    )  # fmt: skip


def _by_identity(capture: Capture, sightings: list[int]) -> list[list[int]]:
    found: dict[tuple[object, ...], list[int]] = {}
    for index in sightings:
        packet = capture.packets[index]
        key = (_link(capture, index), packet[CHECKSUM], *stable_part(packet, capture.octets[index], COMPARED))
        found.setdefault(key, []).append(index)
    return list(found.values())


def _link(capture: Capture, index: int) -> tuple[object, ...]:
    """Where a packet was seen, and between which two machines: a cooked capture knows the sender only."""
    packet = capture.packets[index]
    number = packet[INTERFACE]
    link_type = capture.interfaces[number].link_type if number < len(capture.interfaces) else -1
    cooked = COOKED_ADDRESSES.get(link_type)
    return (number, packet[MAC_SOURCE], packet[MAC_DESTINATION], capture.octets[index][cooked] if cooked else b"")


def _rounds(capture: Capture, sightings: list[int]) -> list[int]:
    """The longest run of sightings each with as much less life than the one before; the same life twice is a copy."""
    best: list[int] = []
    run: list[int] = []
    for index in sightings:
        fallen = life_left(capture, run[-1]) - life_left(capture, index) if run else 0
        if run and fallen == 0:
            continue
        soon = bool(run) and capture.packets[index][TIME] - capture.packets[run[-1]][TIME] <= LONGEST_ROUND_NS
        step = life_left(capture, run[0]) - life_left(capture, run[1]) if len(run) > 1 else fallen
        if fallen > 0 and soon and fallen == step:
            run = [*run, index]
        else:
            run = [*run[-1:], index] if fallen > 0 and soon else [index]
        if len(run) > len(best):
            best = run
    return best if len(best) >= FEWEST_ROUNDS else []


def life_left(capture: Capture, index: int) -> int:
    """The sum of a packet's times to live: of the outermost label, the outermost and the innermost IP header."""
    packet, octets = capture.packets[index], capture.octets[index]
    left = packet[TTL]
    if packet[OUTER] >= 0:
        outer = packet[OUTER]
        left += octets[outer + 8] if octets[outer] >> 4 == 4 else octets[outer + 7]
    if packet[LAYERS] & LAYER_MPLS:
        at = 12
        while octets[at : at + 2] in TAGS:
            at += 4
        if octets[at : at + 2] in LABELS and at + 6 <= len(octets):
            left += octets[at + 5]
    return left
