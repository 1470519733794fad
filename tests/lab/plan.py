"""What a laboratory network consists of: nodes with ports, links between ports, and who answers for each.

Inside the laboratory a node is known by its *role* ("ce1", "pe1": what it does in the shape). Its *name* is drawn for
each recording and is all that the exported bundle knows.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Who answers for a component towards the other."""

    CUSTOMER = "customer"
    PROVIDER = "provider"

    @property
    def other(self) -> Side:
        """The opposite party."""
        return Side.PROVIDER if self is Side.CUSTOMER else Side.CUSTOMER


class Kind(StrEnum):
    """What a node is, in the words of the bundle contract."""

    HOST = "host"
    SWITCH = "switch"
    ROUTER = "router"
    FIREWALL = "firewall"
    GATEWAY = "gateway"
    TRANSPORT = "transport"


class Vendor(StrEnum):
    """Whose words a device's log speaks."""

    CISCO = "Cisco"
    HUAWEI = "Huawei"
    H3C = "H3C"
    JUNIPER = "Juniper"
    ARISTA = "Arista"
    FRR = "FRRouting"
    LINUX = "Linux"


BRIDGES = frozenset({Kind.SWITCH, Kind.TRANSPORT})
"""Kinds that forward by hardware address: their ports carry no IP address."""


@dataclass(frozen=True, slots=True)
class Port:
    """One end of a link."""

    role: str
    name: str
    """As the device's log, its counters and the topology call it."""
    device: str
    """As the kernel calls it: eth0, eth1, …"""
    address: ipaddress.IPv4Interface | None
    mac: str


@dataclass(frozen=True, slots=True)
class Link:
    """A cable between two ports."""

    number: int
    ends: tuple[Port, Port]
    side: Side | None
    """None on the demarcation between the two parties."""
    listed: bool
    """Whether the exported topology shows it; tenants and other departments are not shown."""
    vlan: int | None = None
    """The tag that captures show on its frames (IEEE 802.1Q); None where they are plain."""

    def port(self, role: str) -> Port:
        """The end of this link at the node of that role."""
        return self.ends[0] if self.ends[0].role == role else self.ends[1]

    def far_port(self, role: str) -> Port:
        """The end of this link away from the node of that role."""
        return self.ends[1] if self.ends[0].role == role else self.ends[0]

    def joins(self, one: str, other: str) -> bool:
        """Whether this link runs directly between the two roles."""
        return {end.role for end in self.ends} == {one, other}


@dataclass(frozen=True, slots=True)
class Node:
    """A device, run by one of the parties or by a third party for one of them."""

    role: str
    name: str
    side: Side
    kind: Kind
    vendor: Vendor
    operator: str | None
    asn: int | None
    loopback: ipaddress.IPv4Interface | None
    listed: bool

    @property
    def routes(self) -> bool:
        """Whether the node runs routing daemons; a routing switch or a firewall has its routes by hand."""
        return self.asn is not None

    @property
    def forwards_frames(self) -> bool:
        """Whether the node is a bridge without addresses of its own."""
        return self.kind in BRIDGES


@dataclass(frozen=True, slots=True)
class Plan:
    """A network as it will be built: the shape with names, addresses and vendors drawn for it."""

    shape: str
    seed: int
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    ends: tuple[str, str]
    """Roles of the two service ends, the customer's own site first."""

    def node(self, role: str) -> Node:
        """The node of that role."""
        return next(node for node in self.nodes if node.role == role)

    def has(self, role: str) -> bool:
        """Whether the shape has a node of that role."""
        return any(node.role == role for node in self.nodes)

    def ports(self, role: str) -> tuple[Port, ...]:
        """The ports of a node, in the order of its interfaces."""
        return tuple(end for link in self.links for end in link.ends if end.role == role)

    def links_of(self, role: str) -> tuple[Link, ...]:
        """The links that end at a node."""
        return tuple(link for link in self.links if role in (link.ends[0].role, link.ends[1].role))

    def link(self, one: str, other: str) -> Link:
        """The link that runs directly between two roles."""
        return next(link for link in self.links if link.joins(one, other))

    def link_of_port(self, port: Port) -> Link:
        """The link that a port ends."""
        return next(link for link in self.links if port in link.ends)

    def port(self, role: str, towards: str) -> Port:
        """The port of one node on its direct link to another."""
        return self.link(role, towards).port(role)

    def neighbours(self, role: str) -> tuple[str, ...]:
        """Roles at the far ends of a node's links."""
        return tuple(link.far_port(role).role for link in self.links_of(role))

    def address(self, role: str) -> ipaddress.IPv4Address:
        """The address by which others reach a node: its loopback, else its first port's."""
        node = self.node(role)
        if node.loopback is not None:
            return node.loopback.ip
        return next(port.address.ip for port in self.ports(role) if port.address is not None)

    def segment(self, port: Port) -> tuple[Port, ...]:
        """All addressed ports that a port reaches without crossing a router, itself included."""
        seen: set[Port] = set()
        waiting = [port]
        while waiting:
            current = waiting.pop()
            if current in seen:
                continue
            seen.add(current)
            waiting.append(self.link_of_port(current).far_port(current.role))
            if self.node(current.role).forwards_frames:
                waiting.extend(self.ports(current.role))
        return tuple(sorted((port for port in seen if port.address is not None), key=lambda port: port.role))

    def address_towards(self, role: str, neighbour: str) -> ipaddress.IPv4Address:
        """The neighbour's address on the segment that it shares with a node."""
        for port in self.ports(role):
            for other in self.segment(port) if port.address is not None else ():
                if other.role == neighbour and other.address is not None:
                    return other.address.ip
        raise KeyError(f"{role} and {neighbour} share no segment")

    @property
    def has_spare_access(self) -> bool:
        """Whether the customer's edge shares a segment with a second provider edge."""
        return any(other.role == "pe2" for port in self.ports("ce1") if port.address is not None
                   for other in self.segment(port))

    @property
    def inner_gateway(self) -> str | None:
        """The firewall or routing switch between the customer's hosts and its edge, if there is one."""
        gateway = self.gateway("host-a")
        return gateway if gateway != "ce1" else None

    def gateway(self, role: str) -> str:
        """The role of the router or firewall that a host sends its packets to."""
        for other in self.segment(self.ports(role)[0]):
            if self.node(other.role).kind in (Kind.ROUTER, Kind.GATEWAY, Kind.FIREWALL):
                return other.role
        raise KeyError(f"{role} has no gateway")
