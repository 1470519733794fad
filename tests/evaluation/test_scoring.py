"""What counts as right, as wrong and as not asked, and how it is counted up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.evaluation.baselines import with_majority_party
from attribution.evaluation.scoring import evaluate_trials, mark, names_the_cause, quantile, score_trials
from attribution.model.evaluation import BaselineAnswer, Case, Told, Truth
from attribution.model.verdict import CauseKind, Party
from tests.evaluation.material import (
    ABSTENTION,
    CUSTOMERS,
    HIDDEN,
    NOBODYS,
    PROVIDERS,
    cause,
    told,
    trial,
    true_cause,
)


def test_a_verdict_that_is_right_in_everything() -> None:
    marks = mark(told(), CUSTOMERS)

    assert (marks.agrees, marks.party, marks.clause, marks.component, marks.kind) == (True,) * 5
    assert (marks.wrong, marks.wrong_and_sure) == (False, False)
    assert (marks.onset_error_s, marks.end_error_s) == (0, 0)


@pytest.mark.parametrize(
    ("answer", "truth", "wrong", "sure"),
    [
        (told(Party.PROVIDER, 0.9), CUSTOMERS, True, True),
        (told(Party.PROVIDER, 0.89), CUSTOMERS, True, False),
        (told(Party.CUSTOMER, 0.99), NOBODYS, True, True),
        (told(Party.CUSTOMER, 0.99), HIDDEN, True, True),
        (told(Party.SHARED, 0.99), CUSTOMERS, True, True),
        (ABSTENTION, CUSTOMERS, False, False),
        (replace(ABSTENTION, probability=0.95), PROVIDERS, False, False),
        (ABSTENTION, HIDDEN, False, False),
        (told(Party.CUSTOMER, 0.99), CUSTOMERS, False, False),
    ],
)
def test_wrong_is_another_party_or_an_answer_that_nobody_could_know(
    answer: Told, truth: Truth, wrong: bool, sure: bool
) -> None:
    marks = mark(answer, truth)

    assert (marks.wrong, marks.wrong_and_sure) == (wrong, sure)


def test_any_clause_that_the_words_admit_is_right() -> None:
    assert mark(told(clause="4.2(1)"), CUSTOMERS).clause is True
    assert mark(told(clause="4.2(3)"), CUSTOMERS).clause is False


def test_what_is_not_asked_is_neither_right_nor_wrong() -> None:
    nobody = mark(told(Party.NEITHER, 0.98, None, ()), NOBODYS)
    abstained = mark(ABSTENTION, CUSTOMERS)
    hidden = mark(ABSTENTION, HIDDEN)

    assert (nobody.party, nobody.clause, nobody.component, nobody.kind, nobody.onset_error_s) == (True, *[None] * 4)
    assert (abstained.party, abstained.clause, abstained.component, abstained.kind) == (None, None, True, True)
    assert (hidden.party, hidden.clause, hidden.component, hidden.kind) == (None,) * 4


def test_the_component_is_that_of_the_first_root_not_of_a_consequence() -> None:
    chain = told(causes=[cause("pe1", caused_by="ce1"), cause("ce1")])

    assert mark(chain, CUSTOMERS).component is True


def test_the_truth_is_that_of_the_earliest_cause_and_admits_others_names() -> None:
    first = true_cause("sw1", CauseKind.OVERLOAD, components=["ce1"], kinds=[CauseKind.DEVICE_FAILURE])
    truth = replace(CUSTOMERS, causes=(first, true_cause("p1", start=30)))

    assert (mark(told(), truth).component, mark(told(), truth).kind) == (True, True)
    late = mark(told(causes=[cause("p1", CauseKind.ATTACK)]), truth)
    assert (late.component, late.kind) == (False, False)


def test_a_verdict_without_causes_misses_the_component() -> None:
    assert mark(told(causes=()), CUSTOMERS).component is False


def test_times_are_late_positive() -> None:
    marks = mark(told(causes=[cause(start=-1.5, end=64)]), CUSTOMERS)

    assert (marks.onset_error_s, marks.end_error_s) == (-1.5, 4)


MIXED = (
    trial(told(probability=0.99)),
    trial(told(probability=0.91, clause="4.2(4)", causes=[cause("sw1", start=2)])),
    trial(told(Party.PROVIDER, 0.95, "4.2")),
    trial(ABSTENTION),
    trial(ABSTENTION, HIDDEN),
    trial(told(Party.CUSTOMER, 0.89), HIDDEN),
    trial(told(Party.NEITHER, 0.98, None, ()), NOBODYS),
)
"""Right; wrong in clause and component; wrong and sure; abstained in vain; duly; overclaimed; nobody's."""


def test_a_corpus_is_counted_up() -> None:
    score = score_trials(MIXED)
    answers = score.answers

    def counted(*names: str) -> list[tuple[int, int]]:
        return [(getattr(score, name).right, getattr(score, name).of) for name in names]

    assert (answers.bundles, answers.wrong_party, answers.overclaimed) == (7, 1, 1)
    assert (answers.agreement.right, answers.agreement.of) == (4, 7)
    assert (answers.party.right, answers.party.of) == (3, 5)
    assert (answers.decided.right, answers.decided.of) == (4, 5)
    assert (answers.abstained.right, answers.abstained.of) == (1, 2)
    assert counted("clause", "component", "kind", "located") == [(1, 3), (2, 3), (3, 3), (3, 4)]
    assert counted("sure_and_wrong") == [(1, 4)]


def test_probabilities_are_judged_by_what_really_happened() -> None:
    """Those of decided verdicts by the label; those of the most probable party also where the label is undetermined."""
    score = score_trials(MIXED)

    assert (score.stated.count, score.likeliest.count) == (5, 7)
    assert score.stated.brier == pytest.approx((0.01**2 + 0.09**2 + 0.95**2 + 0.89**2 + 0.02**2) / 5)
    assert score.likeliest.brier == pytest.approx(
        (0.01**2 + 0.09**2 + 0.95**2 + 0.3**2 + 0.3**2 + 0.11**2 + 0.02**2) / 7
    )
    assert score.brier_parties == pytest.approx(
        2 * (0.01**2 + 0.09**2 + 0.95**2 + 0.3**2 + 0.3**2 + 0.11**2 + 0.02**2) / 7
    )


def test_errors_in_time_are_those_of_cases_with_a_cause_on_both_sides() -> None:
    onset = score_trials(MIXED).onset

    assert (onset.count, onset.median_s, onset.bias_s) == (6, 0, 0)
    assert onset.ninetieth_s == pytest.approx(1.0)  # halfway between 0 and 2: of six values the 4.5th step


def test_a_quantile_lies_on_the_line_between_neighbours() -> None:
    assert [quantile([1, 2, 4, 8], share) for share in (0, 0.5, 0.9, 1)] == pytest.approx([1, 3, 6.8, 8])


def test_groups_add_up_to_the_whole() -> None:
    cases = [Case(f"b{n}", f"s{n % 3}", f"t{n % 2}", "all") for n in range(len(MIXED))]
    trials = [replace(one, case=case) for one, case in zip(MIXED, cases, strict=True)]
    evaluation = evaluate_trials(trials)

    for groups in evaluation.groups.values():
        assert sum(score.answers.bundles for score in groups.values()) == len(trials)
        assert list(groups) == sorted(groups)
    assert set(evaluation.groups["kind"]) == {"device_failure", "none"}
    assert sum(evaluation.confusion.values()) == len(trials)
    assert evaluation.confusion[(Party.UNDETERMINED, Party.CUSTOMER)] == 1


def test_nothing_can_be_counted_up_too() -> None:
    evaluation = evaluate_trials([])

    assert evaluation.overall.answers.agreement.share is None
    assert evaluation.overall.stated.brier is None


@given(st.lists(st.sampled_from(MIXED), max_size=20))
def test_every_case_is_right_wrong_or_abstained_in_vain(trials: list[object]) -> None:
    chosen = [one for one in MIXED for _ in range(trials.count(one))]
    answers = score_trials(chosen).answers
    in_vain = answers.decided.of - answers.decided.right

    assert answers.agreement.right + answers.wrong_party + answers.overclaimed + in_vain == len(chosen)


def test_a_baseline_is_counted_as_the_verdicts_are() -> None:
    trials = [
        trial(told(), CUSTOMERS, [BaselineAnswer("guess", Party.CUSTOMER, ("ce1",))]),
        trial(told(), CUSTOMERS, [BaselineAnswer("guess", Party.CUSTOMER, ())]),
        trial(told(), CUSTOMERS, [BaselineAnswer("guess", Party.PROVIDER, ("ce1",))]),
        trial(told(), HIDDEN, [BaselineAnswer("guess", Party.UNDETERMINED)]),
    ]
    score = evaluate_trials(trials).baselines["guess"]

    assert (score.agreement.right, score.party.right, score.party.of) == (3, 2, 3)
    assert (score.component.right, score.component.of, score.wrong_party) == (1, 2, 1)


def test_a_method_that_names_no_components_is_not_asked_for_one() -> None:
    assert names_the_cause(BaselineAnswer("segments", Party.CUSTOMER, None), CUSTOMERS) is None
    assert names_the_cause(BaselineAnswer("links", Party.CUSTOMER, ()), CUSTOMERS) is False
    assert names_the_cause(BaselineAnswer("links", Party.CUSTOMER, ("ce1--sw1", "ce1")), CUSTOMERS) is True


def test_the_majority_party_is_that_of_the_decidable_cases() -> None:
    trials = with_majority_party([trial(told(), PROVIDERS), trial(told(), PROVIDERS), *[trial(told(), HIDDEN)] * 5])

    assert {one.baselines[-1].party for one in trials} == {Party.PROVIDER}
