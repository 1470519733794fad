"""What of QUIC is not encrypted: long headers, and of short ones the spin bit (RFC 8999, 9000 §17, 9312 §3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

LONG: Final = 0x80
FIXED: Final = 0x40
SPIN: Final = 0x20
VERSION_1: Final = 1
VERSION_2: Final = 0x6B3343CF
LONGEST_IDENTIFIER: Final = 20
INITIAL, ZERO_RTT, HANDSHAKE, RETRY = 0, 1, 2, 3
NEGOTIATION: Final = 4
SMALLEST_INITIAL: Final = 1200  # octets of a datagram in which a client sends one (RFC 9000 §14.1)
MOST_COALESCED: Final = 8


class LongHeader(NamedTuple):
    """`kind` is INITIAL, ZERO_RTT, HANDSHAKE, RETRY or NEGOTIATION; `offered` are a negotiation's versions."""

    kind: int
    version: int
    destination: bytes
    source: bytes
    offered: tuple[int, ...] = ()


def is_known_version(version: int) -> bool:
    """Versions 1 and 2, the drafts before them, and reserved ones, by which a client tries out negotiation."""
    return (
        version in (VERSION_1, VERSION_2)
        or version >> 8 == 0xFF0000
        or version >> 8 == 0xFACEB0
        or is_reserved_version(version)
    )


def is_reserved_version(version: int) -> bool:
    return version & 0x0F0F0F0F == 0x0A0A0A0A


def long_headers(datagram: bytes) -> Iterator[LongHeader]:
    """The long headers of a datagram; several packets may share one (RFC 9000 §12.2)."""
    at = 0
    for _ in range(MOST_COALESCED):
        header, at = _long_header(datagram, at)
        if header is None:
            return
        yield header
        if at >= len(datagram):
            return


def _long_header(datagram: bytes, at: int) -> tuple[LongHeader | None, int]:
    """The header at this place, and where the next packet begins; the end of the datagram where nothing tells."""
    end = len(datagram)
    if end - at < 7 or not datagram[at] & LONG:
        return None, end
    version = int.from_bytes(datagram[at + 1 : at + 5], "big")
    destination, place = _identifier(datagram, at + 5)
    source, place = _identifier(datagram, place)
    if destination is None or source is None:
        return None, end
    if version == 0:
        rest = datagram[place:]
        if not rest or len(rest) % 4 or at:
            return None, end
        offered = tuple(int.from_bytes(rest[four : four + 4], "big") for four in range(0, len(rest), 4))
        return LongHeader(NEGOTIATION, 0, destination, source, offered), end
    if not is_known_version(version) or not datagram[at] & FIXED:
        return None, end
    kind = datagram[at] >> 4 & 3
    if version == VERSION_2:
        kind = (kind - 1) & 3  # RFC 9369 §3.2
    header = LongHeader(kind, version, destination, source)
    if kind == RETRY:
        return header, end
    if kind == INITIAL:
        token, place = _number(datagram, place)
        place += token
    length, place = _number(datagram, place)
    return header, place + length if length else end


def _identifier(datagram: bytes, at: int) -> tuple[bytes | None, int]:
    if at >= len(datagram) or datagram[at] > LONGEST_IDENTIFIER or at + 1 + datagram[at] > len(datagram):
        return None, at
    return datagram[at + 1 : at + 1 + datagram[at]], at + 1 + datagram[at]


def _number(datagram: bytes, at: int) -> tuple[int, int]:
    """A number whose first two bits tell its length (RFC 9000 §16); zero behind the end."""
    if at >= len(datagram):
        return 0, at
    size = 1 << (datagram[at] >> 6)
    value = int.from_bytes(datagram[at : at + size], "big") & ((1 << (8 * size - 2)) - 1)
    return value, at + size
