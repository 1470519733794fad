"""Why the verdict is what it is, at a terminal: for it, against each other answer, and what would change it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attribution.model.explanation import Explanation, Lacking, Rival
from attribution.model.verdict import Party, Verdict, WeighedEvidence
from attribution.report.grid import Column, Line, render_grid
from attribution.report.languages import say_place
from attribution.report.layout import Page, Style
from attribution.report.summary import describe_cause
from attribution.report.table import clause_lines, evidence_lines, headline, request_lines
from attribution.report.wording import ENGLISH, EXPLAINING, ExplanationWording, Wording

_STRONGEST = 5
_CONTRARY = 3
_NARROW = 60
_WIDEST = 120


def render_explanation(
    explanation: Explanation,
    width: int = 100,
    colour: bool = False,
    wording: Wording = ENGLISH,
    words: ExplanationWording = EXPLAINING,
) -> str:
    """The whole explanation as text of at most `width` columns; `colour` allows ANSI styles."""
    page = Page(min(max(40, width), _WIDEST), colour)
    verdict = explanation.verdict
    sections = [
        [*headline(verdict, page, wording), *clause_lines(verdict, page, wording)],
        _why(verdict, page, wording, words),
        *(_why_not(rival, verdict, page, wording, words) for rival in explanation.rivals),
        _what_would_change_it(explanation, page, wording, words),
    ]
    if explanation.lacking is not None:
        sections.append(_side_by_side(verdict, explanation.lacking, page, wording, words))
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _title(text: str, page: Page) -> list[str]:
    return page.paragraph(text, 0, Style.BOLD)


def _why(verdict: Verdict, page: Page, wording: Wording, words: ExplanationWording) -> list[str]:
    lines = _for_and_against(verdict.evidence, page, wording, words.for_it, words.against_it)
    return [*_title(words.why, page), *lines] if lines else []


def _for_and_against(
    evidence: Iterable[WeighedEvidence], page: Page, wording: Wording, pro: str, contra: str
) -> list[str]:
    """The weightiest pieces under either label; those with a positive weight under the first."""
    ranked = sorted(evidence, key=lambda piece: (-abs(piece.weight), int(piece.id[1:])))
    support = [piece for piece in ranked if piece.weight > 0][:_STRONGEST]
    contrary = [piece for piece in ranked if piece.weight < 0][:_CONTRARY]
    return [*evidence_lines(pro, support, page, wording), *evidence_lines(contra, contrary, page, wording)]


def _why_not(rival: Rival, verdict: Verdict, page: Page, wording: Wording, words: ExplanationWording) -> list[str]:
    party, probability = wording.parties[rival.party], wording.likelihood(rival.probability)
    lines = _title(words.why_not.format(party=party, probability=probability), page)
    if rival.causes:
        named = wording.then.join(describe_cause(cause, wording) for cause in rival.causes)
        lines += page.labelled(words.it_would_take, named)
        told = _for_and_against(rival.evidence, page, wording, words.against_it, words.for_it)
        return lines + (told or page.labelled(words.against_it, words.nothing_against))
    return lines + page.labelled(words.against_it, _ground(rival.party, verdict, wording, words))


def _ground(party: Party, verdict: Verdict, wording: Wording, words: ExplanationWording) -> str:
    if not verdict.interruption.detected:
        return words.unmeasured if verdict.interruption.is_open else words.no_interruption
    if party is Party.NEITHER:
        return words.interrupted.format(seconds=wording.duration(verdict.interruption.seconds))
    return words.not_both if party is Party.SHARED else words.nothing_against


def _what_would_change_it(
    explanation: Explanation, page: Page, wording: Wording, words: ExplanationWording
) -> list[str]:
    verdict = explanation.verdict
    rests = [
        words.without.format(
            file=", ".join(pillar.omission.files), answer=_compared(pillar.verdict, verdict, wording, words)
        )
        for pillar in explanation.pillars
    ]
    lines = page.listed(words.rests_on, rests)
    asked = request_lines(verdict.requests, page, wording)
    lines += asked or page.listed("" if lines else words.rests_on, [words.settled])
    return [*_title(words.what_would_change_it, page), *lines]


def _compared(after: Verdict, before: Verdict, wording: Wording, words: ExplanationWording) -> str:
    if (after.party, after.clause) == (before.party, before.clause):
        return words.the_same.format(probability=wording.likelihood(after.probability))
    return _answer(after, wording, words)


def _answer(verdict: Verdict, wording: Wording, words: ExplanationWording) -> str:
    template = words.answer if verdict.clause is None else words.answer_by_clause
    return template.format(
        party=wording.names[verdict.party],
        clause=verdict.clause,
        probability=wording.likelihood(verdict.probability),
    )


def _side_by_side(
    before: Verdict, lacking: Lacking, page: Page, wording: Wording, words: ExplanationWording
) -> list[str]:
    """The two verdicts in columns, or one below the other where the page is narrow, and what changed."""
    after, omission = lacking.verdict, lacking.omission
    lines = _title(words.left_aside.format(names=", ".join(omission.asked)), page)
    if omission.files:
        total = len(omission.files) + len(after.inputs) - len(("incident.yaml", "the topology"))
        named = words.whole_files.format(files=len(omission.files), all=total, names=", ".join(omission.files))
        lines += page.labelled(words.files_left_aside, named)
    if omission.places:
        places = "; ".join(f"{file}, {say_place(locator, wording.language)}" for file, locator in omission.places)
        lines += page.labelled(words.files_left_aside, words.single_places.format(places=places))
    rows = list(_rows(before, after, wording, words))
    if page.width < _NARROW:
        for label, first, second in rows:
            lines += page.labelled(label, f"{first} → {second}")
    else:
        columns = (Column("", right=False), Column(words.with_all, right=False), Column(words.with_less, right=False))
        lines += render_grid(page, columns, [Line(row) for row in rows], indent=0)
    return lines + page.listed(words.changed, changes(before, after, words, wording))


def _rows(
    before: Verdict, after: Verdict, wording: Wording, words: ExplanationWording
) -> Iterator[tuple[str, str, str]]:
    yield words.party, wording.names[before.party], wording.names[after.party]
    yield words.clause, before.clause or "–", after.clause or "–"
    yield words.probability, wording.likelihood(before.probability), wording.likelihood(after.probability)
    for party in before.parties:
        first, second = (wording.likelihood(verdict.parties[party]) for verdict in (before, after))
        yield f"  {wording.names.get(party, party)}", first, second
    spent = [wording.duration(verdict.interruption.seconds) for verdict in (before, after)]
    yield words.interruption, spent[0], spent[1]
    causes = [[describe_cause(cause, wording) for cause in verdict.causes] for verdict in (before, after)]
    causes = [own or [words.nothing] for own in causes]
    for number in range(max(map(len, causes))):
        first, second = (own[number] if number < len(own) else "" for own in causes)
        yield "" if number else words.causes, first, second


def changes(
    before: Verdict, after: Verdict, words: ExplanationWording = EXPLAINING, wording: Wording = ENGLISH
) -> list[str]:
    """In what two verdicts on one incident differ, besides how sure they are."""
    found: list[tuple[str, str, str]] = []
    if before.party is not after.party:
        found.append((words.party, wording.names[before.party], wording.names[after.party]))
    if before.clause != after.clause:
        found.append((words.clause, before.clause or "–", after.clause or "–"))
    if before.interruption.detected != after.interruption.detected:
        states = [words.found if one.interruption.detected else words.not_found for one in (before, after)]
        found.append((words.interruption, states[0], states[1]))
    elif abs(before.interruption.seconds - after.interruption.seconds) >= 0.1:
        spent = [wording.duration(verdict.interruption.seconds) for verdict in (before, after)]
        found.append((words.interruption, spent[0], spent[1]))
    kinds = [[(cause.component, cause.kind) for cause in verdict.causes] for verdict in (before, after)]
    if kinds[0] != kinds[1]:
        first, second = (_named(verdict, words, wording) for verdict in (before, after))
        found.append((words.causes, first, second))
    if not found:
        return [words.unchanged if before.probability != after.probability else words.nothing]
    return [words.change.format(what=what, before=one, after=other) for what, one, other in found]


def _named(verdict: Verdict, words: ExplanationWording, wording: Wording) -> str:
    if wording.language != "en":
        return wording.comma.join(describe_cause(cause, wording) for cause in verdict.causes) or words.nothing
    return ", ".join(f"{cause.component} {cause.kind.value}" for cause in verdict.causes) or words.nothing
