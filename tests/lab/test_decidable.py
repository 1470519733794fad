"""Labels of thinned bundles: undetermined only where nothing left separates the sides, none where it is arguable."""

from __future__ import annotations

from typing import Any

import networkx
import pytest

from tests.lab.decidable import Decidable, judge
from tests.lab.remaining import Remaining, Stretch, Walk, link_name

_WAY = ("host-a", "sw1", "ce1", "pe1", "p1", "pe2", "ce2", "host-b")
_PROVIDER = frozenset({"pe1", "p1", "pe2"})
_EVERYTHING = frozenset({"probes", "paths", "capture", "syslog", "interface-counters", "change-records",
                         "account-events", "cloud-audit"})


def _left(**given: Any) -> Remaining:
    """Evidence of a network of one way, in which the ends' echoes were lost for a while."""
    graph: networkx.Graph[str] = networkx.Graph()
    for node in _WAY:
        graph.add_node(node, side="provider" if node in _PROVIDER else "customer", addresses=[])
    networkx.add_path(graph, _WAY)
    left = Remaining(graph, ("host-a", "host-b"))
    left.stretches = [Stretch("host-a", "host-b", True, True, True), *given.pop("stretches", ())]
    for name, value in given.items():
        setattr(left, name, value)
    return left


def _truth(component: str, kind: str, side: str, told: tuple[tuple[str, str], ...] = (),
           **more: object) -> dict[str, Any]:
    cause = {"component": component, "kind": kind, "side": side, **more}
    return {"party": side, "clause": "4.2", "causes": [cause],
            "told": [{"device": device, "about": about} for device, about in told]}


def _clean(source: str, destination: str) -> Stretch:
    return Stretch(source, destination, True, False, False)


GRAY_CORE = _truth("p1", "device_degraded", "provider")
CUSTOMER_EDGE = _truth("ce1", "device_failure", "customer", told=(("pe1", "ce1"), ("sw1", "ce1")))


def test_what_passes_between_the_ends_alone_names_nobody() -> None:
    for truth in (GRAY_CORE, CUSTOMER_EDGE, _truth("pe1", "enforcement_action", "customer"),
                  _truth("ce1", "unauthorised_operation", "customer")):
        assert judge(truth, _left()) is Decidable.NO


def test_a_gray_loss_is_placed_by_clean_stretches_on_both_sides_of_it() -> None:
    both = _left(stretches=(_clean("host-a", "pe1"), _clean("sw1", "pe1"), _clean("host-b", "pe2")))
    both.stretches.append(Stretch("pe1", "pe2", True, True, False))
    assert judge(GRAY_CORE, both) is Decidable.YES


def test_a_silent_gateway_may_have_obeyed_a_call_that_nobody_supplied() -> None:
    around = (_clean("host-a", "pe1"), _clean("sw1", "pe1"), _clean("host-b", "pe2"),
              Stretch("pe1", "pe2", True, True, False))
    for types, expected in ((set(), Decidable.ARGUABLE), ({"cloud-audit"}, Decidable.YES)):
        left = _left(stretches=around, types={"probes", *types})
        left.graph.nodes["p1"]["kind"] = "gateway"
        assert judge(GRAY_CORE, left) is expected


def test_a_gray_loss_that_only_one_side_probed_around_is_not_placed() -> None:
    near = _left(stretches=(_clean("host-a", "ce1"), _clean("ce1", "pe1")))
    assert judge(GRAY_CORE, near) is Decidable.NO


def test_the_culprits_own_log_names_it() -> None:
    truth = _truth("p1", "device_degraded", "provider", told=(("p1", "p1"),))
    assert judge(truth, _left(logs={"p1"}, types={"syslog"})) is Decidable.YES
    assert judge(truth, _left(logs={"ce1"}, types={"syslog"})) is Decidable.NO


def test_one_sides_word_about_the_cable_between_the_sides_does_not_accuse_the_other() -> None:
    provider_alone = _left(logs=set(_PROVIDER), types={"syslog"})
    assert judge(CUSTOMER_EDGE, provider_alone) is Decidable.ARGUABLE


def test_two_neighbours_that_lost_a_device_name_it() -> None:
    assert judge(CUSTOMER_EDGE, _left(logs={"pe1", "sw1"}, types={"syslog"})) is Decidable.YES


def test_logs_that_say_nothing_leave_nothing_to_go_by() -> None:
    silent = _left(logs=set(_WAY), types={"syslog"})
    assert judge(GRAY_CORE, silent) is Decidable.NO


def test_an_older_truth_that_does_not_tell_what_logs_say_is_not_called_undetermined_while_logs_are_left() -> None:
    truth = {key: value for key, value in GRAY_CORE.items() if key != "told"}
    assert judge(truth, _left(logs={"p1"}, types={"syslog"})) is Decidable.ARGUABLE


def test_a_suspension_is_just_or_unjust_by_the_accounts_events_alone() -> None:
    truth = _truth("pe1", "enforcement_action", "customer", told=(("pe1", "pe1"),))
    assert judge(truth, _left(logs={"pe1"}, types={"syslog", "account-events"})) is Decidable.YES
    assert judge(truth, _left(logs={"pe1"}, types={"syslog"})) is Decidable.NO


def test_a_command_that_cuts_a_customer_off_may_have_been_a_suspension_unless_its_account_is_known() -> None:
    """The same log is all that there is of a suspension, which nobody could call just or unjust by it."""
    told, alike = (("pe1", "pe1"),), ["routing_failure", "enforcement_action"]
    void = _truth("pe1", "misconfiguration", "provider", told=told, admissible_kinds=alike)
    assert judge(void, _left(logs={"pe1"}, types={"syslog"})) is Decidable.ARGUABLE
    assert judge(void, _left(logs={"pe1"}, types={"syslog", "account-events"})) is Decidable.YES
    other = _truth("pe1", "misconfiguration", "provider", told=told, admissible_kinds=alike[:1])
    assert judge(other, _left(logs={"pe1"}, types={"syslog"})) is Decidable.YES


def test_work_that_was_agreed_to_is_arguable_without_the_record_that_says_so() -> None:
    truth = _truth("ce1", "consented_operation", "customer", told=(("ce1", "ce1"),))
    assert judge(truth, _left(logs={"ce1"}, types={"syslog"})) is Decidable.ARGUABLE
    truth = _truth("ce1", "consented_operation", "customer", told=(("pe1", "ce1"), ("sw1", "ce1")))
    assert judge(truth, _left(logs={"pe1", "sw1"}, types={"syslog"})) is Decidable.ARGUABLE
    assert judge(truth, _left()) is Decidable.NO


def test_counters_of_a_side_tell_whether_what_came_in_went_out_again() -> None:
    assert judge(GRAY_CORE, _left(counters={"customer", "provider"}, types={"interface-counters"})) is Decidable.YES


def test_a_walk_that_ends_in_the_provider_names_the_provider_only_if_the_way_back_is_cleared_too() -> None:
    there = Walk("host-a", "host-b", ("ce1", "pe1", "p1"))
    truth = _truth("p1", "misconfiguration", "provider")
    assert judge(truth, _left(walks=[there], types={"paths"})) is Decidable.NO
    back = Walk("host-b", "host-a", ("ce2", "pe2"))
    hosts = (_clean("host-a", "pe1"), _clean("host-b", "pe2"))
    far = Stretch("pe1", "pe2", True, True, True)
    assert judge(truth, _left(walks=[there, back], stretches=(*hosts, far), types={"paths"})) is Decidable.YES


def test_a_walk_at_the_edge_of_the_trouble_clears_no_more_than_the_one_that_got_least_far() -> None:
    truth = _truth("ce1", "misconfiguration", "customer")
    walks = [Walk("host-a", "host-b", ("ce1",)), Walk("host-a", "host-b", ("ce1", "pe1", "p1", "pe2"))]
    assert judge(truth, _left(walks=walks, types={"paths"})) is Decidable.NO


def test_a_walk_clears_nothing_while_only_some_packets_are_lost() -> None:
    left = _left(walks=[Walk("host-a", "host-b", ("ce1", "pe1", "p1", "pe2", "ce2"))], types={"paths"})
    left.stretches = [Stretch("host-a", "host-b", True, True, False)]
    assert judge(GRAY_CORE, left) is Decidable.NO


@pytest.mark.parametrize("points", [(("ce1", "pe1"),), (("pe1", "ce1"),)])
def test_one_capture_point_leaves_both_sides_under_suspicion(points: tuple[tuple[str, str], ...]) -> None:
    assert judge(GRAY_CORE, _left(captures=list(points), types={"capture"})) is Decidable.NO


def test_captures_on_both_sides_of_the_trouble_place_it() -> None:
    assert judge(GRAY_CORE, _left(captures=[("pe1", "p1"), ("pe2", "ce2")], types={"capture"})) is Decidable.YES


def test_captures_around_the_trouble_on_one_of_several_ways_are_not_nothing() -> None:
    around = _left(captures=[("pe1", "p1"), ("pe2", "p1")], types={"capture"})
    around.graph.add_edge("ce1", "pe9")
    around.graph.add_edge("pe9", "p9")
    around.graph.add_edge("p9", "pe8")
    around.graph.add_edge("pe8", "ce2")
    for node in ("pe8", "pe9", "p9"):
        around.graph.add_node(node, side="provider", addresses=[])
    assert judge(GRAY_CORE, around) is not Decidable.NO
    at_the_ends = _left(captures=[("host-a", "sw1"), ("host-b", "ce2")], types={"capture"})
    assert judge(GRAY_CORE, at_the_ends) is Decidable.NO


def test_captures_tell_which_of_several_ways_was_used() -> None:
    left = _left(captures=[("host-a", "sw1"), ("pe1", "ce1")], types={"capture"})
    left.graph.add_node("pe9", side="provider", addresses=[])
    left.graph.add_edges_from([("ce1", "pe9"), ("pe9", "p1")])
    truth = _truth("ce1", "device_degraded", "customer", admissible_components=["sw1", "ce1--sw1"])
    assert judge(truth, left) is Decidable.ARGUABLE  # but for the cable to the provider, only the customer is suspect
    left.captures.append(("ce1", "pe1"))
    assert judge(truth, left) is Decidable.YES


def test_a_cable_does_not_pick_its_packets() -> None:
    truth = _truth("ce1", "misconfiguration", "customer")
    left = _left(captures=[("pe1", "ce1")], types={"capture"})
    left.stretches = [Stretch("host-a", "host-b", True, False, False), Stretch("host-a", "host-b", False, True, True)]
    assert judge(truth, left) is Decidable.YES


def test_where_packets_vanish_says_nothing_about_whose_routing_came_to_grief() -> None:
    truth = _truth("pe1", "routing_failure", "provider")
    assert judge(truth, _left(captures=[("pe1", "p1")], counters={"provider"}, types={"capture"})) is Decidable.ARGUABLE
    assert judge(truth, _left(logs=set(_WAY), types=set(_EVERYTHING), counters={"provider"})) is Decidable.YES


def test_two_faults_are_labelled_only_if_both_are_told_or_neither_is() -> None:
    truth = _truth("ce1", "device_failure", "customer")
    truth["causes"].append(GRAY_CORE["causes"][0])
    truth["party"] = "shared"
    assert judge(truth, _left()) is Decidable.NO
    truth["told"] = [{"device": "p1", "about": "p1"}]
    assert judge(truth, _left(logs={"p1"}, types={"syslog"})) is Decidable.ARGUABLE


def test_health_is_seen_only_where_the_service_was_measured() -> None:
    healthy: dict[str, Any] = {"party": "neither", "clause": None, "causes": []}
    assert judge(healthy, _left()) is Decidable.YES
    blind = _left(types={"syslog"})
    blind.stretches = []
    assert judge(healthy, blind) is Decidable.NO


def test_trouble_that_nothing_left_can_show_gets_no_label() -> None:
    """Datagrams of one protocol were lost, and only echoes are left, which were not."""
    truth = _truth("pe1", "misconfiguration", "provider", told=(("pe1", "pe1"),))
    left = _left(logs={"pe1"}, types={"syslog"})
    left.stretches = [_clean("host-a", "host-b")]
    assert judge(truth, left) is Decidable.ARGUABLE
    left.types.add("flows")
    assert judge(truth, left) is Decidable.YES


def test_links_are_named_in_the_contracts_order() -> None:
    assert link_name("pe1", "ce1") == link_name("ce1", "pe1") == "ce1--pe1"
