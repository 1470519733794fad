"""The calculated network: what is up, what is filtered, what is configured by hand; changed by the same orders.

It takes the place of the laboratory's namespaces: scenarios cut cables, shut ports, load packet filters and type `ip`
and `tc` commands as they do there, and the fabric keeps account of what that means.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.lab.errors import UsageError
from tests.lab.happenings import Happening, LinkChange
from tests.lab.network import Network
from tests.lab.plan import Link, Port
from tests.lab.simulation.clock import VirtualClock
from tests.lab.simulation.plan_index import IndexedPlan
from tests.lab.simulation.rules import Chain, RuleSet, span


@dataclass(frozen=True, slots=True)
class PortState:
    """From a moment on a port was so."""

    moment: float
    admin_up: bool
    up: bool


Element = tuple[str, int]
"""A place that packets pass: "out", "queue", "in" of a port, the "cable" behind it, a "node" that forwards, or the
"end" that takes them."""

_HOOKS = {"egress": "out", "ingress": "in"}


@dataclass(frozen=True, slots=True)
class StaticRoute:
    """A route by hand: into the void, or to a next hop."""

    low: int
    high: int
    next_hop: int | None
    """None for the void."""


@dataclass(slots=True, eq=False)
class Queue:
    """What `tc` puts before a port: a rate, and chance loss."""

    bits_per_second: float | None = None
    loss: float = 0.0
    delay_ms: float = 0.0
    excess: float = 0.0
    """The share that finds no room at present."""
    full: bool = False


@dataclass(slots=True)
class Changes:
    """Who must know when something changes."""

    before: Callable[[], None] = lambda: None
    """Called before anything changes: the time until now was as it was."""
    filters: Callable[[], None] = lambda: None
    ways: Callable[[], None] = lambda: None
    ports: Callable[[int, bool, bool], None] = lambda _port, _up, _admin: None


@dataclass(slots=True)
class State:
    """Everything about the network that can change."""

    admin_up: list[bool]
    inner_up: list[bool]
    rules: dict[str, RuleSet] = field(default_factory=dict)
    queues: dict[int, Queue] = field(default_factory=dict)
    statics: dict[str, list[tuple[str, StaticRoute]]] = field(default_factory=dict)
    extra_addresses: dict[str, list[int]] = field(default_factory=dict)
    heard_at: dict[int, str] = field(default_factory=dict)
    """Whose hardware address others have noted for an address, where it is not its owner's."""


class Fabric(Network):
    """The network of one simulated recording."""

    def __init__(self, plan: IndexedPlan, clock: VirtualClock, dice: random.Random) -> None:
        super().__init__(plan, "sim")
        self.indexed = plan
        self.clock = clock
        self.changed = Changes()
        self.happenings: list[Happening] = []
        self.state = State([True] * len(plan.all_ports), [True] * len(plan.all_ports))
        self.elements: dict[Element, list[Chain]] = {}
        self.meters: list[tuple[Chain, Element]] = []
        self.history: dict[int, list[PortState]] = {}
        self._dice = dice
        self._roles = {self.namespace(node.role): node.role for node in plan.nodes}
        self._inner = {f"c{link.number}{letter}": plan.number_of(end)
                       for link in plan.links for letter, end in zip("ab", link.ends, strict=True)}

    # ------------------------------------------------------------ cables and ports

    def is_up(self, number: int) -> bool:
        """Whether a port has a carrier and nobody shut it."""
        return self.state.admin_up[number] and self.state.inner_up[number]

    def carries(self, number: int) -> bool:
        """Whether the link at a port carries frames."""
        return self.is_up(number) and self.is_up(self.indexed.far[number])

    def cut(self, *links: Link) -> None:
        """Both ends of each link lose their carrier at once."""
        self._set_inner([self.indexed.number_of(end) for link in links for end in link.ends], up=False)

    def splice(self, *links: Link) -> None:
        """The cables are whole again."""
        self._set_inner([self.indexed.number_of(end) for link in links for end in link.ends], up=True)

    def shut(self, port: Port, up: bool = False) -> None:
        """An operator takes a port down (or up again); the far end's carrier follows."""
        number = self.indexed.number_of(port)
        self.changed.before()
        before = self.is_up(number)
        self.state.admin_up[number] = up
        self._note(number, before, self.is_up(number), admin=True)
        self._set_inner([number, self.indexed.far[number]], up, admin=number)

    def _set_inner(self, numbers: list[int], up: bool, admin: int | None = None) -> None:
        self.changed.before()
        for number in numbers:
            before = self.is_up(number)
            self.state.inner_up[number] = up
            self._note(number, before, self.is_up(number), number == admin)
        self.changed.ways()

    def _note(self, number: int, before: bool, now: bool, admin: bool) -> None:
        """A carrier that came or went is a link change, and the routing daemons hear of it."""
        if before == now:
            return
        port = self.indexed.all_ports[number]
        self.history.setdefault(number, []).append(PortState(self.clock.now, self.state.admin_up[number], now))
        moment = self.clock.now + self._dice.uniform(0.001, 0.006)
        self.happenings.append(Happening(moment, port.role, LinkChange(port.name, now, admin)))
        self.changed.ports(number, now, admin)

    # ------------------------------------------------------------ filters

    def load_rules(self, role: str, rules: str) -> None:
        """Load packet filters inside a node."""
        self._load(self.namespace(role), rules)

    def load_cable_rules(self, rules: str) -> None:
        """Load packet filters inside the cables."""
        self._load(self.cables, rules)

    def _load(self, namespace: str, rules: str) -> None:
        self.changed.before()
        self.state.rules.setdefault(namespace, RuleSet()).load(rules)
        self.elements = {}
        for place, ruleset in self.state.rules.items():
            for chain in ruleset.chains():
                element = self._element(place, chain)
                self.elements.setdefault(element, []).append(chain)
                if chain.counts_drops and not any(known is chain for known, _ in self.meters):
                    self.meters.append((chain, element))
        self.changed.filters()

    def _element(self, namespace: str, chain: Chain) -> Element:
        """The place of a packet's way that a chain guards."""
        if namespace == self.cables:
            return "cable", self._inner[chain.device]
        role = self._roles[namespace]
        if chain.hook in ("forward", "input"):
            return "node" if chain.hook == "forward" else "end", self.indexed.node_number[role]
        return _HOOKS[chain.hook], self.indexed.number_of_device(role, chain.device)

    # ------------------------------------------------------------ commands

    def run(self, role: str, *command: str) -> str:
        """Obey a command inside a node, as far as scenarios need any."""
        words = list(command)
        self.changed.before()
        answer = ""
        if words[:3] == ["ip", "route", "add"] or words[:3] == ["ip", "route", "replace"]:
            self._route(role, words[3:])
        elif words[:3] == ["ip", "route", "del"]:
            prefix = words[4] if words[3] == "blackhole" else words[3]
            routes = self.state.statics.get(role, [])
            self.state.statics[role] = [entry for entry in routes if entry[0] != prefix]
        elif words[:2] == ["ip", "addr"] and words[2] in ("add", "del"):
            address = int(ipaddress.IPv4Interface(words[3]).ip)
            held = self.state.extra_addresses.setdefault(role, [])
            held.append(address) if words[2] == "add" else held.remove(address)
        elif words[:3] == ["ip", "link", "set"] and "txqueuelen" in words:
            pass
        elif words[0] == "tc":
            self._queue(role, words[1:])
        elif words[:3] == ["nft", "list", "tables"]:
            tables = self.state.rules.get(self.namespace(role), RuleSet()).tables
            answer = "".join(f"table {family} {name}\n" for family, name in tables
                             if len(words) < 4 or family == words[3])
        else:
            raise UsageError(f"{' '.join(command)}: not simulated; expected ip route, ip addr, tc or nft list tables")
        self.changed.filters()
        self.changed.ways()
        return answer

    def _route(self, role: str, words: list[str]) -> None:
        void = words[0] in ("blackhole", "unreachable", "prohibit")
        prefix = words[1] if void else words[0]
        hop = None if void else int(ipaddress.IPv4Address(words[words.index("via") + 1]))
        low, high = span(prefix)
        self.state.statics.setdefault(role, []).append((prefix, StaticRoute(low, high, hop)))

    def _queue(self, role: str, words: list[str]) -> None:
        """`tc qdisc add|replace|del dev DEVICE root|parent …`: rates, netem's loss and delay."""
        device = words[words.index("dev") + 1]
        number = self.indexed.number_of_device(role, device)
        if words[1] == "del":
            self.state.queues.pop(number, None)
            return
        queue = self.state.queues.setdefault(number, Queue())
        if "tbf" in words:
            queue.bits_per_second = _bits(words[words.index("rate") + 1])
        elif "netem" in words:
            settings = words[words.index("netem") + 1 :]
            for name in ("loss", "corrupt"):
                if name in settings:
                    figures = [word for word in settings[settings.index(name) + 1 :] if word.endswith("%")]
                    queue.loss = 1 - (1 - queue.loss) * (1 - float(figures[0].rstrip("%")) / 100)
            if "delay" in settings:
                queue.delay_ms = float(settings[settings.index("delay") + 1].removesuffix("ms"))
            if "rate" in settings:
                queue.bits_per_second = _bits(settings[settings.index("rate") + 1])
        elif not {"pfifo_fast", "pfifo", "bfifo"} & set(words):
            raise UsageError(f"tc {' '.join(words)}: not simulated; expected tbf, netem or pfifo")

    def note_address(self, role: str, address: int) -> None:
        """A host said, unasked, that an address is its own: everybody on its segment believes it."""
        self.changed.before()
        if role == self.indexed.owner.get(address):
            self.state.heard_at.pop(address, None)
        else:
            self.state.heard_at[address] = role
        self.changed.ways()


def _bits(text: str) -> float:
    """A rate as `tc` takes it."""
    for unit, factor in (("gbit", 1e9), ("mbit", 1e6), ("kbit", 1e3), ("bit", 1.0)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise UsageError(f"{text}: no rate; expected one in bit, kbit, mbit or gbit")
