"""Sums over the time bins of captures: loss by direction, stretches by pair of points, wider bins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from attribution.model.capture import CaptureSummary, ComparisonSummary, StretchBin, StretchFigures
from attribution.model.capture_tables import clock_uncertainty_ms, ratio
from attribution.model.display_filters import direction_loss_filter
from attribution.model.observation import TapCount

NANOSECONDS = 1_000_000_000
FRAMES_SHOWN = 16
Point = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class DirectionLoss:
    """What a capture point says of one direction between two addresses, over the whole capture."""

    source: str
    destination: str
    protocol: str
    bins: tuple[TapCount, ...]
    sent: int
    lost_upstream: int
    lost_downstream: int
    unanswered: int
    frames: tuple[int, ...]

    @property
    def upstream_ratio(self) -> float | None:
        """Of all that was sent, what never reached the capture point."""
        return ratio(self.lost_upstream, self.sent)

    @property
    def downstream_ratio(self) -> float | None:
        """Of what passed the capture point, what did not arrive."""
        return ratio(self.lost_downstream, self.sent - self.lost_upstream)

    @property
    def lost(self) -> int:
        return self.lost_upstream + self.lost_downstream

    @property
    def display_filter(self) -> str:
        return direction_loss_filter(self.source, self.destination, self.protocol)


def direction_losses(summary: CaptureSummary) -> tuple[DirectionLoss, ...]:
    """One for each direction and protocol, those that lost most first."""
    gathered: dict[tuple[str, str, str], list[TapCount]] = {}
    for count in summary.loss:
        gathered.setdefault((count.source, count.destination, count.protocol), []).append(count)
    totals = [
        DirectionLoss(
            *key,
            bins=tuple(counts),
            sent=sum(count.sent for count in counts),
            lost_upstream=sum(count.lost_upstream for count in counts),
            lost_downstream=sum(count.lost_downstream for count in counts),
            unanswered=sum(count.unanswered for count in counts),
            frames=first_frames(
                count.frames for count in counts if count.lost_upstream or count.lost_downstream or count.unanswered
            ),
        )
        for key, counts in gathered.items()
    ]
    return tuple(sorted(totals, key=lambda total: (-total.lost, -total.unanswered, -total.sent)))


@dataclass(frozen=True, slots=True)
class StretchTotal:
    """Everything that went from one capture point to the next, whatever its addresses; `parts` those that lost first.

    `lossy_seconds` counts a second once, however many parts lost in it, where the time bins are known; else it is that
    of the worst part.
    """

    first: Point
    second: Point
    parts: tuple[StretchFigures, ...]
    sent: int
    lost: int
    duplicated: int
    reordered: int
    not_compared: int
    delay_least_ms: float | None
    delay_median_ms: float | None
    delay_most_ms: float | None
    clock_uncertainty_ms: float | None
    lossy_seconds: int

    @property
    def loss_ratio(self) -> float:
        return self.lost / self.sent if self.sent else 0.0


def stretch_totals(summary: ComparisonSummary) -> tuple[StretchTotal, ...]:
    """One for each pair of neighbouring points and direction of travel, those that lost most first."""
    gathered: dict[tuple[Point, Point], list[StretchFigures]] = {}
    for found in summary.stretches:
        gathered.setdefault((found.first, found.second), []).append(found)
    totals = [_total(summary, *key, parts) for key, parts in gathered.items()]
    return tuple(sorted(totals, key=lambda total: (-total.lost, total.first, total.second)))


def _total(summary: ComparisonSummary, first: Point, second: Point, parts: list[StretchFigures]) -> StretchTotal:
    least = [part.delay_least_ms for part in parts if part.delay_least_ms is not None]
    most = [part.delay_most_ms for part in parts if part.delay_most_ms is not None]
    medians = [(part.delay_median_ms, part.sent - part.lost) for part in parts if part.delay_median_ms is not None]
    return StretchTotal(
        first=first,
        second=second,
        parts=tuple(sorted(parts, key=lambda part: (-part.lost, -part.sent))),
        sent=sum(part.sent for part in parts),
        lost=sum(part.lost for part in parts),
        duplicated=sum(part.duplicated for part in parts),
        reordered=sum(part.reordered for part in parts),
        not_compared=sum(part.not_compared for part in parts),
        delay_least_ms=min(least, default=None),
        delay_median_ms=weighted_median(medians),
        delay_most_ms=max(most, default=None),
        clock_uncertainty_ms=clock_uncertainty_ms(summary, parts[0]),
        lossy_seconds=_lossy_seconds(parts),
    )


def _lossy_seconds(parts: Sequence[StretchFigures]) -> int:
    seconds = {part_bin.time_ns // NANOSECONDS for part in parts for part_bin in part.bins if part_bin.lost}
    return len(seconds) or max(part.lossy_seconds for part in parts)


def weighted_median(values: Iterable[tuple[float, int]]) -> float | None:
    """The value in the middle where each counts as often as its weight says; None of nothing."""
    ordered = sorted((value, weight) for value, weight in values if weight > 0)
    half = sum(weight for _, weight in ordered) / 2
    passed = 0
    for value, weight in ordered:
        passed += weight
        if passed >= half:
            return value
    return None


def with_wider_bins(summary: ComparisonSummary, width_s: int) -> ComparisonSummary:
    """The same comparison in bins of so many seconds, aligned to the epoch."""
    width_ns = width_s * NANOSECONDS
    return replace(
        summary,
        stretches=tuple(replace(found, bins=tuple(_wider(found.bins, width_ns))) for found in summary.stretches),
    )


def _wider(bins: Sequence[StretchBin], width_ns: int) -> Iterator[StretchBin]:
    """A wide bin's delay is the median of its parts' medians, each weighed by the packets that arrived."""
    gathered: dict[int, list[StretchBin]] = {}
    for part in bins:
        gathered.setdefault(part.time_ns // width_ns * width_ns, []).append(part)
    for start_ns, parts in sorted(gathered.items()):
        yield StretchBin(
            time_ns=start_ns,
            end_ns=start_ns + width_ns,
            sent=sum(part.sent for part in parts),
            lost=sum(part.lost for part in parts),
            duplicated=sum(part.duplicated for part in parts),
            reordered=sum(part.reordered for part in parts),
            delay_median_ms=weighted_median(
                (part.delay_median_ms, part.sent - part.lost) for part in parts if part.delay_median_ms is not None
            ),
            frames=first_frames(part.frames for part in parts),
        )


def first_frames(groups: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """The first few frame numbers of several lists, each once."""
    return tuple(sorted({frame for group in groups for frame in group})[:FRAMES_SHOWN])
