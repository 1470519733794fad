"""Where scenarios strike: ports, links and prefixes, found by what they are for."""

from __future__ import annotations

from tests.lab.plan import Link, Plan, Port, Side
from tests.lab.stage import Stage

CUSTOMER, PROVIDER = Side.CUSTOMER, Side.PROVIDER

SINGLE_ACCESS = ("single-homed", "carrier-and-vpc", "firewalled-campus", "two-region-ring", "routed-campus",
                 "two-region-mesh", "abilene", "arpanet")
"""Shapes in which the customer's edge has no second access line to fall back on."""
CARRIER_SHAPES = ("carrier-and-vpc", "two-region-ring", "routed-campus", "two-region-mesh", "arpanet")
"""Shapes in which one carrier runs the only last mile."""
DIRECT_ACCESS = ("single-homed", "firewalled-campus", "abilene")
"""Shapes in which customer edge and provider edge share a cable, and there is no other."""
FIREWALL_FIRST = ("firewalled-campus", "two-carriers",
                  *(name for name in SINGLE_ACCESS if name != "firewalled-campus"), "dual-homed")
"""All shapes, the one with a firewall of its own first."""
BRIDGED_CAMPUS = ("single-homed", "dual-homed", "carrier-and-vpc", "firewalled-campus", "two-region-ring",
                  "two-region-mesh", "abilene", "arpanet", "two-carriers")
"""Shapes in which the customer's hosts share one LAN."""

CUSTOMER_OFF_BY_COMMAND = ("routing_failure", "unauthorised_operation", "enforcement_action")
"""What else a route of the customer's into the void may be called: suspensions are carried out by just that command."""


def access_port(plan: Plan) -> Port:
    """The provider edge's port towards the customer: to the carrier where one stands between."""
    return plan.port("pe1", "lm1" if plan.has("lm1") else "ce1")


def customer_access_port(plan: Plan) -> Port:
    """The customer edge's port towards the provider."""
    return plan.port("ce1", "lm1" if plan.has("lm1") else "pe1")


def lan_link(plan: Plan) -> Link:
    """The link between the customer's switch and the next device of the customer's."""
    return plan.link("sw1", "fw1" if plan.has("fw1") else "ce1")


def filtering_role(plan: Plan) -> str:
    """The customer's firewall, or its edge where no firewall stands."""
    return "fw1" if plan.has("fw1") else "ce1"


def far_gateway(plan: Plan) -> str:
    """The last router before the far host: the cloud gateway, or the customer's far edge."""
    return "vgw" if plan.has("vgw") else "ce2"


def site_prefix(plan: Plan, host: str) -> str:
    """The prefix that a host stands in."""
    address = plan.ports(host)[0].address
    assert address is not None
    return str(address.network)


def core_role(stage: Stage) -> str:
    """A core router that all service traffic passes."""
    return stage.dice.choice(stage.shape.passed)


def on_one_way(stage: Stage) -> tuple[str, ...]:
    """Core routers that some of the service's flows pass and others do not."""
    return tuple(role for role in stage.shape.core
                 if role not in stage.shape.passed and role not in stage.shape.idle)


def needed_role(stage: Stage) -> str:
    """A core router without which no way is left."""
    return stage.dice.choice(stage.shape.indispensable)


def far_access(stage: Stage) -> Port:
    """The provider's last port before the far site's gateway."""
    return stage.plan.port(stage.shape.far_edge, far_gateway(stage.plan))


def roles_of(link: Link) -> tuple[str, str]:
    """The two ends of a link."""
    return link.ends[0].role, link.ends[1].role
