"""What people did: until when, to what, and with whose consent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attribution.detectors.cloud_actions import load_cloud_actions
from attribution.detectors.loss import Surroundings
from attribution.detectors.records import (
    as_change,
    attached_node,
    detect_changes,
    detect_cloud_calls,
    detect_commits,
    detect_operations,
    is_foreign_port,
)
from attribution.model.evidence import Condition, Record, RecordKind
from attribution.model.incident import FOREVER_NS, EvidenceType, Service
from attribution.model.observation import (
    ChangeRecord,
    CloudCall,
    CommandEffect,
    CommandEffectKind,
    LogEvent,
    LogKind,
    Observation,
)
from attribution.model.topology import NodeKind, Side
from tests.detectors.chain import CHAIN, ENDS, NODES, at, command, join, log, network, node, origin, surroundings

AROUND = surroundings()
TICKETS = origin("records/changes.csv", EvidenceType.CHANGE_RECORDS)
AUDIT = origin("records/audit.json", EvidenceType.CLOUD_AUDIT)
SHUTDOWN = CommandEffectKind.INTERFACE_SHUTDOWN


def operations(*seen: Observation, around: Surroundings = AROUND) -> list[Record]:
    return list(detect_operations(seen, around))


def ticket(
    start: float = -60,
    end: float | None = 60,
    *,
    by: Side = Side.CUSTOMER,
    device: str = "office-edge",
    interface: str | None = None,
    agreed_by: str | None = None,
    agreed: float | None = None,
) -> ChangeRecord:
    return ChangeRecord(
        time_ns=at(start),
        origin=TICKETS,
        locator="row 1",
        id="CHG-1",
        end_ns=None if end is None else at(end),
        performed_by=by,
        device=device,
        interface=interface,
        action="move the uplink",
        consented_by=agreed_by,
        consented_ns=None if agreed is None else at(agreed),
        description="",
    )


def test_a_command_holds_until_it_is_taken_back() -> None:
    (record,) = operations(
        command(0, "cloud-edge", SHUTDOWN, interface="GE0/0/2"),
        command(5, "cloud-core", SHUTDOWN, interface="GE0/0/2", restores=True),
        command(6, "cloud-edge", SHUTDOWN, interface="GE0/0/1", restores=True),
        command(7, "cloud-edge", CommandEffectKind.FILTER_ADDED, interface="GE0/0/2", restores=True),
        command(9, "cloud-edge", SHUTDOWN, interface="GE0/0/2", restores=True),
        command(12, "cloud-edge", SHUTDOWN, interface="GE0/0/2", restores=True),
    )

    assert (record.interval.start_ns, record.interval.end_ns) == (at(0), at(9))
    assert (record.component, record.link) == ("cloud-edge", "cloud-core--cloud-edge")
    assert (record.actor, record.kind, record.effect) == (Side.PROVIDER, RecordKind.OPERATION, SHUTDOWN)


def test_a_command_that_nobody_takes_back_lasts() -> None:
    (record,) = operations(command(0, "cloud-edge", SHUTDOWN, interface="GE0/0/2"))
    assert record.interval.end_ns == FOREVER_NS


def test_the_port_may_be_that_in_whose_context_the_command_was_typed() -> None:
    (record,) = operations(
        command(0, "office-edge", SHUTDOWN, context="Gi0/1"),
        command(4, "office-edge", SHUTDOWN, context="Gi0/1", restores=True),
    )
    assert record.link == "cloud-edge--office-edge"
    assert record.actor is Side.CUSTOMER
    assert record.interval.end_ns == at(4)


def test_a_route_that_was_put_in_lasts_until_it_is_deleted_again() -> None:
    """And to delete it is no operation of its own, as it would be of a route that had been there."""
    changed, removed = CommandEffectKind.ROUTE_CHANGED, CommandEffectKind.ROUTE_REMOVED
    (record,) = operations(
        command(0, "cloud-edge", changed, prefix="10.1.0.0/24"),
        command(9, "cloud-edge", removed, prefix="10.1.0.0/24"),
    )
    assert (record.interval.end_ns, record.effect) == (at(9), changed)
    deleted = operations(
        command(0, "cloud-edge", changed, prefix="10.1.0.0/24"),
        command(9, "cloud-edge", removed, prefix="10.2.0.0/24"),
        command(12, "cloud-edge", removed, prefix="10.2.0.0/24", restores=True),
        command(15, "cloud-edge", removed, prefix="10.2.0.0/24"),
    )
    assert [(r.effect, r.interval.end_ns) for r in deleted] == [
        (changed, FOREVER_NS), (removed, at(12)), (removed, FOREVER_NS),
    ]  # fmt: skip


def test_what_is_announced_again_without_a_name_takes_back_what_was_no_longer_announced() -> None:
    removed = CommandEffectKind.ROUTE_REMOVED
    first, _ = operations(
        command(0, "cloud-edge", removed, prefix="10.2.0.0/24"), command(9, "cloud-edge", removed, restores=True)
    )
    assert (first.effect, first.interval.end_ns) == (removed, at(9))


@pytest.mark.parametrize(
    ("typed", "undone", "kind"),
    [
        ("undo port trunk permit vlan 210", "port trunk permit vlan 210", CommandEffectKind.VLAN_CHANGED),
        ("mtu 9000", "undo mtu", CommandEffectKind.MTU_CHANGED),
        ("no neighbor 10.0.0.2 route-map A out", "neighbor 10.0.0.2 route-map A out", CommandEffectKind.ROUTE_CHANGED),
        ("set interfaces xe-0/0/1 mtu 9000", "delete interfaces xe-0/0/1 mtu", CommandEffectKind.MTU_CHANGED),
    ],
)  # fmt: skip
def test_a_command_is_taken_back_by_its_opposite(typed: str, undone: str, kind: CommandEffectKind) -> None:
    def said(second: float, text: str, user: str = "kim") -> LogEvent:
        return replace(command(second, "office-edge", kind, context="Gi0/1"), command=text, user=user)

    first, _ = operations(said(0, typed), said(9, undone))
    assert (first.interval.end_ns, first.revised) == (at(9), True)
    by_another, _ = operations(said(0, typed), said(9, undone, "lee"))
    assert (by_another.interval.end_ns, by_another.revised) == (at(9), False)
    elsewhere = replace(said(9, undone), device="cloud-edge", interface="GE0/0/1")
    at_another_port = replace(said(9, undone), interface="Gi0/0")
    for no_opposite in (said(9, typed), said(9, "undo something else"), elsewhere, at_another_port):
        lasting, _ = operations(said(0, typed), no_opposite)
        assert (lasting.interval.end_ns, lasting.revised) == (FOREVER_NS, False)


def test_a_script_that_deletes_one_route_ten_thousand_times_is_read_all_the_same() -> None:
    removed = CommandEffectKind.ROUTE_REMOVED
    typed = [command(second, "cloud-edge", removed, prefix="10.2.0.0/24") for second in range(2000)]
    assert as_change(typed[-1], typed[:-1] * 5) == typed[-1].effect


@pytest.mark.parametrize(
    ("device", "prefix", "next_hop", "harmful"),
    [
        ("cloud-edge", "10.2.0.0/24", "192.0.2.1", Condition.MET),
        ("cloud-edge", "10.2.0.0/24", "10.9.1.2", Condition.UNKNOWN),
        ("cloud-edge", "10.2.0.0/24", "203.0.113.7", Condition.UNKNOWN),
        ("cloud-edge", "10.2.0.0/24", None, Condition.UNKNOWN),
        ("cloud-edge", "10.1.0.0/24", "10.9.1.2", Condition.MET),
        ("cloud-edge", "10.77.0.0/24", "192.0.2.1", Condition.UNKNOWN),
    ],
    ids=["back", "ahead", "a stranger", "nowhere", "back the other way", "for others"],
)
def test_a_route_for_an_end_of_the_service_that_leads_back_makes_a_circle(
    device: str, prefix: str, next_hop: str | None, harmful: Condition
) -> None:
    typed = command(0, device, CommandEffectKind.ROUTE_CHANGED, prefix=prefix, next_hop=next_hop)
    (record,) = operations(typed)
    assert record.harmful is harmful


@pytest.mark.parametrize("kind", [CommandEffectKind.HARMLESS, CommandEffectKind.CONFIGURATION])
def test_harmless_and_unclear_commands_are_no_operations(kind: CommandEffectKind) -> None:
    assert operations(command(0, "cloud-edge", kind)) == []


def test_a_restart_that_somebody_is_said_to_have_asked_for_is_an_operation() -> None:
    reload = CommandEffect(CommandEffectKind.RELOAD)
    (record,) = operations(
        log(0, "cloud-edge", LogKind.RELOAD_REQUESTED, effect=reload),
        log(1, "cloud-core", LogKind.RELOAD_REQUESTED),
    )
    assert (record.component, record.kind, record.effect) == ("cloud-edge", RecordKind.OPERATION, reload.kind)


def test_what_only_takes_something_back_is_no_operation() -> None:
    assert operations(command(0, "cloud-edge", SHUTDOWN, interface="GE0/0/2", restores=True)) == []


def test_a_port_like_the_others_that_is_not_drawn_serves_somebody_else() -> None:
    """A port of another type (a VLAN, a tunnel) may well be on the service's way."""
    assert is_foreign_port("cloud-edge", "GE0/0/40", AROUND)
    assert not is_foreign_port("cloud-edge", "Vlanif100", AROUND)
    assert operations(command(0, "cloud-edge", SHUTDOWN, interface="GE0/0/40")) == []
    (kept,) = operations(command(0, "cloud-edge", SHUTDOWN, interface="Vlanif100"))
    assert (kept.component, kept.link) == ("cloud-edge", None)


def test_commands_on_devices_that_are_not_drawn_are_left_out() -> None:
    assert operations(command(0, "somebody-else", SHUTDOWN, interface="GE0/0/2")) == []


@pytest.mark.parametrize(
    ("prefix", "harmful"),
    [
        ("10.2.0.0/24", Condition.MET),
        ("10.2.0.2/32", Condition.MET),
        ("10.1.0.0/16", Condition.MET),
        ("0.0.0.0/0", Condition.MET),
        ("10.0.0.0/8", Condition.MET),
        (None, Condition.MET),
        ("172.31.0.0/16", Condition.NOT_MET),
        ("10.2.1.0/24", Condition.NOT_MET),
        ("not-a-prefix", Condition.UNKNOWN),
    ],
)
@pytest.mark.parametrize(
    "kind",
    [CommandEffectKind.FILTER_ADDED, CommandEffectKind.NULL_ROUTE_ADDED, CommandEffectKind.ROUTE_REMOVED],
)
def test_a_filter_hits_the_service_if_its_prefix_holds_an_end(
    kind: CommandEffectKind, prefix: str | None, harmful: Condition
) -> None:
    (record,) = operations(command(0, "cloud-edge", kind, prefix=prefix))
    assert record.harmful is harmful


def test_a_filter_for_others_is_not_cleared_where_the_service_s_addresses_are_unknown() -> None:
    blank = network(
        [*NODES[:-1], node("cloud-host", NodeKind.HOST, side=Side.CUSTOMER)],
        CHAIN.links.values(),
    )
    (record,) = operations(
        command(0, "cloud-edge", CommandEffectKind.FILTER_ADDED, prefix="172.31.0.0/16"), around=surroundings(blank)
    )
    assert record.harmful is Condition.UNKNOWN


def test_a_filter_is_taken_back_for_its_own_prefix() -> None:
    (one, other) = operations(
        command(0, "cloud-edge", CommandEffectKind.FILTER_ADDED, prefix="10.2.0.0/24"),
        command(1, "cloud-edge", CommandEffectKind.FILTER_ADDED, prefix="10.1.0.0/24"),
        command(5, "cloud-edge", CommandEffectKind.FILTER_ADDED, prefix="10.1.0.0/24", restores=True),
        command(8, "cloud-edge", CommandEffectKind.FILTER_ADDED, prefix="10.2.0.0/24", restores=True),
    )
    assert (one.interval.end_ns, other.interval.end_ns) == (at(8), at(5))


def consent(*tickets: ChangeRecord, second: float = 0) -> Condition:
    shut = command(second, "office-edge", SHUTDOWN, interface="Gi0/1")
    return operations(shut, *tickets)[0].consent


def test_without_any_ticket_nobody_knows_of_consent() -> None:
    assert consent() is Condition.UNKNOWN


def test_consent_counts_for_its_device_port_and_time() -> None:
    assert consent(ticket(agreed_by="provider", agreed=-600)) is Condition.MET
    assert consent(ticket(agreed_by="provider", interface="Gi0/1")) is Condition.MET
    assert consent(ticket(agreed_by="provider", end=None)) is Condition.MET
    assert consent(ticket(0, 60, agreed_by="provider")) is Condition.MET, "at the first moment of the window"
    assert consent(ticket(-60, 0, agreed_by="provider")) is Condition.MET, "and at the last"
    assert consent(ticket(device="192.0.2.1", agreed_by="provider")) is Condition.MET, "a ticket may name an address"


@pytest.mark.parametrize(
    "insufficient",
    [
        pytest.param(ticket(), id="nobody agreed"),
        pytest.param(ticket(agreed_by=""), id="an empty name"),
        pytest.param(ticket(agreed_by="provider", agreed=30), id="agreed only afterwards"),
        pytest.param(ticket(agreed_by="provider", device="cloud-edge"), id="for another device"),
        pytest.param(ticket(agreed_by="provider", interface="Gi0/0"), id="for another port"),
        pytest.param(ticket(agreed_by="provider", interface="Gi0/77"), id="for a port of somebody else"),
        pytest.param(ticket(-7200, -3600, agreed_by="provider"), id="for an hour before"),
        pytest.param(ticket(3600, 7200, agreed_by="provider"), id="for an hour later"),
    ],
)
def test_consent_to_something_else_is_none(insufficient: ChangeRecord) -> None:
    assert consent(insufficient) is Condition.NOT_MET


def test_one_fitting_consent_is_enough_in_any_order() -> None:
    good, bad = ticket(agreed_by="provider"), ticket()
    assert consent(good, bad) is consent(bad, good) is Condition.MET


def test_a_ticket_is_a_record_of_its_own() -> None:
    (record,) = detect_changes([ticket(by=Side.PROVIDER, device="cloud-edge", interface="GE0/0/2")], AROUND)

    assert (record.actor, record.component, record.link) == (Side.PROVIDER, "cloud-edge", "cloud-core--cloud-edge")
    assert (record.kind, record.consent) == (RecordKind.PLANNED_CHANGE, Condition.NOT_MET)
    assert (record.interval.start_ns, record.interval.end_ns) == (at(-60), at(60))
    assert "CHG-1" in record.statement


@pytest.mark.parametrize(
    ("words", "of_a_limit"),
    [
        ("roll out rate-limit templates", True),
        ("policer on the access port", True),
        ("inter-region limit set to 50 Mbit/s", True),
        ("调整带宽限速", True),
        ("replace line card", False),
        ("new import policy", False),
    ],
)
def test_a_ticket_whose_words_are_about_a_limit_may_have_set_it(words: str, of_a_limit: bool) -> None:
    for paper in (replace(ticket(), action=words), replace(ticket(), description=words)):
        (record,) = detect_changes([paper], AROUND)
        assert (record.effect is CommandEffectKind.RATE_LIMIT_SET) is of_a_limit


def test_a_ticket_for_a_port_or_device_that_is_not_drawn_is_left_out() -> None:
    assert list(detect_changes([ticket(interface="Gi0/77"), ticket(device="somebody-else")], AROUND)) == []


def test_consent_that_was_taken_back_holds_until_then_and_nobody_is_told_that_it_was_given() -> None:
    taken_back = replace(ticket(agreed_by="provider"), withdrawn_ns=at(-90))
    (never,) = detect_changes([taken_back], AROUND)
    assert (never.consent, never.withdrawn) == (Condition.NOT_MET, True)
    assert "agreed" not in never.statement and "had taken its consent back" in never.statement

    before, after = detect_changes([replace(taken_back, withdrawn_ns=at(0))], AROUND)
    assert (before.consent, after.consent) == (Condition.MET, Condition.NOT_MET)
    assert before.interval.end_ns == after.interval.start_ns == at(0)

    assert len(list(detect_changes([replace(taken_back, withdrawn_ns=at(90))], AROUND))) == 1, "after the work"
    assert consent(replace(taken_back, withdrawn_ns=at(-1))) is Condition.NOT_MET
    assert consent(replace(taken_back, withdrawn_ns=at(1))) is Condition.MET


def test_a_ticket_agreed_in_the_middle_of_the_work_was_not_agreed() -> None:
    (late,) = detect_changes([ticket(agreed_by="provider", agreed=0)], AROUND)
    (early,) = detect_changes([ticket(agreed_by="provider", agreed=-90)], AROUND)
    assert (late.consent, early.consent) == (Condition.NOT_MET, Condition.MET)


def call(
    second: float,
    action: str,
    *resources: str,
    account: str | None = "100001",
    succeeded: bool = True,
) -> CloudCall:
    return CloudCall(
        time_ns=at(second),
        origin=AUDIT,
        locator="Events[0]",
        action=action,
        account=account,
        user="alice",
        succeeded=succeeded,
        writes=True,
        resources=resources,
        parameters="",
    )


def cloud(*calls: CloudCall, account: str | None = "100001", bought_bps: float | None = None) -> list[Record]:
    return list(detect_cloud_calls(calls, AROUND, Service(ENDS, bought_bps, account), load_cloud_actions()))


def test_a_call_that_detaches_holds_until_the_call_that_attaches_again() -> None:
    (record,) = cloud(
        call(0, "DetachCcnInstances", "ccn-1"),
        call(5, "AttachCcnInstances", "ccn-2"),
        call(6, "CreateVpc", "ccn-1"),
        call(7, "AttachCcnInstances", "ccn-1", succeeded=False),
        call(9, "attachccninstances", "ccn-1"),
    )
    assert (record.interval.start_ns, record.interval.end_ns) == (at(0), at(9))
    assert (record.actor, record.component) == (Side.CUSTOMER, "cloud-gateway")
    assert (record.harmful, record.cloud_call) == (Condition.MET, True)
    assert "100001" in record.statement
    assert "alice" in record.statement


def test_a_call_is_cited_with_the_one_that_took_it_back() -> None:
    (record,) = cloud(call(0, "DetachCcnInstances", "ccn-1"), call(800, "AttachCcnInstances", "ccn-1"))
    assert record.statement.endswith("DetachCcnInstances, which AttachCcnInstances (user alice) took back 800 s later")


def test_what_is_detached_may_be_missed_at_the_network_s_end_too() -> None:
    """The network has no route to it any more, and it has none back."""
    backbone = node("cloud-network", NodeKind.SERVICE, resources=("ccn-9",))
    drawn = network(
        [*NODES, backbone],
        [*CHAIN.links.values(), join("cloud-network a", "cloud-gateway b"), join("cloud-network c", "cloud-core d")],
    )

    def beside(*named: str, action: str = "DetachCcnInstances") -> tuple[str, tuple[str, ...]]:
        (record,) = detect_cloud_calls(
            [call(0, action, *named)], surroundings(drawn), Service(ENDS, None, None), load_cloud_actions()
        )
        return record.component or "", record.beside

    assert beside("ccn-1") == ("cloud-gateway", ("cloud-network",))
    assert beside("ccn-9", action="SetCcnRegionBandwidthLimits") == ("cloud-network", ())


def test_a_call_that_failed_or_only_reads_is_no_cause() -> None:
    assert cloud(call(0, "DetachCcnInstances", "ccn-1", succeeded=False), call(1, "DescribeCcns", "ccn-1")) == []


def test_a_changed_limit_may_or_may_not_hurt_and_is_known_for_one() -> None:
    (record,) = cloud(call(0, "SetCcnRegionBandwidthLimits", "ccn-1"))
    assert (record.harmful, record.effect) == (Condition.UNKNOWN, CommandEffectKind.RATE_LIMIT_SET)
    (record,) = cloud(call(0, "ReplaceRoutes", "ccn-1"))
    assert (record.harmful, record.effect) == (Condition.UNKNOWN, None)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ('{"Routes": [{"DestinationCidrBlock": "10.2.0.0/24"}]}', Condition.MET),
        ('{"Routes": [{"DestinationCidrBlock": "10.250.0.0/24"}]}', Condition.NOT_MET),
        (
            '{"Routes": [{"DestinationCidrBlock": "10.250.0.0/24"}, {"DestinationCidrBlock": "10.1.0.0/16"}]}',
            Condition.MET,
        ),
        ('{"Routes": [{"DestinationCidrBlock": "0.0.0.0/0"}]}', Condition.MET),
        ('{"RouteTableId": "rtb-1a2b3c4d"}', Condition.MET),
    ],
)
def test_a_route_that_is_not_the_services_is_deleted_without_harm_to_it(parameters: str, expected: Condition) -> None:
    (record,) = cloud(replace(call(0, "DeleteRoutes", "vpc-1"), parameters=parameters))
    assert record.harmful is expected


@pytest.mark.parametrize(
    ("bought_bps", "expected"), [(10e6, Condition.NOT_MET), (500e6, Condition.UNKNOWN), (None, Condition.UNKNOWN)]
)
def test_a_limit_at_or_above_what_was_bought_does_not_hurt(bought_bps: float | None, expected: Condition) -> None:
    limited = replace(call(0, "SetCcnRegionBandwidthLimits", "ccn-1"), parameters='{"BandwidthLimit": 100}')
    (record,) = cloud(limited, bought_bps=bought_bps)
    assert record.harmful is expected


def test_a_call_of_the_customer_s_own_account_is_its_act() -> None:
    (own,) = cloud(call(0, "DetachCcnInstances", "ccn-1"))
    (unstated,) = cloud(call(0, "DetachCcnInstances", "ccn-1", account=None))
    (unknown,) = cloud(call(0, "DetachCcnInstances", "ccn-1", account="999"), account=None)

    assert own.actor is unstated.actor is unknown.actor is Side.CUSTOMER


@pytest.mark.parametrize("action", ["SetCcnRegionBandwidthLimits", "DetachCcnInstances"])
def test_what_another_account_does_to_the_service_is_the_provider_s_act(action: str) -> None:
    (record,) = cloud(call(0, action, "ccn-1", account="999"), call(9, "AttachCcnInstances", "ccn-1"))

    assert (record.actor, record.component, record.tied) == (Side.PROVIDER, "cloud-gateway", True)
    assert "999" in record.statement
    assert "not the customer's" in record.statement


def test_what_another_account_does_to_what_nobody_drew_is_another_tenant_s_affair() -> None:
    assert cloud(call(0, "DetachCcnInstances", "ccn-9", account="999")) == []


def test_whose_an_account_is_that_changes_what_is_not_the_customer_s_nobody_knows() -> None:
    """A network of several accounts may be another tenant's; no tenant but its own can change the customer's."""

    def acted(*owners: str) -> Record:
        (record,) = cloud(replace(call(0, "DetachCcnInstances", "ccn-1", account="999"), owners=owners))
        return record

    assert (acted("999").stranger, acted("999").account) == (True, "999")
    assert not acted("100001").stranger
    assert not acted().stranger
    (own,) = cloud(replace(call(0, "DetachCcnInstances", "ccn-1"), owners=("999",)))
    assert (own.stranger, own.account) == (False, None)


def test_another_account_s_call_on_a_tied_link_between_the_provider_s_nodes_counts() -> None:
    backbone = join("cloud-edge GE0/0/2", "cloud-core GE0/0/1", side=Side.PROVIDER, resources=("ccnr-9",))
    links = [backbone if link.component == backbone.component else link for link in CHAIN.links.values()]
    around = surroundings(network(NODES, links))
    limited = call(0, "SetCcnRegionBandwidthLimits", "ccnr-9", account="999")

    (record,) = detect_cloud_calls([limited], around, Service(ENDS, None, "100001"), load_cloud_actions())

    assert record.actor is Side.PROVIDER


def commits(*seen: Observation) -> list[Record]:
    return list(detect_commits(seen, AROUND))


def commit(second: float, device: str = "cloud-edge") -> LogEvent:
    return replace(log(second, device, LogKind.CONFIG_CHANGED), user="ops", text="UI_COMMIT: commit complete")


def test_a_configuration_put_in_force_is_an_act_of_whose_contents_nothing_is_known() -> None:
    first, second = commits(commit(0), commit(300))

    assert (first.component, first.actor, first.effect) == (
        "cloud-edge", Side.PROVIDER, CommandEffectKind.CONFIGURATION,
    )  # fmt: skip
    assert (first.harmful, first.consent) == (Condition.UNKNOWN, Condition.UNKNOWN)
    assert (first.interval.end_ns, second.interval.end_ns) == (at(300), FOREVER_NS)
    assert "ops" in first.statement


def test_who_puts_two_configurations_in_force_may_have_taken_the_first_back_and_nobody_else() -> None:
    first, second = commits(commit(0), commit(300))
    assert (first.revised, second.revised) == (True, False)
    (by_another, _) = commits(commit(0), replace(commit(300), user="somebody"))
    (unnamed, _) = commits(replace(commit(0), user=None), replace(commit(300), user=None))
    assert not by_another.revised
    assert not unnamed.revised


def test_consent_to_work_on_a_port_is_none_to_a_change_of_nobody_knows_what() -> None:
    of_port = ticket(device="cloud-edge", by=Side.PROVIDER, interface="GE0/0/2", agreed_by="office", agreed=-90)
    (record,) = commits(of_port, commit(0))
    assert record.consent is not Condition.MET
    (record,) = commits(replace(of_port, interface=None), commit(0))
    assert record.consent is Condition.MET


def test_several_lines_of_one_commit_do_not_end_each_other() -> None:
    first, _ = commits(commit(0), commit(4))
    assert first.interval.end_ns == FOREVER_NS


def test_commands_that_were_logged_tell_what_a_commit_changed() -> None:
    typed = command(-20, "cloud-edge", SHUTDOWN, interface="GE0/0/2")
    looked = command(-20, "cloud-edge", CommandEffectKind.HARMLESS)

    assert commits(typed, commit(0)) == []
    assert len(commits(looked, commit(0))) == 1, "who looks at the configuration does not tell what was changed"
    assert len(commits(typed, commit(0, device="office-edge"))) == 1
    assert commits(commit(0, device="somebody-else")) == []


def test_a_call_for_what_the_drawing_ties_to_a_node_is_surely_for_it() -> None:
    tied = network([*NODES, node("other", NodeKind.HOST, resources=("sg-9",))], CHAIN.links.values())
    around = surroundings(tied)
    (record,) = detect_cloud_calls(
        [call(0, "ReplaceSecurityGroupPolicies", "sg-9")], around, Service(ENDS, None, None), load_cloud_actions()
    )
    assert (record.component, record.tied) == ("other", True)
    (unknown,) = cloud(call(0, "DetachCcnInstances", "ccn-9"))
    assert not unknown.tied


def test_a_call_concerns_the_node_its_resources_are_tied_to() -> None:
    assert attached_node(call(0, "DetachCcnInstances", "ccn-1"), AROUND) == "cloud-gateway"
    tied = network(
        [*NODES, node("other-gateway", NodeKind.GATEWAY, resources=("vpc-9",))],
        [*CHAIN.links.values(), join("other-gateway a", "cloud-core GE0/0/9")],
    )
    assert attached_node(call(0, "DetachCcnInstances", "vpc-9"), surroundings(tied)) == "other-gateway"
    assert attached_node(call(0, "DetachCcnInstances", "unheard-of"), surroundings(tied)) == "cloud-gateway"
    of_both = replace(call(0, "DetachCcnInstances", "vpc-9"), resources=("ccn-1", "vpc-9"))
    assert attached_node(of_both, surroundings(tied)) == "other-gateway", "what lost its attachment, not the network"


def test_a_gateway_of_the_customer_s_own_site_is_none_that_a_call_detaches() -> None:
    site = node("office-nat", NodeKind.GATEWAY, side=Side.CUSTOMER)
    drawn = network([site, *NODES], [join("office-nat a", "office-host eth9"), *CHAIN.links.values()])
    assert attached_node(call(0, "DetachCcnInstances", "unheard-of"), surroundings(drawn)) == "cloud-gateway"


def test_a_call_on_a_tied_attachment_concerns_its_far_end() -> None:
    attached = network(
        NODES,
        [*list(CHAIN.links.values())[:1], join("office-edge Gi0/1", "cloud-edge GE0/0/1", resources=("dcx-1",))],
    )
    assert attached_node(call(0, "DeleteDirectConnectTunnel", "dcx-1"), surroundings(attached)) == "cloud-edge"


@pytest.mark.parametrize("action", load_cloud_actions().values(), ids=lambda action: action.name)
def test_every_listed_call_is_known_by_its_name_in_any_case(action: object) -> None:
    name = getattr(action, "name", "")
    assert load_cloud_actions()[name.lower()] is action
    assert len(cloud(call(0, name.upper(), "ccn-1"))) == 1


def test_a_command_is_taken_back_in_another_spelling_of_the_port() -> None:
    (record,) = operations(
        command(0, "office-edge", SHUTDOWN, interface="Gi0/1"),
        command(9, "office-edge", SHUTDOWN, interface="GigabitEthernet0/1", restores=True),
    )
    assert record.interval.end_ns == at(9)
