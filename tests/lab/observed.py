"""What the field process saw: probes, traced paths, and the accounts of the streams."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Probe:
    """One second of one pair's echoes, or one TCP handshake."""

    time: float
    source: str
    destination: str
    kind: str
    size: int
    sent: int
    round_trips_ms: tuple[float, ...]

    @property
    def received(self) -> int:
        """How many answers came back."""
        return len(self.round_trips_ms)


@dataclass(frozen=True, slots=True)
class Walk:
    """One traceroute as it was seen."""

    time: float
    source: str
    destination: str
    hops: tuple[tuple[int, str, float | None], ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """One window of one stream's account."""

    time: float
    source: str
    destination: str
    flow: str
    size: int
    sent: int
    lost: int
