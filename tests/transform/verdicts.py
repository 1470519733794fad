"""Recorded incidents decided once for all tests of a run, and what their truth admits."""

from __future__ import annotations

import os
import pickle
from functools import cache
from pathlib import Path
from uuid import uuid4

from attribution import pipeline
from attribution.evaluation import mark, read_truth, told_by
from attribution.model.dossier import Dossier
from attribution.model.verdict import Verdict
from tests.transform.folder import Keys, dump_yaml

KEPT_IN = "ATTRIBUTION_TESTS_KEEP"
"""The variable that names the folder in which the processes of one run keep the dossiers they have drawn up."""


def decided(bundle: Path) -> Verdict:
    """The verdict on a recorded bundle."""
    return drawn_up(bundle).verdict


@cache
def drawn_up(bundle: Path) -> Dossier:
    """The dossier of a recorded bundle, drawn up by whichever process of the run needs it first."""
    kept = Path(os.environ[KEPT_IN]) / f"{bundle.name}.pickle"
    if kept.exists():
        dossier: Dossier = pickle.loads(kept.read_bytes())
        return dossier
    dossier = pipeline.draw_up(bundle)
    unfinished = kept.with_name(uuid4().hex)
    unfinished.write_bytes(pickle.dumps(dossier))
    unfinished.replace(kept)
    return dossier


def departures(verdict: Verdict, keys: Keys) -> list[str]:
    """In which respects a verdict is not the true one: party, clause, the component that comes first."""
    truth = read_truth(dump_yaml(keys).encode(), "truth.yaml")
    marks = mark(told_by(verdict), truth)
    told = f"{verdict.party} {verdict.clause} at {verdict.probability:.3f}, causes {described(verdict)}"
    found = []
    if not marks.agrees:
        found.append(f"party: expected {truth.party}, got {told}")
    elif verdict.clause not in (truth.clauses or (None,)):
        found.append(f"clause: expected one of {truth.clauses}, got {told}")
    if marks.component is False:
        found.append(f"component: expected one of {sorted(truth.causes[0].components)}, got {told}")
    return found


def described(verdict: Verdict) -> str:
    """The causes and parties in a line, for the message of a test that fails."""
    causes = ", ".join(f"{cause.component} {cause.kind} {cause.probability:.2f}" for cause in verdict.causes) or "none"
    parties = " ".join(f"{party}={mass:.3f}" for party, mass in verdict.parties.items())
    return f"{causes} ({parties})"
