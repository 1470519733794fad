"""The letter to the customer: half a page that says what happened, who answers by which clause, and how sure that is.

It is written by the provider. Evidence that the customer supplied is cited by its file, the provider's by what it says;
a raw line of the provider's logs stays with the provider, because it may name others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from attribution.model.dossier import Dossier, Entry, EntryKind
from attribution.model.incident import Interval
from attribution.model.topology import Side
from attribution.model.verdict import Cause, Party, Provision, Request, WeighedEvidence
from attribution.report import quantities
from attribution.report.languages import say, say_place
from attribution.report.layout import shortened
from attribution.report.letter_wording import LETTER_WORDINGS, LetterWording
from attribution.report.local_time import local_moment, local_zones, utc_moment
from attribution.report.markdown import code, inline
from attribution.report.summary import AS_LIKELY_AS_NOT, tell_cause
from attribution.report.wording import LANGUAGES, Wording

_MOST_GROUNDS = 3
_MOST_INTERVALS = 3
_WORTH_SAYING = 0.25  # of the weightiest testimony
_LIKELIER_THAN_NOT = 0.5
_EVEN = 0.1  # nearer than this, neither party is likelier than the other
_LONGEST_STATEMENT = 160
_LOGGED = " logged"
_NICKNAME = re.compile(r"\([^\d()][^()]*\)$")  # 3.2(late-payment) is our name for a paragraph that bears no number


def render_letter(dossier: Dossier, lang: str = "en", timezone: str | None = None) -> str:
    """The letter as Markdown, in English or Chinese; `timezone` as for the postmortem."""
    letter = _Letter(dossier, lang, LETTER_WORDINGS[lang], LANGUAGES[lang][0], local_zones(dossier, timezone))
    return "\n\n".join(paragraph for paragraph in letter.paragraphs() if paragraph) + "\n"


@dataclass(frozen=True, slots=True)
class _Letter:
    dossier: Dossier
    language: str
    words: LetterWording
    wording: Wording
    zones: tuple[ZoneInfo, ...]

    def paragraphs(self) -> Iterator[str]:
        words, verdict = self.words, self.dossier.verdict
        title, incident = inline(self.dossier.incident.title), inline(verdict.incident)
        yield f"**{words.subject.format(incident=incident, title=title)}**"
        yield words.greeting
        yield self._joined((self._reported(), self._examined()))
        if verdict.party is Party.UNDETERMINED:
            yield from self._undetermined()
        else:
            yield from self._decided()
        yield self._joined((self._closing(),))
        yield f"{words.farewell}\n\n{self._provider()}"

    def _decided(self) -> Iterator[str]:
        yield self._joined(self._finding())
        yield self._grounds()
        yield self._joined((*self._clauses(), *self._certainty()))
        if self.dossier.verdict.party is Party.NEITHER:
            yield self._asked()

    def _undetermined(self) -> Iterator[str]:
        words, verdict = self.words, self.dossier.verdict
        best = Party(max(verdict.parties, key=lambda party: verdict.parties[party], default=Party.NEITHER.value))
        _, second, *_ = (*sorted(verdict.parties.values(), reverse=True), 0.0, 0.0)
        if {best} <= {Party.CUSTOMER, Party.PROVIDER} and verdict.probability - second < _EVEN:
            leaning = words.even
        else:
            leaning = words.leaning[best].format(probability=self._percent(verdict.probability))
        if verdict.interruption.is_open:
            yield words.unmeasured
        else:
            yield self._joined((*self._interrupted(), words.undetermined, *self._ownerless(), leaning))
        yield self._asked()
        yield words.until_then if verdict.requests else words.stays_open

    def _ownerless(self) -> Iterator[str]:
        """What failed where nobody's part of the network is: known, and yet nobody's to answer for."""
        roots = [cause for cause in self.dossier.verdict.causes if cause.caused_by is None]
        if roots and all(cause.side is None and cause.probability > _LIKELIER_THAN_NOT for cause in roots):
            causes = self.wording.then.join(map(self._cause, roots))
            yield self.words.ownerless.format(causes=causes)

    def _reported(self) -> str:
        first, second = map(inline, self.dossier.incident.service.ends)
        return self.words.reported.format(first=first, second=second, window=self._when(self.dossier.incident.window))

    def _examined(self) -> str:
        origins = {origin.file: origin.supplied_by for origin in self.dossier.incident.origins}
        yours = sum(side is Side.CUSTOMER for side in origins.values())
        files = self.words.files[len(origins) != 1].format(count=len(origins))
        return self.words.examined.format(files=files, yours=yours)

    def _interrupted(self) -> Iterator[str]:
        interruption = self.dossier.verdict.interruption
        if interruption.intervals:
            yield self.words.interrupted.format(seconds=f"{interruption.seconds:.1f}", intervals=self._intervals())

    def _finding(self) -> Iterator[str]:
        """What happened, and on whose side; an apology where it was ours, or partly ours."""
        words, verdict = self.words, self.dossier.verdict
        if verdict.party is Party.NEITHER:
            yield from self._nobodys()
            return
        yield from self._interrupted()
        roots = [cause for cause in verdict.causes if cause.caused_by is None]
        if verdict.party is Party.SHARED:
            causes = self.wording.then.join(map(self._part, roots))
        else:
            own = [cause for cause in roots if cause.side is not None and cause.side.value == verdict.party.value]
            causes = self.wording.then.join(map(self._cause, own or roots))
        yield words.causes[verdict.party].format(causes=causes or words.unnamed)
        if verdict.party is not Party.CUSTOMER:
            yield words.apology

    def _nobodys(self) -> Iterator[str]:
        words, verdict = self.words, self.dossier.verdict
        probability = self._percent(verdict.probability)
        if verdict.interruption.intervals:
            seconds = f"{verdict.interruption.seconds:.1f}"
            yield words.nobodys.format(seconds=seconds, intervals=self._intervals(), probability=probability)
        else:
            yield words.no_interruption.format(probability=probability)
            yield words.may_have_seen

    def _grounds(self) -> str:
        """The weightiest testimony as a short list, of different files where there are several."""
        verdict = self.dossier.verdict
        pieces = sorted(verdict.evidence, key=lambda piece: -piece.weight)
        speaking = [piece for piece in pieces if piece.weight > max(0.0, _WORTH_SAYING * pieces[0].weight)]
        if not speaking or verdict.party is Party.NEITHER:
            return ""
        best: dict[str, WeighedEvidence] = {}
        for cause in verdict.causes:
            first = next((piece for piece in speaking if piece.id in cause.evidence), None)
            if first is not None and cause.caused_by is None:
                best.setdefault(first.file, first)
        for piece in speaking:
            best.setdefault(piece.file, piece)
        rest = (piece for piece in speaking if piece is not best[piece.file])
        told = dict.fromkeys(map(self._ground, (*best.values(), *rest)))  # what reads the same is told once
        return "\n".join((self.words.grounds, "", *(f"- {ground}" for ground in list(told)[:_MOST_GROUNDS])))

    def _ground(self, piece: WeighedEvidence) -> str:
        words = self.words
        if piece.supplied_by is Side.CUSTOMER:
            statement = self._testimony(piece) or inline(
                shortened(say(piece.statement, self.language), _LONGEST_STATEMENT)
            )
            return words.yours.format(file=code(piece.file), locator=self._place(piece), statement=statement)
        device, logged, _ = str(piece.statement).partition(_LOGGED)
        if not logged:
            statement = self._said(piece.statement)
        elif any(entry.kind is EntryKind.OPERATION for entry in self._entries(piece)):
            statement = words.our_operation.format(device=inline(device))
        else:
            statement = self._testimony(piece) or words.our_log.format(device=inline(device))
        return words.ours.format(time=utc_moment(piece.time_ns)[:19], statement=statement)

    def _place(self, piece: WeighedEvidence) -> str:
        return inline(say_place(piece.locator, self.language))

    def _testimony(self, piece: WeighedEvidence) -> str:
        """What a device said, in our words and not in its own; empty where it was no device that said it."""
        words = [entry.text for entry in self._entries(piece) if entry.kind in (EntryKind.ALARM, EntryKind.LOG)]
        return self._said(words[0]) if words and _LOGGED in str(piece.statement) else ""

    def _entries(self, piece: WeighedEvidence) -> list[Entry]:
        return [entry for entry in self.dossier.timeline if entry.evidence == piece.id]

    def _clauses(self) -> Iterator[str]:
        """The deciding clause in its own words; where both sides answer, that of each."""
        verdict, provisions = self.dossier.verdict, {p.id: p for p in self.dossier.verdict.provisions}
        if verdict.party in (Party.CUSTOMER, Party.PROVIDER) and verdict.clause in provisions:
            yield self._clause(self.words.clauses, provisions[verdict.clause], Side(verdict.party.value))
        if verdict.party is Party.SHARED:
            roots = [cause for cause in verdict.causes if cause.caused_by is None and cause.side is not None]
            parts = dict.fromkeys((cause.clause, cause.side) for cause in roots)
            yield self.words.parts.format(document=inline(self._agreement_title()))
            for clause, side in parts:
                if clause in provisions and side is not None:
                    yield self._clause(self.words.clauses_again, provisions[clause], side)

    def _clause(self, templates: Mapping[Side, str], provision: Provision, side: Side) -> str:
        chinese = self.language == "zh"
        document = provision.document_zh if chinese else provision.document_en
        text = inline((provision.text_zh if chinese else provision.text_en).rstrip("。."))
        opening, closing = self.words.quotes
        return templates[side].format(
            clause=inline(_NICKNAME.sub("", provision.id)), document=inline(document), text=f"{opening}{text}{closing}"
        )

    def _certainty(self) -> Iterator[str]:
        """How sure, by which experience, how it may be disputed, and what the service level counts where we answer."""
        words, verdict, reliability = self.words, self.dossier.verdict, self.dossier.reliability
        if verdict.party is Party.NEITHER:
            return
        level = verdict.service_level
        if level is not None and level.minutes_by_party.get(Party.PROVIDER.value):
            minutes = level.minutes_by_party[Party.PROVIDER.value]
            yield words.counts.format(document=inline(self._level_document()), minutes=minutes)
        yield words.sure.format(probability=self._percent(verdict.probability))
        if reliability is not None:
            yield words.proven.format(
                incidents=quantities.count(reliability.incidents), right=self._percent(reliability.right)
            )
        asked = [request for request in verdict.requests if request.from_side is Side.CUSTOMER][:1]
        helpful = "".join(words.helpful.format(what=self._asked_for(request)) for request in asked)
        yield words.dispute.format(helpful=helpful)

    def _asked(self) -> str:
        """What would settle it: what we ask the customer for, and what we fetch ourselves."""
        lines: list[str] = []
        for side, introduction in ((Side.CUSTOMER, self.words.please_send), (Side.PROVIDER, self.words.we_obtain)):
            wanted = [request for request in self.dossier.verdict.requests if request.from_side is side]
            if wanted:
                lines += [*([""] if lines else []), introduction, "", *map(self._request, wanted)]
        return "\n".join(lines)

    def _request(self, request: Request) -> str:
        what = self._asked_for(request)
        if request.from_side is Side.PROVIDER:
            return f"- {what}"
        return f"- {self.words.because.format(what=what, why=self._said(request.why))}"

    def _asked_for(self, request: Request) -> str:
        """What is asked for, without a full stop, as a part of a sentence."""
        return inline(say(request.what, self.language).rstrip("。. "))

    def _closing(self) -> str:
        verdict = self.dossier.verdict
        waiting = verdict.party is not Party.UNDETERMINED or verdict.requests
        return self.words.closings[verdict.party] if waiting else ""

    def _provider(self) -> str:
        agreement = self.dossier.agreement
        return inline(agreement.provider_zh if self.language == "zh" else agreement.provider_en) or self.words.provider

    def _agreement_title(self) -> str:
        agreement = self.dossier.agreement
        return agreement.title_zh if self.language == "zh" else agreement.title_en

    def _level_document(self) -> str:
        agreement = self.dossier.agreement
        return agreement.service_level_document_zh if self.language == "zh" else agreement.service_level_document

    def _part(self, cause: Cause) -> str:
        return self.words.part.format(
            side=self.words.sides[cause.side], cause=self._cause(cause), seconds=f"{cause.seconds:.1f}"
        )

    def _cause(self, cause: Cause) -> str:
        """What happened, told by one of the two that it happened between."""
        own = self.words.own_causes.get((cause.kind, cause.side))
        if own is None or cause.probability < AS_LIKELY_AS_NOT:
            return inline(tell_cause(cause, self.wording))
        grounds = (text for fact, text in self.words.grounds_of_enforcement.items() if fact in cause.facts)
        return inline(own.format(component=cause.component, ground=next(grounds, "")))

    def _intervals(self) -> str:
        return self.words.and_.join(map(self._when, self.dossier.verdict.interruption.intervals[:_MOST_INTERVALS]))

    def _when(self, interval: Interval) -> str:
        """Date and times of day in UTC, and in the zones of the ends."""
        start, end = utc_moment(interval.start_ns)[:19], utc_moment(interval.end_ns)[:19]
        same_day = start[:10] == end[:10]
        told = self.words.interval.format(date=start[:10], start=start[11:], end=end[11:] if same_day else end)
        there = ", ".join(self._there(interval, zone) for zone in self.zones)
        return f"{told} ({there})" if there else told

    def _there(self, interval: Interval, zone: ZoneInfo) -> str:
        start, end = local_moment(interval.start_ns, zone)[:19], local_moment(interval.end_ns, zone)[:19]
        same_day = start[:10] == utc_moment(interval.start_ns)[:10] == end[:10]
        return self.words.local.format(
            start=start[11:] if same_day else start, end=end[11:] if same_day else end, zone=zone.key
        )

    def _said(self, text: str) -> str:
        return inline(say(text, self.language))

    def _percent(self, probability: float) -> str:
        return inline(self.wording.likelihood(probability))

    def _joined(self, sentences: Iterable[str]) -> str:
        return ("" if self.language == "zh" else " ").join(sentences)
