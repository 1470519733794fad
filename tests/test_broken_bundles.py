"""A bundle that breaks the contract gets one line that names the place, and exit status 3; never a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import attribution
from attribution.cli import run
from attribution.report import render_json
from tests.transform.breakages import BREAKAGES, Breakage, break_bundle, truncate_capture
from tests.transform.recorded import RECORDED, captures_of, name_of

WITH_CAPTURES = tuple(bundle for bundle in RECORDED if captures_of(bundle))


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name.replace(" ", "-"))
def test_an_error_names_the_place(breakage: Breakage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = break_bundle(WITH_CAPTURES[0], tmp_path / "broken", breakage)
    status = run(["decide", str(tmp_path / "broken")])
    output = capsys.readouterr()
    assert status == 3, output.err
    assert output.out == ""
    assert len(output.err.splitlines()) == 1
    for word in words:
        assert word in output.err


def test_the_process_itself_leaves_with_status_3(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from attribution.cli import main; main()", "decide", str(tmp_path / "nothing")]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 3
    assert finished.stdout == ""
    assert len(finished.stderr.splitlines()) == 1
    assert "nothing" in finished.stderr


@pytest.mark.parametrize("bundle", WITH_CAPTURES[::5], ids=name_of)
def test_a_truncated_capture_is_decided_with_a_warning(bundle: Path, tmp_path: Path) -> None:
    file = truncate_capture(bundle, tmp_path / "cut")
    verdict = attribution.decide(tmp_path / "cut")
    assert [caveat.reason for caveat in verdict.caveats if caveat.file == file]
    assert file in render_json(verdict)


def test_a_truncated_archive_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.transform.archive import as_archive

    archive = as_archive(RECORDED[0], tmp_path / "incident", ".tar.gz")
    archive.write_bytes(archive.read_bytes()[:-1000])
    assert run(["decide", str(archive)]) == 3
    assert "incident.tar.gz" in capsys.readouterr().err
