"""Conditions follow Kleene's logic, and every part is judged even where the answer is settled before."""

from __future__ import annotations

import pytest

from attribution.model.agreement import AllOf, AnyOf, FactIs, NotSo, Requirement
from attribution.model.evidence import Condition
from attribution.responsibility.conditions import judge

MET, NOT_MET, UNKNOWN = Condition.MET, Condition.NOT_MET, Condition.UNKNOWN


def fact(condition: Condition) -> FactIs:
    return FactIs("known", frozenset({condition.value}))


def answer(asked: FactIs) -> Condition:
    return Condition(next(iter(asked.values)))


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        (AllOf((fact(MET), fact(MET))), MET),
        (AllOf((fact(MET), fact(UNKNOWN))), UNKNOWN),
        (AllOf((fact(UNKNOWN), fact(NOT_MET))), NOT_MET),
        (AnyOf((fact(UNKNOWN), fact(MET))), MET),
        (AnyOf((fact(NOT_MET), fact(UNKNOWN))), UNKNOWN),
        (AnyOf((fact(NOT_MET), fact(NOT_MET))), NOT_MET),
        (NotSo(fact(MET)), NOT_MET),
        (NotSo(fact(NOT_MET)), MET),
        (NotSo(fact(UNKNOWN)), UNKNOWN),
    ],
)
def test_unknown_stays_unknown_unless_the_rest_settles_it(requirement: Requirement, expected: Condition) -> None:
    assert judge(requirement, answer).condition is expected


def test_every_part_is_judged() -> None:
    judgement = judge(AllOf((fact(NOT_MET), NotSo(AnyOf((fact(MET), fact(UNKNOWN)))))), answer)

    assert [(leaf.condition, wanted) for leaf, wanted in judgement.leaves()] == [
        (NOT_MET, True),
        (MET, False),
        (UNKNOWN, False),
    ]
