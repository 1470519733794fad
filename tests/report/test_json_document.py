"""The JSON verdict keeps the contract: its keys in their order, its schema, its forms of time and number."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from attribution.model.observation import Caveat
from attribution.model.verdict import CauseKind, Party, Verdict
from attribution.report import render_json
from attribution.report.json_document import describe_caveat
from tests.report.verdicts import CRASH, EVERY_VERDICT, HOSTILE_VERDICT, SETTLED, UNDETERMINED

SCHEMAS = resources.files("attribution") / "rules" / "schemas"


def read_schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))


def test_the_whole_document_is_the_contracts() -> None:
    assert json.loads(render_json(SETTLED)) == {
        "schema": "attribution/verdict/1",
        "incident": "INC-2026-0412",
        "verdict": {
            "party": "customer",
            "clause": "4.2(2)",
            "probability": 0.97,
            "summary": "The service was interrupted because the device ce1 failed.",
        },
        "parties": {"customer": 0.97, "provider": 0.02, "shared": 0.0, "neither": 0.01},
        "interruption": {
            "detected": True,
            "start": "2026-11-23T10:00:30.000Z",
            "end": "2026-11-23T10:01:57.000Z",
            "seconds": 87.0,
            "seconds_by_party": {"customer": 87.0, "provider": 0.0},
        },
        "causes": [
            {
                "component": "ce1",
                "kind": "device_failure",
                "side": "customer",
                "clause": "4.2(2)",
                "probability": 0.95,
                "start": "2026-11-23T10:00:31.000Z",
                "end": "2026-11-23T10:01:56.500Z",
                "evidence": ["e1", "e2"],
                "caused_by": None,
            },
            {
                "component": "ce1--pe1",
                "kind": "link_failure",
                "side": "customer",
                "clause": "4.2(2)",
                "probability": 0.95,
                "start": "2026-11-23T10:00:31.000Z",
                "end": "2026-11-23T10:01:56.500Z",
                "evidence": [],
                "caused_by": "ce1",
            },
        ],
        "evidence": [
            {
                "id": name,
                "file": "telemetry/syslog.log",
                "locator": "line 118",
                "time": "2026-11-23T10:00:31.250Z",
                "component": "ce1",
                "supplied_by": "provider",
                "statement": statement,
                "weight": weight,
            }
            for name, statement, weight in (
                ("e1", "pe1 says that its port to ce1 went down", 2.31),
                ("e2", "40 of 40 probes to ce1 went unanswered", 1.1),
                ("e3", "pe1 logged a high load", -0.42),
            )
        ],
        "requests": [
            {
                "what": "the power log of ce1",
                "from": "customer",
                "component": "ce1",
                "why": "it would tell a crash from a shutdown",
                "gain_bits": 0.4,
            }
        ],
        "inputs": [{"file": "telemetry/syslog.log", "sha256": "ab" * 32, "bytes": 4096}],
        "warnings": ["telemetry/syslog.log, line 7: a time without a zone, read as UTC (3 places)"],
    }


def test_keys_stand_in_the_contracts_order() -> None:
    document = json.loads(render_json(SETTLED))

    assert list(document) == read_schema("verdict")["required"]
    assert list(document["verdict"]) == ["party", "clause", "probability", "summary"]


@pytest.mark.parametrize("verdict", [*EVERY_VERDICT, HOSTILE_VERDICT], ids=lambda verdict: verdict.party.value)
def test_every_verdict_validates_against_the_schema(verdict: Verdict) -> None:
    Draft202012Validator(read_schema("verdict")).validate(json.loads(render_json(verdict)))


def test_the_schema_refuses_a_clause_without_a_party() -> None:
    document = json.loads(render_json(UNDETERMINED))
    document["verdict"]["clause"] = "4.2"

    assert not Draft202012Validator(read_schema("verdict")).is_valid(document)


@pytest.mark.parametrize("name", ["verdict", "truth"])
def test_schemas_are_schemas_and_know_every_kind_of_cause(name: str) -> None:
    schema = read_schema(name)
    kinds = schema["$defs"].get("kind") or schema["properties"]["causes"]["items"]["properties"]["kind"]

    Draft202012Validator.check_schema(schema)
    assert kinds["enum"] == [kind.value for kind in CauseKind]


def test_the_document_is_ascii_whatever_the_evidence_holds() -> None:
    assert render_json(HOSTILE_VERDICT).isascii()
    assert "\x1b" not in render_json(HOSTILE_VERDICT)


def test_the_same_verdict_prints_the_same_bytes() -> None:
    assert render_json(SETTLED) == render_json(replace(SETTLED))


def test_a_cause_on_nobodys_cable_has_neither_side_nor_clause() -> None:
    verdict = replace(UNDETERMINED, causes=(replace(CRASH, side=None, clause=None),))
    cause = json.loads(render_json(verdict))["causes"][0]

    assert cause["side"] is None
    assert cause["clause"] is None
    assert verdict.party is Party.UNDETERMINED


@pytest.mark.parametrize(
    ("caveat", "line"),
    [
        (Caveat("a.csv", "row 3", "no such device"), "a.csv, row 3: no such device"),
        (Caveat("a.csv", "", "empty", 2), "a.csv: empty (2 places)"),
        (Caveat("", "", "no capture was supplied"), "no capture was supplied"),
    ],
)
def test_a_caveat_says_where_why_and_how_often(caveat: Caveat, line: str) -> None:
    assert describe_caveat(caveat) == line
