"""incident.yaml is checked key by key: a wrong one is named with its line and with what would have been right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.bundle import open_bundle
from attribution.errors import BundleError
from attribution.model.incident import EvidenceType, Incident, Interval, Origin, Service
from attribution.model.topology import Side
from attribution.readers import check_against_topology, read_incident, read_topology
from tests.readers.material import FILES, INCIDENT, PROBES, TOPOLOGY, FilesInMemory, write_folder


def read(text: str = INCIDENT, files: Mapping[str, str | bytes] | None = None) -> Incident:
    return read_incident(text.encode(), FilesInMemory({**FILES, **(files or {})}))


def refused(text: str) -> str:
    with pytest.raises(BundleError) as caught:
        read(text)
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert old in INCIDENT
    return INCIDENT.replace(old, new, 1)


def test_a_whole_statement() -> None:
    start = 1_795_428_030 * 10**9
    assert read() == Incident(
        id="INC-1",
        title="Connection interrupted",
        agreement="tencent-cross-region-connection",
        service=Service(("idc-host", "vpc-host"), 1e8),
        window=Interval(start, start + 90 * 10**9),
        topology_file="topology.json",
        origins=(
            Origin(
                "telemetry/probes.csv",
                EvidenceType.PROBES,
                supplied_by=Side.CUSTOMER,
                window_year=2026,
                window_month=11,
            ),
            Origin(
                "captures/ce1.pcap",
                EvidenceType.CAPTURE,
                supplied_by=Side.PROVIDER,
                device="ce1",
                interface="eth1",
                clock_offset_ns=-250_000_000,
                window_year=2026,
                window_month=11,
            ),
        ),
    )


def test_times_may_be_quoted_or_unix_seconds_and_names_may_look_like_numbers_or_truth_values() -> None:
    text = changed("2026-11-23T10:00:30Z", "'2026-11-23T18:00:30+08:00'").replace("2026-11-23T10:02:00Z", "1795428120")
    text = text.replace("INC-1", "0042").replace("[idc-host, vpc-host]", "[no, 007]")
    incident = read(text)
    assert (incident.window, incident.id, incident.service.ends) == (read().window, "0042", ("no", "007"))


def test_optional_keys_of_the_statement_and_of_an_entry() -> None:
    entry = "    timezone: Asia/Shanghai\n    time: 2026-11-23T10:00:40Z\n    labels: {device: sysName}\n"
    text = (
        INCIDENT.replace("  bandwidth_bps: 100000000", "  account: '100012345678'").replace("title:", "title: #")
        + entry
    )
    incident = read(text)
    assert (incident.title, incident.service.bandwidth_bps, incident.service.account) == ("", None, "100012345678")
    assert incident.origins[1].timezone_name == "Asia/Shanghai"
    assert incident.origins[1].settings == {"time": "2026-11-23T10:00:40Z", "labels": {"device": "sysName"}}


def test_an_incident_without_evidence_is_still_one() -> None:
    assert read(INCIDENT.partition("evidence:")[0] + "evidence: []\n").origins == ()


def test_a_type_that_is_left_out_is_told_by_the_content() -> None:
    assert read(changed("    type: probes\n", "")).origins[0].type is EvidenceType.PROBES


def test_a_type_that_is_left_out_where_the_content_does_not_tell_is_an_error() -> None:
    with pytest.raises(BundleError) as caught:
        read(changed("    type: probes\n", ""), {"telemetry/probes.csv": "hello\n"})
    assert str(caught.value).startswith("incident.yaml:13: evidence[0].file: found content that does not tell its type")
    assert "expected `type:` on its entry: capture, syslog" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema: 1", "schema: 2", "incident.yaml:1: schema: found '2'; expected 1, the only schema version there is"),
        ("schema: 1\n", "", "incident.yaml:1: found no 'schema'; expected the key 'schema'"),
        ("id: INC-1\n", "", "found no 'id'; expected the key 'id'"),
        ("id: INC-1\n", "id:\n", "found nothing under 'id'; expected the key 'id'"),
        ("id: INC-1\n", "id: [a]\n", "incident.yaml:2: id: found a list of 1; expected text"),
        ("agreement:", "agrement:", "incident.yaml:4: agrement: found the unknown key 'agrement'"),
        ("agreement:", "agrement:", "(is 'agreement' meant?)"),
        ("  ends:", "  end:", "incident.yaml:6: service.end: found the unknown key 'end'; expected ends"),
        ("[idc-host, vpc-host]", "[idc-host]", "incident.yaml:6: service.ends: found 1 ends; expected two nodes"),
        ("[idc-host, vpc-host]", "[a, a]", "incident.yaml:6: service.ends[1]: found 'a' twice; expected two different"),
        ("[idc-host, vpc-host]", "idc-host", "service.ends: found 'idc-host'; expected a list of two nodes"),
        (
            "100000000",
            "-1",
            "incident.yaml:7: service.bandwidth_bps: found '-1'; expected bits per second, more than 0",
        ),
        ("100000000", "100M", "service.bandwidth_bps: found '100M'; expected bits per second"),
        ("10:00:30Z", "10:00:30", "incident.yaml:9: window.start: found the time '2026-11-23T10:00:30' without a zone"),
        ("2026-11-23T10:02:00Z", "soon", "incident.yaml:10: window.end: found the time 'soon'; expected RFC 3339"),
        ("10:02:00Z", "09:02:00Z", "incident.yaml:10: window.end: found 2026-11-23T09:02:00Z, before the start"),
        ("  end:", "  until:", "incident.yaml:10: window.until: found the unknown key 'until'; expected start or end"),
        ("topology.json", "topologie.json", "incident.yaml:11: topology: found no file 'topologie.json'"),
        ("type: probes", "type: probe", "incident.yaml:14: evidence[0].type: found 'probe'; expected capture, syslog"),
        ("type: probes", "type: probe", "(is 'probes' meant?)"),
        ("by: customer", "by: vendor", "15: evidence[0].supplied_by: found 'vendor'; expected customer or provider"),
        ("    supplied_by: customer\n", "", "incident.yaml:13: evidence[0]: found no 'supplied_by'; expected the key"),
        ("supplied_by: customer", "suplied_by: customer", "evidence[0].suplied_by: found the unknown key 'suplied_by'"),
        ("supplied_by: customer", "suplied_by: customer", "(is 'supplied_by' meant?)"),
        ("telemetry/probes.csv", "probes.csv", "incident.yaml:13: evidence[0].file: found no file 'probes.csv'"),
        (
            "    device: ce1\n",
            "",
            "incident.yaml:16: evidence[1]: found a capture without a device; expected `device:`",
        ),
        ("-0.25", "a bit", "incident.yaml:21: evidence[1].clock_offset_s: found 'a bit'; expected seconds to add"),
        ("-0.25", ".nan", "evidence[1].clock_offset_s: found '.nan'; expected seconds"),
        ("clock_offset_s: -0.25", "timezone: Mars", "evidence[1].timezone: found 'Mars'; expected a time zone such as"),
        ("clock_offset_s: -0.25", "time: noon", "incident.yaml:21: evidence[1].time: found the time 'noon'"),
        ("clock_offset_s: -0.25", "labels: sysName", "evidence[1].labels: found 'sysName'; expected a mapping"),
    ],
)
def test_what_breaks_the_contract_is_named_with_line_key_finding_and_remedy(old: str, new: str, message: str) -> None:
    assert message in refused(changed(old, new))


def test_evidence_that_is_no_list() -> None:
    text = INCIDENT.partition("evidence:")[0] + "evidence: none\n"
    assert refused(text) == "incident.yaml:12: evidence: found 'none'; expected a list of files"


def test_the_same_file_twice_would_count_its_evidence_twice() -> None:
    again = "  - {file: telemetry/probes.csv, type: probes, supplied_by: provider}\n"
    assert (
        "evidence[2].file: found 'telemetry/probes.csv' again, as in evidence[0]; expected each file once"
        in refused(INCIDENT + again)
    )


def test_an_empty_file_is_named_where_it_is_listed() -> None:
    with pytest.raises(BundleError) as caught:
        read(files={"telemetry/probes.csv": b""})
    assert str(caught.value) == (
        "incident.yaml:13: evidence[0].file: found 'telemetry/probes.csv', which is empty (0 octets); "
        "expected a file with content"
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("../secret.csv", "outside the folder"),
        ("/etc/passwd", "outside the folder"),
        ("telemetry", "which is a folder"),
        ("truth.yaml", "the labelled answer"),
        ("telemetry/probe.csv", "(is 'telemetry/probes.csv' meant?)"),
    ],
)
def test_a_file_that_may_not_be_read_is_named_with_the_line_that_lists_it(
    tmp_path: Path, name: str, found: str
) -> None:
    (tmp_path / "secret.csv").write_text(PROBES)
    files = {**FILES, "truth.yaml": "party: customer"}
    folder = write_folder(tmp_path / "incident", files, incident=changed("telemetry/probes.csv", name))
    with open_bundle(folder) as bundle, pytest.raises(BundleError) as caught:
        read_incident(bundle.read("incident.yaml"), bundle)
    assert str(caught.value).startswith("incident.yaml:13: evidence[0].file: found ")
    assert found in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema: 1\nid: [1\n", "incident.yaml:3: found broken YAML"),
        ("schema: 1\nschema: 1\n", "incident.yaml:2: found the key 'schema' twice; expected it once"),
        ("- schema: 1\n", "incident.yaml:1: found a list of 1; expected a mapping of keys to values"),
        ("", "incident.yaml: found nothing; expected a mapping"),
        ("--- \nschema: 1\n---\nschema: 1\n", "incident.yaml:3: found a second document; expected one"),
        ("schema: &one 1\nid: *one\n", "incident.yaml:2: found a YAML alias; expected the value itself"),
        ("? [a]\n: b\n", "incident.yaml:1: found a key that is no word"),
        ("a: " + "[" * 500, "found values nested too deeply; expected at most 64 levels"),
        ("schema: 1\nid: 'null'\nagreement: null\n", "incident.yaml:1: found no 'window'"),
        ("schema: 1\nid: \x01\n", "incident.yaml: found characters that YAML does not allow"),
    ],
)
def test_what_is_no_statement_at_all(text: str, message: str) -> None:
    assert message in refused(text)


def test_text_in_another_encoding_is_named_by_its_octet() -> None:
    with pytest.raises(BundleError, match=r"incident\.yaml:2: found the octet 0xff; expected UTF-8 text"):
        read_incident(b"schema: 1\nid: \xff\n", FilesInMemory())


@given(st.binary() | st.text().map(str.encode) | st.sampled_from(INCIDENT.splitlines()).map(str.encode))
def test_any_content_is_a_statement_or_the_documented_error(content: bytes) -> None:
    with pytest.raises(BundleError):
        read_incident(content, FilesInMemory())


@given(st.integers(min_value=0, max_value=len(INCIDENT)), st.text(max_size=3), st.integers(min_value=0, max_value=9))
def test_a_statement_with_a_few_other_characters_is_one_or_the_documented_error(at: int, new: str, cut: int) -> None:
    try:
        read(INCIDENT[:at] + new + INCIDENT[at + cut :])
    except BundleError as error:
        assert error.place.startswith("incident.yaml")


def test_service_ends_and_capture_points_are_nodes_of_the_topology() -> None:
    topology, _ = read_topology(TOPOLOGY.encode(), "topology.json")
    assert check_against_topology(read(), topology) == ()
    for old, new, message in (
        (
            "vpc-host]",
            "vpc-hots]",
            "incident.yaml: service.ends[1]: found the unknown device 'vpc-hots'; "
            "expected a node of topology.json (is 'vpc-host' meant?)",
        ),
        ("device: ce1", "device: ce9", "incident.yaml: evidence[1].device: found the unknown device 'ce9'"),
    ):
        with pytest.raises(BundleError) as caught:
            check_against_topology(read(changed(old, new)), topology)
        assert message in str(caught.value)


def test_other_devices_outside_the_topology_are_evidence_of_nothing_and_shown() -> None:
    topology, _ = read_topology(TOPOLOGY.encode(), "topology.json")
    log = "  - {file: rtr9.log, type: syslog, supplied_by: provider, device: rtr9}\n"
    incident = read(changed("interface: eth1", "interface: eth7") + log, {"rtr9.log": "<1>x\n"})
    assert [(caveat.locator, caveat.reason) for caveat in check_against_topology(incident, topology)] == [
        ("evidence[1].interface", "captures/ce1.pcap was taken at ce1 eth7, which no link of the topology uses"),
        ("evidence[2].device", "rtr9.log is of rtr9, which is not in the topology: evidence of nothing on it"),
    ]


def test_the_material_of_these_tests_is_itself_a_bundle(tmp_path: Path) -> None:
    with open_bundle(write_folder(tmp_path)) as bundle:
        incident = read_incident(bundle.read("incident.yaml"), bundle)
        assert json.loads(bundle.read(incident.topology_file))["nodes"]
