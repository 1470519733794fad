"""Whether there was no interruption at all: how sure that is, where nothing that was measured shows one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from math import log10

from attribution.inference.interruption import between_ends, covered_seconds, on_the_unavoidable
from attribution.inference.reports import first_of_each
from attribution.inference.trouble import LEAST_LOSS_RATIO, LEAST_OFF_BALANCE, LEAST_SECONDS, find_trouble
from attribution.inference.weighing import Piece
from attribution.model.clock import Alignment
from attribution.model.evidence import Alarm, AlarmKind, Findings, Journey, Measurement, Method
from attribution.model.incident import NANOSECONDS, Interval, Service
from attribution.model.observation import Caveat
from attribution.model.phrase import Phrase
from attribution.model.verdict import Cause, CauseKind, Hypothesis

# How sure one may be that nothing happened, where the whole reported window was measured end to end and was clean.
CLEAN_IS_NEITHER = 0.985
# What is left of that where an end of the service refused traffic, or lost its address, in the window.
REFUSALS = frozenset(
    {
        AlarmKind.HOST_REFUSES,
        AlarmKind.HOST_SILENT,
        AlarmKind.CONNECTIONS_RESET,
        AlarmKind.DUPLICATE_ADDRESS,
    }
)
REFUSED_IS_NEITHER = 0.4
# What an end does by itself: what else may have happened then lies with it, and not on the way.
OWN_DOING = frozenset({AlarmKind.HOST_REFUSES, AlarmKind.HOST_SILENT})
# What is left of the certainty that nothing happened where only captures tell of the service: a connection that never
# came by could not be missed. By how many of its ends were captured at their own ports, where all comes by that an end
# sends, and tries to open; packets that came by elsewhere at the same pace as before and after are worth one end, and
# so is that an end refused them for most of the window: nothing else has to have happened.
PASSED_BY_IS_NEITHER = (0.6, 0.9, 1.0)
# And where the packets that were counted were not of all protocols that a service may use, nor all devices on its way
# counted what they passed on: a filter may have picked just what nobody counted. So it was in 3 of 12 recorded cases,
# of which most filters had been looked for: one in ten is taken for the rule. Where somebody set up a filter for just
# such a protocol, in the window or shortly before (seconds), it is rather the rule.
PROBED_IS_NEITHER = 0.9
FILTERED_IS_NEITHER = 0.4
SET_UP_BEFORE_S = 60.0
CARRIERS = frozenset({"tcp", "udp"})
# And where packets are missing within a device that the service cannot avoid, or on such a cable: what was measured
# between the ends, flows that had begun before, say, may not have been what is lost.
MISSING_IS_NEITHER = 0.5
MUCH_OF_THE_WINDOW = 0.25
MOST_OF_THE_WINDOW = 0.5
# And where the two sides' clocks disagree, and the reported window was measured by neither, but by one in between: both
# are wrong then, which is rare; but who complains of an hour hands in what was measured in that hour.
BOTH_WRONG_IS_NEITHER = 0.95
BY_A_CLOCK_BETWEEN = Phrase(
    "the reported window was measured by neither side's clock, but by one in between: it was taken that both are wrong"
)


@dataclass(frozen=True, slots=True)
class Peace:
    """That nothing happened, and how probable that is: `covered` of the reported window was measured by `clean`.

    `failed`: how probable it is instead that an end failed, which did so by what `refused` tells of it.
    """

    probability: float
    clean: tuple[Measurement, ...]
    covered: float
    caveats: tuple[Caveat, ...] = ()
    refused: tuple[Alarm, ...] = ()
    failed: float = 0.0

    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """That nothing happened, that each end failed that refused traffic, and what the evidence does not name."""
        nothing, unnamed = Hypothesis((), self.probability), 1.0 - self.probability - self.failed
        ends = dict.fromkeys(alarm.component for alarm in self.refused)
        failures = (Hypothesis((self._failure_of(end),), self.failed / len(ends)) for end in ends)
        return (nothing, *failures, Hypothesis((), unnamed, known=False))

    def _failure_of(self, end: str) -> Cause:
        told = [alarm.interval for alarm in self.refused if alarm.component == end]
        whole = Interval(min(i.start_ns for i in told), max(i.end_ns for i in told))
        return Cause(end, CauseKind.HOST_FAILURE, whole)

    def pieces(self, has_failed: bool) -> list[Piece]:
        """All that speaks for or against the answer that an end `has_failed`, or else that nothing happened."""
        against = log10((1 - REFUSED_IS_NEITHER) / REFUSED_IS_NEITHER)
        weight = against if has_failed else -against
        told = first_of_each(self.refused)
        return [*self._arrivals(), *(Piece(alarm, alarm.statement, alarm.component, weight) for alarm in told)]

    def _arrivals(self) -> list[Piece]:
        """One piece for each series: how much its arrivals speak against the least loss that counts as trouble."""
        series: dict[str, list[Measurement]] = defaultdict(list)
        for measurement in self.clean:
            series[measurement.series].append(measurement)
        pieces = []
        for members in series.values():
            sent, lost = sum(m.sent for m in members), sum(m.lost for m in members)
            against = -(sent - lost) * log10(1 - LEAST_LOSS_RATIO) + lost * log10(LEAST_LOSS_RATIO)
            statement = Phrase(
                "{lost} of {sent} {subject} were lost in the reported window",
                lost=lost, sent=sent, subject=members[0].subject,
            )  # fmt: skip
            pieces.append(Piece(members[0], statement, None, against))
        return pieces


def find_peace(findings: Findings, service: Service, reported: Interval) -> Peace:
    """No interruption in what was measured: as sure as the reported window was measured end to end.

    That packets arrive is not all of a service: an end that refuses them, or whose address another one has, may have
    failed without losing any.
    """
    whole = between_ends(findings.measurements)
    window = _by_the_clocks(whole, reported, findings.clocks)
    clean = [m for m in whole if m.interval.overlaps(window)]
    refused = [
        alarm
        for alarm in findings.alarms
        if alarm.kind in REFUSALS
        and alarm.component in service.ends
        and alarm.interval.overlaps(window)
        and alarm.interval.seconds >= LEAST_SECONDS
    ]
    own = tuple(alarm for alarm in refused if alarm.kind in OWN_DOING)
    covered = covered_share(clean, window) if clean else 0.0
    refusing = _share_refused(own, window)
    if clean and refusing >= MOST_OF_THE_WINDOW:
        covered = max(covered, refusing)  # who refuses is heard all the while
    probability = CLEAN_IS_NEITHER * covered
    caveats: tuple[Caveat, ...] = ()
    if window != reported:
        probability *= BOTH_WRONG_IS_NEITHER
        caveats = (Caveat("incident.yaml", "window", BY_A_CLOCK_BETWEEN),)
    captured = len(_ends_captured(clean, service))
    measured = CARRIERS if captured == len(service.ends) else _carriers_measured(findings, clean, window)
    unseen = [1.0]  # what nobody could have seen is one doubt, however many reasons there are for it
    if all(measurement.method is Method.ONE_POINT for measurement in clean):
        steady = refusing >= MOST_OF_THE_WINDOW or _kept_its_pace(findings, window)
        unseen.append(PASSED_BY_IS_NEITHER[captured or int(steady)])
    if measured < CARRIERS:
        unseen.append(FILTERED_IS_NEITHER if _is_filtered(findings, window, measured) else PROBED_IS_NEITHER)
    probability *= min(unseen)
    if _is_missing(findings, window):
        probability *= MISSING_IS_NEITHER
    if not refused:
        return Peace(probability, tuple(clean), covered, caveats)
    failed = probability * (1 - REFUSED_IS_NEITHER) if own else 0.0
    return Peace(probability * REFUSED_IS_NEITHER, tuple(clean), covered, caveats, own, failed)


def _share_refused(refused: Sequence[Alarm], window: Interval) -> float:
    """For which share of the reported window an end refused traffic: if most of it, that is what was complained of."""
    spans = ((max(a.interval.start_ns, window.start_ns), min(a.interval.end_ns, window.end_ns)) for a in refused)
    whole_ns = max(1, window.end_ns - window.start_ns)
    return max((end - start for start, end in spans), default=0) / whole_ns


def _by_the_clocks(measured: Sequence[Measurement], window: Interval, clocks: Alignment) -> Interval:
    """The reported window on the clock that everything was brought onto.

    Where the sides' clocks were set right by each other and nobody stated how far either is off, both may be wrong: if
    more of the window was measured by a clock in between, it is by one in the middle of those that measured most of it.
    """
    off_s = max((correction.added_ns for correction in clocks.corrections), key=abs, default=0) // NANOSECONDS
    if not off_s or any(m.citation.origin.clock_offset_ns is not None for m in measured):
        return window
    seconds = covered_seconds(measured)
    between = [_moved(window, step * NANOSECONDS) for step in range(0, off_s, 1 if off_s > 0 else -1)]
    shares = [_share_of(seconds, moved) for moved in between]
    best = [moved for moved, share in zip(between, shares, strict=True) if share == max(shares)]
    return best[len(best) // 2] if BOTH_WRONG_IS_NEITHER * max(shares) > shares[0] else window


def _moved(window: Interval, by_ns: int) -> Interval:
    return Interval(window.start_ns + by_ns, window.end_ns + by_ns)


def covered_share(measurements: Iterable[Measurement], window: Interval) -> float:
    """Which share of the window's seconds was measured at all."""
    return _share_of(covered_seconds(measurements), window)


def _share_of(measured: Container[int], window: Interval) -> float:
    first = window.start_ns // NANOSECONDS
    seconds = range(first, max(window.end_ns // NANOSECONDS, first + 1))
    return sum(second in measured for second in seconds) / len(seconds)


def _carriers_measured(findings: Findings, clean: Iterable[Measurement], window: Interval) -> frozenset[str]:
    """Of which protocols packets were counted from end to end in the window; of all where each device on the way that
    the service cannot avoid counted what it took in and sent out."""
    carried: set[str] = set()
    for measurement in clean:
        protocol = measurement.traffic.partition("/")[0].partition("-")[0]
        known = protocol in CARRIERS or measurement.method is not Method.FLOWS
        carried.update((protocol,) if known else CARRIERS)
    balanced = {
        component
        for measurement in findings.measurements
        if measurement.method is Method.COUNTERS and measurement.interval.overlaps(window)
        for journey in measurement.journeys
        for stretch in journey
        for component in stretch.components
    }
    unavoidable = frozenset.intersection(*(frozenset(path[2:-2:2]) for path in findings.service_paths or ((),)))
    return CARRIERS if unavoidable and unavoidable <= balanced else CARRIERS & carried


def _is_filtered(findings: Findings, window: Interval, measured: Container[str]) -> bool:
    """Whether a filter was set up on the way for a protocol of which nobody counted a packet."""
    on_the_way = {component for path in findings.service_paths for component in path}
    around = window.widened(SET_UP_BEFORE_S, 0.0)
    return any(
        record.protocol in CARRIERS
        and record.protocol not in measured
        and record.component in on_the_way
        and around.contains(record.interval.start_ns)
        for record in findings.records
    )


def _ends_captured(inferred: Iterable[Measurement], service: Service) -> set[str]:
    """The ends of the service at whose own ports captures were taken: they saw the whole way but for the end itself."""
    found: set[str] = set()
    for measurement in inferred:
        if measurement.end_to_end:
            crossed = {c for journey in measurement.journeys for stretch in journey for c in stretch.components}
            found.update(end for end in service.ends if end not in crossed)
    return found


def _kept_its_pace(findings: Findings, window: Interval) -> bool:
    """Whether the service's packets of every class and direction came by the capture points in the window about as
    often as outside it; False where they were not captured for long enough outside."""
    captured = [m for m in findings.measurements if m.of_service and m.method in (Method.ONE_POINT, Method.TWO_POINTS)]
    series: dict[str, list[Measurement]] = defaultdict(list)
    for measurement in captured:
        series[measurement.series].append(measurement)
    inside_s = window.seconds
    first = min((m.interval.start_ns for m in captured), default=window.start_ns)
    last = max((m.interval.end_ns for m in captured), default=window.end_ns)
    outside_s = (max(0, window.start_ns - first) + max(0, last - window.end_ns)) / NANOSECONDS
    if not captured or inside_s <= 0 or outside_s < MUCH_OF_THE_WINDOW * inside_s:
        return False
    for members in series.values():
        inside = sum(m.sent for m in members if m.interval.overlaps(window))
        outside = sum(m.sent for m in members) - inside
        if inside / inside_s < (1 - MUCH_OF_THE_WINDOW) * outside / outside_s:
            return False
    return True


def _is_missing(findings: Findings, window: Interval) -> bool:
    """Whether, for much of the window, more went into a part of the way that cannot be avoided than came out of it."""
    balances: dict[tuple[Journey, ...], list[Measurement]] = defaultdict(list)
    for measurement in on_the_unavoidable(findings):
        if measurement.method is Method.COUNTERS:
            balances[measurement.journeys].append(measurement)
    for members in balances.values():
        clear = [trouble.interval for trouble in find_trouble(members) if trouble.loss_ratio >= LEAST_OFF_BALANCE]
        spans = [interval for interval in clear if interval.overlaps(window)]
        within = sum(min(span.end_ns, window.end_ns) - max(span.start_ns, window.start_ns) for span in spans)
        if within >= MUCH_OF_THE_WINDOW * (window.end_ns - window.start_ns):
            return True
    return False
