"""One frame with other addresses: every header down to the routing protocols, with checksums as right as before.

Works on what a snap length left over. Checksums are mended by the difference that the change makes (RFC 1624), so that
cut packets keep the checksum of the whole packet, and a wrong one stays wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.transform.addresses import AddressMap
from tests.transform.routing import rename_bgp, rename_ospf

if TYPE_CHECKING:
    from tests.transform.renaming import Renaming

_ETHERNET, _NULL, _RAW_BSD, _RAW, _COOKED, _COOKED_2 = 1, 0, 12, 101, 113, 276
_IPV4, _ARP, _BRIDGED, _IPV6, _MPLS, _MPLS_GROUP, _PPPOE = 0x0800, 0x0806, 0x6558, 0x86DD, 0x8847, 0x8848, 0x8864
_TAGS = (0x8100, 0x88A8, 0x9100)
_PPP = {0x0021: _IPV4, 0x0057: _IPV6}
_ICMP, _IPIP, _TCP, _UDP, _IPV6_IN_IP, _GRE, _ICMPV6, _OSPF = 1, 4, 6, 17, 41, 47, 58, 89
_EXTENSIONS, _FRAGMENT = (0, 43, 60), 44
_QUOTING = {_ICMP: (3, 4, 5, 11, 12), _ICMPV6: (1, 2, 3, 4)}
_REDIRECT = 5
_DISCOVERY = {133: ((), 8), 134: ((), 16), 135: ((8,), 24), 136: ((8,), 24), 137: ((8, 24), 40)}
"""By type of a neighbour discovery message: where addresses stand in it, and where its options begin."""
_HARDWARE_OPTIONS, _PREFIX_OPTION = (1, 2), 3
_SURE_LENGTH = 4
"""Shorter host names could stand in a payload by chance."""
_VXLAN_PORTS, _GENEVE_PORT, _BGP_PORT = (4789, 8472), 6081, 179
_DOTTED = re.compile(rb"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")


@dataclass(frozen=True, slots=True)
class FrameNames:
    """What frames carry of the names of things. Host names are replaced where the new one is as long."""

    addresses: AddressMap
    hosts: dict[bytes, bytes]

    @classmethod
    def of(cls, renaming: Renaming) -> FrameNames:
        names = ((old.encode(), new.encode()) for old, new in renaming.devices.items())
        return cls(renaming.addresses, {old: new for old, new in names if len(old) == len(new)})


def rename_frame(frame: bytearray, link_type: int, names: FrameNames) -> None:
    """Rewrite a frame of that link type in place. Link types that are not known here are left as they are."""
    if link_type == _ETHERNET:
        _rename_ethernet(frame, 0, names)
    elif link_type in (_RAW, _RAW_BSD):
        _rename_by_version(frame, 0, names)
    elif link_type == _NULL:
        _rename_by_version(frame, 4, names)
    elif link_type == _COOKED and len(frame) >= 16:
        frame[6:12] = names.addresses.hardware(bytes(frame[6:12]))
        _rename_payload(frame, 16, _number(frame, 14), names)
    elif link_type == _COOKED_2 and len(frame) >= 20:
        frame[12:18] = names.addresses.hardware(bytes(frame[12:18]))
        _rename_payload(frame, 20, _number(frame, 0), names)


def _number(data: bytearray, at: int) -> int:
    """Two octets as a number; 0 where the frame ends before."""
    return int.from_bytes(data[at : at + 2]) if at + 2 <= len(data) else 0


def _rename_ethernet(data: bytearray, at: int, names: FrameNames) -> None:
    if at + 14 > len(data):
        return
    for place in (at, at + 6):
        data[place : place + 6] = names.addresses.hardware(bytes(data[place : place + 6]))
    _rename_payload(data, at + 14, _number(data, at + 12), names)


def _rename_payload(data: bytearray, at: int, ether_type: int, names: FrameNames) -> None:
    """Look through tags and labels to the network layer."""
    if ether_type == _IPV4:
        _rename_ipv4(data, at, names)
    elif ether_type == _IPV6:
        _rename_ipv6(data, at, names)
    elif ether_type == _ARP:
        _rename_arp(data, at, names)
    elif ether_type in _TAGS:
        _rename_payload(data, at + 4, _number(data, at + 2), names)
    elif ether_type in (_MPLS, _MPLS_GROUP):
        _rename_mpls(data, at, names)
    elif ether_type == _PPPOE:
        _rename_payload(data, at + 8, _PPP.get(_number(data, at + 6), 0), names)
    elif ether_type == _BRIDGED:
        _rename_ethernet(data, at, names)


def _rename_by_version(data: bytearray, at: int, names: FrameNames) -> None:
    version = data[at] >> 4 if at < len(data) else 0
    if version in (4, 6):
        (_rename_ipv4 if version == 4 else _rename_ipv6)(data, at, names)


def _rename_mpls(data: bytearray, at: int, names: FrameNames) -> None:
    """Below the last label lies IP, or a frame after a control word."""
    while at + 4 <= len(data) and not data[at + 2] & 1:
        at += 4
    at += 4
    if at < len(data) and data[at] >> 4 == 0:
        _rename_ethernet(data, at + 4, names)
    else:
        _rename_by_version(data, at, names)


def _rename_arp(data: bytearray, at: int, names: FrameNames) -> None:
    """Sender and target, both with their hardware address."""
    if _number(data, at + 4) != 0x0604 or at + 28 > len(data):
        return
    for place in (at + 8, at + 18):
        data[place : place + 6] = names.addresses.hardware(bytes(data[place : place + 6]))
        data[place + 6 : place + 10] = names.addresses.packed(bytes(data[place + 6 : place + 10]))


def _rename_ipv4(data: bytearray, at: int, names: FrameNames) -> None:
    if at + 20 > len(data) or data[at] >> 4 != 4:
        return
    before = bytes(data[at + 12 : at + 20])
    data[at + 12 : at + 16] = names.addresses.packed(before[:4])
    data[at + 16 : at + 20] = names.addresses.packed(before[4:])
    pseudo = _difference(before, data[at + 12 : at + 20])
    _mend(data, at + 10, pseudo)
    end = min(at + (_number(data, at + 2) or len(data)), len(data))
    if _number(data, at + 6) & 0x1FFF == 0:
        _rename_transport(data, at + 4 * (data[at] & 0x0F), end, data[at + 9], pseudo, names)


def _rename_ipv6(data: bytearray, start: int, names: FrameNames) -> None:
    if start + 40 > len(data) or data[start] >> 4 != 6:
        return
    before = bytes(data[start + 8 : start + 40])
    data[start + 8 : start + 24] = names.addresses.packed(before[:16])
    data[start + 24 : start + 40] = names.addresses.packed(before[16:])
    pseudo = _difference(before, data[start + 8 : start + 40])
    at, end = start + 40, min(start + 40 + _number(data, start + 4), len(data))
    protocol = data[start + 6]
    while protocol in _EXTENSIONS and at + 8 <= end:
        protocol, at = data[at], at + 8 * (data[at + 1] + 1)
    if protocol == _FRAGMENT and at + 8 <= end:
        if _number(data, at + 2) & 0xFFF8:
            return
        protocol, at = data[at], at + 8
    _rename_transport(data, at, end, protocol, pseudo, names)


def _rename_transport(data: bytearray, at: int, end: int, protocol: int, pseudo: int, names: FrameNames) -> None:
    """`pseudo` is what the change of the addresses adds to the checksums that cover them."""
    before = bytes(data[at:end])
    if protocol == _TCP:
        _rename_tcp(data, at, end, names)
        _mend(data, at + 16, pseudo + _difference(before, data[at:end]), end)
    elif protocol == _UDP:
        _rename_udp(data, at, end, names)
        if _number(data, at + 6):
            _mend(data, at + 6, pseudo + _difference(before, data[at:end]), end, zero=0xFFFF)
    elif protocol == _ICMP:
        _rename_icmp(data, at, end, names)
        _mend(data, at + 2, _difference(before, data[at:end]), end)
    elif protocol == _ICMPV6:
        _rename_icmpv6(data, at, end, names)
        _mend(data, at + 2, pseudo + _difference(before, data[at:end]), end)
    elif protocol == _OSPF:
        rename_ospf(data, at, end, names.addresses)
        _mend(data, at + 12, _difference(before, data[at:end]), end)
    elif protocol in (_IPIP, _IPV6_IN_IP):
        _rename_by_version(data, at, names)
    elif protocol == _GRE and at + 4 <= end:
        optional = sum(4 for bit in (0x80, 0x20, 0x10) if data[at] & bit)
        _rename_payload(data, at + 4 + optional, _number(data, at + 2), names)


def _rename_tcp(data: bytearray, at: int, end: int, names: FrameNames) -> None:
    if at + 20 > end:
        return
    body = at + 4 * (data[at + 12] >> 4)
    if _BGP_PORT in (_number(data, at), _number(data, at + 2)):
        rename_bgp(data, body, end, names.addresses, names.hosts)
    else:
        _rename_words(data, body, end, names)


def _rename_udp(data: bytearray, at: int, end: int, names: FrameNames) -> None:
    port = _number(data, at + 2)
    if port in _VXLAN_PORTS:
        _rename_ethernet(data, at + 16, names)
    elif port == _GENEVE_PORT and at + 16 <= end:
        _rename_payload(data, at + 16 + 4 * (data[at + 8] & 0x3F), _number(data, at + 10), names)
    else:
        _rename_words(data, at + 8, end, names)


def _rename_icmp(data: bytearray, at: int, end: int, names: FrameNames) -> None:
    """An error quotes the packet that it is about; a redirect names the better gateway besides."""
    if at + 8 > end or data[at] not in _QUOTING[_ICMP]:
        return
    if data[at] == _REDIRECT:
        data[at + 4 : at + 8] = names.addresses.packed(bytes(data[at + 4 : at + 8]))
    _rename_ipv4(data, at + 8, names)


def _rename_icmpv6(data: bytearray, at: int, end: int, names: FrameNames) -> None:
    """Errors quote a packet; neighbour discovery names its target and, in options, hardware addresses."""
    kind = data[at] if at < end else 0
    if kind in _QUOTING[_ICMPV6]:
        _rename_ipv6(data, at + 8, names)
    if kind not in _DISCOVERY:
        return
    addresses, options = _DISCOVERY[kind]
    for place in (at + offset for offset in addresses if at + offset + 16 <= end):
        data[place : place + 16] = names.addresses.packed(bytes(data[place : place + 16]))
    at += options
    while at + 8 <= end and data[at + 1]:
        if data[at] in _HARDWARE_OPTIONS:
            data[at + 2 : at + 8] = names.addresses.hardware(bytes(data[at + 2 : at + 8]))
        elif data[at] == _PREFIX_OPTION and at + 32 <= end:
            data[at + 16 : at + 32] = names.addresses.packed(bytes(data[at + 16 : at + 32]))
        at += 8 * data[at + 1]


def _rename_words(data: bytearray, at: int, end: int, names: FrameNames) -> None:
    """An address written out in a payload is blotted out: nobody parses it, and its length must stay."""
    body = bytes(data[at:end])
    if b"." in body:
        body = _DOTTED.sub(lambda found: b"x" * len(found.group()), body)
    for old, new in names.hosts.items():
        if len(old) >= _SURE_LENGTH and old in body:
            body = re.sub(rb"(?<![A-Za-z0-9])" + re.escape(old) + rb"(?![A-Za-z0-9])", new, body)
    data[at:end] = body


def _difference(before: bytes, after: bytes | bytearray) -> int:
    """What the change adds to a sum of 16-bit words, which is the number itself modulo 65535."""
    if before == after:
        return 0
    odd = b"\0" * (len(before) % 2)
    return int.from_bytes(after + odd) - int.from_bytes(before + odd)


def _mend(data: bytearray, at: int, difference: int, end: int | None = None, zero: int = 0) -> None:
    """Carry the difference into a checksum, where the frame holds it; `zero` is how the protocol writes 0."""
    if difference == 0 or at + 2 > (len(data) if end is None else end):
        return
    total = (0xFFFF - _number(data, at) + difference) % 0xFFFF
    data[at : at + 2] = ((0xFFFF - (total or 0xFFFF)) or zero).to_bytes(2)
