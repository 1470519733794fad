"""Incidents on networks of any size, by seed: a customer's sites and clouds, joined by a provider's core with ECMP.

    host ─ switch ─ customer edge ═ provider edge ─ 4 aggregation routers ─ 2 cores each ─ …
    … ─ 4 aggregation routers ─ provider edge ─ gateway ─ switch ─ host

One component on the service's way loses packets for two minutes, and so do a few elsewhere that have nothing to do with
the complaint. Flows between hosts all over the network are counted in windows of half a minute: most with the path they
took, one in ten with all the paths that they may have taken. What is lost is drawn packet by packet from what the
components on the path lose; nothing else tells where the fault is.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy
import pyarrow
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

PLANES = 4
CORES_OF_A_PLANE = 2
EDGES_OF_A_POD = 4
ATTACHED_TO_AN_EDGE = 4
SWITCHES_OF_A_SITE = 2
HOSTS_OF_A_SWITCH = 3
START_S = 1_795_428_000  # 2026-11-23T10:00:00Z
WINDOW_S, WINDOWS = 30, 10
FAULT_BEGINS, FAULT_ENDS = 3, 7  # windows
PROBES_EACH_S = 10
HEALTHY_RATE = 1e-5
STRANGERS_AT_FAULT = 3
WITH_CANDIDATES = 0.1
NEIGHBOURS = 0.2
FAULTS = ("customer edge", "site switch", "site cable", "provider edge", "gateway", "gateway cable", "aggregation")


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: the bundle's folder, and the truth that its verdict is held against."""

    folder: Path
    links: int
    rows: int
    party: str
    component: str


class Network:
    """Nodes and links, and for each host the way up: host, switch, edge of the site or gateway, provider edge."""

    def __init__(self, links: int) -> None:
        self.nodes: list[dict[str, object]] = []
        self.links: list[dict[str, object]] = []
        self.way_up: dict[str, tuple[str, str, str, str]] = {}
        self.pod_of: dict[str, int] = {}
        self.hosts: dict[str, list[str]] = {"site": [], "cloud": []}
        self._wanted = links
        for plane in range(PLANES):
            for core in range(CORES_OF_A_PLANE):
                self._node(f"core{plane}-{core}", "provider", "router")
        pod = 0
        while len(self.links) < links:
            self._pod(pod)
            pod += 1

    def _node(self, name: str, side: str, kind: str) -> None:
        number = len(self.nodes)
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        self.nodes.append({"id": name, "side": side, "kind": kind, "addresses": [address]})

    def _link(self, source: str, target: str, **more: object) -> None:
        number = len(self.links)
        self.links.append(
            {"source": source, "target": target, "interfaces": {source: f"to-{target}", target: f"to-{source}"}, **more}
            if number % 2
            else {"source": source, "target": target, **more}
        )

    def _pod(self, pod: int) -> None:
        for plane in range(PLANES):
            self._node(f"agg{pod}-{plane}", "provider", "router")
            for core in range(CORES_OF_A_PLANE):
                self._link(f"agg{pod}-{plane}", f"core{plane}-{core}")
        for edge in range(EDGES_OF_A_POD):
            name = f"pe{pod}-{edge}"
            self._node(name, "provider", "router")
            for plane in range(PLANES):
                self._link(name, f"agg{pod}-{plane}")
            for place in range(ATTACHED_TO_AN_EDGE):
                if len(self.links) < self._wanted:
                    self._site(name, pod, f"{pod}-{edge}-{place}", cloud=bool(edge % 2))

    def _site(self, edge: str, pod: int, name: str, cloud: bool) -> None:
        """A site of the customer behind its edge router, or a part of its cloud behind the provider's gateway."""
        top = f"gw{name}" if cloud else f"ce{name}"
        self._node(top, "provider" if cloud else "customer", "gateway" if cloud else "router")
        self._link(edge, top)
        for switch in range(SWITCHES_OF_A_SITE):
            below = f"sw{name}-{switch}"
            self._node(below, "provider" if cloud else "customer", "switch")
            self._link(top, below)
            for host in range(HOSTS_OF_A_SWITCH):
                leaf = f"h{name}-{switch}-{host}"
                self._node(leaf, "customer", "host")
                self._link(below, leaf, **({"side": "provider"} if cloud else {}))
                self.hosts["cloud" if cloud else "site"].append(leaf)
                self.way_up[leaf] = (leaf, below, top, edge)
                self.pod_of[leaf] = pod

    def paths(self, source: str, destination: str) -> list[tuple[str, ...]]:
        """All shortest paths between two hosts."""
        up, down = self.way_up[source], self.way_up[destination]
        for meeting in range(len(up)):
            if up[meeting] == down[meeting]:
                return [(*up[: meeting + 1], *reversed(down[:meeting]))]
        here, there = self.pod_of[source], self.pod_of[destination]
        if here == there:
            return [(*up, f"agg{here}-{plane}", *reversed(down)) for plane in range(PLANES)]
        return [
            (*up, f"agg{here}-{plane}", f"core{plane}-{core}", f"agg{there}-{plane}", *reversed(down))
            for plane in range(PLANES)
            for core in range(CORES_OF_A_PLANE)
        ]


def make_incident(folder: Path, links: int, seed: int, rows: int | None = None, parquet: bool = False) -> Made:
    """Write a bundle of about this many links, with ten flow records for each unless `rows` says how many."""
    rng = random.Random(seed)
    network = Network(links)
    rows = 10 * len(network.links) if rows is None else rows
    ends = (rng.choice(network.hosts["site"]), rng.choice(network.hosts["cloud"]))
    fault = FAULTS[seed % len(FAULTS)]
    rates = {_component_at_fault(fault, ends, network, rng): _rate(fault, rng)}
    component = next(iter(rates))
    service_way = {name for path in network.paths(*ends) for name in path}
    for _ in range(STRANGERS_AT_FAULT):
        stranger = str(rng.choice(network.nodes)["id"])
        if stranger not in service_way and not stranger.startswith("h"):
            rates.setdefault(stranger, rng.uniform(0.05, 0.5))
    folder.mkdir(parents=True)
    graph = {"directed": False, "multigraph": False, "graph": {}, "nodes": network.nodes, "edges": network.links}
    (folder / "topology.json").write_text(json.dumps(graph), encoding="utf-8")
    draws = numpy.random.default_rng(seed)
    table = _flows(network, ends, rates, rows, rng, draws)
    name = "flows.parquet" if parquet else "flows.csv"
    if parquet:
        pyarrow.parquet.write_table(table, folder / name)
    else:
        plain = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
        with (folder / name).open("wb") as file:
            file.write((",".join(table.column_names) + "\n").encode())
            pyarrow.csv.write_csv(table, file, plain)
    (folder / "probes.csv").write_text(_probes(network, ends, rates, draws), encoding="utf-8")
    (folder / "incident.yaml").write_text(_statement(ends, name, links, seed), encoding="utf-8")
    customer = fault in ("customer edge", "site switch", "site cable")
    return Made(folder, len(network.links), rows, "customer" if customer else "provider", component)


def _component_at_fault(fault: str, ends: tuple[str, str], network: Network, rng: random.Random) -> str:
    site, cloud = network.way_up[ends[0]], network.way_up[ends[1]]
    near = f"agg{network.pod_of[ends[0]]}-{rng.randrange(PLANES)}"
    return {
        "customer edge": site[2],
        "site switch": site[1],
        "site cable": link_name(site[1], site[2]),
        "provider edge": site[3],
        "gateway": cloud[2],
        "gateway cable": link_name(cloud[1], cloud[2]),
        "aggregation": near,
    }[fault]


def _rate(fault: str, rng: random.Random) -> float:
    """Traffic is spread over four aggregation routers: what one of them loses is a quarter of it."""
    return rng.uniform(0.6, 0.9) if fault == "aggregation" else rng.uniform(0.15, 0.6)


def link_name(one: str, other: str) -> str:
    return "--".join(sorted((one, other)))


def _passes(path: tuple[str, ...], rates: dict[str, float]) -> float:
    """The share of packets that pass every component of a path while the faults last."""
    passed = 1.0
    for name in path:
        if name in rates:
            passed *= 1.0 - rates[name]
    for here, there in pairwise(path):
        passed *= 1.0 - rates.get(link_name(here, there), 0.0)
    return passed


def _flows(
    network: Network,
    ends: tuple[str, str],
    rates: dict[str, float],
    rows: int,
    rng: random.Random,
    draws: numpy.random.Generator,
) -> pyarrow.Table:
    sources, destinations, paths, passed = [], [], [], numpy.empty(rows)
    for row, (source, destination) in enumerate(_pairs(network, ends, rows, rng)):
        ways = network.paths(source, destination)
        taken = rng.choice(ways)
        shown = ways if rng.random() < WITH_CANDIDATES else [taken]
        sources.append(source)
        destinations.append(destination)
        paths.append("|".join(map(">".join, shown)))
        passed[row] = _passes(taken, rates)
    window = draws.integers(0, WINDOWS, rows)
    sent = draws.integers(50, 2000, rows)
    lossy = (window >= FAULT_BEGINS) & (window < FAULT_ENDS)
    lost = draws.binomial(sent, 1.0 - (1.0 - HEALTHY_RATE) * numpy.where(lossy, passed, 1.0))
    columns: dict[str, list[str] | NDArray[numpy.int64]] = {
        "time": START_S + WINDOW_S * window,
        "source": sources,
        "destination": destinations,
        "path": paths,
        "sent": sent,
        "lost": lost,
        "protocol": numpy.array(["tcp", "udp"])[draws.integers(0, 2, rows)].tolist(),
    }
    return pyarrow.table(columns)


def _pairs(network: Network, ends: tuple[str, str], rows: int, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Hosts that talk: a site's with a cloud's, or neighbours; every five hundredth pair is the service's ends."""
    site, cloud = network.hosts["site"], network.hosts["cloud"]
    for row in range(rows):
        pair = ends if row % 500 == 0 else (rng.choice(site), rng.choice(cloud))
        if row % 500 and rng.random() < NEIGHBOURS:
            hosts = rng.choice((site, cloud))
            at = rng.randrange(len(hosts))
            pair = (hosts[at], hosts[at - 1 - rng.randrange(SWITCHES_OF_A_SITE * HOSTS_OF_A_SWITCH)])
        yield pair if rng.random() < 0.5 else pair[::-1]


def _probes(network: Network, ends: tuple[str, str], rates: dict[str, float], draws: numpy.random.Generator) -> str:
    """Pings between the service's ends each second, spread over its paths as the flows are."""
    ways = network.paths(*ends)
    lines = ["time,source,destination,kind,sent,received,rtt_avg_ms,rtt_max_ms"]
    for second in range(WINDOW_S * WINDOWS):
        lossy = FAULT_BEGINS * WINDOW_S <= second < FAULT_ENDS * WINDOW_S
        received = 0
        for way in draws.choice(len(ways), PROBES_EACH_S):
            passes = _passes(ways[way], rates) ** 2 if lossy else 1.0 - HEALTHY_RATE
            received += int(draws.random() < passes)
        times = "1.0,2.0" if received else ","
        lines.append(f"{START_S + second},{ends[0]},{ends[1]},icmp,{PROBES_EACH_S},{received},{times}")
    return "\n".join(lines) + "\n"


def _statement(ends: tuple[str, str], flows: str, links: int, seed: int) -> str:
    return f"""\
schema: 1
id: LARGE-{links}-{seed}
title: Packets lost on a network of {links} links
agreement: tencent-cross-region-connection
service:
  ends: [{ends[0]}, {ends[1]}]
window:
  start: {START_S + FAULT_BEGINS * WINDOW_S}
  end: {START_S + FAULT_ENDS * WINDOW_S}
topology: topology.json
evidence:
  - file: probes.csv
    type: probes
    supplied_by: customer
  - file: {flows}
    type: flows
    supplied_by: provider
"""
