"""How far one party's word is doubted, and what the evidence as a whole does not tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from attribution.inference.candidates import ServicePaths
from attribution.model.evidence import Findings, Measurement, RecordKind
from attribution.model.observation import Caveat
from attribution.model.phrase import Phrase
from attribution.model.topology import Side, Topology
from attribution.model.verdict import CauseKind, Hypothesis

# How far one party's evidence against the other is doubted where nobody else was asked: what it left out may tell the
# story the other way round. Its word alone is worth less than packets that it counted on the way.
DOUBT_OF_WORD = 0.25
DOUBT_OF_COUNTS = 0.05
DOUBT_OF_DRAWING = 0.5
# How far it is doubted that whoever owns the line between the two sides answers for its being too small, where nobody
# knows what was bought, or what was offered: it may have been more than was bought.
DOUBT_OF_LINE = 0.5
# How often the service was interrupted while something that it cannot do without is reported down in the time of the
# complaint, and nobody counted its packets.
ALARMS_ARE_RIGHT = 0.95


NOT_STATED = Caveat(
    "incident.yaml",
    "service.bandwidth_bps",
    Phrase("it is not stated what was bought, so that nobody can tell whether more was offered: ask for the contract"),
)


def telling_suppliers(findings: Findings, paths: ServicePaths) -> frozenset[Side | None]:
    """From whom all comes that tells one place on the way from another; empty where nothing does."""
    suppliers = {alarm.citation.origin.supplied_by for alarm in findings.alarms if alarm.reporter in paths}
    acts = (record for record in findings.records if record.kind is not RecordKind.VIOLATION)
    suppliers |= {record.citation.origin.supplied_by for record in acts if record.component in paths}
    suppliers |= {m.citation.origin.supplied_by for m in counts_of_parts(findings, paths)}
    return frozenset(suppliers)


def sole_supplier(findings: Findings, paths: ServicePaths) -> Side | None:
    """The side from which all comes that tells one place on the way from another, if it is one side alone."""
    suppliers = telling_suppliers(findings, paths)
    return next(iter(suppliers)) if len(suppliers) == 1 else None


def counts_of_parts(findings: Findings, paths: ServicePaths) -> Iterator[Measurement]:
    """What was counted on parts of the service's way, rather than between its ends."""
    for m in findings.measurements:
        if not m.end_to_end and any(s.components[0] in paths for journey in m.journeys for s in journey):
            yield m


def doubt_unsupported(
    hypotheses: Sequence[Hypothesis], supplier: Side | None, topology: Topology, doubt: float = DOUBT_OF_WORD
) -> Iterator[Hypothesis]:
    """A party's word against the other is doubted while nobody else was asked; what is doubted belongs to no party."""
    doubted = 0.0
    for hypothesis in hypotheses:
        if is_doubted(hypothesis, supplier, topology):
            doubted += hypothesis.probability * doubt
            hypothesis = replace(hypothesis, probability=hypothesis.probability * (1 - doubt))
        yield hypothesis
    if doubted > 0:
        yield Hypothesis((), doubted, known=False)


def doubt_the_line(hypotheses: Sequence[Hypothesis], topology: Topology) -> Iterator[Hypothesis]:
    """That the line between the two sides was too small tells of neither while nobody knows what it had to carry: what
    is doubted belongs to no party, and comes last."""
    doubted = 0.0
    for hypothesis in hypotheses:
        if any(cause.kind is CauseKind.OVERLOAD and cause.component in topology.links for cause in hypothesis.causes):
            doubted += hypothesis.probability * DOUBT_OF_LINE
            hypothesis = replace(hypothesis, probability=hypothesis.probability * (1 - DOUBT_OF_LINE))
        yield hypothesis
    yield Hypothesis((), doubted, known=False)


def accuse_nobody(hypotheses: Sequence[Hypothesis]) -> Iterator[Hypothesis]:
    """Where nothing tells one place from another the drawing alone speaks: having more devices is no guilt."""
    yield from (replace(h, probability=h.probability * (1 - DOUBT_OF_DRAWING)) for h in hypotheses)
    yield Hypothesis((), DOUBT_OF_DRAWING, known=False)


def believe_alarms(hypotheses: Sequence[Hypothesis]) -> Iterator[Hypothesis]:
    """Where nobody counted packets, what devices report may have interrupted nothing at all."""
    yield from (replace(h, probability=h.probability * ALARMS_ARE_RIGHT) for h in hypotheses)
    yield Hypothesis((), 1.0 - ALARMS_ARE_RIGHT)


def is_doubted(hypothesis: Hypothesis, supplier: Side | None, topology: Topology) -> bool:
    """Whether all that places a hypothesis comes from one side, and it accuses the other."""
    sides = {
        cause.actor if cause.kind is CauseKind.ENFORCEMENT_ACTION else topology.side_of(cause.component)
        for cause in hypothesis.causes
    }
    return supplier is not None and supplier.other in sides
