"""When a trouble began and ended of which that is not seen to the moment.

It ended that nobody saw end between the last packet that it lost and the first that passed again: senders that got no
answer wait ever longer before they try again (RFC 6298, 5.5), so that a minute may lie between the two. And of trouble
that probes counted by the minute, captures of the service's own packets on the way tell the second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import isqrt

from attribution.inference.cut_off import OF_PARTS
from attribution.inference.reports import SESSIONS
from attribution.inference.trouble import LEAST_SILENCES, Trouble, bin_width, find_trouble
from attribution.model.evidence import Alarm, Journey, Measurement, Method
from attribution.model.incident import NANOSECONDS, Interval

PACKETS = frozenset({Method.PROBES, Method.FLOWS, Method.TWO_POINTS, Method.ONE_POINT})
# A port or a session that went down up to so many seconds before the first loss is a part of the same trouble.
BEFORE_IT_S = 5.0
# Captures are asked for an edge that was counted in windows so many times as long as theirs; it lies within the first,
# or last, window that lost packets, or up to so many windows outside: of few packets none may have been lost at first.
FINER = 4
WINDOWS_OUTSIDE = 2


def date_endings(
    troubles: Sequence[Trouble], measurements: Iterable[Measurement], alarms: Sequence[Alarm]
) -> tuple[Trouble, ...]:
    """The troubles, each with the most probable end where nothing was sent for long after its last loss.

    `measurements` are those of packets whose trouble it is: what passed of others does not tell that these would have.
    """
    known = [m for m in measurements if m.of_service and m.method in PACKETS]
    if not known:
        return tuple(troubles)
    # What came to a capture point may still have been lost beyond it.
    passed = [m.interval.start_ns for m in known if m.lost < m.sent and not m.traffic.endswith("/before")]
    lost = [m.interval for m in known if m.lost]
    least_ns = int(LEAST_SILENCES * bin_width(known))
    dated = []
    for trouble in troubles:
        end_ns = trouble.interval.end_ns
        well_ns = min((time_ns for time_ns in passed if time_ns >= end_ns), default=end_ns)
        if well_ns - end_ns > least_ns and any(one.start_ns < end_ns <= one.end_ns for one in lost):
            whole = Interval(trouble.interval.start_ns, _end_within(trouble.interval, well_ns, alarms))
            trouble = replace(trouble, interval=whole)
        dated.append(trouble)
    return tuple(dated)


def _end_within(lost: Interval, well_ns: int, alarms: Iterable[Alarm]) -> int:
    """When the last port or session came back that had gone down with the trouble; if none tells, the moment before
    which it ended as probably as after.

    How long troubles last nobody knows beforehand, be it seconds or hours: by such a scale that is the geometric mean
    of the shortest and the longest that this one can have lasted.
    """
    since_ns = lost.start_ns - int(BEFORE_IT_S * NANOSECONDS)
    back = [
        alarm.interval.end_ns
        for alarm in alarms
        if alarm.kind in OF_PARTS | SESSIONS
        and not alarm.slack_ns
        and since_ns <= alarm.interval.start_ns < lost.end_ns < alarm.interval.end_ns < well_ns
    ]
    if back:
        return max(back)
    return lost.start_ns + isqrt((lost.end_ns - lost.start_ns) * (well_ns - lost.start_ns))


def date_by_captures(
    troubles: Sequence[Trouble], whole: Iterable[Measurement], on_the_way: Iterable[Measurement]
) -> tuple[Trouble, ...]:
    """The troubles between the ends, begun and ended when the service's own packets were seen to be lost on the way.

    `whole` are the measurements that told of the troubles, `on_the_way` those of parts that all the service's packets
    cross. Captures are asked only where they count in finer windows.
    """
    lossy = sorted((m.interval for m in whole if m.counted_between_ends and m.lost), key=lambda i: i.start_ns)
    series: dict[tuple[tuple[Journey, ...], str], list[Measurement]] = defaultdict(list)
    for m in on_the_way:
        if m.of_service and m.method is Method.TWO_POINTS and not m.end_to_end:
            series[m.journeys, m.traffic].append(m)
    captured = [(bin_width(own), trouble.interval) for own in series.values() for trouble in find_trouble(own)]
    return tuple(_dated(trouble, lossy, captured) for trouble in troubles)


def _dated(trouble: Trouble, lossy: Sequence[Interval], captured: Sequence[tuple[int, Interval]]) -> Trouble:
    whole = trouble.interval
    within = [window for window in lossy if window.overlaps(whole)]
    if not within:
        return trouble
    first, last = within[0], max(within, key=lambda window: window.end_ns)
    finer = [
        own for width_ns, own in captured
        if own.overlaps(whole) and FINER * width_ns <= min(w.end_ns - w.start_ns for w in (first, last))
    ]  # fmt: skip
    before_ns, after_ns = (WINDOWS_OUTSIDE * (window.end_ns - window.start_ns) for window in (first, last))
    starts = [own.start_ns for own in finer if first.start_ns - before_ns <= own.start_ns <= first.end_ns]
    ends = [own.end_ns for own in finer if last.start_ns <= own.end_ns <= last.end_ns + after_ns]
    start_ns, end_ns = min(starts, default=whole.start_ns), max(ends, default=whole.end_ns)
    return replace(trouble, interval=Interval(start_ns, end_ns)) if start_ns < end_ns else trouble
