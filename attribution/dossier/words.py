"""What devices, people and businesses said: alarms, log lines of weight, and records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from attribution.dossier.grounds import NEVER_NS, Citations, Grounds, point_of
from attribution.dossier.wording import (
    ACCOUNT,
    ACCOUNT_SENTENCES,
    CALLED,
    CALLED_IN_VAIN,
    CAPTURED,
    CLOUD,
    TESTIFIED,
    TICKETS,
    WITNESS_SENTENCES,
    say_log,
)
from attribution.model.dossier import Entry, EntryKind
from attribution.model.evidence import Alarm, Record, RecordKind
from attribution.model.incident import EvidenceType, Interval
from attribution.model.observation import (
    AccountEvent,
    CaptureCoverage,
    CloudCall,
    CommandEffectKind,
    LogEvent,
    LogKind,
    Observation,
    PacketWitness,
)
from attribution.model.phrase import Phrase
from attribution.model.ports import find_link

Place = tuple[str, str]


def tell_words(grounds: Grounds, citations: Citations) -> Iterator[Entry]:
    """An entry for each alarm and record, and for what the files say besides; a line that is several stands once."""
    horizon = grounds.horizon()
    lines = {(event.origin.file, event.locator): event for event in grounds.observations if isinstance(event, LogEvent)}
    told: set[Place] = set()
    findings: tuple[Alarm | Record, ...] = (*grounds.findings.alarms, *grounds.findings.records)
    for finding in findings:
        entry = _finding_entry(finding, grounds, citations, lines, horizon)
        place = (entry.file, entry.locator)
        if entry.raw and place in told and entry.evidence is None:
            continue
        told.add(place)
        yield entry
    for observation in grounds.observations:
        if (observation.origin.file, observation.locator) not in told:
            yield from _observation_entry(observation, grounds)


def _finding_entry(
    finding: Alarm | Record,
    grounds: Grounds,
    citations: Citations,
    lines: Mapping[Place, LogEvent],
    horizon: int,
) -> Entry:
    origin, start_ns, end_ns = finding.citation.origin, finding.interval.start_ns, finding.interval.end_ns
    line = lines.get((origin.file, finding.citation.locator))
    sentence = say_log(line) if line is not None else None
    piece = citations.of(finding)
    return Entry(
        interval=Interval(start_ns, max(start_ns, min(end_ns, horizon) if end_ns >= NEVER_NS else end_ns)),
        stated_ns=grounds.findings.clocks.stated(start_ns, origin),
        lane=_lane(finding),
        kind=EntryKind.ALARM if isinstance(finding, Alarm) else _kind(finding),
        component=finding.component,
        side=grounds.side_of(finding.component) if isinstance(finding, Alarm) else finding.actor,
        text=sentence or finding.statement,
        file=origin.file,
        locator=finding.citation.locator,
        supplied_by=origin.supplied_by,
        evidence=piece.id if piece is not None else None,
        raw=line.text.strip() if line is not None else "",
    )


def _lane(finding: Alarm | Record) -> str:
    origin = finding.citation.origin
    if isinstance(finding, Alarm):
        return point_of(origin) if origin.type is EvidenceType.CAPTURE else finding.reporter
    if finding.cloud_call:
        return Phrase(CLOUD)
    if finding.kind is RecordKind.OPERATION:
        return finding.component or origin.file
    return Phrase(TICKETS if finding.kind is RecordKind.PLANNED_CHANGE else ACCOUNT)


def _kind(record: Record) -> EntryKind:
    if record.cloud_call:
        return EntryKind.CLOUD_CALL
    if record.kind is RecordKind.OPERATION:
        return EntryKind.OPERATION
    return EntryKind.CHANGE if record.kind is RecordKind.PLANNED_CHANGE else EntryKind.ACCOUNT


def _observation_entry(observation: Observation, grounds: Grounds) -> Iterator[Entry]:
    """What no detector made anything of, but a reader should see."""
    if isinstance(observation, LogEvent):
        yield from _log_entry(observation, grounds)
    elif isinstance(observation, AccountEvent):
        text = Phrase(ACCOUNT_SENTENCES[observation.kind], detail=observation.detail)
        yield _plain_entry(observation, grounds, Phrase(ACCOUNT), EntryKind.ACCOUNT, None, text)
    elif isinstance(observation, CloudCall) and observation.writes:
        text = Phrase(
            CALLED if observation.succeeded else CALLED_IN_VAIN,
            account=observation.account or "?", user=observation.user or "?", action=observation.action,
        )  # fmt: skip
        yield _plain_entry(observation, grounds, Phrase(CLOUD), EntryKind.CLOUD_CALL, None, text)
    elif isinstance(observation, PacketWitness):
        point = point_of(observation.origin)
        detail = observation.detail or WITNESS_SENTENCES[observation.kind]
        device = observation.device if observation.device in grounds.topology.nodes else None
        text = Phrase(TESTIFIED, point=point, detail=detail)
        entry = _plain_entry(observation, grounds, point, EntryKind.CAPTURE, device, text)
        yield replace(
            entry, interval=_lasting(entry, observation.end_ns - observation.time_ns), count=observation.count
        )
    elif isinstance(observation, CaptureCoverage):
        point = point_of(observation.origin)
        text = Phrase(CAPTURED, point=point, packets=observation.packets)
        device = observation.device if observation.device in grounds.topology.nodes else None
        entry = _plain_entry(observation, grounds, point, EntryKind.CAPTURE, device, text)
        yield replace(entry, interval=_lasting(entry, observation.end_ns - observation.time_ns))


def _lasting(entry: Entry, length_ns: int) -> Interval:
    return Interval(entry.interval.start_ns, entry.interval.start_ns + max(0, length_ns))


def _log_entry(event: LogEvent, grounds: Grounds) -> Iterator[Entry]:
    """A log line of weight, from a device that is drawn."""
    effect = event.effect.kind if event.effect is not None else None
    is_idle = event.kind is LogKind.COMMAND and effect in (None, CommandEffectKind.HARMLESS)
    text = say_log(event)
    if text is None or is_idle or event.device not in grounds.topology.nodes:
        return
    link = find_link(grounds.topology, event.device, event.interface) if event.interface else None
    kind = EntryKind.OPERATION if event.kind is LogKind.COMMAND else EntryKind.LOG
    component = link.component if link is not None else event.device
    entry = _plain_entry(event, grounds, event.device, kind, component, text)
    yield replace(entry, side=grounds.side_of(event.device), raw=event.text.strip())


def _plain_entry(
    observation: Observation, grounds: Grounds, lane: str, kind: EntryKind, component: str | None, text: Phrase
) -> Entry:
    time_ns, origin = grounds.aligned(observation), observation.origin
    return Entry(
        interval=Interval(time_ns, time_ns),
        stated_ns=observation.time_ns - (origin.clock_offset_ns or 0),
        lane=lane,
        kind=kind,
        component=component,
        side=grounds.side_of(component),
        text=text,
        file=origin.file,
        locator=observation.locator,
        supplied_by=origin.supplied_by,
    )
