"""The same packet at several capture points: recognised by what no router changes.

Addresses, protocol, IP identification, ports, sequence and acknowledgement numbers, flags, payload length and the
sender's timestamp stay; TTL, DSCP, hardware addresses, tags, labels, outer headers, checksums (which network cards
fill in after the capture) and a SYN's clamped segment size do not. Behind NAT addresses and ports change as well: there
the rest must do, and only flows that it ties together without contradiction are matched. A firewall that moves TCP's
sequence numbers moves all of a flow by the same: what else stays gives that number away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import (
    ACK,
    ACKNOWLEDGEMENT,
    CAPTURED,
    DEPTH,
    FLAGS,
    FRAGMENT,
    ICMP,
    ICMP6,
    IP_ID,
    IP_LENGTH,
    LAYER_OPTIONS_CUT,
    LAYERS,
    LENGTH,
    PAYLOAD,
    PROTOCOL,
    SEQUENCE,
    SOURCE,
    SOURCE_PORT,
    SYN,
    TCP,
    TIMESTAMP,
    TIMESTAMP_ECHO,
    TRANSPORT,
    WINDOW,
    WIRE,
)

Key = tuple[object, ...]
PAYLOAD_COMPARED: Final = 24  # octets of payload that tell packets apart whose headers say little
WORD: Final = 0xFFFFFFFF


Shift = tuple[int, int]
"""By how much a flow's sequence and acknowledgement numbers were moved."""


def stable_part(packet: Packet, octets: bytes, compared: int, timestamps: bool = True, shift: Shift = (0, 0)) -> Key:
    """What stays the same of a packet on its way, besides its flow; `compared` octets of payload where they matter.

    TCP's timestamps count unless a capture cut them off; `shift` is taken from its numbers.
    """
    protocol = packet[PROTOCOL]
    if protocol == TCP and packet[TRANSPORT] >= 0:
        sequence, acknowledgement = packet[SEQUENCE], packet[ACKNOWLEDGEMENT]
        if shift != (0, 0):
            sequence = (sequence - shift[0]) & WORD
            acknowledgement = (acknowledgement - shift[1]) & WORD if packet[FLAGS] & ACK else acknowledgement
        if timestamps:
            return (
                packet[IP_ID], sequence, acknowledgement, packet[FLAGS], packet[WINDOW], packet[LENGTH],
                packet[TIMESTAMP], packet[TIMESTAMP_ECHO],
            )  # fmt: skip
        return (packet[IP_ID], sequence, acknowledgement, packet[FLAGS], packet[WINDOW], packet[LENGTH])
    if packet[PAYLOAD] < 0:
        return (packet[IP_ID], packet[FRAGMENT], packet[IP_LENGTH])
    payload = octets[packet[PAYLOAD] : packet[PAYLOAD] + compared]
    return (packet[IP_ID], packet[FRAGMENT], packet[LENGTH], packet[SEQUENCE], payload)


def translated_part(packet: Packet, octets: bytes, compared: int, timestamps: bool = True) -> Key:
    """What stays the same even where addresses and ports are translated."""
    return (packet[PROTOCOL], *stable_part(packet, octets, compared, timestamps))


def unnumbered_part(packet: Packet) -> Key | None:
    """What stays the same of a segment even where its sequence numbers are moved; None where that is too little."""
    if packet[PROTOCOL] != TCP or packet[TRANSPORT] < 0 or (packet[IP_ID] <= 0 and packet[TIMESTAMP] < 0):
        return None
    return (
        packet[IP_ID], packet[FLAGS], packet[WINDOW], packet[LENGTH], packet[TIMESTAMP], packet[TIMESTAMP_ECHO],
    )  # fmt: skip


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


Keyed = dict[tuple[int, Key], list[Sighting]]
Kept = tuple[int, bool]
"""What every capture kept enough of: how many octets of payload, and whether TCP's options are whole."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Every packet that can be known again, with all its sightings in the order of the captures.

    `keyed` is by the number of the flow in `flows` and the packet's stable part. Flows that an address translator
    renamed go by the name that they have in the earliest capture; `translated` counts them. `moved` counts flows whose
    sequence numbers were moved. What a capture's mirror port showed twice, and what arrived damaged, is left out of
    `keyed`; `damaged` holds which captures showed packets of which flows damaged.
    """

    flows: list[Flow]
    keyed: Keyed
    translated: int = 0
    moved: int = 0
    damaged: frozenset[tuple[int, Flow]] = frozenset()


def match_packets(captures: Sequence[Capture]) -> Matches:
    """Lay several captures over each other."""
    kept = _comparable(captures)
    numbers: dict[Flow, int] = {}
    of_packets: list[list[int]] = []
    for capture in captures:
        of_packets.append(
            [numbers.setdefault(flow_of(packet), len(numbers)) if packet[DEPTH] else -1 for packet in capture.packets]
        )
    flows = list(numbers)
    of_packets = _by_connection(captures, of_packets, flows)
    aliases = _translated_flows(captures, of_packets, flows, kept)
    named = [[aliases.get(flow, flow) for flow in mine] for mine in of_packets] if aliases else of_packets
    found = _lay_over(captures, named, kept, {})
    shifts = _moved_flows(captures, named, flows, found)
    if shifts:
        found = _lay_over(captures, named, kept, shifts)
    translated = {min(flows[flow], _reverse(flows[flow])) for flow in aliases}
    damaged = frozenset(
        (number, flows[mine[index]])
        for number, (capture, mine) in enumerate(zip(captures, named, strict=True))
        for index in capture.damaged
    )
    return Matches(flows, found, len(translated), len({flow for _, flow in shifts}), damaged)


def _reverse(flow: Flow) -> Flow:
    return (*flow[4:8], *flow[:4], flow[8], flow[10], flow[9])


def _lay_over(
    captures: Sequence[Capture], named: list[list[int]], kept: Kept, shifts: dict[tuple[int, int], Shift]
) -> Keyed:
    """All packets by their flow and stable part."""
    found: Keyed = {}
    for number, (capture, mine) in enumerate(zip(captures, named, strict=True)):
        octets, set_aside = capture.octets, capture.set_aside
        for index, packet in enumerate(capture.packets):
            flow = mine[index]
            if flow < 0 or index in set_aside:
                continue
            if shifts and (number, flow) in shifts:
                key = (flow, stable_part(packet, octets[index], *kept, shifts[number, flow]))
            else:
                key = (flow, stable_part(packet, octets[index], *kept))
            held = found.get(key)
            if held is None:
                found[key] = [Sighting(number, index)]
            else:
                held.append(Sighting(number, index))
    return found


def _moved_flows(
    captures: Sequence[Capture], named: list[list[int]], flows: list[Flow], found: Keyed
) -> dict[tuple[int, int], Shift]:
    """TCP flows that share no segment between the captures until their numbers are moved by a constant."""
    shared = {flow for (flow, _), sightings in found.items() if len({one.capture for one in sightings}) > 1}
    seen = [set(mine) for mine in named]
    doubtful = {
        flow
        for flow in set().union(*seen) - shared - {-1}
        if flows[flow][8] == TCP and sum(flow in mine for mine in seen) > 1
    }
    if not doubtful:
        return {}
    parts: dict[int, dict[Key, list[Sighting]]] = {flow: {} for flow in doubtful}
    for number, (capture, mine) in enumerate(zip(captures, named, strict=True)):
        for index, flow in enumerate(mine):
            if flow in doubtful:
                part = unnumbered_part(capture.packets[index])
                if part is not None:
                    parts[flow].setdefault(part, []).append(Sighting(number, index))
    shifts: dict[tuple[int, int], Shift] = {}
    for flow, alike in parts.items():
        votes: dict[int, tuple[Counter[int], Counter[int]]] = {}
        for sightings in alike.values():
            if len({one.capture for one in sightings}) < len(sightings):
                continue
            base = captures[sightings[0].capture].packets[sightings[0].packet]
            for number, index in sightings[1:]:
                packet = captures[number].packets[index]
                by_sequence, by_answer = votes.setdefault(number, (Counter(), Counter()))
                by_sequence[(packet[SEQUENCE] - base[SEQUENCE]) & WORD] += 1
                if packet[FLAGS] & ACK:
                    by_answer[(packet[ACKNOWLEDGEMENT] - base[ACKNOWLEDGEMENT]) & WORD] += 1
        for number, counters in votes.items():
            chosen = [_agreed(counter) for counter in counters]
            if chosen[0] is not None:
                shifts[number, flow] = (chosen[0], chosen[1] or 0)
    return shifts


def _agreed(counter: Counter[int]) -> int | None:
    """What nearly all say."""
    if not counter:
        return None
    value, count = counter.most_common(1)[0]
    return value if count >= 2 and count >= 0.8 * counter.total() else None


def _comparable(captures: Sequence[Capture]) -> Kept:
    """What every capture kept of the packets that are told apart by it."""
    least, timestamps = PAYLOAD_COMPARED, True
    for capture in captures:
        for packet in capture.packets:
            if packet[CAPTURED] < packet[WIRE]:
                if packet[PROTOCOL] == TCP:
                    timestamps = timestamps and not packet[LAYERS] & LAYER_OPTIONS_CUT
                elif packet[PAYLOAD] >= 0:
                    least = min(least, packet[CAPTURED] - packet[PAYLOAD])
    return max(least, 0), timestamps


def _showing(of_packets: Sequence[list[int]]) -> dict[int, frozenset[int]]:
    """By the number of each flow that some captures show and others do not, which ones do."""
    shown = [set(mine) - {-1} for mine in of_packets]
    common = set.intersection(*shown) if shown else set()
    return {
        flow: frozenset(number for number, mine in enumerate(shown) if flow in mine)
        for flow in set().union(*shown) - common
    }


def _by_connection(captures: Sequence[Capture], of_packets: list[list[int]], flows: list[Flow]) -> list[list[int]]:
    """The flows of all packets, where a flow that not every capture shows has a number for each of its connections: a
    translator gives the ports of one to the next.

    Where the captures that show it do not agree on its connections it stays one. New numbers are put behind `flows`.
    """
    showing = _showing(of_packets)
    openings: dict[int, dict[int, list[int]]] = {}
    for number, (capture, mine) in enumerate(zip(captures, of_packets, strict=True)):
        for packet, flow in zip(capture.packets, mine, strict=True):
            if flow in showing and packet[PROTOCOL] == TCP and packet[FLAGS] & (SYN | ACK) == SYN:
                found = openings.setdefault(flow, {}).setdefault(number, [])
                if packet[SEQUENCE] not in found:
                    found.append(packet[SEQUENCE])
    again = {
        flows[flow]: next(iter(own.values()))
        for flow, own in openings.items()
        if own.keys() == showing[flow] and len(set(map(tuple, own.values()))) == 1 < len(next(iter(own.values())))
    }
    if not again:
        return of_packets
    numbers: dict[tuple[Flow, int], int] = {}
    return [_connections(*one, flows, again, numbers) for one in zip(captures, of_packets, strict=True)]


def _connections(
    capture: Capture, mine: list[int], flows: list[Flow], again: dict[Flow, list[int]],
    numbers: dict[tuple[Flow, int], int],
) -> list[int]:  # fmt: skip
    """The flows of one capture's packets, those `again` opened with a number for each of their connections."""
    ways = {way for flow in again for way in (flow, _reverse(flow))}
    current: dict[Flow, int] = {}
    found: list[int] = []
    for packet, flow in zip(capture.packets, mine, strict=True):
        way = flows[flow]
        if flow < 0 or way not in ways:
            found.append(flow)
            continue
        if way in again and packet[FLAGS] & (SYN | ACK) == SYN:
            current[way] = current[_reverse(way)] = again[way].index(packet[SEQUENCE])
        if not current.get(way):
            found.append(flow)
            continue
        key = (way, current[way])
        if key not in numbers:
            numbers[key] = len(flows)
            flows.append(way)
        found.append(numbers[key])
    return found


def _translated_flows(
    captures: Sequence[Capture], of_packets: list[list[int]], flows: list[Flow], kept: Kept
) -> dict[int, int]:
    """Flows that carry the same packets under other addresses: a translator stands between the captures.

    Each packet's stable part votes for the two flows it was seen in; a flow is renamed if nearly all votes agree. A
    flow of a single packet is, where others between the same addresses were translated alike.
    """
    showing = _showing(of_packets)
    if len(set(showing.values())) < 2:
        return {}
    sizes: Counter[int] = Counter()
    seen: dict[Key, set[int]] = {}
    for capture, mine in zip(captures, of_packets, strict=True):
        for flow, size in Counter(mine).items():
            sizes[flow] = max(sizes[flow], size)
        for index, flow in enumerate(mine):
            if flow in showing:
                part = translated_part(capture.packets[index], capture.octets[index], *kept)
                seen.setdefault(part, set()).add(flow)
    votes: dict[int, Counter[int]] = {}
    for holders in seen.values():
        if sum(len(showing[flow]) for flow in holders) == len(frozenset().union(*(showing[flow] for flow in holders))):
            called, *others = sorted(holders, key=lambda flow: min(showing[flow]))
            for flow in others:
                votes.setdefault(flow, Counter())[called] += 1
    hosts: Counter[tuple[Flow, Flow]] = Counter()
    for flow, counter in votes.items():
        for called, count in counter.items():
            hosts[flows[flow][:8], flows[called][:8]] += count
    aliases: dict[int, int] = {}
    for flow, counter in sorted(votes.items(), key=lambda item: (min(showing[item[0]]), item[0])):
        called, count = counter.most_common(1)[0]
        if count == counter.total() == 1 == sizes[flow] and hosts[flows[flow][:8], flows[called][:8]] > 2:
            aliases[flow] = aliases.get(called, called)
        if count >= 2 and count >= 0.5 * min(sizes[flow], 40) and count >= 0.9 * counter.total():
            aliases[flow] = aliases.get(called, called)
    return aliases
