"""One capture for a tired engineer: what it is, what is wrong and where, then the connections that show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attribution.model.capture import (
    CaptureSummary,
    DirectionFigures,
    FlowFigures,
    Handshake,
    HealthFigure,
    Limit,
)
from attribution.model.display_filters import direction_filter, frames_filter, witness_filter
from attribution.model.incident import Interval
from attribution.model.observation import PacketWitness, WitnessKind
from attribution.report import quantities
from attribution.report.capture_totals import DirectionLoss, direction_losses, first_frames
from attribution.report.caveats import caveat_lines
from attribution.report.grid import Column, Line, render_grid
from attribution.report.layout import Page, Style
from attribution.report.moment import render_span

_WITNESSES_SHOWN = 10
_DIRECTIONS_SHOWN = 8
_FRAMES_OF_FILTER = 6
_FEW_OCTETS = 1000  # over less, a throughput says nothing
_LONG_SILENCE_NS = 2_000_000_000
_HARMLESS = frozenset({"window_update", "keep_alive", "keep_alive_ack", "zero_window_probe_ack"})
_GRAVE = frozenset({"retransmission", "fast_retransmission", "zero_window", "lost_segment", "ack_lost_segment"})
_FAILED = frozenset({Handshake.REFUSED, Handshake.UNANSWERED, Handshake.UNFINISHED})

# What is told first where losses were not counted.
_SIGNS_OF_LOSS = {
    "retransmission": ("segment sent again", "segments sent again"),
    "lost_segment": ("gap in a connection", "gaps in connections"),
    "ack_lost_segment": ("acknowledgement of what was not seen", "acknowledgements of what was not seen"),
    "zero_window": ("closed window", "closed windows"),
}

# What happened, as one and as several; in the order of gravity.
WITNESS_WORDS = {
    WitnessKind.ROUTING_LOOP: ("routing loop", "routing loops"),
    WitnessKind.BGP_NOTIFICATION: ("BGP session closed", "BGP sessions closed"),
    WitnessKind.BFD_DOWN: ("BFD session down", "BFD sessions down"),
    WitnessKind.BGP_SILENT: ("silent BGP peer", "silent BGP peers"),
    WitnessKind.BFD_SILENT: ("silent BFD peer", "silent BFD peers"),
    WitnessKind.HELLO_LOST: ("gap between hellos", "gaps between hellos"),
    WitnessKind.NEIGHBOUR_LOST: ("lost neighbour", "lost neighbours"),
    WitnessKind.LACP_PARTNER_LOST: ("lost LACP partner", "lost LACP partners"),
    WitnessKind.SPANNING_TREE_CHANGED: ("spanning tree change", "spanning tree changes"),
    WitnessKind.REDUNDANCY_CHANGED: ("change of a shared address's master", "changes of a shared address's master"),
    WitnessKind.LINK_STATE_PURGED: ("purged link state", "purged link states"),
    WitnessKind.BGP_WITHDRAWAL: ("BGP withdrawal", "BGP withdrawals"),
    WitnessKind.BGP_HOST_ROUTE: ("new BGP route to a host", "new BGP routes to hosts"),
    WitnessKind.ICMP_UNREACHABLE: ("destination unreachable", "destinations unreachable"),
    WitnessKind.ICMP_PROHIBITED: ("destination prohibited", "destinations prohibited"),
    WitnessKind.ICMP_TTL_EXCEEDED: ("time to live exceeded", "times to live exceeded"),
    WitnessKind.DAMAGED: ("packet that arrived damaged", "packets that arrived damaged"),
    WitnessKind.LARGE_PACKETS_LOST: ("loss of large packets", "losses of large packets"),
    WitnessKind.ICMP_TOO_BIG: ("packet too big", "packets too big"),
    WitnessKind.RATE_PLATEAU: ("rate limit", "rate limits"),
    WitnessKind.FLOOD: ("flood", "floods"),
    WitnessKind.SILENCE: ("silence", "silences"),
    WitnessKind.HANDSHAKE_FAILED: ("failed handshake", "failed handshakes"),
    WitnessKind.TCP_RESET: ("reset connection", "reset connections"),
    WitnessKind.TLS_UNANSWERED: ("unanswered TLS hello", "unanswered TLS hellos"),
    WitnessKind.TLS_ALERT: ("TLS alert", "TLS alerts"),
    WitnessKind.QUIC_HANDSHAKE: ("failed QUIC handshake", "failed QUIC handshakes"),
    WitnessKind.DNS_FAILED: ("DNS failure", "DNS failures"),
    WitnessKind.DHCP_FAILED: ("DHCP failure", "DHCP failures"),
    WitnessKind.ZERO_WINDOW: ("closed window", "closed windows"),
    WitnessKind.ARP_DUPLICATE: ("address claimed twice", "addresses claimed twice"),
    WitnessKind.ARP_UNANSWERED: ("unanswered ARP request", "unanswered ARP requests"),
    WitnessKind.SCAN: ("scan", "scans"),
}


def render_summary(summary: CaptureSummary, width: int = 100, colour: bool = False, flows: int = 10) -> str:
    """The whole summary as text of at most `width` columns; `colour` allows ANSI styles."""
    page = Page(max(40, width), colour)
    losses = direction_losses(summary)
    sections = (
        _head(summary, losses, page),
        _trouble(summary.witnesses, page),
        _health(summary, page),
        _loss(losses, page),
        _flows(summary, flows, page),
        caveat_lines(summary.caveats, page, summary.file),
    )
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _head(summary: CaptureSummary, losses: Sequence[DirectionLoss], page: Page) -> list[str]:
    size = f"{quantities.counted(summary.packets, 'packet')}, {quantities.octets(summary.octets)}"
    lines = page.paragraph(f"{summary.file} · {summary.format} · {size}", 0, Style.BOLD)
    trouble = list(_most_telling(summary, losses))
    if summary.packets:
        lines += page.paragraph("; ".join(trouble) or "Nothing here tells of trouble", 0, *_mood(summary, trouble))
    lines += page.labelled("Time", _time(summary))
    lines += page.labelled("Protocols", " · ".join(f"{name} {number:,}" for name, number in summary.protocols) or "–")
    if summary.dropped:
        text = f"{quantities.counted(summary.dropped, 'packet')} by the capture itself, so that they are missing here"
        lines += page.labelled("Dropped", f"{text} although the network may well have carried them", 15, Style.YELLOW)
    return lines


def _mood(summary: CaptureSummary, trouble: Sequence[str]) -> tuple[Style, ...]:
    if trouble:
        return (Style.RED,)
    return (Style.YELLOW,) if summary.truncated or summary.dropped else (Style.GREEN,)


def _most_telling(summary: CaptureSummary, losses: Sequence[DirectionLoss]) -> Iterable[str]:
    """What a reader would want to be told first, in a few words each."""
    sent = sum(loss.sent for loss in losses)
    upstream = sum(loss.lost_upstream for loss in losses)
    downstream = sum(loss.lost_downstream for loss in losses)
    if upstream or downstream:
        passed = sent - upstream
        before = _lost(upstream, upstream / sent, "before this point")
        beyond = _lost(downstream, downstream / passed if passed else None, "beyond this point")
        followed = quantities.counted(sent, "packet")
        yield f"Of {followed} that can be followed, lost: {', '.join(part for part in (before, beyond) if part)}"
    elif not summary.loss:
        counts = {figure.name: figure.count for figure in summary.health}
        for name, words in _SIGNS_OF_LOSS.items():
            if counts.get(name):
                yield quantities.counted(counts[name], *words)
    for kind, (one, many) in WITNESS_WORDS.items():
        number = sum(_number(witness) for witness in summary.witnesses if witness.kind is kind)
        if number:
            yield quantities.counted(number, one, many)


def _lost(number: int, ratio: float | None, where: str) -> str:
    return f"{number:,} {where} ({quantities.share(ratio)})" if number else ""


def _number(witness: PacketWitness) -> int:
    """Of some kinds each packet is a case of its own; of the others the witness is."""
    return witness.count if witness.kind in (WitnessKind.HANDSHAKE_FAILED, WitnessKind.DAMAGED) else 1


def _time(summary: CaptureSummary) -> str:
    if summary.start_ns is None or summary.end_ns is None:
        return "no packets"
    spent = (summary.end_ns - summary.start_ns) / 1e9
    text = f"{render_span(Interval(summary.start_ns, summary.end_ns))}, {quantities.seconds(spent)}"
    if spent <= 0:
        return text
    pace = f"{quantities.three(summary.packets / spent)} packets/s, {quantities.rate(8 * summary.octets / spent)}"
    return f"{text} · {pace}"


def _trouble(witnesses: Sequence[PacketWitness], page: Page) -> list[str]:
    """Witnesses of the same kind by the same sender about the same end stand together, the gravest first."""
    order = list(WITNESS_WORDS)
    groups: dict[tuple[object, ...], list[PacketWitness]] = {}
    same_words: dict[tuple[object, ...], tuple[object, ...]] = {}
    for witness in sorted(witnesses, key=lambda witness: (order.index(witness.kind), witness.time_ns)):
        key: tuple[object, ...] = (witness.kind, witness.sender, witness.about, witness.code)
        groups.setdefault(same_words.setdefault((key[:2], witness.detail or key), key), []).append(witness)
    lines: list[str] = []
    for group in list(groups.values())[:_WITNESSES_SHOWN]:
        lines += page.labelled("" if lines else "Trouble", _testimony(group), 15)
        lines += page.labelled("", _shortest_filter(group), 17, Style.FAINT)
    if len(groups) > _WITNESSES_SHOWN:
        lines += page.labelled("", f"… and {len(groups) - _WITNESSES_SHOWN} more, all of them in --format json")
    return lines


def _testimony(group: Sequence[PacketWitness]) -> str:
    first = group[0]
    one, _ = WITNESS_WORDS[first.kind]
    words = first.detail or one
    if first.sender is not None and first.sender not in words:
        words = f"{words}, says {first.sender}" + (f" about {first.about}" if first.about else "")
    again = f" (and {len(group) - 1} more like it)" if len(group) > 1 else ""
    span = Interval(first.time_ns, max(witness.end_ns for witness in group))
    listed = quantities.frames(first.frames, total=first.count)
    place = f", {listed}" if listed and not _is_by_number(group) else ""
    return f"{words}{again}, {_clock_times(span)}{place}"


def _clock_times(span: Interval) -> str:
    """Times of day: the date stands above."""
    text = render_span(span, with_date=False).removesuffix(" UTC")
    start, _, end = text.partition(" to ")
    return start if start == end else text


def _is_by_number(group: Sequence[PacketWitness]) -> bool:
    return len(group) > 1 or witness_filter(group[0]).startswith("frame.number")


def _shortest_filter(group: Sequence[PacketWitness]) -> str:
    """The filter as it is, or for the first few frames: short enough for a line, and still to be copied."""
    if not _is_by_number(group):
        return witness_filter(group[0])
    frames = first_frames(witness.frames for witness in group)
    return f"{frames_filter(frames[:_FRAMES_OF_FILTER])}{' …' if len(frames) > _FRAMES_OF_FILTER else ''}"


def _health(summary: CaptureSummary, page: Page) -> list[str]:
    segments = dict(summary.protocols).get("tcp", 0)
    telling = [figure for figure in summary.health if figure.name not in _HARMLESS]
    harmless = [figure for figure in summary.health if figure.name in _HARMLESS]
    if not summary.health:
        return []
    columns = (
        Column("TCP health, as a display filter", right=False), Column("packets"), Column("of TCP", 1),
        Column("first frames", 2, right=False),
    )  # fmt: skip
    lines = [_health_line(figure, segments) for figure in sorted(telling, key=lambda figure: -figure.count)]
    printed = render_grid(page, columns, lines, 0) if lines else []
    if harmless:
        listed = ", ".join(f"{figure.count:,} {figure.name}" for figure in harmless)
        printed += page.paragraph(f"{'and ' if lines else ''}harmless: {listed}", 0, Style.FAINT)
    return printed


def _health_line(figure: HealthFigure, segments: int) -> Line:
    colour = Style.RED if figure.name in _GRAVE else Style.YELLOW
    listed = quantities.frames(figure.frames, total=figure.count).partition(" ")[2]
    share = quantities.share(min(1.0, figure.count / segments)) if segments else quantities.MISSING
    return Line((figure.display_filter, f"{figure.count:,}", share, listed), {1: (colour,)})


def _loss(losses: Sequence[DirectionLoss], page: Page) -> list[str]:
    """Directions that lost anything; the clean ones in one line."""
    if not losses:
        return []
    lossy = [loss for loss in losses if loss.lost or loss.unanswered]
    clean = [loss for loss in losses if not loss.lost and not loss.unanswered]
    columns = (
        Column("Loss around this point", right=False), Column("", right=False), Column("sent", 1), Column("before"),
        Column("", 3), Column("beyond"), Column("", 3), Column("unknown", 2), Column("frames", 4, right=False),
    )  # fmt: skip
    printed = render_grid(page, columns, [_loss_line(loss) for loss in lossy[:_DIRECTIONS_SHOWN]], 0) if lossy else []
    if len(lossy) > _DIRECTIONS_SHOWN:
        rest = quantities.counted(len(lossy) - _DIRECTIONS_SHOWN, "direction")
        printed += page.paragraph(f"… and {rest} more with losses, all of them in --format json", 0, Style.FAINT)
    if clean:
        packets = quantities.counted(sum(loss.sent for loss in clean), "packet")
        directions = quantities.counted(len(clean), f"{'other ' if lossy else ''}direction")
        printed += page.paragraph(f"nothing lost in {directions}, {packets}", 0, Style.FAINT if lossy else Style.GREEN)
    return printed


def _loss_line(loss: DirectionLoss) -> Line:
    cells = (
        f"{loss.source} → {loss.destination}", loss.protocol, f"{loss.sent:,}", f"{loss.lost_upstream:,}",
        quantities.share(loss.upstream_ratio) if loss.lost_upstream else "", f"{loss.lost_downstream:,}",
        quantities.share(loss.downstream_ratio) if loss.lost_downstream else "",
        f"{loss.unanswered:,}" if loss.unanswered else "", quantities.frames(loss.frames, 3).partition(" ")[2],
    )  # fmt: skip
    styles: dict[int, tuple[Style, ...]] = {}
    if loss.lost_upstream:
        styles[3] = (Style.RED,)
    if loss.lost_downstream:
        styles[5] = (Style.RED,)
    return Line(cells, styles, (_short_filter(loss),))


def _short_filter(loss: DirectionLoss) -> str:
    """Of TCP, what Wireshark marks at all: shorter than the signs of loss one by one, and a little wider."""
    if loss.protocol != "tcp":
        return loss.display_filter
    return f"{direction_filter(loss.source, loss.destination, 'tcp')}.analysis.flags"


def choose_flows(flows: Sequence[FlowFigures], count: int) -> list[FlowFigures]:
    """Half of the room at most for flows with trouble, the worst first; the rest for the largest."""
    troubled = [flow for flow in flows if flow_trouble(flow)]
    chosen = sorted(troubled, key=lambda flow: (-flow_trouble(flow), -flow.packets))[: (count + 1) // 2]
    seen = {id(flow) for flow in chosen}
    largest = sorted((flow for flow in flows if id(flow) not in seen), key=lambda flow: -flow.packets)
    return [*chosen, *largest[: count - len(chosen)]]


def flow_trouble(flow: FlowFigures) -> int:
    """How many packets of a flow were lost or sent again; a connection that never came about counts as one."""
    lost = sum(
        (side.lost_upstream or 0) + (side.lost_downstream or 0) + resent(side) + dict(side.health).get("zero_window", 0)
        for side in (flow.forward, flow.backward)
    )
    return lost + (flow.handshake in _FAILED)


def resent(side: DirectionFigures) -> int:
    """Segments sent again: fast and spurious retransmissions are among them, as in Wireshark."""
    return dict(side.health).get("retransmission", 0)


def _flows(summary: CaptureSummary, count: int, page: Page) -> list[str]:
    chosen = choose_flows(summary.flows, count)
    if not chosen:
        return []
    columns = (
        Column("Flow", right=False), Column("sent by", right=False), Column("packets"), Column("payload", 5),
        Column("throughput", 4), Column("RTT beyond", 3), Column("limited by", 6, right=False),
        Column("resent", 1), Column("lost before", 2), Column("beyond", 2), Column("longest silence", 7, right=False),
    )  # fmt: skip
    lines = [line for flow in chosen for line in (_forward_line(flow), _backward_line(flow))]
    printed = render_grid(page, columns, lines, 0)
    if summary.flow_count > len(chosen):
        note = f"{len(chosen)} of {summary.flow_count:,} flows: those with trouble first, then the largest"
        printed += page.paragraph(f"{note}; --flows N shows more, --format csv all figures", 0, Style.FAINT)
    return printed


def _forward_line(flow: FlowFigures) -> Line:
    opened = flow.display_filter if flow.stream is not None else f"frame.number=={flow.first_frame}"
    silence = flow.silence
    long = silence is not None and silence.end_ns - silence.start_ns >= _LONG_SILENCE_NS
    text = quantities.seconds((silence.end_ns - silence.start_ns) / 1e9) if silence is not None else ""
    cells = (opened, f"{_end(flow.source, flow.source_port)} →", *_side(flow, flow.forward), text)
    styles = _side_styles(flow.forward)
    if long:
        styles[10] = (Style.YELLOW,)
    return Line(cells, styles)


def _backward_line(flow: FlowFigures) -> Line:
    silence = flow.silence
    text = f"frames {silence.frame_before}, {silence.frame_after}" if silence is not None else ""
    cells = (f"  {_handshake(flow)}", f"{_end(flow.destination, flow.destination_port)} ←", *_side(flow, flow.backward))
    styles = _side_styles(flow.backward)
    styles[0] = (Style.RED if flow.handshake in _FAILED else Style.FAINT,)
    styles[10] = (Style.FAINT,)
    return Line((*cells, text), styles)


def _handshake(flow: FlowFigures) -> str:
    """How a TCP connection came about; of other flows, what they are."""
    if flow.protocol != "tcp" or flow.handshake is None:
        return flow.protocol
    if flow.handshake is Handshake.COMPLETE:
        return "handshake" if flow.handshake_ms is None else f"handshake {quantities.milliseconds(flow.handshake_ms)}"
    if flow.handshake is Handshake.NOT_SEEN:
        return "handshake not seen"
    return f"{flow.handshake.value}"


def _end(address: str, port: int | None) -> str:
    if port is None:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _side(flow: FlowFigures, side: DirectionFigures) -> tuple[str, ...]:
    times = side.acknowledgement_times or side.timestamp_times
    is_tcp = flow.protocol == "tcp"
    return (
        f"{side.packets:,}",
        quantities.octets(side.payload_octets) if is_tcp else "",
        quantities.rate(side.throughput_bps) if is_tcp and side.payload_octets >= _FEW_OCTETS else "",
        quantities.milliseconds(times.mean_ms) if times is not None else "",
        _limit(side),
        f"{resent(side):,}" if is_tcp else "",
        f"{side.lost_upstream:,}" if side.lost_upstream is not None else "",
        f"{side.lost_downstream:,}" if side.lost_downstream is not None else "",
    )


def _limit(side: DirectionFigures) -> str:
    if side.limited_by is None:
        return ""
    held = dict(side.limited_by_ratio).get(side.limited_by)
    return side.limited_by.value + (f" {quantities.share(held)}" if held is not None else "")


def _side_styles(side: DirectionFigures) -> dict[int, tuple[Style, ...]]:
    styles: dict[int, tuple[Style, ...]] = {}
    if resent(side):
        styles[7] = (Style.YELLOW,)
    if side.lost_upstream:
        styles[8] = (Style.RED,)
    if side.lost_downstream:
        styles[9] = (Style.RED,)
    if side.limited_by in (Limit.NETWORK, Limit.RECEIVER):
        styles[6] = (Style.YELLOW,)
    return styles
