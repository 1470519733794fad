"""The recorded incidents know nothing of names, bridges or encryption in trouble: their captures must not claim it."""

from __future__ import annotations

from pathlib import Path

import pytest

from attribution.model.observation import PacketWitness, WitnessKind
from attribution.packets.capture import read_capture
from attribution.packets.survey import survey_capture
from attribution.packets.witnesses import find_witnesses
from tests.packets.making import origin
from tests.transform.recorded import RECORDED, captures_of, name_of

NEVER = frozenset(
    {WitnessKind.DNS_FAILED, WitnessKind.DHCP_FAILED, WitnessKind.TLS_ALERT, WitnessKind.TLS_UNANSWERED,
     WitnessKind.QUIC_HANDSHAKE, WitnessKind.SPANNING_TREE_CHANGED, WitnessKind.LACP_PARTNER_LOST,
     WitnessKind.LINK_STATE_PURGED, WitnessKind.REDUNDANCY_CHANGED, WitnessKind.BFD_SILENT, WitnessKind.BFD_DOWN,
     WitnessKind.ROUTING_LOOP, WitnessKind.ARP_DUPLICATE}
)  # fmt: skip
SESSIONS = frozenset(
    {WitnessKind.BGP_NOTIFICATION, WitnessKind.BGP_SILENT, WitnessKind.BGP_WITHDRAWAL, WitnessKind.HELLO_LOST,
     WitnessKind.NEIGHBOUR_LOST}
)  # fmt: skip


def recorded_witnesses(bundle: Path) -> list[PacketWitness]:
    found: list[PacketWitness] = []
    for path in captures_of(bundle):
        with path.open("rb") as stream:
            found += find_witnesses(survey_capture(read_capture(stream, origin(file=path.name))))
    return found


@pytest.mark.parametrize("bundle", RECORDED, ids=name_of)
def test_an_incident_is_silent_of_what_it_did_not_have(bundle: Path) -> None:
    had = {WitnessKind.ROUTING_LOOP} if bundle.name.endswith("routing-loop") else set()
    found = recorded_witnesses(bundle)

    assert not [seen for seen in found if seen.kind in NEVER - had]
    assert had <= {seen.kind for seen in found}


def test_a_healthy_hour_has_healthy_sessions() -> None:
    (healthy,) = [bundle for bundle in RECORDED if bundle.name == "healthy-hour"]

    assert not [seen for seen in recorded_witnesses(healthy) if seen.kind in SESSIONS]


def test_a_router_that_crashed_is_missed_by_its_neighbour() -> None:
    (crash,) = [bundle for bundle in RECORDED if bundle.name == "provider-core-router-crash"]
    found = [seen for seen in recorded_witnesses(crash) if seen.kind in SESSIONS]

    assert {seen.kind for seen in found} >= {WitnessKind.HELLO_LOST, WitnessKind.NEIGHBOUR_LOST}
