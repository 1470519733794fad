"""Cited lines, rows and values are shown as the file has them, whatever else the file holds."""

from __future__ import annotations

import gzip
import io
import json

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.model.dossier import Excerpt
from attribution.model.incident import EvidenceType
from attribution.model.quotation import Quotation
from attribution.readers.quoting import LONGEST_CELL, quote_places

LOG = b"one\ntwo\nthree\nfour\nfive\nsix\nseven\n"
TABLE = b"time,device,value\n" + b"".join(b"%d,r%d,%d\n" % (n, n, n) for n in range(2, 30))


def quote(
    content: bytes, locator: str, kind: EvidenceType = EvidenceType.SYSLOG, others: tuple[str, ...] = ()
) -> Excerpt | None:
    return next(quote_places(content, kind, [Quotation("e1", "file", locator, others)]), None)


def numbers(excerpt: Excerpt | None, cited: bool = False) -> list[int]:
    assert excerpt is not None
    return [row.number for row in excerpt.rows if row.cited or not cited]


def test_a_line_is_shown_between_its_neighbours() -> None:
    excerpt = quote(LOG, "line 4")

    assert excerpt is not None
    assert [(row.number, row.cells[0], row.cited) for row in excerpt.rows] == [
        (2, "two", False), (3, "three", False), (4, "four", True), (5, "five", False), (6, "six", False),
    ]  # fmt: skip


@pytest.mark.parametrize(("locator", "shown"), [("line 1", [1, 2, 3]), ("line 7", [5, 6, 7])])
def test_the_first_and_the_last_line_have_neighbours_on_one_side(locator: str, shown: list[int]) -> None:
    assert numbers(quote(LOG, locator)) == shown


def test_a_line_that_is_not_there_is_not_quoted() -> None:
    assert quote(LOG, "line 70") is None


def test_compressed_files_are_quoted_plain() -> None:
    assert quote(gzip.compress(LOG), "line 4") == quote(LOG, "line 4")


def test_damaged_files_are_not_quoted() -> None:
    assert quote(gzip.compress(LOG)[:-9], "line 4") is None


def test_a_long_line_is_cut_with_a_mark() -> None:
    excerpt = quote(b"x" * 10_000, "line 1")

    assert excerpt is not None
    assert len(excerpt.rows[0].cells[0]) == LONGEST_CELL
    assert excerpt.rows[0].cells[0].endswith(" …")


def test_octets_that_are_no_text_are_replaced() -> None:
    excerpt = quote(b"caf\xe9\n", "line 1")

    assert excerpt is not None and excerpt.rows[0].cells == ("caf\ufffd",)


def test_a_row_is_shown_under_its_header() -> None:
    excerpt = quote(TABLE, "line 5", EvidenceType.INTERFACE_COUNTERS)

    assert excerpt is not None
    assert excerpt.columns == ("time", "device", "value")
    assert next(row for row in excerpt.rows if row.cited).cells == ("5", "r5", "5")


def test_further_places_of_the_same_evidence_are_cited_too_and_counted_where_they_are_too_many() -> None:
    excerpt = quote(TABLE, "line 9", EvidenceType.PROBES, tuple(f"line {n}" for n in range(12, 24)))

    assert numbers(excerpt, cited=True) == [9, 12, 13, 14, 15, 16, 17, 18]
    assert excerpt is not None and excerpt.omitted == 5


def test_a_cell_over_several_lines_stays_one_cell() -> None:
    content = b'id,description\n1,"first\nsecond"\n2,plain\n'
    excerpt = quote(content, "line 2", EvidenceType.CHANGE_RECORDS)

    assert excerpt is not None
    assert [row.cells for row in excerpt.rows if row.cited] == [("1", "first\nsecond")]


def test_a_traceroute_is_quoted_with_all_its_hops() -> None:
    rows = [f"{time},a,b,{hop},10.0.0.{hop}" for time in (1, 2) for hop in (1, 2, 3)]
    content = "\n".join(["time,source,destination,hop,address", *rows]).encode()

    assert numbers(quote(content, "line 5", EvidenceType.PATHS), cited=True) == [5, 6, 7]


def test_parquet_rows_are_counted_from_one() -> None:
    written = io.BytesIO()
    pandas.DataFrame({"time": range(1, 11), "device": [f"r{n}" for n in range(1, 11)]}).to_parquet(written)
    excerpt = quote(written.getvalue(), "row 7", EvidenceType.FLOWS)

    assert excerpt is not None
    assert excerpt.columns == ("time", "device")
    assert [row.cells for row in excerpt.rows if row.cited] == [("7", "r7")]
    assert numbers(excerpt) == [5, 6, 7, 8, 9]


DOCUMENT = json.dumps({"Response": {"Events": [{"name": f"call {n}"} for n in range(9)]}}).encode()


def test_a_value_is_found_by_its_path_with_the_members_beside_it() -> None:
    excerpt = quote(DOCUMENT, "Response.Events[4]", EvidenceType.CLOUD_AUDIT)

    assert numbers(excerpt) == [2, 3, 4, 5, 6]
    assert excerpt is not None
    assert [row.cells for row in excerpt.rows if row.cited] == [('{"name": "call 4"}',)]


def test_results_one_a_line_are_a_list() -> None:
    content = b'{"a": 1}\n{"a": 2}\n{"a": 3}\n'

    excerpt = quote(content, "[1]", EvidenceType.PATHS)

    assert excerpt is not None
    assert [row.cells for row in excerpt.rows if row.cited] == [('{"a": 2}',)]


def test_a_single_result_is_cited_as_its_first_line_and_shown_whole() -> None:
    excerpt = quote(b'{"type": "traceroute",\n "hops": []}', "line 1", EvidenceType.PATHS)

    assert excerpt is not None and excerpt.rows[0].cells == ('{"type": "traceroute", "hops": []}',)


@pytest.mark.parametrize("locator", ["Response.Events[40]", "Response.Nothing", "[0]", "report"])
def test_a_path_that_leads_nowhere_is_not_quoted(locator: str) -> None:
    assert quote(DOCUMENT, locator, EvidenceType.CLOUD_AUDIT) is None


LOCATORS = st.one_of(
    st.integers(0, 99).map(lambda number: f"line {number}"),
    st.integers(0, 99).map(lambda number: f"row {number}"),
    st.integers(0, 9).map(lambda number: f"[{number}]"),
    st.text(max_size=20),
)


@given(st.binary(max_size=400), LOCATORS, st.sampled_from(EvidenceType))
def test_no_content_and_no_place_raises_an_error(content: bytes, locator: str, kind: EvidenceType) -> None:
    for excerpt in quote_places(content, kind, [Quotation("e1", "file", locator)]):
        assert any(row.cited for row in excerpt.rows)


@given(st.text(max_size=300), st.integers(1, 20))
def test_a_quoted_line_is_the_line_of_that_number(text: str, number: int) -> None:
    lines = text.encode().split(b"\n")
    excerpt = quote(text.encode(), f"line {number}", EvidenceType.SYSLOG)

    if excerpt is not None and excerpt.columns == ("line",):
        shown = next(row for row in excerpt.rows if row.cited)
        assert shown.cells[0].removesuffix(" …").encode() in lines[number - 1]


def test_a_document_nested_too_deeply_is_not_quoted() -> None:
    assert quote(b"[" * 100_000, "[0]", EvidenceType.PATHS) is None
