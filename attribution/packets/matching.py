"""The same packet at several capture points: recognised by what no router changes.

Addresses, protocol, IP identification, ports, sequence and acknowledgement numbers, flags, payload length and the
sender's timestamp stay; TTL, hardware addresses, tags, labels, outer headers, checksums (which network cards fill in
after the capture) and a SYN's clamped segment size do not. Behind NAT addresses and ports change as well: there the
rest must do, and only flows that it ties together without contradiction are matched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import (
    ACKNOWLEDGEMENT,
    CAPTURED,
    DEPTH,
    FLAGS,
    FRAGMENT,
    ICMP,
    ICMP6,
    IP_ID,
    IP_LENGTH,
    LENGTH,
    PAYLOAD,
    PROTOCOL,
    SEQUENCE,
    SOURCE,
    SOURCE_PORT,
    TCP,
    TIMESTAMP,
    TIMESTAMP_ECHO,
    TRANSPORT,
    WINDOW,
    WIRE,
)

Key = tuple[object, ...]
PAYLOAD_COMPARED: Final = 24  # octets of payload that tell packets apart whose headers say little


def stable_part(packet: Packet, octets: bytes, compared: int) -> Key:
    """What stays the same of a packet on its way, besides its flow; `compared` octets of payload where they matter."""
    protocol = packet[PROTOCOL]
    if protocol == TCP and packet[TRANSPORT] >= 0:
        return (
            packet[IP_ID], packet[SEQUENCE], packet[ACKNOWLEDGEMENT], packet[FLAGS], packet[WINDOW], packet[LENGTH],
            packet[TIMESTAMP], packet[TIMESTAMP_ECHO],
        )  # fmt: skip
    if packet[PAYLOAD] < 0:
        return (packet[IP_ID], packet[FRAGMENT], packet[IP_LENGTH])
    payload = octets[packet[PAYLOAD] : packet[PAYLOAD] + compared]
    return (packet[IP_ID], packet[FRAGMENT], packet[LENGTH], packet[SEQUENCE], payload)


def translated_part(packet: Packet, octets: bytes, compared: int) -> Key:
    """What stays the same even where addresses and ports are translated."""
    return (packet[PROTOCOL], *stable_part(packet, octets, compared))


Flow = tuple[int, ...]
"""Source and destination address (eight words), protocol, ports: one direction of one exchange."""


def flow_of(packet: Packet) -> Flow:
    """The direction of the exchange that a packet belongs to; echoes by their identifier."""
    if packet[PROTOCOL] in (ICMP, ICMP6):
        return (*packet[SOURCE:PROTOCOL], packet[PROTOCOL], packet[SOURCE_PORT], packet[ACKNOWLEDGEMENT])
    return (*packet[SOURCE:PROTOCOL], packet[PROTOCOL], packet[SOURCE_PORT], packet[SOURCE_PORT + 1])


class Sighting(NamedTuple):
    """One packet at one capture point: the capture's number, and which of its packets."""

    capture: int
    packet: int


@dataclass(frozen=True, slots=True)
class Matches:
    """Every packet that can be known again, with all its sightings in the order of the captures.

    `keyed` is by the number of the flow in `flows` and the packet's stable part. Flows that an address translator
    renamed go by the name that they have in the earliest capture; `translated` counts them.
    """

    flows: list[Flow]
    keyed: dict[tuple[int, Key], list[Sighting]]
    translated: int = 0


def match_packets(captures: Sequence[Capture]) -> Matches:
    """Lay several captures over each other."""
    compared = _payload_compared(captures)
    numbers: dict[Flow, int] = {}
    of_packets: list[list[int]] = []
    for capture in captures:
        of_packets.append(
            [numbers.setdefault(flow_of(packet), len(numbers)) if packet[DEPTH] else -1 for packet in capture.packets]
        )
    flows = list(numbers)
    aliases = _translated_flows(captures, of_packets, compared)
    found: dict[tuple[int, Key], list[Sighting]] = {}
    for number, (capture, mine) in enumerate(zip(captures, of_packets, strict=True)):
        octets = capture.octets
        for index, packet in enumerate(capture.packets):
            flow = mine[index]
            if flow < 0:
                continue
            if aliases:
                flow = aliases.get(flow, flow)
            key = (flow, stable_part(packet, octets[index], compared))
            held = found.get(key)
            if held is None:
                found[key] = [Sighting(number, index)]
            else:
                held.append(Sighting(number, index))
    return Matches(flows, found, len(aliases))


def _payload_compared(captures: Sequence[Capture]) -> int:
    """How many octets of payload every capture kept of the packets that are told apart by them."""
    least = PAYLOAD_COMPARED
    for capture in captures:
        for packet in capture.packets:
            if packet[CAPTURED] < packet[WIRE] and packet[PROTOCOL] != TCP and packet[PAYLOAD] >= 0:
                least = min(least, packet[CAPTURED] - packet[PAYLOAD])
    return max(least, 0)


def _translated_flows(captures: Sequence[Capture], of_packets: list[list[int]], compared: int) -> dict[int, int]:
    """Flows that carry the same packets under other addresses: a translator stands between the captures.

    Each packet's stable part votes for the two flows it was seen in; a flow is renamed if nearly all votes agree.
    """
    sizes = [Counter(mine) for mine in of_packets]
    lonely = [
        {flow for flow in size if not any(flow in other for other in sizes if other is not size)} for size in sizes
    ]
    if sum(1 for mine in lonely if mine) < 2:
        return {}
    seen: dict[Key, list[tuple[int, int]]] = {}
    for number, (capture, mine) in enumerate(zip(captures, of_packets, strict=True)):
        for index, flow in enumerate(mine):
            if flow in lonely[number] and flow >= 0:
                part = translated_part(capture.packets[index], capture.octets[index], compared)
                seen.setdefault(part, []).append((number, flow))
    votes: dict[tuple[int, int], Counter[int]] = {}
    for holders in seen.values():
        if len({number for number, _ in holders}) == len(holders) > 1:
            (_, called), *others = holders
            for number, flow in others:
                votes.setdefault((number, flow), Counter())[called] += 1
    aliases: dict[int, int] = {}
    for (number, flow), counter in votes.items():
        called, count = counter.most_common(1)[0]
        if count >= 2 and count >= 0.5 * min(sizes[number][flow], 40) and count >= 0.9 * counter.total():
            aliases[flow] = aliases.get(called, called)
    return aliases
