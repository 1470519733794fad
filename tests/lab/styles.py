"""Nobody exports alike: formats, envelopes, zones, gaps and clock errors of those who hand over the evidence."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.lab.plan import Side
from tests.lab.syslogs import Clock, Envelope
from tests.lab.topologies import TopologyStyle


@dataclass(frozen=True, slots=True)
class Style:
    """The habits of those who export: drawn by seed, so that no two bundles look alike."""

    topology: TopologyStyle
    envelope: Envelope
    log_per_device: bool
    zone_hours: int
    counters_compressed: bool
    with_flows: bool
    with_prometheus: bool
    with_cloud_monitor: bool
    with_gauges: bool
    path_form: str
    """"csv", "mtr" or "atlas"."""
    ties_resources: bool
    """Whether the topology says which cloud resources belong to the gateway."""
    clock_errors_s: dict[Side, float] = field(default_factory=dict)
    clock_drift: dict[Side, float] = field(default_factory=dict)
    """By how many seconds a supplier's clock gains on the true time in each second."""
    clock_errors_told: bool = True
    clocks_set_at: float = 0.0
    """When the clocks had just the errors named, and nothing of their drift."""

    def clock(self, side: Side) -> Clock:
        """How a supplier's clock shows the time."""
        zone = self.zone_hours if self.envelope is not Envelope.RFC5424 else 0
        return Clock(self.clock_errors_s.get(side, 0.0), zone, self.clock_drift.get(side, 0.0), self.clocks_set_at)


def draw_style(dice: random.Random, clock_errors_s: dict[Side, float] | None = None, told: bool = True,
               clock_drift: dict[Side, float] | None = None) -> Style:
    """The exporters' habits for one bundle."""
    return Style(
        topology=TopologyStyle(
            format=dice.choice(("graphml", "json", "yaml")), multigraph=dice.random() < 0.4,
            forgets=dice.choice((0.0, 0.1, 0.2)), names_link_sides=dice.random() < 0.4,
        ),
        envelope=dice.choice(tuple(Envelope)),
        log_per_device=dice.random() < 0.5,
        zone_hours=dice.choice((0, 0, 8)),
        counters_compressed=dice.random() < 0.6,
        with_flows=dice.random() < 0.5,
        with_prometheus=dice.random() < 0.3,
        with_cloud_monitor=dice.random() < 0.3,
        path_form=dice.choice(("csv", "csv", "csv", "mtr", "atlas")),
        ties_resources=dice.random() < 0.5,
        with_gauges=dice.random() < 0.6,
        clock_errors_s=clock_errors_s or {},
        clock_errors_told=told,
        clock_drift=clock_drift or {},
    )
