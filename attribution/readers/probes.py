"""Active measurements: what was sent between two ends in a window, what came back, and how long it took."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from attribution.model.incident import Origin
from attribution.model.observation import Caveat, ProbeResult
from attribution.readers.tables import read_table

COLUMNS = ("time", "source", "destination", "kind", "sent", "received", "rtt_avg_ms", "rtt_max_ms")


class ProbeKind(StrEnum):
    """The probes that the incident bundle knows."""

    ICMP = "icmp"
    TCP = "tcp"
    UDP = "udp"
    TWAMP = "twamp"


def read_probes(content: bytes, origin: Origin) -> Iterator[ProbeResult | Caveat]:
    """Probes were sent and answered: an answer of any kind counts as received, a TCP reset included.

    The time is the start of the probe window. Round-trip times in milliseconds; empty where nothing came back.
    Errors: EvidenceError at the first cell that breaks the contract, more received than sent included.
    """
    for row in read_table(content, origin, COLUMNS):
        if isinstance(row, Caveat):
            yield row
            continue
        sent, received = row.part("sent", "received")
        yield ProbeResult(
            time_ns=row.time("time"),
            origin=origin,
            locator=row.locator,
            source=row.text("source"),
            destination=row.text("destination"),
            protocol=row.choice("kind", ProbeKind).value,
            sent=sent,
            received=received,
            rtt_avg_ms=row.optional_duration("rtt_avg_ms"),
            rtt_max_ms=row.optional_duration("rtt_max_ms"),
        )
