"""The papers about recorded incidents of every party: complete, obeying nothing, silent about the provider's logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from attribution.model.dossier import Dossier
from attribution.model.topology import Side
from attribution.model.verdict import Party
from attribution.report import render_letter, render_postmortem
from attribution.report.wording import LANGUAGES
from tests.report.rendered_markdown import rendered
from tests.transform.verdicts import drawn_up

ROOT = Path(__file__).resolve().parent.parent.parent
INCIDENTS = (
    "customer-shuts-access-port",
    "customer-lan-cut-then-provider-core-link-cut",
    "demarcation-line-cut",
    "healthy-hour",
    "provider-core-router-crash-self-serving",
    "provider-null-route",
    "suspension-after-late-payment",
)
PAPER_TAGS = {"h1", "h2", "p", "em", "strong", "br", "ul", "li", "code", "blockquote"}
TABLE_TAGS = {"table", "thead", "tbody", "tr", "th", "td"}
every_incident = pytest.mark.parametrize("name", INCIDENTS)
languages = pytest.mark.parametrize("lang", sorted(LANGUAGES))


def drawn(name: str) -> Dossier:
    return drawn_up(ROOT / "pcaps" / name)


def test_the_incidents_are_of_every_party() -> None:
    assert {drawn(name).verdict.party for name in INCIDENTS} == set(Party)


@languages
@every_incident
def test_a_postmortem_shows_all_that_the_verdict_cites(name: str, lang: str) -> None:
    dossier = drawn(name)
    page = rendered(render_postmortem(dossier, lang).split("---\n", 2)[2])

    assert set(page.tags) <= PAPER_TAGS | TABLE_TAGS
    assert page.tags.count("h2") == 12
    for piece in dossier.verdict.evidence:
        assert piece.file in page.shown
    for file in dossier.verdict.inputs:
        assert file.sha256 in page.shown
    for provision in dossier.verdict.provisions:
        assert provision.text_en in page.shown
        assert provision.text_zh in page.shown


@languages
@every_incident
def test_a_letter_is_short_and_cites_no_file_or_log_line_of_the_provider(name: str, lang: str) -> None:
    dossier = drawn(name)
    markdown = render_letter(dossier, lang)
    page = rendered(markdown)
    theirs = {origin.file for origin in dossier.incident.origins if origin.supplied_by is Side.PROVIDER}
    raw = {entry.raw for entry in dossier.timeline if entry.raw and entry.supplied_by is Side.PROVIDER}

    assert set(page.tags) <= {"p", "strong", "ul", "li", "code"}
    assert len(page.shown.split()) < 400
    assert {file for file in theirs if file in page.shown} == set()
    assert {line for line in raw if line in page.shown} == set()
