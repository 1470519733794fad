"""Damaged captures must give packets, a caveat or the documented error: never another, never a hang, never much memory.

    python -m tests.packets.fuzz pcap|pcapng|packets [--seconds N] [--seed S]

Each input is read in plain Python, whole and in crumbs, and by the compiled reader: all three must have the same
packets, rows, and health. An input is made from its number alone, so a finding is repeated by giving `--first NUMBER`.
"""

from __future__ import annotations

import argparse
import gzip
import io
import random
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

import zstandard

from attribution.errors import CaptureError
from attribution.packets import read_capture
from attribution.packets.bulk.engine import BulkReader, Wanted
from attribution.packets.columns import WIDTH
from attribution.packets.compression import ZSTD_MAGIC, read_pieces
from attribution.packets.judgement import judge_capture
from attribution.packets.link_layers import KNOWN_LINKS
from attribution.packets.tcp_health import DUPLICATE_ACK
from tests.packets.making import (
    START,
    Timed,
    arp,
    block,
    echo,
    enhanced,
    ethernet,
    icmp_error,
    interface,
    ipv4,
    ipv6,
    option,
    origin,
    pcap,
    section,
    tcp,
    udp,
)
from tests.packets.test_bulk import bulk_health
from tests.packets.test_decode import INNER, INNER_FRAME, WRAPPED
from tests.packets.test_tcp_health import random_connections

LONGEST_S = 10.0  # for one input, of a few kilobytes
MOST_MEMORY = 768 << 20  # beyond what the programs take by themselves
EDGES = (0, 1, 2, 7, 8, 15, 16, 27, 28, 31, 32, 255, 256, 65_535, 65_536, 262_144, 262_145, 2**24, 2**31 - 1, 2**31,
         2**32 - 1)  # fmt: skip

Maker = Callable[[random.Random], bytes]


class Hung(Exception):
    """One input took longer than any should."""


class Crumbs(io.RawIOBase):
    """A stream that gives a few octets at a time, as a pipe may."""

    def __init__(self, data: bytes, chance: random.Random) -> None:
        self._data = data
        self._at = 0
        self._chance = chance

    def read(self, size: int = -1) -> bytes:
        taken = self._data[self._at :][: min(size, self._chance.randrange(1, 700))]
        self._at += len(taken)
        return taken


def damage(chance: random.Random, data: bytes, times: int) -> bytes:
    """Change octets and numbers, leave out, double and move some, or cut the end off."""
    found = bytearray(data)
    for _ in range(times):
        if not found:
            break
        at, kind = chance.randrange(len(found)), chance.randrange(8)
        length = chance.randrange(1, 40)
        if kind <= 2:
            found[at] = chance.choice([0, 255, chance.randrange(256), found[at] ^ 1 << chance.randrange(8)])
        elif kind == 3:
            at &= ~3
            number = chance.choice(EDGES) + chance.choice([0, 0, 1, -1]) & 0xFFFFFFFF
            found[at : at + 4] = struct.pack(chance.choice("<>") + "I", number)
        elif kind == 4:
            del found[at : at + length]
        elif kind == 5:
            found[at:at] = found[at : at + length]
        elif kind == 6:
            found[at : at + length] = chance.randbytes(length)
        elif chance.random() < 0.3:
            del found[at:]
    return bytes(found)


def some_packets(chance: random.Random, count: int) -> list[Timed]:
    """Connections, tunnels, fragments and errors, whole."""
    segment = tcp(5, 6, 101, 1, 16, bytes(400))
    some = [octets for link, octets, _ in WRAPPED.values() if link == 1]
    some += [
        ethernet(ipv4(segment[:200], 6, number=3, fragment=0x2000)),
        ethernet(ipv4(segment[200:], 6, number=3, fragment=25)),
        ethernet(ipv4(icmp_error(3, 4, INNER, 1400) + bytes(20), 1)),
        ethernet(ipv4(echo(8, 7, 9), 1)),
        ethernet(arp(1, 0xABCDEF, "10.0.0.9", "10.0.0.8"), 0x0806),
        ethernet(ipv6(b"\x3c\0" + bytes(6) + b"\x06\0" + bytes(6) + segment, 0), 0x86DD),
    ]
    talk = [octets for _, octets in random_connections(chance.randrange(1 << 30), max(1, count // 10))]
    return [(START + number * 1000, chance.choice(some + talk[: count * 2])) for number in range(count)]


def squeezed(chance: random.Random, data: bytes) -> bytes:
    """Sometimes compressed, and sometimes damaged after that."""
    kind = chance.randrange(8)
    if kind < 2:
        data = gzip.compress(data, 1) if kind else zstandard.ZstdCompressor(level=1).compress(data)
        if chance.random() < 0.6:
            data = damage(chance, data, chance.randrange(1, 4))
    return data


def make_pcap(chance: random.Random) -> bytes:
    """A damaged pcap file of any order, resolution and header."""
    data = pcap(
        some_packets(chance, chance.randrange(12)), order=chance.choice("<>"), nanoseconds=chance.random() < 0.3,
        modified=chance.random() < 0.2, link=chance.choice([1, 1, 1, *sorted(KNOWN_LINKS), 147]),
        snap=chance.choice([65_535, 65_535, 60, 70]),
    )  # fmt: skip
    if chance.random() < 0.2:
        data = data[:6] + struct.pack("<H", 2) + data[8:]
    return squeezed(chance, damage(chance, data, chance.randrange(6)))


def make_pcapng(chance: random.Random) -> bytes:
    """A pcapng file of blocks in any order, damaged."""
    data = b""
    for _ in range(chance.randrange(1, 3)):
        order = chance.choice("<>")
        resolution = option(9, bytes([chance.choice([0, 3, 6, 9, 12, 19, 20, 0x80, 0x8A, 0x94, 0xBF, 0xC0])]), order)
        offset = option(14, struct.pack(order + "q", chance.choice([0, 100, -100, 2**62, -(2**63)])), order)
        packets = some_packets(chance, chance.randrange(8))
        stamp = struct.pack(order + "III", 0, 1, 2)
        parts = [
            interface(order, chance.choice([1, 1, 101, 113]), chance.choice([0, 60]), option(2, b"eth0", order)),
            interface(order, 1, 0, chance.choice([b"", resolution, resolution + offset])),
            *(
                enhanced(
                    time_ns // 1000, octets, number=chance.randrange(3) if chance.random() < 0.3 else 0, order=order
                )
                for time_ns, octets in packets
            ),
            block(3, struct.pack(order + "I", len(INNER_FRAME)) + INNER_FRAME, order),
            block(2, struct.pack(order + "HHIIII", 0, 3, 1, 2, len(INNER), len(INNER)) + INNER, order),
            block(4, struct.pack(order + "HH", 1, 9) + b"\x0a\0\0\1box\0\0" + bytes(3) + bytes(4), order),
            block(5, stamp + option(5, struct.pack(order + "Q", 4), order), order),
            block(chance.choice([0x0BAD, 10, 0x40000BAD]), b"a block of another kind", order),
        ]
        if chance.random() < 0.7:
            first, rest = parts[:2], parts[2:]
            chance.shuffle(rest)
            parts = first + rest
        else:
            chance.shuffle(parts)
        data += section(order, option(1, b"why", order)) + b"".join(parts[: chance.randrange(1, len(parts) + 1)])
    return squeezed(chance, damage(chance, data, chance.randrange(6)))


def make_packets(chance: random.Random) -> bytes:
    """A whole pcap file of damaged packets, of one link type."""
    links = [1, 1, *sorted(KNOWN_LINKS)]
    link = chance.choice(links)
    whole = [octets for kind, octets, _ in WRAPPED.values() if kind == link] or [INNER_FRAME, INNER, udp(INNER)]
    if link == 1:
        whole += [octets for _, octets in some_packets(chance, 30)]
    pieces = [pcap([], link=link, nanoseconds=True)]
    for number in range(60):
        octets = chance.choice(whole)
        if chance.random() < 0.1:
            octets = octets[: chance.randrange(len(octets))] + chance.choice(whole)
        octets = damage(chance, octets, chance.randrange(6))
        kept = octets if chance.random() < 0.6 else octets[: chance.randrange(len(octets) + 1)]
        wire = chance.choice([len(octets), len(octets), len(kept), chance.randrange(70_000), 2**32 - 1])
        pieces.append(struct.pack("<IIII", 1_795_406_000, number, len(kept), wire) + kept)
    return b"".join(pieces)


MAKERS: dict[str, Maker] = {"pcap": make_pcap, "pcapng": make_pcapng, "packets": make_packets}


Plain = tuple[list[tuple[int, ...]], list[tuple[int, int]]]


def read_plainly(stream: io.RawIOBase | bytes) -> Plain | str:
    """The rows and the health of a capture, or why it was refused."""
    try:
        capture = read_capture(stream, origin())  # type: ignore[arg-type]
    except CaptureError as refused:
        return str(refused)
    judged = judge_capture(capture)
    health = [
        (health, number if health & DUPLICATE_ACK else 0)
        for health, number in zip(judged.health, judged.duplicates, strict=True)
    ]
    return list(capture.packets), health


def read_compiled(data: bytes) -> tuple[list[tuple[int, ...]], list[tuple[int, int]]] | str:
    """The same by the compiled reader."""
    try:
        bulk = BulkReader("tap.pcap", read_pieces(io.BytesIO(data)), wanted=Wanted.ROWS)
        rows = [
            tuple(row)
            for batch in bulk.batches()
            for row in batch.rows[: batch.count, :WIDTH].tolist()
        ]
    except CaptureError as refused:
        return str(refused)
    return rows, bulk_health(data)


def _begins_alike(one: Plain | str, other: Plain | str) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other or "damaged" in f"{one}{other}"
    return all(ours == theirs for ours, theirs in zip(one[0], other[0], strict=False))


def _said(read: Plain | str) -> str:
    return read if isinstance(read, str) else f"{len(read[0])} packets"


def check(data: bytes, chance: random.Random) -> None:
    """Read one input in every way. Raises AssertionError where they differ, and whatever else goes wrong."""
    plain = read_plainly(data)
    crumbs = read_plainly(Crumbs(data, chance))
    compiled = read_compiled(data)
    if data.startswith(ZSTD_MAGIC):  # of a damaged frame, what comes before the damage may be lost with its slice
        assert _begins_alike(plain, crumbs), f"whole {_said(plain)}, in crumbs {_said(crumbs)}"
    else:
        assert plain == crumbs, f"whole {_said(plain)}, in crumbs {_said(crumbs)}"
    if isinstance(plain, str) or isinstance(compiled, str):
        assert plain == compiled, f"one refuses: {plain if isinstance(plain, str) else compiled}"
        return
    assert len(plain[0]) == len(compiled[0]), f"plain {len(plain[0])} packets, compiled {len(compiled[0])}"
    for number, (ours, theirs) in enumerate(zip(plain[0], compiled[0], strict=True)):
        assert ours == theirs, f"frame {number + 1}: plain {ours}, compiled {theirs}"
    assert plain[1] == compiled[1], "the health"


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    raise Hung


def run(kind: str, numbers: Sequence[int], seed: int, deadline: float) -> tuple[int, int | None]:
    """Check inputs until the time is over. Answers how many, and the number of one that found something."""
    before = signal.signal(signal.SIGALRM, _give_up)
    done = 0
    try:
        for number in numbers:
            if time.monotonic() > deadline:
                break
            chance = random.Random(f"{kind} {seed} {number}")
            data = MAKERS[kind](chance)
            signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
            try:
                check(data, chance)
            except Exception as problem:
                signal.setitimer(signal.ITIMER_REAL, 0)
                Path(f"{kind}-{seed}-{number}.found").write_bytes(data)
                print(f"{kind} {number}: {type(problem).__name__}: {problem}")
                return done, number
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            done += 1
    finally:
        signal.signal(signal.SIGALRM, before)
    return done, None


def limit_memory() -> None:
    """More than this beyond what there is now ends in a MemoryError."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kind", choices=sorted(MAKERS))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="begin with this input")
    chosen = parser.parse_args()
    check(pcap(some_packets(random.Random(1), 20)), random.Random(1))  # compiles before anything is measured
    limit_memory()
    done, found = run(chosen.kind, range(chosen.first, sys.maxsize), chosen.seed, time.monotonic() + chosen.seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{chosen.kind}: {done:,} inputs, {'nothing found' if found is None else 'stopped'}; peak memory {peak} MB")
    sys.exit(found is not None)


if __name__ == "__main__":
    main()
