"""Whether the customer offered more than it had bought: by ports where its traffic meets the limit, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from attribution.detectors.counters import detect_counter_alarms
from attribution.detectors.load import (
    detect_captured_load,
    detect_cloud_load,
    detect_floods,
    detect_low_limits,
    detect_overuse,
)
from attribution.model.evidence import Alarm, AlarmKind
from attribution.model.incident import EvidenceType
from attribution.model.observation import (
    AccountEvent,
    AccountEventKind,
    CloudMetric,
    CounterSample,
    Load,
    Metric,
    Observation,
    TapLoad,
)
from attribution.model.topology import Side
from tests.detectors.chain import CAPTURE, CHAIN, NODES, at, join, network, node, origin, readings, surroundings

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


def cloud(name: str, load: Load | None, *values: float, unit: str = "Mbit/s", of: str = "ccn-1") -> list[CloudMetric]:
    return [
        CloudMetric(
            time_ns=at(60 * minute),
            origin=origin("telemetry/monitor.json", EvidenceType.CLOUD_MONITOR),
            locator=f"Values[{minute}]",
            name=name,
            unit=unit,
            value=value,
            period_s=60.0,
            dimensions=(("CcnId", of), ("SRegion", "ap-guangzhou")),
            load=load,
        )
        for minute, value in enumerate(values)
    ]


def cloud_load(metrics: Sequence[CloudMetric], bought: float | None = BOUGHT_BPS) -> list[Alarm]:
    return list(detect_cloud_load(metrics, surroundings(), bought))


def test_what_the_cloud_counted_before_the_limit_or_behind_it_tells_of_overuse() -> None:
    (alarm,) = cloud_load(cloud("inbandwidth", Load.OFFERED, 50, 180, 240, 60))
    assert (alarm.reporter, alarm.component, alarm.kind) == (
        "cloud-gateway", "cloud-gateway", AlarmKind.BANDWIDTH_EXCEEDED,
    )  # fmt: skip
    assert (alarm.interval.start_ns, alarm.interval.end_ns) == (at(60), at(180))
    assert alarm.magnitude == pytest.approx(240e6)
    assert "240.0 Mbit/s (inbandwidth of ccn-1/ap-guangzhou), where 100 were bought" in alarm.statement

    assert cloud_load(cloud("inbandwidth", Load.OFFERED, 100, 105)) == [], "before the limit, that is allowed"
    assert len(cloud_load(cloud("outbandwidth", Load.PASSED, 50, 99, 50))) == 1, "no more can come out behind it"
    assert cloud_load(cloud("outbandwidth", Load.PASSED, 50, 70)) == []
    (filled,) = cloud_load(cloud("outbandwidth", Load.PASSED, 50, 90, 50))
    assert "90.0 Mbit/s behind the limit" in filled.statement, "the mean of a minute is less, and no overuse by itself"
    assert cloud_load(cloud("inbandwidth", Load.OFFERED, 9000), bought=None) == []
    assert cloud_load(cloud("inbandwidth", Load.OFFERED, 9e6, unit="bit/s")) == []


@pytest.mark.parametrize(
    ("unit", "dropped", "stray"), [("packet/s", 2.5, 0.01), ("%", 37.5, 0.1), ("MB", 3.0, 0.0)]
)
def test_what_a_limit_of_the_cloud_dropped_tells_of_the_limit(unit: str, dropped: float, stray: float) -> None:
    (alarm,) = cloud_load(cloud("outdrop", Load.DROPPED, 0, dropped, stray, unit=unit), bought=None)
    assert (alarm.kind, alarm.component) == (AlarmKind.RATE_EXCEEDED, "cloud-gateway")
    assert (alarm.interval.start_ns, alarm.interval.end_ns) == (at(60), at(120))
    assert f"{dropped:g} {unit} that a bandwidth limit dropped" in alarm.statement


def low_limits(out: Sequence[float], share: Sequence[float], bought: float | None = BOUGHT_BPS) -> list[Alarm]:
    metrics = [*cloud("outbandwidth", Load.PASSED, *out), *cloud("outbandwidthrate", Load.USED, *share, unit="%")]
    return list(detect_low_limits(metrics, surroundings(), bought))


def test_a_full_limit_below_what_was_bought_was_set_so() -> None:
    """Half of what was bought is half of the limit, and then a tenth is all of it."""
    (alarm,) = low_limits([50, 10, 10, 50], [50, 100, 100, 50])
    assert (alarm.kind, alarm.component) == (AlarmKind.LIMIT_LOWERED, "cloud-gateway")
    assert (alarm.interval.start_ns, alarm.interval.end_ns) == (at(60), at(180))
    assert "it was 10.0 Mbit/s, where 100 were bought" in alarm.statement

    assert low_limits([50, 99, 99, 50], [50, 99, 99, 50]) == [], "what was bought is used up"
    assert low_limits([50, 5, 5, 50], [50, 50, 50, 50]) == [], "it is low, and not full"
    assert low_limits([10, 10], [100, 100], bought=None) == []
    assert list(detect_low_limits(cloud("outbandwidthrate", Load.USED, 100, unit="%"), surroundings(), 1e9)) == []
    assert cloud_load(cloud("outbandwidthrate", Load.USED, 100, unit="%")) == [], "a share is no rate"


def test_a_resource_that_is_tied_to_nothing_is_the_service_s_own() -> None:
    (alarm,) = cloud_load(cloud("outdrop", Load.DROPPED, 5, unit="%", of="ccn-unheard-of"))
    assert alarm.component == "cloud-gateway"
    tunnel = network(
        CHAIN.nodes.values(),
        [
            join("office-edge Gi0/1", "cloud-edge GE0/0/1", resources=("dcx-1",)),
            *(link for name, link in CHAIN.links.items() if name != "cloud-edge--office-edge"),
        ],
    )
    metrics = cloud("inbandwidth", Load.OFFERED, 300, of="dcx-1")
    (alarm,) = detect_cloud_load(metrics, surroundings(tunnel), BOUGHT_BPS)
    assert (alarm.reporter, alarm.component) == ("cloud-edge", "cloud-edge--office-edge")


def test_metrics_that_tell_nothing_of_load_are_no_alarm() -> None:
    assert cloud_load(cloud("delay", None, 9e9, unit="ms")) == []


def captured(
    device: str, interface: str, *shares: float, source: str = "10.1.0.2", destination: str = "203.0.113.9"
) -> list[TapLoad]:
    """What a capture shows of packets from one address to another, second by second, by shares of what was bought."""
    return [
        TapLoad(
            time_ns=at(second),
            end_ns=at(second + 1),
            origin=CAPTURE,
            locator=f"frame {second + 1}",
            device=device,
            interface=interface,
            source=source,
            destination=destination,
            packets=1000,
            octets=round(share * BOUGHT_BPS / 8),
        )
        for second, share in enumerate(shares)
    ]


def captured_load(*taps: list[TapLoad]) -> list[Alarm]:
    return list(detect_captured_load([one for tap in taps for one in tap], surroundings(), BOUGHT_BPS))


def test_a_capture_where_the_customer_s_traffic_meets_the_limit_shows_overuse() -> None:
    """A flood to somebody outside takes its share of what was bought, and leaves the service the rest."""
    flood = captured("cloud-edge", "GE0/0/1", 0.1, 0.9, 0.9, 0.9, 0.9, 0.1)
    service = captured("cloud-edge", "GE0/0/1", *[0.6] * 6, destination="10.2.0.2")
    assert captured_load(flood) == captured_load(service) == []
    (alarm,) = captured_load(flood, service)
    assert (alarm.reporter, alarm.component, alarm.kind) == (
        "cloud-edge", "cloud-edge--office-edge", AlarmKind.BANDWIDTH_EXCEEDED,
    )  # fmt: skip
    assert (alarm.interval.start_ns, alarm.interval.end_ns) == (at(1), at(5))
    assert alarm.magnitude == pytest.approx(1.5 * BOUGHT_BPS)
    again = [replace(tap, origin=replace(CAPTURE, file="captures/again.pcap")) for tap in service]
    assert captured_load(service, again) == [], "another capture of the port shows the same packets once more"
    assert "150.0 Mbit/s by what was captured, where 100 were bought" in alarm.statement


def test_a_capture_shows_no_overuse_in_a_burst_nor_of_what_passes_elsewhere_or_has_unknown_ends() -> None:
    assert captured_load(captured("cloud-edge", "GE0/0/1", 0.1, 3.0, 3.0, 0.1)) == []
    assert captured_load(captured("cloud-core", "GE0/0/1", *[3.0] * 6)) == []
    assert captured_load(captured("cloud-edge", "GE0/0/1", *[3.0] * 6, source="198.51.100.7")) == []
    towards_the_customer = captured("cloud-edge", "GE0/0/1", *[0.9] * 6, source="203.0.113.9", destination="10.1.0.2")
    assert len(captured_load(towards_the_customer)) == 1, "behind the limit no more can come out"
    assert list(detect_captured_load(captured("cloud-edge", "GE0/0/1", *[9.0] * 6), surroundings(), None)) == []


FULL_PORT = (
    *octets("cloud-gateway", "GE0/0/2", Metric.OUT_OCTETS, 0.5, 90.0, 90.0, 0.0),
    *readings("cloud-gateway", "GE0/0/2", Metric.OUT_DISCARDS, 0, 0, 1e6, 2e6, 2e6, every=EVERY_S),
)


def floods(
    *seen: Observation,
    second: float = 35,
    kind: AccountEventKind = AccountEventKind.RESTRICTED,
    detail: str = "black hole for 10.2.0.2 for 30 min: inbound flood",
    bought: float | None = BOUGHT_BPS,
) -> list[Alarm]:
    paper = origin("records/account.csv", EvidenceType.ACCOUNT_EVENTS)
    event = AccountEvent(time_ns=at(second), origin=paper, locator="row 1", kind=kind, detail=detail)
    alarms = [*detect_overuse(seen, surroundings(), bought), *detect_counter_alarms(seen, surroundings())]
    return list(detect_floods(alarms, [*seen, event], surroundings(), bought))


def test_a_host_whose_port_overflowed_until_it_was_black_holed_for_an_attack_was_flooded() -> None:
    (flood,) = floods(*FULL_PORT)

    assert (flood.kind, flood.component, flood.reporter) == (AlarmKind.ATTACK, "cloud-host", "cloud-gateway")
    assert at(10) <= flood.interval.start_ns <= at(20)
    assert "black hole" in flood.statement


@pytest.mark.parametrize(
    "otherwise",
    [
        pytest.param({"detail": "black hole for 10.2.0.2: not paid"}, id="for another reason"),
        pytest.param({"detail": "black hole for 10.250.0.9: flood"}, id="another address"),
        pytest.param({"detail": "flood"}, id="no address"),
        pytest.param({"kind": AccountEventKind.VIOLATION_NOTICE}, id="only notified"),
        pytest.param({"second": 3600.0}, id="an hour later"),
        pytest.param({"second": 5.0}, id="before it"),
        pytest.param({"bought": None}, id="nobody knows what the service may carry"),
        pytest.param({"bought": 200 * BOUGHT_BPS}, id="no more than the service may carry"),
    ],
)
def test_nothing_else_makes_a_full_port_a_flood(otherwise: dict[str, object]) -> None:
    assert floods(*FULL_PORT, **otherwise) == []  # type: ignore[arg-type]


def counted(device: str, interface: str, metric: Metric, *rises: float) -> list[CounterSample]:
    totals = [sum(rises[:number]) for number in range(len(rises) + 1)]
    return readings(device, interface, metric, *totals, every=EVERY_S)


@pytest.mark.parametrize(("times", "flooded"), [(40, True), (3, False)])
def test_many_times_the_usual_packets_are_a_flood_whatever_was_bought(times: float, flooded: bool) -> None:
    """Seen where the only way to the host begins, some devices before it; a busy hour is none."""
    seen = [
        *counted("cloud-edge", "GE0/0/2", Metric.OUT_PACKETS, 1e5, 1e5, times * 1e5, times * 1e5, 0),
        *counted("cloud-edge", "GE0/0/2", Metric.OUT_DISCARDS, 0, 0, 1e6, 1e6, 0),
    ]
    found = floods(*seen, second=45, bought=None)
    assert [(flood.kind, flood.component, flood.reporter) for flood in found] == (
        [(AlarmKind.ATTACK, "cloud-host", "cloud-edge")] if flooded else []
    )
    assert floods(*seen, second=45, bought=None, detail="black hole for 10.1.0.2: flood") == [], "it lies the other way"


def test_the_word_for_a_black_hole_alone_is_no_flood() -> None:
    quiet = [
        *octets("cloud-gateway", "GE0/0/2", Metric.OUT_OCTETS, 0.5, 0.5, 0.5),
        *readings("cloud-gateway", "GE0/0/2", Metric.OUT_DISCARDS, 0, 0, 0, 0, every=EVERY_S),
    ]
    assert floods(*quiet) == []
