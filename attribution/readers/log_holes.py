"""Stretches of a log that hold no line, where by its own measure there should be many: lines were left out, or lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import log

# How improbable a pause has to be by the log's own measure. Logs come in bursts, more than chance alone would have it.
BY_CHANCE = 1e-6
# Of fewer lines nobody knows how often there should be one; nor if there are fewer than this on either side: a burst of
# messages breaks a silence that was usual.
LEAST_LINES, LEAST_BESIDE = 20, 5


def find_holes(lines: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The number of each line that follows a hole, and for how long (ns) there was none; `lines` are the times (ns) of
    one device's lines, with their numbers.

    The measure is the longest of the other pauses: of n pauses that end by chance, at any moment as likely as at any
    other, the longest is expected to be ln n times as long as the usual one, and one r times as long as that has a
    chance of n to the power of 1 - r. At most one pause of a log can be a hole by it.
    """
    ordered = sorted(lines)
    if len(ordered) < LEAST_LINES:
        return
    pauses = [later[0] - earlier[0] for earlier, later in pairwise(ordered)]
    *_, other_ns, longest_ns = sorted(pauses)
    after = pauses.index(longest_ns) + 1
    if other_ns == 0 or not LEAST_BESIDE <= after <= len(ordered) - LEAST_BESIDE:
        return
    if (1 - longest_ns / other_ns) * log(len(pauses)) < log(BY_CHANCE):
        yield ordered[after][1], longest_ns
