"""The page of a decided incident holds everything in one file, in either language, whatever the evidence says."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from itertools import product
from pathlib import Path

import pytest

import attribution
from attribution.cli import run
from attribution.model.dossier import Dossier
from attribution.model.topology import Link, NodeKind, Side, Topology
from attribution.report.page import render_page
from attribution.report.page.labels import LABELS
from attribution.report.page.network_layout import MOST_NODES
from attribution.report.page.network_map import map_layout
from attribution.report.wording import LANGUAGES
from tests.report.dossiers import EVERY_DOSSIER, HOSTILE_DOSSIER, TOPOLOGY, dossier, node
from tests.report.verdicts import HEALTHY, UNMEASURED

PCAPS = Path(__file__).parents[2] / "pcaps"
DECIDED = PCAPS / "suspension-although-paid"
languages = pytest.mark.parametrize("lang", ("en", "zh"))
every_dossier = pytest.mark.parametrize("decided", EVERY_DOSSIER, ids=lambda decided: decided.verdict.party.value)


@languages
@every_dossier
def test_the_page_of_every_verdict_is_whole(decided: Dossier, lang: str) -> None:
    page = render_page(decided, lang)

    linked = set(re.findall(r'href="#([^"]*)"', page))
    named = re.findall(r'\bid="([^"]*)"', page)
    assert linked <= set(named)
    assert len(named) == len(set(named))
    assert all(file.sha256 in page for file in decided.verdict.inputs)
    assert page == render_page(decided, lang)


def test_where_nothing_was_measured_it_is_not_said_that_nothing_happened() -> None:
    said = ("No interruption was found in what was measured", "none found in the evidence")
    healthy, unmeasured = (render_page(dossier(verdict)) for verdict in (HEALTHY, UNMEASURED))

    assert all(words in healthy and words not in unmeasured for words in said)
    assert "nothing that was handed in shows whether there was one" in unmeasured


@languages
def test_nothing_is_run_or_loaded_but_what_the_page_holds(lang: str) -> None:
    """The content security policy names the one style and the one script by their digests, and allows nothing else."""
    page = render_page(dossier(), lang)

    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src &#39;none&#39;;")
    for tag in ("style", "script"):
        (block,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.S)
        assert f"sha256-{b64encode(sha256(block.encode()).digest()).decode()}" in policy[1]
    assert "unsafe" not in policy[1]
    assert not re.search(r"\bsrc=|@import|url\((?!#)", page)
    assert set(re.findall(r"https?://[^\"'<\s]*", page)) == set()


@languages
def test_hostile_evidence_is_told_and_not_obeyed(lang: str) -> None:
    page = render_page(HOSTILE_DOSSIER, lang)

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\\x1b[31m\\u202e" in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)


def test_every_label_has_both_languages_with_the_same_fields() -> None:
    for name, (english, chinese) in LABELS.items():
        assert sorted(re.findall(r"{\w+}", english)) == sorted(re.findall(r"{\w+}", chinese)), name


def test_of_a_large_network_the_neighbourhood_of_the_way_is_drawn_and_the_rest_counted() -> None:
    leaves = {f"leaf{number}": node(f"leaf{number}", Side.CUSTOMER, NodeKind.HOST) for number in range(200)}
    links = [Link("ce1", leaf, None, Side.CUSTOMER) for leaf in leaves]
    large = Topology({**TOPOLOGY.nodes, **leaves}, {**TOPOLOGY.links, **{link.component: link for link in links}})
    decided = replace(dossier(), topology=large)
    layout = map_layout(decided)

    assert layout.way == ("idc-host", "ce1", "pe1", "p1", "vpc-host")
    assert set(layout.way) <= set(layout.places)
    assert len(layout.places) <= MOST_NODES
    assert f"{layout.left_out} more nodes" in render_page(decided)
    assert len(set(layout.places.values())) == len(layout.places)


def test_the_command_and_the_library_draw_the_same(tmp_path: Path) -> None:
    verdict = attribution.decide(DECIDED)
    drawn = {"html": verdict.to_html, "markdown": verdict.to_markdown, "letter": verdict.to_letter}
    for form, lang in product(drawn, LANGUAGES):
        draw, file = drawn[form], tmp_path / form
        assert run(["report", str(DECIDED), "--format", form, "--lang", lang, "-o", str(file)]) == 0
        assert file.read_text(encoding="utf-8") == draw(lang)
