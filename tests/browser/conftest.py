"""One browser for all tests of pages; without one, or without playwright, they are skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attribution.report.page import render_page
from tests.browser.opened import SWITCHES, chromium
from tests.transform.verdicts import drawn_up

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the PyPI package playwright")
    program = chromium()
    if program is None:
        pytest.skip("needs chromium (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=program, args=list(SWITCHES))
        yield started
        started.close()


@pytest.fixture(scope="session")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, str], Path]:
    """The report of a recorded incident in a language, as a file; each is drawn once."""
    folder = tmp_path_factory.mktemp("pages")

    @cache
    def render(bundle: Path, lang: str) -> Path:
        file = folder / f"{bundle.name}.{lang}.html"
        file.write_text(render_page(drawn_up(bundle), lang), encoding="utf-8")
        return file

    return render
