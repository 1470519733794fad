"""Stretches of loss in bins of time: their states, how much speaks for trouble, and what of it is one interruption."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.inference.trouble import (
    Trouble,
    evidence_of_trouble,
    merge_overlapping,
    most_likely_states,
    runs_of_trouble,
    usual_loss_ratio,
)
from tests.inference.chain import between


def test_overlapping_trouble_is_one_interruption_and_neighbours_are_two() -> None:
    first, second, third = (Trouble(between(*span), 10, 5, ()) for span in ((0, 10), (9, 20), (20, 30)))

    merged = merge_overlapping([third, second, first])
    assert [trouble.interval for trouble in merged] == [between(0, 20), between(20, 30)]
    assert (merged[0].sent, merged[0].lost) == (20, 10)


def test_runs_are_maximal() -> None:
    assert runs_of_trouble([0, 1, 2, 0, 0, 3, 3]) == [(1, 2), (5, 6)]
    assert runs_of_trouble([0, 0]) == []
    assert runs_of_trouble([4]) == [(0, 0)]


counts = st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1)), min_size=1, max_size=40).map(
    lambda bins: [(sent, int(sent * ratio)) for sent, ratio in bins]
)


@settings(max_examples=30)
@given(counts)
def test_every_bin_has_a_state_and_the_clean_are_healthy(bins: list[tuple[int, int]]) -> None:
    usual = usual_loss_ratio(bins)
    assert 0 < usual <= 0.02
    assert len(most_likely_states(bins, usual)[0]) == len(bins)
    assert set(most_likely_states([(sent, 0) for sent, _ in bins], usual)[0]) == {0}


@settings(max_examples=30)
@given(st.integers(1, 300), st.floats(0.0005, 0.02))
def test_more_loss_is_more_evidence_of_trouble(sent: int, usual: float) -> None:
    above = [lost for lost in range(sent + 1) if lost / sent >= usual]
    values = [evidence_of_trouble(sent, lost, usual) for lost in above]
    assert values == sorted(values)
