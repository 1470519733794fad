"""Who was asked at all: the silence of a device that had no chance to speak is not evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attribution.detectors import detect_evidence, session_paths
from attribution.model.evidence import Alarm, AlarmKind, Citation, Coverage
from attribution.model.incident import NANOSECONDS, EvidenceType, Origin
from attribution.model.observation import LogKind, Metric, Observation
from attribution.model.topology import Side
from tests.detectors.chain import (
    CHAIN,
    COUNTERS,
    LINKS,
    LOG,
    NODES,
    PROBES,
    WAY,
    between,
    incident,
    join,
    log,
    network,
    node,
    origin,
    probe,
    sample,
    surroundings,
)

WITH_ARCHIVE = network([*NODES, node("archive")], [*LINKS, join("cloud-core GE0/0/9", "archive a")])
"""The chain with a device that the service does not need."""


def coverage(observations: Sequence[Observation], origins: Sequence[Origin] = (LOG,)) -> Coverage:
    return detect_evidence(observations, WITH_ARCHIVE, incident(origins)).coverage


def test_a_device_whose_file_was_supplied_was_asked_even_if_it_said_nothing() -> None:
    assert coverage([], [origin(device="cloud-core")]).logging == {"cloud-core"}
    assert coverage([], [origin(device="not-drawn")]).logging == frozenset()
    assert coverage([], [origin(type=EvidenceType.CAPTURE, device="cloud-core")]).logging == frozenset()


def test_in_a_common_file_a_device_was_asked_once_it_speaks_of_the_way() -> None:
    assert coverage([log(0, "cloud-core", LogKind.ROUTINE)]).logging == {"cloud-core"}
    assert coverage([log(0, "cloud-core", LogKind.ROUTINE, interface="GE0/0/1")]).logging == {"cloud-core"}
    assert coverage([log(0, "cloud-edge", LogKind.SESSION_UP, peer="192.0.2.1")]).logging == {"cloud-edge"}


def test_a_line_about_something_off_the_way_may_come_from_an_excerpt() -> None:
    assert coverage([log(0, "cloud-core", LogKind.INTERFACE_DOWN, interface="GE0/0/9")]).logging == frozenset()
    assert coverage([log(0, "cloud-core", LogKind.SESSION_DOWN, peer="198.51.100.9")]).logging == frozenset()
    assert coverage([log(0, "somebody-else", LogKind.ROUTINE)]).logging == frozenset()


def test_a_line_that_nobody_understands_does_not_say_that_the_way_was_logged() -> None:
    assert coverage([log(0, "cloud-core", LogKind.GRAVE)]).logging == frozenset()


def test_ports_on_the_way_were_polled_for_what_they_were_polled_for() -> None:
    found = coverage(
        [
            sample(0, "cloud-core", "GE0/0/1", Metric.OPER_STATUS, 1),
            sample(0, "cloud-edge", "GE0/0/2", Metric.OUT_DISCARDS, 0),
            sample(0, "cloud-gateway", "GE0/0/1", Metric.IN_OCTETS, 0),
            sample(0, "archive", "a", Metric.OPER_STATUS, 1),
            sample(0, "office-edge", None, Metric.CPU_PERCENT, 5),
        ],
        [COUNTERS],
    )
    assert found.polled == {"cloud-core"}
    assert found.counted == {"cloud-edge"}
    assert found.logging == frozenset()


def test_the_kinds_of_evidence_are_those_supplied_read_or_not() -> None:
    assert coverage([], [LOG, PROBES]).types == {EvidenceType.SYSLOG, EvidenceType.PROBES}


def test_a_session_crosses_what_lies_between_its_ends() -> None:
    alarm = Alarm(
        between(0, 9), "office-edge", "office-edge", AlarmKind.SESSION_DOWN, Citation(LOG, "line 1"), "", "cloud-core"
    )
    own_load = Alarm(
        between(0, 9), "office-edge", "office-edge", AlarmKind.RESOURCES_EXHAUSTED, Citation(LOG, "line 2"), ""
    )
    assert session_paths([alarm, own_load], surroundings().routes) == {
        ("office-edge", "cloud-core"): frozenset(WAY[3:6])
    }


def test_everything_that_was_observed_arrives_among_the_findings() -> None:
    seen = [
        *(probe(second, 10, 10) for second in range(5)),
        log(1, "cloud-edge", LogKind.INTERFACE_DOWN, interface="GE0/0/2"),
    ]
    found = detect_evidence(seen, CHAIN, incident([LOG, PROBES]))

    assert len(found.measurements) == 5
    assert [alarm.kind for alarm in found.alarms] == [AlarmKind.INTERFACE_DOWN]
    assert found.records == ()
    assert found.service_paths == (WAY,)
    assert found.caveats == ()


def test_no_observation_is_no_evidence() -> None:
    found = detect_evidence([], CHAIN, incident())
    assert (found.measurements, found.alarms, found.records) == ((), (), ())
    assert found.service_paths == (WAY,)


def test_who_hands_in_a_log_of_other_people_s_troubles_has_supplied_nothing() -> None:
    """All else is the customer's word, which a list of what befell other tenants does not make any less so."""
    customers = origin("telemetry/probes.csv", EvidenceType.PROBES, Side.CUSTOMER)

    def is_customer_s_word(told: Observation) -> bool:
        return coverage([told], [customers, LOG]).is_word_of(Side.CUSTOMER)

    assert is_customer_s_word(log(0, "cloud-core", LogKind.INTERFACE_DOWN, interface="GE0/0/9"))
    assert not is_customer_s_word(log(0, "cloud-core", LogKind.INTERFACE_DOWN, interface="GE0/0/1"))


def test_a_hole_in_a_log_is_told_of_but_not_where_another_file_fills_it_or_the_device_started_anew() -> None:
    after = replace(log(100, "cloud-core", LogKind.ROUTINE), silent_ns=90 * NANOSECONDS)
    (hole,) = coverage([log(0, "cloud-core", LogKind.ROUTINE), after]).holes
    assert (hole.device, hole.interval) == ("cloud-core", between(10, 100))
    assert not coverage([after, log(50, "cloud-core", LogKind.ROUTINE)]).holes
    assert not coverage([after, log(103, "cloud-core", LogKind.DEVICE_RESTARTED)]).holes
    assert coverage([after, log(50, "cloud-edge", LogKind.ROUTINE)]).holes


def test_files_of_another_day_are_evidence_of_nothing_and_a_caveat_says_so() -> None:
    """Neither what they tell, nor that they are silent of the time in question."""
    day = 86_400.0
    yesterday = origin(file="telemetry/yesterday.log", device="cloud-core")
    today = origin(file="telemetry/today.log", device="cloud-edge")
    old = log(-day, "cloud-core", LogKind.INTERFACE_DOWN, interface="GE0/0/1", source=yesterday)
    new = log(10, "cloud-edge", LogKind.ROUTINE, source=today)
    found = detect_evidence([old, new], WITH_ARCHIVE, incident([yesterday, today]))
    assert found.coverage.logging == {"cloud-edge"}
    assert not found.alarms
    assert [caveat.file for caveat in found.caveats if "another time" in caveat.reason] == ["telemetry/yesterday.log"]
    whole = detect_evidence([old], WITH_ARCHIVE, incident([yesterday]))
    assert whole.alarms, "where no file is of the reported time, that may be wrong"
