"""Who announces how long to wait for him, and is then not heard for longer, is gone for his neighbours."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from attribution.packets.capture import Capture
from attribution.packets.columns import TIME

FEWEST_MEANWHILE: Final = 2


class Hello(NamedTuple):
    """A packet by which a speaker says that it is there, and for how long that holds."""

    packet: int
    holding_ns: int


@dataclass(frozen=True, slots=True)
class Gap:
    """From the last packet before a silence that was too long, to the next one or the end of the capture."""

    packet: int
    start_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        return (self.end_ns - self.start_ns) / 1e9

    def is_spoken_in(self, times: list[int]) -> bool:
        """Whether someone who spoke at these times, in their order, spoke on within the silence."""
        return bisect_left(times, self.end_ns) - bisect_right(times, self.start_ns) >= FEWEST_MEANWHILE


def gaps_in(capture: Capture, hellos: list[Hello]) -> Iterator[Gap]:
    """Silences for longer than the hello before them holds; a holding time of zero says good-bye."""
    times = [capture.packets[hello.packet][TIME] for hello in hellos]
    for hello, (start, end) in zip(hellos, pairwise([*times, capture.end_ns]), strict=True):
        if end - start > hello.holding_ns > 0:
            yield Gap(hello.packet, start, end)
