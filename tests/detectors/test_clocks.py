"""Clocks are wrong until aligned: by packets, else by what both sides saw; never by mere coincidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from attribution.detectors.clocks import agreed_offset, align_clocks, customer_ahead_by, describe_alignment, right_side
from attribution.model.incident import NANOSECONDS, EvidenceType, Interval, Origin
from attribution.model.observation import (
    ChangeRecord,
    CounterSample,
    DownReason,
    LogKind,
    Metric,
    Observation,
    PairCount,
    TapCount,
)
from attribution.model.topology import Side
from tests.detectors.chain import at, between, log, origin, probe, sample, surroundings

AROUND = surroundings()
CUSTOMER = origin("customer/log", supplied_by=Side.CUSTOMER)
PROVIDER = origin("provider/log", supplied_by=Side.PROVIDER)
AHEAD_S = 37.0
WINDOW = between(0, 60)


def story(side: Side, ahead_s: float = 0.0, source: Origin | None = None) -> list[Observation]:
    """The cable between the two edges goes down and comes back, and so does the session: as one side logs it."""
    source = source or (CUSTOMER if side is Side.CUSTOMER else PROVIDER)
    device, port, peer = {
        Side.CUSTOMER: ("office-edge", "Gi0/1", "192.0.2.2"),
        Side.PROVIDER: ("cloud-edge", "GE0/0/1", "192.0.2.1"),
    }[side]
    lines = [
        (10.0, LogKind.INTERFACE_DOWN),
        (13.0, LogKind.SESSION_DOWN),
        (40.0, LogKind.INTERFACE_UP),
        (52.0, LogKind.SESSION_UP),
    ]
    return [
        log(
            second + ahead_s,
            device,
            kind,
            interface=port if "interface" in kind else None,
            peer=peer if "session" in kind else None,
            source=source,
        )
        for second, kind in lines
    ]


def times(observations: Sequence[Observation], source: Origin) -> list[float]:
    return sorted((o.time_ns - at(0)) / NANOSECONDS for o in observations if o.origin.file == source.file)


@pytest.mark.parametrize("ahead_s", [AHEAD_S, -AHEAD_S, 300.0])
def test_the_offset_is_found_from_what_both_sides_logged(ahead_s: float) -> None:
    seen = [*story(Side.CUSTOMER, ahead_s), *story(Side.PROVIDER)]
    assert customer_ahead_by(seen, AROUND).ahead_ns / NANOSECONDS == pytest.approx(ahead_s, abs=0.5)


def passing(
    side: Side, ahead_s: float = 0.0, every_s: float = 2.0, source: Origin | None = None
) -> list[CounterSample]:
    """What one side's port at the cable between the edges counted: packets of varying pace, and ten seconds of none."""
    device, port = ("office-edge", "Gi0/1") if side is Side.CUSTOMER else ("cloud-edge", "GE0/0/1")
    source = source or origin(f"{side.value}/counters.csv", EvidenceType.INTERFACE_COUNTERS, supplied_by=side)
    dice, found = Random(5), list[CounterSample]()
    paces = [0 if 30 <= second < 40 else dice.randrange(20, 60) for second in range(70)]
    for step in range(int(60 / every_s)):
        second = step * every_s + (0.3 if side is Side.CUSTOMER else 0.0)
        total = sum(paces[: int(second)]) + paces[int(second)] * (second % 1)
        for metric in (Metric.IN_PACKETS, Metric.OUT_PACKETS):
            found.append(sample(second + ahead_s, device, port, metric, total, source=source))
    return found


@pytest.mark.parametrize("ahead_s", [AHEAD_S, -170.4, 290.0])
def test_the_offset_is_found_from_packets_that_both_sides_counted(ahead_s: float) -> None:
    seen = [*passing(Side.CUSTOMER, ahead_s), *passing(Side.PROVIDER)]
    assert customer_ahead_by(seen, AROUND).ahead_ns / NANOSECONDS == pytest.approx(ahead_s, abs=1.0)


def test_it_is_said_what_told_how_far_clocks_are_off() -> None:
    for told, by in ((passing, "ports of both sides counted"), (story, "sessions, links and losses")):
        seen: list[Observation] = [*told(Side.CUSTOMER, AHEAD_S), *told(Side.PROVIDER)]
        (correction,) = describe_alignment(seen, align_clocks(seen, AROUND, WINDOW)[0], AROUND).corrections
        assert by in correction.why


def test_counters_that_agree_as_they_are_outweigh_what_logs_seem_to_say() -> None:
    seen = [*passing(Side.CUSTOMER), *passing(Side.PROVIDER), *story(Side.CUSTOMER, AHEAD_S), *story(Side.PROVIDER)]
    assert customer_ahead_by(seen, AROUND).ahead_ns == 0


def test_counters_that_are_read_too_seldom_or_never_change_pace_tell_no_offset() -> None:
    rarely = [*passing(Side.CUSTOMER, AHEAD_S, 20.0), *passing(Side.PROVIDER, 0.0, 20.0)]
    assert customer_ahead_by(rarely, AROUND).ahead_ns == 0
    even = [
        replace(o, value=float(round((o.time_ns - at(0)) / NANOSECONDS * 40)))
        for o in (*passing(Side.CUSTOMER), *passing(Side.PROVIDER))
    ]
    assert customer_ahead_by(even, AROUND).ahead_ns == 0


def test_clocks_whose_offsets_are_stated_are_not_looked_at() -> None:
    stated = [
        origin(f"{side.value}.csv", EvidenceType.INTERFACE_COUNTERS, supplied_by=side, offset_ns=0) for side in Side
    ]
    seen = [o for side, source in zip(Side, stated, strict=True) for o in passing(side, 50.0, source=source)]
    assert customer_ahead_by(seen, AROUND).ahead_ns == 0


def test_clocks_that_agree_are_left_alone() -> None:
    seen = [*story(Side.CUSTOMER, 0.4), *story(Side.PROVIDER)]
    aligned, caveats = align_clocks(seen, AROUND, WINDOW)
    assert (aligned, caveats) == (seen, [])


def test_what_was_added_to_which_file_is_told_and_can_be_taken_away_again() -> None:
    seen = [*story(Side.CUSTOMER, 500), *story(Side.PROVIDER)]
    aligned, _ = align_clocks(seen, AROUND, WINDOW)
    clocks = describe_alignment(seen, aligned, AROUND)

    (correction,) = clocks.corrections
    assert (correction.source, correction.supplied_by) == ("customer", Side.CUSTOMER)
    assert correction.added_ns / NANOSECONDS == pytest.approx(-500, abs=0.5)
    assert correction.why
    for before, after in zip(seen, aligned, strict=True):
        assert clocks.aligned(before.time_ns, before.origin) == after.time_ns
        assert clocks.stated(after.time_ns, after.origin) == before.time_ns


def test_of_clocks_that_agree_nothing_is_told() -> None:
    seen = [*story(Side.CUSTOMER, 0.4), *story(Side.PROVIDER)]
    clocks = describe_alignment(seen, align_clocks(seen, AROUND, WINDOW)[0], AROUND)
    assert (dict(clocks.added_ns), clocks.corrections) == ({}, ())


def test_the_side_under_whose_clock_the_trouble_falls_into_the_window_is_right() -> None:
    seen = [*story(Side.CUSTOMER, 500), *story(Side.PROVIDER)]
    aligned, caveats = align_clocks(seen, AROUND, WINDOW)
    assert times(aligned, CUSTOMER) == pytest.approx([10, 13, 40, 52], abs=0.5)
    assert times(aligned, PROVIDER) == [10, 13, 40, 52]
    assert len(caveats) == 1
    assert "customer" in caveats[0].reason

    late, caveats = align_clocks(seen, AROUND, between(500, 560))
    assert times(late, PROVIDER) == pytest.approx([510, 513, 540, 552], abs=0.5)
    assert times(late, CUSTOMER) == [510, 513, 540, 552]
    assert "what the provider supplied" in caveats[0].reason


def test_captures_that_cover_the_window_under_one_sides_clock_alone_were_made_under_it() -> None:
    ahead_s = 140
    early = [tap(Side.CUSTOMER, second, second + 1) for second in range(60)]
    late = [tap(Side.PROVIDER, ahead_s + second, ahead_s + second + 1) for second in range(60)]
    seen = [*early, *late]
    assert right_side(seen, AROUND, WINDOW, -ahead_s * NANOSECONDS) is Side.CUSTOMER
    assert right_side(seen, AROUND, between(ahead_s, ahead_s + 60), -ahead_s * NANOSECONDS) is Side.PROVIDER


def test_a_stated_offset_is_trusted_and_the_other_side_is_set_right_by_it() -> None:
    stated = origin("customer/log", supplied_by=Side.CUSTOMER, offset_ns=0)
    seen = [*story(Side.CUSTOMER, AHEAD_S, stated), *story(Side.PROVIDER)]
    aligned, _ = align_clocks(seen, AROUND, WINDOW)

    assert times(aligned, stated) == [10 + AHEAD_S, 13 + AHEAD_S, 40 + AHEAD_S, 52 + AHEAD_S]


def test_where_both_state_their_offsets_nothing_is_in_question() -> None:
    ours = origin("customer/log", supplied_by=Side.CUSTOMER, offset_ns=0)
    theirs = origin("provider/log", supplied_by=Side.PROVIDER, offset_ns=0)
    seen = [*story(Side.CUSTOMER, AHEAD_S, ours), *story(Side.PROVIDER, 0, theirs)]

    assert align_clocks(seen, AROUND, WINDOW) == (seen, [])


def test_packets_that_both_captured_disprove_what_was_stated_of_both() -> None:
    """Whoever wrote down the offsets was mistaken: the provider's times are kept, and the customer's set right."""
    ours = origin("customer/log", supplied_by=Side.CUSTOMER, offset_ns=0)
    theirs = origin("provider/log", supplied_by=Side.PROVIDER, offset_ns=0)
    seen = [*story(Side.CUSTOMER, AHEAD_S, ours), *story(Side.PROVIDER, 0, theirs)]
    aligned, caveats = align_clocks(
        [*seen, pair(Side.CUSTOMER, -AHEAD_S), pair(Side.PROVIDER, 0)], AROUND, between(0, 60)
    )

    assert times(aligned, ours) == pytest.approx([10, 13, 40, 52])
    assert times(aligned, theirs) == [10, 13, 40, 52]
    assert ["in spite of the offsets stated" in caveat.reason for caveat in caveats] == [True]


def test_one_common_event_is_a_coincidence() -> None:
    seen = [*story(Side.CUSTOMER, AHEAD_S)[:1], *story(Side.PROVIDER)[:1]]
    assert customer_ahead_by(seen, AROUND).ahead_ns == 0


def test_events_that_agree_on_no_offset_are_a_coincidence() -> None:
    ours = story(Side.CUSTOMER)
    scattered = [
        *(log(second, "cloud-edge", LogKind.INTERFACE_DOWN, interface="GE0/0/1") for second in (90, 160)),
        log(250, "cloud-edge", LogKind.SESSION_DOWN, peer="192.0.2.1"),
    ]
    assert customer_ahead_by([*ours, *scattered], AROUND).ahead_ns == 0


def test_events_of_one_side_alone_tell_nothing() -> None:
    assert customer_ahead_by(story(Side.CUSTOMER, AHEAD_S), AROUND).ahead_ns == 0
    assert customer_ahead_by([], AROUND).ahead_ns == 0


def test_the_supplier_must_be_known() -> None:
    nobody = origin("found/log", supplied_by=None)
    assert customer_ahead_by([*story(Side.CUSTOMER, AHEAD_S, nobody), *story(Side.PROVIDER)], AROUND).ahead_ns == 0


def test_different_cables_are_different_events() -> None:
    inside = [
        log(10, "cloud-core", LogKind.INTERFACE_DOWN, interface="GE0/0/2"),
        log(40, "cloud-core", LogKind.INTERFACE_UP, interface="GE0/0/2"),
    ]
    assert customer_ahead_by([*story(Side.CUSTOMER, AHEAD_S), *inside], AROUND).ahead_ns == 0


def test_an_offset_beyond_a_quarter_of_an_hour_is_another_incident() -> None:
    assert customer_ahead_by([*story(Side.CUSTOMER, 4000), *story(Side.PROVIDER)], AROUND).ahead_ns == 0


def test_trouble_that_both_probe_begins_and_ends_for_both() -> None:
    ours = origin("customer/probes", EvidenceType.PROBES, Side.CUSTOMER)
    theirs = origin("provider/probes", EvidenceType.PROBES, Side.PROVIDER)
    bad = range(20, 50)

    def series(file: Origin, ahead: float) -> list[Observation]:
        return [probe(s + ahead, 10, 0 if s in bad else 10, file=file) for s in range(80)]

    seen = [
        *series(ours, AHEAD_S),
        *series(theirs, 0),
        *story(Side.CUSTOMER, AHEAD_S)[:1],
        *story(Side.PROVIDER)[:1],
    ]
    assert customer_ahead_by(seen, AROUND).ahead_ns / NANOSECONDS == pytest.approx(AHEAD_S, abs=1)


def test_polls_of_a_port_date_what_the_other_side_logged() -> None:
    polls = origin("provider/counters", EvidenceType.INTERFACE_COUNTERS, Side.PROVIDER)
    states = [
        sample(s, "cloud-edge", "GE0/0/1", Metric.OPER_STATUS, 0 if 10 <= s < 40 else 1, polls) for s in range(80)
    ]
    seen = [*story(Side.CUSTOMER, AHEAD_S), *states, *story(Side.PROVIDER)[1:2]]
    assert customer_ahead_by(seen, AROUND).ahead_ns / NANOSECONDS == pytest.approx(AHEAD_S, abs=1)


def pair(side: Side, shift_s: float) -> PairCount:
    return PairCount(
        time_ns=at(5),
        end_ns=at(6),
        origin=origin(f"{side}/one.pcap", EvidenceType.CAPTURE, side),
        locator="frame 1",
        first=("office-edge", "Gi0/1"),
        second=("cloud-edge", "GE0/0/1"),
        second_file="other.pcap",
        source="10.1.0.2",
        destination="10.2.0.2",
        protocol="tcp",
        sent=10,
        lost=0,
        clock_shift_ns=int(shift_s * NANOSECONDS),
    )


def tap(side: Side, start_s: float, end_s: float) -> TapCount:
    return TapCount(
        time_ns=at(start_s),
        end_ns=at(end_s),
        origin=origin(f"{side}/one.pcap", EvidenceType.CAPTURE, side),
        locator="frame 1",
        device="office-edge",
        interface="Gi0/1",
        source="10.1.0.2",
        destination="10.2.0.2",
        protocol="tcp",
        sent=9,
        lost_upstream=0,
        lost_downstream=0,
    )


def test_packets_that_both_captured_tell_the_offset_better_than_logs() -> None:
    seen: list[Observation] = [pair(Side.CUSTOMER, -25), pair(Side.PROVIDER, 0), *story(Side.CUSTOMER, 3)]
    assert customer_ahead_by([*seen, *story(Side.PROVIDER)], AROUND).ahead_ns / NANOSECONDS == pytest.approx(25)


def test_captures_of_one_side_alone_leave_the_offset_to_the_logs() -> None:
    seen: list[Observation] = [pair(Side.CUSTOMER, -25), *story(Side.CUSTOMER, AHEAD_S), *story(Side.PROVIDER)]
    assert customer_ahead_by(seen, AROUND).ahead_ns / NANOSECONDS == pytest.approx(AHEAD_S, abs=0.5)


def test_office_clocks_of_tickets_are_never_moved() -> None:
    ticket = ChangeRecord(
        time_ns=at(0),
        origin=origin("customer/changes.csv", EvidenceType.CHANGE_RECORDS, Side.CUSTOMER),
        locator="row 1",
        id="CHG-1",
        end_ns=at(60),
        performed_by=Side.CUSTOMER,
        device="office-edge",
        interface=None,
        action="",
        consented_by=None,
        consented_ns=None,
        description="",
    )
    aligned, _ = align_clocks([*story(Side.CUSTOMER, 500), *story(Side.PROVIDER), ticket], AROUND, WINDOW)
    assert [o.time_ns for o in aligned if isinstance(o, ChangeRecord)] == [at(0)]


def test_the_order_of_observations_does_not_matter() -> None:
    seen = [*story(Side.CUSTOMER, AHEAD_S), *story(Side.PROVIDER)]
    assert customer_ahead_by(seen, AROUND) == customer_ahead_by(seen[::-1], AROUND)


def test_swapped_sides_swap_the_sign() -> None:
    ahead = [*story(Side.CUSTOMER, AHEAD_S), *story(Side.PROVIDER)]
    behind = [*story(Side.CUSTOMER), *story(Side.PROVIDER, AHEAD_S)]
    assert customer_ahead_by(ahead, AROUND).ahead_ns == -customer_ahead_by(behind, AROUND).ahead_ns != 0


def test_the_provider_is_believed_where_the_window_does_not_tell() -> None:
    seen = [*story(Side.CUSTOMER, AHEAD_S), *story(Side.PROVIDER)]
    nowhere = Interval(at(5000), at(5001))
    assert right_side(seen, AROUND, nowhere, int(AHEAD_S * NANOSECONDS)) is Side.PROVIDER


def test_an_offset_on_which_no_more_events_agree_than_on_none_is_none() -> None:
    second = NANOSECONDS
    assert agreed_offset([(0, 1.0), (0, 1.0), (30 * second, 1.0), (30 * second, 1.0)]) == 0
    assert agreed_offset([(0, 1.0), (30 * second, 1.0), (30 * second, 1.0), (30 * second, 1.0)]) == 30 * second


def session(side: Side, second: float, kind: LogKind, reason: DownReason | None = None) -> Observation:
    device, peer, source = {
        Side.CUSTOMER: ("office-edge", "192.0.2.2", CUSTOMER),
        Side.PROVIDER: ("cloud-edge", "192.0.2.1", PROVIDER),
    }[side]
    line = log(second, device, kind, peer=peer, source=source)
    return replace(line, reason=reason)


@pytest.mark.parametrize("also", [DownReason.INTERFACE, DownReason.HOLD_TIMER, DownReason.DETECTION])
def test_who_waits_for_a_hold_timer_is_late_and_not_wrong(also: DownReason) -> None:
    """One end sees its port go and the other waits 84 s; the session comes back for both at once."""
    waited = [(84.2, DownReason.HOLD_TIMER), (84.3, DownReason.NOTIFICATION_SENT), (84.3, None)]
    seen = [
        *(session(Side.CUSTOMER, second, LogKind.SESSION_DOWN, reason) for second, reason in waited),
        session(Side.PROVIDER, 0.2, LogKind.SESSION_DOWN, also),
        session(Side.PROVIDER, 0.3, LogKind.SESSION_DOWN, also),
    ]
    assert customer_ahead_by(seen, AROUND).ahead_ns == 0
    back = [session(side, 300.0, LogKind.SESSION_UP) for side in Side]
    assert align_clocks([*seen, *back], AROUND, WINDOW) == ([*seen, *back], [])


def test_who_is_told_that_the_other_s_timer_ran_out_hears_of_it_then() -> None:
    seen = [
        session(Side.CUSTOMER, 10 + AHEAD_S, LogKind.SESSION_DOWN, DownReason.HOLD_TIMER),
        session(Side.PROVIDER, 10, LogKind.SESSION_DOWN, DownReason.NOTIFICATION_RECEIVED),
        session(Side.CUSTOMER, 60 + AHEAD_S, LogKind.SESSION_UP),
        session(Side.PROVIDER, 60, LogKind.SESSION_UP),
    ]
    assert customer_ahead_by(seen, AROUND).ahead_ns / NANOSECONDS == pytest.approx(AHEAD_S, abs=0.5)


def test_where_the_rest_of_a_side_agrees_with_the_other_one_device_s_clock_is_wrong() -> None:
    """The customer's probes lose while the provider's port is down; only its router's log is six minutes late."""
    probes = origin("customer/probes", EvidenceType.PROBES, Side.CUSTOMER)
    lost = [probe(s, 10, 0 if 10 <= s < 53 else 10, file=probes) for s in range(-20, 120)]
    seen = [*story(Side.CUSTOMER, -360), *story(Side.PROVIDER), *lost]
    aligned, (caveat,) = align_clocks(seen, AROUND, WINDOW)
    assert times(aligned, CUSTOMER) == pytest.approx([10, 13, 40, 52], abs=0.5)
    assert [o for o in aligned if o.origin.file != CUSTOMER.file] == [*story(Side.PROVIDER), *lost]
    assert "the clock of customer/log, which the customer supplied, is -360.0 s off" in caveat.reason
    (correction,) = describe_alignment(seen, aligned, AROUND).corrections
    assert (correction.source, correction.supplied_by) == (CUSTOMER.file, Side.CUSTOMER)


def test_probes_that_are_off_with_the_log_have_the_side_s_clock() -> None:
    probes = origin("customer/probes", EvidenceType.PROBES, Side.CUSTOMER)
    lost = [probe(s - 360, 10, 0 if 10 <= s < 53 else 10, file=probes) for s in range(-20, 120)]
    aligned, (caveat,) = align_clocks([*story(Side.CUSTOMER, -360), *story(Side.PROVIDER), *lost], AROUND, WINDOW)
    assert times(aligned, probes)[0] == pytest.approx(-20, abs=0.5)
    assert "the clocks of what the customer supplied" in caveat.reason


@pytest.mark.parametrize("ahead_s", [-133.0, 40.0])
def test_packets_tell_of_the_clocks_of_captures_and_other_files_stay_where_their_trouble_was(ahead_s: float) -> None:
    """The carrier's probes lose when packets do by the provider's clock; only what the customer's router captured, and
    what its own log says, is off."""
    probes = origin("customer/probes", EvidenceType.PROBES, Side.CUSTOMER)
    own = replace(CUSTOMER, device="office-edge")
    calm, lossy = (*range(100), *range(400, 500)), range(100, 400)
    seen: list[Observation] = [
        *(captured(Side.CUSTOMER, "office-edge", -ahead_s, s, lost=3 * (s in lossy)) for s in (*calm, *lossy)),
        *(captured(Side.PROVIDER, "cloud-edge", 0.0, s) for s in (0, 499)),
        *(probe(s, 10, 7 if s in lossy else 10, file=probes) for s in range(0, 500, 5)),
        *(replace(line, origin=own) for line in story(Side.CUSTOMER, ahead_s + 100)),
    ]
    aligned, (caveat,) = align_clocks(seen, AROUND, between(100, 400))
    assert times(aligned, probes) == pytest.approx([*range(0, 500, 5)])
    assert times(aligned, CUSTOMER) == pytest.approx([110, 113, 140, 152])
    assert "the clock of customer/log, which the customer supplied" in caveat.reason

    late = [replace(o, time_ns=o.time_ns + int(ahead_s * NANOSECONDS)) if o.origin is probes else o for o in seen]
    aligned, (caveat,) = align_clocks(late, AROUND, between(100, 400))
    assert times(aligned, probes) == pytest.approx([*range(0, 500, 5)])
    assert "the clocks of what the customer supplied" in caveat.reason


def test_all_that_devices_recorded_is_moved_into_the_reported_time_and_no_office_s_papers() -> None:
    ticket = ChangeRecord(
        time_ns=at(0), end_ns=at(60), origin=origin("changes.csv", EvidenceType.CHANGE_RECORDS, Side.CUSTOMER),
        locator="line 2", id="1", performed_by=Side.CUSTOMER, device="office-edge", interface=None, action="firmware",
        consented_by=None, consented_ns=None, description="",
    )  # fmt: skip
    counted = pair(Side.PROVIDER, 0)
    seen = [*story(Side.CUSTOMER, AHEAD_S), *story(Side.PROVIDER), counted, tap(Side.PROVIDER, 5, 6), ticket]
    aligned, (_, told) = align_clocks(seen, AROUND, WINDOW, 240 * NANOSECONDS)

    assert times(aligned, CUSTOMER) == pytest.approx([250, 253, 280, 292], abs=0.5)
    assert times(aligned, PROVIDER) == pytest.approx([250, 253, 280, 292])
    assert [(o.time_ns, o.end_ns) for o in aligned if isinstance(o, PairCount | TapCount)] == [(at(245), at(246))] * 2
    assert ticket in aligned
    assert told.reason.endswith("all that devices recorded was moved by +240.0 s, so that it does")
    found = describe_alignment(seen, aligned, AROUND, by_report=True)
    assert {c.why for c in found.corrections} == {"by the time that was reported, and by what both saw"}
    assert found.added_ns[PROVIDER.file] == 240 * NANOSECONDS


def test_what_lasted_is_moved_whole() -> None:
    """The end of a count moves with its beginning."""
    seen = [*story(Side.CUSTOMER, 500), *story(Side.PROVIDER), tap(Side.CUSTOMER, 500, 503)]
    aligned, _ = align_clocks(seen, AROUND, WINDOW)
    (moved,) = (o for o in aligned if isinstance(o, TapCount))

    assert (moved.time_ns - at(0)) / NANOSECONDS == pytest.approx(0, abs=0.5)
    assert moved.end_ns - moved.time_ns == 3 * NANOSECONDS


def test_a_single_bad_window_is_no_edge_of_trouble() -> None:
    """Both sides lose one window now and then, at different times: that dates nothing."""
    ours = origin("customer/probes", EvidenceType.PROBES, Side.CUSTOMER)
    theirs = origin("provider/probes", EvidenceType.PROBES, Side.PROVIDER)
    seen = [probe(s, 10, 0 if s in (20, 50, 60) else 10, file=ours) for s in range(80)]
    seen += [probe(s, 10, 0 if s in (30, 60, 70) else 10, file=theirs) for s in range(80)]
    assert customer_ahead_by(seen, AROUND).ahead_ns == 0


def captured(side: Side, device: str, shift_s: float, second: float = 5, lost: int = 0) -> PairCount:
    """Ten packets that left a device's capture point in one second of the captures' common clock."""
    file = origin(f"{side}/{device}.pcap", EvidenceType.CAPTURE, side)
    known = pair(side, shift_s)
    return replace(known, time_ns=at(second), end_ns=at(second + 1), origin=file, first=(device, "1"), lost=lost)


def test_the_side_under_whose_clock_packets_were_lost_in_the_window_is_right() -> None:
    """While packets are lost less is captured: how much falls into the window must not tell against that."""
    ahead_s = 94.0
    calm = [captured(Side.CUSTOMER, "office-edge", -ahead_s, second) for second in range(100, 160)]
    lossy = [captured(Side.CUSTOMER, "office-edge", -ahead_s, second, lost=10) for second in range(10, 40)]
    seen: list[Observation] = [*calm, *lossy, *(tap(Side.PROVIDER, s, s + 1) for s in (*range(-60, 0), 10, 11))]
    assert right_side(seen, AROUND, WINDOW, int(ahead_s * NANOSECONDS)) is Side.PROVIDER
    late = between(ahead_s, ahead_s + 60)
    assert right_side(seen, AROUND, late, int(ahead_s * NANOSECONDS)) is Side.CUSTOMER


def test_a_capture_that_those_of_both_sides_contradict_has_the_wrong_clock_alone() -> None:
    """The customer's edge is 12 s slow; its core switch, and both of the provider's, agree to a third of a second."""
    slow = origin(f"{Side.CUSTOMER}/office-edge.pcap", EvidenceType.CAPTURE, Side.CUSTOMER)
    seen: list[Observation] = [
        captured(Side.CUSTOMER, "core", -0.3),
        captured(Side.CUSTOMER, "office-edge", 12.0),
        captured(Side.PROVIDER, "cloud-edge", 0.0),
        captured(Side.PROVIDER, "gateway", -0.1),
        replace(tap(Side.CUSTOMER, 0, 1), origin=slow),
        *story(Side.CUSTOMER),
    ]
    aligned, caveats = align_clocks(seen, AROUND, WINDOW)
    (moved,) = (o for o in aligned if isinstance(o, TapCount))
    assert (moved.time_ns - at(0)) / NANOSECONDS == pytest.approx(12.1, abs=0.3)
    assert "the clock of customer/office-edge.pcap, which the customer supplied, is -12.1 s off" in caveats[0].reason
    assert times(aligned, CUSTOMER) == pytest.approx([10, 13, 40, 52], abs=0.3)

    without_majority = [o for o in seen if o.origin.file != f"{Side.PROVIDER}/gateway.pcap"][1:]
    _, caveats = align_clocks(without_majority, AROUND, WINDOW)
    assert ["the clocks of what the customer supplied" in caveat.reason for caveat in caveats] == [True]


def test_captures_of_one_side_whose_clocks_disagree_are_set_right_by_the_packets_they_share() -> None:
    """What one of them shows of a reset, and what both show of its losses, falls together; the window says when."""
    true, wrong = pair(Side.CUSTOMER, 41), pair(Side.CUSTOMER, 0)
    true = replace(true, time_ns=at(46), end_ns=at(47), lost=5)
    wrong = replace(wrong, time_ns=at(46), end_ns=at(47), origin=replace(wrong.origin, file="ahead.pcap"))
    here, there = tap(Side.CUSTOMER, 5, 6), replace(tap(Side.CUSTOMER, 46, 47), origin=wrong.origin)
    aligned, caveats = align_clocks([true, wrong, here, there], AROUND, between(0, 10))

    assert [o.time_ns for o in aligned] == [at(5)] * 4
    assert caveats == []
    (correction,) = describe_alignment([true, wrong, here, there], aligned, AROUND).corrections
    assert (correction.source, correction.added_ns) == ("ahead.pcap", -41 * NANOSECONDS)
    assert "another capture point" in correction.why
