"""Which links and devices of a network lose packets, from millions of counts of packets sent and lost on its paths."""

from __future__ import annotations

from attribution.inference.localization.assumptions import Assumptions, load_assumptions
from attribution.inference.localization.solver import FailureSet, Localization, localize
from attribution.inference.localization.tables import NONE, Counts, Lists, Parts

__all__ = [
    "NONE",
    "Assumptions",
    "Counts",
    "FailureSet",
    "Lists",
    "Localization",
    "Parts",
    "load_assumptions",
    "localize",
]
