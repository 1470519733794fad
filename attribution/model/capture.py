"""What packet captures say, in figures that can each be opened: the frames behind it, and the filter that shows them.

`CaptureSummary` is one capture, `ComparisonSummary` several laid over each other. Times are Unix nanoseconds, delays
milliseconds, rates bits per second, ratios between 0 and 1. `frames` are frame numbers as Wireshark counts them, the
first few of those that a figure rests on; `display_filter` is a Wireshark display filter that shows them all.
None means not measured, zero is a reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from attribution.model.observation import Caveat, PacketWitness, TapCount

NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class HealthFigure:
    """How many TCP segments were found to be so (`name` as in Wireshark's tcp.analysis.<name>)."""

    name: str
    count: int
    frames: tuple[int, ...]
    display_filter: str


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """Round-trip times as one capture point sees them: of the path beyond it, in one direction."""

    count: int
    least_ms: float
    mean_ms: float
    most_ms: float


class Limit(StrEnum):
    """What kept a direction of a connection from being faster, most of the time that it sent."""

    SENDER = "sender"  # it had nothing more to send
    RECEIVER = "receiver"  # its window was full
    NETWORK = "network"  # loss, or the sender's own caution in the face of it


class Handshake(StrEnum):
    """How a TCP connection came about, or why it did not (RFC 9293 §3.5)."""

    COMPLETE = "complete"
    REFUSED = "refused"  # the SYN was answered with a reset
    UNANSWERED = "unanswered"
    UNFINISHED = "unfinished"  # the SYN was answered, and the client never came back
    NOT_SEEN = "not seen"  # the connection is older than the capture, or its handshake went another way


@dataclass(frozen=True, slots=True)
class DirectionFigures:
    """One direction of a flow. Times are None and counts zero where nothing went that way.

    Of TCP: `lost_upstream` segments never reached the capture point, `lost_downstream` passed it and did not arrive,
    `unanswered` passed and nothing told what became of them. `acknowledgement_times` run from a data segment to the
    acknowledgement of it, `timestamp_times` from a timestamp to its echo (RFC 7323): both measure the path beyond the
    capture point and back. `limited_by_ratio` is the share of the sending time that each limit held.
    """

    packets: int
    octets: int
    payload_octets: int
    first_ns: int | None
    last_ns: int | None
    health: tuple[tuple[str, int], ...]
    lost_upstream: int | None = None
    lost_downstream: int | None = None
    unanswered: int | None = None
    acknowledgement_times: RoundTrips | None = None
    timestamp_times: RoundTrips | None = None
    limited_by: Limit | None = None
    limited_by_ratio: tuple[tuple[Limit, float], ...] = ()

    @property
    def throughput_bps(self) -> float | None:
        """Payload over the time from the first to the last packet, in bits per second."""
        if self.first_ns is None or self.last_ns is None or self.last_ns <= self.first_ns:
            return None
        return 8 * self.payload_octets * NANOSECONDS / (self.last_ns - self.first_ns)


@dataclass(frozen=True, slots=True)
class Silence:
    """The longest time in which no packet of a flow passed, and the frames before and after it."""

    start_ns: int
    end_ns: int
    frame_before: int
    frame_after: int


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """One flow, `forward` being the direction of its first packet; `stream` numbers TCP as Wireshark's tcp.stream.

    `handshake_ms` runs from the (last) SYN to the acknowledgement that ends the handshake: the whole path, both ways.
    """

    protocol: str
    source: str
    source_port: int | None
    destination: str
    destination_port: int | None
    stream: int | None
    first_frame: int
    forward: DirectionFigures
    backward: DirectionFigures
    display_filter: str
    handshake: Handshake | None = None
    handshake_ms: float | None = None
    silence: Silence | None = None

    @property
    def packets(self) -> int:
        return self.forward.packets + self.backward.packets


@dataclass(frozen=True, slots=True)
class CaptureSummary:
    """A capture at a glance. `flows` are those with the most packets, of `flow_count`.

    `loss` holds what the capture point says of the path on either side of it, direction by direction and time bin by
    time bin; `witnesses` what packets testify beyond their own passing.
    """

    file: str
    format: str
    packets: int
    octets: int
    start_ns: int | None
    end_ns: int | None
    dropped: int
    truncated: bool
    protocols: tuple[tuple[str, int], ...]
    health: tuple[HealthFigure, ...]
    flows: tuple[FlowFigures, ...]
    flow_count: int
    loss: tuple[TapCount, ...]
    witnesses: tuple[PacketWitness, ...]
    caveats: tuple[Caveat, ...]


@dataclass(frozen=True, slots=True)
class StretchBin:
    """One interval of one direction of traffic between two capture points, on their common clock."""

    time_ns: int
    end_ns: int
    sent: int
    lost: int
    duplicated: int
    reordered: int
    delay_median_ms: float | None
    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StretchFlow:
    """What one flow (ports and all, as the first capture shows it) lost between two capture points."""

    source_port: int | None
    destination_port: int | None
    sent: int
    lost: int
    duplicated: int
    reordered: int
    delay_median_ms: float | None
    frames: tuple[int, ...]
    display_filter: str


@dataclass(frozen=True, slots=True)
class StretchFigures:
    """One direction of traffic between two capture points. Delays are as exact as the clocks' relation.

    `first` and `second` are (device, interface), in the direction of travel. Of `sent` packets `lost` never came to the
    second point although it listened; `duplicated` came more than once, `reordered` after one of their flow that was
    sent later; `not_compared` are packets that the second capture cannot speak of: outside its time, beyond its snap
    length, where it dropped packets itself or did not record, or that it missed, for they were answered or seen farther
    on. `frames` are the first of the lost in the first capture's file; `display_filter` shows them there, or all of
    this direction where nothing was lost. `bins` and `flows` (those with the most packets) are the same counts,
    divided. Where very many packets are compared, medians of delay are those of every n-th.
    """

    first: tuple[str, str | None]
    second: tuple[str, str | None]
    first_file: str
    second_file: str
    source: str
    destination: str
    protocol: str
    sent: int
    lost: int
    duplicated: int
    reordered: int
    not_compared: int
    delay_least_ms: float | None
    delay_median_ms: float | None
    delay_most_ms: float | None
    lossy_seconds: int
    frames: tuple[int, ...]
    display_filter: str
    bins: tuple[StretchBin, ...] = ()
    flows: tuple[StretchFlow, ...] = ()

    @property
    def loss_ratio(self) -> float:
        return self.lost / self.sent if self.sent else 0.0


@dataclass(frozen=True, slots=True)
class ClockFigures:
    """What was added to a capture's times to set them right, how it grows, and how far it may be off."""

    file: str
    shift_ms: float
    drift_ppm: float
    uncertainty_ms: float | None


@dataclass(frozen=True, slots=True)
class ComparisonSummary:
    """Captures of several points laid over each other: every stretch between neighbours, and the clocks.

    `matched` is how many packets were known again at another point, of `packets` in all captures together.
    """

    packets: int
    matched: int
    stretches: tuple[StretchFigures, ...]
    clocks: tuple[ClockFigures, ...]
    caveats: tuple[Caveat, ...]
