"""Everything one capture point witnessed."""

from __future__ import annotations

from collections.abc import Iterator

from attribution.model.observation import CaptureCoverage, Caveat, Observation
from attribution.packets.capture import Capture
from attribution.packets.survey import survey_capture
from attribution.packets.tap import tap_counts
from attribution.packets.witnesses import find_witnesses


def observe_capture(capture: Capture) -> Iterator[Observation | Caveat]:
    """Yield when the point listened, what passed and was lost on either side of it, and what its packets testify."""
    yield from capture.caveats
    if not capture.packets:
        yield Caveat(capture.origin.file, "frame 1", "the capture holds no packets")
        return
    yield CaptureCoverage(
        time_ns=capture.start_ns,
        end_ns=capture.end_ns,
        origin=capture.origin,
        locator="frame 1",
        device=capture.device,
        interface=capture.origin.interface,
        packets=len(capture.packets),
        dropped=capture.dropped,
        truncated=capture.truncated,
    )
    survey = survey_capture(capture)
    yield from tap_counts(survey)
    yield from find_witnesses(survey)
