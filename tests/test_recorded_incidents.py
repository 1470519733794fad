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
from tests.transform.verdicts import decided, departures

every_incident = pytest.mark.parametrize("bundle", RECORDED, ids=name_of)
"""Each test of this module runs on every incident."""

SCHEMAS = resources.files("attribution") / "rules" / "schemas"
ROUNDING_S = 0.01


def schema(name: str) -> dict[str, object]:
    """What `attribution schema NAME` prints."""
    loaded: dict[str, object] = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


@every_incident
def test_the_verdict_is_the_true_one(bundle: Path) -> None:
    """Party, an admissible clause, and the true component first."""
    found = departures(decided(bundle), read_truth(bundle))
    assert not found, "\n".join(found)


@every_incident
def test_the_seconds_of_the_parties_add_up_to_the_interruption(bundle: Path) -> None:
    interruption, truth = decided(bundle).interruption, read_truth(bundle)
    assert sum(interruption.seconds_by_party.values()) == pytest.approx(interruption.seconds, abs=ROUNDING_S)
    assert all(seconds >= 0 for seconds in interruption.seconds_by_party.values())
    if truth["party"] in ("customer", "provider"):
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
    assert len(RECORDED) >= 16
