"""How well faults explain losses: proper probabilities, no witness counted twice, clean crossings always exonerate."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, permutations
from math import exp, log
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.inference.candidates import Candidate, Direction
from attribution.inference.grouping import (
    Group,
    core_of,
    group_measurements,
    is_sum_of_parts,
    needs_routes,
    ways_arrived,
    ways_captured,
    ways_unheeded,
)
from attribution.inference.likelihood import (
    OF_DEVICES,
    OF_PACKETS,
    RATES,
    RUNS_AT_RANDOM,
    STREWN_IN_AFTERMATH,
    add_logs,
    log_beta_binomial,
    log_faulty,
    log_healthy,
    log_in_runs,
    log_perhaps,
)
from attribution.inference.loss import (
    LOST_BY_CHANCE,
    OUTLASTED,
    RETURNING,
    STILL_GONE,
    UNSTEADY,
    PhaseLosses,
)
from attribution.inference.modes import Reach
from attribution.inference.phases import Phase
from attribution.inference.relation import Touch, touch_of
from attribution.inference.upstream import CAME_THROUGH, SAYS_NOTHING
from attribution.model.evidence import Journey, Measurement, Method, Stretch
from attribution.model.verdict import CauseKind
from tests.inference.chain import (
    CHAIN,
    ENDS,
    PATHS,
    WAY,
    WAY_NODES,
    between,
    candidate,
    during,
    link_name,
    measured,
    mode,
    probed,
    there_and_back,
    way,
)

PHASE = Phase((between(20, 60),))
few = settings(max_examples=40)
counts = st.integers(1, 60).flatmap(lambda sent: st.tuples(st.just(sent), st.integers(0, sent)))


def group(sent: int, lost: int, source: str = ENDS[0], destination: str = ENDS[1], traffic: str = "icmp") -> Group:
    whole = {source, destination} == set(ENDS)
    member = measured(30, 31, sent, lost, source, destination, traffic=traffic)
    return Group(member.journeys, whole, whole, traffic, sent, lost, 1.0, (member,))


def score(who: Candidate, groups: list[Group]) -> float:
    table = PhaseLosses(groups)
    touches = [touch_of(who, kind[0].journeys, kind[0].of_service, PATHS) for kind in table.kinds]
    return table.fit(who, touches).total


@few
@given(st.integers(0, 40), st.sampled_from(RATES))
def test_each_likelihood_is_a_probability(sent: int, rate: float) -> None:
    """Over all that may be lost they add up to one."""

    def total(values: list[float]) -> float:
        return sum(exp(value) for value in values)

    every = range(sent + 1)
    assert total([log_beta_binomial(k, sent, rate, 4.0) for k in every]) == pytest.approx(1)
    assert total([log_healthy(k, sent) for k in every]) == pytest.approx(1)
    assert total([log_faulty(k, sent, rate) for k in every]) == pytest.approx(1)
    assert total([log_perhaps(k, sent, rate, 0.3) for k in every]) == pytest.approx(1)


@few
@given(st.integers(1, 500))
def test_a_healthy_network_is_never_likelier_for_having_lost_more(sent: int) -> None:
    values = [log_healthy(lost, sent) for lost in range(sent + 1)]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("sent", [1_000, 100_000, 10_000_000])
def test_a_device_that_passed_on_millions_and_lost_none_is_healthy(sent: int) -> None:
    """However many packets others send through it; else clean counters would speak for whatever nobody knows."""
    clean = log_healthy(0, sent, OF_DEVICES)
    assert clean > -3.5
    assert clean > max(log_faulty(0, sent, rate, OF_DEVICES) for rate in RATES) + 1


@few
@given(st.integers(1, 10_000), st.sampled_from(RATES))
def test_a_clean_measurement_never_speaks_for_a_fault(sent: int, rate: float) -> None:
    assert log_faulty(0, sent, rate) < log_healthy(0, sent)


@few
@given(st.integers(1, 200))
def test_a_total_loss_always_speaks_for_some_fault(sent: int) -> None:
    assert max(log_faulty(sent, sent, rate) for rate in RATES) > log_healthy(sent, sent)


@few
@given(counts, st.sampled_from(RATES), st.floats(0.01, 0.99))
def test_a_fault_that_may_touch_lies_between_both(seen: tuple[int, int], rate: float, chance: float) -> None:
    sent, lost = seen
    low, high = sorted([log_healthy(lost, sent), log_faulty(lost, sent, rate)])
    assert low - 1e-9 <= log_perhaps(lost, sent, rate, chance) <= high + 1e-9


@few
@given(st.lists(st.floats(-50, 5), min_size=1, max_size=8))
def test_sums_of_logarithms(values: list[float]) -> None:
    assert exp(add_logs(*values)) == pytest.approx(sum(exp(value) for value in values))


stretches = st.tuples(st.sampled_from(WAY_NODES), st.sampled_from(WAY_NODES)).filter(lambda pair: pair[0] != pair[1])
evidence = st.lists(st.tuples(stretches, counts), min_size=1, max_size=6, unique_by=lambda entry: frozenset(entry[0]))
components = st.sampled_from(sorted(WAY))


@few
@given(evidence, stretches, st.integers(1, 500), components, components)
def test_a_clean_crossing_never_helps_a_fault_it_crosses_against_one_that_it_does_not(
    seen: list[tuple[tuple[str, str], tuple[int, int]]], ends: tuple[str, str], sent: int, one: str, other: str
) -> None:
    """The candidate on the clean stretch falls behind any candidate that is not on it."""
    known = [group(*lost, *stretch) for stretch, lost in seen if frozenset(stretch) != frozenset(ends)]
    clean = group(sent, 0, *ends)
    crossed, spared = candidate(one), candidate(other)
    if one not in way(*ends) or other in way(*ends):
        return
    before = score(crossed, known) - score(spared, known) if known else 0.0
    after = score(crossed, [*known, clean]) - score(spared, [*known, clean])
    assert after < before + 1e-9


@few
@given(evidence, components, st.randoms(use_true_random=False))
def test_the_order_of_groups_does_not_matter(
    seen: list[tuple[tuple[str, str], tuple[int, int]]], component: str, order: Random
) -> None:
    groups = [group(*lost, *stretch) for stretch, lost in seen]
    shuffled = list(groups)
    order.shuffle(shuffled)
    assert score(candidate(component), shuffled) == pytest.approx(score(candidate(component), groups))


@few
@given(evidence)
def test_what_a_fault_does_not_touch_leaves_it_as_good_as_health(
    seen: list[tuple[tuple[str, str], tuple[int, int]]],
) -> None:
    """But for this: that all that is clearly lost was lost by chance while the fault touched none of it."""
    groups = [group(*lost, *stretch) for stretch, lost in seen]
    nowhere = candidate("some-other-device")
    chance = score(nowhere, groups) - sum(log_healthy(g.lost, g.sent) for g in groups)

    assert chance == pytest.approx(0.0) or chance == pytest.approx(log(LOST_BY_CHANCE))
    assert chance == pytest.approx(0.0) or any(g.lost for g in groups)


def test_a_fault_beside_all_that_was_lost_is_hardly_ever_to_blame() -> None:
    lost, clean = group(100, 100, "customer-host", "customer-edge"), group(100, 0, "provider-core", "provider-host")
    nowhere, there = candidate("some-other-device"), candidate("customer-core")

    assert score(nowhere, [lost, clean]) == pytest.approx(score(nowhere, [lost]) + score(nowhere, [clean]))
    assert score(there, [lost]) - score(nowhere, [lost]) > -log(LOST_BY_CHANCE)
    assert score(nowhere, [clean]) == pytest.approx(log_healthy(0, 100))


def test_the_fault_on_the_lossy_stretch_explains_best() -> None:
    """Packets reach the customer's edge and not the provider's core."""
    groups = [
        group(100, 100),
        group(100, 0, "customer-host", "customer-edge"),
        group(100, 100, "customer-host", "provider-core"),
        group(100, 0, "provider-core", "provider-host"),
    ]
    scores = {component: score(candidate(component), groups) for component in WAY if component in WAY_NODES}
    assert max(scores, key=scores.__getitem__) == "provider-edge"


def test_a_fault_that_usually_loses_all_is_unlikely_where_little_was_lost() -> None:
    total, partial = mode(full=0.98), mode(full=0.02)
    gray, black = [group(500, 40)], [group(500, 500)]

    assert score(candidate("provider-edge", partial), gray) > score(candidate("provider-edge", total), gray)
    assert score(candidate("provider-edge", total), black) > score(candidate("provider-edge", partial), black)


def test_the_fitted_rate_is_near_what_was_lost() -> None:
    for lost in (40, 250, 1000):
        table = PhaseLosses([group(1000, lost), group(1000, lost, "customer-host", "provider-core")])
        fit = table.fit(candidate("provider-edge", mode(full=0.5)), [Touch.YES] * len(table.kinds))
        assert fit.rate == pytest.approx(lost / 1000, abs=0.12)


def test_all_that_one_fault_touches_suffers_about_alike() -> None:
    """Ten in a hundred here and all there are no single loss rate."""
    alike = [group(200, 20), group(200, 20, "customer-host", "provider-core")]
    unlike = [group(200, 20), group(200, 200, "customer-host", "provider-core")]
    fault, health = candidate("provider-edge", mode(full=0.1)), candidate("elsewhere")

    assert score(fault, alike) > score(health, alike)
    fits = [PhaseLosses(groups).fit(fault, [Touch.YES] * 2) for groups in (alike, unlike)]
    assert fits[0].rate < fits[1].rate


def test_classes_of_one_way_are_touched_together_unless_the_fault_chooses_among_them() -> None:
    groups = [group(50, 50, traffic="icmp"), group(50, 50, traffic="tcp")]
    assert len(PhaseLosses(groups).kinds) == 1

    mixed = [group(50, 0, traffic="icmp"), group(50, 50, traffic="tcp")]
    table = PhaseLosses(mixed)
    fault = candidate("provider-edge", mode(full=0.9))
    assert table.fit(fault, [Touch.SOME_CLASSES]).total > table.fit(fault, [Touch.YES]).total


def test_a_surer_touch_is_better_where_much_was_lost_and_worse_where_nothing_was() -> None:
    order = (Touch.NO, Touch.RARELY, Touch.MAYBE, Touch.YES)
    lossy, clean = PhaseLosses([group(100, 100)]), PhaseLosses([group(100, 0)])
    fault = candidate("provider-edge", mode(full=0.9))

    lost = [lossy.fit(fault, [touch]).total for touch in order]
    kept = [clean.fit(fault, [touch]).total for touch in order]
    assert lost == sorted(lost)
    assert kept == sorted(kept, reverse=True)


def lossy(picture: str) -> list[bool]:
    return [mark == "x" for mark in picture]


@pytest.mark.parametrize("picture", ["xxxxx.....", ".xxxxxxx..", "xx........"])
def test_what_is_lost_and_comes_back_for_good_is_the_aftermath_of_a_fault(picture: str) -> None:
    assert log_in_runs(lossy(picture)) > 0.3


@pytest.mark.parametrize("picture", ["x.x..x.xx.x.", "..x.x.xx.x.x.x", ".x..x.x"])
def test_what_is_lost_now_and_then_is_no_aftermath(picture: str) -> None:
    assert log_in_runs(lossy(picture)) < -2


@few
@given(st.lists(st.booleans(), max_size=4000))
def test_an_order_says_only_so_much_and_where_all_fared_alike_nothing(order: list[bool]) -> None:
    told = log_in_runs(order)
    assert log(STREWN_IN_AFTERMATH) < told < -log(RUNS_AT_RANDOM)
    assert log_in_runs([True] * len(order)) == log_in_runs([False] * len(order)) == 0
    assert log_in_runs(order[::-1]) == pytest.approx(told), "it may be the beginning as well"


def test_all_orders_of_so_many_losses_are_weighed_against_those_by_chance() -> None:
    """Each order is as probable as any other at random, so that over all of them the odds must average one."""
    orders = set(permutations("xx....."))
    odds = [exp(log_in_runs(lossy("".join(order)))) for order in orders]
    # Odds of a mixture: p / (0.7 + 0.3 p) averages less than p does.
    assert 0.6 < sum(odds) / len(odds) < 1


def test_packets_strewn_over_a_phase_speak_against_a_fault_that_fades() -> None:
    def fading(picture: str) -> float:
        members = [measured(20 + n, 21 + n, 1, int(mark == "x")) for n, mark in enumerate(picture)]
        groups = group_measurements(members, PHASE)
        return PhaseLosses(groups).fit_fading([Touch.YES] * len(groups)).total

    assert fading("xxxxxx" + "." * 12) > fading("x..x..x..x..x..x..") + 2


def test_who_lets_nothing_through_is_hardly_before_a_capture_that_saw_packets_come() -> None:
    fault = candidate("customer-edge", mode(full=0.9))
    everything, half = PhaseLosses([group(200, 200)]), PhaseLosses([group(200, 100)])

    unseen, seen = (everything.fit(fault, [Touch.YES], passed=passed).total for passed in (False, True))
    assert unseen - seen == pytest.approx(-log(CAME_THROUGH), abs=0.1)
    unseen, seen = (half.fit(fault, [Touch.YES], passed=passed).total for passed in (False, True))
    assert 0 <= unseen - seen < 1


def test_a_router_behind_a_capture_would_have_been_heard_to_miss_a_route() -> None:
    """Unless it was, or nothing was captured on the way to it, or hardly anything got lost there."""
    fault, upstream = candidate("provider-host", mode(full=0.9)), [Touch.UPSTREAM]
    stretch = (Stretch(way("customer-edge", "provider-core")[1:], False, False, beyond=WAY[-2:]),)
    measurement = measured(30, 31, 80, 80, journeys=(stretch,), method=Method.TWO_POINTS, of_service=True)
    captured = replace(measurement, came_through=WAY[:5])

    def told(member: Measurement, *refusing: str) -> float:
        one = Group(member.journeys, True, False, "udp", member.sent, member.lost, 1.0, (member,))
        return PhaseLosses([one], CHAIN.links, (), refusing).fit(fault, upstream).total

    silent, heard = told(captured), told(captured, "provider-edge", "provider-core")
    assert heard - silent > 0.5 * -log(SAYS_NOTHING)
    assert told(measurement) == heard
    assert told(replace(captured, sent=9, lost=9)) > told(captured) + 0.5 * -log(SAYS_NOTHING)


def test_what_came_through_is_counted_by_where_it_was_captured_or_arrived_and_for_which_end() -> None:
    edge, core = way("customer-edge", "provider-edge"), WAY[7:]
    halves = (Stretch(edge[1:], False, False, beyond=core),)
    captured = replace(
        measured(30, 31, 80, 80, journeys=(halves,), method=Method.TWO_POINTS, of_service=True), came_through=WAY[:5]
    )
    answered = measured(31, 32, 9, 2)
    others = measured(31, 32, 90, 0, "customer-edge", "provider-core")
    groups = group_measurements([captured, answered, others], PHASE)

    assert ways_captured(groups, between(25, 40)) == {(WAY[:5], ENDS[1])}
    assert ways_arrived(groups, between(25, 40)) == {(WAY[1:-1], ENDS[1]), (WAY[1:-1][::-1], ENDS[0])}
    assert not ways_captured(groups, between(32, 40)) | ways_arrived(groups, between(32, 40)), "seen before that"
    astray = replace(measured(31, 32, 90, 0), journeys=((), (Stretch(WAY),)))
    nowhere = group_measurements([astray, replace(astray, journeys=((Stretch(WAY),), ()))], PHASE)
    assert not ways_captured(nowhere, between(25, 40)) | ways_arrived(nowhere, between(25, 40)), "by a way not drawn"
    few = group_measurements([replace(captured, sent=4, lost=4), measured(31, 32, 9, 5)], PHASE)
    assert not ways_captured(few, between(25, 40)) | ways_arrived(few, between(25, 40)), "on their way before"


def test_too_big_messages_that_nobody_heeds_were_lost_somewhere_before_their_receiver() -> None:
    back = (Stretch(WAY[:3][::-1], False, True),)
    unheeded = measured(30, 31, 9, 9, journeys=(back,), traffic="icmp-too-big/beyond", of_service=False)

    assert ways_unheeded([unheeded], between(25, 40)) == set(WAY[:3])
    for other in (replace(unheeded, lost=0), replace(unheeded, traffic="icmp/beyond")):
        assert not ways_unheeded([other], between(25, 40))
    assert not ways_unheeded([unheeded], between(40, 50))


def test_the_parts_of_a_fit_are_one_for_each_kind() -> None:
    table = PhaseLosses([group(10, 10), group(10, 0, "customer-host", "customer-edge"), group(9, 9, traffic="tcp")])
    fit = table.fit(candidate("provider-edge"), [Touch.YES, Touch.NO])
    assert len(fit.parts) == len(table.kinds) == 2
    assert table.unknown == pytest.approx(sum(table.unknown_parts))


@pytest.mark.parametrize("sort", [Touch.OWN, Touch.OTHERS])
def test_what_is_touched_together_is_all_lost_or_all_spared(sort: Touch) -> None:
    """A filter that lets pass what its router sends itself lets all of it pass: each probe says the same once more."""
    ends = [("customer-host", node) for node in WAY_NODES[1:-1]]
    fault = candidate("provider-edge", mode(full=0.9))

    def told(lost: list[int], touch: Touch) -> float:
        table = PhaseLosses([group(40, 40), *(group(10, count, *way) for count, way in zip(lost, ends, strict=True))])
        return table.fit(fault, [Touch.YES, *[touch] * len(ends)]).total

    all_spared, all_lost, mixed = [0] * 4, [10] * 4, [0, 10, 0, 10]
    for alike in (all_spared, all_lost):
        assert told(alike, sort) > told(alike, Touch.MAYBE) + 1
    assert told(mixed, sort) < told(mixed, Touch.MAYBE)
    fading = PhaseLosses([group(40, 40), *(group(10, 0, *way) for way in ends)])
    touches = [[Touch.YES, *[touch] * len(ends)] for touch in (sort, Touch.MAYBE)]
    assert fading.fit_fading(touches[0]).total > fading.fit_fading(touches[1]).total


def test_of_flows_that_may_go_another_way_one_that_is_dead_takes_any_share() -> None:
    """A quarter of the flows is hashed to a cable that loses all: that is no contradiction, a surer touch would be."""
    cut, table = candidate("provider-edge", mode(full=0.98)), PhaseLosses([group(400, 100)])

    assert table.fit(cut, [Touch.MAYBE]).total > table.fit(cut, [Touch.YES]).total + 1
    assert table.fit(cut, [Touch.MAYBE]).total > table.fit(cut, [Touch.NO]).total + 3


def test_a_fading_fault_costs_more_than_a_lasting_one_that_fits() -> None:
    """Only where what it touches recovers at different times is fading the better story."""
    fault = candidate("provider-edge", mode(full=0.9))
    lasting = PhaseLosses([group(100, 100), group(100, 100, "customer-host", "provider-core")])
    fading = PhaseLosses([group(100, 0), group(100, 60, "customer-host", "provider-core")])
    touches = [Touch.YES, Touch.YES]

    assert lasting.fit(fault, touches).total > lasting.fit_fading(touches).total
    assert fading.fit_fading(touches).total > fading.fit(fault, touches).total


def test_routes_that_stay_away_take_what_is_routed_and_leave_neighbours_alone() -> None:
    """After a crash the neighbours answer again at once, and nothing gets through until routes are back."""
    crashed = "provider-edge"
    near = [group(30, 0, "customer-edge", crashed), group(30, 1, crashed, "provider-core")]
    table = PhaseLosses([group(40, 40), *near], CHAIN.links)
    touches = [Touch.YES] * 3
    routeless = table.through(touches, {crashed}, is_back=True)
    assert [table.kinds[i][0].sent for i in routeless] == [40]

    outlasted = table.fit_fading(touches, OUTLASTED, routeless)
    assert outlasted.total > table.fit_fading(touches, UNSTEADY).total
    assert outlasted.total > table.fit(candidate(crashed, mode(full=0.97)), touches).total


def test_what_passes_through_a_node_without_routes_is_lost_too() -> None:
    """Its balance, or what went into it and should have come out: no packets of its own, and no cable's either."""
    crashed, cable = "provider-edge", link_name("provider-core", "provider-edge")
    through = ((Stretch((crashed,), False, False, balance=True),),)
    over_cable = ((Stretch((cable,), False, False),),)
    groups = [replace(group(30, 9), journeys=journeys) for journeys in (through, over_cable)]
    table = PhaseLosses([*groups, group(20, 20)], CHAIN.links)

    touches = [Touch.MAYBE, Touch.YES, Touch.YES]
    gone, back = (table.through(touches, {crashed}, is_back) for is_back in (False, True))
    assert [table.kinds[i][0].journeys for i in gone] == [group(20, 20).journeys]
    assert [table.kinds[i][0].journeys for i in back] == [through, group(20, 20).journeys]


def test_once_a_router_is_back_neighbours_answer_and_what_needs_routes_suffers_whatever_way_it_took() -> None:
    """Some of the service's packets still take another way, and vanish there; the drawing shows none of that."""
    back = "provider-edge"
    near, through = group(30, 0, "customer-edge", back), group(40, 25)
    beside = replace(group(20, 20, "customer-host", "customer-edge"), of_service=True)
    table = PhaseLosses([near, through, beside], CHAIN.links)
    touches = [Touch.YES, Touch.YES, Touch.NO]

    turmoil = table.in_turmoil(touches, {back}, {2})
    assert list(turmoil) == [Touch.NO, Touch.YES, Touch.RARELY]
    assert table.fit_fading(turmoil, RETURNING).total > table.fit_fading(touches).total + 2
    assert list(table.in_turmoil([Touch.YES, Touch.UPSTREAM, Touch.NO], {back}, ()))[1:] == [Touch.MAYBE, Touch.NO]


def test_what_is_back_without_routes_loses_in_its_own_balance_though_neighbours_hear_each_other() -> None:
    back, other = "provider-edge", "provider-core"
    near = [group(60, 0, "customer-edge", back), group(60, 0, back, other)]
    balances = [
        replace(group(300, lost), journeys=((Stretch((node,), False, False, balance=True),),), noise=OF_DEVICES)
        for node, lost in ((back, 110), (other, 0))
    ]
    table = PhaseLosses([*near, *balances], CHAIN.links)
    own = table.balances_of(back)
    assert [table.kinds[index][0].lost for index in own] == [110]
    assert table.balances_of("customer-host") == ()

    turmoil = table.in_turmoil([Touch.YES, Touch.YES, Touch.MAYBE, Touch.NO], {back}, ())
    assert table.fit_fading(turmoil, RETURNING, own).total > table.fit_fading(turmoil, RETURNING).total


def test_only_what_looks_up_routes_needs_them() -> None:
    """A switch or a carrier's line passes on what comes; a router asks for each packet where it is to go."""
    plain = CHAIN.links.keys() | {"customer-core"}
    assert not needs_routes(group(1, 0, "customer-host", "customer-edge").journeys, plain)
    assert needs_routes(group(1, 0, "customer-host", "provider-edge").journeys, plain)
    assert needs_routes(group(1, 0, "customer-host", "customer-edge").journeys, CHAIN.links)


def test_what_has_no_route_is_lost_for_a_part_of_the_time_where_a_fault_comes_and_goes() -> None:
    """A line that flaps takes the routes with it and gives them back: the first router drops packets now and then."""
    dropped = replace(group(60, 38, "customer-host", "customer-edge"), of_service=True)
    table = PhaseLosses([group(60, 40), dropped, group(20, 6, "customer-edge", "provider-core")])
    touches = [Touch.YES, Touch.UPSTREAM, Touch.YES]
    flaps, is_down = (candidate("provider-edge", mode(full=full)) for full in (0.3, 0.97))

    assert table.fit(flaps, touches).total > table.fit(is_down, touches).total + 2
    assert table.fit_fading(touches, full=0.3).total > table.fit_fading(touches, full=0.97).total + 1.5
    whole = PhaseLosses([group(60, 60), replace(dropped, lost=60)])
    assert whole.fit(is_down, touches[:2]).total > whole.fit(flaps, touches[:2]).total


def test_what_a_router_still_has_no_route_for_is_lost_as_long_as_it_says_so() -> None:
    """The core is back and answers, but the customer's edge has no route yet, and drops what is for the far host."""
    towards = ((Stretch(("customer-core", "customer-edge"), False, False, beyond=way("customer-edge", ENDS[1])[1:]),),)
    dropped = replace(group(40, 40), journeys=towards, of_service=True)
    back_again = group(40, 4, "customer-edge", "provider-core")
    table = PhaseLosses([group(40, 40), dropped, back_again])
    touches = [Touch.YES, Touch.UPSTREAM, Touch.YES]

    refused = table.refused(touches, {("customer-edge", ENDS[1])})
    assert [table.kinds[i][0] for i in refused] == [group(40, 40), dropped]
    assert table.refused(touches, {("customer-edge", ENDS[0])}) == (0,)  # probes are answered: they go both ways
    assert table.refused(touches, {("provider-edge", None)}) == (0,)
    assert table.refused([Touch.NO] * 3, {("customer-edge", ENDS[1])}) == ()
    assert table.fit_fading(touches, STILL_GONE, refused).total > table.fit_fading(touches).total + 1


def test_a_balance_that_is_slightly_off_says_little_and_one_that_is_far_off_much() -> None:
    slight, large = (
        log_faulty(lost, 1000, rate, OF_DEVICES) - log_healthy(lost, 1000, OF_DEVICES)
        for lost, rate in ((15, 0.02), (300, 0.25))
    )
    assert slight < 4
    assert large > 6


def test_of_what_a_balance_holds_any_part_may_be_lost() -> None:
    """It counts the packets of both directions and of others: losing a third of them fits a fault that loses all."""
    balanced = replace(group(300, 100), noise=OF_DEVICES)
    assert group(300, 100).noise is OF_PACKETS
    fault = candidate("provider-edge", mode(full=0.99))
    of_balance, of_packets = (
        PhaseLosses([one, group(50, 50)]).fit(fault, [Touch.YES, Touch.YES]).total
        for one in (
            replace(balanced, journeys=group(1, 0, "customer-host", "provider-core").journeys),
            replace(group(300, 100), journeys=group(1, 0, "customer-host", "provider-core").journeys),
        )
    )
    assert of_balance > of_packets + 1


def test_a_fading_fault_does_not_explain_away_what_it_touches_and_spares() -> None:
    """Each thing recovers in its own time, but what is well all along speaks for a fault that does not touch it."""
    table = PhaseLosses([group(100, 100), group(400, 0, "customer-host", "provider-core")])
    both, one = [Touch.YES, Touch.YES], [Touch.YES, Touch.NO]
    assert table.fit_fading(one).total > table.fit_fading(both).total + 0.5


def test_while_one_router_has_no_routes_yet_the_others_pass_on_what_they_get() -> None:
    """The service suffers until its route is back; that nothing is missing in ten routers hardly speaks against it."""
    ways = ((ENDS[0], ENDS[1]), (ENDS[1], ENDS[0]), (ENDS[0], "provider-core"))
    suffering = [replace(group(60, 60, *ends), of_service=True) for ends in ways]
    balances = [
        replace(group(300, 0), journeys=((Stretch((f"router-{n}",), False, False, balance=True),),), noise=OF_DEVICES)
        for n in range(10)
    ]
    table = PhaseLosses([*suffering, *balances])
    perhaps, never = (
        table.fit_fading([*[Touch.YES] * len(suffering), *[touch] * len(balances)]).total
        for touch in (Touch.MAYBE, Touch.NO)
    )
    assert perhaps > never - 2


def test_measurements_of_a_phase_are_added_up_by_way_class_and_method() -> None:
    seen = [
        *probed(*ENDS, during(20, 60)),
        *probed(*ENDS, during(20, 60), traffic="tcp", sent=1),
        *probed("customer-host", "customer-edge"),
    ]
    groups = group_measurements(seen, PHASE)

    assert len(groups) == 3
    for one in groups:
        assert one.sent == sum(m.sent for m in one.members)
        assert one.lost == sum(m.lost for m in one.members)
        assert all(19 <= (m.interval.start_ns - between(0, 1).start_ns) / 1e9 <= 60 for m in one.members)
    clean = next(g for g in groups if not g.of_service)
    assert (clean.lost, clean.end_to_end) == (0, False)


def test_what_was_measured_over_two_phases_is_one_witness_for_both() -> None:
    """What one capture misses of pings is missing from when they stopped until they came again, whatever else changed.
    """
    early, late = (Phase((between(start, end),)) for start, end in ((20, 30), (30, 60)))
    over_both, in_one = measured(20, 60, 40, 40), measured(22, 23, 9, 9, traffic="tcp")

    def weights(phase: Phase, *others: Phase) -> dict[str, float]:
        return {g.traffic: g.weight for g in group_measurements([over_both, in_one], phase, others)}

    both = ((early, late), (late, early))
    first, second = (weights(one, other)["icmp"] / weights(one)["icmp"] for one, other in both)
    assert 0.2 < first < second < 0.8
    assert first + second == pytest.approx(1)
    assert weights(early, late)["tcp"] == weights(early)["tcp"]


def test_what_was_measured_outside_the_phase_does_not_count() -> None:
    assert group_measurements(probed(*ENDS, during(20, 60), seconds=15), PHASE) == ()
    assert group_measurements([], PHASE) == ()


def test_a_measurement_without_a_way_is_no_witness() -> None:
    assert group_measurements([measured(30, 31, 9, 9, journeys=())], PHASE) == ()


def test_the_edges_of_a_long_phase_are_left_out_and_short_phases_stay_whole() -> None:
    long, short = between(0, 30), between(0, 2)

    assert long.start_ns < core_of(long).start_ns < core_of(long).end_ns < long.end_ns
    assert core_of(short) == short


def test_groups_that_saw_the_same_packets_weigh_less_than_two_and_more_than_one() -> None:
    alone = group_measurements(probed(*ENDS), PHASE)
    both = group_measurements([*probed(*ENDS), *probed(*ENDS, traffic="tcp")], PHASE)

    assert alone[0].weight == pytest.approx(1)
    assert 1 < sum(g.weight for g in both) < 2
    assert len({g.weight for g in both}) == 1


def test_of_groups_that_contradict_each_other_none_takes_the_other_s_weight() -> None:
    """All of one class is lost and nothing of the others: no disturbance does that, and a filter does."""
    lost = probed(*ENDS, lambda _second: 1.0, traffic="udp")
    kept = [*probed(*ENDS), *probed(*ENDS, traffic="tcp")]
    weights = {g.traffic: g.weight for g in group_measurements([*lost, *kept], PHASE)}

    assert weights["udp"] == pytest.approx(1)
    assert weights["icmp"] == weights["tcp"] < 1


def test_witnesses_of_different_stretches_are_independent() -> None:
    groups = group_measurements([*probed(*ENDS), *probed("customer-host", "customer-edge")], PHASE)
    assert [g.weight for g in groups] == pytest.approx([1, 1])


def captured(source: str, destination: str, method: Method = Method.TWO_POINTS) -> Measurement:
    journey: Journey = (Stretch(way(source, destination)),)
    return measured(30, 31, 50, 5, source, destination, journeys=(journey,), method=method, of_service=True)


def test_what_one_capture_infers_weighs_less_than_what_two_counted() -> None:
    (counted,) = group_measurements([captured("customer-edge", "provider-edge")], PHASE)
    (inferred,) = group_measurements([captured("customer-edge", "provider-edge", Method.ONE_POINT)], PHASE)
    assert 0 < inferred.weight < counted.weight


def test_a_stretch_that_captures_in_between_split_is_counted_by_its_parts() -> None:
    whole = captured("customer-edge", "provider-core")
    parts = [captured("customer-edge", "provider-edge"), captured("provider-edge", "provider-core")]

    groups = group_measurements([whole, *parts], PHASE)
    assert {g.journeys for g in groups} == {part.journeys for part in parts}
    assert len(group_measurements([whole, parts[0]], PHASE)) == 2, "one part alone does not stand for the whole"


def test_parts_must_cover_the_whole() -> None:
    def crossing(source: str, destination: str) -> tuple[Journey, ...]:
        return ((Stretch(way(source, destination)),),)

    whole = crossing("customer-host", "provider-host")
    first, second = crossing("customer-host", "customer-edge"), crossing("customer-edge", "provider-host")

    assert is_sum_of_parts(whole, [whole, first, second])
    assert not is_sum_of_parts(whole, [whole, first])
    assert not is_sum_of_parts(whole, [whole])


@settings(max_examples=15)
@given(st.randoms(use_true_random=False))
def test_the_order_of_measurements_does_not_matter(order: Random) -> None:
    seen = [
        *probed(*ENDS, during(25, 50)),
        *probed("customer-host", "provider-edge", during(25, 50)),
        *probed("customer-host", "customer-edge"),
    ]
    shuffled = list(seen)
    order.shuffle(shuffled)

    def summary(measurements: list[Measurement]) -> dict[object, tuple[int, int, float]]:
        return {g.journeys: (g.sent, g.lost, g.weight) for g in group_measurements(measurements, PHASE)}

    assert summary(shuffled) == summary(seen)


@pytest.mark.parametrize("ratio", [0.1, 0.2, 0.4])
def test_pings_lose_more_than_what_goes_one_way_where_either_direction_suffers(ratio: float) -> None:
    """Where a quarter is lost each way, nearly half of the pings are; where one direction suffers, a quarter is."""
    gray = mode(Reach.FORWARDING, kind=CauseKind.DEVICE_DEGRADED, full=0.1)
    edge = replace(candidate("customer-edge"), mode=gray)
    faults = {direction: replace(edge, direction=direction) for direction in (Direction.BOTH, Direction.THERE)}
    there, _ = there_and_back(*ENDS)

    def favoured(of_pings: float) -> Direction:
        flows = measured(30, 31, 1000, round(1000 * ratio), journeys=((there,),), traffic="udp")
        pings = measured(30, 31, 1000, round(1000 * of_pings))
        groups = list(group_measurements([flows, pings], PHASE))
        return max(faults, key=lambda direction: score(faults[direction], groups))

    assert favoured(1 - (1 - ratio) ** 2) is Direction.BOTH
    assert favoured(ratio) is Direction.THERE


def test_the_same_fault_counts_more_the_more_was_lost_on_its_stretch() -> None:
    """The odds of the fault against health rise with the losses of the stretch that it alone explains, up to the most
    that one measurement may say."""
    link = link_name("customer-edge", "provider-edge")
    fault, health = candidate(link), candidate("elsewhere")
    odds = [
        score(fault, [group(100, lost)]) - score(health, [replace(group(100, lost))]) for lost in (5, 20, 50, 90, 100)
    ]
    assert all(more > less - 0.2 for less, more in pairwise(odds))
    assert odds[-1] > odds[0] + 1
    assert there_and_back(*ENDS)[0].components[5] == link
