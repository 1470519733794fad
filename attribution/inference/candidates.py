"""What may have caused an interruption: every mode of failure on every component that carried the service."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from attribution.inference.modes import LINK, Mode, Modes, Reach
from attribution.model.evidence import Condition, Coverage, Record, RecordKind
from attribution.model.incident import EvidenceType
from attribution.model.observation import CommandEffectKind
from attribution.model.topology import ROUTING, Node, NodeKind, Side, Topology
from attribution.model.verdict import CauseKind

# Papers that speak against the customer may stand in no file because none was handed in. Where all is the word of the
# customer, that counts against it: who has such a paper does not show it, who has none would not think of it in three
# of ten cases. The provider may not read the customer's audit unasked: that it did not hand it in says nothing.
KEPT_BACK = 1 / 0.3

# Which commands leave which mode behind; what is left is an operation on the node as a whole.
EFFECTS_OF_RECORD = {
    "port": frozenset({None, CommandEffectKind.INTERFACE_SHUTDOWN, CommandEffectKind.CONFIGURATION}),
    "port_setting": frozenset({CommandEffectKind.VLAN_CHANGED, CommandEffectKind.ADDRESS_CHANGED}),
    "policy": frozenset(
        {
            CommandEffectKind.FILTER_ADDED,
            CommandEffectKind.NULL_ROUTE_ADDED,
            CommandEffectKind.MTU_CHANGED,
            CommandEffectKind.VLAN_CHANGED,
            CommandEffectKind.ADDRESS_CHANGED,
            CommandEffectKind.CONFIGURATION,
        }
    ),
    # What may hit one protocol, flow or size: a route into the void, a VLAN or an address takes all that goes there.
    "filter": frozenset(
        {CommandEffectKind.FILTER_ADDED, CommandEffectKind.MTU_CHANGED, CommandEffectKind.CONFIGURATION}
    ),
    "session": frozenset(
        {CommandEffectKind.NEIGHBOUR_SHUTDOWN, CommandEffectKind.SESSION_CLEARED, CommandEffectKind.CONFIGURATION}
    ),
    "diversion": frozenset({CommandEffectKind.ROUTE_CHANGED}),
    # Routers whose MTUs differ do not exchange what they know (RFC 2328 §10.6).
    "route": frozenset(
        {
            CommandEffectKind.ROUTE_REMOVED,
            CommandEffectKind.ROUTE_CHANGED,
            CommandEffectKind.MTU_CHANGED,
            CommandEffectKind.CONFIGURATION,
        }
    ),
    "rate": frozenset({CommandEffectKind.RATE_LIMIT_SET, CommandEffectKind.CONFIGURATION}),
    # Who suspends a service puts something in its way that can be taken away again, and leaves its routes alone.
    "cut": frozenset(
        {
            CommandEffectKind.INTERFACE_SHUTDOWN,
            CommandEffectKind.FILTER_ADDED,
            CommandEffectKind.NULL_ROUTE_ADDED,
            CommandEffectKind.NEIGHBOUR_SHUTDOWN,
        }
    ),
    "reload": frozenset({None, CommandEffectKind.RELOAD}),
    "node": frozenset(
        {
            None,
            CommandEffectKind.PROCESS_STOPPED,
            CommandEffectKind.PROCESS_RESTARTED,
            CommandEffectKind.NEIGHBOUR_SHUTDOWN,
            CommandEffectKind.RELOAD,
            CommandEffectKind.SESSION_CLEARED,
        }
    ),
}


# How many acts that may be the same cause are looked at: what began the trouble, and what was done as its phases began.
MOST_ACTS = 3


class Direction(StrEnum):
    """Which way traffic is lost, seen from the service's first end to its second."""

    BOTH = "both"
    THERE = "there"
    BACK = "back"


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One mode on one component; `link` is the port's link for modes of a port, `record` the act it would be.

    `address` is the end of the service whose packets it would lead elsewhere, where no record tells. Compared by
    identity: each is made once for an incident, and stands for itself in every table.
    """

    mode: Mode
    component: str
    link: str | None
    direction: Direction
    prior: float
    record: Record | None = None
    address: str | None = None

    @property
    def twice_there(self) -> str | None:
        """Whose address somebody else has too, for modes that are that."""
        if self.mode.reach is Reach.GATEWAY or self.diverted == self.component:
            return self.component
        return None

    @property
    def diverted(self) -> str | None:
        """Whose packets are led elsewhere, for modes that do that: what a route is for, else what is for the node."""
        if self.mode.reach is not Reach.ADDRESS:
            return None
        return self.record.diverts if self.record is not None else self.address or self.component


class ServicePaths:
    """The components that carry the service between its ends, and the order in which traffic meets them."""

    def __init__(self, paths: Iterable[tuple[str, ...]]) -> None:
        self.paths = tuple(dict.fromkeys(paths))
        self._order: dict[str, int] = {}
        self._ends = frozenset(end for path in self.paths for end in (path[0], path[-1]))
        for path in self.paths:
            for index, component in enumerate(path):
                self._order.setdefault(component, index)

    @property
    def components(self) -> tuple[str, ...]:
        return tuple(self._order)

    def __contains__(self, component: str | None) -> bool:
        return component in self._order

    @property
    def ends(self) -> tuple[str, ...]:
        """Where the service begins and ends."""
        return tuple(sorted(self._ends))

    def is_end(self, component: str) -> bool:
        """Whether the service begins or ends at a component."""
        return component in self._ends

    def direction_of(self, components: Sequence[str]) -> Direction | None:
        """Which way a stretch runs; None where it has too little in common with the service's path."""
        places = [self._order[c] for c in components if c in self._order]
        if len(places) < 2 or places[0] == places[-1]:
            return None
        return Direction.THERE if places[0] < places[-1] else Direction.BACK

    def reach_of(self, components: Iterable[str]) -> tuple[int, int]:
        """From which place to which on the service's way something leads; from 1 to 0 where it does not touch it."""
        places = [self._order[c] for c in components if c in self._order]
        return (min(places), max(places)) if places else (1, 0)

    def lies_across(self, component: str, reach: tuple[int, int]) -> bool:
        """Whether what has such a reach would cross a component, if it took the way on which that lies."""
        first, last = reach
        return first < last and first <= self._order[component] <= last

    def first_routers(self, topology: Topology) -> frozenset[str]:
        """What routes the service's packets first from either end, and last in the network of that end's own side.

        Of a firewall and the router behind it both: firewalls often have routes that nobody withdraws.
        """
        found: set[str] = set()
        for path in self.paths:
            for way in (path[::2], path[::-2]):
                nodes = [topology.nodes[name] for name in way]
                routing = [node for node in nodes if node.kind in ROUTING]
                routers = [node for node in routing if node.kind is not NodeKind.FIREWALL]
                other = next((at for at, node in enumerate(routing) if node.side is not nodes[0].side), len(routing))
                found.update(node.id for node in (*routing[:1], *routers[:1], *routing[:other][-1:]))
        return frozenset(found)

    def is_next_router(self, node: str, end: str, topology: Topology) -> bool:
        """Whether a node routes, and nothing between it and an end of the service does: both are in one network."""
        for path in self.paths:
            way = path[::2] if path[0] == end else path[::-2]
            if way[0] == end and next((name for name in way if topology.nodes[name].kind in ROUTING), None) == node:
                return True
        return False

    def is_border(self, node: str, topology: Topology) -> bool:
        """Whether the next node on either hand belongs to the other side: there a service is attached, and cut off."""
        side = topology.nodes[node].side
        for path in self.paths:
            if node in path:
                here = path.index(node)
                beside = [path[at] for at in (here - 2, here + 2) if 0 <= at < len(path)]
                if any(topology.nodes[other].side is not side for other in beside):
                    return True
        return False

    def lies_behind(self, component: str, near: str, viewer: str) -> bool:
        """Whether a component is the near one, or lies behind it, as seen from the viewer along the service's way."""
        if not {component, near, viewer} <= self._order.keys():
            return False
        ahead = self._order[near] - self._order[viewer]
        beyond = self._order[component] - self._order[near]
        return ahead != 0 and ahead * beyond >= 0

    def lies_between(self, component: str, one: str, other: str) -> bool:
        """Whether a component lies on the service's way from one to another, both included."""
        if not {component, one, other} <= self._order.keys():
            return False
        first, last = sorted((self._order[one], self._order[other]))
        return first <= self._order[component] <= last

    def downstream_neighbour(self, component: str, topology: Topology, side: Side) -> str | None:
        """The nearest node of a side, routers before others, on either hand of a component along the path."""
        best: tuple[int, int, str] | None = None
        for path in self.paths:
            if component not in path:
                continue
            here = path.index(component)
            for index, other in enumerate(path):
                node = topology.nodes.get(other)
                if node is not None and node.side is side and other != component:
                    edge = 0 if node.kind in (NodeKind.ROUTER, NodeKind.FIREWALL, NodeKind.GATEWAY) else 1
                    if node.operator is not None:
                        edge = 2
                    rank = (edge, abs(index - here), other)
                    best = rank if best is None or rank < best else best
        return best[2] if best else None


def enumerate_candidates(
    topology: Topology, paths: ServicePaths, modes: Modes, records: Sequence[Record], coverage: Coverage
) -> Iterator[Candidate]:
    """All candidates for one interruption, each with its prior before any evidence.

    Where several records fit one, there is one for each of the first: `rank_records` tells their order.
    """
    for candidate in _all_candidates(topology, paths, modes, records, coverage.types):
        if candidate.mode.unless is not None and coverage.is_word_of(Side.CUSTOMER):
            candidate = replace(candidate, prior=candidate.prior * KEPT_BACK)
        if candidate.link is not None and candidate.record is None and is_virtual(candidate.link, topology):
            candidate = replace(candidate, prior=candidate.prior * modes.background["virtual_link"])
        yield candidate


def _all_candidates(
    topology: Topology, paths: ServicePaths, modes: Modes, records: Sequence[Record], supplied: Container[EvidenceType]
) -> Iterator[Candidate]:
    for mode in modes.modes:
        if mode.unless is not None and mode.unless in supplied:
            continue
        for component in paths.components:
            if component in topology.links:
                if LINK in mode.on:
                    yield from with_directions(mode, component, component)
            elif mode.applies_to(topology.nodes[component]) and (
                mode.kind is not CauseKind.ENFORCEMENT_ACTION
                or paths.is_border(component, topology)
                or any(record.target == component for record in records)
            ):
                yield from _on_node(mode, component, topology, paths, records)


def is_virtual(name: str, topology: Topology) -> bool:
    """Whether a link lies within a cloud, between its gateway and a host: software, and no cable."""
    ends = [topology.nodes[end] for end in topology.links[name].ends]
    return any(end.kind is NodeKind.HOST for end in ends) and any(is_in_the_cloud(end) for end in ends)


def is_in_the_cloud(node: Node) -> bool:
    """Whether a node is the cloud's software, which a call of its API can reach; a site's own gateway is not."""
    of_cloud = node.side is Side.PROVIDER and node.kind in (NodeKind.GATEWAY, NodeKind.SERVICE)
    return bool(node.resource_ids) or of_cloud


def _on_node(
    mode: Mode, node: str, topology: Topology, paths: ServicePaths, records: Sequence[Record]
) -> Iterator[Candidate]:
    if mode.reach in (Reach.LINK, Reach.EGRESS):
        for link in topology.links_of(node):
            if link.component in paths:
                found = [
                    r for r in records if mode.record and matches_record(mode, r, node, link.component, paths, topology)
                ]
                yield from _with_records(mode, node, link.component, found)
        return
    if mode.reach is Reach.GATEWAY:
        for link in topology.links_of(node):
            if link.component in paths and _leads_to_network(topology.nodes[node], topology.nodes[link.far_end(node)]):
                yield from with_directions(mode, node, link.component)
        return
    if mode.reach is Reach.ADDRESS and mode.record is None and topology.nodes[node].kind is not NodeKind.HOST:
        for end in paths.ends:
            yield Candidate(mode, node, None, Direction.BOTH, mode.prior / len(paths.ends), address=end)
        return
    found = [r for r in records if mode.record and matches_record(mode, r, node, None, paths, topology)]
    yield from _with_records(mode, node, None, found)


def _leads_to_network(node: Node, beyond: Node) -> bool:
    """Whether behind a port of a node is a network in which others than one neighbour may have addresses."""
    switches = node.kind is NodeKind.SWITCH
    if switches and not node.addresses:
        return False
    return beyond.kind is NodeKind.SWITCH or (switches and beyond.kind is NodeKind.HOST)


def _with_records(mode: Mode, node: str, link: str | None, found: Sequence[Record]) -> Iterator[Candidate]:
    if not found and mode.needs_record:
        return
    acts: Sequence[Record | None] = found[:MOST_ACTS] or (None,)
    for record in acts:
        yield from with_directions(mode, node, link, record)


def with_directions(mode: Mode, component: str, link: str | None, record: Record | None = None) -> Iterator[Candidate]:
    """A mode at its place: hurting both directions, and where it can, either alone."""
    both = 1.0 - mode.one_way
    shares = {Direction.BOTH: both, Direction.THERE: mode.one_way / 2, Direction.BACK: mode.one_way / 2}
    for direction, share in shares.items():
        if share > 0:
            yield Candidate(mode, component, link, direction, mode.prior * share, record)


def rank_records(records: Iterable[Record], onsets: Sequence[int]) -> tuple[Record, ...]:
    """In the order in which a cause would rest on them: what was done before what was planned, and what may have hurt
    the service before what cannot; of these what is nearest to an onset of trouble."""
    order = {RecordKind.ENFORCEMENT: 0, RecordKind.OPERATION: 1, RecordKind.PLANNED_CHANGE: 2}

    def rank(record: Record) -> tuple[int, bool, int, int]:
        apart = min((abs(record.interval.start_ns - onset) for onset in onsets), default=0)
        return order.get(record.kind, 3), record.harmful is Condition.NOT_MET, apart, record.interval.start_ns

    return tuple(sorted(records, key=rank))


def matches_record(
    mode: Mode, record: Record, node: str, link: str | None, paths: ServicePaths, topology: Topology
) -> bool:
    """Whether a record is of the kind, and about the place, that a mode says its acts leave behind."""
    if mode.record == "enforcement":
        return record.kind is RecordKind.ENFORCEMENT and (
            record.component == node or (record.component is None and topology.nodes[node].side is record.actor)
        )
    if node not in (record.component, *record.beside) or record.kind is RecordKind.ENFORCEMENT:
        return False
    if record.cloud_call:
        if record.effect is CommandEffectKind.RATE_LIMIT_SET:
            return mode.record == "cloud_limit"
        return mode.record == "cloud" or (mode.record == "cloud_limit" and record.harmful is not Condition.MET)
    if mode.record not in EFFECTS_OF_RECORD or (record.link is not None and record.link not in paths):
        return False
    if mode.record == "diversion" and record.diverts is None:
        return False
    of_any_port = record.effect is CommandEffectKind.CONFIGURATION and mode.record == "port"
    if mode.record in ("port", "port_setting") and record.link != link and not of_any_port:
        return False
    if mode.reach is Reach.EGRESS and record.link not in (None, link):
        return False
    if mode.record == "cut" and (record.kind is not RecordKind.OPERATION or record.actor is not Side.PROVIDER):
        return False
    if mode.record == "cut" and record.protocol is not None:
        return False  # whoever suspends a customer leaves no other protocol to it
    # A ticket may have done more than what its words are about.
    effects = {record.effect, None} if record.kind is RecordKind.PLANNED_CHANGE else {record.effect}
    return bool(effects & EFFECTS_OF_RECORD[mode.record])
