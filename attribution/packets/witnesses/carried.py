"""What a packet carries: the octets of its payload, or of the message right behind its link header."""

from __future__ import annotations

from collections.abc import Iterator

from attribution.packets.capture import Capture
from attribution.packets.columns import (
    DESTINATION_PORT,
    INTERFACE,
    LENGTH,
    NETWORK,
    PAYLOAD,
    SOURCE_PORT,
    TUNNEL,
    UDP,
    VLAN,
)
from attribution.packets.flows import address_pair
from attribution.packets.survey import Survey

Ports = frozenset[int]


def payload_of(capture: Capture, index: int) -> bytes:
    """The captured octets of a packet's payload, without padding behind it."""
    packet = capture.packets[index]
    start = packet[PAYLOAD]
    return capture.octets[index][start : start + packet[LENGTH]] if start >= 0 else b""


def message_of(capture: Capture, index: int) -> bytes:
    """The captured octets behind the link header, of what is not IP."""
    start = capture.packets[index][NETWORK]
    return capture.octets[index][start:] if start >= 0 else b""


def datagrams(survey: Survey, ports: Ports) -> Iterator[int]:
    """UDP packets from or to one of these ports, in the order of time."""
    packets = survey.capture.packets
    for index in survey.of(UDP):
        packet = packets[index]
        if (packet[DESTINATION_PORT] in ports or packet[SOURCE_PORT] in ports) and packet[PAYLOAD] >= 0:
            yield index


def segment_of(capture: Capture, index: int) -> tuple[int, int, int]:
    """On which of the networks of one file a packet was seen: interface, VLAN and tunnel.

    Speakers of two VLANs may have the same address; hellos of one must not stand for the other.
    """
    packet = capture.packets[index]
    return (packet[INTERFACE], packet[VLAN], packet[TUNNEL])


def speaker_of(capture: Capture, index: int) -> tuple[int, ...]:
    """Who speaks to whom, on which network."""
    return (*address_pair(capture.packets[index]), *segment_of(capture, index))
