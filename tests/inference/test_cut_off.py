"""What devices say was down, where nobody counted the service's packets: only what it cannot do without cuts it off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from attribution.inference.candidates import ServicePaths
from attribution.inference.cut_off import common_to, is_needed, note_another_time, told_beside, told_troubles
from attribution.inference.trouble import Trouble
from attribution.model.evidence import Alarm, AlarmKind, Measurement, Method, Stretch
from attribution.model.topology import Link, Node, NodeKind, Side, Topology
from tests.inference.chain import CHAIN, DEMARCATION, ENDS, PATHS, alarm, at, between, findings, measured, probed

WINDOW = between(60, 120)


def told(*alarms: Alarm, measurements: Sequence[Measurement] = ()) -> tuple[Trouble, ...]:
    return told_troubles(findings(measurements, alarms=alarms), CHAIN, PATHS, ENDS, WINDOW)


def session(start: float, end: float, kind: AlarmKind = AlarmKind.SESSION_DOWN) -> Alarm:
    return alarm(start, "customer-edge", "customer-edge", kind, about_peer="provider-edge", end=end)


@pytest.mark.parametrize(
    "down",
    [
        pytest.param(session(61, 90), id="a session across the demarcation"),
        pytest.param(session(61, 90, AlarmKind.SESSION_ADMIN_DOWN), id="a session that somebody shut"),
        pytest.param(alarm(61, "provider-edge", DEMARCATION, AlarmKind.INTERFACE_DOWN, end=90), id="the only cable"),
        pytest.param(
            alarm(61, "provider-core", "provider-core", AlarmKind.DEVICE_UNREACHABLE, end=90),
            id="a router on the only way",
        ),
    ],
)
def test_what_the_service_cannot_do_without_interrupts_it(down: Alarm) -> None:
    (trouble,) = told(down)
    assert (trouble.interval.start_ns, trouble.interval.end_ns) == (at(61), at(90))


def test_a_count_between_the_ends_knows_better_than_alarms() -> None:
    assert told(session(61, 90), measurements=probed(*ENDS)) == ()


def test_alarms_of_another_time_are_not_what_the_complaint_is_about() -> None:
    assert told(session(-900, 90)) == ()
    assert told(session(1100, 1130)) == ()


def test_who_complains_may_be_mistaken_in_the_time_if_only_one_thing_was_down_around_it() -> None:
    (later,) = told(session(700, 730))
    assert later.interval == between(700, 730)
    (caveat,) = note_another_time([later], WINDOW)
    assert "+11 min off its start" in caveat.reason
    assert told(session(700, 730), session(300, 330)) == (), "which of the two is meant, nobody knows"
    (meant,) = told(session(700, 730), session(70, 80))
    assert list(note_another_time([meant], WINDOW)) == []


def test_what_began_with_the_complaint_goes_before_what_began_earlier() -> None:
    (trouble,) = told(
        session(20, 50), alarm(62, "provider-core", "provider-core", AlarmKind.DEVICE_UNREACHABLE, end=90)
    )
    assert trouble.interval.start_ns == at(62)
    (earlier,) = told(session(20, 50))
    assert earlier.interval.start_ns == at(20)


def test_an_alarm_that_never_ends_is_not_taken_to_last_for_ever() -> None:
    (trouble,) = told(session(61, 5_000))
    assert trouble.interval.end_ns == at(150)


def test_alarms_at_one_time_are_one_interruption() -> None:
    (trouble,) = told(session(61, 80), session(70, 95, AlarmKind.SESSION_CLOSED_BY_PEER))
    assert (trouble.interval.start_ns, trouble.interval.end_ns) == (at(61), at(95))


def test_other_alarms_interrupt_nothing_by_themselves() -> None:
    assert told(alarm(61, "provider-core", "provider-core", AlarmKind.RESOURCES_EXHAUSTED, end=90)) == ()


def diamond() -> Topology:
    names = {"a": NodeKind.HOST, "b": NodeKind.HOST, "in": NodeKind.ROUTER, "out": NodeKind.ROUTER}
    names |= {"north": NodeKind.ROUTER, "south": NodeKind.ROUTER, "printer": NodeKind.HOST}
    pairs = [("a", "in"), ("in", "north"), ("in", "south"), ("north", "out"), ("out", "south"), ("b", "out")]
    pairs += [("in", "printer"), ("out", "printer")]
    return Topology(
        {name: Node(name, Side.PROVIDER, kind) for name, kind in names.items()},
        {f"{one}--{other}": Link(one, other, None, Side.PROVIDER, {}) for one, other in pairs},
    )


@pytest.mark.parametrize(
    ("component", "expected"),
    [("in", True), ("a--in", True), ("north", False), ("in--north", False), ("out", True), ("printer", False)],
)
def test_what_can_be_gone_around_is_not_needed(component: str, expected: bool) -> None:
    assert is_needed(component, diamond(), ("a", "b")) is expected


def test_a_part_that_some_way_leaves_out_is_not_common_to_all() -> None:
    ways = ServicePaths(
        [("a", "a--in", "in", "in--north", "north", "b"), ("a", "a--in", "in", "in--south", "south", "b")]
    )
    assert list(common_to(ways.paths)) == ["a--in", "in"]
    assert list(common_to(())) == []


def test_a_port_that_is_shut_because_a_session_was_lost_does_not_tell_when_the_trouble_began() -> None:
    """The customer's operator shuts the port towards a peer that is silent, to be on another way."""

    def lost(end: float) -> Alarm:
        kind = AlarmKind.SESSION_DOWN
        return alarm(-30, "customer-edge", "customer-edge", kind, about_peer="a-second-line", end=end)

    shut = alarm(61, "customer-edge", DEMARCATION, AlarmKind.INTERFACE_ADMIN_DOWN, end=90)
    (trouble,) = told(shut)
    assert trouble.interval == between(61, 90)
    assert told(shut, lost(200)) == ()
    assert told(shut, lost(40)) == (trouble,), "that was over by then"


def test_beside_what_was_counted_on_the_way_a_needed_cable_that_was_down_is_an_outage_of_its_own() -> None:
    """Nothing gets lost behind a port that is down: counters show another outage, and not this one."""
    known = (Trouble(between(90, 100), 50, 40),)
    down = alarm(65, "provider-edge", DEMARCATION, AlarmKind.INTERFACE_DOWN, end=80)

    def beside(*alarms: Alarm, measurements: Sequence[Measurement] = ()) -> tuple[Trouble, ...]:
        return told_beside(findings(measurements, alarms=alarms), CHAIN, PATHS, ENDS, WINDOW, known)

    (outage,) = beside(down)
    assert outage.interval == between(65, 80)
    assert beside(replace(down, interval=between(89, 99))) == (), "it is the one that was counted"
    assert beside(replace(down, interval=between(20, 40))) == (), "nobody complained of that time"
    assert beside(replace(down, slack_ns=at(5) - at(0))) == (), "a poll does not tell when"
    assert beside(session(65, 80)) == (), "a session is lost for what happens elsewhere, too"
    assert beside(down, measurements=probed(*ENDS)) == (), "who counted between the ends knows better"


def test_a_cable_that_lost_more_and_more_and_then_was_down_interrupts_until_it_is_back() -> None:
    known = (Trouble(between(70, 90), 50, 10),)
    dark = alarm(88, "provider-edge", DEMARCATION, AlarmKind.INTERFACE_DOWN, end=115)

    def beside(down: Alarm, *measurements: Measurement) -> tuple[Trouble, ...]:
        return told_beside(findings(measurements, alarms=[down]), CHAIN, PATHS, ENDS, WINDOW, known)

    (outage,) = beside(replace(dark, slack_ns=at(5) - at(0)))
    assert outage.interval == between(88, 115)
    assert beside(replace(dark, interval=between(88, 93))) == (), "that is how surely its end is known"
    over_it = ((Stretch(("customer-edge", DEMARCATION, "provider-edge"), balance=True),),)
    counted = measured(95, 105, 40, 0, method=Method.COUNTERS, journeys=over_it, end_to_end=False)
    assert beside(dark, counted) == (), "packets passed it meanwhile"
    assert beside(dark, replace(counted, lost=40)) == (outage,)


def told_of_diamond(*alarms: Alarm) -> tuple[Trouble, ...]:
    ways = ServicePaths(
        ("a", "a--in", "in", f"in--{hop}", hop, link, "out", "b--out", "b")
        for hop, link in (("north", "north--out"), ("south", "out--south"))
    )
    return told_troubles(findings((), alarms=alarms), diamond(), ways, ("a", "b"), WINDOW)


def test_ways_that_stand_in_for_each_other_interrupt_the_service_while_all_are_down_at_once() -> None:
    north = alarm(40, "in", "in--north", AlarmKind.INTERFACE_DOWN, end=100)
    south = alarm(65, "out", "south", AlarmKind.DEVICE_UNREACHABLE, end=90)

    (trouble,) = told_of_diamond(north, south)
    assert trouble.interval == between(65, 90)
    assert told_of_diamond(north) == told_of_diamond(south) == ()
    assert told_of_diamond(north, replace(south, interval=between(101, 110))) == ()
    with_echo = replace(north, reporter="north", interval=between(41, 99))
    assert told_of_diamond(north, with_echo) == (), "both ends of one cable tell of one cable"


def test_neighbours_that_lose_their_adjacency_reach_each_other_by_another_way_if_there_is_one() -> None:
    lost = alarm(65, "in", "in", AlarmKind.SESSION_DOWN, about_peer="out", end=90)
    straight = Link("in", "out", None, Side.PROVIDER, {})
    ways = ServicePaths([("a", "a--in", "in", "in--out", "out", "b--out", "b")])

    def told_of(*kept: str) -> tuple[Trouble, ...]:
        whole = diamond()
        links = {name: link for name, link in whole.links.items() if name in ("a--in", "b--out", *kept)}
        network = Topology(whole.nodes, {**links, straight.component: straight})
        return told_troubles(findings((), alarms=[lost]), network, ways, ("a", "b"), WINDOW)

    assert [trouble.interval for trouble in told_of()] == [between(65, 90)]
    assert told_of("in--north", "north--out") == ()
