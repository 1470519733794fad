"""Whose clocks were set right, by how much, and why: what was added to the times that an incident's files state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from attribution.model.incident import EvidenceType, Origin
from attribution.model.topology import Side

# Devices' own clocks. Tickets, bills and API calls are dated by office systems, which are not in question.
DEVICE_CLOCKS = frozenset(
    {
        EvidenceType.CAPTURE,
        EvidenceType.SYSLOG,
        EvidenceType.INTERFACE_COUNTERS,
        EvidenceType.PROBES,
        EvidenceType.PATHS,
        EvidenceType.PROMETHEUS,
        EvidenceType.FLOWS,
    }
)


@dataclass(frozen=True, slots=True)
class ClockCorrection:
    """`added_ns` was added to the times of a source (a file, or all files that one side supplied), and why."""

    source: str
    supplied_by: Side | None
    added_ns: int
    why: str


@dataclass(frozen=True, slots=True)
class Alignment:
    """How an incident's times were brought onto one clock.

    `added_ns` says by file what was added beyond the offset that the exporter stated; a file that is absent kept its
    times. `between_ns` was added to counts between two captures, which stood on the captures' common clock.
    `corrections` says the same for reading.
    """

    added_ns: Mapping[str, int] = field(default_factory=dict)
    between_ns: int = 0
    corrections: tuple[ClockCorrection, ...] = ()

    def aligned(self, time_ns: int, origin: Origin) -> int:
        """A time that a reader gave, on the clock that everything was brought onto."""
        return time_ns + self.added_ns.get(origin.file, 0)

    def stated(self, time_ns: int, origin: Origin) -> int:
        """An aligned time as the file itself states it, before anything was added."""
        return time_ns - self.added_ns.get(origin.file, 0) - (origin.clock_offset_ns or 0)
