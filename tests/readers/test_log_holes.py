"""Holes in logs: a log that is regular and then says nothing for long lost lines; a quiet one did not."""

from __future__ import annotations

from random import Random

import pytest

from attribution.model.incident import NANOSECONDS, EvidenceType, Origin
from attribution.model.observation import LogEvent
from attribution.readers.log_holes import find_holes
from attribution.readers.syslog import read_syslog

MINUTE_S = 60.0


def lines_at(*seconds: float) -> list[tuple[int, int]]:
    return [(round(second * NANOSECONDS), number) for number, second in enumerate(seconds, start=1)]


def by_chance(seed: int, count: int, every_s: float = 45.0, since_s: float = 0.0) -> list[float]:
    random, at = Random(seed), since_s
    return [at := at + random.expovariate(1 / every_s) for _ in range(count)]


def test_a_regular_log_that_says_nothing_for_long_has_a_hole() -> None:
    before = by_chance(1, 60)
    after = by_chance(2, 30, since_s=before[-1] + 22 * MINUTE_S)
    ((number, silent_ns),) = find_holes(lines_at(*before, *after))
    assert number == 61
    assert silent_ns >= 22 * MINUTE_S * NANOSECONDS


@pytest.mark.parametrize("count", [25, 90, 400])
def test_lines_that_come_by_chance_leave_no_hole(count: int) -> None:
    assert not [seed for seed in range(300) if list(find_holes(lines_at(*by_chance(seed, count))))]


def test_a_burst_of_messages_breaks_a_usual_silence_and_makes_no_hole_of_it() -> None:
    burst = by_chance(3, 60, every_s=0.5, since_s=900)
    assert not list(find_holes(lines_at(0.0, 10.0, *burst)))


def test_of_few_lines_nobody_knows_how_often_there_should_be_one() -> None:
    assert not list(find_holes(lines_at(0, 45, 90, 135, 2000, 2045, 2090)))


def test_lines_that_no_rule_understands_count_and_may_be_the_first_after_a_hole() -> None:
    def line(second: float) -> str:
        minute, rest = divmod(int(second), 60)
        return f"<190>1 2026-01-12T{13 + minute // 60:02d}:{minute % 60:02d}:{rest:02d}Z ap1 daemon 1 - - wibble\n"

    seconds = [*range(0, 1800, 45), *range(3300, 4800, 45)]
    origin = Origin("p/ap.log", EvidenceType.SYSLOG)
    text = "".join(line(second) for second in seconds).encode()
    (event,) = [found for found in read_syslog(text, origin) if isinstance(found, LogEvent)]
    assert event.silent_ns == (3300 - 1755) * NANOSECONDS
