"""`attribution evaluate` on recorded incidents: the same figures however they are computed, and broken ones counted."""

from __future__ import annotations

import json
import os
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from attribution.cli import run
from attribution.cli.evaluate import decide_all
from attribution.evaluation.corpus import Labelled, read_corpora
from attribution.model.evaluation import BrokenCase, Trial
from tests.evaluation.material import told, trial

PCAPS = Path(__file__).parents[2] / "pcaps"
CHOSEN = ("customer-lan-cut", "healthy-hour", "provider-null-route-self-serving")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recorded incidents, one whose party is hidden, and a bundle that cannot be decided."""
    root = tmp_path_factory.mktemp("corpus")
    for name in CHOSEN:
        (root / name).symlink_to(PCAPS / name)
    broken = root / "broken"
    broken.mkdir()
    (broken / "incident.yaml").write_text("schema: 1\n")
    (broken / "truth.yaml").write_text("schema: 1\nparty: neither\nclause: null\ncauses: []\n")
    (root / "manifest.csv").write_text("folder,scenario,profile\nhealthy-hour,healthy,all\nbroken,healthy,all\n")
    return root


@pytest.fixture(scope="module")
def printed(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What one process prints as JSON; the exit status says that a bundle could not be decided."""
    output = tmp_path_factory.mktemp("output") / "evaluation.json"
    assert run(["evaluate", str(corpus), "--format", "json", "-o", str(output)]) == 3
    return output.read_text(encoding="utf-8")


def test_the_json_follows_its_schema(printed: str) -> None:
    schema = json.loads((resources.files("attribution") / "rules" / "schemas" / "evaluation.json").read_text("utf-8"))

    jsonschema.Draft202012Validator(schema).validate(json.loads(printed))


def test_every_bundle_has_its_record_in_order(printed: str) -> None:
    document = json.loads(printed)

    assert [record["folder"] for record in document["records"]] == sorted(CHOSEN)
    assert [record["verdict"]["party"] for record in document["records"]] == ["customer", "neither", "undetermined"]
    assert [record["truth"]["party"] for record in document["records"]] == ["customer", "neither", "undetermined"]
    assert {record["scenario"] for record in document["records"]} == {CHOSEN[0], "healthy", CHOSEN[2]}
    assert set(document["records"][0]["baselines"]) == {
        "nearest alarm", "majority of alarms", "007 vote", "path elimination", "majority party",
    }  # fmt: skip


def test_a_bundle_that_cannot_be_decided_is_counted_and_said(
    printed: str, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = json.loads(printed)["broken"]

    assert [(case["folder"], case["scenario"]) for case in broken] == [("broken", "healthy")]
    assert "incident.yaml" in broken[0]["reason"]
    assert run(["evaluate", str(corpus / "broken")]) == 3
    assert "attribution: broken: incident.yaml" in capsys.readouterr().err


def test_several_processes_print_the_very_same(printed: str, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(corpus), "-f", "json", "--jobs", "2"]) == 3
    assert capsys.readouterr().out == printed


def test_a_good_corpus_ends_with_0_and_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(PCAPS / "healthy-hour"), "--no-baselines", "--by", "topology"]) == 0

    out, err = capsys.readouterr()
    assert out.startswith("1 bundles · party right in 100.0 % of those decided · 0 wrong")
    assert "\ntopology" in out
    assert "nearest alarm" not in out
    assert err == ""


def test_a_corpus_that_is_not_there_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(tmp_path / "nowhere")]) == 3
    assert "nowhere: found nothing there" in capsys.readouterr().err


def test_a_defect_in_one_bundle_does_not_end_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError("of a sudden")

    monkeypatch.setattr("attribution.evaluation.trial.gather", fail)

    assert run(["evaluate", str(PCAPS / "healthy-hour")]) == 3
    assert "healthy-hour: unexpected ZeroDivisionError: of a sudden" in capsys.readouterr().err


def die_of_the_deadly(labelled: Labelled) -> Trial | BrokenCase:
    """Decide a bundle in a process of its own, or die of the one called `deadly`."""
    if labelled.case.folder == "deadly":
        os._exit(9)
    return trial(told(), labelled.truth, case=labelled.case)


def test_a_process_that_dies_costs_its_own_bundle_alone(tmp_path: Path) -> None:
    """Killed for its memory, say: those beside it are decided again, in order."""
    for name in ("a", "b", "deadly", "e"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "truth.yaml").write_text("schema: 1\nparty: neither\nclause: null\ncauses: []\n")
    outcomes = list(decide_all(die_of_the_deadly, read_corpora((tmp_path,)).labelled, 2))

    assert [outcome.case.folder for outcome in outcomes] == ["a", "b", "deadly", "e"]
    assert [type(outcome) for outcome in outcomes] == [Trial, Trial, BrokenCase, Trial]
