"""The Agreement's file is complete and consistent, and a file that is not gets an error that says where."""

from __future__ import annotations

import itertools

import pytest

from attribution.errors import RuleError
from attribution.model.agreement import Agreement
from attribution.model.evidence import Condition
from attribution.model.incident import Interval
from attribution.model.topology import Node, NodeKind, Side, Topology
from attribution.model.verdict import Cause, CauseKind, Fact
from attribution.responsibility import (
    answering_side,
    explain_clauses,
    known_agreements,
    load_agreement,
    read_agreement,
)

NAME = "tencent-cross-region-connection"
BULLETS = {"3.2": 11, "4.2": 4, "4.3": 4}
MINIMAL = """
schema = 1
id = "small"
title = { en = "Small agreement", zh = "小协议" }
[enforcement]
ground = { account = "overdue" }
[service_level]
document = { en = "Service level", zh = "服务等级" }
minute_s = 60
[[clause]]
id = "1"
burdens = "customer"
text = { en = "Yours", zh = "您的" }
zh_is = "translation"
when = { root_side = "customer" }
"""


@pytest.fixture(scope="module")
def agreement() -> Agreement:
    return load_agreement(NAME)


def test_all_clauses_stand_in_the_agreements_order(agreement: Agreement) -> None:
    numbered = {section: [f"{section}({n})" for n in range(1, count + 1)] for section, count in BULLETS.items()}
    expected = [
        *numbered["3.2"],
        "3.2(late-payment)",
        "4.1",
        "4.2",
        *numbered["4.2"],
        *numbered["4.3"],
        "4.4",
    ]

    assert list(agreement.clauses) == expected


def test_every_clause_has_its_words_in_both_languages(agreement: Agreement) -> None:
    for clause in agreement.clauses.values():
        assert clause.text_en.isascii() or "[" in clause.text_en
        assert any("\u4e00" <= character <= "\u9fff" for character in clause.text_zh)


def test_the_customers_four_limbs_burden_the_customer_and_4_2_the_provider(agreement: Agreement) -> None:
    assert {agreement.clauses[f"4.2({n})"].burdens for n in range(1, 5)} == {Side.CUSTOMER}
    assert agreement.clauses["4.2"].burdens is Side.PROVIDER


@pytest.mark.parametrize("kind", CauseKind)
def test_exactly_one_clause_applies_to_any_cause_that_somebody_answers_for(
    agreement: Agreement, kind: CauseKind
) -> None:
    circumstances = itertools.chain.from_iterable(itertools.combinations(Fact, size) for size in range(3))
    for facts, actor, owner in itertools.product(circumstances, (None, *Side), Side):
        cause = Cause("it", kind, Interval(0, 1), actor=actor, facts=frozenset(facts))
        side = answering_side(cause, one_node(owner), agreement)
        met = [f.clause for f in explain_clauses(cause, side, agreement) if f.applies is Condition.MET]
        assert len(met) == (side is not None), (kind, facts, actor, owner, met)
        if side is not None:
            assert agreement.clauses[met[0]].burdens is side


def one_node(side: Side) -> Topology:
    return Topology({"it": Node("it", side, NodeKind.ROUTER)}, {})


def test_a_clause_that_does_not_apply_says_why(agreement: Agreement) -> None:
    crash = Cause("it", CauseKind.DEVICE_FAILURE, Interval(0, 1))

    findings = {finding.clause: finding for finding in explain_clauses(crash, Side.CUSTOMER, agreement)}

    assert findings["4.2(2)"].applies is Condition.MET
    assert findings["4.2(2)"].reasons == ()
    assert findings["4.2"].reasons == ("the side that answers: customer (the clause asks about provider)",)
    assert any("device failure" in reason for reason in findings["4.2(1)"].reasons)
    assert findings["4.2(4)"].reasons == ("another clause answers more closely",)
    assert findings["3.2(1)"].applies is Condition.UNKNOWN


def test_without_a_known_side_no_clause_is_denied_for_its_side_alone(agreement: Agreement) -> None:
    cut = Cause("it", CauseKind.DEVICE_FAILURE, Interval(0, 1))

    findings = {finding.clause: finding for finding in explain_clauses(cut, None, agreement)}

    assert findings["4.2"].applies is Condition.UNKNOWN
    assert findings["4.2(2)"].applies is Condition.UNKNOWN
    assert findings["4.2(1)"].applies is Condition.NOT_MET


def test_an_unknown_agreement_names_the_known_ones() -> None:
    with pytest.raises(RuleError, match=rf"incident.yaml: agreement: .*'gentlemens'.*known: .*{NAME}"):
        load_agreement("gentlemens")


def test_known_agreements_can_all_be_read() -> None:
    assert NAME in known_agreements()
    assert all(load_agreement(name).id == name for name in known_agreements())


def test_another_agreement_is_another_file() -> None:
    small = read_agreement(MINIMAL, "small.toml")

    assert [clause.id for clause in small.clauses.values()] == ["1"]
    assert not small.clauses["1"].official_zh


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        (
            'burdens = "customer"',
            'burdens = "carrier"',
            r"clause 1: burdens: found 'carrier'; expected one of customer",
        ),
        ('text = { en = "Yours", zh = "您的" }', 'text = { en = "Yours" }', "clause 1: text: zh: found None"),
        ('id = "1"', 'number = "1"', r"clause no. 1: no such key: number; known: also, burdens, id"),
        ('root_side = "customer"', 'side = "customer"', r"clause 1: when.side: no such fact; known: all, any, not"),
        (
            'root_side = "customer"',
            'root_side = "nobody"',
            "clause 1: when.root_side: no such value: nobody; known: cu",
        ),
        ('root_side = "customer"', 'clause = "2"', "clause 1: when: no conditions of 2"),
        ('root_side = "customer"', 'not = { clause = "1" }', "clause 1: when: goes in a circle: 1 > 1"),
        ('root_side = "customer"', "all = []", "clause 1: when.all: found \\[\\]; expected a list of conditions"),
        ('{ root_side = "customer" }', "{}", "clause 1: when: an empty condition"),
        ('{ root_side = "customer" }', '"always"', "clause 1: when: found 'always'; expected a table"),
        ('root_side = "customer"', "root_side = 1", "clause 1: when.root_side: found 1; expected one value"),
        ("schema = 1", "schema = 2", "schema: found 2; expected 1"),
        ("minute_s = 60", "minute_s = 0", "service_level: minute_s: found 0"),
        ("schema = 1", "schema =", "not valid TOML"),
        ('zh_is = "translation"', 'zh_is = "translation"\nremedy = "9"', "clause 1: remedy: no clause 9"),
    ],
)
def test_a_flaw_in_an_agreement_is_named_with_its_place(right: str, wrong: str, complaint: str) -> None:
    assert right in MINIMAL

    with pytest.raises(RuleError, match=complaint):
        read_agreement(MINIMAL.replace(right, wrong, 1), "small.toml")
