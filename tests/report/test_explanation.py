"""An explanation says why, why not the others, and what changes without some evidence; on any terminal."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import jsonschema
import pytest

from attribution.model.explanation import Explanation, Lacking, Omission, Rival
from attribution.model.verdict import CauseKind, Party, Verdict
from attribution.report import render_explanation, render_explanation_json
from attribution.report.explanation import changes
from attribution.report.layout import width_of
from tests.report.test_json_document import read_schema
from tests.report.verdicts import (
    CORE,
    EVERY_VERDICT,
    HEALTHY,
    HOSTILE,
    HOSTILE_VERDICT,
    SETTLED,
    UNDETERMINED,
    UNMEASURED,
    evidence,
)

CORE_FAILED = Rival(
    Party.PROVIDER,
    0.02,
    (replace(CORE, kind=CauseKind.ROUTING_FAILURE),),
    (evidence("e1", 1.9, "p1 answered 60 of 60 probes"), evidence("e4", -0.7, "p1 logged a session that closed")),
)
BOTH = Rival(Party.SHARED, 0.0, (), ())
NEITHER = Rival(Party.NEITHER, 0.01, (), ())
WITHOUT_LOG = Lacking(Omission(("syslog", "e2"), ("telemetry/syslog.log",), (("probes.csv", "row 3"),)), UNDETERMINED)
EXPLAINED = Explanation(SETTLED, (CORE_FAILED, BOTH, NEITHER), (replace(WITHOUT_LOG),), WITHOUT_LOG)


def text(explanation: Explanation, width: int = 100) -> str:
    return render_explanation(explanation, width)


def test_the_answer_comes_first_then_why_then_why_not() -> None:
    printed = text(EXPLAINED)
    headings = ["The customer is responsible", "\nWhy\n", "Why not the provider (2 %)", "Why not both parties (0 %)",
                "Why not neither party (1 %)", "What would change it", "With and without syslog, e2"]  # fmt: skip
    places = [printed.index(heading) for heading in headings]

    assert places == sorted(places)


def test_a_rival_is_told_with_what_speaks_against_it_and_for_it() -> None:
    told = text(EXPLAINED).split("Why not the provider")[1].split("Why not both")[0]

    assert "It would take  routing at p1 failed" in told
    assert re.search(r"Against it +\+1\.9 e1", told)
    assert re.search(r"For it +-0\.7 e4", told)


def test_where_something_was_lost_neither_party_is_ruled_out_by_that() -> None:
    assert "the service's own traffic was lost for 87.0 s" in text(EXPLAINED)


def test_where_nothing_was_found_nobody_has_anything_to_answer_for() -> None:
    healthy = Explanation(HEALTHY, (Rival(Party.CUSTOMER, 0.02, (), ()),), ())

    assert "no interruption was found in what was measured" in text(healthy)


def test_where_nothing_was_measured_it_is_not_said_that_nothing_happened() -> None:
    unmeasured = text(Explanation(UNMEASURED, (Rival(Party.SHARED, 0.02, (), ()),), ()))

    assert "what was handed in does not show whether the service was interrupted" in unmeasured
    assert "no interruption" not in unmeasured


def test_both_verdicts_stand_beside_each_other() -> None:
    table = text(EXPLAINED).split("With and without")[1]

    assert re.search(r"^party +customer +undetermined$", table, re.M)
    assert re.search(r"^clause +4\.2\(2\) +–$", table, re.M)
    assert re.search(r"^probability +97 % +60 %$", table, re.M)
    assert "party: customer → undetermined" in table
    assert "telemetry/syslog.log" in table
    assert "probes.csv, row 3" in table


def test_a_narrow_page_has_them_below_each_other() -> None:
    assert "customer → undetermined" in text(EXPLAINED, 40)


def test_what_the_answer_rests_on_is_told_by_file() -> None:
    assert "without telemetry/syslog.log: undetermined, 60 %" in text(EXPLAINED)


def test_what_is_the_same_is_called_the_same() -> None:
    same = Lacking(Omission(("a.csv",), ("a.csv",), ()), replace(SETTLED, probability=0.93))

    assert "without a.csv: the same, 93 %" in text(replace(EXPLAINED, pillars=(same,)))


@pytest.mark.parametrize("width", [40, 59, 60, 80, 120])
@pytest.mark.parametrize("verdict", (*EVERY_VERDICT, HOSTILE_VERDICT), ids=lambda verdict: verdict.party.value)
def test_no_line_is_longer_than_the_page(verdict: Verdict, width: int) -> None:
    explanation = replace(EXPLAINED, verdict=verdict)

    assert max(width_of(line) for line in text(explanation, width).splitlines()) <= width


def test_a_terminal_obeys_nothing_of_it() -> None:
    lacking = Lacking(Omission((HOSTILE,), (HOSTILE,), ((HOSTILE, HOSTILE),)), HOSTILE_VERDICT)
    hostile = replace(EXPLAINED, verdict=HOSTILE_VERDICT, pillars=(lacking,), lacking=lacking)

    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text(hostile))


def test_colour_only_where_it_is_wanted() -> None:
    assert "\x1b[" not in render_explanation(EXPLAINED)
    assert "\x1b[" in render_explanation(EXPLAINED, colour=True)


def test_changes_are_what_is_different_and_nothing_else() -> None:
    assert changes(SETTLED, SETTLED) == ["nothing"]
    assert changes(SETTLED, replace(SETTLED, probability=0.9)) == ["nothing but the probability"]
    assert changes(SETTLED, replace(SETTLED, clause="4.2(1)")) == ["clause: 4.2(2) → 4.2(1)"]
    assert "interruption: found → not found" in changes(SETTLED, HEALTHY)


@pytest.mark.parametrize("explanation", [EXPLAINED, replace(EXPLAINED, lacking=None), Explanation(HEALTHY, (), ())])
def test_the_json_follows_its_schema(explanation: Explanation) -> None:
    printed = render_explanation_json(explanation)
    document = json.loads(printed)

    jsonschema.Draft202012Validator(read_schema("explanation")).validate(document)
    assert printed.isascii()
    jsonschema.Draft202012Validator(read_schema("verdict")).validate(document["verdict"])


def test_the_json_holds_both_verdicts() -> None:
    document = json.loads(render_explanation_json(EXPLAINED))

    assert document["verdict"]["verdict"]["party"] == "customer"
    assert document["without"]["verdict"]["verdict"]["party"] == "undetermined"
    assert document["rests_on"][0]["verdict"] == {"party": "undetermined", "clause": None, "probability": 0.6}
