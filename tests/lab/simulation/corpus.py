"""A corpus of simulated incidents: drawn by seed like a recorded one, on the laboratory's shapes and on large ones."""

from __future__ import annotations

import csv
import random
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.lab.corpus import draw_clocks
from tests.lab.decidable import Decidable
from tests.lab.errors import RecordingRefused
from tests.lab.export import Exporter
from tests.lab.plan import Side
from tests.lab.recording import Recording
from tests.lab.scenario import Scenario
from tests.lab.scenarios import SCENARIOS, scenario_named
from tests.lab.shapes import SHAPES, Shape, shape_named
from tests.lab.simulation.backbones import draw_backbone
from tests.lab.simulation.playing import simulate
from tests.lab.styles import draw_style
from tests.lab.thin import PROFILES, label, thin

_LARGE = "large"
_BATCH = 25
_SHAPES_TRIED = 40


@dataclass(frozen=True, slots=True)
class SimulatedDraw:
    """One simulated incident of a corpus; all that it takes to write it."""

    number: int
    scenario: str
    topology: str
    seed: int
    names: str
    clock_errors: tuple[str, ...]
    clock_drifts: tuple[str, ...]
    clock_told: bool
    folder_name: str = ""

    @property
    def folder(self) -> str:
        """The folder of the full bundle."""
        return self.folder_name or f"{self.number:06d}-{self.scenario}-{self.topology}"


def draw_simulations(count: int, seed: int, large: bool) -> Iterator[SimulatedDraw]:
    """Every scenario comes up before any comes up again; each on a shape that it fits."""
    dice = random.Random(f"simulated corpus {seed}")
    waiting: list[Scenario] = []
    for number in range(count):
        if not waiting:
            waiting = dice.sample(SCENARIOS, len(SCENARIOS))
        scenario = waiting.pop()
        own = seed * 1_000_000 + number
        topology = dice.choice([shape.name for shape in SHAPES if scenario.fits(shape)])
        if large:
            topology = f"{_LARGE}-{large_number(scenario, own)}"
        errors, drifts = draw_clocks(dice)
        yield SimulatedDraw(number, scenario.name, topology, own, dice.choice(("generic", "random", "random")),
                            errors, drifts, dice.random() < 0.5)


def large_number(scenario: Scenario, seed: int) -> int:
    """The number of a large shape that a scenario fits: the first of those that the seed proposes."""
    dice = random.Random(f"large shape {scenario.name} {seed}")
    for _ in range(_SHAPES_TRIED):
        number = dice.randrange(1_000_000)
        if scenario.fits(draw_backbone(number)):
            return number
    raise RecordingRefused(f"{scenario.name}: none of {_SHAPES_TRIED} large shapes fits; expected one that does")


def topology_of(name: str) -> Shape | None:
    """A shape of the laboratory, or the large one of that number: large-4711."""
    kind, _, number = name.partition("-")
    if kind == _LARGE and number.isdecimal():
        return draw_backbone(int(number))
    return shape_named(name)


def write_simulation(draw: SimulatedDraw, output: Path) -> None:
    """Simulate one incident and write its bundle."""
    scenario, shape = scenario_named(draw.scenario), topology_of(draw.topology)
    assert scenario is not None
    assert shape is not None
    errors = _by_side(draw.clock_errors, 1.0)
    drifts = _by_side(draw.clock_drifts, 1e-6)

    def export(recording: Recording) -> None:
        dice = random.Random(f"export {scenario.name} {shape.name} {draw.seed}")
        Exporter(recording, output / draw.folder, draw_style(dice, errors, draw.clock_told, drifts), dice).export()

    simulate(scenario, shape, draw.seed, draw.names, export)


def _by_side(texts: tuple[str, ...], unit: float) -> dict[Side, float]:
    """What is said of each supplier's clock, from "customer=12.5"."""
    parts = [text.partition("=") for text in texts]
    return {Side(side): float(number) * unit for side, _, number in parts}


def simulate_corpus(count: int, seed: int, jobs: int, output: Path, large: bool) -> tuple[int, list[str]]:
    """Write a corpus, thin each bundle out once, and list all in manifest.csv; what shows no effect is refused."""
    output.mkdir(parents=True, exist_ok=True)
    draws = list(draw_simulations(count, seed, large))
    batches = [(draws[begin : begin + _BATCH], output) for begin in range(0, len(draws), _BATCH)]
    rows: list[tuple[object, ...]] = []
    refused: list[str] = []
    if jobs > 1:
        with ProcessPoolExecutor(jobs) as pool:
            for found, missing in pool.map(_write_batch, batches):
                rows += found
                refused += missing
    else:
        for batch in batches:
            found, missing = _write_batch(batch)
            rows += found
            refused += missing
    with (output / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("folder", "scenario", "topology", "seed", "profile", "clock_error", "clock_told", "party"))
        writer.writerows(rows)
    return len(rows), refused


def _write_batch(batch: tuple[list[SimulatedDraw], Path]) -> tuple[list[tuple[object, ...]], list[str]]:
    """Write some bundles with one thinned copy of each; the rows of the manifest, and what was refused."""
    draws, output = batch
    rows: list[tuple[object, ...]] = []
    refused = []
    for draw in draws:
        try:
            write_simulation(draw, output)
        except RecordingRefused as problem:
            refused.append(f"{draw.folder}: {problem}")
            continue
        for folder, profile in ((draw.folder, "all"), *_thin_one(draw, output)):
            text = (output / folder / "truth.yaml").read_text(encoding="utf-8")
            party = next(line.partition(" ")[2] for line in text.splitlines() if line.startswith("party: "))
            rows.append((folder, draw.scenario, draw.topology, draw.seed, profile, " ".join(draw.clock_errors),
                         draw.clock_told, party))
    return rows, refused


def _thin_one(draw: SimulatedDraw, output: Path) -> Iterator[tuple[str, str]]:
    """One thinned bundle, its profile drawn by the seed among those that take something and leave a clear label."""
    fitting = [profile for profile in PROFILES[1:] if profile.name != "no-captures"
               and label(output / draw.folder, profile) is not Decidable.ARGUABLE]
    if fitting:
        profile = fitting[zlib.crc32(f"profile {draw.seed}".encode()) % len(fitting)]
        folder = f"{draw.folder}-{profile.name}"
        thin(output / draw.folder, profile, output / folder)
        yield folder, profile.name
