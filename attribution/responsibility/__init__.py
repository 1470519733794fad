"""Clauses applied to causes: the party that answers, the clause, and each second's place."""

from attribution.responsibility.agreement import known_agreements, load_agreement, read_agreement
from attribution.responsibility.calibration import Calibration, load_calibration
from attribution.responsibility.clauses import ClauseFinding, answering_side, explain_clauses
from attribution.responsibility.decision import Responsibility, decide_responsibility

__all__ = [
    "Calibration",
    "ClauseFinding",
    "Responsibility",
    "answering_side",
    "decide_responsibility",
    "explain_clauses",
    "known_agreements",
    "load_agreement",
    "load_calibration",
    "read_agreement",
]
