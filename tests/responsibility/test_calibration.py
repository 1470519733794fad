"""What a probability says is how often such a verdict was right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.errors import RuleError
from attribution.model.verdict import Party
from attribution.responsibility.calibration import Calibration, Counted, load_calibration, read_calibration

STEPS = Calibration((0.6, 0.9, 0.99), (0.62, 0.85, 0.98))


def parties(*shares: float) -> dict[Party, float]:
    return dict(zip((Party.CUSTOMER, Party.PROVIDER, Party.SHARED, Party.NEITHER), shares, strict=True))


def test_the_favourite_gets_what_such_favourites_were_worth_and_the_rest_is_shared_as_before() -> None:
    mended = STEPS.mend(parties(0.94, 0.04, 0.02, 0.0))
    assert mended[Party.CUSTOMER] == 0.85
    assert mended[Party.PROVIDER] == pytest.approx(0.10)
    assert mended[Party.SHARED] == pytest.approx(0.05)


def test_below_the_first_step_the_posterior_is_taken_at_its_word() -> None:
    assert STEPS.mend(parties(0.5, 0.4, 0.1, 0.0)) == parties(0.5, 0.4, 0.1, 0.0)


def test_certainty_is_mended_too() -> None:
    mended = STEPS.mend(parties(1.0, 0.0, 0.0, 0.0))
    assert mended[Party.CUSTOMER] == 0.98
    assert sum(mended.values()) == pytest.approx(1)


@given(st.lists(st.floats(0.001, 1), min_size=4, max_size=4))
def test_the_parties_add_up_to_one_and_the_favourite_stays(weights: list[float]) -> None:
    stated = parties(*(weight / sum(weights) for weight in weights))
    mended = STEPS.mend(stated)
    assert sum(mended.values()) == pytest.approx(1)
    favourite = max(stated, key=lambda party: stated[party])
    assert mended[favourite] == max(mended.values())


def test_the_shipped_calibration_rises_and_claims_no_certainty() -> None:
    shipped = load_calibration()
    assert list(shipped.values) == sorted(shipped.values)
    assert all(value < 1 for value in shipped.values)


def test_it_is_said_on_what_and_on_how_many_incidents_it_was_counted() -> None:
    rows = "".join(f"[[counted]]\nstated = {s}\nright = {s + 0.1}\nincidents = 12\n" for s in (0.5, 0.7))
    read = read_calibration(f'source = "recorded incidents"\n{rows}', "file")
    assert read.source == "recorded incidents"
    assert read.experience(0.69) == Counted(0.5, 0.6, 12)
    assert read.experience(0.7) == read.experience(1.0) == Counted(0.7, 0.7 + 0.1, 12)
    assert read.experience(0.3) is None
    assert sum(entry.incidents for entry in load_calibration().counted) > 1000
    assert load_calibration().source


@pytest.mark.parametrize(
    "text",
    [
        "[[counted]]\nstated = 0.5\nright = 0.6\nincidents = 0\n",
        '[[counted]]\nstated = 0.5\nright = 0.6\nincidents = "many"\n',
        "source = 3\n",
        'source = "x"\n[[step]]\nstated = 0.9\nright = 0.9\n[[step]]\nstated = 0.8\nright = 0.95\n',
        'source = "x"\n[[step]]\nstated = 0.5\nright = 0.9\n[[step]]\nstated = 0.8\nright = 0.6\n',
        'source = "x"\n[[step]]\nstated = 1.5\nright = 0.9\n',
        'source = "x"\n[[step]]\nstated = 0.5\n',
        "step = 3\n",
        "step = [",
    ],
    ids=[
        "fewer than none", "no count", "no words", "falling thresholds", "falling values", "no probability", "no value",
        "no table", "no TOML",
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(RuleError):
        read_calibration(text, "calibration.toml")
