"""What is kept of each packet: one row of integers, whose columns are named here.

A row is anything that is indexed like a list of integers: a list where few packets are read in plain Python, a row of
an int64 array where millions are read by compiled code. Both are filled by the same functions, so a packet means the
same in a capture of ten packets and in one of ten million. Where a packet has no such field the row holds the value
of `BLANK`: -1 where zero would be a reading, else 0.
"""

from __future__ import annotations

from typing import Final, Protocol


class Octets(Protocol):
    """Raw packet data, one integer from 0 to 255 at a time: bytes, a memoryview or an array of uint8."""

    def __getitem__(self, index: int, /) -> int: ...


class Row(Protocol):
    """One packet's integers, or any other fixed set of them: a list, or a row of an int64 array."""

    def __getitem__(self, index: int, /) -> int: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...


# The record in the file
TIME: Final = 0  # nanoseconds since the Unix epoch, the capture point's own clock
CAPTURED: Final = 1  # octets kept by the capture
WIRE: Final = 2  # octets on the wire
INTERFACE: Final = 3  # number of the pcapng interface over all sections, 0 in a pcap

# Layers below the innermost IP header
LAYERS: Final = 4  # the encapsulations that were looked through, a sum of the bits below
MAC_SOURCE: Final = 5  # 48-bit number, outermost frame
MAC_DESTINATION: Final = 6
VLAN: Final = 7  # outermost VLAN number
TUNNEL: Final = 8  # innermost VNI, GRE key, TEID, L2TP session, PPPoE session or MPLS label
OUTER: Final = 9  # offset of the outermost IP header in the packet, where another IP header lies inside
DEPTH: Final = 10  # how many IP headers there are

# The innermost IP header, or ARP
VERSION: Final = 11  # 4, 6, or 0 where there is no IP
SOURCE: Final = 12  # four 32-bit words, most significant first; an IPv4 address stands in the last
DESTINATION: Final = 16
PROTOCOL: Final = 20  # IP protocol number, or ethertype (>= 0x600) of what is not IP
TTL: Final = 21
IP_ID: Final = 22
TRAFFIC_CLASS: Final = 23  # DSCP and ECN
FRAGMENT: Final = 24  # 8 × fragment offset + "more fragments"; 0 for a whole packet
NETWORK: Final = 25  # offset of the innermost IP header (or ARP message) in the packet
IP_LENGTH: Final = 26  # octets after the IP header (and IPv6 extension headers), as the header states
DONT_FRAGMENT: Final = 27

# The transport header
TRANSPORT: Final = 28  # offset of the transport header in the packet
PAYLOAD: Final = 29  # offset of what it carries
SOURCE_PORT: Final = 30
DESTINATION_PORT: Final = 31
SEQUENCE: Final = 32
ACKNOWLEDGEMENT: Final = 33
FLAGS: Final = 34
WINDOW: Final = 35
LENGTH: Final = 36  # octets of payload by the headers, whether captured or not
CHECKSUM: Final = 37
TIMESTAMP: Final = 38  # TCP timestamp option, value and echo
TIMESTAMP_ECHO: Final = 39
SEGMENT_SIZE: Final = 40  # maximum segment size option of a SYN
SCALE: Final = 41  # window scale option of a SYN
OPTIONS: Final = 42  # which TCP options there are, a sum of the OPTION_ bits
SACK_COUNT: Final = 43
SACK: Final = 44  # left and right edges of up to four blocks
WIDTH: Final = 52

# ICMP and ARP have no ports: their fields stand in the same columns.
ICMP_TYPE: Final = SOURCE_PORT
ICMP_CODE: Final = DESTINATION_PORT
ECHO_SEQUENCE: Final = SEQUENCE
ECHO_IDENTIFIER: Final = ACKNOWLEDGEMENT
ICMP_VALUE: Final = WINDOW  # the 32-bit field after the checksum: next-hop MTU, pointer
ARP_OPERATION: Final = SOURCE_PORT
ARP_SENDER: Final = SEQUENCE  # the sender's hardware address, a 48-bit number

BLANK: Final = tuple(
    -1 if column in (VLAN, TUNNEL, OUTER, PROTOCOL, TTL, IP_ID, NETWORK, TRANSPORT, PAYLOAD, SOURCE_PORT,
                     DESTINATION_PORT, TIMESTAMP, TIMESTAMP_ECHO, SEGMENT_SIZE, SCALE) else 0
    for column in range(WIDTH)
)  # fmt: skip

# Bits of LAYERS
LAYER_VLAN: Final = 1 << 0
LAYER_QINQ: Final = 1 << 1
LAYER_MPLS: Final = 1 << 2
LAYER_PPPOE: Final = 1 << 3
LAYER_GRE: Final = 1 << 4
LAYER_ERSPAN: Final = 1 << 5
LAYER_VXLAN: Final = 1 << 6
LAYER_GENEVE: Final = 1 << 7
LAYER_IP_IN_IP: Final = 1 << 8
LAYER_GTP: Final = 1 << 9
LAYER_L2TP: Final = 1 << 10
LAYER_AUTHENTICATION: Final = 1 << 11  # an IPsec authentication header
LAYER_ENCRYPTED: Final = 1 << 12  # ESP: what lies inside cannot be seen
LAYER_CUT: Final = 1 << 13  # a header is cut by the snap length or the packet's own end
LAYER_MALFORMED: Final = 1 << 14  # a header contradicts itself; what follows it was not read
LAYER_PSEUDOWIRE: Final = 1 << 15  # Ethernet inside MPLS
LAYER_OPTIONS_CUT: Final = 1 << 16  # TCP options are cut by the snap length
LAYER_PPP: Final = 1 << 17
LAYER_NOT_DATA: Final = 1 << 18  # a control message of a tunnel, or a management frame
LAYER_TEREDO: Final = 1 << 19
LAYER_CAPWAP: Final = 1 << 20  # an access point's frames on their way to its controller
LAYER_AYIYA: Final = 1 << 21
LAYER_BACKBONE: Final = 1 << 22  # MAC in MAC (802.1ah) or FabricPath
LAYER_EXTENDER: Final = 1 << 23  # the tag of a port extender (802.1BR, VN-tag)
LAYER_REASSEMBLED: Final = 1 << 24  # read from the fragments of a datagram, of which this frame was the last to come
LAYER_WIRELESS: Final = 1 << 25  # an 802.11 frame inside a tunnel

# Bits of OPTIONS
OPTION_SACK_PERMITTED: Final = 1
OPTION_TIMESTAMP: Final = 2
OPTION_MULTIPATH: Final = 4
OPTION_SACK: Final = 8

# TCP flags (RFC 9293 §3.1)
FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
PSH: Final = 0x08
ACK: Final = 0x10

# IP protocol numbers (IANA) and ethertypes that the analysis names
ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
ICMP6: Final = 58
OSPF: Final = 89
SCTP: Final = 132
ARP: Final = 0x0806
ISIS: Final = 0x1FEFE  # no ethertype of its own: LLC service access point FE FE
STP: Final = 0x14242  # likewise 42 42
LACP: Final = 0x8809
