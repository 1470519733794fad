"""When the service was interrupted: what counts as trouble, when it began and ended, and what is only noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.inference.interruption import detect_interruption, find_full_loss, find_silence, note_reports
from attribution.inference.search import find_troubles
from attribution.inference.trouble import Trouble
from attribution.model.evidence import Measurement, Method, Stretch
from attribution.model.incident import NANOSECONDS
from tests.inference.chain import ENDS, WAY, at, during, findings, measured, probed, there_and_back


def seconds_of(trouble: Trouble) -> tuple[float, float]:
    return (
        (trouble.interval.start_ns - at(0)) / NANOSECONDS,
        (trouble.interval.end_ns - at(0)) / NANOSECONDS,
    )


def test_a_network_that_loses_nothing_is_not_interrupted() -> None:
    assert detect_interruption(probed(*ENDS)) == ()
    assert detect_interruption([]) == ()


@pytest.mark.parametrize(
    "ratio",
    [
        0.0005,
        0.002,
        0.005,
    ],
)
def test_the_usual_noise_of_a_healthy_network_is_no_interruption(ratio: float) -> None:
    chance = Random(1)
    noisy = [measured(second, second + 1, 50, sum(chance.random() < ratio for _ in range(50))) for second in range(600)]
    assert detect_interruption(noisy) == ()


@pytest.mark.parametrize("sent", [1, 5, 20])
def test_one_lost_packet_is_no_interruption(sent: int) -> None:
    windows = [measured(second, second + 1, sent, 1 if second == 40 else 0) for second in range(120)]
    assert detect_interruption(windows) == ()


@pytest.mark.parametrize("every", [0.5, 1.0, 2.0])
def test_the_edges_of_an_outage_are_found_within_a_probe_window(every: float) -> None:
    (trouble,) = detect_interruption(probed(*ENDS, during(30, 60), every=every))
    start, end = seconds_of(trouble)

    assert start == pytest.approx(30, abs=every)
    assert end == pytest.approx(60, abs=every)
    assert trouble.loss_ratio > 0.9


@pytest.mark.parametrize("onset", [30.0, 30.25, 30.5, 30.75])
def test_a_window_that_lost_a_part_dates_the_edge_within_it(onset: float) -> None:
    """Of the probes of a window, those after the onset were lost."""

    def share(second: float) -> float:
        return min(1.0, max(0.0, second + 1 - onset)) if second < 50 else 0.0

    (trouble,) = detect_interruption(probed(*ENDS, share))
    assert seconds_of(trouble)[0] == pytest.approx(onset, abs=0.26)


def test_slight_loss_below_two_in_a_hundred_is_no_interruption_and_clearly_more_is() -> None:
    slight = probed(*ENDS, during(30, 90, 0.01), sent=200)
    heavy = probed(*ENDS, during(30, 90, 0.06), sent=200)

    assert detect_interruption(slight) == ()
    (trouble,) = detect_interruption(heavy)
    assert seconds_of(trouble) == pytest.approx((30, 90), abs=2)
    assert 0.02 <= trouble.loss_ratio <= 0.1


def by_chance(seed: int, ratio: Callable[[float], float], every: int, sent: int, seconds: int) -> list[Measurement]:
    """Probes of which each is lost by chance, with the probability that holds at the time."""
    chance = Random(seed)
    starts = range(0, seconds, every)
    return [measured(s, s + every, sent, sum(chance.random() < ratio(s) for _ in range(sent))) for s in starts]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("ratio", "every", "sent"), [(0.06, 30, 100), (0.05, 30, 60), (0.08, 20, 40)])
def test_sustained_slight_loss_is_one_interruption_also_if_it_lasts_for_most_of_what_was_measured(
    ratio: float, every: int, sent: int, seed: int
) -> None:
    """What half of the windows lose is not what is usual, if the others show a better day."""
    (trouble,) = detect_interruption(by_chance(seed, during(600, 2400, ratio), every, sent, 3000))

    assert seconds_of(trouble) == pytest.approx((600, 2400), abs=2.5 * every)
    assert trouble.steps == (), "chance is no change of severity"


def test_in_a_long_spell_chance_shows_short_gaps_that_are_no_recovery() -> None:
    (trouble,) = detect_interruption(by_chance(1, lambda s: 0.06 if s >= 6000 else 0.0, 1, 20, 16_000))
    assert seconds_of(trouble) == pytest.approx((6000, 16_000), abs=10)


def test_health_between_two_spells_of_slight_loss_is_kept() -> None:
    spells = by_chance(1, lambda s: 0.06 if 600 <= s < 1500 or 1800 <= s < 2700 else 0.0, 30, 100, 3000)

    first, second = detect_interruption(spells)

    assert seconds_of(first) == pytest.approx((600, 1500), abs=60)
    assert seconds_of(second) == pytest.approx((1800, 2700), abs=60)


def test_a_burst_that_loses_a_few_after_an_outage_does_not_make_it_last_until_then() -> None:
    """Senders that all try again at once overrun a queue: service was back before, as packets show that all passed."""
    few = dict.fromkeys(range(30, 70, 4), (1, 1)) | dict.fromkeys(range(70, 81), (6, 0)) | {81: (182, 6)}
    windows = [measured(s, s + 1, *few.get(s, (6, 0))) for s in range(120) if not 30 <= s < 70 or s in few]

    first, *rest = detect_interruption(windows)
    assert seconds_of(first) == pytest.approx((30, 67), abs=2)
    assert all(trouble.interval.seconds <= 1 for trouble in rest)
    late = [replace(one, method=Method.ONE_POINT) for one in windows]
    assert seconds_of(detect_interruption(late)[0])[1] > 80, "what one point infers comes late, and here and there"


@pytest.mark.parametrize("seed", [2, 3, 5, 7])
def test_what_a_line_loses_at_all_times_is_usual(seed: int) -> None:
    """Windows that lost less by chance are no better day."""
    assert detect_interruption(by_chance(seed, lambda _: 0.03, 30, 100, 3000)) == ()


def test_a_line_that_always_loses_a_little_is_interrupted_only_by_clearly_more() -> None:
    always = probed(*ENDS, lambda _: 0.02, sent=100)
    worse = probed(*ENDS, lambda second: 0.5 if 40 <= second < 70 else 0.02, sent=100)

    assert detect_interruption(always) == ()
    (trouble,) = detect_interruption(worse)
    assert seconds_of(trouble) == pytest.approx((40, 70), abs=1.5)


def test_two_outages_stay_two() -> None:
    found = detect_interruption(probed(*ENDS, lambda s: 1.0 if 20 <= s < 40 or 60 <= s < 80 else 0.0))

    assert len(found) == 2
    assert seconds_of(found[0]) == pytest.approx((20, 40), abs=1)
    assert seconds_of(found[1]) == pytest.approx((60, 80), abs=1)


def test_an_outage_that_changes_its_severity_has_a_step() -> None:
    (trouble,) = detect_interruption(
        probed(*ENDS, lambda s: 1.0 if 20 <= s < 50 else 0.25 if 50 <= s < 90 else 0.0, sent=40)
    )
    (step,) = set(trouble.steps)
    assert (step - at(0)) / NANOSECONDS == pytest.approx(50, abs=1)


def test_an_even_outage_has_no_steps() -> None:
    (trouble,) = detect_interruption(probed(*ENDS, during(20, 90)))
    assert trouble.steps == ()


def test_one_class_of_traffic_alone_may_be_interrupted() -> None:
    mixed = [
        *probed(*ENDS, traffic="icmp"),
        *probed(*ENDS, during(30, 60), traffic="tcp", sent=1),
    ]
    (trouble,) = detect_interruption(mixed)
    assert seconds_of(trouble) == pytest.approx((30, 60), abs=1.5)


@pytest.mark.parametrize(("lost", "found"), [(30, 1), (10, 0)])
def test_one_direction_alone_may_be_interrupted(lost: int, found: int) -> None:
    """Three in a hundred of one direction are less than two in a hundred of both together."""
    flows = [
        measured(second, second + 10, 1000, gone, journeys=((Stretch(way),),), method=Method.FLOWS)
        for second in range(0, 900, 10)
        for way, gone in ((WAY, 0), (WAY[::-1], lost if 300 <= second < 600 else 0))
    ]

    assert [seconds_of(trouble) for trouble in detect_interruption(flows)] == [(300, 600)] * found


def test_trouble_on_a_part_of_the_way_is_not_the_service_s() -> None:
    assert detect_interruption(probed("customer-edge", "provider-core", during(20, 60))) == ()


def test_what_one_capture_infers_counts_only_where_nobody_counted_at_both_ends() -> None:
    inferred = [measured(s, s + 1, 50, 50 if 20 <= s < 60 else 0, method=Method.ONE_POINT) for s in range(120)]

    assert len(detect_interruption(inferred)) == 1
    assert detect_interruption([*inferred, *probed(*ENDS)]) == ()


def test_a_report_of_many_probes_tells_of_an_interruption_that_nobody_else_measured() -> None:
    before, within = (measured(s, s + 100, 100, lost, method=Method.TRACE) for s, lost in ((0, 0), (600, 30)))

    assert [seconds_of(t) for t in detect_interruption([before, within])] == [(600, 700)]
    assert detect_interruption([before]) == ()


def test_an_interruption_that_a_report_alone_dates_is_said_to_be_no_better_known() -> None:
    """Thirty of a hundred were lost in a hundred seconds: in thirty of them, or in all."""
    before, within = (measured(s, s + 100, 100, lost, method=Method.TRACE) for s, lost in ((0, 0), (600, 30)))
    for known, told in (([before, within], ["row 601"]), ([before, within, *probed(*ENDS, seconds=800)], [])):
        assert [caveat.locator for caveat in note_reports(known, detect_interruption(known))] == told


@pytest.mark.parametrize("method", [Method.PROBES, Method.ONE_POINT])
def test_a_report_of_many_probes_moves_no_edge_that_was_measured_more_finely(method: Method) -> None:
    finer = [measured(s, s + 1, 20, 20 if 40 <= s < 60 else 0, method=method) for s in range(120)]
    within = measured(10, 110, 100, 20, method=Method.TRACE)

    assert [seconds_of(t) for t in detect_interruption([*finer, within])] == [(40, 60)]


def test_a_report_made_after_the_probes_ended_still_tells() -> None:
    later = measured(600, 700, 100, 30, method=Method.TRACE)
    assert [seconds_of(t) for t in detect_interruption([*probed(*ENDS), later])] == [(600, 700)]


def traceroutes(arrived: str) -> list[Measurement]:
    """Traceroutes between the ends, one a minute, by whether each arrived (a dot) or not (an x)."""
    stays = Stretch(WAY[:5], ends_inside=False, beyond=WAY[5:])
    return [
        measured(
            60 * number, 60 * number + 1, 3, 0 if arrives == "." else 3, method=Method.TRACE, end_to_end=False,
            journeys=(there_and_back(*ENDS) if arrives == "." else (stays,),), traffic="trace",
        )
        for number, arrives in enumerate(arrived)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arrived", "spans"),
    [
        ("......xxxxx....", [(360, 601)]),
        ("...xxxx...", [(180, 361)]),
        ("." * 60 + "xx" + "." * 60, [(3600, 3661)]),
        ("..........xxxx", [(600, 781)]),
    ],
)
def test_traceroutes_that_stop_arriving_tell_of_an_interruption_dated_by_them_alone(
    arrived: str, spans: list[tuple[float, float]]
) -> None:
    made = traceroutes(arrived)
    found = detect_interruption(made)

    assert [seconds_of(trouble) for trouble in found] == spans
    (caveat,) = note_reports(made, found)
    assert caveat.locator == f"row {spans[0][0] + 1}"
    assert "60 s apart" in caveat.reason


@pytest.mark.parametrize(
    "arrived",
    [
        "............",
        "....x.......",
        "." * 5000 + "x" + "." * 5000,
        "....xx.x....",
        "..x.xx...x.xxx.x..x",
        "xxxxxxxxxxxx",
        "xxxxx",
        ".xxx",
    ],
    ids=["all", "one", "one-of-ever-so-many", "few", "now-and-then", "never", "a-mute-end", "hardly-before"],
)
def test_traceroutes_that_now_and_then_or_never_arrive_tell_of_none(arrived: str) -> None:
    assert detect_interruption(traceroutes(arrived)) == ()
    assert list(note_reports(traceroutes(arrived), ())) == []


def test_traceroutes_are_not_asked_of_a_time_that_probes_between_the_ends_measured() -> None:
    assert detect_interruption([*traceroutes("......xxxxx...."), *probed(*ENDS, seconds=900)]) == ()
    assert len(detect_interruption([*traceroutes("......xxxxx...."), *probed(*ENDS, seconds=300)])) == 1


def test_less_than_a_second_is_no_interruption() -> None:
    tiny = probed(*ENDS, during(30, 30.4), every=0.2, seconds=60)
    assert detect_interruption(tiny) == ()


def test_an_outage_longer_than_half_of_what_was_measured_is_found() -> None:
    (trouble,) = detect_interruption(probed(*ENDS, during(20, 110)))
    assert seconds_of(trouble) == pytest.approx((20, 110), abs=1)


@settings(max_examples=10)
@given(st.randoms(use_true_random=False))
def test_the_order_of_measurements_does_not_matter(order: Random) -> None:
    measurements = [*probed(*ENDS, during(30, 60)), *probed(*ENDS, during(31, 59), traffic="tcp", sent=3)]
    shuffled = list(measurements)
    order.shuffle(shuffled)
    assert detect_interruption(shuffled) == detect_interruption(measurements)


@settings(max_examples=15)
@given(st.integers(-(10**9), 10**9))
def test_the_date_does_not_matter(offset_s: int) -> None:
    def dated(later_s: int) -> list[Measurement]:
        return [measured(s + later_s, s + later_s + 1, 10, 10 if 20 <= s < 40 else 0) for s in range(60)]

    (here,), (there,) = detect_interruption(dated(0)), detect_interruption(dated(offset_s))
    shift = offset_s * NANOSECONDS
    assert there.interval.start_ns - here.interval.start_ns == shift
    assert there.interval.end_ns - here.interval.end_ns == shift


def full_loss_of(measurements: list[Measurement]) -> list[tuple[float, float]]:
    found = find_full_loss(measurements, detect_interruption(measurements))
    return [((i.start_ns - at(0)) / NANOSECONDS, (i.end_ns - at(0)) / NANOSECONDS) for i in found]


def test_full_loss_is_where_nothing_got_through() -> None:
    worse = probed(*ENDS, lambda s: 1.0 if 30 <= s < 50 else 0.5 if 50 <= s < 90 else 0.0)
    (span,) = full_loss_of(worse)
    assert span == pytest.approx((30, 50), abs=1.5)


def test_an_interruption_that_lets_something_through_is_no_full_loss() -> None:
    assert full_loss_of(probed(*ENDS, during(30, 60, 0.5))) == []
    assert full_loss_of(probed(*ENDS)) == []


def test_full_loss_reaches_to_its_edges_within_windows_of_which_a_part_was_lost() -> None:
    """From 61 to 302 nothing gets through; of the windows of ten seconds at both edges nine and two tenths are lost."""
    lost = {60: 9, 300: 2, **dict.fromkeys(range(70, 300, 10), 10)}
    ((start, end),) = full_loss_of([measured(s, s + 10, 10, lost.get(s, 0)) for s in range(0, 600, 10)])
    assert (start, end) == pytest.approx((61, 302), abs=0.01)


def test_what_is_degraded_beside_a_full_loss_is_none() -> None:
    """In the window from 100 on half of the time nothing gets through, then half of the packets."""
    lost = {**dict.fromkeys(range(50, 100, 10), 20), 100: 15, **dict.fromkeys(range(110, 160, 10), 10)}
    ((start, end),) = full_loss_of([measured(s, s + 10, 20, lost.get(s, 0)) for s in range(0, 300, 10)])
    assert (start, end) == pytest.approx((50, 105), abs=0.01)


def test_what_gets_through_in_another_series_ends_a_full_loss() -> None:
    lost = {**dict.fromkeys(range(60, 100, 10), 10), 100: 8}
    pings = [measured(s, s + 10, 10, lost.get(s, 0)) for s in range(0, 300, 10)]
    opened = probed(*ENDS, during(60, 105), seconds=300, traffic="tcp", sent=1)
    ((start, end),) = full_loss_of([*pings, *opened])
    assert (start, end) == pytest.approx((60, 105), abs=0.01)


def test_one_class_that_gets_through_is_no_full_loss() -> None:
    assert full_loss_of([*probed(*ENDS, during(30, 60)), *probed(*ENDS, traffic="tcp")]) == []


def seen_beside(start: float, end: float, sent: int, lost: int) -> Measurement:
    """What one capture point infers of the service's traffic that passes it."""
    return measured(start, end, sent, lost, method=Method.ONE_POINT, traffic="tcp")


def test_silence_before_late_retransmissions_is_where_the_trouble_was() -> None:
    """From 40 to 60 nothing comes past the capture point; then senders try again and miss what was lost."""
    before = [seen_beside(second, second + 1, 20, 0) for second in range(40)]
    after = [seen_beside(60 + second, 61 + second, 20, 12 if second < 4 else 0) for second in range(40)]

    (trouble,) = detect_interruption([*before, *after])

    start, end = seconds_of(trouble)
    assert start == pytest.approx(40, abs=0.1)
    assert 60 <= end <= 61.1


@pytest.mark.parametrize("method", [Method.ONE_POINT, Method.TWO_POINTS])
def test_a_silence_is_no_trouble_while_pings_of_the_same_ends_come_through(method: Method) -> None:
    """Nobody sends from 30 on; pings are answered until 40; at 60 senders try again and miss what was lost."""
    before = [seen_beside(second, second + 1, 20, 0) for second in range(30)]
    after = [seen_beside(60 + second, 61 + second, 20, 12 if second < 4 else 0) for second in range(40)]
    pings = [
        measured(second, second + 1, 2, 2 if 40 <= second < 60 else 0, method=method, end_to_end=False)
        for second in range(100)
    ]  # fmt: skip
    (trouble,) = detect_interruption([*before, *after, *pings])

    assert seconds_of(trouble)[0] == pytest.approx(40, abs=0.1)


def test_pings_that_are_answered_all_the_time_do_not_shorten_the_silence_of_other_packets() -> None:
    before = [seen_beside(second, second + 1, 20, 0) for second in range(40)]
    after = [seen_beside(60 + second, 61 + second, 20, 12 if second < 4 else 0) for second in range(40)]
    pings = [measured(s, s + 1, 2, 0, method=Method.ONE_POINT, end_to_end=False) for s in range(100)]
    (trouble,) = detect_interruption([*before, *after, *pings])

    assert seconds_of(trouble)[0] == pytest.approx(40, abs=0.1)


def test_counters_date_no_interruption_before_the_last_packets_that_came_through() -> None:
    """A link loses a third from 93 on. Its ends are polled each half minute, at different times: in the poll before,
    some is missing already."""
    cable = Stretch(WAY[1:4])
    counted = [0, 0, 800, 9000, 10000, 10000, 10000, 0, 0, 0]
    polls = [
        measured(
            30 * n, 30 * n + 30, 30_000, lost, journeys=((cable,),), method=Method.COUNTERS, end_to_end=False,
            of_service=False,
        )
        for n, lost in enumerate(counted)
    ]  # fmt: skip
    segments = [
        measured(
            second, second + 1, 6, 2 if 93 <= second < 205 else 0, journeys=((Stretch(WAY[:5]),),), traffic="tcp",
            method=Method.TWO_POINTS, end_to_end=False,
        )
        for second in range(300)
    ]  # fmt: skip
    (rough,) = find_troubles(findings(polls))
    (trouble,) = find_troubles(findings([*polls, *segments]))

    assert seconds_of(rough)[0] < 90
    assert seconds_of(trouble)[0] == pytest.approx(93, abs=0.1)


def test_trouble_that_outlasts_the_silence_before_it_stays_trouble() -> None:
    before = [seen_beside(second, second + 1, 20, 0) for second in range(40)]
    after = [seen_beside(43 + second, 44 + second, 20, 12 if second < 20 else 0) for second in range(40)]

    (trouble,) = detect_interruption([*before, *after])

    start, end = seconds_of(trouble)
    assert start == pytest.approx(40, abs=0.1)
    assert end == pytest.approx(63, abs=1.1)


def test_a_capture_that_begins_in_trouble_tells_nothing_of_what_was_before() -> None:
    seen = [seen_beside(second, second + 1, 20, 12 if second < 10 else 0) for second in range(60)]

    (trouble,) = detect_interruption(seen)

    assert seconds_of(trouble)[0] == pytest.approx(0, abs=0.1)


def test_what_is_missed_as_senders_try_again_after_a_silence_is_no_trouble_any_more() -> None:
    """Their last copies are lost at 57; at 100 all try again, and of thirteen segments one had come twice."""
    before = [seen_beside(second, second + 1, 20, 0) for second in range(40)]
    waiting = [seen_beside(second, second + 1, 4, 4) for second in (40, 41, 43, 47, 57)]
    again = [seen_beside(100, 101, 13, 1), *(seen_beside(second, second + 1, 20, 0) for second in range(101, 140))]

    (trouble,) = detect_interruption([*before, *waiting, *again])

    assert seconds_of(trouble) == pytest.approx((40, 58), abs=0.1)


def passed_by(*spans: tuple[int, int]) -> list[Measurement]:
    return [
        measured(second, second + 1, 20, 0, method=Method.ONE_POINT, of_service=True)
        for first, last in spans
        for second in range(first, last)
    ]


def test_silence_between_steady_packets_is_found_with_its_edges() -> None:
    (trouble,) = find_silence(findings(passed_by((0, 30), (45, 80))))
    assert seconds_of(trouble) == (30, 45)


def test_who_still_sends_from_the_other_end_does_not_hide_that_one_end_fell_silent() -> None:
    other = [replace(m, journeys=(there_and_back(*ENDS[::-1]),)) for m in passed_by((0, 80))]
    (trouble,) = find_silence(findings([*passed_by((0, 30), (45, 80)), *other]))
    assert seconds_of(trouble) == (30, 45)


def test_what_never_came_back_is_no_packet_that_came_by() -> None:
    missed = [replace(m, lost=m.sent) for m in passed_by((30, 45))]
    (trouble,) = find_silence(findings([*passed_by((0, 30), (45, 80)), *missed]))
    assert seconds_of(trouble) == (30, 45)


@pytest.mark.parametrize(
    "spans",
    [
        ((0, 80),),
        ((0, 30), (31, 80)),
        ((0, 30), (45, 50), (60, 80)),
        ((0, 1), (20, 80)),
        ((0, 30), (900, 930)),
    ],
    ids=["none", "a-window-without", "again-and-again", "hardly-before", "for-ever"],
)
def test_pauses_of_senders_are_no_silence(spans: tuple[tuple[int, int], ...]) -> None:
    assert find_silence(findings(passed_by(*spans))) == ()
    assert find_silence(findings([])) == ()


def test_other_people_s_packets_are_not_waited_for() -> None:
    strangers = [replace(m, of_service=False) for m in passed_by((0, 30), (45, 80))]
    assert find_silence(findings(strangers)) == ()


def test_what_may_have_gone_around_a_capture_is_not_waited_for() -> None:
    """After a failover nothing comes by any more at the port of the way that was left."""
    cut = WAY.index("customer-core--customer-edge")
    in_by_it = Stretch(WAY[: cut + 1], ends_inside=False, beyond=WAY[cut + 1 :])
    out_by_it = Stretch(WAY[:cut], ends_inside=False, beyond=WAY[cut:])
    behind_it = Stretch(WAY[cut + 1 :], starts_inside=False)
    around = (*WAY[:cut], "another-cable", *WAY[cut + 1 :])
    for stretch in (in_by_it, out_by_it, behind_it):
        came = () if stretch.starts_inside else WAY[: cut + 1]
        captured = [
            replace(m, journeys=((stretch,),), came_through=came) for m in passed_by((0, 30), (45, 80))
        ]  # fmt: skip
        assert find_silence(findings(captured)) != ()
        assert find_silence(replace(findings(captured), service_paths=(WAY, around))) == ()
