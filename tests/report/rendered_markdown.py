"""Markdown as a reader sees it: rendered by the program that GitHub renders with, and taken apart."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options

WORD_JOINER = "\u2060"


class Rendered(HTMLParser):
    """The tags of a page and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def shown(self) -> str:
        """The text without what nobody sees."""
        return re.sub(" +", " ", self.text.replace(WORD_JOINER, "")).strip(" \n")


def rendered(markdown: str) -> Rendered:
    return Rendered(cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE))
