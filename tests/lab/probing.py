"""Probes from inside the nodes: echoes counted by second, and traceroutes that name every hop that answers."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.lab.namespaces import inside
from tests.lab.orders import Ping, Place, Trace
from tests.lab.reactor import Reactor

ANSWER_SECONDS = 1.0
_ECHO_REPLY, _UNREACHABLE, _ECHO_REQUEST, _TIME_EXCEEDED = 0, 3, 8, 11
_MAXIMUM_HOPS = 12

Report = Callable[[dict[str, object]], None]


@dataclass(slots=True)
class _Window:
    """What was sent and came back in one second of one pair's echoes."""

    start: float
    sent: int = 0
    round_trips_ms: list[float] = field(default_factory=list)


@dataclass(slots=True)
class _Walk:
    """One traceroute on its way: which hops answered, and when each was asked."""

    start: float
    asked: dict[int, float] = field(default_factory=dict)
    answered: dict[int, tuple[str, float]] = field(default_factory=dict)
    arrived_at: int | None = None


class Prober:
    """All probes of one node, over one raw ICMP socket."""

    def __init__(self, reactor: Reactor, place: Place, report: Report) -> None:
        self._reactor, self._place, self._report = reactor, place, report
        with inside(place.namespace):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            self._tracer = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        for handle in (self._socket, self._tracer):
            handle.setblocking(False)
        reactor.watch(self._socket, self._read, None)
        self._tracer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self._echoes: dict[tuple[int, int], tuple[_Window, float]] = {}
        self._hops: dict[tuple[int, int], tuple[_Walk, int]] = {}

    def ping(self, order: Ping, identifier: int, start: float) -> None:
        """Send echoes at a steady rate and report each second's account once its last answer may have come."""
        state = {"sequence": 0}
        window = _Window(start)

        def send() -> None:
            state["sequence"] = (state["sequence"] + 1) % 65536
            key = (identifier, state["sequence"])
            window.sent += 1
            self._echoes[key] = (window, time.time())
            _send_echo(self._socket, order.address, *key, order.size)

        def close() -> None:
            nonlocal window
            done, window = window, _Window(time.time())
            self._reactor.at(time.time() + ANSWER_SECONDS, lambda: self._account(order, done))

        self._reactor.every(start, 1.0 / order.per_second, send)
        self._reactor.every(start + 1.0, 1.0, close)

    def _account(self, order: Ping, window: _Window) -> None:
        """Report one second of a pair's echoes."""
        self._report({
            "what": "probe", "time": window.start, "source": order.source, "destination": order.destination,
            "kind": "icmp", "size": order.size, "sent": window.sent, "round_trips_ms": window.round_trips_ms,
        })

    def trace(self, order: Trace, identifier: int, start: float) -> None:
        """Ask every hop of a path at once, again and again."""
        state = {"round": 0, "length": 0}

        def begin() -> None:
            walk = _Walk(time.time())
            state["round"] += 1
            for hop in range(1, _MAXIMUM_HOPS + 1):
                sequence = (state["round"] * 16 + hop) % 65536
                walk.asked[hop] = time.time()
                self._hops[(identifier, sequence)] = (walk, hop)
                self._tracer.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hop)
                _send_echo(self._tracer, order.address, identifier, sequence, 32)
            self._reactor.at(time.time() + ANSWER_SECONDS, lambda: finish(walk))

        def finish(walk: _Walk) -> None:
            if walk.arrived_at is not None:
                state["length"] = walk.arrived_at
            last = walk.arrived_at or max(state["length"], max(walk.answered, default=0), 3)
            hops = [(hop, *walk.answered.get(hop, ("", None))) for hop in range(1, last + 1)]
            self._report({"what": "path", "time": walk.start, "source": order.source,
                          "destination": order.destination, "hops": hops})

        self._reactor.every(start, order.period_s, begin)

    def _read(self) -> None:
        """Match an answer with its question."""
        try:
            packet, (sender, _) = self._socket.recvfrom(2048)
        except OSError:
            return
        now = time.time()
        message = packet[(packet[0] & 15) * 4 :]
        if len(message) < 8:
            return
        if message[0] == _ECHO_REPLY:
            key = struct.unpack("!HH", message[4:8])
            if (echo := self._echoes.pop(key, None)) is not None and now - echo[1] <= ANSWER_SECONDS:
                echo[0].round_trips_ms.append((now - echo[1]) * 1000)
            elif (step := self._hops.pop(key, None)) is not None:
                self._arrive(step, sender, now)
        elif message[0] in (_TIME_EXCEEDED, _UNREACHABLE):
            quoted = message[8:]
            inner = quoted[(quoted[0] & 15) * 4 :] if quoted else b""
            if len(inner) >= 8 and message[0] == _TIME_EXCEEDED:
                step = self._hops.pop(struct.unpack("!HH", inner[4:8]), None)
                if step is not None:
                    walk, hop = step
                    walk.answered[hop] = (sender, (now - walk.asked[hop]) * 1000)

    @staticmethod
    def _arrive(step: tuple[_Walk, int], sender: str, now: float) -> None:
        """The destination itself answered: the shortest such hop is the path's end."""
        walk, hop = step
        if walk.arrived_at is None or hop <= walk.arrived_at:
            walk.arrived_at = hop
            walk.answered[hop] = (sender, (now - walk.asked[hop]) * 1000)


def _send_echo(handle: socket.socket, address: str, identifier: int, sequence: int, size: int) -> None:
    """Send one ICMP echo request; where there is no route, nothing is sent and nothing will come back."""
    body = bytes(size)
    head = struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, identifier, sequence)
    total = sum(struct.unpack(f"!{(len(head) + len(body)) // 2}H", head + body))
    total = (total >> 16) + (total & 0xFFFF)
    checksum = ~(total + (total >> 16)) & 0xFFFF
    try:
        handle.sendto(struct.pack("!BBHHH", _ECHO_REQUEST, 0, checksum, identifier, sequence) + body, (address, 0))
    except OSError:
        return
