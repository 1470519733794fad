"""Whether the customer offered more than it had bought: by ports where its traffic meets the limit, and no others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from attribution.detectors.load import detect_overuse
from attribution.model.evidence import Alarm, AlarmKind
from attribution.model.observation import CounterSample, Metric
from attribution.model.topology import Side
from tests.detectors.chain import CHAIN, NODES, at, join, network, node, readings, surroundings

BOUGHT_BPS = 100e6
EVERY_S = 10


def octets(device: str, interface: str, metric: Metric, *shares: float) -> list[CounterSample]:
    """A counter that rises by these shares of what was bought, from poll to poll."""
    total, values = 0.0, [0.0]
    for share in shares:
        total += share * BOUGHT_BPS / 8 * EVERY_S
        values.append(total)
    return readings(device, interface, metric, *values, every=EVERY_S)


def overuse(samples: Sequence[CounterSample], bought: float | None = BOUGHT_BPS) -> list[Alarm]:
    return list(detect_overuse(samples, surroundings(), bought))


def test_more_than_was_bought_leaves_the_customer_s_edge() -> None:
    (alarm,) = overuse(octets("office-edge", "Gi0/1", Metric.OUT_OCTETS, 0.5, 2.0, 3.0, 0.5))

    assert (alarm.reporter, alarm.component) == ("office-edge", "cloud-edge--office-edge")
    assert alarm.kind is AlarmKind.BANDWIDTH_EXCEEDED
    assert (alarm.interval.start_ns, alarm.interval.end_ns) == (at(10), at(30))
    assert alarm.magnitude == pytest.approx(3 * BOUGHT_BPS)


def test_the_provider_s_port_that_takes_it_in_tells_the_same() -> None:
    (alarm,) = overuse(octets("cloud-edge", "GE0/0/1", Metric.IN_OCTETS, 0.5, 2.0, 0.5))
    assert alarm.component == "cloud-edge--office-edge"


def test_behind_the_limit_a_full_port_shows_that_more_was_offered() -> None:
    """No more than the limit can come out: a port that fills it shows it, a port half full does not."""
    assert overuse(octets("cloud-gateway", "GE0/0/2", Metric.OUT_OCTETS, 0.5, 1.0, 0.5)) != []
    assert overuse(octets("cloud-gateway", "GE0/0/2", Metric.OUT_OCTETS, 0.5, 0.6, 0.5)) == []
    assert overuse(octets("office-edge", "Gi0/1", Metric.OUT_OCTETS, 0.5, 1.0, 0.5)) == [], "before it, that is allowed"


@pytest.mark.parametrize(
    ("device", "interface", "metric"),
    [
        ("cloud-edge", "GE0/0/2", Metric.OUT_OCTETS),
        ("cloud-core", "GE0/0/1", Metric.IN_OCTETS),
        ("office-edge", "Gi0/0", Metric.OUT_OCTETS),
        ("office-edge", "Gi0/1", Metric.IN_OCTETS),
        ("office-edge", "Gi0/1", Metric.OUT_PACKETS),
        ("cloud-edge", "GE0/0/1", Metric.IN_PACKETS),
        ("cloud-edge", "GE0/0/7", Metric.IN_OCTETS),
        ("somebody-else", "Gi0/1", Metric.OUT_OCTETS),
    ],
)
def test_ports_that_carry_other_traffic_too_prove_no_overuse(device: str, interface: str, metric: Metric) -> None:
    assert overuse(octets(device, interface, metric, 5.0, 5.0)) == []


def test_a_carrier_hired_by_the_customer_is_met_by_what_the_customer_offers() -> None:
    carried = network(
        [*NODES, node("carrier", side=Side.CUSTOMER, operator="MetroFibre")],
        [*CHAIN.links.values(), join("office-edge Gi0/9", "carrier a", side=Side.CUSTOMER)],
    )
    samples = octets("office-edge", "Gi0/9", Metric.OUT_OCTETS, 2.0, 2.0)
    assert len(list(detect_overuse(samples, surroundings(carried), BOUGHT_BPS))) == 1


def test_without_a_limit_there_is_no_more_than_the_limit() -> None:
    assert overuse(octets("office-edge", "Gi0/1", Metric.OUT_OCTETS, 50.0), None) == []


def test_a_reset_counter_offers_nothing() -> None:
    values = readings("office-edge", "Gi0/1", Metric.OUT_OCTETS, 9e12, 9e12, 0, 1e6)
    assert overuse(values) == []


def test_rare_polls_hide_surges_and_prove_none() -> None:
    rare = readings("office-edge", "Gi0/1", Metric.OUT_OCTETS, 0, 9e12, every=3600)
    assert overuse(rare) == []


def test_two_surges_are_two_alarms() -> None:
    assert len(overuse(octets("office-edge", "Gi0/1", Metric.OUT_OCTETS, 2.0, 0.1, 2.0, 0.1))) == 2
