"""What to ask for next: the evidence that should tell most about the responsible party, by the same posterior."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log2

from attribution.inference.candidates import Candidate, ServicePaths
from attribution.inference.modes import Reach
from attribution.inference.posterior import Assignment, Situation
from attribution.model.incident import EvidenceType
from attribution.model.topology import Side, Topology
from attribution.model.verdict import CauseKind, Request

MOST_REQUESTS = 3
LEAST_GAIN_BITS = 0.02
# How often such evidence shows what it should, and what it should not.
LOG_SPEAKS, LOG_ERRS = 0.75, 0.03
PROBE_SPEAKS, PROBE_ERRS = 0.95, 0.03
TICKET_SPEAKS, TICKET_ERRS = 0.6, 0.03

PartyOf = Callable[[Candidate | None], str]


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Evidence that could still be had, with the chance that it accuses under each candidate."""

    what: str
    from_side: Side
    component: str
    why: str
    accuses: Callable[[Candidate | None], float]


def propose_requests(assignments: Sequence[Assignment], situation: Situation, party_of: PartyOf) -> tuple[Request, ...]:
    """The best few inquiries by expected information about the party, in bits."""
    if not assignments:
        return ()
    shares = [(assignment.choices[0], assignment.probability) for assignment in assignments]
    gains = [(expected_gain(inquiry, shares, party_of), inquiry) for inquiry in possible_inquiries(situation)]
    gains.sort(key=lambda entry: (-entry[0], entry[1].what))
    return tuple(
        Request(inquiry.what, inquiry.from_side, inquiry.component, inquiry.why, round(gain, 3))
        for gain, inquiry in gains[:MOST_REQUESTS]
        if gain >= LEAST_GAIN_BITS
    )


def expected_gain(inquiry: Inquiry, shares: Sequence[tuple[Candidate | None, float]], party_of: PartyOf) -> float:
    """The mutual information between the inquiry's answer and the party."""
    joint: dict[tuple[str, bool], float] = defaultdict(float)
    for candidate, probability in shares:
        accuses = inquiry.accuses(candidate)
        joint[(party_of(candidate), True)] += probability * accuses
        joint[(party_of(candidate), False)] += probability * (1 - accuses)
    return _entropy(_marginal(joint, 0)) + _entropy(_marginal(joint, 1)) - _entropy(joint)


def _marginal(joint: Mapping[tuple[str, bool], float], axis: int) -> dict[object, float]:
    totals: dict[object, float] = defaultdict(float)
    for key, probability in joint.items():
        totals[key[axis]] += probability
    return totals


def _entropy(distribution: Mapping[object, float] | Mapping[tuple[str, bool], float]) -> float:
    return -sum(p * log2(p) for p in distribution.values() if p > 0)


def possible_inquiries(situation: Situation) -> Iterator[Inquiry]:
    """Logs of devices on the way that were not supplied, probes across parts not measured, tickets not exported."""
    topology, paths = situation.topology, situation.paths
    for component in paths.components:
        node = topology.nodes.get(component)
        if node is not None and component not in situation.coverage.logging:
            yield Inquiry(
                f"the log of {component} for the time of the interruption and a minute on either side",
                node.side,
                component,
                f"a failure of {component} or an operation on it would stand there",
                _speaks_of(component, topology),
            )
    measured = {
        frozenset(stretch.components)
        for m in situation.measurements
        if not m.end_to_end
        for journey in m.journeys
        for stretch in journey
    }
    yield from _part_inquiries(topology, paths, measured)
    asked = {record.actor for record in situation.records}
    for side in Side:
        if side not in asked and EvidenceType.CHANGE_RECORDS not in situation.coverage.types:
            first = next((c for c in paths.components if topology.side_of(c) is side), paths.components[0])
            yield Inquiry(
                f"the change tickets of the {side} for the day",
                side,
                first,
                "an operation would have its ticket there",
                _ticketed(side, topology),
            )
    if EvidenceType.ACCOUNT_EVENTS not in situation.coverage.types:
        yield Inquiry(
            "the account's events: invoices due and paid, notices, restrictions",
            Side.PROVIDER,
            next((c for c in paths.components if topology.side_of(c) is Side.PROVIDER), paths.components[0]),
            "a suspension, and its ground, would stand there",
            _enforced,
        )


def _enforced(candidate: Candidate | None) -> float:
    return (
        TICKET_SPEAKS if candidate is not None and candidate.mode.kind is CauseKind.ENFORCEMENT_ACTION else TICKET_ERRS
    )


def _speaks_of(device: str, topology: Topology) -> Callable[[Candidate | None], float]:
    def accuses(candidate: Candidate | None) -> float:
        if candidate is None:
            return 0.2
        near = candidate.link is not None and device in topology.links[candidate.link].ends
        return LOG_SPEAKS if candidate.component == device or near else LOG_ERRS

    return accuses


def _ticketed(side: Side, topology: Topology) -> Callable[[Candidate | None], float]:
    def accuses(candidate: Candidate | None) -> float:
        if candidate is None or candidate.mode.record is None:
            return TICKET_ERRS
        return TICKET_SPEAKS if topology.side_of(candidate.component) is side else TICKET_ERRS

    return accuses


def _part_inquiries(topology: Topology, paths: ServicePaths, measured: set[frozenset[str]]) -> Iterator[Inquiry]:
    """Captures or probes over each run of one side's components along the way, where nobody measured it yet."""
    for path in paths.paths[:1]:
        run: list[str] = []
        for component in (*path, None):
            side = topology.side_of(component) if component is not None else None
            if run and (component is None or side is not topology.side_of(run[0])):
                owner = topology.side_of(run[0])
                covered = any(set(run) <= seen for seen in measured)
                if owner is not None and not covered:
                    yield _part_inquiry(tuple(run), owner)
                run = []
            if component is not None:
                run.append(component)


def _part_inquiry(run: tuple[str, ...], owner: Side) -> Inquiry:
    first, last = run[0], run[-1]
    place = first if first == last else f"{first} and {last}"
    return Inquiry(
        f"captures, interface counters or two-way probes at {place} for the time of the interruption",
        owner,
        first,
        f"they tell whether the packets were lost between {first} and {last}",
        lambda candidate: _lost_within(candidate, run),
    )


def _lost_within(candidate: Candidate | None, run: tuple[str, ...]) -> float:
    if candidate is None:
        return 0.5
    place = candidate.link if candidate.mode.reach in (Reach.LINK, Reach.EGRESS) else candidate.component
    return PROBE_SPEAKS if place in run or candidate.component in run else PROBE_ERRS
