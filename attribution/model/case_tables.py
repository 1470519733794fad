"""An incident as flat tables, the same in CSV, NDJSON and pandas: its timeline, its evidence, what its files state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attribution.model.capture_tables import FlatTable, Value, ValueKind
from attribution.model.dossier import Entry
from attribution.model.observation import (
    AccountEvent,
    CaptureCoverage,
    Caveat,
    ChangeRecord,
    CloudCall,
    CloudMetric,
    CounterSample,
    FlowRecord,
    LogEvent,
    Observation,
    PacketWitness,
    PairCount,
    PathTrace,
    ProbeResult,
    TapCount,
    TapLoad,
)
from attribution.model.phrase import SIDES, Phrase, Template, any_of, in_a_row
from attribution.model.verdict import WeighedEvidence


def _columns(text: str) -> tuple[tuple[str, ValueKind], ...]:
    """Columns from `name:kind` words; a word without a kind is text."""
    pairs = (word.partition(":") for word in text.split())
    return tuple((name, ValueKind(kind or "text")) for name, _, kind in pairs)


TIMELINE_COLUMNS = _columns(
    "time:time end:time stated:time lane kind component side text count:integer evidence file locator supplied_by raw"
)
EVIDENCE_COLUMNS = _columns("id time:time component supplied_by statement weight:number file locator")
OBSERVATION_COLUMNS = _columns(
    "time:time end:time observation what supplied_by device interface source destination protocol value:number unit "
    "sent:integer lost:integer count:integer text file locator"
)


def timeline_table(entries: Iterable[Entry]) -> FlatTable:
    """One row for each entry. `time` and `end` are of the aligned clocks, `stated` is what the file itself says."""
    rows = (
        (
            entry.interval.start_ns, entry.interval.end_ns, entry.stated_ns, str(entry.lane), entry.kind.value,
            entry.component, _word(entry.side), str(entry.text), entry.count, entry.evidence, entry.file,
            entry.locator, _word(entry.supplied_by), entry.raw or None,
        )
        for entry in entries
    )  # fmt: skip
    return FlatTable("entry", TIMELINE_COLUMNS, tuple(rows))


def evidence_table(evidence: Iterable[WeighedEvidence]) -> FlatTable:
    """One row for each piece of evidence, the weightiest first; `weight` is its log10 likelihood ratio."""
    rows = (
        (
            piece.id, piece.time_ns, piece.component, _word(piece.supplied_by), str(piece.statement), piece.weight,
            piece.file, piece.locator,
        )
        for piece in evidence
    )  # fmt: skip
    return FlatTable("evidence", EVIDENCE_COLUMNS, tuple(rows))


def observation_table(seen: Iterable[Observation | Caveat]) -> FlatTable:
    """One row for each fact or caveat as a reader gave it; `observation` names its kind, `caveat` what was left out.

    Times are the file's own, with the offset added that was stated for its clock. A column that a kind has no use for
    is empty: not stated, never zero.
    """
    return FlatTable("observation", OBSERVATION_COLUMNS, tuple(map(_observation_row, seen)))


def _word(value: object) -> str | None:
    return None if value is None else str(value)


def _observation_row(seen: Observation | Caveat) -> tuple[Value, ...]:
    if isinstance(seen, Caveat):
        found: Mapping[str, Value] = {
            "observation": "caveat", "text": seen.reason, "count": seen.count, "file": seen.file,
            "locator": seen.locator,
        }  # fmt: skip
    else:
        name, describe = KINDS[type(seen)]
        found = {
            "time": seen.time_ns, "observation": name, "supplied_by": _word(seen.origin.supplied_by),
            "file": seen.origin.file, "locator": seen.locator, **describe(seen),
        }  # fmt: skip
    return tuple(found.get(name) for name, _ in OBSERVATION_COLUMNS)


def _probe(seen: ProbeResult) -> dict[str, Value]:
    return {
        "source": seen.source, "destination": seen.destination, "protocol": seen.protocol, "sent": seen.sent,
        "lost": seen.sent - seen.received, "value": seen.rtt_avg_ms,
        "unit": "ms" if seen.rtt_avg_ms is not None else None,
    }  # fmt: skip


def _path(seen: PathTrace) -> dict[str, Value]:
    hops = ", ".join(f"{hop.number} {hop.address or '*'} {hop.received}/{hop.sent}" for hop in seen.hops)
    return {"source": seen.source, "destination": seen.destination, "count": len(seen.hops), "text": hops}


def _flow(seen: FlowRecord) -> dict[str, Value]:
    paths = any_of(" ".join(path) for path in seen.paths)
    return {
        "source": seen.source, "destination": seen.destination, "protocol": seen.protocol, "sent": seen.sent,
        "lost": seen.lost, "what": seen.flow, "text": paths,
    }  # fmt: skip


def _counter(seen: CounterSample) -> dict[str, Value]:
    return {"device": seen.device, "interface": seen.interface, "what": seen.metric.value, "value": seen.value}


def _cloud_metric(seen: CloudMetric) -> dict[str, Value]:
    dimensions = ", ".join(f"{name}={value}" for name, value in seen.dimensions)
    return {"what": seen.name, "value": seen.value, "unit": seen.unit, "text": dimensions}


def _log(seen: LogEvent) -> dict[str, Value]:
    return {
        "device": seen.device, "interface": seen.interface, "what": seen.kind.value, "protocol": seen.protocol,
        "destination": seen.peer, "text": seen.text.strip(),
    }  # fmt: skip


def _change(seen: ChangeRecord) -> dict[str, Value]:
    facts = {
        "id": seen.id, "action": seen.action, "side": SIDES[seen.performed_by], "description": seen.description,
    }  # fmt: skip
    if seen.consented_by:
        agreed = SIDES.get(seen.consented_by, seen.consented_by)
        text = Phrase("{id}: {action} by the {side}, agreed by the {agreed}: {description}", agreed=agreed, **facts)
    else:
        text = Phrase("{id}: {action} by the {side}, agreed by nobody: {description}", **facts)
    return {"device": seen.device, "interface": seen.interface, "end": seen.end_ns, "what": seen.action, "text": text}


def _account(seen: AccountEvent) -> dict[str, Value]:
    return {"what": seen.kind.value, "text": seen.detail}


def _cloud_call(seen: CloudCall) -> dict[str, Value]:
    outcome = Phrase("succeeded") if seen.succeeded else Phrase("failed")
    caller = {"account": seen.account or "?", "user": seen.user or "?"}
    text = Phrase(
        "{outcome}, by account {account} (user {user}): {parameters}", outcome=outcome, parameters=seen.parameters,
        **caller,
    )  # fmt: skip
    return {"what": seen.action, "text": text}


def _tap(seen: TapCount) -> dict[str, Value]:
    fates = (
        (seen.lost_upstream, Template("{count} lost before the point")),
        (seen.lost_downstream, Template("{count} lost beyond it")),
        (seen.unanswered, Template("{count} unanswered")),
    )
    return {
        "end": seen.end_ns, "device": seen.device, "interface": seen.interface, "source": seen.source,
        "destination": seen.destination, "protocol": seen.protocol, "sent": seen.sent,
        "lost": seen.lost_upstream + seen.lost_downstream,
        "text": in_a_row(fate.fill(count=count) for count, fate in fates if count) or None,
    }  # fmt: skip


def _load(seen: TapLoad) -> dict[str, Value]:
    return {
        "end": seen.end_ns, "device": seen.device, "interface": seen.interface, "source": seen.source,
        "destination": seen.destination, "count": seen.packets, "value": seen.octets, "unit": "octets",
    }  # fmt: skip


def _pair(seen: PairCount) -> dict[str, Value]:
    first, second = (" ".join(part for part in point if part) for point in (seen.first, seen.second))
    return {
        "end": seen.end_ns, "device": seen.first[0], "interface": seen.first[1], "source": seen.source,
        "destination": seen.destination, "protocol": seen.protocol, "sent": seen.sent, "lost": seen.lost,
        "text": Phrase("between {first} and {second} ({file})", first=first, second=second, file=seen.second_file),
    }  # fmt: skip


def _witness(seen: PacketWitness) -> dict[str, Value]:
    return {
        "end": seen.end_ns, "device": seen.device, "interface": seen.interface, "source": seen.sender,
        "destination": seen.about, "what": seen.kind.value, "count": seen.count, "text": seen.detail or seen.code,
    }  # fmt: skip


def _coverage(seen: CaptureCoverage) -> dict[str, Value]:
    return {
        "end": seen.end_ns, "device": seen.device, "interface": seen.interface, "count": seen.packets,
        "text": Phrase("{count} packets dropped by the capture itself", count=seen.dropped) if seen.dropped else None,
    }  # fmt: skip


KINDS: Mapping[type[Observation], tuple[str, Callable[[Any], dict[str, Value]]]] = {
    ProbeResult: ("probe", _probe),
    PathTrace: ("path", _path),
    FlowRecord: ("flow", _flow),
    CounterSample: ("counter", _counter),
    CloudMetric: ("cloud_metric", _cloud_metric),
    LogEvent: ("log", _log),
    ChangeRecord: ("change", _change),
    AccountEvent: ("account", _account),
    CloudCall: ("cloud_call", _cloud_call),
    TapCount: ("capture_point", _tap),
    TapLoad: ("capture_load", _load),
    PairCount: ("capture_pair", _pair),
    PacketWitness: ("packets", _witness),
    CaptureCoverage: ("capture", _coverage),
}
"""What each kind of observation is called, and which of the columns it fills."""
OBSERVATION_NAMES: Sequence[str] = (*(name for name, _ in KINDS.values()), "caveat")


def in_tables(seen: Iterable[Observation | Caveat], rows: int = 5000) -> Iterator[FlatTable]:
    """The same table in pieces of so many rows, so that millions need not be in memory at once."""
    piece: list[Observation | Caveat] = []
    for one in seen:
        piece.append(one)
        if len(piece) >= rows:
            yield observation_table(piece)
            piece = []
    yield observation_table(piece)
