"""The service's own traffic: steady UDP streams, long TCP transfers, and short requests that are answered."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import time
from collections.abc import Callable

from tests.lab.namespaces import inside
from tests.lab.orders import Place, Requests, Stream, Transfer
from tests.lab.reactor import Reactor

FLOW_WINDOW_SECONDS = 2.0
_ANSWER_SECONDS = 2.0
_HANG_SECONDS = 4.0
_QUESTION, _ANSWER = b"Q" * 180, b"A" * 600

Report = Callable[[dict[str, object]], None]


def open_stream(reactor: Reactor, order: Stream, source: Place, sink: Place, span: tuple[float, float],
                report: Report) -> None:
    """Send numbered datagrams one way and report, window by window, how many of them arrived."""
    with inside(sink.namespace):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    receiver.bind(("0.0.0.0", order.port))
    with inside(source.namespace):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind((source.address, 40000 + order.port % 1000))
    for handle in (receiver, sender):
        handle.setblocking(False)
    sent: dict[int, int] = {}
    received: dict[int, int] = {}
    state = {"number": 0}
    start, end = order.start or span[0], order.end or span[1]
    burst = max(1, round(order.per_second / 100))

    def send() -> None:
        if time.time() >= end:
            return
        for _ in range(burst):
            state["number"] += 1
            window = int((time.time() - span[0]) // FLOW_WINDOW_SECONDS)
            sent[window] = sent.get(window, 0) + 1
            with contextlib.suppress(OSError):
                sender.sendto(struct.pack("!II", state["number"], window).ljust(order.size, b"U"),
                              (sink.address, order.port))

    def read() -> None:
        with contextlib.suppress(OSError):
            while True:
                window = struct.unpack("!II", receiver.recv(2048)[:8])[1]
                received[window] = received.get(window, 0) + 1

    def account() -> None:
        window = int((time.time() - span[0]) // FLOW_WINDOW_SECONDS) - 2
        if order.counted and window in sent:
            report({
                "what": "flow", "time": span[0] + window * FLOW_WINDOW_SECONDS, "source": order.source,
                "destination": order.destination, "flow": f"udp-{order.port}", "protocol": "udp",
                "size": order.size, "sent": sent[window], "lost": sent[window] - received.get(window, 0),
            })

    reactor.every(start, burst / order.per_second, send)
    reactor.watch(receiver, read, None)
    reactor.every(span[0] + FLOW_WINDOW_SECONDS * 0.9, FLOW_WINDOW_SECONDS, account)


def open_listener(reactor: Reactor, place: Place, port: int, answer: bytes) -> None:
    """Accept TCP connections; swallow what comes, and answer each question if there is an answer to give."""
    with inside(place.namespace):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((place.address, port))
    listener.listen(64)
    listener.setblocking(False)

    def accept() -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        reactor.watch(connection, lambda: serve(connection), None)

    def serve(connection: socket.socket) -> None:
        try:
            data = connection.recv(65536)
            if data and answer:
                connection.send(answer)
            if not data:
                reactor.forget(connection)
        except OSError:
            reactor.forget(connection)

    reactor.watch(listener, accept, None)


class Transferrer:
    """A long TCP connection that is redialled when nothing moves on it any more."""

    def __init__(self, reactor: Reactor, order: Transfer, source: Place, sink: Place, start: float) -> None:
        self._reactor, self._order, self._source, self._sink = reactor, order, source, sink
        self._handle: socket.socket | None = None
        self._backlog = 0
        self._moved = start
        open_listener(reactor, sink, order.port, b"")
        reactor.every(start, order.period_s, self._tick)

    def _tick(self) -> None:
        """Offer the next burst; give up a connection that has been stuck for too long."""
        now = time.time()
        if self._handle is not None and self._backlog and now - self._moved > _HANG_SECONDS:
            self._drop()
        if self._handle is None:
            self._dial()
        self._backlog = min(self._backlog + self._order.burst_octets, 4 * self._order.burst_octets)
        self._push()

    def _dial(self) -> None:
        with inside(self._source.namespace):
            handle = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        handle.setblocking(False)
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
        handle.connect_ex((self._sink.address, self._order.port))
        self._handle, self._moved, self._backlog = handle, time.time(), 0
        self._reactor.watch(handle, self._drain, self._push)

    def _push(self) -> None:
        """Hand the kernel what it takes of the burst."""
        if self._handle is None:
            return
        try:
            while self._backlog > 0:
                count = self._handle.send(b"B" * min(self._backlog, 4096))
                self._backlog -= count
                self._moved = time.time()
        except BlockingIOError:
            pass
        except OSError as problem:
            if problem.errno not in (errno.ENOTCONN, errno.EINPROGRESS):
                self._drop()
                return
        self._reactor.watch(self._handle, self._drain, self._push if self._backlog else None)

    def _drain(self) -> None:
        """Notice a connection that the far end has closed."""
        try:
            if self._handle is not None and not self._handle.recv(4096):
                self._drop()
        except BlockingIOError:
            return
        except OSError:
            self._drop()

    def _drop(self) -> None:
        if self._handle is not None:
            self._reactor.forget(self._handle)
        self._handle = None


def open_requests(reactor: Reactor, order: Requests, source: Place, sink: Place, start: float,
                  report: Report) -> None:
    """Connect, ask, read the answer and hang up; report whether the path carried the handshake, and how fast."""
    open_listener(reactor, sink, order.port, _ANSWER)

    def ask() -> None:
        with inside(source.namespace):
            handle = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        handle.setblocking(False)
        began = time.time()
        state: dict[str, float | None] = {"handshake": None}

        def connected() -> None:
            problem = handle.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if problem in (0, errno.ECONNREFUSED):
                state["handshake"] = time.time() - began
            if problem:
                reactor.watch(handle, answered, None)
                return
            with contextlib.suppress(OSError):
                handle.send(_QUESTION)
            reactor.watch(handle, answered, None)

        def answered() -> None:
            with contextlib.suppress(OSError):
                handle.recv(4096)
            reactor.forget(handle)

        def account() -> None:
            reactor.forget(handle)
            took = state["handshake"]
            report({
                "what": "probe", "time": began, "source": order.source, "destination": order.destination,
                "kind": "tcp", "size": 0, "sent": 1, "round_trips_ms": [] if took is None else [took * 1000],
            })

        handle.connect_ex((sink.address, order.port))
        reactor.watch(handle, answered, connected)
        reactor.at(began + _ANSWER_SECONDS, account)

    reactor.every(start, order.period_s, ask)
