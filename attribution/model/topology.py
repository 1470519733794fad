"""Whose device is whose: the graph of nodes and links, with the side that answers for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

IpNetwork = IPv4Network | IPv6Network


class Side(StrEnum):
    """One of the two parties to the Agreement."""

    CUSTOMER = "customer"
    PROVIDER = "provider"

    @property
    def other(self) -> Side:
        return Side.PROVIDER if self is Side.CUSTOMER else Side.CUSTOMER


class NodeKind(StrEnum):
    """What a node does in the network; the values are those of the incident bundle."""

    HOST = "host"
    SWITCH = "switch"
    ROUTER = "router"
    FIREWALL = "firewall"
    GATEWAY = "gateway"
    TRANSPORT = "transport"
    SERVICE = "service"


ROUTING = frozenset({NodeKind.ROUTER, NodeKind.FIREWALL, NodeKind.GATEWAY, NodeKind.SERVICE})
"""What looks up a route for each packet."""


@dataclass(frozen=True, slots=True)
class Node:
    """One device. `operator` names a third party that runs it for its side."""

    id: str
    side: Side
    kind: NodeKind
    operator: str | None = None
    addresses: tuple[IpNetwork, ...] = ()
    region: str | None = None
    vendor: str | None = None
    model: str | None = None
    resource_ids: tuple[str, ...] = ()

    @property
    def component(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class Link:
    """One cable or circuit between two nodes. `side` is None on a demarcation that nobody owns yet.

    `component` is the name that verdicts use: the ends in alphabetical order, the key only where links are parallel.
    """

    source: str
    target: str
    key: str | None
    side: Side | None
    interfaces: Mapping[str, str] = field(default_factory=dict)
    capacity_bps: float | None = None
    operator: str | None = None
    resource_ids: tuple[str, ...] = ()
    component: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        first, second = (self.source, self.target) if self.source < self.target else (self.target, self.source)
        key = f"#{self.key}" if self.key is not None else ""
        object.__setattr__(self, "component", f"{first}--{second}{key}")

    @property
    def ends(self) -> tuple[str, str]:
        return (self.source, self.target)

    def far_end(self, node: str) -> str:
        return self.target if node == self.source else self.source


class _Owners:
    """Who owns which address or prefix, by the length of the prefix; worked out when it is first asked."""

    __slots__ = ("_by_length", "_by_text", "_nodes")

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._nodes = nodes
        self._by_text: dict[str, str] | None = None
        self._by_length: dict[tuple[int, int], dict[int, str]] = {}

    def owner_of_exactly(self, text: str) -> str | None:
        if self._by_text is None:
            self._by_text = self._index()
        return self._by_text.get(text)

    def owner_of(self, text: str) -> str | None:
        exactly = self.owner_of_exactly(text)
        if exactly is not None:
            return exactly
        try:
            wanted = ip_address(text)
        except ValueError:
            return None
        for (version, length), owners in self._by_length.items():
            if version == wanted.version:
                spare = wanted.max_prefixlen - length
                owner = owners.get(int(wanted) >> spare << spare)
                if owner is not None:
                    return owner
        return None

    def _index(self) -> dict[str, str]:
        """The owners of single addresses by their text; of prefixes by their length, the longest first."""
        by_text: dict[str, str] = {}
        by_length: dict[tuple[int, int], dict[int, str]] = {}
        for node in self._nodes.values():
            for network in node.addresses:
                if network.prefixlen == network.max_prefixlen:
                    by_text[str(network.network_address)] = node.id
                owners = by_length.setdefault((network.version, network.prefixlen), {})
                number = int(network.network_address)
                owners[number] = max(owners.get(number, ""), node.id)
        self._by_length = dict(sorted(by_length.items(), reverse=True))
        return by_text


class _Names:
    """Which node a host name means, in whatever case, with its domain behind it or without; worked out when asked.

    A name that may mean two nodes means none.
    """

    __slots__ = ("_hosts", "_nodes", "_whole")

    def __init__(self, nodes: Iterable[str]) -> None:
        self._nodes = nodes
        self._whole: dict[str, str | None] = {}
        self._hosts: dict[str, str | None] = {}

    def node_called(self, name: str) -> str | None:
        if not self._whole:
            for node in self._nodes:
                whole, host = _name_and_host(node)
                self._whole[whole] = None if whole in self._whole else node
                if host != whole:
                    self._hosts[host] = None if host in self._hosts else node
        whole, host = _name_and_host(name)
        places = ((self._whole, whole), (self._whole, host), (self._hosts, whole))
        return next((known[key] for known, key in places if key in known), None)


def _name_and_host(name: str) -> tuple[str, str]:
    """A name without regard to case, and the part of it before its domain, if it has one and is no address."""
    whole = name.casefold().rstrip(".")
    host, dot, _ = whole.partition(".")
    return whole, whole if not dot or _is_address(whole) else host


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Topology:
    """The nodes and links of one incident, by name, with look-ups by address and interface.

    Links between the same two nodes carry a `key`; a link's `key` is None where it has no parallel.
    """

    nodes: Mapping[str, Node]
    links: Mapping[str, Link]
    _neighbours: Mapping[str, tuple[Link, ...]] = field(init=False, repr=False, compare=False)
    _owners: _Owners = field(init=False, repr=False, compare=False)
    _names: _Names = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        neighbours: dict[str, list[Link]] = {node: [] for node in self.nodes}
        for link in self.links.values():
            neighbours[link.source].append(link)
            neighbours[link.target].append(link)
        object.__setattr__(self, "_neighbours", {node: tuple(links) for node, links in neighbours.items()})
        object.__setattr__(self, "_owners", _Owners(self.nodes))
        object.__setattr__(self, "_names", _Names(self.nodes))

    def links_of(self, node: str) -> tuple[Link, ...]:
        return self._neighbours.get(node, ())

    def link_at(self, node: str, interface: str) -> Link | None:
        """The link plugged into this interface, or None where the topology knows none."""
        for link in self.links_of(node):
            if link.interfaces.get(node) == interface:
                return link
        return None

    def links_between(self, first: str, second: str) -> tuple[Link, ...]:
        return tuple(link for link in self.links_of(first) if link.far_end(first) == second)

    def node_of_address(self, address: str) -> str | None:
        """The node that owns an IP address: an exact address wins over the longest prefix that holds it."""
        return self._owners.owner_of(address)

    def resolve(self, name: str) -> str | None:
        """The node that an evidence file means by a node id, an address or a host name."""
        return name if name in self.nodes else self.node_of_address(name) or self.node_called(name)

    def node_called(self, name: str) -> str | None:
        """The node that a device means by its own name: its id, a single address of it, or its host name, in whatever
        case (RFC 1034, 3.1) and with its domain or without. None where none or two may be meant.
        """
        return name if name in self.nodes else self._owners.owner_of_exactly(name) or self._names.node_called(name)

    def side_of(self, component: str) -> Side | None:
        """The side that answers for a component; None for a demarcation link nobody owns."""
        if component in self.nodes:
            return self.nodes[component].side
        link = self.links.get(component)
        return link.side if link else None

    def operator_of(self, component: str) -> str | None:
        holder = self.nodes.get(component) or self.links.get(component)
        return holder.operator if holder else None

    def components(self) -> Iterator[str]:
        yield from self.nodes
        yield from self.links


def parse_network(text: str) -> IpNetwork:
    """An address or prefix as a network; host bits are kept out. Raises ValueError on anything else."""
    return ip_network(text, strict=False)
