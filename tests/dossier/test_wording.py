"""Every kind of line, event and packet has its sentence, and what a line leaves out is said in words."""

from __future__ import annotations

import string

import pytest

from attribution.dossier.wording import (
    ACCOUNT_SENTENCES,
    LOG_SENTENCES,
    REASONS,
    TEMPLATES,
    WITNESS_SENTENCES,
    enumerate_names,
    say_log,
)
from attribution.model.incident import EvidenceType, Origin
from attribution.model.observation import AccountEventKind, DownReason, LogEvent, LogKind, WitnessKind

ORIGIN = Origin("telemetry/syslog.log", EvidenceType.SYSLOG)
IDLE = {LogKind.LOGIN, LogKind.ROUTINE}


def line(kind: LogKind, **further: object) -> LogEvent:
    known = {"time_ns": 0, "origin": ORIGIN, "locator": "line 1", "device": "pe1", "kind": kind, "text": "the line"}
    return LogEvent(**{**known, **further})  # type: ignore[arg-type]


def name_of(name: str | None) -> str | None:
    return {"10.0.0.1": "ce1"}.get(name or "")


@pytest.mark.parametrize("kind", LogKind)
def test_every_line_of_weight_is_a_sentence_about_its_device(kind: LogKind) -> None:
    said = say_log(line(kind), name_of)

    assert (said is None) == (kind in IDLE)
    assert said is None or ("pe1" in said and "{" not in said and "None" not in said)


def test_a_peer_is_called_by_its_name_and_address() -> None:
    said = say_log(line(LogKind.SESSION_DOWN, peer="10.0.0.1", protocol="bgp", reason=DownReason.HOLD_TIMER), name_of)

    assert said == "pe1: the BGP session with ce1 (10.0.0.1) went down (the hold timer ran out)"


def test_a_peer_that_nobody_knows_keeps_its_address() -> None:
    assert say_log(line(LogKind.SESSION_UP, peer="10.9.9.9", protocol="ospf"), name_of) == (
        "pe1: the OSPF session with 10.9.9.9 came up"
    )


def test_what_a_line_leaves_out_is_said_in_words() -> None:
    assert say_log(line(LogKind.INTERFACE_DOWN), name_of) == "pe1: a port went down"
    assert say_log(line(LogKind.SESSION_DOWN), name_of) == "pe1: the routing session with a neighbour went down"
    assert say_log(line(LogKind.COMMAND, command="reload"), name_of) == "an operator typed on pe1: reload"


def test_braces_in_a_line_are_no_template() -> None:
    hostile = "{0.__class__} {device}"

    assert say_log(line(LogKind.COMMAND, command=hostile, user=hostile), name_of) == (
        f"{hostile} typed on pe1: {hostile}"
    )


def test_nothing_that_can_be_said_has_no_words() -> None:
    assert set(LOG_SENTENCES) | IDLE | {LogKind.COMMAND} == set(LogKind)
    assert set(REASONS) == set(DownReason)
    assert set(ACCOUNT_SENTENCES) == set(AccountEventKind)
    assert set(WITNESS_SENTENCES) == set(WitnessKind)
    assert all(template and list(string.Formatter().parse(template)) for template in TEMPLATES)


@pytest.mark.parametrize(("names", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_names_are_enumerated(names: list[str], text: str) -> None:
    assert enumerate_names(names) == text
