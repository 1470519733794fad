"""What a scenario is: what it needs, what it loads the network with, how it plays, and what effect it promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tests.lab.daemons import Routing
from tests.lab.orders import Stream
from tests.lab.plan import Plan
from tests.lab.shapes import Shape
from tests.lab.stage import Schedule, Stage


class Core(StrEnum):
    """What a scenario needs of the provider's core."""

    PASSED = "a core router that all traffic passes"
    NEEDED = "a core router without which no way is left"
    IDLE = "a core router that no traffic passes"
    BACKBONE_PASSED = "a backbone link that all traffic crosses"
    BACKBONE_NEEDED = "a backbone link without which no way is left"
    BACKBONE_SPARED = "a backbone link that all traffic crosses, and a way round it"
    PARALLEL = "equal ways beside each other"

    def found_in(self, shape: Shape) -> bool:
        """Whether a shape's core has it."""
        return {
            Core.PASSED: lambda: bool(shape.passed),
            Core.NEEDED: lambda: bool(shape.indispensable),
            Core.IDLE: lambda: bool(shape.idle),
            Core.BACKBONE_PASSED: lambda: shape.passes_backbone,
            Core.BACKBONE_NEEDED: lambda: shape.needs_backbone,
            Core.BACKBONE_SPARED: lambda: shape.passes_backbone and not shape.needs_backbone,
            Core.PARALLEL: lambda: not shape.passed,
        }[self]()


class Effect(StrEnum):
    """What the end-to-end probes must show for a recording to count."""

    OUTAGE = "nothing gets through while the fault lasts"
    ONE_WAY = "echoes fail, though one direction still carries packets"
    LOSS = "a good part is lost while the fault lasts"
    PART = "some class of the traffic is lost and another is not"
    BRIEF = "the service fails for a moment and recovers by itself"
    NONE = "the service does not suffer"


_PLAIN_ROUTING = Routing()

Play = Callable[[Stage], None]
Load = Callable[[Plan, Schedule], tuple[Stream, ...]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that can happen to a network, and who is responsible for it."""

    name: str
    fact: str
    party: str
    clauses: tuple[str, ...]
    effect: Effect
    play: Play
    needs: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    """Names of the shapes that it fits; all that have the needed roles where empty. The first is the default."""
    redundant: bool | None = None
    """Whether the core must survive the loss of one router; None where it does not matter."""
    core: Core | None = None
    """What the provider's core must have; None where it does not matter."""
    routing: Routing = _PLAIN_ROUTING
    load: Load | None = None
    prepare: Play | None = None
    bandwidth_bps: int | None = None
    grace_s: float = 1.5
    """How long after the injection the effect may take to show."""

    touches_account: bool = False
    """Whether the account's history is part of the story, so that no other bills may be mixed into it."""
    overrun_s: float = 0.0
    """How much longer than the planned fault it plays."""

    def fits(self, shape: Shape) -> bool:
        """Whether the scenario can play on a shape."""
        if self.shapes and (shape.resembles or shape.name) not in self.shapes:
            return False
        if self.redundant is not None and shape.redundant is not self.redundant:
            return False
        if self.core is not None and not self.core.found_in(shape):
            return False
        return set(self.needs) <= set(shape.roles)
