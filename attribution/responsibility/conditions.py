"""A clause's conditions and how they are judged: met, not met, or unknown, each part of them, without short cuts.

Every part is judged even where the answer is settled before, so that a report can say each reason why a clause does
not apply. Unknown is Kleene's third truth value: it stays unknown unless the other parts settle the answer alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from attribution.model.agreement import AllOf, AnyOf, FactIs, NotSo, Requirement
from attribution.model.evidence import Condition


@dataclass(frozen=True, slots=True)
class Judgement:
    """How one requirement stands, with the judgement of every part of it."""

    requirement: Requirement
    condition: Condition
    parts: tuple[Judgement, ...] = ()

    def leaves(self, wanted: bool = True) -> Iterator[tuple[Judgement, bool]]:
        """Each named fact judged, and whether the requirement wants it so (False under a `not`)."""
        if isinstance(self.requirement, FactIs):
            yield self, wanted
        for part in self.parts:
            yield from part.leaves(wanted != isinstance(self.requirement, NotSo))


def judge(requirement: Requirement, ask: Callable[[FactIs], Condition]) -> Judgement:
    """Judge a requirement and all its parts; `ask` answers for the named facts."""
    match requirement:
        case FactIs():
            return Judgement(requirement, ask(requirement))
        case NotSo(part):
            judged = judge(part, ask)
            return Judgement(requirement, _opposite(judged.condition), (judged,))
        case AllOf(parts):
            judgements = tuple(judge(part, ask) for part in parts)
            return Judgement(requirement, _weakest(judgements), judgements)
        case AnyOf(parts):
            judgements = tuple(judge(part, ask) for part in parts)
            return Judgement(requirement, _strongest(judgements), judgements)


_STRENGTH = (Condition.NOT_MET, Condition.UNKNOWN, Condition.MET)


def _weakest(judgements: tuple[Judgement, ...]) -> Condition:
    return min((judgement.condition for judgement in judgements), key=_STRENGTH.index, default=Condition.MET)


def _strongest(judgements: tuple[Judgement, ...]) -> Condition:
    return max((judgement.condition for judgement in judgements), key=_STRENGTH.index, default=Condition.NOT_MET)


def _opposite(condition: Condition) -> Condition:
    return _STRENGTH[2 - _STRENGTH.index(condition)]
