"""A router or host says why it did not pass a packet on, and quotes the packet (RFC 792, 1191, 1812, 4443, 8201).

Errors that answer a traceroute are what its sender asked for, and are left out: time exceeded, and port unreachable
from the last hop. Time exceeded for a packet that was sent with a normal time to live means a loop. Where the quoted
packet is a tunnel's, the error speaks of the tunnel's far end; what was inside is shown as far as it was quoted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import (
    BLANK,
    DEPTH,
    DESTINATION,
    DESTINATION_PORT,
    ECHO_IDENTIFIER,
    FRAGMENT,
    ICMP,
    ICMP6,
    ICMP_CODE,
    ICMP_TYPE,
    ICMP_VALUE,
    IP_ID,
    OUTER,
    PAYLOAD,
    PROTOCOL,
    SCTP,
    SOURCE,
    SOURCE_PORT,
    TCP,
    TTL,
    UDP,
    VERSION,
)
from attribution.packets.decode import decode_headers
from attribution.packets.link_layers import IP_BY_VERSION
from attribution.packets.survey import Survey
from attribution.packets.witnesses.gathering import Gathering, Run, testify
from attribution.packets.witnesses.words import few

TRACEROUTE_PORTS: Final = range(33434, 33690)
TRACEROUTE_TTL: Final = 32
UNREACHABLE, TOO_BIG_CODE, TIME_EXCEEDED = 3, 4, 11
UNREACHABLE_6, TOO_BIG_6, TIME_EXCEEDED_6 = 1, 2, 3
PORT_CODE, PORT_CODE_6 = 3, 4
ADMINISTRATIVE: Final = frozenset({9, 10, 13})
ADMINISTRATIVE_6: Final = frozenset({1, 5})
CODES: Final = {
    0: Phrase("network unreachable"), 1: Phrase("host unreachable"), 2: Phrase("protocol unreachable"),
    3: Phrase("port unreachable"),
    5: Phrase("source route failed"), 6: Phrase("network unknown"), 7: Phrase("host unknown"),
    8: Phrase("source host isolated"),
    9: Phrase("network administratively prohibited"), 10: Phrase("host administratively prohibited"),
    11: Phrase("network unreachable for this type of service"), 12: Phrase("host unreachable for this type of service"),
    13: Phrase("communication administratively prohibited"), 14: Phrase("host precedence violation"),
    15: Phrase("precedence cut off"),
}  # fmt: skip
CODES_6: Final = {
    0: Phrase("no route to the destination"), 1: Phrase("administratively prohibited"),
    2: Phrase("beyond the scope of the source address"),
    3: Phrase("address unreachable"), 4: Phrase("port unreachable"), 5: Phrase("source address prohibited by policy"),
    6: Phrase("reject route to the destination"), 7: Phrase("error in source routing header"),
    8: Phrase("headers too long"),
}  # fmt: skip
TRANSPORTS: Final = {ICMP: "icmp", TCP: "tcp", UDP: "udp", ICMP6: "icmpv6", SCTP: "sctp", 47: "gre", 50: "esp"}


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
    flows: dict[int, str] = {}
    for index, quoted in errors:
        error = _understand(capture, index, quoted, sent)
        if error is not None:
            found.add(error, index)
            flows[index] = _flow_text(capture, index, quoted)

    def describe(run: Run[_Error]) -> PacketWitness:
        kind, sender, about, code, detail = run.key
        quoting = few(flows[index] for index in run.packets)
        return testify(
            capture,
            kind,
            run.packets,
            sender=sender,
            about=about,
            code=code,
            detail=Phrase("{error}; quoting {flows}", error=detail, flows=quoting),
        )

    yield from found.witnesses(describe)


def _is_error(packet: Packet) -> bool:
    kind = packet[ICMP_TYPE]
    if packet[PROTOCOL] == ICMP:
        return kind in (UNREACHABLE, TIME_EXCEEDED)
    return kind in (UNREACHABLE_6, TOO_BIG_6, TIME_EXCEEDED_6)


def quoted_packet(packet: Packet, octets: bytes) -> Packet | None:
    """The packet that an ICMP error speaks of; None where too little of it was captured."""
    row = list(BLANK)
    start = packet[PAYLOAD]
    decode_headers(octets, start, start, len(octets), start + 65535, IP_BY_VERSION, row)
    return tuple(row) if row[DEPTH] else None


def _ends_of(capture: Capture, index: int, quoted: Packet) -> tuple[str, str]:
    """Source and destination of the quoted packet; of its tunnel, where it is in one: that is what failed to arrive."""
    if quoted[OUTER] < 0:
        return source_text(quoted), destination_text(quoted)
    octets = capture.octets[index]
    at = capture.packets[index][PAYLOAD] + quoted[OUTER]
    version, start, width = (4, at + 12, 4) if octets[at] >> 4 == 4 else (6, at + 8, 16)
    outer = list(BLANK)
    outer[VERSION] = version
    for column, place in ((SOURCE, start), (DESTINATION, start + width)):
        for word in range(width // 4):
            four = octets[place + 4 * word : place + 4 * word + 4]
            outer[column + 4 - width // 4 + word] = int.from_bytes(four, "big")
    return source_text(outer), destination_text(outer)


def _flow_text(capture: Capture, index: int, quoted: Packet) -> str:
    """The quoted packet's flow, with its ports where it has some; behind it the tunnel that it was in."""
    protocol = TRANSPORTS.get(quoted[PROTOCOL]) or Phrase("protocol {number}", number=quoted[PROTOCOL])
    ends: list[str] = [source_text(quoted), destination_text(quoted)]
    if quoted[PROTOCOL] in (TCP, UDP, SCTP) and quoted[DESTINATION_PORT] >= 0:
        ports = (quoted[SOURCE_PORT], quoted[DESTINATION_PORT])
        ends = [Phrase("{address} port {port}", address=one, port=port) for one, port in zip(ends, ports, strict=True)]
    inner = Phrase("{protocol} {source} to {destination}", protocol=protocol, source=ends[0], destination=ends[1])
    if quoted[OUTER] < 0:
        return inner
    outer = _ends_of(capture, index, quoted)
    return Phrase("{flow} in the tunnel {source} to {destination}", flow=inner, source=outer[0], destination=outer[1])


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


def _understand(capture: Capture, index: int, quoted: Packet, sent: dict[tuple[int, ...], int]) -> _Error | None:
    packet = capture.packets[index]
    kind, code = packet[ICMP_TYPE], packet[ICMP_CODE]
    old = packet[PROTOCOL] == ICMP
    sender, (_, about) = source_text(packet), _ends_of(capture, index, quoted)
    number = f"{kind}/{code}"
    if kind == (TIME_EXCEEDED if old else TIME_EXCEEDED_6):
        if code == 1:
            words = Phrase("not all fragments of a packet arrived in time")
            return _Error(WitnessKind.ICMP_TTL_EXCEEDED, sender, about, number, words)
        if code or _is_probe(quoted, sent):
            return None
        words = Phrase("time to live used up on the way")
        return _Error(WitnessKind.ICMP_TTL_EXCEEDED, sender, about, number, words)
    if _is_traceroute_datagram(quoted) and (kind, code) == (
        (UNREACHABLE, PORT_CODE) if old else (UNREACHABLE_6, PORT_CODE_6)
    ):
        return None
    if (old and code == TOO_BIG_CODE) or (not old and kind == TOO_BIG_6):
        size = packet[ICMP_VALUE] & 0xFFFF if old else packet[ICMP_VALUE]
        return _Error(WitnessKind.ICMP_TOO_BIG, sender, about, str(size), _too_big_words(size))
    name = (CODES if old else CODES_6).get(code) or Phrase("unreachable, code {code}", code=code)
    prohibited = code in (ADMINISTRATIVE if old else ADMINISTRATIVE_6)
    witness = WitnessKind.ICMP_PROHIBITED if prohibited else WitnessKind.ICMP_UNREACHABLE
    return _Error(witness, sender, about, number, name)


def _too_big_words(size: int) -> str:
    """Routers from before RFC 1191 leave the next hop's size zero: the sender has to guess."""
    if size == 0:
        return Phrase("too big for the next hop, whose size is not told")
    return Phrase("too big for the next hop's {size} octets", size=size)


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
