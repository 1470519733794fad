"""What the page's template is given: a dossier put into the order in which the page shows it, with its drawings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from attribution.model.dossier import ClockCorrection, Dossier, Entry, EntryKind, Excerpt, LossSeries, RateSeries
from attribution.model.explanation import Rival
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.program import program_version
from attribution.model.topology import Node, NodeKind, Side
from attribution.model.verdict import Cause, InputFile, Party, Provision, WeighedEvidence
from attribution.report import quantities
from attribution.report.json_document import SCHEMA
from attribution.report.languages import ENGLISH, say_place
from attribution.report.moment import render_moment, render_time
from attribution.report.page import charts
from attribution.report.page.labels import Labels
from attribution.report.page.lanes import Lanes, draw_lanes, mark_shape
from attribution.report.page.markup import element
from attribution.report.page.network_layout import Layout
from attribution.report.page.network_map import LETTERS, Fault, draw_map, faults_of
from attribution.report.page.time_axis import shown_time
from attribution.report.summary import summarise
from attribution.report.wording import percent

OPEN_CHARTS, FOLDED_CHARTS = 9, 27
MOST_RATES = 12
MOST_ENTRIES = 500
MOST_SERIES = 200
_FILES_OF_A_CAVEAT = 3
_RIVAL_EVIDENCE = 5


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """A piece of evidence as the verdict's table shows it; `bar` is its weight as a share of the heaviest."""

    piece: WeighedEvidence
    bar: float
    excerpts: tuple[Excerpt, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """One small drawing with the figures of its table."""

    series: LossSeries
    drawing: Markup
    during: tuple[int, int]
    rows: tuple[charts.Bin, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class CaveatGroup:
    """Caveats of one kind: their reason, how many places, and some of where."""

    reason: str
    places: int
    where: tuple[str, ...]
    more: int


class View:
    """The dossier as the template asks for it; each part is worked out when it is first asked for."""

    def __init__(self, dossier: Dossier, labels: Labels) -> None:
        self.dossier, self.labels = dossier, labels
        self.incident, self.topology, self.verdict = dossier.incident, dossier.topology, dossier.verdict
        self.interruption = dossier.verdict.interruption
        self.version, self.schema = program_version(), SCHEMA
        self._map = draw_map(dossier, labels)

    # Words.

    def say(self, phrase: str) -> str:
        """A sentence of the evidence in the page's language."""
        return self.labels.say(phrase)

    def place(self, file: str, locator: str) -> str:
        """Where something stands, in the page's language."""
        return ", ".join(part for part in (file, say_place(locator, self.labels.language)) if part)

    @property
    def summary(self) -> str:
        return self.verdict.summary if self.labels.language == ENGLISH else summarise(self.verdict, self.labels.wording)

    @staticmethod
    def percent(share: float) -> str:
        return percent(share)

    @staticmethod
    def seconds(seconds: float) -> str:
        return f"{seconds:,.1f} s"

    @staticmethod
    def count(number: int) -> str:
        return quantities.count(number)

    @staticmethod
    def octets(number: float) -> str:
        return quantities.octets(number)

    @staticmethod
    def rate(bps: float) -> str:
        return quantities.rate(bps)

    @staticmethod
    def share(part: int, whole: int) -> str:
        return quantities.share(part / whole if whole else None)

    @staticmethod
    def moment(time_ns: int) -> str:
        return render_moment(time_ns)

    @staticmethod
    def stamp(time_ns: int) -> str:
        return render_time(time_ns)

    def clock(self, time_ns: int) -> str:
        """The time of day to the millisecond; with the date where that is not the day of the reported window."""
        written = render_time(time_ns)
        return written[11:-1] if written[:10] == self._day else f"{written[:10]} {written[11:-1]}"

    @cached_property
    def _day(self) -> str:
        return render_time(self.incident.window.start_ns)[:10]

    @staticmethod
    def added(nanoseconds: int) -> str:
        return f"{nanoseconds / NANOSECONDS:+,.6f} s".replace("-", "−")

    @staticmethod
    def weight(weight: float) -> str:
        return f"{weight:+.1f}".replace("-", "−")

    # 1. The verdict.

    @property
    def party(self) -> str:
        return self.verdict.party.value

    @property
    def started(self) -> int:
        return min(interval.start_ns for interval in self.interruption.intervals)

    @property
    def roots(self) -> list[Cause]:
        return [cause for cause in self.verdict.causes if cause.caused_by is None]

    @property
    def most_probable(self) -> Party:
        return Party(max(self.verdict.parties, key=lambda party: self.verdict.parties[party]))

    @property
    def deciding_clauses(self) -> list[str]:
        """The clause of the verdict first; where each side answers for its own part, those of all root causes."""
        own = [cause.clause for cause in self.roots if self.verdict.party is Party.SHARED]
        return list(dict.fromkeys(clause for clause in (self.verdict.clause, *own) if clause is not None))

    @property
    def deciding(self) -> list[Provision]:
        """The deciding clauses in their words."""
        return [provision for provision in self.verdict.provisions if provision.id in self.deciding_clauses]

    @cached_property
    def seconds_bar(self) -> Markup:
        shares = [(self._owner_style(party), seconds) for party, seconds in self.interruption.seconds_by_party.items()]
        return charts.draw_shares(shares, self.labels("verdict.seconds"), "seconds-bar")

    @cached_property
    def parties_bar(self) -> Markup:
        shares = [(self._owner_style(party), mass) for party, mass in self.verdict.parties.items()]
        return charts.draw_shares(shares, self.labels("verdict.parties"), "parties-bar")

    @staticmethod
    def _owner_style(party: str) -> str:
        return "nobody" if party == Party.UNDETERMINED else party

    @property
    def candidates(self) -> list[tuple[str, float, tuple[Cause, ...], Rival | None]]:
        """Where nobody is named: every party that may well be, with the cause by which it would be."""
        rivals = {rival.party.value: rival for rival in self.dossier.rivals}
        found = [
            (party, mass, rivals[party].causes if party in rivals else self.verdict.causes, rivals.get(party))
            for party, mass in self.verdict.parties.items()
            if mass >= 0.01
        ]
        return sorted(found, key=lambda candidate: -candidate[1])

    # 2. The map.

    @property
    def map_lengthwise(self) -> Markup:
        return self._map[0]

    @property
    def map_upright(self) -> Markup:
        return self._map[1]

    @property
    def layout(self) -> Layout:
        return self._map[2]

    @property
    def faults(self) -> tuple[Fault, ...]:
        return faults_of(self.verdict.causes)

    @property
    def nodes(self) -> list[Node]:
        """The nodes of the map along the service's way."""
        places = self.layout.places
        return [self.topology.nodes[node] for node in sorted(places, key=lambda node: (places[node], node))]

    @property
    def node_kinds(self) -> list[NodeKind]:
        return [kind for kind in NodeKind if any(node.kind is kind for node in self.nodes)]

    @staticmethod
    def letter(kind: NodeKind) -> str:
        return LETTERS[kind]

    def neighbours(self, node: str) -> list[str]:
        return [link.far_end(node) for link in self.layout.links if node in link.ends]

    def notes(self, node: Node) -> list[str]:
        """What the drawing shows of a node besides its kind and side."""
        t = self.labels
        found = [t("map.end")] if node.id in self.incident.service.ends else []
        ports = sorted({port or "" for device, port in self.dossier.capture_points if device == node.id})
        found += [f"{t('map.capture_point')} {port}".strip() for port in ports]
        for fault in self.faults:
            link = self.topology.links.get(fault.cause.component)
            if fault.cause.component == node.id or (link is not None and node.id in link.ends):
                found.append(f"{fault.number} {t.cause(fault.cause)}")
        return found

    # 3. The timeline.

    @cached_property
    def lanes(self) -> Lanes:
        return draw_lanes(self.dossier, {node: place[0] for node, place in self.layout.places.items()}, self.labels)

    def clock_source(self, clock: ClockCorrection) -> str:
        """Whose clock it was: a file's, or that of all that a side handed in."""
        sides = {side.value: self.labels.side(side) for side in Side}
        return sides.get(clock.source, self.labels.say(clock.source))

    @property
    def entry_kinds(self) -> list[EntryKind]:
        return [kind for kind in EntryKind if any(entry.kind is kind for entry in self.dossier.timeline)]

    @staticmethod
    def key(kind: EntryKind) -> Markup:
        """The shape of a kind of entry, for the legend."""
        shape = element("g", mark_shape(kind, 8, 8), class_=f"mark {kind.value}")
        return element("svg", shape, viewBox="0 0 16 16", class_="key", aria_hidden="true")

    @cached_property
    def entries(self) -> list[Entry]:
        """What the table of the timeline lists: all, or the cited ones and those nearest to the interruption."""
        timeline = self.dossier.timeline
        if len(timeline) <= MOST_ENTRIES:
            return list(timeline)
        shown = shown_time(self.dossier)

        def distance(place: int) -> tuple[bool, int, int]:
            interval = timeline[place].interval
            off = max(0, shown.start_ns - interval.end_ns, interval.start_ns - shown.end_ns)
            return timeline[place].evidence is None, off, place

        return [timeline[place] for place in sorted(sorted(range(len(timeline)), key=distance)[:MOST_ENTRIES])]

    # 4. Loss and throughput.

    @cached_property
    def _during(self) -> Sequence[Interval]:
        return self.interruption.intervals or (self.incident.window,)

    @cached_property
    def _series(self) -> list[tuple[LossSeries, tuple[int, int]]]:
        """Series with what they lost during the interruption: the heaviest loss first, then what was sent most."""
        measured = [(series, charts.within(series, self._during)) for series in self.dossier.losses if series.sent]

        def order(pair: tuple[LossSeries, tuple[int, int]]) -> tuple[bool, float, int, str]:
            series, (sent, lost) = pair
            return not lost, -lost / max(1, sent), -sent, series.name

        return sorted(measured, key=order)

    @cached_property
    def lossy(self) -> list[Chart]:
        return self._charts([pair for pair in self._series if pair[1][1]], "lossy")

    @cached_property
    def clean(self) -> list[Chart]:
        return self._charts([pair for pair in self._series if not pair[1][1]], "clean")

    def _charts(self, chosen: Sequence[tuple[LossSeries, tuple[int, int]]], name: str) -> list[Chart]:
        most = FOLDED_CHARTS if name == "lossy" else OPEN_CHARTS
        shown = shown_time(self.dossier)
        found = []
        for place, (series, during) in enumerate(chosen[:most]):
            drawing = charts.draw_loss(series, f"loss-{name}-{place}", shown, self.interruption.intervals, self.labels)
            rows, left_out = charts.table_rows(series)
            found.append(Chart(series, drawing, during, tuple(rows), left_out))
        return found

    @property
    def all_series(self) -> list[tuple[LossSeries, tuple[int, int]]]:
        return self._series[:MOST_SERIES]

    @cached_property
    def rates(self) -> list[tuple[RateSeries, Markup]]:
        """The ports and capture points on the service's way first, as many as a reader looks at."""

        def order(series: RateSeries) -> tuple[bool, float, float, str]:
            column, row = self.layout.places.get(series.device, (0.0, 99.0))
            return row != 0, column, row, series.name

        chosen = sorted((series for series in self.dossier.rates if series.bps), key=order)[:MOST_RATES]
        shown, during = shown_time(self.dossier), self.interruption.intervals
        return [
            (series, charts.draw_rate(series, f"rate-{place}", shown, during, self.labels))
            for place, series in enumerate(chosen)
        ]

    @staticmethod
    def rate_rows(series: RateSeries) -> list[tuple[int, int, float]]:
        """A rate series for reading, in at most two dozen rows of equal length."""
        bins = list(zip(series.starts_ns, series.ends_ns, series.bps, strict=True))
        size = -(-len(bins) // 24)
        rows = []
        for start in range(0, len(bins), max(1, size)):
            part = bins[start : start + size]
            lasted = sum(end - begin for begin, end, _ in part) or 1
            rows.append((part[0][0], part[-1][1], sum(bps * (end - begin) for begin, end, bps in part) / lasted))
        return rows

    # 5. and 6. Causes, rivals, evidence.

    @cached_property
    def evidence(self) -> list[EvidenceRow]:
        pieces = sorted(self.verdict.evidence, key=lambda piece: (-abs(piece.weight), _number(piece.id)))
        heaviest = max((abs(piece.weight) for piece in pieces), default=1.0) or 1.0
        return [EvidenceRow(piece, abs(piece.weight) / heaviest, self.excerpts(piece.id)) for piece in pieces]

    def excerpts(self, evidence: str) -> tuple[Excerpt, ...]:
        return tuple(excerpt for excerpt in self.dossier.excerpts if excerpt.evidence == evidence)

    @staticmethod
    def is_numbered(excerpt: Excerpt) -> bool:
        """Whether its first column says again what number each row has, as a packet list does."""
        return len(excerpt.columns) > 1 and all(row.cells[:1] == (str(row.number),) for row in excerpt.rows)

    @cached_property
    def cited(self) -> frozenset[str]:
        return frozenset(piece.id for piece in self.verdict.evidence)

    @property
    def files(self) -> list[str]:
        return sorted({piece.file for piece in self.verdict.evidence})

    def causes_in_words(self, causes: Sequence[Cause]) -> str:
        return self.labels("rivals.then").join(self.labels.cause(cause) for cause in causes)

    def told_for(self, rival: Rival) -> list[WeighedEvidence]:
        return self._heaviest(piece for piece in rival.evidence if piece.weight < 0)

    def told_against(self, rival: Rival) -> list[WeighedEvidence]:
        return self._heaviest(piece for piece in rival.evidence if piece.weight > 0)

    @staticmethod
    def _heaviest(pieces: Iterator[WeighedEvidence]) -> list[WeighedEvidence]:
        return sorted(pieces, key=lambda piece: (-abs(piece.weight), _number(piece.id)))[:_RIVAL_EVIDENCE]

    @cached_property
    def reliability(self) -> Markup:
        found = self.dossier.reliability
        return charts.draw_reliability(found, self.labels) if found is not None else Markup()

    # 8. What it was read from.

    def supplier(self, file: InputFile) -> str:
        origins = [origin for origin in self.incident.origins if origin.file == file.file]
        return self.labels.owner(origins[0].supplied_by) if origins and origins[0].supplied_by is not None else ""

    def in_agreement(self, provision: Provision) -> object:
        """The clause as the agreement has it, with its note; None where the agreement has no such clause."""
        return self.dossier.agreement.clauses.get(provision.id)

    @cached_property
    def caveats(self) -> list[CaveatGroup]:
        """Caveats of one reason together, the most frequent first."""
        groups: dict[str, list[tuple[str, int]]] = {}
        for caveat in self.verdict.caveats:
            place = self.place(caveat.file, caveat.locator)
            groups.setdefault(caveat.reason, []).append((place, caveat.count))
        found = [
            CaveatGroup(
                reason,
                sum(count for _, count in places),
                tuple(place for place, _ in places[:_FILES_OF_A_CAVEAT] if place),
                max(0, len(places) - _FILES_OF_A_CAVEAT),
            )
            for reason, places in groups.items()
        ]
        return sorted(found, key=lambda group: -group.places)

    @property
    def caveat_places(self) -> int:
        return sum(group.places for group in self.caveats)


def _number(evidence: str) -> tuple[int, str]:
    """Ids in the order of their numbers."""
    digits = evidence.lstrip("e")
    return (int(digits) if digits.isdecimal() else 0, evidence)
