"""Sockets and timers of one process: whatever comes first is served first."""

from __future__ import annotations

import heapq
import itertools
import selectors
import socket
import time
from collections.abc import Callable


class Reactor:
    """A loop over sockets that become readable or writable and callbacks that fall due."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def at(self, when: float, callback: Callable[[], None]) -> None:
        """Call back once, at a time of the wall clock."""
        heapq.heappush(self._due, (when, next(self._numbers), callback))

    def every(self, first: float, period: float, callback: Callable[[], None]) -> None:
        """Call back again and again; a late call does not shift those after it."""

        def again(when: float) -> None:
            callback()
            self.at(when + period, lambda: again(when + period))

        self.at(first, lambda: again(first))

    def watch(self, handle: socket.socket, readable: Callable[[], None], writable: Callable[[], None] | None) -> None:
        """Call back when a socket becomes readable, and when it becomes writable if that is asked for."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writable is not None else 0)
        if handle.fileno() in self._selector.get_map():
            self._selector.modify(handle, events, (readable, writable))
        else:
            self._selector.register(handle, events, (readable, writable))

    def forget(self, handle: socket.socket) -> None:
        """Close a socket and watch it no more."""
        if handle.fileno() >= 0 and handle.fileno() in self._selector.get_map():
            self._selector.unregister(handle)
        handle.close()

    def run(self, until: float) -> None:
        """Serve sockets and timers until a time of the wall clock."""
        while (now := time.time()) < until:
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()
            wait = min(until, self._due[0][0] if self._due else until) - time.time()
            for key, mask in self._selector.select(max(0.0, wait)):
                readable, writable = key.data
                if mask & selectors.EVENT_READ:
                    readable()
                closed = isinstance(key.fileobj, socket.socket) and key.fileobj.fileno() < 0
                if mask & selectors.EVENT_WRITE and writable is not None and not closed:
                    writable()
