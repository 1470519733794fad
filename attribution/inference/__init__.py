"""From evidence to a posterior over causes: what may have happened, how surely, and what would settle it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import log10

from attribution.inference.candidates import Candidate, ServicePaths
from attribution.inference.interruption import (
    LEAST_LOSS_RATIO,
    Trouble,
    detect_interruption,
    find_full_loss,
    find_trouble,
    merge_overlapping,
)
from attribution.inference.modes import load_modes
from attribution.inference.naming import Namer
from attribution.inference.phases import follows, split_phases
from attribution.inference.posterior import Assignment, Situation, Solver, solve_incident
from attribution.inference.requests import propose_requests
from attribution.inference.weighing import Piece, number_pieces, weigh_evidence
from attribution.model.evidence import Findings, Journey, Measurement
from attribution.model.incident import NANOSECONDS, Interval, Service
from attribution.model.observation import Caveat
from attribution.model.topology import Side, Topology
from attribution.model.verdict import Cause, CauseKind, Hypothesis, Interruption, Request, WeighedEvidence

# How sure one may be that nothing happened, where the whole reported window was measured end to end and was clean.
CLEAN_IS_NEITHER = 0.985
# How far one party's word against the other is doubted: what it left out may tell the story the other way round.
DOUBT = 0.15


@dataclass(frozen=True, slots=True)
class Inference:
    """Hypotheses with their posterior, best first.

    `weigh` tells what carried one of them against the best that another side would answer for; `request` what else to
    ask for. Both are told which side answers for a cause. `caveats` say which evidence was left out.
    """

    hypotheses: tuple[Hypothesis, ...]
    interruption: Interruption
    weigh: Callable[[int, Callable[[Cause], str]], tuple[WeighedEvidence, ...]]
    request: Callable[[Callable[[Cause], str]], tuple[Request, ...]]
    caveats: tuple[Caveat, ...] = ()


def infer_causes(findings: Findings, topology: Topology, service: Service, window: Interval) -> Inference:
    """The interruption and its possible causes, from evidence alone; the complaint's window only says where to look."""
    paths = ServicePaths(findings.service_paths)
    findings, troubles, caveats = add_flows(findings, paths, topology)
    modes = load_modes()
    situation = Situation(
        topology,
        paths,
        findings.session_paths,
        findings.measurements,
        findings.alarms,
        findings.records,
        findings.coverage,
        modes,
    )
    if not troubles:
        return _nothing_happened(findings, window)
    phases = split_phases(troubles, findings.measurements)
    solver, assignments = solve_incident(situation, phases)
    namer = Namer(topology, paths, findings.alarms, findings.records, findings.coverage, service.bandwidth_bps)
    named = [_hypothesis(assignment, solver, namer) for assignment in assignments]
    hypotheses = tuple(doubt_unsupported(named, sole_supplier(findings, paths), topology))

    def weigh(chosen: int, answers: Callable[[Cause], str]) -> tuple[WeighedEvidence, ...]:
        own = {answers(cause) for cause in hypotheses[chosen].causes if cause.caused_by is None}

        def differs(candidate: Candidate) -> bool:
            return len(own) != 1 or answers(namer.name(candidate, phases[0].span)) not in own

        return weigh_evidence(solver, assignments[chosen], solver.rival(assignments[chosen], differs))

    def request(answers: Callable[[Cause], str]) -> tuple[Request, ...]:
        def party_of(candidate: Candidate | None) -> str:
            return "unknown" if candidate is None else answers(namer.name(candidate, phases[0].span))

        return propose_requests(assignments, situation, party_of)

    intervals = tuple(trouble.interval for trouble in troubles)
    return Inference(
        hypotheses,
        Interruption(True, intervals, full_loss=find_full_loss(findings.measurements, troubles)),
        weigh,
        request,
        caveats,
    )


def add_flows(
    findings: Findings, paths: ServicePaths, topology: Topology
) -> tuple[Findings, tuple[Trouble, ...], tuple[Caveat, ...]]:
    """When there was trouble, and the evidence with what very many flow records say about the service's way.

    During trouble records do not count that crossed something off the way that lost packets too.
    """
    if not findings.flows:
        return findings, _find_troubles(findings), ()
    from attribution.inference.elsewhere import find_spoiled
    from attribution.inference.flows import FlowsOnTheWay

    flows = [FlowsOnTheWay(evidence, paths) for evidence in findings.flows]
    whole = replace(findings, measurements=(*findings.measurements, *(m for f in flows for m in f.measurements())))
    troubles = _find_troubles(whole)
    if not troubles:
        return whole, troubles, ()
    spoiled = find_spoiled(findings.flows, topology, paths, [trouble.interval for trouble in troubles])
    told = [m for flow, rows in zip(flows, spoiled.rows, strict=True) for m in flow.measurements(rows)]
    return replace(findings, measurements=(*findings.measurements, *told)), troubles, spoiled.caveats


def _find_troubles(findings: Findings) -> tuple[Trouble, ...]:
    return detect_interruption(findings.measurements) or _trouble_on_the_way(findings)


def _trouble_on_the_way(findings: Findings) -> tuple[Trouble, ...]:
    """Where nobody measured end to end: trouble on any part of the way that the service cannot have gone around."""
    if any(measurement.end_to_end for measurement in findings.measurements):
        return ()
    unavoidable = frozenset.intersection(*(frozenset(path) for path in findings.service_paths or ((),)))
    series: dict[tuple[Journey, ...], list[Measurement]] = defaultdict(list)
    for measurement in findings.measurements:
        crossed = {c for journey in measurement.journeys for stretch in journey for c in stretch.components}
        if crossed and crossed <= unavoidable:
            series[measurement.journeys].append(measurement)
    return tuple(merge_overlapping(trouble for members in series.values() for trouble in find_trouble(members)))


def _hypothesis(assignment: Assignment, solver: Solver, namer: Namer) -> Hypothesis:
    """The causes of one explanation, in order of onset; each holds from its first phase to the end of its last."""
    spans: dict[Candidate, list[int]] = {}
    for index, choice in enumerate(assignment.choices):
        if choice is not None:
            spans.setdefault(choice, []).append(index)
    named: dict[tuple[str, CauseKind], Cause] = {}
    earlier: list[Candidate] = []
    for choice, indices in spans.items():
        cause = namer.name(choice, solver.span_of(indices))
        root = next((e for e in earlier if not solver.stands_alone(assignment, choice, e)), None)
        if root is not None and follows(solver.phases, indices[0]):
            cause = replace(cause, caused_by=namer.name(root, solver.phases[0].span).component)
        earlier.append(choice)
        known = named.get((cause.component, cause.kind))
        if known is not None:
            start = min(known.interval.start_ns, cause.interval.start_ns)
            whole = Interval(start, max(known.interval.end_ns, cause.interval.end_ns))
            cause = replace(known, interval=whole, facts=known.facts | cause.facts)
        named[(cause.component, cause.kind)] = cause
    causes = sorted(named.values(), key=lambda cause: cause.interval.start_ns)
    return Hypothesis(tuple(causes), assignment.probability, known=bool(causes))


def sole_supplier(findings: Findings, paths: ServicePaths) -> Side | None:
    """The side from which all comes that tells one place on the way from another, if it is one side alone."""
    suppliers = {alarm.citation.origin.supplied_by for alarm in findings.alarms if alarm.reporter in paths}
    suppliers |= {record.citation.origin.supplied_by for record in findings.records if record.component in paths}
    suppliers |= {
        m.citation.origin.supplied_by
        for m in findings.measurements
        if not m.end_to_end and any(s.components[0] in paths for journey in m.journeys for s in journey)
    }
    return suppliers.pop() if len(suppliers) == 1 else None


def doubt_unsupported(
    hypotheses: Sequence[Hypothesis], supplier: Side | None, topology: Topology
) -> Iterator[Hypothesis]:
    """A party's word against the other is doubted while nobody else was asked; what is doubted belongs to no party."""
    doubted = 0.0
    for hypothesis in hypotheses:
        sides = {topology.side_of(cause.component) for cause in hypothesis.causes}
        if supplier is not None and supplier.other in sides:
            doubted += hypothesis.probability * DOUBT
            hypothesis = replace(hypothesis, probability=hypothesis.probability * (1 - DOUBT))
        yield hypothesis
    if doubted > 0:
        yield Hypothesis((), doubted, known=False)


def _nothing_happened(findings: Findings, window: Interval) -> Inference:
    """No interruption in what was measured: as sure as the reported window was measured end to end."""
    clean = [m for m in findings.measurements if m.end_to_end and m.interval.overlaps(window)]
    covered = covered_share(clean, window)
    probability = CLEAN_IS_NEITHER * covered if clean else 0.0
    hypotheses = (Hypothesis((), probability), Hypothesis((), 1.0 - probability, known=False))

    def weigh(_chosen: int, _answers: Callable[[Cause], str]) -> tuple[WeighedEvidence, ...]:
        return number_pieces(_clean_pieces(clean))

    return Inference(hypotheses, Interruption(False), weigh, lambda _answers: ())


def covered_share(measurements: Sequence[Measurement], window: Interval) -> float:
    """Which share of the window's seconds was measured at all."""
    seconds = range(
        window.start_ns // NANOSECONDS, max(window.end_ns // NANOSECONDS, window.start_ns // NANOSECONDS + 1)
    )
    measured = {
        second
        for m in measurements
        for second in range(m.interval.start_ns // NANOSECONDS, -(-m.interval.end_ns // NANOSECONDS))
    }
    return sum(second in measured for second in seconds) / len(seconds)


def _clean_pieces(clean: Sequence[Measurement]) -> list[Piece]:
    """One piece for each series: how much its arrivals speak against the least loss that counts as trouble."""
    series: dict[str, list[Measurement]] = defaultdict(list)
    for measurement in clean:
        series[measurement.series].append(measurement)
    pieces = []
    for members in series.values():
        sent, lost = sum(m.sent for m in members), sum(m.lost for m in members)
        against = -(sent - lost) * log10(1 - LEAST_LOSS_RATIO) + lost * log10(LEAST_LOSS_RATIO)
        statement = f"{lost} of {sent} {members[0].subject} were lost in the reported window"
        pieces.append(Piece(members[0], statement, None, against))
    return pieces
