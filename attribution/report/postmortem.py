"""The postmortem of a decided incident, as Markdown that people go on writing and scripts can read.

Front matter holds what a program asks for under names that stay; `attribution schema postmortem` describes it. The
sections come in the order that postmortems have. What a person has to add stands as a marked stub.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from attribution.model.dossier import Dossier, LossSeries
from attribution.model.explanation import Rival
from attribution.model.incident import Interval
from attribution.model.program import program_version
from attribution.model.verdict import Cause, Verdict, WeighedEvidence
from attribution.report import quantities
from attribution.report.local_time import local_zones, utc_moment
from attribution.report.markdown import code, front_matter, inline, table
from attribution.report.moment import render_time
from attribution.report.paper import Paper, listed
from attribution.report.postmortem_actions import action_fields, actions
from attribution.report.postmortem_story import contributing_factors, root_causes, timeline
from attribution.report.postmortem_wording import POSTMORTEM_WORDINGS
from attribution.report.wording import LANGUAGES

SCHEMA = "attribution/postmortem/1"
_MOST_WARNINGS = 20
_MOST_AGAINST_RIVAL = 5
_NO_RIVAL = 0.005  # what reads as less than one in a hundred is not worth a line


def render_postmortem(dossier: Dossier, lang: str = "en", timezone: str | None = None) -> str:
    """The postmortem in English or Chinese.

    `timezone` names a zone of the time zone database to tell times in beside UTC, or is `UTC` for none; left out, the
    zones of the regions at the service's ends stand there where the topology states them. Errors: AttributionError for
    a zone that there is not.
    """
    paper = Paper(
        dossier, lang, POSTMORTEM_WORDINGS[lang], LANGUAGES[lang][0], local_zones(dossier, timezone), program_version()
    )
    lines = [*front_matter(_fields(paper)), "", *_title(paper)]
    for key, section in _SECTIONS.items():
        lines += ["", paper.heading(key), "", *section(paper)]
    return "\n".join(lines) + "\n"


def _fields(paper: Paper) -> dict[str, object]:
    """What scripts read, under the names of the verdict's JSON where it has them."""
    dossier, verdict = paper.dossier, paper.dossier.verdict
    intervals = verdict.interruption.intervals
    return {
        "schema": SCHEMA,
        "program": {"name": "attribution", "version": paper.version},
        "language": paper.language,
        "incident": verdict.incident,
        "title": dossier.incident.title,
        "agreement": dossier.agreement.id,
        "party": verdict.party.value,
        "clause": verdict.clause,
        "probability": verdict.probability,
        "parties": dict(verdict.parties),
        "detected": verdict.interruption.detected,
        "start": render_time(paper.onset_ns()) if intervals else None,
        "end": render_time(paper.end_ns()) if intervals else None,
        "seconds": round(verdict.interruption.seconds, 3),
        "seconds_by_party": {party: round(spent, 3) for party, spent in verdict.interruption.seconds_by_party.items()},
        "full_loss_seconds": round(sum(interval.seconds for interval in verdict.interruption.full_loss), 3),
        "full_loss_minutes": verdict.service_level.minutes if verdict.service_level is not None else 0,
        "ends": list(dossier.incident.service.ends),
        "bandwidth_bps": dossier.incident.service.bandwidth_bps,
        "causes": [_cause_fields(paper, cause) for cause in verdict.causes],
        "requests": [
            {
                "id": f"r{number}",
                "from": request.from_side.value,
                "component": request.component,
                "gain_bits": round(request.gain_bits, 3),
            }
            for number, request in enumerate(verdict.requests, 1)
        ],
        "actions": action_fields(paper),
    }


def _cause_fields(paper: Paper, cause: Cause) -> dict[str, object]:
    return {
        "id": paper.ids()[id(cause)],
        "component": cause.component,
        "kind": cause.kind.value,
        "side": None if cause.side is None else cause.side.value,
        "clause": cause.clause,
        "probability": cause.probability,
        "seconds": round(cause.seconds, 3),
        "start": render_time(cause.interval.start_ns),
        "end": render_time(cause.interval.end_ns),
        "caused_by": cause.caused_by,
        "evidence": list(cause.evidence),
    }


def _title(paper: Paper) -> list[str]:
    words, incident = paper.words, paper.dossier.incident
    title = words.title.format(incident=inline(paper.dossier.verdict.incident), title=inline(incident.title))
    return [f"# {title}", "", words.generated.format(version=inline(paper.version))]


def _summary(paper: Paper) -> list[str]:
    dossier, verdict, words = paper.dossier, paper.dossier.verdict, paper.words
    intervals = verdict.interruption.intervals
    roots = [paper.cause(cause) for cause in verdict.causes if cause.caused_by is None]
    window = dossier.incident.window
    values = {
        "answer": paper.wording.headings[verdict.party],
        "clause": inline(verdict.clause) if verdict.clause is not None else words.no_clause,
        "probability": paper.percent(verdict.probability),
        "interruption": "<br>".join(map(paper.span, intervals)) or _nothing_found(paper),
        "cause": paper.wording.then.join(roots) or "–",
        "reported": paper.span(window),
    }
    rows = [(f"**{words.fields[key]}**", value) for key, value in values.items()]
    return [inline(paper.summary()), "", *table(("", ""), rows)]


def _nothing_found(paper: Paper) -> str:
    """Of an interruption: whether there was none that anything shows, or nothing that would show one."""
    return paper.words.unmeasured if paper.dossier.verdict.interruption.is_open else paper.words.nothing_found


def _impact(paper: Paper) -> list[str]:
    dossier, verdict, words = paper.dossier, paper.dossier.verdict, paper.words
    interruption = verdict.interruption
    rows = [
        (*_both_clocks(paper, interval.start_ns, interval.end_ns), f"{interval.seconds:.1f}", _full(paper, interval))
        for interval in interruption.intervals
    ]
    lines = table(words.interval_columns, rows) or [_nothing_found(paper).capitalize() + "."]
    lines.append("")
    if interruption.intervals and interruption.seconds_by_party:
        spent = (f"{paper.party(party)} {seconds:.1f} s" for party, seconds in interruption.seconds_by_party.items())
        lines.append("- " + words.seconds.format(seconds=" · ".join(spent)))
    level = verdict.service_level
    if level is not None:
        minutes = " · ".join(f"{paper.party(party)} {count}" for party, count in level.minutes_by_party.items())
        lines.append("- " + words.lost_minutes.format(document=inline(paper.level_document()), minutes=minutes))
    lines += [f"- {text}" for text in _lost(paper)]
    ends = " – ".join(_end(paper, end) for end in dossier.incident.service.ends)
    lines.append("- " + words.end.format(ends=ends))
    bandwidth = dossier.incident.service.bandwidth_bps
    stated = words.bandwidth_unknown if bandwidth is None else words.bandwidth
    lines.append("- " + stated.format(bandwidth=quantities.rate(bandwidth)))
    return [*lines, "- " + words.only_this_service]


def _both_clocks(paper: Paper, *times_ns: int) -> Iterator[str]:
    for time_ns in times_ns:
        utc, *local = paper.clock_cells(time_ns)
        here = (f"{cell} {zone.key}" for cell, zone in zip(local, paper.zones, strict=True))
        yield "<br>".join((f"{utc} UTC", *here))


def _full(paper: Paper, interval: Interval) -> str:
    spent_ns = sum(
        max(0, min(interval.end_ns, full.end_ns) - max(interval.start_ns, full.start_ns))
        for full in paper.dossier.verdict.interruption.full_loss
    )
    return paper.words.of_it_full.format(seconds=f"{spent_ns / 1e9:.1f}")


def _lost(paper: Paper) -> Iterator[str]:
    """What was lost from end to end within the interruption, each class of traffic by each way of measuring."""
    ends = set(paper.dossier.incident.service.ends)
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    for series in paper.dossier.losses:
        if {series.components[0], series.components[-1]} == ends:
            sent, lost = counts.get((series.traffic, series.method), (0, 0))
            more_sent, more_lost = _within(paper, series)
            counts[series.traffic, series.method] = (sent + more_sent, lost + more_lost)
    for (traffic, method), (sent, lost) in counts.items():
        if sent:
            yield paper.words.lost_packets.format(
                lost=quantities.count(lost),
                sent=quantities.count(sent),
                traffic=inline(traffic),
                method=inline(paper.words.methods.get(method, method)),
            )


def _within(paper: Paper, series: LossSeries) -> tuple[int, int]:
    """Packets sent and lost in the bins that the interruption touches."""
    parts = paper.dossier.verdict.interruption.intervals
    bins = zip(series.starts_ns, series.ends_ns, series.sent, series.lost, strict=True)
    touched = [
        (sent, lost) for start, end, sent, lost in bins if any(part.overlaps(Interval(start, end)) for part in parts)
    ]
    return sum(sent for sent, _ in touched), sum(lost for _, lost in touched)


def _end(paper: Paper, name: str) -> str:
    node = paper.dossier.topology.nodes.get(name)
    if node is None:
        return code(name)
    about = (paper.words.node_kinds[node.kind], paper.side(node.side), *([node.region] if node.region else []))
    return f"{code(name)} ({', '.join(map(inline, about))})"


def _responsibility(paper: Paper) -> list[str]:
    """Each clause with the causes that fall under it, and its words in both languages."""
    verdict, words = paper.dossier.verdict, paper.words
    if not verdict.provisions:
        return [words.no_provision]
    rows, quotes = [], []
    for provision in verdict.provisions:
        under = [cause for cause in verdict.causes if cause.clause == provision.id and cause.caused_by is None]
        clause = paper.dossier.agreement.clauses.get(provision.id)
        burdened = under and under[0].side
        answers = paper.side(burdened) if burdened else words.nobody_answers
        seconds = f"{sum(cause.seconds for cause in under):.1f}" if under else "–"
        rows.append((inline(provision.id), answers, listed(paper.ids()[id(cause)] for cause in under) or "–", seconds))
        foreign = "" if clause is None or clause.official_zh else f" ({words.translation})"
        quotes += [
            "",
            f"**{inline(provision.document_en)}, {inline(provision.id)}** · {inline(provision.document_zh)}",
            "",
            f"> {words.text_en}: {inline(provision.text_en)}",
            ">",
            f"> {words.text_zh}{foreign}: {inline(provision.text_zh)}",
        ]
        if clause is not None and clause.note and paper.language == "en":
            quotes += ["", f"{words.remark}: {inline(clause.note)}"]
    return [*table(words.clause_columns, rows), *quotes]


def _evidence(paper: Paper) -> list[str]:
    speaking = [piece for piece in paper.dossier.verdict.evidence if piece.weight >= 0]
    return [*_evidence_table(paper, speaking), "", paper.words.weight_note]


def _evidence_table(paper: Paper, pieces: list[WeighedEvidence]) -> list[str]:
    rows = [
        (
            piece.id,
            utc_moment(piece.time_ns),
            f"{piece.weight:+.1f}",
            paper.said(piece.statement),
            paper.place(piece.file, piece.locator),
            "–" if piece.supplied_by is None else paper.side(piece.supplied_by),
        )
        for piece in sorted(pieces, key=lambda piece: -abs(piece.weight))
    ]
    return table(paper.words.evidence_columns, rows) or ["–"]


def _against(paper: Paper) -> list[str]:
    """Evidence that speaks for another answer, and the best that can be said for each of the others."""
    against = [piece for piece in paper.dossier.verdict.evidence if piece.weight < 0]
    lines = _evidence_table(paper, against) if against else [paper.words.nothing_against]
    for rival in paper.dossier.rivals:
        if rival.causes or rival.probability > _NO_RIVAL:
            lines += ["", *_rival(paper, rival)]
    return lines


def _rival(paper: Paper, rival: Rival) -> list[str]:
    words, party = paper.words, paper.party(rival.party.value)
    party = party[:1].upper() + party[1:]
    if not rival.causes:
        said = words.rival_without_case.format(party=party, probability=paper.percent(rival.probability))
        return [f"**{said}**"]
    causes = paper.wording.then.join(map(paper.cause, rival.causes))
    lines = [f"**{words.rival.format(party=party, probability=paper.percent(rival.probability), causes=causes)}**"]
    strongest = sorted((piece for piece in rival.evidence if piece.weight > 0), key=lambda piece: -piece.weight)
    rows = [
        (piece.id, f"{piece.weight:+.1f}", paper.said(piece.statement), paper.place(piece.file, piece.locator))
        for piece in strongest[:_MOST_AGAINST_RIVAL]
    ]
    return [*lines, "", *table(words.rival_columns, rows)] if rows else lines


def _requests(paper: Paper) -> list[str]:
    rows = [
        (
            f"r{number}",
            paper.side(request.from_side),
            paper.said(request.what),
            paper.said(request.why),
            f"{request.gain_bits:.2f}",
        )
        for number, request in enumerate(paper.dossier.verdict.requests, 1)
    ]
    return table(paper.words.request_columns, rows) or [paper.words.no_requests]


def _inputs(paper: Paper) -> list[str]:
    files = paper.dossier.verdict.inputs
    rows = [(code(file.file), code(file.sha256), quantities.count(file.octets)) for file in files]
    return table(paper.words.input_columns, rows) or ["–"]


def _method(paper: Paper) -> list[str]:
    dossier, words, verdict = paper.dossier, paper.words, paper.dossier.verdict
    lines = [words.method.format(version=inline(paper.version), agreement=inline(paper.agreement_title())), ""]
    reliability = dossier.reliability
    if reliability is None:
        lines.append(words.no_reliability)
    else:
        lines.append(
            words.reliability.format(
                stated=paper.percent(reliability.stated),
                right=paper.percent(reliability.right),
                incidents=quantities.count(reliability.incidents),
                fitted_on=paper.said(reliability.fitted_on),
            )
        )
    rows = [
        (
            inline(clock.source),
            "–" if clock.supplied_by is None else paper.side(clock.supplied_by),
            f"{clock.added_ns / 1e9:+.3f}",
            paper.said(clock.why),
        )
        for clock in dossier.clocks
    ]
    lines += ["", words.clocks, "", *table(words.clock_columns, rows)] if rows else ["", words.no_clocks]
    return [*lines, *_warnings(paper, verdict)]


def _warnings(paper: Paper, verdict: Verdict) -> list[str]:
    if not verdict.caveats:
        return []
    lines = ["", paper.words.warnings.format(places=quantities.count(sum(c.count for c in verdict.caveats))), ""]
    lines += [f"- {paper.caveat(caveat)}" for caveat in verdict.caveats[:_MOST_WARNINGS]]
    more = len(verdict.caveats) - _MOST_WARNINGS
    return [*lines, f"- {paper.words.more_warnings.format(count=more)}"] if more > 0 else lines


_SECTIONS: Mapping[str, Callable[[Paper], list[str]]] = {
    "summary": _summary,
    "impact": _impact,
    "timeline": timeline,
    "causes": root_causes,
    "factors": contributing_factors,
    "responsibility": _responsibility,
    "evidence": _evidence,
    "against": _against,
    "requests": _requests,
    "actions": actions,
    "inputs": _inputs,
    "method": _method,
}
