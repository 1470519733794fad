"""What is kept of a decision: the verdict, the dossier, and every observation, piece of evidence and hypothesis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attribution.case.lines import write_document, write_lines
from attribution.case.manifest import write_manifest
from attribution.model.dossier import Dossier
from attribution.model.evidence import Findings
from attribution.model.flow_table import FlowTable
from attribution.model.kept_case import MANIFEST_FILE, KeptCase, Manifest, ProgramStatement
from attribution.model.observation import Caveat, Observation
from attribution.model.verdict import Hypothesis

DOSSIER_PARTS = ("timeline", "losses", "rates", "clocks", "excerpts", "rivals", "reliability", "capture_points")
OBSERVATIONS, EVIDENCE, HYPOTHESES = "observations.ndjson", "evidence.ndjson", "hypotheses.ndjson"
VERDICT, DOSSIER = "verdict.json", "dossier.json"


def compile_case(
    verdict_json: str,
    dossier: Dossier,
    stated: Iterable[Observation | FlowTable | Caveat],
    findings: Findings,
    hypotheses: Iterable[Hypothesis],
    program: ProgramStatement,
    without: Iterable[str] = (),
) -> KeptCase:
    """The contents of a case's files; those that are lists have a line for each thing, in the order it was found."""
    contents = {
        VERDICT: verdict_json.encode("utf-8"),
        DOSSIER: write_document({part: getattr(dossier, part) for part in DOSSIER_PARTS}),
        OBSERVATIONS: write_lines(stated),
        EVIDENCE: write_lines(_evidence(findings)),
        HYPOTHESES: write_lines(hypotheses),
    }
    verdict = dossier.verdict
    manifest = Manifest(verdict.incident, tuple(sorted(without)), program, verdict.inputs, {})
    return KeptCase({MANIFEST_FILE: write_manifest(manifest, contents), **contents})


def _evidence(findings: Findings) -> Iterator[object]:
    yield from findings.measurements
    yield from findings.alarms
    yield from findings.records
    yield from findings.flows
    yield findings.coverage
    yield from findings.caveats
    yield Ways(findings.service_paths, findings.session_paths)


class Ways(Mapping[str, object]):
    """The ways through the network that the service and its sessions were found to take."""

    def __init__(self, service: object, sessions: object) -> None:
        self._parts = {"service_paths": service, "session_paths": sessions}

    def __getitem__(self, key: str) -> object:
        return self._parts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)
