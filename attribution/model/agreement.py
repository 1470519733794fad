"""An agreement between the two sides: its clauses, their words, and the conditions under which each applies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attribution.model.topology import Side
from attribution.model.verdict import Provision


@dataclass(frozen=True, slots=True)
class FactIs:
    """One named fact has one of these values."""

    name: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class NotSo:
    part: Requirement


Requirement = FactIs | AllOf | AnyOf | NotSo


@dataclass(frozen=True, slots=True)
class Clause:
    """One provision: `when` a cause falls under it; `also` when its words admit the cause beside a closer clause.

    `when` None: it speaks of conduct that network evidence does not show by itself. `official_zh` is False where the
    Chinese text is our own translation. `remedy` is the clause that lets the other party act upon its breach.
    """

    id: str
    burdens: Side
    text_en: str
    text_zh: str
    official_zh: bool
    when: Requirement | None = None
    also: Requirement | None = None
    remedy: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The clauses of one agreement in their order; `ground` is what makes an enforcement the customer's to answer.

    `provider_en` and `provider_zh` are what the provider is called in a letter; empty where the file names none.
    """

    id: str
    title_en: str
    title_zh: str
    clauses: Mapping[str, Clause]
    ground: Requirement
    service_level_document: str
    service_level_minute_s: int
    provider_en: str = ""
    provider_zh: str = ""
    service_level_document_zh: str = ""

    def provision(self, clause: str) -> Provision:
        found = self.clauses[clause]
        return Provision(found.id, self.title_en, self.title_zh, found.text_en, found.text_zh)
