"""Names, vendors, addresses and interface names are drawn by seed, so that nobody can learn the answer from a name."""

from __future__ import annotations

import ipaddress
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.lab.plan import BRIDGES, Kind, Link, Node, Plan, Port, Side, Vendor
from tests.lab.shapes import UNLISTED, Shape, side_of

_OPERATORS = ("MetroFibre Ltd", "Carrier One", "East Ring Telecom", "Delta Optical", "Northline Networks")

_VENDORS: dict[Kind, tuple[Vendor, ...]] = {
    Kind.HOST: (Vendor.LINUX,),
    Kind.SWITCH: (Vendor.CISCO, Vendor.HUAWEI, Vendor.H3C, Vendor.ARISTA),
    Kind.TRANSPORT: (Vendor.CISCO, Vendor.HUAWEI, Vendor.H3C),
    Kind.FIREWALL: (Vendor.HUAWEI, Vendor.H3C, Vendor.JUNIPER, Vendor.LINUX),
    Kind.GATEWAY: (Vendor.FRR, Vendor.HUAWEI, Vendor.H3C),
    Kind.ROUTER: (Vendor.CISCO, Vendor.HUAWEI, Vendor.H3C, Vendor.JUNIPER, Vendor.ARISTA, Vendor.FRR),
}

_PORT_FORMS: dict[Vendor, tuple[str, ...]] = {
    Vendor.CISCO: ("GigabitEthernet0/{}", "GigabitEthernet0/0/{}", "TenGigabitEthernet1/{}"),
    Vendor.HUAWEI: ("GigabitEthernet0/0/{}", "GE1/0/{}", "XGigabitEthernet0/0/{}"),
    Vendor.H3C: ("GigabitEthernet1/0/{}", "Ten-GigabitEthernet1/0/{}"),
    Vendor.JUNIPER: ("ge-0/0/{}", "xe-0/1/{}"),
    Vendor.ARISTA: ("Ethernet{}", "Ethernet1/{}"),
    Vendor.FRR: ("eth{}",),
    Vendor.LINUX: ("eth{}",),
}

_MAC_PREFIXES = ("00:1b:54", "00:e0:fc", "3c:8c:40", "2c:6b:f5", "52:54:00", "f4:1d:6b")

_STEMS: dict[Kind, tuple[str, ...]] = {
    Kind.HOST: ("srv", "app", "node", "vm", "erp"),
    Kind.SWITCH: ("swt", "acc", "sw", "lan"),
    Kind.ROUTER: ("rtr", "r", "br", "net", "x"),
    Kind.GATEWAY: ("gw", "vg", "r"),
    Kind.FIREWALL: ("sec", "asa", "fw"),
    Kind.TRANSPORT: ("ntu", "tx", "olt"),
}
"""Routers of both sides draw from the same stems: a name must not tell whose router it is."""


@dataclass(frozen=True, slots=True)
class _Pools:
    """The address ranges of one recording; no two of them overlap."""

    site_a: ipaddress.IPv4Network
    other_subnets: Iterator[ipaddress.IPv4Network]
    """For the customer's other hosts, where its switch routes."""
    site_b: ipaddress.IPv4Network
    transit: Iterator[ipaddress.IPv4Network]
    core: Iterator[ipaddress.IPv4Network]
    tenants: Iterator[ipaddress.IPv4Network]


def draw_plan(shape: Shape, seed: int, names: str) -> Plan:
    """The same shape, seed and naming ("generic" or "random") always give the same network."""
    dice = random.Random(f"plan {shape.name} {seed}")
    nodes = _draw_nodes(shape, dice, generic=names == "generic")
    plan = Plan(
        shape=shape.name, seed=seed, nodes=nodes, links=_draw_links(shape, nodes, dice), ends=("host-a", "host-b")
    )
    return _with_addresses(plan, dice)


def _draw_nodes(shape: Shape, dice: random.Random, generic: bool) -> tuple[Node, ...]:
    """Vendors, names, operators, AS numbers and loopbacks for each role."""
    customer_asn, far_asn, provider_asn = dice.sample(range(64512, 65500), 3)
    third = dice.randrange(1, 250)
    taken: set[str] = set()
    stems = {kind: dice.choice(choices) for kind, choices in _STEMS.items()}
    nodes = []
    for number, role in enumerate(shape.roles, start=1):
        kind, side = shape.kind(role), side_of(role)
        routes = kind in (Kind.ROUTER, Kind.GATEWAY) and role != "sw1"
        own_asn = provider_asn if side is Side.PROVIDER else far_asn if role == "ce2" else customer_asn
        nodes.append(
            Node(
                role=role,
                name=role if generic else _draw_name(stems[kind], taken, dice),
                side=side,
                kind=kind,
                vendor=dice.choice(_VENDORS[kind]),
                operator=dice.choice(_OPERATORS) if kind is Kind.TRANSPORT else None,
                asn=own_asn if routes else None,
                loopback=ipaddress.IPv4Interface(f"10.255.{third}.{number}/32") if routes else None,
                listed=role not in UNLISTED,
            )
        )
    return tuple(nodes)


def _draw_name(stem: str, taken: set[str], dice: random.Random) -> str:
    """A name that no other node of the network has."""
    while (name := f"{stem}{dice.randrange(10, 99)}") in taken:
        pass
    taken.add(name)
    return name


def _draw_links(shape: Shape, nodes: tuple[Node, ...], dice: random.Random) -> tuple[Link, ...]:
    """Ports in the vendors' own naming; unlisted links come last, on ports of higher number."""
    by_role = {node.role: node for node in nodes}
    forms = {node.role: dice.choice(_PORT_FORMS[node.vendor]) for node in nodes}
    first = {node.role: 0 if node.vendor in (Vendor.FRR, Vendor.LINUX) else dice.choice((0, 0, 1)) for node in nodes}
    prefixes = {node.role: dice.choice(_MAC_PREFIXES) for node in nodes}
    used = dict.fromkeys(by_role, 0)
    tag = dice.randrange(2, 4000) if dice.random() < 0.35 else None

    def port(role: str) -> Port:
        number = used[role]
        used[role] += 1
        tail = ":".join(f"{dice.randrange(256):02x}" for _ in range(3))
        return Port(role, forms[role].format(first[role] + number), f"eth{number}", None, f"{prefixes[role]}:{tail}")

    ordered = sorted(shape.links, key=lambda pair: bool(UNLISTED & set(pair)))
    links = []
    for number, (one, other) in enumerate(ordered):
        sides = {by_role[one].side, by_role[other].side}
        listed = not UNLISTED & {one, other}
        access = {one, other} <= {"ce1", "lm1", "lm2", "pe1"} and listed
        side = sides.pop() if len(sides) == 1 else None
        links.append(Link(number, (port(one), port(other)), side, listed, tag if access else None))
    return tuple(links)


def _draw_pools(dice: random.Random) -> _Pools:
    """Private and documentation ranges, of which no two overlap."""
    site_a = dice.choice(
        (f"192.168.{dice.randrange(1, 250)}.0/24", f"10.{dice.randrange(128, 250)}.{dice.randrange(256)}.0/24")
    )
    transit = dice.choice(
        (f"172.{dice.randrange(24, 31)}.{dice.randrange(256)}.0/24", f"100.{dice.randrange(65, 127)}.9.0/24",
         "198.51.100.0/24", "192.0.2.0/24")
    )
    core = ipaddress.IPv4Network(f"10.{dice.randrange(16, 120)}.{dice.randrange(256)}.0/24")
    # A large backbone has more links than fit there: it goes on in the rest of the same /16.
    more = (subnet for rest in core.supernet(new_prefix=16).address_exclude(core)
            for subnet in rest.subnets(new_prefix=30))
    return _Pools(
        site_a=ipaddress.IPv4Network(site_a),
        other_subnets=ipaddress.IPv4Network(f"10.{dice.randrange(121, 127)}.0.0/16").subnets(new_prefix=24),
        site_b=ipaddress.IPv4Network(f"172.{dice.randrange(16, 23)}.{dice.randrange(256)}.0/24"),
        transit=ipaddress.IPv4Network(transit).subnets(new_prefix=30),
        core=itertools.chain(core.subnets(new_prefix=30), more),
        tenants=ipaddress.IPv4Network("203.0.113.0/24").subnets(new_prefix=28),
    )


def _with_addresses(plan: Plan, dice: random.Random) -> Plan:
    """Each segment gets a subnet; routers stand at its low addresses, hosts higher up."""
    pools = _draw_pools(dice)
    addresses: dict[Port, ipaddress.IPv4Interface] = {}
    for segment in _segments(plan):
        subnet = _subnet(plan, segment, pools)
        routers = [port for port in segment if plan.node(port.role).kind is not Kind.HOST]
        hosts = [port for port in segment if plan.node(port.role).kind is Kind.HOST]
        for number, port in enumerate(sorted(routers, key=lambda port: not port.role.startswith("p")), start=1):
            addresses[port] = ipaddress.IPv4Interface(f"{subnet.network_address + number}/{subnet.prefixlen}")
        room = range(20, 250) if subnet.prefixlen == 24 else range(4, 14)
        for port, number in zip(hosts, dice.sample(room, len(hosts)), strict=True):
            addresses[port] = ipaddress.IPv4Interface(f"{subnet.network_address + number}/{subnet.prefixlen}")
    links = tuple(
        replace(
            link,
            ends=(
                replace(link.ends[0], address=addresses.get(link.ends[0])),
                replace(link.ends[1], address=addresses.get(link.ends[1])),
            ),
        )
        for link in plan.links
    )
    return replace(plan, links=links)


def _segments(plan: Plan) -> Iterator[tuple[Port, ...]]:
    """The groups of ports that share a subnet: joined by links, switches and transport nodes."""
    seen: set[Port] = set()
    for link in plan.links:
        for start in link.ends:
            if start in seen or plan.node(start.role).kind in BRIDGES:
                continue
            group: list[Port] = []
            waiting, visited = [start], set[Port]()
            while waiting:
                port = waiting.pop()
                if port in visited:
                    continue
                visited.add(port)
                waiting.append(plan.link_of_port(port).far_port(port.role))
                if plan.node(port.role).kind in BRIDGES:
                    waiting.extend(plan.ports(port.role))
                else:
                    group.append(port)
            seen.update(group)
            yield tuple(sorted(group, key=lambda port: (port.role, port.device)))


def _subnet(plan: Plan, segment: tuple[Port, ...], pools: _Pools) -> ipaddress.IPv4Network:
    """Which range a segment belongs to follows from who stands on it."""
    roles = {port.role for port in segment}
    if "host-a" in roles:
        return pools.site_a
    if "host-b" in roles:
        return pools.site_b
    if roles & {"host-c", "office"}:
        return next(pools.other_subnets)
    if roles & UNLISTED:
        return next(pools.tenants)
    sides = {plan.node(role).side for role in roles}
    return next(pools.core) if sides == {Side.PROVIDER} else next(pools.transit)
