"""Decoys: nothing follows from a ticket, a login or an alarm merely being there."""

from __future__ import annotations

import random
from typing import cast

import pytest

from tests.lab.happenings import BgpDown
from tests.lab.naming import draw_plan
from tests.lab.network import Network
from tests.lab.noise import Decoys
from tests.lab.paperwork import Paperwork, Resources
from tests.lab.plan import Side
from tests.lab.recorders import Watch
from tests.lab.scenarios import scenario_named
from tests.lab.shapes import SHAPES
from tests.lab.stage import Cause, Schedule, Stage

SCHEDULE = Schedule(start=1000.0, fault=1010.0, repair=1022.0, end=1033.0)


def _stage(seed: int, component: tuple[str, ...], side: Side) -> Stage:
    """A stage without a network: papers and log lines need none."""
    dice = random.Random(seed)
    stage = Stage(draw_plan(SHAPES[0], seed, "generic"), SHAPES[0], cast(Network, None), {}, cast(Watch, None),
                  SCHEDULE, dice, Paperwork(Resources.draw(dice)))
    stage.causes.append(Cause(component, "device_failure", side, 1010.0, 1022.0))
    return stage


def _tickets(name: str, component: tuple[str, ...], side: Side) -> list[tuple[Side, str]]:
    scenario = scenario_named(name)
    assert scenario is not None
    found = []
    for seed in range(300):
        stage = _stage(seed, component, side)
        Decoys(stage, stage.dice, scenario).papers()
        found += [(change.performed_by, change.device) for change in stage.paperwork.changes]
        assert all(change.start < SCHEDULE.fault and change.end > SCHEDULE.repair for change in stage.paperwork.changes)
    return found


@pytest.mark.parametrize(("name", "component", "side"), [
    ("customer-edge-crash", ("ce1",), Side.CUSTOMER), ("provider-core-router-crash", ("p1",), Side.PROVIDER),
    ("customer-lan-cut", ("sw1", "ce1"), Side.CUSTOMER),
])
def test_tickets_overlap_the_fault_on_either_side_alike_and_never_on_what_failed(
    name: str, component: tuple[str, ...], side: Side
) -> None:
    tickets = _tickets(name, component, side)
    by_side = [performed_by for performed_by, _ in tickets]
    assert all(60 <= by_side.count(one) <= 120 for one in Side)
    assert not {device for _, device in tickets} & set(component)


def test_other_customers_sessions_flap_at_addresses_outside_the_service() -> None:
    scenario = scenario_named("customer-edge-crash")
    assert scenario is not None
    for seed in range(20):
        stage = _stage(seed, ("ce1",), Side.CUSTOMER)
        Decoys(stage, stage.dice, scenario)._other_sessions()
        (down,) = (happening.what for happening in stage.happenings if isinstance(happening.what, BgpDown))
        ports = [port for node in stage.plan.nodes for port in stage.plan.ports(node.role)]
        held = {str(port.address.ip) for port in ports if port.address}
        assert down.peer not in held
