"""The topology says whose device is whose, in whichever of its three formats; what it leaves unsaid is an error."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import networkx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from attribution.errors import TopologyError
from attribution.model.observation import Caveat
from attribution.model.topology import NodeKind, Side, Topology, parse_network
from attribution.readers import read_topology
from tests.readers.material import LINKS, NODES, TOPOLOGY

Graph = dict[str, Any]


def graph(multigraph: bool = False) -> Graph:
    return {"multigraph": multigraph, **json.loads(json.dumps({"nodes": NODES, "edges": LINKS}))}


def read(document: Graph | str | bytes, filename: str = "topology.json") -> Topology:
    return read_with_caveats(document, filename)[0]


def read_with_caveats(document: Graph | str | bytes, filename: str = "topology.json") -> tuple[Topology, list[Caveat]]:
    content = json.dumps(document) if isinstance(document, dict) else document
    return read_topology(content.encode() if isinstance(content, str) else content, filename)


def refused(document: Graph | str | bytes, filename: str = "topology.json") -> str:
    with pytest.raises(TopologyError) as caught:
        read(document, filename)
    return str(caught.value)


def as_networkx(document: Graph) -> networkx.Graph[str] | networkx.MultiGraph[str]:
    return networkx.node_link_graph({"directed": False, **document}, edges="edges")


def as_graphml(document: Graph) -> bytes:
    """What networkx writes of it, lists and maps as JSON strings."""
    drawn = as_networkx(document)
    for attributes in [*(item for _, item in drawn.nodes(data=True)), *(item for *_, item in drawn.edges(data=True))]:
        for key, item in attributes.items():
            if isinstance(item, list | dict):
                attributes[key] = json.dumps(item)
    written = io.BytesIO()
    networkx.write_graphml_xml(drawn, written)
    return written.getvalue()


def test_nodes_and_links_with_all_that_the_bundle_says_of_them() -> None:
    topology = read(TOPOLOGY)
    provider_edge, vpc = topology.nodes["pe1"], topology.nodes["vpc-host"]
    assert (provider_edge.side, provider_edge.kind, provider_edge.vendor) == (Side.PROVIDER, NodeKind.ROUTER, "Huawei")
    assert provider_edge.resource_ids == ("dcx-0a1b2c3d",)
    assert vpc.addresses == (parse_network("172.16.0.0/24"), parse_network("2001:db8::7"))
    assert sorted(topology.links) == ["ce1--idc-host", "ce1--pe1", "pe1--vpc-host"]
    access = topology.links["ce1--pe1"]
    assert (access.interfaces, access.capacity_bps) == ({"ce1": "eth1", "pe1": "GE0/0/1"}, 1e9)
    assert topology.links["pe1--vpc-host"].operator == "MetroFibre Ltd"


def test_a_links_side_is_its_own_or_its_ends_common_one_or_at_the_demarcation_nobodys() -> None:
    links = read(TOPOLOGY).links
    assert links["pe1--vpc-host"].side is Side.PROVIDER
    assert links["ce1--idc-host"].side is Side.CUSTOMER
    assert links["ce1--pe1"].side is None


def with_links(document: Graph) -> Graph:
    """The same with its links under the key that networkx used before 3.6."""
    return {"links" if key == "edges" else key: value for key, value in document.items()}


FORMATS: dict[str, Callable[[Graph], tuple[str | bytes, str]]] = {
    "edges": lambda document: (json.dumps(document), "topology.json"),
    "links": lambda document: (json.dumps(with_links(document)), "topology.json"),
    "networkx": lambda document: (json.dumps(networkx.node_link_data(as_networkx(document), edges="links")), "t.json"),
    "YAML": lambda document: (yaml.safe_dump(document), "topology.yaml"),
    "YAML in JSON's clothes": lambda document: (json.dumps(document), "topology.yml"),
    "GraphML": lambda document: (as_graphml(document), "topology.graphml"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_the_same(name: str) -> None:
    content, filename = FORMATS[name](graph())
    assert read(content, filename) == read(TOPOLOGY)


@pytest.mark.parametrize("name", FORMATS)
def test_parallel_links_are_named_by_their_keys_in_every_format(name: str) -> None:
    document = graph(multigraph=True)
    for index, link in enumerate(document["edges"]):
        link["key"] = f"only{index}"
    document["edges"][1]["key"] = "east"
    document["edges"].append({"source": "pe1", "target": "ce1", "key": "west", "interfaces": {"ce1": "eth2"}})
    content, filename = FORMATS[name](document)
    topology = read(content, filename)
    assert sorted(topology.links) == ["ce1--idc-host", "ce1--pe1#east", "ce1--pe1#west", "pe1--vpc-host"]
    assert topology.links["pe1--vpc-host"].key is None


def test_parallel_links_without_keys_are_numbered_and_said_so() -> None:
    document = graph()
    document["edges"] += [{"source": "pe1", "target": "ce1", "key": 0}, {"source": "ce1", "target": "pe1"}]
    topology, caveats = read_with_caveats(document)
    assert [link.key for link in topology.links_between("ce1", "pe1")] == ["1", "0", "2"]
    assert [(caveat.locator, caveat.count) for caveat in caveats] == [("key", 2)]


def test_numbers_and_yaml_words_are_names_as_they_stand() -> None:
    nodes = "nodes: [{id: 007, side: customer, kind: host}, {id: no, side: provider, kind: host}]\n"
    topology = read(nodes + "edges: [{source: 007, target: no, key: 0, interfaces: {007: 1/0, no: on}}]", "t.yaml")
    assert topology.links["007--no"].interfaces == {"007": "1/0", "no": "on"}


def test_what_the_bundle_does_not_name_is_ignored() -> None:
    document = graph()
    document |= {"graph": {"name": "drawn by hand"}, "comment": "x"}
    document["nodes"][0]["rack"] = {"row": 4}
    document["edges"][0]["length_m"] = [12]
    assert read(document) == read(TOPOLOGY)


def test_empty_optional_attributes_are_as_if_left_out() -> None:
    document = graph()
    document["nodes"][0] |= {"operator": "", "vendor": None, "resource_ids": []}
    document["edges"][0] |= {"side": None, "resource_ids": ""}
    assert read(document) == read(TOPOLOGY)


def test_a_directed_drawing_of_cables_is_read_without_its_directions() -> None:
    document = graph() | {"directed": True}
    back = [{**link, "source": link["target"], "target": link["source"]} for link in document["edges"]]
    document["edges"] += back
    topology, caveats = read_with_caveats(document)
    assert topology == read(TOPOLOGY)
    assert [caveat.count for caveat in caveats] == [3]


def test_an_interface_with_two_links_is_said_to_be_ambiguous() -> None:
    document = graph()
    document["edges"][2]["interfaces"] = {"pe1": "GE0/0/1"}
    _, caveats = read_with_caveats(document)
    assert [caveat.reason for caveat in caveats] == ["interface GE0/0/1 of pe1 is that of 2 links"]


Change = Callable[[Graph], object]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda g: g["nodes"][2].pop("side"),
            "topology.json: nodes[2] (pe1): found no side; expected `side`: customer or provider",
        ),
        (
            lambda g: g["nodes"][2].pop("kind"),
            "nodes[2] (pe1): found no kind; expected `kind`: host, switch, router, firewall, gateway",
        ),
        (
            lambda g: g["nodes"][2].update(side="carrier"),
            "nodes[2].side (pe1): found 'carrier'; expected customer or provider",
        ),
        (
            lambda g: g["nodes"][2].update(kind="rooter"),
            "nodes[2].kind (pe1): found 'rooter'; "
            "expected host, switch, router, firewall, gateway, transport or service (is 'router' meant?)",
        ),
        (lambda g: g["nodes"][2].pop("id"), "topology.json: nodes[2]: found no 'id'; expected the key 'id'"),
        (lambda g: g["nodes"][2].update(id=True), "topology.json: nodes[2].id: found True; expected a name"),
        (lambda g: g["nodes"][2].update(id="ce1"), "nodes[2].id: found the id 'ce1' twice; expected a name of its own"),
        (
            lambda g: g["nodes"][2].update(addresses=["10.1.0.256"]),
            "nodes[2].addresses[0] (pe1): found '10.1.0.256'; expected an IP address or prefix",
        ),
        (lambda g: g["nodes"][2].update(addresses="10.1.0.1"), "found '10.1.0.1'; expected a list, as JSON"),
        (
            lambda g: g["edges"][1].update(target="pe9"),
            "edges[1].target (ce1 to pe9): found the unknown node 'pe9'; expected the id of one of the nodes"
            " (is 'pe1' meant?)",
        ),
        (
            lambda g: g["edges"][1].pop("source"),
            "topology.json: edges[1]: found no 'source'; expected the key 'source'",
        ),
        (lambda g: g["edges"][1].update(target="ce1"), "edges[1] (ce1 to ce1): found a link from a node to itself"),
        (
            lambda g: g["edges"][1].update(interfaces={"ce1": "eth1", "pe9": "eth0"}),
            "edges[1].interfaces.pe9 (ce1 to pe1): found an interface of 'pe9'; expected one of the ends, ce1 or pe1",
        ),
        (
            lambda g: g["edges"][1].update(interfaces=["eth1"]),
            "interfaces (ce1 to pe1): found a list of 1; expected a mapping",
        ),
        (lambda g: g["edges"][1].update(interfaces="eth1"), "found 'eth1'; expected a map from both ends to their"),
        (lambda g: g["edges"][1].update(side="both"), "edges[1].side (ce1 to pe1): found 'both'; expected customer or"),
        (
            lambda g: g["edges"][1].update(capacity_bps="fast"),
            "capacity_bps (ce1 to pe1): found 'fast'; expected bits per second",
        ),
        (
            lambda g: g["edges"][1].update(capacity_bps=0),
            "capacity_bps (ce1 to pe1): found 0; expected bits per second, more than 0",
        ),
        (
            lambda g: g["edges"].extend({"source": "ce1", "target": "pe1", "key": 7} for _ in "ab"),
            "edges[4] (ce1 to pe1): found the key '7' a second time; expected a key of its own for each parallel link",
        ),
        (lambda g: g.update(nodes=[]), "topology.json: nodes: found no nodes; expected the service's ends at least"),
        (lambda g: g.update(nodes={"ce1": {}}), "topology.json: nodes: found a mapping; expected a list of nodes"),
        (lambda g: g.pop("nodes"), "topology.json: found no 'nodes'; expected the key 'nodes'"),
        (lambda g: g.pop("edges"), "topology.json: found no 'edges'; expected the key 'edges'"),
    ],
)
def test_what_is_wrong_is_named_with_its_node_or_link(change: Change, message: str) -> None:
    document = graph()
    change(document)
    assert message in refused(document)


def test_in_yaml_the_line_is_named_too() -> None:
    content = yaml.safe_dump(graph()).replace("side: provider", "side: carrier", 1)
    line = content.splitlines().index("  side: carrier") + 1
    assert refused(content, "t.yaml").startswith(f"t.yaml:{line}: edges[2].side (pe1 to vpc-host): found 'carrier'")


def test_a_topology_without_sides_is_refused_in_every_format() -> None:
    for as_format in FORMATS.values():
        document = graph()
        for node in document["nodes"]:
            node.pop("side")
        content, filename = as_format(document)
        assert "(idc-host): found no side; expected `side`: customer or provider" in refused(content, filename)


@pytest.mark.parametrize(
    ("content", "filename", "message"),
    [
        ("", "t.json", "t.json: found an empty file; expected node-link JSON, GraphML or YAML"),
        ("[]", "t.json", "t.json:1: found an empty list; expected a graph with `nodes` and `edges`"),
        ("{", "t.json", "t.json:1: found Expecting property name"),
        ("ce1 pe1\n", "t.edgelist", "t.edgelist:1: found 'ce1 pe1'; expected a graph with `nodes` and `edges`"),
        ("nodes: [\n", "t.yaml", "t.yaml:2: found broken YAML"),
        ("<graphml>", "t.graphml", "t.graphml:1: found broken XML"),
        ("<html></html>", "t.graphml", "found <html> without <graph>; expected GraphML"),
        ("<!DOCTYPE g [<!ENTITY a 'b'>]><g/>", "t.graphml", "found XML entities; expected plain GraphML"),
        (b"\xff\xfe", "t.json", "t.json:1: found the octet 0xff; expected UTF-8 text"),
    ],
)
def test_what_is_no_graph_at_all(content: str | bytes, filename: str, message: str) -> None:
    assert message in refused(content, filename)


def test_graphml_by_hand_with_defaults_edge_ids_and_a_key_attribute() -> None:
    topology = read(
        """<?xml version="1.0"?>
        <graphml xmlns="http://graphml.graphdrawing.org/xmlns">
          <key id="s" for="node" attr.name="side"><default>provider</default></key>
          <key id="k" for="node" attr.name="kind"/><key id="n" for="edge" attr.name="key"/>
          <graph edgedefault="undirected">
            <node id="p1"><data key="k">router</data></node>
            <node id="ce1"><data key="k">router</data><data key="s">customer</data></node>
            <edge id="e0" source="p1" target="ce1"/>
            <edge id="e1" source="p1" target="ce1"><data key="n">backup</data></edge>
          </graph>
        </graphml>""",
        "topology.xml",
    )
    assert topology.nodes["p1"].side is Side.PROVIDER
    assert sorted(topology.links) == ["ce1--p1#backup", "ce1--p1#e0"]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["ce1", "customer"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from(["nodes", "edges"]),
    st.integers(min_value=0, max_value=2),
    st.sampled_from(["id", "side", "kind", "addresses", "source", "key", "interfaces", "capacity_bps", "resource_ids"]),
    values,
)
def test_any_value_in_any_place_is_read_or_the_documented_error(part: str, index: int, key: str, value: object) -> None:
    document = graph()
    document[part][index][key] = value
    for content, filename in ((json.dumps(document), "t.json"), (json.dumps(document), "t.yaml")):
        try:
            read(content, filename)
        except TopologyError as error:
            assert error.place.startswith(filename)


@given(st.binary() | st.text().map(lambda text: ("<graphml>" + text).encode()))
def test_any_content_is_a_topology_or_the_documented_error(content: bytes) -> None:
    for filename in ("t.json", "t.graphml", "t.yaml"):
        with pytest.raises(TopologyError):
            read(content, filename)
