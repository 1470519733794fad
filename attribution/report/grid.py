"""Figures in columns for a terminal: what does not fit is left out column by column, the least telling first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from attribution.report.layout import Page, Style, escape, shortened, width_of

_GAP = "  "
_SHORTEST_FIRST = 12


@dataclass(frozen=True, slots=True)
class Column:
    """`importance` decides who stays on a narrow page; 0 stays always. Figures stand on the right."""

    heading: str
    importance: int = 0
    right: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """The cells of one line, an empty text where there is nothing to say, and how some of them look."""

    cells: tuple[str, ...]
    styles: dict[int, tuple[Style, ...]] = field(default_factory=dict)
    below: tuple[str, ...] = ()  # text that follows the line, wrapped, across the columns


def render_grid(page: Page, columns: Sequence[Column], lines: Sequence[Line], indent: int = 2) -> list[str]:
    """Aligned columns below their headings; each cell is one line of text, wide characters taken for what they are.

    A column without any content is left out. What does not fit even so is cut in the first column, with an ellipsis,
    and then from the right.
    """
    cells = [[escape(cell) for cell in line.cells] for line in lines]
    kept = [n for n in range(len(columns)) if any(row[n] for row in cells)]
    widths = {n: max(width_of(columns[n].heading), *(width_of(row[n]) for row in cells)) for n in kept}
    room = page.width - indent
    while _total(widths, kept) > room and (droppable := [n for n in kept if columns[n].importance]):
        kept.remove(max(droppable, key=lambda n: columns[n].importance))
    while kept and _total(widths, kept) > room:
        widths[kept[0]] = max(_SHORTEST_FIRST, widths[kept[0]] - (_total(widths, kept) - room))
        if _total(widths, kept) > room and len(kept) > 1:
            kept.pop()
    head = _GAP.join(_aligned(columns[n].heading, widths[n], columns[n].right) for n in kept)
    printed = [" " * indent + page.styled(head.rstrip(), Style.FAINT)] if head.strip() else []
    for line, row in zip(lines, cells, strict=True):
        printed.append((" " * indent + _row(page, columns, kept, widths, row, line)).rstrip())
        for text in line.below:
            printed.extend(page.paragraph(text, indent + 2, Style.FAINT))
    return printed


def _row(
    page: Page, columns: Sequence[Column], kept: list[int], widths: dict[int, int], row: list[str], line: Line
) -> str:
    shown = []
    for n in kept:
        text = shortened(row[n], widths[n])
        styled = page.styled(text, *line.styles.get(n, ())) if text else text
        padding = " " * (widths[n] - width_of(text))
        is_last = n == kept[-1]
        shown.append(padding + styled if columns[n].right else styled if is_last else styled + padding)
    return _GAP.join(shown)


def _total(widths: dict[int, int], kept: list[int]) -> int:
    return sum(widths[n] for n in kept) + len(_GAP) * (len(kept) - 1)


def _aligned(heading: str, width: int, right: bool) -> str:
    text = shortened(heading, width)
    padding = " " * (width - width_of(text))
    return padding + text if right else text + padding
