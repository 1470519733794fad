"""What devices and probes saw, as each side hands it over; a dead device saw nothing."""

from __future__ import annotations

import json
import random

import networkx

from tests.lab.captures import compress, cut_capture, to_pcapng
from tests.lab.cloudmonitor import METRICS, monitor_data
from tests.lab.folder import BundleFolder
from tests.lab.observed import Probe, Walk
from tests.lab.paperwork import stamp
from tests.lab.pathforms import COLUMNS, atlas_results, mtr_report, path_rows
from tests.lab.plan import Link, Plan, Side, Vendor
from tests.lab.recording import Recording
from tests.lab.styles import Style
from tests.lab.syslogs import (
    Clock,
    Envelope,
    Written,
    devices_of,
    frr_file_line,
    frr_syslog,
    wrap,
    written,
    written_by_frr,
)

_PROMETHEUS_NAMES = {"in_octets": "ifHCInOctets", "out_octets": "ifHCOutOctets", "in_discards": "ifInDiscards",
                     "out_discards": "ifOutDiscards", "oper_status": "ifOperStatus"}

_GAUGES = frozenset({"cpu_percent", "memory_percent", "rx_power_dbm"})


class Telemetry:
    """Writes logs, counters, probes, paths, flows and captures of one recording."""

    def __init__(self, recording: Recording, folder: BundleFolder, style: Style, dice: random.Random) -> None:
        self._recording, self._folder = recording, folder
        self._style, self._dice = style, dice
        self._plan: Plan = recording.plan

    def export(self) -> None:
        """Write everything that the style of this bundle calls for."""
        self._export_logs()
        self._export_counters()
        self._export_probes()
        self._export_paths()
        if self._style.with_cloud_monitor:
            self._export_cloud_monitor()
        if self._style.with_flows:
            self._export_flows()
        self._export_captures()

    def _export_logs(self) -> None:
        """One file per device or per side, as the supplier keeps them."""
        for side in Side:
            collected: list[Written] = []
            for node in devices_of(self._recording, side):
                lines = list(written(self._recording, node.role))
                own = list(written_by_frr(self._recording, node.role)) if node.vendor is Vendor.FRR and node.routes \
                    else []
                if not self._style.log_per_device:
                    collected += [*lines, *map(frr_syslog, own)]
                    continue
                if own:
                    text = "".join(frr_file_line(line, self._style.clock(side)) + "\n"
                                   for line in sorted(own, key=lambda line: line.time))
                    self._add_log(f"telemetry/{node.name}-frr.log" if lines else f"telemetry/{node.name}.log", text,
                                  side, node.name)
                if lines:
                    self._add_log(f"telemetry/{node.name}.log", self._wrap(lines, side), side, node.name)
            if collected:
                self._add_log(f"telemetry/syslog-{side}.log", self._wrap(collected, side), side, None)

    def _wrap(self, lines: list[Written], side: Side) -> str:
        """The lines of a file, in the order of their times."""
        clock = self._style.clock(side)
        envelope = self._style.envelope
        if envelope is Envelope.NATIVE and not self._style.log_per_device:
            envelope = Envelope.RFC3164
        return "".join(
            wrap(line, self._plan.node(line.role), envelope, clock, self._dice) + "\n"
            for line in sorted(lines, key=lambda line: line.time)
        )

    def _add_log(self, file: str, text: str, side: Side, device: str | None) -> None:
        self._folder.write(file, text)
        extra: dict[str, object] = {"device": device} if device is not None else {}
        if self._style.clock(side).zone_hours:
            extra["timezone"] = "Asia/Shanghai"
        self._folder.add(file, "syslog", side, **extra)

    def _export_counters(self) -> None:
        """Every reading of every port, as each side's poller stored it; dead devices gave none."""
        for side in Side:
            clock = self._style.clock(side)
            rows = [
                (stamp(clock.reading(sample.time)), self._plan.node(sample.role).name, sample.port, sample.metric,
                 sample.value)
                for sample in self._recording.samples
                if self._plan.node(sample.role).side is side and not self._dead(sample.role, sample.time)
                and (self._style.with_gauges or sample.metric not in _GAUGES)
            ]
            if rows:
                file = self._folder.write_csv(f"telemetry/interfaces-{side}.csv", (
                    "time", "device", "interface", "metric", "value"), rows, self._style.counters_compressed)
                self._folder.add(file, "interface-counters", side)
        if self._style.with_prometheus:
            self._export_prometheus()

    def _export_prometheus(self) -> None:
        """The provider's edge, as its Prometheus answers a range query."""
        series: dict[tuple[str, str], list[list[object]]] = {}
        clock = self._style.clock(Side.PROVIDER)
        for sample in self._recording.samples:
            if sample.role == "pe1" and sample.metric in _PROMETHEUS_NAMES and not self._dead("pe1", sample.time):
                value = sample.value if sample.metric != "oper_status" else 1 if sample.value else 2
                moment = round(clock.reading(sample.time), 3)
                series.setdefault((sample.metric, sample.port), []).append([moment, str(value)])
        name = self._plan.node("pe1").name
        result = [{"metric": {"__name__": _PROMETHEUS_NAMES[metric], "instance": name, "job": "snmp", "ifName": port},
                   "values": values} for (metric, port), values in series.items()]
        answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
        self._folder.write("telemetry/prometheus.json", json.dumps(answer))
        self._folder.add("telemetry/prometheus.json", "prometheus", Side.PROVIDER)

    def _export_probes(self) -> None:
        """End to end by the customer, and each side's own segments."""
        files: dict[tuple[str, Side], list[Probe]] = {}
        for probe in self._recording.probes:
            if self._dead(probe.source, probe.time, 1.0):
                continue
            side = self._plan.node(probe.source).side
            ends = {probe.source, probe.destination} == set(self._plan.ends)
            files.setdefault(("end-to-end", Side.CUSTOMER) if ends else (str(side), side), []).append(probe)
        for (name, side), probes in sorted(files.items()):
            clock = self._style.clock(side)
            rows = [self._probe_row(probe, clock) for probe in sorted(probes, key=lambda probe: probe.time)]
            file = self._folder.write_csv(f"telemetry/probes-{name}.csv", (
                "time", "source", "destination", "kind", "sent", "received", "rtt_avg_ms", "rtt_max_ms", "size"), rows)
            self._folder.add(file, "probes", side)

    def _probe_row(self, probe: Probe, clock: Clock) -> tuple[object, ...]:
        trips = probe.round_trips_ms
        average = f"{sum(trips) / len(trips):.3f}" if trips else ""
        greatest = f"{max(trips):.3f}" if trips else ""
        names = (self._plan.node(probe.source).name, self._plan.node(probe.destination).name)
        return (stamp(clock.reading(probe.time)), *names, probe.kind, probe.sent, probe.received, average, greatest,
                probe.size or "")

    def _export_paths(self) -> None:
        """Traceroutes, by whoever ran them."""
        for side in Side:
            error = self._style.clock(side).error_s
            walks = sorted(
                (walk for walk in self._recording.paths
                 if self._plan.node(walk.source).side is side and not self._dead(walk.source, walk.time)),
                key=lambda walk: walk.time,
            )
            if not walks:
                continue
            if self._style.path_form == "mtr":
                self._export_mtr(walks, side)
            elif self._style.path_form == "atlas":
                self._folder.write(f"telemetry/atlas-{side}.json", atlas_results(self._plan, walks, error))
                self._folder.add(f"telemetry/atlas-{side}.json", "paths", side)
            else:
                rows = path_rows(self._plan, walks, error)
                file = self._folder.write_csv(f"telemetry/paths-{side}.csv", COLUMNS, rows)
                self._folder.add(file, "paths", side)

    def _export_mtr(self, walks: list[Walk], side: Side) -> None:
        """One report per pair before, during and after the trouble, as people take them."""
        schedule, error = self._recording.schedule, self._style.clock(side).error_s
        spans = ((schedule.start, schedule.fault), (schedule.fault, schedule.repair), (schedule.repair, schedule.end))
        for number, (source, destination) in enumerate(sorted({(walk.source, walk.destination) for walk in walks})):
            for part, (start, end) in enumerate(spans):
                taken = [walk for walk in walks if (walk.source, walk.destination) == (source, destination)
                         and start <= walk.time and walk.time + 1 < end]
                if taken:
                    file = f"telemetry/mtr-{side}-{number}-{part}.json"
                    self._folder.write(file, mtr_report(self._plan, taken))
                    self._folder.add(file, "paths", side, time=stamp(taken[0].time + error))

    def _export_cloud_monitor(self) -> None:
        """The dedicated tunnel's traffic, as the customer sees it in the cloud's console."""
        role = "pe1"
        port = self._plan.port(role, "lm1" if self._plan.has("lm1") else "ce1").name
        samples = [sample for sample in self._recording.samples
                   if (sample.role, sample.port) == (role, port) and not self._dead(role, sample.time)]
        for metric in METRICS:
            file = f"telemetry/monitor-{metric}.json"
            error = self._style.clock(Side.PROVIDER).error_s
            self._folder.write(file, monitor_data(metric, self._recording.paperwork.resources.dcx, samples, error))
            self._folder.add(file, "cloud-monitor", Side.PROVIDER)

    def _export_flows(self) -> None:
        """The customer's account of its own streams, with the ways they may have taken."""
        graph = networkx.Graph((self._plan.node(link.ends[0].role).name, self._plan.node(link.ends[1].role).name)
                               for link in self._plan.links if link.listed and not self._is_spare(link))
        clock = self._style.clock(Side.CUSTOMER)
        rows = []
        paths: dict[tuple[str, str], str] = {}
        for flow in self._recording.flows:
            if self._dead(flow.source, flow.time, 2.0):
                continue
            source, destination = self._plan.node(flow.source).name, self._plan.node(flow.destination).name
            if (source, destination) not in paths:
                ways = networkx.all_shortest_paths(graph, source, destination)
                paths[source, destination] = "|".join(sorted(">".join(way) for way in ways))
            path = paths[source, destination]
            rows.append((stamp(clock.reading(flow.time)), source, destination, path, flow.sent, flow.lost, flow.flow,
                         "udp"))
        file = self._folder.write_csv("telemetry/flows.csv", (
            "time", "source", "destination", "path", "sent", "lost", "flow", "protocol"), rows, compressed=True)
        self._folder.add(file, "flows", Side.CUSTOMER)

    def _is_spare(self, link: Link) -> bool:
        """Whether a link is another access line than the first, and carries nothing while the first one stands."""
        ends = {link.ends[0].role, link.ends[1].role} - {"ce1"}
        return len(ends) == 1 and ends.isdisjoint(("pe1", "lm1")) and ends.pop().startswith(("pe", "lm"))

    def _export_captures(self) -> None:
        """Packets at each capture point; a dead device captured none."""
        if not self._recording.captures:
            return
        (self._folder.path / "captures").mkdir()
        span = (self._recording.schedule.start - 1, self._recording.schedule.end)
        for port, source in self._recording.captures:
            node = self._plan.node(port.role)
            file = self._folder.path / "captures" / f"{node.name}-{port.name.replace('/', '_')}.pcap"
            vlan = self._plan.link_of_port(port).vlan
            cut_capture(source, file, span, self._recording.dead.get(port.role, []),
                        self._style.clock(node.side).reading, vlan)
            if self._dice.random() < 0.3:
                file = to_pcapng(file)
            file = compress(file, self._dice.choice(("gz", "zst", "zst")))
            self._folder.add(f"captures/{file.name}", "capture", node.side, device=node.name, interface=port.name)

    def _dead(self, role: str, moment: float, length: float = 0.0) -> bool:
        """Whether a device was dead at some time of a span."""
        spans = self._recording.dead.get(role)
        return spans is not None and any(start < moment + length and moment < end for start, end in spans)
