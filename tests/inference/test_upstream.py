"""Where routes are missed: at one router, or one for each direction, not at each that may have been."""

from __future__ import annotations

from itertools import pairwise
from math import exp, log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.inference.upstream import (
    CAME_THROUGH,
    FIRST,
    NOBODY,
    ONE,
    SAME_AGAIN,
    SAYS_NOTHING,
    TWO,
    Upstream,
    gain_of_same_place,
)

WELL, MISSED = -0.1, -9.0
"""What a clean measurement says if nobody drops its packets and if somebody does; a lossy one the other way round."""


def looking(*lossy: str, nodes: str = "abcdef", first: str = "", quiet: str = "") -> Upstream:
    """One balance for each router; those named lost packets, the `first` are met first from either end, and of the
    `quiet` one would have heard that they had no route."""
    healthy = [MISSED if node in lossy else WELL for node in nodes]
    dropped = [WELL if node in lossy else MISSED for node in nodes]
    return Upstream([{node} for node in nodes], healthy, dropped, first, quiet)


def test_one_router_that_drops_is_expected_at_the_price_of_saying_which() -> None:
    missing = looking("c").weigh(range(6))
    assert missing.dropped == {2}
    assert missing.total == pytest.approx(6 * WELL + log(ONE / 6), abs=0.05)


def test_one_router_for_each_direction_costs_a_little_more_and_a_third_much() -> None:
    prices = [looking(*lossy).weigh(range(6)).total for lossy in ("", "b", "be", "bde")]
    steps = [one - other for one, other in pairwise(prices)]
    assert looking("b", "e").weigh(range(6)).dropped == {1, 4}
    assert 0 < steps[0] < 3
    assert 0 < steps[1] < 3
    assert steps[2] > 6


def test_more_routers_that_lost_nothing_hardly_matter() -> None:
    few, many = looking("a", nodes="ab").weigh(range(2)).total, looking("a", nodes="abcdefgh").weigh(range(8)).total
    assert few - many == pytest.approx(-6 * WELL + log(4), abs=0.1)


def test_what_one_router_drops_is_missing_in_all_that_it_met() -> None:
    chain = Upstream([{"a"}, {"a", "b"}, {"b", "c"}], [MISSED, MISSED, WELL], [WELL, WELL, MISSED])
    assert chain.weigh([0, 1, 2]).dropped == {0, 1}


def test_the_edge_of_the_other_end_is_looked_at_however_many_routers_share_a_greater_loss() -> None:
    """All on a long way may have dropped what was lost on it; what an edge's balance misses only the edge has."""
    long_way = {"b", "c", "d", "e", "z"}
    ways = Upstream([long_way, long_way, {"a"}], [MISSED] * 3, [WELL] * 3, first="az")
    assert ways.weigh([0, 1, 2]).dropped == {0, 1, 2}
    assert max(ways.weigh([0, 1, 2]).places.items(), key=lambda place: sum(place[1]))[0] == ("a", "z")


def test_nothing_lost_says_that_nobody_missed_a_route() -> None:
    missing = looking().weigh(range(6))
    assert missing.dropped == frozenset()
    assert missing.total == pytest.approx(6 * WELL + log(NOBODY), abs=0.01)


@given(
    st.lists(st.tuples(st.floats(-9, 0), st.floats(-9, 0)), min_size=1, max_size=7), st.randoms(use_true_random=False)
)
def test_it_is_a_mixture_whatever_the_order(kinds: list[tuple[float, float]], dice: Random) -> None:
    names = [f"r{index % 4}" for index in range(len(kinds))]
    healthy, dropped = [one for one, _ in kinds], [other for _, other in kinds]
    order = list(range(len(kinds)))
    dice.shuffle(order)
    table = Upstream([{name} for name in names], healthy, dropped)

    told = table.weigh(range(len(kinds))).total
    best = sum(max(pair) for pair in kinds)
    assert table.weigh(order).total == pytest.approx(told)
    assert sum(healthy) + log(NOBODY) <= told + 1e-9 <= best + 2e-9


def test_the_prices_are_those_of_all_cases() -> None:
    assert pytest.approx(1.0) == NOBODY + ONE + TWO
    certain = Upstream([{"a"}], [0.0], [0.0])
    assert exp(certain.weigh([0]).total) == pytest.approx(NOBODY + ONE)


def test_a_route_is_rather_missed_where_packets_are_routed_first() -> None:
    first, elsewhere = (looking(*lossy, first="af").weigh(range(6)).total for lossy in ("af", "be"))
    assert first == pytest.approx(6 * WELL + log(TWO * FIRST), abs=0.05)
    assert first > elsewhere + 2
    assert looking("a", first="af").weigh(range(6)).total > looking("b", first="af").weigh(range(6)).total + 1


def test_a_router_that_never_said_that_it_had_no_route_rather_had_one() -> None:
    telling, one_quiet, two_quiet = (looking("b", "e", quiet=quiet).weigh(range(6)).total for quiet in ("a", "b", "be"))
    assert telling - one_quiet == pytest.approx(-log(SAYS_NOTHING), abs=0.05)
    assert telling - two_quiet == pytest.approx(-2 * log(SAYS_NOTHING), abs=0.05)
    assert looking(quiet="abcdef").weigh(range(6)).total == pytest.approx(looking().weigh(range(6)).total, abs=0.01)


@pytest.mark.parametrize(
    ("ends", "passed", "doubted"),
    [
        (["near", "near"], {("a", "near")}, True),
        (["near", "near"], {("a", "far")}, False),
        (["near", "far"], {("a", "near")}, False),
        (["near", None], {("a", "near"), ("a", "far")}, True),
        ([None, None], {("a", "near"), ("a", "far")}, True),
        ([None, None], {("a", "near")}, False),
        (["near", "near"], set(), False),
    ],
)
def test_a_router_that_packets_for_an_end_came_through_had_a_route_for_it(
    ends: list[str | None], passed: set[tuple[str, str]], doubted: bool
) -> None:
    """Whatever class of packets they were: who has no route drops all."""
    told = [
        Upstream([{"a"}, {"a"}], [MISSED] * 2, [WELL] * 2, ends=ends, passed=seen).weigh([0, 1]).total
        for seen in (set(), passed)
    ]
    assert told[0] - told[1] == pytest.approx(-log(CAME_THROUGH) if doubted else 0.0, abs=0.1)


def test_it_is_a_mixture_whoever_routes_first() -> None:
    certain = Upstream([{"a"}, {"b"}, {"c"}], [0.0] * 3, [0.0] * 3, "ac")
    assert exp(certain.weigh([0, 1, 2]).total) == pytest.approx(1.0)


def test_others_packets_share_one_doubt() -> None:
    """Whether much of the network has no route, or none of it, is one question and not one for each of them."""
    clean, lossy = (Upstream([None] * 20, [own] * 20, [other] * 20) for own, other in ((0, -2), (-2, 0)))
    assert clean.weigh(range(20)).total > -4
    assert lossy.weigh(range(20)).total > -4
    assert lossy.weigh(range(20)).dropped == frozenset(range(20))


def test_a_route_that_is_missed_at_the_same_place_again_is_no_second_surprise() -> None:
    again = gain_of_same_place([looking("c").weigh(range(6))] * 3)
    assert again == pytest.approx(2 * log(6 / ONE), abs=0.6)


def test_two_routers_are_the_same_place_whichever_of_them_dropped_more() -> None:
    def at_both(a: float, e: float) -> Upstream:
        return Upstream([{"a"}, {"b"}, {"e"}], [a, WELL, e], [WELL, MISSED, WELL])

    more, less = at_both(-12.0, -9.0).weigh(range(3)), at_both(-9.0, -12.0).weigh(range(3))
    assert more.places.keys() == less.places.keys()
    assert gain_of_same_place([more, less]) == pytest.approx(gain_of_same_place([more, more]), abs=0.01)


def test_a_route_that_is_missed_elsewhere_each_time_costs_little_more_than_chance() -> None:
    apart = gain_of_same_place([looking(name).weigh(range(6)) for name in "ace"])
    assert log(1 - SAME_AGAIN) <= apart < 0


def test_one_phase_has_nothing_to_be_the_same_as() -> None:
    assert gain_of_same_place([]) == gain_of_same_place([looking("c").weigh(range(6))]) == 0.0
