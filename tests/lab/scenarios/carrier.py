"""What goes wrong in the last mile: at the carrier that the customer engaged, and on the lines to and from it."""

from __future__ import annotations

from tests.lab.daemons import Routing
from tests.lab.happenings import WeakLight
from tests.lab.scenario import Effect, Scenario
from tests.lab.scenarios.places import CARRIER_SHAPES, CUSTOMER, roles_of
from tests.lab.stage import Stage


def _down(stage: Stage) -> None:
    with stage.cause("lm1", "device_failure", CUSTOMER):
        stage.crash("lm1")
        stage.last()
        stage.boot("lm1")


def _hang(stage: Stage) -> None:
    with stage.cause("lm1", "device_failure", CUSTOMER, or_kinds=("device_degraded",)):
        stage.hang("lm1")
        stage.last()
        stage.reset("lm1")


def _degraded(stage: Stage) -> None:
    ratio = stage.dice.uniform(0.15, 0.4)
    with stage.cause("lm1", "device_degraded", CUSTOMER):
        for port in stage.plan.ports("lm1"):
            stage.lose(port, ratio, spare_routing=True)
        stage.last()
        for port in stage.plan.ports("lm1"):
            stage.heal(port)


def _flaps(stage: Stage) -> None:
    """The carrier's node comes and goes."""
    with stage.cause("lm1", "device_failure", CUSTOMER, or_kinds=("device_degraded",)):
        while stage.remaining() > 4.5:
            stage.network.cut(*stage.plan.links_of("lm1"))
            stage.wait(2.0)
            stage.network.splice(*stage.plan.links_of("lm1"))
            stage.wait(2.5)


def _line_cut(stage: Stage) -> None:
    link = stage.plan.link("ce1", "lm1")
    with stage.cause(roles_of(link), "link_failure", CUSTOMER):
        stage.network.cut(link)
        stage.last()
        stage.network.splice(link)


def _line_degraded(stage: Stage) -> None:
    """The carrier's fibre fades: frames arrive damaged, and the optics say so on one side."""
    link = stage.plan.link("ce1", "lm1")
    with stage.cause(roles_of(link), "link_degraded", CUSTOMER):
        stage.lose_in_cable(link, stage.dice.uniform(0.15, 0.35), counted=True)
        if stage.dice.random() < 0.6:
            stage.log("ce1", WeakLight(link.port("ce1").name, -stage.dice.uniform(18, 29)), delay=0.7)
        stage.last()
        stage.heal_cable(link)


def _bfd_flaps(stage: Stage) -> None:
    """Short gaps in the carrier's transport are long enough for BFD to give the session up again and again."""
    with stage.cause("lm1", "device_degraded", CUSTOMER, or_kinds=("device_failure",)):
        while stage.remaining() > 4.5:
            for port in stage.plan.ports("lm1"):
                stage.lose(port, 1.0)
            stage.wait(1.6)
            for port in stage.plan.ports("lm1"):
                stage.heal(port)
            stage.wait(2.9)


def _large_frames_lost(stage: Stage) -> None:
    """The carrier's transport is too narrow for full-sized frames."""
    with stage.cause("lm1", "device_degraded", CUSTOMER, or_kinds=("misconfiguration", "device_failure")):
        for port in stage.plan.ports("lm1"):
            stage.lose(port, 1.0, match="meta length > 1300")
        stage.last()
        for port in stage.plan.ports("lm1"):
            stage.heal(port)


def _one_way(stage: Stage) -> None:
    """The carrier's node loses what comes back from the provider."""
    port = stage.plan.port("lm1", "ce1")
    with stage.cause("lm1", "device_degraded", CUSTOMER, or_kinds=("device_failure",)):
        stage.lose(port, 1.0, spare_routing=True)
        stage.last()
        stage.heal(port)


def _second_takes_over_late(stage: Stage) -> None:
    """The first carrier's node hangs: the customer's edge turns to the second carrier when its session has died."""
    with stage.cause("lm1", "device_failure", CUSTOMER, or_kinds=("device_degraded",)):
        stage.hang("lm1")
        stage.last()
        stage.reset("lm1")


def _first_degraded(stage: Stage) -> None:
    """The first carrier's node loses frames, but not enough for the sessions over it to die."""
    ratio = stage.dice.uniform(0.15, 0.3)
    with stage.cause("lm1", "device_degraded", CUSTOMER, or_kinds=("device_failure",)):
        for port in stage.plan.ports("lm1"):
            stage.lose(port, ratio, spare_routing=True)
        stage.last()
        for port in stage.plan.ports("lm1"):
            stage.heal(port)


def _both_fail(stage: Stage) -> None:
    """Both carriers use one duct, and both lines are cut."""
    first, second = stage.plan.link("ce1", "lm1"), stage.plan.link("ce1", "lm2")
    with (stage.cause(roles_of(first), "link_failure", CUSTOMER, or_components=(("ce1",),)),
          stage.cause(roles_of(second), "link_failure", CUSTOMER, or_components=(("ce1",),))):
        stage.network.cut(first, second)
        stage.last()
        stage.network.splice(first, second)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("carrier-down", "The carrier that the customer engaged loses its node", "customer", ("4.2(2)",),
             Effect.OUTAGE, _down, shapes=CARRIER_SHAPES),
    Scenario("carrier-hang", "The carrier's node hangs with its links up", "customer", ("4.2(2)",),
             Effect.OUTAGE, _hang, shapes=CARRIER_SHAPES),
    Scenario("carrier-degraded", "The carrier's node loses frames and says nothing", "customer", ("4.2(2)",),
             Effect.LOSS, _degraded, shapes=CARRIER_SHAPES),
    Scenario("carrier-flaps", "The carrier's node comes and goes", "customer", ("4.2(2)",),
             Effect.LOSS, _flaps, shapes=CARRIER_SHAPES),
    Scenario("carrier-line-cut", "The line between customer and carrier is cut", "customer", ("4.2(2)", "4.2(1)"),
             Effect.OUTAGE, _line_cut, shapes=CARRIER_SHAPES),
    Scenario("carrier-line-degraded", "The line between customer and carrier loses frames", "customer",
             ("4.2(2)", "4.2(1)"), Effect.LOSS, _line_degraded, shapes=CARRIER_SHAPES),
    Scenario("carrier-gaps-flap-bfd", "Short gaps at the carrier bring BFD down again and again", "customer",
             ("4.2(2)",), Effect.LOSS, _bfd_flaps, shapes=CARRIER_SHAPES, routing=Routing(bfd=True)),
    Scenario("carrier-loses-large-frames", "The carrier's node loses full-sized frames", "customer", ("4.2(2)",),
             Effect.PART, _large_frames_lost, shapes=CARRIER_SHAPES),
    Scenario("carrier-loses-one-way", "The carrier's node loses what comes back", "customer", ("4.2(2)",),
             Effect.ONE_WAY, _one_way, shapes=CARRIER_SHAPES),
    Scenario("carrier-hangs-and-second-takes-over", "The first carrier hangs and the second takes over late",
             "customer", ("4.2(2)",), Effect.BRIEF, _second_takes_over_late, shapes=("two-carriers",)),
    Scenario("carrier-first-degraded", "The first of two carriers loses frames and keeps its sessions", "customer",
             ("4.2(2)",), Effect.LOSS, _first_degraded, shapes=("two-carriers",)),
    Scenario("carrier-both-lines-cut", "Both carriers' lines are cut in one duct", "customer", ("4.2(2)", "4.2(1)"),
             Effect.OUTAGE, _both_fail, shapes=("two-carriers",)),
)
