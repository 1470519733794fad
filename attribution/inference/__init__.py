"""From evidence to a posterior over causes: what may have happened, how surely, and what would settle it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp

from attribution.inference.candidates import KEPT_BACK, Candidate, ServicePaths
from attribution.inference.cut_off import note_another_time, told_troubles
from attribution.inference.endings import date_endings
from attribution.inference.interruption import (
    LEAST_OFF_BALANCE,
    Trouble,
    detect_interruption,
    find_full_loss,
    find_silence,
    find_trouble,
    merge_overlapping,
    note_reports,
    on_the_unavoidable,
)
from attribution.inference.leaving_out import leave_out
from attribution.inference.likelihood import add_logs
from attribution.inference.modes import load_modes
from attribution.inference.naming import Namer, note_overruns
from attribution.inference.phases import follows, split_phases
from attribution.inference.posterior import FAR_BEHIND, TEMPER, Assignment, Situation, Solver, solve_incident
from attribution.inference.requests import ask_whether_it_happened, propose_requests
from attribution.inference.testimony import is_of_strangers
from attribution.inference.uneventful import find_peace
from attribution.inference.unprobed import find_unprobed_trouble
from attribution.inference.weighing import number_pieces, weigh_evidence
from attribution.inference.worlds import (
    World,
    doubting_worlds,
    hidden_calls,
    shares_of,
    split_by_offer,
    worlds_of_calls,
)
from attribution.model.evidence import (
    Alarm,
    AlarmKind,
    Condition,
    Findings,
    Journey,
    Measurement,
    Method,
    Record,
    RecordKind,
)
from attribution.model.incident import NANOSECONDS, Interval, Service
from attribution.model.observation import Caveat
from attribution.model.topology import Side, Topology
from attribution.model.verdict import Cause, CauseKind, Hypothesis, Interruption, Request, WeighedEvidence

__all__ = ["Inference", "infer_causes", "leave_out", "note_overruns"]

# How far one party's evidence against the other is doubted where nobody else was asked: what it left out may tell the
# story the other way round. Its word alone is worth less than packets that it counted on the way.
DOUBT_OF_WORD = 0.25
DOUBT_OF_COUNTS = 0.05
DOUBT_OF_DRAWING = 0.5
# What is reported or done up to so many seconds before a trouble has to do with it. What a balance of counters is
# slightly off by is trouble where the device's own counters of drops say so too, or it was worked on.
BEFORE_IT_S = 3.0
DROPS_COUNTED = frozenset({AlarmKind.INTERFACE_DISCARDS, AlarmKind.INTERFACE_ERRORS})
# How often the service was interrupted while something that it cannot do without is reported down in the time of the
# complaint, and nobody counted its packets.
ALARMS_ARE_RIGHT = 0.95


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
    told = () if troubles else told_troubles(findings, topology, paths, service.ends, window)
    troubles = troubles or told
    if not troubles:
        return _nothing_happened(findings, topology, service, window)
    caveats = (*caveats, *note_reports(findings.measurements, troubles), *note_another_time(told, window))
    phases = split_phases(troubles, findings.measurements)
    solver, assignments = solve_incident(situation, phases)
    namer = Namer(topology, paths, findings.alarms, findings.records, findings.coverage, service.bandwidth_bps)
    named = [_hypothesis(assignment, solver, namer) for assignment in assignments]
    counted = next(_counts_of_parts(findings, paths), None) is not None
    doubt = DOUBT_OF_COUNTS if counted else DOUBT_OF_WORD
    hidden = list(hidden_calls(solver, assignments[0])) if assignments else []
    share = KEPT_BACK if findings.coverage.is_word_of(Side.CUSTOMER) else 1.0
    paired, rests_on = _with_hidden_calls(
        *_with_companions(named, assignments, solver, namer), hidden, share, solver, namer
    )
    hypotheses = tuple(doubt_unsupported(paired, sole_supplier(findings, paths), topology, doubt))
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
        if _is_doubted(hypothesis, supplier, topology):
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
    """Trouble between the ends; where nobody counted at both, or none was found, also that on the way.

    What one capture point infers comes late: counters and captures on the way may have seen more of it. Where captures
    missed nothing, their silence tells: packets that came steadily stop just when something is reported. Where they
    missed some, it tells since when: while nothing passes, what is lost shows only as senders try again. Of packets
    that are like none of those counted between the ends, captures tell.
    """
    found = detect_interruption(findings.measurements)
    counted = any(m.counted_between_ends for m in findings.measurements)
    if found and counted:
        return tuple(merge_overlapping([*found, *find_unprobed_trouble(findings, found)]))
    found = tuple(merge_overlapping([*found, *_trouble_on_the_way(findings, is_known=bool(found))]))
    if counted:
        return tuple(merge_overlapping([*found, *find_unprobed_trouble(findings, found)]))
    found = date_endings(found, findings.measurements, findings.alarms)
    if found:
        beside = (s for s in find_silence(findings) if any(s.interval.overlaps(t.interval) for t in found))
        return tuple(merge_overlapping([*found, *beside]))
    return tuple(trouble for trouble in find_silence(findings) if _is_told_of(trouble.interval, findings))


def _trouble_on_the_way(findings: Findings, is_known: bool = False) -> tuple[Trouble, ...]:
    """Trouble on any part of the way that the service cannot have gone around.

    Where somebody measured between the ends and found none, only the service's own packets tell of more: those counted
    at two points, of a class of traffic, or a flow, that nothing of what was measured belonged to; and connections that
    nobody answered at one, where no probe tried to open any. `is_known`: the service's own packets told of some.
    """
    whole = any(m.end_to_end and m.method is not Method.TRACE for m in findings.measurements)
    series: dict[tuple[tuple[Journey, ...], str], list[Measurement]] = defaultdict(list)
    for measurement in on_the_unavoidable(findings):
        own = measurement.of_service and measurement.method is Method.TWO_POINTS
        if own or not whole:
            series[(measurement.journeys, measurement.traffic if whole else "")].append(measurement)
    if whole:
        for measurement in _asked_in_vain(findings):
            series[(measurement.journeys, measurement.series)].append(measurement)
    found = (trouble for members in series.values() for trouble in _clear_trouble(members, findings, is_known))
    return tuple(merge_overlapping(found))


def _asked_in_vain(findings: Findings) -> Iterator[Measurement]:
    """The service's own connections at single capture points, unless probes between its ends opened some.

    A firewall that is full lets go on what it knows. Segments of known connections tell of no more than was counted:
    senders lose a few while they look for their pace.
    """
    if any(m.end_to_end and m.method is Method.PROBES and m.traffic == "tcp" for m in findings.measurements):
        return
    for measurement in findings.measurements:
        if measurement.of_service and measurement.counts_connections:
            yield measurement


def _clear_trouble(members: Sequence[Measurement], findings: Findings, is_known: bool) -> list[Trouble]:
    """Trouble in one series; not what a balance of counters is off by of itself, or when it is known by better means.

    A slight unevenness is trouble beside a clear one, if something was told or done as it began; alone, only where the
    device counted drops, or was worked on.
    """
    least = LEAST_OFF_BALANCE if any(member.method is Method.COUNTERS for member in members) else 0.0
    found = [trouble for trouble in find_trouble(members) if not _is_a_late_poll(trouble, members)]
    is_clear = any(trouble.loss_ratio >= least for trouble in found)

    def is_meant(trouble: Trouble) -> bool:
        told = is_clear and _is_told_of(trouble.interval, findings)
        return told or _is_confirmed(trouble, members, findings)

    return [trouble for trouble in found if trouble.loss_ratio >= least or (not is_known and is_meant(trouble))]


def _is_confirmed(trouble: Trouble, members: Sequence[Measurement], findings: Findings) -> bool:
    """Whether a device, or one at an end of a cable, counted drops as a trouble of it began, or was worked on."""
    devices = {component for stretch in members[0].journeys[0] for component in stretch.components}
    dropped = [a for a in findings.alarms if a.kind in DROPS_COUNTED and a.reporter in devices]
    acts = [r for r in findings.records if r.component in devices and r.harmful is not Condition.NOT_MET]
    return _is_met_by(dropped, trouble.interval) or _is_met_by(acts, trouble.interval)


def _is_a_late_poll(trouble: Trouble, members: Sequence[Measurement]) -> bool:
    """Whether what is missing between the two ends of a cable, in one poll, is no more than passes in a second: one of
    the two may have been read a moment late."""
    polls = [m for m in members if m.lost and m.interval.overlaps(trouble.interval)]
    of_cables = (m.method is Method.COUNTERS and all(len(s.components) > 1 for s in m.journeys[0]) for m in polls)
    return len(polls) == 1 and all(of_cables) and polls[0].lost * polls[0].interval.seconds <= polls[0].sent


def _is_told_of(interval: Interval, findings: Findings) -> bool:
    """Whether something was reported or done when a trouble began; that traffic stopped is but the trouble once more,
    and a sender may have paused."""
    alarms = [alarm for alarm in findings.alarms if alarm.kind is not AlarmKind.TRAFFIC_STOPPED]
    acts = [record for record in findings.records if record.kind is not RecordKind.VIOLATION]
    return _is_met_by(alarms, interval) or _is_met_by(acts, interval)


def _is_met_by(events: Iterable[Alarm | Record], trouble: Interval) -> bool:
    """Whether an event began in the first half of a trouble, or shortly before."""
    first, last = trouble.start_ns - int(BEFORE_IT_S * NANOSECONDS), (trouble.start_ns + trouble.end_ns) // 2
    return any(first <= event.interval.start_ns <= last for event in events)


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
        cause = replace(namer.name(choice, solver.span_of(indices)), spells=_spells(indices, solver))
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


def telling_suppliers(findings: Findings, paths: ServicePaths) -> frozenset[Side | None]:
    """From whom all comes that tells one place on the way from another; empty where nothing does."""
    suppliers = {alarm.citation.origin.supplied_by for alarm in findings.alarms if alarm.reporter in paths}
    acts = (record for record in findings.records if record.kind is not RecordKind.VIOLATION)
    suppliers |= {record.citation.origin.supplied_by for record in acts if record.component in paths}
    suppliers |= {m.citation.origin.supplied_by for m in _counts_of_parts(findings, paths)}
    return frozenset(suppliers)


def sole_supplier(findings: Findings, paths: ServicePaths) -> Side | None:
    """The side from which all comes that tells one place on the way from another, if it is one side alone."""
    suppliers = telling_suppliers(findings, paths)
    return next(iter(suppliers)) if len(suppliers) == 1 else None


def _counts_of_parts(findings: Findings, paths: ServicePaths) -> Iterator[Measurement]:
    """What was counted on parts of the service's way, rather than between its ends."""
    for m in findings.measurements:
        if not m.end_to_end and any(s.components[0] in paths for journey in m.journeys for s in journey):
            yield m


def doubt_unsupported(
    hypotheses: Sequence[Hypothesis], supplier: Side | None, topology: Topology, doubt: float = DOUBT_OF_WORD
) -> Iterator[Hypothesis]:
    """A party's word against the other is doubted while nobody else was asked; what is doubted belongs to no party."""
    doubted = 0.0
    for hypothesis in hypotheses:
        if _is_doubted(hypothesis, supplier, topology):
            doubted += hypothesis.probability * doubt
            hypothesis = replace(hypothesis, probability=hypothesis.probability * (1 - doubt))
        yield hypothesis
    if doubted > 0:
        yield Hypothesis((), doubted, known=False)


def accuse_nobody(hypotheses: Sequence[Hypothesis]) -> Iterator[Hypothesis]:
    """Where nothing tells one place from another the drawing alone speaks: having more devices is no guilt."""
    yield from (replace(h, probability=h.probability * (1 - DOUBT_OF_DRAWING)) for h in hypotheses)
    yield Hypothesis((), DOUBT_OF_DRAWING, known=False)


def believe_alarms(hypotheses: Sequence[Hypothesis]) -> Iterator[Hypothesis]:
    """Where nobody counted packets, what devices report may have interrupted nothing at all."""
    yield from (replace(h, probability=h.probability * ALARMS_ARE_RIGHT) for h in hypotheses)
    yield Hypothesis((), 1.0 - ALARMS_ARE_RIGHT)


def _is_doubted(hypothesis: Hypothesis, supplier: Side | None, topology: Topology) -> bool:
    sides = {topology.side_of(cause.component) for cause in hypothesis.causes}
    return supplier is not None and supplier.other in sides


def _nothing_happened(findings: Findings, topology: Topology, service: Service, window: Interval) -> Inference:
    peace = find_peace(findings, service, window)
    hypotheses = (Hypothesis((), peace.probability), Hypothesis((), 1.0 - peace.probability, known=False))

    def weigh(_chosen: int, _answers: Callable[[Cause], str]) -> tuple[WeighedEvidence, ...]:
        return number_pieces(peace.pieces())

    def request(_answers: Callable[[Cause], str]) -> tuple[Request, ...]:
        coverage = findings.coverage
        return ask_whether_it_happened(service.ends, topology, coverage, window, peace.probability, peace.covered)

    nothing = Interruption(False, measured=peace.covered > 0)
    return Inference(hypotheses, nothing, weigh, request, lambda _chosen, _side, _answers: None, peace.caveats)
