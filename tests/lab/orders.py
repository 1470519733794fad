"""What the field process is ordered to do: which traffic flows, who probes whom, who traces which path, and when."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A node as the field process needs it: where its sockets open, and under which address it is reached."""

    role: str
    namespace: str
    address: str


@dataclass(frozen=True, slots=True)
class Ping:
    """ICMP echoes from one node to an address, so many a second, counted by second."""

    source: str
    destination: str
    address: str
    per_second: int
    size: int = 40


@dataclass(frozen=True, slots=True)
class Trace:
    """A traceroute from one node to an address, repeated."""

    source: str
    destination: str
    address: str
    period_s: float


@dataclass(frozen=True, slots=True)
class Stream:
    """Numbered UDP datagrams from one node to another at a steady rate, for a time or throughout."""

    source: str
    destination: str
    port: int
    size: int
    per_second: float
    start: float | None = None
    end: float | None = None
    counted: bool = True
    """Whether the customer keeps account of it (flows.csv); a blast that causes the trouble is not."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A long TCP connection that carries a burst of octets again and again, and is redialled when it hangs."""

    source: str
    destination: str
    port: int
    burst_octets: int
    period_s: float


@dataclass(frozen=True, slots=True)
class Requests:
    """Short TCP connections: a question, an answer, the end."""

    source: str
    destination: str
    port: int
    period_s: float


@dataclass(frozen=True, slots=True)
class Orders:
    """All that the field process does during a recording."""

    start: float
    end: float
    places: tuple[Place, ...]
    pings: tuple[Ping, ...]
    traces: tuple[Trace, ...]
    streams: tuple[Stream, ...]
    transfers: tuple[Transfer, ...]
    requests: tuple[Requests, ...]

    def to_json(self) -> str:
        """The orders as they are handed to the field process."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Orders:
        """The orders as the field process reads them."""
        raw = json.loads(text)
        return Orders(
            start=raw["start"],
            end=raw["end"],
            places=tuple(Place(**item) for item in raw["places"]),
            pings=tuple(Ping(**item) for item in raw["pings"]),
            traces=tuple(Trace(**item) for item in raw["traces"]),
            streams=tuple(Stream(**item) for item in raw["streams"]),
            transfers=tuple(Transfer(**item) for item in raw["transfers"]),
            requests=tuple(Requests(**item) for item in raw["requests"]),
        )
