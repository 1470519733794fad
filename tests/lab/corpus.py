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
from tests.lab.decidable import Decidable
from tests.lab.scenario import Scenario
from tests.lab.scenarios import SCENARIOS
from tests.lab.shapes import SHAPES, Shape
from tests.lab.thin import PROFILES, is_arguable, label, scant_profile, thin

_WORST_CLOCK_SECONDS = 300.0
_WORST_DRIFT_PPM = 200.0
_THINNED_PER_RECORDING = 2


@dataclass(frozen=True, slots=True)
class Draw:
    """One recording of a corpus."""

    number: int
    scenario: Scenario
    shape: Shape
    seed: int
    names: str
    clock_errors: tuple[str, ...]
    """"customer=12.500" or the like; empty where both clocks are right."""
    clock_drifts: tuple[str, ...]
    clock_told: bool

    @property
    def folder(self) -> str:
        """The folder of the full recording."""
        return f"{self.number:05d}-{self.scenario.name}-{self.shape.name}"

    def arguments(self, output: Path) -> list[str]:
        """The command line that records it."""
        clock = [word for error in self.clock_errors for word in ("--clock-error", error)]
        clock += [word for drift in self.clock_drifts for word in ("--clock-drift", drift)]
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
        errors, drifts = draw_clocks(dice)
        yield Draw(
            number, scenario, dice.choice([shape for shape in SHAPES if scenario.fits(shape)]),
            seed * 100_000 + number, dice.choice(("generic", "random", "random")), errors, drifts,
            dice.random() < 0.5,
        )


def draw_clocks(dice: random.Random) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Three in ten have a wrong clock, some of them two; many drift a little."""
    errors, drifts = [], []
    wrong = dice.random() < 0.3
    sides = dice.sample(("customer", "provider"), 2 if dice.random() < 0.2 else 1) if wrong else []
    for side in sides:
        size = dice.choice((dice.uniform(0.3, 5), dice.uniform(5, 60), dice.uniform(60, _WORST_CLOCK_SECONDS)))
        errors.append(f"{side}={dice.choice((-1, 1)) * size:.3f}")
    for side in ("customer", "provider"):
        if dice.random() < 0.4:
            drifts.append(f"{side}={dice.uniform(-_WORST_DRIFT_PPM, _WORST_DRIFT_PPM):.1f}")
    return tuple(errors), tuple(drifts)


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
    """Thin each recording out, and list all bundles with how they came about."""
    with (output / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("folder", "scenario", "topology", "seed", "profile", "clock_error", "clock_told", "party"))
        for draw in draws:
            if (output / draw.folder / "truth.yaml").exists():
                for folder, profile in ((draw.folder, "all"), *_thin_one(draw, output)):
                    truth = yaml.safe_load((output / folder / "truth.yaml").read_text(encoding="utf-8"))
                    writer.writerow((folder, draw.scenario.name, draw.shape.name, draw.seed, profile,
                                     " ".join(draw.clock_errors), draw.clock_told, truth["party"]))


def _thin_one(draw: Draw, output: Path) -> Iterator[tuple[str, str]]:
    """Thinned bundles of a recording, their profiles drawn by its seed among those that leave a label beyond doubt."""
    fitting = [profile for profile in PROFILES[1:]
               if label(output / draw.folder, profile) is not Decidable.ARGUABLE]
    dice = random.Random(f"profile {draw.seed}")
    for profile in dice.sample(fitting, min(_THINNED_PER_RECORDING, len(fitting))):
        folder = f"{draw.folder}-{profile.name}"
        if not (output / folder).exists():
            thin(output / draw.folder, profile, output / folder)
        yield folder, profile.name


def derive_arguable(corpus: Path, output: Path) -> Iterator[Path]:
    """Of each recording of a corpus one bundle about whose label experts could disagree, its profile drawn by the seed.

    No test of verdicts: who was it is known, and what a calibration promises has to hold for such bundles too.
    """
    with (corpus / "manifest.csv").open(encoding="utf-8", newline="") as file:
        recordings = [row for row in csv.DictReader(file) if row["profile"] == "all"]
    for row in recordings:
        whole = corpus / row["folder"]
        fitting = [profile for profile in PROFILES[1:] if is_arguable(whole, profile)]
        if fitting:
            profile = random.Random(f"arguable {row['seed']}").choice(fitting)
            target = output / f"{row['folder']}-{profile.name}"
            thin(whole, profile, target, arguable=True)
            yield target


def derive_scant(corpus: Path, seed: int, output: Path) -> Iterator[Path]:
    """Of each recording of a corpus one bundle with pieces of its evidence left as a seed draws them.

    Where experts could disagree about its label it has to be decided by nobody; who was it is known all the same.
    """
    with (corpus / "manifest.csv").open(encoding="utf-8", newline="") as file:
        recordings = [row["folder"] for row in csv.DictReader(file) if row["profile"] == "all"]
    for folder in recordings:
        incident = yaml.safe_load((corpus / folder / "incident.yaml").read_text(encoding="utf-8"))
        profile = scant_profile(f"scant {seed} {folder}", incident["evidence"])
        target = output / f"{folder}-{profile.name}"
        thin(corpus / folder, profile, target, arguable=True)
        yield target
