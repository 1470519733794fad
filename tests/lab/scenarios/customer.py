"""What goes wrong on the customer's side by itself: hosts, LAN, firewall, edge, and more load than room for it."""

from __future__ import annotations

import itertools

from tests.lab.happenings import AddressMoved, DuplicateAddress, HighLoad, ProcessEnded, ProcessStarted
from tests.lab.orders import Stream
from tests.lab.plan import Plan
from tests.lab.scenario import Effect, Load, Play, Scenario
from tests.lab.scenarios.places import (
    BRIDGED_CAMPUS,
    CUSTOMER,
    FIREWALL_FIRST,
    access_port,
    filtering_role,
    lan_link,
    roles_of,
    site_prefix,
)
from tests.lab.stage import Schedule, Stage

_LAN_RATE = 1_500_000
_BOUGHT = 2_000_000
_FRAME = 1442
"""Octets on the wire of a datagram of 1,400."""


def _crash(role: str, kind: str = "device_failure") -> Play:
    def play(stage: Stage) -> None:
        with stage.cause(role, kind, CUSTOMER):
            stage.crash(role)
            stage.last()
            stage.boot(role)

    return play


def _hang(role: str, kind: str = "device_failure") -> Play:
    def play(stage: Stage) -> None:
        or_kinds = ("device_degraded",) if kind == "device_failure" else ("device_failure",)
        with stage.cause(role, kind, CUSTOMER, or_kinds=or_kinds):
            stage.hang(role)
            stage.last()
            stage.reset(role)

    return play


def _lan_cut(stage: Stage) -> None:
    link = lan_link(stage.plan)
    with stage.cause(roles_of(link), "link_failure", CUSTOMER):
        stage.network.cut(link)
        stage.last()
        stage.network.splice(link)


def _lan_flaps(stage: Stage) -> None:
    """A loose plug in the customer's LAN: the link comes and goes."""
    link = lan_link(stage.plan)
    with stage.cause(roles_of(link), "link_failure", CUSTOMER, or_kinds=("link_degraded",)):
        while stage.remaining() > 3.0:
            stage.network.cut(link)
            stage.wait(stage.dice.uniform(1.2, 2.0))
            stage.network.splice(link)
            stage.wait(stage.dice.uniform(1.0, 2.0))


def _host_cable_cut(stage: Stage) -> None:
    link = stage.plan.links_of("host-a")[0]
    with stage.cause(roles_of(link), "link_failure", CUSTOMER, or_components=(("host-a",),),
                     or_kinds=("host_failure",)):
        stage.network.cut(link)
        stage.last()
        stage.network.splice(link)


def _lan_cable_degraded(stage: Stage) -> None:
    link = lan_link(stage.plan)
    with stage.cause(roles_of(link), "link_degraded", CUSTOMER):
        stage.lose_in_cable(link, stage.dice.uniform(0.12, 0.35), counted=True)
        stage.last()
        stage.heal_cable(link)


def _blast(rate: int, destination: str = "host-b", source: str = "host-c") -> Load:
    """More datagrams than a rate has room for, for as long as the fault lasts."""

    def load(plan: Plan, schedule: Schedule) -> tuple[Stream, ...]:
        del plan
        return (Stream(source, destination, 9009, 1400, rate / 8 / _FRAME, schedule.fault, schedule.repair, False),)

    return load


def _narrow_lan(stage: Stage) -> None:
    stage.throttle(lan_link(stage.plan).port("sw1"), _LAN_RATE)


def _lan_overload(stage: Stage) -> None:
    link = lan_link(stage.plan)
    others = (roles_of(link), ("host-c",), (link.far_port("sw1").role,))
    with stage.cause("sw1", "overload", CUSTOMER, or_components=others):
        stage.last()


def _police_what_was_bought(stage: Stage) -> None:
    stage.police(access_port(stage.plan), _BOUGHT)


def _overuse(stage: Stage) -> None:
    others = (("host-c",), ("pe1",), roles_of(lan_link(stage.plan)))
    with stage.cause("ce1", "overload", CUSTOMER, or_components=others):
        stage.last()


def _switch_loop(stage: Stage) -> None:
    """Two ports of a switch hear the same frames: addresses jump between them and most of what passes is lost."""
    ports = stage.plan.ports("sw1")
    mac = stage.plan.ports("host-c")[0].mac
    with stage.cause("sw1", "device_degraded", CUSTOMER, or_kinds=("misconfiguration", "overload", "device_failure")):
        for port in ports:
            stage.lose(port, 0.6)
        for number in range(3):
            stage.log("sw1", AddressMoved(mac, ports[1].name, ports[3].name), delay=0.4 + 3 * number)
        stage.log("sw1", HighLoad(97, over=True), delay=1.2)
        stage.last()
        for port in ports:
            stage.heal(port)
        stage.log("sw1", HighLoad(21, over=False), delay=0.5)


def _filter(match: str, or_kinds: tuple[str, ...] = ("device_degraded", "device_failure")) -> Play:
    """A filter on the firewall, or the edge, drops what it should pass, and says nothing."""

    def play(stage: Stage) -> None:
        role = filtering_role(stage.plan)
        near, far = site_prefix(stage.plan, "host-a"), site_prefix(stage.plan, "host-b")
        with stage.cause(role, "misconfiguration", CUSTOMER, or_kinds=or_kinds):
            stage.drop_forwarded(role, match.format(near=near, far=far))
            stage.last()
            stage.lift_filters(role)

    return play


def _edge_overloaded(stage: Stage) -> None:
    with stage.cause("ce1", "device_degraded", CUSTOMER, or_kinds=("overload", "device_failure")):
        stage.log("ce1", HighLoad(98, over=True), delay=0.8)
        stage.gauge("ce1", "cpu_percent", 98)
        for port in stage.plan.ports("ce1"):
            stage.lose(port, 0.35, spare_routing=True)
        stage.last()
        for port in stage.plan.ports("ce1"):
            stage.heal(port)
        stage.log("ce1", HighLoad(17, over=False), delay=0.8)
        stage.gauge("ce1", "cpu_percent", None)


def _edge_bgp_dies(stage: Stage) -> None:
    router = stage.routers["ce1"]
    with stage.cause("ce1", "routing_failure", CUSTOMER, or_kinds=("device_failure", "device_degraded")):
        stage.log("ce1", ProcessEnded("bgpd", router.process_id("bgpd")), delay=0.05)
        router.kill("bgpd")
        stage.last()
        router.start("bgpd")
        stage.log("ce1", ProcessStarted("bgpd", router.process_id("bgpd")))


def _duplicate_address(stage: Stage) -> None:
    """Another host takes the address of a service end: the gateway's neighbour table follows whoever spoke last."""
    victim, intruder = stage.plan.ports("host-a")[0], stage.plan.ports("host-c")[0]
    assert victim.address is not None
    gateway = stage.plan.gateway("host-a")
    port = next(end for end in stage.plan.segment(victim) if end.role == gateway)
    with stage.cause("host-c", "misconfiguration", CUSTOMER, or_components=(("host-a",),),
                     or_kinds=("host_failure", "unauthorised_operation")):
        stage.network.run("host-c", "ip", "addr", "add", str(victim.address), "dev", intruder.device)
        for number in itertools.count():
            if stage.remaining() <= 0:
                break
            stage.announce_address("host-c", victim.address.ip)
            if number % 5 == 0:  # devices say it again only after a while
                stage.log(gateway, DuplicateAddress(str(victim.address.ip), intruder.mac, victim.mac, port.name))
            stage.wait(min(1.0, max(0.05, stage.remaining())))
        stage.network.run("host-c", "ip", "addr", "del", str(victim.address), "dev", intruder.device)
        stage.announce_address("host-a", victim.address.ip)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("customer-edge-crash", "The customer's edge router loses its power", "customer", ("4.2(2)",),
             Effect.OUTAGE, _crash("ce1")),
    Scenario("customer-edge-hang", "The customer's edge router hangs with its links up", "customer", ("4.2(2)",),
             Effect.OUTAGE, _hang("ce1")),
    Scenario("customer-far-edge-crash", "The customer's edge at the far site loses its power", "customer", ("4.2(2)",),
             Effect.OUTAGE, _crash("ce2"), needs=("ce2",)),
    Scenario("customer-host-crash", "The customer's host loses its power", "customer", ("4.2(2)",),
             Effect.OUTAGE, _crash("host-b", "host_failure")),
    Scenario("customer-host-hang", "The customer's host hangs with its link up", "customer", ("4.2(2)",),
             Effect.OUTAGE, _hang("host-a", "host_failure")),
    Scenario("customer-host-cable-cut", "The cable of the customer's host is pulled", "customer", ("4.2(1)",),
             Effect.OUTAGE, _host_cable_cut),
    Scenario("customer-switch-crash", "The customer's switch loses its power", "customer", ("4.2(2)", "4.2(1)"),
             Effect.OUTAGE, _crash("sw1")),
    Scenario("customer-switch-loop", "A loop on the customer's switch drowns the LAN", "customer",
             ("4.2(1)", "4.2(2)"), Effect.LOSS, _switch_loop, shapes=BRIDGED_CAMPUS),
    Scenario("customer-lan-cut", "A cable in the customer's LAN is cut", "customer", ("4.2(1)",),
             Effect.OUTAGE, _lan_cut),
    Scenario("customer-lan-link-flaps", "A loose plug in the customer's LAN", "customer", ("4.2(1)",),
             Effect.LOSS, _lan_flaps),
    Scenario("customer-lan-cable-degraded", "A bad cable in the customer's LAN loses frames", "customer", ("4.2(1)",),
             Effect.LOSS, _lan_cable_degraded),
    Scenario("customer-lan-overload", "A host of the customer's saturates the LAN uplink", "customer", ("4.2(1)",),
             Effect.LOSS, _lan_overload, load=_blast(round(2.4 * _LAN_RATE)), prepare=_narrow_lan),
    Scenario("customer-overuse-policed", "The customer sends more than it bought and the provider polices it",
             "customer", ("4.2(1)", "3.2(5)"), Effect.LOSS, _overuse, load=_blast(round(2.5 * _BOUGHT)),
             prepare=_police_what_was_bought, bandwidth_bps=_BOUGHT),
    Scenario("customer-firewall-drops-silently", "The customer's firewall drops what it should pass", "customer",
             ("4.2(1)", "4.2(2)", "4.2(4)"), Effect.OUTAGE, _filter("ip daddr {far}"),
             shapes=FIREWALL_FIRST),
    Scenario("customer-firewall-drops-one-way", "The customer's firewall drops answers only", "customer",
             ("4.2(1)", "4.2(2)", "4.2(4)"), Effect.ONE_WAY, _filter("ip saddr {far} ip daddr {near}"),
             shapes=FIREWALL_FIRST),
    Scenario("customer-firewall-drops-tcp", "The customer's firewall drops TCP and passes the rest", "customer",
             ("4.2(1)", "4.2(2)", "4.2(4)"), Effect.PART, _filter("ip daddr {far} ip protocol tcp"),
             shapes=FIREWALL_FIRST),
    Scenario("customer-firewall-drops-large-packets", "The customer's firewall drops large packets", "customer",
             ("4.2(1)", "4.2(2)", "4.2(4)"), Effect.PART, _filter("meta length > 1300"),
             shapes=FIREWALL_FIRST),
    Scenario("customer-edge-overloaded", "The customer's edge router is too busy to forward everything", "customer",
             ("4.2(2)", "4.2(1)"), Effect.LOSS, _edge_overloaded),
    Scenario("customer-bgp-daemon-dies", "The customer edge's BGP process dies", "customer", ("4.2(2)",),
             Effect.OUTAGE, _edge_bgp_dies),
    Scenario("customer-duplicate-address", "Another host of the customer's takes the service host's address",
             "customer", ("4.2(1)", "4.2(2)", "4.2(4)"), Effect.LOSS, _duplicate_address, shapes=BRIDGED_CAMPUS),
)
