"""A verdict as a small card for a notebook: the answer first, then seconds, causes and the strongest evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attribution.model.verdict import Cause, Party, Verdict, WeighedEvidence
from attribution.report.drawings import markup
from attribution.report.moment import render_span, render_time
from attribution.report.summary import describe_cause
from attribution.report.wording import ENGLISH, Wording, percent

_STRONGEST = 5
_LONGEST_STATEMENT = 160
_COLOURS = {
    Party.CUSTOMER: "#1f5fbf",
    Party.PROVIDER: "#b3261e",
    Party.SHARED: "#9a6700",
    Party.NEITHER: "#16713d",
    Party.UNDETERMINED: "#9a6700",
}
_CELL = 'style="text-align:left;vertical-align:top;padding:.15em .8em .15em 0"'


def render_notebook(verdict: Verdict, wording: Wording = ENGLISH) -> str:
    """HTML without scripts or classes, which reads on light and on dark paper; all text from evidence is escaped."""
    clause = f", clause {verdict.clause}" if verdict.clause is not None else ""
    answer = markup(f"{wording.headings[verdict.party]}{clause} · probability {percent(verdict.probability)}")
    rows = [*_times(verdict), *_causes(verdict.causes, wording), *_evidence(verdict.evidence)]
    table = "".join(f"<tr><th {_CELL}>{markup(label)}</th><td {_CELL}>{cell}</td></tr>" for label, cell in rows)
    return (
        f'<div style="border-left:4px solid {_COLOURS[verdict.party]};padding:.2em 1em;max-width:60em">'
        f"<p><strong>{answer}</strong></p><p>{markup(f'{verdict.incident}: {verdict.summary}')}</p>"
        f'<table style="border-collapse:collapse">{table}</table></div>'
    )


def _times(verdict: Verdict) -> Iterator[tuple[str, str]]:
    for number, interval in enumerate(verdict.interruption.intervals):
        text = f"{render_span(interval)}, {interval.seconds:.1f} s"
        yield ("" if number else "Interruption"), markup(text)
    spent = verdict.interruption.seconds_by_party
    if verdict.interruption.intervals and spent:
        yield "Seconds", markup(" · ".join(f"{party} {seconds:.1f}" for party, seconds in spent.items()))
    yield "Parties", markup(" · ".join(f"{party} {percent(mass)}" for party, mass in verdict.parties.items()))


def _causes(causes: Iterable[Cause], wording: Wording) -> Iterator[tuple[str, str]]:
    for number, cause in enumerate(causes):
        what = describe_cause(cause, wording)
        clause = f", {cause.clause}" if cause.clause is not None else ""
        text = f"{what} ({cause.side or 'nobody’s'}{clause}, {percent(cause.probability)}), {cause.seconds:.1f} s"
        yield ("" if number else "Causes"), markup(text)


def _evidence(evidence: Iterable[WeighedEvidence]) -> Iterator[tuple[str, str]]:
    strongest = sorted(evidence, key=lambda piece: (-abs(piece.weight), piece.id))[:_STRONGEST]
    for number, piece in enumerate(strongest):
        said = (
            piece.statement
            if len(piece.statement) <= _LONGEST_STATEMENT
            else f"{piece.statement[:_LONGEST_STATEMENT]}…"
        )
        text = f"{piece.weight:+.1f} {piece.id} {render_time(piece.time_ns)[11:19]} {said}"
        yield (
            ("" if number else "Evidence"),
            f"{markup(text)} <small>[{markup(f'{piece.file}, {piece.locator}')}]</small>",
        )
