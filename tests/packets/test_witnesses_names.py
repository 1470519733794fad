"""Names that cannot be looked up and hosts that get no address: who asked whom for what, and what came back."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dhcp6 import (
    DUID_LL,
    DHCP6_Advertise,
    DHCP6_RelayForward,
    DHCP6_Reply,
    DHCP6_Request,
    DHCP6_Solicit,
    DHCP6OptClientId,
    DHCP6OptIA_NA,
    DHCP6OptRelayMsg,
    DHCP6OptStatusCode,
)
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from attribution.model.observation import PacketWitness, WitnessKind
from tests.packets.making import SECOND, START, Timed, ipv4
from tests.packets.testimony import CLIENT, LINK, SERVER, all_witnesses, at, frame, witnesses

NAME = "shop.example.com"


def dns(number: int, name: str | bytes = NAME, rcode: int | None = None, **more: Any) -> DNS:
    """A question, or with a response code its answer."""
    asked = DNSQR(qname=name)
    if rcode is None:
        return DNS(id=number, rd=1, qd=asked, **more)
    return DNS(id=number, qr=1, rd=1, ra=1, rcode=rcode, qd=asked, **more)


def asks(ms: float, number: int, name: str | bytes = NAME, port: int = 4000, **more: Any) -> Timed:
    return frame(ms, LINK / IP(src=CLIENT, dst=SERVER) / UDP(sport=port, dport=53) / dns(number, name, **more))


def answers(ms: float, number: int, rcode: int = 0, name: str | bytes = NAME, port: int = 4000, **more: Any) -> Timed:
    message = dns(number, name, rcode, **more)
    return frame(ms, LINK / IP(src=SERVER, dst=CLIENT) / UDP(sport=53, dport=port) / message)


def failures(packets: list[Timed], **how: Any) -> list[PacketWitness]:
    return [seen for seen in all_witnesses(packets, **how) if seen.kind is WitnessKind.DNS_FAILED]


def test_a_question_that_is_answered_is_no_failure() -> None:
    assert not failures([asks(0, 1), answers(2000, 1, an=DNSRR(rrname=NAME, rdata="10.0.0.9"))])


def test_retries_are_one_question_by_identifier_and_name() -> None:
    packets = [asks(5000 * turn, 7) for turn in range(3)] + [asks(100, 8, "other.example.com")]
    (found,) = failures(packets)

    assert (found.sender, found.about, found.code, found.count) == (CLIENT, SERVER, "unanswered", 2)
    assert "2 questions of 10.0.0.1, asked 4 times" in found.detail
    assert "shop.example.com, other.example.com" in found.detail
    assert (found.time_ns, found.end_ns) == (START, START + 10 * SECOND)


def test_a_question_just_before_the_capture_ends_may_still_be_answered() -> None:
    assert not failures([asks(0, 1)], patience_s=3)


@pytest.mark.parametrize(("rcode", "code"), [(2, "servfail"), (3, "nxdomain"), (5, "refused")])
def test_what_a_server_answers_instead_of_an_address(rcode: int, code: str) -> None:
    packets = [asks(0, 1), answers(3, 1, rcode), asks(50, 2, "b.example.com"), answers(53, 2, rcode, "b.example.com")]
    (found,) = failures(packets)

    assert (found.sender, found.about, found.code, found.count) == (SERVER, CLIENT, code, 2)
    assert code.upper() in found.detail
    assert "shop.example.com, b.example.com" in found.detail


def test_upper_case_in_the_answer_is_the_same_name() -> None:
    assert not failures([asks(0, 1, "sHoP.eXaMpLe.CoM"), answers(1, 1)])


def test_a_name_from_the_wire_cannot_steer_the_terminal() -> None:
    (found,) = failures([asks(0, 1, b"\x05a\x1b[2J\x03com\x00")])

    assert "a\\027\\0912j.com" in found.detail


def test_multicast_names_have_no_server_that_could_fail() -> None:
    packets = [
        frame(10 * turn, LINK / IP(src=CLIENT, dst="224.0.0.251") / UDP(sport=port, dport=port) / dns(0))
        for turn in range(3)
        for port in (5353, 5355)
    ]

    assert not failures(packets)


def over_tcp(ms: float, sequence: int, payload: bytes, *, answer: bool = False, flags: str = "PA") -> Timed:
    ends, ports = ((SERVER, CLIENT), (53, 4001)) if answer else ((CLIENT, SERVER), (4001, 53))
    segment = TCP(sport=ports[0], dport=ports[1], seq=sequence, ack=1, flags=flags)
    return frame(ms, LINK / IP(src=ends[0], dst=ends[1]) / segment / payload)


def prefixed(message: DNS) -> bytes:
    octets = bytes(message)
    return len(octets).to_bytes(2, "big") + octets


def test_questions_over_tcp_count_as_well_wherever_the_segments_are_cut() -> None:
    question, answer = prefixed(dns(1)), prefixed(dns(1, NAME, 2))
    asked = [over_tcp(0, 1, question[:2]), over_tcp(1, 3, question[2:20]), over_tcp(2, 21, question[20:])]
    (vain,) = failures(asked)
    assert vain.code == "unanswered"

    accepted = over_tcp(8, 0, b"", answer=True, flags="SA")
    late, early = over_tcp(9, 31, answer[30:], answer=True), over_tcp(10, 1, answer[:30], answer=True)
    (refused,) = failures([*asked, accepted, late, early])
    assert (refused.code, refused.sender) == ("servfail", SERVER)


def test_a_truncated_answer_whose_repetition_over_tcp_fails() -> None:
    truncated = [asks(0, 1), answers(2, 1, tc=1)]
    assert not failures(truncated)

    tried = [*truncated, *(over_tcp(10 + 1000 * turn, 99, b"", flags="S") for turn in range(3))]
    (found,) = failures(tried)
    assert (found.sender, found.about, found.code) == (SERVER, CLIENT, "truncated")

    whole = prefixed(dns(9, NAME, 0))
    assert not failures([*tried, over_tcp(3000, 100, prefixed(dns(9))), over_tcp(3010, 1, whole, answer=True)])


def test_a_long_answer_in_fragments_is_an_answer() -> None:
    message = dns(1, NAME, 0, an=[DNSRR(rrname=NAME, type="TXT", rdata=b"x" * 200) for _ in range(12)])
    datagram = bytes(UDP(sport=53, dport=4000) / message)
    first = ipv4(datagram[:1200], 17, SERVER, CLIENT, fragment=0x2000)
    rest = ipv4(datagram[1200:], 17, SERVER, CLIENT, fragment=1200 // 8)

    assert not failures([asks(0, 1), at(5, first), at(6, rest)])
    assert failures([asks(0, 1), at(6, rest)])


def test_a_short_snap_length_still_tells_which_question_was_answered() -> None:
    long = "a-rather-long-name-for-a-host." + "x" * 50 + ".example.com"

    assert not failures([asks(0, 1, long), answers(3, 1, 0, long)], snap=96)
    (found,) = failures([asks(0, 1, long)], snap=96)
    assert "a-rather-long-name" in found.detail
    assert "…" in found.detail


HARDWARE = "02:00:00:00:00:0a"
OCTETS = bytes.fromhex(HARDWARE.replace(":", ""))


def dhcp(ms: float, kind: str, *, by: str = "0.0.0.0", to: str = "255.255.255.255", **more: Any) -> Timed:
    answer = kind in ("offer", "ack", "nak")
    options: list[Any] = [("message-type", kind), *more.items(), "end"]
    message = BOOTP(op=2 if answer else 1, xid=1, chaddr=OCTETS) / DHCP(options=options)
    ports = UDP(sport=67, dport=68) if answer else UDP(sport=68, dport=67)
    return frame(ms, Ether(src=HARDWARE, dst="ff:ff:ff:ff:ff:ff") / IP(src=by, dst=to) / ports / message)


def without_address(packets: list[Timed]) -> list[PacketWitness]:
    return witnesses(packets, WitnessKind.DHCP_FAILED)


def test_a_host_that_gets_its_address_testifies_to_nothing() -> None:
    assert not without_address([dhcp(0, "discover"), dhcp(1, "offer"), dhcp(2, "request"), dhcp(3, "ack")])


def test_a_client_discovers_again_and_again() -> None:
    (found,) = without_address([dhcp(ms, "discover") for ms in (0, 4000, 12000)])

    assert (found.sender, found.about, found.code, found.count) == (HARDWARE, None, "discover", 3)
    assert "no OFFER reaches it" in found.detail


def test_answers_that_do_not_pass_the_capture_point_are_known_by_the_client_going_on() -> None:
    """An offer may be sent to the client alone; whoever requests has had one."""
    assert not without_address([dhcp(0, "discover"), dhcp(1000, "request"), dhcp(90000, "discover")])


def test_a_relay_s_copy_of_a_message_is_not_asking_again() -> None:
    assert not without_address([dhcp(0, "discover"), dhcp(1, "discover", by="10.0.0.254", to=SERVER)])


def test_a_request_without_acknowledgement() -> None:
    (found,) = without_address([dhcp(ms, "request", by=CLIENT, to=SERVER) for ms in (0, 5000)])

    assert (found.sender, found.about, found.code) == (HARDWARE, SERVER, "request")


def test_a_server_says_no_and_why() -> None:
    refusal = dhcp(3, "nak", by=SERVER, server_id=SERVER, error_message=b"gone\x07")
    (found,) = without_address([dhcp(0, "request"), refusal])

    assert (found.sender, found.about, found.code) == (SERVER, HARDWARE, "nak")
    assert "gone\\x07" in found.detail


def test_a_client_finds_its_address_in_use() -> None:
    (found,) = without_address([dhcp(0, "decline", requested_addr="10.0.0.77", server_id=SERVER)])

    assert (found.sender, found.about, found.code) == (HARDWARE, SERVER, "decline")
    assert "10.0.0.77" in found.detail


def dhcp6(ms: float, message: Any, *, answer: bool = False, inside: Any = ()) -> Timed:
    body = message / DHCP6OptClientId(duid=DUID_LL(lladdr=HARDWARE)) / DHCP6OptIA_NA(ianaopts=list(inside))
    ends = ("fe80::9", "fe80::1") if answer else ("fe80::1", "ff02::1:2")
    ports = UDP(sport=547, dport=546) if answer else UDP(sport=546, dport=547)
    return frame(ms, LINK / IPv6(src=ends[0], dst=ends[1]) / ports / body)


def test_dhcp_for_ipv6_fails_in_the_same_ways() -> None:
    healthy = [
        dhcp6(0, DHCP6_Solicit()), dhcp6(3, DHCP6_Advertise(), answer=True), dhcp6(6, DHCP6_Request()),
        dhcp6(9, DHCP6_Reply(), answer=True),
    ]  # fmt: skip
    assert not without_address(healthy)

    (vain,) = without_address([dhcp6(ms, DHCP6_Solicit()) for ms in (0, 1000, 3000)])
    assert (vain.sender, vain.code, vain.count) == (HARDWARE, "solicit", 3)

    full = DHCP6OptStatusCode(statuscode=2, statusmsg=b"all taken")
    (refused,) = without_address([healthy[0], dhcp6(3, DHCP6_Advertise(), answer=True, inside=[full])])
    assert (refused.sender, refused.about, refused.code) == ("fe80::9", HARDWARE, "NoAddrsAvail")
    assert "all taken" in refused.detail


def test_what_a_relay_wrapped_is_looked_into() -> None:
    inner = DHCP6_Solicit() / DHCP6OptClientId(duid=DUID_LL(lladdr=HARDWARE))
    outer = DHCP6_RelayForward(linkaddr="fd00::1", peeraddr="fe80::1") / DHCP6OptRelayMsg(message=inner)
    packets = [
        frame(ms, LINK / IPv6(src="fd00::1", dst="fd00::9") / UDP(sport=547, dport=547) / outer)
        for ms in (0, 1000, 3000)
    ]
    (found,) = without_address(packets)

    assert (found.sender, found.about) == (HARDWARE, "fd00::9")
