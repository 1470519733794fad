"""What a capture holds, in figures that can each be opened: the frames behind it, and the filter that shows them.

A small capture is read in plain Python and pays for nothing else; a large one goes through compiled code, streamed.
Both give the same figures, except that loss on either side of the capture point and witnesses are told of small
captures only (None and empty otherwise).
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import BinaryIO, Final

from attribution.model.capture import CaptureSummary, DirectionFigures, FlowFigures, HealthFigure
from attribution.model.incident import Origin
from attribution.model.observation import Caveat
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import Capture, read_capture
from attribution.packets.capture_files import FileReader
from attribution.packets.columns import (
    DEPTH,
    DESTINATION,
    DESTINATION_PORT,
    ECHO_IDENTIFIER,
    ICMP,
    ICMP6,
    LENGTH,
    PROTOCOL,
    SOURCE,
    SOURCE_PORT,
    TCP,
    TIME,
    UDP,
    WIRE,
)
from attribution.packets.compression import PIECE, CutShort, is_compressed, read_pieces
from attribution.packets.judgement import judge_capture
from attribution.packets.survey import survey_capture
from attribution.packets.tap import tap_counts
from attribution.packets.tcp_health import HEALTH_NAMES
from attribution.packets.witnesses import find_witnesses

SMALL_PACKETS: Final = 50_000  # up to so many, plain Python is done before compiled code is loaded
SMALL_OCTETS: Final = 48 << 20
FRAMES_SHOWN: Final = 16
PROTOCOL_NAMES: Final = {
    1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 51: "ah", 58: "icmpv6", 89: "ospf", 103: "pim",
    112: "vrrp", 132: "sctp", 0x0806: "arp", 0x8809: "lacp", 0x88CC: "lldp", 0x14242: "stp", 0x1FEFE: "isis",
}  # fmt: skip


Announce = Callable[[str], None]


def summarise_capture(
    source: BinaryIO | bytes, origin: Origin, flows: int = 20, announce: Announce | None = None
) -> CaptureSummary:
    """Read a capture of any size and put it into figures.

    `announce` is told before compiled code is loaded, which takes long the first time. Raises CaptureError where the
    source is no capture.
    """
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    first = stream.read(PIECE)
    pieces = read_pieces(stream, PIECE, first)
    held, over, cut = _take_some(pieces)
    if cut is not None:
        found = summarise_capture(b"".join(held), origin, flows, announce)
        caveat = Caveat(origin.file, f"frame {found.packets}", f"{cut}; everything before it was read")
        return replace(found, truncated=True, caveats=(*found.caveats, caveat))
    if over and _is_small(held, origin):
        return _summary_of_small(read_capture(b"".join(held), origin), flows)
    if announce is not None:
        announce("a large capture: loading compiled code (the first time ever, that takes some ten seconds)")
    from attribution.packets.bulk.overview import summarise_bulk

    if is_compressed(first):
        return summarise_bulk(chain(held, pieces), None, origin, flows)
    return summarise_bulk(held, stream, origin, flows)


def _take_some(pieces: Iterator[bytes]) -> tuple[list[bytes], bool, CutShort | None]:
    """The first pieces of a file, whether that is all of it, and where its compression broke off, if it did."""
    held: list[bytes] = []
    octets = 0
    try:
        for piece in pieces:
            held.append(piece)
            octets += len(piece)
            if octets > SMALL_OCTETS:
                return held, False, None
    except CutShort as cut:
        return held, True, cut
    return held, True, None


def _is_small(held: list[bytes], origin: Origin) -> bool:
    reader = FileReader(origin.file)
    return all(reader.records <= SMALL_PACKETS for _ in reader.read(b"".join(held), True))


def display_filter_of(protocol: int, version: int, source: str, destination: str, ports: tuple[int, int]) -> str:
    """The Wireshark display filter that shows a flow without a stream number."""
    ip = "ipv6" if version == 6 else "ip"
    words = [f"{ip}.addr=={source}", f"{ip}.addr=={destination}"]
    if protocol in (TCP, UDP, 132):
        name = PROTOCOL_NAMES[protocol]
        words += [f"{name}.port=={port}" for port in ports]
    elif protocol in (ICMP, ICMP6):
        words.append(f"{PROTOCOL_NAMES[protocol]}.{'echo.identifier' if protocol == ICMP6 else 'ident'}=={ports[0]}")
    elif version:
        words.append(f"{ip}.{'nxt' if version == 6 else 'proto'}=={protocol}")
    return " && ".join(words)


def health_figures(counts: Counter[int], frames: dict[int, list[int]]) -> tuple[HealthFigure, ...]:
    """The figures of a whole capture from counts and first frames by bit number."""
    return tuple(
        HealthFigure(name, counts[bit], tuple(frames.get(bit, ())), f"tcp.analysis.{name}")
        for bit, name in enumerate(HEALTH_NAMES)
        if counts[bit]
    )


class _Side:
    __slots__ = ("first", "health", "last", "octets", "packets", "payload")

    def __init__(self) -> None:
        self.packets = self.octets = self.payload = 0
        self.first: int | None = None
        self.last: int | None = None
        self.health: Counter[int] = Counter()

    def figures(self, losses: tuple[int, int, int] | None) -> DirectionFigures:
        health = tuple((name, self.health[bit]) for bit, name in enumerate(HEALTH_NAMES) if self.health[bit])
        return DirectionFigures(
            self.packets, self.octets, self.payload, self.first, self.last, health, *(losses or (None, None, None))
        )


def _summary_of_small(capture: Capture, limit: int) -> CaptureSummary:
    judged = judge_capture(capture)
    survey = survey_capture(capture)
    counts: Counter[int] = Counter()
    frames: dict[int, list[int]] = {}
    flows: dict[tuple[object, ...], tuple[int, _Side, _Side]] = {}
    protocols: Counter[int] = Counter()
    for index, packet in enumerate(capture.packets):
        protocols[packet[PROTOCOL]] += 1
        health = judged.health[index]
        bits = [bit for bit in range(len(HEALTH_NAMES)) if health >> bit & 1] if health else []
        for bit in bits:
            counts[bit] += 1
            shown = frames.setdefault(bit, [])
            if len(shown) < FRAMES_SHOWN:
                shown.append(index + 1)
        if not packet[DEPTH]:
            continue
        here, there = packet[SOURCE : SOURCE + 4], packet[DESTINATION : DESTINATION + 4]
        ports = _ports(packet)
        key: tuple[object, ...] = (packet[PROTOCOL], judged.stream[index], here, there, ports)
        reverse: tuple[object, ...] = (packet[PROTOCOL], judged.stream[index], there, here, ports[::-1])
        forward = reverse not in flows or key == reverse
        _, *sides = flows.setdefault(key if forward else reverse, (index, _Side(), _Side()))
        side = sides[0] if forward else sides[1]
        side.packets += 1
        side.octets += packet[WIRE]
        side.payload += packet[LENGTH] if packet[PROTOCOL] == TCP else 0
        side.first = packet[TIME] if side.first is None else side.first
        side.last = packet[TIME]
        side.health.update(bits)
    losses = {
        (conversation.packets[0], way): (len(result.upstream), len(result.downstream), len(result.unanswered))
        for number, conversation in enumerate(survey.conversations)
        for way, (_, result) in enumerate(survey.losses[2 * number : 2 * number + 2])
    }
    largest = sorted(flows.items(), key=lambda item: (-item[1][1].packets - item[1][2].packets, item[1][0]))[:limit]
    return CaptureSummary(
        file=capture.origin.file,
        format=capture.format,
        packets=len(capture.packets),
        octets=sum(packet[WIRE] for packet in capture.packets),
        start_ns=capture.start_ns if capture.packets else None,
        end_ns=capture.end_ns if capture.packets else None,
        dropped=capture.dropped,
        truncated=capture.truncated,
        protocols=named_protocols(protocols),
        health=health_figures(counts, frames),
        flows=tuple(_flow(capture, key, value, losses) for key, value in largest),
        flow_count=len(flows),
        loss=tuple(tap_counts(survey)),
        witnesses=tuple(find_witnesses(survey)),
        caveats=capture.caveats,
    )


def _ports(packet: tuple[int, ...]) -> tuple[int, int]:
    if packet[PROTOCOL] in (ICMP, ICMP6):
        return (packet[ECHO_IDENTIFIER], packet[ECHO_IDENTIFIER])
    return (packet[SOURCE_PORT], packet[DESTINATION_PORT])


def named_protocols(counts: Counter[int]) -> tuple[tuple[str, int], ...]:
    """How many packets of each protocol, the most frequent first."""
    named: Counter[str] = Counter()
    for protocol, count in counts.items():
        named[PROTOCOL_NAMES.get(protocol, f"0x{protocol:04x}" if protocol > 255 else str(protocol))] += count
    named["other"] += named.pop("-1", 0)
    found = [(name, count) for name, count in named.items() if count]
    return tuple(sorted(found, key=lambda item: (-item[1], item[0])))


def _flow(
    capture: Capture,
    key: tuple[object, ...],
    value: tuple[int, _Side, _Side],
    losses: dict[tuple[int, int], tuple[int, int, int]],
) -> FlowFigures:
    first, forward, backward = value
    packet = capture.packets[first]
    stream = key[1] if isinstance(key[1], int) and key[1] >= 0 else None
    ports = _ports(packet)
    source, destination = source_text(packet), destination_text(packet)
    protocol = packet[PROTOCOL]
    has_ports = protocol in (TCP, UDP, 132)
    by_address = display_filter_of(protocol, 4 if "." in source else 6, source, destination, ports)
    return FlowFigures(
        protocol=PROTOCOL_NAMES.get(protocol, str(protocol)),
        source=source,
        source_port=ports[0] if has_ports else None,
        destination=destination,
        destination_port=ports[1] if has_ports else None,
        stream=stream,
        first_frame=first + 1,
        forward=forward.figures(losses.get((first, 0))),
        backward=backward.figures(losses.get((first, 1))),
        display_filter=by_address if stream is None else f"tcp.stream eq {stream}",
    )
