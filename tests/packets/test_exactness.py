"""What is found in a capture is what tshark finds in it: health, connections and duplicate numbers, packet for packet.

`python benchmarks/exactness.py` does the same over millions of packets, recorded for it and public.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packets import tshark
from tests.packets.conftest import Recording
from tests.packets.exactness import compare
from tests.packets.making import START, Timed, ethernet, ipv4, pcap, tcp, udp
from tests.packets.test_bulk import bulk_health
from tests.packets.test_decode import WRAPPED, vxlan
from tests.packets.test_tcp_health import MS, random_connections

pytestmark = pytest.mark.skipif(tshark.missing is not None, reason=str(tshark.missing))

INCIDENTS = Path(__file__).parents[2] / "pcaps"
RECORDED = sorted(
    {file.suffixes[-2] + file.suffixes[-1] + file.name.split("-")[1][:3]: file
     for file in sorted(INCIDENTS.glob("*/captures/*.pcap*"))}.values()
)  # fmt: skip
"""One capture of each format and compression from each make of router or host."""


def differences(file: Path) -> list[str]:
    return [str(difference) for difference in compare(file, bulk_health).differences]


@pytest.mark.parametrize("seed", [1, 2])
def test_connections_that_break_every_custom(tmp_path: Path, seed: int) -> None:
    file = tmp_path / "random.pcap"
    file.write_bytes(pcap(random_connections(seed, 1500), nanoseconds=True))

    assert differences(file) == []


def test_connections_whose_options_the_snap_length_cut(tmp_path: Path) -> None:
    file = tmp_path / "cut.pcap"
    file.write_bytes(pcap(random_connections(3, 500), nanoseconds=True, snap=52))
    found = compare(file, bulk_health)

    assert found.differences == []
    assert found.segments > 3000


def test_the_same_connections_through_tunnels_are_the_same_connections(tmp_path: Path) -> None:
    """Addresses and ports make a connection, whatever carries it."""
    packets = [
        (time_ns, ethernet(vxlan(octets, 42 + number % 3)) if number % 3 else octets)
        for number, (time_ns, octets) in enumerate(random_connections(4, 300))
    ]
    file = tmp_path / "tunnels.pcap"
    file.write_bytes(pcap(packets, nanoseconds=True))

    assert differences(file) == []


def test_connections_in_fragments_plain_and_tunnelled(tmp_path: Path) -> None:
    packets: list[Timed] = []
    for number in range(40):
        segment = tcp(1000, 80, 100 + 1200 * number, 500, payload=bytes(1200))
        inner = ethernet(ipv4(segment, 6))
        outer = [(segment, 6), (udp(b"\x08" + bytes(7) + inner, 50_000, 4789), 17)][number % 2]
        pieces = [outer[0][at : at + 480] for at in range(0, len(outer[0]), 480)]
        for at, piece in enumerate(pieces):
            more = 0x2000 if at + 1 < len(pieces) else 0
            octets = ethernet(ipv4(piece, outer[1], number=number, fragment=60 * at | more))
            packets.append((START + (4 * number + at) * MS, octets))
    file = tmp_path / "fragments.pcap"
    file.write_bytes(pcap(packets, nanoseconds=True))
    found = compare(file)

    assert found.differences == []
    assert found.segments == 40


UNKNOWN_TO_TSHARK = {8, 166, 205, 206, 219}
"""Link types that libpcap documents and tshark does not read."""
GUESSED = {"pseudowire"}
"""Whether an MPLS label carries a control word nobody says; tshark goes by addresses that the test's hosts lack."""


@pytest.mark.parametrize("link", sorted({link for link, _, _ in WRAPPED.values()} - UNKNOWN_TO_TSHARK))
def test_tshark_finds_tcp_in_every_wrapping_that_we_look_through(tmp_path: Path, link: int) -> None:
    """The other way round, that we miss none of what tshark finds, takes public captures."""
    whole = [octets for name, (kind, octets, _) in WRAPPED.items() if kind == link and name not in GUESSED]
    file = tmp_path / "wrapped.pcap"
    file.write_bytes(pcap([(START + at * MS, octets) for at, octets in enumerate(whole)], link=link))

    assert differences(file) == []


def test_real_connections_over_a_lossy_path(recording: Recording) -> None:
    for file in (recording.left, recording.right):
        found = compare(file, bulk_health)

        assert found.differences == []
        assert found.found["retransmission"] > 10


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: f"{file.parents[1].name}/{file.name}")
def test_recorded_incidents(file: Path) -> None:
    assert differences(file) == []
