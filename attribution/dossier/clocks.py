"""What was added to whose times before they were compared, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from statistics import median

from attribution.dossier.grounds import Grounds
from attribution.dossier.wording import AMONG_CAPTURES, STATED, STATED_FOR
from attribution.model.clock import ClockCorrection
from attribution.model.incident import NANOSECONDS
from attribution.model.observation import PairCount
from attribution.model.phrase import Phrase
from attribution.model.topology import Side

# Below this a capture's clock differs from another's by no more than packets take to get from one to the other.
LEAST_NS = NANOSECONDS // 100


def list_clocks(grounds: Grounds) -> tuple[ClockCorrection, ...]:
    """Sides whose clocks were set right, files whose offset was stated, captures that differ from each other."""
    return (*grounds.findings.clocks.corrections, *_stated(grounds), *_captures(grounds))


def _stated(grounds: Grounds) -> Iterator[ClockCorrection]:
    """Offsets that the exporter stated; one for all files of a side where it stated the same for several."""
    files: dict[tuple[Side | None, int], list[str]] = defaultdict(list)
    for origin in sorted(grounds.incident.origins, key=lambda origin: origin.file):
        if origin.clock_offset_ns:
            files[(origin.supplied_by, origin.clock_offset_ns)].append(origin.file)
    for (side, offset_ns), named in files.items():
        if side is not None and len(named) > 1:
            yield ClockCorrection(side.value, side, offset_ns, Phrase(STATED_FOR, files=len(named)))
        else:
            yield from (ClockCorrection(file, side, offset_ns, Phrase(STATED)) for file in named)


def _captures(grounds: Grounds) -> Iterator[ClockCorrection]:
    """What was added to a capture's times where its packets were found in another capture again."""
    shifts: dict[str, list[PairCount]] = defaultdict(list)
    for pair in grounds.observations:
        if isinstance(pair, PairCount):
            shifts[pair.origin.file].append(pair)
    added = grounds.findings.clocks
    for file, pairs in sorted(shifts.items()):
        origin = pairs[0].origin
        shift_ns = int(median(pair.clock_shift_ns for pair in pairs)) + added.between_ns
        if abs(shift_ns - added.added_ns.get(file, 0)) >= LEAST_NS:
            other = pairs[0].second_file
            yield ClockCorrection(file, origin.supplied_by, shift_ns, Phrase(AMONG_CAPTURES, other=other))
