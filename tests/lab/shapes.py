"""The shapes of network that incidents are recorded on: who is connected to whom, before names are drawn.

Roles say what a node is (`host-a`, `sw1`, `ce1`, `lm1`, `pe1`, `p1`, `vgw`); every shape has `host-a`, `host-b`,
`host-c`, `sw1`, `ce1` and `pe1`. Roles in `UNLISTED` exist in the laboratory and not in the exported topology: other
tenants and another department, whose ports carry the unrelated trouble that real logs are full of.
"""

from __future__ import annotations

from dataclasses import dataclass

import networkx

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
    """Whether the core has a second way round at least some of its routers."""

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

    @property
    def passed(self) -> tuple[str, ...]:
        """Core routers that all service traffic passes while nothing fails, in their order from the near edge."""
        ways = self._ways()
        return tuple(role for role in ways[0] if role in self.core and all(role in way for way in ways))

    @property
    def indispensable(self) -> tuple[str, ...]:
        """Core routers without which no way is left between the sites."""
        return tuple(role for role in self.core if not self._still_joined(without=(role,)))

    @property
    def idle(self) -> tuple[str, ...]:
        """Core routers that no service traffic passes while nothing fails."""
        ways = self._ways()
        return tuple(role for role in self.core if not any(role in way for way in ways))

    @property
    def passes_backbone(self) -> bool:
        """Whether all service traffic crosses the backbone link while nothing fails."""
        near, far = self.backbone
        return all(near in way and far in way for way in self._ways())

    @property
    def needs_backbone(self) -> bool:
        """Whether no way is left between the sites without the backbone link."""
        return not self._still_joined(cut=self.backbone)

    @property
    def has_spare_access(self) -> bool:
        """Whether the customer's edge has a second access line to fall back on."""
        access = ("ce1", "lm", "pe")
        graph = networkx.Graph([link for link in self.links if all(role.startswith(access) for role in link)])
        return "pe2" in graph and networkx.has_path(graph, "ce1", "pe2")

    def _network(self) -> networkx.Graph[str]:
        """The provider's routers and the links between them."""
        own = {*self.core, *(role for role in self.roles if role.startswith("pe"))}
        return networkx.Graph([link for link in self.links if set(link) <= own])

    def _ways(self) -> list[list[str]]:
        """All equally short ways from the near edge to the far one."""
        return sorted(networkx.all_shortest_paths(self._network(), "pe1", self.far_edge))

    def _still_joined(self, without: tuple[str, ...] = (), cut: tuple[str, str] | None = None) -> bool:
        """Whether the sites reach each other after routers or a link were taken out of the core."""
        graph = self._network()
        graph.remove_nodes_from(without)
        graph.remove_edges_from([cut] if cut is not None else [])
        near = ("pe1", "pe2") if self.has_spare_access else ("pe1",)
        return any(networkx.has_path(graph, edge, self.far_edge) for edge in near)


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
    Shape(
        name="two-region-mesh",
        fact="Two regions, each with two core routers, joined by two lines: every way has an equal beside it",
        links=(
            *_SITE_A, ("sw1", "ce1"), ("ce1", "lm1"), ("lm1", "pe1"), ("pe1", "p1"), ("pe1", "p2"), ("p1", "p2"),
            ("p1", "p3"), ("p2", "p4"), ("p3", "p4"), ("p3", "pe2"), ("p4", "pe2"), ("pe2", "vgw"), ("vgw", "host-b"),
            ("pe1", "tenant-x"), ("pe2", "tenant-y"),
        ),
        core=("p1", "p2", "p3", "p4"), far_edge="pe2", backbone=("p1", "p3"), redundant=True,
    ),
    # Abilene, 2005 (Internet Topology Zoo, Abilene.gml): pe1 is Los Angeles, p1 Houston, p2 Atlanta, pe2 Washington,
    # p3 Sunnyvale, p4 Seattle, p5 Denver, p6 Kansas City, p7 Indianapolis, p8 Chicago, p9 New York.
    Shape(
        name="abilene",
        fact="The backbone has the form of Abilene in 2005: eleven routers, and a long way round for every link",
        links=(
            *_SITE_A, ("sw1", "ce1"), ("ce1", "pe1"), ("pe1", "p1"), ("p1", "p2"), ("p2", "pe2"), ("pe1", "p3"),
            ("p3", "p4"), ("p3", "p5"), ("p4", "p5"), ("p5", "p6"), ("p6", "p1"), ("p6", "p7"), ("p7", "p2"),
            ("p7", "p8"), ("p8", "p9"), ("p9", "pe2"), ("pe2", "ce2"), ("ce2", "sw2"), ("sw2", "host-b"),
            ("pe1", "tenant-x"), ("pe2", "tenant-y"),
        ),
        core=("p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"), far_edge="pe2", backbone=("p1", "p2"),
        redundant=True,
    ),
    # ARPANET, June 1970 (Internet Topology Zoo, Arpanet19706.gml): pe1 is SRI, p1 UCLA, p2 RAND, p3 BBN, pe2 Harvard,
    # p4 UCSB, p5 SDC, p6 Utah, p7 MIT.
    Shape(
        name="arpanet",
        fact="The backbone has the form of the ARPANET in June 1970: a ring, with single routers on the way to it",
        links=(
            *_SITE_A, ("sw1", "ce1"), ("ce1", "lm1"), ("lm1", "pe1"), ("pe1", "p1"), ("p1", "p2"), ("p2", "p3"),
            ("p3", "pe2"), ("pe1", "p4"), ("p4", "p1"), ("p2", "p5"), ("p5", "p6"), ("p6", "p7"), ("p7", "p3"),
            ("pe2", "vgw"), ("vgw", "host-b"), ("pe1", "tenant-x"), ("pe2", "tenant-y"),
        ),
        core=("p1", "p2", "p3", "p4", "p5", "p6", "p7"), far_edge="pe2", backbone=("p2", "p3"), redundant=True,
    ),
    Shape(
        name="two-carriers",
        fact="Two switches and a firewall at the customer, and two carriers to two provider edges",
        links=(
            ("host-a", "sw3"), ("sw3", "sw1"), ("host-c", "sw1"), ("office", "sw1"), ("sw1", "fw1"), ("fw1", "ce1"),
            ("ce1", "lm1"), ("lm1", "pe1"), ("ce1", "lm2"), ("lm2", "pe2"), ("pe1", "p1"), ("pe2", "p2"), ("p1", "p2"),
            ("p1", "pe3"), ("p2", "pe3"), ("pe3", "ce2"), ("ce2", "host-b"), ("pe1", "tenant-x"), ("pe3", "tenant-y"),
        ),
        core=("p1", "p2"), far_edge="pe3", backbone=("p1", "pe3"), redundant=True,
    ),
)


def shape_named(name: str) -> Shape | None:
    """The shape of that name, if there is one."""
    return next((shape for shape in SHAPES if shape.name == name), None)
