"""What is lost as much while the service is back, between two of its interruptions.

A router that polices what is for itself, or is short of time for it, loses pings to itself all the while and passes on
all that it should. That is one observation, however many interruptions it lasts through.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from attribution.inference.trouble import LEAST_EVIDENCE, USUAL_LOSS_RATIO, Trouble, evidence_of_trouble
from attribution.model.evidence import Measurement, Method
from attribution.model.incident import Interval

PROBED = frozenset({Method.PROBES, Method.TRACE})
# Losses in the pauses are as heavy from this share of the rate in the interruptions on.
AS_MUCH = 0.7


def find_steady_losses(measurements: Iterable[Measurement], troubles: Sequence[Trouble]) -> frozenset[str]:
    """The series of probes of parts of the way that lose as much in the pauses between troubles of the service."""
    pauses = [Interval(one.interval.end_ns, other.interval.start_ns) for one, other in pairwise(troubles)]
    series: dict[str, list[Measurement]] = defaultdict(list)
    for measurement in measurements if pauses else ():
        if measurement.method in PROBED and not measurement.of_service and not measurement.end_to_end:
            series[measurement.series].append(measurement)
    return frozenset(name for name, own in series.items() if _is_steady(own, troubles, pauses))


def _is_steady(series: Sequence[Measurement], troubles: Sequence[Trouble], pauses: Sequence[Interval]) -> bool:
    inside = [m for m in series if any(m.interval.overlaps(trouble.interval) for trouble in troubles)]
    between = [m for m in series if any(_lies_in(m.interval, pause) for pause in pauses)]
    (sent, lost), (sent_between, lost_between) = (
        (sum(m.sent for m in own), sum(m.lost for m in own)) for own in (inside, between)
    )
    if not lost or not lost_between:
        return False
    clear = evidence_of_trouble(sent_between, lost_between, USUAL_LOSS_RATIO) >= LEAST_EVIDENCE
    return clear and lost_between / sent_between >= AS_MUCH * lost / sent


def _lies_in(interval: Interval, pause: Interval) -> bool:
    return pause.start_ns <= interval.start_ns and interval.end_ns <= pause.end_ns
