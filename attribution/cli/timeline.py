"""The `timeline` command: what happened in an incident, all sources in one order of time."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from attribution.cli.language import language_option
from attribution.cli.terminal import Progress, colour_wanted, complain, page_width, write

if TYPE_CHECKING:
    from attribution.model.dossier import Dossier, Entry
    from attribution.model.incident import Interval
    from attribution.report.timeline import Choice

KINDS = ("loss", "alarm", "log", "route", "operation", "change", "cloud_call", "account", "capture")
_AROUND_S = 10.0


@click.command("timeline")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="Show every entry, not only the telling ones.")
@click.option("--lane", "lanes", multiple=True, metavar="NAME", help="Only lanes with this in their name. Repeatable.")
@click.option("--side", "sides", multiple=True, type=click.Choice(["customer", "provider"]), help="Only this side's.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only entries of this kind. Repeatable.")
@click.option(
    "--around", metavar="WHEN[±SECONDS]",
    help="Only what happened near a time (RFC 3339, or 10:00:31 of the incident's day) or near evidence such as e3; "
    "±SECONDS (or +-SECONDS) is how near.  [default: ±10]",
)  # fmt: skip
@click.option("--tz", "timezone", metavar="ZONE", help="Times in this zone, such as Asia/Shanghai.  [default: UTC]")
@language_option
@click.option(
    "-f", "--format", "form", type=click.Choice(["table", "json", "ndjson", "csv"]), default="table", show_default=True,
    help="Data formats give every entry, times in UTC.",
)  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path, allow_dash=True), help="Write to a file instead.")
@click.option("--no-color", is_flag=True, help="Never colour the output (NO_COLOR does the same).")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no hints on standard error.")
def timeline(
    path: Path, everything: bool, lanes: tuple[str, ...], sides: tuple[str, ...], kinds: tuple[str, ...],
    around: str | None, timezone: str | None, lang: str, form: str, output: Path | None, no_color: bool, quiet: bool,
) -> None:  # fmt: skip
    """Print what happened in the incident at PATH, in order of time, all clocks aligned.

    What the verdict cites has its id; every entry names the file and the place in it.
    """
    from attribution.pipeline import draw_up
    from attribution.report.timeline import Choice, choose_entries

    with Progress(quiet) as progress:
        dossier = draw_up(path, watcher=progress)
    near = None if around is None else read_around(around, dossier)
    choice = Choice(everything, lanes, sides, kinds, near)
    entries = choose_entries(dossier, choice)
    if form != "table":
        write([_render_data(dossier, entries, form)], output)
        return
    shown = _shown(dossier, entries, choice)
    write([_render_table(dossier, shown, timezone, lang, colour_wanted(output, no_color))], output)
    if len(shown) < len(entries) and not quiet:
        from attribution.report.timeline_wording import TIMELINE_WORDINGS

        complain(TIMELINE_WORDINGS[lang].others.format(count=len(entries) - len(shown)))


def _shown(dossier: Dossier, entries: tuple[Entry, ...], choice: Choice) -> tuple[Entry, ...]:
    """Whoever asks for a lane, a kind or a time gets all of it; else only what tells most."""
    from attribution.report.timeline import telling_entries

    return entries if choice.everything or choice.is_narrowed else telling_entries(dossier, entries)


def _render_table(dossier: Dossier, entries: tuple[Entry, ...], timezone: str | None, lang: str, colour: bool) -> str:
    from attribution.report.languages import say
    from attribution.report.local_time import local_zones
    from attribution.report.timeline import render_timeline

    zones = local_zones(dossier, timezone or "UTC")
    spoken = partial(say, language=lang)
    return render_timeline(dossier, entries, page_width(), colour, lang, zones[0] if zones else None, spoken)


def _render_data(dossier: Dossier, entries: tuple[Entry, ...], form: str) -> str:
    from attribution.report.timeline_document import (
        render_timeline_csv,
        render_timeline_json,
        render_timeline_ndjson,
    )

    if form == "json":
        return render_timeline_json(dossier, entries)
    return render_timeline_csv(entries) if form == "csv" else render_timeline_ndjson(entries)


def read_around(text: str, dossier: Dossier) -> Interval:
    """The time that `--around` means: near a moment, or near the evidence of an id. Raises a usage error."""
    from attribution.model.incident import Interval

    match = re.fullmatch(r"(.+?)(?:(?:±|\+-|\+/-)(\d{1,6}(?:\.\d{1,9})?)\s*s?)?", text.strip())
    when, seconds = (match[1].strip(), match[2]) if match is not None else (text, None)
    reach_s = _AROUND_S if seconds is None else float(seconds)
    entry = next((entry for entry in dossier.timeline if entry.evidence == when), None)
    if entry is not None:
        return entry.interval.widened(reach_s, reach_s)
    time_ns = _moment(when, dossier)
    return Interval(time_ns, time_ns + 1).widened(reach_s, reach_s)


def _moment(text: str, dossier: Dossier) -> int:
    from datetime import UTC, date, datetime

    from attribution.report.moment import render_time

    first = (dossier.verdict.interruption.intervals or (dossier.incident.window,))[0]
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?Z?", text):
            day = date.fromisoformat(render_time(first.start_ns)[:10])
            clock = datetime.strptime(text.rstrip("Z").split(".")[0], "%H:%M:%S" if text.count(":") == 2 else "%H:%M")
            moment = datetime.combine(day, clock.time(), UTC)
            fraction = text.rstrip("Z").partition(".")[2].ljust(9, "0")
        else:
            given = datetime.fromisoformat(text)
            moment = given if given.tzinfo is not None else given.replace(tzinfo=UTC)
            fraction = f"{moment.microsecond:06d}000"
        return int(moment.replace(microsecond=0).timestamp()) * 1_000_000_000 + int(fraction or 0)
    except (ValueError, OverflowError):
        known = ", ".join(piece.id for piece in dossier.verdict.evidence[:3])
        hint = "expected a time such as 2026-11-23T10:00:31Z or 10:00:31, or an id of evidence"
        raise click.BadParameter(f"{text!r}: {hint}{f' ({known} …)' if known else ''}", param_hint="--around") from None
