"""Whose fault a network interruption was: `attribution.decide(path)` answers with a Verdict.

    import attribution
    verdict = attribution.decide("incident-folder")
    print(verdict.party, verdict.clause, verdict.probability)

Names load when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attribution.errors import AttributionError
    from attribution.model.incident import Incident, Interval
    from attribution.model.topology import Side, Topology
    from attribution.model.verdict import (
        Cause,
        CauseKind,
        Interruption,
        Party,
        Provision,
        Request,
        ServiceLevel,
        Verdict,
        WeighedEvidence,
    )
    from attribution.pipeline import decide

__all__ = [
    "AttributionError",
    "Cause",
    "CauseKind",
    "Incident",
    "Interruption",
    "Interval",
    "Party",
    "Provision",
    "Request",
    "ServiceLevel",
    "Side",
    "Topology",
    "Verdict",
    "WeighedEvidence",
    "decide",
]

_HOMES = {
    "attribution.errors": ("AttributionError",),
    "attribution.model.incident": ("Incident", "Interval"),
    "attribution.model.topology": ("Side", "Topology"),
    "attribution.model.verdict": (
        "Cause",
        "CauseKind",
        "Interruption",
        "Party",
        "Provision",
        "Request",
        "ServiceLevel",
        "Verdict",
        "WeighedEvidence",
    ),
    "attribution.pipeline": ("decide",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'attribution' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
