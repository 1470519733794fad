"""QUIC shows its handshake, and the spin bit its round trips; all else is encrypted (RFC 9000, 9001, 9312, 8999)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Final

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import Capture
from attribution.packets.columns import DESTINATION_PORT, LENGTH, PAYLOAD, TIME, UDP
from attribution.packets.flows import FlowKey, flow_key, reverse_key
from attribution.packets.survey import Survey
from attribution.packets.witnesses.carried import payload_of
from attribution.packets.witnesses.gathering import Gathering, Run, testify
from attribution.packets.witnesses.quic_packets import (
    FIXED,
    HANDSHAKE,
    INITIAL,
    LONG,
    NEGOTIATION,
    RETRY,
    SMALLEST_INITIAL,
    SPIN,
    LongHeader,
    is_reserved_version,
    long_headers,
)

PATIENCE_NS: Final = 3_000_000_000
FEWEST_INITIALS: Final = 2
FEWEST_EDGES: Final = 3
MOST_EDGES_RATIO: Final = 0.4  # of the packets; a bit that is set at random turns with every other one
Key = tuple[FlowKey, str, str]


@dataclass(slots=True)
class _Exchange:
    """The QUIC datagrams between two ports; `client` is the direction of the first Initial."""

    client: FlowKey
    initials: list[int] = field(default_factory=list)
    answers: int = 0
    client_went_on: bool = False
    negotiations: list[tuple[int, LongHeader]] = field(default_factory=list)
    retries: list[int] = field(default_factory=list)
    version: int = 0
    spins: list[tuple[int, int]] = field(default_factory=list)  # time and spin bit of what the client sends


def find_quic_trouble(survey: Survey) -> Iterator[PacketWitness]:
    """Yield servers that do not answer, that do not know the client's version, and that ask it to prove its address."""
    capture = survey.capture
    told: list[tuple[int, Key]] = []
    for exchange in _exchanges(survey):
        told += [(index, (exchange.client[:10], code, words)) for index, code, words in _trouble(capture, exchange)]
    found: Gathering[tuple[str, str, str, str]] = Gathering(capture)
    for index, (flow, code, words) in sorted(told, key=lambda one: capture.packets[one[0]][TIME]):
        packet = capture.packets[index]
        by_client = flow_key(packet)[:10] == flow
        ends = (source_text(packet), destination_text(packet))
        client, server = ends if by_client else (ends[1], ends[0])
        found.add((client, server, code, words), index)

    def describe(run: Run[tuple[str, str, str, str]]) -> PacketWitness:
        client, server, code, words = run.key
        from_client = code == "unanswered"
        return testify(
            capture, WitnessKind.QUIC_HANDSHAKE, run.packets, sender=client if from_client else server,
            about=server if from_client else client, code=code, detail=words,
        )  # fmt: skip

    yield from found.witnesses(describe)


def _exchanges(survey: Survey) -> list[_Exchange]:
    """Datagrams sorted by the two ports that they pass between, from the first Initial of a client on."""
    capture = survey.capture
    exchanges: dict[FlowKey, _Exchange] = {}
    for index in survey.of(UDP):
        packet = capture.packets[index]
        place = packet[PAYLOAD]
        if place < 0 or packet[LENGTH] < 7 or len(capture.octets[index]) < place + 7:
            continue
        first = capture.octets[index][place]
        if first & LONG:
            key = flow_key(packet)
            exchange = exchanges.get(key) or exchanges.get(reverse_key(key))
            headers = list(long_headers(payload_of(capture, index)))
            if exchange is None and _begins(packet, headers):
                exchange = exchanges[key] = _Exchange(key)
            if exchange is not None:
                _add(exchange, index, headers, key == exchange.client)
        elif first & FIXED and exchanges:
            exchange = exchanges.get(flow_key(packet))
            if exchange is not None:
                exchange.client_went_on = True
                exchange.spins.append((packet[TIME], first & SPIN))
    return list(exchanges.values())


def _begins(packet: tuple[int, ...], headers: list[LongHeader]) -> bool:
    """A client's Initial fills a datagram of 1200 octets or more; that and its version tell it from anything else."""
    return bool(headers) and headers[0].kind == INITIAL and packet[LENGTH] >= SMALLEST_INITIAL


def _add(exchange: _Exchange, index: int, headers: list[LongHeader], from_client: bool) -> None:
    for header in headers:
        if from_client:
            if header.kind == INITIAL:
                exchange.version = header.version
                if not exchange.initials or exchange.initials[-1] != index:
                    exchange.initials.append(index)
            exchange.client_went_on = exchange.client_went_on or header.kind == HANDSHAKE
        elif header.kind == NEGOTIATION:
            exchange.negotiations.append((index, header))
        elif header.kind == RETRY:
            exchange.retries.append(index)
        else:
            exchange.answers += 1


def _trouble(capture: Capture, exchange: _Exchange) -> Iterator[tuple[int, str, str]]:
    first = capture.packets[exchange.initials[0]]
    server = Phrase("{address} port {port}", address=destination_text(first), port=first[DESTINATION_PORT])
    client = source_text(first)
    spin = _spin_words(exchange)
    for index, header in exchange.negotiations:
        if not is_reserved_version(exchange.version) and exchange.version not in header.offered:
            offered = ", ".join(f"0x{version:08x}" for version in header.offered if not is_reserved_version(version))
            words = Phrase(
                "{server} does not speak QUIC version 0x{version:08x}, it offers {offered}{spin}",
                server=server, version=exchange.version, offered=offered[:80], spin=spin,
            )  # fmt: skip
            yield index, "version_negotiation", words
    for index in exchange.retries:
        words = Phrase(
            "{server} has {client} prove its address with a Retry{spin}", server=server, client=client, spin=spin
        )
        yield index, "retry", words
    last = capture.packets[exchange.initials[-1]][TIME]
    told = exchange.answers or exchange.negotiations or exchange.retries
    if capture.end_ns - first[TIME] < PATIENCE_NS or len(exchange.initials) < FEWEST_INITIALS:
        return
    if not told and capture.end_ns - last >= PATIENCE_NS:
        words = Phrase("{server} does not answer the QUIC Initials of {client}", server=server, client=client)
        for index in exchange.initials:
            yield index, "unanswered", words
    elif exchange.answers and not exchange.client_went_on and last - first[TIME] >= PATIENCE_NS:
        words = Phrase(
            "{server} answers the QUIC Initials of {client}, but the handshake does not get on",
            server=server, client=client,
        )  # fmt: skip
        for index in exchange.initials:
            yield index, "unfinished", words


def _spin_words(exchange: _Exchange) -> str:
    """The spin bit turns once in a round trip, if both ends let it; a bit at random turns all the time."""
    edges = [time_ns for (_, before), (time_ns, bit) in pairwise(exchange.spins) if bit != before]
    if len(edges) < FEWEST_EDGES or len(edges) > MOST_EDGES_RATIO * len(exchange.spins):
        return ""
    trip_ns = median(later - earlier for earlier, later in pairwise(edges))
    return Phrase(
        "; its spin bit turns every {interval:.1f} ms, a round trip and the application's pauses",
        interval=trip_ns / 1e6,
    )
