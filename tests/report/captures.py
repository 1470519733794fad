"""Figures of captures to print, with every field filled: one capture that tells of trouble, one that is clean."""

from __future__ import annotations

from dataclasses import replace

from attribution.model.capture import (
    CaptureSummary,
    ClockFigures,
    ComparisonSummary,
    DirectionFigures,
    FlowFigures,
    Handshake,
    HealthFigure,
    Limit,
    RoundTrips,
    Silence,
    StretchBin,
    StretchFigures,
    StretchFlow,
)
from attribution.model.incident import NANOSECONDS, EvidenceType, Origin
from attribution.model.observation import Caveat, PacketWitness, TapCount, WitnessKind
from tests.report.verdicts import HOSTILE, START_NS

ORIGIN = Origin("edge.pcapng", EvidenceType.CAPTURE, device="edge")
CLIENT, SERVER = "10.0.0.1", "10.0.0.2"


def at(seconds: float) -> int:
    return START_NS + int(seconds * NANOSECONDS)


def tap(start_s: int, upstream: int, downstream: int, *, protocol: str = "tcp", source: str = CLIENT) -> TapCount:
    return TapCount(
        time_ns=at(start_s), origin=ORIGIN, locator="frame 12", end_ns=at(start_s + 1), device="edge", interface=None,
        source=source, destination=SERVER if source == CLIENT else CLIENT, protocol=protocol, sent=100,
        lost_upstream=upstream, lost_downstream=downstream, unanswered=2 * downstream, octets=150_000,
        largest_lost=1514, frames=(12 + start_s, 19),
    )  # fmt: skip


def witness(kind: WitnessKind, start_s: float, detail: str = "", count: int = 1, *frames: int) -> PacketWitness:
    return PacketWitness(
        time_ns=at(start_s), origin=ORIGIN, locator="frame 44", end_ns=at(start_s + 1.5), device="edge", interface=None,
        kind=kind, sender="10.0.0.254", about=SERVER, code=None, count=count, detail=detail, frames=frames or (44,),
    )  # fmt: skip


FORWARD = DirectionFigures(
    packets=12_345, octets=17_800_000, payload_octets=17_000_000, first_ns=at(0.000000123), last_ns=at(10),
    health=(("retransmission", 31), ("fast_retransmission", 12), ("window_full", 2)),
    lost_upstream=4, lost_downstream=27, unanswered=1, acknowledgement_times=RoundTrips(900, 10.2, 11.04, 31.5),
    timestamp_times=RoundTrips(901, 10.3, 11.9, 32.0), limited_by=Limit.NETWORK,
    limited_by_ratio=((Limit.NETWORK, 0.83), (Limit.SENDER, 0.17)),
)  # fmt: skip
BACKWARD = DirectionFigures(
    packets=6_000, octets=396_000, payload_octets=0, first_ns=at(0.001), last_ns=at(10),
    health=(("duplicate_ack", 40),), lost_upstream=0, lost_downstream=0, unanswered=0,
    acknowledgement_times=None, timestamp_times=RoundTrips(12, 0.1, 0.2, 0.4),
)  # fmt: skip
NOTHING = DirectionFigures(0, 0, 0, None, None, ())
TRANSFER = FlowFigures(
    "tcp", CLIENT, 43_210, SERVER, 5001, 7, 3, FORWARD, BACKWARD, "tcp.stream eq 7", Handshake.COMPLETE, 11.2,
    Silence(at(2), at(7.5), 1234, 1240),
)  # fmt: skip
REFUSED = FlowFigures(
    "tcp", "2001:db8::1", 43_211, "2001:db8::2", 22, 8, 90,
    DirectionFigures(1, 74, 0, at(4), at(4), (), 0, 0, 0), DirectionFigures(1, 54, 0, at(4), at(4), (), 0, 0, 0),
    "tcp.stream eq 8", Handshake.REFUSED,
)  # fmt: skip
ONE_WAY = FlowFigures(
    "udp", CLIENT, 40_000, SERVER, 7000, None, 5,
    DirectionFigures(500, 50_000, 0, at(0), at(9), ()), NOTHING,
    "ip.addr==10.0.0.1 && ip.addr==10.0.0.2 && udp.port==40000 && udp.port==7000",
)  # fmt: skip

TROUBLED = CaptureSummary(
    file="edge.pcapng",
    format="pcapng",
    packets=18_900,
    octets=18_300_000,
    start_ns=at(0),
    end_ns=at(10),
    dropped=17,
    truncated=True,
    protocols=(("tcp", 18_347), ("udp", 500), ("icmp", 53)),
    health=(
        HealthFigure("retransmission", 31, (100, 101, 105, 120, 130), "tcp.analysis.retransmission"),
        HealthFigure("zero_window", 1, (77,), "tcp.analysis.zero_window"),
        HealthFigure("window_update", 5, (78, 79), "tcp.analysis.window_update"),
    ),
    flows=(TRANSFER, ONE_WAY, REFUSED),
    flow_count=45,
    loss=(tap(0, 3, 20), tap(1, 1, 7), tap(0, 0, 0, source=SERVER), tap(3, 0, 2, protocol="icmp")),
    witnesses=(
        witness(WitnessKind.ICMP_UNREACHABLE, 1, "host unreachable", 40, *range(50, 66)),
        witness(WitnessKind.SILENCE, 2, "no echo request from 10.0.0.254 for 16.3 s"),
        witness(WitnessKind.SILENCE, 5, "no echo request from 10.0.0.254 for 12.0 s", 1, 47),
        witness(WitnessKind.ARP_DUPLICATE, 3),
    ),
    caveats=(Caveat("edge.pcapng", "frame 18900", "the file ends inside a record"),),
)
CLEAN = replace(
    TROUBLED, dropped=0, truncated=False, health=(), loss=(tap(0, 0, 0),), witnesses=(), caveats=(), flow_count=1,
    flows=(replace(TRANSFER, silence=None, forward=replace(FORWARD, health=(), lost_upstream=0, lost_downstream=0)),),
)  # fmt: skip
EMPTY = replace(
    CLEAN, packets=0, octets=0, start_ns=None, end_ns=None, protocols=(), loss=(), flows=(), flow_count=0
)  # fmt: skip
BARE = replace(CLEAN, loss=(), flows=(replace(TRANSFER, forward=NOTHING, backward=NOTHING, handshake=None),))
HOSTILE_CAPTURE = replace(
    TROUBLED,
    file=f"={HOSTILE}",
    witnesses=(replace(TROUBLED.witnesses[0], detail=HOSTILE, sender=HOSTILE, about=HOSTILE, code=HOSTILE),),
    caveats=(Caveat(HOSTILE, HOSTILE, HOSTILE),),
)
EVERY_CAPTURE = {
    "troubled": TROUBLED, "clean": CLEAN, "empty": EMPTY, "bare": BARE, "hostile": HOSTILE_CAPTURE,
}  # fmt: skip

A, B, C = ("ce1", "eth0"), ("pe1", None), ("边缘路由器", "ge-0/0/1")


def part(second: int, sent: int, lost: int, delay: float | None = 1.0) -> StretchBin:
    return StretchBin(at(second), at(second + 1), sent, lost, 1, 2, delay, (second + 1,) if lost else ())


THERE = StretchFigures(
    first=A, second=B, first_file="ce1.pcap", second_file="pe1.pcap", source=CLIENT, destination=SERVER, protocol="udp",
    sent=1000, lost=27, duplicated=3, reordered=6, not_compared=9, delay_least_ms=0.95, delay_median_ms=1.2,
    delay_most_ms=12.5, lossy_seconds=2, frames=tuple(range(1, 17)),
    display_filter=f"frame.number in {{{','.join(map(str, range(1, 28)))}}}",
    bins=(part(0, 500, 20, 1.0), part(1, 400, 7, 3.0), part(2, 100, 0, 9.0)),
    flows=(StretchFlow(40_000, 7000, 1000, 27, 3, 6, 1.2, (1, 2), "udp.port==40000"),),
)  # fmt: skip
ONWARD = replace(
    THERE, first=B, second=C, first_file="pe1.pcap", second_file="core.pcap", lost=0, duplicated=0, reordered=0,
    not_compared=0, lossy_seconds=0, frames=(), display_filter="ip.src==10.0.0.1", bins=(), flows=(),
)  # fmt: skip
BACK = replace(ONWARD, first=B, second=A, second_file="ce1.pcap", source=SERVER, destination=CLIENT, sent=800)
LOSSY = ComparisonSummary(
    packets=4000,
    matched=3600,
    stretches=(ONWARD, BACK, THERE),
    clocks=(
        ClockFigures("ce1.pcap", -3000.25, 50.0, 0.25),
        ClockFigures("pe1.pcap", 0.0, 0.0, None),
        ClockFigures("core.pcap", 0.4, 0.0, 0.5),
    ),
    caveats=(Caveat("ce1.pcap", "frame 1", "this clock is +3.000250 s off the other captures'"),),
)
LOSSLESS = replace(LOSSY, stretches=(ONWARD, BACK), clocks=LOSSY.clocks[1:], caveats=())
STRANGERS = replace(LOSSY, matched=0, stretches=(), caveats=())
HOSTILE_COMPARISON = replace(LOSSY, stretches=(replace(THERE, first=(HOSTILE, HOSTILE), first_file=HOSTILE),))
EVERY_COMPARISON = {
    "lossy": LOSSY, "lossless": LOSSLESS, "strangers": STRANGERS, "hostile": HOSTILE_COMPARISON,
}  # fmt: skip
