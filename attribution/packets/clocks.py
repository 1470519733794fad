"""Two capture points' clocks, set against each other by the packets that passed both.

A packet that travels from A to B shows B's clock minus A's plus the delay; one that travels back shows it minus the
delay. So the least difference one way and the greatest the other way enclose the offset, and half their distance is
its uncertainty, however unlike the delays of the two ways are. A line through such enclosures over time is the drift.
Where neighbouring enclosures exclude each other, a clock was set (by hand, or by NTP): it stepped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

SLICES: Final = 24
FEWEST_SLICES: Final = 4
TICK_NS: Final = 1000  # times in captures are often whole microseconds
DOUBTS: Final = 4  # standard errors that a drift must be away from nothing
MOST_STEPS: Final = 4
FASTEST_DRIFT: Final = 0.0005  # of a clock that is not set: crystals stay within a tenth of it


@dataclass(frozen=True, slots=True)
class ClockRelation:
    """What to add to the first clock's time to get the second's: `offset_ns` at `reference_ns`, and its growth.

    `drift` is nanoseconds per nanosecond; `uncertainty_ns` None where packets went one way only, so that the delay
    could not be taken out. `steps` are (time of the first clock, by how much the offset jumped then).
    """

    reference_ns: int
    offset_ns: int
    drift: float = 0.0
    uncertainty_ns: int | None = None
    steps: tuple[tuple[int, int], ...] = ()

    def at(self, time_ns: int) -> int:
        """The offset at a time of the first clock."""
        offset = self.offset_ns + int(self.drift * (time_ns - self.reference_ns))
        if self.steps:
            offset += sum(jump for moment, jump in self.steps if time_ns >= moment)
        return offset

    @property
    def reversed(self) -> ClockRelation:
        return ClockRelation(
            self.reference_ns + self.offset_ns,
            -self.offset_ns,
            -self.drift / (1 + self.drift),
            self.uncertainty_ns,
            tuple((moment + self.at(moment), -jump) for moment, jump in self.steps),
        )


Passage = tuple[int, int]
"""A packet's times at the two points, each by the point's own clock."""


class Enclosure(NamedTuple):
    """What a slice of time says: the offset lay `uncertainty` about `offset`; the two packets that say so."""

    middle: int
    offset: int
    uncertainty: int
    upper: Passage
    lower: Passage


def relate_clocks(there: Sequence[Passage], back: Sequence[Passage]) -> ClockRelation | None:
    """The relation of two clocks from packets that went from the first point to the second, and the other way.

    None where no packet passed both.
    """
    steps: list[tuple[int, int]] = []
    while True:
        relation, slices = _relate(there, back)
        step = _find_step(slices, there, back) if len(steps) < MOST_STEPS else None
        if relation is None or step is None:
            break
        moment, jump = step
        there = [(first, second - jump if first >= moment else second) for first, second in there]
        back = [(first, second - jump if first >= moment else second) for first, second in back]
        steps.append(step)
    return replace(relation, steps=tuple(sorted(steps))) if relation is not None and steps else relation


def _relate(there: Sequence[Passage], back: Sequence[Passage]) -> tuple[ClockRelation | None, list[Enclosure]]:
    """The relation of two clocks that nobody sets, and the enclosures behind it."""
    if not there and not back:
        return None, []
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
    slices = [_enclosure(one, other) for one, other in zip(forward, backward, strict=True) if one and other]
    if len(slices) >= FEWEST_SLICES:
        return _fit_line(slices, (start, end)), slices
    offset, uncertainty = whole
    return ClockRelation(start, offset, 0.0, uncertainty if there and back else None), slices


def _ahead(passage: Passage) -> int:
    return passage[1] - passage[0]


def _enclose(there: Sequence[Passage], back: Sequence[Passage]) -> tuple[int, int]:
    """The offset and how far it can be off: the middle between the least difference there and the greatest back."""
    least = min((second - first for first, second in there), default=None)
    greatest = max((second - first for first, second in back), default=None)
    if least is None or greatest is None:
        return (least if least is not None else greatest or 0), 0
    return (least + greatest) // 2, abs(least - greatest) // 2 + TICK_NS


def _enclosure(one: Sequence[Passage], other: Sequence[Passage]) -> Enclosure:
    times = [first for first, _ in (*one, *other)]
    upper, lower = min(one, key=_ahead), max(other, key=_ahead)
    offset, uncertainty = _enclose((upper,), (lower,))
    return Enclosure((min(times) + max(times)) // 2, offset, uncertainty, upper, lower)


def _fit_line(slices: Sequence[Enclosure], span: tuple[int, int]) -> ClockRelation:
    """Least squares over the slices, the narrow ones weighing most; a slope that their scatter may feign is none."""
    reference = slices[len(slices) // 2].middle
    base = slices[len(slices) // 2].offset
    weights = [1.0 / (one.uncertainty + 1000.0) ** 2 for one in slices]
    total = sum(weights)
    xs = [float(one.middle - reference) for one in slices]
    ys = [float(one.offset - base) for one in slices]
    mean_x = sum(w * x for w, x in zip(weights, xs, strict=True)) / total
    mean_y = sum(w * y for w, y in zip(weights, ys, strict=True)) / total
    spread = sum(w * (x - mean_x) ** 2 for w, x in zip(weights, xs, strict=True))
    slope = 0.0
    if spread > 0:
        slope = sum(w * (x - mean_x) * (y - mean_y) for w, x, y in zip(weights, xs, ys, strict=True)) / spread
        strays = [y - mean_y - slope * (x - mean_x) for x, y in zip(xs, ys, strict=True)]
        scatter = sum(w * stray**2 for w, stray in zip(weights, strays, strict=True)) / (len(slices) - 2)
        if abs(slope) < DOUBTS * (scatter / spread) ** 0.5 or abs(slope) > FASTEST_DRIFT:
            slope = 0.0
    typical = sorted(one.uncertainty for one in slices)[len(slices) // 2]
    relation = ClockRelation(reference, base + int(mean_y - slope * mean_x), slope)
    return replace(relation, uncertainty_ns=max(typical, _farthest(relation, slices, span)))


def _farthest(relation: ClockRelation, slices: Sequence[Enclosure], span: tuple[int, int]) -> int:
    """How far the true line can be from this one: of all lines inside every enclosure, those that touch two of them.

    Zero where no line is inside them all (a clock that wanders): then the enclosures themselves are the measure.
    """
    uppers = [(first - relation.reference_ns, _ahead((first, second)) - relation.at(first))
              for first, second in (one.upper for one in slices)]  # fmt: skip
    lowers = [(first - relation.reference_ns, _ahead((first, second)) - relation.at(first))
              for first, second in (one.lower for one in slices)]  # fmt: skip
    corners = uppers + lowers
    ends = [time_ns - relation.reference_ns for time_ns in span]
    farthest = 0.0
    for number, (x, y) in enumerate(corners):
        for u, v in corners[number + 1 :]:
            if u == x:
                continue
            slope = (v - y) / (u - x)
            height = y - slope * x
            if abs(slope) > FASTEST_DRIFT:
                continue
            if all(height + slope * at <= value + 1 for at, value in uppers) and all(
                height + slope * at >= value - 1 for at, value in lowers
            ):
                farthest = max(farthest, *(abs(height + slope * end) for end in ends))
    return int(farthest) + TICK_NS


def _find_step(
    slices: Sequence[Enclosure], there: Sequence[Passage], back: Sequence[Passage]
) -> tuple[int, int] | None:
    """When a clock was set, and by how much: two slices, one apart at most, whose enclosures exclude each other.

    A slice in which it happens encloses both, so the next but one is looked at too. A change of the path's delay
    makes enclosures wider or leaves them, but never makes them exclude each other.
    """
    worst: tuple[int, Enclosure, Enclosure] | None = None
    for number, before in enumerate(slices):
        for after in slices[number + 1 : number + 3]:
            apart = abs(after.offset - before.offset) - before.uncertainty - after.uncertainty
            apart -= int(FASTEST_DRIFT * (after.middle - before.middle))
            if apart > 0 and (worst is None or apart > worst[0]):
                worst = apart, before, after
    if worst is None:
        return None
    _, before, after = worst
    jump = after.offset - before.offset
    middle = (after.offset + before.offset) // 2
    around = sorted(one for one in (*there, *back) if before.middle <= one[0] <= after.middle)
    changed = [(first, (second - first > middle) == (jump > 0)) for first, second in around]
    best, score, moment = 0, 0, before.middle
    for first, new in reversed(changed):
        score += 1 if new else -1
        if score > best:
            best, moment = score, first
    return moment, jump
