"""How a recording comes about: build, start, wait for the routes, play the scenario, assert its effect, export."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.daemons import PROGRAMS, Router
from tests.lab.effects import assert_effect
from tests.lab.errors import EnvironmentLacking, RecordingRefused
from tests.lab.frrlog import read_happenings
from tests.lab.happenings import Happening
from tests.lab.itinerary import draw_capture_points, draw_orders
from tests.lab.namespaces import inside
from tests.lab.naming import draw_plan
from tests.lab.network import Network
from tests.lab.noise import Decoys, routine_lines
from tests.lab.observed import Flow, Probe, Walk
from tests.lab.paperwork import Paperwork, Resources
from tests.lab.plan import Plan, Port
from tests.lab.recorders import Capture, Sample, Watch
from tests.lab.scenario import Scenario
from tests.lab.shapes import Shape
from tests.lab.stage import Cause, Schedule, Stage

ROOT = Path(__file__).resolve().parents[2]
_CONVERGENCE_SECONDS = 40.0
_LARGE_CORE, _SETTLING_SECONDS = 5, 4.0
"""With more core routers than this, sessions need so much longer to come back after a repair."""
_NEEDED_PROGRAMS = ("ip", "nft", "tc", "tcpdump", "vtysh", "zstd")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things last, from the shortest to the longest, in seconds."""

    before: tuple[float, float] = (10.0, 13.0)
    fault: tuple[float, float] = (10.0, 17.0)
    after: tuple[float, float] = (10.0, 12.0)


BRISK = Pace(before=(5.0, 5.5), fault=(6.0, 7.0), after=(7.0, 7.5))
"""Just long enough for the effect to be asserted."""


@dataclass(frozen=True, slots=True)
class Recording:
    """All that was seen during a scenario, before anything is exported."""

    scenario: Scenario
    shape: Shape
    plan: Plan
    seed: int
    schedule: Schedule
    causes: tuple[Cause, ...]
    happenings: tuple[Happening, ...]
    frr_logs: dict[str, Path]
    dead: dict[str, list[tuple[float, float]]]
    samples: tuple[Sample, ...]
    probes: tuple[Probe, ...]
    paths: tuple[Walk, ...]
    flows: tuple[Flow, ...]
    captures: tuple[tuple[Port, Path], ...]
    paperwork: Paperwork
    gauged: bool
    """Whether a device's own gauge showed something unusual."""


def check_environment() -> None:
    """Say what the machine lacks before anything is built."""
    if os.geteuid() != 0:
        raise EnvironmentLacking("recording needs root: network namespaces and packet capture are the superuser's")
    missing = [name for name in _NEEDED_PROGRAMS if shutil.which(name) is None]
    missing += [str(PROGRAMS / name) for name in ("zebra", "bgpd", "ospfd", "bfdd") if not (PROGRAMS / name).exists()]
    if missing:
        raise EnvironmentLacking(f"missing programs: {', '.join(missing)}; expected iproute2, nftables, tcpdump, FRR "
                                 "and zstd to be installed")


def record(scenario: Scenario, shape: Shape, seed: int, names: str,
           export: Callable[[Recording], None], pace: Pace | None = None) -> None:
    """Play a scenario on a freshly built network and hand what was seen to `export`; always clean up."""
    check_environment()
    plan = draw_plan(shape, seed, names)
    network = Network(plan, f"l{os.getpid() % 100000:05d}")
    with tempfile.TemporaryDirectory(prefix="attribution-lab-") as name, termination_raises():
        workspace = Path(name)
        workspace.chmod(0o755)
        routers: dict[str, Router] = {}
        try:
            network.remove()
            network.build()
            for node in plan.nodes:
                if node.routes:
                    routers[node.role] = Router(network, node, workspace / node.role, scenario.routing)
                    routers[node.role].start()
            _await_routes(plan, network)
            recording = _perform(scenario, shape, plan, network, routers, seed, workspace, pace or Pace())
            assert_effect(recording.scenario, recording.plan, recording.schedule, recording.causes, recording.probes,
                          recording.flows)
            export(recording)
        finally:
            for router in routers.values():
                router.thaw()
                router.kill()
            network.remove()


@contextmanager
def termination_raises() -> Iterator[None]:
    """A polite request to end is an exception like any other, so that the namespaces are removed."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _await_routes(plan: Plan, network: Network) -> None:
    """The service works, both ways, before anything is recorded."""
    deadline = time.monotonic() + _CONVERGENCE_SECONDS
    near, far = plan.ends
    settled = 0
    while settled < 3:
        if time.monotonic() > deadline:
            raise RecordingRefused(f"{plan.shape}: the ends did not reach each other within {_CONVERGENCE_SECONDS} s")
        settled = settled + 1 if _answers(network, near, str(plan.address(far))) else 0
        time.sleep(0.3)
    time.sleep(2.0)


def _answers(network: Network, role: str, address: str) -> bool:
    """Whether a connection attempt comes back, be it refused."""
    with inside(network.namespace(role)):
        handle = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with handle:
        handle.settimeout(0.5)
        try:
            handle.connect((address, 9))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return True


def _perform(scenario: Scenario, shape: Shape, plan: Plan, network: Network, routers: dict[str, Router], seed: int,
             workspace: Path, pace: Pace) -> Recording:
    """Record while the scenario plays."""
    dice = random.Random(f"play {scenario.name} {shape.name} {seed}")
    schedule = draw_schedule(scenario, shape, pace, dice, time.time() + 1.5)
    watch = Watch(plan, network)
    stage = Stage(plan, shape, network, routers, watch, schedule, dice, Paperwork(Resources.draw(dice)))
    extra = scenario.load(plan, schedule) if scenario.load is not None else ()
    orders = draw_orders(plan, shape, network, schedule, extra, dice)
    points = draw_capture_points(plan, shape, dice)
    decoys = Decoys(stage, dice, scenario)
    if scenario.prepare is not None:
        scenario.prepare(stage)
    captures = tuple(Capture(network, port, workspace / f"{number}.pcap") for number, port in enumerate(points))
    field = _start_field(orders.to_json(), workspace)
    try:
        watch.start()
        decoys.plan()
        stage.wait(schedule.fault - time.time())
        scenario.play(stage)
        decoys.papers()
        stage.wait(schedule.end - time.time())
        field.wait(timeout=20)
    finally:
        decoys.stop()
        watch.stop()
        if field.poll() is None:
            field.kill()
            field.wait()
        for capture in captures:
            capture.stop()
    if field.returncode != 0:
        raise RecordingRefused(f"the field process ended with {field.returncode}; expected 0")
    return _collect(scenario, stage, seed, captures, workspace / "reports.jsonl")


def draw_schedule(scenario: Scenario, shape: Shape, pace: Pace, dice: random.Random, start: float) -> Schedule:
    """When things will happen, from a moment that leaves time to get ready."""
    fault = start + dice.uniform(*pace.before)
    repair = fault + dice.uniform(*pace.fault)
    settling = _SETTLING_SECONDS if len(shape.core) > _LARGE_CORE else 0.0
    return Schedule(start, fault, repair, repair + scenario.overrun_s + settling + dice.uniform(*pace.after))


def _collect(scenario: Scenario, stage: Stage, seed: int, captures: tuple[Capture, ...], reports: Path) -> Recording:
    """Bring together what scenario, kernel, daemons and field process left behind."""
    probes, paths, flows = _read_reports(reports)
    happenings = [*stage.happenings, *stage.watch.changes, *routine_lines(stage.plan, stage.schedule, stage.dice)]
    for role, router in stage.routers.items():
        happenings += read_happenings(stage.plan, role, router.log)
    return Recording(
        scenario=scenario, shape=stage.shape, plan=stage.plan, seed=seed, schedule=stage.schedule,
        causes=tuple(sorted(stage.causes, key=lambda cause: cause.start)),
        happenings=tuple(sorted(happenings, key=lambda happening: happening.time)),
        frr_logs={role: router.log for role, router in stage.routers.items()}, dead=stage.dead,
        samples=tuple(stage.watch.samples), probes=probes, paths=paths, flows=flows,
        captures=tuple((capture.port, capture.file) for capture in captures), paperwork=stage.paperwork,
        gauged=stage.gauged,
    )


def _start_field(orders: str, workspace: Path) -> subprocess.Popen[bytes]:
    """Start the process that sends all traffic and probes."""
    (workspace / "orders.json").write_text(orders, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.lab.field", str(workspace / "orders.json"), str(workspace / "reports.jsonl")],
        cwd=ROOT, stdin=subprocess.DEVNULL,
    )


def _read_reports(file: Path) -> tuple[tuple[Probe, ...], tuple[Walk, ...], tuple[Flow, ...]]:
    """What the field process wrote down."""
    probes, paths, flows = [], [], []
    for line in file.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)
        what = raw.pop("what")
        if what == "probe":
            raw["round_trips_ms"] = tuple(raw["round_trips_ms"])
            probes.append(Probe(**raw))
        elif what == "path":
            raw["hops"] = tuple((int(hop), str(address), rtt) for hop, address, rtt in raw["hops"])
            paths.append(Walk(**raw))
        else:
            raw.pop("protocol")
            flows.append(Flow(**raw))
    return tuple(probes), tuple(paths), tuple(flows)
