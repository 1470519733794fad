"""The `evaluate` command: a corpus of labelled bundles decided, and how good the verdicts were."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from attribution.cli.terminal import EXIT_BAD_INPUT, Progress, colour_wanted, complain, page_width, write
from attribution.model.evaluation import BrokenCase

if TYPE_CHECKING:
    from attribution.evaluation.corpus import Corpus, Labelled
    from attribution.model.evaluation import Evaluation, Trial

DIMENSIONS = ("scenario", "profile", "topology", "kind", "clock")


@click.command()
@click.argument("corpora", nargs=-1, required=True, metavar="CORPUS…", type=click.Path(path_type=Path))
@click.option(
    "-f", "--format", "form", type=click.Choice(["table", "json", "html"]), default="table", show_default=True
)
@click.option("-o", "--output", type=click.Path(path_type=Path, allow_dash=True), help="Write to a file instead.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes side by side.")
@click.option("--baselines/--no-baselines", default=True, show_default=True, help="Simple methods beside it.")
@click.option("--calibrated/--uncalibrated", default=True, show_default=True, help="Or the posterior at its word.")
@click.option(
    "--by", type=click.Choice(DIMENSIONS), multiple=True, help="Groups that the table shows.  [default: profile, kind]"
)
@click.option("--no-color", is_flag=True, help="Never colour the output (NO_COLOR does the same).")
@click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")
def evaluate(
    corpora: tuple[Path, ...], form: str, output: Path | None, jobs: int, baselines: bool, calibrated: bool,
    by: tuple[str, ...], no_color: bool, quiet: bool,
) -> int:  # fmt: skip
    """Decide all labelled bundles below each CORPUS and say how good the verdicts were.

    A bundle that cannot be decided is counted and complained about, and makes the exit status 3.
    """
    from attribution.evaluation.baselines import with_majority_party
    from attribution.evaluation.corpus import read_corpora
    from attribution.evaluation.scoring import evaluate_trials
    from attribution.evaluation.trial import try_bundle

    corpus = read_corpora(corpora)
    _remark(corpus)
    trials: list[Trial] = []
    broken = list(corpus.broken)
    with Progress(quiet) as progress:
        decide_one = partial(try_bundle, with_baselines=baselines, calibrated=calibrated)
        for outcome in _outcomes(corpus.labelled, jobs, decide_one, progress):
            if isinstance(outcome, BrokenCase):
                broken.append(outcome)
            else:
                trials.append(outcome)
    for case in broken:
        complain(f"{case.case.folder}: {case.reason}")
    marked = with_majority_party(trials) if baselines else tuple(trials)
    evaluation = evaluate_trials(marked, broken, [str(root) for root in corpora], corpus.unlabelled)
    write([_render(evaluation, form, by, colour_wanted(output, no_color))], output)
    return EXIT_BAD_INPUT if broken else 0


def _remark(corpus: Corpus) -> None:
    """What was left out is said."""
    if corpus.unlabelled:
        complain(f"{corpus.unlabelled} bundles have no truth.yaml and were left out")
    if corpus.missing:
        more = f" and {len(corpus.missing) - 1} more" if len(corpus.missing) > 1 else ""
        complain(f"manifest.csv names {corpus.missing[0]}{more}, which is not there")


def _outcomes(
    labelled: Sequence[Labelled], jobs: int, decide_one: Callable[[Labelled], Trial | BrokenCase], progress: Progress
) -> Iterator[Trial | BrokenCase]:
    """Each bundle's outcome in the order of the corpus, however many processes decide them."""
    started = time.monotonic()
    for done, outcome in enumerate(decide_all(decide_one, labelled, min(jobs, len(labelled))), start=1):
        spent = time.monotonic() - started
        left = spent / done * (len(labelled) - done)
        progress.announce(f"{done} of {len(labelled)} bundles decided, about {left:.0f} s left")
        yield outcome


def decide_all(
    decide_one: Callable[[Labelled], Trial | BrokenCase], labelled: Sequence[Labelled], jobs: int
) -> Iterator[Trial | BrokenCase]:
    """Each bundle's outcome, in order; a process that dies costs the bundle that killed it and no other."""
    if jobs <= 1:
        yield from map(decide_one, labelled)
        return
    done = 0
    while done < len(labelled):
        for outcome in _decided_side_by_side(decide_one, labelled[done:], jobs):
            done += 1
            yield outcome
        if done < len(labelled):  # a process died; was it this bundle's? Whoever was beside it is decided again
            alone = list(_decided_side_by_side(decide_one, labelled[done : done + 1], 1))
            yield alone[0] if alone else BrokenCase(labelled[done].case, "the process that decided it died")
            done += 1


def _decided_side_by_side(
    decide_one: Callable[[Labelled], Trial | BrokenCase], labelled: Sequence[Labelled], jobs: int
) -> Iterator[Trial | BrokenCase]:
    """Outcomes in order, until one of the processes dies (killed for its memory, say)."""
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    # Fresh processes: a copy of one that runs threads may wait forever for a lock that nobody holds any more.
    with ProcessPoolExecutor(jobs, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        try:
            yield from pool.map(decide_one, labelled)
        except BrokenProcessPool:
            return


def _render(evaluation: Evaluation, form: str, by: Sequence[str], colour: bool) -> str:
    if form == "json":
        from attribution.report.evaluation_document import render_evaluation_json

        return render_evaluation_json(evaluation)
    if form == "html":
        from attribution.report.evaluation_page import render_evaluation_page

        return render_evaluation_page(evaluation)
    from attribution.report.evaluation_table import render_evaluation_table

    return render_evaluation_table(evaluation, by or ("profile", "kind"), page_width(), colour)
