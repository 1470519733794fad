"""What an error costs, and the answer that costs least: read from rules/decision.toml, the one place that says so."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from attribution.errors import RuleError
from attribution.model.verdict import Party


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """Costs of error, the share of an interruption that makes a party, and where the mass of the unknown goes."""

    wrong_party_cost: float
    part_cost: float
    undetermined_cost: float
    material_share: float
    prior: Mapping[Party, float]


@cache
def load_decision_rule() -> DecisionRule:
    """The decision rule that this program ships."""
    file = resources.files("attribution") / "rules" / "decision.toml"
    return read_decision_rule(file.read_text(encoding="utf-8"), "decision.toml")


def read_decision_rule(text: str, place: str) -> DecisionRule:
    """A decision rule from TOML text; raises RuleError where a number is missing or makes no sense."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(place, f"not valid TOML: {error}", "expected costs, share and prior") from None
    rule = DecisionRule(
        wrong_party_cost=_number(document, "cost", "wrong_party", place),
        part_cost=_number(document, "cost", "part_of_the_answer", place),
        undetermined_cost=_number(document, "cost", "undetermined", place),
        material_share=_number(document, "share", "material", place),
        prior={party: _number(document, "prior", party.value, place) for party in (Party.CUSTOMER, Party.PROVIDER)},
    )
    if rule.undetermined_cost >= rule.wrong_party_cost:
        raise RuleError(f"{place}: cost", "an abstention costs as much as an error", "expected less")
    if abs(sum(rule.prior.values()) - 1.0) > 1e-9:
        raise RuleError(f"{place}: prior", f"adds up to {sum(rule.prior.values())}", "expected 1")
    return rule


def choose_party(parties: Mapping[Party, float], rule: DecisionRule) -> Party:
    """The answer with the least expected cost, which may be not to answer."""
    best = min(parties, key=lambda said: _expected_cost(said, parties, rule))
    return best if _expected_cost(best, parties, rule) < rule.undetermined_cost else Party.UNDETERMINED


def _expected_cost(said: Party, parties: Mapping[Party, float], rule: DecisionRule) -> float:
    """What naming a party costs on average: a single side is not all wrong where both sides answer."""
    part = parties.get(Party.SHARED, 0.0) if said in (Party.CUSTOMER, Party.PROVIDER) else 0.0
    wrong = 1.0 - parties[said] - part
    return wrong * rule.wrong_party_cost + part * rule.part_cost


def _number(document: Mapping[str, object], table: str, key: str, place: str) -> float:
    section = document.get(table)
    value = section.get(key) if isinstance(section, dict) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0.0 <= value <= 1.0:
        raise RuleError(f"{place}: {table}.{key}", f"found {value!r}", "expected a number from 0 to 1")
    return float(value)
