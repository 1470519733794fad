"""Which node an address belongs to, also where the drawing leaves it out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from attribution.model.observation import Caveat, LogEvent, LogKind, Observation, PathTrace, TapCount
from attribution.model.phrase import Phrase
from attribution.model.topology import ROUTING, IpNetwork, NodeKind, Topology, parse_network

# Addresses that share fewer leading bits than this do not stand on one cable (a LAN of 256 hosts; an IPv6 subnet).
SHORTEST_COMMON_PREFIX = {4: 24, 6: 64}
BRIDGES = (NodeKind.SWITCH, NodeKind.TRANSPORT)
SESSION_KINDS = frozenset({LogKind.SESSION_DOWN, LogKind.SESSION_UP})
# An address or prefix within words; a port may follow it after a colon or a slash.
_ADDRESS = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2}(?!\d))?(?!\.?\d)"
    r"|(?<![\w.:])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?:/\d{1,3}(?!\d))?(?![\w:])"
)


def networks_in(words: str) -> Iterator[IpNetwork]:
    """The addresses and prefixes that words name, in their order."""
    for token in _ADDRESS.findall(words):
        try:
            yield parse_network(token)
        except ValueError:
            continue


class AddressBook:
    """Names by address: what the drawing states, what traces reveal, and what the subnets leave as the only choice."""

    def __init__(self, topology: Topology, learned: Mapping[str, str] | None = None) -> None:
        self._topology = topology
        self._known = dict(learned or {})
        self._resolved: dict[str, str | None] = {}

    def resolve(self, name: str | None) -> str | None:
        """The node meant by a node id or an address; None where nothing tells."""
        if name is None:
            return None
        if name not in self._resolved:
            self._resolved[name] = self._topology.resolve(name) or self._known.get(name) or self._infer(name)
        return self._resolved[name]

    def resolved(self) -> dict[str, str]:
        """Every name and address that was asked for and means a node, with that node."""
        return {name: node for name, node in self._resolved.items() if node is not None}

    def with_learned(self, more: Mapping[str, str]) -> AddressBook:
        """This book and what was learned besides."""
        return AddressBook(self._topology, {**self._known, **more})

    def owners_within(self, prefix: IpNetwork) -> set[str]:
        """The nodes known to have an address within a prefix."""
        found = {
            node.id
            for node in self._topology.nodes.values()
            for network in node.addresses
            if network.version == prefix.version and network.network_address in prefix
        }
        return found | {node for text, node in self._known.items() if _within(text, prefix)}

    def addresses_of(self, node: str) -> list[IPv4Address | IPv6Address]:
        """The addresses that a node is known to have."""
        own = {address for address, owner in self._known.items() if owner == node}
        stated = [network.network_address for network in self._topology.nodes[node].addresses]
        return [*stated, *map(ip_address, own)]

    def may_have_address_in(self, node: str, prefix: IpNetwork) -> bool:
        """Whether a node can have an address within a prefix: False only where what is known of it rules that out.

        A node whose address nobody states stands in the subnets of the nodes one routed hop away, which are known where
        these have an address for each of their links.
        """
        addresses = self.addresses_of(node)
        if addresses:
            return any(address.version == prefix.version and address in prefix for address in addresses)
        shared = min(SHORTEST_COMMON_PREFIX[prefix.version], prefix.prefixlen)
        for neighbour in layer3_neighbours(self._topology, node):
            networks = [n for n in self._topology.nodes[neighbour].addresses if n.version == prefix.version]
            if len(networks) < len(self._topology.links_of(neighbour)):
                return True
            if any(common_prefix(n.network_address, prefix.network_address) >= shared for n in networks):
                return True
        return False

    def _infer(self, text: str) -> str | None:
        """The one neighbour without an address of a router whose own address shares the subnet."""
        wanted = _read_address(text)
        if wanted is None:
            return None
        nearest: tuple[int, tuple[str, ...]] = (0, ())
        for node in self._topology.nodes.values():
            for network in node.addresses:
                if network.version != wanted.version:
                    continue
                bits = common_prefix(wanted, network.network_address)
                if bits < SHORTEST_COMMON_PREFIX[wanted.version] or bits < nearest[0]:
                    continue
                if bits > nearest[0]:
                    nearest = (bits, (node.id,))
                elif node.id not in nearest[1]:
                    nearest = (bits, (*nearest[1], node.id))
        silent = {
            neighbour
            for owner in nearest[1]
            for neighbour in layer3_neighbours(self._topology, owner)
            if not self._topology.nodes[neighbour].addresses and not self._has_another(neighbour, text)
        }
        return silent.pop() if len(silent) == 1 else None

    def _has_another(self, node: str, address: str) -> bool:
        """Whether what was learned of a node tells that this is not its address: a router has one for each subnet."""
        own = [known for known, owner in self._known.items() if owner == node]
        routes = self._topology.nodes[node].kind in ROUTING
        return any(not routes or _may_share_cable(known, address) for known in own)


def learn_addresses(topology: Topology, observations: Sequence[Observation]) -> AddressBook:
    """The addresses that the drawing states, and those that traceroutes, the logs of both ends of a session and what
    passes a host's own port give away."""
    learned = _learn_from_traces(topology, observations)
    learned |= _learn_from_sessions(topology, AddressBook(topology, learned), observations)
    learned |= _learn_from_ports(topology, AddressBook(topology, learned), observations)
    return AddressBook(topology, learned)


def recognise_end(
    book: AddressBook, ends: tuple[str, str], observations: Iterable[Observation]
) -> tuple[AddressBook, Caveat | None]:
    """The book with the address of the one end of the service that nothing names: of all with whom the other end is
    seen to exchange packets, the only one that is nobody's. A caveat says so.

    Where two are nobody's, either may be a host that is not drawn.
    """
    nameless = [end for end in ends if not book.addresses_of(end)]
    if len(nameless) != 1 or ends[0] == ends[1]:
        return book, None
    (silent,) = nameless
    known = next(end for end in ends if end != silent)
    partners: dict[str, TapCount] = {}
    for count in observations:
        if isinstance(count, TapCount):
            for here, there in ((count.source, count.destination), (count.destination, count.source)):
                if book.resolve(here) == known:
                    partners.setdefault(there, count)
    strangers = [address for address in partners if book.resolve(address) in (None, silent)]
    if len(strangers) != 1 or book.resolve(strangers[0]) is not None:
        return book, None
    (address,) = strangers
    count = partners[address]
    if not book.may_have_address_in(silent, ip_network(address)):
        return book, None
    reason = Phrase(
        "{address} is taken for that of {node}, which the drawing leaves out: "
        "nobody else unknown exchanged packets with {other}",
        address=address, node=silent, other=known,
    )  # fmt: skip
    return book.with_learned({address: silent}), Caveat(count.origin.file, count.locator, reason)


def _learn_from_traces(topology: Topology, observations: Iterable[Observation]) -> dict[str, str]:
    """A traceroute's last answer comes from its destination, which gives the destination's address away.

    Unless it did not arrive: an address that answers on the way elsewhere is a router's, and the farthest one counts.
    """
    farthest: dict[str, tuple[int, str]] = {}
    on_the_way: set[str] = set()
    for observation in observations:
        if not isinstance(observation, PathTrace) or not observation.hops:
            continue
        *passed, last = observation.hops
        on_the_way.update(hop.address for hop in passed if hop.address is not None)
        destination = topology.resolve(observation.destination)
        if destination is None or topology.nodes[destination].addresses or last.address is None:
            continue
        if topology.resolve(last.address) is None:
            farthest[destination] = max(farthest.get(destination, (0, "")), (last.number, last.address))
    return {address: node for node, (_, address) in farthest.items() if address not in on_the_way}


def _learn_from_sessions(topology: Topology, book: AddressBook, observations: Iterable[Observation]) -> dict[str, str]:
    """Neighbours that each name an address of one subnet as their peer's name each other's.

    A peer that only one device names may be a neighbour that is not drawn. Where the addresses of several neighbours
    stand in one subnet, the nearest decides; where two are as near, nothing does.
    """
    named: dict[str, set[str]] = defaultdict(set)
    for event in observations:
        if not isinstance(event, LogEvent) or event.kind not in SESSION_KINDS or event.peer is None:
            continue
        if event.device in topology.nodes and _read_address(event.peer) is not None:
            named[event.device].add(event.peer)
    learned: dict[str, str] = {}
    for device, peers in named.items():
        others = [other for other in layer3_neighbours(topology, device) if other in named]
        for peer in sorted(peers):
            if book.resolve(peer) is not None:
                continue
            near: dict[str, int] = {}
            for other in others:
                for own in named[other]:
                    if own != peer and book.resolve(own) in (None, device) and _may_share_cable(peer, own):
                        bits = common_prefix(ip_address(peer), ip_address(own))
                        near[other] = max(bits, near.get(other, 0))
            nearest = [other for other, bits in near.items() if bits == max(near.values())]
            if len(nearest) == 1:
                learned[peer] = nearest[0]
    return learned


def _learn_from_ports(topology: Topology, book: AddressBook, observations: Iterable[Observation]) -> dict[str, str]:
    """A host's own address takes part in all that passes its own port, and no other does.

    Of the two that do where it has one partner alone, it is the one that belongs to nobody else.
    """
    common: dict[tuple[str, int], set[str]] = {}
    for count in observations:
        if not isinstance(count, TapCount) or count.device not in topology.nodes:
            continue
        if topology.nodes[count.device].kind is NodeKind.HOST and not book.addresses_of(count.device):
            pair = {count.source, count.destination}
            key = (count.device, ip_address(count.source).version)
            common[key] = common.get(key, pair) & pair
    learned = {}
    for (host, _), shared in sorted(common.items()):
        own = [address for address in shared if book.resolve(address) in (None, host)]
        if len(own) == 1:
            learned[own[0]] = host
    return learned


def _read_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _may_share_cable(first: str, second: str) -> bool:
    """Whether two addresses may be the two ends of a cable."""
    one, other = ip_address(first), ip_address(second)
    return one.version == other.version and common_prefix(one, other) >= SHORTEST_COMMON_PREFIX[one.version]


def _within(text: str, prefix: IpNetwork) -> bool:
    address = ip_address(text)
    return address.version == prefix.version and address in prefix


def common_prefix(first: IPv4Address | IPv6Address, second: IPv4Address | IPv6Address) -> int:
    """How many leading bits two addresses of one version share."""
    return first.max_prefixlen - (int(first) ^ int(second)).bit_length()


def layer3_neighbours(topology: Topology, node: str, behind: str | None = None) -> set[str]:
    """The nodes one routed hop away: bridges (switches and transport without addresses) are looked through.

    `behind`: only those behind one of the node's links.
    """
    found: set[str] = set()
    seen = {node}
    queue = [node]
    while queue:
        here = queue.pop()
        for link in topology.links_of(here):
            there = link.far_end(here)
            if there in seen or (here == node and behind not in (None, link.component)):
                continue
            seen.add(there)
            beyond = topology.nodes[there]
            if beyond.kind in BRIDGES and not beyond.addresses:
                queue.append(there)
            else:
                found.add(there)
    return found
