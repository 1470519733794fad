"""What the packets that passed two points say of their clocks holds the truth, and says how far it may be off."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.packets.clocks import ClockRelation, Passage, relate_clocks
from tests.packets.making import SECOND, START
from tests.packets.two_points import MS, US, WAYS, Change, TwoPoints, shifted

Clock = Callable[[int], int]


def passages(
    clock: Clock, seed: int, *, seconds: int = 60, there_ns: int = 3 * MS, back_ns: int = 9 * MS,
    jitter_ns: int = 2 * MS,
) -> tuple[list[Passage], list[Passage]]:  # fmt: skip
    """Packets both ways, on unlike ways with queues, as the first clock and another show them."""
    chance = random.Random(seed)
    there, back = [], []
    for number in range(40 * seconds):
        sent = START + number * SECOND // 40
        delay = there_ns + int(chance.expovariate(1) * jitter_ns)
        there.append((sent, clock(sent + delay)))
        delay = back_ns + int(chance.expovariate(1) * jitter_ns)
        back.append((sent + delay, clock(sent)))
    return there, back


def related(*packets: list[Passage]) -> ClockRelation:
    found = relate_clocks(*packets)
    assert found is not None
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.integers(-10 * SECOND, 10 * SECOND),
    st.floats(-100e-6, 100e-6),
    st.integers(0, 30 * MS),
    st.integers(0, 30 * MS),
    st.integers(1000, 10 * MS),
    st.integers(0, 1000),
)
def test_the_true_offset_lies_within_the_stated_uncertainty_at_any_time(
    offset: int, drift: float, there: int, back: int, jitter: int, seed: int
) -> None:
    def clock(time_ns: int) -> int:
        return time_ns + offset + int(drift * (time_ns - START))

    packets = passages(clock, seed, there_ns=there, back_ns=back, jitter_ns=jitter)
    found = related(*packets)

    assert found.uncertainty_ns is not None
    assert found.steps == ()
    for time_ns in range(START, START + 60 * SECOND, 5 * SECOND):
        assert abs(found.at(time_ns) - (clock(time_ns) - time_ns)) <= found.uncertainty_ns + 1000


def test_an_offset_of_seconds_and_a_drift_of_fifty_millionths_are_found() -> None:
    found = related(*passages(lambda now: now + 3 * SECOND + (now - START) * 50 // 10**6, 1, jitter_ns=100 * US))

    assert found.drift == pytest.approx(50e-6, abs=5e-6)
    assert found.uncertainty_ns is not None
    assert abs(found.at(START) - 3 * SECOND) <= found.uncertainty_ns < 8 * MS


def test_the_relation_reversed_is_that_of_the_other_clock() -> None:
    found = related(*passages(lambda now: now + 3 * SECOND + (now - START) * 50 // 10**6, 2))
    turned = found.reversed

    for time_ns in (START, START + 30 * SECOND):
        assert time_ns + found.at(time_ns) + turned.at(time_ns + found.at(time_ns)) == pytest.approx(time_ns, abs=10)


@pytest.mark.parametrize("jump", [-2 * SECOND, 300 * MS, 40 * MS])
def test_a_clock_that_is_set_while_it_is_watched_is_noticed(jump: int) -> None:
    moment = START + 25 * SECOND + 123 * MS
    found = related(*passages(lambda now: now + 7 * SECOND + (jump if now >= moment else 0), 3))

    ((when, by),) = found.steps
    assert by == pytest.approx(jump, abs=4 * MS)
    assert when == pytest.approx(moment, abs=100 * MS)
    assert found.uncertainty_ns is not None
    for time_ns in (START + SECOND, START + 50 * SECOND):
        true = 7 * SECOND + (jump if time_ns >= moment else 0)
        assert abs(found.at(time_ns) - true) <= found.uncertainty_ns + abs(by - jump)


def test_a_path_that_gets_longer_is_no_step_of_a_clock() -> None:
    there, back = passages(lambda now: now, 4)
    for packets, sign in ((there, 1), (back, 0)):
        packets[:] = [
            (first + (1 - sign) * 80 * MS, second + sign * 80 * MS) if first > START + 30 * SECOND else (first, second)
            for first, second in packets
        ]
    found = related(there, back)

    assert found.steps == ()
    assert found.uncertainty_ns is not None
    assert abs(found.at(START + 40 * SECOND)) <= found.uncertainty_ns


def test_packets_of_one_way_alone_leave_the_uncertainty_unknown() -> None:
    there, _ = passages(lambda now: now + 3 * SECOND, 5)

    assert related(there, []).uncertainty_ns is None
    assert relate_clocks([], []) is None


def stepped(jump: int, moment: int) -> Change:
    return lambda time_ns, octets: (time_ns + (jump if time_ns >= moment else 0), octets)


@pytest.mark.parametrize("compare", WAYS)
@pytest.mark.parametrize("jump", [2 * SECOND, -700 * MS])
def test_a_comparison_tells_of_a_clock_that_was_set_and_loses_no_packet_for_it(compare: str, jump: int) -> None:
    path = TwoPoints()
    for _ in range(300):
        path.talk(3)
        path.now += 100 * MS
    files = path.files(stepped(jump, START + 12 * SECOND))
    found = WAYS[compare](files)

    assert [stretch.lost for stretch in found.stretches] == [0, 0]
    assert len([caveat for caveat in found.caveats if "a clock was set" in caveat.reason]) == 1
    assert all(stretch.delay_median_ms == pytest.approx(0.25, abs=0.3) for stretch in found.stretches)


@pytest.mark.parametrize("compare", WAYS)
def test_unlike_delays_stay_within_the_uncertainty_of_the_clocks(compare: str) -> None:
    path = TwoPoints(delay_ns=1 * MS, back_ns=15 * MS)
    for _ in range(300):
        path.talk(3)
        path.now += 100 * MS
    found = WAYS[compare](path.files(shifted(3 * SECOND, 50e-6)))
    doubt = max(clock.uncertainty_ms or 0 for clock in found.clocks)

    assert 7 < doubt < 9
    for stretch in found.stretches:
        true = 1 if stretch.first[0] == "a" else 15
        assert stretch.delay_median_ms == pytest.approx(true, abs=doubt + 0.1)
    drifts = sorted(round(clock.drift_ppm) for clock in found.clocks)
    assert drifts in ([-50, 0], [0, 50])
