"""One capture in memory: every packet's row of columns, what the file said of itself, and the octets behind it."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from attribution.model.incident import Origin
from attribution.model.observation import Caveat
from attribution.model.phrase import Phrase
from attribution.packets.capture_files import OTHER_INTERFACE, CaptureInterface, FileReader
from attribution.packets.columns import TIME
from attribution.packets.compression import CutShort, read_pieces
from attribution.packets.damage import find_damaged
from attribution.packets.link_layers import KNOWN_LINKS
from attribution.packets.mirror import find_copies
from attribution.packets.quick_decode import decode_quickly

Packet = tuple[int, ...]
"""One row: see `columns` for what stands where."""


@dataclass(frozen=True, slots=True)
class Capture:
    """What one capture point saw. Frame n of the file is packets[n - 1]; its captured octets are octets[n - 1].

    Times have the origin's stated clock offset added. `order` lists packet indices by time where the file's order is
    another, and is None where the file is in order; `start_ns` and `end_ns` are the first and last of their times.
    Of a large capture only the packets that tell something of the network are here: `frames` holds their frame
    numbers, `left_out` counts those of them that there was no room for. `copies` are those of `packets` that a mirror
    port showed again: they say nothing that the first did not. `damaged` are those with a wrong checksum, which their
    receiver drops: they were lost before they came by here. `elsewhere` counts the frames of the file's other
    interfaces, where one is asked for.
    """

    origin: Origin
    packets: tuple[Packet, ...]
    octets: tuple[bytes, ...]
    interfaces: tuple[CaptureInterface, ...]
    comments: tuple[str, ...]
    caveats: tuple[Caveat, ...]
    truncated: bool = False
    order: tuple[int, ...] | None = None
    start_ns: int = 0
    end_ns: int = 0
    format: str = "pcap"
    frames: tuple[int, ...] | None = None
    left_out: int = 0
    copies: frozenset[int] = frozenset()
    damaged: frozenset[int] = frozenset()
    elsewhere: int = 0

    def frame_of(self, index: int) -> int:
        """The frame number of one of these packets."""
        return index + 1 if self.frames is None else self.frames[index]

    @property
    def set_aside(self) -> frozenset[int]:
        """Packets that count for nothing that passed."""
        return self.copies | self.damaged

    @property
    def device(self) -> str:
        """The capture point's node; a capture of an unnamed point goes by its file."""
        return self.origin.device or self.origin.file

    @property
    def point(self) -> tuple[str, str | None]:
        return (self.device, self.origin.interface)

    @property
    def dropped(self) -> int:
        """Packets that the capture itself says it missed."""
        return sum(interface.dropped or 0 for interface in self.interfaces)

    def in_time(self) -> Iterator[int]:
        """Packet indices in the order of time."""
        return iter(self.order if self.order is not None else range(len(self.packets)))


def read_capture(source: BinaryIO | bytes, origin: Origin) -> Capture:
    """Read and decode a whole capture: pcap or pcapng, plain, gzip or zstd.

    A damaged or cut tail becomes a caveat; packets of a link type that is not known are kept, undecoded, with one.
    Raises CaptureError where the source is no capture.
    """
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    reader = FileReader(origin.file, only=origin.interface if origin.is_part else None)
    packets: list[Packet] = []
    octets: list[bytes] = []
    unknown_links: dict[int, int] = {}
    offset_ns = origin.clock_offset_ns or 0
    for data, last in _pieces_with_tail(stream, reader):
        for time_ns, start, captured, wire, link_type, interface in reader.read(data, last):
            packets.append(decode_quickly(data, start, captured, wire, link_type, time_ns + offset_ns, interface))
            octets.append(data[start : start + captured])
            if link_type not in KNOWN_LINKS:
                unknown_links[link_type] = unknown_links.get(link_type, 0) + 1
    elsewhere = unknown_links.pop(OTHER_INTERFACE, 0)
    times = [packet[TIME] for packet in packets]
    in_order = all(earlier <= later for earlier, later in pairwise(times))
    order = None if in_order else tuple(sorted(range(len(times)), key=times.__getitem__))
    damaged = find_damaged(packets, octets)
    in_time = range(len(times)) if order is None else order
    # What one port of a device shows whole and the next one damaged is no copy.
    copies = find_copies(packets, octets, (index for index in in_time if index not in damaged))
    return Capture(
        origin=origin,
        packets=tuple(packets),
        octets=tuple(octets),
        interfaces=tuple(reader.interfaces),
        comments=tuple(reader.comments),
        caveats=(
            *caveats_of_file(origin, reader, unknown_links, in_order),
            *_caveats_of_copies(origin, copies),
            *caveats_of_damage(origin, [index + 1 for index in damaged]),
        ),
        truncated=reader.damaged,
        order=order,
        start_ns=min(times, default=0),
        end_ns=max(times, default=0),
        format=reader.format,
        copies=copies,
        damaged=damaged,
        elsewhere=elsewhere,
    )


def _pieces_with_tail(stream: BinaryIO, reader: FileReader) -> Iterator[tuple[bytes, bool]]:
    """Join what a piece left over to the next one; the last piece is marked, damaged compression is noted."""
    held = b""
    try:
        for piece in read_pieces(stream):
            data = held + piece if held else piece
            yield data, False
            held = data[reader.consumed :]
    except CutShort as cut:
        reader.notes.append(Phrase("{cut}; everything before it was read", cut=cut.reason))
        yield held, True
        reader.damaged = True
        return
    yield held, True


def caveats_of_file(
    origin: Origin, reader: FileReader, unknown_links: dict[int, int], in_order: bool
) -> Iterator[Caveat]:
    """What a file's readers must know: what is missing from it, and what was not understood."""
    end = f"frame {reader.records}"
    for note in reader.notes:
        yield Caveat(origin.file, end, note)
    for link_type, count in sorted(unknown_links.items()):
        yield Caveat(origin.file, "frame 1", Phrase("link type {number} is not understood", number=link_type), count)
    dropped = sum(interface.dropped or 0 for interface in reader.interfaces)
    if dropped:
        reason = Phrase("packets that the capture itself dropped are missing from it")
        yield Caveat(origin.file, end, reason, dropped)
    if not in_order:
        reason = Phrase("frames are not in the order of time; they were sorted for the analysis")
        yield Caveat(origin.file, end, reason)


def _caveats_of_copies(origin: Origin, copies: frozenset[int]) -> Iterator[Caveat]:
    if copies:
        reason = Phrase("packets that the capture shows twice, as a mirror port does; counted once")
        yield Caveat(origin.file, f"frame {min(copies) + 1}", reason, len(copies))


def caveats_of_damage(origin: Origin, frames: Collection[int]) -> Iterator[Caveat]:
    """What is said of frames that arrived damaged, where there are any."""
    if frames:
        reason = Phrase("packets arrived with a wrong checksum, damaged on the way: counted as lost before this point")
        yield Caveat(origin.file, f"frame {min(frames)}", reason, len(frames))
