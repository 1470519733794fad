"""The verdict for a tired engineer at a terminal: the answer first, then why, then what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from attribution.model.verdict import Cause, Party, Provision, Request, Verdict, WeighedEvidence
from attribution.report.json_document import describe_caveat
from attribution.report.layout import Page, Style
from attribution.report.moment import render_span, render_time
from attribution.report.wording import ENGLISH, Wording, percent

_COLOURS = {
    Party.CUSTOMER: Style.BLUE,
    Party.PROVIDER: Style.RED,
    Party.SHARED: Style.YELLOW,
    Party.NEITHER: Style.GREEN,
    Party.UNDETERMINED: Style.YELLOW,
}
_STRONGEST_FOR = 5
_STRONGEST_AGAINST = 3
_CAVEATS_SHOWN = 4
_CAVEAT_CHARACTERS = 160


def render_table(verdict: Verdict, width: int = 100, colour: bool = False, wording: Wording = ENGLISH) -> str:
    """The whole verdict as text of at most `width` columns; `colour` allows ANSI styles."""
    page = Page(max(40, width), colour)
    sections = (
        headline(verdict, page, wording),
        clause_lines(verdict, page),
        _interruption(verdict, page),
        _causes(verdict, page, wording),
        _evidence(verdict, page),
        request_lines(verdict.requests, page),
        _inputs(verdict, page, wording),
    )
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def headline(verdict: Verdict, page: Page, wording: Wording) -> list[str]:
    """The answer, and the sentences that go with it."""
    clause = f", clause {verdict.clause}" if verdict.clause is not None else ""
    text = f"{wording.headings[verdict.party]}{clause} · probability {percent(verdict.probability)}"
    return [
        *page.paragraph(text, 0, Style.BOLD, _COLOURS[verdict.party]),
        *page.paragraph(f"{verdict.incident}: {verdict.summary}" if verdict.summary else verdict.incident),
    ]


def clause_lines(verdict: Verdict, page: Page) -> list[str]:
    """The words of the deciding clause."""
    deciding = [provision for provision in verdict.provisions if provision.id == verdict.clause]
    others = [provision.id for provision in verdict.provisions if provision.id != verdict.clause]
    lines = [line for provision in deciding for line in page.labelled("Clause", _quote(provision))]
    if others and deciding:
        lines += page.labelled("", f"see also {', '.join(others)}")
    return lines


def _quote(provision: Provision) -> str:
    return f"{provision.document_en}, {provision.id}: “{provision.text_en}”"


def _interruption(verdict: Verdict, page: Page) -> list[str]:
    lines: list[str] = []
    for interval in verdict.interruption.intervals:
        text = f"{render_span(interval)}, {interval.seconds:.1f} s"
        lines += page.labelled("" if lines else "Interruption", text)
    if not lines:
        lines = page.labelled("Interruption", "none found in the evidence")
    spent = verdict.interruption.seconds_by_party
    if verdict.interruption.intervals and spent:
        lines += page.labelled("Seconds", " · ".join(f"{party} {seconds:.1f}" for party, seconds in spent.items()))
    lines += page.labelled("Parties", " · ".join(f"{party} {percent(mass)}" for party, mass in verdict.parties.items()))
    return lines + _service_level(verdict, page)


def _service_level(verdict: Verdict, page: Page) -> list[str]:
    """The other agreement's own count, under its own name, wherever it counts anything."""
    level = verdict.service_level
    if level is None or not level.minutes:
        return []
    minutes = " · ".join(f"{party} {count}" for party, count in level.minutes_by_party.items())
    return page.labelled("Lost minutes", f"{minutes} (whole minutes of full loss, as the {level.document} counts)")


def _causes(verdict: Verdict, page: Page, wording: Wording) -> list[str]:
    """The causal chain: roots in order of onset, each followed by what it brought about."""
    lines: list[str] = []
    for cause, depth in _chain(verdict.causes):
        lines += page.labelled("" if lines else "Causes", "  " * depth + _describe(cause, depth, wording))
    return lines


def _chain(causes: Sequence[Cause]) -> list[tuple[Cause, int]]:
    """Causes with their depth in the chain; one whose bringer is not listed stands as a root."""
    listed = {cause.component for cause in causes}
    chain: list[tuple[Cause, int]] = []

    def follow(cause: Cause, depth: int) -> None:
        if any(cause is seen for seen, _ in chain):
            return
        chain.append((cause, depth))
        for other in causes:
            if other.caused_by == cause.component:
                follow(other, depth + 1)

    for cause in causes:
        if cause.caused_by is None or cause.caused_by not in listed:
            follow(cause, 0)
    for cause in causes:
        follow(cause, 0)
    return chain


def _describe(cause: Cause, depth: int, wording: Wording) -> str:
    what = wording.causes[cause.kind].format(component=cause.component)
    owner = cause.side.value if cause.side is not None else "nobody's"
    clause = f", {cause.clause}" if cause.clause is not None else ""
    arrow = "↳ " if depth else ""
    times = render_span(cause.interval, with_date=False)
    return f"{arrow}{what} ({owner}{clause}, {percent(cause.probability)}), {times}, {cause.seconds:.1f} s"


def _evidence(verdict: Verdict, page: Page) -> list[str]:
    speaking = sorted(verdict.evidence, key=lambda evidence: (-abs(evidence.weight), evidence.id))
    support = [evidence for evidence in speaking if evidence.weight > 0][:_STRONGEST_FOR]
    contrary = [evidence for evidence in speaking if evidence.weight < 0][:_STRONGEST_AGAINST]
    return [
        *page.listed("Evidence for", map(cite, support)),
        *page.listed("against", map(cite, contrary)),
    ]


def cite(evidence: WeighedEvidence) -> str:
    """A piece of evidence in a line: weight, id, time, statement, and where it can be opened."""
    supplier = f", from the {evidence.supplied_by.value}" if evidence.supplied_by is not None else ""
    place = f"[{evidence.file}, {evidence.locator}{supplier}]"
    return f"{evidence.weight:+.1f} {evidence.id} {render_time(evidence.time_ns)[11:19]} {evidence.statement} {place}"


def request_lines(requests: Sequence[Request], page: Page) -> list[str]:
    """What to ask for, from whom, and why."""
    return page.listed(
        "Ask for", (f"{request.what} — from the {request.from_side.value}: {request.why}" for request in requests)
    )


def _inputs(verdict: Verdict, page: Page, wording: Wording) -> list[str]:
    places = sum(caveat.count for caveat in verdict.caveats)
    lines = page.labelled("Read", wording.files_read.format(files=len(verdict.inputs), places=places))
    shown = [_shortened(describe_caveat(caveat)) for caveat in verdict.caveats[:_CAVEATS_SHOWN]]
    if len(verdict.caveats) > _CAVEATS_SHOWN:
        shown.append(f"… and {len(verdict.caveats) - _CAVEATS_SHOWN} more, all of them in --format json")
    return lines + page.listed("Warnings", shown)


def _shortened(text: str) -> str:
    return text if len(text) <= _CAVEAT_CHARACTERS else f"{text[: _CAVEAT_CHARACTERS - 2]} …"
