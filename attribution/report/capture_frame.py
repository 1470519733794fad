"""Single packets for reading: what they are, every field that is known of them, and their octets."""

from __future__ import annotations

from collections.abc import Iterable

from attribution.report.layout import Page, Style, escape
from attribution.report.moment import render_time_exactly


def render_frame(
    number: int,
    time_ns: int,
    octets: tuple[int, int],
    interface: str,
    dissected: Iterable[str],
    hexadecimal: Iterable[str],
    colour: bool = False,
) -> str:
    """One frame; `octets` are those captured and those on the network."""
    page = Page(1000, colour)
    captured, wire = octets
    size = f"{wire:,} octets" if captured == wire else f"{captured:,} of {wire:,} octets captured"
    where = f" · {interface}" if interface else ""
    head = f"Frame {number:,} · {render_time_exactly(time_ns)} · {size}{where}"
    return "\n".join(
        [
            page.styled(escape(head), Style.BOLD),
            *(escape(line) for line in dissected),
            *(page.styled(line, Style.FAINT) for line in hexadecimal),
            "",
            "",
        ]
    )
