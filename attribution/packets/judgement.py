"""Every TCP segment of a capture judged, and numbered by its connection as Wireshark numbers streams."""

from __future__ import annotations

from dataclasses import dataclass

from attribution.packets.capture import Capture
from attribution.packets.columns import (
    ACKNOWLEDGEMENT,
    DESTINATION,
    DESTINATION_PORT,
    FLAGS,
    FRAGMENT,
    LENGTH,
    PROTOCOL,
    SCALE,
    SEQUENCE,
    SOURCE,
    SOURCE_PORT,
    TCP,
    TIME,
    TRANSPORT,
    WINDOW,
)
from attribution.packets.tcp_health import (
    CONNECTION_WIDTH,
    DIRECTION_WIDTH,
    DUPLICATES,
    STATE_WIDTH,
    clear_state,
    judge_segment,
    opens_new_connection,
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """For each packet, in the order of the file: what its segment was found to be (bits of `tcp_health`), the number
    of its connection (-1 for no TCP segment), and which duplicate of an acknowledgement it is."""

    health: list[int]
    stream: list[int]
    duplicates: list[int]


def judge_capture(capture: Capture) -> Judgement:
    """Judge all segments as Wireshark would, in the order of the file."""
    health = [0] * len(capture.packets)
    stream = [-1] * len(capture.packets)
    duplicates = [0] * len(capture.packets)
    connections: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[int, list[int]]] = {}
    count = 0
    for index, packet in enumerate(capture.packets):
        if packet[PROTOCOL] != TCP or packet[TRANSPORT] < 0 or packet[FRAGMENT]:
            continue
        here = (*packet[SOURCE : SOURCE + 4], packet[SOURCE_PORT])
        there = (*packet[DESTINATION : DESTINATION + 4], packet[DESTINATION_PORT])
        ends, direction = ((here, there), 0) if here <= there else ((there, here), 1)
        known = connections.get(ends)
        reused = known is not None and opens_new_connection(known[1], 0, direction, packet[SEQUENCE], packet[FLAGS])
        if known is None or reused:
            state = [0] * STATE_WIDTH
            clear_state(state, 0)
            known = connections[ends] = (count, state)
            count += 1
        stream[index], state = known
        health[index] = judge_segment(
            state, 0, direction, packet[TIME], packet[SEQUENCE], packet[ACKNOWLEDGEMENT], packet[LENGTH],
            packet[FLAGS], packet[WINDOW], packet[SCALE], int(reused),
        )  # fmt: skip
        duplicates[index] = state[CONNECTION_WIDTH + direction * DIRECTION_WIDTH + DUPLICATES]
    return Judgement(health, stream, duplicates)
