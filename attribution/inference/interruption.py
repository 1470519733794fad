"""When the service was interrupted: found in the measurements between its ends, not taken from the complaint.

The traffic of each class is laid out in bins of at least a second. A hidden Markov model with one healthy state and a
ladder of loss rates finds the runs of bins that lost clearly more than usual; entering or leaving trouble costs a
fixed number of nats, so that a stray lost packet makes no interruption and a gap between two outages is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from math import log
from statistics import median

from attribution.model.evidence import Findings, Measurement, Method
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import Caveat
from attribution.model.phrase import Template

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
DATED_BY_REPORT = Template(
    "the interruption is dated by this report alone: when packets were lost within its {seconds} s is not known"
)
DATED_BY_TRACEROUTES = Template(
    "the interruption is dated by traceroutes alone, {seconds} s apart: it may have begun before the first that did "
    "not arrive, and lasted beyond the last"
)
# Costs in nats: log-odds of trouble to begin or end in any one bin, and of its severity to change.
COST_OF_CHANGE = 5.0
COST_OF_STEP = 2.0
LEAST_EVIDENCE = 8.0
SURELY_RECOVERED = 8.0
# And by so much, however many bins a trouble has, that chance shows such a gap anywhere in it this often at most.
RECOVERED_BY_CHANCE = 0.02
# A balance of counters that is off by less than this is no trouble by itself: recorded ones were, by up to 5 %.
LEAST_OFF_BALANCE = 0.06
# Silence of the service's packets at all capture points is a part of the trouble that follows it from so many windows
# on, and up to this long (TCP gives up after some minutes of trying again: RFC 9293, 3.8.3).
LEAST_SILENCES = 2.0
LONGEST_SILENCE_S = 600.0


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


def detect_interruption(measurements: Iterable[Measurement]) -> tuple[Trouble, ...]:
    """The stretches of trouble of any class of end-to-end traffic, and of what goes one way of it; overlapping ones are
    one interruption.

    What one capture point infers from retransmissions comes late and lasts longer than the trouble itself (a sender
    waits ever longer); it is asked only where nobody counted at both ends. A report of many probes tells that some were
    lost, not when, while it was made; it is asked where nothing else tells of that time, as traceroutes are.
    """
    known = tuple(measurements)
    whole = between_ends(known)
    finer = _finer(whole)
    pools: dict[str, list[Measurement]] = defaultdict(list)
    for measurement in finer:
        pools[measurement.traffic].append(measurement)
        pools["all"].append(measurement)
        if (bound_for := _one_way(measurement)) is not None:
            pools[f"{measurement.traffic}>{bound_for}"].append(measurement)
    found = [trouble for pool in pools.values() for trouble in find_trouble(pool)]
    if not any(measurement.counted_between_ends for measurement in finer):
        found = [with_silence_before(trouble, finer) for trouble in found]
    found += find_trouble(_reports_alone(whole))
    found += (_as_trouble(run) for run in find_unarrived(known, covered_seconds(finer)))
    return tuple(merge_overlapping(found))


def _one_way(measurement: Measurement) -> str | None:
    """The end for which packets were bound that were counted one way; None of those that had to come back."""
    ends = {journey[0].bound_for for journey in measurement.journeys if len(journey) == 1}
    return ends.pop() if measurement.counted_between_ends and len(ends) == 1 else None


def _finer(whole: Iterable[Measurement]) -> list[Measurement]:
    """What tells to the moment: counted between the ends, else what one capture point inferred."""
    known = [measurement for measurement in whole if measurement.method is not Method.TRACE]
    return [measurement for measurement in known if measurement.counted_between_ends] or known


def _reports_alone(whole: Sequence[Measurement]) -> list[Measurement]:
    """The reports of many probes of whose time nothing finer tells."""
    known = covered_seconds(_finer(whole))
    return [m for m in whole if m.method is Method.TRACE and known.isdisjoint(covered_seconds([m]))]


def note_reports(measurements: Iterable[Measurement], troubles: Sequence[Trouble]) -> Iterator[Caveat]:
    """By which reports of many probes alone an interruption is dated, which lost some meanwhile, or by traceroutes."""
    known = tuple(measurements)
    whole = between_ends(known)
    for report in _reports_alone(whole):
        if report.lost and any(trouble.interval.overlaps(report.interval) for trouble in troubles):
            seconds = round(report.interval.seconds)
            yield Caveat(report.citation.origin.file, report.citation.locator, DATED_BY_REPORT.fill(seconds=seconds))
    edges = {edge for t in troubles for edge in (t.interval.start_ns, t.interval.end_ns)}
    for run in find_unarrived(known, covered_seconds(_finer(whole))):
        interval = _as_trouble(run).interval
        if not edges.isdisjoint((interval.start_ns, interval.end_ns)):
            first, last = run[0], run[-1]
            apart_ns = (last.interval.start_ns - first.interval.start_ns) / max(1, len(run) - 1)
            reason = DATED_BY_TRACEROUTES.fill(seconds=round(apart_ns / NANOSECONDS))
            yield Caveat(first.citation.origin.file, first.citation.locator, reason)


def find_unarrived(measurements: Iterable[Measurement], known: Set[int] = frozenset()) -> list[list[Measurement]]:
    """Traceroutes from end to end that did not arrive, one after the other, and too many for it to be chance.

    The few packets of a traceroute are sent at once and lost together: it counts as one that arrived, or did not. How
    often one does not by chance, the others to the same end tell: of n of which k did not arrive, the next one does not
    in (k + 1) of (n + 2) cases (Laplace's rule of succession), so that few of them prove little. An end at which none
    arrives tells nothing; nor is a traceroute asked of whose time something finer tells, in one of the `known` seconds.
    """
    found: list[list[Measurement]] = []
    for made in _traceroutes(measurements).values():
        failed = sum(m.lost == m.sent for m in made)
        for fails, group in groupby(made, lambda m: m.lost == m.sent and known.isdisjoint(covered_seconds([m]))):
            run = list(group)
            chance = (failed - len(run) + 1) / (len(made) - len(run) + 2)
            evidence = evidence_of_trouble(len(run), len(run), max(chance, USUAL_LOSS_RATIO))
            if fails and failed < len(made) and evidence >= LEAST_EVIDENCE:
                found.append(run)
    return found


def _traceroutes(measurements: Iterable[Measurement]) -> Mapping[tuple[str, str], Sequence[Measurement]]:
    """What tells of each traceroute from one end of the service to the other whether it arrived, in order of time."""
    traces = [m for m in measurements if m.method is Method.TRACE and m.of_service and m.journeys]
    reports = {m.interval for m in traces if m.end_to_end}
    made: dict[tuple[str, str], dict[int, Measurement]] = defaultdict(dict)
    for m in sorted(traces, key=lambda m: (m.interval.start_ns, -m.lost)):
        if m.interval not in reports:
            there = m.journeys[0][0]
            made[(there.components[0], there.bound_for)][m.interval.start_ns] = m
    return {ends: tuple(of_ends.values()) for ends, of_ends in made.items()}


def _as_trouble(run: Sequence[Measurement]) -> Trouble:
    interval = Interval(run[0].interval.start_ns, run[-1].interval.end_ns)
    return Trouble(interval, sum(m.sent for m in run), sum(m.lost for m in run))


def covered_seconds(measurements: Iterable[Measurement]) -> set[int]:
    """The seconds (of the epoch) of which any of the measurements tells."""
    return {
        second
        for m in measurements
        for second in range(m.interval.start_ns // NANOSECONDS, -(-m.interval.end_ns // NANOSECONDS))
    }


def with_silence_before(trouble: Trouble, inferred: Sequence[Measurement]) -> Trouble:
    """A trouble from the moment on when the service's packets stopped coming past the capture points at all.

    While nothing passes there is nothing that could be missed: what was lost shows when senders try again.
    """
    windows = [measurement.interval for measurement in inferred]
    start_ns = trouble.interval.start_ns
    before = [window.end_ns for window in windows if window.end_ns <= start_ns]
    if not before or any(window.start_ns < start_ns < window.end_ns for window in windows):
        return trouble
    usual_ns = int(median(window.end_ns - window.start_ns for window in windows))
    silence_ns = start_ns - max(before)
    if not LEAST_SILENCES * usual_ns <= silence_ns <= LONGEST_SILENCE_S * NANOSECONDS:
        return trouble
    end_ns = trouble.interval.end_ns
    if end_ns - start_ns <= silence_ns:  # senders that waited ever longer only now miss what was lost
        end_ns = start_ns + usual_ns
    return replace(trouble, interval=Interval(max(before), end_ns), steps=())


def find_silence(findings: Findings) -> tuple[Trouble, ...]:
    """The time in which none of the service's packets from one of its ends came by any capture point that it cannot go
    around, if they came steadily before and after it. Nobody counted what that end would have sent meanwhile.
    """
    unavoidable = _unavoidable(findings)
    seen: dict[str, list[Interval]] = defaultdict(list)
    for m in findings.measurements:
        captured = m.method in (Method.ONE_POINT, Method.TWO_POINTS) and _beside_the_point(m) <= unavoidable
        if m.of_service and captured and m.lost < m.sent:
            first = next((stretch for journey in m.journeys for stretch in journey), None)
            if first is not None:
                seen[first.bound_for].append(m.interval)
    silences = (silence for intervals in seen.values() if (silence := _only_pause(intervals)) is not None)
    return tuple(merge_overlapping(Trouble(silence, 0, 0) for silence in silences))


def _beside_the_point(measurement: Measurement) -> set[str]:
    """What lies on both sides of the capture point at which packets are known to have come by: a port and its link."""
    first = next((stretch for journey in measurement.journeys for stretch in journey), None)
    if first is None or not first.components:
        return set()
    before = first.components[-1:] if first.starts_inside else measurement.came_through[-1:]
    behind = first.beyond[:1] if first.starts_inside else first.components[:1]
    return {*before, *behind}


def _only_pause(intervals: Sequence[Interval]) -> Interval | None:
    """The time between steady packets that is long enough to be no pause of the sender's, if it is the only such."""
    usual_ns = int(median(interval.end_ns - interval.start_ns for interval in intervals))
    runs: list[Interval] = []
    for interval in sorted(intervals, key=lambda i: i.start_ns):
        if runs and interval.start_ns <= runs[-1].end_ns + usual_ns:
            runs[-1] = Interval(runs[-1].start_ns, max(runs[-1].end_ns, interval.end_ns))
        else:
            runs.append(interval)
    if len(runs) != 2:  # what pauses again and again is no steady traffic
        return None
    before, after = runs
    silence = Interval(before.end_ns, after.start_ns)
    least_s = LEAST_SILENCES * usual_ns / NANOSECONDS
    steady = min(before.seconds, after.seconds) >= least_s
    return silence if steady and max(least_s, LEAST_SECONDS) <= silence.seconds <= LONGEST_SILENCE_S else None


def between_ends(measurements: Iterable[Measurement]) -> tuple[Measurement, ...]:
    """What tells of the whole way: counted between the ends, else what one capture point on the way saw of both parts.

    A segment that an acknowledgement answers came from one end and reached the other, wherever it was captured.
    """
    known = tuple(measurements)
    whole = tuple(measurement for measurement in known if measurement.end_to_end)
    if any(measurement.counted_between_ends for measurement in whole):
        return whole
    parts: dict[tuple[str, Interval], list[Measurement]] = defaultdict(list)
    for measurement in known:
        if measurement.of_service and not measurement.end_to_end and measurement.method is Method.ONE_POINT:
            parts[(measurement.series.rpartition("/")[0], measurement.interval)].append(measurement)
    both = (
        replace(before, sent=max(before.sent, before.lost + beyond.lost), lost=before.lost + beyond.lost)
        for before, beyond in (pair for pair in parts.values() if len(pair) == 2)
    )
    return (*whole, *both)


def find_full_loss(measurements: Iterable[Measurement], troubles: Sequence[Trouble]) -> tuple[Interval, ...]:
    """The parts of the interruption in which nothing counted between the ends got through.

    Windows in which everything was lost, and that overlap none in which something passed, joined where they meet. What
    a window lost that begins or ends a full loss is the part of it that the full loss filled.
    """
    series: dict[str, list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        if measurement.counted_between_ends:
            series[measurement.series].append(measurement)
    told = [part for members in series.values() for part in _silent_and_passed(members)]
    passed = [part for part, silent in told if not silent]
    parts = [
        part
        for part, silent in told
        if silent
        and any(trouble.interval.overlaps(part) for trouble in troubles)
        and not any(other.overlaps(part) for other in passed)
    ]
    joined: list[Interval] = []
    for interval in sorted(parts, key=lambda i: i.start_ns):
        if joined and interval.start_ns <= joined[-1].end_ns:
            joined[-1] = Interval(joined[-1].start_ns, max(joined[-1].end_ns, interval.end_ns))
        else:
            joined.append(interval)
    return tuple(interval for interval in joined if interval.seconds >= LEAST_SECONDS)


def _silent_and_passed(series: Iterable[Measurement]) -> Iterator[tuple[Interval, bool]]:
    """The windows of one series, each with whether it lost everything; one at the edge of a full loss in two parts."""
    made = sorted(series, key=lambda m: m.interval.start_ns)
    for before, m, after in zip([None, *made], made, [*made[1:], None], strict=False):
        start_ns, end_ns = m.interval.start_ns, m.interval.end_ns
        lost_before = before is not None and before.lost == before.sent and before.interval.end_ns >= start_ns
        lost_after = after is not None and after.lost == after.sent and after.interval.start_ns <= end_ns
        if not 0 < m.lost < m.sent or lost_before == lost_after:
            yield m.interval, m.lost == m.sent
            continue
        beside = after if lost_before else before
        usual = beside.lost / beside.sent if beside is not None and beside.lost < beside.sent else 0.0
        share = max(0.0, (m.lost / m.sent - usual) / (1 - usual))
        turn_ns = start_ns + int((share if lost_before else 1 - share) * (end_ns - start_ns))
        for part in (Interval(start_ns, turn_ns), Interval(turn_ns, end_ns)):
            if part.end_ns > part.start_ns:
                yield part, (part.start_ns == start_ns) == lost_before


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
    runs = [part for run in joined for part in split_at_recovery(counts, *run)]
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


def split_at_recovery(counts: Sequence[tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    """A run cut where nothing was lost for so long that its own loss rate all but rules it out: service was back.

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
        sent = sum(n for n, _ in counts[begin : end + 1])
        if end > begin and begin > start and end < last and -sent * log(1 - ratio) >= surely:
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


def _unavoidable(findings: Findings) -> frozenset[str]:
    """What all ways of the service have in common."""
    return frozenset.intersection(*(frozenset(path) for path in findings.service_paths or ((),)))


def on_the_unavoidable(findings: Findings) -> Iterator[Measurement]:
    """What was measured on parts of the way that the service cannot have gone around.

    Or of its own packets, wherever they were last seen, if they came by none of the points that they had to pass. Two
    captures also have the link behind the second one on their part: a device's packets may leave by another.
    """
    unavoidable = _unavoidable(findings)
    for measurement in findings.measurements:
        stretches = [stretch for journey in measurement.journeys for stretch in journey]
        crossed = {component for stretch in stretches for component in stretch.components}
        if measurement.method is Method.TWO_POINTS:
            crossed.update(name for s in stretches if not s.ends_inside for name in (*s.beside, *s.beyond[:1]))
        if crossed and (crossed <= unavoidable or (measurement.of_service and measurement.for_good)):
            yield measurement
