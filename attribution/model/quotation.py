"""What has to be looked up in a file so that a reader sees what a piece of evidence rests on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quotation:
    """`locator` is the place that the evidence with this id cites, `others` further places that it rests on too.

    `frames` are the packets in question, for a capture, and `display_filter` finds them in Wireshark. `omitted` more
    were not asked for.
    """

    evidence: str
    file: str
    locator: str
    others: tuple[str, ...] = ()
    frames: tuple[int, ...] = ()
    display_filter: str = ""
    omitted: int = 0
