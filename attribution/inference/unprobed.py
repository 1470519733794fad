"""Trouble of packets that are like none of those counted between the ends: full-size segments, while pings get through.

Probes acquit their own class of traffic alone. A link whose frames became too small, or a filter, drops what nobody
probes with: what captures saw of the service's own segments tells of that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from attribution.inference.edges import date_endings
from attribution.inference.interruption import on_the_unavoidable
from attribution.inference.trouble import (
    LEAST_EVIDENCE,
    LEAST_SECONDS,
    Trouble,
    evidence_of_trouble,
    find_trouble,
    usual_loss_ratio,
)
from attribution.model.evidence import Findings, Journey, Measurement, Method
from attribution.model.incident import Interval

# The probes of this protocol are handshakes: segments without octets, of which nobody learns how larger ones fare.
SEGMENTS = "tcp"
# What senders lose while they look for their pace is far less than this share of a class, and so is what one capture
# point is mistaken about.
MOSTLY_LOST = 0.5
FEWEST_TIMES = 4
FEWEST_AT_ONCE = 2


def find_unprobed_trouble(findings: Findings, known: Sequence[Trouble]) -> tuple[Trouble, ...]:
    """When most of a class of the service's packets was lost that nobody counted between the ends, beyond the `known`
    troubles: each with those that it prolongs."""
    found = []
    for members in _unprobed(findings):
        troubles = date_endings(find_trouble(members), members, findings.alarms)
        for trouble in troubles:
            for part in _outside(trouble.interval, known):
                if _is_clear(part, members):
                    found.append(_joined(part, trouble, known))
    return tuple(found)


def _unprobed(findings: Findings) -> Iterator[list[Measurement]]:
    """The service's own packets at capture points, by class and way, as far as no counts between the ends are of them.

    Two capture points tell of each packet; one alone is asked of a class where no two are, and of what it saw pass.
    """
    counted = [m for m in findings.measurements if m.counted_between_ends]
    probed = {m.traffic for m in counted if m.method is not Method.PROBES or m.traffic != SEGMENTS}
    captured = [m for m in on_the_unavoidable(findings) if m.of_service and not m.counted_between_ends]
    twice = {(m.journeys[0][0].bound_for, m.traffic) for m in captured if m.method is Method.TWO_POINTS}
    series: dict[tuple[tuple[Journey, ...], str], list[Measurement]] = defaultdict(list)
    for m in captured:
        protocol, _, side = m.traffic.partition("/")
        alone = m.method is Method.ONE_POINT and side == "beyond" and protocol == SEGMENTS
        alone = alone and (m.journeys[0][0].bound_for, protocol) not in twice
        if protocol not in probed and (alone or m.method is Method.TWO_POINTS):
            series[(m.journeys, m.traffic)].append(m)
    yield from series.values()


def _outside(interval: Interval, known: Sequence[Trouble]) -> Iterator[Interval]:
    """The parts of an interval that lie in none of the known troubles, which are in order."""
    start_ns = interval.start_ns
    for trouble in known:
        if trouble.interval.overlaps(Interval(start_ns, interval.end_ns)):
            if trouble.interval.start_ns > start_ns:
                yield Interval(start_ns, trouble.interval.start_ns)
            start_ns = trouble.interval.end_ns
            if start_ns >= interval.end_ns:
                return
    yield Interval(start_ns, interval.end_ns)


def _is_clear(part: Interval, members: Sequence[Measurement]) -> bool:
    """Whether most was lost at several times in a part of a trouble, much more than is usual, and not just the copies
    of one segment: a connection that one end has forgotten sends them ever more rarely, one at a time.
    """
    within = [m for m in members if part.start_ns <= m.interval.start_ns and m.interval.end_ns <= part.end_ns]
    sent, lost = sum(m.sent for m in within), sum(m.lost for m in within)
    times = len({m.interval.start_ns for m in within if m.lost})
    at_once = max((m.lost for m in within), default=0)
    if part.seconds < LEAST_SECONDS or times < FEWEST_TIMES or at_once < FEWEST_AT_ONCE or lost < MOSTLY_LOST * sent:
        return False
    usual = usual_loss_ratio([(m.sent, m.lost) for m in members])
    return evidence_of_trouble(sent, lost, usual) >= LEAST_EVIDENCE


def _joined(part: Interval, trouble: Trouble, known: Iterable[Trouble]) -> Trouble:
    """A part of a trouble, with the known troubles that it touches."""
    touched = [k.interval for k in known if k.interval.end_ns == part.start_ns or k.interval.start_ns == part.end_ns]
    start_ns = min([part.start_ns, *(one.start_ns for one in touched)])
    end_ns = max([part.end_ns, *(one.end_ns for one in touched)])
    # Where it takes over from what was known, other packets are lost than before.
    turns = {*(step for step in trouble.steps if part.contains(step)), part.start_ns, part.end_ns}
    steps = tuple(sorted(turns - {start_ns, end_ns}))
    return Trouble(Interval(start_ns, end_ns), trouble.sent, trouble.lost, steps)
