"""A corpus is drawn by seed: scenario, topology, names, clocks and the evidence that is left, over and over."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import yaml

from tests.lab.collection import run_side_by_side
from tests.lab.scenario import Scenario
from tests.lab.scenarios import SCENARIOS
from tests.lab.shapes import SHAPES, Shape
from tests.lab.thin import PROFILES, applies, thin

_WORST_CLOCK_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Draw:
    """One recording of a corpus."""

    number: int
    scenario: Scenario
    shape: Shape
    seed: int
    names: str
    clock_error: str
    """"customer=12.500" or the like; empty where both clocks are right."""
    clock_told: bool

    @property
    def folder(self) -> str:
        """The folder of the full recording."""
        return f"{self.number:05d}-{self.scenario.name}-{self.shape.name}"

    def arguments(self, output: Path) -> list[str]:
        """The command line that records it."""
        clock = ["--clock-error", self.clock_error] if self.clock_error else []
        told = [] if self.clock_told else ["--clock-untold"]
        return ["record", self.scenario.name, "--topology", self.shape.name, "--seed", str(self.seed), "--names",
                self.names, "--output", str(output / self.folder), *clock, *told]


def draw_corpus(count: int, seed: int) -> Iterator[Draw]:
    """Every scenario comes up before any comes up again; everything else is drawn."""
    dice = random.Random(f"corpus {seed}")
    waiting: list[Scenario] = []
    for number in range(count):
        if not waiting:
            waiting = dice.sample(SCENARIOS, len(SCENARIOS))
        scenario = waiting.pop()
        error = draw_clock_error(dice)
        yield Draw(
            number, scenario, dice.choice([shape for shape in SHAPES if scenario.fits(shape)]),
            seed * 100_000 + number, dice.choice(("generic", "random", "random")), error, dice.random() < 0.5,
        )


def draw_clock_error(dice: random.Random) -> str:
    """In one of four incidents one supplier's clock is wrong, by up to five minutes."""
    if dice.random() >= 0.25:
        return ""
    size = dice.choice((dice.uniform(0.3, 5), dice.uniform(5, 60), dice.uniform(60, _WORST_CLOCK_SECONDS)))
    return f"{dice.choice(('customer', 'provider'))}={dice.choice((-1, 1)) * size:.3f}"


def record_corpus(count: int, seed: int, jobs: int, output: Path) -> None:
    """Record a corpus and derive from each recording a bundle with some of the evidence taken away."""
    output.mkdir(parents=True, exist_ok=True)
    draws = list(draw_corpus(count, seed))
    waiting = [draw for draw in draws if not (output / draw.folder / "truth.yaml").exists()]
    try:
        run_side_by_side([draw.arguments(output.resolve()) for draw in waiting], jobs)
    finally:  # a corpus that is interrupted is a smaller corpus
        _write_manifest(draws, output)
    for draw in draws:
        if not (output / draw.folder / "truth.yaml").exists():
            click.echo(f"refused: {draw.folder}", err=True)


def _write_manifest(draws: list[Draw], output: Path) -> None:
    """Thin each recording out once, and list all bundles with how they came about."""
    with (output / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("folder", "scenario", "topology", "seed", "profile", "clock_error", "clock_told", "party"))
        for draw in draws:
            if (output / draw.folder / "truth.yaml").exists():
                for folder, profile in ((draw.folder, "all"), *_thin_one(draw, output)):
                    truth = yaml.safe_load((output / folder / "truth.yaml").read_text(encoding="utf-8"))
                    writer.writerow((folder, draw.scenario.name, draw.shape.name, draw.seed, profile,
                                     draw.clock_error, draw.clock_told, truth["party"]))


def _thin_one(draw: Draw, output: Path) -> Iterator[tuple[str, str]]:
    """One thinned bundle per recording, its profile drawn by the recording's seed."""
    truth = yaml.safe_load((output / draw.folder / "truth.yaml").read_text(encoding="utf-8"))
    fitting = [profile for profile in PROFILES[1:] if applies(profile, truth)]
    profile = random.Random(f"profile {draw.seed}").choice(fitting)
    folder = f"{draw.folder}-{profile.name}"
    if not (output / folder).exists():
        thin(output / draw.folder, profile, output / folder)
    yield folder, profile.name
