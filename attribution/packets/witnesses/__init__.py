"""What packets say about the network beyond their own passing. A new witness is a module and a line here."""

from __future__ import annotations

from collections.abc import Iterator

from attribution.model.observation import PacketWitness
from attribution.packets.capture import Capture
from attribution.packets.tap import Directions


def find_witnesses(capture: Capture, connections: Directions) -> Iterator[PacketWitness]:
    """Yield every witness of one capture, in no particular order."""
    yield from ()
