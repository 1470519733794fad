"""Whether a packet arrived as it was sent: the Internet checksum of its IP header, and of what the header carries.

A receiver drops a packet whose checksum is wrong without a word (RFC 1122 §3.2.1.1, §3.2.2, §4.1.3.4, §4.2.2.7; RFC
4443 §2.3). The sum of 16-bit words in ones' complement (RFC 1071) is the remainder of the octets, taken as one long
number, by 65535: a single division tells, and the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1) is added as it stands.

A card that does the sums for its host leaves them out of what is captured on the host, or on a virtual switch next to
it: there stands zero, or the sum of the pseudo-header, with or without its length (Linux's CHECKSUM_PARTIAL, the
task offload of NDIS). Nor is a segment longer than any frame judged, which a card has joined or is still to cut.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from attribution.packets.columns import (
    DESTINATION,
    FRAGMENT,
    ICMP,
    ICMP6,
    IP_LENGTH,
    NETWORK,
    PROTOCOL,
    SOURCE,
    TCP,
    UDP,
    VERSION,
)
from attribution.packets.sums import LONGEST_JUDGED, ONES

Packet = tuple[int, ...]
IPV4_HEADER, IPV6_HEADER, UDP_HEADER = 20, 40, 8
PLACES: Final = {TCP: 16, UDP: 6, ICMP: 2, ICMP6: 2}
"""Where in its header each protocol has its checksum."""


class Check(Enum):
    """What a packet's checksums say of it; of what is wrong, the value names the checksum."""

    UNKNOWN = 0
    RIGHT = 1
    UNFINISHED = 2
    WRONG_IP = "IP header"
    WRONG_TCP = "TCP"
    WRONG_UDP = "UDP"
    WRONG_ICMP = "ICMP"
    WRONG_ICMP6 = "ICMPv6"

    @property
    def is_wrong(self) -> bool:
        return isinstance(self.value, str)


WRONG: Final = {TCP: Check.WRONG_TCP, UDP: Check.WRONG_UDP, ICMP: Check.WRONG_ICMP, ICMP6: Check.WRONG_ICMP6}


def check_packet(packet: Packet, octets: bytes) -> Check:
    """Sum a packet up. `octets` are what was captured of it; of one that is cut, or a fragment, the IP header alone."""
    if is_plainly_right(packet, octets):
        return Check.RIGHT
    version = packet[VERSION]
    return _check_ipv4(packet, octets) if version == 4 else _check_ipv6(packet, octets) if version else Check.UNKNOWN


def remainder(octets: bytes) -> int:
    """The sum of the 16-bit words in ones' complement, where 0 stands for 65535 too; an odd octet is padded."""
    return (int.from_bytes(octets, "big") << (8 if len(octets) & 1 else 0)) % ONES


def is_plainly_right(packet: Packet, octets: bytes) -> bool:
    """Whether one sum tells that an IPv4 packet without options is right, as nearly all are: that of a right header is
    zero, and what stands for the ends in the pseudo-header are the words of their addresses."""
    protocol, start, size = packet[PROTOCOL], packet[NETWORK], packet[IP_LENGTH]
    end = start + IPV4_HEADER + size
    if packet[VERSION] != 4 or packet[FRAGMENT] or len(octets) < end or end - start > LONGEST_JUDGED:
        return False
    whole = int.from_bytes(octets[start:end], "big") << (8 if size & 1 else 0)
    if protocol in (TCP, UDP):
        whole += packet[SOURCE + 3] + packet[DESTINATION + 3] + protocol + size
    elif protocol != ICMP:
        return False
    return whole % ONES == 0


def _check_ipv4(packet: Packet, octets: bytes) -> Check:
    at = packet[NETWORK]
    start = at + (octets[at] & 0x0F) * 4
    header = octets[at:start]
    if len(header) < start - at:
        return Check.UNKNOWN
    if header[10:12] != b"\0\0" and remainder(header):
        return Check.WRONG_IP
    if packet[FRAGMENT] or len(header) > IPV4_HEADER:  # an option may say that the packet has another receiver yet
        return Check.UNKNOWN
    size = int.from_bytes(header[2:4], "big") - IPV4_HEADER
    ends = 0 if header[9] == ICMP else remainder(header[12:20])
    return _check_transport(octets, start, size, header[9], ends) if header[9] != ICMP6 else Check.UNKNOWN


def _check_ipv6(packet: Packet, octets: bytes) -> Check:
    """What follows the fixed header at once: behind extension headers the packet may have another receiver yet."""
    at = packet[NETWORK]
    start = at + IPV6_HEADER
    size, protocol = int.from_bytes(octets[at + 4 : at + 6], "big"), octets[at + 6]
    ends = remainder(octets[at + 8 : start])
    return _check_transport(octets, start, size, protocol, ends) if protocol != ICMP else Check.UNKNOWN


def _check_transport(octets: bytes, start: int, size: int, protocol: int, ends: int) -> Check:
    """Check what an IP header carries: `size` octets from `start`; `ends` is the sum of the addresses."""
    place = PLACES.get(protocol)
    end = start + size
    if place is None or size < place + 2 or len(octets) < end or size > LONGEST_JUDGED - IPV4_HEADER:
        return Check.UNKNOWN
    stated = int.from_bytes(octets[start + place : start + place + 2], "big")
    if protocol == UDP:
        length = int.from_bytes(octets[start + 4 : start + 6], "big")
        if not stated or not length:  # no checksum (RFC 768), a jumbogram (RFC 2675 §4)
            return Check.UNKNOWN
        if not UDP_HEADER <= length <= size:
            return Check.WRONG_UDP
        size, end = length, start + length
    pseudo = 0 if protocol == ICMP else ends + protocol + size
    if (remainder(octets[start:end]) + pseudo) % ONES == 0:
        return Check.RIGHT
    left_to_card = stated == 0 or (protocol != ICMP and (pseudo - stated) % ONES in (0, size % ONES))
    return Check.UNFINISHED if left_to_card else WRONG[protocol]
