"""What alarms, silence and records add to a cause: explained words for it, missing ones against it, within limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from attribution.inference import reports
from attribution.inference.candidates import Candidate, Direction, matches_record
from attribution.inference.fits import Situation
from attribution.inference.interruption import detect_interruption
from attribution.inference.modes import Expectation, Mode, Reach, Where, load_modes
from attribution.inference.phases import split_phases
from attribution.inference.posterior import Solver
from attribution.inference.reports import first_of_each, joint_testimony
from attribution.inference.testimony import Witnesses
from attribution.inference.timeliness import in_time, record_in_time
from attribution.model.evidence import Alarm, AlarmKind, Condition, Coverage, Record, RecordKind
from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import CommandEffectKind
from attribution.model.topology import Link, NodeKind, Side, Topology
from attribution.model.verdict import CauseKind
from tests.inference.chain import (
    CAPTURE,
    CHAIN,
    DEMARCATION,
    ENDS,
    MODES,
    PATHS,
    WAY_NODES,
    alarm,
    at,
    between,
    candidate,
    link_name,
    mode,
    probed,
    record,
)

PHASE = between(100, 160)
UPLINK = link_name("customer-core", "customer-edge")
EVERYBODY = Coverage(frozenset(WAY_NODES), frozenset(WAY_NODES), frozenset(WAY_NODES))


def expecting(kind: AlarmKind, where: Where, probability: float = 0.5, reach: Reach = Reach.NODE) -> Mode:
    return mode(reach, expects=(Expectation(kind, where, probability),))


def hear(
    who: Candidate,
    alarms: Iterable[Alarm] = (),
    records: Iterable[Record] = (),
    coverage: Coverage | None = None,
    session_paths: Mapping[tuple[str, str], frozenset[str]] | None = None,
    topology: Topology = CHAIN,
) -> reports.Testimony:
    heard = Witnesses(
        tuple(alarms), tuple(records), coverage or Coverage(), topology, PATHS, session_paths or {}, MODES, PHASE
    )
    return heard.testify(who)


def unread_trouble(second: float) -> Alarm:
    return alarm(second, "customer-edge", "customer-edge", AlarmKind.NOT_UNDERSTOOD)


RESTARTS = candidate("customer-edge", expecting(AlarmKind.DEVICE_RESTARTED, Where.SELF))
RESTARTED = alarm(101, "customer-edge", "customer-edge", AlarmKind.DEVICE_RESTARTED)


def test_an_expected_alarm_speaks_for_its_cause() -> None:
    heard = hear(RESTARTS, [RESTARTED])

    assert heard.total > 0
    assert heard.alarms[RESTARTED] == pytest.approx(heard.total)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(alarm(101, "provider-edge", "provider-edge", AlarmKind.DEVICE_RESTARTED), id="another device"),
        pytest.param(alarm(101, "customer-edge", "customer-edge", AlarmKind.POWER_FAULT), id="another state"),
        pytest.param(alarm(40, "customer-edge", "customer-edge", AlarmKind.DEVICE_RESTARTED), id="long before"),
        pytest.param(alarm(900, "customer-edge", "customer-edge", AlarmKind.DEVICE_RESTARTED), id="long after"),
    ],
)
def test_an_alarm_that_the_cause_does_not_explain_says_nothing_of_it(other: Alarm) -> None:
    assert hear(RESTARTS, [other]).total == 0


def test_who_withdraws_a_route_says_nothing_of_packets_that_go_the_other_way() -> None:
    """The provider's edge tells its core that it has no way to the customer any more: nothing is sent there then."""
    told = alarm(101, "provider-edge", "provider-edge", AlarmKind.ROUTES_WITHDRAWN, about_peer="provider-core")
    gone = expecting(AlarmKind.ROUTES_WITHDRAWN, Where.BEYOND)
    heard = {way: hear(candidate("customer-edge", gone, direction=way), [told]).total for way in Direction}

    assert heard[Direction.BOTH] == heard[Direction.BACK] > 0
    assert heard[Direction.THERE] == 0


def test_what_lies_behind_a_router_that_is_gone_itself_did_not_take_its_route_away() -> None:
    told = alarm(101, "provider-edge", "provider-edge", AlarmKind.ROUTES_WITHDRAWN, about_peer="provider-core")
    itself = replace(told, gone=("customer-edge", "somebody-off-the-way"))
    lost = expecting(AlarmKind.ROUTES_WITHDRAWN, Where.BEYOND)

    def heard(where: str, alarm: Alarm) -> bool:
        return hear(candidate(where, lost), [alarm]).total > 0

    assert heard("customer-core", told)
    assert not heard("customer-core", itself)
    for where in ("provider-edge", "customer-edge"):
        assert heard(where, told) and heard(where, itself)


@pytest.mark.parametrize("first", [True, False])
def test_who_was_seen_to_speak_on_did_not_lose_the_session_by_a_fault_of_its_own(first: bool) -> None:
    """Nor do its log and its poller say so, which tell of the same session; its peer and what lies between may have."""
    lost = [
        alarm(100 + n, "provider-edge", "provider-edge", AlarmKind.SESSION_DOWN, about_peer="customer-edge")
        for n in range(2)
    ]
    seen = [replace(lost[0], spoke_on=first), replace(lost[1], spoke_on=not first)]
    own, peer = (expecting(AlarmKind.SESSION_DOWN, where) for where in (Where.SELF, Where.PEER))

    assert hear(candidate("provider-edge", own), lost).total > 0
    assert hear(candidate("provider-edge", own), seen).total == 0
    assert hear(candidate("customer-edge", peer), seen).total == hear(candidate("customer-edge", peer), lost).total > 0


def test_where_a_cause_takes_over_what_was_told_before_is_no_word_of_it() -> None:
    """Not even if it is told again: who speaks of it now spoke of the trouble before."""
    lost = probed(*ENDS, lambda s: 1.0 if 20 <= s < 50 else 0.4 if 50 <= s < 90 else 0.0, sent=40)
    phases = split_phases(detect_interruption(lost), lost)
    edge, restart = "customer-edge", AlarmKind.DEVICE_RESTARTED
    before, again = (alarm(second, edge, edge, restart, end=second + 1) for second in (21, 51))
    new = alarm(50, "customer-core", "customer-core", restart)
    situation = Situation(CHAIN, PATHS, {}, lost, (before, again, new), (), Coverage(), MODES)
    solver = Solver(situation, phases)
    restarted = [candidate(name, RESTARTS.mode) for name in (edge, "customer-core")]
    first, second = ([solver.witnesses(phase.span).testify(c).total > 0 for c in restarted] for phase in phases)

    assert first == [True, True]  # a restart is told of after it
    assert second == [False, True]


def test_the_silence_of_who_was_asked_speaks_against_and_of_who_was_not_says_nothing() -> None:
    asked = hear(RESTARTS, coverage=Coverage(logging=frozenset({"customer-edge"})))
    unasked = hear(RESTARTS, coverage=Coverage(logging=frozenset({"provider-edge"})))

    assert asked.total == asked.silence < 0
    assert unasked.total == 0


def test_the_silence_of_who_logged_trouble_that_nobody_understands_weighs_less() -> None:
    asked = Coverage(logging=frozenset({"customer-edge"}))
    silences = [
        hear(RESTARTS, unread, coverage=asked).silence
        for unread in ([], [unread_trouble(101)], [unread_trouble(130)], [unread_trouble(40)])
    ]
    assert silences[0] < silences[1] == silences[2] < 0
    assert silences[3] == silences[0]


@pytest.mark.parametrize(
    ("who", "speaks"),
    [
        (candidate("customer-edge", expecting(AlarmKind.LOOP, Where.SELF)), True),
        (candidate("customer-core", expecting(AlarmKind.LOOP, Where.SELF)), True),
        (candidate(UPLINK, expecting(AlarmKind.LOOP, Where.END, reach=Reach.LINK)), True),
        (candidate("provider-core", expecting(AlarmKind.LOOP, Where.SELF)), False),
    ],
    ids=["of itself", "of its neighbour", "of its cable", "of somebody farther off"],
)
def test_trouble_that_nobody_understands_speaks_of_what_is_beside_it(who: Candidate, speaks: bool) -> None:
    assert (hear(who, [unread_trouble(101)]).total > 0) is speaks
    assert hear(who, [unread_trouble(120)]).total == 0, "long after the onset it may be a consequence"


def test_only_what_routes_can_have_kept_silent_about_a_session() -> None:
    """A switch between two routers has no session with either: they have one with each other."""
    switch = replace(CHAIN.nodes["customer-edge"], kind=NodeKind.SWITCH)
    switched = Topology({**CHAIN.nodes, "customer-edge": switch}, CHAIN.links)
    lost = expecting(AlarmKind.SESSION_DOWN, Where.PEER)

    def silence(of: str, about: str) -> float:
        asked = Coverage(logging=frozenset({of}))
        return hear(candidate(about, lost), coverage=asked, topology=switched).silence

    assert silence("customer-core", "provider-edge") < 0
    assert silence("customer-edge", "provider-edge") == 0
    assert silence("customer-core", "customer-edge") == 0


def test_a_host_complains_whatever_it_is() -> None:
    complaint = alarm(101, "customer-host", "customer-host", AlarmKind.NOT_UNDERSTOOD)
    assert hear(candidate("customer-host", expecting(AlarmKind.LOOP, Where.SELF)), [complaint]).total == 0


def test_a_surer_expectation_speaks_louder_both_ways() -> None:
    asked = Coverage(logging=frozenset({"customer-edge"}))
    sure = candidate("customer-edge", expecting(AlarmKind.DEVICE_RESTARTED, Where.SELF, 0.9))
    unsure = candidate("customer-edge", expecting(AlarmKind.DEVICE_RESTARTED, Where.SELF, 0.1))

    assert hear(sure, [RESTARTED]).total > hear(unsure, [RESTARTED]).total > 0
    assert hear(sure, coverage=asked).total < hear(unsure, coverage=asked).total < 0


@pytest.mark.parametrize(
    ("where", "heard"),
    [
        (Where.SELF, alarm(101, "provider-edge", "customer-edge", AlarmKind.DEVICE_UNREACHABLE)),
        (Where.OWN_PORT, alarm(101, "customer-edge", UPLINK, AlarmKind.INTERFACE_DOWN)),
        (Where.OWN_PORTS, alarm(101, "customer-edge", UPLINK, AlarmKind.INTERFACE_ERRORS)),
        (Where.NEIGHBOUR, alarm(101, "customer-core", UPLINK, AlarmKind.INTERFACE_DOWN)),
        (Where.END, alarm(101, "customer-core", UPLINK, AlarmKind.INTERFACE_DOWN)),
        (
            Where.PEER,
            alarm(101, "provider-edge", "provider-edge", AlarmKind.SESSION_DOWN, about_peer="customer-edge"),
        ),
        (Where.ANYWHERE, alarm(101, "provider-core", "provider-core", AlarmKind.ROUTE_MISSING)),
    ],
)
def test_by_whom_and_of_what_an_alarm_is_expected(where: Where, heard: Alarm) -> None:
    """Heard where it is expected, it speaks for the cause; the same word about the far side of the way does not."""
    fault = candidate("customer-edge", expecting(heard.kind, where, reach=Reach.LINK), link=UPLINK)
    stranger = alarm(101, "elsewhere", "elsewhere--nowhere", heard.kind, about_peer="nowhere")

    assert hear(fault, [heard]).total > 0
    assert hear(fault, [stranger]).total == 0


@pytest.mark.parametrize(
    ("component", "direction", "speaks"),
    [
        ("provider-edge", Direction.BOTH, True),
        ("provider-core", Direction.THERE, True),
        ("provider-core", Direction.BACK, False),
        ("customer-edge", Direction.BOTH, True),
        ("customer-core", Direction.BOTH, False),
    ],
)
def test_who_has_no_route_for_an_end_says_nothing_of_what_lies_before_him(
    component: str, direction: Direction, speaks: bool
) -> None:
    """The customer's edge has no route to the provider's host: that its packets came so far clears what lies behind."""
    told = alarm(101, "customer-edge", "customer-edge", AlarmKind.ROUTE_MISSING, about_peer="provider-host")
    gone = candidate(component, expecting(AlarmKind.ROUTE_MISSING, Where.ANYWHERE), direction=direction)
    assert (hear(gone, [told]).total > 0) is speaks


def test_a_neighbour_s_port_is_not_the_device_s_own() -> None:
    own = alarm(101, "customer-edge", UPLINK, AlarmKind.INTERFACE_DOWN)
    theirs = alarm(101, "customer-core", UPLINK, AlarmKind.INTERFACE_DOWN)
    neighbourly = candidate("customer-edge", expecting(AlarmKind.INTERFACE_DOWN, Where.NEIGHBOUR))

    assert hear(neighbourly, [own]).total == 0
    assert hear(neighbourly, [theirs]).total > 0


def test_a_session_that_crosses_the_component_speaks_of_it() -> None:
    across = candidate("customer-core", expecting(AlarmKind.SESSION_DOWN, Where.ACROSS))
    session = alarm(101, "customer-edge", "customer-edge", AlarmKind.SESSION_DOWN, about_peer="customer-host")
    pair = ("customer-edge", "customer-host")

    assert hear(across, [session], session_paths={pair: frozenset({"customer-core"})}).total > 0
    assert hear(across, [session], session_paths={pair: frozenset({"provider-core"})}).total == 0
    assert hear(across, [session]).total == 0


def test_the_log_the_counters_and_the_monitoring_of_one_device_are_one_witness() -> None:
    log, poll = RESTARTED, alarm(103, "customer-edge", "customer-edge", AlarmKind.DEVICE_RESTARTED)

    assert hear(RESTARTS, [log, poll]).total == hear(RESTARTS, [log]).total
    assert first_of_each([poll, log]) == (log,)


def test_both_ends_of_a_cable_are_no_echo_of_each_other() -> None:
    cut = candidate(UPLINK, expecting(AlarmKind.INTERFACE_DOWN, Where.END, reach=Reach.LINK), link=UPLINK)
    near, far = (alarm(101, end, UPLINK, AlarmKind.INTERFACE_DOWN) for end in ("customer-core", "customer-edge"))
    one, both = hear(cut, [near]).total, hear(cut, [near, far]).total

    assert both == pytest.approx(2 * one)


def test_what_neighbours_say_of_one_device_is_partly_an_echo() -> None:
    crash = candidate("customer-edge", expecting(AlarmKind.SESSION_DOWN, Where.PEER))
    sessions = [
        alarm(101, peer, peer, AlarmKind.SESSION_DOWN, about_peer="customer-edge")
        for peer in ("customer-core", "provider-edge")
    ]
    one, both = hear(crash, sessions[:1]).total, hear(crash, sessions).total

    assert one < both < 2 * one


def test_two_cables_that_go_down_together_are_no_echo_and_a_third_is() -> None:
    """By chance two do not fail in one moment: something that both hang on did."""
    crash = candidate("customer-edge", expecting(AlarmKind.INTERFACE_DOWN, Where.NEIGHBOUR))
    to_third = Link("customer-edge", "provider-core", None, None, {"customer-edge": "c", "provider-core": "d"})
    forked = Topology(CHAIN.nodes, {**CHAIN.links, to_third.component: to_third})
    ports = [
        alarm(101, device, cable, AlarmKind.INTERFACE_DOWN)
        for device, cable in (
            ("customer-core", UPLINK),
            ("provider-edge", DEMARCATION),
            ("provider-core", to_third.component),
        )
    ]
    one, two, three = (hear(crash, ports[:count], topology=forked).total for count in (1, 2, 3))

    assert two == pytest.approx(2 * one)
    assert two < three < 3 * one


def test_no_single_report_can_decide_alone() -> None:
    certain = candidate("customer-edge", expecting(AlarmKind.DEVICE_RESTARTED, Where.SELF, 0.999999))
    assert hear(certain, [RESTARTED]).total < 7, "less than a thousand to one"


def test_a_report_that_is_taken_back_as_service_comes_back_speaks_louder() -> None:
    busy = candidate("customer-edge", expecting(AlarmKind.RESOURCES_EXHAUSTED, Where.SELF, 0.2))
    told = alarm(101, "customer-edge", "customer-edge", AlarmKind.RESOURCES_EXHAUSTED, end=159)

    with_it = hear(busy, [told]).total
    for begin, end in ((101.0, 140.0), (101.0, 900.0), (110.0, 159.0)):
        assert hear(busy, [replace(told, interval=between(begin, end))]).total < with_it


def test_what_is_taken_back_before_routes_have_come_back_lasted_as_long_too() -> None:
    busy = candidate("customer-edge", expecting(AlarmKind.RESOURCES_EXHAUSTED, Where.SELF, 0.2))
    told = alarm(101, "customer-edge", "customer-edge", AlarmKind.RESOURCES_EXHAUSTED, end=140)

    def gain(*ends: float) -> float:
        heard = Witnesses((told,), (), Coverage(), CHAIN, PATHS, {}, MODES, PHASE, ends=[at(end) for end in ends])
        return heard.testify(busy).total

    assert gain(160) == hear(busy, [told]).total < gain(140, 160)


def test_a_port_that_goes_down_late_may_be_a_consequence() -> None:
    cut = candidate(UPLINK, expecting(AlarmKind.INTERFACE_DOWN, Where.END, reach=Reach.LINK), link=UPLINK)
    prompt = alarm(100, "customer-edge", UPLINK, AlarmKind.INTERFACE_DOWN)
    late = alarm(130, "customer-edge", UPLINK, AlarmKind.INTERFACE_DOWN)

    assert 0 < hear(cut, [late]).total < hear(cut, [prompt]).total


@pytest.mark.parametrize("kind", [AlarmKind.RESOURCES_EXHAUSTED, AlarmKind.HOST_REFUSES])
def test_what_wears_a_device_down_may_have_begun_minutes_before(kind: AlarmKind) -> None:
    """A session that a busy router no longer serves is given up when its hold timer runs out: until then the peer's
    keepalives arrive, as its capture shows, and nothing answers them."""
    starved = candidate("customer-edge", expecting(kind, Where.SELF))

    def heard(start: float, end: float = 165) -> float:
        busy = alarm(start, "customer-edge", "customer-edge", kind, end=end)
        return hear(starved, [busy]).total

    assert 0 < heard(-80) < heard(99)
    assert heard(-80, end=60) <= 0, "it was over when the trouble began"
    assert heard(-80, end=900) <= 0, "it went on as if nothing had happened"
    assert heard(-500) <= 0


def test_who_was_gone_only_for_a_while_within_a_long_trouble_did_not_bring_it_about() -> None:
    """Somebody restarts a switch in the hope that it helps: the service was gone before, and it stayed gone."""
    long_ns = Interval(PHASE.start_ns, PHASE.start_ns + 1800 * NANOSECONDS)
    gone = expecting(AlarmKind.DEVICE_UNREACHABLE, Where.SELF)

    def heard(start: float, end: float, *others: Alarm) -> reports.Testimony:
        missed = alarm(start, "customer-edge", "customer-edge", AlarmKind.DEVICE_UNREACHABLE, end=end)
        told = Witnesses([missed, *others], [], Coverage(), CHAIN, PATHS, {}, MODES, long_ns)
        return told.testify(candidate("customer-edge", gone))

    assert not heard(800, 900).alarms
    assert heard(102, 900).alarms, "since the onset"
    assert heard(800, 1850).alarms, "until the end"
    anew = alarm(895, "customer-edge", "customer-edge", AlarmKind.DEVICE_RESTARTED, end=896)
    gone = expecting(AlarmKind.DEVICE_RESTARTED, Where.SELF)
    assert not heard(800, 900, anew).alarms
    assert heard(102, 900, anew).alarms


def test_what_a_device_says_an_operator_did_to_its_session_is_no_chance() -> None:
    shut, lost = (
        hear(
            candidate("customer-edge", expecting(kind, Where.SELF)),
            [alarm(100, "customer-edge", "customer-edge", kind, about_peer="provider-edge")],
        ).total
        for kind in (AlarmKind.SESSION_ADMIN_DOWN, AlarmKind.PROCESS_DOWN)
    )
    assert shut > lost + 0.5


def test_what_was_polled_may_have_begun_at_any_moment_between_two_polls() -> None:
    """Polled every minute, a port is told down from up to a minute before it went; and the more seldom a
    poller asks, the more often it tells of something else that came in between."""
    down = candidate("customer-edge", expecting(AlarmKind.INTERFACE_DOWN, Where.OWN_PORT), link=UPLINK)
    told = alarm(70, "customer-edge", UPLINK, AlarmKind.INTERFACE_DOWN, end=130)
    often, seldom = (replace(told, slack_ns=at(slack_s) - at(0)) for slack_s in (5, 30))

    assert not in_time(told, PHASE)
    assert not in_time(often, PHASE)
    assert in_time(seldom, PHASE)
    on_time = replace(told, interval=between(100, 130))
    assert hear(down, [replace(on_time, slack_ns=seldom.slack_ns)]).total < hear(down, [on_time]).total


ERRORS = candidate("customer-edge", expecting(AlarmKind.INTERFACE_ERRORS, Where.OWN_PORT), link=UPLINK)


@pytest.mark.parametrize(
    ("begun", "ended", "speaks"),
    [
        pytest.param(100, 160, True, id="as the trouble began"),
        pytest.param(-100, 160, True, id="minutes before the loss was clear"),
        pytest.param(-100, 400, True, id="and for some time after it"),
        pytest.param(-400, 160, False, id="long before"),
        pytest.param(-100, 90, False, id="over by then"),
        pytest.param(-100, 900, False, id="for long after it, when the service was well"),
    ],
)
def test_a_port_that_counts_errors_loses_packets_before_so_many_are_lost_that_it_is_clear(
    begun: float, ended: float, speaks: bool
) -> None:
    told = alarm(begun, "customer-edge", UPLINK, AlarmKind.INTERFACE_ERRORS, end=ended)
    assert (hear(ERRORS, [told]).total > 0) is speaks


def test_errors_that_may_always_have_been_counted_speak_only_of_what_began_with_them() -> None:
    told = alarm(-100, "customer-edge", UPLINK, AlarmKind.INTERFACE_ERRORS, end=160)
    assert hear(ERRORS, [replace(told, since_first=True)]).total == 0
    on_time = replace(told, interval=between(100, 160), since_first=True)
    assert hear(ERRORS, [on_time]).total > hear(ERRORS, [told]).total


def test_errors_at_two_ports_of_one_device_are_no_echo_of_each_other() -> None:
    """By chance two cables do not begin to spoil packets at once: the device between them does not take them."""
    device = candidate("customer-edge", expecting(AlarmKind.INTERFACE_ERRORS, Where.OWN_PORTS, 0.1))
    ports = [alarm(101, "customer-edge", port, AlarmKind.INTERFACE_ERRORS, end=160) for port in (UPLINK, DEMARCATION)]
    assert hear(device, ports).total == pytest.approx(2 * hear(device, ports[:1]).total)


def test_the_log_that_dates_a_state_counts_before_the_poll_that_may() -> None:
    logged = alarm(101, "customer-edge", UPLINK, AlarmKind.INTERFACE_DOWN)
    polled = replace(alarm(100, "customer-edge", UPLINK, AlarmKind.INTERFACE_DOWN), slack_ns=at(5) - at(0))
    assert first_of_each([polled, logged]) == (logged,)
    assert first_of_each([polled, replace(logged, interval=between(110, 160))]) == (polled,)


def test_a_port_that_was_polled_down_late_may_have_gone_down_in_time() -> None:
    down = candidate("customer-edge", expecting(AlarmKind.INTERFACE_DOWN, Where.OWN_PORT), link=UPLINK)
    late = alarm(120, "customer-edge", UPLINK, AlarmKind.INTERFACE_DOWN)
    assert hear(down, [replace(late, slack_ns=at(30) - at(0))]).total > hear(down, [late]).total


def test_a_mode_without_its_sign_is_doubted() -> None:
    loop = mode(sign=AlarmKind.LOOP, unseen=0.01, expects=(Expectation(AlarmKind.LOOP, Where.SELF, 0.8),))
    seen = alarm(101, "customer-edge", "customer-edge", AlarmKind.LOOP)

    assert hear(candidate("customer-edge", loop)).total < 0
    assert hear(candidate("customer-edge", loop), [seen]).total > 0


def test_a_storm_that_switches_tell_of_speaks_for_the_loop_and_what_it_does_to_others_and_for_no_route() -> None:
    """It reaches every switch, and the router that has to look at each broadcast gives its sessions up."""
    known = {one.name: one for one in load_modes().modes}
    loop = candidate("customer-core", known["loop"])
    flapping, storm = (
        alarm(101, device, device, AlarmKind.BRIDGING_LOOP) for device in ("customer-core", "customer-edge")
    )
    busy = alarm(101, "customer-edge", "customer-edge", AlarmKind.RESOURCES_EXHAUSTED)

    heard = hear(loop, [flapping, storm, busy])
    assert min(heard.alarms[told] for told in (flapping, storm, busy)) > 0
    assert not hear(candidate("customer-edge", known["route_change"]), [flapping, storm]).alarms


SHUT = record(99, "customer-edge", link=UPLINK, effect=CommandEffectKind.INTERFACE_SHUTDOWN, harmful=Condition.UNKNOWN)
SHUTTING = mode(Reach.LINK, record_kind="port")


def acting(done: Record | None) -> Candidate:
    return candidate("customer-edge", SHUTTING, link=UPLINK, record=done)


def test_an_act_at_the_onset_speaks_for_the_cause_that_it_is() -> None:
    heard = hear(acting(SHUT), records=[SHUT])
    assert heard.total > 0
    assert heard.records[SHUT] == pytest.approx(heard.total)


def test_an_act_that_was_undone_as_service_came_back_speaks_louder() -> None:
    undone = record(99, "customer-edge", link=UPLINK, effect=CommandEffectKind.INTERFACE_SHUTDOWN, end=160)
    assert hear(acting(undone), records=[undone]).total > hear(acting(SHUT), records=[SHUT]).total


def test_service_hardly_comes_back_before_a_call_is_taken_back() -> None:
    """The cloud's audit leaves no call out; a device's log may well."""
    call = record(99, "provider-core", cloud_call=True, harmful=Condition.UNKNOWN, actor=Side.CUSTOMER)
    typed = record(99, "provider-core")

    def gain(done: Record, is_over: bool) -> float:
        who = candidate("provider-core", mode(record_kind="cloud"), record=done)
        heard = Witnesses((), (done,), Coverage(), CHAIN, PATHS, {}, MODES, PHASE, is_over)
        return heard.testify(who).total

    assert gain(call, is_over=True) < gain(call, is_over=False)
    assert gain(typed, is_over=True) == gain(typed, is_over=False)
    for end, at_once in ((160, True), (140, True), (110, False)):
        taken_back = replace(call, interval=between(99, end))
        assert (gain(taken_back, is_over=True) > gain(call, is_over=False)) is at_once, "routes come back in a while"


def test_an_act_that_takes_the_service_s_own_way_is_hardly_there_by_chance() -> None:
    cutting, unclear = (replace(SHUT, harmful=harm) for harm in (Condition.MET, Condition.UNKNOWN))
    assert hear(acting(cutting), records=[cutting]).total > hear(acting(unclear), records=[unclear]).total + 1


def test_an_act_that_is_dated_by_another_clock_speaks_less_loudly() -> None:
    def suspended(start: float, end: float) -> float:
        act = record(start, None, kind=RecordKind.ENFORCEMENT, end=end)
        return hear(candidate("provider-core", mode(record_kind="enforcement"), record=act), records=[act]).total

    assert 0 < suspended(-60, 30) < suspended(98, 158)
    assert suspended(-60, 30) + 1 < suspended(-60, 0), "it lasted just as long as the interruption"
    calls = [record(start, "provider-edge", cloud_call=True, end=start + 60) for start in (-100, 98)]
    early, prompt = (
        hear(candidate("provider-edge", mode(record_kind="cloud"), record=call), records=[call]).total for call in calls
    )
    assert 0 < early < prompt


def test_of_an_act_on_record_not_all_is_expected_that_its_kind_may_bring_about() -> None:
    shut = mode(Reach.LINK, record_kind="port", expects=SHUTTING.expects or RESTARTS.mode.expects)
    asked = Coverage(logging=frozenset({"customer-edge"}), polled=frozenset({"customer-edge"}))
    known = hear(candidate("customer-edge", shut, link=UPLINK, record=SHUT), records=[SHUT], coverage=asked)
    assumed = hear(candidate("customer-edge", shut, link=UPLINK), coverage=asked)
    assert assumed.silence < known.silence <= 0


def test_an_act_that_cannot_have_hit_the_service_speaks_against() -> None:
    elsewhere = record(99, "customer-edge", effect=CommandEffectKind.FILTER_ADDED, harmful=Condition.NOT_MET)
    policy = candidate("customer-edge", mode(record_kind="policy"), record=elsewhere)
    assert hear(policy, records=[elsewhere]).total < 0


def test_an_operation_that_a_supplied_log_does_not_show_is_doubted() -> None:
    asked = Coverage(logging=frozenset({"customer-edge"}))

    assert hear(acting(None), coverage=asked).total < 0
    assert hear(acting(None)).total == 0


def test_a_ticket_for_the_work_speaks_beside_the_command() -> None:
    ticket = record(90, "customer-edge", kind=RecordKind.PLANNED_CHANGE, end=200)
    both = hear(acting(SHUT), records=[SHUT, ticket])

    assert set(both.records) == {SHUT, ticket}
    assert both.total > hear(acting(SHUT), records=[SHUT]).total


def test_an_act_that_came_after_all_had_begun_is_not_its_cause() -> None:
    late = record(130, "customer-edge", link=UPLINK, effect=CommandEffectKind.INTERFACE_SHUTDOWN)
    ticket = record(90, "customer-edge", kind=RecordKind.PLANNED_CHANGE, end=200)
    heard = hear(acting(late), records=[late, ticket])
    assert heard.total < -4
    assert not heard.records, "nor does the ticket for the work speak for it"


def test_several_commands_of_one_act_are_one_act() -> None:
    more = record(99.5, "customer-edge", link=UPLINK, effect=CommandEffectKind.FILTER_ADDED)
    assert hear(acting(SHUT), records=[SHUT, more]).total == hear(acting(SHUT), records=[SHUT]).total


def test_a_call_for_what_is_tied_to_the_node_is_hardly_a_coincidence() -> None:
    calls = [replace(record(98, "provider-edge", cloud_call=True, end=160), tied=tied) for tied in (False, True)]
    untied, tied = (
        hear(candidate("provider-edge", mode(record_kind="cloud"), record=call), records=[call]).total for call in calls
    )
    assert 0 < untied < tied - 1


SESSION_LOST = alarm(100.5, "provider-edge", "provider-edge", AlarmKind.SESSION_DOWN, about_peer="customer-edge")


def changed(start: float, end: float, revised: bool = True) -> Record:
    done = record(start, "customer-edge", effect=CommandEffectKind.CONFIGURATION, end=end)
    return replace(done, revised=revised)


def test_a_change_under_which_a_session_starved_until_the_same_user_s_next_is_no_chance() -> None:
    """The hold timer runs out 75 s after the filter was set, and the peers find each other 40 s after it is gone."""
    starving = changed(25, 120)
    heard = hear(acting(starving), [SESSION_LOST], records=[starving])
    at_once = changed(98, 300, revised=False)

    assert heard.records[starving] > hear(acting(at_once), records=[at_once]).records[at_once] > 0


@pytest.mark.parametrize(
    ("done", "alarms"),
    [
        pytest.param(changed(25, 120, revised=False), [SESSION_LOST], id="somebody else's next, or none"),
        pytest.param(changed(-90, 120), [SESSION_LOST], id="longer ago than any hold time"),
        pytest.param(changed(25, 90), [SESSION_LOST], id="taken back before"),
        pytest.param(changed(25, 300), [SESSION_LOST], id="taken back after the recovery"),
        pytest.param(changed(25, 120), [], id="no session was lost"),
        pytest.param(changed(25, 120), [replace(SESSION_LOST, reporter="provider-core", about_peer="provider-edge")],
                     id="a session of others"),
    ],
)  # fmt: skip
def test_any_other_change_so_long_before_did_nothing(done: Record, alarms: list[Alarm]) -> None:
    assert not hear(acting(done), alarms, records=[done]).records


def test_a_change_under_which_a_session_starved_again_and_again_is_taken_back_after_the_last_time() -> None:
    """Its peers found each other every time, until the hold timer ran out anew."""
    starving = changed(25, 190)

    def heard(*ends: int) -> reports.Testimony:
        told = Witnesses([SESSION_LOST], [starving], Coverage(), CHAIN, PATHS, {}, MODES, PHASE, ends=ends)
        return told.testify(acting(starving))

    assert heard(at(120), at(160)).records[starving] > 0
    assert not heard(at(160)).records


def test_a_filter_of_the_messages_of_path_mtu_discovery_shows_when_a_host_tries_a_larger_size_again() -> None:
    """Until then it knows what fits: the messages that got lost where the configuration had changed tell of it."""
    filtering = changed(25, 158)

    def heard(*unheeded: str) -> reports.Testimony:
        told = Witnesses((), [filtering], Coverage(), CHAIN, PATHS, {}, MODES, PHASE, unheeded=unheeded)
        return told.testify(acting(filtering))

    assert heard("customer-edge", "customer-core").records[filtering] > 0
    assert not heard("provider-edge").records
    assert not heard().records


def test_what_others_typed_elsewhere_does_not_belong_to_the_act() -> None:
    elsewhere = record(99, "provider-core", effect=CommandEffectKind.INTERFACE_SHUTDOWN)
    assert set(hear(acting(SHUT), records=[SHUT, elsewhere]).records) == {SHUT}


def test_what_the_provider_s_systems_type_to_carry_out_a_suspension_belongs_to_it() -> None:
    suspension = record(90, None, kind=RecordKind.ENFORCEMENT)
    filtered = record(99, "provider-edge", effect=CommandEffectKind.FILTER_ADDED)
    enforced = candidate("provider-core", mode(record_kind="enforcement"), record=suspension)

    assert set(hear(enforced, records=[suspension, filtered]).records) == {suspension, filtered}


def test_a_call_by_which_the_provider_carries_out_a_suspension_is_part_of_it_and_the_customer_s_call_is_not() -> None:
    suspension = record(90, None, kind=RecordKind.ENFORCEMENT)
    enforced = candidate("provider-core", mode(record_kind="enforcement"), record=suspension)
    limited = [record(98, "provider-edge", actor=side, cloud_call=True) for side in (Side.PROVIDER, Side.CUSTOMER)]

    assert set(hear(enforced, records=[suspension, *limited]).records) == {suspension, limited[0]}


def test_an_act_out_of_time_says_nothing() -> None:
    early = record(0, "customer-edge", link=UPLINK, effect=CommandEffectKind.INTERFACE_SHUTDOWN)
    assert hear(acting(early), records=[early]).records == {}


def test_what_two_causes_explain_counts_once() -> None:
    one = hear(RESTARTS, [RESTARTED])
    assert joint_testimony([one, one]) == pytest.approx(one.total)
    assert joint_testimony([]) == 0


@pytest.mark.parametrize("asked", [slice(None), slice(None, None, -1)])
def test_an_echo_by_one_cause_is_none_the_louder_by_another(asked: slice) -> None:
    """Whichever of two who say the same comes first: a second cause of one of them is no better for it."""
    heard = [alarm(101, end, end, AlarmKind.ROUTE_MISSING) for end in ("customer-edge", "provider-edge")][asked]
    first = hear(candidate("customer-edge", expecting(AlarmKind.ROUTE_MISSING, Where.ANYWHERE)), heard)
    second = hear(candidate("provider-edge", expecting(AlarmKind.ROUTE_MISSING, Where.SELF)), heard)

    assert set(first.alarms) == set(heard) > set(second.alarms) != set()
    assert first.total < 2 * second.total
    assert joint_testimony([first, second]) == pytest.approx(first.total)


def test_what_each_alone_explains_adds_up() -> None:
    there = candidate("provider-edge", expecting(AlarmKind.DEVICE_RESTARTED, Where.SELF))
    other = alarm(101, "provider-edge", "provider-edge", AlarmKind.DEVICE_RESTARTED)
    both = [hear(RESTARTS, [RESTARTED, other]), hear(there, [RESTARTED, other])]
    assert joint_testimony(both) == pytest.approx(sum(one.total for one in both))


def test_the_order_of_alarms_and_records_does_not_matter() -> None:
    cut = candidate(UPLINK, expecting(AlarmKind.INTERFACE_DOWN, Where.END, reach=Reach.LINK), link=UPLINK)
    heard = [alarm(101, end, UPLINK, AlarmKind.INTERFACE_DOWN) for end in ("customer-core", "customer-edge")]
    assert hear(cut, heard).total == hear(cut, heard[::-1]).total


def test_silence_is_bounded_by_who_could_have_spoken() -> None:
    """Everybody was asked and nobody spoke: worse than nobody asked, for every place where a word is expected."""
    for where in Where:
        fault = candidate("customer-edge", expecting(AlarmKind.INTERFACE_DOWN, where, reach=Reach.LINK), link=UPLINK)
        assert hear(fault, coverage=EVERYBODY).total <= 0
        assert hear(fault).total == 0
    assert SHUT.actor is Side.CUSTOMER


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        (AlarmKind.SESSION_DOWN, Coverage(logging=frozenset({"customer-edge"}))),
        (AlarmKind.INTERFACE_DISCARDS, Coverage(counted=frozenset({"customer-edge"}))),
        (AlarmKind.INTERFACE_DOWN, Coverage(polled=frozenset({"customer-edge"}))),
        (AlarmKind.INTERFACE_DOWN, Coverage(logging=frozenset({"customer-edge"}))),
    ],
)
def test_only_who_was_asked_in_the_right_way_can_be_silent(kind: AlarmKind, asked: Coverage) -> None:
    """Drops stand in counters, sessions in logs, the state of a port in either."""
    fault = candidate("customer-edge", expecting(kind, Where.OWN_PORTS))
    other = Coverage(polled=frozenset({"customer-edge"})) if kind is not AlarmKind.INTERFACE_DOWN else Coverage()

    assert hear(fault, coverage=asked).total < 0
    assert hear(fault, coverage=other).total == 0


def test_a_state_that_comes_and_goes_is_one_witness_however_many_causes_explain_it() -> None:
    """A port that flaps through two phases must not make two faults likelier than one."""
    flapping = expecting(AlarmKind.INTERFACE_DOWN, Where.NEIGHBOUR)
    early, late = between(100, 130), between(130, 160)
    falls = [alarm(second, "customer-core", UPLINK, AlarmKind.INTERFACE_DOWN) for second in (100, 130)]
    told = [
        Witnesses(falls, (), Coverage(), CHAIN, PATHS, {}, MODES, phase).testify(candidate("customer-edge", flapping))
        for phase in (early, late)
    ]

    assert joint_testimony(told) == pytest.approx(told[0].total)


def test_one_port_that_is_down_speaks_of_the_port_and_several_of_the_device() -> None:
    fault = candidate("customer-edge", expecting(AlarmKind.INTERFACE_DOWN, Where.OWN_PORTS))
    one = alarm(101, "customer-edge", UPLINK, AlarmKind.INTERFACE_DOWN)
    other = alarm(101, "customer-edge", link_name("customer-edge", "provider-edge"), AlarmKind.INTERFACE_DOWN)

    assert hear(fault, [one]).total == 0
    assert hear(fault, [one, other]).total > 0


def test_a_device_that_speaks_is_not_dead() -> None:
    dead = candidate("customer-edge", replace(expecting(AlarmKind.DEVICE_RESTARTED, Where.SELF), dead=True))
    alive = alarm(110, "customer-edge", "customer-edge", AlarmKind.RESOURCES_EXHAUSTED)
    of_another = alarm(110, "customer-core", "customer-core", AlarmKind.SESSION_DOWN, about_peer="customer-edge")
    last_words = alarm(100.5, "customer-edge", "customer-edge", AlarmKind.RESOURCES_EXHAUSTED)
    back_again = alarm(150, "customer-edge", "customer-edge", AlarmKind.RESOURCES_EXHAUSTED)
    dropped = alarm(115, "customer-edge", UPLINK, AlarmKind.INTERFACE_DISCARDS)
    polled_before_or_after = replace(dropped, slack_ns=at(30) - at(0))

    assert hear(dead, [alive]).total < hear(dead, []).total
    for other in (of_another, last_words, back_again, polled_before_or_after):
        assert hear(dead, [other]).total == hear(dead, []).total


def test_a_device_that_sends_icmp_errors_is_not_dead() -> None:
    dead = candidate("provider-core", replace(expecting(AlarmKind.DEVICE_RESTARTED, Where.SELF), dead=True))
    told = alarm(110, "provider-core", "provider-core", AlarmKind.ROUTE_MISSING, about_peer="provider-host")
    seen = replace(told, citation=replace(told.citation, origin=CAPTURE))
    of_another = replace(seen, reporter="customer-core")

    assert hear(dead, [seen]).total < hear(dead, []).total
    assert hear(dead, [of_another]).total == hear(dead, []).total


@pytest.mark.parametrize(("router", "speaks"), [("provider-core", True), ("provider-edge", False)])
def test_a_host_that_is_down_answers_nobody_in_its_own_network(router: str, speaks: bool) -> None:
    """Whoever is further away lacks a route to it for other reasons."""
    told = alarm(101, router, router, AlarmKind.ROUTE_MISSING, about_peer="provider-host")
    down = candidate("provider-host", expecting(AlarmKind.ROUTE_MISSING, Where.PEER))

    assert (hear(down, [told]).total > 0) is speaks


def passing_light(*devices: str) -> Topology:
    """The chain, in which some devices are a carrier's equipment."""
    nodes = {name: replace(CHAIN.nodes[name], kind=NodeKind.TRANSPORT) for name in devices}
    return replace(CHAIN, nodes={**CHAIN.nodes, **nodes})


@pytest.mark.parametrize("kind", [AlarmKind.INTERFACE_DOWN, AlarmKind.OPTICS_FAULT])
def test_a_port_behind_a_carrier_s_equipment_may_be_dark_for_what_failed_on_its_far_side(kind: AlarmKind) -> None:
    """The customer's edge is dead; the equipment between shuts its laser towards the provider, who alone says so."""
    dark = alarm(100, "provider-core", link_name("provider-edge", "provider-core"), kind)
    dead, beside = (candidate(name, expecting(kind, Where.NEIGHBOUR)) for name in ("customer-edge", "provider-edge"))
    far = candidate(DEMARCATION, expecting(kind, Where.END, reach=Reach.LINK), link=DEMARCATION)
    carried = passing_light("provider-edge")

    for behind in (dead, far):
        assert hear(behind, [dark]).total <= 0, "a router's port tells nothing of the cables behind the router"
        assert 0 < hear(behind, [dark], topology=carried).total < hear(beside, [dark], topology=carried).total
    itself = replace(dark, reporter="provider-edge")
    assert hear(dead, [dark, itself], topology=carried).total <= 0, "the equipment says that this cable is down"


def test_light_is_passed_on_from_one_carrier_s_equipment_to_the_next() -> None:
    dark = alarm(100, "provider-core", link_name("provider-edge", "provider-core"), AlarmKind.INTERFACE_DOWN)
    dead = candidate("customer-core", expecting(AlarmKind.INTERFACE_DOWN, Where.NEIGHBOUR))

    assert hear(dead, [dark], topology=passing_light("provider-edge")).total <= 0
    assert hear(dead, [dark], topology=passing_light("provider-edge", "customer-edge")).total > 0


def test_a_line_between_two_of_a_carrier_s_equipment_stays_lit_whatever_they_get_from_others() -> None:
    """No light from the other end is of that line or that end."""
    dark = alarm(100, "provider-edge", DEMARCATION, AlarmKind.OPTICS_FAULT)
    carried = passing_light("customer-edge", "provider-edge")
    behind, other_end = (
        candidate(name, expecting(AlarmKind.OPTICS_FAULT, Where.NEIGHBOUR))
        for name in ("customer-core", "customer-edge")
    )

    assert hear(behind, [dark], topology=carried).total <= 0
    assert hear(other_end, [dark], topology=carried).total > 0


def test_a_laser_that_has_been_weak_for_minutes_speaks_of_its_own_port_and_is_over_when_it_is_replaced() -> None:
    port = expecting(AlarmKind.TRANSMITTER_WEAK, Where.OWN_PORT, reach=Reach.LINK)
    own, far = (candidate(name, port, link=UPLINK) for name in ("customer-edge", "customer-core"))
    weak = alarm(-100, "customer-edge", UPLINK, AlarmKind.TRANSMITTER_WEAK, end=165)

    assert hear(own, [weak]).total > 0
    assert hear(far, [weak]).total == 0
    assert hear(own, [replace(weak, interval=between(-100, 50))]).total == 0, "it was replaced before the trouble"


def test_light_that_faded_for_minutes_before_its_port_went_down_speaks_of_the_cable() -> None:
    cut = candidate(UPLINK, expecting(AlarmKind.OPTICS_FAULT, Where.END, reach=Reach.LINK), link=UPLINK)
    faded = alarm(-100, "customer-core", UPLINK, AlarmKind.OPTICS_FAULT, end=165)

    assert hear(cut, [faded]).total > 0
    assert hear(cut, [replace(faded, interval=between(-100, 50))]).total == 0, "it was bright again before the trouble"


def test_what_was_found_broken_late_and_still_was_when_service_had_long_been_back_says_little() -> None:
    """One of two fans fails during an interruption and is replaced an hour later."""
    crash = candidate("customer-edge", expecting(AlarmKind.HARDWARE_FAULT, Where.SELF))

    def told(start: float, end: float) -> float:
        return hear(crash, [alarm(start, "customer-edge", "customer-edge", AlarmKind.HARDWARE_FAULT, end=end)]).total

    assert 0 <= told(120, 3600) < 0.6 * told(120, 140) <= told(100, 3600)


def test_routers_notice_a_changed_mtu_or_vlan_when_they_hear_no_more_hellos_and_find_each_other_as_late() -> None:
    act = record(100 - 30, "customer-edge")
    changed = replace(act, effect=CommandEffectKind.MTU_CHANGED, interval=between(70, 140), revised=True)
    assert record_in_time(changed, PHASE)
    assert not record_in_time(replace(changed, interval=between(40, 140)), PHASE)

    def gain(act: Record) -> float:
        mtu = replace(candidate("customer-edge", expecting(AlarmKind.SESSION_DOWN, Where.SELF)), record=act)
        return hear(mtu, [], [act]).records[act]

    assert gain(changed) > gain(replace(changed, revised=False)), "whoever did it took it back, and service returned"
    assert gain(replace(changed, interval=between(70, 900))) == gain(replace(changed, revised=False))


def test_routers_with_different_mtus_do_not_exchange_their_routes() -> None:
    act = replace(record(99, "customer-edge"), effect=CommandEffectKind.MTU_CHANGED)
    route_change = next(mode for mode in load_modes().modes if mode.name == "route_change")

    assert matches_record(route_change, act, "customer-edge", None, PATHS, CHAIN)
    assert route_change.kind is CauseKind.MISCONFIGURATION


def test_what_a_cut_cable_s_own_ends_say_and_what_is_passed_on_of_it_both_speak_for_the_cut() -> None:
    """The equipment at both ends of the span is dark, and shuts its port towards the provider's router too."""
    span, behind = link_name("customer-edge", "provider-edge"), link_name("provider-edge", "provider-core")
    ends = [alarm(100, device, span, AlarmKind.INTERFACE_DOWN) for device in ("customer-edge", "provider-edge")]
    passed_on = alarm(100, "provider-core", behind, AlarmKind.INTERFACE_DOWN)
    cut = candidate(span, expecting(AlarmKind.INTERFACE_DOWN, Where.END, reach=Reach.LINK), link=span)

    heard = hear(cut, [*ends, passed_on], topology=passing_light("customer-edge", "provider-edge"))
    assert 0 < heard.alarms[passed_on] < heard.alarms[ends[0]]
    assert passed_on not in hear(cut, [*ends, passed_on]).alarms


def test_a_key_that_was_changed_at_one_end_of_a_session_is_wrong_at_the_other_too() -> None:
    changed = candidate("customer-edge", next(one for one in load_modes().modes if one.name == "route_change"))
    refused = alarm(
        101, "provider-edge", "provider-edge", AlarmKind.AUTHENTICATION_MISMATCH, about_peer="customer-edge"
    )
    assert hear(changed, [refused]).alarms[refused] > 0
    assert not hear(changed, [replace(refused, about_peer=None)]).alarms
