"""A sentence that can be said in another language: English text that remembers its template and what was put in."""

from __future__ import annotations

from collections.abc import Mapping
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
