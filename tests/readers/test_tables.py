"""Tables of evidence: any order of columns, any compression, and an error with its line for what is wrong."""

from __future__ import annotations

import csv
import gzip
import io
import random
from collections.abc import Callable

import pandas
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from attribution.errors import EvidenceError
from attribution.model.incident import EvidenceType, Origin
from attribution.model.observation import (
    AccountEvent,
    AccountEventKind,
    Caveat,
    ChangeRecord,
    CounterSample,
    FlowRecord,
    Hop,
    Metric,
    Observation,
    PathTrace,
    ProbeResult,
)
from attribution.model.topology import Side
from attribution.readers import READERS, read_evidence
from attribution.readers.tables import Row, read_table
from tests.readers.material import PROBES, origin

TEN = 1_795_428_000 * 10**9  # 2026-11-23T10:00:00Z
TABLES: dict[EvidenceType, str] = {
    EvidenceType.PROBES: PROBES,
    EvidenceType.INTERFACE_COUNTERS: (
        "time,device,interface,metric,value\n"
        "1795428000.5,pe1,eth0,in_octets,18446744073709551615\n"
        "1795428000.5,pe1,eth0,oper_status,0\n"
        "1795428000.5,pe1,,temperature_c,-3.5\n"
    ),
    EvidenceType.PATHS: (
        "time,source,destination,hop,address,sent,received,rtt_avg_ms\n"
        "1795428000,a,b,2,*,3,0,\n"
        "1795428000,b,a,1,10.0.0.9,3,3,0.5\n"
        "1795428000,a,b,1,10.0.0.1,3,2,0.25\n"
    ),
    EvidenceType.CHANGE_RECORDS: (
        "id,start,end,performed_by,device,interface,action,consented_by,consented_at,description\n"
        'CHG1,1795428000,1795428060,provider,pe1,GE0/0/1,shutdown,NOC of the customer,1795427000,"moved, as agreed"\n'
        "CHG2,1795428000,,customer,ce1,,reboot,,,\n"
    ),
    EvidenceType.ACCOUNT_EVENTS: "time,event,detail\n1795428000,payment_due,invoice INV-1\n1795428001,suspended,\n",
    EvidenceType.FLOWS: (
        "time,source,destination,path,sent,lost,flow,protocol\n"
        "1795428000,a,b,a>x>b|a > y > b,20,3,f1,tcp\n"
        "1795428000,a,b,a>x>b,20,0,,\n"
    ),
}
every_table = pytest.mark.parametrize("kind", TABLES)


def read(kind: EvidenceType, content: str | bytes, source: Origin | None = None) -> list[Observation | Caveat]:
    content = content.encode() if isinstance(content, str) else content
    return list(read_evidence(content, source or origin(kind, "t.csv")))


def refused(kind: EvidenceType, content: str | bytes) -> str:
    with pytest.raises(EvidenceError) as caught:
        read(kind, content)
    return str(caught.value)


def only(kind: EvidenceType, content: str) -> list[Observation]:
    """The observations, where there must be no caveat."""
    found = read(kind, content)
    assert not [caveat for caveat in found if isinstance(caveat, Caveat)]
    return [observation for observation in found if isinstance(observation, Observation)]


def caveats(kind: EvidenceType, content: str) -> list[tuple[str, str, int]]:
    found = read(kind, content)
    return [(caveat.locator, caveat.reason, caveat.count) for caveat in found if isinstance(caveat, Caveat)]


def test_probes() -> None:
    source = origin(EvidenceType.PROBES, "t.csv")
    thirty = TEN + 30 * 10**9
    assert only(EvidenceType.PROBES, PROBES) == [
        ProbeResult(
            time_ns=thirty, origin=source, locator="line 2", source="idc-host", destination="vpc-host",
            protocol="icmp", sent=10, received=10, rtt_avg_ms=1.5, rtt_max_ms=2.25,
        ),
        ProbeResult(
            time_ns=thirty + 10**9 + 1, origin=source, locator="line 3", source="idc-host", destination="172.16.0.9",
            protocol="tcp", sent=10, received=0,
        ),
    ]  # fmt: skip


def test_counters_and_gauges() -> None:
    kind = EvidenceType.INTERFACE_COUNTERS
    samples = [sample for sample in only(kind, TABLES[kind]) if isinstance(sample, CounterSample)]
    assert [(sample.device, sample.interface, sample.metric, sample.value) for sample in samples] == [
        ("pe1", "eth0", Metric.IN_OCTETS, 2.0**64),
        ("pe1", "eth0", Metric.OPER_STATUS, 0.0),
        ("pe1", None, Metric.TEMPERATURE_C, -3.5),
    ]
    assert {sample.time_ns for sample in samples} == {TEN + 5 * 10**8}


def test_the_hops_of_a_trace_belong_together_wherever_they_stand() -> None:
    kind = EvidenceType.PATHS
    source = origin(kind, "t.csv")
    assert only(kind, TABLES[kind]) == [
        PathTrace(
            time_ns=TEN, origin=source, locator="line 2", source="a", destination="b",
            hops=(Hop(1, "10.0.0.1", 3, 2, 0.25), Hop(2, None, 3, 0)),
        ),
        PathTrace(
            time_ns=TEN, origin=source, locator="line 3", source="b", destination="a",
            hops=(Hop(1, "10.0.0.9", 3, 3, 0.5),),
        ),
    ]  # fmt: skip


def test_change_records_with_and_without_consent() -> None:
    kind = EvidenceType.CHANGE_RECORDS
    source = origin(kind, "t.csv")
    assert only(kind, TABLES[kind]) == [
        ChangeRecord(
            time_ns=TEN, origin=source, locator="line 2", id="CHG1", end_ns=TEN + 60 * 10**9,
            performed_by=Side.PROVIDER, device="pe1", interface="GE0/0/1", action="shutdown",
            consented_by="NOC of the customer",
            consented_ns=TEN - 1000 * 10**9, description="moved, as agreed",
        ),
        ChangeRecord(
            time_ns=TEN, origin=source, locator="line 3", id="CHG2", end_ns=None, performed_by=Side.CUSTOMER,
            device="ce1", interface=None, action="reboot", consented_by=None, consented_ns=None, description="",
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("words", ["-", "N/A", "none", "pending", "not yet given", "无", "未同意", "待批准"])
def test_a_word_that_says_that_nobody_agreed_is_nobody_s_consent(words: str) -> None:
    kind = EvidenceType.CHANGE_RECORDS
    found = read(kind, TABLES[kind].replace("NOC of the customer", words))

    change = next(one for one in found if isinstance(one, ChangeRecord))
    assert (change.consented_by, change.consented_ns) == (None, None)
    assert any(isinstance(one, Caveat) and repr(words) in one.reason for one in found)


def test_account_events() -> None:
    kind = EvidenceType.ACCOUNT_EVENTS
    events = [event for event in only(kind, TABLES[kind]) if isinstance(event, AccountEvent)]
    assert [(event.kind, event.detail) for event in events] == [
        (AccountEventKind.PAYMENT_DUE, "invoice INV-1"),
        (AccountEventKind.SUSPENDED, ""),
    ]


def test_flows_with_known_and_candidate_paths() -> None:
    kind = EvidenceType.FLOWS
    flows = [flow for flow in only(kind, TABLES[kind]) if isinstance(flow, FlowRecord)]
    assert [(flow.paths, flow.sent, flow.lost, flow.flow, flow.protocol) for flow in flows] == [
        ((("a", "x", "b"), ("a", "y", "b")), 20, 3, "f1", "tcp"),
        ((("a", "x", "b"),), 20, 0, None, None),
    ]


@every_table
def test_the_stated_clock_offset_is_added_to_every_time(kind: EvidenceType) -> None:
    late = origin(kind, "t.csv", clock_offset_ns=1_500_000_001)
    for plain, mended in zip(only(kind, TABLES[kind]), read(kind, TABLES[kind], late), strict=True):
        assert isinstance(mended, Observation)
        assert mended.time_ns == plain.time_ns + 1_500_000_001
        if isinstance(plain, ChangeRecord) and isinstance(mended, ChangeRecord) and plain.end_ns is not None:
            assert mended.end_ns == plain.end_ns + 1_500_000_001


def rearranged(content: str, rng: random.Random) -> str:
    """The same table with its columns in another order and one more that nobody knows."""
    frame = pandas.read_csv(io.StringIO(content), dtype=str, keep_default_na=False)
    columns = list(frame.columns)
    rng.shuffle(columns)
    return str(frame[columns].assign(rack="r7").to_csv(index=False))


@every_table
@given(rng=st.randoms(use_true_random=False))
def test_columns_may_stand_in_any_order_and_others_beside_them(kind: EvidenceType, rng: random.Random) -> None:
    found = read(kind, rearranged(TABLES[kind], rng))
    assert found[1:] == only(kind, TABLES[kind])
    assert found[0] == Caveat("t.csv", "line 1", "ignored columns: rack")


FORMS: dict[str, Callable[[str], bytes]] = {
    "gzip": lambda content: gzip.compress(content.encode()),
    "gzip in two members": lambda content: gzip.compress(content[:9].encode()) + gzip.compress(content[9:].encode()),
    "Zstandard": lambda content: zstandard.compress(content.encode()),
    "a byte order mark": lambda content: content.encode("utf-8-sig"),
    "Windows line ends": lambda content: content.replace("\n", "\r\n").encode(),
    "no line end at the end": lambda content: content.rstrip().encode(),
    "blanks around the names": lambda content: content.replace(
        ",", " , ", content.partition("\n")[0].count(",")
    ).encode(),
}


@every_table
@pytest.mark.parametrize("form", FORMS)
def test_a_table_is_the_same_in_every_form(kind: EvidenceType, form: str) -> None:
    assert read(kind, FORMS[form](TABLES[kind])) == only(kind, TABLES[kind])


@every_table
@pytest.mark.parametrize("typed", [False, True], ids=["text", "typed"])
def test_parquet_says_the_same_with_rows_for_lines(kind: EvidenceType, typed: bool) -> None:
    frame = pandas.read_csv(io.StringIO(TABLES[kind]), dtype=None if typed else str, keep_default_na=typed)
    for column in ("time", "start"):
        if typed and column in frame and pandas.api.types.is_integer_dtype(frame[column]):
            frame[column] = pandas.to_datetime(frame[column], utc=True, unit="s")
        elif typed and kind is EvidenceType.PROBES and column in frame:
            frame[column] = pandas.to_datetime(frame[column], utc=True, format="ISO8601")
    packed = io.BytesIO()
    frame.to_parquet(packed)
    found = read(kind, packed.getvalue())
    for plain, row in zip(only(kind, TABLES[kind]), found, strict=True):
        assert isinstance(row, Observation)
        number = int(plain.locator.removeprefix("line ")) - 1
        assert row.locator == f"row {number}"
        assert (row.time_ns, type(row)) == (plain.time_ns, type(plain))


def test_parquet_of_local_times_lacks_their_zone() -> None:
    frame = pandas.DataFrame({"time": pandas.to_datetime(["2026-11-23 10:00:00"]), "event": "suspended", "detail": ""})
    packed = io.BytesIO()
    frame.to_parquet(packed)
    assert "t.csv: row 1: time: found the time '2026-11-23T10:00:00' without a zone" in refused(
        EvidenceType.ACCOUNT_EVENTS, packed.getvalue()
    )


@every_table
def test_an_empty_file_is_an_error_and_a_header_alone_a_caveat(kind: EvidenceType) -> None:
    header = TABLES[kind].partition("\n")[0]
    assert f"t.csv: found an empty file (0 octets); expected {kind}" in refused(kind, b"")
    assert "t.csv: found no header; expected the columns" in refused(kind, "\n \n")
    assert caveats(kind, header + "\n") == [("line 1", "a header and no rows: nothing was recorded", 1)]


@every_table
def test_every_missing_column_is_named(kind: EvidenceType) -> None:
    frame = pandas.read_csv(io.StringIO(TABLES[kind]), dtype=str, keep_default_na=False)
    for column in frame.columns:
        if column in ("flow", "protocol"):
            continue
        message = refused(kind, frame.drop(columns=column).to_csv(index=False))
        assert message.startswith(f"t.csv:1: found no column {column!r}")
        message = refused(kind, frame.rename(columns={column: column.upper()[:-1] + column[-1]}).to_csv(index=False))
        assert message.startswith(f"t.csv:1: found no column {column!r}")


def test_a_misspelt_column_is_recognised() -> None:
    assert refused(EvidenceType.PROBES, PROBES.replace("received", "recieved")) == (
        "t.csv:1: found no column 'received' (is 'recieved' meant?); "
        "expected the columns time,source,destination,kind,sent,received,rtt_avg_ms,rtt_max_ms"
    )


PROBE_ROW = "2026-11-23T10:00:30Z,idc-host,vpc-host,icmp,10,10,1.5,2.25"
COUNTER_ROW = "1795428000.5,pe1,eth0,oper_status,0"


@pytest.mark.parametrize(
    ("kind", "old", "new", "message"),
    [
        ("probes", "30Z,idc", "30,idc", "t.csv:2: time: found the time '2026-11-23T10:00:30' without a zone; expected"),
        ("probes", "10:00:30Z", "noon", "t.csv:2: time: found the time '2026-11-23Tnoon'; expected RFC 3339"),
        ("probes", ",idc-host,vpc", ",,vpc", "t.csv:2: source: found nothing; expected a value"),
        ("probes", "icmp", "ping", "t.csv:2: kind: found 'ping'; expected icmp, tcp, udp or twamp"),
        ("probes", "icmp,10", "icmp,-1", "t.csv:2: sent: found -1; expected a whole number, 0 or more"),
        ("probes", "icmp,10", "icmp,ten", "t.csv:2: sent: found 'ten'; expected a number"),
        ("probes", "icmp,10", "icmp,1_0", "t.csv:2: sent: found '1_0'; expected a number"),
        ("probes", "icmp,10", "icmp,1.5", "t.csv:2: sent: found 1.5; expected a whole number, 0 or more"),
        ("probes", "icmp,10", "icmp,nan", "t.csv:2: sent: found nan; expected a whole number"),
        ("probes", "10,10", "10,11", "t.csv:2: received: found received 11 of 10 sent; expected at most the sent"),
        ("probes", "1.5,2.25", "-1.5,2.25", "t.csv:2: rtt_avg_ms: found -1.5; expected 0 or more, or nothing"),
        ("probes", "1.5,2.25", "1.5,inf", "t.csv:2: rtt_max_ms: found inf; expected 0 or more, or nothing"),
        ("probes", "1.5,2.25", "1.5", "t.csv:2: time: found 7 cells; expected 8, as in the header"),
        ("probes", "1.5,2.25", "1.5,2.25,x", "t.csv:2: time: found 9 cells; expected 8, as in the header"),
        ("probes", "idc-host,vpc", '"idc-host,vpc', "found broken CSV"),
        ("probes", "time,source", "time,time", "t.csv:1: found the column 'time' twice; expected it once"),
        ("probes", ",", ";", "t.csv:1: found no column 'time'"),
        ("interface-counters", "oper_status,0", "oper_status,2", "t.csv:3: value: found 2; expected 1 or 0 for oper_"),
        (
            "interface-counters",
            "oper_status,0",
            "in_errors,-1",
            "t.csv:3: value: found -1; expected 0 or more for in_er",
        ),
        ("interface-counters", "oper_status,0", "in_errors,inf", "t.csv:3: value: found inf; expected a finite number"),
        ("interface-counters", "oper_status,0", "oper_status,up", "t.csv:3: value: found 'up'; expected a number"),
        ("interface-counters", "pe1", "", "t.csv:2: device: found nothing; expected a value"),
        ("paths", "a,b,2", "a,b,0", "t.csv:2: hop: found 0; expected a distance from 1 to 255"),
        ("paths", "*,3,0", "*,3,4", "t.csv:2: received: found received 4 of 3 sent"),
        (
            "change-records",
            "provider",
            "vendor",
            "t.csv:2: performed_by: found 'vendor'; expected customer or provider",
        ),
        (
            "change-records",
            "1795428060",
            "1795427999",
            "t.csv:2: end: found 1795427999, before the start; expected a time",
        ),
        ("change-records", "1795427000", "before", "t.csv:2: consented_at: found the time 'before'; expected RFC 3339"),
        ("change-records", "CHG1", "", "t.csv:2: id: found nothing; expected a value"),
        ("account-events", "payment_due", "payment_dew", "found 'payment_dew'; expected payment_due, payment_received"),
        ("account-events", "payment_due", "payment_dew", "(is 'payment_due' meant?)"),
        ("flows", "20,3", "20,21", "t.csv:2: lost: found lost 21 of 20 sent; expected at most the sent"),
        ("flows", "a>x>b|", "a>>b|", "t.csv:2: path: found 'a>>b|a > y > b'; expected node names joined by '>'"),
        ("flows", "a>x>b|a > y > b", "", "t.csv:2: path: found nothing; expected a value"),
    ],
)
def test_what_breaks_the_contract_is_named_with_line_column_finding_and_remedy(
    kind: str, old: str, new: str, message: str
) -> None:
    table = TABLES[EvidenceType(kind)]
    assert old in table
    assert message in refused(EvidenceType(kind), table.replace(old, new, table.count(old) if old == "," else 1))


def test_a_quoted_cell_may_hold_lines_and_the_next_row_still_knows_its_own() -> None:
    table = 'time,event,detail\n1,suspended,"two\nlines"\n\n2,restored,x\n3,restord,x\n'
    assert "t.csv:6: event" in refused(EvidenceType.ACCOUNT_EVENTS, table)
    observations = only(EvidenceType.ACCOUNT_EVENTS, table.replace("restord", "restored"))
    assert [observation.locator for observation in observations] == ["line 2", "line 5", "line 6"]


def test_metrics_that_the_bundle_does_not_name_are_counted() -> None:
    kind = EvidenceType.INTERFACE_COUNTERS
    table = TABLES[kind] + "1,pe1,eth0,crc,5\n2,pe1,eth0,crc,6\n3,pe1,,mood,7\n"
    assert caveats(kind, table) == [
        ("metric", "the metric 'crc' is not one of the bundle's", 2),
        ("metric", "the metric 'mood' is not one of the bundle's", 1),
    ]


def test_what_was_not_measured_is_no_zero() -> None:
    kind = EvidenceType.INTERFACE_COUNTERS
    table = "time,device,interface,metric,value\n1,pe1,,cpu_percent,\n1,pe1,,cpu_percent,nan\n1,pe1,,cpu_percent,0\n"
    assert caveats(kind, table) == [("value", "no value of cpu_percent: not measured", 2)]
    assert [sample.value for sample in read(kind, table) if isinstance(sample, CounterSample)] == [0.0]


def test_no_light_at_all_is_the_lowest_power_that_optics_report() -> None:
    table = "time,device,interface,metric,value\n1,pe1,eth0,rx_power_dbm,-inf\n"
    (sample,) = only(EvidenceType.INTERFACE_COUNTERS, table)
    assert isinstance(sample, CounterSample)
    assert sample.value == -40.0


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("1795427000", "", "when consent was given is not stated"),
        ("NOC of the customer", "", "a time of consent, but nobody's"),
    ],
)
def test_half_a_consent_is_kept_with_a_caveat(old: str, new: str, reason: str) -> None:
    kind = EvidenceType.CHANGE_RECORDS
    assert caveats(kind, TABLES[kind].replace(old, new)) == [("line 2", reason, 1)]


MINUTE = 60 * 10**9


@pytest.mark.parametrize(
    ("words", "since"),
    [
        ("consent withdrawn by e-mail 2026-11-23T10:01:00Z; mail read 10:45Z", TEN + MINUTE),
        ("approval was revoked at 2026-11-23 18:01:00+08:00", TEN + MINUTE),
        ("customer cancelled its consent 2026-11-23 10:01", TEN + MINUTE),
        ("客户已于 2026-11-23T10:01:00Z 撤回同意", TEN + MINUTE),
        ("同意已撤回（2026-11-23T10:01:00Z）", TEN + MINUTE),
        ("授权取消", 0),
        ("agreement called off", 0),
        ("moved, as agreed", None),
        ("consent was never withdrawn", None),
        ("consent may be withdrawn until 2026-11-22T10:00:00Z", None),
        ("meeting cancelled; consent by telephone", None),
        ("unless consent is withdrawn", None),
    ],
)
def test_consent_that_was_taken_back_holds_until_then(words: str, since: int | None) -> None:
    kind = EvidenceType.CHANGE_RECORDS
    table = TABLES[kind].replace("moved, as agreed", words)
    change = next(one for one in read(kind, table) if isinstance(one, ChangeRecord))
    assert change.withdrawn_ns == since
    assert any("taken back" in reason for _, reason, _ in caveats(kind, table)) is (since is not None)


def test_consent_is_taken_back_where_its_giver_stands_too() -> None:
    kind = EvidenceType.CHANGE_RECORDS
    table = TABLES[kind].replace("NOC of the customer", "NOC of the customer (withdrawn 2026-11-23T10:01:00Z)")
    change = next(one for one in read(kind, table) if isinstance(one, ChangeRecord))
    assert change.withdrawn_ns == TEN + MINUTE


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(PROBES.encode())[:-12], "t.csv: found compressed content that ends early"),
        (zstandard.compress(PROBES.encode())[:-3], "t.csv: found compressed content that ends early"),
        (b"\x1f\x8b garbage", "t.csv: found damaged compressed content"),
        (b"\x28\xb5\x2f\xfd garbage", "t.csv: found damaged compressed content"),
        (gzip.compress(PROBES.encode()) + b"more", "found something else after the compressed content"),
        (b"PAR1 garbage PAR1", "t.csv: found damaged Parquet"),
        (PROBES.encode("utf-16"), "t.csv:1: found the octet 0xff; expected UTF-8 text"),
        (PROBES.replace("vpc-host", "vpc-höst").encode("latin-1"), "t.csv:2: found the octet 0xf6; expected UTF-8"),
    ],
)
def test_damaged_content(content: bytes, message: str) -> None:
    assert message in refused(EvidenceType.PROBES, content)


def test_a_compressed_bomb_is_noticed_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attribution.readers.compression.read_plain.__defaults__", (1_000_000,))
    for bomb in (gzip.compress(bytes(5_000_000)), zstandard.compress(bytes(5_000_000))):
        assert "found more than 1000000 octets once decompressed" in refused(EvidenceType.PROBES, bomb)


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))


@given(st.lists(st.tuples(cells, cells), max_size=4))
def test_any_cells_survive_a_table_but_for_the_blanks_around_them(rows: list[tuple[str, str]]) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([("first", "second"), *rows])
    table = read_table(written.getvalue().encode(), origin(EvidenceType.PROBES), ("first", "second"))
    found = [(row.cell("first"), row.cell("second")) for row in table if isinstance(row, Row)]
    assert found == [(first.strip(), second.strip()) for first, second in rows]


def test_every_kind_of_table_has_a_reader() -> None:
    assert set(TABLES) <= {kind for kind, _ in READERS}
