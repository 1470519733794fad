"""A decided incident as one page for a browser: it holds everything, asks nobody for anything, and prints.

All that it shows comes from files that others wrote. Jinja2 escapes whatever a template is given; before that,
characters that are not for reading (control characters, terminal escapes, direction marks) are written out, and what
evidence says is isolated from the direction of the text around it. The page's own style and script are named by
their hashes in its content security policy: nothing else is ever run, and nothing is ever loaded.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from attribution.model.dossier import Dossier
from attribution.report.layout import escape
from attribution.report.page.labels import LANGUAGES, Labels
from attribution.report.page.view import View

__all__ = ["LANGUAGES", "render_page"]


def render_page(dossier: Dossier, lang: str = "en") -> str:
    """The whole report in one HTML file; `lang` is the language of its words, `en` or `zh`.

    The verdict and the clauses stand in both languages.
    """
    style, script = _template("page.css"), _template("page.js")
    labels = Labels(lang)
    page = _environment().get_template("page.html")
    return page.render(
        t=labels,
        view=View(dossier, labels),
        style=Markup(style),
        script=Markup(script),
        policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; "
        "form-action 'none'",
    )


def _hash(source: str) -> str:
    """How a content security policy names an inline block that it allows."""
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


@cache
def _template(name: str) -> str:
    return (resources.files(__package__) / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        finalize=readable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["told"] = told
    return environment


def readable(value: object) -> object:
    """What a template is about to print, with every character that is not for reading written out."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return escape(value)


def told(value: str) -> Markup:
    """Text from evidence, which may run from right to left, apart from the text around it."""
    return Markup("<bdi>{}</bdi>").format(escape(value))
