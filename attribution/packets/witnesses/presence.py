"""Whether a machine's own traffic passes a capture point, or only what it shouts to everyone.

A question is broadcast and its answer is not: a port that sees only the question must not take it for unanswered.
"""

from __future__ import annotations

from typing import Final

from attribution.packets.capture import Capture
from attribution.packets.columns import MAC_DESTINATION, MAC_SOURCE

GROUP_BIT: Final = 1 << 40  # of a 48-bit hardware address: sent to more than one


def machines_present(capture: Capture) -> frozenset[int]:
    """Hardware addresses that send or receive unicast frames at this point. None are known where links have none."""
    pairs = {(packet[MAC_SOURCE], packet[MAC_DESTINATION]) for packet in capture.packets}
    unicast = [pair for pair in pairs if not pair[1] & GROUP_BIT and pair[1]]
    return frozenset(machine for pair in unicast for machine in pair)


def would_see_answers(capture: Capture, index: int, present: frozenset[int]) -> bool:
    """Whether an answer to this packet's sender would pass here as well."""
    packet = capture.packets[index]
    return not packet[MAC_SOURCE] or packet[MAC_SOURCE] in present
