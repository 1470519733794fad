"""The service level's own count: whole minutes in which everything was lost, which is not the same as responsibility.

A service level agreement counts clock minutes with no communication at all and, of those, the ones on account of the
provider. Degraded service, and an outage that fills no whole minute, count nothing there and still have a cause.
"""

from __future__ import annotations

from collections.abc import Sequence

from attribution.model.agreement import Agreement
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.topology import Side
from attribution.model.verdict import Cause, Interruption, Party, ServiceLevel
from attribution.responsibility.phases import attribute_seconds


def count_lost_minutes(causes: Sequence[Cause], interruption: Interruption, agreement: Agreement) -> ServiceLevel:
    """Whole clock minutes of full loss, each counted for the side whose cause filled most of it.

    A minute of a cause that nobody answers for, or of no named cause, counts as undetermined.
    """
    length_ns = agreement.service_level_minute_s * NANOSECONDS
    counts = {Party.CUSTOMER.value: 0, Party.PROVIDER.value: 0, Party.UNDETERMINED.value: 0}
    for lost in interruption.full_loss:
        first = -(-lost.start_ns // length_ns) * length_ns
        for start in range(first, lost.end_ns - length_ns + 1, length_ns):
            side = _side_of_minute(causes, Interval(start, start + length_ns))
            counts[side.value if side is not None else Party.UNDETERMINED.value] += 1
    return ServiceLevel(agreement.service_level_document, counts, agreement.service_level_document_zh)


def _side_of_minute(causes: Sequence[Cause], minute: Interval) -> Side | None:
    seconds = attribute_seconds(causes, (minute,))
    if not any(seconds):
        return None
    return causes[seconds.index(max(seconds))].side
