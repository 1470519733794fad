"""What a dossier is made from: the decided incident, all that its files state, and the evidence found in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from attribution.model.evidence import Alarm, Findings, Measurement, Record
from attribution.model.incident import EvidenceType, Incident, Interval, Origin
from attribution.model.observation import Observation
from attribution.model.topology import Side, Topology
from attribution.model.verdict import Verdict, WeighedEvidence

NEVER_NS = 1 << 61
"""Ends later than this stand for none known."""
_RECORDS = frozenset({EvidenceType.ACCOUNT_EVENTS, EvidenceType.CHANGE_RECORDS, EvidenceType.CLOUD_AUDIT})


@dataclass(frozen=True, slots=True)
class Grounds:
    """The incident, the verdict on it, and what that was found in.

    `observations` have the times that the readers gave them; those of `findings` are aligned.
    """

    incident: Incident
    topology: Topology
    verdict: Verdict
    findings: Findings
    observations: tuple[Observation, ...]

    @property
    def way(self) -> frozenset[str]:
        """Every component that the service's traffic may cross."""
        return frozenset(component for path in self.findings.service_paths for component in path)

    @property
    def causes(self) -> frozenset[str]:
        return frozenset(cause.component for cause in self.verdict.causes)

    @property
    def trouble(self) -> tuple[Interval, ...]:
        """When the service was interrupted; where no interruption was found, the reported window."""
        return self.verdict.interruption.intervals or (self.incident.window,)

    def aligned(self, observation: Observation) -> int:
        return self.findings.clocks.aligned(observation.time_ns, observation.origin)

    def node(self, name: str | None) -> str | None:
        """The node that a name or address means."""
        if name is None:
            return None
        return self.findings.addresses.get(name) or self.topology.resolve(name)

    def side_of(self, component: str | None) -> Side | None:
        return self.topology.side_of(component) if component is not None else None

    def horizon(self) -> int:
        """The last moment of which any device or probe tells."""
        told = (self.aligned(o) for o in self.observations if o.origin.type not in _RECORDS)
        measured = (m.interval.end_ns for m in self.findings.measurements)
        flows = (max(flows.end_ns, default=0) for flows in self.findings.flows)
        ends = max([self.incident.window.end_ns, *(interval.end_ns for interval in self.trouble)])
        return max([ends, max(told, default=0), max(measured, default=0), max(flows, default=0)])


class Citations:
    """Which findings the verdict cites, and by which id."""

    def __init__(self, evidence: Iterable[WeighedEvidence]) -> None:
        self._pieces: dict[tuple[str, str], list[WeighedEvidence]] = {}
        self.by_id: Mapping[str, WeighedEvidence] = {piece.id: piece for piece in evidence}
        for piece in self.by_id.values():
            self._pieces.setdefault((piece.file, piece.locator), []).append(piece)

    def of(self, finding: Measurement | Alarm | Record) -> WeighedEvidence | None:
        """The piece of evidence that rests on a finding; a measurement is cited with the sum of its kind."""
        place = (finding.citation.origin.file, finding.citation.locator)
        pieces = self._pieces.get(place, ())
        for piece in pieces:
            if piece.time_ns != (finding.told_ns if isinstance(finding, Alarm) else finding.interval.start_ns):
                continue
            if isinstance(finding, Measurement):
                if finding.subject in piece.statement:
                    return piece
            # One message may tell of both ends of a session: it is cited once, for one of them.
            elif (piece.statement, piece.component) == (finding.statement, finding.component):
                return piece
        return None


def point_of(origin: Origin) -> str:
    """A capture point as people call it: device and port, or the file where no device is named."""
    return " ".join(part for part in (origin.device, origin.interface) if part) or origin.file
