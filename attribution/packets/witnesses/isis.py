"""IS-IS routers say hello and for how long it holds, whom they hear, and which link states no longer count.

ISO 10589 §9 (packets), RFC 5301 (host names), 5303 (three-way handshake), 1195 (interface addresses). The packets have
no IP header: a router goes by the interface address in its hellos, else by its host name, else by its system ID.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Final, NamedTuple

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase
from attribution.packets.capture import Capture
from attribution.packets.columns import ISIS, MAC_SOURCE, TIME
from attribution.packets.survey import Survey
from attribution.packets.witnesses.carried import message_of, segment_of
from attribution.packets.witnesses.gaps import Hello, gaps_in
from attribution.packets.witnesses.gathering import Gathering, Run, testify
from attribution.packets.witnesses.words import escaped

SECOND_NS: Final = 1_000_000_000
DISCRIMINATOR: Final = 0x83
LAN_HELLOS: Final = {15: "L1", 16: "L2"}
POINT_TO_POINT_HELLO: Final = 17
LINK_STATES: Final = (18, 20)
NEIGHBOURS, INTERFACE_ADDRESSES, HOST_NAME, THREE_WAY = 6, 132, 137, 240
THREE_WAY_UP: Final = 0
SYSTEM: Final = 6

Values = dict[int, list[bytes]]


class _IsisHello(NamedTuple):
    packet: int
    level: str
    system: bytes
    holding_ns: int
    heard: frozenset[bytes]  # hardware addresses on a LAN, system IDs on a point-to-point link


@dataclass(slots=True)
class _Names:
    """What the packets tell of the routers' names."""

    addresses: dict[bytes, str] = field(default_factory=dict)
    hosts: dict[bytes, str] = field(default_factory=dict)
    systems: dict[bytes, bytes] = field(default_factory=dict)  # by hardware address

    def of(self, system: bytes) -> str:
        return self.addresses.get(system) or self.hosts.get(system) or system_text(system)

    def of_heard(self, heard: bytes) -> str:
        """A neighbour as a hello names it."""
        system = self.systems.get(heard, heard)
        known = system in self.addresses or system in self.hosts or system is not heard
        return self.of(system) if known else system_text(system)


def system_text(system: bytes) -> str:
    """A system ID as people write it: three groups of four digits."""
    digits = system.hex()
    return ".".join(digits[place : place + 4] for place in range(0, len(digits), 4))


def find_isis_trouble(survey: Survey) -> Iterator[PacketWitness]:
    """Yield routers whose hellos stopped for their holding time, neighbours no longer heard, and purged link states."""
    capture = survey.capture
    names = _Names()
    speakers: dict[tuple[object, ...], list[_IsisHello]] = {}
    purges: list[tuple[int, bytes, bytes]] = []
    for index in survey.of(ISIS):
        message = message_of(capture, index)
        if len(message) < 20 or message[0] != DISCRIMINATOR or message[3] not in (0, SYSTEM):
            continue
        kind = message[4] & 0x1F
        if kind in LAN_HELLOS or kind == POINT_TO_POINT_HELLO:
            hello = _read_hello(capture, index, message, kind, names)
            speakers.setdefault((segment_of(capture, index), kind, hello.system), []).append(hello)
        elif kind in LINK_STATES and len(message) >= 27:
            if message[10:12] == b"\0\0":
                purges.append((index, message[12:20], message[20:24]))
            for host in _values(message, 27).get(HOST_NAME, ()):
                names.hosts[message[12:18]] = escaped(host)
    here: dict[tuple[int, ...], dict[bytes, list[int]]] = {}
    for hellos in speakers.values():
        heard = here.setdefault(segment_of(capture, hellos[0].packet), {}).setdefault(hellos[0].system, [])
        heard += [capture.packets[hello.packet][TIME] for hello in hellos]
    for heard in (times for systems in here.values() for times in systems.values()):
        heard.sort()
    for hellos in speakers.values():
        yield from _lost(capture, hellos, names, here[segment_of(capture, hellos[0].packet)])
        yield from _no_longer_heard(capture, hellos, names)
    yield from _purged(capture, purges, names)


def _read_hello(capture: Capture, index: int, message: bytes, kind: int, names: _Names) -> _IsisHello:
    """Source ID at 9, holding time at 15, then length, and on a LAN priority and LAN ID; values follow."""
    system = message[9:15]
    values = _values(message, 20 if kind == POINT_TO_POINT_HELLO else 27)
    hardware = capture.packets[index][MAC_SOURCE]
    if hardware:
        names.systems[hardware.to_bytes(6, "big")] = system
    for addresses in values.get(INTERFACE_ADDRESSES, ()):
        if len(addresses) >= 4:
            names.addresses[system] = str(IPv4Address(addresses[:4]))
    if kind == POINT_TO_POINT_HELLO:
        heard = {value[5:11] for value in values.get(THREE_WAY, ()) if len(value) >= 11 and value[0] == THREE_WAY_UP}
    else:
        heard = {value[at : at + 6] for value in values.get(NEIGHBOURS, ()) for at in range(0, len(value) - 5, 6)}
    level = LAN_HELLOS.get(kind, "point-to-point")
    return _IsisHello(index, level, system, int.from_bytes(message[15:17], "big") * SECOND_NS, frozenset(heard))


def _values(message: bytes, at: int) -> Values:
    """Type, length, value triplets up to the length that the packet states, as far as they were captured."""
    found: Values = {}
    end = len(message)
    while at + 2 <= end:
        kind, size = message[at], message[at + 1]
        if kind or size:
            found.setdefault(kind, []).append(message[at + 2 : at + 2 + size])
        at += 2 + size
    return found


def _lost(
    capture: Capture, hellos: list[_IsisHello], names: _Names, here: dict[bytes, list[int]]
) -> Iterator[PacketWitness]:
    """Who waits is the one other router of the network, if there is one and it speaks on meanwhile."""
    sender = names.of(hellos[0].system)
    other = next((system for system in here if system != hellos[0].system), None) if len(here) == 2 else None
    for gap in gaps_in(capture, [Hello(hello.packet, hello.holding_ns) for hello in hellos]):
        speaks_on = other is not None and gap.is_spoken_in(here[other])
        yield testify(
            capture, WitnessKind.HELLO_LOST, [gap.packet], sender=sender,
            about=names.of(other) if other is not None and speaks_on else None, code="isis",
            start_ns=gap.start_ns, end_ns=gap.end_ns,
            detail=Phrase(
                "no IS-IS {level} hello from {sender} for {seconds:.1f} s",
                level=hellos[0].level, sender=sender, seconds=gap.seconds,
            ),
        )  # fmt: skip


def _no_longer_heard(capture: Capture, hellos: list[_IsisHello], names: _Names) -> Iterator[PacketWitness]:
    """On a LAN a hello lists whom its sender hears; on a point-to-point link it tells the state of the handshake."""
    heard: frozenset[bytes] = frozenset()
    for hello in hellos:
        for missing in sorted(heard - hello.heard):
            sender, about = names.of(hello.system), names.of_heard(missing)
            yield testify(
                capture, WitnessKind.NEIGHBOUR_LOST, [hello.packet], sender=sender, about=about, code="isis",
                detail=Phrase("{sender} no longer hears IS-IS router {router}", sender=sender, router=about),
            )  # fmt: skip
        heard = hello.heard


def _purged(capture: Capture, purges: list[tuple[int, bytes, bytes]], names: _Names) -> Iterator[PacketWitness]:
    """A link state with no lifetime left is taken out of every router's database; each purge is flooded many times."""
    found: Gathering[tuple[bytes, bytes]] = Gathering(capture)
    for index, identifier, sequence in purges:
        found.add((identifier, sequence), index)

    def describe(run: Run[tuple[bytes, bytes]]) -> PacketWitness:
        identifier, _ = run.key
        hardware = capture.packets[run.packets[0]][MAC_SOURCE].to_bytes(6, "big")
        sender = names.of(names.systems[hardware]) if hardware in names.systems else None
        about = names.of(identifier[:SYSTEM])
        shown = f"{system_text(identifier[:SYSTEM])}.{identifier[6]:02x}-{identifier[7]:02x}"
        return testify(
            capture, WitnessKind.LINK_STATE_PURGED, run.packets, sender=sender, about=about, code="isis",
            detail=Phrase("the link state {shown} of {router} is purged", shown=shown, router=about),
        )  # fmt: skip

    yield from found.witnesses(describe)
