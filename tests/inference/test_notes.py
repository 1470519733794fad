"""What papers say beside a verdict: how far consent went, what else was agreed, and that notice had been given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from attribution.inference.notes import note_papers
from attribution.model.evidence import Condition, Record, RecordKind
from attribution.model.topology import Side
from attribution.model.verdict import Cause, CauseKind, Fact
from tests.inference.chain import DEMARCATION, between, record


def act(*facts: Fact, start: float = 100, end: float = 900) -> Cause:
    done = frozenset({Fact.OPERATION, *facts})
    return Cause(
        "customer-edge", CauseKind.UNAUTHORISED_OPERATION, between(start, end), actor=Side.CUSTOMER, facts=done
    )


def ticket(
    start: float, end: float, component: str = "customer-edge", link: str | None = None, agreed: bool = True
) -> Record:
    consent = Condition.MET if agreed else Condition.NOT_MET
    return record(start, component, kind=RecordKind.PLANNED_CHANGE, consent=consent, link=link, end=end)


def notes(cause: Cause, *papers: Record) -> list[str]:
    return [caveat.reason for caveat in note_papers([cause], papers)]


def test_what_outlasts_the_agreed_window_is_told_to_have_overrun_it() -> None:
    agreed = act(Fact.CONSENTED)
    (reason,) = notes(agreed, ticket(50, 350))
    assert "ended 550 s before" in reason and "customer-edge" in reason
    assert notes(agreed, ticket(50, 350), ticket(620, 920)) == [], "the next window had begun"
    assert notes(agreed, ticket(50, 350, agreed=False)) == []
    assert notes(agreed, ticket(50, 350, "provider-edge")) == []
    failed = replace(agreed, kind=CauseKind.DEVICE_FAILURE, facts=frozenset())
    assert notes(failed, ticket(50, 350)) == [], "it broke by itself"


def test_what_stayed_within_the_agreed_window_is_told_to_have_done_so() -> None:
    (reason,) = notes(act(Fact.CONSENTED), ticket(50, 880))
    assert "lay wholly within the time for which the other side had agreed" in reason


def test_whoever_shows_a_ticket_for_another_time_is_told_that_it_was_not_for_this() -> None:
    (reason,) = notes(act(), ticket(-7200, -3600))
    assert reason == (
        "what was agreed for customer-edge was to be done from 2026-11-23 08:00:00 to 09:00:00 UTC; "
        "it was done at 2026-11-23 10:01:40 UTC"
    )
    assert notes(act(), ticket(-7200, -3600, agreed=False)) == []
    assert notes(act(), ticket(-9 * 86400, -9 * 86400 + 60)) == [], "of another week"
    assert notes(act(), ticket(-7200, -3600, "customer-core")) == []


@pytest.mark.parametrize(
    ("paper", "place"),
    [(ticket(50, 950, "customer-core"), "customer-core"), (ticket(50, 950, link=DEMARCATION), DEMARCATION)],
)
def test_whoever_shows_a_ticket_for_another_place_is_told_that_it_was_not_for_this(paper: Record, place: str) -> None:
    assert notes(act(), paper) == [
        f"what was agreed for that time was to be done on {place}; it was done on customer-edge"
    ]


def attacked(*facts: Fact) -> Cause:
    drawn = frozenset({Fact.ATTACK_ON_CUSTOMER, *facts})
    return Cause("customer-host", CauseKind.ATTACK, between(100, 900), facts=drawn)


def noticed(*days: float, host: str | None = "customer-host") -> Sequence[Record]:
    return [record(100 - 86400 * d, host, kind=RecordKind.VIOLATION, end=101 - 86400 * d) for d in days]


def test_earlier_notices_that_make_an_attack_a_breach_are_told() -> None:
    (reason,) = notes(attacked(Fact.VIOLATION), *noticed(40, 16), *noticed(9, host="provider-host"))
    assert "on customer-host had been given before this one: 2 times, the last time 16 days before" in reason
    assert notes(attacked(), *noticed(40)) == []


def test_for_whose_an_account_was_taken_is_told() -> None:
    called = act(Fact.CLOUD_CALL)
    call = replace(record(98, "customer-edge", cloud_call=True), account="999")
    (taken,) = notes(called, call)
    assert "account 999 is not the customer's: it was taken to be the provider's" in taken
    (asked,) = notes(called, replace(call, stranger=True))
    assert "ask whose it is" in asked
    assert notes(called, replace(call, account=None)) == notes(act(), call) == []
