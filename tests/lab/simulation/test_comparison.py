"""Laboratory and simulator: recorded incidents and simulated ones of the same kind look alike to the tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.errors import UsageError
from tests.lab.recording import ROOT
from tests.lab.simulation.comparison import Likeness, compare, compare_corpus, recorded_bundles

PCAPS = ROOT / "pcaps"
RECORDED = {recorded.folder.name: recorded for recorded in recorded_bundles(PCAPS)}
SAMPLE = ("carrier-down", "customer-edge-hang", "provider-bgp-daemon-dies", "provider-core-link-cut",
          "provider-gray-loss", "healthy-hour")


@pytest.fixture(scope="module", params=SAMPLE)
def likeness(request: pytest.FixtureRequest) -> Likeness:
    recorded = RECORDED[request.param]
    return compare(recorded, recorded.seed)


def test_as_much_is_lost_between_the_ends_and_as_long(likeness: Likeness) -> None:
    assert likeness.simulated.loss == pytest.approx(likeness.lab.loss, abs=0.2)
    assert likeness.simulated.interrupted == pytest.approx(likeness.lab.interrupted, abs=0.25)


def test_the_tool_finds_the_same_alarms_about_the_same_roles(likeness: Likeness) -> None:
    assert likeness.alarm_recall >= 0.65
    assert likeness.alarm_precision >= 0.65


def test_the_tool_blames_the_same_party(likeness: Likeness) -> None:
    assert likeness.simulated.party == likeness.lab.party


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no recorded bundle"):
        list(compare_corpus(tmp_path, 1, None))
