"""The books of a capture are the same in lists and in arrays, bounded however many flows there are, and complete."""

from __future__ import annotations

import io
import struct

import pytest

from attribution.model.capture import CaptureSummary, Handshake, Limit
from attribution.model.observation import WitnessKind
from attribution.packets import ledger as books
from attribution.packets import read_capture
from attribution.packets.bulk.reading import read_large
from attribution.packets.compression import read_pieces
from attribution.packets.summary import summary_of
from attribution.packets.survey import survey_capture
from tests.packets.making import SECOND, START, Timed, ethernet, ipv4, origin, pcap, tcp, udp

MS = SECOND // 1000


def both_ways(packets: list[Timed], flows: int = 20) -> CaptureSummary:
    """What plain Python and compiled code say alike."""
    data = pcap(packets, nanoseconds=True)
    small = summary_of(survey_capture(read_capture(data, origin())), flows)
    large = summary_of(survey_capture(*read_large(read_pieces(io.BytesIO(data)), None, origin())), flows)
    assert large == small
    return small


def segment(
    ms: float, forward: bool, sequence: int, acknowledgement: int, flags: int = 0x10, length: int = 0,
    port: int = 1000, window: int = 1000, options: bytes = b"", client: str = "10.0.0.1",
) -> Timed:  # fmt: skip
    ports = (port, 80) if forward else (80, port)
    ends = (client, "10.0.0.2") if forward else ("10.0.0.2", client)
    octets = tcp(*ports, sequence, acknowledgement, flags, bytes(length), window, options=options)
    return (START + int(ms * MS), ethernet(ipv4(octets, 6, *ends)))


def stamps(value: int, echo: int) -> bytes:
    return b"\x01\x01\x08\x0a" + struct.pack(">II", value, echo)


def opened(port: int = 1000, at: float = 0, client: str = "10.0.0.1") -> list[Timed]:
    """A handshake with 10 ms to the server and back, and 4 ms to the client and back."""
    return [
        segment(at, True, 99, 0, 0x02, port=port, client=client),
        segment(at + 10, False, 499, 100, 0x12, port=port, client=client),
        segment(at + 14, True, 100, 500, port=port, client=client),
    ]


def test_a_handshake_tells_the_whole_paths_round_trip() -> None:
    (flow,) = both_ways(opened()).flows

    assert (flow.handshake, flow.handshake_ms) == (Handshake.COMPLETE, 14)


@pytest.mark.parametrize(
    ("packets", "outcome"),
    [
        (opened()[:1], Handshake.UNANSWERED),
        (opened()[:2], Handshake.UNFINISHED),
        ([opened()[0], segment(1, False, 0, 100, 0x14)], Handshake.REFUSED),
        (opened()[2:], Handshake.NOT_SEEN),
    ],
)
def test_how_a_connection_did_not_come_about(packets: list[Timed], outcome: Handshake) -> None:
    later = [(START + 9 * SECOND, ethernet(ipv4(udp(), 17)))]
    flows = both_ways(packets + later).flows

    assert next(flow.handshake for flow in flows if flow.protocol == "tcp") is outcome


def test_a_handshake_that_may_still_succeed_has_not_failed() -> None:
    assert both_ways(opened()[:1]).flows[0].handshake is Handshake.NOT_SEEN


def test_a_timestamp_is_timed_until_its_echo_on_either_side_of_the_capture_point() -> None:
    packets = opened()
    for number in range(5):
        start = 100 + 50 * number
        sent, answered = 1000 + 50 * number, 7000 + 50 * number
        packets += [
            segment(start, True, 100 + number * 10, 500 + number, length=10, options=stamps(sent, answered - 50)),
            segment(start + 8, False, 500 + number, 110 + number * 10, length=1, options=stamps(answered, sent)),
            segment(start + 11, True, 110 + number * 10, 501 + number, options=stamps(sent + 11, answered)),
        ]
    (flow,) = both_ways(packets).flows

    forward, backward = flow.forward.timestamp_times, flow.backward.timestamp_times
    assert forward is not None and backward is not None
    assert (forward.least_ms, backward.least_ms) == (8, 3)


def test_the_longest_silence_and_the_frames_around_it() -> None:
    packets = [*opened(), segment(50, True, 100, 500, length=5), segment(4050, False, 500, 105)]
    silence = both_ways(packets).flows[0].silence

    assert silence is not None
    assert (silence.frame_before, silence.frame_after, silence.end_ns - silence.start_ns) == (4, 5, 4 * SECOND)


def bulk_data(pause: float, length: int, window: int = 60_000, again: bool = False) -> list[Timed]:
    """Twenty pairs of segments, a pause after each pair; the second of a pair is `length` long."""
    packets, sequence, now = opened(), 100, 100.0
    for _ in range(20):
        for size in (1000, length):
            packets.append(segment(now, True, sequence, 500, length=size))
            sequence += size
            now += 0.1
        if again:
            packets.append(segment(now + pause - 1, True, sequence - length, 500, length=length))
        packets.append(segment(now + 10, False, 500, sequence, window=window))
        now += pause
    return packets


@pytest.mark.parametrize(
    ("packets", "limit"),
    [
        (bulk_data(200, 300), Limit.SENDER),
        (bulk_data(200, 1000), Limit.NETWORK),
        (bulk_data(200, 1000, again=True), Limit.NETWORK),
        (bulk_data(200, 1000, window=0), Limit.RECEIVER),
    ],
    ids=["nothing more to send", "waiting for the network", "repeating", "no room at the receiver"],
)
def test_what_kept_a_direction_from_being_faster(packets: list[Timed], limit: Limit) -> None:
    (flow,) = both_ways(sorted(packets)).flows

    assert flow.forward.limited_by is limit
    assert sum(share for _, share in flow.forward.limited_by_ratio) == pytest.approx(1)


def test_thousands_of_connections_are_all_there() -> None:
    packets = [packet for number in range(3000) for packet in opened(1024 + number, number * 20)]
    found = both_ways(packets, flows=4000)

    assert found.flow_count == len(found.flows) == 3000
    assert [flow.stream for flow in sorted(found.flows, key=lambda flow: flow.first_frame)] == list(range(3000))


def test_more_flows_than_there_is_room_for_are_closed_counted_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest silent ones go; what failed is still counted, and the largest are still shown."""
    monkeypatch.setattr(books, "MOST_FLOWS", 64)
    monkeypatch.setattr(books, "KEPT_OF_CLOSED", 8)
    packets = opened(60_000) + [segment(15, True, 100 + n, 500, length=1, port=60_000) for n in range(50)]
    for number in range(1000):
        packets.append(segment(100 + number, True, 99, 0, 0x02, port=1024 + number, client=f"10.1.0.{number % 30}"))
    packets.append((START + 99 * SECOND, ethernet(ipv4(udp(), 17))))
    found = both_ways(packets)

    assert (found.packets, found.flow_count) == (1054, 1002)
    assert (found.flows[0].source_port, found.flows[0].packets) == (60_000, 53)
    (failed,) = [witness for witness in found.witnesses if witness.kind is WitnessKind.HANDSHAKE_FAILED]
    assert (failed.count, failed.code) == (1000, "unanswered")
    assert any("closed to bound memory" in caveat.reason for caveat in found.caveats)


def test_more_time_bins_than_there_is_room_for_become_wider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(books, "MOST_BINS", 1024)
    packets = opened() + [segment(1000 * n, True, 100 + n, 500, length=2) for n in range(1, 2500)]
    found = both_ways(packets)

    assert sum(tap.sent for tap in found.loss) == 2499 + 2
    assert {(tap.end_ns - tap.time_ns) // SECOND for tap in found.loss} == {4}
    assert any("for 4 s at a time" in caveat.reason for caveat in found.caveats)
