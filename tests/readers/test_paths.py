"""Traceroutes by mtr and RIPE Atlas become the same traces as those in tables."""

from __future__ import annotations

import json
from typing import Any

import pytest

from attribution.errors import EvidenceError
from attribution.model.incident import EvidenceType
from attribution.model.observation import Caveat, Hop, Observation, PathTrace, ProbeResult
from attribution.readers import read_evidence
from tests.readers.material import origin

TEN = 1_795_428_000 * 10**9
MTR: dict[str, Any] = {
    "report": {
        "mtr": {"src": "idc-host", "dst": "172.16.0.9", "tos": 0, "tests": 10, "psize": "64", "bitpattern": "0x00"},
        "hubs": [
            {
                "count": 1,
                "host": "10.1.0.1",
                "Loss%": 0.0,
                "Snt": 10,
                "Last": 0.4,
                "Avg": 0.5,
                "Best": 0.3,
                "Wrst": 0.9,
            },
            {"count": 2, "host": "???", "Loss%": 100.0, "Snt": 10, "Last": 0.0, "Avg": 0.0, "Best": 0.0, "Wrst": 0.0},
            {"count": 3, "host": "pe1.example (192.0.2.5)", "Loss%": 30.0, "Snt": 10, "Last": 2.0, "Avg": 2.5},
        ],
    }
}
TRACEROUTE: dict[str, Any] = {
    "type": "traceroute", "msm_id": 5, "prb_id": 7, "timestamp": 1795428000, "proto": "ICMP",
    "src_addr": "10.1.0.2", "from": "203.0.113.9", "dst_addr": "172.16.0.9", "dst_name": "vpc-host",
    "result": [
        {"hop": 1, "result": [{"from": "10.1.0.1", "rtt": 0.5}, {"from": "10.1.0.1", "rtt": 1.5}, {"x": "*"}]},
        {"hop": 2, "result": [{"x": "*"}, {"x": "*"}, {"x": "*"}]},
        {"hop": 3, "result": [{"from": "10.9.0.1", "rtt": 3.0}, {"from": "10.9.0.2", "rtt": 4.0}, {"x": "*"}]},
        {"hop": 4, "error": "sendto failed: Network is unreachable"},
    ],
}  # fmt: skip
PING: dict[str, Any] = {
    "type": "ping", "msm_id": 6, "prb_id": 7, "timestamp": 1795428060, "proto": "ICMP",
    "src_addr": "10.1.0.2", "dst_addr": "172.16.0.9", "sent": 3, "rcvd": 1, "min": 4.0, "avg": 4.0, "max": 4.0,
    "result": [{"rtt": 4.0}, {"x": "*"}, {"x": "*"}],
}  # fmt: skip


def read(document: object, **settings: object) -> list[Observation | Caveat]:
    content = document if isinstance(document, str) else json.dumps(document)
    stated = {"settings": {"time": "2026-11-23T10:00:00Z"}, **settings}
    return list(read_evidence(content.encode(), origin(EvidenceType.PATHS, "p.json", **stated)))


def trace(document: object, **settings: object) -> PathTrace:
    (found,) = read(document, **settings)
    assert isinstance(found, PathTrace)
    return found


def test_an_mtr_report_takes_its_time_from_the_evidence_entry() -> None:
    found = trace(MTR, clock_offset_ns=5)
    assert (found.time_ns, found.source, found.destination) == (TEN + 5, "idc-host", "172.16.0.9")
    assert found.hops == (Hop(1, "10.1.0.1", 10, 10, 0.5), Hop(2, None, 10, 0), Hop(3, "192.0.2.5", 10, 7, 2.5))
    assert found.locator == "report"


def test_an_mtr_report_without_a_time_is_an_error_that_says_where_to_put_it() -> None:
    with pytest.raises(EvidenceError) as caught:
        read(MTR, settings={})
    assert str(caught.value) == (
        "p.json: found an mtr report, which has no time; expected `time:` on its evidence entry"
    )


def test_old_versions_of_mtr_write_their_numbers_as_text() -> None:
    old = json.loads(json.dumps(MTR))
    for hub in old["report"]["hubs"]:
        hub.update({key: str(item) for key, item in hub.items()})
    assert trace(old).hops == trace(MTR).hops


def test_the_entrys_device_names_the_source_where_mtr_only_knows_a_host_name() -> None:
    assert trace(MTR, device="ce1").source == "ce1"


def test_a_ripe_atlas_traceroute_keeps_every_address_that_answered_at_a_distance() -> None:
    found = trace(TRACEROUTE)
    assert (found.time_ns, found.source, found.destination) == (TEN, "10.1.0.2", "172.16.0.9")
    assert found.hops == (
        Hop(1, "10.1.0.1", 3, 2, 1.0),
        Hop(2, None, 3, 0),
        Hop(3, "10.9.0.1", 2, 1, 3.0),
        Hop(3, "10.9.0.2", 1, 1, 4.0),
    )


def test_a_ripe_atlas_ping_is_a_probe_and_minus_one_is_no_time() -> None:
    answered, silent = read([PING, {**PING, "rcvd": 0, "avg": -1, "max": -1}])
    assert isinstance(answered, ProbeResult)
    assert isinstance(silent, ProbeResult)
    assert (answered.sent, answered.received, answered.rtt_avg_ms, answered.protocol) == (3, 1, 4.0, "icmp")
    assert (silent.received, silent.rtt_avg_ms, silent.rtt_max_ms) == (0, None, None)
    assert (answered.locator, silent.locator) == ("[0]", "[1]")


def test_results_may_stand_one_a_line_as_ripe_atlas_streams_them() -> None:
    streamed = json.dumps(TRACEROUTE) + "\n" + json.dumps(PING) + "\n"
    assert [type(found) for found in read(streamed)] == [PathTrace, ProbeResult]


def test_other_measurements_are_counted_not_understood() -> None:
    assert read({"type": "dns", "timestamp": 1}) == [
        Caveat("p.json", "line 1", "a RIPE Atlas dns result is not a path")
    ]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"report": {"hubs": []}}, "p.json: report: found no 'mtr'; expected the key 'mtr'"),
        (
            {"report": {"mtr": {"src": "a", "dst": "b"}, "hubs": {}}},
            "report.hubs: found an empty mapping; expected a list",
        ),
        (
            {"report": {"mtr": {"src": "a", "dst": "b"}, "hubs": [{"count": 1, "host": "x", "Loss%": 101, "Snt": 1}]}},
            "p.json: report.hubs[0].Loss%: found 101; expected 0 to 100 per cent",
        ),
        ({"hubs": []}, "p.json: found no 'type'; expected the key 'type'"),
        ({**TRACEROUTE, "timestamp": None}, "p.json: found nothing under 'timestamp'"),
        ({**TRACEROUTE, "result": [{"hop": "first"}]}, "p.json: result[0].hop: found 'first'; expected a whole number"),
        ({**PING, "rcvd": 4}, "p.json: rcvd: found 4; expected at most the 3 sent"),
        ({"type": "ping", "timestamp": 1, "dst_addr": "b"}, "p.json: found no source; expected src_addr, from, or"),
        ("{]", "p.json:1: found Expecting property name"),
        ("3,4\n", "p.json:1: found no column 'time'"),
    ],
)
def test_what_breaks_the_format_is_named_with_its_place(document: object, message: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        read(document)
    assert message in str(caught.value)
