"""When a report, or an act, may have to do with a phase of the trouble: just before, during it, or told late."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attribution.inference.timeliness import in_time, record_in_time
from attribution.model.evidence import AlarmKind, Record, RecordKind
from attribution.model.observation import CommandEffectKind
from tests.inference.chain import alarm, between, link_name, record

PHASE = between(100, 160)
UPLINK = link_name("customer-core", "customer-edge")


def test_alarms_count_from_just_before_the_phase_to_just_after_it() -> None:
    kind = AlarmKind.INTERFACE_DOWN
    assert in_time(alarm(99, "customer-edge", UPLINK, kind), PHASE)
    assert in_time(alarm(150, "customer-edge", UPLINK, kind), PHASE)
    assert not in_time(alarm(50, "customer-edge", UPLINK, kind), PHASE)
    assert not in_time(alarm(300, "customer-edge", UPLINK, kind), PHASE)


def test_a_restart_is_logged_after_the_trouble() -> None:
    late = alarm(200, "customer-edge", "customer-edge", AlarmKind.DEVICE_RESTARTED)
    assert in_time(late, PHASE)
    assert not in_time(alarm(200, "customer-edge", "customer-edge", AlarmKind.POWER_FAULT), PHASE)


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        pytest.param(record(98, "customer-edge"), True, id="a command just before"),
        pytest.param(record(60, "customer-edge"), False, id="a command long before"),
        pytest.param(record(120, "customer-edge"), False, id="a command afterwards"),
        pytest.param(record(98, "customer-edge", end=99), False, id="taken back before the onset"),
        pytest.param(
            record(40, "customer-edge", effect=CommandEffectKind.NEIGHBOUR_SHUTDOWN), True, id="a hold timer later"
        ),
        pytest.param(record(40, "provider-edge", cloud_call=True), True, id="the cloud takes a minute"),
        pytest.param(record(-300, "provider-edge", cloud_call=True), False, id="but not seven"),
        pytest.param(record(40, "provider-edge", cloud_call=True, end=60), False, id="a call taken back before"),
        pytest.param(
            record(-100, "provider-edge", cloud_call=True, end=-40), True, id="by another clock, and for as long"
        ),
        pytest.param(record(-300, "provider-edge", cloud_call=True, end=-240), False, id="no clock is that wrong"),
        pytest.param(record(-60, None, kind=RecordKind.ENFORCEMENT), True, id="billing takes minutes"),
        pytest.param(record(-60, None, kind=RecordKind.ENFORCEMENT, end=0), True, id="by the office's clock"),
        pytest.param(record(-3600, None, kind=RecordKind.ENFORCEMENT), False, id="but no hour"),
        pytest.param(record(0, "customer-edge", kind=RecordKind.PLANNED_CHANGE, end=300), True, id="during the window"),
        pytest.param(record(0, "customer-edge", kind=RecordKind.PLANNED_CHANGE, end=50), False, id="after the window"),
        pytest.param(record(500, "customer-edge", kind=RecordKind.PLANNED_CHANGE, end=900), False, id="before it"),
    ],
)
def test_an_act_comes_shortly_before_its_effect(done: Record, expected: bool) -> None:
    assert record_in_time(done, PHASE) is expected


def test_a_changed_policy_takes_effect_at_the_pace_of_advertisements() -> None:
    changed = replace(record(100 - 30, "customer-edge"), effect=CommandEffectKind.ROUTE_CHANGED)

    assert record_in_time(changed, PHASE)
    assert not record_in_time(replace(changed, effect=CommandEffectKind.INTERFACE_SHUTDOWN), PHASE)
    assert not record_in_time(replace(changed, interval=between(0, 1000)), PHASE)
