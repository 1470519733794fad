"""Addresses as people write them, from the integers that the columns hold."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address

from attribution.packets.columns import DESTINATION, SOURCE, VERSION


def source_text(packet: Sequence[int]) -> str:
    """The innermost source address (the sender's, in ARP)."""
    return _text(packet[VERSION], *packet[SOURCE : SOURCE + 4])


def destination_text(packet: Sequence[int]) -> str:
    """The innermost destination address (whom an ARP message asks for)."""
    return _text(packet[VERSION], *packet[DESTINATION : DESTINATION + 4])


@lru_cache(maxsize=65536)
def _text(version: int, first: int, second: int, third: int, fourth: int) -> str:
    if version == 6:
        return str(IPv6Address(first << 96 | second << 64 | third << 32 | fourth))
    return f"{fourth >> 24}.{fourth >> 16 & 255}.{fourth >> 8 & 255}.{fourth & 255}"


def hardware_text(address: int) -> str:
    """A 48-bit hardware address, octets separated by colons."""
    return ":".join(f"{address >> shift & 255:02x}" for shift in range(40, -8, -8))
