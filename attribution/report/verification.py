"""Whether a case was reproduced, and what was not as it keeps it."""

from __future__ import annotations

import json
from itertools import groupby

from attribution.model.kept_case import Difference, Part, Verification
from attribution.report.layout import escape

SCHEMA = "attribution/verification/1"
_MOST_OF_A_PART = 12
_NAMES = {
    Part.CASE: "the case itself",
    Part.INPUT: "inputs",
    Part.RULE: "rules",
    Part.PROGRAM: "program",
    Part.OBSERVATION: "observations",
    Part.EVIDENCE: "evidence",
    Part.HYPOTHESIS: "hypotheses",
    Part.VERDICT: "verdict",
    Part.DOSSIER: "dossier",
}
_RESULTS = frozenset({Part.OBSERVATION, Part.EVIDENCE, Part.HYPOTHESIS, Part.VERDICT, Part.DOSSIER})


def render_verification(verification: Verification) -> str:
    """One line where everything came out as it was; else each part that differs, and how."""
    incident, seal = escape(verification.incident), verification.seal
    if verification.reproduced:
        lines = [f"reproduced: {incident}, case {seal}"]
    else:
        lines = [f"not reproduced: {incident}, case {seal}"]
        for part, differences in groupby(verification.differences, key=lambda difference: difference.part):
            lines += ["", f"{_NAMES[part]}:", *_differences(list(differences))]
        if not any(difference.part in _RESULTS for difference in verification.differences):
            lines += ["", "What was observed and decided is the same to the octet."]
    lines += [f"remark: {escape(remark)}" for remark in verification.remarks]
    return "\n".join(lines) + "\n"


def _differences(differences: list[Difference]) -> list[str]:
    lines: list[str] = []
    for difference in differences[:_MOST_OF_A_PART]:
        place, kept, found = map(escape, (difference.place, difference.kept, difference.found))
        lines += [f"  {place}", f"    in the case  {kept}", f"    anew         {found}"]
    more = len(differences) - _MOST_OF_A_PART
    return [*lines, f"  … and {more} more"] if more > 0 else lines


def render_verification_json(verification: Verification) -> str:
    """One object; rules/schemas/verification.json describes it."""
    document = {
        "schema": SCHEMA,
        "incident": verification.incident,
        "case": verification.seal,
        "reproduced": verification.reproduced,
        "differences": [
            {"part": each.part.value, "place": each.place, "kept": each.kept, "found": each.found}
            for each in verification.differences
        ],
        "remarks": list(verification.remarks),
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"
