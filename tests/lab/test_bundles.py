"""Bundles: the recorded ones keep the contract's form, and thinning takes evidence away without touching the rest."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest
import yaml

from tests.lab.captures import compress, cut_capture
from tests.lab.collection import KEPT, THINNED, pack
from tests.lab.errors import UsageError
from tests.lab.recording import ROOT
from tests.lab.scenarios import scenario_named
from tests.lab.shapes import SHAPES, shape_named
from tests.lab.thin import PROFILES, profile_named, thin

PCAPS = ROOT / "pcaps"
BUNDLES = sorted(path.parent for path in PCAPS.glob("*/incident.yaml"))
every_bundle = pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.name)


@every_bundle
def test_a_recorded_bundle_holds_exactly_the_files_that_it_names(bundle: Path) -> None:
    incident = yaml.safe_load((bundle / "incident.yaml").read_text(encoding="utf-8"))
    named = {entry["file"] for entry in incident["evidence"]} | {incident["topology"], "incident.yaml", "truth.yaml"}
    present = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()}
    assert named == present
    assert all(entry["supplied_by"] in ("customer", "provider") for entry in incident["evidence"])


@every_bundle
def test_a_recorded_truth_names_party_clause_and_causes(bundle: Path) -> None:
    truth = yaml.safe_load((bundle / "truth.yaml").read_text(encoding="utf-8"))
    assert truth["party"] in ("customer", "provider", "shared", "neither", "undetermined")
    assert (truth["clause"] is None) == (truth["party"] in ("neither", "undetermined"))
    assert bool(truth["causes"]) == (truth["party"] != "neither")


def test_every_kept_incident_is_there() -> None:
    expected = {kept.folder for kept in KEPT} | {f"{folder}-{profile}" for folder, profile in THINNED}
    assert expected == {bundle.name for bundle in BUNDLES}


def test_the_kept_incidents_cover_kinds_networks_parties_profiles_and_clocks() -> None:
    assert len(BUNDLES) >= 60
    assert len({kept.scenario for kept in KEPT}) >= 45
    assert {kept.topology for kept in KEPT} == {shape.name for shape in SHAPES}
    assert {kept.profile for kept in KEPT} | {profile for _, profile in THINNED} == {item.name for item in PROFILES}
    scenarios = [scenario_named(kept.scenario) for kept in KEPT]
    parties = [scenario.party for scenario in scenarios if scenario is not None]
    assert set(parties) == {"customer", "provider", "shared", "neither", "undetermined"}
    assert min(parties.count("customer"), parties.count("provider")) >= 20
    assert sum(bool(kept.clocks) for kept in KEPT) >= 6


def test_the_kept_incidents_stay_small() -> None:
    assert sum(file.stat().st_size for file in PCAPS.rglob("*") if file.is_file()) <= 25_000_000


def test_packing_compresses_large_tables_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "incident.yaml").write_text("evidence:\n- {file: large.csv}\n- {file: small.csv}\n", encoding="utf-8")
    (tmp_path / "large.csv").write_text("time,device\n" * 4000, encoding="utf-8")
    (tmp_path / "small.csv").write_text("time,device\n", encoding="utf-8")
    pack(tmp_path)
    incident = yaml.safe_load((tmp_path / "incident.yaml").read_text(encoding="utf-8"))
    assert [entry["file"] for entry in incident["evidence"]] == ["large.csv.gz", "small.csv"]
    assert gzip.decompress((tmp_path / "large.csv.gz").read_bytes()).startswith(b"time,device\n")


def test_every_kept_incident_can_be_recorded_anew() -> None:
    for kept in KEPT:
        scenario, shape = scenario_named(kept.scenario), shape_named(kept.topology)
        assert scenario is not None
        assert shape is not None
        assert scenario.fits(shape), kept.folder


def test_thinning_to_the_ends_leaves_an_honest_answer_undetermined(tmp_path: Path) -> None:
    thin(PCAPS / "customer-edge-crash", profile_named("end-to-end-only"), tmp_path / "thin")
    truth = yaml.safe_load((tmp_path / "thin" / "truth.yaml").read_text(encoding="utf-8"))
    assert (truth["original_party"], truth["original_clause"]) == ("customer", "4.2(2)")
    incident = yaml.safe_load((tmp_path / "thin" / "incident.yaml").read_text(encoding="utf-8"))
    assert (truth["party"], truth["clause"]) == ("undetermined", None)
    assert [entry["file"] for entry in incident["evidence"]] == ["telemetry/probes-end-to-end.csv"]


def test_thinning_a_healthy_hour_leaves_nobody_to_blame(tmp_path: Path) -> None:
    thin(PCAPS / "healthy-hour", profile_named("end-to-end-only"), tmp_path / "thin")
    assert yaml.safe_load((tmp_path / "thin" / "truth.yaml").read_text(encoding="utf-8"))["party"] == "neither"


def test_a_profile_that_would_leave_a_doubtful_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="beyond doubt"):
        thin(PCAPS / "customer-shuts-access-port", profile_named("no-records"), tmp_path / "thin")


def test_a_dead_device_captures_nothing(tmp_path: Path) -> None:
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 128, 1)
    packets = b"".join(struct.pack("<IIII", second, 0, 4, 60) + b"\0" * 4 for second in range(100, 110))
    (tmp_path / "in.pcap").write_bytes(header + packets)
    cut_capture(tmp_path / "in.pcap", tmp_path / "out.pcap", (101, 108), [(103.0, 106.0)], lambda moment: moment + 50.0)
    data = (tmp_path / "out.pcap").read_bytes()
    times = [struct.unpack_from("<I", data, offset)[0] for offset in range(24, len(data), 20)]
    assert times == [151, 152, 156, 157, 158]


def test_compression_keeps_the_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content", encoding="utf-8")
    packed = compress(tmp_path / "file", "gz")
    assert gzip.decompress(packed.read_bytes()) == b"content"
    assert not (tmp_path / "file").exists()
