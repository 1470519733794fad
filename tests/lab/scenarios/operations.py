"""What the customer's own people do: to their ports, their routes, their sessions and their cloud account."""

from __future__ import annotations

from tests.lab.daemons import Routing
from tests.lab.happenings import Deed
from tests.lab.scenario import Effect, Play, Scenario
from tests.lab.scenarios.places import CUSTOMER, SINGLE_ACCESS, customer_access_port, site_prefix
from tests.lab.stage import Stage

_LIMITED = Routing(maximum_prefixes=20)
_DELEGATED = ("single-homed", "carrier-and-vpc", "two-region-ring", "routed-campus", "two-region-mesh", "abilene",
              "arpanet")
"""Shapes in which the customer's edge announces its site by a network statement."""


def _shut_access(consented: bool) -> Play:
    def play(stage: Stage) -> None:
        port = customer_access_port(stage.plan)
        if consented or stage.dice.random() < 0.7:
            stage.change(CUSTOMER, "ce1", port.name, "shutdown", "re-cabling of the access line", consented)
        stage.visit("ce1")
        stage.operate("ce1", Deed.SHUT_PORT, port.name)
        with stage.cause("ce1", "consented_operation" if consented else "unauthorised_operation", CUSTOMER):
            stage.network.shut(port)
            stage.last()
            stage.operate("ce1", Deed.OPEN_PORT, port.name)
            stage.network.shut(port, up=True)

    return play


def _shut_peer(stage: Stage) -> None:
    """The customer shuts its BGP session; the line stays up."""
    router, peer = stage.routers["ce1"], str(stage.plan.address_towards("ce1", "pe1"))
    asn = str(router.node.asn)
    if stage.dice.random() < 0.7:
        stage.change(CUSTOMER, "ce1", "", "BGP change", "change of routing policy", False)
    stage.visit("ce1")
    stage.operate("ce1", Deed.SHUT_PEER, peer, asn)
    with stage.cause("ce1", "unauthorised_operation", CUSTOMER, or_kinds=("misconfiguration", "routing_failure")):
        router.command("configure terminal", f"router bgp {asn}", f"neighbor {peer} shutdown")
        stage.last()
        stage.operate("ce1", Deed.OPEN_PEER, peer, asn)
        router.command("configure terminal", f"router bgp {asn}", f"no neighbor {peer} shutdown")


def _reload_edge(stage: Stage) -> None:
    """The customer reloads its edge in the middle of the day."""
    if stage.dice.random() < 0.7:
        stage.change(CUSTOMER, "ce1", "", "software upgrade", "edge router upgrade", False)
    stage.visit("ce1")
    stage.operate("ce1", Deed.RELOAD, "")
    with stage.cause("ce1", "unauthorised_operation", CUSTOMER, or_kinds=("device_failure", "maintenance")):
        stage.crash("ce1")
        stage.last()
        stage.boot("ce1")


def _misroute(stage: Stage) -> None:
    """A static route on the customer's edge leads the far site's traffic into the void."""
    prefix = site_prefix(stage.plan, "host-b")
    stage.visit("ce1")
    stage.operate("ce1", Deed.DISCARD_ROUTE, prefix)
    with stage.cause("ce1", "misconfiguration", CUSTOMER, or_kinds=("unauthorised_operation", "routing_failure")):
        stage.discard("ce1", prefix)
        stage.last()
        stage.operate("ce1", Deed.REMOVE_DISCARD_ROUTE, prefix)
        stage.keep("ce1", prefix)


def _stop_announcing(stage: Stage) -> None:
    """The customer's edge announces its own site no more."""
    router, prefix = stage.routers["ce1"], site_prefix(stage.plan, "host-a")
    asn = str(router.node.asn)
    family = ("configure terminal", f"router bgp {asn}", "address-family ipv4 unicast")
    stage.visit("ce1")
    stage.operate("ce1", Deed.STOP_ANNOUNCING, prefix, asn)
    with stage.cause("ce1", "misconfiguration", CUSTOMER, or_kinds=("unauthorised_operation", "routing_failure")):
        router.command(*family, f"no network {prefix}")
        stage.last()
        stage.operate("ce1", Deed.ANNOUNCE, prefix, asn)
        router.command(*family, f"network {prefix}")


def _loop(stage: Stage) -> None:
    """Firewall and edge send the far site's traffic back and forth until it dies."""
    prefix = site_prefix(stage.plan, "host-b")
    back = str(stage.plan.address_towards("ce1", stage.plan.inner_gateway or "fw1"))
    stage.visit("ce1")
    stage.operate("ce1", Deed.SET_ROUTE, prefix, back)
    with stage.cause("ce1", "misconfiguration", CUSTOMER, or_kinds=("routing_failure", "unauthorised_operation")):
        stage.route("ce1", prefix, back)
        stage.last()
        stage.operate("ce1", Deed.UNSET_ROUTE, prefix, back)
        stage.unroute("ce1", prefix, back)


def _leak(stage: Stage) -> None:
    """The customer leaks foreign routes until the provider's limit ends the session."""
    router, edge = stage.routers["ce1"], stage.routers["pe1"]
    asn, peer = str(router.node.asn), str(stage.plan.address_towards("pe1", "ce1"))
    family = ("configure terminal", f"router bgp {asn}", "address-family ipv4 unicast")
    leaked = [f"10.99.{number}.0/24" for number in range(30)]
    stage.visit("ce1")
    stage.operate("ce1", Deed.ANNOUNCE, leaked[0], asn)
    with stage.cause("ce1", "misconfiguration", CUSTOMER, or_kinds=("routing_failure", "unauthorised_operation")):
        router.command(*family, *(f"network {prefix}" for prefix in leaked))
        stage.last()
        stage.operate("ce1", Deed.STOP_ANNOUNCING, leaked[0], asn)
        router.command(*family, *(f"no network {prefix}" for prefix in leaked))
        edge.command(f"clear bgp {peer}")


def _detach(stage: Stage) -> None:
    """The customer detaches its VPC through the cloud API: the gateway forwards nothing to it any more."""
    prefix = site_prefix(stage.plan, "host-b")
    attachment = stage.paperwork.resources.attachment()
    with stage.cause("vgw", "unauthorised_operation", CUSTOMER):
        stage.call("DetachCcnInstances", attachment)
        stage.drop_forwarded("vgw", f"ip daddr {prefix}")
        stage.drop_forwarded("vgw", f"ip saddr {prefix}")
        stage.last()
        stage.call("AttachCcnInstances", attachment)
        stage.lift_filters("vgw")


def _limit_by_api(stage: Stage) -> None:
    """The customer sets the region's bandwidth limit far too low through the cloud API."""
    port, resources = stage.plan.port("vgw", stage.shape.far_edge), stage.paperwork.resources
    with stage.cause("vgw", "unauthorised_operation", CUSTOMER, or_kinds=("misconfiguration", "overload"),
                     or_components=(("ce1",),)):
        stage.call("SetCcnRegionBandwidthLimits", resources.bandwidth_limits(1))
        stage.police(port, 60_000)
        stage.last()
        stage.call("SetCcnRegionBandwidthLimits", resources.bandwidth_limits(100))
        stage.unpolice(port)


def _delete_routes(stage: Stage) -> None:
    """The customer deletes the VPC's route back through the cloud API."""
    prefix = site_prefix(stage.plan, "host-a")
    routes: dict[str, object] = {"RouteTableId": f"rtb-{stage.dice.getrandbits(32):08x}",
                                 "Routes": [{"DestinationCidrBlock": prefix, "GatewayType": "CCN"}]}
    with stage.cause("vgw", "unauthorised_operation", CUSTOMER, or_kinds=("misconfiguration",)):
        stage.call("DeleteRoutes", routes)
        stage.drop_forwarded("vgw", f"ip daddr {prefix}")
        stage.last()
        stage.call("CreateRoutes", routes)
        stage.lift_filters("vgw")


def _close_security_group(stage: Stage) -> None:
    """The customer closes its host's security group to the other site through the cloud API."""
    near, host = site_prefix(stage.plan, "host-a"), str(stage.plan.address("host-b"))
    policies: dict[str, object] = {
        "SecurityGroupId": f"sg-{stage.dice.getrandbits(32):08x}",
        "SecurityGroupPolicySet": {"Ingress": [{"Protocol": "ALL", "CidrBlock": near, "Action": "DROP"}]},
    }
    with stage.cause("host-b", "unauthorised_operation", CUSTOMER, or_components=(("vgw",),),
                     or_kinds=("misconfiguration",)):
        stage.call("ModifySecurityGroupPolicies", policies)
        stage.drop_forwarded("vgw", f"ip saddr {near} ip daddr {host}")
        stage.last()
        policies = policies | {"SecurityGroupPolicySet": {"Ingress": [
            {"Protocol": "ALL", "CidrBlock": near, "Action": "ACCEPT"}]}}
        stage.call("ModifySecurityGroupPolicies", policies)
        stage.lift_filters("vgw")


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("customer-shuts-access-port", "The customer shuts its access port and nobody agreed", "customer",
             ("4.2(3)",), Effect.OUTAGE, _shut_access(consented=False), shapes=SINGLE_ACCESS, grace_s=2.5),
    Scenario("customer-shuts-access-port-with-consent", "The customer shuts its access port as agreed", "customer",
             ("4.2(4)",), Effect.OUTAGE, _shut_access(consented=True), shapes=SINGLE_ACCESS, grace_s=2.5),
    Scenario("customer-shuts-bgp-session", "The customer shuts its BGP session and nobody agreed", "customer",
             ("4.2(3)",), Effect.OUTAGE, _shut_peer, shapes=SINGLE_ACCESS),
    Scenario("customer-reloads-edge", "The customer reloads its edge router and nobody agreed", "customer",
             ("4.2(3)",), Effect.OUTAGE, _reload_edge),
    Scenario("customer-misroutes", "The customer's edge routes the far site into the void", "customer",
             ("4.2(4)", "4.2(1)", "4.2(3)"), Effect.OUTAGE, _misroute),
    Scenario("customer-stops-announcing", "The customer's edge announces its own site no more", "customer",
             ("4.2(4)", "4.2(1)", "4.2(3)"), Effect.OUTAGE, _stop_announcing, shapes=_DELEGATED),
    Scenario("customer-routing-loop", "The customer's firewall and edge send packets back and forth", "customer",
             ("4.2(4)", "4.2(1)", "4.2(3)"), Effect.OUTAGE, _loop,
             shapes=("firewalled-campus", "routed-campus", "two-carriers")),
    Scenario("customer-leaks-routes", "The customer leaks routes until the provider's limit ends the session",
             "customer", ("4.2(4)", "4.2(1)", "4.2(3)"), Effect.OUTAGE, _leak, shapes=SINGLE_ACCESS,
             routing=_LIMITED, grace_s=2.5),
    Scenario("customer-detaches-vpc", "The customer detaches its VPC through the cloud API", "customer",
             ("4.2(3)", "4.2(4)"), Effect.OUTAGE, _detach, needs=("vgw",)),
    Scenario("customer-limits-bandwidth", "The customer sets its own bandwidth limit far too low", "customer",
             ("4.2(3)", "4.2(4)"), Effect.LOSS, _limit_by_api, needs=("vgw",)),
    Scenario("customer-closes-security-group", "The customer closes its security group to its own other site",
             "customer", ("4.2(3)", "4.2(4)", "4.2(1)"), Effect.OUTAGE, _close_security_group, needs=("vgw",)),
    Scenario("customer-deletes-routes", "The customer deletes its VPC's routes through the cloud API", "customer",
             ("4.2(3)", "4.2(4)"), Effect.OUTAGE, _delete_routes, needs=("vgw",)),
)
