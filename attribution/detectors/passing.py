"""The same packets, counted by both sides as they pass the demarcation, tell how far the two clocks are apart.

What one port sends the next one on the way takes in, so their rates rise and fall together, at the same moments. The
offset under which they agree best is the clocks', if they agree well there and nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import median
from typing import TYPE_CHECKING

from attribution.detectors.loss import Surroundings
from attribution.detectors.port_counters import Counter, Port, gather_counters
from attribution.model.incident import NANOSECONDS
from attribution.model.observation import CounterSample, Metric, Observation
from attribution.model.topology import Side

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

# Counters that are read less often than this tell too little of moments (seconds).
SLOWEST_POLLS_S = 6.0
# Offsets are tried in steps of this share of the time between two readings, and no finer than to the last (seconds).
STEP, FINEST_S = 0.25, 0.1
# Of this many windows at least, and at most so many, both counters are compared.
LEAST_WINDOWS, MOST_WINDOWS = 12, 900
# … which have to be this share of the shorter series, lest a lucky few agree.
LEAST_OVERLAP = 0.6
# How surely (standard errors of Fisher's z) the rates must go together, and how much better than at any offset that is
# further off than so many windows.
SURELY, BETTER, FURTHER_OFF = 5.0, 2.5, 2.0
# Offsets that several pairs of ports tell are the same where they are within this (seconds).
SAME_S = 1.5


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the receiver's clock is ahead of the sender's by one pair of ports, and how surely (standard errors)."""

    ahead_ns: int
    surely: float


def ahead_by_counters(observations: Iterable[Observation], around: Surroundings, most_ns: int) -> int | None:
    """How far the customer's clocks are ahead of the provider's, in nanoseconds; None where no counters tell.

    Offsets up to `most_ns` are looked at. Clocks whose offsets were all stated are not in question.
    """
    samples = [o for o in observations if isinstance(o, CounterSample)]
    if all(sample.origin.clock_offset_ns is not None for sample in samples):
        return None
    paths = service_ways(around)
    counters = gather_counters(samples, around, {component for path in paths for component in path})
    found: list[Agreement] = []
    for customers, providers in neighbouring_ports(paths, counters):
        agreement = compare_rates(customers, providers, most_ns)
        if agreement is not None:
            found.append(agreement)
    if not found:
        return None
    surest = max(found, key=lambda agreement: agreement.surely)
    alike = [a.ahead_ns for a in found if abs(a.ahead_ns - surest.ahead_ns) <= SAME_S * NANOSECONDS]
    return int(median(alike)) if 2 * len(alike) > len(found) else None


def service_ways(around: Surroundings) -> Sequence[tuple[str, ...]]:
    """The ways between the service's ends, as far as the drawing and traces tell them."""
    first, second = sorted(around.ends)
    return tuple(dict.fromkeys(around.routes.paths(first, second, 0)))


def neighbouring_ports(
    paths: Iterable[tuple[str, ...]], counters: Mapping[tuple[Port, Metric], Counter]
) -> Iterator[tuple[Counter, Counter]]:
    """Counters of the same packets by the customer and by the provider: of ports with no counted one in between."""
    seen: set[tuple[Port, Port]] = set()
    for path in paths:
        ports = [port for port in ports_along(path) if (port, Metric.IN_PACKETS) in counters]
        for near, far in pairwise(ports):
            if (near, far) in seen or near[0] == far[0]:
                continue
            seen.add((near, far))
            for sender, receiver in ((near, far), (far, near)):
                sent = counters.get((sender, Metric.OUT_PACKETS))
                taken = counters.get((receiver, Metric.IN_PACKETS))
                if sent is not None and taken is not None:
                    by_side = {counter.samples[0].origin.supplied_by: counter for counter in (sent, taken)}
                    if by_side.keys() == {Side.CUSTOMER, Side.PROVIDER}:
                        yield by_side[Side.CUSTOMER], by_side[Side.PROVIDER]


def ports_along(path: Sequence[str]) -> Iterator[Port]:
    """The ports that packets on a way pass, in their order; a way has nodes at even places and links between them."""
    for index in range(0, len(path), 2):
        if index > 0:
            yield path[index], path[index - 1]
        if index + 1 < len(path):
            yield path[index], path[index + 1]


def compare_rates(ours: Counter, theirs: Counter, most_ns: int) -> Agreement | None:
    """By how much our clock has to be ahead for both to have counted the same at the same moments; None if unclear."""
    import numpy as np

    polls_s = [_poll_seconds(counter) for counter in (ours, theirs)]
    window_s = max(polls_s)
    if not 0 < window_s <= SLOWEST_POLLS_S:
        return None
    step_s = max(FINEST_S, STEP * min(polls_s))
    grid = _Grid(window_s, step_s)
    mine, other = grid.counts(ours), grid.counts(theirs)
    if mine is None or other is None:
        return None
    shorter = min(grid.windows(mine), grid.windows(other))
    least = max(LEAST_WINDOWS, int(LEAST_OVERLAP * shorter))
    origin_s = (ours.times[0] - theirs.times[0]) / NANOSECONDS
    most = most_ns / NANOSECONDS
    offsets, scores = [], []
    for shift in range(-len(other) + 1, len(mine)):
        # Our reading number i is compared with theirs number i - shift, as if ours were ahead by so much.
        offset_s = origin_s + shift * step_s
        if abs(offset_s) > most:
            continue
        first, last = max(0, shift), min(len(mine), len(other) + shift)
        score = grid.score(mine[first:last], other[first - shift : last - shift], least)
        if score is not None:
            offsets.append(offset_s)
            scores.append(score)
    if not scores:
        return None
    told, at = np.asarray(scores), np.asarray(offsets)
    best = int(told.argmax())
    elsewhere = told[np.abs(at - at[best]) > FURTHER_OFF * window_s]
    second = float(elsewhere.max()) if elsewhere.size else 0.0
    if told[best] < SURELY or told[best] - max(0.0, second) < BETTER:
        return None
    return Agreement(int(at[best] * NANOSECONDS), float(told[best]))


def _poll_seconds(counter: Counter) -> float:
    return (
        median(later - earlier for earlier, later in pairwise(counter.times)) / NANOSECONDS
        if counter.times[1:]
        else 0.0
    )


@dataclass(frozen=True, slots=True)
class _Grid:
    """Counters read at even moments, `step_s` apart, compared by what they counted in windows of `window_s`."""

    window_s: float
    step_s: float

    @property
    def steps(self) -> int:
        return max(1, round(self.window_s / self.step_s))

    def windows(self, counts: Collection[float]) -> int:
        return (len(counts) - 1) // self.steps

    def counts(self, counter: Counter) -> NDArray[float64] | None:
        """The cumulative count at every step, between readings as if packets came evenly; None where it was reset."""
        import numpy as np

        times = np.asarray(counter.times, dtype=np.int64) - counter.times[0]
        values = np.asarray(counter.values, dtype=np.float64)
        if (np.diff(values) < 0).any():
            return None
        span_s = min(times[-1] / NANOSECONDS, MOST_WINDOWS * self.window_s)
        moments = np.arange(0.0, span_s, self.step_s)
        counts: NDArray[float64] = np.interp(moments, times / NANOSECONDS, values)
        return counts

    def score(self, ours: NDArray[float64], theirs: NDArray[float64], least: int) -> float | None:
        """Fisher's z of the correlation of what both counted, in standard errors; None of too few windows."""
        import numpy as np

        windows = self.windows(ours)
        if windows < least:
            return None
        one, other = (np.diff(counts[:: self.steps]) for counts in (ours, theirs))
        spread = float(one.std() * other.std())
        if spread <= 0:
            return None
        correlation = float(((one - one.mean()) * (other - other.mean())).mean()) / spread
        return float(np.arctanh(min(correlation, 0.999))) * sqrt(windows - 3)
