"""The simulator's commands, as part of the laboratory's command line."""

from __future__ import annotations

from pathlib import Path

import click

from tests.lab.errors import UsageError
from tests.lab.scenarios import SCENARIOS, scenario_named
from tests.lab.shapes import SHAPES


def add_commands(group: click.Group) -> None:
    """Add the simulator's commands to the laboratory's."""
    for command in (_simulate, _simulate_corpus, _compare_simulation):
        group.add_command(command)


@click.command(name="simulate")
@click.argument("name", metavar="SCENARIO")
@click.option("--topology", default=None, help="A shape of the laboratory, or large-NUMBER; the first that fits.")
@click.option("--seed", default=1, show_default=True, help="Decides everything: the same seed writes the same bytes.")
@click.option("--names", type=click.Choice(["generic", "random"]), default="random", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=None, help="The bundle's folder.")
def _simulate(name: str, topology: str | None, seed: int, names: str, output: Path | None) -> None:
    """Calculate one scenario as an incident bundle, on no network at all."""
    from tests.lab.simulation.corpus import SimulatedDraw, topology_of, write_simulation

    scenario = scenario_named(name)
    if scenario is None:
        raise UsageError(f"{name}: no such scenario; expected one of: {', '.join(item.name for item in SCENARIOS)}")
    fitting = [shape.name for shape in SHAPES if scenario.fits(shape)]
    chosen = topology if topology is not None else fitting[0]
    shape = topology_of(chosen)
    if shape is None or not scenario.fits(shape):
        raise UsageError(f"{scenario.name} cannot play on {chosen}; expected one of: {', '.join(fitting)}, or a "
                         "large-NUMBER that it fits")
    target = output if output is not None else Path(f"{scenario.name}-simulated")
    draw = SimulatedDraw(0, scenario.name, chosen, seed, names, (), (), True, target.name)
    write_simulation(draw, target.parent)
    click.echo(target)


@click.command(name="simulate-corpus")
@click.option("--count", default=1000, show_default=True, help="How many incidents; each is thinned out once more.")
@click.option("--seed", default=1, show_default=True)
@click.option("--jobs", default=2, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
@click.option("--large", is_flag=True, help="On large topologies of their own, drawn by seed.")
def _simulate_corpus(count: int, seed: int, jobs: int, output: Path, large: bool) -> None:
    """Calculate a corpus of scenarios, topologies and evidence drawn by seed."""
    from tests.lab.simulation.corpus import simulate_corpus

    bundles, refused = simulate_corpus(count, seed, jobs, output, large)
    for account in refused:
        click.echo(f"refused: {account}", err=True)
    click.echo(f"{bundles} bundles in {output}", err=True)


@click.command(name="compare-simulation")
@click.argument("corpus", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--seeds", default=3, show_default=True, help="How many simulated twins each recording gets.")
@click.option("--output", type=click.Path(path_type=Path), default=None, help="A table of every comparison, as CSV.")
def _compare_simulation(corpus: Path, seeds: int, output: Path | None) -> None:
    """Hold recorded incidents against simulated ones of the same scenario and shape."""
    from tests.lab.simulation.comparison import compare_corpus

    for line in compare_corpus(corpus, seeds, output):
        click.echo(line)
