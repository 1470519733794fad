"""Whatever the files of an incident say, its report shows it as text and does nothing that they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from attribution.model.dossier import Dossier
from attribution.report.page import render_page
from tests.browser.opened import WIDTHS, opened
from tests.transform.recorded import RECORDED
from tests.transform.verdicts import drawn_up

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ATTACK = (
    "</title></style></script><script>document.title='done';alert(1)</script><img src=http://example.invalid/x.png "
    'onerror=alert(2)><svg onload=alert(3)>" onmouseover=alert(4) x="\' onfocus=alert(5) autofocus '
    "<a href=javascript:alert(6)>javascript:alert(7)</a>{{7*7}}{% for x in y %}&lt;"
    "\u202eesrever\u2066\x00\x07\x1b[31m\x9b2J"
)
OUR_OWN = {"id", "sha256", "clause", "provisions", "agreement", "parties", "seconds_by_party", "minutes_by_party"}
"""What the program itself writes, not the evidence: names of pieces, digests, clauses, parties."""
BUNDLE = next(bundle for bundle in RECORDED if bundle.name == "customer-edge-crash")


def attacking(value: Any) -> Any:
    """The value with the attack behind every text in it; equal texts stay equal, so that names still name."""
    if isinstance(value, Enum) or (not isinstance(value, str | tuple | Mapping) and not is_dataclass(value)):
        return value
    if isinstance(value, str):
        return f"{value}{ATTACK}"
    if isinstance(value, tuple):
        return tuple(attacking(part) for part in value)
    if isinstance(value, Mapping):
        return {attacking(key): attacking(part) for key, part in value.items()}
    known = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
    return replace(value, **{name: part if name in OUR_OWN else attacking(part) for name, part in known.items()})  # type: ignore[type-var]


@pytest.fixture(scope="module")
def hostile() -> Dossier:
    dossier = drawn_up(BUNDLE)
    found: Dossier = attacking(dossier)
    return replace(found, incident=replace(found.incident, id=f"{dossier.incident.id}{ATTACK}"))


@pytest.mark.parametrize(("lang", "scripts"), (("en", True), ("zh", False)), ids=("scripts", "no-scripts"))
def test_nothing_that_evidence_says_is_done(
    lang: str, scripts: bool, hostile: Dossier, browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "hostile.html"
    file.write_text(render_page(hostile, lang), encoding="utf-8")
    with opened(browser, file, scripts=scripts) as found:
        page = found.page
        for row in page.locator(".piece > details > summary").all()[:3]:
            row.click()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert not found.is_too_wide(), width
        words = page.locator("body").inner_text()

        assert found.keeps_quiet(), (found.requests, found.complaints, found.dialogs)
        assert page.title().startswith(hostile.verdict.incident[:10])
        assert page.locator("img, iframe, object, embed, form, link, base").count() == 0
        assert page.locator("script").count() == 1
        assert page.locator("[onerror], [onload], [onmouseover], [onfocus], [autofocus], [style]").count() == 0
        assert page.locator("a:not([href^='#'])").count() == 0
        assert "<script>" in words and "{{7*7}}" in words and "javascript:alert(7)" in words
        assert "\\u202eesrever" in words and "\\x1b[31m" in words and "\\x9b2J" in words
        assert not any(character in words for character in "\u202e\u2066\x00\x07\x1b\x9b")


def test_hostile_text_stands_escaped_in_the_file(hostile: Dossier) -> None:
    page = render_page(hostile, "en")

    assert ATTACK[:30] not in page.replace("<style>", "").split("<body>")[1].rpartition("<script>")[0]
    assert page.count("<script>") == 1 and page.count("</script>") == 1 and page.count("</title>") > 1
    assert not any(character in page for character in "\u202e\u2066\x00\x07\x1b\x9b")
