"""The `observe` command: what the files of an incident state, before anyone reasons about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from attribution.cli.completing import complete_file
from attribution.cli.language import language_option
from attribution.cli.terminal import Progress, colour_wanted, page_width, write

if TYPE_CHECKING:
    from attribution.model.capture_tables import FlatTable
    from attribution.model.observation import Caveat, Observation
    from attribution.pipeline import Reading

TYPES = (
    "capture", "syslog", "interface-counters", "probes", "paths", "prometheus", "cloud-monitor", "cloud-audit",
    "change-records", "account-events", "flows",
)  # fmt: skip
SCHEMA = "attribution/observations/1"


@click.command("observe")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--file", "files", multiple=True, metavar="FILE", shell_complete=complete_file,
    help="Only this file of the incident. Repeatable.",
)  # fmt: skip
@click.option("--type", "types", multiple=True, type=click.Choice(TYPES), help="Only files of this type. Repeatable.")
@click.option("--device", "devices", multiple=True, metavar="NAME", help="Only what names this device. Repeatable.")
@click.option(
    "-f", "--format", "form", type=click.Choice(["table", "ndjson", "csv"]), default="table", show_default=True
)
@language_option
@click.option("-o", "--output", type=click.Path(path_type=Path, allow_dash=True), help="Write to a file instead.")
@click.option("--no-color", is_flag=True, help="Never colour the output (NO_COLOR does the same).")
@click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")
def observe(
    path: Path, files: tuple[str, ...], types: tuple[str, ...], devices: tuple[str, ...], form: str,
    lang: str, output: Path | None, no_color: bool, quiet: bool,
) -> None:  # fmt: skip
    """Print what the files of the incident at PATH state, and what of them could not be used.

    Times are the files' own, with the offset added that was stated for their clocks.
    """
    from attribution.bundle import open_bundle
    from attribution.model.case_tables import in_tables
    from attribution.pipeline import Reading

    with open_bundle(path) as bundle, Progress(quiet) as progress:
        reading = Reading(bundle, progress)
        left = _left_aside(reading, files, types)
        seen = _wanted(reading, left, frozenset(devices))
        write(_pieces(in_tables(seen), form, lang, colour_wanted(output, no_color), progress), output)


def _left_aside(reading: Reading, files: tuple[str, ...], types: tuple[str, ...]) -> frozenset[str]:
    """The files that were not asked for. Raises a usage error for a file that the incident does not name."""
    known = {origin.file: origin.type.value for origin in reading.incident.origins}
    for file in files:
        if file not in known:
            raise click.BadParameter(f"no file {file!r}; known: {', '.join(sorted(known))}", param_hint="--file")
    wanted = {file for file, kind in known.items() if (not files or file in files) and (not types or kind in types)}
    return frozenset(known) - wanted


def _wanted(reading: Reading, left: frozenset[str], devices: frozenset[str]) -> Iterator[Observation | Caveat]:
    """Everything that the other files state; of a device, what names it as reporter or as an end."""
    from attribution.model.flow_table import FlowTable

    for part in reading.observe(left):
        for one in part.records() if isinstance(part, FlowTable) else (part,):
            if not devices or _names(one) & devices:
                yield one


def _names(one: Observation | Caveat) -> set[str]:
    from attribution.model.observation import Caveat

    if isinstance(one, Caveat):
        return set()
    told = (getattr(one, name, None) for name in ("device", "source", "destination"))
    points = (point[0] for name in ("first", "second") if (point := getattr(one, name, None)) is not None)
    return {name for name in (*told, *points, one.origin.device) if name}


def _pieces(tables: Iterator[FlatTable], form: str, lang: str, colour: bool, progress: Progress) -> Iterator[str]:
    """The tables as text, each as soon as it is there; the terminal is clean before each."""
    from attribution.report.capture_records import render_csv, render_ndjson
    from attribution.report.observations import render_observations

    if form == "table":
        for text in render_observations(tables, page_width(), colour, lang):
            progress.clear()
            yield text
        return
    for number, table in enumerate(tables):
        progress.clear()
        if form == "csv":
            yield render_csv(table, header=number == 0)
        else:
            yield render_ndjson([table], SCHEMA if number == 0 else None)
