"""A recording counts only if the fault did what its scenario promises, when the truth says, and ended when it says."""

from __future__ import annotations

from collections.abc import Iterable

from tests.lab.errors import RecordingRefused
from tests.lab.observed import Flow, Probe
from tests.lab.plan import Plan
from tests.lab.scenario import Effect, Scenario
from tests.lab.stage import Cause, Schedule

_QUIET = 0.03


def assert_effect(scenario: Scenario, plan: Plan, schedule: Schedule, causes: tuple[Cause, ...],
                  probes: tuple[Probe, ...], flows: tuple[Flow, ...]) -> None:
    """Refuse a recording whose end-to-end probes do not show what the scenario promises."""
    echoes = [probe for probe in probes if probe.kind == "icmp" and {probe.source, probe.destination} == set(plan.ends)]
    begin = min((cause.start for cause in causes), default=schedule.fault)
    end = max((cause.end for cause in causes), default=schedule.repair)
    small = [probe for probe in echoes if probe.size < 1000]
    before = _loss(small, schedule.start, begin - 1)
    during = _loss(small, begin + scenario.grace_s, end - 1)
    after = _loss(small, schedule.end - 3, schedule.end)
    account = f"lost before {before:.0%}, during {during:.0%}, after {after:.0%}"
    if before > _QUIET or after > _QUIET:
        raise RecordingRefused(f"{scenario.name}: {account}; expected a sound service before and after")
    sound = {
        Effect.OUTAGE: lambda: during >= 0.97,
        Effect.LOSS: lambda: during < 0.97 and max(_losses_by_class(
            echoes, probes, flows, begin + scenario.grace_s, end - 1)) >= 0.05,
        Effect.NONE: lambda: _worst_second(echoes, schedule.start, schedule.end) == 0,
        Effect.BRIEF: lambda: _worst_second(small, begin, schedule.end - 3) >= 0.3 and during < 0.9,
        Effect.ONE_WAY: lambda: during >= 0.9 and _directions_lost(flows, plan, begin, end) == 1,
        Effect.PART: lambda: _is_partial(
            _losses_by_class(echoes, probes, flows, begin + scenario.grace_s, end - 1)),
    }[scenario.effect]()
    if not sound:
        raise RecordingRefused(f"{scenario.name}: {account}; expected: {scenario.effect}")


def _loss(probes: Iterable[Probe], start: float, end: float) -> float:
    """The share of echoes lost in the windows that lie wholly in a span."""
    counted = [probe for probe in probes if start <= probe.time and probe.time + 1 <= end]
    sent = sum(probe.sent for probe in counted)
    return 1 - sum(probe.received for probe in counted) / sent if sent else 0.0


def _worst_second(probes: Iterable[Probe], start: float, end: float) -> float:
    """The greatest loss of any one window."""
    return max((1 - probe.received / probe.sent for probe in probes
                if start - 1 <= probe.time <= end and probe.sent), default=0.0)


def _directions_lost(flows: tuple[Flow, ...], plan: Plan, start: float, end: float) -> int:
    """In how many of the two directions the streams were lost."""
    lost = 0
    for source in plan.ends:
        counted = [flow for flow in flows if flow.source == source and start <= flow.time and flow.time + 2 <= end]
        sent = sum(flow.sent for flow in counted)
        lost += bool(sent and sum(flow.lost for flow in counted) / sent > 0.5)
    return lost


def _losses_by_class(echoes: list[Probe], probes: tuple[Probe, ...], flows: tuple[Flow, ...], start: float,
                     end: float) -> list[float]:
    """The loss of small echoes, large echoes, TCP handshakes, and each stream."""
    ends = {echo.source for echo in echoes}
    losses = [
        _loss([echo for echo in echoes if echo.size < 1000], start, end),
        _loss([echo for echo in echoes if echo.size >= 1000], start, end),
        _loss([probe for probe in probes if probe.kind == "tcp" and probe.source in ends], start, end),
    ]
    for name in {flow.flow for flow in flows}:
        counted = [flow for flow in flows if flow.flow == name and start <= flow.time and flow.time + 2 <= end]
        sent = sum(flow.sent for flow in counted)
        if sent:
            losses.append(sum(flow.lost for flow in counted) / sent)
    return losses


def _is_partial(losses: list[float]) -> bool:
    """At least one class of traffic loses a good part while at least one other does not."""
    return max(losses) >= 0.3 and min(losses) <= 0.1
