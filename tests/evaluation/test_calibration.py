"""Scores and reliability as worked out by hand, and what must hold of them whatever the forecasts."""

from __future__ import annotations

from itertools import pairwise
from math import isclose, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.evaluation.calibration import (
    bins_of_equal_mass,
    bins_of_equal_width,
    brier_score,
    brier_score_of_parties,
    calibration_error,
    fit_isotonic,
    judge_reliability,
    leave_one_group_out,
    log_loss,
    wilson_proportion,
)

probabilities = st.floats(0, 1, allow_nan=False)
forecasts = st.lists(st.tuples(probabilities, st.booleans()), max_size=60)
some_forecasts = st.lists(st.tuples(probabilities, st.booleans()), min_size=1, max_size=60)


def test_wilsons_interval_is_that_of_the_tables() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, 15 of 148, 0 of 20 and 1 of 29."""
    assert [
        (round(found.low, 4), round(found.high, 4))
        for found in (wilson_proportion(*case) for case in ((81, 263), (15, 148), (0, 20), (1, 29)))
    ] == [(0.2553, 0.3662), (0.0624, 0.1605), (0.0, 0.1611), (0.0061, 0.1718)]


def test_nothing_seen_is_nothing_known() -> None:
    found = wilson_proportion(0, 0)

    assert (found.share, found.low, found.high) == (None, 0.0, 1.0)


@given(st.integers(1, 5000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_interval_holds_the_share_and_narrows_with_more_cases(case: tuple[int, int]) -> None:
    right, of = case
    few, many = wilson_proportion(right, of), wilson_proportion(4 * right, 4 * of)

    assert few.share is not None
    assert 0 <= few.low <= few.share <= few.high <= 1
    assert many.high - many.low < few.high - few.low


def test_a_share_of_more_than_all_is_refused() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        wilson_proportion(3, 2)


def test_brier_and_log_loss_by_hand() -> None:
    pair = [(0.8, True), (0.6, False)]

    assert brier_score(pair) == pytest.approx((0.04 + 0.36) / 2)
    assert log_loss(pair) == pytest.approx(-(log(0.8) + log(0.4)) / 2)


def test_certainty_that_is_wrong_costs_much_but_not_infinitely_much() -> None:
    assert log_loss([(1.0, False)]) == pytest.approx(-log(1e-6))


def test_briers_score_over_parties_by_hand() -> None:
    stated = {"customer": 0.7, "provider": 0.2, "shared": 0.1}

    assert brier_score_of_parties([(stated, "customer")]) == pytest.approx(0.09 + 0.04 + 0.01)
    assert brier_score_of_parties([(stated, "neither")]) == pytest.approx(0.49 + 0.04 + 0.01 + 1)


def test_scores_of_nothing_are_none() -> None:
    assert (brier_score([]), log_loss([]), brier_score_of_parties([]), calibration_error(())) == (None,) * 4


def test_calibration_error_by_hand() -> None:
    """Five at 0.95 of which four came true, three at 0.55 of which one did: (5 × 0.15 + 3 × 0.2167) / 8."""
    cases = [(0.95, True)] * 4 + [(0.95, False)] + [(0.55, True)] + [(0.55, False)] * 2
    bins = bins_of_equal_width(cases)

    assert [(part.low, part.high, part.right.right, part.right.of) for part in bins] == [
        (0.5, 0.6, 1, 3),
        (0.9, 1.0, 4, 5),
    ]
    assert calibration_error(bins) == pytest.approx((5 * 0.15 + 3 * (0.55 - 1 / 3)) / 8)


def test_a_probability_of_one_falls_into_the_last_bin() -> None:
    assert [(part.low, part.high) for part in bins_of_equal_width([(1.0, True), (0.0, False)])] == [(0, 0.1), (0.9, 1)]


def test_bins_of_equal_mass_by_hand() -> None:
    cases = [(n / 10, n % 2 == 0) for n in range(8)]

    assert [(part.low, part.high, part.right.of) for part in bins_of_equal_mass(cases, 4)] == [
        (0.0, 0.1, 2), (0.2, 0.3, 2), (0.4, 0.5, 2), (0.6, 0.7, 2),
    ]  # fmt: skip


def test_cases_with_one_probability_stay_in_one_bin() -> None:
    """Else the order of equal cases, which means nothing, would decide about the error."""
    assert [part.right.of for part in bins_of_equal_mass([(0.9, n < 9) for n in range(10)], 5)] == [10]


@given(forecasts, st.integers(1, 20))
def test_every_case_is_in_one_bin(cases: list[tuple[float, bool]], bins: int) -> None:
    for found in (bins_of_equal_width(cases, bins), bins_of_equal_mass(cases, bins)):
        assert sum(part.right.of for part in found) == len(cases)
        assert sum(part.right.right for part in found) == sum(true for _, true in cases)
        assert all(part.low <= part.mean_probability + 1e-12 for part in found)
        assert all(part.mean_probability <= part.high + 1e-12 for part in found)


@given(some_forecasts)
def test_the_error_is_no_more_than_the_mean_distance_and_no_less_than_the_overall_bias(
    cases: list[tuple[float, bool]],
) -> None:
    found = judge_reliability(cases)
    bias = abs(sum(p - true for p, true in cases)) / len(cases)
    distance = sum(abs(p - true) for p, true in cases) / len(cases)

    for error in (found.ece_width, found.ece_mass):
        assert error is not None
        assert bias - 1e-9 <= error <= distance + 1e-9


@given(some_forecasts)
def test_the_order_of_the_cases_means_nothing(cases: list[tuple[float, bool]]) -> None:
    assert judge_reliability(cases) == judge_reliability(cases[::-1])


def test_isotonic_regression_pools_what_violates_the_order() -> None:
    """1, 3, 2, 4: the middle two are averaged."""
    fitted = fit_isotonic([1, 2, 3, 4], [1.0, 3.0, 2.0, 4.0])

    assert [fitted(score) for score in (0, 1, 2, 2.5, 3, 3.5, 4, 9)] == [1, 1, 2.5, 2.5, 2.5, 3.25, 4, 4]


def test_isotonic_regression_pools_backwards_as_far_as_it_must() -> None:
    fitted = fit_isotonic([1, 2, 3, 4], [2.0, 3.0, 4.0, 0.0])

    assert [fitted(score) for score in (1, 2, 3, 4)] == pytest.approx([2, 7 / 3, 7 / 3, 7 / 3])


def test_isotonic_regression_minds_the_weights() -> None:
    fitted = fit_isotonic([0.4, 0.6], [1.0, 0.0], [3.0, 1.0])

    assert (fitted(0.4), fitted(0.6)) == (0.75, 0.75)


def test_equal_scores_are_one_point() -> None:
    fitted = fit_isotonic([0.5, 0.5, 0.9], [0.0, 1.0, 1.0])

    assert (fitted(0.5), fitted(0.9)) == (0.5, 1.0)


@given(some_forecasts)
def test_the_fit_never_falls_and_keeps_the_mean(cases: list[tuple[float, bool]]) -> None:
    """Both are what least squares among rising functions implies; the mean also within every pooled block."""
    scores, outcomes = [p for p, _ in cases], [float(true) for _, true in cases]
    fitted = fit_isotonic(scores, outcomes)
    values = [fitted(score) for score in sorted(scores)]

    assert all(one <= other + 1e-12 for one, other in pairwise(values))
    assert isclose(sum(values), sum(outcomes), abs_tol=1e-9)
    assert all(min(outcomes) - 1e-12 <= value <= max(outcomes) + 1e-12 for value in values)


@given(some_forecasts)
def test_no_rising_step_fits_better(cases: list[tuple[float, bool]]) -> None:
    """Against every step function with one step, whose two levels are the means on either side in rising order."""
    scores, outcomes = [p for p, _ in cases], [float(true) for _, true in cases]
    fitted = fit_isotonic(scores, outcomes)
    error = sum((fitted(p) - y) ** 2 for p, y in zip(scores, outcomes, strict=True))

    for threshold in set(scores):
        low = [y for p, y in zip(scores, outcomes, strict=True) if p < threshold]
        high = [y for p, y in zip(scores, outcomes, strict=True) if p >= threshold]
        levels = (sum(low) / len(low) if low else 0.0, sum(high) / len(high))
        if levels[0] <= levels[1]:
            step = sum((y - levels[0]) ** 2 for y in low) + sum((y - levels[1]) ** 2 for y in high)
            assert error <= step + 1e-9


@given(some_forecasts)
def test_a_fit_mends_its_own_cases(cases: list[tuple[float, bool]]) -> None:
    """On what it was fitted on, each value is the share that came true where it stands."""
    fitted = fit_isotonic([p for p, _ in cases], [float(true) for _, true in cases])
    by_value: dict[float, list[bool]] = {}
    for p, true in cases:
        by_value.setdefault(round(fitted(p), 12), []).append(true)

    assert all(isclose(value, sum(true) / len(true), abs_tol=1e-9) for value, true in by_value.items())


@pytest.mark.parametrize(
    ("scores", "outcomes", "weights"), [([], [], None), ([1], [1, 0], None), ([1, 2], [0, 1], [1.0, 0.0])]
)
def test_a_fit_on_nothing_or_on_what_does_not_match_is_refused(
    scores: list[float], outcomes: list[float], weights: list[float] | None
) -> None:
    with pytest.raises(ValueError):
        fit_isotonic(scores, outcomes, weights)


def test_leaving_one_group_out_by_hand() -> None:
    splits = list(leave_one_group_out(["ring", "chain", "ring", "mesh"]))

    assert [(split.held_out, split.fit, split.test) for split in splits] == [
        ("ring", (1, 3), (0, 2)),
        ("chain", (0, 2, 3), (1,)),
        ("mesh", (0, 1, 2), (3,)),
    ]


@given(st.lists(st.sampled_from("abcd"), min_size=2, max_size=30).filter(lambda groups: len(set(groups)) > 1))
def test_every_case_is_tested_once_and_never_by_what_was_fitted_on_its_group(groups: list[str]) -> None:
    splits = list(leave_one_group_out(groups))

    assert sorted(index for split in splits for index in split.test) == list(range(len(groups)))
    for split in splits:
        assert {groups[index] for index in split.test} == {split.held_out}
        assert split.held_out not in {groups[index] for index in split.fit}
        assert len(split.fit) + len(split.test) == len(groups)


def test_one_group_cannot_be_left_out() -> None:
    with pytest.raises(ValueError, match="nothing would be left"):
        list(leave_one_group_out(["ring", "ring"]))
