"""One capture sorted once for all that ask of it: its books, and its telling packets by protocol."""

from __future__ import annotations

from dataclasses import dataclass

from attribution.packets.bins import Bin, bins_of
from attribution.packets.books import keep_books
from attribution.packets.capture import Capture
from attribution.packets.columns import ICMP, ICMP6, PROTOCOL
from attribution.packets.echo import EchoSeries, echo_series
from attribution.packets.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Survey:
    """`ledger` tells of all packets, `bins` are its time bins in the order of time. `by_protocol` lists the indices of
    the packets in `capture`, but for a mirror's copies and what arrived damaged, in the order of time."""

    capture: Capture
    ledger: Ledger
    bins: tuple[Bin, ...]
    by_protocol: dict[int, list[int]]
    echoes: list[EchoSeries]

    def of(self, *protocols: int) -> list[int]:
        """Packets of these protocols, in the order of time."""
        found = [self.by_protocol[protocol] for protocol in protocols if protocol in self.by_protocol]
        if len(found) < 2:
            return found[0] if found else []
        packets = self.capture.packets
        return sorted((index for indices in found for index in indices), key=lambda index: packets[index][0])


def survey_capture(capture: Capture, ledger: Ledger | None = None) -> Survey:
    """Sort a capture's packets; its books are kept now, unless they were when it was read."""
    if ledger is None:
        ledger = keep_books(capture)
    by_protocol: dict[int, list[int]] = {}
    packets, set_aside = capture.packets, capture.set_aside
    for index in capture.in_time():
        if index in set_aside:
            continue
        by_protocol.setdefault(packets[index][PROTOCOL], []).append(index)
    echoes = [
        series for protocol in (ICMP, ICMP6) for series in echo_series(capture, by_protocol.get(protocol, ()), protocol)
    ]
    return Survey(capture, ledger, tuple(bins_of(ledger)), by_protocol, echoes)
