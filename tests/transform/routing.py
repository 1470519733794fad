"""The bodies of BGP and OSPF packets with other addresses, as far as a snap length left them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.transform.addresses import AddressMap

_MARKER = b"\xff" * 16
_OPEN, _UPDATE = 1, 2
_CAPABILITIES, _HOST_NAME = 2, 73
_NEXT_HOP, _AGGREGATOR, _ORIGINATOR, _CLUSTERS, _REACHABLE, _UNREACHABLE = 3, 7, 9, 10, 14, 15
_EXTENDED_LENGTH = 0x10
_HELLO, _DESCRIPTION, _REQUEST, _LINK_STATE_UPDATE, _ACKNOWLEDGEMENT = 1, 2, 3, 4, 5
_ROUTER, _NETWORK, _EXTERNAL = 1, 2, (5, 7)


def rename_bgp(data: bytearray, at: int, end: int, addresses: AddressMap, hosts: Mapping[bytes, bytes]) -> None:
    """Every message that begins in this segment."""
    while data[at : at + 16] == _MARKER and at + 19 <= end:
        length, kind = int.from_bytes(data[at + 16 : at + 18]), data[at + 18]
        stop = min(at + length, end)
        if kind == _OPEN:
            _rename_open(data, at + 19, stop, addresses, hosts)
        elif kind == _UPDATE:
            _rename_update(data, at + 19, stop, addresses)
        at += max(length, 19)


def _replace(data: bytearray, at: int, end: int, addresses: AddressMap) -> None:
    """One IPv4 address, where the frame holds it whole."""
    if at + 4 <= end:
        data[at : at + 4] = addresses.packed(bytes(data[at : at + 4]))


def _rename_open(data: bytearray, at: int, end: int, addresses: AddressMap, hosts: Mapping[bytes, bytes]) -> None:
    """The router's identifier, and its host name where it tells it."""
    _replace(data, at + 5, end, addresses)
    at += 10
    while at + 2 <= end:
        if data[at] == _CAPABILITIES and at + 5 <= end and data[at + 2] == _HOST_NAME:
            place = at + 5
            name = bytes(data[place : min(place + data[at + 4], end)])
            cut = len(name) < data[at + 4]
            others = (new[: len(name)] for old, new in hosts.items() if old == name or (cut and old.startswith(name)))
            data[place : place + len(name)] = next(others, name)
        at += 2 + data[at + 1]


def _rename_update(data: bytearray, at: int, end: int, addresses: AddressMap) -> None:
    """Withdrawn prefixes, attributes that carry addresses, and announced prefixes."""
    withdrawn = at + 2 + int.from_bytes(data[at : at + 2])
    _rename_prefixes(data, at + 2, min(withdrawn, end), 4, addresses)
    if withdrawn + 2 > end:
        return
    attributes = withdrawn + 2 + int.from_bytes(data[withdrawn : withdrawn + 2])
    for kind, start, stop in _attributes(data, withdrawn + 2, min(attributes, end)):
        _rename_attribute(data, kind, start, stop, addresses)
    _rename_prefixes(data, attributes, end, 4, addresses)


def _attributes(data: bytearray, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    while at + 4 <= end:
        size = 2 if data[at] & _EXTENDED_LENGTH else 1
        start = at + 2 + size
        length = int.from_bytes(data[at + 2 : start])
        yield data[at + 1], start, min(start + length, end)
        at = start + length


def _rename_attribute(data: bytearray, kind: int, at: int, end: int, addresses: AddressMap) -> None:
    if kind in (_NEXT_HOP, _ORIGINATOR):
        _replace(data, at, end, addresses)
    elif kind == _AGGREGATOR:
        _replace(data, end - 4, end, addresses)
    elif kind == _CLUSTERS:
        for place in range(at, end, 4):
            _replace(data, place, end, addresses)
    elif kind in (_REACHABLE, _UNREACHABLE) and at + 4 <= end and data[at + 2] == 1:
        _rename_multiprotocol(data, kind, at, end, addresses)


def _rename_multiprotocol(data: bytearray, kind: int, at: int, end: int, addresses: AddressMap) -> None:
    """Unicast prefixes of either family, and the next hops before them."""
    size = 4 if int.from_bytes(data[at : at + 2]) == 1 else 16
    at += 3
    if kind == _REACHABLE:
        hops = data[at]
        for place in range(at + 1, at + 1 + hops, size):
            if place + size <= end:
                data[place : place + size] = addresses.packed(bytes(data[place : place + size]))
        at += 2 + hops
    _rename_prefixes(data, at, end, size, addresses)


def _rename_prefixes(data: bytearray, at: int, end: int, size: int, addresses: AddressMap) -> None:
    """Prefixes as BGP writes them: a length in bits and no more octets than it needs."""
    while at < end:
        length = data[at]
        octets = (length + 7) // 8
        if octets > size or at + 1 + octets > end:
            return
        whole = addresses.packed(bytes(data[at + 1 : at + 1 + octets]) + bytes(size - octets))
        mask = (1 << size * 8) - (1 << size * 8 - length)
        prefix = (int.from_bytes(whole) & mask).to_bytes(size)
        data[at + 1 : at + 1 + octets] = prefix[:octets]
        at += 1 + octets


def rename_ospf(data: bytearray, at: int, end: int, addresses: AddressMap) -> None:
    """OSPF version 2: router identifiers, neighbours and link states. The area is no address."""
    if at + 24 > end or data[at] != 2:
        return
    kind, stop = data[at + 1], min(at + int.from_bytes(data[at + 2 : at + 4]), end)
    _replace(data, at + 4, end, addresses)
    body = at + 24
    if kind == _HELLO:
        for place in range(body + 12, stop, 4):
            _replace(data, place, stop, addresses)
    elif kind == _REQUEST:
        for place in range(body, stop, 12):
            _replace(data, place + 4, stop, addresses)
            _replace(data, place + 8, stop, addresses)
    elif kind in (_DESCRIPTION, _ACKNOWLEDGEMENT):
        for place in range(body + 8 if kind == _DESCRIPTION else body, stop, 20):
            _replace(data, place + 4, stop, addresses)
            _replace(data, place + 8, stop, addresses)
    elif kind == _LINK_STATE_UPDATE:
        _rename_link_states(data, body + 4, stop, addresses)


def _rename_link_states(data: bytearray, at: int, end: int, addresses: AddressMap) -> None:
    """Headers and bodies of link states; the checksum of one that the snap length cut cannot be known."""
    while at + 8 <= end:
        length = max(int.from_bytes(data[at + 18 : at + 20]), 20)
        stop = min(at + length, end)
        for place in _addresses_of_link_state(data, at, stop):
            _replace(data, place, stop, addresses)
        if at + length <= end:
            data[at + 16 : at + 18] = _fletcher(bytes(data[at + 2 : at + length]), 14)
        at += length


def _addresses_of_link_state(data: bytearray, at: int, end: int) -> Iterator[int]:
    """Where addresses stand; a netmask or a port's number in such a place is none and stays by its value."""
    kind, body = data[at + 3], at + 20
    yield from (at + 4, at + 8)
    if kind == _NETWORK:
        yield from range(body + 4, end, 4)
    elif kind in _EXTERNAL:
        yield body + 8
    elif kind == _ROUTER:
        place = body + 4
        while place + 4 <= end:
            yield from (place, place + 4)
            place += 12 + 4 * (data[place + 9] if place + 9 < end else 0)


def _fletcher(content: bytes, at: int) -> bytes:
    """The checksum of RFC 905 annex B over a link state without its age, for the place where it will stand."""
    first = second = 0
    for number, octet in enumerate(content):
        first = (first + (0 if number in (at, at + 1) else octet)) % 255
        second = (second + first) % 255
    x = ((len(content) - at - 1) * first - second) % 255
    y = (510 - first - x) % 255
    return bytes((x or 255, y or 255))
