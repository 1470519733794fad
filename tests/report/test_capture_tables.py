"""Captures at the terminal: what is wrong first, every figure with the way to open it, and no wider than the page."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import resources

import pytest

from attribution.model.capture import CaptureSummary, ComparisonSummary, Handshake
from attribution.model.observation import WitnessKind
from attribution.report.capture_comparison import find_ways, render_comparison
from attribution.report.capture_summary import WITNESS_WORDS, choose_flows, render_summary
from attribution.report.capture_totals import direction_losses, stretch_totals, weighted_median, with_wider_bins
from attribution.report.layout import width_of
from tests.report.captures import (
    BACK,
    BARE,
    CLEAN,
    EVERY_CAPTURE,
    EVERY_COMPARISON,
    HOSTILE_CAPTURE,
    HOSTILE_COMPARISON,
    LOSSLESS,
    LOSSY,
    NOTHING,
    ONWARD,
    REFUSED,
    STRANGERS,
    THERE,
    TRANSFER,
    TROUBLED,
    A,
    B,
    C,
)


def one_line(text: str) -> str:
    """Without the line breaks and the columns."""
    return re.sub(r"\s+", " ", text)


def test_a_troubled_capture_says_all_that_matters() -> None:
    printed = one_line(render_summary(TROUBLED, width=200))

    for part in (
        "edge.pcapng · pcapng · 18,900 packets, 18.3 MB",
        "Of 400 packets that can be followed, lost: 4 before this point (1.0 %), 29 beyond this point (7.3 %)",
        "1 destination unreachable; 2 silences; 1 address claimed twice",
        "2026-11-23 10:00:30.000 to 10:00:40.000 UTC, 10.0 s · 1,890 packets/s, 14.6 Mbit/s",
        "tcp 18,347 · udp 500 · icmp 53",
        "17 packets by the capture itself",
        "host unreachable, says 10.0.0.254 about 10.0.0.2, 10:00:31.000 to 10:00:32.500, frames 50, 51, 52, 53 …",
        "ip.src==10.0.0.254 && icmp.type==3 && frame.time_epoch>=1795428031.000000000",
        "frame.number in {44}",
        "tcp.analysis.retransmission 31 0.17 % 100, 101, 105, 120 …",
        "harmless: 5 window_update",
        "10.0.0.1 → 10.0.0.2 tcp 200 4 2.0 % 27 14 % 54 12, 13, 19",
        "ip.src==10.0.0.1 && ip.dst==10.0.0.2 && icmp && icmp.resp_not_found",
        "nothing lost in 1 other direction, 100 packets",
        "tcp.stream eq 7 10.0.0.1:43210 → 12,345 17.0 MB 13.6 Mbit/s 11.0 ms network 83 % 31 4 27 5.5 s",
        "handshake 11.2 ms 10.0.0.2:5001 ← 6,000 0 B 200 µs 0 0 0 frames 1234, 1240",
        "refused [2001:db8::2]:22 ←",
        "frame.number==5 10.0.0.1:40000 → 500",
        "3 of 45 flows",
        "Caveats frame 18900: the file ends inside a record",
    ):
        assert part in printed


def test_trouble_comes_before_figures_and_caveats_come_last() -> None:
    printed = render_summary(TROUBLED, width=120)
    order = [printed.index(word) for word in ("lost:", "Trouble", "TCP health", "Loss around", "Flow ", "Caveats")]

    assert order == sorted(order)


def test_a_clean_capture_says_so() -> None:
    assert "Nothing here tells of trouble" in render_summary(CLEAN)
    assert "nothing lost in 1 direction, 100 packets" in render_summary(CLEAN)


def test_what_was_not_measured_is_not_printed_as_zero() -> None:
    """A flow whose losses and handshake are not known shows none; one of no losses shows 0."""
    known = replace(BARE, flows=(replace(TRANSFER, forward=replace(NOTHING, lost_upstream=0), backward=NOTHING),))

    assert "lost before" not in render_summary(BARE, width=200)
    assert "lost before" in render_summary(known, width=200)
    assert "handshake" not in render_summary(BARE, width=200)


def test_signs_of_loss_are_trouble_where_losses_were_not_counted() -> None:
    printed = one_line(render_summary(replace(TROUBLED, loss=(), witnesses=()), 120))

    assert "31 segments sent again; 1 closed window" in printed
    assert "Nothing here tells of trouble" not in printed


@pytest.mark.parametrize("handshake", list(Handshake))
def test_every_handshake_is_told(handshake: Handshake) -> None:
    printed = render_summary(replace(CLEAN, flows=(replace(TRANSFER, handshake=handshake),)))

    assert ("handshake 11.2 ms" if handshake is Handshake.COMPLETE else handshake.value) in printed


def test_every_kind_of_witness_has_its_words() -> None:
    assert set(WITNESS_WORDS) == set(WitnessKind)


def test_the_schema_knows_every_kind_of_witness() -> None:
    schema = resources.files("attribution") / "rules" / "schemas" / "capture-summary.json"
    text = schema.read_text(encoding="utf-8")

    assert not [kind for kind in WitnessKind if f'"{kind}"' not in text]


def test_half_of_the_flows_shown_are_those_in_trouble() -> None:
    """A scan of a thousand refused connections does not push the large transfers off the page."""
    refused = [replace(REFUSED, first_frame=number) for number in range(100)]
    calm = [replace(CLEAN.flows[0], first_frame=1000 + number) for number in range(10)]
    chosen = choose_flows([*refused, TRANSFER, *calm], 6)

    assert chosen[0] is TRANSFER
    assert [flow.handshake for flow in chosen[1:3]] == [Handshake.REFUSED, Handshake.REFUSED]
    assert chosen[3:] == calm[:3]


def test_no_flows_are_shown_where_none_are_asked_for() -> None:
    assert "tcp.stream" not in render_summary(TROUBLED, flows=0)


@pytest.mark.parametrize("width", [40, 59, 60, 80, 100, 160])
@pytest.mark.parametrize("name", EVERY_CAPTURE)
def test_no_line_of_a_summary_is_wider_than_the_terminal(name: str, width: int) -> None:
    printed = render_summary(EVERY_CAPTURE[name], width)

    assert max(width_of(line) for line in printed.splitlines()) <= width


@pytest.mark.parametrize("width", [40, 59, 60, 80, 100, 160])
@pytest.mark.parametrize("name", EVERY_COMPARISON)
def test_no_line_of_a_comparison_is_wider_than_the_terminal(name: str, width: int) -> None:
    printed = render_comparison(EVERY_COMPARISON[name], width)

    assert max(width_of(line) for line in printed.splitlines()) <= width


def test_a_narrow_page_keeps_what_matters_most() -> None:
    narrow, wide = render_summary(TROUBLED, 80), render_summary(TROUBLED, 200)

    assert "limited by" not in narrow
    assert "limited by" in wide
    assert "lost before" in narrow


@pytest.mark.parametrize(
    "printed", [render_summary(HOSTILE_CAPTURE, 90), render_comparison(HOSTILE_COMPARISON, 90)], ids=["one", "several"]
)
def test_evidence_cannot_speak_to_the_terminal(printed: str) -> None:
    assert all(character.isprintable() or character == "\n" for character in printed)
    assert "\\x1b[31m" in printed


@pytest.mark.parametrize("summary", EVERY_CAPTURE.values(), ids=EVERY_CAPTURE)
def test_colour_changes_nothing_but_colour(summary: CaptureSummary) -> None:
    plain, coloured = render_summary(summary), render_summary(summary, colour=True)

    assert "\x1b" not in plain
    assert "\x1b" in coloured
    assert re.sub(r"\x1b\[[0-9]*m", "", coloured) == plain


@pytest.mark.parametrize("summary", EVERY_COMPARISON.values(), ids=EVERY_COMPARISON)
def test_colour_changes_nothing_but_colour_of_a_comparison(summary: ComparisonSummary) -> None:
    plain, coloured = render_comparison(summary), render_comparison(summary, colour=True)

    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9]*m", "", coloured) == plain


def test_a_lossy_comparison_says_where_and_which_way_first() -> None:
    printed = render_comparison(LOSSY, width=200)

    assert printed.splitlines()[0] == (
        "Lost from ce1 eth0 to pe1: 27 of 1,000 packets (2.7 %), within 2 seconds; nothing on the way back"
    )
    for part in (
        "3 captures, 4,000 packets, 90 % of them known again at another point",
        "ce1 eth0 → pe1 → 边缘路由器 ge-0/0/1, for 10.0.0.1 → 10.0.0.2",
        "ce1 eth0 → pe1 1,000 27 2.7 % 2 3 6 9 950 µs 1.20 ms 12.5 ms ± 250 µs",
        "10.0.0.1 → 10.0.0.2 udp: 27 of 1,000 (2.7 %), within 2 seconds frame.number in {1,2,3,4,5,6,7,8}",
        "ce1 eth0 -3,000 ms +50.0 ppm ± 250 µs",
        "Caveats ce1.pcap, frame 1: this clock is +3.000250 s off",
    ):
        assert part in one_line(printed)


def test_loss_both_ways_is_told_in_the_first_line() -> None:
    both = replace(LOSSY, stretches=(THERE, replace(BACK, lost=8)))

    assert "on the way back 8 of 800 (1.0 %)" in render_comparison(both, width=200).splitlines()[0]


def test_a_comparison_without_loss_says_so() -> None:
    printed = render_comparison(LOSSLESS, width=200)

    assert printed.splitlines()[0] == "Nothing was lost between these points, in 1,800 passages"
    assert "Clocks         agree to within 400 µs, known to ± 500 µs" in printed


def test_captures_of_different_traffic_are_not_called_lossless() -> None:
    assert render_comparison(STRANGERS).startswith("The captures have too little in common to compare")


def test_ways_are_found_from_stretches() -> None:
    assert list(find_ways([ONWARD, THERE])) == [(A, B, C)]
    assert list(find_ways([THERE, replace(BACK, source=THERE.source, destination=THERE.destination)])) == [(A, B)]


def test_losses_of_a_direction_are_summed_over_time() -> None:
    worst, other, clean = direction_losses(TROUBLED)

    assert (worst.sent, worst.lost_upstream, worst.lost_downstream, worst.unanswered) == (200, 4, 27, 54)
    assert worst.upstream_ratio == 0.02
    assert worst.downstream_ratio == 27 / 196
    assert (other.protocol, other.lost) == ("icmp", 2)
    assert (clean.lost, clean.frames) == (0, ())


def test_a_lossy_second_counts_once_however_many_parts_lost_in_it() -> None:
    same = replace(THERE, protocol="tcp")
    total = next(total for total in stretch_totals(replace(LOSSY, stretches=(THERE, same))) if total.lost)

    assert (total.sent, total.lost, total.lossy_seconds) == (2000, 54, 2)


def test_wider_bins_hold_the_same_packets() -> None:
    wider = with_wider_bins(LOSSY, 10)
    bins = [part for stretch in wider.stretches for part in stretch.bins]

    assert sum(part.sent for part in bins) == 1000
    assert sum(part.lost for part in bins) == 27
    assert all(part.time_ns % 10_000_000_000 == 0 and part.end_ns - part.time_ns == 10_000_000_000 for part in bins)
    assert bins[0].delay_median_ms == 3.0
    assert bins[0].frames == (1, 2)


def test_a_median_weighs_packets_not_seconds() -> None:
    assert weighted_median([(1.0, 1), (5.0, 100), (9.0, 1)]) == 5.0
    assert weighted_median([(1.0, 0)]) is None
    assert weighted_median([]) is None
