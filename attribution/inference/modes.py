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
CLOUD_CALLS = ("cloud", "cloud_limit")
"""Modes by such records are calls of the cloud API from the customer's own account."""


class Reach(StrEnum):
    """Which packets a mode loses."""

    NODE = "node"
    FORWARDING = "forwarding"
    LINK = "link"
    EGRESS = "egress"
    ADDRESS = "address"
    GATEWAY = "gateway"


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
    dead: bool = False

    @property
    def sets_port(self) -> bool:
        """Whether it sets a port up otherwise, its VLAN say, so that frames still come in."""
        return self.record == "port_setting"

    def applies_to(self, node: Node) -> bool:
        """Whether it can happen to a node: by its kind, and enforcement only to what the provider runs."""
        enforced = self.kind is CauseKind.ENFORCEMENT_ACTION
        return node.kind.value in self.on and (not enforced or node.side is Side.PROVIDER)


@dataclass(frozen=True, slots=True)
class Modes:
    modes: tuple[Mode, ...]
    background: Mapping[str, float]


KEYS = frozenset(
    {
        *("name", "kind", "on", "reach", "withdraws", "selective", "prior", "full", "one_way"),
        *("record", "needs", "unless", "sign", "unseen", "expects", "dead"),
    }
)
EXPECTATION_KEYS = frozenset({"alarm", "where", "probability"})
RECORDS = frozenset(
    {
        *(None, "port", "port_setting", "policy", "filter", "route", "diversion", "session", "rate", "node", "reload"),
        *("cut", "cloud", "cloud_limit", "enforcement"),
    }
)


@cache
def load_modes() -> Modes:
    """The program's own table. Raises RuleError where it is inconsistent."""
    text = files("attribution.rules").joinpath(RULES).read_text(encoding="utf-8")
    try:
        rules = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise RuleError(RULES, f"found {problem}", "expected TOML") from None
    if not rules.get("mode") or "background" not in rules:
        raise RuleError(RULES, "found no [[mode]] or no [background]", "expected both")
    return Modes(tuple(mode for entry in rules["mode"] for mode in _modes(entry)), rules["background"])


def _modes(entry: Mapping[str, Any]) -> tuple[Mode, ...]:
    """One mode, or two of half the prior where it withdraws routes as often as not."""
    try:
        _check_keys(entry, KEYS)
        if entry["withdraws"] == "perhaps":
            half = entry["prior"] / 2
            return tuple(_mode({**entry, "withdraws": withdraws, "prior": half}) for withdraws in (False, True))
        return (_mode(entry),)
    except (KeyError, TypeError, ValueError) as problem:
        place = f"{RULES}: mode {entry.get('name', '?')}"
        raise RuleError(place, f"found {problem}", "expected what its head explains") from None


def _mode(entry: Mapping[str, Any]) -> Mode:
    unknown = set(entry["on"]) - {kind.value for kind in NodeKind} - {LINK}
    if unknown:
        raise ValueError(f"unknown kinds of node {sorted(unknown)}")
    if not isinstance(entry["withdraws"], bool):
        raise ValueError(f"withdraws = {entry['withdraws']!r}")
    if entry.get("record") not in RECORDS:
        raise ValueError(f"record = {entry['record']!r}")
    return Mode(
        name=entry["name"],
        kind=CauseKind(entry["kind"]),
        on=frozenset(entry["on"]),
        reach=Reach(entry["reach"]),
        withdraws=entry["withdraws"],
        selective=Selectivity(entry.get("selective", "none")),
        prior=_share(entry["prior"]),
        full=_share(entry["full"]),
        one_way=_share(entry["one_way"]) if "one_way" in entry else 0.0,
        record=entry.get("record"),
        needs_record=entry.get("needs") == "record",
        unless=EvidenceType(entry["unless"]) if "unless" in entry else None,
        sign=AlarmKind(entry["sign"]) if "sign" in entry else None,
        unseen=_share(entry["unseen"]) if "unseen" in entry else 1.0,
        expects=tuple(_expectation(expected) for expected in entry["expects"]),
        dead=entry.get("dead", False) is True,
    )


def _expectation(entry: Mapping[str, Any]) -> Expectation:
    _check_keys(entry, EXPECTATION_KEYS)
    return Expectation(AlarmKind(entry["alarm"]), Where(entry["where"]), _share(entry["probability"]))


def _check_keys(entry: Mapping[str, Any], known: frozenset[str]) -> None:
    if unknown := set(entry) - known:
        raise ValueError(f"unknown keys {sorted(unknown)}")


def _share(value: float) -> float:
    """A probability that is neither certain nor impossible: its logarithm is taken."""
    if not 0.0 < float(value) < 1.0:
        raise ValueError(f"{value!r}, not between 0 and 1")
    return float(value)
