"""A request that passed the capture point and brought no answer back was lost beyond it, or its answer was.

Where no answer at all ever came back by this point, the answers may as well have another way, and their lack tells
nothing: routers spread what goes to and fro over equal ways by flow, one direction not as the other.
Echoes are told apart by their identifier and sequence number (RFC 792, 4443), DNS and NTP questions by their ports.
A traceroute's requests are meant to die on the way: series whose time to live climbs are left out.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import (
    ECHO_IDENTIFIER,
    ECHO_SEQUENCE,
    FRAGMENT,
    ICMP,
    ICMP_TYPE,
    TIME,
    TRANSPORT,
    TTL,
    WIRE,
)
from attribution.packets.flows import FlowKey, address_pair, flow_key, reverse_key

PATIENCE_NS: Final = 1_000_000_000
TRACEROUTE_TTL: Final = 32  # every common system starts with 64 or more; a lower one was set to be used up
LONGEST_GAP_NS: Final = 2_000_000_000  # a longer silence may be another way taken, which nothing here would tell


@dataclass(frozen=True, slots=True)
class Loss:
    """One packet that did not arrive: when it passed (or should have), the packet that tells, its size if known."""

    time_ns: int
    packet: int
    wire: int | None


@dataclass(slots=True)
class EchoSeries:
    """The echo requests of one program to one destination, in the order of time, and the losses on either side.

    `unanswered` are requests that passed and brought nothing back within the patience; `upstream` are sequence
    numbers that never passed although their neighbours did. `unsettled` are too late in the capture to tell. `heard`:
    whether any answer ever passed.
    """

    source_packet: Packet
    requests: list[int] = field(default_factory=list)
    upstream: list[Loss] = field(default_factory=list)
    unanswered: list[Loss] = field(default_factory=list)
    unsettled: int = 0
    heard: bool = False


def echo_series(capture: Capture, messages: Iterable[int], protocol: int) -> Iterator[EchoSeries]:
    """Every series of pings among these ICMP messages, both ways through the capture point."""
    requests: dict[tuple[int, ...], list[int]] = {}
    replies: dict[tuple[int, ...], list[int]] = {}
    packets = capture.packets
    request, reply = (8, 0) if protocol == ICMP else (128, 129)
    for index in messages:
        packet = packets[index]
        kind = packet[ICMP_TYPE]
        if kind not in (request, reply) or packet[TRANSPORT] < 0 or packet[FRAGMENT] > 1:
            continue
        pair, identifier = address_pair(packet), packet[ECHO_IDENTIFIER]
        if kind == request:
            requests.setdefault((*pair, identifier), []).append(index)
        else:
            replies.setdefault((*pair[4:], *pair[:4], identifier, packet[ECHO_SEQUENCE]), []).append(packet[TIME])
    for key, indices in requests.items():
        if not _is_traceroute(packets, indices):
            yield _judge_series(capture, key, indices, replies)


def _is_traceroute(packets: tuple[Packet, ...], indices: list[int]) -> bool:
    """The time to live of a ping is one number, high at the start; a traceroute's climbs from one."""
    return any(packets[index][TTL] < TRACEROUTE_TTL for index in indices) and (
        len({packets[index][TTL] for index in indices}) > 1 or packets[indices[0]][TTL] <= 2
    )


def _judge_series(
    capture: Capture, key: tuple[int, ...], indices: list[int], replies: dict[tuple[int, ...], list[int]]
) -> EchoSeries:
    packets = capture.packets
    series = EchoSeries(packets[indices[0]], indices)
    for index in indices:
        packet = packets[index]
        asked = packet[TIME]
        answers = replies.get((*key, packet[ECHO_SEQUENCE]), ())
        if any(asked - 1_000_000 <= answer for answer in answers):
            series.heard = True
            continue
        if capture.end_ns - asked < PATIENCE_NS:
            series.unsettled += 1
        else:
            series.unanswered.append(Loss(asked, index, packet[WIRE]))
    steps = Counter((packets[b][ECHO_SEQUENCE] - packets[a][ECHO_SEQUENCE]) & 0xFFFF for a, b in pairwise(indices))
    if len(indices) >= 4 and steps[1] * 2 >= len(indices) - 1:
        series.upstream.extend(_missing(packets, key, indices, replies))
    return series


def _missing(
    packets: tuple[Packet, ...], key: tuple[int, ...], indices: list[int], replies: dict[tuple[int, ...], list[int]]
) -> Iterator[Loss]:
    """Sequence numbers that a program which counts one by one must have used, and that never came here."""
    seen = {packets[index][ECHO_SEQUENCE] for index in indices}
    for earlier, later in pairwise(indices):
        first, start = packets[earlier][ECHO_SEQUENCE], packets[earlier][TIME]
        step = (packets[later][ECHO_SEQUENCE] - first) & 0xFFFF
        waited = packets[later][TIME] - start
        if not 1 < step < 1000 or waited > LONGEST_GAP_NS:
            continue
        for number in range(1, step):
            sequence = (first + number) & 0xFFFF
            if sequence not in seen and (*key, sequence) not in replies:
                yield Loss(start + waited * number // step, later, packets[later][WIRE])


@dataclass(slots=True)
class Questions:
    """Requests over UDP to a port that answers each with one datagram (DNS, NTP), in the order of time.

    `heard`: whether any answer of this server to this client ever passed.
    """

    source_packet: Packet
    requests: list[int] = field(default_factory=list)
    unanswered: list[Loss] = field(default_factory=list)
    unsettled: int = 0
    heard: bool = False


ANSWERING_PORTS: Final = frozenset({53, 123, 862, 7})


def udp_questions(capture: Capture, datagrams: Iterable[int]) -> Iterator[Questions]:
    """Requests over UDP by client and server address; a question is answered by any datagram back to its port."""
    packets = capture.packets
    asked: dict[FlowKey, list[int]] = {}
    answered: dict[FlowKey, list[int]] = {}
    for index in datagrams:
        packet = packets[index]
        if packet[TRANSPORT] >= 0 and packet[FRAGMENT] <= 1:
            key = flow_key(packet)
            if key[9] in ANSWERING_PORTS and key[8] not in ANSWERING_PORTS:
                asked.setdefault(key, []).append(index)
            elif key[8] in ANSWERING_PORTS:
                answered.setdefault(reverse_key(key), []).append(packet[TIME])
    found: dict[tuple[int, ...], Questions] = {}
    for key, indices in asked.items():
        pair = (*key[:8], key[9])
        questions = found.setdefault(pair, Questions(packets[indices[0]]))
        answers = _answered(packets, indices, answered.get(key, ()))
        for index in indices:
            time_ns = packets[index][TIME]
            questions.requests.append(index)
            if index in answers:
                questions.heard = True
            elif capture.end_ns - time_ns < PATIENCE_NS:
                questions.unsettled += 1
            else:
                questions.unanswered.append(Loss(time_ns, index, packets[index][WIRE]))
    yield from found.values()


def _answered(packets: Sequence[Packet], asked: Iterable[int], answers: Iterable[int]) -> set[int]:
    """Which of the questions from one port an answer came to: each to the last one before it, as whoever asks again
    does so because the ones before were lost."""
    waiting: list[int] = []
    found: set[int] = set()
    ahead = deque(asked)
    for time_ns in answers:
        while ahead and packets[ahead[0]][TIME] <= time_ns:
            waiting.append(ahead.popleft())
        if waiting:
            found.add(waiting.pop())
    return found
