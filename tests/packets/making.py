"""Packets and capture files made by hand, octet by octet, so that a test knows exactly what is in them."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from ipaddress import ip_address

from attribution.model.incident import EvidenceType, Origin
from attribution.packets import Capture, read_capture

SECOND = 1_000_000_000
START = 1_795_406_000 * SECOND
Timed = tuple[int, bytes]


def origin(device: str = "tap", file: str = "tap.pcap", **more: object) -> Origin:
    return Origin(file, EvidenceType.CAPTURE, device=device, interface="eth0", **more)  # type: ignore[arg-type]


def address(text: str) -> bytes:
    return ip_address(text).packed


def ethernet(payload: bytes, kind: int = 0x0800, source: int = 0x02, destination: int = 0x04) -> bytes:
    return destination.to_bytes(6, "big") + source.to_bytes(6, "big") + kind.to_bytes(2, "big") + payload


def vlan(payload: bytes, number: int, kind: int = 0x0800) -> bytes:
    return struct.pack(">HH", number, kind) + payload


def ipv4(
    payload: bytes, protocol: int, source: str = "10.0.0.1", destination: str = "10.0.0.2", *, ttl: int = 64,
    number: int = 1, fragment: int = 0, options: bytes = b"", traffic_class: int = 0,
) -> bytes:  # fmt: skip
    length = 20 + len(options) + len(payload)
    first = 0x45 + len(options) // 4
    header = struct.pack(">BBHHHBBH", first, traffic_class, length, number, fragment, ttl, protocol, 0)
    return header + address(source) + address(destination) + options + payload


def ipv6(payload: bytes, protocol: int, source: str = "fd00::1", destination: str = "fd00::2", ttl: int = 64) -> bytes:
    return struct.pack(">IHBB", 6 << 28, len(payload), protocol, ttl) + address(source) + address(destination) + payload


def tcp(
    source: int = 1000, destination: int = 80, sequence: int = 1, acknowledgement: int = 1, flags: int = 0x10,
    payload: bytes = b"", window: int = 1000, options: bytes = b"",
) -> bytes:  # fmt: skip
    padded = options + b"\1" * (-len(options) % 4)
    offset = (5 + len(padded) // 4) << 12
    return (
        struct.pack(
            ">HHIIHHHH", source, destination, sequence % 2**32, acknowledgement % 2**32, offset | flags, window, 0, 0
        )
        + padded
        + payload
    )


def udp(payload: bytes = b"", source: int = 5000, destination: int = 6000) -> bytes:
    return struct.pack(">HHHH", source, destination, 8 + len(payload), 0) + payload


def echo(kind: int, identifier: int, sequence: int, payload: bytes = b"x" * 56) -> bytes:
    return struct.pack(">BBHHH", kind, 0, 0, identifier, sequence) + payload


def icmp_error(kind: int, code: int, quoted: bytes, value: int = 0) -> bytes:
    return struct.pack(">BBHI", kind, code, 0, value) + quoted[:28]


def arp(operation: int, sender: int, sender_address: str, target_address: str) -> bytes:
    return (
        struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation)
        + sender.to_bytes(6, "big") + address(sender_address)
        + bytes(6) + address(target_address)
    )  # fmt: skip


def pcap(
    packets: Sequence[Timed], *, order: str = "<", nanoseconds: bool = False, link: int = 1, snap: int = 65535,
    modified: bool = False,
) -> bytes:  # fmt: skip
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2CD34 if modified else 0xA1B2C3D4
    pieces = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, link)]
    for time_ns, octets in packets:
        seconds, rest = divmod(time_ns, SECOND)
        kept = octets[:snap]
        fraction = rest if nanoseconds else rest // 1000
        pieces.append(struct.pack(order + "IIII", seconds, fraction, len(kept), len(octets)))
        pieces.append(bytes(8) if modified else b"")
        pieces.append(kept)
    return b"".join(pieces)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<", options: bytes = b"") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + options, order)


def interface(order: str = "<", link: int = 1, snap: int = 0, options: bytes = b"") -> bytes:
    return block(1, struct.pack(order + "HHI", link, 0, snap) + options, order)


def enhanced(ticks: int, octets: bytes, *, number: int = 0, order: str = "<", wire: int | None = None) -> bytes:
    header = struct.pack(
        order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(octets), len(octets) if wire is None else wire
    )
    return block(6, header + octets, order)


def capture(packets: Sequence[Timed], device: str = "tap", **how: object) -> Capture:
    """The packets as they would be read from a file of this capture point."""
    file = pcap(packets, nanoseconds=True, **how)  # type: ignore[arg-type]
    return read_capture(io.BytesIO(file), origin(device, f"{device}.pcap"))


SENT_AGAIN = [
    (START + number * 300_000_000, ethernet(ipv4(segment, 6, *ends)))
    for number, (segment, ends) in enumerate(
        [
            (tcp(1000, 80, 99, 0, 2), ("10.0.0.1", "10.0.0.2")),
            (tcp(80, 1000, 499, 100, 0x12), ("10.0.0.2", "10.0.0.1")),
            (tcp(1000, 80, 100, 500), ("10.0.0.1", "10.0.0.2")),
            (tcp(1000, 80, 100, 500, payload=bytes(100)), ("10.0.0.1", "10.0.0.2")),
            (tcp(1000, 80, 100, 500, payload=bytes(100)), ("10.0.0.1", "10.0.0.2")),
        ]
    )
]
"""A handshake, and a segment that is sent again after 300 milliseconds."""


def beside_other_traffic(turns: int, host: str = "10.0.0.1", server: str = "10.0.0.2") -> list[Timed]:
    """A connection that asks and is answered twice a second, of a host that counts all that it sends together: pings,
    questions to another server and datagrams go out between its segments. Nothing is lost."""
    found: list[Timed] = []
    number = 0

    def send(ms: int, body: bytes, protocol: int, to: str = server) -> None:
        nonlocal number
        number += 1
        found.append((START + ms * SECOND // 1000, ethernet(ipv4(body, protocol, host, to, number=number))))

    for turn in range(turns):
        ms, sequence = 500 * turn, 100 + 300 * turn
        for part in range(3):
            send(ms + part, tcp(sequence=sequence + 100 * part, payload=bytes(100)), 6)
        answer = tcp(80, 1000, 1, sequence + 300)
        found.append((START + (ms + 10) * SECOND // 1000, ethernet(ipv4(answer, 6, server, host, number=9000 + turn))))
        if turn % 3:
            send(ms + 100, echo(8, 7, turn), 1)
        if turn % 4:
            send(ms + 200, udp(bytes(30), 5000 + turn, 53), 17, "10.0.0.53")
            send(ms + 210, udp(bytes(160), 4000, 4000), 17)
    return found
