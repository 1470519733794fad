"""A recording becomes an incident bundle: what each supplier would hand over, in the forms in which it keeps it."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import yaml

from tests.lab.folder import BundleFolder
from tests.lab.paperwork import Change, render_audit, stamp, stamp_seconds
from tests.lab.plan import Plan, Side
from tests.lab.recording import Recording
from tests.lab.scenario import Effect
from tests.lab.stage import Cause
from tests.lab.styles import Style
from tests.lab.telemetry import Telemetry
from tests.lab.testimony import tell
from tests.lab.topologies import topology_as_mapping, write_topology

_TITLES = ("Connection interrupted", "Line unusable", "Complaint about the cross-region connection",
           "Users report that the connection fails", "Cross-region service degraded")


class Exporter:
    """Writes one recording into one folder."""

    def __init__(self, recording: Recording, target: Path, style: Style, dice: random.Random) -> None:
        style = replace(
            style, clocks_set_at=recording.schedule.fault, with_gauges=style.with_gauges or recording.gauged,
            with_flows=style.with_flows or recording.scenario.effect is Effect.PART,
        )  # what nobody measured in a bundle could not be complained of: one class of traffic, a gauge that tells all
        self._recording, self._style, self._dice = recording, style, dice
        self._plan: Plan = recording.plan
        self._folder = BundleFolder(target, style)

    def export(self) -> None:
        """Write the whole bundle, the truth last: where it stands, the bundle is complete."""
        resources = self._recording.paperwork.resources if self._style.ties_resources else None
        mapping = topology_as_mapping(self._plan, self._style.topology, self._dice, resources)
        topology = write_topology(mapping, self._style.topology, self._folder.path)
        Telemetry(self._recording, self._folder, self._style, self._dice).export()
        self._export_paperwork()
        self._write_incident(topology)
        self._write_truth()

    def _export_paperwork(self) -> None:
        """Change calendars by side, the account's history, the account's API calls."""
        papers = self._recording.paperwork
        for side in Side:
            rows = [self._change_row(change) for change in sorted(papers.changes, key=lambda change: change.start)
                    if change.performed_by is side]
            if rows:
                file = self._folder.write_csv(f"records/changes-{side}.csv", (
                    "id", "start", "end", "performed_by", "device", "interface", "action", "consented_by",
                    "consented_at", "description"), rows)
                self._folder.add(file, "change-records", side)
        if papers.account:
            rows = [(stamp_seconds(event.time), event.event, event.detail)
                    for event in sorted(papers.account, key=lambda event: event.time)]
            file = self._folder.write_csv("records/account-events.csv", ("time", "event", "detail"), rows)
            self._folder.add(file, "account-events", Side.PROVIDER)
        if papers.calls:
            self._folder.write("records/cloudaudit.json", render_audit(papers, self._dice))
            self._folder.add("records/cloudaudit.json", "cloud-audit", Side.PROVIDER)

    def _change_row(self, change: Change) -> tuple[object, ...]:
        device = self._plan.node(change.device).name if self._plan.has(change.device) else change.device
        consented_at = stamp_seconds(change.consented_at) if change.consented_at is not None else ""
        return (f"CHG{self._dice.randrange(10000, 99999)}", stamp_seconds(change.start), stamp_seconds(change.end),
                change.performed_by, device, change.interface, change.action, change.consented_by, consented_at,
                change.description)

    def _write_incident(self, topology: str) -> None:
        """What was complained about, and what was handed over."""
        recording = self._recording
        service: dict[str, object] = {"ends": [self._plan.node(role).name for role in self._plan.ends]}
        if recording.scenario.bandwidth_bps is not None:
            service["bandwidth_bps"] = recording.scenario.bandwidth_bps
        elif self._dice.random() < 0.5:
            service["bandwidth_bps"] = 10_000_000
        self._dice.shuffle(self._folder.evidence)
        incident = {
            "schema": 1,
            "id": f"INC-2026-{self._dice.randrange(10000, 99999)}",
            "title": self._dice.choice(_TITLES),
            "agreement": "tencent-cross-region-connection",
            "service": service,
            "window": {"start": stamp_seconds(math.floor(recording.schedule.fault - self._dice.uniform(0, 4))),
                       "end": stamp_seconds(math.ceil(recording.schedule.repair + self._dice.uniform(0, 5)))},
            "topology": topology,
            "evidence": self._folder.evidence,
        }
        self._folder.write("incident.yaml", yaml.safe_dump(incident, sort_keys=False, allow_unicode=True))

    def _write_truth(self) -> None:
        """Who was responsible, by the injection clock."""
        clauses = self._recording.scenario.clauses
        truth = {
            "schema": 1,
            "party": self._recording.scenario.party,
            "clause": None if not clauses else clauses[0] if len(clauses) == 1 else list(clauses),
            "causes": [self._cause(cause) for cause in self._recording.causes],
            "told": [{"device": self._plan.node(said.device).name, "about": self._plan.node(said.about).name}
                     for said in tell(self._plan, self._recording.happenings, self._recording.causes)],
        }
        self._folder.write("truth.yaml", yaml.safe_dump(truth, sort_keys=False, allow_unicode=True))

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
