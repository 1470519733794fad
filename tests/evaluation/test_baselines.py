"""The simple methods answer as their papers say: on a chain of two halves, with evidence for each step."""

from __future__ import annotations

from collections.abc import Sequence

from attribution.evaluation.baselines import (
    BASELINES,
    Scene,
    answer_007_vote,
    answer_baselines,
    answer_majority_of_alarms,
    answer_nearest_alarm,
    answer_path_elimination,
)
from attribution.model.evidence import Alarm, AlarmKind, Measurement, Method
from attribution.model.incident import Interval
from attribution.model.verdict import Party
from tests.inference.chain import CHAIN, DEMARCATION, alarm, between, findings, link_name, measured

TROUBLE = between(30, 60)
DOWN = AlarmKind.INTERFACE_DOWN
CUSTOMER_LINK = link_name("customer-core", "customer-edge")


def scene(
    measurements: Sequence[Measurement] = (),
    alarms: Sequence[Alarm] = (),
    interruption: tuple[Interval, ...] = (TROUBLE,),
) -> Scene:
    return Scene(findings(measurements, alarms), CHAIN, interruption)


def probe(
    source: str, destination: str, lost: int, *, start: float = 35, method: Method = Method.PROBES
) -> Measurement:
    return measured(start, start + 1, 10, lost, source, destination, method=method)


def test_where_nothing_happened_nobody_answers() -> None:
    answers = answer_baselines(scene(alarms=[alarm(31, "customer-edge", "customer-edge", DOWN)], interruption=()))

    assert [answer.method for answer in answers] == list(BASELINES)
    assert {answer.party for answer in answers} == {Party.NEITHER}


def test_without_any_evidence_every_method_abstains() -> None:
    assert {answer.party for answer in answer_baselines(scene())} == {Party.UNDETERMINED}


def test_the_alarm_nearest_to_the_onset_names_its_components_side() -> None:
    alarms = [
        alarm(34, "customer-edge", CUSTOMER_LINK, DOWN),
        alarm(27, "provider-core", "provider-core", AlarmKind.PROCESS_DOWN),
    ]

    assert answer_nearest_alarm(scene(alarms=alarms)) == (Party.PROVIDER, ("provider-core",))


def test_alarms_as_near_on_both_sides_or_too_far_off_are_no_answer() -> None:
    tied = [alarm(31, "customer-edge", "customer-edge", DOWN), alarm(29, "provider-edge", "provider-edge", DOWN)]
    far = [alarm(30 + 301, "customer-edge", "customer-edge", DOWN)]

    assert answer_nearest_alarm(scene(alarms=tied))[0] is Party.UNDETERMINED
    assert answer_nearest_alarm(scene(alarms=far))[0] is Party.UNDETERMINED


def test_an_alarm_about_a_link_that_nobody_owns_names_nobody() -> None:
    alarms = [alarm(30, "customer-edge", DEMARCATION, DOWN), alarm(33, "provider-edge", "provider-edge", DOWN)]

    assert answer_nearest_alarm(scene(alarms=alarms))[0] is Party.PROVIDER


def test_the_side_with_more_alarms_within_the_interruption_answers() -> None:
    alarms = [
        alarm(31, "customer-edge", CUSTOMER_LINK, DOWN),
        alarm(32, "customer-core", CUSTOMER_LINK, DOWN),
        alarm(33, "provider-edge", "provider-edge", AlarmKind.SESSION_DOWN),
        *(alarm(70 + n, "provider-core", "provider-core", AlarmKind.SESSION_DOWN) for n in range(9)),
    ]

    assert answer_majority_of_alarms(scene(alarms=alarms)) == (Party.CUSTOMER, (CUSTOMER_LINK,))


def test_as_many_alarms_on_both_sides_are_no_answer() -> None:
    alarms = [alarm(31, name, name, DOWN) for name in ("customer-edge", "provider-edge")]

    assert answer_majority_of_alarms(scene(alarms=alarms))[0] is Party.UNDETERMINED


def test_the_link_with_most_votes_is_where_lossy_flows_meet() -> None:
    """Votes of the link: 1/5 of the whole way, 1/2 of each half's own probe; those beside it get one of the two."""
    lossy = [
        probe("customer-host", "provider-host", 10),
        probe("customer-host", "customer-edge", 10),
        probe("customer-core", "provider-edge", 10),
    ]

    party, named = answer_007_vote(scene(lossy))

    assert party is Party.CUSTOMER
    assert named is not None
    assert set(named) == {CUSTOMER_LINK, "customer-core", "customer-edge"}


def test_flows_without_loss_or_outside_the_interruption_do_not_vote() -> None:
    cases = [probe("customer-host", "customer-core", 0), probe("customer-host", "customer-core", 10, start=90)]

    assert answer_007_vote(scene(cases))[0] is Party.UNDETERMINED


def test_the_whole_way_alone_votes_alike_for_both_sides() -> None:
    assert answer_007_vote(scene([probe("customer-host", "provider-host", 10)]))[0] is Party.UNDETERMINED


def whole_way(lost: int) -> list[Measurement]:
    """Five kinds of traffic between the service's ends."""
    kinds = ("icmp", "tcp", "udp", "twamp", "flow")
    return [measured(35, 36, 10, lost, traffic=kind) for kind in kinds]


def inside(source: str, destination: str, lost: int, count: int = 5) -> list[Measurement]:
    return [measured(35, 36, 10, lost, source, destination, traffic=f"kind {n}") for n in range(count)]


def test_the_cloud_is_blamed_first_where_most_paths_through_it_are_bad() -> None:
    paths = [*whole_way(10), *inside("provider-edge", "provider-core", 10)]

    assert answer_path_elimination(scene(paths))[0] is Party.PROVIDER


def test_the_client_is_blamed_last_where_cloud_and_middle_have_enough_good_paths() -> None:
    """Good paths of others through the cloud and the demarcation clear both."""
    paths = [
        *whole_way(10),
        *inside("customer-edge", "provider-host", 0),
        *inside("customer-host", "customer-core", 10),
    ]

    assert answer_path_elimination(scene(paths))[0] is Party.CUSTOMER


def test_too_few_paths_are_insufficient() -> None:
    assert answer_path_elimination(scene(whole_way(10)[:4]))[0] is Party.UNDETERMINED


def test_a_client_with_a_good_path_into_the_cloud_is_ambiguous() -> None:
    paths = [*whole_way(10)[:3], *whole_way(0)[3:], *inside("customer-host", "customer-core", 10)]

    assert answer_path_elimination(scene(paths))[0] is Party.UNDETERMINED


def test_a_middle_that_nobody_owns_is_no_answer() -> None:
    """All that crosses the demarcation is bad, and both sides' own paths are good."""
    paths = [
        *whole_way(10),
        *inside("provider-edge", "provider-host", 0),
        *inside("customer-host", "customer-edge", 0),
    ]

    assert answer_path_elimination(scene(paths))[0] is Party.UNDETERMINED
