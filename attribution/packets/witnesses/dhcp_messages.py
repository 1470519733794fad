"""What a DHCP or DHCPv6 message says: RFC 2131 §2 and 2132, RFC 8415 §8 and §21."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple

from attribution.model.phrase import Phrase
from attribution.packets.addresses import hardware_text
from attribution.packets.witnesses.words import escaped

DHCP_PORTS: Final = frozenset({67, 68})
DHCPV6_PORTS: Final = frozenset({546, 547})
COOKIE: Final = b"\x63\x82\x53\x63"
OPTIONS_AT: Final = 240
PADDING, REQUESTED_ADDRESS, KIND, SERVER, MESSAGE, END = 0, 50, 53, 54, 56, 255
KINDS: Final = {
    1: "DISCOVER", 2: "OFFER", 3: "REQUEST", 4: "DECLINE", 5: "ACK", 6: "NAK", 7: "RELEASE", 8: "INFORM",
}  # fmt: skip
KINDS_6: Final = {
    1: "SOLICIT", 2: "ADVERTISE", 3: "REQUEST6", 4: "CONFIRM", 5: "RENEW", 6: "REBIND", 7: "REPLY", 8: "RELEASE",
    9: "DECLINE6", 10: "RECONFIGURE", 11: "INFORMATION-REQUEST",
}  # fmt: skip
RELAYED_6: Final = (12, 13)
RELAY_HEADER: Final = 34
MOST_RELAYS: Final = 8  # RFC 8415 §7.6, HOP_COUNT_LIMIT
CLIENT_ID, IA_NA, IA_TA, IA_ADDRESS, RELAY_MESSAGE, STATUS, IA_PD = 1, 3, 4, 5, 9, 13, 25
IA_HEADERS: Final = {IA_NA: 12, IA_TA: 4, IA_PD: 12}
STATUS_NAMES: Final = {
    1: "UnspecFail", 2: "NoAddrsAvail", 3: "NoBinding", 4: "NotOnLink", 5: "UseMulticast", 6: "NoPrefixAvail",
}  # fmt: skip
HARDWARE_AT: Final = {1: 8, 3: 4}  # where the hardware address stands in a DUID with it (RFC 8415 §11.2, §11.4)

Options = dict[int, list[bytes]]


class DhcpMessage(NamedTuple):
    """`client` is a hardware address, or an identifier in hexadecimal where it hides that; `text` is escaped."""

    packet: int
    version: int
    kind: str
    client: str
    server: str | None = None
    address: str | None = None
    status: str = ""
    text: str = ""

    @property
    def family(self) -> str:
        return "v6" if self.version == 6 else ""


def read_dhcp(packet: int, octets: bytes) -> DhcpMessage | None:
    """A BOOTP message with DHCP's cookie and a message type; None for anything else or one cut before its type."""
    if len(octets) <= OPTIONS_AT or octets[236:240] != COOKIE or octets[0] not in (1, 2):
        return None
    options = _options(octets)
    kind = KINDS.get(options.get(KIND, [b"\0"])[0][0] if options.get(KIND, [b""])[0] else 0)
    if kind is None:
        return None
    size = min(octets[2], 16)
    client = hardware_text(int.from_bytes(octets[28:34], "big")) if size == 6 else octets[28 : 28 + size].hex(":")
    server = options.get(SERVER, [b""])[0]
    requested = options.get(REQUESTED_ADDRESS, [b""])[0]
    return DhcpMessage(
        packet, 4, kind, client, str(IPv4Address(server)) if len(server) == 4 else None,
        str(IPv4Address(requested)) if len(requested) == 4 else None, text=escaped(options.get(MESSAGE, [b""])[0]),
    )  # fmt: skip


def _options(octets: bytes) -> Options:
    found: Options = {}
    at = OPTIONS_AT
    while at < len(octets) and octets[at] != END:
        if octets[at] == PADDING:
            at += 1
            continue
        if at + 2 > len(octets):
            break
        found.setdefault(octets[at], []).append(octets[at + 2 : at + 2 + octets[at + 1]])
        at += 2 + octets[at + 1]
    return found


def read_dhcpv6(packet: int, octets: bytes) -> DhcpMessage | None:
    """A client's or server's message, taken out of what relays wrapped around it."""
    for _ in range(MOST_RELAYS):
        if octets[:1] and octets[0] in RELAYED_6:
            octets = _options_6(octets, RELAY_HEADER).get(RELAY_MESSAGE, [b""])[0]
    if len(octets) < 4 or octets[0] not in KINDS_6:
        return None
    options = _options_6(octets, 4)
    identifier = options.get(CLIENT_ID, [b""])[0]
    if not identifier:
        return None
    status, text, address = _status(options)
    return DhcpMessage(packet, 6, KINDS_6[octets[0]], _client(identifier), None, address, status, text)


def _client(identifier: bytes) -> str:
    start = HARDWARE_AT.get(int.from_bytes(identifier[:2], "big"))
    if start is not None and len(identifier) == start + 6 and identifier[2:4] == b"\0\1":
        return hardware_text(int.from_bytes(identifier[start:], "big"))
    return identifier[:20].hex(":")


def _options_6(octets: bytes, at: int) -> Options:
    found: Options = {}
    while at + 4 <= len(octets):
        size = octets[at + 2] << 8 | octets[at + 3]
        found.setdefault(octets[at] << 8 | octets[at + 1], []).append(octets[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def _status(options: Options) -> tuple[str, str, str | None]:
    """A status other than success, of the whole message or of one association, and the address in question."""
    address: str | None = None
    told = list(options.get(STATUS, ()))
    for kind, header in IA_HEADERS.items():
        for association in options.get(kind, ()):
            inner = _options_6(association, header)
            told += inner.get(STATUS, ())
            for entry in inner.get(IA_ADDRESS, ()):
                if len(entry) >= 16:
                    address = str(IPv6Address(entry[:16]))
                told += _options_6(entry, 24).get(STATUS, ())
    for value in told:
        code = int.from_bytes(value[:2], "big")
        if code:
            return STATUS_NAMES.get(code) or Phrase("status {code}", code=code), escaped(value[2:]), address
    return "", "", address
