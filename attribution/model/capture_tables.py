"""The figures of captures as flat tables: one row, one finding; the same columns in CSV, NDJSON and pandas.

`None` is not measured, zero is a reading. Every row says which frames it rests on or which filter shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from attribution.model.capture import (
    CaptureSummary,
    ComparisonSummary,
    DirectionFigures,
    FlowFigures,
    Limit,
    RoundTrips,
    StretchFigures,
)
from attribution.model.display_filters import frames_filter, loss_filter, witness_filter
from attribution.model.observation import Caveat

Value = str | int | float | tuple[int, ...] | None

HEALTH_COLUMNS = (
    "retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order", "duplicate_ack",
    "lost_segment", "ack_lost_segment", "zero_window", "zero_window_probe", "zero_window_probe_ack", "window_full",
    "window_update", "keep_alive", "keep_alive_ack", "reused_ports",
)  # fmt: skip
"""Wireshark's names of what a TCP segment was found to be (tcp.analysis.<name>)."""


class ValueKind(StrEnum):
    """What a column holds, so that each output can write it in its own way."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIME = "time"  # nanoseconds since the Unix epoch
    FRAMES = "frames"


@dataclass(frozen=True, slots=True)
class FlatTable:
    """Rows of one kind of record; `columns` are (name, kind)."""

    record: str
    columns: tuple[tuple[str, ValueKind], ...]
    rows: tuple[tuple[Value, ...], ...]


def _columns(text: str) -> tuple[tuple[str, ValueKind], ...]:
    """Columns from `name:kind` words; a word without a kind is text."""
    pairs = (word.partition(":") for word in text.split())
    return tuple((name, ValueKind(kind or "text")) for name, _, kind in pairs)


_CAPTURE = _columns(
    "file format packets:integer octets:integer start:time end:time dropped:integer truncated:boolean "
    "flow_count:integer"
)
_PROTOCOL = _columns("file protocol packets:integer")
_HEALTH = _columns("file name count:integer frames:frames display_filter")
_WITNESS = _columns("file time:time end:time kind sender about code count:integer detail frames:frames display_filter")
_LOSS = _columns(
    "file time:time end:time source destination protocol sent:integer lost_upstream:integer lost_downstream:integer "
    "unanswered:integer octets:integer largest_lost:integer frames:frames display_filter"
)
_CAVEAT = _columns("file locator reason count:integer")
_FLOW = _columns(
    "file flow:integer stream:integer direction protocol source source_port:integer destination "
    "destination_port:integer packets:integer octets:integer payload_octets:integer first:time last:time "
    f"throughput_bps:number {' '.join(f'{name}:integer' for name in HEALTH_COLUMNS)} "
    "lost_upstream:integer lost_downstream:integer unanswered:integer "
    "acknowledgement_count:integer acknowledgement_least_ms:number acknowledgement_mean_ms:number "
    "acknowledgement_most_ms:number timestamp_count:integer timestamp_least_ms:number timestamp_mean_ms:number "
    "timestamp_most_ms:number limited_by limited_by_sender_ratio:number limited_by_receiver_ratio:number "
    "limited_by_network_ratio:number handshake handshake_ms:number silence_start:time silence_end:time "
    "silence_frames:frames first_frame:integer display_filter"
)
_STRETCH_ENDS = "first first_interface second second_interface first_file second_file source destination protocol"
_STRETCH = _columns(
    f"{_STRETCH_ENDS} sent:integer lost:integer loss_ratio:number duplicated:integer reordered:integer "
    "not_compared:integer delay_least_ms:number delay_median_ms:number delay_most_ms:number "
    "clock_uncertainty_ms:number lossy_seconds:integer frames:frames display_filter"
)
_BIN = _columns(
    f"{_STRETCH_ENDS} time:time end:time sent:integer lost:integer loss_ratio:number duplicated:integer "
    "reordered:integer delay_median_ms:number frames:frames display_filter"
)
_STRETCH_FLOW = _columns(
    f"{_STRETCH_ENDS} source_port:integer destination_port:integer sent:integer lost:integer loss_ratio:number "
    "duplicated:integer reordered:integer delay_median_ms:number frames:frames display_filter"
)
_CLOCK = _columns("file shift_ms:number drift_ppm:number uncertainty_ms:number")
_COMPARISON = _columns("packets:integer matched:integer stretches:integer")


def capture_table(summary: CaptureSummary) -> FlatTable:
    """One row: the capture itself. `octets` as they were on the network, `dropped` by the capture itself."""
    row = (
        summary.file, summary.format, summary.packets, summary.octets, summary.start_ns, summary.end_ns,
        summary.dropped, summary.truncated, summary.flow_count,
    )  # fmt: skip
    return FlatTable("capture", _CAPTURE, (row,))


def protocol_table(summary: CaptureSummary) -> FlatTable:
    """One row for each protocol."""
    return FlatTable("protocol", _PROTOCOL, tuple((summary.file, *pair) for pair in summary.protocols))


def health_table(summary: CaptureSummary) -> FlatTable:
    """One row for each kind of TCP segment that Wireshark's analysis has a name for."""
    rows = ((summary.file, found.name, found.count, found.frames, found.display_filter) for found in summary.health)
    return FlatTable("health", _HEALTH, tuple(rows))


def witness_table(summary: CaptureSummary) -> FlatTable:
    """One row for each witness: ICMP errors, failed handshakes, closed sessions and the like."""
    rows = (
        (
            summary.file, seen.time_ns, seen.end_ns, seen.kind.value, seen.sender, seen.about, seen.code, seen.count,
            seen.detail, seen.frames, witness_filter(seen),
        )
        for seen in summary.witnesses
    )  # fmt: skip
    return FlatTable("witness", _WITNESS, tuple(rows))


def loss_table(summary: CaptureSummary) -> FlatTable:
    """One row for each direction between two addresses and each time bin: loss on either side of the capture point."""
    rows = (
        (
            summary.file, count.time_ns, count.end_ns, count.source, count.destination, count.protocol, count.sent,
            count.lost_upstream, count.lost_downstream, count.unanswered, count.octets, count.largest_lost,
            count.frames, loss_filter(count),
        )
        for count in summary.loss
    )  # fmt: skip
    return FlatTable("loss", _LOSS, tuple(rows))


def caveat_table(caveats: Iterable[Caveat]) -> FlatTable:
    """One row for each thing that is missing or less sure than it looks."""
    rows = ((caveat.file, caveat.locator, caveat.reason, caveat.count) for caveat in caveats)
    return FlatTable("caveat", _CAVEAT, tuple(rows))


def flow_table(summary: CaptureSummary) -> FlatTable:
    """Two rows for each flow, one for each direction; what concerns the whole flow stands in both."""
    rows = (
        row
        for number, flow in enumerate(summary.flows, 1)
        for row in (_flow_row(summary.file, number, flow, True), _flow_row(summary.file, number, flow, False))
    )
    return FlatTable("flow", _FLOW, tuple(rows))


def _flow_row(file: str, number: int, flow: FlowFigures, is_forward: bool) -> tuple[Value, ...]:
    side = flow.forward if is_forward else flow.backward
    ends = ((flow.source, flow.source_port), (flow.destination, flow.destination_port))
    here, there = ends if is_forward else ends[::-1]
    health = dict(side.health)
    silence = flow.silence
    return (
        file, number, flow.stream, "forward" if is_forward else "backward", flow.protocol, *here, *there,
        side.packets, side.octets, side.payload_octets, side.first_ns, side.last_ns, side.throughput_bps,
        *(health.get(name, 0) if flow.protocol == "tcp" else None for name in HEALTH_COLUMNS),
        side.lost_upstream, side.lost_downstream, side.unanswered,
        *_times(side.acknowledgement_times), *_times(side.timestamp_times),
        None if side.limited_by is None else side.limited_by.value, *_limits(side),
        None if flow.handshake is None else flow.handshake.value, flow.handshake_ms,
        None if silence is None else silence.start_ns, None if silence is None else silence.end_ns,
        () if silence is None else (silence.frame_before, silence.frame_after),
        flow.first_frame, flow.display_filter,
    )  # fmt: skip


def _times(times: RoundTrips | None) -> tuple[Value, ...]:
    return (None,) * 4 if times is None else (times.count, times.least_ms, times.mean_ms, times.most_ms)


def _limits(side: DirectionFigures) -> tuple[Value, ...]:
    """The share of each limit; one that is not named held for no time, unless none was measured at all."""
    ratios = dict(side.limited_by_ratio)
    return tuple(ratios.get(limit, 0.0) if ratios else None for limit in Limit)


def comparison_table(summary: ComparisonSummary) -> FlatTable:
    """One row: how much of the captures was known again at another point."""
    return FlatTable("comparison", _COMPARISON, ((summary.packets, summary.matched, len(summary.stretches)),))


def stretch_table(summary: ComparisonSummary) -> FlatTable:
    """One row for each stretch between neighbouring points, direction between two addresses, and protocol."""
    rows = (
        (
            *_ends(found), found.sent, found.lost, found.loss_ratio, found.duplicated, found.reordered,
            found.not_compared, found.delay_least_ms, found.delay_median_ms, found.delay_most_ms,
            clock_uncertainty_ms(summary, found), found.lossy_seconds, found.frames, found.display_filter,
        )
        for found in summary.stretches
    )  # fmt: skip
    return FlatTable("stretch", _STRETCH, tuple(rows))


def bin_table(summary: ComparisonSummary) -> FlatTable:
    """One row for each time bin of each stretch."""
    rows = (
        (
            *_ends(found), part.time_ns, part.end_ns, part.sent, part.lost, ratio(part.lost, part.sent),
            part.duplicated, part.reordered, part.delay_median_ms, part.frames, frames_filter(part.frames),
        )
        for found in summary.stretches
        for part in found.bins
    )  # fmt: skip
    return FlatTable("bin", _BIN, tuple(rows))


def stretch_flow_table(summary: ComparisonSummary) -> FlatTable:
    """One row for each flow of each stretch."""
    rows = (
        (
            *_ends(found), flow.source_port, flow.destination_port, flow.sent, flow.lost, ratio(flow.lost, flow.sent),
            flow.duplicated, flow.reordered, flow.delay_median_ms, flow.frames, flow.display_filter,
        )
        for found in summary.stretches
        for flow in found.flows
    )  # fmt: skip
    return FlatTable("stretch_flow", _STRETCH_FLOW, tuple(rows))


def clock_table(summary: ComparisonSummary) -> FlatTable:
    """One row for each capture: how its clock was set right."""
    rows = ((found.file, found.shift_ms, found.drift_ppm, found.uncertainty_ms) for found in summary.clocks)
    return FlatTable("clock", _CLOCK, tuple(rows))


def _ends(found: StretchFigures) -> tuple[Value, ...]:
    return (
        *found.first, *found.second, found.first_file, found.second_file,
        found.source, found.destination, found.protocol,
    )  # fmt: skip


def clock_uncertainty_ms(summary: ComparisonSummary, found: StretchFigures) -> float | None:
    """How far a delay may be off because the two clocks are; None where nothing is known of either."""
    doubts = [
        clock.uncertainty_ms
        for clock in summary.clocks
        if clock.file in (found.first_file, found.second_file) and clock.uncertainty_ms is not None
    ]
    return sum(doubts) if doubts else None


def ratio(part: int, whole: int) -> float | None:
    """None of nothing is not measured."""
    return part / whole if whole else None


SUMMARY_TABLES: Mapping[str, Callable[[CaptureSummary], FlatTable]] = {
    "flows": flow_table,
    "health": health_table,
    "witnesses": witness_table,
    "loss": loss_table,
    "protocols": protocol_table,
}
COMPARISON_TABLES: Mapping[str, Callable[[ComparisonSummary], FlatTable]] = {
    "stretches": stretch_table,
    "bins": bin_table,
    "flows": stretch_flow_table,
    "clocks": clock_table,
}


def summary_tables(summary: CaptureSummary) -> Iterator[FlatTable]:
    """Everything that a summary holds, the capture itself first."""
    yield capture_table(summary)
    yield from (protocol_table(summary), health_table(summary), witness_table(summary), loss_table(summary))
    yield flow_table(summary)
    yield caveat_table(summary.caveats)


def comparison_tables(summary: ComparisonSummary) -> Iterator[FlatTable]:
    """Everything that a comparison holds, the comparison itself first."""
    yield comparison_table(summary)
    yield from (table(summary) for table in (clock_table, stretch_table, bin_table, stretch_flow_table))
    yield caveat_table(summary.caveats)
