"""A page in a browser, with everything that it did there besides being shown."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

WIDTHS = (360, 768, 1280, 1920)
SECTIONS = (
    "verdict", "map", "timeline", "loss", "causes", "evidence", "reliability", "next", "level", "clauses", "inputs",
    "caveats",
)  # fmt: skip
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def chromium() -> str | None:
    """Where a Chromium is installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@dataclass(slots=True)
class Opened:
    """A page that is open; `requests` are all that it asked for, itself first."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def is_too_wide(self) -> bool:
        """Whether a reader would have to scroll sideways."""
        wide: bool = self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        return wide

    def keeps_quiet(self) -> bool:
        """Nothing was asked for but the page itself, nothing complained, nothing popped up."""
        return len(self.requests) == 1 and not self.complaints and not self.dialogs


@contextmanager
def opened(
    browser: Browser, file: Path, *, width: int = 1280, dark: bool = False, scripts: bool = True
) -> Iterator[Opened]:
    """The file in a fresh window."""
    window = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
    )
    try:
        found = Opened(window.new_page())
        found.page.on("request", lambda request: found.requests.append(request.url))
        found.page.on("console", lambda message: found.complaints.append(message.text))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.on("dialog", lambda dialog: found.dismiss(dialog))
        found.page.goto(file.as_uri())
        yield found
    finally:
        window.close()
