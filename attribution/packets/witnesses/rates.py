"""What only shows in numbers: a rate that will not rise, far more packets than usual, one machine asking all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import fmean, median, pstdev
from typing import Final

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase, Template
from attribution.packets import flow_table as ft
from attribution.packets import pair_bins as pb
from attribution.packets.bins import Bin
from attribution.packets.columns import TCP, UDP
from attribution.packets.figures import ends_of
from attribution.packets.ledger import SECOND_NS, Ledger
from attribution.packets.survey import Survey
from attribution.packets.witnesses.entries import tell

PLATEAU_BINS: Final = 4
PLATEAU_SPREAD: Final = 0.06  # standard deviation over mean; traffic that is free varies more
PLATEAU_LOSS: Final = 0.005
PLATEAU_LEAST_BPS: Final = 200_000
FLOOD_LEAST_PPS: Final = 500
FLOOD_LEAST_BPS: Final = 1_000_000
FLOOD_MOST_OF_ALL: Final = 0.5  # of all octets that the target draws
FLOOD_TIMES_USUAL: Final = 8
FLOOD_SECONDS: Final = 2
SCAN_TARGETS: Final = 64
SCAN_SECONDS: Final = 30


def find_plateaus(survey: Survey) -> Iterator[PacketWitness]:
    """Yield directions that deliver the same rate second after second while they lose packets: a limit stands there.

    `code` is the rate that gets through in bits per second, all lengths counted as they are on this link.
    """
    directions: dict[tuple[str, str], dict[int, Bin]] = {}
    for found in survey.bins:
        if found.source and found.destination and (found.passed or found.lost_upstream):
            directions.setdefault((found.source, found.destination), {})[found.number] = found
    for (source, destination), bins in directions.items():
        if any(one.lost_upstream or one.lost_downstream for one in bins.values()):
            yield from _plateaus_of(survey, source, destination, bins)


def _plateaus_of(survey: Survey, source: str, destination: str, bins: Mapping[int, Bin]) -> Iterator[PacketWitness]:
    run: list[Bin] = []
    for number in [*sorted(bins), None]:
        here = bins[number] if number is not None else None
        lost = here.lost_upstream + here.lost_downstream if here is not None else 0
        fits = here is not None and lost >= max(1, PLATEAU_LOSS * here.passed)
        if here is not None and fits and run and number == run[-1].number + 1:
            rates = [member.delivered_bps for member in (*run, here)]
            fits = pstdev(rates) <= PLATEAU_SPREAD * fmean(rates)
        elif run:
            fits = False
        if here is not None and fits:
            run.append(here)
            continue
        if len(run) >= PLATEAU_BINS:
            yield from _plateau(survey, source, destination, run)
        run = [here] if here is not None and lost else []


def _plateau(survey: Survey, source: str, destination: str, run: list[Bin]) -> Iterator[PacketWitness]:
    rate = int(median(member.delivered_bps for member in run))
    frames = [frame for member in run for frame in member.frames]
    if frames and rate >= PLATEAU_LEAST_BPS:
        yield tell(
            survey, WitnessKind.RATE_PLATEAU, run[0].start_ns, run[-1].end_ns, frames, sender=source,
            about=destination, code=str(rate), count=sum(one.lost_upstream + one.lost_downstream for one in run),
            detail=Phrase("{rate:.2f} Mbit/s get through, the rest is lost", rate=rate / 1e6),
        )  # fmt: skip


@dataclass(slots=True)
class _Target:
    packets: Counter[int] = field(default_factory=Counter)
    octets: Counter[int] = field(default_factory=Counter)
    sources: Counter[str | None] = field(default_factory=Counter)
    frames: dict[int, list[int]] = field(default_factory=dict)


def find_floods(survey: Survey) -> Iterator[PacketWitness]:
    """Yield addresses that suddenly draw many times the usual packets, mostly SYNs, UDP or echoes without a purpose.

    Or many times the usual octets of such, where these are most of all that they draw.
    """
    ledger = survey.ledger
    width_ns = int(ledger.tallies[pb.BIN_NS])
    targets: dict[str, _Target] = {}
    drawn: dict[str, Counter[int]] = {}
    for found in survey.bins:
        if found.destination:
            drawn.setdefault(found.destination, Counter())[found.number] += found.octets
        if found.unbidden and found.destination:
            target = targets.setdefault(found.destination, _Target())
            target.packets[found.number] += found.unbidden
            target.octets[found.number] += found.unbidden_octets
            target.sources[found.source] += found.unbidden
            target.frames.setdefault(found.number, []).append(found.first_frame)
    span = range(survey.capture.start_ns // width_ns, survey.capture.end_ns // width_ns + 1)
    for destination, target in targets.items():
        flooded = _flooded(target, drawn[destination], len(span), width_ns)
        for start, end in _stretches(sorted(flooded)):
            if (end - start + 1) * width_ns >= FLOOD_SECONDS * SECOND_NS:
                yield _flood(survey, destination, target, range(start, end + 1), width_ns)


def _flooded(target: _Target, drawn: Counter[int], bins: int, width_ns: int) -> set[int]:
    """The bins in which a target draws far more than usual."""
    found: set[int] = set()
    least = FLOOD_LEAST_PPS * width_ns // SECOND_NS
    if max(target.packets.values()) >= least:
        limit = max(least, FLOOD_TIMES_USUAL * _usual(target.packets, bins))
        found.update(number for number, count in target.packets.items() if count >= limit)
    least = FLOOD_LEAST_BPS // 8 * width_ns // SECOND_NS
    if max(target.octets.values()) >= least:
        limit = max(least, FLOOD_TIMES_USUAL * _usual(target.octets, bins))
        found.update(
            number
            for number, octets in target.octets.items()
            if octets >= max(limit, FLOOD_MOST_OF_ALL * drawn[number])
        )
    return found


def _usual(counts: Counter[int], bins: int) -> float:
    """The median over all bins of the capture, those without a packet included."""
    ordered = [0] * max(0, bins - len(counts)) + sorted(counts.values())
    return median(ordered)


def _stretches(bins: list[int]) -> Iterator[tuple[int, int]]:
    """Runs of consecutive numbers, a pause of one bridged."""
    start: int | None = None
    for place, number in enumerate(bins):
        start = number if start is None else start
        if place + 1 == len(bins) or bins[place + 1] > number + 2:
            yield start, number
            start = None


def _flood(survey: Survey, destination: str, target: _Target, bins: range, width_ns: int) -> PacketWitness:
    count = sum(target.packets[number] for number in bins)
    nanoseconds = len(bins) * width_ns
    bps = 8 * sum(target.octets[number] for number in bins) * SECOND_NS // nanoseconds
    (source, most), *_ = target.sources.most_common(1)
    several = (Template("{count} and more sources") if None in target.sources else Template("{count} sources")).fill(
        count=len(target.sources)
    )
    return tell(
        survey, WitnessKind.FLOOD, bins[0] * width_ns, (bins[-1] + 1) * width_ns,
        [frame for number in bins for frame in target.frames.get(number, ())],
        sender=source if most >= 0.5 * target.sources.total() else None, about=destination, code=str(bps), count=count,
        detail=Phrase(
            "{pace} packets/s, {rate:.1f} Mbit/s from {sources}",
            pace=count * SECOND_NS // nanoseconds, rate=bps / 1e6, sources=several,
        ),
    )  # fmt: skip


def find_scans(survey: Survey) -> Iterator[PacketWitness]:
    """Yield machines that knock at many addresses or ports within seconds and get hardly an answer."""
    ledger = survey.ledger
    asked_in_vain = [(flow, 2 if starter else 0) for flow, starter, unanswered in _unanswered(ledger) if unanswered]
    if len(asked_in_vain) < SCAN_TARGETS:
        return
    counts = Counter(int(ledger.table[flow * ft.FLOW_WIDTH + at + 1]) for flow, at in asked_in_vain)
    knocks: dict[tuple[int, int], list[int]] = {}
    for flow, at in asked_in_vain:
        base = flow * ft.FLOW_WIDTH + at
        if counts[int(ledger.table[base + 1])] >= SCAN_TARGETS:
            knocks.setdefault((int(ledger.table[base]), int(ledger.table[base + 1])), []).append(flow)
    for flows in knocks.values():
        if len(flows) >= SCAN_TARGETS:
            yield from _scan(survey, ledger, flows)


def _unanswered(ledger: Ledger) -> Iterator[tuple[int, int, bool]]:
    """Every flow of TCP and UDP: its number, which side began it, and whether the other side did not welcome it."""
    sides = (ft.FLOW_SIDES + side * ft.SIDE_WIDTH + ft.SIDE_PACKETS for side in range(2))
    offsets = (ft.FLOW_HASH, ft.FLOW_KEY + 4, ft.FLOW_OPENING, ft.FLOW_STARTER, *sides)
    rows = zip(*(ledger.column(offset) for offset in offsets), strict=True)
    for flow, (hashed, kind, opening, starter, first, second) in enumerate(rows):
        protocol = kind & 0xFF
        if hashed < 0 or protocol not in (TCP, UDP):
            continue
        in_vain = opening in (ft.ASKED, ft.REFUSED) if protocol == TCP else (first if starter else second) == 0
        yield flow, starter, in_vain


def _scan(survey: Survey, ledger: Ledger, flows: list[int]) -> Iterator[PacketWitness]:
    rows = [ledger.rows_of(flow)[0] for flow in flows]
    ends = [ends_of(row[:5]) if row[ft.FLOW_STARTER] == 0 else ends_of(row[:5])[::-1] for row in rows]
    source = ends[0][0][0]
    targets = {(row[4] & 0xFF, *end) for row, (_, end) in zip(rows, ends, strict=True)}
    times = sorted(row[ft.FLOW_SIDES + row[ft.FLOW_STARTER] * ft.SIDE_WIDTH + ft.SIDE_FIRST] for row in rows)
    dense = len(targets) * SECOND_NS / max(SECOND_NS, times[-1] - times[0]) >= SCAN_TARGETS / SCAN_SECONDS
    hosts = {address for _, address, _ in targets}
    if len(targets) < SCAN_TARGETS or not dense or 2 * len(_welcoming(ledger, rows[0], hosts)) > len(hosts):
        return
    yield tell(
        survey, WitnessKind.SCAN, times[0], times[-1], [row[ft.FLOW_FRAME] for row in rows], sender=source,
        about=next(iter(hosts)) if len(hosts) == 1 else None, count=len(targets),
        detail=Phrase(
            "{source} knocks at {ports} ports of {addresses} addresses",
            source=source, ports=len(targets), addresses=len(hosts),
        ),
    )  # fmt: skip


def _welcoming(ledger: Ledger, example: list[int], hosts: set[str]) -> set[str]:
    """Those of the hosts that took a connection from the same machine."""
    at = 2 if example[ft.FLOW_STARTER] else 0
    source = (example[at], example[at + 1])
    found: set[str] = set()
    for flow, starter, unanswered in _unanswered(ledger):
        base = flow * ft.FLOW_WIDTH
        here = base + (2 if starter else 0)
        if not unanswered and (int(ledger.table[here]), int(ledger.table[here + 1])) == source:
            ends = ends_of([int(word) for word in ledger.table[base : base + 5]])
            found.add((ends[1] if starter == 0 else ends[0])[0])
    return found & hosts
