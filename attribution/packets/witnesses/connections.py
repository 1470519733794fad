"""What connections complain of: resets, failed handshakes, readers that stop, large packets that vanish."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import (
    ACK,
    DESTINATION_PORT,
    FIN,
    FLAGS,
    LENGTH,
    RST,
    SYN,
    TCP,
    TIME,
    TRANSPORT,
    TTL,
    WINDOW,
)
from attribution.packets.flows import Conversation, address_pair
from attribution.packets.survey import Survey
from attribution.packets.tcp_loss import Copy
from attribution.packets.witnesses.gathering import Gathering, Run, testify

PATIENCE_NS: Final = 1_000_000_000
LONGEST_ZERO_WINDOW_NS: Final = 200_000_000  # a shorter one is a reader that was busy for a moment
FEWEST_LARGE_COPIES: Final = 3
TIME_TO_LIVE_SLACK: Final = 1


def find_resets(survey: Survey) -> Iterator[PacketWitness]:
    """Yield connections that were cut by a reset, and whether the end that it names really sent it.

    A reset that answers a SYN is a refusal, and one after both ends have finished is tidying up: neither is told here.
    A device between the ends that forges resets is given away by a time to live that is not the end's own.
    """
    capture = survey.capture
    lives: dict[tuple[int, ...], Counter[int]] | None = None
    found: Gathering[tuple[str, str, str]] = Gathering(capture)
    for conversation in survey.conversations:
        finished = [False, False]
        spoken = [False, False]
        for index, forward in zip(conversation.packets, conversation.forward, strict=True):
            packet = capture.packets[index]
            flags, side = packet[FLAGS], 0 if forward else 1
            if flags & RST:
                if all(spoken) and not any(finished):
                    lives = _usual_lives(survey) if lives is None else lives
                    words = _who_sent(packet, lives)
                    found.add((source_text(packet), destination_text(packet), words), index)
                break
            finished[side] |= bool(flags & FIN)
            spoken[side] |= not flags & SYN or bool(flags & ACK)

    def describe(run: Run[tuple[str, str, str]]) -> PacketWitness:
        sender, about, words = run.key
        return testify(capture, WitnessKind.TCP_RESET, run.packets, sender=sender, about=about, detail=words)

    yield from found.witnesses(describe)


def _usual_lives(survey: Survey) -> dict[tuple[int, ...], Counter[int]]:
    """The times to live with which each address's other segments pass here."""
    lives: dict[tuple[int, ...], Counter[int]] = {}
    for index in survey.of(TCP):
        packet = survey.capture.packets[index]
        if packet[TRANSPORT] >= 0 and not packet[FLAGS] & RST:
            lives.setdefault(address_pair(packet)[:4], Counter())[packet[TTL]] += 1
    return lives


def _who_sent(packet: Packet, lives: dict[tuple[int, ...], Counter[int]]) -> str:
    usual = lives.get(address_pair(packet)[:4])
    if not usual or any(abs(life - packet[TTL]) <= TIME_TO_LIVE_SLACK for life in usual):
        return f"{source_text(packet)} resets the connection"
    common = usual.most_common(1)[0][0]
    return (
        f"a reset in the name of {source_text(packet)}, with time to live {packet[TTL]} where its own have {common}: "
        "another device sent it"
    )


def find_failed_handshakes(survey: Survey) -> Iterator[PacketWitness]:
    """Yield servers whose connections did not come about: refused, unanswered, or never finished by the client."""
    capture = survey.capture
    failed: Gathering[tuple[str, str, int, str]] = Gathering(capture)
    attempts: list[tuple[int, tuple[str, str, int, str]]] = []
    for conversation in survey.conversations:
        outcome = _handshake_outcome(capture, conversation)
        if outcome is not None:
            packet = capture.packets[conversation.packets[0]]
            key = (source_text(packet), destination_text(packet), packet[DESTINATION_PORT], outcome)
            attempts.append((conversation.packets[0], key))
    for index, key in sorted(attempts, key=lambda attempt: capture.packets[attempt[0]][TIME]):
        failed.add(key, index)

    def describe(run: Run[tuple[str, str, int, str]]) -> PacketWitness:
        client, server, port, outcome = run.key
        sender = client if outcome == "unanswered" else server
        about = server if outcome == "unanswered" else client
        return testify(
            capture, WitnessKind.HANDSHAKE_FAILED, run.packets, sender=sender, about=about, code=outcome,
            detail=f"{len(run.packets)} connections from {client} to {server} port {port}: {outcome}",
        )  # fmt: skip

    yield from failed.witnesses(describe)


def _handshake_outcome(capture: Capture, conversation: Conversation) -> str | None:
    """How a handshake failed; None for one that succeeded, was not seen from its start, or may still succeed."""
    packets = capture.packets
    first = packets[conversation.packets[0]]
    if first[FLAGS] & (SYN | ACK | RST) != SYN:
        return None
    accepted = False
    for index, forward in zip(conversation.packets, conversation.forward, strict=True):
        flags = packets[index][FLAGS]
        if not forward and flags & RST and not accepted:
            return "refused"
        if not forward and flags & SYN and flags & ACK:
            accepted = True
        elif forward and not flags & SYN:
            return None
        elif not forward and not flags & RST:
            return None  # the handshake was before the capture, or its answer was missed
    waited = capture.end_ns - packets[conversation.packets[-1]][TIME]
    if waited < PATIENCE_NS:
        return None
    return "unfinished" if accepted else "unanswered"


def find_zero_windows(survey: Survey) -> Iterator[PacketWitness]:
    """Yield receivers that had no room for more, for how long: their reader stands still."""
    capture = survey.capture
    for conversation in survey.conversations:
        closed: dict[bool, list[int]] = {}
        for index, forward in zip(conversation.packets, conversation.forward, strict=True):
            packet = capture.packets[index]
            if packet[FLAGS] & (SYN | FIN | RST):
                continue
            if packet[WINDOW] == 0:
                closed.setdefault(forward, []).append(index)
            elif forward in closed:
                yield from _zero_window(capture, closed.pop(forward), packet[TIME])
        for indices in closed.values():
            yield from _zero_window(capture, indices, capture.packets[conversation.packets[-1]][TIME])


def _zero_window(capture: Capture, indices: list[int], end_ns: int) -> Iterator[PacketWitness]:
    packet = capture.packets[indices[0]]
    if end_ns - packet[TIME] >= LONGEST_ZERO_WINDOW_NS:
        yield testify(
            capture, WitnessKind.ZERO_WINDOW, indices, sender=source_text(packet), about=destination_text(packet),
            end_ns=end_ns, detail=f"{source_text(packet)} has no room for {(end_ns - packet[TIME]) / 1e9:.1f} s",
        )  # fmt: skip


def find_large_packets_lost(survey: Survey) -> Iterator[PacketWitness]:
    """Yield directions in which every large segment vanishes beyond this point while small ones arrive.

    That is a path whose smallest link takes less than the ends believe, and that does not tell them so (RFC 2923).
    """
    capture = survey.capture
    by_pair: dict[tuple[int, ...], list[tuple[list[Copy], Copy | None]]] = {}
    losing = {pair for pair, result in survey.losses if result.downstream or result.unanswered}
    for pair, result in survey.losses:
        if pair not in losing:
            continue
        lost = {loss.packet for loss in (*result.downstream, *result.unanswered)}
        stuck = [copy for copy in result.passages if copy.packet in lost]
        arrived = [
            copy for copy in result.passages
            if copy.packet not in lost and copy.right <= result.acknowledged and capture.packets[copy.packet][LENGTH]
        ]  # fmt: skip
        largest = max(arrived, key=lambda copy: copy.wire, default=None)
        by_pair.setdefault(pair, []).append((stuck, largest))
    for found in by_pair.values():
        stuck = [copy for copies, _ in found for copy in copies]
        passed = max((copy.wire for _, copy in found if copy is not None), default=0)
        large = sorted((copy for copy in stuck if copy.wire > passed), key=lambda copy: copy.time_ns)
        small_lost = len(stuck) - len(large)
        if passed and len(large) >= FEWEST_LARGE_COPIES and small_lost * 5 <= len(large):
            yield _large_lost(capture, large, passed)


def _large_lost(capture: Capture, large: list[Copy], passed: int) -> PacketWitness:
    packet = capture.packets[large[0].packet]
    smallest = min(copy.wire for copy in large)
    return testify(
        capture, WitnessKind.LARGE_PACKETS_LOST, [copy.packet for copy in large], sender=source_text(packet),
        about=destination_text(packet), code=str(smallest),
        detail=f"frames of {smallest} octets and more are lost, those up to {passed} arrive",
    )  # fmt: skip


