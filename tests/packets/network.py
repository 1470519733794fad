"""A real path between two hosts, through a router that drops what it is told to drop and counts it.

    one (10.77.1.1) ── router ── two (10.77.2.1)

Network namespaces of this kernel, real TCP, tcpdump on both of the router's ports, iptables as the dropping rule.
Needs root; everything is taken down again, whatever happens.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("ip", "iptables", "tcpdump")
ONE, TWO = "10.77.1.1", "10.77.2.1"


def missing() -> str | None:
    """What this machine lacks to make the network; None where nothing."""
    if os.geteuid() != 0:
        return "needs root to make network namespaces"
    lacking = [program for program in PROGRAMS if shutil.which(program) is None]
    if lacking:
        return f"needs {', '.join(lacking)}"
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return None if probe.returncode == 0 else "network namespaces are not allowed here"


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


@dataclass(slots=True)
class Network:
    """The three namespaces by name, and the captures that run in the router."""

    prefix: str
    captures: list[subprocess.Popen[bytes]] = field(default_factory=list)
    delays: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def one(self) -> str:
        return f"{self.prefix}1"

    @property
    def router(self) -> str:
        return f"{self.prefix}r"

    @property
    def two(self) -> str:
        return f"{self.prefix}2"

    def inside(self, namespace: str, *words: str) -> str:
        return run("ip", "netns", "exec", namespace, *words)

    def drop(self, share: float, *match: str) -> None:
        """Let the router drop this share of what it forwards, at random, where a packet matches."""
        self.inside(
            self.router, "iptables", "-A", "FORWARD", *match, "-m", "statistic", "--mode", "random",
            "--probability", str(share), "-j", "DROP",
        )  # fmt: skip

    def drop_by_kind(self, share: float, source: str) -> None:
        """Let the router drop this share of one host's TCP, each kind by a rule of its own: see `dropped_by_kind`."""
        chain = f"LOST-{source}"
        self.inside(self.router, "iptables", "-N", chain)
        self.inside(
            self.router, "iptables", "-A", "FORWARD", "-p", "tcp", "-s", source, "-m", "statistic", "--mode", "random",
            "--probability", str(share), "-j", chain,
        )  # fmt: skip
        tcp = ("-p", "tcp", "--tcp-flags")
        for match in (
            (*tcp, "SYN,ACK", "SYN"), (*tcp, "SYN,ACK", "SYN,ACK"), (*tcp, "RST", "RST"),
            (*tcp, "SYN,FIN", "NONE", "-m", "length", "--length", "0:80"), (),
        ):  # fmt: skip
            self.inside(self.router, "iptables", "-A", chain, *match, "-j", "DROP")

    def dropped_by_kind(self, source: str) -> dict[str, int]:
        """How many SYNs, answers to one, resets, bare acknowledgements and other segments of a host were dropped."""
        listing = self.inside(self.router, "iptables", "-L", f"LOST-{source}", "-v", "-x", "-n")
        counts = [int(line.split()[0]) for line in listing.splitlines() if " DROP " in line]
        return dict(zip(("syn", "answer", "reset", "acknowledgement", "data"), counts, strict=True))

    def detour(self, port: str, share: float, rate: str = "40mbit") -> None:
        """Let this share of what leaves a port wait in a slower queue, so that what follows overtakes it.

        The queue is a class of the kernel's HTB scheduler, and the capture sees what comes out of it.
        """
        self.inside(self.router, "tc", "qdisc", "add", "dev", port, "root", "handle", "1:", "htb", "default", "1")
        for number, limit in (("1", "40gbit"), ("2", rate)):
            self.inside(
                self.router, "tc", "class", "add", "dev", port, "parent", "1:", "classid", f"1:{number}",
                "htb", "rate", limit, "burst", "20k", "cburst", "2k" if number == "2" else "1m",
            )  # fmt: skip
        self.inside(
            self.router, "iptables", "-t", "mangle", "-A", "POSTROUTING", "-o", port, "-p", "tcp",
            "-m", "statistic", "--mode", "random", "--probability", str(share),
            "-j", "CLASSIFY", "--set-class", "1:2",
        )  # fmt: skip

    def set_tcp(self, **settings: int) -> None:
        """Change how TCP behaves in both hosts: net.ipv4.tcp_<name>."""
        for host in (self.one, self.two):
            for name, value in settings.items():
                self.inside(host, "sysctl", "-qw", f"net.ipv4.tcp_{name}={value}")

    def dropped(self) -> list[int]:
        """What each dropping rule has counted, in the order in which they were made."""
        listing = self.inside(self.router, "iptables", "-L", "FORWARD", "-v", "-x", "-n")
        rules = [line for line in listing.splitlines() if re.search(r"\bDROP\b", line) and "policy" not in line]
        return [int(line.split()[0]) for line in rules]

    def delay(self, port: str, milliseconds: float, reordered: float = 0.0, later_ms: float = 0.0) -> None:
        """Make the cable at the router's port ('left' or 'right') longer, both ways, by a program that holds frames.

        A share of the frames is held longer still, so that others overtake them. Before any traffic.
        """
        host = self.one if port == "left" else self.two
        middle = f"{self.prefix}-{port}"
        run("ip", "netns", "add", middle)
        run("ip", "netns", "exec", host, "ip", "link", "set", "eth", "name", "old")
        address = "10.77.1" if port == "left" else "10.77.2"
        self.inside(host, "ip", "link", "del", "old")
        for space, device, end in ((host, "eth", "host"), (self.router, port, "router")):
            run("ip", "link", "add", device, "netns", space, "type", "veth", "peer", "name", end, "netns", middle)
            self.inside(middle, "ip", "link", "set", end, "up", "promisc", "on", "txqueuelen", "10000")
        for space, device, last in ((host, "eth", 1), (self.router, port, 254)):
            self.inside(space, "ip", "addr", "add", f"{address}.{last}/24", "dev", device)
            self.inside(space, "ip", "link", "set", device, "up", "gso_max_segs", "1", "txqueuelen", "10000")
        self.inside(host, "ip", "route", "add", "default", "via", f"{address}.254")
        self.delays.append(self.start(middle, DELAY, str(milliseconds), str(reordered), str(later_ms)))

    def capture(self, port: str, file: Path, snap: int = 128, namespace: str | None = None) -> None:
        """Record what passes a port ('left' or 'right' of the router, 'eth' of a host) until the network is left."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", namespace or self.router, "tcpdump", "-i", port, "-s", str(snap), "-B", "262144",
             "-Z", "root", "-w", str(file), "ip"],
            stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        process.stderr.readline()
        self.captures.append(process)

    def stop_captures(self, whole: bool = True) -> None:
        """End the captures once they have written all; raises where the kernel dropped packets from a `whole` one."""
        time.sleep(1.5)
        for process in self.captures:
            process.send_signal(signal.SIGINT)
        told = [process.communicate(timeout=60)[1].decode() for process in self.captures]
        self.captures.clear()
        for text in told:
            found = re.search(r"(\d+) packets dropped by kernel", text)
            if whole and found and int(found[1]):
                raise RuntimeError(f"the capture itself lost {found[1]} packets")

    def start(self, namespace: str, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Run a Python program inside a host."""
        return subprocess.Popen(["ip", "netns", "exec", namespace, sys.executable, "-c", program, *arguments])


@contextlib.contextmanager
def network(prefix: str = "attrpk") -> Iterator[Network]:
    """The path, up for the body's time. Segmentation offload is off, so that captures show real packets."""
    net = Network(prefix)
    spaces = (net.one, net.router, net.two)  # and one for each cable that was made longer
    try:
        for space in spaces:
            run("ip", "netns", "add", space)
        for host, port, address in ((net.one, "left", "10.77.1"), (net.two, "right", "10.77.2")):
            run("ip", "link", "add", "eth", "netns", host, "type", "veth", "peer", "name", port, "netns", net.router)
            for space, device, last in ((host, "eth", 1), (net.router, port, 254)):
                net.inside(space, "ip", "addr", "add", f"{address}.{last}/24", "dev", device)
                net.inside(space, "ip", "link", "set", device, "up", "gso_max_segs", "1", "txqueuelen", "10000")
            net.inside(host, "ip", "route", "add", "default", "via", f"{address}.254")
        net.inside(net.router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        yield net
    finally:
        for process in (*net.captures, *net.delays):
            process.kill()
        for space in (*spaces, *(f"{prefix}-{port}" for port in ("left", "right"))):
            subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)


# What hosts run. A server answers each connection in its style: `bulk` only reads, `slow` reads too late, `reset` hangs
# up, `echo` answers. A client opens so many connections, in threads: `bulk` sends an amount of octets, `echo` takes so
# many turns, `again` connects so many times from the same port and resets each, `idle` keeps quiet for so many seconds.

SERVER = """
import socket, sys, threading, time, struct
style, port = sys.argv[1], int(sys.argv[2])
listener = socket.socket(); listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("", port)); listener.listen(512)
def serve(connection):
    try:
        if style == "slow":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            for turn in range(6):
                time.sleep(0.5); connection.recv(20000)
        if style == "reset":
            connection.recv(2000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close(); return
        if style == "echo":
            while data := connection.recv(4096):
                connection.sendall(data[:200])
        while connection.recv(1 << 18): pass
    except OSError: pass
    connection.close()
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
"""

CLIENT = """
import os, socket, struct, sys, threading, time
style, host, port, count, amount = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
block = os.urandom(1 << 16)
def ask(number):
    connection = socket.socket()
    try:
        connection.settimeout(60)
        if style == "again":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connection.bind(("", 20000 + number))
        connection.connect((host, port))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if style == "again":
            connection.send(block[:3000]); connection.recv(2000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close(); return
        if style == "idle":
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
            connection.send(block[:3000]); connection.recv(2000); time.sleep(amount)
            connection.close(); return
        if style == "echo":
            for turn in range(amount):
                connection.sendall(block[:300 + turn % 700]); connection.recv(4096); time.sleep(0.002)
        else:
            left = amount
            while left > 0:
                left -= connection.send(block[:min(left, len(block))])
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096): pass
    except OSError: pass
    connection.close()
def keep_asking(number):
    if style != "again": return ask(number)
    for turn in range(amount): ask(number)
threads = [threading.Thread(target=keep_asking, args=(n,)) for n in range(count)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""

PINGS = """
import socket, struct, sys, time
def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
for number in range(5):
    body = struct.pack(">BBHHH", 8, 0, 0, 77, number) + bytes(56)
    raw.sendto(body[:2] + struct.pack(">H", checksum(body)) + body[4:], (sys.argv[1], 0))
    time.sleep(0.3)
"""

DELAY = """
import heapq, random, select, socket, sys, time
delay, share, later = float(sys.argv[1]) / 1e3, float(sys.argv[2]), float(sys.argv[3]) / 1e3
ends = []
for name in ("host", "router"):
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    end.setsockopt(263, 15, 1)  # PACKET_VNET_HDR: checksums that are not yet filled in stay so
    end.setsockopt(263, 23, 1)  # PACKET_IGNORE_OUTGOING
    end.setsockopt(socket.SOL_SOCKET, 33, 1 << 27)  # SO_RCVBUFFORCE
    end.setsockopt(socket.SOL_SOCKET, 32, 1 << 27)  # SO_SNDBUFFORCE
    end.bind((name, 0)); ends.append(end)
held, number = [], 0
while True:
    now = time.monotonic()
    while held and held[0][0] <= now:
        _, _, out, frame = heapq.heappop(held)
        while True:
            try: out.send(frame); break
            except OSError as problem:
                if problem.errno != 105: break  # ENOBUFS
                time.sleep(0.0001)
    wait = max(0.0, held[0][0] - now) if held else 0.5
    for end in select.select(ends, (), (), wait)[0]:
        out, due = ends[end is ends[0]], time.monotonic() + delay
        try:
            for turn in range(64):
                frame = end.recv(70000, socket.MSG_DONTWAIT); number += 1
                extra = later if share and random.random() < share else 0.0
                heapq.heappush(held, (due + extra, number, out, frame))
        except BlockingIOError: pass
"""
