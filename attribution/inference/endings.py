"""When a trouble ended that nobody saw end: between the last packet that it lost and the first that passed again.

Senders that got no answer wait ever longer before they try again (RFC 6298, 5.5): their last lost copy tells that the
trouble still lasted, the next one that it was over, and a minute may lie between the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import isqrt

from attribution.inference.cut_off import OF_PARTS
from attribution.inference.reports import SESSIONS
from attribution.inference.trouble import LEAST_SILENCES, Trouble, bin_width
from attribution.model.evidence import Alarm, Measurement, Method
from attribution.model.incident import NANOSECONDS, Interval

PACKETS = frozenset({Method.PROBES, Method.FLOWS, Method.TWO_POINTS, Method.ONE_POINT})
# A port or a session that went down up to so many seconds before the first loss is a part of the same trouble.
BEFORE_IT_S = 5.0


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
