"""What connections and rates testify, in the words of whoever reads a report; and what they must not be taken for."""

from __future__ import annotations

import pytest

from attribution.model.observation import FORGED, REFUSED_BY_ITSELF, PacketWitness, WitnessKind
from attribution.packets import observe_capture
from tests.packets.making import SECOND, START, Timed, capture, echo, ipv4, tcp, udp
from tests.packets.testimony import CLIENT, MS, SERVER, at, witnesses


def segment(
    ms: float, forward: bool, sequence: int, acknowledgement: int, flags: int = 0x10, length: int = 0,
    window: int = 1000, ttl: int = 60, server_port: int = 80, client_port: int = 1000,
) -> Timed:  # fmt: skip
    ports, ends = (client_port, server_port), (CLIENT, SERVER)
    ports, ends = (ports, ends) if forward else (ports[::-1], ends[::-1])
    return at(ms, ipv4(tcp(*ports, sequence, acknowledgement, flags, bytes(length), window), 6, *ends, ttl=ttl))


HANDSHAKE = [segment(0, True, 99, 0, 2), segment(1, False, 499, 100, 0x12), segment(2, True, 100, 500)]


@pytest.mark.parametrize(("ttl", "words"), [(60, "resets the connection"), (250, "another device sent it")])
def test_who_really_sent_a_reset(ttl: int, words: str) -> None:
    (found,) = witnesses(
        [*HANDSHAKE, segment(3, True, 100, 500, length=10), segment(4, False, 500, 110, 4, ttl=ttl)],
        WitnessKind.TCP_RESET,
    )

    assert (found.sender, found.about) == (SERVER, CLIENT)
    assert words in found.detail


def test_handshakes_that_fail() -> None:
    refused = [segment(0, True, 99, 0, 2), segment(1, False, 0, 100, 0x14)]
    (found,) = witnesses(refused, WitnessKind.HANDSHAKE_FAILED)
    assert (found.code, found.sender, found.about) == ("refused", SERVER, CLIENT)

    unanswered = [segment(1000 * turn, True, 99, 0, 2) for turn in range(3)]
    (found,) = witnesses(unanswered, WitnessKind.HANDSHAKE_FAILED)
    assert (found.code, found.sender, found.about) == ("unanswered", CLIENT, SERVER)

    assert not witnesses(HANDSHAKE, WitnessKind.HANDSHAKE_FAILED)


@pytest.mark.parametrize(
    ("ttl", "server_port", "code"), [(60, 80, REFUSED_BY_ITSELF), (250, 80, FORGED), (60, 81, "refused")]
)
def test_who_refuses_a_connection_is_told_by_how_far_off_it_is(ttl: int, server_port: int, code: str) -> None:
    """And nobody stopped serving at a port at which none was seen to serve."""
    later = {"server_port": server_port, "client_port": 1001}
    refused = [segment(9, True, 99, 0, 2, **later), segment(10, False, 0, 100, 0x14, ttl=ttl, **later)]
    (found,) = witnesses([*HANDSHAKE, *refused], WitnessKind.HANDSHAKE_FAILED)

    assert (found.code, found.sender, found.about) == (code, SERVER, CLIENT)


def test_a_reader_that_stands_still() -> None:
    packets = [*HANDSHAKE, segment(10, False, 500, 100, window=0), segment(2000, False, 500, 100, window=0)]
    (found,) = witnesses([*packets, segment(4000, False, 500, 100, window=900)], WitnessKind.ZERO_WINDOW)

    assert (found.sender, found.end_ns - found.time_ns) == (SERVER, 3990 * MS)


def test_large_packets_vanish_while_small_ones_arrive() -> None:
    packets = [*HANDSHAKE, segment(10, True, 100, 500, length=200), segment(11, False, 500, 300)]
    packets += [segment(20 + 300 * 2**turn, True, 300, 500, length=1400) for turn in range(5)]
    (found,) = witnesses(packets, WitnessKind.LARGE_PACKETS_LOST)

    assert (found.sender, found.about) == (CLIENT, SERVER)
    assert (found.code, found.count) == ("1454", 5)


def test_a_rate_that_will_not_rise() -> None:
    packets: list[Timed] = list(HANDSHAKE)
    sequence = 100
    for number in range(1600):
        packets.append(segment(1000 + number * 5, True, sequence, 500, length=1000))
        if number % 40 == 7:
            packets.append(segment(1000 + number * 5 + 3, True, sequence, 500, length=1000))
        sequence += 1000
        packets.append(segment(1000 + number * 5 + 4, False, 500, sequence))
    (found,) = witnesses(packets, WitnessKind.RATE_PLATEAU)

    assert found.code is not None
    assert 1.6e6 < int(found.code) < 1.8e6


def test_a_flood() -> None:
    calm = [at(100 * number, ipv4(udp(b"x" * 50), 17, CLIENT, SERVER)) for number in range(100)]
    storm = [at(5000 + number, ipv4(udp(b"x" * 50), 17, CLIENT, SERVER)) for number in range(4000)]
    (found,) = witnesses(calm + storm, WitnessKind.FLOOD)

    assert (found.sender, found.about) == (CLIENT, SERVER)
    assert found.count > 3900


def test_a_flood_of_few_large_packets_that_crowd_out_the_rest() -> None:
    calm = [at(100 * number, ipv4(udp(b"x" * 50), 17, CLIENT, SERVER)) for number in range(100)]
    storm = [at(5000 + 8 * number, ipv4(udp(b"x" * 1400), 17, CLIENT, SERVER)) for number in range(500)]
    (found,) = witnesses(sorted(calm + storm), WitnessKind.FLOOD)

    assert (found.sender, found.about) == (CLIENT, SERVER)
    assert found.code is not None
    assert 1.2e6 < int(found.code) < 1.6e6


def test_a_stream_beside_as_much_that_was_asked_for_is_no_flood() -> None:
    storm = [at(5000 + 8 * number, ipv4(udp(b"x" * 1000), 17, CLIENT, SERVER)) for number in range(500)]
    transfer: list[Timed] = []
    for number in range(1200):
        transfer.append(segment(5000 + 3.3 * number, True, 100 + 1400 * number, 500, length=1400))
        transfer.append(segment(5001 + 3.3 * number, False, 500, 100 + 1400 * (number + 1)))

    assert witnesses(sorted([*HANDSHAKE, *storm, *transfer]), WitnessKind.FLOOD) == []


def test_a_scan() -> None:
    knocks = [at(10 * port, ipv4(tcp(4000, port, flags=2), 6, CLIENT, SERVER)) for port in range(1, 200)]
    (found,) = witnesses(knocks, WitnessKind.SCAN)

    assert (found.sender, found.about, found.count) == (CLIENT, SERVER, 199)


def test_pings_that_stop_coming_by() -> None:
    turns = [turn for turn in range(100) if not 40 <= turn < 80]
    packets = [at(100 * turn, ipv4(echo(8, 3, turn), 1, CLIENT, SERVER, number=turn)) for turn in turns]
    found = witnesses(packets, WitnessKind.SILENCE)

    assert (found[0].sender, found[0].time_ns, found[0].end_ns) == (CLIENT, START + 3900 * MS, START + 8 * SECOND)
    assert found[0].code == "40", "they were numbered on, and so were sent"


def test_a_sender_that_paused_numbers_its_pings_on_from_where_it_was() -> None:
    turns = [turn for turn in range(100) if not 40 <= turn < 80]
    packets = [at(100 * turn, ipv4(echo(8, 3, n), 1, CLIENT, SERVER, number=n)) for n, turn in enumerate(turns)]

    assert {found.code for found in witnesses(packets, WitnessKind.SILENCE)} == {None}


def test_ordinary_traffic_testifies_to_nothing() -> None:
    packets = [*HANDSHAKE]
    for number in range(50):
        packets.append(segment(10 + number, True, 100 + 100 * number, 500, length=100))
        packets.append(segment(10.5 + number, False, 500, 200 + 100 * number))
    packets += [segment(70, True, 5100, 500, 0x11), segment(71, False, 500, 5101, 0x11), segment(72, True, 5101, 501)]
    found = observe_capture(capture(sorted(packets)))

    assert not [seen for seen in found if isinstance(seen, PacketWitness)]
