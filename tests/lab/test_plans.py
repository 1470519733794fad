"""Plans: what is drawn by seed is the same for the same seed, complete, and without collisions."""

from __future__ import annotations

import pytest

from tests.lab.naming import draw_plan
from tests.lab.plan import Kind, Side
from tests.lab.scenarios import SCENARIOS
from tests.lab.shapes import SHAPES, Shape

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


def test_there_are_at_least_forty_five_kinds_of_incident_and_each_can_play_somewhere() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names) >= 45
    for scenario in SCENARIOS:
        assert any(scenario.fits(shape) for shape in SHAPES), scenario.name
        assert scenario.party in ("customer", "provider", "shared", "neither", "undetermined")
        assert bool(scenario.clauses) == (scenario.party in ("customer", "provider", "shared"))
