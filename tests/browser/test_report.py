"""The report in a browser: it asks nobody for anything, fits every screen, and can be used with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.opened import SECTIONS, WIDTHS, Opened, opened
from tests.transform.recorded import EVERYTHING, RECORDED, name_of, one_in
from tests.transform.verdicts import drawn_up

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MOST_OCTETS = 2_000_000
USUAL_OCTETS = 400_000
OPEN_SOME = """document
    .querySelectorAll('.piece:nth-child(-n+2) > details, .multiple:first-child > details, section > details')
    .forEach(each => { each.open = each.querySelectorAll('tr').length < 120; })"""
HEADS = "[...document.querySelectorAll('.piece > details > summary')]"
PageOf = Callable[[Path, str], Path]
by_name = {bundle.name: bundle for bundle in RECORDED}
SIMPLE, BOTH, OPEN, HARMLESS = (
    by_name[name]
    for name in (
        "customer-edge-crash",
        "customer-lan-cut-then-provider-core-link-cut",
        "carrier-down-self-serving",
        "harmless-core-failover",
    )
)
handful = pytest.mark.parametrize("bundle", (SIMPLE, BOTH, OPEN, HARMLESS), ids=name_of)
languages = pytest.mark.parametrize("lang", ("en", "zh"))


@one_in(4, 0)
def test_a_report_fits_every_screen_and_asks_nobody_for_anything(
    bundle: Path, browser: Browser, page_of: PageOf
) -> None:
    with opened(browser, page_of(bundle, "en")) as found:
        for width in WIDTHS:
            found.page.set_viewport_size({"width": width, "height": 900})

            assert not found.is_too_wide(), width
            assert all(area > 0 for area in shown_areas(found, "svg.map", "svg.lanes")), width
        assert found.keeps_quiet(), (found.requests, found.complaints, found.dialogs)


@handful
def test_what_opens_fits_a_narrow_screen_too(bundle: Path, browser: Browser, page_of: PageOf) -> None:
    with opened(browser, page_of(bundle, "en"), width=WIDTHS[0]) as found:
        found.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")

        assert not found.is_too_wide()


def shown_areas(found: Opened, *selectors: str) -> list[float]:
    """For each selector how many pixels are drawn of it."""
    script = "s => [...document.querySelectorAll(s)].reduce((a, e) => a + e.clientWidth * e.clientHeight, 0)"
    return [found.page.evaluate(script, selector) for selector in selectors]


def test_usual_reports_are_small(page_of: PageOf) -> None:
    sizes = sorted(page_of(bundle, "en").stat().st_size for bundle in (RECORDED if EVERYTHING else RECORDED[::4]))

    assert sizes[len(sizes) // 2] < USUAL_OCTETS
    assert sizes[-1] < MOST_OCTETS


@handful
@languages
def test_the_answer_stands_at_the_top_in_both_languages(
    bundle: Path, lang: str, browser: Browser, page_of: PageOf
) -> None:
    verdict = drawn_up(bundle).verdict
    with opened(browser, page_of(bundle, lang)) as found:
        head = found.page.locator("#verdict")
        words = head.inner_text()

        assert head.get_by_role("heading", level=1).is_visible()
        # Near certainty is never rounded up to certainty.
        stated = "> 99 %" if 0.995 <= verdict.probability < 1 else f"{verdict.probability:.0%}".replace("%", " %")
        assert stated in words
        assert verdict.clause is None or verdict.clause in words
        assert re.search("[一-鿿]", words) and re.search("responsible|Undetermined", words)
        for provision in verdict.provisions:
            if provision.id == verdict.clause:
                assert provision.text_en in words and provision.text_zh in words


@one_in(12, 1)
def test_evidence_is_filtered_and_opened_by_mouse(bundle: Path, browser: Browser, page_of: PageOf) -> None:
    evidence = drawn_up(bundle).verdict.evidence
    suppliers = {side: sum(piece.supplied_by == side for piece in evidence) for side in ("customer", "provider")}
    with opened(browser, page_of(bundle, "en")) as found:
        page = found.page
        rows = page.locator(".piece:visible")
        shown = page.locator("#shown")

        assert rows.count() == len(evidence)
        if not evidence:  # nothing to be filtered
            assert shown.count() == 0
            return
        assert shown.get_attribute("aria-live") == "polite"
        for side, number in suppliers.items():
            page.select_option("#filter-side", side)
            assert rows.count() == number
            assert shown.inner_text() == f"{number} of {len(evidence)} shown"
        page.click("#reset")
        page.fill("#filter-text", evidence[0].statement)
        assert 0 < rows.count() <= len(evidence)
        assert all(evidence[0].statement.lower() in words.lower() for words in rows.all_text_contents())
        page.click("#reset")
        page.select_option("#filter-speaks", "against")
        assert rows.count() == sum(piece.weight < 0 for piece in evidence)
        page.click("#reset")
        page.select_option("#filter-file", label=evidence[0].file)
        assert rows.count() == sum(piece.file == evidence[0].file for piece in evidence)
        page.click("#reset")
        assert rows.count() == len(evidence)
        page.click(".piece >> nth=0 >> summary >> nth=0")
        assert page.locator(".piece >> nth=0 >> .opened").is_visible()
        assert found.keeps_quiet(), found.complaints


def test_what_is_cited_stands_out_in_what_a_row_opens(browser: Browser, page_of: PageOf) -> None:
    with opened(browser, page_of(SIMPLE, "en")) as found:
        found.page.click(".piece >> nth=0 >> summary >> nth=0")

        assert found.page.locator(".piece >> nth=0 >> tr.cited").first.is_visible()


@one_in(12, 5)
def test_evidence_is_filtered_and_opened_by_keyboard(bundle: Path, browser: Browser, page_of: PageOf) -> None:
    evidence = drawn_up(bundle).verdict.evidence
    with opened(browser, page_of(bundle, "en")) as found:
        page = found.page
        if not evidence:  # nothing to be opened
            assert page.locator(".piece, #filter-text").count() == 0
            return
        page.focus("#filter-text")
        page.keyboard.type(evidence[-1].id)
        while page.evaluate("!document.activeElement.matches('.piece summary')"):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.locator(".piece:visible .opened").first.is_visible()
        page.focus("#reset")
        page.keyboard.press("Space")
        page.locator(".piece > details > summary").first.focus()
        page.keyboard.press("ArrowDown")
        assert page.evaluate(f"document.activeElement === {HEADS}.at({min(1, len(evidence) - 1)})")
        page.keyboard.press("End")
        assert page.evaluate(f"document.activeElement === {HEADS}.at(-1)")


def test_a_cited_entry_of_the_timeline_leads_to_its_evidence(browser: Browser, page_of: PageOf) -> None:
    with opened(browser, page_of(SIMPLE, "en")) as found:
        page = found.page
        link = page.locator("svg.lanes.wide a[href='#e3']").first
        link.focus()
        page.keyboard.press("Enter")
        page.wait_for_function("document.getElementById('e3').closest('details').open")

        assert page.locator("#e3 .excerpt").first.is_visible()


def test_a_display_filter_is_copied(browser: Browser, page_of: PageOf) -> None:
    with opened(browser, page_of(SIMPLE, "en")) as found:
        page = found.page
        page.click("#open-all")
        button = page.locator("button.copy").first
        button.click()

        page.wait_for_function("document.querySelector('button.copy').textContent === 'Copied'")
        assert found.keeps_quiet(), found.complaints


@pytest.mark.parametrize(
    ("bundle", "lang", "width", "dark"),
    [(bundle, "en", 1280, False) for bundle in (RECORDED if EVERYTHING else (SIMPLE,))]
    + [(SIMPLE, "zh", 360, True), (OPEN, "en", 1280, True), (BOTH, "en", 360, False)],
    ids=name_of,
)
def test_readers_of_every_kind_can_use_it(
    bundle: Path, lang: str, width: int, dark: bool, browser: Browser, page_of: PageOf
) -> None:
    """By the rules of axe-core, with some of everything open that opens."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()
    with opened(browser, page_of(bundle, lang), width=width, dark=dark) as found:
        found.page.evaluate(OPEN_SOME)
        response: dict[str, Any] = axe.run(found.page, options={"resultTypes": ["violations"]}).response

        assert len(response["passes"]) > 15
        assert [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in response["violations"]] == []


@handful
def test_it_can_be_read_without_scripts(bundle: Path, browser: Browser, page_of: PageOf) -> None:
    verdict = drawn_up(bundle).verdict
    with opened(browser, page_of(bundle, "en"), scripts=False) as found:
        page = found.page
        assert all(page.locator(f"section#{name}").is_visible() for name in SECTIONS)
        assert page.locator(".piece").count() == len(verdict.evidence)
        assert not page.locator(".filters").is_visible()
        for row in page.locator(".piece > details > summary").all()[:3]:
            row.click()
        assert page.locator(".opened:visible").count() == min(3, len(verdict.evidence))


@pytest.mark.parametrize(
    ("bundle", "lang"),
    [(bundle, "en") for bundle in (RECORDED if EVERYTHING else (SIMPLE, OPEN, BOTH))] + [(SIMPLE, "zh")],
    ids=name_of,
)
def test_it_prints_whole(bundle: Path, lang: str, browser: Browser, page_of: PageOf) -> None:
    """Every section is on paper, and what is folded on the screen is open there."""
    pypdf = pytest.importorskip("pypdf", reason="needs the PyPI package pypdf")
    with opened(browser, page_of(bundle, lang)) as found:
        headings = found.page.locator("h1, h2").all_inner_texts()
        folded = [file.sha256 for file in drawn_up(bundle).verdict.inputs]
        pages = pypdf.PdfReader(BytesIO(found.page.pdf(format="A4", prefer_css_page_size=True))).pages
        printed = bare("".join(page.extract_text() for page in pages))

        assert [heading for heading in headings if bare(heading) not in printed] == []
        assert all(name in printed for name in folded)
        if lang == "en" and (excerpts := drawn_up(bundle).excerpts):
            assert printed.count(bare("cited")) >= len(excerpts)


@languages
def test_a_short_print_leaves_out_what_is_folded_and_nothing_else(lang: str, browser: Browser, page_of: PageOf) -> None:
    pypdf = pytest.importorskip("pypdf", reason="needs the PyPI package pypdf")
    evidence = drawn_up(SIMPLE).verdict.evidence
    with opened(browser, page_of(SIMPLE, lang)) as found:
        headings = found.page.locator("h1, h2").all_inner_texts()
        whole = len(pypdf.PdfReader(BytesIO(found.page.pdf(format="A4"))).pages)
        found.page.check("#print-short")
        pages = pypdf.PdfReader(BytesIO(found.page.pdf(format="A4"))).pages
        printed = bare("".join(page.extract_text() for page in pages))

        assert len(pages) < whole / 2
        assert [heading for heading in headings if bare(heading) not in printed] == []
        assert all(piece.id in printed for piece in evidence)


def bare(words: str) -> str:
    """Without spaces: where lines break is the printer's affair."""
    return re.sub(r"\s", "", words)
