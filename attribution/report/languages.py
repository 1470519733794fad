"""Sentences in another language: the catalogue of templates, and saying a phrase by it.

A catalogue is `attribution/rules/languages/<language>.toml`: the English template on the left, the other one with the
same fields on the right. English needs none, and is what a sentence without an entry is said in.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from string import Formatter

from attribution.errors import RuleError
from attribution.model.phrase import Enumeration, Phrase

ENGLISH = "en"
_NUMBERED = re.compile(r"([a-z]+) (\d+)")


def say(text: str, language: str = ENGLISH) -> str:
    """The text in a language: phrases by their templates, their values likewise, and plain text as it is."""
    if language == ENGLISH:
        return str(text)
    if isinstance(text, Enumeration):
        return say(text.between, language).join(say(part, language) for part in text.parts)
    if not isinstance(text, Phrase):
        return str(text)
    template = phrases_of(language).get(text.template, text.template)
    values = {name: say(value, language) if isinstance(value, str) else value for name, value in text.values.items()}
    return template.format(**values)


def say_place(locator: str, language: str = ENGLISH) -> str:
    """A place in a file: `line 118`, `frame 12` in the language's own order; a path of keys as it is."""
    if language == ENGLISH:
        return locator
    places = _catalogue(language).places
    numbered = _NUMBERED.fullmatch(locator)
    if numbered is None:
        return places.get(locator, locator)
    template = places.get(f"{numbered[1]} {{number}}")
    return locator if template is None else template.format(number=numbered[2])


def phrases_of(language: str) -> Mapping[str, str]:
    """The templates of a language by the English ones. Errors: RuleError for an entry whose fields are not the same."""
    return _catalogue(language).phrases


class _Catalogue:
    def __init__(self, phrases: Mapping[str, str], places: Mapping[str, str]) -> None:
        self.phrases = phrases
        self.places = places


@cache
def _catalogue(language: str) -> _Catalogue:
    name = f"{language}.toml"
    text = (resources.files("attribution") / "rules" / "languages" / name).read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    for table in tables.values():
        check_fields(table, f"rules/languages/{name}")
    return _Catalogue(tables["phrases"], tables["places"])


def check_fields(table: Mapping[str, str], place: str) -> None:
    """Every entry puts in what the English one puts in."""
    for english, other in table.items():
        if fields_of(english) != fields_of(other):
            expected = ", ".join(sorted(fields_of(english))) or "none"
            raise RuleError(f"{place}: {english}", f"found the fields of {other!r}", f"expected {expected}")


def fields_of(template: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name)
