"""From evidence to causes, along a chain of two equal halves: who, when, how surely, and never by which half it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.inference import Inference, infer_causes
from attribution.model.evidence import (
    Alarm,
    AlarmKind,
    Condition,
    Coverage,
    Findings,
    Measurement,
    Method,
    Record,
    RecordKind,
    Stretch,
)
from attribution.model.incident import NANOSECONDS, EvidenceType
from attribution.model.topology import NodeKind, Side
from attribution.model.verdict import Cause, CauseKind, Fact
from tests.inference.chain import (
    CHAIN,
    DEMARCATION,
    ENDS,
    SERVICE,
    WAY,
    WINDOW,
    alarm,
    at,
    between,
    during,
    findings,
    infer,
    link_name,
    measured,
    mirrored,
    mirrored_findings,
    passing,
    probed,
    record,
    way,
)
from tests.inference.stories import (
    EVERY_LOG,
    OUTAGE,
    STORIES,
    UPLINK,
    crash_of_the_customer_s_edge,
    cut_of_the_customer_s_uplink,
    gray_loss_behind_the_customer_s_edge,
    nothing_but_an_outage,
    shutdown_of_the_customer_s_uplink,
)


def masses(inference: Inference) -> dict[str, float]:
    """The probability of each component to be among the causes."""
    mass: dict[str, float] = defaultdict(float)
    for hypothesis in inference.hypotheses:
        for component in {cause.component for cause in hypothesis.causes}:
            mass[component] += hypothesis.probability
    return mass


def side_masses(inference: Inference) -> dict[Side | None, float]:
    mass: dict[Side | None, float] = defaultdict(float)
    for hypothesis in inference.hypotheses:
        for side in {CHAIN.side_of(cause.component) for cause in hypothesis.causes}:
            mass[side] += hypothesis.probability
    return mass


def best(inference: Inference) -> list[str]:
    return [cause.component for cause in inference.hypotheses[0].causes]


every_story = pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())


def test_a_crashed_edge_is_found_as_a_failed_device() -> None:
    inference = infer(crash_of_the_customer_s_edge())
    (cause,) = inference.hypotheses[0].causes

    assert (cause.component, cause.kind) == ("customer-edge", CauseKind.DEVICE_FAILURE)
    assert masses(inference)["customer-edge"] > 0.9
    assert (cause.interval.start_ns - at(20)) / NANOSECONDS == pytest.approx(0, abs=1)
    assert (cause.interval.end_ns - at(60)) / NANOSECONDS == pytest.approx(0, abs=1)


def test_a_cable_that_both_its_ends_report_down_is_found_as_a_cut() -> None:
    inference = infer(cut_of_the_customer_s_uplink())
    (cause,) = inference.hypotheses[0].causes
    assert (cause.component, cause.kind) == (UPLINK, CauseKind.LINK_FAILURE)


def test_a_cable_is_dark_by_the_end_whose_laser_had_grown_weak_minutes_before() -> None:
    story = cut_of_the_customer_s_uplink()
    weak = replace(alarm(-80, "customer-edge", UPLINK, AlarmKind.TRANSMITTER_WEAK), interval=between(-80, 60))
    (cause,) = infer(replace(story, alarms=(*story.alarms, weak))).hypotheses[0].causes

    assert (cause.component, cause.kind) == ("customer-edge", CauseKind.DEVICE_FAILURE)


def test_gray_loss_is_found_on_the_stretch_that_loses() -> None:
    """Behind the edge all is clean, before the core too: what lies between, its nodes included, is at fault."""
    inference = infer(gray_loss_behind_the_customer_s_edge())
    mass = masses(inference)

    assert sum(mass[c] for c in ("customer-core", UPLINK, "customer-edge")) > 0.8
    kinds = {cause.kind for hypothesis in inference.hypotheses[:3] for cause in hypothesis.causes}
    assert CauseKind.DEVICE_FAILURE not in kinds


@pytest.mark.parametrize("end", ["customer-edge", "provider-edge"])
def test_who_pulls_a_transceiver_acted_at_its_own_port_and_no_cable_failed(end: str) -> None:
    """Of the demarcation nobody's device: both ends lose the signal, and one says what was taken out of it."""
    seen = findings(
        [*probed(*ENDS, OUTAGE), *probed("customer-host", "customer-edge"), *probed("provider-host", "provider-edge")],
        [
            alarm(20.0, end, DEMARCATION, AlarmKind.TRANSCEIVER_REMOVED, end=58),
            alarm(20.2, "customer-edge", DEMARCATION, AlarmKind.INTERFACE_DOWN, end=60),
            alarm(20.2, "provider-edge", DEMARCATION, AlarmKind.INTERFACE_DOWN, end=60),
        ],
        coverage=EVERY_LOG,
    )
    inference = infer(seen)
    (cause,) = inference.hypotheses[0].causes

    assert (cause.component, cause.actor) == (end, CHAIN.nodes[end].side)
    assert cause.kind in (CauseKind.UNAUTHORISED_OPERATION, CauseKind.MISCONFIGURATION)
    assert masses(inference)[end] > 0.9


def test_an_operator_who_shut_the_port_acted_and_nothing_failed() -> None:
    inference = infer(shutdown_of_the_customer_s_uplink())
    (cause,) = inference.hypotheses[0].causes

    assert (cause.component, cause.kind) == ("customer-edge", CauseKind.UNAUTHORISED_OPERATION)
    assert cause.actor is Side.CUSTOMER
    assert inference.hypotheses[0].probability > 0.5


@every_story
def test_probabilities_add_up_and_the_best_comes_first(story: Callable[[], Findings]) -> None:
    hypotheses = infer(story()).hypotheses

    assert sum(h.probability for h in hypotheses) == pytest.approx(1)
    assert all(0 <= h.probability <= 1 for h in hypotheses)
    named = [h for h in hypotheses if h.known]
    assert all(earlier.probability >= later.probability for earlier, later in pairwise(named))
    assert {c.component for h in hypotheses for c in h.causes} <= set(WAY)


@every_story
def test_the_same_evidence_gives_the_same_answer(story: Callable[[], Findings]) -> None:
    assert infer(story()).hypotheses == infer(story()).hypotheses


@every_story
def test_exchanged_halves_exchange_the_answer(story: Callable[[], Findings]) -> None:
    found = story()
    here, there = masses(infer(found)), masses(infer(mirrored_findings(found)))

    assert here.keys() == {mirrored(component) for component in there}
    for component, probability in here.items():
        assert there[mirrored(component)] == pytest.approx(probability, abs=0.01), component


def test_halves_that_look_the_same_are_suspected_alike() -> None:
    mass = masses(infer(nothing_but_an_outage()))
    for component, probability in mass.items():
        assert mass[mirrored(component)] == pytest.approx(probability, abs=0.005)


@settings(max_examples=5)
@given(st.randoms(use_true_random=False), st.sampled_from(list(STORIES.values())))
def test_the_order_of_evidence_does_not_matter(order: Random, story: Callable[[], Findings]) -> None:
    found = story()
    measurements, alarms = list(found.measurements), list(found.alarms)
    order.shuffle(measurements)
    order.shuffle(alarms)
    other = replace(found, measurements=tuple(measurements), alarms=tuple(alarms))
    expected, actual = masses(infer(found)), masses(infer(other))
    assert actual == pytest.approx(expected, abs=0.01)


@every_story
def test_the_complaint_s_window_accuses_nobody(story: Callable[[], Findings]) -> None:
    found = story()
    assert infer(found, between(0, 1)).hypotheses == infer(found, between(30, 900)).hypotheses


def test_without_evidence_of_the_place_nobody_is_accused() -> None:
    mass = side_masses(infer(nothing_but_an_outage()))
    assert mass[Side.CUSTOMER] == pytest.approx(mass[Side.PROVIDER], abs=0.02)
    assert max(masses(infer(nothing_but_an_outage())).values()) < 0.5


def share_of(side: Side, inference: Inference) -> float:
    """A side's part of what is laid at anybody's door: without evidence of a place half of it is at nobody's."""
    mass = side_masses(inference)
    return mass[side] / sum(mass.values())


def test_where_nothing_tells_a_place_half_is_laid_at_nobody_s_door() -> None:
    unknown = infer(nothing_but_an_outage())
    assert sum(h.probability for h in unknown.hypotheses if not h.known) >= 0.5


def test_a_clean_stretch_clears_what_it_crosses() -> None:
    unknown = infer(nothing_but_an_outage())
    cleared = infer(findings([*probed(*ENDS, OUTAGE), *probed("customer-host", "provider-edge")]))

    assert masses(cleared)[UPLINK] < masses(unknown)[UPLINK] / 2
    assert share_of(Side.CUSTOMER, cleared) < share_of(Side.CUSTOMER, unknown)
    assert side_masses(cleared)[Side.PROVIDER] > 2 * side_masses(cleared)[Side.CUSTOMER]


def test_more_clean_crossings_clear_more() -> None:
    def blame(sent: int) -> float:
        clean = probed("customer-host", "provider-edge", sent=sent) if sent else []
        return share_of(Side.CUSTOMER, infer(findings([*probed(*ENDS, OUTAGE), *clean])))

    assert blame(0) > blame(1)
    assert blame(20) <= blame(1) + 0.01


def test_two_faults_one_after_the_other_are_two_causes() -> None:
    def both(second: float) -> float:
        return 1.0 if 20 <= second < 50 or 70 <= second < 100 else 0.0

    far = link_name("provider-core", "provider-host")
    inference = infer(
        findings(
            [
                *probed(*ENDS, both),
                *probed("customer-host", "customer-core"),
                *probed("customer-host", "customer-edge", during(20, 50)),
                *probed("provider-edge", "provider-host", during(70, 100)),
            ],
            [
                alarm(20.4, "customer-core", UPLINK, AlarmKind.INTERFACE_DOWN),
                alarm(70.4, "provider-core", far, AlarmKind.INTERFACE_DOWN),
            ],
        )
    )
    first, second = inference.hypotheses[0].causes

    assert CHAIN.side_of(first.component) is Side.CUSTOMER
    assert CHAIN.side_of(second.component) is Side.PROVIDER
    assert first.interval.end_ns <= second.interval.start_ns
    assert first.caused_by is second.caused_by is None
    sides = side_masses(inference)
    assert min(sides[Side.CUSTOMER], sides[Side.PROVIDER]) > 0.9


@pytest.mark.parametrize("packets", [4, 40])
def test_two_faults_at_once_are_two_causes_however_plain_it_is_that_no_single_one_does(packets: int) -> None:
    """A cause that nobody can name may explain them better than any single one, and does worse than two."""
    two = during(20, 50, 0.3)
    inference = infer(
        findings(
            [
                *probed(*ENDS, during(20, 50, 0.5), sent=packets),
                *probed("customer-host", "customer-edge", two, sent=packets),
                *probed("customer-core", "customer-edge", two, sent=packets),
                *probed("customer-edge", "provider-edge", sent=packets),
                *probed("provider-edge", "provider-host", two, sent=packets),
                *probed("provider-edge", "provider-core", two, sent=packets),
            ]
        )
    )
    sides = side_masses(inference)
    assert min(sides[Side.CUSTOMER], sides[Side.PROVIDER]) > 0.7


def test_two_faults_that_overlap_each_have_their_own_time() -> None:
    """The customer's edge has no power from 20 to 60; the provider commits at 40 what cuts its host off until 90."""
    edge, core = "customer-edge", "provider-core"
    inference = infer(
        findings(
            [
                *probed(*ENDS, during(20, 90)),
                *probed("customer-host", edge, during(20, 60)),
                *probed("provider-edge", edge, during(20, 60)),
                *probed("provider-edge", "provider-host", during(40, 90)),
                *probed("provider-edge", core),
            ],
            [
                alarm(19.8, edge, edge, AlarmKind.POWER_FAULT),
                alarm(20.2, "provider-edge", DEMARCATION, AlarmKind.INTERFACE_DOWN, end=57),
                alarm(56.0, edge, edge, AlarmKind.DEVICE_RESTARTED, end=57),
            ],
            [record(40, core), record(90, core)],
            coverage=EVERY_LOG,
        ),
        between(20, 90),
    )
    first, second = inference.hypotheses[0].causes

    assert (first.component, second.component) == (edge, core)
    assert (first.interval.start_ns, first.interval.end_ns) == pytest.approx((at(20), at(60)), abs=NANOSECONDS)
    assert (second.interval.start_ns, second.interval.end_ns) == pytest.approx((at(40), at(90)), abs=NANOSECONDS)
    assert first.caused_by is second.caused_by is None


def test_a_crash_that_everybody_reports_hides_no_quiet_fault_right_before_it() -> None:
    """What is told of the second fault speaks for nobody else in the time of the first, however near the two are."""
    core = "provider-core"

    def both(second: float) -> float:
        return 0.3 if 20 <= second < 30 else 1.0 if 31 <= second < 50 else 0.0

    before, after = (link_name(neighbour, core) for neighbour in ("provider-edge", "provider-host"))
    inference = infer(
        findings(
            [
                *probed(*ENDS, both),
                *probed("customer-host", "customer-core"),
                *probed("customer-core", "provider-edge", during(20, 30, 0.3)),
                *probed("provider-edge", "provider-host", during(31, 50)),
            ],
            [
                alarm(31.1, "provider-edge", before, AlarmKind.INTERFACE_DOWN),
                alarm(31.1, "provider-host", after, AlarmKind.INTERFACE_DOWN),
                alarm(31.2, "provider-edge", "provider-edge", AlarmKind.SESSION_DOWN, about_peer=core),
                alarm(32.0, core, core, AlarmKind.DEVICE_UNREACHABLE),
                alarm(31.2, "provider-edge", "provider-edge", AlarmKind.ROUTES_WITHDRAWN, about_peer="customer-edge"),
                alarm(31.3, "customer-edge", "customer-edge", AlarmKind.ROUTE_MISSING, about_peer="provider-host"),
                alarm(31.1, core, core, AlarmKind.POWER_FAULT),
                alarm(50.0, core, core, AlarmKind.DEVICE_RESTARTED),
            ],
        )
    )

    first, second = inference.hypotheses[0].causes
    assert CHAIN.side_of(first.component) is Side.CUSTOMER
    assert second.component == core
    assert side_masses(inference)[Side.CUSTOMER] > 0.6


@pytest.mark.parametrize(("missed_by", "own"), [("customer-core", True), ("provider-edge", False)])
def test_a_router_that_cannot_reach_its_own_network_misses_no_route_of_an_earlier_fault(
    missed_by: str, own: bool
) -> None:
    """A crash takes routes away from whoever is before it; a host next to a router, or the cable to it, is no route."""
    core = "provider-core"
    before = link_name("provider-edge", core)
    inference = infer(
        findings(
            [*probed(*ENDS, during(20, 60)), *probed("provider-edge", "provider-host", during(20, 40))],
            [
                alarm(20.1, "provider-edge", before, AlarmKind.INTERFACE_DOWN, end=40),
                alarm(21.0, core, core, AlarmKind.DEVICE_UNREACHABLE, end=40),
                alarm(20.2, "provider-edge", "provider-edge", AlarmKind.SESSION_DOWN, about_peer=core, end=41),
                alarm(44.0, missed_by, missed_by, AlarmKind.ROUTE_MISSING, about_peer="customer-host", end=58),
            ],
        )
    )
    second = sum(
        hypothesis.probability
        for hypothesis in inference.hypotheses
        if any(c.caused_by is None and CHAIN.side_of(c.component) is Side.CUSTOMER for c in hypothesis.causes)
    )
    assert second > 0.35 if own else second < 0.05


@pytest.mark.parametrize(("far", "least", "most"), [(0, 0.0, 0.02), (6, 0.1, 0.5), (12, 0.1, 0.5)])
def test_losses_on_two_stretches_that_no_single_fault_explains_leave_room_for_two(
    far: int, least: float, most: float
) -> None:
    inference = infer(
        findings(
            [
                *probed(*ENDS, during(20, 60, 0.5)),
                *probed("customer-host", "customer-edge", during(20, 60, 0.4)),
                *probed("customer-edge", "provider-edge"),
                measured(20, 60, 20, far, "provider-edge", "provider-host"),
                measured(20, 60, 20, far, "provider-core", "provider-host"),
            ]
        )
    )
    shared = sum(
        hypothesis.probability
        for hypothesis in inference.hypotheses
        if {CHAIN.side_of(cause.component) for cause in hypothesis.causes} == set(Side)
    )
    assert least <= shared <= most


def test_the_same_fault_twice_is_one_cause() -> None:
    def twice(second: float) -> float:
        return 1.0 if 20 <= second < 40 or 60 <= second < 80 else 0.0

    inference = infer(
        findings([*probed(*ENDS, twice), *probed("customer-host", "customer-edge", twice)]),
    )
    assert len(inference.hypotheses[0].causes) == 1
    assert len(inference.interruption.intervals) == 2


@pytest.mark.parametrize("tells_again", [True, False])
def test_a_cable_that_was_up_again_is_blamed_for_a_second_outage_only_if_its_ends_say_so_again(
    tells_again: bool,
) -> None:
    def twice(second: float) -> float:
        return 1.0 if 20 <= second < 100 or 180 <= second < 260 else 0.0

    ends = ("customer-core", "customer-edge")
    down = [alarm(20.3, end, UPLINK, AlarmKind.INTERFACE_DOWN, end=99.5) for end in ends]
    again = [alarm(180.3, end, UPLINK, AlarmKind.INTERFACE_DOWN, end=259.5) for end in ends]
    told = [*down, *again] if tells_again else down
    coverage = Coverage(logging=frozenset(ends))
    inference = infer(findings(probed(*ENDS, twice, seconds=320), told, coverage=coverage))
    alone = sum(
        hypothesis.probability
        for hypothesis in inference.hypotheses
        if {CHAIN.side_of(cause.component) for cause in hypothesis.causes} == {Side.CUSTOMER}
    )
    assert (alone > 0.9) is tells_again
    assert (alone < 0.6) is not tells_again
    assert best(inference)[0] == UPLINK


def a_dead_edge_that_others_stood_in_for(*told: Alarm) -> Inference:
    unreachable = alarm(18.0, "customer-edge", "customer-edge", AlarmKind.DEVICE_UNREACHABLE, end=420.0)
    coverage = Coverage(logging=frozenset({"customer-edge"}), polled=frozenset({"customer-edge"}))
    return infer(findings(probed(*ENDS, during(20, 50)), [unreachable, *told], coverage=coverage))


def test_a_device_that_died_is_a_cause_until_it_is_back_though_service_was_back_before() -> None:
    (cause,) = a_dead_edge_that_others_stood_in_for().hypotheses[0].causes
    assert (cause.component, cause.interval.end_ns) == ("customer-edge", at(420))
    assert [spell.end_ns for spell in cause.held] == [pytest.approx(at(50), abs=NANOSECONDS)]


def test_what_a_device_says_of_its_own_end_when_it_is_back_tells_of_it_however_late() -> None:
    silent = masses(a_dead_edge_that_others_stood_in_for())["customer-edge"]
    power = alarm(415.0, "customer-edge", "customer-edge", AlarmKind.POWER_FAULT)
    assert masses(a_dead_edge_that_others_stood_in_for(power))["customer-edge"] > silent + 0.05
    much_later = alarm(900.0, "customer-edge", "customer-edge", AlarmKind.POWER_FAULT)
    assert masses(a_dead_edge_that_others_stood_in_for(much_later))["customer-edge"] == pytest.approx(silent)


def test_what_is_still_missing_shortly_after_a_recovery_needs_no_word_of_its_own() -> None:
    def twice(second: float) -> float:
        return 1.0 if 20 <= second < 100 else 0.6 if 120 <= second < 130 else 0.0

    ends = ("customer-core", "customer-edge")
    down = [alarm(20.3, end, UPLINK, AlarmKind.INTERFACE_DOWN, end=99.5) for end in ends]
    inference = infer(findings(probed(*ENDS, twice, seconds=200), down, coverage=Coverage(logging=frozenset(ends))))
    assert best(inference) == [UPLINK]


def test_a_host_that_is_taken_off_the_network_while_it_is_flooded_suffers_one_after_the_other() -> None:
    """First a part is lost in the flood, then all behind the black hole: the more is seen of the flood, the surer."""
    half = during(20, 50, 0.4)
    loss = [*probed(*ENDS, lambda second: 1.0 if 50 <= second < 90 else half(second))]
    way_there = [*probed("provider-host", "customer-edge")]
    act = record(
        50, None, kind=RecordKind.ENFORCEMENT, end=90, harmful=Condition.MET, ground=Condition.MET,
        reasons=("restricted", "violation"),
    )  # fmt: skip
    flooded = alarm(20, "provider-edge", "customer-host", AlarmKind.ATTACK, end=50)
    dropped = alarm(20, "provider-edge", DEMARCATION, AlarmKind.INTERFACE_DISCARDS, end=50)
    inference = infer(findings([*loss, *way_there], [flooded, dropped], [act], coverage=EVERY_LOG))
    kinds = [cause.kind for cause in inference.hypotheses[0].causes]

    assert kinds == [CauseKind.ATTACK, CauseKind.ENFORCEMENT_ACTION]
    blamed = sum(
        hypothesis.probability
        for hypothesis in inference.hypotheses
        if all(Fact.ATTACK_ON_CUSTOMER in cause.facts for cause in hypothesis.causes)
    )
    assert blamed > 0.9


@pytest.mark.parametrize("wrong", ["customer-edge", "provider-edge"])
def test_who_refuses_its_peer_by_a_wrong_clock_is_at_fault_and_not_who_is_refused(wrong: str) -> None:
    other = "provider-edge" if wrong == "customer-edge" else "customer-edge"
    told = [
        alarm(20, wrong, wrong, AlarmKind.AUTHENTICATION_MISMATCH, about_peer=other, end=60),
        alarm(20.2, other, other, AlarmKind.SESSION_CLOSED_BY_PEER, about_peer=wrong, end=60),
    ]
    by_a_wrong_clock = alarm(20, wrong, wrong, AlarmKind.CLOCK_WRONG, about_peer=other, end=60)
    near = [*probed("customer-host", "customer-core"), *probed("provider-host", "provider-core")]
    seen = [*probed(*ENDS, OUTAGE), *near]

    def blamed(alarms: list[Alarm]) -> float:
        return masses(infer(findings(seen, alarms, coverage=EVERY_LOG)))[wrong]

    doubtful, sure = blamed(told), blamed([*told, by_a_wrong_clock])
    assert sure > 0.9
    assert sure > doubtful


def test_aftermath_is_no_second_cause() -> None:
    """After a total outage a part of the traffic finds its way again only seconds later."""

    def recovering(second: float) -> float:
        return 1.0 if 20 <= second < 50 else 0.4 if 50 <= second < 60 else 0.0

    inference = infer(
        findings(
            [
                *probed(*ENDS, recovering),
                *probed("customer-host", "provider-edge"),
                *probed("provider-edge", "provider-host", during(20, 50)),
            ]
        )
    )
    assert len(inference.hypotheses[0].causes) == 1
    assert CHAIN.side_of(best(inference)[0]) is Side.PROVIDER


def test_what_is_lost_between_two_points_of_one_side_is_that_side_s_whatever_the_reason() -> None:
    """Old connections vanish in a firewall now and then, and new ones pass: no fault that has a name does just that."""

    def lost(second: float) -> float:
        return 0.9 if 20 <= second < 50 else 1.0 if 60 <= second < 65 else 0.2 if 70 <= second < 75 else 0.0

    def unnamed(*parts: str) -> float:
        inside = ((Stretch(parts, starts_inside=False, ends_inside=False, recorder=parts[-1]),),)
        counted = [
            replace(m, journeys=inside, method=Method.TWO_POINTS, end_to_end=False, lost=round(lost(second) * m.sent))
            for second, m in enumerate(probed(*ENDS, sent=20, traffic="tcp"))
        ]
        inference = infer(findings([*counted, *probed(*ENDS, traffic="icmp")]))
        return sum(hypothesis.probability for hypothesis in inference.hypotheses if not hypothesis.known)

    assert unnamed("customer-edge") < 0.01
    assert unnamed("provider-edge", link_name("provider-edge", "provider-core"), "provider-core") < 0.01
    assert unnamed("customer-edge", DEMARCATION, "provider-edge") > 0.1


def test_what_one_port_of_a_cable_sent_and_the_other_never_got_is_that_side_s_whatever_the_reason() -> None:
    """Captures tell of the stretch between two sides alone that something on it loses, and counters where."""

    def lost(second: float) -> float:
        return 0.9 if 20 <= second < 50 else 1.0 if 60 <= second < 65 else 0.2 if 70 <= second < 75 else 0.0

    def measured_by(method: Method, stretch: Stretch, sent: int) -> list[Measurement]:
        return [
            replace(m, journeys=((stretch,),), method=method, end_to_end=False, lost=round(lost(second) * m.sent))
            for second, m in enumerate(probed(*ENDS, sent=sent, traffic=str(method)))
        ]

    cable = ("provider-edge", link_name("provider-edge", "provider-core"), "provider-core")
    captured = Stretch(("customer-edge", DEMARCATION, *cable), False, False, recorder="provider-core")
    between = measured_by(Method.TWO_POINTS, captured, 20)
    ports = measured_by(Method.COUNTERS, Stretch(cable, balance=True), 2000)

    untold, told = (side_masses(infer(findings([*seen, *probed(*ENDS)]))) for seen in (between, [*between, *ports]))
    assert untold[Side.PROVIDER] < 0.6
    assert told[Side.PROVIDER] > 0.95


def test_a_process_that_ends_when_a_neighbour_is_back_is_a_fault_of_its_own_device() -> None:
    """That the neighbour's return was the occasion makes it no consequence: no failure ends another's process."""
    edge, other = "provider-edge", "customer-edge"

    def second_causes(*told: Alarm) -> list[Cause]:
        inference = infer(
            findings(
                [
                    *probed(*ENDS, during(20, 90)),
                    *probed("customer-host", other),
                    *probed(other, edge, during(20, 50)),
                    *probed(edge, "provider-host", during(20, 50)),
                ],
                [alarm(20.2, other, DEMARCATION, AlarmKind.INTERFACE_DOWN, end=49), *told],
            )
        )
        return [cause for h in inference.hypotheses for cause in h.causes if cause.interval.start_ns >= at(45)]

    ended = alarm(56, other, other, AlarmKind.PROCESS_DOWN, end=88)
    failed = (other, CauseKind.ROUTING_FAILURE)
    own = [cause for cause in second_causes(ended) if (cause.component, cause.kind) == failed]
    assert own
    assert all(cause.caused_by is None for cause in own)
    assert any(cause.caused_by is not None for cause in second_causes())


def test_a_cable_on_which_nothing_is_missing_was_cut_only_if_its_port_was_down() -> None:
    """Behind a port that is down nothing gets lost; a port that is up sends on, and what it sent has arrived."""

    def counted(sender: str, receiver: str) -> list[Measurement]:
        journey = ((Stretch((sender, link_name(sender, receiver), receiver), balance=True),),)
        return [
            measured(
                second, second + 2, 200, 0, method=Method.COUNTERS,
                journeys=journey, traffic="counted", of_service=True, end_to_end=False,
            )
            for second in range(0, 100, 2)
        ]  # fmt: skip

    losses = [
        *probed(*ENDS, OUTAGE),
        *probed("customer-host", "customer-core"),
        *probed("customer-edge", "provider-host"),
    ]
    balances = [*counted("customer-core", "customer-edge"), *counted("customer-edge", "customer-core")]
    down = [alarm(20.2, node, UPLINK, AlarmKind.INTERFACE_DOWN, end=60) for node in ("customer-core", "customer-edge")]
    asked = Coverage(logging=frozenset({"customer-core", "customer-edge"}))

    def cut(*alarms: Alarm, counts: Sequence[Measurement] = balances) -> float:
        return masses(infer(findings([*losses, *counts], alarms, coverage=asked)))[UPLINK]

    assert cut(*down) > 0.6
    assert cut(*down) > cut(*down, counts=()) - 0.05
    assert cut() < 0.25 * cut(counts=())


def test_a_router_that_is_back_before_its_routes_is_no_second_cause() -> None:
    """The service was well in between; then traffic returns to the router, which answers, and drops what it gets."""
    crashed = "provider-edge"

    def outage_and_return(second: float) -> float:
        return 1.0 if 20 <= second < 40 else 0.7 if 52 <= second < 60 else 0.0

    inference = infer(
        findings(
            [
                *probed(*ENDS, outage_and_return),
                *probed("customer-host", "customer-edge"),
                *probed("customer-edge", crashed, during(20, 50)),
                *probed(crashed, "provider-core", during(20, 50)),
                *probed("customer-edge", "provider-host", outage_and_return),
            ],
            [
                alarm(20.4, "customer-edge", DEMARCATION, AlarmKind.INTERFACE_DOWN, end=50),
                alarm(20.6, "provider-core", crashed, AlarmKind.SESSION_DOWN, end=52, about_peer=crashed),
                alarm(50, crashed, crashed, AlarmKind.DEVICE_RESTARTED, end=51),
                alarm(55, crashed, crashed, AlarmKind.ROUTE_MISSING, end=56, about_peer=ENDS[1]),
            ],
        )
    )
    assert best(inference) == [crashed]
    assert side_masses(inference)[Side.PROVIDER] > 0.95
    assert side_masses(inference)[Side.CUSTOMER] < 0.1


def test_trouble_on_an_unavoidable_part_is_trouble_where_nobody_measured_end_to_end() -> None:
    inference = infer(findings(probed("customer-edge", "provider-core", OUTAGE)))

    assert inference.interruption.detected
    assert inference.interruption.seconds == pytest.approx(40, abs=2)


def slightly_off(ratio: float = 0.03) -> list[Measurement]:
    """The balance of the customer's edge, over polls of two seconds."""
    journey = ((Stretch(("customer-edge",), balance=True),),)
    return [
        measured(
            start, start + 2, 1000, round(1000 * during(20, 60, ratio)(start)),
            journeys=journey, method=Method.COUNTERS, traffic="counted", end_to_end=False,
        )
        for start in range(0, 120, 2)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "trouble"),
    [
        (alarm(20, "customer-edge", "customer-edge", AlarmKind.RESOURCES_EXHAUSTED), False),
        (alarm(20, "customer-edge", UPLINK, AlarmKind.INTERFACE_DISCARDS), True),
        (alarm(20, "provider-core", "provider-core", AlarmKind.INTERFACE_DISCARDS), False),
        (record(20, "customer-edge"), True),
        (record(20, "customer-edge", harmful=Condition.NOT_MET), False),
        (record(55, "customer-edge"), False),
        (record(20, "provider-core"), False),
    ],
    ids=lambda event: getattr(event, "statement", None),
)
def test_a_balance_that_is_slightly_off_is_trouble_only_where_the_device_counted_drops_or_was_worked_on(
    event: Alarm | Record, trouble: bool
) -> None:
    told = findings(slightly_off(), *(([event], []) if isinstance(event, Alarm) else ([], [event])))
    assert infer(told).interruption.detected is trouble


def test_a_balance_that_was_slightly_off_before_it_was_clearly_off_is_trouble_from_then_if_somebody_told_so() -> None:
    before = [poll for poll in slightly_off() if poll.interval.end_ns <= at(40)]
    after = [poll for poll in slightly_off(0.3) if poll.interval.start_ns >= at(46)]
    between_them = [replace(poll, lost=0) for poll in slightly_off() if at(40) <= poll.interval.start_ns < at(46)]
    polls = [*before, *between_them, *after]
    told = [alarm(20, "customer-edge", "customer-edge", AlarmKind.RESOURCES_EXHAUSTED)]

    (first, *_) = infer(findings(polls, told)).interruption.intervals
    assert first.start_ns == pytest.approx(at(20), abs=2 * NANOSECONDS)
    (only,) = infer(findings(polls)).interruption.intervals
    assert only.start_ns == pytest.approx(at(46), abs=2 * NANOSECONDS)


@pytest.mark.parametrize(("ratio", "trouble"), [(0.03, False), (0.3, True)])
def test_a_balance_is_trouble_by_itself_only_where_it_is_clearly_off(ratio: float, trouble: bool) -> None:
    assert infer(findings(slightly_off(ratio))).interruption.detected is trouble


@pytest.mark.parametrize(("lost", "for_s", "trouble"), [(15, 2, False), (60, 2, True), (15, 8, True)])
def test_one_late_poll_of_a_cable_s_ends_is_no_trouble(lost: int, for_s: int, trouble: bool) -> None:
    """Its two ends are not read at one moment: what passes in a second may be missing in one poll, and no more."""
    journey = ((Stretch(("customer-edge", UPLINK, "customer-core"), balance=True),),)
    balances = [
        measured(
            second, second + 2, 100, lost if 30 <= second < 30 + for_s else 0, method=Method.COUNTERS,
            journeys=journey, traffic="counted", of_service=True, end_to_end=False,
        )
        for second in range(0, 100, 2)
    ]  # fmt: skip
    assert infer(findings(balances)).interruption.detected is trouble


def test_a_part_that_fails_while_the_service_runs_interrupts_nothing() -> None:
    inference = infer(findings([*probed(*ENDS), *probed("customer-edge", "provider-core", OUTAGE)]))

    assert not inference.interruption.detected
    assert inference.hypotheses[0].causes == ()
    assert inference.hypotheses[0].known


def test_steady_packets_that_stop_just_when_a_device_reports_trouble_are_an_interruption() -> None:
    """Nobody counted at both ends, and no capture missed a packet: routers upstream had lost the route."""
    seen = passing((*range(20), *range(60, 100)))
    told = alarm(20, "customer-core", "customer-core", AlarmKind.PROCESS_DOWN)

    inference = infer(findings(seen, [told]))
    assert inference.interruption.intervals == (between(20, 60),)
    mass = masses(inference)
    assert max(mass, key=mass.__getitem__) == "customer-core"
    assert not infer(findings(seen)).interruption.detected
    paused = alarm(20, "customer-core", UPLINK, AlarmKind.TRAFFIC_STOPPED, end=60)
    assert not infer(findings(seen, [paused])).interruption.detected, "a counter of what paused tells no more than that"
    measured_too = infer(findings([*seen, *probed(*ENDS)], [told]))
    assert not measured_too.interruption.detected


def connections_in_vain(traffic: str = "tcp-syn/beyond", sent: int = 2) -> list[Measurement]:
    """What a capture at the edge saw of connections: for forty seconds nobody answered any, or two of those sent."""
    beyond = ((Stretch(way("customer-edge", ENDS[1])[1:], starts_inside=False),),)
    return [
        measured(
            second, second + 1, sent, 2 if 20 <= second < 60 else 0, method=Method.ONE_POINT,
            journeys=beyond, traffic=traffic, of_service=True, end_to_end=False,
        )
        for second in range(100)
    ]  # fmt: skip


def test_connections_in_vain_are_an_interruption_though_packets_of_known_flows_arrive() -> None:
    """A firewall that is full lets go on what it knows; only who probes by opening connections would have seen it."""
    for traffic in ("icmp", "udp"):
        inference = infer(findings([*probed(*ENDS, traffic=traffic), *connections_in_vain()]))
        (interval,) = inference.interruption.intervals
        assert interval == between(20, 60)
    flows = [replace(m, method=Method.FLOWS) for m in probed(*ENDS, traffic="tcp")]
    assert infer(findings([*flows, *connections_in_vain()])).interruption.detected
    assert not infer(findings([*probed(*ENDS, traffic="tcp"), *connections_in_vain()])).interruption.detected


def test_segments_that_one_point_missed_are_no_interruption_where_the_ends_were_measured() -> None:
    """Senders lose a few while they look for their pace."""
    assert not infer(findings([*probed(*ENDS), *connections_in_vain("tcp/beyond", sent=20)])).interruption.detected


def test_a_balance_that_is_slightly_off_does_not_move_the_onset_that_the_service_s_packets_tell() -> None:
    """Counters wander, and something is reported every day."""
    seen = [
        measured(second, second + 1, 20, 6 if 40 <= second < 60 else 0, method=Method.ONE_POINT, of_service=True)
        for second in range(100)
    ]
    journey = ((Stretch(("customer-edge",), False, False, balance=True),),)
    off = [
        measured(
            second, second + 2, 300, 8 if 24 <= second < 60 else 0, method=Method.COUNTERS,
            journeys=journey, traffic="counted", of_service=False, end_to_end=False,
        )
        for second in range(0, 100, 2)
    ]  # fmt: skip
    told = alarm(24, "customer-core", "customer-core", AlarmKind.RESOURCES_EXHAUSTED)

    (interval,) = infer(findings([*seen, *off], [told])).interruption.intervals
    assert interval.start_ns == pytest.approx(at(40), abs=NANOSECONDS)


def test_a_device_that_says_that_its_table_of_connections_is_full_was_overloaded_and_did_not_fail() -> None:
    lossy = during(20, 60, 0.25)
    beside = probed("customer-core", "provider-edge", lossy)
    seen = [*probed(*ENDS, lossy), *beside, *probed("provider-host", "provider-edge")]
    said = alarm(20, "customer-edge", "customer-edge", AlarmKind.TABLE_FULL)

    def found(told: Alarm) -> tuple[str, CauseKind]:
        (cause,) = infer(findings(seen, [told])).hypotheses[0].causes
        return cause.component, cause.kind

    assert found(said) == ("customer-edge", CauseKind.OVERLOAD)
    assert found(replace(said, kind=AlarmKind.RESOURCES_EXHAUSTED)) == ("customer-edge", CauseKind.DEVICE_DEGRADED)


@pytest.mark.parametrize("for_good", [True, False])
def test_the_service_s_packets_that_vanish_for_good_on_one_of_two_ways_are_its_interruption(for_good: bool) -> None:
    """Nobody counted at both ends: what may have gone the other way was no interruption, what cannot have, was one."""
    core = "customer-core"
    at_core = WAY.index(core)
    passed = ((Stretch((core,), False, False, beyond=WAY[at_core + 1 :]),),)
    counts = [
        replace(
            measured(
                second, second + 1, 20, 20 if 20 <= second < 60 else 0, method=Method.TWO_POINTS,
                journeys=passed, traffic="udp", of_service=True, end_to_end=False,
            ),
            for_good=for_good,
        )
        for second in range(100)
    ]  # fmt: skip
    around = WAY[:at_core] + WAY[at_core + 2 :]
    inference = infer(replace(findings(counts), service_paths=(WAY, around)))

    assert inference.interruption.detected is for_good
    if for_good:
        mass = masses(inference)
        assert max(mass, key=mass.__getitem__) == core


def test_what_did_not_leave_a_device_by_one_of_two_ways_may_have_left_by_the_other() -> None:
    """Between two captures of one device lies the port of the second as well: a failover is no interruption."""
    core = "customer-core"
    at_core = WAY.index(core)
    ports = (WAY[at_core - 1], WAY[at_core + 1])
    within = ((Stretch((core,), False, False, beyond=WAY[at_core + 1 :], beside=ports),),)
    counts = [
        measured(
            second, second + 1, 20, 20 if 20 <= second < 60 else 0, method=Method.TWO_POINTS,
            journeys=within, traffic="udp", of_service=True, end_to_end=False,
        )
        for second in range(100)
    ]  # fmt: skip
    beside = (*WAY[: at_core + 1], "customer-core--provider-edge", *WAY[WAY.index("provider-edge") :])
    for ways, interrupted in (((WAY,), True), ((WAY, beside), False)):
        inference = infer(replace(findings(counts), service_paths=ways))
        assert inference.interruption.detected is interrupted


MEMBERS = tuple(f"{UPLINK}#m{number}" for number in (1, 2, 3, 4))
BUNDLED = replace(
    CHAIN,
    links={
        **{name: own for name, own in CHAIN.links.items() if name != UPLINK},
        **{name: replace(CHAIN.links[UPLINK], key=name.partition("#")[2]) for name in MEMBERS},
    },
)


def over_each_member(source: str, destination: str) -> list[tuple[str, ...]]:
    """The ways from one node to another, one for each of the parallel cables that they may take."""
    return [
        tuple(member if name == UPLINK else name for name in way(source, destination))
        for member in (MEMBERS if UPLINK in way(source, destination) else MEMBERS[:1])
    ]


def test_the_one_of_parallel_cables_whose_port_counts_errors_lost_what_one_flow_in_four_lost() -> None:
    """Nobody knows which cable a flow took, so that the loss accuses all four alike: the port's word tells which."""

    def probes(source: str, destination: str, ratio: float) -> list[Measurement]:
        there, back = over_each_member(source, destination), over_each_member(destination, source)
        journeys = tuple((Stretch(one), Stretch(other)) for one in there for other in back)
        counted = probed(source, destination, during(20, 100, ratio), sent=50)
        return [replace(measurement, journeys=journeys) for measurement in counted]

    seen = [
        *probes(*ENDS, 0.06), *probes("customer-core", "provider-host", 0.06),
        *probes("customer-host", "customer-core", 0.0), *probes("customer-edge", "provider-host", 0.0),
    ]  # fmt: skip
    asked = Coverage(logging=frozenset({"customer-core", "customer-edge"}), counted=frozenset({"customer-edge"}))
    errors = alarm(-40, "customer-edge", MEMBERS[2], AlarmKind.INTERFACE_ERRORS, end=101)
    ways = tuple(over_each_member(*ENDS))

    def mass(*alarms: Alarm) -> dict[str, float]:
        found = replace(findings(seen, alarms, coverage=asked), service_paths=ways)
        return masses(infer_causes(found, BUNDLED, SERVICE, WINDOW))

    untold, told = mass(), mass(errors)
    assert max(told, key=told.__getitem__) == MEMBERS[2]
    assert told[MEMBERS[2]] > max(0.4, 4 * max(untold[member] for member in MEMBERS))


def test_a_device_whose_ports_both_count_errors_while_one_class_alone_is_lost_is_set_up_wrongly() -> None:
    """Full-size frames are longer than a new switch takes, and pings pass: neither of its cables is bad."""
    large = during(20, 100, 1.0)
    seen = [
        *probed(*ENDS), *probed(*ENDS, large, traffic="tcp"),
        *probed("customer-host", "customer-core", traffic="tcp"), *probed("provider-edge", *ENDS[1:], traffic="tcp"),
    ]  # fmt: skip
    everybody = frozenset({"customer-core", "customer-edge", "provider-edge"})
    asked = Coverage(logging=everybody, polled=everybody, counted=everybody)
    errors = [alarm(20, "customer-edge", port, AlarmKind.INTERFACE_ERRORS, end=100) for port in (UPLINK, DEMARCATION)]

    def named(*alarms: Alarm) -> tuple[tuple[str, CauseKind], float]:
        kinds: dict[tuple[str, CauseKind], float] = defaultdict(float)
        for hypothesis in infer(findings(seen, alarms, coverage=asked)).hypotheses:
            for cause in hypothesis.causes:
                kinds[cause.component, cause.kind] += hypothesis.probability
        return max(kinds.items(), key=lambda entry: entry[1])

    (place, kind), probability = named(*errors)
    assert (place, kind) == ("customer-edge", CauseKind.MISCONFIGURATION)
    assert probability > max(0.6, named()[1])


def test_silence_tells_since_when_what_shows_only_as_senders_try_again() -> None:
    """The retransmissions that one point misses begin long after its last packet: until then nobody had tried again."""
    counts = [
        measured(
            second, second + 1, 20, lost, method=Method.ONE_POINT, of_service=True, end_to_end=False,
            journeys=((Stretch(WAY[:5], beyond=WAY[5:]),),),
        )
        for second in range(100)
        if not 30 <= second < 40
        for lost in (20 if 40 <= second < 60 else 0,)
    ]  # fmt: skip
    (interval,) = infer(findings(counts)).interruption.intervals
    assert (interval.start_ns, interval.end_ns) == (at(30), at(60))


def test_an_unnamed_remainder_is_never_a_party_s() -> None:
    for story in STORIES.values():
        for hypothesis in infer(story()).hypotheses:
            assert hypothesis.known == bool(hypothesis.causes)


def share_of_the_customer_at_the_gateway(coverage: Coverage) -> float:
    """The provider's gateway passes nothing on, and nobody says why."""
    gateway = replace(CHAIN.nodes["provider-core"], kind=NodeKind.GATEWAY)
    drawn = replace(CHAIN, nodes={**CHAIN.nodes, "provider-core": gateway})
    measurements = [*probed(*ENDS, OUTAGE), *probed("customer-host", "provider-edge")]
    inference = infer_causes(findings(measurements, coverage=coverage), drawn, SERVICE, WINDOW)
    acts = (("provider-core", Side.CUSTOMER),)
    return sum(h.probability for h in inference.hypotheses if tuple((c.component, c.actor) for c in h.causes) == acts)


def test_a_call_that_the_customer_s_own_account_may_have_made_is_a_cause_until_its_audit_is_seen() -> None:
    by_the_customer = frozenset((kind, Side.CUSTOMER) for kind in (EvidenceType.PROBES, EvidenceType.ACCOUNT_EVENTS))
    by_both = frozenset({(EvidenceType.PROBES, Side.PROVIDER), *by_the_customer})
    probes = frozenset({EvidenceType.PROBES})

    unseen = share_of_the_customer_at_the_gateway(Coverage(types=probes, supplied=by_both))
    kept_back = share_of_the_customer_at_the_gateway(Coverage(types=probes, supplied=by_the_customer))
    seen = share_of_the_customer_at_the_gateway(Coverage(types=probes | {EvidenceType.CLOUD_AUDIT}, supplied=by_both))
    assert seen == 0 < unseen < kept_back


def test_evidence_that_no_fault_of_the_way_explains_makes_unsure() -> None:
    """End to end all is lost, and every part of the way is clean at the same time."""
    clean = [
        *probed("customer-host", "customer-edge"),
        *probed("customer-edge", "provider-edge"),
        *probed("provider-edge", "provider-host"),
        *probed("customer-core", "provider-core"),
    ]
    inference = infer(findings([*probed(*ENDS, OUTAGE), *clean]))
    assert max(masses(inference).values()) < 0.9


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("peer", [None, "another-tenant"])
def test_a_session_with_somebody_off_the_way_changes_nothing(story: str, peer: str | None) -> None:
    found = STORIES[story]()
    strange = alarm(21, "provider-edge", "provider-edge", AlarmKind.SESSION_DOWN, about_peer=peer)
    disturbed = replace(found, alarms=(*found.alarms, strange))

    assert infer(disturbed).hypotheses == infer(found).hypotheses


def test_one_way_loss_between_two_ends_that_both_still_send_is_rather_the_cable_s() -> None:
    """Captures at both ends of a cable: what its one end sends never comes, what the other sends does."""
    near, far = "provider-edge", "provider-core"
    cable = link_name(near, far)
    measurements = probed(*ENDS, during(30, 70), sent=5)
    for sender, receiver, ratio in ((near, far, during(30, 70)), (far, near, during(0, 0))):
        stretch = Stretch((cable,), False, False, beyond=(receiver,), recorder=receiver)
        measurements += [
            replace(
                measured(s, s + 1, 5, round(5 * ratio(s)), sender, receiver, journeys=((stretch,),), traffic="udp"),
                method=Method.TWO_POINTS,
                came_through=(sender,),
            )
            for s in range(120)
        ]
    mass = masses(infer(findings(measurements)))
    silent = masses(infer(findings([replace(m, came_through=()) for m in measurements])))
    assert mass[cable] > 0.25
    assert mass[cable] > 2 * silent[cable], "a device that is seen to send has not failed as a whole"
    assert mass[far] < silent[far]
