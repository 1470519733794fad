"""Which lines, rows and packets have to be looked up so that each piece of evidence can be seen."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from attribution.dossier.grounds import Citations, Grounds
from attribution.dossier.losses import group_series
from attribution.model.display_filters import direction_filter, frames_filter, loss_filter, witness_filter
from attribution.model.evidence import Measurement, Method
from attribution.model.incident import EvidenceType
from attribution.model.observation import CounterSample, Metric, Observation, PacketWitness, PairCount, TapCount
from attribution.model.quotation import Quotation
from attribution.model.verdict import WeighedEvidence

MOST_OTHERS = 7
_FRAME = re.compile(r"frame (\d{1,12})")
Place = tuple[str, str]


def plan_quotations(grounds: Grounds) -> tuple[Quotation, ...]:
    """A quotation for each piece of evidence, in the order of the verdict."""
    citations = Citations(grounds.verdict.evidence)
    types = {origin.file: origin.type for origin in grounds.incident.origins}
    captured = _captured(grounds)
    rest = {**_same_series(grounds, citations), **_polled(grounds)}
    planned = []
    for piece in grounds.verdict.evidence:
        if types.get(piece.file) is EvidenceType.CAPTURE:
            planned.append(_of_capture(piece, captured.get((piece.file, piece.locator), ())))
        elif piece.file in types:
            others = rest.get(piece.id, ())
            kept = others[:MOST_OTHERS]
            planned.append(Quotation(piece.id, piece.file, piece.locator, kept, omitted=len(others) - len(kept)))
    return tuple(planned)


def _captured(grounds: Grounds) -> Mapping[Place, tuple[Observation, ...]]:
    found: dict[Place, tuple[Observation, ...]] = {}
    for seen in grounds.observations:
        if isinstance(seen, TapCount | PairCount | PacketWitness):
            place = (seen.origin.file, seen.locator)
            found[place] = (*found.get(place, ()), seen)
    return found


def _same_series(grounds: Grounds, citations: Citations) -> Mapping[str, tuple[str, ...]]:
    """For evidence that sums up a series of counts: the other places that lost packets during the trouble too."""
    found: dict[str, tuple[str, ...]] = {}
    for members in group_series(grounds.findings.measurements):
        if members[0].method not in (Method.PROBES, Method.FLOWS):
            continue
        for member in members:
            piece = citations.of(member)
            if piece is not None and member.lost:
                found[piece.id] = tuple(_others(piece, members, grounds))
    return found


def _polled(grounds: Grounds) -> Mapping[str, tuple[str, ...]]:
    """For evidence from counters: the readings of the same port and metric before and after the cited one."""
    places = {(piece.file, piece.locator): piece.id for piece in grounds.verdict.evidence}
    files = {file for file, _ in places}
    series: dict[tuple[str, str, str | None, Metric], list[CounterSample]] = defaultdict(list)
    for sample in grounds.observations:
        if isinstance(sample, CounterSample) and sample.origin.file in files:
            series[(sample.origin.file, sample.device, sample.interface, sample.metric)].append(sample)
    found: dict[str, tuple[str, ...]] = {}
    for (file, *_), samples in series.items():
        samples.sort(key=lambda sample: sample.time_ns)
        for at, sample in enumerate(samples):
            if (file, sample.locator) in places:
                beside = [*samples[max(0, at - 1) : at], *samples[at + 1 : at + MOST_OTHERS]]
                found[places[(file, sample.locator)]] = tuple(other.locator for other in beside)
    return found


def _others(piece: WeighedEvidence, members: Sequence[Measurement], grounds: Grounds) -> Iterator[str]:
    for other in members:
        during = any(other.interval.overlaps(interval) for interval in grounds.trouble)
        if other.lost and during and other.citation.locator != piece.locator:
            yield other.citation.locator


def _of_capture(piece: WeighedEvidence, seen: Sequence[Observation]) -> Quotation:
    """The frames that the cited count or witness names, and the filter that finds them all."""
    match = _FRAME.fullmatch(piece.locator)
    first = (int(match[1]),) if match is not None else ()
    for observation in seen:
        if isinstance(observation, TapCount | PairCount | PacketWitness) and _is_of(piece, observation):
            frames = tuple(dict.fromkeys((*first, *observation.frames)))
            return Quotation(piece.id, piece.file, piece.locator, (), frames, _filter(observation))
    return Quotation(piece.id, piece.file, piece.locator, (), first, frames_filter(first))


def _is_of(piece: WeighedEvidence, observation: TapCount | PairCount | PacketWitness) -> bool:
    """Counts and witnesses may be cited by the same frame; what they say tells them apart."""
    is_count = " were lost " in piece.statement
    if isinstance(observation, PacketWitness):
        return not is_count
    named = observation.protocol in piece.statement.split(" packets from ", 1)[0].split()
    is_pair = " between " in piece.statement.rsplit(" to ", 1)[-1]
    return is_count and named and isinstance(observation, PairCount) == is_pair


def _filter(observation: TapCount | PairCount | PacketWitness) -> str:
    """By the capture's own clock, without the offset that was stated for it."""
    if isinstance(observation, PairCount):
        if observation.frames:
            return frames_filter(observation.frames)
        return direction_filter(observation.source, observation.destination, observation.protocol)
    offset_ns = observation.origin.clock_offset_ns or 0
    shown = replace(observation, time_ns=observation.time_ns - offset_ns, end_ns=observation.end_ns - offset_ns)
    return loss_filter(shown) if isinstance(shown, TapCount) else witness_filter(shown)
