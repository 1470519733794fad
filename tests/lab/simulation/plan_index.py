"""A plan whose questions are answered from tables: the same answers, at once, on networks of any size."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, fields

from tests.lab.plan import Link, Node, Plan, Port


@dataclass(frozen=True, slots=True, eq=False)
class IndexedPlan(Plan):
    """A plan with its nodes, ports and links numbered."""

    all_ports: tuple[Port, ...] = ()
    far: tuple[int, ...] = ()
    """Number of the port at the other end of each port's link."""
    link_at: tuple[Link, ...] = ()
    node_number: dict[str, int] = field(default_factory=dict)
    owner: dict[int, str] = field(default_factory=dict)
    """Which role holds an address."""
    ports_of: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _nodes: dict[str, Node] = field(default_factory=dict)
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    _ports: dict[str, tuple[Port, ...]] = field(default_factory=dict)
    _links: dict[str, tuple[Link, ...]] = field(default_factory=dict)
    _joined: dict[tuple[str, str], Link] = field(default_factory=dict)
    _segments: dict[int, tuple[int, ...]] = field(default_factory=dict)

    @staticmethod
    def of(plan: Plan) -> IndexedPlan:
        """Number a plan."""
        ports = [end for link in plan.links for end in link.ends]
        numbers = {(port.role, port.device): number for number, port in enumerate(ports)}
        by_role: dict[str, list[int]] = {node.role: [] for node in plan.nodes}
        for number, port in enumerate(ports):
            by_role[port.role].append(number)
        owner = {int(port.address.ip): port.role for port in ports if port.address is not None}
        owner |= {int(node.loopback.ip): node.role for node in plan.nodes if node.loopback is not None}
        joined: dict[tuple[str, str], Link] = {}
        for link in plan.links:
            one, other = link.ends[0].role, link.ends[1].role
            joined.setdefault((one, other), link)
            joined.setdefault((other, one), link)
        basic = {item.name: getattr(plan, item.name) for item in fields(Plan)}
        return IndexedPlan(
            **basic, all_ports=tuple(ports), far=tuple(number ^ 1 for number in range(len(ports))),
            link_at=tuple(link for link in plan.links for _ in link.ends),
            node_number={node.role: number for number, node in enumerate(plan.nodes)}, owner=owner,
            ports_of={role: tuple(found) for role, found in by_role.items()},
            _nodes={node.role: node for node in plan.nodes}, _numbers=numbers,
            _ports={role: tuple(ports[number] for number in found) for role, found in by_role.items()},
            _links={role: tuple(plan.links[number // 2] for number in found) for role, found in by_role.items()},
            _joined=joined,
        )

    def number_of(self, port: Port) -> int:
        """The number of a port."""
        return self._numbers[port.role, port.device]

    def number_of_device(self, role: str, device: str) -> int:
        """The number of a port, by the name that the kernel has for it."""
        return self._numbers[role, device]

    def node(self, role: str) -> Node:
        """The node of that role."""
        return self._nodes[role]

    def has(self, role: str) -> bool:
        """Whether the shape has a node of that role."""
        return role in self._nodes

    def ports(self, role: str) -> tuple[Port, ...]:
        """The ports of a node, in the order of its interfaces."""
        return self._ports[role]

    def links_of(self, role: str) -> tuple[Link, ...]:
        """The links that end at a node."""
        return self._links[role]

    def link(self, one: str, other: str) -> Link:
        """The link that runs directly between two roles."""
        return self._joined[one, other]

    def link_of_port(self, port: Port) -> Link:
        """The link that a port ends."""
        return self.link_at[self.number_of(port)]

    def neighbours(self, role: str) -> tuple[str, ...]:
        """Roles at the far ends of a node's links."""
        return tuple(self.all_ports[self.far[number]].role for number in self.ports_of[role])

    def segment(self, port: Port) -> tuple[Port, ...]:
        """All addressed ports that a port reaches without crossing a router, itself included."""
        return tuple(self.all_ports[number] for number in self.segment_numbers(self.number_of(port)))

    def segment_numbers(self, number: int) -> tuple[int, ...]:
        """The same by number, worked out once."""
        known = self._segments.get(number)
        if known is None:
            seen: set[int] = set()
            waiting = [number]
            while waiting:
                current = waiting.pop()
                if current in seen:
                    continue
                seen.add(current)
                waiting.append(self.far[current])
                if self._nodes[self.all_ports[current].role].forwards_frames:
                    waiting.extend(self.ports_of[self.all_ports[current].role])
            found = [item for item in seen if self.all_ports[item].address is not None]
            known = tuple(sorted(found, key=lambda item: (self.all_ports[item].role, item)))
            for item in known:
                self._segments[item] = known
        return known

    def holder(self, address: ipaddress.IPv4Address) -> str | None:
        """The role that holds an address."""
        return self.owner.get(int(address))
