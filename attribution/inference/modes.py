"""The ways in which components fail or are put out of service, as the rule file describes them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from attribution.errors import RuleError
from attribution.model.evidence import AlarmKind
from attribution.model.incident import EvidenceType
from attribution.model.topology import Node, NodeKind, Side
from attribution.model.verdict import CauseKind

RULES = "causes.toml"
LINK = "link"


class Reach(StrEnum):
    """Which packets a mode loses."""

    NODE = "node"
    FORWARDING = "forwarding"
    LINK = "link"
    EGRESS = "egress"


class Selectivity(StrEnum):
    """Which of the packets within reach a mode may spare."""

    NONE = "none"
    DESTINATION = "destination"
    CLASS = "class"


class Where(StrEnum):
    """By whom and about what an expected alarm is, relative to the component."""

    SELF = "self"
    OWN_PORT = "own_port"
    OWN_PORTS = "own_ports"
    NEIGHBOUR = "neighbour"
    END = "end"
    PEER = "peer"
    ACROSS = "across"
    BEYOND = "beyond"
    ANYWHERE = "anywhere"


@dataclass(frozen=True, slots=True)
class Expectation:
    alarm: AlarmKind
    where: Where
    probability: float


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to fail; the fields are explained at the head of the rule file."""

    name: str
    kind: CauseKind
    on: frozenset[str]
    reach: Reach
    withdraws: bool
    selective: Selectivity
    prior: float
    full: float
    one_way: float
    record: str | None
    needs_record: bool
    unless: EvidenceType | None
    sign: AlarmKind | None
    unseen: float
    expects: tuple[Expectation, ...]

    def applies_to(self, node: Node) -> bool:
        """Whether it can happen to a node: by its kind, and enforcement only to what the provider runs."""
        enforced = self.kind is CauseKind.ENFORCEMENT_ACTION
        return node.kind.value in self.on and (not enforced or node.side is Side.PROVIDER)


@dataclass(frozen=True, slots=True)
class Modes:
    modes: tuple[Mode, ...]
    background: Mapping[str, float]


@cache
def load_modes() -> Modes:
    """The program's own table. Raises RuleError where it is inconsistent."""
    rules = tomllib.loads(files("attribution.rules").joinpath(RULES).read_text(encoding="utf-8"))
    entries = [variant for entry in rules["mode"] for variant in _variants(entry)]
    return Modes(tuple(_mode(entry) for entry in entries), rules["background"])


def _variants(entry: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """A mode that withdraws routes as often as not is two modes, each half as frequent."""
    if entry.get("withdraws") != "perhaps":
        return (entry,)
    return tuple({**entry, "withdraws": withdraws, "prior": entry["prior"] / 2} for withdraws in (False, True))


def _mode(entry: Mapping[str, Any]) -> Mode:
    name = entry.get("name", "?")
    try:
        expects = tuple(
            Expectation(AlarmKind(e["alarm"]), Where(e["where"]), float(e["probability"])) for e in entry["expects"]
        )
        unknown = set(entry["on"]) - {kind.value for kind in NodeKind} - {LINK}
        if unknown:
            raise ValueError(f"unknown kinds of node {sorted(unknown)}")
        return Mode(
            name=name,
            kind=CauseKind(entry["kind"]),
            on=frozenset(entry["on"]),
            reach=Reach(entry["reach"]),
            withdraws=entry["withdraws"],
            selective=Selectivity(entry.get("selective", "none")),
            prior=float(entry["prior"]),
            full=float(entry["full"]),
            one_way=float(entry.get("one_way", 0.0)),
            record=entry.get("record"),
            needs_record=entry.get("needs") == "record",
            unless=EvidenceType(entry["unless"]) if "unless" in entry else None,
            sign=AlarmKind(entry["sign"]) if "sign" in entry else None,
            unseen=float(entry.get("unseen", 1.0)),
            expects=expects,
        )
    except (KeyError, ValueError) as problem:
        raise RuleError(f"{RULES}: mode {name}", f"found {problem}", "expected what its head explains") from None
