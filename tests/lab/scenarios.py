"""The incidents that the laboratory can stage, each with its truth."""

from __future__ import annotations

import time

from tests.lab.happenings import Deed, ProcessEnded, ProcessStarted
from tests.lab.orders import Stream
from tests.lab.paperwork import DAY
from tests.lab.plan import Link, Plan, Side
from tests.lab.scenario import Effect, Scenario
from tests.lab.stage import Schedule, Stage

CUSTOMER, PROVIDER = Side.CUSTOMER, Side.PROVIDER


def access_link(stage: Stage) -> Link:
    """The provider edge's link towards the customer: to the carrier where one stands between."""
    return stage.plan.link("pe1", "lm1" if stage.plan.has("lm1") else "ce1")


def lan_link(plan: Plan) -> Link:
    """The link between the customer's switch and the next device of the customer's."""
    return plan.link("sw1", "fw1" if plan.has("fw1") else "ce1")


def site_prefix(plan: Plan, host: str) -> str:
    """The prefix that a host stands in."""
    address = plan.ports(host)[0].address
    assert address is not None
    return str(address.network)


# ---------------------------------------------------------------- the customer's own network


def _customer_edge_crash(stage: Stage) -> None:
    with stage.cause("ce1", "device_failure", CUSTOMER):
        stage.crash("ce1")
        stage.last()
        stage.boot("ce1")


def _customer_edge_hang(stage: Stage) -> None:
    with stage.cause("ce1", "device_failure", CUSTOMER, or_kinds=("device_degraded",)):
        stage.hang("ce1")
        stage.last()
        stage.reset("ce1")


def _customer_lan_cut(stage: Stage) -> None:
    link = lan_link(stage.plan)
    with stage.cause((link.ends[0].role, link.ends[1].role), "link_failure", CUSTOMER):
        stage.network.cut(link)
        stage.last()
        stage.network.splice(link)


_LAN_RATE = 1_500_000


def _lan_blast(plan: Plan, schedule: Schedule) -> tuple[Stream, ...]:
    del plan
    return (Stream("host-c", "host-b", 9009, 1400, 2.4 * _LAN_RATE / 8 / 1442, schedule.fault, schedule.repair, False),)


def _narrow_lan(stage: Stage) -> None:
    stage.throttle(lan_link(stage.plan).port("sw1"), _LAN_RATE)


def _customer_lan_overload(stage: Stage) -> None:
    link = lan_link(stage.plan)
    with stage.cause("sw1", "overload", CUSTOMER,
                     or_components=(tuple(end.role for end in link.ends), ("host-c",), (link.far_port("sw1").role,))):
        stage.last()


def _shut_access(stage: Stage, consented: bool) -> None:
    far = "lm1" if stage.plan.has("lm1") else "pe1"
    port = stage.plan.port("ce1", far)
    kind = "consented_operation" if consented else "unauthorised_operation"
    if consented or stage.dice.random() < 0.7:
        stage.change(CUSTOMER, "ce1", port.name, "shutdown", "re-cabling of the access line", consented)
    stage.visit("ce1")
    stage.operate("ce1", Deed.SHUT_PORT, port.name)
    stage.wait(1.0)
    with stage.cause("ce1", kind, CUSTOMER):
        stage.network.shut(port)
        stage.last()
        stage.operate("ce1", Deed.OPEN_PORT, port.name)
        stage.wait(0.5)
        stage.network.shut(port, up=True)


def _customer_firewall_drops(stage: Stage) -> None:
    role = "fw1" if stage.plan.has("fw1") else "ce1"
    with stage.cause(role, "misconfiguration", CUSTOMER, or_kinds=("device_degraded", "device_failure")):
        stage.drop_forwarded(role, f"ip daddr {site_prefix(stage.plan, 'host-b')}")
        stage.last()
        stage.lift_filters(role)


def _carrier_down(stage: Stage) -> None:
    with stage.cause("lm1", "device_failure", CUSTOMER):
        stage.crash("lm1")
        stage.last()
        stage.boot("lm1")


# ---------------------------------------------------------------- the provider


def _core_router_crash(stage: Stage) -> None:
    role = stage.dice.choice(stage.shape.core)
    with stage.cause(role, "device_failure", PROVIDER):
        stage.crash(role)
        stage.last()
        stage.boot(role)


def _core_link_cut(stage: Stage) -> None:
    link = stage.plan.link(*stage.shape.backbone)
    with stage.cause(stage.shape.backbone, "link_failure", PROVIDER):
        stage.network.cut(link)
        stage.last()
        stage.network.splice(link)


def _gray_loss(stage: Stage) -> None:
    role = stage.dice.choice(stage.shape.core)
    ratio = stage.dice.uniform(0.15, 0.4)
    with stage.cause(role, "device_degraded", PROVIDER):
        for port in stage.plan.ports(role):
            stage.lose(port, ratio, "ip protocol != ospf tcp dport != 179 tcp sport != 179")
            stage.lose(port, ratio, "ip protocol { icmp, udp }")
        stage.last()
        for port in stage.plan.ports(role):
            stage.heal(port)


def _bgp_daemon_dies(stage: Stage) -> None:
    router = stage.routers["pe1"]
    with stage.cause("pe1", "routing_failure", PROVIDER, or_kinds=("device_failure", "device_degraded")):
        stage.log("pe1", ProcessEnded("bgpd", router.process_id("bgpd")), delay=0.05)
        router.kill("bgpd")
        stage.last()
        router.start("bgpd")
        stage.log("pe1", ProcessStarted("bgpd", router.process_id("bgpd")))


def _null_route(stage: Stage) -> None:
    role, prefix = "pe1", site_prefix(stage.plan, "host-b")
    if stage.dice.random() < 0.5:
        role, prefix = stage.shape.far_edge, site_prefix(stage.plan, "host-a")
    stage.visit(role)
    stage.operate(role, Deed.DISCARD_ROUTE, prefix)
    with stage.cause(role, "misconfiguration", PROVIDER, or_kinds=("routing_failure", "unauthorised_operation")):
        stage.discard(role, prefix)
        stage.last()
        stage.operate(role, Deed.REMOVE_DISCARD_ROUTE, prefix)
        stage.keep(role, prefix)


def _suspend(stage: Stage, side: Side) -> None:
    """The provider's automaton routes the customer's prefix into the void until the account is in order."""
    prefix = site_prefix(stage.plan, "host-a")
    robot = {"user": "svc-billing", "origin": "10.200.40.7"}
    stage.operate("pe1", Deed.DISCARD_ROUTE, prefix, **robot)
    with stage.cause("pe1", "enforcement_action", side):
        stage.account(time.time(), "suspended", "service suspended by the billing system")
        stage.discard("pe1", prefix)
        stage.last()
        stage.operate("pe1", Deed.REMOVE_DISCARD_ROUTE, prefix, **robot)
        stage.keep("pe1", prefix)
        stage.account(time.time(), "restored", "service restored")


def _suspension_after_late_payment(stage: Stage) -> None:
    invoice = f"invoice INV-{stage.dice.randrange(6000, 9999)}"
    due = stage.schedule.fault - stage.dice.uniform(17, 40) * DAY
    stage.account(due, "payment_due", invoice)
    stage.account(due + 3 * DAY, "violation_notice", f"reminder: {invoice} is unpaid")
    _suspend(stage, CUSTOMER)
    stage.account(stage.schedule.repair - 1.0, "payment_received", invoice)


def _suspension_although_paid(stage: Stage) -> None:
    invoice = f"invoice INV-{stage.dice.randrange(6000, 9999)}"
    due = stage.schedule.fault - stage.dice.uniform(16, 30) * DAY
    stage.account(due - stage.dice.uniform(1, 5) * DAY, "payment_received", invoice)
    stage.account(due, "payment_due", invoice)
    _suspend(stage, PROVIDER)


def _nothing_happens(stage: Stage) -> None:
    stage.last()


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("customer-edge-crash", "The customer's edge router loses its power", "customer", ("4.2(2)",),
             Effect.OUTAGE, _customer_edge_crash),
    Scenario("customer-edge-hang", "The customer's edge router hangs with its links up", "customer", ("4.2(2)",),
             Effect.OUTAGE, _customer_edge_hang),
    Scenario("customer-lan-cut", "A cable in the customer's LAN is cut", "customer", ("4.2(1)",),
             Effect.OUTAGE, _customer_lan_cut),
    Scenario("customer-lan-overload", "A host of the customer's saturates the LAN uplink", "customer", ("4.2(1)",),
             Effect.LOSS, _customer_lan_overload, load=_lan_blast, prepare=_narrow_lan),
    Scenario("customer-shuts-access-port", "The customer shuts its access port and nobody agreed", "customer",
             ("4.2(3)",), Effect.OUTAGE, lambda stage: _shut_access(stage, consented=False),
             shapes=("single-homed", "carrier-and-vpc", "firewalled-campus", "two-region-ring"), grace_s=2.5),
    Scenario("customer-shuts-access-port-with-consent", "The customer shuts its access port as agreed", "customer",
             ("4.2(4)",), Effect.OUTAGE, lambda stage: _shut_access(stage, consented=True),
             shapes=("single-homed", "carrier-and-vpc", "firewalled-campus", "two-region-ring"), grace_s=2.5),
    Scenario("customer-firewall-drops-silently", "The customer's firewall drops what it should pass", "customer",
             ("4.2(1)", "4.2(2)", "4.2(4)"), Effect.OUTAGE, _customer_firewall_drops,
             shapes=("firewalled-campus", "single-homed", "dual-homed", "carrier-and-vpc")),
    Scenario("carrier-down", "The carrier that the customer engaged loses its node", "customer", ("4.2(2)",),
             Effect.OUTAGE, _carrier_down, needs=("lm1",)),
    Scenario("provider-core-router-crash", "A core router of the provider loses its power", "provider", ("4.2",),
             Effect.OUTAGE, _core_router_crash, redundant=False),
    Scenario("provider-core-link-cut", "A core link of the provider is cut", "provider", ("4.2",),
             Effect.OUTAGE, _core_link_cut, redundant=False),
    Scenario("provider-gray-loss", "A core router of the provider loses packets and says nothing", "provider",
             ("4.2",), Effect.LOSS, _gray_loss, redundant=False),
    Scenario("provider-bgp-daemon-dies", "The provider edge's BGP process dies", "provider", ("4.2",),
             Effect.OUTAGE, _bgp_daemon_dies,
             shapes=("single-homed", "carrier-and-vpc", "firewalled-campus", "two-region-ring")),
    Scenario("provider-null-route", "The provider routes a customer's prefix into the void", "provider", ("4.2",),
             Effect.OUTAGE, _null_route,
             shapes=("single-homed", "carrier-and-vpc", "firewalled-campus", "two-region-ring")),
    Scenario("suspension-after-late-payment", "The provider suspends a service that was not paid for", "customer",
             ("3.2(late-payment)", "4.3(3)"), Effect.OUTAGE, _suspension_after_late_payment,
             shapes=("single-homed", "carrier-and-vpc", "firewalled-campus", "two-region-ring")),
    Scenario("suspension-although-paid", "The provider suspends a service that was paid for in time", "provider",
             ("4.2",), Effect.OUTAGE, _suspension_although_paid,
             shapes=("single-homed", "carrier-and-vpc", "firewalled-campus", "two-region-ring")),
    Scenario("healthy-hour", "Nothing is wrong, and somebody complains all the same", "neither", (),
             Effect.NONE, _nothing_happens),
)


def scenario_named(name: str) -> Scenario | None:
    """The scenario of that name, if there is one."""
    return next((scenario for scenario in SCENARIOS if scenario.name == name), None)
