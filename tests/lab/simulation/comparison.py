"""Laboratory against simulator: what recorded bundles show, and what simulated ones of the same scenario and shape do.

Both are read as `attribution` reads them, without captures, which the simulator has none of: loss between the ends,
length of the interruption, who logs what, which alarms are found about which role, and the verdict.
"""

from __future__ import annotations

import csv
import itertools
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import networkx
import yaml

from attribution.bundle import open_bundle
from attribution.model.incident import Interval
from attribution.model.observation import LogEvent, LogKind
from attribution.model.topology import Topology
from attribution.model.verdict import Verdict
from attribution.pipeline import Reading, decide, gather
from tests.lab.collection import KEPT
from tests.lab.errors import RecordingRefused, UsageError
from tests.lab.naming import draw_plan
from tests.lab.plan import Plan
from tests.lab.scenario import Scenario
from tests.lab.scenarios import scenario_named
from tests.lab.shapes import Shape, shape_named
from tests.lab.simulation.corpus import SimulatedDraw, write_simulation

_GRACE_SECONDS = 1.5
_LARGE_ECHO = "1400"
_BETWEEN_TWINS = 1_000_003
_UNREMARKABLE = frozenset({LogKind.LOGIN, LogKind.ROUTINE, LogKind.COMMAND, LogKind.CONFIG_CHANGED,
                           LogKind.CLOCK_CHANGED})
"""What is said in any log; decoys and routine lines are the same in a twin anyway."""

Sign = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A bundle of the laboratory, and how it came about."""

    folder: Path
    scenario: Scenario
    shape: Shape
    seed: int
    clock_errors: tuple[str, ...]
    clock_told: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """What a bundle shows, by role instead of by name."""

    loss: float
    """The share of small echoes between the ends that was lost while the causes lasted."""
    interrupted: float
    """Seconds in which most echoes were lost, for each second that the causes lasted."""
    logged: frozenset[Sign]
    """Role, kind and reason of every remarkable log line."""
    alarms: frozenset[Sign]
    """Component and kind of every alarm found."""
    party: str
    component: str


@dataclass(frozen=True, slots=True)
class Likeness:
    """A recording and its simulated twin."""

    recorded: Recorded
    lab: Picture
    simulated: Picture

    @property
    def alarm_precision(self) -> float:
        """The share of the simulator's alarms that the laboratory has too."""
        return _share(self.lab.alarms & self.simulated.alarms, self.simulated.alarms)

    @property
    def alarm_recall(self) -> float:
        """The share of the laboratory's alarms that the simulator has too."""
        return _share(self.lab.alarms & self.simulated.alarms, self.lab.alarms)

    @property
    def log_precision(self) -> float:
        """The share of the simulator's kinds of line that the laboratory has too."""
        return _share(self.lab.logged & self.simulated.logged, self.simulated.logged)

    @property
    def log_recall(self) -> float:
        """The share of the laboratory's kinds of line that the simulator has too."""
        return _share(self.lab.logged & self.simulated.logged, self.lab.logged)


def _share(part: frozenset[Sign], whole: frozenset[Sign]) -> float:
    return len(part) / len(whole) if whole else 1.0


def recorded_bundles(corpus: Path) -> Iterator[Recorded]:
    """The full recordings of a corpus: those of its manifest, or of the repository's collection."""
    manifest = corpus / "manifest.csv"
    rows: list[tuple[str, str, str, int, str, bool]] = []
    if manifest.exists():
        with manifest.open(encoding="utf-8") as file:
            rows = [(row["folder"], row["scenario"], row["topology"], int(row["seed"]), row["clock_error"],
                     row["clock_told"] == "True") for row in csv.DictReader(file) if row["profile"] == "all"]
    else:
        rows = [(kept.folder, kept.scenario, kept.topology, kept.seed,
                 " ".join(error for option, error in itertools.pairwise(kept.clocks) if option == "--clock-error"),
                 "--clock-untold" not in kept.clocks) for kept in KEPT if kept.profile == "all"]
    for folder, name, topology, seed, error, told in rows:
        scenario, shape = scenario_named(name), shape_named(topology)
        if scenario is not None and shape is not None and (corpus / folder / "truth.yaml").exists():
            yield Recorded(corpus / folder, scenario, shape, seed, tuple(error.split()), told)


def compare(recorded: Recorded, seed: int) -> Likeness:
    """A recording against a simulated incident of the same scenario and shape."""
    names = _names_used(recorded)
    with tempfile.TemporaryDirectory(prefix="attribution-comparison-") as name:
        folder = Path(name)
        _copy_without_captures(recorded.folder, folder / "lab")
        draw = SimulatedDraw(0, recorded.scenario.name, recorded.shape.name, seed, names, recorded.clock_errors, (),
                             recorded.clock_told, "simulated")
        write_simulation(draw, folder)
        return Likeness(recorded, _picture(folder / "lab", recorded, recorded.seed, names),
                        _picture(folder / "simulated", recorded, seed, names))


def _copy_without_captures(bundle: Path, target: Path) -> None:
    """The same bundle with what a simulated one can have."""
    shutil.copytree(bundle, target, ignore=shutil.ignore_patterns("captures"))
    incident = yaml.safe_load((bundle / "incident.yaml").read_text(encoding="utf-8"))
    incident["evidence"] = [entry for entry in incident["evidence"] if entry["type"] != "capture"]
    (target / "incident.yaml").write_text(yaml.safe_dump(incident, sort_keys=False), encoding="utf-8")


def _names_used(recorded: Recorded) -> str:
    """Whether the bundle's devices are called by their roles."""
    incident = yaml.safe_load((recorded.folder / "incident.yaml").read_text(encoding="utf-8"))
    return "generic" if incident["service"]["ends"] == ["host-a", "host-b"] else "random"


def _picture(bundle: Path, recorded: Recorded, seed: int, names: str) -> Picture:
    """Read a bundle as the tool does."""
    truth: dict[str, Any] = yaml.safe_load((bundle / "truth.yaml").read_text(encoding="utf-8"))
    with open_bundle(bundle) as opened:
        reading = Reading(opened)
        gathered = gather(reading)
        observations = [item for item in reading.observe(()) if isinstance(item, LogEvent)]
    incident, topology, findings = gathered.incident, gathered.topology, gathered.findings
    roles = _roles(topology, incident.service.ends, draw_plan(recorded.shape, seed, names), bundle)
    verdict = decide(bundle)
    loss, interrupted = _suffering(bundle, truth, incident.window, _customer_clock(recorded.clock_errors))
    return Picture(
        loss, interrupted,
        frozenset((roles.get(item.device, item.device), str(item.kind), str(item.reason or ""))
                  for item in observations if item.kind not in _UNREMARKABLE),
        frozenset((_by_role(alarm.component, roles), str(alarm.kind)) for alarm in findings.alarms),
        str(verdict.party), _first_component(verdict, roles),
    )


def _roles(topology: Topology, ends: tuple[str, str], plan: Plan, bundle: Path) -> dict[str, str]:
    """Which role each named node has: by the names that the seed draws, else by its place in the network."""
    drawn = {node.name: node.role for node in plan.nodes}
    if set(topology.nodes) <= set(drawn):
        return drawn
    planned: networkx.Graph[str] = networkx.Graph()
    named: networkx.Graph[str] = networkx.Graph()
    for node in plan.nodes:
        if node.listed:
            planned.add_node(node.role, what=(str(node.side), str(node.kind), node.role in plan.ends[:1],
                                              node.role in plan.ends[1:]))
    planned.add_edges_from((link.ends[0].role, link.ends[1].role) for link in plan.links if link.listed)
    for name, known in topology.nodes.items():
        named.add_node(name, what=(str(known.side), str(known.kind), name == ends[0], name == ends[1]))
    named.add_edges_from((link.source, link.target) for link in topology.links.values())
    matcher = networkx.isomorphism.GraphMatcher(named, planned, node_match=lambda one, other: one == other)
    if not matcher.is_isomorphic():
        raise UsageError(f"{bundle}: its topology is not that of {plan.shape}; expected a recording on that shape")
    return dict(matcher.mapping)


def _suffering(bundle: Path, truth: dict[str, Any], window: Interval, clock_error_s: float) -> tuple[float, float]:
    """The loss between the ends while the causes lasted, and how long most was lost for each second of theirs."""
    spans = [(_moment(cause["start"]), _moment(cause["end"])) for cause in truth["causes"]]
    if not spans:
        spans = [(window.start_ns / 1e9, window.end_ns / 1e9)]
    sent = received = 0
    bad = 0.0
    first: str | None = None
    for row in _end_to_end_rows(bundle):
        moment = _moment(row["time"]) - clock_error_s
        first = first or row["source"]
        if any(start + _GRACE_SECONDS <= moment and moment + 1 <= end - 0.5 for start, end in spans):
            sent += int(row["sent"])
            received += int(row["received"])
        if row["source"] == first and int(row["received"]) < int(row["sent"]) / 2:
            bad += 1.0
    return 1 - received / sent if sent else 0.0, bad / sum(end - start for start, end in spans)


def _end_to_end_rows(bundle: Path) -> list[dict[str, str]]:
    file = bundle / "telemetry" / "probes-end-to-end.csv"
    with file.open(encoding="utf-8") as opened:
        return [row for row in csv.DictReader(opened) if row["kind"] == "icmp" and row["size"] != _LARGE_ECHO]


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _customer_clock(errors: tuple[str, ...]) -> float:
    """How far the customer's clock is ahead, which its probes show."""
    parts = [error.partition("=") for error in errors]
    return next((float(seconds) for side, _, seconds in parts if side == "customer"), 0.0)


def _by_role(component: str, roles: dict[str, str]) -> str:
    """A component by the roles of its nodes, so that recordings with other names can be compared."""
    return "--".join(sorted(roles.get(name, name) for name in component.split("--")))


def _first_component(verdict: Verdict, roles: dict[str, str]) -> str:
    return _by_role(verdict.causes[0].component, roles) if verdict.causes else ""


def compare_corpus(corpus: Path, seeds: int, output: Path | None) -> Iterator[str]:
    """One line per scenario: how alike recordings and simulations are; at the end what differs most often."""
    found: dict[str, list[Likeness]] = {}
    for recorded in recorded_bundles(corpus):
        for number in range(seeds):
            try:
                likeness = compare(recorded, recorded.seed + _BETWEEN_TWINS * number)
            except RecordingRefused as problem:
                yield f"refused: {problem}"
                continue
            found.setdefault(recorded.scenario.name, []).append(likeness)
    if not found:
        raise UsageError(f"{corpus}: no recorded bundle of a known scenario; expected a manifest.csv, or pcaps/")
    if output is not None:
        _write_table(found, output)
    yield (f"{'scenario':48} {'n':>3} {'loss lab/sim':>13} {'length lab/sim':>15} {'logs p/r':>10} {'alarms p/r':>11} "
           f"{'party':>6} {'component':>9}")
    for name, likenesses in sorted(found.items()):
        yield _line(name, likenesses)
    everything = [likeness for likenesses in found.values() for likeness in likenesses]
    yield _line("all", everything)
    yield from _differences(everything)


def _line(name: str, likenesses: list[Likeness]) -> str:
    def mean(value: Callable[[Likeness], float]) -> float:
        return sum(map(value, likenesses)) / len(likenesses)

    return (
        f"{name:48} {len(likenesses):3} "
        f"{mean(lambda one: one.lab.loss):6.2f}/{mean(lambda one: one.simulated.loss):6.2f} "
        f"{mean(lambda one: one.lab.interrupted):7.2f}/{mean(lambda one: one.simulated.interrupted):7.2f} "
        f"{mean(lambda one: one.log_precision):5.2f}/{mean(lambda one: one.log_recall):4.2f} "
        f"{mean(lambda one: one.alarm_precision):6.2f}/{mean(lambda one: one.alarm_recall):4.2f} "
        f"{mean(lambda one: one.lab.party == one.simulated.party):6.2f} "
        f"{mean(lambda one: one.lab.component == one.simulated.component):9.2f}"
    )


def _differences(everything: list[Likeness], most: int = 25) -> Iterator[str]:
    """What one of the two says and the other does not, the most frequent first."""
    logged: Counter[tuple[str, Sign]] = Counter()
    alarms: Counter[tuple[str, Sign]] = Counter()
    for one in everything:
        logged.update(_unshared(one.lab.logged, one.simulated.logged))
        alarms.update(_unshared(one.lab.alarms, one.simulated.alarms))
    for title, counted in (("logged", logged), ("alarm", alarms)):
        for (where, sign), count in counted.most_common(most):
            yield f"{title}: {where}: {' '.join(sign)} ({count})"
    for one in everything:
        if one.lab.party != one.simulated.party:
            yield (f"verdict: {one.recorded.folder.name}: laboratory {one.lab.party} ({one.lab.component}), "
                   f"simulator {one.simulated.party} ({one.simulated.component})")


def _unshared(lab: frozenset[Sign], simulated: frozenset[Sign]) -> Iterator[tuple[str, Sign]]:
    yield from (("laboratory only", sign) for sign in sorted(lab - simulated))
    yield from (("simulator only", sign) for sign in sorted(simulated - lab))


def _write_table(found: dict[str, list[Likeness]], output: Path) -> None:
    with output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("folder", "scenario", "topology", "lab_loss", "sim_loss", "lab_interrupted",
                         "sim_interrupted", "log_precision", "log_recall", "alarm_precision", "alarm_recall",
                         "lab_party", "sim_party", "lab_component", "sim_component"))
        for likenesses in found.values():
            for one in likenesses:
                writer.writerow((
                    one.recorded.folder.name, one.recorded.scenario.name, one.recorded.shape.name,
                    f"{one.lab.loss:.3f}", f"{one.simulated.loss:.3f}", f"{one.lab.interrupted:.3f}",
                    f"{one.simulated.interrupted:.3f}", f"{one.log_precision:.3f}", f"{one.log_recall:.3f}",
                    f"{one.alarm_precision:.3f}", f"{one.alarm_recall:.3f}", one.lab.party, one.simulated.party,
                    one.lab.component, one.simulated.component))
