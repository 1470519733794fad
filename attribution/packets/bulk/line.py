"""Work that passes a row of stages, each stage in order, on two threads: whoever is free takes the farthest piece."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Line(Generic[T]):
    """Fills the pieces of a ring again and again and sends each through the stages.

    `fill` answers False when there is no more. A stage sees the pieces one by one in their order, and a piece is
    filled again only when it has left the last stage. A stage that answers False could not finish its piece: it gets it
    again when every piece before has left the line. An error in any stage ends the work and is raised.
    """

    def __init__(self, ring: Sequence[T], fill: Callable[[T], bool], stages: Sequence[Callable[[T], object]]) -> None:
        self._ring, self._fill, self._stages = ring, fill, stages
        self._done = [0] * (len(stages) + 1)
        self._busy = [False] * (len(stages) + 1)
        self._stuck = [False] * (len(stages) + 1)
        self._over = False
        self._error: BaseException | None = None
        self._turn = threading.Condition()

    def run(self, threads: int = 2) -> None:
        """Return when everything has passed the last stage."""
        with ThreadPoolExecutor(threads) as pool:
            workers = [pool.submit(self._work) for _ in range(threads)]
            try:
                for worker in workers:
                    worker.result()
            except BaseException as error:  # an interrupt in this thread must stop the others too
                self._fail(error)
                raise
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (stage := self._next()) is not None:
            piece = self._ring[self._done[stage] % len(self._ring)]
            try:
                finished = self._fill(piece) if stage == 0 else self._stages[stage - 1](piece) is not False
            except BaseException as error:
                self._fail(error)
                return
            with self._turn:
                self._busy[stage] = False
                if finished:
                    self._done[stage] += 1
                elif stage == 0:
                    self._over = True
                self._stuck[stage] = not finished
                self._turn.notify_all()

    def _next(self) -> int | None:
        """The farthest stage that has something to do, marked as busy; None when all is done."""
        with self._turn:
            while self._error is None:
                for stage in reversed(range(len(self._done))):
                    if not self._busy[stage] and self._waits(stage):
                        self._busy[stage] = True
                        return stage
                if self._over and self._done[0] == self._done[-1] and not any(self._busy):
                    return None
                self._turn.wait()
        return None

    def _waits(self, stage: int) -> bool:
        if stage:
            ready = self._done[stage] < self._done[stage - 1]
            return ready and (not self._stuck[stage] or self._done[stage] == self._done[-1])
        return not self._over and self._done[0] - self._done[-1] < len(self._ring)

    def _fail(self, error: BaseException) -> None:
        with self._turn:
            self._error = self._error or error
            self._turn.notify_all()
