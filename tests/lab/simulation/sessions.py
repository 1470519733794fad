"""What the routers have agreed with each other: OSPF adjacencies and BGP sessions, each end with its own view."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.lab.daemons import Routing
from tests.lab.plan import Node, Side
from tests.lab.simulation.clock import Appointment
from tests.lab.simulation.plan_index import IndexedPlan

_FULL_MESH = 12
"""The greatest number of provider routers that all speak to each other; more of them speak to the service's edges
only, which reflect what they hear."""


@dataclass(slots=True, eq=False)
class Adjacency:
    """Two neighbouring routers of the provider's, by OSPF."""

    ports: dict[str, int]
    full: dict[str, bool]
    misses: dict[str, int]
    timers: dict[str, Appointment] = field(default_factory=dict)
    forming: Appointment | None = None
    trial: Appointment | None = None

    def other(self, role: str) -> str:
        """The neighbour of one end."""
        return next(item for item in self.ports if item != role)


@dataclass(slots=True, eq=False)
class Session:
    """Two BGP speakers; `addresses` are those by which each end is called."""

    addresses: dict[str, int]
    ports: dict[str, int]
    """On external sessions the port of each end towards the other."""
    internal: bool
    bfd: bool = False
    up: dict[str, bool] = field(default_factory=dict)
    carrying: bool = True
    """Whether the routes have been exchanged."""
    shut_by: set[str] = field(default_factory=set)
    signed_by: set[str] = field(default_factory=set)
    """Who has a password for it; one end alone hears nothing."""
    limits: dict[str, int] = field(default_factory=dict)
    """How many prefixes an end accepts of its peer, where it limits them."""
    overflowed: bool = False
    timers: dict[str, Appointment] = field(default_factory=dict)
    forming: Appointment | None = None
    trial: Appointment | None = None

    @property
    def ends(self) -> tuple[str, str]:
        """Both speakers."""
        one, other = self.addresses
        return one, other

    def other(self, role: str) -> str:
        """The peer of one end."""
        return next(item for item in self.addresses if item != role)

    @property
    def established(self) -> bool:
        """Whether both ends hold the session up."""
        return all(self.up.values())


def provider_adjacencies(plan: IndexedPlan) -> list[Adjacency]:
    """One adjacency on every link between provider routers."""
    found = []
    for number in range(0, len(plan.all_ports), 2):
        roles = [plan.all_ports[number].role, plan.all_ports[number + 1].role]
        nodes = [plan.node(role) for role in roles]
        if all(node.routes and node.side is Side.PROVIDER for node in nodes):
            ports = {roles[0]: number, roles[1]: number + 1}
            found.append(Adjacency(ports, dict.fromkeys(roles, True), dict.fromkeys(roles, 0)))
    return found


def all_sessions(plan: IndexedPlan, routing: Routing) -> tuple[list[Session], tuple[str, ...]]:
    """External sessions where two parties' routers share a segment, internal ones between provider routers."""
    routers = [node for node in plan.nodes if node.routes]
    provider = [node for node in routers if node.side is Side.PROVIDER]
    reflectors = _edges(plan, provider) if len(provider) > _FULL_MESH else ()
    sessions = []
    for place, one in enumerate(routers):
        for other in routers[place + 1 :]:
            if one.side is other.side is Side.PROVIDER:
                if reflectors and not {one.role, other.role} & set(reflectors):
                    continue
                assert one.loopback is not None
                assert other.loopback is not None
                addresses = {one.role: int(one.loopback.ip), other.role: int(other.loopback.ip)}
                sessions.append(Session(addresses, {}, True, up=dict.fromkeys(addresses, True)))
            elif one.asn != other.asn and (ports := _shared(plan, one.role, other.role)) is not None:
                addresses = {role: _address(plan, number) for role, number in ports.items()}
                sessions.append(Session(addresses, ports, False, routing.bfd, dict.fromkeys(addresses, True)))
    return sessions, reflectors


def _edges(plan: IndexedPlan, provider: list[Node]) -> tuple[str, ...]:
    """The provider's routers at both ends of the service."""
    return tuple(node.role for node in provider
                 if node.role == "pe1" or {"vgw", "ce2"} & set(plan.neighbours(node.role)))


def _shared(plan: IndexedPlan, one: str, other: str) -> dict[str, int] | None:
    """The ports of two routers on a segment that they share, if they do."""
    for number in plan.ports_of[one]:
        if plan.all_ports[number].address is None:
            continue
        for candidate in plan.segment_numbers(number):
            if plan.all_ports[candidate].role == other:
                return {one: number, other: candidate}
    return None


def _address(plan: IndexedPlan, number: int) -> int:
    address = plan.all_ports[number].address
    assert address is not None
    return int(address.ip)
