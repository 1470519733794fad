"""Connections that a device on the way resets in the name of an end, and which device does.

A reset that passes one capture point, and does not pass another that is nearer to the end in whose name it is, was made
between the two. Firewalls and intrusion prevention do so (RFC 3360), and censors (Weaver, Sommer, Paxson: Detecting
Forged TCP Reset Packets, NDSS 2009): beyond them the end never learns of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attribution.detectors.loss import Surroundings, tap_position
from attribution.model.capture import Handshake
from attribution.model.evidence import Alarm, AlarmKind, Citation
from attribution.model.incident import Interval
from attribution.model.observation import (
    FORGED,
    REFUSED_BY_ITSELF,
    CaptureCoverage,
    Observation,
    PacketWitness,
    WitnessKind,
)
from attribution.model.phrase import Phrase
from attribution.model.topology import NodeKind

FEWEST_RESETS = 3
REFUSED = frozenset({Handshake.REFUSED, REFUSED_BY_ITSELF, FORGED})


def detect_forged_resets(observations: Iterable[Observation], around: Surroundings) -> Iterator[Alarm]:
    """Name the device that resets connections in an end's name, where it is the only one that can have done so."""
    known = tuple(observations)
    resets = [one for one in known if isinstance(one, PacketWitness) and _is_reset(one)]
    listening = [one for one in known if isinstance(one, CaptureCoverage) and not one.dropped]
    for reset in resets:
        if reset.count < FEWEST_RESETS:
            continue
        sender, receiver = around.book.resolve(reset.sender), around.book.resolve(reset.about)
        if sender is None or receiver is None or sender == receiver:
            continue
        ways = around.routes.paths(sender, receiver, reset.time_ns)
        makers = {_maker(way, reset, resets, listening, around) for way in ways}
        if len(makers) == 1 and (maker := makers.pop()) is not None:
            yield Alarm(
                Interval(reset.time_ns, max(reset.end_ns, reset.time_ns + 1)), maker, maker, AlarmKind.RESETS_FORGED,
                Citation(reset.origin, reset.locator),
                Phrase(
                    "packets at {device}: {count} connections were reset in the name of {sender}, and only {maker} "
                    "can have sent the resets",
                    device=reset.device, count=reset.count, sender=sender, maker=maker,
                ),
                about_peer=sender, magnitude=float(reset.count),
            )  # fmt: skip


def detect_forged_refusals(observations: Iterable[Observation], around: Surroundings) -> Iterator[Alarm]:
    """Connections between the ends reset in a row by another device in the name of an end: once they were open, or as
    they were tried, where that device was seen to do so."""
    witnesses = [witness for witness in observations if isinstance(witness, PacketWitness)]
    resets = [w for w in witnesses if w.kind is WitnessKind.TCP_RESET and w.code == FORGED]
    forged = {(witness.device, witness.sender) for witness in resets}
    refusals = [
        witness
        for witness in witnesses
        if witness.kind is WitnessKind.HANDSHAKE_FAILED
        and (
            witness.code == FORGED
            or (witness.code == Handshake.REFUSED and (witness.device, witness.sender) in forged)
        )
    ]
    for witness in (*refusals, *resets):
        server, client = around.book.resolve(witness.sender), around.book.resolve(witness.about)
        if witness.count >= FEWEST_RESETS and server in around.ends and client in (None, *around.ends):
            yield Alarm(
                Interval(witness.time_ns, max(witness.end_ns, witness.time_ns + 1)), witness.device, server,
                AlarmKind.CONNECTIONS_RESET, Citation(witness.origin, witness.locator),
                Phrase("packets at {device}: {told}, by another device", device=witness.device, told=witness.detail),
                about_peer=client, magnitude=float(witness.count),
            )  # fmt: skip


def _is_reset(witness: PacketWitness) -> bool:
    refused = witness.kind is WitnessKind.HANDSHAKE_FAILED and witness.code in REFUSED
    return refused or witness.kind is WitnessKind.TCP_RESET


def _maker(
    way: tuple[str, ...],
    reset: PacketWitness,
    resets: Iterable[PacketWitness],
    listening: Iterable[CaptureCoverage],
    around: Surroundings,
) -> str | None:
    """The one device on a way from the end that a reset names that can have made it; None where that may be several,
    or that end itself."""
    seen = tap_position(way, (reset.device, reset.interface), around.topology)
    if seen is None:
        return None
    shown = {(one.device, one.interface) for one in resets if _is_of_the_same(one, reset)}
    missed = 0  # up to where on the way no such reset passed, nor can have been the end's own
    for one in listening:
        at = tap_position(way, (one.device, one.interface), around.topology)
        listened = one.time_ns <= reset.time_ns and reset.end_ns <= one.end_ns
        if at is not None and listened and (one.device, one.interface) not in shown and at <= seen:
            missed = max(missed, at)
    if not missed and reset.code != FORGED:
        return None
    makers = [name for name in way[missed:seen] if name in around.topology.nodes]
    makers = [name for name in makers if around.topology.nodes[name].kind is not NodeKind.HOST]
    return makers[0] if len(makers) == 1 else None


def _is_of_the_same(one: PacketWitness, reset: PacketWitness) -> bool:
    """Whether resets of the same end against the same one passed another point at the time."""
    together = one.time_ns <= reset.end_ns and reset.time_ns <= one.end_ns
    return together and (one.sender, one.about) == (reset.sender, reset.about)
