"""One line of time for all sources: what happened, in order, without saying the same thing twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from attribution.dossier.grounds import Citations, Grounds
from attribution.dossier.losses import tell_losses
from attribution.dossier.routes import tell_routes
from attribution.dossier.words import SAME_PACKETS_NS, tell_words
from attribution.model.dossier import Entry, EntryKind
from attribution.model.incident import NANOSECONDS, EvidenceType, Interval
from attribution.model.verdict import WeighedEvidence

MOST_ENTRIES = 400
# What a source says again within this is one entry with a count.
SAME_WITHIN_NS = 60 * NANOSECONDS
NEAR_TROUBLE_S = 120.0
KIND_BY_TYPE = {
    EvidenceType.SYSLOG: EntryKind.LOG,
    EvidenceType.INTERFACE_COUNTERS: EntryKind.ALARM,
    EvidenceType.PROMETHEUS: EntryKind.ALARM,
    EvidenceType.CLOUD_MONITOR: EntryKind.ALARM,
    EvidenceType.CHANGE_RECORDS: EntryKind.CHANGE,
    EvidenceType.CLOUD_AUDIT: EntryKind.CLOUD_CALL,
    EvidenceType.ACCOUNT_EVENTS: EntryKind.ACCOUNT,
}
# The order of telling, where not everything can be kept.
WEIGHT = {
    EntryKind.OPERATION: 0,
    EntryKind.CHANGE: 0,
    EntryKind.CLOUD_CALL: 0,
    EntryKind.ACCOUNT: 0,
    EntryKind.ALARM: 1,
    EntryKind.ROUTE: 2,
    EntryKind.LOSS: 2,
    EntryKind.LOG: 3,
    EntryKind.CAPTURE: 4,
}


def build_timeline(grounds: Grounds) -> tuple[Entry, ...]:
    """All that happened, as far as some hundreds of entries hold it; what the verdict cites is always among them."""
    citations = Citations(grounds.verdict.evidence)
    told = [*tell_words(grounds, citations), *tell_losses(grounds, citations), *tell_routes(grounds)]
    told += _left(told, grounds)
    captures = {origin.file for origin in grounds.incident.origins if origin.type is EvidenceType.CAPTURE}
    merged = merge_similar(merge_points(sorted(told, key=_order), captures))
    return tuple(sorted(keep_telling(merged, grounds), key=_order))


def _order(entry: Entry) -> tuple[int, int, str, str, str, str]:
    interval = entry.interval
    return (interval.start_ns, interval.end_ns, entry.lane, entry.file, entry.locator, entry.text)


def _left(told: Iterable[Entry], grounds: Grounds) -> Iterator[Entry]:
    """Evidence that no entry stands for: what is cited of a table of flow records, say."""
    known = {entry.evidence for entry in told}
    origins = {origin.file: origin for origin in grounds.incident.origins}
    for piece in grounds.verdict.evidence:
        if piece.id not in known:
            yield _cited(piece, grounds, origins[piece.file].type if piece.file in origins else None)


def _cited(piece: WeighedEvidence, grounds: Grounds, kind: EvidenceType | None) -> Entry:
    origin = next((origin for origin in grounds.incident.origins if origin.file == piece.file), None)
    stated_ns = piece.time_ns if origin is None else grounds.findings.clocks.stated(piece.time_ns, origin)
    return Entry(
        interval=Interval(piece.time_ns, piece.time_ns),
        stated_ns=stated_ns,
        lane=piece.component or piece.file,
        kind=KIND_BY_TYPE.get(kind, EntryKind.LOSS) if kind is not None else EntryKind.LOSS,
        component=piece.component,
        side=grounds.side_of(piece.component),
        text=piece.statement,
        file=piece.file,
        locator=piece.locator,
        supplied_by=piece.supplied_by,
        evidence=piece.id,
    )


def merge_points(entries: Sequence[Entry], captures: Collection[str]) -> list[Entry]:
    """Alarms in packets that passed several capture points are told once, by the first or by the one that is cited."""
    merged: list[Entry] = []
    last: dict[tuple[str | None, str], int] = {}
    for entry in entries:
        if entry.kind is not EntryKind.ALARM or entry.file not in captures:
            merged.append(entry)
            continue
        key = (entry.component, entry.text.partition(": ")[2])  # after the capture point
        at = last.get(key)
        if at is not None and _are_the_same_packets(merged[at], entry):
            kept = merged[at] if entry.evidence is None else entry
            merged[at] = replace(kept, interval=merged[at].interval)
            continue
        last[key] = len(merged)
        merged.append(entry)
    return merged


def _are_the_same_packets(before: Entry, after: Entry) -> bool:
    both_cited = before.evidence is not None and after.evidence is not None
    apart_ns = after.interval.start_ns - before.interval.start_ns
    return before.file != after.file and not both_cited and apart_ns <= SAME_PACKETS_NS


def merge_similar(entries: Sequence[Entry]) -> list[Entry]:
    """Entries of which a source says the same one after the other become one, from the first to the last."""
    merged: list[Entry] = []
    last: dict[tuple[str, str], int] = {}
    for entry in entries:
        at = last.get((entry.file, entry.lane))
        if at is not None and _says_the_same(merged[at], entry):
            merged[at] = _joined(merged[at], entry)
            continue
        last[(entry.file, entry.lane)] = len(merged)
        merged.append(entry)
    return merged


def _says_the_same(before: Entry, after: Entry) -> bool:
    if before.kind is EntryKind.LOSS or (before.kind, before.component, before.text) != (
        after.kind, after.component, after.text,
    ):  # fmt: skip
        return False
    if before.evidence is not None and after.evidence is not None:
        return False
    return after.interval.start_ns - before.interval.end_ns <= SAME_WITHIN_NS


def _joined(before: Entry, after: Entry) -> Entry:
    """One entry for two; where one is cited, its place is kept."""
    interval = Interval(before.interval.start_ns, max(before.interval.end_ns, after.interval.end_ns))
    count = before.count + after.count
    if after.evidence is None:
        return replace(before, interval=interval, count=count)
    return replace(after, interval=interval, count=count, stated_ns=before.stated_ns)


def keep_telling(entries: Sequence[Entry], grounds: Grounds) -> Sequence[Entry]:
    """The entries, or the most telling ones of too many."""
    if len(entries) <= MOST_ENTRIES:
        return entries
    near = [interval.widened(NEAR_TROUBLE_S, NEAR_TROUBLE_S) for interval in grounds.trouble]
    way = grounds.way | grounds.causes

    def rank(entry: Entry) -> tuple[bool, bool, int, bool, int]:
        is_near = any(
            interval.overlaps(Interval(entry.interval.start_ns, entry.interval.end_ns + 1)) for interval in near
        )
        is_off = entry.component is not None and entry.component not in way
        return (entry.evidence is None, not is_near, WEIGHT[entry.kind], is_off, -entry.count)

    return sorted(entries, key=rank)[:MOST_ENTRIES]
