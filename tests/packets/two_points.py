"""Traffic that passes two capture points, made by hand: what each of them shows of it is up to the test."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from attribution.model.capture import ComparisonSummary
from attribution.packets import read_capture, summarise_comparison
from attribution.packets.bulk.comparison import lay_over
from tests.packets.making import SECOND, START, Timed, echo, ethernet, ipv4, ipv6, origin, pcap, tcp, udp, vlan

MS = SECOND // 1000
US = SECOND // 1_000_000
CLIENT, SERVER = "10.1.0.1", "10.2.0.1"
Change = Callable[[int, bytes], Timed]


def compared_small(files: Sequence[bytes]) -> ComparisonSummary:
    """In plain Python."""
    return summarise_comparison(
        [read_capture(io.BytesIO(file), origin(name, f"{name}.pcap")) for name, file in zip("ab", files, strict=True)]
    )


def compared_in_bulk(files: Sequence[bytes]) -> ComparisonSummary:
    """Through compiled code."""
    return lay_over([io.BytesIO(file) for file in files], [origin(name, f"{name}.pcap") for name in "ab"]).summary()


WAYS = {"plain": compared_small, "compiled": compared_in_bulk}
Compared = Callable[[Sequence[bytes]], ComparisonSummary]


@dataclass
class TwoPoints:
    """A client behind point a, a server behind point b, a router between the two.

    `delay_ns` is the time from a to b, `back_ns` the time from b to a. Each packet gets an identification of its own.
    """

    delay_ns: int = 200 * US
    back_ns: int = 300 * US
    seen: dict[str, list[Timed]] = field(default_factory=lambda: {"a": [], "b": []})
    now: int = START
    number: int = 0
    sequence: int = 1000
    answer: int = 5000

    def send(
        self, body: bytes, protocol: int = 6, *, back: bool = False, at: str = "ab", late_ns: int = 0,
        number: int | None = None, ttl: int = 64,
    ) -> TwoPoints:  # fmt: skip
        """One packet, seen at these points."""
        self.now += MS
        self.number += 1
        ends = (SERVER, CLIENT) if back else (CLIENT, SERVER)
        mark = self.number & 0xFFFF if number is None else number
        for point in at:
            first = point == ("b" if back else "a")
            delay = 0 if first else (self.back_ns if back else self.delay_ns) + late_ns
            frame = ethernet(ipv4(body, protocol, *ends, ttl=ttl if first else ttl - 1, number=mark))
            self.seen[point].append((self.now + delay, frame))
        return self

    def talk(self, rounds: int, octets: int = 100) -> TwoPoints:
        """Data one way and acknowledgements the other."""
        for _ in range(rounds):
            self.data(octets).acknowledge()
        return self

    def data(self, octets: int = 100, at: str = "ab", **how: int) -> TwoPoints:
        body = tcp(4000, 80, self.sequence, self.answer, 0x18, bytes(octets))
        self.sequence += octets
        return self.send(body, at=at, **how)  # type: ignore[arg-type]

    def acknowledge(self, at: str = "ab") -> TwoPoints:
        return self.send(tcp(80, 4000, self.answer, self.sequence, 0x10), back=True, at=at)

    def datagram(self, number: int, *, back: bool = False, at: str = "ab", mark: int | None = None) -> TwoPoints:
        body = udp(struct.pack(">I", number) * 12, *((6000, 5000) if back else (5000, 6000)))
        return self.send(body, 17, back=back, at=at, number=mark)

    def ping(self, number: int, *, at: str = "ab", answered: str | None = None) -> TwoPoints:
        self.send(echo(8, 7, number), 1, at=at)
        return self.send(echo(0, 7, number), 1, back=True, at=at if answered is None else answered)

    def files(self, change: Change | None = None) -> list[bytes]:
        """Both captures; what point b shows may be changed."""
        there = [change(*packet) for packet in self.seen["b"]] if change else self.seen["b"]
        return [pcap(sorted(packets), nanoseconds=True) for packets in (self.seen["a"], there)]


def in_vxlan(time_ns: int, octets: bytes) -> Timed:
    outer = udp(struct.pack(">II", 8 << 24, 42 << 8) + octets, 50000, 4789)
    return time_ns, ethernet(ipv4(outer, 17, "172.16.0.1", "172.16.0.2", ttl=20))


def in_gre(time_ns: int, octets: bytes) -> Timed:
    outer = struct.pack(">HH", 0, 0x0800) + octets[14:]
    return time_ns, ethernet(ipv4(outer, 47, "172.16.0.1", "172.16.0.2", ttl=20))


def in_mpls(time_ns: int, octets: bytes) -> Timed:
    return time_ns, ethernet(struct.pack(">II", 17 << 12 | 63, 18 << 12 | 1 << 8 | 63) + octets[14:], 0x8847)


def in_vlan(time_ns: int, octets: bytes) -> Timed:
    return time_ns, ethernet(vlan(octets[14:], 7), 0x8100)


def in_ipv6(time_ns: int, octets: bytes) -> Timed:
    return time_ns, ethernet(ipv6(octets[14:], 4, "fd00::a", "fd00::b"), 0x86DD)


def marked(time_ns: int, octets: bytes) -> Timed:
    """With another traffic class and checksum, as policing routers leave it."""
    return time_ns, octets[:15] + b"\xb8" + octets[16:24] + b"\xab\xcd" + octets[26:]


def shifted(offset_ns: int, drift: float = 0.0) -> Change:
    return lambda time_ns, octets: (time_ns + offset_ns + int(drift * (time_ns - START)), octets)


def translated(time_ns: int, octets: bytes, inside: str = CLIENT, outside: str = "198.51.100.7") -> Timed:
    """As behind an address translator: a host shows another address, its ports another number."""
    changed = bytearray(octets)
    old, new = (bytes(int(word) for word in text.split(".")) for text in (inside, outside))
    for place, port in ((26, 34), (30, 36)):
        if changed[place : place + 4] == old:
            changed[place : place + 4] = new
            if changed[23] in (6, 17):
                number = int.from_bytes(changed[port : port + 2], "big")
                changed[port : port + 2] = ((number + 10_000) % 65_536).to_bytes(2, "big")
            elif changed[23] == 1:
                changed[38:40] = b"\x99\x99"
    return time_ns, bytes(changed)


def one_after_another(*changes: Change) -> Change:
    def all_of_them(time_ns: int, octets: bytes) -> Timed:
        for change in changes:
            time_ns, octets = change(time_ns, octets)
        return time_ns, octets

    return all_of_them
