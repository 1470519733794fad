"""Capture files: where each packet's octets lie in a pcap or pcapng file, when it was taken, and what was missed.

A reader is fed the file in pieces of any size and yields the records that are whole; it keeps between the pieces what
the file said so far (byte order, interfaces, drop counts). A tail that is cut yields everything before it and a note;
only what is no capture at all is an error.

Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng; for the variants of pcap that predate them, what libpcap
documents (modified headers of A. Kuznetzov's patch, lengths swapped before version 2.3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from attribution.errors import CaptureError
from attribution.model.phrase import Phrase

NANOSECONDS: Final = 1_000_000_000
LARGEST_PACKET: Final = 262_144  # as much as libpcap and Wireshark accept from most links
LARGEST_BLOCK: Final = 16 * 1024 * 1024
MOST_INTERFACES: Final = 65_536  # of one file, and as many comments and names are kept
FIRST_OCTETS: Final = 4096  # what a file is recognised by
TEN_YEARS_S: Final = 315_000_000
FURTHEST_S: Final = 4_500_000_000  # the year 2112; what a file dates later, or more than this before 1970, is no time
EXPECTED: Final = "expected a pcap or pcapng file, plain, gzip or zstd"

SECTION_HEADER: Final = 0x0A0D0D0A
PCAP_MAGICS: Final = {
    bytes.fromhex("a1b2c3d4"): (">", 1000, 16),
    bytes.fromhex("d4c3b2a1"): ("<", 1000, 16),
    bytes.fromhex("a1b23c4d"): (">", 1, 16),
    bytes.fromhex("4d3cb2a1"): ("<", 1, 16),
    bytes.fromhex("a1b2cd34"): (">", 1000, 24),
    bytes.fromhex("34cdb2a1"): ("<", 1000, 24),
}  # byte order, nanoseconds in the time's fraction, octets of a record's header
OTHER_HEADERS: Final = {16: (24, 20), 24: (28,)}
"""A record's header by what the file's first octets promise, and what else it was found to be: Red Hat 6.1 kept the
old first octets with the longer header, so did Nokia with one of its own; SuSE 6.3 made the modified header longer."""
OTHER_FORMATS: Final = {
    b"snoop\0\0\0": "a snoop file",
    b"TRSNIFF data": "a Sniffer file",
    b"XCP\0": "a NetXRay file",
    b"RTSS": "a Network Monitor file",
    b"GMBU": "a Network Monitor file",
    b"PK\x03\x04": "a zip archive",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x04\x22\x4d\x18": "an lz4 file",
    b"\x1c\x00\x01\xab": "an Ixia capture",
    b"\x1c\x00\x01\xac": "an Ixia capture",
}


OTHER_INTERFACE = 0xFFFF  # the link type that packets of unwanted interfaces are given; there is no such


class Record(NamedTuple):
    """One packet in the piece of the file at hand: data[start:start + captured], of `wire` octets on the network."""

    time_ns: int
    start: int
    captured: int
    wire: int
    link_type: int
    interface: int


@dataclass(slots=True)
class CaptureInterface:
    """One interface of a capture file; `dropped` counts packets that the capture itself missed, None if not said."""

    link_type: int
    snap_length: int = 0
    name: str = ""
    ticks_per_second: int = 1_000_000
    offset_s: int = 0
    dropped: int | None = None
    received: int | None = None
    last_ns: int | None = None


@dataclass(slots=True)
class FileReader:
    """What a capture file has said so far. `consumed` is how far into the piece the last call came.

    `only` names the interface whose packets are wanted: those of others keep their places, as of no known link type.
    """

    place: str
    format: str = ""
    interfaces: list[CaptureInterface] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    records: int = 0
    consumed: int = 0
    damaged: bool = False
    order: str = "<"
    fraction_ns: int = 1000
    header_octets: int = 16
    swapped_lengths: bool = False
    first_interface: int = 0
    times_doubted: bool = False
    only: str | None = None

    def read(self, data: bytes, last: bool) -> Iterator[Record]:
        """Yield the whole records of this piece; `last` says that no more will come.

        After the iterator is exhausted, data[consumed:] must come first in the next piece.
        """
        self.consumed = 0
        if self.damaged:
            self.consumed = len(data)
            return
        if not self.format:
            self.recognise(data, last)
            if not self.format:
                return
        if self.format == "pcap":
            yield from self._read_pcap(data)
        else:
            yield from self._read_pcapng(data)
        if last:
            self.finish(len(data) - self.consumed)

    def finish(self, left: int) -> None:
        """The file is over; `left` octets at its end make no record."""
        if left and not self.damaged:
            self.stop(Phrase("the file ends inside a record ({left} octets of it are there)", left=left))

    def stop(self, reason: Phrase) -> None:
        """Nothing after this place can be trusted."""
        self.damaged = True
        self.notes.append(Phrase("{cut}; everything before it was read", cut=reason))

    def recognise(self, data: bytes, last: bool) -> None:
        """Learn the format from the first octets; `format` stays empty where more of them are needed."""
        if len(data) < FIRST_OCTETS and not last:
            return
        if not data:
            raise CaptureError(self.place, self.notes[0] if self.notes else "the file is empty", EXPECTED)
        magic = data[:4]
        if magic == SECTION_HEADER.to_bytes(4, "big"):
            self.format = "pcapng"
            if len(data) < 28 and last:
                raise CaptureError(self.place, "the file ends inside its first header", EXPECTED)
            return
        if magic not in PCAP_MAGICS:
            for start, name in OTHER_FORMATS.items():
                if data.startswith(start):
                    raise CaptureError(self.place, f"this is {name}", EXPECTED)
            raise CaptureError(self.place, f"the file begins with {data[:8].hex(' ')}, which no capture does", EXPECTED)
        if len(data) < 24:
            raise CaptureError(self.place, "the file ends inside its first header", EXPECTED)
        self.format = "pcap"
        self.order, self.fraction_ns, self.header_octets = PCAP_MAGICS[magic]
        major, minor, _zone, _figures, snap, link = struct.unpack_from(self.order + "HHiIII", data, 4)
        if major != 2:
            raise CaptureError(self.place, f"a pcap file of version {major}.{minor}", "expected version 2")
        self.swapped_lengths = minor < 3
        ticks = NANOSECONDS // self.fraction_ns
        self.interfaces.append(CaptureInterface(link & 0xFFFF, snap, ticks_per_second=ticks))
        self.consumed = 24
        if self.fraction_ns > 1:
            self._settle_header(data[24:FIRST_OCTETS])

    def _settle_header(self, data: bytes) -> None:
        """Where the first records contradict the header that the file promises, take another if it fits them all."""
        if self._is_chained(data, self.header_octets):
            return
        for octets in OTHER_HEADERS[self.header_octets]:
            if self._is_chained(data, octets):
                self.header_octets = octets
                return

    def _is_chained(self, data: bytes, header: int) -> bool:
        """Whether records with such headers follow one another: four of them, or two and on beyond the data's end."""
        at = count = 0
        began = int.from_bytes(data[:4], "little" if self.order == "<" else "big")
        while count < 4 and at + header <= len(data):
            seconds, fraction, captured, wire = struct.unpack_from(self.order + "IIII", data, at)
            if fraction >= 1_000_000 or captured > min(wire, LARGEST_PACKET) or abs(seconds - began) > TEN_YEARS_S:
                return False
            count += 1
            at += header + captured
        return count == 4 or at == len(data) or (count > 1 and len(data) == FIRST_OCTETS - 24)

    def _read_pcap(self, data: bytes) -> Iterator[Record]:
        """A pcap record is 16 octets (24 with the modified header) and the packet."""
        unpack = struct.Struct(self.order + "IIII").unpack_from
        header, fraction_ns, link_type = self.header_octets, self.fraction_ns, self.interfaces[0].link_type
        at, end = self.consumed, len(data)
        while at + header <= end:
            seconds, fraction, captured, wire = unpack(data, at)
            if self.swapped_lengths or captured > LARGEST_PACKET:
                captured, wire = self._mended_lengths(captured, wire)
                if captured > LARGEST_PACKET:
                    claim = Phrase("record {number} claims {octets} octets", number=self.records + 1, octets=captured)
                    self.stop(claim)
                    break
            if at + header + captured > end:
                break
            self.records += 1
            start = at + header
            at = start + captured
            self.consumed = at
            time_ns = seconds * NANOSECONDS + fraction * fraction_ns
            yield Record(time_ns, start, captured, wire, link_type, 0)

    def _mended_lengths(self, captured: int, wire: int) -> tuple[int, int]:
        """Before version 2.3 the two lengths stood the other way round."""
        return (wire, captured) if self.swapped_lengths and captured > wire else (captured, wire)

    def _read_pcapng(self, data: bytes) -> Iterator[Record]:
        """A pcapng file is a list of blocks: type, length, body, length again."""
        at = self.consumed
        while (step := self.next_block(data, at)) is not None:
            at, record = step
            self.consumed = at
            if record is not None:
                self.records += 1
                yield record

    def next_block(self, data: bytes, at: int) -> tuple[int, Record | None] | None:
        """Understand the pcapng block at `at`: where the next begins, and the packet if it holds one.

        None where the piece ends before the block does, or the block is damaged (`damaged` tells).
        """
        if at + 12 > len(data):
            return None
        if data[at : at + 4] == b"\n\r\r\n":
            self.order = "<" if data[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
        kind, length = struct.unpack_from(self.order + "II", data, at)
        if length < 12 or length > LARGEST_BLOCK:
            self.stop(Phrase("a block of {octets} octets after record {number}", octets=length, number=self.records))
            return None
        length = length + 3 & ~3
        if at + length > len(data):
            return None
        try:
            return at + length, self._read_block(data, at, length, kind)
        except (struct.error, IndexError, ValueError) as problem:
            reason = Phrase(
                "a block after record {number} contradicts itself ({problem})",
                number=self.records, problem=str(problem),
            )  # fmt: skip
            self.stop(reason)
            return None

    def _read_block(self, data: bytes, at: int, length: int, kind: int) -> Record | None:
        body, after = at + 8, at + length - 4
        if kind == 6:
            return self._enhanced_packet(data, body, after)
        if kind == SECTION_HEADER:
            self._section_header(data, body, after)
        elif kind == 1:
            self._interface_description(data, body, after)
        elif kind == 3:
            return self._simple_packet(data, body, after)
        elif kind == 2:
            return self._obsolete_packet(data, body, after)
        elif kind == 5:
            self._statistics(data, body, after)
        elif kind == 4:
            self._name_resolution(data, body, after)
        return None

    def _section_header(self, data: bytes, body: int, after: int) -> None:
        mark, major, minor = struct.unpack_from(self.order + "IHH", data, body)
        if mark != 0x1A2B3C4D or major != 1:
            if not self.interfaces:
                raise CaptureError(self.place, f"a pcapng section of version {major}.{minor}", "expected version 1")
            raise ValueError(f"section of version {major}.{minor}")
        self.first_interface = len(self.interfaces)
        self._comments(data, body + 16, after)

    def _interface_description(self, data: bytes, body: int, after: int) -> None:
        link_type, _reserved, snap = struct.unpack_from(self.order + "HHI", data, body)
        interface = CaptureInterface(link_type, snap)
        for code, value in self._options(data, body + 8, after):
            if code == 2:
                interface.name = value.rstrip(b"\0").decode("utf-8", "replace")
            elif code == 9 and value:
                exponent = value[0] & 0x7F
                if exponent > (63 if value[0] & 0x80 else 19):
                    raise ValueError(f"time resolution {value[0]}")
                interface.ticks_per_second = 1 << exponent if value[0] & 0x80 else 10**exponent
            elif code == 14 and len(value) >= 8:
                interface.offset_s = self._believable(struct.unpack_from(self.order + "q", value)[0])
        if self.only is not None and interface.name != self.only:
            interface.link_type = OTHER_INTERFACE
        if len(self.interfaces) >= MOST_INTERFACES:
            raise ValueError(f"more than {MOST_INTERFACES} interfaces")
        self.interfaces.append(interface)

    def _interface(self, number: int) -> tuple[int, CaptureInterface]:
        index = self.first_interface + number
        if index >= len(self.interfaces):
            raise ValueError(f"interface {number} was never described")
        return index, self.interfaces[index]

    def _enhanced_packet(self, data: bytes, body: int, after: int) -> Record:
        number, high, low, captured, wire = struct.unpack_from(self.order + "IIIII", data, body)
        index, interface = self._interface(number)
        return self._packet(body + 20, after, captured, wire, index, self._time_ns(interface, high << 32 | low))

    def _obsolete_packet(self, data: bytes, body: int, after: int) -> Record:
        number, drops, high, low, captured, wire = struct.unpack_from(self.order + "HHIIII", data, body)
        index, interface = self._interface(number)
        if drops not in (0, 0xFFFF) and interface.link_type != OTHER_INTERFACE:
            interface.dropped = (interface.dropped or 0) + drops
        return self._packet(body + 20, after, captured, wire, index, self._time_ns(interface, high << 32 | low))

    def _simple_packet(self, data: bytes, body: int, after: int) -> Record:
        """A simple packet block has no time and no interface: it is of the section's first, and of time zero."""
        (wire,) = struct.unpack_from(self.order + "I", data, body)
        index, interface = self._interface(0)
        captured = min(wire, interface.snap_length or wire, after - body - 4)
        return self._packet(body + 4, after, captured, wire, index, 0)

    def _packet(self, start: int, after: int, captured: int, wire: int, index: int, time_ns: int) -> Record:
        if start + captured > after or captured > LARGEST_PACKET:
            raise ValueError(f"a packet of {captured} octets in a block of {after - start}")
        interface = self.interfaces[index]
        interface.last_ns = time_ns
        return Record(time_ns, start, captured, wire, interface.link_type, index)

    def _statistics(self, data: bytes, body: int, after: int) -> None:
        """Interface statistics: how many packets the interface gave, and how many it or the system dropped."""
        (number,) = struct.unpack_from(self.order + "I", data, body)
        _, interface = self._interface(number)
        dropped = None
        for code, value in self._options(data, body + 12, after):
            if len(value) < 8:
                continue
            (count,) = struct.unpack_from(self.order + "Q", value)
            if code == 4:
                interface.received = count
            elif code in (5, 7):
                dropped = max(dropped or 0, count)
        if dropped is not None and interface.link_type != OTHER_INTERFACE:
            interface.dropped = dropped

    def _name_resolution(self, data: bytes, body: int, after: int) -> None:
        """Names that the capturing machine knew for addresses: records of type 1 (IPv4) and 2 (IPv6)."""
        for kind, value in self._options(data, body, after):
            size = {1: 4, 2: 16}.get(kind)
            if size and len(value) > size and len(self.names) < MOST_INTERFACES:
                address, name = value[:size], value[size:].split(b"\0")[0].decode("utf-8", "replace")
                self.names.setdefault(address.hex(), name)

    def _comments(self, data: bytes, at: int, after: int) -> None:
        for code, value in self._options(data, at, after):
            if code == 1 and len(self.comments) < MOST_INTERFACES:
                self.comments.append(value.decode("utf-8", "replace"))

    def _options(self, data: bytes, at: int, after: int) -> Iterator[tuple[int, bytes]]:
        while at + 4 <= after:
            code, size = struct.unpack_from(self.order + "HH", data, at)
            if code == 0 or at + 4 + size > after:
                return
            yield code, data[at + 4 : at + 4 + size]
            at += 4 + (size + 3 & ~3)

    def _time_ns(self, interface: CaptureInterface, ticks: int) -> int:
        """Ticks of the interface's resolution since its offset, in nanoseconds since the epoch."""
        resolution = interface.ticks_per_second
        seconds, rest = divmod(ticks, resolution)
        if seconds >= FURTHEST_S:
            seconds, rest = self._believable(seconds), 0
        return (seconds + interface.offset_s) * NANOSECONDS + rest * NANOSECONDS // resolution

    def _believable(self, seconds: int) -> int:
        """A number of seconds, zero in place of one that no clock shows."""
        if abs(seconds) < FURTHEST_S:
            return seconds
        if not self.times_doubted:
            self.notes.append(Phrase("some times are hundreds of years off; they are taken for zero"))
            self.times_doubted = True
        return 0
