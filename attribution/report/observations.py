"""What the files of an incident state, before anyone reasons about it: a line for each fact, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attribution.model.capture_tables import FlatTable, Value
from attribution.report.layout import Page, Style, escape, wrap
from attribution.report.moment import render_time_exactly

_PLACE_FIRST = 18


def render_observations(tables: Iterable[FlatTable], width: int = 100, colour: bool = False) -> Iterator[str]:
    """The rows of the tables as text, piece by piece; a new file is named above its rows."""
    page = Page(max(40, width), colour)
    file = None
    for table in tables:
        lines: list[str] = []
        names = [name for name, _ in table.columns]
        for row in table.rows:
            cells = dict(zip(names, row, strict=True))
            if cells["file"] != file:
                lines += [*([""] if file is not None else []), page.styled(escape(str(cells["file"])), Style.BOLD)]
                file = cells["file"]
            lines += _row(cells, page)
        if lines:
            yield "\n".join(lines) + "\n"


def _row(cells: dict[str, Value], page: Page) -> list[str]:
    """The place, the time, and what is stated, in words."""
    time_ns = cells["time"]
    moment = render_time_exactly(time_ns)[:23].replace("T", " ") if isinstance(time_ns, int) else ""
    said = " ".join(escape(part) for part in _said(cells))
    place = escape(str(cells["locator"] or ""))
    head = f"  {place:<{_PLACE_FIRST}} {moment}  " if moment else f"  {place:<{_PLACE_FIRST}} "
    styles = (Style.YELLOW,) if cells["observation"] == "caveat" else ()
    if page.width < 90:
        return [head.rstrip(), *("    " + page.styled(line, *styles) for line in wrap(said, page.width - 4))]
    first, *rest = wrap(said, max(20, page.width - len(head)))
    return [head + page.styled(first, *styles), *(" " * len(head) + page.styled(line, *styles) for line in rest)]


def _said(cells: dict[str, Value]) -> Iterator[str]:
    yield str(cells["observation"])
    for name in ("what", "device", "interface", "protocol"):
        if cells[name] is not None:
            yield str(cells[name])
    if cells["source"] is not None or cells["destination"] is not None:
        yield f"{cells['source'] or ''} → {cells['destination'] or ''}".strip()
    if cells["sent"] is not None:
        yield f"{cells['lost']} of {cells['sent']} lost"
    if cells["value"] is not None:
        value = cells["value"]
        yield f"{value:g}" if isinstance(value, float) else str(value)
    if cells["unit"] is not None:
        yield str(cells["unit"])
    if cells["count"] not in (None, 1):
        yield f"×{cells['count']}"
    if cells["text"] is not None:
        yield f"{cells['text']}"
