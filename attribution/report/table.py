"""The verdict for a tired engineer at a terminal: the answer first, then why, then what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from attribution.model.observation import Caveat
from attribution.model.phrase import Phrase
from attribution.model.verdict import Cause, CauseKind, Fact, Party, Provision, Request, Verdict, WeighedEvidence
from attribution.report.languages import say, say_place
from attribution.report.layout import NARROW, Page, Style, shortened, width_of
from attribution.report.moment import render_span, render_time
from attribution.report.summary import describe_cause, summarise, what_is_open
from attribution.report.wording import ENGLISH, Wording

COLOURS = {
    Party.CUSTOMER: Style.BLUE,
    Party.PROVIDER: Style.RED,
    Party.SHARED: Style.YELLOW,
    Party.NEITHER: Style.GREEN,
    Party.UNDETERMINED: Style.YELLOW,
}
_WIDEST = 120  # a longer line of prose is hard to come back from
_STRONGEST_FOR = 5
_STRONGEST_AGAINST = 3
_CAVEATS_SHOWN = 4
_CAVEAT_COLUMNS = 200
_STATEMENT_COLUMNS = 240
_CANDIDATE_MASS = 0.1


def render_table(verdict: Verdict, width: int = 100, colour: bool = False, wording: Wording = ENGLISH) -> str:
    """The whole verdict as text of at most `width` columns; `colour` allows ANSI styles."""
    page = Page(min(max(40, width), _WIDEST), colour)
    sections = (
        headline(verdict, page, wording),
        clause_lines(verdict, page, wording),
        _interruption(verdict, page, wording),
        [*_causes(verdict, page, wording), *_undecided(verdict, page, wording)],
        _evidence(verdict, page, wording),
        request_lines(verdict.requests, page, wording),
        _inputs(verdict, page, wording),
    )
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def headline(verdict: Verdict, page: Page, wording: Wording) -> list[str]:
    """The answer, and the sentences that go with it."""
    template = wording.headline if verdict.clause is None else wording.headline_with_clause
    text = template.format(
        heading=wording.headings[verdict.party],
        clause=verdict.clause,
        probability=wording.likelihood(verdict.probability),
    )
    said = _summary(verdict, wording)
    if said:
        said = wording.of_incident.format(incident=verdict.incident, text=said)
    return [*page.paragraph(text, 0, Style.BOLD, COLOURS[verdict.party]), *page.paragraph(said or verdict.incident)]


def _summary(verdict: Verdict, wording: Wording) -> str:
    """The summary; where nobody is named without what would settle it, which has its own place below."""
    if verdict.party is Party.UNDETERMINED and verdict.requests:
        return what_is_open(verdict, wording)
    return verdict.summary if wording.language == "en" else summarise(verdict, wording)


def clause_lines(verdict: Verdict, page: Page, wording: Wording) -> list[str]:
    """The words of the deciding clause."""
    deciding = [provision for provision in verdict.provisions if provision.id == verdict.clause]
    others = [provision.id for provision in verdict.provisions if provision.id != verdict.clause]
    lines = [line for provision in deciding for line in page.labelled(wording.clause, _quote(provision, wording))]
    if others and deciding:
        lines += page.labelled("", wording.see_also.format(clauses=wording.comma.join(others)))
    return lines


def _quote(provision: Provision, wording: Wording) -> str:
    document, text = wording.document(provision), wording.text(provision)
    return wording.quoted.format(document=document, clause=provision.id, text=text)


def _interruption(verdict: Verdict, page: Page, wording: Wording) -> list[str]:
    lines: list[str] = []
    for interval in verdict.interruption.intervals:
        span = render_span(interval, until=wording.until)
        text = wording.spell.format(span=span, seconds=wording.duration(interval.seconds))
        lines += page.labelled("" if lines else wording.interruption, text)
    if not lines:
        unknown = wording.none_measured if verdict.interruption.is_open else wording.none_found
        lines = page.labelled(wording.interruption, unknown)
    spent = verdict.interruption.seconds_by_party
    if verdict.interruption.intervals and spent:
        parts = (f"{wording.names.get(party, party)} {seconds:.1f}" for party, seconds in spent.items())
        lines += page.labelled(wording.seconds_by_party, " · ".join(parts))
    shares = (
        f"{wording.names.get(party, party)} {wording.likelihood(mass)}" for party, mass in verdict.parties.items()
    )
    lines += page.labelled(wording.shares, " · ".join(shares))
    return lines + _service_level(verdict, page, wording)


def _service_level(verdict: Verdict, page: Page, wording: Wording) -> list[str]:
    """The other agreement's own count, under its own name, wherever it counts anything."""
    level = verdict.service_level
    if level is None or not level.minutes:
        return []
    minutes = " · ".join(f"{wording.names.get(party, party)} {n}" for party, n in level.minutes_by_party.items())
    document = level.document_zh if wording.language == "zh" and level.document_zh else level.document
    return page.labelled(wording.lost_minutes, wording.counted_minutes.format(minutes=minutes, document=document))


def _causes(verdict: Verdict, page: Page, wording: Wording) -> list[str]:
    """The causal chain: roots in order of onset, each followed by what it brought about."""
    lines: list[str] = []
    for cause, depth in _chain(verdict.causes):
        arrow = "  " * (depth - 1) + "↳ " if depth else ""
        hang = width_of(arrow) if depth else 2
        label = "" if lines else wording.chain
        lines += page.labelled(label, arrow + describe_in_full(cause, wording), hang=hang)
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


def describe_in_full(cause: Cause, wording: Wording) -> str:
    """What happened, who answers for it by which clause, how surely, when and for how long."""
    unowned = "nobody" if _is_on_demarcation(cause) else Party.UNDETERMINED.value
    owner = wording.names[cause.side.value if cause.side is not None else unowned]
    clause = [cause.clause] if cause.clause is not None else []
    return wording.cause_line.format(
        what=describe_cause(cause, wording),
        facts=wording.comma.join([owner, *clause, wording.likelihood(cause.probability)]),
        span=render_span(cause.interval, with_date=False, until=wording.until),
        seconds=wording.duration(cause.seconds),
    )


def _undecided(verdict: Verdict, page: Page, wording: Wording) -> list[str]:
    """What stands between the candidates of a verdict that names nobody."""
    if verdict.party is not Party.UNDETERMINED:
        return []
    ranked = sorted(verdict.parties, key=lambda party: -verdict.parties[party])
    named = [
        wording.candidate.format(
            party=wording.parties[Party(party)], probability=wording.likelihood(verdict.parties[party])
        )
        for party in ranked
        if verdict.parties[party] >= _CANDIDATE_MASS
    ]
    told = [wording.candidates.format(candidates=wording.or_candidate.join(named))] if len(named) > 1 else []
    told += [
        _unanswered(cause, wording) for cause in verdict.causes if cause.side is None and cause.caused_by is None
    ]
    if not verdict.evidence:
        told.append(wording.nothing_tells)
    if not verdict.requests:
        told.append(wording.nothing_to_ask)
    return page.listed(wording.undecided, told)


def _unanswered(cause: Cause, wording: Wording) -> str:
    """Why neither side is known to answer for a cause."""
    sentence = wording.by_a_stranger if Fact.STRANGER in cause.facts else wording.on_unknown_ground
    sentence = wording.on_demarcation if _is_on_demarcation(cause) else sentence
    return sentence.format(cause=describe_cause(cause, wording))


def _is_on_demarcation(cause: Cause) -> bool:
    return cause.kind is not CauseKind.ENFORCEMENT_ACTION and Fact.STRANGER not in cause.facts


def _evidence(verdict: Verdict, page: Page, wording: Wording) -> list[str]:
    speaking = sorted(verdict.evidence, key=lambda evidence: (-abs(evidence.weight), evidence.id))
    support = [evidence for evidence in speaking if evidence.weight > 0][:_STRONGEST_FOR]
    contrary = [evidence for evidence in speaking if evidence.weight < 0][:_STRONGEST_AGAINST]
    return [
        *evidence_lines(wording.pro, support, page, wording),
        *evidence_lines(wording.contra, contrary, page, wording),
    ]


def evidence_lines(label: str, pieces: Sequence[WeighedEvidence], page: Page, wording: Wording) -> list[str]:
    """Each piece with its weight, id and time before its statement, and below it where it can be opened."""
    lines: list[str] = []
    wide = max((len(piece.id) for piece in pieces), default=0)
    for piece in pieces:
        head = f"{piece.weight:+.1f} {piece.id:<{wide}} {render_time(piece.time_ns)[11:19]} "
        statement = shortened(say(piece.statement, wording.language), _STATEMENT_COLUMNS)
        hang = 2 if page.width < NARROW else len(head)
        lines += page.labelled("" if lines else label, head + statement, hang=hang)
        lines += page.below(_place(piece, wording), hang)
    return lines


def _place(evidence: WeighedEvidence, wording: Wording) -> str:
    place = f"{evidence.file}, {say_place(evidence.locator, wording.language)}"
    if evidence.supplied_by is None:
        return wording.place.format(place=place)
    return wording.place_from.format(place=place, party=wording.parties[Party(evidence.supplied_by.value)])


def request_lines(requests: Sequence[Request], page: Page, wording: Wording) -> list[str]:
    """What to ask for, from whom, and below it why."""
    lines: list[str] = []
    for request in requests:
        party = wording.parties[Party(request.from_side.value)]
        wish = wording.wish.format(what=say(request.what, wording.language), party=party)
        lines += page.labelled("" if lines else wording.ask_for, wish, hang=2)
        lines += page.below(say(request.why, wording.language), 2)
    return lines


def _inputs(verdict: Verdict, page: Page, wording: Wording) -> list[str]:
    places = sum(caveat.count for caveat in verdict.caveats)
    lines = page.labelled(wording.read, wording.files_read.format(files=len(verdict.inputs), places=places))
    alike = _alike(verdict.caveats)
    shown = [shortened(_describe(group, wording), _CAVEAT_COLUMNS) for group in alike[:_CAVEATS_SHOWN]]
    if len(alike) > _CAVEATS_SHOWN:
        shown.append(wording.more_warnings.format(count=len(alike) - _CAVEATS_SHOWN))
    return lines + page.listed(wording.warnings, shown)


def _alike(caveats: Sequence[Caveat]) -> list[list[Caveat]]:
    """Caveats that say the same, of several files or of several names, together."""
    found: dict[str, list[Caveat]] = {}
    for caveat in caveats:
        words = caveat.reason.template if isinstance(caveat.reason, Phrase) else caveat.reason
        found.setdefault(words, []).append(caveat)
    return list(found.values())


def _describe(alike: Sequence[Caveat], wording: Wording) -> str:
    """Where and why the first of them, how many more there are, and how often all of them."""
    caveat, count = alike[0], sum(caveat.count for caveat in alike)
    place = ", ".join(part for part in (caveat.file, say_place(caveat.locator, wording.language)) if part)
    reason = say(caveat.reason, wording.language)
    text = wording.caveat_at.format(place=place, reason=reason) if place else reason
    reasons, files = len({other.reason for other in alike}), len({other.file for other in alike})
    if reasons > 1:
        text = wording.more_alike.format(caveat=text, count=len(alike) - 1)
    elif files > 1:
        text = wording.elsewhere.format(caveat=text, files=files - 1)
    return wording.places.format(caveat=text, count=count) if count != 1 else text
