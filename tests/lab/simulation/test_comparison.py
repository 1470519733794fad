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


@pytest.fixture(scope="module")
def likenesses() -> list[Likeness]:
    return [compare(RECORDED[name], RECORDED[name].seed) for name in SAMPLE]


def test_as_much_is_lost_between_the_ends_and_as_long(likenesses: list[Likeness]) -> None:
    for likeness in likenesses:
        assert likeness.simulated.loss == pytest.approx(likeness.lab.loss, abs=0.2)
        assert likeness.simulated.interrupted == pytest.approx(likeness.lab.interrupted, abs=0.25)


def test_the_tool_finds_the_same_alarms_about_the_same_roles(likenesses: list[Likeness]) -> None:
    shared = sum(len(one.lab.alarms & one.simulated.alarms) for one in likenesses)
    assert shared >= 0.75 * sum(len(one.lab.alarms) for one in likenesses)
    assert shared >= 0.75 * sum(len(one.simulated.alarms) for one in likenesses)


def test_devices_log_the_same_about_the_fault(likenesses: list[Likeness]) -> None:
    shared = sum(len(one.lab.logged & one.simulated.logged) for one in likenesses)
    assert shared >= 0.6 * sum(len(one.lab.logged) for one in likenesses)


def test_the_tool_blames_the_same_party(likenesses: list[Likeness]) -> None:
    assert [one.simulated.party for one in likenesses] == [one.lab.party for one in likenesses]


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no recorded bundle"):
        list(compare_corpus(tmp_path, 1, None))
