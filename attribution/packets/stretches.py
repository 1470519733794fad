"""Several captures compared, in figures for a reader: loss, reordering and delay of each stretch between two points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from attribution.model.capture import ClockFigures, ComparisonSummary, StretchFigures
from attribution.model.observation import PairCount
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import Capture
from attribution.packets.comparison import NAMES, Comparison

FRAMES_SHOWN: Final = 16


Key = tuple[int, int, str, str, str]


def summarise_comparison(captures: Sequence[Capture]) -> ComparisonSummary:
    """Lay captures of several points over each other and put every stretch between neighbours into figures."""
    comparison = Comparison(captures)
    counted: dict[Key, list[PairCount]] = {}
    numbers = {(capture.point, capture.origin.file): number for number, capture in enumerate(captures)}
    for pair in comparison.counts():
        first, second = numbers[pair.first, pair.origin.file], numbers[pair.second, pair.second_file]
        counted.setdefault((first, second, pair.source, pair.destination, pair.protocol), []).append(pair)
    delays, reordered = _delays(comparison)
    stretches = [
        _stretch(captures, key, found, delays.get(key, []), reordered.get(key, 0)) for key, found in counted.items()
    ]
    clocks = [
        ClockFigures(
            capture.origin.file,
            relation.at(capture.start_ns) / 1e6,
            relation.drift * 1e6,
            None if relation.uncertainty_ns is None else relation.uncertainty_ns / 1e6,
        )
        for capture, relation in zip(captures, comparison.clocks.shifts, strict=True)
    ]
    return ComparisonSummary(
        packets=sum(len(capture.packets) for capture in captures),
        matched=sum(
            len(instance.stops)
            for instances in comparison.flows.values()
            for instance in instances
            if len(instance.stops) > 1
        ),
        stretches=tuple(stretches),
        clocks=tuple(clocks),
        caveats=tuple(comparison.caveats()),
    )


def _delays(comparison: Comparison) -> tuple[dict[Key, list[int]], dict[Key, int]]:
    """How long each matched packet took, and how many arrived after one of their flow that was sent later."""
    delays: dict[Key, list[int]] = {}
    reordered: dict[Key, int] = {}
    for flow, instances in comparison.flows.items():
        latest: dict[tuple[int, int], int] = {}
        for instance in instances:
            for place, (here, there) in enumerate(pairwise(instance.stops)):
                packet = instance.packet
                protocol = NAMES.get(flow[8], str(flow[8]))
                key = (here.capture, there.capture, source_text(packet), destination_text(packet), protocol)
                arrived = instance.times[place + 1]
                delays.setdefault(key, []).append(arrived - instance.times[place])
                if arrived < latest.get((here.capture, there.capture), arrived):
                    reordered[key] = reordered.get(key, 0) + 1
                latest[here.capture, there.capture] = max(arrived, latest.get((here.capture, there.capture), arrived))
    return delays, reordered


def _stretch(
    captures: Sequence[Capture], key: Key, found: list[PairCount], delays: list[int], reordered: int
) -> StretchFigures:
    first, second, source, destination, protocol = key
    frames = sorted(frame for pair in found for frame in pair.frames)
    version = 6 if ":" in source else 4
    ends = f"{'ipv6' if version == 6 else 'ip'}.src=={source} && {'ipv6' if version == 6 else 'ip'}.dst=={destination}"
    shown = f"frame.number in {{{','.join(str(frame) for frame in frames)}}}" if frames else f"{ends} && {protocol}"
    return StretchFigures(
        first=captures[first].point,
        second=captures[second].point,
        first_file=captures[first].origin.file,
        second_file=captures[second].origin.file,
        source=source,
        destination=destination,
        protocol=protocol,
        sent=sum(pair.sent for pair in found),
        lost=sum(pair.lost for pair in found),
        duplicated=0,
        reordered=reordered,
        not_compared=0,
        delay_least_ms=min(delays) / 1e6 if delays else None,
        delay_median_ms=median(delays) / 1e6 if delays else None,
        delay_most_ms=max(delays) / 1e6 if delays else None,
        lossy_seconds=sum(1 for pair in found if pair.lost),
        frames=tuple(frames[:FRAMES_SHOWN]),
        display_filter=shown,
    )
