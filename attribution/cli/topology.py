"""The `topology` commands: what a drawing of the network holds, and the drawing itself."""

from __future__ import annotations

from collections import defaultdict
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

from attribution.cli.completing import complete_node
from attribution.cli.language import language_option
from attribution.cli.terminal import Progress, can_print, colour_wanted, complain, page_width, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attribution.model.incident import Incident
    from attribution.model.observation import Caveat
    from attribution.model.topology import Topology
    from attribution.report.topology import Marks

_TOPOLOGY_FILES = (".json", ".graphml", ".xml", ".yaml", ".yml")


@click.group()
def topology() -> None:
    """Read and check the drawing of who owns what."""


@topology.command("check")
@click.argument("path", type=click.Path(path_type=Path))
def check_topology(path: Path) -> None:
    """Check the topology file at PATH, or that of the incident at PATH, and count what it holds."""
    from attribution.report.json_document import describe_caveat
    from attribution.report.topology import count_topology

    found, caveats, _ = load_topology(path)
    for caveat in caveats:
        complain(describe_caveat(caveat))
    click.echo(count_topology(found), nl=False)


@topology.command("show")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--verdict", "decided", is_flag=True, help="Decide the incident at PATH, and mark the fault.")
@click.option(
    "--ends", nargs=2, metavar="NODE NODE", shell_complete=complete_node,
    help="Draw the way between these.  [default: the service's ends]",
)  # fmt: skip
@click.option(
    "-f", "--format", "form", type=click.Choice(["table", "json", "mermaid", "dot"]), default="table",
    show_default=True, help="The drawing, node-link JSON that can be read again, or a graph for other programs.",
)  # fmt: skip
@language_option
@click.option("-o", "--output", type=click.Path(path_type=Path, allow_dash=True), help="Write to a file instead.")
@click.option("--no-color", is_flag=True, help="Never colour the output (NO_COLOR does the same).")
def show_topology(
    path: Path, decided: bool, ends: tuple[str, str] | None, form: str, lang: str, output: Path | None, no_color: bool
) -> None:
    """Draw the topology file at PATH, or that of the incident at PATH with its capture points.

    The way of the service goes down the page; ║ is where the two sides meet.
    """
    from attribution.report.topology import PLAIN_SIGNS, Signs, render_topology
    from attribution.report.topology_texts import render_dot, render_mermaid, render_topology_json

    found, _, incident = load_topology(path)
    for end in ends or ():
        _require_node(end, found)
    marks = _marks(path, incident, ends, decided, lang)
    if form == "json":
        text = render_topology_json(found)
    elif form == "mermaid":
        text = render_mermaid(found, marks, lang)
    elif form == "dot":
        text = render_dot(found, marks, lang)
    else:
        signs = Signs() if output is not None or can_print("●✗◉│║├╰─—") else PLAIN_SIGNS
        text = render_topology(found, marks, page_width(), colour_wanted(output, no_color), lang, signs)
    write([text], output)


def load_topology(path: Path) -> tuple[Topology, Sequence[Caveat], Incident | None]:
    """A topology file by itself, or the one that an incident's folder or archive names, with the incident."""
    from attribution.bundle import open_bundle
    from attribution.errors import TopologyError
    from attribution.pipeline import read_statement
    from attribution.readers import read_topology

    if path.suffix.lower() in _TOPOLOGY_FILES:
        try:
            return *read_topology(path.read_bytes(), path.name), None
        except OSError as error:
            raise TopologyError(str(path), f"cannot be read: {error.strerror}", "expected a topology file") from None
    with open_bundle(path) as bundle:
        incident, found, caveats = read_statement(bundle)
        return found, caveats, incident


def _require_node(name: str, found: Topology) -> None:
    if name not in found.nodes:
        near = get_close_matches(name, found.nodes, n=1)
        hint = f" (is {near[0]} meant?)" if near else f"; known: {', '.join(list(found.nodes)[:8])}"
        raise click.BadParameter(f"no node {name!r}{hint}", param_hint="--ends")


def _marks(path: Path, incident: Incident | None, ends: tuple[str, str] | None, decided: bool, lang: str) -> Marks:
    from attribution.model.incident import EvidenceType
    from attribution.pipeline import decide
    from attribution.report.table import describe_in_full
    from attribution.report.topology import Marks
    from attribution.report.wording import LANGUAGES

    if incident is None:
        if decided:
            raise click.BadParameter("a topology file alone has no fault; expected an incident", param_hint="PATH")
        return Marks(ends)
    captures: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for origin in incident.origins:
        if origin.type is EvidenceType.CAPTURE and origin.device is not None:
            captures[origin.device] += (origin.interface or "",)
    faults: dict[str, str] = {}
    if decided:
        with Progress() as progress:
            verdict = decide(path, watcher=progress)
        faults = {cause.component: describe_in_full(cause, LANGUAGES[lang][0]) for cause in verdict.causes}
    return Marks(ends or incident.service.ends, captures, faults)
