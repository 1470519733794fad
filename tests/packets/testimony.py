"""What a capture made of these packets testifies, and whether only its telling packets would testify the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from scapy.layers.l2 import Ether

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.packets.capture import Capture
from attribution.packets.mirror import find_copies
from attribution.packets.survey import survey_capture
from attribution.packets.telling import is_telling
from attribution.packets.witnesses import find_witnesses
from tests.packets.making import SECOND, START, Timed, capture, ethernet, ipv4, udp

MS = SECOND // 1000
LINK = Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:04")
CLIENT, SERVER, ROUTER = "10.0.0.1", "10.0.0.2", "10.9.9.9"
BY_FLOWS = frozenset(
    {WitnessKind.TCP_RESET, WitnessKind.HANDSHAKE_FAILED, WitnessKind.ZERO_WINDOW, WitnessKind.LARGE_PACKETS_LOST,
     WitnessKind.RATE_PLATEAU, WitnessKind.FLOOD, WitnessKind.SCAN, WitnessKind.DAMAGED}
)  # fmt: skip
"""These count all packets of a flow: the telling ones do not suffice."""
PARTLY = frozenset({WitnessKind.TLS_UNANSWERED, WitnessKind.ROUTING_LOOP, WitnessKind.ICMP_TTL_EXCEEDED})
"""Acknowledgements, a loop's first rounds, and packets that an error will speak of are not telling by themselves."""


def at(ms: float, packet: bytes, kind: int = 0x0800) -> Timed:
    return START + int(ms * MS), ethernet(packet, kind)


def frame(ms: float, built: Any) -> Timed:
    """A frame that scapy built from its Ethernet header on."""
    return START + int(ms * MS), bytes(built)


def recorded(packets: Sequence[Timed], patience_s: float = 10, snap: int = 65535) -> Capture:
    """A capture of these packets that goes on for some seconds, so that nobody can say that it ended too early."""
    last = max(time_ns for time_ns, _ in packets)
    later = (last + int(patience_s * SECOND), ethernet(ipv4(udp(), 17, "10.8.8.8", "10.8.8.9"), 0x0800, 0x72, 0x74))
    return capture([*sorted(packets), later], snap=snap)


def all_witnesses(packets: Sequence[Timed], patience_s: float = 10, snap: int = 65535) -> list[PacketWitness]:
    """Every witness of a capture, after showing that those of control traffic rest on telling packets alone."""
    whole = recorded(packets, patience_s, snap)
    found = list(find_witnesses(survey_capture(whole)))
    told = [seen for seen in found if seen.kind not in BY_FLOWS | PARTLY]
    for seen in told:
        assert all(_tells(whole, frame - 1) for frame in seen.frames), seen
    again = list(find_witnesses(survey_capture(only_telling(whole))))
    assert sorted(map(_essence, told)) == sorted(_essence(seen) for seen in again if seen.kind not in BY_FLOWS | PARTLY)
    return found


def witnesses(packets: Sequence[Timed], kind: WitnessKind, patience_s: float = 10) -> list[PacketWitness]:
    return [seen for seen in all_witnesses(packets, patience_s) if seen.kind is kind]


def only_telling(whole: Capture) -> Capture:
    """What a first pass over a huge capture keeps."""
    kept = [index for index in whole.in_time() if _tells(whole, index)]
    packets, octets = tuple(whole.packets[index] for index in kept), tuple(whole.octets[index] for index in kept)
    copies = find_copies(packets, octets, range(len(packets)))
    return replace(whole, packets=packets, octets=octets, copies=copies, damaged=frozenset(), order=None)


def _tells(whole: Capture, index: int) -> bool:
    octets = whole.octets[index]
    return is_telling(list(whole.packets[index]), octets, 0, len(octets)) > 0


def _essence(seen: PacketWitness) -> str:
    return repr((seen.kind, seen.time_ns, seen.end_ns, seen.sender, seen.about, seen.code, seen.count))
