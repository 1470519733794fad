"""Every TCP segment of a capture judged, and numbered by its connection as Wireshark numbers streams."""

from __future__ import annotations

from dataclasses import dataclass

from attribution.packets.books import judge_packets
from attribution.packets.capture import Capture
from attribution.packets.columns import LAYER_OPTIONS_CUT, LAYERS


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


def judge_capture(capture: Capture) -> Judgement:
    """Judge all segments as Wireshark would, in the order of the file."""
    _, batch = judge_packets(capture)
    return Judgement(batch.health, batch.stream, batch.duplicates)


def shown_by_wireshark(capture: Capture, judgement: Judgement) -> list[int]:
    """The health that Wireshark shows of each packet: none where the snap length cut the segment's options.

    It follows such segments as we do, but gives up on the packet before it says what it found.
    """
    return [
        0 if packet[LAYERS] & LAYER_OPTIONS_CUT else health
        for packet, health in zip(capture.packets, judgement.health, strict=True)
    ]
