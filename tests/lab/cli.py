"""The laboratory's command line: list what can be staged, record it, thin bundles out, fill a corpus."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import click

from tests.lab.errors import LabError, UsageError
from tests.lab.plan import Side
from tests.lab.scenario import Scenario
from tests.lab.scenarios import SCENARIOS, scenario_named
from tests.lab.shapes import SHAPES, Shape, shape_named
from tests.lab.simulation.commands import add_commands


def main() -> None:
    """Run the command line; what goes wrong is said in one line, with an exit status of its own."""
    try:
        _commands(standalone_mode=False)
    except LabError as problem:
        click.echo(f"tests.lab: {problem}", err=True)
        sys.exit(problem.exit_status)
    except click.ClickException as problem:
        problem.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("tests.lab: stopped; all namespaces are removed", err=True)
        sys.exit(130)


@click.group(name="tests.lab")
def _commands() -> None:
    """Record incidents on a laboratory network of namespaces, FRR routers and real traffic."""


@_commands.command(name="list")
def _list() -> None:
    """What can be staged, and on which topologies."""
    for scenario in SCENARIOS:
        fitting = ", ".join(shape.name for shape in SHAPES if scenario.fits(shape))
        click.echo(f"{scenario.name:42} {scenario.party:12} {scenario.fact} [{fitting}]")


@_commands.command(name="record")
@click.argument("name", metavar="SCENARIO")
@click.option("--topology", default=None, help="The shape to record on; the scenario's first if left out.")
@click.option("--seed", default=1, show_default=True, help="Decides names, addresses, times and decoys.")
@click.option("--names", type=click.Choice(["generic", "random"]), default="random", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=None, help="The bundle's folder.")
@click.option("--clock-error", multiple=True, metavar="SIDE=SECONDS", help="How far a supplier's clock is ahead.")
@click.option("--clock-drift", multiple=True, metavar="SIDE=PPM", help="By how many millionths a clock is too fast.")
@click.option("--clock-untold", is_flag=True, help="Leave the clock's error out of incident.yaml.")
def _record(name: str, topology: str | None, seed: int, names: str, output: Path | None,
            clock_error: tuple[str, ...], clock_drift: tuple[str, ...], clock_untold: bool) -> None:
    """Record one scenario as an incident bundle."""
    from tests.lab.export import Exporter
    from tests.lab.recording import Recording, record
    from tests.lab.styles import draw_style

    scenario = _scenario(name)
    shape = _shape(scenario, topology)
    target = output if output is not None else Path(scenario.name)
    errors = _by_side("--clock-error", "SECONDS", clock_error)
    drifts = {side: value * 1e-6 for side, value in _by_side("--clock-drift", "PPM", clock_drift).items()}

    def export(recording: Recording) -> None:
        dice = random.Random(f"export {scenario.name} {shape.name} {seed}")
        style = draw_style(dice, errors, told=not clock_untold, clock_drift=drifts)
        Exporter(recording, target, style, dice).export()

    record(scenario, shape, seed, names, export)
    click.echo(target)


def _by_side(option: str, unit: str, texts: tuple[str, ...]) -> dict[Side, float]:
    """What is said of each supplier's clock, from "customer=12.5"."""
    found = {}
    for text in texts:
        side, _, number = text.partition("=")
        try:
            found[Side(side)] = float(number)
        except ValueError:
            raise UsageError(f"{option} {text}: expected customer={unit} or provider={unit}") from None
    return found


def _scenario(name: str) -> Scenario:
    scenario = scenario_named(name)
    if scenario is None:
        raise UsageError(f"{name}: no such scenario; expected one of: {', '.join(item.name for item in SCENARIOS)}")
    return scenario


def _shape(scenario: Scenario, name: str | None) -> Shape:
    """The shape asked for, or the scenario's first."""
    fitting = {shape.name: shape for shape in SHAPES if scenario.fits(shape)}
    if name is None:
        preferred = [fitting[item] for item in scenario.shapes if item in fitting]
        return (preferred or list(fitting.values()))[0]
    if shape_named(name) is None:
        raise UsageError(f"{name}: no such topology; expected one of: {', '.join(shape.name for shape in SHAPES)}")
    if name not in fitting:
        raise UsageError(f"{scenario.name} cannot play on {name}; expected one of: {', '.join(fitting)}")
    return fitting[name]


@_commands.command(name="record-all")
@click.option("--jobs", default=2, show_default=True, help="How many recordings run side by side.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("pcaps"), show_default=True)
@click.option("--only", default="", help="Record only folders whose name contains this.")
def _record_all(jobs: int, output: Path, only: str) -> None:
    """Record every incident that the repository keeps, into one folder each."""
    from tests.lab.collection import KEPT, record_kept

    record_kept([kept for kept in KEPT if only in kept.folder], output, jobs)


@_commands.command(name="thin")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("profile")
@click.option("--output", type=click.Path(path_type=Path), default=None, help="Default: BUNDLE-PROFILE beside it.")
def _thin(bundle: Path, profile: str, output: Path | None) -> None:
    """Copy a bundle with evidence taken away."""
    from tests.lab.thin import profile_named, thin

    target = output if output is not None else bundle.with_name(f"{bundle.name}-{profile}")
    thin(bundle, profile_named(profile), target)
    click.echo(target)


@_commands.command(name="topologies")
@click.option("--output", type=click.Path(path_type=Path), default=Path("topologies"), show_default=True)
def _topologies(output: Path) -> None:
    """Write each shape of network as a topology file that a bundle could refer to."""
    from tests.lab.reference import write_references

    for file in write_references(output):
        click.echo(file)


@_commands.command(name="corpus")
@click.option("--count", default=200, show_default=True, help="How many recordings.")
@click.option("--seed", default=1, show_default=True)
@click.option("--jobs", default=2, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
def _corpus(count: int, seed: int, jobs: int, output: Path) -> None:
    """Record a corpus of scenarios, topologies and evidence drawn by seed; continue one that was begun."""
    from tests.lab.corpus import record_corpus

    record_corpus(count, seed, jobs, output)


@_commands.command(name="arguable")
@click.argument("corpus", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True)
def _arguable(corpus: Path, output: Path) -> None:
    """Of each recording of a corpus a bundle about which experts could disagree: for the calibration alone."""
    from tests.lab.corpus import derive_arguable

    for folder in derive_arguable(corpus, output):
        click.echo(folder)


@_commands.command(name="scant")
@click.argument("corpus", type=click.Path(path_type=Path))
@click.option("--seed", default=1, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
def _scant(corpus: Path, seed: int, output: Path) -> None:
    """Of each recording of a corpus a bundle with pieces of its evidence taken away by chance."""
    from tests.lab.corpus import derive_scant

    for folder in derive_scant(corpus, seed, output):
        click.echo(folder)


@_commands.command(name="calibrate")
@click.argument("evaluations", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--arguable", multiple=True, type=click.Path(path_type=Path),
              help="An evaluation of bundles on which experts could disagree: they take part in the fit.")
@click.option("--fitted-on", required=True, help="What the evaluations are of, in words: it stands in the rule file.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("attribution/rules/calibration.toml"),
              show_default=True)
def _calibrate(evaluations: tuple[Path, ...], arguable: tuple[Path, ...], fitted_on: str, output: Path) -> None:
    """Fit the calibration on what `attribution evaluate --uncalibrated --format json` wrote of labelled corpora."""
    from tests.lab.calibrate import describe, read_cases, write_calibration

    cases = read_cases(evaluations, arguable)
    for name, figures in describe(cases):
        click.echo(f"{name}: {figures}")
    write_calibration(cases, fitted_on, output)
    click.echo(output)


add_commands(_commands)
