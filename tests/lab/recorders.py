"""What is written down while the network runs: captures, counters, and every link change the kernel tells of."""

from __future__ import annotations

import json
import random
import select
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab import netlink
from tests.lab.happenings import Happening, LinkChange
from tests.lab.network import Network, run_inside
from tests.lab.plan import Kind, Plan, Port

POLL_SECONDS = 2.0
SNAP_LENGTH = 128


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of one metric of one port."""

    time: float
    role: str
    port: str
    metric: str
    value: float


@dataclass(frozen=True, slots=True)
class Meter:
    """A counter of what a policer or a bad cable dropped, read and added to a port's own counters."""

    namespace: str
    role: str
    port: str
    metric: str
    table: str


class Capture:
    """A running tcpdump at one port."""

    def __init__(self, network: Network, port: Port, file: Path) -> None:
        self.port, self.file = port, file
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", network.namespace(port.role), "tcpdump", "-i", port.device, "-s",
             str(SNAP_LENGTH), "-w", str(file), "-Z", "root", "-B", "4096", "--immediate-mode", "-U"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """End the capture after its last packet is written."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


class Watch:
    """Hears the kernel's link changes in every node and polls the counters of the listed ones, in two threads."""

    def __init__(self, plan: Plan, network: Network) -> None:
        self.changes: list[Happening] = []
        self.samples: list[Sample] = []
        self.meters: list[Meter] = []
        self.gauges: dict[tuple[str, str, str], float] = {}
        """What a scenario makes a device's gauge show: by role, port (empty for the device's own) and metric."""
        self._dice = random.Random(f"gauges {plan.shape} {plan.seed}")
        self._usual = draw_usual(plan, self._dice)
        self._names = {(port.role, port.device): port.name for node in plan.nodes for port in plan.ports(node.role)}
        self._states: dict[tuple[str, str], tuple[bool, bool]] = {}
        self._listeners = {netlink.listen(network.namespace(node.role)): node.role for node in plan.nodes}
        self._counters = {node.role: netlink.open_counters(network.namespace(node.role)) for node in plan.nodes
                          if node.listed}
        self._stop = threading.Event()
        self._threads = (threading.Thread(target=self._hear, name="hear", daemon=True),
                         threading.Thread(target=self._poll_regularly, name="poll", daemon=True))

    def start(self) -> None:
        """Take the present state as given and report every change from now on."""
        for role, handle in self._counters.items():
            for interface in netlink.read_interfaces(handle):
                self._states[role, interface.device] = (interface.admin_up, interface.carrier)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the thread and close its sockets."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(10)
        for handle in (*self._listeners, *self._counters.values()):
            handle.close()

    def _hear(self) -> None:
        while not self._stop.is_set():
            ready, _, _ = select.select(list(self._listeners), [], [], 0.2)
            for handle in ready:
                for interface in netlink.read_changes(handle):
                    self._note(self._listeners[handle], interface)

    def _poll_regularly(self) -> None:
        due = time.time() + 0.5
        while not self._stop.wait(max(0.0, due - time.time())):
            due += POLL_SECONDS
            self._poll()

    def _note(self, role: str, interface: netlink.Interface) -> None:
        """A carrier that came or went is a link change; a port that its own command took down says so."""
        name = self._names.get((role, interface.device))
        before = self._states.get((role, interface.device))
        now = (interface.admin_up, interface.carrier)
        self._states[role, interface.device] = now
        if name is None or before is None or before == now:
            return
        was_up, is_up = all(before), all(now)
        if was_up != is_up:
            admin = before[0] != now[0]
            self.changes.append(Happening(time.time(), role, LinkChange(name, is_up, admin)))

    def _poll(self) -> None:
        """Read all counters once; devices are asked one after the other, as a poller does."""
        policed = {(meter.role, meter.port, meter.metric): self._read_meter(meter) for meter in tuple(self.meters)}
        self._read_gauges()
        for role, handle in self._counters.items():
            now = time.time()
            for interface in netlink.read_interfaces(handle):
                name = self._names.get((role, interface.device))
                if name is None:
                    continue
                readings = dict(interface.counters)
                for metric in ("in_discards", "out_discards", "in_errors"):
                    readings[metric] = readings.get(metric, 0) + policed.get((role, name, metric), 0)
                readings["admin_status"] = int(interface.admin_up)
                readings["oper_status"] = int(interface.admin_up and interface.carrier)
                self.samples += [Sample(now, role, name, metric, value) for metric, value in readings.items()]

    def _read_gauges(self) -> None:
        """Read every gauge once: what it usually shows, give or take a little, or what a scenario makes it show."""
        now = time.time()
        shown = {place: value + self._dice.choice((-1, 0, 0, 1)) for place, value in self._usual.items()} | self.gauges
        self.samples += [Sample(now, role, port, metric, value) for (role, port, metric), value in shown.items()]

    def _read_meter(self, meter: Meter) -> int:
        """The packets that a policer has dropped so far."""
        answer = run_inside(meter.namespace, "nft", "-j", "list", "counter", "netdev",
                            meter.table, "dropped")
        counters = [item["counter"] for item in json.loads(answer)["nftables"] if "counter" in item]
        return int(counters[0]["packets"]) if counters else 0


def draw_usual(plan: Plan, dice: random.Random) -> dict[tuple[str, str, str], float]:
    """How busy each router, gateway and firewall usually is, and how full its memory."""
    usual: dict[tuple[str, str, str], float] = {}
    for node in plan.nodes:
        if node.listed and node.kind in (Kind.ROUTER, Kind.GATEWAY, Kind.FIREWALL):
            usual[node.role, "", "cpu_percent"] = dice.randrange(6, 38)
            usual[node.role, "", "memory_percent"] = dice.randrange(31, 72)
    return usual
