"""BGP sessions as their own messages tell them: who closed one and why, who took routes back, who fell silent.

RFC 4271 (messages, hold timer, error codes), 4486 and 8538 (Cease), 9003 (shutdown communication).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import Final

from attribution.model.observation import TCP_ALONE, PacketWitness, WitnessKind
from attribution.model.phrase import Phrase, Template, as_clauses
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import Capture
from attribution.packets.columns import ACK, ACKNOWLEDGEMENT, FLAGS, LENGTH, SEQUENCE, TCP, TIME, WINDOW
from attribution.packets.flows import FlowKey, address_pair, flow_key, reverse_key
from attribution.packets.survey import Survey
from attribution.packets.witnesses.bgp_messages import (
    KEEPALIVE,
    NOTIFICATION,
    OPEN,
    UPDATE,
    BgpMessage,
    bgp_messages,
)
from attribution.packets.witnesses.bgp_updates import announced_prefixes, comes_from_own_network, withdrawn_prefixes
from attribution.packets.witnesses.gathering import Gathering, Run, testify
from attribution.packets.witnesses.words import escaped, few

SECOND_NS: Final = 1_000_000_000
ERRORS: Final = {
    1: Phrase("message header error"), 2: Phrase("OPEN error"), 3: Phrase("UPDATE error"),
    4: Phrase("hold timer expired"), 5: Phrase("state machine error"),
    6: Phrase("cease"), 7: Phrase("route refresh error"), 8: Phrase("send hold timer expired"),
}  # fmt: skip
SUBCODES: Final = {
    (1, 1): Phrase("connection not synchronised"), (1, 2): Phrase("bad message length"),
    (1, 3): Phrase("bad message type"),
    (2, 1): Phrase("unsupported version"), (2, 2): Phrase("bad peer AS"), (2, 3): Phrase("bad BGP identifier"),
    (2, 4): Phrase("unsupported optional parameter"), (2, 5): Phrase("authentication failure"),
    (2, 6): Phrase("unacceptable hold time"),
    (2, 7): Phrase("unsupported capability"), (2, 11): Phrase("role mismatch"),
    (3, 1): Phrase("malformed attribute list"), (3, 2): Phrase("unrecognised well-known attribute"),
    (3, 3): Phrase("missing well-known attribute"), (3, 4): Phrase("attribute flags error"),
    (3, 5): Phrase("attribute length error"),
    (3, 6): Phrase("invalid ORIGIN"), (3, 8): Phrase("invalid NEXT_HOP"), (3, 9): Phrase("optional attribute error"),
    (3, 10): Phrase("invalid network field"), (3, 11): Phrase("malformed AS_PATH"),
    (6, 1): Phrase("too many prefixes"), (6, 2): Phrase("administrative shutdown"), (6, 3): Phrase("peer deconfigured"),
    (6, 4): Phrase("administrative reset"), (6, 5): Phrase("connection rejected"),
    (6, 6): Phrase("other configuration change"),
    (6, 7): Phrase("connection collision"), (6, 8): Phrase("out of resources"), (6, 9): Phrase("hard reset"),
    (6, 10): Phrase("BFD down"),
}  # fmt: skip
SPOKEN_SUBCODES: Final = ((6, 2), (6, 4))  # these may carry what the operator says about it
HARD_RESET: Final = (6, 9)
FEWEST_KEEPALIVES: Final = 4
KEEPALIVES_MISSED: Final = 2.5  # where the hold time was not seen; it is usually three keepalive intervals
SHORTEST_SILENCE_NS: Final = 1_500_000_000
KEEPALIVES_IN_HOLD: Final = 3
HOLD_TIMER: Final = 4  # the error code of who closes a session because its peer said nothing (RFC 4271 §6.5)
TIMER_NS: Final = SECOND_NS  # timers run out in whole seconds, and start when a message was read, not as it came
FEWEST_ACKNOWLEDGED: Final = 2
ANSWERED_WITHIN_NS: Final = 5_000_000_000
TABLE_NS: Final = 60_000_000_000  # so long after its OPEN a speaker may still be telling its table
HOST_ROUTES: Final = ("/32", "/128")


@dataclass(slots=True)
class _Speaker:
    """What one side said to the other, over all connections between their two addresses."""

    messages: list[BgpMessage] = field(default_factory=list)
    hold_s: int | None = None  # the hold time of its last OPEN


Speakers = dict[tuple[int, ...], _Speaker]


def find_bgp_trouble(survey: Survey) -> Iterator[PacketWitness]:
    """Yield NOTIFICATIONs, withdrawals, new host routes, and peers that fell silent while the other spoke on."""
    capture = survey.capture
    speakers: Speakers = {}
    said: dict[FlowKey, set[int]] = {}
    withdrawn: Gathering[tuple[str, str]] = Gathering(capture)
    prefixes: dict[int, list[str]] = {}
    told = _Told()
    for message in bgp_messages(survey):
        packet = capture.packets[message.packet]
        speaker = speakers.setdefault(address_pair(packet), _Speaker())
        speaker.messages.append(message)
        if message.kind == OPEN and len(message.body) >= 5:
            speaker.hold_s = message.body[3] << 8 | message.body[4]
            told.begin(address_pair(packet), packet[TIME])
        elif message.kind == NOTIFICATION and len(message.body) >= 2:
            yield _notification(capture, message, _state(said, message.flow), _negotiated(speakers, packet))
        elif message.kind == UPDATE:
            pair, time_ns = address_pair(packet), packet[TIME]
            found = told.taken_back(pair, withdrawn_prefixes(message.body), time_ns)
            if found:
                prefixes.setdefault(message.packet, []).extend(found)
                withdrawn.add((source_text(packet), destination_text(packet)), message.packet)
            if comes_from_own_network(message.body):
                hosts = told.new_hosts(pair, announced_prefixes(message.body), time_ns)
                yield from _host_routes(capture, message.packet, hosts)
        said.setdefault(message.flow, set()).add(message.kind)
    yield from _withdrawals(capture, withdrawn, prefixes)
    yield from _silent_peers(survey, speakers)


def _reverse(pair: tuple[int, ...]) -> tuple[int, ...]:
    return (*pair[4:], *pair[:4])


def _negotiated(speakers: Speakers, packet: tuple[int, ...]) -> int | None:
    """The hold time of a session is the lower of both OPENs' (RFC 4271 §4.2); None where one of them was not seen."""
    pair = address_pair(packet)
    one, other = speakers.get(pair), speakers.get(_reverse(pair))
    if one is None or other is None or one.hold_s is None or other.hold_s is None:
        return None
    return min(one.hold_s, other.hold_s)


def _state(said: dict[FlowKey, set[int]], flow: FlowKey) -> Phrase | None:
    """The session's state as the messages of its connection show it (RFC 4271 §8.2.2)."""
    mine = said.get(flow, set())
    theirs = said.get((*flow[4:8], *flow[:4], flow[9], flow[8], flow[10]), set())
    if UPDATE in mine | theirs or (KEEPALIVE in mine and KEEPALIVE in theirs):
        return Phrase("the session was established")
    if OPEN in mine and OPEN in theirs:
        return Phrase("both had sent an OPEN, the session was not established")
    if OPEN in mine or OPEN in theirs:
        return Phrase("one side had sent an OPEN, the session was not established")
    return None


def _reason(code: int, subcode: int) -> Phrase:
    if (code, subcode) in SUBCODES:
        return SUBCODES[code, subcode]
    if code not in ERRORS:
        return Phrase("error {code}", code=code)
    return Phrase("{error}, subcode {subcode}", error=ERRORS[code], subcode=subcode) if subcode else ERRORS[code]


def _notification(capture: Capture, message: BgpMessage, state: Phrase | None, hold_s: int | None) -> PacketWitness:
    packet = capture.packets[message.packet]
    sender, about = source_text(packet), destination_text(packet)
    code, subcode = message.body[0], message.body[1]
    words, reason = _reason(code, subcode), (code, subcode)
    rest = message.body[2:]
    if (code, subcode) == HARD_RESET and len(rest) >= 2:
        reason = (rest[0], rest[1])  # what it would have said without graceful restart (RFC 8538 §3.1)
        told = SUBCODES.get(reason) or ERRORS.get(reason[0]) or Phrase("error {code}", code=reason[0])
        words = Phrase("{error} for {reason}", error=words, reason=told)
        rest = rest[2:]
    if rest and (code, subcode) in (*SPOKEN_SUBCODES, HARD_RESET):
        spoken = rest[1 : 1 + rest[0]]
        words = Phrase('{error}, saying "{text}"', error=words, text=escaped(spoken)) if spoken else words
    timer = Phrase("hold time {seconds} s", seconds=hold_s) if hold_s is not None else None
    known = as_clauses(part for part in (state, timer) if part is not None)
    detail = Phrase("{sender} closes the session with {about}: {reason}", sender=sender, about=about, reason=words)
    return testify(
        capture, WitnessKind.BGP_NOTIFICATION, [message.packet], sender=sender, about=about,
        code=f"{reason[0]}/{reason[1]}",
        detail=Phrase("{what} ({circumstances})", what=detail, circumstances=known) if known else detail,
    )  # fmt: skip


class _Told:
    """Which prefixes each side took back from the other, which hosts it announced alone, and when.

    Many speakers announce to a peer also what they learned from it (RFC 4271 does not forbid it). What follows the
    peer's own word is an answer, and no news; nor is the table that a session begins with, or that a route is taken
    back which was announced a while ago, and for a host alone.
    """

    def __init__(self) -> None:
        self._taken: dict[tuple[tuple[int, ...], str], int] = {}
        self._hosts: dict[tuple[tuple[int, ...], str], int] = {}
        self._began: dict[tuple[int, ...], int] = {}

    def begin(self, pair: tuple[int, ...], time_ns: int) -> None:
        """One side of a pair opens a session: what it announces soon after is its table."""
        self._began[pair] = time_ns

    def taken_back(self, pair: tuple[int, ...], prefixes: Iterable[str], time_ns: int) -> list[str]:
        """Of what one side of a pair takes back, that which is news."""
        found = []
        for prefix in prefixes:
            if not _follows(self._taken, pair, prefix, time_ns):
                self._taken[pair, prefix] = time_ns
                if self._hosts.pop((pair, prefix), None) is None:
                    found.append(prefix)
        return found

    def new_hosts(self, pair: tuple[int, ...], prefixes: Iterable[str], time_ns: int) -> list[str]:
        """Of what one side of a pair announces, the single hosts of which it had not told in this capture."""
        found = []
        for prefix in prefixes:
            known = (pair, prefix) in self._hosts or (pair, prefix) in self._taken
            if prefix.endswith(HOST_ROUTES) and not known and not _follows(self._hosts, pair, prefix, time_ns):
                self._hosts[pair, prefix] = time_ns
                if time_ns - self._began.get(pair, -TABLE_NS) >= TABLE_NS:
                    found.append(prefix)
        return found


def _follows(
    told: Mapping[tuple[tuple[int, ...], str], int], pair: tuple[int, ...], prefix: str, time_ns: int
) -> bool:
    """Whether the other side of a pair had just said the same of a prefix."""
    said = told.get((_reverse(pair), prefix))
    return said is not None and time_ns - said <= ANSWERED_WITHIN_NS


def _host_routes(capture: Capture, index: int, prefixes: list[str]) -> Iterator[PacketWitness]:
    if prefixes:
        sender, about = source_text(capture.packets[index]), destination_text(capture.packets[index])
        hosts = [prefix.rpartition("/")[0] for prefix in prefixes]
        yield testify(
            capture, WitnessKind.BGP_HOST_ROUTE, [index], sender=sender, about=about, code=str(len(hosts)),
            count=len(hosts), prefixes=prefixes,
            detail=Phrase("{sender} announces a route to {hosts} alone", sender=sender, hosts=few(hosts)),
        )  # fmt: skip


def _withdrawals(
    capture: Capture, withdrawn: Gathering[tuple[str, str]], prefixes: dict[int, list[str]]
) -> Iterator[PacketWitness]:
    def describe(run: Run[tuple[str, str]]) -> PacketWitness:
        packets = list(dict.fromkeys(run.packets))
        names = [name for index in packets for name in prefixes[index]]
        words = (
            Template("{sender} withdraws {count} prefix: {names}")
            if len(names) == 1
            else Template("{sender} withdraws {count} prefixes: {names}")
        )
        return testify(
            capture, WitnessKind.BGP_WITHDRAWAL, packets, sender=run.key[0], about=run.key[1], code=str(len(names)),
            count=len(names), detail=words.fill(sender=run.key[0], count=len(names), names=few(names)),
            prefixes=names,
        )  # fmt: skip

    yield from withdrawn.witnesses(describe)


def _silent_peers(survey: Survey, speakers: Speakers) -> Iterator[PacketWitness]:
    """One side says nothing for the hold time, while the other's messages keep coming.

    Where no OPEN told the hold time, the usual pace of the speaker's KEEPALIVEs stands for it. That the hold time was
    over the peer tells, who closes the session for it, better than the time between two packets.
    """
    capture = survey.capture
    for pair, speaker in speakers.items():
        peer = speakers.get(_reverse(pair))
        if peer is None or len(peer.messages) < 2:
            continue
        paces = _paces(capture, speaker, _negotiated(speakers, capture.packets[speaker.messages[0].packet]))
        if paces is None:
            continue
        usual_ns, limit_ns = paces
        theirs = [capture.packets[message.packet][TIME] for message in peer.messages]
        closings = [
            (time_ns, message.body[:1] == bytes([HOLD_TIMER]))
            for time_ns, message in zip(theirs, peer.messages, strict=True)
            if message.kind == NOTIFICATION
        ]
        mine = [capture.packets[message.packet][TIME] for message in speaker.messages]
        for number, (start, end) in enumerate(pairwise([*mine, capture.end_ns])):
            message = speaker.messages[number]
            ended, expired = next((closing for closing in closings if closing[0] >= start), (end, False))
            end, expired = min(end, ended), expired and ended <= end
            if message.kind == NOTIFICATION or end - start <= limit_ns - TIMER_NS * expired:
                continue
            meanwhile = bisect_left(theirs, end) - bisect_left(theirs, int(start + usual_ns))
            if meanwhile >= 2:
                silence = _silence(capture, message.packet, start, end, meanwhile, speakers)
                yield _said_by_tcp_alone(silence) if _acknowledges(survey, message.packet, end) else silence


def _paces(capture: Capture, speaker: _Speaker, hold_s: int | None) -> tuple[float, float] | None:
    """How often the speaker ought to be heard, and how long a silence breaks the session; None where nothing tells."""
    if hold_s == 0:
        return None  # no keepalives were agreed
    if hold_s is not None:
        return hold_s * SECOND_NS / KEEPALIVES_IN_HOLD, hold_s * SECOND_NS
    times = [capture.packets[message.packet][TIME] for message in speaker.messages if message.kind == KEEPALIVE]
    if len(times) < FEWEST_KEEPALIVES:
        return None
    usual_ns = median(later - earlier for earlier, later in pairwise(times))
    return usual_ns, max(KEEPALIVES_MISSED * usual_ns, SHORTEST_SILENCE_NS)


def _silence(capture: Capture, index: int, start: int, end: int, meanwhile: int, speakers: Speakers) -> PacketWitness:
    packet = capture.packets[index]
    hold_s = _negotiated(speakers, packet)
    detail = Phrase(
        "{sender} is silent for {seconds:.1f} s while its peer speaks on",
        sender=source_text(packet), seconds=(end - start) / 1e9,
    )  # fmt: skip
    if hold_s is not None:
        detail = Phrase("{what}, the hold time is {seconds} s", what=detail, seconds=hold_s)
    return testify(
        capture, WitnessKind.BGP_SILENT, [index], sender=source_text(packet), about=destination_text(packet),
        start_ns=start, end_ns=end, count=meanwhile, detail=detail,
    )  # fmt: skip


def _acknowledges(survey: Survey, last: int, end_ns: int) -> bool:
    """Whether a silent speaker's TCP went on to acknowledge what its peer said, and had nothing of its own to send: its
    host works and is reached, and nothing that it said was lost, for then later segments would count on (RFC 9293).

    `last` is the packet with its last message. Not where the peer takes no more, which keeps it waiting (RFC 9687).
    """
    packets = survey.capture.packets
    flow = flow_key(packets[last])
    back = reverse_key(flow)
    said = (packets[last][SEQUENCE] + packets[last][LENGTH]) & 0xFFFFFFFF
    heard: set[int] = set()
    for index in survey.of(TCP):
        packet = packets[index]
        if not packets[last][TIME] < packet[TIME] < end_ns:
            continue
        key = flow_key(packet)
        if key == back and packet[WINDOW] == 0:
            return False
        if key == flow and packet[FLAGS] & ACK:
            if packet[LENGTH] > 1 or (said - packet[SEQUENCE]) & 0xFFFFFFFF > 1:  # the one is a keepalive of TCP
                return False
            heard.add(packet[ACKNOWLEDGEMENT])
    return len(heard) >= FEWEST_ACKNOWLEDGED


def _said_by_tcp_alone(silence: PacketWitness) -> PacketWitness:
    detail = Phrase(
        "{what}; its TCP acknowledges what the peer sends, and has nothing of its own to send", what=silence.detail
    )
    return replace(silence, code=TCP_ALONE, detail=detail)
