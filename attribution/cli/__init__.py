"""The command line: arguments in, text and an exit status out. What is heavy loads inside the command that needs it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from attribution.cli.capture import capture
from attribution.cli.case import keep, verify
from attribution.cli.completing import (
    complete_agreement,
    complete_clause,
    complete_evidence,
    complete_schema,
    known_schemas,
)
from attribution.cli.evaluate import evaluate
from attribution.cli.language import language_option
from attribution.cli.observe import observe
from attribution.cli.report import report
from attribution.cli.terminal import EXIT_BAD_INPUT, Progress, colour_wanted, complain, page_width, write
from attribution.cli.timeline import timeline
from attribution.cli.topology import topology
from attribution.errors import AttributionError

if TYPE_CHECKING:
    from attribution.model.verdict import Verdict

EXIT_UNEXPECTED = 1
EXIT_INTERRUPTED = 130
INTERRUPT_AGAIN_S = 2.0
"""Long enough for a command that heeds an interrupt to put away its temporary files."""
EXIT_BY_PARTY = {"customer": 10, "provider": 11, "shared": 12, "neither": 13, "undetermined": 14}

_EPILOG = (
    "Exit status: 0 done, whatever the verdict; 1 unexpected error; 2 wrong usage; 3 input that cannot be used; "
    "4 not reproduced (verify); 130 interrupted. With --exit-code (decide, explain): 10 customer, 11 provider, "
    "12 shared, 13 neither, 14 undetermined."
)


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an unexpected error.")
@click.version_option(package_name="attribution")
def cli() -> None:
    """Decide whose fault a network interruption was, under which clause, and by which evidence."""


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("-f", "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@language_option
@click.option("-o", "--output", type=click.Path(path_type=Path, allow_dash=True), help="Write to a file instead.")
@click.option(
    "--case", type=click.Path(path_type=Path), metavar="DIR",
    help="Keep there all that it takes to decide it anew (attribution verify).",
)  # fmt: skip
@click.option("--exit-code", is_flag=True, help="Tell the party by the exit status, 10 to 14.")
@click.option("--no-color", is_flag=True, help="Never colour the output (NO_COLOR does the same).")
def decide(
    path: Path, form: str, lang: str, output: Path | None, case: Path | None, exit_code: bool, no_color: bool
) -> int:
    """Decide the incident at PATH: a folder, or a .tar.gz, .tgz, .tar.zst or .zip of one."""
    from attribution.pipeline import decide as decide_incident
    from attribution.pipeline import keep_case

    with Progress() as progress:
        if case is None:
            verdict = decide_incident(path, watcher=progress)
        else:
            verdict, kept = keep_case(path, watcher=progress)
            keep(kept, case)
    write([_render(verdict, form, lang, colour_wanted(output, no_color))], output)
    return EXIT_BY_PARTY[verdict.party.value] if exit_code else 0


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--without", multiple=True, metavar="EVIDENCE", shell_complete=complete_evidence,
    help="Decide again without it: a file, an id such as e3, a type such as syslog, or a supplier. Repeatable.",
)  # fmt: skip
@click.option("-f", "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@language_option
@click.option("-o", "--output", type=click.Path(path_type=Path, allow_dash=True), help="Write to a file instead.")
@click.option("--exit-code", is_flag=True, help="Tell the party by the exit status, 10 to 14; with --without the new.")
@click.option("--no-color", is_flag=True, help="Never colour the output (NO_COLOR does the same).")
def explain(
    path: Path, without: tuple[str, ...], form: str, lang: str, output: Path | None, exit_code: bool, no_color: bool
) -> int:
    """Say why the incident at PATH is decided as it is, why not otherwise, and what would change it."""
    from attribution.pipeline import explain as explain_incident
    from attribution.report import render_explanation, render_explanation_json
    from attribution.report.wording import LANGUAGES

    with Progress() as progress:
        explanation = explain_incident(path, without, watcher=progress)
    if form == "json":
        text = render_explanation_json(explanation)
    else:
        text = render_explanation(explanation, page_width(), colour_wanted(output, no_color), *LANGUAGES[lang])
    write([text], output)
    last = explanation.lacking.verdict if explanation.lacking is not None else explanation.verdict
    return EXIT_BY_PARTY[last.party.value] if exit_code else 0


@cli.command()
@click.argument("name", required=False, shell_complete=complete_schema)
def schema(name: str | None) -> None:
    """Print the JSON Schema of NAME; without a NAME, which there are."""
    from importlib import resources

    known = known_schemas()
    if name is None:
        click.echo("\n".join(known))
        return
    if name not in known:
        raise click.BadParameter(f"no schema {name!r}; known: {', '.join(known)}", param_hint="NAME")
    file = resources.files("attribution") / "rules" / "schemas" / f"{name}.json"
    click.echo(file.read_text(encoding="utf-8"), nl=False)


@cli.group()
def agreement() -> None:
    """Read and check the agreements that responsibility follows from."""


@agreement.command("show")
@click.argument("clause", required=False, shell_complete=complete_clause)
@click.option(
    "--agreement", "name", default="tencent-cross-region-connection", show_default=True,
    shell_complete=complete_agreement,
)  # fmt: skip
def show_agreement(clause: str | None, name: str) -> None:
    """Print the clauses of an agreement in English and Chinese, or one CLAUSE of it."""
    from attribution.report.agreement import render_agreement, render_clause
    from attribution.responsibility import load_agreement

    chosen = load_agreement(name, "--agreement")
    if clause is None:
        click.echo(render_agreement(chosen), nl=False)
        return
    if clause not in chosen.clauses:
        raise click.BadParameter(f"no clause {clause!r}; known: {', '.join(chosen.clauses)}", param_hint="CLAUSE")
    click.echo(render_clause(chosen.clauses[clause]), nl=False)


@agreement.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path))
def check_agreement(file: Path | None) -> None:
    """Check an agreement FILE, or all that this program holds, and count its clauses."""
    from attribution.responsibility import known_agreements, load_agreement, read_agreement

    if file is None:
        checked = [load_agreement(name) for name in known_agreements()]
    else:
        checked = [read_agreement(_read_text(file), str(file))]
    for found in checked:
        deciding = sum(clause.when is not None for clause in found.clauses.values())
        click.echo(f"{found.id}: {len(found.clauses)} clauses, {deciding} of them with conditions of their own")


cli.add_command(capture)
cli.add_command(evaluate)
cli.add_command(observe)
cli.add_command(report)
cli.add_command(timeline)
cli.add_command(topology)
cli.add_command(verify)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL: eval "$(attribution completion bash)" in its start-up file."""
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    if script is None:
        raise click.BadParameter(f"no completion for {shell}")
    click.echo(script(cli, {}, "attribution", "_ATTRIBUTION_COMPLETE").source())


def main() -> None:
    """Run the command line and leave with the exit status that its help promises."""
    with insistent_interrupts():
        status = run(sys.argv[1:])
    if status == EXIT_INTERRUPTED:
        # An interrupt inside text that a library executes (the methods of a dataclass, while it is imported) makes
        # `python -m` end by the signal after all, whatever sys.exit says: leave without the interpreter's last word.
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(status)
    sys.exit(status)


@contextmanager
def insistent_interrupts() -> Iterator[None]:
    """Let an interrupt that was not heeded come again.

    A library that clears all errors in the middle of its own import swallows it, and a read that begins just as it
    arrives sleeps on: without this the user would have to press again.
    """

    def interrupt(*_: object) -> NoReturn:
        signal.setitimer(signal.ITIMER_REAL, INTERRUPT_AGAIN_S)
        raise KeyboardInterrupt

    # Windows has no timers, and who was started in the background may have been told to ignore interrupts.
    if not hasattr(signal, "setitimer") or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGALRM, interrupt)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def run(arguments: list[str]) -> int:
    """Run one command; every error that an input or a user can cause becomes one line on standard error."""
    try:
        status = cli.main(args=arguments, prog_name="attribution", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except AttributionError as error:
        complain(str(error))
        return EXIT_BAD_INPUT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has seen enough: say no more
        return 0
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # a class in the middle of its own making wraps all errors
            return EXIT_INTERRUPTED
        if "--debug" in arguments:
            raise
        complain(f"unexpected {type(error).__name__}: {error}; attribution --debug … shows where")
        return EXIT_UNEXPECTED
    return status if isinstance(status, int) else 0


def _render(verdict: Verdict, form: str, lang: str, colour: bool) -> str:
    from attribution.report import render_json, render_table
    from attribution.report.wording import LANGUAGES

    if form == "json":
        return render_json(verdict)
    return render_table(verdict, page_width(), colour, LANGUAGES[lang][0])


def _read_text(file: Path) -> str:
    from attribution.errors import RuleError

    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise RuleError(str(file), f"cannot be read: {error.strerror}", "expected a TOML file") from None
    except UnicodeDecodeError as error:
        raise RuleError(str(file), f"not UTF-8 text at byte {error.start}", "expected a TOML file") from None
