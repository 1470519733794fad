"""Every recorded incident has a dossier in which all that its verdict cites can be looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from attribution.model.dossier import Dossier
from attribution.pipeline import draw_up

INCIDENTS = sorted(path.parent for path in (Path(__file__).parent.parent.parent / "pcaps").glob("*/incident.yaml"))
FEW = (
    "customer-edge-crash",
    "customer-far-edge-misroutes",
    "customer-detaches-vpc",
    "provider-gateway-line-cut-logs-only",
)


@pytest.fixture(scope="module", params=[path for path in INCIDENTS if path.name in FEW], ids=lambda path: path.name)
def dossier(request: pytest.FixtureRequest) -> Dossier:
    return draw_up(request.param)


def test_each_piece_of_evidence_stands_once_on_the_timeline(dossier: Dossier) -> None:
    cited = [entry.evidence for entry in dossier.timeline if entry.evidence is not None]

    assert sorted(cited) == sorted(piece.id for piece in dossier.verdict.evidence)


def test_each_piece_of_evidence_is_quoted_from_its_file(dossier: Dossier) -> None:
    quoted = {excerpt.evidence: excerpt for excerpt in dossier.excerpts}

    assert set(quoted) == {piece.id for piece in dossier.verdict.evidence}
    assert all(any(row.cited for row in excerpt.rows) for excerpt in quoted.values())
