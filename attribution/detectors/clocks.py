"""Clocks are wrong until aligned: what both sides saw at once tells how far one side's clock is off the other's.

Captures that saw the same packets tell it to the millisecond, counters of the same packets to a second. Else the two
sides' devices saw the same sessions and links go down and come back, and their probes the same trouble begin and end.
Only clocks whose offset the exporter did not state are in question. Which of the two is right cannot be seen from
inside; the one under which the trouble falls into the reported window is taken, else the provider's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import log
from statistics import median
from typing import Any

from attribution.detectors.alarms import session_peer
from attribution.detectors.loss import Surroundings
from attribution.detectors.passing import ahead_by_counters
from attribution.model.clock import Alignment, ClockCorrection
from attribution.model.incident import NANOSECONDS, EvidenceType, Interval
from attribution.model.observation import (
    CaptureCoverage,
    Caveat,
    CounterSample,
    FlowRecord,
    LogEvent,
    LogKind,
    Metric,
    Observation,
    PacketWitness,
    PairCount,
    ProbeResult,
    TapCount,
    TapLoad,
)
from attribution.model.phrase import SIDES, Template
from attribution.model.ports import find_link
from attribution.model.topology import Side

# Devices' own clocks. Tickets, bills and API calls are dated by office systems, which are not in question.
DEVICE_CLOCKS = frozenset(
    {
        EvidenceType.CAPTURE,
        EvidenceType.SYSLOG,
        EvidenceType.INTERFACE_COUNTERS,
        EvidenceType.PROBES,
        EvidenceType.PATHS,
        EvidenceType.PROMETHEUS,
        EvidenceType.FLOWS,
    }
)
OFF_EACH_OTHER = Template(
    "the clocks of what the {wrong} supplied are {seconds:+.1f} s off the {reference}'s, "
    "by what both saw; they were set right"
)
STATED_WRONGLY = Template(
    "the clocks of what the {wrong} supplied are {seconds:+.1f} s off the {reference}'s, "
    "by packets that both captured, in spite of the offsets stated; they were set right"
)
# Offsets below these are no more than what packets' delays, or polling and logging, leave open; above the last, no
# clock of the incident's day.
LEAST_BY_PACKETS_NS = NANOSECONDS // 10
LEAST_BY_EVENTS_NS = int(1.2 * NANOSECONDS)
MOST_OFFSET_NS = 900 * NANOSECONDS
# Two reports of one event come within this of each other once the clocks are right.
TOLERANCE_NS = int(1.6 * NANOSECONDS)
# What is counted again and again, and was handed in because it covers the reported window.
COUNTED = ProbeResult | FlowRecord | CounterSample | TapCount
# How many common events have to agree, in weights: two logged ones, or a logged one and an edge of trouble.
LEAST_AGREEMENT = 1.5
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
    """Something that both sides can see: what, between or at which nodes, when by whose clock, and how exactly.

    `series` numbers the counts that saw it, so that an end can be found to its beginning; `way` is what they crossed.
    """

    what: tuple[str, frozenset[str]]
    side: Side
    time_ns: int
    weight: float
    series: int = 0
    way: frozenset[str] = frozenset()


def align_clocks(
    observations: Sequence[Observation], around: Surroundings, window: Interval
) -> tuple[list[Observation], list[Caveat]]:
    """The observations on one clock, with a caveat for each side whose clock was set right."""
    ahead_ns = customer_ahead_by(observations, around)
    if ahead_ns == 0:
        return _captures_on_one_clock(observations, None), []
    reference = right_side(observations, around, window, ahead_ns)
    wrong = reference.other
    shift_ns = -ahead_ns if wrong is Side.CUSTOMER else ahead_ns
    # What packets on both sides prove outweighs what somebody stated of either side's clocks.
    disproved = len(stated_sides(observations)) == len(Side) and _ahead_by_captures(observations) is not None
    aligned = [_shifted(o, shift_ns) if _clock_in_question(o, wrong, disproved) else o for o in observations]
    template = STATED_WRONGLY if disproved else OFF_EACH_OTHER
    told = template.fill(wrong=SIDES[wrong], seconds=-shift_ns / NANOSECONDS, reference=SIDES[reference])
    return _captures_on_one_clock(aligned, reference), [Caveat("incident.yaml", "evidence", told)]


def customer_ahead_by(observations: Sequence[Observation], around: Surroundings) -> int:
    """How far the customer's clocks are ahead of the provider's, in nanoseconds; 0 where nothing tells."""
    by_packets = _ahead_by_captures(observations)
    if by_packets is not None:
        return by_packets if abs(by_packets) >= LEAST_BY_PACKETS_NS else 0
    by_counters = ahead_by_counters(observations, around, MOST_OFFSET_NS)
    if by_counters is not None:
        return by_counters if abs(by_counters) >= LEAST_BY_EVENTS_NS else 0
    seen: dict[Side, dict[tuple[str, frozenset[str]], list[Happening]]] = {side: defaultdict(list) for side in Side}
    for happening in find_happenings(observations, around):
        seen[happening.side][happening.what].append(happening)
    differences = [
        (ours.time_ns - theirs.time_ns, min(ours.weight, theirs.weight))
        for what, mine in seen[Side.CUSTOMER].items()
        if what not in (BEGINS, ENDS)
        for ours in mine
        for theirs in seen[Side.PROVIDER].get(what, ())
    ]
    differences += _same_trouble(seen[Side.CUSTOMER], seen[Side.PROVIDER])
    differences.sort()
    by_events = agreed_offset(differences)
    return by_events if abs(by_events) >= LEAST_BY_EVENTS_NS else 0


def _same_trouble(
    ours: Mapping[tuple[str, frozenset[str]], Sequence[Happening]],
    theirs: Mapping[tuple[str, frozenset[str]], Sequence[Happening]],
) -> Iterator[tuple[int, float]]:
    """Trouble that both sides' counts saw begin and end: what lasted equally long, on ways with a part in common."""
    for begin, end in product(ours.get(BEGINS, ()), ours.get(ENDS, ())):
        if begin.series != end.series:
            continue
        for their_begin, their_end in product(theirs.get(BEGINS, ()), theirs.get(ENDS, ())):
            if their_begin.series != their_end.series or not begin.way & their_begin.way:
                continue
            first, last = begin.time_ns - their_begin.time_ns, end.time_ns - their_end.time_ns
            if abs(first - last) <= TOLERANCE_NS:
                yield first, MEASURED
                yield last, MEASURED


def _ahead_by_captures(observations: Iterable[Observation]) -> int | None:
    """From packets that passed capture points of both sides: the difference of the shifts onto their common clock."""
    shifts: dict[Side, dict[str, int]] = {side: {} for side in Side}
    for pair in observations:
        if isinstance(pair, PairCount) and pair.origin.supplied_by is not None:
            shifts[pair.origin.supplied_by][pair.origin.file] = pair.clock_shift_ns
    if not all(shifts.values()):
        return None
    return int(median(shifts[Side.PROVIDER].values()) - median(shifts[Side.CUSTOMER].values()))


def agreed_offset(differences: Sequence[tuple[int, float]]) -> int:
    """The offset on which most common events agree; 0 where too few do, or as many agree that there is none."""

    def agreement(offset: int) -> float:
        return sum(weight for difference, weight in differences if abs(difference - offset) <= TOLERANCE_NS)

    candidates = [difference for difference, _ in differences if abs(difference) <= MOST_OFFSET_NS]
    if not candidates:
        return 0
    best = max(candidates, key=lambda offset: (agreement(offset), -abs(offset)))
    if agreement(best) < LEAST_AGREEMENT or agreement(best) <= agreement(0):
        return 0
    return int(median(difference for difference, _ in differences if abs(difference - best) <= TOLERANCE_NS))


def find_happenings(observations: Iterable[Observation], around: Surroundings) -> Iterator[Happening]:
    """Sessions and links across the demarcation that change state, and trouble between the service's ends."""
    states: dict[tuple[str, str], tuple[float, CounterSample]] = {}
    counted: dict[tuple[str, str, str, str], list[ProbeResult | FlowRecord]] = defaultdict(list)
    for observation in sorted(observations, key=lambda o: o.time_ns):
        side = observation.origin.supplied_by
        if side is None or observation.origin.clock_offset_ns is not None:
            continue
        if isinstance(observation, LogEvent) and observation.kind in TRANSITIONS:
            yield from _logged(observation, side, around)
        elif isinstance(observation, CounterSample) and observation.metric is Metric.OPER_STATUS:
            yield from _polled(observation, side, states, around)
        elif isinstance(observation, ProbeResult | FlowRecord) and observation.sent > 0:
            key = (observation.origin.file, observation.source, observation.destination, observation.protocol or "")
            counted[key].append(observation)
    for number, results in enumerate(counted.values()):
        yield from _edges_of_trouble(results, number, around)


def _logged(event: LogEvent, side: Side, around: Surroundings) -> Iterator[Happening]:
    what = TRANSITIONS[event.kind]
    if what.startswith("session"):
        other = session_peer(event, around)
    else:
        link = find_link(around.topology, event.device, event.interface or "")
        other = link.far_end(event.device) if link is not None else None
    if other is not None and event.device in around.topology.nodes:
        yield Happening((what, frozenset({event.device, other})), side, event.time_ns, LOGGED)


def _polled(
    sample: CounterSample, side: Side, states: dict[tuple[str, str], tuple[float, CounterSample]], around: Surroundings
) -> Iterator[Happening]:
    key = (sample.device, sample.interface or "")
    known = states.get(key)
    states[key] = (sample.value, sample)
    link = find_link(around.topology, *key) if sample.device in around.topology.nodes else None
    if known is not None and known[0] != sample.value and link is not None:
        middle = (known[1].time_ns + sample.time_ns) // 2
        yield Happening(("up" if sample.value else "down", frozenset(link.ends)), side, middle, MEASURED)


def _edges_of_trouble(
    results: Sequence[ProbeResult | FlowRecord], series: int, around: Surroundings
) -> Iterator[Happening]:
    """When a series of counts began to lose clearly more than usual, and when it was well again."""
    side = results[0].origin.supplied_by
    worst = _worst_stretch([(result.sent, _lost(result)) for result in results])
    if side is None or worst is None:
        return
    first, last = worst
    source, destination = around.book.resolve(results[0].source), around.book.resolve(results[0].destination)
    paths = around.routes.paths(source, destination, results[0].time_ns) if source and destination else ()
    way = frozenset(component for path in paths for component in path)
    if first >= WELL_BEFORE:
        yield Happening(BEGINS, side, results[first].time_ns, MEASURED, series, way)
    if last + 1 < len(results) - WELL_BEFORE:
        yield Happening(ENDS, side, results[last + 1].time_ns, MEASURED, series, way)


def _lost(result: ProbeResult | FlowRecord) -> int:
    return result.sent - result.received if isinstance(result, ProbeResult) else result.lost


def _worst_stretch(counts: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
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


def right_side(observations: Sequence[Observation], around: Surroundings, window: Interval, ahead_ns: int) -> Side:
    """Whose clock to keep: one whose offset was stated, else the one that puts the trouble into the window."""
    stated = stated_sides(observations)
    if len(stated) == 1:
        return next(iter(stated))
    edges = [h for h in find_happenings(observations, around) if h.what[0] != "up"]
    wide = window.widened(5.0, 5.0)
    counted = [o for o in observations if isinstance(o, COUNTED) and o.origin.supplied_by is not None]

    def inside(reference: Side) -> tuple[int, int]:
        """How much trouble falls into the window; where none tells, how much was measured in it at all."""
        correction = {reference: 0, reference.other: -ahead_ns if reference is Side.PROVIDER else ahead_ns}
        troubled = sum(wide.contains(edge.time_ns + correction[edge.side]) for edge in edges)
        measured = sum(
            window.contains(o.time_ns + correction[o.origin.supplied_by]) for o in counted if o.origin.supplied_by
        )
        return troubled, measured

    return max((Side.PROVIDER, Side.CUSTOMER), key=inside)


def stated_sides(observations: Iterable[Observation]) -> set[Side]:
    """The sides of whose clocks, or some of them, somebody stated the offset."""
    return {
        o.origin.supplied_by
        for o in observations
        if o.origin.supplied_by is not None and o.origin.clock_offset_ns is not None
    }


def _clock_in_question(observation: Observation, side: Side, disproved: bool) -> bool:
    """Whether a time is by a clock that is set right; a stated offset is taken as true unless it was disproved."""
    origin = observation.origin
    if isinstance(observation, PairCount):
        return False  # on the captures' common clock already
    in_question = origin.clock_offset_ns is None or disproved
    return origin.supplied_by is side and in_question and origin.type in DEVICE_CLOCKS


def _shifted(observation: Observation, shift_ns: int) -> Observation:
    changes: dict[str, Any] = {"time_ns": observation.time_ns + shift_ns}
    if isinstance(observation, TapCount | TapLoad | PacketWitness | CaptureCoverage):
        changes["end_ns"] = observation.end_ns + shift_ns
    return replace(observation, **changes)


def _captures_on_one_clock(observations: Sequence[Observation], reference: Side | None) -> list[Observation]:
    """Counts between captures are on the captures' common clock: bring them back onto the reference's own."""
    shifts: Mapping[str, list[int]] = defaultdict(list)
    for pair in observations:
        if isinstance(pair, PairCount) and (reference is None or pair.origin.supplied_by is reference):
            shifts[pair.origin.file].append(pair.clock_shift_ns)
    back_ns = -int(median(int(median(values)) for values in shifts.values())) if shifts else 0
    if abs(back_ns) < NANOSECONDS // 10:
        return list(observations)
    return [
        replace(o, time_ns=o.time_ns + back_ns, end_ns=o.end_ns + back_ns) if isinstance(o, PairCount) else o
        for o in observations
    ]


BY_PACKETS = Template("by packets that passed capture points of both sides")
BY_COUNTERS = Template("by packets that ports of both sides counted")
BY_EVENTS = Template("by sessions, links and losses that both sides saw begin and end")


def describe_alignment(
    stated: Sequence[Observation], aligned: Sequence[Observation], around: Surroundings
) -> Alignment:
    """What was added to the times of which file, from the same observations before and after."""
    added_ns: dict[str, int] = {}
    sides: dict[Side, int] = {}
    between_ns = 0
    for before, after in zip(stated, aligned, strict=True):
        shift_ns = after.time_ns - before.time_ns
        if not shift_ns:
            continue
        if isinstance(before, PairCount):
            between_ns = shift_ns
            continue
        added_ns[before.origin.file] = shift_ns
        if before.origin.supplied_by is not None:
            sides[before.origin.supplied_by] = shift_ns
    reason = _reason(stated, around) if sides else BY_EVENTS
    corrections = (ClockCorrection(side, side, shift_ns, reason.fill()) for side, shift_ns in sorted(sides.items()))
    return Alignment(added_ns, between_ns, tuple(corrections))


def _reason(stated: Sequence[Observation], around: Surroundings) -> Template:
    if _ahead_by_captures(stated) is not None:
        return BY_PACKETS
    return BY_EVENTS if ahead_by_counters(stated, around, MOST_OFFSET_NS) is None else BY_COUNTERS
