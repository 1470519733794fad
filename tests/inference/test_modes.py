"""The table of causes: every mode loads and makes sense, and a mistake in it is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

import attribution.detectors
from attribution.errors import RuleError
from attribution.inference import modes
from attribution.inference.candidates import EFFECTS_OF_RECORD
from attribution.inference.modes import Mode, Modes, Where, load_modes
from attribution.inference.testimony import _background_of
from attribution.model.evidence import RecordKind
from attribution.model.observation import CommandEffectKind
from attribution.model.topology import NodeKind
from attribution.model.verdict import CauseKind
from tests.inference.chain import record

TABLE = load_modes()
NAMED_LATER = {CauseKind.CONSENTED_OPERATION, CauseKind.MAINTENANCE}
"""Kinds that an operation becomes once its actor and consent are known: see test_naming."""

every_mode = pytest.mark.parametrize("mode", TABLE.modes, ids=lambda mode: mode.name)


@every_mode
def test_every_mode_makes_sense(mode: Mode) -> None:
    assert mode.prior > 0
    assert 0 < mode.full < 1
    assert 0 <= mode.one_way < 1
    assert 0 < mode.unseen <= 1
    assert mode.on
    assert mode.on <= {kind.value for kind in NodeKind} | {"link"}
    assert mode.expects, "a mode that nobody would notice by anything but loss needs at least an improbable sign"
    assert all(0 < expectation.probability < 1 for expectation in mode.expects)


@every_mode
def test_an_alarm_is_expected_once_at_each_place(mode: Mode) -> None:
    places = [(expectation.alarm, expectation.where) for expectation in mode.expects]
    assert len(places) == len(set(places))


@every_mode
def test_a_sign_is_among_what_is_expected(mode: Mode) -> None:
    assert mode.sign is None or mode.sign in {expectation.alarm for expectation in mode.expects}
    assert (mode.sign is None) == (mode.unseen == 1)


@every_mode
def test_the_records_of_a_mode_are_of_a_known_kind(mode: Mode) -> None:
    known = {*EFFECTS_OF_RECORD, "cloud", "cloud_limit", "enforcement"}
    assert mode.record is None or mode.record in known
    assert mode.record is not None or not mode.needs_record


@every_mode
def test_ports_are_expected_of_modes_that_have_one(mode: Mode) -> None:
    if mode.reach in (modes.Reach.NODE, modes.Reach.FORWARDING):
        assert not {e.where for e in mode.expects} & {Where.OWN_PORT, Where.END}


@every_mode
def test_a_detector_can_raise_every_alarm_that_is_expected(mode: Mode) -> None:
    """Otherwise its absence would speak against a cause for ever."""
    folder = Path(attribution.detectors.__file__).parent
    source = "\n".join(file.read_text(encoding="utf-8") for file in folder.glob("*.py"))
    for expectation in mode.expects:
        assert f"AlarmKind.{expectation.alarm.name}" in source, expectation.alarm


def test_every_kind_of_cause_can_be_reached() -> None:
    assert {mode.kind for mode in TABLE.modes} | NAMED_LATER == set(CauseKind)


def test_total_failures_lose_more_often_everything_than_partial_ones() -> None:
    full: dict[CauseKind, list[float]] = {}
    for mode in TABLE.modes:
        full.setdefault(mode.kind, []).append(mode.full)
    assert max(full[CauseKind.DEVICE_DEGRADED]) < max(full[CauseKind.DEVICE_FAILURE])
    assert max(full[CauseKind.LINK_DEGRADED]) < max(full[CauseKind.LINK_FAILURE])
    assert max(full[CauseKind.OVERLOAD]) < 0.5


def test_the_background_names_every_kind_of_record_and_is_small() -> None:
    records = [
        record(0, "customer-edge"),
        record(0, "customer-edge", cloud_call=True),
        record(0, "customer-edge", kind=RecordKind.PLANNED_CHANGE),
        record(0, None, kind=RecordKind.ENFORCEMENT),
        record(0, "customer-edge", effect=CommandEffectKind.CONFIGURATION),
    ]
    names = {_background_of(one) for one in records} | {"alarm", "second_cause", "unknown"}
    assert names <= TABLE.background.keys()
    assert all(0 < probability < 0.2 for probability in TABLE.background.values())


@every_mode
def test_what_is_expected_is_likelier_than_coincidence(mode: Mode) -> None:
    """Otherwise an explained alarm would speak against its cause."""
    assert all(e.probability > TABLE.background["alarm"] for e in mode.expects)


RULES = """
[background]
alarm = 0.01
[[mode]]
name = "crash"
kind = "device_failure"
on = ["router", "link"]
reach = "node"
withdraws = "perhaps"
prior = 0.2
full = 0.9
expects = [{ alarm = "power_fault", where = "self", probability = 0.1 }]
"""


def load(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Modes:
    (folder / modes.RULES).write_text(text, encoding="utf-8")
    monkeypatch.setattr(modes, "files", lambda _package: folder)
    return load_modes.__wrapped__()


def test_a_mode_that_perhaps_withdraws_routes_is_two_of_half_the_prior(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = load(RULES, tmp_path, monkeypatch)
    assert {mode.withdraws for mode in table.modes} == {False, True}
    assert [mode.prior for mode in table.modes] == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('kind = "device_failure"', 'kind = "act_of_god"'),
        ('kind = "device_failure"', ""),
        ('on = ["router", "link"]', 'on = ["toaster"]'),
        ('reach = "node"', 'reach = "everything"'),
        ('reach = "node"', 'reach = "node"\nselective = "sometimes"'),
        ('alarm = "power_fault"', 'alarm = "power_falut"'),
        ('where = "self"', 'where = "there"'),
        ("probability = 0.1", 'probability = "often"'),
        ("full = 0.9", ""),
        ("full = 0.9", 'full = 0.9\nunless = "hearsay"'),
        ("full = 0.9", 'full = 0.9\nsign = "omen"'),
    ],
)
def test_a_mistake_in_a_mode_is_named(right: str, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuleError, match=r"causes.toml: mode crash"):
        load(RULES.replace(right, wrong), tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param("full = 0.9", "full = 0.9\none_wya = 0.4", id="a key that nobody reads"),
        pytest.param("probability = 0.1", "probability = 0.1, chance = 1", id="such a key of an expectation"),
        pytest.param("prior = 0.2", "prior = -0.2", id="a negative prior"),
        pytest.param("prior = 0.2", "", id="no prior"),
        pytest.param("full = 0.9", "full = 1.0", id="a share of one, whose logarithm nobody can take"),
        pytest.param("probability = 0.1", "probability = 1.0", id="a certain alarm"),
        pytest.param('withdraws = "perhaps"', 'withdraws = "often"', id="a word that means nothing"),
        pytest.param("full = 0.9", 'full = 0.9\nrecord = "diary"', id="an unknown kind of record"),
        pytest.param("[[mode]]", "[[mod]]", id="no mode at all"),
        pytest.param("[background]", "[background", id="no TOML"),
    ],
)
def test_a_mistake_that_only_shows_later_is_named_at_once(
    right: str, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RuleError):
        load(RULES.replace(right, wrong), tmp_path, monkeypatch)
