"""BGP messages as they stand in the TCP stream: a marker of sixteen ones, a length, a type (RFC 4271 §4.1).

Where the stream has a gap, or was joined in the middle, the marker tells where the next message begins. Of a message
that is cut by a gap, what there is of it is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from attribution.packets.flows import FlowKey
from attribution.packets.survey import Survey
from attribution.packets.witnesses.streams import Piece, follow_streams

BGP_PORT: Final = 179
MARKER: Final = b"\xff" * 16
HEADER: Final = 19
OPEN: Final = 1
UPDATE: Final = 2
NOTIFICATION: Final = 3
KEEPALIVE: Final = 4
TYPES: Final = range(1, 7)


class BgpMessage(NamedTuple):
    """One BGP message that begins in this packet; `body` is what was captured of it after its header."""

    packet: int
    flow: FlowKey
    kind: int
    body: bytes


class Framer:
    """Cuts one direction's octets into messages. It holds no more than one message and one piece."""

    __slots__ = ("_flow", "_found", "_held", "_packets")

    def __init__(self, flow: FlowKey) -> None:
        self._flow = flow
        self._held = bytearray()
        self._packets: list[tuple[int, int]] = []  # where each packet's octets begin in what is held
        self._found = False  # whether what is held begins with a message

    def add(self, piece: Piece) -> Iterator[BgpMessage]:
        if not piece.follows:
            yield from self.end()
        self._packets.append((len(self._held), piece.packet))
        self._held += piece.octets
        at = 0
        while True:
            if not self._found:
                at = self._held.find(MARKER, at)
                if at < 0:
                    return self._forget(max(len(self._held) - len(MARKER) + 1, 0))
            if len(self._held) - at < HEADER:
                return self._forget(at)
            size = self._held[at + 16] << 8 | self._held[at + 17]
            if size < HEADER or self._held[at + 18] not in TYPES or not self._held.startswith(MARKER, at):
                self._found = False
                at += 1
                continue
            self._found = True
            if len(self._held) - at < size:
                return self._forget(at)
            yield self._message(at, at + size)
            at += size

    def end(self) -> Iterator[BgpMessage]:
        """Nothing follows directly: what was held of a message is given, and forgotten."""
        if self._found and len(self._held) >= HEADER and self._held.startswith(MARKER):
            yield self._message(0, len(self._held))
        self._held.clear()
        self._packets.clear()
        self._found = False

    def _message(self, start: int, end: int) -> BgpMessage:
        packet = next(packet for begins, packet in reversed(self._packets) if begins <= start)
        return BgpMessage(packet, self._flow, self._held[start + 18], bytes(self._held[start + HEADER : end]))

    def _forget(self, octets: int) -> None:
        del self._held[:octets]
        first = max((number for number, (begins, _) in enumerate(self._packets) if begins <= octets), default=0)
        self._packets = [(max(begins - octets, 0), packet) for begins, packet in self._packets[first:]]


def bgp_messages(survey: Survey) -> list[BgpMessage]:
    """Every BGP message of a capture, in the order in which they began; repeated segments give theirs once."""
    framers: dict[FlowKey, Framer] = {}
    found: list[BgpMessage] = []
    for flow, piece in follow_streams(survey, BGP_PORT):
        framer = framers.get(flow)
        if framer is None:
            framer = framers[flow] = Framer(flow)
        found += framer.add(piece)
    for framer in framers.values():
        found += framer.end()
    packets = survey.capture.packets
    return sorted(found, key=lambda message: packets[message.packet][0])
