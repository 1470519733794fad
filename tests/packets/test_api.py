"""For a notebook: captures compared by name, figures as typed pandas tables, single frames by their numbers."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution import packets
from attribution.errors import CaptureError
from attribution.packets import table
from attribution.packets.dissection import hex_lines, load_dissector
from attribution.packets.frames import Frame, read_frames
from attribution.report.capture_summary import render_summary
from tests.packets.making import SENT_AGAIN, START, enhanced, ethernet, interface, ipv4, option, pcap, section, udp
from tests.report.captures import LOSSY, STRANGERS, TROUBLED

CRASH = Path(__file__).resolve().parent.parent.parent / "pcaps" / "customer-edge-crash" / "captures"
CUSTOMER, EDGE = CRASH / "host-a-eth0.pcap.zst", CRASH / "ce1-eth1.pcap.zst"


def test_captures_are_compared_by_name() -> None:
    compared = packets.compare(host=CUSTOMER, edge=EDGE.read_bytes())

    assert {stretch.first for stretch in compared.stretches} == {("host", None), ("edge", None)}
    assert {stretch.first_file for stretch in compared.stretches} == {str(CUSTOMER), "edge"}
    assert sum(stretch.lost for stretch in compared.stretches) > 0


def test_captures_without_a_name_go_by_their_files() -> None:
    compared = packets.compare(CUSTOMER, EDGE, clock_offsets_s={"host-a-eth0": 3})

    assert {stretch.first[0] for stretch in compared.stretches} == {"host-a-eth0", "ce1-eth1"}
    assert compared.clocks[1].shift_ms == pytest.approx(3000, abs=1)


def test_two_captures_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        packets.compare(CUSTOMER, CUSTOMER)


def test_a_clock_offset_of_a_stranger_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'pe9', which is none of a, b"):
        packets.compare(a=CUSTOMER, b=EDGE, clock_offsets_s={"pe9": 1})


def test_flows_are_a_typed_table() -> None:
    flows = table.flow_table(TROUBLED)

    assert len(flows) == 2 * len(TROUBLED.flows)
    assert isinstance(flows["first"].dtype, pd.DatetimeTZDtype)
    assert flows["first"].iloc[0].value == TROUBLED.flows[0].forward.first_ns
    assert flows["packets"].sum() == sum(flow.packets for flow in TROUBLED.flows)
    assert flows["stream"].isna().sum() == 2
    assert flows["acknowledgement_mean_ms"].iloc[0] == 11.04
    assert flows["silence_frames"].iloc[0] == [1234, 1240]


def test_a_missing_count_is_missing_and_zero_is_zero() -> None:
    lost = table.flow_table(TROUBLED)["lost_upstream"]

    assert lost.iloc[1] == 0
    assert pd.isna(lost.iloc[2])


@pytest.mark.parametrize(
    ("made", "rows"),
    [
        (table.health_table(TROUBLED), 3),
        (table.loss_table(TROUBLED), 4),
        (table.witness_table(TROUBLED), 4),
        (table.stretch_table(LOSSY), 3),
        (table.bin_table(LOSSY), 3),
        (table.stretch_table(STRANGERS), 0),
    ],
    ids=["health", "loss", "witnesses", "stretches", "bins", "no stretches"],
)
def test_every_figure_is_a_table(made: pd.DataFrame, rows: int) -> None:
    assert len(made) == rows
    assert "display_filter" in made.columns
    assert made["frames"].map(lambda frames: isinstance(frames, list)).all()


def test_a_damaged_time_is_no_traceback() -> None:
    """pcapng has room for times that no calendar holds: they are taken for zero, and that is told."""
    octets = section() + interface(options=option(9, b"\x00")) + enhanced(2**64 - 1, SENT_AGAIN[3][1])
    summary = packets.analyse(octets)

    assert "hundreds of years off" in render_summary(summary)
    assert summary.start_ns == 0
    assert packets.read(octets)["time"].iloc[0].year == 1970


def test_losses_add_up_by_second_in_pandas() -> None:
    loss = table.loss_table(TROUBLED).set_index("time")["lost_downstream"].resample("1s").sum()

    assert list(loss.iloc[:2]) == [20, 7]


def test_single_frames_are_found_by_their_numbers() -> None:
    frames = list(read_frames(io.BytesIO(pcap(SENT_AGAIN, nanoseconds=True, snap=60)), "tap.pcap", [5, 2]))

    assert [frame.number for frame in frames] == [2, 5]
    assert frames[1].time_ns == SENT_AGAIN[4][0]
    assert frames[1].octets == SENT_AGAIN[4][1][:60]
    assert frames[1].wire_octets == len(SENT_AGAIN[4][1])


def test_nothing_is_read_beyond_the_last_frame_asked_for() -> None:
    """A frame at the start of a long file is there at once, and what is damaged behind it does no harm."""
    octets = pcap(SENT_AGAIN) + b"\xff" * 1000

    assert [frame.number for frame in read_frames(io.BytesIO(octets), "tap.pcap", [1])] == [1]


def test_a_frame_beyond_a_cut_is_not_there() -> None:
    with pytest.raises(CaptureError, match=r"tap\.pcap: frame 5 is not there; expected one of its 4 frames"):
        list(read_frames(io.BytesIO(pcap(SENT_AGAIN)[:-3]), "tap.pcap", [3, 5]))


def test_a_frame_of_a_capture_without_packets() -> None:
    with pytest.raises(CaptureError, match="frame 1 is not there; expected one of its 0 frames"):
        list(read_frames(io.BytesIO(section() + interface()), "tap.pcapng", [1]))


def test_scapy_names_what_a_packet_is() -> None:
    pytest.importorskip("scapy")
    octets = ethernet(ipv4(udp(b"hello"), 17))
    dissect = load_dissector()

    assert "###[ UDP ]###" in dissect(Frame(1, START, octets, len(octets), 1, ""))
    assert dissect(Frame(1, START, octets, len(octets), 65_000, "")) == ["link type 65000 is not known to scapy"]


@given(st.binary(max_size=100), st.sampled_from([0, 1, 9, 101, 105, 113, 127, 239, 276]))
def test_any_octets_can_be_taken_apart(octets: bytes, link_type: int) -> None:
    """Damaged packets are what one wants to look at."""
    pytest.importorskip("scapy")

    assert isinstance(load_dissector()(Frame(1, START, octets, len(octets), link_type, "")), list)


@given(st.binary(max_size=100))
def test_a_hex_dump_holds_every_octet(octets: bytes) -> None:
    lines = list(hex_lines(octets))

    assert bytes.fromhex("".join(line[6:54] for line in lines)) == octets
    assert all("".join(line).isprintable() for line in lines)
