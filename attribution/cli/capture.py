"""The `capture` commands: packet captures in figures, compared, and single packets of them."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import click

from attribution.cli.terminal import EXIT_BAD_INPUT, Progress, colour_wanted, complain, page_width, size_of, write
from attribution.errors import CaptureError

if TYPE_CHECKING:
    from attribution.model.capture import CaptureSummary, ComparisonSummary

STANDARD_INPUT = "standard input"
FLOWS_OF_TABLE = 10
FLOWS_OF_DATA = 1000
FLOWS_TO_CHOOSE_FROM = 1000
MOST_FRAMES = 100_000
_SUMMARY_TABLES = ("flows", "health", "witnesses", "loss", "protocols")
_COMPARISON_TABLES = ("stretches", "bins", "flows", "clocks")
F = TypeVar("F", bound=Callable[..., Any])


def _output_options(command: F) -> F:
    """The options of every command that prints figures."""
    forms = click.Choice(["table", "json", "ndjson", "csv"])
    options = (
        click.option("-f", "--format", "form", type=forms, default="table", show_default=True),
        click.option("-o", "--output", type=click.Path(path_type=Path, allow_dash=True), help="Write to a file."),
        click.option("--no-color", is_flag=True, help="Never colour the output (NO_COLOR does the same)."),
        click.option("-q", "--quiet", is_flag=True, help="No progress and no hints on standard error."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def capture() -> None:
    """Put packet captures into figures, compare them, and open single packets."""


@capture.command("summary")
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(allow_dash=True))
@click.option(
    "--table", "table", type=click.Choice(_SUMMARY_TABLES), help="Which figures csv prints.  [default: flows]"
)
@click.option(
    "--flows", type=click.IntRange(min=0), metavar="N", help="How many flows; 0: all.  [default: 10, as data 1000]"
)
@_output_options
def summarise(
    files: tuple[str, ...], form: str, table: str | None, flows: int | None, output: Path | None, no_color: bool,
    quiet: bool,
) -> int:  # fmt: skip
    """Say what each capture FILE holds: trouble, TCP health, loss on either side of the capture point, flows.

    FILE is pcap or pcapng, plain, gzip or zstd; - is standard input.
    """
    _check_table(table, form)
    if files.count("-") > 1:
        raise click.BadParameter("standard input can be read once only", param_hint="FILE")
    refused: list[CaptureError] = []
    with Progress(quiet) as progress:
        summaries = _summaries(files, _flow_limit(form, flows), progress, refused)
        write(_render_summaries(summaries, form, table or "flows", flows, refused, output, no_color, quiet), output)
    return EXIT_BAD_INPUT if refused else 0


def _flow_limit(form: str, flows: int | None) -> int:
    """How many flows the engine keeps: a table chooses the most telling ones from more than it shows."""
    from attribution.packets.api import ALL_FLOWS

    if flows == 0:
        return ALL_FLOWS
    if form == "table":
        return max(FLOWS_TO_CHOOSE_FROM, flows or 0)
    return FLOWS_OF_DATA if flows is None else flows


def _summaries(
    files: Sequence[str], flow_limit: int, progress: Progress, refused: list[CaptureError]
) -> Iterator[CaptureSummary]:
    """Each capture's figures; a file that is none is complained about and put aside, the others still count."""
    from attribution.packets.api import summarise_stream

    for file in files:
        try:
            with _opened(file, progress) as stream:
                summary = summarise_stream(stream, _place(file), flow_limit, progress.announce)
        except CaptureError as error:
            progress.clear()
            complain(str(error))
            refused.append(error)
            continue
        progress.clear()
        yield summary


def _render_summaries(
    summaries: Iterator[CaptureSummary], form: str, table: str, flows: int | None, refused: list[CaptureError],
    output: Path | None, no_color: bool, quiet: bool,
) -> Iterator[str]:  # fmt: skip
    """The captures one after the other, each as soon as it is read; JSON is one object, so it waits for all."""
    from attribution.model.capture_tables import SUMMARY_TABLES, summary_tables
    from attribution.report.capture_document import SUMMARY_SCHEMA, render_summaries_json
    from attribution.report.capture_records import render_csv, render_ndjson
    from attribution.report.capture_summary import render_summary

    if form == "json":
        yield render_summaries_json([_hinting(summary, quiet) for summary in summaries], refused)
        return
    colour = colour_wanted(output, no_color)
    for number, summary in enumerate(summaries):
        if form == "table":
            shown = {None: FLOWS_OF_TABLE, 0: len(summary.flows)}.get(flows, flows)
            yield ("\n" if number else "") + render_summary(summary, page_width(), colour, shown or 0)
        elif form == "ndjson":
            yield render_ndjson(summary_tables(_hinting(summary, quiet)), SUMMARY_SCHEMA)
        else:
            found = _hinting(summary, quiet) if table == "flows" else summary
            yield render_csv(SUMMARY_TABLES[table](found), header=number == 0)


def _hinting(summary: CaptureSummary, quiet: bool) -> CaptureSummary:
    """Flows that are left out are never left out silently."""
    if len(summary.flows) < summary.flow_count and not quiet:
        kept = f"the {len(summary.flows):,} largest of {summary.flow_count:,} flows are in the output"
        complain(f"{summary.file}: {kept}; --flows 0 gives all")
    return summary


@capture.command("compare")
@click.argument("files", nargs=-1, required=True, metavar="[NAME=]FILE…")
@click.option("--table", type=click.Choice(_COMPARISON_TABLES), help="Which figures csv prints.  [default: stretches]")
@click.option("--bin", "bin_s", type=click.IntRange(min=1), metavar="SECONDS", help="Length of a time bin.")
@click.option(
    "--offset", "offsets", multiple=True, metavar="NAME=SECONDS", help="What to add to a point's times, where known."
)
@_output_options
def compare(
    files: tuple[str, ...], form: str, table: str | None, bin_s: int | None, offsets: tuple[str, ...],
    output: Path | None, no_color: bool, quiet: bool,
) -> None:  # fmt: skip
    """Lay captures of several points over each other: loss, duplicates, reordering and delay between them.

    Each FILE is one capture point's; NAME= gives the point a name, else it goes by the file's.
    """
    from attribution.packets.api import compare_streams, origin_of

    _check_table(table, form)
    points = _points(files)
    clocks = _offsets(offsets, points)
    with Progress(quiet) as progress:
        with ExitStack() as opened:
            streams = [opened.enter_context(_opened(file, progress)) for _, file in points]
            origins = [origin_of(_place(file), name, clocks.get(name)) for name, file in points]
            progress.begin(", ".join(name for name, _ in points), _total_size(points))
            found = compare_streams(streams, origins, progress.announce)
        progress.clear()
        write([_render_comparison(found, form, table or "stretches", bin_s, output, no_color)], output)


def _render_comparison(
    found: ComparisonSummary, form: str, table: str, bin_s: int | None, output: Path | None, no_color: bool
) -> str:
    from attribution.model.capture_tables import COMPARISON_TABLES, comparison_tables
    from attribution.report.capture_comparison import render_comparison
    from attribution.report.capture_document import COMPARISON_SCHEMA, render_comparison_json
    from attribution.report.capture_records import render_csv, render_ndjson
    from attribution.report.capture_totals import with_wider_bins

    if bin_s is not None:
        found = with_wider_bins(found, bin_s)
    if form == "json":
        return render_comparison_json(found)
    if form == "ndjson":
        return render_ndjson(comparison_tables(found), COMPARISON_SCHEMA)
    if form == "csv":
        return render_csv(COMPARISON_TABLES[table](found))
    return render_comparison(found, page_width(), colour_wanted(output, no_color))


def _points(files: Sequence[str]) -> list[tuple[str, str]]:
    """(name, file) of each capture point; a file may have an equals sign in its own name."""
    from attribution.packets.api import short_names

    given = [("", file) if Path(file).exists() or "=" not in file else _split(file) for file in files]
    if len(given) < 2:
        raise click.BadParameter("it takes two captures or more to compare", param_hint="FILE")
    shorts = short_names([_place(file) for _, file in given])
    points = [(name or short, file) for (name, file), short in zip(given, shorts, strict=True)]
    for what, values in (("file", [file for _, file in points]), ("name", [name for name, _ in points])):
        if twice := sorted({value for value in values if values.count(value) > 1}):
            raise click.BadParameter(f"the {what} {twice[0]!r} is given twice", param_hint="FILE")
    return points


def _split(text: str) -> tuple[str, str]:
    name, _, file = text.partition("=")
    return name, file


def _offsets(texts: Sequence[str], points: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Stated clock offsets in seconds, by the name of the point."""
    known = {name: name for name, _ in points} | {file: name for name, file in points}
    found: dict[str, float] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        if name not in known:
            names = ", ".join(name for name, _ in points)
            raise click.BadParameter(f"no capture point {name!r}; known: {names}", param_hint="--offset")
        try:
            seconds = float(number)
        except ValueError:
            seconds = math.nan
        if not math.isfinite(seconds):
            raise click.BadParameter(f"{number!r} is no number of seconds", param_hint="--offset")
        found[known[name]] = seconds
    return found


def _total_size(points: Sequence[tuple[str, str]]) -> int | None:
    sizes = [size_of(file) for _, file in points]
    return None if None in sizes else sum(size for size in sizes if size is not None)


@capture.command("show")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.argument("frames", nargs=-1, required=True, metavar="FRAME…")
@click.option("--hex", "only_octets", is_flag=True, help="The octets only; this needs no scapy.")
@click.option("-o", "--output", type=click.Path(path_type=Path, allow_dash=True), help="Write to a file.")
@click.option("--no-color", is_flag=True, help="Never colour the output (NO_COLOR does the same).")
def show(file: str, frames: tuple[str, ...], only_octets: bool, output: Path | None, no_color: bool) -> None:
    """Print single packets of a capture, every field of every layer, and their octets.

    FRAME is a frame number as the figures print it: 12, a range 12-15, or several, 12,15,19.
    """
    from attribution.packets.dissection import hex_lines, load_dissector
    from attribution.packets.frames import read_frames
    from attribution.report.capture_frame import render_frame

    numbers = _frame_numbers(frames)
    dissect = None if only_octets else load_dissector()
    colour = colour_wanted(output, no_color)

    def pieces() -> Iterator[str]:
        with _opened(file, Progress(quiet=True)) as stream:
            for frame in read_frames(stream, _place(file), numbers):
                size = (len(frame.octets), frame.wire_octets)
                lines = [] if dissect is None else dissect(frame)
                shown = hex_lines(frame.octets)
                yield render_frame(frame.number, frame.time_ns, size, frame.interface, lines, shown, colour)

    write(pieces(), output)


def _frame_numbers(texts: Sequence[str]) -> set[int]:
    numbers: set[int] = set()
    for text in (part for given in texts for part in given.replace(",", " ").split()):
        match = re.fullmatch(r"(\d{1,12})(?:-(\d{1,12}))?", text)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 0 < first <= last:
            raise click.BadParameter(f"{text!r} is no frame number and no range of them", param_hint="FRAME")
        if last - first >= MOST_FRAMES:
            raise click.BadParameter(f"{text!r} is more than {MOST_FRAMES:,} frames", param_hint="FRAME")
        numbers.update(range(first, last + 1))
    if not numbers:
        raise click.BadParameter("no frame number", param_hint="FRAME")
    return numbers


def _check_table(table: str | None, form: str) -> None:
    if table is not None and form != "csv":
        raise click.UsageError("--table chooses what --format csv prints; the other formats print everything")


def _opened(file: str, progress: Progress) -> AbstractContextManager[BinaryIO]:
    """A capture's octets, counted while they are read."""
    from attribution.packets.sources import open_source

    progress.begin(_place(file), size_of(file))
    source = sys.stdin.buffer if file == "-" else file
    return open_source(source, _place(file), progress.advance)


def _place(file: str) -> str:
    return STANDARD_INPUT if file == "-" else file
