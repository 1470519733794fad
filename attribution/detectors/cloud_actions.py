"""Which calls of the cloud API interrupt a connection, as the rule file lists them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class CloudAction:
    """One call: whether it cuts by its nature, or only may, or `limits` how much may pass; and which calls undo it
    (names in lower case)."""

    name: str
    cuts: bool
    undone_by: frozenset[str]
    limits: bool = False


CloudActions = Mapping[str, CloudAction]


@cache
def load_cloud_actions() -> CloudActions:
    """The program's own list, by the call's name in lower case."""
    rules = tomllib.loads(files("attribution.rules").joinpath("cloud_actions.toml").read_text(encoding="utf-8"))
    return {
        name.lower(): CloudAction(name, table == "cuts", frozenset(map(str.lower, undone_by)), table == "limits")
        for table in ("cuts", "may_cut", "limits")
        for name, undone_by in rules[table].items()
    }
