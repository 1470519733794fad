"""One port, many spellings: logs, counters and drawings name the same interface differently."""

from __future__ import annotations

import re

from attribution.model.topology import Link, Topology

_SPLIT = re.compile(r"^([A-Za-z][A-Za-z-]*?)\s*([0-9][0-9/:.]*)?$")


def canonical_port(name: str) -> tuple[str, str]:
    """A port's type, in two letters, and its numbers: `GigabitEthernet0/1`, `Gi0/1` and `GE0/1` are one port.

    Names without digits stand for themselves.
    """
    match = _SPLIT.match(name.strip())
    if match is None or match.group(2) is None:
        return (name.strip().lower(), "")
    kind = match.group(1).lower().rstrip("-")
    if kind.startswith("gigabit") or kind in ("ge", "gig"):
        kind = "gi"
    elif kind.startswith(("ten", "xg")) or kind == "xe":
        kind = "te"
    return (kind[:2], match.group(2))


def find_link(topology: Topology, node: str, port: str) -> Link | None:
    """The link at a node's port, also where the log abbreviates the name or speaks of a unit or subinterface of it."""
    exact = topology.link_at(node, port)
    if exact is not None:
        return exact
    wanted = canonical_port(port)
    parent = canonical_port(re.sub(r"[.:][0-9]+$", "", port))
    by_name = {
        canonical_port(link.interfaces[node]): link for link in topology.links_of(node) if node in link.interfaces
    }
    return by_name.get(wanted) or by_name.get(parent)
