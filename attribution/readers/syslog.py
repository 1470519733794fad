"""Device logs: what each router, switch, firewall or host said of itself, line by line, in one vocabulary.

Nothing is dropped in silence: a line is an event, or it is counted in a caveat that tells the reason and its first
line. What tells of trouble in words that no rule understands is both. Where the lines stand without year or zone,
`LogClock` says what was assumed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from attribution.errors import EvidenceError
from attribution.model.incident import Origin
from attribution.model.observation import Caveat, CommandEffect, CommandEffectKind, LogEvent, LogKind, Observation
from attribution.model.phrase import Phrase, as_clauses
from attribution.readers.commands import NO_MODE, CommandMode, classify_command, effect_in_mode, is_located, mode_after
from attribution.readers.compression import read_plain
from attribution.readers.log_envelopes import Envelope, open_envelope
from attribution.readers.log_holes import find_holes
from attribution.readers.log_severity import is_grave
from attribution.readers.log_steps import MAY_TELL, mend_steps
from attribution.readers.log_times import LogClock
from attribution.readers.message_rules import Meaning, understand

_REPEATED = re.compile(r"(?:last )?message repeated (?P<times>\d+) times(?::? \[ ?(?P<inner>.*?) ?\])?", re.DOTALL)

NO_TIME = Phrase("no time in the line: left out")
IMPOSSIBLE_TIME = Phrase("the line's time does not exist in the calendar: left out")
NO_DEVICE = Phrase("the line names no device and the evidence entry has no `device:`: left out")
NOT_UNDERSTOOD = Phrase("message not understood")
TROUBLE_NOT_UNDERSTOOD = Phrase("message not understood, of a severity or in words that tell of trouble")
NOT_UTF8 = Phrase("bytes that are not UTF-8 were replaced")
_LONGEST_MESSAGE = 2048
"""Longer ones are judged by their beginning, so that no line takes seconds (RFC 5424 §6.1: 2048 octets should do)."""
_EXAMPLES = 3
_EXAMPLE_LENGTH = 160


def read_syslog(content: bytes, origin: Origin) -> Iterator[Observation | Caveat]:
    """Yield what the devices logged, in the order of the lines, then what was left out or assumed.

    EvidenceError where the file is empty, holds no dated line at all, or nobody says which device it is from.
    """
    content = read_plain(content, origin.file)
    if not content.strip():
        raise EvidenceError(origin.file, f"found an empty file ({len(content)} octets)", "expected one message a line")
    reading = _LogReading(origin, LogClock(content, origin))
    events = reading.events(content)
    if any(word in content for word in MAY_TELL):
        mended, caveats = mend_steps(list(events), origin)
        yield from mended
        yield from caveats
    else:  # by a clock that was stepped nobody knows how long a device was silent
        yield from reading.with_holes(list(events))
    reading.raise_if_unusable()
    yield from reading.caveats()


def _effect(meaning: Meaning) -> CommandEffect | None:
    """A restart for which a user is named was asked for as by the command, whether that was logged itself or not."""
    asked = meaning.kind is LogKind.RELOAD_REQUESTED and meaning.user is not None
    return CommandEffect(CommandEffectKind.RELOAD) if asked else None


@dataclass(slots=True)
class _Omission:
    """Lines of one file that one reason touched."""

    first_line: int
    count: int = 0
    examples: tuple[str, ...] = ()


class _LogReading:
    """One file while it is read: what its devices said last, where their users stand, what could not be used."""

    def __init__(self, origin: Origin, clock: LogClock) -> None:
        self._origin = origin
        self._clock = clock
        self._last: dict[str, LogEvent | None] = {}
        self._modes: dict[tuple[str, str | None], CommandMode] = {}
        self._omissions: dict[str, _Omission] = {}
        self._events = 0
        self._lines: dict[str, list[tuple[int, int]]] = defaultdict(list)

    def events(self, content: bytes) -> Iterator[LogEvent]:
        """What the lines say, in their order."""
        for number, line in enumerate(content.decode("utf-8", errors="replace").split("\n"), start=1):
            if line and not line.isspace():
                event = self.read_line(number, line.rstrip("\r"))
                if event is not None:
                    self._events += 1
                    yield event

    def read_line(self, number: int, line: str) -> LogEvent | None:
        """The line as an event, or None after counting why not."""
        if "\ufffd" in line:
            self._omit(NOT_UTF8, number)
        envelope = open_envelope(line)
        time = None if envelope is None else self._clock.read(envelope, number)
        if envelope is None or time is None:
            self._omit(NO_TIME if envelope is None else IMPOSSIBLE_TIME, number, line)
            return None
        device = envelope.host or self._origin.device
        if device is None:
            self._omit(NO_DEVICE, number, line)
            return None
        self._lines[device].append((time[0], number))
        event = self._event(number, line, device, envelope, time)
        self._last[device] = event
        if event is not None:
            return event
        grave = is_grave(envelope.message[:_LONGEST_MESSAGE], envelope.severity)
        self._omit(TROUBLE_NOT_UNDERSTOOD if grave else NOT_UNDERSTOOD, number, envelope.message)
        if not grave:
            return None
        time_ns, clock_trusted = time
        return LogEvent(
            time_ns=time_ns, origin=self._origin, locator=f"line {number}", device=device, kind=LogKind.GRAVE,
            text=line, clock_trusted=clock_trusted,
        )  # fmt: skip

    def _event(
        self, number: int, line: str, device: str, envelope: Envelope, time: tuple[int, bool]
    ) -> LogEvent | None:
        time_ns, clock_trusted = time
        meaning = understand(envelope.message[:_LONGEST_MESSAGE])
        if meaning is None and "repeated" in envelope.message:
            repeated = _REPEATED.search(envelope.message)
            meaning = understand(repeated["inner"]) if repeated is not None and repeated["inner"] else None
            last = self._last.get(device)
            if meaning is None and repeated is not None and last is not None:
                return replace(last, time_ns=time_ns, locator=f"line {number}", text=line, clock_trusted=clock_trusted)
        if meaning is None:
            return None
        event = LogEvent(
            time_ns=time_ns,
            origin=self._origin,
            locator=f"line {number}",
            device=device,
            kind=meaning.kind,
            text=line,
            interface=meaning.interface,
            peer=meaning.peer,
            protocol=meaning.protocol,
            reason=meaning.reason,
            user=meaning.user,
            command=meaning.command,
            process=meaning.process,
            effect=_effect(meaning),
            clock_trusted=clock_trusted,
        )
        return event if meaning.command is None else self._with_effect(event, meaning)

    def _with_effect(self, event: LogEvent, meaning: Meaning) -> LogEvent:
        """A command does what its words say, at the interface that the same user entered before on that device."""
        command = (meaning.command or "").strip()
        who = (event.device, event.user)
        mode = mode_after(command, self._modes.get(who, NO_MODE))
        self._modes[who] = mode
        effect = effect_in_mode(classify_command(command), mode)
        named = event.interface or (effect.interface if effect is not None else None)
        interface = named or (mode.interface if is_located(effect) else None)
        return replace(event, command=command, interface=interface, effect=effect)

    def with_holes(self, events: list[LogEvent]) -> Iterator[LogEvent]:
        """The events that were read, told after how long a silence they come where that is a hole of the log; what the
        first line after one says need not be understood."""
        holes = {
            f"line {number}": (device, silent_ns, time_ns)
            for device, lines in self._lines.items()
            for number, silent_ns in find_holes(lines)
            for time_ns, at in lines
            if at == number
        }
        for event in events:
            hole = holes.pop(event.locator, None)
            yield event if hole is None else replace(event, silent_ns=hole[1])
        for locator, (device, silent_ns, time_ns) in holes.items():
            yield LogEvent(
                time_ns=time_ns, origin=self._origin, locator=locator, device=device, kind=LogKind.ROUTINE,
                text="", silent_ns=silent_ns,
            )  # fmt: skip

    def _omit(self, reason: str, number: int, example: str | None = None) -> None:
        omission = self._omissions.setdefault(reason, _Omission(first_line=number))
        omission.count += 1
        if example is not None and len(omission.examples) < _EXAMPLES:
            omission.examples += (example.strip()[:_EXAMPLE_LENGTH],)

    def raise_if_unusable(self) -> None:
        """A file of which no line can be placed at a time and a device is no log, or lacks its `device:`."""
        if self._events or NOT_UNDERSTOOD in self._omissions:
            return
        if NO_DEVICE in self._omissions:
            raise EvidenceError(
                self._origin.file, "found no line that names its device", "expected `device:` on its entry"
            )
        first = next(iter(self._omissions.values()))
        place = f"{self._origin.file} line {first.first_line}"
        raise EvidenceError(place, "found no line that has a time", "expected one dated log message a line")

    def caveats(self) -> Iterator[Caveat]:
        """Everything left out or assumed, one caveat a reason."""
        file = self._origin.file
        for reason, omission in self._omissions.items():
            shown = as_clauses(f"«{example}»" for example in omission.examples)
            told = Phrase("{reason}: {examples}", reason=reason, examples=shown) if shown else reason
            yield Caveat(file, f"line {omission.first_line}", told, omission.count)
        for reason, (first_line, count) in self._clock.assumptions.items():
            yield Caveat(file, f"line {first_line}", reason, count)
