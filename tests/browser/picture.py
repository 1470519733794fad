"""`python -m tests.browser.picture FILE`: a recorded incident's report as the documentation shows it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from attribution.pipeline import draw_up
from attribution.report.page import render_page
from tests.browser.opened import SWITCHES, chromium

SHOWN = Path(__file__).parents[2] / "pcaps" / "provider-ring-turns-slowly"
WIDTH, HEIGHT = 1080, 955


def take(picture: Path) -> None:
    """The upper part of the page, in light colours."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as running:
        page = Path(folder) / "report.html"
        page.write_text(render_page(draw_up(SHOWN)), encoding="utf-8")
        browser = running.chromium.launch(executable_path=chromium(), args=list(SWITCHES))
        window = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        window.goto(page.as_uri())
        window.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]))
