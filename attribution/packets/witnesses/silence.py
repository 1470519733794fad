"""Traffic that comes as regularly as a clock, and then does not, has stopped somewhere before the capture point.

Nothing here tells whether it was lost or took another way: the topology must.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import Final

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.columns import TIME
from attribution.packets.survey import Survey
from attribution.packets.witnesses.gathering import testify

FEWEST_REQUESTS: Final = 6
SHORTEST_NS: Final = 2_000_000_000
INTERVALS: Final = 5


def find_silences(survey: Survey) -> Iterator[PacketWitness]:
    """Yield pings that stopped coming by for seconds, although they were regular before."""
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
                yield testify(
                    capture, WitnessKind.SILENCE, [series.requests[number]], sender=source_text(packet),
                    about=destination_text(packet), start_ns=start, end_ns=end,
                    detail=Phrase(
                        "no echo request from {sender} for {seconds:.1f} s",
                        sender=source_text(packet), seconds=(end - start) / 1e9,
                    ),
                )  # fmt: skip
