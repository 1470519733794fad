"""Flow records in columns say the same as the rows read one by one: the same records, places, caveats and errors."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.errors import EvidenceError
from attribution.model.flow_table import FlowTable
from attribution.model.incident import EvidenceType, Origin
from attribution.model.observation import Caveat, Observation
from attribution.readers import count_strangers, read_flow_table, read_topology
from attribution.readers.flow_columns import MANY, read_columns
from attribution.readers.flows import COLUMNS, FEW_OCTETS, OPTIONAL, read_flows
from attribution.readers.tables import UnusualTableError
from tests.readers.material import TOPOLOGY, origin

HEADER = "time,source,destination,path,sent,lost,flow,protocol"
LINES = (
    "1795428000,a,b,a>x>b|a>y>b,20,3,f1,tcp",
    "1795428000.5,a,10.1.0.2,a>x>b,20,0,,",
    "2026-11-23T10:00:30.000000001Z, a ,b, a > x > b ,1e3,0,f1,udp",
    "2026-11-23T18:00:31+08:00,b,a,b>y>a|b>x>a|b>a,007,7,f2,udp",
)
SOURCE = origin(EvidenceType.FLOWS, "t.csv")


def told(items: Iterable[object]) -> list[object]:
    """Records and caveats in order, tables row by row."""
    return [one for item in items for one in (item.records() if isinstance(item, FlowTable) else [item])]


def outcome(items: Iterable[object]) -> list[object]:
    """What was told, or the error that ended it."""
    try:
        return told(items)
    except EvidenceError as error:
        return [str(error)]


def by_rows(content: bytes, source: Origin = SOURCE) -> list[object]:
    return outcome(read_flows(content, source))


def by_columns(content: bytes, source: Origin = SOURCE) -> list[object] | None:
    """What the columns tell; None where they leave it to the rows."""
    try:
        return told(read_columns(content, source, COLUMNS, OPTIONAL))
    except UnusualTableError:
        return None


def table(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


@pytest.mark.parametrize(
    "content",
    [
        table(*LINES),
        table(*LINES).rstrip(),
        table(*LINES) + b"\n\n",
        table(*LINES).replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + table(*LINES),
        table(),
        table('1,a,b,a>b,2,1', header='"time","source","destination","path","sent","lost"'),
        table("a>b,5,1,more,a,b,17", header="path,sent,lost,note,source,destination,time"),
    ],
    ids=["plain", "no last newline", "blank end", "crlf", "bom", "no rows", "quoted header", "other columns"],
)  # fmt: skip
def test_tables_as_exporters_write_them_are_read_in_columns_and_say_what_their_rows_say(content: bytes) -> None:
    assert by_columns(content) == by_rows(content)


@pytest.mark.parametrize(
    "content",
    [
        table('1,a,b,"a>b",2,1,,'),
        table("1,a,b,a>b,2,1,,", "", "2,a,b,a>b,2,1,,"),
        table("1,a,b,a>b,2,1,,\r2,a,b,a>b,2,1,,"),
        table("1,a,b,a>b,2,1,"),
        table("1,a,b,a>b,2,3,,"),
        table("1,a,b,a>>b,2,1,,"),
        table("1,,b,a>b,2,1,,"),
        table("yesterday,a,b,a>b,2,1,,"),
        table("1,a,b,a>b,2.5,1,,"),
        table("1,a,b,a>b,2,-1,,"),
        table(header="time,source"),
        table("1,\xff,b,a>b,2,1,,").decode().encode("latin-1"),
    ],
)
def test_what_is_unusual_or_wrong_is_left_to_the_rows_which_know_its_place(content: bytes) -> None:
    assert by_columns(content) is None
    assert outcome(read_flow_table(content, SOURCE)) == by_rows(content)


CELLS = """\
a;b; a;a>b;a > b|b>a;a>x>b;|;5;05;1e2;5.0;nan;1_0;٣;; ;"5";5\x1c;-1;1795428000;1795428000.25
2026-11-23T10:00:30Z;2026-11-23T10:00:60Z;2026-11-23T10:00:30"""
cells = st.sampled_from(CELLS.replace("\n", ";").split(";"))


@given(st.data())
def test_whatever_stands_in_one_cell_both_ways_agree(data: st.DataObject) -> None:
    lines = list(LINES)
    number = data.draw(st.integers(0, len(lines) - 1))
    row = lines[number].split(",")
    row[data.draw(st.integers(0, len(row) - 1))] = data.draw(cells | st.text(max_size=6))
    lines[number] = ",".join(row)
    content = table(*lines).decode().encode("utf-8", "surrogatepass")

    assert by_columns(content) in (None, by_rows(content))
    assert outcome(read_flow_table(content, SOURCE)) == by_rows(content)


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_octets_after_the_header_end_alike(body: bytes) -> None:
    content = table() + body

    assert by_columns(content) in (None, by_rows(content))


def many_lines(times: Iterable[str]) -> bytes:
    return table(*(f"{time},a,b,a>x{row % 7}>b,9,{row % 3},f{row},tcp" for row, time in enumerate(times)))


@pytest.mark.parametrize("look", ["{}", "{}.125", "{}.000000001"])
def test_many_different_times_in_unix_seconds(look: str) -> None:
    content = many_lines(look.format(1_795_428_000 + row) for row in range(MANY + 10))

    assert len(content) > FEW_OCTETS / 2
    assert by_columns(content) == by_rows(content)


@pytest.mark.parametrize("look", ["{}Z", "{}.5Z", "{}.123456789Z"])
def test_many_different_times_in_utc(look: str) -> None:
    dates = (str(time).replace(" ", "T") for time in pandas.date_range("2026-11-23", periods=MANY + 10, freq="s"))
    content = many_lines(look.format(time) for time in dates)

    assert by_columns(content) == by_rows(content)


def test_one_impossible_time_among_many_is_found_at_its_line() -> None:
    times = [f"2026-11-23T10:00:{row % 60:02}.{row:06}Z" for row in range(MANY + 10)]
    times[4000] = "2026-02-30T10:00:00Z"
    content = many_lines(times)

    assert by_columns(content) is None
    assert by_rows(content)[0] == outcome(read_flow_table(content, SOURCE))[0]
    assert "t.csv:4002: time" in str(by_rows(content)[0])


def test_the_stated_clock_offset_is_added() -> None:
    late = origin(EvidenceType.FLOWS, "t.csv", clock_offset_ns=1_500_000_001)

    assert by_columns(table(*LINES), late) == by_rows(table(*LINES), late)


def frames() -> Iterator[pandas.DataFrame]:
    """The same records as different programs put them into Parquet."""
    text = pandas.read_csv(io.BytesIO(table(*LINES[:2])), dtype=str, keep_default_na=False)
    yield text
    counted = text.assign(sent=text["sent"].astype(int), lost=text["lost"].astype(int), time=[17, 18])
    yield counted
    yield counted.assign(time=[17.0, 18.5])
    yield counted.assign(time=pandas.to_datetime([17, 18], unit="s", utc=True))
    yield counted.assign(time=pandas.to_datetime([17, 18], unit="s", utc=True).astype("datetime64[ns, UTC]"))
    yield counted.assign(protocol=text["protocol"].astype("category"), source=text["source"].astype("category"))
    yield counted.drop(columns=["flow", "protocol"]).assign(note=1)
    yield counted.iloc[:0]


@pytest.mark.parametrize("frame", list(frames()), ids=range(8))
def test_parquet_in_columns_says_what_its_rows_say(frame: pandas.DataFrame) -> None:
    content = io.BytesIO()
    frame.to_parquet(content)

    assert by_columns(content.getvalue()) == by_rows(content.getvalue())


@pytest.mark.parametrize(
    "changed",
    [
        {"time": pandas.to_datetime([17, 18], unit="s")},
        {"time": [17, None]},
        {"sent": [5.5, 20]},
        {"lost": [-1, 0]},
        {"path": [["a", "b"], ["a", "b"]]},
        {"source": ["a", None]},
    ],
    ids=["no zone", "no time", "half a packet", "negative", "lists", "no source"],
)
def test_parquet_that_breaks_the_contract_is_left_to_its_rows(changed: dict[str, Any]) -> None:
    frame = pandas.read_csv(io.BytesIO(table(*LINES[:2])), keep_default_na=False).assign(**changed)
    content = io.BytesIO()
    frame.to_parquet(content)

    assert by_columns(content.getvalue()) is None
    assert outcome(read_flow_table(content.getvalue(), SOURCE)) == by_rows(content.getvalue())


def test_strangers_are_counted_once_a_record_as_they_are_row_by_row() -> None:
    topology, _ = read_topology(TOPOLOGY.encode(), "topology.json")
    content = table(
        "1,idc-host,vpc-host,idc-host>pe8>ce1>pe8|idc-host>pe8>vpc-host,9,0,,",
        "1,idc-host,vpc-host,idc-host>ce1>pe1>vpc-host,9,0,,",
        "1,idc-host,vpc-host,pe8>pe9>10.1.0.2,9,0,,",
    )
    records = [item for item in by_rows(content) if isinstance(item, Observation)]
    tables = [item for item in read_columns(content, SOURCE, COLUMNS, OPTIONAL) if isinstance(item, FlowTable)]

    caveats = count_strangers(records, topology)
    assert [(caveat.locator, caveat.count) for caveat in caveats] == [("pe8", 2), ("pe9", 1)]
    assert count_strangers([], topology, tables) == caveats


def test_a_table_whose_clock_is_set_right_is_dated_anew_and_else_the_same() -> None:
    flows = next(item for item in read_columns(table(*LINES), SOURCE, COLUMNS, OPTIONAL) if isinstance(item, FlowTable))

    moved = [record.time_ns for record in flows.shifted(-5).records()]
    assert moved == [record.time_ns - 5 for record in flows.records()]
    assert flows.shifted(0) is flows


def test_large_files_are_read_by_columns_and_small_ones_without_their_libraries() -> None:
    small, large = table(*LINES), many_lines(["1795428000"] * 8000)

    assert len(small) < FEW_OCTETS < len(large)
    assert outcome(read_flow_table(small, SOURCE)) == by_rows(small)
    assert outcome(read_flow_table(large, SOURCE)) == by_rows(large)
    assert not any(isinstance(item, Caveat) for item in by_rows(large))
