"""Routers that share an address say which of them serves it: VRRP (RFC 5798, 3768), HSRP (RFC 2281), CARP.

A new master is told, and a master that resigns. Who was master when the capture began is nobody's news.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase
from attribution.packets.addresses import source_text
from attribution.packets.capture import Capture
from attribution.packets.columns import DESTINATION_PORT, TIME, VERSION
from attribution.packets.survey import Survey
from attribution.packets.witnesses.carried import datagrams, payload_of, segment_of
from attribution.packets.witnesses.gathering import Gathering, Run, testify

VRRP: Final = 112
HSRP_PORTS: Final = frozenset({1985, 2029})
CARP_LENGTH: Final = 36
CARP_AUTHENTICATION: Final = 7
HSRP_ACTIVE: Final = 16
HSRP_2_ACTIVE: Final = 6
HSRP_RESIGN: Final = 2


class Claim(NamedTuple):
    """A router says that it serves the group's addresses, or that it no longer will."""

    packet: int
    protocol: str
    group: int
    resigns: bool
    addresses: tuple[str, ...]


def find_master_changes(survey: Survey) -> Iterator[PacketWitness]:
    """Yield when a group of redundant routers has a new master, and when one resigns.

    Two that claim to be master at the same time take turns: each is told once, with how often.
    """
    capture = survey.capture
    masters: dict[tuple[object, ...], str] = {}
    changes: Gathering[tuple[str, str, str | None, str]] = Gathering(capture)
    for claim in sorted(master_claims(survey), key=lambda claim: capture.packets[claim.packet][TIME]):
        sender = source_text(capture.packets[claim.packet])
        group = (segment_of(capture, claim.packet), claim.protocol, claim.group, claim.addresses)
        before = masters.get(group)
        named = Phrase("{protocol} group {group}", protocol=claim.protocol, group=claim.group)
        if claim.resigns and before in (None, sender):
            words = Phrase("{sender} resigns as master of {group}", sender=sender, group=named)
            changes.add((sender, "resigned", None, words), claim.packet)
            masters[group] = ""
        elif not claim.resigns:
            masters[group] = sender
            if before is not None and before != sender:
                words = Phrase("{sender} becomes master of {group}", sender=sender, group=named)
                if before:
                    words = Phrase("{what}, after {before}", what=words, before=before)
                changes.add((sender, "master", before or None, words), claim.packet)

    def describe(run: Run[tuple[str, str, str | None, str]]) -> PacketWitness:
        sender, code, about, words = run.key
        if len(run.packets) > 1:
            words = Phrase("{what}, {count} times", what=words, count=len(run.packets))
        return testify(
            capture, WitnessKind.REDUNDANCY_CHANGED, run.packets, sender=sender, about=about, code=code,
            detail=words,
        )  # fmt: skip

    yield from changes.witnesses(describe)


def master_claims(survey: Survey) -> Iterator[Claim]:
    """What masters say, in the order of time within each protocol."""
    capture = survey.capture
    for index in survey.of(VRRP):
        claim = _read_vrrp(capture, index)
        if claim is not None:
            yield claim
    for index in datagrams(survey, HSRP_PORTS):
        if capture.packets[index][DESTINATION_PORT] in HSRP_PORTS:
            yield from _read_hsrp(index, payload_of(capture, index))


def _read_vrrp(capture: Capture, index: int) -> Claim | None:
    """Version and type, group, priority, how many addresses; they begin at 8. Priority 0 resigns (RFC 5798 §5.2.4).

    CARP has taken the same protocol number; its messages of 36 octets hold no priority and no addresses.
    """
    message = payload_of(capture, index)
    if len(message) < 8 or message[0] & 0x0F != 1:
        return None
    if len(message) == CARP_LENGTH and message[3] == CARP_AUTHENTICATION:
        return Claim(index, "CARP", message[1], False, ())
    width = 4 if capture.packets[index][VERSION] == 4 else 16
    places = range(8, min(8 + width * message[3], len(message) - width + 1), width)
    addresses = tuple(_address(message[at : at + width]) for at in places)
    return Claim(index, "VRRP", message[1], message[2] == 0, addresses)


def _read_hsrp(index: int, message: bytes) -> Iterator[Claim]:
    """Version 1 (RFC 2281 §5.1) is one block of 20 octets; version 2 a list of types, of which 1 is the state."""
    if len(message) >= 20 and message[0] == 0:
        if message[1] == HSRP_RESIGN or message[2] == HSRP_ACTIVE:
            yield Claim(index, "HSRP", message[6], message[1] == HSRP_RESIGN, (_address(message[16:20]),))
        return
    at = 0
    while at + 2 <= len(message):
        value = message[at + 2 : at + 2 + message[at + 1]]
        if message[at] == 1 and len(value) >= 40 and (value[1] == HSRP_RESIGN or value[2] == HSRP_2_ACTIVE):
            address = _address(value[24:28] if value[3] == 4 else value[24:40])
            yield Claim(index, "HSRP", value[4] << 8 | value[5], value[1] == HSRP_RESIGN, (address,))
        at += 2 + message[at + 1]


def _address(octets: bytes) -> str:
    return str(IPv4Address(octets) if len(octets) == 4 else IPv6Address(octets))
