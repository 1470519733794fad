"""What is missing or less sure than it looks, in a few lines below what it qualifies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attribution.model.observation import Caveat
from attribution.report.json_document import describe_caveat
from attribution.report.layout import Page, Style

_CAVEATS_SHOWN = 6


def caveat_lines(caveats: Sequence[Caveat], page: Page, file: str = "") -> list[str]:
    """The first caveats; `file` is the one that the page is about, and need not be named again."""
    named = [replace(caveat, file="") if caveat.file == file else caveat for caveat in caveats]
    shown = [describe_caveat(caveat) for caveat in named[:_CAVEATS_SHOWN]]
    if len(caveats) > _CAVEATS_SHOWN:
        shown.append(f"… and {len(caveats) - _CAVEATS_SHOWN} more, all of them in --format json")
    lines: list[str] = []
    for text in shown:
        lines += page.labelled("" if lines else "Caveats", text, 15, Style.YELLOW)
    return lines
