"""A sentence that can be said in another language: English text that remembers its template and what was put in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self


class Phrase(str):
    """English text for everyone who wants a `str`; `template` and `values` for whoever says it in another language.

    Values are numbers, names or further phrases. Two phrases with the same English text are equal.
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, **values: object) -> Self:
        phrase = super().__new__(cls, template.format(**values))
        phrase.template = template
        phrase.values = values
        return phrase

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        return (self.template,), dict(self.values)


class Template(str):
    """The words of a phrase whose values are not known yet: a row of a table of sentences."""

    __slots__ = ()

    def fill(self, **values: object) -> Phrase:
        return Phrase(self, **values)


SIDES: Mapping[str, Phrase] = {"customer": Phrase("customer"), "provider": Phrase("provider")}
"""What the two sides are called within a sentence, by their names in files."""


class Enumeration(str):
    """Parts with the same words between them, such as `a, b, c`."""

    __slots__ = ("between", "parts")

    between: Phrase
    parts: tuple[str, ...]

    def __new__(cls, between: Phrase, parts: Iterable[str]) -> Self:
        kept = tuple(parts)
        row = super().__new__(cls, between.join(kept))
        row.between = between
        row.parts = kept
        return row

    def __getnewargs_ex__(self) -> tuple[tuple[Phrase, tuple[str, ...]], dict[str, object]]:
        return (self.between, self.parts), {}


COMMA, SEMICOLON, OR = Phrase(", "), Phrase("; "), Phrase(" or ")


def in_a_row(parts: Iterable[str]) -> Enumeration:
    """`a, b, c`"""
    return Enumeration(COMMA, parts)


def as_clauses(parts: Iterable[str]) -> Enumeration:
    """`a; b; c`"""
    return Enumeration(SEMICOLON, parts)


def any_of(parts: Iterable[str]) -> Enumeration:
    """`a or b or c`"""
    return Enumeration(OR, parts)


def all_of(parts: Iterable[str]) -> str:
    """`a, b and c`"""
    *others, last = tuple(parts) or ("",)
    return Phrase("{others} and {last}", others=in_a_row(others), last=last) if others else last
