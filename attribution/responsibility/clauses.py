"""Which clause a cause falls under, and who answers for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attribution.model.agreement import Agreement, Clause, FactIs
from attribution.model.evidence import Condition
from attribution.model.topology import Side, Topology
from attribution.model.verdict import Cause, CauseKind, Fact
from attribution.responsibility.agreement import CLAUSE
from attribution.responsibility.conditions import Judgement, judge
from attribution.responsibility.facts import ACTS, Circumstances, describe_fact, judge_fact

# What the customer itself sent, or drew upon itself, it answers for wherever it showed.
_CUSTOMERS_TRAFFIC = frozenset({Fact.OVERUSE, Fact.ATTACK_ON_CUSTOMER, Fact.ATTACK_BY_CUSTOMER})


@dataclass(frozen=True, slots=True)
class ClauseFinding:
    """How one clause stands to one cause, and the reasons why it does not apply or is not sure to.

    `applies` judges the clause's own conditions; `admits` whether its words admit the cause beside a closer clause.
    """

    clause: str
    applies: Condition
    admits: Condition
    reasons: tuple[str, ...]


def answering_side(cause: Cause, topology: Topology, agreement: Agreement) -> Side | None:
    """The side that answers for a cause: who acted, by what right it acted, and else whose component failed.

    None on a demarcation link that nobody owns, for an enforcement whose ground is not known, and for what a stranger
    did.
    """
    if Fact.STRANGER in cause.facts:
        return None
    if cause.kind is CauseKind.ENFORCEMENT_ACTION:
        ground = judge(agreement.ground, lambda fact: judge_fact(fact, Circumstances(cause))).condition
        return {Condition.MET: Side.CUSTOMER, Condition.NOT_MET: Side.PROVIDER}.get(ground)
    if cause.facts & _CUSTOMERS_TRAFFIC:
        return Side.CUSTOMER
    if cause.actor is not None and (cause.kind in ACTS or _was_done(cause)):
        return cause.actor
    return topology.side_of(cause.component)


def _was_done(cause: Cause) -> bool:
    return cause.kind is CauseKind.MISCONFIGURATION or Fact.OPERATION in cause.facts


def find_clause(cause: Cause, side: Side | None, agreement: Agreement) -> str | None:
    """The clause that a cause falls under; None where nobody's side is known to answer."""
    for finding in explain_clauses(cause, side, agreement):
        if finding.applies is Condition.MET:
            return finding.clause
    return None


def find_admissible_clauses(cause: Cause, side: Side | None, agreement: Agreement) -> tuple[str, ...]:
    """The clauses whose words admit the cause too, though another answers more closely."""
    findings = explain_clauses(cause, side, agreement)
    return tuple(
        finding.clause
        for finding in findings
        if finding.admits is Condition.MET and finding.applies is not Condition.MET
    )


def explain_clauses(cause: Cause, side: Side | None, agreement: Agreement) -> tuple[ClauseFinding, ...]:
    """Every clause of the agreement judged for one cause, in the agreement's order, each with its reasons."""
    circumstances = Circumstances(cause, side)
    return tuple(_explain_clause(clause, circumstances, agreement) for clause in agreement.clauses.values())


def _explain_clause(clause: Clause, circumstances: Circumstances, agreement: Agreement) -> ClauseFinding:
    def ask(fact: FactIs) -> Condition:
        return _judge_named(fact, circumstances, agreement)

    admits = judge(clause.also, ask).condition if clause.also is not None else Condition.NOT_MET
    if clause.when is None:
        reason = "speaks of conduct that network evidence does not show by itself"
        return ClauseFinding(clause.id, Condition.UNKNOWN, admits, (reason,))
    judgement = judge(clause.when, ask)
    reasons = () if judgement.condition is Condition.MET else tuple(_reasons(judgement, circumstances))
    return ClauseFinding(clause.id, judgement.condition, admits, reasons)


def _judge_named(fact: FactIs, circumstances: Circumstances, agreement: Agreement) -> Condition:
    """A named fact; `clause` holds where one of the named clauses applies, unknown where one may."""
    if fact.name != CLAUSE:
        return judge_fact(fact, circumstances)
    found = {_explain_clause(agreement.clauses[name], circumstances, agreement).applies for name in fact.values}
    for condition in (Condition.MET, Condition.UNKNOWN):
        if condition in found:
            return condition
    return Condition.NOT_MET


def _reasons(judgement: Judgement, circumstances: Circumstances) -> Iterator[str]:
    """The facts that stand against a requirement or leave it open, each once."""
    said: set[str] = set()
    for leaf, wanted in judgement.leaves():
        against = Condition.NOT_MET if wanted else Condition.MET
        if leaf.condition not in (against, Condition.UNKNOWN) or not isinstance(leaf.requirement, FactIs):
            continue
        fact = leaf.requirement
        text = "another clause answers more closely" if fact.name == CLAUSE else describe_fact(fact, circumstances)
        if text not in said:
            said.add(text)
            yield text
