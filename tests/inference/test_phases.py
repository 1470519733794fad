"""The parts of an interruption that may have causes of their own: cut where something changed, never to crumbs."""

from __future__ import annotations

from itertools import pairwise

import pytest

from attribution.inference.fits import Situation
from attribution.inference.interruption import detect_interruption
from attribution.inference.modes import load_modes
from attribution.inference.phases import Phase, follows, join_phases, merge_phases, split_phases, turning_points
from attribution.inference.posterior import solve_incident
from attribution.model.evidence import Coverage, Measurement
from attribution.model.incident import NANOSECONDS
from tests.inference.chain import CHAIN, ENDS, PATHS, at, between, during, probed


def phases_of(measurements: list[Measurement]) -> tuple[Phase, ...]:
    return split_phases(detect_interruption(measurements), measurements)


def spans(phases: tuple[Phase, ...]) -> list[tuple[float, float]]:
    return [
        ((p.span.start_ns - at(0)) / NANOSECONDS, (p.span.end_ns - at(0)) / NANOSECONDS)
        for p in phases
    ]  # fmt: skip


def test_one_even_outage_is_one_phase() -> None:
    (span,) = spans(phases_of(probed(*ENDS, during(20, 60))))
    assert span == pytest.approx((20, 60), abs=1)


def test_two_outages_are_two_phases() -> None:
    found = phases_of(probed(*ENDS, lambda s: 1.0 if 20 <= s < 40 or 60 <= s < 80 else 0.0))
    assert len(found) == 2


def test_a_change_of_severity_begins_a_new_phase() -> None:
    found = phases_of(probed(*ENDS, lambda s: 1.0 if 20 <= s < 50 else 0.25 if 50 <= s < 90 else 0.0, sent=40))
    first, second = spans(found)

    assert first == pytest.approx((20, 50), abs=1.5)
    assert second == pytest.approx((50, 90), abs=1.5)


def test_trouble_on_a_part_of_the_way_that_ends_earlier_begins_a_new_phase() -> None:
    found = phases_of(
        [
            *probed(*ENDS, during(20, 90)),
            *probed("customer-host", "customer-edge", during(20, 55)),
            *probed("provider-edge", "provider-host", during(55, 90)),
        ]
    )
    first, second = spans(found)
    assert first[1] == second[0] == pytest.approx(55, abs=1.5)


def test_parts_that_never_lost_anything_cut_nothing() -> None:
    clean = probed("customer-host", "customer-edge")
    assert turning_points(clean) == []
    assert turning_points(probed(*ENDS, during(20, 60))) == [], "the service itself is no part of the way"


def test_crumbs_are_not_cut_off() -> None:
    """A part that recovers half a second earlier is no phase of its own."""
    found = phases_of([*probed(*ENDS, during(20, 60)), *probed("customer-host", "provider-edge", during(20, 59))])
    assert len(found) == 1


def test_the_phases_cover_exactly_the_interruption() -> None:
    measurements = [
        *probed(*ENDS, lambda s: 1.0 if 20 <= s < 50 else 0.3 if 50 <= s < 90 else 0.0, sent=40),
        *probed("customer-host", "customer-edge", during(30, 70)),
    ]
    troubles = detect_interruption(measurements)
    found = split_phases(troubles, measurements)

    assert sum(phase.seconds for phase in found) == pytest.approx(sum(t.interval.seconds for t in troubles))
    for earlier, later in pairwise(found):
        assert earlier.span.end_ns <= later.span.start_ns


def test_a_flapping_fault_has_at_most_a_handful_of_phases() -> None:
    flapping = [Phase((between(start, start + 3),)) for start in range(0, 200, 10)]
    merged = merge_phases(flapping)

    assert len(merged) <= 6
    assert sum(phase.seconds for phase in merged) == pytest.approx(60)
    assert [i for phase in merged for i in phase.intervals] == [i for phase in flapping for i in phase.intervals]


def test_the_nearest_neighbours_merge_first() -> None:
    starts = [0, 100, 200, 300, 303, 400, 500]
    merged = merge_phases([Phase((between(start, start + 2),)) for start in starts])

    together = [phase for phase in merged if phase.span.start_ns <= at(300) < phase.span.end_ns]
    assert between(303, 305) in together[0].intervals


def test_a_handful_stays_as_it_is() -> None:
    few = [Phase((between(start, start + 5),)) for start in (0, 20, 40)]
    assert merge_phases(few) == tuple(few)
    assert merge_phases([]) == ()


def test_phases_of_one_cause_are_joined() -> None:
    touching = [Phase((between(0, 10),)), Phase((between(10, 20),)), Phase((between(30, 40),))]

    assert join_phases(touching, [False, True, False]) == (Phase((between(0, 20),)), touching[2])
    assert join_phases(touching, [False, True, True]) == (Phase((between(0, 20), between(30, 40))),)
    assert join_phases(touching, [False, False, False]) == tuple(touching)


def test_a_joined_phase_keeps_its_gaps() -> None:
    (joined,) = join_phases([Phase((between(0, 10),)), Phase((between(30, 40),))], [False, True])

    assert joined.seconds == pytest.approx(20)
    assert joined.span == between(0, 40)


def test_a_phase_follows_another_only_if_service_was_not_back_in_between() -> None:
    phases = [Phase((between(*span),)) for span in ((0, 10), (10, 20), (400, 410))]
    assert [follows(phases, index) for index in range(3)] == [False, True, False]


@pytest.mark.parametrize(("afterwards", "phases"), [(0.95, 1), (0.5, 1), (0.03, 2)])
def test_phases_of_one_cause_are_one_if_they_lose_about_as_much(afterwards: float, phases: int) -> None:
    """What loses nearly all packets and then next to nothing did not lose half of them all the while."""

    def losing(second: float) -> float:
        return 0.95 if 20 <= second < 40 else afterwards if 40 <= second < 60 else 0.0

    seen = (*probed(*ENDS, losing, sent=100), *probed("customer-host", "customer-edge", losing, sent=100))
    situation = Situation(CHAIN, PATHS, {}, seen, (), (), Coverage(), load_modes())
    solver, _ = solve_incident(situation, [Phase((between(20, 40),)), Phase((between(40, 60),))])
    assert len(solver.phases) == phases
