"""The virtual clock: everything happens in its order, and whoever waits does not keep the others from acting."""

from __future__ import annotations

import pytest

from tests.lab.simulation.clock import VirtualClock


def test_what_falls_due_happens_in_the_order_of_its_time() -> None:
    clock, seen = VirtualClock(100.0), list[tuple[str, float]]()
    clock.at(103.0, lambda: seen.append(("later", clock.now)))
    clock.at(101.0, lambda: seen.append(("sooner", clock.now)))
    clock.wait(5.0)
    assert seen == [("sooner", 101.0), ("later", 103.0)]
    assert clock.now == 105.0


def test_what_was_called_off_does_not_happen() -> None:
    clock, seen = VirtualClock(0.0), list[float]()
    clock.at(1.0, lambda: seen.append(clock.now)).cancel()
    clock.wait(2.0)
    assert not seen


def test_a_course_that_waits_lets_the_main_course_go_on() -> None:
    clock, seen = VirtualClock(0.0), list[tuple[str, float]]()

    def course() -> None:
        seen.append(("begins", clock.now))
        clock.wait(3.0)
        seen.append(("ends", clock.now))

    clock.course_at(1.0, course)
    clock.wait(2.0)
    seen.append(("main", clock.now))
    clock.wait(4.0)
    assert seen == [("begins", 1.0), ("main", 2.0), ("ends", 4.0)]


def test_what_goes_wrong_in_a_course_is_not_swallowed() -> None:
    clock = VirtualClock(0.0)

    def course() -> None:
        raise ValueError("broken")

    clock.course_at(1.0, course)
    with pytest.raises(ValueError, match="broken"):
        clock.wait(2.0)
