"""Who complains knows when: clocks that nothing else tells to be right are set by the time that was reported."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attribution.inference.reported_time import Shift, shift_into_window
from attribution.model.clock import Alignment
from attribution.model.evidence import Findings, Record, RecordKind
from attribution.model.incident import NANOSECONDS, EvidenceType, Incident, Interval, Origin
from attribution.model.topology import Side
from tests.inference.chain import CHAIN, ENDS, SERVICE, between, during, findings, probed, record

PROBES = Origin("telemetry/probes.csv", EvidenceType.PROBES, supplied_by=Side.CUSTOMER)
OTHERS = Origin("telemetry/provider.log", EvidenceType.SYSLOG, supplied_by=Side.PROVIDER)
AUDIT = Origin("records/audit.json", EvidenceType.CLOUD_AUDIT, supplied_by=Side.PROVIDER)
FAR_OFF, NEAR = between(200, 240), between(95, 135)


def reported(window: Interval, *origins: Origin) -> Incident:
    return Incident("INC-1", "interrupted", "", SERVICE, window, "topology.json", origins or (PROBES, AUDIT))


def outage(*records: Record, added: dict[str, float] | None = None) -> Findings:
    """Nothing gets through between second 100 and 130."""
    clocks = Alignment({file: int(s * NANOSECONDS) for file, s in (added or {}).items()})
    return replace(findings(probed(*ENDS, during(100, 130), seconds=300), records=records), clocks=clocks)


def shifted(window: Interval, found: Findings | None = None, *origins: Origin) -> Shift | None:
    return shift_into_window(found or outage(), CHAIN, reported(window, *origins))


@pytest.mark.parametrize("off_s", [-85, 105, 600])
def test_the_clocks_of_one_side_alone_are_set_so_that_the_trouble_falls_into_the_reported_time(off_s: int) -> None:
    shift = shifted(between(95 + off_s, 135 + off_s))
    assert shift is not None
    assert shift.added_ns / NANOSECONDS == pytest.approx(off_s, abs=1)
    assert shift.doubt_ns / NANOSECONDS == pytest.approx(5, abs=1)


def test_what_falls_into_the_reported_time_or_next_to_it_stays_where_it_is() -> None:
    assert shifted(NEAR) is None
    assert shifted(between(134, 170)) is None


@pytest.mark.parametrize("window", [between(200, 215), between(200, 290), between(2000, 2040)])
def test_what_was_reported_to_have_lasted_much_shorter_or_longer_or_on_another_day_is_not_it(window: Interval) -> None:
    assert shifted(window) is None


def test_a_clock_that_was_checked_is_right_and_the_complaint_mistaken() -> None:
    assert shifted(FAR_OFF, None, replace(PROBES, clock_offset_ns=0)) is None


def test_clocks_of_two_sides_are_both_wrong_only_where_they_differ() -> None:
    assert shifted(FAR_OFF, None, PROBES, OTHERS) is None
    assert shifted(FAR_OFF, outage(added={PROBES.file: 2.0}), PROBES, OTHERS) is None
    assert shifted(FAR_OFF, outage(added={PROBES.file: 60.0}), PROBES, OTHERS) is not None


def test_an_act_in_the_cloud_that_lasted_as_long_tells_it_to_the_second() -> None:
    called = record(207, "provider-host", actor=Side.CUSTOMER, end=237.5, cloud_call=True)
    restricted = record(206, "provider-edge", kind=RecordKind.ENFORCEMENT, end=236)
    unlike = [
        record(207, "provider-host", actor=Side.CUSTOMER, end=222, cloud_call=True),
        record(207, "provider-host", actor=Side.CUSTOMER, cloud_call=True),
        record(207, "provider-edge", end=237),
        record(900, "provider-host", actor=Side.CUSTOMER, end=930, cloud_call=True),
    ]
    for act, second in ((called, 207), (restricted, 206)):
        shift = shifted(FAR_OFF, outage(act, *unlike))
        assert shift is not None
        assert shift.added_ns / NANOSECONDS == pytest.approx(second - 100, abs=0.5)
    for acts in (unlike, [called, restricted]):
        shift = shifted(FAR_OFF, outage(*acts))
        assert shift is not None
        assert shift.added_ns / NANOSECONDS == pytest.approx(105, abs=1), "nothing tells, or two tell differently"


def test_where_nothing_happened_nothing_is_moved() -> None:
    assert shifted(FAR_OFF, findings(probed(*ENDS, seconds=300))) is None
