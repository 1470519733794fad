"""Frames that scapy built, renamed and dissected by scapy again."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from scapy.contrib.bgp import BGPHeader, BGPNLRI_IPv4, BGPOpen, BGPPAAggregator, BGPPANextHop, BGPPathAttr, BGPUpdate
from scapy.contrib.geneve import GENEVE
from scapy.contrib.mpls import MPLS
from scapy.contrib.ospf import OSPF_Hdr, OSPF_Hello, OSPF_Link, OSPF_LSUpd, OSPF_Router_LSA
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPerror
from scapy.layers.inet6 import ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import ARP, GRE, Dot1AD, Dot1Q, Ether
from scapy.layers.ppp import PPP, PPPoE
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from tests.transform.addresses import AddressMap
from tests.transform.frames import FrameNames, rename_frame

NAMES = FrameNames(AddressMap("frames"), {b"rtr23": b"kxqz7"})
INNER = IP(src="10.1.2.3", dst="172.16.4.5") / TCP(sport=40000, dport=5201, seq=7) / Raw(b"payload")
LINK = Ether(src="00:1b:54:00:00:01", dst="00:e0:fc:00:00:02")


def renamed(packet: Packet) -> Packet:
    """The packet after the way to octets, through the renaming, and back."""
    frame = bytearray(bytes(packet))
    length = len(frame)
    rename_frame(frame, 1, NAMES)
    assert len(frame) == length
    return Ether(bytes(frame))


def new(address: str) -> str:
    return NAMES.addresses.text(address)


def assert_checksums_right(packet: Packet) -> None:
    """Building the packet anew, without the checksums that it carries, gives the same octets."""
    again = packet.copy()
    layer = again
    while layer:
        for field in ("chksum", "cksum"):
            if field in layer.fields and not (isinstance(layer, UDP) and layer.fields[field] == 0):
                delattr(layer, field)
        layer = layer.payload
    assert bytes(again) == bytes(packet)


@pytest.mark.parametrize(
    "packet",
    [
        LINK / INNER,
        LINK / Dot1Q(vlan=7) / INNER,
        LINK / Dot1AD(vlan=9) / Dot1Q(vlan=7) / INNER,
        LINK / MPLS(label=100, s=0) / MPLS(label=200, s=1) / INNER,
        LINK / PPPoE() / PPP(proto=0x0021) / INNER,
        LINK / IP(src="192.0.2.1", dst="192.0.2.2") / INNER,
        LINK / IP(src="192.0.2.1", dst="192.0.2.2") / GRE() / INNER,
        LINK / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=50000, dport=4789) / VXLAN(vni=5) / LINK / INNER,
        LINK / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=50000, dport=6081) / GENEVE(vni=5) / LINK / INNER,
    ],
    ids=["plain", "vlan", "qinq", "mpls", "pppoe", "ip-in-ip", "gre", "vxlan", "geneve"],
)
def test_addresses_are_replaced_below_every_encapsulation(packet: Packet) -> None:
    frame = renamed(packet)
    innermost = frame[TCP].underlayer
    assert (innermost.src, innermost.dst) == (new("10.1.2.3"), new("172.16.4.5"))
    assert frame[TCP].load == b"payload"
    assert frame.src != LINK.src
    assert_checksums_right(frame)
    for address in ("10.1.2.3", "172.16.4.5", "192.0.2.1", "192.0.2.2"):
        assert ip_address(address).packed not in bytes(frame)


def test_arp_names_both_ends() -> None:
    request = ARP(hwsrc="00:1b:54:00:00:01", psrc="10.1.2.3", hwdst="00:00:00:00:00:00", pdst="10.1.2.4")
    frame = renamed(LINK / request)
    assert (frame[ARP].psrc, frame[ARP].pdst) == (new("10.1.2.3"), new("10.1.2.4"))
    assert frame[ARP].hwsrc == frame.src
    assert frame[ARP].hwdst == "00:00:00:00:00:00"


def test_an_icmp_error_quotes_the_renamed_packet() -> None:
    quoted = IP(src="10.1.2.3", dst="172.16.4.5", ttl=1) / UDP(sport=40000, dport=33434) / Raw(b"0" * 32)
    frame = renamed(LINK / IP(src="10.9.9.9", dst="10.1.2.3") / ICMP(type=11) / quoted)
    assert (frame[IPerror].src, frame[IPerror].dst) == (new("10.1.2.3"), new("172.16.4.5"))
    assert_checksums_right(frame)


def test_an_ipv6_neighbour_solicitation_is_consistent() -> None:
    target = "2001:db8::1:2"
    option = ICMPv6NDOptSrcLLAddr(lladdr="00:1b:54:00:00:01")
    frame = renamed(LINK / IPv6(src="2001:db8::1:1", dst="ff02::1:ff01:2") / ICMPv6ND_NS(tgt=target) / option)
    assert frame[IPv6].src == new("2001:db8::1:1")
    assert frame[ICMPv6ND_NS].tgt == new(target)
    assert frame[ICMPv6NDOptSrcLLAddr].lladdr == frame.src
    assert_checksums_right(frame)


def test_bgp_tells_the_new_names_and_prefixes() -> None:
    host = b"\x02\x09\x49\x07\x05rtr23\x00"
    opened = BGPHeader(type=1, len=40) / BGPOpen(my_as=65001, hold_time=9, bgp_id="10.255.0.1", opt_param_len=11)
    frame = renamed(LINK / IP(src="10.1.2.3", dst="10.1.2.4") / TCP(sport=179, dport=41000) / Raw(bytes(opened) + host))
    assert ip_address(new("10.255.0.1")).packed in bytes(frame)
    assert b"kxqz7" in bytes(frame)
    assert b"rtr23" not in bytes(frame)

    hop = BGPPathAttr(type_flags=0x40, type_code=3, attribute=BGPPANextHop(next_hop="10.1.2.3"))
    aggregator = BGPPathAttr(
        type_flags=0xC0, type_code=7, attribute=BGPPAAggregator(aggregator_asn=65001, speaker_address="10.255.0.1")
    )
    update = BGPHeader(type=2) / BGPUpdate(path_attr=[hop, aggregator], nlri=[BGPNLRI_IPv4(prefix="172.16.4.0/23")])
    frame = renamed(LINK / IP(src="10.1.2.3", dst="10.1.2.4") / TCP(sport=179, dport=41000, flags="PA") / update)
    assert frame[BGPUpdate].nlri[0].prefix == NAMES.addresses.network("172.16.4.0/23")
    assert ip_address("10.1.2.3").packed not in bytes(frame)
    assert ip_address("10.255.0.1").packed not in bytes(frame)
    assert_checksums_right(frame)


def test_ospf_tells_the_new_routers_and_links() -> None:
    hello = OSPF_Hello(mask="255.255.255.252", router="10.1.2.1", backup="10.1.2.2", neighbors=["10.255.0.2"])
    frame = renamed(LINK / IP(src="10.1.2.1", dst="224.0.0.5") / OSPF_Hdr(src="10.255.0.1") / hello)
    assert frame[OSPF_Hdr].src == new("10.255.0.1")
    assert frame[OSPF_Hello].neighbors == [new("10.255.0.2")]
    assert frame[OSPF_Hello].mask == "255.255.255.252"
    assert_checksums_right(frame)

    link = OSPF_Link(type=2, id="10.1.2.1", data="10.1.2.2")
    state = OSPF_Router_LSA(id="10.255.0.1", adrouter="10.255.0.1", linklist=[link])
    packet = IP(src="10.1.2.1", dst="224.0.0.5") / OSPF_Hdr(src="10.255.0.1") / OSPF_LSUpd(lsalist=[state])
    frame = renamed(LINK / packet)
    mapped = frame[OSPF_Router_LSA]
    assert (mapped.id, mapped.linklist[0].id, mapped.linklist[0].data) == (
        new("10.255.0.1"), new("10.1.2.1"), new("10.1.2.2"),
    )  # fmt: skip
    del mapped.chksum
    assert_checksums_right(frame)


def test_a_wrong_checksum_stays_as_wrong_and_none_stays_none() -> None:
    frame = renamed(LINK / IP(src="10.1.2.3", dst="10.1.2.4") / UDP(sport=1, dport=2, chksum=0) / Raw(b"x"))
    assert frame[UDP].chksum == 0
    right = renamed(LINK / INNER)
    broken = INNER.copy()
    broken[TCP].chksum = 0x1234
    assert renamed(LINK / broken)[TCP].chksum != right[TCP].chksum


def test_words_in_a_payload_keep_their_length() -> None:
    request = b"GET / HTTP/1.1\r\nHost: 172.16.4.5\r\nVia: rtr23\r\n\r\n"
    frame = renamed(LINK / IP(src="10.1.2.3", dst="172.16.4.5") / TCP(dport=80) / Raw(request))
    assert frame[TCP].load == b"GET / HTTP/1.1\r\nHost: xxxxxxxxxx\r\nVia: kxqz7\r\n\r\n"
    assert_checksums_right(frame)


@pytest.mark.parametrize("length", range(0, 100, 4))
def test_a_frame_may_be_cut_anywhere(length: int) -> None:
    """What is left is renamed as it would have been in the whole frame, but for a hop that is cut itself."""
    whole = bytes(LINK / INNER)
    frame, cut = bytearray(whole), bytearray(whole[:length])
    rename_frame(frame, 1, NAMES)
    rename_frame(cut, 1, NAMES)
    if length >= 34:
        assert bytes(cut) == bytes(frame[: len(cut)])
