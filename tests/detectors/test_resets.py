"""Which device resets connections in the name of an end that knows nothing of it."""

from __future__ import annotations

from dataclasses import replace

from attribution.detectors.resets import detect_forged_refusals, detect_forged_resets
from attribution.model.evidence import Alarm, AlarmKind
from attribution.model.observation import FORGED, CaptureCoverage, PacketWitness, WitnessKind
from tests.detectors.chain import CAPTURE, at, surroundings

AROUND = surroundings()
INSIDE, OUTSIDE = ("office-edge", "Gi0/1"), ("cloud-core", "GE0/0/1")


def resets(code: str | None = None, count: int = 9, point: tuple[str, str] = INSIDE) -> PacketWitness:
    """Connections of the office's host to the cloud's, reset in the name of the latter."""
    return PacketWitness(
        time_ns=at(5), end_ns=at(9), origin=CAPTURE, locator="frame 7", device=point[0], interface=point[1],
        kind=WitnessKind.TCP_RESET, sender="10.2.0.2", about="10.1.0.2", code=code, count=count,
    )  # fmt: skip


def listening(point: tuple[str, str], dropped: int = 0, until: float = 20) -> CaptureCoverage:
    return CaptureCoverage(
        time_ns=at(0), end_ns=at(until), origin=CAPTURE, locator="frame 1", device=point[0], interface=point[1],
        packets=100, dropped=dropped,
    )  # fmt: skip


def alarms(*seen: PacketWitness | CaptureCoverage) -> list[Alarm]:
    return list(detect_forged_resets(seen, AROUND))


def test_resets_that_pass_one_point_and_not_the_one_before_were_made_between_them() -> None:
    (alarm,) = alarms(resets(), listening(INSIDE), listening(OUTSIDE))
    assert (alarm.component, alarm.kind, alarm.about_peer) == ("cloud-edge", AlarmKind.RESETS_FORGED, "cloud-host")
    assert "only cloud-edge can have sent" in alarm.statement


def test_refusals_of_connections_are_placed_alike() -> None:
    refused = replace(resets("refused"), kind=WitnessKind.HANDSHAKE_FAILED)
    assert [alarm.component for alarm in alarms(refused, listening(INSIDE), listening(OUTSIDE))] == ["cloud-edge"]


def test_what_an_end_resets_itself_passes_all_points() -> None:
    assert alarms(resets(), resets(point=OUTSIDE), listening(INSIDE), listening(OUTSIDE)) == []


def test_a_point_that_did_not_listen_or_missed_packets_says_nothing_of_who_made_a_reset() -> None:
    assert alarms(resets(), listening(INSIDE), listening(OUTSIDE, dropped=4)) == []
    assert alarms(resets(), listening(INSIDE), listening(OUTSIDE, until=6)) == []
    assert alarms(resets(), listening(INSIDE)) == []


def test_where_several_devices_may_have_made_a_reset_none_is_named() -> None:
    beyond = ("cloud-gateway", "GE0/0/1")
    assert alarms(resets(), listening(INSIDE), listening(beyond)) == []
    assert alarms(resets(FORGED), listening(INSIDE)) == []


def test_a_reset_with_a_time_to_live_that_is_not_the_end_s_comes_from_the_only_device_before_it() -> None:
    (alarm,) = alarms(resets(FORGED, point=("cloud-gateway", "GE0/0/1")))
    assert alarm.component == "cloud-gateway"


def test_a_single_reset_is_nobody_s_habit() -> None:
    assert alarms(resets(count=2), listening(INSIDE), listening(OUTSIDE)) == []


def refusals(code: str | None, count: int = 9, forger: str | None = "10.2.0.2") -> list[Alarm]:
    reset = replace(resets(FORGED, count=1), sender=forger)
    refused = replace(resets(code, count), kind=WitnessKind.HANDSHAKE_FAILED, detail="9 refused")
    return list(detect_forged_refusals([reset, refused], AROUND))


def test_connections_that_another_device_refuses_in_an_end_s_name_are_reset() -> None:
    (alarm,) = refusals("refused")
    assert (alarm.kind, alarm.component, alarm.about_peer) == (
        AlarmKind.CONNECTIONS_RESET, "cloud-host", "office-host",
    )  # fmt: skip
    assert "by another device" in alarm.statement


def test_open_connections_that_another_device_resets_in_an_end_s_name_are_so_too() -> None:
    forged = resets(FORGED)
    (alarm,) = detect_forged_refusals([forged], AROUND)
    assert (alarm.kind, alarm.component, alarm.about_peer) == (
        AlarmKind.CONNECTIONS_RESET, "cloud-host", "office-host",
    )  # fmt: skip

    assert not list(detect_forged_refusals([replace(forged, count=2)], AROUND)), "one or two may be a leftover"
    assert not list(detect_forged_refusals([replace(forged, code=None)], AROUND)), "its own, when it has enough"


def test_what_an_end_refuses_itself_is_its_own_affair() -> None:
    assert refusals("refused", forger="10.9.1.2") == []
    assert refusals("unanswered") == refusals("refused", count=2) == []
