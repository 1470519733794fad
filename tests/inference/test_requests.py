"""What to ask for next: what tells most about the party, best first, in words that one can send, and nothing known."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.inference import infer_causes
from attribution.inference.candidates import Direction
from attribution.inference.fits import Situation
from attribution.inference.gain import entropy, expected_gain, party_shares
from attribution.inference.inquiries import Inquirer, Inquiry, Means
from attribution.inference.modes import load_modes
from attribution.inference.phases import Phase
from attribution.inference.posterior import Solver
from attribution.inference.predictions import Predictor
from attribution.inference.requests import LEAST_GAIN_BITS, ask_whether_it_happened, gain_of, propose_requests
from attribution.inference.worlds import World, hidden_calls, shares_of, worlds_of_calls
from attribution.model.evidence import Citation, Coverage, Hole, Measurement
from attribution.model.incident import EvidenceType
from attribution.model.topology import NodeKind, Side
from attribution.model.verdict import Cause, Request
from tests.inference.chain import (
    CHAIN,
    DEMARCATION,
    ENDS,
    LOG,
    PATHS,
    SERVICE,
    WAY_NODES,
    between,
    findings,
    link_name,
    probed,
)
from tests.inference.stories import OUTAGE, crash_of_the_customer_s_edge

PHASE = between(20, 60)
ACCOUNT_KNOWN = frozenset({EvidenceType.ACCOUNT_EVENTS})


def party(cause: Cause) -> str:
    side = CHAIN.side_of(cause.component)
    return side.value if side is not None else "unknown"


def requests(*measurements: Measurement, coverage: Coverage | None = None) -> tuple[Request, ...]:
    found = findings(measurements, coverage=coverage)
    return infer_causes(found, CHAIN, SERVICE, PHASE).request(party)


def solver(*measurements: Measurement, coverage: Coverage | None = None) -> Solver:
    known = replace(coverage or Coverage(), types=(coverage or Coverage()).types | ACCOUNT_KNOWN)
    situation = Situation(CHAIN, PATHS, {}, measurements or tuple(probed(*ENDS, OUTAGE)), (), (), known, load_modes())
    return Solver(situation, [Phase((PHASE,))])


def worlds_of(of: Solver, *names: tuple[str, str]) -> list[World]:
    """Equally probable explanations, each by a component and the name of a mode."""
    found = []
    for component, mode in names:
        choice = next(c for c in of.candidates if (c.component, c.mode.name) == (component, mode))
        side = CHAIN.side_of(component)
        found.append(World((choice,), 1 / len(names), shares_of([side.value if side else "unknown"])))
    return found


def inquiries(of: Solver, worlds: list[World]) -> list[Inquiry]:
    return list(Inquirer(of.situation, Predictor(of, worlds)).inquiries())


def gains(of: Solver, worlds: list[World]) -> dict[tuple[Means, tuple[str, ...]], float]:
    """The gain of each question, by its means and places."""
    return {(i.means, i.places): gain_of(i, worlds) for i in inquiries(of, worlds)}


EITHER_EDGE = (("customer-edge", "crash"), ("provider-edge", "crash"))


# What is asked for


def test_where_nothing_tells_the_halves_apart_something_is_asked_for() -> None:
    asked = requests(*probed(*ENDS, OUTAGE))

    assert 0 < len(asked) <= 3
    assert all(request.gain_bits >= LEAST_GAIN_BITS for request in asked)
    assert all(earlier.gain_bits >= later.gain_bits for earlier, later in pairwise(asked))
    assert {request.component for request in asked} <= set(WAY_NODES)


def test_each_side_is_asked_for_what_it_holds() -> None:
    for request in requests(*probed(*ENDS, OUTAGE)):
        assert request.component is not None
        assert CHAIN.side_of(request.component) is request.from_side


def test_what_is_settled_needs_no_question() -> None:
    assert infer_causes(crash_of_the_customer_s_edge(), CHAIN, SERVICE, PHASE).request(party) == ()


def test_a_side_that_handed_in_probes_of_all_the_time_is_not_asked_for_probes() -> None:
    """What they did not see of other protocols only packets tell."""
    known = Coverage(supplied=frozenset({(EvidenceType.PROBES, Side.CUSTOMER)}))

    def asked(covered: float) -> dict[Side, bool]:
        found = ask_whether_it_happened(ENDS, CHAIN, known, PHASE, 0.9 * covered, covered)
        return {request.from_side: "probes" in request.what for request in found}

    assert asked(1.0) == {Side.CUSTOMER: False, Side.PROVIDER: True}
    assert asked(0.5) == {Side.CUSTOMER: True, Side.PROVIDER: True}


def test_the_time_to_ask_about_is_a_minute_longer_on_either_side() -> None:
    told = [re.search(r"from (\S+ \S+) to (\S+) UTC", request.what) for request in requests(*probed(*ENDS, OUTAGE))]
    assert {found and found.groups() for found in told} == {("2026-11-23 09:59:20", "10:02:00")}


def test_a_capture_is_asked_for_by_device_and_interface() -> None:
    of = solver()
    for inquiry in inquiries(of, worlds_of(of, *EITHER_EDGE)):
        for point in inquiry.points:
            assert point.node in CHAIN.links[point.link].ends
            assert CHAIN.nodes[point.node].side is inquiry.side


def test_the_same_evidence_asks_the_same_questions_in_any_order() -> None:
    measured = list(probed(*ENDS, OUTAGE, sent=10)) + list(probed("customer-host", "customer-core"))
    assert requests(*measured) == requests(*reversed(measured))


# What is not asked for


def test_logs_that_were_supplied_are_not_asked_for() -> None:
    of = solver(coverage=Coverage(logging=frozenset({"customer-edge"})))
    logs = {inquiry.places for inquiry in inquiries(of, worlds_of(of, *EITHER_EDGE)) if inquiry.means is Means.LOG}

    assert ("customer-edge",) not in logs
    assert ("provider-edge",) in logs


def test_the_rest_of_a_log_that_holds_nothing_of_the_time_is_asked_for_first() -> None:
    seen = probed(*ENDS, OUTAGE)
    hole = Hole("provider-edge", between(0, 300), Citation(LOG, "line 69"))
    first = requests(*seen, coverage=Coverage(logging=frozenset({"provider-edge"}), holes=(hole,)))[0]
    assert first.component == "provider-edge"
    assert "complete syslog" in first.what
    elsewhere = replace(hole, interval=between(200, 300))
    known = requests(*seen, coverage=Coverage(logging=frozenset({"provider-edge"}), holes=(elsewhere,)))
    assert not any("syslog of provider-edge" in request.what for request in known)


def test_counters_that_were_supplied_are_not_asked_for() -> None:
    both = frozenset({"customer-edge"})
    of = solver(coverage=Coverage(polled=both, counted=both))
    asked = {i.places for i in inquiries(of, worlds_of(of, *EITHER_EDGE)) if i.means is Means.COUNTERS}

    assert ("customer-edge",) not in asked
    assert ("provider-edge",) in asked


def test_stretches_that_were_measured_are_not_probed_again() -> None:
    of = solver(*probed(*ENDS, OUTAGE), *probed("customer-host", "customer-edge"))
    asked = {i.places for i in inquiries(of, worlds_of(of, *EITHER_EDGE)) if i.means is Means.PROBES}

    assert ("customer-host", "customer-edge") not in asked
    assert ("provider-edge", "provider-host") in asked


def test_no_probes_are_asked_of_a_carrier_s_equipment_that_has_no_address() -> None:
    nodes = {**CHAIN.nodes, "customer-edge": replace(CHAIN.nodes["customer-edge"], kind=NodeKind.TRANSPORT)}
    asked = solver()
    silent = replace(asked.situation, topology=replace(CHAIN, nodes=nodes))

    def probed_ends(situation: Situation) -> set[str]:
        worlds = worlds_of(asked, ("customer-edge", "crash"), ("provider-edge", "crash"))
        found = Inquirer(situation, Predictor(asked, worlds)).inquiries()
        return {place for inquiry in found if inquiry.means is Means.PROBES for place in inquiry.places}

    assert "customer-edge" in probed_ends(asked.situation)
    assert probed_ends(silent) == probed_ends(asked.situation) - {"customer-edge"}


def test_tickets_of_a_side_that_handed_in_its_own_are_not_asked_for() -> None:
    handed_in = frozenset({(EvidenceType.CHANGE_RECORDS, Side.PROVIDER)})
    of = solver(coverage=Coverage(types=frozenset({EvidenceType.CHANGE_RECORDS}), supplied=handed_in))
    asked = {i.side for i in inquiries(of, worlds_of(of, *EITHER_EDGE)) if i.means is Means.CHANGES}

    assert asked == {Side.CUSTOMER}


def test_nothing_is_asked_of_what_is_not_drawn() -> None:
    of = solver()
    for inquiry in inquiries(of, worlds_of(of, *EITHER_EDGE)):
        assert set(inquiry.places) <= set(WAY_NODES)


def test_the_cloud_s_audit_is_asked_for_only_while_it_is_missing() -> None:
    missing, handed_in = solver(), solver(coverage=Coverage(types=frozenset({EvidenceType.CLOUD_AUDIT})))

    assert Means.AUDIT in {i.means for i in inquiries(missing, worlds_of(missing, *EITHER_EDGE))}
    assert Means.AUDIT not in {i.means for i in inquiries(handed_in, worlds_of(handed_in, *EITHER_EDGE))}


def test_a_call_that_nobody_could_see_is_the_customer_s_and_would_stand_in_the_audit() -> None:
    """The provider's gateway has lost the service's routes: by a fault of its own, or by a call of the customer's."""
    gateway = replace(CHAIN.nodes["provider-edge"], kind=NodeKind.GATEWAY)
    drawn = replace(CHAIN, nodes={**CHAIN.nodes, "provider-edge": gateway})
    situation = replace(solver().situation, topology=drawn)
    of = Solver(situation, [Phase((PHASE,))])
    hidden = list(worlds_of_calls(hidden_calls(of, of.solve()[0])))
    fault = World(worlds_of(of, ("provider-edge", "policy"))[0].choices, 0.5, {"provider": 1.0})
    worlds = [fault, replace(hidden[0], probability=0.5)]

    assert {choice.component for world in hidden for choice in world.choices if choice} == {"provider-edge"}
    assert all(world.parties == {"customer": 1.0} and world.probability > 0 for world in hidden)
    assert next(gain for (means, _), gain in gains(of, worlds).items() if means is Means.AUDIT) > 0.4


def test_no_call_of_the_cloud_reaches_a_gateway_of_the_customer_s_own_site() -> None:
    gateway = replace(CHAIN.nodes["customer-edge"], kind=NodeKind.GATEWAY)
    drawn = replace(CHAIN, nodes={**CHAIN.nodes, "customer-edge": gateway})
    of = Solver(replace(solver().situation, topology=drawn), [Phase((PHASE,))])
    assert list(hidden_calls(of, of.solve()[0])) == []


def test_an_unseen_limit_bites_mostly_in_the_direction_in_which_more_is_sent() -> None:
    """What is lost both ways alike is hardly lost to a limit."""
    gateway = replace(CHAIN.nodes["provider-edge"], kind=NodeKind.GATEWAY)
    drawn = replace(CHAIN, nodes={**CHAIN.nodes, "provider-edge": gateway})
    of = Solver(replace(solver().situation, topology=drawn), [Phase((PHASE,))])
    calls = [call.choices[0] for call in hidden_calls(of, of.solve()[0])]
    limits = {call.direction: call.prior for call in calls if call is not None and call.mode.name == "cloud_limit"}

    assert set(limits) == set(Direction)
    assert limits[Direction.BOTH] < limits[Direction.THERE] == limits[Direction.BACK]


# Where nothing was found


def test_where_the_reported_time_was_not_measured_both_ends_are_asked_about_it() -> None:
    asked = requests(*probed("customer-host", "customer-core"))

    assert [request.from_side for request in asked] == [Side.CUSTOMER, Side.PROVIDER]
    assert all("between customer-host and provider-host" in request.what for request in asked)
    assert all("from 2026-11-23 09:59:20 to 10:02:00 UTC" in request.what for request in asked)


def test_where_the_reported_time_was_measured_and_clean_there_is_no_more_to_ask_than_is_missing() -> None:
    everything = frozenset((kind, side) for kind in (EvidenceType.PROBES, EvidenceType.CAPTURE) for side in Side)

    assert requests(*probed(*ENDS), coverage=Coverage(supplied=everything)) == ()


# What an answer is worth

PARTIES = ("customer", "provider", "shared", "neither")
masses = st.lists(st.tuples(st.floats(0.01, 1), st.sampled_from(PARTIES)), min_size=1, max_size=7)


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[tuple[float, dict[str, float]]], list[tuple[float, ...]]]:
    """Explanations with parties, and up to three signs with chances under each."""
    drawn = draw(masses)
    whole = sum(mass for mass, _ in drawn)
    signs = draw(st.integers(0, 3))
    chance = st.floats(0, 1)
    chances = [tuple(draw(chance) for _ in range(signs)) for _ in drawn]
    return [(mass / whole, {name: 1.0}) for mass, name in drawn], chances


@given(questions())
def test_an_answer_never_takes_knowledge_away_nor_tells_more_than_is_not_known(
    question: tuple[list[tuple[float, dict[str, float]]], list[tuple[float, ...]]],
) -> None:
    worlds, chances = question
    gain = expected_gain(worlds, chances)
    assert 0 <= gain <= entropy(party_shares(worlds).values()) + 1e-9


@given(questions())
def test_a_question_about_a_party_that_is_certain_tells_nothing(
    question: tuple[list[tuple[float, dict[str, float]]], list[tuple[float, ...]]],
) -> None:
    worlds, chances = question
    assert expected_gain([(mass, {"customer": 1.0}) for mass, _ in worlds], chances) == pytest.approx(0, abs=1e-9)


@given(questions(), st.floats(0, 1))
def test_a_sign_that_all_explanations_predict_alike_adds_nothing(
    question: tuple[list[tuple[float, dict[str, float]]], list[tuple[float, ...]]], chance: float
) -> None:
    worlds, chances = question
    more = [(*seen, chance) for seen in chances]
    assert expected_gain(worlds, more) == pytest.approx(expected_gain(worlds, chances), abs=1e-9)


@given(questions(), st.floats(0.3, 1))
def test_a_further_sign_never_makes_a_question_worth_less(
    question: tuple[list[tuple[float, dict[str, float]]], list[tuple[float, ...]]], chance: float
) -> None:
    worlds, chances = question
    more = [(*seen, chance * number / len(chances)) for number, seen in enumerate(chances)]
    assert expected_gain(worlds, more) >= expected_gain(worlds, chances) - 1e-9


def test_a_sure_sign_of_one_half_is_worth_a_bit() -> None:
    halves = [(0.5, {"customer": 1.0}), (0.5, {"provider": 1.0})]
    assert expected_gain(halves, [(1.0,), (0.0,)]) == pytest.approx(1)
    assert expected_gain(halves, [(0.7,), (0.7,)]) == pytest.approx(0)


def test_evidence_that_one_explanation_alone_predicts_tells_more_than_what_all_predict() -> None:
    """A capture on the demarcation has a crash on either hand of it; one at an end has both beyond it."""
    of = solver()
    worth = gains(of, worlds_of(of, *EITHER_EDGE))

    at_the_end = gain_of(capture(of, "customer-host", link_name("customer-host", "customer-core")), halves(of))
    at_the_demarcation = gain_of(capture(of, "customer-edge", link_name("customer-edge", "provider-edge")), halves(of))
    assert at_the_demarcation > 2 * at_the_end
    assert worth[Means.LOG, ("customer-edge",)] > worth[Means.LOG, ("customer-host",)]
    assert (
        worth[Means.PROBES, ("provider-edge", "provider-host")]
        > worth[Means.PROBES, ("provider-core", "provider-host")]
    )


def halves(of: Solver) -> list[World]:
    return worlds_of(of, *EITHER_EDGE)


def capture(of: Solver, node: str, link: str) -> Inquiry:
    found = (i for i in inquiries(of, halves(of)) if i.means is Means.CAPTURE)
    return next(i for i in found if (i.points[0].node, i.points[0].link) == (node, link))


def test_more_probable_signs_are_worth_more() -> None:
    """A cut is reported by its ends as the table says; the ends of a cut are asked rather than others."""
    of = solver()
    cuts = (link_name("customer-core", "customer-edge"), link_name("provider-edge", "provider-core"))
    worth = gains(of, worlds_of(of, *((cut, "cut") for cut in cuts)))

    assert worth[Means.LOG, ("customer-core",)] > 0.4
    assert worth[Means.LOG, ("customer-host",)] == pytest.approx(0, abs=1e-6)


def test_a_certain_party_asks_nothing_whatever_the_cause() -> None:
    of = solver()
    worlds = worlds_of(of, ("customer-edge", "crash"), ("customer-core", "crash"))

    assert propose_requests(worlds, of, PHASE) == ()
    assert max(gains(of, worlds).values()) == pytest.approx(0, abs=1e-9)


def test_whose_the_link_between_the_sides_is_is_asked_for_where_the_answer_hangs_on_it() -> None:
    of = solver()
    demarcation = worlds_of(of, (DEMARCATION, "cut"))
    (request,) = (r for r in propose_requests(demarcation, of, PHASE) if "LOA" in r.what)
    assert (request.from_side, request.component, request.gain_bits) == (Side.CUSTOMER, DEMARCATION, 1.0)
    drawn = worlds_of(of, (link_name("customer-core", "customer-edge"), "cut"), ("provider-core", "crash"))
    assert not [r for r in propose_requests(drawn, of, PHASE) if "LOA" in r.what]


def test_several_devices_of_a_side_are_asked_about_in_one_request() -> None:
    asked = requests(*probed(*ENDS, OUTAGE))
    by_kind = [(request.from_side, request.types) for request in asked]

    assert len(set(by_kind)) == len(by_kind)


def test_which_phases_a_cause_holds_in_counts() -> None:
    """A customer's crash in one phase and a provider's in the other is both parties'; one of them alone is not."""
    situation = solver().situation
    of = Solver(situation, [Phase((between(20, 40),)), Phase((between(40, 60),))])
    ours, theirs = (next(c for c in of.candidates if (c.component, c.mode.name) == edge) for edge in EITHER_EDGE)
    worlds = [World((ours, ours), 0.5, {"customer": 1.0}), World((ours, theirs), 0.5, {"shared": 1.0})]

    assert gains(of, worlds)[Means.PROBES, ("provider-edge", "provider-host")] > 0.3
