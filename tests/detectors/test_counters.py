"""What counters tell: runs of polls with a port down, drops that matter, missed polls, and light that fades."""

from __future__ import annotations

import pytest

from attribution.detectors.counters import detect_counter_alarms
from attribution.model.evidence import Alarm, AlarmKind
from attribution.model.observation import CounterSample, Metric
from tests.detectors.chain import at, origin, readings, sample, surroundings

AROUND = surroundings()
CABLE = "cloud-core--cloud-edge"


def alarms(*series: list[CounterSample]) -> list[Alarm]:
    return list(detect_counter_alarms([one for samples in series for one in samples], AROUND))


def status(*values: float, device: str = "cloud-edge", interface: str = "GE0/0/2") -> list[CounterSample]:
    return readings(device, interface, Metric.OPER_STATUS, *values)


def test_a_run_of_polls_with_a_port_down_is_one_alarm() -> None:
    (alarm,) = alarms(status(1, 1, 0, 0, 0, 1, 1))

    assert (alarm.reporter, alarm.component, alarm.kind) == ("cloud-edge", CABLE, AlarmKind.INTERFACE_DOWN)
    assert at(10) <= alarm.interval.start_ns <= at(20)
    assert at(40) <= alarm.interval.end_ns <= at(50)


def test_a_reading_is_told_with_its_own_time_though_the_state_may_have_begun_before() -> None:
    (alarm,) = alarms(status(1, 1, 0, 0, 0, 1, 1))
    assert (alarm.interval.start_ns, alarm.told_ns) == (at(15), at(20))


def test_two_runs_are_two_alarms_and_a_healthy_port_none() -> None:
    assert len(alarms(status(1, 0, 1, 1, 0, 0, 1))) == 2
    assert alarms(status(1, 1, 1)) == []


def test_a_port_that_stays_down_to_the_last_poll_is_down_until_then() -> None:
    (alarm,) = alarms(status(1, 1, 0, 0))
    assert alarm.interval.end_ns >= at(30)


def test_a_port_shut_by_hand_is_told_from_one_that_is_down() -> None:
    (alarm,) = alarms(readings("cloud-edge", "GE0/0/2", Metric.ADMIN_STATUS, 1, 0, 1))
    assert alarm.kind is AlarmKind.INTERFACE_ADMIN_DOWN


def test_polls_in_any_order_tell_the_same() -> None:
    polls = status(1, 1, 0, 0, 1)
    assert alarms(polls) == alarms(polls[::-1])


def test_ports_and_devices_that_are_not_drawn_are_left_out() -> None:
    assert alarms(status(1, 0, 1, interface="GE0/0/9"), status(1, 0, 1, device="somebody-else")) == []


def discards(*values: float, metric: Metric = Metric.OUT_DISCARDS) -> list[CounterSample]:
    return readings("cloud-edge", "GE0/0/2", metric, *values)


def packets(*values: float, metric: Metric = Metric.OUT_PACKETS) -> list[CounterSample]:
    return readings("cloud-edge", "GE0/0/2", metric, *values)


def test_a_burst_of_discards_is_one_alarm_over_its_polls() -> None:
    (alarm,) = alarms(discards(0, 0, 400, 900, 900, 900, 900), packets(0, 1000, 2000, 3000, 4000, 5000, 6000))

    assert (alarm.reporter, alarm.component, alarm.kind) == ("cloud-edge", CABLE, AlarmKind.INTERFACE_DISCARDS)
    assert (alarm.interval.start_ns, alarm.interval.end_ns) == (at(15), at(30))
    assert alarm.slack_ns == at(5) - at(0)  # between the second poll and the third
    assert alarm.magnitude == 900


def test_bursts_far_apart_are_alarms_of_their_own() -> None:
    found = alarms(discards(0, 500, *[500] * 10, 900, 900))
    assert [alarm.magnitude for alarm in found] == [500, 400]


@pytest.mark.parametrize(
    ("dropped", "passed"),
    [
        pytest.param((0, 0, 1, 1), (0, 100, 200, 300), id="one stray packet"),
        pytest.param((0, 50, 100, 150), (0, 1e6, 2e6, 3e6), id="a trickle among millions"),
        pytest.param((9000, 9000, 0, 0), (5000, 6000, 0, 1000), id="the counters were reset"),
        pytest.param((7, 7, 7, 7), (0, 0, 0, 0), id="old drops and no traffic"),
    ],
)
def test_drops_that_mean_nothing(dropped: tuple[float, ...], passed: tuple[float, ...]) -> None:
    assert alarms(discards(*dropped), packets(*passed)) == []


def test_drops_after_a_reset_are_still_drops() -> None:
    (alarm,) = alarms(discards(9000, 9000, 0, 800, 1600), packets(5000, 6000, 0, 1000, 2000))
    assert alarm.magnitude == 1600


def test_each_direction_is_measured_by_its_own_packets() -> None:
    """Few drops among the many that came in are no alarm, however few went out."""
    drops = discards(0, 50, 100, metric=Metric.IN_DISCARDS)
    assert alarms(drops, packets(0, 10, 20), packets(0, 1e6, 2e6, metric=Metric.IN_PACKETS)) == []
    assert alarms(drops, packets(0, 1e6, 2e6), packets(0, 10, 20, metric=Metric.IN_PACKETS)) != []


def test_errors_are_not_discards() -> None:
    (alarm,) = alarms(discards(0, 500, 1000, metric=Metric.IN_ERRORS))
    assert alarm.kind is AlarmKind.INTERFACE_ERRORS


def test_errors_that_were_counted_from_the_first_poll_on_may_always_have_been() -> None:
    (begun,) = alarms(discards(0, 0, 500, 1000, metric=Metric.IN_ERRORS))
    (ever,) = alarms(discards(0, 500, 1000, 1500, metric=Metric.IN_ERRORS))
    assert (begun.since_first, ever.since_first) == (False, True)


def test_fading_light_is_told_by_its_usual_level() -> None:
    dim = readings("cloud-edge", "GE0/0/2", Metric.RX_POWER_DBM, -21, -21, -21, -21)
    faded = readings("cloud-edge", "GE0/0/2", Metric.RX_POWER_DBM, -5, -5, -5, -30, -31, -5, -5)

    assert alarms(dim) == [], "a long fibre is dim every day"
    (alarm,) = alarms(faded)
    assert (alarm.component, alarm.kind) == (CABLE, AlarmKind.OPTICS_FAULT)
    assert at(20) <= alarm.interval.start_ns <= at(30)


@pytest.mark.parametrize(
    ("metric", "well", "ill", "expected"),
    [
        (Metric.POWER_OK, 1, 0, AlarmKind.POWER_FAULT),
        (Metric.FAN_OK, 1, 0, AlarmKind.HARDWARE_FAULT),
        (Metric.CPU_PERCENT, 0, 99, AlarmKind.RESOURCES_EXHAUSTED),
        (Metric.MEMORY_PERCENT, 60, 98, AlarmKind.RESOURCES_EXHAUSTED),
    ],
)
def test_a_device_s_own_gauges(metric: Metric, well: float, ill: float, expected: AlarmKind) -> None:
    assert alarms(readings("cloud-core", None, metric, well, well, well)) == []
    (alarm,) = alarms(readings("cloud-core", None, metric, well, ill, ill, well))
    assert (alarm.component, alarm.kind) == ("cloud-core", expected)


def polled(device: str, seconds: range | list[int], file: str = "telemetry/counters.csv") -> list[CounterSample]:
    source = origin(file)
    return [sample(second, device, "GE0/0/1", Metric.OPER_STATUS, 1, source) for second in seconds]


ALL = range(0, 200, 10)
GAP = [second for second in ALL if not 60 < second < 120]


def test_a_device_that_misses_polls_while_the_others_answer_is_out_of_reach() -> None:
    (alarm,) = alarms(polled("cloud-edge", ALL), polled("cloud-core", GAP), polled("cloud-gateway", ALL))

    assert (alarm.component, alarm.kind) == ("cloud-core", AlarmKind.DEVICE_UNREACHABLE)
    assert at(60) <= alarm.interval.start_ns <= at(70)
    assert at(110) <= alarm.interval.end_ns <= at(120)


def test_a_gap_that_all_share_is_the_poller_s_own() -> None:
    assert alarms(polled("cloud-edge", GAP), polled("cloud-core", GAP), polled("cloud-gateway", GAP)) == []


def test_a_device_polled_alone_is_never_missed() -> None:
    assert alarms(polled("cloud-core", GAP)) == []


def test_polls_are_compared_within_one_file() -> None:
    """Another poller, with its own rhythm, is no witness of what this one missed."""
    assert alarms(polled("cloud-edge", ALL, "other.csv"), polled("cloud-core", GAP)) == []


def test_a_device_that_never_answers_again_is_out_of_reach_to_the_end() -> None:
    (alarm,) = alarms(polled("cloud-edge", ALL), polled("cloud-core", range(0, 100, 10)))
    assert at(90) <= alarm.interval.start_ns <= at(100)
    assert alarm.interval.end_ns >= at(190)


def test_one_missed_poll_is_nothing() -> None:
    assert alarms(polled("cloud-edge", ALL), polled("cloud-core", [s for s in ALL if s != 80])) == []


def octets(interface: str, *values: float, metric: Metric = Metric.IN_OCTETS, every: float = 10) -> list[CounterSample]:
    return readings("cloud-edge", interface, metric, *values, every=every)


def test_a_device_whose_counters_all_begin_again_was_started_anew() -> None:
    (alarm,) = alarms(octets("GE0/0/1", 700, 800, 5, 90), octets("GE0/0/2", 1700, 1800, 20, 60))

    assert (alarm.reporter, alarm.component, alarm.kind) == ("cloud-edge", "cloud-edge", AlarmKind.DEVICE_RESTARTED)
    assert at(10) <= alarm.interval.start_ns <= at(20)


def test_one_counter_that_wraps_or_one_port_that_is_made_anew_is_no_restart() -> None:
    other = octets("GE0/0/2", 1700, 1800, 1900, 2000)
    assert alarms(octets("GE0/0/1", 700, 800, 5, 90), other) == []
    assert alarms(octets("GE0/0/1", 700, 800, 5, 90)) == []
    out = octets("GE0/0/2", 900, 950, 1000, 1100, metric=Metric.OUT_OCTETS)
    assert alarms(octets("GE0/0/1", 700, 800, 5, 90), octets("GE0/0/2", 17, 18, 1, 2), out) == []
    assert alarms(octets("GE0/0/1", 0, 0, 0, 0), octets("GE0/0/2", 1700, 1800, 20, 60)) == []


def test_who_was_polled_alone_and_began_again_after_missed_polls_was_down_until_then() -> None:
    """The poller may have failed as well; but then the counters would have gone on."""

    def polled(after: float) -> list[AlarmKind]:
        seen = [
            sample(second, "cloud-edge", f"GE0/0/{port}", Metric.IN_OCTETS, value)
            for port in (1, 2)
            for second, value in ((0, 500), (10, 600), (20, 700), (90, after), (100, after + 50))
        ]
        return sorted(alarm.kind for alarm in alarms(seen))

    assert polled(5) == [AlarmKind.DEVICE_RESTARTED, AlarmKind.DEVICE_UNREACHABLE]
    assert polled(900) == []


def test_counters_that_fall_while_the_neighbour_receives_as_much_as_ever_were_cleared() -> None:
    own = [*octets("GE0/0/1", 700, 800, 5, 90), *octets("GE0/0/2", 1700, 1800, 20, 60)]

    def received(*totals: float) -> list[CounterSample]:
        return [
            sample(10 * poll, "cloud-core", "GE0/0/1", Metric.IN_PACKETS, total) for poll, total in enumerate(totals)
        ]

    assert alarms(own, received(100, 200, 300, 400)) == []
    assert [alarm.kind for alarm in alarms(own, received(100, 200, 230, 330))] == [AlarmKind.DEVICE_RESTARTED]


def test_counters_of_32_bits_that_wrap_at_every_poll_are_no_restarts() -> None:
    def wrapping(port: str, step: int) -> list[CounterSample]:
        return octets(port, *((step * poll) % 2**32 for poll in range(1, 30)))

    assert alarms(wrapping("GE0/0/1", 2**32 - 400_000_000), wrapping("GE0/0/2", 2**32 - 700_000_000)) == []


def test_an_error_counter_that_goes_on_shows_that_the_device_did() -> None:
    own = [*octets("GE0/0/1", 700, 800, 5, 90), *octets("GE0/0/2", 1700, 1800, 20, 60)]
    errors = octets("GE0/0/1", 7, 7, 7, 7, metric=Metric.IN_ERRORS)
    assert alarms(own, errors) == []
