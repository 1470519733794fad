"""What only shows in numbers: a rate that will not rise, far more packets than usual, one machine asking all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import fmean, median, pstdev
from typing import Final

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import Capture
from attribution.packets.columns import (
    ACK,
    DEPTH,
    DESTINATION,
    DESTINATION_PORT,
    FLAGS,
    PROTOCOL,
    SOURCE,
    SYN,
    TCP,
    TIME,
    UDP,
    WIRE,
)
from attribution.packets.flows import address_pair
from attribution.packets.survey import Survey
from attribution.packets.witnesses.gathering import testify

SECOND_NS: Final = 1_000_000_000
PLATEAU_SECONDS: Final = 4
PLATEAU_SPREAD: Final = 0.06  # standard deviation over mean; traffic that is free varies more
PLATEAU_LOSS: Final = 0.005
PLATEAU_LEAST_BPS: Final = 200_000
FLOOD_LEAST_PPS: Final = 500
FLOOD_TIMES_USUAL: Final = 8
FLOOD_SECONDS: Final = 2
SCAN_TARGETS: Final = 64
SCAN_SECONDS: Final = 30


def find_plateaus(survey: Survey) -> Iterator[PacketWitness]:
    """Yield directions that deliver the same rate second after second while they lose packets: a limit stands there.

    `code` is the rate that gets through in bits per second, all lengths counted as they are on this link.
    """
    capture = survey.capture
    octets: dict[tuple[int, ...], Counter[int]] = {}
    passed: dict[tuple[int, ...], Counter[int]] = {}
    lost: dict[tuple[int, ...], Counter[int]] = {}
    frames: dict[tuple[int, ...], list[int]] = {}
    losing = {pair for pair, result in survey.losses if result.downstream or result.upstream}
    for pair, result in survey.losses:
        if pair not in losing:
            continue
        gone = {loss.packet: loss for loss in result.downstream}
        for copy in result.passages:
            second = copy.time_ns // SECOND_NS
            passed.setdefault(pair, Counter())[second] += 1
            if copy.packet not in gone:
                octets.setdefault(pair, Counter())[second] += copy.wire
        for loss in (*result.downstream, *result.upstream):
            lost.setdefault(pair, Counter())[loss.time_ns // SECOND_NS] += 1
            frames.setdefault(pair, []).append(loss.packet)
    for pair, losses in lost.items():
        yield from _plateaus_of(capture, octets.get(pair, Counter()), passed.get(pair, Counter()), losses, frames[pair])


def _plateaus_of(
    capture: Capture, octets: Counter[int], passed: Counter[int], losses: Counter[int], frames: list[int]
) -> Iterator[PacketWitness]:
    run: list[int] = []
    for second in [*sorted(octets), -1]:
        fits = second >= 0 and losses[second] >= max(1, PLATEAU_LOSS * passed[second])
        if fits and run and second == run[-1] + 1:
            rates = [8 * octets[member] for member in (*run, second)]
            fits = pstdev(rates) <= PLATEAU_SPREAD * fmean(rates)
        elif run:
            fits = False
        if fits:
            run.append(second)
            continue
        if len(run) >= PLATEAU_SECONDS:
            rate = int(median(8 * octets[member] for member in run))
            telling = [i for i in sorted(set(frames)) if run[0] <= capture.packets[i][TIME] // SECOND_NS <= run[-1]]
            if telling and rate >= PLATEAU_LEAST_BPS:
                packet = capture.packets[telling[0]]
                yield testify(
                    capture, WitnessKind.RATE_PLATEAU, telling, sender=source_text(packet),
                    about=destination_text(packet), code=str(rate), start_ns=run[0] * SECOND_NS,
                    end_ns=(run[-1] + 1) * SECOND_NS, detail=f"{rate / 1e6:.2f} Mbit/s get through, the rest is lost",
                )  # fmt: skip
        run = [second] if second >= 0 and losses[second] else []


@dataclass(slots=True)
class _Target:
    packets: Counter[int] = field(default_factory=Counter)
    octets: Counter[int] = field(default_factory=Counter)
    sources: Counter[tuple[int, ...]] = field(default_factory=Counter)
    first: dict[int, list[int]] = field(default_factory=dict)


def find_floods(survey: Survey) -> Iterator[PacketWitness]:
    """Yield addresses that suddenly draw many times the usual packets, mostly SYNs, UDP or echoes without a purpose."""
    capture = survey.capture
    targets: dict[tuple[int, ...], _Target] = {}
    packets = capture.packets
    unbidden = [
        index
        for index in capture.in_time()
        if packets[index][DEPTH] and (packets[index][PROTOCOL] != TCP or packets[index][FLAGS] & (SYN | ACK) == SYN)
    ]
    if max(Counter(packets[index][TIME] // SECOND_NS for index in unbidden).values(), default=0) < FLOOD_LEAST_PPS:
        return
    for index in unbidden:
        packet = packets[index]
        target = targets.setdefault(packet[DESTINATION : DESTINATION + 4], _Target())
        second = packet[TIME] // SECOND_NS
        target.packets[second] += 1
        target.octets[second] += packet[WIRE]
        target.sources[packet[SOURCE : SOURCE + 4]] += 1
        shown = target.first.setdefault(second, [])
        if len(shown) < 16:
            shown.append(index)
    span = range(capture.start_ns // SECOND_NS, capture.end_ns // SECOND_NS + 1)
    for target in targets.values():
        usual = median(target.packets[second] for second in span)
        limit = max(FLOOD_LEAST_PPS, FLOOD_TIMES_USUAL * usual)
        for start, end in _stretches(sorted(s for s, n in target.packets.items() if n >= limit)):
            if end - start + 1 >= FLOOD_SECONDS:
                yield _flood(capture, target, start, end)


def _stretches(seconds: list[int]) -> Iterator[tuple[int, int]]:
    """Runs of consecutive numbers, a pause of one bridged."""
    start: int | None = None
    for number, second in enumerate(seconds):
        start = second if start is None else start
        if number + 1 == len(seconds) or seconds[number + 1] > second + 2:
            yield start, second
            start = None


def _flood(capture: Capture, target: _Target, start: int, end: int) -> PacketWitness:
    seconds = range(start, end + 1)
    count = sum(target.packets[second] for second in seconds)
    bps = 8 * sum(target.octets[second] for second in seconds) // len(seconds)
    packets = target.first[start]
    packet = capture.packets[packets[0]]
    sources = len(target.sources)
    return testify(
        capture, WitnessKind.FLOOD, packets, sender=_source_of_most(capture, target, packets),
        about=destination_text(packet), code=str(bps), start_ns=start * SECOND_NS, end_ns=(end + 1) * SECOND_NS,
        count=count, detail=f"{count // len(seconds)} packets/s, {bps / 1e6:.1f} Mbit/s from {sources} sources",
    )  # fmt: skip


def _source_of_most(capture: Capture, target: _Target, packets: list[int]) -> str | None:
    """The one source of a flood, if it has one."""
    source, count = target.sources.most_common(1)[0]
    if count < 0.5 * target.sources.total():
        return None
    return next(
        (source_text(capture.packets[i]) for i in packets if address_pair(capture.packets[i])[:4] == source), None
    )


def find_scans(survey: Survey) -> Iterator[PacketWitness]:
    """Yield machines that knock at many addresses or ports within seconds and get hardly an answer."""
    capture = survey.capture
    knocks: dict[tuple[int, ...], dict[tuple[int, ...], int]] = {}
    answered: set[tuple[int, ...]] = set()
    for index in survey.of(TCP, UDP):
        packet = capture.packets[index]
        if (packet[PROTOCOL] == TCP and packet[FLAGS] & (SYN | ACK) == SYN) or packet[PROTOCOL] == UDP:
            target = (*packet[DESTINATION : DESTINATION + 4], packet[PROTOCOL], packet[DESTINATION_PORT])
            knocks.setdefault(packet[SOURCE : SOURCE + 4], {}).setdefault(target, index)
        elif packet[PROTOCOL] == TCP and packet[FLAGS] & SYN:
            answered.add((*packet[DESTINATION : DESTINATION + 4], *packet[SOURCE : SOURCE + 4]))
    for source, targets in knocks.items():
        indices = sorted(targets.values())
        if len(indices) < SCAN_TARGETS:
            continue
        hosts = {target[:4] for target in targets}
        welcome = sum((*source, *host) in answered for host in hosts)
        start, end = (capture.packets[indices[place]][TIME] for place in (0, -1))
        dense = len(indices) / max(1.0, (end - start) / SECOND_NS) >= SCAN_TARGETS / SCAN_SECONDS
        if dense and welcome * 2 <= len(hosts):
            packet = capture.packets[indices[0]]
            about = destination_text(packet) if len(hosts) == 1 else None
            yield testify(
                capture, WitnessKind.SCAN, indices, sender=source_text(packet), about=about,
                detail=f"{source_text(packet)} knocks at {len(targets)} ports of {len(hosts)} addresses",
            )  # fmt: skip
