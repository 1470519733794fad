"""Every TCP segment of a capture judged, and numbered by its connection as Wireshark numbers streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from attribution.packets.capture import Capture
from attribution.packets.columns import (
    ACKNOWLEDGEMENT,
    BLANK,
    DESTINATION,
    DESTINATION_PORT,
    FLAGS,
    FRAGMENT,
    ICMP,
    ICMP6,
    ICMP_TYPE,
    LAYER_MALFORMED,
    LAYER_OPTIONS_CUT,
    LAYERS,
    LENGTH,
    PAYLOAD,
    PROTOCOL,
    SCALE,
    SEQUENCE,
    SOURCE,
    SOURCE_PORT,
    TCP,
    TIME,
    TRANSPORT,
    WIDTH,
    WINDOW,
)
from attribution.packets.decode import decode_headers
from attribution.packets.fragments import HEADS, NUMBERS, decode_joined, join_fragment
from attribution.packets.link_layers import IP_BY_VERSION
from attribution.packets.tcp_health import (
    CONNECTION_WIDTH,
    DIRECTION_WIDTH,
    DUPLICATES,
    STATE_WIDTH,
    clear_state,
    judge_segment,
    opens_new_connection,
)

ICMP_ERRORS: Final = frozenset({3, 4, 5, 11, 12})
ICMP6_ERRORS: Final = frozenset({1, 2, 3, 4})


@dataclass(frozen=True, slots=True)
class Judgement:
    """For each packet, in the order of the file: what its segment was found to be (bits of `tcp_health`), the number
    of its connection (-1 for no TCP segment), and which duplicate of an acknowledgement it is.

    A segment that came in fragments is judged at the frame that completed it. Numbers are Wireshark's: a connection
    has one from the first segment, or the first ICMP error that quotes one.
    """

    health: list[int]
    stream: list[int]
    duplicates: list[int]


class FragmentJoiner:
    """Datagrams of which not all fragments have come yet. The store is made when the first fragment comes."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._heads = bytearray()

    def join(self, octets: bytes, packet: Sequence[int]) -> list[int] | None:
        """Add a fragment; the row of its datagram if that is whole now."""
        if not self._numbers:
            self._numbers = [0] * NUMBERS
            self._heads = bytearray(HEADS)
        row = list(packet)
        place = join_fragment(octets, 0, len(octets), row, self._numbers, self._heads)
        if place < 0:
            return None
        joined = [0] * WIDTH
        decode_joined(place, self._numbers, self._heads, row, joined)
        return joined


Ends = tuple[tuple[int, ...], tuple[int, ...]]


class _Judge:
    """The connections seen so far."""

    def __init__(self, count: int) -> None:
        self.health = [0] * count
        self.stream = [-1] * count
        self.duplicates = [0] * count
        self.connections: dict[Ends, tuple[int, list[int]]] = {}
        self.count = 0

    def open(self, ends: Ends) -> tuple[int, list[int]]:
        """Number a new connection between two ends."""
        state = [0] * STATE_WIDTH
        clear_state(state, 0)
        known = self.connections[ends] = (self.count, state)
        self.count += 1
        return known

    def judge(self, index: int, packet: Sequence[int]) -> None:
        """Judge a segment that frame `index` brought; one with a header that contradicts itself is only numbered."""
        here = (*packet[SOURCE : SOURCE + 4], packet[SOURCE_PORT])
        there = (*packet[DESTINATION : DESTINATION + 4], packet[DESTINATION_PORT])
        ends, direction = ((here, there), 0) if here <= there else ((there, here), 1)
        known = self.connections.get(ends)
        if packet[TRANSPORT] < 0:
            if packet[LAYERS] & LAYER_MALFORMED and packet[SOURCE_PORT] >= 0:
                self.stream[index], _ = known or self.open(ends)
            return
        reused = known is not None and opens_new_connection(known[1], 0, direction, packet[SEQUENCE], packet[FLAGS])
        self.stream[index], state = self.open(ends) if known is None or reused else known
        self.health[index] = judge_segment(
            state, 0, direction, packet[TIME], packet[SEQUENCE], packet[ACKNOWLEDGEMENT], packet[LENGTH],
            packet[FLAGS], packet[WINDOW], packet[SCALE], int(reused),
        )  # fmt: skip
        self.duplicates[index] = state[CONNECTION_WIDTH + direction * DIRECTION_WIDTH + DUPLICATES]

    def hear(self, octets: bytes, packet: Sequence[int]) -> None:
        """An ICMP error that quotes a connection's segment gives the connection its number, if it has none yet."""
        quoted = quoted_segment(octets, packet)
        if quoted is not None:
            here = (*quoted[SOURCE : SOURCE + 4], quoted[SOURCE_PORT])
            there = (*quoted[DESTINATION : DESTINATION + 4], quoted[DESTINATION_PORT])
            ends = (min(here, there), max(here, there))
            if ends not in self.connections:
                self.open(ends)


def judge_capture(capture: Capture) -> Judgement:
    """Judge all segments as Wireshark would, in the order of the file."""
    judge = _Judge(len(capture.packets))
    joiner = FragmentJoiner()
    for index, packet in enumerate(capture.packets):
        protocol = packet[PROTOCOL]
        if packet[FRAGMENT]:
            whole = joiner.join(capture.octets[index], packet)
            if whole is not None and whole[PROTOCOL] == TCP and not whole[FRAGMENT]:
                judge.judge(index, whole)
        elif protocol == TCP:
            judge.judge(index, packet)
        elif protocol in (ICMP, ICMP6) and packet[PAYLOAD] >= 0:
            judge.hear(capture.octets[index], packet)
    return Judgement(judge.health, judge.stream, judge.duplicates)


def quoted_segment(octets: bytes, packet: Sequence[int]) -> list[int] | None:
    """The TCP header that an ICMP error quotes, if it quotes one far enough to be understood."""
    errors = ICMP_ERRORS if packet[PROTOCOL] == ICMP else ICMP6_ERRORS
    if packet[ICMP_TYPE] not in errors:
        return None
    row = list(BLANK)
    end = packet[PAYLOAD] + packet[LENGTH]
    decode_headers(octets, 0, packet[PAYLOAD], min(len(octets), end), end, IP_BY_VERSION, row)
    readable = row[TRANSPORT] >= 0 or row[LAYERS] & LAYER_MALFORMED
    return row if row[PROTOCOL] == TCP and readable and row[SOURCE_PORT] >= 0 and not row[FRAGMENT] else None


def shown_by_wireshark(capture: Capture, judgement: Judgement) -> list[int]:
    """The health that Wireshark shows of each packet: none where the snap length cut the segment's options.

    It follows such segments as we do, but gives up on the packet before it says what it found.
    """
    return [
        0 if packet[LAYERS] & LAYER_OPTIONS_CUT else health
        for packet, health in zip(capture.packets, judgement.health, strict=True)
    ]
