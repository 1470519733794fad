"""OSPF routers say hello, and whom they hear themselves: RFC 2328 §9.5 (version 2), RFC 5340 §A.3.2 (version 3)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Final, NamedTuple

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase
from attribution.packets.addresses import source_text
from attribution.packets.capture import Capture
from attribution.packets.columns import OSPF, TIME
from attribution.packets.survey import Survey
from attribution.packets.witnesses.carried import payload_of, segment_of, speaker_of
from attribution.packets.witnesses.gaps import Gap, Hello, gaps_in
from attribution.packets.witnesses.gathering import testify

SECOND_NS: Final = 1_000_000_000
NEIGHBOURS_AT: Final = {2: 44, 3: 36}
DEAD_INTERVAL_AT: Final = {2: slice(32, 36), 3: slice(26, 28)}


class _OspfHello(NamedTuple):
    packet: int
    router: bytes
    dead_ns: int
    neighbours: frozenset[bytes]


def find_ospf_trouble(survey: Survey) -> Iterator[PacketWitness]:
    """Yield speakers whose hellos stopped for longer than they announce, and neighbours that one no longer names."""
    capture = survey.capture
    speakers: dict[tuple[int, ...], list[_OspfHello]] = {}
    addresses: dict[tuple[object, ...], str] = {}
    named_by: dict[tuple[object, ...], dict[bytes, list[int]]] = {}
    for index in survey.of(OSPF):
        hello = _read_hello(capture, index)
        if hello is not None:
            speakers.setdefault(speaker_of(capture, index), []).append(hello)
            here = segment_of(capture, index)
            addresses[(here, hello.router)] = source_text(capture.packets[index])
            for neighbour in hello.neighbours:
                named_by.setdefault((here, neighbour), {}).setdefault(hello.router, []).append(index)
    for hellos in speakers.values():
        for gap in gaps_in(capture, [Hello(hello.packet, hello.dead_ns) for hello in hellos]):
            here = segment_of(capture, gap.packet)
            yield _lost(capture, gap, named_by.get((here, hellos[-1].router), {}))
        yield from _no_longer_named(capture, hellos, addresses)


def _read_hello(capture: Capture, index: int) -> _OspfHello | None:
    body = payload_of(capture, index)
    if len(body) < 36 or body[0] not in NEIGHBOURS_AT or body[1] != 1:
        return None
    start, end = NEIGHBOURS_AT[body[0]], min(len(body), body[2] << 8 | body[3])
    return _OspfHello(
        index, body[4:8], int.from_bytes(body[DEAD_INTERVAL_AT[body[0]]], "big") * SECOND_NS,
        frozenset(body[at : at + 4] for at in range(start, end - 3, 4)),
    )  # fmt: skip


def _lost(capture: Capture, gap: Gap, listeners: dict[bytes, list[int]]) -> PacketWitness:
    """Who waits is the one other router that names this one as its neighbour, if it speaks on meanwhile."""
    sender, about = source_text(capture.packets[gap.packet]), None
    if len(listeners) == 1:
        (spoken,) = listeners.values()
        if gap.is_spoken_in([capture.packets[index][TIME] for index in spoken]):
            about = source_text(capture.packets[spoken[0]])
    return testify(
        capture, WitnessKind.HELLO_LOST, [gap.packet], sender=sender, about=about, code="ospf",
        start_ns=gap.start_ns, end_ns=gap.end_ns,
        detail=Phrase("no OSPF hello from {sender} for {seconds:.1f} s", sender=sender, seconds=gap.seconds),
    )  # fmt: skip


def _no_longer_named(
    capture: Capture, hellos: list[_OspfHello], addresses: dict[tuple[object, ...], str]
) -> Iterator[PacketWitness]:
    """A router that leaves a neighbour out of its hellos has not heard that neighbour for the dead interval."""
    named: frozenset[bytes] = frozenset()
    for hello in hellos:
        for missing in sorted(named - hello.neighbours):
            sender = source_text(capture.packets[hello.packet])
            about = addresses.get((segment_of(capture, hello.packet), missing), str(IPv4Address(missing)))
            yield testify(
                capture, WitnessKind.NEIGHBOUR_LOST, [hello.packet], sender=sender, about=about, code="ospf",
                detail=Phrase(
                    "{sender} no longer hears OSPF router {router}", sender=sender, router=str(IPv4Address(missing))
                ),
            )  # fmt: skip
        named = hello.neighbours
