"""Damaged captures of every kind give packets, a caveat or the documented error, alike in both readers.

A few seconds of what `python -m tests.packets.fuzz` does for as long as one likes.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.packets.fuzz import MAKERS, run

INPUTS = {"pcap": 500, "pcapng": 500, "packets": 250}


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_no_damage_is_more_than_damage(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path.cwd()
    os.chdir(tmp_path)  # a finding is written where the program runs
    try:
        done, found = run(kind, range(INPUTS[kind]), 20, time.monotonic() + 120)
    finally:
        os.chdir(before)

    assert found is None, capsys.readouterr().out
    assert done == INPUTS[kind]
