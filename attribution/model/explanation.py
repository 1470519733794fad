"""Why a verdict is what it is: what speaks against the other answers, what it rests on, and what it is without some."""

from __future__ import annotations

from dataclasses import dataclass

from attribution.model.verdict import Cause, Party, Verdict, WeighedEvidence


@dataclass(frozen=True, slots=True)
class Rival:
    """The best explanation by which another party would answer.

    `causes` is empty where no explanation of that kind was probable enough to be looked at. The weights of `evidence`
    compare it with the explanation that the verdict rests on: what is positive speaks against the rival.
    """

    party: Party
    probability: float
    causes: tuple[Cause, ...]
    evidence: tuple[WeighedEvidence, ...]


@dataclass(frozen=True, slots=True)
class Omission:
    """Evidence left aside: in the words of who asked for it, as whole files, and as places in files."""

    asked: tuple[str, ...]
    files: tuple[str, ...]
    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Lacking:
    """The verdict that is left without some evidence."""

    omission: Omission
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Explanation:
    """A verdict with its rivals.

    `pillars` are the verdicts without each of the files that carry most of it, `lacking` the one without what was
    asked to be left aside.
    """

    verdict: Verdict
    rivals: tuple[Rival, ...]
    pillars: tuple[Lacking, ...]
    lacking: Lacking | None = None
