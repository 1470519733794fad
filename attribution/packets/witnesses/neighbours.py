"""IPv6 asks for a neighbour with solicitations and looks whether an address is free before it uses it.

RFC 4861 §4.3 (solicitation, ICMPv6 type 135), §4.4 (advertisement, type 136), RFC 4862 §5.4 (duplicate addresses).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address
from typing import Final, NamedTuple

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase
from attribution.packets.addresses import source_text
from attribution.packets.capture import Capture
from attribution.packets.columns import ICMP6, ICMP_TYPE, MAC_SOURCE, PAYLOAD, SOURCE, TIME
from attribution.packets.survey import Survey
from attribution.packets.witnesses.arp import (
    FEWEST_QUESTIONS,
    PATIENCE_NS,
    conflict,
    is_answered,
    is_virtual_router,
    shared_by_design,
    turns_of,
)
from attribution.packets.witnesses.carried import payload_of
from attribution.packets.witnesses.gathering import Gathering, Run, testify
from attribution.packets.witnesses.presence import machines_present, would_see_answers

SOLICITATION: Final = 135
ADVERTISEMENT: Final = 136
SOURCE_ADDRESS_OPTION, TARGET_ADDRESS_OPTION = 1, 2
OVERRIDE: Final = 0x20  # an advertisement without it is a proxy's or an anycast address's (RFC 4861 §7.2.8)
FLAGS_AT: Final = -4  # from the payload: the advertisement's flags stand in the ICMP header


class _Message(NamedTuple):
    """`machine` is the hardware address in the option, else the frame's; `checks` a duplicate address detection."""

    packet: int
    time_ns: int
    target: bytes
    machine: int
    checks: bool
    overrides: bool


def find_neighbour_trouble(survey: Survey) -> Iterator[PacketWitness]:
    """Yield IPv6 neighbours that were asked for in vain, and addresses that more than one machine has."""
    capture = survey.capture
    asked: list[_Message] = []
    advertised: dict[bytes, list[_Message]] = {}
    for index in survey.of(ICMP6):
        kind = capture.packets[index][ICMP_TYPE]
        if kind in (SOLICITATION, ADVERTISEMENT) and capture.packets[index][PAYLOAD] >= 4:
            message = _read(capture, index, kind)
            if message is not None and kind == SOLICITATION:
                asked.append(message)
            elif message is not None:
                advertised.setdefault(message.target, []).append(message)
    yield from _in_vain(capture, asked, advertised)
    shared = shared_by_design(survey) if advertised or asked else frozenset()
    yield from _claimed_twice(capture, advertised, shared)
    yield from _found_in_use(capture, [message for message in asked if message.checks], advertised, shared)


def _read(capture: Capture, index: int, kind: int) -> _Message | None:
    packet = capture.packets[index]
    body = payload_of(capture, index)
    if len(body) < 16:
        return None
    wanted = SOURCE_ADDRESS_OPTION if kind == SOLICITATION else TARGET_ADDRESS_OPTION
    machine, at = packet[MAC_SOURCE], 16
    while at + 8 <= len(body) and body[at + 1]:
        if body[at] == wanted and body[at + 1] == 1:
            machine = int.from_bytes(body[at + 2 : at + 8], "big")
        at += 8 * body[at + 1]
    flags = capture.octets[index][packet[PAYLOAD] + FLAGS_AT]
    checks = not any(packet[SOURCE : SOURCE + 4])
    return _Message(index, packet[TIME], body[:16], machine, checks, bool(flags & OVERRIDE))


def _in_vain(
    capture: Capture, asked: list[_Message], advertised: dict[bytes, list[_Message]]
) -> Iterator[PacketWitness]:
    answers = {target: [message.time_ns for message in messages] for target, messages in advertised.items()}
    present = machines_present(capture) if asked else frozenset()
    vain: Gathering[tuple[str, bytes]] = Gathering(capture)
    for message in asked:
        answered = message.checks or is_answered(answers.get(message.target, []), message.time_ns)
        waited = capture.end_ns - message.time_ns >= PATIENCE_NS
        if not answered and waited and would_see_answers(capture, message.packet, present):
            vain.add((source_text(capture.packets[message.packet]), message.target), message.packet)

    def describe(run: Run[tuple[str, bytes]]) -> PacketWitness | None:
        if len(run.packets) < FEWEST_QUESTIONS:
            return None
        about = str(IPv6Address(run.key[1]))
        return testify(
            capture, WitnessKind.ARP_UNANSWERED, run.packets, sender=run.key[0], about=about,
            detail=Phrase("{asking} asks for {asked}, nobody answers", asking=run.key[0], asked=about),
        )  # fmt: skip

    yield from vain.witnesses(describe)


def _claimed_twice(
    capture: Capture, advertised: dict[bytes, list[_Message]], shared: frozenset[str]
) -> Iterator[PacketWitness]:
    """Two machines advertise one address in turns, each as its own."""
    for target, messages in advertised.items():
        address = str(IPv6Address(target))
        owners = [message for message in messages if message.overrides and not is_virtual_router(message.machine)]
        machines = [message.machine for message in owners]
        turns = turns_of(machines, [message.time_ns for message in owners])
        if len(turns) >= 2 and address not in shared:
            yield conflict(capture, [message.packet for message in owners], turns, machines, address)


def _found_in_use(
    capture: Capture, checks: list[_Message], advertised: dict[bytes, list[_Message]], shared: frozenset[str]
) -> Iterator[PacketWitness]:
    """Before a machine uses an address it asks for it without one; an answer, or another who asks, has it already."""
    by_target: dict[bytes, list[_Message]] = {}
    for message in checks:
        by_target.setdefault(message.target, []).append(message)
    for target, messages in by_target.items():
        address = str(IPv6Address(target))
        rivals = [*messages, *advertised.get(target, ())]
        for check in messages:
            rival = next((other for other in rivals if _is_rival(check, other)), None)
            if rival is not None and address not in shared:
                both = sorted((check, rival), key=lambda message: message.time_ns)
                packets, machines = [message.packet for message in both], [message.machine for message in both]
                yield conflict(capture, packets, [1], machines, address)
                break


def _is_rival(check: _Message, other: _Message) -> bool:
    different = other.machine != check.machine and not is_virtual_router(other.machine)
    return different and bool(check.machine) and 0 <= other.time_ns - check.time_ns <= PATIENCE_NS
