"""A neighbour that does not answer ARP is gone; an address that two machines claim is in conflict (RFC 826, 5227)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.packets.addresses import destination_text, hardware_text, source_text
from attribution.packets.capture import Capture
from attribution.packets.columns import (
    ARP,
    ARP_OPERATION,
    ARP_SENDER,
    DESTINATION,
    ICMP6,
    ICMP_TYPE,
    PAYLOAD,
    SOURCE,
    TIME,
    VERSION,
)
from attribution.packets.survey import Survey
from attribution.packets.witnesses.gathering import Gathering, Run, testify

PATIENCE_NS: Final = 1_000_000_000
FEWEST_QUESTIONS: Final = 2
VIRTUAL_ROUTER: Final = 0x00005E000000  # VRRP and HSRP share an address by design
CONFLICT_NS: Final = 60_000_000_000


def find_arp_trouble(survey: Survey) -> Iterator[PacketWitness]:
    """Yield addresses that were asked for in vain, and addresses that more than one machine answers for."""
    capture = survey.capture
    packets = capture.packets
    messages = [index for index in survey.of(ARP) if packets[index][ARP_OPERATION] in (1, 2)]
    if messages:
        yield from _unanswered(capture, messages)
        yield from _claimed_twice(capture, messages)
    yield from _solicited_in_vain(capture, survey.of(ICMP6))


def _unanswered(capture: Capture, messages: list[int]) -> Iterator[PacketWitness]:
    packets = capture.packets
    heard: dict[int, list[int]] = {}
    for index in messages:
        heard.setdefault(packets[index][SOURCE + 3], []).append(packets[index][TIME])
    vain: Gathering[tuple[str, str]] = Gathering(capture)
    for index in messages:
        packet = packets[index]
        asked = packet[DESTINATION + 3]
        if packet[ARP_OPERATION] != 1 or asked in (0, packet[SOURCE + 3]) or not packet[SOURCE + 3]:
            continue
        time_ns = packet[TIME]
        answered = any(time_ns <= answer <= time_ns + PATIENCE_NS for answer in heard.get(asked, ()))
        if not answered and capture.end_ns - time_ns >= PATIENCE_NS:
            vain.add((source_text(packet), destination_text(packet)), index)

    def describe(run: Run[tuple[str, str]]) -> PacketWitness | None:
        if len(run.packets) < FEWEST_QUESTIONS:
            return None
        return testify(
            capture, WitnessKind.ARP_UNANSWERED, run.packets, sender=run.key[0], about=run.key[1],
            detail=f"{run.key[0]} asks for {run.key[1]}, nobody answers",
        )  # fmt: skip

    yield from vain.witnesses(describe)


def _claimed_twice(capture: Capture, messages: list[int]) -> Iterator[PacketWitness]:
    """Two hardware addresses claim one IP address in turns; a single change is a machine that was replaced."""
    packets = capture.packets
    claims: dict[int, list[int]] = {}
    for index in messages:
        packet = packets[index]
        if packet[SOURCE + 3] and packet[ARP_SENDER] and packet[ARP_SENDER] & ~0xFFFF != VIRTUAL_ROUTER:
            claims.setdefault(packet[SOURCE + 3], []).append(index)
    for indices in claims.values():
        machines = [packets[index][ARP_SENDER] for index in indices]
        turns = [
            number
            for number in range(1, len(indices))
            if machines[number] != machines[number - 1]
            and packets[indices[number]][TIME] - packets[indices[number - 1]][TIME] < CONFLICT_NS
        ]
        returned = len(set(machines)) > 1 and len(turns) >= 2
        if returned or (turns and _answered_one_question(capture, indices, turns[0])):
            telling = [indices[0], *(indices[number] for number in turns)]
            names = " and ".join(sorted({hardware_text(machine) for machine in machines}))
            address = source_text(packets[indices[0]])
            yield testify(
                capture, WitnessKind.ARP_DUPLICATE, telling, sender=address, about=address, code=None,
                detail=f"{names} both claim {address}", end_ns=packets[indices[-1]][TIME],
            )  # fmt: skip


def _answered_one_question(capture: Capture, indices: list[int], turn: int) -> bool:
    """Two machines answered the same question within a moment."""
    one, other = capture.packets[indices[turn - 1]], capture.packets[indices[turn]]
    both_answers = one[ARP_OPERATION] == other[ARP_OPERATION] == 2
    return both_answers and other[TIME] - one[TIME] < PATIENCE_NS


def _solicited_in_vain(capture: Capture, messages: list[int]) -> Iterator[PacketWitness]:
    """IPv6 asks with neighbour solicitations (RFC 4861): ICMPv6 type 135, answered by type 136 from the target."""
    packets = capture.packets
    advertised: dict[bytes, list[int]] = {}
    asked: list[tuple[int, bytes]] = []
    for index in messages:
        packet = packets[index]
        if packet[ICMP_TYPE] in (135, 136) and packet[PAYLOAD] >= 0:
            target = capture.octets[index][packet[PAYLOAD] : packet[PAYLOAD] + 16]
            if packet[ICMP_TYPE] == 136:
                advertised.setdefault(target, []).append(packet[TIME])
            elif any(packet[SOURCE : SOURCE + 4]) and len(target) == 16:
                asked.append((index, target))
    vain: Gathering[tuple[str, bytes]] = Gathering(capture)
    for index, target in asked:
        time_ns = packets[index][TIME]
        answered = any(time_ns <= answer <= time_ns + PATIENCE_NS for answer in advertised.get(target, ()))
        if not answered and capture.end_ns - time_ns >= PATIENCE_NS:
            vain.add((source_text(packets[index]), target), index)

    def describe(run: Run[tuple[str, bytes]]) -> PacketWitness | None:
        if len(run.packets) < FEWEST_QUESTIONS:
            return None
        words = tuple(int.from_bytes(run.key[1][place : place + 4], "big") for place in range(0, 16, 4))
        about = source_text([*([0] * VERSION), 6, *words])
        return testify(capture, WitnessKind.ARP_UNANSWERED, run.packets, sender=run.key[0], about=about)

    yield from vain.witnesses(describe)
