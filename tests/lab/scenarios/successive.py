"""Two faults of two parties, one after the other: each answers for its own seconds."""

from __future__ import annotations

from collections.abc import Callable

from tests.lab.scenario import Core, Effect, Play, Scenario
from tests.lab.scenarios.places import CUSTOMER, PROVIDER, core_role, lan_link, needed_role, roles_of
from tests.lab.stage import Stage

_PAUSE_SECONDS = 4.0


def _lan_cut_for(stage: Stage, seconds: float) -> None:
    link = lan_link(stage.plan)
    with stage.cause(roles_of(link), "link_failure", CUSTOMER):
        stage.network.cut(link)
        stage.wait(seconds)
        stage.network.splice(link)


def _core_cut_for(stage: Stage, seconds: float) -> None:
    link = stage.plan.link(*stage.shape.backbone)
    with stage.cause(roles_of(link), "link_failure", PROVIDER):
        stage.network.cut(link)
        stage.wait(seconds)
        stage.network.splice(link)


def _customer_edge_for(stage: Stage, seconds: float) -> None:
    with stage.cause("ce1", "device_failure", CUSTOMER):
        stage.crash("ce1")
        stage.wait(seconds)
        stage.boot("ce1")


def _core_loss_for(stage: Stage, seconds: float) -> None:
    role = core_role(stage)
    with stage.cause(role, "device_degraded", PROVIDER):
        stage.drop_forwarded(role, "numgen random mod 100 < 45", spare_routing=True)
        stage.wait(seconds)
        stage.lift_filters(role)


def _core_crash_for(stage: Stage, seconds: float) -> None:
    role = needed_role(stage)
    with stage.cause(role, "device_failure", PROVIDER):
        stage.crash(role)
        stage.wait(seconds)
        stage.boot(role)


def _host_crash_for(stage: Stage, seconds: float) -> None:
    with stage.cause("host-b", "host_failure", CUSTOMER):
        stage.crash("host-b")
        stage.wait(seconds)
        stage.boot("host-b")


def _lan_loss_for(stage: Stage, seconds: float) -> None:
    link = lan_link(stage.plan)
    with stage.cause(roles_of(link), "link_degraded", CUSTOMER):
        stage.lose_in_cable(link, 0.35, counted=True)
        stage.wait(seconds)
        stage.heal_cable(link)


def _far_edge_crash_for(stage: Stage, seconds: float) -> None:
    role = stage.shape.far_edge
    with stage.cause(role, "device_failure", PROVIDER):
        stage.crash(role)
        stage.wait(seconds)
        stage.boot(role)


def _one_after_the_other(*phases: Callable[[Stage, float], None]) -> Play:
    """Phases of equal length with a pause between, in which the service recovers."""

    def play(stage: Stage) -> None:
        for number, phase in enumerate(phases):
            if number:
                stage.wait(_PAUSE_SECONDS)
            phase(stage, stage.schedule.length / len(phases))

    return play


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("customer-lan-cut-then-provider-core-link-cut", "The customer's LAN fails, then the provider's core",
             "shared", ("4.2(1)",), Effect.LOSS, _one_after_the_other(_lan_cut_for, _core_cut_for),
             core=Core.BACKBONE_NEEDED,
             overrun_s=_PAUSE_SECONDS + 3),
    Scenario("provider-core-link-cut-then-customer-edge-crash", "The provider's core fails, then the customer's edge",
             "shared", ("4.2",), Effect.LOSS, _one_after_the_other(_core_cut_for, _customer_edge_for),
             core=Core.BACKBONE_NEEDED, overrun_s=_PAUSE_SECONDS + 3),
    Scenario("customer-edge-crash-then-provider-gray-loss", "The customer's edge fails, then the core loses packets",
             "shared", ("4.2(2)",), Effect.LOSS, _one_after_the_other(_customer_edge_for, _core_loss_for),
             core=Core.PASSED, overrun_s=_PAUSE_SECONDS + 3),
    Scenario("provider-core-router-crash-then-customer-lan-cut", "A core router fails, then the customer's LAN",
             "shared", ("4.2",), Effect.LOSS, _one_after_the_other(_core_crash_for, _lan_cut_for),
             core=Core.NEEDED,
             overrun_s=_PAUSE_SECONDS + 3),
    Scenario("customer-lan-cut-then-customer-edge-crash", "The customer's LAN fails, then its edge", "customer",
             ("4.2(1)",), Effect.LOSS, _one_after_the_other(_lan_cut_for, _customer_edge_for),
             overrun_s=_PAUSE_SECONDS + 3),
    Scenario("customer-host-crash-then-lan-degraded", "The customer's far host fails, then its LAN loses frames",
             "customer", ("4.2(2)", "4.2(1)"), Effect.LOSS, _one_after_the_other(_host_crash_for, _lan_loss_for),
             overrun_s=_PAUSE_SECONDS + 3),
    Scenario("provider-gray-loss-then-far-edge-crash", "The core loses packets, then the provider's far edge fails",
             "provider", ("4.2",), Effect.LOSS, _one_after_the_other(_core_loss_for, _far_edge_crash_for),
             core=Core.PASSED, overrun_s=_PAUSE_SECONDS + 5),
    Scenario("provider-far-edge-crash-then-customer-lan-degraded", "The far edge fails, then the LAN loses frames",
             "shared", ("4.2",), Effect.LOSS, _one_after_the_other(_far_edge_crash_for, _lan_loss_for),
             overrun_s=_PAUSE_SECONDS + 5),
)
