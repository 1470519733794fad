"""Path-MTU discovery is no loss where its messages pass; where they are not heeded, they are what got lost."""

from __future__ import annotations

import io
import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.model.observation import TOO_BIG, TapCount, WitnessKind
from attribution.packets.bulk.reading import read_large
from attribution.packets.columns import ACK, SYN
from attribution.packets.compression import read_pieces
from attribution.packets.observe import observe_capture, observe_survey
from attribution.packets.survey import survey_capture
from tests.packets.making import START, Timed, capture, ethernet, icmp_error, ipv4, ipv6, origin, pcap, tcp
from tests.packets.two_points import CLIENT, SERVER, TwoPoints, compared_small

MS = 1_000_000
SENDER, RECEIVER, ROUTER = "10.0.0.1", "10.0.0.2", "10.9.9.9"
SENDER_6, RECEIVER_6, ROUTER_6 = "fd00::1", "fd00::2", "fd00:9::9"
FULL, FITTING = 1448, 1348  # octets of payload beside a timestamp, of a frame for 1500 octets and one for 1400


@dataclass
class Upload:
    """A connection that has come about, at a capture point before a router whose next hop takes less."""

    version: int = 4
    first: int = 100
    ms: float = 0.0
    packets: list[Timed] = field(default_factory=list)
    number: int = 1
    echoed: int = 0

    def __post_init__(self) -> None:
        self._put(tcp(sequence=self.first - 1, acknowledgement=0, flags=SYN, options=self._stamp))
        self._put(tcp(80, 1000, 0, self.first, SYN | ACK, options=self._stamp), back=True)

    @property
    def _stamp(self) -> bytes:
        return struct.pack(">BBII", 8, 10, 1 + int(self.ms), self.echoed)

    def _octets(self, segment: bytes, back: bool = False) -> bytes:
        self.number += 1
        if self.version == 6:
            return ipv6(segment, 6, *((RECEIVER_6, SENDER_6) if back else (SENDER_6, RECEIVER_6)))
        return ipv4(segment, 6, *((RECEIVER, SENDER) if back else (SENDER, RECEIVER)), number=self.number)

    def _put(self, segment: bytes, back: bool = False, after_ms: float = 1.0) -> bytes:
        self.ms += after_ms
        octets = self._octets(segment, back)
        self.add(octets)
        return octets

    def add(self, octets: bytes) -> None:
        self.packets.append((START + int(self.ms * MS), ethernet(octets, 0x86DD if self.version == 6 else 0x0800)))

    def send(self, at: int, length: int, after_ms: float = 0.1) -> bytes:
        """A segment of so many octets from this place of the stream on; answers the packet, to be quoted."""
        segment = tcp(sequence=self.first + at, flags=ACK, payload=bytes(length), options=self._stamp)
        if length < FULL:
            self.echoed = 1 + int(self.ms)
        return self._put(segment, after_ms=after_ms)

    def acknowledge(self, upto: int, after_ms: float = 20.0, blocks: Sequence[int] = ()) -> None:
        edges = b"".join(struct.pack(">I", (self.first + edge) % 2**32) for edge in blocks)
        options = self._stamp + (bytes([5, 2 + len(edges)]) + edges if blocks else b"")
        self._put(tcp(80, 1000, 1, self.first + upto, options=options), back=True, after_ms=after_ms)

    def tell(self, quoted: bytes, size: int = 1400, after_ms: float = 2.0, to: str = SENDER) -> None:
        """A router's message that it could not pass a packet on."""
        self.ms += after_ms
        if self.version == 6:
            message = struct.pack(">BBHI", 2, 0, 0, size) + quoted[:120]
            self.add(ipv6(message, 58, ROUTER_6, SENDER_6))
        else:
            self.add(ipv4(icmp_error(3, 4, quoted, size), 1, ROUTER, to))

    def go_on(self, until: int, at: int = 0) -> None:
        """Send all octets in segments that fit, and get them acknowledged."""
        while at < until:
            length = min(FITTING, until - at)
            self.send(at, length)
            at += length
        self.acknowledge(until)


def discovery(version: int = 4, told: Sequence[int] = (0, 1), size: int = 1400) -> list[Timed]:
    """Three full segments, of which the router drops all and tells of some; then smaller ones."""
    upload = Upload(version)
    sent = [upload.send(place * FULL, FULL) for place in range(3)]
    for place in told:
        upload.tell(sent[place], size)
    upload.ms += 300.0 if not told else 0.0
    upload.go_on(3 * FULL)
    return upload.packets


def deaf(copies: int = 6) -> list[Timed]:
    """A sender that repeats its segment, ever more rarely, whatever the router tells it."""
    upload = Upload()
    wait_ms = 200.0
    for _ in range(copies):
        upload.tell(upload.send(0, FULL, wait_ms))
        wait_ms *= 2
    upload.ms += 5000.0
    upload.send(0, FULL)
    return upload.packets


def counts(packets: Sequence[Timed], source: str, protocol: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for tap in observe_capture(capture(packets)):
        if isinstance(tap, TapCount) and (tap.source, tap.protocol) == (source, protocol):
            found += Counter(lost=tap.lost_downstream + tap.unanswered, upstream=tap.lost_upstream)
            found["sent"] += tap.sent
    return found


def lost_beyond(packets: Sequence[Timed], source: str = SENDER) -> int:
    return counts(packets, source, "tcp")["lost"]


def messages(packets: Sequence[Timed]) -> tuple[int, int]:
    found = counts(packets, ROUTER, TOO_BIG)
    return found["lost"], found["sent"]


@pytest.mark.parametrize("told", [(0, 1, 2), (0,), (2,)], ids=["all are told of", "the first", "the last"])
def test_what_a_router_tells_the_sender_of_is_not_lost(told: tuple[int, ...]) -> None:
    """Of what is in flight and as large a router need not tell each time: messages are rate-limited."""
    assert lost_beyond(discovery(told=told)) == 0
    assert messages(discovery(told=told)) == (0, len(told))


def test_where_no_message_passes_the_segments_are_lost() -> None:
    assert lost_beyond(discovery(told=())) == 3


def test_the_same_in_ipv6() -> None:
    assert lost_beyond(discovery(6), SENDER_6) == 0
    assert lost_beyond(discovery(6, told=()), SENDER_6) == 3


def test_a_router_need_not_tell_which_size_would_fit() -> None:
    assert lost_beyond(discovery(size=0)) == 0


def test_a_sender_that_goes_on_has_not_got_the_messages() -> None:
    """What it sends is dropped at the router again and again, and told of: it is not lost. The messages are; of the
    last ones it is not known."""
    assert lost_beyond(deaf()) == 0
    assert messages(deaf()) == (6, 6)


def test_of_a_sender_that_said_nothing_more_nothing_is_known() -> None:
    upload = Upload()
    upload.tell(upload.send(0, FULL))

    assert messages(upload.packets) == (0, 0)


def test_smaller_segments_long_after_a_message_are_the_sender_s_own_attempt() -> None:
    upload = Upload()
    upload.tell(upload.send(0, FULL))
    upload.ms += 3000.0
    upload.go_on(FULL)

    assert messages(upload.packets) == (0, 0)


def test_a_message_excuses_no_smaller_segment() -> None:
    upload = Upload()
    sent = upload.send(0, FULL)
    upload.send(FULL, 500)
    upload.tell(sent)
    upload.ms += 300.0
    upload.go_on(FULL)
    upload.send(FULL, 500, 300.0)
    upload.acknowledge(FULL + 500)

    assert lost_beyond(upload.packets) == 1


def test_a_message_excuses_what_is_sent_soon_and_not_for_ever() -> None:
    """Later a larger size may fit again, and what is lost then is lost."""
    upload = Upload()
    upload.tell(upload.send(0, FULL))
    upload.go_on(FULL)
    upload.ms += 5000.0
    upload.send(FULL, FULL)
    upload.send(FULL, FULL, 300.0)
    upload.acknowledge(2 * FULL)

    assert lost_beyond(upload.packets) == 1


def test_a_message_to_somebody_else_or_about_nothing_in_flight_excuses_nothing() -> None:
    """Anybody can send messages (RFC 5927): they must quote what is in flight, to the one who sent it."""
    upload = Upload()
    sent = upload.send(0, FULL)
    upload.tell(sent, to="10.0.0.7")
    upload.tell(ipv4(tcp(sequence=upload.first + 50_000_000, payload=bytes(FULL)), 6))
    upload.send(0, FULL, 300.0)
    upload.acknowledge(FULL)

    assert lost_beyond(upload.packets) == 1


def test_only_where_nobody_is_told_are_large_packets_lost_without_a_word() -> None:
    """The witness is for paths that swallow large packets (RFC 2923 §2.1), and a router that speaks is none."""

    def kinds(told: tuple[int, ...]) -> set[str]:
        found = observe_capture(capture(discovery(told=told)))
        return {one.kind for one in found if hasattr(one, "kind")}

    assert WitnessKind.LARGE_PACKETS_LOST not in kinds((0, 1, 2))
    assert WitnessKind.LARGE_PACKETS_LOST in kinds(())


def test_a_segment_that_came_is_not_lost_because_its_octets_were_cut_anew() -> None:
    """After a message the sender resends the small last segment with what it resends: SACK tells that it was there."""
    upload = Upload()
    sent = upload.send(0, FULL)
    upload.send(FULL, 200)
    upload.tell(sent)
    upload.send(0, FITTING)
    upload.send(FITTING, FULL + 200 - FITTING)
    upload.acknowledge(0, blocks=(FULL, FULL + 200))
    upload.acknowledge(FITTING, 5.0, blocks=(FULL, FULL + 200))
    upload.acknowledge(FULL + 200, 5.0)

    assert lost_beyond(upload.packets) == 0


@pytest.mark.parametrize("packets", [discovery(), discovery(6), discovery(told=()), deaf()])
def test_a_large_capture_tells_the_same(packets: list[Timed]) -> None:
    data = pcap(packets, nanoseconds=True)
    found, ledger = read_large(read_pieces(io.BytesIO(data)), None, origin())

    large = [one for one in observe_survey(survey_capture(found, ledger)) if isinstance(one, TapCount)]
    assert large == [one for one in observe_capture(capture(packets)) if isinstance(one, TapCount)]


@settings(max_examples=60, deadline=None)
@given(
    first=st.integers(1, 2**32 - 1),
    lengths=st.lists(st.integers(1, FULL), min_size=1, max_size=8),
    size=st.integers(600, 1480),
    data=st.data(),
)
def test_whatever_is_told_of_is_not_lost(first: int, lengths: list[int], size: int, data: st.DataObject) -> None:
    """The router drops whatever does not fit and tells of one at least; the sender then cuts all that it dropped."""
    upload = Upload(first=first)
    room = size - 52
    sent, at = [], 0
    for length in lengths:
        sent.append((at, length, upload.send(at, length)))
        at += length
    dropped = [one for one in sent if one[1] > room]
    some = st.lists(st.sampled_from(dropped), min_size=1, unique_by=lambda one: one[0]) if dropped else st.just([])
    for _, _, quoted in data.draw(some):
        upload.tell(quoted, size)
    for start, length, _ in dropped:
        for piece in range(start, start + length, room):
            upload.send(piece, min(room, start + length - piece))
    upload.acknowledge(at)

    assert lost_beyond(upload.packets) == 0


def between_points(told: bool) -> int:
    """How many segments of a sender that is deaf are lost between a point before the router and one behind it."""
    path = TwoPoints().talk(40)
    for _ in range(3):
        path.now += 300 * MS
        dropped = ipv4(tcp(4000, 80, path.sequence, path.answer, 0x18, bytes(FULL)), 6, CLIENT, SERVER)
        path.data(FULL, at="a")
        path.sequence -= FULL
        if told:
            path.send(icmp_error(3, 4, dropped, 1400), 1, back=True, at="a")
    path.now += 7000 * MS
    found = compared_small(path.talk(40).files())
    return sum(one.lost for one in found.stretches if one.first[0] == "a" and one.protocol == "tcp")


def test_between_two_points_what_a_router_told_of_is_not_lost() -> None:
    assert between_points(told=True) == 0
    assert between_points(told=False) == 3
