"""What the exporter of an incident stated about it: the service, the complaint and the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from attribution.model.topology import Side

NANOSECONDS = 1_000_000_000
FOREVER_NS = 2**62
"""The end of what nobody saw end."""


class EvidenceType(StrEnum):
    """The kinds of file an incident may hold; the values are those of the incident bundle."""

    CAPTURE = "capture"
    SYSLOG = "syslog"
    INTERFACE_COUNTERS = "interface-counters"
    PROBES = "probes"
    PATHS = "paths"
    PROMETHEUS = "prometheus"
    CLOUD_MONITOR = "cloud-monitor"
    CLOUD_AUDIT = "cloud-audit"
    CHANGE_RECORDS = "change-records"
    ACCOUNT_EVENTS = "account-events"
    FLOWS = "flows"


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time, [start, end), in nanoseconds since the Unix epoch."""

    start_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        return (self.end_ns - self.start_ns) / NANOSECONDS

    def overlaps(self, other: Interval) -> bool:
        return self.start_ns < other.end_ns and other.start_ns < self.end_ns

    def contains(self, time_ns: int) -> bool:
        return self.start_ns <= time_ns < self.end_ns

    def widened(self, before_s: float, after_s: float) -> Interval:
        return Interval(self.start_ns - int(before_s * NANOSECONDS), self.end_ns + int(after_s * NANOSECONDS))


@dataclass(frozen=True, slots=True)
class Service:
    """The connection in question: the nodes between which the customer's traffic should flow."""

    ends: tuple[str, str]
    bandwidth_bps: float | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """One file of evidence: whose word it is and how its clock stands.

    `clock_offset_ns` is what to add to the source's times to get true time; None where it was not stated.
    `timezone_name` is the zone of naive times; None where it was not stated. `settings` keeps further keys of the
    evidence entry that one type of evidence alone understands (`labels` of prometheus, `time` of mtr). `is_part`: of a
    capture of several interfaces only what came by `interface`.
    """

    file: str
    type: EvidenceType
    sha256: str = ""
    supplied_by: Side | None = None
    device: str | None = None
    interface: str | None = None
    clock_offset_ns: int | None = None
    timezone_name: str | None = None
    window_year: int = 1970
    window_month: int | None = None
    settings: Mapping[str, object] = field(default_factory=dict, compare=False)
    is_part: bool = False

    @property
    def part(self) -> str:
        """The file and, where only a part of it is meant, the interface."""
        return f"{self.file} {self.interface}" if self.is_part else self.file


@dataclass(frozen=True, slots=True)
class Incident:
    """incident.yaml, checked: `window` is the complainant's word and only approximate."""

    id: str
    title: str
    agreement: str
    service: Service
    window: Interval
    topology_file: str
    origins: tuple[Origin, ...]
