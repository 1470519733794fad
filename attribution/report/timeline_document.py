"""The timeline for programs: one JSON object, one object a line, or CSV; rules/schemas/timeline.json describes it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from attribution.model.case_tables import timeline_table
from attribution.model.dossier import Dossier, Entry
from attribution.report.capture_records import render_csv, render_ndjson
from attribution.report.json_document import evidence_document
from attribution.report.moment import render_time

SCHEMA = "attribution/timeline/1"


def render_timeline_json(dossier: Dossier, entries: Sequence[Entry]) -> str:
    """One object, ASCII only; its evidence tells what the ids stand for."""
    verdict = dossier.verdict
    document = {
        "schema": SCHEMA,
        "incident": verdict.incident,
        "interruption": [
            {"start": render_time(interval.start_ns), "end": render_time(interval.end_ns)}
            for interval in verdict.interruption.intervals
        ],
        "clocks": [
            {
                "source": str(clock.source),
                "supplied_by": None if clock.supplied_by is None else clock.supplied_by.value,
                "added_s": round(clock.added_ns / 1e9, 9),
                "why": str(clock.why),
            }
            for clock in dossier.clocks
        ],
        "entries": [entry_document(entry) for entry in entries],
        "evidence": [evidence_document(piece) for piece in verdict.evidence],
    }
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def entry_document(entry: Entry) -> dict[str, object]:
    """One entry with its times, on the aligned clocks and as the file states them."""
    return {
        "time": render_time(entry.interval.start_ns),
        "end": render_time(entry.interval.end_ns),
        "stated": render_time(entry.stated_ns),
        "lane": str(entry.lane),
        "kind": entry.kind.value,
        "component": entry.component,
        "side": None if entry.side is None else entry.side.value,
        "text": str(entry.text),
        "count": entry.count,
        "evidence": entry.evidence,
        "file": entry.file,
        "locator": entry.locator,
        "supplied_by": None if entry.supplied_by is None else entry.supplied_by.value,
        "raw": entry.raw,
    }


def render_timeline_ndjson(entries: Sequence[Entry]) -> str:
    """One entry a line; the first names the schema."""
    return render_ndjson([timeline_table(entries)], SCHEMA)


def render_timeline_csv(entries: Sequence[Entry]) -> str:
    """A line of names, then one for each entry."""
    return render_csv(timeline_table(entries))
