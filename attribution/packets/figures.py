"""The books of a capture (`ledger`) put into figures that can each be opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from heapq import nsmallest
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from attribution.model.capture import (
    DirectionFigures,
    FlowFigures,
    Handshake,
    HealthFigure,
    Limit,
    RoundTrips,
    Silence,
)
from attribution.packets import flow_table as ft
from attribution.packets import following as fw
from attribution.packets import tcp_pace as tp
from attribution.packets.columns import ICMP, ICMP6, SCTP, TCP, UDP
from attribution.packets.failures import PATIENCE_NS
from attribution.packets.ledger import Ledger, packets_of
from attribution.packets.one_point import state as op
from attribution.packets.tcp_health import HEALTH_NAMES

WITH_PORTS: Final = frozenset({TCP, UDP, SCTP})
PROTOCOL_NAMES: Final = {
    1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 51: "ah", 58: "icmpv6", 89: "ospf", 103: "pim",
    112: "vrrp", 132: "sctp", 0x0806: "arp", 0x8809: "lacp", 0x88CC: "lldp", 0x14242: "stp", 0x1FEFE: "isis",
}  # fmt: skip
NAMES_BY_SLOT: Final = {ft.protocol_slot(number): name for number, name in PROTOCOL_NAMES.items()} | {
    ft.protocol_slot(-1): "other"
}
OPENINGS: Final = {
    ft.ASKED: Handshake.UNANSWERED,
    ft.ACCEPTED: Handshake.UNFINISHED,
    ft.COMPLETE: Handshake.COMPLETE,
    ft.REFUSED: Handshake.REFUSED,
}


def address_text(high: int, low: int, version: int) -> str:
    """An address as it is written, from the two words of a flow's key."""
    if version == 4:
        return str(IPv4Address(low & 0xFFFFFFFF))
    return str(IPv6Address((high & 0xFFFFFFFFFFFFFFFF) << 64 | low & 0xFFFFFFFFFFFFFFFF))


def ends_of(key: list[int] | tuple[int, ...]) -> tuple[tuple[str, int], tuple[str, int]]:
    """Address and port of both ends of a flow, the lower one first; a port is the identifier of an echo."""
    version = key[4] >> 8 & 0xFF
    return (
        (address_text(key[0], key[1], version), key[4] >> 32 & 0xFFFF),
        (address_text(key[2], key[3], version), key[4] >> 16 & 0xFFFF),
    )


def protocol_name(protocol: int) -> str:
    """The name of an IP protocol or ethertype, else its number."""
    return PROTOCOL_NAMES.get(protocol, f"0x{protocol:04x}" if protocol > 255 else str(protocol))


def display_filter_of(protocol: int, version: int, source: str, destination: str, ports: tuple[int, int]) -> str:
    """The Wireshark display filter that shows a flow without a stream number."""
    ip = "ipv6" if version == 6 else "ip"
    words = [f"{ip}.addr=={source}", f"{ip}.addr=={destination}"]
    if protocol in WITH_PORTS:
        name = PROTOCOL_NAMES[protocol]
        words += [f"{name}.port=={port}" for port in ports]
    elif protocol in (ICMP, ICMP6):
        words.append(f"{PROTOCOL_NAMES[protocol]}.{'echo.identifier' if protocol == ICMP6 else 'ident'}=={ports[0]}")
    elif version:
        words.append(f"{ip}.{'nxt' if version == 6 else 'proto'}=={protocol}")
    return " && ".join(words)


def protocols_of(ledger: Ledger) -> tuple[tuple[str, int], ...]:
    """How many packets of each protocol, the most frequent first."""
    counts: Counter[str] = Counter()
    for slot, count in enumerate(ledger.protocols):
        if count:
            counts[NAMES_BY_SLOT.get(slot) or protocol_name(slot if slot < 256 else slot - 256)] += int(count)
    return tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def health_of(ledger: Ledger) -> tuple[HealthFigure, ...]:
    """What the segments of the whole capture were found to be."""
    return tuple(
        HealthFigure(
            name=name,
            count=int(ledger.kinds[bit]),
            frames=tuple(int(ledger.shown[bit * ft.FRAMES_SHOWN + n]) for n in range(min(count, ft.FRAMES_SHOWN))),
            display_filter=f"tcp.analysis.{name}",
        )
        for bit, name in enumerate(HEALTH_NAMES)
        if (count := int(ledger.kinds[bit]))
    )


def flows_of(ledger: Ledger, limit: int) -> tuple[FlowFigures, ...]:
    """The flows with the most packets."""
    end_ns = int(ledger.counters[ft.LATEST])
    return tuple(flow_figures(row, progress, end_ns) for row, progress in largest_flows(ledger, limit))


def largest_flows(ledger: Ledger, limit: int) -> list[tuple[list[int], list[int]]]:
    """The rows of the flows with the most packets, the earlier first among equals."""
    first, second = (ledger.column(ft.FLOW_SIDES + side * ft.SIDE_WIDTH + ft.SIDE_PACKETS) for side in range(2))
    table = zip(ledger.column(ft.FLOW_HASH), first, second, ledger.column(ft.FLOW_FRAME), strict=True)
    sizes = ((-one - other, frame, flow) for flow, (hashed, one, other, frame) in enumerate(table) if hashed >= 0)
    largest = nsmallest(limit, (size for size in sizes if size[0])) if limit < len(first) else sorted(sizes)
    rows = [ledger.rows_of(flow) for packets, _, flow in largest if packets] + ledger.closed.rows
    return sorted(rows, key=lambda pair: (-packets_of(pair[0]), pair[0][ft.FLOW_FRAME]))[:limit]


def flow_figures(row: list[int], progress: list[int], end_ns: int) -> FlowFigures:
    """One flow in figures, the direction of its first packet first."""
    protocol, version = row[4] & 0xFF, row[4] >> 8 & 0xFF
    ends = list(ends_of(row[:5]))
    sides = list(_directions(row, progress))
    if row[ft.FLOW_STARTER]:
        ends.reverse()
        sides.reverse()
    (source, source_port), (destination, destination_port) = ends
    stream = row[ft.FLOW_STREAM]
    has_ports = protocol in WITH_PORTS and (protocol != TCP or stream >= 0)
    by_address = display_filter_of(protocol, version, source, destination, (source_port, destination_port))
    handshake_ns = progress[fw.PROGRESS_PACE + tp.PACE_HANDSHAKE]
    handshake = handshake_of(row, end_ns) if stream >= 0 else None
    return FlowFigures(
        protocol=protocol_name(protocol),
        source=source,
        source_port=source_port if has_ports else None,
        destination=destination,
        destination_port=destination_port if has_ports else None,
        stream=stream if stream >= 0 else None,
        first_frame=row[ft.FLOW_FRAME],
        forward=sides[0],
        backward=sides[1],
        display_filter=by_address if stream < 0 else f"tcp.stream eq {stream}",
        handshake=handshake,
        handshake_ms=handshake_ns / 1e6 if handshake is Handshake.COMPLETE and handshake_ns else None,
        silence=_silence(row),
    )


def handshake_of(row: list[int], end_ns: int) -> Handshake:
    """How a connection came about; one that may still succeed when the capture ends is told as not seen."""
    opening = row[ft.FLOW_OPENING]
    waiting = opening in (ft.ASKED, ft.ACCEPTED) and end_ns - row[ft.FLOW_LAST_TIME] < PATIENCE_NS
    return Handshake.NOT_SEEN if waiting else OPENINGS.get(opening, Handshake.NOT_SEEN)


def _silence(row: list[int]) -> Silence | None:
    if row[ft.FLOW_GAP] <= 0:
        return None
    start = row[ft.FLOW_GAP_START]
    return Silence(start, start + row[ft.FLOW_GAP], row[ft.FLOW_GAP_BEFORE], row[ft.FLOW_GAP_AFTER])


def _directions(row: list[int], progress: list[int]) -> Iterator[DirectionFigures]:
    segments = row[ft.FLOW_STREAM] >= 0
    for number in range(2):
        side = row[ft.FLOW_SIDES + number * ft.SIDE_WIDTH :][: ft.SIDE_WIDTH]
        at = fw.PROGRESS_PACE + tp.PACE_SIDES + number * tp.PACE_SIDE_WIDTH
        pace = progress[at : at + tp.PACE_SIDE_WIDTH]
        lost = progress[fw.PROGRESS_LOST + fw.LOST_KINDS * number :][: fw.LOST_KINDS]
        loss = progress[fw.PROGRESS_LOSS + number * op.LOSS_WIDTH :][: op.LOSS_WIDTH]
        packets = side[ft.SIDE_PACKETS]
        shares = _limits(pace)
        yield DirectionFigures(
            packets=packets,
            octets=side[ft.SIDE_OCTETS],
            payload_octets=side[ft.SIDE_PAYLOAD],
            first_ns=side[ft.SIDE_FIRST] if packets else None,
            last_ns=side[ft.SIDE_LAST] if packets else None,
            health=tuple(
                (name, side[ft.SIDE_HEALTH + bit])
                for bit, name in enumerate(HEALTH_NAMES)
                if side[ft.SIDE_HEALTH + bit]
            ),
            lost_upstream=lost[0] if segments else None,
            lost_downstream=lost[1] if segments else None,
            unanswered=lost[2] if segments else None,
            acknowledgement_times=round_trips(
                loss[op.ROUND_TRIPS], loss[op.ROUND_TRIP_SUM], loss[op.ROUND_TRIP], loss[op.LONGEST_ROUND_TRIP]
            ),
            timestamp_times=round_trips(*pace[tp.PACE_COUNT : tp.PACE_COUNT + 4]),
            limited_by=max(shares, key=lambda share: share[1])[0] if shares else None,
            limited_by_ratio=shares,
        )


def round_trips(count: int, total_ns: int, least_ns: int, most_ns: int) -> RoundTrips | None:
    """Round trips from their count, sum, least and most."""
    if not count:
        return None
    return RoundTrips(count, least_ns / 1e6, total_ns / count / 1e6, most_ns / 1e6)


def _limits(pace: list[int]) -> tuple[tuple[Limit, float], ...]:
    spent = (pace[tp.PACE_SENDER], pace[tp.PACE_RECEIVER], pace[tp.PACE_NETWORK])
    total = sum(spent)
    return tuple((limit, ns / total) for limit, ns in zip(Limit, spent, strict=True)) if total else ()
