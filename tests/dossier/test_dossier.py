"""What a dossier makes of an incident: on one clock, from an archive, without some files, and however large."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from attribution.errors import EvidenceError
from attribution.model.dossier import EntryKind
from attribution.model.topology import Side
from attribution.pipeline import draw_up
from tests.large_incident import make_incident
from tests.transform.breakages import truncate_capture
from tests.transform.clocks import skew_clock

PCAPS = Path(__file__).parent.parent.parent / "pcaps"
CRASH = PCAPS / "customer-edge-crash-end-to-end-only"
SKEWED = PCAPS / "provider-ring-turns-slowly"


def test_an_archive_gives_the_same_dossier_as_its_folder(tmp_path: Path) -> None:
    packed = tmp_path / "incident.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(CRASH, "incident")

    assert draw_up(packed) == draw_up(CRASH)


def test_files_left_aside_do_not_show() -> None:
    dossier = draw_up(CRASH, ["telemetry/probes-end-to-end.csv"])

    assert not [entry for entry in dossier.timeline if entry.file == "telemetry/probes-end-to-end.csv"]
    assert not dossier.losses


def test_a_file_that_is_not_there_cannot_be_left_aside() -> None:
    with pytest.raises(EvidenceError, match="found no such file"):
        draw_up(CRASH, ["telemetry/nothing.csv"])


def test_a_side_whose_clock_was_set_right_is_told_with_what_was_added() -> None:
    dossier = draw_up(SKEWED)
    clock = next(clock for clock in dossier.clocks if clock.source == "provider")
    shifted = [entry for entry in dossier.timeline if entry.supplied_by is Side.PROVIDER and entry.raw]

    assert clock.supplied_by is Side.PROVIDER and clock.added_ns != 0 and clock.why
    assert shifted
    assert {entry.interval.start_ns - entry.stated_ns for entry in shifted} == {clock.added_ns}


@pytest.mark.parametrize(("parquet", "unit"), [(False, "line "), (True, "row ")])
def test_flow_records_by_the_thousand_are_charted_and_their_rows_quoted(
    tmp_path: Path, parquet: bool, unit: str
) -> None:
    dossier = draw_up(make_incident(tmp_path / "incident", 3_000, 0, parquet=parquet).folder)
    cited = [entry for entry in dossier.timeline if entry.evidence is not None]
    rows = [excerpt for excerpt in dossier.excerpts if "flow" in excerpt.file and excerpt.locator.startswith(unit)]

    assert {entry.evidence for entry in cited} == {piece.id for piece in dossier.verdict.evidence} != set()
    assert any(series.method == "flows" and sum(series.lost) for series in dossier.losses)
    assert rows and all(any(row.cited for row in excerpt.rows) for excerpt in rows)
    assert len(dossier.timeline) < 400


@pytest.mark.parametrize("stated", [True, False])
def test_a_skewed_clock_moves_what_is_stated_and_not_what_happened(tmp_path: Path, stated: bool) -> None:
    bundle = PCAPS / "provider-gray-loss-after-customer-change-no-captures"
    skewed = draw_up(skew_clock(bundle, tmp_path / "skewed", "customer", 120, stated=stated))
    moved = [entry for entry in skewed.timeline if entry.raw and entry.supplied_by is Side.CUSTOMER]

    assert moved
    (correction,) = {entry.interval.start_ns - entry.stated_ns for entry in moved}
    assert correction == pytest.approx(-120 * 10**9, abs=2 * 10**9)
    assert correction in {clock.added_ns for clock in skewed.clocks}


def test_a_capture_that_breaks_off_is_quoted_as_far_as_it_goes(tmp_path: Path) -> None:
    truncate_capture(PCAPS / "customer-edge-crash", tmp_path / "cut")
    dossier = draw_up(tmp_path / "cut")

    assert {excerpt.evidence for excerpt in dossier.excerpts} == {piece.id for piece in dossier.verdict.evidence}


def test_log_lines_of_any_length_stay_readable(tmp_path: Path) -> None:
    shutil.copytree(CRASH.parent / "provider-gateway-line-cut-logs-only", tmp_path / "incident")
    log = tmp_path / "incident" / "telemetry" / "syslog-provider.log"
    lines = log.read_text(encoding="utf-8").splitlines()
    log.write_text("\n".join(f"{line} {'x' * 100_000}" for line in lines) + "\n", encoding="utf-8")
    dossier = draw_up(tmp_path / "incident")

    assert dossier.timeline
    assert max(len(entry.raw) for entry in dossier.timeline) < 3_000
    assert max(len(cell) for excerpt in dossier.excerpts for row in excerpt.rows for cell in row.cells) < 500


def test_the_same_files_give_the_same_dossier() -> None:
    assert draw_up(CRASH) == draw_up(CRASH)


def test_an_alarm_that_never_ended_lasts_as_long_as_anyone_watched() -> None:
    dossier = draw_up(PCAPS / "provider-gateway-line-cut-logs-only")
    last = max(entry.interval.start_ns for entry in dossier.timeline)

    assert all(entry.interval.end_ns <= last + 3_600 * 10**9 for entry in dossier.timeline)
    assert any(entry.kind is EntryKind.ALARM and entry.interval.seconds > 1 for entry in dossier.timeline)
