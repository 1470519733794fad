"""A clock that jumps from one appointment to the next, and lets several courses of events wait on it by turns."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

Deed = Callable[[], object]


@dataclass(slots=True)
class Appointment:
    """Something that will be done at a moment unless it is called off."""

    moment: float
    deed: Deed
    called_off: bool = False

    def cancel(self) -> None:
        """Do it never."""
        self.called_off = True


@dataclass(slots=True)
class _Course:
    """A course of events of its own, which runs only while it holds the baton."""

    thread: threading.Thread
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    problem: BaseException | None = None


class VirtualClock:
    """Simulated time: waiting costs nothing, and whatever falls due meanwhile is done in its order."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._numbers = itertools.count()
        self._waiting: list[tuple[float, int, Appointment]] = []
        self._main_turn = threading.Semaphore(0)
        self._running: _Course | None = None

    def at(self, moment: float, deed: Deed) -> Appointment:
        """Do something at a moment; at once if the moment is past. It must not wait itself."""
        appointment = Appointment(max(moment, self.now), deed)
        heapq.heappush(self._waiting, (appointment.moment, next(self._numbers), appointment))
        return appointment

    def course_at(self, moment: float, deed: Deed) -> Appointment:
        """Begin at a moment something that may itself wait, beside what is going on."""
        return self.at(moment, lambda: self._begin(deed))

    def wait(self, seconds: float) -> None:
        """Let time pass for whoever calls; others may act meanwhile."""
        if self._running is None:
            self._pass_until(self.now + max(0.0, seconds))
            return
        course = self._running
        self.at(self.now + max(0.0, seconds), lambda: self._hand_over(course))
        self._running = None
        self._main_turn.release()
        course.turn.acquire()
        self._running = course

    def _pass_until(self, moment: float) -> None:
        while self._waiting and self._waiting[0][0] <= moment:
            due, _, appointment = heapq.heappop(self._waiting)
            self.now = max(self.now, due)
            if not appointment.called_off:
                appointment.deed()
        self.now = max(self.now, moment)

    def _begin(self, deed: Deed) -> None:
        """Run a course of its own until it ends or waits."""

        def run() -> None:
            course.turn.acquire()
            self._running = course
            try:
                deed()
            except BaseException as problem:
                course.problem = problem
            self._running = None
            self._main_turn.release()

        course = _Course(threading.Thread(target=run, daemon=True))
        course.thread.start()
        self._hand_over(course)

    def _hand_over(self, course: _Course) -> None:
        """Let a course go on, and wait until it waits or ends."""
        course.turn.release()
        self._main_turn.acquire()
        if course.problem is not None:
            raise course.problem
