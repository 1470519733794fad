"""Recordings: the laboratory itself, where the machine has what it needs."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.lab import recording
from tests.lab.errors import EnvironmentLacking, LabError
from tests.lab.export import Exporter
from tests.lab.network import Network
from tests.lab.plan import Plan
from tests.lab.recording import BRISK, Recording, check_environment, record
from tests.lab.scenarios import scenario_named
from tests.lab.shapes import SHAPES
from tests.lab.styles import draw_style


def _lacking() -> str:
    try:
        check_environment()
    except EnvironmentLacking as problem:
        return str(problem)
    return ""


needs_laboratory = pytest.mark.skipif(bool(_lacking()), reason=_lacking() or "the machine has everything")


def _namespaces() -> set[str]:
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in listed.splitlines() if line}


@needs_laboratory
def test_a_crash_is_recorded_and_leaves_nothing_behind(tmp_path: Path) -> None:
    scenario = scenario_named("customer-edge-crash")
    assert scenario is not None
    before = _namespaces()

    def export(recorded: Recording) -> None:
        dice = random.Random(1)
        Exporter(recorded, tmp_path / "bundle", draw_style(dice), dice).export()

    record(scenario, SHAPES[0], 1, "generic", export, BRISK)
    truth = yaml.safe_load((tmp_path / "bundle" / "truth.yaml").read_text(encoding="utf-8"))
    assert (truth["party"], truth["causes"][0]["component"]) == ("customer", "ce1")
    assert not _own(_namespaces() - before)


@needs_laboratory
def test_a_failure_on_the_way_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = scenario_named("healthy-hour")
    assert scenario is not None
    before = _namespaces()

    def fail(plan: Plan, network: Network) -> None:
        assert {network.namespace(node.role) for node in plan.nodes} <= _namespaces()
        raise LabError("stopped on purpose")

    monkeypatch.setattr(recording, "_await_routes", fail)
    with pytest.raises(LabError, match="on purpose"):
        record(scenario, SHAPES[0], 2, "generic", lambda *_: None, BRISK)
    assert not _own(_namespaces() - before)


def _own(namespaces: set[str]) -> set[str]:
    """Namespaces that this process made: other recordings may run on the machine at the same time."""
    return {name for name in namespaces if name.startswith(f"l{os.getpid() % 100000:05d}-")}
