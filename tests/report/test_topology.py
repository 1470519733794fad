"""A drawing shows the way of the service, where the two sides meet, and what hangs beside it, on any page."""

from __future__ import annotations

from pathlib import Path

import pytest

from attribution.model.topology import Link, Node, NodeKind, Side, Topology
from attribution.readers import read_topology
from attribution.report.layout import width_of
from attribution.report.topology import LARGEST_DRAWN, PLAIN_SIGNS, Marks, render_topology
from attribution.report.topology_texts import render_dot, render_mermaid, render_topology_json
from attribution.report.topology_ways import farthest_ends, find_stages

TOPOLOGIES = sorted((Path(__file__).parents[2] / "topologies").iterdir())


def network(*drawn: str, provider: str = "", hosts: str = "a b") -> Topology:
    """`network("a-x", "x-b")`; parallel links by repetition."""
    names = dict.fromkeys(name for pair in drawn for name in pair.split("-"))
    nodes = {
        name: Node(name, Side.PROVIDER if name in provider.split() else Side.CUSTOMER,
                   NodeKind.HOST if name in hosts.split() else NodeKind.ROUTER)
        for name in names
    }  # fmt: skip
    links = []
    for number, pair in enumerate(drawn):
        one, other = pair.split("-")
        key = str(number) if drawn.count(pair) > 1 else None
        crossing = nodes[one].side is not nodes[other].side
        side = None if crossing else nodes[one].side
        links.append(Link(one, other, key, side, {one: f"to-{other}{key or ''}", other: f"to-{one}{key or ''}"}))
    return Topology(nodes, {link.component: link for link in links})


CHAIN = network("a-ce", "ce-pe", "pe-b", "ce-aside", provider="pe", hosts="a b aside")


def test_a_chain_is_drawn_from_end_to_end() -> None:
    assert render_topology(CHAIN, Marks(("a", "b"), {"pe": ("to-ce",)}), 60).splitlines() == [
        "a to b: 5 nodes, 4 links",
        "",
        "customer " + "─" * 51,
        "  ● a  host",
        "  │   to-ce — to-a",
        "  ● ce  router",
        "  ├─ aside  host, to-aside — to-ce",
        "  ║   to-pe — to-ce, demarcation, nobody's",
        "provider " + "─" * 51,
        "  ● pe  router ◉ capture at to-ce",
        "  ║   to-b — to-pe, demarcation, nobody's",
        "customer " + "─" * 51,
        "  ● b  host",
    ]


def test_a_fault_is_marked_where_it_is_and_told_below() -> None:
    lines = render_topology(CHAIN, Marks(("a", "b"), {}, {"ce--pe": "the link failed"})).splitlines()

    assert lines[-1] == "✗ the link failed"
    assert any(line.startswith("  ✗   to-pe — to-ce") for line in lines)


def test_three_nodes_are_enough() -> None:
    assert "║" in render_topology(network("a-pe", "pe-b", provider="pe"), Marks(("a", "b")))


@pytest.mark.parametrize(
    ("drawn", "ways"),
    [
        (["a-x", "x-p", "p-y", "x-q", "q-r", "r-y", "y-b"], [["x", "p", "y"], ["x", "q", "r", "y"]]),
        (["a-x", "x-y", "x-y", "y-b"], [["x", "y"], ["x", "y"]]),
    ],
)
def test_redundant_ways_are_told_apart(drawn: list[str], ways: list[list[str]]) -> None:
    stages = find_stages(network(*drawn), "a", "b")
    (several,) = (stage for stage in stages if len(stage.ways) > 1)

    assert [[several.start, *(link.far_end(n) for link, n in zip(way, nodes, strict=False))]
            for way, nodes in zip(several.ways, ways, strict=True)] == ways  # fmt: skip
    assert several.complete
    assert f"2 ways to {several.end}" in render_topology(network(*drawn), Marks(("a", "b")))


def test_no_way_leads_through_a_host() -> None:
    topology = network("a-x", "x-h", "h-y", "x-p", "p-y", "y-b", hosts="a b h")

    assert all(len(stage.ways) == 1 for stage in find_stages(topology, "a", "b"))


def test_what_nothing_joins_is_said() -> None:
    assert "nothing joins a and b" in render_topology(network("a-x", "b-y"), Marks(("a", "b")))


def test_without_a_service_the_hosts_farthest_apart_are_drawn() -> None:
    topology = network("a-x", "x-c", "x-y", "y-b", hosts="a b c")

    assert farthest_ends(topology) == ("a", "b")
    assert "no service is stated" in render_topology(topology)


def test_every_device_is_on_the_drawing() -> None:
    for file in TOPOLOGIES:
        topology, _ = read_topology(file.read_bytes(), file.name)
        drawing = render_topology(topology, width=200)
        assert all(node in drawing for node in topology.nodes), file.name


@pytest.mark.parametrize("width", [40, 60, 100])
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("file", TOPOLOGIES, ids=lambda file: file.name)
def test_no_line_is_wider_than_the_page(file: Path, lang: str, width: int) -> None:
    topology, _ = read_topology(file.read_bytes(), file.name)

    assert max(map(width_of, render_topology(topology, width=width, lang=lang).splitlines())) <= width


def test_a_large_topology_is_a_table() -> None:
    topology = network(*(f"n{i}-n{i + 1}" for i in range(3 * LARGEST_DRAWN)))
    lines = render_topology(topology, Marks(("n0", "n1"), {}, {"n7": "n7 failed"}), 80).splitlines()

    assert sum(line.startswith(("n", "✗ n")) for line in lines) == 6 * LARGEST_DRAWN + 2
    assert "✗ n7 failed" in lines
    assert max(map(width_of, lines)) <= 80


def test_plain_signs_are_plain() -> None:
    assert render_topology(CHAIN, Marks(("a", "b"), {"a": ("x",)}), signs=PLAIN_SIGNS).isascii()


def test_colour_only_where_it_is_wanted() -> None:
    assert "\x1b" not in render_topology(CHAIN)
    assert "\x1b" in render_topology(CHAIN, colour=True)


@pytest.mark.parametrize("file", TOPOLOGIES, ids=lambda file: file.name)
def test_the_json_can_be_read_again(file: Path) -> None:
    topology, _ = read_topology(file.read_bytes(), file.name)
    again, caveats = read_topology(render_topology_json(topology).encode(), "again.json")

    assert again == topology
    assert not caveats


def test_graphs_have_every_node_and_link_once() -> None:
    chart, graph = render_mermaid(CHAIN), render_dot(CHAIN)

    assert chart.startswith("flowchart LR\n")
    assert chart.count("===") == 2 and chart.count("---") == 2
    assert graph.count(" -- ") == 4 and graph.count("style=bold") == 2
    assert '"ce"' in graph


def test_graphs_mark_the_fault_in_words_and_colour() -> None:
    marks = Marks(("a", "b"), {}, {"ce": "it failed"})

    assert "class n1 fault" in render_mermaid(CHAIN, marks)
    assert "fault" in render_dot(CHAIN, marks) and "color=red" in render_dot(CHAIN, marks)
