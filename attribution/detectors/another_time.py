"""Files of another time than the incident's: what they tell, and keep silent about, has nothing to do with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from attribution.model.incident import NANOSECONDS, EvidenceType, Incident
from attribution.model.observation import Caveat, Observation
from attribution.model.phrase import Template

# A clock that is set to the wrong zone is off by up to this (the largest difference to UTC in use, in seconds); what is
# farther from the window than it is of another time by any clock.
FARTHEST_ZONE_S = 14 * 3600.0
# What is recorded all the while. Tickets, calls and invoices of other days may matter.
TELEMETRY = frozenset(
    {
        EvidenceType.SYSLOG,
        EvidenceType.INTERFACE_COUNTERS,
        EvidenceType.PROMETHEUS,
        EvidenceType.CLOUD_MONITOR,
        EvidenceType.PROBES,
    }
)
ANOTHER_TIME = Template(
    "all of it is of another time, from {start} to {end} UTC: it tells nothing of the time in question"
)


def leave_out_other_times(
    observations: Sequence[Observation], incident: Incident
) -> tuple[Sequence[Observation], Incident, tuple[Caveat, ...]]:
    """The observations, and the incident, without files of telemetry that are wholly of another time, and a word on
    each. Where none is of the window's own time, the window may be wrong: then all are kept."""
    times: dict[str, list[int]] = {}
    for observation in observations:
        if observation.origin.type in TELEMETRY:
            first, last = times.setdefault(observation.origin.file, [observation.time_ns, observation.time_ns])
            times[observation.origin.file] = [min(first, observation.time_ns), max(last, observation.time_ns)]
    near = incident.window.widened(FARTHEST_ZONE_S, FARTHEST_ZONE_S)
    strange = {file: span for file, span in times.items() if span[1] < near.start_ns or span[0] > near.end_ns}
    if not strange or len(strange) == len(times):
        return observations, incident, ()
    kept = [observation for observation in observations if observation.origin.file not in strange]
    origins = tuple(origin for origin in incident.origins if origin.file not in strange)
    caveats = tuple(
        Caveat(file, "the whole file", ANOTHER_TIME.fill(start=_in_words(first), end=_in_words(last)))
        for file, (first, last) in sorted(strange.items())
    )
    return kept, replace(incident, origins=origins), caveats


def _in_words(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // NANOSECONDS, UTC).strftime("%Y-%m-%d %H:%M:%S")
