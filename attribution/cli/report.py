"""The `report` command: a decided incident as a page for a browser, a postmortem, or a letter to the customer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from attribution.cli.language import language_option
from attribution.cli.terminal import Progress, write

if TYPE_CHECKING:
    from attribution.model.dossier import Dossier


@click.command("report")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "-f", "--format", "form", type=click.Choice(["html", "markdown", "letter"]), default="html", show_default=True,
    help="One page that holds everything; the postmortem; or the letter to the customer, in Markdown both.",
)  # fmt: skip
@language_option
@click.option("-o", "--output", type=click.Path(path_type=Path, allow_dash=True), help="Write to a file instead.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")
def report(path: Path, form: str, lang: str, output: Path | None, quiet: bool) -> None:
    """Draw up the incident at PATH: verdict, map, timeline, loss over time, causes, evidence and inputs.

    The page is one file that asks nobody for anything, and can be printed. The same files give the same report.
    """
    from attribution.pipeline import draw_up

    with Progress(quiet) as progress:
        dossier = draw_up(path, watcher=progress)
    write([_render(dossier, form, lang)], output)


def _render(dossier: Dossier, form: str, lang: str) -> str:
    from attribution.report import render_letter, render_postmortem
    from attribution.report.page import render_page

    render = {"html": render_page, "markdown": render_postmortem, "letter": render_letter}[form]
    return render(dossier, lang)
