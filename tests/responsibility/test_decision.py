"""From several hypotheses to one party: costs decide, doubt makes less sure, and swapped sides swap the verdict."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.errors import RuleError
from attribution.model.topology import Side, Topology
from attribution.model.verdict import Cause, CauseKind, Hypothesis, Interruption, Party
from attribution.responsibility import Calibration, decide_responsibility, load_agreement
from attribution.responsibility.costs import choose_party, load_decision_rule, read_decision_rule
from attribution.responsibility.decision import Responsibility
from tests.responsibility.scenarios import read_network, seconds

AGREEMENT = load_agreement("tencent-cross-region-connection")
NETWORK = read_network()
OUTAGE = Interruption(True, (seconds(0, 60),))
SYMMETRIC = (
    CauseKind.DEVICE_FAILURE,
    CauseKind.DEVICE_DEGRADED,
    CauseKind.LINK_FAILURE,
    CauseKind.OVERLOAD,
    CauseKind.ROUTING_FAILURE,
)


def cause(component: str, kind: CauseKind = CauseKind.DEVICE_FAILURE, start: float = 0, end: float = 60) -> Cause:
    return Cause(component, kind, seconds(start, end))


def decide(*hypotheses: Hypothesis, network: Topology = NETWORK) -> Responsibility:
    return decide_responsibility(hypotheses, AGREEMENT, OUTAGE, network, calibration=Calibration())


def test_a_party_that_is_sure_enough_is_named() -> None:
    found = decide(
        Hypothesis((cause("customer-edge"),), 0.95),
        Hypothesis((cause("provider-edge"),), 0.05),
    )

    assert (found.party, found.clause) == (Party.CUSTOMER, "4.2(2)")
    assert found.probability == pytest.approx(0.95)
    assert dict(found.parties) == pytest.approx({"customer": 0.95, "provider": 0.05, "shared": 0.0, "neither": 0.0})


def test_a_wrong_accusation_costs_more_than_a_question() -> None:
    found = decide(Hypothesis((cause("customer-edge"),), 0.8), Hypothesis((cause("provider-edge"),), 0.2))

    assert (found.party, found.clause) == (Party.UNDETERMINED, None)
    assert found.probability == pytest.approx(0.8)
    assert found.causes[0].component == "customer-edge"
    assert found.causes[0].clause == "4.2(2)"
    assert found.interruption.seconds_by_party["undetermined"] == pytest.approx(60)


def test_what_nobody_can_name_makes_every_answer_less_sure() -> None:
    found = decide(Hypothesis((cause("customer-edge"),), 0.9), Hypothesis((), 0.1, known=False))

    assert found.parties["customer"] == pytest.approx(0.95)
    assert found.parties["provider"] == pytest.approx(0.05)


def test_a_cable_that_nobody_owns_says_nothing_for_either_side() -> None:
    found = decide(Hypothesis((cause("carrier-router--provider-edge", CauseKind.LINK_FAILURE),), 1.0))

    assert found.party is Party.UNDETERMINED
    assert found.parties["customer"] == found.parties["provider"] == pytest.approx(0.5)
    assert found.causes[0].side is None
    assert found.causes[0].clause is None


def test_where_it_was_rather_both_sides_the_cause_of_either_is_shown() -> None:
    """One cause for all is the likeliest of all hypotheses, and which second one it was is not known."""
    names = ("office-server--office-switch", "customer-edge", "office-switch")
    later = [cause(name, CauseKind.LINK_FAILURE, 30, 60) for name in names]
    decided = decide(
        Hypothesis((cause("provider-core"),), 0.34),
        *(Hypothesis((cause("provider-core", end=30), second), 0.22) for second in later),
    )
    assert decided.party is Party.UNDETERMINED
    assert max(decided.parties, key=lambda party: decided.parties[party]) == "shared"
    assert [c.component for c in decided.causes] == ["provider-core", "office-server--office-switch"]
    assert decided.clause is None


def test_no_hypothesis_at_all_is_no_answer() -> None:
    found = decide()

    assert found.party is Party.UNDETERMINED
    assert found.causes == ()
    assert sum(found.parties.values()) == pytest.approx(1)


def test_one_component_with_many_kinds_of_cause_goes_before_the_largest_single_hypothesis() -> None:
    found = decide(
        Hypothesis((cause("office-switch"),), 0.36),
        Hypothesis((cause("customer-edge"),), 0.34),
        Hypothesis((cause("customer-edge", CauseKind.DEVICE_DEGRADED),), 0.30),
    )

    assert found.causes[0].component == "customer-edge"
    assert found.causes[0].probability == pytest.approx(0.34)


def test_an_operation_belongs_to_who_acted_and_a_failure_to_whose_it_is() -> None:
    detached = replace(cause("cloud-gateway", CauseKind.UNAUTHORISED_OPERATION), actor=Side.CUSTOMER)

    assert decide(Hypothesis((detached,), 1.0)).causes[0].side is Side.CUSTOMER
    assert decide(Hypothesis((cause("cloud-gateway"),), 1.0)).causes[0].side is Side.PROVIDER


def test_the_verdict_brings_the_words_of_every_clause_it_names() -> None:
    found = decide(Hypothesis((cause("customer-edge"), cause("provider-edge", start=30)), 1.0))

    assert {provision.id for provision in found.provisions} >= {cause.clause for cause in found.causes}
    assert found.provisions[0].document_zh == "腾讯云跨地域互联服务协议"


@st.composite
def weighted_hypotheses(draw: st.DrawFn) -> tuple[Hypothesis, ...]:
    components = st.sampled_from(sorted(NETWORK.components()))
    moments = st.integers(0, 50)
    chosen = draw(st.lists(st.lists(st.tuples(components, moments), max_size=2), min_size=1, max_size=5))
    weights = [draw(st.integers(1, 100)) for _ in chosen]
    return tuple(
        Hypothesis(
            tuple(cause(name, draw(st.sampled_from(SYMMETRIC)), start, start + 10) for name, start in causes),
            weight / sum(weights),
            known=draw(st.booleans()) or bool(causes),
        )
        for causes, weight in zip(chosen, weights, strict=True)
    )


@given(weighted_hypotheses())
def test_parties_and_seconds_always_add_up(hypotheses: tuple[Hypothesis, ...]) -> None:
    found = decide(*hypotheses)

    assert sum(found.parties.values()) == pytest.approx(1)
    assert sum(found.interruption.seconds_by_party.values()) == pytest.approx(60)
    assert (found.clause is None) == (found.party in (Party.NEITHER, Party.UNDETERMINED))


@given(weighted_hypotheses())
def test_swapped_sides_swap_the_party(hypotheses: tuple[Hypothesis, ...]) -> None:
    swapped = Topology(
        {name: replace(node, side=node.side.other) for name, node in NETWORK.nodes.items()},
        {name: replace(link, side=link.side and link.side.other) for name, link in NETWORK.links.items()},
    )
    found, mirrored = decide(*hypotheses), decide(*hypotheses, network=swapped)

    assert mirrored.parties["customer"] == pytest.approx(found.parties["provider"])
    assert mirrored.parties["shared"] == pytest.approx(found.parties["shared"])


@given(weighted_hypotheses(), st.randoms(use_true_random=False))
def test_the_order_of_hypotheses_does_not_matter(hypotheses: tuple[Hypothesis, ...], order: Random) -> None:
    shuffled = list(hypotheses)
    order.shuffle(shuffled)

    assert decide(*shuffled).parties == pytest.approx(decide(*hypotheses).parties)


def test_the_decision_rule_abstains_exactly_below_what_its_costs_say() -> None:
    rule = load_decision_rule()
    threshold = 1 - rule.undetermined_cost / rule.wrong_party_cost

    assert 0.85 <= threshold <= 0.9
    assert choose_party({Party.CUSTOMER: threshold + 0.01, Party.PROVIDER: 0.99 - threshold}, rule) is Party.CUSTOMER
    assert (
        choose_party({Party.CUSTOMER: threshold - 0.01, Party.PROVIDER: 1.01 - threshold}, rule) is Party.UNDETERMINED
    )


def test_a_side_that_answers_in_any_case_is_named_though_the_other_may_answer_too() -> None:
    rule = load_decision_rule()

    assert choose_party({Party.CUSTOMER: 0.86, Party.PROVIDER: 0.0, Party.SHARED: 0.14}, rule) is Party.CUSTOMER
    assert choose_party({Party.CUSTOMER: 0.86, Party.PROVIDER: 0.14, Party.SHARED: 0.0}, rule) is Party.UNDETERMINED
    assert choose_party({Party.CUSTOMER: 0.8, Party.PROVIDER: 0.0, Party.SHARED: 0.2}, rule) is Party.UNDETERMINED
    assert choose_party({Party.CUSTOMER: 0.5, Party.PROVIDER: 0.0, Party.SHARED: 0.5}, rule) is Party.UNDETERMINED
    assert choose_party({Party.CUSTOMER: 0.17, Party.PROVIDER: 0.0, Party.SHARED: 0.83}, rule) is Party.UNDETERMINED


RULE = """
[cost]
wrong_party = 1.0
part_of_the_answer = 0.5
undetermined = 0.1
[share]
material = 0.1
[prior]
customer = 0.5
provider = 0.5
"""


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("wrong_party = 1.0", "wrong_party =", "not valid TOML"),
        ("wrong_party = 1.0", "wrong_party = 2", "cost.wrong_party: found 2; expected a number from 0 to 1"),
        ("material = 0.1", "", "share.material: found None; expected a number from 0 to 1"),
        ("undetermined = 0.1", "undetermined = 1.0", "an abstention costs as much as an error; expected less"),
        ("provider = 0.5", "provider = 0.6", "prior: adds up to 1.1; expected 1"),
    ],
)
def test_a_decision_rule_that_makes_no_sense_is_refused(right: str, wrong: str, complaint: str) -> None:
    with pytest.raises(RuleError, match=complaint):
        read_decision_rule(RULE.replace(right, wrong), "decision.toml")
