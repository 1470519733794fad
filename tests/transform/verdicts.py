"""Recorded incidents decided once for all tests of a run, and what their truth admits."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import attribution
from attribution.model.verdict import Verdict
from tests.transform.folder import Keys


@cache
def decided(bundle: Path) -> Verdict:
    """The verdict on a bundle that does not change during the run."""
    return attribution.decide(bundle)


def admitted_clauses(truth: Keys) -> tuple[str | None, ...]:
    """The clauses that the Agreement's text admits; None alone where no party answers."""
    clause = truth["clause"]
    return tuple(clause) if isinstance(clause, list) else (clause,)


def admitted_components(truth: Keys) -> frozenset[str]:
    """What may be named as the root: the earliest true cause's component, or what the truth admits beside it."""
    causes = truth["causes"]
    return frozenset((causes[0]["component"], *causes[0].get("admissible_components", ()))) if causes else frozenset()


def departures(verdict: Verdict, truth: Keys) -> list[str]:
    """In which respects a verdict is not the true one: party, clause, the component that comes first."""
    told = f"{verdict.party} {verdict.clause} at {verdict.probability:.3f}, causes {described(verdict)}"
    found = []
    if verdict.party != truth["party"]:
        found.append(f"party: expected {truth['party']}, got {told}")
    elif verdict.clause not in admitted_clauses(truth):
        found.append(f"clause: expected one of {admitted_clauses(truth)}, got {told}")
    if truth["party"] not in ("neither", "undetermined"):
        first = verdict.causes[0].component if verdict.causes else None
        if first not in admitted_components(truth):
            found.append(f"component: expected one of {sorted(admitted_components(truth))}, got {told}")
    return found


def described(verdict: Verdict) -> str:
    """The causes and parties in a line, for the message of a test that fails."""
    causes = ", ".join(f"{cause.component} {cause.kind} {cause.probability:.2f}" for cause in verdict.causes) or "none"
    parties = " ".join(f"{party}={mass:.3f}" for party, mass in verdict.parties.items())
    return f"{causes} ({parties})"
