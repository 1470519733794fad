"""A way of the drawing that carried nothing was not the service's way, and one that carried it was, though longer."""

from __future__ import annotations

from collections.abc import Mapping

from attribution.detectors import detect_evidence
from attribution.detectors.carrying import find_carrying
from attribution.detectors.conservation import detect_counter_loss
from attribution.detectors.routes import Routes
from attribution.model.observation import CounterSample, Metric
from attribution.model.topology import NodeKind, Side, Topology
from tests.detectors.chain import at, between, incident, join, network, node, sample, surroundings

POLLS, EVERY_S = 12, 60
TROUBLE_S = 6 * EVERY_S
STANDBY = network(
    [
        node("office-host", NodeKind.HOST, "10.1.0.2", side=Side.CUSTOMER),
        node("edge", NodeKind.FIREWALL, side=Side.CUSTOMER),
        node("access", NodeKind.ROUTER, side=Side.CUSTOMER),
        node("core", NodeKind.ROUTER, side=Side.CUSTOMER),
        node("mobile", NodeKind.GATEWAY, side=Side.CUSTOMER),
        node("gate", NodeKind.GATEWAY),
        node("cloud-host", NodeKind.HOST, "10.2.0.2"),
    ],
    [
        join("office-host eth0", "edge lan"),
        join("edge wan", "access a"),
        join("access b", "core a"),
        join("core b", "gate a"),
        join("edge wwan", "mobile a"),
        join("mobile b", "gate b"),
        join("gate c", "cloud-host eth0"),
    ],
)
"""The tunnel over the mobile network, by fewer hops, stands by for the line."""

PAIRED = network(
    [
        node("office-host", NodeKind.HOST, "10.1.0.2", side=Side.CUSTOMER),
        node("one", NodeKind.SWITCH, side=Side.CUSTOMER),
        node("other", NodeKind.SWITCH, side=Side.CUSTOMER),
        node("gate", NodeKind.ROUTER),
        node("cloud-host", NodeKind.HOST, "10.2.0.2"),
    ],
    [
        join("office-host eth0", "one host"),
        join("one peer", "other peer"),
        join("one up", "gate a"),
        join("other up", "gate b"),
        join("gate c", "cloud-host eth0"),
    ],
)
"""The router may send what comes back to either switch."""

Rates = Mapping[str, tuple[float, float]]
"""By port, how many packets a second come in and go out."""


def counted(device: str, ports: Rates, start: int = 0, polls: int = POLLS) -> list[CounterSample]:
    found = []
    for port, rates in ports.items():
        for metric, rate in zip((Metric.IN_PACKETS, Metric.OUT_PACKETS), rates, strict=True):
            found += [
                sample(poll * EVERY_S, device, port, metric, 1000 + rate * EVERY_S * (poll - start))
                for poll in range(start, start + polls)
            ]
    return found


def changing(device: str, before: Rates, after: Rates) -> list[CounterSample]:
    """A device of which each port counts at one pace until the trouble and at another from then on."""
    found = []
    for port in before:
        for place, metric in enumerate((Metric.IN_PACKETS, Metric.OUT_PACKETS)):
            total = 1000.0
            for poll in range(POLLS):
                found.append(sample(poll * EVERY_S, device, port, metric, total))
                total += (before if poll * EVERY_S < TROUBLE_S else after)[port][place] * EVERY_S
    return found


def ways(topology: Topology, counters: list[CounterSample], second: float = 0) -> set[tuple[str, ...]]:
    carrying = find_carrying(counters, surroundings(topology), at(TROUBLE_S))
    found = Routes(topology, {}, carrying=carrying).paths("office-host", "cloud-host", at(second))
    return {path[2:-1:2] for path in found}


LINE, MOBILE = ("edge", "access", "core", "gate"), ("edge", "mobile", "gate")
IN_USE = {"lan": (900.0, 800.0), "wan": (800.0, 900.0), "wwan": (1.0, 1.0)}


def test_a_standby_line_that_carried_nothing_was_not_the_way_though_it_is_shorter() -> None:
    assert ways(STANDBY, []) == {MOBILE}
    assert ways(STANDBY, counted("edge", IN_USE)) == {LINE}


def test_a_standby_line_is_a_way_once_it_carries_something() -> None:
    taken_over = {"lan": (900.0, 800.0), "wan": (0.0, 0.0), "wwan": (800.0, 900.0)}
    counters = changing("edge", IN_USE, taken_over)

    assert ways(STANDBY, counters, TROUBLE_S - 1) == {LINE}
    assert ways(STANDBY, counters, TROUBLE_S + 2 * EVERY_S) == {LINE, MOBILE}


def test_what_lies_on_the_standby_line_is_reached_over_it_all_the_same() -> None:
    carrying = find_carrying(counted("edge", IN_USE), surroundings(STANDBY), at(TROUBLE_S))
    routes = Routes(STANDBY, {}, carrying=carrying)

    assert routes.paths("edge", "mobile", 0) == (("edge", "edge--mobile", "mobile"),)
    assert [path[::2] for path in routes.paths("edge", "gate", 0)] == [LINE]


def test_where_nothing_else_carried_more_a_quiet_port_tells_nothing() -> None:
    quiet = dict.fromkeys(IN_USE, (0.0, 0.0))
    assert ways(STANDBY, counted("edge", quiet)) == {MOBILE}
    assert ways(STANDBY, counted("edge", {"wwan": (0.0, 0.0)})) == {MOBILE}
    assert ways(STANDBY, counted("edge", {**IN_USE, "wwan": (40.0, 40.0)})) == {MOBILE}, "no mere keepalives"


def test_a_port_that_stopped_with_the_trouble_was_in_use() -> None:
    before = {"lan": (900.0, 800.0), "wan": (0.0, 0.0), "wwan": (800.0, 900.0)}
    assert ways(STANDBY, changing("edge", before, IN_USE)) == {MOBILE}


BY_EITHER = {"up": (500.0, 500.0), "peer": (480.0, 0.0), "host": (500.0, 980.0)}


def test_a_way_over_another_switch_is_one_where_its_ports_are_busy() -> None:
    gate = counted("gate", {"c": (980.0, 500.0)})
    assert ways(PAIRED, gate) == {("one", "gate")}
    assert ways(PAIRED, [*gate, *counted("one", BY_EITHER)]) == {("one", "gate")}, "nobody counted at the other"

    counters = [*gate, *counted("one", BY_EITHER), *counted("other", {"up": (480.0, 0.0), "peer": (0.0, 480.0)})]
    carrying = find_carrying(counters, surroundings(PAIRED), at(TROUBLE_S))
    routes = Routes(PAIRED, {}, carrying=carrying)
    back = {path[::2] for path in routes.paths("cloud-host", "office-host", 0)}
    assert back == {
        ("cloud-host", "gate", "one", "office-host"),
        ("cloud-host", "gate", "other", "one", "office-host"),
    }
    assert [path[::2] for path in routes.paths("office-host", "cloud-host", 0)] == [
        ("office-host", "one", "gate", "cloud-host")
    ], "nothing was sent that way there"


def test_what_is_lost_in_the_second_of_two_switches_is_seen() -> None:
    lost = changing(
        "other", {"up": (480.0, 0.0), "peer": (0.0, 480.0)}, {"up": (480.0, 0.0), "peer": (0.0, 0.0)}
    )
    counters = [*counted("gate", {"c": (980.0, 500.0)}), *counted("one", BY_EITHER), *lost]
    trouble = incident(window=between(TROUBLE_S, TROUBLE_S + 120))

    found = detect_evidence(counters, PAIRED, trouble)
    within = [m for m in found.measurements if m.lost and m.journeys[0][0].components == ("other",)]
    assert within and all(m.interval.end_ns > at(TROUBLE_S) for m in within)
    assert not any(m.lost for m in detect_counter_loss(counters, surroundings(PAIRED), found.service_paths[:1]))
