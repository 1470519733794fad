"""Each router runs FRR daemons of its own: configuration, sockets, process ids and logs in a directory of its own.

The daemons speak BGP between the parties and OSPF with internal BGP inside the provider; timers are short, so that a
silent neighbour is noticed within a recording.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import EnvironmentLacking
from tests.lab.network import Network
from tests.lab.plan import Kind, Node, Plan, Side

PROGRAMS = Path("/usr/lib/frr")
HOLD_SECONDS = 3
_START_ORDER = ("zebra", "bfdd", "ospfd", "bgpd")


@dataclass(frozen=True, slots=True)
class Routing:
    """Choices of a scenario about how the routers are configured."""

    bfd: bool = False
    """BFD between customer edge and provider edge, 3 × 300 ms."""
    maximum_prefixes: int | None = None
    """The provider edge ends the session when the customer announces more prefixes than this."""

    spf_delay_ms: int = 10
    """How long OSPF waits after a change before it computes the ways anew."""


class Router:
    """The daemons of one node."""

    def __init__(self, network: Network, node: Node, directory: Path, routing: Routing) -> None:
        self.node = node
        self.directory = directory
        self._network = network
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        directory.mkdir(parents=True)
        shutil.chown(directory, "frr", "frr")  # FRR's daemons drop their privileges before they write here
        self.daemons = tuple(name for name in _START_ORDER if self._wanted(name, routing))
        for name in self.daemons:
            text = _configuration(network.plan, node, name, routing, directory)
            (directory / f"{name}.conf").write_text(text, encoding="ascii")

    def _wanted(self, name: str, routing: Routing) -> bool:
        """Customer edges speak no OSPF; BFD runs only where the scenario wants it."""
        if name == "ospfd":
            return self.node.side is Side.PROVIDER
        return name != "bfdd" or (routing.bfd and self.node.role.startswith(("ce", "pe")))

    def start(self, *names: str) -> None:
        """Start the named daemons, or all of them."""
        for name in names or self.daemons:
            for leftover in (f"{name}.pid", f"{name}.vty"):
                (self.directory / leftover).unlink(missing_ok=True)
            command = [
                "ip", "netns", "exec", self._network.namespace(self.node.role), str(PROGRAMS / name),
                "-f", str(self.directory / f"{name}.conf"), "-i", str(self.directory / f"{name}.pid"),
                "-z", str(self.directory / "zserv.api"), "--vty_socket", str(self.directory),
                "-A", "127.0.0.1", "-P", "0",
            ]
            if name == "bfdd":
                command += ["--bfdctl", str(self.directory / "bfdd.sock")]
            self._processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=(self.directory / f"{name}.err").open("ab"), env={"TZ": "UTC", "PATH": "/usr/sbin:/usr/bin"},
            )
            if name == "zebra":
                _wait_for(self.directory / "zserv.api")

    def kill(self, *names: str) -> None:
        """End the named daemons, or all of them, without giving them a last word."""
        for name in names or tuple(self._processes):
            process = self._processes.pop(name, None)
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
        if not self._processes:
            (self.directory / "zserv.api").unlink(missing_ok=True)

    def freeze(self, *names: str) -> None:
        """The named daemons, or all of them, stand still and answer nobody."""
        for name in names or tuple(self._processes):
            self._processes[name].send_signal(signal.SIGSTOP)

    def thaw(self, *names: str) -> None:
        """The named daemons, or all of them, go on where they stood."""
        for name in names or tuple(self._processes):
            self._processes[name].send_signal(signal.SIGCONT)

    def process_id(self, name: str) -> int:
        """The process id of a running daemon."""
        return self._processes[name].pid

    def command(self, *lines: str) -> str:
        """Type commands into the router's shell."""
        arguments = [argument for line in lines for argument in ("-c", line)]
        done = subprocess.run(
            ["vtysh", "--vty_socket", str(self.directory), *arguments],
            capture_output=True, text=True, check=False, timeout=20,
        )
        if done.returncode != 0:
            raise EnvironmentLacking(f"vtysh on {self.node.role}: {done.stdout.strip()} {done.stderr.strip()}")
        return done.stdout

    @property
    def log(self) -> Path:
        """FRR's own log file, of all the router's daemons together."""
        return self.directory / "frr.log"


def _wait_for(path: Path, seconds: float = 5.0) -> None:
    """Wait until a daemon has opened its socket."""
    deadline = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > deadline:
            raise EnvironmentLacking(f"{path.name}: FRR did not open its socket within {seconds} s")
        time.sleep(0.01)


def _configuration(plan: Plan, node: Node, daemon: str, routing: Routing, directory: Path) -> str:
    """The configuration file of one daemon."""
    head = [
        f"hostname {node.name}", f"log file {directory / 'frr.log'} informational", "log timestamp precision 6",
        "log commands",
    ]
    if daemon == "ospfd":
        return "\n".join([*head, *_ospf(plan, node, routing), ""])
    if daemon == "bgpd":
        return "\n".join([*head, *_bgp(plan, node, routing), ""])
    if daemon == "bfdd":
        profile = ["bfd", " profile access", "  detect-multiplier 3", "  receive-interval 300",
                   "  transmit-interval 300", " exit", "exit"]
        return "\n".join([*head, *profile, ""])
    return "\n".join([*head, ""])


def _ospf(plan: Plan, node: Node, routing: Routing) -> list[str]:
    """OSPF runs on the links between provider routers, point to point, hello 1 s and dead 4 s."""
    lines = []
    for port in plan.ports(node.role):
        inside_core = all(plan.node(other.role).routes and plan.node(other.role).side is Side.PROVIDER
                          for other in plan.segment(port))
        if inside_core:
            lines += [f"interface {port.device}", " ip ospf area 0", " ip ospf network point-to-point",
                      " ip ospf hello-interval 1", " ip ospf dead-interval 4", "exit"]
    router_id = node.loopback.ip if node.loopback is not None else None
    spf = routing.spf_delay_ms
    return [*lines, "interface lo", " ip ospf area 0", "exit", "router ospf", f" ospf router-id {router_id}",
            " log-adjacency-changes", f" timers throttle spf {spf} {max(spf, 50)} {max(spf, 200)}",
            " timers throttle lsa all 0",
            " timers lsa min-arrival 0", "exit"]


def _bgp(plan: Plan, node: Node, routing: Routing) -> list[str]:
    """External BGP between customer and provider edges, internal BGP between all provider routers."""
    assert node.loopback is not None
    lines = [f"router bgp {node.asn}", f" bgp router-id {node.loopback.ip}", " no bgp ebgp-requires-policy",
             " no bgp network import-check", " bgp log-neighbor-changes", f" timers bgp 1 {HOLD_SECONDS}"]
    family = [" address-family ipv4 unicast"]
    policy: list[str] = []
    for other in plan.nodes:
        if other.role == node.role or not other.routes:
            continue
        if node.side is Side.PROVIDER and other.side is Side.PROVIDER:
            assert other.loopback is not None
            peer = other.loopback.ip
            lines += [*_neighbour(str(peer), other), f" neighbor {peer} update-source lo"]
            if node.loopback.ip < peer:
                lines.append(f" neighbor {peer} passive")  # one caller per pair: no colliding connections in the log
            family.append(f"  neighbor {peer} next-hop-self")
            continue
        with contextlib.suppress(KeyError):
            address = plan.address_towards(node.role, other.role)
            lines += _neighbour(str(address), other)
            family += _external(plan, node, other, str(address), routing)
            if routing.bfd:
                lines += [f" neighbor {address} bfd", f" neighbor {address} bfd profile access"]
    family += [f"  network {network}" for network in _sites(plan, node.role)]
    if node.side is Side.PROVIDER or plan.inner_gateway is not None:
        family.append("  redistribute connected")
    if any("route-map backup" in line for line in family):
        policy = ["route-map backup permit 10", f" set as-path prepend {node.asn} {node.asn}", "exit"]
    return [*policy, *lines, *family, " exit-address-family", "exit"]


def _neighbour(address: str, other: Node) -> list[str]:
    """A peer, called by its name in the log, and tried again quickly after a loss."""
    return [f" neighbor {address} remote-as {other.asn}", f" neighbor {address} description {other.name}",
            f" neighbor {address} timers connect 1"]


def _external(plan: Plan, node: Node, other: Node, address: str, routing: Routing) -> list[str]:
    """A dual-homed customer prefers its first access line in both directions."""
    lines = []
    dual = node.role == "ce1" and plan.has_spare_access
    if dual:
        lines.append(f"  neighbor {address} weight {200 if other.role == 'pe1' else 100}")
    if dual and other.role == "pe2":
        lines.append(f"  neighbor {address} route-map backup out")
    if node.side is Side.PROVIDER and routing.maximum_prefixes is not None and other.role == "ce1":
        lines.append(f"  neighbor {address} maximum-prefix {routing.maximum_prefixes}")
    return lines


def _sites(plan: Plan, role: str) -> list[str]:
    """The prefixes that a router announces for the hosts behind it."""
    sites = []
    for host in plan.nodes:
        if host.kind is not Kind.HOST:
            continue
        gateway = plan.gateway(host.role)
        announcer = "ce1" if gateway == plan.inner_gateway else gateway
        address = plan.ports(host.role)[0].address
        if announcer == role and address is not None:
            sites.append(str(address.network))
    return list(dict.fromkeys(sites))
