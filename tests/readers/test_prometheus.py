"""Prometheus answers hold the bundle's own counters and gauges under the names of their exporters."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from typing import Any

import pytest

from attribution.errors import EvidenceError
from attribution.model.incident import EvidenceType
from attribution.model.observation import Caveat, CounterSample, Metric, Observation
from attribution.readers import read_evidence
from attribution.readers.prometheus import RULES, meaning_of, value_of
from tests.readers.material import origin

TEN = 1_795_428_000 * 10**9
RULE_FILE = tomllib.loads((resources.files("attribution") / "rules" / RULES).read_text("utf-8"))


def answer(*series: dict[str, Any]) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "matrix", "result": list(series)}}


def one(name: str, *values: object, **labels: str) -> dict[str, Any]:
    values = values or ([1795428000.781, "1"],)
    return {"metric": {"__name__": name, **labels}, "values": list(values)}


def read(document: object, **changed: object) -> list[Observation | Caveat]:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return list(read_evidence(content, origin(EvidenceType.PROMETHEUS, "m.json", **changed)))


def samples(document: object, **changed: object) -> list[tuple[str, str | None, Metric, float]]:
    found = [sample for sample in read(document, **changed) if isinstance(sample, CounterSample)]
    return [(sample.device, sample.interface, sample.metric, sample.value) for sample in found]


def caveats(document: object, **changed: object) -> list[tuple[str, int]]:
    return [(item.reason, item.count) for item in read(document, **changed) if isinstance(item, Caveat)]


def test_snmp_counters_with_their_time_and_place_in_the_file() -> None:
    first, second = read(
        answer(
            one("ifHCInOctets", [1795428000, "24741"], [1795428000.781, "63983"], instance="pe1", ifName="ge-0/0/0")
        ),
        clock_offset_ns=1,
    )
    assert isinstance(first, CounterSample)
    assert isinstance(second, CounterSample)
    assert (first.device, first.interface, first.metric) == ("pe1", "ge-0/0/0", Metric.IN_OCTETS)
    assert (first.time_ns, first.value, first.locator) == (TEN + 1, 24741.0, "data.result[0].values[0]")
    assert (second.time_ns, second.locator) == (TEN + 781_000_001, "data.result[0].values[1]")


def test_an_interface_is_up_at_one_down_at_anything_else_and_unmeasured_where_unknown() -> None:
    states = [[1795428000 + state, str(state)] for state in range(1, 8)]
    document = answer(one("ifOperStatus", *states, instance="pe1", ifName="eth0"))
    assert [value for *_, value in samples(document)] == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert caveats(document) == [("values of oper_status that are no number: not measured", 1)]


@pytest.mark.parametrize(
    ("name", "labels", "place"),
    [
        ("ifOutDiscards", {"device": "pe1", "instance": "10.0.0.1:9116", "interface": "eth0"}, ("pe1", "eth0")),
        ("ifOutDiscards", {"instance": "pe1:9116", "ifName": "ge-0/0/0", "ifDescr": "uplink"}, ("pe1", "ge-0/0/0")),
        ("ifOutDiscards", {"instance": "[2001:db8::1]:9116", "ifDescr": "uplink"}, ("2001:db8::1", "uplink")),
        ("ifOutDiscards", {"instance": "2001:db8::1", "port": "1/1/1"}, ("2001:db8::1", "1/1/1")),
        ("ifOutDiscards", {"host": "pe1", "port": "1"}, ("pe1", "1")),
        ("ifOutDiscards", {"node": "pe1"}, ("pe1", None)),
        ("node_network_transmit_drop_total", {"instance": "srv1:9100", "device": "eth0"}, ("srv1", "eth0")),
        ("node_network_transmit_drop_total", {"device": "srv1", "interface": "eth0"}, ("srv1", "eth0")),
    ],
)
def test_labels_name_the_place(name: str, labels: dict[str, str], place: tuple[str, str | None]) -> None:
    assert samples(answer(one(name, **labels))) == [(*place, Metric.OUT_DISCARDS, 1.0)]


@pytest.mark.parametrize(
    "labels", [{"device": "sysName", "interface": "portName"}, {"sysName": "device", "portName": "interface"}]
)
def test_the_evidence_entry_may_name_the_labels_either_way_round(labels: dict[str, str]) -> None:
    series = one("ifInErrors", instance="poller", device="poller", sysName="pe1", portName="eth0", ifName="7")
    assert samples(answer(series), settings={"labels": labels}) == [("pe1", "eth0", Metric.IN_ERRORS, 1.0)]


def test_the_entrys_own_device_and_interface_serve_series_without_labels() -> None:
    assert samples(answer(one("ifInErrors")), device="pe1", interface="eth0") == [
        ("pe1", "eth0", Metric.IN_ERRORS, 1.0)
    ]


def test_of_two_series_for_one_thing_only_the_finer_is_read() -> None:
    coarse, fine = (one(name, instance="pe1", ifName="eth0") for name in ("ifInOctets", "ifHCInOctets"))
    other = one("ifInOctets", instance="pe1", ifName="eth1")
    document = answer(coarse, fine, other)
    assert [(sample.locator) for sample in read(document) if isinstance(sample, CounterSample)] == [
        "data.result[1].values[0]",
        "data.result[2].values[0]",
    ]
    assert caveats(document) == [("series that repeat in_octets of the same interface", 1)]


def test_what_is_not_understood_is_counted() -> None:
    document = answer(
        one("ifInOctets"),
        one("up", instance="pe1"),
        one("up", instance="pe2"),
        {"metric": {"instance": "pe1"}, "values": [[1, "5"]]},
        one("ifInErrors", [1, "NaN"], [2, "+Inf"], [3, "0"], instance="pe1"),
    )
    document["warnings"] = ["PromQL warning: something"]
    assert sorted(caveats(document)) == [
        ("Prometheus warned: PromQL warning: something", 1),
        ("series named 'up' are not understood", 2),
        ("series of ifInOctets name no device", 1),
        ("series without a name", 1),
        ("values of in_errors that are no number: not measured", 2),
    ]
    assert samples(document) == [("pe1", None, Metric.IN_ERRORS, 0.0)]


def test_an_answer_without_series_is_no_error() -> None:
    assert caveats(answer()) == [("an answer without series: nothing was recorded", 1)]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"status": "error", "errorType": "bad_data", "error": "parse error"},
            "m.json: found Prometheus's own error (bad_data: parse error); expected the answer of a query_range call",
        ),
        ({"status": "success", "data": {"resultType": "vector", "result": []}}, "found 'vector'; expected 'matrix'"),
        ({"status": "success"}, "m.json: found no 'data'; expected the key 'data'"),
        ([], "m.json: found an empty list; expected a mapping"),
        (answer({"values": []}), "m.json: data.result[0]: found no 'metric'; expected the key 'metric'"),
        (answer(one("ifInErrors", instance="a") | {"values": 3}), "data.result[0].values: found 3; expected a list of"),
        (answer(one("ifInErrors", [1], instance="a")), "m.json: data.result[0].values[0]: found [1]; expected [Unix"),
        (answer(one("ifInErrors", [1, "many"], instance="a")), "values[0]: found [1, 'many']; expected [Unix seconds"),
        (answer(one("ifInErrors", [1, "-4"], instance="a")), "values[0]: found [1, '-4']; expected [Unix seconds"),
        (answer(one("ifInErrors", [1, None], instance="a")), "values[0]: found [1, None]; expected [Unix seconds"),
        (answer(one("ifInErrors", [1e14, "4"], instance="a")), "values[0]: found the time '100000000000000.0' (milli"),
        (b"<html>502</html>", "m.json:1: found Expecting value at column 1; expected JSON"),
    ],
)
def test_what_breaks_the_format_is_named_with_its_place(document: object, message: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        read(document)
    assert message in str(caught.value)


@pytest.mark.parametrize("rule", RULE_FILE["metric"], ids=lambda rule: f"{rule['metric']} {rule['names'][0]}")
def test_every_rule_reads_its_example_and_leaves_its_counterexample(rule: dict[str, Any]) -> None:
    name, text, reads = rule["example"]
    meaning = meaning_of(name)
    assert meaning is not None
    assert (meaning.metric.value, value_of(meaning, text)) == (rule["metric"], float(reads))
    assert meaning_of(rule["counterexample"][0]) is None
    assert rule["source"]


def test_every_name_of_the_rules_and_of_the_bundle_means_its_metric() -> None:
    for rule in RULE_FILE["metric"]:
        for name in rule["names"]:
            meaning = meaning_of(name.replace("*", "gnmi_"))
            assert meaning is not None
            assert meaning.metric == rule["metric"]
    assert [meaning.metric for metric in Metric if (meaning := meaning_of(metric)) is not None] == list(Metric)
