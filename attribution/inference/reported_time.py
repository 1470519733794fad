"""The time that was reported tells how far clocks are off which no other clock disproves.

Whoever complains knows when. Devices of one side alone, or of two sides whose clocks differ from each other, may date
the trouble to another time: if it lasted about as long as was reported, then theirs are the clocks that are wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from attribution.inference.candidates import ServicePaths
from attribution.inference.cut_off import told_troubles
from attribution.inference.search import find_troubles
from attribution.inference.timeliness import AS_LONG_S, AS_LONG_SHARE
from attribution.inference.trouble import Trouble
from attribution.model.clock import DEVICE_CLOCKS
from attribution.model.evidence import Findings, RecordKind
from attribution.model.incident import NANOSECONDS, Incident, Interval
from attribution.model.topology import Side, Topology

# What falls into the reported time, or so near it (seconds), is what was reported.
NEAR_S = 5.0
# Reported was the time from shortly before until shortly after: trouble is as long if it fits, or nearly (seconds), and
# fills so much of it.
FITS_S, FILLS = 10.0, 0.4
# Clocks of two sides that are no farther apart than this (seconds) are not both wrong.
APART_S = 5.0
FARTHEST_S = 900.0


@dataclass(frozen=True, slots=True)
class Shift:
    """What to add to the times by devices' clocks, and how far that may be off."""

    added_ns: int
    doubt_ns: int


def shift_into_window(findings: Findings, topology: Topology, incident: Incident) -> Shift | None:
    """How far the clocks of all devices are off by the reported time; None where they may be right.

    Where an office's clock dated an act that lasted as long as the trouble, to a time that fits, it is as that says.
    """
    if findings.flows or not _may_all_be_wrong(findings, incident):
        return None
    window, ends = incident.window, incident.service.ends
    paths = ServicePaths(findings.service_paths)
    troubles = find_troubles(findings) or told_troubles(findings, topology, paths, ends, window)
    near = window.widened(NEAR_S, NEAR_S)
    if not troubles or any(trouble.interval.overlaps(near) for trouble in troubles):
        return None
    meant = _meant(troubles, window)
    if meant is None:
        return None
    room_ns = (window.end_ns - window.start_ns) - (meant.end_ns - meant.start_ns)
    middle = Shift(window.start_ns - meant.start_ns + room_ns // 2, max(room_ns // 2, NANOSECONDS))
    acts = {shift.added_ns: shift for shift in _by_acts(findings, meant, near)}
    found = next(iter(acts.values())) if len(acts) == 1 else middle
    return found if abs(found.added_ns) <= FARTHEST_S * NANOSECONDS else None


def _may_all_be_wrong(findings: Findings, incident: Incident) -> bool:
    """Whether the offset of no device's clock was stated, and all are one side's, or the sides' are far apart."""
    devices = [origin for origin in incident.origins if origin.type in DEVICE_CLOCKS]
    if any(origin.clock_offset_ns is not None for origin in devices):
        return False
    files: dict[Side | None, set[str]] = defaultdict(set)
    for origin in devices:
        files[origin.supplied_by].add(origin.file)
    added = findings.clocks.added_ns
    apart = {file for file, added_ns in added.items() if abs(added_ns) >= APART_S * NANOSECONDS}
    return len(files) == 1 or any(2 * len(own & apart) > len(own) for own in files.values())


def _meant(troubles: Sequence[Trouble], window: Interval) -> Interval | None:
    """The trouble, or all of them, that lasted about as long as the reported time."""
    whole = Interval(troubles[0].interval.start_ns, max(trouble.interval.end_ns for trouble in troubles))
    fitting = [
        interval
        for interval in (whole, *(trouble.interval for trouble in troubles))
        if interval.seconds <= window.seconds + FITS_S and interval.seconds >= FILLS * window.seconds
    ]
    return min(fitting, key=lambda interval: abs(window.seconds - interval.seconds), default=None)


def _by_acts(findings: Findings, meant: Interval, near: Interval) -> Iterator[Shift]:
    """By each act in the cloud, or restriction, that an office dated to the reported time and that lasted as long."""
    slack_s = max(AS_LONG_S, AS_LONG_SHARE * meant.seconds)
    for record in findings.records:
        by_an_office = record.cloud_call or record.kind is RecordKind.ENFORCEMENT
        as_long = abs(record.interval.seconds - meant.seconds) <= slack_s
        if by_an_office and as_long and record.interval.overlaps(near):
            yield Shift(record.interval.start_ns - meant.start_ns, int(slack_s * NANOSECONDS))
