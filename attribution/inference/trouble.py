"""Stretches of time in which a class of traffic lost clearly more than usual.

Traffic is laid out in bins of at least a second. A hidden Markov model with one healthy state and a ladder of loss
rates finds the runs of bins that lost clearly more than usual; entering or leaving trouble costs a fixed number of
nats, so that a stray lost packet makes no interruption and a gap between two outages is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log
from statistics import median

from attribution.model.evidence import Measurement, Method
from attribution.model.incident import NANOSECONDS, Interval

# Incident bundle, "Interruption": at least 2 % lost, clearly more than usual, for at least one second.
LEAST_LOSS_RATIO = 0.02
LEAST_SECONDS = 1.0
USUAL_LOSS_RATIO = 0.001
MOST_USUAL_LOSS_RATIO = 0.02
USUAL_LADDER = (USUAL_LOSS_RATIO, 0.002, 0.005, 0.01)
CLEARLY_MORE = 3.0
LEAST_BLOCK = 400
LEAST_BLOCKS = 5
LOSS_LADDER = (0.03, 0.06, 0.12, 0.25, 0.5, 0.8, 0.995)
# Costs in nats: log-odds of trouble to begin or end in any one bin, and of its severity to change.
COST_OF_CHANGE = 5.0
COST_OF_STEP = 2.0
LEAST_EVIDENCE = 8.0
SURELY_RECOVERED = 8.0
# And by so much, however many bins a trouble has, that chance shows such a gap anywhere in it this often at most.
RECOVERED_BY_CHANCE = 0.02
# A pause of a class of traffic is more than one between its packets from so many windows, or bins, on.
LEAST_SILENCES = 2.0
# A balance of counters that is off by less than this is no trouble by itself: recorded ones were, by up to 5 %.
LEAST_OFF_BALANCE = 0.06


@dataclass(frozen=True, slots=True)
class Trouble:
    """A stretch of time in which a class of traffic lost more than usual, with the counts that show it.

    `steps` are times within it at which the severity changed for good.
    """

    interval: Interval
    sent: int
    lost: int
    steps: tuple[int, ...] = ()

    @property
    def loss_ratio(self) -> float:
        return self.lost / self.sent


def find_trouble(measurements: Sequence[Measurement]) -> list[Trouble]:
    """Runs of bins with loss, in one pool of measurements that see the same traffic."""
    if not measurements:
        return []
    width = bin_width(measurements)
    origin = min(m.interval.start_ns for m in measurements)
    bins: dict[int, list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        middle = (measurement.interval.start_ns + measurement.interval.end_ns) // 2
        bins[(middle - origin) // width].append(measurement)
    order = sorted(bins)
    counts = [(sum(m.sent for m in bins[b]), sum(m.lost for m in bins[b])) for b in order]
    wanders = any(m.method is Method.COUNTERS for m in measurements)
    states, usual = fit_states(counts, wanders)
    found = []
    joined = join_runs(counts, runs_of_trouble(states), usual)
    counted = all(m.counted_between_ends for m in measurements)
    runs = [part for run in joined for part in split_at_recovery(counts, *run, counted)]
    for first, last in runs:
        last = without_aftermath(counts, order, first, last, usual)
        sent = sum(n for n, _ in counts[first : last + 1])
        lost = sum(k for _, k in counts[first : last + 1])
        members = [m for b in order[first : last + 1] for m in bins[b]]
        neighbours = [m for b in order[max(0, first - 1) : last + 2] for m in bins[b]]
        interval = refine_edges(members, neighbours)
        clear = evidence_of_trouble(sent, lost, usual) >= LEAST_EVIDENCE
        ratio = lost / sent
        more = ratio >= LEAST_LOSS_RATIO and ratio >= CLEARLY_MORE * usual
        if clear and more and interval.seconds >= LEAST_SECONDS:
            steps = tuple(origin + order[index] * width for index in clear_steps(counts, first, last, states))
            found.append(Trouble(interval, sent, lost, steps))
    return found


def without_aftermath(
    counts: Sequence[tuple[int, int]], order: Sequence[int], first: int, last: int, usual: float
) -> int:
    """The last bin of a run without what follows a silence in it and lets most through, unless that is trouble itself.

    Senders that waited ever longer try again once service is back: what is still missed then was mostly lost before,
    or was sent twice.
    """
    for index in range(first, last):
        if order[index + 1] - order[index] > LEAST_SILENCES:
            sent = sum(n for n, _ in counts[index + 1 : last + 1])
            lost = sum(k for _, k in counts[index + 1 : last + 1])
            too_little = index + 1 == last or evidence_of_trouble(sent, lost, usual) < LEAST_EVIDENCE
            if 2 * lost < sent and too_little:
                return index
    return last


def clear_steps(counts: Sequence[tuple[int, int]], first: int, last: int, states: Sequence[int]) -> list[int]:
    """The bins of a run from which on it loses clearly more, or less, than before: by whose rates on either side the
    counts are so much likelier than by one for both."""
    cuts = [first, *(i for i in range(first + 1, last + 1) if states[i] != states[i - 1]), last + 1]
    sums = [_added(counts[begin:end]) for begin, end in pairwise(cuts)]
    while len(sums) > 1:
        gains = [_fitted(a) + _fitted(b) - _fitted(_added((a, b))) for a, b in pairwise(sums)]
        weakest = min(range(len(gains)), key=gains.__getitem__)
        if gains[weakest] >= LEAST_EVIDENCE:
            break
        sums[weakest : weakest + 2] = [_added(sums[weakest : weakest + 2])]
        del cuts[weakest + 1]
    return cuts[1:-1]


def _added(counts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    sent, lost = 0, 0
    for n, k in counts:
        sent, lost = sent + n, lost + k
    return sent, lost


def _fitted(count: tuple[int, int]) -> float:
    """The log likelihood of a count at its own rate."""
    sent, lost = count
    return sum(part * log(part / sent) for part in (lost, sent - lost) if part)


def bin_width(measurements: Sequence[Measurement]) -> int:
    """At least a second, and at least the usual length of a measurement, in nanoseconds."""
    usual = median(m.interval.end_ns - m.interval.start_ns for m in measurements)
    return max(NANOSECONDS, int(usual))


def usual_loss_ratio(counts: Sequence[tuple[int, int]]) -> float:
    """What this traffic loses on a good day: the median block, within what a working network may lose at all.

    Neighbouring bins are taken together until a block has enough packets to show a loss of half a percent.
    """
    blocks: list[tuple[int, int]] = [(0, 0)]
    for sent, lost in counts:
        if blocks[-1][0] >= LEAST_BLOCK:
            blocks.append((0, 0))
        blocks[-1] = (blocks[-1][0] + sent, blocks[-1][1] + lost)
    enough = blocks if len(blocks) >= LEAST_BLOCKS else counts
    typical = median(lost / sent for sent, lost in enough if sent)
    return min(max(typical, USUAL_LOSS_RATIO), MOST_USUAL_LOSS_RATIO)


def fit_states(counts: Sequence[tuple[int, int]], wanders: bool = False) -> tuple[list[int], float]:
    """The state of each bin, and what this traffic loses on a good day, under which both are likeliest together.

    A trouble that lasts for most of what was measured makes its own loss look usual, if usual is what half of the bins
    lose; so a lower rate is taken where the whole run is clearly likelier by it, also than by one rate that never
    changed. What balances of counters are off by `wanders` with the traffic: there it is not.
    """
    usual = usual_loss_ratio(counts)
    states, score = most_likely_states(counts, usual)
    lower = [rate for rate in USUAL_LADDER if rate < usual and not wanders]
    fits = [(*most_likely_states(counts, rate), rate) for rate in lower]
    least = max(score, _fitted(_added(counts))) + LEAST_EVIDENCE
    better = [fit for fit in fits if 0 in fit[0] and fit[1] >= least]
    if not better:
        return states, usual
    states, _, usual = max(better, key=lambda fit: fit[1])
    return states, usual


def most_likely_states(counts: Sequence[tuple[int, int]], usual: float) -> tuple[list[int], float]:
    """The Viterbi path over the healthy state 0 and the ladder of loss rates, one state for each bin; and its score."""
    rates = (usual, *(rate for rate in LOSS_LADDER if rate > CLEARLY_MORE * usual))
    logs = [(log(rate), log(1 - rate)) for rate in rates]
    troubled = range(1, len(rates))
    score = [0.0, *(-COST_OF_CHANGE for _ in troubled)]
    came_from: list[list[int]] = []
    for index, (sent, lost) in enumerate(counts):
        worst = max(troubled, key=score.__getitem__)
        best = [worst if score[worst] - COST_OF_CHANGE > score[0] else 0, *troubled]
        step = score[worst] - COST_OF_STEP
        change = score[0] - COST_OF_CHANGE
        reached = [max(score[0], score[worst] - COST_OF_CHANGE), *score[1:]]
        if index:
            for state in troubled:
                if max(step, change) > score[state]:
                    best[state], reached[state] = (worst, step) if step > change else (0, change)
            came_from.append(best)
        else:
            reached = score
        score = [at + lost * hit + (sent - lost) * kept for at, (hit, kept) in zip(reached, logs, strict=True)]
    state = max(range(len(rates)), key=score.__getitem__)
    total = score[state]
    states = [state]
    for best in reversed(came_from):
        state = best[state]
        states.append(state)
    return states[::-1], total


def runs_of_trouble(states: Sequence[int]) -> list[tuple[int, int]]:
    """First and last index of each maximal run of states other than the healthy one."""
    runs: list[tuple[int, int]] = []
    for index, state in enumerate(states):
        if not state:
            continue
        if runs and runs[-1][1] == index - 1:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return runs


def join_runs(
    counts: Sequence[tuple[int, int]], runs: Sequence[tuple[int, int]], usual: float
) -> list[tuple[int, int]]:
    """The runs, with those joined between which nothing shows that service was back: what was lost there is not that
    much likelier by the usual rate than by theirs."""
    joined: list[tuple[int, int]] = []
    for first, last in runs:
        if joined:
            before, until = joined[-1]
            sent, lost = _added((*counts[before : until + 1], *counts[first : last + 1]))
            between, missed = _added(counts[until + 1 : first])
            ratio = min(max(lost / max(1, sent), usual), 1 - 1e-9)
            healthy = missed * log(usual / ratio) + (between - missed) * log((1 - usual) / (1 - ratio))
            if healthy < surely_recovered(last - before + 1):
                joined[-1] = (before, last)
                continue
        joined.append((first, last))
    return joined


def surely_recovered(bins: int) -> float:
    """By how much (nats) health has to be likelier than trouble in a gap of a trouble of so many bins."""
    return max(SURELY_RECOVERED, log(bins / RECOVERED_BY_CHANCE))


def split_at_recovery(
    counts: Sequence[tuple[int, int]], first: int, last: int, counted: bool = False
) -> list[tuple[int, int]]:
    """A run cut where nothing was lost for so long that its own loss rate is all but ruled out: service was back.

    Or that what came before lost at the same rate, where both ends `counted`: what one point infers of losses comes
    late, and here and there.
    Bins without any loss at the run's ends were never part of the trouble.
    """
    lossy = [index for index in range(first, last + 1) if counts[index][1]]
    if not lossy:
        return []
    first, last = lossy[0], lossy[-1]
    ratio = min(sum(k for _, k in counts[first : last + 1]) / sum(n for n, _ in counts[first : last + 1]), 1 - 1e-9)
    clean: list[tuple[int, int]] = []
    for index in range(first, last + 1):
        if counts[index][1]:
            continue
        if clean and clean[-1][1] == index - 1:
            clean[-1] = (clean[-1][0], index)
        else:
            clean.append((index, index))
    surely = surely_recovered(last - first + 1)
    parts, start = [], first
    for begin, end in clean:
        if not (end > begin > start and end < last):
            continue
        gap, before = _added(counts[begin : end + 1]), _added(counts[start:begin])
        changed = _fitted(before) - _fitted(_added((before, gap))) if counted else 0.0
        if max(changed, -gap[0] * log(1 - ratio)) >= surely:
            parts.append((start, begin - 1))
            start = end + 1
    return [*parts, (start, last)]


def evidence_of_trouble(sent: int, lost: int, usual: float) -> float:
    """The log likelihood ratio (nats) of the observed loss rate against the usual one."""
    ratio = min(max(lost / sent, 1e-9), 1 - 1e-9)
    return lost * log(ratio / usual) + (sent - lost) * log((1 - ratio) / (1 - usual))


def refine_edges(members: Sequence[Measurement], neighbours: Sequence[Measurement]) -> Interval:
    """Begin and end within the first and last lossy windows, by the share of them that was lost.

    A window that lost a third of what its trouble loses was in trouble for its last (or first) third. Windows that
    overlap the edge bins from outside are looked at too: trouble may begin in the last third of the bin before.
    """
    sent, lost = sum(m.sent for m in members), sum(m.lost for m in members)
    level = max(lost / sent, 1e-9)
    start_ns = min(m.interval.start_ns for m in members if m.lost)
    end_ns = max(m.interval.end_ns for m in members if m.lost)
    reach = max(m.interval.end_ns - m.interval.start_ns for m in members)
    lossy = [m for m in neighbours if m.lost]
    starts, ends = [], []
    for m in lossy:
        length = m.interval.end_ns - m.interval.start_ns
        share = min(1.0, m.lost / m.sent / level)
        if abs(m.interval.start_ns - start_ns) <= reach:
            starts.append(m.interval.end_ns - int(share * length))
        if abs(m.interval.end_ns - end_ns) <= reach:
            ends.append(m.interval.start_ns + int(share * length))
    begin, finish = min(starts, default=start_ns), max(ends, default=end_ns)
    return Interval(begin, finish) if finish > begin else Interval(start_ns, end_ns)


def merge_overlapping(found: Iterable[Trouble]) -> list[Trouble]:
    """Trouble of several classes of traffic at one time is one interruption, from the first onset to the last end."""
    merged: list[Trouble] = []
    for trouble in sorted(found, key=lambda t: t.interval.start_ns):
        if merged and trouble.interval.start_ns < merged[-1].interval.end_ns:
            last = merged[-1]
            whole = Interval(last.interval.start_ns, max(last.interval.end_ns, trouble.interval.end_ns))
            steps = (*last.steps, *trouble.steps)
            merged[-1] = Trouble(whole, last.sent + trouble.sent, last.lost + trouble.lost, steps)
        else:
            merged.append(trouble)
    return merged
