"""The service level counts whole clock minutes of full loss, which is not the same as who is responsible."""

from __future__ import annotations

from attribution.model.topology import Side
from attribution.model.verdict import Cause, CauseKind, Interruption, Party
from attribution.responsibility import load_agreement
from attribution.responsibility.service_level import count_lost_minutes
from tests.responsibility.scenarios import seconds

AGREEMENT = load_agreement("tencent-cross-region-connection")


def provider_crash(start: float, end: float) -> Cause:
    return Cause("provider-core", CauseKind.DEVICE_FAILURE, seconds(start, end), side=Side.PROVIDER)


def test_only_minutes_that_are_lost_whole_count() -> None:
    outage = Interruption(True, (seconds(30, 200),), full_loss=(seconds(30, 200),))

    level = count_lost_minutes([provider_crash(30, 200)], outage, AGREEMENT, Party.PROVIDER)

    assert dict(level.minutes_by_party) == {"customer": 0, "provider": 2, "undetermined": 0}
    assert level.document == "Cloud Connect Network Service Level Agreement"


def test_a_minute_of_degraded_service_counts_nothing() -> None:
    degraded = Interruption(True, (seconds(0, 300),))

    assert count_lost_minutes([provider_crash(0, 300)], degraded, AGREEMENT, Party.PROVIDER).minutes == 0


def test_an_interruption_shorter_than_its_clock_minutes_counts_nothing() -> None:
    across = Interruption(True, (seconds(5, 115),), full_loss=(seconds(5, 115),))

    assert count_lost_minutes([provider_crash(5, 115)], across, AGREEMENT, Party.PROVIDER).minutes == 0


def test_each_minute_goes_to_the_side_whose_cause_filled_most_of_it() -> None:
    crash = Cause("customer-edge", CauseKind.DEVICE_FAILURE, seconds(0, 80), side=Side.CUSTOMER)
    outage = Interruption(True, (seconds(0, 180),), full_loss=(seconds(0, 180),))

    level = count_lost_minutes([crash, provider_crash(80, 180)], outage, AGREEMENT, Party.SHARED)

    assert dict(level.minutes_by_party) == {"customer": 1, "provider": 2, "undetermined": 0}


def test_minutes_without_a_cause_are_nobodys_yet() -> None:
    outage = Interruption(True, (seconds(0, 60),), full_loss=(seconds(0, 60),))

    assert count_lost_minutes([], outage, AGREEMENT, Party.PROVIDER).minutes_by_party["undetermined"] == 1


def test_minutes_are_nobodys_where_the_verdict_gives_no_side_the_seconds() -> None:
    """A cause that is shown as the likeliest, in a verdict that leaves open who answers, books no minute on anybody."""
    outage = Interruption(True, (seconds(0, 180),), full_loss=(seconds(0, 180),))

    level = count_lost_minutes([provider_crash(0, 180)], outage, AGREEMENT, Party.UNDETERMINED)

    assert dict(level.minutes_by_party) == {"customer": 0, "provider": 0, "undetermined": 3}
