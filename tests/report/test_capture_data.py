"""Captures for programs: JSON that keeps to its schema, CSV and NDJSON with the same columns, nothing left out."""

from __future__ import annotations

import csv
import io
import json
from importlib import resources

import pytest
from jsonschema import Draft202012Validator

from attribution.errors import CaptureError
from attribution.model.capture import CaptureSummary, ComparisonSummary
from attribution.model.capture_tables import (
    COMPARISON_TABLES,
    HEALTH_COLUMNS,
    SUMMARY_TABLES,
    comparison_tables,
    flow_table,
    summary_tables,
)
from attribution.packets.tcp_health import HEALTH_NAMES
from attribution.report.capture_document import (
    COMPARISON_SCHEMA,
    SUMMARY_SCHEMA,
    comparison_document,
    render_comparison_json,
    render_summaries_json,
    summary_document,
)
from attribution.report.capture_records import render_csv, render_ndjson
from tests.report.captures import EVERY_CAPTURE, EVERY_COMPARISON, HOSTILE_CAPTURE, LOSSY, TROUBLED


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((resources.files("attribution") / "rules" / "schemas" / f"{name}.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("summary", EVERY_CAPTURE.values(), ids=EVERY_CAPTURE)
def test_every_summary_keeps_to_its_schema(summary: CaptureSummary) -> None:
    text = render_summaries_json([summary], [CaptureError("bad.pcap", "the file is empty", "expected a capture")])

    assert text.isascii()
    validator("capture-summary").validate(json.loads(text))


@pytest.mark.parametrize("summary", EVERY_COMPARISON.values(), ids=EVERY_COMPARISON)
def test_every_comparison_keeps_to_its_schema(summary: ComparisonSummary) -> None:
    text = render_comparison_json(summary)

    assert text.isascii()
    validator("capture-comparison").validate(json.loads(text))


@pytest.mark.parametrize("name", ["capture-summary", "capture-comparison"])
def test_a_schema_admits_no_unknown_key(name: str) -> None:
    document = json.loads(
        render_summaries_json([TROUBLED]) if name == "capture-summary" else render_comparison_json(LOSSY)
    )

    assert validator(name).is_valid(document)
    assert not validator(name).is_valid({**document, "more": 1})


def test_the_document_of_a_summary_keeps_every_figure() -> None:
    document = summary_document(TROUBLED)
    flow = document["flows"][0]  # type: ignore[index]

    assert flow["forward"]["limited_by_ratio"] == {"network": 0.83, "sender": 0.17}
    assert flow["forward"]["acknowledgement_times"]["mean_ms"] == 11.04
    assert flow["forward"]["first"] == "2026-11-23T10:00:30.000000123Z"
    assert flow["silence"]["frame_after"] == 1240
    assert flow["handshake"] == "complete"
    assert document["loss"][0]["bins"][1]["lost_downstream"] == 7  # type: ignore[index]
    assert document["witnesses"][1]["display_filter"] == "frame.number in {44}"  # type: ignore[index]


def test_the_document_of_a_comparison_keeps_every_figure() -> None:
    stretch = comparison_document(LOSSY)["stretches"][2]  # type: ignore[index]

    assert stretch["clock_uncertainty_ms"] == 0.25
    assert stretch["not_compared"] == 9
    assert len(stretch["display_filter"]) > 60
    assert stretch["bins"][0]["loss_ratio"] == 0.04
    assert stretch["flows"][0]["display_filter"] == "udp.port==40000"


@pytest.mark.parametrize("name", SUMMARY_TABLES)
@pytest.mark.parametrize("summary", EVERY_CAPTURE.values(), ids=EVERY_CAPTURE)
def test_csv_of_a_summary_is_one_tidy_table(name: str, summary: CaptureSummary) -> None:
    table = SUMMARY_TABLES[name](summary)
    rows = list(csv.reader(io.StringIO(render_csv(table))))

    assert rows[0] == [column for column, _ in table.columns]
    assert {len(row) for row in rows} == {len(table.columns)}
    assert len(rows) == 1 + len(table.rows)


@pytest.mark.parametrize("name", COMPARISON_TABLES)
def test_csv_of_a_comparison_is_one_tidy_table(name: str) -> None:
    table = COMPARISON_TABLES[name](LOSSY)
    rows = list(csv.reader(io.StringIO(render_csv(table))))

    assert len(rows) == 1 + len(table.rows) > 1
    assert {len(row) for row in rows} == {len(table.columns)}


def test_csv_has_a_row_for_each_direction_of_a_flow() -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv(flow_table(TROUBLED)))))

    assert [(row["flow"], row["direction"], row["source"], row["source_port"]) for row in rows[:2]] == [
        ("1", "forward", "10.0.0.1", "43210"),
        ("1", "backward", "10.0.0.2", "5001"),
    ]
    assert rows[0]["retransmission"] == "31"
    assert rows[0]["limited_by_receiver_ratio"] == "0.0"
    assert rows[0]["silence_frames"] == "1234 1240"
    assert (rows[1]["retransmission"], rows[1]["acknowledgement_count"]) == ("0", "")
    assert (rows[2]["protocol"], rows[2]["retransmission"], rows[2]["lost_upstream"]) == ("udp", "", "")


def test_csv_is_no_formula_and_no_escape_sequence() -> None:
    text = render_csv(SUMMARY_TABLES["witnesses"](HOSTILE_CAPTURE))

    assert "\x1b" not in text
    assert text.splitlines()[1].startswith("'=core\\x1b[31m")


def test_csv_of_several_captures_has_one_header() -> None:
    both = render_csv(flow_table(TROUBLED)) + render_csv(flow_table(TROUBLED), header=False)

    assert len(list(csv.DictReader(io.StringIO(both)))) == 2 * 2 * len(TROUBLED.flows)


@pytest.mark.parametrize("summary", EVERY_CAPTURE.values(), ids=EVERY_CAPTURE)
def test_ndjson_of_a_summary_is_an_object_a_line_that_names_its_kind(summary: CaptureSummary) -> None:
    text = render_ndjson(summary_tables(summary), SUMMARY_SCHEMA)
    records = [json.loads(line) for line in text.splitlines()]

    assert text.isascii()
    assert (records[0]["record"], records[0]["schema"]) == ("capture", "attribution/capture-summary/1")
    assert {record["record"] for record in records} <= {
        "capture", "protocol", "health", "witness", "loss", "flow", "caveat",
    }  # fmt: skip
    assert sum(record["record"] == "flow" for record in records) == 2 * len(summary.flows)


def test_ndjson_of_a_comparison_holds_everything() -> None:
    records = [json.loads(line) for line in render_ndjson(comparison_tables(LOSSY), COMPARISON_SCHEMA).splitlines()]

    assert [record["record"] for record in records] == [
        "comparison", *["clock"] * 3, *["stretch"] * 3, *["bin"] * 3, "stretch_flow", "caveat",
    ]  # fmt: skip
    assert records[4]["frames"] == []
    assert records[7]["time"] == "2026-11-23T10:00:30.000000000Z"


def test_booleans_are_booleans() -> None:
    first = json.loads(render_ndjson(summary_tables(TROUBLED), SUMMARY_SCHEMA).splitlines()[0])

    assert first["truncated"] is True


def test_every_flag_of_the_engine_has_its_column() -> None:
    assert HEALTH_COLUMNS == HEALTH_NAMES
