"""What does no harm, or is nobody's: a complaint without cause, a failover that works, a line that no party owns."""

from __future__ import annotations

from tests.lab.happenings import Deed, HighLoad, WeakLight
from tests.lab.plan import Kind
from tests.lab.scenario import Core, Effect, Scenario
from tests.lab.scenarios.places import DIRECT_ACCESS, PROVIDER, access_port, customer_access_port, on_one_way, roles_of
from tests.lab.shapes import UNLISTED
from tests.lab.stage import Stage


def _nothing(stage: Stage) -> None:
    stage.last()


def _unrelated_alarms(stage: Stage) -> None:
    """Alarms on ports that carry nothing of the service, and thresholds crossed without consequence."""
    for link in stage.plan.links:
        if not link.listed:
            port = next(end for end in link.ends if end.role not in UNLISTED)
            stage.network.cut(link)
            stage.log(port.role, WeakLight(port.name, -24.5), delay=0.2)
            stage.wait(1.5)
            stage.network.splice(link)
    routers = [node.role for node in stage.plan.nodes if node.kind is Kind.ROUTER]
    busy = stage.dice.choice(routers)
    stage.log(busy, HighLoad(86, over=True))
    stage.last()
    stage.log(busy, HighLoad(35, over=False))


def _core_failover(stage: Stage) -> None:
    """A core router loses its power and the other carries on at once."""
    role = stage.dice.choice(stage.shape.core)
    stage.crash(role)
    stage.last()
    stage.boot(role)


def _core_link_failover(stage: Stage) -> None:
    link = stage.plan.link(*stage.shape.backbone)
    stage.network.cut(link)
    stage.last()
    stage.network.splice(link)


def _access_failover(stage: Stage) -> None:
    """The first access line is cut and the second takes over."""
    link = stage.plan.link("ce1", "pe2")
    stage.network.cut(link)
    stage.last()
    stage.network.splice(link)


def _idle_router_crash(stage: Stage) -> None:
    """A core router that no traffic of the service passes loses its power."""
    role = stage.dice.choice(stage.shape.idle)
    stage.crash(role)
    stage.last()
    stage.boot(role)


def _second_carrier_down(stage: Stage) -> None:
    """The carrier that stands by loses its node, and nothing used it."""
    stage.crash("lm2")
    stage.last()
    stage.boot("lm2")


def _limit_as_bought(stage: Stage) -> None:
    """The provider sets the limit that was bought in the middle of the day, and nothing comes near it."""
    port = access_port(stage.plan)
    stage.visit("pe1")
    stage.operate("pe1", Deed.LIMIT_PORT, port.name, "10000")
    stage.police(port, 10_000_000)
    stage.last()


def _both_log_in(stage: Stage) -> None:
    """Both sides look at their devices because somebody complained, and write descriptions on their ports."""
    for role, port in (("ce1", customer_access_port(stage.plan)), ("pe1", access_port(stage.plan))):
        stage.visit(role)
        stage.operate(role, Deed.DESCRIBE_PORT, port.name, "checked")
    stage.last()


def _work_elsewhere(stage: Stage) -> None:
    """The provider reloads a core router that no traffic passes, without having asked."""
    role = stage.dice.choice(stage.shape.idle)
    stage.change(PROVIDER, role, "", "software upgrade", "upgrade of a standby router", False)
    stage.visit(role)
    stage.operate(role, Deed.RELOAD, "")
    stage.crash(role)
    stage.last()
    stage.boot(role)


def _slow_failover(stage: Stage) -> None:
    """A core router hangs with its links up: the others notice only when its hellos stay away."""
    role = stage.dice.choice(on_one_way(stage))
    with stage.cause(role, "device_failure", PROVIDER, or_kinds=("device_degraded",)):
        stage.hang(role)
        stage.last()
        stage.reset(role)


def _demarcation_cut(stage: Stage) -> None:
    """The line between the parties is cut, and it is nobody's until somebody proves where."""
    link = stage.plan.link("ce1", "pe1")
    with stage.cause(roles_of(link), "link_failure", None):
        stage.network.cut(link)
        stage.last()
        stage.network.splice(link)


def _demarcation_degraded(stage: Stage) -> None:
    """The line between the parties loses frames both ways, and both ends count errors on what they receive."""
    link = stage.plan.link("ce1", "pe1")
    with stage.cause(roles_of(link), "link_degraded", None):
        stage.lose_in_cable(link, stage.dice.uniform(0.15, 0.35), counted=True)
        stage.last()
        stage.heal_cable(link)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("healthy-hour", "Nothing is wrong, and somebody complains all the same", "neither", (),
             Effect.NONE, _nothing),
    Scenario("unrelated-alarms", "Alarms elsewhere, and the service does not suffer", "neither", (),
             Effect.NONE, _unrelated_alarms),
    Scenario("harmless-core-failover", "A core router fails and the redundant core carries on", "neither", (),
             Effect.NONE, _core_failover, shapes=("dual-homed",)),
    Scenario("harmless-core-link-failover", "A core link fails and the redundant core carries on", "neither", (),
             Effect.NONE, _core_link_failover, shapes=("dual-homed",)),
    Scenario("harmless-spare-access-cut", "The spare access line fails and nothing used it", "neither", (),
             Effect.NONE, _access_failover, shapes=("dual-homed",)),
    Scenario("harmless-idle-router-crash", "A core router fails that no traffic of the service passes", "neither", (),
             Effect.NONE, _idle_router_crash, core=Core.IDLE),
    Scenario("harmless-standby-router-reload", "The provider reloads a router that no traffic passes", "neither", (),
             Effect.NONE, _work_elsewhere, core=Core.IDLE),
    Scenario("harmless-second-carrier-down", "The standby carrier fails and nothing used it", "neither", (),
             Effect.NONE, _second_carrier_down, shapes=("two-carriers",)),
    Scenario("harmless-limit-as-bought", "The provider sets the limit that was bought, and nothing comes near it",
             "neither", (), Effect.NONE, _limit_as_bought, bandwidth_bps=10_000_000),
    Scenario("harmless-both-look", "Both sides log in and change descriptions after a complaint", "neither", (),
             Effect.NONE, _both_log_in),
    Scenario("provider-slow-failover", "A core router hangs and the others take seconds to notice", "provider",
             ("4.2",), Effect.BRIEF, _slow_failover, core=Core.PARALLEL),
    Scenario("demarcation-line-cut", "The line between the parties is cut and nobody owns it", "undetermined", (),
             Effect.OUTAGE, _demarcation_cut, shapes=DIRECT_ACCESS),
    Scenario("demarcation-line-degraded", "The line between the parties loses frames and nobody owns it",
             "undetermined", (), Effect.LOSS, _demarcation_degraded, shapes=DIRECT_ACCESS),
)
