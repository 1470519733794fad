"""Evidence left aside, to see what the answer rests on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from attribution.model.evidence import Alarm, Findings, Measurement, Record


def leave_out(findings: Findings, places: Collection[tuple[str, str]]) -> Findings:
    """The findings without what is cited at these places (file and locator).

    A measurement is cited for all that were made of the same way: they are one piece of evidence, and go together.
    """
    if not places:
        return findings

    def cited(item: Measurement | Alarm | Record) -> bool:
        return (item.citation.origin.file, item.citation.locator) in places

    ways = {(m.journeys, m.of_service) for m in findings.measurements if cited(m)}
    return replace(
        findings,
        measurements=tuple(m for m in findings.measurements if (m.journeys, m.of_service) not in ways),
        alarms=tuple(alarm for alarm in findings.alarms if not cited(alarm)),
        records=tuple(record for record in findings.records if not cited(record)),
    )
