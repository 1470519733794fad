"""Plans: what is drawn by seed is the same for the same seed, complete, and without collisions."""

from __future__ import annotations

import pytest

from tests.lab.naming import draw_plan
from tests.lab.plan import Kind, Side
from tests.lab.scenario import Core
from tests.lab.scenarios import SCENARIOS
from tests.lab.shapes import SHAPES, Shape, shape_named

SEEDS = range(25)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)


@every_shape
def test_the_same_seed_draws_the_same_network(shape: Shape) -> None:
    assert draw_plan(shape, 7, "random") == draw_plan(shape, 7, "random")
    assert draw_plan(shape, 7, "random") != draw_plan(shape, 8, "random")


@every_shape
def test_names_and_addresses_are_unique(shape: Shape) -> None:
    for seed in SEEDS:
        plan = draw_plan(shape, seed, "random")
        names = [node.name for node in plan.nodes]
        addresses = [port.address.ip for node in plan.nodes for port in plan.ports(node.role) if port.address]
        loopbacks = [node.loopback.ip for node in plan.nodes if node.loopback]
        assert len(set(names)) == len(names)
        assert len(set(addresses + loopbacks)) == len(addresses + loopbacks)


@every_shape
def test_subnets_do_not_overlap(shape: Shape) -> None:
    for seed in SEEDS:
        plan = draw_plan(shape, seed, "random")
        networks = {port.address.network for node in plan.nodes for port in plan.ports(node.role) if port.address}
        assert not any(one.overlaps(other) for one in networks for other in networks if one != other)


@every_shape
def test_generic_names_are_the_roles(shape: Shape) -> None:
    assert all(node.name == node.role for node in draw_plan(shape, 3, "generic").nodes)


@every_shape
def test_every_host_has_a_gateway_and_both_sides_are_there(shape: Shape) -> None:
    plan = draw_plan(shape, 1, "random")
    for node in plan.nodes:
        if node.kind is Kind.HOST:
            assert plan.node(plan.gateway(node.role)).kind is not Kind.HOST
    assert {node.side for node in plan.nodes if node.listed} == set(Side)


def test_the_demarcation_belongs_to_nobody() -> None:
    plan = draw_plan(SHAPES[0], 1, "generic")
    assert plan.link("ce1", "pe1").side is None
    assert plan.link("pe1", "p1").side is Side.PROVIDER
    assert plan.link("sw1", "ce1").side is Side.CUSTOMER


def test_there_are_at_least_a_hundred_and_ten_kinds_of_incident_and_each_can_play_somewhere() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names) >= 110
    for scenario in SCENARIOS:
        assert any(scenario.fits(shape) for shape in SHAPES), scenario.name
        assert scenario.party in ("customer", "provider", "shared", "neither", "undetermined")
        assert bool(scenario.clauses) == (scenario.party in ("customer", "provider", "shared"))


@every_shape
def test_many_kinds_of_incident_of_each_party_can_play_on_every_shape(shape: Shape) -> None:
    parties = [scenario.party for scenario in SCENARIOS if scenario.fits(shape)]
    assert min(parties.count(party) for party in ("customer", "provider")) >= 12
    assert parties.count("neither") >= 4


def test_two_backbones_have_the_form_of_published_ones() -> None:
    """Nodes and links as the Internet Topology Zoo has them; the edges stand for two of their routers."""
    for name, routers, links in (("abilene", 11, 14), ("arpanet", 9, 10)):
        shape = shape_named(name)
        assert shape is not None
        own = {*shape.core, "pe1", shape.far_edge}
        assert (len(own), sum(set(link) <= own for link in shape.links)) == (routers, links)


def test_a_shape_knows_which_of_its_routers_matter() -> None:
    arpanet, mesh, single = (shape_named(name) for name in ("arpanet", "two-region-mesh", "single-homed"))
    assert arpanet is not None
    assert mesh is not None
    assert single is not None
    assert (arpanet.passed, arpanet.indispensable, arpanet.idle) == (
        ("p1", "p2", "p3"), ("p1", "p2", "p3"), ("p4", "p5", "p6", "p7"))
    assert (mesh.passed, mesh.indispensable, mesh.idle) == ((), (), ())
    assert single.needs_backbone
    assert not arpanet.needs_backbone


def test_a_router_is_not_indispensable_where_a_second_access_line_leads_round_it() -> None:
    shape = shape_named("two-carriers")
    assert shape is not None
    assert shape.has_spare_access
    assert shape.passed == ("p1",)
    assert shape.indispensable == ()


@pytest.mark.parametrize("core", Core)
def test_every_need_of_a_core_is_met_by_some_shape_and_not_by_all(core: Core) -> None:
    met = [core.found_in(shape) for shape in SHAPES]
    assert any(met)
    assert not all(met)
