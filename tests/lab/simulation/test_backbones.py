"""Large networks: the same number gives the same one, and what scenarios rely on holds on each."""

from __future__ import annotations

import networkx
import pytest

from tests.lab.naming import draw_plan
from tests.lab.plan import Side
from tests.lab.scenarios import SCENARIOS
from tests.lab.shapes import UNLISTED, shape_named, side_of
from tests.lab.simulation.backbones import draw_backbone
from tests.lab.simulation.corpus import large_number

NUMBERS = range(40)
every_number = pytest.mark.parametrize("number", NUMBERS)


@every_number
def test_the_same_number_is_the_same_network(number: int) -> None:
    shape = draw_backbone(number)
    draw_backbone.cache_clear()
    assert draw_backbone(number) == shape


@every_number
def test_a_backbone_has_ten_to_sixty_routers_and_is_in_one_piece(number: int) -> None:
    shape = draw_backbone(number)
    graph = networkx.Graph(shape.links)
    routers = [role for role in shape.roles if side_of(role) is Side.PROVIDER and role not in UNLISTED | {"vgw"}]
    assert 9 <= len(routers) <= 63
    assert networkx.is_connected(graph)
    assert set(shape.core) <= set(routers)
    assert graph.has_edge(*shape.backbone)
    resembled = shape_named(shape.resembles)
    assert resembled is not None


@every_number
def test_redundancy_is_what_the_shape_says(number: int) -> None:
    shape = draw_backbone(number)
    graph = networkx.Graph(shape.links)
    if not shape.redundant:
        for router in shape.core:
            assert not networkx.has_path(graph.subgraph(set(graph) - {router}), "host-a", "host-b"), router
        return
    graph.remove_edge(*shape.backbone)
    assert networkx.has_path(graph, "host-a", "host-b")
    if shape.resembles in ("dual-homed", "two-carriers"):
        for router in shape.core:
            assert networkx.has_path(graph.subgraph(set(graph) - {router}), "host-a", "host-b"), router


@every_number
def test_service_traffic_passes_the_core_link_that_scenarios_break(number: int) -> None:
    shape = draw_backbone(number)
    graph = networkx.Graph(link for link in shape.links if set(link) not in ({"ce1", "pe2"}, {"ce1", "pe4"},
                                                                             {"ce1", "lm2"}))
    ways = list(networkx.all_shortest_paths(graph, "pe1", shape.far_edge))
    assert any(set(shape.backbone) <= set(way) for way in ways)
    assert graph.has_edge("pe1", shape.core[0])
    on_the_way = {router for way in ways for router in way} & set(shape.core)
    rings = shape.redundant and shape.resembles not in ("dual-homed", "two-carriers")
    assert on_the_way if rings else on_the_way == set(shape.core)


def test_names_and_addresses_suffice_for_the_largest() -> None:
    largest = max((draw_backbone(number) for number in NUMBERS), key=lambda shape: len(shape.links))
    plan = draw_plan(largest, 1, "random")
    networks = {port.address.network for node in plan.nodes for port in plan.ports(node.role) if port.address}
    assert len({node.name for node in plan.nodes}) == len(plan.nodes)
    assert not any(one.overlaps(other) for one in networks for other in networks if one != other)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_scenario_finds_large_networks_that_it_fits(scenario: object) -> None:
    found = next(item for item in SCENARIOS if item is scenario)
    assert found.fits(draw_backbone(large_number(found, 7)))
