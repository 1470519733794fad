"""A corpus: what is drawn covers everything, and is the same for the same seed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.lab.corpus import derive_scant, draw_corpus
from tests.lab.scenarios import SCENARIOS
from tests.lab.shapes import SHAPES


def test_the_same_seed_draws_the_same_corpus() -> None:
    assert list(draw_corpus(50, 4)) == list(draw_corpus(50, 4))
    assert list(draw_corpus(50, 4)) != list(draw_corpus(50, 5))


def test_two_hundred_draws_hold_every_scenario_and_every_shape() -> None:
    draws = list(draw_corpus(200, 1))
    assert {draw.scenario.name for draw in draws} == {scenario.name for scenario in SCENARIOS}
    assert {draw.shape.name for draw in draws} == {shape.name for shape in SHAPES}
    assert len({draw.folder for draw in draws}) == len(draws)


def test_some_clocks_are_wrong_by_up_to_five_minutes_some_drift_and_some_errors_are_not_told() -> None:
    draws = list(draw_corpus(1000, 1))
    errors = [abs(float(error.partition("=")[2])) for draw in draws for error in draw.clock_errors]
    drifts = [abs(float(drift.partition("=")[2])) for draw in draws for drift in draw.clock_drifts]
    assert max(errors) == pytest.approx(300, abs=10)
    assert min(errors) < 1
    assert max(drifts) <= 200
    assert 0.2 < sum(bool(draw.clock_errors) for draw in draws) / len(draws) < 0.4
    assert any(len(draw.clock_errors) == 2 for draw in draws)
    assert {draw.clock_told for draw in draws if draw.clock_errors} == {True, False}


def test_a_draw_says_how_it_is_recorded() -> None:
    draw = next(draw for draw in draw_corpus(200, 1) if draw.clock_errors and draw.clock_drifts and not draw.clock_told)
    arguments = draw.arguments(Path("/corpus"))
    assert arguments[:2] == ["record", draw.scenario.name]
    assert arguments[arguments.index("--clock-error") + 1] == draw.clock_errors[0]
    assert arguments[arguments.index("--clock-drift") + 1] == draw.clock_drifts[0]
    assert "--clock-untold" in arguments


def test_what_is_left_by_chance_is_the_same_for_the_same_seed_and_a_bundle_of_its_own(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    shutil.copytree(Path("pcaps/carrier-down"), corpus / "carrier-down")
    (corpus / "manifest.csv").write_text("folder,profile\ncarrier-down,all\ncarrier-down-no-logs,no-logs\n")

    def left(seed: int, name: str) -> list[str]:
        (bundle,) = derive_scant(corpus, seed, tmp_path / name)
        assert bundle.name == "carrier-down-scant"
        files = [entry["file"] for entry in yaml.safe_load((bundle / "incident.yaml").read_text())["evidence"]]
        known = {"incident.yaml", "truth.yaml", "topology.yaml", *files}
        assert {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()} == known
        return files

    whole = yaml.safe_load((corpus / "carrier-down" / "incident.yaml").read_text())["evidence"]
    draws = [left(seed, f"seed {seed}") for seed in range(8)]
    assert draws[3] == left(3, "again")
    assert all(0 < len(files) < len(whole) for files in draws)
    assert len({tuple(files) for files in draws}) > 4
