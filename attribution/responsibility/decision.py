"""From hypotheses about causes to a responsible party: sides, clauses, seconds, and whether to answer at all."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from attribution.model.agreement import Agreement
from attribution.model.topology import Side, Topology
from attribution.model.verdict import Cause, Hypothesis, Interruption, Party, Provision, ServiceLevel
from attribution.responsibility.calibration import Calibration, load_calibration
from attribution.responsibility.clauses import answering_side, find_admissible_clauses, find_clause
from attribution.responsibility.costs import DecisionRule, choose_party, load_decision_rule
from attribution.responsibility.phases import attribute_seconds
from attribution.responsibility.service_level import NOBODYS, count_lost_minutes

PARTIES = (Party.CUSTOMER, Party.PROVIDER, Party.SHARED, Party.NEITHER)


@dataclass(frozen=True, slots=True)
class Responsibility:
    """What follows from the hypotheses by the Agreement: all of a verdict except its evidence, inputs and requests.

    `causes` are those of the most probable explanation of the answer, each with its side, clause, seconds and
    probability. `admissible` are further clauses whose words admit the earliest root cause, `remedy` the provider's
    action that its breach allows. `interruption` has its seconds by party filled in.
    """

    party: Party
    clause: str | None
    admissible: tuple[str, ...]
    remedy: str | None
    probability: float
    parties: Mapping[str, float]
    causes: tuple[Cause, ...]
    interruption: Interruption
    provisions: tuple[Provision, ...]
    service_level: ServiceLevel


def decide_responsibility(
    hypotheses: Sequence[Hypothesis],
    agreement: Agreement,
    interruption: Interruption,
    topology: Topology,
    rule: DecisionRule | None = None,
    calibration: Calibration | None = None,
) -> Responsibility:
    """The party with the least expected cost of error, by the side that answers for each hypothesis' root causes.

    What no hypothesis names, and what nobody owns, is spread over both sides by the rule's prior, so that it makes
    the answer less sure. Consequences carry no responsibility: the clause follows the earliest root cause.
    """
    rule = rule or load_decision_rule()
    calibration = calibration if calibration is not None else load_calibration()
    sided = [_with_sides(hypothesis, agreement, interruption, topology) for hypothesis in hypotheses]
    answers = [_party_of(hypothesis, interruption, rule) for hypothesis in sided]
    stated = _posterior(sided, answers, rule)
    parties = calibration.mend(stated)
    party = choose_party(parties, rule)
    most_probable = max(PARTIES, key=lambda candidate: parties[candidate])
    # Who reads that it was rather both sides looks for the cause of either: one of them alone explains no such thing.
    shown = most_probable if party is Party.UNDETERMINED and most_probable is Party.SHARED else party
    supporting = [
        hypothesis
        for hypothesis, answer in zip(sided, answers, strict=True)
        if hypothesis.known and shown in (answer, Party.UNDETERMINED)
    ]
    causes = _explanation(supporting, party, agreement)
    mended = parties[most_probable] / stated[most_probable]
    causes = tuple(replace(cause, probability=min(1.0, mended * _marginal(cause, sided))) for cause in causes)
    root = first_root(causes, party)
    answered = root is not None and party not in NOBODYS
    clause = root.clause if root is not None and answered else None
    admissible = find_admissible_clauses(root, root.side, agreement) if root is not None and answered else ()
    remedy = agreement.clauses[clause].remedy if clause is not None else None
    seconds = _seconds_by_party(causes, interruption, party)
    return Responsibility(
        party=party,
        clause=clause,
        admissible=admissible,
        remedy=remedy,
        probability=parties[most_probable if party is Party.UNDETERMINED else party],
        parties={answer.value: parties[answer] for answer in PARTIES},
        causes=causes,
        interruption=replace(interruption, seconds_by_party=seconds),
        provisions=_provisions(agreement, clause, causes, remedy, admissible),
        service_level=count_lost_minutes(causes, interruption, agreement, party),
    )


def first_root(causes: Sequence[Cause], party: Party) -> Cause | None:
    """The earliest cause that no other brought about, of the party's own where one party answers.

    A cause that somebody owns goes before one that nobody does.
    """
    roots = root_causes(causes)
    own = [cause for cause in roots if cause.side is not None and cause.side.value == party.value]
    return min(own or roots, key=lambda cause: (cause.side is None, cause.interval.start_ns), default=None)


def root_causes(causes: Sequence[Cause]) -> tuple[Cause, ...]:
    """The causes that no other brought about; consequences carry no responsibility."""
    return tuple(cause for cause in causes if cause.caused_by is None) or tuple(causes)


def _with_sides(
    hypothesis: Hypothesis, agreement: Agreement, interruption: Interruption, topology: Topology
) -> Hypothesis:
    seconds = attribute_seconds(hypothesis.causes, interruption.intervals)
    causes = tuple(
        replace(cause, side=answering_side(cause, topology, agreement), seconds=rooted)
        for cause, rooted in zip(hypothesis.causes, seconds, strict=True)
    )
    return replace(hypothesis, causes=causes)


def _party_of(hypothesis: Hypothesis, interruption: Interruption, rule: DecisionRule) -> Party:
    """The party of one hypothesis: shared where root causes of both sides each hurt for a material part."""
    if not hypothesis.known:
        return Party.UNDETERMINED
    if not hypothesis.causes:
        return Party.NEITHER
    weights = dict.fromkeys(Side, 0.0)
    for cause in root_causes(hypothesis.causes):
        if cause.side is not None:
            weights[cause.side] += cause.seconds if interruption.seconds > 0 else cause.interval.seconds
    owned = sum(weights.values())
    material = [side for side in Side if weights[side] > 0 and weights[side] >= rule.material_share * owned]
    if len(material) == 2:
        return Party.SHARED
    if material:
        return Party(material[0].value)
    first = first_root(hypothesis.causes, Party.UNDETERMINED)
    return Party(first.side.value) if first is not None and first.side is not None else Party.UNDETERMINED


def _posterior(hypotheses: Sequence[Hypothesis], answers: Sequence[Party], rule: DecisionRule) -> dict[Party, float]:
    """Probability by party, adding up to 1; the undetermined mass and any mass left unsaid go by the prior."""
    parties = dict.fromkeys(PARTIES, 0.0)
    unknown = 0.0
    for hypothesis, answer in zip(hypotheses, answers, strict=True):
        if answer is Party.UNDETERMINED:
            unknown += hypothesis.probability
        else:
            parties[answer] += hypothesis.probability
    unknown += max(0.0, 1.0 - unknown - sum(parties.values()))
    for party, share in rule.prior.items():
        parties[party] += unknown * share
    total = sum(parties.values())
    return {party: mass / total for party, mass in parties.items()}


def _explanation(hypotheses: Sequence[Hypothesis], party: Party, agreement: Agreement) -> tuple[Cause, ...]:
    """The causes to show: of the component most probably at the root, its most probable clause, the best hypothesis.

    A component with its mass spread over several kinds of cause goes before the single hypothesis that happens to be
    the largest: the place is surer than the kind.
    """
    explaining = [hypothesis for hypothesis in hypotheses if hypothesis.causes]
    if not explaining:
        return ()
    explaining = _heaviest(explaining, lambda hypothesis: _root_of(hypothesis, party).component)
    clauses = _clauses_of(explaining, agreement)
    explaining = _heaviest(explaining, lambda hypothesis: clauses[_bearing(_root_of(hypothesis, party))])
    best = max(explaining, key=lambda hypothesis: hypothesis.probability)
    return tuple(replace(cause, clause=clauses[_bearing(cause)]) for cause in best.causes)


def _bearing(cause: Cause) -> Hashable:
    """All of a cause that a clause may depend on: hypotheses are many and share few of these."""
    return (cause.kind, cause.actor, cause.facts, cause.side)


def _clauses_of(hypotheses: Sequence[Hypothesis], agreement: Agreement) -> dict[Hashable, str | None]:
    """The clause of every cause in the hypotheses, judged once for all causes that no clause tells apart."""
    different = {_bearing(cause): cause for hypothesis in hypotheses for cause in hypothesis.causes}
    return {bearing: find_clause(cause, cause.side, agreement) for bearing, cause in different.items()}


def _root_of(hypothesis: Hypothesis, party: Party) -> Cause:
    root = first_root(hypothesis.causes, party)
    assert root is not None  # only hypotheses with causes are asked
    return root


def _heaviest(hypotheses: Sequence[Hypothesis], group: Callable[[Hypothesis], Hashable]) -> list[Hypothesis]:
    """The hypotheses of the group that holds the most probability."""
    masses: dict[Hashable, float] = {}
    for hypothesis in hypotheses:
        masses[group(hypothesis)] = masses.get(group(hypothesis), 0.0) + hypothesis.probability
    chosen = max(masses, key=lambda name: masses[name])
    return [hypothesis for hypothesis in hypotheses if group(hypothesis) == chosen]


def _marginal(cause: Cause, hypotheses: Sequence[Hypothesis]) -> float:
    """The probability that this component had this kind of cause, over all hypotheses."""
    total = sum(
        hypothesis.probability
        for hypothesis in hypotheses
        if any(other.component == cause.component and other.kind is cause.kind for other in hypothesis.causes)
    )
    return min(1.0, total)


def _seconds_by_party(causes: Sequence[Cause], interruption: Interruption, party: Party) -> dict[str, float]:
    """Seconds by the side that answers; with no answer, or nobody's cause, they stand under that word instead."""
    if party in NOBODYS:
        return {Party.CUSTOMER.value: 0.0, Party.PROVIDER.value: 0.0, party.value: interruption.seconds}
    seconds = {Party.CUSTOMER.value: 0.0, Party.PROVIDER.value: 0.0}
    for cause in causes:
        if cause.seconds > 0:
            answer = cause.side.value if cause.side is not None else Party.UNDETERMINED.value
            seconds[answer] = seconds.get(answer, 0.0) + cause.seconds
    return seconds


def _provisions(
    agreement: Agreement, clause: str | None, causes: Sequence[Cause], remedy: str | None, admissible: Sequence[str]
) -> tuple[Provision, ...]:
    """The words of every clause that the verdict names, the deciding one first."""
    named = (clause, *(cause.clause for cause in causes), remedy, *admissible)
    return tuple(agreement.provision(name) for name in dict.fromkeys(named) if name is not None)
