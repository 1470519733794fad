"""How a simulated recording comes about: the same steps as in the laboratory, on calculated time."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tests.lab.effects import assert_effect
from tests.lab.itinerary import draw_capture_points, draw_orders
from tests.lab.naming import draw_plan
from tests.lab.noise import routine_lines
from tests.lab.observed import Probe
from tests.lab.paperwork import Paperwork, Resources
from tests.lab.plan import Side
from tests.lab.recorders import POLL_SECONDS
from tests.lab.recording import Pace, Recording, draw_schedule
from tests.lab.scenario import Scenario
from tests.lab.shapes import Shape
from tests.lab.simulation.clock import VirtualClock
from tests.lab.simulation.control import ControlPlane
from tests.lab.simulation.fabric import Fabric
from tests.lab.simulation.frr_text import write_log
from tests.lab.simulation.measuring import Polling, accounts, echoes, gauges, handshakes, readings
from tests.lab.simulation.observation import Observer
from tests.lab.simulation.plan_index import IndexedPlan
from tests.lab.simulation.stage import NoWatch, SimulatedDecoys, SimulatedStage

_FIRST_DAY = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
_DAYS = 240
_LEAD_SECONDS, _TAIL_SECONDS = 3.0, 2.5
_TRACED_HOPS = 24


def simulate(scenario: Scenario, shape: Shape, seed: int, names: str, export: Callable[[Recording], None],
             pace: Pace | None = None) -> None:
    """Play a scenario on a calculated network and hand what was seen to `export`."""
    with tempfile.TemporaryDirectory(prefix="attribution-simulation-") as name:
        recording = perform(scenario, shape, seed, names, Path(name), pace or Pace())
        assert_effect(recording.scenario, recording.plan, recording.schedule, recording.causes, recording.probes,
                      recording.flows)
        export(recording)


def perform(scenario: Scenario, shape: Shape, seed: int, names: str, workspace: Path, pace: Pace) -> Recording:
    """Everything that would be seen of the scenario; what is drawn is drawn as in the laboratory."""
    plan = IndexedPlan.of(draw_plan(shape, seed, names))
    dice = random.Random(f"play {scenario.name} {shape.name} {seed}")
    chance = random.Random(f"chance {scenario.name} {shape.name} {seed}")
    begin = round(_FIRST_DAY + chance.uniform(0, _DAYS) * 86400, 3)
    schedule = draw_schedule(scenario, shape, pace, dice, begin)
    clock = VirtualClock(schedule.start - _LEAD_SECONDS)
    fabric = Fabric(plan, clock, chance)
    control = ControlPlane(plan, fabric, clock, scenario.routing, chance)
    stage = SimulatedStage(plan, shape, fabric, dict(control.routers), NoWatch(), schedule, dice,
                           Paperwork(Resources.draw(dice)), clock=clock, fabric=fabric)
    extra = scenario.load(plan, schedule) if scenario.load is not None else ()
    watched = _watched(plan, shape)
    orders = draw_orders(plan, shape, fabric, schedule, extra, dice)
    orders = replace(orders, pings=tuple(ping for ping in orders.pings if {ping.source, ping.destination} <= watched))
    draw_capture_points(plan, shape, dice)  # nobody captures here, but what is drawn after must stay the same
    observer = Observer(plan, fabric, control.forwarding, orders, clock.now,
                        _draw_delays(plan, shape, chance), _TRACED_HOPS, chance)
    fabric.changed.before = lambda: observer.settle(clock.now)
    for stream in extra:
        for moment in (stream.start, stream.end):
            if moment is not None:
                clock.at(moment, lambda: observer.settle(clock.now, however_short=True))
    decoys = SimulatedDecoys(stage, dice, scenario)
    if scenario.prepare is not None:
        scenario.prepare(stage)
    stage.wait(schedule.start - clock.now - 0.5)
    decoys.plan()
    stage.wait(schedule.fault - clock.now)
    scenario.play(stage)
    decoys.papers()
    stage.wait(schedule.end - clock.now)
    decoys.stop()
    stage.wait(_TAIL_SECONDS)
    observer.settle(clock.now)
    return _collect(scenario, stage, seed, workspace, fabric, control, observer, watched, chance)


def _draw_delays(plan: IndexedPlan, shape: Shape, chance: random.Random) -> dict[int, float]:
    """Milliseconds that each link takes, by port: none in the laboratory, those of a country on large backbones."""
    if not shape.resembles:
        return {}
    delays: dict[int, float] = {}
    for number in range(0, len(plan.all_ports), 2):
        routers = all(plan.node(plan.all_ports[end].role).routes for end in (number, number + 1))
        delays[number] = delays[number + 1] = round(chance.uniform(0.1, 6.0) if routers else 0.02, 3)
    return delays


def _watched(plan: IndexedPlan, shape: Shape) -> frozenset[str]:
    """Whose counters and probes are kept: everybody's, or on a large backbone those on the way and beside it."""
    listed = frozenset(node.role for node in plan.nodes if node.listed)
    if not shape.resembles:
        return listed
    near = {node.role for node in plan.nodes if node.side is Side.CUSTOMER} | set(shape.core)
    near |= {"pe1", shape.far_edge, "vgw"} & listed
    return listed & (near | {neighbour for role in near for neighbour in plan.neighbours(role)})


def _collect(scenario: Scenario, stage: SimulatedStage, seed: int, workspace: Path, fabric: Fabric,
             control: ControlPlane, observer: Observer, watched: frozenset[str], chance: random.Random) -> Recording:
    """Bring together what scenario, ports, daemons and probes left behind.

    Of a large backbone the supplier may hand over the logs of all routers, or only of those near the service's way.
    """
    schedule, plan = stage.schedule, fabric.indexed
    asked = watched if chance.random() < 0.5 else frozenset(node.role for node in plan.nodes)
    logs = {}
    for role in control.routers:
        logs[role] = workspace / f"{role}.log"
        if role in asked and control.lines.get(role):
            write_log(logs[role], control.lines[role])
    polling = Polling(watched, schedule.start - 0.5 + chance.uniform(0.3, 0.7), schedule.end + 0.2, POLL_SECONDS)
    probes: tuple[Probe, ...] = (
        *echoes(observer.conversations, schedule.start, schedule.end, chance),
        *handshakes(observer.conversations, schedule.start, schedule.end, chance),
    )
    happenings = [*stage.happenings, *fabric.happenings, *control.happenings,
                  *routine_lines(plan, schedule, stage.dice)]
    return Recording(
        scenario=scenario, shape=stage.shape, plan=plan, seed=seed, schedule=schedule,
        causes=tuple(sorted(stage.causes, key=lambda cause: cause.start)),
        happenings=tuple(sorted((item for item in happenings if item.role in asked), key=lambda item: item.time)),
        frr_logs=logs, dead=stage.dead,
        samples=(*readings(plan, observer.stretches, fabric.history, fabric.meters, polling, chance),
                 *gauges(plan, stage.gauge_changes, polling, chance)),
        probes=tuple(sorted(probes, key=lambda probe: probe.time)), paths=tuple(observer.walks),
        flows=tuple(accounts(observer.conversations, schedule.start, schedule.end, chance)),
        captures=(), paperwork=stage.paperwork, gauged=stage.gauged,
    )
