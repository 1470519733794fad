"""Plots as inline SVG for a page that holds everything itself: no script, no font, no file beside it.

Colours are classes, so that the page's style sheet sets them for a light and a dark screen: `axis`, `grid`, `whisker`,
`dot`, and `ink-0` … for series. Every text is escaped; every drawing says in words what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape as escape_markup
from math import ceil, floor, log10, sqrt

from attribution.report.layout import escape, shortened

_NAME_COLUMNS = 40
_ROW = 24
_CHARACTER = 7.0  # the width of a character at the size of the labels, about


def markup(text: str) -> str:
    """Text from anywhere, safe in markup and readable: control characters and direction marks are written out."""
    return escape_markup(escape(text), quote=True)


def number(value: float) -> str:
    """A coordinate: a hundredth of a pixel is plenty."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a plot's values lie in the drawing: x from left to right, y from the bottom up."""

    left: float
    top: float
    width: float
    height: float
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)

    def x(self, value: float) -> float:
        low, high = self.x_range
        return self.left + (value - low) / (high - low) * self.width

    def y(self, value: float) -> float:
        low, high = self.y_range
        return self.top + self.height - (value - low) / (high - low) * self.height

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height


def drawing(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """One SVG image that shrinks with the page; the title is read out to who cannot see it."""
    box = f'viewBox="0 0 {number(width)} {number(height)}"'
    size = f'style="max-width:{number(width)}px"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} {size} role="img" aria-label="{markup(title)}">'
        f"<title>{markup(title)}</title>{''.join(parts)}</svg>"
    )


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    ends = f'x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"'
    return f'<line class="{style}" {ends}/>'


def label(x: float, y: float, text: str, anchor: str = "start", style: str = "label") -> str:
    place = f'x="{number(x)}" y="{number(y)}" text-anchor="{anchor}"'
    return f'<text class="{style}" {place}>{markup(text)}</text>'


def dot(x: float, y: float, radius: float, style: str, tip: str) -> str:
    place = f'cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"'
    return f'<circle class="dot {style}" {place}><title>{markup(tip)}</title></circle>'


def bar(x: float, y: float, width: float, height: float, style: str, tip: str) -> str:
    place = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
    return f'<rect class="bar {style}" {place}><title>{markup(tip)}</title></rect>'


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its interval, and what to write beside it; `share` None where there was nothing to count."""

    name: str
    share: float | None
    low: float
    high: float
    text: str
    style: str = "ink-0"


def draw_estimates(title: str, estimates: Sequence[Estimate], width: float = 820) -> str:
    """One row for each estimate: a dot at its share, a line over its interval, the figures on the right."""
    names = [shortened(estimate.name, _NAME_COLUMNS) for estimate in estimates]
    left = 16 + _CHARACTER * max((len(name) for name in names), default=0)
    beside = 16 + _CHARACTER * max((len(estimate.text) for estimate in estimates), default=0)
    frame = Frame(left, 8, max(120, width - left - beside), _ROW * len(estimates))
    parts = [_share_axis(frame)]
    for row, (estimate, name) in enumerate(zip(estimates, names, strict=True)):
        middle = frame.top + _ROW * (row + 0.5)
        parts.append(label(left - 10, middle + 4, name, "end"))
        parts.append(label(frame.right + 14, middle + 4, estimate.text, style="label figure"))
        if estimate.share is not None:
            x = frame.x(estimate.share)
            parts.append(line(frame.x(estimate.low), middle, frame.x(estimate.high), middle, "whisker"))
            parts.append(dot(x, middle, 4.5, estimate.style, f"{estimate.name}: {estimate.text}"))
    return drawing(width, frame.bottom + 26, title, parts)


def _share_axis(frame: Frame) -> str:
    """A grid at every quarter, with per cent below."""
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(line(frame.x(share), frame.top, frame.x(share), frame.bottom, "grid"))
        parts.append(label(frame.x(share), frame.bottom + 16, f"{share:.0%}", "middle"))
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One dot of a reliability diagram: what was stated, what came true with its interval, of how many."""

    stated: float
    share: float
    low: float
    high: float
    count: int


def draw_reliability(title: str, points: Sequence[Calibrated]) -> str:
    """Stated probability against the share that came true; on the diagonal both agree. Below: how many there were."""
    frame = Frame(48, 12, 300, 300)
    counts = Frame(48, 330, 300, 56, y_range=(0, max((point.count for point in points), default=1)))
    parts = [_share_axis(Frame(frame.left, frame.top, frame.width, counts.bottom - frame.top))]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(line(frame.left, frame.y(share), frame.right, frame.y(share), "grid"))
        parts.append(label(frame.left - 8, frame.y(share) + 4, f"{share:.0%}", "end"))
    parts.append(line(frame.x(0), frame.y(0), frame.x(1), frame.y(1), "diagonal"))
    largest = max((point.count for point in points), default=1)
    for point in points:
        x, height = frame.x(point.stated), counts.bottom - counts.y(point.count)
        tip = (
            f"stated {point.stated:.1%}, right {point.share:.1%} ({point.low:.1%} to {point.high:.1%}) of {point.count}"
        )
        parts.append(line(x, frame.y(point.low), x, frame.y(point.high), "whisker"))
        parts.append(dot(x, frame.y(point.share), 3 + 5 * sqrt(point.count / largest), "ink-0", tip))
        parts.append(bar(x - 6, counts.y(point.count), 12, max(1.0, height), "ink-0", tip))
    parts.append(line(counts.left, counts.bottom, counts.right, counts.bottom, "axis"))
    parts.append(label(counts.left - 8, counts.top + 10, str(largest), "end"))
    parts.append(label(frame.left + frame.width / 2, counts.bottom + 34, "stated probability", "middle"))
    parts.append(label(frame.left + 8, frame.top + 16, "share that came true ↑"))
    parts.append(label(counts.left + 8, counts.top + 10, "cases"))
    return drawing(372, counts.bottom + 44, title, parts)


@dataclass(frozen=True, slots=True)
class Stack:
    """Counts of one bin, one for each series."""

    low: float
    high: float
    counts: tuple[int, ...]


def draw_stacks(title: str, series: Sequence[str], stacks: Sequence[Stack], x_words: str) -> str:
    """A histogram over 0 to 1 whose bars are made of several series, the first at the bottom."""
    tallest = max((sum(stack.counts) for stack in stacks), default=0) or 1
    frame = Frame(48, 34, 680, 180, y_range=(0, tallest))
    parts = [_share_axis(frame), label(frame.left - 8, frame.top + 10, str(tallest), "end")]
    for stack in stacks:
        reached = 0
        for index, count in enumerate(stack.counts):
            if count:
                top, bottom = frame.y(reached + count), frame.y(reached)
                tip = f"{stack.low:.0%} to {stack.high:.0%}: {count} {series[index]}"
                x, width = frame.x(stack.low) + 1, frame.x(stack.high) - frame.x(stack.low) - 2
                parts.append(bar(x, top, width, bottom - top, f"ink-{index}", tip))
            reached += count
    parts.append(line(frame.left, frame.bottom, frame.right, frame.bottom, "axis"))
    parts.append(label(frame.left + frame.width / 2, frame.bottom + 34, x_words, "middle"))
    parts.append(_legend(frame.left, 18, series))
    return drawing(760, frame.bottom + 44, title, parts)


def draw_distributions(title: str, series: Sequence[tuple[str, Sequence[float]]], x_words: str) -> str:
    """For each series the share of values at or below x, over a logarithmic axis: steps that reach 100 %."""
    positive = [value for _, values in series for value in values if value > 0]
    low = floor(log10(min(positive, default=0.1)))
    high = max(low + 1, ceil(log10(max(positive, default=1.0))))
    frame = Frame(48, 34, 680, 200, x_range=(low, high))
    parts = [_legend(frame.left, 18, [name for name, _ in series])]
    for share in (0.0, 0.5, 0.9, 1.0):
        parts.append(line(frame.left, frame.y(share), frame.right, frame.y(share), "grid"))
        parts.append(label(frame.left - 8, frame.y(share) + 4, f"{share:.0%}", "end"))
    for power in range(low, high + 1):
        parts.append(line(frame.x(power), frame.top, frame.x(power), frame.bottom, "grid"))
        parts.append(label(frame.x(power), frame.bottom + 16, f"{10.0**power:g}", "middle"))
    for index, (_, values) in enumerate(series):
        parts.append(_steps(frame, sorted(values), index))
    parts.append(label(frame.left + frame.width / 2, frame.bottom + 34, x_words, "middle"))
    return drawing(760, frame.bottom + 44, title, parts)


def _steps(frame: Frame, ordered: Sequence[float], index: int) -> str:
    """The staircase of a distribution; values of none stand at the left edge."""
    if not ordered:
        return ""
    path = f"M{number(frame.left)} {number(frame.bottom)}"
    for n, value in enumerate(ordered, start=1):
        x = frame.x(max(frame.x_range[0], log10(value))) if value > 0 else frame.left
        path += f"H{number(x)}V{number(frame.y(n / len(ordered)))}"
    return f'<path class="steps ink-{index}" d="{path}H{number(frame.right)}"/>'


def _legend(x: float, y: float, names: Sequence[str]) -> str:
    parts = []
    for index, name in enumerate(names):
        parts.append(f'<rect class="bar ink-{index}" x="{number(x)}" y="{number(y - 9)}" width="10" height="10"/>')
        parts.append(label(x + 15, y, name))
        x += 35 + _CHARACTER * len(name)
    return "".join(parts)
