"""What devices, people and businesses said: alarms, log lines of weight, and records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    enumerate_names,
    say_log,
)
from attribution.model.dossier import Entry, EntryKind
from attribution.model.evidence import Alarm, Record, RecordKind
from attribution.model.incident import NANOSECONDS, EvidenceType, Interval
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

# One packet passes all capture points within this.
SAME_PACKETS_NS = NANOSECONDS
LONGEST_LINE = 2000
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
    left = [o for o in grounds.observations if (o.origin.file, o.locator) not in told]
    for observation in left:
        yield from _observation_entry(observation, grounds)
    yield from _witness_entries([o for o in left if isinstance(o, PacketWitness)], grounds)


def _finding_entry(
    finding: Alarm | Record,
    grounds: Grounds,
    citations: Citations,
    lines: Mapping[Place, LogEvent],
    horizon: int,
) -> Entry:
    origin, end_ns = finding.citation.origin, finding.interval.end_ns
    start_ns = finding.told_ns if isinstance(finding, Alarm) else finding.interval.start_ns
    line = lines.get((origin.file, finding.citation.locator))
    sentence = say_log(line, grounds.node) if line is not None else None
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
        raw=_raw(line) if line is not None else "",
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
    elif isinstance(observation, CaptureCoverage):
        point = point_of(observation.origin)
        text = Phrase(CAPTURED, point=point, packets=observation.packets)
        device = observation.device if observation.device in grounds.topology.nodes else None
        entry = _plain_entry(observation, grounds, point, EntryKind.CAPTURE, device, text)
        yield replace(entry, interval=_lasting(entry, observation.end_ns - observation.time_ns))


def _witness_entries(witnesses: Sequence[PacketWitness], grounds: Grounds) -> Iterator[Entry]:
    """What packets testify that no detector made anything of; the same at several capture points is told once."""
    alike: dict[tuple[str, str], list[PacketWitness]] = {}
    for witness in sorted(witnesses, key=lambda w: (grounds.aligned(w), w.origin.file, w.locator)):
        detail = witness.detail or Phrase(WITNESS_SENTENCES[witness.kind])
        seen = alike.setdefault((witness.kind, detail), [])
        if seen and grounds.aligned(witness) - grounds.aligned(seen[0]) > SAME_PACKETS_NS:
            yield _witness_entry(seen, detail, grounds)
            seen.clear()
        seen.append(witness)
    for (_, detail), seen in alike.items():
        yield _witness_entry(seen, detail, grounds)


def _witness_entry(seen: Sequence[PacketWitness], detail: str, grounds: Grounds) -> Entry:
    first = seen[0]
    points = list(dict.fromkeys(point_of(witness.origin) for witness in seen))
    device = first.device if first.device in grounds.topology.nodes and len(points) == 1 else None
    text = Phrase(TESTIFIED, points=enumerate_names(points), detail=detail)
    entry = _plain_entry(first, grounds, points[0], EntryKind.CAPTURE, device, text)
    count = max(witness.count for witness in seen)
    return replace(entry, interval=_lasting(entry, max(w.end_ns - w.time_ns for w in seen)), count=count)


def _lasting(entry: Entry, length_ns: int) -> Interval:
    return Interval(entry.interval.start_ns, entry.interval.start_ns + max(0, length_ns))


def _log_entry(event: LogEvent, grounds: Grounds) -> Iterator[Entry]:
    """A log line of weight, from a device that is drawn."""
    effect = event.effect.kind if event.effect is not None else None
    is_idle = event.kind is LogKind.COMMAND and effect in (None, CommandEffectKind.HARMLESS)
    text = say_log(event, grounds.node)
    if text is None or is_idle or event.device not in grounds.topology.nodes:
        return
    link = find_link(grounds.topology, event.device, event.interface) if event.interface else None
    kind = EntryKind.LOG if effect is None else EntryKind.OPERATION
    component = link.component if link is not None else event.device
    entry = _plain_entry(event, grounds, event.device, kind, component, text)
    yield replace(entry, side=grounds.side_of(event.device), raw=_raw(event))


def _raw(event: LogEvent) -> str:
    """The line itself, of bearable length."""
    line = event.text.strip()
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} …"


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
