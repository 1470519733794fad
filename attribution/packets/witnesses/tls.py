"""TLS ends a connection with a reason, and a server that took the client's hello owes it an answer (RFC 8446, 5246).

Only what is not encrypted is read; close_notify is how every connection ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import Capture
from attribution.packets.columns import (
    ACK,
    ACKNOWLEDGEMENT,
    DESTINATION_PORT,
    FIN,
    FLAGS,
    LENGTH,
    PAYLOAD,
    RST,
    SEQUENCE,
    SOURCE_PORT,
    TCP,
    TIME,
)
from attribution.packets.flows import Conversation, flow_key, reverse_key, tcp_conversations
from attribution.packets.survey import Survey
from attribution.packets.witnesses.carried import payload_of
from attribution.packets.witnesses.gathering import Gathering, Run, testify
from attribution.packets.witnesses.tls_records import (
    CLOSE_NOTIFY,
    alert_words,
    may_be_tls,
    tls_records,
)

PATIENCE_NS: Final = 5_000_000_000
FEWEST_COPIES: Final = 3  # of the server's answer, before they count as vanished
NUMBERS: Final = 1 << 32
Key = tuple[str, str, int, int, str]


def find_tls_trouble(survey: Survey) -> Iterator[PacketWitness]:
    """Yield alerts, and hellos that a server acknowledged and did not answer."""
    capture = survey.capture
    alerts: Gathering[Key] = Gathering(capture)
    spoken: list[tuple[int, Key]] = []
    hellos: list[_Hello] = []
    for conversation in _encrypted(survey):
        hello = _read_conversation(capture, conversation, spoken)
        if hello is not None:
            hellos.append(hello)
    for index, key in sorted(spoken, key=lambda one: capture.packets[one[0]][TIME]):
        alerts.add(key, index)

    def describe(run: Run[Key]) -> PacketWitness:
        sender, about, level, description, role = run.key
        return testify(
            capture, WitnessKind.TLS_ALERT, run.packets, sender=sender, about=about, code=f"{level}/{description}",
            detail=Phrase(
                "{role} {sender} sends {about} the {alert}",
                role=ROLES[role], sender=sender, about=about, alert=alert_words(level, description),
            ),
        )  # fmt: skip

    yield from alerts.witnesses(describe)
    yield from _unanswered(capture, hellos)


def _encrypted(survey: Survey) -> list[Conversation]:
    """The connections of a capture in which anything looks like TLS."""
    capture = survey.capture
    segments = survey.of(TCP)
    telling = {
        frozenset((flow_key(packet), reverse_key(flow_key(packet))))
        for index in segments
        for packet in (capture.packets[index],)
        if packet[LENGTH] > 0 and may_be_tls(capture.octets[index], packet[PAYLOAD])
    }
    if not telling:
        return []
    return [
        conversation
        for conversation in tcp_conversations(capture, segments)
        if frozenset((conversation.key, reverse_key(conversation.key))) in telling
    ]


@dataclass(slots=True)
class _Hello:
    """A client's hello and the place of it in its connection."""

    conversation: Conversation
    place: int
    end: int  # sequence number behind it


def _read_conversation(capture: Capture, conversation: Conversation, spoken: list[tuple[int, Key]]) -> _Hello | None:
    """Collect a connection's alerts; answer its first client hello."""
    hello: _Hello | None = None
    seen: set[tuple[bool, int]] = set()
    for place, (index, forward) in enumerate(zip(conversation.packets, conversation.forward, strict=True)):
        packet = capture.packets[index]
        if packet[LENGTH] <= 0 or not may_be_tls(capture.octets[index], packet[PAYLOAD]):
            continue
        for record in tls_records(payload_of(capture, index)):
            sequence = (packet[SEQUENCE] + record.start) % NUMBERS
            if record.is_client_hello and hello is None:
                hello = _Hello(conversation, place, (sequence + 5 + record.length) % NUMBERS)
            elif record.alert is not None and (forward, sequence) not in seen:
                seen.add((forward, sequence))
                level, description = record.alert
                if description != CLOSE_NOTIFY:
                    role = _role(packet, forward, conversation, hello)
                    spoken.append((index, (source_text(packet), destination_text(packet), level, description, role)))
    return hello


def _role(packet: tuple[int, ...], forward: bool, conversation: Conversation, hello: _Hello | None) -> str:
    """The client is who said hello; where that was not seen, who has the higher port."""
    if hello is not None:
        return "client" if conversation.forward[hello.place] == forward else "server"
    return "client" if packet[SOURCE_PORT] > packet[DESTINATION_PORT] else "server"


def _unanswered(capture: Capture, hellos: list[_Hello]) -> Iterator[PacketWitness]:
    failed: Gathering[tuple[str, str, int, str]] = Gathering(capture)
    told: list[tuple[int, tuple[str, str, int, str]]] = []
    for hello in hellos:
        outcome = _outcome(capture, hello)
        if outcome is not None:
            index = hello.conversation.packets[hello.place]
            packet = capture.packets[index]
            told.append((index, (source_text(packet), destination_text(packet), packet[DESTINATION_PORT], outcome)))
    for index, key in sorted(told, key=lambda one: capture.packets[one[0]][TIME]):
        failed.add(key, index)

    def describe(run: Run[tuple[str, str, int, str]]) -> PacketWitness:
        client, server, port, outcome = run.key
        number = len(run.packets)
        return testify(
            capture, WitnessKind.TLS_UNANSWERED, run.packets, sender=server, about=client, code=outcome,
            detail=Phrase(
                "{count} ClientHello of {client} to {server} port {port}: {outcome}",
                count=number, client=client, server=server, port=port, outcome=WORDS[outcome],
            ),
        )  # fmt: skip

    yield from failed.witnesses(describe)


ROLES: Final = {"client": Phrase("client"), "server": Phrase("server")}
WORDS: Final = {
    "slow": Phrase("acknowledged at once, and answered only after {seconds:g} s or more", seconds=PATIENCE_NS / 1e9),
    "silent": Phrase(
        "acknowledged, but no ServerHello follows: the server's application stands still, or all that it sends "
        "is lost before this point"
    ),
    "lost_before": Phrase(
        "acknowledged; the server's later segments show that its answer was sent and lost before this point"
    ),
    "lost_beyond": Phrase(
        "the server answers again and again, and the client never acknowledges it: the answer is lost beyond this point"
    ),
}


@dataclass(slots=True)
class _Progress:
    """What the connection shows behind the hello."""

    acknowledged_ns: int | None = None
    expected: int | None = None  # the sequence number with which the answer has to begin
    answers: int = 0
    answered_ns: int | None = None
    jumped: bool = False
    finished: bool = False  # the server's FIN has come, and counts as one octet
    taken: bool = False  # the client acknowledged some of the answer, or went on
    closed_ns: int | None = None


def _outcome(capture: Capture, hello: _Hello) -> str | None:
    """What became of a hello that TCP delivered; None if it was answered, or nothing tells."""
    start_ns = capture.packets[hello.conversation.packets[hello.place]][TIME]
    progress = _follow(capture, hello)
    if progress.acknowledged_ns is None:
        return None
    if progress.taken:
        late_ns = (progress.answered_ns or start_ns) - max(progress.acknowledged_ns, start_ns)
        return "slow" if late_ns >= PATIENCE_NS else None
    until_ns = capture.end_ns if progress.closed_ns is None else progress.closed_ns
    if until_ns - start_ns < PATIENCE_NS:
        return None
    if progress.jumped:
        return "lost_before"
    if progress.answered_ns is None or progress.answered_ns - start_ns >= PATIENCE_NS:
        return "silent"
    return "lost_beyond" if progress.answers >= FEWEST_COPIES else None


def _follow(capture: Capture, hello: _Hello) -> _Progress:
    conversation = hello.conversation
    from_client = conversation.forward[hello.place]
    progress = _Progress()
    first = capture.packets[conversation.packets[hello.place]]
    if first[FLAGS] & ACK:
        progress.expected = first[ACKNOWLEDGEMENT]
    for place in range(hello.place, len(conversation.packets)):
        packet = capture.packets[conversation.packets[place]]
        if packet[FLAGS] & (FIN | RST) and progress.closed_ns is None:
            progress.closed_ns = packet[TIME]
        if conversation.forward[place] == from_client:
            _client_goes_on(packet, hello, progress)
        else:
            _server_goes_on(packet, hello, progress)
    return progress


def _client_goes_on(packet: tuple[int, ...], hello: _Hello, progress: _Progress) -> None:
    sent_on = packet[LENGTH] > 0 and 0 < (packet[SEQUENCE] + packet[LENGTH] - hello.end) % NUMBERS < NUMBERS // 2
    took = (
        progress.expected is not None
        and packet[FLAGS] & ACK
        and 0 < (packet[ACKNOWLEDGEMENT] - progress.expected) % NUMBERS < NUMBERS // 2
    )
    if not packet[FLAGS] & RST and (sent_on or (took and progress.answers)):
        progress.taken = True


def _server_goes_on(packet: tuple[int, ...], hello: _Hello, progress: _Progress) -> None:
    if packet[FLAGS] & RST:
        return
    if packet[FLAGS] & ACK and (packet[ACKNOWLEDGEMENT] - hello.end) % NUMBERS < NUMBERS // 2:
        progress.acknowledged_ns = progress.acknowledged_ns or packet[TIME]
    ahead = (packet[SEQUENCE] - progress.expected) % NUMBERS if progress.expected is not None else 0
    if progress.finished and ahead == 1:
        return
    progress.finished = progress.finished or bool(packet[FLAGS] & FIN and ahead == 0 and not packet[LENGTH])
    if 0 < ahead < NUMBERS // 2:
        progress.jumped = progress.jumped or not progress.answers
    elif packet[LENGTH] > 0 and ahead == 0:
        progress.answers += 1
        progress.jumped = False
        progress.answered_ns = progress.answered_ns or packet[TIME]
