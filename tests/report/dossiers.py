"""Dossiers to write papers about: the verdicts of this folder in a small network, with what leads up to them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from attribution.model.dossier import ClockCorrection, Dossier, Entry, EntryKind, LossSeries, Reliability
from attribution.model.explanation import Rival
from attribution.model.incident import NANOSECONDS, EvidenceType, Incident, Origin, Service
from attribution.model.topology import Link, Node, NodeKind, Side, Topology
from attribution.model.verdict import CauseKind, Party, Verdict
from attribution.responsibility import load_agreement
from tests.report.verdicts import (
    CORE,
    CRASH,
    EVERY_VERDICT,
    HOSTILE,
    HOSTILE_VERDICT,
    SETTLED,
    START_NS,
    after,
    evidence,
)

PROVIDER_ANSWERS = replace(
    SETTLED,
    party=Party.PROVIDER,
    clause="4.2",
    causes=(replace(CORE, seconds=87.0),),
    parties={"customer": 0.02, "provider": 0.97, "shared": 0.0, "neither": 0.01},
    interruption=replace(SETTLED.interruption, seconds_by_party={"customer": 0.0, "provider": 87.0}),
    provisions=(load_agreement("tencent-cross-region-connection").provision("4.2"),),
)


def node(name: str, side: Side, kind: NodeKind, region: str | None = None) -> Node:
    return Node(name, side, kind, None, (ip_network("10.0.0.1/32"),), region)


TOPOLOGY = Topology(
    nodes={
        "idc-host": node("idc-host", Side.CUSTOMER, NodeKind.HOST),
        "ce1": node("ce1", Side.CUSTOMER, NodeKind.ROUTER),
        "pe1": node("pe1", Side.PROVIDER, NodeKind.ROUTER, "ap-guangzhou"),
        "p1": node("p1", Side.PROVIDER, NodeKind.ROUTER, "ap-guangzhou"),
        "vpc-host": node("vpc-host", Side.CUSTOMER, NodeKind.HOST, "ap-guangzhou"),
    },
    links={
        link.component: link
        for link in (
            Link("idc-host", "ce1", None, Side.CUSTOMER),
            Link("ce1", "pe1", None, None),
            Link("pe1", "p1", None, Side.PROVIDER),
            Link("p1", "vpc-host", None, Side.PROVIDER),
        )
    },
)

INCIDENT = Incident(
    id=SETTLED.incident,
    title="Guangzhou connection interrupted",
    agreement="tencent-cross-region-connection",
    service=Service(("idc-host", "vpc-host"), 100_000_000.0),
    window=after(0, 90),
    topology_file="topology.json",
    origins=(Origin("telemetry/syslog.log", EvidenceType.SYSLOG, supplied_by=Side.PROVIDER),),
)


def entry(start_s: float, end_s: float, kind: EntryKind, text: str, **further: object) -> Entry:
    known = Entry(
        interval=after(start_s, end_s),
        stated_ns=START_NS + int(start_s * NANOSECONDS),
        lane="ce1",
        kind=kind,
        component="ce1",
        side=Side.CUSTOMER,
        text=text,
        file="telemetry/syslog.log",
        locator="line 118",
        supplied_by=Side.PROVIDER,
    )
    return replace(known, **further)  # type: ignore[arg-type]


TIMELINE = (
    entry(-600, 20, EntryKind.ALARM, "ce1 reported a failed fan", locator="line 3"),
    entry(-2, -2, EntryKind.OPERATION, "ce1: somebody typed reload", evidence="e2", locator="line 100"),
    entry(1, 1, EntryKind.LOG, "pe1's port to ce1 went down", evidence="e1", lane="pe1", side=Side.PROVIDER),
    entry(2, 40, EntryKind.ALARM, "pe1 was polled down", lane="pe1", side=Side.PROVIDER, count=7),
)

SERIES = LossSeries(
    name="icmp probes from idc-host to vpc-host",
    components=("idc-host", "ce1", "pe1", "p1", "vpc-host"),
    method="probes",
    traffic="icmp",
    files=("telemetry/probes.csv",),
    starts_ns=tuple(START_NS + step * 10 * NANOSECONDS for step in range(-2, 12)),
    ends_ns=tuple(START_NS + (step + 1) * 10 * NANOSECONDS for step in range(-2, 12)),
    sent=(10,) * 14,
    lost=(0, 0, *((10,) * 9), 0, 0, 0),
)


def dossier(verdict: Verdict = SETTLED) -> Dossier:
    """The verdict in its network, with a rival, a mended clock and the calibration's count."""
    return Dossier(
        incident=INCIDENT,
        topology=TOPOLOGY,
        agreement=load_agreement(INCIDENT.agreement),
        verdict=verdict,
        rivals=(
            Rival(Party.PROVIDER, 0.02, (replace(CORE, kind=CauseKind.OVERLOAD),), (evidence("e1", 1.2, "so it was"),)),
            Rival(Party.NEITHER, 0.01, (), ()),
        ),
        timeline=TIMELINE,
        losses=(SERIES,),
        rates=(),
        clocks=(ClockCorrection("telemetry/syslog.log", Side.PROVIDER, -2_500_000_000, "sessions that both saw"),),
        excerpts=(),
        reliability=Reliability(0.9, 0.979, 968, "recorded and simulated incidents"),
    )


HOSTILE_DOSSIER = replace(
    dossier(HOSTILE_VERDICT),
    incident=replace(INCIDENT, title=HOSTILE, id=HOSTILE),
    timeline=tuple(
        replace(told, text=HOSTILE, lane=HOSTILE, file=HOSTILE, locator=HOSTILE, raw=HOSTILE) for told in TIMELINE
    ),
    losses=(replace(SERIES, name=HOSTILE, traffic=HOSTILE),),
    clocks=(ClockCorrection(HOSTILE, None, 3 * NANOSECONDS, HOSTILE),),
    rivals=(Rival(Party.PROVIDER, 0.1, (replace(CRASH, component=HOSTILE),), (evidence("e1", 2.0, HOSTILE),)),),
)

EVERY_DOSSIER = tuple(map(dossier, (*EVERY_VERDICT, PROVIDER_ANSWERS)))
