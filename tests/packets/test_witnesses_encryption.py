"""What TLS and QUIC show before they encrypt: alerts, and hellos that nobody answers."""

from __future__ import annotations

import struct

import pytest

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.packets.survey import survey_capture
from attribution.packets.witnesses.quic import find_quic_trouble
from tests.packets.making import SECOND, START, Timed, ipv4, tcp, udp
from tests.packets.testimony import CLIENT, SERVER, all_witnesses, at, recorded, witnesses


def record(kind: int, body: bytes, version: int = 0x0303) -> bytes:
    return struct.pack(">BHH", kind, version, len(body)) + body


def hello(message: int, length: int = 200) -> bytes:
    """A handshake record with a hello of either side: type, length, version, random, and so on."""
    return record(22, struct.pack(">I", message << 24 | length) + b"\3\3" + bytes(length - 2), 0x0301)


def alert(level: int, description: int) -> bytes:
    return record(21, bytes([level, description]))


class Connection:
    """One TCP connection to port 443, whose segments follow each other."""

    def __init__(self) -> None:
        self.packets: list[Timed] = []
        self.next = {True: 100, False: 500}
        self.send(0, True, b"", 0x02)
        self.send(1, False, b"", 0x12)
        self.send(2, True, b"", 0x10)

    def send(self, ms: float, by_client: bool, payload: bytes, flags: int = 0x18) -> None:
        self.repeat(ms, by_client, payload, self.next[by_client], flags)
        self.next[by_client] += len(payload) + (1 if flags & 0x03 else 0)

    def repeat(self, ms: float, by_client: bool, payload: bytes, sequence: int, flags: int = 0x18) -> None:
        ports, ends = ((4000, 443), (CLIENT, SERVER)) if by_client else ((443, 4000), (SERVER, CLIENT))
        acknowledged = self.next[not by_client] if flags & 0x10 else 0
        self.packets.append(at(ms, ipv4(tcp(*ports, sequence, acknowledged, flags, payload), 6, *ends)))


def alerts(connection: Connection) -> list[PacketWitness]:
    return witnesses(connection.packets, WitnessKind.TLS_ALERT)


def unanswered(connection: Connection) -> list[PacketWitness]:
    return witnesses(connection.packets, WitnessKind.TLS_UNANSWERED)


@pytest.mark.parametrize(
    ("level", "description", "words"),
    [
        (2, 40, "fatal alert handshake_failure (40)"),
        (2, 48, "fatal alert unknown_ca (48)"),
        (2, 80, "fatal alert internal_error (80)"),
        (1, 112, "warning alert unrecognized_name (112)"),
    ],
)
def test_an_alert_in_words_with_its_code_and_its_sender(level: int, description: int, words: str) -> None:
    connection = Connection()
    connection.send(3, True, hello(1))
    connection.send(4, False, alert(level, description))
    (found,) = alerts(connection)

    assert (found.sender, found.about, found.code) == (SERVER, CLIENT, f"{level}/{description}")
    assert f"server {SERVER} sends {CLIENT} the {words}" in found.detail


def test_a_client_complains_behind_other_records_of_the_same_segment() -> None:
    connection = Connection()
    connection.send(3, True, hello(1))
    connection.send(4, False, hello(2) + record(22, b"\x0b\0\0\x40" + bytes(64)))
    connection.send(5, True, record(20, b"\1") + alert(2, 42))
    (found,) = alerts(connection)

    assert found.sender == CLIENT
    assert "client" in found.detail


def test_an_alert_that_is_sent_again_counts_once() -> None:
    connection = Connection()
    connection.send(3, False, alert(2, 40))
    connection.repeat(300, False, alert(2, 40), 501)
    (found,) = alerts(connection)

    assert found.count == 1


@pytest.mark.parametrize("payload", [alert(1, 0), record(21, bytes(26)), record(23, alert(2, 40)), alert(7, 40)])
def test_a_close_and_what_is_encrypted_or_no_alert_say_nothing(payload: bytes) -> None:
    connection = Connection()
    connection.send(3, True, hello(1))
    connection.send(4, False, hello(2))
    connection.send(5, True, payload)

    assert not alerts(connection)


def test_a_server_acknowledges_the_hello_and_never_answers() -> None:
    connection = Connection()
    connection.send(3, True, hello(1))
    connection.send(4, False, b"", 0x10)
    (found,) = unanswered(connection)

    assert (found.sender, found.about, found.code) == (SERVER, CLIENT, "silent")
    assert found.time_ns == START + SECOND * 3 // 1000
    assert "no ServerHello" in found.detail


def test_a_hello_that_tcp_did_not_deliver_is_not_the_server_s_silence() -> None:
    connection = Connection()
    connection.send(3, True, hello(1))

    assert not unanswered(connection)


def test_a_server_that_closes_after_a_while_was_silent_as_well() -> None:
    connection = Connection()
    connection.send(3, True, hello(1))
    connection.send(4, False, b"", 0x10)
    connection.send(7000, False, b"", 0x11)
    connection.send(7001, True, b"", 0x11)
    connection.send(7002, False, b"", 0x10)
    (found,) = unanswered(connection)

    assert found.code == "silent"


def test_later_segments_show_that_the_answer_was_sent_and_lost_before() -> None:
    connection = Connection()
    connection.send(3, True, hello(1))
    connection.send(4, False, b"", 0x10)
    connection.next[False] += 4000
    connection.send(5, False, bytes(100))
    (found,) = unanswered(connection)

    assert found.code == "lost_before"


def test_an_answer_that_passes_again_and_again_is_lost_beyond() -> None:
    connection = Connection()
    connection.send(3, True, hello(1))
    for turn in range(4):
        connection.repeat(10 + 300 * 2**turn, False, hello(2, 1300), 501)
    (found,) = unanswered(connection)

    assert found.code == "lost_beyond"
    assert "never acknowledges" in found.detail


@pytest.mark.parametrize(("answered_ms", "codes"), [(90, []), (6000, ["slow"])])
def test_a_slow_server_is_told_apart_from_a_quick_one(answered_ms: int, codes: list[str]) -> None:
    connection = Connection()
    connection.send(3, True, hello(1))
    connection.send(4, False, b"", 0x10)
    connection.send(answered_ms, False, hello(2))
    connection.send(answered_ms + 1, True, record(20, b"\1"))

    assert [seen.code for seen in unanswered(connection)] == codes
    assert not alerts(connection)


def test_a_long_hello_in_two_segments_is_answered_by_what_follows() -> None:
    connection = Connection()
    long = hello(1, 1800)
    connection.send(3, True, long[:1400])
    connection.send(4, True, long[1400:])
    connection.send(5, False, b"", 0x10)
    (found,) = unanswered(connection)
    assert found.code == "silent"

    connection.send(50, False, hello(2))
    connection.send(51, True, record(20, b"\1"))
    assert not unanswered(connection)


CLIENT_ID, SERVER_ID = b"\xc1" * 8, b"\x51" * 8
VERSION_1, VERSION_2, RESERVED = 1, 0x6B3343CF, 0x1A2A3A4A


def long_header(kind: int, version: int, destination: bytes, source: bytes, rest: bytes = b"") -> bytes:
    first = 0xC0 | kind << 4
    names = bytes([len(destination)]) + destination + bytes([len(source)]) + source
    return bytes([first]) + version.to_bytes(4, "big") + names + rest


def initial(version: int = VERSION_1, *, server: bool = False, filled: int = 1200) -> bytes:
    """Token length, length, then what is encrypted; a client fills its datagram to 1200 octets."""
    kind = 1 if version == VERSION_2 else 0
    ends = (CLIENT_ID, SERVER_ID) if server else (SERVER_ID, CLIENT_ID)
    packet = long_header(kind, version, *ends, b"\0" + struct.pack(">H", 0x4000 | 400) + bytes(400))
    return packet + bytes(max(filled - len(packet), 0))


def handshake(server: bool) -> bytes:
    ends = (CLIENT_ID, SERVER_ID) if server else (SERVER_ID, CLIENT_ID)
    return long_header(2, VERSION_1, *ends, struct.pack(">H", 0x4000 | 60) + bytes(60))


def quic(ms: float, payload: bytes, *, server: bool = False, port: int = 50000) -> Timed:
    ends, ports = ((SERVER, CLIENT), (443, port)) if server else ((CLIENT, SERVER), (port, 443))
    return at(ms, ipv4(udp(payload, *ports), 17, *ends))


def handshakes(packets: list[Timed]) -> list[PacketWitness]:
    return witnesses(packets, WitnessKind.QUIC_HANDSHAKE)


HEALTHY = [
    quic(0, initial()), quic(30, initial(server=True), server=True), quic(31, handshake(True), server=True),
    quic(60, handshake(False)),
]  # fmt: skip


def test_a_healthy_quic_handshake_testifies_to_nothing() -> None:
    assert not all_witnesses(HEALTHY)


@pytest.mark.parametrize("version", [VERSION_1, VERSION_2, 0xFF00001D])
def test_initials_that_nobody_answers(version: int) -> None:
    (found,) = handshakes([quic(ms, initial(version)) for ms in (0, 1000, 3000)])

    assert (found.sender, found.about, found.code, found.count) == (CLIENT, SERVER, "unanswered", 3)
    assert f"{SERVER} port 443" in found.detail


def test_an_answer_that_leads_to_nothing() -> None:
    packets = [quic(ms, initial()) for ms in (0, 1000, 3000, 7000)]
    packets += [quic(ms + 20, initial(server=True), server=True) for ms in (0, 1000, 3000)]
    (found,) = handshakes(packets)

    assert found.code == "unfinished"


def test_a_server_that_does_not_speak_the_client_s_version() -> None:
    offered = struct.pack(">II", VERSION_2, RESERVED)
    negotiation = long_header(0, 0, CLIENT_ID, SERVER_ID, offered)
    (found,) = handshakes([quic(0, initial()), quic(20, negotiation, server=True)])

    assert (found.sender, found.about, found.code) == (SERVER, CLIENT, "version_negotiation")
    assert "0x00000001, it offers 0x6b3343cf" in found.detail


def test_a_client_that_tries_a_reserved_version_gets_what_it_asked_for() -> None:
    negotiation = long_header(0, 0, CLIENT_ID, SERVER_ID, struct.pack(">I", VERSION_1))

    assert not handshakes([quic(0, initial(RESERVED)), quic(20, negotiation, server=True), quic(40, initial())])


def spinning(edges_ms: list[int], packets: int = 20, period_ms: int = 4) -> list[Timed]:
    """What the client sends once the handshake is done: the spin bit turns at these times."""
    found = []
    for turn in range(packets * len(edges_ms)):
        ms = 100 + period_ms * turn
        bit = sum(ms >= 100 + edge for edge in edges_ms) % 2
        found.append(quic(ms, bytes([0x40 | bit << 5]) + SERVER_ID + bytes(30)))
    return found


def test_a_server_has_its_client_prove_its_address() -> None:
    retry = quic(20, long_header(3, VERSION_1, CLIENT_ID, SERVER_ID, bytes(40)), server=True)
    (found,) = handshakes([HEALTHY[0], retry, *HEALTHY[1:]])
    assert (found.sender, found.about, found.code) == (SERVER, CLIENT, "retry")
    assert "spin" not in found.detail


def test_the_spin_bit_shows_the_round_trip_if_its_edges_are_clean() -> None:

    retry = quic(20, long_header(3, VERSION_1, CLIENT_ID, SERVER_ID, bytes(40)), server=True)
    handshake_done = [HEALTHY[0], retry, *HEALTHY[1:]]

    def detail(packets: list[Timed]) -> str:
        (found,) = find_quic_trouble(survey_capture(recorded([*handshake_done, *packets])))
        return found.detail

    assert "spin bit turns every 80.0 ms" in detail(spinning([80, 160, 240, 320]))
    assert "spin" not in detail(spinning([80, 160]))
    assert "spin" not in detail(spinning(list(range(0, 400, 4)), packets=1))


def test_anything_that_merely_looks_like_a_long_header_is_left_alone() -> None:
    small = [quic(ms, initial(filled=0)) for ms in (0, 1000, 3000)]
    unknown = [quic(ms, long_header(0, 0x51303436, SERVER_ID, CLIENT_ID, bytes(1200))) for ms in (0, 1000, 3000)]

    assert not handshakes(small + unknown)
