"""The table of contents of the program: from an incident's folder to a verdict, stage by stage."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from attribution.bundle import Bundle, open_bundle
from attribution.detectors import detect_evidence
from attribution.inference import Inference, infer_causes
from attribution.model.agreement import Agreement
from attribution.model.flow_table import FlowTable
from attribution.model.incident import EvidenceType, Incident, Origin
from attribution.model.observation import Caveat, Observation
from attribution.model.topology import Topology
from attribution.model.verdict import Cause, Hypothesis, Verdict
from attribution.packets import Capture, compare_captures, compare_points, observe_point
from attribution.readers import (
    check_against_topology,
    count_strangers,
    read_evidence,
    read_flow_table,
    read_incident,
    read_topology,
)
from attribution.report import summarise
from attribution.responsibility import answering_side, decide_responsibility, load_agreement

INCIDENT_FILE = "incident.yaml"


def decide(path: str | Path) -> Verdict:
    """Decide an incident: a folder, or an archive of one, as the incident bundle describes it.

    Errors: AttributionError, saying which file and place of the bundle breaks the contract and what was expected.
    """
    with open_bundle(path) as bundle:
        incident, topology, caveats = read_statement(bundle)
        agreement = load_agreement(incident.agreement, f"{INCIDENT_FILE}: agreement")
        observations: list[Observation] = []
        tables: list[FlowTable] = []
        for seen in read_observations(bundle, incident):
            if isinstance(seen, Caveat):
                caveats.append(seen)
            elif isinstance(seen, FlowTable):
                tables.append(seen)
            else:
                observations.append(seen)
        inputs = bundle.inputs
    caveats += count_strangers(observations, topology, tables)
    findings = detect_evidence(observations, topology, incident, tables)
    inference = infer_causes(findings, topology, incident.service, incident.window)
    verdict = apply_agreement(incident, topology, agreement, inference)
    return replace(verdict, inputs=inputs, caveats=(*caveats, *findings.caveats, *inference.caveats))


def read_statement(bundle: Bundle) -> tuple[Incident, Topology, list[Caveat]]:
    """What the exporter states: the incident, and the network that its evidence is about."""
    incident = read_incident(bundle.read(INCIDENT_FILE), bundle)
    with _no_collection():
        topology, caveats = read_topology(bundle.read(incident.topology_file), incident.topology_file)
    return incident, topology, [*caveats, *check_against_topology(incident, topology)]


@contextmanager
def _no_collection() -> Iterator[None]:
    """A large network is a million objects that all stay: to look for garbage among them is a waste."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def read_observations(bundle: Bundle, incident: Incident) -> Iterator[Observation | FlowTable | Caveat]:
    """All that the files state, in the order of their names; captures also say what was lost between them."""
    captures: list[tuple[Origin, Capture | None]] = []
    read: dict[tuple[str, EvidenceType], str] = {}
    for origin in sorted(incident.origins, key=lambda origin: origin.file):
        known = replace(origin, sha256=bundle.digest(origin.file))
        first = read.setdefault((known.sha256, known.type), known.file)
        if first != known.file:
            yield Caveat(known.file, "the whole file", f"the same, octet for octet, as {first}: read once")
            continue
        if known.type is EvidenceType.CAPTURE:
            with bundle.open(known.file) as stream:
                seen, capture = observe_point(stream, known)
                yield from seen
            captures.append((known, capture))
        elif known.type is EvidenceType.FLOWS:
            yield from read_flow_table(bundle.read(known.file), known)
        else:
            yield from read_evidence(bundle.read(known.file), known)
    yield from compare_all(bundle, captures)


def compare_all(bundle: Bundle, captures: Sequence[tuple[Origin, Capture | None]]) -> Iterator[Observation | Caveat]:
    """What was lost between the capture points. Where a capture is too large to be kept, neighbours are read again."""
    small = [capture for _, capture in captures if capture is not None]
    if len(small) == len(captures):
        yield from compare_captures(small)
        return
    with ExitStack() as opened:
        streams = [opened.enter_context(bundle.open(origin.file)) for origin, _ in captures]
        yield from compare_points(streams, [origin for origin, _ in captures])


def apply_agreement(incident: Incident, topology: Topology, agreement: Agreement, inference: Inference) -> Verdict:
    """Who answers by the Agreement, with the evidence that carried the answer and what is still missing."""
    answer = decide_responsibility(inference.hypotheses, agreement, inference.interruption, topology)

    def side_of(cause: Cause) -> str:
        side = answering_side(cause, topology, agreement)
        return side.value if side is not None else "unknown"

    evidence = inference.weigh(_chosen(inference.hypotheses, answer.causes), side_of)
    causes = tuple(
        replace(cause, evidence=tuple(e.id for e in evidence if e.weight > 0 and e.component == cause.component))
        for cause in answer.causes
    )
    verdict = Verdict(
        incident=incident.id,
        party=answer.party,
        clause=answer.clause,
        probability=answer.probability,
        summary="",
        parties=answer.parties,
        interruption=answer.interruption,
        causes=causes,
        evidence=evidence,
        requests=inference.request(side_of),
        inputs=(),
        caveats=(),
        provisions=answer.provisions,
        service_level=answer.service_level,
    )
    return replace(verdict, summary=summarise(verdict))


def _chosen(hypotheses: Sequence[Hypothesis], causes: Sequence[Cause]) -> int:
    """Which hypothesis the answer rests on."""
    wanted = [(cause.component, cause.kind) for cause in causes]
    alike = (i for i, h in enumerate(hypotheses) if [(cause.component, cause.kind) for cause in h.causes] == wanted)
    return next(alike, 0)
