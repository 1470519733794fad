"""Action items as stubs: what the causes and the open requests suggest, with the names and dates left to people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attribution.model.topology import Side
from attribution.model.verdict import Fact, Party
from attribution.report.languages import say
from attribution.report.markdown import inline, table
from attribution.report.paper import Paper

_WRONG_CLOCK_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do: in words, by which side (None: by whoever writes the postmortem), and what it comes from."""

    text: str
    side: Side | None
    source: str


def _suggested(paper: Paper) -> Iterator[Action]:
    """For each root cause one, one for each request, and for each clock that was more than a second off."""
    verdict, words = paper.dossier.verdict, paper.words
    for cause in verdict.causes:
        if cause.caused_by is None:
            told = words.free_address if Fact.ADDRESS_TAKEN in cause.facts else words.actions[cause.kind]
            text = told.format(component=inline(cause.component))
            yield Action(text, cause.side, paper.ids()[id(cause)])
    for number, request in enumerate(verdict.requests, 1):
        what = inline(say(request.what, paper.language).rstrip("。. "))
        yield Action(words.obtain.format(what=what), request.from_side, f"r{number}")
    if verdict.requests and verdict.party is Party.UNDETERMINED:
        yield Action(words.decide_again, Side.PROVIDER, "r1")
    for clock in paper.dossier.clocks:
        if abs(clock.added_ns) >= _WRONG_CLOCK_NS:
            seconds = f"{abs(clock.added_ns) / 1e9:.1f}"
            yield Action(words.set_clock.format(source=inline(clock.source), seconds=seconds), clock.supplied_by, "")
    yield Action(words.inform.format(incident=inline(verdict.incident)), Side.PROVIDER, "")


def actions(paper: Paper) -> list[str]:
    """The table of stubs."""
    words = paper.words
    rows = [
        (
            f"a{number}",
            action.text,
            "–" if action.side is None else paper.side(action.side),
            action.source or "–",
            words.to_fill,
            words.to_fill,
            words.open_status,
        )
        for number, action in enumerate(_suggested(paper), 1)
    ]
    return [words.actions_note, "", *table(words.action_columns, rows)]


def action_fields(paper: Paper) -> list[dict[str, object]]:
    """The same stubs for scripts; `owner` and `due` are null until somebody fills them in."""
    return [
        {
            "id": f"a{number}",
            "side": None if action.side is None else action.side.value,
            "from": action.source or None,
            "owner": None,
            "due": None,
            "status": "open",
        }
        for number, action in enumerate(_suggested(paper), 1)
    ]
