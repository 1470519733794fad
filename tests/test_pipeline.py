"""From a folder to a verdict, on the smallest bundles that tell a story: the stages are joined as they should be."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

import attribution
from attribution.errors import BundleError, EvidenceError, TopologyError
from attribution.model.topology import Side
from attribution.model.verdict import CauseKind, Party, Verdict
from attribution.pipeline import decide
from attribution.report import render_json

BEGIN = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
SECONDS = 150
OUTAGE = (40, 90)
"""When the incidents' trouble begins and ends, in seconds."""
NODES = (
    {"id": "idc-host", "side": "customer", "kind": "host", "addresses": ["10.1.0.2"]},
    {"id": "ce1", "side": "customer", "kind": "router", "addresses": ["10.1.0.1", "192.0.2.1"]},
    {"id": "pe1", "side": "provider", "kind": "router", "addresses": ["192.0.2.2", "10.9.1.1"]},
    {"id": "core", "side": "provider", "kind": "router", "addresses": ["10.9.1.2", "10.9.2.1"]},
    {"id": "pe2", "side": "provider", "kind": "router", "addresses": ["10.9.2.2", "10.2.0.1"]},
    {"id": "vpc-host", "side": "customer", "kind": "host", "addresses": ["10.2.0.2"]},
)
LINKS = (
    {"source": "idc-host", "target": "ce1", "interfaces": {"idc-host": "eth0", "ce1": "GigabitEthernet0/0"}},
    {"source": "ce1", "target": "pe1", "interfaces": {"ce1": "GigabitEthernet0/1", "pe1": "GigabitEthernet0/0"}},
    {"source": "pe1", "target": "core", "interfaces": {"pe1": "GigabitEthernet0/1", "core": "GigabitEthernet0/0"}},
    {"source": "core", "target": "pe2", "interfaces": {"core": "GigabitEthernet0/1", "pe2": "GigabitEthernet0/0"}},
    {
        "source": "pe2",
        "target": "vpc-host",
        "side": "provider",
        "interfaces": {"pe2": "GigabitEthernet0/1", "vpc-host": "eth0"},
    },
)
Loss = Callable[[int], float]


def stamp(second: float) -> str:
    return (BEGIN + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def nothing(_second: int) -> float:
    return 0.0


def everything(second: int) -> float:
    return 1.0 if OUTAGE[0] <= second < OUTAGE[1] else 0.0


def a_tenth(second: int) -> float:
    return 0.1 if OUTAGE[0] <= second < OUTAGE[1] else 0.0


def probes(*series: tuple[str, str, Loss], sent: int = 20) -> str:
    """Probes every second between pairs of nodes, with the share that was lost at each."""
    rows = ["time,source,destination,kind,sent,received,rtt_avg_ms,rtt_max_ms"]
    for source, destination, loss in series:
        for second in range(SECONDS):
            received = sent - round(sent * loss(second))
            rows.append(f"{stamp(second)},{source},{destination},icmp,{sent},{received},1.5,2.5")
    return "\n".join(rows) + "\n"


def log_line(second: float, device: str, message: str) -> str:
    return f"<187>1 {stamp(second)} {device} - - - - {message}\n"


@dataclass(frozen=True)
class Story:
    """A bundle in the making: its evidence by file, with type and supplier."""

    evidence: Mapping[str, tuple[str, str, str]]
    more: Mapping[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        listed = [
            f"  - {{file: {file}, type: {type}, supplied_by: {side}}}"
            for file, (type, side, _) in self.evidence.items()
        ]
        incident = [
            "schema: 1",
            "id: INC-7",
            "title: Connection interrupted",
            "agreement: tencent-cross-region-connection",
            "service: {ends: [idc-host, vpc-host], bandwidth_bps: 100000000}",
            f"window: {{start: {stamp(OUTAGE[0])}, end: {stamp(OUTAGE[1])}}}",
            "topology: topology.json",
            "evidence:",
            *listed,
        ]
        files = {file: content for file, (_, _, content) in self.evidence.items()}
        topology = {"directed": False, "multigraph": False, "nodes": NODES, "edges": LINKS}
        for name, content in {
            "incident.yaml": "\n".join(incident) + "\n",
            "topology.json": json.dumps(topology),
            **files,
            **self.more,
        }.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return folder

    def with_evidence(self, file: str, kind: str, side: str, content: str) -> Story:
        return replace(self, evidence={**self.evidence, file: (kind, side, content)})

    def with_file(self, file: str, content: str) -> Story:
        return replace(self, more={**self.more, file: content})


EDGE_LOGS = "".join(
    (
        log_line(5, "pe1", "%SYS-6-LOGGINGHOST_STARTSTOP: Logging to host 10.9.9.9 port 514 started"),
        log_line(40.6, "pe1", "%LINK-3-UPDOWN: Interface GigabitEthernet0/0, changed state to down"),
        log_line(41.2, "pe1", "%BGP-5-ADJCHANGE: neighbor 192.0.2.1 Down Interface flap"),
        log_line(88.1, "pe1", "%LINK-3-UPDOWN: Interface GigabitEthernet0/0, changed state to up"),
        log_line(89.5, "pe1", "%BGP-5-ADJCHANGE: neighbor 192.0.2.1 Up"),
    )
)
RESTART = log_line(89.0, "ce1", "%SYS-5-RESTART: System restarted --")
EDGE_CRASH = Story(
    {
        "customer/probes.csv": (
            "probes",
            "customer",
            probes(("idc-host", "vpc-host", everything), ("idc-host", "ce1", everything)),
        ),
        "customer/ce1.log": ("syslog", "customer", RESTART),
        "provider/probes.csv": ("probes", "provider", probes(("pe1", "pe2", nothing), ("pe2", "vpc-host", nothing))),
        "provider/pe1.log": ("syslog", "provider", EDGE_LOGS),
    }
)
GRAY_CORE = Story(
    {
        "customer/probes.csv": (
            "probes",
            "customer",
            probes(
                ("idc-host", "vpc-host", a_tenth), ("idc-host", "ce1", nothing), ("idc-host", "pe1", nothing), sent=50
            ),
        ),
        "provider/probes.csv": (
            "probes",
            "provider",
            probes(("pe1", "pe2", a_tenth), ("pe1", "core", nothing), ("vpc-host", "pe2", nothing), sent=50),
        ),
    }
)
HEALTHY = Story({"customer/probes.csv": ("probes", "customer", probes(("idc-host", "vpc-host", nothing)))})
BLIND = Story({"customer/probes.csv": ("probes", "customer", probes(("idc-host", "ce1", nothing)))})
STORIES = {"edge": EDGE_CRASH, "gray": GRAY_CORE, "healthy": HEALTHY, "blind": BLIND}
VerdictOn = Callable[[str], Verdict]


@pytest.fixture(scope="module", name="verdict_on")
def _verdict_on(tmp_path_factory: pytest.TempPathFactory) -> VerdictOn:
    """Each story is decided once for all tests."""

    @cache
    def verdict_on(name: str) -> Verdict:
        return decide(STORIES[name].write(tmp_path_factory.mktemp(name)))

    return verdict_on


EVERY_STORY = pytest.mark.parametrize("name", STORIES)


def test_a_crashed_edge_of_the_customer_is_the_customer_s(verdict_on: VerdictOn) -> None:
    verdict = verdict_on("edge")

    assert (verdict.party, verdict.clause) == (Party.CUSTOMER, "4.2(2)")
    assert verdict.probability > 0.85
    assert (verdict.causes[0].component, verdict.causes[0].kind) == ("ce1", CauseKind.DEVICE_FAILURE)
    assert verdict.causes[0].side is Side.CUSTOMER
    assert verdict.interruption.seconds == pytest.approx(OUTAGE[1] - OUTAGE[0], abs=2)
    assert verdict.interruption.seconds_by_party["customer"] == pytest.approx(verdict.interruption.seconds)


def test_gray_loss_in_the_core_is_the_provider_s_by_probes_of_the_segments_alone(verdict_on: VerdictOn) -> None:
    verdict = verdict_on("gray")

    assert verdict.parties["provider"] > 10 * verdict.parties["customer"]
    assert verdict.party in (Party.PROVIDER, Party.UNDETERMINED)
    assert verdict.causes[0].component in {"core", "pe2", "core--pe2"}
    assert verdict.causes[0].kind not in (CauseKind.DEVICE_FAILURE, CauseKind.LINK_FAILURE)


def test_whoever_is_sure_asks_for_nothing_more(
    verdict_on: VerdictOn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubtful = verdict_on("blind")
    assert doubtful.requests

    monkeypatch.setattr("attribution.pipeline.SETTLED", doubtful.probability)
    assert not decide(BLIND.write(tmp_path)).requests


def test_an_hour_without_trouble_is_nobody_s(verdict_on: VerdictOn) -> None:
    verdict = verdict_on("healthy")

    assert (verdict.party, verdict.clause, verdict.causes) == (Party.NEITHER, None, ())
    assert not verdict.interruption.detected
    assert verdict.interruption.seconds == 0


def test_a_window_that_nobody_measured_stays_open(verdict_on: VerdictOn) -> None:
    verdict = verdict_on("blind")
    assert (verdict.party, verdict.clause) == (Party.UNDETERMINED, None)


@EVERY_STORY
def test_parties_add_up_to_one(name: str, verdict_on: VerdictOn) -> None:
    assert sum(verdict_on(name).parties.values()) == pytest.approx(1)


@EVERY_STORY
def test_the_same_folder_gives_the_same_document(name: str, verdict_on: VerdictOn, tmp_path: Path) -> None:
    assert render_json(decide(str(STORIES[name].write(tmp_path)))) == render_json(verdict_on(name))


def test_the_public_name_gives_the_same_document(verdict_on: VerdictOn, tmp_path: Path) -> None:
    public = attribution.decide(EDGE_CRASH.write(tmp_path))

    assert public.to_json() == render_json(verdict_on("edge"))


def test_every_input_is_listed_with_its_digest(verdict_on: VerdictOn, tmp_path: Path) -> None:
    folder = EDGE_CRASH.write(tmp_path)
    inputs = {one.file: one for one in verdict_on("edge").inputs}

    assert set(inputs) == {"incident.yaml", "topology.json", *EDGE_CRASH.evidence}
    for file, one in inputs.items():
        content = (folder / file).read_bytes()
        assert (one.sha256, one.octets) == (hashlib.sha256(content).hexdigest(), len(content))


def test_the_causes_cite_evidence_that_the_verdict_shows(verdict_on: VerdictOn) -> None:
    verdict = verdict_on("edge")
    shown = {evidence.id: evidence for evidence in verdict.evidence}

    assert verdict.causes[0].evidence
    for cause in verdict.causes:
        for one in cause.evidence:
            assert shown[one].weight > 0
            assert shown[one].component == cause.component
    assert {evidence.file for evidence in verdict.evidence} <= set(EDGE_CRASH.evidence)


def test_each_supplier_s_word_is_marked_as_such(verdict_on: VerdictOn) -> None:
    for evidence in verdict_on("edge").evidence:
        assert evidence.supplied_by is not None
        assert evidence.file.startswith(evidence.supplied_by.value)


def test_the_clauses_come_with_their_words_and_the_summary_is_a_sentence(verdict_on: VerdictOn) -> None:
    verdict = verdict_on("edge")
    assert verdict.clause in {provision.id for provision in verdict.provisions}
    assert verdict.summary.strip()
    assert "ce1" in verdict.summary


def test_evidence_handed_in_twice_counts_once(verdict_on: VerdictOn, tmp_path: Path) -> None:
    copied = EDGE_CRASH.with_evidence("zz/copy.csv", *EDGE_CRASH.evidence["customer/probes.csv"])
    verdict, once = decide(copied.write(tmp_path)), verdict_on("edge")

    assert verdict.parties == once.parties
    assert [(c.component, c.kind, c.interval) for c in verdict.causes] == [
        (c.component, c.kind, c.interval) for c in once.causes
    ]
    assert any(caveat.file == "zz/copy.csv" and "customer/probes.csv" in caveat.reason for caveat in verdict.caveats)


def test_the_order_of_the_files_does_not_matter(verdict_on: VerdictOn, tmp_path: Path) -> None:
    turned = replace(EDGE_CRASH, evidence=dict(reversed(list(EDGE_CRASH.evidence.items()))))
    verdict = decide(turned.write(tmp_path))
    assert (verdict.parties, verdict.evidence) == (verdict_on("edge").parties, verdict_on("edge").evidence)


@pytest.mark.parametrize("truth", ["party: provider\nclause: '4.2'\ncauses: []\n", "[no yaml: at all"])
def test_a_truth_beside_the_evidence_is_not_read(truth: str, verdict_on: VerdictOn, tmp_path: Path) -> None:
    labelled = decide(EDGE_CRASH.with_file("truth.yaml", truth).write(tmp_path))
    assert render_json(labelled) == render_json(verdict_on("edge"))


def test_files_that_are_not_listed_are_not_read(verdict_on: VerdictOn, tmp_path: Path) -> None:
    stray = EDGE_CRASH.with_file("provider/other.log", log_line(40, "core", "%SYS-5-RESTART: System restarted --"))
    assert render_json(decide(stray.write(tmp_path))) == render_json(verdict_on("edge"))


def test_what_could_not_be_used_is_told(tmp_path: Path) -> None:
    """A line without a time, and probes of a host that no drawing knows."""
    odd = EDGE_CRASH.with_evidence("provider/odd.log", "syslog", "provider", EDGE_LOGS + "no time at all\n")
    odd = odd.with_evidence("provider/odd.csv", "probes", "provider", probes(("somewhere", "pe1", everything)))
    verdict = decide(odd.write(tmp_path))

    assert {"provider/odd.log", "provider/odd.csv"} <= {caveat.file for caveat in verdict.caveats}
    assert verdict.party is Party.CUSTOMER


@pytest.mark.parametrize("spelled", ["{}.gz.example.net", "{}.GZ.example.net.", "upper"])
@EVERY_STORY
def test_devices_write_their_own_names_as_they_like(
    name: str, spelled: str, verdict_on: VerdictOn, tmp_path: Path
) -> None:
    """With their domain, or in capitals, as syslog and monitoring systems do; the drawing has them short."""

    def respell(found: re.Match[str]) -> str:
        return found[0].upper() if spelled == "upper" else spelled.format(found[0])

    nodes = re.compile("|".join(str(node["id"]) for node in NODES))
    story = STORIES[name]
    told = {file: (kind, side, nodes.sub(respell, text)) for file, (kind, side, text) in story.evidence.items()}
    verdict = decide(replace(story, evidence=told).write(tmp_path))

    assert verdict.parties == verdict_on(name).parties
    assert [caveat.reason for caveat in verdict.caveats] == [caveat.reason for caveat in verdict_on(name).caveats]


def test_a_log_of_one_device_is_of_the_one_that_its_entry_names_whatever_it_calls_itself(tmp_path: Path) -> None:
    """Some log lines carry the name that a device was delivered with, or the relay's."""
    folder = EDGE_CRASH.write(tmp_path)
    log, statement = folder / "provider/pe1.log", folder / "incident.yaml"
    before = decide(folder)
    log.write_text(log.read_text(encoding="utf-8").replace(" pe1 ", " HUAWEI "), encoding="utf-8")
    unnamed = decide(folder)
    entry = "file: provider/pe1.log, type: syslog"
    stated = statement.read_text(encoding="utf-8").replace(entry, f"{entry}, device: pe1")
    statement.write_text(stated, encoding="utf-8")
    named = decide(folder)

    assert any("HUAWEI" in caveat.reason for caveat in unnamed.caveats)
    assert not any("HUAWEI" in caveat.reason for caveat in named.caveats)
    assert named.parties == before.parties
    assert len(named.evidence) == len(before.evidence) > len(unnamed.evidence)


def test_strangers_accuse_nobody(verdict_on: VerdictOn, tmp_path: Path) -> None:
    strange = EDGE_CRASH.with_evidence("provider/odd.csv", "probes", "provider", probes(("x", "pe1", everything)))
    assert decide(strange.write(tmp_path)).parties == pytest.approx(verdict_on("edge").parties)


def test_swapped_sides_swap_the_verdict(tmp_path: Path) -> None:
    """The same network, evidence and trouble; only who owns the crashed edge is another."""
    folder = EDGE_CRASH.write(tmp_path)
    document = json.loads((folder / "topology.json").read_text(encoding="utf-8"))
    for node in document["nodes"]:
        node["side"] = {"customer": "provider", "provider": "customer"}[node["side"]]
    for link in document["edges"]:
        if "side" in link:
            link["side"] = "customer"
    (folder / "topology.json").write_text(json.dumps(document), encoding="utf-8")
    verdict = decide(folder)

    assert verdict.party is Party.PROVIDER
    assert verdict.causes[0].component == "ce1"


def test_a_bundle_without_its_statement_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"incident\.yaml"):
        decide(tmp_path)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    broken = HEALTHY.with_evidence("customer/more.csv", "probes", "customer", "time,source\n1,2\n")
    with pytest.raises(EvidenceError, match=r"customer/more\.csv"):
        decide(broken.write(tmp_path))


def test_a_service_end_that_is_not_drawn_is_refused(tmp_path: Path) -> None:
    folder = HEALTHY.write(tmp_path)
    text = (folder / "topology.json").read_text(encoding="utf-8").replace("vpc-host", "other-host")
    (folder / "topology.json").write_text(text, encoding="utf-8")
    with pytest.raises((BundleError, TopologyError), match="vpc-host"):
        decide(folder)


def test_an_error_arrives_from_another_process_as_what_it_was() -> None:
    error = pickle.loads(pickle.dumps(BundleError("incident.yaml", "is missing", "expected a file")))

    assert isinstance(error, BundleError)
    assert str(error) == "incident.yaml: is missing; expected a file"


class Watching:
    """Notes what it is told while an incident is read."""

    def __init__(self) -> None:
        self.begun: dict[str, int | None] = {}
        self.octets = 0

    def begin(self, name: str, size: int | None) -> None:
        self.begun[name] = size

    def advance(self, octets: int) -> None:
        self.octets += octets

    def announce(self, message: str) -> None:
        """Nothing here takes its time."""


def test_who_waits_is_told_what_is_read(tmp_path: Path) -> None:
    folder = HEALTHY.write(tmp_path)
    watching = Watching()
    watched = decide(folder, watcher=watching)

    assert watched == decide(folder)
    files = {file.file: file.octets for file in watched.inputs if file.file not in ("incident.yaml", "topology.json")}
    assert watching.begun == files
    assert watching.octets == sum(files.values())
