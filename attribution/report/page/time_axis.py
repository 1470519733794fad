"""The stretch of time that every drawing of a page shows, so that what stands above each other was at the same time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from attribution.model.dossier import Dossier
from attribution.model.incident import NANOSECONDS, Interval
from attribution.report.moment import render_time
from attribution.report.page.markup import box, line, text

_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)
_LEAST_MARGIN_S = 4
_NARROWEST = 2.0  # pixels that even the shortest stretch of time is drawn with


@dataclass(frozen=True, slots=True)
class Axis:
    """Time from left to right: `shown` between `left` and `right`."""

    shown: Interval
    left: float
    right: float

    def x(self, time_ns: int) -> float:
        along = (time_ns - self.shown.start_ns) / (self.shown.end_ns - self.shown.start_ns)
        return self.left + min(1.0, max(0.0, along)) * (self.right - self.left)

    def span(self, interval: Interval, least: float = _NARROWEST) -> tuple[float, float]:
        """Left edge and width of an interval."""
        left, right = self.x(interval.start_ns), self.x(interval.end_ns)
        return left, max(least, right - left)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Round times with their words, at most so many."""
        seconds = self.shown.seconds
        longest = _STEPS_S[-1] * max(1, round(seconds / _STEPS_S[-1] / most))
        step_s = next((step for step in _STEPS_S if seconds / step <= most), longest)
        step = int(step_s * NANOSECONDS)
        first = -(-self.shown.start_ns // step) * step
        return [(self.x(time), _words(time, step_s)) for time in range(first, self.shown.end_ns + 1, step)]

    def scale(self, top: float, bottom: float, most: int) -> Iterator[Markup]:
        """A grid with the times below."""
        for x, words in self.ticks(most):
            yield line(x, top, x, bottom, "grid")
            reach = 3.2 * len(words)
            if reach <= x < self.right + 8 - reach:  # else the drawing's edge would cut them
                yield text(x, bottom + 15, words, "tick", "middle")

    def shade(self, intervals: Sequence[Interval], top: float, bottom: float) -> Iterator[Markup]:
        """The interruption, as a tinted stretch behind what is drawn."""
        for interval in intervals:
            if interval.overlaps(self.shown):
                x, width = self.span(interval)
                yield box(x, top, width, bottom - top, "interruption")
                yield line(x, top, x, bottom, "interruption-edge")
                yield line(x + width, top, x + width, bottom, "interruption-edge")


def _words(time_ns: int, step_s: float) -> str:
    written = render_time(time_ns)
    if step_s >= 86400:
        return written[5:10]
    return written[11:16] if step_s >= 60 else written[11:19] if step_s >= 1 else written[11:21]


def shown_time(dossier: Dossier) -> Interval:
    """The interruption and the reported window, with a margin on either side."""
    stretches = (*dossier.verdict.interruption.intervals, dossier.incident.window)
    start, end = min(s.start_ns for s in stretches), max(s.end_ns for s in stretches)
    margin = max(_LEAST_MARGIN_S, (end - start) / NANOSECONDS * 0.2)
    return Interval(start, max(end, start + 1)).widened(margin, margin)
