"""Which capture point comes before which on the way of a packet, and how their clocks stand to each other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from attribution.packets.capture import Capture, Packet
from attribution.packets.clocks import ClockRelation, Passage, relate_clocks
from attribution.packets.columns import TIME, TTL
from attribution.packets.matching import Flow, Matches, Sighting

Pair = tuple[int, ...]
"""One direction between two addresses: eight words."""

Shared = Mapping[Pair, Mapping[tuple[int, int], tuple[float, float]]]
"""For each direction and each two captures, of packets that both saw, the medians: by how much the time to live fell,
and how far the second capture's times are ahead."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """The captures' clocks on one scale: `shifts[n]` turns capture n's times into the common time."""

    shifts: tuple[ClockRelation, ...]

    def common(self, capture: int, time_ns: int) -> int:
        return time_ns + self.shifts[capture].at(time_ns)


@dataclass(slots=True)
class Ways:
    """Who comes before whom: for each direction between two addresses, the rank of each capture on the way.

    `passages` are the times at two captures of the packets seen once at both, by direction.
    """

    ranks: dict[Pair, dict[int, int]]
    passages: dict[tuple[int, int], tuple[list[Passage], list[Passage]]]


def group_of(flow: Flow) -> Pair:
    """The direction between two addresses that a flow belongs to."""
    return flow[:8]


def find_ways(captures: Sequence[Capture], matches: Matches) -> Ways:
    """Order the capture points on each direction of traffic: a lower time to live is farther on.

    Points with the same time to live (two ends of one cable, a switch between) are told apart by time: the direction
    in which the second clock reads more ahead is the one in which packets get there later, whatever the offset.
    """
    shared: dict[Pair, dict[tuple[int, int], list[tuple[int, int, int]]]] = defaultdict(lambda: defaultdict(list))
    groups = [shared[group_of(flow)] for flow in matches.flows]
    ordered: dict[Pair, dict[tuple[int, int], list[tuple[int, int, int]]]] = defaultdict(lambda: defaultdict(list))
    repeated: list[tuple[int, list[Sighting]]] = []
    for (flow, _), sightings in matches.keyed.items():
        if len(sightings) < 2:
            continue
        pairs = groups[flow]
        rows = [(capture, captures[capture].packets[index]) for capture, index in sightings]
        if len({capture for capture, _ in rows}) < len(rows):
            repeated.append((flow, sightings))
            continue
        for place, (near, packet) in enumerate(rows):
            time_ns, life = packet[TIME], packet[TTL]
            for far, twin in rows[place + 1 :]:
                pairs[near, far].append((time_ns, twin[TIME], life - twin[TTL]))
    for flow, sightings in repeated:
        if not groups[flow]:
            _pair_in_order(captures, sightings, ordered[group_of(matches.flows[flow])])
    shared.update(ordered)
    decided = find_directions(
        {group: {pair: _medians(found) for pair, found in pairs.items()} for group, pairs in shared.items()}
    )
    passages: dict[tuple[int, int], tuple[list[Passage], list[Passage]]] = defaultdict(lambda: ([], []))
    ranks: dict[Pair, dict[int, int]] = {}
    for group, pairs in shared.items():
        wins: Counter[int] = Counter()
        for (near, far), found in pairs.items():
            forward = decided[group, near, far]
            passages[near, far][0 if forward else 1].extend((first, second) for first, second, _ in found)
            wins[near] += 1 if forward else 0
            wins[far] += 0 if forward else 1
        ranks[group] = {point: -count for point, count in wins.items()}
    return Ways(ranks, dict(passages))


def _pair_in_order(
    captures: Sequence[Capture], sightings: list[Sighting], pairs: dict[tuple[int, int], list[tuple[int, int, int]]]
) -> None:
    """Where all packets of a direction have their like: those that two captures show equally often, one by one."""
    rows: dict[int, list[Packet]] = defaultdict(list)
    for capture, index in sightings:
        rows[capture].append(captures[capture].packets[index])
    for near, far in combinations(sorted(rows), 2):
        if len(rows[near]) == len(rows[far]):
            for packet, twin in zip(sorted(rows[near]), sorted(rows[far]), strict=True):
                pairs[near, far].append((packet[TIME], twin[TIME], packet[TTL] - twin[TTL]))


def _medians(found: Sequence[tuple[int, int, int]]) -> tuple[float, float]:
    return median([fall for _, _, fall in found]), median([second - first for first, second, _ in found])


def find_directions(shared: Shared) -> dict[tuple[Pair, int, int], bool]:
    """Whether traffic of a direction between two addresses goes from the first capture of a pair to the second."""
    decided: dict[tuple[Pair, int, int], bool] = {}
    differences: dict[tuple[int, int], dict[Pair, float]] = defaultdict(dict)
    bounds: dict[tuple[int, int], tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for group, pairs in shared.items():
        for (one, other), (fall, ahead) in pairs.items():
            differences[one, other][group] = ahead
            if fall:
                decided[group, one, other] = fall > 0
                bounds[one, other][0 if fall > 0 else 1].append(ahead)
    for (one, other), groups in differences.items():
        there, back = bounds[one, other]
        for group, ahead in groups.items():
            if (group, one, other) in decided:
                continue
            opposite = groups.get((*group[4:], *group[:4]))
            if opposite is not None and opposite != ahead:
                decided[group, one, other] = ahead > opposite
            elif there and back:
                decided[group, one, other] = ahead > (min(there) + max(back)) / 2
            else:
                rest = [value for other_group, value in groups.items() if other_group != group]
                decided[group, one, other] = ahead > median(rest) if rest else ahead >= 0
    return decided


def common_clocks(captures: Sequence[Capture], ways: Ways) -> Clocks:
    """Hang all clocks on one: the stated ones are true, else the middle one is taken for true."""
    relations: dict[int, dict[int, ClockRelation]] = defaultdict(dict)
    weights: dict[tuple[int, int], int] = {}
    for (one, other), (there, back) in ways.passages.items():
        relation = relate_clocks(there, back)
        if relation is not None:
            relations[other][one] = relation.reversed
            relations[one][other] = relation
            weights[one, other] = weights[other, one] = min(len(there), len(back)) * 1000 + len(there) + len(back)
    shifts: dict[int, ClockRelation] = {}
    for root in range(len(captures)):
        if root in shifts:
            continue
        members = _hang_on(root, relations, weights)
        chosen = _truest(members, captures)
        members = _hang_on(chosen, relations, weights) if chosen != root else members
        shifts.update(members)
    return Clocks(tuple(shifts[number] for number in range(len(captures))))


def _hang_on(
    root: int, relations: dict[int, dict[int, ClockRelation]], weights: dict[tuple[int, int], int]
) -> dict[int, ClockRelation]:
    """Relate every clock that can be reached to the root's, over the relations with the most packets first."""
    members = {root: ClockRelation(0, 0, uncertainty_ns=0)}
    while True:
        candidates = [
            (weights[inner, outer], inner, outer)
            for inner in members
            for outer in relations.get(inner, {})
            if outer not in members
        ]
        if not candidates:
            return members if len(members) > 1 else {root: ClockRelation(0, 0)}
        _, inner, outer = max(candidates)
        step, base = relations[outer][inner], members[inner]
        offset = step.offset_ns + base.at(step.reference_ns + step.offset_ns)
        moved = tuple((moment - step.at(moment), jump) for moment, jump in base.steps)
        members[outer] = ClockRelation(
            step.reference_ns, offset, step.drift + base.drift, _sum(step.uncertainty_ns, base.uncertainty_ns),
            tuple(sorted((*step.steps, *moved))),
        )  # fmt: skip


def _sum(one: int | None, other: int | None) -> int | None:
    """The doubts of two relations, one hung on the other."""
    return None if one is None or other is None else one + other


def _truest(members: dict[int, ClockRelation], captures: Sequence[Capture]) -> int:
    """A clock whose offset was stated is true; else the one in the middle of them all."""
    stated = [number for number in members if captures[number].origin.clock_offset_ns is not None]
    offsets = sorted((members[number].at(captures[number].start_ns), number) for number in stated or members)
    return offsets[len(offsets) // 2][1]
