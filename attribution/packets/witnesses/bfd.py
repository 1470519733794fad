"""BFD watches a path for others: who says that it is down and why, and who was not heard in time (RFC 5880).

Single hop (RFC 5881), multihop (5883) and on the members of a link aggregation (7130). Echo packets (5881 §4) are sent
to oneself: the neighbour only has to send them back.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.model.phrase import Phrase
from attribution.packets.addresses import destination_text, source_text
from attribution.packets.capture import Capture
from attribution.packets.columns import DESTINATION_PORT, TIME, TTL
from attribution.packets.survey import Survey
from attribution.packets.witnesses.carried import datagrams, payload_of, speaker_of
from attribution.packets.witnesses.gathering import testify

CONTROL_PORTS: Final = frozenset({3784, 4784, 6784})
ECHO_PORTS: Final = frozenset({3785})
STATES: Final = ("AdminDown", "Down", "Init", "Up")
UP: Final = 3
INIT: Final = 2
DIAGNOSTICS: Final = (
    Phrase("no diagnostic"), Phrase("detection time expired"), Phrase("echo failed"),
    Phrase("neighbour signalled down"), Phrase("forwarding plane reset"), Phrase("path down"),
    Phrase("concatenated path down"), Phrase("administratively down"), Phrase("reverse concatenated path down"),
)  # fmt: skip
DEMAND: Final = 0x02
FEWEST_MEANWHILE: Final = 2
FRESH_TTL: Final = 255  # an echo packet that has not been sent back yet
ECHOES_MISSED: Final = 3


class _Control(NamedTuple):
    """One control packet (RFC 5880 §4.1); intervals in microseconds as they stand in it."""

    packet: int
    time_ns: int
    state: int
    diagnostic: int
    demand: bool
    multiplier: int
    desired_send_us: int
    required_receive_us: int


Sessions = dict[tuple[int, ...], list[_Control]]


def find_bfd_down(survey: Survey) -> Iterator[PacketWitness]:
    """Yield when a BFD speaker says that its session is no longer up, and when one was not heard in time."""
    capture = survey.capture
    sessions: Sessions = {}
    for index in datagrams(survey, CONTROL_PORTS):
        control = _read_control(capture, index)
        if control is not None:
            key = (*speaker_of(capture, index), capture.packets[index][DESTINATION_PORT])
            sessions.setdefault(key, []).append(control)
    for controls in sessions.values():
        yield from _said_down(capture, controls)
    for key, controls in sessions.items():
        yield from _not_heard(capture, controls, sessions.get((*key[4:8], *key[:4], *key[8:]), []))
    yield from _echoes_lost(survey)


def _read_control(capture: Capture, index: int) -> _Control | None:
    octets = payload_of(capture, index)
    if len(octets) < 24 or octets[0] >> 5 != 1 or capture.packets[index][DESTINATION_PORT] not in CONTROL_PORTS:
        return None
    return _Control(
        index, capture.packets[index][TIME], octets[1] >> 6, octets[0] & 0x1F, bool(octets[1] & DEMAND), octets[2],
        int.from_bytes(octets[12:16], "big"), int.from_bytes(octets[16:20], "big"),
    )  # fmt: skip


def _said_down(capture: Capture, controls: list[_Control]) -> Iterator[PacketWitness]:
    before: int | None = None
    down: list[_Control] = []
    for control in controls:
        if control.state < INIT and (down or before == UP):
            down.append(control)
        elif down:
            yield _down(capture, down)
            down = []
        before = control.state
    if down:
        yield _down(capture, down)


def _down(capture: Capture, down: list[_Control]) -> PacketWitness:
    first = down[0]
    packet = capture.packets[first.packet]
    known = first.diagnostic < len(DIAGNOSTICS)
    words = DIAGNOSTICS[first.diagnostic] if known else Phrase("diagnostic {number}", number=first.diagnostic)
    return testify(
        capture, WitnessKind.BFD_DOWN, [control.packet for control in down], sender=source_text(packet),
        about=destination_text(packet), code=str(first.diagnostic),
        detail=Phrase("{sender} says {state}: {why}", sender=source_text(packet), state=STATES[first.state], why=words),
    )  # fmt: skip


def _not_heard(capture: Capture, controls: list[_Control], theirs: list[_Control]) -> Iterator[PacketWitness]:
    """A speaker that was up is not heard for its detection time, while the other speaks on (RFC 5880 §6.8.4)."""
    if len(controls) < 2 or not theirs:
        return
    times = [control.time_ns for control in theirs]
    ends = [control.time_ns for control in controls[1:]] + [capture.end_ns]
    for control, end in zip(controls, ends, strict=True):
        before = bisect_right(times, control.time_ns)
        heard = theirs[before - 1] if before else theirs[0]
        if control.state != UP or heard.demand:
            continue
        interval_us = max(control.desired_send_us, heard.required_receive_us)
        limit_ns = control.multiplier * interval_us * 1000
        meanwhile = bisect_left(times, end) - before
        if end - control.time_ns > limit_ns > 0 and heard.required_receive_us and meanwhile >= FEWEST_MEANWHILE:
            packet = capture.packets[control.packet]
            yield testify(
                capture, WitnessKind.BFD_SILENT, [control.packet], sender=source_text(packet),
                about=destination_text(packet), start_ns=control.time_ns, end_ns=end, count=meanwhile,
                detail=Phrase(
                    "nothing from {sender} for {seconds:.2f} s, the detection time is {multiplier} × {interval:g} ms",
                    sender=source_text(packet), seconds=(end - control.time_ns) / 1e9,
                    multiplier=control.multiplier, interval=interval_us / 1000,
                ),
            )  # fmt: skip


@dataclass(slots=True)
class _Echoes:
    sent: list[int] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)


def _echoes_lost(survey: Survey) -> Iterator[PacketWitness]:
    """Echo packets go out and were sent back before, and then no longer are: the path to the neighbour is cut."""
    capture = survey.capture
    speakers: dict[tuple[int, ...], _Echoes] = {}
    for index in datagrams(survey, ECHO_PORTS):
        packet = capture.packets[index]
        if packet[DESTINATION_PORT] in ECHO_PORTS:
            echoes = speakers.setdefault(speaker_of(capture, index), _Echoes())
            (echoes.sent if packet[TTL] == FRESH_TTL else echoes.returned).append(index)
    for echoes in speakers.values():
        if len(echoes.sent) > ECHOES_MISSED and len(echoes.returned) > 1:
            yield from _no_return(capture, echoes)


def _no_return(capture: Capture, echoes: _Echoes) -> Iterator[PacketWitness]:
    sent = [capture.packets[index][TIME] for index in echoes.sent]
    returned = [capture.packets[index][TIME] for index in echoes.returned]
    usual_ns = median(later - earlier for earlier, later in pairwise(sent))
    for start, end in pairwise([*returned, capture.end_ns]):
        first, last = bisect_right(sent, start), bisect_left(sent, end)
        if last - first > ECHOES_MISSED and end - start > (ECHOES_MISSED + 1) * usual_ns:
            packets = echoes.sent[first:last]
            packet = capture.packets[packets[0]]
            yield testify(
                capture, WitnessKind.BFD_SILENT, packets, sender=None, about=source_text(packet), code="echo",
                end_ns=end, detail=Phrase(
                    "{count} echo packets of {sender} do not come back", count=len(packets), sender=source_text(packet)
                ),
            )  # fmt: skip
