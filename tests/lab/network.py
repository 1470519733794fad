"""A plan becomes a network: one namespace per node, and between any two ports a cable that can be cut.

A cable is two veth pairs joined by a bridge in a namespace of its own. Taking down the cable's inner ends makes both
nodes lose their carrier while their ports stay administratively up, as a real cut does; taking down a node's own port
is what an operator's `shutdown` does, and the far end then sees a lost carrier too.
"""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.lab.errors import EnvironmentLacking
from tests.lab.namespaces import inside
from tests.lab.plan import Kind, Link, Plan, Port

_SIOCETHTOOL = 0x8946
_OFFLOADS_OFF = (0x15, 0x17, 0x1F, 0x24, 0x2C)
"""ETHTOOL_SRXCSUM, STXCSUM, STSO, SGSO, SGRO: with them on, captures show frames that no wire ever carried."""

_NODE_SETTINGS = {
    "ipv6/conf/all/disable_ipv6": "1",
    "ipv6/conf/default/disable_ipv6": "1",
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    "ipv4/conf/all/send_redirects": "0",
    "ipv4/conf/default/send_redirects": "0",
    "ipv4/icmp_ratelimit": "0",
    "ipv4/icmp_msgs_per_sec": "100000",
    "ipv4/tcp_syn_retries": "3",
    "ipv4/tcp_slow_start_after_idle": "0",
}
_ROUTER_SETTINGS = {"ipv4/ip_forward": "1", "ipv4/fib_multipath_hash_policy": "1"}
_BRIDGE_SETTINGS = {"bridge/bridge-nf-call-iptables": "0", "bridge/bridge-nf-call-arptables": "0"}


class Network:
    """The namespaces of one recording; `build` makes them and `remove` leaves nothing behind."""

    def __init__(self, plan: Plan, prefix: str) -> None:
        self.plan = plan
        self.prefix = prefix
        self.cables = f"{prefix}-cables"

    def namespace(self, role: str) -> str:
        """The name of a node's namespace."""
        return f"{self.prefix}-{role}"

    def build(self) -> None:
        """Make every namespace, cable, bridge, address and default route; routers learn the rest by protocol."""
        _ip_batch("", [f"netns add {self.namespace(node.role)}" for node in self.plan.nodes])
        _ip_batch("", [f"netns add {self.cables}"])
        for node in self.plan.nodes:
            settings = dict(_NODE_SETTINGS)
            if not node.forwards_frames and node.kind is not Kind.HOST:
                settings |= _ROUTER_SETTINGS
            self._configure(self.namespace(node.role), settings)
        self._configure(self.cables, _NODE_SETTINGS)
        for link in self.plan.links:
            self._lay(link)
        for node in self.plan.nodes:
            self._address(node.role)

    def remove(self) -> None:
        """Delete whatever namespaces of this recording exist."""
        listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
        for line in listed.splitlines():
            name = line.split()[0] if line.strip() else ""
            if name.startswith(f"{self.prefix}-"):
                subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def run(self, role: str, *command: str) -> str:
        """Run a command inside a node and return what it printed."""
        return run_inside(self.namespace(role), *command)

    def cut(self, *links: Link) -> None:
        """Both ends of each link lose their carrier at once, neither by anybody's command."""
        _ip_batch(self.cables, [f"link set {name} down" for link in links for name in _inner(link)])

    def splice(self, *links: Link) -> None:
        """The cables are whole again."""
        _ip_batch(self.cables, [f"link set {name} up" for link in links for name in _inner(link)])

    def shut(self, port: Port, up: bool = False) -> None:
        """An operator takes a port down (or up again); the far end's carrier follows."""
        link = self.plan.link_of_port(port)
        own, far = _inner(link) if link.ends[0] == port else reversed(_inner(link))
        state = "up" if up else "down"
        _ip_batch(self.namespace(port.role), [f"link set {port.device} {state}"])
        _ip_batch(self.cables, [f"link set {name} {state}" for name in (own, far)])

    def load_rules(self, role: str, rules: str) -> None:
        """Load nftables rules inside a node."""
        load_rules(self.namespace(role), rules)

    def load_cable_rules(self, rules: str) -> None:
        """Load nftables rules inside the cables: neither end knows of them."""
        load_rules(self.cables, rules)

    def inner_end(self, port: Port) -> str:
        """The cable's own device that faces a port: what enters there has left the port."""
        return _inner(self.plan.link_of_port(port))[self.plan.link_of_port(port).ends.index(port)]

    def _configure(self, namespace: str, settings: dict[str, str]) -> None:
        """Write kernel settings of a namespace."""
        with inside(namespace):
            for name, value in settings.items():
                (Path("/proc/sys/net") / name).write_text(value, encoding="ascii")

    def _lay(self, link: Link) -> None:
        """Lay a cable between two ports."""
        bridge = f"c{link.number}"
        commands = [f"link add {bridge} type bridge mcast_snooping 0 forward_delay 0", f"link set {bridge} up"]
        for port, inner in zip(link.ends, _inner(link), strict=True):
            commands += [
                f"link add {inner} type veth peer name {port.device} netns {self.namespace(port.role)}",
                f"link set {inner} master {bridge}",
                f"link set {inner} up",
            ]
        _ip_batch(self.cables, commands)
        with inside(self.cables):
            _disable_offloads(_inner(link))

    def _address(self, role: str) -> None:
        """Give a node's ports their addresses, or join them in a bridge, and bring them up."""
        node, ports = self.plan.node(role), self.plan.ports(role)
        commands = ["link set lo up"]
        if node.loopback is not None:
            commands.append(f"addr add {node.loopback} dev lo")
        if node.forwards_frames:
            commands += ["link add br0 type bridge mcast_snooping 0 forward_delay 0", "link set br0 up"]
        for port in ports:
            commands.append(f"link set {port.device} address {port.mac}")
            if node.forwards_frames:
                commands.append(f"link set {port.device} master br0")
            elif port.address is not None:
                commands.append(f"addr add {port.address} dev {port.device}")
            commands.append(f"link set {port.device} up")
        if node.kind is Kind.HOST:
            gateway = self.plan.gateway(role)
            commands.append(f"route add default via {self.plan.address_towards(role, gateway)}")
        elif role == self.plan.inner_gateway:
            commands.append(f"route add default via {self.plan.address_towards(role, 'ce1')}")
        elif role == "ce1" and self.plan.inner_gateway is not None:
            inner = str(self.plan.address_towards("ce1", self.plan.inner_gateway))
            commands += [f"route add {subnet} via {inner}" for subnet in self._subnets_behind(self.plan.inner_gateway)]
        _ip_batch(self.namespace(role), commands)
        with inside(self.namespace(role)):
            _disable_offloads(port.device for port in ports)

    def _subnets_behind(self, gateway: str) -> list[str]:
        """The subnets of the hosts that send their packets to a gateway."""
        hosts = [node.role for node in self.plan.nodes if node.kind is Kind.HOST]
        addresses = [port.address for role in hosts if self.plan.gateway(role) == gateway
                     for port in self.plan.ports(role)]
        return list(dict.fromkeys(str(address.network) for address in addresses if address is not None))


def run_inside(namespace: str, *command: str) -> str:
    """Run a command inside a namespace and return what it printed."""
    done = subprocess.run(
        ["ip", "netns", "exec", namespace, *command], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise EnvironmentLacking(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}; expected success")
    return done.stdout


def load_rules(namespace: str, rules: str) -> None:
    """Load nftables rules inside a namespace."""
    done = subprocess.run(
        ["ip", "netns", "exec", namespace, "nft", "-f", "-"], input=rules, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise EnvironmentLacking(f"nft: {done.stderr.strip()}; expected the kernel to take the rules:\n{rules}")


def _inner(link: Link) -> tuple[str, str]:
    """The cable's own devices, in the order of the link's ends."""
    return f"c{link.number}a", f"c{link.number}b"


def _ip_batch(namespace: str, commands: list[str]) -> None:
    """Run many `ip` commands as one process."""
    where = ["-n", namespace] if namespace else []
    done = subprocess.run(
        ["ip", *where, "-batch", "-"], input="\n".join(commands), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise EnvironmentLacking(f"ip: {done.stderr.strip()}; expected success of: {'; '.join(commands)}")


def _disable_offloads(devices: Iterable[str]) -> None:
    """Make the kernel send whole frames with true checksums, as a wire would carry them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        for device in devices:
            for command in _OFFLOADS_OFF:
                value = bytearray(struct.pack("II", command, 0))
                buffer = (ctypes.c_char * len(value)).from_buffer(value)
                request = struct.pack("16sP", device.encode(), ctypes.addressof(buffer))
                fcntl.ioctl(handle, _SIOCETHTOOL, request)
