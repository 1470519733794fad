"""What kinds of reports need which records, and which reports say the same: of those one counts, the others are echoes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from attribution.inference.candidates import ServicePaths
from attribution.model.evidence import Alarm, AlarmKind, Record

NEEDS_LOG = frozenset(
    {
        AlarmKind.SESSION_DOWN,
        AlarmKind.SESSION_CLOSED_BY_PEER,
        AlarmKind.SESSION_ADMIN_DOWN,
        AlarmKind.PROCESS_DOWN,
        AlarmKind.DEVICE_RESTARTED,
        AlarmKind.POWER_FAULT,
        AlarmKind.HARDWARE_FAULT,
        AlarmKind.TRANSCEIVER_REMOVED,
        AlarmKind.OPTICS_FAULT,
        AlarmKind.TRANSMITTER_WEAK,
        AlarmKind.PREFIX_LIMIT,
        AlarmKind.AUTHENTICATION_MISMATCH,
        AlarmKind.CLOCK_WRONG,
        AlarmKind.DUPLICATE_ADDRESS,
        AlarmKind.BRIDGING_LOOP,
    }
)
NEEDS_COUNTERS = frozenset({AlarmKind.INTERFACE_DISCARDS, AlarmKind.INTERFACE_ERRORS})
# What is said of a port that is down.
PORT_DOWN = frozenset({AlarmKind.INTERFACE_DOWN, AlarmKind.INTERFACE_ADMIN_DOWN, AlarmKind.TRANSCEIVER_REMOVED})
SESSIONS = frozenset({AlarmKind.SESSION_DOWN, AlarmKind.SESSION_CLOSED_BY_PEER, AlarmKind.SESSION_ADMIN_DOWN})
NEEDS_STATUS = frozenset({AlarmKind.INTERFACE_DOWN, AlarmKind.INTERFACE_ADMIN_DOWN})
# What does not befall two cables at once by chance.
OF_CABLES = frozenset({AlarmKind.INTERFACE_DOWN, AlarmKind.INTERFACE_ERRORS})
# Reports beyond the first of one kind are partly its echo.
ECHO = 0.5


@dataclass(frozen=True, slots=True)
class Testimony:
    """What the alarms and records add to a candidate's log likelihood ratio, piece by piece, and what was missing.

    `shares` says how much of each alarm that is: an echo counts in part.
    """

    total: float
    alarms: Mapping[Alarm, float]
    records: Mapping[Record, float]
    silence: float
    shares: Mapping[Alarm, float]


def shares_of(gains: Mapping[Alarm, float]) -> dict[Alarm, float]:
    """How much each report counts: of one kind the first in full, each about something else half of the one before it.

    Two who report the same of one thing, as both ends of a cable do, are no echo of each other. Nor is a second cable
    that goes down with the first, or spoils packets: by chance they do not.
    """
    ranks: dict[AlarmKind, dict[Hashable, int]] = defaultdict(dict)
    shares: dict[Alarm, float] = {}
    for alarm in sorted(gains, key=lambda alarm: (-gains[alarm], alarm.interval.start_ns)):
        of_kind = ranks[alarm.kind]
        of_a_cable = alarm.component != alarm.reporter
        rank = of_kind.setdefault(alarm.component if of_a_cable else state_of(alarm), len(of_kind))
        together = of_a_cable and alarm.kind in OF_CABLES
        shares[alarm] = ECHO ** (max(0, rank - 1) if together else rank)
    return shares


def joint_testimony(testimonies: Sequence[Testimony]) -> float:
    """What several causes together explain: a report that two of them account for counts once, however often repeated.

    A state that comes and goes in one phase after the other is no second witness: it would make many of what flaps. And
    what is an echo by one cause is an echo: another that explains it too, and nothing else, adds nothing.
    """
    least: dict[Alarm, float] = {}
    for testimony in testimonies:
        for alarm, share in testimony.shares.items():
            least[alarm] = min(least.get(alarm, share), share)
    spoken: dict[Hashable, float] = {}
    for testimony in testimonies:
        for alarm, gain in testimony.alarms.items():
            state, counted = state_of(alarm), gain / testimony.shares[alarm] * least[alarm]
            spoken[state] = max(spoken.get(state, counted), counted)
        for record, gain in testimony.records.items():
            spoken[record] = max(spoken.get(record, gain), gain)
    return sum(spoken.values()) + sum(testimony.silence for testimony in testimonies)


def is_of_strangers(alarm: Alarm, paths: ServicePaths) -> bool:
    """A session with somebody off the service's way serves somebody else."""
    return alarm.kind in SESSIONS and alarm.about_peer not in paths


def state_of(alarm: Alarm) -> Hashable:
    """What an alarm says, whenever it says so: who reports which state of what."""
    return (alarm.kind, alarm.reporter, alarm.component, alarm.about_peer)


def first_of_each(alarms: Iterable[Alarm]) -> tuple[Alarm, ...]:
    """Two reports of one device about one state are one witness: its log, its counters, its monitoring. The one counts
    by which the state had surely begun first."""
    grouped: dict[Hashable, list[Alarm]] = defaultdict(list)
    for alarm in alarms:
        grouped[state_of(alarm)].append(alarm)
    return tuple(min(group, key=lambda a: a.interval.start_ns + a.slack_ns) for group in grouped.values())
