"""What loses packets is found, as surely as counting every possibility finds it, however it is written down."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.errors import EvidenceError
from attribution.inference.localization import NONE, Counts, Lists, Localization, Parts, load_assumptions, localize
from attribution.inference.localization.exact import count_exactly
from tests.inference.localization.networks import SMALL, permuted, small_case

SEEDS = st.integers(0, 100_000)
CASES = 1_000
AGREES = 0.01


def solved(parts: Parts, counts: Counts, healthy: float) -> Localization:
    return localize(parts, counts, SMALL, healthy)


@pytest.mark.parametrize("first", range(0, CASES, 100))
def test_the_solver_is_as_sure_as_counting_every_possibility_makes_it(first: int) -> None:
    for seed in range(first, first + 100):
        parts, counts, healthy = small_case(seed)
        sets, devices = count_exactly(parts, counts, replace(SMALL, steps=40), healthy)
        found = solved(parts, counts, healthy)

        elements = [sum(p for failing, p in sets.items() if i in failing) for i in range(parts.elements)]
        assert found.element_probability == pytest.approx(elements, abs=AGREES), seed
        assert found.device_probability == pytest.approx(devices, abs=AGREES), seed
        best = sets[frozenset(found.best.elements)]
        assert best >= max(sets.values()) - AGREES, seed
        assert found.best.probability == pytest.approx(best, abs=AGREES), seed


@settings(deadline=None, max_examples=40)
@given(SEEDS, st.randoms(use_true_random=False))
def test_the_order_of_the_measurements_does_not_matter(seed: int, chance: random.Random) -> None:
    parts, counts, healthy = small_case(seed)
    order = list(range(len(counts.sent)))
    chance.shuffle(order)
    other = Counts.of(
        counts.paths, counts.sent[order], counts.lost[order], counts.path[order], counts.choice[order], counts.choices
    )

    assert solved(parts, other, healthy).element_probability == pytest.approx(
        solved(parts, counts, healthy).element_probability, abs=1e-6
    )


@settings(deadline=None, max_examples=40)
@given(SEEDS)
def test_the_numbering_of_the_parts_does_not_matter(seed: int) -> None:
    parts, counts, healthy = small_case(seed)
    names = np.random.default_rng(seed).permutation(parts.elements)
    renamed_parts, renamed = permuted(parts, counts, names)

    found = solved(renamed_parts, renamed, healthy)

    expected = solved(parts, counts, healthy)
    assert found.element_probability[names] == pytest.approx(expected.element_probability, abs=AGREES)
    assert found.device_probability == pytest.approx(expected.device_probability, abs=AGREES)


@settings(deadline=None, max_examples=40)
@given(SEEDS)
def test_a_measurement_of_a_known_path_may_come_in_two_parts(seed: int) -> None:
    parts, counts, healthy = small_case(seed)
    known = counts.choice == NONE
    some_sent = np.where(known, counts.sent // 3, 0)
    some_lost = np.minimum(counts.lost, some_sent)
    parted = Counts.of(
        counts.paths,
        np.concatenate([some_sent[known], counts.sent - some_sent]),
        np.concatenate([some_lost[known], counts.lost - some_lost]),
        np.concatenate([counts.path[known], counts.path]),
        np.concatenate([counts.choice[known], counts.choice]),
        counts.choices,
    )

    assert solved(parts, parted, healthy).element_probability == pytest.approx(
        solved(parts, counts, healthy).element_probability, abs=1e-6
    )


@settings(deadline=None, max_examples=40)
@given(SEEDS)
def test_a_clean_element_elsewhere_changes_nothing(seed: int) -> None:
    parts, counts, healthy = small_case(seed)
    new = len(counts.paths)
    paths = Lists.of([*(counts.paths[i].tolist() for i in range(new)), [parts.elements]])
    more = Counts.of(
        paths,
        np.append(counts.sent, 500),
        np.append(counts.lost, 0),
        np.append(counts.path, new),
        np.append(counts.choice, NONE),
        counts.choices,
    )

    found = solved(Parts(parts.elements + 1, parts.devices), more, healthy)

    assert found.element_probability[-1] < 0.001
    assert found.element_probability[:-1] == pytest.approx(
        solved(parts, counts, healthy).element_probability, abs=AGREES
    )


def star(links: int, lossy: dict[int, int]) -> tuple[Parts, Counts]:
    """A device with links of one hop, each measured by 20,000 packets, some of which got lost."""
    paths = Lists.of([[i] for i in range(links)])
    lost = [lossy.get(i, 1) for i in range(links)]
    return Parts(links, Lists.of([list(range(links))])), Counts.of(paths, [20_000] * links, lost, range(links))


def test_one_lossy_link_is_a_link_not_a_device() -> None:
    found = localize(*star(40, {7: 100}))

    assert found.best.elements == (7,)
    assert found.element_probability[7] > 0.99
    assert found.device_probability[0] < 0.01
    assert found.loss_ratio[7] == pytest.approx(0.005, rel=0.1)


def test_a_quarter_of_its_links_lossy_is_a_device() -> None:
    found = localize(*star(40, {i: 60 + 20 * i for i in range(10)}))

    assert found.best.devices == (0,)
    assert found.device_probability[0] > 0.99
    assert found.best.elements == tuple(range(10))


def test_of_two_links_that_only_one_path_crosses_neither_is_accused_alone() -> None:
    parts = Parts(2, Lists.of([]))
    found = localize(parts, Counts.of(Lists.of([[0, 1]]), [10_000], [200], [0]))

    assert found.element_probability == pytest.approx([0.5, 0.5], abs=0.01)
    assert {one.elements for one in found.sets[:2]} == {(0,), (1,)}


def test_flows_over_equal_paths_clear_and_accuse_by_their_number() -> None:
    """Every flow chose one of four paths: one in four loses, and only a traced one tells which path it is."""
    paths = Lists.of([[0, 5], [1, 5], [2, 5], [3, 5], [4]])
    sent, lost = [400] * 80, [0 if i % 4 else 20 for i in range(80)]
    unknown = Counts.of(paths, sent, lost, [4] * 80, [0] * 80, Lists.of([[0, 1, 2, 3]]))
    traced = Counts.of(paths, [*sent, 400], [*lost, 20], [*[4] * 80, 2], [*[0] * 80, NONE], Lists.of([[0, 1, 2, 3]]))

    guess, sure = (localize(Parts(6, Lists.of([])), counts) for counts in (unknown, traced))

    assert guess.element_probability[:4] == pytest.approx([0.25] * 4, abs=0.01)
    assert guess.element_probability[4:].max() < 0.01
    assert sure.element_probability[2] > 0.99
    assert np.delete(sure.element_probability, 2).max() < 0.01


def test_nothing_measured_leaves_the_prior() -> None:
    found = localize(Parts(3, Lists.of([[0, 1]])), Counts.of(Lists.of([]), [], [], []))

    assert found.best.elements == ()
    assert found.element_probability == pytest.approx([load_assumptions().element_failing] * 3, abs=0.001)


def test_a_dead_link_is_found() -> None:
    counts = Counts.of(Lists.of([[0, 1], [1, 2], [0]]), [50] * 3, [0, 50, 0], range(3))
    found = localize(Parts(3, Lists.of([])), counts)

    assert found.element_probability[2] > 0.99
    assert found.loss_ratio[2] > 0.9


@pytest.mark.parametrize(
    ("paths", "lost", "path", "choice", "message"),
    [
        ([[0]], [11], [0], [NONE], "lost, row 0: 11; between 0 and sent"),
        ([[0]], [0], [1], [NONE], "path, row 0: 1; a path or NONE"),
        ([[0]], [0], [0], [0], "choice, row 0: 0; a choice or NONE"),
        ([[9]], [0], [0], [NONE], "paths, row 0: 9; an element, below 2"),
        ([[1, 0, 1]], [0], [0], [NONE], "path 0: element 1 twice; each element once at most"),
        ([[0]], [0, 0], [0], [NONE], "column lost: 2 rows; 1, as many as sent"),
    ],
)
def test_columns_that_contradict_each_other_are_refused(
    paths: list[list[int]], lost: list[int], path: list[int], choice: list[int], message: str
) -> None:
    counts = Counts.of(Lists.of(paths), [10], lost, path, choice)

    with pytest.raises(EvidenceError, match=message):
        localize(Parts(2, Lists.of([])), counts)
