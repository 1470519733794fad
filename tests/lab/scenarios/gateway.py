"""What goes wrong where the provider's network ends: at the cloud gateway and at the edge before the far site."""

from __future__ import annotations

from tests.lab.happenings import Deed, LowMemory, ProcessEnded, ProcessStarted
from tests.lab.scenario import Effect, Play, Scenario
from tests.lab.scenarios.places import (
    CUSTOMER_OFF_BY_COMMAND,
    PROVIDER,
    SINGLE_ACCESS,
    access_port,
    far_access,
    site_prefix,
)
from tests.lab.stage import Stage

_LIMIT_BPS = 60_000


def _gateway_rate_limit(stage: Stage) -> None:
    """An operator of the provider's limits the customer's gateway as if it were a smaller customer's."""
    port = stage.plan.port("vgw", stage.shape.far_edge)
    stage.visit("vgw")
    stage.operate("vgw", Deed.LIMIT_PORT, port.name, str(_LIMIT_BPS // 1000))
    with stage.cause("vgw", "misconfiguration", PROVIDER, or_kinds=("overload", "unauthorised_operation")):
        stage.police(port, _LIMIT_BPS)
        stage.last()
        stage.operate("vgw", Deed.UNLIMIT_PORT, port.name, str(_LIMIT_BPS // 1000))
        stage.unpolice(port)


def _gateway_misroutes(stage: Stage) -> None:
    """The gateway's way back to the customer's site leads into the void."""
    prefix = site_prefix(stage.plan, "host-a")
    stage.visit("vgw")
    stage.operate("vgw", Deed.DISCARD_ROUTE, prefix)
    with stage.cause("vgw", "misconfiguration", PROVIDER, or_kinds=CUSTOMER_OFF_BY_COMMAND):
        stage.discard("vgw", prefix)
        stage.last()
        stage.operate("vgw", Deed.REMOVE_DISCARD_ROUTE, prefix)
        stage.keep("vgw", prefix)


def _drops_at(find: str, match: str, kind: str, or_kinds: tuple[str, ...]) -> Play:
    """The gateway or the far edge drops what it forwards, as far as it matches, and says nothing."""

    def play(stage: Stage) -> None:
        role = stage.shape.far_edge if find == "far-edge" else find
        with stage.cause(role, kind, PROVIDER, or_kinds=or_kinds):
            stage.drop_forwarded(role, match.format(
                ratio=round(stage.dice.uniform(150, 400)), near=site_prefix(stage.plan, "host-a")))
            stage.last()
            stage.lift_filters(role)

    return play


def _far_edge_crash(stage: Stage) -> None:
    role = stage.shape.far_edge
    with stage.cause(role, "device_failure", PROVIDER):
        stage.crash(role)
        stage.last()
        stage.boot(role)


def _far_edge_hang(stage: Stage) -> None:
    role = stage.shape.far_edge
    with stage.cause(role, "device_failure", PROVIDER, or_kinds=("device_degraded",)):
        stage.hang(role)
        stage.last()
        stage.reset(role)


def _far_edge_reboots(stage: Stage) -> None:
    """The far edge's power supply fails again and again."""
    role = stage.shape.far_edge
    with stage.cause(role, "device_failure", PROVIDER, or_kinds=("device_degraded",)):
        for number in range(2):
            if number:
                stage.wait(3.5)
            stage.crash(role)
            stage.wait(stage.schedule.length / 3)
            stage.boot(role)


def _far_line_cut(stage: Stage) -> None:
    """The provider's own cable between its last router and its gateway is cut."""
    link = stage.plan.link(stage.shape.far_edge, "vgw")
    with stage.cause((stage.shape.far_edge, "vgw"), "link_failure", PROVIDER):
        stage.network.cut(link)
        stage.last()
        stage.network.splice(link)


def _far_line_degraded(stage: Stage) -> None:
    link = stage.plan.link(stage.shape.far_edge, "vgw")
    with stage.cause((stage.shape.far_edge, "vgw"), "link_degraded", PROVIDER):
        stage.lose_in_cable(link, stage.dice.uniform(0.12, 0.35), counted=True)
        stage.last()
        stage.heal_cable(link)


def _bgp_dies(find: str) -> Play:
    """A BGP process of the far edge or the gateway dies."""

    def play(stage: Stage) -> None:
        role = stage.shape.far_edge if find == "far-edge" else find
        router = stage.routers[role]
        with stage.cause(role, "routing_failure", PROVIDER, or_kinds=("device_failure", "device_degraded")):
            stage.log(role, ProcessEnded("bgpd", router.process_id("bgpd")), delay=0.05)
            router.kill("bgpd")
            stage.last()
            router.start("bgpd")
            stage.log(role, ProcessStarted("bgpd", router.process_id("bgpd")))

    return play


def _memory_leak(stage: Stage) -> None:
    """The provider edge's memory fills up until its BGP process is ended for it."""
    router = stage.routers["pe1"]
    for percent in (84, 89, 93):
        stage.gauge("pe1", "memory_percent", percent)
        stage.wait(0.8)
    stage.gauge("pe1", "memory_percent", 97)
    stage.log("pe1", LowMemory(97, over=True))
    with stage.cause("pe1", "device_degraded", PROVIDER, or_kinds=("routing_failure", "device_failure", "overload")):
        stage.log("pe1", ProcessEnded("bgpd", router.process_id("bgpd")), delay=0.05)
        router.kill("bgpd")
        stage.last()
        router.start("bgpd")
        stage.gauge("pe1", "memory_percent", None)
        stage.log("pe1", ProcessStarted("bgpd", router.process_id("bgpd")))
        stage.log("pe1", LowMemory(55, over=False), delay=0.3)


def _bandwidth_reduced(stage: Stage) -> None:
    """The provider books a smaller bandwidth for the wrong customer, with a ticket of its own."""
    port = far_access(stage)
    stage.change(PROVIDER, stage.shape.far_edge, port.name, "bandwidth adjustment",
                 "order of another customer, adjusted to 1 Mbit/s", False)
    stage.visit(stage.shape.far_edge)
    stage.operate(stage.shape.far_edge, Deed.LIMIT_PORT, port.name, "50")
    with stage.cause(stage.shape.far_edge, "misconfiguration", PROVIDER,
                     or_kinds=("overload", "unauthorised_operation", "maintenance")):
        stage.police(port, 50_000, "egress")
        stage.last()
        stage.operate(stage.shape.far_edge, Deed.UNLIMIT_PORT, port.name, "50")
        stage.unpolice(port)


def _wrong_vlan(stage: Stage) -> None:
    """A port of the provider edge is moved into another customer's VLAN: it keeps its light and carries nothing."""
    port = access_port(stage.plan)
    vlan = str(stage.dice.randrange(200, 3000))
    stage.visit("pe1")
    stage.operate("pe1", Deed.SET_VLAN, port.name, vlan)
    with stage.cause("pe1", "misconfiguration", PROVIDER, or_kinds=("unauthorised_operation", "device_degraded")):
        stage.isolate(port)
        stage.last()
        stage.operate("pe1", Deed.UNSET_VLAN, port.name, vlan)
        stage.rejoin(port)


def _hijack(stage: Stage) -> None:
    """A more specific route towards another tenant takes the far host's packets away."""
    prefix = f"{stage.plan.address('host-b')}/32"
    tenant = str(stage.plan.address("tenant-x"))
    stage.visit("pe1")
    stage.operate("pe1", Deed.SET_ROUTE, prefix, tenant)
    with stage.cause("pe1", "misconfiguration", PROVIDER, or_kinds=("routing_failure", "unauthorised_operation")):
        stage.route("pe1", prefix, tenant)
        stage.configure_bgp("pe1", f"network {prefix}", family=True)
        stage.last()
        stage.operate("pe1", Deed.UNSET_ROUTE, prefix, tenant)
        stage.configure_bgp("pe1", f"no network {prefix}", family=True)
        stage.unroute("pe1", prefix, tenant)


def _acl(protocol: str, match: str) -> Play:
    """An operator's filter on the provider edge drops one protocol of the customer's."""

    def play(stage: Stage) -> None:
        prefix = site_prefix(stage.plan, "host-b")
        stage.visit("pe1")
        stage.operate("pe1", Deed.DROP_PROTOCOL, prefix, protocol)
        with stage.cause("pe1", "misconfiguration", PROVIDER, or_kinds=("unauthorised_operation", "device_degraded")):
            stage.drop_forwarded("pe1", match.format(far=prefix))
            stage.last()
            stage.operate("pe1", Deed.PASS_PROTOCOL, prefix, protocol)
            stage.lift_filters("pe1")

    return play


_BROKEN = ("misconfiguration", "device_failure")

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("provider-gateway-rate-limit", "The provider limits the gateway far below what was bought", "provider",
             ("4.2",), Effect.LOSS, _gateway_rate_limit, needs=("vgw",), bandwidth_bps=10_000_000),
    Scenario("provider-gateway-misroutes", "The provider's gateway routes the customer's site into the void",
             "provider", ("4.2",), Effect.OUTAGE, _gateway_misroutes, needs=("vgw",)),
    Scenario("provider-gateway-gray-loss", "The provider's gateway loses packets and says nothing", "provider",
             ("4.2",), Effect.LOSS, _drops_at("vgw", "numgen random mod 1000 < {ratio}", "device_degraded", _BROKEN),
             needs=("vgw",)),
    Scenario("provider-gateway-drops-large-packets", "The provider's gateway drops full-sized packets", "provider",
             ("4.2",), Effect.PART, _drops_at("vgw", "meta length > 1300", "misconfiguration",
                                              ("device_degraded", "device_failure")), needs=("vgw",)),
    Scenario("provider-gateway-drops-one-way", "The provider's gateway drops what goes back", "provider", ("4.2",),
             Effect.ONE_WAY, _drops_at("vgw", "ip daddr {near}", "misconfiguration",
                                       ("device_degraded", "device_failure")), needs=("vgw",)),
    Scenario("provider-gateway-bgp-dies", "The BGP process of the provider's gateway dies", "provider", ("4.2",),
             Effect.OUTAGE, _bgp_dies("vgw"), needs=("vgw",)),
    Scenario("provider-gateway-line-cut", "The line between the provider's last router and its gateway is cut",
             "provider", ("4.2",), Effect.OUTAGE, _far_line_cut, needs=("vgw",)),
    Scenario("provider-gateway-line-degraded", "The line between the provider's last router and its gateway fades",
             "provider", ("4.2",), Effect.LOSS, _far_line_degraded, needs=("vgw",)),
    Scenario("provider-far-edge-crash", "The provider's far edge router loses its power", "provider", ("4.2",),
             Effect.OUTAGE, _far_edge_crash),
    Scenario("provider-far-edge-hang", "The provider's far edge router hangs with its links up", "provider",
             ("4.2",), Effect.OUTAGE, _far_edge_hang),
    Scenario("provider-far-edge-reboots", "The provider's far edge router loses its power twice", "provider",
             ("4.2",), Effect.LOSS, _far_edge_reboots, overrun_s=5.0),
    Scenario("provider-far-edge-gray-loss", "The provider's far edge loses packets and says nothing", "provider",
             ("4.2",), Effect.LOSS, _drops_at("far-edge", "numgen random mod 1000 < {ratio}", "device_degraded",
                                              _BROKEN)),
    Scenario("provider-far-edge-bgp-dies", "The BGP process of the provider's far edge dies", "provider", ("4.2",),
             Effect.OUTAGE, _bgp_dies("far-edge")),
    Scenario("provider-edge-memory-leak", "The provider edge runs out of memory and loses its BGP process",
             "provider", ("4.2",), Effect.OUTAGE, _memory_leak, shapes=SINGLE_ACCESS, overrun_s=3.0),
    Scenario("provider-reduces-bandwidth", "The provider books a smaller bandwidth by mistake", "provider", ("4.2",),
             Effect.LOSS, _bandwidth_reduced, bandwidth_bps=10_000_000, touches_account=True),
    Scenario("provider-wrong-vlan", "The provider moves the customer's port into a wrong VLAN", "provider", ("4.2",),
             Effect.OUTAGE, _wrong_vlan, shapes=SINGLE_ACCESS),
    Scenario("provider-hijacks-address", "A more specific route of the provider's takes the host's packets away",
             "provider", ("4.2",), Effect.OUTAGE, _hijack),
    Scenario("provider-filter-drops-tcp", "The provider's filter drops the customer's TCP and passes the rest",
             "provider", ("4.2",), Effect.PART, _acl("tcp", "ip daddr {far} ip protocol tcp")),
    Scenario("provider-filter-drops-udp", "The provider's filter drops the customer's UDP and passes the rest",
             "provider", ("4.2",), Effect.PART, _acl("udp", "ip daddr {far} ip protocol udp")),
)
