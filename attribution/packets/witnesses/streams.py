"""A message in TCP begins wherever the stream has come to, not where a segment begins (RFC 9293 §3.4).

One direction of a connection is followed in the order of its sequence numbers: what comes twice counts once, what
comes early waits for what is missing. Where octets are missing for good (the capture or its snap length lost them)
the stream goes on behind the gap, and says so. What waits is bounded, whatever the capture holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from attribution.packets.columns import (
    DESTINATION_PORT,
    FLAGS,
    FRAGMENT,
    LENGTH,
    PAYLOAD,
    SEQUENCE,
    SOURCE_PORT,
    SYN,
    TCP,
)
from attribution.packets.flows import FlowKey, flow_key
from attribution.packets.survey import Survey
from attribution.packets.witnesses.carried import payload_of

MOST_HELD: Final = 1 << 18  # octets that wait for a missing segment, by direction
MOST_SEGMENTS_HELD: Final = 256
FARTHEST: Final = 1 << 20  # a sequence number farther off belongs to another connection between the same ports
NUMBERS: Final = 1 << 32


class Piece(NamedTuple):
    """Octets in their order, and the packet that brought them; `follows` is False behind a gap and at the start."""

    packet: int
    octets: bytes
    follows: bool


class Stream:
    """One direction of one connection."""

    __slots__ = ("_broken", "_held", "_held_octets", "_next")

    def __init__(self) -> None:
        self._next: int | None = None
        self._broken = True
        self._held: dict[int, tuple[int, bytes, int]] = {}
        self._held_octets = 0

    def begin(self, sequence: int) -> Iterator[Piece]:
        """A SYN: the first octet has the number after its own."""
        if self._next == (sequence + 1) % NUMBERS:
            return
        yield from self.end()
        self._next = (sequence + 1) % NUMBERS
        self._broken = True

    def add(self, packet: int, sequence: int, octets: bytes, length: int) -> Iterator[Piece]:
        """A segment that is `length` octets long, of which some may not have been captured."""
        if self._next is None:
            self._next = sequence
        ahead = (sequence - self._next) % NUMBERS
        if min(ahead, NUMBERS - ahead) > FARTHEST:
            yield from self.end()
            self._next, ahead, self._broken = sequence, 0, True
        if 0 < ahead <= FARTHEST:
            yield from self._hold(packet, sequence, octets, length)
        else:
            yield from self._deliver(packet, octets, length, -ahead % NUMBERS)

    def end(self) -> Iterator[Piece]:
        """Nothing more will come: what still waits is given, each behind its gap."""
        while self._held:
            yield from self._skip_gap()

    def _hold(self, packet: int, sequence: int, octets: bytes, length: int) -> Iterator[Piece]:
        waiting = self._held.get(sequence)
        if waiting is not None and waiting[2] >= length:
            return
        self._held_octets += len(octets) - (len(waiting[1]) if waiting is not None else 0)
        self._held[sequence] = (packet, octets, length)
        while self._held_octets > MOST_HELD or len(self._held) > MOST_SEGMENTS_HELD:
            yield from self._skip_gap()

    def _deliver(self, packet: int, octets: bytes, length: int, known: int) -> Iterator[Piece]:
        """Give what is new of a segment whose first `known` octets came before, and then what waited for it."""
        yield from self._advance(packet, octets, length, known)
        while self._held:
            sequence = self._nearest()
            known = ((self._next or 0) - sequence) % NUMBERS
            if known > FARTHEST:
                return
            yield from self._advance(*self._take(sequence), known)

    def _advance(self, packet: int, octets: bytes, length: int, known: int) -> Iterator[Piece]:
        if known < length:
            yield Piece(packet, octets[known:], not self._broken)
            self._broken = len(octets) < length
            self._next = ((self._next or 0) + length - known) % NUMBERS

    def _skip_gap(self) -> Iterator[Piece]:
        self._next = self._nearest()
        self._broken = True
        yield from self._deliver(*self._take(self._next), 0)

    def _nearest(self) -> int:
        return min(self._held, key=lambda sequence: (sequence - (self._next or 0) + FARTHEST) % NUMBERS)

    def _take(self, sequence: int) -> tuple[int, bytes, int]:
        held = self._held.pop(sequence)
        self._held_octets -= len(held[1])
        return held


def follow_streams(survey: Survey, port: int) -> Iterator[tuple[FlowKey, Piece]]:
    """Both directions of every connection from or to a port, each in the order of its sequence numbers."""
    packets = survey.capture.packets
    streams: dict[FlowKey, Stream] = {}
    for index in survey.of(TCP):
        packet = packets[index]
        if port not in (packet[DESTINATION_PORT], packet[SOURCE_PORT]) or packet[PAYLOAD] < 0 or packet[FRAGMENT]:
            continue
        key = flow_key(packet)
        stream = streams.get(key)
        if stream is None:
            stream = streams[key] = Stream()
        if packet[FLAGS] & SYN:
            for piece in stream.begin(packet[SEQUENCE]):
                yield key, piece
        elif packet[LENGTH] > 0:
            octets = payload_of(survey.capture, index)
            for piece in stream.add(index, packet[SEQUENCE], octets, packet[LENGTH]):
                yield key, piece
    for key, stream in streams.items():
        for piece in stream.end():
            yield key, piece
