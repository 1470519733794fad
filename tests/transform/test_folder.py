"""Files are written back in the form in which they were read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.transform.folder import (
    Keys,
    Table,
    format_suffixes,
    read_octets,
    read_table,
    read_text,
    write_octets,
    write_table,
    write_text,
)
from tests.transform.graph import Graph, read_graph, write_graph

ROWS = [{"time": "1795396109.5", "device": "ce1", "value": "7"}, {"time": "1795396110.5", "device": "pe1", "value": ""}]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.zst", ".parquet"])
def test_a_table_comes_back_in_every_form(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"table{suffix}"
    write_table(path, Table(["time", "device", "value"], [dict(row) for row in ROWS]))
    table = read_table(path)
    assert table.columns == ["time", "device", "value"]
    assert table.rows == ROWS


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_octets_come_back_in_every_compression(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"file.pcap{suffix}"
    write_octets(path, b"\0\1\2" * 1000)
    assert read_octets(path) == b"\0\1\2" * 1000
    assert format_suffixes(path) == f".pcap{suffix}"


def test_octets_that_are_no_text_survive(tmp_path: Path) -> None:
    path = tmp_path / "device.log"
    path.write_bytes(b"caf\xe9 \xff\n")
    write_text(path, read_text(path))
    assert path.read_bytes() == b"caf\xe9 \xff\n"


@pytest.mark.parametrize("suffix", [".json", ".yaml", ".graphml"])
def test_a_topology_comes_back_in_every_form(suffix: str, tmp_path: Path) -> None:
    nodes: list[Keys] = [{"id": "ce1", "side": "customer", "addresses": ["10.0.0.1"]}, {"id": "pe1"}]
    parallel: list[Keys] = [
        {"source": "ce1", "target": "pe1", "key": key, "interfaces": {"ce1": f"eth{key}", "pe1": f"ge-0/0/{key}"}}
        for key in (0, 1)
    ]
    rest: Keys = {} if suffix == ".graphml" else {"directed": False, "multigraph": True, "graph": {}}
    graph = Graph(nodes, parallel, "links", rest)
    write_graph(tmp_path / f"topology{suffix}", graph)
    assert read_graph(tmp_path / f"topology{suffix}") == graph
