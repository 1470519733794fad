"""What neighbours on one link say: bridges, link aggregations, and who has which address."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from scapy.contrib.lacp import LACP
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import LLC, SNAP, STP, Dot1Q, Dot3, Ether

from attribution.model.observation import PacketWitness, WitnessKind
from tests.packets.making import START, Timed, arp, echo, ethernet, ipv4
from tests.packets.testimony import CLIENT, MS, SERVER, all_witnesses, at, frame, witnesses

BRIDGE, OTHER = "02:00:00:00:00:0b", "02:00:00:00:00:0c"


def bpdu(ms: float, *, flags: int = 0x3C, root: str = BRIDGE, bridge: str = BRIDGE, kind: int = 2) -> Timed:
    """A rapid spanning tree message; 0x3C is a designated port that forwards."""
    message = STP(
        version=2 if kind == 2 else 0, bpdutype=kind, bpduflags=flags, rootmac=root, bridgemac=bridge, portid=0x8001
    )
    return frame(ms, Dot3(src=bridge, dst="01:80:c2:00:00:00") / LLC(dsap=0x42, ssap=0x42, ctrl=3) / message)


def tree_changes(packets: list[Timed]) -> list[PacketWitness]:
    return witnesses(packets, WitnessKind.SPANNING_TREE_CHANGED)


def test_a_tree_that_stands_still_testifies_to_nothing() -> None:
    assert not all_witnesses([bpdu(2000 * turn) for turn in range(10)])


def test_a_topology_change_is_told_once_while_it_is_announced() -> None:
    packets = [bpdu(2000 * turn, flags=0x3D if 3 <= turn < 6 else 0x3C) for turn in range(10)]
    (found,) = tree_changes(packets)

    assert (found.sender, found.code, found.count) == (BRIDGE, "tc", 3)
    assert (found.time_ns, found.end_ns) == (START + 6000 * MS, START + 10000 * MS)


def test_a_bridge_notifies_the_root() -> None:
    notice = Dot3(src=OTHER, dst="01:80:c2:00:00:00") / LLC(dsap=0x42, ssap=0x42, ctrl=3) / bytes.fromhex("00000080")
    (found,) = tree_changes([frame(0, notice), frame(1000, notice)])

    assert (found.sender, found.code, found.count) == (OTHER, "tcn", 2)


def test_the_tree_has_another_root() -> None:
    packets = [bpdu(2000 * turn, root=BRIDGE if turn < 4 else OTHER) for turn in range(8)]
    (found,) = tree_changes(packets)

    assert (found.code, found.sender, found.about) == ("root", BRIDGE, OTHER)
    assert f"changes from {BRIDGE} to {OTHER}" in found.detail


def test_a_port_takes_another_role() -> None:
    packets = [bpdu(2000 * turn, flags=0x3C if turn < 4 else 0x38) for turn in range(8)]
    (found,) = tree_changes(packets)

    assert found.code == "role"
    assert "from designated to root" in found.detail


@pytest.mark.parametrize("tag", [None, Dot1Q(vlan=7)])
def test_a_tree_for_each_vlan_is_read_as_well(tag: Any) -> None:
    message = LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(OUI=0x0C, code=0x010B) / STP(bpduflags=1, bridgemac=BRIDGE)
    octets = bytes(message)
    link = Ether(src=BRIDGE, dst="01:00:0c:cc:cc:cd", type=0x8100) / tag if tag is not None else None
    if link is None:
        packet = bytes(Dot3(src=BRIDGE, dst="01:00:0c:cc:cc:cd", len=len(octets))) + octets
    else:
        packet = bytes(link)[:16] + struct.pack(">H", len(octets)) + octets
    (found,) = tree_changes([(START, packet)])

    assert (found.sender, found.code) == (BRIDGE, "tc")


IN_SERVICE, EXPIRED, DEFAULTED, ALONE = 0x3F, 0xBF, 0x47, 0x07


def lacpdu(ms: float, state: int, system: str = BRIDGE, partner: str = OTHER, port: int = 1, asks: int = 0x3F) -> Timed:
    message = LACP(
        actor_system=system, actor_port_number=port, actor_state=state, partner_system=partner, partner_state=asks
    )
    return frame(ms, Ether(src=system, dst="01:80:c2:00:00:02", type=0x8809) / b"\x01" / message)


def partners_lost(packets: list[Timed], patience_s: float = 1) -> list[PacketWitness]:
    return witnesses(packets, WitnessKind.LACP_PARTNER_LOST, patience_s)


def test_a_healthy_aggregation_testifies_to_nothing() -> None:
    packets = [lacpdu(1000 * turn, IN_SERVICE) for turn in range(10)]
    packets += [lacpdu(1000 * turn + 5, IN_SERVICE, OTHER, BRIDGE) for turn in range(10)]

    assert not all_witnesses(packets, 1)


@pytest.mark.parametrize(("state", "code"), [(EXPIRED, "expired"), (DEFAULTED, "defaulted"), (ALONE, "out_of_service")])
def test_a_member_says_that_its_partner_is_gone(state: int, code: str) -> None:
    packets = [lacpdu(1000 * turn, IN_SERVICE if turn < 5 else state) for turn in range(8)]
    (found,) = partners_lost(packets)

    assert (found.sender, found.about, found.code, found.count) == (BRIDGE, OTHER, code, 3)
    assert found.time_ns == START + 5000 * MS


def test_a_member_that_never_had_a_partner_has_lost_none() -> None:
    nobody = "00:00:00:00:00:00"

    assert not partners_lost([lacpdu(1000 * turn, DEFAULTED, partner=nobody) for turn in range(8)])


def test_a_member_falls_silent_while_its_partner_speaks_on() -> None:
    packets = [lacpdu(1000 * turn, IN_SERVICE) for turn in range(4)]
    packets += [lacpdu(1000 * turn + 5, IN_SERVICE, OTHER, BRIDGE) for turn in range(12)]
    (found,) = partners_lost(packets)

    assert (found.sender, found.about, found.code) == (BRIDGE, OTHER, "silent")


def test_whoever_is_asked_to_speak_every_thirty_seconds_may_be_silent_for_ninety() -> None:
    slow = 0x3D
    packets = [lacpdu(30000 * turn, IN_SERVICE, asks=slow) for turn in range(4)]
    packets += [lacpdu(1000 * turn + 5, IN_SERVICE, OTHER, BRIDGE) for turn in range(92)]

    assert not partners_lost(packets)


def test_other_slow_protocols_are_not_link_aggregation() -> None:
    maintenance = Ether(src=BRIDGE, dst="01:80:c2:00:00:02", type=0x8809) / (b"\x03" + bytes(60))

    assert not all_witnesses([frame(1000 * turn, maintenance) for turn in range(9)])


def asked_in_vain(packets: list[Timed]) -> list[PacketWitness]:
    return witnesses(packets, WitnessKind.ARP_UNANSWERED)


def conflicts(packets: list[Timed]) -> list[PacketWitness]:
    return witnesses(packets, WitnessKind.ARP_DUPLICATE)


def test_a_neighbour_does_not_answer() -> None:
    asked = [at(1000 * turn, arp(1, 0xA, CLIENT, SERVER), 0x0806) for turn in range(3)]
    (found,) = asked_in_vain(asked)

    assert (found.sender, found.about, found.count) == (CLIENT, SERVER, 3)
    answered = [*asked, *(at(1000 * turn + 1, arp(2, 0xB, SERVER, CLIENT), 0x0806) for turn in range(3))]
    assert not asked_in_vain(answered)


def broadcast(ms: float, machine: int, message: bytes) -> Timed:
    return START + int(ms * MS), ethernet(message, 0x0806, machine, 0xFFFFFFFFFFFF)


def test_a_port_that_hears_only_broadcasts_does_not_miss_answers() -> None:
    """The answer goes to who asked, past this port; only where the asker's own traffic passes is there silence."""
    asked = [broadcast(1000 * turn, 0xA, arp(1, 0xA, CLIENT, SERVER)) for turn in range(3)]
    others = (START + 5 * MS, ethernet(ipv4(echo(8, 1, 1), 1, "10.0.0.8", "10.0.0.9"), 0x0800, 0x12, 0x14))
    assert not asked_in_vain([*asked, others])

    own = (START + 5 * MS, ethernet(ipv4(echo(8, 1, 1), 1, CLIENT, "10.0.0.9"), 0x0800, 0xA, 0x14))
    assert asked_in_vain([*asked, others, own])


def test_announcements_and_probes_ask_nobody() -> None:
    announced = [at(1000 * turn, arp(1, 0xA, CLIENT, CLIENT), 0x0806) for turn in range(3)]
    probed = [at(1000 * turn + 9, arp(1, 0xA, "0.0.0.0", SERVER), 0x0806) for turn in range(3)]

    assert not all_witnesses([*announced, *probed])


def test_two_machines_claim_one_address() -> None:
    claims = [at(100 * turn, arp(2, 0xA + turn % 2, SERVER, CLIENT), 0x0806) for turn in range(4)]
    (found,) = conflicts(claims)

    assert found.about == SERVER
    assert "00:00:00:00:00:0a and 00:00:00:00:00:0b" in found.detail


def test_a_conflict_lasts_from_the_second_machine_s_claim_until_the_first_has_its_address_alone_again() -> None:
    alone = [at(1000 * second, arp(2, 0xA, SERVER, CLIENT), 0x0806) for second in range(5)]
    both = [
        at(1000 * second + 100 * turn, arp(2, 0xA + turn, SERVER, CLIENT), 0x0806)
        for second in range(5, 8)
        for turn in range(2)
    ]
    again = [at(1000 * second, arp(2, 0xA, SERVER, CLIENT), 0x0806) for second in range(9, 20)]
    (found,) = conflicts([*alone, *both, *again])

    assert (found.time_ns - START, found.end_ns - START) == (5100 * MS, 9000 * MS)


def test_announcements_in_turns_are_a_conflict_as_well() -> None:
    assert conflicts([at(100 * turn, arp(1, 0xA + turn % 2, SERVER, SERVER), 0x0806) for turn in range(4)])


def test_a_machine_that_was_replaced_is_no_conflict() -> None:
    claims = [at(100 * turn, arp(1, 0xA if turn < 3 else 0xB, SERVER, CLIENT), 0x0806) for turn in range(6)]

    assert not conflicts(claims)


@pytest.mark.parametrize(
    "shared", [0x00005E000107, 0x00000C07AC0A, 0x00000C9FF00A, 0x0007B4000101], ids=["vrrp", "hsrp", "hsrp2", "glbp"]
)
def test_routers_that_share_an_address_by_design_are_in_no_conflict(shared: int) -> None:
    claims = [at(100 * turn, arp(2, (0xA, shared)[turn % 2], SERVER, CLIENT), 0x0806) for turn in range(6)]

    assert not conflicts(claims)


def test_an_address_that_vrrp_names_may_change_hands_with_the_routers_own_hardware() -> None:
    claims = [at(100 * turn, arp(2, 0xA + turn % 2, SERVER, CLIENT), 0x0806) for turn in range(4)]
    advert = struct.pack(">BBBBBBH", 0x21, 7, 100, 1, 0, 1, 0) + bytes([10, 0, 0, 2]) + bytes(8)

    assert not conflicts([*claims, at(50, ipv4(advert, 112, "10.0.0.3", "224.0.0.18", ttl=255))])


def test_a_router_that_answers_for_others_is_in_no_conflict_with_them() -> None:
    hosts = [f"10.0.0.{number}" for number in range(10, 16)]
    packets = []
    for turn, host in enumerate(hosts):
        packets.append(at(100 * turn, arp(2, 0xF0, host, CLIENT), 0x0806))
        packets.append(at(100 * turn + 1, arp(2, 0x10 + turn, host, CLIENT), 0x0806))

    assert not conflicts(packets)


TARGET = "fd00::7"
GROUP = "33:33:ff:00:00:07"


def solicits(ms: float, machine: str, source: str = "fd00::1", *, to: str = GROUP) -> Timed:
    message = ICMPv6ND_NS(tgt=TARGET)
    if source != "::":
        message = message / ICMPv6NDOptSrcLLAddr(lladdr=machine)
    return frame(ms, Ether(src=machine, dst=to) / IPv6(src=source, dst="ff02::1:ff00:7", hlim=255) / message)


def advertises(ms: float, machine: str, *, override: int = 1, to: str = "33:33:00:00:00:01") -> Timed:
    message = ICMPv6ND_NA(tgt=TARGET, R=0, S=0, O=override) / ICMPv6NDOptDstLLAddr(lladdr=machine)
    return frame(ms, Ether(src=machine, dst=to) / IPv6(src=TARGET, dst="ff02::1", hlim=255) / message)


def test_an_ipv6_neighbour_does_not_answer() -> None:
    asked = [solicits(1000 * turn, BRIDGE, to=OTHER) for turn in range(3)]
    (found,) = asked_in_vain(asked)

    assert (found.sender, found.about, found.count) == ("fd00::1", TARGET, 3)
    assert not asked_in_vain([*asked, *(advertises(1000 * turn + 1, OTHER) for turn in range(3))])


def test_an_ipv6_address_is_found_in_use_before_its_first_use() -> None:
    (found,) = conflicts([solicits(0, BRIDGE, "::"), advertises(2, OTHER)])
    assert found.about == TARGET
    assert f"{BRIDGE} and {OTHER} both claim {TARGET}" in found.detail

    (both,) = conflicts([solicits(0, BRIDGE, "::"), solicits(400, OTHER, "::")])
    assert both.about == TARGET


def test_who_checks_an_address_and_then_uses_it_is_alone() -> None:
    """RFC 4862 §5.4: no answer within a second means that it is free."""
    assert not all_witnesses([solicits(0, BRIDGE, "::"), advertises(1500, BRIDGE), solicits(9000, BRIDGE, "::")])


def test_two_machines_advertise_one_ipv6_address_unless_one_of_them_is_a_proxy() -> None:
    assert conflicts([advertises(100 * turn, (BRIDGE, OTHER)[turn % 2]) for turn in range(6)])
    assert not conflicts([advertises(100 * turn, (BRIDGE, OTHER)[turn % 2], override=turn % 2) for turn in range(6)])
