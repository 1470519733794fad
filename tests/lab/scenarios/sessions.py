"""What goes wrong with a session between the parties: passwords, prefix limits, busy processors, scripts."""

from __future__ import annotations

from tests.lab.daemons import Routing
from tests.lab.happenings import Deed, Happening, HighLoad, WrongDigest
from tests.lab.plan import Side
from tests.lab.scenario import Effect, Play, Scenario
from tests.lab.scenarios.places import CUSTOMER, PROVIDER, SINGLE_ACCESS, customer_access_port
from tests.lab.stage import Stage

_BFD = Routing(bfd=True)
_SEVERAL_PREFIXES = ("firewalled-campus", "routed-campus")
"""Shapes in which the customer's edge announces more than one prefix over its only session."""


def _peer(role: str) -> str:
    return "pe1" if role == "ce1" else "ce1"


def _side(role: str) -> Side:
    return CUSTOMER if role == "ce1" else PROVIDER


def _wrong_password(role: str) -> Play:
    """One side sets a password for the session that the other does not know."""

    def play(stage: Stage) -> None:
        peer = str(stage.plan.address_towards(role, _peer(role)))
        own = str(stage.plan.address_towards(_peer(role), role))
        asn = str(stage.routers[role].node.asn)
        stage.visit(role)
        stage.operate(role, Deed.SET_PASSWORD, peer, asn)
        with stage.cause(role, "misconfiguration", _side(role),
                         or_kinds=("unauthorised_operation", "routing_failure")):
            stage.configure_bgp(role, f"neighbor {peer} password wr0ng-{stage.dice.randrange(1000, 9999)}")
            now = stage.now()
            span = stage.remaining()
            stage.happenings += [Happening(now + 1.0 + 3.0 * number, role, WrongDigest(peer, own, missing=True))
                                 for number in range(int(span // 3))]
            stage.happenings += [Happening(now + 1.2 + 3.0 * number, _peer(role), WrongDigest(own, peer, missing=False))
                                 for number in range(int(span // 3))]
            stage.last()
            stage.operate(role, Deed.UNSET_PASSWORD, peer, asn)
            stage.configure_bgp(role, f"no neighbor {peer} password")

    return play


def _prefix_limit(role: str) -> Play:
    """One side limits how many prefixes the other may announce, far below what it has always announced."""

    def play(stage: Stage) -> None:
        peer = str(stage.plan.address_towards(role, _peer(role)))
        asn = str(stage.routers[role].node.asn)
        stage.visit(role)
        stage.operate(role, Deed.LIMIT_PREFIXES, peer, asn)
        with stage.cause(role, "misconfiguration", _side(role),
                         or_kinds=("unauthorised_operation", "routing_failure")):
            stage.configure_bgp(role, f"neighbor {peer} maximum-prefix 1", family=True)
            stage.routers[role].command(f"clear bgp {peer}")
            stage.last()
            stage.operate(role, Deed.UNLIMIT_PREFIXES, peer, asn)
            stage.configure_bgp(role, f"no neighbor {peer} maximum-prefix", family=True)
            stage.routers[role].command(f"clear bgp {peer}")

    return play


def _bfd_starved(role: str) -> Play:
    """A processor too busy to send BFD in time takes the session down again and again."""

    def play(stage: Stage) -> None:
        with stage.cause(role, "device_degraded", _side(role), or_kinds=("overload", "routing_failure",
                                                                         "device_failure")):
            stage.log(role, HighLoad(97, over=True), delay=0.5)
            stage.gauge(role, "cpu_percent", 97)
            while stage.remaining() > 4.5:
                stage.pause(role, "bfdd")
                stage.wait(2.2)
                stage.resume(role, "bfdd")
                stage.wait(2.3)
            stage.gauge(role, "cpu_percent", None)
            stage.log(role, HighLoad(18, over=False), delay=0.5)

    return play


def _bounces_port(stage: Stage) -> None:
    """The customer shuts and opens its access port again and again, looking for an error of its own."""
    port = customer_access_port(stage.plan)
    stage.visit("ce1")
    with stage.cause("ce1", "unauthorised_operation", CUSTOMER, or_kinds=("misconfiguration",)):
        while stage.remaining() > 5.0:
            stage.operate("ce1", Deed.SHUT_PORT, port.name)
            stage.network.shut(port)
            stage.wait(1.2)
            stage.operate("ce1", Deed.OPEN_PORT, port.name)
            stage.network.shut(port, up=True)
            stage.wait(2.5)


def _clears_sessions(stage: Stage) -> None:
    """The provider's edge is told to shut and reopen the session again and again by a faulty script."""
    peer = str(stage.plan.address_towards("pe1", "ce1"))
    asn = str(stage.routers["pe1"].node.asn)
    script = {"user": "svc-provision", "origin": "10.200.40.12"}
    with stage.cause("pe1", "unauthorised_operation", PROVIDER, or_kinds=("misconfiguration", "routing_failure")):
        while stage.remaining() > 5.0:
            stage.operate("pe1", Deed.SHUT_PEER, peer, asn, **script)
            stage.configure_bgp("pe1", f"neighbor {peer} shutdown")
            stage.wait(1.5)
            stage.operate("pe1", Deed.OPEN_PEER, peer, asn, **script)
            stage.configure_bgp("pe1", f"no neighbor {peer} shutdown")
            stage.wait(2.0)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("provider-wrong-bgp-password", "The provider sets a password for the session that the customer lacks",
             "provider", ("4.2",), Effect.OUTAGE, _wrong_password("pe1"), shapes=SINGLE_ACCESS, grace_s=5.0),
    Scenario("customer-wrong-bgp-password", "The customer sets a password for the session that the provider lacks",
             "customer", ("4.2(1)", "4.2(3)", "4.2(4)"), Effect.OUTAGE, _wrong_password("ce1"),
             shapes=SINGLE_ACCESS, grace_s=5.0),
    Scenario("provider-prefix-limit-too-low", "The provider allows the customer fewer prefixes than it announces",
             "provider", ("4.2",), Effect.OUTAGE, _prefix_limit("pe1"), shapes=_SEVERAL_PREFIXES,
             grace_s=2.5),
    Scenario("customer-prefix-limit-too-low", "The customer's edge accepts fewer prefixes than the provider announces",
             "customer", ("4.2(1)", "4.2(3)", "4.2(4)"), Effect.OUTAGE, _prefix_limit("ce1"), shapes=SINGLE_ACCESS,
             grace_s=2.5),
    Scenario("provider-busy-edge-flaps-bfd", "The provider edge is too busy to send BFD in time", "provider",
             ("4.2",), Effect.LOSS, _bfd_starved("pe1"), shapes=SINGLE_ACCESS, routing=_BFD),
    Scenario("customer-busy-edge-flaps-bfd", "The customer's edge is too busy to send BFD in time", "customer",
             ("4.2(2)", "4.2(1)"), Effect.LOSS, _bfd_starved("ce1"), shapes=SINGLE_ACCESS, routing=_BFD),
    Scenario("customer-bounces-access-port", "The customer shuts and opens its access port again and again",
             "customer", ("4.2(3)",), Effect.LOSS, _bounces_port, shapes=SINGLE_ACCESS),
    Scenario("provider-script-bounces-session", "A script of the provider's shuts and opens the session over and over",
             "provider", ("4.2",), Effect.LOSS, _clears_sessions, shapes=SINGLE_ACCESS),
)
