"""From a recorded incident to an explanation: what is left aside is left aside, and nothing else."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from attribution.cli import run
from attribution.errors import EvidenceError
from attribution.model.explanation import Explanation, Lacking
from attribution.model.verdict import Party
from attribution.pipeline import decide, explain
from tests.transform.folder import entries_of, read_incident

NULL_ROUTE = Path(__file__).parent.parent / "pcaps" / "provider-null-route"
END_TO_END_ONLY = NULL_ROUTE.with_name("customer-edge-crash-end-to-end-only")
LOG = "telemetry/x21.log"


@cache
def explained(*without: str) -> Explanation:
    return explain(NULL_ROUTE, without)


def lacking(*without: str) -> Lacking:
    found = explained(*without).lacking
    assert found is not None
    return found


def files(key: str, value: str) -> set[str]:
    return {entry["file"] for entry in entries_of(read_incident(NULL_ROUTE)) if entry[key] == value}


def test_the_verdict_explained_is_the_one_decided() -> None:
    assert explained().verdict == decide(NULL_ROUTE)
    assert explained().lacking is None


def test_every_party_but_the_one_named_is_a_rival() -> None:
    assert [rival.party for rival in explained().rivals] == [Party.CUSTOMER, Party.SHARED, Party.NEITHER]


def test_the_best_rival_has_causes_and_evidence_against_it() -> None:
    customer = explained().rivals[0]

    assert customer.causes
    assert customer.evidence[0].weight > 0


def test_a_piece_of_evidence_has_one_id_wherever_it_stands() -> None:
    pieces = [*explained().verdict.evidence, *(piece for rival in explained().rivals for piece in rival.evidence)]
    places = {(piece.file, piece.locator, piece.statement): piece.id for piece in pieces}

    assert all(places[piece.file, piece.locator, piece.statement] == piece.id for piece in pieces)
    assert len(set(places.values())) == len(places)


def test_without_a_file_the_verdict_is_that_of_a_bundle_without_it() -> None:
    assert lacking(LOG).verdict == decide(NULL_ROUTE, without=[LOG])
    assert LOG not in {file.file for file in lacking(LOG).verdict.inputs}


def test_without_the_log_line_that_carries_it_it_is_no_longer_cited_and_the_case_no_surer() -> None:
    (piece,) = [piece for piece in explained().verdict.evidence if piece.file == LOG]
    left = lacking(piece.id)

    assert left.omission.places == ((LOG, piece.locator),)
    assert left.omission.files == ()
    assert (piece.file, piece.locator) not in {(other.file, other.locator) for other in left.verdict.evidence}
    assert left.verdict.parties["provider"] <= explained().verdict.parties["provider"]
    assert LOG in {file.file for file in left.verdict.inputs}


@pytest.mark.parametrize(("name", "key"), [("capture", "type"), ("syslog", "type"), ("customer", "supplied_by")])
def test_a_type_or_a_supplier_stands_for_all_its_files(name: str, key: str) -> None:
    assert set(lacking(name).omission.files) == files(key, name)


def test_several_names_are_left_aside_at_once() -> None:
    assert set(lacking("capture", LOG).omission.files) == files("type", "capture") | {LOG}


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    with pytest.raises(EvidenceError, match="--without e99: found nothing of that name in the incident; exp"):
        explain(NULL_ROUTE, ["e99"])


def test_deciding_without_a_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(EvidenceError, match="without no-such: found no such file"):
        decide(END_TO_END_ONLY, without=["no-such"])


def test_leaving_everything_aside_is_no_error() -> None:
    assert lacking("customer", "provider").verdict.party is Party.UNDETERMINED


def test_what_carries_the_answer_is_tried_without() -> None:
    pillars = {pillar.omission.files: pillar.verdict for pillar in explained().pillars}
    assert pillars[(LOG,)] == lacking(LOG).verdict


def test_where_no_party_is_named_the_others_are_rivals_of_the_most_probable_explanation() -> None:
    found = explain(END_TO_END_ONLY)
    parties = [rival.party for rival in found.rivals]

    assert found.verdict.party is Party.UNDETERMINED
    assert len(parties) == 3
    assert {Party.SHARED, Party.NEITHER} < set(parties)


def test_explain_prints_and_tells_the_party_by_its_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", str(END_TO_END_ONLY), "--exit-code"]) == 14

    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith("Undetermined")
    assert "\x1b[" not in printed.out


def test_with_less_the_exit_status_is_that_of_the_second_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    expected = {"provider": 11, "undetermined": 14}[lacking(LOG).verdict.party]
    assert run(["explain", str(NULL_ROUTE), "--without", LOG, "--exit-code", "--format", "json"]) == expected
    assert json.loads(capsys.readouterr().out)["verdict"]["verdict"]["party"] == "provider"


def test_a_name_that_nothing_goes_by_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", str(END_TO_END_ONLY), "--without", "no-such.log"]) == 3
    assert capsys.readouterr().err.startswith("attribution: --without no-such.log: found nothing")
