"""The stage on which a scenario plays: what can be done to the network, and the clock that writes the truth."""

from __future__ import annotations

import contextlib
import ipaddress
import random
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.lab.commands import typing_seconds
from tests.lab.daemons import Router
from tests.lab.happenings import Command, Deed, Happening, Login, Restart, What
from tests.lab.namespaces import inside
from tests.lab.network import Network
from tests.lab.paperwork import AccountEvent, ApiCall, Change, Paperwork
from tests.lab.plan import Link, Plan, Port, Side
from tests.lab.recorders import Meter, Watch
from tests.lab.shapes import Shape

_SPARE_ROUTING = "ip protocol ospf accept; tcp dport 179 accept; tcp sport 179 accept; udp dport 3784 accept"
"""Rules of their own: nftables 1.0 joins two unequal ports in one rule into one comparison, and then spares nothing."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When things are planned to happen, on the wall clock."""

    start: float
    fault: float
    repair: float
    end: float

    @property
    def length(self) -> float:
        """How long the fault is to last."""
        return self.repair - self.fault


@dataclass(frozen=True, slots=True)
class Cause:
    """One true cause, in roles; the export puts names to them."""

    component: tuple[str, ...]
    """One role for a node, two for the link between them."""
    kind: str
    side: Side | None
    start: float
    end: float
    admissible_components: tuple[tuple[str, ...], ...] = ()
    admissible_kinds: tuple[str, ...] = ()


@dataclass(slots=True)
class Stage:
    """A running network, seen by a scenario."""

    plan: Plan
    shape: Shape
    network: Network
    routers: dict[str, Router]
    watch: Watch
    schedule: Schedule
    dice: random.Random
    paperwork: Paperwork
    happenings: list[Happening] = field(default_factory=list)
    causes: list[Cause] = field(default_factory=list)
    dead: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    gauged: bool = False
    """Whether any gauge was made to show something unusual."""
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10000)))
    _losses: dict[Port, list[str]] = field(default_factory=dict)

    # ------------------------------------------------------------ time and truth

    def now(self) -> float:
        """The true time."""
        return time.time()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(max(0.0, seconds))

    def remaining(self) -> float:
        """Seconds until the planned repair."""
        return self.schedule.repair - self.now()

    def last(self) -> None:
        """Let the fault last until its planned repair."""
        self.wait(self.remaining())

    @contextlib.contextmanager
    def cause(
        self, component: str | tuple[str, ...], kind: str, side: Side | None,
        or_components: tuple[tuple[str, ...], ...] = (), or_kinds: tuple[str, ...] = (),
    ) -> Iterator[None]:
        """The body's span of time is this cause's: from before it is injected until after it is repaired."""
        start = self.now()
        yield
        roles = (component,) if isinstance(component, str) else component
        self.causes.append(Cause(roles, kind, side, start, self.now(), or_components, or_kinds))

    # ------------------------------------------------------------ devices

    def crash(self, role: str) -> None:
        """A device loses its power: every neighbour loses the carrier, and nothing is logged here any more."""
        self._mark_dead(role)
        self.network.cut(*self.plan.links_of(role))
        if role in self.routers:
            self.routers[role].kill()

    def boot(self, role: str) -> None:
        """The device comes back: its daemons start anew and its ports come up."""
        self._mark_alive(role)
        self.log(role, Restart())
        self.network.splice(*self.plan.links_of(role))
        if role in self.routers:
            self.routers[role].start()

    def hang(self, role: str) -> None:
        """A device stands still with its links up: it forwards nothing, answers nobody, logs nothing."""
        self._mark_dead(role)
        self.network.load_rules(role, _silence(self.plan.ports(role)))
        if role in self.routers:
            self.routers[role].freeze()

    def reset(self, role: str) -> None:
        """A hung device is reset: its links go down for a moment, then it boots."""
        if role in self.routers:
            self.routers[role].kill()
        self.network.cut(*self.plan.links_of(role))
        self.network.load_rules(role, "delete table netdev silence\n")
        self.wait(0.6)
        self.boot(role)

    def _mark_dead(self, role: str) -> None:
        self.dead.setdefault(role, []).append((self.now(), self.schedule.end + 60))

    def _mark_alive(self, role: str) -> None:
        start, _ = self.dead[role].pop()
        self.dead[role].append((start, self.now()))

    # ------------------------------------------------------------ forwarding

    def lose(self, port: Port, ratio: float, spare_routing: bool = False, match: str = "") -> None:
        """Packets that leave by a port vanish with a probability, uncounted: neither log nor counter shows it.

        Where there is something to match, only what matches vanishes.
        """
        table = f"loss{next(self._numbers)}"
        dice = "" if ratio >= 1 else f"numgen random mod 1000 < {round(ratio * 1000)}"
        self.network.load_rules(port.role, f"""
            table netdev {table} {{
              chain path {{ type filter hook egress device {port.device} priority 0;
                {_SPARE_ROUTING if spare_routing else ""}
                {match} {dice} drop; }}
            }}""")
        self._losses.setdefault(port, []).append(table)

    def heal(self, port: Port) -> None:
        """Lift all losses at a port."""
        for table in self._losses.pop(port, []):
            self.network.load_rules(port.role, f"delete table netdev {table}\n")

    def lose_in_cable(self, link: Link, ratio: float, counted: bool = False) -> None:
        """A bad cable damages frames between the ports; where counted, the receiving port counts them as errors."""
        for port in link.ends:
            inner = self.network.inner_end(port)
            far = link.far_port(port.role)
            self.network.load_cable_rules(f"""
                table netdev {inner} {{
                  counter dropped {{ }}
                  chain path {{ type filter hook ingress device {inner} priority 0;
                    numgen random mod 1000 < {round(ratio * 1000)} counter name dropped drop; }}
                }}""")
            if counted:
                self.watch.meters.append(Meter(self.network.cables, far.role, far.name, "in_errors", inner))

    def heal_cable(self, link: Link) -> None:
        """The cable carries every frame again; what was counted stays counted."""
        for port in link.ends:
            self.network.load_cable_rules(f"delete chain netdev {self.network.inner_end(port)} path\n")

    def drop_forwarded(self, role: str, match: str, spare_routing: bool = False) -> None:
        """A filter on a device drops what it should forward, as far as it matches."""
        self.network.load_rules(role, f"""
            table inet filter{next(self._numbers)} {{
              chain forward {{ type filter hook forward priority 0;
                {_SPARE_ROUTING if spare_routing else ""}
                {match} drop; }}
            }}""")

    def drop_arriving(self, role: str, match: str) -> None:
        """A filter on a host drops what is meant for the host itself, as far as it matches."""
        self.network.load_rules(role, f"""
            table inet filter{next(self._numbers)} {{
              chain input {{ type filter hook input priority 0; {match} drop; }}
            }}""")

    def lift_filters(self, role: str) -> None:
        """Remove every filter from a device."""
        listing = self.network.run(role, "nft", "list", "tables", "inet")
        for line in listing.splitlines():
            self.network.load_rules(role, f"delete {line}\n")

    def isolate(self, port: Port) -> None:
        """A port keeps its light, but its frames go elsewhere: into a wrong VLAN, say. Nothing comes or goes."""
        self.network.load_rules(port.role, f"""
            table netdev isolated{port.device} {{
              chain in {{ type filter hook ingress device {port.device} priority -400; policy drop; }}
              chain out {{ type filter hook egress device {port.device} priority -400; policy drop; }}
            }}""")

    def rejoin(self, port: Port) -> None:
        """The port is back where it belongs."""
        self.network.load_rules(port.role, f"delete table netdev isolated{port.device}\n")

    def police(self, port: Port, bits_per_second: int, direction: str = "ingress") -> None:
        """What passes a port beyond a rate is dropped, and counted as discarded there."""
        octets = bits_per_second // 8
        burst = max(octets // 10, 6000)
        metric = "in_discards" if direction == "ingress" else "out_discards"
        self.network.load_rules(port.role, f"""
            table netdev police{port.device} {{
              counter dropped {{ }}
              chain path {{ type filter hook {direction} device {port.device} priority 0;
                {_SPARE_ROUTING}
                ip protocol {{ icmp, tcp, udp }} limit rate over {octets} bytes/second burst {burst} bytes counter \
name dropped drop; }}
            }}""")
        namespace = self.network.namespace(port.role)
        self.watch.meters.append(Meter(namespace, port.role, port.name, metric, f"police{port.device}"))

    def unpolice(self, port: Port) -> None:
        """Lift the rate limit; the count of what it dropped stands."""
        self.network.load_rules(port.role, f"delete chain netdev police{port.device} path\n")

    def throttle(self, port: Port, bits_per_second: int) -> None:
        """A port sends no faster than a rate; its queue overflows into its discards."""
        device = ("dev", port.device)
        self.network.run(port.role, "ip", "link", "set", *device, "txqueuelen", "20")
        self.network.run(port.role, "tc", "qdisc", "replace", *device, "root", "handle", "1:", "tbf", "rate",
                         f"{bits_per_second}bit", "burst", "6000", "latency", "40ms")
        # Devices serve routing protocols first, and count their queues in packets: a queue counted in octets would
        # always have room for a small packet.
        self.network.run(port.role, "tc", "qdisc", "replace", *device, "parent", "1:1", "pfifo_fast")
        self.network.load_rules(port.role, f"""
            table netdev routing{port.device} {{
              chain path {{ type filter hook egress device {port.device} priority 0;
                ip protocol ospf meta priority set 0:6
                tcp dport 179 meta priority set 0:6
                tcp sport 179 meta priority set 0:6
              }}
            }}""")

    def unthrottle(self, port: Port) -> None:
        """The port sends as fast as it can again."""
        self.network.run(port.role, "tc", "qdisc", "del", "dev", port.device, "root")

    def discard(self, role: str, prefix: str) -> None:
        """A route into the void takes a prefix's packets out of the network without a word to the sender."""
        self.network.run(role, "ip", "route", "add", "blackhole", prefix, "metric", "1")

    def keep(self, role: str, prefix: str) -> None:
        """The route into the void is gone."""
        self.network.run(role, "ip", "route", "del", "blackhole", prefix, "metric", "1")

    def route(self, role: str, prefix: str, next_hop: str) -> None:
        """A static route sends a prefix's packets to a neighbour, whatever the protocols say."""
        self.network.run(role, "ip", "route", "add", prefix, "via", next_hop, "metric", "1")

    def unroute(self, role: str, prefix: str, next_hop: str) -> None:
        """The static route is gone."""
        self.network.run(role, "ip", "route", "del", prefix, "via", next_hop, "metric", "1")

    def configure_bgp(self, role: str, *lines: str, family: bool = False) -> None:
        """Lines of configuration for a router's BGP process, or for its IPv4 routes."""
        router = self.routers[role]
        inner = ("address-family ipv4 unicast",) if family else ()
        router.command("configure terminal", f"router bgp {router.node.asn}", *inner, *lines)

    def pause(self, role: str, daemon: str) -> None:
        """A router's daemon gets no turn of the processor: it neither hears nor says anything."""
        self.routers[role].freeze(daemon)

    def resume(self, role: str, daemon: str) -> None:
        """The daemon gets its turns again."""
        self.routers[role].thaw(daemon)

    def gauge(self, role: str, metric: str, value: float | None, port: str = "") -> None:
        """A device's own gauge stands at a value from now on; None: it shows again what it usually does."""
        self.gauged = True
        if value is None:
            self.watch.gauges.pop((role, port, metric), None)
        else:
            self.watch.gauges[role, port, metric] = value

    # ------------------------------------------------------------ words and papers

    def log(self, role: str, what: What, delay: float = 0.0) -> None:
        """A device has something to log."""
        self.happenings.append(Happening(self.now() + delay, role, what))

    def operate(self, role: str, deed: Deed, subject: str, detail: str = "", user: str = "netadm",
                origin: str = "10.200.9.14") -> None:
        """Somebody types commands on a device, whose log tells who; what they bring about comes after them."""
        command = Command(deed, user, origin, subject, detail)
        self.log(role, command)
        self.wait(typing_seconds(self.plan.node(role).vendor, command))

    def visit(self, role: str, user: str = "netadm", origin: str = "10.200.9.14") -> None:
        """Somebody logs in, shortly before doing something."""
        self.log(role, Login(user, origin))

    def change(self, performed_by: Side, device: str, interface: str, action: str, description: str,
               consented: bool, span: tuple[float, float] | None = None) -> None:
        """A change record, with the other side's consent or without."""
        start, end = span or (self.schedule.fault - 20, self.schedule.repair + 15)
        by = self.dice.choice(("NOC of the other side, ticket 88213", "Li Wei, network operations",
                               "approved by the other side's change board")) if consented else ""
        self.paperwork.changes.append(Change(
            start, end, performed_by, device, interface, action, by,
            min(start, self.schedule.start) - self.dice.randrange(3600, 180000) if consented else None, description,
        ))

    def account(self, moment: float, event: str, detail: str) -> None:
        """Something happened to the customer's account."""
        self.paperwork.account.append(AccountEvent(moment, event, detail))

    def call(self, name: str, parameters: dict[str, object]) -> None:
        """The customer's account calls the cloud API."""
        self.paperwork.calls.append(ApiCall(self.now(), name, parameters))

    def announce_address(self, role: str, address: ipaddress.IPv4Address) -> None:
        """A host tells its neighbours, unasked, that an address is its own."""
        port = self.plan.ports(role)[0]
        own, everyone = bytes.fromhex(port.mac.replace(":", "")), b"\xff" * 6
        frame = everyone + own + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1)
        frame += own + address.packed + everyone + address.packed
        with inside(self.network.namespace(role)):
            handle = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with handle:
            handle.bind((port.device, 0))
            handle.send(frame)


def _silence(ports: tuple[Port, ...]) -> str:
    """Rules under which a node neither hears nor says anything."""
    chains = [
        f"chain {hook}{port.device} {{ type filter hook {hook} device {port.device} priority -500; policy drop; }}"
        for port in ports
        for hook in ("ingress", "egress")
    ]
    return "table netdev silence {\n" + "\n".join(chains) + "\n}\n"
