"""What one capture point says of the path before it and the path beyond it, time bin by time bin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from attribution.model.observation import CONNECTIONS, CUT, TOO_BIG, TapCount, TapLoad
from attribution.packets import flow_table as ft
from attribution.packets import following as fw
from attribution.packets import pair_bins as pb
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.bins import Bin
from attribution.packets.capture import Capture, Packet
from attribution.packets.columns import ICMP, ICMP6, TCP, TIME, UDP, WIRE
from attribution.packets.echo import PATIENCE_NS, Loss, udp_questions
from attribution.packets.figures import ends_of
from attribution.packets.flows import address_pair
from attribution.packets.ledger import Ledger
from attribution.packets.one_point.state import UNHEEDED
from attribution.packets.survey import Survey
from attribution.packets.times_to_live import is_forged, usual_lives

FRAMES_SHOWN: Final = 12
OPENED: Final = frozenset({ft.ACCEPTED, ft.COMPLETE, ft.REFUSED})  # a refusal is an answer too
Fate = Literal["upstream", "downstream", "unanswered"]


def tap_counts(survey: Survey) -> Iterator[TapCount]:
    """TCP segments and connections, echoes and questions: passed, never arrived here, lost beyond, unanswered; too-big
    messages: passed, lost beyond.

    Of echoes and questions `lost_downstream` counts those without an answer, there and back beyond the capture point;
    they are `unanswered` where no answer to any of them ever came by it.
    """
    capture = survey.capture
    yield from _tcp_counts(survey)
    yield from _opening_counts(survey, CONNECTIONS, _attempts(survey.ledger, capture.end_ns))
    yield from _opening_counts(survey, CUT, _cut_off(survey.ledger))
    width_ns = int(survey.ledger.tallies[pb.BIN_NS])
    requests = _Requests(capture, "icmp", width_ns)
    for series in survey.echoes:
        pair = address_pair(series.source_packet)
        settled = series.requests[: len(series.requests) - series.unsettled]
        for index in settled:
            requests.passed(index)
        if settled:
            requests.lost(pair, series.upstream, "upstream")
            requests.lost(pair, series.unanswered, "downstream" if series.heard else "unanswered")
    yield from requests.counts()
    requests = _Requests(capture, "udp", width_ns)
    for questions in udp_questions(capture, survey.of(UDP)):
        for index in questions.requests[: len(questions.requests) - questions.unsettled]:
            requests.passed(index)
        fate: Fate = "downstream" if questions.heard else "unanswered"
        requests.lost(address_pair(questions.source_packet), questions.unanswered, fate)
    yield from requests.counts()
    yield from _message_counts(survey)


def _tcp_counts(survey: Survey) -> Iterator[TapCount]:
    capture = survey.capture
    for found in survey.bins:
        if found.source is None or found.destination is None or found.protocol != TCP:
            continue
        if found.passed or found.lost_upstream:
            yield TapCount(
                time_ns=found.start_ns,
                end_ns=found.end_ns,
                origin=capture.origin,
                locator=f"frame {found.frames[0] if found.frames else found.first_frame}",
                device=capture.device,
                interface=capture.origin.interface,
                source=found.source,
                destination=found.destination,
                protocol="tcp",
                sent=found.passed + found.lost_upstream,
                lost_upstream=found.lost_upstream,
                lost_downstream=found.lost_downstream,
                unanswered=found.unanswered,
                octets=found.passed_octets,
                largest_lost=found.largest_lost,
                frames=found.frames,
            )


def tap_loads(survey: Survey) -> Iterator[TapLoad]:
    """All that passed, whatever it was, by source and destination address and interval."""
    capture = survey.capture
    # The books of a large capture hold all packets: of those that were kept, so many were a mirror's copies.
    once = 1.0 if capture.frames is None else 1.0 - len(capture.copies) / max(1, len(capture.packets))
    loads: dict[tuple[int, str, str], list[Bin]] = defaultdict(list)
    for found in survey.bins:
        if found.source is not None and found.destination is not None:
            loads[(found.number, found.source, found.destination)].append(found)
    for (_, source, destination), members in loads.items():
        yield TapLoad(
            time_ns=members[0].start_ns,
            end_ns=members[0].end_ns,
            origin=capture.origin,
            locator=f"frame {min(one.first_frame for one in members)}",
            device=capture.device,
            interface=capture.origin.interface,
            source=source,
            destination=destination,
            packets=round(once * sum(one.packets for one in members)),
            octets=round(once * sum(one.octets for one in members)),
        )


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A connection that a client asked for: when, in which frame, and whether the server said anything to it.

    Or one that was cut off, and when: as if the server said nothing any more.
    """

    time_ns: int
    frame: int
    answered: bool


def _opening_counts(
    survey: Survey, protocol: str, of_pairs: Mapping[tuple[str, str], Sequence[_Attempt]]
) -> Iterator[TapCount]:
    """How many connections there were of each client and server, and how many in vain, in each interval."""
    capture, width_ns = survey.capture, int(survey.ledger.tallies[pb.BIN_NS])
    for (source, destination), attempts in sorted(of_pairs.items()):
        bins: dict[int, list[_Attempt]] = defaultdict(list)
        for attempt in attempts:
            bins[attempt.time_ns // width_ns].append(attempt)
        for number, members in sorted(bins.items()):
            in_vain = sorted(one.frame for one in members if not one.answered)
            frames = tuple(in_vain[:FRAMES_SHOWN])
            yield TapCount(
                time_ns=number * width_ns,
                end_ns=(number + 1) * width_ns,
                origin=capture.origin,
                locator=f"frame {frames[0] if frames else min(one.frame for one in members)}",
                device=capture.device,
                interface=capture.origin.interface,
                source=source,
                destination=destination,
                protocol=protocol,
                sent=len(members),
                lost_upstream=0,
                lost_downstream=len(in_vain),
                frames=frames,
            )


def _attempts(ledger: Ledger, end_ns: int) -> dict[tuple[str, str], list[_Attempt]]:
    """By client and server: what the client asked of ports that answered it once and at another time did not.

    A connection whose SYN, or the answer to it, is lost every time leaves no segment that could be missed. Ports that
    never answer are filtered or a scan's. A connection that came about in the end is counted by its segments.
    """
    openings = ledger.column(ft.FLOW_OPENING)
    if ft.ASKED not in openings:
        return {}
    firsts = [ledger.column(ft.FLOW_SIDES + side * ft.SIDE_WIDTH + ft.SIDE_FIRST) for side in range(2)]
    columns = (ledger.column(at) for at in (*range(ft.FLOW_KEY, ft.FLOW_HASH), ft.FLOW_STARTER, ft.FLOW_FRAME))
    keys = list(zip(*columns, strict=True))
    services: dict[tuple[int, ...], list[_Attempt]] = defaultdict(list)
    for flow in ledger.flows():
        *key, starter, frame = keys[flow]
        opening, time_ns = openings[flow], firsts[starter][flow]
        if opening in OPENED or (opening == ft.ASKED and end_ns - time_ns >= PATIENCE_NS):
            port = key[4] >> (16 if starter == 0 else 32) & 0xFFFF
            service = (*key[:4], key[4] & 0xFFFF, port, starter)
            services[service].append(_Attempt(time_ns, frame, opening in OPENED))
    found: dict[tuple[str, str], list[_Attempt]] = defaultdict(list)
    for (*addresses, kind, _, starter), attempts in services.items():
        if len({attempt.answered for attempt in attempts}) == 2:
            (first, _), (second, _) = ends_of([*addresses, kind])
            found[(second, first) if starter else (first, second)] += attempts
    return found


def _cut_off(ledger: Ledger) -> dict[tuple[str, str], list[_Attempt]]:
    """By client and server: connections to ports of which another device cut some off in the server's name (`FORGED`),
    when that was, and all others to these ports, when they began.

    Those that a server cuts off itself are its own affair.
    """
    resets = [note for note in ledger.notes if note[ft.NOTE_KIND] == ft.RESET]
    lives = usual_lives(ledger) if resets else {}
    cut: dict[tuple[tuple[str, int], str], list[_Attempt]] = defaultdict(list)
    for note in resets:
        ends = ends_of(note[ft.NOTE_WIDTH : ft.NOTE_WIDTH + 5])
        server = _served(ends, note[ft.NOTE_WIDTH + ft.FLOW_OPENING], note[ft.NOTE_WIDTH + ft.FLOW_STARTER])
        by_server = note[ft.NOTE_SIDE] == server
        if by_server and is_forged(note[ft.NOTE_LIFE], lives.get(ends[server][0], set())):
            attempt = _Attempt(note[ft.NOTE_TIME], note[ft.NOTE_FRAME], answered=False)
            cut[ends[server], ends[1 - server][0]].append(attempt)
    if not cut:
        return {}
    for flow in ledger.flows():
        row = [int(word) for word in ledger.table[flow * ft.FLOW_WIDTH : flow * ft.FLOW_WIDTH + ft.FLOW_STATE]]
        if row[4] & 0xFF == TCP and row[ft.FLOW_OPENING] in OPENED:
            ends, starter = ends_of(row[:5]), row[ft.FLOW_STARTER]
            began = _Attempt(row[ft.FLOW_SIDES + starter * ft.SIDE_WIDTH + ft.SIDE_FIRST], row[ft.FLOW_FRAME], True)
            if (known := cut.get((ends[1 - starter], ends[starter][0]))) is not None:
                known.append(began)
    found: dict[tuple[str, str], list[_Attempt]] = defaultdict(list)
    for ((server_address, _), client), attempts in cut.items():
        found[client, server_address] += attempts
    return found


def _served(ends: Sequence[tuple[str, int]], opening: int, starter: int) -> int:
    """Which side of a connection is the server: who was asked, else the one with the lower port."""
    if opening in OPENED:
        return 1 - starter
    return 0 if ends[0][1] < ends[1][1] else 1


def _message_counts(survey: Survey) -> Iterator[TapCount]:
    """Messages that a segment was too big, as far as what its sender did next tells whether they came to it.

    One that is not heeded was lost on its way from here to the sender (RFC 2923 §2.1), or paid no heed there.
    """
    capture = survey.capture
    shown = {capture.frame_of(index): index for index in survey.of(ICMP, ICMP6)}
    messages = _Requests(capture, TOO_BIG, int(survey.ledger.tallies[pb.BIN_NS]))
    for frame, unheeded in message_fates(survey.ledger.messages):
        if frame in shown:
            index = shown[frame]
            packet = capture.packets[index]
            messages.passed(index)
            if unheeded:
                messages.lost(address_pair(packet), [Loss(packet[TIME], index, None)], "downstream")
    yield from messages.counts()


def message_fates(told: Iterable[tuple[int, ...]]) -> Iterator[tuple[int, bool]]:
    """By frame number, each message of which is known whether its receiver heeded it, and whether it did not; from
    what the books tell of messages in the order of time."""
    open_frames: dict[int, list[int]] = defaultdict(list)
    for kind, flow, _, frame, count in told:
        if kind == fw.MESSAGE:
            open_frames[flow].append(frame)
        else:
            yield from ((one, kind == UNHEEDED) for one in open_frames.pop(flow, [])[-count:])


@dataclass(slots=True)
class _Bin:
    """One interval of one direction between two addresses."""

    sent: int = 0
    upstream: int = 0
    downstream: int = 0
    unanswered: int = 0
    octets: int = 0
    largest_lost: int | None = None
    frames: list[int] = field(default_factory=list)
    first_frame: int = 0

    def add(self, loss: Loss, fate: Fate, frame: int) -> None:
        if fate == "upstream":
            self.upstream += 1
            self.sent += 1  # it never passed, so it was not counted as it passed
        elif fate == "downstream":
            self.downstream += 1
        else:
            self.unanswered += 1
        if loss.wire is not None:
            self.largest_lost = max(self.largest_lost or 0, loss.wire)
        if len(self.frames) < FRAMES_SHOWN:
            self.frames.append(frame)


class _Requests:
    """The requests of one protocol, by source and destination address and interval."""

    def __init__(self, capture: Capture, protocol: str, width_ns: int) -> None:
        self.capture = capture
        self.protocol = protocol
        self.width_ns = width_ns
        self.bins: dict[tuple[tuple[int, ...], int], _Bin] = {}
        self.examples: dict[tuple[int, ...], Packet] = {}

    def bin(self, pair: tuple[int, ...], time_ns: int) -> _Bin:
        return self.bins.setdefault((pair, time_ns // self.width_ns), _Bin())

    def passed(self, index: int) -> None:
        packet = self.capture.packets[index]
        pair = address_pair(packet)
        self.examples.setdefault(pair, packet)
        found = self.bin(pair, packet[TIME])
        found.sent += 1
        found.octets += packet[WIRE]
        found.first_frame = found.first_frame or self.capture.frame_of(index)

    def lost(self, pair: tuple[int, ...], losses: Iterable[Loss], fate: Fate) -> None:
        for loss in losses:
            self.bin(pair, loss.time_ns).add(loss, fate, self.capture.frame_of(loss.packet))

    def counts(self) -> Iterator[TapCount]:
        capture = self.capture
        for (pair, number), found in sorted(self.bins.items(), key=lambda item: (item[0][1], item[0][0])):
            if pair not in self.examples:
                continue
            packet = self.examples[pair]
            frames = tuple(sorted(set(found.frames)))
            yield TapCount(
                time_ns=number * self.width_ns,
                end_ns=(number + 1) * self.width_ns,
                origin=capture.origin,
                locator=f"frame {frames[0] if frames else found.first_frame}",
                device=capture.device,
                interface=capture.origin.interface,
                source=source_text(packet),
                destination=destination_text(packet),
                protocol=self.protocol,
                sent=found.sent,
                lost_upstream=found.upstream,
                lost_downstream=found.downstream,
                unanswered=found.unanswered,
                octets=found.octets,
                largest_lost=found.largest_lost,
                frames=frames,
            )
