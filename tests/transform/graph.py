"""The topology file as lists of nodes and links, whichever of its three formats it has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx

from tests.transform.folder import Keys, dump_yaml, load_yaml

_LISTS_AND_MAPS = ("addresses", "interfaces", "resource_ids")


@dataclass(slots=True)
class Graph:
    """Nodes with `id`, links with `source` and `target`, each with its attributes; `rest` is what else it says."""

    nodes: list[Keys]
    links: list[Keys]
    links_key: str
    rest: Keys


def read_graph(path: Path) -> Graph:
    """Read GraphML, node-link JSON or YAML of the same shape."""
    if path.suffix == ".graphml":
        return _read_graphml(path)
    text = path.read_text(encoding="utf-8")
    keys: Keys = json.loads(text) if path.suffix == ".json" else load_yaml(text)
    links_key = "links" if "links" in keys else "edges"
    rest = {key: value for key, value in keys.items() if key not in ("nodes", links_key)}
    return Graph(keys["nodes"], keys[links_key], links_key, rest)


def write_graph(path: Path, graph: Graph) -> None:
    """Write the topology in the format that the suffix names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".graphml":
        _write_graphml(path, graph)
        return
    keys = {**graph.rest, "nodes": graph.nodes, graph.links_key: graph.links}
    text = json.dumps(keys, ensure_ascii=False, indent=1) if path.suffix == ".json" else dump_yaml(keys)
    path.write_text(text, encoding="utf-8")


def way_between(graph: Graph, ends: list[str]) -> list[str]:
    """The nodes of a shortest way between the service's ends."""
    network = nx.Graph((link["source"], link["target"]) for link in graph.links)
    way: list[str] = nx.shortest_path(network, *ends)
    return way


def _read_graphml(path: Path) -> Graph:
    network: nx.MultiGraph[str] = nx.MultiGraph(nx.read_graphml(path, force_multigraph=True))
    nodes = [{"id": name, **_decoded(attributes)} for name, attributes in network.nodes(data=True)]
    links = [
        {"source": source, "target": target, "key": key, **_decoded(attributes)}
        for source, target, key, attributes in network.edges(keys=True, data=True)
    ]
    return Graph(nodes, links, "links", {})


def _write_graphml(path: Path, graph: Graph) -> None:
    network: nx.MultiGraph[str] = nx.MultiGraph()
    for node in graph.nodes:
        network.add_node(node["id"], **_encoded(node, {"id"}))
    for number, link in enumerate(graph.links):
        key = link.get("key", str(number))
        network.add_edge(link["source"], link["target"], key, **_encoded(link, {"source", "target", "key"}))
    nx.write_graphml(network, path, named_key_ids=False)


def _decoded(attributes: Keys) -> Keys:
    """GraphML holds lists and maps as JSON text."""
    return {
        name: json.loads(value) if name in _LISTS_AND_MAPS and isinstance(value, str) else value
        for name, value in attributes.items()
    }


def _encoded(attributes: Keys, without: set[str]) -> dict[str, Any]:
    return {
        name: json.dumps(value) if isinstance(value, list | dict) else value
        for name, value in attributes.items()
        if name not in without
    }
