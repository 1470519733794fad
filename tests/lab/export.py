"""A recording becomes an incident bundle: what each supplier would hand over, in the forms in which it keeps it."""

from __future__ import annotations

import csv
import io
import json
import math
import random
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import networkx
import yaml

from tests.lab.captures import compress, cut_capture, to_pcapng
from tests.lab.cloudmonitor import METRICS, monitor_data
from tests.lab.observed import Probe, Walk
from tests.lab.paperwork import Change, render_audit, stamp, stamp_seconds
from tests.lab.pathforms import COLUMNS, atlas_results, mtr_report, path_rows
from tests.lab.plan import Plan, Side, Vendor
from tests.lab.recording import Recording
from tests.lab.stage import Cause
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
from tests.lab.topologies import TopologyStyle, topology_as_mapping, write_topology

_TITLES = ("Connection interrupted", "Line unusable", "Complaint about the cross-region connection",
           "Users report that the connection fails", "Cross-region service degraded")
_GAUGES = frozenset({"admin_status", "oper_status"})
_PROMETHEUS_NAMES = {"in_octets": "ifHCInOctets", "out_octets": "ifHCOutOctets", "in_discards": "ifInDiscards",
                     "out_discards": "ifOutDiscards", "oper_status": "ifOperStatus"}


@dataclass(frozen=True, slots=True)
class Style:
    """The habits of those who export: drawn by seed, so that no two bundles look alike."""

    topology: TopologyStyle
    envelope: Envelope
    log_per_device: bool
    zone_hours: int
    counters_compressed: bool
    with_flows: bool
    with_prometheus: bool
    with_cloud_monitor: bool
    path_form: str
    """"csv", "mtr" or "atlas"."""
    ties_resources: bool
    """Whether the topology says which cloud resources belong to the gateway."""
    clock_errors_s: dict[Side, float] = field(default_factory=dict)
    clock_errors_told: bool = True

    def clock(self, side: Side) -> Clock:
        """How a supplier's clock shows the time."""
        zone = self.zone_hours if self.envelope is not Envelope.RFC5424 else 0
        return Clock(self.clock_errors_s.get(side, 0.0), zone)


def draw_style(dice: random.Random, clock_errors_s: dict[Side, float] | None = None, told: bool = True) -> Style:
    """The exporters' habits for one bundle."""
    return Style(
        topology=TopologyStyle(
            format=dice.choice(("graphml", "json", "yaml")), multigraph=dice.random() < 0.4,
            forgets=dice.choice((0.0, 0.1, 0.2)), names_link_sides=dice.random() < 0.4,
        ),
        envelope=dice.choice(tuple(Envelope)),
        log_per_device=dice.random() < 0.5,
        zone_hours=dice.choice((0, 0, 8)),
        counters_compressed=dice.random() < 0.6,
        with_flows=dice.random() < 0.5,
        with_prometheus=dice.random() < 0.3,
        with_cloud_monitor=dice.random() < 0.3,
        path_form=dice.choice(("csv", "csv", "csv", "mtr", "atlas")),
        ties_resources=dice.random() < 0.5,
        clock_errors_s=clock_errors_s or {},
        clock_errors_told=told,
    )


class Exporter:
    """Writes one recording into one folder."""

    def __init__(self, recording: Recording, workspace: Path, target: Path, style: Style, dice: random.Random) -> None:
        self._recording, self._workspace, self._target = recording, workspace, target
        self._style, self._dice = style, dice
        self._plan: Plan = recording.plan
        self._evidence: list[dict[str, object]] = []

    def export(self) -> None:
        """Write the whole bundle, replacing what stood there."""
        if self._target.exists():
            shutil.rmtree(self._target)
        for folder in ("telemetry", "captures", "records"):
            (self._target / folder).mkdir(parents=True)
        resources = self._recording.paperwork.resources if self._style.ties_resources else None
        mapping = topology_as_mapping(self._plan, self._style.topology, self._dice, resources)
        topology = write_topology(mapping, self._style.topology, self._target)
        self._export_logs()
        self._export_counters()
        self._export_probes()
        self._export_paths()
        if self._style.with_cloud_monitor:
            self._export_cloud_monitor()
        if self._style.with_flows:
            self._export_flows()
        self._export_captures()
        self._export_paperwork()
        if not any((self._target / "records").iterdir()):
            (self._target / "records").rmdir()
        self._write_incident(topology)
        self._write_truth()

    # ------------------------------------------------------------ telemetry

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
        self._write(file, text)
        extra: dict[str, object] = {"device": device} if device is not None else {}
        naive = self._style.envelope is not Envelope.RFC5424 or file.endswith("-frr.log") or "<" not in text[:1]
        if naive and self._style.clock(side).zone_hours:
            extra["timezone"] = "Asia/Shanghai"
        self._add(file, "syslog", side, **extra)

    def _export_counters(self) -> None:
        """Every reading of every port, as each side's poller stored it; dead devices gave none."""
        for side in Side:
            error = self._style.clock(side).error_s
            rows = [
                (stamp(sample.time + error), self._plan.node(sample.role).name, sample.port, sample.metric,
                 sample.value)
                for sample in self._recording.samples
                if self._plan.node(sample.role).side is side and not self._dead(sample.role, sample.time)
            ]
            if rows:
                ending = ".csv.gz" if self._style.counters_compressed else ".csv"
                file = self._write_csv(f"telemetry/interfaces-{side}.csv",
                                       ("time", "device", "interface", "metric", "value"), rows, ending)
                self._add(file, "interface-counters", side)
        if self._style.with_prometheus:
            self._export_prometheus()

    def _export_prometheus(self) -> None:
        """The provider's edge, as its Prometheus answers a range query."""
        series: dict[tuple[str, str], list[list[object]]] = {}
        error = self._style.clock(Side.PROVIDER).error_s
        for sample in self._recording.samples:
            if sample.role == "pe1" and sample.metric in _PROMETHEUS_NAMES and not self._dead("pe1", sample.time):
                value = sample.value if sample.metric != "oper_status" else 1 if sample.value else 2
                moment = round(sample.time + error, 3)
                series.setdefault((sample.metric, sample.port), []).append([moment, str(value)])
        name = self._plan.node("pe1").name
        result = [{"metric": {"__name__": _PROMETHEUS_NAMES[metric], "instance": name, "job": "snmp", "ifName": port},
                   "values": values} for (metric, port), values in series.items()]
        answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
        self._write("telemetry/prometheus.json", json.dumps(answer))
        self._add("telemetry/prometheus.json", "prometheus", Side.PROVIDER)

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
            error = self._style.clock(side).error_s
            rows = [self._probe_row(probe, error) for probe in sorted(probes, key=lambda probe: probe.time)]
            file = self._write_csv(f"telemetry/probes-{name}.csv", (
                "time", "source", "destination", "kind", "sent", "received", "rtt_avg_ms", "rtt_max_ms", "size"), rows)
            self._add(file, "probes", side)

    def _probe_row(self, probe: Probe, error: float) -> tuple[object, ...]:
        trips = probe.round_trips_ms
        average = f"{sum(trips) / len(trips):.3f}" if trips else ""
        greatest = f"{max(trips):.3f}" if trips else ""
        return (stamp(probe.time + error), self._plan.node(probe.source).name, self._plan.node(probe.destination).name,
                probe.kind, probe.sent, probe.received, average, greatest, probe.size or "")

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
                self._write(f"telemetry/atlas-{side}.json", atlas_results(self._plan, walks, error))
                self._add(f"telemetry/atlas-{side}.json", "paths", side)
            else:
                file = self._write_csv(f"telemetry/paths-{side}.csv", COLUMNS, path_rows(self._plan, walks, error))
                self._add(file, "paths", side)

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
                    self._write(file, mtr_report(self._plan, taken))
                    self._add(file, "paths", side, time=stamp(taken[0].time + error))

    def _export_cloud_monitor(self) -> None:
        """The dedicated tunnel's traffic, as the customer sees it in the cloud's console."""
        role = "pe1"
        port = self._plan.port(role, "lm1" if self._plan.has("lm1") else "ce1").name
        samples = [sample for sample in self._recording.samples
                   if (sample.role, sample.port) == (role, port) and not self._dead(role, sample.time)]
        for metric in METRICS:
            file = f"telemetry/monitor-{metric}.json"
            error = self._style.clock(Side.PROVIDER).error_s
            self._write(file, monitor_data(metric, self._recording.paperwork.resources.dcx, samples, error))
            self._add(file, "cloud-monitor", Side.PROVIDER)

    def _export_flows(self) -> None:
        """The customer's account of its own streams, with the ways they may have taken."""
        graph = networkx.Graph((self._plan.node(link.ends[0].role).name, self._plan.node(link.ends[1].role).name)
                               for link in self._plan.links if link.listed)
        error = self._style.clock(Side.CUSTOMER).error_s
        rows = []
        for flow in self._recording.flows:
            if self._dead(flow.source, flow.time, 2.0):
                continue
            source, destination = self._plan.node(flow.source).name, self._plan.node(flow.destination).name
            ways = networkx.all_shortest_paths(graph, source, destination)
            path = "|".join(sorted(">".join(way) for way in ways))
            rows.append((stamp(flow.time + error), source, destination, path, flow.sent, flow.lost, flow.flow, "udp"))
        file = self._write_csv("telemetry/flows.csv", (
            "time", "source", "destination", "path", "sent", "lost", "flow", "protocol"), rows, ".csv.gz")
        self._add(file, "flows", Side.CUSTOMER)

    def _export_captures(self) -> None:
        """Packets at each capture point; a dead device captured none."""
        span = (self._recording.schedule.start - 1, self._recording.schedule.end)
        for port, source in self._recording.captures:
            node = self._plan.node(port.role)
            error = self._style.clock(node.side).error_s
            file = self._target / "captures" / f"{node.name}-{port.name.replace('/', '_')}.pcap"
            vlan = self._plan.link_of_port(port).vlan
            cut_capture(source, file, span, self._recording.dead.get(port.role, []), error, vlan)
            if self._dice.random() < 0.3:
                file = to_pcapng(file)
            file = compress(file, self._dice.choice(("gz", "zst", "zst")))
            self._add(f"captures/{file.name}", "capture", node.side, device=node.name, interface=port.name)

    # ------------------------------------------------------------ records

    def _export_paperwork(self) -> None:
        """Change calendars by side, the account's history, the account's API calls."""
        papers = self._recording.paperwork
        for side in Side:
            rows = [self._change_row(change) for change in sorted(papers.changes, key=lambda change: change.start)
                    if change.performed_by is side]
            if rows:
                file = self._write_csv(f"records/changes-{side}.csv", (
                    "id", "start", "end", "performed_by", "device", "interface", "action", "consented_by",
                    "consented_at", "description"), rows)
                self._add(file, "change-records", side)
        if papers.account:
            rows = [(stamp_seconds(event.time), event.event, event.detail)
                    for event in sorted(papers.account, key=lambda event: event.time)]
            file = self._write_csv("records/account-events.csv", ("time", "event", "detail"), rows)
            self._add(file, "account-events", Side.PROVIDER)
        if papers.calls:
            self._write("records/cloudaudit.json", render_audit(papers, self._dice))
            self._add("records/cloudaudit.json", "cloud-audit", Side.PROVIDER)

    def _change_row(self, change: Change) -> tuple[object, ...]:
        device = self._plan.node(change.device).name if self._plan.has(change.device) else change.device
        consented_at = stamp_seconds(change.consented_at) if change.consented_at is not None else ""
        return (f"CHG{self._dice.randrange(10000, 99999)}", stamp_seconds(change.start), stamp_seconds(change.end),
                change.performed_by, device, change.interface, change.action, change.consented_by, consented_at,
                change.description)

    # ------------------------------------------------------------ the bundle's own files

    def _write_incident(self, topology: str) -> None:
        """What was complained about, and what was handed over."""
        recording = self._recording
        service: dict[str, object] = {"ends": [self._plan.node(role).name for role in self._plan.ends]}
        if recording.scenario.bandwidth_bps is not None:
            service["bandwidth_bps"] = recording.scenario.bandwidth_bps
        elif self._dice.random() < 0.5:
            service["bandwidth_bps"] = 10_000_000
        self._dice.shuffle(self._evidence)
        incident = {
            "schema": 1,
            "id": f"INC-2026-{self._dice.randrange(10000, 99999)}",
            "title": self._dice.choice(_TITLES),
            "agreement": "tencent-cross-region-connection",
            "service": service,
            "window": {"start": stamp_seconds(math.floor(recording.schedule.fault - self._dice.uniform(0, 4))),
                       "end": stamp_seconds(math.ceil(recording.schedule.repair + self._dice.uniform(0, 5)))},
            "topology": topology,
            "evidence": self._evidence,
        }
        self._write("incident.yaml", yaml.safe_dump(incident, sort_keys=False, allow_unicode=True))

    def _write_truth(self) -> None:
        """Who was responsible, by the injection clock."""
        clauses = self._recording.scenario.clauses
        truth = {
            "schema": 1,
            "party": self._recording.scenario.party,
            "clause": None if not clauses else clauses[0] if len(clauses) == 1 else list(clauses),
            "causes": [self._cause(cause) for cause in self._recording.causes],
        }
        self._write("truth.yaml", yaml.safe_dump(truth, sort_keys=False, allow_unicode=True))

    def _cause(self, cause: Cause) -> dict[str, object]:
        entry: dict[str, object] = {
            "component": self._component(cause.component), "kind": cause.kind,
            "side": str(cause.side) if cause.side is not None else None,
            "start": stamp(cause.start), "end": stamp(cause.end),
        }
        if cause.admissible_components:
            entry["admissible_components"] = [self._component(roles) for roles in cause.admissible_components]
        if cause.admissible_kinds:
            entry["admissible_kinds"] = list(cause.admissible_kinds)
        return entry

    def _component(self, roles: tuple[str, ...]) -> str:
        return "--".join(sorted(self._plan.node(role).name for role in roles))

    # ------------------------------------------------------------ files

    def _dead(self, role: str, moment: float, length: float = 0.0) -> bool:
        """Whether a device was dead at some time of a span."""
        return any(start < moment + length and moment < end for start, end in self._recording.dead.get(role, ()))

    def _add(self, file: str, kind: str, side: Side, **extra: object) -> None:
        entry: dict[str, object] = {"file": file, "type": kind, "supplied_by": str(side), **extra}
        error = self._style.clock(side).error_s
        timed = kind not in ("change-records", "account-events", "cloud-audit")
        if error and timed and self._style.clock_errors_told:
            entry["clock_offset_s"] = round(-error, 3)
        self._evidence.append(entry)

    def _write(self, file: str, text: str) -> None:
        (self._target / file).write_text(text, encoding="utf-8")

    def _write_csv(self, file: str, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]],
                   ending: str = ".csv") -> str:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
        self._write(file, buffer.getvalue())
        if ending == ".csv.gz":
            compress(self._target / file, "gz")
        return str(Path(file).with_suffix(ending)) if ending != ".csv" else file


def bundle_files(folder: Path) -> Iterator[Path]:
    """All files of a bundle."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
