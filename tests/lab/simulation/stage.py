"""The stage on which scenarios play on a calculated network: the laboratory's own, with a clock that jumps."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from tests.lab.noise import Decoys
from tests.lab.recorders import Watch
from tests.lab.simulation.clock import Appointment, VirtualClock
from tests.lab.simulation.fabric import Fabric
from tests.lab.simulation.measuring import Gauged
from tests.lab.stage import Stage


class NoWatch(Watch):
    """Nobody watches a kernel here; scenarios may still say what is to be metered, which the fabric knows itself."""

    def __init__(self) -> None:
        self.changes = []
        self.samples = []
        self.meters = []
        self.gauges = {}


@dataclass(slots=True)
class SimulatedStage(Stage):
    """A calculated network, seen by a scenario."""

    clock: VirtualClock | None = None
    fabric: Fabric | None = None
    gauge_changes: list[Gauged] = field(default_factory=list)
    """Every change of a device's own gauge, in the order of time."""

    def now(self) -> float:
        """The simulated time."""
        assert self.clock is not None
        return self.clock.now

    def wait(self, seconds: float) -> None:
        """Let simulated time pass."""
        assert self.clock is not None
        self.clock.wait(seconds)

    def gauge(self, role: str, metric: str, value: float | None, port: str = "") -> None:
        """A device's own gauge stands at a value from now on; None: it shows again what it usually does."""
        self.gauged = True
        self.gauge_changes.append(Gauged(self.now(), (role, port, metric), value))

    def announce_address(self, role: str, address: ipaddress.IPv4Address) -> None:
        """A host tells its neighbours, unasked, that an address is its own."""
        assert self.fabric is not None
        self.fabric.note_address(role, int(address))


class SimulatedDecoys(Decoys):
    """The same decoys, on simulated time."""

    def stop(self) -> None:
        """Call off what has not happened yet."""
        for appointment in self._appointments():
            appointment.cancel()

    def _at(self, moment: float, deed: object) -> None:
        assert callable(deed)
        assert isinstance(self._stage, SimulatedStage)
        assert self._stage.clock is not None
        self._appointments().append(self._stage.clock.course_at(moment, deed))

    def _appointments(self) -> list[Appointment]:
        found: list[Appointment] | None = getattr(self, "_planned", None)
        if found is None:
            found = []
            self._planned = found
        return found
