"""The filters printed next to figures open the packets that they rest on: tshark is the judge."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from attribution import packets
from attribution.model.capture import CaptureSummary
from attribution.model.display_filters import (
    direction_filter,
    direction_loss_filter,
    frames_filter,
    loss_filter,
    witness_filter,
)
from attribution.model.observation import WitnessKind
from tests.report.captures import tap, witness

INCIDENTS = Path(__file__).resolve().parent.parent.parent / "pcaps"
FILES = [
    INCIDENTS / "customer-lan-overload" / "captures" / "vm11-eth0.pcap.zst",
    INCIDENTS / "provider-bgp-daemon-dies" / "captures" / "net85-XGigabitEthernet0_0_2.pcap.zst",
    INCIDENTS / "carrier-down" / "captures" / "net52-eth1.pcapng.gz",
]
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def shown(file: Path, display_filter: str) -> set[int]:
    """The frames that tshark shows with the filter; the tests fail where it does not understand it."""
    done = subprocess.run(
        ["tshark", "-r", file, "-Y", display_filter, "-T", "fields", "-e", "frame.number"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (display_filter, done.stderr)
    return {int(line) for line in done.stdout.split()}


@pytest.fixture(scope="module", params=FILES, ids=lambda file: file.name)
def analysed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CaptureSummary]:
    """A recorded capture, unpacked for tshark, and its figures."""
    from attribution.packets.compression import read_pieces

    file = tmp_path_factory.mktemp("unpacked") / request.param.name.rpartition(".")[0]
    with request.param.open("rb") as packed:
        file.write_bytes(b"".join(read_pieces(packed)))
    return file, packets.analyse(file)


@needs_tshark
def test_the_filter_of_a_flow_shows_its_packets(analysed: tuple[Path, CaptureSummary]) -> None:
    file, summary = analysed
    for flow in summary.flows[:6]:
        found = shown(file, flow.display_filter)
        assert flow.first_frame in found
        assert len(found) >= flow.packets


@needs_tshark
def test_the_filter_of_a_health_figure_shows_its_count(analysed: tuple[Path, CaptureSummary]) -> None:
    file, summary = analysed
    for figure in summary.health:
        found = shown(file, figure.display_filter)
        assert set(figure.frames) <= found
        assert len(found) == figure.count


@needs_tshark
def test_the_filter_of_a_witness_shows_its_frames(analysed: tuple[Path, CaptureSummary]) -> None:
    file, summary = analysed
    assert summary.witnesses
    for seen in summary.witnesses:
        assert set(seen.frames) <= shown(file, witness_filter(seen))


@needs_tshark
def test_the_filter_of_a_loss_opens_the_capture_at_it(analysed: tuple[Path, CaptureSummary]) -> None:
    """Every filter is one that Wireshark understands, and what it shows goes the way that it says."""
    file, summary = analysed
    lossy = [count for count in summary.loss if count.lost_upstream or count.lost_downstream]
    assert lossy
    for count in lossy[:4]:
        whole = shown(file, direction_filter(count.source, count.destination, count.protocol))
        telling = shown(file, direction_loss_filter(count.source, count.destination, count.protocol))
        assert shown(file, loss_filter(count)) <= telling <= whole


@needs_tshark
@pytest.mark.parametrize("addresses", [("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2")], ids=["IPv4", "IPv6"])
def test_every_filter_is_understood(addresses: tuple[str, str]) -> None:
    """Of every kind of witness and of loss, in one filter: tshark refuses it if any part is wrong."""
    sender, about = addresses
    many = [replace(witness(kind, 0, "", 99, 1, 2), sender=sender, about=about) for kind in WitnessKind]
    lost = [tap(0, 1, 1, protocol=protocol) for protocol in ("tcp", "tcp-syn", "icmp", "udp", "icmp-too-big")]
    filters = [witness_filter(seen) for seen in many] + [witness_filter(replace(seen, count=2)) for seen in many]
    filters += [loss_filter(replace(count, source=sender, destination=about)) for count in lost]

    shown(FILES[2], " || ".join(f"({display_filter})" for display_filter in filters))
    with pytest.raises(AssertionError):
        shown(FILES[2], f"({filters[0]}) || (no.such.field)")


def test_a_witness_whose_frames_are_all_known_is_shown_by_number() -> None:
    assert witness_filter(witness(WitnessKind.TCP_RESET, 0, "", 2, 7, 9)) == "frame.number in {7,9}"
    assert witness_filter(witness(WitnessKind.TCP_RESET, 0, "", 3, 7, 9)) == (
        "ip.src==10.0.0.254 && tcp.flags.reset==1 && "
        "frame.time_epoch>=1795428030.000000000 && frame.time_epoch<=1795428031.500000000"
    )


def test_no_frames_are_no_filter() -> None:
    assert frames_filter(()) == ""
    assert frames_filter((3,)) == "frame.number in {3}"


def test_icmp_of_version_6_has_a_name_of_its_own() -> None:
    assert direction_loss_filter("2001:db8::1", "2001:db8::2", "icmp") == (
        "ipv6.src==2001:db8::1 && ipv6.dst==2001:db8::2 && icmpv6 && icmpv6.resp_not_found"
    )
