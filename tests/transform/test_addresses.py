from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transform.addresses import AddressMap

MAP = AddressMap("seed")


def shared_bits(one: bytes, other: bytes) -> int:
    """How many leading bits two addresses have in common."""
    return len(one) * 8 - (int.from_bytes(one) ^ int.from_bytes(other)).bit_length()


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4))
def test_two_addresses_share_as_many_leading_bits_as_before(one: bytes, other: bytes) -> None:
    assert shared_bits(MAP.packed(one), MAP.packed(other)) == shared_bits(one, other)


@given(st.ip_addresses(v=4))
def test_private_stays_private_and_public_public(address: IPv4Address) -> None:
    mapped = ip_address(MAP.packed(address.packed))
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "224.0.0.0/4"):
        assert (mapped in ip_network(network)) == (address in ip_network(network))


@given(st.ip_addresses(v=6), st.integers(8, 60))
def test_an_ipv6_subnet_stays_a_subnet(address: IPv6Address, host: int) -> None:
    """Addresses of one /64 outside the ranges with a meaning of their own are in one /64 afterwards."""
    neighbour = IPv6Address(int(address) ^ 1 << (host % 24))
    one, other = MAP.packed(address.packed), MAP.packed(neighbour.packed)
    assert one[:8] == other[:8]
    assert one != other


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.5", "255.255.255.0", "255.255.255.255", "::", "ff02::1"]
)
def test_what_has_a_meaning_stays(address: str) -> None:
    assert MAP.text(address) == address


@pytest.mark.parametrize("prefix", ["10.1.2.0/24", "10.1.2.4/30", "172.16.0.0/16", "2001:db8:1::/48"])
def test_a_prefix_stays_a_prefix_of_its_addresses(prefix: str) -> None:
    network = ip_network(prefix)
    mapped = ip_network(MAP.network(prefix))
    assert mapped != network
    assert ip_address(MAP.text(str(network[1]))) in mapped


def test_the_default_route_stays() -> None:
    assert MAP.network("0.0.0.0/0") == "0.0.0.0/0"


def test_a_hardware_address_keeps_its_vendor() -> None:
    card = bytes.fromhex("001b54123456")
    mapped = MAP.hardware(card)
    assert mapped[:3] == card[:3]
    assert mapped != card


@pytest.mark.parametrize("group", ["ffffffffffff", "01005e000005", "333300000001", "000000000000", "00005e000101"])
def test_group_addresses_stay(group: str) -> None:
    assert MAP.hardware(bytes.fromhex(group)).hex() == group


def test_a_solicited_node_group_follows_the_address_it_is_made_from() -> None:
    card = bytes.fromhex("021b54123456")
    host = IPv6Address("2001:db8::1b:54ff:fe12:3456")
    group = IPv6Address("ff02::1:ff12:3456")
    tail = MAP.hardware(card)[3:]
    assert MAP.packed(host.packed)[13:] == tail
    assert MAP.packed(group.packed)[13:] == tail
    assert MAP.hardware(bytes.fromhex("3333ff123456"))[3:] == tail
