"""Ports of several customers that go down at once on one device: the device failed, or its card, not the cables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attribution.detectors.ports_together import detect_ports_together
from attribution.model.evidence import AlarmKind
from attribution.model.observation import DownReason, LogEvent, LogKind
from tests.detectors.chain import at, log, surroundings

AROUND = surroundings()


def down(second: float, port: str, reason: DownReason | None = None) -> LogEvent:
    return replace(log(second, "cloud-edge", LogKind.INTERFACE_DOWN, interface=port), reason=reason)


def test_the_service_s_port_that_goes_down_with_those_of_others_speaks_of_the_device() -> None:
    (alarm,) = detect_ports_together([down(5.0, "GE0/0/1"), down(5.2, "GE0/0/7"), down(6.0, "GE0/0/9")], AROUND)
    assert (alarm.kind, alarm.reporter, alarm.component) == (AlarmKind.PORTS_DOWN_TOGETHER, "cloud-edge", "cloud-edge")
    assert alarm.interval.start_ns == at(5)
    assert "within 1.0 s that 3 ports went down: GE0/0/1, GE0/0/7, GE0/0/9" in alarm.statement


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([down(5, "GE0/0/1"), down(5, "GE0/0/7")], id="one other, which may lead to the same neighbour"),
        pytest.param([down(5, "GE0/0/1"), down(9, "GE0/0/7"), down(14, "GE0/0/9")], id="one after the other"),
        pytest.param([down(5, "GE0/0/6"), down(5, "GE0/0/7"), down(5, "GE0/0/9")], id="none of them the service's"),
        pytest.param([down(5, "GE0/0/1"), down(5, "Vlanif7"), down(5, "Vlanif9")], id="what runs over the same port"),
        pytest.param(
            [down(5, port, DownReason.ADMIN_LOCAL) for port in ("GE0/0/1", "GE0/0/7", "GE0/0/9")], id="shut on purpose"
        ),
    ],
)
def test_other_ports_that_go_down_say_nothing_of_the_device(events: list[LogEvent]) -> None:
    assert list(detect_ports_together(events, AROUND)) == []
