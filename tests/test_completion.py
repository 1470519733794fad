"""What a shell offers while a command is typed: by click's own machinery, and in the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from attribution.cli import cli

INCIDENT = Path(__file__).parent.parent / "pcaps" / "customer-edge-crash"

SHELLS = {
    "bash": """
        eval "$(attribution completion bash)"
        COMP_WORDS=({words} "{incomplete}"); COMP_CWORD={place}
        _attribution_completion attribution
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """,
    "zsh": """
        compdef() {{ }}
        compadd() {{ while [[ $1 != -a ]]; do shift; done; print -l -- ${{(P)2}} }}
        _describe() {{ while [[ $1 == -* ]]; do shift; done; shift; print -l -- ${{(P)1}} }}
        eval "$(attribution completion zsh)"
        words=({words} "{incomplete}"); CURRENT={place}+1
        _attribution_completion
    """,
    "fish": """
        attribution completion fish | source
        complete -C '{words} {incomplete}'
    """,
}


def offered(*words: str, incomplete: str = "") -> list[str]:
    """What click offers behind the words typed."""
    found = ShellComplete(cli, {}, "attribution", "_ATTRIBUTION_COMPLETE").get_completions(list(words), incomplete)
    return [item.value for item in found]


def test_commands_and_choices_are_offered() -> None:
    assert {"decide", "explain", "topology", "agreement"} <= set(offered())
    assert offered("decide", "--lang") == ["en", "zh"]
    assert offered("topology", "show", "--format", incomplete="m") == ["mermaid"]


def test_a_path_is_completed_by_the_shell() -> None:
    found = ShellComplete(cli, {}, "attribution", "_ATTRIBUTION_COMPLETE").get_completions(["decide"], "pc")

    assert [item.type for item in found] == ["file"]


def test_evidence_is_that_of_the_incident_already_typed() -> None:
    everything = offered("explain", str(INCIDENT), "--without")

    assert {"customer", "provider", "syslog", "telemetry/probes-customer.csv"} <= set(everything)
    assert offered("explain", str(INCIDENT), "--without", incomplete="telemetry/ce1.") == ["telemetry/ce1.log"]
    assert offered("observe", str(INCIDENT), "--file", incomplete="telemetry/ce1.") == ["telemetry/ce1.log"]


def test_nodes_clauses_and_schemas_are_offered() -> None:
    assert offered("topology", "show", str(INCIDENT), "--ends", incomplete="ce1") == ["ce1"]
    assert offered("agreement", "show", incomplete="4.2(") == ["4.2(1)", "4.2(2)", "4.2(3)", "4.2(4)"]
    assert "verdict" in offered("schema")


@pytest.mark.parametrize("path", ["/nowhere", "README.md", ""])
def test_what_cannot_be_read_offers_nothing_and_says_nothing(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert offered("explain", path, "--without") == []
    assert offered("topology", "show", path, "--ends") == []
    assert capsys.readouterr() == ("", "")


def test_every_command_is_reached() -> None:
    """No completion of any option of any command fails, whatever was typed before it."""

    def walk(command: click.Command, words: tuple[str, ...]) -> None:
        offered(*words)
        offered(*words, incomplete="--")
        for name, further in getattr(command, "commands", {}).items():
            walk(further, (*words, name))

    walk(cli, ())


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("words", "incomplete", "expected"),
    [
        ("attribution decide --lang", "", {"en", "zh"}),
        (f"attribution explain {INCIDENT} --without", "telemetry/ce1.", {"telemetry/ce1.log"}),
        ("attribution schema", "verd", {"verdict"}),
    ],
)
def test_in_the_shell_itself(shell: str, words: str, incomplete: str, expected: set[str], tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "attribution"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m attribution.cli "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    code = SHELLS[shell].format(words=words, incomplete=incomplete, place=len(words.split()))
    here = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(Path.cwd()),
    }
    done = subprocess.run([program, "-c", code], capture_output=True, text=True, env=here, check=False)

    assert set(done.stdout.split()) == expected, done.stderr
