"""What simple methods answer from the same evidence: the measure of what a verdict has to be better than.

Each is given what the pipeline's own readers and detectors found (measurements, alarms, ways), clocks aligned, and the
interruption as it was detected: no baseline has to find out by itself that anything happened. Without an interruption
each answers `neither`. An answer is a party, or an abstention, and the component that the method points at: none where
several are as likely, None where the method does not point at components at all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from attribution.model.evaluation import BaselineAnswer, Trial
from attribution.model.evidence import Alarm, Findings, Measurement, Method
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.topology import Side, Topology
from attribution.model.verdict import Party

# A device logs what a probe shows a little later; an alarm farther off is another story.
ALARM_MARGIN_NS = 5 * NANOSECONDS
FARTHEST_ALARM_NS = 300 * NANOSECONDS
# BlameIt: a segment is blamed where at least this share of the paths through it is bad, seen on at least so many.
BAD_SHARE = 0.8
FEWEST_PATHS = 5
# What makes a path bad: the loss that makes an interruption (incident bundle, "Interruption").
BAD_LOSS_RATIO = 0.02
MAJORITY_PARTY = "majority party"


@dataclass(frozen=True, slots=True)
class Scene:
    """What a baseline is given."""

    findings: Findings
    topology: Topology
    interruption: tuple[Interval, ...]

    @property
    def onset_ns(self) -> int:
        return min(interval.start_ns for interval in self.interruption)

    def overlaps(self, interval: Interval) -> bool:
        return any(interval.overlaps(other) for other in self.interruption)

    def party_of(self, component: str) -> Party:
        side = self.topology.side_of(component)
        return Party.UNDETERMINED if side is None else Party(side.value)


Name = TypeVar("Name", str, Party)
Answer = tuple[Party, tuple[str, ...] | None]
ABSTENTION: Answer = (Party.UNDETERMINED, ())


def answer_nearest_alarm(scene: Scene) -> Answer:
    """The alarm that was raised nearest to the onset names the culprit: its component's side answers.

    What an engineer does who opens the alarm list at the minute of the complaint. Alarms more than five minutes off
    are no candidates; several at the same distance that lie on both sides are no answer.
    """
    owned = [alarm for alarm in scene.findings.alarms if scene.party_of(alarm.component) is not Party.UNDETERMINED]
    distances = [abs(alarm.interval.start_ns - scene.onset_ns) for alarm in owned]
    nearest = min(distances, default=FARTHEST_ALARM_NS + 1)
    if nearest > FARTHEST_ALARM_NS:
        return ABSTENTION
    chosen = {alarm.component for alarm, distance in zip(owned, distances, strict=True) if distance == nearest}
    return _agreed(sorted(chosen), scene)


def answer_majority_of_alarms(scene: Scene) -> Answer:
    """The side with more alarms raised within the interruption answers; its most alarmed component is named."""
    alarms = Counter(alarm.component for alarm in scene.findings.alarms if _is_raised_within(alarm, scene))
    sides: Counter[Party] = Counter()
    for component, count in alarms.items():
        sides[scene.party_of(component)] += count
    del sides[Party.UNDETERMINED]
    best = _most(sides)
    if len(best) != 1:
        return ABSTENTION
    own = Counter({component: count for component, count in alarms.items() if scene.party_of(component) is best[0]})
    return best[0], _only(_most(own))


def _is_raised_within(alarm: Alarm, scene: Scene) -> bool:
    time = alarm.interval.start_ns
    return any(part.start_ns - ALARM_MARGIN_NS <= time < part.end_ns for part in scene.interruption)


def answer_007_vote(scene: Scene) -> Answer:
    """Every flow that lost packets votes 1/h for each of the h links of its path; the link with most votes is at fault.

    B. Arzani et al., 007: Democratically finding the cause of packet drops, NSDI 2018, section 4. A flow is what one
    measurement counted, within the interruption; where its path is not known its vote is divided among the candidates.
    A stretch measured between two capture points counts as a flow across it, which the paper's hosts could not see.
    007 names links: the link's two ends count as named too, since a device that fails shows on its links. Links with
    equal votes on both sides are no answer.
    """
    votes: dict[str, float] = defaultdict(float)
    for measurement in scene.findings.measurements:
        if measurement.lost > 0 and scene.overlaps(measurement.interval):
            for path in _link_paths(measurement, scene.topology):
                for link in path:
                    votes[link] += 1 / (len(path) * len(measurement.journeys))
    most = max(votes.values(), default=0.0)
    best = sorted(link for link, vote in votes.items() if vote >= most * (1 - 1e-9))
    party, named = _agreed(best, scene)
    return party, tuple(part for link in named for part in (link, *scene.topology.links[link].ends))


def _link_paths(measurement: Measurement, topology: Topology) -> Iterable[tuple[str, ...]]:
    """The links that each candidate journey crosses, there and back counted once."""
    for journey in measurement.journeys:
        links = dict.fromkeys(c for stretch in journey for c in stretch.components if c in topology.links)
        if links:
            yield tuple(links)


class Segment(StrEnum):
    """The three parts of a way as BlameIt divides it."""

    CLOUD = "cloud"
    MIDDLE = "middle"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class MeasuredPath:
    """One series of measurements during the interruption: what it crosses, and whether it was bad."""

    components: frozenset[str]
    is_bad: bool
    of_client: bool  # it begins or ends at an end of the service that is the customer's


def answer_path_elimination(scene: Scene) -> Answer:
    """Blame the cloud where most paths through one place of it are bad, else the middle likewise, else the client.

    Y. Jin et al., Zooming in on wide-area latencies to a global cloud provider (BlameIt), SIGCOMM 2019, algorithm 1:
    hierarchical elimination by the share of bad paths, 0.8 or more, among those through one cloud location, then among
    those with one middle. Too few paths are the class `insufficient`, and a client that has a good path into the cloud
    all the same is `ambiguous`; both abstain here. The cloud is the provider's own network, each component of it a
    location, which is kinder to the method than one location for all; the middle is what carriers run and the links
    that nobody owns, the client the customer's own network. A path is one series of probes or flows, or of anything
    else where there are no such; it is bad where it lost 2 % or more during the interruption. The method names
    segments, never components.
    """
    paths = _measured_paths(scene)
    for segment in (Segment.CLOUD, Segment.MIDDLE):
        places = _share_of_bad_paths(paths, segment, scene.topology)
        if not places:
            return Party.UNDETERMINED, None
        if blamed := {scene.party_of(place) for place, share in places.items() if share >= BAD_SHARE}:
            blamed -= {Party.UNDETERMINED}
            return (blamed.pop() if len(blamed) == 1 else Party.UNDETERMINED), None
    into_cloud = [path for path in paths if path.of_client and Segment.CLOUD in _segments_of(path, scene.topology)]
    if any(not path.is_bad for path in into_cloud) or not any(path.is_bad for path in paths):
        return Party.UNDETERMINED, None
    return Party.CUSTOMER, None


def _measured_paths(scene: Scene) -> list[MeasuredPath]:
    """One path for each series of probes and flows that was measured during the interruption."""
    during = [m for m in scene.findings.measurements if scene.overlaps(m.interval)]
    counted = [m for m in during if m.method in (Method.PROBES, Method.FLOWS)]
    series: dict[str, list[Measurement]] = defaultdict(list)
    for measurement in counted or during:
        series[measurement.series].append(measurement)
    ends = {path[n] for path in scene.findings.service_paths for n in (0, -1)}
    clients = {end for end in ends if _segment_of(end, scene.topology) is Segment.CLIENT}
    return [_measured_path(members, clients) for members in series.values()]


def _measured_path(members: Sequence[Measurement], clients: Set[str]) -> MeasuredPath:
    stretches = [stretch for m in members for journey in m.journeys for stretch in journey]
    return MeasuredPath(
        frozenset(component for stretch in stretches for component in stretch.components),
        sum(m.lost for m in members) >= BAD_LOSS_RATIO * sum(m.sent for m in members),
        any(stretch.components[n] in clients for stretch in stretches for n in (0, -1)),
    )


def _share_of_bad_paths(paths: Sequence[MeasuredPath], segment: Segment, topology: Topology) -> Mapping[str, float]:
    """For each place of a segment that enough paths cross: which share of them is bad."""
    through: dict[str, list[bool]] = defaultdict(list)
    for path in paths:
        for component in path.components:
            if _segment_of(component, topology) is segment:
                through[component].append(path.is_bad)
    return {place: sum(bad) / len(bad) for place, bad in through.items() if len(bad) >= FEWEST_PATHS}


def _segments_of(path: MeasuredPath, topology: Topology) -> Set[Segment]:
    return {_segment_of(component, topology) for component in path.components}


def _segment_of(component: str, topology: Topology) -> Segment:
    side = topology.side_of(component)
    if side is None or topology.operator_of(component) is not None:
        return Segment.MIDDLE
    return Segment.CLOUD if side is Side.PROVIDER else Segment.CLIENT


BASELINES: Mapping[str, Callable[[Scene], Answer]] = {
    "nearest alarm": answer_nearest_alarm,
    "majority of alarms": answer_majority_of_alarms,
    "007 vote": answer_007_vote,
    "path elimination": answer_path_elimination,
}


def answer_baselines(scene: Scene) -> tuple[BaselineAnswer, ...]:
    """What every baseline says to one incident."""
    answers = []
    for method, answer in BASELINES.items():
        party, components = answer(scene) if scene.interruption else (Party.NEITHER, None)
        answers.append(BaselineAnswer(method, party, components))
    return tuple(answers)


def with_majority_party(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """The trials with one more baseline: always the party that answers most often in this corpus.

    It is given the labels to count, which no method has; it shows how far a corpus' own imbalance goes.
    """
    parties = Counter(trial.truth.party for trial in trials if trial.truth.decidable)
    common = min(_most(parties), default=Party.UNDETERMINED)
    answer = BaselineAnswer(MAJORITY_PARTY, common)
    return tuple(replace(trial, baselines=(*trial.baselines, answer)) for trial in trials)


def _agreed(components: Sequence[str], scene: Scene) -> tuple[Party, tuple[str, ...]]:
    """The components' common party, and the component if it is one; no answer from both sides or from nobody's."""
    parties = {scene.party_of(component) for component in components}
    if len(parties) != 1 or Party.UNDETERMINED in parties:
        return Party.UNDETERMINED, ()
    return parties.pop(), _only(components)


def _only(components: Sequence[str]) -> tuple[str, ...]:
    """A component is named where nothing else is as likely."""
    return tuple(components) if len(components) == 1 else ()


def _most(counts: Counter[Name]) -> list[Name]:
    most = max(counts.values(), default=0)
    return sorted(name for name, count in counts.items() if count == most)
