"""One port has many spellings: the drawing's, the log's, the counter's."""

from __future__ import annotations

import pytest

from attribution.model.ports import canonical_port, find_link, is_logical, parent_of
from tests.detectors.chain import CHAIN, join, network, node

SWITCH = network(
    [node("edge"), node("north"), node("south"), node("west")],
    [
        join("edge GigabitEthernet0/1", "north a"),
        join("edge GigabitEthernet0/11", "south a"),
        join("edge xe-0/0/1", "west a"),
    ],
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GigabitEthernet0/1", "Gi0/1"),
        ("GigabitEthernet0/1", "gi 0/1"),
        ("TenGigabitEthernet1/0/3", "Te1/0/3"),
        ("Ethernet1/7", "Eth1/7"),
        ("XGigabitEthernet0/0/1", "XGE0/0/1"),
        ("Port-channel5", "Po5"),
        ("Vlanif100", "Vlan100"),
        ("xe-0/0/1", "XE-0/0/1"),
        ("Bridge-Aggregation1", "BAGG1"),
        ("Route-Aggregation2", "RAGG2"),
        ("Bundle-Ether7", "BE7"),
    ],
)
def test_abbreviations_name_the_same_port(one: str, other: str) -> None:
    assert canonical_port(one) == canonical_port(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Gi0/1", "Gi0/11"), ("Gi0/1", "Te0/1"), ("eth0", "eth1"), ("mgmt", "management"), ("Gi0/1", "Gi1/1")],
)
def test_different_ports_stay_different(one: str, other: str) -> None:
    assert canonical_port(one) != canonical_port(other)


@pytest.mark.parametrize(
    ("port", "neighbour"),
    [
        ("GigabitEthernet0/1", "north"),
        ("Gi0/1", "north"),
        ("Gi0/11", "south"),
        ("GigabitEthernet0/1.100", "north"),
        ("Gi0/11.7", "south"),
        ("xe-0/0/1", "west"),
        ("xe-0/0/1.0", "west"),
        ("xe-0/0/1:2", "west"),
    ],
)
def test_the_link_is_found_by_the_port_its_abbreviation_and_its_unit(port: str, neighbour: str) -> None:
    found = find_link(SWITCH, "edge", port)
    assert found is not None
    assert found.far_end("edge") == neighbour


@pytest.mark.parametrize("port", ["Gi0/2", "Gi0/1/1", "Loopback0", "Vlan1", "mgmt", "", "xe-0/0/2.0"])
def test_a_port_that_is_not_drawn_is_no_link(port: str) -> None:
    assert find_link(SWITCH, "edge", port) is None


def test_a_port_belongs_to_its_device() -> None:
    assert find_link(CHAIN, "cloud-edge", "Gi0/1") is None
    assert find_link(CHAIN, "no-such-device", "Gi0/1") is None


@pytest.mark.parametrize(
    ("one", "other"), [("GigabitEthernet0/0/1", "GE0/0/1"), ("Ten-GigabitEthernet1/0/1", "XGE1/0/1")]
)
def test_abbreviations_of_huawei_and_h3c_name_the_same_port(one: str, other: str) -> None:
    assert canonical_port(one) == canonical_port(other)


@pytest.mark.parametrize(
    "port",
    [
        *("Loopback0", "lo0.0", "Null0", "Vlan10", "Vlanif100", "irb.20", "BVI1", "br0", "Port-channel5", "Po5"),
        *("Bundle-Ether10", "ae1", "Eth-Trunk3", "Bridge-Aggregation1", "lag-1", "bond0", "Tunnel7", "st0.1"),
        *("MgmtEth0/RP0/CPU0/0", "Management1", "mgmt0", "MEth0/0/0", "M-GigabitEthernet0/0/0", "fxp0"),
    ],
)
def test_an_interface_that_is_no_port_of_its_own_is_known_by_its_name(port: str) -> None:
    assert is_logical(port)


@pytest.mark.parametrize(
    "port",
    [
        *("GigabitEthernet0/1", "Ethernet7", "et-0/0/9", "TenGigE0/0/0/2", "HundredGigE0/1/0/9", "100GE1/0/9"),
        *("eth0", "ens3", "bge0", "1/1/c4/1", "XGE0/0/1", "Gi0/1.100", "POS0/1", "vif12", "L1", "port2"),
    ],
)
def test_a_port_is_no_logical_interface(port: str) -> None:
    assert not is_logical(port)


@pytest.mark.parametrize(
    ("port", "parent"),
    [("Gi0/1.100", "Gi0/1"), ("xe-0/0/1.0", "xe-0/0/1"), ("et-0/0/1:2", "et-0/0/1"), ("eth0", "eth0")],
)
def test_a_unit_belongs_to_its_port(port: str, parent: str) -> None:
    assert parent_of(port) == parent
