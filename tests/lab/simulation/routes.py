"""What routers know of the ways: shortest paths inside the provider, and the best exit for each announced prefix."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from tests.lab.plan import Side
from tests.lab.simulation.plan_index import IndexedPlan
from tests.lab.simulation.sessions import Adjacency, Session

Hops = tuple[tuple[int, int], ...]
_LOOPBACK, _CORE_SUBNET = 0, 3


@dataclass(frozen=True, slots=True)
class Announcement:
    """A prefix, and the routers that announce it as their own."""

    low: int
    high: int
    origins: tuple[str, ...]


class RouteTable:
    """Routes from one state of adjacencies, sessions and announcements."""

    def __init__(self, plan: IndexedPlan, adjacencies: list[Adjacency], sessions: list[Session],
                 reflectors: tuple[str, ...], announcements: tuple[Announcement, ...],
                 speakers: frozenset[str]) -> None:
        self._plan, self._reflectors, self._announcements, self._speakers = plan, reflectors, announcements, speakers
        self._neighbours: dict[str, list[tuple[str, int, int]]] = {}
        for adjacency in adjacencies:
            (one, one_port), (other, other_port) = adjacency.ports.items()
            self._neighbours.setdefault(one, []).append((other, one_port, other_port))
            self._neighbours.setdefault(other, []).append((one, other_port, one_port))
        self._internal = {frozenset(session.ends) for session in sessions if session.internal and session.carrying}
        self._external: dict[str, list[Session]] = {}
        for session in sessions:
            if not session.internal and session.carrying:
                for role in session.ends:
                    self._external.setdefault(role, []).append(session)
        self._distances: dict[str, dict[str, int]] = {}
        self._islands: dict[str, str] = {}
        self._core = {
            int(port.address.network.network_address): (port.role, plan.all_ports[plan.far[number]].role)
            for number, port in enumerate(plan.all_ports) if port.address is not None
            and plan.node(port.role).routes and plan.node(port.role).side is Side.PROVIDER
            and plan.node(plan.all_ports[plan.far[number]].role).routes
            and plan.node(plan.all_ports[plan.far[number]].role).side is Side.PROVIDER
        }

    def next_hops(self, role: str, destination: int) -> tuple[int, Hops]:
        """Ports and next hops for a destination, with the width of the prefix that covers it."""
        if self._plan.node(role).side is Side.PROVIDER:
            owner = self._plan.owner.get(destination)
            if owner is not None and owner != role and owner in self._loopbacks(destination, owner):
                return _LOOPBACK, self._shortest(role, owner)
            attached = self._core.get(destination & ~3)
            if attached is not None and role not in attached:
                reachable = [end for end in attached if self._distance(role, end) is not None]
                if reachable:
                    nearest = min(reachable, key=lambda end: (self._distance(role, end), end))
                    return _CORE_SUBNET, self._shortest(role, nearest)
        covering = [item for item in self._announcements if item.low <= destination <= item.high]
        for announcement in sorted(covering, key=lambda item: item.high - item.low):
            hops = self._best(role, announcement)
            if hops:
                return announcement.high - announcement.low, hops
        return 0, ()

    def _loopbacks(self, destination: int, owner: str) -> tuple[str, ...]:
        node = self._plan.node(owner)
        held = node.loopback is not None and int(node.loopback.ip) == destination and node.side is Side.PROVIDER
        return (owner,) if held else ()

    def _best(self, role: str, announcement: Announcement) -> Hops:
        """The way to the best origin or exit, as BGP chooses: shortest AS path, external first, nearest exit."""
        if role in announcement.origins or role not in self._speakers:
            return ()
        if self._plan.node(role).side is not Side.PROVIDER:
            return self._through_provider(role, announcement)
        best: tuple[tuple[int, int, int, str], Hops] | None = None
        for key, hops in self._candidates(role, announcement):
            if best is None or key < best[0]:
                best = (key, hops)
        return best[1] if best is not None else ()

    def _candidates(self, role: str, announcement: Announcement) -> list[tuple[tuple[int, int, int, str], Hops]]:
        found: list[tuple[tuple[int, int, int, str], Hops]] = []
        for origin in announcement.origins:
            if self._plan.node(origin).side is Side.PROVIDER:
                distance = self._distance(role, origin)
                if distance is not None and self._hears(role, origin):
                    found.append(((0, 1, distance, origin), self._shortest(role, origin)))
                continue
            for session in self._external.get(origin, ()):
                edge = session.other(origin)
                length = 1 + self._prepended(origin, edge)
                if edge == role:
                    found.append(((length, 0, 0, edge), ((session.ports[edge], session.addresses[origin]),)))
                    continue
                distance = self._distance(role, edge)
                if distance is not None and self._hears(role, edge):
                    found.append(((length, 1, distance, edge), self._shortest(role, edge)))
        return found

    def _through_provider(self, role: str, announcement: Announcement) -> Hops:
        """A customer's edge prefers its first line, and takes another where the first has no route."""
        for session in sorted(self._external.get(role, ()), key=lambda item: item.other(role)):
            edge = session.other(role)
            others = tuple(origin for origin in announcement.origins if origin != role)
            if edge in announcement.origins or self._candidates(
                    edge, Announcement(announcement.low, announcement.high, others)):
                return ((session.ports[role], session.addresses[edge]),)
        return ()

    def _prepended(self, origin: str, edge: str) -> int:
        """A customer with several lines makes all but the first look long."""
        lines = sorted(session.other(origin) for session in self._plan_lines(origin))
        return 2 * lines.index(edge) if edge in lines else 0

    def _plan_lines(self, origin: str) -> list[Session]:
        return self._external.get(origin, []) if origin == "ce1" else []

    def _hears(self, role: str, other: str) -> bool:
        """Whether internal BGP brings a router's routes to another, directly or by a reflector."""
        if frozenset((role, other)) in self._internal:
            return True
        return any(frozenset((role, item)) in self._internal and frozenset((item, other)) in self._internal
                   for item in self._reflectors if item not in (role, other))

    def reaches(self, role: str, target: str) -> bool:
        """Whether there is a way between two routers of the provider's."""
        if not self._islands:
            for start in self._neighbours:
                if start not in self._islands:
                    self._islands |= dict.fromkeys(self._distances_to(start), start)
        return role in self._islands and self._islands[role] == self._islands.get(target)

    def _distance(self, role: str, target: str) -> int | None:
        return self._distances_to(target).get(role)

    def _distances_to(self, target: str) -> dict[str, int]:
        known = self._distances.get(target)
        if known is None:
            known = {target: 0}
            waiting = deque([target])
            while waiting:
                role = waiting.popleft()
                for neighbour, _, _ in self._neighbours.get(role, ()):
                    if neighbour not in known:
                        known[neighbour] = known[role] + 1
                        waiting.append(neighbour)
            self._distances[target] = known
        return known

    def _shortest(self, role: str, target: str) -> Hops:
        """All ports on shortest paths to a router of the provider's."""
        distances = self._distances_to(target)
        if role not in distances:
            return ()
        hops = []
        for neighbour, port, far in self._neighbours.get(role, ()):
            if distances.get(neighbour) == distances[role] - 1:
                address = self._plan.all_ports[far].address
                assert address is not None
                hops.append((port, int(address.ip)))
        return tuple(hops)
