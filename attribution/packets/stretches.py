"""Several captures compared, in figures for a reader: loss, reordering and delay of each stretch between two points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from attribution.model.capture import ClockFigures, StretchBin, StretchFigures, StretchFlow
from attribution.packets.clocks import ClockRelation
from attribution.packets.columns import ICMP, ICMP6, SCTP, TCP, UDP
from attribution.packets.tallies import BIN_NS, Ports, Stretch, Tally

FLOWS_SHOWN: Final = 20
# A tunnel's outer header, and the packet that an ICMP error quotes, are shown by their names too.
NOT_BESIDES: Final = {
    "tcp": ("!icmp", "!icmpv6"),
    "udp": ("!tcp", "!sctp", "!icmp", "!icmpv6"),
    "sctp": ("!icmp", "!icmpv6"),
}
PORTED: Final = {TCP: "tcp", UDP: "udp", SCTP: "sctp"}


def stretch_figures(stretch: Stretch) -> StretchFigures:
    """One direction between two points: every figure with the frames behind it, and a filter that shows them."""
    whole = stretch.whole
    delays = whole.delays_ns
    least = stretch.delay_least_ns if stretch.delay_least_ns is not None else min(delays, default=None)
    most = stretch.delay_most_ns if stretch.delay_most_ns is not None else max(delays, default=None)
    largest = sorted(stretch.flows.items(), key=lambda item: (-item[1].sent, item[1].first_frame or 0))
    return StretchFigures(
        first=stretch.first,
        second=stretch.second,
        first_file=stretch.origin.file,
        second_file=stretch.second_file,
        source=stretch.source,
        destination=stretch.destination,
        protocol=stretch.name,
        sent=whole.sent,
        lost=whole.lost,
        duplicated=whole.duplicated,
        reordered=whole.reordered,
        not_compared=stretch.not_compared,
        delay_least_ms=None if least is None else least / 1e6,
        delay_median_ms=whole.delay_median_ms,
        delay_most_ms=None if most is None else most / 1e6,
        lossy_seconds=sum(1 for tally in stretch.bins.values() if tally.lost),
        frames=whole.shown,
        display_filter=frames_filter(whole.shown) or direction_filter(stretch),
        bins=tuple(_bin(second, tally) for second, tally in sorted(stretch.bins.items())),
        flows=tuple(_flow(stretch, ports, tally) for ports, tally in largest[:FLOWS_SHOWN]),
    )


def _bin(second: int, tally: Tally) -> StretchBin:
    return StretchBin(
        second * BIN_NS,
        (second + 1) * BIN_NS,
        tally.sent,
        tally.lost,
        tally.duplicated,
        tally.reordered,
        tally.delay_median_ms,
        tally.shown,
    )


def _flow(stretch: Stretch, ports: Ports, tally: Tally) -> StretchFlow:
    return StretchFlow(
        ports[0],
        ports[1],
        tally.sent,
        tally.lost,
        tally.duplicated,
        tally.reordered,
        tally.delay_median_ms,
        tally.shown,
        frames_filter(tally.shown) or direction_filter(stretch, ports),
    )


def frames_filter(frames: Sequence[int]) -> str:
    """The Wireshark display filter that shows these frames and no others; empty where there are none."""
    pieces: list[list[int]] = []
    for frame in frames:
        if pieces and frame == pieces[-1][1] + 1:
            pieces[-1][1] = frame
        else:
            pieces.append([frame, frame])
    words = [str(low) if low == high else f"{low}..{high}" for low, high in pieces]
    return f"frame.number in {{{','.join(words)}}}" if words else ""


def direction_filter(stretch: Stretch, ports: Ports = (None, None)) -> str:
    """The Wireshark display filter that shows one direction between two addresses, or one flow of it."""
    ip = "ipv6" if stretch.version == 6 else "ip"
    words = [f"{ip}.src=={stretch.source}", f"{ip}.dst=={stretch.destination}"]
    name = PORTED.get(stretch.protocol)
    if name:
        words += [name, *NOT_BESIDES[name]]
        words += [f"{name}.{end}port=={port}" for end, port in zip(("src", "dst"), ports, strict=True) if port]
    elif stretch.protocol in (ICMP, ICMP6):
        words.append("icmpv6" if stretch.protocol == ICMP6 else "icmp")
    else:
        words.append(f"{ip}.{'nxt' if stretch.version == 6 else 'proto'}=={stretch.protocol}")
    return " && ".join(words)


def clock_figures(
    files: Sequence[str], starts: Sequence[int], shifts: Iterable[ClockRelation]
) -> tuple[ClockFigures, ...]:
    """What was added to each capture's times. The drift is the clock's own growth against the common one."""
    return tuple(
        ClockFigures(
            file,
            relation.at(start) / 1e6,
            relation.drift * 1e6,
            None if relation.uncertainty_ns is None else relation.uncertainty_ns / 1e6,
        )
        for file, start, relation in zip(files, starts, shifts, strict=True)
    )
