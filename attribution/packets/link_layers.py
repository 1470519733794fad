"""What lies below IP: link types of capture files, and the labels and tunnels a packet may be wrapped in.

Every function reads one header at `at` and answers (kind of the next header, where it begins). They are plain
functions of integers, so that the same source runs as it is and compiled. A kind is an ethertype (below 0x10000), an
IP protocol (PROTOCOL_ + number), or one of the frames below; STOP where nothing further can be read.

Numbers: IEEE 802 ethertypes, IANA protocol numbers, tcpdump.org link types.
"""

from __future__ import annotations

from typing import Final

from attribution.packets.columns import (
    LAYER_AYIYA,
    LAYER_BACKBONE,
    LAYER_CAPWAP,
    LAYER_CUT,
    LAYER_ENCRYPTED,
    LAYER_ERSPAN,
    LAYER_EXTENDER,
    LAYER_GENEVE,
    LAYER_GRE,
    LAYER_GTP,
    LAYER_L2TP,
    LAYER_MALFORMED,
    LAYER_MPLS,
    LAYER_NOT_DATA,
    LAYER_PPP,
    LAYER_PPPOE,
    LAYER_PSEUDOWIRE,
    LAYER_QINQ,
    LAYER_TEREDO,
    LAYER_VLAN,
    LAYER_VXLAN,
    LAYER_WIRELESS,
    LAYERS,
    MAC_DESTINATION,
    MAC_SOURCE,
    PROTOCOL,
    TUNNEL,
    VLAN,
    Octets,
    Row,
)

STOP: Final = -1
IPV4: Final = 0x0800
IPV6: Final = 0x86DD
ETHERNET_FRAME: Final = 0x20000
PPP_FRAME: Final = 0x20001
LLC_FRAME: Final = 0x20002
IP_BY_VERSION: Final = 0x20003
WIRELESS_FRAME: Final = 0x20004
WIRELESS_FRAME_SWAPPED: Final = 0x20005  # its frame control field has the octets the other way round
GRE_HEADER: Final = 0x20006
ERSPAN_2: Final = 0x88BE
ERSPAN_3: Final = 0x22EB
IP_PROTOCOL: Final = 0x10000  # + the number: an IP header's payload

# Link types (LINKTYPE_ numbers; the second of a pair is what some systems wrote instead)
LINK_NULL: Final = 0
LINK_ETHERNET: Final = 1
LINK_ARCNET: Final = 7
LINK_SLIP: Final = 8
LINK_PPP: Final = 9
LINK_FDDI: Final = 10
LINK_ATM: Final = 11
LINK_RAW_BSD: Final = 12
LINK_RAW_OPENBSD: Final = 14
LINK_PPP_HDLC: Final = 50
LINK_PPP_ETHER: Final = 51
LINK_RAW: Final = 101
LINK_CISCO_HDLC: Final = 104
LINK_80211: Final = 105
LINK_FRAME_RELAY: Final = 107
LINK_LOOP: Final = 108
LINK_COOKED: Final = 113
LINK_PFLOG: Final = 117
LINK_PRISM: Final = 119
LINK_RADIOTAP: Final = 127
LINK_ARCNET_LINUX: Final = 129
LINK_AVS: Final = 163
LINK_PPP_DIRECTION: Final = 166
LINK_JUNIPER_ETHERNET: Final = 178
LINK_PPI: Final = 192
LINK_PPP_AND_DIRECTION: Final = 204
LINK_CISCO_HDLC_DIRECTION: Final = 205
LINK_FRAME_RELAY_DIRECTION: Final = 206
LINK_MPLS: Final = 219
LINK_IPV4: Final = 228
LINK_IPV6: Final = 229
LINK_NFLOG: Final = 239
LINK_INFINIBAND_IP: Final = 242
LINK_PKTAP: Final = 258
LINK_COOKED_2: Final = 276

KNOWN_LINKS: Final = frozenset(
    {LINK_NULL, LINK_ETHERNET, LINK_ARCNET, LINK_SLIP, LINK_PPP, LINK_FDDI, LINK_ATM, LINK_RAW_BSD, LINK_RAW_OPENBSD,
     LINK_PPP_HDLC, LINK_PPP_ETHER, LINK_RAW, LINK_CISCO_HDLC, LINK_80211, LINK_FRAME_RELAY, LINK_LOOP, LINK_COOKED,
     LINK_PFLOG, LINK_PRISM, LINK_RADIOTAP, LINK_ARCNET_LINUX, LINK_AVS, LINK_PPP_DIRECTION, LINK_JUNIPER_ETHERNET,
     LINK_PPI, LINK_PPP_AND_DIRECTION, LINK_CISCO_HDLC_DIRECTION, LINK_FRAME_RELAY_DIRECTION, LINK_MPLS, LINK_IPV4,
     LINK_IPV6, LINK_NFLOG, LINK_INFINIBAND_IP, LINK_PKTAP, LINK_COOKED_2}
)  # fmt: skip


def read_link(data: Octets, at: int, end: int, link_type: int, row: Row) -> tuple[int, int]:
    """Every capture begins its packets with the header of the link that it listened on."""
    if link_type == LINK_ETHERNET:
        return read_ethernet(data, at, end, row)
    if link_type in (LINK_RAW, LINK_RAW_BSD, LINK_RAW_OPENBSD):
        return IP_BY_VERSION, at
    if link_type == LINK_COOKED:
        if end - at < 16:
            return cut(row)
        return read_cooked_protocol(data, at + 14, at + 2, at + 16)
    if link_type == LINK_COOKED_2:
        if end - at < 20:
            return cut(row)
        return read_cooked_protocol(data, at, at + 8, at + 20)
    if link_type in (LINK_80211, LINK_RADIOTAP, LINK_PRISM, LINK_AVS):
        return read_wireless(data, at, end, link_type, row)
    if link_type == LINK_PPI:
        return read_ppi(data, at, end, row)
    if link_type == LINK_PKTAP:
        return read_pktap(data, at, end, row)
    return read_other_link(data, at, end, link_type, row)


def read_other_link(data: Octets, at: int, end: int, link_type: int, row: Row) -> tuple[int, int]:
    """The links that are met more seldom than Ethernet, IP itself and radio."""
    if link_type in (LINK_NULL, LINK_LOOP):
        return read_family(data, at, end, row)
    if link_type == LINK_IPV4:
        return IPV4, at
    if link_type == LINK_IPV6:
        return IPV6, at
    if link_type == LINK_MPLS:
        return 0x8847, at
    if link_type in (LINK_PPP_DIRECTION, LINK_PPP_AND_DIRECTION, LINK_CISCO_HDLC_DIRECTION):
        at += 1
    if link_type in (LINK_PPP, LINK_PPP_HDLC, LINK_PPP_DIRECTION, LINK_PPP_AND_DIRECTION):
        if end > at and data[at] & 0x7F == 0x0F:  # no PPP: the address of Cisco's own framing
            return read_cisco_hdlc(data, at, end, row)
        return PPP_FRAME, at
    if link_type in (LINK_CISCO_HDLC, LINK_CISCO_HDLC_DIRECTION):
        return read_cisco_hdlc(data, at, end, row)
    if link_type == LINK_PPP_ETHER:
        return 0x8864, at
    if link_type == LINK_NFLOG:
        return read_nflog(data, at, end, row)
    if link_type == LINK_FRAME_RELAY:
        return read_frame_relay(data, at, end, row)
    if link_type == LINK_FRAME_RELAY_DIRECTION:
        return read_frame_relay(data, at + 1, end, row)
    if link_type == LINK_PFLOG:
        return read_pflog(data, at, end, row)
    return read_old_link(data, at, end, link_type, row)


def read_old_link(data: Octets, at: int, end: int, link_type: int, row: Row) -> tuple[int, int]:
    """Links of the past, of clusters and of one maker: their headers are of a fixed length or say it."""
    if link_type == LINK_FDDI:  # frame control, two addresses
        return LLC_FRAME, at + 13
    if link_type == LINK_ATM:
        return LLC_FRAME, at
    if link_type == LINK_SLIP:
        return IP_BY_VERSION, at + 16
    if link_type == LINK_INFINIBAND_IP:  # a pseudo header with the receiver's 20-octet address, then the ethertype
        if end - at < 44:
            return cut(row)
        return data[at + 40] << 8 | data[at + 41], at + 44
    if link_type == LINK_ARCNET:
        return read_arcnet(data, at + 2, end, row)
    if link_type == LINK_ARCNET_LINUX:
        return read_arcnet(data, at + 4, end, row)
    if link_type == LINK_JUNIPER_ETHERNET:
        return read_juniper(data, at, end, row)
    return STOP, at


def cut(row: Row) -> tuple[int, int]:
    """A header reaches beyond what was captured: nothing after it can be known."""
    row[LAYERS] |= LAYER_CUT
    return STOP, 0


def read_ethernet(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """IEEE 802.3: two addresses, then an ethertype, or a length (below 1536) with an LLC header after it."""
    if end - at < 14:
        return cut(row)
    if row[MAC_SOURCE] == 0:
        row[MAC_DESTINATION] = (
            data[at] << 40
            | data[at + 1] << 32
            | data[at + 2] << 24
            | data[at + 3] << 16
            | data[at + 4] << 8
            | data[at + 5]
        )
        row[MAC_SOURCE] = (
            data[at + 6] << 40
            | data[at + 7] << 32
            | data[at + 8] << 24
            | data[at + 9] << 16
            | data[at + 10] << 8
            | data[at + 11]
        )
    kind = data[at + 12] << 8 | data[at + 13]
    if kind < 0x600:
        return LLC_FRAME, at + 14
    return kind, at + 14


def read_cooked_protocol(data: Octets, field: int, hardware: int, after: int) -> tuple[int, int]:
    """Linux cooked capture (versions 1 and 2): the protocol is an ethertype, except for a few small numbers.

    A GRE device (hardware type 778) gives the GRE protocol type, radiotap (803) and 802.11 (801) give none.
    """
    kind = data[field] << 8 | data[field + 1]
    link = data[hardware] << 8 | data[hardware + 1]
    if link in (801, 802, 803, 824):
        return STOP, after
    if kind in (1, 4):  # 802.3 without LLC (Novell), 802.2
        return (LLC_FRAME, after) if kind == 4 else (STOP, after)
    return kind, after


def read_family(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """BSD loopback: the address family in the byte order of the machine that captured, or network order."""
    if end - at < 4:
        return cut(row)
    family = data[at] | data[at + 1] << 8
    if family == 0:
        family = data[at + 2] << 8 | data[at + 3]
    if family == 2:
        return IPV4, at + 4
    if family in (10, 24, 28, 30):
        return IPV6, at + 4
    return STOP, at


def read_cisco_hdlc(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """Cisco HDLC: address, control, ethertype."""
    if end - at < 4:
        return cut(row)
    return data[at + 2] << 8 | data[at + 3], at + 4


def read_nflog(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """Netfilter log: address family, then attributes in the capturing machine's order; number 9 is the packet."""
    if end - at < 4:
        return cut(row)
    family = data[at]
    position = at + 4
    while position + 4 <= end:
        length = data[position] | data[position + 1] << 8
        attribute = data[position + 2] | data[position + 3] << 8
        if length < 4:
            row[LAYERS] |= LAYER_MALFORMED
            return STOP, position
        if attribute & 0x7FFF == 9:
            return (IPV4, position + 4) if family == 2 else (IPV6, position + 4) if family == 10 else (STOP, position)
        position += length + 3 & ~3
    return STOP, position


def read_wireless(data: Octets, at: int, end: int, link_type: int, row: Row) -> tuple[int, int]:
    """Radiotap, Prism and AVS put the radio's own header before an IEEE 802.11 frame."""
    padded = 0
    if link_type != LINK_80211:
        if end - at < 12:
            return cut(row)
        if link_type == LINK_RADIOTAP:
            padded = radiotap_padding(data, at, end)
            at += data[at + 2] | data[at + 3] << 8
        elif data[at] == 0x80 or data[at] == 0:  # AVS, and the rare Prism of a big-endian machine
            at += data[at + 4] << 24 | data[at + 5] << 16 | data[at + 6] << 8 | data[at + 7]
        else:
            at += data[at + 4] | data[at + 5] << 8 | data[at + 6] << 16 | data[at + 7] << 24
    return read_wireless_frame(data, at, end, 0, padded, row)


def radiotap_padding(data: Octets, at: int, end: int) -> int:
    """Whether the card padded the 802.11 header to four octets: bit 0x20 of radiotap's flags, its second field."""
    position = at + 8
    more = data[at + 7] & 0x80
    while more and position + 4 <= end:
        more = data[position + 3] & 0x80
        position += 4
    if data[at + 4] & 1:  # the time comes first, at a multiple of eight octets
        position = at + (position - at + 7 & ~7) + 8
    if data[at + 4] & 2 and position < end:
        return data[position] & 0x20
    return 0


def read_wireless_frame(data: Octets, at: int, end: int, swapped: int, padded: int, row: Row) -> tuple[int, int]:
    """An IEEE 802.11 data frame carries LLC, or several of them as aggregated frames, of which the first is read."""
    if end - at < 24:
        return cut(row)
    control = data[at + swapped] | data[at + 1 - swapped] << 8
    if control & 0x0C != 0x08 or control & 0x40 or control & 0x4000:  # not data, no data in it, or encrypted
        row[LAYERS] |= LAYER_NOT_DATA
        return STOP, at
    header = 24
    if control & 0x300 == 0x300:  # to and from the distribution system: a fourth address
        header += 6
    aggregated = 0
    if control & 0x80:  # quality of service
        if end - at < header + 2:
            return cut(row)
        aggregated = data[at + header] & 0x80
        header += 2
        if control & 0x8000:
            header += 4
    if padded:
        header = header + 3 & ~3
    if aggregated:  # two addresses and a length before each of the frames
        header += 14
    return LLC_FRAME, at + header


def read_ppi(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """Per-packet information: its length, the link type of what follows it, and fields that say more of the radio."""
    if end - at < 8:
        return cut(row)
    length = data[at + 2] | data[at + 3] << 8
    link_type = data[at + 4] | data[at + 5] << 8
    if link_type == LINK_80211:
        return WIRELESS_FRAME, at + length
    if link_type == LINK_ETHERNET:
        return ETHERNET_FRAME, at + length
    return STOP, at


def read_pktap(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """What macOS writes when it captures on several interfaces: a header with each packet's own link type."""
    if end - at < 12:
        return cut(row)
    length = data[at] | data[at + 1] << 8
    link_type = data[at + 8] | data[at + 9] << 8
    at += length
    if link_type == LINK_ETHERNET:
        return ETHERNET_FRAME, at
    if link_type in (LINK_RAW, LINK_RAW_BSD, LINK_RAW_OPENBSD):
        return IP_BY_VERSION, at
    if link_type in (LINK_NULL, LINK_LOOP):
        return read_family(data, at, end, row)
    return STOP, at


def read_frame_relay(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """Frame relay (RFC 2427): an address whose last octet is odd, then a network protocol's number, or an ethertype."""
    while end - at >= 2 and not data[at] & 1:
        at += 1
    at += 1
    if end - at < 2:
        return cut(row)
    if data[at] != 3:  # Cisco's own: an ethertype instead
        return data[at] << 8 | data[at + 1], at + 2
    at += 2 if data[at + 1] == 0 else 1
    if end - at < 6:
        return cut(row)
    if data[at] == 0xCC:
        return IPV4, at + 1
    if data[at] == 0x8E:
        return IPV6, at + 1
    organisation = data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]
    if data[at] == 0x80 and organisation == 0:
        return data[at + 4] << 8 | data[at + 5], at + 6
    return (ETHERNET_FRAME, at + 6) if data[at] == 0x80 and organisation == 0x80C2 else (STOP, at)


def read_pflog(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """A BSD firewall's log: the header's length, the address family, then what the rule did, padded to four octets."""
    if end - at < 4:
        return cut(row)
    length = data[at] + 3 & ~3
    return (IPV4, at + length) if data[at + 1] == 2 else (IP_BY_VERSION, at + length)


def read_arcnet(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """ARCNET: IP directly (RFC 1051), or behind a flag and a number for packets sent in parts (RFC 1201)."""
    if end - at < 4:
        return cut(row)
    if data[at] == 0xF0:
        return IPV4, at + 1
    split = 4 if data[at + 1] == 0xFF else 0  # what follows an exception is the same header once more
    if data[at] == 0xD4 or data[at] == 0xC4:
        return IPV4 if data[at] == 0xD4 else IPV6, at + 4 + split
    return STOP, at


def read_juniper(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """Juniper's own header before an Ethernet frame: "MGC", flags, and if these say so extensions with their length."""
    if end - at < 6:
        return cut(row)
    if data[at] != 0x4D or data[at + 1] != 0x47 or data[at + 2] != 0x43:
        row[LAYERS] |= LAYER_MALFORMED
        return STOP, at
    extended = 2 + (data[at + 4] << 8 | data[at + 5]) if data[at + 3] & 0x80 else 0
    if data[at + 3] & 2:  # the frame's own header was left out
        return STOP, at
    return ETHERNET_FRAME, at + 4 + extended


def read_llc(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """IEEE 802.2: SNAP gives an ethertype; 42 is spanning tree, FE the OSI protocols (IS-IS)."""
    if end - at < 3:
        return cut(row)
    service = data[at] << 8 | data[at + 1]
    if service == 0xAAAA:
        if end - at < 8:
            return cut(row)
        organisation = data[at + 3] << 16 | data[at + 4] << 8 | data[at + 5]
        if organisation in (0, 0xF8):
            return data[at + 6] << 8 | data[at + 7], at + 8
        return STOP, at
    if service == 0x0606:
        return IPV4, at + 3
    if service in (0x4242, 0xFEFE):
        row[PROTOCOL] = 0x10000 | service
    return STOP, at + 3


def read_vlan(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """IEEE 802.1Q: a VLAN tag stands before the real ethertype; a second one makes QinQ (802.1ad)."""
    if end - at < 4:
        return cut(row)
    if row[LAYERS] & LAYER_VLAN:
        row[LAYERS] |= LAYER_QINQ
    else:
        row[LAYERS] |= LAYER_VLAN
        row[VLAN] = (data[at] << 8 | data[at + 1]) & 0xFFF
    kind = data[at + 2] << 8 | data[at + 3]
    if kind < 0x600:
        return LLC_FRAME, at + 4
    return kind, at + 4


def read_tag(data: Octets, at: int, end: int, kind: int, row: Row) -> tuple[int, int]:
    """Tags that other bridges put before an ethertype or a whole frame: IEEE 802.1BR, VN-tag, 802.1ah, FabricPath."""
    if end - at < 8:
        return cut(row)
    if kind == 0x893F:
        row[LAYERS] |= LAYER_EXTENDER
        return data[at + 6] << 8 | data[at + 7], at + 8
    if kind == 0x8926:
        row[LAYERS] |= LAYER_EXTENDER
        return data[at + 4] << 8 | data[at + 5], at + 6
    row[LAYERS] |= LAYER_BACKBONE
    return ETHERNET_FRAME, at + 4 if kind == 0x88E7 else at + 2


def read_macsec(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """IEEE 802.1AE: behind a tag of 6 or 14 octets the frame goes on, unless it is encrypted."""
    if end - at < 8:
        return cut(row)
    if data[at] & 0x0C:
        row[LAYERS] |= LAYER_ENCRYPTED
        return STOP, at
    at += 14 if data[at] & 0x20 else 6
    if end - at < 2:
        return cut(row)
    return data[at] << 8 | data[at + 1], at + 2


def read_mpls(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """A stack of MPLS labels does not say what it carries (RFC 3032): the first nibble does, or a control word.

    4 and 6 are IP versions; 0 is a pseudowire's control word (RFC 4385) before an Ethernet frame, or the first half
    octet of that frame's address where an ethertype stands in its place then and not otherwise; 1 an associated
    channel. Anything else is an Ethernet frame without a control word.
    """
    row[LAYERS] |= LAYER_MPLS
    label = 0
    while True:
        if end - at < 4:
            return cut(row)
        label = data[at] << 12 | data[at + 1] << 4 | data[at + 2] >> 4
        bottom = data[at + 2] & 1
        at += 4
        if bottom:
            break
    row[TUNNEL] = label
    if end - at < 1:
        return cut(row)
    nibble = data[at] >> 4
    if label == 0 or nibble == 4:
        return IPV4, at
    if label == 2 or nibble == 6:
        return IPV6, at
    if nibble == 1:
        row[LAYERS] |= LAYER_NOT_DATA
        return STOP, at
    row[LAYERS] |= LAYER_PSEUDOWIRE
    bare = nibble or (is_ethertype(data, at + 12, end) and not is_ethertype(data, at + 16, end))
    return ETHERNET_FRAME, at if bare else at + 4


def is_ethertype(data: Octets, at: int, end: int) -> bool:
    """Whether an ethertype stands here that networks are full of: IP, ARP, VLAN, MPLS, PPPoE."""
    if end - at < 2:
        return False
    kind = data[at] << 8 | data[at + 1]
    return kind in (IPV4, IPV6, 0x0806, 0x8100, 0x88A8, 0x8847, 0x8863, 0x8864)


def read_pppoe(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """PPP over Ethernet's session stage (RFC 2516)."""
    if end - at < 6:
        return cut(row)
    row[LAYERS] |= LAYER_PPPOE
    row[TUNNEL] = data[at + 2] << 8 | data[at + 3]
    if data[at + 1]:
        row[LAYERS] |= LAYER_NOT_DATA
        return STOP, at
    return PPP_FRAME, at + 6


def read_ppp(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """PPP (RFC 1661): address and control may be left out, and so may the protocol's first octet, if it is even."""
    row[LAYERS] |= LAYER_PPP
    if end - at >= 2 and data[at] == 0xFF and data[at + 1] == 3:
        at += 2
    if end - at < 2:
        return cut(row)
    protocol = data[at]
    at += 1
    if not protocol & 1:
        protocol = protocol << 8 | data[at]
        at += 1
    if protocol == 0x21:
        return IPV4, at
    if protocol == 0x57:
        return IPV6, at
    if protocol == 0x281 or protocol == 0x283:
        return 0x8847, at
    if protocol == 0x31 and end - at >= 2 and data[at + 1] == 1:  # bridged (RFC 3518), an Ethernet frame
        return ETHERNET_FRAME, at + 2
    row[LAYERS] |= LAYER_NOT_DATA
    return STOP, at


def read_gre(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """Generic routing encapsulation (RFC 2784, 2890; version 1 for PPTP in RFC 2637) carries any ethertype."""
    if end - at < 4:
        return cut(row)
    row[LAYERS] |= LAYER_GRE
    flags = data[at] << 8 | data[at + 1]
    kind = data[at + 2] << 8 | data[at + 3]
    position = at + 4
    if flags & 0xC000:  # checksum or routing: a checksum and an offset
        position += 4
    if flags & 0x2000:
        if end - position < 4:
            return cut(row)
        row[TUNNEL] = (
            data[position] << 24 | data[position + 1] << 16 | data[position + 2] << 8 | data[position + 3]
            if flags & 7 == 0
            else data[position + 2] << 8 | data[position + 3]
        )
        position += 4
    if flags & 0x1000:
        position += 4
    if flags & 7 == 1:
        if flags & 0x80:
            position += 4
        if not flags & 0x1000:
            return STOP, position
    while flags & 0x4000:  # source routes (RFC 1701): entries until one of length 0
        if end - position < 4:
            return cut(row)
        length = data[position + 3]
        position += 4 + length
        if length == 0:
            break
    if position > end:
        return cut(row)
    if kind & 0xFE00 == 0x8200:  # Aruba's access points send 802.11 frames to their controller
        row[LAYERS] |= LAYER_WIRELESS
        return WIRELESS_FRAME, position
    if kind == 0x883E and end > position:  # WCCP: a redirect header in its second version, IP in both
        return IPV4, position if data[position] >> 4 == 4 else position + 4
    if kind == 0x6558:
        return ETHERNET_FRAME, position
    if kind == 0x880B:
        return PPP_FRAME, position
    if kind == ERSPAN_2 and not flags & 0x1000:
        row[LAYERS] |= LAYER_ERSPAN
        return ETHERNET_FRAME, position
    return kind, position


def read_erspan(data: Octets, at: int, end: int, kind: int, row: Row) -> tuple[int, int]:
    """A mirrored Ethernet frame behind 8 octets (type II) or 12, and 8 more if flagged (type III)."""
    row[LAYERS] |= LAYER_ERSPAN
    header = 8 if kind == ERSPAN_2 else 12
    if end - at < header:
        return cut(row)
    row[TUNNEL] = (data[at + 2] << 8 | data[at + 3]) & 0x3FF
    if kind == ERSPAN_3 and data[at + 11] & 1:
        header += 8
    return ETHERNET_FRAME, at + header


def read_udp_tunnel(data: Octets, at: int, end: int, source: int, destination: int, row: Row) -> tuple[int, int]:
    """A UDP payload is another packet if a tunnel's port sent or got it and it looks like that tunnel's header.

    VXLAN 4789 and 8472 (RFC 7348), with other payloads 4790, GENEVE 6081 (RFC 8926), GTP-U 2152 (3GPP TS 29.281),
    L2TP 1701 (RFC 2661), GRE 4754 (RFC 8086), MPLS 6635 (RFC 7510), Teredo 3544 (RFC 4380), CAPWAP 5247 (RFC 5415),
    AYIYA 5072.
    """
    for port in (destination, source):
        if port == 4789 or port == 8472 or port == 4790:
            return read_vxlan(data, at, end, port, row)
        if port == 6081:
            return read_geneve(data, at, end, row)
        if port == 2152:
            return read_gtp(data, at, end, row)
        if port == 1701:
            return read_l2tp(data, at, end, row)
        if port == 4500 and end - at >= 8:
            if data[at] | data[at + 1] | data[at + 2] | data[at + 3]:
                row[LAYERS] |= LAYER_ENCRYPTED
            return STOP, at
        if port == 4754:
            return GRE_HEADER, at
        if port == 6635:
            return 0x8847, at
        if port == 3544:
            return read_teredo(data, at, end, row)
        if port == 5247:
            return read_capwap(data, at, end, row)
        if port == 5072:
            return read_ayiya(data, at, end, row)
    return STOP, at


def read_vxlan(data: Octets, at: int, end: int, port: int, row: Row) -> tuple[int, int]:
    """VXLAN carries an Ethernet frame; its generic extension (port 4790) says whether it is one, or IP."""
    if end - at < 8 or not data[at] & 8:
        return STOP, at
    row[LAYERS] |= LAYER_VXLAN
    row[TUNNEL] = data[at + 4] << 16 | data[at + 5] << 8 | data[at + 6]
    if port == 4790 and data[at] & 4 and data[at + 3] in (1, 2):
        return IPV4 if data[at + 3] == 1 else IPV6, at + 8
    return ETHERNET_FRAME, at + 8


def read_geneve(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """GENEVE: version 0, options of a stated length, then any ethertype."""
    if end - at < 8 or data[at] >> 6:
        return STOP, at
    kind = data[at + 2] << 8 | data[at + 3]
    row[LAYERS] |= LAYER_GENEVE
    row[TUNNEL] = data[at + 4] << 16 | data[at + 5] << 8 | data[at + 6]
    after = at + 8 + 4 * (data[at] & 0x3F)
    return (ETHERNET_FRAME, after) if kind == 0x6558 else (kind, after)


def read_teredo(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """Teredo: IPv6, with an authentication and an address's indication in front of it if need be."""
    if end - at >= 13 and data[at] == 0 and data[at + 1] == 1:
        at += 13 + data[at + 2] + data[at + 3]
    if end - at >= 8 and data[at] == 0 and data[at + 1] == 0:
        at += 8
    if end - at < 40 or data[at] >> 4 != 6:
        return STOP, at
    row[LAYERS] |= LAYER_TEREDO
    return IPV6, at


def read_capwap(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """CAPWAP: a header of a stated length, then an 802.11 frame (in Cisco's habit its control octets swapped) or 802.3.

    Encrypted data (preamble 1) and what was cut into parts is not looked into.
    """
    if end - at < 8 or data[at] >> 4:
        return STOP, at
    row[LAYERS] |= LAYER_CAPWAP
    if data[at] & 0x0F:
        row[LAYERS] |= LAYER_ENCRYPTED
        return STOP, at
    if data[at + 3] & 0x80:
        row[LAYERS] |= LAYER_NOT_DATA
        return STOP, at
    after = at + ((data[at + 1] & 0xF8) >> 1)
    return (WIRELESS_FRAME_SWAPPED, after) if data[at + 2] & 1 else (ETHERNET_FRAME, after)


def read_ayiya(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """AYIYA: an identity and a signature, of lengths that the first octets state, then what the fourth one says."""
    if end - at < 8 or data[at + 3] != 41:
        return STOP, at
    row[LAYERS] |= LAYER_AYIYA
    return IPV6, at + 8 + (1 << ((data[at] & 0xF0) >> 4)) + ((data[at + 1] & 0xF0) >> 2)


def read_gtp(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """GTP-U: version 1, message 255 is a user's IP packet; extension headers chain behind an optional word."""
    if end - at < 8 or data[at] & 0xF0 != 0x30:
        return STOP, at
    row[LAYERS] |= LAYER_GTP
    if data[at + 1] != 255:
        row[LAYERS] |= LAYER_NOT_DATA
        return STOP, at
    row[TUNNEL] = data[at + 4] << 24 | data[at + 5] << 16 | data[at + 6] << 8 | data[at + 7]
    position = at + 8
    if data[at] & 7:
        if end - position < 4:
            return cut(row)
        following = data[position + 3]
        position += 4
        while following and data[at] & 4:
            if end - position < 1 or data[position] == 0:
                return cut(row)
            position += 4 * data[position]
            if position > end:
                return cut(row)
            following = data[position - 1]
    return IP_BY_VERSION, position


def read_l2tp(data: Octets, at: int, end: int, row: Row) -> tuple[int, int]:
    """L2TP version 2: a data message carries PPP; length, sequence numbers and an offset are optional."""
    if end - at < 6 or data[at + 1] & 0x0F != 2:
        return STOP, at
    flags = data[at] << 8 | data[at + 1]
    row[LAYERS] |= LAYER_L2TP
    if flags & 0x8000:
        row[LAYERS] |= LAYER_NOT_DATA
        return STOP, at
    position = at + 2
    if flags & 0x4000:
        position += 2
    if end - position < 4:
        return cut(row)
    row[TUNNEL] = data[position + 2] << 8 | data[position + 3]
    position += 4
    if flags & 0x0800:
        position += 4
    if flags & 0x0200:
        if end - position < 2:
            return cut(row)
        position += 2 + (data[position] << 8 | data[position + 1])
    if position >= end:
        return cut(row)
    return PPP_FRAME, position
