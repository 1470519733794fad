"""A topology as text for other programs: node-link JSON that this program reads, Mermaid, and Graphviz DOT."""

from __future__ import annotations

import json
from collections.abc import Iterator

from attribution.model.topology import Link, Node, Side, Topology
from attribution.report.layout import escape
from attribution.report.topology import Marks, ports_of
from attribution.report.topology_wording import TOPOLOGY_WORDINGS, TopologyWording


def render_topology_json(topology: Topology) -> str:
    """Node-link JSON as the incident bundle describes it: what was read from any format, to be read again."""
    document = {
        "multigraph": any(link.key is not None for link in topology.links.values()),
        "directed": False,
        "nodes": [_node_entry(node) for node in topology.nodes.values()],
        "edges": [_link_entry(link) for link in topology.links.values()],
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _node_entry(node: Node) -> dict[str, object]:
    entry: dict[str, object] = {"id": node.id, "side": node.side.value, "kind": node.kind.value}
    entry |= {
        "operator": node.operator,
        "addresses": [str(address) for address in node.addresses],
        "region": node.region,
        "vendor": node.vendor,
        "model": node.model,
        "resource_ids": list(node.resource_ids),
    }
    return {key: value for key, value in entry.items() if value not in (None, [])}


def _link_entry(link: Link) -> dict[str, object]:
    entry: dict[str, object] = {"source": link.source, "target": link.target, "key": link.key}
    entry |= {
        "side": None if link.side is None else link.side.value,
        "interfaces": dict(link.interfaces),
        "capacity_bps": link.capacity_bps,
        "operator": link.operator,
        "resource_ids": list(link.resource_ids),
    }
    return {key: value for key, value in entry.items() if value not in (None, [], {})}


def render_mermaid(topology: Topology, marks: Marks | None = None, lang: str = "en") -> str:
    """A flowchart with a box for each side; demarcation links are thick, faults red, capture points ringed."""
    marks, words = marks or Marks(), TOPOLOGY_WORDINGS[lang]
    numbers = {node: f"n{number}" for number, node in enumerate(topology.nodes)}
    lines = ["flowchart LR"]
    for side in Side:
        lines.append(f'  subgraph {side.value}["{_mermaid(words.sides[side])}"]')
        for node in topology.nodes.values():
            if node.side is side:
                label = "<br/>".join(_mermaid(part) for part in _label(node, marks, words))
                lines.append(f'    {numbers[node.id]}["{label}"]')
        lines.append("  end")
    faulty_links = []
    for place, link in enumerate(topology.links.values()):
        ports = _mermaid(ports_of(link, link.source))
        arrow = "===" if _crosses(link, topology) else "---"
        label = f'|"{ports}"|' if ports else ""
        lines.append(f"  {numbers[link.source]} {arrow}{label} {numbers[link.target]}")
        if link.component in marks.faults:
            faulty_links.append(str(place))
    lines += _mermaid_marks(marks, numbers, faulty_links)
    return "\n".join(lines) + "\n"


def _mermaid_marks(marks: Marks, numbers: dict[str, str], faulty_links: list[str]) -> Iterator[str]:
    captured = ",".join(numbers[node] for node in marks.captures if node in numbers)
    faulty = ",".join(numbers[node] for node in marks.faults if node in numbers)
    if captured:
        yield "  classDef capture stroke-width:3px"
        yield f"  class {captured} capture"
    if faulty:
        yield "  classDef fault fill:#fdd,stroke:#c00,color:#600"
        yield f"  class {faulty} fault"
    if faulty_links:
        yield f"  linkStyle {','.join(faulty_links)} stroke:#c00,stroke-width:3px"


def _mermaid(text: str) -> str:
    """Every character that could mean something to Mermaid or in markup as its number."""
    return "".join(c if c.isalnum() or c == " " or c in "-_./:" else f"#{ord(c)};" for c in escape(text))


def render_dot(topology: Topology, marks: Marks | None = None, lang: str = "en") -> str:
    """An undirected graph with a cluster for each side; demarcation links are bold, faults red."""
    marks, words = marks or Marks(), TOPOLOGY_WORDINGS[lang]
    lines = ["graph topology {", "  rankdir=LR;", "  node [shape=box];"]
    for side in Side:
        lines += [f"  subgraph cluster_{side.value} {{", f"    label={_dot(words.sides[side])};"]
        for node in topology.nodes.values():
            if node.side is side:
                label = "\\n".join(_dot(part)[1:-1] for part in _label(node, marks, words))
                look = ", color=red, fontcolor=red" if node.id in marks.faults else ""
                look += ", peripheries=2" if node.id in marks.captures else ""
                lines.append(f'    {_dot(node.id)} [label="{label}"{look}];')
        lines.append("  }")
    lines += [_dot_link(link, topology, marks) for link in topology.links.values()]
    return "\n".join([*lines, "}"]) + "\n"


def _dot_link(link: Link, topology: Topology, marks: Marks) -> str:
    looks = ["style=bold"] if _crosses(link, topology) else []
    looks += ["color=red", "penwidth=3"] if link.component in marks.faults else []
    ports = (link.interfaces.get(link.source), link.interfaces.get(link.target))
    looks += [f"{key}={_dot(port)}" for key, port in zip(("taillabel", "headlabel"), ports, strict=True) if port]
    attributes = f" [{', '.join(looks)}]" if looks else ""
    return f"  {_dot(link.source)} -- {_dot(link.target)}{attributes};"


def _dot(text: str) -> str:
    """A quoted string of DOT: a backslash and a quotation mark stand for themselves."""
    shown = escape(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{shown}"'


def _label(node: Node, marks: Marks, words: TopologyWording) -> Iterator[str]:
    yield node.id
    yield words.kinds[node.kind]
    if node.id in marks.captures:
        yield words.capture
    if node.id in marks.faults:
        yield words.fault


def _crosses(link: Link, topology: Topology) -> bool:
    return len({topology.nodes[end].side for end in link.ends}) == 2
