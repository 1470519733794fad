"""Very many flow records, column by column, testify what the same records testify one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.detectors import FEW_FLOWS, detect_evidence
from attribution.detectors.flow_columns import UNKNOWN, _Lookup, detect_flows, note_undrawn_rows
from attribution.detectors.loss import Surroundings, detect_flow_loss, note_undrawn_flows
from attribution.model.evidence import Journey
from attribution.model.flow_evidence import FlowEvidence
from attribution.model.incident import NANOSECONDS, EvidenceType, Interval, Origin
from attribution.model.observation import FlowRecord, LogKind
from attribution.model.topology import NodeKind, Side
from attribution.readers.flows import pack_flows
from tests.detectors.chain import (
    CHAIN,
    ENDS,
    FLOWS,
    LINKS,
    NODES,
    at,
    between,
    incident,
    join,
    log,
    network,
    node,
    origin,
    probe,
    surroundings,
)

# A second way through the core, two cables between gateway and core, three and twice two to a lab, a switch that flow
# records leave out, an island.
MESH = network(
    (
        *NODES,
        node("spare-core"),
        node("lan", NodeKind.SWITCH, side=Side.CUSTOMER),
        node("branch", side=Side.CUSTOMER),
        node("lab", side=Side.CUSTOMER),
        node("lab-host", side=Side.CUSTOMER),
        node("island", NodeKind.HOST, "203.0.113.7"),
    ),
    (
        *LINKS,
        join("cloud-edge GE0/0/3", "spare-core GE0/0/1"),
        join("spare-core GE0/0/2", "cloud-gateway GE0/0/3"),
        join("spare-core GE0/0/4", "cloud-gateway GE0/0/4", key="1"),
        *(join(f"cloud-gateway GE0/1/{number}", f"lab {number}", key=str(number)) for number in range(3)),
        *(join(f"lab 1{number}", f"lab-host {number}", key=str(number)) for number in range(2)),
        join("office-edge Gi0/2", "lan 1"),
        join("lan 2", "branch 1"),
    ),
)
AROUND = surroundings(MESH)
names = st.sampled_from([*MESH.nodes, "stranger", "192.0.2.1", "cloud-core--cloud-edge"])
ends = st.sampled_from([*ENDS, *ENDS, "10.1.0.2", "branch", "198.51.100.1"])
good = st.sampled_from(
    [
        ("office-host", "office-edge", "cloud-edge", "cloud-core", "cloud-gateway", "cloud-host"),
        ("office-host", "office-edge", "cloud-edge", "spare-core", "cloud-gateway", "cloud-host"),
        ("office-edge", "branch"),
        ("office-host", "office-edge", "cloud-edge", "spare-core", "cloud-gateway", "lab"),
        ("spare-core", "cloud-gateway", "lab", "lab-host"),
        ("cloud-gateway", "lab", "lab-host"),
        ("cloud-edge", "cloud-gateway"),
        ("lab-host", "lab", "cloud-gateway", "lab"),
        ("cloud-host", "cloud-gateway"),
        ("cloud-edge",),
    ]
)
paths = good | st.lists(names, min_size=1, max_size=5).map(tuple)


@st.composite
def records(draw: st.DrawFn) -> list[FlowRecord]:
    found = []
    for number in range(draw(st.integers(1, 6))):
        sent = draw(st.integers(0, 5))
        found.append(
            FlowRecord(
                time_ns=at(draw(st.sampled_from([0, 1, 30, 60]))),
                origin=FLOWS,
                locator=f"line {number + 2}",
                source=draw(ends),
                destination=draw(ends),
                paths=tuple(draw(st.lists(paths, min_size=1, max_size=3))),
                sent=sent,
                lost=draw(st.integers(0, sent)),
                flow=draw(st.sampled_from([None, "f1"])),
                protocol=draw(st.sampled_from([None, "tcp", "flow"])),
            )
        )
    return found


Told = tuple[Interval, tuple[Journey | tuple[str, ...], ...], int, int, str, bool, str]


def one_by_one(seen: Sequence[FlowRecord], around: Surroundings) -> list[Told]:
    return [
        (
            m.interval,
            tuple(journey[0].components if journey else () for journey in m.journeys),
            m.sent,
            m.lost,
            m.traffic,
            m.of_service,
            m.citation.locator,
        )
        for m in detect_flow_loss(seen, around)
    ]


def column_by_column(evidence: FlowEvidence) -> list[Told]:
    def path(place: int) -> tuple[str, ...]:
        crossed = evidence.crossed[evidence.first_crossed[place] : evidence.first_crossed[place + 1]]
        return tuple(evidence.components[number] for number in crossed)

    return [
        (
            Interval(evidence.start_ns[row], evidence.end_ns[row]),
            tuple(path(place) for place in range(evidence.first_path[row], evidence.first_path[row + 1])),
            evidence.sent[row],
            evidence.lost[row],
            evidence.traffic[evidence.traffic_of[row]],
            bool(evidence.of_service[row]),
            evidence.locator(row),
        )
        for row in range(len(evidence))
    ]


@given(records())
def test_columns_say_what_rows_say(seen: list[FlowRecord]) -> None:
    (evidence,) = detect_flows([pack_flows(seen, FLOWS)], AROUND)

    assert column_by_column(evidence) == one_by_one(seen, AROUND)
    assert list(note_undrawn_rows(evidence)) == list(note_undrawn_flows(seen, AROUND))


@given(records(), records())
def test_records_of_all_files_share_their_windows(first: list[FlowRecord], second: list[FlowRecord]) -> None:
    other = replace(FLOWS, file="telemetry/more-flows.csv")
    second = [replace(record, origin=other) for record in second]
    found = detect_flows([pack_flows(first, FLOWS), pack_flows(second, other)], AROUND)

    whole = [told for evidence in found for told in column_by_column(evidence)]
    assert whole == one_by_one([*first, *second], AROUND)


@given(st.lists(st.integers(0, 2**62), unique=True, max_size=40), st.lists(st.integers(0, 2**62), max_size=40))
def test_a_lookup_finds_what_it_has_and_nothing_else(keys: list[int], others: list[int]) -> None:
    lookup = _Lookup(numpy.array(keys, numpy.int64), numpy.arange(len(keys), dtype=numpy.int32))
    asked = [*keys, *others, UNKNOWN]

    wanted = [keys.index(key) if key in keys else UNKNOWN for key in asked]
    assert lookup.of(numpy.array(asked, numpy.int64)).tolist() == wanted


def flows(count: int) -> list[FlowRecord]:
    way = ("office-host", "office-edge", "cloud-edge", "cloud-core", "cloud-gateway", "cloud-host")
    return [
        FlowRecord(
            time_ns=at(10 * (row % 6)), origin=FLOWS, locator=f"line {row + 2}", source=ENDS[0], destination=ENDS[1],
            paths=(way,), sent=10, lost=row % 2,
        )
        for row in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize(("count", "many"), [(FEW_FLOWS, False), (FEW_FLOWS + 1, True)])
def test_few_flows_are_measurements_and_many_are_columns(count: int, many: bool) -> None:
    found = detect_evidence([], CHAIN, incident(), [pack_flows(flows(count), FLOWS)])

    assert (len(found.measurements), sum(map(len, found.flows))) == ((0, count) if many else (count, 0))


def test_what_is_left_out_of_many_flows_is_told() -> None:
    lost = [replace(record, paths=(("office-host", "atlantis", "cloud-host"),)) for record in flows(FEW_FLOWS)]
    found = detect_evidence([], CHAIN, incident(), [pack_flows([*flows(3), *lost], FLOWS)])

    assert [(caveat.file, caveat.count) for caveat in found.caveats] == [(FLOWS.file, FEW_FLOWS)]


def test_a_table_without_rows_is_evidence_of_nothing() -> None:
    found = detect_evidence([], CHAIN, incident(), [pack_flows([], FLOWS), pack_flows(flows(FEW_FLOWS + 1), FLOWS)])

    assert [len(evidence) for evidence in found.flows] == [FEW_FLOWS + 1]


PORT = {
    Side.CUSTOMER: ("office-edge", LogKind.INTERFACE_DOWN),
    Side.PROVIDER: ("cloud-edge", LogKind.INTERFACE_DOWN),
}
PORT_NAME = {Side.CUSTOMER: "Gi0/1", Side.PROVIDER: "GE0/0/1"}


def told_by(side: Side, what: str) -> Origin:
    return origin(f"{side}/{what}", EvidenceType.PROBES if what == "probes" else EvidenceType.SYSLOG, supplied_by=side)


def test_clocks_are_set_right_for_columns_as_for_rows() -> None:
    """The customer's clock is 300 s ahead: both sides' probes and logs saw the same trouble, the customer's later."""
    customers = replace(FLOWS, supplied_by=Side.CUSTOMER)
    late = [replace(record, origin=customers, time_ns=record.time_ns + 300 * NANOSECONDS) for record in flows(12)]
    trouble = [
        told
        for side, offset in ((Side.CUSTOMER, 300), (Side.PROVIDER, 0))
        for told in (
            *(
                probe(at_s + offset, 10, 0 if 20 <= at_s < 40 else 10, file=told_by(side, "probes"))
                for at_s in range(60)
            ),
            log(20.5 + offset, *PORT[side], interface=PORT_NAME[side], source=told_by(side, "log")),
        )
    ]
    window = incident(window=between(20, 40))

    few = detect_evidence([*trouble, *late], CHAIN, window)
    copies = late * (FEW_FLOWS // 12 + 1)
    many = detect_evidence(trouble, CHAIN, window, [pack_flows(copies, customers)])

    rows = {m.interval.start_ns for m in few.measurements if m.citation.origin.file == FLOWS.file}
    assert {start for evidence in many.flows for start in evidence.start_ns} == rows
    assert rows == {at(10 * step) for step in range(6)}
