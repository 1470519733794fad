"""Packets whose checksum no longer fits what they carry: something on their way so far changed them.

Their receiver drops them, and no counter of a port need show it: a link's own check sequence is right, if it was a
device that changed what it passed on (its memory, its line card), for it makes a new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.checksums import check_packet
from attribution.packets.columns import TIME
from attribution.packets.survey import Survey
from attribution.packets.witnesses.gathering import Gathering, Run, testify

QUIET_NS: Final = 60_000_000_000  # one packet in many is damaged: a pause says little


def find_damage(survey: Survey) -> Iterator[PacketWitness]:
    """Yield from whom to whom packets came with a wrong checksum, and which of their checksums it was."""
    capture = survey.capture
    found: Gathering[tuple[str, str, str]] = Gathering(capture, QUIET_NS)
    for index in sorted(capture.damaged, key=lambda index: capture.packets[index][TIME]):
        packet = capture.packets[index]
        check = check_packet(packet, capture.octets[index])
        found.add((source_text(packet), destination_text(packet), str(check.value)), index)

    def describe(run: Run[tuple[str, str, str]]) -> PacketWitness:
        sender, about, checksum = run.key
        words = Phrase(
            "{count} packets from {sender} to {about} arrived with a wrong {checksum} checksum",
            count=len(run.packets), sender=sender, about=about, checksum=checksum,
        )  # fmt: skip
        return testify(
            capture, WitnessKind.DAMAGED, run.packets, sender=sender, about=about, code=checksum, detail=words
        )

    yield from found.witnesses(describe)
