"""How sure it is that nothing happened: as far as the reported window was measured, and what was measured can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from attribution.inference import Inference
from attribution.inference.uneventful import covered_share
from attribution.model.clock import Alignment, ClockCorrection
from attribution.model.evidence import Alarm, AlarmKind, Measurement, Method, Stretch
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import CommandEffectKind
from attribution.model.phrase import Phrase
from attribution.model.topology import Side
from attribution.model.verdict import CauseKind
from tests.inference.chain import (
    ENDS,
    WAY_NODES,
    WINDOW,
    alarm,
    between,
    findings,
    infer,
    measured,
    passing,
    probed,
    record,
    way,
)


def counted_flows() -> list[Measurement]:
    """The service's own packets, of whatever protocol, counted where they left and where they came, none lost."""
    return [replace(measurement, method=Method.FLOWS) for measurement in probed(*ENDS, traffic="flow")]


def test_a_clean_window_is_nobody_s_fault() -> None:
    inference = infer(findings(counted_flows()))

    assert not inference.interruption.detected
    assert not inference.interruption.is_open
    assert inference.hypotheses[0].known
    assert inference.hypotheses[0].probability > 0.9
    assert sum(h.probability for h in inference.hypotheses) == pytest.approx(1)
    assert inference.request(lambda _: "customer") == ()
    (piece,) = inference.weigh(0, lambda _: "customer")
    assert piece.weight > 0
    assert "0 of" in piece.statement


@pytest.mark.parametrize(
    "measured",
    [(), probed("provider-edge", "provider-host"), [m for m in probed(*ENDS) if m.interval.end_ns <= WINDOW.start_ns]],
    ids=["nothing", "a-part-of-the-way", "another-time"],
)
def test_where_the_service_was_not_measured_in_the_window_it_stays_open_whether_anything_happened(
    measured: Sequence[Measurement],
) -> None:
    assert infer(findings(measured)).interruption.is_open


def certainty_that_nothing_happened(
    *measurements: Measurement, window: Interval = WINDOW, clocks: Alignment | None = None
) -> float:
    inference = infer(replace(findings(measurements), clocks=clocks or Alignment()), window)
    assert not inference.interruption.detected
    return next(h.probability for h in inference.hypotheses if h.known)


def test_clean_packets_cannot_tell_of_a_protocol_of_which_nobody_counted_any() -> None:
    """A filter of UDP leaves all echoes and handshakes alone, and whoever complained may have used UDP."""
    echoes, handshakes, datagrams = (probed(*ENDS, traffic=traffic) for traffic in ("icmp", "tcp", "udp"))
    flows = [replace(measurement, method=Method.FLOWS) for measurement in datagrams]

    assert certainty_that_nothing_happened(*echoes, *handshakes) < 0.9
    assert certainty_that_nothing_happened(*echoes, *handshakes, *datagrams) > 0.9
    assert certainty_that_nothing_happened(*echoes, *counted_flows()) > 0.9
    assert certainty_that_nothing_happened(*flows) < 0.9 < certainty_that_nothing_happened(*flows, *handshakes)


def balanced(node: str) -> Measurement:
    within = ((Stretch((node,), False, False, balance=True),),)
    return measured(20, 60, 4000, 0, method=Method.COUNTERS, journeys=within, traffic="counted", end_to_end=False)


def test_counters_miss_packets_of_any_protocol_but_only_where_they_are_read() -> None:
    probes = [*probed(*ENDS, traffic="icmp"), *probed(*ENDS, traffic="tcp")]
    *some, last = [balanced(node) for node in WAY_NODES[1:-1]]
    assert certainty_that_nothing_happened(*probes, *some) < 0.9 < certainty_that_nothing_happened(*probes, *some, last)


def test_a_filter_for_a_protocol_that_nobody_counted_is_no_accident() -> None:
    def certain(what: str, where: str, *measurements: Measurement) -> float:
        filtered = record(25, where, actor=Side.PROVIDER, effect=CommandEffectKind.FILTER_ADDED)
        found = findings(measurements, records=[replace(filtered, protocol=what)])
        return next(h.probability for h in infer(found).hypotheses if h.known)

    datagrams, handshakes = probed(*ENDS, traffic="udp"), probed(*ENDS, traffic="tcp")
    assert certain("tcp", "provider-edge", *datagrams) < 0.5
    assert certain("udp", "provider-edge", *datagrams) == certain("tcp", "somewhere-else", *datagrams) > 0.8
    assert certain("tcp", "provider-edge", *datagrams, *handshakes) > 0.9


def test_captures_on_the_way_cannot_miss_what_never_came_by() -> None:
    """What one capture point infers is of connections that got as far: a service may fail for all others."""
    only_within = passing(range(20, 60))

    assert certainty_that_nothing_happened(*only_within) < 0.7 < certainty_that_nothing_happened(*counted_flows())
    assert certainty_that_nothing_happened(*only_within, *counted_flows()) > 0.9


def test_packets_that_come_by_as_often_as_before_and_after_are_missed_by_nobody() -> None:
    steady = [*passing(range(100)), *passing(range(100), "udp")]
    assert 0.8 < certainty_that_nothing_happened(*steady) < certainty_that_nothing_happened(*counted_flows())

    fewer = [*passing((*range(20), *range(60, 100)), "gre"), *passing(range(20, 60), "gre", sent=12)]
    assert certainty_that_nothing_happened(*steady, *fewer) < 0.7
    stopped = passing((*range(20), *range(60, 100)), "icmp")
    assert certainty_that_nothing_happened(*steady, *stopped) < 0.7


def test_a_capture_at_an_end_s_own_port_misses_nothing_of_that_end() -> None:
    def captured_at(end: str, other: str) -> list[Measurement]:
        beyond = ((Stretch(way(end, other)[1:], starts_inside=False),),)
        return [replace(m, method=Method.ONE_POINT, journeys=beyond) for m in probed(*ENDS)]

    one, both = captured_at(*ENDS), [*captured_at(*ENDS), *captured_at(*ENDS[::-1])]
    assert 0.7 < certainty_that_nothing_happened(*one) < certainty_that_nothing_happened(*both)
    assert certainty_that_nothing_happened(*both) == certainty_that_nothing_happened(*counted_flows())


def refusing(end: str, start_s: float, end_s: float, kind: AlarmKind = AlarmKind.HOST_REFUSES) -> Alarm:
    return alarm(start_s, end, end, kind, end=end_s)


def test_an_end_that_refuses_what_arrives_leaves_open_only_whether_that_is_an_interruption() -> None:
    """Whatever it is then, it lies with that end."""
    inference = infer(findings(counted_flows(), alarms=[refusing(ENDS[1], 20, 60)]))
    nothing, failed, unnamed = inference.hypotheses

    assert not inference.interruption.detected
    assert [(cause.component, cause.kind) for cause in failed.causes] == [(ENDS[1], CauseKind.HOST_FAILURE)]
    assert 0.2 < nothing.probability < failed.probability
    assert unnamed.probability < 0.05
    assert inference.weigh(0, lambda _: "customer")[-1].weight < 0 < inference.weigh(1, lambda _: "customer")[-1].weight


def test_what_another_device_does_in_an_end_s_name_is_not_its_failure() -> None:
    inference = infer(findings(counted_flows(), alarms=[refusing(ENDS[1], 20, 60, AlarmKind.CONNECTIONS_RESET)]))
    assert [hypothesis.known for hypothesis in inference.hypotheses] == [True, False]
    assert inference.hypotheses[0].probability < 0.5


def test_where_an_end_refused_traffic_for_most_of_the_window_nothing_else_has_to_have_kept_it_away() -> None:
    within = passing(range(20, 60))

    def unnamed(*alarms: Alarm) -> float:
        return infer(findings(within, alarms=alarms)).hypotheses[-1].probability

    assert unnamed(refusing(ENDS[1], 20, 55)) < 0.15 < unnamed(refusing(ENDS[1], 20, 25))


@pytest.mark.parametrize(("lost", "for_s", "in_doubt"), [(8, 30, True), (8, 4, False), (0, 30, False)])
def test_packets_missing_on_the_way_for_long_make_clean_ends_doubtful(lost: int, for_s: int, in_doubt: bool) -> None:
    """A firewall that refuses new connections leaves those alone that are measured."""
    journey = ((Stretch(("customer-edge",), False, False, balance=True),),)
    balances = [
        measured(
            second, second + 1, 40, lost if 25 <= second < 25 + for_s else 0, method=Method.COUNTERS,
            journeys=journey, traffic="counted", of_service=False, end_to_end=False,
        )
        for second in range(100)
    ]  # fmt: skip
    assert (certainty_that_nothing_happened(*counted_flows(), *balances) < 0.6) is in_doubt


def test_a_window_that_nobody_measured_leaves_all_open() -> None:
    for unmeasured in (findings([]), findings(probed("customer-host", "customer-edge"))):
        inference = infer(unmeasured)

        assert not inference.interruption.detected
        known = sum(h.probability for h in inference.hypotheses if h.known)
        assert known == pytest.approx(0)
        assert inference.weigh(0, lambda _: "customer") == ()


def test_a_window_measured_by_half_is_half_as_sure() -> None:
    whole, half = infer(findings(probed(*ENDS))), infer(findings(probed(*ENDS, seconds=40)))

    def certainty(inference: Inference) -> float:
        return next(h.probability for h in inference.hypotheses if h.known)

    assert certainty(half) == pytest.approx(certainty(whole) / 2, rel=0.1)


def test_clean_measurements_of_another_day_say_nothing_of_the_window() -> None:
    inference = infer(findings(probed(*ENDS)), between(5000, 5060))
    assert sum(h.probability for h in inference.hypotheses if h.known) == pytest.approx(0)


def test_the_share_of_a_window_that_was_measured() -> None:
    def share(*spans: tuple[float, float]) -> float:
        return covered_share([measured(start, end, 1, 0) for start, end in spans], between(0, 10))

    assert share() == 0
    assert share((0, 10)) == 1
    assert share((0, 5)) == pytest.approx(0.5)
    assert share((0, 5), (0, 5), (3, 5)) == pytest.approx(0.5)
    assert share((-5, 100)) == 1


def set_right(side: Side, added_s: int) -> Alignment:
    correction = ClockCorrection(side, side, added_s * NANOSECONDS, Phrase("by what both saw"))
    return Alignment(corrections=(correction,))


def test_where_the_sides_clocks_disagree_the_window_may_be_by_one_in_between() -> None:
    """Both are wrong then. Who complains hands in what was measured in the time of the complaint."""
    seconds = counted_flows()  # of 100 seconds, by the provider's clock, which was kept
    clocks = set_right(Side.CUSTOMER, -70)
    in_between, before_it, by_neither = between(120, 150), between(-50, -20), between(220, 240)

    certain = certainty_that_nothing_happened(*seconds)
    assert 0.9 < certainty_that_nothing_happened(*seconds, window=in_between, clocks=clocks) < certain
    assert certainty_that_nothing_happened(*seconds, clocks=clocks) == certain
    for unmeasured in (before_it, by_neither):
        assert certainty_that_nothing_happened(*seconds, window=unmeasured, clocks=clocks) == 0
    assert certainty_that_nothing_happened(*seconds, window=before_it, clocks=set_right(Side.PROVIDER, 70)) > 0.9
    assert certainty_that_nothing_happened(*seconds, window=in_between) == 0
    (caveat,) = infer(replace(findings(seconds), clocks=clocks), in_between).caveats
    assert "by one in between" in caveat.reason


def test_a_clock_whose_offset_was_stated_is_right_whatever_the_window() -> None:
    stated = [
        replace(m, citation=replace(m.citation, origin=replace(m.citation.origin, clock_offset_ns=0)))
        for m in counted_flows()
    ]
    clocks = set_right(Side.CUSTOMER, -70)
    assert certainty_that_nothing_happened(*stated, clocks=clocks) > 0.9
    assert certainty_that_nothing_happened(*stated, window=between(120, 150), clocks=clocks) == 0
