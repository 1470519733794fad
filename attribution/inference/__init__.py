"""From evidence to a posterior over causes: what may have happened, how surely, and what would settle it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp

from attribution.inference.candidates import KEPT_BACK, Candidate, ServicePaths
from attribution.inference.cut_off import note_another_time, told_beside, told_troubles
from attribution.inference.doubt import (
    DOUBT_OF_COUNTS,
    DOUBT_OF_WORD,
    NOT_STATED,
    accuse_nobody,
    believe_alarms,
    counts_of_parts,
    doubt_the_line,
    doubt_unsupported,
    is_doubted,
    sole_supplier,
    telling_suppliers,
)
from attribution.inference.fits import Situation
from attribution.inference.holes import disregard_holes
from attribution.inference.interruption import find_full_loss, note_reports
from attribution.inference.leaving_out import leave_out
from attribution.inference.likelihood import add_logs
from attribution.inference.modes import load_modes
from attribution.inference.naming import Namer
from attribution.inference.notes import note_papers
from attribution.inference.pauses import find_steady_losses
from attribution.inference.phases import follows, split_phases
from attribution.inference.posterior import FAR_BEHIND, TEMPER, Assignment, Solver, place_unnamed, solve_incident
from attribution.inference.reports import is_of_strangers
from attribution.inference.requests import ask_whether_it_happened, propose_requests
from attribution.inference.search import add_flows
from attribution.inference.trouble import merge_overlapping
from attribution.inference.uneventful import find_peace
from attribution.inference.weighing import number_pieces, weigh_evidence
from attribution.inference.worlds import (
    World,
    doubting_worlds,
    hidden_calls,
    shares_of,
    split_by_offer,
    worlds_of_calls,
)
from attribution.model.evidence import Alarm, AlarmKind, Findings
from attribution.model.incident import Interval, Service
from attribution.model.observation import Caveat
from attribution.model.topology import Side, Topology
from attribution.model.verdict import Cause, CauseKind, Hypothesis, Interruption, Request, WeighedEvidence

__all__ = ["Inference", "infer_causes", "leave_out", "note_papers"]


@dataclass(frozen=True, slots=True)
class Inference:
    """Hypotheses with their posterior, best first.

    `weigh` tells what carried one of them against the best that another side would answer for; `request` what else to
    ask for; `oppose` the best explanation that one side would answer for, and what carried the other against it. All
    are told which side answers for a cause. `caveats` say which evidence was left out.
    """

    hypotheses: tuple[Hypothesis, ...]
    interruption: Interruption
    weigh: Callable[[int, Callable[[Cause], str]], tuple[WeighedEvidence, ...]]
    request: Callable[[Callable[[Cause], str]], tuple[Request, ...]]
    oppose: Callable[[int, Side, Callable[[Cause], str]], tuple[Hypothesis, tuple[WeighedEvidence, ...]] | None]
    caveats: tuple[Caveat, ...] = ()


def infer_causes(findings: Findings, topology: Topology, service: Service, window: Interval) -> Inference:
    """The interruption and its possible causes, from evidence alone; the complaint's window only says where to look."""
    paths = ServicePaths(findings.service_paths)
    own = tuple(alarm for alarm in findings.alarms if not is_of_strangers(alarm, paths))
    findings = replace(findings, alarms=own)
    findings, troubles, caveats = add_flows(findings, paths, topology)
    told = () if troubles else told_troubles(findings, topology, paths, service.ends, window)
    beside = told_beside(findings, topology, paths, service.ends, window, troubles) if troubles else ()
    troubles = tuple(merge_overlapping([*troubles, *beside])) or told
    if not troubles:
        return _nothing_happened(findings, topology, service, window)
    findings, missing = disregard_holes(findings, troubles)
    caveats = (*caveats, *note_reports(findings.measurements, troubles), *note_another_time(told, window), *missing)
    situation = Situation(
        topology,
        paths,
        findings.session_paths,
        findings.measurements,
        findings.alarms,
        findings.records,
        findings.coverage,
        load_modes(),
        find_steady_losses(findings.measurements, troubles),
    )
    phases = split_phases(troubles, findings.measurements)
    solver, solved = solve_incident(situation, phases)
    assignments = place_unnamed(solver, solved)
    namer = Namer(topology, paths, findings.alarms, findings.records, findings.coverage, service.bandwidth_bps)
    named = [_hypothesis(assignment, solver, namer) for assignment in assignments]
    counted = next(counts_of_parts(findings, paths), None) is not None
    doubt = DOUBT_OF_COUNTS if counted else DOUBT_OF_WORD
    hidden = list(hidden_calls(solver, assignments[0])) if assignments else []
    share = KEPT_BACK if findings.coverage.is_word_of(Side.CUSTOMER) else 1.0
    paired, rests_on = _with_hidden_calls(
        *_with_companions(named, assignments, solver, namer), hidden, share, solver, namer
    )
    *shares, unnamed = doubt_the_line(paired, topology)
    ranked = sorted(zip(shares, rests_on, strict=True), key=lambda pair: -pair[0].probability)
    rests_on = [assignment for _, assignment in ranked]
    lines = [*(hypothesis for hypothesis, _ in ranked), unnamed]
    doubted = unnamed.probability
    if doubted >= WORTH_A_NOTE and service.bandwidth_bps is None:
        caveats = (*caveats, NOT_STATED)
    hypotheses = tuple(doubt_unsupported(lines, sole_supplier(findings, paths), topology, doubt))
    if not telling_suppliers(findings, paths):
        hypotheses = tuple(accuse_nobody(hypotheses))
    if told:
        hypotheses = tuple(believe_alarms(hypotheses))

    def weigh(chosen: int, answers: Callable[[Cause], str]) -> tuple[WeighedEvidence, ...]:
        own = {answers(cause) for cause in hypotheses[chosen].causes if cause.caused_by is None}

        def differs(candidate: Candidate) -> bool:
            return len(own) != 1 or answers(namer.name(candidate, phases[0].span)) not in own

        return weigh_evidence(solver, rests_on[chosen], solver.rival(rests_on[chosen], differs))

    def oppose(
        chosen: int, side: Side, answers: Callable[[Cause], str]
    ) -> tuple[Hypothesis, tuple[WeighedEvidence, ...]] | None:
        def answered(candidate: Candidate) -> bool:
            return answers(namer.name(candidate, phases[0].span)) == side.value

        rival = solver.rival(rests_on[chosen], answered)
        if rival is None:
            return None
        return _hypothesis(rival, solver, namer), weigh_evidence(solver, rests_on[chosen], rival)

    def request(answers: Callable[[Cause], str]) -> tuple[Request, ...]:
        explained = list(zip(assignments, named, strict=True))
        overall = Interval(troubles[0].interval.start_ns, max(trouble.interval.end_ns for trouble in troubles))
        supplier = sole_supplier(findings, paths)
        worlds = _worlds(explained, hidden, solver, supplier, doubt, answers, _offers(findings, service, solver))
        return propose_requests(worlds, solver, overall)

    intervals = tuple(trouble.interval for trouble in troubles)
    return Inference(
        hypotheses,
        Interruption(True, intervals, full_loss=find_full_loss(findings.measurements, troubles)),
        weigh,
        request,
        oppose,
        caveats,
    )


# A doubt that is less than this share of the whole is not worth a note.
WORTH_A_NOTE = 0.05
# Explanations this far (nats, after tempering) behind the best that names its causes are not worth a second one.
NEAR_THE_BEST = 3.0
MOST_PAIRED = 3


def _with_companions(
    named: Sequence[Hypothesis], assignments: Sequence[Assignment], solver: Solver, namer: Namer
) -> tuple[list[Hypothesis], list[Assignment]]:
    """The hypotheses, and behind them those of two faults at once; all their probabilities add up to 1 again.

    Beside them the assignment that each rests on: of two faults at once, the one that explains more.
    """
    scores = [assignment.score for assignment in assignments]
    pairs: list[tuple[Hypothesis, float, Assignment]] = []
    # A cause that nobody can name may do better than any single one just because there were two.
    single = [(h, a) for h, a in zip(named, assignments, strict=True) if None not in a.choices][:MOST_PAIRED]
    for _, assignment in single:
        if assignment.score < single[0][1].score - NEAR_THE_BEST:
            break
        for companion in solver.companions(assignment):
            first = _hypothesis(replace(assignment, choices=companion.beside), solver, namer)
            causes = (*first.causes, namer.name(companion.candidate, companion.span))
            ordered = tuple(sorted(causes, key=lambda cause: cause.interval.start_ns))
            pairs.append((Hypothesis(ordered, 0.0), TEMPER * companion.score, assignment))
    if not pairs:
        return list(named), list(assignments)
    total = add_logs(*scores, *(score for _, score, _ in pairs))
    kept = [replace(h, probability=exp(score - total)) for h, score in zip(named, scores, strict=True)]
    likely = [(replace(h, probability=exp(s - total)), a) for h, s, a in pairs if s > total - FAR_BEHIND]
    both = sorted([*zip(kept, assignments, strict=True), *likely], key=lambda pair: -pair[0].probability)
    return [hypothesis for hypothesis, _ in both], [assignment for _, assignment in both]


def _with_hidden_calls(
    hypotheses: Sequence[Hypothesis],
    rests_on: Sequence[Assignment],
    hidden: Sequence[Assignment],
    share: float,
    solver: Solver,
    namer: Namer,
) -> tuple[list[Hypothesis], list[Assignment]]:
    """The hypotheses and what they rest on, with so much of the calls that nobody could see among them."""
    calls = [(replace(_hypothesis(call, solver, namer), probability=call.probability * share), call) for call in hidden]
    whole = 1.0 + sum(hypothesis.probability for hypothesis, _ in calls)
    ranked = sorted([*zip(hypotheses, rests_on, strict=True), *calls], key=lambda pair: -pair[0].probability)
    return [replace(h, probability=h.probability / whole) for h, _ in ranked], [assignment for _, assignment in ranked]


def _worlds(
    explained: Sequence[tuple[Assignment, Hypothesis]],
    hidden: Sequence[Assignment],
    solver: Solver,
    supplier: Side | None,
    doubt: float,
    answers: Callable[[Cause], str],
    offers: Mapping[bool, Namer],
) -> Iterator[World]:
    """The explanations, and the calls that nobody could see, as a question may tell them apart; with the doubt in a
    party's unsupported word."""
    topology, doubted = solver.situation.topology, 0.0

    def answering(choice: Candidate, exceeded: bool) -> str:
        return answers(offers[exceeded].name(choice, solver.phases[0].span))

    for assignment, hypothesis in explained:
        probability = assignment.probability
        if is_doubted(hypothesis, supplier, topology):
            doubted += probability * doubt
            probability *= 1 - doubt
        parties = shares_of(answers(cause) for cause in hypothesis.causes if cause.caused_by is None)
        yield from split_by_offer(World(assignment.choices, probability, parties), answering)
    if doubted > 0 and supplier is not None:
        yield from doubting_worlds(solver, supplier, topology, doubted)
    yield from worlds_of_calls(hidden)


def _offers(findings: Findings, service: Service, solver: Solver) -> dict[bool, Namer]:
    """Namers that know whether more was offered than was bought, and that it was counted; both the same where nothing
    could tell, because nobody knows what was bought."""
    situation, span = solver.situation, solver.phases[0].span
    links = situation.topology.links
    ends = {end for name in situation.paths.components if name in links for end in links[name].ends}
    counted = replace(findings.coverage, counted=findings.coverage.counted | ends)
    namers = {}
    for exceeded in (True, False):
        alarms = list(findings.alarms)
        if exceeded and service.bandwidth_bps is not None and findings.measurements:
            told = findings.measurements[0].citation
            node = service.ends[0]
            alarms.append(Alarm(span, node, node, AlarmKind.BANDWIDTH_EXCEEDED, told, ""))
        coverage = counted if service.bandwidth_bps is not None else findings.coverage
        namers[exceeded] = Namer(
            situation.topology, situation.paths, alarms, findings.records, coverage, service.bandwidth_bps
        )
    return namers


def _hypothesis(assignment: Assignment, solver: Solver, namer: Namer) -> Hypothesis:
    """The causes of one explanation, in order of onset; each holds from its first phase to the end of its last, but for
    those that another has in between."""
    spans: dict[Candidate, list[int]] = {}
    for index, choice in enumerate(assignment.choices):
        if choice is not None:
            spans.setdefault(choice, []).append(index)
    named: dict[tuple[str, CauseKind], Cause] = {}
    earlier: list[Candidate] = []
    for choice, indices in spans.items():
        cause = namer.name(choice, solver.span_of(indices))
        cause = replace(cause, spells=_spells(indices, solver) or cause.spells)
        root = next((e for e in earlier if not solver.stands_alone(assignment, choice, e)), None)
        if root is not None and follows(solver.phases, indices[0]):
            cause = replace(cause, caused_by=namer.name(root, solver.phases[0].span).component)
        earlier.append(choice)
        known = named.get((cause.component, cause.kind))
        if known is not None:
            start = min(known.interval.start_ns, cause.interval.start_ns)
            whole = Interval(start, max(known.interval.end_ns, cause.interval.end_ns))
            spells = tuple(sorted((*known.held, *cause.held), key=lambda spell: spell.start_ns))
            cause = replace(known, interval=whole, facts=known.facts | cause.facts, spells=spells)
        named[(cause.component, cause.kind)] = cause
    causes = sorted(named.values(), key=lambda cause: cause.interval.start_ns)
    return Hypothesis(tuple(causes), assignment.probability, known=bool(causes))


def _spells(indices: Sequence[int], solver: Solver) -> tuple[Interval, ...]:
    """When a cause was at work that has these phases, where others have some in between; nothing where it has all."""
    begins = [at for at, index in enumerate(indices) if at == 0 or indices[at - 1] != index - 1]
    if len(begins) == 1:
        return ()
    ends = [*begins[1:], len(indices)]
    return tuple(solver.span_of(indices[first:last]) for first, last in zip(begins, ends, strict=True))


def _nothing_happened(findings: Findings, topology: Topology, service: Service, window: Interval) -> Inference:
    peace = find_peace(findings, service, window)
    hypotheses = peace.hypotheses()

    def weigh(chosen: int, _answers: Callable[[Cause], str]) -> tuple[WeighedEvidence, ...]:
        return number_pieces(peace.pieces(has_failed=bool(hypotheses[chosen].causes)))

    def request(_answers: Callable[[Cause], str]) -> tuple[Request, ...]:
        coverage = findings.coverage
        return ask_whether_it_happened(service.ends, topology, coverage, window, peace.probability, peace.covered)

    nothing = Interruption(False, measured=peace.covered > 0)
    return Inference(hypotheses, nothing, weigh, request, lambda _chosen, _side, _answers: None, peace.caveats)
