"""Effects: a recording that does not show what its scenario promises is refused."""

from __future__ import annotations

import pytest

from tests.lab.effects import assert_effect
from tests.lab.errors import RecordingRefused
from tests.lab.naming import draw_plan
from tests.lab.observed import Probe
from tests.lab.scenarios import scenario_named
from tests.lab.shapes import SHAPES
from tests.lab.stage import Cause, Schedule

PLAN = draw_plan(SHAPES[0], 1, "generic")
SCHEDULE = Schedule(start=1000.0, fault=1010.0, repair=1022.0, end=1033.0)
CAUSE = Cause(("ce1",), "device_failure", None, 1010.1, 1022.2)


def _probes(lost_from: float, lost_to: float) -> tuple[Probe, ...]:
    return tuple(
        Probe(second, "host-a", "host-b", "icmp", 40, 4, () if lost_from <= second < lost_to else (0.3,) * 4)
        for second in map(float, range(1000, 1033))
    )


def _play(name: str, lost_from: float, lost_to: float) -> None:
    scenario = scenario_named(name)
    assert scenario is not None
    causes = (CAUSE,) if scenario.party != "neither" else ()
    assert_effect(scenario, PLAN, SCHEDULE, causes, _probes(lost_from, lost_to), ())


def test_an_outage_that_happened_counts() -> None:
    _play("customer-edge-crash", 1010, 1023)


def test_an_outage_that_did_not_happen_is_refused() -> None:
    with pytest.raises(RecordingRefused, match="expected: nothing gets through"):
        _play("customer-edge-crash", 0, 0)


def test_an_outage_that_does_not_end_is_refused() -> None:
    with pytest.raises(RecordingRefused, match="sound service before and after"):
        _play("customer-edge-crash", 1010, 1033)


def test_a_service_that_fails_before_its_fault_is_refused() -> None:
    with pytest.raises(RecordingRefused, match="sound service before and after"):
        _play("customer-edge-crash", 1003, 1023)


def test_a_healthy_hour_with_loss_is_refused() -> None:
    _play("healthy-hour", 0, 0)
    with pytest.raises(RecordingRefused):
        _play("healthy-hour", 1012, 1016)
