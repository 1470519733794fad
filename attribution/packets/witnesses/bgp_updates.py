"""Which prefixes an UPDATE takes back or announces: in a field of its own, and for other families in an attribute.

RFC 4271 §4.3 (UPDATE), 4760 §3 and §4 (MP_REACH_NLRI, MP_UNREACH_NLRI), 7911 (path identifiers), 8277 (labels), 4364
(VPN routes). An UPDATE that takes nothing back, or an empty MP_UNREACH_NLRI, is an End-of-RIB (RFC 4724 §2) and no
withdrawal.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final

AS_PATH: Final = 2
MP_REACH_NLRI: Final = 14
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
    found = _prefixes(body[2 : 2 + (body[0] << 8 | body[1])], IPV4, UNICAST)
    for kind, value in _attributes(body):
        if kind == MP_UNREACH_NLRI and len(value) >= 3:
            found += _prefixes(value[3:], value[0] << 8 | value[1], value[2])
    return found


def announced_prefixes(body: bytes) -> list[str]:
    """The prefixes that an UPDATE's body announces, as far as they were captured."""
    found = _prefixes(body[_attributes_span(body)[1] :], IPV4, UNICAST)
    for kind, value in _attributes(body):
        if kind == MP_REACH_NLRI and len(value) >= 5:
            found += _prefixes(value[5 + value[3] :], value[0] << 8 | value[1], value[2])  # a next hop, a spare octet
    return found


def comes_from_own_network(body: bytes) -> bool:
    """Whether the routes that an UPDATE's body announces began in the autonomous system whose speaker tells of them.

    Within a system the path is empty; to its neighbours it says itself, perhaps more than once.
    """
    path = next((value for kind, value in _attributes(body) if kind == AS_PATH), b"")
    for width in (4, 2):  # as agreed in the OPENs (RFC 6793): the lengths tell
        systems = _systems(path, width)
        if systems is not None:
            return len(systems) <= 1
    return False


def _systems(path: bytes, width: int) -> set[bytes] | None:
    """The autonomous systems of a path, if its numbers have this width."""
    found: set[bytes] = set()
    at = 0
    while at + 2 <= len(path):
        end = at + 2 + width * path[at + 1]
        found.update(path[place : place + width] for place in range(at + 2, end, width))
        at = end
    return found if at == len(path) else None


def _attributes_span(body: bytes) -> tuple[int, int]:
    """From where to where the path attributes stand in an UPDATE's body."""
    start = 4 + (int.from_bytes(body[:2], "big"))
    return start, start + int.from_bytes(body[start - 2 : start], "big")


def _attributes(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The type and value of each path attribute, as far as they were captured."""
    at, end = _attributes_span(body)
    end = min(end, len(body))
    while at + 3 <= end:
        flags, kind = body[at], body[at + 1]
        wide = 2 if flags & EXTENDED_LENGTH else 1
        length = int.from_bytes(body[at + 2 : at + 2 + wide], "big")
        at += 2 + wide
        yield kind, body[at : min(at + length, end)]
        at += length


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
