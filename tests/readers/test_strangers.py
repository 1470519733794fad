"""Devices outside the topology are allowed, are evidence of nothing on it, and are counted."""

from __future__ import annotations

import pytest

from attribution.model.incident import EvidenceType
from attribution.model.observation import Caveat, CounterSample, Observation
from attribution.model.topology import Node, NodeKind, Side, Topology
from attribution.readers import count_strangers, read_evidence, read_topology, recognise_devices
from tests.readers.material import PROBES, TOPOLOGY, origin

COUNTERS = """\
time,device,interface,metric,value
1,pe1,GE0/0/1,in_octets,1
1,pe1,GE0/0/9,in_octets,1
2,pe1,GE0/0/9,in_octets,1
1,pe7,GE0/0/1,in_octets,1
"""
COUNTERS_OF = "time,device,interface,metric,value\n1,{},GE0/0/1,in_octets,1\n"
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


@pytest.mark.parametrize(
    ("named", "device"),
    [
        ("pe1", "pe1"),
        ("PE1", "pe1"),
        ("pe1.gz.example.net", "pe1"),
        ("Pe1.GZ.example.net.", "pe1"),
        ("pe1-lo0", None),
        ("pe", None),
        ("10.example.net", None),
        ("192.0.2.1", "ce1"),
        ("172.16.0.9", None),
        ("198.51.100.9", None),
    ],
)
def test_a_device_is_known_by_its_host_name_or_an_address(named: str, device: str | None) -> None:
    topology, _ = read_topology(TOPOLOGY.encode(), "topology.json")
    (found,) = read_evidence(COUNTERS_OF.format(named).encode(), origin(EvidenceType.INTERFACE_COUNTERS, "t.csv"))
    assert isinstance(found, CounterSample)
    (seen,) = recognise_devices([found], topology)
    assert isinstance(seen, CounterSample)
    assert (seen.device, seen.value) == (device or named, found.value)


def test_a_name_that_two_devices_may_mean_means_none() -> None:
    names = ("ce1.gz", "ce1.sh", "pe1.gz", "PE2", "pe2")
    drawn = Topology({name: Node(name, Side.CUSTOMER, NodeKind.ROUTER) for name in names}, {})
    assert drawn.node_called("ce1") is drawn.node_called("Pe2") is None
    assert drawn.node_called("pe1.sh") is None
    assert [drawn.node_called(name) for name in ("pe1", "CE1.SH", "pe2")] == ["pe1.gz", "ce1.sh", "pe2"]


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
