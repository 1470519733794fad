"""Which program this is: the version that papers and cases name, so that another can be told from it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

PROGRAM = "attribution"
UNINSTALLED = "0+uninstalled"


@cache
def program_version() -> str:
    """The version of the installed program."""
    try:
        return version(PROGRAM)
    except PackageNotFoundError:
        return UNINSTALLED
