"""Which program this is, to the octet: its version, its source and rule files, and the libraries it computes with."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from importlib.resources.abc import Traversable

from attribution.model.kept_case import ProgramStatement
from attribution.model.program import PROGRAM, program_version

RULES = "rules/"
# Those whose arithmetic, compiler or reading a verdict may go through; the rest only talks to people.
LIBRARIES = ("llvmlite", "numba", "numpy", "pandas", "pyarrow", "PyYAML", "tzdata", "zstandard")


@cache
def state_program() -> ProgramStatement:
    """The running program."""
    return describe_program(resources.files(PROGRAM))


def describe_program(package: Traversable) -> ProgramStatement:
    """A program by the folder of its package."""
    files = dict(sorted(_digests(package, "")))
    return ProgramStatement(
        name=PROGRAM,
        version=program_version(),
        sources={name: digest for name, digest in files.items() if not name.startswith(RULES)},
        rules={name: digest for name, digest in files.items() if name.startswith(RULES)},
        python=".".join(map(str, sys.version_info[:3])),
        libraries={library: _installed(library) for library in LIBRARIES},
    )


def _digests(folder: Traversable, above: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _digests(entry, f"{above}{entry.name}/")
        elif not entry.name.endswith(".pyc"):
            yield f"{above}{entry.name}", hashlib.sha256(entry.read_bytes()).hexdigest()


def _installed(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"
