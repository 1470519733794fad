"""What goes into a device comes out of it: the counters of its ports, and of a link's two ends, show what was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.detectors.conservation import detect_counter_loss
from attribution.detectors.loss import detect_probe_loss
from attribution.model.evidence import Measurement, Method
from attribution.model.incident import EvidenceType
from attribution.model.observation import CounterSample, LogKind, Metric, Observation
from attribution.model.topology import NodeKind, Side, Topology
from tests.detectors.chain import (
    CHAIN,
    COUNTERS,
    LINKS,
    NODES,
    START_S,
    WAY,
    join,
    log,
    network,
    node,
    origin,
    probe,
    sample,
    surroundings,
)

AROUND = surroundings()
CORE, LEFT, RIGHT = "cloud-core", "GE0/0/1", "GE0/0/2"
EVERY_S, POLLS, PACE = 10, 12, 1000
Lost = Mapping[int, int]


def counted(device: str, port: str, metric: Metric, rises: Sequence[float], shift_s: float = 0) -> list[CounterSample]:
    total, found = 5_000.0, []
    for index, rise in enumerate([0.0, *rises]):
        total += rise
        found.append(sample(index * EVERY_S + shift_s, device, port, metric, total))
    return found


def passing(
    device: str, left: str, right: str, lost: Lost | None = None, own: int = 0, pace: int = PACE
) -> list[CounterSample]:
    """A device that passes on `pace` packets a poll from left to right, without those lost in the polls named."""
    lost = lost or {}
    out = [pace - lost.get(poll, 0) - own for poll in range(POLLS)]
    return [
        *counted(device, left, Metric.IN_PACKETS, [pace] * POLLS),
        *counted(device, right, Metric.OUT_PACKETS, out),
        *counted(device, left, Metric.OUT_PACKETS, [pace] * POLLS),
        *counted(device, right, Metric.IN_PACKETS, [pace] * POLLS),
    ]


def measured(observations: Sequence[CounterSample]) -> dict[tuple[str, ...], list[Measurement]]:
    found: dict[tuple[str, ...], list[Measurement]] = {}
    for measurement in detect_counter_loss(observations, AROUND, (WAY,)):
        found.setdefault(measurement.journeys[0][0].components, []).append(measurement)
    return found


def test_a_device_that_takes_in_more_than_it_sends_out_lost_the_rest() -> None:
    polls = measured(passing(CORE, LEFT, RIGHT, lost={5: 300, 6: 250}))[(CORE,)]

    assert [poll.lost for poll in polls] == [0, 0, 0, 0, 0, 300, 250, 0, 0, 0, 0, 0]
    assert {poll.sent for poll in polls} == {2 * PACE}
    assert {poll.method for poll in polls} == {Method.COUNTERS}
    assert polls[5].citation.locator.startswith("row ")


def test_a_loss_that_lasts_for_half_of_what_was_recorded_is_not_taken_for_usual() -> None:
    polls = measured(passing(CORE, LEFT, RIGHT, lost={poll: 90 + poll for poll in range(3, 9)}))[(CORE,)]
    assert [poll.lost > 0 for poll in polls] == [3 <= index < 9 for index in range(POLLS)]


def test_what_was_always_missing_before_an_outage_is_no_loss_where_less_is_missing_after_it() -> None:
    always = dict.fromkeys(range(5), 60)
    polls = measured(passing(CORE, LEFT, RIGHT, lost={**always, 5: 400, 6: 400}))[(CORE,)]

    assert [poll.lost for poll in polls if poll.lost] == [340, 340]
    assert len(polls) == POLLS - len(always)  # what is unclear is not called clean either


@pytest.mark.parametrize(("fixed", "share"), [(40, 0.0), (0, 0.04)], ids=["as much in any time", "a share of it"])
def test_what_ends_in_a_device_is_no_loss_where_much_less_comes_through_it(fixed: int, share: float) -> None:
    came = [1000] * 5 + [300] * 4 + [1000] * 3
    went = [pace - fixed - share * pace for pace in came]
    found = measured([
        *counted(CORE, LEFT, Metric.IN_PACKETS, came), *counted(CORE, RIGHT, Metric.OUT_PACKETS, went),
        *counted(CORE, RIGHT, Metric.IN_PACKETS, came), *counted(CORE, LEFT, Metric.OUT_PACKETS, went),
    ])  # fmt: skip
    assert [poll.lost for poll in found[(CORE,)]] == [0] * POLLS


def lost_by_probes(every: int, first: int, last: int) -> list[Measurement]:
    """Probes between the service's ends: of all others none was lost, of these so many in each poll."""
    seen = [probe(index * EVERY_S, 30, 30 - (every if first <= index < last else 0)) for index in range(POLLS)]
    return list(detect_probe_loss(seen, AROUND))


def test_a_balance_that_should_show_what_the_service_lost_and_does_not_clears_its_place() -> None:
    wanted = lost_by_probes(8, 4, 8)
    found = list(detect_counter_loss(passing(CORE, LEFT, RIGHT), AROUND, (WAY,), wanted))
    cleared = [m for m in found if m.journeys[0][0].of_lost]

    assert {(m.journeys[0][0].components, m.lost) for m in cleared} == {((CORE,), 0)}
    assert sum(m.sent for m in cleared) == 32
    assert "packets that the service lost are missing within cloud-core" in cleared[0].statement


def test_polls_in_which_connections_were_asked_for_in_vain_do_not_tell_what_a_balance_misses_of_itself() -> None:
    """A firewall that is full drops new connections alone: of all that was probed nothing was lost."""
    gone = passing(CORE, LEFT, RIGHT, lost=dict.fromkeys(range(4, 9), 70))
    clean, in_vain = lost_by_probes(0, 0, 0), []
    for measurement in lost_by_probes(9, 4, 9):
        lost = min(3, measurement.lost)
        in_vain.append(replace(measurement, sent=3, lost=lost, method=Method.ONE_POINT, traffic="tcp-syn/beyond"))

    def lossy(*counted: Measurement) -> int:
        found = detect_counter_loss(gone, AROUND, (WAY,), counted)
        return sum(1 for m in found if m.journeys[0][0].components == (CORE,) and m.lost)

    assert (lossy(*clean), lossy(*clean, *in_vain)) == (0, 5)


def test_a_loss_too_small_to_see_by_itself_is_confirmed_where_as_many_are_missing() -> None:
    """Eight of a thousand packets: no loss by themselves, until probes say that the service lost just as many."""
    few = dict.fromkeys(range(4, 8), 8)
    alone = measured(passing(CORE, LEFT, RIGHT, lost=few))[(CORE,)]
    together = list(detect_counter_loss(passing(CORE, LEFT, RIGHT, lost=few), AROUND, (WAY,), lost_by_probes(8, 4, 8)))

    assert {poll.lost for poll in alone} == {0}
    found = [m for m in together if m.journeys[0][0].components == (CORE,) and m.lost]
    assert [(m.lost, m.sent, m.journeys[0][0].of_lost) for m in found] == [(8, 8, True)] * 4


def test_what_is_missing_in_one_device_by_its_own_showing_is_not_looked_for_in_another() -> None:
    """The edge loses an eighth of everything; the core has a few packets more to say to it meanwhile."""
    core = passing(CORE, LEFT, RIGHT, lost=dict.fromkeys(range(4, 8), 8))
    edge = passing("office-edge", "Gi0/0", "Gi0/1", lost=dict.fromkeys(range(4, 8), 125))
    found = list(detect_counter_loss([*core, *edge], AROUND, (WAY,), lost_by_probes(8, 4, 8)))

    assert {m.journeys[0][0].components[0] for m in found if m.lost} == {"office-edge"}
    assert not any(m.journeys[0][0].of_lost for m in found)


@pytest.mark.parametrize(("missing", "confirmed"), [(60, True), (75, True), (300, False), (45, False)])
def test_what_is_missing_is_what_the_service_lost_if_it_is_about_as_much(missing: int, confirmed: bool) -> None:
    """Sixty packets of two thousand are a clear loss by themselves; of far more, others lost most."""
    gone = dict.fromkeys(range(4, 8), missing)
    wanted = lost_by_probes(30, 4, 8) + lost_by_probes(30, 4, 8)
    if missing < 60:
        wanted += lost_by_probes(30, 4, 8)
    found = detect_counter_loss(passing(CORE, LEFT, RIGHT, lost=gone), AROUND, (WAY,), wanted)
    lossy = [m for m in found if m.journeys[0][0].components == (CORE,) and m.lost]

    assert [m.journeys[0][0].of_lost for m in lossy] == [confirmed] * 4


def test_a_noisy_balance_neither_clears_nor_confirms() -> None:
    noisy = {poll: 40 * (-1) ** poll for poll in range(POLLS)}
    found = detect_counter_loss(passing(CORE, LEFT, RIGHT, lost=noisy), AROUND, (WAY,), lost_by_probes(8, 4, 8))
    assert not any(m.journeys[0][0].of_lost or m.lost for m in found)


def test_a_balance_that_wanders_slowly_neither_clears_nor_confirms() -> None:
    """What is missing while the service loses packets was missing just before, and is again much later."""
    wandering = dict(enumerate([-24, -24, 20, 24, 24, 24, 24, 24, 10, -10, -20, 20]))
    found = detect_counter_loss(passing(CORE, LEFT, RIGHT, lost=wandering), AROUND, (WAY,), lost_by_probes(24, 4, 7))
    assert not any(m.journeys[0][0].of_lost or m.lost for m in found)


def test_a_device_of_which_one_port_is_not_counted_tells_nothing() -> None:
    samples = [
        s for s in passing(CORE, LEFT, RIGHT, lost={5: 300}) if s.metric is Metric.IN_PACKETS or s.interface == LEFT
    ]
    assert (CORE,) not in measured(samples)


def test_what_a_device_says_for_itself_is_no_loss() -> None:
    """Of each poll's packets forty end in the device itself: its sessions, and the polls."""
    assert {poll.lost for poll in measured(passing(CORE, LEFT, RIGHT, own=40))[(CORE,)]} == {0}


def test_a_device_that_usually_keeps_much_of_what_it_gets_is_not_judged_by_its_balance() -> None:
    assert (CORE,) not in measured(passing(CORE, LEFT, RIGHT, own=300, lost={5: 300}))


def test_a_device_that_sends_more_than_it_takes_in_lost_nothing() -> None:
    """A switch that floods."""
    assert {poll.lost for poll in measured(passing(CORE, LEFT, RIGHT, lost={5: -600}))[(CORE,)]} == {0}


@pytest.mark.parametrize("few", [1, 3, 15])
def test_a_few_packets_are_no_loss(few: int) -> None:
    assert {poll.lost for poll in measured(passing(CORE, LEFT, RIGHT, lost={5: few}))[(CORE,)]} == {0}


def test_a_surge_that_ends_in_a_device_may_have_been_for_the_device() -> None:
    surge = passing(CORE, LEFT, RIGHT)
    taken = [s for s in surge if s.interface == LEFT and s.metric is Metric.IN_PACKETS]
    others = [s for s in surge if s not in taken]
    flooded = counted(CORE, LEFT, Metric.IN_PACKETS, [PACE + (4000 if poll in (5, 6) else 0) for poll in range(POLLS)])
    polls = measured([*others, *flooded])[(CORE,)]
    assert {poll.lost for poll in polls} == {0}
    assert len(polls) == POLLS - 2  # nothing is said of the two

    discards = [4000 if poll in (5, 6) else 0 for poll in range(POLLS)]
    polls = measured([*others, *flooded, *counted(CORE, RIGHT, Metric.OUT_DISCARDS, discards)])[(CORE,)]
    assert [poll.lost > 3000 for poll in polls].count(True) == 2, "it was to be passed on, by the device's own count"


def test_a_router_may_drop_for_a_failure_anywhere_and_a_switch_only_for_its_own_ports() -> None:
    router = measured(passing(CORE, LEFT, RIGHT))[(CORE,)][0].journeys[0][0]
    assert set(router.beyond) == set(WAY) - {CORE}
    assert "cloud-edge" in router.beside


PLACE = WAY.index(CORE)


def headed_for(*samples: CounterSample) -> set[tuple[str, ...]]:
    return {poll.journeys[0][0].beyond for poll in measured(samples)[(CORE,)]}


@pytest.mark.parametrize(
    ("left", "right", "ahead"), [(LEFT, RIGHT, WAY[PLACE + 1 :]), (RIGHT, LEFT, WAY[PLACE - 1 :: -1])]
)
def test_what_a_router_did_not_pass_on_from_one_side_was_headed_for_what_lies_on_the_other(
    left: str, right: str, ahead: tuple[str, ...]
) -> None:
    """Its neighbours' probes, which it answers, make what comes from either side differ from what goes on."""
    assert headed_for(*passing(CORE, left, right, lost={5: 300, 6: 250}, own=40)) == {ahead}


def test_what_a_router_lost_of_both_directions_may_have_been_headed_anywhere() -> None:

    def one_way(left: str, right: str) -> list[CounterSample]:
        samples = passing(CORE, left, right, lost={5: 300, 6: 250})
        return [s for s in samples if (s.interface == left) == (s.metric is Metric.IN_PACKETS)]

    assert headed_for(*one_way(LEFT, RIGHT), *one_way(RIGHT, LEFT)) == {tuple(name for name in WAY if name != CORE)}


def test_with_a_third_port_whose_packets_may_come_back_to_the_way_nobody_knows_where_they_were_headed() -> None:
    third = (join("cloud-core GE0/0/9", "cloud-other GE0/0/1"), join("cloud-other GE0/0/2", "cloud-gateway GE0/0/9"))
    topology = network((*NODES, node("cloud-other")), (*LINKS, *third))
    idle = [counted(CORE, "GE0/0/9", metric, [50] * POLLS) for metric in (Metric.IN_PACKETS, Metric.OUT_PACKETS)]
    samples = [*passing(CORE, LEFT, RIGHT, lost={5: 300}), *idle[0], *idle[1]]
    found = detect_counter_loss(samples, surroundings(topology), (WAY,))

    assert {m.journeys[0][0].beyond for m in found if m.lost} == {tuple(name for name in WAY if name != CORE)}


def link(lost: Lost, shift_s: float = 0, rises: Sequence[int] = (PACE,) * POLLS) -> list[CounterSample]:
    came = [rise - lost.get(poll, 0) for poll, rise in enumerate(rises)]
    return [
        *counted("cloud-edge", "GE0/0/2", Metric.OUT_PACKETS, rises),
        *counted(CORE, LEFT, Metric.IN_PACKETS, came, shift_s),
    ]


LINK = ("cloud-edge", "cloud-core--cloud-edge", CORE)


def test_where_nobody_counted_what_was_sent_over_a_link_what_came_damaged_was_lost_on_it() -> None:
    def received(*bad: float) -> list[CounterSample]:
        return [
            *counted(CORE, LEFT, Metric.IN_PACKETS, [PACE - count for count in bad]),
            *counted(CORE, LEFT, Metric.IN_ERRORS, bad),
        ]

    polls = measured(received(*[0] * 6, 90, 110, *[0] * 4))[LINK]
    assert [(poll.sent, poll.lost) for poll in polls if poll.lost] == [(PACE, 90), (PACE, 110)]
    assert {poll.lost for poll in measured(received(*[5] * POLLS))[LINK]} == {0}, "as many as ever"


def test_what_one_end_of_a_link_sent_and_the_other_did_not_take_in_was_lost_on_it() -> None:
    polls = measured(link({5: 300, 6: 400}))
    assert [poll.lost for poll in polls[LINK]] == [0, 0, 0, 0, 0, 300, 400, 0, 0, 0, 0, 0]
    assert LINK[::-1] not in polls  # nobody counted the other way


def test_ends_that_are_polled_at_different_moments_lose_nothing_by_it() -> None:
    """The rate trebles within a poll: the end that is polled later has counted more of it."""
    rises = [PACE] * 4 + [3 * PACE] * 4 + [PACE] * 4
    shifted = [
        *counted("cloud-edge", "GE0/0/2", Metric.OUT_PACKETS, rises),
        *_later(rises, 3.0),
    ]
    assert {poll.lost for poll in measured(shifted)[LINK]} == {0}


def _later(rises: Sequence[int], shift_s: float) -> list[CounterSample]:
    """The same packets, polled later: a part of each poll's packets stands in the one before."""
    share = shift_s / EVERY_S
    ahead = [(1 - share) * rise + share * later for rise, later in zip(rises, [*rises[1:], rises[-1]], strict=True)]
    return counted(CORE, LEFT, Metric.IN_PACKETS, ahead, shift_s)


def test_two_suppliers_whose_clocks_disagree_have_lost_nothing_by_it() -> None:
    """Traffic pauses for three polls; by the customer's clock a minute earlier than by the provider's."""
    customers = origin("telemetry/customer.csv", EvidenceType.INTERFACE_COUNTERS, Side.CUSTOMER)
    pause, early = [PACE] * 6 + [50] * 3 + [PACE] * 3, [PACE] * 0 + [50] * 3 + [PACE] * 9
    samples = [
        *counted("cloud-edge", "GE0/0/1", Metric.IN_PACKETS, early),
        *(
            sample(s.time_ns / 1e9 - START_S, s.device, s.interface, s.metric, s.value, customers)
            for s in counted("office-edge", "Gi0/1", Metric.OUT_PACKETS, pause)
        ),
    ]
    assert all(poll.lost == 0 for polls in measured(samples).values() for poll in polls)


def test_a_counter_that_was_reset_is_not_read_across_the_reset() -> None:
    samples = link({})
    last = [s for s in samples if s.device == CORE][-1]
    fallen = [s for s in samples if s is not last] + [sample(POLLS * EVERY_S, CORE, LEFT, Metric.IN_PACKETS, 3)]
    assert {poll.lost for poll in measured(fallen)[LINK]} == {0}


def test_two_files_that_count_one_port_count_it_once() -> None:
    samples = passing(CORE, LEFT, RIGHT, lost={5: 300})
    other = origin("telemetry/monitoring.json", EvidenceType.PROMETHEUS, Side.PROVIDER)
    twice = [
        *samples,
        *(sample(s.time_ns / 1e9 - START_S, s.device, s.interface, s.metric, s.value, other) for s in samples),
    ]
    assert [p.lost for p in measured(twice)[(CORE,)]] == [p.lost for p in measured(samples)[(CORE,)]]
    assert COUNTERS.file in {p.citation.origin.file for p in measured(samples)[(CORE,)]}


@given(
    st.lists(st.integers(0, 5000), min_size=POLLS, max_size=POLLS),
    st.dictionaries(st.integers(0, POLLS - 1), st.integers(-500, 5000)),
)
def test_no_more_is_lost_than_passed_whatever_was_counted(rises: list[int], lost: dict[int, int]) -> None:
    for polls in measured([*link(lost, rises=rises), *passing(CORE, LEFT, RIGHT, lost=lost)]).values():
        for poll in polls:
            assert 0 <= poll.lost <= poll.sent
            assert poll.interval.seconds > 0


def test_what_may_have_left_another_device_by_a_port_that_nobody_counted_explains_no_loss_away() -> None:
    core = passing(CORE, LEFT, RIGHT, lost=dict.fromkeys(range(4, 8), 8))
    edge = passing("office-edge", "Gi0/0", "Gi0/1", lost=dict.fromkeys(range(4, 8), 125))
    second_uplink = log(3, "office-edge", LogKind.INTERFACE_UP, interface="Gi0/2")
    found = list(detect_counter_loss([*core, *edge, second_uplink], AROUND, (WAY,), lost_by_probes(8, 4, 8)))

    assert {m.journeys[0][0].components[0] for m in found if m.lost} == {CORE}


def lost_in(device: str, *observations: Observation, topology: Topology = CHAIN) -> list[int]:
    """What each poll of a device's balance says was lost in it; polls of which nothing is said are left out."""
    found = detect_counter_loss(observations, surroundings(topology), (WAY,))
    return [poll.lost for poll in found if poll.journeys[0][0].components == (device,)]


def left_by(port: str, polls: Lost, device: str = CORE) -> list[CounterSample]:
    """What went out by one more port of a device, which took nothing in there."""
    rises = [polls.get(poll, 0) for poll in range(POLLS)]
    return [
        *counted(device, port, Metric.OUT_PACKETS, rises),
        *counted(device, port, Metric.IN_PACKETS, [0] * POLLS),
    ]


DIVERTED = {5: 300, 6: 250}


@pytest.mark.parametrize("port", ["GE0/0/9", "GE0/0/9.100", "HundredGigE0/1/0/9"])
def test_what_left_by_a_port_that_the_drawing_lacks_was_not_lost(port: str) -> None:
    """Traffic moves to a second uplink: of what came in nothing is missing, if all ports are counted."""
    missing = passing(CORE, LEFT, RIGHT, lost=DIVERTED)

    assert lost_in(CORE, *missing, *left_by(port, DIVERTED)) == [0] * POLLS
    assert sum(lost_in(CORE, *missing, *left_by(port, {5: 100}))) == 450


def test_what_a_balance_takes_in_is_what_came_in_by_all_ports_that_are_counted() -> None:
    other = [counted(CORE, "GE0/0/9", metric, [500] * POLLS) for metric in (Metric.IN_PACKETS, Metric.OUT_PACKETS)]
    polls = measured([*passing(CORE, LEFT, RIGHT, lost=DIVERTED), *other[0], *other[1]])[(CORE,)]

    assert {poll.sent for poll in polls} == {2 * PACE + 500}
    assert [poll.lost for poll in polls if poll.lost] == [300, 250]


def with_a_host_beside(port: str = "GE0/0/9") -> Topology:
    return network((*NODES, node("new-server", NodeKind.HOST)), (*LINKS, join(f"{CORE} {port}", "new-server eth0")))


def test_what_left_for_a_host_beside_the_way_was_not_lost() -> None:
    """A new server has the address of another: what was for that leaves by the new one's port."""
    missing = passing(CORE, LEFT, RIGHT, lost=DIVERTED)
    assert lost_in(CORE, *missing, *left_by("GE0/0/9", DIVERTED), topology=with_a_host_beside()) == [0] * POLLS


def test_nothing_is_called_lost_in_a_device_of_which_a_port_was_not_counted() -> None:
    """It may have left by that port; a poll of which nothing is missing shows all the same that nothing was lost."""
    branch = (join("cloud-core GE0/0/9", "closet GE0/0/1"), join("closet GE0/0/2", "printer eth0"))
    topology = network((*NODES, node("closet", NodeKind.SWITCH), node("printer", NodeKind.HOST)), (*LINKS, *branch))
    missing = passing(CORE, LEFT, RIGHT, lost=DIVERTED)

    assert lost_in(CORE, *missing, topology=topology) == [0] * (POLLS - len(DIVERTED))
    assert sum(lost_in(CORE, *missing, *left_by("GE0/0/9", {}), topology=topology)) == 550


@pytest.mark.parametrize(
    ("other", "lost"),
    [
        pytest.param(log(3, CORE, LogKind.INTERFACE_UP, interface="GE0/0/8"), 0, id="its log names one that came up"),
        pytest.param(sample(3, CORE, "GE0/0/8", Metric.OUT_OCTETS, 9e9), 0, id="its octets alone are counted"),
        pytest.param(sample(3, CORE, "GE0/0/8", Metric.OPER_STATUS, 1), 0, id="it was polled up"),
        pytest.param(sample(3, CORE, "GE0/0/8", Metric.OPER_STATUS, 0), 550, id="it was never up"),
        pytest.param(log(3, CORE, LogKind.INTERFACE_UP, interface="Vlanif100"), 550, id="it is no port of its own"),
        pytest.param(log(3, CORE, LogKind.INTERFACE_UP, interface=LEFT), 550, id="it is one of those counted"),
        pytest.param(log(3, "cloud-gateway", LogKind.INTERFACE_UP, interface="GE0/0/8"), 550, id="another device's"),
    ],
)
def test_a_device_has_the_ports_that_its_telemetry_names(other: Observation, lost: int) -> None:
    assert sum(lost_in(CORE, *passing(CORE, LEFT, RIGHT, lost=DIVERTED), other)) == lost


@pytest.mark.parametrize("port", ["Vlanif100", "LoopBack0", "Eth-Trunk1", "MEth0/0/1", f"{LEFT}.100"])
def test_packets_that_another_name_of_a_port_counts_again_count_once(port: str) -> None:
    again = [counted(CORE, port, metric, [PACE] * POLLS) for metric in (Metric.IN_PACKETS, Metric.OUT_PACKETS)]
    polls = measured([*passing(CORE, LEFT, RIGHT, lost=DIVERTED), *again[0], *again[1]])[(CORE,)]

    assert {poll.sent for poll in polls} == {2 * PACE}
    assert sum(poll.lost for poll in polls) == 550


def test_a_subinterface_s_packets_are_its_port_s() -> None:
    missing = passing(CORE, LEFT, RIGHT, lost=DIVERTED)
    both = [*left_by("GE0/0/9", DIVERTED), *left_by("GE0/0/9.100", DIVERTED)]
    assert lost_in(CORE, *missing, *both) == [0] * POLLS


def test_which_ports_make_up_a_bundle_that_is_drawn_as_one_cable_nobody_knows() -> None:
    """The bundle's packets are those of its members: what is missing may have left by a port that is no member."""
    bundled = tuple(
        join("cloud-core Eth-Trunk1", "cloud-gateway GE0/0/1", side=Side.PROVIDER) if CORE in link.ends and
        "cloud-gateway" in link.ends else link
        for link in LINKS
    )  # fmt: skip
    topology = network(NODES, bundled)
    missing = passing(CORE, LEFT, "Eth-Trunk1", lost=DIVERTED)

    assert sum(lost_in(CORE, *missing, topology=topology)) == 550
    assert lost_in(CORE, *missing, *left_by("GE0/0/3", {}), topology=topology) == [0] * (POLLS - len(DIVERTED))


def as_switch(name: str) -> Topology:
    others = (one for one in NODES if one.id != name)
    return network((*others, node(name, NodeKind.SWITCH)), LINKS)


def test_a_switch_that_sends_fewer_copies_than_usual_lost_nothing() -> None:
    """It floods 40 of a thousand frames to a third port, until that port's host is gone."""
    copies = left_by("GE0/0/9", {poll: 0 if poll in (5, 6) else 90 for poll in range(POLLS)})
    sound = passing(CORE, LEFT, RIGHT)

    assert set(lost_in(CORE, *sound, *copies, topology=as_switch(CORE))) == {0}
    flooding = left_by("GE0/0/9", dict.fromkeys(range(POLLS), 90))
    losing = passing(CORE, LEFT, RIGHT, lost=DIVERTED)
    assert sum(lost_in(CORE, *losing, *flooding, topology=as_switch(CORE))) == 550 - 2 * 90


def test_where_packets_were_headed_is_open_if_others_went_elsewhere_meanwhile() -> None:
    """One more port, which leads nowhere: as long as as much goes there as usual, it changes nothing."""

    def ahead(elsewhere: Lost) -> set[tuple[str, ...]]:
        samples = [*passing(CORE, LEFT, RIGHT, lost=DIVERTED), *left_by("GE0/0/9", elsewhere)]
        return {m.journeys[0][0].beyond for m in detect_counter_loss(samples, AROUND, (WAY,)) if m.lost}

    steady = dict.fromkeys(range(POLLS), 20)
    assert ahead(steady) == {WAY[PLACE + 1 :]}
    assert ahead({**steady, 5: 120, 6: 120}) == {tuple(name for name in WAY if name != CORE)}


def test_a_cable_that_lost_packets_for_most_of_the_time_is_known_by_when_the_service_lost_none() -> None:
    first, polls = 7, 22
    spoilt = link(dict.fromkeys(range(first, polls), 180), rises=[PACE] * polls)
    probes = [probe(index * EVERY_S, 30, 24 if index >= first else 30) for index in range(polls)]
    found = detect_counter_loss(spoilt, AROUND, (WAY,), list(detect_probe_loss(probes, AROUND)))

    assert [m.lost for m in found] == [0] * first + [180] * (polls - first)
    assert measured(spoilt) == {}  # without the probes nobody says that it was ever otherwise


def test_of_parallel_cables_each_is_named_by_what_was_sent_over_it() -> None:
    first, second = (join(f"cloud-edge {out}", f"{CORE} {into}", key, Side.PROVIDER) for out, into, key in (
        ("GE0/0/2", LEFT, "m1"), ("GE0/0/7", "GE0/0/8", "m2")
    ))  # fmt: skip
    topology = network(NODES, (*(one for one in LINKS if set(one.ends) != {"cloud-edge", CORE}), first, second))
    ways = tuple(tuple(one.component if name == LINK[1] else name for name in WAY) for one in (first, second))
    (said,) = {m.subject for m in detect_counter_loss(link({5: 300}), surroundings(topology), ways)}

    assert said == f"packets that cloud-edge sent to {CORE} over {first.component}"
    assert {m.subject for m in measured(link({5: 300}))[LINK]} == {f"packets that cloud-edge sent to {CORE}"}
