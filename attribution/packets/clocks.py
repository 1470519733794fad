"""Two capture points' clocks, set against each other by the packets that passed both.

A packet that travels from A to B shows B's clock minus A's plus the delay; one that travels back shows it minus the
delay. So the least difference one way and the greatest the other way enclose the offset, and half their distance is
its uncertainty. A line through such enclosures over time is the drift. Nothing is assumed of either clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SLICES: Final = 24
FEWEST_SLICES: Final = 4


@dataclass(frozen=True, slots=True)
class ClockRelation:
    """What to add to the first clock's time to get the second's: `offset_ns` at `reference_ns`, and its growth.

    `drift` is nanoseconds per nanosecond; `uncertainty_ns` None where packets went one way only, so that the delay
    could not be taken out.
    """

    reference_ns: int
    offset_ns: int
    drift: float = 0.0
    uncertainty_ns: int | None = None

    def at(self, time_ns: int) -> int:
        """The offset at a time of the first clock."""
        return self.offset_ns + int(self.drift * (time_ns - self.reference_ns))

    @property
    def reversed(self) -> ClockRelation:
        return ClockRelation(
            self.reference_ns + self.offset_ns, -self.offset_ns, -self.drift / (1 + self.drift), self.uncertainty_ns
        )


Passage = tuple[int, int]
"""A packet's times at the two points, each by the point's own clock."""


def relate_clocks(there: Sequence[Passage], back: Sequence[Passage]) -> ClockRelation | None:
    """The relation of two clocks from packets that went from the first point to the second, and the other way.

    None where no packet passed both.
    """
    if not there and not back:
        return None
    times = [first for first, _ in (*there, *back)]
    start, end = min(times), max(times)
    whole = _enclose(there, back)
    width = max(1, (end - start) // SLICES + 1)
    forward: list[list[Passage]] = [[] for _ in range(SLICES + 1)]
    backward: list[list[Passage]] = [[] for _ in range(SLICES + 1)]
    for passage in there:
        forward[(passage[0] - start) // width].append(passage)
    for passage in back:
        backward[(passage[0] - start) // width].append(passage)
    slices = [
        (_middle(one, other), *_enclose(one, other))
        for one, other in zip(forward, backward, strict=True)
        if one and other
    ]
    if len(slices) >= FEWEST_SLICES:
        return _fit_line(slices)
    offset, uncertainty = whole
    return ClockRelation(start, offset, 0.0, uncertainty if there and back else None)


def _enclose(there: Sequence[Passage], back: Sequence[Passage]) -> tuple[int, int]:
    """The offset and how far it can be off: the middle between the least difference there and the greatest back."""
    least = min((second - first for first, second in there), default=None)
    greatest = max((second - first for first, second in back), default=None)
    if least is None or greatest is None:
        return (least if least is not None else greatest or 0), 0
    return (least + greatest) // 2, abs(least - greatest) // 2 + 1


def _middle(one: Sequence[Passage], other: Sequence[Passage]) -> int:
    times = [first for first, _ in (*one, *other)]
    return (min(times) + max(times)) // 2


def _fit_line(slices: Sequence[tuple[int, int, int]]) -> ClockRelation:
    """Least squares over the slices, the narrow ones weighing most; a slope within its own doubt is none."""
    reference = slices[len(slices) // 2][0]
    base = slices[len(slices) // 2][1]
    weights = [1.0 / (uncertainty + 1000.0) ** 2 for _, _, uncertainty in slices]
    total = sum(weights)
    xs = [float(time - reference) for time, _, _ in slices]
    ys = [float(offset - base) for _, offset, _ in slices]
    mean_x = sum(w * x for w, x in zip(weights, xs, strict=True)) / total
    mean_y = sum(w * y for w, y in zip(weights, ys, strict=True)) / total
    spread = sum(w * (x - mean_x) ** 2 for w, x in zip(weights, xs, strict=True))
    slope = 0.0
    if spread > 0:
        slope = sum(w * (x - mean_x) * (y - mean_y) for w, x, y in zip(weights, xs, ys, strict=True)) / spread
        doubt = (len(slices) / total / spread) ** 0.5 * total**0.5
        if abs(slope) < 2 * doubt or abs(slope) > 0.01:
            slope = 0.0
    uncertainty = sorted(uncertainty for _, _, uncertainty in slices)[len(slices) // 2]
    offset = base + int(mean_y - slope * mean_x)
    return ClockRelation(reference, offset, slope, uncertainty)
