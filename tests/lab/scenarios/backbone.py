"""What goes wrong in a backbone: slow turning, flapping, one of two ways, one of many flows, work on the core."""

from __future__ import annotations

from tests.lab.daemons import Routing
from tests.lab.happenings import Deed, HighLoad, WeakLight
from tests.lab.scenario import Core, Effect, Scenario
from tests.lab.scenarios.places import (
    PROVIDER,
    core_role,
    needed_role,
    on_one_way,
    roles_of,
    site_prefix,
)
from tests.lab.stage import Stage

_SLOW = Routing(spf_delay_ms=4000)
_SLUGGISH = Routing(spf_delay_ms=900)


def _cut_with_slow_turning(stage: Stage) -> None:
    """A fibre of a ring is cut, and the routers take seconds to find the other way round."""
    link = stage.plan.link(*stage.shape.backbone)
    with stage.cause(roles_of(link), "link_failure", PROVIDER):
        stage.network.cut(link)
        stage.last()
        stage.network.splice(link)


def _flaps_in_redundant_core(stage: Stage) -> None:
    """A fibre comes and goes: each time the routers turn to the other way, and back again too early."""
    link = stage.plan.link(*stage.shape.backbone)
    with stage.cause(roles_of(link), "link_failure", PROVIDER, or_kinds=("link_degraded",)):
        while stage.remaining() > 4.0:
            stage.network.cut(link)
            stage.wait(2.0)
            stage.network.splice(link)
            stage.wait(2.0)


def _router_on_the_way_crashes(stage: Stage) -> None:
    """A router on the shortest way loses its power, and the others take seconds to find the long way round."""
    role = stage.dice.choice([role for role in stage.shape.passed if role not in stage.shape.indispensable])
    with stage.cause(role, "device_failure", PROVIDER):
        stage.crash(role)
        stage.last()
        stage.boot(role)


def _one_way_of_two_gray(stage: Stage) -> None:
    """A router on one of two equal ways loses half of what it forwards: some flows suffer and others do not."""
    role = stage.dice.choice(on_one_way(stage))
    with stage.cause(role, "device_degraded", PROVIDER, or_kinds=("misconfiguration", "device_failure")):
        stage.drop_forwarded(role, "numgen random mod 100 < 60 ip protocol { icmp, tcp, udp }", spare_routing=True)
        stage.last()
        stage.lift_filters(role)


def _asymmetric_loss(stage: Stage) -> None:
    """The way there and the way back differ, and a router on the way back loses everything."""
    role = stage.dice.choice(on_one_way(stage))
    prefix = site_prefix(stage.plan, "host-a")
    with stage.cause(role, "device_degraded", PROVIDER, or_kinds=("misconfiguration", "device_failure")):
        stage.drop_forwarded(role, f"ip daddr {prefix}", spare_routing=True)
        stage.last()
        stage.lift_filters(role)


def _part_of_the_flows(stage: Stage) -> None:
    """One member of a bundle of links is broken: the flows that hash onto it are lost, the others are not."""
    role = core_role(stage)
    ports = sorted(stage.dice.sample((7001, 7002, 7003, 7004, 7101, 7102), 3))
    chosen = ", ".join(map(str, ports))
    with stage.cause(role, "device_degraded", PROVIDER, or_kinds=("misconfiguration", "device_failure")):
        stage.drop_forwarded(role, f"udp dport {{ {chosen} }}")
        stage.drop_forwarded(role, f"tcp dport {stage.dice.choice((5201, 5202))}")
        stage.last()
        stage.lift_filters(role)


def _optics_fade(stage: Stage) -> None:
    """A transmitter grows weaker and weaker: the loss begins small, and the receiving end warns."""
    link = stage.plan.link(*stage.shape.backbone)
    with stage.cause(roles_of(link), "link_degraded", PROVIDER):
        for step, ratio in enumerate((0.06, 0.15, 0.3)):
            power = -16.0 - 4.5 * step
            for end in link.ends:
                stage.gauge(end.role, "rx_power_dbm", power, end.name)
            if step:
                stage.heal_cable(link)
                stage.log(link.ends[0].role, WeakLight(link.ends[0].name, power), delay=0.5)
            stage.lose_in_cable(link, ratio, counted=True)
            stage.wait(stage.schedule.length / 3)
        stage.heal_cable(link)
        for end in link.ends:
            stage.gauge(end.role, "rx_power_dbm", None, end.name)


def _edge_processor_exhausted(stage: Stage) -> None:
    """The provider edge's processor is exhausted: it forwards badly, and its log says why."""
    with stage.cause("pe1", "device_degraded", PROVIDER, or_kinds=("overload", "device_failure")):
        stage.log("pe1", HighLoad(99, over=True), delay=0.6)
        stage.gauge("pe1", "cpu_percent", 99)
        stage.drop_forwarded("pe1", f"numgen random mod 1000 < {round(stage.dice.uniform(250, 500))}")
        stage.last()
        stage.lift_filters("pe1")
        stage.gauge("pe1", "cpu_percent", None)
        stage.log("pe1", HighLoad(22, over=False), delay=0.6)


def _shut_core_port(stage: Stage) -> None:
    """An operator shuts the wrong port of a core router, and no other way is left."""
    port = stage.plan.port(*stage.shape.backbone)
    stage.visit(port.role)
    stage.operate(port.role, Deed.SHUT_PORT, port.name)
    with stage.cause(port.role, "unauthorised_operation", PROVIDER, or_kinds=("misconfiguration", "maintenance"),
                     or_components=(stage.shape.backbone,)):
        stage.network.shut(port)
        stage.last()
        stage.operate(port.role, Deed.OPEN_PORT, port.name)
        stage.network.shut(port, up=True)


def _core_misroutes(stage: Stage) -> None:
    """A core router routes the far site into the void."""
    role, prefix = core_role(stage), site_prefix(stage.plan, "host-b")
    stage.visit(role)
    stage.operate(role, Deed.DISCARD_ROUTE, prefix)
    with stage.cause(role, "misconfiguration", PROVIDER, or_kinds=("routing_failure", "unauthorised_operation")):
        stage.discard(role, prefix)
        stage.last()
        stage.operate(role, Deed.REMOVE_DISCARD_ROUTE, prefix)
        stage.keep(role, prefix)


def _core_maintenance(stage: Stage) -> None:
    """The provider replaces a line card of its core on the day it announced, and the customer had agreed."""
    role = needed_role(stage)
    stage.change(PROVIDER, role, "", "line card replacement", "announced work on the backbone", True)
    stage.visit(role)
    stage.operate(role, Deed.RELOAD, "")
    with stage.cause(role, "maintenance", PROVIDER, or_kinds=("consented_operation",)):
        stage.crash(role)
        stage.last()
        stage.boot(role)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("provider-ring-turns-slowly", "A fibre of the provider's ring is cut and the other way is found late",
             "provider", ("4.2",), Effect.BRIEF, _cut_with_slow_turning, core=Core.BACKBONE_SPARED, routing=_SLOW),
    Scenario("provider-ring-link-flaps", "A fibre of the provider's redundant core comes and goes", "provider",
             ("4.2",), Effect.LOSS, _flaps_in_redundant_core, core=Core.BACKBONE_SPARED, routing=_SLUGGISH),
    Scenario("provider-backbone-router-crash", "A router on the shortest way fails and the long way is found late",
             "provider", ("4.2",), Effect.BRIEF, _router_on_the_way_crashes, shapes=("abilene", "two-region-ring"),
             routing=_SLOW),
    Scenario("provider-one-path-gray", "A router on one of two equal ways loses half of its packets", "provider",
             ("4.2",), Effect.PART, _one_way_of_two_gray, core=Core.PARALLEL),
    Scenario("provider-asymmetric-path-loss", "A router on one of two ways back loses what goes back", "provider",
             ("4.2",), Effect.PART, _asymmetric_loss, core=Core.PARALLEL),
    Scenario("provider-link-member-broken", "One member of a bundle of links loses the flows that hash onto it",
             "provider", ("4.2",), Effect.PART, _part_of_the_flows, core=Core.PASSED),
    Scenario("provider-optics-fade", "A transmitter in the provider's core grows weaker and weaker", "provider",
             ("4.2",), Effect.LOSS, _optics_fade, core=Core.BACKBONE_PASSED),
    Scenario("provider-edge-processor-exhausted", "The provider edge's processor is exhausted", "provider", ("4.2",),
             Effect.LOSS, _edge_processor_exhausted),
    Scenario("provider-shuts-core-port", "The provider shuts the wrong port of a core router", "provider", ("4.2",),
             Effect.OUTAGE, _shut_core_port, core=Core.BACKBONE_NEEDED, grace_s=2.5),
    Scenario("provider-core-misroutes", "A core router routes the far site into the void", "provider", ("4.2",),
             Effect.OUTAGE, _core_misroutes, core=Core.PASSED),
    Scenario("provider-core-maintenance-with-consent", "The provider works on its core as agreed", "provider",
             ("4.2",), Effect.OUTAGE, _core_maintenance, core=Core.NEEDED),
)
