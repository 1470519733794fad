"""The figures of a large capture, gathered while it streams by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import BinaryIO

import numpy as np

from attribution.model.capture import CaptureSummary, DirectionFigures, FlowFigures
from attribution.model.incident import Origin
from attribution.packets.bulk import flow_table as ft
from attribution.packets.bulk.engine import BulkReader, Integers
from attribution.packets.capture import caveats_of_file
from attribution.packets.columns import ICMP, ICMP6, TCP, UDP
from attribution.packets.summary import PROTOCOL_NAMES, display_filter_of, health_figures, named_protocols
from attribution.packets.tcp_health import HEALTH_NAMES

WITH_PORTS = frozenset({TCP, UDP, 132})


def summarise_bulk(pieces: Iterable[bytes], rest: BinaryIO | None, origin: Origin, flows: int) -> CaptureSummary:
    """Read a capture through compiled code and put it into figures."""
    bulk = BulkReader(origin.file, origin.clock_offset_ns or 0)
    for _ in bulk.batches(pieces, rest):
        pass
    table, counters, reader = bulk.table.flows, bulk.table.counters, bulk.reader
    kinds = Counter({bit: int(count) for bit, count in enumerate(bulk.table.kinds)})
    frames = {bit: [int(frame) for frame in bulk.table.shown[bit][: kinds[bit]]] for bit in kinds}
    first, second = (table[:, ft.FLOW_SIDES + side * ft.SIDE_WIDTH + ft.SIDE_PACKETS] for side in range(2))
    packets = first + second
    protocols = Counter({-1: int(counters[ft.STRANGERS])})
    for protocol in np.unique(table[:, ft.FLOW_KEY + 4] & 0xFF):
        protocols[int(protocol)] += int(packets[table[:, ft.FLOW_KEY + 4] & 0xFF == protocol].sum())
    largest = np.lexsort((table[:, ft.FLOW_FRAME], -packets))[:flows]
    return CaptureSummary(
        file=origin.file,
        format=reader.format,
        packets=int(counters[ft.FRAMES]),
        octets=int(counters[ft.OCTETS]),
        start_ns=int(counters[ft.EARLIEST]) if counters[ft.FRAMES] else None,
        end_ns=int(counters[ft.LATEST]) if counters[ft.FRAMES] else None,
        dropped=sum(interface.dropped or 0 for interface in reader.interfaces),
        truncated=reader.damaged,
        protocols=named_protocols(protocols),
        health=health_figures(kinds, frames),
        flows=tuple(_flow(table[index]) for index in largest),
        flow_count=len(table),
        loss=(),
        witnesses=(),
        caveats=tuple(caveats_of_file(origin, reader, {}, True)),
    )


def address_text(high: int, low: int, version: int) -> str:
    """An address as it is written, from the two words of a flow's key."""
    if version == 4:
        return str(IPv4Address(low & 0xFFFFFFFF))
    return str(IPv6Address((high & 0xFFFFFFFFFFFFFFFF) << 64 | low & 0xFFFFFFFFFFFFFFFF))


def _flow(row: Integers) -> FlowFigures:
    key = [int(word) for word in row[ft.FLOW_KEY : ft.FLOW_KEY + 5]]
    protocol, version = key[4] & 0xFF, key[4] >> 8 & 0xFF
    ports = (key[4] >> 32 & 0xFFFF, key[4] >> 16 & 0xFFFF)
    ends = [(address_text(key[0], key[1], version), ports[0]), (address_text(key[2], key[3], version), ports[1])]
    sides = [_direction(row[ft.FLOW_SIDES + side * ft.SIDE_WIDTH :][: ft.SIDE_WIDTH]) for side in range(2)]
    if sides[0].first_ns is None or (sides[1].first_ns is not None and sides[1].first_ns < sides[0].first_ns):
        ends.reverse()
        sides.reverse()
    (source, source_port), (destination, destination_port) = ends
    stream = int(row[ft.FLOW_STREAM])
    has_ports = protocol in WITH_PORTS
    number = (source_port, destination_port) if protocol not in (ICMP, ICMP6) else (source_port, source_port)
    by_address = display_filter_of(protocol, version, source, destination, number)
    return FlowFigures(
        protocol=PROTOCOL_NAMES.get(protocol, str(protocol)),
        source=source,
        source_port=source_port if has_ports else None,
        destination=destination,
        destination_port=destination_port if has_ports else None,
        stream=stream if stream >= 0 else None,
        first_frame=int(row[ft.FLOW_FRAME]),
        forward=sides[0],
        backward=sides[1],
        display_filter=by_address if stream < 0 else f"tcp.stream eq {stream}",
    )


def _direction(side: Integers) -> DirectionFigures:
    packets = int(side[ft.SIDE_PACKETS])
    health = side[ft.SIDE_HEALTH : ft.SIDE_HEALTH + ft.HEALTH_KINDS]
    return DirectionFigures(
        packets,
        int(side[ft.SIDE_OCTETS]),
        int(side[ft.SIDE_PAYLOAD]),
        int(side[ft.SIDE_FIRST]) if packets else None,
        int(side[ft.SIDE_LAST]) if packets else None,
        tuple((name, int(health[bit])) for bit, name in enumerate(HEALTH_NAMES) if health[bit]),
    )
