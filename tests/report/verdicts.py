"""Verdicts to print: one that is settled, with everything in it, and variations of it."""

from __future__ import annotations

from dataclasses import replace

from attribution.model.incident import NANOSECONDS, Interval
from attribution.model.observation import Caveat
from attribution.model.topology import Side
from attribution.model.verdict import (
    Cause,
    CauseKind,
    InputFile,
    Interruption,
    Party,
    Provision,
    Request,
    ServiceLevel,
    Verdict,
    WeighedEvidence,
)

START_NS = 1_795_428_030 * NANOSECONDS  # 2026-11-23T10:00:30Z
HOSTILE = "core\x1b[31m\u202e<script>alert(1)</script>\x9b2J\r\n"


def after(start_s: float, end_s: float) -> Interval:
    return Interval(START_NS + int(start_s * NANOSECONDS), START_NS + int(end_s * NANOSECONDS))


CRASH = Cause(
    component="ce1",
    kind=CauseKind.DEVICE_FAILURE,
    interval=after(1, 86.5),
    seconds=87.0,
    probability=0.95,
    evidence=("e1", "e2"),
    side=Side.CUSTOMER,
    clause="4.2(2)",
)
LINK_DOWN = replace(CRASH, component="ce1--pe1", kind=CauseKind.LINK_FAILURE, seconds=0.0, caused_by="ce1", evidence=())
CORE = replace(
    CRASH, component="p1", side=Side.PROVIDER, clause="4.2", interval=after(60, 87), seconds=27.0, probability=0.9
)


def evidence(name: str, weight: float, statement: str) -> WeighedEvidence:
    return WeighedEvidence(
        id=name,
        file="telemetry/syslog.log",
        locator="line 118",
        time_ns=START_NS + 1_250_000_000,
        component="ce1",
        supplied_by=Side.PROVIDER,
        statement=statement,
        weight=weight,
    )


def provision(number: str, words: str) -> Provision:
    return Provision(number, "Tencent Cloud Cross-region Connection Service Agreement", "协议", words, "自有设备")


SETTLED = Verdict(
    incident="INC-2026-0412",
    party=Party.CUSTOMER,
    clause="4.2(2)",
    probability=0.97,
    summary="The service was interrupted because the device ce1 failed.",
    parties={"customer": 0.97, "provider": 0.02, "shared": 0.0, "neither": 0.01},
    interruption=Interruption(True, (after(0, 87),), {"customer": 87.0, "provider": 0.0}, (after(30, 87),)),
    causes=(CRASH, LINK_DOWN),
    evidence=(
        evidence("e1", 2.314, "pe1 says that its port to ce1 went down"),
        evidence("e2", 1.1, "40 of 40 probes to ce1 went unanswered"),
        evidence("e3", -0.42, "pe1 logged a high load"),
    ),
    requests=(Request("the power log of ce1", Side.CUSTOMER, "ce1", "it would tell a crash from a shutdown", 0.4),),
    inputs=(InputFile("telemetry/syslog.log", "ab" * 32, 4096),),
    caveats=(Caveat("telemetry/syslog.log", "line 7", "a time without a zone, read as UTC", 3),),
    provisions=(provision("4.2(2)", "A failure of your self-owned device or a third-party device"),),
    service_level=ServiceLevel("Cloud Connect Network Service Level Agreement", {"customer": 1, "provider": 0}),
)

UNDETERMINED = replace(
    SETTLED,
    party=Party.UNDETERMINED,
    clause=None,
    probability=0.6,
    parties={"customer": 0.6, "provider": 0.4, "shared": 0.0, "neither": 0.0},
    interruption=replace(
        SETTLED.interruption, seconds_by_party={"customer": 0.0, "provider": 0.0, "undetermined": 87.0}
    ),
)

SHARED = replace(
    SETTLED,
    party=Party.SHARED,
    interruption=replace(SETTLED.interruption, seconds_by_party={"customer": 60.0, "provider": 27.0}),
    causes=(replace(CRASH, seconds=60.0), CORE),
    provisions=(*SETTLED.provisions, provision("4.2", "Tencent Cloud is only responsible for its services.")),
)

HEALTHY = replace(
    SETTLED,
    party=Party.NEITHER,
    clause=None,
    probability=0.96,
    interruption=Interruption(False, (), {"customer": 0.0, "provider": 0.0, "neither": 0.0}),
    causes=(),
    evidence=(),
    requests=(),
    provisions=(),
    service_level=None,
)

UNMEASURED = replace(
    UNDETERMINED,
    probability=0.5,
    parties={"customer": 0.5, "provider": 0.5, "shared": 0.0, "neither": 0.0},
    interruption=Interruption(False, (), {"customer": 0.0, "provider": 0.0, "undetermined": 0.0}, measured=False),
    causes=(),
    evidence=(),
)

EVERY_VERDICT = (SETTLED, UNDETERMINED, SHARED, HEALTHY, UNMEASURED)

HOSTILE_VERDICT = replace(
    SETTLED,
    incident=HOSTILE,
    summary=HOSTILE,
    causes=(replace(CRASH, component=HOSTILE),),
    evidence=(replace(SETTLED.evidence[0], file=HOSTILE, locator=HOSTILE, statement=HOSTILE),),
    requests=(replace(SETTLED.requests[0], what=HOSTILE, why=HOSTILE),),
    caveats=(Caveat(HOSTILE, HOSTILE, HOSTILE),),
    inputs=(InputFile(HOSTILE, "cd" * 32, 1),),
)
