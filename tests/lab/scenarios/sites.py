"""What goes wrong at the customer's hosts, cables and ports, and at its far site."""

from __future__ import annotations

from tests.lab.happenings import Deed, DuplexMismatch, TableFull
from tests.lab.orders import Stream
from tests.lab.plan import Kind, Plan
from tests.lab.scenario import Effect, Scenario
from tests.lab.scenarios.places import (
    BRIDGED_CAMPUS,
    CUSTOMER,
    FIREWALL_FIRST,
    filtering_role,
    lan_link,
    roles_of,
    site_prefix,
)
from tests.lab.stage import Schedule, Stage

_LAN_RATE = 1_500_000
_FAR_RATE = 1_500_000
_FRAME = 1442


def _far_link(plan: Plan) -> tuple[str, str]:
    """The far edge's link towards the far host."""
    own = (role for role in plan.neighbours("ce2") if plan.node(role).side == CUSTOMER)
    return "ce2", next(role for role in own if plan.node(role).kind is not Kind.TRANSPORT)


def _far_host_cable_cut(stage: Stage) -> None:
    link = stage.plan.links_of("host-b")[0]
    with stage.cause(roles_of(link), "link_failure", CUSTOMER, or_components=(("host-b",),),
                     or_kinds=("host_failure",)):
        stage.network.cut(link)
        stage.last()
        stage.network.splice(link)


def _far_lan_degraded(stage: Stage) -> None:
    link = stage.plan.link(*_far_link(stage.plan))
    with stage.cause(roles_of(link), "link_degraded", CUSTOMER):
        stage.lose_in_cable(link, stage.dice.uniform(0.12, 0.35), counted=True)
        stage.last()
        stage.heal_cable(link)


def _far_edge_hang(stage: Stage) -> None:
    with stage.cause("ce2", "device_failure", CUSTOMER, or_kinds=("device_degraded",)):
        stage.hang("ce2")
        stage.last()
        stage.reset("ce2")


def _far_edge_gray(stage: Stage) -> None:
    with stage.cause("ce2", "device_degraded", CUSTOMER, or_kinds=("misconfiguration", "device_failure")):
        stage.drop_forwarded("ce2", f"numgen random mod 1000 < {round(stage.dice.uniform(150, 400))}")
        stage.last()
        stage.lift_filters("ce2")


def _far_edge_misroutes(stage: Stage) -> None:
    """The customer's far edge routes the other site into the void."""
    prefix = site_prefix(stage.plan, "host-a")
    stage.visit("ce2")
    stage.operate("ce2", Deed.DISCARD_ROUTE, prefix)
    with stage.cause("ce2", "misconfiguration", CUSTOMER, or_kinds=("unauthorised_operation", "routing_failure")):
        stage.discard("ce2", prefix)
        stage.last()
        stage.operate("ce2", Deed.REMOVE_DISCARD_ROUTE, prefix)
        stage.keep("ce2", prefix)


def _far_switch_crash(stage: Stage) -> None:
    with stage.cause("sw2", "device_failure", CUSTOMER):
        stage.crash("sw2")
        stage.last()
        stage.boot("sw2")


def _edge_reboots(stage: Stage) -> None:
    """The customer's edge loses its power again and again, and every alarm about it rings at the provider."""
    with stage.cause("ce1", "device_failure", CUSTOMER, or_kinds=("device_degraded",)):
        for number in range(2):
            if number:
                stage.wait(4.0)
            stage.crash("ce1")
            stage.wait(stage.schedule.length / 3)
            stage.boot("ce1")


def _switch_gray(stage: Stage) -> None:
    ratio = stage.dice.uniform(0.15, 0.35)
    with stage.cause("sw1", "device_degraded", CUSTOMER, or_kinds=("device_failure",)):
        for port in stage.plan.ports("sw1"):
            stage.lose(port, ratio, spare_routing=True)
        stage.last()
        for port in stage.plan.ports("sw1"):
            stage.heal(port)


def _switch_hang(stage: Stage) -> None:
    with stage.cause("sw1", "device_failure", CUSTOMER, or_kinds=("device_degraded",)):
        stage.hang("sw1")
        stage.last()
        stage.reset("sw1")


def _duplex_mismatch(stage: Stage) -> None:
    """One end of a LAN cable speaks half duplex: frames collide, and more of them the busier the cable is."""
    link = lan_link(stage.plan)
    near, far = link.ends
    with stage.cause(roles_of(link), "link_degraded", CUSTOMER, or_kinds=("misconfiguration",),
                     or_components=((near.role,), (far.role,))):
        stage.lose_in_cable(link, stage.dice.uniform(0.1, 0.25), counted=True)
        for number in range(2):
            stage.log(near.role, DuplexMismatch(near.name, stage.plan.node(far.role).name, far.name),
                      delay=0.6 + 5 * number)
        stage.last()
        stage.heal_cable(link)


def _wrong_vlan(stage: Stage) -> None:
    """The switch's uplink is moved into a wrong VLAN."""
    port, vlan = lan_link(stage.plan).port("sw1"), str(stage.dice.randrange(200, 3000))
    stage.visit("sw1")
    stage.operate("sw1", Deed.SET_VLAN, port.name, vlan)
    with stage.cause("sw1", "misconfiguration", CUSTOMER, or_kinds=("unauthorised_operation",),
                     or_components=(roles_of(lan_link(stage.plan)),)):
        stage.isolate(port)
        stage.last()
        stage.operate("sw1", Deed.UNSET_VLAN, port.name, vlan)
        stage.rejoin(port)


def _edge_mtu(stage: Stage) -> None:
    """The customer sets a small MTU on its edge, and what says so to the senders is filtered."""
    port = stage.plan.ports("ce1")[0]
    stage.visit("ce1")
    stage.operate("ce1", Deed.SET_MTU, port.name, "1300")
    with stage.cause("ce1", "misconfiguration", CUSTOMER, or_kinds=("unauthorised_operation", "device_degraded")):
        stage.drop_forwarded("ce1", "meta length > 1300")
        stage.last()
        stage.operate("ce1", Deed.UNSET_MTU, port.name)
        stage.lift_filters("ce1")


def _edge_one_way(stage: Stage) -> None:
    """A filter that somebody typed on the customer's edge drops what goes out."""
    prefix = site_prefix(stage.plan, "host-b")
    stage.visit("ce1")
    stage.operate("ce1", Deed.DROP_PREFIX, prefix)
    with stage.cause("ce1", "misconfiguration", CUSTOMER, or_kinds=("unauthorised_operation",)):
        stage.drop_forwarded("ce1", f"ip daddr {prefix}")
        stage.last()
        stage.operate("ce1", Deed.PASS_PREFIX, prefix)
        stage.lift_filters("ce1")


def _host_firewall(stage: Stage) -> None:
    """The far host's own firewall answers no TCP any more, and echoes all the same."""
    with stage.cause("host-b", "misconfiguration", CUSTOMER, or_kinds=("host_failure",)):
        stage.drop_arriving("host-b", "ip protocol tcp")
        stage.last()
        stage.lift_filters("host-b")


def _host_overloaded(stage: Stage) -> None:
    """The far host is out of memory: it loses a good part of everything that arrives."""
    with stage.cause("host-b", "host_failure", CUSTOMER, or_kinds=("overload", "device_degraded")):
        stage.log("host-b", TableFull("java"), delay=0.4)
        stage.drop_arriving("host-b", f"numgen random mod 1000 < {round(stage.dice.uniform(250, 550))}")
        stage.last()
        stage.lift_filters("host-b")


def _session_table_full(stage: Stage) -> None:
    """The firewall's table of sessions is full: what is open goes on, nothing new gets through."""
    role = filtering_role(stage.plan)
    with stage.cause(role, "device_degraded", CUSTOMER, or_kinds=("overload", "misconfiguration", "device_failure")):
        stage.drop_forwarded(role, "tcp flags syn / syn,ack")
        stage.last()
        stage.lift_filters(role)


def _many_hosts(plan: Plan, schedule: Schedule) -> tuple[Stream, ...]:
    """Backups of two departments begin at once."""
    del plan
    return tuple(
        Stream(source, "host-b", port, 1400, 1.3 * _LAN_RATE / 8 / _FRAME, schedule.fault, schedule.repair, False)
        for source, port in (("host-c", 9009), ("office", 9011))
    )


def _narrow_lan(stage: Stage) -> None:
    stage.throttle(lan_link(stage.plan).port("sw1"), _LAN_RATE)


def _lan_overload(stage: Stage) -> None:
    link = lan_link(stage.plan)
    with stage.cause("sw1", "overload", CUSTOMER,
                     or_components=(roles_of(link), ("host-c",), (link.far_port("sw1").role,))):
        stage.last()


def _narrow_far_lan(stage: Stage) -> None:
    stage.throttle(stage.plan.port(*_far_link(stage.plan)), _FAR_RATE)


def _far_blast(plan: Plan, schedule: Schedule) -> tuple[Stream, ...]:
    """A restore of the customer's own fills its far site's LAN."""
    del plan
    return (Stream("host-c", "host-b", 9009, 1400, 2.4 * _FAR_RATE / 8 / _FRAME, schedule.fault, schedule.repair,
                   False),)


def _far_lan_overload(stage: Stage) -> None:
    link = stage.plan.link(*_far_link(stage.plan))
    with stage.cause("ce2", "overload", CUSTOMER,
                     or_components=(roles_of(link), ("host-c",), ("host-b",), (link.far_port("ce2").role,))):
        stage.last()




SCENARIOS: tuple[Scenario, ...] = (
    Scenario("customer-far-host-cable-cut", "The cable of the customer's far host is pulled", "customer",
             ("4.2(1)", "4.2(2)"), Effect.OUTAGE, _far_host_cable_cut, needs=("ce2",)),
    Scenario("customer-far-lan-degraded", "A bad cable at the customer's far site loses frames", "customer",
             ("4.2(1)",), Effect.LOSS, _far_lan_degraded, needs=("ce2",)),
    Scenario("customer-far-lan-overload", "A restore of the customer's fills its far site's LAN", "customer",
             ("4.2(1)",), Effect.LOSS, _far_lan_overload, needs=("ce2",), load=_far_blast, prepare=_narrow_far_lan),
    Scenario("customer-far-edge-hang", "The customer's far edge hangs with its links up", "customer", ("4.2(2)",),
             Effect.OUTAGE, _far_edge_hang, needs=("ce2",)),
    Scenario("customer-far-edge-gray-loss", "The customer's far edge loses packets and says nothing", "customer",
             ("4.2(2)", "4.2(1)"), Effect.LOSS, _far_edge_gray, needs=("ce2",)),
    Scenario("customer-far-edge-misroutes", "The customer's far edge routes the other site into the void",
             "customer", ("4.2(1)", "4.2(3)", "4.2(4)"), Effect.OUTAGE, _far_edge_misroutes, needs=("ce2",)),
    Scenario("customer-far-switch-crash", "The switch at the customer's far site loses its power", "customer",
             ("4.2(2)", "4.2(1)"), Effect.OUTAGE, _far_switch_crash, needs=("sw2",)),
    Scenario("customer-edge-reboots", "The customer's edge loses its power twice, and the provider's alarms ring",
             "customer", ("4.2(2)",), Effect.LOSS, _edge_reboots, overrun_s=5.0),
    Scenario("customer-switch-gray-loss", "The customer's switch loses frames and says nothing", "customer",
             ("4.2(2)", "4.2(1)"), Effect.LOSS, _switch_gray),
    Scenario("customer-switch-hang", "The customer's switch hangs with its links up", "customer",
             ("4.2(2)", "4.2(1)"), Effect.OUTAGE, _switch_hang),
    Scenario("customer-duplex-mismatch", "One end of a LAN cable speaks half duplex", "customer",
             ("4.2(1)",), Effect.LOSS, _duplex_mismatch),
    Scenario("customer-wrong-vlan", "The customer moves its uplink into a wrong VLAN", "customer",
             ("4.2(1)", "4.2(3)", "4.2(4)"), Effect.OUTAGE, _wrong_vlan, shapes=BRIDGED_CAMPUS),
    Scenario("customer-changes-mtu", "The customer sets a small MTU on its edge", "customer",
             ("4.2(1)", "4.2(3)", "4.2(4)"), Effect.PART, _edge_mtu),
    Scenario("customer-edge-filter-one-way", "A filter on the customer's edge drops what goes out", "customer",
             ("4.2(1)", "4.2(3)", "4.2(4)"), Effect.ONE_WAY, _edge_one_way),
    Scenario("customer-host-firewall", "The customer's far host answers no TCP any more", "customer",
             ("4.2(1)", "4.2(2)", "4.2(4)"), Effect.PART, _host_firewall),
    Scenario("customer-host-overloaded", "The customer's far host loses what arrives", "customer",
             ("4.2(2)", "4.2(1)"), Effect.LOSS, _host_overloaded),
    Scenario("customer-firewall-table-full", "The customer's firewall lets no new connection through", "customer",
             ("4.2(2)", "4.2(1)"), Effect.PART, _session_table_full, shapes=FIREWALL_FIRST),
    Scenario("customer-many-hosts-overload-lan", "Backups of two departments saturate the LAN uplink", "customer",
             ("4.2(1)",), Effect.LOSS, _lan_overload, load=_many_hosts, prepare=_narrow_lan, shapes=BRIDGED_CAMPUS),
)
