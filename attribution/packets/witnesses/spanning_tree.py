"""Bridges tell each other when the tree changes: IEEE 802.1D-1998 §9 (STP), 802.1D-2004 §9 (RSTP), 802.1Q §14 (MSTP).

Cisco's per-VLAN tree sends the same messages behind a SNAP header of its own (organisation 00000C, protocol 010B).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase
from attribution.packets.addresses import hardware_text
from attribution.packets.capture import Capture
from attribution.packets.columns import MAC_SOURCE, PROTOCOL, STP
from attribution.packets.survey import Survey
from attribution.packets.witnesses.carried import message_of, segment_of
from attribution.packets.witnesses.gathering import Gathering, Run, testify

PER_VLAN_SNAP: Final = b"\xaa\xaa\x03\x00\x00\x0c\x01\x0b"
PER_VLAN_AT: Final = (14, 18)  # behind an Ethernet header, or that and a VLAN tag
CONFIGURATION, RAPID, NOTIFICATION = 0x00, 0x02, 0x80
TOPOLOGY_CHANGE: Final = 0x01
ROLES: Final = (Phrase("unknown"), Phrase("alternate or backup"), Phrase("root"), Phrase("designated"))
Key = tuple[str, str, str | None, str]


def find_spanning_tree_changes(survey: Survey) -> Iterator[PacketWitness]:
    """Yield topology change notices, a new root, and a port that took another role."""
    capture = survey.capture
    changes: Gathering[Key] = Gathering(capture)
    roots: dict[tuple[object, ...], bytes] = {}
    roles: dict[tuple[object, ...], int] = {}
    for index in survey.of(STP, -1):
        message = bridge_message(capture, index)
        if len(message) < 4 or message[:2] != b"\0\0":
            continue
        if message[3] == NOTIFICATION:
            sender = hardware_text(capture.packets[index][MAC_SOURCE])
            words = Phrase("{sender} notifies the root bridge of a topology change", sender=sender)
            changes.add(("tcn", sender, None, words), index)
        elif message[3] in (CONFIGURATION, RAPID) and len(message) >= 27:
            _read_configuration(capture, index, message, changes, roots, roles)

    def describe(run: Run[Key]) -> PacketWitness:
        code, sender, about, detail = run.key
        return testify(
            capture, WitnessKind.SPANNING_TREE_CHANGED, run.packets, sender=sender, about=about, code=code,
            detail=detail,
        )  # fmt: skip

    yield from changes.witnesses(describe)


def bridge_message(capture: Capture, index: int) -> bytes:
    """The octets of a BPDU; none if the packet is none."""
    if capture.packets[index][PROTOCOL] == STP:
        return message_of(capture, index)
    octets = capture.octets[index]
    for at in PER_VLAN_AT:
        if octets.startswith(PER_VLAN_SNAP, at):
            return octets[at + len(PER_VLAN_SNAP) :]
    return b""


def _read_configuration(
    capture: Capture, index: int, message: bytes, changes: Gathering[Key],
    roots: dict[tuple[object, ...], bytes], roles: dict[tuple[object, ...], int],
) -> None:  # fmt: skip
    """Flags at 4, root at 5, its cost at 13, bridge at 17, port at 25: all of one port of one bridge."""
    flags, root, bridge, port = message[4], message[5:13], message[17:25], message[25:27]
    sender, about = bridge_text(bridge), bridge_text(root)
    place = (*segment_of(capture, index), bridge[:2], bridge[2:], port)
    if flags & TOPOLOGY_CHANGE:
        words = Phrase("{sender} announces a topology change", sender=sender)
        changes.add(("tc", sender, about, words), index)
    before = roots.get(place)
    if before is not None and before != root:
        words = Phrase(
            "the root bridge changes from {before} to {after}, says {sender}",
            before=bridge_text(before), after=about, sender=sender,
        )  # fmt: skip
        changes.add(("root", sender, about, words), index)
    roots[place] = root
    if message[3] == RAPID:
        role = flags >> 2 & 3
        old = roles.get(place)
        if old is not None and old != role:
            words = Phrase(
                "port {port} of {sender} goes from {before} to {after}",
                port=port[0] << 8 & 0xF00 | port[1], sender=sender, before=ROLES[old], after=ROLES[role],
            )  # fmt: skip
            changes.add(("role", sender, about, words), index)
        roles[place] = role


def bridge_text(identifier: bytes) -> str:
    """A bridge goes by its hardware address; its priority stands in the first two octets."""
    return hardware_text(int.from_bytes(identifier[2:8], "big"))
