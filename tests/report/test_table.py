"""The table at the terminal: the answer first, nothing that a terminal would obey, and no wider than it is."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from attribution.model.verdict import CauseKind, Fact, Verdict
from attribution.report import render_table
from attribution.report.layout import width_of
from tests.report.verdicts import EVERY_VERDICT, HEALTHY, HOSTILE_VERDICT, SETTLED, SHARED, UNDETERMINED, UNMEASURED


def test_a_settled_verdict_says_all_that_matters() -> None:
    table = render_table(SETTLED, width=120)

    assert table.splitlines()[0] == "The customer is responsible, clause 4.2(2) · probability 97 %"
    for part in (
        "Tencent Cloud Cross-region Connection Service Agreement, 4.2(2): “A failure of your self-owned device",
        "2026-11-23 10:00:30.000 to 10:01:57.000 UTC, 87.0 s",
        "customer 87.0 · provider 0.0",
        "the device ce1 failed (customer, 4.2(2), 95 %)",
        "↳ the link ce1--pe1 failed",
        "+2.3 e1 10:00:31 pe1 says that its port to ce1 went down",
        "-0.4 e3 10:00:31 pe1 logged a high load",
        "[telemetry/syslog.log, line 118, from the provider]",
        "the power log of ce1 — from the customer: it would tell a crash from a shutdown",
        "1 files; warnings on 3 places",
        "line 7: a time without a zone",
        "customer 1 · provider 0 (whole minutes of full loss, as the Cloud Connect Network Service Level",
    ):
        assert part in re.sub(r"\n +", " ", table)


@pytest.mark.parametrize(
    ("verdict", "headline"),
    [
        (UNDETERMINED, "Undetermined · probability 60 %"),
        (SHARED, "Both parties are responsible, clause 4.2(2) · probability 97 %"),
        (HEALTHY, "Neither party is responsible · probability 96 %"),
    ],
)
def test_the_first_line_is_the_answer(verdict: Verdict, headline: str) -> None:
    assert render_table(verdict).splitlines()[0] == headline


def test_where_nothing_was_measured_it_is_not_said_that_nothing_happened() -> None:
    table = render_table(UNMEASURED, width=120)

    assert "INC-2026-0412: What was handed in does not show whether the service was interrupted" in table
    assert "Interruption   not known: nothing that was handed in shows whether there was one" in table


def test_a_restriction_of_unknown_ground_is_not_said_to_be_of_unknown_owner() -> None:
    act = replace(SETTLED.causes[0], kind=CauseKind.ENFORCEMENT_ACTION, side=None, clause=None)
    table = re.sub(r"\s+", " ", render_table(replace(UNDETERMINED, causes=(act,)), width=120))
    assert "the account's events do not settle whether it had a ground for that" in table
    assert "nobody" not in table
    call = replace(act, kind=CauseKind.UNAUTHORISED_OPERATION, facts=frozenset({Fact.STRANGER}))
    assert "may be another tenant's" in render_table(replace(UNDETERMINED, causes=(call,)), width=200)
    line = replace(act, kind=CauseKind.LINK_FAILURE)
    assert "where the two sides meet" in render_table(replace(UNDETERMINED, causes=(line,)), width=200)


@pytest.mark.parametrize("width", [40, 59, 60, 80, 200])
@pytest.mark.parametrize("verdict", EVERY_VERDICT, ids=lambda verdict: verdict.party.value)
def test_no_line_is_wider_than_the_terminal(verdict: Verdict, width: int) -> None:
    assert max(width_of(line) for line in render_table(verdict, width).splitlines()) <= width


def test_evidence_cannot_speak_to_the_terminal() -> None:
    table = render_table(HOSTILE_VERDICT, width=90)

    assert all(character.isprintable() or character == "\n" for character in table)
    assert "\\x1b[31m" in table


def test_colour_is_only_there_where_it_was_asked_for() -> None:
    plain, coloured = render_table(SETTLED), render_table(SETTLED, colour=True)

    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9]*m", "", coloured) == plain
