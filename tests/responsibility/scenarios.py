"""The scenarios of tests/cases/responsibility: stories with a cause and the clause that a lawyer expects."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.topology import Link, Node, NodeKind, Side, Topology
from attribution.model.verdict import Cause, CauseKind, Fact, Hypothesis, Interruption, Party

FOLDER = Path(__file__).parent.parent / "cases" / "responsibility"
START_S = 1_795_428_000  # 2026-11-23T10:00:00Z


@dataclass(frozen=True, slots=True)
class Scenario:
    story: str
    causes: tuple[Cause, ...]
    interruption: Interruption
    party: Party
    clause: str | None
    admissible: tuple[str, ...] | None
    remedy: str | None
    seconds: Mapping[str, float] | None

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        return (Hypothesis(self.causes, 1.0),)


def read_scenarios() -> Iterator[Scenario]:
    for file in sorted(FOLDER.glob("*.toml")):
        for entry in tomllib.loads(file.read_text(encoding="utf-8")).get("scenario", ()):
            yield read_scenario(entry)


def read_scenario(entry: Mapping[str, Any]) -> Scenario:
    lasted = entry.get("lasted", 60)
    causes = entry["causes"] if "causes" in entry else [entry["cause"]]
    return Scenario(
        story=entry["story"],
        causes=tuple(read_cause(cause, lasted) for cause in causes),
        interruption=Interruption(lasted > 0, (seconds(0, lasted),) if lasted else ()),
        party=Party(entry["party"]),
        clause=entry.get("clause"),
        admissible=tuple(entry.get("admissible", ())) if "cause" in entry else None,
        remedy=entry.get("remedy"),
        seconds=entry.get("seconds"),
    )


def read_cause(entry: Mapping[str, Any], lasted: int) -> Cause:
    return Cause(
        component=entry["component"],
        kind=CauseKind(entry["kind"]),
        interval=seconds(entry.get("from", 0), entry.get("to", lasted)),
        actor=Side(entry["actor"]) if "actor" in entry else None,
        facts=frozenset(Fact(fact) for fact in entry.get("facts", ())),
        caused_by=entry.get("caused_by"),
    )


def seconds(start: float, end: float) -> Interval:
    return Interval(int((START_S + start) * NANOSECONDS), int((START_S + end) * NANOSECONDS))


def read_network() -> Topology:
    document = tomllib.loads((FOLDER / "network.toml").read_text(encoding="utf-8"))
    nodes = {
        node["id"]: Node(node["id"], Side(node["side"]), NodeKind(node["kind"]), node.get("operator"))
        for node in document["node"]
    }
    links = [
        Link(
            source=link["between"][0],
            target=link["between"][1],
            key=None,
            side=Side(link["side"]) if "side" in link else None,
            operator=link.get("operator"),
        )
        for link in document["link"]
    ]
    return Topology(nodes, {link.component: link for link in links})
