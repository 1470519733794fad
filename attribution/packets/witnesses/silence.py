"""Traffic that comes as regularly as a clock, and then does not, has stopped somewhere before the capture point.

Nothing here tells whether it was lost or took another way: the topology must. That it was sent at all the sequence
numbers tell, which go on by as many as should have come: a sender that paused goes on where it was (RFC 792).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import Final

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.columns import ECHO_SEQUENCE, TIME
from attribution.packets.survey import Survey
from attribution.packets.witnesses.gathering import testify

FEWEST_REQUESTS: Final = 6
SHORTEST_NS: Final = 2_000_000_000
INTERVALS: Final = 5
AS_MANY: Final = 0.1  # to within so much as should have come


def find_silences(survey: Survey) -> Iterator[PacketWitness]:
    """Yield pings that stopped coming by for seconds, although they were regular before; the code tells how many were
    sent meanwhile, if it was as many as before."""
    capture = survey.capture
    for series in survey.echoes:
        if len(series.requests) < FEWEST_REQUESTS:
            continue
        times = [capture.packets[index][TIME] for index in series.requests]
        usual = median(later - earlier for earlier, later in pairwise(times))
        limit = max(SHORTEST_NS, INTERVALS * usual)
        for number, (start, end) in enumerate(pairwise([*times, capture.end_ns])):
            if end - start > limit:
                packet = capture.packets[series.requests[number]]
                sent = _sent_between(survey, series.requests[number : number + 2], (end - start) / usual)
                yield testify(
                    capture, WitnessKind.SILENCE, [series.requests[number]], sender=source_text(packet),
                    about=destination_text(packet), start_ns=start, end_ns=end, code=str(sent) if sent else None,
                    detail=Phrase(
                        "no echo request from {sender} for {seconds:.1f} s",
                        sender=source_text(packet), seconds=(end - start) / 1e9,
                    ),
                )  # fmt: skip


def _sent_between(survey: Survey, requests: list[int], expected: float) -> int:
    """How many requests a sender counted between two that came by; 0 where it paused, or counts otherwise, or where the
    capture missed packets."""
    if len(requests) < 2 or survey.capture.dropped:
        return 0
    earlier, later = (survey.capture.packets[index][ECHO_SEQUENCE] for index in requests)
    step = (later - earlier) & 0xFFFF
    return step - 1 if abs(step - expected) <= max(1.0, AS_MANY * expected) else 0
