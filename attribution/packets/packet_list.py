"""One packet in a line, as a packet list shows it, and its layers in a few lines more; no library is needed for it.

The words are Wireshark's where it has any. Sequence numbers are those on the wire: what they began with may lie before
the packets that are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from attribution.packets import columns as c
from attribution.packets.addresses import destination_text, hardware_text, source_text
from attribution.packets.decode import decode_headers
from attribution.packets.dissection import hex_lines
from attribution.packets.figures import protocol_name
from attribution.packets.frames import Frame
from attribution.packets.link_layers import IP_BY_VERSION
from attribution.packets.witnesses.bfd import CONTROL_PORTS, DIAGNOSTICS, STATES
from attribution.packets.witnesses.bgp_messages import BGP_PORT, HEADER, MARKER
from attribution.packets.witnesses.icmp_errors import CODES, CODES_6

DNS_PORT: Final = 53
FLAG_NAMES: Final = (
    (c.SYN, "SYN"), (c.FIN, "FIN"), (c.RST, "RST"), (c.PSH, "PSH"), (c.ACK, "ACK"), (0x20, "URG"), (0x40, "ECE"),
    (0x80, "CWR"),
)  # fmt: skip
LAYER_NAMES: Final = (
    (c.LAYER_BACKBONE, "MAC in MAC"), (c.LAYER_QINQ, "QinQ"), (c.LAYER_MPLS, "MPLS"),
    (c.LAYER_PSEUDOWIRE, "pseudowire"), (c.LAYER_PPPOE, "PPPoE"), (c.LAYER_PPP, "PPP"), (c.LAYER_GRE, "GRE"),
    (c.LAYER_ERSPAN, "ERSPAN"), (c.LAYER_VXLAN, "VXLAN"), (c.LAYER_GENEVE, "GENEVE"), (c.LAYER_IP_IN_IP, "IP in IP"),
    (c.LAYER_GTP, "GTP"), (c.LAYER_L2TP, "L2TP"), (c.LAYER_TEREDO, "Teredo"), (c.LAYER_CAPWAP, "CAPWAP"),
    (c.LAYER_AYIYA, "AYIYA"), (c.LAYER_EXTENDER, "port extender"), (c.LAYER_WIRELESS, "802.11"),
    (c.LAYER_AUTHENTICATION, "authentication header"), (c.LAYER_ENCRYPTED, "encrypted (ESP)"),
    (c.LAYER_CUT, "a header is cut"), (c.LAYER_MALFORMED, "a header contradicts itself"),
)  # fmt: skip
BGP_MESSAGES: Final = {1: "OPEN", 2: "UPDATE", 3: "NOTIFICATION", 4: "KEEPALIVE", 5: "ROUTE-REFRESH"}
ICMP_NAMES: Final = {
    0: "Echo (ping) reply", 3: "Destination unreachable", 5: "Redirect", 8: "Echo (ping) request",
    9: "Router advertisement", 11: "Time-to-live exceeded", 12: "Parameter problem",
}  # fmt: skip
ICMP6_NAMES: Final = {
    1: "Destination unreachable", 2: "Packet too big", 3: "Hop limit exceeded", 4: "Parameter problem",
    128: "Echo (ping) request", 129: "Echo (ping) reply", 133: "Router solicitation", 134: "Router advertisement",
    135: "Neighbor solicitation", 136: "Neighbor advertisement",
}  # fmt: skip
TOO_BIG: Final = 4
OSPF_TYPES: Final = {
    1: "Hello", 2: "Database description", 3: "Link state request", 4: "Link state update",
    5: "Link state acknowledgement",
}  # fmt: skip
MOST_OCTETS_SHOWN: Final = 128
Packet = Sequence[int]


@dataclass(frozen=True, slots=True)
class ListedPacket:
    """The ends, the protocol and the gist of one packet; ends are hardware addresses where there is no IP."""

    source: str
    destination: str
    protocol: str
    info: str


def describe_packet(frame: Frame, packet: Packet) -> ListedPacket:
    """A decoded packet in one line; whatever its octets are, there is something to say."""
    source, destination = _ends(packet)
    protocol = packet[c.PROTOCOL]
    if packet[c.FRAGMENT] >> 3:
        info = f"fragment at octet {packet[c.FRAGMENT] & ~7} of datagram 0x{packet[c.IP_ID] & 0xFFFFFFFF:04x}"
        return ListedPacket(source, destination, _name(protocol), info)
    if packet[c.TRANSPORT] < 0 and protocol != c.ARP:
        return ListedPacket(source, destination, _name(protocol), f"{packet[c.WIRE]} octets")
    if protocol == c.TCP:
        bgp = _bgp(frame, packet)
        return ListedPacket(
            source, destination, "BGP" if bgp else "TCP", f"{bgp}, {_tcp(packet)}" if bgp else _tcp(packet)
        )
    if protocol == c.UDP:
        name, info = _udp(frame, packet)
        return ListedPacket(source, destination, name, info)
    if protocol in (c.ICMP, c.ICMP6):
        return ListedPacket(source, destination, _name(protocol), _icmp(frame, packet))
    if protocol == c.ARP:
        return ListedPacket(
            hardware_text(packet[c.MAC_SOURCE]), hardware_text(packet[c.MAC_DESTINATION]), "ARP", _arp(packet)
        )
    if protocol == c.OSPF:
        kind = _payload(frame, packet[c.TRANSPORT])[1:2]
        named = OSPF_TYPES.get(kind[0] if kind else 0, "")
        return ListedPacket(source, destination, "OSPF", named or f"{packet[c.WIRE]} octets")
    return ListedPacket(source, destination, _name(protocol), f"{packet[c.WIRE]} octets")


def describe_layers(frame: Frame, packet: Packet) -> Iterator[str]:
    """The packet's layers from the outside in, then its first octets."""
    cut = "" if len(frame.octets) >= frame.wire_octets else f", {len(frame.octets)} of them captured"
    yield f"Frame {frame.number}: {frame.wire_octets} octets{cut}, link type {frame.link_type}"
    if packet[c.MAC_SOURCE] or packet[c.MAC_DESTINATION]:
        vlan = f", VLAN {packet[c.VLAN]}" if packet[c.VLAN] >= 0 else ""
        ends = f"{hardware_text(packet[c.MAC_SOURCE])} → {hardware_text(packet[c.MAC_DESTINATION])}"
        yield f"Link: {ends}{vlan}"
    wrapped = [name for bit, name in LAYER_NAMES if packet[c.LAYERS] & bit]
    if wrapped:
        number = f", number {packet[c.TUNNEL]}" if packet[c.TUNNEL] >= 0 else ""
        yield f"Around it: {', '.join(wrapped)}{number}"
    if packet[c.VERSION]:
        identity = f", identification 0x{packet[c.IP_ID]:04x}" if packet[c.IP_ID] >= 0 else ""
        whole = ", don't fragment" if packet[c.DONT_FRAGMENT] else ""
        dscp = f", DSCP {packet[c.TRAFFIC_CLASS] >> 2}" if packet[c.TRAFFIC_CLASS] >> 2 else ""
        ends = f"{source_text(packet)} → {destination_text(packet)}"
        yield f"IPv{packet[c.VERSION]}: {ends}, time to live {packet[c.TTL]}{identity}{whole}{dscp}"
    shown = describe_packet(frame, packet)
    yield f"{shown.protocol}: {shown.info}"
    if packet[c.PROTOCOL] == c.TCP and packet[c.TRANSPORT] >= 0:
        yield from _tcp_options(packet)
    size = _octets_shown(packet)
    yield from hex_lines(frame.octets[:size])
    if len(frame.octets) > size:
        yield f"… {len(frame.octets) - size} octets more"


def _octets_shown(packet: Packet) -> int:
    """The headers; what hosts carry in TCP and UDP is their users' own, and no evidence of the network."""
    carries = packet[c.PROTOCOL] in (c.TCP, c.UDP) and packet[c.PAYLOAD] >= 0
    network = {BGP_PORT, *CONTROL_PORTS} & {packet[c.SOURCE_PORT], packet[c.DESTINATION_PORT]}
    return min(packet[c.PAYLOAD], MOST_OCTETS_SHOWN) if carries and not network else MOST_OCTETS_SHOWN


def _ends(packet: Packet) -> tuple[str, str]:
    if packet[c.VERSION]:
        return source_text(packet), destination_text(packet)
    if packet[c.MAC_SOURCE] or packet[c.MAC_DESTINATION]:
        return hardware_text(packet[c.MAC_SOURCE]), hardware_text(packet[c.MAC_DESTINATION])
    return "", ""


def _name(protocol: int) -> str:
    return "?" if protocol < 0 else protocol_name(protocol).upper().replace("ICMPV6", "ICMPv6")


def _payload(frame: Frame, at: int) -> bytes:
    return frame.octets[at:] if at >= 0 else b""


def _tcp(packet: Packet) -> str:
    flags = ", ".join(name for bit, name in FLAG_NAMES if packet[c.FLAGS] & bit)
    ports = f"{packet[c.SOURCE_PORT]} → {packet[c.DESTINATION_PORT]}"
    numbers = f"Seq={packet[c.SEQUENCE]}"
    if packet[c.FLAGS] & c.ACK:
        numbers += f" Ack={packet[c.ACKNOWLEDGEMENT]}"
    return f"{ports} [{flags}] {numbers} Win={packet[c.WINDOW]} Len={packet[c.LENGTH]}"


def _tcp_options(packet: Packet) -> Iterator[str]:
    told = []
    if packet[c.SEGMENT_SIZE] >= 0:
        told.append(f"maximum segment size {packet[c.SEGMENT_SIZE]}")
    if packet[c.SCALE] >= 0:
        told.append(f"window scale {packet[c.SCALE]}")
    if packet[c.TIMESTAMP] >= 0:
        told.append(f"timestamp {packet[c.TIMESTAMP]}, echo {packet[c.TIMESTAMP_ECHO]}")
    edges = packet[c.SACK : c.SACK + 2 * packet[c.SACK_COUNT]]
    told += [f"SACK {left}–{right}" for left, right in zip(edges[::2], edges[1::2], strict=True)]
    if told:
        yield f"Options: {', '.join(told)}"


def _bgp(frame: Frame, packet: Packet) -> str:
    """The BGP messages that begin in this segment, with the code of a NOTIFICATION (RFC 4271 §4.5)."""
    if BGP_PORT not in (packet[c.SOURCE_PORT], packet[c.DESTINATION_PORT]):
        return ""
    octets, at = _payload(frame, packet[c.PAYLOAD]), 0
    said = []
    while octets[at : at + len(MARKER)] == MARKER and len(octets) >= at + HEADER:
        size, kind = int.from_bytes(octets[at + 16 : at + 18], "big"), octets[at + 18]
        code = octets[at + HEADER : at + HEADER + 2]
        said.append(
            BGP_MESSAGES.get(kind, f"type {kind}") + (f" {code[0]}/{code[1]}" if kind == 3 and len(code) == 2 else "")
        )
        at += max(size, HEADER)
    return ", ".join(said)


def _udp(frame: Frame, packet: Packet) -> tuple[str, str]:
    ports = f"{packet[c.SOURCE_PORT]} → {packet[c.DESTINATION_PORT]} Len={packet[c.LENGTH]}"
    octets = _payload(frame, packet[c.PAYLOAD])
    if packet[c.DESTINATION_PORT] in CONTROL_PORTS and len(octets) >= 2 and octets[0] >> 5 == 1:
        diagnostic = octets[0] & 0x1F
        why = DIAGNOSTICS[diagnostic] if diagnostic < len(DIAGNOSTICS) else f"diagnostic {diagnostic}"
        return "BFD", f"{ports}, {STATES[octets[1] >> 6]}, {why}"
    if DNS_PORT in (packet[c.SOURCE_PORT], packet[c.DESTINATION_PORT]) and len(octets) >= 4:
        what = f"response, code {octets[3] & 0x0F}" if octets[2] & 0x80 else "query"
        return "DNS", f"{ports}, {what} 0x{octets[0]:02x}{octets[1]:02x}"
    return "UDP", ports


def _icmp(frame: Frame, packet: Packet) -> str:
    kind, code = packet[c.ICMP_TYPE], packet[c.ICMP_CODE]
    is_6 = packet[c.PROTOCOL] == c.ICMP6
    name = (ICMP6_NAMES if is_6 else ICMP_NAMES).get(kind, f"type {kind}, code {code}")
    if kind in ((128, 129) if is_6 else (0, 8)):
        return f"{name} id=0x{packet[c.ECHO_IDENTIFIER]:04x}, seq={packet[c.ECHO_SEQUENCE]}, ttl={packet[c.TTL]}"
    if kind == (1 if is_6 else 3):
        words = (CODES_6 if is_6 else CODES).get(code, f"code {code}")
        if not is_6 and code == TOO_BIG:
            words = f"fragmentation needed, next hop's MTU {packet[c.ICMP_VALUE] & 0xFFFF}"
        name = f"{name} ({words})"
    elif is_6 and kind == 2:
        name = f"{name}, MTU {packet[c.ICMP_VALUE]}"
    quoted = _quoted(frame, packet) if kind in ((1, 2, 3, 4) if is_6 else (3, 5, 11, 12)) else ""
    return f"{name}: {quoted}" if quoted else name


def _quoted(frame: Frame, packet: Packet) -> str:
    """The packet that an ICMP error speaks of."""
    octets = _payload(frame, packet[c.PAYLOAD])
    if len(octets) < 20:
        return ""
    row = list(c.BLANK)
    decode_headers(octets, 0, 0, len(octets), len(octets), IP_BY_VERSION, row)
    if not row[c.VERSION]:
        return ""
    ports = f" {row[c.SOURCE_PORT]} → {row[c.DESTINATION_PORT]}" if row[c.PROTOCOL] in (c.TCP, c.UDP) else ""
    return f"{source_text(row)} → {destination_text(row)} {_name(row[c.PROTOCOL])}{ports}"


def _arp(packet: Packet) -> str:
    sender, target = source_text(packet), destination_text(packet)
    if packet[c.ARP_OPERATION] == 2:
        return f"{sender} is at {hardware_text(packet[c.ARP_SENDER])}"
    return f"Who has {target}? Tell {sender}"
