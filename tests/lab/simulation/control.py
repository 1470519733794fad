"""The routers' daemons, calculated: who notices what, after how long, what it says, and which routes follow.

The delays are those of the laboratory's configuration (`daemons.py`): OSPF hello 1 s and dead 4 s, BGP keepalive 1 s
and hold 3 s, BFD 3 × 300 ms; how long routes and sessions take to come back was read off recorded FRR logs.
"""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

from tests.lab.daemons import HOLD_SECONDS, Router, Routing
from tests.lab.errors import UsageError
from tests.lab.happenings import BgpDown, BgpEnd, BgpUp, Happening, OspfChange
from tests.lab.plan import Node, Side, Vendor
from tests.lab.simulation.clock import Appointment, VirtualClock
from tests.lab.simulation.fabric import Element, Fabric
from tests.lab.simulation.forwarding import Forwarding, Way
from tests.lab.simulation.frr_text import (
    FrrLine,
    adjacency_changed,
    daemons_started,
    dotted,
    routes_exchanged,
    session_gained,
    session_lost,
)
from tests.lab.simulation.plan_index import IndexedPlan
from tests.lab.simulation.routes import Announcement, RouteTable
from tests.lab.simulation.rules import Packet, span
from tests.lab.simulation.sessions import Adjacency, Session, all_sessions, provider_adjacencies

_DEAD_SECONDS = 4
_BFD_SECONDS = 0.9
_SETTLING_SECONDS = 0.03
"""Changes that come this close together are reacted to at once."""

_COLLISIONS = 0.08
"""How often two routers that call each other at once close one connection when it was already up for one of them."""

_DIRECT_STALL, _HELLO_LENGTH, _KEEPALIVE_LENGTH = 4.5, 68, 71
"""A keepalive is sent so many times, on average, before a hold time is over."""


class SimulatedRouter(Router):
    """The daemons of one node, as scenarios command them."""

    def __init__(self, control: ControlPlane, node: Node, process: int) -> None:  # the real one makes files
        self.node = node
        self.directory = Path("/nonexistent") / node.role
        self.daemons = ("zebra", "bgpd")
        self.alive = True
        self.speaks_bgp = True
        self.frozen = self.starved = False
        self._control, self._process = control, process

    def start(self, *names: str) -> None:
        """Start the named daemons, or all of them."""
        self._process += 7
        self._control.start(self, not names or "bgpd" in names)

    def kill(self, *names: str) -> None:
        """End the named daemons, or all of them."""
        self._control.kill(self, everything=not names)

    def freeze(self, *names: str) -> None:
        """The named daemons, or all of them, stand still."""
        self.frozen = self.frozen or not names
        self.starved = "bfdd" in names
        self._control.review_soon()

    def thaw(self, *names: str) -> None:
        """The named daemons, or all of them, go on."""
        self.frozen = self.frozen and bool(names)
        self.starved = False
        self._control.review_soon()

    def process_id(self, name: str) -> int:
        """The process id of a running daemon."""
        return self._process + len(name)

    def command(self, *lines: str) -> str:
        """Type commands into the router's shell."""
        for line in lines:
            self._control.obey(self.node.role, line)
        return ""


class ControlPlane:
    """All daemons of all routers."""

    def __init__(self, plan: IndexedPlan, fabric: Fabric, clock: VirtualClock, routing: Routing,
                 dice: random.Random) -> None:
        self._plan, self._fabric, self._clock, self._routing, self._dice = plan, fabric, clock, routing, dice
        self.happenings: list[Happening] = []
        self.lines: dict[str, list[FrrLine]] = {node.role: [] for node in plan.nodes if node.vendor is Vendor.FRR}
        self.routers = {node.role: SimulatedRouter(self, node, dice.randrange(700, 4000))
                        for node in plan.nodes if node.routes}
        self.adjacencies = provider_adjacencies(plan)
        self.sessions, self._reflectors = all_sessions(plan, routing)
        self._adjacency_at = {number: item for item in self.adjacencies for number in item.ports.values()}
        self._phase = dice.random()
        self._networks = {role: list(self._sites(role)) for role in self.routers}
        self._redistributes = {
            role: self.routers[role].node.side is Side.PROVIDER or (role == "ce1" and plan.inner_gateway is not None)
            for role in self.routers
        }
        self._review_due = self._routes_due = self._spf_due = self._plain = False
        self._inside = self._full()
        self._table = self._first_table = self._tabulate()
        self._rebooted: set[str] = set()
        self.forwarding = Forwarding(fabric, self._next_hops)
        fabric.changed.filters = self.review_soon
        fabric.changed.ways = self._ways_changed
        fabric.changed.ports = self._port_changed

    # ------------------------------------------------------------ what changes

    def review_soon(self) -> None:
        """Look again, once everything that happens at this moment has happened, at who still hears whom."""
        if not self._review_due:
            self._review_due = True
            self._clock.at(self._clock.now, self._review)

    def _ways_changed(self) -> None:
        self.forwarding.forget()
        self.review_soon()

    def _ways_inside_changed(self) -> None:
        """OSPF calculates anew after as long as it was told to wait; until then the old ways hold."""
        if not self._spf_due:
            self._spf_due = True
            delay = max(_SETTLING_SECONDS, self._routing.spf_delay_ms / 1000)
            self._clock.at(self._clock.now + delay, self._calculate_inside)

    def _calculate_inside(self) -> None:
        self._spf_due = False
        self._inside = self._full()
        self._recalculate()

    def _full(self) -> list[Adjacency]:
        return [adjacency for adjacency in self.adjacencies if all(adjacency.full.values())]

    def _routes_changed(self, after: float = _SETTLING_SECONDS) -> None:
        """Calculate routes anew, a moment after the first of several changes."""
        if not self._routes_due or after > _SETTLING_SECONDS:
            self._routes_due = self._routes_due or after <= _SETTLING_SECONDS
            self._clock.at(self._clock.now + after, self._recalculate)

    def _recalculate(self) -> None:
        self._routes_due = False
        self._fabric.changed.before()
        self._table = self._tabulate()
        self._ways_changed()

    def _next_hops(self, role: str, destination: int) -> tuple[int, tuple[tuple[int, int], ...]]:
        """What the router forwards by: after a reboot what its kernel kept, until its daemons know better."""
        width, hops = self._table.next_hops(role, destination)
        if not hops and role in self._rebooted:
            return self._first_table.next_hops(role, destination)
        return width, hops

    def _tabulate(self) -> RouteTable:
        announced: dict[tuple[int, int], list[str]] = {}
        for role in self.routers:
            for spread in self._announced_by(role):
                announced.setdefault(spread, []).append(role)
        announcements = tuple(Announcement(low, high, tuple(origins)) for (low, high), origins in announced.items())
        speakers = frozenset(role for role, router in self.routers.items() if router.speaks_bgp)
        return RouteTable(self._plan, self._inside, self.sessions, self._reflectors, announcements, speakers)

    def _announced_by(self, role: str) -> set[tuple[int, int]]:
        spreads = {span(network) for network in self._networks[role]}
        if self._redistributes[role]:
            spreads |= {span(str(port.address.network)) for port in self._plan.ports(role) if port.address is not None}
        return spreads

    def _sites(self, role: str) -> list[str]:
        """The prefixes that a router announces for the hosts behind it."""
        sites = []
        for node in self._plan.nodes:
            if node.kind != "host":
                continue
            gateway = self._plan.gateway(node.role)
            announcer = "ce1" if gateway == self._plan.inner_gateway else gateway
            address = self._plan.ports(node.role)[0].address
            if announcer == role and address is not None:
                sites.append(str(address.network))
        return list(dict.fromkeys(sites))

    # ------------------------------------------------------------ daemons and commands

    def start(self, router: SimulatedRouter, with_bgp: bool) -> None:
        """Daemons come up after a moment."""
        moment = self._clock.now + self._dice.uniform(0.15, 0.4)

        def come_up() -> None:
            router.alive, router.frozen = True, False
            if with_bgp:
                router.speaks_bgp = True
            self._write(router.node.role, daemons_started(self._clock.now))
            self._routes_changed()
            self.review_soon()

        self._clock.at(moment, come_up)

    def kill(self, router: SimulatedRouter, everything: bool) -> None:
        """Daemons end; whoever still hears the node sees its connections closed."""
        role = router.node.role
        router.speaks_bgp = False
        if everything:
            router.alive = router.frozen = False
            self._rebooted.add(role)
            for adjacency in self.adjacencies:
                if role in adjacency.full:
                    adjacency.full[role] = False
            self._ways_inside_changed()
        for session in self.sessions:
            if session.up.get(role):
                session.up[role] = session.carrying = False
        self._routes_changed()
        self.review_soon()

    def obey(self, role: str, line: str) -> None:
        """A line of FRR's shell."""
        words = line.split()
        if words[:1] == ["configure"] or words[:2] == ["router", "bgp"] or words[:1] == ["address-family"]:
            return
        negated = words[0] == "no"
        rest = words[1:] if negated else words
        if rest[0] == "network":
            self._announce(role, rest[1], not negated)
        elif rest[:2] == ["redistribute", "connected"]:
            self._redistributes[role] = not negated
            self._routes_changed(self._dice.uniform(0.05, 0.6))
        elif rest[0] == "neighbor" and rest[2:] == ["shutdown"]:
            self._shut(role, rest[1], not negated)
        elif rest[0] == "neighbor" and rest[2] == "password":
            self._sign(role, rest[1], not negated)
        elif rest[0] == "neighbor" and rest[2] == "maximum-prefix":
            session = self._session(role, rest[1])
            session.limits.pop(role, None)
            if not negated:
                session.limits[role] = int(rest[3])
        elif rest[:2] == ["clear", "bgp"]:
            session = self._session(role, rest[2])
            session.overflowed = False
            if session.up[role]:
                self._end(session, role, BgpEnd.OTHER, (6, 4))
            self.review_soon()
        else:
            raise UsageError(f"{role}: {line!r} is not simulated; expected network, redistribute connected, "
                             "neighbor … shutdown, password or maximum-prefix, or clear bgp")

    def _announce(self, role: str, prefix: str, announced: bool) -> None:
        networks = self._networks[role]
        if announced and prefix not in networks:
            networks.append(prefix)
        elif not announced and prefix in networks:
            networks.remove(prefix)
        self._routes_changed(self._dice.uniform(0.05, 0.6))
        limit = self._routing.maximum_prefixes
        if limit is None:
            return
        for session in self.sessions:
            if role == "ce1" and role in session.up and len(networks) > limit and not session.overflowed:
                session.overflowed = True
                self._clock.at(self._clock.now + self._dice.uniform(0.2, 1.1),
                               partial(self._end, session, session.other(role), BgpEnd.MAXIMUM_PREFIXES, (6, 1)))

    def _shut(self, role: str, peer: str, shut: bool) -> None:
        session = self._session(role, peer)
        if shut:
            session.shut_by.add(role)
            self._end(session, role, BgpEnd.ADMIN_SHUTDOWN, (6, 2))
        else:
            session.shut_by.discard(role)
            self.review_soon()

    def _sign(self, role: str, peer: str, signed: bool) -> None:
        """A password that only one end knows: each drops what the other sends (RFC 2385)."""
        session = self._session(role, peer)
        session.signed_by ^= {role}
        if session.up[role]:
            self._end(session, role, BgpEnd.OTHER, (6, 6))
        del signed
        self.review_soon()

    def _session(self, role: str, peer: str) -> Session:
        for session in self.sessions:
            if role in session.addresses and dotted(session.addresses[session.other(role)]) == peer:
                return session
        raise UsageError(f"{role}: no BGP peer {peer}; expected an address of a neighbour")

    # ------------------------------------------------------------ who hears whom

    def _port_changed(self, number: int, up: bool, _admin: bool) -> None:
        """A port's own loss of carrier is noticed at once."""
        if up:
            self._routes_changed()
            return
        role = self._plan.all_ports[number].role
        adjacency = self._adjacency_at.get(number)
        if adjacency is not None and adjacency.full[role]:
            self._lose_neighbour(adjacency, role, "KillNbr")
        for session in self.sessions:
            if session.ports.get(role) == number and session.up[role]:
                self._end(session, role, BgpEnd.INTERFACE_DOWN, None)

    def _review(self) -> None:
        self._review_due = False
        self._plain = not (self._fabric.elements or self._fabric.state.queues or self._fabric.state.statics) and all(
            self._fabric.carries(number) and self._lives(role)
            for adjacency in self._inside
            for role, number in adjacency.ports.items()
        )
        for adjacency in self.adjacencies:
            self._review_adjacency(adjacency)
        for session in self.sessions:
            self._review_session(session)

    def _lives(self, role: str) -> bool:
        return self.routers[role].alive and not self.routers[role].frozen

    def _speaks(self, role: str) -> bool:
        return self._lives(role) and self.routers[role].speaks_bgp

    def _heard(self, way: Way, packet: Packet) -> float:
        """The share of packets of that kind that come through a way."""
        if not way.arrives:
            return 0.0
        share = 1.0
        if self._fabric.elements:
            for element in way.elements:
                for chain in self._fabric.elements.get(element, ()):
                    share *= chain.passed(packet)
        if self._fabric.state.queues:
            for kind, number in way.elements:
                if kind == "queue" and (queue := self._fabric.state.queues.get(number)) is not None:
                    share *= 1 - queue.loss
        return share

    def _hello_share(self, adjacency: Adjacency, speaker: str) -> float:
        """How much of one router's hellos its neighbour gets."""
        listener = adjacency.other(speaker)
        out, into = adjacency.ports[speaker], adjacency.ports[listener]
        if not (self._fabric.carries(out) and self._lives(speaker) and self._lives(listener)):
            return 0.0
        if not self._fabric.elements:
            return 1.0
        hello = Packet("ospf", 0, 0, _HELLO_LENGTH)
        elements: tuple[Element, ...] = (("out", out), ("cable", out), ("in", into))
        share = 1.0
        for element in elements:
            for chain in self._fabric.elements.get(element, ()):
                share *= chain.passed(hello)
        return share

    def _review_adjacency(self, adjacency: Adjacency) -> None:
        one, other = adjacency.full
        shares = {one: self._hello_share(adjacency, other), other: self._hello_share(adjacency, one)}
        for role, share in shares.items():
            timer = adjacency.timers.pop(role, None)
            if share == 0.0 and adjacency.full[role] and self._lives(role):
                adjacency.timers[role] = timer if timer is not None and not timer.called_off else self._clock.at(
                    self._clock.now + _DEAD_SECONDS - self._age(),
                    partial(self._lose_neighbour, adjacency, role, "InactivityTimer"))
            elif timer is not None:
                timer.cancel()
            if share > 0 and adjacency.full[role] and not adjacency.full[adjacency.other(role)]:
                self._clock.at(self._clock.now + self._dice.uniform(0.05, 1.0),
                               partial(self._heard_one_way, adjacency, role))
        lossy = any(0 < share < 1 for share in shares.values())
        if lossy and adjacency.trial is None and any(adjacency.full.values()):
            adjacency.trial = self._clock.at(self._clock.now + 1.0, lambda: self._try_hellos(adjacency))
        if min(shares.values()) > 0 and not any(adjacency.full.values()) and adjacency.forming is None:
            adjacency.forming = self._clock.at(self._clock.now + self._dice.uniform(0.25, 1.3),
                                               lambda: self._form(adjacency))

    def _age(self) -> float:
        """How long ago the last message of a neighbour came, at most a period."""
        return min(1.0, (self._clock.now - self._phase) % 1.0 + self._dice.uniform(0.0, 0.02))

    def _try_hellos(self, adjacency: Adjacency) -> None:
        """One second on a lossy line: four hellos lost in a row are one too many."""
        adjacency.trial = None
        for role in adjacency.full:
            share = self._hello_share(adjacency, adjacency.other(role))
            adjacency.misses[role] = 0 if self._dice.random() < share else adjacency.misses[role] + 1
            if adjacency.full[role] and adjacency.misses[role] >= _DEAD_SECONDS:
                self._lose_neighbour(adjacency, role, "InactivityTimer")
        self.review_soon()

    def _heard_one_way(self, adjacency: Adjacency, role: str) -> None:
        if adjacency.full[role] and not adjacency.full[adjacency.other(role)] and \
                self._hello_share(adjacency, adjacency.other(role)) > 0:
            self._lose_neighbour(adjacency, role, "1-WayReceived")

    def _lose_neighbour(self, adjacency: Adjacency, role: str, event: str) -> None:
        adjacency.timers.pop(role, None)
        if not adjacency.full[role]:
            return
        adjacency.full[role] = False
        if self._lives(role):
            self._tell_adjacency(adjacency, role, up=False, event=event)
        self._ways_inside_changed()
        self.review_soon()

    def _form(self, adjacency: Adjacency) -> None:
        adjacency.forming = None
        shares = [self._hello_share(adjacency, role) for role in adjacency.full]
        if min(shares) < 0.3:
            if min(shares) > 0:
                self.review_soon()
            return
        event = "LoadingDone" if self._dice.random() < 0.5 else "ExchangeDone"
        for role in adjacency.full:
            adjacency.full[role], adjacency.misses[role] = True, 0
            self._tell_adjacency(adjacency, role, up=True, event=event)
        self._ways_inside_changed()
        self.review_soon()

    def _tell_adjacency(self, adjacency: Adjacency, role: str, up: bool, event: str) -> None:
        other = adjacency.other(role)
        node, port = self._plan.node(other), self._plan.all_ports[adjacency.ports[role]]
        far = self._plan.all_ports[adjacency.ports[other]].address
        assert far is not None
        assert node.loopback is not None
        assert port.address is not None
        moment = self._clock.now + self._dice.uniform(0.005, 0.012)
        change = OspfChange(str(node.loopback.ip), str(far.ip), port.name, up, event)
        self.happenings.append(Happening(moment, role, change))
        self._write(role, [adjacency_changed(moment, change, port.device, str(port.address.ip))])

    # ------------------------------------------------------------ sessions

    def _share(self, session: Session, speaker: str) -> float:
        """How much of what one speaker says reaches its peer."""
        listener = session.other(speaker)
        if not (self._speaks(speaker) and self._speaks(listener)) or len(session.signed_by) == 1:
            return 0.0
        if session.internal and self._plain:
            return 1.0 if self._table.reaches(speaker, listener) else 0.0
        packet = Packet("tcp", session.addresses[speaker], session.addresses[listener], _KEEPALIVE_LENGTH,
                        179, 33000)
        return self._heard(self.forwarding.way(speaker, packet), packet)

    def _review_session(self, session: Session) -> None:
        one, other = session.ends
        shares = {one: self._share(session, other), other: self._share(session, one)}
        for role, share in shares.items():
            peer_gone = not session.up[session.other(role)]
            timer = session.timers.get(role)
            running = timer is not None and not timer.called_off
            starved = session.bfd and self.routers[session.other(role)].starved
            if session.up[role] and self._speaks(role) and (share == 0.0 or peer_gone or starved):
                if (peer_gone and min(shares.values()) > 0) or (peer_gone and self._closed_aloud(session, role)):
                    self._clock.at(self._clock.now + self._dice.uniform(0.01, 0.4),
                                   partial(self._find_closed, session, role))
                if not running:
                    session.timers[role] = self._expiry(session, role)
            elif timer is not None and running:
                timer.cancel()
        worst = min(shares.values())
        if 0 < worst < 1 and session.trial is None and any(session.up.values()):
            session.trial = self._clock.at(self._clock.now + 1.0, lambda: self._try_keepalives(session))
        if worst > 0 and not any(session.up.values()) and session.forming is None and not session.shut_by \
                and not session.overflowed:
            delay = self._dice.uniform(0.5, 2.2) if session.bfd else self._dice.uniform(0.05, 1.1)
            session.forming = self._clock.at(self._clock.now + delay, lambda: self._establish(session))

    def _closed_aloud(self, session: Session, role: str) -> bool:
        """Whether the peer's kernel lives on without its BGP process, and says that nobody listens any more."""
        peer = session.other(role)
        router = self.routers[peer]
        if not router.alive or router.frozen or router.speaks_bgp:
            return False
        packet = Packet("tcp", session.addresses[peer], session.addresses[role], 40, 179, 33000)
        return self._heard(self.forwarding.way(peer, packet), packet) > 0

    def _expiry(self, session: Session, role: str) -> Appointment:
        if session.bfd:
            return self._clock.at(self._clock.now + _BFD_SECONDS + self._dice.uniform(-0.25, 0.1),
                                  lambda: self._end(session, role, BgpEnd.BFD_DOWN, (6, 10)))
        return self._clock.at(self._clock.now + HOLD_SECONDS - self._age(),
                              lambda: self._end(session, role, BgpEnd.HOLD_TIMER, (4, 0)))

    def _find_closed(self, session: Session, role: str) -> None:
        if session.up[role] and not session.up[session.other(role)] and self._speaks(role):
            self._end(session, role, BgpEnd.PEER_CLOSED, None)

    def _try_keepalives(self, session: Session) -> None:
        """One second on a lossy way: TCP tries again until the hold time is over."""
        session.trial = None
        for role in session.ends:
            loss = 1 - self._share(session, session.other(role))
            stalled = loss ** (2 if session.bfd else _DIRECT_STALL)
            if 0 < loss < 1 and session.up[role] and self._dice.random() < stalled:
                self._end(session, role, BgpEnd.HOLD_TIMER, (4, 0))
        self.review_soon()

    def _end(self, session: Session, role: str, end: BgpEnd, code: tuple[int, int] | None) -> None:
        """One end gives the session up, says so, and tells its peer if it can."""
        timer = session.timers.pop(role, None)
        if timer is not None:
            timer.cancel()
        if not session.up[role]:
            return
        session.up[role] = session.carrying = False
        if self._speaks(role):
            self._tell_lost(session, role, end, code)
        peer = session.other(role)
        if code is not None and end is not BgpEnd.NOTIFICATION_RECEIVED and session.up[peer] \
                and self._share(session, role) > self._dice.random():
            self._end(session, peer, BgpEnd.NOTIFICATION_RECEIVED, code)
        self._routes_changed()
        self.review_soon()

    def _tell_lost(self, session: Session, role: str, end: BgpEnd, code: tuple[int, int] | None) -> None:
        peer = self._plan.node(session.other(role))
        port = self._plan.all_ports[session.ports[role]].name if session.ports else ""
        what = BgpDown(dotted(session.addresses[peer.role]), peer.asn or 0, session.internal, end, code, port)
        moment = self._clock.now + self._dice.uniform(0.001, 0.004)
        self.happenings.append(Happening(moment, role, what))
        self._write(role, session_lost(moment, what, peer.name))

    def _tell_gained(self, session: Session, role: str) -> None:
        peer = self._plan.node(session.other(role))
        what = BgpUp(dotted(session.addresses[peer.role]), peer.asn or 0, session.internal)
        moment = self._clock.now + self._dice.uniform(0.0, 0.001)
        self.happenings.append(Happening(moment, role, what))
        self._write(role, [session_gained(moment, what, peer.name)])

    def _establish(self, session: Session) -> None:
        session.forming = None
        shares = [self._share(session, role) for role in session.ends]
        if min(shares) == 0 or any(session.up.values()) or session.shut_by or session.overflowed:
            return
        if self._dice.random() > min(shares):
            self.review_soon()
            return
        if self._dice.random() < _COLLISIONS:
            role = self._dice.choice(session.ends)
            self._tell_gained(session, role)
            self._tell_lost(session, role, BgpEnd.PEER_CLOSED, None)
            session.forming = self._clock.at(self._clock.now + 1.0, lambda: self._establish(session))
            return
        for role in session.ends:
            session.up[role] = True
            self._tell_gained(session, role)
        limiting = [role for role, limit in sorted(session.limits.items()) if self._told_to(session, role) > limit]
        if limiting:
            session.overflowed = True
            self._clock.at(self._clock.now + self._dice.uniform(0.05, 0.6),
                           lambda: self._end(session, limiting[0], BgpEnd.MAXIMUM_PREFIXES, (6, 1)))
            return
        self._clock.at(self._clock.now + self._dice.uniform(0.3, 1.35), lambda: self._exchange(session))

    def _told_to(self, session: Session, role: str) -> int:
        """How many prefixes one end hears of: its peer's own, and from the provider's edge whatever others announce."""
        peer = session.other(role)
        if self._plan.node(peer).side is not Side.PROVIDER:
            return len(self._announced_by(peer))
        return len({spread for other in self.routers if other != role for spread in self._announced_by(other)})

    def _exchange(self, session: Session) -> None:
        """The peers have told each other their routes."""
        if not session.established:
            return
        session.carrying = True
        for role in session.ends:
            peer = dotted(session.addresses[session.other(role)])
            self._write(role, [routes_exchanged(self._clock.now + self._dice.uniform(0.0, 0.3), peer)])
        self._routes_changed()

    def _write(self, role: str, lines: list[FrrLine]) -> None:
        if role in self.lines:
            self.lines[role] += lines
