"""Clocks are wrong until aligned: what both sides saw at once tells how far one side's clock is off the other's.

Captures that saw the same packets tell it to the millisecond, counters of the same packets to a second. Else the two
sides' devices saw the same sessions and links go down and come back, and their probes the same trouble begin and end.
Only clocks whose offset the exporter did not state are in question. Which of the two is right cannot be seen from
inside; the one under which the trouble falls into the reported window is taken, else the provider's. But where
captures of both sides agree with each other, and another one does not, that one's clock is wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from statistics import median, median_low
from typing import Any

from attribution.detectors.happenings import (
    TOLERANCE_NS,
    Happening,
    differences_between,
    find_happenings,
    joined,
    trouble_by_file,
    worst_stretch,
)
from attribution.detectors.loss import Surroundings
from attribution.detectors.passing import ahead_by_counters
from attribution.model.clock import DEVICE_CLOCKS, Alignment, ClockCorrection
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import (
    CaptureCoverage,
    Caveat,
    CounterSample,
    FlowRecord,
    Observation,
    PacketWitness,
    PairCount,
    ProbeResult,
    TapCount,
    TapLoad,
)
from attribution.model.phrase import SIDES, Template, in_a_row
from attribution.model.topology import Side

OFF_EACH_OTHER = Template(
    "the clocks of what the {wrong} supplied are {seconds:+.1f} s off the {reference}'s, "
    "by what both saw; they were set right"
)
STATED_WRONGLY = Template(
    "the clocks of what the {wrong} supplied are {seconds:+.1f} s off the {reference}'s, "
    "by packets that both captured, in spite of the offsets stated; they were set right"
)
BY_REPORT = Template(
    "by no clock did the trouble fall into the reported time, and no clock of a device is known to be right: all that "
    "devices recorded was moved by {seconds:+.1f} s, so that it does"
)
FILES_OFF = Template(
    "the clock of {files}, which the {wrong} supplied, is {seconds:+.1f} s off the other files', "
    "by what both saw; it was set right"
)
# Offsets below these are no more than what packets' delays, or polling and logging, leave open; above the last, no
# clock of the incident's day.
LEAST_BY_PACKETS_NS = NANOSECONDS // 10
LEAST_BY_EVENTS_NS = int(1.2 * NANOSECONDS)
MOST_OFFSET_NS = 900 * NANOSECONDS
# Devices of both sides whose clocks are within this of each other do not agree by chance.
AGREE_NS = int(0.6 * NANOSECONDS)
# Most of a second's packets were lost between two captures: trouble, where its clock is looked for in it.
MOSTLY_LOST = 0.5
# By so much more of the trouble of two files has to fall together if the clock of a single file is to be wrong, and not
# that of all that its side supplied; and where packets tell of the clocks of captures, and so of nothing else.
WHOLE_SIDE, WHOLE_SIDE_BY_PACKETS = 0.5, 0.1
# What is counted again and again, and was handed in because it covers the reported window.
COUNTED = ProbeResult | FlowRecord | CounterSample | TapCount
# How many common events have to agree, in weights: two logged ones, or a logged one and an edge of trouble.
LEAST_AGREEMENT = 1.5


def align_clocks(
    observations: Sequence[Observation], around: Surroundings, window: Interval, added_ns: int = 0
) -> tuple[list[Observation], list[Caveat]]:
    """The observations on one clock, with a caveat for each side, or file, whose clock was set right.

    Mostly one clock serves all that a side supplies. Where that side's other files agree with the rest as they are, the
    clock of those files alone is wrong by which the difference was found. `added_ns` is added to the times of all
    devices then, as they may all be wrong.
    """
    observations, outliers = _outvoted_set_right(observations)
    aligned, between = _sides_on_one_clock(observations, around, window)
    if not added_ns:
        return aligned, [*outliers, *between]
    told = Caveat("incident.yaml", "window", BY_REPORT.fill(seconds=added_ns / NANOSECONDS))
    moved = [_added_to(one, added_ns) if one.origin.type in DEVICE_CLOCKS else one for one in aligned]
    return moved, [*outliers, *between, told]


def _sides_on_one_clock(
    observations: Sequence[Observation], around: Surroundings, window: Interval
) -> tuple[list[Observation], list[Caveat]]:
    offset = customer_ahead_by(observations, around)
    if offset.ahead_ns == 0:
        return _captures_on_one_clock(observations, None, window), []
    reference = right_side(observations, around, window, offset.ahead_ns)
    # What packets on both sides prove outweighs what somebody stated of either side's clocks.
    disproved = len(stated_sides(observations)) == len(Side) and _ahead_by_captures(observations) is not None
    wrong, files = _whose(offset, reference.other, observations, around)
    shift_ns = -offset.ahead_ns if wrong is Side.CUSTOMER else offset.ahead_ns
    aligned = [
        _shifted(o, shift_ns)
        if _clock_in_question(o, wrong, disproved) and (files is None or o.origin.file in files)
        else o
        for o in observations
    ]
    whose = {"wrong": SIDES[wrong], "seconds": -shift_ns / NANOSECONDS}
    if files is not None:
        told = FILES_OFF.fill(files=in_a_row(sorted(files)), **whose)
    else:
        told = (STATED_WRONGLY if disproved else OFF_EACH_OTHER).fill(reference=SIDES[wrong.other], **whose)
    return _captures_on_one_clock(aligned, wrong.other, window), [Caveat("incident.yaml", "evidence", told)]


def _outvoted_set_right(observations: Sequence[Observation]) -> tuple[Sequence[Observation], list[Caveat]]:
    """Captures whose clocks are off those of most devices, of either side, put right by these, each by itself."""
    off_ns = _outvoted_captures(observations)
    if not off_ns:
        return observations, []
    origins = {o.origin.file: o.origin for o in observations if o.origin.file in off_ns}
    caveats = [
        Caveat("incident.yaml", "evidence", told)
        for file, ahead_ns in sorted(off_ns.items())
        if (side := origins[file].supplied_by) is not None
        for told in [FILES_OFF.fill(files=file, wrong=SIDES[side], seconds=ahead_ns / NANOSECONDS)]
    ]
    return [_set_back(o, off_ns[o.origin.file]) if o.origin.file in off_ns else o for o in observations], caveats


def _set_back(observation: Observation, ahead_ns: int) -> Observation:
    if isinstance(observation, PairCount):  # on the captures' common clock already, by that much more
        return replace(observation, clock_shift_ns=observation.clock_shift_ns + ahead_ns)
    return _shifted(observation, -ahead_ns)


def _added_to(observation: Observation, added_ns: int) -> Observation:
    if isinstance(observation, PairCount):
        moved = replace(observation, time_ns=observation.time_ns + added_ns, end_ns=observation.end_ns + added_ns)
        return replace(moved, clock_shift_ns=observation.clock_shift_ns + added_ns)
    return _shifted(observation, added_ns)


def _outvoted_captures(observations: Iterable[Observation]) -> dict[str, int]:
    """By how much the clock of each capture is ahead that most others, of both sides, contradict by packets.

    Empty where no such majority is, or where the offset of one that it contradicts was stated.
    """
    shifts: dict[str, int] = {}
    devices: dict[str, str] = {}
    sides: dict[str, Side] = {}
    stated: set[str] = set()
    for pair in observations:
        if isinstance(pair, PairCount) and pair.origin.supplied_by is not None:
            file = pair.origin.file
            shifts[file], devices[file], sides[file] = pair.clock_shift_ns, pair.first[0], pair.origin.supplied_by
            if pair.origin.clock_offset_ns is not None:
                stated.add(file)
    groups = [{file for file, other in shifts.items() if abs(other - shift) <= AGREE_NS} for shift in shifts.values()]
    agreeing = max(groups, key=lambda group: (len({devices[file] for file in group}), sorted(group)), default=set())
    others = shifts.keys() - agreeing
    of_both = {sides[file] for file in agreeing} == set(Side)
    is_majority = 2 * len({devices[file] for file in agreeing}) > len(set(devices.values()))
    if not (of_both and is_majority) or others & stated:
        return {}
    right = int(median(shifts[file] for file in agreeing))
    return {file: right - shifts[file] for file in others}


@dataclass(frozen=True, slots=True)
class Offset:
    """How far the customer's clocks are ahead of the provider's, in nanoseconds; 0 where nothing tells. `files` are
    those by whose reports of common events it was found, if by such; or all of the devices that captured packets."""

    ahead_ns: int = 0
    files: frozenset[str] = frozenset()
    by_packets: bool = False


def customer_ahead_by(observations: Sequence[Observation], around: Surroundings) -> Offset:
    """By packets that both sides captured, else by those that both counted, else by events that both saw."""
    by_packets = _ahead_by_captures(observations)
    if by_packets is not None:
        if abs(by_packets) < LEAST_BY_PACKETS_NS:
            return Offset()
        return Offset(by_packets, _files_of_capturing(observations), by_packets=True)
    by_counters = ahead_by_counters(observations, around, MOST_OFFSET_NS)
    if by_counters is not None:
        return Offset(by_counters) if abs(by_counters) >= LEAST_BY_EVENTS_NS else Offset()
    seen: dict[Side, list[Happening]] = {side: [] for side in Side}
    for happening in find_happenings(observations, around):
        seen[happening.side].append(happening)
    differences = differences_between(seen[Side.CUSTOMER], seen[Side.PROVIDER])
    ahead_ns = agreed_offset([(difference.ahead_ns, difference.weight) for difference in differences])
    if abs(ahead_ns) < LEAST_BY_EVENTS_NS:
        return Offset()
    agreeing = (d.files for d in differences if abs(d.ahead_ns - ahead_ns) <= TOLERANCE_NS)
    return Offset(ahead_ns, frozenset(file for files in agreeing for file in files))


def _whose(
    offset: Offset, wrong: Side, observations: Sequence[Observation], around: Surroundings
) -> tuple[Side, frozenset[str] | None]:
    """The side whose clock is wrong, and the files that have it if they are not all that the side supplied.

    What was down by one file was lost by another at that time, once the clocks are right: the way to set them right is
    taken under which most of the trouble that files tell of falls together. Packets tell of the captures' clocks alone.
    """
    trouble = dict(trouble_by_file(find_happenings(observations, around, in_question=False)))
    captured = _trouble_between_captures(observations) if offset.by_packets else {}
    of_side = {
        side: frozenset(o.origin.file for o in observations if _clock_in_question(o, side, False)) for side in Side
    }

    def together(side: Side, files: frozenset[str]) -> float:
        shift_ns = -offset.ahead_ns if side is Side.CUSTOMER else offset.ahead_ns
        moved = [[_moved(i, shift_ns * (file in files)) for i in own] for file, own in trouble.items()]
        common = sum(_share_in_common(one, other) for one, other in combinations(moved, 2))
        by_kept_clock = captured.get(side.other, [])
        return common + sum(_share_of_both(one, by_kept_clock) for one in moved)

    bonus = WHOLE_SIDE_BY_PACKETS if offset.by_packets else WHOLE_SIDE
    best: tuple[float, Side, frozenset[str] | None] = (together(wrong, of_side[wrong]) + bonus, wrong, None)
    for side in (wrong, wrong.other):
        alone = offset.files & of_side[side]
        if alone and alone != of_side[side] and together(side, alone) > best[0]:
            best = (together(side, alone), side, alone)
    return best[1:]


def _moved(interval: Interval, by_ns: int) -> Interval:
    return Interval(interval.start_ns + by_ns, interval.end_ns + by_ns)


def _share_in_common(ours: Sequence[Interval], theirs: Sequence[Interval]) -> float:
    """Which share of the shorter trouble lies within the longer one."""
    shorter = min(sum(interval.seconds for interval in of_one) for of_one in (ours, theirs))
    overlaps = (
        min(one.end_ns, other.end_ns) - max(one.start_ns, other.start_ns) for one, other in product(ours, theirs)
    )
    return sum(overlap for overlap in overlaps if overlap > 0) / NANOSECONDS / shorter if shorter else 0.0


def _share_of_both(ours: Sequence[Interval], theirs: Sequence[Interval]) -> float:
    """Which share of all the time in which either was in trouble both were."""
    overlaps = (
        min(one.end_ns, other.end_ns) - max(one.start_ns, other.start_ns) for one, other in product(ours, theirs)
    )
    common = sum(overlap for overlap in overlaps if overlap > 0) / NANOSECONDS
    either = sum(interval.seconds for interval in (*ours, *theirs)) - common
    return common / either if either else 0.0


def _files_of_capturing(observations: Iterable[Observation]) -> frozenset[str]:
    """The captures that share packets, and all other files that are of the devices at which they were taken."""
    devices: set[str] = set()
    captures: set[str] = set()
    of_device: dict[str, str] = {}
    for seen in observations:
        if isinstance(seen, PairCount):
            devices |= {seen.first[0], seen.second[0]}
            captures |= {seen.origin.file, seen.second_file}
        elif seen.origin.device is not None:
            of_device[seen.origin.file] = seen.origin.device
    return frozenset(captures | {file for file, device in of_device.items() if device in devices})


def _trouble_between_captures(observations: Iterable[Observation]) -> dict[Side, list[Interval]]:
    """When packets were lost between captures, by the clocks of each side's captures."""
    counts: dict[tuple[object, ...], list[PairCount]] = defaultdict(list)
    shifts: dict[Side, list[int]] = {side: [] for side in Side}
    for pair in observations:
        if isinstance(pair, PairCount) and pair.origin.supplied_by is not None:
            shifts[pair.origin.supplied_by].append(pair.clock_shift_ns)
            counts[pair.first, pair.second, pair.source, pair.destination, pair.protocol].append(pair)
    stretches = []
    for pairs in counts.values():
        pairs.sort(key=lambda pair: pair.time_ns)
        worst = worst_stretch([(pair.sent, pair.lost) for pair in pairs])
        if worst is not None:
            stretches.append(Interval(pairs[worst[0]].time_ns, pairs[worst[1]].end_ns))
    if not stretches:
        return {}
    whole = joined(stretches)
    return {side: [_moved(i, -int(median(own))) for i in whole] for side, own in shifts.items() if own}


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


def right_side(observations: Sequence[Observation], around: Surroundings, window: Interval, ahead_ns: int) -> Side:
    """Whose clock to keep: one whose offset was stated, else the one that puts the trouble into the window."""
    stated = stated_sides(observations)
    if len(stated) == 1:
        return next(iter(stated))
    edges = [h for h in find_happenings(observations, around) if h.what[0] != "up"]
    wide = window.widened(5.0, 5.0)
    counted = [o for o in observations if isinstance(o, COUNTED) and o.origin.supplied_by is not None]
    lossy = {
        (pair.origin.supplied_by, pair.time_ns - pair.clock_shift_ns)
        for pair in observations
        if isinstance(pair, PairCount) and pair.origin.supplied_by is not None and pair.lost > MOSTLY_LOST * pair.sent
    }

    def inside(reference: Side) -> tuple[int, int]:
        """How much trouble falls into the window; where none tells, how much was measured in it at all."""
        correction = {reference: 0, reference.other: -ahead_ns if reference is Side.PROVIDER else ahead_ns}
        troubled = sum(wide.contains(edge.time_ns + correction[edge.side]) for edge in edges)
        troubled += sum(wide.contains(time_ns + correction[side]) for side, time_ns in lossy)
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


@dataclass(frozen=True, slots=True)
class _Shift:
    """What puts a capture's times onto the captures' common clock; whose it is, and whether its offset was stated."""

    added_ns: int
    supplied_by: Side | None
    is_stated: bool


def _captures_on_one_clock(
    observations: Sequence[Observation], reference: Side | None, window: Interval
) -> list[Observation]:
    """Counts between captures are on the captures' common clock: bring them back onto the reference's own.

    Where captures of the same side disagree, the packets that they share set each of them right.
    """
    shifts = _shifts_of_captures(observations)
    trusted = [shift.added_ns for shift in shifts.values() if reference in (None, shift.supplied_by)]
    if not trusted:
        return list(observations)
    back_ns = -_trusted(trusted, observations, window)
    own: dict[str, int] = {}
    for file, shift in shifts.items():
        alike = [other.added_ns for other in shifts.values() if other.supplied_by is shift.supplied_by]
        usual = -back_ns if reference in (None, shift.supplied_by) else median_low(alike)
        if not shift.is_stated and abs(shift.added_ns - usual) >= LEAST_BY_PACKETS_NS:
            own[file] = shift.added_ns - usual
    return [_put_back(observation, back_ns, own.get(observation.origin.file, 0)) for observation in observations]


def _shifts_of_captures(observations: Iterable[Observation]) -> dict[str, _Shift]:
    pairs: dict[str, list[PairCount]] = defaultdict(list)
    for pair in observations:
        if isinstance(pair, PairCount):
            pairs[pair.origin.file].append(pair)
    return {
        file: _Shift(
            int(median(pair.clock_shift_ns for pair in of_file)),
            of_file[0].origin.supplied_by,
            of_file[0].origin.clock_offset_ns is not None,
        )
        for file, of_file in pairs.items()
    }


def _trusted(shifts: Sequence[int], observations: Iterable[Observation], window: Interval) -> int:
    """Which of the clocks to keep: that of most of the captures, else the one by which most was lost in the window."""
    middle = median_low(shifts)
    if 2 * sum(abs(shift - middle) < LEAST_BY_EVENTS_NS for shift in shifts) > len(shifts):
        return middle
    lossy = [pair for pair in observations if isinstance(pair, PairCount) and pair.lost]
    wide = window.widened(5.0, 5.0)

    def lost_inside(shift: int) -> int:
        return sum(pair.lost for pair in lossy if wide.contains(pair.time_ns - shift))

    return max((middle, *shifts), key=lost_inside)


def _put_back(observation: Observation, back_ns: int, own_ns: int) -> Observation:
    if isinstance(observation, PairCount):
        if abs(back_ns) < LEAST_BY_PACKETS_NS:
            return observation
        return replace(observation, time_ns=observation.time_ns + back_ns, end_ns=observation.end_ns + back_ns)
    return _shifted(observation, own_ns) if own_ns else observation


BY_PACKETS = Template("by packets that passed capture points of both sides")
BY_THE_REPORT = Template("by the time that was reported, and by what both saw")
BY_OTHER_CAPTURES = Template("by packets that passed another capture point too")
BY_COUNTERS = Template("by packets that ports of both sides counted")
BY_EVENTS = Template("by sessions, links and losses that both sides saw begin and end")


def describe_alignment(
    stated: Sequence[Observation], aligned: Sequence[Observation], around: Surroundings, by_report: bool = False
) -> Alignment:
    """What was added to the times of which file, from the same observations before and after; `by_report`: all were
    moved into the reported time."""
    added_ns: dict[str, int] = {}
    sides: dict[Side, dict[str, int]] = {}
    kept: set[Side | None] = set()
    between_ns = 0
    for before, after in zip(stated, aligned, strict=True):
        shift_ns = after.time_ns - before.time_ns
        if not shift_ns:
            if before.origin.clock_offset_ns is None and before.origin.type in DEVICE_CLOCKS:
                kept.add(before.origin.supplied_by)
            continue
        if isinstance(before, PairCount):
            between_ns = shift_ns
            continue
        added_ns[before.origin.file] = shift_ns
        if before.origin.supplied_by is not None:
            sides.setdefault(before.origin.supplied_by, {})[before.origin.file] = shift_ns
    why = (BY_THE_REPORT if by_report else _reason(stated, around) if sides else BY_EVENTS).fill()
    corrections: list[ClockCorrection] = []
    for side, shifts in sorted(sides.items()):
        alike = side not in kept and len(set(shifts.values())) == 1
        sources = {side.value: next(iter(shifts.values()))} if alike else dict(sorted(shifts.items()))
        corrections += (ClockCorrection(source, side, shift_ns, why) for source, shift_ns in sources.items())
    return Alignment(added_ns, between_ns, tuple(corrections))


def _reason(stated: Sequence[Observation], around: Surroundings) -> Template:
    if _ahead_by_captures(stated) is not None:
        return BY_PACKETS
    if customer_ahead_by(stated, around).ahead_ns == 0:
        return BY_OTHER_CAPTURES
    return BY_EVENTS if ahead_by_counters(stated, around, MOST_OFFSET_NS) is None else BY_COUNTERS
