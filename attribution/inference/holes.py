"""Logs that hold nothing for just the time in question: their silence is none of the devices'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attribution.inference.trouble import Trouble
from attribution.model.evidence import Findings
from attribution.model.observation import Caveat
from attribution.model.phrase import Phrase

# What began a trouble is logged within this of its onset (seconds).
AROUND_ONSET_S = 2.0


def disregard_holes(findings: Findings, troubles: Sequence[Trouble]) -> tuple[Findings, tuple[Caveat, ...]]:
    """The findings in which no log covers its device that has a hole where a trouble began, and a word on each."""
    met = [
        hole
        for hole in findings.coverage.holes
        if any(hole.interval.widened(AROUND_ONSET_S, 0.0).contains(trouble.interval.start_ns) for trouble in troubles)
    ]
    caveats = tuple(
        Caveat(
            hole.citation.origin.file,
            hole.citation.locator,
            Phrase(
                "the log of {device} holds nothing for {seconds:.0f} s before this, where the trouble began, far "
                "longer than ever else: lines are missing, and its silence is no evidence",
                device=hole.device,
                seconds=hole.interval.seconds,
            ),
        )
        for hole in met
    )
    logging = findings.coverage.logging - {hole.device for hole in met}
    return replace(findings, coverage=replace(findings.coverage, logging=logging, holes=tuple(met))), caveats
