"""Truths and verdicts made up for a purpose: each says no more than its test needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attribution.evaluation.scoring import mark
from attribution.model.evaluation import BaselineAnswer, Case, Told, Trial, TrueCause, Truth
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.topology import Side
from attribution.model.verdict import Cause, CauseKind, Interruption, Party

START_S = 1_795_428_030  # 2026-11-23T10:00:30Z


def seconds(start: float, end: float) -> Interval:
    return Interval(*(START_S * NANOSECONDS + round(second * NANOSECONDS) for second in (start, end)))


def true_cause(
    component: str = "ce1",
    kind: CauseKind = CauseKind.DEVICE_FAILURE,
    side: Side | None = Side.CUSTOMER,
    start: float = 0,
    end: float = 60,
    components: Sequence[str] = (),
    kinds: Sequence[CauseKind] = (),
) -> TrueCause:
    return TrueCause(component, kind, side, seconds(start, end), tuple(components), tuple(kinds))


def cause(
    component: str = "ce1",
    kind: CauseKind = CauseKind.DEVICE_FAILURE,
    start: float = 0,
    end: float = 60,
    caused_by: str | None = None,
) -> Cause:
    return Cause(component, kind, seconds(start, end), caused_by=caused_by, side=Side.CUSTOMER, clause="4.2(2)")


CUSTOMERS = Truth(Party.CUSTOMER, ("4.2(2)", "4.2(1)"), (true_cause(),))
PROVIDERS = Truth(Party.PROVIDER, ("4.2",), (true_cause("p1", side=Side.PROVIDER),))
NOBODYS = Truth(Party.NEITHER, (), ())
HIDDEN = Truth(Party.UNDETERMINED, (), (true_cause(),))
"""The customer's edge failed, but the evidence does not show it."""


def told(
    party: Party = Party.CUSTOMER,
    probability: float = 0.95,
    clause: str | None = "4.2(2)",
    causes: Sequence[Cause] | None = None,
    parties: Mapping[str, float] | None = None,
) -> Told:
    """A verdict; what is not the stated probability goes to the other side, unless `parties` says how it is spread."""
    if parties is None:
        likeliest = Party.CUSTOMER if party is Party.UNDETERMINED else party
        other = Party.PROVIDER if likeliest is Party.CUSTOMER else Party.CUSTOMER
        parties = {likeliest.value: probability, other.value: 1 - probability}
    return Told(
        incident="INC-1",
        party=party,
        clause=clause,
        probability=probability,
        parties=parties,
        causes=(cause(),) if causes is None else tuple(causes),
        interruption=Interruption(True, (seconds(0, 60),), {"customer": 60.0, "provider": 0.0}),
    )


ABSTENTION = told(Party.UNDETERMINED, 0.7, None)


def trial(
    answer: Told, truth: Truth = CUSTOMERS, baselines: Sequence[BaselineAnswer] = (), case: Case | None = None
) -> Trial:
    case = case or Case("bundle", "edge-crash", "single-homed", "all", "right", "7")
    return Trial(case, truth, answer, mark(answer, truth), tuple(baselines))
