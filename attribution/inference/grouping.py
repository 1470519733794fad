"""What was measured within a phase, added up by what it crossed, so that no witness is counted twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log

from attribution.inference.likelihood import OF_COUNTED, OF_DEVICES, OF_LINKS, OF_PACKETS, OF_WANTED, Noise, log_in_runs
from attribution.inference.phases import Phase
from attribution.model.evidence import Journey, Measurement, Method
from attribution.model.incident import NANOSECONDS, Interval

# What one capture point infers is right more often than not, but late, and blind to what never came back.
ONE_POINT_TRUST = 0.5
# A measurement belongs to a phase if it shares this much with it.
MOSTLY = 0.8
# What is left out at either edge of a phase, unless the phase is short (seconds).
EDGE_S = 0.6
SHORT_S = 5.0
# A group that was measured at the edges of a phase only may have seen what came before or after it: within this many
# seconds, or this share of the phase, of an edge. What it says counts for as much.
NEAR_EDGE_S = 1.8
NEAR_EDGE_SHARE = 0.12
EDGE_TRUST = 0.25
# So many packets that came through a place mean that they could, and were none that had been on their way.
SEEN_OFTEN = 5
# What lost more than this share contradicts what lost less.
MOSTLY_LOST = 0.5
# What counts packets that are known to have been sent.
COUNTED = frozenset({Method.PROBES, Method.FLOWS, Method.TWO_POINTS})


@dataclass(frozen=True, slots=True)
class Group:
    """Measurements of one kind within a phase: the same journeys and the same class of traffic, counts added up."""

    journeys: tuple[Journey, ...]
    of_service: bool
    end_to_end: bool
    traffic: str
    sent: int
    lost: int
    weight: float
    members: tuple[Measurement, ...]
    noise: Noise = OF_PACKETS
    in_runs: float = 0.0
    """How much likelier (nats) the order of its losses is where what was lost comes back than where it is at random."""


def group_measurements(
    measurements: Iterable[Measurement], phase: Phase, others: Sequence[Phase] = (), steady: Container[str] = ()
) -> tuple[Group, ...]:
    """Add up what was measured within a phase, and weigh it by how many others saw the same packets.

    Of m groups that are no independent witnesses, each weighs (1 + ln m) / m. Those that contradict each other are:
    whatever disturbed one class of packets would have disturbed the other. What was measured over `others`, too, is
    one witness for all of these phases: in each it weighs its share of their time. So is a `steady` series.
    """
    gathered: dict[tuple[tuple[Journey, ...], bool, str, Method], list[Measurement]] = defaultdict(list)
    cores = [core_of(interval) for interval in phase.intervals]
    for measurement in measurements:
        if measurement.journeys and any(lies_within(measurement.interval, core) for core in cores):
            key = (measurement.journeys, measurement.of_service, measurement.traffic, measurement.method)
            gathered[key].append(measurement)
    pairs = [journeys for journeys, _, _, method in gathered if method is Method.TWO_POINTS]
    kept = {
        key: members
        for key, members in gathered.items()
        if key[3] is not Method.TWO_POINTS or not is_sum_of_parts(key[0], pairs)
    }
    family_of = {key: _family(key[0], key[1], key[3], members) for key, members in kept.items()}
    families = Counter(family_of.values())
    groups = []
    for key, members in kept.items():
        journeys, of_service, traffic, method = key
        alike = families[family_of[key]]
        trust = ONE_POINT_TRUST if method is Method.ONE_POINT else 1.0
        if not any(_is_central(member.interval, cores) for member in members):
            trust *= EDGE_TRUST
        trust *= _share_of(phase, others, members)
        if all(member.series in steady for member in members):
            trust /= 1 + len(others)
        groups.append(
            Group(
                journeys,
                of_service,
                all(m.end_to_end for m in members),
                traffic,
                sum(m.sent for m in members),
                sum(m.lost for m in members),
                trust * (1 + log(alike)) / alike,
                tuple(members),
                _noise_of(journeys, method),
                _order_of(members) if method in COUNTED else 0.0,
            )
        )
    return tuple(groups)


Passed = tuple[tuple[str, ...], str]
"""Components in the order of travel, and the end of the service for which packets crossed them."""


def ways_captured(groups: Iterable[Group], when: Interval) -> frozenset[Passed]:
    """What the service's packets came through in a time, as they were captured behind it."""
    seen: Counter[Passed] = Counter()
    for member in _of_service(groups, when):
        if member.came_through:
            seen[member.came_through, member.journeys[0][0].bound_for] += member.sent
    return frozenset(entry for entry, count in seen.items() if count >= SEEN_OFTEN)


def ways_arrived(groups: Iterable[Group], when: Interval) -> frozenset[Passed]:
    """What forwarded those of the service's packets in a time that arrived; of candidate ways what all share."""
    arrived: Counter[Passed] = Counter()
    for member in _of_service(groups, when):
        for at, stretch in enumerate(member.journeys[0] if member.method in COUNTED else ()):
            ways = [journey[at].forwarding if len(journey) > at else () for journey in member.journeys]
            shared = tuple(name for name in stretch.forwarding if all(name in way for way in ways))
            arrived[shared, stretch.bound_for] += member.sent - member.lost
    return frozenset(entry for entry, count in arrived.items() if entry[0] and count >= SEEN_OFTEN)


def senders_captured(measurements: Iterable[Measurement], when: Interval) -> frozenset[str]:
    """The nodes whose own packets, the service's or not, were captured on their way in a time."""
    seen: Counter[str] = Counter()
    for member in measurements:
        if member.came_through and when.start_ns <= member.interval.start_ns and member.interval.end_ns <= when.end_ns:
            seen[member.came_through[0]] += member.sent
    return frozenset(node for node, count in seen.items() if count >= SEEN_OFTEN)


def ways_unheeded(measurements: Iterable[Measurement], when: Interval) -> frozenset[str]:
    """What lay before too-big messages, seen in a time, that their receivers never heeded."""
    return frozenset(
        component
        for member in measurements
        if member.counts_too_big and member.lost and member.interval.overlaps(when)
        for journey in member.journeys
        for stretch in journey
        for component in stretch.components
    )


def _of_service(groups: Iterable[Group], when: Interval) -> Iterator[Measurement]:
    """What was measured of the service's own packets within a time."""
    for group in groups:
        for member in group.members if group.of_service else ():
            if when.start_ns <= member.interval.start_ns and member.interval.end_ns <= when.end_ns:
                yield member


def is_sum_of_parts(journeys: tuple[Journey, ...], others: Iterable[tuple[Journey, ...]]) -> bool:
    """Whether capture points in between already split this stretch into parts that were measured by themselves."""
    whole = _crossed(journeys)
    parts = [part for part in (_crossed(other) for other in others) if part < whole]
    return bool(parts) and frozenset.union(*parts) == whole


def _crossed(journeys: tuple[Journey, ...]) -> frozenset[str]:
    return frozenset(c for journey in journeys for stretch in journey for c in stretch.components)


def _family(
    journeys: tuple[Journey, ...], of_service: bool, method: Method, members: Sequence[Measurement]
) -> tuple[object, ...]:
    """What groups have in common that saw the same packets, or the same stretch at the same time, and say the same.

    All that single capture points infer about one conversation rests on the same few retransmissions.
    """
    if method is Method.ONE_POINT:
        first = next(journey for journey in journeys if journey)[0]
        whole = frozenset((*first.components, *first.beyond))
        return (method, of_service, len(whole) if not of_service else 0)
    is_lossy = sum(m.lost for m in members) > MOSTLY_LOST * sum(m.sent for m in members)
    return (of_service, _crossed(journeys), is_lossy)


def core_of(interval: Interval) -> Interval:
    """A stretch of time without its edges, which are known to a probe's spacing only; short ones stay whole."""
    edge = int(EDGE_S * NANOSECONDS)
    if interval.seconds < SHORT_S:
        return interval
    return Interval(interval.start_ns + edge, interval.end_ns - edge)


def lies_within(interval: Interval, phase: Interval) -> bool:
    """Most of the measurement's window is inside the phase; one that straddles an edge would blur both sides."""
    start, end = max(interval.start_ns, phase.start_ns), min(interval.end_ns, phase.end_ns)
    shorter = min(interval.end_ns - interval.start_ns, phase.end_ns - phase.start_ns)
    return end - start > 0 and end - start >= MOSTLY * shorter


def _share_of(phase: Phase, others: Sequence[Phase], members: Sequence[Measurement]) -> float:
    """How much of the time of measurements that lies in any phase lies in this one, by how many packets each saw."""
    start_ns, end_ns = phase.span.start_ns, phase.span.end_ns
    spanning = [m for m in members if m.interval.start_ns < start_ns or m.interval.end_ns > end_ns] if others else []
    weighed = sum(max(1, member.sent) for member in members)
    missing = 0.0
    for member in spanning:
        here, elsewhere = (sum(_shared_ns(member.interval, one) for one in them) for them in ((phase,), others))
        missing += max(1, member.sent) * elsewhere / (here + elsewhere)
    return 1.0 - missing / weighed


def _shared_ns(interval: Interval, phase: Phase) -> int:
    """How long a measurement lay within a phase; nothing if it does not belong to it."""
    cores = [core_of(part) for part in phase.intervals]
    return sum(
        min(interval.end_ns, core.end_ns) - max(interval.start_ns, core.start_ns)
        for core in cores
        if lies_within(interval, core)
    )


def _is_central(interval: Interval, cores: Iterable[Interval]) -> bool:
    """Whether a measurement lies well inside a phase, or in one that is too short to have an inside."""
    middle = (interval.start_ns + interval.end_ns) // 2
    for core in cores:
        edge = int(max(NEAR_EDGE_S, NEAR_EDGE_SHARE * core.seconds) * NANOSECONDS)
        if core.seconds < SHORT_S or core.start_ns + edge <= middle <= core.end_ns - edge:
            return True
    return False


def _order_of(members: Iterable[Measurement]) -> float:
    """What the order tells in which measurements of one kind lost packets."""
    in_time = sorted(members, key=lambda member: (member.interval.start_ns, member.interval.end_ns))
    return log_in_runs([member.lost > 0 for member in in_time])


def _noise_of(journeys: Sequence[Journey], method: Method) -> Noise:
    if method is not Method.COUNTERS:
        return OF_COUNTED if method in COUNTED else OF_PACKETS
    stretches = [stretch for journey in journeys for stretch in journey]
    if any(stretch.of_lost for stretch in stretches):
        return OF_WANTED
    return OF_DEVICES if all(len(stretch.components) == 1 for stretch in stretches) else OF_LINKS


def is_balance(kind: Sequence[Group]) -> bool:
    return any(group.noise in (OF_DEVICES, OF_LINKS, OF_WANTED) for group in kind)


def needs_routes(journeys: Sequence[Journey], plain: Container[str]) -> bool:
    """Whether something has to look up where packets go next; `plain` passes them on without: links and switches."""
    return any(c not in plain for journey in journeys for stretch in journey for c in stretch.forwarding)
