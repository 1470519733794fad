"""Log lines as they leave a device: who writes what, in which envelope, at which time of its own clock."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum

from tests.lab.frrlog import read_lines
from tests.lab.happenings import BgpDown, BgpUp, OspfChange
from tests.lab.plan import Node, Side, Vendor
from tests.lab.recording import Recording
from tests.lab.voices import speak

_LOCAL7, _DAEMON, _KERNEL = 23, 3, 0
_OPERATORS_OWN = re.compile(r"vty\[\d+\]@\(config")


class Envelope(StrEnum):
    """How a message is wrapped: RFC 5424, RFC 3164, RFC 3164 as a collector's file keeps it, the vendor's own."""

    RFC5424 = "rfc5424"
    RFC3164 = "rfc3164"
    BARE = "bare"
    NATIVE = "native"


@dataclass(frozen=True, slots=True)
class Written:
    """One message of a device, before it is wrapped."""

    time: float
    role: str
    severity: int
    program: str
    text: str


@dataclass(frozen=True, slots=True)
class Clock:
    """How a supplier's clock shows the time: its error, and its zone where the envelope has none."""

    error_s: float = 0.0
    """What the clock shows minus the true time."""
    zone_hours: int = 0
    drift: float = 0.0
    """How many seconds it gains in each second."""
    since: float = 0.0
    """When it had just its error, and nothing of its drift."""

    def reading(self, moment: float) -> float:
        """What the clock shows at a moment, in Unix seconds."""
        return moment + self.error_s + self.drift * (moment - self.since)

    def show(self, moment: float) -> datetime:
        """The moment as this clock shows it."""
        return datetime.fromtimestamp(self.reading(moment), timezone(timedelta(hours=self.zone_hours)))


def written(recording: Recording, role: str) -> Iterator[Written]:
    """Everything that a device wrote; nothing while it was dead."""
    node = recording.plan.node(role)
    for happening in recording.happenings:
        if happening.role != role or _is_dead(recording, role, happening.time):
            continue
        routing = isinstance(happening.what, BgpDown | BgpUp | OspfChange)
        if node.vendor is Vendor.FRR and routing:
            continue  # FRR writes these itself, into a log of its own
        for line in speak(node.vendor, happening.what):
            moment = happening.time + line.delay_s
            if _in_time(recording, moment) and not _is_dead(recording, role, moment):
                yield Written(moment, role, line.severity, line.program, line.text)


def written_by_frr(recording: Recording, role: str) -> Iterator[Written]:
    """What FRR's daemons wrote; of what was typed into their shell only the configuration."""
    for line in read_lines(recording.frr_logs[role]):
        if not _in_time(recording, line.time) or _is_dead(recording, role, line.time):
            continue
        if "vty[" in line.text and not _OPERATORS_OWN.search(line.text):
            continue
        yield Written(line.time, role, 5, line.daemon, line.text)


def wrap(message: Written, node: Node, envelope: Envelope, clock: Clock, dice: random.Random) -> str:
    """A message as one line of a log file."""
    moment = clock.show(message.time)
    facility = _LOCAL7 if message.text.startswith("%") or not message.program else _DAEMON
    facility = _KERNEL if message.program in ("kernel", "/kernel") else facility
    priority = facility * 8 + message.severity
    if envelope is Envelope.RFC5424:
        name, _, number = message.program.rstrip("]").partition("[")
        time = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return f"<{priority}>1 {time} {node.name} {name or '-'} {number or '-'} - - {message.text}"
    day = f"{moment:%b} {moment.day:2d}"
    tag = f"{message.program}: " if message.program else ""
    if envelope is Envelope.NATIVE and message.text.startswith("%") and not message.program:
        if node.vendor is Vendor.H3C:
            return f"<{priority}>{day} {moment:%H:%M:%S} {moment.year} {node.name} {message.text}"
        if node.vendor is Vendor.HUAWEI:
            return f"<{priority}>{day} {moment.year} {moment:%H:%M:%S} {node.name} {message.text}"
        milliseconds = moment.microsecond // 1000
        return f"<{priority}>{dice.randrange(100, 999)}: {node.name}: {day} {moment:%H:%M:%S}.{milliseconds:03d}: " \
               f"{message.text}"
    head = "" if envelope is Envelope.BARE else f"<{priority}>"
    return f"{head}{day} {moment:%H:%M:%S} {node.name} {tag}{message.text}"


def frr_file_line(message: Written, clock: Clock) -> str:
    """A line of FRR's own log file."""
    return f"{clock.show(message.time):%Y/%m/%d %H:%M:%S.%f} {message.program}: {message.text}"


def frr_syslog(message: Written) -> Written:
    """The same message as FRR hands it to syslog, under its daemon's name."""
    program = {"ZEBRA": "zebra", "BGP": "bgpd", "OSPF": "ospfd", "BFD": "bfdd"}.get(message.program, "watchfrr")
    number = 600 + sum(map(ord, program + message.role)) % 300
    return Written(message.time, message.role, message.severity, f"{program}[{number}]", message.text)


def devices_of(recording: Recording, side: Side) -> tuple[Node, ...]:
    """The listed devices of a side."""
    return tuple(node for node in recording.plan.nodes if node.listed and node.side is side)


def _in_time(recording: Recording, moment: float) -> bool:
    return recording.schedule.start - 0.5 <= moment <= recording.schedule.end


def _is_dead(recording: Recording, role: str, moment: float) -> bool:
    return any(start <= moment < end for start, end in recording.dead.get(role, ()))
