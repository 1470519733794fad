"""Captures of several points for a tired engineer: where packets were lost first, then way, clocks and stretches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attribution.model.capture import ComparisonSummary, StretchFigures
from attribution.model.display_filters import frames_filter
from attribution.report import quantities
from attribution.report.capture_totals import Point, StretchTotal, stretch_totals
from attribution.report.caveats import caveat_lines
from attribution.report.grid import Column, Line, render_grid
from attribution.report.layout import Page, Style

_PATHS_SHOWN = 6
_PARTS_SHOWN = 4
_OTHERS_SHOWN = 3
_AGREEING_MS = 1.0
Way = tuple[Point, ...]


def render_comparison(summary: ComparisonSummary, width: int = 100, colour: bool = False) -> str:
    """The whole comparison as text of at most `width` columns; `colour` allows ANSI styles."""
    page = Page(max(40, width), colour)
    totals = stretch_totals(summary)
    sections = (
        _headline(summary, totals, page),
        _stretches(totals, page),
        _losses(totals, page),
        _clocks(summary, page),
        caveat_lines(summary.caveats, page),
    )
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def point_name(point: Point) -> str:
    """`ce1 eth0`, or the capture's own name."""
    device, interface = point
    return device if interface is None else f"{device} {interface}"


def _headline(summary: ComparisonSummary, totals: Sequence[StretchTotal], page: Page) -> list[str]:
    lossy = [total for total in totals if total.lost]
    if not totals:
        text = "The captures have too little in common to compare: no two of them saw the same packets"
        lines = page.paragraph(text, 0, Style.BOLD, Style.YELLOW)
    elif not lossy:
        sent = quantities.counted(sum(total.sent for total in totals), "passage")
        lines = page.paragraph(f"Nothing was lost between these points, in {sent}", 0, Style.BOLD, Style.GREEN)
    else:
        lines = page.paragraph(_worst(lossy[0], totals), 0, Style.BOLD, Style.RED)
        for total in lossy[1 : 1 + _OTHERS_SHOWN]:
            lines += page.paragraph(f"also {_lost(total)}", 0, Style.YELLOW)
        if len(lossy) > 1 + _OTHERS_SHOWN:
            lines += page.paragraph(f"and less on {len(lossy) - 1 - _OTHERS_SHOWN} other stretches, see below")
    known = quantities.share(summary.matched / summary.packets if summary.packets else None)
    text = f"{len(summary.clocks)} captures, {summary.packets:,} packets, {known} of them known again at another point"
    return lines + page.labelled("Compared", text) + _paths(summary, page)


def _worst(worst: StretchTotal, totals: Sequence[StretchTotal]) -> str:
    """The stretch that lost most, and how the way back fared: loss both ways tells of another fault than one way."""
    back = [total for total in totals if (total.first, total.second) == (worst.second, worst.first)]
    text = f"Lost {_lost(worst)}"
    if not back:
        return text
    if not back[0].lost:
        return f"{text}; nothing on the way back"
    return f"{text}; on the way back {back[0].lost:,} of {back[0].sent:,} ({quantities.share(back[0].loss_ratio)})"


def _lost(total: StretchTotal) -> str:
    seconds = quantities.counted(total.lossy_seconds, "second")
    figures = f"{total.lost:,} of {total.sent:,} packets ({quantities.share(total.loss_ratio)}), within {seconds}"
    return f"from {point_name(total.first)} to {point_name(total.second)}: {figures}"


def _paths(summary: ComparisonSummary, page: Page) -> list[str]:
    """Which points traffic passed, in their order; a part of a longer way, and the same way back, share its line."""
    ways: dict[Way, list[tuple[int, str]]] = {}
    for (source, destination), parts in _by_direction(summary).items():
        for way in find_ways(parts):
            packets = max(part.sent for part in parts)
            ways.setdefault(way, []).append((packets, f"{source} → {destination}"))
    shown: list[Way] = []
    for way in sorted(ways, key=lambda way: (-len(way), -max(ways[way])[0])):
        if not any(_is_part(way, longer) or _is_part(way[::-1], longer) for longer in shown):
            shown.append(way)
    lines: list[str] = []
    for way in shown[:_PATHS_SHOWN]:
        back = " and back" if way[::-1] in ways else ""
        text = f"{' → '.join(map(point_name, way))}{back}, for {max(ways[way])[1]}"
        lines += page.labelled("" if lines else "Paths found", text)
    if len(shown) > _PATHS_SHOWN:
        lines += page.labelled("", f"… and {len(shown) - _PATHS_SHOWN} more")
    return lines


def _is_part(way: Way, longer: Way) -> bool:
    return any(longer[start : start + len(way)] == way for start in range(len(longer) - len(way) + 1))


def _by_direction(summary: ComparisonSummary) -> dict[tuple[str, str], list[StretchFigures]]:
    found: dict[tuple[str, str], list[StretchFigures]] = {}
    for stretch in summary.stretches:
        found.setdefault((stretch.source, stretch.destination), []).append(stretch)
    return found


def find_ways(parts: Sequence[StretchFigures]) -> Iterator[Way]:
    """Yield the rows of points that stretches of one direction make, each along the neighbour with most packets."""
    following: dict[Point, dict[Point, int]] = {}
    for part in parts:
        nexts = following.setdefault(part.first, {})
        nexts[part.second] = nexts.get(part.second, 0) + part.sent
    reached = {second for nexts in following.values() for second in nexts}
    starts = [point for point in following if point not in reached] or list(following)[:1]
    for start in starts:
        way = [start]
        while way[-1] in following:
            best = max(following[way[-1]].items(), key=lambda item: item[1])[0]
            if best in way:
                break
            way.append(best)
        yield tuple(way)


def _stretches(totals: Sequence[StretchTotal], page: Page) -> list[str]:
    if not totals:
        return []
    columns = (
        Column("From one point to the next", right=False), Column("sent", 2), Column("lost"), Column("", 1),
        Column("lossy s", 5), Column("twice", 7), Column("reordered", 6), Column("not compared", 8),
        Column("delay least", 4), Column("median", 3), Column("most", 4), Column("clocks", 9, right=False),
    )  # fmt: skip
    return render_grid(page, columns, [_stretch_line(total) for total in totals], 0)


def _stretch_line(total: StretchTotal) -> Line:
    doubt = total.clock_uncertainty_ms
    cells = (
        f"{point_name(total.first)} → {point_name(total.second)}", f"{total.sent:,}", f"{total.lost:,}",
        quantities.share(total.loss_ratio) if total.lost else "", f"{total.lossy_seconds:,}" if total.lost else "",
        f"{total.duplicated:,}" if total.duplicated else "", f"{total.reordered:,}" if total.reordered else "",
        f"{total.not_compared:,}" if total.not_compared else "", quantities.milliseconds(total.delay_least_ms),
        quantities.milliseconds(total.delay_median_ms), quantities.milliseconds(total.delay_most_ms),
        "" if doubt is None else f"± {quantities.milliseconds(doubt)}",
    )  # fmt: skip
    styles: dict[int, tuple[Style, ...]] = {2: (Style.RED if total.lost else Style.GREEN,)}
    if total.reordered:
        styles[6] = (Style.YELLOW,)
    return Line(cells, styles)


def _losses(totals: Sequence[StretchTotal], page: Page) -> list[str]:
    """For each stretch that lost, the traffic that lost most, and the frames to open in the first point's file."""
    lines: list[str] = []
    for total in totals:
        lossy = [part for part in total.parts if part.lost]
        if not lossy:
            continue
        head = f"Lost from {point_name(total.first)} to {point_name(total.second)}, frames of {lossy[0].first_file}"
        lines += page.paragraph(head, 0, Style.FAINT)
        for part in lossy[:_PARTS_SHOWN]:
            text = f"{part.source} → {part.destination} {part.protocol}"
            figures = f"{part.lost:,} of {part.sent:,} ({quantities.share(part.loss_ratio)})"
            lines += page.paragraph(f"{text}: {figures}{_when(part)}", 2)
            lines += page.paragraph(_short_filter(part), 4, Style.FAINT)
        if len(lossy) > _PARTS_SHOWN:
            rest = quantities.counted(len(lossy) - _PARTS_SHOWN, "direction")
            lines += page.paragraph(f"… and {rest} more, all of them in --format json", 2, Style.FAINT)
    return lines


def _when(part: StretchFigures) -> str:
    return f", within {quantities.counted(part.lossy_seconds, 'second')}" if part.lossy_seconds else ""


def _short_filter(part: StretchFigures) -> str:
    """A filter that fits a line: of the first few frames where all would be too many."""
    if len(part.display_filter) <= 80 or not part.frames:
        return part.display_filter
    return f"{frames_filter(part.frames[:8])}{' …' if part.lost > 8 else ''}"


def _clocks(summary: ComparisonSummary, page: Page) -> list[str]:
    """What was added to each capture's times; nothing much to say where they agree."""
    if not summary.clocks:
        return []
    doubts = [clock.uncertainty_ms for clock in summary.clocks if clock.uncertainty_ms is not None]
    if doubts and all(abs(clock.shift_ms) < _AGREEING_MS and not clock.drift_ppm for clock in summary.clocks):
        most = max(abs(clock.shift_ms) for clock in summary.clocks)
        text = f"agree to within {quantities.milliseconds(most)}, known to ± {quantities.milliseconds(max(doubts))}"
        return page.labelled("Clocks", text)
    names = {found.first_file: point_name(found.first) for found in summary.stretches}
    names |= {found.second_file: point_name(found.second) for found in summary.stretches}
    columns = (
        Column("Clocks", right=False), Column("added"), Column("growing by", 1, right=False),
        Column("known to", 2, right=False),
    )  # fmt: skip
    lines = [
        Line(
            (
                names.get(clock.file, clock.file),
                f"{'+' if clock.shift_ms >= 0.0005 else ''}{quantities.milliseconds(clock.shift_ms)}",
                f"{clock.drift_ppm:+.1f} ppm" if clock.drift_ppm else "",
                "" if clock.uncertainty_ms is None else f"± {quantities.milliseconds(clock.uncertainty_ms)}",
            ),
            {1: (Style.YELLOW,)} if abs(clock.shift_ms) >= _AGREEING_MS else {},
        )
        for clock in summary.clocks
    ]
    return render_grid(page, columns, lines, 0)
