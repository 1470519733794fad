"""The service level's own count: whole minutes in which everything was lost, which is not the same as responsibility.

A service level agreement counts clock minutes with no communication at all and, of those, the ones on account of the
provider. It speaks of "a certain minute", by the records of a monitoring system that keeps one value for each minute of
the clock: sixty seconds that lie across two of them are none. Degraded service, and an outage that fills no whole
minute, count nothing there and still have a cause.
"""

from __future__ import annotations

from collections.abc import Sequence

from attribution.model.agreement import Agreement
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.verdict import Cause, Interruption, Party, ServiceLevel
from attribution.responsibility.phases import attribute_seconds

# Verdicts by which neither side answers for any second, whatever causes they show.
NOBODYS = frozenset({Party.NEITHER, Party.UNDETERMINED})


def count_lost_minutes(
    causes: Sequence[Cause], interruption: Interruption, agreement: Agreement, party: Party
) -> ServiceLevel:
    """Whole clock minutes of full loss, each counted for the side whose cause filled most of it.

    A minute of a cause that nobody answers for, or of no named cause, counts as undetermined. So do all where the
    verdict is, as its seconds do: what no party answers for stands under the verdict's own word.
    """
    length_ns = agreement.service_level_minute_s * NANOSECONDS
    counts = {Party.CUSTOMER.value: 0, Party.PROVIDER.value: 0, Party.UNDETERMINED.value: 0}
    for lost in interruption.full_loss:
        first = -(-lost.start_ns // length_ns) * length_ns
        for start in range(first, lost.end_ns - length_ns + 1, length_ns):
            answer = party if party in NOBODYS else _party_of_minute(causes, Interval(start, start + length_ns))
            counts[answer.value] = counts.get(answer.value, 0) + 1
    return ServiceLevel(agreement.service_level_document, counts, agreement.service_level_document_zh)


def _party_of_minute(causes: Sequence[Cause], minute: Interval) -> Party:
    seconds = attribute_seconds(causes, (minute,))
    side = causes[seconds.index(max(seconds))].side if any(seconds) else None
    return Party(side.value) if side is not None else Party.UNDETERMINED
