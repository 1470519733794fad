"""Traffic that was steady, stopped once and went on: an interruption, where nobody counted the service's packets."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from attribution.detectors.stopped import detect_stopped
from attribution.model.evidence import Alarm, AlarmKind
from attribution.model.incident import EvidenceType
from attribution.model.observation import CloudMetric, Load, Metric, TapLoad
from tests.detectors.chain import CAPTURE, at, origin, readings, surroundings

STEADY = [80.0, 90.0, 100.0, 110.0, 95.0, 85.0]
MONITOR = origin("cloud/bandwidth.json", EvidenceType.CLOUD_MONITOR)


def stopped_port(rates: Sequence[float], device: str = "office-edge") -> list[Alarm]:
    total, values = 0.0, [0.0]
    for rate in rates:
        total += rate
        values.append(total)
    return list(detect_stopped(readings(device, "Gi0/1", Metric.OUT_OCTETS, *values, every=10), surroundings()))


def stopped_metric(rates: Sequence[float], load: Load | None = Load.OFFERED) -> list[Alarm]:
    points = [
        CloudMetric(
            time_ns=at(60 * minute), origin=MONITOR, locator=f"point {minute}", name="outbandwidth", unit="Mbit/s",
            value=rate, period_s=60.0, dimensions=(("CcnId", "ccn-1"),), load=load,
        )
        for minute, rate in enumerate(rates)
    ]  # fmt: skip
    return list(detect_stopped(points, surroundings()))


def test_a_port_that_carried_nothing_for_a_while_between_steady_traffic_tells_of_an_interruption() -> None:
    (alarm,) = stopped_port([*STEADY, 0.5, 0.0, 0.4, *STEADY])
    assert (alarm.kind, alarm.component) == (AlarmKind.TRAFFIC_STOPPED, "cloud-edge--office-edge")
    assert (alarm.interval.start_ns, alarm.interval.end_ns) == (at(60), at(90))


def test_what_is_missing_of_the_polls_before_and_after_dates_it() -> None:
    (alarm,) = stopped_port([*STEADY, 45.0, 0.5, 0.0, 0.4, 18.0, *STEADY])
    assert alarm.interval.start_ns / 1e9 == pytest.approx(at(65) / 1e9, abs=0.8)
    assert alarm.interval.end_ns / 1e9 == pytest.approx(at(108) / 1e9, abs=0.8)


def test_so_does_what_the_cloud_counted() -> None:
    (alarm,) = stopped_metric([*STEADY, 0.0, 0.0, 0.0, *STEADY])
    assert (alarm.component, alarm.interval.start_ns, alarm.interval.end_ns) == ("cloud-gateway", at(360), at(540))
    assert stopped_metric([*STEADY, 0.0, 0.0, 0.0, *STEADY], load=None) == []


@pytest.mark.parametrize(
    "rates",
    [
        pytest.param([*STEADY, *STEADY], id="that never stopped"),
        pytest.param([*STEADY, 0.0, *STEADY], id="of which a single poll tells"),
        pytest.param([*STEADY, 0.0, 0.0, *STEADY, 0.0, 0.0, *STEADY], id="that stops again and again"),
        pytest.param([*STEADY, 0.0, 0.0, 0.0], id="that never came back"),
        pytest.param([100.0, 3.0, 100.0, 5.0, 100.0, 0.0, 0.0, 100.0, 4.0, 100.0, 3.0, 100.0], id="in bursts"),
        pytest.param([0.0] * 12, id="that was never there"),
        pytest.param([*STEADY, 30.0, 30.0, *STEADY], id="that only became less"),
    ],
)
def test_traffic_is_not_said_to_have_stopped(rates: list[float]) -> None:
    assert stopped_port(rates) == []
    assert stopped_metric(rates) == []


def test_devices_that_are_not_drawn_tell_of_nobody_s_traffic() -> None:
    assert stopped_port([*STEADY, 0.0, 0.0, 0.0, *STEADY], device="somebody-else") == []


def stopped_tunnel(source: str, destination: str, silent: range) -> list[Alarm]:
    """Two packets a second from one address to another, but for some seconds, and pings that go on all the while."""
    seconds = [(second, source, destination) for second in range(120) if second not in silent]
    seconds += [(second, "10.9.1.1", "192.0.2.1") for second in range(120)]
    loads = [
        TapLoad(
            time_ns=at(second), end_ns=at(second + 1), origin=CAPTURE, locator=f"frame {second}", device="cloud-edge",
            interface="GE0/0/1", source=one, destination=other, packets=2, octets=400,
        )
        for second, one, other in seconds
    ]  # fmt: skip
    return list(detect_stopped(loads, surroundings()))


def test_a_tunnel_between_nodes_on_the_way_tells_of_an_interruption_though_nobody_can_look_into_it() -> None:
    (alarm,) = stopped_tunnel("192.0.2.1", "10.9.2.2", range(40, 83))
    assert (alarm.kind, alarm.component) == (AlarmKind.TRAFFIC_STOPPED, "cloud-edge--office-edge")
    assert (alarm.interval.start_ns, alarm.interval.end_ns) == (at(40), at(83)), "by single packets"


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        pytest.param("192.0.2.1", "192.0.2.2", id="neighbours"),
        pytest.param("10.1.0.2", "10.9.2.2", id="an end of the service"),
        pytest.param("192.0.2.1", "203.0.113.9", id="a stranger"),
    ],
)
def test_what_others_than_two_distant_nodes_on_the_way_send_is_no_tunnel(source: str, destination: str) -> None:
    assert not stopped_tunnel(source, destination, range(40, 83))
