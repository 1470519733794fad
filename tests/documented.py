"""The command lines that the documentation shows, in order, with what it says they print; and how to run them.

A command line is an indented line of a block of its own, or a line of a block fenced as `sh`. A comment `# exit status
4` behind it says that it ends so. A block fenced as `text` that follows shows what the last one prints; lines with an
ellipsis stand for what was left out.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from attribution.cli import run

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("**/*.md")])
COLUMNS = "100"
_STATUS = re.compile(r"\s+# exit status (\d+)$")
_SHELL = re.compile(r"[|<>;&*$`(){}~]")
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Step:
    """A command line of a page, the status it should end with, and lines that it should print."""

    page: str
    number: int
    line: str
    status: int = 0
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ran:
    status: int
    printed: str
    complained: str


def steps_of(page: Path) -> list[Step]:
    """The command lines of a page in their order."""
    steps: list[Step] = []
    name = page.relative_to(ROOT).as_posix()
    for kind, number, lines in _blocks(page.read_text(encoding="utf-8").splitlines()):
        if kind == "text" and steps:
            steps[-1] = replace(steps[-1], shown=tuple(line.strip() for line in lines if line.strip()))
        elif kind in ("sh", "indented"):
            for offset, line in _joined(lines):
                found = _STATUS.search(line)
                status = int(found[1]) if found else 0
                steps.append(Step(name, number + offset, _STATUS.sub("", line), status))
    return steps


def _blocks(lines: list[str]) -> Iterator[tuple[str, int, list[str]]]:
    """Fenced blocks by what stands behind the fence, and indented ones; each with the number of its first line."""
    index = 0
    while index < len(lines):
        line = lines[index]
        if line.startswith("```"):
            end = next(i for i in range(index + 1, len(lines)) if lines[i].startswith("```"))
            yield line[3:].strip(), index + 2, lines[index + 1 : end]
            index = end + 1
        elif re.match(r"    \S", line) and (index == 0 or not lines[index - 1].strip()):
            end = next((i for i in range(index, len(lines)) if not lines[i].startswith("    ")), len(lines))
            yield "indented", index + 1, [line[4:] for line in lines[index:end]]
            index = end
        else:
            index += 1


def _joined(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Lines, those that end with a backslash together with the next."""
    pending, begun = "", 0
    for offset, line in enumerate(lines):
        begun = begun if pending else offset
        pending += line.removesuffix("\\")
        if not line.endswith("\\"):
            if pending.strip() and not pending.startswith("#"):
                yield begun, pending.strip()
            pending = ""


_KNOWN: dict[str, Ran] = {}


def ran(line: str, folder: Path) -> Ran:
    """What a command line does in a folder: the program's own in this process, any other line in a shell.

    What only reads recorded incidents is run once, however many pages show it.
    """
    plain = line.startswith("attribution ") and not _SHELL.search(line)
    if not plain:
        return _in_shell(line, folder)
    words = shlex.split(line)[1:]
    if any(word in ("-o", "--output", "--case") for word in words) or not any("pcaps/" in word for word in words):
        return _in_process(words, folder)
    if line not in _KNOWN:
        _KNOWN[line] = _in_process(words, folder)
    return _KNOWN[line]


def _in_process(arguments: list[str], folder: Path) -> Ran:
    before = os.environ.get("COLUMNS")
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    os.environ["COLUMNS"] = COLUMNS
    try:
        with (
            contextlib.chdir(folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            status = run(arguments)
    finally:
        os.environ.pop("COLUMNS") if before is None else os.environ.__setitem__("COLUMNS", before)
    return Ran(status, _written(out), _written(err))


def _written(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def _in_shell(line: str, folder: Path) -> Ran:
    programs = "\n".join(
        f'{name}() {{ "{sys.executable}" {rest} "$@"; }}'
        for name, rest in (("attribution", "-m attribution.cli"), ("python", ""), ("python3", ""))
    )
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{programs}\n{line}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": COLUMNS},
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def missing_from(shown: tuple[str, ...], printed: str) -> list[str]:
    """The lines that a page shows and a command does not print, in this order, however they are wrapped.

    Lines with an ellipsis are passed over.
    """
    left = " ".join(printed.split())
    missing: list[str] = []
    for line in shown:
        wanted = " ".join(line.split())
        if _ELLIPSIS in wanted:
            continue
        _, found, after = left.partition(wanted)
        if found:
            left = after
        else:
            missing.append(line)
    return missing
