"""A calibration says how often the favourite was right, and holds for kinds of fault that it never saw."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from attribution.model.verdict import Party
from attribution.responsibility.calibration import read_calibration
from tests.lab.calibrate import (
    Case,
    describe,
    fit_calibration,
    hold_out,
    judge_calibrations,
    read_cases,
    write_calibration,
)
from tests.lab.errors import UsageError

DICE = random.Random(20261124)


def case(stated: float, right: bool, kind: str = "crash") -> Case:
    favourite, other = Party.CUSTOMER, Party.PROVIDER
    topology = DICE.choice(("ring", "star"))
    return Case({favourite: stated, other: 1 - stated}, favourite if right else other, True, kind, topology)


def too_bold(count: int) -> list[Case]:
    """A posterior that states p and is right as often as (p + 0.5) / 2 says."""
    stated = [DICE.uniform(0.55, 1.0) for _ in range(count)]
    return [case(p, DICE.random() < (p + 0.5) / 2, DICE.choice(("crash", "cut", "leak"))) for p in stated]


def test_a_posterior_that_is_too_bold_is_mended() -> None:
    calibration = fit_calibration(too_bold(4000))
    mended = calibration.mend({Party.CUSTOMER: 0.95, Party.PROVIDER: 0.05})
    assert mended[Party.CUSTOMER] == pytest.approx(0.725, abs=0.05)


def test_a_posterior_that_deserves_its_word_is_kept_but_for_what_is_equally_sure() -> None:
    stated = [DICE.uniform(0.55, 1.0) for _ in range(4000)]
    calibration = fit_calibration([case(p, DICE.random() < p) for p in stated])
    assert len(calibration.thresholds) == 1
    mended = calibration.mend({Party.CUSTOMER: 0.7, Party.PROVIDER: 0.3})
    assert mended[Party.CUSTOMER] == 0.7


def test_a_posterior_that_is_clearly_too_timid_is_made_surer_by_what_so_many_recordings_vouch_for() -> None:
    sure = [case(0.97, True) for _ in range(300)]
    doubtful = [case(DICE.uniform(0.6, 0.8), n % 3 > 0) for n in range(300)]
    timid = [case(DICE.uniform(0.86, 0.89), True) for _ in range(120)]

    calibration = fit_calibration([*sure, *doubtful, *timid])
    assert calibration.thresholds == (0.85, 0.9)
    assert 0.88 < calibration.values[0] < 0.9 < calibration.values[1] < 1
    assert calibration.mend({Party.CUSTOMER: 0.87, Party.PROVIDER: 0.13})[Party.CUSTOMER] == calibration.values[0]

    # One wrong in eight is no more than was stated, and thirty bundles of one recording are one case.
    wrong = [case(0.87, n % 8 > 0) for n in range(120)]
    assert len(fit_calibration([*sure, *doubtful, *wrong]).thresholds) == 1
    same = [replace(one, recording=f"{n // 30}") for n, one in enumerate(timid)]
    assert len(fit_calibration([*sure, *doubtful, *same]).thresholds) == 1


def test_more_stated_never_becomes_less() -> None:
    calibration = fit_calibration(too_bold(800))
    values = [calibration.mend({Party.CUSTOMER: p / 100, Party.PROVIDER: 1 - p / 100})[Party.CUSTOMER]
              for p in range(60, 101)]
    assert values == sorted(values)


def test_no_number_of_right_answers_makes_certainty() -> None:
    calibration = fit_calibration([case(0.99, True) for _ in range(100)])
    assert calibration.mend({Party.CUSTOMER: 0.99, Party.PROVIDER: 0.01})[Party.CUSTOMER] < 1


def test_kinds_left_out_are_judged_by_a_fit_that_never_saw_them() -> None:
    figures = judge_calibrations(hold_out(cases := too_bold(3000), [case.kind for case in cases]))
    assert figures.cases == 3000
    assert figures.ece < 0.05


def test_arguable_bundles_take_part_in_the_fit_and_are_judged_apart() -> None:
    right = [case(0.97, True, kind) for kind in ("crash", "cut") for _ in range(300)]
    wrong = [replace(case(0.97, n % 2 == 0, "leak"), arguable=True) for n in range(100)]
    figures = dict(describe([*right, *wrong]))

    assert fit_calibration([*right, *wrong]).values[-1] < fit_calibration(right).values[-1]
    assert figures["as stated"].cases == len(right)
    assert figures["arguable, kinds left out"].wrong == 50
    assert "arguable, kinds left out" not in dict(describe(right))


def test_the_rule_file_can_be_read_back(tmp_path: Path) -> None:
    cases = too_bold(500)
    write_calibration(cases, "made-up cases", tmp_path / "calibration.toml")
    text = (tmp_path / "calibration.toml").read_text(encoding="utf-8")
    read, fitted = read_calibration(text, "calibration.toml"), fit_calibration(cases)
    assert (read.thresholds, read.values) == (fitted.thresholds, fitted.values)
    assert len(list(describe(cases))) == 4
    assert sum(entry.incidents for entry in read.counted) == len(cases)


def test_what_is_no_evaluation_is_refused(tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text(json.dumps({"schema": "attribution/verdict/1"}), encoding="utf-8")
    with pytest.raises(UsageError, match="expected what attribution evaluate"):
        read_cases([tmp_path / "verdict.json"])
