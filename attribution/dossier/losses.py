"""Counted packets over time: series for charts, and the episodes in which packets were lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from attribution.dossier.grounds import Citations, Grounds, point_of
from attribution.dossier.wording import SERVICE_FLOWS
from attribution.model.dossier import Entry, EntryKind, LossSeries
from attribution.model.evidence import Measurement, Method, count_in_words
from attribution.model.flow_evidence import FlowEvidence
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import PairCount
from attribution.model.phrase import Phrase
from attribution.model.verdict import WeighedEvidence

MOST_SERIES = 32
MOST_BINS = 600
# Losses no farther apart than so many usual windows, or so long, are one episode.
WINDOWS_APART = 5
APART_NS = 5 * NANOSECONDS
# Of others' packets so many may be lost without being told.
SLIGHT = 2
CHARTED = frozenset(Method) - {Method.TRACE}

Bin = tuple[int, int, int, int]
"""Start, end, packets sent, packets lost."""
AnyBin = TypeVar("AnyBin")


def group_series(measurements: Iterable[Measurement]) -> list[list[Measurement]]:
    """The measurements that repeat each other over time, in the order of time."""
    series: dict[tuple[object, ...], list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        key: tuple[object, ...] = (measurement.series,)
        if measurement.method is Method.FLOWS:  # many flows take the same way between the same ends
            key = (measurement.citation.origin.file, measurement.subject, measurement.journeys)
        series[key].append(measurement)
    for members in series.values():
        members.sort(key=lambda m: (m.interval.start_ns, m.interval.end_ns, m.citation.locator))
    return list(series.values())


def chart_losses(grounds: Grounds, citations: Citations) -> tuple[LossSeries, ...]:
    """The series worth a chart, the most telling first: cited, of the service from end to end, lossy, on its way."""
    way, causes = grounds.way, grounds.causes
    ranked: list[tuple[tuple[bool, bool, bool, int, str], LossSeries]] = []
    for members in group_series(grounds.findings.measurements):
        first = members[0]
        crossed = frozenset(c for m in members for journey in m.journeys for part in journey for c in part.components)
        if first.method not in CHARTED or not (crossed <= way or crossed & causes):
            continue
        cited = any(citations.of(m) is not None for m in members)
        lost = sum(m.lost for m in members)
        rank = (not cited, not first.end_to_end, not (first.of_service and lost), -lost, first.series)
        ranked.append((rank, _series(members)))
    ranked.sort(key=lambda pair: pair[0])
    charted = [series for _, series in ranked]
    for flows in grounds.findings.flows:
        charted[:0] = _flow_series(flows, grounds)
    return tuple(charted[:MOST_SERIES])


def _series(members: Sequence[Measurement]) -> LossSeries:
    first = members[0]
    bins = merge_bins((m.interval.start_ns, m.interval.end_ns, m.sent, m.lost) for m in members)
    components = next((journey[0].components for journey in first.journeys if journey), ())
    files = first.series.split(":", 1)[0].split("|") if first.method is Method.TWO_POINTS else []
    return _charted(
        first.subject, components, first.method.value, first.traffic, files or [first.citation.origin.file], bins
    )


def _charted(
    name: str, components: tuple[str, ...], method: str, traffic: str, files: Iterable[str], bins: Sequence[Bin]
) -> LossSeries:
    fewer = [(g[0][0], g[-1][1], sum(b[2] for b in g), sum(b[3] for b in g)) for g in group_bins(bins)]
    starts, ends, sent, lost = zip(*fewer, strict=True)
    return LossSeries(name, components, method, traffic, tuple(files), starts, ends, sent, lost)


def merge_bins(bins: Iterable[Bin]) -> list[Bin]:
    """The bins in order of time; those that overlap are added up."""
    merged: list[Bin] = []
    for start, end, sent, lost in sorted(bins):
        if merged and start < merged[-1][1]:
            before = merged[-1]
            merged[-1] = (before[0], max(before[1], end), before[2] + sent, before[3] + lost)
        else:
            merged.append((start, max(end, start + 1), sent, lost))
    return merged


def group_bins(bins: Sequence[AnyBin]) -> Iterator[Sequence[AnyBin]]:
    """Neighbours that become one bin: no more of them than a chart can show."""
    size = max(1, -(-len(bins) // MOST_BINS))
    return (bins[at : at + size] for at in range(0, len(bins), size))


def _flow_series(flows: FlowEvidence, grounds: Grounds) -> Iterator[LossSeries]:
    """The service's own flows where there are too many records to be looked at one by one."""
    rows = [row for row, own in enumerate(flows.of_service) if own]
    if not rows:
        return
    bins = merge_bins((flows.start_ns[row], flows.end_ns[row], flows.sent[row], flows.lost[row]) for row in rows)
    first, second = grounds.incident.service.ends
    name = Phrase(SERVICE_FLOWS, first=first, second=second)
    path = next(iter(grounds.findings.service_paths), ())
    yield _charted(name, path, Method.FLOWS.value, "flow", [flows.table.origin.file], bins)


@dataclass(frozen=True, slots=True)
class _Episode:
    members: tuple[Measurement, ...]
    evidence: WeighedEvidence | None


def tell_losses(grounds: Grounds, citations: Citations) -> Iterator[Entry]:
    """An entry for each episode of loss in a series, and for each series that the verdict cites because it was clean.

    Traceroutes are told as ways; their counts stand here only where they are cited.
    """
    pairs = {(pair.origin.file, pair.locator): pair for pair in grounds.observations if isinstance(pair, PairCount)}
    for members in group_series(grounds.findings.measurements):
        is_trace = members[0].method is Method.TRACE
        for episode in _episodes(members, citations):
            if episode.evidence is not None or not (is_trace or _is_slight(episode)):
                yield _entry(episode, grounds, pairs)
        told: set[str] = set()
        for member in members:
            piece = citations.of(member) if member.lost == 0 else None
            if piece is not None and piece.id not in told:
                told.add(piece.id)
                during = tuple(m for m in members if any(m.interval.overlaps(t) for t in grounds.trouble))
                clean = during if during and not any(m.lost for m in during) else (member,)
                yield _entry(_Episode(clean, piece), grounds, pairs, member)


def _episodes(members: Sequence[Measurement], citations: Citations) -> Iterator[_Episode]:
    """Runs of windows that lose packets, over what was well in between; each with one piece of evidence at most."""
    usual = median(m.interval.end_ns - m.interval.start_ns for m in members)
    apart = max(APART_NS, WINDOWS_APART * usual)
    start = last = -1
    evidence: WeighedEvidence | None = None
    for index, member in enumerate(members):
        if not member.lost:
            continue
        piece = citations.of(member)
        is_far = last >= 0 and member.interval.start_ns - members[last].interval.end_ns > apart
        if start >= 0 and (is_far or (piece is not None and evidence is not None and piece.id != evidence.id)):
            yield _Episode(tuple(members[start : last + 1]), evidence)
            start, evidence = -1, None
        start = index if start < 0 else start
        last, evidence = index, evidence or piece
    if start >= 0:
        yield _Episode(tuple(members[start : last + 1]), evidence)


def _is_slight(episode: _Episode) -> bool:
    """A stray packet or two of somebody else, at a capture point: nothing to tell."""
    first = episode.members[0]
    is_captured = first.method in (Method.ONE_POINT, Method.TWO_POINTS)
    return is_captured and not first.of_service and sum(m.lost for m in episode.members) <= SLIGHT


def _entry(
    episode: _Episode,
    grounds: Grounds,
    pairs: Mapping[tuple[str, str], PairCount],
    cited: Measurement | None = None,
) -> Entry:
    members = episode.members
    worst = cited or max(members, key=lambda m: (m.lost, m.sent, -m.interval.start_ns))
    if episode.evidence is not None:
        place = (episode.evidence.file, episode.evidence.locator, episode.evidence.time_ns)
        same = (m for m in members if (m.citation.origin.file, m.citation.locator, m.interval.start_ns) == place)
        worst = cited or next(same, worst)
    interval = Interval(members[0].interval.start_ns, max(m.interval.end_ns for m in members))
    origin = worst.citation.origin
    pair = pairs.get((origin.file, worst.citation.locator)) if worst.method is Method.TWO_POINTS else None
    component = episode.evidence.component if episode.evidence is not None else None
    # What is cited says what the verdict says, which counts the interruption alone.
    lost, sent = sum(m.lost for m in members), sum(m.sent for m in members)
    counted = count_in_words(worst, lost, sent)
    return Entry(
        interval=interval,
        stated_ns=_stated(interval.start_ns, worst, pair, grounds),
        lane=_lane(worst, pair),
        kind=EntryKind.LOSS,
        component=component,
        side=grounds.side_of(component),
        text=episode.evidence.statement if episode.evidence is not None else counted,
        file=origin.file,
        locator=worst.citation.locator,
        supplied_by=origin.supplied_by,
        evidence=episode.evidence.id if episode.evidence is not None else None,
        count=len({m.interval for m in members}),
    )


def _stated(time_ns: int, measurement: Measurement, pair: PairCount | None, grounds: Grounds) -> int:
    """By the file's own clock; counts between captures had been brought onto the captures' common clock."""
    origin, clocks = measurement.citation.origin, grounds.findings.clocks
    if measurement.method is not Method.TWO_POINTS:
        return clocks.stated(time_ns, origin)
    shift_ns = pair.clock_shift_ns if pair is not None else 0
    return time_ns - clocks.between_ns - shift_ns - (origin.clock_offset_ns or 0)


def _lane(measurement: Measurement, pair: PairCount | None) -> str:
    """The two ends of what was counted, or the capture point."""
    if measurement.method is Method.ONE_POINT:
        return point_of(measurement.citation.origin)
    if pair is not None:
        first, second = (" ".join(part for part in point if part) for point in (pair.first, pair.second))
        return f"{first} → {second}"
    components = next((journey[0].components for journey in measurement.journeys if journey), ())
    if not components:
        return measurement.citation.origin.file
    return f"{components[0]} → {components[-1]}" if len(components) > 1 else components[0]
