"""A router or host says why it did not pass a packet on, and quotes the packet (RFC 792, 1812, 4443).

Errors that answer a traceroute are what its sender asked for, and are left out: time exceeded, and port unreachable
from the last hop. Time exceeded for a packet that was sent with a normal time to live means a loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import (
    BLANK,
    DEPTH,
    DESTINATION_PORT,
    ECHO_IDENTIFIER,
    FRAGMENT,
    ICMP,
    ICMP6,
    ICMP_CODE,
    ICMP_TYPE,
    ICMP_VALUE,
    IP_ID,
    PAYLOAD,
    PROTOCOL,
    SOURCE,
    TCP,
    TTL,
    UDP,
)
from attribution.packets.decode import decode_headers
from attribution.packets.link_layers import IP_BY_VERSION
from attribution.packets.survey import Survey
from attribution.packets.witnesses.gathering import Gathering, Run, testify

TRACEROUTE_PORTS: Final = range(33434, 33690)
TRACEROUTE_TTL: Final = 32
ADMINISTRATIVE: Final = frozenset({9, 10, 13})
UNREACHABLE_NAMES: Final = {
    0: "network", 1: "host", 2: "protocol", 3: "port", 5: "source route", 6: "network unknown", 7: "host unknown",
}  # fmt: skip
UNREACHABLE_NAMES_6: Final = {0: "no route", 2: "beyond scope", 3: "address", 4: "port", 6: "reject route"}


class _Error(NamedTuple):
    kind: WitnessKind
    sender: str
    about: str
    code: str
    detail: str


def find_icmp_errors(survey: Survey) -> Iterator[PacketWitness]:
    """Yield who refused or failed to deliver packets to whom, and in which words."""
    capture = survey.capture
    errors: list[tuple[int, Packet]] = []
    for index in survey.of(ICMP, ICMP6):
        packet = capture.packets[index]
        if _is_error(packet) and packet[PAYLOAD] >= 0 and packet[FRAGMENT] <= 1:
            quoted = quoted_packet(packet, capture.octets[index])
            if quoted is not None:
                errors.append((index, quoted))
    sent = _times_to_live(capture, {quoted[IP_ID] for _, quoted in errors})
    found: Gathering[_Error] = Gathering(capture)
    for index, quoted in errors:
        error = _understand(capture.packets[index], quoted, sent)
        if error is not None:
            found.add(error, index)

    def describe(run: Run[_Error]) -> PacketWitness:
        kind, sender, about, code, detail = run.key
        return testify(capture, kind, run.packets, sender=sender, about=about, code=code, detail=detail)

    yield from found.witnesses(describe)


def _is_error(packet: Packet) -> bool:
    kind = packet[ICMP_TYPE]
    return kind in (3, 11) if packet[PROTOCOL] == ICMP else kind in (1, 2, 3)


def quoted_packet(packet: Packet, octets: bytes) -> Packet | None:
    """The packet that an ICMP error speaks of; None where too little of it was captured."""
    row = list(BLANK)
    start = packet[PAYLOAD]
    decode_headers(octets, start, start, len(octets), start + 65535, IP_BY_VERSION, row)
    return tuple(row) if row[DEPTH] else None


def _identity(packet: Packet) -> tuple[int, ...]:
    """What the first octets of a packet tell of it: an error need not quote more than eight after the IP header."""
    return (*packet[SOURCE:PROTOCOL], packet[PROTOCOL], packet[IP_ID], packet[DESTINATION_PORT])


def _times_to_live(capture: Capture, wanted: set[int]) -> dict[tuple[int, ...], int]:
    """The highest time to live with which each packet of the wanted identifications passed here."""
    found: dict[tuple[int, ...], int] = {}
    if not wanted:
        return found
    for packet in capture.packets:
        if packet[IP_ID] in wanted and packet[DEPTH]:
            key = _identity(packet)
            if packet[TTL] > found.get(key, -1):
                found[key] = packet[TTL]
    return found


def _understand(packet: Packet, quoted: Packet, sent: dict[tuple[int, ...], int]) -> _Error | None:
    kind, code = packet[ICMP_TYPE], packet[ICMP_CODE]
    old = packet[PROTOCOL] == ICMP
    sender, about = source_text(packet), destination_text(quoted)
    number = f"{kind}/{code}"
    if kind == (11 if old else 3):
        if code or _is_probe(quoted, sent):
            return None
        return _Error(WitnessKind.ICMP_TTL_EXCEEDED, sender, about, number, "time to live used up on the way")
    if _is_traceroute_datagram(quoted) and kind == (3 if old else 1) and code == (3 if old else 4):
        return None
    if (old and kind == 3 and code == 4) or (not old and kind == 2):
        size = packet[ICMP_VALUE] & 0xFFFF if old else packet[ICMP_VALUE]
        return _Error(WitnessKind.ICMP_TOO_BIG, sender, about, str(size), f"too big for the next hop's {size} octets")
    if (old and code in ADMINISTRATIVE) or (not old and code in (1, 5)):
        return _Error(WitnessKind.ICMP_PROHIBITED, sender, about, number, "administratively prohibited")
    name = (UNREACHABLE_NAMES if old else UNREACHABLE_NAMES_6).get(code, f"code {code}")
    return _Error(WitnessKind.ICMP_UNREACHABLE, sender, about, number, f"{name} unreachable")


def _is_traceroute_datagram(quoted: Packet) -> bool:
    return quoted[PROTOCOL] == UDP and quoted[DESTINATION_PORT] in TRACEROUTE_PORTS


def _is_probe(quoted: Packet, sent: dict[tuple[int, ...], int]) -> bool:
    """Whether a packet that ran out of time to live was sent to do so.

    Where the packet itself passed here its time to live tells. Where it did not (it was sent from the other side of
    the loop, or took another way), only data of a connection is certain to be none.
    """
    started = sent.get(_identity(quoted))
    if started is not None:
        return started < TRACEROUTE_TTL
    return quoted[PROTOCOL] != TCP or _is_traceroute_datagram(quoted) or quoted[ECHO_IDENTIFIER] == 0
