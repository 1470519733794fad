"""Which packets belong to one exchange between two ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import (
    ACK,
    DESTINATION,
    DESTINATION_PORT,
    FLAGS,
    FRAGMENT,
    PROTOCOL,
    SEQUENCE,
    SOURCE,
    SOURCE_PORT,
    SYN,
    TRANSPORT,
)

FlowKey = tuple[int, ...]


def flow_key(packet: Packet) -> FlowKey:
    """Addresses, ports and protocol in the direction of travel."""
    return (*packet[SOURCE:PROTOCOL], packet[SOURCE_PORT], packet[DESTINATION_PORT], packet[PROTOCOL])


def reverse_key(key: FlowKey) -> FlowKey:
    """The same exchange, seen from the other end."""
    return (*key[4:8], *key[:4], key[9], key[8], key[10])


def address_pair(packet: Packet) -> tuple[int, ...]:
    """Source and destination address, in the direction of travel."""
    return packet[SOURCE : DESTINATION + 4]


@dataclass(slots=True)
class Conversation:
    """One TCP connection, or the packets between two ports: indices into the capture, in the order of time.

    `forward` tells for each of them whether it went the way of the first one.
    """

    key: FlowKey
    packets: list[int] = field(default_factory=list)
    forward: list[bool] = field(default_factory=list)


def tcp_conversations(capture: Capture, segments: Iterable[int]) -> list[Conversation]:
    """TCP connections among these packets: a SYN with another initial sequence number begins a new one."""
    current: dict[FlowKey, Conversation] = {}
    initial: dict[FlowKey, int] = {}
    found: list[Conversation] = []
    packets = capture.packets
    for index in segments:
        packet = packets[index]
        if packet[TRANSPORT] < 0 or packet[FRAGMENT]:
            continue
        key = flow_key(packet)
        forward = True
        conversation = current.get(key)
        if conversation is None:
            reverse = reverse_key(key)
            conversation = current.get(reverse)
            forward = False
        if packet[FLAGS] & (SYN | ACK) == SYN and initial.get(key) != packet[SEQUENCE]:
            if conversation is not None:
                current.pop(conversation.key)
            initial[key] = packet[SEQUENCE]
            conversation = None
        if conversation is None:
            conversation = Conversation(key)
            current[key] = conversation
            found.append(conversation)
            forward = True
        conversation.packets.append(index)
        conversation.forward.append(forward)
    return found
