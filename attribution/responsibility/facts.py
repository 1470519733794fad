"""The facts of a cause that an agreement may make conditions about: a name, its values, and how it is read.

An agreement's file names these facts and no others; a new one is a function here and a line in FACTS. A fact is read
as the set of values that hold, or as None where nobody knows: an enforcement whose ground no account event tells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from attribution.model.agreement import FactIs
from attribution.model.evidence import Condition
from attribution.model.topology import Side
from attribution.model.verdict import Cause, CauseKind, Fact

Values = frozenset[str] | None

ACTS = frozenset({CauseKind.UNAUTHORISED_OPERATION, CauseKind.CONSENTED_OPERATION, CauseKind.MAINTENANCE})


@dataclass(frozen=True, slots=True)
class Circumstances:
    """One cause as a clause sees it: the cause itself and the side that answers for it, where that is settled."""

    cause: Cause
    root_side: Side | None = None


@dataclass(frozen=True, slots=True)
class NamedFact:
    """A fact that conditions may name: its meaning in words, its possible values and how it is read."""

    meaning: str
    values: frozenset[str]
    read: Callable[[Circumstances], Values]


def _read_root_side(circumstances: Circumstances) -> Values:
    return None if circumstances.root_side is None else frozenset({circumstances.root_side.value})


def _read_root_kind(circumstances: Circumstances) -> Values:
    return frozenset({circumstances.cause.kind.value})


def _read_actor(circumstances: Circumstances) -> Values:
    actor = circumstances.cause.actor
    return frozenset({"nobody" if actor is None else actor.value})


def _read_consent(circumstances: Circumstances) -> Values:
    """What nobody did needs no consent: neither value holds then."""
    cause = circumstances.cause
    if cause.kind is CauseKind.CONSENTED_OPERATION or Fact.CONSENTED in cause.facts:
        return frozenset({"given"})
    if cause.kind in ACTS or Fact.OPERATION in cause.facts:
        return frozenset({"missing"})
    return frozenset()


_ATTACKS = frozenset({Fact.ATTACK_ON_CUSTOMER, Fact.ATTACK_BY_CUSTOMER})  # grounds that no account event needs to tell


def _read_account(circumstances: Circumstances) -> Values:
    """The account when the provider acted; payments that were in order and no notice: nothing justifies the act."""
    facts = circumstances.cause.facts
    if Fact.UNGROUNDED in facts:
        return frozenset({"in_order"})
    states = {
        "late": Fact.LATE_PAYMENT in facts,
        "overdue": Fact.OVERDUE_15_DAYS in facts,
        "violation": Fact.VIOLATION in facts,
    }
    held = frozenset(name for name, holds in states.items() if holds)
    unexplained = circumstances.cause.kind is CauseKind.ENFORCEMENT_ACTION and not facts & _ATTACKS
    return held or (None if unexplained else frozenset())


_ACTIONS = frozenset({Fact.LINK_BLOCKED, Fact.RESTRICTED, Fact.SUSPENDED, Fact.TERMINATED})


def _read_action(circumstances: Circumstances) -> Values:
    return frozenset(fact.value for fact in circumstances.cause.facts & _ACTIONS)


def _read_fact(circumstances: Circumstances) -> Values:
    return frozenset(fact.value for fact in circumstances.cause.facts)


FACTS: dict[str, NamedFact] = {
    "root_side": NamedFact("the side that answers", frozenset(Side), _read_root_side),
    "root_kind": NamedFact("the kind of cause", frozenset(CauseKind), _read_root_kind),
    "actor": NamedFact("who acted", frozenset({*Side, "nobody"}), _read_actor),
    "consent": NamedFact("the other side's consent", frozenset({"given", "missing"}), _read_consent),
    "account": NamedFact(
        "the customer's account", frozenset({"late", "overdue", "violation", "in_order"}), _read_account
    ),
    "action": NamedFact("the provider's action", frozenset(fact.value for fact in _ACTIONS), _read_action),
    "fact": NamedFact("the circumstances", frozenset(Fact), _read_fact),
}


def judge_fact(fact: FactIs, circumstances: Circumstances) -> Condition:
    """Whether one of the wanted values holds; UNKNOWN where the fact is not known."""
    found = FACTS[fact.name].read(circumstances)
    if found is None:
        return Condition.UNKNOWN
    return Condition.MET if found & fact.values else Condition.NOT_MET


def describe_fact(fact: FactIs, circumstances: Circumstances) -> str:
    """The finding in words: what the fact is, and what the clause asks about."""
    named = FACTS[fact.name]
    found = named.read(circumstances)
    stated = "not known" if found is None else ", ".join(sorted(found)) or "none"
    wanted = " or ".join(sorted(fact.values))
    return f"{named.meaning}: {stated} (the clause asks about {wanted})".replace("_", " ")
