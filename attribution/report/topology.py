"""A topology for reading: every device below its side, every link with who answers for it."""

from __future__ import annotations

from collections.abc import Iterator

from attribution.model.topology import Link, Node, Side, Topology
from attribution.report.layout import escape


def render_topology(topology: Topology) -> str:
    """Each side's devices and links, then the demarcation: the links that nobody owns."""
    sections = [f"{side}\n" + "".join(_side(topology, side)) for side in Side]
    nobodys = [_link(link) for link in topology.links.values() if link.side is None]
    if nobodys:
        sections.append("demarcation, nobody's\n" + "".join(nobodys))
    return "\n".join(sections)


def count_topology(topology: Topology) -> str:
    """One line on what a topology holds."""
    nodes = ", ".join(f"{sum(node.side is side for node in topology.nodes.values())} {side}'s" for side in Side)
    nobodys = sum(link.side is None for link in topology.links.values())
    return f"{len(topology.nodes)} nodes ({nodes}), {len(topology.links)} links ({nobodys} of them demarcation)\n"


def _side(topology: Topology, side: Side) -> Iterator[str]:
    for node in topology.nodes.values():
        if node.side is side:
            yield _node(node)
    for link in topology.links.values():
        if link.side is side:
            yield _link(link)


def _node(node: Node) -> str:
    operator = f", run by {node.operator}" if node.operator else ""
    addresses = " ".join(str(address) for address in node.addresses)
    return f"  {escape(node.id)}  {node.kind}{escape(operator)}  {addresses}".rstrip() + "\n"


def _link(link: Link) -> str:
    operator = f", run by {link.operator}" if link.operator else ""
    ports = " — ".join(f"{end} {link.interfaces.get(end, '')}".rstrip() for end in link.ends)
    return f"  {escape(link.component)}  link{escape(operator)}  {escape(ports)}\n"
