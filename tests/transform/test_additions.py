"""What is added stands in the bundle as the contract wants it, and off the path."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import pytest
import zstandard

from tests.transform.add import (
    add_unrelated,
    add_unrelated_alarms,
    duplicate_all,
    duplicate_all_packed,
    duplicate_file,
)
from tests.transform.archive import SUFFIXES, as_archive
from tests.transform.folder import entries_of, read_incident, read_octets, read_table, read_text
from tests.transform.graph import read_graph
from tests.transform.recorded import RECORDED, name_of


@pytest.mark.parametrize("bundle", RECORDED[::2], ids=name_of)
def test_the_added_device_is_on_no_path(bundle: Path, tmp_path: Path) -> None:
    added = add_unrelated(bundle, tmp_path / "added", 1)
    incident = read_incident(added)
    before = {node["id"] for node in read_graph(bundle / incident["topology"]).nodes}
    graph = read_graph(added / incident["topology"])
    (device,) = {node["id"] for node in graph.nodes} - before
    network = nx.Graph((link["source"], link["target"]) for link in graph.links)
    assert network.degree(device) == 1
    assert not any(device in way for way in nx.all_simple_paths(network, *incident["service"]["ends"]))
    new = [entry for entry in entries_of(incident) if entry not in entries_of(read_incident(bundle))]
    assert {entry["type"] for entry in new} == {"syslog", "change-records", "interface-counters"}
    assert all((added / entry["file"]).stat().st_size for entry in new)
    (changes,) = (added / entry["file"] for entry in new if entry["type"] == "change-records")
    assert [row["device"] for row in read_table(changes).rows] == [device]


@pytest.mark.parametrize("bundle", RECORDED[:1], ids=name_of)
def test_a_file_handed_in_twice_stands_there_twice(bundle: Path, tmp_path: Path) -> None:
    file = entries_of(read_incident(bundle))[0]["file"]
    doubled = duplicate_file(bundle, tmp_path / "doubled", file)
    *others, last = entries_of(read_incident(doubled))
    assert others == entries_of(read_incident(bundle))
    assert {**last, "file": file} == others[0]
    assert (doubled / last["file"]).read_bytes() == (bundle / file).read_bytes()


@pytest.mark.parametrize("bundle", RECORDED[::4], ids=name_of)
def test_other_tenants_alarms_are_about_nothing_that_is_drawn(bundle: Path, tmp_path: Path) -> None:
    added = add_unrelated_alarms(bundle, tmp_path / "added", 1)
    incident = read_incident(added)
    graph = read_graph(added / incident["topology"])
    drawn = {port for link in graph.links for port in link.get("interfaces", {}).values()}
    drawn |= {address.partition("/")[0] for node in graph.nodes for address in node.get("addresses", ())}
    new = [entry for entry in entries_of(incident) if entry not in entries_of(read_incident(bundle))]
    assert {entry["type"] for entry in new} == {"syslog"}
    for entry in new:
        lines = read_text(added / entry["file"]).splitlines()
        assert len(lines) == 10
        assert not any(f" {name}" in line for line in lines for name in drawn)
        senders = {line.split()[2] for line in lines}
        sides = {node["side"] for node in graph.nodes if node["id"] in senders}
        assert sides == {entry["supplied_by"]}


@pytest.mark.parametrize("double", [duplicate_all, duplicate_all_packed])
def test_all_files_handed_in_twice_state_the_same_twice(double: Callable[[Path, Path], Path], tmp_path: Path) -> None:
    bundle = RECORDED[0]
    doubled = double(bundle, tmp_path / "doubled")
    entries, before = entries_of(read_incident(doubled)), entries_of(read_incident(bundle))
    assert entries[: len(before)] == before
    assert len(entries) == 2 * len(before)
    for entry, again in zip(before, entries[len(before) :], strict=True):
        assert {**again, "file": entry["file"]} == entry
        assert read_octets(doubled / entry["file"]) == read_octets(doubled / again["file"])
    alike = {
        (doubled / entry["file"]).read_bytes() == (doubled / again["file"]).read_bytes()
        for entry, again in zip(before, entries[len(before) :], strict=True)
        if entry["type"] in ("capture", "probes")
    }
    assert alike == {double is duplicate_all}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("bundle", RECORDED[:1], ids=name_of)
def test_an_archive_holds_every_file(bundle: Path, suffix: str, tmp_path: Path) -> None:
    archive = as_archive(bundle, tmp_path / "incident", suffix)
    content = archive.read_bytes()
    if suffix == ".tar.zst":
        content = zstandard.ZstdDecompressor().stream_reader(content).read()
    if suffix == ".zip":
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    else:
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            names = tar.getnames()
    assert {f"{bundle.name}/{path.relative_to(bundle)}" for path in bundle.rglob("*")} == {
        name.rstrip("/") for name in names
    } - {bundle.name}
