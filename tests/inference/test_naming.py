"""From a candidate to the cause that a verdict names: who acted, with what consent, and whose the overload is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from attribution.inference.candidates import Candidate, Direction
from attribution.inference.modes import Reach
from attribution.inference.naming import Namer
from attribution.model.evidence import Alarm, AlarmKind, Condition, Coverage, Record, RecordKind
from attribution.model.observation import CommandEffectKind
from attribution.model.topology import Side, Topology
from attribution.model.verdict import Cause, CauseKind, Fact
from tests.inference.chain import CHAIN, DEMARCATION, PATHS, alarm, at, between, candidate, link_name, mode, record

SPAN = between(100, 160)
UPLINK = link_name("customer-core", "customer-edge")
BOUGHT_BPS = 100e6
COUNTED = Coverage(counted=frozenset({"customer-edge"}))


def name(
    who: Candidate,
    alarms: Sequence[Alarm] = (),
    records: Sequence[Record] = (),
    coverage: Coverage | None = None,
    bought_bps: float | None = BOUGHT_BPS,
    topology: Topology = CHAIN,
) -> Cause:
    return Namer(topology, PATHS, alarms, records, coverage or Coverage(), bought_bps).name(who, SPAN)


def test_what_fails_by_itself_has_no_actor() -> None:
    cause = name(candidate("customer-edge", mode(kind=CauseKind.DEVICE_FAILURE)))

    assert (cause.component, cause.kind, cause.actor) == ("customer-edge", CauseKind.DEVICE_FAILURE, None)
    assert cause.facts == frozenset()
    assert cause.interval == SPAN


def test_a_cable_is_marked_as_one() -> None:
    cause = name(candidate(UPLINK, mode(Reach.LINK, kind=CauseKind.LINK_FAILURE), link=UPLINK))
    assert cause.facts == {Fact.LINK}


def test_what_a_third_party_runs_is_marked_as_such() -> None:
    hired = replace(CHAIN.nodes["customer-edge"], operator="MetroFibre")
    rented = Topology({**CHAIN.nodes, "customer-edge": hired}, CHAIN.links)
    assert Fact.THIRD_PARTY in name(candidate("customer-edge"), topology=rented).facts
    assert Fact.THIRD_PARTY not in name(candidate("customer-core"), topology=rented).facts


@pytest.mark.parametrize(
    ("noticed", "told"),
    [
        pytest.param(record(-3600, "customer-host", kind=RecordKind.VIOLATION, end=-3599), True, id="of this host"),
        pytest.param(record(-3600, None, kind=RecordKind.VIOLATION, end=-3599), True, id="of the account"),
        pytest.param(record(-3600, "customer-core", kind=RecordKind.VIOLATION, end=-3599), False, id="of another"),
        pytest.param(record(130, "customer-host", kind=RecordKind.VIOLATION, end=131), False, id="of this attack"),
    ],
)
def test_an_attack_of_a_kind_that_was_to_be_ended_is_another_of_the_same(noticed: Record, told: bool) -> None:
    flood = alarm(100, "provider-edge", "customer-host", AlarmKind.ATTACK)
    cause = name(candidate("customer-host", mode(kind=CauseKind.ATTACK)), [flood], [noticed])

    assert Fact.ATTACK_ON_CUSTOMER in cause.facts
    assert (Fact.VIOLATION in cause.facts) is told


def test_a_device_was_at_fault_since_it_was_worn_down_and_not_only_when_its_sessions_were_given_up() -> None:
    worn = mode(kind=CauseKind.DEVICE_DEGRADED, sign=AlarmKind.RESOURCES_EXHAUSTED)
    busy = alarm(12, "customer-edge", "customer-edge", AlarmKind.RESOURCES_EXHAUSTED, end=150)
    cause = name(candidate("customer-edge", worn), [busy])
    assert cause.interval.start_ns == at(12)
    assert [spell.start_ns for spell in cause.held] == [at(100)]
    for other in (candidate("customer-core", worn), candidate("customer-edge", mode())):
        assert name(other, [busy]).interval.start_ns == at(100)


def test_of_two_hosts_with_one_address_the_intruder_is_named_where_it_is_known() -> None:
    def conflict(*others: str | None) -> tuple[str, bool]:
        doubled = [
            alarm(100, "customer-core", "customer-host", AlarmKind.DUPLICATE_ADDRESS, about_peer=other)
            for other in others
        ]
        two = mode(Reach.ADDRESS, kind=CauseKind.MISCONFIGURATION)
        cause = name(candidate("customer-host", two), doubled)
        return cause.component, Fact.ADDRESS_TAKEN in cause.facts

    assert conflict("customer-printer", None, "customer-printer") == ("customer-printer", False)
    victim = ("customer-host", True)
    assert conflict(None) == conflict() == victim
    assert conflict("customer-printer", "customer-phone") == victim, "one of the two, and nobody knows which"


SHUTTING = mode(Reach.LINK, kind=CauseKind.UNAUTHORISED_OPERATION, record_kind="port")


def shutdown(
    component: str = "customer-edge",
    consent: Condition = Condition.NOT_MET,
    actor: Side | None = None,
    start: float = 99,
    end: float = 158,
) -> Record:
    return record(
        start,
        component,
        link=UPLINK,
        effect=CommandEffectKind.INTERFACE_SHUTDOWN,
        consent=consent,
        actor=actor,
        end=end,
    )


def acting(done: Record | None, component: str = "customer-edge") -> Candidate:
    return candidate(component, SHUTTING, link=UPLINK, record=done)


@pytest.mark.parametrize(
    ("consent", "kind"),
    [
        (Condition.MET, CauseKind.CONSENTED_OPERATION),
        (Condition.NOT_MET, CauseKind.UNAUTHORISED_OPERATION),
        (Condition.UNKNOWN, CauseKind.UNAUTHORISED_OPERATION),
    ],
)
def test_the_customer_s_operation_stands_or_falls_with_consent(consent: Condition, kind: CauseKind) -> None:
    cause = name(acting(shutdown(consent=consent)))

    assert (cause.kind, cause.actor) == (kind, Side.CUSTOMER)
    assert Fact.OPERATION in cause.facts
    assert (Fact.CONSENTED in cause.facts) == (consent is Condition.MET)


def ticket(consent: Condition, component: str = "customer-edge", link: str | None = None, start: float = 0) -> Record:
    return record(start, component, kind=RecordKind.PLANNED_CHANGE, consent=consent, link=link, end=start + 300)


@pytest.mark.parametrize(
    ("paper", "agreed"),
    [
        pytest.param(ticket(Condition.MET), True, id="for the whole device"),
        pytest.param(ticket(Condition.MET, link=UPLINK), True, id="for the port"),
        pytest.param(ticket(Condition.MET, link=DEMARCATION), False, id="for another port"),
        pytest.param(ticket(Condition.MET, "customer-core"), False, id="for another device"),
        pytest.param(ticket(Condition.MET, start=-900), False, id="for another hour"),
        pytest.param(ticket(Condition.NOT_MET), False, id="never agreed"),
    ],
)
def test_a_ticket_brings_consent_for_its_device_port_and_time(paper: Record, agreed: bool) -> None:
    cause = name(acting(shutdown()), records=[paper])
    assert cause.kind is (CauseKind.CONSENTED_OPERATION if agreed else CauseKind.UNAUTHORISED_OPERATION)


def test_the_provider_s_announced_work_is_maintenance_its_shutdown_an_operation_and_its_slip_a_misconfiguration() -> (
    None
):
    at_edge = shutdown("provider-edge")
    announced = name(acting(at_edge, "provider-edge"), records=[ticket(Condition.NOT_MET, "provider-edge")])
    on_purpose = name(acting(at_edge, "provider-edge"))
    slip = name(acting(replace(at_edge, effect=CommandEffectKind.VLAN_CHANGED), "provider-edge"))

    assert (announced.kind, announced.actor) == (CauseKind.MAINTENANCE, Side.PROVIDER)
    assert (on_purpose.kind, on_purpose.actor) == (CauseKind.UNAUTHORISED_OPERATION, Side.PROVIDER)
    assert (slip.kind, slip.actor) == (CauseKind.MISCONFIGURATION, Side.PROVIDER)


def test_a_change_of_configuration_after_which_the_device_says_that_a_port_was_shut_shut_it() -> None:
    committed = replace(shutdown("provider-edge"), effect=CommandEffectKind.CONFIGURATION)

    def kind(*alarms: Alarm) -> CauseKind:
        return name(acting(committed, "provider-edge"), alarms).kind

    shut = alarm(100, "provider-edge", UPLINK, AlarmKind.INTERFACE_ADMIN_DOWN)
    assert kind(shut) is CauseKind.UNAUTHORISED_OPERATION
    assert kind() is kind(replace(shut, reporter="provider-core")) is CauseKind.MISCONFIGURATION
    assert kind(replace(shut, interval=between(130, 140))) is CauseKind.MISCONFIGURATION
    assert kind(replace(shut, component="provider-edge--somewhere-else")) is CauseKind.MISCONFIGURATION


def test_whoever_pulls_a_transceiver_does_it_on_purpose() -> None:
    unplugged = mode(Reach.LINK, kind=CauseKind.UNAUTHORISED_OPERATION)
    cause = name(candidate("provider-edge", unplugged, link=DEMARCATION))
    assert (cause.kind, cause.actor) == (CauseKind.UNAUTHORISED_OPERATION, Side.PROVIDER)


def test_who_acted_may_be_another_than_whose_device_it_was() -> None:
    call = record(99, "provider-core", actor=Side.CUSTOMER, cloud_call=True)
    detaching = mode(Reach.FORWARDING, kind=CauseKind.UNAUTHORISED_OPERATION, record_kind="cloud")
    cause = name(candidate("provider-core", detaching, record=call))

    assert (cause.component, cause.actor) == ("provider-core", Side.CUSTOMER)
    assert cause.kind is CauseKind.UNAUTHORISED_OPERATION
    assert {Fact.OPERATION, Fact.CLOUD_CALL} <= cause.facts


def test_an_unrecorded_operation_is_that_of_the_device_s_side() -> None:
    assert name(acting(None)).actor is Side.CUSTOMER
    assert name(acting(None, "provider-edge")).actor is Side.PROVIDER


def test_what_is_done_although_consent_was_taken_back_is_no_upkeep() -> None:
    paper = ticket(Condition.NOT_MET, "provider-edge")
    act = candidate("provider-edge", mode(Reach.NODE, kind=CauseKind.UNAUTHORISED_OPERATION), record=paper)
    assert name(act, records=[paper]).kind is CauseKind.MAINTENANCE
    taken_back = replace(paper, withdrawn=True)
    cause = name(replace(act, record=taken_back), records=[taken_back])
    assert (cause.kind, cause.actor) == (CauseKind.UNAUTHORISED_OPERATION, Side.PROVIDER)
    assert Fact.CONSENTED not in cause.facts


def test_a_call_is_named_by_what_it_detached_wherever_the_packets_were_missed() -> None:
    call = replace(record(99, "provider-core", cloud_call=True, actor=Side.CUSTOMER), beside=("provider-edge",))
    calling = mode(kind=CauseKind.UNAUTHORISED_OPERATION, record_kind="cloud")
    assert name(candidate("provider-edge", calling, record=call)).component == "provider-core"


def test_what_a_stranger_s_account_did_is_no_side_s_act() -> None:
    call = replace(record(99, "provider-core", cloud_call=True, actor=Side.PROVIDER), stranger=True)
    calling = mode(kind=CauseKind.UNAUTHORISED_OPERATION, record_kind="cloud")
    cause = name(candidate("provider-core", calling, record=call))
    assert (cause.kind, cause.actor) == (CauseKind.UNAUTHORISED_OPERATION, None)
    assert Fact.STRANGER in cause.facts


def enforced(ground: Condition, *reasons: str) -> Cause:
    act = record(99, None, kind=RecordKind.ENFORCEMENT, ground=ground, reasons=reasons)
    enforcing = mode(Reach.FORWARDING, kind=CauseKind.ENFORCEMENT_ACTION, record_kind="enforcement")
    return name(candidate("provider-core", enforcing, record=act))


def test_an_enforcement_is_the_provider_s_act_with_its_ground_as_facts() -> None:
    just = enforced(Condition.MET, "suspended", "late_payment")
    groundless = enforced(Condition.NOT_MET, "suspended")
    unclear = enforced(Condition.UNKNOWN, "suspended")

    assert just.actor is groundless.actor is unclear.actor is Side.PROVIDER
    assert just.facts == {Fact.SUSPENDED, Fact.LATE_PAYMENT}
    assert groundless.facts == {Fact.SUSPENDED, Fact.UNGROUNDED}
    assert unclear.facts == {Fact.SUSPENDED}


def test_an_enforcement_is_named_by_what_it_is_about_wherever_it_is_carried_out() -> None:
    act = replace(record(99, None, kind=RecordKind.ENFORCEMENT), target="customer-host")
    enforcing = mode(Reach.FORWARDING, kind=CauseKind.ENFORCEMENT_ACTION, record_kind="enforcement")
    cause = name(candidate("provider-core", enforcing, record=act))
    assert (cause.component, cause.actor) == ("customer-host", Side.PROVIDER)


QUEUE = mode(Reach.EGRESS, kind=CauseKind.OVERLOAD)
LIMITER = mode(Reach.FORWARDING, kind=CauseKind.OVERLOAD)


def congested(node: str = "provider-edge") -> Candidate:
    return candidate(node, QUEUE, link=DEMARCATION)


def surge(start: float = 95, end: float = 165) -> Alarm:
    return alarm(start, "customer-edge", DEMARCATION, AlarmKind.BANDWIDTH_EXCEEDED, end=end, magnitude=2 * BOUGHT_BPS)


def test_a_full_limit_below_what_was_bought_is_set_wrongly_wherever_it_is() -> None:
    lowered = alarm(95, "provider-core", "provider-core", AlarmKind.LIMIT_LOWERED, end=165)
    limiter = candidate("provider-core", LIMITER)
    assert name(limiter, [lowered]).kind is CauseKind.MISCONFIGURATION
    assert name(limiter).kind is CauseKind.OVERLOAD
    assert name(limiter, [replace(lowered, interval=between(95, 105))]).kind is CauseKind.OVERLOAD
    assert Fact.OVERUSE in name(limiter, [lowered, surge()]).facts, "more than was bought came in, whatever the limit"



def test_more_than_was_bought_is_the_customer_s_overuse_at_its_edge() -> None:
    cause = name(congested(), [surge()], coverage=COUNTED)

    assert (cause.component, cause.kind) == ("customer-edge", CauseKind.OVERLOAD)
    assert Fact.OVERUSE in cause.facts


def test_a_surge_of_a_moment_or_of_another_hour_is_no_overuse() -> None:
    moment = name(congested(), [surge(100, 103)], coverage=COUNTED)
    yesterday = name(congested(), [surge(-900, -800)], coverage=COUNTED)

    assert Fact.OVERUSE not in moment.facts | yesterday.facts
    assert "customer-edge" not in (moment.component, yesterday.component)


def test_a_limit_that_drops_although_no_more_was_offered_is_set_wrongly() -> None:
    policed = mode(Reach.FORWARDING, kind=CauseKind.OVERLOAD)
    cause = name(candidate("provider-edge", policed, direction=Direction.THERE), coverage=COUNTED)
    assert (cause.component, cause.kind) == ("provider-edge", CauseKind.MISCONFIGURATION)


def test_of_what_was_on_its_way_to_the_customer_nobody_counted_the_offer() -> None:
    """There only what got through is counted: a flood may have filled the line, or the limit may be wrong."""
    policed = mode(Reach.FORWARDING, kind=CauseKind.OVERLOAD)
    inwards = candidate("provider-edge", policed, direction=Direction.BACK)
    for cause in (name(congested(), coverage=COUNTED), name(inwards, coverage=COUNTED)):
        assert (cause.component, cause.kind) == (DEMARCATION, CauseKind.OVERLOAD)


def test_a_limit_is_not_called_wrong_where_nobody_counted_the_offer_or_the_bargain_is_unknown() -> None:
    assert name(congested()).kind is CauseKind.OVERLOAD
    assert name(congested(), coverage=COUNTED, bought_bps=None).kind is CauseKind.OVERLOAD


def test_a_full_table_of_connections_is_an_overload_of_the_device_that_keeps_it_whose_it_may_be() -> None:
    full = mode(kind=CauseKind.OVERLOAD, sign=AlarmKind.TABLE_FULL)
    for keeper in ("customer-edge", "provider-edge"):
        cause = name(candidate(keeper, full), [surge()], coverage=COUNTED)
        assert (cause.component, cause.kind, cause.facts) == (keeper, CauseKind.OVERLOAD, frozenset())


def test_a_full_queue_deep_inside_the_provider_s_network_is_an_overload_of_its_own() -> None:
    core = candidate("provider-core", LIMITER, link=link_name("provider-core", "provider-edge"))
    assert name(core, coverage=COUNTED).kind is CauseKind.OVERLOAD


def test_the_customer_s_own_full_queue_is_the_customer_s() -> None:
    cause = name(congested("customer-edge"), [surge()], coverage=COUNTED)
    assert (cause.component, cause.kind) == ("customer-edge", CauseKind.OVERLOAD)
    assert Fact.OVERUSE not in cause.facts


def flood(start: float = 99, reporter: str = "provider-edge", end: float = 150) -> Alarm:
    return alarm(start, reporter, "customer-host", AlarmKind.ATTACK, end=end)


@pytest.mark.parametrize("queue", ["provider-edge", "customer-edge"])
def test_queues_filled_by_a_flood_against_the_customer_are_an_attack_on_it(queue: str) -> None:
    cause = name(congested(queue), [flood(), surge()], coverage=COUNTED)

    assert (cause.component, cause.kind) == ("customer-host", CauseKind.ATTACK)
    assert cause.facts == {Fact.ATTACK_ON_CUSTOMER}


def test_a_flood_of_another_hour_is_no_attack_now() -> None:
    assert name(congested(), [flood(-900, end=-800)], coverage=COUNTED).kind is not CauseKind.ATTACK


def test_an_attack_that_a_log_told_of_hours_ago_is_no_attack_now() -> None:
    told = alarm(-7200, "customer-host", "customer-host", AlarmKind.ATTACK, end=10**9)
    assert name(congested(), [told], coverage=COUNTED).kind is not CauseKind.ATTACK


def test_what_the_customer_s_own_devices_send_each_other_is_no_attack_from_outside() -> None:
    inside = flood(reporter="customer-core")
    assert name(congested(), [inside], coverage=COUNTED).kind is not CauseKind.ATTACK


def test_a_host_under_attack_is_named_with_the_fact() -> None:
    attacked = mode(kind=CauseKind.ATTACK)
    assert name(candidate("customer-host", attacked)).facts == {Fact.ATTACK_ON_CUSTOMER}
    assert name(candidate("provider-host", attacked)).facts == frozenset()


def test_a_misconfiguration_by_a_recorded_command_has_its_actor() -> None:
    filtering = mode(Reach.FORWARDING, kind=CauseKind.MISCONFIGURATION, record_kind="policy")
    typed = record(99, "provider-core", effect=CommandEffectKind.FILTER_ADDED)
    cause = name(candidate("provider-core", filtering, record=typed))

    assert (cause.kind, cause.actor) == (CauseKind.MISCONFIGURATION, Side.PROVIDER)
    assert Fact.OPERATION in cause.facts


def test_an_act_dates_its_cause_where_it_fits_the_interruption() -> None:
    near = name(acting(shutdown(start=98, end=159))).interval
    far = name(acting(shutdown(start=20, end=900))).interval

    assert near == between(98, 159)
    assert far == SPAN


def test_a_cause_never_ends_before_it_begins() -> None:
    held = name(acting(shutdown(start=105, end=106))).interval
    assert held.end_ns > held.start_ns


def test_a_planned_window_does_not_date_the_cause() -> None:
    paper = ticket(Condition.MET)
    assert name(acting(paper)).interval == SPAN
