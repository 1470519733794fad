"""The times to live with which an address's packets pass a capture point: they tell who sent a reset in its name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from attribution.packets import flow_table as ft
from attribution.packets.columns import TCP
from attribution.packets.figures import ends_of
from attribution.packets.ledger import Ledger

SLACK: Final = 1


def usual_lives(ledger: Ledger) -> dict[str, set[int]]:
    """The times to live with which each address's segments pass here: the least and the most of each flow, but for what
    refuses connections."""
    lives: dict[str, set[int]] = {}
    for flow in ledger.flows():
        base = flow * ft.FLOW_WIDTH
        if ledger.table[base + 4] & 0xFF != TCP or ledger.table[base + ft.FLOW_OPENING] == ft.REFUSED:
            continue
        ends = ends_of([int(word) for word in ledger.table[base : base + 5]])
        for side, (address, _) in enumerate(ends):
            at = base + ft.FLOW_SIDES + side * ft.SIDE_WIDTH
            if ledger.table[at + ft.SIDE_LIFE_MOST]:
                known = lives.setdefault(address, set())
                known.update((int(ledger.table[at + ft.SIDE_LIFE_LEAST]), int(ledger.table[at + ft.SIDE_LIFE_MOST])))
    return lives


def is_own(life: int, usual: Collection[int]) -> bool:
    """Whether a packet comes as far as the others of its sender."""
    return any(abs(own - life) <= SLACK for own in usual)


def is_forged(life: int, usual: Collection[int]) -> bool:
    """Whether it comes another way than all others of its sender: another device sent it."""
    return bool(usual) and not is_own(life, usual)
