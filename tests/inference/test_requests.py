"""What to ask for next: what tells most about the party, best first, and nothing that was supplied already."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.inference import infer_causes
from attribution.inference.candidates import Candidate
from attribution.inference.modes import load_modes
from attribution.inference.posterior import Situation
from attribution.inference.requests import Inquiry, expected_gain, possible_inquiries
from attribution.model.evidence import Coverage, Measurement, Record, RecordKind
from attribution.model.incident import EvidenceType
from attribution.model.topology import Side
from attribution.model.verdict import Cause, Request
from tests.inference.chain import (
    CHAIN,
    ENDS,
    PATHS,
    SERVICE,
    WAY_NODES,
    between,
    candidate,
    findings,
    probed,
    record,
)
from tests.inference.stories import OUTAGE, crash_of_the_customer_s_edge


def situation(
    measurements: tuple[Measurement, ...] = (),
    records: tuple[Record, ...] = (),
    coverage: Coverage | None = None,
) -> Situation:
    return Situation(CHAIN, PATHS, {}, measurements, (), records, coverage or Coverage(), load_modes())


def party(cause: Cause) -> str:
    side = CHAIN.side_of(cause.component)
    return side.value if side is not None else "unknown"


def requests(*measurements: Measurement, coverage: Coverage | None = None) -> tuple[Request, ...]:
    found = findings(measurements, coverage=coverage)
    return infer_causes(found, CHAIN, SERVICE, between(20, 60)).request(party)


def test_where_nothing_tells_the_halves_apart_something_is_asked_for() -> None:
    asked = requests(*probed(*ENDS, OUTAGE))

    assert 0 < len(asked) <= 5
    assert all(request.gain_bits > 0 for request in asked)
    assert all(earlier.gain_bits >= later.gain_bits for earlier, later in pairwise(asked))
    assert {request.component for request in asked} <= set(WAY_NODES)
    assert all(request.what and request.why for request in asked)


def test_each_side_is_asked_for_what_it_holds() -> None:
    for request in requests(*probed(*ENDS, OUTAGE)):
        assert request.component is not None
        assert CHAIN.side_of(request.component) is request.from_side


def test_what_is_settled_needs_no_question() -> None:
    settled = infer_causes(crash_of_the_customer_s_edge(), CHAIN, SERVICE, between(20, 60)).request(party)
    open_case = requests(*probed(*ENDS, OUTAGE))
    assert sum(request.gain_bits for request in settled) < sum(request.gain_bits for request in open_case)


def whats(of: Situation) -> str:
    return "\n".join(inquiry.what for inquiry in possible_inquiries(of))


def test_logs_that_were_supplied_are_not_asked_for() -> None:
    asked = whats(situation(coverage=Coverage(logging=frozenset({"customer-edge"}))))

    assert "log of customer-edge" not in asked
    assert "log of provider-edge" in asked


def test_parts_that_were_measured_are_not_asked_for() -> None:
    measured = tuple(probed("customer-host", "customer-edge"))

    assert "customer-host and customer-edge" in whats(situation())
    assert "customer-host and customer-edge" not in whats(situation(measured))
    assert "provider-edge and provider-host" in whats(situation(measured))


def test_what_was_measured_end_to_end_does_not_spare_the_parts() -> None:
    assert "customer-host and customer-edge" in whats(situation(tuple(probed(*ENDS))))


def test_tickets_of_a_side_that_handed_in_its_own_are_not_asked_for() -> None:
    ticket = record(0, "provider-edge", kind=RecordKind.PLANNED_CHANGE)
    asked = whats(situation(records=(ticket,)))

    assert "tickets of the provider" not in asked
    assert "tickets of the customer" in asked


def test_tickets_are_not_asked_for_where_the_file_was_supplied() -> None:
    supplied = Coverage(types=frozenset({EvidenceType.CHANGE_RECORDS}))
    assert "tickets" not in whats(situation(coverage=supplied))


shares = st.lists(
    st.tuples(st.sampled_from(WAY_NODES), st.floats(0.01, 1), st.floats(0, 1)), min_size=1, max_size=8
).map(lambda entries: [(name, weight / sum(w for _, w, _ in entries), accuses) for name, weight, accuses in entries])


@given(shares)
def test_an_answer_never_takes_knowledge_away_nor_tells_more_than_one_bit(
    entries: list[tuple[str, float, float]],
) -> None:
    posterior = [(candidate(name), probability) for name, probability, _ in entries]
    chances = {who: accuses for (who, _), (_, _, accuses) in zip(posterior, entries, strict=True)}

    def accuses(who: Candidate | None) -> float:
        return chances[who] if who is not None else 0.5

    def party_of(who: Candidate | None) -> str:
        return "unknown" if who is None else who.component.partition("-")[0]

    inquiry = Inquiry("ask", Side.CUSTOMER, "customer-edge", "to know", accuses)
    assert -1e-9 <= expected_gain(inquiry, posterior, party_of) <= 1 + 1e-9


def test_a_question_whose_answer_is_always_the_same_tells_nothing() -> None:
    posterior = [(candidate("customer-edge"), 0.5), (candidate("provider-edge"), 0.5)]

    def party_of(who: Candidate | None) -> str:
        return who.component if who is not None else ""

    dull = Inquiry("ask", Side.CUSTOMER, "customer-edge", "to know", lambda _: 0.7)
    keen = Inquiry(
        "ask", Side.CUSTOMER, "customer-edge", "to know", lambda who: float(party_of(who) == "customer-edge")
    )
    assert expected_gain(dull, posterior, party_of) == pytest.approx(0)
    assert expected_gain(keen, posterior, party_of) == pytest.approx(1)


def test_a_question_about_a_party_that_is_certain_tells_nothing() -> None:
    posterior = [(candidate("customer-edge"), 0.4), (candidate("customer-core"), 0.6)]
    keen = Inquiry("ask", Side.CUSTOMER, "x", "", lambda who: float(who is not None and who.component.endswith("core")))
    assert expected_gain(keen, posterior, lambda _: "customer") == pytest.approx(0)
