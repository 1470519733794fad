"""One port, many spellings: logs, counters and drawings name the same interface differently."""

from __future__ import annotations

import re

from attribution.model.topology import Link, Topology

_SPLIT = re.compile(r"^([A-Za-z][A-Za-z-]*?)\s*([0-9][0-9/:.]*)?$")
_UNIT = re.compile(r"[.:][0-9]+$")
# Bundles by the name that the vendor's own tables show for them (H3C Comware, Cisco IOS XR interface references).
_SHORT = {"bridge-aggregation": "bagg", "route-aggregation": "ragg", "bundle-ether": "be"}
# Interfaces whose packets other ports count as well, or that pass none on: of the types softwareLoopback, l2vlan,
# l3ipvlan, ieee8023adLag, propVirtual, tunnel and bridge (RFC 7224), and ports for management, as Cisco IOS, IOS-XR and
# NX-OS, Junos, Huawei VRP, H3C Comware, Arista EOS, Nokia SR OS and Linux name them in their interface references.
_LOGICAL = frozenset({
    *("lo", "loopback", "null", "system", "dummy", "vlan", "vl", "vlanif", "vlan-interface", "irb", "bvi", "bdi"),
    *("vbdif", "vsi-interface", "br", "bridge", "docker", "virbr", "port-channel", "po", "bundle-ether", "be", "ae"),
    *("reth", "eth-trunk", "bridge-aggregation", "bagg", "route-aggregation", "ragg", "lag", "bond", "team"),
    *("tunnel", "tu", "tunnel-te", "tunnel-ip", "gre", "gretap", "ipip", "sit", "vti", "st", "vxlan", "nve", "geneve"),
    *("wg", "tun", "tap", "dialer", "virtual-access", "virtual-template"),
    *("mgmt", "management", "meth", "mgmteth", "m-gigabitethernet", "fxp", "me", "vme", "oob"),
})


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
    else:
        kind = _SHORT.get(kind, kind)
    return (kind[:2], match.group(2))


def is_logical(port: str) -> bool:
    """Whether a name is that of an interface whose packets come and go by other ports, or that passes none on.

    In a balance of a device's ports they would count twice, or for what it was never to send out again.
    """
    head = re.match(r"[a-z-]*", port.strip().lower())
    return head is not None and head.group().strip("-") in _LOGICAL


def parent_of(port: str) -> str:
    """The port that a subinterface or unit belongs to, by its name: `Gi0/1` for `Gi0/1.100`; else the name itself."""
    return _UNIT.sub("", port)


def find_link(topology: Topology, node: str, port: str) -> Link | None:
    """The link at a node's port, also where the log abbreviates the name or speaks of a unit or subinterface of it."""
    exact = topology.link_at(node, port)
    if exact is not None:
        return exact
    wanted = canonical_port(port)
    parent = canonical_port(parent_of(port))
    by_name = {
        canonical_port(link.interfaces[node]): link for link in topology.links_of(node) if node in link.interfaces
    }
    return by_name.get(wanted) or by_name.get(parent)
