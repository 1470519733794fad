"""What goes wrong on the provider's side: routers, links, routes, limits, load and work in its network."""

from __future__ import annotations

from tests.lab.happenings import Deed, HighLoad, ProcessEnded, ProcessStarted, WeakLight
from tests.lab.orders import Stream
from tests.lab.plan import Plan
from tests.lab.scenario import Core, Effect, Play, Scenario
from tests.lab.scenarios.places import (
    CUSTOMER_OFF_BY_COMMAND,
    PROVIDER,
    SINGLE_ACCESS,
    access_port,
    core_role,
    needed_role,
    on_one_way,
    roles_of,
    site_prefix,
)
from tests.lab.stage import Schedule, Stage

_CORE_RATE = 1_800_000
_FRAME = 1442


def _core_crash(stage: Stage) -> None:
    role = needed_role(stage)
    with stage.cause(role, "device_failure", PROVIDER):
        stage.crash(role)
        stage.last()
        stage.boot(role)


def _core_hang(stage: Stage) -> None:
    role = needed_role(stage)
    with stage.cause(role, "device_failure", PROVIDER, or_kinds=("device_degraded",)):
        stage.hang(role)
        stage.last()
        stage.reset(role)


def _edge_crash(role: str) -> Play:
    def play(stage: Stage) -> None:
        with stage.cause(role, "device_failure", PROVIDER):
            stage.crash(role)
            stage.last()
            stage.boot(role)

    return play


def _edge_hang(role: str) -> Play:
    def play(stage: Stage) -> None:
        with stage.cause(role, "device_failure", PROVIDER, or_kinds=("device_degraded",)):
            stage.hang(role)
            stage.last()
            stage.reset(role)

    return play


def _core_link_cut(stage: Stage) -> None:
    link = stage.plan.link(*stage.shape.backbone)
    with stage.cause(roles_of(link), "link_failure", PROVIDER):
        stage.network.cut(link)
        stage.last()
        stage.network.splice(link)


def _core_link_flaps(stage: Stage) -> None:
    """A core link comes and goes."""
    link = stage.plan.link(*stage.shape.backbone)
    with stage.cause(roles_of(link), "link_failure", PROVIDER, or_kinds=("link_degraded",)):
        while stage.remaining() > 4.5:
            stage.network.cut(link)
            stage.wait(1.5)
            stage.network.splice(link)
            stage.wait(4.2)


def _core_link_degraded(stage: Stage) -> None:
    """A core fibre fades: damaged frames are counted where they arrive."""
    link = stage.plan.link(*stage.shape.backbone)
    with stage.cause(roles_of(link), "link_degraded", PROVIDER):
        stage.lose_in_cable(link, stage.dice.uniform(0.12, 0.35), counted=True)
        if stage.dice.random() < 0.6:
            end = stage.dice.choice(link.ends)
            stage.log(end.role, WeakLight(end.name, -stage.dice.uniform(18, 29)), delay=0.7)
        stage.last()
        stage.heal_cable(link)


def _gray_loss(stage: Stage) -> None:
    role, ratio = core_role(stage), stage.dice.uniform(0.15, 0.4)
    with stage.cause(role, "device_degraded", PROVIDER):
        for port in stage.plan.ports(role):
            stage.lose(port, ratio, spare_routing=True)
        stage.last()
        for port in stage.plan.ports(role):
            stage.heal(port)


def _edge_gray_loss(stage: Stage) -> None:
    """The provider edge loses packets on their way between access port and core."""
    ratio = stage.dice.uniform(0.15, 0.4)
    with stage.cause("pe1", "device_degraded", PROVIDER):
        stage.drop_forwarded("pe1", f"numgen random mod 1000 < {round(ratio * 1000)}")
        stage.last()
        stage.lift_filters("pe1")


def _one_way_loss(stage: Stage) -> None:
    """A core router loses most of what goes to one site, and nothing of what comes back."""
    role = core_role(stage)
    prefix = site_prefix(stage.plan, stage.dice.choice(("host-a", "host-b")))
    with stage.cause(role, "device_degraded", PROVIDER, or_kinds=("misconfiguration",)):
        stage.drop_forwarded(role, f"ip daddr {prefix} numgen random mod 1000 < 980")
        stage.last()
        stage.lift_filters(role)


def _one_path_loss(stage: Stage) -> None:
    """One of two equal paths loses everything: only the flows that hash onto it suffer."""
    role = stage.dice.choice(on_one_way(stage))
    with stage.cause(role, "device_degraded", PROVIDER, or_kinds=("misconfiguration", "device_failure")):
        stage.drop_forwarded(role, "ip protocol { icmp, tcp, udp }", spare_routing=True)
        stage.last()
        stage.lift_filters(role)


def _large_packets_lost(stage: Stage) -> None:
    """A tunnel in the core is too narrow for full-sized packets, and nobody tells the senders."""
    role = core_role(stage)
    with stage.cause(role, "misconfiguration", PROVIDER, or_kinds=("device_degraded",)):
        stage.drop_forwarded(role, "meta length > 1300")
        stage.last()
        stage.lift_filters(role)


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
    with stage.cause(role, "misconfiguration", PROVIDER, or_kinds=CUSTOMER_OFF_BY_COMMAND):
        stage.discard(role, prefix)
        stage.last()
        stage.operate(role, Deed.REMOVE_DISCARD_ROUTE, prefix)
        stage.keep(role, prefix)


def _routing_loop(stage: Stage) -> None:
    """A core router sends the far site's traffic back where it came from."""
    prefix = site_prefix(stage.plan, "host-b")
    role = stage.shape.passed[0]
    back = str(stage.plan.address_towards(role, "pe1"))
    stage.visit(role)
    stage.operate(role, Deed.SET_ROUTE, prefix, back)
    with stage.cause(role, "misconfiguration", PROVIDER, or_kinds=("routing_failure", "unauthorised_operation")):
        stage.route(role, prefix, back)
        stage.last()
        stage.operate(role, Deed.UNSET_ROUTE, prefix, back)
        stage.unroute(role, prefix, back)


def _gateway_withdraws(stage: Stage) -> None:
    """The cloud gateway announces the VPC's prefix no more."""
    router, prefix = stage.routers["vgw"], site_prefix(stage.plan, "host-b")
    asn = str(router.node.asn)
    family = ("configure terminal", f"router bgp {asn}", "address-family ipv4 unicast")
    stage.visit("vgw")
    stage.operate("vgw", Deed.STOP_ANNOUNCING, prefix, asn)
    with stage.cause("vgw", "misconfiguration", PROVIDER, or_kinds=("routing_failure", "unauthorised_operation")):
        router.command(*family, f"no network {prefix}", "no redistribute connected")
        stage.last()
        stage.operate("vgw", Deed.ANNOUNCE, prefix, asn)
        router.command(*family, f"network {prefix}", "redistribute connected")


def _policer_too_low(stage: Stage) -> None:
    """The provider limits the access port to a fraction of what the customer bought."""
    port = access_port(stage.plan)
    stage.visit("pe1")
    stage.operate("pe1", Deed.LIMIT_PORT, port.name, "50")
    with stage.cause("pe1", "misconfiguration", PROVIDER, or_kinds=("overload", "unauthorised_operation")):
        stage.police(port, 50_000)
        stage.last()
        stage.operate("pe1", Deed.UNLIMIT_PORT, port.name, "50")
        stage.unpolice(port)


def _tenants_blast(plan: Plan, schedule: Schedule) -> tuple[Stream, ...]:
    """Another tenant's load on the core."""
    del plan
    return (Stream("tenant-x", "tenant-y", 9010, 1400, 2.4 * _CORE_RATE / 8 / _FRAME, schedule.fault, schedule.repair,
                   False),)


def _narrow_core(stage: Stage) -> None:
    stage.throttle(stage.plan.port(*stage.shape.backbone), _CORE_RATE)


def _core_congested(stage: Stage) -> None:
    near, far = stage.shape.backbone
    with stage.cause(near, "overload", PROVIDER, or_components=((near, far), (far,))):
        stage.last()


def _core_router_busy(stage: Stage) -> None:
    role = core_role(stage)
    with stage.cause(role, "device_degraded", PROVIDER, or_kinds=("overload", "device_failure")):
        stage.log(role, HighLoad(98, over=True), delay=0.8)
        stage.gauge(role, "cpu_percent", 98)
        for port in stage.plan.ports(role):
            stage.lose(port, 0.3, spare_routing=True)
        stage.last()
        for port in stage.plan.ports(role):
            stage.heal(port)
        stage.log(role, HighLoad(19, over=False), delay=0.8)
        stage.gauge(role, "cpu_percent", None)


def _maintenance(consented: bool) -> Play:
    """The provider reloads its edge for an upgrade."""

    def play(stage: Stage) -> None:
        stage.change(PROVIDER, "pe1", "", "software upgrade", "scheduled maintenance of the provider edge", consented)
        stage.visit("pe1")
        stage.operate("pe1", Deed.RELOAD, "")
        with stage.cause("pe1", "maintenance", PROVIDER,
                         or_kinds=("consented_operation",) if consented else ("unauthorised_operation",)):
            stage.crash("pe1")
            stage.last()
            stage.boot("pe1")

    return play


def _shut_wrong_port(stage: Stage) -> None:
    """An operator of the provider's shuts the customer's port instead of another's."""
    port = access_port(stage.plan)
    stage.visit("pe1")
    stage.operate("pe1", Deed.SHUT_PORT, port.name)
    with stage.cause("pe1", "unauthorised_operation", PROVIDER, or_kinds=("misconfiguration", "maintenance")):
        stage.network.shut(port)
        stage.last()
        stage.operate("pe1", Deed.OPEN_PORT, port.name)
        stage.network.shut(port, up=True)


def _shut_session(stage: Stage) -> None:
    """An operator of the provider's shuts the customer's BGP session."""
    router, peer = stage.routers["pe1"], str(stage.plan.address_towards("pe1", "ce1"))
    asn = str(router.node.asn)
    stage.visit("pe1")
    stage.operate("pe1", Deed.SHUT_PEER, peer, asn)
    with stage.cause("pe1", "unauthorised_operation", PROVIDER, or_kinds=("misconfiguration", "routing_failure")):
        router.command("configure terminal", f"router bgp {asn}", f"neighbor {peer} shutdown")
        stage.last()
        stage.operate("pe1", Deed.OPEN_PEER, peer, asn)
        router.command("configure terminal", f"router bgp {asn}", f"no neighbor {peer} shutdown")


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("provider-core-router-crash", "A core router of the provider loses its power", "provider", ("4.2",),
             Effect.OUTAGE, _core_crash, core=Core.NEEDED),
    Scenario("provider-core-router-hang", "A core router of the provider hangs with its links up", "provider",
             ("4.2",), Effect.OUTAGE, _core_hang, core=Core.NEEDED),
    Scenario("provider-edge-crash", "The provider's edge router loses its power", "provider", ("4.2",),
             Effect.OUTAGE, _edge_crash("pe1"), shapes=SINGLE_ACCESS),
    Scenario("provider-edge-hang", "The provider's edge router hangs with its links up", "provider", ("4.2",),
             Effect.OUTAGE, _edge_hang("pe1"), shapes=SINGLE_ACCESS),
    Scenario("provider-gateway-crash", "The provider's cloud gateway loses its power", "provider", ("4.2",),
             Effect.OUTAGE, _edge_crash("vgw"), needs=("vgw",)),
    Scenario("provider-gateway-hang", "The provider's cloud gateway hangs with its links up", "provider", ("4.2",),
             Effect.OUTAGE, _edge_hang("vgw"), needs=("vgw",)),
    Scenario("provider-core-link-cut", "A core link of the provider is cut", "provider", ("4.2",),
             Effect.OUTAGE, _core_link_cut, core=Core.BACKBONE_NEEDED),
    Scenario("provider-core-link-flaps", "A core link of the provider comes and goes", "provider", ("4.2",),
             Effect.LOSS, _core_link_flaps, core=Core.BACKBONE_NEEDED),
    Scenario("provider-core-link-degraded", "A core link of the provider loses frames", "provider", ("4.2",),
             Effect.LOSS, _core_link_degraded, core=Core.BACKBONE_PASSED),
    Scenario("provider-gray-loss", "A core router of the provider loses packets and says nothing", "provider",
             ("4.2",), Effect.LOSS, _gray_loss, core=Core.PASSED),
    Scenario("provider-edge-gray-loss", "The provider's edge loses packets and says nothing", "provider", ("4.2",),
             Effect.LOSS, _edge_gray_loss),
    Scenario("provider-one-way-loss", "A core router loses what goes one way", "provider", ("4.2",),
             Effect.ONE_WAY, _one_way_loss, core=Core.PASSED),
    Scenario("provider-one-path-loss", "One of two equal paths in the core loses everything", "provider", ("4.2",),
             Effect.PART, _one_path_loss, core=Core.PARALLEL),
    Scenario("provider-large-packets-lost", "A path in the core is too narrow for full-sized packets", "provider",
             ("4.2",), Effect.PART, _large_packets_lost, core=Core.PASSED),
    Scenario("provider-bgp-daemon-dies", "The provider edge's BGP process dies", "provider", ("4.2",),
             Effect.OUTAGE, _bgp_daemon_dies, shapes=SINGLE_ACCESS),
    Scenario("provider-null-route", "The provider routes a customer's prefix into the void", "provider", ("4.2",),
             Effect.OUTAGE, _null_route),
    Scenario("provider-routing-loop", "Routers of the provider send packets back and forth", "provider", ("4.2",),
             Effect.OUTAGE, _routing_loop, shapes=SINGLE_ACCESS, core=Core.PASSED),
    Scenario("provider-withdraws-route", "The provider's gateway announces the VPC no more", "provider", ("4.2",),
             Effect.OUTAGE, _gateway_withdraws, needs=("vgw",)),
    Scenario("provider-policer-too-low", "The provider limits the port to less than was bought", "provider",
             ("4.2",), Effect.LOSS, _policer_too_low, bandwidth_bps=10_000_000),
    Scenario("provider-core-congested", "Another tenant's load congests the provider's core", "provider", ("4.2",),
             Effect.LOSS, _core_congested, load=_tenants_blast, prepare=_narrow_core, core=Core.BACKBONE_PASSED),
    Scenario("provider-core-router-busy", "A core router of the provider is too busy to forward everything",
             "provider", ("4.2",), Effect.LOSS, _core_router_busy, core=Core.PASSED),
    Scenario("provider-maintenance-without-consent", "The provider reloads its edge and nobody agreed", "provider",
             ("4.2",), Effect.OUTAGE, _maintenance(consented=False), shapes=SINGLE_ACCESS),
    Scenario("provider-maintenance-with-consent", "The provider reloads its edge as agreed", "provider",
             ("4.2",), Effect.OUTAGE, _maintenance(consented=True), shapes=SINGLE_ACCESS),
    Scenario("provider-shuts-wrong-port", "The provider shuts the customer's port by mistake", "provider", ("4.2",),
             Effect.OUTAGE, _shut_wrong_port, shapes=SINGLE_ACCESS, grace_s=2.5),
    Scenario("provider-shuts-bgp-session", "The provider shuts the customer's BGP session", "provider", ("4.2",),
             Effect.OUTAGE, _shut_session, shapes=SINGLE_ACCESS),
)
