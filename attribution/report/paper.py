"""What papers about a decided incident have in common: language, clocks, and names for causes and evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from attribution.model.dossier import Dossier
from attribution.model.incident import Interval
from attribution.model.observation import Caveat
from attribution.model.topology import Side
from attribution.model.verdict import Cause, Party, WeighedEvidence
from attribution.report.languages import say, say_place
from attribution.report.local_time import local_moment, offset_name, utc_moment
from attribution.report.markdown import code, inline
from attribution.report.postmortem_wording import PostmortemWording
from attribution.report.summary import describe_cause, summarise
from attribution.report.wording import Wording


@dataclass(frozen=True, slots=True)
class Paper:
    """A dossier to be written down in one language; `zones` are told beside UTC."""

    dossier: Dossier
    language: str
    words: PostmortemWording
    wording: Wording
    zones: tuple[ZoneInfo, ...]
    version: str

    def heading(self, key: str) -> str:
        return f"## {self.words.headings[key]}"

    def said(self, text: str) -> str:
        """A sentence in the paper's language, safe in Markdown."""
        return inline(say(text, self.language))

    def sentences(self, parts: Iterable[str]) -> str:
        """Sentences one after the other, as the language parts them."""
        return ("" if self.language == "zh" else " ").join(parts)

    def summary(self) -> str:
        return summarise(self.dossier.verdict, self.wording)

    def percent(self, probability: float) -> str:
        return inline(self.wording.likelihood(probability))

    def span(self, interval: Interval) -> str:
        return f"{utc_moment(interval.start_ns)} – {utc_moment(interval.end_ns)} UTC"

    def agreement_title(self) -> str:
        agreement = self.dossier.agreement
        return agreement.title_zh if self.language == "zh" else agreement.title_en

    def level_document(self) -> str:
        agreement = self.dossier.agreement
        chinese = self.language == "zh" and agreement.service_level_document_zh
        return agreement.service_level_document_zh if chinese else agreement.service_level_document

    def caveat(self, caveat: Caveat) -> str:
        """What was left out or is less sure, where, and how often."""
        place = ", ".join(part for part in (caveat.file, say_place(caveat.locator, self.language)) if part)
        reason = say(caveat.reason, self.language)
        text = self.wording.caveat_at.format(place=place, reason=reason) if place else reason
        return inline(self.wording.places.format(caveat=text, count=caveat.count) if caveat.count != 1 else text)

    def cause(self, cause: Cause) -> str:
        return inline(describe_cause(cause, self.wording))

    def side(self, side: Side | None) -> str:
        return self.words.nobodys if side is None else self.words.sides[side]

    def party(self, party: str) -> str:
        return self.wording.parties[Party(party)]

    def ids(self) -> Mapping[int, str]:
        """Names of the causes in the order of the verdict, c1 and on, by the cause's identity."""
        return {id(cause): f"c{number}" for number, cause in enumerate(self.dossier.verdict.causes, 1)}

    def named(self, component: str | None) -> str:
        """The name of the first cause at a component."""
        causes = enumerate(self.dossier.verdict.causes, 1)
        return next((f"c{number}" for number, cause in causes if cause.component == component), code(component or ""))

    def clock_columns(self) -> tuple[str, ...]:
        onset_ns = self.onset_ns()
        return ("UTC", *(f"{zone.key} ({offset_name(onset_ns, zone)})" for zone in self.zones))

    def clock_cells(self, time_ns: int) -> tuple[str, ...]:
        return (utc_moment(time_ns), *(local_moment(time_ns, zone) for zone in self.zones))

    def onset_ns(self) -> int:
        """When it began: of the interruption where one was found, else of the complaint."""
        starts = [interval.start_ns for interval in self.dossier.verdict.interruption.intervals]
        return min(starts, default=self.dossier.incident.window.start_ns)

    def end_ns(self) -> int:
        ends = [interval.end_ns for interval in self.dossier.verdict.interruption.intervals]
        return max(ends, default=self.dossier.incident.window.end_ns)

    def place(self, file: str, locator: str) -> str:
        """Where something can be opened."""
        return f"{code(file)}, {inline(say_place(locator, self.language))}" if locator else code(file)


def weights_of(evidence: Iterable[WeighedEvidence]) -> dict[str, float]:
    return {piece.id: piece.weight for piece in evidence}


def listed(names: Iterable[str]) -> str:
    return ", ".join(names)
