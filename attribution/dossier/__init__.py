"""A decided incident as a reader sees it: everything on one line of time, in series, and in the files' own words."""

from __future__ import annotations

from collections.abc import Iterable

from attribution.dossier.clocks import list_clocks
from attribution.dossier.grounds import Citations, Grounds
from attribution.dossier.losses import chart_losses
from attribution.dossier.quotations import plan_quotations
from attribution.dossier.rates import chart_rates
from attribution.dossier.timeline import build_timeline
from attribution.model.agreement import Agreement
from attribution.model.dossier import Dossier, Excerpt, Reliability
from attribution.model.explanation import Rival
from attribution.model.incident import EvidenceType


def compile_dossier(
    grounds: Grounds,
    agreement: Agreement,
    rivals: Iterable[Rival],
    excerpts: Iterable[Excerpt],
    reliability: Reliability | None,
) -> Dossier:
    """The dossier of a decided incident; excerpts are those that `plan_quotations` asked for."""
    order = {piece.id: place for place, piece in enumerate(grounds.verdict.evidence)}
    times = {piece.id: piece.time_ns for piece in grounds.verdict.evidence}
    origins = sorted(grounds.incident.origins, key=lambda origin: origin.file)
    return Dossier(
        incident=grounds.incident,
        topology=grounds.topology,
        agreement=agreement,
        verdict=grounds.verdict,
        rivals=tuple(rivals),
        timeline=build_timeline(grounds),
        losses=chart_losses(grounds, Citations(grounds.verdict.evidence)),
        rates=chart_rates(grounds),
        clocks=list_clocks(grounds),
        excerpts=tuple(sorted(excerpts, key=lambda e: (times[e.evidence], order[e.evidence]))),
        reliability=reliability,
        capture_points=tuple(
            dict.fromkeys(
                (origin.device or origin.file, origin.interface)
                for origin in origins
                if origin.type is EvidenceType.CAPTURE
            )
        ),
    )


__all__ = ["Grounds", "compile_dossier", "plan_quotations"]
