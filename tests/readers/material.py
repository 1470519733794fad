"""Small incidents in memory and on disk, for the tests of reading: whole, so that each test can break one thing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from attribution.errors import BundleError
from attribution.model.incident import EvidenceType, Origin
from attribution.model.topology import Side

INCIDENT = """\
schema: 1
id: INC-1
title: Connection interrupted
agreement: tencent-cross-region-connection
service:
  ends: [idc-host, vpc-host]
  bandwidth_bps: 100000000
window:
  start: 2026-11-23T10:00:30Z
  end: 2026-11-23T10:02:00Z
topology: topology.json
evidence:
  - file: telemetry/probes.csv
    type: probes
    supplied_by: customer
  - file: captures/ce1.pcap
    type: capture
    device: ce1
    interface: eth1
    supplied_by: provider
    clock_offset_s: -0.25
"""

NODES: tuple[dict[str, object], ...] = (
    {"id": "idc-host", "side": "customer", "kind": "host", "addresses": ["10.1.0.2"]},
    {"id": "ce1", "side": "customer", "kind": "router", "addresses": ["10.1.0.1", "192.0.2.1"]},
    {"id": "pe1", "side": "provider", "kind": "router", "vendor": "Huawei", "resource_ids": ["dcx-0a1b2c3d"]},
    {"id": "vpc-host", "side": "customer", "kind": "host", "addresses": ["172.16.0.0/24", "2001:db8::7"]},
)
LINKS: tuple[dict[str, object], ...] = (
    {"source": "idc-host", "target": "ce1", "interfaces": {"idc-host": "eth0", "ce1": "eth0"}},
    {"source": "ce1", "target": "pe1", "interfaces": {"ce1": "eth1", "pe1": "GE0/0/1"}, "capacity_bps": 1e9},
    {"source": "pe1", "target": "vpc-host", "side": "provider", "operator": "MetroFibre Ltd"},
)
TOPOLOGY = json.dumps({"directed": False, "multigraph": False, "nodes": NODES, "edges": LINKS})
PROBES = """\
time,source,destination,kind,sent,received,rtt_avg_ms,rtt_max_ms
2026-11-23T10:00:30Z,idc-host,vpc-host,icmp,10,10,1.5,2.25
2026-11-23T10:00:31.000000001Z,idc-host,172.16.0.9,tcp,10,0,,
"""
FILES: dict[str, str] = {
    "incident.yaml": INCIDENT,
    "topology.json": TOPOLOGY,
    "telemetry/probes.csv": PROBES,
    "captures/ce1.pcap": "a capture, for all that reading incident.yaml cares",
}


class FilesInMemory:
    """The files beside incident.yaml, without a folder."""

    def __init__(self, files: Mapping[str, str | bytes] = FILES) -> None:
        self._files = files

    def read(self, name: str) -> bytes:
        if name not in self._files:
            raise BundleError(name, f"found no file {name!r}", "expected a file of the bundle")
        content = self._files[name]
        return content.encode() if isinstance(content, str) else content

    def head(self, name: str) -> bytes:
        return self.read(name)[: 1 << 16]


def write_folder(folder: Path, files: Mapping[str, str | bytes] = FILES, **changed: str | bytes) -> Path:
    """The files of an incident in a folder; `incident` and `topology` replace incident.yaml and topology.json."""
    named = {"incident": "incident.yaml", "topology": "topology.json"}
    for name, content in {**files, **{named[key]: content for key, content in changed.items()}}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def origin(kind: EvidenceType, file: str = "telemetry/file", **changed: object) -> Origin:
    """One file's origin, supplied by the customer unless changed."""
    stated: dict[str, object] = {"file": file, "type": kind, "supplied_by": Side.CUSTOMER, **changed}
    return Origin(**stated)  # type: ignore[arg-type]
