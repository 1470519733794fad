"""Simulated incidents: the same seed writes the same bytes, each shows its effect, and the tool reads them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
import yaml

from attribution.pipeline import decide
from tests.lab.errors import RecordingRefused
from tests.lab.happenings import BgpDown, BgpEnd, LinkChange, OspfChange
from tests.lab.recording import Pace, Recording
from tests.lab.scenario import Effect, Scenario
from tests.lab.scenarios import SCENARIOS, scenario_named
from tests.lab.shapes import SHAPES, shape_named
from tests.lab.simulation.backbones import draw_backbone
from tests.lab.simulation.corpus import SimulatedDraw, large_number, simulate_corpus, write_simulation
from tests.lab.simulation.playing import perform, simulate

every_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
Kind = TypeVar("Kind")
_CHANCES = 4
"""Some effects are a matter of luck, as in the laboratory: a flow may miss the path that fails."""


def _play(name: str, topology: str, seed: int, workspace: Path) -> Recording:
    scenario, shape = scenario_named(name), shape_named(topology)
    assert scenario is not None
    assert shape is not None
    return perform(scenario, shape, seed, "generic", workspace, Pace())


def _said(recording: Recording, role: str, kind: type[Kind]) -> list[tuple[float, Kind]]:
    """When a device noticed something of that kind, and what."""
    return [(item.time, item.what) for item in recording.happenings
            if item.role == role and isinstance(item.what, kind)]


@every_scenario
def test_every_scenario_shows_its_effect_on_a_shape_of_the_laboratory(scenario: Scenario) -> None:
    fitting = [shape for shape in SHAPES if scenario.fits(shape)]
    shape = random.Random(scenario.name).choice(fitting)
    _simulate_within(scenario, lambda seed: simulate(scenario, shape, seed, "random", lambda _: None))


@pytest.mark.parametrize("scenario", SCENARIOS[::4], ids=lambda scenario: scenario.name)
def test_a_scenario_shows_its_effect_on_a_large_network(scenario: Scenario) -> None:
    shape = draw_backbone(large_number(scenario, 3))
    _simulate_within(scenario, lambda seed: simulate(scenario, shape, seed, "random", lambda _: None))


def _simulate_within(scenario: Scenario, attempt: Callable[[int], None]) -> None:
    for seed in range(_CHANCES):
        try:
            attempt(seed)
        except RecordingRefused:
            if seed == _CHANCES - 1:
                raise
            continue
        return
    raise AssertionError(scenario.name)


@pytest.mark.parametrize("topology", ["two-region-ring", "large-17"])
def test_the_same_seed_writes_the_same_bytes(tmp_path: Path, topology: str) -> None:
    for folder in ("one", "other"):
        draw = SimulatedDraw(0, "healthy-hour", topology, 9, "random", ("provider=17.500",), ("customer=80",), False,
                             "bundle")
        write_simulation(draw, tmp_path / folder)
    first, second = (_contents(tmp_path / folder / "bundle") for folder in ("one", "other"))
    assert first == second
    other = SimulatedDraw(0, "healthy-hour", topology, 10, "random", (), (), True, "bundle")
    write_simulation(other, tmp_path / "third")
    assert _contents(tmp_path / "third" / "bundle") != first


def test_a_corpus_is_the_same_however_many_work_on_it(tmp_path: Path) -> None:
    simulate_corpus(6, 3, 1, tmp_path / "one", large=False)
    simulate_corpus(6, 3, 2, tmp_path / "two", large=False)
    assert _contents(tmp_path / "one") == _contents(tmp_path / "two")
    rows = (tmp_path / "one" / "manifest.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "folder,scenario,topology,seed,profile,clock_error,clock_told,party"
    assert len(rows) == 13


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("name", "topology", "party"), [
    ("customer-lan-cut", "single-homed", "customer"),
    ("carrier-down", "carrier-and-vpc", "customer"),
    ("provider-core-router-crash", "routed-campus", "provider"),
    ("suspension-although-paid", "two-region-ring", "provider"),
    ("healthy-hour", "dual-homed", "neither"),
    ("provider-core-link-cut", "", "provider"),
])
def test_a_clear_incident_is_decided_as_it_was_simulated(tmp_path: Path, name: str, topology: str, party: str) -> None:
    scenario = scenario_named(name)
    assert scenario is not None
    network = topology or f"large-{large_number(scenario, 21)}"
    write_simulation(SimulatedDraw(0, name, network, 21, "random", (), (), True, "bundle"), tmp_path)
    incident = yaml.safe_load((tmp_path / "bundle" / "incident.yaml").read_text(encoding="utf-8"))
    assert {entry["type"] for entry in incident["evidence"]} >= {"syslog", "probes", "interface-counters", "paths"}
    assert str(decide(tmp_path / "bundle").party) == party


def test_a_cut_cable_is_noticed_at_once_at_both_ends_and_later_further_away(tmp_path: Path) -> None:
    recording = _play("carrier-line-cut", "carrier-and-vpc", 5, tmp_path)
    (cause,) = recording.causes
    for role in ("ce1", "lm1"):
        noticed, _ = _said(recording, role, LinkChange)[0]
        assert 0 <= noticed - cause.start < 0.1
    (at_once, near), (later, far) = (_said(recording, role, BgpDown)[0] for role in ("ce1", "pe1"))
    assert [near.end, far.end] == [BgpEnd.INTERFACE_DOWN, BgpEnd.HOLD_TIMER]
    assert 0 <= at_once - cause.start < 0.1
    assert 1.9 < later - cause.start < 3.2


def test_a_hung_router_is_missed_by_its_neighbours_and_says_nothing(tmp_path: Path) -> None:
    recording = _play("provider-core-router-hang", "single-homed", 6, tmp_path)
    (cause,) = recording.causes
    moment, missed = _said(recording, "pe1", OspfChange)[0]
    assert (missed.up, missed.event) == (False, "InactivityTimer")
    assert 2.9 < moment - cause.start < 4.2
    assert not [moment for moment, _ in _said(recording, "p1", BgpDown) if moment < cause.end - 1]
    start, end = recording.dead["p1"][0]
    assert start == pytest.approx(cause.start, abs=0.1)
    assert end <= cause.end + 1


def test_a_dead_bgp_process_closes_its_sessions_and_leaves_the_links_up(tmp_path: Path) -> None:
    recording = _play("provider-bgp-daemon-dies", "single-homed", 7, tmp_path)
    assert [what.end for _, what in _said(recording, "ce1", BgpDown)] == [BgpEnd.PEER_CLOSED]
    assert not _said(recording, "ce1", LinkChange)


def test_too_many_prefixes_end_the_session_until_it_is_cleared(tmp_path: Path) -> None:
    recording = _play("customer-leaks-routes", "single-homed", 8, tmp_path)
    (cause,) = recording.causes
    ((moment, lost),) = _said(recording, "pe1", BgpDown)
    assert lost.end is BgpEnd.MAXIMUM_PREFIXES
    assert cause.start < moment < cause.start + 2


def test_silent_loss_leaves_no_line_and_no_counter(tmp_path: Path) -> None:
    recording = _play("provider-gray-loss", "single-homed", 9, tmp_path)
    assert not _said(recording, "p1", LinkChange)
    last = {(item.role, item.port, item.metric): item.value for item in recording.samples}
    assert not [key for key, value in last.items() if value and ("errors" in key[2] or "discards" in key[2])]


def test_a_bad_cable_is_counted_where_damaged_frames_arrive(tmp_path: Path) -> None:
    recording = _play("customer-lan-cable-degraded", "single-homed", 10, tmp_path)
    counted = {(item.role, item.port) for item in recording.samples if item.metric == "in_errors" and item.value > 5}
    link = recording.plan.link("sw1", "ce1")
    assert counted == {(end.role, end.name) for end in link.ends}


def test_counters_never_fall_and_grow_with_the_traffic(tmp_path: Path) -> None:
    recording = _play("healthy-hour", "firewalled-campus", 11, tmp_path)
    series: dict[tuple[str, str, str], list[float]] = {}
    for sample in recording.samples:
        series.setdefault((sample.role, sample.port, sample.metric), []).append(sample.value)
    counters = {key: values for key, values in series.items()
                if key[2].endswith(("packets", "octets", "errors", "discards"))}
    assert counters
    assert all(values == sorted(values) for values in counters.values())
    access = recording.plan.port("pe1", "ce1").name
    assert series["pe1", access, "in_octets"][-1] > 100_000


def test_a_scenario_without_effect_is_refused() -> None:
    loud = scenario_named("customer-lan-cut")
    shape = shape_named("single-homed")
    assert loud is not None
    assert shape is not None
    harmless = Scenario("harmless-lan-cut", loud.fact, "customer", loud.clauses, Effect.NONE, loud.play)
    with pytest.raises(RecordingRefused, match="does not suffer"):
        simulate(harmless, shape, 1, "generic", lambda _: None)
