"""Text from evidence reads as it is in GitHub-flavoured Markdown, by the renderer that GitHub itself uses."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from attribution.report.layout import escape
from attribution.report.markdown import code, front_matter, inline, table
from tests.report.rendered_markdown import rendered

ACTIVE = list("\\`*_[](){}<>#+-.!|~$&@:/=^ \"'\n\r\t0159abwxW\u202e\x1b服")
MARKUP = st.text(alphabet=st.sampled_from(ACTIVE), max_size=40)
CELLS = ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]


def read(text: str) -> str:
    """What a reader should see of a text: nothing hidden, spaces as a browser shows them."""
    return re.sub(" +", " ", escape(text)).strip(" ")


@given(MARKUP | st.text(max_size=40))
def test_a_paragraph_shows_the_text_and_nothing_else(text: str) -> None:
    page = rendered(inline(text) + "\n")

    assert set(page.tags) <= {"p"}
    assert page.shown == read(text)


@given(MARKUP | st.text(max_size=40), MARKUP)
def test_a_list_item_shows_the_text_and_nothing_else(text: str, other: str) -> None:
    page = rendered(f"- x {inline(text)}\n- {inline(other)}\n")

    assert page.tags in (["ul", "li", "li"], ["ul", "li"])
    assert page.shown.replace("\n", " ").split() == ["x", *read(text).split(), *read(other).split()]


@given(MARKUP | st.text(max_size=40), MARKUP)
def test_a_table_cell_holds_the_text_and_nothing_else(text: str, other: str) -> None:
    page = rendered("\n".join(table(("a", "b"), [(inline(text), code(other))])) + "\n")

    assert [tag for tag in page.tags if tag != "code"] == CELLS
    assert page.shown.split() == ["a", "b", *read(text).split(), *read(other).split()]


@given(MARKUP | st.text(max_size=40))
def test_code_shows_the_text_and_nothing_else(text: str) -> None:
    page = rendered(f"x {code(text)} y\n")

    assert set(page.tags) <= {"p", "code"}
    assert page.shown.split() == ["x", *read(text).split(), "y"]


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/x",
        "see www.example.org",
        "HTTP://EXAMPLE.ORG",
        "debian-kernel@lists.debian.org",
        "mailto:someone@example.org",
        "<https://example.org>",
        "[x](https://example.org)",
        "![x](https://example.org/x.png)",
        "[x][y]",
        "[^1]",
    ],
)
def test_nothing_becomes_a_link(text: str) -> None:
    page = rendered(inline(text) + "\n")

    assert page.tags == ["p"]
    assert page.shown == text


@pytest.mark.parametrize("text", ["@octocat", "octo/repository#12", "#1 SMP", "GH-7", ":smile:", "fd00:100:1"])
def test_a_forge_reads_no_mention_issue_or_emoji_into_it(text: str) -> None:
    """They are found in rendered text, so what is rendered must not read so to a program."""
    page = rendered(inline(text) + "\n")

    assert page.shown == text
    assert re.search(r"@\w|#\d|GH-\d|:(smile|100):", page.text) is None


def test_times_and_addresses_are_left_readable() -> None:
    assert inline("10:00:30 10.0.0.1 to fd00::1") == "10:00:30 10.0.0.1 to fd00::1"


KEYS = st.from_regex("[a-z]{1,8}", fullmatch=True)


@given(st.dictionaries(KEYS, st.text() | MARKUP | st.floats(0, 1) | st.none() | st.booleans(), max_size=4))
def test_front_matter_is_yaml_whatever_it_holds(fields: dict[str, object]) -> None:
    lines = front_matter({"first": fields, "list": [fields], "last": [1, "a"]})
    loaded = yaml.safe_load("\n".join(lines[1:-1]))
    expected = {
        key: escape(value) if isinstance(value, str) else round(value, 4) if isinstance(value, float) else value
        for key, value in fields.items()
    }

    assert (lines[0], lines[-1]) == ("---", "---")
    assert loaded == {"first": expected, "list": [expected], "last": [1, "a"]}
