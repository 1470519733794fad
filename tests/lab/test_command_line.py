"""The laboratory's command line says in one line what is wrong, and with which exit status it gives up."""

from __future__ import annotations

import os
import sys

import pytest

from tests.lab import cli


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["tests.lab", *arguments])
    try:
        cli.main()
    except SystemExit as ending:
        return int(str(ending.code or 0))
    return 0


def test_the_scenarios_can_be_listed_without_being_root(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, "list") == 0
    assert "customer-edge-crash" in capsys.readouterr().out


def test_recording_needs_root_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert _run(monkeypatch, "record", "customer-edge-crash") == 3
    assert "needs root" in capsys.readouterr().err


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: None if name == "tcpdump" else f"/usr/bin/{name}")
    assert _run(monkeypatch, "record", "customer-edge-crash") == 3
    assert "tcpdump" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [
    ("record", "no-such-thing"),
    ("record", "carrier-down", "--topology", "single-homed"),
    ("record", "carrier-down", "--topology", "moebius"),
    ("record", "carrier-down", "--clock-error", "somebody=3"),
    ("thin", "/nonexistent", "no-captures"),
])
def test_what_does_not_exist_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert _run(monkeypatch, *arguments) == 2
    assert "expected" in capsys.readouterr().err
