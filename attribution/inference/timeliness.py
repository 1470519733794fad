"""When what was reported, or done, may have to do with a phase of the trouble."""

from __future__ import annotations

from attribution.model.evidence import Alarm, AlarmKind, Record, RecordKind
from attribution.model.incident import FOREVER_NS, NANOSECONDS, Interval
from attribution.model.observation import CommandEffectKind

# An alarm this long before the onset, or after the end, has nothing to do with the interruption (seconds).
ALARM_BEFORE_S = 4.0
# But for what wears a device down while it lasts: a session that it no longer serves is given up only when its hold
# timer runs out (BGP's mostly after 90 or 180 s, RFC 4271 §10). How often a device is in such a state anyhow.
WEARS_DOWN = frozenset(
    {
        AlarmKind.RESOURCES_EXHAUSTED,
        AlarmKind.TABLE_FULL,
        AlarmKind.HOST_REFUSES,
        AlarmKind.TRANSMITTER_WEAK,
        AlarmKind.OPTICS_FAULT,
    }
)
WEARS_DOWN_S, WORN_ANYHOW = 300.0, 0.02
# How often the light at a port is beyond its thresholds anyhow: few lasers are, for long.
OPTICS = frozenset({AlarmKind.TRANSMITTER_WEAK, AlarmKind.OPTICS_FAULT})
FADED_ANYHOW = 0.005
# A port that counts errors loses packets all the while, but that a slight loss, or one that grows, is more than usual
# only many packets tell: the port's errors may have begun as long before as it wears a device down, or as the trouble
# lasts. How often a port counts errors anyhow.
TOLD_LATE = frozenset({AlarmKind.INTERFACE_ERRORS})
ERRORS_ANYHOW = 0.02
# What is reported of who is gone until he is back. Who was so only from so long after the onset on (seconds), and back
# so long before the end as anybody takes to find his routes again, did not bring the trouble about: it was there
# before, and it stayed.
GONE = frozenset({AlarmKind.DEVICE_UNREACHABLE, AlarmKind.INTERFACE_DOWN})
MEANWHILE_S = 30.0
# What is broken is mostly found so at once, or when its device is back, and repaired before service returns: how often
# it is found so later than the onset, and still so long after the end.
BROKEN = frozenset({AlarmKind.HARDWARE_FAULT, AlarmKind.POWER_FAULT})
OUTLIVES = 0.1
# Where something was amiss until then, an earlier alarm than this speaks of that.
TAKING_OVER_S = 2.0
ALARM_AFTER_S = 3.0
RESTART_AFTER_S = 120.0
# A cause is at work for sure from so long after the onset (seconds), and in the first part of its time only: then
# service may be without it.
LAST_WORDS_S = 1.5
BACK_AGAIN = 0.5
# When an act can have begun, before and after the onset of its effect (seconds).
COMMAND_BEFORE_S, COMMAND_AFTER_S = 6.0, 4.0
SLOW_EFFECTS = frozenset(
    {CommandEffectKind.PROCESS_STOPPED, CommandEffectKind.NEIGHBOUR_SHUTDOWN, CommandEffectKind.ROUTE_REMOVED}
)
SLOW_BEFORE_S = 200.0
# What a changed policy announces, or no longer does, travels at the pace of a session: one between networks waits up
# to half a minute between two advertisements (RFC 4271 §10, MinRouteAdvertisementIntervalTimer), and takes its time.
ADVERTISED_S = 40.0
# A port in another VLAN, or with an MTU or address that its neighbours do not share, may part routers from each other:
# they notice when they hear no more hellos (OSPF's RouterDeadInterval is mostly 40 s, RFC 2328 §C.3) or, at once, when
# they begin anew (§10.6), and need as long to find each other again.
PARTS_ROUTERS = frozenset(
    {CommandEffectKind.VLAN_CHANGED, CommandEffectKind.MTU_CHANGED, CommandEffectKind.ADDRESS_CHANGED}
)
DEAD_INTERVAL_S = 40.0
CLOUD_BEFORE_S = 90.0
# A filter that stops a session's packets shows when the hold timer has run out (BGP's after 90 s by RFC 4271 §10, 180 s
# by many vendors' default), and that it is gone when the session is tried again (ConnectRetryTime, 120 s, there).
# One that stops the messages of path-MTU discovery shows when a host next tries a larger size: it forgets what it has
# learnt after ten minutes (RFC 1191 §6.3, RFC 8201 §4), or sooner where it is set so; that it is gone, at once.
# A change of a configuration from which until the next one of the same user such a session was lost is no chance.
HOLD_TIME_S, CONNECTS_AGAIN_S = 180.0, 120.0
# A call of the cloud API takes effect within seconds; each further stretch of this length before the onset makes it e
# times less likely to be what began then.
CLOUD_TAKES_S = 15.0
# Within this the call that takes one back shows, routes being learnt anew.
CLOUD_UNDOES_S = 30.0
ENFORCEMENT_BEFORE_S, ENFORCEMENT_AFTER_S = 300.0, 10.0
# An office's clock and the devices' may be off each other by minutes: an enforcement that is dated later than what it
# did, or was over before, counts all the same, at this price in nats.
LATE_PAPER_S, LATE_PAPER = 300.0, 2.0
# So may a call of the cloud API, if it was taken back after as long as the interruption lasted, to within this.
AS_LONG_S, AS_LONG_SHARE = 2.5, 0.05
CHANGE_SLACK_S = 5.0


def surely_at_work(phase: Interval) -> Interval:
    """When a cause is at work for sure: a little after its onset, and before it may be over though trouble lasts."""
    first = phase.start_ns + int(LAST_WORDS_S * NANOSECONDS)
    return Interval(first, max(first, phase.start_ns + int(BACK_AGAIN * (phase.end_ns - phase.start_ns))))


def in_time(alarm: Alarm, phase: Interval) -> bool:
    """Whether an alarm began with the phase or during it (a restart is logged after it), or may have between two polls.
    """
    after = RESTART_AFTER_S if alarm.kind is AlarmKind.DEVICE_RESTARTED else ALARM_AFTER_S
    slack_s = alarm.slack_ns / NANOSECONDS
    within = phase.widened(ALARM_BEFORE_S + slack_s, after + slack_s).contains(alarm.interval.start_ns)
    return within or wore_down(alarm, phase) or was_told_late(alarm, phase)


def wore_down(alarm: Alarm, phase: Interval) -> bool:
    """Whether a state that wears a device down began some time before the phase, and ended in it or not long after."""
    early_s = (phase.start_ns - alarm.interval.start_ns) / NANOSECONDS
    return alarm.kind in WEARS_DOWN and ALARM_BEFORE_S < early_s <= WEARS_DOWN_S and _lasted_into(alarm, phase)


def worn_anyhow(alarm: Alarm) -> float:
    """How often something is in a state that wears it down, or fades, whether or not anything fails."""
    return FADED_ANYHOW if alarm.kind in OPTICS else WORN_ANYHOW


def was_told_late(alarm: Alarm, phase: Interval) -> bool:
    """Whether a port lost packets for some time before the phase, in it, and not for long after it.

    One that did when it was first asked may always have.
    """
    early_s = (phase.start_ns - alarm.interval.start_ns - alarm.slack_ns) / NANOSECONDS
    in_reach = ALARM_BEFORE_S < early_s <= max(WEARS_DOWN_S, phase.seconds)
    return alarm.kind in TOLD_LATE and not alarm.since_first and in_reach and _lasted_into(alarm, phase)


def _lasted_into(alarm: Alarm, phase: Interval) -> bool:
    late_s = (alarm.interval.end_ns - phase.end_ns) / NANOSECONDS
    return alarm.interval.end_ns > phase.start_ns and late_s <= WEARS_DOWN_S


def lay_within(alarm: Alarm, phase: Interval) -> bool:
    """Whether somebody was gone only for a while within a phase, as who is restarted in the hope that it helps."""
    slack_s = alarm.slack_ns / NANOSECONDS
    late_s = (alarm.interval.start_ns - phase.start_ns) / NANOSECONDS - slack_s
    early_s = (phase.end_ns - alarm.interval.end_ns) / NANOSECONDS - slack_s
    return alarm.kind in GONE and late_s > MEANWHILE_S and early_s > RESTART_AFTER_S


def outlived(alarm: Alarm, phase: Interval) -> bool:
    """Whether a device was found broken some time after the onset, and was still when service was long back."""
    late_s = (alarm.interval.start_ns - alarm.slack_ns - phase.start_ns) / NANOSECONDS
    over_s = (alarm.interval.end_ns - phase.end_ns) / NANOSECONDS
    known = alarm.interval.end_ns < FOREVER_NS
    return alarm.kind in BROKEN and late_s > ALARM_BEFORE_S and known and over_s > RESTART_AFTER_S


def began_in_time(time_ns: int, phase: Interval, after_s: float = ALARM_AFTER_S) -> bool:
    return phase.widened(ALARM_BEFORE_S, after_s).contains(time_ns)


def record_in_time(record: Record, phase: Interval) -> bool:
    """Whether an act can have brought the phase about: it began just before, or its ticket covers the onset; a notice
    brings nothing about."""
    if record.kind is RecordKind.VIOLATION:
        return False
    if record.kind is RecordKind.PLANNED_CHANGE:
        return record.interval.widened(CHANGE_SLACK_S, CHANGE_SLACK_S).contains(phase.start_ns)
    before, after = COMMAND_BEFORE_S, COMMAND_AFTER_S
    by_another_clock = record.kind is RecordKind.ENFORCEMENT or (record.cloud_call and lasts_as_long(record, phase))
    if by_another_clock:
        before, after = ENFORCEMENT_BEFORE_S, LATE_PAPER_S
    elif record.cloud_call:
        before = CLOUD_BEFORE_S
    elif record.effect in SLOW_EFFECTS:
        before = SLOW_BEFORE_S
    elif record.effect is CommandEffectKind.ROUTE_CHANGED:
        before = ADVERTISED_S
    elif record.effect in PARTS_ROUTERS:
        before = DEAD_INTERVAL_S
    begun = phase.start_ns - before * NANOSECONDS <= record.interval.start_ns <= phase.start_ns + after * NANOSECONDS
    return begun and (by_another_clock or record.interval.end_ns > phase.start_ns)


def brackets(record: Record, phase: Interval, recurring: bool = False) -> bool:
    """Whether an act was at work for at most a hold time before a phase, and taken back shortly before its end.

    What comes again and again is back of itself each time: after it was taken back it only comes no more.
    """
    waited_s = (phase.start_ns - record.interval.start_ns) / NANOSECONDS
    returned_s = (phase.end_ns - record.interval.end_ns) / NANOSECONDS
    within = phase.start_ns < record.interval.end_ns
    earliest_s = -HOLD_TIME_S if recurring else 0.0
    return within and 0.0 <= waited_s <= HOLD_TIME_S and earliest_s <= returned_s <= CONNECTS_AGAIN_S


def ended_with(record: Record, phase: Interval) -> bool:
    """Whether an act was taken back as the phase ended, or just so long before as its taking back needs to tell."""
    returned_s = COMMAND_BEFORE_S
    if record.cloud_call:
        returned_s = CLOUD_UNDOES_S
    elif record.revised and record.effect in PARTS_ROUTERS:
        returned_s = DEAD_INTERVAL_S
    late_s = (phase.end_ns - record.interval.end_ns) / NANOSECONDS
    return -COMMAND_BEFORE_S <= late_s <= returned_s


def price_of_date(record: Record, phase: Interval) -> float:
    """How much (nats) it speaks against an office's record that it is not dated to just when the phase began."""
    late_s = (record.interval.start_ns - phase.start_ns) / NANOSECONDS
    if record.kind is RecordKind.ENFORCEMENT:
        over = record.interval.end_ns <= phase.start_ns
        return LATE_PAPER if over or late_s > ENFORCEMENT_AFTER_S else 0.0
    if not record.cloud_call:
        return 0.0
    waited = max(0.0, -late_s) / CLOUD_TAKES_S
    if not lasts_as_long(record, phase):
        return waited
    return LATE_PAPER if late_s > COMMAND_AFTER_S else min(waited, LATE_PAPER)


def lasts_as_long(record: Record, phase: Interval) -> bool:
    """Whether an act was taken back after just as long as the phase lasted."""
    slack_s = max(AS_LONG_S, AS_LONG_SHARE * phase.seconds)
    return abs(record.interval.seconds - phase.seconds) <= slack_s
