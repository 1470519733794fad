"""The table of contents of the program: from an incident's folder to a verdict, stage by stage."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from attribution.bundle import Bundle, open_bundle
from attribution.detectors import detect_evidence
from attribution.inference import Inference, infer_causes, leave_out
from attribution.model.agreement import Agreement
from attribution.model.incident import EvidenceType, Incident, Origin
from attribution.model.observation import Caveat, Observation
from attribution.model.topology import Topology
from attribution.model.verdict import Cause, Hypothesis, Verdict
from attribution.packets import Capture, compare_captures, compare_points, observe_point
from attribution.readers import check_against_topology, count_strangers, read_evidence, read_incident, read_topology
from attribution.report import summarise
from attribution.responsibility import answering_side, decide_responsibility, load_agreement

INCIDENT_FILE = "incident.yaml"
Stated = tuple[tuple[Observation | Caveat, ...], Capture | None]
Place = tuple[str, str]
"""A file, and the locator in it that a piece of evidence cites."""


def decide(path: str | Path, without: Collection[str] = ()) -> Verdict:
    """Decide an incident: a folder, or an archive of one, as the incident bundle describes it.

    `without` names files of evidence to leave aside, as if nobody had handed them in.
    Errors: AttributionError, saying which file and place of the bundle breaks the contract and what was expected.
    """
    with open_bundle(path) as bundle:
        return conclude(Reading(bundle), frozenset(without))


class Reading:
    """An incident's files, each read once: it can be decided by all that they state, or without some of it."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.incident, self.topology, self.caveats = read_statement(bundle)
        self.agreement = load_agreement(self.incident.agreement, f"{INCIDENT_FILE}: agreement")
        self._stated: dict[str, Stated] = {}
        self._compared: dict[tuple[str, ...], Stated] = {}

    def observe(self, without: Collection[str]) -> Iterator[Observation | Caveat]:
        """All that the other files state, in the order of their names; captures also say what was lost between them."""
        read: dict[tuple[str, EvidenceType], str] = {}
        captures: list[tuple[Origin, Capture | None]] = []
        for origin in sorted(self.incident.origins, key=lambda origin: origin.file):
            if origin.file in without:
                continue
            known = replace(origin, sha256=self.bundle.digest(origin.file))
            first = read.setdefault((known.sha256, known.type), known.file)
            if first != known.file:
                yield Caveat(known.file, "the whole file", f"the same, octet for octet, as {first}: read once")
                continue
            stated, capture = self._state(known)
            yield from stated
            if known.type is EvidenceType.CAPTURE:
                captures.append((known, capture))
        yield from self._compare(captures)

    def _state(self, origin: Origin) -> Stated:
        if origin.file not in self._stated:
            if origin.type is EvidenceType.CAPTURE:
                with self.bundle.open(origin.file) as stream:
                    seen, capture = observe_point(stream, origin)
                    self._stated[origin.file] = (tuple(seen), capture)
            else:
                self._stated[origin.file] = (tuple(read_evidence(self.bundle.read(origin.file), origin)), None)
        return self._stated[origin.file]

    def _compare(self, captures: Sequence[tuple[Origin, Capture | None]]) -> Sequence[Observation | Caveat]:
        files = tuple(origin.file for origin, _ in captures)
        if files not in self._compared:
            self._compared[files] = (tuple(compare_all(self.bundle, captures)), None)
        return self._compared[files][0]


def conclude(reading: Reading, without: Collection[str] = (), places: Collection[Place] = ()) -> Verdict:
    """The verdict by all that was read, but for the files left aside and the evidence cited at the places named."""
    incident, topology = _without_files(reading.incident, without), reading.topology
    caveats, observations = list(reading.caveats), []
    for seen in reading.observe(without):
        if isinstance(seen, Caveat):
            caveats.append(seen)
        else:
            observations.append(seen)
    caveats += count_strangers(observations, topology)
    findings = leave_out(detect_evidence(observations, topology, incident), places)
    inference = infer_causes(findings, topology, incident.service, incident.window)
    verdict = apply_agreement(incident, topology, reading.agreement, inference)
    inputs = tuple(file for file in reading.bundle.inputs if file.file not in without)
    return replace(verdict, inputs=inputs, caveats=(*caveats, *findings.caveats))


def _without_files(incident: Incident, without: Collection[str]) -> Incident:
    return replace(incident, origins=tuple(origin for origin in incident.origins if origin.file not in without))


def read_statement(bundle: Bundle) -> tuple[Incident, Topology, list[Caveat]]:
    """What the exporter states: the incident, and the network that its evidence is about."""
    incident = read_incident(bundle.read(INCIDENT_FILE), bundle)
    topology, caveats = read_topology(bundle.read(incident.topology_file), incident.topology_file)
    return incident, topology, [*caveats, *check_against_topology(incident, topology)]


def compare_all(
    bundle: Bundle, captures: Sequence[tuple[Origin, Capture | None]]
) -> Iterator[Observation | Caveat]:
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
