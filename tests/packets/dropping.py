"""Traffic through a router that drops a share of it and counts each kind, and what one capture point says of it.

Captures stand on the router's both ports, so that every drop lies between them.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, replace
from pathlib import Path

from attribution.model.incident import EvidenceType, Origin
from attribution.packets import Capture, following, read_capture
from attribution.packets.columns import IP_ID, TCP
from attribution.packets.figures import ends_of
from attribution.packets.one_point.state import UPSTREAM, UPSTREAM_BARE
from attribution.packets.survey import survey_capture
from tests.packets import network


@dataclass(frozen=True)
class Condition:
    """What is done to the traffic. Delays are in milliseconds, on the cable of one host, both ways."""

    loss: float
    where: str = "both"  # there, back, both
    traffic: str = "bulk talk short"
    left_ms: float = 0.0
    right_ms: float = 0.0
    reordered: float = 0.0
    sack: bool = True
    timestamps: bool = True

    def __str__(self) -> str:
        words = [f"{self.loss:.1%}", self.where, self.traffic]
        words += [f"{side} +{ms:g} ms" for side, ms in (("left", self.left_ms), ("right", self.right_ms)) if ms]
        words += [f"{self.reordered:.0%} reordered"] if self.reordered else []
        return ", ".join(words + ["no SACK"] * (not self.sack) + ["no timestamps"] * (not self.timestamps))


SERVER = """
import socket, struct, threading
listener = socket.socket(); listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("", 5001)); listener.listen(4096)
block = bytes(range(256)) * 4096
def serve(connection):
    try:
        with connection:
            connection.setsockopt(socket.SOL_SOCKET, 47, 3_000_000)  # SO_MAX_PACING_RATE
            while True:
                head = connection.recv(8, socket.MSG_WAITALL)
                if len(head) < 8: return
                up, down = struct.unpack(">II", head)
                while up > 0:
                    got = connection.recv(min(up, 1 << 18))
                    if not got: return
                    up -= len(got)
                while down > 0: down -= connection.send(block[:min(down, len(block))])
    except OSError: pass
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
"""

CLIENT = """
import random, socket, struct, sys, threading, time
host, lines, connections, turns, up, down, pause_ms, seconds = sys.argv[1], *map(int, sys.argv[2:])
block = bytes(range(256)) * 4096
end = time.monotonic() + seconds
def talk(connection):
    for turn in range(turns):
        if time.monotonic() > end: return
        scale = 1 if up + down > 50000 else random.choice((1, 1, 0.5, 2))
        sent, asked = int(up * scale), int(down * scale)
        first = min(sent, 60000)
        connection.sendall(struct.pack(">II", sent, asked) + block[:first])
        while sent > first: sent -= connection.send(block[:min(sent - first, len(block))])
        while asked > 0:
            got = connection.recv(min(asked, 1 << 18))
            if not got: return
            asked -= len(got)
        if pause_ms: time.sleep(random.random() * 2 * pause_ms / 1e3)
def one():
    for number in range(connections):
        if time.monotonic() > end: return
        try:
            with socket.create_connection((host, 5001), timeout=60) as connection:
                connection.setsockopt(socket.SOL_SOCKET, 47, 3_000_000)
                talk(connection)
        except OSError: pass
threads = [threading.Thread(target=one) for n in range(lines)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@dataclass(frozen=True)
class Recorded:
    """Two capture files, and what the rules counted of each direction, by kind."""

    left: Path
    right: Path
    dropped: dict[str, dict[str, int]]
    condition: Condition

    def upstream(self, way: str) -> int:
        """How many segments the farther point can know to have been lost before it.

        Those with octets or FIN, and answers to SYNs. An opening SYN that never came leaves no trace.
        """
        counts = self.dropped[way]
        return counts["data"] + counts["answer"]

    def downstream(self, way: str) -> int:
        """How many segments the nearer point can know to have been lost beyond it: all but bare acknowledgements."""
        counts = self.dropped[way]
        return counts["data"] + counts["answer"] + counts["syn"]


def record(folder: Path, condition: Condition, seconds: int = 25, drops: int = 1400) -> Recorded:
    """Let the hosts talk for some seconds under a condition; bulk transfers are sized for so many drops each way."""
    folder.mkdir(parents=True, exist_ok=True)
    left, right = folder / "left.pcap", folder / "right.pcap"
    with network.network(f"op{os.getpid()}") as net:
        for port, ms in (("left", condition.left_ms), ("right", condition.right_ms)):
            if ms:
                net.delay(port, ms, condition.reordered, 3.0)
        for host in (net.one, net.two):
            net.inside(host, "sysctl", "-qw", f"net.ipv4.tcp_sack={int(condition.sack)}")
            net.inside(host, "sysctl", "-qw", f"net.ipv4.tcp_timestamps={int(condition.timestamps)}")
        for way, source in (("there", network.ONE), ("back", network.TWO)):
            net.drop_by_kind(condition.loss if condition.where in (way, "both") else 0.0, source)
        net.capture("left", left)
        net.capture("right", right)
        server = net.start(net.two, SERVER)
        time.sleep(0.5)
        clients = [net.start(net.one, CLIENT, network.TWO, *job) for job in _jobs(condition, seconds, drops)]
        deadline = time.monotonic() + seconds + 3
        while any(client.poll() is None for client in clients) and time.monotonic() < deadline:
            time.sleep(0.1)
        for client in clients:
            client.kill()
        time.sleep(0.5)
        net.start(net.one, network.PINGS, network.TWO).wait(timeout=20)
        server.kill()
        net.stop_captures()
        dropped = {"there": net.dropped_by_kind(network.ONE), "back": net.dropped_by_kind(network.TWO)}
    return Recorded(left, right, dropped, condition)


def _jobs(condition: Condition, seconds: int, drops: int) -> list[list[str]]:
    """Arguments of the client programs: lines, connections each, turns each, octets up and down, pause, seconds."""
    jobs = []
    if "bulk" in condition.traffic:
        lines = 10 if condition.loss < 0.05 else max(10, min(40, drops // 35))
        amount = int(min(500e6, drops * 1448 / condition.loss) / lines) // 1448 * 1448 + 700
        jobs += [(lines, 1, 1, amount, 100, 0, seconds), (lines, 1, 1, 100, amount, 0, seconds)]
    if "talk" in condition.traffic:
        jobs.append((60, 1, 100000, 400, 700, 10, seconds))
    if "short" in condition.traffic:
        jobs.append((40, 100000, 1, 500, 4000, 3, seconds))
    return [[str(word) for word in job] for job in jobs]


def renumbered(capture: Capture, numbers: str) -> Capture:
    """The capture as if its senders filled the IP identification another way."""
    if numbers == "own":
        return capture
    drawn = random.Random(1)

    def number_of(number: int) -> int:
        if number < 0 or numbers == "zero":
            return min(number, 0)
        return drawn.randrange(1 << 16) if numbers == "random" else (number & 0xFF) << 8 | number >> 8

    packets = tuple((*row[:IP_ID], number_of(row[IP_ID]), *row[IP_ID + 1 :]) for row in capture.packets)
    return replace(capture, packets=packets)


@dataclass
class Figures:
    """What one point says of one direction."""

    sent: int = 0
    upstream: int = 0
    upstream_bare: int = 0
    downstream: int = 0
    unanswered: int = 0


def seen_from(file: Path, numbers: str = "own") -> dict[str, Figures]:
    """The figures of one capture alone, by direction."""
    origin = Origin(file.name, EvidenceType.CAPTURE, device=file.stem)
    survey = survey_capture(renumbered(read_capture(file.read_bytes(), origin), numbers))
    found = {"there": Figures(), "back": Figures()}
    for seen in survey.bins:
        if seen.protocol == TCP:
            figures = found["there" if seen.source == network.ONE else "back"]
            figures.sent += seen.passed
            figures.upstream += seen.lost_upstream
            figures.downstream += seen.lost_downstream
            figures.unanswered += seen.unanswered
    for flow in survey.ledger.flows():
        row, progress = survey.ledger.rows_of(flow)
        for side, ((address, _), _) in enumerate((ends_of(row[:5]), ends_of(row[:5])[::-1])):
            bare = progress[following.PROGRESS_LOST + following.LOST_KINDS * side + UPSTREAM_BARE - UPSTREAM]
            found["there" if address == network.ONE else "back"].upstream_bare += bare
    return found
