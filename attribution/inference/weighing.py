"""Which evidence carried an answer, and which spoke against it: log likelihood ratios, piece by piece."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import log

from attribution.inference.candidates import Candidate
from attribution.inference.grouping import Group
from attribution.inference.posterior import Assignment, Solver
from attribution.inference.reports import state_of
from attribution.model.evidence import Alarm, Journey, Measurement, Record, count_in_words
from attribution.model.phrase import Phrase
from attribution.model.verdict import WeighedEvidence

MOST_PIECES = 24
LEAST_WEIGHT = 0.05
LOG_10 = log(10.0)


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence with its log10 likelihood ratio, before it has an id."""

    item: Measurement | Alarm | Record
    statement: str
    component: str | None
    weight: float


def weigh_evidence(solver: Solver, chosen: Assignment, rival: Assignment | None) -> tuple[WeighedEvidence, ...]:
    """How much each piece speaks for the chosen explanation rather than for the rival one; the weightiest first."""
    return number_pieces([*_losses(solver, chosen, rival), *_testimonies(solver, chosen, rival)])


def _each_said_once(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces, those added up that say the same of the same place in a file, though of several components."""
    said: dict[tuple[str, str, str], list[Piece]] = defaultdict(list)
    for piece in pieces:
        citation = piece.item.citation
        said[citation.origin.file, citation.locator, piece.statement].append(piece)
    weightiest = [(max(alike, key=lambda piece: abs(piece.weight)), alike) for alike in said.values()]
    return [replace(first, weight=sum(piece.weight for piece in alike)) for first, alike in weightiest]


def number_pieces(pieces: Sequence[Piece]) -> tuple[WeighedEvidence, ...]:
    heavy = [piece for piece in _each_said_once(pieces) if abs(piece.weight) >= LEAST_WEIGHT]
    heavy.sort(key=lambda piece: (-abs(piece.weight), piece.item.citation.origin.file, piece.item.citation.locator))
    return tuple(
        WeighedEvidence(
            id=f"e{number}",
            file=piece.item.citation.origin.file,
            locator=piece.item.citation.locator,
            time_ns=_told_at(piece.item),
            component=piece.component,
            supplied_by=piece.item.citation.origin.supplied_by,
            statement=piece.statement,
            weight=round(piece.weight, 2),
        )
        for number, piece in enumerate(heavy[:MOST_PIECES], start=1)
    )


def _told_at(item: Measurement | Alarm | Record) -> int:
    return item.told_ns if isinstance(item, Alarm) else item.interval.start_ns


def _losses(solver: Solver, chosen: Assignment, rival: Assignment | None) -> Iterator[Piece]:
    """One piece for each kind of measurement, over all phases of the interruption."""
    nobody: tuple[Candidate | None, ...] = (None,) * len(chosen.choices)
    gathered: dict[tuple[tuple[Journey, ...], bool], list[Group]] = defaultdict(list)
    weights: dict[tuple[tuple[Journey, ...], bool], float] = defaultdict(float)
    concerned: dict[tuple[tuple[Journey, ...], bool], str | None] = {}
    for index, choice in enumerate(chosen.choices):
        ours = solver.parts(index, chosen.choices)
        theirs = solver.parts(index, rival.choices if rival is not None else nobody)
        for (kind, part), (_, rival_part) in zip(ours, theirs, strict=True):
            key = (kind[0].journeys, kind[0].of_service)
            gathered[key] += kind
            weights[key] += part - rival_part
            concerned[key] = concerned.get(key) or _concerned(kind[0], choice)
    for key, groups in gathered.items():
        shown = most_telling(groups)
        like = [g for g in groups if g.traffic == shown.traffic and g.members[0].method is shown.method]
        members = {id(m): m for g in like for m in g.members}.values()  # one may belong to several phases
        sent, lost = sum(m.sent for m in members), sum(m.lost for m in members)
        statement = Phrase("{counted} during the interruption", counted=count_in_words(shown, lost, sent))
        yield Piece(shown, statement, concerned[key], weights[key] / LOG_10)


def most_telling(groups: Sequence[Group]) -> Measurement:
    """The measurement to cite: the one that lost most, or crossed most where nothing was lost."""
    members = (member for group in groups for member in group.members)
    return max(members, key=lambda m: (m.lost, m.sent, -m.interval.start_ns))


def _concerned(group: Group, choice: Candidate | None) -> str | None:
    if choice is None:
        return None
    place = choice.link or choice.component
    crossed = any(place in stretch.components for journey in group.journeys for stretch in journey)
    return choice.component if crossed else None


def _testimonies(solver: Solver, chosen: Assignment, rival: Assignment | None) -> Iterator[Piece]:
    ours = _spoken(solver, chosen)
    theirs = _spoken(solver, rival) if rival is not None else {}
    weights: dict[Alarm | Record, float] = {}
    for item in dict.fromkeys([*ours, *theirs]):
        weight = (ours.get(item, 0.0) - theirs.get(item, 0.0)) / LOG_10
        shown = _greatest(item, solver) if isinstance(item, Alarm) else item
        weights[shown] = max(weight, weights.get(shown, 0.0), key=abs)
    for item, weight in weights.items():
        yield Piece(item, item.statement, item.component, weight)


def _greatest(alarm: Alarm, solver: Solver) -> Alarm:
    """Of an alarm that came again and again in the interruption, counted in one unit, the one that counted most."""
    if alarm.magnitude is None:
        return alarm
    spans = [interval for phase in solver.phases for interval in phase.intervals]
    again = [
        other
        for other in solver.situation.alarms
        if other.magnitude is not None
        and state_of(other) == state_of(alarm)
        and _series_of(other) == _series_of(alarm)
        and any(other.interval.overlaps(span) for span in spans)
    ]
    return max([alarm, *again], key=lambda other: other.magnitude or 0.0)


def _series_of(alarm: Alarm) -> tuple[str, str]:
    """What tells the series of a count from others about the same place: its file, and its place in a document."""
    stem, bracket, _ = alarm.citation.locator.rpartition("[")
    return alarm.citation.origin.file, stem if bracket else ""


def _spoken(solver: Solver, assignment: Assignment) -> dict[Alarm | Record, float]:
    spoken: dict[Alarm | Record, float] = {}
    for choice in dict.fromkeys(assignment.choices):
        if choice is None:
            continue
        indices = [index for index, other in enumerate(assignment.choices) if other is choice]
        testimony = solver.testimony(solver.span_of(indices), choice)
        for alarm, gain in testimony.alarms.items():
            spoken[alarm] = max(spoken.get(alarm, 0.0), gain)
        for record, gain in testimony.records.items():
            spoken[record] = max(spoken.get(record, 0.0), gain)
    return spoken
