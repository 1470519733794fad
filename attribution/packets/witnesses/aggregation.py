"""A member of a link aggregation that no longer hears its partner says so in its LACPDUs (IEEE 802.1AX-2014 §6.4.2).

The state's bits: activity, short timeout, aggregation, synchronisation, collecting, distributing, defaulted, expired.
A system goes by its hardware address. Each direction of a cable stands for itself: both ends may complain.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase, Template
from attribution.packets.addresses import hardware_text
from attribution.packets.capture import Capture
from attribution.packets.columns import LACP, TIME
from attribution.packets.survey import Survey
from attribution.packets.witnesses.carried import message_of, segment_of
from attribution.packets.witnesses.gaps import Hello, gaps_in
from attribution.packets.witnesses.gathering import testify

SUBTYPE: Final = 1  # of the slow protocols (IEEE 802.3 annex 57A), beside markers and OAM
SHORT_TIMEOUT, SYNCHRONISED, DISTRIBUTING, DEFAULTED, EXPIRED = 0x02, 0x08, 0x20, 0x40, 0x80
SHORT_NS: Final = 3_000_000_000
LONG_NS: Final = 90_000_000_000
NOBODY: Final = bytes(6)


class _Member(NamedTuple):
    """What one end of one cable says of itself and of whom it hears."""

    packet: int
    system: bytes
    port: int
    state: int
    partner: bytes
    partner_state: int


def find_lost_partners(survey: Survey) -> Iterator[PacketWitness]:
    """Yield aggregation members that lost their partner, and those whose LACPDUs stopped while the partner's came."""
    capture = survey.capture
    members: dict[tuple[object, ...], list[_Member]] = {}
    for index in survey.of(LACP):
        member = _read_member(capture, index)
        if member is not None:
            members.setdefault((segment_of(capture, index), member.system, member.port), []).append(member)
    for said in members.values():
        yield from _complaints(capture, said)
    spoken: dict[tuple[object, ...], list[int]] = {}
    for (place, system, _), said in members.items():
        spoken.setdefault((place, system), []).extend(capture.packets[member.packet][TIME] for member in said)
    for (place, _, _), said in members.items():
        yield from _silences(capture, said, sorted(spoken.get((place, said[0].partner), [])))


def _read_member(capture: Capture, index: int) -> _Member | None:
    message = message_of(capture, index)
    if len(message) < 39 or message[0] != SUBTYPE or message[2:4] != b"\x01\x14" or message[22:24] != b"\x02\x14":
        return None
    port = int.from_bytes(message[16:18], "big")
    return _Member(index, message[6:12], port, message[18], message[26:32], message[38])


def _complaints(capture: Capture, said: list[_Member]) -> Iterator[PacketWitness]:
    """A member that was in service and no longer is; the partner it knew is named."""
    served_with: bytes | None = None
    complaint: list[_Member] = []
    for member in said:
        reason = _reason(member.state)
        if reason is None:
            if complaint:
                yield _complaint(capture, complaint, served_with or NOBODY)
            complaint = []
            if member.state & DISTRIBUTING:
                served_with = member.partner
        elif served_with is not None:
            complaint.append(member)
    if complaint:
        yield _complaint(capture, complaint, served_with or NOBODY)


def _reason(state: int) -> str | None:
    if state & EXPIRED:
        return "expired"
    if state & DEFAULTED:
        return "defaulted"
    return None if state & SYNCHRONISED and state & DISTRIBUTING else "out_of_service"


WORDS: Final = {
    "expired": Template("port {port} of {sender}: no LACPDU from its partner in time"),
    "defaulted": Template("port {port} of {sender}: no partner any more"),
    "out_of_service": Template("port {port} of {sender}: out of the aggregation"),
}


def _complaint(capture: Capture, complaint: list[_Member], partner: bytes) -> PacketWitness:
    first = complaint[0]
    reason = _reason(first.state) or ""
    about = hardware_text(int.from_bytes(partner, "big")) if partner != NOBODY else None
    sender = hardware_text(int.from_bytes(first.system, "big"))
    return testify(
        capture, WitnessKind.LACP_PARTNER_LOST, [member.packet for member in complaint], sender=sender, about=about,
        code=reason, detail=WORDS[reason].fill(port=first.port, sender=sender),
    )  # fmt: skip


def _silences(capture: Capture, said: list[_Member], partner_spoke: list[int]) -> Iterator[PacketWitness]:
    """How often a member must speak its partner decides: the partner's timeout is the one that runs out."""
    hellos = [Hello(member.packet, SHORT_NS if member.partner_state & SHORT_TIMEOUT else LONG_NS) for member in said]
    for gap in gaps_in(capture, hellos):
        if said[0].partner != said[0].system and gap.is_spoken_in(partner_spoke):
            sender = hardware_text(int.from_bytes(said[0].system, "big"))
            yield testify(
                capture, WitnessKind.LACP_PARTNER_LOST, [gap.packet], sender=sender,
                about=hardware_text(int.from_bytes(said[0].partner, "big")), code="silent",
                start_ns=gap.start_ns, end_ns=gap.end_ns,
                detail=Phrase(
                    "no LACPDU from port {port} of {sender} for {seconds:.1f} s",
                    port=said[0].port, sender=sender, seconds=gap.seconds,
                ),
            )  # fmt: skip
