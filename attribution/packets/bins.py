"""The time bins of a capture's books, as values for reading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from attribution.packets import pair_bins as pb
from attribution.packets.figures import address_text
from attribution.packets.ledger import SECOND_NS, Ledger


@dataclass(frozen=True, slots=True)
class Bin:
    """One direction between two addresses, one protocol, one interval. An end is None for all those who share the bin
    because there were too many to keep apart. `passed` counts segments with octets of the
    stream; `unbidden` packets are those that no connection explains; `frames` are the first of the losses."""

    source: str | None
    destination: str | None
    protocol: int
    number: int
    start_ns: int
    end_ns: int
    packets: int
    octets: int
    unbidden: int
    unbidden_octets: int
    passed: int
    passed_octets: int
    lost_upstream: int
    lost_downstream: int
    unanswered: int
    downstream_octets: int
    largest_lost: int | None
    first_frame: int
    frames: tuple[int, ...]

    @property
    def delivered_bps(self) -> float:
        """What passed here and arrived, in bits per second on this link."""
        return 8 * (self.passed_octets - self.downstream_octets) * SECOND_NS / (self.end_ns - self.start_ns)


def bins_of(ledger: Ledger) -> Iterator[Bin]:
    """Every bin, in the order of time; not those of pairs that there was no room for."""
    width_ns = int(ledger.tallies[pb.BIN_NS])
    count = int(ledger.tallies[pb.BINS])
    ends = lru_cache(maxsize=None)(lambda pair: _ends(ledger, pair))
    numbers = ledger.bins[pb.BIN_TIME : count * pb.BIN_WIDTH : pb.BIN_WIDTH]
    members = ledger.bins[pb.BIN_PAIR : count * pb.BIN_WIDTH : pb.BIN_WIDTH]
    for place in sorted(range(count), key=lambda one: (int(numbers[one]), int(members[one]))):
        row = [int(word) for word in ledger.bins[place * pb.BIN_WIDTH : (place + 1) * pb.BIN_WIDTH]]
        pair, direction = divmod(row[pb.BIN_PAIR], 2)
        if pair != pb.OTHERS:
            lower, higher, protocol = ends(pair)
            yield _bin(row, (lower, higher) if direction == 0 else (higher, lower), protocol, width_ns)


def ends_of_member(ledger: Ledger, member: int) -> tuple[str | None, str | None]:
    """Source and destination of a direction (pair × 2 + direction)."""
    lower, higher, _ = _ends(ledger, member >> 1)
    return (higher, lower) if member & 1 else (lower, higher)


def _ends(ledger: Ledger, pair: int) -> tuple[str | None, str, int]:
    row = [int(word) for word in ledger.pairs[pair * pb.PAIR_WIDTH : (pair + 1) * pb.PAIR_WIDTH]]
    version = row[4] >> 8 & 0xFF
    lower = address_text(row[0], row[1], version) if pair < pb.MOST_PAIRS else None
    return lower, address_text(row[2], row[3], version), row[4] & 0xFF


def _bin(row: list[int], ends: tuple[str | None, str | None], protocol: int, width_ns: int) -> Bin:
    return Bin(
        source=ends[0],
        destination=ends[1],
        protocol=protocol,
        number=row[pb.BIN_TIME],
        start_ns=row[pb.BIN_TIME] * width_ns,
        end_ns=(row[pb.BIN_TIME] + 1) * width_ns,
        packets=row[pb.BIN_PACKETS],
        octets=row[pb.BIN_OCTETS],
        unbidden=row[pb.BIN_UNBIDDEN],
        unbidden_octets=row[pb.BIN_UNBIDDEN_OCTETS],
        passed=row[pb.BIN_PASSED],
        passed_octets=row[pb.BIN_PASSED_OCTETS],
        lost_upstream=row[pb.BIN_UPSTREAM],
        lost_downstream=row[pb.BIN_DOWNSTREAM],
        unanswered=row[pb.BIN_UNANSWERED],
        downstream_octets=row[pb.BIN_DOWNSTREAM_OCTETS],
        largest_lost=row[pb.BIN_LARGEST_LOST] or None,
        first_frame=row[pb.BIN_FIRST],
        frames=tuple(sorted(set(row[pb.BIN_FRAMES : pb.BIN_FRAMES + row[pb.BIN_SHOWN]]))),
    )
