"""Flow records by the million: added up by what they crossed of the service's way, without those spoiled elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy
from hypothesis import given
from hypothesis import strategies as st

from attribution.detectors.addresses import learn_addresses
from attribution.detectors.flow_columns import detect_flows
from attribution.detectors.loss import Surroundings
from attribution.detectors.routes import learn_routes
from attribution.inference.elsewhere import find_spoiled
from attribution.inference.flows import FlowsOnTheWay, number_distinct, number_sequences, number_together
from attribution.inference.search import add_flows
from attribution.model.evidence import Coverage, Findings, Journey, Measurement
from attribution.model.flow_evidence import FlowEvidence
from attribution.model.incident import EvidenceType, Origin, Service
from attribution.model.observation import FlowRecord
from attribution.model.topology import Link, Node, NodeKind, Side, Topology
from attribution.readers.flows import pack_flows
from tests.inference.chain import CHAIN, ENDS, PATHS, WAY, WAY_NODES, at, between, link_name

FLOWS = Origin("telemetry/flows.csv", EvidenceType.FLOWS, supplied_by=Side.PROVIDER)
# Beside the way: two branches behind the customer's edge, and a neighbour behind the provider's core.
BESIDE = {"branch": "customer-edge", "depot": "branch", "neighbour": "provider-core", "shop": "customer-edge"}
TOPOLOGY = Topology(
    {**CHAIN.nodes, **{name: Node(name, Side.CUSTOMER, NodeKind.ROUTER) for name in BESIDE}},
    {**CHAIN.links, **{link_name(*ends): Link(*ends, None, Side.CUSTOMER) for ends in BESIDE.items()}},
)
THERE = ("customer-edge", "provider-edge", "provider-core")
ROUTES: dict[str, tuple[str, ...]] = {
    "service": WAY_NODES,
    "branch": ("branch", *THERE, "neighbour"),
    "depot": ("depot", "branch", *THERE, "provider-host"),
    "shop": ("shop", *THERE, "neighbour"),
    "local": ("branch", "customer-edge", "shop"),
    "off": ("depot", "branch"),
    "near": ("shop", "customer-edge", "provider-edge"),
    "inside": ("shop", "customer-edge", "customer-core", "customer-host"),
}


def flow(
    row: int, *routes: str, second: int = 0, sent: int = 10, lost: int = 0, back: bool = False, protocol: str = "tcp"
) -> FlowRecord:
    paths = [ROUTES[name][::-1] if back else ROUTES[name] for name in routes]
    return FlowRecord(
        time_ns=at(second), origin=FLOWS, locator=f"line {row + 2}", source=paths[0][0], destination=paths[0][-1],
        paths=tuple(paths), sent=sent, lost=lost, protocol=protocol,
    )  # fmt: skip


def evidence_of(records: Iterable[FlowRecord]) -> FlowEvidence:
    book = learn_addresses(TOPOLOGY, ())
    around = Surroundings(TOPOLOGY, Service(ENDS), book, learn_routes(TOPOLOGY, book, ()))
    return detect_flows([pack_flows(records, FLOWS)], around)[0]


def told(records: Sequence[FlowRecord], spoiled: Sequence[bool] | None = None) -> list[Measurement]:
    mask = None if spoiled is None else numpy.array(spoiled)
    return list(FlowsOnTheWay(evidence_of(records), PATHS).measurements(mask))


def crossed(journeys: tuple[Journey, ...]) -> frozenset[tuple[str, ...]]:
    return frozenset(journey[0].components if journey else () for journey in journeys)


def crossed_by(record: FlowRecord) -> frozenset[tuple[str, ...]]:
    """What a record's candidate paths crossed of the way, worked out name by name."""
    found = set()
    for nodes in record.paths:
        whole = [nodes[0]]
        for here, there in pairwise(nodes):
            whole += [link_name(here, there), there]
        found.add(tuple(name for name in whole if name in WAY))
    return frozenset(found)


@st.composite
def flows(draw: st.DrawFn) -> list[FlowRecord]:
    found = []
    for row in range(draw(st.integers(1, 12))):
        routes = draw(st.lists(st.sampled_from(sorted(ROUTES)), min_size=1, max_size=3))
        sent = draw(st.integers(1, 9))
        found.append(
            flow(
                row, *routes, second=draw(st.sampled_from([0, 30])), sent=sent, lost=draw(st.integers(0, sent)),
                back=draw(st.booleans()), protocol=draw(st.sampled_from(["tcp", "udp"])),
            )
        )  # fmt: skip
    return found


@given(flows(), st.data())
def test_records_are_added_up_by_what_they_crossed_of_the_way(records: list[FlowRecord], data: st.DataObject) -> None:
    spoiled = data.draw(st.lists(st.booleans(), min_size=len(records), max_size=len(records)))
    wanted: Counter[tuple[object, ...]] = Counter()
    packets: Counter[tuple[object, ...]] = Counter()
    for record, left_out in zip(records, spoiled, strict=True):
        parts = crossed_by(record)
        if any(parts) and not left_out:
            of_service = {record.source, record.destination} == set(ENDS)
            key = (parts, record.time_ns, record.protocol, of_service)
            wanted[key] += record.lost
            packets[key] += record.sent

    found = told(records, spoiled)

    keys = [(crossed(m.journeys), m.interval.start_ns, m.traffic, m.of_service) for m in found]
    assert {key: (m.sent, m.lost) for key, m in zip(keys, found, strict=True)} == {
        key: (packets[key], wanted[key]) for key in packets
    }
    assert len(set(keys)) == len(keys)


def test_a_measurement_cites_the_record_that_lost_most() -> None:
    records = [flow(0, "shop", lost=1), flow(1, "branch", lost=4), flow(2, "shop", lost=4), flow(3, "shop", sent=90)]

    (measurement,) = told(records)

    assert (measurement.citation.locator, measurement.sent, measurement.lost) == ("line 3", 120, 9)
    assert measurement.statement == ("9 of 120 packets of flows from customer-edge to provider-core were lost")


def test_nodes_that_only_send_or_receive_are_told_from_those_that_forward() -> None:
    (passing,), (own,) = told([flow(0, "branch")]), told([flow(0, "service")])

    assert passing.journeys[0][0].forwarding == passing.journeys[0][0].components
    assert own.journeys[0][0].forwarding == own.journeys[0][0].components[1:-1]
    assert (passing.end_to_end, own.end_to_end) == (False, True)


def test_a_flow_that_may_have_gone_around_the_way_stays_open() -> None:
    (measurement,) = told([flow(0, "branch", "local")])

    assert crossed(measurement.journeys) == {
        (
            "customer-edge",
            "customer-edge--provider-edge",
            "provider-edge",
            "provider-core--provider-edge",
            "provider-core",
        ),
        ("customer-edge",),
    }


@given(st.lists(st.lists(st.integers(0, 3), max_size=4), max_size=12), st.data())
def test_sequences_have_one_number_where_they_are_the_same(lists: list[list[int]], data: st.DataObject) -> None:
    flags = data.draw(st.lists(st.integers(0, 2), min_size=len(lists), max_size=len(lists)))
    items = numpy.array([item for one in lists for item in one], numpy.int64)
    lengths = numpy.array([len(one) for one in lists], numpy.int64)

    plain, number = number_sequences(items, lengths)
    flagged, other = number_sequences(items, lengths, numpy.array(flags, numpy.int64))

    assert [plain[n] for n in number] == [tuple(one) for one in lists]
    assert [flagged[n] for n in other] == [(flag, *one) for flag, one in zip(flags, lists, strict=True)]
    assert len(set(plain)) == len(plain) and len(set(flagged)) == len(flagged)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 1), st.integers(0, 1)), min_size=1, max_size=12))
def test_rows_have_one_number_where_all_their_columns_agree(rows: list[tuple[int, int, int]]) -> None:
    number, first = number_together(list(numpy.array(rows).T))

    assert [rows[first[n]] for n in number] == rows
    assert len(first) == len(set(rows))


@given(st.lists(st.integers(-(1 << 62), 1 << 62) | st.integers(0, 3), max_size=12))
def test_numbers_are_told_apart_however_far_apart_they_are(numbers: list[int]) -> None:
    distinct, place = number_distinct(numpy.array(numbers, numpy.int64))

    assert distinct.tolist() == sorted(set(numbers))
    assert [distinct[p] for p in place] == numbers


def losing(lossy: dict[str, float], routes: Iterable[str], count: int = 60) -> list[FlowRecord]:
    """Flows during half a minute of trouble: what the components on their paths lose, they lose."""
    records: list[FlowRecord] = []
    for row in range(count):
        for name in routes:
            share = 1.0
            for component in {*ROUTES[name], *map(link_name, ROUTES[name], ROUTES[name][1:])} & lossy.keys():
                share *= 1 - lossy[component]
            lost = round(200 * (1 - share))
            records.append(flow(len(records), name, second=30, sent=200, lost=lost, back=bool(row % 2)))
    return records


def test_flows_across_something_else_that_lost_packets_are_left_out_and_said_so() -> None:
    records = losing({"provider-core": 0.3, "branch": 0.4}, ROUTES)

    spoiled = find_spoiled([evidence_of(records)], TOPOLOGY, PATHS, [between(20, 60)])

    assert [bool(row) for row in spoiled.rows[0]] == ["branch" in record.paths[0] for record in records]
    assert {caveat.locator for caveat in spoiled.caveats} >= {"branch"}
    assert "off the service's way and lost packets itself" in spoiled.caveats[0].reason


def test_a_device_on_the_way_spoils_nothing_though_its_other_cables_lose_with_it() -> None:
    records = losing({"customer-edge": 0.4}, ROUTES)

    spoiled = find_spoiled([evidence_of(records)], TOPOLOGY, PATHS, [between(20, 60)])

    assert not spoiled.rows[0].any()
    assert spoiled.caveats == ()


def test_flows_outside_the_trouble_do_not_tell_what_lost_packets_in_it() -> None:
    before = losing({"branch": 0.4}, ROUTES)

    spoiled = find_spoiled([evidence_of(before)], TOPOLOGY, PATHS, [between(90, 120)])

    assert not spoiled.rows[0].any()


def test_losses_elsewhere_do_not_reach_the_evidence_about_the_way() -> None:
    quiet = [flow(row, name, second=second, sent=200) for row, name in enumerate(ROUTES) for second in (0, 60, 90)]
    records = [*quiet, *losing({"provider-core": 0.3, "branch": 0.4}, ROUTES)]
    findings = Findings((), (), (), Coverage(), (WAY,), {}, flows=(evidence_of(records),))

    whole, troubles, caveats = add_flows(findings, PATHS, TOPOLOGY)

    assert [(trouble.interval.start_ns, trouble.interval.end_ns) for trouble in troubles] == [(at(30), at(60))]
    during = [m for m in whole.measurements if m.interval.start_ns == at(30)]
    ratios = {crossed(m.journeys): m.lost / m.sent for m in during}
    assert {any("provider-core" in part for part in parts): round(ratio, 2) for parts, ratio in ratios.items()} == {
        True: 0.3,
        False: 0.0,
    }
    assert len(ratios) == 8  # the service's own flows and the shop's, there and back
    assert caveats
