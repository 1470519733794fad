"""Which way packets take: hosts send to their gateway, bridges pass frames on, routers look up the longest prefix."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from tests.lab.plan import Kind
from tests.lab.simulation.fabric import Element, Fabric
from tests.lab.simulation.rules import Packet

_LONGEST_LIFE = 64
"""The time to live with which Linux sends packets."""

NextHops = Callable[[str, int], tuple[int, tuple[tuple[int, int], ...]]]
"""What the routing protocols say of a destination: how wide the prefix is, and ports with the next hop's address."""


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """The way of a kind of packet from its source, as far as it comes."""

    crossings: tuple[tuple[int, int], ...]
    """Ports left and entered, one pair per link."""
    stops: tuple[tuple[str, int], ...]
    """The nodes that handle the packet as IP after its source, and how many links were crossed until there."""
    arrives: bool
    elements: tuple[Element, ...]
    """What may filter the packet, in its order; four per link, and one where a node forwards or takes it."""
    link_of_element: tuple[int, ...]
    """For each element, which crossing it belongs to; for a node, the crossing before it."""
    dies_unlooked: bool
    """Whether the last node drops the packet before it would answer that its life is over: no route, or the void."""
    unsent_at: int | None = None
    """The port without a carrier by which a node would have to send it on."""

    @property
    def end(self) -> str:
        """The node at which it ends."""
        return self.stops[-1][0] if self.stops else ""


class Forwarding:
    """Ways through the fabric as it stands; remembered until a route or a link changes."""

    def __init__(self, fabric: Fabric, next_hops: NextHops) -> None:
        self._fabric, self._plan, self._next_hops = fabric, fabric.indexed, next_hops
        self._ways: dict[tuple[str, Packet], Way] = {}
        self._decisions: dict[tuple[str, int], tuple[tuple[int, int], ...]] = {}
        self._bridged: dict[tuple[int, int], tuple[tuple[int, int], ...]] = {}
        self._neighbours: dict[int, dict[int, int]] = {}
        self._subnets = {
            node.role: tuple(
                (number, int(port.address.network.network_address), int(port.address.network.broadcast_address))
                for number in self._plan.ports_of[node.role]
                for port in (self._plan.all_ports[number],) if port.address is not None
            )
            for node in self._plan.nodes
        }
        self._defaults = {node.role: self._default(node.role) for node in self._plan.nodes}
        self._behind = self._subnets_behind()

    def forget(self) -> None:
        """A route or a link changed."""
        self._ways.clear()
        self._decisions.clear()

    def way(self, source: str, packet: Packet) -> Way:
        """The way of such a packet from a node."""
        key = (source, packet)
        known = self._ways.get(key)
        if known is None:
            known = self._ways[key] = self._walk(source, packet)
        return known

    def source_address(self, role: str, destination: int) -> int:
        """The address from which a node sends to a destination: that of the port it leaves by."""
        hops = self._decide(role, destination)
        address = self._plan.all_ports[hops[0][0]].address if hops else None
        return int(address.ip) if address is not None else int(self._plan.address(role))

    # ------------------------------------------------------------ walking

    def _walk(self, source: str, packet: Packet) -> Way:
        crossings: list[tuple[int, int]] = []
        stops: list[tuple[str, int]] = []
        elements: list[Element] = []
        places: list[int] = []
        role, arrives, unlooked, unsent = source, False, False, None
        for life in range(_LONGEST_LIFE):
            if self._holds(role, packet.destination):
                arrives = True
                elements.append(("end", self._plan.node_number[role]))
                places.append(len(crossings))
                break
            hops = self._decide(role, packet.destination)
            if not hops:
                unlooked = True
                break
            if life:
                elements.append(("node", self._plan.node_number[role]))
                places.append(len(crossings) - 1)
            leaving, address = hops[0] if len(hops) == 1 else hops[_flow_number(packet, role) % len(hops)]
            target = self._neighbour(leaving, address)
            if target is None:
                break
            lost = False
            for out, into in self._bridge_way(leaving, target):
                if not self._fabric.carries(out):
                    lost = True
                    unsent = out if out == leaving else None
                    break
                number = len(crossings)
                crossings.append((out, into))
                elements += (("out", out), ("queue", out), ("cable", out), ("in", into))
                places += (number, number, number, number)
            if lost:
                break
            role = self._plan.all_ports[target].role
            stops.append((role, len(crossings)))
        return Way(tuple(crossings), tuple(stops), arrives, tuple(elements), tuple(places), unlooked,
                   unsent)

    def _holds(self, role: str, address: int) -> bool:
        return self._plan.owner.get(address) == role or address in self._fabric.state.extra_addresses.get(role, ())

    def _decide(self, role: str, destination: int) -> tuple[tuple[int, int], ...]:
        key = (role, destination)
        known = self._decisions.get(key)
        if known is None:
            known = self._decisions[key] = self._look_up(role, destination)
        return known

    def _look_up(self, role: str, destination: int) -> tuple[tuple[int, int], ...]:
        """The longest prefix wins; among equals what is connected, then what was set by hand, then the protocols."""
        found: list[tuple[int, int, tuple[tuple[int, int], ...]]] = []
        for number, low, high in self._subnets[role]:
            if low <= destination <= high and self._fabric.state.admin_up[number]:
                found.append((high - low, 0, ((number, destination),)))
        for _, route in self._fabric.state.statics.get(role, ()):
            if route.low <= destination <= route.high:
                hops = () if route.next_hop is None else self._towards(role, route.next_hop)
                found.append((route.high - route.low, 1, hops))
        for low, high, address in self._behind.get(role, ()):
            if low <= destination <= high:
                found.append((high - low, 1, self._towards(role, address)))
        if self._plan.node(role).routes:
            width, hops = self._next_hops(role, destination)
            if hops:
                found.append((width, 20, hops))
        if found:
            return min(found, key=lambda entry: entry[:2])[2]
        default = self._defaults[role]
        return self._towards(role, default) if default is not None else ()

    def _towards(self, role: str, address: int) -> tuple[tuple[int, int], ...]:
        """The port whose subnet a next hop stands in."""
        for number, low, high in self._subnets[role]:
            if low <= address <= high:
                return ((number, address),)
        return ()

    def _neighbour(self, port: int, address: int) -> int | None:
        """The port on a segment that answers for an address."""
        table = self._neighbours.get(port)
        if table is None:
            table = {}
            for number in self._plan.segment_numbers(port):
                held = self._plan.all_ports[number].address
                if held is not None:
                    table[int(held.ip)] = number
            self._neighbours[port] = table
        claimed = self._fabric.state.heard_at.get(address)
        if claimed is not None:
            for number in self._plan.segment_numbers(port):
                if self._plan.all_ports[number].role == claimed and number != port:
                    return number
        return table.get(address)

    def _bridge_way(self, start: int, target: int) -> tuple[tuple[int, int], ...]:
        """The links from port to port on a segment, over whatever bridges stand between."""
        known = self._bridged.get((start, target))
        if known is not None:
            return known
        came_by: dict[int, tuple[int, int] | None] = {start: None}
        waiting = deque([start])
        answer: tuple[tuple[int, int], ...] = ()
        while waiting:
            out = waiting.popleft()
            into = self._plan.far[out]
            if into == target:
                chain = [(out, into)]
                before = came_by[out]
                while before is not None:
                    chain.append(before)
                    before = came_by[before[0]]
                answer = tuple(reversed(chain))
                break
            role = self._plan.all_ports[into].role
            if self._plan.node(role).forwards_frames:
                for number in self._plan.ports_of[role]:
                    if number != into and number not in came_by:
                        came_by[number] = (out, into)
                        waiting.append(number)
        self._bridged[start, target] = answer
        return answer

    def _default(self, role: str) -> int | None:
        """The gateway of hosts, and of the firewall or routing switch before the customer's edge."""
        if self._plan.node(role).kind is Kind.HOST:
            return int(self._plan.address_towards(role, self._plan.gateway(role)))
        if role == self._plan.inner_gateway:
            return int(self._plan.address_towards(role, "ce1"))
        return None

    def _subnets_behind(self) -> dict[str, tuple[tuple[int, int, int], ...]]:
        """The customer's edge knows by hand what stands behind its firewall or routing switch."""
        inner = self._plan.inner_gateway
        if inner is None:
            return {}
        hop = int(self._plan.address_towards("ce1", inner))
        spans = {
            (int(port.address.network.network_address), int(port.address.network.broadcast_address), hop)
            for node in self._plan.nodes if node.kind is Kind.HOST and self._plan.gateway(node.role) == inner
            for port in self._plan.ports(node.role) if port.address is not None
        }
        return {"ce1": tuple(sorted(spans))}


def _flow_number(packet: Packet, role: str) -> int:
    """Routers choose among equal paths by flow: echoes by their addresses, the others by their ports as well."""
    text = f"{packet.source} {packet.destination} {packet.protocol}"
    if packet.protocol != "icmp":
        text += f" {packet.source_port} {packet.destination_port}"
    return zlib.crc32(f"{text} {role}".encode()) >> 4

