"""Which prefixes an UPDATE takes back: in its first field, and for other families in MP_UNREACH_NLRI.

RFC 4271 §4.3 (UPDATE), 4760 §4 (MP_UNREACH_NLRI), 7911 (path identifiers), 8277 (labels), 4364 (VPN routes). An UPDATE
that takes nothing back, or an empty MP_UNREACH_NLRI, is an End-of-RIB (RFC 4724 §2) and no withdrawal.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Final

MP_UNREACH_NLRI: Final = 15
EXTENDED_LENGTH: Final = 0x10
IPV4, IPV6, LAYER_2 = 1, 2, 25
UNICAST, MULTICAST, LABELED, EVPN, VPN = 1, 2, 4, 70, 128
LABEL: Final = 3
DISTINGUISHER: Final = 8


def withdrawn_prefixes(body: bytes) -> list[str]:
    """The prefixes that an UPDATE's body takes back, as far as they were captured."""
    if len(body) < 2:
        return []
    end = 2 + (body[0] << 8 | body[1])
    found = _prefixes(body[2:end], IPV4, UNICAST)
    size = int.from_bytes(body[end : end + 2], "big")
    at = end + 2
    attributes_end = min(at + size, len(body))
    while at + 3 <= attributes_end:
        flags, kind = body[at], body[at + 1]
        wide = 2 if flags & EXTENDED_LENGTH else 1
        length = int.from_bytes(body[at + 2 : at + 2 + wide], "big")
        at += 2 + wide
        value = body[at : min(at + length, attributes_end)]
        if kind == MP_UNREACH_NLRI and len(value) >= 3:
            found += _prefixes(value[3:], value[0] << 8 | value[1], value[2])
        at += length
    return found


def _prefixes(octets: bytes, family: int, subsequent: int) -> list[str]:
    """Whether path identifiers stand before the prefixes was agreed in the OPENs; where that was not seen, the octets
    tell: read the wrong way they repeat a prefix, leave octets over or set bits behind its length."""
    if family == LAYER_2 and subsequent == EVPN:
        return _evpn_routes(octets)
    if family not in (IPV4, IPV6) or subsequent not in (UNICAST, MULTICAST, LABELED, VPN):
        return []
    plain, clean = _read_prefixes(octets, family, subsequent, 0)
    if not clean:
        other, other_clean = _read_prefixes(octets, family, subsequent, 4)
        if other_clean:
            return other
    return plain


def _read_prefixes(octets: bytes, family: int, subsequent: int, before: int) -> tuple[list[str], bool]:
    """The prefixes, each behind `before` octets of path identifier, and whether all of them make sense."""
    inside = (LABEL if subsequent in (LABELED, VPN) else 0) + (DISTINGUISHER if subsequent == VPN else 0)
    widest = 4 if family == IPV4 else 16
    found: list[str] = []
    at, clean = before, True
    while at < len(octets):
        bits = octets[at] - 8 * inside
        if not 0 <= bits <= 8 * widest:
            return found, False
        size = (bits + 7) // 8
        start = at + 1 + inside
        if start + size > len(octets):
            return found, False
        number = int.from_bytes(octets[start : start + size].ljust(widest, b"\0"), "big")
        clean = clean and not number & ((1 << (8 * widest - bits)) - 1)
        address = IPv4Address(number) if family == IPV4 else IPv6Address(number)
        found.append(f"{address}/{bits}")
        at = start + size + before
    return found, clean and at - before == len(octets) and len(set(found)) == len(found)


def _evpn_routes(octets: bytes) -> list[str]:
    """EVPN routes (RFC 7432 §7): a type, a length and what only EVPN speakers read."""
    found: list[str] = []
    at = 0
    while at + 2 <= len(octets):
        found.append(f"EVPN route of type {octets[at]}")
        at += 2 + octets[at + 1]
    return found
