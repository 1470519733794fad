"""Which faults touch which measurements: a table of reach, selectivity, direction and what lies behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attribution.inference.candidates import Candidate, Direction, ServicePaths
from attribution.inference.modes import Reach, Selectivity
from attribution.inference.relation import Touch, touch_of
from attribution.model.evidence import Journey, Stretch
from attribution.model.topology import Side
from attribution.model.verdict import CauseKind
from tests.inference.chain import (
    CHAIN,
    DEMARCATION,
    ENDS,
    PATHS,
    WAY,
    candidate,
    link_name,
    mode,
    record,
    there_and_back,
    way,
)

UPLINK = link_name("customer-core", "customer-edge")


GRAY = mode(Reach.FORWARDING, kind=CauseKind.DEVICE_DEGRADED)


def one_way(
    source: str, destination: str, *, starts_inside: bool = True, ends_inside: bool = True, beyond: tuple[str, ...] = ()
) -> Journey:
    return (Stretch(way(source, destination), starts_inside, ends_inside, beyond),)


def touch(who: Candidate, *journeys: Journey, of_service: bool = True) -> Touch:
    return touch_of(who, journeys, of_service, PATHS)


THROUGH = one_way("customer-host", "provider-host")
TO_IT = one_way("customer-host", "customer-edge")
FROM_IT = one_way("customer-edge", "provider-host")
PAST_IT = one_way("provider-edge", "provider-host")


@pytest.mark.parametrize(
    ("reach", "journey", "expected"),
    [
        (Reach.NODE, THROUGH, Touch.YES),
        (Reach.NODE, TO_IT, Touch.YES),
        (Reach.NODE, FROM_IT, Touch.YES),
        (Reach.NODE, PAST_IT, Touch.NO),
        (Reach.FORWARDING, THROUGH, Touch.YES),
        (Reach.FORWARDING, TO_IT, Touch.NO),
        (Reach.FORWARDING, FROM_IT, Touch.NO),
        (Reach.FORWARDING, PAST_IT, Touch.NO),
    ],
)
def test_a_node_loses_all_or_only_what_it_should_pass_on(reach: Reach, journey: Journey, expected: Touch) -> None:
    assert touch(candidate("customer-edge", mode(reach)), journey) is expected


def test_between_two_captures_around_a_router_it_passes_packets_on() -> None:
    around = (Stretch(("customer-edge",), starts_inside=False, ends_inside=False),)
    assert touch(candidate("customer-edge", mode(Reach.FORWARDING)), around) is Touch.YES


@pytest.mark.parametrize(
    ("journey", "expected"),
    [
        (THROUGH, Touch.YES),
        (one_way("customer-core", "customer-edge"), Touch.YES),
        (one_way("customer-edge", "customer-core"), Touch.YES),
        (one_way("customer-host", "customer-core"), Touch.NO),
        (FROM_IT, Touch.NO),
    ],
)
def test_a_cable_loses_what_crosses_it_either_way(journey: Journey, expected: Touch) -> None:
    assert touch(candidate(UPLINK, mode(Reach.LINK), link=UPLINK), journey) is expected


def test_a_queue_loses_only_what_leaves_through_it() -> None:
    queue = candidate("customer-core", mode(Reach.EGRESS), link=UPLINK)

    assert touch(queue, one_way("customer-host", "customer-edge")) is Touch.YES
    assert touch(queue, one_way("customer-edge", "customer-host")) is Touch.NO
    assert touch(queue, there_and_back("customer-host", "customer-edge")) is Touch.YES
    assert touch(queue, one_way("customer-host", "customer-core")) is Touch.NO


def test_who_has_a_gateway_s_address_too_takes_what_its_own_network_sends_through_it() -> None:
    """What comes from elsewhere, and what the gateway sends to hosts, arrives; and the other answers in its place."""
    lan = link_name("customer-core", "customer-edge")
    conflict = candidate("customer-edge", mode(Reach.GATEWAY, kind=CauseKind.MISCONFIGURATION), link=lan)

    assert touch(conflict, one_way("customer-host", "provider-host")) is Touch.YES
    assert touch(conflict, one_way("provider-host", "customer-host")) is Touch.NO
    assert touch(conflict, there_and_back("provider-host", "customer-host")) is Touch.YES, "its answer is lost"
    assert touch(conflict, there_and_back("provider-host", "customer-edge")) is Touch.NO
    assert touch(conflict, one_way("customer-host", "customer-core")) is Touch.NO
    assert touch(conflict, there_and_back("customer-host", "customer-edge")) is Touch.SOME_CLASSES


def test_a_capture_behind_a_queue_misses_what_the_queue_drops() -> None:
    """Between captures at both ports of a device only the one towards the queue's cable can miss anything."""
    queue = candidate("customer-core", mode(Reach.EGRESS), link=UPLINK)
    other = candidate("customer-core", mode(Reach.EGRESS), link=link_name("customer-core", "customer-host"))
    at = WAY.index("customer-core")
    within = Stretch((WAY[at],), False, False, beyond=WAY[at + 1 :], recorder="customer-core")

    assert touch(queue, (within,)) is Touch.YES
    assert touch(other, (within,)) is Touch.NO
    assert touch(queue, (replace(within, recorder="customer-edge"),)) is Touch.NO


@pytest.mark.parametrize(
    ("direction", "journey", "expected"),
    [
        (Direction.THERE, THROUGH, Touch.YES),
        (Direction.BACK, THROUGH, Touch.NO),
        (Direction.THERE, one_way("provider-host", "customer-host"), Touch.NO),
        (Direction.BACK, one_way("provider-host", "customer-host"), Touch.YES),
        (Direction.THERE, there_and_back("customer-host", "provider-host"), Touch.YES),
        (Direction.BACK, there_and_back("customer-host", "provider-host"), Touch.YES),
        (Direction.THERE, there_and_back("provider-host", "customer-host"), Touch.YES),
    ],
)
def test_a_fault_of_one_direction_spares_the_other(direction: Direction, journey: Journey, expected: Touch) -> None:
    assert touch(candidate("customer-edge", direction=direction), journey) is expected


def test_a_stretch_of_one_component_gets_its_direction_from_what_lies_beyond() -> None:
    outward = (Stretch(("customer-edge",), False, False, beyond=WAY[5:]),)
    alone = (Stretch(("customer-edge",), False, False),)

    assert touch(candidate("customer-edge", direction=Direction.THERE), outward) is Touch.YES
    assert touch(candidate("customer-edge", direction=Direction.BACK), outward) is Touch.NO
    assert touch(candidate("customer-edge", direction=Direction.BACK), alone) is Touch.MAYBE


def test_a_fault_for_some_destinations_rarely_hits_the_packets_for_others() -> None:
    filtered = candidate("customer-edge", mode(Reach.FORWARDING, Selectivity.DESTINATION))
    to_others = one_way("customer-host", "provider-core")

    assert touch(filtered, THROUGH, of_service=True) is Touch.YES
    assert touch(filtered, to_others, of_service=False) is Touch.RARELY
    assert touch(filtered, PAST_IT, of_service=False) is Touch.NO


def test_who_has_no_route_for_an_end_of_the_service_has_none_for_packets_from_elsewhere_either() -> None:
    """A filter may ask where they come from."""
    lost, filtered = (
        candidate("customer-edge", mode(Reach.FORWARDING, Selectivity.DESTINATION, withdraws=withdraws))
        for withdraws in (True, False)
    )
    to_an_end = one_way("customer-core", "provider-host")
    halfway = one_way("customer-core", "provider-edge", ends_inside=False, beyond=WAY[7:])

    assert touch(lost, to_an_end, of_service=False) is touch(lost, halfway, of_service=False) is Touch.YES
    assert touch(filtered, to_an_end, of_service=False) is Touch.OTHERS
    assert touch(lost, one_way("provider-host", "customer-core"), of_service=False) is Touch.RARELY


@pytest.mark.parametrize("of_service", [True, False])
def test_a_fault_for_some_classes_hits_some_of_them(of_service: bool) -> None:
    choosy = candidate("customer-edge", mode(Reach.FORWARDING, Selectivity.CLASS))

    assert touch(choosy, THROUGH, of_service=of_service) is Touch.SOME_CLASSES
    assert touch(choosy, PAST_IT, of_service=of_service) is Touch.NO


def test_where_the_way_is_not_known_a_fault_on_one_of_them_may_hit() -> None:
    detour: Journey = (Stretch(("customer-host", "elsewhere", "provider-host")),)
    fault = candidate("customer-edge")

    assert touch(fault, THROUGH, detour) is Touch.MAYBE
    assert touch(fault, THROUGH, THROUGH) is Touch.YES
    assert touch(fault, detour) is Touch.NO
    assert touch(fault) is Touch.MAYBE


@pytest.mark.parametrize(
    ("reach", "component", "link"),
    [
        (Reach.NODE, "provider-core", None),
        (Reach.FORWARDING, "provider-core", None),
        (Reach.LINK, DEMARCATION, DEMARCATION),
    ],
)
def test_routers_before_a_fault_that_withdraws_routes_may_drop_the_packets(
    reach: Reach, component: str, link: str | None
) -> None:
    upstream = one_way("customer-host", "customer-edge", ends_inside=False, beyond=WAY[5:])
    missed = candidate(component, mode(reach, withdraws=True), link=link)
    silent = candidate(component, mode(reach), link=link)

    assert touch(missed, upstream) is Touch.UPSTREAM
    assert touch(silent, upstream) is Touch.NO
    assert touch(missed, one_way("customer-host", "customer-edge")) is Touch.NO, "these were for the edge itself"


@pytest.mark.parametrize(
    ("device", "direction", "expected"),
    [
        ("customer-core", Direction.THERE, Touch.UPSTREAM),
        ("customer-core", Direction.BACK, Touch.NO),
        ("customer-core", Direction.BOTH, Touch.UPSTREAM),
        ("provider-core", Direction.BACK, Touch.UPSTREAM),
        ("provider-core", Direction.THERE, Touch.NO),
    ],
)
def test_routes_for_one_direction_are_missed_by_what_its_packets_meet_before_the_fault(
    device: str, direction: Direction, expected: Touch
) -> None:
    others = tuple(name for name in WAY if name != device)
    balance = Stretch((device,), False, False, beyond=others, balance=True)
    fault = mode(Reach.FORWARDING, Selectivity.DESTINATION, withdraws=True)

    assert touch(candidate("customer-edge", fault, direction=direction), (balance,)) is expected


@pytest.mark.parametrize(
    ("where", "direction", "expected"),
    [
        ("customer-core", Direction.THERE, Touch.YES),
        ("customer-core", Direction.BACK, Touch.NO),
        ("customer-core", Direction.BOTH, Touch.YES),
        ("customer-edge", Direction.BOTH, Touch.UPSTREAM),
        ("customer-edge", Direction.BACK, Touch.NO),
        ("customer-host", Direction.BOTH, Touch.NO),
    ],
)
def test_what_a_device_misses_of_one_direction_is_lost_by_itself_or_what_lies_ahead(
    where: str, direction: Direction, expected: Touch
) -> None:
    ahead = WAY[WAY.index("customer-core") + 1 :]
    headed = Stretch(("customer-core",), False, False, ahead, balance=True)
    fault = mode(Reach.FORWARDING, withdraws=True)

    assert touch(candidate(where, fault, direction=direction), (headed,)) is expected


def test_a_router_s_own_packets_use_the_tables_that_a_policy_has_spoilt() -> None:
    policy = candidate("customer-edge", mode(Reach.FORWARDING, Selectivity.DESTINATION))

    assert touch(policy, FROM_IT) is Touch.OWN
    assert touch(policy, one_way("customer-edge", "provider-edge")) is Touch.NO, "its neighbour needs no route"


def test_the_strongest_touch_of_a_journey_is_its_touch() -> None:
    queue = candidate("provider-core", mode(Reach.EGRESS), link=link_name("provider-core", "provider-host"))
    assert touch(queue, there_and_back("customer-host", "provider-host")) is Touch.YES


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (candidate(UPLINK, mode(Reach.LINK, kind=CauseKind.LINK_DEGRADED), link=UPLINK), Touch.TWICE),
        (candidate("customer-edge", GRAY), Touch.TWICE),
        (replace(candidate("customer-edge", GRAY), direction=Direction.THERE), Touch.AT_RANDOM),
        (candidate("customer-edge", mode(Reach.EGRESS, kind=CauseKind.OVERLOAD), link=UPLINK), Touch.AT_RANDOM),
        (candidate("customer-edge", mode(Reach.FORWARDING)), Touch.YES),
    ],
    ids=["a bad cable", "a router", "a router, of one direction", "a queue", "what fails and comes back"],
)
def test_an_answer_has_to_get_through_what_loses_packets_by_chance_as_the_packet_did(
    who: Candidate, expected: Touch
) -> None:
    """Where one direction alone suffers it has not; and while nothing gets through it is lost with the packet."""
    assert touch(who, there_and_back(*ENDS)) is expected


def test_packets_that_cross_a_fault_once_or_twice_surely_cross_it() -> None:
    assert touch(candidate("customer-edge", GRAY), there_and_back(*ENDS), THROUGH) is Touch.AT_RANDOM


def test_touches_are_ordered_by_how_surely_they_hurt() -> None:
    assert Touch.NO < Touch.RARELY < Touch.UPSTREAM < Touch.SOME_CLASSES <= Touch.MAYBE < Touch.YES


def test_a_stretch_runs_there_or_back_or_cannot_be_told() -> None:
    assert PATHS.direction_of(way("customer-host", "customer-edge")) is Direction.THERE
    assert PATHS.direction_of(way("provider-edge", "customer-edge")) is Direction.BACK
    assert PATHS.direction_of(("customer-edge",)) is None
    assert PATHS.direction_of(("elsewhere", "customer-edge", "nowhere")) is None


def test_the_next_router_of_a_side_is_found_on_either_hand() -> None:

    assert PATHS.downstream_neighbour("provider-core", CHAIN, Side.CUSTOMER) == "customer-edge"
    assert PATHS.downstream_neighbour("customer-host", CHAIN, Side.PROVIDER) == "provider-edge"
    assert ServicePaths([]).downstream_neighbour("provider-core", CHAIN, Side.CUSTOMER) is None


BALANCE = Stretch(
    ("customer-edge",), False, False, tuple(c for c in WAY if c != "customer-edge"), balance=True,
    beside=("customer-core", UPLINK, "provider-edge", DEMARCATION),
)  # fmt: skip
ACROSS = Stretch(("customer-core", UPLINK, "customer-edge"), balance=True)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (candidate("customer-edge", mode(Reach.NODE, kind=CauseKind.DEVICE_DEGRADED)), Touch.AT_RANDOM),
        (candidate("customer-edge", mode(Reach.FORWARDING)), Touch.YES),
        (candidate("customer-edge", mode(Reach.FORWARDING), direction=Direction.BACK), Touch.YES),
        (candidate("customer-edge", mode(Reach.EGRESS), link=DEMARCATION), Touch.YES),
        (candidate("customer-core", mode(Reach.NODE)), Touch.MAYBE),
        (candidate(UPLINK, mode(Reach.LINK), link=UPLINK), Touch.MAYBE),
        (candidate("customer-core", mode(Reach.FORWARDING)), Touch.NO),
        (candidate("provider-core", mode(Reach.NODE)), Touch.NO),
    ],
)
def test_a_device_s_balance_shows_its_own_losses_and_perhaps_those_for_a_dead_neighbour(
    who: Candidate, expected: Touch
) -> None:
    assert touch(who, (BALANCE,)) is expected


def test_who_is_gone_counts_nothing_of_what_it_loses() -> None:
    in_trouble = mode(Reach.NODE, kind=CauseKind.DEVICE_DEGRADED)
    balanced = BALANCE.components[0]
    assert touch(candidate(balanced, in_trouble), (BALANCE,)) is Touch.AT_RANDOM
    assert touch(candidate(balanced, mode(Reach.NODE, kind=CauseKind.DEVICE_FAILURE)), (BALANCE,)) is Touch.MAYBE


def test_only_what_is_gone_makes_its_neighbour_drop_what_was_for_it() -> None:
    balanced = BALANCE.components[0]
    neighbour = next(name for name in BALANCE.beside if name in CHAIN.nodes)
    assert balanced != neighbour
    assert touch(candidate(neighbour, mode(Reach.NODE)), (BALANCE,)) is Touch.MAYBE
    assert touch(candidate(neighbour, mode(Reach.NODE, kind=CauseKind.DEVICE_DEGRADED)), (BALANCE,)) is Touch.NO
    assert touch(candidate(neighbour, mode(Reach.NODE, Selectivity.CLASS)), (BALANCE,)) is Touch.NO


def test_what_a_port_is_not_set_up_for_is_lost_in_its_own_device_behind_the_capture_on_it() -> None:
    within = Stretch(("customer-edge",), False, False, WAY[5:], beside=(UPLINK, DEMARCATION))
    wrong_vlan = mode(Reach.LINK, kind=CauseKind.MISCONFIGURATION)

    assert touch(candidate("customer-edge", wrong_vlan, link=UPLINK), (within,)) is Touch.MAYBE
    assert touch(candidate("customer-core", wrong_vlan, link=UPLINK), (within,)) is Touch.NO
    assert touch(candidate(UPLINK, mode(Reach.LINK), link=UPLINK), (within,)) is Touch.NO


def test_what_was_for_a_cable_or_neighbour_that_is_gone_is_lost_in_the_device_before_it() -> None:
    """Its port is down, and a capture on it shows nothing that goes out."""
    within = Stretch(("customer-edge",), False, False, WAY[5:], beside=(UPLINK, DEMARCATION))
    worn = mode(Reach.LINK, kind=CauseKind.LINK_DEGRADED)

    assert touch(candidate(DEMARCATION, mode(Reach.LINK), link=DEMARCATION), (within,)) is Touch.MAYBE
    assert touch(candidate("provider-edge", mode(Reach.LINK), link=DEMARCATION), (within,)) is Touch.MAYBE
    assert touch(candidate("provider-edge", mode(Reach.NODE)), (within,)) is Touch.MAYBE
    assert touch(candidate("provider-core", mode(Reach.NODE)), (within,)) is Touch.NO
    assert touch(candidate(DEMARCATION, worn, link=DEMARCATION), (within,)) is Touch.NO


def test_the_capture_on_a_port_that_is_set_up_wrongly_sees_what_comes_in() -> None:
    """Frames of the wrong VLAN reach the port, and it is given none to send; one that is down lets nothing come so far.
    """
    to_the_port = (Stretch(way("customer-core", "customer-edge")[:-1], starts_inside=True, ends_inside=False),)
    from_the_port = (Stretch(way("customer-edge", "customer-core")[1:], starts_inside=False, ends_inside=True),)
    down = candidate("customer-edge", mode(Reach.LINK), link=UPLINK)
    wrong = candidate("customer-edge", replace(mode(Reach.LINK), record="port_setting"), link=UPLINK)

    assert (touch(wrong, to_the_port), touch(down, to_the_port)) == (Touch.MAYBE, Touch.YES)
    assert touch(wrong, from_the_port) is Touch.MAYBE
    assert touch(wrong, THROUGH) is Touch.YES


def test_what_is_known_to_be_lost_was_lost_whatever_its_class() -> None:
    looked_for = replace(BALANCE, of_lost=True)
    choosy = candidate(BALANCE.components[0], mode(Reach.FORWARDING, Selectivity.CLASS))
    assert touch(choosy, (BALANCE,)) is Touch.SOME_CLASSES
    assert touch(choosy, (looked_for,)) is Touch.YES


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (candidate(UPLINK, mode(Reach.LINK, kind=CauseKind.LINK_DEGRADED), link=UPLINK), Touch.AT_RANDOM),
        # A port that is down sends nothing more, so that nothing is lost behind it.
        (candidate(UPLINK, mode(Reach.LINK, kind=CauseKind.LINK_FAILURE), link=UPLINK), Touch.MAYBE),
        (candidate("customer-core", mode(Reach.EGRESS), link=UPLINK), Touch.RARELY),
        (candidate("customer-edge", mode(Reach.EGRESS), link=UPLINK), Touch.NO),
        (candidate("customer-edge", mode(Reach.NODE)), Touch.RARELY),
        (candidate("customer-core", mode(Reach.NODE)), Touch.NO),
        (candidate("customer-core", mode(Reach.FORWARDING)), Touch.NO),
        # Frames that are too long for a port it does not count as taken in.
        (candidate("customer-edge", mode(Reach.FORWARDING, Selectivity.CLASS)), Touch.RARELY),
        (candidate("customer-core", mode(Reach.FORWARDING, Selectivity.CLASS)), Touch.NO),
        (candidate(DEMARCATION, mode(Reach.LINK), link=DEMARCATION), Touch.NO),
    ],
)
def test_the_counters_of_a_cable_s_two_ends_show_the_cable_s_losses(who: Candidate, expected: Touch) -> None:
    assert touch(who, (ACROSS,)) is expected


@pytest.mark.parametrize(
    ("journey", "expected"),
    [
        (THROUGH, Touch.YES),
        (one_way("provider-host", "customer-host"), Touch.NO),
        (there_and_back("provider-core", "provider-host"), Touch.YES),
        (there_and_back("customer-host", "customer-edge"), Touch.NO),
        (one_way("customer-host", "customer-edge", beyond=WAY[5:]), Touch.UPSTREAM),
        ((BALANCE,), Touch.UPSTREAM),
        ((ACROSS,), Touch.NO),
    ],
)
def test_a_route_for_one_address_leads_astray_what_is_for_it_from_wherever_it_comes(
    journey: Journey, expected: Touch
) -> None:
    route = replace(record(100, "provider-core"), diverts="provider-host")
    assert touch(candidate("provider-core", mode(Reach.ADDRESS), record=route), journey) is expected


def test_a_switch_beside_a_host_of_which_there_are_two_may_lose_sight_of_what_goes_out_to_the_other() -> None:
    twice = candidate("provider-host", mode(Reach.ADDRESS))
    beside = replace(BALANCE, beside=("provider-host",))

    assert touch(twice, (beside,)) is Touch.MAYBE
    assert touch(twice, (replace(BALANCE, beside=("provider-core",)),)) is Touch.NO, "a router sends on what it gets"
    route = replace(record(100, "provider-core"), diverts="provider-host")
    assert touch(candidate("provider-core", mode(Reach.ADDRESS), record=route), (beside,)) is Touch.UPSTREAM


def test_whose_address_another_host_has_gets_no_answers_while_those_who_ask_it_are_answered_by_the_other() -> None:
    twice = candidate("provider-host", mode(Reach.ADDRESS))

    assert touch(twice, there_and_back("provider-host", "customer-host")) is Touch.YES
    assert touch(twice, there_and_back("customer-host", "provider-host")) is Touch.SOME_CLASSES
    assert touch(twice, one_way("customer-host", "provider-host")) is Touch.YES
