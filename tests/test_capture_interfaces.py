"""A capture of several ports of a device in one file: each packet is placed at the port that the file names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attribution.bundle import open_bundle
from attribution.model.observation import CaptureCoverage, Caveat, PairCount, TapCount
from attribution.packets import sizes
from attribution.pipeline import Reading
from tests.packets.making import START, enhanced, ethernet, interface, ipv4, option, section, tcp

LINKS = [("host", "eth0", "edge", "inside"), ("edge", "outside", "far", "eth0")]
STATEMENT = """
schema: 1
id: INC-1
title: Slow
agreement: tencent-cross-region-connection
service: {ends: [host, far]}
window: {start: 2027-01-15T08:00:00Z, end: 2027-01-15T08:01:00Z}
topology: topology.json
evidence:
- {file: edge.pcapng, type: capture, device: edge, supplied_by: customer}
"""


def incident(folder: Path, names: tuple[str, str]) -> Path:
    """The edge's two ports in one file; each twentieth of a hundred segments comes in by the first and leaves not."""
    nodes: list[dict[str, object]] = [{"id": "edge", "side": "customer", "kind": "router"}]
    nodes += [
        {"id": name, "side": "customer", "kind": "host", "addresses": [address]}
        for name, address in (("host", "10.0.0.1"), ("far", "10.0.0.2"))
    ]
    edges = [
        {"source": one, "target": other, "interfaces": {one: port, other: far_port}}
        for one, port, other, far_port in LINKS
    ]
    folder.mkdir()
    (folder / "topology.json").write_text(json.dumps({"nodes": nodes, "edges": edges}))
    (folder / "incident.yaml").write_text(STATEMENT)
    pieces = [section(), *(interface(options=option(2, name.encode())) for name in names)]
    for number in range(100):
        data = ethernet(ipv4(tcp(sequence=100 * number, payload=bytes(100)), 6, number=number + 1))
        heard = ethernet(ipv4(tcp(80, 1000, 1, 1), 6, "10.0.0.2", "10.0.0.1", number=number + 1))
        for place, (octets, port) in enumerate(((data, 0), (data, 1), (heard, 1), (heard, 0))):
            if port == 0 or octets == heard or number % 20 != 7:
                ticks = START // 1000 + 10_000 * number + 100 * place
                later = octets[:22] + bytes([octets[22] - place % 2]) + octets[23:]
                pieces.append(enhanced(ticks, later, number=port))
    (folder / "edge.pcapng").write_bytes(b"".join(pieces))
    return folder


@pytest.mark.parametrize("few", [sizes.FEW_PACKETS, 10], ids=["plain", "compiled"])
def test_the_ports_that_a_capture_file_names_are_where_its_packets_passed(
    tmp_path: Path, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "FEW_PACKETS", few)
    with open_bundle(incident(tmp_path / "named", ("inside", "outside"))) as bundle:
        seen = list(Reading(bundle).observe(()))

    assert {tap.interface for tap in seen if isinstance(tap, TapCount)} == {"inside", "outside"}
    captured = {one.interface: one.packets for one in seen if isinstance(one, CaptureCoverage)}
    assert captured == {"inside": 200, "outside": 195}
    pairs = [pair for pair in seen if isinstance(pair, PairCount) and pair.source == "10.0.0.1"]
    assert {(pair.first, pair.second) for pair in pairs} == {(("edge", "inside"), ("edge", "outside"))}
    assert sum(pair.lost for pair in pairs) == 5
    assert [caveat for caveat in seen if isinstance(caveat, Caveat) and "link type" in caveat.reason] == []


def test_packets_of_ports_that_nobody_knows_are_said_to_tell_no_place(tmp_path: Path) -> None:
    with open_bundle(incident(tmp_path / "unknown", ("eth7", "eth8"))) as bundle:
        told = [one for one in Reading(bundle).observe(()) if isinstance(one, Caveat)]

    assert [one.file for one in told if "nobody says at which of its ports" in one.reason] == ["edge.pcapng"]
