"""From a frame's octets to a row of columns: the innermost IP packet, and what it was wrapped in.

The functions are plain arithmetic on integers: they run as they stand on bytes and lists, and compiled on arrays
(`bulk`). They never fail on any octets: a header that is cut or contradicts itself leaves a mark in LAYERS and its
fields blank. Lengths are those that the headers state, as far as the packet was that long on the wire; a short snap
length does not shorten a segment.

Sources: RFC 791, 8200 (IP), 9293 (TCP), 7323 (timestamps, window scale), 2018 (SACK), 768 (UDP), 792 and 4443 (ICMP),
826 (ARP), 9260 (SCTP), 4302 (AH).
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import (
    ACKNOWLEDGEMENT,
    ARP,
    CHECKSUM,
    DEPTH,
    DESTINATION,
    DESTINATION_PORT,
    DONT_FRAGMENT,
    FLAGS,
    FRAGMENT,
    ICMP,
    ICMP6,
    IP_ID,
    IP_LENGTH,
    ISIS,
    LAYER_AUTHENTICATION,
    LAYER_CUT,
    LAYER_ENCRYPTED,
    LAYER_IP_IN_IP,
    LAYER_MALFORMED,
    LAYER_OPTIONS_CUT,
    LAYERS,
    LENGTH,
    NETWORK,
    OPTION_MULTIPATH,
    OPTION_SACK,
    OPTION_SACK_PERMITTED,
    OPTION_TIMESTAMP,
    OPTIONS,
    OUTER,
    PAYLOAD,
    PROTOCOL,
    SACK,
    SACK_COUNT,
    SCALE,
    SCTP,
    SEGMENT_SIZE,
    SEQUENCE,
    SOURCE,
    SOURCE_PORT,
    STP,
    TCP,
    TIMESTAMP,
    TIMESTAMP_ECHO,
    TRAFFIC_CLASS,
    TRANSPORT,
    TTL,
    UDP,
    VERSION,
    WINDOW,
    Octets,
    Row,
)
from attribution.packets.link_layers import (
    ERSPAN_2,
    ERSPAN_3,
    ETHERNET_FRAME,
    GRE_HEADER,
    IP_BY_VERSION,
    IP_PROTOCOL,
    IPV4,
    IPV6,
    LLC_FRAME,
    PPP_FRAME,
    STOP,
    WIRELESS_FRAME,
    WIRELESS_FRAME_SWAPPED,
    read_erspan,
    read_ethernet,
    read_gre,
    read_link,
    read_llc,
    read_macsec,
    read_mpls,
    read_ppp,
    read_pppoe,
    read_tag,
    read_udp_tunnel,
    read_vlan,
    read_wireless_frame,
)

DEEPEST: Final = 24  # headers in one packet; more than any real network stacks, and it bounds the work


def decode_packet(data: Octets, start: int, end: int, wire_end: int, link_type: int, row: Row) -> None:
    """Fill `row` with what the packet in data[start:end] says; `wire_end` is where it would end were it not cut."""
    kind, at = read_link(data, start, end, link_type, row)
    decode_headers(data, start, at, end, wire_end, kind, row)


def decode_headers(data: Octets, start: int, at: int, end: int, wire_end: int, kind: int, row: Row) -> None:
    """Follow the chain of headers from `kind` at `at` to the innermost; `start` is where offsets count from."""
    for _ in range(DEEPEST):
        if kind == IPV4:
            kind, at, end, wire_end = read_ipv4(data, start, at, end, wire_end, row)
        elif kind == IP_PROTOCOL + TCP:
            return read_tcp(data, start, at, end, row)
        elif kind == IP_PROTOCOL + UDP:
            kind, at = read_udp(data, start, at, end, row)
        elif kind == IPV6:
            kind, at, end, wire_end = read_ipv6(data, start, at, end, wire_end, row)
        elif kind == IP_PROTOCOL + ICMP or kind == IP_PROTOCOL + ICMP6:
            return read_icmp(data, start, at, end, row)
        elif kind == ARP:
            return read_arp(data, start, at, end, row)
        elif kind in (0x8100, 0x88A8, 0x9100, 0x9200):
            kind, at = read_vlan(data, at, end, row)
        elif kind in (0x8847, 0x8848):
            kind, at = read_mpls(data, at, end, row)
        elif kind == ETHERNET_FRAME:
            kind, at = read_ethernet(data, at, end, row)
        elif kind == LLC_FRAME:
            kind, at = read_llc(data, at, end, row)
        elif kind == IP_BY_VERSION:
            kind = version_of(data, at, end)
        elif kind == 0x8864 or kind == 0x8863:
            payload = at + 6
            kind, at = read_pppoe(data, at, end, row)
            if kind != STOP:
                wire_end = min(wire_end, payload + (data[payload - 2] << 8 | data[payload - 1]))
                end = min(end, wire_end)
        elif kind == PPP_FRAME:
            kind, at = read_ppp(data, at, end, row)
        elif kind == IP_PROTOCOL + 47 or kind == GRE_HEADER:
            kind, at = read_gre(data, at, end, row)
        elif kind in (ERSPAN_2, ERSPAN_3):
            kind, at = read_erspan(data, at, end, kind, row)
        elif kind == IP_PROTOCOL + 51:
            kind, at = read_authentication(data, at, end, row)
        elif kind == IP_PROTOCOL + 4:
            kind = IPV4
        elif kind == IP_PROTOCOL + 41:
            kind = IPV6
        elif kind == IP_PROTOCOL + 137:
            kind = 0x8847
        elif kind == IP_PROTOCOL + 97:  # Ethernet within IP (RFC 3378): a version, then the frame
            kind, at = ETHERNET_FRAME, at + 2
        elif kind in (WIRELESS_FRAME, WIRELESS_FRAME_SWAPPED):
            swapped = 1 if kind == WIRELESS_FRAME_SWAPPED else 0
            kind, at = read_wireless_frame(data, at, end, swapped, 0, row)
        elif kind in (0x893F, 0x8926, 0x88E7, 0x8903):
            kind, at = read_tag(data, at, end, kind, row)
        elif kind == 0x88E5:
            kind, at = read_macsec(data, at, end, row)
        else:
            return read_other(data, start, at, end, kind, row)
    return None


def version_of(data: Octets, at: int, end: int) -> int:
    """The first nibble of an IP packet is its version."""
    if end - at < 1:
        return STOP
    version = data[at] >> 4
    return IPV4 if version == 4 else IPV6 if version == 6 else STOP


def enter_network(start: int, at: int, version: int, row: Row) -> None:
    """An IP header inside another replaces it: what the outer one carried is forgotten, its place is kept."""
    if row[DEPTH]:
        if row[DEPTH] == 1:
            row[OUTER] = row[NETWORK]
        row[LAYERS] |= LAYER_IP_IN_IP
        row[SOURCE_PORT] = -1
        row[DESTINATION_PORT] = -1
        row[TRANSPORT] = -1
        row[PAYLOAD] = -1
        row[LENGTH] = 0
        row[CHECKSUM] = 0
        row[IP_ID] = -1
        for word in range(3):
            row[SOURCE + word] = 0
            row[DESTINATION + word] = 0
    row[DEPTH] += 1
    row[VERSION] = version
    row[NETWORK] = at - start


def read_ipv4(data: Octets, start: int, at: int, end: int, wire_end: int, row: Row) -> tuple[int, int, int, int]:
    """IPv4 (RFC 791). A total length of zero is a segment that the network card was still to cut: all of it counts."""
    if end - at < 20:
        row[LAYERS] |= LAYER_CUT
        return STOP, at, end, wire_end
    header = (data[at] & 0x0F) * 4
    total = data[at + 2] << 8 | data[at + 3]
    if data[at] >> 4 == 6:  # the frame says IPv4, the packet knows better
        return IPV6, at, end, wire_end
    if data[at] >> 4 != 4 or header < 20 or (total and total < header):
        row[LAYERS] |= LAYER_MALFORMED
        return STOP, at, end, wire_end
    if row[DEPTH]:
        enter_network(start, at, 4, row)
    else:
        row[DEPTH] = 1
        row[VERSION] = 4
        row[NETWORK] = at - start
    row[TRAFFIC_CLASS] = data[at + 1]
    row[IP_ID] = data[at + 4] << 8 | data[at + 5]
    row[TTL] = data[at + 8]
    row[PROTOCOL] = data[at + 9]
    row[SOURCE + 3] = data[at + 12] << 24 | data[at + 13] << 16 | data[at + 14] << 8 | data[at + 15]
    row[DESTINATION + 3] = data[at + 16] << 24 | data[at + 17] << 16 | data[at + 18] << 8 | data[at + 19]
    fragment = data[at + 6] << 8 | data[at + 7]
    row[DONT_FRAGMENT] = fragment >> 14 & 1
    if total:
        wire_end = min(at + total, wire_end)
        end = min(end, wire_end)
    row[IP_LENGTH] = wire_end - at - header
    if header > 20:
        read_ipv4_options(data, at + 20, min(at + header, end), row)
    if fragment & 0x3FFF:
        row[FRAGMENT] = (fragment & 0x1FFF) << 3 | fragment >> 13 & 1
        return STOP, at + header, end, wire_end
    return IP_PROTOCOL + data[at + 9], at + header, end, wire_end


def read_ipv4_options(data: Octets, at: int, end: int, row: Row) -> None:
    """A source route (RFC 791 §3.1, loose 131 and strict 137) that is not yet at its end says who the receiver is."""
    while at + 2 <= end:
        kind = data[at]
        if kind == 0:
            return
        if kind == 1:
            at += 1
            continue
        size = data[at + 1]
        if size < 2 or at + size > end:
            return
        if (kind == 131 or kind == 137) and size >= 7:
            pointer = data[at + 2]
            if pointer >= 4 and pointer % 4 == 0 and pointer + 3 <= size:
                last = at + size - 4
                row[DESTINATION + 3] = data[last] << 24 | data[last + 1] << 16 | data[last + 2] << 8 | data[last + 3]
        at += size


def read_ipv6(data: Octets, start: int, at: int, end: int, wire_end: int, row: Row) -> tuple[int, int, int, int]:
    """IPv6 (RFC 8200), and the extension headers in front of what it carries."""
    if end - at < 40:
        row[LAYERS] |= LAYER_CUT
        return STOP, at, end, wire_end
    if data[at] >> 4 != 6:
        row[LAYERS] |= LAYER_MALFORMED
        return STOP, at, end, wire_end
    enter_network(start, at, 6, row)
    row[TRAFFIC_CLASS] = (data[at] & 0x0F) << 4 | data[at + 1] >> 4
    row[TTL] = data[at + 7]
    for word in range(8):
        place = at + 8 + 4 * word
        row[SOURCE + word] = data[place] << 24 | data[place + 1] << 16 | data[place + 2] << 8 | data[place + 3]
    length = data[at + 4] << 8 | data[at + 5]
    protocol = data[at + 6]
    at += 40
    if length:
        wire_end = min(at + length, wire_end)
        end = min(end, wire_end)
    length = wire_end - at
    return skip_extensions(data, at, end, wire_end, length, protocol, row)


def skip_extensions(
    data: Octets, at: int, end: int, wire_end: int, length: int, protocol: int, row: Row
) -> tuple[int, int, int, int]:
    """IPv6 extension headers (RFC 8200 §4): hop-by-hop, routing, destination, mobility, HIP, shim6; and fragments."""
    for _ in range(DEEPEST):
        row[PROTOCOL] = protocol
        row[IP_LENGTH] = length
        if protocol == 44:
            if end - at < 8:
                row[LAYERS] |= LAYER_CUT
                return STOP, at, end, wire_end
            fragment = data[at + 2] << 8 | data[at + 3]
            row[IP_ID] = data[at + 4] << 24 | data[at + 5] << 16 | data[at + 6] << 8 | data[at + 7]
            row[FRAGMENT] = fragment & 0xFFF9
            protocol = data[at]
            at += 8
            length -= 8
            if fragment & 0xFFF9:
                row[PROTOCOL] = protocol
                row[IP_LENGTH] = length
                return STOP, at, end, wire_end
        elif protocol in (0, 43, 60, 135, 139, 140):
            if end - at < 8:
                row[LAYERS] |= LAYER_CUT
                return STOP, at, end, wire_end
            protocol = data[at]
            size = 8 + 8 * data[at + 1]
            at += size
            length -= size
        else:
            return IP_PROTOCOL + protocol, at, end, wire_end
    row[LAYERS] |= LAYER_MALFORMED
    return STOP, at, end, wire_end


def read_authentication(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """An IPsec authentication header (RFC 4302) hides nothing: what it protects follows it."""
    if end - at < 12:
        row[LAYERS] |= LAYER_CUT
        return STOP, at
    size = 4 * (data[at + 1] + 2)
    row[LAYERS] |= LAYER_AUTHENTICATION
    row[PROTOCOL] = data[at]
    row[IP_LENGTH] -= size
    return IP_PROTOCOL + data[at], at + size


def read_tcp(data: Octets, start: int, at: int, end: int, row: Row) -> None:
    """A TCP segment (RFC 9293 §3.1); its length is what the IP header leaves after the TCP header.

    Of a header that is cut, what can be judged lies in its first 16 octets.
    """
    if end - at >= 4:
        row[SOURCE_PORT] = data[at] << 8 | data[at + 1]
        row[DESTINATION_PORT] = data[at + 2] << 8 | data[at + 3]
    if end - at < 16:
        row[LAYERS] |= LAYER_CUT
        return
    header = data[at + 12] >> 4 << 2
    row[SEQUENCE] = data[at + 4] << 24 | data[at + 5] << 16 | data[at + 6] << 8 | data[at + 7]
    row[ACKNOWLEDGEMENT] = data[at + 8] << 24 | data[at + 9] << 16 | data[at + 10] << 8 | data[at + 11]
    row[FLAGS] = (data[at + 12] & 0x0F) << 8 | data[at + 13]
    row[WINDOW] = data[at + 14] << 8 | data[at + 15]
    if end - at >= 18:
        row[CHECKSUM] = data[at + 16] << 8 | data[at + 17]
    if header < 20 or header > row[IP_LENGTH]:
        row[LAYERS] |= LAYER_MALFORMED
        return
    row[TRANSPORT] = at - start
    row[PAYLOAD] = at - start + header
    row[LENGTH] = row[IP_LENGTH] - header
    if end - at < 20:
        row[LAYERS] |= LAYER_CUT | LAYER_OPTIONS_CUT
    elif header > 20:
        read_tcp_options(data, at + 20, at + header, end, row)


def read_tcp_options(data: Octets, at: int, options_end: int, end: int, row: Row) -> None:
    """Options are a list of kind, length, value (RFC 9293 §3.2); a bad length ends the list."""
    if options_end > end:
        row[LAYERS] |= LAYER_OPTIONS_CUT
        options_end = end
    while at < options_end:
        kind = data[at]
        if kind == 1:
            at += 1
            continue
        if kind == 0 or at + 1 >= options_end:
            return
        size = data[at + 1]
        if size < 2 or at + size > options_end:
            return
        if kind == 8 and size == 10:
            row[OPTIONS] |= OPTION_TIMESTAMP
            row[TIMESTAMP] = data[at + 2] << 24 | data[at + 3] << 16 | data[at + 4] << 8 | data[at + 5]
            row[TIMESTAMP_ECHO] = data[at + 6] << 24 | data[at + 7] << 16 | data[at + 8] << 8 | data[at + 9]
        elif kind == 5:
            row[OPTIONS] |= OPTION_SACK
            count = min((size - 2) // 8, 4)
            row[SACK_COUNT] = count
            for edge in range(2 * count):
                place = at + 2 + 4 * edge
                row[SACK + edge] = data[place] << 24 | data[place + 1] << 16 | data[place + 2] << 8 | data[place + 3]
        elif kind == 2 and size == 4:
            row[SEGMENT_SIZE] = data[at + 2] << 8 | data[at + 3]
        elif kind == 3 and size == 3:
            row[SCALE] = data[at + 2]
        elif kind == 4 and size == 2:
            row[OPTIONS] |= OPTION_SACK_PERMITTED
        elif kind == 30:
            row[OPTIONS] |= OPTION_MULTIPATH
        at += size


def read_udp(data: Octets, start: int, at: int, end: int, row: Row) -> tuple[int, int]:
    """A UDP datagram (RFC 768), which may carry another packet."""
    if end - at < 8:
        row[LAYERS] |= LAYER_CUT
        if end - at >= 4:
            row[SOURCE_PORT] = data[at] << 8 | data[at + 1]
            row[DESTINATION_PORT] = data[at + 2] << 8 | data[at + 3]
        return STOP, at
    source = data[at] << 8 | data[at + 1]
    destination = data[at + 2] << 8 | data[at + 3]
    row[SOURCE_PORT] = source
    row[DESTINATION_PORT] = destination
    row[CHECKSUM] = data[at + 6] << 8 | data[at + 7]
    row[TRANSPORT] = at - start
    row[PAYLOAD] = at - start + 8
    row[LENGTH] = max(row[IP_LENGTH] - 8, 0)
    return read_udp_tunnel(data, at + 8, end, source, destination, row)


def read_icmp(data: Octets, start: int, at: int, end: int, row: Row) -> None:
    """ICMP (RFC 792, 4443): type, code, and for echoes an identifier and a sequence number.

    Errors quote the packet that they speak of at PAYLOAD.
    """
    if end - at < 8:
        row[LAYERS] |= LAYER_CUT
        if end - at < 4:
            return
    row[TRANSPORT] = at - start
    row[SOURCE_PORT] = data[at]
    row[DESTINATION_PORT] = data[at + 1]
    row[CHECKSUM] = data[at + 2] << 8 | data[at + 3]
    if end - at < 8:
        return
    row[PAYLOAD] = at - start + 8
    row[LENGTH] = max(row[IP_LENGTH] - 8, 0)
    row[ACKNOWLEDGEMENT] = data[at + 4] << 8 | data[at + 5]
    row[SEQUENCE] = data[at + 6] << 8 | data[at + 7]
    row[WINDOW] = row[ACKNOWLEDGEMENT] << 16 | row[SEQUENCE]


def read_arp(data: Octets, start: int, at: int, end: int, row: Row) -> None:
    """ARP for IPv4 over Ethernet (RFC 826): who asks, whom for, and with which hardware address."""
    row[PROTOCOL] = ARP
    row[NETWORK] = at - start
    if end - at < 8:
        row[LAYERS] |= LAYER_CUT
        return
    row[SOURCE_PORT] = data[at + 6] << 8 | data[at + 7]
    if data[at + 4] != 6 or data[at + 5] != 4:
        return
    if end - at < 28:
        row[LAYERS] |= LAYER_CUT
        return
    sender = at + 8
    row[SEQUENCE] = (
        data[sender] << 40
        | data[sender + 1] << 32
        | data[sender + 2] << 24
        | data[sender + 3] << 16
        | data[sender + 4] << 8
        | data[sender + 5]
    )
    row[SOURCE + 3] = data[at + 14] << 24 | data[at + 15] << 16 | data[at + 16] << 8 | data[at + 17]
    row[DESTINATION + 3] = data[at + 24] << 24 | data[at + 25] << 16 | data[at + 26] << 8 | data[at + 27]


def read_other(data: Octets, start: int, at: int, end: int, kind: int, row: Row) -> None:
    """What is not looked into: its place is kept for those that know the protocol (OSPF, BFD, LACP, spanning tree)."""
    if kind >= IP_PROTOCOL and kind < ETHERNET_FRAME:
        protocol = kind - IP_PROTOCOL
        row[TRANSPORT] = at - start
        row[PAYLOAD] = at - start
        row[LENGTH] = row[IP_LENGTH]
        if protocol == 50:
            row[LAYERS] |= LAYER_ENCRYPTED
        elif protocol == SCTP and end - at >= 12:
            row[SOURCE_PORT] = data[at] << 8 | data[at + 1]
            row[DESTINATION_PORT] = data[at + 2] << 8 | data[at + 3]
            row[SEQUENCE] = data[at + 4] << 24 | data[at + 5] << 16 | data[at + 6] << 8 | data[at + 7]
            row[PAYLOAD] = at - start + 12
            row[LENGTH] = max(row[IP_LENGTH] - 12, 0)
    elif kind >= 0x600 and row[DEPTH] == 0:
        row[PROTOCOL] = kind
        row[NETWORK] = at - start
    elif row[PROTOCOL] == STP or row[PROTOCOL] == ISIS:
        row[NETWORK] = at - start
