"""Loss and throughput over time, one small drawing for each stretch of path, all on the same axis of time.

A measured bin without loss has a thin base, a bin with loss a column on it; where nothing was measured there is
nothing, not even the base. Adjacent bins are drawn together where a drawing has no room for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from attribution.model.dossier import LossSeries, RateSeries, Reliability
from attribution.model.incident import Interval
from attribution.report.drawings import number
from attribution.report.page.labels import Labels
from attribution.report.page.markup import Canvas, box, element, line, text
from attribution.report.page.time_axis import Axis
from attribution.report.quantities import rate

_WIDTH, _LEFT, _TOP, _HEIGHT = 340.0, 46.0, 8.0, 84.0
_COLUMNS = 120
_MOST_ROWS = 40


@dataclass(frozen=True, slots=True)
class Bin:
    """Packets of one stretch of time."""

    interval: Interval
    sent: int
    lost: int


def bins_of(series: LossSeries) -> list[Bin]:
    """A series bin by bin."""
    columns = zip(series.starts_ns, series.ends_ns, series.sent, series.lost, strict=True)
    return [Bin(Interval(start, end), sent, lost) for start, end, sent, lost in columns]


def within(series: LossSeries, intervals: Sequence[Interval]) -> tuple[int, int]:
    """How many packets were sent and lost in the bins that reach into one of the intervals."""
    hit = [each for each in bins_of(series) if any(each.interval.overlaps(interval) for interval in intervals)]
    return sum(each.sent for each in hit), sum(each.lost for each in hit)


def table_rows(series: LossSeries) -> tuple[list[Bin], int]:
    """The series for reading: what lost nothing is told in one row as long as nothing else comes between.

    Returns how many rows are left out besides.
    """
    rows: list[Bin] = []
    for each in bins_of(series):
        last = rows[-1] if rows else None
        if last is not None and not last.lost and not each.lost and last.interval.end_ns == each.interval.start_ns:
            rows[-1] = Bin(Interval(last.interval.start_ns, each.interval.end_ns), last.sent + each.sent, 0)
        else:
            rows.append(each)
    return rows[:_MOST_ROWS], max(0, len(rows) - _MOST_ROWS)


def draw_loss(
    series: LossSeries, name: str, shown: Interval, interruption: Sequence[Interval], labels: Labels
) -> Markup:
    """The share that was lost, bin by bin."""
    axis = Axis(shown, _LEFT, _WIDTH - 8)
    bottom = _TOP + _HEIGHT
    parts: list[str] = [*axis.shade(interruption, _TOP, bottom), *axis.scale(_TOP, bottom, 4)]
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * _HEIGHT
        parts += (line(_LEFT, y, _WIDTH - 8, y, "grid"), text(_LEFT - 6, y + 4, f"{share:.0%}", "tick", "end"))
    base, columns = "", ""
    for each in _merged([b for b in bins_of(series) if b.interval.overlaps(shown)], shown):
        x, width = axis.span(each.interval, 1.0)
        base += f"M{number(x)} {number(bottom)}h{number(width)}"
        if each.lost and each.sent:
            height = max(2.0, min(1.0, each.lost / each.sent) * _HEIGHT)
            columns += f"M{number(x)} {number(bottom)}v-{number(height)}h{number(width)}v{number(height)}z"
    parts.append(element("path", d=base or "M0 0", class_="measured"))
    if columns:
        parts.append(element("path", d=columns, class_="loss"))
    sent, lost = sum(series.sent), sum(series.lost)
    title = labels("loss.chart", name=labels.say(series.name))
    canvas = Canvas(name, _WIDTH, bottom + 22, title, labels("loss.counted", sent=f"{sent:,}", lost=f"{lost:,}"))
    return canvas.draw(parts, "chart")


def _merged(bins: Sequence[Bin], shown: Interval) -> Iterator[Bin]:
    """Adjacent bins together, where there are more than a drawing can show."""
    step = (shown.end_ns - shown.start_ns) // _COLUMNS
    waiting: Bin | None = None
    for each in bins:
        joined = waiting and _joined(waiting, each)
        if waiting is not None and joined is not None:
            is_short = joined.interval.end_ns - joined.interval.start_ns <= step
            if is_short and each.interval.start_ns - waiting.interval.end_ns <= step // 4:
                waiting = joined
                continue
            yield waiting
        waiting = each
    if waiting is not None:
        yield waiting


def _joined(first: Bin, last: Bin) -> Bin:
    interval = Interval(first.interval.start_ns, last.interval.end_ns)
    return Bin(interval, first.sent + last.sent, first.lost + last.lost)


def draw_rate(
    series: RateSeries, name: str, shown: Interval, interruption: Sequence[Interval], labels: Labels
) -> Markup:
    """Bits per second, with the capacity as a dashed line where it lies in the drawing's range."""
    axis = Axis(shown, _LEFT + 18, _WIDTH - 8)
    bottom = _TOP + _HEIGHT
    inside = [
        (Interval(start, end), bps)
        for start, end, bps in zip(series.starts_ns, series.ends_ns, series.bps, strict=True)
        if Interval(start, end).overlaps(shown)
    ]
    highest = max((bps for _, bps in inside), default=0.0)
    capacity = series.capacity_bps
    has_capacity = capacity is not None and capacity <= 4 * highest
    top_value = _round_up(max(highest, capacity or 0.0) if has_capacity else highest)
    parts: list[str] = [*axis.shade(interruption, _TOP, bottom), *axis.scale(_TOP, bottom, 4)]
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * _HEIGHT
        words = rate(top_value * share) if share else "0"
        parts += (line(axis.left, y, axis.right, y, "grid"), text(axis.left - 6, y + 4, words, "tick", "end"))
    parts.append(element("path", d=_steps(inside, axis, top_value, bottom) or "M0 0", class_="rate"))
    if has_capacity and capacity is not None:
        y = bottom - capacity / top_value * _HEIGHT
        parts.append(line(axis.left, y, axis.right, y, "capacity"))
    description = labels("rate.highest", rate=rate(highest))
    canvas = Canvas(name, _WIDTH, bottom + 22, labels("rate.chart", name=labels.say(series.name)), description)
    return canvas.draw(parts, "chart")


def _steps(inside: Sequence[tuple[Interval, float]], axis: Axis, top_value: float, bottom: float) -> str:
    """A staircase that breaks off where nothing was measured."""
    path, reached = "", None
    for interval, bps in inside:
        x, width = axis.span(interval, 0.5)
        y = bottom - min(1.0, bps / top_value) * _HEIGHT
        joined = reached is not None and interval.start_ns - reached <= (interval.end_ns - interval.start_ns) // 4
        path += f"{'L' if joined else 'M'}{number(x)} {number(y)}h{number(width)}"
        reached = interval.end_ns
    return path


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10 … at or above a value."""
    size = 1.0
    while size < value:
        for factor in (1.0, 2.0, 5.0):
            if size * factor >= value:
                return size * factor
        size *= 10
    return size


def draw_reliability(reliability: Reliability, labels: Labels) -> Markup:
    """What was stated against how often that was right, the diagonal where both agree, and this verdict's place."""
    left, top, size = 52.0, 12.0, 232.0

    def x_of(value: float) -> float:
        return left + value * size

    def y_of(value: float) -> float:
        return top + (1 - value) * size

    parts: list[str] = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts += (
            line(x_of(share), top, x_of(share), top + size, "grid"),
            line(left, y_of(share), left + size, y_of(share), "grid"),
            text(x_of(share), top + size + 16, f"{share:.0%}", "tick", "middle"),
            text(left - 8, y_of(share) + 4, f"{share:.0%}", "tick", "end"),
        )
    parts.append(line(x_of(0), y_of(0), x_of(1), y_of(1), "diagonal"))
    if reliability.steps:
        stops = [*(stated for stated, _ in reliability.steps[1:]), 1.0]
        path = ""
        for (stated, right), stop in zip(reliability.steps, stops, strict=True):
            path += f"{'L' if path else 'M'}{number(x_of(stated))} {number(y_of(right))}H{number(x_of(stop))}"
        parts.append(element("path", d=path, class_="staircase"))
    x, y = x_of(reliability.stated), y_of(reliability.right)
    parts += (line(x, y, x, top + size, "here-line"), element("circle", cx=x, cy=y, r=6, class_="here"))
    beside = y + 20 if y < top + size - 30 else y - 12
    parts.append(text(min(x, x_of(0.8)), beside, labels("reliability.here"), "here-words", "end"))
    parts.append(text(left + size / 2, top + size + 36, labels("reliability.stated"), "axis-words", "middle"))
    parts.append(text(left + 8, top + 16, labels("reliability.right"), "axis-words"))
    title, description = labels("reliability.title"), labels("reliability.description")
    return Canvas("reliability-chart", 300, top + size + 44, title, description).draw(parts, "reliability")


def draw_shares(shares: Sequence[tuple[str, float]], title: str, name: str) -> Markup:
    """A bar divided in proportion; the styles name the parts."""
    total = sum(value for _, value in shares)
    parts: list[str] = []
    x = 0.0
    for style, value in shares:
        if total > 0 and value > 0:
            width = value / total * 1000
            parts.append(box(x, 0, max(1.0, width - (2 if x + width < 999 else 0)), 22, f"share {style}"))
            x += width
    return element(
        "svg", element("title", title, id=f"{name}-title"), *parts, viewBox="0 0 1000 22", preserveAspectRatio="none",
        class_="shares", role="img", aria_labelledby=f"{name}-title",
    )  # fmt: skip
