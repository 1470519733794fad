"""What a bundle's remaining evidence still measures: which stretches lost packets, and how far walks got.

Files are read, not the recording: what counts is what a reader of the bundle would see. Whole files are compared, not
seconds of them, so that a clock's error does not matter: a stretch that lost nothing throughout the recording lost
nothing during the fault.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx
import yaml

_LARGE = 1000
_CUT_WINDOWS = 4
_CLEAN, _LOSSY = 1, 3
"""So many lost packets a stretch may have and still be clean; with so many it is not."""

Way = frozenset[str]
"""Names of nodes and links (`a--b`, ends in alphabetical order)."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Packets of one class between two nodes, and whether any were lost."""

    source: str
    destination: str
    small_echoes: bool
    lossy: bool
    cut: bool
    """Whether nothing at all came back for a while."""


@dataclass(frozen=True, slots=True)
class Walk:
    """One traced path that did not arrive: which nodes answered on it."""

    source: str
    destination: str
    answered: tuple[str, ...]


@dataclass(slots=True)
class Remaining:
    """The evidence that a list of entries leaves of a bundle."""

    graph: networkx.Graph[str]
    ends: tuple[str, str]
    stretches: list[Stretch] = field(default_factory=list)
    walks: list[Walk] = field(default_factory=list)
    captures: list[tuple[str, str]] = field(default_factory=list)
    """Capture points: the device, and the node at the other end of the cable."""
    counters: set[str] = field(default_factory=set)
    """The suppliers whose interface counters are there."""
    logs: set[str] = field(default_factory=set)
    """The devices whose logs are there."""
    types: set[str] = field(default_factory=set)

    def side(self, name: str) -> str | None:
        """Who answers for a node or a link; nobody for the demarcation."""
        ends = name.split("--")
        sides = {str(self.graph.nodes[end]["side"]) for end in ends if end in self.graph}
        return sides.pop() if len(sides) == 1 else None

    def ways(self, source: str, destination: str) -> list[list[str]]:
        """All equally short ways between two nodes."""
        return sorted(networkx.all_shortest_paths(self.graph, source, destination))


def link_name(one: str, other: str) -> str:
    """A link's name in the contract's form."""
    return "--".join(sorted((one, other)))


def parts(way: list[str]) -> Way:
    """The nodes and links of a way."""
    return frozenset(way) | {link_name(one, other) for one, other in pairwise(way)}


def read_remaining(bundle: Path, incident: dict[str, Any], entries: list[dict[str, Any]]) -> Remaining:
    """What the entries of a bundle still measure."""
    graph, interfaces = _read_topology(bundle / incident["topology"])
    near, far = incident["service"]["ends"]
    left = Remaining(graph, (near, far))
    nodes_by_address = {str(address).split("/")[0]: node for node, data in graph.nodes(data=True)
                        for address in data["addresses"]}
    for entry in entries:
        left.types.add(entry["type"])
        if entry["type"] == "probes":
            left.stretches += _read_probes(bundle / entry["file"], graph)
        elif entry["type"] == "paths":
            left.walks += _read_walks(bundle / entry["file"], nodes_by_address, graph)
        elif entry["type"] == "capture":
            far_end = interfaces.get((entry["device"], entry["interface"]))
            if far_end is not None:
                left.captures.append((entry["device"], far_end))
        elif entry["type"] == "interface-counters":
            left.counters.add(entry["supplied_by"])
        elif entry["type"] == "syslog":
            left.logs |= {entry["device"]} if "device" in entry else {
                node for node in graph if left.side(node) == entry["supplied_by"]}
    return left


def _read_topology(file: Path) -> tuple[networkx.Graph[str], dict[tuple[str, str], str]]:
    """The graph, and which node is at the other end of each interface."""
    if file.suffix == ".graphml":
        read = networkx.read_graphml(file)
        nodes = [{"id": node} | {key: _loaded(value) for key, value in data.items()}
                 for node, data in read.nodes(data=True)]
        links = [{"source": one, "target": other} | {key: _loaded(value) for key, value in data.items()}
                 for one, other, data in read.edges(data=True)]
    else:
        mapping = yaml.safe_load(file.read_text(encoding="utf-8"))
        nodes, links = mapping["nodes"], mapping.get("links", mapping.get("edges"))
    graph: networkx.Graph[str] = networkx.Graph()
    for node in nodes:
        graph.add_node(node["id"], side=node["side"], kind=node["kind"], addresses=node.get("addresses", []))
    interfaces: dict[tuple[str, str], str] = {}
    for link in links:
        graph.add_edge(link["source"], link["target"])
        for node, other in ((link["source"], link["target"]), (link["target"], link["source"])):
            interfaces[node, link["interfaces"][node]] = other
    return graph, interfaces


def _loaded(value: str) -> Any:
    """GraphML holds lists and maps as JSON strings."""
    return json.loads(value) if value[:1] in "[{" else value


def _rows(file: Path) -> list[dict[str, str]]:
    raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return list(csv.DictReader(raw.decode("utf-8").splitlines()))


def _read_probes(file: Path, graph: networkx.Graph[str]) -> Iterator[Stretch]:
    """Each pair's echoes by size, and its handshakes."""
    windows: dict[tuple[str, str, bool], list[tuple[int, int]]] = defaultdict(list)
    for row in _rows(file):
        small = row["kind"] == "icmp" and int(row.get("size") or 0) < _LARGE
        windows[row["source"], row["destination"], small].append((int(row["sent"]), int(row["received"])))
    for (source, destination, small), counts in sorted(windows.items()):
        lost = sum(sent - received for sent, received in counts)
        if source in graph and destination in graph and (lost <= _CLEAN or lost >= _LOSSY):
            yield Stretch(source, destination, small, lost >= _LOSSY, _longest_silence(counts) >= _CUT_WINDOWS)


def _longest_silence(counts: list[tuple[int, int]]) -> int:
    """The greatest number of windows in a row in which nothing came back."""
    longest = current = 0
    for _, received in counts:
        current = current + 1 if received == 0 else 0
        longest = max(longest, current)
    return longest


def _read_walks(file: Path, nodes: dict[str, str], graph: networkx.Graph[str]) -> Iterator[Walk]:
    """The walks that did not arrive, from a table, an mtr report or Atlas results."""
    if file.suffix == ".json":
        loaded = json.loads(file.read_text(encoding="utf-8"))
        walks = _walks_of_report(loaded) if isinstance(loaded, dict) else _walks_of_atlas(loaded)
    else:
        walks = _walks_of_table(_rows(file))
    for source, destination, addresses in walks:
        begin, end = nodes.get(source, source), nodes.get(destination, destination)
        answered = tuple(nodes[address] for address in addresses if address in nodes)
        if begin in graph and end in graph and end not in answered:
            yield Walk(begin, end, answered)


def _walks_of_table(rows: list[dict[str, str]]) -> Iterator[tuple[str, str, list[str]]]:
    grouped: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in rows:
        grouped[row["time"], row["source"], row["destination"]].append(row["address"])
    for (_, source, destination), addresses in grouped.items():
        yield source, destination, addresses


def _walks_of_report(loaded: dict[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    report = loaded["report"]
    yield report["mtr"]["src"], report["mtr"]["dst"], [hub["host"] for hub in report["hubs"] if hub["Loss%"] < 50]


def _walks_of_atlas(loaded: list[dict[str, Any]]) -> Iterator[tuple[str, str, list[str]]]:
    for result in loaded:
        yield result["src_addr"], result["dst_addr"], [hop["result"][0].get("from", "") for hop in result["result"]]
