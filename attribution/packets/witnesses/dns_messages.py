"""DNS questions and answers, over UDP and over TCP (RFC 1035 §4, 7766), also where a snap length or fragments cut them.

Only what tells which question a message belongs to and what became of it is read: the header and the first question.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from attribution.packets.capture import Capture
from attribution.packets.columns import (
    DESTINATION_PORT,
    FRAGMENT,
    NETWORK,
    PAYLOAD,
    PROTOCOL,
    SOURCE_PORT,
    TIME,
    UDP,
    VERSION,
)
from attribution.packets.flows import FlowKey, address_pair
from attribution.packets.survey import Survey
from attribution.packets.witnesses.carried import payload_of
from attribution.packets.witnesses.streams import follow_streams

DNS_PORT: Final = 53
HEADER: Final = 12
STANDARD_QUERY: Final = 0
LONGEST_NAME: Final = 255
FIRST_FRAGMENT: Final = 1  # offset 0 with more to follow, as the column has it
TRUNCATED_FLAG: Final = 0x0200


class DnsMessage(NamedTuple):
    """`answer` is None for a question, else the response code; `pair` is (client, server) either way."""

    packet: int
    time_ns: int
    pair: tuple[int, ...]
    question: tuple[int, bytes, int]  # identifier, name in lower case as on the wire, type
    answer: int | None
    truncated: bool
    over_tcp: bool


def dns_messages(survey: Survey) -> list[DnsMessage]:
    """Standard queries and their responses, in the order of time."""
    capture = survey.capture
    found: list[DnsMessage] = []
    for index in survey.of(UDP):
        packet = capture.packets[index]
        if DNS_PORT in (packet[SOURCE_PORT], packet[DESTINATION_PORT]) and packet[PAYLOAD] >= 0:
            message = _read(capture, index, payload_of(capture, index), packet[SOURCE_PORT], False)
        elif packet[FRAGMENT] == FIRST_FRAGMENT:
            datagram = first_fragment(packet, capture.octets[index])
            message = _read(capture, index, datagram[8:], int.from_bytes(datagram[:2], "big"), False)
        else:
            continue
        if message is not None:
            found.append(message)
    found += _over_tcp(survey)
    return sorted(found, key=lambda message: message.time_ns)


def first_fragment(packet: tuple[int, ...], octets: bytes) -> bytes:
    """A UDP datagram's first fragment, its own header included: a long answer is known by its beginning."""
    start = packet[NETWORK]
    if packet[PROTOCOL] != UDP or start < 0 or len(octets) <= start:
        return b""
    if packet[VERSION] == 4:
        return octets[start + (octets[start] & 0x0F) * 4 :]
    return octets[start + 48 :] if octets[start + 6 : start + 7] == b"\x2c" else b""


def _over_tcp(survey: Survey) -> Iterator[DnsMessage]:
    """Over TCP two octets of length stand before each message; behind a gap a message may begin with the next piece."""
    held: dict[FlowKey, tuple[int, bytes]] = {}
    for flow, piece in follow_streams(survey, DNS_PORT):
        packet, octets = held.pop(flow, (piece.packet, b"")) if piece.follows else (piece.packet, b"")
        octets += piece.octets
        at = 0
        while len(octets) - at >= 2 + HEADER:
            size = octets[at] << 8 | octets[at + 1]
            body = octets[at + 2 : at + 2 + size]
            if len(body) < size or size < HEADER:
                break
            message = _read(survey.capture, packet, body, survey.capture.packets[packet][SOURCE_PORT], True)
            if message is not None:
                yield message
            at += 2 + size
            packet = piece.packet
        if at < len(octets):
            held[flow] = (packet, octets[at:])


def _read(capture: Capture, index: int, body: bytes, source_port: int, over_tcp: bool) -> DnsMessage | None:
    """A message of opcode 0 with one question; responses come from the server's port."""
    if len(body) < HEADER:
        return None
    flags = body[2] << 8 | body[3]
    is_response = bool(flags & 0x8000)
    if flags >> 11 & 0xF != STANDARD_QUERY or body[4:6] != b"\0\1":
        return None
    if is_response != (source_port == DNS_PORT) and not _both_ports(capture, index):
        return None
    name, end = _question_name(body)
    packet = capture.packets[index]
    pair = address_pair(packet)
    return DnsMessage(
        index,
        packet[TIME],
        (*pair[4:], *pair[:4]) if is_response else pair,
        (body[0] << 8 | body[1], name.lower(), int.from_bytes(body[end : end + 2], "big")),
        flags & 0xF if is_response else None,
        bool(flags & TRUNCATED_FLAG),
        over_tcp,
    )


def _both_ports(capture: Capture, index: int) -> bool:
    """Old servers ask each other from their own port."""
    packet = capture.packets[index]
    return packet[SOURCE_PORT] == packet[DESTINATION_PORT] == DNS_PORT


def _question_name(body: bytes) -> tuple[bytes, int]:
    """The name of the first question as it stands on the wire, without its last zero, and where it ends."""
    at = HEADER
    while at < len(body) and 0 < body[at] < 64 and at - HEADER < LONGEST_NAME:
        at += 1 + body[at]
    return body[HEADER:at], at + 1


def name_text(name: bytes) -> str:
    """A name as people write it; what would mislead the eye is written as its number (RFC 4343 §2.1)."""
    labels: list[str] = []
    at = 0
    while at < len(name):
        label = name[at + 1 : at + 1 + name[at]]
        cut = "…" if len(label) < name[at] else ""
        labels.append("".join(_letter(octet) for octet in label) + cut)
        at += 1 + name[at]
    return ".".join(labels) or "."


def _letter(octet: int) -> str:
    letter = chr(octet)
    return letter if (letter.isalnum() and octet < 128) or letter in "-_*/" else f"\\{octet:03d}"
