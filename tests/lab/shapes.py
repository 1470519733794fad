"""The shapes of network that incidents are recorded on: who is connected to whom, before names are drawn.

Roles say what a node is (`host-a`, `sw1`, `ce1`, `lm1`, `pe1`, `p1`, `vgw`); every shape has `host-a`, `host-b`,
`host-c`, `sw1`, `ce1` and `pe1`. Roles in `UNLISTED` exist in the laboratory and not in the exported topology: other
tenants and another department, whose ports carry the unrelated trouble that real logs are full of.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.lab.plan import Kind, Side

UNLISTED = frozenset({"office", "tenant-x", "tenant-y"})

_KINDS = {
    "host": Kind.HOST,
    "office": Kind.HOST,
    "tenant": Kind.HOST,
    "sw": Kind.SWITCH,
    "fw": Kind.FIREWALL,
    "lm": Kind.TRANSPORT,
    "vgw": Kind.GATEWAY,
    "ce": Kind.ROUTER,
    "pe": Kind.ROUTER,
    "p": Kind.ROUTER,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A network's form: its links by role, and which provider routers stand where."""

    name: str
    fact: str
    links: tuple[tuple[str, str], ...]
    core: tuple[str, ...]
    """Provider routers without customers, on the way between the ends."""
    far_edge: str
    """The provider's last router before the far site."""
    backbone: tuple[str, str]
    """A core link that carries service traffic."""
    redundant: bool = False
    """Whether the core survives the loss of any one of its routers."""

    routed_campus: bool = False
    """Whether the customer's switch routes between its hosts' subnets instead of bridging them."""

    resembles: str = ""
    """The shape of the laboratory that scenarios may take it for; empty where it is one itself."""

    def kind(self, role: str) -> Kind:
        """What a role's node is on this shape."""
        return Kind.ROUTER if self.routed_campus and role == "sw1" else kind_of(role)

    @property
    def roles(self) -> tuple[str, ...]:
        """All roles, in the order in which the links first name them."""
        return tuple(dict.fromkeys(role for link in self.links for role in link))


def kind_of(role: str) -> Kind:
    """What a role's node is; the letters before its number tell."""
    return _KINDS[role.rstrip("0123456789").split("-")[0]]


def side_of(role: str) -> Side:
    """Who answers for a role: the provider for its routers and gateway, the customer for everything else."""
    provider = role.startswith(("pe", "p", "vgw", "tenant"))
    return Side.PROVIDER if provider else Side.CUSTOMER


_SITE_A = (("host-a", "sw1"), ("host-c", "sw1"), ("office", "sw1"))

SHAPES = (
    Shape(
        name="single-homed",
        fact="One path everywhere: each device on it can take the service down",
        links=(
            *_SITE_A, ("sw1", "ce1"), ("ce1", "pe1"), ("pe1", "p1"), ("p1", "pe2"), ("pe2", "ce2"), ("ce2", "host-b"),
            ("pe1", "tenant-x"), ("pe2", "tenant-y"),
        ),
        core=("p1",), far_edge="pe2", backbone=("pe1", "p1"),
    ),
    Shape(
        name="dual-homed",
        fact="Two access lines and a redundant core: much may fail without the customer noticing",
        links=(
            *_SITE_A, ("sw1", "ce1"), ("ce1", "pe1"), ("ce1", "pe2"), ("pe1", "p1"), ("pe1", "p2"), ("pe2", "p1"),
            ("pe2", "p2"), ("p1", "pe3"), ("p2", "pe3"), ("pe3", "ce2"), ("ce2", "host-b"),
            ("pe1", "tenant-x"), ("pe3", "tenant-y"),
        ),
        core=("p1", "p2"), far_edge="pe3", backbone=("pe1", "p1"), redundant=True,
    ),
    Shape(
        name="carrier-and-vpc",
        fact="A carrier that the customer engaged runs the last mile, and the far end is a VPC behind a cloud gateway",
        links=(
            *_SITE_A, ("sw1", "ce1"), ("ce1", "lm1"), ("lm1", "pe1"), ("pe1", "p1"), ("p1", "pe2"), ("pe2", "vgw"),
            ("vgw", "host-b"), ("pe1", "tenant-x"), ("pe2", "tenant-y"),
        ),
        core=("p1",), far_edge="pe2", backbone=("pe1", "p1"),
    ),
    Shape(
        name="firewalled-campus",
        fact="A firewall stands between the customer's hosts and its edge; three core hops lead to the far site",
        links=(
            *_SITE_A, ("sw1", "fw1"), ("fw1", "ce1"), ("ce1", "pe1"), ("pe1", "p1"), ("p1", "p2"), ("p2", "pe2"),
            ("pe2", "ce2"), ("ce2", "host-b"), ("pe1", "tenant-x"), ("pe2", "tenant-y"),
        ),
        core=("p1", "p2"), far_edge="pe2", backbone=("p1", "p2"),
    ),
    Shape(
        name="two-region-ring",
        fact="Two regions joined by a ring of five core routers, as the research backbones of the Topology Zoo are",
        links=(
            *_SITE_A, ("sw1", "ce1"), ("ce1", "lm1"), ("lm1", "pe1"), ("pe1", "p1"), ("p1", "p2"), ("p2", "p3"),
            ("p3", "p4"), ("p4", "p5"), ("p5", "p1"), ("p3", "pe2"), ("pe2", "vgw"), ("vgw", "host-b"),
            ("pe1", "tenant-x"), ("pe2", "tenant-y"),
        ),
        core=("p1", "p2", "p3", "p4", "p5"), far_edge="pe2", backbone=("p2", "p3"), redundant=True,
    ),
    Shape(
        name="routed-campus",
        fact="The customer's switch routes between subnets, a carrier runs the last mile, the far end is a VPC",
        links=(
            *_SITE_A, ("sw1", "ce1"), ("ce1", "lm1"), ("lm1", "pe1"), ("pe1", "p1"), ("p1", "pe2"), ("pe2", "vgw"),
            ("vgw", "host-b"), ("pe1", "tenant-x"), ("pe2", "tenant-y"),
        ),
        core=("p1",), far_edge="pe2", backbone=("pe1", "p1"), routed_campus=True,
    ),
)


def shape_named(name: str) -> Shape | None:
    """The shape of that name, if there is one."""
    return next((shape for shape in SHAPES if shape.name == name), None)
