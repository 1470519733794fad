"""Every recorded incident is decided as it happened, and every claim of the verdict can be looked up."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from attribution.report import render_json
from tests.transform.folder import read_json, read_octets, read_table, read_text, read_truth
from tests.transform.packets import count_frames
from tests.transform.recorded import RECORDED, name_of
from tests.transform.verdicts import decided, departures, described

every_incident = pytest.mark.parametrize("bundle", RECORDED, ids=name_of)
"""Each test of this module runs on every incident."""

SCHEMAS = resources.files("attribution") / "rules" / "schemas"
ROUNDING_S = 0.01


def schema(name: str) -> dict[str, object]:
    """What `attribution schema NAME` prints."""
    loaded: dict[str, object] = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


LEAST_DECIDED = 0.9
"""Of the incidents that an expert could decide; what is missed is listed where the test fails."""
LEAST_CLAUSES, LEAST_COMPONENTS = 0.97, 0.93


@every_incident
def test_nobody_is_accused_who_did_not_do_it(bundle: Path) -> None:
    """The true party or undetermined; undetermined wherever the evidence that is left carries no answer."""
    verdict, truth = decided(bundle), read_truth(bundle)
    assert verdict.party in (truth["party"], "undetermined"), f"{verdict.clause}: {described(verdict)}"


def test_nearly_all_incidents_are_decided_by_the_true_clause_and_component() -> None:
    """Of all incidents that can be decided: those that are, and of them a clause and a first component that hold."""
    decidable = [bundle for bundle in RECORDED if read_truth(bundle)["party"] != "undetermined"]
    told = [bundle for bundle in decidable if decided(bundle).party != "undetermined"]
    missed = sorted({bundle.name for bundle in decidable} - {bundle.name for bundle in told})
    found = {bundle.name: departures(decided(bundle), read_truth(bundle)) for bundle in told}
    clauses = [name for name, lines in found.items() if any(line.startswith("clause") for line in lines)]
    components = [name for name, lines in found.items() if any(line.startswith("component") for line in lines)]
    assert len(told) >= LEAST_DECIDED * len(decidable), missed
    assert len(told) - len(clauses) >= LEAST_CLAUSES * len(told), clauses
    assert len(told) - len(components) >= LEAST_COMPONENTS * len(told), components


@every_incident
def test_the_seconds_of_the_parties_add_up_to_the_interruption(bundle: Path) -> None:
    interruption, truth = decided(bundle).interruption, read_truth(bundle)
    assert sum(interruption.seconds_by_party.values()) == pytest.approx(interruption.seconds, abs=ROUNDING_S)
    assert all(seconds >= 0 for seconds in interruption.seconds_by_party.values())
    if decided(bundle).party == truth["party"] and truth["party"] in ("customer", "provider"):
        assert interruption.detected
        assert interruption.seconds_by_party[truth["party"]] == max(interruption.seconds_by_party.values())


@every_incident
def test_the_parties_add_up_to_one(bundle: Path) -> None:
    verdict = decided(bundle)
    assert sum(verdict.parties.values()) == pytest.approx(1, abs=0.001)
    if verdict.party != "undetermined":
        assert verdict.probability == pytest.approx(verdict.parties[verdict.party], abs=0.001)
    assert 0 <= verdict.probability <= 1


@every_incident
def test_every_piece_of_evidence_can_be_opened(bundle: Path) -> None:
    verdict = decided(bundle)
    known = {evidence.id for evidence in verdict.evidence}
    assert all(set(cause.evidence) <= known for cause in verdict.causes)
    assert verdict.evidence or verdict.party in ("neither", "undetermined")
    for evidence in verdict.evidence:
        assert can_be_opened(bundle / evidence.file, evidence.locator), f"{evidence.file}: {evidence.locator}"


def can_be_opened(path: Path, locator: str) -> bool:
    """Whether the file has such a line, row, frame or path of keys."""
    kind, _, number = locator.partition(" ")
    if kind == "line":
        lines = read_text(path).splitlines()
        return 1 <= int(number) <= len(lines) and bool(lines[int(number) - 1].strip())
    if kind == "row":
        return 1 <= int(number) <= len(read_table(path).rows)
    if kind == "frame":
        return 1 <= int(number) <= count_frames(read_octets(path))
    value = read_json(path)
    for key in re.findall(r"[^.\[\]]+", locator):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return True


@every_incident
def test_the_json_follows_its_schema(bundle: Path) -> None:
    document = json.loads(render_json(decided(bundle)))
    jsonschema.Draft202012Validator(schema("verdict")).validate(document)


@every_incident
def test_the_truth_follows_its_schema(bundle: Path) -> None:
    jsonschema.Draft202012Validator(schema("truth")).validate(read_truth(bundle))


def test_there_are_incidents_of_every_kind_that_the_first_release_promises() -> None:
    parties = {read_truth(bundle)["party"] for bundle in RECORDED}
    assert {"customer", "provider", "neither", "undetermined"} <= parties
    assert len(RECORDED) >= 60
