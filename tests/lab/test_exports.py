"""Exports: paths and cloud metrics in the forms in which their tools write them, and tags on tagged lines."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from tests.lab.captures import cut_capture
from tests.lab.cloudmonitor import monitor_data
from tests.lab.naming import draw_plan
from tests.lab.observed import Walk
from tests.lab.pathforms import atlas_results, mtr_report, path_rows
from tests.lab.recorders import Sample
from tests.lab.shapes import SHAPES

PLAN = draw_plan(SHAPES[0], 1, "generic")
WALKS = [
    Walk(1000.0, "host-a", "host-b", ((1, "10.0.0.1", 0.2), (2, "", None), (3, "10.0.0.9", 0.5))),
    Walk(1005.0, "host-a", "host-b", ((1, "10.0.0.1", 0.4), (2, "", None), (3, "", None))),
]


def test_a_hop_without_an_answer_has_no_address_and_no_round_trip() -> None:
    rows = path_rows(PLAN, WALKS, 0.0)
    assert rows[1] == ("1970-01-01T00:16:40.000Z", "host-a", "host-b", 2, "", 1, 0, "")
    assert len(rows) == 6


def test_an_mtr_report_sums_up_each_hop() -> None:
    report = json.loads(mtr_report(PLAN, WALKS))["report"]
    assert report["mtr"]["dst"] == str(PLAN.address("host-b"))
    assert [(hub["host"], hub["Loss%"], hub["Snt"]) for hub in report["hubs"]] == [
        ("10.0.0.1", 0.0, 2), ("???", 100.0, 2), ("10.0.0.9", 50.0, 2)]


def test_atlas_results_carry_their_own_time() -> None:
    results = json.loads(atlas_results(PLAN, WALKS, 30.0))
    assert [result["timestamp"] for result in results] == [1030, 1035]
    assert results[0]["result"][1] == {"hop": 2, "result": [{"x": "*"}]}


def test_the_cloud_shows_no_point_where_nothing_was_measured() -> None:
    dead = range(1030, 1042)
    samples = [Sample(float(moment), "pe1", "p", "in_octets", moment * 125_000) for moment in range(1000, 1060, 2)
               if moment not in dead]
    answer = json.loads(monitor_data("InBandwidth", "dcx-1", samples, 0.0))["Response"]
    point = answer["DataPoints"][0]
    assert point["Dimensions"] == [{"Name": "directConnectConnId", "Value": "dcx-1"}]
    assert 1030 not in point["Timestamps"]
    assert 1010 in point["Timestamps"]
    assert all(abs(value - 1.0) < 0.01 for value in point["Values"])


def test_frames_of_a_tagged_line_carry_their_tag(tmp_path: Path) -> None:
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 128, 1)
    frame = bytes(range(12)) + b"\x08\x00" + b"payload"
    (tmp_path / "in.pcap").write_bytes(header + struct.pack("<IIII", 100, 0, len(frame), len(frame)) + frame)
    cut_capture(tmp_path / "in.pcap", tmp_path / "out.pcap", (99, 101), [], vlan=100)
    data = (tmp_path / "out.pcap").read_bytes()[24:]
    assert struct.unpack_from("<IIII", data) == (100, 0, len(frame) + 4, len(frame) + 4)
    assert data[16:] == frame[:12] + b"\x81\x00\x00\x64" + frame[12:]
