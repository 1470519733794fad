"""What several sources can see of one event: sessions and links that change state, and trouble that begins and ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import log

from attribution.detectors.alarms import session_peer
from attribution.detectors.loss import Surroundings, series_of
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import (
    CounterSample,
    DownReason,
    FlowRecord,
    LogEvent,
    LogKind,
    Metric,
    Observation,
    ProbeResult,
)
from attribution.model.ports import find_link
from attribution.model.topology import Side

# Two reports of one event come within this of each other once the clocks are right.
TOLERANCE_NS = int(1.6 * NANOSECONDS)
# What a report of an event weighs: logged, or between two polls or windows.
LOGGED, MEASURED = 1.0, 0.6
# How clearly (nats) a run of windows has to lose more than usual for its edges to be compared, and how many windows
# of peace have to lie beyond an edge.
CLEAR_TROUBLE = 12.0
WELL_BEFORE = 2
USUAL_RATE = 0.004
LOSS_RATES = (0.05, 0.15, 0.4, 0.9)

BEGINS: tuple[str, frozenset[str]] = ("trouble begins", frozenset())
ENDS: tuple[str, frozenset[str]] = ("trouble ends", frozenset())
TRANSITIONS = {
    LogKind.INTERFACE_DOWN: "down",
    LogKind.INTERFACE_ADMIN_DOWN: "down",
    LogKind.INTERFACE_UP: "up",
    LogKind.SESSION_DOWN: "session down",
    LogKind.SESSION_UP: "session up",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that several can see: what, between or at which nodes, when by the clock of which file, how exactly.

    `reporter` is the device that logged it, `reasons` why a session went down, as far as it said. `series` numbers the
    counts that saw it, so that an end can be found to its beginning; `way` is what they crossed.
    """

    what: tuple[str, frozenset[str]]
    side: Side
    file: str
    time_ns: int
    weight: float
    reporter: str = ""
    reasons: frozenset[DownReason] = frozenset()
    series: int = 0
    way: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much the clock of one file is ahead of another's by one event that both saw, and what that weighs."""

    ahead_ns: int
    weight: float
    files: tuple[str, str]


def differences_between(ours: Sequence[Happening], theirs: Sequence[Happening]) -> list[Difference]:
    """How far our clocks are ahead of theirs by each event that may be the same, in order."""
    mine, others = _by_event(ours), _by_event(theirs)
    found = [
        Difference(one.time_ns - other.time_ns, min(one.weight, other.weight), (one.file, other.file))
        for what, reports in mine.items()
        if what not in (BEGINS, ENDS)
        for one, other in product(reports, others.get(what, ()))
        if is_seen_at_once(one, other)
    ]
    found += _same_trouble(mine, others)
    return sorted(found, key=lambda difference: (difference.ahead_ns, difference.weight, difference.files))


def is_seen_at_once(one: Happening, other: Happening) -> bool:
    """Whether two reports that a session is down are of one moment.

    Whoever waited for its hold or dead timer says so as much as minutes after the other end saw the port go (RFC 4271
    §10 proposes 90 s, RFC 2328 §C.3 40 s), and two such timers run out apart. Only an end that heard of it from the
    one whose timer ran out says it then.
    """
    waited = [DownReason.HOLD_TIMER in report.reasons for report in (one, other)]
    if not any(waited):
        return True
    heard = {DownReason.NOTIFICATION_RECEIVED, DownReason.PEER_CLOSED}
    return not all(waited) and bool(heard & (other if waited[0] else one).reasons)


def _by_event(reports: Sequence[Happening]) -> Mapping[tuple[str, frozenset[str]], Sequence[Happening]]:
    found: dict[tuple[str, frozenset[str]], list[Happening]] = defaultdict(list)
    for report in reports:
        found[report.what].append(report)
    return found


def _same_trouble(
    ours: Mapping[tuple[str, frozenset[str]], Sequence[Happening]],
    theirs: Mapping[tuple[str, frozenset[str]], Sequence[Happening]],
) -> Iterator[Difference]:
    """Trouble that the counts of both saw begin and end: what lasted equally long, on ways with a part in common."""
    for begin, end in product(ours.get(BEGINS, ()), ours.get(ENDS, ())):
        if begin.series != end.series:
            continue
        for their_begin, their_end in product(theirs.get(BEGINS, ()), theirs.get(ENDS, ())):
            if their_begin.series != their_end.series or not begin.way & their_begin.way:
                continue
            first, last = begin.time_ns - their_begin.time_ns, end.time_ns - their_end.time_ns
            if abs(first - last) <= TOLERANCE_NS:
                files = (begin.file, their_begin.file)
                yield from (Difference(first, MEASURED, files), Difference(last, MEASURED, files))


def trouble_by_file(reports: Iterable[Happening]) -> Mapping[str, Sequence[Interval]]:
    """When something was down, or lost, by each file that saw it end as well; disjoint, in the order of time."""
    begun: dict[tuple[str, object], int] = {}
    found: dict[str, list[Interval]] = defaultdict(list)
    for report in sorted(reports, key=lambda report: report.time_ns):
        word, between = report.what
        begins = word in (BEGINS[0], "down", "session down")
        kind = report.series if word in (BEGINS[0], ENDS[0]) else (between, word.startswith("session"))
        key = (report.file, kind)
        if begins:
            begun.setdefault(key, report.time_ns)
        elif key in begun and begun[key] < report.time_ns:
            found[report.file].append(Interval(begun.pop(key), report.time_ns))
    return {file: joined(intervals) for file, intervals in found.items()}


def joined(intervals: Iterable[Interval]) -> list[Interval]:
    """Intervals with those that overlap or meet made one, in the order of time."""
    found: list[Interval] = []
    for interval in sorted(intervals, key=lambda interval: interval.start_ns):
        if found and interval.start_ns <= found[-1].end_ns:
            found[-1] = Interval(found[-1].start_ns, max(found[-1].end_ns, interval.end_ns))
        else:
            found.append(interval)
    return found


def find_happenings(
    observations: Iterable[Observation], around: Surroundings, in_question: bool = True
) -> list[Happening]:
    """Sessions and links that change state, and trouble on the service's way, in the order of time.

    By clocks that are `in_question`, because nobody stated their offsets, or by all.
    """
    return list(_once_each(_happenings(observations, around, in_question)))


def _once_each(reports: Iterable[Happening]) -> Iterator[Happening]:
    """Several lines of one device about one event, one after the other, are one report of it; all reasons count."""
    last: dict[tuple[str, str, tuple[str, frozenset[str]]], Happening] = {}
    for report in reports:
        key = (report.file, report.reporter, report.what)
        known = last.get(key)
        if report.series or known is None or report.time_ns - known.time_ns > TOLERANCE_NS:
            if known is not None:
                yield known
            last[key] = report
        else:
            last[key] = replace(known, reasons=known.reasons | report.reasons)
    yield from last.values()


def _happenings(
    observations: Iterable[Observation], around: Surroundings, in_question: bool
) -> Iterator[Happening]:
    states: dict[tuple[str, str], tuple[float, CounterSample]] = {}
    probed: list[ProbeResult] = []
    flows: dict[tuple[str, str, str, str], list[FlowRecord]] = defaultdict(list)
    for observation in sorted(observations, key=lambda o: o.time_ns):
        side = observation.origin.supplied_by
        if side is None or (in_question and observation.origin.clock_offset_ns is not None):
            continue
        if isinstance(observation, LogEvent) and observation.kind in TRANSITIONS:
            yield from _logged(observation, side, around)
        elif isinstance(observation, CounterSample) and observation.metric is Metric.OPER_STATUS:
            yield from _polled(observation, side, states, around)
        elif isinstance(observation, ProbeResult) and observation.sent > 0:
            probed.append(observation)
        elif isinstance(observation, FlowRecord) and observation.sent > 0:
            key = (observation.origin.file, observation.source, observation.destination, observation.protocol or "")
            flows[key].append(observation)
    counted: list[Sequence[ProbeResult | FlowRecord]] = [*series_of(probed).values(), *flows.values()]
    for number, results in enumerate(counted, start=1):
        yield from _edges_of_trouble(results, number, around)


def _logged(event: LogEvent, side: Side, around: Surroundings) -> Iterator[Happening]:
    what = TRANSITIONS[event.kind]
    if what.startswith("session"):
        other = session_peer(event, around)
    else:
        link = find_link(around.topology, event.device, event.interface or "")
        other = link.far_end(event.device) if link is not None else None
    if other is not None and event.device in around.topology.nodes:
        reasons = frozenset({event.reason}) if event.reason is not None else frozenset()
        both = frozenset({event.device, other})
        yield Happening((what, both), side, event.origin.file, event.time_ns, LOGGED, event.device, reasons)


def _polled(
    sample: CounterSample, side: Side, states: dict[tuple[str, str], tuple[float, CounterSample]], around: Surroundings
) -> Iterator[Happening]:
    key = (sample.device, sample.interface or "")
    known = states.get(key)
    states[key] = (sample.value, sample)
    link = find_link(around.topology, *key) if sample.device in around.topology.nodes else None
    if known is not None and known[0] != sample.value and link is not None:
        middle = (known[1].time_ns + sample.time_ns) // 2
        what = ("up" if sample.value else "down", frozenset(link.ends))
        yield Happening(what, side, sample.origin.file, middle, MEASURED, sample.device)


def _edges_of_trouble(
    results: Sequence[ProbeResult | FlowRecord], series: int, around: Surroundings
) -> Iterator[Happening]:
    """When a series of counts began to lose clearly more than usual, and when it was well again."""
    side, file = results[0].origin.supplied_by, results[0].origin.file
    worst = worst_stretch([(result.sent, _lost(result)) for result in results])
    if side is None or worst is None:
        return
    first, last = worst
    source, destination = around.book.resolve(results[0].source), around.book.resolve(results[0].destination)
    paths = around.routes.paths(source, destination, results[0].time_ns) if source and destination else ()
    way = frozenset(component for path in paths for component in path)
    if first >= WELL_BEFORE:
        yield Happening(BEGINS, side, file, results[first].time_ns, MEASURED, series=series, way=way)
    if last + 1 < len(results) - WELL_BEFORE:
        yield Happening(ENDS, side, file, results[last + 1].time_ns, MEASURED, series=series, way=way)


def _lost(result: ProbeResult | FlowRecord) -> int:
    return result.sent - result.received if isinstance(result, ProbeResult) else result.lost


def worst_stretch(counts: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """The run of windows whose losses speak loudest against the usual ratio; None where none does clearly."""
    best, found = CLEAR_TROUBLE, None
    for rate in LOSS_RATES:
        gained, start = 0.0, 0
        for index, (sent, lost) in enumerate(counts):
            if gained <= 0.0:
                gained, start = 0.0, index
            gained += lost * log(rate / USUAL_RATE) + (sent - lost) * log((1 - rate) / (1 - USUAL_RATE))
            if gained > best:
                best, found = gained, (start, index)
    return found
