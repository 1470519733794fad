"""Which packets of a huge capture testify to anything beyond their own passing: the rest need not be kept.

One plain function of integers, like the decoder's: it runs as it stands, and compiled. It looks at one packet alone,
so what only a comparison with others shows (that a hello was acknowledged, say) is left to whoever follows flows.
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import (
    ARP,
    DESTINATION,
    DESTINATION_PORT,
    FRAGMENT,
    ICMP,
    ICMP6,
    ICMP_TYPE,
    ISIS,
    LACP,
    LAYER_MPLS,
    LAYERS,
    LENGTH,
    NETWORK,
    OSPF,
    OUTER,
    PAYLOAD,
    PROTOCOL,
    SOURCE_PORT,
    STP,
    TCP,
    TTL,
    UDP,
    VERSION,
    Octets,
    Row,
)

TELLING_LINK: Final = 1  # spanning tree (Cisco's per VLAN too) and LACP
TELLING_ARP: Final = 2
TELLING_ICMP: Final = 3  # all of ICMP but echoes
TELLING_ECHO: Final = 4
TELLING_ROUTING: Final = 5  # OSPF, IS-IS, VRRP and CARP, HSRP, BFD
TELLING_BGP: Final = 6
TELLING_DNS: Final = 7
TELLING_DHCP: Final = 8
TELLING_TLS: Final = 9
TELLING_QUIC: Final = 10
TELLING_REQUEST: Final = 12  # to or from a port that answers every datagram: time, two-way measurement, echo
TELLING_LAST_LIFE: Final = 11  # hardly any time to live left: the last rounds of a loop

VRRP: Final = 112
FEWEST_LIVES: Final = 12  # three rounds of a loop of four routers
SNAP: Final = 0xAAAA


def is_telling(row: Row, data: Octets, start: int, end: int) -> int:
    """0, or which kind of telling packet the frame data[start:end] is, whose columns are in `row`."""
    protocol = row[PROTOCOL]
    kind = 0
    if protocol == TCP:
        kind = telling_segment(row, data, start, end)
    elif protocol == UDP:
        kind = telling_datagram(row, data, start, end)
    elif protocol == ICMP:
        kind = TELLING_ECHO if row[ICMP_TYPE] == 0 or row[ICMP_TYPE] == 8 else TELLING_ICMP
    elif protocol == ICMP6:
        kind = TELLING_ECHO if row[ICMP_TYPE] == 128 or row[ICMP_TYPE] == 129 else TELLING_ICMP
    elif protocol == ARP:
        kind = TELLING_ARP
    elif protocol in (OSPF, ISIS, VRRP):
        kind = TELLING_ROUTING
    elif protocol in (STP, LACP) or is_per_vlan_tree(protocol, data, start, end):
        kind = TELLING_LINK
    if kind == 0 and is_in_last_life(row, data, start, end):
        kind = TELLING_LAST_LIFE
    return kind


def is_per_vlan_tree(protocol: int, data: Octets, start: int, end: int) -> bool:
    """A SNAP header of organisation 00000C and protocol 010B, behind an Ethernet header with or without a VLAN tag."""
    if protocol != -1:
        return False
    at = start + 14
    if end - start >= 26 and data[start + 12] == 0x81 and data[start + 13] == 0:
        at = start + 18
    if end - at < 8:
        return False
    service = data[at] << 8 | data[at + 1]
    organisation = data[at + 3] << 16 | data[at + 4] << 8 | data[at + 5]
    return service == SNAP and organisation == 0x0C and data[at + 6] == 1 and data[at + 7] == 0x0B


def telling_segment(row: Row, data: Octets, start: int, end: int) -> int:
    """All of BGP and of DNS over TCP; of any connection what begins with a TLS record of the handshake or an alert."""
    source, destination = row[SOURCE_PORT], row[DESTINATION_PORT]
    if source == 179 or destination == 179:
        return TELLING_BGP
    if source == 53 or destination == 53:
        return TELLING_DNS
    at = start + row[PAYLOAD]
    if row[LENGTH] <= 0 or row[PAYLOAD] < 0 or end - at < 3:
        return 0
    if data[at] >= 20 and data[at] <= 22 and data[at + 1] == 3 and data[at + 2] <= 4:
        return TELLING_TLS
    return 0


def telling_datagram(row: Row, data: Octets, start: int, end: int) -> int:
    """Messages of DNS, DHCP, BFD and HSRP by their ports, and QUIC's long headers by their version."""
    source, destination = row[SOURCE_PORT], row[DESTINATION_PORT]
    if row[PAYLOAD] < 0:
        return TELLING_DNS if is_dns_fragment(row, data, start, end) else 0
    if source == 53 or destination == 53:
        return TELLING_DNS
    if (source == 67 or source == 68 or source == 546 or source == 547) or (
        destination == 67 or destination == 68 or destination == 546 or destination == 547
    ):
        return TELLING_DHCP
    if destination == 3784 or destination == 3785 or destination == 4784 or destination == 6784:
        return TELLING_ROUTING
    if destination == 1985 or destination == 2029:
        return TELLING_ROUTING
    if source in (7, 123, 862) or destination in (7, 123, 862):
        return TELLING_REQUEST
    at = start + row[PAYLOAD]
    if row[LENGTH] < 7 or end - at < 7 or data[at] < 0x80:
        return 0
    version = data[at + 1] << 24 | data[at + 2] << 16 | data[at + 3] << 8 | data[at + 4]
    if version == 0 or version == 1 or version == 0x6B3343CF or version >> 8 == 0xFF0000 or version >> 8 == 0xFACEB0:
        return TELLING_QUIC
    return TELLING_QUIC if version & 0x0F0F0F0F == 0x0A0A0A0A else 0


def is_dns_fragment(row: Row, data: Octets, start: int, end: int) -> bool:
    """The first fragment of a datagram from a name server: only it has the ports."""
    if row[FRAGMENT] != 1 or row[NETWORK] < 0:
        return False
    at = start + row[NETWORK]
    if end - at < 50:
        return False
    if row[VERSION] == 4:
        at += (data[at] & 0x0F) * 4
    elif data[at + 6] == 44:
        at += 48
    else:
        return False
    return end - at >= 4 and (data[at] << 8 | data[at + 1] == 53 or data[at + 2] << 8 | data[at + 3] == 53)


def is_in_last_life(row: Row, data: Octets, start: int, end: int) -> bool:
    """Little time to live in the innermost IP header, the outermost, or the outermost label; groups live short."""
    if row[VERSION] == 0 or is_for_group(row):
        return False
    if row[TTL] <= FEWEST_LIVES:
        return True
    if row[OUTER] >= 0:
        at = start + row[OUTER]
        if (data[at + 8] if data[at] >> 4 == 4 else data[at + 7]) <= FEWEST_LIVES:
            return True
    if row[LAYERS] & LAYER_MPLS:
        at = start + 12
        while end - at >= 6 and (data[at] == 0x81 or data[at] == 0x91 or data[at] == 0x92) and data[at + 1] == 0:
            at += 4
        return end - at >= 6 and data[at] == 0x88 and data[at + 1] >= 0x47 and data[at + 5] <= FEWEST_LIVES
    return False


def is_for_group(row: Row) -> bool:
    """A multicast destination: 224.0.0.0/4 or ff00::/8."""
    if row[VERSION] == 4:
        return row[DESTINATION + 3] >> 28 == 14
    return row[DESTINATION] >> 24 == 255
