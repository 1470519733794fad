"""How two captures' clocks stand to each other, whatever the offset: from packets near their beginnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from attribution.model.incident import Origin
from attribution.packets import lean as ln
from attribution.packets.bulk.compilation import PAIRING, compiled_kernels
from attribution.packets.bulk.engine import Integers
from attribution.packets.clocks import ClockRelation
from attribution.packets.columns import TCP
from attribution.packets.mirror import MIRROR_NS, MIRRORED_SHARE

CLUSTER_NS: Final = 2_000_000_000  # packets of both directions that agree on an offset lie so close
FEWEST: Final = 3


@dataclass(slots=True)
class Head:
    """The beginning of a capture: some batches of lean rows."""

    batches: list[Integers]

    @property
    def count(self) -> int:
        return sum(len(batch) for batch in self.batches)


@dataclass(slots=True)
class Start:
    """What the beginnings told. `relation` is the second clock's to the first; `clock` is the capture that is right.

    `octets` of payload and `timestamps` are what both captures kept; `mirrored` tells of captures that show packets
    twice, `rate` is the packets a second of the busier one, `pairs` how many packets the relation rests on.
    """

    relation: ClockRelation = field(default_factory=lambda: ClockRelation(0, 0))
    clock: int = 0
    octets: int = 24
    timestamps: bool = True
    mirrored: tuple[bool, bool] = (False, False)
    rate: int = 0
    pairs: int = 0


Numbered = tuple[Integers, Integers, Integers]
"""Packets' numbers without and with their flow, and their times."""


def find_start(heads: Sequence[Head], origins: Sequence[Origin], samples: Sequence[Numbered] | None = None) -> Start:
    """Join the beginnings of two captures, or samples of the whole where there are any."""
    kernels = compiled_kernels(PAIRING)
    least, timestamps = 24, True
    for head in heads:
        for batch in head.batches:
            octets, whole = divmod(kernels.least_payload(batch, len(batch)), 2)
            least, timestamps = min(least, octets), timestamps and bool(whole)
    octets = 24 if least >= 24 else 8 if least >= 8 else 0
    keyed = [_numbered(head, octets, timestamps) for head in heads]
    relation, pairs = None, 0
    for number in (1, 0):
        one, other = ((found[number], found[2]) for found in samples or keyed)
        relation, pairs = _join(one, other)
        if pairs:
            break
    known = relation or ClockRelation(0, 0)
    return Start(
        relation=known,
        clock=_truest(known, origins),
        octets=octets,
        timestamps=timestamps,
        mirrored=(_is_mirrored(heads[0], *keyed[0]), _is_mirrored(heads[1], *keyed[1])),
        rate=max(_rate(times) for _, _, times in keyed),
        pairs=pairs,
    )


def _numbered(head: Head, octets: int, timestamps: bool) -> Numbered:
    """Numbers without and with the flow, and times, of a beginning's packets."""
    kernels = compiled_kernels(PAIRING)
    loose: Integers = np.empty(head.count, np.int64)
    strict: Integers = np.empty(head.count, np.int64)
    times: Integers = np.empty(head.count, np.int64)
    at = 0
    for batch in head.batches:
        count = len(batch)
        kernels.number_packets(batch, count, octets, int(timestamps), loose[at : at + count])
        strict[at : at + count] = loose[at : at + count]
        kernels.number_flows(batch, count, strict[at : at + count])
        times[at : at + count] = batch[:, ln.LEAN_TIME]
        at += count
    return loose, strict, times


def _join(one: tuple[Integers, Integers], other: tuple[Integers, Integers]) -> tuple[ClockRelation | None, int]:
    """The offset on which most packets agree that both show once, and how many do."""
    (numbers, times), (their_numbers, their_times) = _once(*one), _once(*other)
    _, here, there = np.intersect1d(numbers, their_numbers, assume_unique=True, return_indices=True)
    if len(here) < FEWEST:
        return None, 0
    ahead = np.sort(their_times[there] - times[here])
    ends = np.searchsorted(ahead, ahead + CLUSTER_NS)
    agreeing = ends - np.arange(len(ahead))
    best = int(agreeing.argmax())
    count = int(agreeing[best])
    if count < max(FEWEST, len(ahead) // 4):
        return None, 0
    cluster = ahead[best : best + count]
    reference = int(times[here].min())
    return ClockRelation(reference, int(cluster[0] + cluster[-1]) // 2 if count < 8 else _middle(cluster)), count


def _middle(cluster: Integers) -> int:
    """Between the two directions: halfway from the nearest to the farthest that are no strays."""
    return int(np.quantile(cluster, 0.02) + np.quantile(cluster, 0.98)) // 2


def _once(numbers: Integers, times: Integers) -> tuple[Integers, Integers]:
    """Packets whose number no other has, but for a mirror's copies of them."""
    if not len(numbers):
        return numbers, times
    order = np.lexsort((times, numbers))
    numbers, times = numbers[order], times[order]
    first = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    last = np.append(first[1:], len(numbers)) - 1
    single = (times[last] - times[first] < MIRROR_NS) & (numbers[first] >= 0)
    return numbers[first[single]], times[first[single]]


def _is_mirrored(head: Head, loose: Integers, strict: Integers, times: Integers) -> bool:
    """Whether a capture shows packets twice all the time; bare acknowledgements are alike by nature."""
    if not len(times):
        return False
    lean = np.concatenate(head.batches)
    bare = (lean[:, ln.LEAN_KEY + 4] & 0xFF == TCP) & (lean[:, ln.LEAN_LENGTH] == 0) & (lean[:, ln.LEAN_MARK] < 256)
    told = np.flatnonzero((loose >= 0) & ~bare)
    order = told[np.lexsort((times[told], strict[told]))]
    alike = strict[order[1:]] == strict[order[:-1]]
    soon = times[order[1:]] - times[order[:-1]] < MIRROR_NS
    return int((alike & soon).sum()) >= max(3.0, MIRRORED_SHARE * len(times))


def _rate(times: Integers) -> int:
    span = int(times.max() - times.min()) if len(times) else 0
    return int(len(times) * 1e9 / span) if span else len(times)


def _truest(relation: ClockRelation, origins: Sequence[Origin]) -> int:
    """A clock whose offset was stated is right; else the one that is behind."""
    stated = [number for number, origin in enumerate(origins) if origin.clock_offset_ns is not None]
    if len(stated) == 1:
        return stated[0]
    return 1 if relation.offset_ns < 0 else 0
