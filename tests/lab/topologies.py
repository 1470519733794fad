"""The exported topology: only listed nodes and links, in one of the contract's three formats, with the gaps of life."""

from __future__ import annotations

import ipaddress
import json
import random
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import yaml

from tests.lab.paperwork import Resources
from tests.lab.plan import Kind, Node, Plan


@dataclass(frozen=True, slots=True)
class TopologyStyle:
    """How complete the exported topology is, and in which format."""

    format: str
    multigraph: bool
    forgets: float
    """The chance that an optional attribute of a node is missing."""
    names_link_sides: bool


def topology_as_mapping(plan: Plan, style: TopologyStyle, dice: random.Random,
                        resources: Resources | None = None) -> dict[str, object]:
    """networkx node-link data of the listed part of a plan; a gateway may say which cloud resources are its own."""
    nodes = [_node(plan, node, style, dice) for node in plan.nodes if node.listed]
    if resources is not None:
        for node in nodes:
            if node["kind"] == Kind.GATEWAY:
                node["resource_ids"] = [resources.ccn, resources.vpc]
    links = [_link(plan, number, style, dice) for number, link in enumerate(plan.links) if link.listed]
    if resources is not None:
        access = {plan.node("pe1").name, plan.node("lm1" if plan.has("lm1") else "ce1").name}
        for link in links:
            if {link["source"], link["target"]} == access:
                link["resource_ids"] = [resources.dcx]
    dice.shuffle(nodes)
    dice.shuffle(links)
    key = "links" if style.format == "json" else "edges"
    return {"directed": False, "multigraph": style.multigraph, "graph": {}, "nodes": nodes, key: links}


def _node(plan: Plan, node: Node, style: TopologyStyle, dice: random.Random) -> dict[str, object]:
    attributes: dict[str, object] = {"id": node.name, "side": str(node.side), "kind": str(node.kind)}
    if node.operator is not None:
        attributes["operator"] = node.operator
    addresses: list[ipaddress.IPv4Interface] = [
        port.address for port in plan.ports(node.role)
        if port.address is not None and plan.link_of_port(port).listed
    ]
    if node.loopback is not None:
        addresses.append(node.loopback)
    if addresses and dice.random() >= style.forgets:
        attributes["addresses"] = [str(address.ip) for address in addresses]
    if dice.random() >= style.forgets:
        attributes["vendor"] = str(node.vendor)
    return attributes


def _link(plan: Plan, number: int, style: TopologyStyle, dice: random.Random) -> dict[str, object]:
    link = plan.links[number]
    ends = list(link.ends)
    dice.shuffle(ends)
    names = {end.role: plan.node(end.role).name for end in ends}
    attributes: dict[str, object] = {"source": names[ends[0].role], "target": names[ends[1].role]}
    if style.multigraph:
        attributes["key"] = 0
    attributes["interfaces"] = {names[end.role]: end.name for end in ends}
    if link.side is not None and (style.names_link_sides or dice.random() < 0.4):
        attributes["side"] = str(link.side)
    return attributes


def write_topology(mapping: dict[str, object], style: TopologyStyle, folder: Path) -> str:
    """Write a topology in its format and return the file's name."""
    if style.format == "graphml":
        text, name = _graphml(mapping), "topology.graphml"
    elif style.format == "yaml":
        text, name = yaml.safe_dump(mapping, sort_keys=False, allow_unicode=True), "topology.yaml"
    else:
        text, name = json.dumps(mapping, indent=1) + "\n", "topology.json"
    (folder / name).write_text(text, encoding="utf-8")
    return name


def _graphml(mapping: dict[str, object]) -> str:
    """GraphML has no lists or maps: they stand as JSON strings."""
    nodes, edges = mapping["nodes"], mapping["edges"]
    assert isinstance(nodes, list)
    assert isinstance(edges, list)
    node_keys = list(dict.fromkeys(key for node in nodes for key in node if key != "id"))
    edge_keys = list(dict.fromkeys(key for edge in edges for key in edge if key not in ("source", "target", "key")))
    numbers = {("node", key): f"d{number}" for number, key in enumerate(node_keys)}
    numbers |= {("edge", key): f"d{number}" for number, key in enumerate(edge_keys, start=len(node_keys))}
    lines = ['<?xml version="1.0" encoding="utf-8"?>', '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">']
    lines += [f'<key id="{number}" for="{place}" attr.name={quoteattr(key)} attr.type="string"/>'
              for (place, key), number in numbers.items()]
    lines.append('<graph edgedefault="undirected">')
    for node in nodes:
        data = "".join(_data(numbers["node", key], value) for key, value in node.items() if key != "id")
        lines.append(f"  <node id={quoteattr(node['id'])}>{data}</node>")
    for edge in edges:
        data = "".join(_data(numbers["edge", key], value) for key, value in edge.items()
                       if key not in ("source", "target", "key"))
        ends = f"source={quoteattr(edge['source'])} target={quoteattr(edge['target'])}"
        lines.append(f"  <edge {ends} id=\"{edge.get('key', 0)}\">{data}</edge>")
    return "\n".join([*lines, "</graph>", "</graphml>", ""])


def _data(number: str, value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f'<data key="{number}">{escape(text)}</data>'
