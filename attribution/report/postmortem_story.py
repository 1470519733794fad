"""The parts of a postmortem that tell what happened: the timeline, the root cause and its trigger, what contributed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attribution.model.dossier import Entry, EntryKind
from attribution.model.incident import NANOSECONDS
from attribution.model.verdict import Cause, CauseKind
from attribution.report.local_time import utc_moment
from attribution.report.markdown import inline, table
from attribution.report.paper import Paper, listed, weights_of

MOST_ENTRIES = 40
MOST_CONDITIONS = 8
ACTS = frozenset({EntryKind.OPERATION, EntryKind.CHANGE, EntryKind.CLOUD_CALL, EntryKind.ACCOUNT})
_ORDER = {EntryKind.LOSS: 2, EntryKind.CAPTURE: 3, **dict.fromkeys(ACTS, 4)}  # the rest is devices' words
_ABOUT_THEN_NS = 3600 * NANOSECONDS
_BEFORE_NS = 60 * NANOSECONDS  # what was there a minute before was there before
_LATE_NS = 5 * NANOSECONDS  # clocks are aligned, but an act may be noted a little after it took effect


def timeline(paper: Paper) -> list[str]:
    """What the answer cites, what people did, and what was nearest to it, with the finding's own dates between."""
    shown = _worth_telling(paper)
    rows = [(entry.interval.start_ns, 1, _row(paper, entry)) for entry in shown]
    rows += [(time_ns, rank, cells) for time_ns, rank, cells in _milestones(paper)]
    rows.sort(key=lambda row: row[:2])
    lines = [paper.words.timeline_zone_hint, ""]
    lines += table((*paper.clock_columns(), *paper.words.timeline_columns), [cells for _, _, cells in rows])
    left = len(paper.dossier.timeline) - len(shown)
    return [*lines, "", paper.words.omitted.format(count=left)] if left else lines


def _worth_telling(paper: Paper) -> list[Entry]:
    """What is cited; then acts of about that time; then devices' words, losses and captures, the nearest first."""
    onset_ns, end_ns = paper.onset_ns(), paper.end_ns()
    weights = {name: abs(weight) for name, weight in weights_of(paper.dossier.verdict.evidence).items()}

    def worth(entry: Entry) -> tuple[float, int, int]:
        apart_ns = max(0, onset_ns - entry.interval.end_ns, entry.interval.start_ns - end_ns)
        near_act = entry.kind is EntryKind.ACCOUNT or (entry.kind in ACTS and apart_ns < _ABOUT_THEN_NS)
        return -weights.get(entry.evidence or "", -1.0), 0 if near_act else _ORDER.get(entry.kind, 1), apart_ns

    order = sorted(range(len(paper.dossier.timeline)), key=lambda index: (worth(paper.dossier.timeline[index]), index))
    return [paper.dossier.timeline[index] for index in sorted(order[:MOST_ENTRIES])]


def _row(paper: Paper, entry: Entry) -> tuple[str, ...]:
    text = paper.said(entry.text)
    if entry.count > 1:
        text = paper.words.repeated.format(text=text, count=entry.count, end=utc_moment(entry.interval.end_ns)[11:])
    lane = paper.said(entry.lane)
    if entry.side is not None:
        lane += f" ({paper.side(entry.side)})"
    place = paper.place(entry.file, entry.locator)
    return (*paper.clock_cells(entry.interval.start_ns), lane, text, entry.evidence or "", place)


def _milestones(paper: Paper) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """The finding's own dates: an interruption begins before what else has its time, and ends after it."""
    words, ids = paper.words, paper.ids()

    def cells(time_ns: int, text: str, evidence: Sequence[str] = ()) -> tuple[str, ...]:
        return (*paper.clock_cells(time_ns), words.by_the_evidence, text, listed(evidence), "")

    for cause in paper.dossier.verdict.causes:
        name = ids[id(cause)]
        begins = words.cause_begins.format(id=name, cause=paper.cause(cause))
        yield cause.interval.start_ns, 0, cells(cause.interval.start_ns, begins, cause.evidence)
        if cause.interval.end_ns > cause.interval.start_ns:
            yield cause.interval.end_ns, 2, cells(cause.interval.end_ns, words.cause_ends.format(id=name))
    for interval in paper.dossier.verdict.interruption.intervals:
        yield interval.start_ns, 0, cells(interval.start_ns, words.begins)
        yield interval.end_ns, 3, cells(interval.end_ns, words.ends)


def root_causes(paper: Paper) -> list[str]:
    """What began by itself or was done, each with what set it off."""
    verdict, words = paper.dossier.verdict, paper.words
    roots = [cause for cause in verdict.causes if cause.caused_by is None]
    if not roots:
        return [words.unnamed_cause if verdict.interruption.intervals else words.no_cause]
    lines: list[str] = []
    for cause in roots:
        lines += [_root(paper, cause), "", words.trigger.format(text=_trigger(paper, cause)), ""]
    return lines[:-1]


def _root(paper: Paper, cause: Cause) -> str:
    words, back_ns = paper.words, paper.end_ns()
    ended_ns = cause.interval.end_ns
    held = words.held if abs(back_ns - ended_ns) < NANOSECONDS // 2 else words.held_and_service
    sentences = [
        words.root.format(
            id=paper.ids()[id(cause)],
            cause=paper.cause(cause),
            side=paper.side(cause.side),
            clause=inline(cause.clause or words.no_clause),
            probability=paper.percent(cause.probability),
        ),
        held.format(start=utc_moment(cause.interval.start_ns), end=utc_moment(ended_ns), back=utc_moment(back_ns)),
        words.share.format(seconds=f"{cause.seconds:.1f}"),
    ]
    if cause.evidence:
        sentences.append(words.resting_on.format(evidence=listed(cause.evidence)))
    return paper.sentences(sentences)


def _trigger(paper: Paper, cause: Cause) -> str:
    """The act that speaks most for the cause: noted before it began, or hardly after."""
    weights = weights_of(paper.dossier.verdict.evidence)
    latest_ns = cause.interval.start_ns + _LATE_NS
    acts = [
        entry
        for entry in paper.dossier.timeline
        if entry.kind in ACTS
        and entry.interval.start_ns <= latest_ns
        and weights.get(entry.evidence or "", 0.0) > 0
        and entry.component in (None, cause.component)
    ]
    if acts:
        act = max(acts, key=lambda entry: (weights[entry.evidence or ""], entry.interval.start_ns))
        time = utc_moment(act.interval.start_ns)
        return paper.words.triggered_by.format(time=time, text=paper.said(act.text), evidence=act.evidence)
    if cause.actor is not None:
        return paper.words.acted.format(side=paper.side(cause.actor))
    return paper.words.no_trigger


def contributing_factors(paper: Paper) -> list[str]:
    """What followed from the root, and what was so before it began."""
    words, ids = paper.words, paper.ids()
    lines = [
        "- "
        + words.followed.format(
            id=ids[id(cause)],
            root=paper.named(cause.caused_by),
            cause=paper.cause(cause),
            start=utc_moment(cause.interval.start_ns),
            end=utc_moment(cause.interval.end_ns),
        )
        for cause in paper.dossier.verdict.causes
        if cause.caused_by is not None
    ]
    lines += [
        "- "
        + words.before.format(
            time=utc_moment(entry.interval.start_ns),
            text=paper.said(entry.text),
            where=listed(filter(None, (entry.evidence, paper.place(entry.file, entry.locator)))),
        )
        for entry in _conditions(paper)
    ]
    return lines or [words.no_factors]


def _conditions(paper: Paper) -> list[Entry]:
    """Alarms that began clearly before the interruption and still held then; what stood between the parties."""
    verdict = paper.dossier.verdict
    if not verdict.interruption.intervals:
        return []
    onset_ns = paper.onset_ns()
    enforced = any(cause.kind is CauseKind.ENFORCEMENT_ACTION for cause in verdict.causes)
    found = [
        entry
        for entry in paper.dossier.timeline
        if entry.interval.start_ns < onset_ns - _BEFORE_NS
        and (
            (entry.kind in (EntryKind.ALARM, EntryKind.ROUTE) and entry.interval.end_ns > onset_ns)
            or (enforced and entry.kind is EntryKind.ACCOUNT)
        )
    ]
    return found[:MOST_CONDITIONS]
