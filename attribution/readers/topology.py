"""The topology file: node-link JSON, GraphML or YAML of the same shape, into nodes and links with sides.

The graph is read here rather than by networkx, which takes the same files but would silently merge two nodes of one
name and invent a node for every link that leads nowhere; both must be errors.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from xml.etree import ElementTree

from attribution.errors import TopologyError
from attribution.model.observation import Caveat
from attribution.model.phrase import Phrase, Template
from attribution.model.topology import IpNetwork, Link, Node, NodeKind, Side, Topology, parse_network
from attribution.readers.plain_topology import plain_link, plain_node
from attribution.readers.values import Value, decode, nearest, read_json, read_yaml

YES = frozenset({True, "true", "True", "yes", "1"})
SEVERAL_LINKS = Template("interface {interface} of {node} is that of {count} links")


def read_topology(content: bytes, filename: str) -> tuple[Topology, list[Caveat]]:
    """Whose device is whose, and what is plugged into what.

    The format is told by the content. Links are undirected; between the same two nodes each has a key, else none. A
    link's side is its own, else its ends' common one, else None: the demarcation, not yet anyone's.
    Errors: TopologyError naming the node or link, for one without side or kind, unknown values, a name used twice, a
    link to an unknown node, interfaces of a node that is no end, and anything that is no graph.
    """
    document = _document(content, filename)
    caveats: list[Caveat] = []
    nodes = _nodes(document.required("nodes"))
    key = "edges" if document.has("edges") or not document.has("links") else "links"
    edges = document.required(key)
    directed = document.mapping().get("directed") in YES
    drawn = _distinct(_links(edges, nodes), directed, filename, caveats)
    links = _named(drawn, edges, filename, caveats)
    caveats += _shared_interfaces(links, filename)
    return Topology(nodes, {link.component: link for link in links}), caveats


def _document(content: bytes, filename: str) -> Value:
    """The file as one mapping with `nodes` and `edges` or `links`, whatever its format."""
    text = decode(content, filename, TopologyError).lstrip()
    if not text:
        raise TopologyError(filename, "found an empty file", "expected node-link JSON, GraphML or YAML")
    if text.startswith("<"):
        return _graphml(text, filename)
    if text.startswith("{") and not filename.endswith((".yaml", ".yml")):
        document = read_json(content, filename, TopologyError)
    else:
        document = read_yaml(content, filename, TopologyError)
    document.mapping("a graph with `nodes` and `edges`")
    return document


def _nodes(listed: Value) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for index, entry in enumerate(listed.entries("a list of nodes")):
        node = plain_node(entry) or _node(listed.item(index))
        if node.id in nodes:
            place = listed.item(index).required("id")
            raise place.error(f"the id {node.id!r} twice", "a name of its own for each node")
        nodes[node.id] = node
    if not nodes:
        raise listed.error("no nodes", "the service's ends at least")
    return nodes


def _node(value: Value) -> Node:
    identifier = _name(value.required("id"))
    named = value.titled(identifier)
    for key in ("side", "kind"):
        if not named.has(key):
            choices = " or ".join(Side) if key == "side" else ", ".join(NodeKind)
            raise named.error(f"no {key}", f"`{key}`: {choices}")
    return Node(
        id=identifier,
        side=named.required("side").choice(Side),
        kind=named.required("kind").choice(NodeKind),
        operator=_optional_text(named, "operator"),
        addresses=tuple(_address(item) for item in _listed(named, "addresses")),
        region=_optional_text(named, "region"),
        vendor=_optional_text(named, "vendor"),
        model=_optional_text(named, "model"),
        resource_ids=tuple(item.text("a resource id") for item in _listed(named, "resource_ids")),
    )


def _links(listed: Value, nodes: dict[str, Node]) -> Iterator[tuple[Link, int]]:
    """Each link with its place in the list."""
    for index, entry in enumerate(listed.entries("a list of links")):
        yield plain_link(entry, nodes) or _link(listed.item(index), nodes), index


def _link(value: Value, nodes: dict[str, Node]) -> Link:
    source, target = _name(value.required("source")), _name(value.required("target"))
    named = value.titled(f"{source} to {target}")
    for key, end in (("source", source), ("target", target)):
        if end not in nodes:
            near = nearest(end, nodes)
            hint = f" (is {near} meant?)" if near else ""
            raise named.required(key).error(f"the unknown node {end!r}", f"the id of one of the nodes{hint}")
    if source == target:
        raise named.error("a link from a node to itself", "two different nodes")
    stated, capacity = named.optional("side"), named.optional("capacity_bps")
    capacity_bps = capacity.number("bits per second") if capacity is not None else None
    if capacity is not None and capacity_bps is not None and capacity_bps <= 0:
        raise capacity.wrong("bits per second, more than 0")
    common = nodes[source].side if nodes[source].side is nodes[target].side else None
    return Link(
        source=source,
        target=target,
        key=_name(value.required("key")) if value.has("key") else None,
        side=stated.choice(Side) if stated is not None else common,
        interfaces=_interfaces(named, source, target),
        capacity_bps=capacity_bps,
        operator=_optional_text(named, "operator"),
        resource_ids=tuple(item.text("a resource id") for item in _listed(named, "resource_ids")),
    )


def _interfaces(link: Value, source: str, target: str) -> dict[str, str]:
    """The interface at each end, keyed by the end; one or both may be left out."""
    stated = link.optional("interfaces")
    if stated is None:
        return {}
    stated = _unpacked(stated, "{", "a map from both ends to their interfaces")
    interfaces: dict[str, str] = {}
    for node, interface in stated.members():
        if node not in (source, target):
            raise interface.error(f"an interface of {node!r}", f"one of the ends, {source} or {target}")
        if interface.data is not None:
            interfaces[node] = interface.text("the name of an interface")
    return interfaces


def _distinct(
    links: Iterable[tuple[Link, int]], directed: bool, filename: str, caveats: list[Caveat]
) -> list[tuple[Link, int]]:
    """The links, those of a directed graph that are only the way back left out: a cable has no direction."""
    if not directed:
        return list(links)
    kept: list[tuple[Link, int]] = []
    ways: dict[tuple[str, str, str | None], list[Link]] = {}
    back = 0
    for link, index in links:
        opposite = ways.get((link.target, link.source, link.key), [])
        if any(
            not link.interfaces or not other.interfaces or link.interfaces == other.interfaces for other in opposite
        ):
            back += 1
            continue
        ways.setdefault((link.source, link.target, link.key), []).append(link)
        kept.append((link, index))
    if back:
        reason = Phrase("links drawn in both directions were taken as one")
        caveats.append(Caveat(filename, "directed", reason, back))
    return kept


def _named(drawn: list[tuple[Link, int]], listed: Value, filename: str, caveats: list[Caveat]) -> list[Link]:
    """The links with a key only where others run between the same nodes; numbered where the file gives them none.

    Errors: TopologyError for two links of the same ends and key.
    """
    pairs = [link.ends if link.source < link.target else (link.target, link.source) for link, _ in drawn]
    parallel = Counter(pairs)
    taken: dict[tuple[str, str], set[str]] = {}
    for (link, index), ends in zip(drawn, pairs, strict=True):
        if link.key is not None and parallel[ends] > 1:
            keys = taken.setdefault(ends, set())
            if link.key in keys:
                place = listed.item(index).titled(f"{link.source} to {link.target}")
                raise place.error(f"the key {link.key!r} a second time", "a key of its own for each parallel link")
            keys.add(link.key)
    named: list[Link] = []
    numbered = 0
    for (link, _), ends in zip(drawn, pairs, strict=True):
        key = link.key
        if parallel[ends] == 1:
            key = None
        elif key is None:
            keys = taken.setdefault(ends, set())
            key = next(str(number) for number in range(len(keys) + 1) if str(number) not in keys)
            keys.add(key)
            numbered += 1
        named.append(link if key == link.key else replace(link, key=key))
    if numbered:
        reason = Phrase("parallel links without a key were numbered in order from 0")
        caveats.append(Caveat(filename, "key", reason, numbered))
    return named


def _shared_interfaces(links: list[Link], filename: str) -> list[Caveat]:
    """Interfaces into which the file plugs several links: telemetry of them is ambiguous."""
    ports = [port for link in links for port in link.interfaces.items()]
    if len(set(ports)) == len(ports):
        return []
    plugged = Counter(ports)
    return [
        Caveat(filename, node, SEVERAL_LINKS.fill(interface=interface, node=node, count=count), count)
        for (node, interface), count in sorted(plugged.items())
        if count > 1
    ]


def _graphml(text: str, filename: str) -> Value:
    """A GraphML document in the shape of node-link JSON: attributes by name, lists and maps still JSON strings."""
    if "<!ENTITY" in text:
        raise TopologyError(filename, "found XML entities", "expected plain GraphML")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise TopologyError(
            f"{filename}:{error.position[0]}", f"found broken XML ({error})", "expected GraphML"
        ) from None
    except ValueError as error:
        raise TopologyError(filename, f"found broken XML ({error})", "expected GraphML") from None
    graph = root.find("{*}graph")
    if graph is None:
        raise TopologyError(filename, f"found <{root.tag.rpartition('}')[2]}> without <graph>", "expected GraphML")
    names = {key.get("id") or "": key.get("attr.name") or key.get("id") or "" for key in root.findall("{*}key")}
    defaults = {kind: _defaults(root, kind, names) for kind in ("node", "edge")}
    nodes: list[dict[str, object]] = []
    for node in graph.findall("{*}node"):
        nodes.append(defaults["node"] | _attributes(node, names) | {"id": node.get("id")})
    edges: list[dict[str, object]] = []
    for edge in graph.findall("{*}edge"):
        attributes = defaults["edge"] | _attributes(edge, names)
        ends = {"source": edge.get("source"), "target": edge.get("target")}
        edges.append({"key": edge.get("id")} | attributes | ends)
    directed = graph.get("edgedefault") == "directed"
    return Value({"nodes": nodes, "edges": edges, "directed": directed}, filename, raises=TopologyError)


def _defaults(root: ElementTree.Element, kind: str, names: dict[str, str]) -> dict[str, object]:
    """The attributes that nodes or edges have where they state none."""
    stated: dict[str, object] = {}
    for key in root.findall("{*}key"):
        default = key.find("{*}default")
        if default is not None and key.get("for") in (kind, "all"):
            stated[names[key.get("id") or ""]] = default.text
    return stated


def _attributes(element: ElementTree.Element, names: dict[str, str]) -> dict[str, object]:
    stated = ((data.get("key") or "", data.text) for data in element.findall("{*}data"))
    return {names.get(key, key): text for key, text in stated}


def _name(value: Value) -> str:
    """A name as it stands in the telemetry: text, or a number that a format made of it."""
    return value.text("a name").strip()


def _optional_text(value: Value, key: str) -> str | None:
    item = value.optional(key)
    return item.text() if item is not None and item.data != "" else None


def _listed(value: Value, key: str) -> list[Value]:
    """The members of a list, which GraphML holds as a JSON string; none where the key is absent or empty."""
    item = value.optional(key)
    if item is None or item.data == "":
        return []
    return list(_unpacked(item, "[", "a list").items())


def _unpacked(value: Value, opening: str, expected: str) -> Value:
    """What a JSON string holds, where the value is one."""
    if not isinstance(value.data, str):
        return value
    try:
        if not value.data.lstrip().startswith(opening):
            raise ValueError
        return replace(value, data=json.loads(value.data))
    except (ValueError, RecursionError):
        raise value.wrong(f"{expected}, as JSON") from None


def _address(value: Value) -> IpNetwork:
    text = value.text("an IP address or prefix").strip()
    try:
        return parse_network(text)
    except ValueError:
        raise value.wrong("an IP address or prefix") from None
