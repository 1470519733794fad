"""The verdict as the one JSON object that scripts read; rules/schemas/verdict.json describes it."""

from __future__ import annotations

import json

from attribution.model.observation import Caveat
from attribution.model.verdict import Cause, Interruption, Request, Verdict, WeighedEvidence
from attribution.report.moment import render_time

SCHEMA = "attribution/verdict/1"


def render_json(verdict: Verdict) -> str:
    """One object, keys in the order of the contract, ASCII only: safe for any terminal, encoding and parser."""
    return json.dumps(verdict_document(verdict), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def verdict_document(verdict: Verdict) -> dict[str, object]:
    """The verdict as plain dictionaries, lists, numbers and text."""
    return {
        "schema": SCHEMA,
        "incident": verdict.incident,
        "verdict": {
            "party": verdict.party.value,
            "clause": verdict.clause,
            "probability": _probability(verdict.probability),
            "summary": verdict.summary,
        },
        "parties": {party: _probability(mass) for party, mass in verdict.parties.items()},
        "interruption": _interruption(verdict.interruption),
        "causes": [_cause(cause) for cause in verdict.causes],
        "evidence": [evidence_document(evidence) for evidence in verdict.evidence],
        "requests": [_request(request) for request in verdict.requests],
        "inputs": [{"file": file.file, "sha256": file.sha256, "bytes": file.octets} for file in verdict.inputs],
        "warnings": [describe_caveat(caveat) for caveat in verdict.caveats],
    }


def describe_caveat(caveat: Caveat) -> str:
    """One line on what was left out or is less sure: where, why, and how often."""
    place = ", ".join(part for part in (caveat.file, caveat.locator) if part)
    often = f" ({caveat.count} places)" if caveat.count != 1 else ""
    return f"{place}: {caveat.reason}{often}" if place else f"{caveat.reason}{often}"


def _interruption(interruption: Interruption) -> dict[str, object]:
    intervals = interruption.intervals
    return {
        "detected": interruption.detected,
        "start": render_time(min(interval.start_ns for interval in intervals)) if intervals else None,
        "end": render_time(max(interval.end_ns for interval in intervals)) if intervals else None,
        "seconds": _seconds(interruption.seconds),
        "seconds_by_party": {party: _seconds(spent) for party, spent in interruption.seconds_by_party.items()},
    }


def _cause(cause: Cause) -> dict[str, object]:
    return {
        "component": cause.component,
        "kind": cause.kind.value,
        "side": None if cause.side is None else cause.side.value,
        "clause": cause.clause,
        "probability": _probability(cause.probability),
        "start": render_time(cause.interval.start_ns),
        "end": render_time(cause.interval.end_ns),
        "evidence": list(cause.evidence),
        "caused_by": cause.caused_by,
    }


def evidence_document(evidence: WeighedEvidence) -> dict[str, object]:
    """One piece of evidence with its place and weight."""
    return {
        "id": evidence.id,
        "file": evidence.file,
        "locator": evidence.locator,
        "time": render_time(evidence.time_ns),
        "component": evidence.component,
        "supplied_by": None if evidence.supplied_by is None else evidence.supplied_by.value,
        "statement": evidence.statement,
        "weight": round(evidence.weight, 2) + 0.0,
    }


def _request(request: Request) -> dict[str, object]:
    return {
        "what": request.what,
        "from": request.from_side.value,
        "component": request.component,
        "why": request.why,
        "gain_bits": round(request.gain_bits, 3),
    }


def _probability(mass: float) -> float:
    return round(mass, 6) + 0.0


def _seconds(seconds: float) -> float:
    return round(seconds, 3) + 0.0
