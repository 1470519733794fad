"""What may have caused an interruption: modes on components of the way, with the acts that they would be."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from attribution.inference.candidates import (
    EFFECTS_OF_RECORD,
    MOST_ACTS,
    Candidate,
    Direction,
    enumerate_candidates,
    matches_record,
    rank_records,
)
from attribution.inference.modes import Mode, Modes, Reach, load_modes
from attribution.model.evidence import Condition, Coverage, Record, RecordKind
from attribution.model.incident import EvidenceType
from attribution.model.observation import CommandEffectKind
from attribution.model.topology import NodeKind, Side
from attribution.model.verdict import CauseKind
from tests.inference.chain import BACKGROUND, CHAIN, DEMARCATION, ENDS, PATHS, WAY, link_name, mode, record

UPLINK = link_name("customer-core", "customer-edge")
SHUT = record(0, "customer-edge", link=UPLINK, effect=CommandEffectKind.INTERFACE_SHUTDOWN)


def enumerated(
    *modes: Mode, records: tuple[Record, ...] = (), supplied: tuple[EvidenceType, ...] = (), by: Side = Side.PROVIDER
) -> list[Candidate]:
    coverage = Coverage(types=frozenset(supplied), supplied=frozenset((kind, by) for kind in supplied))
    return list(enumerate_candidates(CHAIN, PATHS, Modes(modes, BACKGROUND), records, coverage))


def test_only_what_carries_the_service_is_suspected() -> None:
    found = list(enumerate_candidates(CHAIN, PATHS, load_modes(), (), Coverage()))

    assert {c.component for c in found} == set(WAY)
    assert all(c.prior > 0 for c in found)


def test_nodes_fail_as_nodes_and_links_as_links() -> None:
    on_links = replace(mode(Reach.LINK), on=frozenset({"link"}))
    on_hosts = replace(mode(), on=frozenset({"host"}))

    assert {c.component for c in enumerated(on_links)} == set(CHAIN.links)
    assert {c.component for c in enumerated(on_hosts)} == {"customer-host", "provider-host"}


def test_a_mode_of_a_port_stands_once_for_each_port_on_the_way() -> None:
    ports = replace(mode(Reach.LINK), on=frozenset({"router"}))
    assert {c.link for c in enumerated(ports) if c.component == "customer-edge"} == {UPLINK, DEMARCATION}


def test_only_a_port_to_a_network_of_many_leads_to_one_who_may_have_the_gateway_s_address() -> None:
    conflict = Modes((replace(mode(Reach.GATEWAY), on=frozenset({"router", "switch"})),), BACKGROUND)
    switch = replace(CHAIN.nodes["customer-core"], kind=NodeKind.SWITCH, addresses=())
    lan = replace(CHAIN, nodes={**CHAIN.nodes, "customer-core": switch})

    assert list(enumerate_candidates(CHAIN, PATHS, conflict, (), Coverage())) == []
    (found,) = enumerate_candidates(lan, PATHS, conflict, (), Coverage())
    assert (found.component, found.link) == ("customer-edge", UPLINK)


def test_a_fault_of_one_direction_has_its_share_of_the_prior() -> None:
    one_way = replace(mode(), on=frozenset({"router"}), one_way=0.4)
    found = {c.direction: c.prior for c in enumerated(one_way) if c.component == "customer-edge"}

    assert set(found) == set(Direction)
    assert found[Direction.THERE] == found[Direction.BACK] < found[Direction.BOTH]
    assert sum(found.values()) == pytest.approx(one_way.prior)
    assert {c.direction for c in enumerated(mode())} == {Direction.BOTH}


def test_what_was_undone_later_by_a_like_act_may_have_begun_with_the_first() -> None:
    """The one that takes a setting back may stand nearer to the onset of a phase than the one that made it."""
    shuts = [record(at_s, "customer-edge", link=UPLINK, effect=SHUT.effect) for at_s in (0, 17, 40, 60)]
    closing = replace(mode(Reach.LINK, record_kind="port"), on=frozenset({"router"}), needs_record=True)
    found = enumerated(closing, records=tuple(shuts))

    assert [c.record for c in found if c.link == UPLINK] == shuts[:MOST_ACTS]


def test_what_needs_a_record_is_not_imagined() -> None:
    needy = replace(mode(Reach.LINK, record_kind="port"), on=frozenset({"router"}), needs_record=True)

    assert enumerated(needy) == []
    (found,) = enumerated(needy, records=(SHUT,))
    assert (found.component, found.link, found.record) == ("customer-edge", UPLINK, SHUT)


def test_what_supplied_evidence_would_have_shown_is_not_imagined() -> None:
    hidden = replace(mode(), unless=EvidenceType.ACCOUNT_EVENTS)

    assert enumerated(hidden) != []
    assert enumerated(hidden, supplied=(EvidenceType.ACCOUNT_EVENTS,)) == []


def test_papers_that_speak_against_the_customer_are_rather_missing_where_only_the_customer_hands_in_any() -> None:
    hidden = replace(mode(), unless=EvidenceType.ACCOUNT_EVENTS)
    logs = (EvidenceType.SYSLOG,)
    ours, theirs = (enumerated(hidden, supplied=logs, by=side) for side in (Side.CUSTOMER, Side.PROVIDER))

    assert [c.prior for c in ours] == pytest.approx([c.prior / 0.3 for c in theirs])
    assert {c.prior for c in enumerated(mode(), supplied=logs, by=Side.CUSTOMER)} == {0.1}


def test_a_router_may_lead_the_packets_for_either_end_astray_without_a_word_of_it() -> None:
    routers = {node for node in WAY if node in CHAIN.nodes and CHAIN.nodes[node].kind is NodeKind.ROUTER}
    astray = enumerated(replace(mode(Reach.ADDRESS), on=frozenset({"router", "host"})))

    assert {(c.component, c.diverted) for c in astray if c.component in routers} == set(product(routers, ENDS))
    assert {(c.component, c.diverted) for c in astray if c.component not in routers} == {(end, end) for end in ENDS}


def test_only_the_provider_enforces() -> None:
    enforcing = replace(mode(kind=CauseKind.ENFORCEMENT_ACTION), on=frozenset({"router", "host"}))
    assert {CHAIN.side_of(c.component) for c in enumerated(enforcing)} == {Side.PROVIDER}


PORT = mode(Reach.LINK, record_kind="port")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(SHUT, True, id="the port's shutdown"),
        pytest.param(replace(SHUT, link=DEMARCATION), False, id="of another port"),
        pytest.param(replace(SHUT, component="customer-core"), False, id="of another device"),
        pytest.param(replace(SHUT, effect=CommandEffectKind.FILTER_ADDED), False, id="another command"),
        pytest.param(replace(SHUT, kind=RecordKind.ENFORCEMENT), False, id="an enforcement"),
        pytest.param(replace(SHUT, link="customer-edge--elsewhere"), False, id="of a port off the way"),
    ],
)
def test_an_act_belongs_to_its_port(found: Record, expected: bool) -> None:
    assert matches_record(PORT, found, "customer-edge", UPLINK, PATHS, CHAIN) is expected


def test_a_ticket_about_a_limit_may_have_done_more_than_that() -> None:
    paper = record(
        0, "customer-edge", kind=RecordKind.PLANNED_CHANGE, link=UPLINK, effect=CommandEffectKind.RATE_LIMIT_SET
    )
    limiting = mode(Reach.EGRESS, record_kind="rate")
    assert matches_record(limiting, paper, "customer-edge", UPLINK, PATHS, CHAIN)
    assert matches_record(PORT, paper, "customer-edge", UPLINK, PATHS, CHAIN)
    assert not matches_record(limiting, replace(paper, effect=None), "customer-edge", UPLINK, PATHS, CHAIN)


def test_a_call_that_detaches_may_show_at_either_end_of_the_attachment() -> None:
    call = replace(record(0, "provider-core", cloud_call=True, actor=Side.CUSTOMER), beside=("provider-edge",))
    shown = {n for n in CHAIN.nodes if matches_record(mode(record_kind="cloud"), call, n, None, PATHS, CHAIN)}
    assert shown == {"provider-core", "provider-edge"}


@pytest.mark.parametrize("harmful", [Condition.MET, Condition.UNKNOWN])
def test_a_cloud_call_cuts_or_limits(harmful: Condition) -> None:
    """One that sets a limit does nothing else: what is lost without exception was lost to something else."""
    call = record(0, "provider-core", cloud_call=True, harmful=harmful, actor=Side.CUSTOMER)

    def matches(kind: str) -> bool:
        return matches_record(mode(record_kind=kind), call, "provider-core", None, PATHS, CHAIN)

    assert matches("cloud")
    assert matches("cloud_limit") == (harmful is not Condition.MET)
    call = replace(call, effect=CommandEffectKind.RATE_LIMIT_SET)
    assert (matches("cloud"), matches("cloud_limit")) == (False, True)
    assert not any(matches(kind) for kind in EFFECTS_OF_RECORD)


def test_who_takes_away_the_way_of_a_customer_leaves_it_no_other_protocol() -> None:
    cut = mode(record_kind="cut", kind=CauseKind.ENFORCEMENT_ACTION)
    filtered = record(0, "provider-edge", actor=Side.PROVIDER, effect=CommandEffectKind.FILTER_ADDED)

    assert matches_record(cut, filtered, "provider-edge", None, PATHS, CHAIN)
    assert not matches_record(cut, replace(filtered, protocol="tcp"), "provider-edge", None, PATHS, CHAIN)


def test_a_suspension_of_the_service_may_act_on_any_device_of_the_provider() -> None:
    enforcing = mode(record_kind="enforcement", kind=CauseKind.ENFORCEMENT_ACTION)
    whole = record(0, None, kind=RecordKind.ENFORCEMENT)
    narrow = record(0, "provider-edge", kind=RecordKind.ENFORCEMENT)

    def acted_on(act: Record) -> set[str]:
        return {n for n in CHAIN.nodes if matches_record(enforcing, act, n, None, PATHS, CHAIN)}

    assert acted_on(whole) == {"provider-edge", "provider-core", "provider-host"}
    assert acted_on(narrow) == {"provider-edge"}


def test_what_was_done_goes_before_what_was_planned_and_what_is_nearest_to_the_onset_before_the_rest() -> None:
    planned = record(9, "customer-edge", kind=RecordKind.PLANNED_CHANGE)
    early, late = record(5, "customer-edge"), record(9, "customer-edge")
    harmless = record(10, "customer-edge", harmful=Condition.NOT_MET)
    onset = record(10, None).interval.start_ns

    assert rank_records([harmless, planned, early, late], [onset]) == (late, early, harmless, planned)
    assert rank_records([early, late], [onset, early.interval.start_ns - 1]) == (early, late)
    assert rank_records([], [onset]) == ()


def test_the_way_s_kinds_of_node_all_have_something_that_may_happen_to_them() -> None:
    modes = load_modes().modes
    for kind in NodeKind:
        assert any(kind.value in one.on for one in modes), kind


def test_the_first_routers_are_those_next_to_either_end_and_at_the_edge_of_its_own_network() -> None:
    assert PATHS.first_routers(CHAIN) == {"customer-core", "customer-edge", "provider-core", "provider-edge"}

    def with_first(kind: NodeKind) -> frozenset[str]:
        changed = replace(CHAIN.nodes["customer-core"], kind=kind)
        return PATHS.first_routers(replace(CHAIN, nodes={**CHAIN.nodes, "customer-core": changed}))

    assert with_first(NodeKind.FIREWALL) == PATHS.first_routers(CHAIN)
    assert with_first(NodeKind.SWITCH) == {"customer-edge", "provider-core", "provider-edge"}
