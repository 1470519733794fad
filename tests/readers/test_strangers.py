"""Devices outside the topology are allowed, are evidence of nothing on it, and are counted."""

from __future__ import annotations

from attribution.model.incident import EvidenceType
from attribution.model.observation import Caveat, Observation
from attribution.readers import count_strangers, read_evidence, read_topology
from tests.readers.material import PROBES, TOPOLOGY, origin

COUNTERS = """\
time,device,interface,metric,value
1,pe1,GE0/0/1,in_octets,1
1,pe1,GE0/0/9,in_octets,1
2,pe1,GE0/0/9,in_octets,1
1,pe7,GE0/0/1,in_octets,1
"""
FLOWS = (
    "time,source,destination,path,sent,lost\n1,idc-host,vpc-host,idc-host>ce1>pe1>vpc-host|idc-host>pe8>vpc-host,9,0\n"
)


def strangers(kind: EvidenceType, table: str) -> list[tuple[str, str, int]]:
    topology, _ = read_topology(TOPOLOGY.encode(), "topology.json")
    found = [item for item in read_evidence(table.encode(), origin(kind, "t.csv")) if isinstance(item, Observation)]
    return [(caveat.file, caveat.locator, caveat.count) for caveat in count_strangers(found, topology)]


def test_unknown_devices_and_interfaces_are_counted_in_each_file() -> None:
    assert strangers(EvidenceType.INTERFACE_COUNTERS, COUNTERS) == [("t.csv", "pe1 GE0/0/9", 2), ("t.csv", "pe7", 1)]
    assert strangers(EvidenceType.FLOWS, FLOWS) == [("t.csv", "pe8", 1)]


def test_ends_may_be_addresses_of_the_topology() -> None:
    assert strangers(EvidenceType.PROBES, PROBES) == []
    assert strangers(EvidenceType.PROBES, PROBES.replace("172.16.0.9", "198.51.100.9")) == [
        ("t.csv", "198.51.100.9", 1)
    ]


def test_the_caveat_says_what_it_means() -> None:
    topology, _ = read_topology(TOPOLOGY.encode(), "topology.json")
    table = "time,event,detail\n1,suspended,x\n"
    assert count_strangers([], topology) == ()
    found = list(read_evidence(table.encode(), origin(EvidenceType.ACCOUNT_EVENTS)))
    assert not any(isinstance(item, Caveat) for item in found)
    assert count_strangers([item for item in found if isinstance(item, Observation)], topology) == ()
