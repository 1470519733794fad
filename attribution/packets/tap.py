"""What one capture point says of the path before it and the path beyond it, second by second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from attribution.model.observation import TapCount
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import TIME, UDP, WIRE
from attribution.packets.echo import udp_questions
from attribution.packets.flows import address_pair
from attribution.packets.survey import Survey
from attribution.packets.tcp_loss import Loss

BIN_NS: Final = 1_000_000_000
FRAMES_SHOWN: Final = 12
Fate = Literal["upstream", "downstream", "unanswered"]


@dataclass(slots=True)
class _Bin:
    """One second of one direction between two addresses."""

    sent: int = 0
    upstream: int = 0
    downstream: int = 0
    unanswered: int = 0
    octets: int = 0
    largest_lost: int | None = None
    frames: list[int] = field(default_factory=list)
    first_frame: int = 0

    def add(self, loss: Loss, fate: Fate) -> None:
        if fate == "upstream":
            self.upstream += 1
            self.sent += 1  # it never passed, so it was not counted as it passed
        elif fate == "downstream":
            self.downstream += 1
        else:
            self.unanswered += 1
        if loss.wire is not None:
            self.largest_lost = max(self.largest_lost or 0, loss.wire)
        if len(self.frames) < FRAMES_SHOWN:
            self.frames.append(loss.packet + 1)


class _Bins:
    """The seconds of one protocol, by source and destination address."""

    def __init__(self, capture: Capture, protocol: str) -> None:
        self.capture = capture
        self.protocol = protocol
        self.bins: dict[tuple[tuple[int, ...], int], _Bin] = {}
        self.examples: dict[tuple[int, ...], Packet] = {}

    def bin(self, pair: tuple[int, ...], time_ns: int) -> _Bin:
        return self.bins.setdefault((pair, time_ns // BIN_NS), _Bin())

    def passed(self, index: int) -> None:
        packet = self.capture.packets[index]
        pair = address_pair(packet)
        self.examples.setdefault(pair, packet)
        found = self.bin(pair, packet[TIME])
        found.sent += 1
        found.octets += packet[WIRE]
        found.first_frame = found.first_frame or index + 1

    def lost(self, pair: tuple[int, ...], losses: Iterable[Loss], fate: Fate) -> None:
        for loss in losses:
            self.bin(pair, loss.time_ns).add(loss, fate)

    def observations(self) -> Iterator[TapCount]:
        capture = self.capture
        for (pair, second), found in sorted(self.bins.items(), key=lambda item: (item[0][1], item[0][0])):
            packet = self.examples[pair]
            frames = tuple(sorted(set(found.frames)))
            yield TapCount(
                time_ns=second * BIN_NS,
                end_ns=(second + 1) * BIN_NS,
                origin=capture.origin,
                locator=f"frame {frames[0] if frames else found.first_frame}",
                device=capture.device,
                interface=capture.origin.interface,
                source=source_text(packet),
                destination=destination_text(packet),
                protocol=self.protocol,
                sent=found.sent,
                lost_upstream=found.upstream,
                lost_downstream=found.downstream,
                unanswered=found.unanswered,
                octets=found.octets,
                largest_lost=found.largest_lost,
                frames=frames,
            )


def tap_counts(survey: Survey) -> Iterator[TapCount]:
    """TCP segments, echoes and questions: passed, never arrived here, lost beyond, unanswered.

    Of echoes and questions `lost_downstream` counts the unanswered: there and back beyond the capture point.
    """
    capture = survey.capture
    bins = _Bins(capture, "tcp")
    for pair, result in survey.losses:
        for copy in result.passages:
            bins.passed(copy.packet)
        if result.passages:
            bins.lost(pair, result.upstream, "upstream")
            bins.lost(pair, result.downstream, "downstream")
            bins.lost(pair, result.unanswered, "unanswered")
    yield from bins.observations()
    bins = _Bins(capture, "icmp")
    for series in survey.echoes:
        pair = address_pair(series.source_packet)
        settled = series.requests[: len(series.requests) - series.unsettled]
        for index in settled:
            bins.passed(index)
        if settled:
            bins.lost(pair, series.upstream, "upstream")
            bins.lost(pair, series.unanswered, "downstream")
    yield from bins.observations()
    bins = _Bins(capture, "udp")
    for questions in udp_questions(capture, survey.of(UDP)):
        for index in questions.requests[: len(questions.requests) - questions.unsettled]:
            bins.passed(index)
        bins.lost(address_pair(questions.source_packet), questions.unanswered, "downstream")
    yield from bins.observations()
