"""Whose fault a network interruption was: `attribution.decide(path)` answers with a Verdict.

    import attribution

    verdict = attribution.decide("incident-folder")
    print(verdict.party, verdict.clause, verdict.probability)

`load` reads an incident once, to be asked often; `explain` says why, and what would change the verdict. Names load when
they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attribution.api import Case, Verdict, decide, explain, load
    from attribution.errors import AttributionError
    from attribution.model.dossier import Dossier
    from attribution.model.explanation import Explanation
    from attribution.model.incident import Incident, Interval
    from attribution.model.topology import Side, Topology
    from attribution.model.verdict import (
        Cause,
        CauseKind,
        InputFile,
        Interruption,
        Party,
        Provision,
        Request,
        ServiceLevel,
        WeighedEvidence,
    )

__all__ = [
    "AttributionError",
    "Case",
    "Cause",
    "CauseKind",
    "Dossier",
    "Explanation",
    "Incident",
    "InputFile",
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
    "explain",
    "load",
]

_HOMES = {
    "attribution.api": ("Case", "Verdict", "decide", "explain", "load"),
    "attribution.errors": ("AttributionError",),
    "attribution.model.dossier": ("Dossier",),
    "attribution.model.explanation": ("Explanation",),
    "attribution.model.incident": ("Incident", "Interval"),
    "attribution.model.topology": ("Side", "Topology"),
    "attribution.model.verdict": (
        "Cause",
        "CauseKind",
        "InputFile",
        "Interruption",
        "Party",
        "Provision",
        "Request",
        "ServiceLevel",
        "WeighedEvidence",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'attribution' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
