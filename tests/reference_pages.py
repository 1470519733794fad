"""Pages of the reference that follow from the program itself: `python -m tests.reference_pages` writes them anew.

Nobody has to keep them in step by hand; a test fails where one was not written again.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib import resources

import click

from attribution.cli import EXIT_BY_PARTY, cli
from attribution.model.verdict import CauseKind
from attribution.report.markdown import inline, table
from attribution.report.wording import ENGLISH_CAUSES
from attribution.responsibility import known_agreements, load_agreement
from tests.documented import ROOT

REFERENCE = ROOT / "docs" / "reference"
RULES = resources.files("attribution") / "rules"
WRITTEN = "Written by `python -m tests.reference_pages` from {source}; do not edit by hand."


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its whole name, groups before what is in them."""

    def within(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
        yield name, command
        if isinstance(command, click.Group):
            for inner in command.commands:
                yield from within(f"{name} {inner}", command.commands[inner])

    yield from within("attribution", cli)


def command_line_page() -> str:
    lines = ["# The command line", "", WRITTEN.format(source="the program's own help"), ""]
    lines += [
        "Data goes to standard output, messages and progress to standard error. `-` is standard input or output.",
        "Colour is for terminals: `NO_COLOR` and `TERM=dumb` say no, `FORCE_COLOR` says yes. Options may stand "
        "before or",
        "after the path. `attribution completion bash` prints a script that completes commands and options.",
        "",
        "| exit status | |",
        "| --- | --- |",
        "| 0 | done, whatever the verdict |",
        "| 1 | an unexpected error: a defect of the program; `attribution --debug …` shows where |",
        "| 2 | wrong usage |",
        "| 3 | input that cannot be used: one line says where, what was found and what was expected |",
        "| 4 | `attribution verify`: not reproduced |",
        *(f"| {status} | with `--exit-code`: {party} |" for party, status in EXIT_BY_PARTY.items()),
        "| 130 | interrupted |",
    ]
    for name, command in commands():
        lines += ["", f"## `{name}`", "", *_command(name, command)]
    return "\n".join(lines) + "\n"


def _command(name: str, command: click.Command) -> Iterator[str]:
    arguments = " ".join(_argument(p) for p in command.params if isinstance(p, click.Argument))
    if isinstance(command, click.Group):
        yield f"{inline(_help(command))} Commands: {', '.join(f'`{name} {inner}`' for inner in command.commands)}."
    else:
        yield f"`{name}{f' {arguments}' if arguments else ''} [OPTIONS]`"
        yield ""
        yield inline(_help(command))
    options = [option for option in command.params if isinstance(option, click.Option)]
    if options:
        yield ""
        yield from table(("option", ""), [_option(option, command) for option in options])


def _help(command: click.Command) -> str:
    return " ".join((command.help or "").replace("\b", "").split())


def _argument(argument: click.Argument) -> str:
    return argument.make_metavar(click.Context(click.Command("")))


def _option(option: click.Option, command: click.Command) -> tuple[str, str]:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    if isinstance(option.type, click.Choice):
        taken = " " + ", ".join(f"`{choice}`" for choice in option.type.choices)
    elif option.is_flag:
        taken = ""
    else:
        taken = f" {inline(option.make_metavar(click.Context(command)))}"
    default = option.default
    shown = option.show_default and default not in (None, False, ()) and not callable(default)
    said = inline(" ".join((option.help or "").split()))
    return f"{names}{taken}", f"{said} Default: `{default}`." if shown else said


def clauses_page() -> str:
    lines = ["# The clauses in both languages", "", WRITTEN.format(source="`attribution/rules/agreements/`"), ""]
    lines += ["Which clause answers for what stands on [its own page](../clauses.md).", ""]
    for name in known_agreements():
        agreement = load_agreement(name)
        lines += [f"## `{agreement.id}`", "", f"{agreement.title_en} · {agreement.title_zh}", ""]
        lines += table(
            ("clause", "burdens", "English", "Chinese", "decides"),
            [
                (
                    clause.id,
                    clause.burdens.value,
                    inline(clause.text_en),
                    inline(clause.text_zh) + ("" if clause.official_zh else " (our translation)"),
                    "yes" if clause.when is not None else "admits" if clause.also is not None else "–",
                )
                for clause in agreement.clauses.values()
            ],
        )
        lines += ["", *(f"- **{c.id}**: {inline(c.note)}" for c in agreement.clauses.values() if c.note), ""]
    lines += [
        "`decides`: `yes` where a cause may fall under the clause; `admits` where its words admit a cause that another",
        "clause answers for more closely; `–` where network evidence alone never shows it.",
    ]
    return "\n".join(lines) + "\n"


def causes_page() -> str:
    document = tomllib.loads((RULES / "causes.toml").read_text(encoding="utf-8"))
    modes: list[Mapping[str, object]] = document["mode"]
    lines = ["# Causes", "", WRITTEN.format(source="`attribution/rules/causes.toml`"), ""]
    lines += [
        "A verdict names the *kind* of a cause. A **mode** is one way in which a component comes to it: what it "
        "happens",
        "to, what it loses, how often it is expected before any evidence (relative to the others), and which share of",
        "such faults lose everything. How probably each alarm shows a mode stands in the rule file, and so does the",
        "source. A kind without a mode of its own follows from what is on record about the act: that the other side "
        "had",
        "agreed to it, or that it was announced as maintenance.",
        "",
        "## Kinds",
        "",
        *table(
            ("kind", "in a sentence", "modes"),
            [
                (
                    f"`{kind.value}`",
                    inline(ENGLISH_CAUSES[kind].format(component="…")),
                    ", ".join(str(mode["name"]) for mode in modes if mode["kind"] == kind.value) or "–",
                )
                for kind in CauseKind
            ],
        ),
        "",
        "## Modes",
        "",
        *table(
            ("mode", "kind", "on", "loses", "prior", "full", "one way", "needs"),
            [
                (
                    str(mode["name"]),
                    f"`{mode['kind']}`",
                    _listed(mode["on"]),
                    str(mode["reach"]),
                    str(mode["prior"]),
                    str(mode.get("full", "–")),
                    str(mode.get("one_way", "–")),
                    str(mode.get("needs", "–")),
                )
                for mode in modes
            ],
        ),
        "",
        "`loses`: `node` everything through, from or to the node; `forwarding` what the node should pass on; `link`",
        "what crosses the link; `egress` what leaves the node over the link.",
    ]
    return "\n".join(lines) + "\n"


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


GENERATED: Mapping[str, Callable[[], str]] = {
    "command-line.md": command_line_page,
    "clauses.md": clauses_page,
    "causes.md": causes_page,
}


if __name__ == "__main__":
    for name, page in GENERATED.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
