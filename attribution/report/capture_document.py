"""What captures say, as JSON; rules/schemas/capture-summary.json and capture-comparison.json describe it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from attribution.errors import AttributionError
from attribution.model.capture import (
    CaptureSummary,
    ComparisonSummary,
    DirectionFigures,
    FlowFigures,
    RoundTrips,
    StretchBin,
    StretchFigures,
    StretchFlow,
)
from attribution.model.capture_tables import clock_uncertainty_ms, ratio
from attribution.model.display_filters import loss_filter, witness_filter
from attribution.model.observation import Caveat, PacketWitness, TapCount
from attribution.report.capture_totals import DirectionLoss, direction_losses
from attribution.report.moment import render_time_exactly

SUMMARY_SCHEMA = "attribution/capture-summary/1"
COMPARISON_SCHEMA = "attribution/capture-comparison/1"
Document = dict[str, object]


def render_summaries_json(summaries: Sequence[CaptureSummary], refused: Sequence[AttributionError] = ()) -> str:
    """One object with every capture in it, and the files that are none; ASCII only."""
    document: Document = {
        "schema": SUMMARY_SCHEMA,
        "captures": [summary_document(summary) for summary in summaries],
        "refused": [{"file": error.place, "found": error.found, "expected": error.expected} for error in refused],
    }
    return _dump(document)


def render_comparison_json(summary: ComparisonSummary) -> str:
    """One object with every stretch between neighbouring capture points; ASCII only."""
    return _dump(comparison_document(summary))


def _dump(document: Document) -> str:
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def summary_document(summary: CaptureSummary) -> Document:
    """One capture as plain dictionaries, lists, numbers and text."""
    return {
        "file": summary.file,
        "format": summary.format,
        "packets": summary.packets,
        "octets": summary.octets,
        "start": _time(summary.start_ns),
        "end": _time(summary.end_ns),
        "dropped": summary.dropped,
        "truncated": summary.truncated,
        "protocols": dict(summary.protocols),
        "health": [
            {
                "name": found.name,
                "count": found.count,
                "frames": list(found.frames),
                "display_filter": found.display_filter,
            }
            for found in summary.health
        ],
        "witnesses": [_witness(witness) for witness in summary.witnesses],
        "loss": [_loss(total) for total in direction_losses(summary)],
        "flow_count": summary.flow_count,
        "flows": [_flow(flow) for flow in summary.flows],
        "caveats": _caveats(summary.caveats),
    }


def _witness(witness: PacketWitness) -> Document:
    return {
        "kind": witness.kind.value,
        "start": _time(witness.time_ns),
        "end": _time(witness.end_ns),
        "sender": witness.sender,
        "about": witness.about,
        "code": witness.code,
        "count": witness.count,
        "detail": witness.detail,
        "frames": list(witness.frames),
        "display_filter": witness_filter(witness),
    }


def _loss(total: DirectionLoss) -> Document:
    return {
        "source": total.source,
        "destination": total.destination,
        "protocol": total.protocol,
        "sent": total.sent,
        "lost_upstream": total.lost_upstream,
        "lost_downstream": total.lost_downstream,
        "unanswered": total.unanswered,
        "upstream_ratio": total.upstream_ratio,
        "downstream_ratio": total.downstream_ratio,
        "frames": list(total.frames),
        "display_filter": total.display_filter,
        "bins": [_loss_bin(count) for count in total.bins],
    }


def _loss_bin(count: TapCount) -> Document:
    return {
        "start": _time(count.time_ns),
        "end": _time(count.end_ns),
        "sent": count.sent,
        "lost_upstream": count.lost_upstream,
        "lost_downstream": count.lost_downstream,
        "unanswered": count.unanswered,
        "octets": count.octets,
        "largest_lost": count.largest_lost,
        "frames": list(count.frames),
        "display_filter": loss_filter(count),
    }


def _flow(flow: FlowFigures) -> Document:
    silence = flow.silence
    return {
        "protocol": flow.protocol,
        "source": flow.source,
        "source_port": flow.source_port,
        "destination": flow.destination,
        "destination_port": flow.destination_port,
        "stream": flow.stream,
        "first_frame": flow.first_frame,
        "packets": flow.packets,
        "handshake": None if flow.handshake is None else flow.handshake.value,
        "handshake_ms": flow.handshake_ms,
        "silence": None
        if silence is None
        else {
            "start": _time(silence.start_ns),
            "end": _time(silence.end_ns),
            "frame_before": silence.frame_before,
            "frame_after": silence.frame_after,
        },
        "forward": _direction(flow.forward),
        "backward": _direction(flow.backward),
        "display_filter": flow.display_filter,
    }


def _direction(side: DirectionFigures) -> Document:
    return {
        "packets": side.packets,
        "octets": side.octets,
        "payload_octets": side.payload_octets,
        "first": _time(side.first_ns),
        "last": _time(side.last_ns),
        "throughput_bps": side.throughput_bps,
        "health": dict(side.health),
        "lost_upstream": side.lost_upstream,
        "lost_downstream": side.lost_downstream,
        "unanswered": side.unanswered,
        "acknowledgement_times": _round_trips(side.acknowledgement_times),
        "timestamp_times": _round_trips(side.timestamp_times),
        "limited_by": None if side.limited_by is None else side.limited_by.value,
        "limited_by_ratio": {limit.value: share for limit, share in side.limited_by_ratio},
    }


def _round_trips(times: RoundTrips | None) -> Document | None:
    if times is None:
        return None
    return {"count": times.count, "least_ms": times.least_ms, "mean_ms": times.mean_ms, "most_ms": times.most_ms}


def comparison_document(summary: ComparisonSummary) -> Document:
    """Several captures laid over each other, as plain dictionaries, lists, numbers and text."""
    return {
        "schema": COMPARISON_SCHEMA,
        "packets": summary.packets,
        "matched": summary.matched,
        "clocks": [
            {
                "file": clock.file,
                "shift_ms": clock.shift_ms,
                "drift_ppm": clock.drift_ppm,
                "uncertainty_ms": clock.uncertainty_ms,
            }
            for clock in summary.clocks
        ],
        "stretches": [_stretch(summary, found) for found in summary.stretches],
        "caveats": _caveats(summary.caveats),
    }


def _stretch(summary: ComparisonSummary, found: StretchFigures) -> Document:
    return {
        "first": _point(*found.first, found.first_file),
        "second": _point(*found.second, found.second_file),
        "source": found.source,
        "destination": found.destination,
        "protocol": found.protocol,
        **_counts(found),
        "not_compared": found.not_compared,
        "delay_least_ms": found.delay_least_ms,
        "delay_median_ms": found.delay_median_ms,
        "delay_most_ms": found.delay_most_ms,
        "clock_uncertainty_ms": clock_uncertainty_ms(summary, found),
        "lossy_seconds": found.lossy_seconds,
        "frames": list(found.frames),
        "display_filter": found.display_filter,
        "bins": [
            {"start": _time(part.time_ns), "end": _time(part.end_ns), **_counts(part), **_delay(part)}
            for part in found.bins
        ],
        "flows": [
            {
                "source_port": flow.source_port,
                "destination_port": flow.destination_port,
                **_counts(flow),
                **_delay(flow),
                "display_filter": flow.display_filter,
            }
            for flow in found.flows
        ],
    }


def _counts(found: StretchFigures | StretchBin | StretchFlow) -> Document:
    return {
        "sent": found.sent,
        "lost": found.lost,
        "loss_ratio": ratio(found.lost, found.sent),
        "duplicated": found.duplicated,
        "reordered": found.reordered,
    }


def _delay(found: StretchBin | StretchFlow) -> Document:
    return {"delay_median_ms": found.delay_median_ms, "frames": list(found.frames)}


def _point(device: str, interface: str | None, file: str) -> Document:
    return {"point": device, "interface": interface, "file": file}


def _caveats(caveats: Sequence[Caveat]) -> list[Document]:
    return [
        {"file": caveat.file, "locator": caveat.locator, "reason": caveat.reason, "count": caveat.count}
        for caveat in caveats
    ]


def _time(time_ns: int | None) -> str | None:
    return None if time_ns is None else render_time_exactly(time_ns)
