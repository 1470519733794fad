"""What every vendor's log lines have in common before an envelope is put round them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log: how long after the event, how severe (RFC 5424), from which program, what."""

    delay_s: float
    severity: int
    program: str
    text: str


NOTICE_TEXTS = {(4, 0): "hold time expired", (6, 1): "Maximum Number of Prefixes Reached",
                 (6, 2): "Administrative Shutdown", (6, 3): "peer de-configured", (6, 10): "BFD down"}
"""BGP NOTIFICATION codes and subcodes in words (RFC 4271, RFC 4486, RFC 9384)."""


def dotted(mac: str, separator: str) -> str:
    """A hardware address in groups of four digits, as the router vendors write it."""
    digits = mac.replace(":", "")
    return separator.join((digits[:4], digits[4:8], digits[8:]))
