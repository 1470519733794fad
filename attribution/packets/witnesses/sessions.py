"""Routing sessions as their own messages tell them: BGP (RFC 4271, 4486), BFD (RFC 5880), OSPF hellos (RFC 2328)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import Capture
from attribution.packets.columns import (
    DESTINATION_PORT,
    LENGTH,
    OSPF,
    PAYLOAD,
    SEQUENCE,
    SOURCE_PORT,
    TCP,
    TIME,
    UDP,
)
from attribution.packets.flows import address_pair
from attribution.packets.survey import Survey
from attribution.packets.witnesses.gathering import testify

BGP_PORT: Final = 179
MARKER: Final = b"\xff" * 16
BFD_PORTS: Final = frozenset({3784, 4784, 6784})
BFD_STATES: Final = ("AdminDown", "Down", "Init", "Up")
BFD_DIAGNOSTICS: Final = (
    "no diagnostic", "detection time expired", "echo failed", "neighbour signalled down", "forwarding plane reset",
    "path down", "concatenated path down", "administratively down", "reverse concatenated path down",
)  # fmt: skip
BGP_ERRORS: Final = {
    1: "message header error", 2: "OPEN error", 3: "UPDATE error", 4: "hold timer expired", 5: "state machine error",
    6: "cease", 7: "route refresh error",
}  # fmt: skip
CEASE: Final = {
    1: "too many prefixes", 2: "administrative shutdown", 3: "peer deconfigured", 4: "administrative reset",
    5: "connection rejected", 6: "other configuration change", 7: "connection collision", 8: "out of resources",
    9: "hard reset", 10: "BFD down",
}  # fmt: skip
MISSED_BEFORE_SILENCE: Final = 2.5  # in intervals between a sender's messages


class BgpMessage(NamedTuple):
    """One BGP message that begins in this packet; `body` is what was captured of it after its header."""

    packet: int
    kind: int
    body: bytes


def bgp_messages(survey: Survey) -> Iterator[BgpMessage]:
    """Messages that begin at the start of a segment, or follow one that does; repeated segments give theirs once."""
    capture = survey.capture
    seen: set[tuple[int, ...]] = set()
    for index in survey.of(TCP):
        packet = capture.packets[index]
        if packet[DESTINATION_PORT] != BGP_PORT and packet[SOURCE_PORT] != BGP_PORT:
            continue
        if packet[LENGTH] <= 0 or packet[PAYLOAD] < 0:
            continue
        identity = (*address_pair(packet), packet[SOURCE_PORT], packet[DESTINATION_PORT], packet[SEQUENCE])
        if identity in seen:
            continue
        seen.add(identity)
        payload = capture.octets[index][packet[PAYLOAD] : packet[PAYLOAD] + packet[LENGTH]]
        at = 0
        while payload[at : at + 16] == MARKER and at + 19 <= len(payload):
            size = payload[at + 16] << 8 | payload[at + 17]
            yield BgpMessage(index, payload[at + 18], payload[at + 19 : at + size])
            if size < 19:
                break
            at += size


def find_bgp_trouble(survey: Survey) -> Iterator[PacketWitness]:
    """Yield NOTIFICATIONs, withdrawals of many prefixes, and peers that fell silent while the other spoke on."""
    capture = survey.capture
    spoken: dict[tuple[int, ...], list[int]] = {}
    for message in bgp_messages(survey):
        packet = capture.packets[message.packet]
        spoken.setdefault(address_pair(packet), []).append(message.packet)
        sender, about = source_text(packet), destination_text(packet)
        if message.kind == 3 and len(message.body) >= 2:
            code, subcode = message.body[0], message.body[1]
            words = BGP_ERRORS.get(code, f"error {code}")
            if code == 6:
                words = CEASE.get(subcode, words)
            yield testify(
                capture, WitnessKind.BGP_NOTIFICATION, [message.packet], sender=sender, about=about,
                code=f"{code}/{subcode}", detail=f"{sender} closes the session with {about}: {words}",
            )  # fmt: skip
        elif message.kind == 2 and len(message.body) >= 2:
            withdrawn = _prefixes_withdrawn(message.body)
            if withdrawn:
                yield testify(
                    capture, WitnessKind.BGP_WITHDRAWAL, [message.packet], sender=sender, about=about,
                    code=str(withdrawn), count=withdrawn, detail=f"{sender} withdraws {withdrawn} prefixes",
                )  # fmt: skip
    yield from _silent_peers(capture, spoken)


def _prefixes_withdrawn(body: bytes) -> int:
    """How many prefixes an UPDATE's first field takes back (RFC 4271 §4.3): each a length in bits and its octets."""
    end = 2 + (body[0] << 8 | body[1])
    at, count = 2, 0
    while at < min(end, len(body)):
        at += 1 + (body[at] + 7) // 8
        count += 1
    return count


def _silent_peers(capture: Capture, spoken: dict[tuple[int, ...], list[int]]) -> Iterator[PacketWitness]:
    """One side's messages stop for longer than it usually waits, while the other's segments keep coming."""
    times = {pair: [capture.packets[index][TIME] for index in indices] for pair, indices in spoken.items()}
    for pair, indices in spoken.items():
        mine, theirs = times[pair], times.get((*pair[4:], *pair[:4]), [])
        if len(mine) < 4 or len(theirs) < 2:
            continue
        usual = median(later - earlier for earlier, later in pairwise(mine))
        limit = max(MISSED_BEFORE_SILENCE * usual, 1_500_000_000)
        for number, (start, end) in enumerate(pairwise([*mine, capture.end_ns])):
            if end - start <= limit:
                continue
            meanwhile = sum(start + usual < time_ns < end for time_ns in theirs)
            if meanwhile >= 2:
                packet = capture.packets[indices[number]]
                yield testify(
                    capture, WitnessKind.BGP_SILENT, [indices[number]], sender=source_text(packet),
                    about=destination_text(packet), start_ns=start, end_ns=end, count=meanwhile,
                    detail=f"{source_text(packet)} is silent for {(end - start) / 1e9:.1f} s while its peer speaks on",
                )  # fmt: skip


def find_bfd_down(survey: Survey) -> Iterator[PacketWitness]:
    """Yield when a BFD speaker says that its session is no longer up, and its reason."""
    capture = survey.capture
    states: dict[tuple[int, ...], int] = {}
    down: dict[tuple[int, ...], tuple[list[int], int, int]] = {}
    for index in survey.of(UDP):
        packet = capture.packets[index]
        if packet[DESTINATION_PORT] not in BFD_PORTS or packet[PAYLOAD] < 0:
            continue
        control = capture.octets[index][packet[PAYLOAD] : packet[PAYLOAD] + 24]
        if len(control) < 4 or control[0] >> 5 != 1:
            continue
        pair, state, diagnostic = address_pair(packet), control[1] >> 6, control[0] & 0x1F
        before = states.get(pair)
        states[pair] = state
        if before == 3 and state < 2:
            down[pair] = ([index], state, diagnostic)
        elif pair in down and state < 2:
            down[pair][0].append(index)
        elif pair in down:
            yield _bfd_witness(capture, *down.pop(pair))
    for told in down.values():
        yield _bfd_witness(capture, *told)


def _bfd_witness(capture: Capture, packets: list[int], state: int, diagnostic: int) -> PacketWitness:
    packet = capture.packets[packets[0]]
    words = BFD_DIAGNOSTICS[diagnostic] if diagnostic < len(BFD_DIAGNOSTICS) else f"diagnostic {diagnostic}"
    return testify(
        capture, WitnessKind.BFD_DOWN, packets, sender=source_text(packet), about=destination_text(packet),
        code=str(diagnostic), detail=f"{source_text(packet)} says {BFD_STATES[state]}: {words}",
    )  # fmt: skip


def find_lost_hellos(survey: Survey) -> Iterator[PacketWitness]:
    """Yield OSPF speakers whose hellos stopped for longer than the dead interval they announce themselves."""
    capture = survey.capture
    hellos: dict[tuple[int, ...], list[int]] = {}
    dead_ns: dict[tuple[int, ...], int] = {}
    for index in survey.of(OSPF):
        packet = capture.packets[index]
        if packet[PAYLOAD] < 0:
            continue
        body = capture.octets[index][packet[PAYLOAD] : packet[PAYLOAD] + 44]
        if len(body) < 36 or body[0] not in (2, 3) or body[1] != 1:
            continue
        pair = address_pair(packet)
        hellos.setdefault(pair, []).append(index)
        dead_ns[pair] = _dead_interval_ns(body)
    for pair, indices in hellos.items():
        for number, (start, end) in enumerate(
            pairwise([*(capture.packets[index][TIME] for index in indices), capture.end_ns])
        ):
            if end - start > dead_ns[pair] > 0:
                packet = capture.packets[indices[number]]
                yield testify(
                    capture, WitnessKind.HELLO_LOST, [indices[number]], sender=source_text(packet),
                    about=destination_text(packet), start_ns=start, end_ns=end,
                    detail=f"no OSPF hello from {source_text(packet)} for {(end - start) / 1e9:.1f} s",
                )  # fmt: skip


def _dead_interval_ns(body: bytes) -> int:
    """RouterDeadInterval: 32 bits at 32 in OSPFv2 (RFC 2328 §A.3.2), 16 bits at 26 in OSPFv3 (RFC 5340 §A.3.2)."""
    if body[0] == 2:
        return int.from_bytes(body[32:36], "big") * 1_000_000_000
    return int.from_bytes(body[26:28], "big") * 1_000_000_000
