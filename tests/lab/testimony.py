"""Which devices' logs say where the trouble is: by word of the culprit itself, or by what its neighbours lost.

The laboratory knows what each device had to log. `truth.yaml` lists it under `told`, so that a bundle with evidence
taken away can be labelled by what is still said in it; what a vendor has no words for is not listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.lab.happenings import (
    AddressMoved,
    Attack,
    BgpDown,
    Command,
    Deed,
    DuplexMismatch,
    DuplicateAddress,
    Happening,
    HighLoad,
    LinkChange,
    LowMemory,
    OspfChange,
    ProcessEnded,
    TableFull,
    WeakLight,
)
from tests.lab.plan import Plan
from tests.lab.stage import Cause
from tests.lab.voices import speak

_EXHAUSTED_PERCENT = 90
"""Below it a busy processor is a warning that means nothing."""
_BEFORE_SECONDS, _AFTER_SECONDS = 6.0, 9.0
_OWN_WORDS = (
    AddressMoved, Attack, DuplexMismatch, DuplicateAddress, LowMemory, ProcessEnded, TableFull, WeakLight,
)
_REPAIRS = frozenset({
    Deed.OPEN_PORT, Deed.PASS_PREFIX, Deed.PASS_PROTOCOL, Deed.REMOVE_DISCARD_ROUTE, Deed.OPEN_PEER, Deed.UNLIMIT_PORT,
    Deed.UNSET_ROUTE, Deed.UNSET_MTU, Deed.UNSET_PASSWORD, Deed.UNLIMIT_PREFIXES, Deed.UNSET_VLAN,
    Deed.DESCRIBE_PORT,
})


@dataclass(frozen=True, slots=True)
class Told:
    """A device's log says something of a cause: of itself, or of what lies between it and another node."""

    device: str
    """The role of the device that logged it."""
    about: str
    """The role of the node at the other end; the device's own where it speaks of itself."""

    @property
    def own_word(self) -> bool:
        """Whether the device speaks of itself."""
        return self.device == self.about


def tell(plan: Plan, happenings: tuple[Happening, ...], causes: tuple[Cause, ...]) -> tuple[Told, ...]:
    """What the devices' logs say about the causes, each thing once."""
    found = {said for happening in happenings for said in _said(plan, happening, causes)}
    return tuple(sorted(found, key=lambda said: (said.device, said.about)))


def _said(plan: Plan, happening: Happening, causes: tuple[Cause, ...]) -> Iterator[Told]:
    near = [cause for cause in causes
            if cause.start - _BEFORE_SECONDS <= happening.time <= min(cause.start + _AFTER_SECONDS, cause.end + 1)]
    node = plan.node(happening.role)
    if not near or not node.listed or not speak(node.vendor, happening.what):
        return
    what = happening.what
    culprits = {role for cause in near for component in (cause.component, *cause.admissible_components)
                for role in component}
    if happening.role in culprits and _speaks_of_itself(plan, happening):
        yield Told(happening.role, happening.role)
    elif isinstance(what, LinkChange) and not what.up:
        port = next((port for port in plan.ports(happening.role) if port.name == what.port), None)
        if port is not None and plan.link_of_port(port).listed:
            yield Told(happening.role, plan.link_of_port(port).far_port(port.role).role)
    elif isinstance(what, BgpDown):
        yield from (Told(happening.role, role) for role in _holders(plan, what.peer))
    elif isinstance(what, OspfChange) and not what.up:
        yield from (Told(happening.role, role) for role in _holders(plan, what.address))


def _speaks_of_itself(plan: Plan, happening: Happening) -> bool:
    """Whether a device logs what was done to it or went wrong in it; not at ports that carry nothing of the service."""
    what = happening.what
    if isinstance(what, HighLoad):
        return what.over and what.percent >= _EXHAUSTED_PERCENT
    if isinstance(what, Command):
        spare = {link.port(happening.role).name for link in plan.links_of(happening.role) if not link.listed}
        return what.deed not in _REPAIRS and what.subject not in spare
    return isinstance(what, _OWN_WORDS)


def _holders(plan: Plan, address: str) -> Iterator[str]:
    """The listed node that holds an address."""
    for node in plan.nodes:
        held = {str(port.address.ip) for port in plan.ports(node.role) if port.address is not None}
        if node.loopback is not None:
            held.add(str(node.loopback.ip))
        if address in held and node.listed:
            yield node.role
