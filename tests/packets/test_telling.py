"""Which packets are worth keeping of a huge capture; the other tests of witnesses show that they suffice."""

from __future__ import annotations

from types import FunctionType

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.packets import telling
from attribution.packets.capture import read_capture
from attribution.packets.link_layers import LINK_ETHERNET
from attribution.packets.quick_decode import decode_quickly
from tests.packets.making import arp, echo, ethernet, ipv4, ipv6, origin, tcp, udp
from tests.transform.recorded import RECORDED, captures_of

RECORD = b"\x16\x03\x01\x00\x40\x01" + bytes(63)


def kind_of(octets: bytes) -> int:
    row = decode_quickly(octets, 0, len(octets), len(octets), LINK_ETHERNET, 0, 0)
    return telling.is_telling(list(row), octets, 0, len(octets))


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (ethernet(ipv4(tcp(4000, 443, payload=RECORD), 6)), telling.TELLING_TLS),
        (ethernet(ipv4(tcp(4000, 443, payload=b"\x17\x03\x03" + bytes(60)), 6)), 0),
        (ethernet(ipv4(tcp(4000, 443), 6)), 0),
        (ethernet(ipv4(tcp(4000, 179), 6)), telling.TELLING_BGP),
        (ethernet(ipv4(tcp(4000, 53), 6)), telling.TELLING_DNS),
        (ethernet(ipv4(udp(bytes(40), 53, 4000), 17)), telling.TELLING_DNS),
        (ethernet(ipv4(udp(bytes(40), 53, 4000), 17, fragment=0x2000)), telling.TELLING_DNS),
        (ethernet(ipv4(udp(bytes(40), 2049, 4000), 17, fragment=0x2000)), 0),
        (ethernet(ipv4(udp(bytes(40), 68, 67), 17)), telling.TELLING_DHCP),
        (ethernet(ipv4(udp(b"\xc0\0\0\0\1" + bytes(40), 4000, 443), 17)), telling.TELLING_QUIC),
        (ethernet(ipv4(udp(b"\x40\0\0\0\1" + bytes(40), 4000, 443), 17)), 0),
        (ethernet(ipv4(udp(bytes(24), 4000, 3784), 17)), telling.TELLING_ROUTING),
        (ethernet(ipv4(echo(8, 1, 1), 1)), telling.TELLING_ECHO),
        (ethernet(ipv4(bytes([3, 1]) + bytes(40), 1)), telling.TELLING_ICMP),
        (ethernet(ipv6(bytes([135]) + bytes(40), 58), 0x86DD), telling.TELLING_ICMP),
        (ethernet(ipv4(bytes(40), 89)), telling.TELLING_ROUTING),
        (ethernet(arp(1, 2, "10.0.0.1", "10.0.0.2"), 0x0806), telling.TELLING_ARP),
        (ethernet(ipv4(udp(), 17, ttl=9)), telling.TELLING_LAST_LIFE),
        (ethernet(ipv4(udp(), 17, "10.0.0.1", "239.1.1.1", ttl=1)), 0),
    ],
)
def test_what_tells_and_what_does_not(octets: bytes, kind: int) -> None:
    assert kind_of(octets) == kind


@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_a_packet_cut_anywhere_is_judged_without_reading_beyond_it(cut: int) -> None:
    for octets in (ethernet(ipv4(tcp(4000, 443, payload=RECORD), 6)), ethernet(ipv4(udp(bytes(40), 53, 1), 17))):
        assert kind_of(octets[:cut]) >= 0


@given(st.binary(max_size=200))
def test_any_octets_are_judged(octets: bytes) -> None:
    assert 0 <= kind_of(octets) <= telling.TELLING_LAST_LIFE


def compiled() -> FunctionType:
    """The functions bound to their compiled selves, as the bulk path does it."""
    names = dict(vars(telling))
    for name, function in vars(telling).items():
        if isinstance(function, FunctionType) and function.__module__ == telling.__name__:
            names[name] = numba.njit(FunctionType(function.__code__, names, name))
    found: FunctionType = names["is_telling"]
    return found


def test_compiled_it_judges_every_packet_of_a_recording_as_plain_python_does() -> None:
    judge = compiled()
    path = captures_of(RECORDED[0])[0]
    with path.open("rb") as stream:
        recorded = read_capture(stream, origin())
    plain = [
        telling.is_telling(list(row), octets, 0, len(octets))
        for row, octets in zip(recorded.packets, recorded.octets, strict=True)
    ]
    rows = np.array(recorded.packets, dtype=np.int64)
    quick = [
        judge(rows[index], np.frombuffer(octets, dtype=np.uint8), 0, len(octets))
        for index, octets in enumerate(recorded.octets)
    ]

    assert quick == plain
    assert any(plain)
    assert not all(plain)
