"""The explanation as one JSON object; rules/schemas/explanation.json describes it."""

from __future__ import annotations

import json

from attribution.model.explanation import Explanation, Lacking, Rival
from attribution.model.verdict import Verdict
from attribution.report.explanation import changes
from attribution.report.json_document import evidence_document, verdict_document

SCHEMA = "attribution/explanation/1"


def render_explanation_json(explanation: Explanation) -> str:
    """One object, keys in the order of the contract, ASCII only."""
    document = {
        "schema": SCHEMA,
        "verdict": verdict_document(explanation.verdict),
        "rivals": [_rival(rival) for rival in explanation.rivals],
        "rests_on": [_lacking(pillar, explanation.verdict) for pillar in explanation.pillars],
        "without": None if explanation.lacking is None else _lacking(explanation.lacking, explanation.verdict, True),
    }
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _rival(rival: Rival) -> dict[str, object]:
    return {
        "party": rival.party.value,
        "probability": round(rival.probability, 6) + 0.0,
        "causes": [{"component": cause.component, "kind": cause.kind.value} for cause in rival.causes],
        "evidence": [evidence_document(piece) for piece in rival.evidence],
    }


def _lacking(lacking: Lacking, before: Verdict, whole: bool = False) -> dict[str, object]:
    """What was left aside and what is left; the whole verdict where it was asked for by name."""
    after, omission = lacking.verdict, lacking.omission
    answer: dict[str, object] = {
        "party": after.party.value,
        "clause": after.clause,
        "probability": round(after.probability, 6) + 0.0,
    }
    return {
        "asked": list(omission.asked),
        "files": list(omission.files),
        "places": [{"file": file, "locator": locator} for file, locator in omission.places],
        "changed": changes(before, after),
        "verdict": verdict_document(after) if whole else answer,
    }
