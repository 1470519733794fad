"""An agreement read from its file: each clause's number, words in two languages, burden and conditions."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from attribution.errors import RuleError
from attribution.model.agreement import Agreement, AllOf, AnyOf, Clause, FactIs, NotSo, Requirement
from attribution.model.topology import Side
from attribution.responsibility.facts import FACTS

CLAUSE = "clause"  # the one fact that speaks of other clauses: `{ clause = ["4.2(1)"] }`


def known_agreements() -> tuple[str, ...]:
    """The agreements that this program holds, by the name that incident.yaml uses."""
    folder = resources.files("attribution") / "rules" / "agreements"
    return tuple(sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml")))


@cache
def load_agreement(name: str, place: str = "incident.yaml: agreement") -> Agreement:
    """The agreement of this name; raises RuleError, naming `place` and the known ones, where there is none."""
    known = known_agreements()
    if name not in known:
        raise RuleError(place, f"agreement {name!r} is not known", f"known: {', '.join(known)}")
    file = resources.files("attribution") / "rules" / "agreements" / f"{name}.toml"
    return read_agreement(file.read_text(encoding="utf-8"), f"{name}.toml")


def read_agreement(text: str, place: str) -> Agreement:
    """An agreement from TOML text, checked whole; raises RuleError naming the clause and the key."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(place, f"not valid TOML: {error}", "expected an agreement with its clauses") from None
    return _AgreementReader(place).read(document)


_KEYS = {
    "": {"schema", "id", "title", "provider", "source", "enforcement", "service_level", "clause"},
    "enforcement": {"ground"},
    "service_level": {"document", "text", "minute_s", "source"},
    "clause": {"id", "burdens", "text", "zh_is", "when", "also", "remedy", "note"},
}


@dataclass(frozen=True, slots=True)
class _AgreementReader:
    """Reads one file; `place` is its name, to which every complaint adds the table and the key."""

    place: str

    def read(self, document: Mapping[str, object]) -> Agreement:
        self._check_keys(document, "", self.place)
        if document.get("schema") != 1:
            raise RuleError(f"{self.place}: schema", f"found {document.get('schema')!r}", "expected 1")
        title_en, title_zh = self._both_languages(document, "title", self.place)
        enforcement = self._table(document, "enforcement", self.place)
        self._check_keys(enforcement, "enforcement", f"{self.place}: enforcement")
        service = self._table(document, "service_level", self.place)
        self._check_keys(service, "service_level", f"{self.place}: service_level")
        document_en, document_zh = self._both_languages(service, "document", f"{self.place}: service_level")
        provider = self._both_languages(document, "provider", self.place) if "provider" in document else ("", "")
        clauses = self._clauses(document)
        self._check_references(clauses)
        return Agreement(
            id=self._text(document, "id", self.place),
            title_en=title_en,
            title_zh=title_zh,
            clauses=clauses,
            ground=self._requirement(self._table(enforcement, "ground", self.place), f"{self.place}: ground"),
            service_level_document=document_en,
            service_level_minute_s=self._whole(service, "minute_s", f"{self.place}: service_level"),
            provider_en=provider[0],
            provider_zh=provider[1],
            service_level_document_zh=document_zh,
        )

    def _clauses(self, document: Mapping[str, object]) -> dict[str, Clause]:
        entries = document.get("clause")
        if not isinstance(entries, list) or not entries:
            raise RuleError(f"{self.place}: clause", "no clauses found", "expected at least one [[clause]]")
        clauses: dict[str, Clause] = {}
        for number, entry in enumerate(entries, 1):
            clause = self._clause(entry, f"{self.place}: clause {entry.get('id', f'no. {number}')}")
            if clause.id in clauses:
                raise RuleError(f"{self.place}: clause {clause.id}", "stands twice", "expected each id once")
            clauses[clause.id] = clause
        return clauses

    def _clause(self, entry: Mapping[str, object], place: str) -> Clause:
        self._check_keys(entry, "clause", place)
        text_en, text_zh = self._both_languages(entry, "text", place)
        when, also = (
            self._requirement(self._table(entry, key, place), f"{place}: {key}") if key in entry else None
            for key in ("when", "also")
        )
        return Clause(
            id=self._text(entry, "id", place),
            burdens=Side(self._one_of(entry, "burdens", tuple(Side), place)),
            text_en=text_en,
            text_zh=text_zh,
            official_zh=self._one_of(entry, "zh_is", ("official", "translation"), place) == "official",
            when=when,
            also=also,
            remedy=self._text(entry, "remedy", place) if "remedy" in entry else None,
            note=self._text(entry, "note", place) if "note" in entry else "",
        )

    def _requirement(self, table: Mapping[str, object], place: str) -> Requirement:
        """All keys of a condition's table must hold; `all`, `any` and `not` hold further tables."""
        if not table:
            raise RuleError(place, "an empty condition", "expected a named fact, all, any or not")
        parts = tuple(self._part(key, value, place) for key, value in table.items())
        return parts[0] if len(parts) == 1 else AllOf(parts)

    def _part(self, key: str, value: object, place: str) -> Requirement:
        if key in ("all", "any"):
            if not isinstance(value, list) or not value:
                raise RuleError(f"{place}.{key}", f"found {value!r}", "expected a list of conditions")
            parts = tuple(self._requirement(self._as_table(part, place), f"{place}.{key}") for part in value)
            return AllOf(parts) if key == "all" else AnyOf(parts)
        if key == "not":
            return NotSo(self._requirement(self._as_table(value, place), f"{place}.not"))
        return self._fact(key, value, place)

    def _fact(self, key: str, value: object, place: str) -> FactIs:
        values = frozenset(item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))
        if not values or len(values) != (len(value) if isinstance(value, list) else 1):
            raise RuleError(f"{place}.{key}", f"found {value!r}", "expected one value or a list of different ones")
        if key == CLAUSE:
            return FactIs(key, values)
        if key not in FACTS:
            known = ", ".join(("all", "any", "not", CLAUSE, *FACTS))
            raise RuleError(f"{place}.{key}", "no such fact", f"known: {known}")
        if strange := values - FACTS[key].values:
            known = ", ".join(sorted(FACTS[key].values))
            raise RuleError(f"{place}.{key}", f"no such value: {', '.join(sorted(strange))}", f"known: {known}")
        return FactIs(key, values)

    def _check_references(self, clauses: Mapping[str, Clause]) -> None:
        """Clauses named by others exist, decide something, and never lead back to where they are named."""
        for clause in clauses.values():
            place = f"{self.place}: clause {clause.id}"
            if clause.remedy is not None and clause.remedy not in clauses:
                raise RuleError(f"{place}: remedy", f"no clause {clause.remedy}", "expected a clause of this file")
            for name in _clauses_named(clause.also):
                if name not in clauses or clauses[name].when is None:
                    raise RuleError(f"{place}: also", f"no conditions of {name}", "expected a clause with `when`")
            for trail in self._trails(clause, clauses, (clause.id,)):
                if trail[-1] in trail[:-1]:
                    raise RuleError(f"{place}: when", f"goes in a circle: {' > '.join(trail)}", "expected no circle")

    def _trails(
        self, clause: Clause, clauses: Mapping[str, Clause], trail: tuple[str, ...]
    ) -> Iterator[tuple[str, ...]]:
        for name in _clauses_named(clause.when):
            if name not in clauses or clauses[name].when is None:
                place = f"{self.place}: clause {clause.id}: when"
                raise RuleError(place, f"no conditions of {name}", "expected a clause of this file with `when`")
            yield (*trail, name)
            if name not in trail:
                yield from self._trails(clauses[name], clauses, (*trail, name))

    def _check_keys(self, table: Mapping[str, object], kind: str, place: str) -> None:
        if strange := sorted(set(table) - _KEYS[kind]):
            raise RuleError(place, f"no such key: {', '.join(strange)}", f"known: {', '.join(sorted(_KEYS[kind]))}")

    def _as_table(self, value: object, place: str) -> Mapping[str, object]:
        if not isinstance(value, dict):
            raise RuleError(place, f"found {value!r}", "expected a table of conditions")
        return value

    def _table(self, table: Mapping[str, object], key: str, place: str) -> Mapping[str, object]:
        return self._as_table(table.get(key), f"{place}: {key}")

    def _text(self, table: Mapping[str, object], key: str, place: str) -> str:
        value = table.get(key)
        if not isinstance(value, str) or not value.strip():
            raise RuleError(f"{place}: {key}", f"found {value!r}", "expected text")
        return value

    def _whole(self, table: Mapping[str, object], key: str, place: str) -> int:
        value = table.get(key)
        if not isinstance(value, int) or value <= 0:
            raise RuleError(f"{place}: {key}", f"found {value!r}", "expected a whole number above zero")
        return value

    def _one_of(self, table: Mapping[str, object], key: str, values: tuple[str, ...], place: str) -> str:
        value = self._text(table, key, place)
        if value not in values:
            raise RuleError(f"{place}: {key}", f"found {value!r}", f"expected one of {', '.join(values)}")
        return value

    def _both_languages(self, table: Mapping[str, object], key: str, place: str) -> tuple[str, str]:
        texts = self._table(table, key, place)
        return self._text(texts, "en", f"{place}: {key}"), self._text(texts, "zh", f"{place}: {key}")


def _clauses_named(requirement: Requirement | None) -> Iterator[str]:
    match requirement:
        case FactIs(name, values) if name == CLAUSE:
            yield from sorted(values)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _clauses_named(part)
        case NotSo(part):
            yield from _clauses_named(part)
        case _:
            return
