"""Addresses for addresses, so that subnets stay subnets: prefix-preserving in the way of Crypto-PAn.

Two IPv4 addresses share exactly as many leading bits after the mapping as they did before. Private ranges stay private,
and what has a meaning of its own (unspecified, loopback, link-local, multicast, broadcast, netmasks) stays as it is.
The last octet is kept, so that the network's own address and its broadcast address remain what they are.
"""

from __future__ import annotations

import hashlib
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

_UNTOUCHED_V4 = tuple(map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")))
_RANGES_V4 = tuple(map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")))
_UNTOUCHED_V6 = tuple(map(IPv6Network, ("::/8", "fe80::/10", "ff00::/8")))
_RANGES_V6 = tuple(map(IPv6Network, ("2000::/3", "fc00::/7")))
_SOLICITED_NODE = bytes.fromhex("ff0200000000000000000001ff")
_NETWORK_BITS = {4: 24, 6: 64}


class AddressMap:
    """Maps IPv4, IPv6 and hardware addresses onto others, always the same for the same key."""

    def __init__(self, key: str) -> None:
        self._key = hashlib.blake2b(key.encode(), digest_size=16).digest()
        self._tail = (int.from_bytes(self._key[:3]) | 1).to_bytes(3)
        self._flips: dict[tuple[int, int, int], int] = {}
        self._addresses: dict[bytes, bytes] = {}

    def packed(self, address: bytes) -> bytes:
        """The other address for one of four or sixteen octets."""
        mapped = self._addresses.get(address)
        if mapped is None:
            mapped = self._map_v4(address) if len(address) == 4 else self._map_v6(address)
            self._addresses[address] = mapped
        return mapped

    def text(self, address: str) -> str:
        """The other address for one in words; ValueError where it is none."""
        return str(ip_address(self.packed(ip_address(address).packed)))

    def network(self, prefix: str) -> str:
        """The other prefix for `address/length`; the host part is kept where the text has one."""
        address, length = prefix.split("/")
        network = ip_network(prefix, strict=False)
        if network.prefixlen == 0:
            return prefix
        if ip_address(address) != network.network_address:
            return f"{self.text(address)}/{length}"
        mapped = self.packed(network.network_address.packed)
        return f"{ip_network((mapped, network.prefixlen), strict=False).network_address}/{length}"

    def hardware(self, address: bytes) -> bytes:
        """The other hardware address: the vendor's half stays; groups and all zeros stay whole."""
        group = address[0] & 1 and not address.startswith(b"\x33\x33\xff")
        if group or address.startswith(b"\x00\x00\x5e") or not any(address):
            return address
        return address[:3] + self._other_tail(address[3:])

    def _map_v4(self, address: bytes) -> bytes:
        if _within(address, _UNTOUCHED_V4):
            return address
        return self._flipped(address, (*_UNTOUCHED_V4, *_RANGES_V4))

    def _map_v6(self, address: bytes) -> bytes:
        """The network's half by prefix; the last three octets as in hardware addresses, from which hosts make them."""
        if _within(address, _UNTOUCHED_V6[:1]):
            return address
        if address.startswith(_SOLICITED_NODE) or (address[0] == 0xFE and address[1] & 0xC0 == 0x80):
            return address[:13] + self._other_tail(address[13:])
        if _within(address, _UNTOUCHED_V6):
            return address
        flipped = self._flipped(address, (*_UNTOUCHED_V6, *_RANGES_V6))
        return flipped[:13] + self._other_tail(flipped[13:]) if any(flipped[8:]) else flipped

    def _other_tail(self, octets: bytes) -> bytes:
        return bytes(one ^ other for one, other in zip(octets, self._tail, strict=True))

    def _flipped(self, address: bytes, kept: tuple[Network, ...]) -> bytes:
        """Each bit of the network's part is turned or not, as the bits before it decide."""
        version = 4 if len(address) == 4 else 6
        width = len(address) * 8
        number = int.from_bytes(address)
        mask = 0
        for depth in range(_NETWORK_BITS[version]):
            mask |= self._flip(version, depth, number >> (width - depth), kept) << (width - depth - 1)
        return (number ^ mask).to_bytes(len(address))

    def _flip(self, version: int, depth: int, prefix: int, kept: tuple[Network, ...]) -> int:
        """Whether the bit after this prefix is turned: never on the way to a range that must stay what it is."""
        place = (version, depth, prefix)
        if place not in self._flips:
            leads_to_kept = any(
                depth < network.prefixlen
                and int(network.network_address) >> (network.max_prefixlen - depth) == prefix
                for network in kept
            )
            digest = hashlib.blake2b(repr(place).encode(), digest_size=1, key=self._key).digest()
            self._flips[place] = 0 if leads_to_kept else digest[0] & 1
        return self._flips[place]


def keeps_its_meaning(address: str) -> bool:
    """Whether an address is of those that stay as they are."""
    packed = ip_address(address).packed
    return _within(packed, _UNTOUCHED_V4 if len(packed) == 4 else _UNTOUCHED_V6)


def _within(address: bytes, networks: tuple[Network, ...]) -> bool:
    return any(ip_address(address) in network for network in networks)
